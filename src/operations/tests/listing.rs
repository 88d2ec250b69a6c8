//! Requirements on lists as an operation: bounds, order, cursors, and what happens when rights change meanwhile.
//! Never a page without its entry, and never one decided under rights that are over.
//! A page that ends early goes on by cursor, and the walk meets every record once.

use super::world::*;
use crate::access::Code;
use crate::ambient::Micros;
use crate::limits::{
    CURSOR_SECONDS, HOUSEHOLD_PEOPLE_COUNT_MAX, QUERY_LOOKS_COUNT_MAX, QUERY_PAGE_COUNT_MAX,
    QUERY_SUBJECTS_COUNT_MAX,
};
use crate::operations::{PersonRequest, QueryRequest};
use crate::records::{RecordId, RecordType};
use serde_json::json;
use std::collections::BTreeSet;

fn people(limit: usize) -> QueryRequest {
    list_of(RecordType::Person, &["name", "phone"], limit)
}

fn from(cursor: &str, request: QueryRequest) -> QueryRequest {
    QueryRequest { cursor: Some(cursor.to_owned()), ..request }
}

/// The sizes of all pages, and every record once.
fn pages(world: &World, request: impl Fn() -> QueryRequest) -> (Vec<usize>, BTreeSet<RecordId>) {
    let (mut sizes, mut seen) = (Vec::new(), BTreeSet::new());
    let mut page = world.query(WORKER, request()).expect("a page");
    loop {
        sizes.push(page.ids.len());
        for id in &page.ids {
            assert!(seen.insert(*id), "a record came twice");
        }
        let Some(cursor) = page.cursor else { return (sizes, seen) };
        page = world.query(WORKER, from(&cursor, request())).expect("a page");
    }
}

/// So many households of as many people as one may have.
fn crowd(world: &World, households_count: usize) {
    for _ in 0..households_count {
        let mut request = household(json!({"name": "王伟"}));
        let one = request.people.remove(0);
        request.people = (0..HOUSEHOLD_PEOPLE_COUNT_MAX)
            .map(|number| PersonRequest {
                reference: format!("p{number}"),
                fields: one.fields.clone(),
                guardians: Vec::new(),
                residence: serde_json::Map::new(),
                basis: None,
            })
            .collect();
        world.create_household(WORKER, request).expect("created");
    }
}

#[test]
fn a_page_is_bounded_by_records_subjects_and_looks_and_the_next_goes_on() {
    let world = World::new();
    // One person more than a page may look at.
    let households_count = QUERY_LOOKS_COUNT_MAX / HOUSEHOLD_PEOPLE_COUNT_MAX + 1;
    crowd(&world, households_count);
    let people_count = households_count * HOUSEHOLD_PEOPLE_COUNT_MAX;

    let (sizes, seen) = pages(&world, || people(QUERY_PAGE_COUNT_MAX));
    assert_eq!(seen.len(), people_count);
    let (last, full) = sizes.split_last().expect("pages");
    assert!(full.iter().all(|size| *size == QUERY_PAGE_COUNT_MAX));
    assert_eq!(*last, people_count % QUERY_PAGE_COUNT_MAX);

    let of_households = || list_of(RecordType::Household, &["kind", "size"], QUERY_PAGE_COUNT_MAX);
    let (sizes, seen) = pages(&world, of_households);
    assert_eq!(seen.len(), households_count);
    let fit = QUERY_SUBJECTS_COUNT_MAX / HOUSEHOLD_PEOPLE_COUNT_MAX;
    assert!(fit >= 30 && sizes[0] == fit, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= fit));

    // Nothing is found: the page ends where its looks do.
    let changed = |at: i64| QueryRequest { updated_since: Some(Micros(at)), ..people(5) };
    let (sizes, seen) = pages(&world, || changed(NOW.0 + 1));
    assert_eq!((sizes.as_slice(), seen.len()), ([0, 0].as_slice(), 0));
    let page = world.query(WORKER, changed(NOW.0)).expect("a page");
    assert_eq!(page.ids.len(), 5, "what changed at that very moment is recent");
}

