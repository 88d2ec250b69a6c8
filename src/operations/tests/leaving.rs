//! Requirements on what a withdrawn consent alone carried in a record that stays: these fields go on the day on which a whole record
//! would, and no other does.
//! Never what a purpose in force lists, never under a restraint, and never twice, wherever the process ends.
//! Days are given to the walk; the clock of the log stands still.

use super::consents::{given, withdraw, withdraw_by};
use super::erasing::world_with_officer;
use super::expiring::{destroy, in_days, keys_wait, removed, walk, walked};
use super::restraining::{HOLD, RESTRICTION, in_force, released};
use super::ring::{Ring, wrapped};
use super::world::*;
use crate::access::Code;
use crate::operations::{Due, Expired, list_due};
use crate::purposes::ConsentGiver;
use crate::records::{RecordId, SubjectId, days_since_epoch};
use crate::store::Key;
use jiff::ToSpan as _;
use serde_json::{Value as Json, json};

const CONTACT: &str = "household_contact";
const PURPOSE: &str = "residence_registration";
const VISIT: &str = "elder_visit";

fn reduced(count: u64) -> Expired {
    Expired { reduced: count, ..Expired::default() }
}

/// Somebody in the register who agreed to be called too, and when.
fn called(world: &World) -> (RecordId, SubjectId) {
    let (id, subject) = adult(world);
    let claim = Some(contact(ConsentGiver::Self_));
    let hours = json!({"contact_hours": ["morning"]});
    assert_eq!(world.patch(WORKER, CONTACT, id, hours, claim), Ok(2));
    (id, subject)
}

/// Takes the consent back that a record got as its second basis.
fn taken_back(world: &World, id: RecordId, subject: SubjectId) {
    let consent = world.facts(id).bases[1].consent.expect("a consent");
    done(wait(withdraw(world, &world.actor(DESK), subject, consent))).expect("withdrawn");
}

/// The day on which fields go, which stands in both queues; nothing where none do.
fn fields_end(world: &World, id: RecordId) -> Option<i32> {
    let facts = world.facts(id);
    let own = facts.retain_until.expect("an end");
    assert!(world.has(&Key::retention(own, id)), "the record's own end is not in the queue");
    for day in [NOW.local_days() + 30, days_since_epoch(TODAY.saturating_add(6.months()))] {
        let queued = facts.fields_end == Some(day);
        assert_eq!(world.has(&Key::retention(day, id)), queued, "{day}");
        assert_eq!(world.has(&Key::early_end(day, id)), queued, "{day}");
    }
    facts.fields_end
}

/// What is read of a field that holds nothing.
fn nothing() -> Json {
    json!({"contact_hours": null})
}

/// What the record holds of a field, read under a consent that is given anew.
fn hours(world: &World, id: RecordId, subject: SubjectId) -> Json {
    let basis = world.facts(id).live_basis_for(CONTACT).cloned();
    if basis.is_none() {
        given(world, subject, &[id], contact(ConsentGiver::Self_)).expect("given");
    }
    world.read(WORKER, CONTACT, id, &["contact_hours"]).expect("read")
}

#[test]
fn what_a_withdrawn_consent_alone_carried_goes_a_month_later_and_all_else_stays() {
    let world = World::new();
    let (id, subject) = called(&world);
    let own = world.facts(id).retain_until;
    assert_eq!(fields_end(&world, id), None);
    taken_back(&world, id, subject);
    assert_eq!(fields_end(&world, id), Some(NOW.local_days() + 30));
    assert_eq!(world.facts(id).retain_until, own, "the record itself stays");
    assert_eq!(walked(&world, 29), removed(0));
    assert_eq!(world.version(id), 3);
    assert_eq!(walked(&world, 30), reduced(1));
    assert_eq!((world.version(id), fields_end(&world, id)), (4, None));
    assert_eq!(walked(&world, 30), removed(0), "nothing goes twice");
    let read = world.read(WORKER, PURPOSE, id, &["name", "birth_date", "phone"]);
    let kept = json!({"name": "王伟", "birth_date": "1980-01-01", "phone": "12900001234"});
    assert_eq!(read, Ok(kept));
    let held = world.matched(WORKER, PURPOSE, "phone", "12900001234").map(|matched| matched.held);
    assert_eq!(held, Ok(true));
    assert!(world.facts(id).turns_14.is_some(), "its day of birth is known still");
    assert_eq!(hours(&world, id, subject), nothing());
    // The entry names the field and no value, and nobody: it is the vault's own doing.
    let log = world.log_at_its_end();
    // An entry that nobody asked for begins with what happened and ends with its details.
    let entries = log.split("{\"act\":").filter_map(|entry| Some(entry.split_once("}}")?.0));
    let entries: Vec<&str> = entries.filter(|entry| entry.contains("\"ended_on\"")).collect();
    let [entry] = entries[..] else { panic!("one entry: {entries:?}") };
    assert!(entry.starts_with("\"update\",") && entry.contains("consent_withdrawn"), "{entry}");
    assert!(entry.contains("\"fld\":[\"contact_hours\"]"), "{entry}");
    assert!(!entry.contains("\"who\"") && !log.contains("morning"), "{entry}");
}

