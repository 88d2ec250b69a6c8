//! What waits is bounded in number, in bytes and in time, on each way from the door to the mark.
//! Never a sleep: the integrating thread is held back at the disk, and the clock is set.
//! A bound is tried at its value and one above it.

use super::wait;
use super::world::{World, owned, permit, record};
use super::{hand_over, later};
use crate::limits::{
    CHANGE_BYTES_MAX, GROUP_BYTES_MAX, INTEGRATE_BYTES_MAX, PENDING_BYTES_MAX, PENDING_SHORT_COUNT,
    PENDING_TIME_MAX, SPENT_FRAMES_BYTES_MAX, UNMARKED_BYTES_MAX, VALUE_BYTES_MAX,
};
use crate::store::{Change, Key, Op, Version};
use crate::trail::integrate::{Batch, Handoff};
use crate::trail::journal::{FrameBuilder, Framed, Position};
use crate::trail::{Announcement, Refused, TrailError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::Duration;

fn change(bytes: usize) -> Change {
    let mut left = bytes;
    let mut ops = Vec::new();
    for day in 0.. {
        let key = Key::retention(day, record(1));
        let around = Change { ops: vec![Op::Delete(key.clone())], ..Change::default() };
        let around = around.size_bytes();
        if left == 0 {
            break;
        }
        let payload = VALUE_BYTES_MAX.min(left - around);
        left -= payload + around;
        // The last step must have room for its own key.
        ops.push(Op::Put(key, Version(1), vec![1; payload]));
        if left < around {
            break;
        }
    }
    Change { ops, expects: Vec::new() }
}

#[test]
fn bytes_in_line_at_the_bound_are_taken_and_one_more_operation_is_overloaded() {
    let world = World::new();
    let run = world.begin();
    run.disk.hold();
    let mut first = later(run.trail.announce(Announcement::Heartbeat));
    hand_over(&mut first);
    run.disk.wait_until_held();
    let one = change(CHANGE_BYTES_MAX).size_bytes();
    assert!(one > CHANGE_BYTES_MAX - 100);
    let fit = PENDING_BYTES_MAX / one;
    let mut line: Vec<_> = (0..fit)
        .map(|_| later(run.trail.commit(permit(owned(1)), change(CHANGE_BYTES_MAX))))
        .collect();
    line.iter_mut().for_each(hand_over);
    let over = wait(run.trail.commit(permit(owned(1)), change(CHANGE_BYTES_MAX)));
    assert!(matches!(over, Err(Refused::Trail(TrailError::Overloaded))));
    // What is small still finds its place.
    let mut small = later(run.trail.append(permit(owned(1))));
    hand_over(&mut small);
    run.disk.release();
    for call in line {
        assert!(wait(call).is_ok());
    }
    assert!(wait(small).is_ok());
    assert!(wait(first).is_ok());
    run.write(1, 9).ok().expect("there is room in line again");
    run.stop();
}

#[test]
fn whoever_would_wait_behind_a_line_that_stands_still_is_told_at_once() {
    let world = World::new();
    let run = world.begin();
    let at = |micros: u128| {
        let micros = u64::try_from(micros).expect("a short time");
        world.clock.monotonic.store(micros, Ordering::SeqCst);
    };
    run.disk.hold();
    let mut first = later(run.trail.announce(Announcement::Heartbeat));
    hand_over(&mut first);
    run.disk.wait_until_held();
    let mut line: Vec<_> =
        (1..PENDING_SHORT_COUNT).map(|_| later(run.trail.append(permit(owned(1))))).collect();
    line.iter_mut().for_each(hand_over);
    at(PENDING_TIME_MAX.as_micros() * 10);
    assert!(!run.trail.is_late(), "a short line is worked off by the next group");
    at(0);
    let mut last = later(run.trail.append(permit(owned(1))));
    hand_over(&mut last);
    at(PENDING_TIME_MAX.as_micros());
    assert!(!run.trail.is_late());
    at(PENDING_TIME_MAX.as_micros() + 1);
    assert!(run.trail.is_late());
    let over = wait(run.trail.append(permit(owned(1))));
    assert!(matches!(over, Err(Refused::Trail(TrailError::Overloaded))));
    run.disk.release();
    for call in line {
        assert!(wait(call).is_ok());
    }
    assert!(wait(last).is_ok());
    assert!(wait(first).is_ok());
    assert!(!run.trail.is_late());
    assert!(wait(run.trail.append(permit(owned(1)))).is_ok());
    run.stop();
}

#[test]
fn the_committer_waits_for_an_integrator_that_lags() {
    let world = World::new();
    let run = world.begin();
    run.disk.hold_looks();
    // Entries of forty kilobytes, many at once, so that few frames reach the bound.
    let said = || Announcement::Enrolled { actor: [7; 16], role: "x".repeat(40_000) };
    let kept = || -> usize { world.journal().entries.iter().map(|(entry, _)| entry.len()).sum() };
    let mut waiting = Vec::new();
    for _ in 0..INTEGRATE_BYTES_MAX / 40_000 / AT_ONCE + 10 {
        let calls = (0..AT_ONCE).map(|_| later(run.trail.announce(said())));
        waiting = unanswered(calls.collect());
        // What surrounds the entries in their frames counts too.
        if !waiting.is_empty() && kept() >= INTEGRATE_BYTES_MAX - GROUP_BYTES_MAX {
            break;
        }
        // A machine that was busy elsewhere.
        for call in std::mem::take(&mut waiting) {
            wait(call).expect("recorded");
        }
    }
    assert!(!waiting.is_empty(), "nobody waits for the integrator");
    let kept = kept();
    // The group that went over the bound, and the one behind it, which was journalled before it had to wait.
    assert!(kept <= INTEGRATE_BYTES_MAX + 2 * GROUP_BYTES_MAX, "it took {kept} bytes");
    run.disk.release_looks();
    for call in waiting {
        wait(call).expect("recorded once there is room");
    }
    run.stop();
    world.story();
}

const AT_ONCE: usize = 64;

/// The calls that get no answer. A committer that waits gives none however long one waits for it.
fn unanswered<T>(mut calls: Vec<super::Later<'_, T>>) -> Vec<super::Later<'_, T>> {
    calls.retain_mut(|call| {
        call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let mut left = Vec::new();
    let mut patience = Duration::from_secs(2);
    for mut call in calls {
        let answer = runtime.block_on(async { tokio::time::timeout(patience, &mut call).await });
        if answer.is_err() {
            // The line is kept in order: behind one without an answer there is none.
            patience = Duration::ZERO;
            left.push(call);
        }
    }
    left
}

fn batch(bytes: usize, journal_bytes: u64) -> Batch {
    Batch {
        first_index: 0,
        framed: Framed::default(),
        bytes,
        journal_bytes,
        position: Position::START,
    }
}

/// Whether one more batch passes, once the others are in.
fn passes(before: Batch) -> bool {
    let handoff = Arc::new(Handoff::default());
    handoff.push(before);
    let (sender, receiver) = mpsc::channel();
    let other = handoff.clone();
    let thread = std::thread::spawn(move || {
        other.push(batch(1, 1));
        let _passed = sender.send(());
    });
    let passed = receiver.recv_timeout(Duration::from_millis(300)).is_ok();
    handoff.close();
    thread.join().expect("a thread");
    passed
}

#[test]
fn memory_of_frames_is_filled_anew_and_kept_up_to_its_bound() {
    let handoff = Handoff::default();
    let of = |bytes| Framed { bytes: vec![0x5a; bytes], entries: Vec::with_capacity(8) };
    assert_eq!(handoff.spent().memory_bytes(), 0, "there was none yet");
    let (small, large) = (64 * 1024, SPENT_FRAMES_BYTES_MAX);
    handoff.integrated(0, [of(small), of(large), of(2 * small)].into_iter());
    let frame = FrameBuilder::within(handoff.spent());
    assert_eq!(frame.payload_bytes(), 0, "nothing is left of what was in it");
    assert!(
        handoff.spent().memory_bytes() < 2 * small,
        "the one before it; the largest is not kept"
    );
    assert_eq!(handoff.spent().memory_bytes(), 0);
    handoff.integrated(0, (0..1_000).map(|_| of(small)));
    let kept: Vec<Framed> =
        std::iter::from_fn(|| Some(handoff.spent()).filter(|frame| frame.memory_bytes() > 0))
            .collect();
    let bytes: usize = kept.iter().map(Framed::memory_bytes).sum();
    assert!(bytes <= SPENT_FRAMES_BYTES_MAX && bytes + 2 * small > SPENT_FRAMES_BYTES_MAX);
}

#[test]
fn a_batch_passes_at_the_bounds_and_waits_beyond_them() {
    assert!(passes(batch(INTEGRATE_BYTES_MAX, UNMARKED_BYTES_MAX)));
    assert!(!passes(batch(INTEGRATE_BYTES_MAX + 1, 0)));
    assert!(!passes(batch(0, UNMARKED_BYTES_MAX + 1)));
}
