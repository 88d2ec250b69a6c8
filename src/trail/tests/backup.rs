//! The bulk part: whole while the vault serves, found out where it was changed, and enough for a vault under another log.
//! Never the keys: those of these tests are in memory, as a key part gives them.
//! What is restored is held against the store that was there.

use super::snapshots::{Rows, begun, change_a_little, fill_a_segment, keeper, rows, worked};
use super::wait;
use super::world::{ORIGIN, Owned, World, actor, keyring, owned, permit, record};
use crate::limits::SEGMENT_BYTES_MIN;
use crate::records::{RecordId, SubjectId};
use crate::store::{Change, EngineKind, Key, Op, Stored, SystemKey, Version, open, term_value};
use crate::territory::CellId;
use crate::trail::journal::{
    FrameBuilder, Framed, Position, SEGMENT_HEADER_BYTES, Writer, read_open, replay, segment_path,
};
use crate::trail::{
    Announcement, BackupError, BulkAt, BulkJudged, BulkSource, FileMedia, KeyNews, LedgerAge,
    LedgerBehind, Rebuilding, Restoration, Restored, Restoring, Settings, SnapshotStep, TrailFault,
    bulk_size, create_bulk, rebuild, restore, wrapped_anew,
};
use gridvault_keys::{IndexTerm, Keyring, WrappedUnder};
use std::collections::BTreeMap;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const OTHER: &str = "vault.example/restored";

type Anew = BTreeMap<[u8; 16], Vec<u8>>;

pub(super) fn log_key() -> String {
    log_key_of(&keyring())
}

pub(super) fn log_key_of(keyring: &Keyring) -> String {
    gridvault_audit::verifier_key(ORIGIN, &keyring.log_signer().public_key())
}