#[test]
fn a_consent_that_is_given_anew_before_the_day_keeps_the_fields() {
    let world = World::new();
    let (id, subject) = called(&world);
    taken_back(&world, id, subject);
    let claim = || contact(ConsentGiver::Self_);
    let day = fields_end(&world, id);
    // No change of the record gives it anew, and none moves the day: the desk does.
    let patched = world.patch(WORKER, CONTACT, id, json!({}), Some(claim()));
    assert_eq!((patched, fields_end(&world, id)), (Err(Code::ConsentWithdrawn), day));
    given(&world, subject, &[id], claim()).expect("given");
    assert_eq!(fields_end(&world, id), None);
    assert_eq!(walked(&world, 40), removed(0));
    assert_eq!(hours(&world, id, subject), json!({"contact_hours": ["morning"]}));
}

#[test]
fn a_consent_to_another_purpose_keeps_what_that_one_lists_and_nothing_else() {
    let world = World::new();
    let (id, subject) = called(&world);
    taken_back(&world, id, subject);
    let visit = claim_on(VISIT, "elder_visit_consent", Some(ConsentGiver::Self_));
    given(&world, subject, &[id], visit).expect("given");
    assert_eq!(fields_end(&world, id), Some(NOW.local_days() + 30));
    assert_eq!(walked(&world, 30), reduced(1));
    assert_eq!(hours(&world, id, subject), nothing());
}

#[test]
fn whoever_appears_in_no_field_any_more_goes_with_its_key() {
    let (_ring, keyring) = Ring::new();
    let world = World::under(keyring);
    let (id, subject) = adult(&world);
    let fields =
        json!({"emergency_contact_name": "李娜", "emergency_contact_phone": "12900005678"});
    let claim = claim_on(VISIT, "elder_visit_consent", Some(ConsentGiver::Self_));
    assert_eq!(world.patch(HEAD, VISIT, id, fields, Some(claim)), Ok(2));
    let (named, _) = world.facts(id).subject_handles[1];
    let named = SubjectId::from_bytes(named);
    assert!(wrapped(&world, named).is_some());
    taken_back(&world, id, subject);
    let day = days_since_epoch(TODAY.saturating_add(6.months()));
    assert_eq!(fields_end(&world, id), Some(day));
    let days = i64::from(day - NOW.local_days());
    assert_eq!(walked(&world, days - 1), removed(0));
    assert_eq!(walked(&world, days), reduced(1));
    assert_eq!(world.facts(id).subject_handles.len(), 1);
    assert_eq!((wrapped(&world, named), keys_wait(&world)), (None, 1));
    assert!(destroy(&world).is_some() && wrapped(&world, subject).is_some());
    assert_eq!(keys_wait(&world), 0);
    assert_eq!(world.read(WORKER, PURPOSE, id, &["name"]), Ok(json!({"name": "王伟"})));
}

#[test]
fn a_childs_guardian_stays_in_its_record_until_it_is_no_child_any_more() {
    let world = World::new();
    let born = TODAY.saturating_add(60.days()).saturating_sub(14.years());
    let born = json!({"name": "王小明", "birth_date": born.to_string(), "guardian_name": "王伟"});
    let subject = world.create(WORKER, registration(), born).expect("stored").subject;
    let subject = subject.expect("a person");
    let fields = json!({"name": "王小明", "guardian_name": "王伟", "contact_hours": ["morning"]});
    let mut request = person(contact(ConsentGiver::Guardian), fields);
    request.subject = Some(subject.to_string());
    let id = world.create_request(WORKER, request).expect("stored").id;
    // What carries the record from then on lists no guardian.
    let evacuation = "emergency_evacuation";
    let claim = claim_on(evacuation, "emergency_response", None);
    let phone = json!({"phone": "12900001234"});
    assert_eq!(world.patch(HEAD, evacuation, id, phone, Some(claim)), Ok(2));
    let consent = world.facts(id).bases[0].consent.expect("a consent");
    let by = (subject, ConsentGiver::Guardian);
    done(wait(withdraw_by(&world, &world.actor(DESK), by, consent))).expect("withdrawn");
    let (today, people) = (NOW.local_days(), || world.facts(id).subject_handles.len());
    assert_eq!(world.facts(id).fields_end, Some(today + 30));
    assert_eq!((walked(&world, 30), people()), (reduced(1), 2));
    assert_eq!(world.facts(id).fields_end, Some(today + 60));
    assert_eq!((walked(&world, 59), people()), (removed(0), 2));
    assert_eq!((walked(&world, 60), people()), (reduced(1), 1));
    assert_eq!(world.facts(id).fields_end, None);
}

