//! Requirements on consents where only a race or a number can show them.
//! Never a record that still rests on what was taken back, however many there are and whatever was stored meanwhile.
//! The record that was named comes last, so a withdrawal that was cut short can be asked for again.

use super::setting::{PURPOSES, SCHEMAS};
use super::world::*;
use crate::access::Code;
use crate::identity::Actor;
use crate::limits::{SUBJECT_RECORDS_COUNT_MAX, WITHDRAWAL_RECORDS_COUNT_MAX};
use crate::operations::{
    CreateRequest, OperationError, WithdrawRequest, WithdrawnConsent, list_consents,
    withdraw_consent,
};
use crate::purposes::ConsentGiver;
use crate::records::{RecordId, SubjectId};
use crate::store::Key;
use serde_json::{Value as Json, json};

const RIGHTS: &str = "rights_request";
const CONTACT: &str = "household_contact";

/// A record that rests on a consent, of somebody new or of a person who is held.
fn resting(subject: Option<SubjectId>) -> CreateRequest {
    let request = person(contact(ConsentGiver::Self_), json!({"name": "王伟"}));
    CreateRequest { subject: subject.map(|subject| subject.to_string()), ..request }
}

/// Somebody with so many records that rest on consents; the records, and the index of the last entry.
fn somebody(world: &World, count: usize) -> (SubjectId, Vec<RecordId>, u64) {
    let (mut subject, mut records, mut index) = (None, Vec::new(), 0);
    for _ in 0..count {
        let created = world.create_request(WORKER, resting(subject)).expect("stored");
        subject = created.subject;
        records.push(created.id);
        index = created.recorded.index();
    }
    (subject.expect("a person"), records, index)
}

async fn withdraw(
    world: &World,
    desk: &Actor,
    subject: SubjectId,
    consent: [u8; 16],
) -> Result<WithdrawnConsent, OperationError> {
    let request = WithdrawRequest { subject, consent, by: ConsentGiver::Self_, proof: "passport" };
    withdraw_consent(
        &world.asked(desk, RIGHTS),
        request,
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &PURPOSES,
        &world.territory,
        &*world.random,
    )
    .await
}

/// The consent on which a record rests.
fn consent_of(world: &World, id: RecordId) -> [u8; 16] {
    world.facts(id).bases[0].consent.expect("it rests on a consent")
}

fn withdrawn(world: &World, subject: SubjectId, named: RecordId) -> Done<WithdrawnConsent> {
    let consent = consent_of(world, named);
    done(wait(withdraw(world, &world.actor(DESK), subject, consent)))
}

fn is_marked(world: &World, id: RecordId) -> bool {
    let facts = world.facts(id);
    facts.is_withdrawn(&facts.bases[0])
}

/// The entry that wrote a record last.
fn entry_of(world: &World, id: RecordId) -> u64 {
    wait(world.reader.get(&Key::row(id))).expect("a store").expect("a row").index
}

#[test]
fn as_many_records_as_a_step_marks_are_one_entry_and_one_more_is_two_the_named_one_last() {
    let most = WITHDRAWAL_RECORDS_COUNT_MAX;
    for (count, entries) in [(most, 1), (most + 1, 2)] {
        let world = World::new();
        let (subject, records, before) = somebody(&world, count);
        let done = withdrawn(&world, subject, records[3]).expect("withdrawn");
        assert_eq!((done.records.len(), done.recorded.index() - before), (count, entries));
        assert!(records.iter().all(|id| is_marked(&world, *id)));
        assert_eq!(entry_of(&world, records[3]), done.recorded.index());
        assert_eq!(entry_of(&world, records[0]), before + 1);
        for id in [records[0], records[3], records[count - 1]] {
            let read = world.read(WORKER, CONTACT, id, &["name"]);
            assert_eq!(read, Err(Code::ConsentWithdrawn));
        }
        let again = withdrawn(&world, subject, records[3]).map(|done| done.records.len());
        assert_eq!(again, Err(Code::VersionConflict));
    }
}

#[test]
fn what_lies_behind_a_page_of_listings_is_listed_and_taken_back_too() {
    let world = World::new();
    let (subject, records, _) = somebody(&world, SUBJECT_RECORDS_COUNT_MAX + 2);
    let desk = world.actor(DESK);
    let listed = || {
        let asked = world.asked(&desk, RIGHTS);
        let listed = list_consents(
            &asked,
            subject,
            &world.reader,
            &world.seal,
            &world.access,
            &world.trail,
            &SCHEMAS,
            &world.territory,
        );
        wait(listed).expect("a list").0
    };
    assert_eq!(listed().len(), records.len());
    let last = records[records.len() - 1];
    let done = withdrawn(&world, subject, last).expect("withdrawn");
    assert_eq!(done.records.len(), records.len());
    assert!(records.iter().all(|id| is_marked(&world, *id)));
    assert!(listed().iter().all(|consent| consent.withdrawn_on.is_some()));
}

#[test]
fn a_record_that_was_stored_in_front_of_a_withdrawal_is_taken_back_with_the_others() {
    let world = World::new();
    let (subject, records, _) = somebody(&world, 1);
    let (worker, desk) = (world.actor(WORKER), world.actor(DESK));
    let create = async {
        let created = world.create_async(&worker, CONTACT, resting(Some(subject))).await;
        created.map(|created| json!(created.id))
    };
    let consent = consent_of(&world, records[0]);
    let take_back = async {
        let done = withdraw(&world, &desk, subject, consent).await;
        done.map(|done| json!(done.records.len()))
    };
    let calls: Vec<Later<'_, Result<Json, OperationError>>> =
        vec![Box::pin(create), Box::pin(take_back)];
    let answers: Vec<Done<Json>> = world.in_one_group(calls).into_iter().map(done).collect();
    let [Ok(created), Ok(count)] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!(*count, json!(2));
    let second: RecordId = serde_json::from_value(created.clone()).expect("an id");
    assert!(is_marked(&world, records[0]) && is_marked(&world, second));
}

#[test]
fn the_answer_to_a_withdrawal_names_no_record_of_another_street_and_all_are_taken_back() {
    let world = World::new();
    world.worker_of_two_streets();
    let (subject, records, _) = somebody(&world, 1);
    let request = CreateRequest { grid: FAR.to_owned(), ..resting(Some(subject)) };
    let far = world.create_request(WORKER, request).expect("stored").id;
    let done = withdrawn(&world, subject, records[0]).expect("withdrawn");
    let named: Vec<RecordId> = done.records.iter().map(|(id, _)| *id).collect();
    assert_eq!(named, records);
    assert!(is_marked(&world, records[0]) && is_marked(&world, far));
    assert_eq!(entry_of(&world, far), done.recorded.index(), "in one entry");
}
