//! Requirements on restrictions and legal holds where only a race, a number or a day can show them.
//! Never a record of the person that is not under it once the call was answered, whatever was stored meanwhile.
//! Nothing that was decided before the mark is taken behind it.

use super::erasing::{
    agreed, carried_out, decide, decide_at, is_tombstone, try_erasure, world_with_officer,
};
use super::expiring::{removed, walked};
use super::setting::{FAR, SCHEMAS};
use super::world::*;
use crate::access::Code;
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::limits::{RESTRAINT_RECORDS_COUNT_MAX, RESTRAINTS_OF_PERSON_COUNT_MAX};
use crate::operations::{
    Expired, OperationError, RestrainRequest, Restraint, ask_release, ask_restraint,
    carry_out_restraint,
};
use crate::purposes::ConsentGiver;
use crate::records::{MandateId, RecordId, RecordType, RestraintKind, SubjectId};
use crate::seal::{MandateRecord, MandateState};
use crate::store::{Fetched, Key};
use jiff::ToSpan as _;
use serde_json::{Value as Json, json};

const RIGHTS: &str = "rights_request";
const PURPOSE: &str = "residence_registration";
pub(super) const RESTRICTION: RestraintKind = RestraintKind::Restriction;
pub(super) const HOLD: RestraintKind = RestraintKind::LegalHold;

async fn ask(
    world: &World,
    desk: &Actor,
    request: RestrainRequest,
) -> Result<MandateId, OperationError> {
    let asked = world.asked(desk, RIGHTS);
    ask_restraint(
        &asked,
        &request,
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &world.territory,
        &*world.random,
    )
    .await
    .map(|(id, _)| id)
}

fn request(subject: SubjectId, kind: RestraintKind) -> RestrainRequest {
    let document = (kind == HOLD).then(|| "2026-118".to_owned());
    RestrainRequest { subject, kind, reason: "excess", present: None, document }
}

fn asked(world: &World, subject: SubjectId, kind: RestraintKind) -> Done<MandateId> {
    done(wait(ask(world, &world.actor(DESK), request(subject, kind))))
}

fn release_asked(world: &World, restraint: MandateId) -> Done<MandateId> {
    let desk = world.actor(DESK);
    let asked = world.asked(&desk, RIGHTS);
    let release = ask_release(
        &asked,
        restraint,
        "ground_over",
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &world.territory,
        &*world.random,
    );
    done(wait(release)).map(|(id, _)| id)
}

async fn carry_out(
    world: &World,
    desk: &Actor,
    id: MandateId,
) -> Result<Restraint, OperationError> {
    carry_out_restraint(
        &world.asked(desk, RIGHTS),
        id,
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &world.territory,
    )
    .await
}

fn carried(world: &World, id: MandateId) -> Done<usize> {
    done(wait(carry_out(world, &world.actor(DESK), id))).map(|done| done.records_count)
}

/// A restraint that is in force; its id, by which it is released.
pub(super) fn in_force(world: &World, subject: SubjectId, kind: RestraintKind) -> MandateId {
    let id = asked(world, subject, kind).expect("asked");
    decide(world, id, true).expect("agreed");
    carried(world, id).expect("carried out");
    id
}

pub(super) fn released(world: &World, restraint: MandateId) -> usize {
    let id = release_asked(world, restraint).expect("asked");
    decide(world, id, true).expect("agreed");
    carried(world, id).expect("released")
}

/// A further record of somebody, which ends in so many days.
fn further(world: &World, subject: SubjectId, days: i64) -> Done<RecordId> {
    let mut request = person(registration(), json!({"name": "王伟"}));
    request.subject = Some(subject.to_string());
    request.retain_until = Some(TODAY.saturating_add(days.days()));
    world.create_request(WORKER, request).map(|created| created.id)
}

fn reads(world: &World, id: RecordId) -> Done<Json> {
    world.read(WORKER, PURPOSE, id, &["name"])
}

fn marks(world: &World, id: RecordId) -> (bool, bool) {
    let facts = world.facts(id);
    (facts.restricted, facts.legal_hold)
}

