//! Requirements on children in whole operations: the protection comes with the first date, to everything that is held, and goes with
//! none.
//! Never by taking a date away, and never by a second record about the same child.
//! Consent for a child is its guardian's.

use super::consents::withdraw;
use super::world::*;
use crate::access::Code;
use crate::limits::BIRTHDAY_RECORDS_COUNT_MAX;
use crate::operations::{OperationError, PatchRequest};
use crate::purposes::ConsentGiver;
use crate::records::{RecordId, SubjectId, days_since_epoch, turns_14_18};
use jiff::civil::date;
use serde_json::{Value as Json, json};

const PURPOSE: &str = "residence_registration";

/// The day on which somebody turns 14.
fn fourteen(year: i16, month: i8, day: i8) -> i32 {
    days_since_epoch(turns_14_18(date(year, month, day)).turns_14)
}

#[test]
fn a_childs_fields_need_a_task_from_the_first_write_on() {
    let world = World::new();
    let (id, _) = child(&world);
    assert_eq!(world.facts(id).turns_14, Some(fourteen(2018, 5, 1)));
    assert_eq!(world.read(WORKER, PURPOSE, id, &["name"]).err(), Some(Code::CaseRequired));
}

#[test]
fn taking_the_birth_date_away_does_not_make_a_child_an_adult() {
    let world = World::new();
    let (id, _) = child(&world);
    let patched = world.patch(WORKER, PURPOSE, id, json!({"birth_date": null}), None);
    assert_eq!(patched, Ok(2));
    assert_eq!(world.facts(id).turns_14, Some(fourteen(2018, 5, 1)));
    assert_eq!(world.read(WORKER, PURPOSE, id, &["name"]).err(), Some(Code::CaseRequired));
    // A minor of 15 keeps the days too, an adult's are forgotten with the date.
    for (born, kept) in [("2011-05-01", true), ("1980-01-01", false)] {
        let fields = json!({"name": "王伟", "birth_date": born});
        let id = world.create(WORKER, registration(), fields).expect("created").id;
        assert_eq!(world.patch(WORKER, PURPOSE, id, json!({"birth_date": null}), None), Ok(2));
        assert_eq!(world.facts(id).turns_18.is_some(), kept, "{born}");
    }
}

#[test]
fn a_number_of_an_adult_does_not_make_a_child_an_adult() {
    let world = World::new();
    let (id, _) = child(&world);
    let patched =
        world.patch(WORKER, PURPOSE, id, json!({"id_number": "880102195203121043"}), None);
    assert_eq!(patched, Ok(2));
    assert_eq!(world.facts(id).turns_14, Some(fourteen(2018, 5, 1)));
    // The other way round the number protects.
    let (adult, _) = adult(&world);
    let number = json!({"id_number": "880102201506013013"});
    assert_eq!(world.patch(WORKER, PURPOSE, adult, number, None).err(), Some(Code::BasisMissing));
    let number = json!({"id_number": "880102201506013013", "guardian_name": "王伟"});
    assert_eq!(world.patch(WORKER, PURPOSE, adult, number, Some(registration())), Ok(2));
    assert_eq!(world.facts(adult).turns_14, Some(fourteen(2015, 6, 1)));
    assert_eq!(world.read(WORKER, PURPOSE, adult, &["name"]).err(), Some(Code::CaseRequired));
}

#[test]
fn of_a_date_and_a_number_that_differ_the_later_birth_protects() {
    let world = World::new();
    let fields = json!({
        "name": "王小明", "birth_date": "1980-01-01", "id_number": "880102201506013013",
        "guardian_name": "王伟",
    });
    let id = world.create(WORKER, registration(), fields).expect("created").id;
    assert_eq!(world.facts(id).turns_14, Some(fourteen(2015, 6, 1)));
}

