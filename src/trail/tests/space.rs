//! A disk that fills up: what is refused, what goes on, and that everything goes on by itself once there is room.
//! Never a fault where nothing was written: nobody is promised anything that the disk has no room for.
//! The room is said by the test; what the reserve file takes or gives up changes it as on a real disk.

use super::disk::{Break, Call, DiskMedia};
use super::wait;
use super::world::{ORIGIN, Owned, Run, World, access, actor, owned, permit, record};
use crate::access::{Code, Origin, Standing, Written};
use crate::limits::{
    DISK_FLOOR_BYTES, DISK_FLOOR_FILES, DISK_FREE_BYTES_MIN, DISK_FREE_FILES_MIN,
    SEGMENT_BYTES_MIN, VALUE_BYTES_MAX,
};
use crate::store::{Change, Key, Op, Version};
use crate::trail::journal::{FileMedia, Media as _};
use crate::trail::{Announcement, Refused, Space, TrailError, Unrecorded};
use gridvault_audit::LogReader;
use std::sync::Arc;

fn standing() -> Standing {
    Standing {
        actor: actor(),
        version: 1,
        assignments: Arc::new([]),
        via: None,
        session: [3; 16],
        strength: 1,
    }
}

fn removal() -> crate::access::Permit<Owned> {
    access().permit_known(&standing(), Written::Delete, &Origin::default(), owned(1))
}

fn reading() -> crate::access::Permit<Owned> {
    access().permit_known(&standing(), Written::Read, &Origin::default(), owned(1))
}

fn is_full<T>(answer: Result<T, Refused<Owned>>) -> bool {
    matches!(answer, Err(Refused::Trail(TrailError::Full)))
}

/// Leaves so much, lets the trail see it, and says what it makes of it.
fn leave(run: &Run, bytes: u64) -> Space {
    run.disk.leave(bytes);
    run.disk.wait_for_looks();
    run.trail.space()
}

fn everything_is_taken(run: &Run, version: u64) {
    run.write(1, version).ok().expect("recorded");
}

#[test]
fn a_disk_that_is_nearly_full_stores_nothing_new_and_records_everything_else() {
    let world = World::new();
    let run = world.begin();
    everything_is_taken(&run, 1);
    assert_eq!(run.disk.reserve(), SEGMENT_BYTES_MIN);
    assert_eq!(leave(&run, DISK_FREE_BYTES_MIN), Space::Ample);
    everything_is_taken(&run, 2);
    assert_eq!(leave(&run, DISK_FREE_BYTES_MIN - 1), Space::Low);
    let before = run.look(1).seen;
    assert!(is_full(run.write(1, 3).map(drop)));
    assert_eq!(run.look(1).seen, before);
    assert!(wait(run.trail.append(reading())).is_ok(), "a read is recorded");
    let denied = access().refuse(Some(&standing()), Code::NotFound, &Origin::default());
    wait(run.trail.refuse(denied)).expect("a refusal is recorded");
    let change = Change { ops: vec![Op::Delete(Key::row(record(1)))], expects: vec![] };
    assert!(wait(run.trail.commit(removal(), change)).is_ok(), "a removal is recorded");
    wait(run.trail.announce(Announcement::Heartbeat)).expect("recorded");
    assert_eq!(leave(&run, DISK_FREE_BYTES_MIN), Space::Ample);
    everything_is_taken(&run, 4);
    let reader = run.stop();
    world.story().holds(&[], &reader);
}

#[test]
fn the_reserve_is_given_up_for_entries_and_filled_again_before_anything_new_is_stored() {
    let world = World::new();
    let run = world.begin();
    let pieces = SEGMENT_BYTES_MIN / DISK_FLOOR_BYTES;
    for piece in 1..=pieces {
        assert_eq!(leave(&run, 0), Space::Low);
        assert_eq!(run.disk.reserve(), SEGMENT_BYTES_MIN - piece * DISK_FLOOR_BYTES);
        assert!(wait(run.trail.append(reading())).is_ok(), "a read is recorded");
    }
    // All of it is gone, and nothing is left for an entry.
    assert_eq!(leave(&run, 0), Space::Spent);
    assert!(is_full(wait(run.trail.append(reading()))));
    let denied = access().refuse(Some(&standing()), Code::NotFound, &Origin::default());
    let refused = wait(run.trail.refuse(denied));
    assert!(matches!(refused, Err(Unrecorded::Trail(TrailError::Full))));
    assert!(run.trail.is_writable(), "it is no fault");
    // Room for entries, not for what is new: the reserve comes first.
    assert_eq!(leave(&run, DISK_FREE_BYTES_MIN), Space::Low);
    assert_eq!(run.disk.reserve(), 0);
    assert_eq!(leave(&run, DISK_FREE_BYTES_MIN + SEGMENT_BYTES_MIN), Space::Ample);
    assert_eq!(run.disk.reserve(), SEGMENT_BYTES_MIN);
    everything_is_taken(&run, 1);
    let reader = run.stop();
    world.story().holds(&[], &reader);
}

#[test]
fn a_vault_stops_in_order_on_a_full_disk_and_starts_again_there() {
    let world = World::new();
    let run = world.begin();
    everything_is_taken(&run, 1);
    while leave(&run, 0) != Space::Spent {}
    run.stop();
    // There was no room for it in the log.
    let (last, _) = world.journal().entries.pop().expect("entries");
    assert!(String::from_utf8(last).expect("an entry").contains("stop"));
    world.disk.leave(0);
    let run = world.start().expect("a start without hands");
    assert!(matches!(run.announce_start(), Err(TrailError::Full)));
    while leave(&run, u64::MAX / 2) != Space::Ample {}
    run.announce_start().expect("the vault goes on");
    everything_is_taken(&run, 2);
    run.stop();
}

