//! A log whose oldest entries are gone: accepted where an entry of the log records it, and nowhere else.
//! Never without the hashes: what was pruned is still part of the tree.
//! Whoever takes entries away without a record, too early or too many of them is found.

use gridvault_audit::constants::PRUNE_AGE_SECONDS_MIN;
use gridvault_audit::verify::{
    Class, Ledger, Policy, Shelf, VerifyError, verify_log, verify_proof,
};
use gridvault_audit::{
    Draft, Event, Log, LogError, LogReader, Minimum, NoteSigner as _, Outcome, Scalar, prune,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::{ORIGIN, Vault, draft, entries, key};

const DAY: u64 = 86_400;

/// Entry `index`, so many seconds after the first one.
fn at(draft: &Draft<'_>, index: u64, seconds: u64) -> Vec<u8> {
    let micros = 1_790_000_000_000_000 + seconds * 1_000_000;
    draft.encode(index, micros, seconds * 1_000_000).expect("an entry that fits")
}

fn pruned_draft(minimum: u64, before_seconds: u64, policy_at: u64) -> Draft<'static> {
    let mut draft = Draft::new(Event::SysPrune, Outcome::Success, [9; 16]);
    draft.detail.insert("before", Scalar::U64(1_790_000_000_000_000 + before_seconds * 1_000_000));
    draft.detail.insert("minimum", Scalar::U64(minimum));
    draft.detail.insert("policy", Scalar::Bytes32([1; 32]));
    draft.detail.insert("policy_at", Scalar::U64(policy_at));
    draft
}

/// 700 entries of the first seconds, then one of a year later, and the entry of a pruning after it.
fn log_with(record: &Draft<'_>) -> Vault {
    let mut all: Vec<Vec<u8>> = (0..700).map(|index| at(&draft(index), index, index)).collect();
    all.push(at(&Draft::new(Event::SysHeartbeat, Outcome::Success, [8; 16]), 700, 400 * DAY));
    all.push(at(record, 701, 400 * DAY + 1));
    Vault::of(&all)
}

fn pruned(minimum: u64) -> Vault {
    let vault = log_with(&pruned_draft(minimum, 200 * DAY, 1));
    prune(&reader(&vault), Minimum { index: minimum, recorded: 701 }).expect("pruned");
    vault
}

fn reader(vault: &Vault) -> LogReader {
    LogReader::open(&vault.path, ORIGIN).expect("a log")
}

#[test]
fn reader_with_keys_believes_a_beginning_that_an_entry_records_and_no_other() {
    let vault = pruned(512);
    let believing = || reader(&vault).signed_by(|| vec![key().public_key()]);
    let log = believing();
    assert_eq!(log.minimum().expect("recorded"), Minimum { index: 512, recorded: 701 });
    assert!(matches!(log.entry(511), Err(LogError::Pruned { minimum: 512 })));
    assert_eq!(log.entries(512, 1_000).expect("read").len(), 190);
    let text = std::fs::read(vault.file("minimum")).expect("the file");
    // Another bound, another entry, one below the bound, and one that is not there.
    for stated in ["256\n701\n", "512\n700\n", "768\n701\n", "512\n702\n"] {
        std::fs::write(vault.file("minimum"), stated).expect("written");
        for log in [&log, &believing()] {
            let refused = |error| matches!(error, LogError::BeginningUnrecorded);
            assert!(refused(log.minimum().expect_err("unrecorded")), "{stated}");
            assert!(refused(log.entries(0, 1).expect_err("unrecorded")), "{stated}");
            assert!(refused(log.entries_as_they_lie(0, 1).expect_err("unrecorded")), "{stated}");
        }
        // What lies behind it is read as ever.
        assert_eq!(log.entries(769, 1).expect("none").len(), 0, "{stated}");
    }
    std::fs::write(vault.file("minimum"), text).expect("put back");
    assert_eq!(log.minimum().expect("recorded").index, 512);
}

