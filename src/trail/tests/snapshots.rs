//! Snapshots: made of the journal alone, whole or not there, and enough to make a lost store again.
//! Never trusts a snapshot about itself: what it gives is held against the steps that were acknowledged.
//! The disk is broken at every call that the making of one takes.

use super::disk::{Break, Chance};
use super::wait;
use super::world::{Run, World, change_of, keyring, owned, permit, record};
use crate::limits::{SEGMENT_BYTES_MIN, VALUE_BYTES_MAX};
use crate::store::{Change, EngineKind, Key, Op, Stored, Version, open};
use crate::trail::journal::Position;
use crate::trail::recover::{Mark, read_mark, write_mark};
use crate::trail::{
    FileMedia, Rebuilding, Rebuilt, SnapshotError, SnapshotSettings, SnapshotStep, Snapshots,
    TrailFault, rebuild,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) type Rows = BTreeMap<Key, Stored>;

pub(super) fn settings(world: &World, kept: u32) -> SnapshotSettings {
    SnapshotSettings {
        directory: world.path("snapshots"),
        journal_directory: world.path("journal"),
        kept,
        journal_bytes: 1,
        bytes_per_second: u64::MAX,
    }
}

pub(super) fn keeper(world: &World, run: &Run, kept: u32) -> Snapshots {
    let media = Arc::new(super::disk::DiskMedia(world.disk.clone()));
    run.trail.snapshots(settings(world, kept), media).expect("a directory")
}

/// A trail over a store that knows of the log, and a mark that says so.
pub(super) fn begun(world: &World) -> Run {
    let run = world.begin();
    let last = run.announce_start().expect("recorded");
    wait(run.trail.covered(last.index())).expect("covered");
    run.stop();
    world.start().expect("a start")
}

/// Writes the same keys again and again until the segment changes, and waits until the log covers that.
pub(super) fn fill_a_segment(world: &World, run: &Run, round: u64) {
    let before = names(world, "journal", ".segment").len();
    let mut step = 0;
    while names(world, "journal", ".segment").len() == before {
        step += 1;
        let values = (0..12).map(|day| {
            let payload = vec![day as u8 ^ step as u8; VALUE_BYTES_MAX];
            Op::Put(Key::retention(100 + day, record(1)), Version(round * 100 + step), payload)
        });
        let change = Change { ops: values.collect(), expects: Vec::new() };
        wait(run.trail.commit(permit(owned(1)), change)).ok().expect("recorded").recorded();
        assert!(step < 40, "no segment changed");
    }
    let last = run.announce_start().expect("recorded");
    wait(run.trail.covered(last.index())).expect("covered");
}

/// Something to be found again, and something that was taken away.
pub(super) fn change_a_little(run: &Run, number: u8) {
    run.write(number, 1).ok().expect("recorded");
    run.write(number + 1, 1).ok().expect("recorded");
    let gone = Change { ops: vec![Op::Delete(Key::row(record(number)))], expects: Vec::new() };
    wait(run.trail.commit(permit(owned(number)), gone)).ok().expect("recorded").recorded();
}

pub(super) fn names(world: &World, directory: &str, ending: &str) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(world.path(directory)) else { return Vec::new() };
    let mut names: Vec<String> = files
        .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(ending))
        .collect();
    names.sort_unstable();
    names
}

fn snapshot(world: &World, segment: u64) -> PathBuf {
    world.path(&format!("snapshots/{segment:016x}.snapshot"))
}

pub(super) fn rows(reader: &crate::store::Reader) -> Rows {
    wait(reader.scan(&Key::from_bytes(&[]), None, usize::MAX))
        .expect("a store")
        .into_iter()
        .collect()
}

/// The store that snapshot and journal make, in memory.
pub(super) fn rebuilt(world: &World, from: Option<u64>) -> Result<(Rebuilt, Rows), TrailFault> {
    let (reader, applier) = open(&world.path("unused"), EngineKind::Memory, 0).expect("a store");
    let (settings, snapshots) = (world.settings(), world.path("snapshots"));
    let rebuilding = Rebuilding {
        settings: &settings,
        snapshots: &snapshots,
        from,
        keyring: &keyring(),
        media: Arc::new(FileMedia),
    };
    let done = rebuild(applier, &rebuilding)?;
    Ok((done, rows(&reader)))
}