#[test]
fn a_restraint_keeps_the_fields_until_it_is_lifted() {
    for kind in [HOLD, RESTRICTION] {
        let world = world_with_officer();
        let (id, subject) = called(&world);
        taken_back(&world, id, subject);
        let restraint = in_force(&world, subject, kind);
        let version = world.version(id);
        assert_eq!(walked(&world, 30), Expired { held: 1, ..Expired::default() });
        assert_eq!(world.version(id), version);
        released(&world, restraint);
        assert_eq!(walked(&world, 30), reduced(1));
        assert_eq!(hours(&world, id, subject), nothing());
    }
}

#[test]
fn a_walk_that_ends_after_any_step_leaves_the_fields_or_none_and_is_finished_by_the_next() {
    for done in 0..=2 {
        let (ring, keyring) = Ring::new();
        let world = World::under(keyring);
        let people = [called(&world), called(&world)];
        for (id, subject) in people {
            taken_back(&world, id, subject);
        }
        world.crash_after(done, Box::pin(walk(&world, in_days(30))));
        let world = world.after_crash(ring.opened());
        let left = people.iter().filter(|(id, _)| fields_end(&world, *id).is_some()).count() as u64;
        assert_eq!(left, 2 - done);
        assert_eq!(walked(&world, 30), reduced(left));
        assert_eq!(walked(&world, 30), removed(0));
        for (id, subject) in people {
            assert_eq!(world.version(id), 4, "behind {done} steps");
            assert_eq!(hours(&world, id, subject), nothing());
        }
    }
}

#[test]
fn a_record_that_cannot_be_read_keeps_no_other_and_stays_in_the_queue() {
    let world = World::new();
    let people = [called(&world), called(&world), called(&world)];
    for (id, subject) in people {
        taken_back(&world, id, subject);
    }
    let [(first, _), (second, _), (whole, subject)] = people;
    let row = wait(world.reader.get(&Key::row(first))).expect("a store").expect("a row");
    let mut torn = row.payload;
    // The first byte of the record's version, behind kind, length, format, id, type and cell: the attributes are of another one.
    torn[1 + 4 + 1 + 16 + 1 + 8 + 7] ^= 1;
    world.reader.damage(&Key::row(first), &torn);
    world.reader.damage(&Key::row(second), &[9]);
    for reduced in [1, 0] {
        assert_eq!(walked(&world, 30), Expired { reduced, left: 2, ..Expired::default() });
    }
    assert_eq!(hours(&world, whole, subject), nothing());
    for broken in [first, second] {
        assert!(world.has(&Key::retention(NOW.local_days() + 30, broken)));
    }
}

#[test]
fn a_record_that_ends_before_its_fields_takes_them_along_from_both_queues() {
    let world = World::new();
    let (id, subject) = called(&world);
    taken_back(&world, id, subject);
    let day = fields_end(&world, id).expect("an end");
    let version = world.version(id);
    wait(world.delete_async(&world.actor(HEAD), id, version)).expect("removed");
    assert!(!world.has(&Key::retention(day, id)) && !world.has(&Key::early_end(day, id)));
    assert_eq!(walked(&world, 40), removed(0));
    assert_eq!(world.read(WORKER, PURPOSE, id, &["name"]), Err(Code::Erased));
}

fn due(world: &World) -> Vec<(RecordId, i32, bool)> {
    let desk = world.actor(DESK);
    let page = wait(list_due(
        &desk,
        10,
        None,
        &world.origin,
        NOW,
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &world.territory,
    ));
    let of_fields = |due: Due| match due {
        Due::WithdrawnFields { record, ends_on, held } => Some((record, ends_on, held)),
        Due::Request { .. } | Due::Withdrawn { .. } => None,
    };
    page.expect("a page").due.into_iter().filter_map(of_fields).collect()
}

#[test]
fn what_goes_of_a_record_is_due_until_it_went_and_says_whether_something_keeps_it() {
    let world = world_with_officer();
    let (id, subject) = called(&world);
    assert_eq!(due(&world), []);
    taken_back(&world, id, subject);
    let day = NOW.local_days() + 30;
    assert_eq!(due(&world), [(id, day, false)]);
    let restraint = in_force(&world, subject, HOLD);
    assert_eq!(due(&world), [(id, day, true)]);
    released(&world, restraint);
    assert_eq!(walked(&world, 30), reduced(1));
    assert_eq!(due(&world), []);
}