#[test]
fn checkpoint_is_verified_once_and_another_one_anew() {
    let vault = pruned(512);
    let asked = Arc::new(AtomicU64::new(0));
    let counted = asked.clone();
    let log = reader(&vault).signed_by(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        vec![key().public_key()]
    });
    for _ in 0..3 {
        assert_eq!((log.size().expect("read"), log.minimum().expect("read").index), (702, 512));
        assert!(log.clone().entry(600).is_ok());
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let note = vault.read("checkpoint");
    let line = note.iter().rposition(|byte| *byte == b' ').expect("a signature") + 12;
    vault.change("checkpoint", |note| note[line] = if note[line] == b'A' { b'B' } else { b'A' });
    assert!(matches!(log.size(), Err(LogError::CheckpointInvalid)));
    assert!(matches!(log.size(), Err(LogError::CheckpointInvalid)));
    assert_eq!(asked.load(Ordering::Relaxed), 3, "what is wrong is not remembered");
    std::fs::write(vault.file("checkpoint"), note).expect("put back");
    assert_eq!(log.size().expect("read"), 702);
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[test]
fn pruned_log_is_accepted_with_its_beginning_and_keeps_its_root_and_proofs() {
    let before = log_with(&pruned_draft(512, 200 * DAY, 1));
    let whole = before.verify().expect("accepted");
    let proofs: Vec<String> = [0, 255, 511, 512, 701]
        .map(|index| reader(&before).proof_file(index).expect("made"))
        .into();
    let vault = pruned(512);
    let summary = vault.verify().expect("accepted");
    assert_eq!((summary.minimum, &summary.head), (512, &whole.head));
    assert!(!vault.file("tile/entries/000").exists() && !vault.file("tile/entries/001").exists());
    assert!(vault.file("tile/entries/002.p/190").exists());
    for (index, proof) in [0, 255, 511, 512, 701].into_iter().zip(proofs) {
        assert_eq!(reader(&vault).proof_file(index).expect("made"), proof, "the same as before");
        let leaf = reader(&vault).leaf(index).expect("a leaf");
        verify_proof(proof.as_bytes(), &key().verifier(), &leaf).expect("it holds");
    }
    let key = gridvault_audit::NoteSigner::public_key(&key());
    let log = Log::open(&vault.path, ORIGIN, &key).expect("its writer goes on");
    assert_eq!(log.size(), 702);
}

#[test]
fn pruned_entries_are_told_from_entries_that_never_were() {
    let vault = pruned(512);
    let log = reader(&vault);
    assert_eq!(log.minimum().expect("read"), Minimum { index: 512, recorded: 701 });
    for index in [0, 255, 511] {
        assert!(matches!(log.entry(index), Err(LogError::Pruned { minimum: 512 })));
    }
    assert!(matches!(log.entries(511, 5), Err(LogError::Pruned { minimum: 512 })));
    assert_eq!(log.entry(512).expect("kept"), at(&draft(512), 512, 512));
    assert_eq!(log.entries(512, 1_000).expect("kept").len(), 190);
    assert!(matches!(log.entry(702), Err(LogError::NotCovered { .. })));
    let name = |path: &str| gridvault_audit::TileName::parse(path).expect("a name");
    for path in ["tile/entries/000", "tile/entries/001", "tile/entries/001.p/7"] {
        assert_eq!(log.tile(&name(path), 702).expect("read"), None, "{path}");
    }
    assert!(log.tile(&name("tile/entries/002.p/9"), 702).expect("read").is_some());
    assert!(log.tile(&name("tile/0/000"), 702).expect("read").is_some(), "hashes stay");
}

#[test]
fn log_begins_at_whole_bundles_that_are_covered_and_never_earlier_than_before() {
    let vault = log_with(&pruned_draft(512, 200 * DAY, 1));
    let log = reader(&vault);
    for (index, recorded) in [(100, 701), (257, 701), (768, 701), (512, 511), (512, 702)] {
        let refused = prune(&log, Minimum { index, recorded });
        assert!(matches!(refused, Err(LogError::NotPrunable)), "{index} {recorded}");
    }
    prune(&log, Minimum { index: 512, recorded: 701 }).expect("pruned");
    assert!(matches!(
        prune(&log, Minimum { index: 256, recorded: 701 }),
        Err(LogError::NotPrunable)
    ));
}

#[test]
fn crash_at_any_step_of_a_pruning_is_made_good_by_the_next() {
    let whole = log_with(&pruned_draft(512, 200 * DAY, 1));
    let minimum = Minimum { index: 512, recorded: 701 };
    // Before the file: nothing happened. Behind it: bundles lie below the beginning, all or the later ones.
    for gone in [0, 1] {
        whole.write("minimum", minimum.to_text());
        if gone == 1 {
            whole.remove("tile/entries/000");
        }
        assert_eq!(whole.verify().expect("accepted").minimum, 512);
        prune(&reader(&whole), minimum).expect("pruned");
        assert!(
            !whole.file("tile/entries/000").exists() && !whole.file("tile/entries/001").exists()
        );
        whole.write("tile/entries/000", b"put back by nobody");
        whole.write("tile/entries/001", b"put back by nobody");
    }
}

#[test]
fn entries_that_are_missing_without_a_record_are_missing() {
    let vault = log_with(&pruned_draft(512, 200 * DAY, 1));
    vault.remove("tile/entries/000");
    let finding = vault.finding();
    assert_eq!((finding.class, finding.index), (Class::Truncated, Some(0)));
    let missing = |minimum: &str| {
        let vault = pruned(512);
        vault.write("minimum", minimum);
        vault.finding().class
    };
    assert_eq!(missing("512\n700\n"), Class::PruneUnrecorded, "another entry");
    assert_eq!(missing("512\n702\n"), Class::PruneUnrecorded, "an entry that is not covered");
    assert_eq!(missing("512\n9223372036854775807\n"), Class::PruneUnrecorded);
    assert_eq!(missing("256\n701\n"), Class::Truncated, "fewer than are gone");
    for malformed in
        ["", "512", "512\n", "512\n701", "0512\n701\n", "512\n701\n\n", "500\n701\n", "702\n701\n"]
    {
        assert_eq!(missing(malformed), Class::PruneUnrecorded, "{malformed:?}");
    }
    let vault = pruned(256);
    vault.remove("tile/entries/001");
    vault.write("minimum", "512\n701\n");
    let finding = vault.finding();
    assert_eq!(
        (finding.class, finding.index),
        (Class::PruneUnrecorded, Some(701)),
        "more than recorded"
    );
    let vault = pruned(512);
    vault.remove("minimum");
    assert_eq!(vault.finding().class, Class::Truncated);
    std::os::unix::fs::symlink("checkpoint", vault.file("minimum")).expect("linked");
    assert_eq!(vault.finding().class, Class::PruneUnrecorded);
}

#[test]
fn pruning_before_the_shortest_retention_is_found() {
    let age = PRUNE_AGE_SECONDS_MIN;
    for (before, found) in [(400 * DAY + 1 - age, false), (400 * DAY + 2 - age, true)] {
        let vault = log_with(&pruned_draft(512, before, 1));
        prune(&reader(&vault), Minimum { index: 512, recorded: 701 }).expect("pruned");
        let class = vault.verify().err().map(|_| vault.finding().class);
        assert_eq!(class, found.then_some(Class::PruneEarly));
    }
}

#[test]
fn record_of_a_pruning_that_says_too_little_is_none() {
    let mut bare = Draft::new(Event::SysPrune, Outcome::Success, [9; 16]);
    let mut refused = pruned_draft(512, 200 * DAY, 1);
    refused.outcome = Outcome::Error;
    bare.detail.insert("minimum", Scalar::U64(512));
    for record in [bare, refused] {
        let vault = log_with(&record);
        prune(&reader(&vault), Minimum { index: 512, recorded: 701 }).expect("pruned");
        assert_eq!(vault.finding().class, Class::PruneUnrecorded);
    }
}

#[test]
fn kept_entries_cite_the_policy_that_the_pruning_names_and_no_other_from_before() {
    let vault = log_with(&pruned_draft(512, 200 * DAY, 2));
    vault.verify().expect("nothing is pruned yet");
    prune(&reader(&vault), Minimum { index: 512, recorded: 701 }).expect("pruned");
    let finding = vault.finding();
    assert_eq!((finding.class, finding.index), (Class::PolicyUnknown, Some(512)));
}

#[test]
fn hash_of_a_pruned_entry_cannot_be_changed() {
    for (path, at) in [("tile/0/000", 40), ("tile/0/001", 8_191)] {
        let vault = pruned(512);
        vault.change(path, |bytes| bytes[at] ^= 1);
        let finding = vault.finding();
        assert_eq!(finding.class, Class::TileChanged, "{path}");
        assert!(finding.index.is_some_and(|index| index < 512));
    }
    let vault = pruned(512);
    vault.remove("tile/0/000");
    assert_eq!(vault.finding().class, Class::Truncated);
    let vault = pruned(512);
    vault.change("tile/0/001", |bytes| bytes.truncate(8_000));
    assert_eq!(vault.finding().class, Class::Truncated);
    let vault = pruned(512);
    vault.change_entries("tile/entries/002.p/190", |entries| entries[3][20] ^= 1);
    let finding = vault.finding();
    assert_eq!((finding.class, finding.index), (Class::EntryChanged, Some(515)));
}

#[test]
fn log_that_is_pruned_while_it_is_read_is_read_again_and_not_accused() {
    let vault = log_with(&pruned_draft(512, 200 * DAY, 1));
    struct Prunes<'a>(&'a Vault);
    impl gridvault_audit::verify::Visitor for Prunes<'_> {
        fn entry(&mut self, index: u64, _entry: &[u8]) {
            if index == 3 {
                prune(&reader(self.0), Minimum { index: 512, recorded: 701 }).expect("pruned");
            }
        }
    }
    let policy = Policy::of_log(key().verifier());
    let shelf = Shelf::open(&vault.path).expect("a log");
    let read = verify_log(shelf, &policy, &Default::default(), &mut Prunes(&vault));
    assert!(matches!(read, Err(VerifyError::Moved)), "{read:?}");
    assert_eq!(vault.verify().expect("accepted").minimum, 512);
}