/// A vault with so many closed segments, its last steps behind them, and what its store holds.
pub(super) fn worked(world: &World, segments: u64) -> (Snapshots, Rows) {
    let run = begun(world);
    let keeper = keeper(world, &run, 2);
    for round in 1..=segments {
        change_a_little(&run, u8::try_from(10 * round).expect("few"));
        fill_a_segment(world, &run, round);
    }
    change_a_little(&run, 200);
    (keeper, rows(&run.stop()))
}

#[test]
fn a_lost_store_is_made_again_from_snapshot_and_journal() {
    let world = World::on_sled();
    let run = begun(&world);
    let mut keeper = keeper(&world, &run, 2);
    assert_eq!(wait(keeper.step(&run.trail)).expect("looked"), SnapshotStep::Nothing);
    change_a_little(&run, 10);
    fill_a_segment(&world, &run, 1);
    let SnapshotStep::Made(index) = wait(keeper.step(&run.trail)).expect("made") else {
        panic!("none was made");
    };
    change_a_little(&run, 20);
    let before = rows(&run.stop());
    std::fs::remove_dir_all(world.path("store")).expect("removed");
    assert!(matches!(world.start(), Err(TrailFault::StoreBehind { store: 0, .. })));

    let (done, after) = rebuilt(&world, None).expect("made again");
    assert_eq!((done.snapshot, after), (index, before.clone()));
    assert!(done.rows > 0 && done.frames > 0 && done.entries > index);

    // As the command does it: beside the old one, and then a start that does the rest.
    std::fs::remove_dir_all(world.path("store")).expect("removed");
    let (_, applier) = open(&world.path("store"), EngineKind::Sled, 16 << 20).expect("a store");
    let (settings, snapshots) = (world.settings(), world.path("snapshots"));
    let media = Arc::new(FileMedia);
    let keyring = keyring();
    let keyring = &keyring;
    let from = None;
    let rebuilding =
        Rebuilding { settings: &settings, snapshots: &snapshots, from, keyring, media };
    rebuild(applier, &rebuilding).expect("made again");
    let run = world.start().expect("a start");
    assert_eq!(rows(&run.reader), before);
    run.stop();
}

#[test]
fn a_store_is_not_made_of_less_than_the_mark_knew_of() {
    let world = World::on_sled();
    let (_, before) = worked(&world, 1);
    let (journal, chain) = (world.path("journal"), keyring().chain());
    let mark = read_mark(&journal, &chain).expect("a mark");
    let further = Position { index: mark.position.index + 1_000, ..mark.position };
    write_mark(&journal, &chain, &Mark { position: further, ..mark }).expect("written");
    assert!(matches!(rebuilt(&world, None), Err(TrailFault::Behind { .. })));
    write_mark(&journal, &chain, &Mark { kept: Version(u64::MAX), ..mark }).expect("written");
    assert!(matches!(rebuilt(&world, None), Err(TrailFault::StoreBehind { .. })));
    // What is refused moves no mark.
    assert_eq!(read_mark(&journal, &chain).expect("a mark").kept, Version(u64::MAX));
    write_mark(&journal, &chain, &mark).expect("written");
    assert_eq!(rebuilt(&world, None).expect("made again").1, before);
}

#[test]
fn segments_below_the_oldest_snapshot_go_and_no_other() {
    let world = World::on_sled();
    let run = begun(&world);
    let mut keeper = keeper(&world, &run, 2);
    let mut made = Vec::new();
    for round in 1..=3 {
        fill_a_segment(&world, &run, round);
        let step = wait(keeper.step(&run.trail)).expect("made");
        assert!(matches!(step, SnapshotStep::Made(_)), "{step:?}");
        made.push(names(&world, "snapshots", ".snapshot"));
        let oldest = made.last().and_then(|names| names.first()).expect("one")[..16].to_owned();
        let first = names(&world, "journal", ".segment")[0][..16].to_owned();
        assert!(first <= oldest, "{first} is gone with what {oldest} needs");
    }
    assert_eq!(made[0].len(), 1);
    assert_eq!(made[2].len(), 2, "two are kept");
    assert_ne!(made[1], made[2]);
    let before = rows(&run.stop());
    // The mark stands at the end now, so everything before the oldest snapshot goes.
    keeper.tidy_now().expect("tidied");
    let oldest = made[2][0][..16].to_owned();
    assert_eq!(names(&world, "journal", ".segment")[0][..16], oldest);
    // A start needs nothing older, and the older snapshot is as good as the newer.
    let run = world.start().expect("a start");
    let after = rows(&run.stop());
    assert!(before.iter().filter(|(key, _)| key.record().is_some()).all(|(k, v)| after[k] == *v));
    let (_, newest) = rebuilt(&world, None).expect("made again");
    let older = u64::from_str_radix(&oldest, 16).expect("a number");
    let (_, from_older) = rebuilt(&world, Some(older)).expect("made again");
    assert_eq!(newest, from_older);
    assert_eq!(newest, after);
}