#[test]
fn what_is_restricted_is_neither_read_written_listed_nor_erased_and_is_released_by_two_people() {
    let world = world_with_officer();
    let (id, subject) = adult(&world);
    let restraint = in_force(&world, subject, RESTRICTION);
    assert_eq!(reads(&world, id), Err(Code::Restricted));
    let version = world.version(id);
    let patched = world.patch(WORKER, PURPOSE, id, json!({"name": "王伟伟"}), None);
    assert_eq!(patched.map(drop), Err(Code::Restricted));
    let removed = done(wait(world.delete_async(&world.actor(HEAD), id, version))).map(drop);
    assert_eq!(removed, Err(Code::Restricted));
    let listed = world.query(WORKER, list_of(RecordType::Person, &["name"], 10)).expect("a list");
    assert!(!listed.ids.contains(&id));
    assert_eq!(try_erasure(&world, subject).map(drop), Err(Code::Restricted));
    assert_eq!(released(&world, restraint), 1);
    assert!(reads(&world, id).is_ok());
    assert_eq!(release_asked(&world, restraint).map(drop), Err(Code::VersionConflict));
    let erasure = agreed(&world, subject);
    carried_out(&world, erasure).expect("erased");
    assert!(is_tombstone(&world, id));
}

#[test]
fn a_hold_keeps_a_record_behind_its_end_and_once_it_is_lifted_the_record_goes() {
    let world = world_with_officer();
    let (_, subject) = adult(&world);
    let id = further(&world, subject, 2).expect("stored");
    let hold = in_force(&world, subject, HOLD);
    assert!(reads(&world, id).is_ok(), "a hold is no bar to a lawful look");
    assert_eq!(try_erasure(&world, subject).map(drop), Err(Code::LegalHold));
    let held = Expired { held: 1, ..Expired::default() };
    assert_eq!(walked(&world, 2), held);
    assert!(!is_tombstone(&world, id));
    assert_eq!(released(&world, hold), 2);
    assert_eq!(walked(&world, 2), removed(1));
    assert!(is_tombstone(&world, id));
}

#[test]
fn each_restraint_is_lifted_by_itself_and_over_one_person_are_as_many_as_the_limit() {
    let world = world_with_officer();
    let (id, subject) = adult(&world);
    let first = in_force(&world, subject, HOLD);
    for _ in 1..RESTRAINTS_OF_PERSON_COUNT_MAX {
        in_force(&world, subject, HOLD);
    }
    assert_eq!(asked(&world, subject, RESTRICTION).map(drop), Err(Code::TooLarge));
    released(&world, first);
    assert_eq!(marks(&world, id), (false, true), "the others stand");
    in_force(&world, subject, RESTRICTION);
    assert_eq!(marks(&world, id), (true, true));
}

#[test]
fn a_step_marks_as_many_records_as_the_limit_and_one_more_takes_two() {
    for (count, steps) in [(RESTRAINT_RECORDS_COUNT_MAX, 1), (RESTRAINT_RECORDS_COUNT_MAX + 1, 2)] {
        let world = world_with_officer();
        let (id, subject) = adult(&world);
        let mut records = vec![id];
        records.extend((1..count).map(|_| further(&world, subject, 90).expect("stored")));
        let restraint = asked(&world, subject, RESTRICTION).expect("asked");
        decide(&world, restraint, true).expect("agreed");
        let desk = world.actor(DESK);
        let done = done(wait(carry_out(&world, &desk, restraint))).expect("restricted");
        assert_eq!(done.records_count, count);
        let written =
            |id| wait(world.reader.get(&Key::row(id))).expect("a store").expect("a row").index;
        // Ids of one millisecond have no order among them: any of the records may be marked last.
        let first = records.iter().map(|id| written(*id)).min().expect("records");
        assert_eq!(done.recorded.index() - first + 1, steps, "{count}");
        assert!(records.iter().all(|id| marks(&world, *id) == (true, false)));
        assert_eq!(released(&world, restraint), count);
        assert!(records.iter().all(|id| marks(&world, *id) == (false, false)));
    }
}

#[test]
fn what_is_stored_about_the_person_later_is_under_the_same_restraint() {
    let world = world_with_officer();
    let (_, subject) = adult(&world);
    let restriction = in_force(&world, subject, RESTRICTION);
    let hold = in_force(&world, subject, HOLD);
    let id = further(&world, subject, 9).expect("stored");
    assert_eq!(marks(&world, id), (true, true));
    assert_eq!(reads(&world, id), Err(Code::Restricted));
    assert_eq!(released(&world, restriction), 2);
    assert_eq!(marks(&world, id), (false, true));
    assert_eq!(released(&world, hold), 2);
    assert_eq!(marks(&world, id), (false, false));
}

