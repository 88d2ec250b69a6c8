//! Requirements on the merge: it touches the sections that the patch names, and seals them as never before.
//! Never the same bytes twice, and never a subject more than the record has.
//! What was not touched is the same to the byte.

use super::world::*;
use crate::records::{Handle, RecordType, Sensitive, SubjectSlot, Value, mask};
use crate::seal::{Birthdays, SealError, covers};
use crate::store::Key;
use serde_json::json;
use std::collections::BTreeSet;

const WHOLE: [&str; 4] = ["name", "phone", "current_address", "guardian_name"];

fn whole(world: &World) -> crate::records::RecordId {
    world.store_person(
        1,
        json!({
            "name": "王伟", "phone": "12900001234", "current_address": "工农路58号",
            "guardian_name": "李娜", "birth_date": "1980-01-01",
        }),
    )
}

#[test]
fn a_patch_touches_the_sections_that_it_names_and_no_other() {
    let world = World::new();
    let id = whole(&world);
    let before = world.row(id);
    world.revise(world.patch(id, json!({"phone": "12900005678"}), &[]));
    let after = world.row(id);
    assert_eq!(after.header.version, before.header.version + 1);
    for (old, new) in before.sections.iter().zip(&after.sections) {
        // The masked forms follow what they are forms of.
        if &*old.name == "contact" || old.name.is(covers::NAME) {
            assert_eq!(new.version, old.version + 1);
            assert_ne!(new.bytes, old.bytes);
        } else {
            assert_eq!(new, old);
        }
    }
    assert_ne!(before.attributes, after.attributes);
    assert_eq!(
        world.shown(id, &WHOLE),
        json!({"name": "王伟", "phone": "12900005678", "current_address": "工农路58号", "guardian_name": "李娜"})
    );
}

#[test]
fn masked_forms_are_those_of_the_values_after_every_change() {
    let world = World::new();
    let id = whole(&world);
    let fields = ["name", "phone", "current_address", "birth_date"];
    let listed = || {
        let page = world.list(vec![world.fetch(id)], &fields).expect("a page");
        let item = page.items().next().expect("one");
        serde_json::to_value(item.fields()).expect("JSON")
    };
    let masked = |name: &str, value: &str| {
        let schema = world.schemas.get(RecordType::Person).expect("a schema");
        let value = Value::Text(Sensitive::new(value.to_owned()));
        mask(schema.field(name).expect("a field"), &value)
    };
    let before = world.row(id);
    world.revise(world.patch(id, json!({"guardian_name": "李敏"}), &[]));
    let after = world.row(id);
    assert_eq!(bytes_of(&after, covers::NAME), bytes_of(&before, covers::NAME), "nothing of them");
    world.revise(world.patch(id, json!({"phone": "12900005678", "name": "赵敏"}), &["birth_date"]));
    let expected = json!({
        "name": "赵*", "phone": "129****5678", "birth_date": null,
        "current_address": masked("current_address", "工农路58号"),
    });
    assert_eq!(listed(), expected);
    world.revise(world.patch(id, json!({"birth_date": "1981-05-06"}), &["phone"]));
    let expected = json!({
        "name": "赵*", "phone": null, "birth_date": masked("birth_date", "1981-05-06"),
        "current_address": masked("current_address", "工农路58号"),
    });
    assert_eq!(listed(), expected);
}

#[test]
fn fields_beside_a_patched_one_stay() {
    let world = World::new();
    let id = whole(&world);
    world.revise(world.patch(id, json!({"name": "王薇"}), &["birth_date"]));
    let shown = world.shown(id, &["name", "birth_date", "phone"]);
    assert_eq!(shown, json!({"name": "王薇", "birth_date": null, "phone": "12900001234"}));
}