#[test]
fn what_says_no_mark_is_refused_once_the_beginning_is_gone() {
    let world = World::on_sled();
    let run = begun(&world);
    let mut keeper = keeper(&world, &run, 1);
    fill_a_segment(&world, &run, 1);
    wait(keeper.step(&run.trail)).expect("made");
    let before = rows(&run.stop());
    keeper.tidy_now().expect("tidied");
    assert_eq!(names(&world, "journal", ".segment")[0][..16], *"0000000000000001");
    std::fs::remove_file(world.path("journal/mark")).expect("removed");
    let refused = world.start().err().expect("refused");
    assert!(matches!(refused, TrailFault::Beginning { segment: 1 }), "{refused}");
    assert!(refused.is_of_the_store());
    assert_eq!(rebuilt(&world, None).expect("made again").1, before);
}

#[test]
fn a_step_that_fails_anywhere_leaves_what_was_there() {
    for how in [Break::Undone, Break::Done, Break::Torn, Break::PowerOff] {
        let world = World::on_sled();
        let (keeper, before) = worked(&world, 2);
        // The ones that are broken have one to begin with.
        let first = keeper.make_now().expect("made").expect("due");
        let mut chance = Chance(7);
        let mut number = 1;
        let (_, mut wanted) = rebuilt(&world, None).expect("made again");
        assert_eq!(wanted, before);
        loop {
            if let Some(now) = more_of_the_journal(&world) {
                wanted = now;
            }
            world.disk.break_at(number, how);
            let made = keeper.make_now();
            world.disk.repair();
            world.disk.lose_power(&mut chance);
            let calls = world.disk.calls().len();
            for name in names(&world, "snapshots", ".snapshot") {
                let segment = u64::from_str_radix(&name[..16], 16).expect("a number");
                keeper.judge(segment).expect("whole, or not there");
            }
            assert_eq!(rebuilt(&world, None).expect("made again").1, wanted, "{how:?} {number}");
            if let Ok(made) = made {
                assert!(made.is_some_and(|index| index > first), "{how:?} {number}");
                assert!(calls < number, "{calls} calls, and the one broken is {number}");
                break;
            }
            number += 1;
        }
        assert!(number > 8, "{how:?} {number}");
        assert!(names(&world, "snapshots", ".new").is_empty());
        assert!(names(&world, "snapshots", ".run").is_empty());
    }
}

/// Sees to it that a further segment is closed, if none is behind the newest snapshot; what the store then holds.
fn more_of_the_journal(world: &World) -> Option<Rows> {
    let number = |names: Vec<String>| names.last().map(|name| name[..16].to_owned());
    let newest = number(names(world, "snapshots", ".snapshot"));
    (newest == number(names(world, "journal", ".segment"))).then(|| {
        let run = world.start().expect("a start");
        fill_a_segment(world, &run, 50);
        rows(&run.stop())
    })
}

#[test]
fn a_full_disk_leaves_the_snapshots_that_were_there() {
    let world = World::on_sled();
    let (keeper, before) = worked(&world, 1);
    world.disk.refuse_segments(true);
    assert_eq!(keeper.make_now(), Err("Full".to_owned()));
    world.disk.refuse_segments(false);
    world.disk.leave(2 * SEGMENT_BYTES_MIN);
    assert_eq!(keeper.make_now(), Err("Full".to_owned()));
    assert!(names(&world, "snapshots", "").is_empty());
    world.disk.leave(u64::MAX / 2);
    keeper.make_now().expect("made").expect("due");
    assert_eq!(rebuilt(&world, None).expect("made again").1, before);
}

