//! Requirements on consents where only a race, a crash or a number can show them.
//! Never a record that still rests on what was taken back, however many there are and whatever was stored meanwhile.
//! The record that was named comes last, so a withdrawal that was cut short can be asked for again.

use super::setting::{PURPOSES, SCHEMAS};
use super::world::*;
use crate::access::Code;
use crate::identity::Actor;
use crate::limits::{PERSON_RECORDS_COUNT_MAX, SUBJECT_PAGE_COUNT, WITHDRAWAL_RECORDS_COUNT_MAX};
use crate::operations::{
    ConsentRequest, CreateRequest, GivenConsent, OperationError, WithdrawRequest, WithdrawnConsent,
    give_consent, list_consents, withdraw_consent,
};
use crate::purposes::{BasisClaim, ConsentGiver};
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

pub(super) async fn withdraw(
    world: &World,
    desk: &Actor,
    subject: SubjectId,
    consent: [u8; 16],
) -> Result<WithdrawnConsent, OperationError> {
    withdraw_by(world, desk, (subject, ConsentGiver::Self_), consent).await
}

/// The same by whoever is present.
pub(super) async fn withdraw_by(
    world: &World,
    desk: &Actor,
    (subject, by): (SubjectId, ConsentGiver),
    consent: [u8; 16],
) -> Result<WithdrawnConsent, OperationError> {
    let request = WithdrawRequest { subject, consent, by, proof: "passport" };
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
    let (subject, records, _) = somebody(&world, SUBJECT_PAGE_COUNT + 2);
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

#[test]
fn a_withdrawal_that_is_cut_short_after_any_step_leaves_something_to_say_again_and_is_whole_then() {
    let most = WITHDRAWAL_RECORDS_COUNT_MAX;
    let (count, steps) = (2 * most + 1, 3);
    for done in 0..steps {
        let world = World::new();
        let (subject, records, before) = somebody(&world, count);
        let named = records[7];
        let consent = consent_of(&world, named);
        let desk = world.actor(DESK);
        let call = Box::pin(withdraw(&world, &desk, subject, consent));
        world.crash_after(done, call);
        // What a step has marked is closed from it on, and what it has not reached is as it was. The named consent stands.
        let is_open = |id: &RecordId| !is_marked(&world, *id);
        let open: Vec<RecordId> = records.iter().copied().filter(is_open).collect();
        assert_eq!(open.len(), count - usize::try_from(done).expect("few") * most);
        assert!(open.contains(&named));
        for id in &records {
            let read = world.read(WORKER, CONTACT, *id, &["name"]).map(drop);
            let expected = if open.contains(id) { Ok(()) } else { Err(Code::ConsentWithdrawn) };
            assert_eq!(read, expected);
        }
        let again = withdrawn(&world, subject, named).expect("withdrawn");
        assert_eq!(again.records.len(), open.len());
        assert!(records.iter().all(|id| is_marked(&world, *id)));
        // The reads above are entries too.
        let entries = again.recorded.index() - before;
        assert_eq!(entries, steps + records.len() as u64);
    }
}

#[test]
fn an_answer_that_was_lost_behind_the_last_step_leaves_nothing_to_withdraw() {
    let world = World::new();
    let (subject, records, _) = somebody(&world, 2);
    let consent = consent_of(&world, records[0]);
    let desk = world.actor(DESK);
    world.crash_after(1, Box::pin(withdraw(&world, &desk, subject, consent)));
    assert!(records.iter().all(|id| is_marked(&world, *id)));
    let again = withdrawn(&world, subject, records[0]).map(|done| done.records.len());
    assert_eq!(again, Err(Code::VersionConflict));
}

#[test]
fn a_record_that_is_stored_between_two_steps_is_taken_back_too() {
    let world = World::new();
    let (subject, records, _) = somebody(&world, WITHDRAWAL_RECORDS_COUNT_MAX + 1);
    let consent = consent_of(&world, records[0]);
    let desk = world.actor(DESK);
    world.crash_after(1, Box::pin(withdraw(&world, &desk, subject, consent)));
    let further = world.create_request(WORKER, resting(Some(subject))).expect("stored").id;
    assert!(!is_marked(&world, further));
    withdrawn(&world, subject, records[0]).expect("withdrawn");
    assert!(is_marked(&world, further));
}

#[test]
fn a_person_has_records_to_the_limit_and_not_one_more_and_one_withdrawal_takes_all_of_them_back() {
    let world = World::new();
    let (subject, records, _) = somebody(&world, PERSON_RECORDS_COUNT_MAX);
    let more = world.create_request(WORKER, resting(Some(subject))).map(|created| created.id);
    assert_eq!(more, Err(Code::TooLarge));
    let done = withdrawn(&world, subject, records[0]).expect("withdrawn");
    assert_eq!(done.records.len(), records.len());
    assert!(records.iter().all(|id| is_marked(&world, *id)));
}

async fn give(
    world: &World,
    desk: &Actor,
    subject: SubjectId,
    records: &[RecordId],
    claim: BasisClaim,
) -> Result<GivenConsent, OperationError> {
    let purpose = PURPOSES.get(&claim.purpose).expect("a shipped purpose");
    let records = records.to_vec();
    give_consent(
        &world.asked(desk, RIGHTS),
        ConsentRequest { subject, records, purpose, claim, proof: "passport" },
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

pub(super) fn given(
    world: &World,
    subject: SubjectId,
    records: &[RecordId],
    claim: BasisClaim,
) -> Done<[u8; 16]> {
    let desk = world.actor(DESK);
    done(wait(give(world, &desk, subject, records, claim))).map(|given| given.id)
}

#[test]
fn a_consent_is_given_over_all_named_records_at_once_and_taken_back_from_all() {
    let world = World::new();
    let (first, subject) = adult(&world);
    let request = CreateRequest {
        subject: Some(subject.to_string()),
        ..person(registration(), json!({"name": "王伟"}))
    };
    let second = world.create_request(WORKER, request).expect("stored").id;
    let reads = |id: RecordId| world.read(WORKER, CONTACT, id, &["name"]).map(drop);
    assert_eq!(reads(first), Err(Code::BasisMissing));
    let end = world.facts(first).retain_until;
    let claim = || contact(ConsentGiver::Self_);
    let consent = given(&world, subject, &[first, second], claim()).expect("given");
    assert_eq!((reads(first), reads(second)), (Ok(()), Ok(())));
    assert_eq!(world.facts(first).retain_until, end, "no end moves");
    assert_eq!(entry_of(&world, first), entry_of(&world, second), "in one entry");
    assert_eq!(given(&world, subject, &[first], claim()), Err(Code::VersionConflict));
    let desk = world.actor(DESK);
    let back = done(wait(withdraw(&world, &desk, subject, consent))).expect("withdrawn");
    assert_eq!(back.records.len(), 2);
    let closed = Err(Code::ConsentWithdrawn);
    assert_eq!((reads(first), reads(second)), (closed, Err(Code::ConsentWithdrawn)));
    given(&world, subject, &[first], claim()).expect("given anew");
    assert_eq!((reads(first), reads(second)), (Ok(()), Err(Code::ConsentWithdrawn)));
}

#[test]
fn what_was_collected_on_a_consent_that_was_taken_back_may_be_removed_and_not_written() {
    let world = World::new();
    let (id, subject) = adult(&world);
    let hours = json!({"contact_hours": ["morning"]});
    let claim = Some(contact(ConsentGiver::Self_));
    assert_eq!(world.patch(WORKER, CONTACT, id, hours.clone(), claim), Ok(2));
    let consent = world.facts(id).bases[1].consent.expect("a consent");
    done(wait(withdraw(&world, &world.actor(DESK), subject, consent))).expect("withdrawn");
    let patched = |fields| world.patch(WORKER, CONTACT, id, fields, None);
    let both = json!({"contact_hours": null, "phone": "12900005678"});
    for written in [hours, both, json!({})] {
        assert_eq!(patched(written).err(), Some(Code::BasisMissing));
    }
    assert_eq!(patched(json!({"contact_hours": null})), Ok(4));
    // The register stays, and what was never held on the consent is not removed under it.
    let read = world.read(WORKER, "residence_registration", id, &["phone"]);
    assert_eq!(read, Ok(json!({"phone": "12900001234"})));
    let (other, _) = adult(&world);
    let removed = world.patch(WORKER, CONTACT, other, json!({"phone": null}), None);
    assert_eq!(removed.err(), Some(Code::BasisMissing));
}

#[test]
fn what_is_held_on_a_duty_needs_no_consent_and_a_basis_without_one_takes_none() {
    let world = World::new();
    let (id, subject) = adult(&world);
    let by = Some(ConsentGiver::Self_);
    let duty = claim_on("residence_registration", "residence_permit_duty", by);
    assert_eq!(given(&world, subject, &[id], duty), Err(Code::BasisMissing));
    let mut other = contact(ConsentGiver::Self_);
    other.notice = "residence_registration_notice_1".to_owned();
    assert_eq!(given(&world, subject, &[id], other), Err(Code::BasisMissing));
    let mut nobodys = contact(ConsentGiver::Self_);
    nobodys.consent = None;
    assert_eq!(given(&world, subject, &[id], nobodys), Err(Code::BasisMissing));
    assert_eq!(world.version(id), 1);
}

#[test]
fn a_sensitive_field_that_is_held_needs_a_consent_of_its_own() {
    let world = World::new();
    let by = Some(ConsentGiver::Self_);
    let claim = |basis: &str| claim_on("elder_visit", basis, by);
    let fields = json!({"name": "王伟", "assistance_tag": ["step_free"]});
    let request = person(claim("elder_visit_separate_consent"), fields);
    let stored = world.create_request(HEAD, request).expect("stored");
    let (id, subject) = (stored.id, stored.subject.expect("a person"));
    let plain = claim("elder_visit_consent");
    assert_eq!(given(&world, subject, &[id], plain.clone()), Err(Code::BasisMissing));
    let (without, nobody) = adult(&world);
    given(&world, nobody, &[without], plain).expect("nothing sensitive is held");
}

#[test]
fn for_a_child_the_guardian_gives_a_consent() {
    let world = World::new();
    let (id, subject) = child(&world);
    let own = given(&world, subject, &[id], contact(ConsentGiver::Self_));
    assert_eq!(own, Err(Code::BasisMissing));
    given(&world, subject, &[id], contact(ConsentGiver::Guardian)).expect("given");
}

#[test]
fn a_consent_over_what_is_not_the_persons_or_not_the_desks_is_like_one_over_nothing() {
    let world = World::new();
    world.worker_of_two_streets();
    let (id, subject) = adult(&world);
    let (other, _) = adult(&world);
    let request = CreateRequest {
        grid: FAR.to_owned(),
        subject: Some(subject.to_string()),
        ..person(registration(), json!({"name": "王伟"}))
    };
    let far = world.create_request(WORKER, request).expect("stored").id;
    let nothing = RecordId::from_bytes([9; 16]);
    for wrong in [other, far, nothing] {
        let refused = given(&world, subject, &[id, wrong], contact(ConsentGiver::Self_));
        assert_eq!(refused, Err(Code::NotFound));
    }
    assert_eq!(world.version(id), 1);
}

/// A further record of somebody, held on a duty: a consent may be given over it.
fn on_duty(world: &World, subject: SubjectId) -> RecordId {
    let request = CreateRequest {
        subject: Some(subject.to_string()),
        ..person(registration(), json!({"name": "王伟"}))
    };
    world.create_request(WORKER, request).expect("stored").id
}

/// Whether a record may be read for the purpose on a consent that stands.
fn consent_stands(world: &World, id: RecordId) -> bool {
    world.facts(id).live_basis_for(CONTACT).is_some_and(|basis| basis.consent.is_some())
}

/// A consent over one record and a withdrawal of all to its purpose meet; gives the last entry of each.
fn meeting(
    world: &World,
    subject: SubjectId,
    (given_over, taken_from): (RecordId, RecordId),
    given_first: bool,
) -> (u64, u64) {
    let desk = world.actor(DESK);
    let consent = consent_of(world, taken_from);
    let over = [given_over];
    let giving = async {
        let given = give(world, &desk, subject, &over, contact(ConsentGiver::Self_)).await;
        given.map(|given| json!(given.recorded.index()))
    };
    let taking = async {
        let taken = withdraw(world, &desk, subject, consent).await;
        taken.map(|taken| json!(taken.recorded.index()))
    };
    let mut calls: Vec<Later<'_, Result<Json, OperationError>>> =
        vec![Box::pin(giving), Box::pin(taking)];
    if !given_first {
        calls.reverse();
    }
    let mut answers: Vec<Done<Json>> = world.in_one_group(calls).into_iter().map(done).collect();
    if !given_first {
        answers.reverse();
    }
    let [Ok(given), Ok(taken)] = &answers[..] else { panic!("{answers:?}") };
    (given.as_u64().expect("an index"), taken.as_u64().expect("an index"))
}

#[test]
fn of_a_consent_and_a_withdrawal_at_once_the_one_that_is_later_in_the_log_decides() {
    for given_first in [true, false] {
        let world = World::new();
        let (subject, records, _) = somebody(&world, 1);
        let further = on_duty(&world, subject);
        let (given, taken) = meeting(&world, subject, (further, records[0]), given_first);
        assert_eq!(given < taken, given_first);
        assert!(is_marked(&world, records[0]));
        assert_eq!(consent_stands(&world, further), given > taken, "given first: {given_first}");
        let read = world.read(WORKER, CONTACT, further, &["name"]).map(drop);
        let expected = if given_first { Err(Code::ConsentWithdrawn) } else { Ok(()) };
        assert_eq!(read, expected);
    }
}

#[test]
fn a_consent_between_two_steps_of_a_withdrawal_is_taken_back_with_the_rest() {
    let world = World::new();
    let (subject, records, _) = somebody(&world, WITHDRAWAL_RECORDS_COUNT_MAX + 1);
    let further = on_duty(&world, subject);
    // The first step of the withdrawal and the consent are in one group; the second step was not decided yet.
    let (given, taken) = meeting(&world, subject, (further, records[0]), false);
    assert!(given < taken && !consent_stands(&world, further));
    assert!(records.iter().all(|id| is_marked(&world, *id)));
    assert_eq!(entry_of(&world, further), taken);
}

#[test]
fn a_consent_behind_any_step_of_a_withdrawal_that_was_cut_short_is_as_the_order_of_the_log_says() {
    let most = WITHDRAWAL_RECORDS_COUNT_MAX;
    let (count, steps) = (2 * most + 1, 3);
    for done in 0..=steps {
        let world = World::new();
        let (subject, records, _) = somebody(&world, count);
        let further = on_duty(&world, subject);
        let consent = consent_of(&world, records[7]);
        let desk = world.actor(DESK);
        world.crash_after(done, Box::pin(withdraw(&world, &desk, subject, consent)));
        given(&world, subject, &[further], contact(ConsentGiver::Self_)).expect("given");
        assert!(consent_stands(&world, further), "behind {done} steps");
        let again = withdrawn(&world, subject, records[7]).map(drop);
        assert_eq!(again, if done < steps { Ok(()) } else { Err(Code::VersionConflict) });
        assert_eq!(consent_stands(&world, further), done == steps, "behind {done} steps");
        assert!(records.iter().all(|id| is_marked(&world, *id)));
    }
}

#[test]
fn a_consent_that_is_cut_short_is_given_or_is_not() {
    for done in 0..=1 {
        let world = World::new();
        let (subject, records, _) = somebody(&world, 1);
        let further = on_duty(&world, subject);
        let desk = world.actor(DESK);
        let over = [further];
        let call = give(&world, &desk, subject, &over, contact(ConsentGiver::Self_));
        world.crash_after(done, Box::pin(call));
        assert_eq!(consent_stands(&world, further), done == 1);
        withdrawn(&world, subject, records[0]).expect("withdrawn");
        assert!(!consent_stands(&world, further));
    }
}

#[test]
fn a_consent_given_anew_moves_back_the_end_that_a_withdrawal_moved_forward() {
    let world = World::new();
    let (subject, records, _) = somebody(&world, 2);
    let ends = |id: RecordId| world.facts(id).retain_until.expect("an end");
    let queued = |day: i32, id: RecordId| world.has(&Key::retention(day, id));
    let own = ends(records[0]);
    for _ in 0..2 {
        withdrawn(&world, subject, records[0]).expect("withdrawn");
        let early = ends(records[0]);
        assert!(early < own && queued(early, records[0]) && !queued(own, records[0]));
        // Over one of the two alone: the other still goes.
        let desk = world.actor(DESK);
        let claim = contact(ConsentGiver::Self_);
        let given = done(wait(give(&world, &desk, subject, &records[..1], claim)));
        assert_eq!(given.expect("given").records, [(records[0], Some(own))]);
        assert!(queued(own, records[0]) && !queued(early, records[0]));
        assert_eq!((ends(records[0]), world.facts(records[0]).own_end), (own, None));
        assert_eq!(ends(records[1]), early);
        assert!(world.read(WORKER, CONTACT, records[0], &["name"]).is_ok());
    }
}