#[test]
fn equal_values_are_never_sealed_to_equal_bytes() {
    let world = World::new();
    let values = json!({"name": "王伟", "phone": "12900001234"});
    let (one, two) = (world.store_person(1, values.clone()), world.store_person(2, values.clone()));
    let id = one;
    let mut rows = vec![world.row(one), world.row(two)];
    for _ in 0..3 {
        world.revise(world.patch(id, values.clone(), &[]));
        rows.push(world.row(id));
    }
    for section in ["identity", "contact"] {
        for (at, row) in rows.iter().enumerate() {
            for other in &rows[..at] {
                assert_ne!(bytes_of(row, section), bytes_of(other, section));
                assert_ne!(row.attributes, other.attributes);
                // Nor do they share the salt that their keys come from.
                let salt = |row| bytes_of(row, section)[11..27].to_vec();
                assert_ne!(salt(row), salt(other));
            }
        }
    }
    // The same change sealed twice, as a clone of the vault would.
    let permit = |world: &World| {
        let revised = world.patch(id, values.clone(), &[]);
        let permit =
            world.permit(crate::seal::Revision::new(revised.sealed, revised.patch, Vec::new()));
        world.seal.merge(&permit).expect("merged").ops
    };
    assert_ne!(permit(&world), permit(&world));
}

#[test]
fn an_emptied_section_is_gone_and_can_come_back() {
    let world = World::new();
    let id = whole(&world);
    world.revise(world.patch(id, json!({}), &["phone"]));
    assert!(world.row(id).sections.iter().all(|section| &*section.name != "contact"));
    assert_eq!(world.shown(id, &["name", "phone"]), json!({"name": "王伟", "phone": null}));
    world.revise(world.patch(id, json!({"phone": "12900009999"}), &[]));
    assert_eq!(world.shown(id, &["phone"]), json!({"phone": "12900009999"}));
}

/// A patch that fills the emergency contact's slot with a new subject.
fn with_contact(world: &World, id: crate::records::RecordId, number: u8) -> Revised {
    let mut revised = world.patch(id, json!({"emergency_contact_name": "张敏"}), &[]);
    let slot = SubjectSlot::Named("emergency_contact".to_owned());
    revised.patch.drawn = vec![(slot, subject(number), Handle::from_bytes([number; 16]))];
    revised
}

#[test]
fn a_slot_that_is_filled_and_emptied_again_and_again_leaves_nobody_behind() {
    let world = World::new();
    let id = whole(&world);
    // The record's one place in the change feed moves with every change.
    let keys_beside_feed = || -> BTreeSet<Key> {
        let feed = Key::change(CELL, world.fetch(id).index(), id);
        let mut keys = world.keys();
        assert!(keys.remove(&feed));
        keys
    };
    let (keys, subjects) = (keys_beside_feed(), world.row(id).header.subjects);
    for round in 0..4 {
        world.revise(with_contact(&world, id, 200 + round));
        assert_eq!(world.row(id).header.subjects.len(), subjects.len() + 1);
        let facts = world.seal.facts(&world.fetch(id)).expect("facts");
        assert!(facts.subject_handle(subject(200 + round).as_bytes()).is_some());
        world.revise(world.patch(id, json!({}), &["emergency_contact_name"]));
        assert_eq!(world.row(id).header.subjects, subjects);
        assert_eq!(keys_beside_feed(), keys);
        let facts = world.seal.facts(&world.fetch(id)).expect("facts");
        assert_eq!(facts.subject_handles.len(), subjects.len());
    }
    assert_eq!(world.shown(id, &["guardian_name"]), json!({"guardian_name": "李娜"}));
}

#[test]
fn a_named_person_of_whom_another_record_tells_keeps_the_key() {
    let world = World::new();
    let id = whole(&world);
    let revised = world.patch(id, json!({}), &["guardian_name"]);
    // Nobody says that this was the guardian's last record.
    let permit =
        world.permit(crate::seal::Revision::new(revised.sealed, revised.patch, Vec::new()));
    let change = world.seal.merge(&permit).expect("merged");
    assert!(wait(world.trail.commit(permit, change)).is_ok());
    assert!(world.keys().contains(&Key::subject_key(subject(102))));
    assert!(!world.keys().contains(&Key::subject_listing(subject(102), id)));
}

#[test]
fn a_slot_without_a_subject_cannot_be_filled() {
    let world = World::new();
    let id = whole(&world);
    let revised = world.patch(id, json!({"emergency_contact_name": "张敏"}), &[]);
    assert!(matches!(world.merge_fails(revised), SealError::KeyMissing));
}

