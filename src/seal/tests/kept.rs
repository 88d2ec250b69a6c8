//! Requirements on the attributes that lists keep: the bytes decide, a change lets go, and there is a bound.
//! Never served for a row that an intruder altered.
//! What was erased is not remembered.

use super::world::*;
use crate::seal::SealError;
use crate::seal::kept::KeptFacts;
use crate::store::Header;
use serde_json::json;
use std::sync::Arc;

#[test]
fn attributes_that_a_list_opened_are_not_opened_again() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟"}));
    let first = world.seal.listed_facts(&world.fetch(id)).expect("facts");
    let again = world.seal.listed_facts(&world.fetch(id)).expect("facts");
    assert!(Arc::ptr_eq(&first, &again));
    assert!(*first == world.seal.facts(&world.fetch(id)).expect("facts"));
    assert_eq!(world.seal.kept.count(), 1);
}

#[test]
fn a_changed_record_has_its_new_attributes_at_once_and_a_removed_one_leaves_none() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟"}));
    world.seal.listed_facts(&world.fetch(id)).expect("facts");
    let mut revised = world.patch(id, json!({"name": "王薇"}), &[]);
    revised.patch.birthdays = crate::seal::Birthdays::Set(7, 8);
    world.revise(revised);
    assert_eq!(world.seal.kept.count(), 0);
    let facts = world.seal.listed_facts(&world.fetch(id)).expect("facts");
    assert_eq!((facts.turns_14, facts.turns_18), (Some(7), Some(8)));
    assert_eq!(world.seal.kept.count(), 1);
    world.remove(id, &[subject(1)]);
    assert_eq!(world.seal.kept.count(), 0);
}

#[test]
fn attributes_are_not_served_for_a_row_that_was_altered() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟", "phone": "12900001234"}));
    world.seal.listed_facts(&world.fetch(id)).expect("facts");
    let row = world.row(id);
    let mut stolen = world.stolen();
    let changes: [fn(&mut Header); 3] = [
        |header| header.cell = crate::territory::CellId::new(2),
        |header| header.version += 1,
        |header| header.terms.clear(),
    ];
    for change in changes {
        let mut other = row.clone();
        change(&mut other.header);
        let sealed = stolen.put_row(&other);
        assert!(matches!(
            world.seal.listed_facts(&sealed),
            Err(SealError::Damaged { part: crate::seal::Part::Attributes, .. })
        ));
    }
    let mut other = row.clone();
    let mut bytes = other.attributes.to_vec();
    *bytes.last_mut().expect("not empty") ^= 1;
    other.attributes = bytes.into();
    assert!(world.seal.listed_facts(&stolen.put_row(&other)).is_err());
    // What failed displaced nothing.
    assert!(world.seal.listed_facts(&world.fetch(id)).is_ok());
    assert_eq!(world.seal.kept.count(), 1);
}

#[test]
fn no_more_attributes_are_kept_than_there_is_room_for_and_the_last_ones_stay() {
    let world = World::new();
    let ids: Vec<_> = (1..=9).map(|n| world.store_person(n, json!({"name": "王伟"}))).collect();
    let kept = KeptFacts::new(4);
    let open = |id| {
        let sealed = world.fetch(id);
        kept.get_or_open(&sealed, || world.seal.facts(&sealed)).expect("facts")
    };
    for id in &ids {
        open(*id);
        assert!(kept.count() <= 4);
    }
    assert!(Arc::ptr_eq(&open(ids[8]), &open(ids[8])));
    assert_eq!(KeptFacts::new(4).count(), 0);
}

#[test]
fn what_is_let_go_of_while_it_is_opened_is_not_kept() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟"}));
    let sealed = world.fetch(id);
    let kept = KeptFacts::new(4);
    let facts = kept.get_or_open(&sealed, || {
        // The record is removed just after it was fetched.
        kept.let_go(id);
        world.seal.facts(&sealed)
    });
    assert!(facts.is_ok());
    assert_eq!(kept.count(), 0);
}
