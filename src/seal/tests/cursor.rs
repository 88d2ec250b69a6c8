//! Requirements on cursors: whose they are, for what, and how long.
//! Never of use after a single bit was changed.
//! A cursor without an end is over for no clock.

use super::world::*;
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::limits::CURSOR_BYTES_MAX;
use crate::seal::CursorOwner;

fn owner(actor: u8, question: u8) -> CursorOwner {
    CursorOwner { actor: ActorId::from_bytes([actor; 16]), question: [question; 32] }
}

#[test]
fn a_cursor_tells_its_owner_where_and_nobody_else() {
    let world = World::new();
    let cursor = world.seal.cursor(&owner(1, 1), b"here", Some(Micros(NOW.0 + 1))).expect("sealed");
    let position = |owner: CursorOwner, now| world.seal.position(&owner, cursor.as_str(), now);
    assert_eq!(position(owner(1, 1), NOW).as_deref(), Some(b"here".as_slice()));
    assert_eq!(position(owner(2, 1), NOW), None);
    assert_eq!(position(owner(1, 2), NOW), None);
    assert_eq!(position(owner(1, 1), Micros(NOW.0 + 1)), None);
    // The same place twice is two cursors.
    let again = world.seal.cursor(&owner(1, 1), b"here", Some(Micros(NOW.0 + 1))).expect("sealed");
    assert_ne!(cursor.as_str(), again.as_str());
}

#[test]
fn a_cursor_without_an_end_is_never_over() {
    let world = World::new();
    let cursor = world.seal.cursor(&owner(1, 1), b"here", None).expect("sealed");
    let position = world.seal.position(&owner(1, 1), cursor.as_str(), Micros(i64::MAX - 1));
    assert_eq!(position.as_deref(), Some(b"here".as_slice()));
}

#[test]
fn text_of_any_length_that_is_no_cursor_is_none() {
    let world = World::new();
    for length in [0, 1, 4, 64, CURSOR_BYTES_MAX, CURSOR_BYTES_MAX + 1, 1 << 20] {
        assert_eq!(world.seal.position(&owner(1, 1), &"A".repeat(length), NOW), None, "{length}");
    }
    // The longest that a feed makes is taken.
    let longest = [7; crate::limits::ASSIGNMENTS_COUNT_MAX * 48];
    let cursor = world.seal.cursor(&owner(1, 1), &longest, None).expect("sealed");
    assert!(cursor.as_str().len() <= CURSOR_BYTES_MAX, "{}", cursor.as_str().len());
    let position = world.seal.position(&owner(1, 1), cursor.as_str(), NOW);
    assert_eq!(position.as_deref(), Some(longest.as_slice()));
}