#[test]
fn of_a_restriction_and_what_is_decided_meanwhile_the_later_in_the_log_sees_the_earlier() {
    for first in [true, false] {
        let world = world_with_officer();
        let (id, subject) = adult(&world);
        let restraint = asked(&world, subject, RESTRICTION).expect("asked");
        decide(&world, restraint, true).expect("agreed");
        let (worker, desk) = (world.actor(WORKER), world.actor(DESK));
        let restrict = async {
            carry_out(&world, &desk, restraint).await.map(|done| json!(done.records_count))
        };
        let read = async {
            world.read_async(&worker, PURPOSE, id, &["name"]).await.map(|_| json!("read"))
        };
        let create = async {
            let mut request = person(registration(), json!({"name": "王伟"}));
            request.subject = Some(subject.to_string());
            let created = world.create_async(&worker, PURPOSE, request).await;
            created.map(|created| json!(created.id))
        };
        let mut calls: Vec<Later<'_, Result<Json, OperationError>>> =
            vec![Box::pin(restrict), Box::pin(read), Box::pin(create)];
        if !first {
            calls.reverse();
        }
        let mut answers: Vec<Done<Json>> =
            world.in_one_group(calls).into_iter().map(done).collect();
        if !first {
            answers.reverse();
        }
        let [restricted, read, created] = &answers[..] else { panic!("three answers") };
        assert!(restricted.is_ok(), "{restricted:?}");
        assert_eq!(read.is_err(), first, "a look that was decided before is decided again");
        let second: RecordId =
            serde_json::from_value(created.clone().expect("stored")).expect("an id");
        assert_eq!((marks(&world, id), marks(&world, second)), ((true, false), (true, false)));
    }
}

#[test]
fn a_restraint_waits_for_the_officer_is_carried_out_once_and_is_nothing_to_another_desk() {
    let world = world_with_officer();
    let (id, subject) = adult(&world);
    let restraint = asked(&world, subject, RESTRICTION).expect("asked");
    assert_eq!(carried(&world, restraint), Err(Code::ApprovalRequired));
    assert_eq!(release_asked(&world, restraint).map(drop), Err(Code::VersionConflict));
    decide(&world, restraint, true).expect("agreed");
    assert_eq!(marks(&world, id), (false, false), "the word alone marks nothing");
    world.change_actor(DESK, |record| record.assignments[0].area = Some("880102002".into()));
    assert_eq!(carried(&world, restraint), Err(Code::NotFound));
    world.change_actor(DESK, |record| record.assignments[0].area = Some("880102001".into()));
    assert_eq!(carried(&world, restraint), Ok(1));
    assert_eq!(carried(&world, restraint), Err(Code::VersionConflict));
    let refused = asked(&world, subject, HOLD).expect("asked");
    decide(&world, refused, false).expect("refused");
    assert_eq!(carried(&world, refused), Err(Code::VersionConflict));
    let nobody = MandateId::from_bytes([9; 16]);
    assert_eq!(carried(&world, nobody), Err(Code::NotFound));
    assert_eq!(release_asked(&world, nobody).map(drop), Err(Code::NotFound));
    let own = MandateId::from_bytes(*subject.as_bytes());
    assert_eq!(carried(&world, own), Err(Code::NotFound), "a person's id is no request");
}

#[test]
fn a_release_that_comes_first_ends_what_was_agreed_to_and_never_marked() {
    let world = world_with_officer();
    let (id, subject) = adult(&world);
    let restraint = asked(&world, subject, RESTRICTION).expect("asked");
    decide(&world, restraint, true).expect("agreed");
    assert_eq!(released(&world, restraint), 0);
    assert_eq!(carried(&world, restraint), Err(Code::VersionConflict));
    assert_eq!(marks(&world, id), (false, false));
}

/// A child and its guardian, of whom nothing is held but that part.
fn child_with_guardian(world: &World) -> (RecordId, SubjectId) {
    let (id, _) = child(world);
    let Fetched::Found(sealed) = wait(world.reader.fetch(id)).expect("a store") else { panic!() };
    let [_, guardian] = sealed.row().header.subjects[..] else { panic!("two people") };
    (id, guardian)
}

