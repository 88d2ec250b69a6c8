//! Requirements on the memory of verified tokens.
//! Never a refused token in it, and never more than its bound.
//! What is remembered is the signature, not the answer.

use super::world::*;
use crate::limits::TOKEN_MEMO_COUNT_MAX;
use serde_json::json;

#[test]
fn only_verified_tokens_are_remembered_and_each_once() {
    let world = World::new();
    let good = world.good();
    for _ in 0..3 {
        assert!(world.enter(&good).is_ok());
    }
    assert_eq!(world.identity.remembered_count(), 1);
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad.replace_range(place..=place, "!");
        assert!(world.enter(&bad).is_err());
    }
    assert_eq!(world.identity.remembered_count(), 1);
}

#[test]
fn a_remembered_token_still_ends_and_begins_at_its_time() {
    let world = World::new();
    let token = world.with_claims(|claims| claims["exp"] = json!(NOW + 10));
    for _ in 0..2 {
        assert!(world.enter(&token).is_ok());
        assert!(world.enter_at(&token, NOW + 10).is_err());
        assert!(world.enter_at(&token, NOW - 60).is_err());
    }
    // Also when it was first seen outside of its time.
    let token = world.with_claims(|claims| claims["exp"] = json!(NOW + 11));
    assert!(world.enter_at(&token, NOW + 11).is_err());
    assert!(world.enter_at(&token, NOW + 10).is_ok());
}

#[test]
fn the_memory_is_bounded_and_forgetting_costs_nothing_but_time() {
    let world = World::new();
    let first = world.good();
    assert!(world.enter(&first).is_ok());
    world.identity.remember_copies(&first, TOKEN_MEMO_COUNT_MAX - 1);
    assert_eq!(world.identity.remembered_count(), TOKEN_MEMO_COUNT_MAX);
    let next = world.with_claims(|claims| claims["number"] = json!(2));
    assert!(world.enter(&next).is_ok());
    // The older half went, and the first token with it.
    assert_eq!(world.identity.remembered_count(), TOKEN_MEMO_COUNT_MAX / 2 + 1);
    assert!(world.enter(&first).is_ok());
    assert_eq!(world.identity.remembered_count(), TOKEN_MEMO_COUNT_MAX / 2 + 2);
}
