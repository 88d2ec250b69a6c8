//! The last checkpoint in the store, and what a start makes of it: nothing that was put back is served.
//! Never by the mark alone: journal, log and store are each put back, alone and together.
//! Where a start is refused, the files stay as they were.

use super::wait;
use super::world::{ORIGIN, Run, World, keyring};
use crate::store::{EngineKind, Key, Op, SystemKey, Version, open};
use crate::trail::journal::Position;
use crate::trail::recover::{self, Mark};
use crate::trail::{Announcement, TrailFault};
use gridvault_audit::LogReader;
use gridvault_audit::verify::{VerifierKey, open_note};
use std::path::Path;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for item in std::fs::read_dir(from).expect("listed").flatten() {
        match item.path().is_dir() {
            true => copy(&item.path(), &to.join(item.file_name())),
            false => drop(std::fs::copy(item.path(), to.join(item.file_name())).expect("copied")),
        }
    }
}

/// Puts the copy of a directory in its place.
fn put_back(world: &World, name: &str) {
    std::fs::remove_dir_all(world.path(name)).expect("removed");
    copy(&world.path(&format!("old/{name}")), &world.path(name));
}

/// Keeps the last checkpoint in the store, once everything up to now is published.
fn beat(run: &Run) -> u64 {
    let before = wait(run.trail.announce(Announcement::Heartbeat)).expect("recorded");
    wait(run.trail.covered(before.index())).expect("covered");
    wait(run.trail.announce_keeping(Announcement::Heartbeat)).expect("recorded");
    let kept = wait(run.reader.get(&Key::system(SystemKey::Checkpoint))).expect("a store");
    let kept = kept.expect("kept");
    let key = gridvault_audit::verifier_key(ORIGIN, &keyring().log_signer().public_key());
    let key = VerifierKey::parse(&key).expect("a key");
    let head = open_note(&kept.payload, &key).expect("a checkpoint of this log");
    assert_eq!(head.size, kept.version.0);
    assert!(head.size > before.index(), "it covers what was published");
    head.size
}

/// A vault with some past, a copy of it, and more that came since. Gives the sizes of the log then and now, and the size
/// that the store knows.
fn grown(world: &World) -> (u64, u64, u64) {
    let size = || LogReader::open(&world.path("log"), ORIGIN).expect("a log").size().expect("read");
    let run = world.begin();
    run.write(1, 1).ok().expect("recorded");
    run.stop();
    let before = size();
    for name in ["journal", "log", "store"] {
        copy(&world.path(name), &world.path(&format!("old/{name}")));
    }
    let run = world.start().expect("a trail");
    run.write(1, 2).ok().expect("recorded");
    let kept = beat(&run);
    run.write(1, 3).ok().expect("recorded");
    run.stop();
    (before, size(), kept)
}

fn refused(world: &World) -> TrailFault {
    let files = || {
        let names = ["log/checkpoint", "journal/mark", "journal/0000000000000000.segment"];
        names.map(|name| std::fs::read(world.path(name)).ok())
    };
    let before = files();
    let fault = world.start().err().expect("a start that is refused");
    assert!(files() == before, "nothing was written");
    fault
}

#[test]
fn checkpoint_is_kept_with_a_heartbeat_and_with_the_stop_and_costs_no_entry_of_its_own() {
    let world = World::on_sled();
    let run = world.begin();
    assert!(wait(run.reader.get(&Key::system(SystemKey::Checkpoint))).expect("read").is_none());
    let kept = beat(&run);
    let last = wait(run.trail.announce(Announcement::Heartbeat)).expect("recorded");
    wait(run.trail.covered(last.index())).expect("covered");
    let reader = run.stop();
    let stored = wait(reader.get(&Key::system(SystemKey::Checkpoint))).expect("read");
    let stored = stored.expect("kept");
    assert!(stored.version.0 > kept && stored.version.0 > last.index());
    let entries = world.story().entries;
    // Four of the beginning, the two of the beat, one more, and the stop.
    assert_eq!(entries.len(), 8);
    assert_eq!(stored.index, 7, "the stop wrote it");
    drop(reader);
    world.start().expect("all of it is there").stop();
}

#[test]
fn log_put_back_behind_the_checkpoint_in_the_store_is_refused_and_says_how_far_behind() {
    for journal_too in [false, true] {
        let world = World::on_sled();
        let (before, _, kept) = grown(&world);
        put_back(&world, "log");
        if journal_too {
            put_back(&world, "journal");
        }
        let fault = refused(&world);
        let TrailFault::Behind { who, size, seen } = &fault else { panic!("{fault}") };
        assert_eq!((who.as_str(), *size), ("the store", before));
        assert!(*seen >= kept);
        assert!(fault.to_string().contains(&format!("it is {} behind", seen - before)), "{fault}");
    }
}

