//! Requirements on places: sealed bytes open where they were sealed and nowhere else.
//! Never by luck: every byte of a row is changed once.
//! What an intruder with the whole store can do is to break things, not to mix them.

use super::world::*;
use crate::records::{RecordType, SubjectSlot};
use crate::seal::{NewRecord, Part, SealError};
use crate::store::Key;
use serde_json::json;
use std::sync::Arc;

fn refused(result: Result<crate::seal::Opened, SealError>) -> bool {
    matches!(result, Err(SealError::Damaged { part: Part::Section | Part::Key, .. }))
}

#[test]
fn every_changed_byte_of_a_row_is_found_before_anything_is_shown() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "欧阳明月", "phone": "12900001234"}));
    let good = world.row(id).encode();
    let row = world.row(id);
    let before_sections = 1 + 4 + row.header.encode(&row.sections).len() + 4 + row.attributes.len();
    let mut stolen = world.stolen();
    for place in 0..good.len() {
        let mut changed = good.clone();
        changed[place] ^= 0x01;
        stolen.put(Key::row(id), changed);
        let Ok(crate::store::Fetched::Found(sealed)) = wait(stolen.reader.fetch(id)) else {
            continue;
        };
        if place < before_sections {
            assert!(world.seal.facts(&sealed).is_err(), "byte {place}");
        } else {
            // Lengths of sections are found at the look, their bytes at the opening.
            let listed = world.list(vec![fetch(&stolen.reader, id)], &["name", "phone"]);
            let found = refused(world.read(sealed, &["name", "phone"])) || listed.is_err();
            assert!(found, "byte {place}");
        }
    }
    stolen.put(Key::row(id), good.clone());
    assert!(world.read(fetch(&stolen.reader, id), &["name"]).is_ok());
    for cut in 0..good.len() {
        stolen.put(Key::row(id), good[..cut].to_vec());
        assert!(wait(stolen.reader.fetch(id)).is_err(), "cut at {cut}");
    }
    stolen.put(Key::row(id), [good.as_slice(), b"\0"].concat());
    assert!(wait(stolen.reader.fetch(id)).is_err());
}

#[test]
fn every_changed_byte_of_a_wrapped_key_is_found() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟"}));
    let key = Key::subject_key(subject(1));
    let wrapped = wait(world.reader.get(&key)).expect("a store").expect("a key").payload;
    let mut stolen = world.stolen();
    for place in 0..wrapped.len() {
        let mut changed = wrapped.clone();
        changed[place] ^= 0x80;
        stolen.put(key.clone(), changed);
        assert!(world.read(fetch(&stolen.reader, id), &["name"]).is_err(), "byte {place}");
    }
    assert_eq!(world.shown(id, &["name"]), json!({"name": "王伟"}));
}

#[test]
fn a_header_that_says_something_else_is_refused() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟", "phone": "12900001234"}));
    let row = world.row(id);
    let mut stolen = world.stolen();
    let changes: [fn(&mut crate::store::Row); 10] = [
        |row| row.header.cell = crate::territory::CellId::new(2),
        |row| row.header.version += 1,
        |row| row.header.schema += 1,
        |row| row.header.record_type = RecordType::Household,
        |row| row.header.subjects.push(subject(9)),
        |row| {
            row.header.subjects[0] = subject(9);
            row.sections.iter_mut().for_each(|section| section.subject = subject(9));
        },
        |row| row.header.terms.clear(),
        |row| row.sections[0].version += 1,
        |row| row.sections.swap(0, 1),
        |row| drop(row.sections.pop()),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut other = row.clone();
        change(&mut other);
        let sealed = stolen.put_row(&other);
        assert!(world.seal.facts(&sealed).is_err(), "change {number}");
    }
}

#[test]
fn attributes_belong_to_their_row() {
    let world = World::new();
    let (one, two) = (
        world.store_person(1, json!({"name": "王伟"})),
        world.store_person(2, json!({"name": "王伟"})),
    );
    let mut stolen = world.stolen();
    let (mut first, mut second) = (world.row(one), world.row(two));
    std::mem::swap(&mut first.attributes, &mut second.attributes);
    for row in [first, second] {
        assert!(world.seal.facts(&stolen.put_row(&row)).is_err());
    }
    // A whole row under another record's key is no row of that record.
    stolen.put(Key::row(two), world.row(one).encode());
    assert!(wait(stolen.reader.fetch(two)).is_err());
}

#[test]
fn a_section_belongs_to_its_record() {
    let world = World::new();
    let (one, two) = (
        world.store_person(1, json!({"name": "王伟"})),
        world.store_person(2, json!({"name": "李娜"})),
    );
    let mut stolen = world.stolen();
    let mut row = world.row(one);
    replace(&mut row, "identity", bytes_of(&world.row(two), "identity"));
    assert!(refused(world.read(stolen.put_row(&row), &["name"])));
}

#[test]
fn a_section_belongs_to_its_record_also_where_both_are_of_one_subject() {
    let world = World::new();
    let first = world.person(1, json!({"name": "王伟"}));
    let second = NewRecord {
        id: record(2),
        facts: Arc::new(facts(2, &first.subjects)),
        subjects: first.subjects.clone(),
        fields: world.values(RecordType::Person, json!({"name": "李娜"})),
        ..world.person(1, json!({"name": "x"}))
    };
    world.store(vec![first, second]);
    assert_eq!(world.row(record(1)).header.subjects, world.row(record(2)).header.subjects);
    let mut stolen = world.stolen();
    let mut row = world.row(record(1));
    replace(&mut row, "identity", bytes_of(&world.row(record(2)), "identity"));
    assert!(refused(world.read(stolen.put_row(&row), &["name"])));
}