#[test]
fn what_is_journalled_waits_for_room_in_the_log_and_is_no_fault() {
    let world = World::new();
    let run = world.begin();
    run.disk.hold_looks();
    // Recorded while the thread that integrates is held back, and then there is no room to integrate it.
    let recorded = wait(run.trail.announce(Announcement::Heartbeat)).expect("recorded");
    run.disk.leave_files(0);
    run.disk.release_looks();
    run.disk.wait_for_looks();
    assert_eq!(run.trail.space(), Space::Spent);
    let log = LogReader::open(&world.path("log"), ORIGIN).expect("a log");
    assert!(log.size().expect("a checkpoint") <= recorded.index(), "the log was written");
    assert!(run.trail.is_writable(), "it is no fault");
    run.disk.leave_files(u64::MAX);
    wait(run.trail.covered(recorded.index())).expect("covered");
    run.disk.leave_files(0);
    run.disk.wait_for_looks();
    run.stop();
    // The stop is in the journal, and the next start puts it into the log.
    world.disk.leave_files(u64::MAX);
    world.start().expect("a start").stop();
    world.story();
}

#[test]
fn a_start_on_a_full_disk_gives_up_all_that_is_kept_back() {
    let world = World::new();
    let run = world.begin();
    run.stop();
    let settings = world.settings();
    let media = Arc::new(DiskMedia(world.disk.clone()));
    world.disk.leave(SEGMENT_BYTES_MIN);
    settings.make_room(media.clone()).expect("looked");
    assert_eq!(world.disk.reserve(), SEGMENT_BYTES_MIN, "there is room");
    world.disk.leave(SEGMENT_BYTES_MIN - 1);
    settings.make_room(media).expect("looked");
    assert_eq!(world.disk.reserve(), 0);
    world.start().expect("a start without hands").stop();
    world.story();
}

#[test]
fn a_disk_without_files_left_stores_nothing_new() {
    let world = World::new();
    let run = world.begin();
    for (files, space) in [
        (DISK_FREE_FILES_MIN, Space::Ample),
        (DISK_FREE_FILES_MIN - 1, Space::Low),
        (DISK_FLOOR_FILES, Space::Low),
        (DISK_FLOOR_FILES - 1, Space::Spent),
        (DISK_FREE_FILES_MIN, Space::Ample),
    ] {
        run.disk.leave_files(files);
        run.disk.wait_for_looks();
        assert_eq!(run.trail.space(), space, "{files}");
    }
    run.stop();
}

/// A write of some megabytes, so that a segment is soon at its end.
fn fill(run: &Run, version: u64) -> Result<u64, Refused<Owned>> {
    let steps = 2 * 1024 * 1024 / VALUE_BYTES_MAX;
    let put = |at: usize| {
        let key = Key::retention(i32::try_from(at).expect("few"), record(1));
        Op::Put(key, Version(version), vec![1; VALUE_BYTES_MAX])
    };
    let change = Change { ops: (0..steps).map(put).collect(), expects: Vec::new() };
    wait(run.trail.commit(permit(owned(1)), change)).map(|receipt| receipt.recorded().index())
}

#[test]
fn a_segment_that_is_due_and_has_no_room_refuses_and_is_no_fault() {
    let world = World::new();
    let run = world.begin();
    run.disk.break_at(usize::MAX, Break::Undone);
    // Enough in every other way, so that it is the writer who finds out.
    run.disk.refuse_segments(true);
    let mut written = 0;
    let refused = loop {
        match fill(&run, written + 1) {
            Ok(_) => written += 1,
            Err(refused) => break refused,
        }
        assert!(written < 10, "never full");
    };
    assert!(is_full::<()>(Err(refused)));
    assert!(run.trail.is_writable(), "it is no fault");
    assert!(run.disk.calls().contains(&Call::Allocate));
    assert!(wait(run.trail.append(reading())).is_ok(), "an entry finds room in what is left");
    assert!(is_full(fill(&run, 99)));
    run.disk.refuse_segments(false);
    for more in 1..8 {
        fill(&run, 100 + more).ok().expect("recorded in the next segment");
    }
    let reader = run.stop();
    world.story().holds(&[], &reader);
}

#[test]
fn the_end_of_the_last_segment_is_kept_for_the_stop() {
    let world = World::new();
    let run = world.begin();
    run.disk.leave(DISK_FLOOR_BYTES);
    // Entries until there is no room for one more.
    let role = "x".repeat(40_000);
    let mut recorded = 0;
    let refused = loop {
        let said = Announcement::Enrolled { actor: [7; 16], role: role.clone() };
        match wait(run.trail.announce(said)) {
            Ok(_) => recorded += 1,
            Err(error) => break error,
        }
        assert!(recorded < 1_000, "never full");
    };
    assert!(matches!(refused, TrailError::Full));
    run.stop();
    let story = world.story();
    let (last, _) = story.entries.last().expect("entries");
    assert!(std::str::from_utf8(last).expect("an entry").contains("stop"));
}

#[test]
fn a_held_file_takes_its_blocks_and_gives_them_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("reserve");
    let blocks = || {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(&path).map_or(0, |file| file.blocks() * 512)
    };
    for bytes in [1 << 20, 3 << 20, 1 << 20, 0, 0] {
        FileMedia.hold(&path, bytes).expect("held");
        assert!((bytes..=bytes + 64 * 1024).contains(&blocks()), "{bytes}: {}", blocks());
    }
    assert!(!path.exists());
    let room = FileMedia.room(directory.path()).expect("a room");
    assert!(room.bytes > 0 && room.files > 0);
}
