//! Requirements on opening a page: each record by its own views, and nothing beside them.
//! Never a section that no shown field lies in, and never a value of a field that was not asked for.
//! Who was erased is missing from its own record alone.

use super::world::*;
use crate::access::Code;
use crate::records::{RecordType, SchemaSet};
use crate::seal::{OpenedPage, covers};
use crate::store::Key;
use serde_json::{Value as Json, json};

fn fields_of(page: &OpenedPage) -> Vec<Json> {
    let shown = page.items().map(|item| serde_json::to_value(item.fields()).expect("JSON"));
    shown.collect()
}

#[test]
fn a_page_shows_the_masked_fields_of_each_of_its_records() {
    let world = World::new();
    let first = world.store_person(1, json!({"name": "王伟", "phone": "12900001234"}));
    let second = world.store_person(2, json!({"name": "欧阳若兰", "sex": "2"}));
    let sealed = vec![world.fetch(second), world.fetch(first)];
    let page = world.list(sealed, &["phone", "name"]).expect("a page");
    assert_eq!((page.len(), page.is_empty()), (2, false));
    assert_eq!(
        fields_of(&page),
        [json!({"phone": null, "name": "欧阳**"}), json!({"phone": "129****1234", "name": "王*"})]
    );
    let ids: Vec<_> = page.items().map(|item| (item.id(), item.version(), item.cell())).collect();
    assert_eq!(ids, [(second, 1, CELL), (first, 1, CELL)]);
    let masked: Vec<Vec<&str>> = page.items().map(|item| item.masked().collect()).collect();
    assert_eq!(masked, [vec!["name"], vec!["phone", "name"]]);
    // Fields are written in the caller's order.
    let text = serde_json::to_string(&page.items().nth(1).expect("two").fields()).expect("JSON");
    assert_eq!(text, r#"{"phone":"129****1234","name":"王*"}"#);
}

#[test]
fn a_page_of_masked_fields_opens_nothing_in_clear() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟", "phone": "12900001234", "sex": "1"}));
    let mut stolen = world.stolen();
    let good = world.row(id);
    let mut row = good.clone();
    // Broken bytes show only to whoever opens them.
    for section in ["identity", "contact"] {
        replace(&mut row, section, b"broken");
    }
    let fields = ["phone", "name", "sex", "school"];
    let page = world.list(vec![stolen.put_row(&row)], &fields).expect("masked forms");
    let shown = json!({"phone": "129****1234", "name": "王*", "sex": "***", "school": null});
    assert_eq!(fields_of(&page), [shown]);
    assert!(world.read(stolen.put_row(&row), &["name"]).is_err());
    // And whoever sees the values opens no masked form.
    let mut row = good;
    replace(&mut row, covers::NAME, b"broken");
    assert!(world.read(stolen.put_row(&row), &["name", "phone"]).is_ok());
    assert!(world.list(vec![stolen.put_row(&row)], &["name"]).is_err());
}

#[test]
fn a_section_of_a_page_that_no_shown_field_lies_in_is_not_opened() {
    let world = World::new();
    let id = world
        .store_person(1, json!({"name": "王伟", "guardian_name": "李娜", "carer_name": "张敏"}));
    let mut stolen = world.stolen();
    let mut row = world.row(id);
    replace(&mut row, "carer", b"broken");
    let page = world.list(vec![stolen.put_row(&row)], &["name", "guardian_name"]);
    let page = page.expect("without the carer");
    assert_eq!(fields_of(&page), [json!({"name": "王*", "guardian_name": "李*"})]);
    assert!(world.list(vec![stolen.put_row(&row)], &["name", "carer_name"]).is_err());
}

#[test]
fn masked_forms_of_another_schema_are_not_shown() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟"}));
    let sealed = world.fetch(id);
    let newer = schemas_with("person.toml", |text| text.replacen("version = 1", "version = 2", 1));
    let of = |schemas: &SchemaSet| {
        let schema = schemas.get(RecordType::Person).expect("a schema");
        covers::current(&sealed, schema).is_some()
    };
    assert!(of(&world.schemas));
    assert!(!of(&newer));
}

#[test]
fn masked_forms_of_other_masks_are_neither_shown_nor_taken_for_values() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟", "phone": "12900001234"}));
    let mut row = world.row(id);
    let held = row.sections.iter_mut().find(|held| held.name.is(covers::NAME)).expect("forms");
    held.name = "masked-1".into();
    let mut stolen = world.stolen();
    let sealed = stolen.put_row(&row);
    assert!(
        covers::current(&sealed, world.schemas.get(RecordType::Person).expect("one")).is_none()
    );
    let found = world.seal.sought_of(&sealed, 20_000).expect("a row that parses");
    assert!(found.is_whole && !found.values.is_empty());
}

#[test]
fn an_erased_person_is_missing_from_its_record_alone() {
    let world = World::new();
    let first = world
        .store_person(1, json!({"name": "王伟", "guardian_name": "李娜", "carer_name": "张敏"}));
    let second = world.store_person(2, json!({"name": "赵敏"}));
    let mut stolen = world.stolen();
    stolen.delete(Key::subject_key(subject(102)));
    let sealed = vec![fetch(&stolen.reader, first), fetch(&stolen.reader, second)];
    let page = world.list(sealed, &["guardian_name", "name", "carer_name"]).expect("a page");
    assert_eq!(
        fields_of(&page),
        [
            json!({"name": "王*", "carer_name": "张*"}),
            json!({"guardian_name": null, "name": "赵*", "carer_name": null}),
        ]
    );
    let withheld: Vec<Vec<(&str, Code)>> =
        page.items().map(|item| item.withheld().collect()).collect();
    assert_eq!(withheld, [vec![("guardian_name", Code::Erased)], vec![]]);
    let masked: Vec<Vec<&str>> = page.items().map(|item| item.masked().collect()).collect();
    assert_eq!(masked, [vec!["name", "carer_name"], vec!["name"]]);
}

#[test]
fn a_record_swapped_into_another_place_of_a_page_does_not_open() {
    let world = World::new();
    let first = world.store_person(1, json!({"name": "王伟"}));
    let second = world.store_person(2, json!({"name": "李娜"}));
    for (section, fields) in
        [(covers::NAME, &["name"][..]), ("identity", &["name", "guardian_name"][..])]
    {
        let mut row = world.row(first);
        let other = bytes_of(&world.row(second), section).to_vec();
        replace(&mut row, section, &other);
        let mut stolen = world.stolen();
        assert!(world.list(vec![stolen.put_row(&row)], fields).is_err(), "{section}");
    }
}
