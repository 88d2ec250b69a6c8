//! Allowances of distinct values over sliding windows, counted where operations get their order.
//! Never lets a restart, another clock or many at once give a second allowance.
//! What was counted once is free while its window lasts.

use super::world::{NOW, Run, World};
use super::{later, wait};
use crate::access::{ActorId, Bound, Charge, Hour, Ledger};
use crate::records::{LegalKind, MandateId};
use crate::store::{Change, Key};
use crate::trail::committer::Rejected;
use crate::trail::space::Need;
use gridvault_audit::{Draft, Event, Outcome};

const LIMIT: u32 = 80;

/// Values of a month.
const MONTH: u32 = 200;

fn hour() -> u32 {
    Hour::of(NOW).0
}

fn of(actor: u8, hour: u32, value: u8) -> Vec<Charge> {
    vec![Charge {
        ledger: Ledger::Matches(ActorId::from_bytes([actor; 16])),
        tag: [value; 16],
        hour: Hour(hour),
        bound: Bound::Windows { day: LIMIT, month: MONTH },
    }]
}

async fn charge(run: &Run, charges: Vec<Charge>) -> bool {
    let draft = Draft::new(Event::DataMatch, Outcome::Success, [0; 16]);
    let entry = draft.prepare().expect("well formed");
    match run.trail.submit(entry, Change::default(), charges, Need::Entry).await {
        Ok(_) => true,
        Err(Rejected::Limit) => false,
        Err(other) => panic!("{other:?}"),
    }
}

fn passed(run: &Run, actor: u8, hour: u32, values: impl Iterator<Item = u8>) -> u32 {
    let calls = values.map(|value| later(charge(run, of(actor, hour, value)))).collect();
    run.in_one_group(calls).into_iter().map(u32::from).sum()
}

#[test]
fn exactly_the_limit_of_distinct_values_passes_also_when_they_come_at_once() {
    let world = World::new();
    let (run, now) = (world.begin(), hour());
    assert_eq!(passed(&run, 1, now, 0..200), LIMIT);
    assert!(!wait(charge(&run, of(1, now, 200))));
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
    let (run, now) = (world.begin(), hour());
    assert_eq!(passed(&run, 1, now, (0..79).chain(0..79)), 158);
    assert_eq!(passed(&run, 1, now, [79, 79, 80, 79].into_iter()), 3);
    assert_eq!(passed(&run, 1, now, 0..80), 80);
    run.stop();
}

#[test]
fn a_value_named_twice_by_one_operation_counts_once() {
    let world = World::new();
    let (run, now) = (world.begin(), hour());
    assert_eq!(passed(&run, 1, now, 0..79), 79);
    let twice = [of(1, now, 99), of(1, now, 99)].concat();
    assert!(wait(charge(&run, twice)));
    let one_free = [of(1, now, 99), of(1, now, 100)].concat();
    assert!(!wait(charge(&run, one_free)), "of two values one was too many, so neither counts");
    run.stop();
}

/// Something of a person in several kinds, each with its own bound.
fn seen(hour: u32, person: u8, kinds: &[(LegalKind, u32)]) -> Vec<Charge> {
    let of = |&(kind, most): &(LegalKind, u32)| Charge {
        ledger: Ledger::Reveals(ActorId::from_bytes([1; 16]), kind),
        tag: [person; 16],
        hour: Hour(hour),
        bound: Bound::Windows { day: most, month: MONTH },
    };
    kinds.iter().map(of).collect()
}

#[test]
fn what_is_seen_of_somebody_in_several_kinds_is_one_row_and_counts_in_each() {
    const OTHER: LegalKind = LegalKind::Other;
    let world = World::new();
    let (run, now) = (world.begin(), hour());
    for person in 0..3 {
        assert!(wait(charge(&run, seen(now, person, &[(OTHER, 9), (LegalKind::Property, 3)]))));
    }
    // Of one kind there is no room for a fourth, so it is counted in neither.
    assert!(!wait(charge(&run, seen(now, 3, &[(OTHER, 9), (LegalKind::Property, 3)]))));
    for person in 3..9 {
        assert!(wait(charge(&run, seen(now, person, &[(OTHER, 9)]))), "{person}");
    }
    assert!(!wait(charge(&run, seen(now, 9, &[(OTHER, 9)]))));
    // Later, and in another kind: the row tells both hours, and both are counted after a restart.
    assert!(wait(charge(&run, seen(now + 2, 0, &[(LegalKind::Health, 1)]))));
    let (owner, family, _) = seen(now, 0, &[(OTHER, 9)])[0].ledger.to_parts();
    let rows = wait(run.reader.scan(&Key::charge_prefix(&owner, family), None, 100));
    assert_eq!(rows.expect("a store").len(), 9);
    run.stop();
    let run = world.start().expect("a start");
    run.announce_start().expect("recorded");
    assert!(!wait(charge(&run, seen(now + 3, 1, &[(LegalKind::Health, 1)]))));
    assert!(!wait(charge(&run, seen(now + 3, 9, &[(OTHER, 9)]))));
    assert!(!wait(charge(&run, seen(now + 3, 3, &[(LegalKind::Property, 3)]))));
    assert!(wait(charge(&run, seen(now + 3, 0, &[(OTHER, 9), (LegalKind::Property, 3)]))));
    run.stop();
}

