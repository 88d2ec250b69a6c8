//! Requirements on tokens and actors: who makes them, for whom, and for whom not.
//! Never an administrator by an administrator, and never a world mixed with another.
//! A refused administrator is recorded like any caller.

use super::setting::PURPOSES;
use super::world::*;
use crate::access::{ActorId, Code};
use crate::ambient::Micros;
use crate::identity::{ActorKind, ActorState, ReadinessRecord};
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
    AssignmentRequest {
        role: role.to_owned(),
        area,
        line: None,
        lead: false,
        pair: false,
        readiness: ReadinessRecord::default(),
        from: None,
        until: None,
    }
}

fn add(
    world: &World,
    who: ActorId,
    login: &str,
    kind: ActorKind,
    assignments: Vec<AssignmentRequest>,
) -> Done<ActorId> {
    let asking = world.actor(who);
    let request = ActorRequest { login: login.to_owned(), kind, assignments, self_subject: None };
    let directory = world.identity.directory();
    let added = wait(add_actor(
        &asking,
        request,
        &world.origin,
        NOW,
        directory,
        &world.access,
        &world.trail,
        &PURPOSES,
        &world.territory,
        &world.reader,
        &world.seal,
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
fn an_actor_is_placed_with_the_line_and_the_end_that_its_role_needs() {
    let world = World::new();
    const DAY: i64 = 86_400_000_000;
    let mut number = 0;
    let mut added = |role: &str, area: &str, line: Option<&str>, days: Option<i64>| {
        let place = AssignmentRequest {
            line: line.map(str::to_owned),
            until: days.map(|days| Micros(NOW.0 + days * DAY)),
            ..place(role, Some(area))
        };
        number += 1;
        add(&world, SECURITY, &format!("li.{number}"), ActorKind::Person, vec![place]).err()
    };
    for (role, area) in [("street_office", "880102001"), ("department", "880102")] {
        assert_eq!(added(role, area, None, None), Some(Code::SchemaInvalid), "{role}");
        assert_eq!(added(role, area, Some("civil_affairs"), None), None, "{role}");
        // A line of no purpose, for whichever role.
        assert_eq!(added(role, area, Some("stability"), None), Some(Code::SchemaInvalid), "{role}");
    }
    assert_eq!(added("grid_worker", GRID, Some("stability"), None), Some(Code::SchemaInvalid));
    assert_eq!(added("grid_worker", GRID, Some("community"), None), None);
    let firm = "880102001001";
    for (role, area, days) in [("sunk_cadre", firm, 92), ("property_firm", firm, 366)] {
        assert_eq!(added(role, area, None, None), Some(Code::SchemaInvalid), "{role} for ever");
        assert_eq!(added(role, area, None, Some(days)), None, "{role}");
        let late = added(role, area, None, Some(days + 1));
        assert_eq!(late, Some(Code::SchemaInvalid), "{role} for a day more");
    }
}

#[test]
fn a_stand_in_is_placed_as_one_of_a_pair_and_in_no_other_way() {
    let world = World::new();
    let in_days = |days: i64| Some(Micros(NOW.0 + days * 86_400_000_000));
    let added = |login: &str, pair: bool, until| {
        let post = AssignmentRequest { pair, until, ..place("grid_stand_in", Some(GRID)) };
        add(&world, SECURITY, login, ActorKind::Person, vec![post]).err()
    };
    for until in [None, in_days(1), in_days(31)] {
        assert_eq!(added("alone", false, until), Some(Code::SchemaInvalid));
    }
    assert_eq!(added("pair", true, in_days(300)), None);
    assert_eq!(added("ever", true, None), Some(Code::SchemaInvalid));
}

#[test]
fn roles_that_exclude_each_other_are_for_two_people() {
    let world = World::new();
    let firm = || AssignmentRequest {
        until: Some(Micros(NOW.0 + 1_000_000)),
        ..place("property_firm", Some("880102001001"))
    };
    let window = || AssignmentRequest {
        pair: true,
        until: Some(Micros(NOW.0 + 1_000_000)),
        ..place("grid_stand_in", Some(NEXT))
    };
    let person = |login: &str, assignments| {
        add(&world, SECURITY, login, ActorKind::Person, assignments).err()
    };
    let worker = || place("grid_worker", Some(GRID));
    assert_eq!(person("a", vec![worker(), firm()]), Some(Code::SchemaInvalid));
    assert_eq!(person("a", vec![firm(), worker()]), Some(Code::SchemaInvalid));
    assert_eq!(person("a", vec![firm(), window()]), Some(Code::SchemaInvalid));
    let supervisor = || place("supervisor", Some("880102"));
    assert_eq!(person("a", vec![worker(), supervisor()]), Some(Code::SchemaInvalid));
    assert_eq!(person("a", vec![place("grid_head", Some(GRID)), window()]), None);
    assert_eq!(person("b", vec![supervisor(), place("compliance_auditor", None)]), None);
    for role in ["assignment_officer", "contractor_ops"] {
        let area = (role == "assignment_officer").then_some("880102001");
        // A second administrator confirms it; beside a post that works with records nobody holds it.
        let beside = vec![place(role, area), worker()];
        assert_eq!(person("c", beside), Some(Code::SchemaInvalid), "{role}");
        assert_eq!(person(&format!("c.{role}"), vec![place(role, area)]), None, "{role}");
    }
    for role in ["system_admin", "security_admin", "audit_admin"] {
        assert_eq!(person("d", vec![place(role, None)]), Some(Code::ApprovalRequired), "{role}");
    }
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
    assert_eq!(directory.list().len(), 7);
}
