//! Requirements on one-time codes: once, for a day, for one actor, in one vault.
//! Never in clear in the store.
//! A second use meets a key that is not there.

use super::world::*;
use crate::access::ActorId;
use crate::identity::{
    ActorState, Directory, EnrolmentCode, EnrolmentError, IdentityError, Redemption,
};
use crate::limits::{ENROL_CODE_SECONDS, TOKEN_LEEWAY_SECONDS};
use crate::records::{Owner, Target as _};
use crate::store::{Change, Key, Op, Version};
use serde_json::json;

/// A code for the worker in the world's store.
fn coded(world: &mut World) -> EnrolmentCode {
    coded_for(world, WORKER, &CountingRandom::default())
}

fn coded_for(world: &mut World, actor: ActorId, random: &CountingRandom) -> EnrolmentCode {
    let code = EnrolmentCode::draw(random).expect("a code");
    let change = world.directory().enrolment(actor, &code, at(NOW)).expect("a change");
    assert!(change.expects.iter().all(|expect| expect.version == Version::ABSENT));
    world.apply(&change);
    code
}

fn redeem(world: &World, code: &str, seconds: i64) -> Result<Redemption, EnrolmentError> {
    wait(world.directory().redeem(&world.reader, code, None, at(seconds)))
}

#[test]
fn a_code_enrols_its_actor_once() {
    let mut world = World::new();
    let code = coded(&mut world);
    assert!(code.show().len() >= 43);
    let [first, second] = [1, 2].map(|_| redeem(&world, code.show(), NOW).expect("redeemable"));
    assert_eq!(first.actor(), WORKER);
    // Two at once expect the same version of the same key, so the trail takes one of them.
    let (one, two) = (first.change(), second.change());
    assert_eq!(one.ops, two.ops);
    assert_eq!(one.expects[0].version, Version(1));
    assert_eq!(one.expects[0].key, two.expects[0].key);
    world.apply(&one);
    assert!(matches!(redeem(&world, code.show(), NOW), Err(EnrolmentError::Invalid)));
}

#[test]
fn a_redemption_touches_codes_and_its_own_actor_alone() {
    let mut world = World::new();
    let code = coded(&mut world);
    let redemption = redeem(&world, code.show(), NOW).expect("redeemable");
    assert!(redemption.owns(Owner::Enrolment));
    assert!(redemption.owns(Owner::Actor(*WORKER.as_bytes())));
    for owner in [Owner::Login, Owner::System, Owner::Actor(*OTHER.as_bytes())] {
        assert!(!redemption.owns(owner), "{owner:?}");
    }
    assert!(redemption.records().is_empty());
}

#[test]
fn a_code_ends_after_a_day() {
    let mut world = World::new();
    let code = coded(&mut world);
    assert!(redeem(&world, code.show(), NOW + ENROL_CODE_SECONDS - 1).is_ok());
    for seconds in [ENROL_CODE_SECONDS, ENROL_CODE_SECONDS + 1] {
        let late = redeem(&world, code.show(), NOW + seconds);
        assert!(matches!(late, Err(EnrolmentError::Invalid)));
    }
}

#[test]
fn anything_but_the_code_is_invalid() {
    let mut world = World::new();
    let code = coded(&mut world);
    let text = code.show();
    let wrong = [
        String::new(),
        "x".repeat(1_000_000),
        text[1..].to_owned(),
        format!("{text}="),
        format!("{text} "),
        text.to_lowercase() + "A",
        format!("{text}{text}"),
        "网格".to_owned(),
    ];
    for wrong in wrong {
        assert!(matches!(redeem(&world, &wrong, NOW), Err(EnrolmentError::Invalid)));
    }
    assert!(redeem(&world, text, NOW).is_ok());
}

#[test]
fn a_code_of_another_vault_enrols_nobody() {
    let mut world = World::new();
    let foreign = Directory::new(new_keyring());
    let code = EnrolmentCode::draw(&CountingRandom::default()).expect("a code");
    let change = foreign.enrolment(WORKER, &code, at(NOW)).expect("a change");
    world.apply(&change);
    assert!(redeem(&world, code.show(), NOW).is_err());
}

#[test]
fn a_sealed_code_serves_under_its_own_hash_alone() {
    let mut world = World::new();
    let random = CountingRandom::default();
    let (mine, yours) =
        (coded_for(&mut world, OTHER, &random), coded_for(&mut world, WORKER, &random));
    assert_ne!(mine.show(), yours.show());
    let key = |code: &EnrolmentCode| {
        redeem(&world, code.show(), NOW).expect("redeemable").change().expects[0].key.clone()
    };
    let (my_key, your_key) = (key(&mine), key(&yours));
    let stored = |key: &Key| wait(world.reader.get(key)).expect("a store").expect("a code").payload;
    let moved = stored(&your_key);
    let ops = vec![Op::Put(my_key, Version(2), moved)];
    world.apply(&Change { ops, expects: Vec::new() });
    assert!(redeem(&world, mine.show(), NOW).is_err());
    assert_eq!(redeem(&world, yours.show(), NOW).ok().map(|found| found.actor()), Some(WORKER));
}

#[test]
fn no_code_stands_in_clear_in_the_store() {
    let mut world = World::new();
    let code = coded(&mut world);
    let found = wait(world.reader.scan(&Key::from_bytes(&[]), None, usize::MAX)).expect("a store");
    for (key, stored) in found {
        for bytes in [key.as_bytes(), &stored.payload] {
            assert!(!bytes.windows(16).any(|window| code.show().as_bytes().starts_with(window)));
        }
    }
}

