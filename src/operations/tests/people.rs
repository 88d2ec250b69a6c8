//! Requirements on whoever is looked for by its subject, where only a number can show them.
//! Never somebody who is held and not found, however many records name it.
//! Records have the order of their times here, so that the one that is looked for is the last.

use super::world::*;
use crate::ambient::Micros;
use crate::limits::SUBJECT_PAGE_COUNT;
use crate::operations::CreateRequest;
use crate::operations::scope::person as as_person;
use crate::records::RecordType;
use serde_json::json;

const HOUR: i64 = 3_600_000_000;

#[test]
fn somebody_is_found_as_a_person_behind_more_records_than_a_page_of_listings_has() {
    let world = World::new();
    let place = CreateRequest {
        record_type: RecordType::Place,
        ..person(
            claim_on("safety_inspection", "fire_safety_duty", None),
            json!({"address": "工农路58号", "kind": "dwelling"}),
        )
    };
    let place = world.create_request(WORKER, place).expect("stored").id.to_string();
    let (id, subject) = adult(&world);
    // Where it lived, all of it written down before.
    let (worker, before) = (world.actor(WORKER), Micros(NOW.0 - HOUR));
    for _ in 0..=SUBJECT_PAGE_COUNT {
        let home = CreateRequest {
            record_type: RecordType::Residence,
            subject: Some(subject.to_string()),
            ..person(registration(), json!({"person": subject.to_string(), "place": place}))
        };
        let stored = world.create_once(&worker, "residence_registration", home, before, None);
        assert_eq!(done(wait(stored)).expect("stored").subject, Some(subject));
    }
    let found = wait(as_person(subject, &world.reader, &world.seal)).expect("a store");
    assert_eq!((found.record, found.found.is_some()), (id, true));
    let handle = wait(world.seal.handle_of(subject, &world.reader)).expect("a store");
    assert_eq!(handle, world.facts(id).subject_handle(subject.as_bytes()));
}
