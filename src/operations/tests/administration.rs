//! Requirements on tokens and actors: who makes them, for whom, and for whom not.
//! Never an administrator by an administrator, and never a world mixed with another.
//! A refused administrator is recorded like any caller.

use super::world::*;
use crate::access::{ActorId, Code};
use crate::identity::{ActorKind, ActorState};
use crate::limits::TOKEN_LIFE_SECONDS_MAX;
use crate::operations::{
    ActorRequest, AssignmentRequest, TokenRequest, add_actor, issue_token, list_actors,
    policy_matrix,
};

fn token(world: &World, who: ActorId, actor: ActorId, via: Option<ActorId>, life: i64) -> Done<()> {
    let asking = world.actor(who);
    let request = TokenRequest { actor, via, life_seconds: life };
    let issued = wait(issue_token(
        &asking,
        request,
        &world.origin,
        NOW,
        &world.identity,
        &world.access,
        &world.trail,
    ));
    done(issued).map(|issued| {
        let entered = world.identity.authenticate(issued.token.show(), NOW);
        assert_eq!(entered.ok().map(|entered| entered.standing().actor), Some(actor));
    })
}

#[test]
fn a_token_is_issued_for_whoever_works_with_records() {
    let world = World::new();
    assert_eq!(token(&world, SECURITY, WORKER, None, 60), Ok(()));
    assert_eq!(token(&world, SECURITY, WORKER, Some(SYSTEM), TOKEN_LIFE_SECONDS_MAX), Ok(()));
    for life in [0, -1, TOKEN_LIFE_SECONDS_MAX + 1, i64::MAX, i64::MIN] {
        assert_eq!(token(&world, SECURITY, WORKER, None, life), Err(Code::SchemaInvalid), "{life}");
    }
}

#[test]
fn nobody_without_the_duty_issues_a_token() {
    let world = World::new();
    for who in [WORKER, HEAD, OPERATOR] {
        assert_eq!(token(&world, who, WORKER, None, 60), Err(Code::Denied));
    }
}

#[test]
fn no_token_is_issued_for_an_administrator_or_for_nobody() {
    let world = World::new();
    let nobody = ActorId::from_bytes([99; 16]);
    assert_eq!(token(&world, SECURITY, SECURITY, None, 60), Err(Code::Denied));
    assert_eq!(token(&world, SECURITY, nobody, None, 60), Err(Code::NotFound));
    // Only a system acts for a person.
    assert_eq!(token(&world, SECURITY, WORKER, Some(HEAD), 60), Err(Code::NotFound));
    assert_eq!(token(&world, SECURITY, WORKER, Some(nobody), 60), Err(Code::NotFound));
    world.change_actor(SYSTEM, |record| record.state = ActorState::Suspended);
    assert_eq!(token(&world, SECURITY, WORKER, Some(SYSTEM), 60), Err(Code::NotFound));
    for state in [ActorState::Reserve, ActorState::Suspended, ActorState::Left] {
        world.change_actor(WORKER, |record| record.state = state);
        assert_eq!(token(&world, SECURITY, WORKER, None, 60), Err(Code::NotFound), "{state:?}");
    }
    // Whoever holds a role that the policy does not know may be an administrator of tomorrow.
    world.change_actor(HEAD, |record| record.assignments[0].role = "mayor".to_owned());
    assert_eq!(token(&world, SECURITY, HEAD, None, 60), Err(Code::Denied));
    world.change_actor(OPERATOR, |record| record.assignments[0].role = "audit_admin".to_owned());
    assert_eq!(token(&world, SECURITY, OPERATOR, None, 60), Err(Code::Denied));
}

fn place(role: &str, area: Option<&str>) -> AssignmentRequest {
    let area = area.map(str::to_owned);
    AssignmentRequest { role: role.to_owned(), area, line: None, from: None, until: None }
}

fn add(
    world: &World,
    who: ActorId,
    login: &str,
    kind: ActorKind,
    assignments: Vec<AssignmentRequest>,
) -> Done<ActorId> {
    let asking = world.actor(who);
    let request = ActorRequest { login: login.to_owned(), kind, assignments };
    let directory = world.identity.directory();
    let added = wait(add_actor(
        &asking,
        request,
        &world.origin,
        NOW,
        directory,
        &world.access,
        &world.trail,
        &world.territory,
        &*world.random,
    ));
    done(added).map(|added| added.id)
}

#[test]
fn an_actor_is_added_once_under_a_name() {
    let world = World::new();
    let worker = || vec![place("grid_worker", Some(GRID))];
    let id = add(&world, SECURITY, "li.si", ActorKind::Person, worker()).expect("added");
    assert!(world.identity.standing(&id).is_some());
    let again = add(&world, SECURITY, "li.si", ActorKind::Person, worker());
    assert_eq!(again, Err(Code::VersionConflict));
    assert!(add(&world, SECURITY, "li.si2", ActorKind::Person, worker()).is_ok());
    assert_eq!(add(&world, SECURITY, "", ActorKind::Person, worker()), Err(Code::SchemaInvalid));
}

#[test]
fn an_actor_is_placed_where_its_role_works_and_in_one_world() {
    let world = World::new();
    let person = |assignments| add(&world, SECURITY, "li.si", ActorKind::Person, assignments);
    let refused = [
        vec![place("mayor", Some(GRID))],
        vec![place("grid_worker", None)],
        vec![place("grid_worker", Some("880102001"))],
        vec![place("grid_worker", Some("8801"))],
        vec![place("grid_worker", Some("x"))],
        vec![place("compliance_auditor", Some("8801"))],
        vec![place("grid_worker", Some(GRID)), place("compliance_auditor", None)],
        vec![place("compliance_auditor", None), place("grid_worker", Some(GRID))],
        (0..17).map(|_| place("grid_worker", Some(GRID))).collect(),
    ];
    for assignments in refused {
        let roles: Vec<String> = assignments.iter().map(|one| one.role.clone()).collect();
        assert_eq!(person(assignments), Err(Code::SchemaInvalid), "{roles:?}");
    }
    for role in ["system_admin", "security_admin", "audit_admin"] {
        assert_eq!(person(vec![place(role, None)]), Err(Code::ApprovalRequired), "{role}");
    }
    // A system holds nothing itself.
    let system =
        add(&world, SECURITY, "sys", ActorKind::System, vec![place("grid_worker", Some(GRID))]);
    assert_eq!(system, Err(Code::SchemaInvalid));
    assert!(add(&world, SECURITY, "sys", ActorKind::System, Vec::new()).is_ok());
    let two_grids = vec![place("grid_worker", Some(GRID)), place("grid_worker", Some(NEXT))];
    assert!(person(two_grids).is_ok());
}

#[test]
fn administration_is_closed_to_who_works_with_records() {
    let world = World::new();
    let directory = world.identity.directory();
    for who in [WORKER, HEAD, OPERATOR] {
        let asking = world.actor(who);
        let (origin, access, trail) = (&world.origin, &world.access, &world.trail);
        let listed = wait(list_actors(&asking, origin, NOW, directory, access, trail));
        assert_eq!(done(listed).err(), Some(Code::Denied));
        let matrix = wait(policy_matrix(&asking, origin, NOW, access, trail));
        assert_eq!(done(matrix).err(), Some(Code::Denied));
        let added = add(&world, who, "li.si", ActorKind::Person, Vec::new());
        assert_eq!(added, Err(Code::Denied));
    }
    assert_eq!(directory.list().len(), 6);
}
