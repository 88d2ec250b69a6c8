//! Requirements on who may enter: active actors, and systems that act for them.
//! Never is a state remembered from an earlier entry.
//! A token is good only while everybody whom it names is.

use super::world::*;
use crate::identity::{ActorState, IdentityError};
use serde_json::json;

const INVALID: Result<crate::access::ActorId, IdentityError> = Err(IdentityError::Invalid);

const STOPPED: [ActorState; 3] = [ActorState::Reserve, ActorState::Suspended, ActorState::Left];

#[test]
fn only_an_active_actor_enters() {
    for state in STOPPED {
        let mut world = World::new();
        let token = world.good();
        assert_eq!(world.enter(&token), Ok(WORKER));
        world.change(WORKER, |record| record.state = state);
        // The token is remembered as verified, and refused all the same.
        assert_eq!(world.enter(&token), INVALID, "{state:?}");
        assert_eq!(world.enter(&world.with_claims(|c| c["jti"] = json!(OTHER))), INVALID);
        assert!(world.identity.standing(&WORKER).is_none());
        world.change(WORKER, |record| record.state = ActorState::Active);
        assert_eq!(world.enter(&token), Ok(WORKER));
    }
}

#[test]
fn a_change_of_the_directory_shows_at_the_next_entry() {
    let mut world = World::new();
    let token = world.good();
    let seen = |world: &World| {
        let actor = world.identity.authenticate(&token, at(NOW)).expect("the worker");
        let standing = actor.standing();
        let roles: Vec<String> =
            standing.assignments.iter().map(|one| one.role.as_str().to_owned()).collect();
        (standing.version, roles)
    };
    assert_eq!(seen(&world), (1, vec!["grid_worker".to_owned()]));
    world.change(WORKER, |record| record.assignments.clear());
    assert_eq!(seen(&world), (2, Vec::new()));
    world.change(WORKER, |record| {
        record.assignments = vec![assignment("grid_head", Some("8801020010010002"))];
    });
    assert_eq!(seen(&world), (3, vec!["grid_head".to_owned()]));
}

#[test]
fn tokens_issued_before_the_cut_are_refused() {
    let mut world = World::new();
    let token = world.good();
    assert_eq!(world.enter(&token), Ok(WORKER));
    world.change(WORKER, |record| record.tokens_from = NOW + 1);
    assert_eq!(world.enter(&token), INVALID);
    world.change(WORKER, |record| record.tokens_from = NOW);
    assert_eq!(world.enter(&token), Ok(WORKER));
    // A time of issue that is still to come does not slip past the cut.
    world.change(WORKER, |record| record.tokens_from = NOW + 300);
    let ahead = world.with_claims(|claims| claims["iat"] = json!(NOW + 300));
    assert_eq!(world.enter(&ahead), INVALID);
}

#[test]
fn expired_is_said_of_a_token_that_was_good_in_every_other_way_and_of_no_other() {
    let mut world = World::new();
    let later = NOW + 10_000;
    assert_eq!(world.enter_at(&world.good(), later), Err(IdentityError::Expired));
    let unknown = world.with_claims(|claims| claims["sub"] = json!(NOBODY));
    assert_eq!(world.enter_at(&unknown, later), INVALID);
    let acted = world.with_claims(|claims| claims["act"] = json!({"sub": OTHER}));
    assert_eq!(world.enter_at(&acted, later), INVALID);
    world.change(WORKER, |record| record.state = ActorState::Left);
    assert_eq!(world.enter_at(&world.good(), later), INVALID);
    let other_key = world.good().replace('.', "x.");
    assert_eq!(world.enter_at(&other_key, later), INVALID);
}

#[test]
fn a_system_acts_for_a_person_and_is_named() {
    let world = World::new();
    let token = world.with_claims(|claims| claims["act"] = json!({"sub": SYSTEM}));
    let actor = world.identity.authenticate(&token, at(NOW)).expect("the worker");
    assert_eq!((actor.standing().actor, actor.standing().via), (WORKER, Some(SYSTEM)));
    // The rights are the person's.
    assert_eq!(actor.standing().assignments.len(), 1);
    let issued = world.identity.issue(WORKER, Some(SYSTEM), 60, at(NOW)).expect("a token");
    assert_eq!(world.enter(issued.show()), Ok(WORKER));
}

