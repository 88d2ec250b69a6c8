//! Requirements on index terms: exactly one for each value that can be matched, as long as it is held.
//! Never a value in a key, and never a term left behind.
//! Two fields of one group may hold one value: it is found until both let go of it.

use super::world::*;
use crate::records::{RecordType, Value};
use crate::seal::SealError;
use crate::store::Key;
use serde_json::json;
use std::collections::BTreeSet;

/// The records behind a value of a field.
fn found(world: &World, field: &str, value: &str) -> Vec<crate::records::RecordId> {
    let schema = world.schemas.get(RecordType::Person).expect("a schema");
    let field = schema.field(field).expect("a field");
    let value = Value::parse(field, json!(value), TODAY).expect("a right value");
    let forms = world.seal.forms(&world.seal.term(field, &value).expect("a term"));
    let behind = |form| wait(world.reader.scan(&Key::term_prefix(form), None, 100));
    let behind = forms.iter().flat_map(|form| behind(form).expect("a store"));
    behind.filter_map(|(key, _)| key.record()).collect()
}

fn terms_of(world: &World) -> usize {
    world.keys().iter().filter(|key| key.as_bytes()[0] == 0x03).count()
}

#[test]
fn terms_come_and_go_with_their_values() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟", "phone": "12900001234"}));
    assert_eq!(found(&world, "phone", "12900001234"), [id]);
    assert_eq!(world.row(id).header.terms.len(), 1);
    world.revise(world.patch(id, json!({"phone": "12900005678"}), &[]));
    assert!(found(&world, "phone", "12900001234").is_empty());
    assert_eq!(found(&world, "phone", "12900005678"), [id]);
    world.revise(world.patch(id, json!({"id_number": "880102195203121043"}), &[]));
    assert_eq!(found(&world, "id_number", "880102195203121043"), [id]);
    assert_eq!((world.row(id).header.terms.len(), terms_of(&world)), (2, 2));
    world.revise(world.patch(id, json!({}), &["phone", "id_number"]));
    assert_eq!((world.row(id).header.terms.len(), terms_of(&world)), (0, 0));
}

#[test]
fn a_patch_that_leaves_a_value_leaves_its_term() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟", "phone": "12900001234"}));
    for set in [
        json!({"name": "王薇"}),
        json!({"phone": "+86 129 0000 1234"}),
        json!({"contact_hours": ["evening"]}),
    ] {
        let ops = world.revise(world.patch(id, set, &[]));
        assert!(ops.iter().all(|op| op.key().as_bytes()[0] != 0x03), "{ops:?}");
    }
    assert_eq!(found(&world, "phone", "12900001234"), [id]);
}

#[test]
fn the_same_value_of_two_records_is_one_term_with_two_ends() {
    let world = World::new();
    let values = json!({"name": "王伟", "phone": "12900001234"});
    let (one, two) = (world.store_person(1, values.clone()), world.store_person(2, values));
    assert_eq!(found(&world, "phone", "12900001234"), [one, two]);
    assert_eq!(world.row(one).header.terms, world.row(two).header.terms);
    world.revise(world.patch(one, json!({}), &["phone"]));
    assert_eq!(found(&world, "phone", "12900001234"), [two]);
}

/// Schemas in which two more telephones are matched with the person's own: one lies in its section, one does not.
fn shared() -> World {
    World::with(schemas_with("person.toml", |text| {
        let mut parts: Vec<String> = text.split("[[field]]").map(str::to_owned).collect();
        for part in &mut parts {
            let named = |name: &str| part.contains(&format!("name = \"{name}\"\n"));
            if named("guardian_phone") || named("carer_phone") {
                *part = format!("{}match_group = \"phone\"\n\n", part.trim_end().to_owned() + "\n");
            }
        }
        parts.join("[[field]]")
    }))
}

