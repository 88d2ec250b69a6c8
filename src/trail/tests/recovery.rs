//! The start: whatever store and log lack is made good from the journal, and what contradicts it is refused.
//! Never repairs by forgetting: where a start is refused, the files stay as they were.
//! The mark only saves time, so a wrong one must change nothing else.

use super::wait;
use super::world::{ORIGIN, Run, World, change_of, keyring, log_signer, owned, permit};
use crate::store::{EngineKind, Key, Op, Version, open};
use crate::trail::journal::{FileMedia, Position, Replayed};
use crate::trail::recover::{self, Mark};
use crate::trail::{Announcement, Refused, TrailError, TrailFault};
use gridvault_audit::Log;
use std::path::Path;

/// The vault after some work and an orderly stop, with the offset behind its last frame.
fn stopped(world: &World) -> usize {
    let run = world.begin();
    for step in 0..6u8 {
        run.write(step % 3, u64::from(step) + 1).ok().expect("recorded");
    }
    run.stop();
    let story = world.story();
    assert_eq!(story.entries.len(), 11);
    let bytes = std::fs::read(segment(world, 0)).expect("a segment");
    bytes.iter().rposition(|byte| *byte != 0).expect("frames") + 1
}

fn segment(world: &World, number: u64) -> std::path::PathBuf {
    world.path(&format!("journal/{number:016x}.segment"))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// What recovery found, the mark that it began at, and the store that it made.
type Recovered = (Replayed, Position, Vec<(Key, Vec<u8>)>);

/// Recovery alone, into an empty store.
fn recovered(world: &World) -> Result<Recovered, TrailFault> {
    let (reader, mut applier) =
        open(&world.path("unused"), EngineKind::Memory, 0).expect("a store");
    let (signer, chain) = (log_signer(), keyring().chain());
    let mut log = recover::open_log(&world.path("log"), &signer, false, Box::new(|| false))?;
    let journal = world.path("journal");
    let (replayed, mark) =
        recover::recover(&journal, &FileMedia, &chain, &mut applier, &mut log, &signer)?;
    let stored = wait(reader.scan(&Key::from_bytes(&[]), None, usize::MAX)).expect("a store");
    let stored = stored.into_iter().map(|(key, value)| (key, value.payload)).collect();
    Ok((replayed, mark, stored))
}

/// Entries of the journal and of the log, where the first are fewer.
fn journal_behind(world: &World) -> (u64, u64) {
    match world.start() {
        Err(TrailFault::JournalBehind { journal, log }) => (journal, log),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it started"),
    }
}

#[test]
fn recovery_twice_gives_the_same_store_and_log() {
    let world = World::new();
    stopped(&world);
    std::fs::remove_file(world.path("journal/mark")).expect("removed");
    let log = || std::fs::read(world.path("log/checkpoint")).expect("a checkpoint");
    let before = log();
    let (first, _, stored) = recovered(&world).expect("recovered");
    assert_eq!((first.frames, first.end.index), (11, 11));
    let (second, _, again) = recovered(&world).expect("recovered");
    assert_eq!((first.end, stored), (second.end, again));
    assert_eq!(before, log());
    world.story();
}

#[test]
fn replay_over_a_newer_store_leaves_it_as_it_was() {
    let world = World::on_sled();
    stopped(&world);
    std::fs::remove_file(world.path("journal/mark")).expect("removed");
    let run = world.start().expect("a start");
    world.journal().holds(&[], &run.reader);
    run.stop();
}

#[test]
fn a_store_and_a_log_that_lag_behind_are_caught_up() {
    let world = World::new();
    let run = world.begin();
    run.stop();
    copy(&world.path("log"), &world.path("older"));
    let run = world.start().expect("a start");
    run.announce_start().expect("recorded");
    for step in 0..3u8 {
        run.write(step, 1).ok().expect("recorded");
    }
    run.stop();
    std::fs::remove_dir_all(world.path("log")).expect("removed");
    std::fs::rename(world.path("older"), world.path("log")).expect("put back");
    // This start finds an empty store besides, and no mark.
    let run = world.start().expect("a start");
    let story = world.story();
    assert_eq!(story.entries.len(), 10);
    story.holds(&[], &run.reader);
    run.stop();
}

#[test]
fn a_start_from_the_mark_replays_only_what_is_behind_it() {
    let world = World::on_sled();
    stopped(&world);
    let (replayed, mark, stored) = recovered(&world).expect("recovered");
    assert_eq!((replayed.frames, mark.index, stored.len()), (0, 11, 0));
    let run = world.start().expect("a start");
    world.journal().holds(&[], &run.reader);
    run.announce_start().expect("recorded");
    run.stop();
    world.story();
}

#[test]
fn a_mark_that_was_edited_is_not_believed() {
    let world = World::new();
    stopped(&world);
    let whole = std::fs::read(world.path("journal/mark")).expect("a mark");
    assert_eq!(recovered(&world).expect("recovered").0.frames, 0);
    let mut marks: Vec<Vec<u8>> = (0..whole.len())
        .map(|at| {
            let mut edited = whole.clone();
            edited[at] ^= 0x04;
            edited
        })
        .collect();
    marks.extend((0..whole.len()).step_by(7).map(|length| whole[..length].to_vec()));
    marks.push([whole.as_slice(), &[0]].concat());
    for mark in marks {
        std::fs::write(world.path("journal/mark"), mark).expect("written");
        let (replayed, from, _) = recovered(&world).expect("recovered");
        assert_eq!((replayed.frames, from), (11, Position::START));
    }
}

#[test]
fn a_mark_of_another_vault_is_not_believed() {
    let world = World::new();
    stopped(&world);
    let directory = tempfile::tempdir().expect("a directory");
    let root = gridvault_keys::RootKey::generate().expect("a root key");
    let month = gridvault_keys::Month::from_year_month(2026, 1).expect("a month");
    let path = directory.path().join("keyring");
    let other = gridvault_keys::Keyring::create(&path, &root, month).expect("a keyring");
    let (replayed, _, _) = recovered(&world).expect("recovered");
    let mark = Mark { position: replayed.end, kept: Version::ABSENT };
    recover::write_mark(&world.path("journal"), &other.chain(), &mark).expect("written");
    let (replayed, from, _) = recovered(&world).expect("recovered");
    assert_eq!((replayed.frames, from), (11, Position::START));
}

#[test]
fn a_log_behind_the_mark_is_refused() {
    let world = World::on_sled();
    stopped(&world);
    std::fs::remove_dir_all(world.path("log")).expect("removed");
    drop(Log::create(&world.path("log"), ORIGIN).expect("an empty log"));
    let fault = world.start().err().expect("refused");
    let TrailFault::Behind { who, size, seen } = &fault else { panic!("{fault}") };
    assert_eq!((who.as_str(), *size, *seen), ("the mark of the journal", 0, 11));
}

#[test]
fn a_log_ahead_of_the_journal_is_refused_and_the_damaged_frame_is_left_for_inspection() {
    for with_mark in [false, true] {
        let world = World::new();
        let end = stopped(&world);
        let mut bytes = std::fs::read(segment(&world, 0)).expect("a segment");
        // In the last frame, which alone could pass for torn.
        bytes[end - 40] ^= 0x20;
        std::fs::write(segment(&world, 0), &bytes).expect("written");
        if with_mark {
            // The mark of a moment before: the last two frames are behind it.
            let before = recovered_before_the_last(&world);
            let mark = Mark { position: before, kept: Version::ABSENT };
            recover::write_mark(&world.path("journal"), &keyring().chain(), &mark)
                .expect("written");
            assert!(matches!(recovered(&world), Err(TrailFault::JournalBehind { .. })));
        }
        assert_eq!(journal_behind(&world), (10, 11));
        assert_eq!(journal_behind(&world), (10, 11));
        assert_eq!(std::fs::read(segment(&world, 0)).expect("a segment"), bytes);
    }
}

fn recovered_before_the_last(world: &World) -> Position {
    let chain = keyring().chain();
    crate::trail::journal::replay(&world.path("journal"), &chain, Position::START, |_| Ok(()))
        .expect("a journal with a damaged end")
        .end
}

#[test]
fn a_journal_that_vanished_under_its_log_is_refused() {
    let world = World::new();
    stopped(&world);
    std::fs::remove_dir_all(world.path("journal")).expect("removed");
    assert_eq!(journal_behind(&world), (0, 11));
}

#[test]
fn a_last_segment_that_vanished_is_refused_once_its_entries_are_published() {
    let world = World::new();
    fill_a_segment(&world.begin());
    assert!(segment(&world, 1).exists());
    std::fs::remove_file(segment(&world, 1)).expect("removed");
    let (journal, log) = journal_behind(&world);
    assert!(0 < journal && journal < log, "{journal} of {log}");
}

/// Writes until the segment changes, and stops.
fn fill_a_segment(run: &Run) {
    for step in 0..12u8 {
        let mut change = change_of(step, 1);
        for op in &mut change.ops {
            let Op::Put(_, _, payload) = op else { continue };
            payload.resize(crate::limits::VALUE_BYTES_MAX, step);
        }
        let values = (0..12).map(|day| {
            let key = Key::retention(100 + day, super::world::record(step));
            Op::Put(key, crate::store::Version(1), vec![step; crate::limits::VALUE_BYTES_MAX])
        });
        change.ops.extend(values);
        wait(run.trail.commit(permit(owned(step)), change)).ok().expect("recorded").recorded();
    }
    wait(run.trail.stop()).expect("stopped");
}

#[test]
fn a_store_is_made_again_over_a_change_of_segments() {
    let world = World::new();
    fill_a_segment(&world.begin());
    assert!(segment(&world, 1).exists() && !segment(&world, 2).exists());
    let run = world.start().expect("a start");
    world.story().holds(&[], &run.reader);
    run.stop();
}

#[test]
fn a_second_trail_over_the_same_log_does_not_start() {
    let world = World::new();
    let run = world.begin();
    let before = world.journal();
    assert!(matches!(world.start(), Err(TrailFault::Log(_))));
    assert_eq!(world.journal(), before);
    wait(run.trail.announce(Announcement::Heartbeat)).expect("the first goes on");
    run.stop();
}

#[test]
fn a_journal_segment_that_was_replaced_under_a_running_vault_stops_it() {
    let world = World::new();
    let run = world.begin();
    std::fs::copy(segment(&world, 0), world.path("copy")).expect("copied");
    std::fs::rename(world.path("copy"), segment(&world, 0)).expect("replaced");
    assert!(matches!(run.write(1, 1), Err(Refused::Trail(TrailError::Unavailable))));
    assert!(matches!(*wait(run.trail.fault()), TrailFault::Replaced));
    assert!(wait(run.trail.stop()).is_err());
    world.start().expect("what was acknowledged is all there").stop();
}