#[test]
fn one_person_alone_ends_no_childhood() {
    let world = World::new();
    let (id, _) = child(&world);
    let patch = |fields| world.patch(WORKER, PURPOSE, id, fields, None);
    assert_eq!(patch(json!({"birth_date": "1980-05-01"})), Ok(2));
    assert_eq!(world.facts(id).turns_14, Some(fourteen(2018, 5, 1)));
    assert_eq!(world.read(WORKER, PURPOSE, id, &["name"]).err(), Some(Code::CaseRequired));
    // Nor with a number that says the same, nor in steps: away, and then anew.
    let both = json!({"birth_date": "1952-03-12", "id_number": "880102195203121043"});
    assert_eq!(patch(both), Ok(3));
    assert_eq!(patch(json!({"birth_date": null, "id_number": null})), Ok(4));
    assert_eq!(patch(json!({"birth_date": "1980-05-01"})), Ok(5));
    assert_eq!(world.facts(id).turns_14, Some(fourteen(2018, 5, 1)));
    // A later date protects at once.
    assert_eq!(patch(json!({"birth_date": "2019-05-01"})), Ok(6));
    assert_eq!(world.facts(id).turns_14, Some(fourteen(2019, 5, 1)));
}

#[test]
fn a_date_alone_ends_no_childhood_that_the_held_number_tells_of() {
    let world = World::new();
    let fields = json!({
        "name": "王小明", "id_number": "880102201506013013", "guardian_name": "王伟",
    });
    let id = world.create(WORKER, registration(), fields).expect("created").id;
    let date = json!({"birth_date": "1980-05-01"});
    assert_eq!(world.patch(WORKER, PURPOSE, id, date, None), Ok(2));
    assert_eq!(world.facts(id).turns_14, Some(fourteen(2015, 6, 1)));
}

#[test]
fn a_grown_ups_birth_date_is_put_right_by_whoever_holds_it() {
    let world = World::new();
    let (id, _) = adult(&world);
    assert_eq!(world.patch(WORKER, PURPOSE, id, json!({"birth_date": "1979-01-01"}), None), Ok(2));
    assert_eq!(world.facts(id).turns_14, Some(fourteen(1979, 1, 1)));
}

#[test]
fn a_second_record_with_another_date_does_not_make_a_child_an_adult() {
    let world = World::new();
    let (_, subject) = child(&world);
    let fields = json!({"name": "王小明", "birth_date": "1980-05-01", "guardian_name": "王伟"});
    let mut request = person(registration(), fields);
    request.subject = Some(subject.to_string());
    let created = world.create_request(WORKER, request).expect("created");
    assert_eq!(world.facts(created.id).turns_14, Some(fourteen(2018, 5, 1)));
}

#[test]
fn a_second_record_about_a_child_is_a_childs() {
    let world = World::new();
    let (_, subject) = child(&world);
    let with = |by, fields| {
        let mut request = person(contact(by), fields);
        request.subject = Some(subject.to_string());
        world.create_request(WORKER, request)
    };
    // No birth date is among the fields of this purpose; the vault knows all the same.
    let fields = || json!({"name": "王小明", "guardian_name": "王伟", "phone": "12900001234"});
    assert_eq!(with(ConsentGiver::Self_, fields()).err(), Some(Code::BasisMissing));
    let created = with(ConsentGiver::Guardian, fields()).expect("created");
    assert_eq!(created.subject, Some(subject));
    assert_eq!(world.facts(created.id).turns_14, Some(fourteen(2018, 5, 1)));
    let read = world.read(WORKER, "household_contact", created.id, &["phone"]);
    assert_eq!(read.err(), Some(Code::Denied));
}

#[test]
fn where_a_child_lives_is_a_childs() {
    let world = World::new();
    let fields = json!({"name": "王小明", "birth_date": "2018-05-01", "guardian_name": "王伟"});
    let created = world.create_household(WORKER, household(fields)).expect("created");
    let residence = created.people[0].residence.expect("a residence");
    assert_eq!(world.facts(residence).turns_14, Some(fourteen(2018, 5, 1)));
    let read = world.read(WORKER, PURPOSE, residence, &["move_in_date"]);
    assert_eq!(read.err(), Some(Code::CaseRequired));
    // The dwelling is about nobody, and an adult's residence is read.
    let place = created.dwelling.expect("a dwelling");
    assert_eq!(world.facts(place).turns_14, None);
    let fields = json!({"name": "王伟", "birth_date": "1980-01-01"});
    let created = world.create_household(WORKER, household(fields)).expect("created");
    let residence = created.people[0].residence.expect("a residence");
    assert!(world.read(WORKER, PURPOSE, residence, &["move_in_date"]).is_ok());
}

