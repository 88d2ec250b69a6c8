//! Requirements on the removal: every key that the record put goes, and a tombstone stays.
//! Never a subject's key that another record needs.
//! The tombstone tells its line to the vault alone.

use super::world::*;
use crate::records::{Facts, Owner, RecordType, SubjectId, Target as _};
use crate::seal::{NewRecord, Remains, Removal};
use crate::store::{Fetched, Key, Tombstone};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

fn tombstone(world: &World, id: crate::records::RecordId) -> Tombstone {
    match wait(world.reader.fetch(id)).expect("a store") {
        Fetched::Erased(tombstone, ..) => tombstone,
        _ => panic!("no tombstone"),
    }
}

/// What a removal leaves: the tombstone, and its place in the change feed.
fn remains(world: &World, id: crate::records::RecordId) -> BTreeSet<Key> {
    let stored = wait(world.reader.get(&Key::row(id))).expect("a store").expect("a tombstone");
    BTreeSet::from([Key::row(id), Key::change(CELL, stored.index, id)])
}

#[test]
fn a_removal_takes_every_key_but_the_tombstone() {
    let world = World::new();
    let before = world.keys();
    let id = world.store_person(
        1,
        json!({
            "name": "王伟", "phone": "12900001234", "id_number": "880102195203121043",
            "guardian_name": "李娜", "carer_name": "张敏",
        }),
    );
    assert!(world.keys().len() >= before.len() + 9);
    let everybody: Vec<SubjectId> = world.row(id).header.subjects;
    world.remove(id, &everybody);
    let left: BTreeSet<Key> = world.keys().difference(&before).cloned().collect();
    assert_eq!(left, remains(&world, id));
    let kept = tombstone(&world, id);
    assert_eq!((kept.id, kept.record_type, kept.cell), (id, RecordType::Person, CELL));
    assert_eq!(world.seal.remains_of(&kept).ok(), Some(Remains { line: None, protected: false }));
    let stored = wait(world.reader.get(&Key::row(id))).expect("a store").expect("a tombstone");
    assert_eq!(stored.version.0, 2);
}

#[test]
fn a_removal_after_changes_takes_what_the_changes_put() {
    let world = World::new();
    let before = world.keys();
    let id = world.store_person(1, json!({"name": "王伟", "phone": "12900001234"}));
    world.revise(world.patch(
        id,
        json!({"phone": "12900005678", "id_number": "880102195203121043"}),
        &[],
    ));
    world.revise(world.patch(id, json!({"name": "王薇"}), &["phone"]));
    world.remove(id, &[subject(1)]);
    let left: BTreeSet<Key> = world.keys().difference(&before).cloned().collect();
    assert_eq!(left, remains(&world, id));
}

#[test]
fn a_subject_keeps_its_key_as_long_as_a_record_needs_it() {
    let world = World::new();
    let first = world.person(1, json!({"name": "王伟"}));
    let second = NewRecord {
        id: record(2),
        facts: Arc::new(facts(2, &first.subjects)),
        ..world.person(1, json!({"name": "王伟"}))
    };
    world.store(vec![first, second]);
    world.remove(record(1), &[]);
    assert_eq!(world.shown(record(2), &["name"]), json!({"name": "王伟"}));
    world.remove(record(2), &[subject(1)]);
    assert!(!world.keys().contains(&Key::subject_key(subject(1))));
}

#[test]
fn a_removal_owns_its_record_and_the_keys_that_it_holds_and_nothing_else() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟", "guardian_name": "李娜"}));
    let removal = Removal::new(world.fetch(id), vec![world.hold(subject(1), true)]);
    assert!(removal.owns(Owner::Record(id)) && removal.owns(Owner::Subject(subject(1))));
    assert!(!removal.owns(Owner::Subject(subject(102))));
    assert!(!removal.owns(Owner::Record(record(2))));
    assert!(!removal.owns(Owner::System) && !removal.owns(Owner::Login));
    assert_eq!(removal.seen().len(), 1);
}

#[test]
fn a_tombstone_keeps_its_line_and_its_protection_for_the_vault_alone() {
    let world = World::new();
    let plain = world.person(1, json!({"name": "王伟"}));
    let of_line = Facts {
        line: Some("civil_affairs".into()),
        protected_address: true,
        ..facts(1, &plain.subjects)
    };
    world.store(vec![NewRecord { facts: Arc::new(of_line), ..plain }]);
    let other = world.store_person(2, json!({"name": "李娜"}));
    world.remove(record(1), &[subject(1)]);
    world.remove(other, &[subject(2)]);
    let (mut kept, plain) = (tombstone(&world, record(1)), tombstone(&world, other));
    let line = Some("civil_affairs".to_owned());
    assert_eq!(world.seal.remains_of(&kept).ok(), Some(Remains { line, protected: true }));
    let nothing = Some(Remains { line: None, protected: false });
    assert_eq!(world.seal.remains_of(&plain).ok(), nothing);
    assert!(!kept.encode().windows(5).any(|window| window == b"civil"));
    // It is bound to its place.
    kept.sealed = plain.sealed;
    assert!(world.seal.remains_of(&kept).is_err());
    let mut moved = tombstone(&world, record(1));
    moved.cell = crate::territory::CellId::new(2);
    assert!(world.seal.remains_of(&moved).is_err());
    let mut other_type = tombstone(&world, record(1));
    other_type.record_type = RecordType::Household;
    assert!(world.seal.remains_of(&other_type).is_err());
}
