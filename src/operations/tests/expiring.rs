//! Requirements on what is past its end: it goes by itself, once, with the key of whoever has nothing left.
//! Never before its day, never what rests on something else, and never half, wherever the process ends.
//! Days are given to the walk; the clock of the log stands still.

use super::erasing::is_tombstone;
use super::ring::{Ring, id_of, wrapped};
use super::setting::{PURPOSES, SCHEMAS};
use super::world::*;
use crate::access::Code;
use crate::ambient::Micros;
use crate::limits::EXPIRY_PART_COUNT;
use crate::operations::{
    Expired, ExpiryWalk, OperationError, WithdrawRequest, destroy_keys, expire_records,
    withdraw_consent,
};
use crate::purposes::ConsentGiver;
use crate::records::{RecordId, SubjectId, days_since_epoch};
use crate::store::Key;
use crate::trail::Announcement;
use jiff::ToSpan as _;
use serde_json::{Value as Json, json};

const RIGHTS: &str = "rights_request";
const CONTACT: &str = "household_contact";
const PURPOSE: &str = "residence_registration";

pub(super) fn in_days(days: i64) -> Micros {
    Micros(NOW.0 + days * 86_400_000_000)
}

async fn part(world: &World, walk: &mut ExpiryWalk) -> Result<Expired, OperationError> {
    expire_records(
        walk,
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

pub(super) async fn walk(world: &World, now: Micros) -> Result<Expired, OperationError> {
    let (mut walk, mut all) = (ExpiryWalk::at(now), Expired::default());
    while !walk.is_over() {
        all = all.and(part(world, &mut walk).await?);
    }
    Ok(all)
}

pub(super) fn walked(world: &World, days: i64) -> Expired {
    wait(walk(world, in_days(days))).expect("a walk")
}

pub(super) fn removed(count: u64) -> Expired {
    Expired { removed: count, ..Expired::default() }
}

/// A record that ends in so many days, of somebody new or of a person who is held.
fn ending(world: &World, days: i64, subject: Option<SubjectId>) -> (RecordId, SubjectId) {
    let mut request = person(registration(), json!({"name": "王伟"}));
    request.retain_until = Some(TODAY.saturating_add(days.days()));
    request.subject = subject.map(|subject| subject.to_string());
    let created = world.create_request(WORKER, request).expect("stored");
    (created.id, created.subject.expect("a person"))
}

/// Somebody whose only record went at its end, and whose key is destroyed.
pub(super) fn one_expired(world: &World) {
    ending(world, 1, None);
    assert_eq!(walked(world, 1), removed(1));
    assert!(destroy(world).is_some());
}

pub(super) fn destroy(world: &World) -> Option<u64> {
    let done = wait(destroy_keys(&world.reader, &world.seal, &world.trail));
    done.expect("destroyed").map(|recorded| recorded.index())
}

/// The next index of the log.
fn next_index(world: &World) -> u64 {
    wait(world.trail.announce(Announcement::Heartbeat)).expect("recorded").index()
}

pub(super) fn keys_wait(world: &World) -> usize {
    let waiting = wait(world.reader.scan(&Key::erasure_waiting_prefix(), None, 100));
    waiting.expect("a store").len()
}

#[test]
fn a_record_goes_on_its_day_with_its_key_and_whoever_stays_reads_as_before() {
    let (_ring, keyring) = Ring::new();
    let world = World::under(keyring.clone());
    let (id, subject) = ending(&world, 2, None);
    let (friend, _) = adult(&world);
    let copy = wrapped(&world, subject).expect("a key");
    for days in [0, 1] {
        assert_eq!(walked(&world, days), removed(0), "{days} days");
    }
    assert!(!is_tombstone(&world, id));
    assert_eq!(walked(&world, 2), removed(1));
    assert!(is_tombstone(&world, id));
    assert_eq!(world.read(WORKER, PURPOSE, id, &["name"]), Err(Code::Erased));
    assert_eq!(wrapped(&world, subject), None);
    let listed = wait(world.reader.scan(&Key::subject_listing_prefix(subject), None, 10));
    assert!(listed.expect("a store").is_empty());
    assert_eq!(walked(&world, 2), removed(0), "nothing goes twice");
    assert!(id_of(&keyring, subject, &copy).is_some(), "an older copy opens until now");
    assert_eq!(keys_wait(&world), 1);
    assert!(destroy(&world).is_some());
    assert_eq!(id_of(&keyring, subject, &copy), None, "a copy of the key opens");
    assert_eq!((keys_wait(&world), destroy(&world)), (0, None));
    assert_eq!(world.read(WORKER, PURPOSE, friend, &["name"]), Ok(json!({"name": "王伟"})));
}

#[test]
fn a_record_goes_when_its_day_begins_in_the_country_and_not_a_second_earlier() {
    let world = World::new();
    let (id, _) = ending(&world, 2, None);
    // 2027-01-16T16:00:00Z: the seventeenth in the country.
    let begins = Micros::of_local_day(days_since_epoch(TODAY) + 2);
    let earlier = Micros(begins.0 - 1_000_000);
    assert_eq!(wait(walk(&world, earlier)).expect("a walk"), removed(0));
    assert!(!world.facts(id).is_expired(earlier.local_days()));
    assert!(world.facts(id).is_expired(begins.local_days()));
    assert_eq!(wait(walk(&world, begins)).expect("a walk"), removed(1));
}

#[test]
fn the_key_of_whoever_has_another_record_stays_until_that_one_ends() {
    let world = World::new();
    let (first, subject) = ending(&world, 2, None);
    let (second, _) = ending(&world, 3, Some(subject));
    assert_eq!(walked(&world, 2), removed(1));
    assert!(is_tombstone(&world, first) && keys_wait(&world) == 0);
    assert_eq!(world.read(WORKER, PURPOSE, second, &["name"]), Ok(json!({"name": "王伟"})));
    assert_eq!(walked(&world, 3), removed(1));
    assert_eq!((wrapped(&world, subject), keys_wait(&world)), (None, 1));
}

#[test]
fn two_records_of_one_person_on_one_day_take_its_key_along() {
    let world = World::new();
    let (first, subject) = ending(&world, 2, None);
    let (second, _) = ending(&world, 2, Some(subject));
    assert_eq!(walked(&world, 40), removed(2));
    assert!(is_tombstone(&world, first) && is_tombstone(&world, second));
    assert_eq!((wrapped(&world, subject), keys_wait(&world)), (None, 1));
}

#[test]
fn a_consent_is_taken_back_and_a_month_later_record_and_key_are_gone() {
    let (_ring, keyring) = Ring::new();
    let world = World::under(keyring.clone());
    let request =
        person(contact(ConsentGiver::Self_), json!({"name": "王伟", "phone": "12900001234"}));
    let stored = world.create_request(WORKER, request).expect("stored");
    let (id, subject) = (stored.id, stored.subject.expect("a person"));
    let (duty, _) = ending(&world, 365, None);
    let copy = wrapped(&world, subject).expect("a key");
    assert!(world.read(WORKER, CONTACT, id, &["name"]).is_ok());
    let consent = world.facts(id).bases[0].consent.expect("it rests on a consent");
    let desk = world.actor(DESK);
    let withdrawal =
        WithdrawRequest { subject, consent, by: ConsentGiver::Self_, proof: "resident_card" };
    let done = wait(withdraw_consent(
        &world.asked(&desk, RIGHTS),
        withdrawal,
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &PURPOSES,
        &world.territory,
        &*world.random,
    ));
    let end = done.expect("withdrawn").records[0].1.expect("an end");
    assert_eq!(end, NOW.local_days() + 30, "as the purpose says");
    assert_eq!(world.read(WORKER, CONTACT, id, &["name"]), Err(Code::ConsentWithdrawn));
    assert_eq!(walked(&world, 29), removed(0));
    assert_eq!(walked(&world, 30), removed(1));
    assert!(is_tombstone(&world, id) && !is_tombstone(&world, duty));
    assert!(destroy(&world).is_some());
    assert_eq!(id_of(&keyring, subject, &copy), None, "a copy of the key opens");
    let held = world.matched(WORKER, PURPOSE, "phone", "12900001234").map(|matched| matched.held);
    assert_eq!(held, Ok(false));
}

#[test]
fn a_part_looks_at_as_many_records_as_the_limit_and_leaves_one_more_to_the_next() {
    for count in [EXPIRY_PART_COUNT, EXPIRY_PART_COUNT + 1] {
        let (_ring, keyring) = Ring::new();
        let world = World::under(keyring);
        for _ in 0..count {
            ending(&world, 1, None);
        }
        let mut walk = ExpiryWalk::at(in_days(1));
        let first = wait(part(&world, &mut walk)).expect("a part");
        assert_eq!(first, removed(EXPIRY_PART_COUNT as u64));
        // A full page tells nothing of what is behind it.
        assert!(!walk.is_over());
        let second = wait(part(&world, &mut walk)).expect("a part");
        assert_eq!(second, removed((count - EXPIRY_PART_COUNT) as u64));
        assert!(walk.is_over());
        // The keys of each part wait together.
        assert_eq!(keys_wait(&world), count.div_ceil(EXPIRY_PART_COUNT));
        assert!(destroy(&world).is_some());
        assert_eq!(keys_wait(&world), 0);
    }
}

#[test]
fn a_walk_that_ends_after_any_step_leaves_each_record_whole_or_gone_and_is_finished_by_the_next() {
    let count = 3;
    for done in 0..=count {
        let (ring, keyring) = Ring::new();
        let world = World::under(keyring.clone());
        let people: Vec<(RecordId, SubjectId)> =
            (0..count).map(|_| ending(&world, 1, None)).collect();
        let copies: Vec<Vec<u8>> =
            people.iter().map(|(_, subject)| wrapped(&world, *subject).expect("a key")).collect();
        let before = next_index(&world);
        world.crash_after(done, Box::pin(walk(&world, in_days(1))));
        // From the journal alone, under the ring as it lies there.
        let keyring = ring.opened();
        let world = world.after_crash(keyring.clone());
        let gone = people.iter().filter(|(id, _)| is_tombstone(&world, *id)).count() as u64;
        assert_eq!(gone, done);
        for (id, subject) in &people {
            assert_eq!(is_tombstone(&world, *id), wrapped(&world, *subject).is_none());
        }
        // Those that went wait, and a start destroys them before anybody is served.
        assert_eq!(destroy(&world).is_some(), done > 0);
        for ((id, subject), copy) in people.iter().zip(&copies) {
            let opens = id_of(&keyring, *subject, copy).is_some();
            assert!(!(opens && is_tombstone(&world, *id)), "behind {done} steps");
        }
        let again = next_index(&world);
        assert_eq!(walked(&world, 1), removed(count - done));
        assert_eq!(next_index(&world) - again - 1, count - done, "an entry for each");
        assert!(again > before);
        destroy(&world);
        assert_eq!(keys_wait(&world), 0);
        for (_, subject) in &people {
            assert_eq!(wrapped(&world, *subject), None);
        }
    }
}

#[test]
fn keys_that_cannot_be_destroyed_now_wait_for_the_next_walk_or_start() {
    let (ring, keyring) = Ring::new();
    let world = World::under(keyring.clone());
    let (_, subject) = ending(&world, 1, None);
    let copy = wrapped(&world, subject).expect("a key");
    assert_eq!(walked(&world, 1), removed(1));
    ring.break_it();
    assert!(wait(destroy_keys(&world.reader, &world.seal, &world.trail)).is_err());
    ring.mend();
    assert_eq!(keys_wait(&world), 1);
    let keyring = ring.opened();
    let world = world.after_crash(keyring.clone());
    assert!(destroy(&world).is_some());
    assert_eq!(id_of(&keyring, subject, &copy), None);
}

#[test]
fn of_a_record_that_is_stored_and_the_end_of_the_only_other_one_neither_loses_its_key() {
    for created_first in [true, false] {
        let world = World::new();
        let (id, subject) = ending(&world, 1, None);
        let worker = world.actor(WORKER);
        let create = async {
            let mut request = person(registration(), json!({"name": "李娜"}));
            request.subject = Some(subject.to_string());
            let created = world.create_async(&worker, PURPOSE, request).await;
            created.map(|created| json!(created.id))
        };
        let expire = async { walk(&world, in_days(1)).await.map(|found| json!(found.removed)) };
        let mut calls: Vec<Later<'_, Result<Json, OperationError>>> =
            vec![Box::pin(create), Box::pin(expire)];
        if !created_first {
            calls.reverse();
        }
        let mut answers: Vec<Done<Json>> =
            world.in_one_group(calls).into_iter().map(done).collect();
        if !created_first {
            answers.reverse();
        }
        let [created, expired] = &answers[..] else { panic!("two answers") };
        assert_eq!(*expired, Ok(json!(1)));
        assert!(is_tombstone(&world, id));
        assert_eq!(wrapped(&world, subject).is_some(), created_first);
        match created {
            Ok(second) => {
                let second: RecordId = serde_json::from_value(second.clone()).expect("an id");
                let read = world.read(WORKER, PURPOSE, second, &["name"]);
                assert_eq!(read, Ok(json!({"name": "李娜"})));
            }
            Err(code) => assert_eq!(*code, Code::NotFound),
        }
    }
}
