//! Requirements on protected addresses where only a race or a number can show them.
//! Never a record of a protected person without the mark, whichever of two came first and however many there are.
//! As many records as one entry names the digests of are one step, and one more is a second one.

use super::setting::SCHEMAS;
use super::world::*;
use crate::access::Code;
use crate::identity::Actor;
use crate::limits::{PROTECTED_RECORDS_COUNT_MAX, SUBJECT_PAGE_COUNT};
use crate::operations::{
    CreateRequest, Created, OperationError, ProtectRequest, Protected, protect_address,
};
use crate::records::{RecordId, SubjectId};
use serde_json::{Value as Json, json};

const RIGHTS: &str = "rights_request";
const PURPOSE: &str = "residence_registration";

async fn protect(
    world: &World,
    desk: &Actor,
    subject: SubjectId,
    protected: bool,
) -> Result<Protected, OperationError> {
    protect_address(
        &world.asked(desk, RIGHTS),
        &ProtectRequest { subject, protected, households: Vec::new() },
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &world.territory,
    )
    .await
}

fn set(world: &World, subject: SubjectId, protected: bool) -> Done<Protected> {
    done(wait(protect(world, &world.actor(DESK), subject, protected)))
}

/// A further record of somebody.
async fn further(
    world: &World,
    worker: &Actor,
    subject: SubjectId,
) -> Result<Created, OperationError> {
    let mut request = person(registration(), json!({"name": "王伟"}));
    request.subject = Some(subject.to_string());
    world.create_async(worker, PURPOSE, request).await
}

/// Somebody with so many records; the records, and the index of the last entry.
fn somebody(world: &World, count: usize) -> (SubjectId, Vec<RecordId>, u64) {
    let (id, subject) = adult(world);
    let worker = world.actor(WORKER);
    let (mut records, mut index) = (vec![id], 0);
    for _ in 1..count {
        let created = done(wait(further(world, &worker, subject))).expect("stored");
        records.push(created.id);
        index = created.recorded.index();
    }
    (subject, records, index)
}

fn marked(world: &World, records: &[RecordId]) -> usize {
    records.iter().filter(|id| world.facts(**id).protected_address).count()
}

#[test]
fn a_record_that_is_stored_while_its_person_is_protected_has_the_mark_whichever_came_first() {
    for created_first in [true, false] {
        let world = World::new();
        let (id, subject) = adult(&world);
        let (worker, desk) = (world.actor(WORKER), world.actor(DESK));
        let mark = async {
            let done = protect(&world, &desk, subject, true).await;
            done.map(|protected| json!(protected.records_count))
        };
        let create = async {
            let created = further(&world, &worker, subject).await;
            created.map(|created| json!(created.id))
        };
        let mut calls: Vec<Later<'_, Result<Json, OperationError>>> =
            vec![Box::pin(create), Box::pin(mark)];
        if !created_first {
            calls.reverse();
        }
        let mut answers: Vec<Done<Json>> =
            world.in_one_group(calls).into_iter().map(done).collect();
        if !created_first {
            answers.reverse();
        }
        let [created, protected] = &answers[..] else { panic!("two answers") };
        assert!(world.facts(id).protected_address);
        if created_first {
            assert_eq!(*protected, Ok(json!(2)), "it looked again");
            let created = created.clone().expect("stored");
            let second: RecordId = serde_json::from_value(created).expect("an id");
            assert!(world.facts(second).protected_address, "stored first");
        } else {
            // By then the person is to the worker like nobody.
            assert_eq!((created, protected), (&Err(Code::NotFound), &Ok(json!(1))));
        }
    }
}

#[test]
fn as_many_records_as_one_entry_names_are_one_step_and_one_more_is_two() {
    for (count, entries) in [(PROTECTED_RECORDS_COUNT_MAX, 1), (PROTECTED_RECORDS_COUNT_MAX + 1, 2)]
    {
        let world = World::new();
        let (subject, records, before) = somebody(&world, count);
        let first = set(&world, subject, true).expect("protected");
        assert_eq!((first.records_count, first.recorded.index() - before), (count, entries));
        assert_eq!(marked(&world, &records), count);
        // Said again nothing more is to do, and the entry is there all the same.
        let again = set(&world, subject, true).expect("protected");
        assert_eq!(again.recorded.index() - first.recorded.index(), 1);
        set(&world, subject, false).expect("lifted");
        assert_eq!(marked(&world, &records), 0);
    }
}

#[test]
fn somebody_with_more_records_than_a_page_of_listings_is_protected_whole() {
    let world = World::new();
    let (subject, records, _) = somebody(&world, SUBJECT_PAGE_COUNT + 2);
    let protected = set(&world, subject, true).expect("protected");
    assert_eq!(protected.records_count, records.len());
    assert_eq!(marked(&world, &records), records.len());
    let worker = world.actor(WORKER);
    let refused = done(wait(further(&world, &worker, subject)));
    assert_eq!(refused.map(drop), Err(Code::NotFound), "to the worker it is like nobody");
}

#[test]
fn the_answer_to_a_protection_counts_no_record_of_another_street_and_all_are_marked() {
    let world = World::new();
    world.worker_of_two_streets();
    let (id, subject) = adult(&world);
    let request = CreateRequest {
        grid: FAR.to_owned(),
        subject: Some(subject.to_string()),
        ..person(registration(), json!({"name": "王伟"}))
    };
    let far = world.create_request(WORKER, request).expect("stored").id;
    let protected = set(&world, subject, true).expect("protected");
    assert_eq!((protected.records_count, marked(&world, &[id, far])), (1, 2));
}