#[test]
fn nobody_else_acts_for_a_person() {
    let world = World::new();
    let others = [
        json!({"sub": OTHER}),
        json!({"sub": WORKER}),
        json!({"sub": NOBODY}),
        json!({"sub": ""}),
        json!({"sub": null}),
        json!({}),
        json!([]),
        json!("system"),
        json!(SYSTEM),
        json!([{"sub": SYSTEM}]),
        // A chain of actors: only the last one is ours, so none is taken.
        json!({"sub": SYSTEM, "act": {"sub": SYSTEM}}),
        json!({"sub": SYSTEM, "iss": ORIGIN}),
    ];
    for act in others {
        let token = world.with_claims(|claims| claims["act"] = act.clone());
        assert_eq!(world.enter(&token), INVALID, "{act}");
    }
}

#[test]
fn a_system_that_stopped_acts_for_nobody() {
    for state in STOPPED {
        let mut world = World::new();
        let token = world.with_claims(|claims| claims["act"] = json!({"sub": SYSTEM}));
        assert_eq!(world.enter(&token), Ok(WORKER));
        world.change(SYSTEM, |record| record.state = state);
        assert_eq!(world.enter(&token), INVALID, "{state:?}");
        assert_eq!(world.enter(&world.good()), Ok(WORKER));
    }
}

#[test]
fn what_was_issued_before_a_system_was_stopped_is_of_no_use_when_it_acts_again() {
    let mut world = World::new();
    let copied = world.with_claims(|claims| claims["act"] = json!({"sub": SYSTEM}));
    world.change(SYSTEM, |record| {
        record.state = ActorState::Suspended;
        record.end_tokens(at(NOW));
    });
    assert_eq!(world.enter(&copied), INVALID);
    world.change(SYSTEM, |record| record.state = ActorState::Active);
    for seconds in [NOW, NOW + 1, NOW + 60] {
        assert_eq!(world.enter_at(&copied, seconds), INVALID, "{seconds}");
    }
    // The person's own tokens are another matter, and so is one that is issued now.
    assert_eq!(world.enter(&world.good()), Ok(WORKER));
    let anew = world.identity.issue(WORKER, Some(SYSTEM), 60, at(NOW + 1)).expect("a token");
    assert_eq!(world.enter_at(anew.show(), NOW + 1), Ok(WORKER));
}

#[test]
fn what_is_issued_through_a_system_while_it_is_being_stopped_is_of_no_use_whichever_second_it_came_in()
 {
    let mut world = World::new();
    // The stop began in the second before.
    let beside = world.identity.issue(WORKER, Some(SYSTEM), 60, at(NOW + 1)).expect("a token");
    assert_eq!(world.enter_at(beside.show(), NOW + 1), Ok(WORKER));
    world.change(SYSTEM, |record| record.end_tokens(at(NOW)));
    assert_eq!(world.enter_at(beside.show(), NOW + 1), INVALID);
    let anew = world.identity.issue(WORKER, Some(SYSTEM), 60, at(NOW + 1)).expect("a token");
    assert_eq!(world.enter_at(anew.show(), NOW + 1), Ok(WORKER));
}

#[test]
fn accounts_with_one_own_record_are_one_person() {
    let mut world = World::new();
    assert_eq!(world.directory().accounts_of(&[WORKER]), [WORKER]);
    let own = world.directory().own_tag(crate::records::Handle::from_bytes([9; 16]));
    for account in [WORKER, OTHER] {
        world.change(account, |record| record.own = Some(own));
    }
    assert_eq!(world.directory().accounts_of(&[WORKER]), [WORKER, OTHER]);
    assert!(world.directory().is_taken(&own));
    for account in [WORKER, OTHER] {
        world.change(account, |record| record.state = ActorState::Left);
    }
    assert!(!world.directory().is_taken(&own));
}