#[test]
fn the_part_of_somebody_restricted_in_a_record_of_another_is_closed_and_the_record_is_not() {
    let world = world_with_officer();
    let (id, guardian) = child_with_guardian(&world);
    let restraint = in_force(&world, guardian, RESTRICTION);
    assert_eq!(marks(&world, id), (false, false));
    let read = |fields: &[&str]| world.read(HEAD, PURPOSE, id, fields);
    assert_ne!(read(&["name"]).map(drop), Err(Code::Restricted), "the child's own");
    assert_eq!(read(&["guardian_name"]), Err(Code::Restricted));
    let patched = world.patch(HEAD, PURPOSE, id, json!({"guardian_name": "王大伟"}), None);
    assert_eq!(patched.map(drop), Err(Code::Restricted));
    assert_eq!(try_erasure(&world, guardian).map(drop), Err(Code::Restricted));
    assert_eq!(released(&world, restraint), 1);
    assert_ne!(read(&["guardian_name"]), Err(Code::Restricted));
}

#[test]
fn a_hold_over_somebody_keeps_the_record_of_another_in_which_it_appears() {
    let world = world_with_officer();
    let (id, guardian) = child_with_guardian(&world);
    let hold = in_force(&world, guardian, HOLD);
    assert_eq!(marks(&world, id), (false, true));
    let removed = done(wait(world.delete_async(&world.actor(HEAD), id, world.version(id))));
    assert_eq!(removed.map(drop), Err(Code::Restricted));
    assert_eq!(released(&world, hold), 1);
    let removed = done(wait(world.delete_async(&world.actor(HEAD), id, world.version(id))));
    removed.expect("it goes");
}

/// A grown person and somebody whom it named for emergencies, of whom nothing is held but that part.
fn adult_with_contact(world: &World) -> (RecordId, SubjectId) {
    let (id, _) = adult(world);
    let named = json!({"emergency_contact_name": "张敏", "emergency_contact_phone": "12000000017"});
    let by = Some(ConsentGiver::Self_);
    let claim = claim_on("elder_visit", "elder_visit_separate_consent", by);
    world.patch(HEAD, "elder_visit", id, named, Some(claim)).expect("named");
    let Fetched::Found(sealed) = wait(world.reader.fetch(id)).expect("a store") else { panic!() };
    let [_, contact] = sealed.row().header.subjects[..] else { panic!("two people") };
    (id, contact)
}

#[test]
fn a_part_that_a_law_keeps_is_neither_changed_nor_taken_away_with_its_last_value() {
    let world = world_with_officer();
    let (id, contact) = adult_with_contact(&world);
    let hold = in_force(&world, contact, HOLD);
    let correct = |fields: Json| world.patch(HEAD, "record_correction", id, fields, None).map(drop);
    let gone = json!({"emergency_contact_name": null, "emergency_contact_phone": null});
    assert_eq!(correct(gone.clone()), Err(Code::Restricted));
    assert_eq!(correct(json!({"emergency_contact_name": "王敏"})), Err(Code::Restricted));
    assert_eq!(marks(&world, id), (false, true));
    assert!(world.has(&Key::subject_key(contact)));
    correct(json!({"name": "王小明"})).expect("the person's own");
    assert_eq!(released(&world, hold), 1);
    correct(gone).expect("nothing keeps it");
}

#[test]
fn whoever_appears_in_the_record_of_somebody_restricted_is_erased_and_the_restricted_one_is_untouched()
 {
    let world = world_with_officer();
    let (id, contact) = adult_with_contact(&world);
    let Fetched::Found(sealed) = wait(world.reader.fetch(id)).expect("a store") else { panic!() };
    let [person, _] = sealed.row().header.subjects[..] else { panic!("two people") };
    let restriction = in_force(&world, person, RESTRICTION);
    let read = |fields: &[&str]| world.read(HEAD, "record_correction", id, fields);
    assert_eq!(read(&["name"]).map(drop), Err(Code::Restricted));
    let erasure = agreed(&world, contact);
    carried_out(&world, erasure).expect("erased");
    assert!(!world.has(&Key::subject_key(contact)), "nothing is held of it any more");
    assert_eq!(marks(&world, id), (true, false), "the other's restriction stands");
    assert_eq!(read(&["name"]).map(drop), Err(Code::Restricted));
    assert_eq!(try_erasure(&world, person).map(drop), Err(Code::Restricted));
    assert_eq!(released(&world, restriction), 1);
    assert!(reads(&world, id).is_ok(), "what is its own is whole");
    let Fetched::Found(sealed) = wait(world.reader.fetch(id)).expect("a store") else { panic!() };
    assert_eq!(sealed.row().header.subjects, [person]);
}

