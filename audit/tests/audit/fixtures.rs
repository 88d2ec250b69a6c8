//! A log of version 1 as it was written once, kept byte for byte: later writers make the same, later verifiers read it.
//!
//! `GRIDVAULT_BLESS=1` writes it anew, which is a change of the format.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gridvault_audit::verify::{
    Class, Expectations, Ledger, Policy, Shelf, VerifyError, verify_log, verify_proof_under,
};
use gridvault_audit::{Log, LogReader, keep_witnessed, leaf_hash};

use crate::support::{ORIGIN, Vault, Witness, copy, entries, entry, key};

/// When the fixture's witnesses cosigned.
const TIME: u64 = 1_790_000_001;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1")
}

fn witness(number: u8) -> Witness {
    Witness::new(&format!("witness.example/w{number}"), 100 + number)
}

fn policy() -> String {
    format!(
        "# Two offices, either of which may cosign.\nlog {}\nwitness office-1 {}\nwitness office-2 {}\n\
         group offices any office-1 office-2\nquorum offices\n",
        key().vkey(),
        witness(1).vkey(),
        witness(2).vkey()
    )
}

/// The fixture, written by the code of today.
fn write(directory: &Path) {
    let log_directory = directory.join("log");
    let mut log = Log::create(&log_directory, ORIGIN).expect("a new log");
    log.append(0, &entries(0..258)).expect("appended");
    log.publish(&key()).expect("published");
    let note = fs::read_to_string(log_directory.join("checkpoint")).expect("a note");
    let text = note.split("\n\n").next().expect("a text").to_owned() + "\n";
    let cosigned = note + &witness(1).line(&text, TIME) + &witness(2).line(&text, TIME + 1);
    keep_witnessed(&log_directory, ORIGIN, &cosigned).expect("kept");
    log.append(258, &entries(258..260)).expect("appended");
    log.publish(&key()).expect("published");
    drop(log);
    fs::remove_file(log_directory.join("lock")).expect("a lock");
    let reader = LogReader::open(&log_directory, ORIGIN).expect("a reader");
    fs::write(directory.join("7.tlog-proof"), reader.proof_file(7).expect("covered"))
        .expect("written");
    fs::write(directory.join("7.entry"), entry(7)).expect("written");
    fs::write(directory.join("policy"), policy()).expect("written");
    fs::write(directory.join("certificate.tar"), crate::certificates::kept()).expect("written");
    fs::write(
        directory.join("digests"),
        format!("gridvault-digests v1\nlog {ORIGIN}\nsize 260\nrecords 0\n"),
    )
    .expect("written");
}

/// Every file beneath a directory: path and content.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![root.to_path_buf()];
    while let Some(directory) = left.pop() {
        for item in fs::read_dir(&directory).expect("a directory").flatten() {
            let path = item.path();
            if path.is_dir() {
                left.push(path);
            } else {
                let below = path.strip_prefix(root).expect("beneath").to_owned();
                found.insert(below, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

#[test]
fn writer_of_today_makes_the_log_of_version_1_byte_for_byte() {
    let directory = tempfile::TempDir::new().expect("a directory");
    write(directory.path());
    if std::env::var_os("GRIDVAULT_BLESS").is_some() {
        let _may_be_new = fs::remove_dir_all(root());
        copy(directory.path(), &root());
    }
    let (today, kept) = (files(directory.path()), files(&root()));
    assert_eq!(today.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
    for (path, bytes) in &kept {
        assert_eq!(today[path], *bytes, "{}", path.display());
    }
}

#[test]
fn verifier_of_today_reads_the_log_of_version_1() {
    let kept = fs::read(root().join("policy")).expect("a policy");
    let policy = Policy::parse(&kept).expect("a policy");
    let list = fs::read(root().join("digests")).expect("a list");
    let mut ledger = Ledger::read(&mut &list[..], 0, 1).expect("a list");
    let expected = Expectations { now_seconds: Some(TIME + 60), ..Expectations::default() };
    let shelf = Shelf::open(&root().join("log")).expect("a log");
    let summary = verify_log(shelf, &policy, &expected, &mut ledger).expect("accepted");
    ledger.judge().expect("no record");
    assert_eq!(summary.head.size, 260);
    let witnessed = summary.witnessed.expect("asked for");
    assert_eq!((witnessed.head.size, witnessed.cosignatures.len()), (258, 2));

    let proof = fs::read(root().join("7.tlog-proof")).expect("a proof");
    let leaf = leaf_hash(&fs::read(root().join("7.entry")).expect("an entry"));
    let shown = verify_proof_under(&proof, &policy, Some(TIME + 60), &leaf).expect("holds");
    assert_eq!((shown.index, shown.head.size, shown.cosignatures.len()), (7, 258, 2));
}

#[test]
fn changed_copy_of_the_log_of_version_1_is_refused() {
    let vault = Vault::empty();
    copy(&root().join("log"), &vault.path);
    vault.verify().expect("a copy is as good");
    vault.change("tile/entries/000", |bytes| bytes[1000] ^= 1);
    let Err(VerifyError::Tampered(finding)) = vault.verify() else { panic!("not found") };
    assert!(matches!(finding.class, Class::EntryChanged | Class::BundleMalformed), "{finding:?}");
}