#[test]
fn counts_survive_a_restart() {
    let world = World::new();
    let (run, now) = (world.begin(), hour());
    assert_eq!(passed(&run, 1, now, 0..50), 50);
    run.stop();
    let run = world.start().expect("a start");
    run.announce_start().expect("recorded");
    assert_eq!(passed(&run, 1, now, 0..50), 50, "counted before the restart");
    assert_eq!(passed(&run, 1, now, 50..150), 30);
    run.stop();
}

#[test]
fn windows_slide_and_actors_are_counted_apart() {
    let world = World::new();
    let (run, now) = (world.begin(), hour());
    assert_eq!(passed(&run, 1, now, 0..100), LIMIT);
    assert_eq!(passed(&run, 2, now, 0..100), LIMIT);
    // An hour before the first window ends nothing more passes, whatever the date is; an hour later it does.
    assert_eq!(passed(&run, 1, now + 23, 100..110), 0);
    assert_eq!(passed(&run, 1, now + 24, 100..200), LIMIT);
    // The month has room for what is left of it, and again once the first day has left it.
    assert_eq!(passed(&run, 1, now + 48, 200..=255), MONTH - 2 * LIMIT);
    assert_eq!(passed(&run, 1, now + 719, 90..100), 0);
    assert_eq!(passed(&run, 1, now + 720, 80..100), 20);
    run.stop();
}

#[test]
fn a_value_that_is_seen_again_later_stays_counted_from_then() {
    let world = World::new();
    let (run, now) = (world.begin(), hour());
    assert_eq!(passed(&run, 1, now, 0..80), LIMIT);
    assert_eq!(passed(&run, 1, now + 20, 0..10), 10, "free within its window");
    assert_eq!(
        passed(&run, 1, now + 24, 100..200),
        LIMIT - 10,
        "ten of them are of four hours ago"
    );
    run.stop();
}

#[test]
fn a_clock_that_goes_on_and_back_gives_no_second_allowance() {
    let world = World::new();
    let (run, now) = (world.begin(), hour());
    assert_eq!(passed(&run, 1, now, 0..100), LIMIT);
    run.stop();
    // The clock is further back than everything that was counted.
    world.clock.now.store(NOW.0 - 9 * 86_400_000_000, std::sync::atomic::Ordering::SeqCst);
    let run = world.start().expect("a start");
    run.announce_start().expect("recorded");
    assert_eq!(passed(&run, 1, now - 9 * 24, 100..150), 0);
    assert_eq!(passed(&run, 1, now, 100..150), 0);
    run.stop();
}

#[test]
fn a_budget_is_used_up_for_ever() {
    let world = World::new();
    let (run, now) = (world.begin(), hour());
    let of_task = |hour: u32, value: u8| {
        vec![Charge {
            ledger: Ledger::Mandate(MandateId::from_bytes([1; 16])),
            tag: [value; 16],
            hour: Hour(hour),
            bound: Bound::Total(3),
        }]
    };
    for value in [0, 1, 1, 2, 0] {
        assert!(wait(charge(&run, of_task(now, value))));
    }
    assert!(!wait(charge(&run, of_task(now, 3))));
    assert!(!wait(charge(&run, of_task(now + 300, 3))));
    assert!(wait(charge(&run, of_task(now + 300, 2))));
    run.stop();
}

#[test]
fn what_no_window_reaches_is_cleared_away_and_can_be_counted_anew() {
    let world = World::new();
    let (run, now) = (world.begin(), hour());
    assert_eq!(passed(&run, 1, now, 0..20), 20);
    run.stop();
    let run = world.start().expect("a start");
    run.announce_start().expect("recorded");
    // Each count takes four of the old ones along; those counted anew among them stay.
    let much_later = now + 1_000;
    assert_eq!(passed(&run, 1, much_later, 0..10), 10);
    let ledger = Key::charge_prefix(&[1; 16], 0);
    let kept = wait(run.reader.scan(&ledger, None, 1_000)).expect("a store");
    let hours: Vec<&[u8]> = kept.iter().map(|(_, stored)| stored.payload.as_slice()).collect();
    let expected = [&[0], much_later.to_be_bytes().as_slice()].concat();
    assert_eq!(hours, [expected.as_slice(); 10]);
    run.stop();
}
