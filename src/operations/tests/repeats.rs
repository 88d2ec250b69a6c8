//! Requirements on writes that are said twice: under one key, or as one capture.
//! Never two records, whichever way the two meet, and never a memory without end.
//! Time is given, so a day passes between two lines.

use super::setting::SCHEMAS;
use super::world::*;
use crate::access::{ActorId, Code};
use crate::ambient::Micros;
use crate::limits::{REPEATS_SWEPT_COUNT_MAX, REPEATS_UNDER_WAY_COUNT_MAX};
use crate::operations::{
    BatchKey, CreateRequest, Created, OfBatch, OperationError, Repeats, Saying, admit_batch,
};
use crate::records::{CaptureId, ExternalRef};
use crate::seal::Said;
use crate::store::Key;
use serde_json::json;
use std::sync::Arc;

const PURPOSE: &str = "residence_registration";
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

fn adult_request() -> CreateRequest {
    person(registration(), json!({"name": "王伟", "birth_date": "1980-01-01"}))
}

fn captured(capture: u8) -> CreateRequest {
    let capture = Some(CaptureId::from_bytes([capture; 16]));
    CreateRequest { capture, ..adult_request() }
}

/// Says a creation under a key at a time.
async fn say(world: &World, key: &str, now: Micros) -> Result<Created, OperationError> {
    let actor = world.actor(WORKER);
    let said = world.seal.said(WORKER, key, &[b"the same"]);
    let once = world.repeats.once(said, None, now.utc_days(), &world.reader).await?;
    world.create_once(&actor, PURPOSE, adult_request(), now, Some(&once)).await
}

fn said_at(world: &World, key: &str, now: Micros) -> Created {
    done(wait(say(world, key, now))).expect("created")
}

fn remembered(world: &World) -> Vec<Key> {
    let found = wait(world.reader.scan(&Key::repeat_prefix(), None, 1_000)).expect("a store");
    found.into_iter().map(|(key, _)| key).collect()
}

#[test]
fn of_two_that_say_the_same_at_once_one_is_stored_and_both_are_told_so() {
    let world = World::new();
    let calls: Vec<Later<'_, _>> =
        vec![Box::pin(say(&world, "key", NOW)), Box::pin(say(&world, "key", NOW))];
    let answers = world.in_one_group(calls).into_iter().map(|answer| done(answer).expect("told"));
    let [first, second] = <[_; 2]>::try_from(answers.collect::<Vec<_>>()).ok().expect("two");
    assert_eq!((first.saying, second.saying), (Saying::First, Saying::Again));
    assert_eq!(
        (first.id, first.subject, first.recorded),
        (second.id, second.subject, second.recorded)
    );
    assert_eq!(remembered(&world).len(), 1);
}

#[test]
fn of_two_that_send_one_capture_at_once_one_is_stored_and_both_are_told_so() {
    let world = World::new();
    let (one, two) = (world.actor(WORKER), world.actor(WORKER));
    let calls: Vec<Later<'_, _>> = vec![
        Box::pin(world.create_async(&one, PURPOSE, captured(7))),
        Box::pin(world.create_async(&two, PURPOSE, captured(7))),
    ];
    let answers = world.in_one_group(calls).into_iter().map(|answer| done(answer).expect("told"));
    let [first, second] = <[_; 2]>::try_from(answers.collect::<Vec<_>>()).ok().expect("two");
    assert_eq!((first.saying, second.saying), (Saying::First, Saying::Captured));
    assert_eq!(
        (first.id, first.subject, first.recorded),
        (second.id, second.subject, second.recorded)
    );
}

#[test]
fn key_is_remembered_over_midnight_and_for_a_day() {
    let world = World::new();
    let evening = Micros(NOW.0 - NOW.0.rem_euclid(DAY) - SECOND);
    let first = said_at(&world, "key", evening);
    let after = |micros: i64| said_at(&world, "key", Micros(evening.0 + micros));
    for later in [0, SECOND, 2 * SECOND, DAY - 1] {
        let again = after(later);
        assert_eq!((again.id, again.saying), (first.id, Saying::Again), "{later}");
    }
    let fresh = after(DAY);
    assert_eq!(fresh.saying, Saying::First);
    assert_ne!(fresh.id, first.id);
    assert_eq!(after(DAY + 1).id, fresh.id);
}

