//! Requirements on the key of tokens while another one follows it.
//! Never a token of the former from behind the change, and never one that was verified under a key which is gone.
//! The ring has a file of its own, and the world signs with the key that was there first.

use super::world::*;
use gridvault_keys::{Keyring, Month, RootKey, SingleKey};
use serde_json::json;
use std::sync::Arc;

const TOKENS: SingleKey = SingleKey::TokenSigning;

fn ring() -> (tempfile::TempDir, Arc<Keyring>) {
    let directory = tempfile::tempdir().expect("a directory");
    let root = RootKey::generate().expect("a root key");
    let month = Month::from_year_month(2026, 1).expect("a month");
    let keyring = Keyring::create(&directory.path().join("keyring"), &root, month);
    (directory, Arc::new(keyring.expect("a keyring")))
}

fn world(keyring: &Arc<Keyring>) -> World {
    let mut world = World::under(keyring.clone());
    world.add(record(WORKER, "worker"));
    world
}

fn kid_of(token: &str) -> String {
    part(token, 0)["kid"].as_str().expect("a key id").to_owned()
}

#[test]
fn both_keys_verify_until_the_former_is_destroyed_and_the_next_one_alone_signs() {
    let (_directory, keyring) = ring();
    let world = world(&keyring);
    let before = world.good();
    assert_eq!(world.enter(&before), Ok(WORKER));
    keyring.draw_next(TOKENS).expect("drawn");
    let names = world.identity.follow_keys(Some(at(NOW)));
    let issued = world.identity.issue(WORKER, None, 600, at(NOW)).expect("a token");
    assert_eq!(
        (kid_of(&before), kid_of(issued.show())),
        (names.former.expect("one"), names.current)
    );
    assert_ne!(kid_of(&before), kid_of(issued.show()));
    for token in [&before, issued.show()] {
        assert_eq!(world.enter(token), Ok(WORKER));
    }
    // The name of the one over a signature of the other.
    let next = kid_of(issued.show());
    assert!(world.enter(&world.with_header(|header| header["kid"] = json!(next))).is_err());

    keyring.destroy_former(TOKENS, 2).expect("destroyed");
    assert_eq!(world.identity.follow_keys(None).former, None);
    assert_eq!(world.identity.remembered_count(), 0);
    assert!(world.enter(&before).is_err());
    assert_eq!(world.enter(issued.show()), Ok(WORKER));
}

#[test]
fn whoever_has_the_former_key_makes_no_token_from_behind_the_change() {
    let (_directory, keyring) = ring();
    let world = world(&keyring);
    keyring.draw_next(TOKENS).expect("drawn");
    world.identity.follow_keys(Some(at(NOW)));
    let of = |second: i64| {
        world.with_claims(|claims| {
            (claims["iat"], claims["nbf"]) = (json!(second), json!(second));
            claims["exp"] = json!(second + 600);
        })
    };
    // A request that had begun may still sign under it: the leeway of clocks.
    assert_eq!(world.enter_at(&of(NOW + 5), NOW + 6), Ok(WORKER));
    assert!(world.enter_at(&of(NOW + 6), NOW + 6).is_err());
    // Nor does one that was verified before anybody could say when the change was.
    world.identity.follow_keys(None);
    assert_eq!(world.enter_at(&of(NOW + 6), NOW + 6), Ok(WORKER));
    world.identity.follow_keys(Some(at(NOW)));
    assert!(world.enter_at(&of(NOW + 6), NOW + 6).is_err());
}

#[test]
fn process_that_begins_within_the_overlap_takes_what_the_former_signed_before_it() {
    let (_directory, keyring) = ring();
    let before = world(&keyring).with_claims(|claims| {
        (claims["iat"], claims["nbf"]) = (json!(BEGUN), json!(BEGUN));
    });
    let late = world(&keyring).good();
    keyring.draw_next(TOKENS).expect("drawn");
    let world = world(&keyring);
    assert_eq!(world.enter(&before), Ok(WORKER));
    assert!(world.enter(&late).is_err(), "the process began before it");
    assert_eq!(world.enter(&world.good()), Ok(WORKER));
}

#[test]
fn keys_that_are_the_same_keep_what_was_verified() {
    let (_directory, keyring) = ring();
    let world = world(&keyring);
    assert!(world.enter(&world.good()).is_ok());
    world.identity.follow_keys(Some(at(NOW)));
    assert_eq!(world.identity.remembered_count(), 1);
    keyring.draw_next(TOKENS).expect("drawn");
    world.identity.follow_keys(Some(at(NOW)));
    assert_eq!(world.identity.remembered_count(), 0);
    assert!(world.enter(&world.good()).is_ok());
    world.identity.follow_keys(Some(at(NOW)));
    assert_eq!(world.identity.remembered_count(), 1);
}