pub(super) fn with_source<T>(world: &World, use_it: impl FnOnce(&BulkSource<'_>) -> T) -> T {
    let [config, journal, log, snapshots] =
        ["config", "journal", "log", "snapshots"].map(|name| world.path(name));
    std::fs::write(&config, "origin = \"vault.example/trail-tests\"\n").expect("written");
    use_it(&BulkSource {
        origin: ORIGIN,
        config: &config,
        log: &log,
        journal: &journal,
        snapshots: &snapshots,
    })
}

pub(super) fn bulk(world: &World) -> Result<PathBuf, BackupError> {
    let out = world.path("bulk");
    with_source(world, |source| create_bulk(source, &out, None)).map(|_| out)
}

pub(super) fn verify_bulk(bulk: &Path, log_key: &str) -> Result<BulkJudged, BackupError> {
    crate::trail::verify_bulk(&BulkAt::beside(bulk), log_key)
}

fn restored_settings(world: &World) -> Settings {
    Settings {
        journal_directory: world.path("new/journal"),
        log_directory: world.path("new/log"),
        origin: OTHER.into(),
        segment_bytes: SEGMENT_BYTES_MIN,
        written_directories: Vec::new(),
    }
}

pub(super) fn restored(world: &World, bulk: &Path) -> Result<(Restored, Rows), BackupError> {
    restored_with(world, bulk, &Anew::new())
}

fn restored_with(world: &World, bulk: &Path, anew: &Anew) -> Result<(Restored, Rows), BackupError> {
    let _none_yet = std::fs::remove_dir_all(world.path("new"));
    std::fs::create_dir(world.path("new")).expect("made");
    let (settings, snapshots) = (restored_settings(world), world.path("new/snapshots"));
    let (keyring, log_key) = (&*world.keyring, log_key_of(&world.keyring));
    let done = restore(&Restoring {
        bulk: BulkAt::beside(bulk),
        log_key: &log_key,
        keyring,
        anew,
        settings: &settings,
        snapshots: &snapshots,
        log_before: &world.path("new/log-before"),
        media: Arc::new(FileMedia),
    })?;
    let (reader, applier) =
        open(&world.path("new/unused"), EngineKind::Memory, 0).expect("a store");
    let rebuilding = Rebuilding {
        settings: &settings,
        snapshots: &snapshots,
        from: Some(done.snapshot),
        keyring,
        media: Arc::new(FileMedia),
    };
    rebuild(applier, &rebuilding)?;
    Ok((done, rows(&reader)))
}

/// What a store is under another log.
pub(super) fn under_another_log(before: &Rows) -> Rows {
    let anew = |(key, stored): (&Key, &Stored)| {
        let payload = if key.is_policy() { Vec::new() } else { stored.payload.clone() };
        let stored = Stored { version: stored.version, index: 0, payload };
        Some((key.under_another_log()?, stored))
    };
    before.iter().filter_map(anew).collect()
}

#[test]
fn a_bulk_part_made_beside_a_writer_verifies_and_restores() {
    let world = World::on_sled();
    let run = begun(&world);
    let mut keeper = keeper(&world, &run, 2);
    change_a_little(&run, 10);
    fill_a_segment(&world, &run, 1);
    assert!(matches!(wait(keeper.step(&run.trail)), Ok(SnapshotStep::Made(_))));
    change_a_little(&run, 20);
    let last = run.announce_start().expect("recorded");
    wait(run.trail.covered(last.index())).expect("covered");
    let before = rows(&run.reader);
    let bulk = bulk(&world).expect("a bulk part");
    // What happens behind it is not in it.
    change_a_little(&run, 30);
    run.stop();
    let judged = verify_bulk(&bulk, &log_key()).expect("whole");
    assert_eq!((judged.origin.as_str(), judged.is_told), (ORIGIN, true));
    assert!(judged.snapshot > 0 && judged.size > judged.snapshot);
    let (done, after) = restored(&world, &bulk).expect("restored");
    assert_eq!((done.origin.as_str(), done.size), (ORIGIN, judged.size));
    assert_eq!(after, under_another_log(&before));
    assert_eq!(done.rows, after.len() as u64);
    assert!(after.keys().all(|key| *key != Key::system(SystemKey::Checkpoint)));
}

#[test]
fn a_segment_that_is_written_to_between_two_pieces_is_copied_without_a_hole() {
    let [from, to] = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    let (chain, media) = (keyring().chain(), Arc::new(FileMedia));
    let writer =
        Writer::open(from.path(), media, keyring().chain(), SEGMENT_BYTES_MIN, Position::START);
    let mut writer = writer.expect("a new journal");
    let mut append = || {
        let mut frame = FrameBuilder::within(Framed::default());
        frame
            .entry(|out| {
                out.resize(out.len() + 300 * 1024, 0x5a);
                Ok::<_, TrailFault>(())
            })
            .expect("an entry");
        frame.steps(&[]);
        drop(writer.append(frame).expect("written"));
    };
    append();
    let segment = std::fs::File::open(segment_path(from.path(), 0)).expect("a segment");
    let copy = read_open(SEGMENT_BYTES_MIN, |piece, offset| {
        // Several whole frames, and together less than a piece: read forwards, they would come to lie behind zeros.
        (0..3).for_each(|_| append());
        segment.read_exact_at(piece, offset)
    });
    std::fs::write(segment_path(to.path(), 0), copy.expect("read")).expect("written");
    let mut frames = 0;
    let replayed = replay(to.path(), &chain, Position::START, |_| {
        frames += 1;
        Ok(())
    });
    assert!(replayed.is_ok() && frames > 1, "{:?} after {frames}", replayed.err());
}

#[test]
fn no_bulk_part_is_made_of_a_journal_that_a_start_would_refuse() {
    let world = World::on_sled();
    let run = begun(&world);
    change_a_little(&run, 10);
    run.stop();
    let path = segment_path(&world.path("journal"), 0);
    let mut bytes = std::fs::read(&path).expect("a segment");
    bytes[usize::try_from(SEGMENT_HEADER_BYTES).expect("small")] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    assert!(matches!(bulk(&world), Err(BackupError::NoFrame { .. })));
}

#[test]
fn a_vault_without_a_snapshot_is_backed_up_by_its_whole_journal() {
    let world = World::on_sled();
    let run = world.begin();
    change_a_little(&run, 10);
    let before = rows(&run.stop());
    let bulk = bulk(&world).expect("a bulk part");
    let judged = verify_bulk(&bulk, &log_key()).expect("whole");
    assert_eq!((judged.snapshot, judged.is_told), (0, false));
    let (_, after) = restored(&world, &bulk).expect("restored");
    assert_eq!(after, under_another_log(&before));
}

#[test]
fn a_restored_vault_begins_another_log_and_needs_its_snapshot_from_then_on() {
    let world = World::on_sled();
    let (snapshots, _) = worked(&world, 1);
    snapshots.make_now().expect("made").expect("due");
    let bulk = bulk(&world).expect("a bulk part");
    let (done, after) = restored(&world, &bulk).expect("restored");
    let (reader, applier) =
        open(&world.path("new/store"), EngineKind::Sled, 16 << 20).expect("a store");
    let (settings, directory) = (restored_settings(&world), world.path("new/snapshots"));
    let (keyring, media) = (keyring(), Arc::new(FileMedia));
    let from = Some(done.snapshot);
    let rebuilding = Rebuilding {
        settings: &settings,
        snapshots: &directory,
        from,
        keyring: &keyring,
        media: media.clone(),
    };
    rebuild(applier, &rebuilding).expect("made");
    drop(reader);
    let start = || {
        let (reader, applier) =
            open(&world.path("new/store"), EngineKind::Sled, 16 << 20).expect("a store");
        let around = crate::trail::Surroundings {
            keyring: keyring.clone(),
            clock: world.clock.clone(),
            random: Arc::new(crate::ambient::HostRandom::new()),
            media: media.clone(),
        };
        let settings = restored_settings(&world);
        crate::trail::Trail::start(applier, settings, around, Vec::new())
            .map(|trail| (reader, trail))
    };
    let (reader, trail) = start().expect("a start");
    assert_eq!(rows(&reader), after);
    let said = Announcement::Restored(Box::new(Restoration {
        origin: done.origin,
        size: done.size,
        root: done.root,
        entries: done.entries,
        rows: done.rows,
        left_out: done.left_out,
        signed: true,
        persons: [*actor().as_bytes(); 2],
        told: Some(3),
        age: LedgerAge { lacks: 2, behind: LedgerBehind::Entries(7) },
    }));
    let recorded = wait(trail.announce(said)).expect("recorded");
    assert_eq!(recorded.index(), 0);
    wait(trail.covered(0)).expect("covered");
    wait(trail.stop()).expect("stopped");
    drop((reader, trail));
    let key = gridvault_audit::verifier_key(OTHER, &keyring.log_signer().public_key());
    let key = gridvault_audit::verify::VerifierKey::parse(&key).expect("a key");
    let log = world.path("new/log");
    gridvault_audit::verify::verify_directory(&log, &key, None).expect("the new log holds");
    let log = gridvault_audit::LogReader::open(&log, OTHER).expect("a log");
    let first = String::from_utf8(log.entry(0).expect("an entry")).expect("JSON");
    assert!(first.contains("\"act\":\"restore\"") && first.contains(ORIGIN), "{first}");
    let ages = "\"ledger\":3,\"ledger_behind\":7,\"ledger_lacks\":2";
    assert!(first.contains(ages), "{first}");
    // A store that is lost is not taken for one that is young, whether there is a mark or not.
    std::fs::remove_dir_all(world.path("new/store")).expect("removed");
    assert!(start().is_err());
    std::fs::remove_file(world.path("new/journal/mark")).expect("removed");
    assert!(start().is_err());
}

/// Wrapped keys of two who share a bucket.
fn neighbours(keyring: &Keyring) -> [(SubjectId, Vec<u8>); 2] {
    let mut found = BTreeMap::new();
    for number in 0_u32.. {
        let mut id = [7; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let (_, wrapped) = keyring.wrap_new_subject_key(&id).expect("wrapped");
        let bucket = WrappedUnder::of(&wrapped).expect("own bytes").bucket;
        let one = (SubjectId::from_bytes(id), wrapped);
        if let Some(other) = found.insert(bucket, one.clone()) {
            return [other, one];
        }
    }
    unreachable!("there are more numbers than buckets")
}

fn opens(keyring: &Keyring, (subject, wrapped): &(SubjectId, Vec<u8>)) -> bool {
    keyring.unwrap_subject_key(subject.as_bytes(), wrapped).is_ok()
}

#[test]
fn an_older_bulk_part_and_a_newer_key_part_open_who_stayed_and_nobody_who_was_erased() {
    let world = World::with_own_keys();
    let keyring = &*world.keyring;
    let [erased, stays] = neighbours(keyring);
    let run = begun(&world);
    let put = |(subject, wrapped): &(SubjectId, Vec<u8>), version| {
        Op::Put(Key::subject_key(*subject), Version(version), wrapped.clone())
    };
    let told = |ops: Vec<Op>| {
        let change = Change { ops, expects: Vec::new() };
        let told = Announcement::KeysRewrapped { keys: 1 };
        wait(run.trail.announce_keys(told, change)).expect("recorded").expect("taken")
    };
    let last = told(vec![put(&erased, 1), put(&stays, 1)]);
    wait(run.trail.covered(last.index())).expect("covered");
    let bulk = bulk(&world).expect("a bulk part");

    // What an erasure does: the row goes, it waits for its keys, who stays is wrapped anew, the former key is destroyed.
    let gone = Change { ops: vec![Op::Delete(Key::subject_key(erased.0))], expects: Vec::new() };
    let owner = Owned { subjects: vec![erased.0], ..owned(1) };
    wait(run.trail.commit(permit(owner), gone)).ok().expect("recorded").recorded();
    told(vec![Op::Put(Key::erasure_waiting(&[5; 16]), Version(1), Vec::new())]);
    let bucket = WrappedUnder::of(&stays.1).expect("own bytes").bucket;
    keyring.draw_next_bucket_keys(&[bucket]).expect("drawn");
    let anew = keyring.rewrapped(stays.0.as_bytes(), &stays.1).expect("wrapped anew");
    let stays_anew = (stays.0, anew);
    told(vec![put(&stays_anew, 2)]);
    let found = with_source(&world, |source| wrapped_anew(source, 0));
    assert!(matches!(found, Err(BackupError::Destroying)), "a ring of now opens the erased");
    keyring.destroy_old_bucket_keys(&keyring.next_bucket_keys()).expect("destroyed");
    told(vec![Op::Delete(Key::erasure_waiting(&[5; 16]))]);
    assert!(!opens(keyring, &erased) && !opens(keyring, &stays) && opens(keyring, &stays_anew));

    let behind = bulk_size(&bulk, ORIGIN).expect("a size");
    let expected: Anew = [(*stays.0.as_bytes(), stays_anew.1.clone())].into();
    for behind in [0, behind] {
        let found = with_source(&world, |source| wrapped_anew(source, behind));
        assert_eq!(found.expect("whole"), expected);
    }
    assert!(matches!(bulk_size(&bulk, OTHER), Err(BackupError::Refused(_))), "of another vault");
    let later = with_source(&world, |source| wrapped_anew(source, behind + 100));
    assert_eq!(later.expect("whole"), Anew::new());
    run.stop();

    let of = |rows: &Rows, subject| rows[&Key::subject_key(subject)].payload.clone();
    let (done, rows) = restored_with(&world, &bulk, &expected).expect("restored");
    assert_eq!((done.anew, done.dead), (1, 1));
    assert!(opens(keyring, &(stays.0, of(&rows, stays.0))));
    assert!(!opens(keyring, &(erased.0, of(&rows, erased.0))));
    let (done, rows) = restored(&world, &bulk).expect("restored");
    assert_eq!((done.anew, done.dead), (0, 2));
    assert!(!opens(keyring, &(stays.0, of(&rows, stays.0))));
    // One that is dead itself, as a vault that was restored before keeps some, brings nobody back and hinders nobody.
    let dead = [(*stays.0.as_bytes(), stays.1.clone())].into();
    let (done, _) = restored_with(&world, &bulk, &dead).expect("restored");
    assert_eq!((done.anew, done.dead), (0, 2));
    // Anything else that does not open is no key of this vault: nothing but its opening proves it.
    let mut altered = stays_anew.1.clone();
    *altered.last_mut().expect("not empty") ^= 1;
    let altered = [(*stays.0.as_bytes(), altered)].into();
    let refused = restored_with(&world, &bulk, &altered);
    assert!(matches!(refused, Err(BackupError::Refused(_))));
}

#[test]
fn a_key_part_that_is_older_than_the_bulk_part_is_refused_where_somebody_would_be_lost() {
    let mut world = World::with_own_keys();
    let keyring = world.keyring.clone();
    let [one, _] = neighbours(&keyring);
    let bucket = WrappedUnder::of(&one.1).expect("own bytes").bucket;
    let run = begun(&world);
    // The ring of the older key part.
    let before = world.path("keyring-before");
    std::fs::copy(world.path("keyring"), &before).expect("copied");
    keyring.draw_next_bucket_keys(&[bucket]).expect("drawn");
    keyring.destroy_old_bucket_keys(&keyring.next_bucket_keys()).expect("destroyed");
    let (_, wrapped) = keyring.wrap_new_subject_key(one.0.as_bytes()).expect("wrapped");
    let change = Change {
        ops: vec![Op::Put(Key::subject_key(one.0), Version(1), wrapped)],
        expects: Vec::new(),
    };
    let told = Announcement::KeysRewrapped { keys: 1 };
    let last = wait(run.trail.announce_keys(told, change)).expect("recorded").expect("taken");
    wait(run.trail.covered(last.index())).expect("covered");
    let bulk = bulk(&world).expect("a bulk part");
    run.stop();
    restored(&world, &bulk).expect("with the ring of now");
    let older = Keyring::open(&before, &world.root).expect("a keyring").0;
    world.keyring = Arc::new(older);
    let refused = restored(&world, &bulk);
    assert!(matches!(refused, Err(BackupError::Refused(_))), "{refused:?}");
}

#[test]
fn keys_wrapped_anew_are_found_in_a_snapshot_as_in_the_journal() {
    let world = World::with_own_keys();
    let keyring = &*world.keyring;
    let [one, other] = neighbours(keyring);
    let bucket = WrappedUnder::of(&one.1).expect("own bytes").bucket;
    let run = begun(&world);
    keyring.draw_next_bucket_keys(&[bucket]).expect("drawn");
    keyring.destroy_old_bucket_keys(&keyring.next_bucket_keys()).expect("destroyed");
    let mut expected = Anew::new();
    for (subject, _) in [&one, &other] {
        let (_, wrapped) = keyring.wrap_new_subject_key(subject.as_bytes()).expect("wrapped");
        expected.insert(*subject.as_bytes(), wrapped.clone());
        let op = Op::Put(Key::subject_key(*subject), Version(1), wrapped);
        let change = Change { ops: vec![op], expects: Vec::new() };
        let told = Announcement::KeysRewrapped { keys: 1 };
        wait(run.trail.announce_keys(told, change)).expect("recorded").expect("taken");
    }
    let mut keeper = keeper(&world, &run, 1);
    fill_a_segment(&world, &run, 1);
    assert!(matches!(wait(keeper.step(&run.trail)), Ok(SnapshotStep::Made(_))));
    let found = with_source(&world, |source| wrapped_anew(source, 0));
    assert_eq!(found.expect("whole"), expected);
    let gone = Change { ops: vec![Op::Delete(Key::subject_key(one.0))], expects: Vec::new() };
    let owner = Owned { subjects: vec![one.0], ..owned(1) };
    wait(run.trail.commit(permit(owner), gone)).ok().expect("recorded").recorded();
    expected.remove(one.0.as_bytes());
    let found = with_source(&world, |source| wrapped_anew(source, 0));
    assert_eq!(found.expect("whole"), expected, "the journal comes behind the snapshot");
    run.stop();
}

#[test]
fn index_terms_under_destroyed_keys_are_counted_and_those_under_keys_to_come_are_refused() {
    let mut world = World::with_own_keys();
    let keyring = world.keyring.clone();
    let run = begun(&world);
    let terms = [b"12000000001", b"12000000002"].map(|value| keyring.index_term("phone", value));
    let before = world.path("keyring-before");
    std::fs::copy(world.path("keyring"), &before).expect("copied");
    let put = |term: &IndexTerm, epoch| {
        let key = Key::term(&term.to_bytes(), RecordId::from_bytes([1; 16]));
        let ops = vec![Op::Put(key, Version(1), term_value(epoch))];
        let told = Announcement::OfKeys(KeyNews::TermsMoved { terms: 1 });
        wait(run.trail.announce_keys(told, Change { ops, expects: Vec::new() })).expect("recorded")
    };
    put(&terms[0], 1).expect("taken");
    put(&terms[1], 1).expect("taken");
    let buckets = terms.map(|term| term.bucket());
    keyring.draw_next_index_keys(&buckets[..1]).expect("drawn");
    assert!(put(&terms[0], 1).is_none(), "under a key that is about to be destroyed");
    let last = put(&terms[0], 2).expect("taken");
    wait(run.trail.covered(last.index())).expect("covered");
    let bulk = bulk(&world).expect("a bulk part");
    run.stop();
    let (done, rows) = restored(&world, &bulk).expect("restored");
    assert_eq!(done.terms_dead, 0);
    let kept = Key::term(&terms[0].to_bytes(), RecordId::from_bytes([1; 16]));
    assert_eq!(rows[&kept].payload, term_value(2));
    keyring.draw_next_index_keys(&buckets).expect("drawn");
    keyring.destroy_old_index_keys(&keyring.next_index_keys()).expect("destroyed");
    let (done, _) = restored(&world, &bulk).expect("restored");
    assert_eq!(done.terms_dead, 1, "the one that stayed under the first key");
    world.keyring = Arc::new(Keyring::open(&before, &world.root).expect("a keyring").0);
    let refused = restored(&world, &bulk);
    assert!(matches!(refused, Err(BackupError::Refused(_))), "{refused:?}");
}

#[test]
fn a_restore_never_continues_the_log_before() {
    let world = World::on_sled();
    world.begin().stop();
    let bulk = bulk(&world).expect("a bulk part");
    let (keyring, log_key) = (keyring(), log_key());
    let settings = Settings { origin: ORIGIN.into(), ..restored_settings(&world) };
    let refused = restore(&Restoring {
        bulk: BulkAt::beside(&bulk),
        log_key: &log_key,
        keyring: &keyring,
        anew: &Anew::new(),
        settings: &settings,
        snapshots: &world.path("new/snapshots"),
        log_before: &world.path("new/log-before"),
        media: Arc::new(FileMedia),
    });
    assert!(matches!(refused, Err(BackupError::Refused(_))));
}

#[test]
fn a_changed_missing_or_added_file_of_a_bulk_part_is_named() {
    let world = World::on_sled();
    let (snapshots, _) = worked(&world, 1);
    snapshots.make_now().expect("made").expect("due");
    let bulk = bulk(&world).expect("a bulk part");
    let files = files_of(&bulk);
    assert!(files.len() > 6, "{files:?}");
    for path in &files {
        let whole = std::fs::read(path).expect("a file");
        let mut changed = whole.clone();
        let place = changed.len() / 2;
        changed[place] ^= 4;
        for bytes in [&changed[..], &whole[..whole.len() - 1]] {
            std::fs::write(path, bytes).expect("written");
            assert!(verify_bulk(&bulk, &log_key()).is_err(), "{}", path.display());
        }
        std::fs::remove_file(path).expect("removed");
        assert!(verify_bulk(&bulk, &log_key()).is_err(), "{}", path.display());
        std::fs::write(path, whole).expect("written");
    }
    std::fs::write(bulk.join("log/more"), "x").expect("written");
    let found = verify_bulk(&bulk, &log_key()).expect_err("added").to_string();
    assert!(found.contains("log/more"), "{found}");
    std::fs::remove_file(bulk.join("log/more")).expect("removed");
    verify_bulk(&bulk, &log_key()).expect("whole again");
    assert!(matches!(self::bulk(&world), Err(BackupError::NotEmpty(_))));
}

/// Somebody who changes a file and the list with it is found by what the log's signature or the vault's own key says.
#[test]
fn a_change_that_the_list_was_made_to_fit_is_found_when_it_is_restored() {
    let world = World::on_sled();
    let (snapshots, _) = worked(&world, 1);
    snapshots.make_now().expect("made").expect("due");
    let bulk = bulk(&world).expect("a bulk part");
    let list = std::fs::read_to_string(bulk.join("files")).expect("a list");
    for directory in ["journal", "snapshots", "log/tile/entries/000.p"] {
        let name = std::fs::read_dir(bulk.join(directory)).expect("files").next();
        let path = name.expect("one").expect("a file").path();
        let whole = std::fs::read(&path).expect("a file");
        let mut changed = whole.clone();
        changed[400] ^= 1;
        std::fs::write(&path, &changed).expect("written");
        let hash = |bytes: &[u8]| {
            let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
            digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let fitted = list.replace(&hash(&whole), &hash(&changed));
        let (lines, _) = fitted.split_at(fitted.find("end ").expect("an end"));
        let fitted = format!("{lines}end {}\n", hash(lines.as_bytes()));
        std::fs::write(bulk.join("files"), fitted).expect("written");
        assert!(restored(&world, &bulk).is_err(), "{directory}");
        std::fs::write(&path, whole).expect("written");
        std::fs::write(bulk.join("files"), &list).expect("written");
    }
    restored(&world, &bulk).expect("whole again");
}

#[test]
fn keys_of_the_feed_begin_anew_and_reviews_stay_behind() {
    let cell = CellId::from_bytes([7; 8]);
    let (older, newer) = (Key::change(cell, 12, record(1)), Key::change(cell, 4_000, record(1)));
    let anew = Key::change(cell, 0, record(1));
    assert_eq!(older.under_another_log(), Some(anew.clone()));
    assert_eq!(newer.under_another_log(), Some(anew));
    for gone in [
        Key::review(&[1; 16]),
        Key::review_note(&[1; 16], 1),
        Key::review_of(&[1; 16]),
        Key::rectification(&[1; 16]),
        Key::system(SystemKey::Checkpoint),
        Key::system(SystemKey::Ways),
    ] {
        assert_eq!(gone.under_another_log(), None);
    }
    for kept in [Key::row(record(1)), Key::system(SystemKey::Policy), Key::actor(&[1; 16])] {
        assert_eq!(kept.under_another_log(), Some(kept.clone()));
    }
}

pub(super) fn files_of(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for file in std::fs::read_dir(directory).expect("a directory") {
        let path = file.expect("a file").path();
        match path.is_dir() {
            true => files.extend(files_of(&path)),
            false => files.push(path),
        }
    }
    files
}
