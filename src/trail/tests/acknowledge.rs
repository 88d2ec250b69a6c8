//! Nothing is acknowledged that is not durable, whichever call of the disk fails, and nothing after it.
//! Never looks at the trail's own opinion: what is left on the disk is started again and read.
//! The disk is broken once at every call of a fixed piece of work, in every way.

use super::disk::{Break, Call, Chance};
use super::world::{Run, World, change_of, owned, permit};
use super::{hand_over, later, wait};
use crate::store::{Change, Key, Op, SystemKey};
use crate::trail::{Announcement, Applied, Refused, TrailError, TrailFault};
use std::sync::Arc;

/// Breaks the disk at its n-th call, lets the power fail, and starts again. Says whether there was an n-th call.
fn broken_at(number: usize, how: Break) -> bool {
    let world = World::new();
    world.disk.break_at(number, how);
    let (acknowledged, finished) = match world.start() {
        Err(_) => (Vec::new(), false),
        Ok(run) => {
            let (acknowledged, finished) = run.work();
            if !finished {
                stopped_for_good(&run, number);
            }
            let stopped = wait(run.trail.stop());
            assert!(finished || stopped.is_err());
            (acknowledged, finished)
        }
    };
    world.disk.repair();
    world.disk.lose_power(&mut Chance(number as u64));
    let run = world.start().expect("a start without hands");
    world.journal().holds_all_but_the_last(&acknowledged, &run.reader);
    run.announce_start().expect("the vault goes on");
    run.stop();
    world.story();
    !finished
}

/// The fault is told, every call is refused, and the disk is not touched again.
fn stopped_for_good(run: &Run, broken_call: usize) {
    let fault = wait(run.trail.fault());
    assert!(matches!(*fault, TrailFault::Journal(_)));
    assert!(!run.trail.is_writable());
    let refused = wait(run.trail.append(permit(owned(1))));
    assert!(matches!(refused, Err(Refused::Trail(TrailError::Unavailable))));
    let refused = wait(run.trail.announce(Announcement::Heartbeat));
    assert!(matches!(refused, Err(TrailError::Unavailable)));
    let later = run.disk.calls().split_off(broken_call);
    assert_eq!(later, [], "a failed disk was used again");
}

fn broken_at_every_call(how: Break) {
    let calls = (1..500).take_while(|number| broken_at(*number, how)).count();
    assert!((30..499).contains(&calls), "{calls} calls are not what the work makes");
}

#[test]
fn a_call_that_does_nothing_and_fails_makes_no_false_acknowledgement() {
    broken_at_every_call(Break::Undone);
}

#[test]
fn a_call_that_works_and_reports_an_error_makes_no_false_acknowledgement() {
    broken_at_every_call(Break::Done);
}

#[test]
fn a_write_that_is_torn_makes_no_false_acknowledgement() {
    broken_at_every_call(Break::Torn);
}

#[test]
fn a_power_failure_at_any_call_loses_nothing_that_was_acknowledged() {
    broken_at_every_call(Break::PowerOff);
}

/// ENOSPC, EIO, EROFS, EDQUOT on write and on sync: each is the end, though two of them are no fault where a new segment is due.
#[test]
fn whatever_error_the_disk_gives_for_a_frame_is_final() {
    for errno in
        [libc_numbers::ENOSPC, libc_numbers::EIO, libc_numbers::EROFS, libc_numbers::EDQUOT]
    {
        for broken in [Call::Write, Call::Sync] {
            let world = World::new();
            let run = world.begin();
            world.disk.break_at(usize::MAX, Break::Undone);
            run.announce_start().expect("a frame, to see which calls it takes");
            let place = world.disk.calls().iter().position(|call| *call == broken);
            world.disk.break_with(errno);
            world.disk.break_at(place.expect("such a call") + 1, Break::Undone);
            assert!(run.announce_start().is_err(), "{errno} at {broken:?}");
            stopped_for_good(&run, place.expect("such a call") + 1);
            assert!(wait(run.trail.stop()).is_err());
            world.disk.repair();
            world.start().expect("a start without hands").stop();
        }
    }
}

