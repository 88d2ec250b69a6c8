//! Requirements on the people who appear in a record: each with a key, as long as there is a part about them.
//! Never more of them than the record has parts, however often a part comes and goes.
//! The part of somebody who was erased stays closed.

use super::world::*;
use crate::access::{Code, Written};
use crate::purposes::{BasisClaim, ConsentGiver};
use crate::records::{Owner, RecordId, RecordRef, SubjectId, Target};
use crate::store::{Change, Fetched, Key, Op};
use serde_json::json;

const PURPOSE: &str = "elder_visit";

/// What somebody agrees to who names whom to call.
fn agreed() -> Option<BasisClaim> {
    Some(claim_on(PURPOSE, "elder_visit_separate_consent", Some(ConsentGiver::Self_)))
}

fn subjects(world: &World, id: RecordId) -> Vec<SubjectId> {
    match wait(world.reader.fetch(id)).expect("a store") {
        Fetched::Found(sealed) => sealed.row().header.subjects.clone(),
        _ => panic!("no record"),
    }
}

#[test]
fn a_contact_that_comes_and_goes_leaves_nobody_behind() {
    let world = World::new();
    let (id, own) = adult(&world);
    for round in 0..3 {
        let fields = json!({"emergency_contact_name": "张敏"});
        assert!(world.patch(HEAD, PURPOSE, id, fields, agreed()).is_ok(), "{round}");
        let [_, contact] = subjects(&world, id)[..] else { panic!("two subjects") };
        assert!(world.has(&Key::subject_key(contact)));
        assert_eq!(world.facts(id).subject_handles.len(), 2);
        let fields = json!({"emergency_contact_name": null});
        assert!(world.patch(HEAD, PURPOSE, id, fields, None).is_ok(), "{round}");
        assert_eq!(subjects(&world, id), [own]);
        assert!(!world.has(&Key::subject_key(contact)));
        assert!(!world.has(&Key::subject_listing(contact, id)));
        assert_eq!(world.facts(id).subject_handles.len(), 1);
    }
}

/// What an erasure will be about.
struct Erasure(SubjectId);

impl Target for Erasure {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, owner: Owner) -> bool {
        owner == Owner::Subject(self.0)
    }
}

fn erase(world: &World, subject: SubjectId) {
    let actor = world.actor(HEAD);
    let target = Erasure(subject);
    let permit =
        world.access.permit_known(actor.standing(), Written::Delete, &world.origin, target);
    let ops = vec![Op::Delete(Key::subject_key(subject))];
    assert!(wait(world.trail.commit(permit, Change { ops, expects: Vec::new() })).is_ok());
}

#[test]
fn the_part_of_an_erased_person_is_neither_shown_nor_patched() {
    let world = World::new();
    let (id, _) = adult(&world);
    let fields = json!({"emergency_contact_name": "张敏"});
    assert!(world.patch(HEAD, PURPOSE, id, fields, agreed()).is_ok());
    erase(&world, subjects(&world, id)[1]);
    // Inside a case alone it opens for the visit; what is held is put right without one.
    let read = world.read(HEAD, "record_correction", id, &["name", "emergency_contact_name"]);
    assert_eq!(read, Ok(json!({"name": "王伟"})));
    for fields in
        [json!({"emergency_contact_name": "李娜"}), json!({"emergency_contact_name": null})]
    {
        assert_eq!(world.patch(HEAD, PURPOSE, id, fields, None).err(), Some(Code::Erased));
    }
    assert!(world.patch(HEAD, PURPOSE, id, json!({"name": "王卫"}), None).is_ok());
}

#[test]
fn everything_of_a_record_and_its_people_goes_with_it() {
    let world = World::new();
    let everything = || {
        let found = wait(world.reader.scan(&Key::from_bytes(&[]), None, usize::MAX));
        found.expect("a store").into_iter().map(|(key, _)| key).collect::<Vec<Key>>()
    };
    let before = everything();
    let (id, _) = child(&world);
    let head = world.actor(HEAD);
    assert!(wait(world.delete_async(&head, id, 1)).is_ok());
    let left: Vec<Key> = everything().into_iter().filter(|key| !before.contains(key)).collect();
    // The tombstone, its place in the change feed, and the record that a notice was given, which holds no value.
    assert_eq!(left.len(), 3);
    assert!(left.contains(&Key::row(id)));
    assert!(
        left.iter().all(|key| matches!(key.owner(), Some(Owner::Record(_) | Owner::Control(_))))
    );
}