/// What is kept of a request.
fn kept_of(world: &World, id: MandateId) -> MandateRecord {
    let stored = wait(world.reader.get(&Key::mandate(id))).expect("a store").expect("it is kept");
    world.seal.open_mandate(id, &stored).expect("a request")
}

#[test]
fn a_restraint_that_was_half_set_stands_in_the_list_of_what_is_due_until_it_is_released() {
    let world = world_with_officer();
    let (id, subject) = adult(&world);
    let mut records = vec![id];
    let steps_max = RESTRAINT_RECORDS_COUNT_MAX;
    records.extend((1..=steps_max).map(|_| further(&world, subject, 90).expect("stored")));
    let restraint = asked(&world, subject, RESTRICTION).expect("asked");
    decide(&world, restraint, true).expect("agreed");
    let desk = world.actor(DESK);
    world.crash_after(1, Box::pin(carry_out(&world, &desk, restraint)));
    let marked = || records.iter().filter(|id| marks(&world, **id).0).count();
    assert_eq!(marked(), RESTRAINT_RECORDS_COUNT_MAX);
    let kept = kept_of(&world, restraint);
    let terms = kept.restraining().expect("a restraint");
    assert_eq!((kept.state, terms.since), (MandateState::Open, Some(NOW.0)));
    // Its time is over, and the officer refuses what nobody carried out to its end.
    let late = Micros(kept.until);
    decide_at(&world, restraint, false, late).expect("refused");
    let kept = kept_of(&world, restraint);
    assert_eq!(kept.state, MandateState::Returned);
    let area = kept.due_in().expect("it is due as long as it marks anything");
    assert!(world.has(&Key::duty(&area, restraint)));
    assert_eq!(released(&world, restraint), RESTRAINT_RECORDS_COUNT_MAX);
    assert_eq!(marked(), 0);
    assert!(!world.has(&Key::duty(&area, restraint)), "nothing is due any more");
}

#[test]
fn a_list_that_shows_of_a_restricted_part_leaves_the_record_out_and_another_does_not() {
    let world = world_with_officer();
    let (id, _) = adult(&world);
    let named = json!({"guardian_name": "王大伟"});
    world.patch(HEAD, PURPOSE, id, named, Some(registration())).expect("named");
    let Fetched::Found(sealed) = wait(world.reader.fetch(id)).expect("a store") else { panic!() };
    let [_, guardian] = sealed.row().header.subjects[..] else { panic!("two people") };
    let count = |fields: &[&str]| {
        let listed = world.query(WORKER, list_of(RecordType::Person, fields, 10));
        listed.map(|page| page.ids.len())
    };
    let (with_part, without): (&[&str], &[&str]) = (&["name", "guardian_name"], &["name"]);
    assert_eq!((count(with_part), count(without)), (Ok(1), Ok(1)));
    let restriction = in_force(&world, guardian, RESTRICTION);
    assert_eq!((count(with_part), count(without)), (Ok(0), Ok(1)));
    assert_eq!(released(&world, restriction), 1);
    assert_eq!(count(with_part), Ok(1));
}

#[test]
fn a_child_under_14_asks_through_its_guardian_alone() {
    let world = world_with_officer();
    let (_, subject) = child(&world);
    let by = |giver| RestrainRequest {
        present: Some((giver, "household_register")),
        reason: "use_refused",
        ..request(subject, RESTRICTION)
    };
    let desk = world.actor(DESK);
    let own = done(wait(ask(&world, &desk, by(ConsentGiver::Self_))));
    assert_eq!(own.map(drop), Err(Code::SchemaInvalid));
    done(wait(ask(&world, &desk, by(ConsentGiver::Guardian)))).expect("asked");
}

#[test]
fn everything_of_a_person_is_restricted_wherever_it_lies() {
    let world = world_with_officer();
    world.worker_of_two_streets();
    let (id, subject) = adult(&world);
    let mut request = person(registration(), json!({"name": "王伟"}));
    request.subject = Some(subject.to_string());
    request.grid = FAR.to_owned();
    let far = world.create_request(WORKER, request).expect("stored").id;
    in_force(&world, subject, RESTRICTION);
    assert_eq!((marks(&world, id), marks(&world, far)), ((true, false), (true, false)));
}