/// Numbers of Linux (asm-generic/errno.h).
mod libc_numbers {
    pub(super) const EIO: i32 = 5;
    pub(super) const ENOSPC: i32 = 28;
    pub(super) const EROFS: i32 = 30;
    pub(super) const EDQUOT: i32 = 122;
}

#[test]
fn a_receipt_exists_only_after_the_sync() {
    let world = World::new();
    let run = world.begin();
    run.disk.hold();
    let mut call = later(run.trail.append(permit(owned(1))));
    hand_over(&mut call);
    run.disk.wait_until_held();
    hand_over(&mut call);
    assert_eq!(world.journal().entries.len(), 5, "the entry is written and waits for its sync");
    run.disk.release();
    assert_eq!(wait(call).ok().map(|receipt| receipt.recorded().index()), Some(4));
    run.stop();
}

#[test]
fn a_change_is_seen_only_after_the_sync() {
    let world = World::new();
    let run = world.begin();
    run.write(1, 1).ok().expect("recorded");
    let before = run.look(1).seen;
    run.disk.hold();
    let mut call = later(run.trail.commit(permit(owned(1)), change_of(1, 2)));
    hand_over(&mut call);
    run.disk.wait_until_held();
    assert_eq!(run.look(1).seen, before);
    run.disk.release();
    assert!(wait(call).is_ok());
    assert_ne!(run.look(1).seen, before);
    run.stop();
}

#[test]
fn after_a_failed_sync_nobody_in_line_is_acknowledged() {
    let world = World::new();
    let run = world.begin();
    run.disk.break_at(6, Break::Undone); // Look, write and sync of the call before, then of the group.
    let calls = (0..20).map(|_| later(run.trail.append(permit(owned(1)))));
    for answer in run.in_one_group(calls.collect()) {
        assert!(matches!(answer, Err(Refused::Trail(TrailError::Unavailable))));
    }
    assert_eq!(run.disk.calls().last(), Some(&Call::Sync));
    assert!(wait(run.trail.stop()).is_err());
    assert_eq!(run.disk.calls().len(), 6);
}

struct Panicking;

impl Applied for Panicking {
    fn applied(&self, _: &[Op]) {
        panic!("a listener with a defect");
    }
}

#[test]
fn a_thread_that_ends_by_a_defect_leaves_nobody_waiting() {
    let world = World::new();
    let run = world.start_with(world.clock.clone(), vec![Arc::new(Panicking)]).expect("a trail");
    wait(run.trail.announce(Announcement::Init)).expect("changes nothing");
    let mut change = Change::default();
    change.put_new(Key::system(SystemKey::Policy), Vec::new());
    let answer = wait(run.trail.announce_change(Announcement::Init, change));
    assert!(matches!(answer, Err(TrailError::Unavailable)));
    assert!(matches!(*wait(run.trail.fault()), TrailFault::Thread));
    assert!(matches!(run.write(1, 2), Err(Refused::Trail(TrailError::Unavailable))));
    assert!(wait(run.trail.stop()).is_err());
}

#[test]
fn a_log_that_fails_stops_acknowledgements_too() {
    let world = World::new();
    let run = world.begin();
    std::fs::rename(world.path("log"), world.path("elsewhere")).expect("moved");
    // The integrator meets it with this entry or the next; the journal itself is whole.
    let _either = wait(run.trail.announce(Announcement::Heartbeat));
    let fault = wait(run.trail.fault());
    assert!(matches!(*fault, TrailFault::Log(_)), "{fault:?}");
    let answer = wait(run.trail.announce(Announcement::Heartbeat));
    assert!(matches!(answer, Err(TrailError::Unavailable)));
    assert!(wait(run.trail.stop()).is_err());
}