#[test]
fn a_value_in_two_fields_is_found_until_both_let_go_of_it() {
    let world = shared();
    let id = world.store_person(
        1,
        json!({"name": "王伟", "phone": "12900001234", "guardian_name": "李娜", "guardian_phone": "12900001234"}),
    );
    assert_eq!((world.row(id).header.terms.len(), terms_of(&world)), (1, 1));
    // One field lets go: the other holds the value still, in a section that the patch does not name.
    let before = world.row(id);
    world.revise(world.patch(id, json!({"phone": "12900005678"}), &[]));
    assert_eq!(found(&world, "phone", "12900001234"), [id]);
    assert_eq!(found(&world, "phone", "12900005678"), [id]);
    assert_eq!(bytes_of(&world.row(id), "guardian"), bytes_of(&before, "guardian"));
    world.revise(world.patch(id, json!({}), &["guardian_phone"]));
    assert!(found(&world, "phone", "12900001234").is_empty());
    assert_eq!((world.row(id).header.terms.len(), terms_of(&world)), (1, 1));
}

#[test]
fn a_value_that_moves_from_one_field_to_another_stays_found() {
    let world = shared();
    let id = world
        .store_person(1, json!({"name": "王伟", "phone": "12900001234", "guardian_name": "李娜"}));
    world.revise(world.patch(id, json!({"guardian_phone": "12900001234"}), &["phone"]));
    assert_eq!(found(&world, "phone", "12900001234"), [id]);
    world.revise(world.patch(id, json!({"phone": "12900001234"}), &["guardian_phone"]));
    assert_eq!(found(&world, "phone", "12900001234"), [id]);
    assert_eq!((world.row(id).header.terms.len(), terms_of(&world)), (1, 1));
}

#[test]
fn an_erased_persons_part_does_not_keep_a_term() {
    let world = shared();
    let id = world.store_person(
        1,
        json!({"name": "王伟", "phone": "12900001234", "guardian_phone": "12900001234"}),
    );
    let mut stolen = world.stolen();
    stolen.delete(Key::subject_key(subject(102)));
    let revised = world.patch(id, json!({}), &["phone"]);
    let sealed = fetch(&stolen.reader, id);
    let permit = world.permit(crate::seal::Revision::new(sealed, revised.patch, Vec::new()));
    let ops = world.seal.merge(&permit).expect("merged").ops;
    assert!(
        ops.iter()
            .any(|op| matches!(op, crate::store::Op::Delete(key) if key.as_bytes()[0] == 0x03))
    );
}

#[test]
fn terms_and_charges_of_different_groups_and_actors_differ() {
    let world = World::new();
    let schema = world.schemas.get(RecordType::Person).expect("a schema");
    let field = |name: &str| schema.field(name).expect("a field");
    let value =
        |name: &str, text: &str| Value::parse(field(name), json!(text), TODAY).expect("a value");
    let number = value("id_number", "880102195203121043");
    let charge = |actor, day, name: &str| {
        world.seal.charge(actor, day, field(name), &number).expect("a charge").tag
    };
    let other = crate::access::ActorId::from_bytes([9; 16]);
    let tags: BTreeSet<[u8; 16]> =
        [charge(WORKER, NOW, "id_number"), charge(other, NOW, "id_number")].into();
    assert_eq!(tags.len(), 2);
    let later = crate::ambient::Micros(NOW.0 + 3 * 86_400_000_000);
    assert_eq!(charge(WORKER, NOW, "id_number"), charge(WORKER, later, "id_number"));
    let name = value("name", "王伟");
    assert!(matches!(world.seal.term(field("name"), &name), Err(SealError::Unmatchable)));
    let foreign = crate::seal::Seal::new(new_keyring(), SCHEMAS.clone()).expect("a seal");
    let forms = |seal: &crate::seal::Seal| {
        seal.forms(&seal.term(field("id_number"), &number).expect("a term"))
    };
    assert_ne!(forms(&foreign), forms(&world.seal));
}