#[test]
fn a_vault_that_serves_goes_on_where_no_snapshot_can_be_made() {
    let world = World::on_sled();
    let run = begun(&world);
    let mut keeper = keeper(&world, &run, 2);
    fill_a_segment(&world, &run, 1);
    world.disk.refuse_segments(true);
    assert_eq!(wait(keeper.step(&run.trail)).expect("no fault"), SnapshotStep::Full);
    world.disk.refuse_segments(false);
    run.write(3, 1).ok().expect("recorded");
    assert!(matches!(wait(keeper.step(&run.trail)), Ok(SnapshotStep::Made(_))));
    run.stop();
}

#[test]
fn a_changed_byte_anywhere_in_a_snapshot_is_found() {
    let world = World::on_sled();
    let (keeper, _) = worked(&world, 1);
    keeper.make_now().expect("made").expect("due");
    let path = snapshot(&world, 1);
    let whole = std::fs::read(&path).expect("a snapshot");
    let ends = (0..700).chain(whole.len() - 300..whole.len());
    for place in ends.chain((700..whole.len()).step_by(whole.len() / 60)) {
        let mut changed = whole.clone();
        changed[place] ^= 0x10;
        std::fs::write(&path, &changed).expect("written");
        let found = keeper.judge(1);
        assert!(matches!(found, Err(TrailFault::Snapshot { .. })), "byte {place}");
    }
    for length in [0, 51, 300, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).expect("written");
        assert!(keeper.judge(1).is_err(), "cut to {length}");
    }
    std::fs::write(&path, [&whole[..], b"x"].concat()).expect("written");
    assert!(keeper.judge(1).is_err());
    let refused = rebuilt(&world, None).expect_err("refused").to_string();
    assert!(refused.contains("0000000000000001.snapshot"), "{refused}");
    std::fs::write(&path, &whole).expect("written");
    keeper.judge(1).expect("whole again");
}

#[test]
fn a_snapshot_under_another_name_or_of_another_log_is_refused() {
    let world = World::on_sled();
    let (keeper, _) = worked(&world, 1);
    keeper.make_now().expect("made").expect("due");
    std::fs::copy(snapshot(&world, 1), snapshot(&world, 2)).expect("copied");
    assert!(matches!(keeper.judge(2), Err(TrailFault::Snapshot { .. })));
    let other = World::on_sled();
    let run = begun(&other);
    run.announce_start().expect("recorded");
    let theirs = self::keeper(&other, &run, 2);
    fill_a_segment(&other, &run, 1);
    run.stop();
    std::fs::copy(snapshot(&world, 1), snapshot(&other, 1)).expect("copied");
    // The same keys and the same name, but other entries: the root differs.
    assert!(matches!(theirs.judge(1), Err(TrailFault::Snapshot { .. })));
}

#[test]
fn a_damaged_snapshot_is_set_aside_and_the_one_before_it_begins_the_next() {
    let world = World::on_sled();
    let run = begun(&world);
    let mut keeper = keeper(&world, &run, 3);
    for round in 1..=2 {
        fill_a_segment(&world, &run, round);
        assert!(matches!(wait(keeper.step(&run.trail)), Ok(SnapshotStep::Made(_))));
    }
    let newest = names(&world, "snapshots", ".snapshot").pop().expect("one");
    let path = world.path(&format!("snapshots/{newest}"));
    let mut bytes = std::fs::read(&path).expect("a snapshot");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    fill_a_segment(&world, &run, 3);
    let step: Result<_, SnapshotError> = wait(keeper.step(&run.trail));
    assert!(matches!(step, Ok(SnapshotStep::Made(_))), "{step:?}");
    assert_eq!(names(&world, "snapshots", ".damaged").len(), 1);
    assert_eq!(names(&world, "snapshots", ".snapshot").len(), 2);
    let before = rows(&run.stop());
    assert_eq!(rebuilt(&world, None).expect("made again").1, before);
}

#[test]
fn nothing_is_made_before_the_store_knows_of_the_log() {
    let world = World::on_sled();
    let run = world.begin();
    let keeper = keeper(&world, &run, 2);
    for step in 0..12u8 {
        let values = (0..12).map(|day| {
            let key = Key::retention(100 + day, record(step));
            Op::Put(key, Version(1), vec![step; VALUE_BYTES_MAX])
        });
        let mut change = change_of(step, 1);
        change.ops.extend(values);
        wait(run.trail.commit(permit(owned(step)), change)).ok().expect("recorded").recorded();
    }
    assert!(names(&world, "journal", ".segment").len() > 1);
    assert_eq!(keeper.make_now(), Ok(None));
    run.stop();
}
