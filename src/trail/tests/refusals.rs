//! Refusals in the log: each has an entry up to the budget, and none is forgotten beyond it.
//! Never lets a refused caller decide what is written by going away.
//! A lock-out is written once.

use super::world::{Run, World, access, actor};
use super::{hand_over, later, wait};
use crate::access::{Code, Denied, Origin, Standing};
use crate::limits::{ACTOR_REFUSALS_HOUR_MAX, STRANGER_REFUSALS_MINUTE_MAX};
use crate::trail::{Recorded, TrailError, Unrecorded};
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn stranger(address: &str) -> Denied {
    let origin = Origin { address: Some(address.into()), ..Origin::default() };
    access().refuse(None, Code::TokenInvalid, &origin)
}

fn known() -> Denied {
    let standing = Standing {
        actor: actor(),
        version: 1,
        assignments: Arc::new([]),
        via: None,
        session: [3; 16],
        strength: 1,
    };
    access().refuse(Some(&standing), Code::NotFound, &Origin::default())
}

fn refuse_in_one_group(run: &Run, count: u32) -> Vec<Result<Recorded, Unrecorded>> {
    run.in_one_group((0..count).map(|_| later(run.trail.refuse(known()))).collect())
}

/// The entries behind the first four, as family, action and one member more.
fn told(world: &World, member: &str) -> Vec<(String, String, serde_json::Value)> {
    world.story().entries[4..]
        .iter()
        .map(|(entry, ops)| {
            assert!(ops.is_empty());
            let entry: serde_json::Value = serde_json::from_slice(entry).expect("an entry");
            let word = |name: &str| entry[name].as_str().expect("a word").to_owned();
            (word("ev"), word("act"), entry[member].clone())
        })
        .collect()
}

#[test]
fn a_denied_call_is_logged_with_its_reason() {
    let world = World::new();
    let run = world.begin();
    wait(run.trail.refuse(known())).expect("recorded");
    wait(run.trail.refuse(stranger("192.0.2.1"))).expect("recorded");
    run.stop();
    let told = told(&world, "why");
    assert_eq!(told[0], ("access".into(), "denied".into(), "not_found".into()));
    assert_eq!(told[1], ("auth".into(), "failed".into(), "token_invalid".into()));
    for (entry, _) in &world.story().entries {
        assert!(!std::str::from_utf8(entry).expect("an entry").contains("192.0.2.1"));
    }
}

#[test]
fn refusals_beyond_the_budget_are_counted_and_summarised_once() {
    let world = World::new();
    let run = world.begin();
    for _ in 0..STRANGER_REFUSALS_MINUTE_MAX {
        wait(run.trail.refuse(stranger("192.0.2.1"))).expect("recorded");
    }
    for _ in 0..7 {
        let answer = wait(run.trail.refuse(stranger("192.0.2.1")));
        assert!(matches!(answer, Err(Unrecorded::Counted)));
    }
    wait(run.trail.summarise_refusals()).expect("recorded");
    wait(run.trail.summarise_refusals()).expect("nothing to say");
    run.stop();
    let told = told(&world, "x");
    assert_eq!(told.len(), STRANGER_REFUSALS_MINUTE_MAX as usize + 2);
    let summaries: Vec<_> = told.iter().filter(|(_, act, _)| act == "summary").collect();
    assert_eq!(summaries.len(), 1);
    assert_eq!(summaries[0].2["refusals"], 7);
}

#[test]
fn what_was_only_counted_is_said_before_the_vault_stops() {
    let world = World::new();
    let run = world.begin();
    for _ in 0..STRANGER_REFUSALS_MINUTE_MAX + 3 {
        let _recorded_or_counted = wait(run.trail.refuse(stranger("192.0.2.1")));
    }
    run.stop();
    let told = told(&world, "x");
    let [.., (_, summary, said), (_, stop, _)] = told.as_slice() else { panic!("entries") };
    assert_eq!((summary.as_str(), stop.as_str()), ("summary", "stop"));
    assert_eq!(said["refusals"], 3);
}

#[test]
fn an_actor_over_its_budget_is_locked_out_with_one_entry() {
    let world = World::new();
    let run = world.begin();
    let before = refuse_in_one_group(&run, ACTOR_REFUSALS_HOUR_MAX - 1);
    assert!(before.iter().all(Result::is_ok));
    assert!(!run.trail.is_locked_out(actor()));
    wait(run.trail.refuse(known())).expect("recorded");
    assert!(run.trail.is_locked_out(actor()));
    for _ in 0..5 {
        assert!(matches!(wait(run.trail.refuse(known())), Err(Unrecorded::Counted)));
    }
    assert!(run.trail.is_locked_out(actor()));
    world.clock.now.fetch_add(3_600_000_000, Ordering::SeqCst);
    assert!(!run.trail.is_locked_out(actor()));
    wait(run.trail.refuse(known())).expect("the next hour has its own budget");
    run.stop();
    let told = told(&world, "x");
    let locked: Vec<_> = told.iter().filter(|(_, act, _)| act == "limited").collect();
    assert_eq!(locked.len(), 1);
    assert_eq!(locked[0].2["actor"], actor().to_string());
    let summary = told.iter().find(|(_, act, _)| act == "summary").expect("a summary");
    assert_eq!(summary.2["refusals"], 7, "five refusals and two looks at a locked-out actor");
}

#[test]
fn a_lock_out_is_written_also_when_its_caller_goes_away() {
    let world = World::new();
    let run = world.begin();
    refuse_in_one_group(&run, ACTOR_REFUSALS_HOUR_MAX - 1).into_iter().for_each(|answer| {
        answer.expect("recorded");
    });
    run.disk.hold();
    let mut last = later(run.trail.refuse(known()));
    hand_over(&mut last);
    run.disk.wait_until_held();
    drop(last);
    run.disk.release();
    run.stop();
    let told = told(&world, "x");
    assert_eq!(told.iter().filter(|(_, act, _)| act == "limited").count(), 1);
}

#[test]
fn a_refusal_that_cannot_be_recorded_is_counted() {
    let world = World::new();
    let run = world.begin();
    let now = world.clock.now.swap(0, Ordering::SeqCst);
    // There is no key for the context of that month.
    let answer = wait(run.trail.refuse(stranger("192.0.2.1")));
    assert!(matches!(answer, Err(Unrecorded::Trail(TrailError::Context))));
    world.clock.now.store(now, Ordering::SeqCst);
    run.stop();
    let told = told(&world, "x");
    assert_eq!(told[0].1, "summary");
    assert_eq!(told[0].2["refusals"], 1);
}