#[test]
fn days_gone_by_are_cleared_away_by_later_writes() {
    let world = World::new();
    let ago = |days: i64| Micros(NOW.0 - days * DAY);
    for number in 0..2 * REPEATS_SWEPT_COUNT_MAX {
        said_at(&world, &format!("old-{number}"), ago(2));
    }
    said_at(&world, "yesterday", ago(1));
    let old = || {
        let today = NOW.utc_days();
        let days = remembered(&world).into_iter().filter_map(|key| key.repeat_day());
        days.filter(|day| *day < today - 1).count()
    };
    assert_eq!(old(), 2 * REPEATS_SWEPT_COUNT_MAX);
    said_at(&world, "one", NOW);
    assert_eq!(old(), REPEATS_SWEPT_COUNT_MAX);
    said_at(&world, "two", NOW);
    said_at(&world, "three", NOW);
    assert_eq!((old(), remembered(&world).len()), (0, 4));
    assert_eq!(said_at(&world, "yesterday", Micros(NOW.0 - 1)).saying, Saying::Again);
}

#[test]
fn key_is_under_way_until_its_work_ends_and_the_table_is_bounded() {
    let world = World::new();
    let repeats = Arc::new(Repeats::default());
    let said = |key: usize| world.seal.said(WORKER, &key.to_string(), &[]);
    let first = repeats.begin(WORKER, &said(0)).expect("free");
    assert_eq!(repeats.begin(WORKER, &said(0)).err(), Some(Code::InFlight));
    let mut held: Vec<_> = (1..REPEATS_UNDER_WAY_COUNT_MAX)
        .map(|key| repeats.begin(WORKER, &said(key)).expect("free"))
        .collect();
    let one_more = said(REPEATS_UNDER_WAY_COUNT_MAX);
    assert_eq!(repeats.begin(WORKER, &one_more).err(), Some(Code::Overloaded));
    drop(first);
    held.push(repeats.begin(WORKER, &one_more).expect("a place"));
    assert_eq!(repeats.begin(WORKER, &said(0)).err(), Some(Code::Overloaded));
}

#[test]
fn what_stands_for_a_write_differs_by_caller_key_line_and_every_part() {
    let world = World::new();
    let all: Vec<Said> = vec![
        world.seal.said(WORKER, "key", &[b"a", b"b"]),
        world.seal.said(WORKER, "key", &[b"ab"]),
        world.seal.said(WORKER, "other", &[b"a", b"b"]),
        world.seal.said(HEAD, "key", &[b"a", b"b"]),
        world.seal.said_in_batch(WORKER, "key", 1, &[b"a", b"b"]),
        world.seal.said_in_batch(WORKER, "key", 2, &[b"a", b"b"]),
        world.seal.said_in_batch(WORKER, "key", 1, &[b"a"]),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[..at].contains(one), "{at}");
    }
    assert_eq!(all[0].key, all[1].key);
    let keys: Vec<[u8; 16]> = [2, 3, 4, 5].into_iter().map(|at: usize| all[at].key).collect();
    assert!(keys.iter().all(|key| *key != all[0].key) && keys[2] != keys[3]);
    let capture = CaptureId::from_bytes([7; 16]);
    assert_ne!(world.seal.capture_tag(WORKER, capture), world.seal.capture_tag(HEAD, capture));
}

#[test]
fn who_was_moved_away_learns_nothing_by_a_capture_of_its_own() {
    let world = World::new();
    let first = world.create_request(WORKER, captured(7)).expect("created");
    world.change_actor(WORKER, |record| record.assignments[0].area = Some(NEXT.to_owned()));
    assert_eq!(world.create_request(WORKER, captured(7)).err(), Some(Code::NotFound));
    world.change_actor(WORKER, |record| record.assignments[0].area = Some(GRID.to_owned()));
    let again = world.create_request(WORKER, captured(7)).expect("told");
    assert_eq!((again.id, again.saying), (first.id, Saying::Captured));
}

/// The records behind a reference of a system.
fn behind(world: &World, system: ActorId, reference: &str) -> Vec<crate::records::RecordId> {
    let reference = ExternalRef::new(reference.to_owned()).expect("a reference");
    let forms = world.seal.forms(&world.seal.external_term(system, &reference));
    let prefix = Key::term_prefix(&forms[0]);
    let found = wait(world.reader.scan(&prefix, None, 10)).expect("a store");
    found.into_iter().filter_map(|(key, _)| key.record()).collect()
}

