//! A clock that is set back or leaps: what the trail takes then, what times entries have, and that the log tells of it.
//! Never the host's clock: the tests set it, and let time pass beside it.
//! The log is read again with its verifier behind each story.

use super::wait;
use super::world::{NOW, Run, World, access, actor, owned};
use crate::access::{Code, Origin, Standing, Written};
use crate::ambient::{Clock as _, SteadyClock};
use crate::limits::CLOCK_APART_MAX;
use crate::trail::{Announcement, ClockNews, Refused, TrailError};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

fn steady(world: &World) -> Arc<SteadyClock> {
    Arc::new(SteadyClock::new(world.clock.clone(), CLOCK_APART_MAX))
}

fn begin(world: &World) -> Run {
    let run = world.start_with(steady(world), Vec::new()).expect("a trail");
    run.introduce(&mut Vec::new()).expect("recorded");
    run
}

/// Somebody sets the host's clock.
fn leaps(world: &World, micros: i64) {
    world.clock.now.fetch_add(micros, Ordering::SeqCst);
}

/// Time passes by itself.
fn passes(world: &World, micros: i64) {
    leaps(world, micros);
    world.clock.monotonic.fetch_add(u64::try_from(micros).expect("forwards"), Ordering::SeqCst);
}

fn entries(world: &World) -> Vec<serde_json::Value> {
    let entries = &world.story().entries;
    entries.iter().map(|(entry, _)| serde_json::from_slice(entry).expect("an entry")).collect()
}

/// Of the entries about the clock, which way it was in doubt, and whatever they say beside.
fn told(world: &World) -> Vec<serde_json::Value> {
    let of_clock = |entry: &serde_json::Value| entry["ev"] == "sys" && entry["act"] == "clock";
    entries(world).into_iter().filter(of_clock).map(|entry| entry["x"].clone()).collect()
}

fn is_refused<T>(answer: &Result<T, Refused<super::world::Owned>>) -> bool {
    matches!(answer, Err(Refused::Trail(TrailError::ClockInDoubt)))
}

#[test]
fn no_data_is_served_while_the_clock_is_in_doubt_and_everything_else_is_recorded() {
    let world = World::new();
    let run = begin(&world);
    run.write(1, 1).ok().expect("recorded");
    leaps(&world, -3_600 * SECOND);
    assert!(is_refused(&run.write(1, 2)));
    wait(run.trail.announce(Announcement::Heartbeat)).expect("recorded");
    let refused = access().refuse(None, Code::TokenInvalid, &Origin::default());
    wait(run.trail.refuse(refused)).expect("recorded");
    let standing = Standing {
        actor: actor(),
        version: 1,
        assignments: Arc::new([]),
        via: None,
        session: [3; 16],
        strength: 1,
    };
    let of = |written| access().permit_known(&standing, written, &Origin::default(), owned(1));
    for removal in [Written::Expiry, Written::FieldExpiry] {
        assert!(is_refused(&wait(run.trail.append(of(removal)))), "{removal:?} goes in doubt");
    }
    assert!(wait(run.trail.append(of(Written::Schema))).is_ok());
    leaps(&world, 3_600 * SECOND);
    wait(run.trail.tell_of_clock()).expect("the doubt");
    wait(run.trail.tell_of_clock()).expect("its end");
    run.write(1, 2).ok().expect("recorded");
    run.stop();
    let (back, over) = (serde_json::json!("back"), serde_json::json!("over"));
    let [one, other] = &told(&world)[..] else { panic!("a doubt and its end") };
    assert_eq!((&one["step"], &other["step"]), (&back, &over));
    assert_eq!(one["host"], NOW.0 - 3_600 * SECOND);
}

#[test]
fn a_clock_that_leaps_ahead_for_a_second_leaves_no_entry_of_a_later_time_and_one_that_tells_of_it()
{
    let world = World::new();
    let run = begin(&world);
    leaps(&world, 3_650 * DAY);
    wait(run.trail.announce(Announcement::Heartbeat)).expect("recorded");
    passes(&world, SECOND);
    leaps(&world, -3_650 * DAY);
    for _ in 0..3 {
        wait(run.trail.tell_of_clock()).expect("recorded");
    }
    run.write(1, 1).ok().expect("served again");
    run.stop();
    let times: Vec<i64> =
        entries(&world).iter().map(|entry| entry["t"].as_i64().expect("a time")).collect();
    assert_eq!(times.iter().max(), Some(&(NOW.0 + SECOND)));
    assert!(times.is_sorted());
    let steps: Vec<_> = told(&world).iter().map(|x| x["step"].clone()).collect();
    assert_eq!(steps, ["ahead", "over"]);
}

#[test]
fn a_doubt_is_told_once_and_again_when_it_turns() {
    let world = World::new();
    let run = begin(&world);
    let look = || wait(run.trail.tell_of_clock()).expect("recorded");
    look();
    for leap in [DAY, 0, -3 * DAY, 0, 2 * DAY, 0] {
        leaps(&world, leap);
        look();
    }
    run.stop();
    let steps: Vec<_> = told(&world).iter().map(|x| x["step"].clone()).collect();
    assert_eq!(steps, ["ahead", "back", "over"]);
}

#[test]
fn a_start_before_the_last_entry_goes_on_behind_it_and_serves_nothing_until_the_clock_is_right() {
    let world = World::new();
    begin(&world).stop();
    leaps(&world, -30 * DAY);
    let clock = steady(&world);
    clock.hold(NOW);
    let run = world.start_with(clock.clone(), Vec::new()).expect("a trail");
    run.announce_start().expect("recorded");
    wait(run.trail.tell_of_clock()).expect("recorded");
    assert!(is_refused(&run.write(1, 1)));
    assert_eq!(clock.now(), NOW);
    // It was off for a day, as is seen once the host's clock is right.
    leaps(&world, 31 * DAY);
    wait(run.trail.tell_of_clock()).expect("recorded");
    run.write(1, 1).ok().expect("served");
    run.stop();
    let times: Vec<i64> =
        entries(&world).iter().map(|entry| entry["t"].as_i64().expect("a time")).collect();
    assert!(times.is_sorted());
    assert_eq!(times.last(), Some(&(NOW.0 + DAY)));
}

#[test]
fn whoever_believes_an_earlier_clock_at_a_start_leaves_an_entry_and_a_log_that_verifies() {
    let world = World::new();
    leaps(&world, 3_650 * DAY);
    begin(&world).stop();
    leaps(&world, -3_650 * DAY);
    let run = world.start_with(steady(&world), Vec::new()).expect("a trail");
    run.announce_start().expect("recorded");
    let before = crate::ambient::Micros(NOW.0 + 3_650 * DAY);
    let believed = Announcement::Clock(ClockNews::Believed { before });
    wait(run.trail.announce(believed)).expect("recorded");
    wait(run.trail.tell_of_clock()).expect("nothing to tell");
    run.write(1, 1).ok().expect("served");
    run.stop();
    let told = told(&world);
    assert_eq!(told, [serde_json::json!({"before": before.0, "step": "believed"})]);
    assert_eq!(entries(&world).last().expect("the stop")["t"], NOW.0);
}