#[test]
fn a_redemption_gives_its_actor_the_key_that_was_brought_and_takes_the_one_before() {
    let mut world = World::new();
    let keyed = |world: &World, code: &str, key| {
        wait(world.directory().redeem(&world.reader, code, key, at(NOW))).expect("redeemable")
    };
    let key_of = |world: &World| world.directory().record(&WORKER).expect("the worker").log_in_key;
    let random = CountingRandom::default();
    for key in [Some([1; 32]), Some([2; 32]), Some([2; 32]), None] {
        let code = coded_for(&mut world, WORKER, &random);
        let had = key_of(&world);
        let change = keyed(&world, code.show(), key).change();
        let moved = change.ops.iter().filter(|op| op.key().actor_id().is_some()).count();
        assert_eq!(moved, usize::from(had != key), "the actor moves on where it changes");
        assert!(change.expects.iter().any(|expect| expect.key.actor_id().is_some()));
        world.apply(&change);
        assert_eq!(key_of(&world), key);
        let from = world.directory().record(&WORKER).expect("the worker").tokens_from;
        assert_eq!(from > NOW, had.is_some(), "tokens that came by a key before have ended");
    }
}

#[test]
fn a_token_of_the_second_in_which_a_key_is_replaced_ends_and_the_one_of_the_code_is_good_at_once() {
    let mut world = World::new();
    world.change(WORKER, |record| record.log_in_key = Some([1; 32]));
    let code = coded(&mut world);
    let stolen = world.identity.issue(WORKER, None, 600, at(NOW)).expect("a token");
    assert_eq!(world.enter(stolen.show()), Ok(WORKER));
    let found = wait(world.directory().redeem(&world.reader, code.show(), Some([2; 32]), at(NOW)));
    world.apply(&found.expect("redeemable").change());
    for seconds in [NOW, NOW + 1, NOW + 2] {
        assert_eq!(world.enter_at(stolen.show(), seconds), Err(IdentityError::Invalid));
    }
    let own = world.identity.issue(WORKER, None, 600, at(NOW)).expect("a token");
    for seconds in [NOW, NOW + 1, NOW + 599] {
        assert_eq!(world.enter_at(own.show(), seconds), Ok(WORKER));
    }
    // It lives no longer for it.
    assert_eq!(world.enter_at(own.show(), NOW + 600), Err(IdentityError::Expired));
}

#[test]
fn a_log_in_beside_the_redemption_that_takes_its_key_away_keeps_no_token_whichever_second_it_came_in()
 {
    let mut world = World::new();
    world.change(WORKER, |record| record.log_in_key = Some([1; 32]));
    let code = coded(&mut world);
    // The redemption began in one second, and is in the log in the next; the log-in is before it there.
    let found = wait(world.directory().redeem(&world.reader, code.show(), Some([2; 32]), at(NOW)));
    let stolen = world.identity.issue(WORKER, None, 600, at(NOW + 1)).expect("a token");
    assert_eq!(world.enter_at(stolen.show(), NOW + 1), Ok(WORKER));
    world.apply(&found.expect("redeemable").change());
    for seconds in [NOW + 1, NOW + 2, NOW + 300] {
        assert_eq!(world.enter_at(stolen.show(), seconds), Err(IdentityError::Invalid));
    }
    let own = world.identity.issue(WORKER, None, 600, at(NOW)).expect("a token");
    assert_eq!(world.enter_at(own.show(), NOW + 1), Ok(WORKER));
}

#[test]
fn what_ends_tokens_twice_in_a_second_ends_the_one_that_was_issued_between() {
    let mut world = World::new();
    world.change(WORKER, |record| record.end_tokens(at(NOW)));
    let between = world.identity.issue(WORKER, None, 600, at(NOW)).expect("a token");
    assert_eq!(world.enter(between.show()), Ok(WORKER));
    world.change(WORKER, |record| record.end_tokens(at(NOW)));
    for seconds in [NOW, NOW + 1, NOW + 60] {
        assert_eq!(world.enter_at(between.show(), seconds), Err(IdentityError::Invalid));
    }
    // A clock that went back opens nothing again.
    world.change(WORKER, |record| record.end_tokens(at(NOW - 60)));
    assert_eq!(world.enter_at(between.show(), NOW + 1), Err(IdentityError::Invalid));
}

#[test]
fn a_token_is_issued_no_further_ahead_than_clocks_differ() {
    let mut world = World::new();
    world.change(WORKER, |record| record.tokens_from = NOW + 3_600);
    let token = world.identity.issue(WORKER, None, 600, at(NOW)).expect("a token");
    let claims = part(token.show(), 1);
    let ahead = i64::try_from(TOKEN_LEEWAY_SECONDS).expect("a few seconds");
    assert_eq!((&claims["iat"], &claims["nbf"]), (&json!(NOW + ahead), &json!(NOW + ahead)));
    assert_eq!(world.enter(token.show()), Err(IdentityError::Invalid));
}

#[test]
fn of_two_codes_the_one_that_is_used_ends_the_other() {
    let mut world = World::new();
    let random = CountingRandom::default();
    let [astray, used] = [0, 1].map(|_| coded_for(&mut world, WORKER, &random));
    let redeem = |world: &World, code: &str, key| {
        wait(world.directory().redeem(&world.reader, code, Some(key), at(NOW)))
    };
    let change = redeem(&world, used.show(), [1; 32]).expect("redeemable").change();
    world.apply(&change);
    let late = redeem(&world, astray.show(), [2; 32]);
    assert!(matches!(late, Err(EnrolmentError::Invalid)));
}

#[test]
fn whoever_is_suspended_or_gone_enrols_by_no_code() {
    for state in [ActorState::Suspended, ActorState::Left] {
        let mut world = World::new();
        let code = coded(&mut world);
        world.change(WORKER, |record| record.state = state);
        assert!(matches!(redeem(&world, code.show(), NOW), Err(EnrolmentError::Invalid)));
    }
}