#[test]
fn a_section_belongs_to_its_type() {
    // Two types with a section of one name, under one record id and one subject in two vaults.
    let (world, other) = (World::new(), World::new());
    let household = NewRecord {
        id: record(1),
        record_type: RecordType::Household,
        cell: CELL,
        fields: world.values(RecordType::Household, json!({"kind": "family"})),
        facts: Arc::new(facts(1, &[])),
        subjects: vec![(SubjectSlot::Own, subject(1))],
    };
    let place = NewRecord {
        id: record(1),
        record_type: RecordType::Place,
        cell: CELL,
        fields: other.values(RecordType::Place, json!({"address": "工农路58号"})),
        facts: Arc::new(facts(1, &[])),
        subjects: vec![(SubjectSlot::Own, subject(1))],
    };
    world.store(vec![household]);
    other.store(vec![place]);
    let mut stolen = world.stolen();
    let key = Key::subject_key(subject(1));
    let wrapped = wait(other.reader.get(&key)).expect("a store").expect("a key").payload;
    stolen.put(key, wrapped);
    let mut row = world.row(record(1));
    replace(&mut row, "general", bytes_of(&other.row(record(1)), "general"));
    assert!(refused(world.read(stolen.put_row(&row), &["kind"])));
}

#[test]
fn a_section_belongs_to_its_name_and_its_subject() {
    let world = World::new();
    let id = world.store_person(
        1,
        json!({"name": "王伟", "phone": "12900001234", "guardian_name": "李娜", "carer_name": "张敏"}),
    );
    let row = world.row(id);
    let pairs = [("identity", "contact"), ("identity", "guardian"), ("guardian", "carer")];
    let mut stolen = world.stolen();
    for (one, two) in pairs {
        let mut swapped = row.clone();
        replace(&mut swapped, one, bytes_of(&row, two));
        replace(&mut swapped, two, bytes_of(&row, one));
        let sealed = stolen.put_row(&swapped);
        let fields = ["name", "phone", "guardian_name", "carer_name"];
        assert!(refused(world.read(sealed, &fields)), "{one} {two}");
    }
    // The subjects' keys exchanged instead: each is wrapped for its own subject.
    let stored = |number| {
        let key = Key::subject_key(subject(number));
        (key.clone(), wait(world.reader.get(&key)).expect("a store").expect("a key").payload)
    };
    let [(own, own_key), (guardian, guardian_key)] = [stored(1), stored(102)];
    stolen.put(own, guardian_key);
    stolen.put(guardian, own_key);
    world.seal.keys.clear();
    let sealed = stolen.put_row(&row);
    assert!(world.read(sealed, &["name", "guardian_name"]).is_err());
}

#[test]
fn a_section_belongs_to_its_version() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟", "phone": "12900001234"}));
    let old = world.row(id);
    world.revise(world.patch(id, json!({"name": "王薇"}), &[]));
    let mut stolen = world.stolen();
    let mut row = world.row(id);
    replace(&mut row, "identity", bytes_of(&old, "identity"));
    assert!(refused(world.read(stolen.put_row(&row), &["name"])));
    // And the newer one does not open in the older row.
    let mut row = old.clone();
    replace(&mut row, "identity", bytes_of(&world.row(id), "identity"));
    assert!(refused(world.read(stolen.put_row(&row), &["name"])));
}

#[test]
fn another_vault_opens_nothing() {
    let world = World::new();
    let id = world.store_person(1, json!({"name": "王伟"}));
    let foreign = crate::seal::Seal::new(new_keyring(), SCHEMAS.clone()).expect("a seal");
    assert!(foreign.facts(&world.fetch(id)).is_err());
}

#[test]
fn no_planted_value_stands_in_clear_anywhere() {
    let planted = [
        "欧阳明月",
        "12900001234",
        "880102195203121043",
        "机床厂家属院6号楼",
        "1952-03-12",
        "司马清风",
    ];
    let world = World::new();
    let id = world.store_person(
        1,
        json!({
            "name": planted[0], "phone": planted[1], "id_number": planted[2],
            "current_address": planted[3], "birth_date": planted[4],
            "emergency_contact_name": planted[5],
        }),
    );
    world.revise(world.patch(id, json!({"phone": "12900005678", "name": "欧阳清月"}), &[]));
    world.remove(world.store_person(2, json!({"name": planted[5]})), &[subject(2)]);
    wait(world.trail.stop()).expect("stopped");
    let mut haystacks: Vec<Vec<u8>> = Vec::new();
    for (key, stored) in world.everything() {
        haystacks.push(key.as_bytes().to_vec());
        haystacks.push(stored.payload);
    }
    let folders = ["journal", "log"].map(|name| world.directory.path().join(name));
    let mut open = folders.to_vec();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                haystacks.push(std::fs::read(path).expect("a file"));
            }
        }
    }
    assert!(haystacks.len() > 12);
    for value in planted.into_iter().chain(["12900005678", "欧阳清月", "8801021952", "欧阳"])
    {
        let needle = value.as_bytes();
        for haystack in &haystacks {
            let found = haystack.windows(needle.len()).any(|window| window == needle);
            assert!(!found, "{value} in clear");
        }
    }
}
