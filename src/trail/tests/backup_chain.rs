//! Bulk parts that were made one since the other: each the whole state, found in as many directories as it takes, or refused.
//! Never a part by its name: the lists lead from one to the next.
//! What is restored is held against the store that was there, and against a whole part of the same moment.

use super::backup::{files_of, log_key, restored, under_another_log, verify_bulk, with_source};
use super::snapshots::{begun, change_a_little, fill_a_segment, keeper, rows};
use super::wait;
use super::world::{ORIGIN, Run, World};
use crate::limits::BACKUP_CHAIN_PARTS_COUNT_MAX;
use crate::trail::{
    BackupError, Bulk, BulkAt, BulkJudged, SnapshotStep, bulk_digest, bulk_size, create_bulk,
    gather_bulk,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn part(world: &World, name: &str) -> PathBuf {
    world.path("parts").join(name)
}

fn made(world: &World, name: &str, since: Option<&str>) -> Result<Bulk, BackupError> {
    let since = since.map(|since| part(world, since));
    let since = since.as_deref().map(BulkAt::beside);
    let out = part(world, name);
    with_source(world, |source| create_bulk(source, &out, since.as_ref()))
}

fn judged(world: &World, name: &str, before: &[&str]) -> Result<BulkJudged, BackupError> {
    let before: Vec<PathBuf> = before.iter().map(|name| part(world, name)).collect();
    let at = BulkAt { directory: &part(world, name), before: &before };
    crate::trail::verify_bulk(&at, &log_key())
}

fn hash(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn list(world: &World, name: &str) -> String {
    std::fs::read_to_string(part(world, name).join("files")).expect("a list")
}

/// Changes a list so that its end fits, and gives its digest.
fn refit(world: &World, name: &str, from: &str, to: &str) -> String {
    let text = list(world, name);
    assert!(text.contains(from), "{from} in {text}");
    let text = text.replace(from, to);
    let (lines, _) = text.split_at(text.rfind("end ").expect("an end"));
    let text = format!("{lines}end {}\n", hash(lines.as_bytes()));
    std::fs::write(part(world, name).join("files"), &text).expect("written");
    hash(text.as_bytes())
}

/// Paths of a list by the word before them, with their digests.
fn listed(world: &World, name: &str, word: &str) -> BTreeMap<String, String> {
    let text = list(world, name);
    let lines = text.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    let parts = lines.map(|line| line.splitn(3, ' ').collect::<Vec<_>>());
    parts.map(|parts| (parts[2].to_owned(), format!("{} {}", parts[0], parts[1]))).collect()
}

fn everything(world: &World, name: &str) -> BTreeMap<String, String> {
    let mut all = listed(world, name, "file");
    all.extend(listed(world, name, "held"));
    all
}

fn bytes(directory: &Path) -> u64 {
    files_of(directory).iter().map(|path| path.metadata().expect("a file").len()).sum()
}

fn covered(run: &Run) {
    let last = run.announce_start().expect("recorded");
    wait(run.trail.covered(last.index())).expect("covered");
}

/// A run with more entries than one tile has, and a segment of its journal closed.
fn at_work(world: &World) -> Run {
    let run = begun(world);
    for version in 1..=280 {
        run.write(1, version).ok().expect("recorded");
    }
    fill_a_segment(world, &run, 1);
    run
}

/// A whole part and two since it, each since the one before, with writes between them.
fn chain(world: &World) -> Run {
    let run = at_work(world);
    made(world, "whole", None).expect("a part");
    change_a_little(&run, 20);
    fill_a_segment(world, &run, 2);
    made(world, "one", Some("whole")).expect("a part");
    change_a_little(&run, 40);
    covered(&run);
    made(world, "two", Some("one")).expect("a part");
    run
}

#[test]
fn a_part_since_another_holds_what_is_new_and_restores_everything() {
    let world = World::on_sled();
    let run = at_work(&world);
    let whole = made(&world, "whole", None).expect("a part");
    assert_eq!((whole.held, whole.held_bytes), (0, 0));
    assert_eq!(whole.bytes + list(&world, "whole").len() as u64, bytes(&part(&world, "whole")));

    change_a_little(&run, 20);
    fill_a_segment(&world, &run, 2);
    let one = made(&world, "one", Some("whole")).expect("a part");
    let held = listed(&world, "one", "held");
    for unchanged in ["journal/0000000000000000.segment", "log/tile/0/000", "log/tile/entries/000"]
    {
        assert!(held.contains_key(unchanged), "{unchanged} of {held:?}");
        assert!(!part(&world, "one").join(unchanged).exists(), "{unchanged}");
    }
    assert_eq!(one.held, held.len() as u64);

    // A snapshot between: it is new, and the segments below it are no longer of the state.
    let mut keeper = keeper(&world, &run, 1);
    assert!(matches!(wait(keeper.step(&run.trail)), Ok(SnapshotStep::Made(_))));
    change_a_little(&run, 40);
    covered(&run);
    let before = rows(&run.reader);
    let two = made(&world, "two", Some("one")).expect("a part");
    assert!(listed(&world, "two", "file").keys().any(|path| path.starts_with("snapshots/")));
    // Where the vault stands still the next part has the snapshot of this one, and nothing that never changes.
    made(&world, "three", Some("two")).expect("a part");
    assert!(listed(&world, "three", "held").keys().any(|path| path.starts_with("snapshots/")));
    let mutable = listed(&world, "three", "file");
    assert!(mutable.keys().all(|path| {
        ["config", "log/checkpoint"].contains(&path.as_str())
            || path.contains(".p/")
            || path.starts_with("journal/")
    }));
    assert_eq!(mutable.keys().filter(|path| path.starts_with("journal/")).count(), 1);

    // The state is that of a whole part of the same moment, file by file.
    made(&world, "beside", None).expect("a part");
    assert_eq!(everything(&world, "three"), everything(&world, "beside"));
    let (small, large) = (bytes(&part(&world, "three")), bytes(&part(&world, "beside")));
    let held: u64 = listed(&world, "three", "held")
        .values()
        .map(|listed| listed.split_once(' ').expect("two").1.parse::<u64>().expect("a length"))
        .sum();
    let lists = [list(&world, "three"), list(&world, "beside")].map(|list| list.len() as u64);
    assert_eq!(small - lists[0], large - lists[1] - held);
    assert!(held > 0 && two.held_bytes > 0);
    run.stop();

    let judged = verify_bulk(&part(&world, "two"), &log_key()).expect("whole");
    assert_eq!((judged.parts, judged.is_told), (3, true));
    assert_eq!(judged.files, everything(&world, "two").len() as u64);
    assert!(judged.snapshot > 0 && judged.size > judged.snapshot);
    let (done, after) = restored(&world, &part(&world, "two")).expect("restored");
    assert_eq!(after, under_another_log(&before));
    assert_eq!((done.origin.as_str(), done.size), (ORIGIN, two.size));
    assert_eq!(done.digest, bulk_digest(&part(&world, "two")).expect("a digest"));
    assert_eq!(bulk_size(&part(&world, "two"), ORIGIN).expect("a size"), two.size);
    let key = gridvault_audit::verify::VerifierKey::parse(&log_key()).expect("a key");
    let kept = world.path("new/log-before");
    let kept =
        gridvault_audit::verify::verify_directory(&kept, &key, None).expect("brought together");
    assert_eq!((kept.head.size, kept.head.root), (done.size, done.root));
    // Brought together it is the whole part of that moment, byte for byte, and needs nothing beside it.
    let alone = world.path("alone");
    let gathered = gather_bulk(&BulkAt::beside(&part(&world, "three")), &alone).expect("gathered");
    assert_eq!((gathered.held, gathered.files), (0, everything(&world, "three").len() as u64));
    assert_eq!(
        std::fs::read_to_string(alone.join("files")).expect("a list"),
        list(&world, "beside")
    );
    assert_eq!(verify_bulk(&alone, &log_key()).expect("whole").parts, 1);
    // Each part of the chain is a state of its own.
    for name in ["whole", "one", "three", "beside"] {
        restored(&world, &part(&world, name)).expect(name);
    }
}

#[test]
fn parts_before_are_found_beside_it_by_their_lists_or_where_they_are_named() {
    let world = World::on_sled();
    chain(&world).stop();
    // Names say nothing.
    std::fs::rename(part(&world, "whole"), part(&world, "x")).expect("moved");
    std::fs::rename(part(&world, "one"), part(&world, "whole")).expect("moved");
    std::fs::write(part(&world, "a-file"), "no part").expect("written");
    std::fs::create_dir(part(&world, "unfinished")).expect("made");
    assert_eq!(judged(&world, "two", &[]).expect("found").parts, 3);
    assert_eq!(judged(&world, "two", &["x", "whole"]).expect("named").parts, 3);
    // Elsewhere they are not looked for, and what is named is taken from there alone.
    std::fs::create_dir(world.path("elsewhere")).expect("made");
    std::fs::rename(part(&world, "x"), world.path("elsewhere/x")).expect("moved");
    let refused = judged(&world, "two", &[]);
    let Err(BackupError::PartMissing { of, digest, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(of, part(&world, "whole").canonicalize().expect("a path"));
    let whole = std::fs::read(world.path("elsewhere/x/files")).expect("a list");
    assert_eq!(digest, hash(&whole));
    assert!(matches!(judged(&world, "two", &["whole"]), Err(BackupError::PartMissing { .. })));
    judged(&world, "two", &["../elsewhere/x", "whole"]).expect("named");
    // A new one needs the whole chain as well.
    let refused = made(&world, "three", Some("two"));
    assert!(matches!(refused, Err(BackupError::PartMissing { .. })), "{refused:?}");
    assert!(!part(&world, "three").join("files").exists());
}

#[test]
fn a_part_that_is_none_before_it_is_named() {
    let world = World::on_sled();
    chain(&world).stop();
    made(&world, "later", Some("two")).expect("a part");
    made(&world, "alone", None).expect("a part");
    for more in ["later", "alone", "two", "one"] {
        let refused = judged(&world, "two", &["whole", "one", more]);
        let Err(BackupError::NoAncestor(directory)) = refused else {
            panic!("{more}: {refused:?}")
        };
        assert_eq!(directory, part(&world, more));
    }
    let refused = judged(&world, "alone", &["whole"]);
    assert!(matches!(refused, Err(BackupError::NoAncestor(_))), "a whole part needs none");
    // Nor does a part lead to itself: its own list is not the one that it names.
    let refused = judged(&world, "two", &["two"]);
    assert!(matches!(refused, Err(BackupError::PartMissing { .. })), "{refused:?}");
    let refused = judged(&world, "two", &["unfinished"]);
    assert!(matches!(refused, Err(BackupError::ListOf { .. })), "{refused:?}");
}

#[test]
fn a_changed_list_of_a_part_before_is_found_whether_its_end_fits_or_not() {
    let world = World::on_sled();
    chain(&world).stop();
    let text = list(&world, "whole");
    std::fs::write(part(&world, "whole/files"), text.replacen("size ", "size 1", 1))
        .expect("written");
    let refused = judged(&world, "two", &[]);
    let Err(BackupError::PartChanged(directory)) = refused else { panic!("{refused:?}") };
    assert!(directory.ends_with("parts/whole"), "{directory:?}");
    let refused = judged(&world, "two", &["whole", "one"]);
    let Err(BackupError::ListOf { directory, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(directory, part(&world, "whole"));
    std::fs::write(part(&world, "whole/files"), &text).expect("written");
    let journal = "journal/0000000000000000.segment";
    let digest = everything(&world, "whole")[journal].clone();
    refit(&world, "whole", &digest, &format!("{} 1", "ab".repeat(32)));
    for before in [&[][..], &["whole", "one"]] {
        let refused = judged(&world, "two", before);
        assert!(matches!(refused, Err(BackupError::PartMissing { .. })), "{refused:?}");
    }
    std::fs::write(part(&world, "whole/files"), &text).expect("written");
    judged(&world, "two", &[]).expect("whole again");
}

#[test]
fn a_part_of_another_vault_or_log_is_no_part_before() {
    let world = World::on_sled();
    let run = chain(&world);
    // Of another vault, named, and named by a list that was made to fit.
    let one = list(&world, "one");
    std::fs::create_dir(part(&world, "other")).expect("made");
    std::fs::write(part(&world, "other/files"), list(&world, "whole")).expect("written");
    let since = format!("since {}", hash(list(&world, "whole").as_bytes()));
    let other = refit(&world, "other", ORIGIN, "vault.example/another");
    let refused = judged(&world, "one", &["other"]);
    let Err(BackupError::OtherVault(directory)) = refused else { panic!("{refused:?}") };
    assert_eq!(directory, part(&world, "other"));
    refit(&world, "one", &since, &format!("since {other}"));
    let refused = judged(&world, "one", &[]);
    assert!(matches!(refused, Err(BackupError::OtherVault(_))), "{refused:?}");
    std::fs::write(part(&world, "one/files"), &one).expect("written");
    let refused = made(&world, "three", Some("other"));
    assert!(matches!(refused, Err(BackupError::OtherVault(_))), "{refused:?}");

    // Of another log of the same name, and of this one as it was not yet.
    let foreign = World::on_sled();
    foreign.clock.now.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let other = begun(&foreign);
    other.write(1, 1).ok().expect("recorded");
    covered(&other);
    other.stop();
    let since = part(&world, "whole");
    let out = foreign.path("parts/one");
    let at = BulkAt::beside(&since);
    let refused = with_source(&foreign, |source| create_bulk(source, &out, Some(&at)));
    assert!(matches!(refused, Err(BackupError::NoContinuation(_))), "{refused:?}");
    made(&foreign, "whole", None).expect("a part");
    let (since, out) = (foreign.path("parts/whole"), part(&world, "four"));
    let at = BulkAt::beside(&since);
    let refused = with_source(&world, |source| create_bulk(source, &out, Some(&at)));
    let Err(BackupError::NoContinuation(directory)) = refused else { panic!("{refused:?}") };
    assert_eq!(directory, since);
    assert!(!out.join("files").exists());
    run.stop();
}

#[test]
fn a_list_that_was_made_to_fit_holds_nothing_that_the_parts_before_have_not() {
    let world = World::on_sled();
    chain(&world).stop();
    let (one, two) = (list(&world, "one"), list(&world, "two"));
    // The part before has a checkpoint, but another one.
    refit(
        &world,
        "two",
        &line(&two, "file", "log/checkpoint"),
        &line(&two, "held", "log/checkpoint"),
    );
    let refused = judged(&world, "two", &[]);
    let Err(BackupError::NotHeld { path, directory }) = refused else { panic!("{refused:?}") };
    assert_eq!(path, "log/checkpoint");
    assert!(directory.ends_with("parts/one"), "{directory:?}");
    // It says that the one before has it, which has not.
    let held = line(&one, "held", "log/tile/0/000");
    let lost = refit(&world, "one", &held, "");
    std::fs::write(part(&world, "two/files"), &two).expect("written");
    refit(&world, "two", &hash(one.as_bytes()), &lost);
    let refused = judged(&world, "two", &[]);
    let Err(BackupError::NotHeld { path, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(path, "log/tile/0/000");
    // Nor is one taken that says that it came later.
    std::fs::write(part(&world, "one/files"), &one).expect("written");
    let size = format!("size {}\n", bulk_size(&part(&world, "one"), ORIGIN).expect("a size"));
    let later = refit(&world, "one", &size, "size 99999\n");
    std::fs::write(part(&world, "two/files"), &two).expect("written");
    refit(&world, "two", &hash(one.as_bytes()), &later);
    let refused = judged(&world, "two", &[]);
    assert!(matches!(refused, Err(BackupError::LaterPart(_))), "{refused:?}");
}

/// The line of a file, with this word before it.
fn line(list: &str, word: &str, path: &str) -> String {
    let found = list.lines().find(|line| line.ends_with(&format!(" {path}"))).expect("a line");
    format!("{word} {}\n", found.split_once(' ').expect("two words").1)
}

#[test]
fn a_changed_missing_or_added_file_is_named_with_the_part_that_it_lies_in() {
    let world = World::on_sled();
    chain(&world).stop();
    let held: BTreeSet<String> = listed(&world, "two", "held").into_keys().collect();
    assert!(held.len() >= 4, "{held:?}");
    let mut places = BTreeSet::new();
    for path in &held {
        let lies = ["one", "whole"].into_iter().find(|name| part(&world, name).join(path).exists());
        let lies = lies.expect("in one of them");
        places.insert(lies);
        let file = part(&world, lies).join(path);
        let bytes = std::fs::read(&file).expect("a file");
        let mut changed = bytes.clone();
        let place = changed.len() / 2;
        changed[place] ^= 4;
        for bytes in [&changed[..], &bytes[..bytes.len() - 1]] {
            std::fs::write(&file, bytes).expect("written");
            let refused = judged(&world, "two", &[]).expect_err("changed").to_string();
            assert!(refused.contains(&format!("{lies}/{path}")), "{refused}");
        }
        std::fs::remove_file(&file).expect("removed");
        let refused = judged(&world, "two", &[]).expect_err("missing").to_string();
        assert!(refused.contains(&format!("{lies}/{path}: it is missing")), "{refused}");
        assert!(restored(&world, &part(&world, "two")).is_err());
        let out = world.path("gathered");
        let refused = gather_bulk(&BulkAt::beside(&part(&world, "two")), &out);
        assert!(refused.is_err() && !out.join("files").exists());
        std::fs::remove_dir_all(&out).expect("removed");
        // A part that would rely on it is not made, and has no list.
        let refused = made(&world, "three", Some("two")).expect_err("missing").to_string();
        assert!(refused.contains(&format!("{lies}/{path}: it is missing")), "{refused}");
        assert!(!part(&world, "three").join("files").exists());
        std::fs::remove_dir_all(part(&world, "three")).expect("removed");
        std::fs::write(&file, bytes).expect("written");
    }
    assert_eq!(places, ["one", "whole"].into());
    // What a part before has does not lie here as well.
    let tile = "log/tile/0/000";
    std::fs::create_dir_all(part(&world, "two/log/tile/0")).expect("made");
    std::fs::copy(part(&world, "whole").join(tile), part(&world, "two").join(tile))
        .expect("copied");
    let refused = judged(&world, "two", &[]).expect_err("added").to_string();
    assert!(refused.contains("nobody listed it"), "{refused}");
    std::fs::remove_file(part(&world, "two").join(tile)).expect("removed");
    judged(&world, "two", &[]).expect("whole again");
}

#[test]
fn a_part_that_was_broken_off_has_no_list_and_is_nobodys_part_before() {
    let world = World::on_sled();
    chain(&world).stop();
    // The log is the last that is copied.
    let tile = world.path("log/tile/0/000");
    let bytes = std::fs::read(&tile).expect("a tile");
    std::fs::remove_file(&tile).expect("removed");
    assert!(made(&world, "three", Some("two")).is_err());
    assert!(part(&world, "three/config").exists() && !part(&world, "three/files").exists());
    assert!(judged(&world, "three", &[]).is_err());
    let refused = judged(&world, "two", &["whole", "one", "three"]);
    assert!(matches!(refused, Err(BackupError::ListOf { .. })), "{refused:?}");
    std::fs::write(&tile, bytes).expect("written");
    assert!(matches!(made(&world, "four", Some("three")), Err(BackupError::Io(..))));
    assert!(matches!(made(&world, "three", Some("two")), Err(BackupError::NotEmpty(_))));
    made(&world, "five", Some("two")).expect("a part");
    judged(&world, "five", &[]).expect("whole");
}

#[test]
fn a_chain_may_have_as_many_parts_as_its_limit_and_no_more() {
    let world = World::on_sled();
    let run = at_work(&world);
    made(&world, "whole", None).expect("a part");
    covered(&run);
    made(&world, "0001", Some("whole")).expect("a part");
    // Lists alone, as those of parts between that brought nothing which anybody needs.
    let mut before = hash(list(&world, "whole").as_bytes());
    for number in 2..BACKUP_CHAIN_PARTS_COUNT_MAX - 1 {
        let (last, name) = (format!("{:04}", number - 1), format!("{number:04}"));
        std::fs::create_dir(part(&world, &name)).expect("made");
        let text = list(&world, &last);
        std::fs::write(part(&world, &name).join("files"), &text).expect("written");
        refit(&world, &name, &before, &hash(text.as_bytes()));
        before = hash(text.as_bytes());
    }
    let last = format!("{:04}", BACKUP_CHAIN_PARTS_COUNT_MAX - 2);
    let checkpoint = "log/checkpoint";
    std::fs::create_dir(part(&world, &last).join("log")).expect("made");
    std::fs::copy(part(&world, "0001").join(checkpoint), part(&world, &last).join(checkpoint))
        .expect("copied");
    change_a_little(&run, 20);
    covered(&run);
    made(&world, "at-limit", Some(&last)).expect("a part");
    let judged = judged(&world, "at-limit", &[]).expect("whole");
    assert_eq!(judged.parts, BACKUP_CHAIN_PARTS_COUNT_MAX as u64);
    let refused = made(&world, "beyond", Some("at-limit"));
    assert!(matches!(refused, Err(BackupError::TooManyParts)), "{refused:?}");
    assert!(!part(&world, "beyond/files").exists());
    run.stop();
}