const AGENCY: &str = "agent_service";

#[test]
fn who_turns_out_to_be_a_child_needs_the_guardians_consent() {
    let world = World::new();
    let by = |by| claim_on(AGENCY, "agent_authorisation", Some(by));
    let id =
        world.create(HEAD, by(ConsentGiver::Self_), json!({"name": "王小明"})).expect("created").id;
    let born = || json!({"birth_date": "2018-05-01"});
    let patched = |claim| world.patch(HEAD, AGENCY, id, born(), claim);
    assert_eq!(patched(None).err(), Some(Code::BasisMissing));
    assert_eq!(patched(Some(by(ConsentGiver::Self_))).err(), Some(Code::BasisMissing));
    assert_eq!(world.facts(id).turns_14, None);
    // The consent alone is not enough: the record says whose it is.
    let guardian = Some(by(ConsentGiver::Guardian));
    assert_eq!(patched(guardian.clone()).err(), Some(Code::SchemaInvalid));
    let with_guardian = json!({"birth_date": "2018-05-01", "guardian_name": "王伟"});
    assert_eq!(world.patch(HEAD, AGENCY, id, with_guardian, guardian), Ok(2));
    // From then on it is held, and may be corrected.
    let patched = world.patch(HEAD, AGENCY, id, json!({"name": "王晓明"}), None);
    assert_eq!(patched, Ok(3));
    // A claim that is made all the same must be the guardian's.
    let claim = Some(by(ConsentGiver::Self_));
    let patched = world.patch(HEAD, AGENCY, id, json!({"name": "王小明"}), claim);
    assert_eq!(patched.err(), Some(Code::BasisMissing));
}

/// Somebody of whom so many records are held, none of which tells of an age.
fn of_no_age(world: &World, count: usize) -> (RecordId, SubjectId, Vec<RecordId>) {
    let fields = || json!({"name": "王小明", "guardian_name": "王伟"});
    let first = world.create(WORKER, registration(), fields()).expect("created");
    let subject = first.subject.expect("a person");
    let further = |_| {
        let mut request = person(registration(), fields());
        request.subject = Some(subject.to_string());
        world.create_request(WORKER, request).expect("created").id
    };
    (first.id, subject, (1..count).map(further).collect())
}

fn are_childs(world: &World, records: &[RecordId]) -> usize {
    records.iter().filter(|id| world.facts(**id).turns_14 == Some(fourteen(2018, 5, 1))).count()
}

fn born(world: &World, id: RecordId) -> Done<u64> {
    let fields = json!({"birth_date": "2018-05-01"});
    world.patch(WORKER, PURPOSE, id, fields, Some(registration()))
}