#[test]
fn reference_finds_its_record_for_its_own_system_until_the_record_goes() {
    let world = World::new();
    let referred = |number: &str| CreateRequest {
        external: ExternalRef::new(number.to_owned()).ok(),
        ..adult_request()
    };
    let one = world.create_request(WORKER, referred("A-1")).expect("created").id;
    let two = world.create_request(WORKER, referred("A-2")).expect("created").id;
    assert_eq!(
        (behind(&world, WORKER, "A-1"), behind(&world, WORKER, "A-2")),
        (vec![one], vec![two])
    );
    assert!(behind(&world, HEAD, "A-1").is_empty(), "of another system");
    world.patch(WORKER, PURPOSE, one, json!({"phone": "12900001234"}), None).expect("patched");
    world.patch(WORKER, PURPOSE, one, json!({"phone": null}), None).expect("patched");
    assert_eq!(behind(&world, WORKER, "A-1"), [one]);
    let head = world.actor(HEAD);
    wait(world.delete_async(&head, one, 3)).expect("removed");
    assert!(behind(&world, WORKER, "A-1").is_empty());
    let household = world.create_household(
        WORKER,
        crate::operations::HouseholdRequest {
            external: ExternalRef::new("H-1".to_owned()).ok(),
            ..household(json!({"name": "王伟"}))
        },
    );
    assert_eq!(behind(&world, WORKER, "H-1"), [household.expect("created").id]);
}

#[test]
fn batch_is_known_as_long_as_a_line_of_it_can_be_looked_up() {
    let world = World::new();
    let actor = world.actor(WORKER);
    let midnight = NOW.0 - NOW.0.rem_euclid(DAY);
    let head = world.seal.said(WORKER, "key", &[b"batch"]);
    let key_at = |said: &Said, micros: i64| {
        let asked = world.asked_at(&actor, PURPOSE, Micros(midnight + micros), None);
        done(wait(admit_batch(
            &asked,
            Some(said),
            &world.reader,
            &world.access,
            &world.trail,
            &SCHEMAS,
            &world.territory,
        )))
    };
    assert_eq!(key_at(&head, 0), Ok(BatchKey::New));
    // One line before midnight and one behind it, each the first of its day.
    for (line, micros) in [(1, -SECOND), (2, SECOND)] {
        let now = Micros(midnight + micros);
        let said = world.seal.said_in_batch(WORKER, "key", line, &[b"line"]);
        let of_batch = OfBatch { said: Some(head.clone()), is_new: true };
        let once = world.repeats.once(said, Some(of_batch), now.utc_days(), &world.reader);
        let once = wait(once).expect("a store");
        let created = world.create_once(&actor, PURPOSE, adult_request(), now, Some(&once));
        done(wait(created)).expect("created");
    }
    for micros in [2 * SECOND, DAY - 2 * SECOND, DAY, DAY + SECOND - 1] {
        assert_eq!(key_at(&head, micros), Ok(BatchKey::Known), "{micros}");
    }
    let other = world.seal.said(WORKER, "key", &[b"of another purpose"]);
    assert_eq!(key_at(&other, 2 * SECOND), Err(Code::IdempotencyMismatch));
    assert_eq!(key_at(&head, 2 * DAY), Ok(BatchKey::New));
}

#[test]
fn a_new_key_is_looked_up_all_the_same_once_something_made_its_write_stale() {
    let world = World::new();
    let actor = world.actor(WORKER);
    let once = || {
        let said = world.seal.said_in_batch(WORKER, "key", 1, &[b"line"]);
        let of_batch = OfBatch { said: None, is_new: true };
        wait(world.repeats.once(said, Some(of_batch), NOW.utc_days(), &world.reader))
            .expect("a store")
    };
    let (one, two) = (once(), once());
    let say = |once| world.create_once(&actor, PURPOSE, adult_request(), NOW, Some(once));
    let first = done(wait(say(&one))).expect("created");
    let second = done(wait(say(&two))).expect("told");
    assert_eq!((second.id, second.saying), (first.id, Saying::Again));
}