#[test]
fn the_part_of_an_erased_person_is_not_patched_and_the_others_are() {
    let world = World::new();
    let id = whole(&world);
    let mut stolen = world.stolen();
    stolen.delete(Key::subject_key(subject(102)));
    let of = |set, remove: &[&str]| {
        let revised = world.patch(id, set, remove);
        Revised { sealed: fetch(&stolen.reader, id), ..revised }
    };
    assert!(matches!(
        world.merge_fails(of(json!({"guardian_name": "李"}), &[])),
        SealError::KeyMissing
    ));
    assert!(matches!(world.merge_fails(of(json!({}), &["guardian_name"])), SealError::KeyMissing));
    let revised = of(json!({"name": "王薇"}), &[]);
    let permit =
        world.permit(crate::seal::Revision::new(revised.sealed, revised.patch, Vec::new()));
    assert!(world.seal.merge(&permit).is_ok());
}

#[test]
fn a_newer_schema_seals_every_section_anew_but_those_that_nobody_can_open() {
    let world = World::new();
    let id = whole(&world);
    let newer = schemas_with("person.toml", |text| text.replacen("version = 1", "version = 2", 1));
    let seal = crate::seal::Seal::new(keyring(), newer).expect("a seal");
    let before = world.row(id);
    for erased in [false, true] {
        let mut stolen = world.stolen();
        seal.keys.clear();
        if erased {
            stolen.delete(Key::subject_key(subject(102)));
        }
        let revised = world.patch(id, json!({"phone": "12900005678"}), &[]);
        let sealed = fetch(&stolen.reader, id);
        let permit = world.permit(crate::seal::Revision::new(sealed, revised.patch, Vec::new()));
        let change = seal.merge(&permit).expect("merged");
        let row = change.ops.iter().find(|op| op.key().is_row()).expect("a row").clone();
        let crate::store::Op::Put(key, _, payload) = row else { panic!("a row is put") };
        stolen.put(key, payload);
        let sealed = fetch(&stolen.reader, id);
        assert_eq!(sealed.row().header.schema, 2);
        for section in &sealed.row().sections {
            let same = *section.bytes == *bytes_of(&before, &section.name);
            assert_eq!(same, erased && &*section.name == "guardian", "{}", section.name);
        }
        let fields = if erased { &WHOLE[..3] } else { &WHOLE[..] };
        assert!(world.read(sealed, fields).is_ok());
    }
}

#[test]
fn days_and_bases_change_as_the_patch_says() {
    let world = World::new();
    let id = whole(&world);
    let days = |birthdays| {
        let mut revised = world.patch(id, json!({"name": "王伟"}), &[]);
        revised.patch.birthdays = birthdays;
        world.revise(revised);
        let facts = world.seal.facts(&world.fetch(id)).expect("facts");
        assert_eq!(facts.retain_until, Some(30_000));
        (facts.turns_14, facts.turns_18)
    };
    assert_eq!(days(Birthdays::Kept), (Some(3_000), Some(4_461)));
    assert_eq!(days(Birthdays::Set(5, 6)), (Some(5), Some(6)));
    assert_eq!(days(Birthdays::Forgotten), (None, None));
    // The number that is held says more than a date, whether the patch brings it or another part of the record has it.
    world.revise(world.patch(id, json!({"id_number": "880102201506013013"}), &[]));
    let (turns_14, turns_18) = days(Birthdays::Set(5, 30_000));
    assert_eq!((turns_14, turns_18), (Some(21_701), Some(30_000)));

    let basis = |purpose: &str, notice: &str| crate::records::BasisFact {
        purpose: purpose.to_owned(),
        legal_basis: "b".to_owned(),
        notice: notice.to_owned(),
        consent: None,
    };
    for (given, count) in [(basis("x", "1"), 2), (basis("x", "2"), 2), (basis("y", "1"), 3)] {
        let mut revised = world.patch(id, json!({"name": "王伟"}), &[]);
        revised.patch.basis = Some(given.clone());
        world.revise(revised);
        let facts = world.seal.facts(&world.fetch(id)).expect("facts");
        assert_eq!(facts.bases.len(), count);
        assert_eq!(facts.basis_for(&given.purpose), Some(&given));
    }
}
