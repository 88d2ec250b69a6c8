//! Requirements on opening: the fields of the permit, and what is left when somebody was erased.
//! Never a neighbour of a field, though it lies in the same section.
//! A part whose key is gone stays closed alone.

use super::world::*;
use crate::access::Code;
use crate::store::{Key, Op};
use crate::trail::Applied as _;
use serde_json::json;

#[test]
fn only_the_fields_of_the_permit_are_shown() {
    let world = World::new();
    let id = world.store_person(
        1,
        json!({"name": "王伟", "sex": "1", "birth_date": "1980-01-01", "phone": "12900001234"}),
    );
    assert_eq!(world.shown(id, &["name"]), json!({"name": "王伟"}));
    let sex_and_phone = world.shown(id, &["sex", "phone"]);
    assert_eq!(sex_and_phone, json!({"sex": "1", "phone": "12900001234"}));
    // What is not held is said to be null, and is not withheld.
    assert_eq!(world.shown(id, &["name", "school"]), json!({"name": "王伟", "school": null}));
}

#[test]
fn a_section_that_no_permitted_field_lies_in_is_not_opened() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟", "phone": "12900001234"}));
    let mut stolen = world.stolen();
    let mut row = world.row(id);
    // Broken bytes show only to whoever opens them.
    replace(&mut row, "contact", b"broken");
    let sealed = stolen.put_row(&row);
    let opened = world.read(sealed, &["name"]).expect("the name alone");
    assert_eq!(json!(seen(&opened).fields), json!({"name": "王伟"}));
    assert!(world.read(stolen.put_row(&row), &["phone"]).is_err());
}

#[test]
fn an_erased_person_blinds_its_own_part_alone() {
    let world = World::new();
    let id = world.store_person(
        1,
        json!({"name": "王伟", "guardian_name": "李娜", "guardian_phone": "12900001234", "carer_name": "张敏"}),
    );
    let mut stolen = world.stolen();
    stolen.delete(Key::subject_key(subject(102)));
    let fields = ["guardian_name", "name", "guardian_phone", "carer_name"];
    let shown = seen(&world.read(fetch(&stolen.reader, id), &fields).expect("the others"));
    assert_eq!(json!(shown.fields), json!({"name": "王伟", "carer_name": "张敏"}));
    let gone = |field: &str| (field.to_owned(), Code::Erased);
    assert_eq!(shown.withheld, [gone("guardian_name"), gone("guardian_phone")]);
    assert!(shown.masked.is_empty());
    // With its own key gone the record's own parts are blind, and the others are not.
    let mut stolen = world.stolen();
    stolen.delete(Key::subject_key(subject(1)));
    let shown = seen(&world.read(fetch(&stolen.reader, id), &fields).expect("the others"));
    let others =
        json!({"guardian_name": "李娜", "guardian_phone": "12900001234", "carer_name": "张敏"});
    assert_eq!(json!(shown.fields), others);
}

#[test]
fn a_key_leaves_the_cache_with_its_subject() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟"}));
    assert_eq!(world.shown(id, &["name"]), json!({"name": "王伟"}));
    assert_eq!(world.seal.keys.held_keys(), 1);
    world.remove(id, &[subject(1)]);
    assert_eq!(world.seal.keys.held_keys(), 0);
}

#[test]
fn a_person_erased_while_its_key_was_held_is_not_opened_any_more() {
    let world = World::new();
    let id = world
        .store_person(1, json!({"name": "王伟", "guardian_name": "李娜", "phone": "12900001234"}));
    let fields = ["name", "guardian_name"];
    let shown = seen(&world.read(world.fetch(id), &fields).expect("opened"));
    assert_eq!(json!(shown.fields), json!({"name": "王伟", "guardian_name": "李娜"}));
    assert_eq!(world.seal.keys.held_keys(), 2);
    // As the committer tells it, after the step is applied and before anybody hears of it.
    let mut stolen = world.stolen();
    let key = Key::subject_key(subject(102));
    let sealed = fetch(&stolen.reader, id);
    assert!(world.read(fetch(&stolen.reader, id), &fields).is_ok());
    stolen.delete(key.clone());
    world.seal.applied(&[Op::Delete(key)]);
    let shown = seen(&world.read(sealed, &fields).expect("the others"));
    assert_eq!(json!(shown.fields), json!({"name": "王伟"}));
    assert_eq!(shown.withheld, [("guardian_name".to_owned(), Code::Erased)]);
}

#[test]
fn an_opened_record_says_what_it_is() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟"}));
    let opened = world.read(world.fetch(id), &["name"]).expect("opened");
    assert_eq!((opened.id(), opened.version(), opened.cell()), (id, 1, CELL));
    assert_eq!(opened.record_type(), crate::records::RecordType::Person);
    assert!(opened.recorded().index() > 0);
}

#[test]
fn looking_for_nobody_opens_nobody() {
    let world = World::new();
    assert!(world.seal.rehearse().is_ok());
    assert_eq!(world.seal.keys.held_keys(), 0);
}
