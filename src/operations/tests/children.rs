//! Requirements on children in whole operations: the protection comes with the first date and goes with none.
//! Never by taking a date away, and never by a second record about the same child.
//! Consent for a child is its guardian's.

use super::world::*;
use crate::access::Code;
use crate::purposes::ConsentGiver;
use crate::records::{days_since_epoch, turns_14_18};
use jiff::civil::date;
use serde_json::json;

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
    let number = json!({"id_number": "880102201506013013"});
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
    assert_eq!(patched(Some(by(ConsentGiver::Guardian))), Ok(2));
    // From then on it is held, and may be corrected.
    let patched = world.patch(HEAD, AGENCY, id, json!({"name": "王晓明"}), None);
    assert_eq!(patched, Ok(3));
    // A claim that is made all the same must be the guardian's.
    let claim = Some(by(ConsentGiver::Self_));
    let patched = world.patch(HEAD, AGENCY, id, json!({"name": "王小明"}), claim);
    assert_eq!(patched.err(), Some(Code::BasisMissing));
}