#[test]
fn log_that_vanished_is_not_begun_anew() {
    let world = World::on_sled();
    grown(&world);
    for name in ["log", "journal"] {
        std::fs::remove_dir_all(world.path(name)).expect("removed");
    }
    let fault = refused(&world);
    assert!(matches!(fault, TrailFault::Behind { size: 0, .. }), "{fault}");
}

#[test]
fn journal_put_back_beside_its_log_is_refused_and_says_how_far_behind() {
    let world = World::on_sled();
    let (before, after, _) = grown(&world);
    put_back(&world, "journal");
    let fault = world.start().err().expect("refused");
    let TrailFault::JournalBehind { journal, log } = &fault else { panic!("{fault}") };
    assert_eq!((*journal, *log), (before, after));
    assert!(fault.to_string().contains(&format!("{} behind", after - before)), "{fault}");
}

#[test]
fn older_whole_store_is_refused() {
    let world = World::on_sled();
    let (_, _, kept) = grown(&world);
    put_back(&world, "store");
    let fault = refused(&world);
    let TrailFault::StoreBehind { store, flushed } = fault else { panic!("{fault}") };
    assert!(store < kept && kept <= flushed, "{store} {kept} {flushed}");
    std::fs::remove_dir_all(world.path("store")).expect("removed");
    let fault = refused(&world);
    assert!(matches!(fault, TrailFault::StoreBehind { store: 0, .. }), "{fault}");
    // Without the mark the whole journal is done again, so an empty store is no older one.
    std::fs::remove_file(world.path("journal/mark")).expect("removed");
    let run = world.start().expect("a start");
    world.story().holds(&[], &run.reader);
    run.stop();
}

#[test]
fn another_log_of_the_same_name_and_key_is_refused() {
    let (world, other) = (World::on_sled(), World::on_sled());
    grown(&world);
    other.clock.now.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let run = other.begin();
    for version in 1..=12 {
        run.write(1, version).ok().expect("recorded");
    }
    run.stop();
    for name in ["log", "journal"] {
        std::fs::remove_dir_all(world.path(name)).expect("removed");
        copy(&other.path(name), &world.path(name));
    }
    std::fs::remove_file(world.path("journal/mark")).expect("removed");
    let fault = refused(&world);
    assert!(matches!(fault, TrailFault::Forked { .. }), "{fault}");
}

#[test]
fn checkpoint_in_the_store_that_this_log_did_not_sign_is_no_checkpoint() {
    let world = World::on_sled();
    grown(&world);
    let (reader, mut applier) =
        open(&world.path("store"), EngineKind::Sled, 16 << 20).expect("a store");
    let key = Key::system(SystemKey::Checkpoint);
    let stored = wait(reader.get(&key)).expect("read").expect("kept");
    let mut note = stored.payload;
    let at = note.len() - 20;
    note[at] ^= 1;
    applier.apply([(stored.index, &Op::Put(key, stored.version, note))]).expect("applied");
    applier.flusher().flush().expect("flushed");
    drop((reader, applier));
    assert!(matches!(refused(&world), TrailFault::Store(_)));
}

#[test]
fn mark_of_the_form_before_is_believed_for_its_place() {
    let world = World::on_sled();
    grown(&world);
    let chain = keyring().chain();
    let path = world.path("journal/mark");
    let new = std::fs::read(&path).expect("a mark");
    let mut old = [b"GVMARK01", &new[8..new.len() - 40]].concat();
    let tag = chain.tag(&[&old]);
    old.extend_from_slice(&tag);
    std::fs::write(&path, old).expect("written");
    world.start().expect("a start").stop();
    // The stop wrote the new form, which is checked as a whole.
    let mut edited = std::fs::read(&path).expect("a mark");
    assert_eq!(&edited[..8], b"GVMARK02");
    let kept = edited.len() - 33;
    edited[kept] ^= 1;
    std::fs::write(&path, &edited).expect("written");
    world.start().expect("the whole journal is read").stop();
    let mark = Mark { position: Position::START, kept: Version(u64::MAX) };
    recover::write_mark(&world.path("journal"), &chain, &mark).expect("written");
    assert!(matches!(refused(&world), TrailFault::StoreBehind { .. }));
}
