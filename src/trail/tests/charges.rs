//! A day's allowance of distinct values, counted where operations get their order.
//! Never lets a restart, another clock or many at once give a second allowance.
//! What was counted once is free on the same day.

use super::world::{NOW, Run, World};
use super::{later, wait};
use crate::access::{ActorId, Charge};
use crate::store::{Change, Key};
use crate::trail::committer::Rejected;
use crate::trail::space::Need;
use gridvault_audit::{Draft, Event, Outcome};

const LIMIT: u32 = 80;

fn of(actor: u8, day: i32, value: u8) -> Vec<(ActorId, Charge)> {
    let charge = Charge { day, tag: [value; 16], limit: LIMIT };
    vec![(ActorId::from_bytes([actor; 16]), charge)]
}

async fn charge(run: &Run, charges: Vec<(ActorId, Charge)>) -> bool {
    let draft = Draft::new(Event::DataMatch, Outcome::Success, [0; 16]);
    let entry = draft.prepare().expect("well formed");
    match run.trail.submit(entry, Change::default(), charges, Need::Entry).await {
        Ok(_) => true,
        Err(Rejected::Limit) => false,
        Err(other) => panic!("{other:?}"),
    }
}

fn passed(run: &Run, actor: u8, day: i32, values: impl Iterator<Item = u8>) -> u32 {
    let calls = values.map(|value| later(charge(run, of(actor, day, value)))).collect();
    run.in_one_group(calls).into_iter().map(u32::from).sum()
}

#[test]
fn exactly_the_limit_of_distinct_values_passes_also_when_they_come_at_once() {
    let world = World::new();
    let (run, today) = (world.begin(), NOW.days());
    assert_eq!(passed(&run, 1, today, 0..200), LIMIT);
    assert!(!wait(charge(&run, of(1, today, 200))));
    let reader = run.stop();
    let story = world.story();
    story.holds(&[], &reader);
    let matches = story.entries.iter().filter(|(entry, _)| {
        std::str::from_utf8(entry).expect("an entry").contains(r#""act":"match""#)
    });
    assert_eq!(matches.count(), 80, "one over the limit leaves no entry of success");
}

#[test]
fn repeats_are_free_up_to_and_at_the_limit() {
    let world = World::new();
    let (run, today) = (world.begin(), NOW.days());
    assert_eq!(passed(&run, 1, today, (0..79).chain(0..79)), 158);
    assert_eq!(passed(&run, 1, today, [79, 79, 80, 79].into_iter()), 3);
    assert_eq!(passed(&run, 1, today, 0..80), 80);
    run.stop();
}

#[test]
fn a_value_named_twice_by_one_operation_counts_once() {
    let world = World::new();
    let (run, today) = (world.begin(), NOW.days());
    assert_eq!(passed(&run, 1, today, 0..79), 79);
    let twice = [of(1, today, 99), of(1, today, 99)].concat();
    assert!(wait(charge(&run, twice)));
    let one_free = [of(1, today, 99), of(1, today, 100)].concat();
    assert!(!wait(charge(&run, one_free)), "of two values one was too many, so neither counts");
    run.stop();
}

#[test]
fn counts_survive_a_restart() {
    let world = World::new();
    let (run, today) = (world.begin(), NOW.days());
    assert_eq!(passed(&run, 1, today, 0..50), 50);
    run.stop();
    let run = world.start().expect("a start");
    run.announce_start().expect("recorded");
    assert_eq!(passed(&run, 1, today, 0..50), 50, "counted before the restart");
    assert_eq!(passed(&run, 1, today, 50..150), 30);
    run.stop();
}

#[test]
fn other_days_and_other_actors_are_counted_apart() {
    let world = World::new();
    let (run, today) = (world.begin(), NOW.days());
    assert_eq!(passed(&run, 1, today, 0..100), LIMIT);
    assert_eq!(passed(&run, 2, today, 0..100), LIMIT);
    assert_eq!(passed(&run, 1, today - 1, 0..100), LIMIT);
    assert_eq!(passed(&run, 1, today + 1, 0..100), LIMIT);
    run.stop();
}

#[test]
fn a_clock_that_goes_on_and_back_gives_no_second_allowance() {
    let world = World::new();
    let (run, today) = (world.begin(), NOW.days());
    assert_eq!(passed(&run, 1, today, 0..100), LIMIT);
    for day in [today + 1, today + 9, today + 400] {
        assert_eq!(passed(&run, 1, day, 0..10), 10);
    }
    assert_eq!(passed(&run, 1, today, 100..150), 0);
    run.stop();
    // The clock is further back than the days that a start reads at once.
    world.clock.now.store(NOW.0 - 9 * 86_400_000_000, std::sync::atomic::Ordering::SeqCst);
    let run = world.start().expect("a start");
    run.announce_start().expect("recorded");
    assert_eq!(passed(&run, 1, today, 100..150), 0);
    assert_eq!(passed(&run, 1, today + 9, 0..100), LIMIT);
    run.stop();
}

#[test]
fn days_that_meet_in_one_group_are_all_counted() {
    let world = World::new();
    let (run, today) = (world.begin(), NOW.days());
    // The third day pushes the first out of memory; the group goes on with it all the same.
    let calls = [(today, 0..79), (today + 1, 0..3), (today + 2, 0..3), (today, 79..90)]
        .into_iter()
        .flat_map(|(day, values)| values.map(move |value| of(1, day, value)))
        .map(|charges| later(charge(&run, charges)));
    let passed: u32 = run.in_one_group(calls.collect()).into_iter().map(u32::from).sum();
    assert_eq!(passed, LIMIT + 6);
    let day = Key::charge_day_prefix(today);
    assert_eq!(wait(run.reader.scan(&day, None, 1_000)).expect("a store").len(), 80);
    run.stop();
}