#[test]
fn record_whose_last_entry_was_pruned_is_counted_and_not_judged() {
    let vault = pruned(512);
    let list = format!(
        "gridvault-digests v1\nlog {ORIGIN}\nsize 702\nrecords 1\n{} 1 {}\n",
        "A".repeat(22),
        "A".repeat(43)
    );
    let mut ledger = Ledger::read(&mut list.as_bytes(), 0, 1).expect("a list");
    let policy = Policy::of_log(key().verifier());
    let shelf = Shelf::open(&vault.path).expect("a log");
    verify_log(shelf, &policy, &Default::default(), &mut ledger).expect("accepted");
    ledger.judge().expect("nothing speaks against it");
    assert_eq!(ledger.unjudged(), 1);
}

#[test]
fn record_that_names_a_kept_entry_must_have_it_and_one_of_a_pruned_entry_is_counted() {
    let vault = pruned(512);
    for (index, is_judged) in [(0, false), (511, false), (512, true), (701, true)] {
        let list = format!(
            "gridvault-digests v2\nlog {ORIGIN}\nsize 702\nrecords 1\n{} 1 {} {index}\n",
            "A".repeat(22),
            "A".repeat(43)
        );
        let mut ledger = Ledger::read(&mut list.as_bytes(), 0, 1).expect("a list");
        let policy = Policy::of_log(key().verifier());
        let shelf = Shelf::open(&vault.path).expect("a log");
        verify_log(shelf, &policy, &Default::default(), &mut ledger).expect("accepted");
        match (ledger.judge(), is_judged) {
            (Ok(()), false) => assert_eq!(ledger.unjudged(), 1, "{index}"),
            (Err(VerifyError::Tampered(finding)), true) => {
                assert_eq!(finding.class, Class::RecordUnknown, "{index}");
            }
            (other, _) => panic!("{index}: {other:?}"),
        }
    }
}

#[test]
fn log_that_pruned_nothing_says_so() {
    let vault = Vault::of(&entries(0..300));
    assert_eq!(vault.verify().expect("accepted").minimum, 0);
    assert_eq!(reader(&vault).minimum().expect("read"), Minimum::default());
}