#[test]
fn an_empty_grid_is_one_empty_page() {
    let world = World::new();
    let page = world.query(NEIGHBOUR, QueryRequest { grid: None, ..people(5) }).expect("a page");
    assert!(page.ids.is_empty() && page.cursor.is_none());
}

#[test]
fn a_cursor_is_over_after_its_hour() {
    let world = World::new();
    for _ in 0..3 {
        adult(&world);
    }
    let first = world.query(WORKER, people(2)).expect("a page");
    let cursor = first.cursor.expect("more");
    let after = |seconds: i64| {
        let now = Micros(NOW.0 + seconds * 1_000_000);
        world.query_at(WORKER, from(&cursor, people(2)), now).map(|page| page.ids.len())
    };
    assert_eq!(after(CURSOR_SECONDS - 1), Ok(1));
    assert_eq!(after(CURSOR_SECONDS), Err(Code::SchemaInvalid));
}

#[test]
fn a_cursor_ends_with_the_assignment_that_carried_its_page() {
    let world = World::new();
    for _ in 0..3 {
        adult(&world);
    }
    let request = || QueryRequest { grid: None, ..people(2) };
    let first = world.query(WORKER, request()).expect("a page");
    let cursor = first.cursor.expect("more");
    world.change_actor(WORKER, |record| record.assignments[0].id = [99; 16]);
    let again = world.query(WORKER, from(&cursor, request())).map(|page| page.ids.len());
    assert_eq!(again, Err(Code::SchemaInvalid));
    assert_eq!(world.query(WORKER, request()).map(|page| page.ids.len()), Ok(2));
}

#[test]
fn a_list_that_was_decided_before_a_revocation_is_decided_again() {
    let world = World::new();
    adult(&world);
    let before = world.actor(WORKER);
    world.change_actor(WORKER, |record| record.assignments.clear());
    let asked = world.query_as(&before, people(5));
    assert_eq!(asked.map(|page| page.ids.len()), Err(Code::Stale));
    assert_eq!(world.query(WORKER, people(5)).map(|page| page.ids.len()), Err(Code::Denied));
}

#[test]
fn a_value_leads_to_every_record_of_the_area_that_has_it() {
    let world = World::new();
    let (first, _) = adult(&world);
    let (second, _) = adult(&world);
    let by = |phone: &str| QueryRequest {
        matched: Some(("phone".to_owned(), json!(phone))),
        ..people(1)
    };
    let (sizes, seen) = pages(&world, || by("129 0000 1234"));
    assert_eq!(seen, BTreeSet::from([first, second]));
    assert!(sizes.iter().all(|size| *size <= 1));
    assert!(pages(&world, || by("12900009999")).1.is_empty());
    // One changed since, and is found by its value and its time.
    let later = || QueryRequest { updated_since: Some(Micros(NOW.0 + 1)), ..by("12900001234") };
    assert!(pages(&world, later).1.is_empty());
    let since = || QueryRequest { updated_since: Some(NOW), ..by("12900001234") };
    assert_eq!(pages(&world, since).1.len(), 2);
}

#[test]
fn assignments_of_lines_over_one_grid_meet_each_record_once() {
    let world = World::new();
    let (first, _) = adult(&world);
    let (second, _) = adult(&world);
    let request = || QueryRequest { grid: None, ..people(1) };
    for lines in [
        [Some("public_security"), None],
        [None, Some("public_security")],
        [Some("public_security"), Some("public_security")],
    ] {
        world.change_actor(WORKER, |record| {
            let one = record.assignments[0].clone();
            record.assignments = (1u8..)
                .zip(lines)
                .map(|(number, line)| {
                    let mut placed = one.clone();
                    (placed.id, placed.line) = ([number; 16], line.map(str::to_owned));
                    placed
                })
                .collect();
        });
        // `pages` refuses a record that comes twice.
        let (_, seen) = pages(&world, request);
        assert_eq!(seen, BTreeSet::from([first, second]), "{lines:?}");
    }
}