#[test]
fn what_is_held_already_of_somebody_is_a_childs_once_its_date_is_written() {
    let world = World::new();
    let fields = json!({"name": "王小明", "guardian_name": "王伟"});
    let created = world.create_household(WORKER, household(fields)).expect("created");
    let (id, residence) = (created.people[0].id, created.people[0].residence.expect("one"));
    let mut request = person(contact(ConsentGiver::Self_), json!({"name": "王小明"}));
    request.subject = created.people[0].subject.map(|subject| subject.to_string());
    let contact = world.create_request(WORKER, request).expect("created").id;
    assert!(world.read(WORKER, PURPOSE, residence, &["move_in_date"]).is_ok());
    assert_eq!(born(&world, id), Ok(2));
    assert_eq!(are_childs(&world, &[id, residence, contact]), 3);
    let read = world.read(WORKER, PURPOSE, residence, &["move_in_date"]);
    assert_eq!(read.err(), Some(Code::CaseRequired));
    assert_eq!((world.version(residence), world.version(contact)), (2, 2));
    // The one entry has the digest of each: beside it those of the household alone are so many.
    let log = world.log_at_its_end();
    assert_eq!(log.matches(r#""dig_2""#).count(), 2);
}

#[test]
fn a_later_date_and_a_number_mark_what_is_held_already_too() {
    let world = World::new();
    let (id, _, further) = of_no_age(&world, 2);
    let number = json!({"id_number": "880102201506013013"});
    assert_eq!(world.patch(WORKER, PURPOSE, id, number, Some(registration())), Ok(2));
    assert_eq!(world.facts(further[0]).turns_14, Some(fourteen(2015, 6, 1)));
    assert_eq!(born(&world, id), Ok(3));
    assert_eq!(are_childs(&world, &further), 1);
    // One person alone brings no day of them nearer either.
    let earlier = json!({"birth_date": "1980-05-01"});
    assert_eq!(world.patch(WORKER, PURPOSE, id, earlier, None), Ok(4));
    assert_eq!(are_childs(&world, &further), 1);
    assert_eq!(world.version(further[0]), 3, "nothing to do the third time");
}

#[test]
fn a_grown_ups_date_leaves_its_other_records_as_they_are() {
    let world = World::new();
    let (id, _, further) = of_no_age(&world, 2);
    let date = json!({"birth_date": "1980-05-01"});
    assert_eq!(world.patch(WORKER, PURPOSE, id, date, None), Ok(2));
    assert_eq!(world.version(further[0]), 1);
}

#[test]
fn a_further_record_that_tells_of_a_child_marks_what_is_held_already() {
    let world = World::new();
    let (id, subject, further) = of_no_age(&world, 2);
    let fields = json!({"name": "王小明", "birth_date": "2018-05-01", "guardian_name": "王伟"});
    let mut request = person(registration(), fields);
    request.subject = Some(subject.to_string());
    let third = world.create_request(WORKER, request).expect("created").id;
    assert_eq!(are_childs(&world, &[id, further[0], third]), 3);
}

#[test]
fn a_record_that_is_stored_while_a_childs_date_is_written_is_a_childs_whichever_came_first() {
    for created_first in [true, false] {
        let world = World::new();
        let (id, subject, _) = of_no_age(&world, 1);
        let worker = world.actor(WORKER);
        let mut request =
            person(registration(), json!({"name": "王小明", "guardian_name": "王伟"}));
        request.subject = Some(subject.to_string());
        let create = async {
            let created = world.create_async(&worker, PURPOSE, request).await;
            created.map(|created| json!(created.id))
        };
        let fields = map(json!({"birth_date": "2018-05-01"}));
        let request = PatchRequest { id, version: 1, fields, basis: Some(registration()) };
        let patch = async {
            let patched = world.patch_async(&worker, PURPOSE, request).await;
            patched.map(|patched| json!(patched.version))
        };
        let mut calls: Vec<Later<'_, Result<Json, OperationError>>> =
            vec![Box::pin(create), Box::pin(patch)];
        if !created_first {
            calls.reverse();
        }
        let mut answers: Vec<Done<Json>> =
            world.in_one_group(calls).into_iter().map(done).collect();
        if !created_first {
            answers.reverse();
        }
        assert_eq!(answers[1], Ok(json!(2)), "created first: {created_first}");
        let second = answers[0].clone().expect("stored");
        let second: RecordId = serde_json::from_value(second).expect("an id");
        assert_eq!(are_childs(&world, &[id, second]), 2, "created first: {created_first}");
    }
}

#[test]
fn as_many_records_as_one_entry_names_are_marked_with_the_date_and_one_more_takes_a_step_before() {
    for (further, version) in [(BIRTHDAY_RECORDS_COUNT_MAX, 2), (BIRTHDAY_RECORDS_COUNT_MAX + 1, 3)]
    {
        let world = World::new();
        let (id, subject, others) = of_no_age(&world, further + 1);
        // A new record has no step before its own.
        if version == 3 {
            let fields =
                json!({"name": "王小明", "birth_date": "2018-05-01", "guardian_name": "王伟"});
            let mut request = person(registration(), fields);
            request.subject = Some(subject.to_string());
            let created = world.create_request(WORKER, request);
            assert_eq!(created.err(), Some(Code::TooLarge));
        }
        assert_eq!(born(&world, id), Ok(version));
        assert_eq!(are_childs(&world, &others), further);
        assert_eq!(are_childs(&world, &[id]), 1);
    }
}

#[test]
fn a_crash_between_two_steps_leaves_no_date_beside_what_is_not_marked() {
    let world = World::new();
    let (id, _, others) = of_no_age(&world, BIRTHDAY_RECORDS_COUNT_MAX + 2);
    let worker = world.actor(WORKER);
    let fields = map(json!({"birth_date": "2018-05-01"}));
    let request = PatchRequest { id, version: 1, fields, basis: Some(registration()) };
    world.crash_after(1, Box::pin(world.patch_async(&worker, PURPOSE, request)));
    assert_eq!((world.version(id), world.facts(id).turns_14), (2, None));
    assert_eq!(are_childs(&world, &others), BIRTHDAY_RECORDS_COUNT_MAX);
    // Said again it goes on.
    assert_eq!(born(&world, id), Ok(3));
    assert_eq!(are_childs(&world, &others), others.len());
}

#[test]
fn a_date_that_is_refused_marks_none_of_however_many_records() {
    let world = World::new();
    let fields = json!({"name": "王小明"});
    let first = world.create(WORKER, registration(), fields.clone()).expect("created");
    let (id, mut all) = (first.id, vec![first.id]);
    for _ in 0..=BIRTHDAY_RECORDS_COUNT_MAX {
        let mut request = person(registration(), fields.clone());
        request.subject = first.subject.map(|subject| subject.to_string());
        all.push(world.create_request(WORKER, request).expect("created").id);
    }
    let untouched =
        || all.iter().all(|id| world.version(*id) == 1) && are_childs(&world, &all) == 0;
    // No guardian; and a correction that adds what is not held.
    assert_eq!(born(&world, id), Err(Code::SchemaInvalid));
    assert!(untouched());
    let date = json!({"birth_date": "2018-05-01", "guardian_name": "王伟"});
    let patched = world.patch(WORKER, "record_correction", id, date.clone(), None);
    assert_eq!(patched, Err(Code::PurposeNotForField));
    assert!(untouched());
    let patched = world.patch(WORKER, PURPOSE, id, date, Some(registration()));
    assert_eq!((patched, are_childs(&world, &all)), (Ok(3), all.len()));
}

#[test]
fn what_makes_a_child_of_somebody_is_written_together_with_a_guardian() {
    let world = World::new();
    let number = json!({"id_number": "880102201506013013"});
    for makes in [json!({"birth_date": "2018-05-01"}), number] {
        let (id, _) = adult(&world);
        let patched =
            |fields: &Json| world.patch(WORKER, PURPOSE, id, fields.clone(), Some(registration()));
        assert_eq!(patched(&makes).err(), Some(Code::SchemaInvalid));
        // A telephone is no guardian, and one that goes at once is none either.
        let mut more = makes.clone();
        more["guardian_phone"] = json!("12900005678");
        assert_eq!(patched(&more).err(), Some(Code::SchemaInvalid));
        assert!(!world.facts(id).is_minor(NOW.local_days()), "nothing was written");
        more["guardian_name"] = json!("王卫");
        assert_eq!(patched(&more), Ok(2));
        assert!(world.facts(id).is_under_14(NOW.local_days()));
    }
    // Who is named already counts, whichever part of the record names it.
    let (_, guardian) = adult(&world);
    for named in [json!({"guardian_name": "王卫"}), json!({"guardians": [guardian.to_string()]})]
    {
        let (id, _) = adult(&world);
        assert_eq!(world.patch(WORKER, PURPOSE, id, named, None), Ok(2));
        let makes = json!({"birth_date": "2018-05-01"});
        assert_eq!(world.patch(WORKER, PURPOSE, id, makes, Some(registration())), Ok(3));
    }
}

#[test]
fn a_child_keeps_a_guardian_whatever_is_taken_away() {
    let world = World::new();
    let (id, _) = child(&world);
    let (_, guardian) = adult(&world);
    let gone = || json!({"guardian_name": null});
    for purpose in [PURPOSE, "record_correction"] {
        let patched = world.patch(WORKER, purpose, id, gone(), None);
        assert_eq!(patched.err(), Some(Code::SchemaInvalid), "{purpose}");
    }
    // Nor with a claim that is right in itself.
    let patched = world.patch(WORKER, PURPOSE, id, gone(), Some(registration()));
    assert_eq!(patched.err(), Some(Code::SchemaInvalid));
    let other = json!({"guardian_name": null, "guardians": [guardian.to_string()]});
    assert_eq!(world.patch(WORKER, PURPOSE, id, other, None), Ok(2));
    let patched = world.patch(WORKER, PURPOSE, id, json!({"guardians": null}), None);
    assert_eq!(patched.err(), Some(Code::SchemaInvalid));
    assert_eq!(world.patch(WORKER, PURPOSE, id, json!({"name": "王小红"}), None), Ok(3));
    // A grown-up needs none.
    let (grown, _) = adult(&world);
    assert_eq!(world.patch(WORKER, PURPOSE, grown, json!({"guardian_name": "王卫"}), None), Ok(2));
    assert_eq!(world.patch(WORKER, PURPOSE, grown, gone(), None), Ok(3));
}

#[test]
fn a_duty_makes_no_child_of_somebody_whose_own_consent_stays_beside_it() {
    let world = World::new();
    let makes = json!({"birth_date": "2018-05-01", "guardian_name": "王卫"});
    let contact_purpose = "household_contact";
    for (by, patched) in
        [(ConsentGiver::Self_, Err(Code::BasisMissing)), (ConsentGiver::Guardian, Ok(3))]
    {
        let (id, _) = adult(&world);
        let claim = Some(contact(by));
        assert_eq!(world.patch(WORKER, contact_purpose, id, json!({"name": "王卫"}), claim), Ok(2));
        let made = world.patch(WORKER, PURPOSE, id, makes.clone(), Some(registration()));
        assert_eq!(made, patched, "{by:?}");
        assert_eq!(world.facts(id).is_under_14(NOW.local_days()), patched.is_ok(), "{by:?}");
    }
    // Once it is taken back at the desk nothing of it stays.
    let (id, subject) = adult(&world);
    let claim = Some(contact(ConsentGiver::Self_));
    assert_eq!(world.patch(WORKER, contact_purpose, id, json!({"name": "王卫"}), claim), Ok(2));
    let consent = world.facts(id).bases[1].consent.expect("a consent");
    done(wait(withdraw(&world, &world.actor(DESK), subject, consent))).expect("withdrawn");
    assert_eq!(world.patch(WORKER, PURPOSE, id, makes, Some(registration())), Ok(4));
}

#[test]
fn a_childs_record_of_before_that_names_no_guardian_is_changed_whatever_the_change_takes_away() {
    let world = World::new();
    let stored = world.create(WORKER, registration(), json!({"name": "王小明"})).expect("stored");
    let fields = json!({"name": "王小明", "birth_date": "2018-05-01", "guardian_name": "王伟"});
    let mut request = person(registration(), fields);
    request.subject = stored.subject.map(|subject| subject.to_string());
    world.create_request(WORKER, request).expect("stored");
    let id = stored.id;
    assert_eq!((world.version(id), are_childs(&world, &[id])), (2, 1));
    for (field, version) in [("guardian_name", 3), ("guardian_phone", 4), ("guardians", 5)] {
        let patched = world.patch(WORKER, PURPOSE, id, json!({field: null}), None);
        assert_eq!(patched, Ok(version), "{field}");
    }
    // One that it gets is kept.
    let named = json!({"guardian_name": "王伟"});
    assert_eq!(world.patch(WORKER, PURPOSE, id, named, None), Ok(6));
    let patched = world.patch(WORKER, PURPOSE, id, json!({"guardian_name": null}), None);
    assert_eq!(patched, Err(Code::SchemaInvalid));
}

#[test]
fn a_correction_makes_no_child_of_somebody_whose_own_consent_carries_the_record() {
    let world = World::new();
    let correction = "record_correction";
    let makes = json!({"birth_date": "2018-05-01"});
    let claim = Some(contact(ConsentGiver::Self_));
    let (id, _) = adult(&world);
    let named = json!({"guardian_name": "王卫"});
    assert_eq!(world.patch(WORKER, PURPOSE, id, named.clone(), None), Ok(2));
    assert_eq!(world.patch(WORKER, "household_contact", id, json!({}), claim), Ok(3));
    let patched = world.patch(WORKER, correction, id, makes.clone(), None);
    assert_eq!(patched.err(), Some(Code::BasisMissing));
    // What rests on a duty alone is put right.
    let (id, _) = adult(&world);
    assert_eq!(world.patch(WORKER, PURPOSE, id, named, None), Ok(2));
    assert_eq!(world.patch(WORKER, correction, id, makes, None), Ok(3));
    assert!(world.facts(id).is_under_14(NOW.local_days()));
}
