//! Certificates of erasures: one that holds, the kept one of version 1, and copies in which anything is other than it was.
//! Never by the vault's own program: archive, entries and log are made here.
//! What is changed is changed as somebody would who has the files and not the log's key.

use std::path::{Path, PathBuf};

use gridvault_audit::certificate::{
    CERTIFICATE_ENTRIES_COUNT_MAX, CERTIFICATE_FILE, CertificateError, CertificateSummary,
    verify_certificate,
};
use gridvault_audit::pack::{
    ENTRIES_FOLDER, LIST_FILE, PROOFS_FOLDER, PackError, SEAL_ENTRY, SEAL_PROOF,
};
use gridvault_audit::{Draft, Event, Log, LogReader, Outcome, Scalar};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::support::{Key, ORIGIN, Vault, key};

const ERASURE: [u8; 16] = [0x31; 16];
const ERASURE_TEXT: &str = "31313131-3131-3131-3131-313131313131";
const ERASURE_IN_ENTRIES: &str = "MTExMTExMTExMTExMTExMQ";
const SUBJECT: [u8; 16] = [0x32; 16];
const SUBJECT_TEXT: &str = "MjIyMjIyMjIyMjIyMjIyMg";
const BLOCK_BYTES: usize = 512;

/// A step of the erasure: what it is, and how many records were left.
fn step(event: Event, left: Option<u64>) -> Draft<'static> {
    let mut draft = Draft::new(event, Outcome::Success, [9; 16]);
    (draft.apr, draft.sub, draft.rec) = (Some(ERASURE), vec![SUBJECT], vec![[0x33; 16]]);
    draft.detail.extend(left.map(|left| ("left", Scalar::U64(left))));
    draft
}

fn destroyed(erasures: &str) -> Draft<'static> {
    let mut draft = Draft::new(Event::KeyDestroy, Outcome::Success, [8; 16]);
    draft.detail.insert("buckets", Scalar::U64(1));
    draft.detail.insert("erasures", Scalar::Str(erasures.to_owned()));
    draft
}

fn issued() -> Draft<'static> {
    step(Event::SubjectCertificate, None)
}

/// The entries of an erasure in three steps, and of the destruction among those of others.
fn usual() -> Vec<Draft<'static>> {
    vec![
        step(Event::SubjectErase, Some(3)),
        step(Event::DataErase, Some(1)),
        step(Event::DataErase, None),
        destroyed(&format!("AAAAAAAAAAAAAAAAAAAAAA,{ERASURE_IN_ENTRIES}")),
    ]
}

/// What the certificate says of itself, for entries from 0 on of which the last is the destruction.
fn statement(count: u64) -> Value {
    json!({
        "destroyed": count - 1, "entries": (0..count - 1).collect::<Vec<u64>>(), "erasure": ERASURE_TEXT,
        "form": "gridvault-erasure/1", "made_at": "2026-09-21T08:00:00Z", "origin": ORIGIN, "subject": SUBJECT_TEXT,
    })
}

/// A certificate over these entries of a fresh log, which another entry seals.
fn certificate(entries: &[Draft<'_>], says: &Value, seal: Draft<'_>) -> Vec<u8> {
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
    let bytes = |(index, draft): (usize, &Draft<'_>)| {
        let index = u64::try_from(index).expect("few");
        draft.encode(index, 1_790_000_000_000_000 + index, index).expect("an entry")
    };
    let texts: Vec<Vec<u8>> = entries.iter().enumerate().map(bytes).collect();
    let all: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    log.append(0, &all).expect("appended");
    log.publish(&key()).expect("published");
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let reader = LogReader::open(&vault.path, ORIGIN).expect("a reader");
    for (index, text) in texts.iter().enumerate() {
        files.push((format!("{ENTRIES_FOLDER}{index:020}.json"), text.clone()));
        let proof = reader.proof_file(u64::try_from(index).expect("few")).expect("covered");
        files.push((format!("{PROOFS_FOLDER}{index:020}.tlog-proof"), proof.into_bytes()));
    }
    files.push((CERTIFICATE_FILE.to_owned(), says.to_string().into_bytes()));
    let list: String = files.iter().map(|(name, content)| line(name, content)).collect();
    let mut seal = seal;
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, list.as_bytes()).as_ref());
    seal.detail.insert("manifest", Scalar::Bytes32(sum));
    let last = texts.len();
    let sealing = bytes((last, &seal));
    let at = u64::try_from(last).expect("few");
    log.append(at, &[&sealing]).expect("appended");
    log.publish(&key()).expect("published");
    files.push((LIST_FILE.to_owned(), list.into_bytes()));
    files.push((SEAL_ENTRY.to_owned(), sealing));
    files.push((SEAL_PROOF.to_owned(), reader.proof_file(at).expect("covered").into_bytes()));
    tar(&files)
}

fn line(name: &str, content: &[u8]) -> String {
    let sum = digest(&SHA256, content);
    let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}  {name}\n")
}

fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in files {
        let mut head = [0; BLOCK_BYTES];
        let mut field = |at: usize, text: &str| {
            head[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        field(0, name);
        field(100, "0000644\0");
        field(124, &format!("{:011o}\0", content.len()));
        field(148, "        ");
        field(156, "0");
        field(257, "ustar\0");
        field(263, "00");
        let sum: u64 = head.iter().map(|byte| u64::from(*byte)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(BLOCK_BYTES), 0);
    }
    bytes.resize(bytes.len() + 2 * BLOCK_BYTES, 0);
    bytes
}

fn judged(certificate: &[u8]) -> Result<CertificateSummary, CertificateError> {
    verify_certificate(certificate, &key().verifier())
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1/certificate.tar")
}

/// The certificate that is kept, written by the code of today.
pub fn kept() -> Vec<u8> {
    certificate(&usual(), &statement(4), issued())
}

#[test]
fn a_certificate_shows_when_everything_was_gone_and_when_its_keys_were() {
    let summary = judged(&kept()).expect("it holds");
    assert_eq!((summary.erasure.as_str(), summary.subject.as_str()), (ERASURE_TEXT, SUBJECT_TEXT));
    assert_eq!((summary.entries, summary.destroyed), (vec![0, 1, 2], 3));
    assert_eq!((summary.pack.sealed_at, summary.pack.entries), (4, 4));
    assert_eq!((summary.pack.head.origin.as_str(), summary.pack.head.size), (ORIGIN, 5));
    // An erasure of one step.
    let short = vec![step(Event::DataErase, None), destroyed(ERASURE_IN_ENTRIES)];
    let summary = judged(&certificate(&short, &statement(2), issued())).expect("it holds");
    assert_eq!((summary.entries, summary.destroyed), (vec![0], 1));
    // Of somebody of whom nothing was held but parts in records of others.
    let parts = vec![
        step(Event::SubjectErase, Some(2)),
        step(Event::SubjectErase, None),
        destroyed(ERASURE_IN_ENTRIES),
    ];
    let summary = judged(&certificate(&parts, &statement(3), issued())).expect("it holds");
    assert_eq!((summary.entries, summary.destroyed), (vec![0, 1], 2));
}

#[test]
fn verifier_of_today_reads_the_certificate_of_version_1() {
    let bytes = std::fs::read(fixture()).expect("a certificate");
    assert_eq!(judged(&bytes).expect("it holds").destroyed, 3);
    let other = Key::new(ORIGIN, 7).verifier();
    assert!(verify_certificate(&bytes[..], &other).is_err(), "the key comes from elsewhere");
}

#[test]
fn a_flip_anywhere_in_a_certificate_is_found() {
    let bytes = std::fs::read(fixture()).expect("a certificate");
    for at in (0..bytes.len()).step_by(37) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(judged(&altered).is_err(), "byte {at}");
    }
    for length in (0..bytes.len() - 2 * BLOCK_BYTES).step_by(BLOCK_BYTES) {
        assert!(judged(&bytes[..length]).is_err(), "cut at {length}");
    }
}

/// What is said of a certificate that is well formed and proven, and shows something else.
fn unshown(entries: &[Draft<'_>], says: &Value, seal: Draft<'_>) -> (&'static str, Option<u64>) {
    match judged(&certificate(entries, says, seal)) {
        Err(CertificateError::Unshown { what, index }) => (what, index),
        other => panic!("it was not refused for what it shows: {other:?}"),
    }
}

#[test]
fn entries_that_do_not_show_an_erasure_are_told_apart() {
    let without_destruction = |other: Draft<'static>| {
        let mut entries = usual();
        entries[3] = other;
        unshown(&entries, &statement(4), issued())
    };
    let none = ("no key was destroyed for it", Some(3));
    assert_eq!(without_destruction(destroyed("AAAAAAAAAAAAAAAAAAAAAA")), none);
    assert_eq!(without_destruction(step(Event::KeyRotate, None)), none);
    let mut failed = destroyed(ERASURE_IN_ENTRIES);
    (failed.outcome, failed.why) = (Outcome::Error, Some("internal".into()));
    assert_eq!(without_destruction(failed), none);

    let with_step = |at: usize, other: Draft<'static>| {
        let mut entries = usual();
        entries[at] = other;
        unshown(&entries, &statement(4), issued())
    };
    let left = "records were left, or went on going";
    assert_eq!(with_step(2, step(Event::DataErase, Some(1))), (left, Some(2)));
    assert_eq!(with_step(2, step(Event::SubjectErase, None)), (left, Some(2)));
    assert_eq!(with_step(1, step(Event::DataErase, None)), (left, Some(1)));
    let no_step = "an entry is no step of an erasure";
    assert_eq!(with_step(1, step(Event::DataDelete, Some(1))), (no_step, Some(1)));
    let mut other = step(Event::DataErase, Some(1));
    other.apr = Some([1; 16]);
    assert_eq!(with_step(1, other), ("an entry is of another erasure", Some(1)));
    let mut other = step(Event::DataErase, Some(1));
    other.sub.push([1; 16]);
    assert_eq!(with_step(1, other), ("an entry is of another erasure", Some(1)));
}

#[test]
fn what_a_certificate_says_of_itself_must_be_what_its_entries_say() {
    let says = |member: &str, value: Value| {
        let mut says = statement(4);
        says[member] = value;
        unshown(&usual(), &says, issued())
    };
    assert_eq!(says("origin", json!("other.example/log")).0, "it is of another log");
    assert_eq!(says("entries", json!([])).0, "it names no entry that removed anything");
    assert_eq!(says("entries", json!([1, 2])).0, "it has other entries than it names");
    assert_eq!(
        says("entries", json!([0, 2, 1])).0,
        "its entries are not in the order of an erasure"
    );
    assert_eq!(says("destroyed", json!(2)).0, "its entries are not in the order of an erasure");
    let another = json!("31313131-3131-3131-3131-313131313132");
    assert_eq!(says("erasure", another).0, "an entry is of another erasure");
    assert_eq!(
        says("subject", json!("MjIyMjIyMjIyMjIyMjIyMw")).0,
        "an entry is of another erasure"
    );
}

#[test]
fn a_certificate_is_sealed_by_the_entry_that_gave_it_out() {
    let wrong = ("it was not given out as this certificate", Some(4));
    assert_eq!(unshown(&usual(), &statement(4), step(Event::AuditExport, None)), wrong);
    let mut other = issued();
    other.apr = Some([1; 16]);
    assert_eq!(unshown(&usual(), &statement(4), other), wrong);
}

#[test]
fn a_certificate_of_another_form_is_malformed_and_not_tampered_with() {
    for (member, value) in [
        ("form", json!("gridvault-erasure/2")),
        ("erasure", json!("not an id")),
        ("name", json!("a member too many")),
        ("destroyed", json!("3")),
    ] {
        let mut says = statement(4);
        says[member] = value;
        let judged = judged(&certificate(&usual(), &says, issued()));
        assert!(matches!(judged, Err(CertificateError::Malformed(_))), "{member}: {judged:?}");
    }
    let missing = judged(b"");
    assert!(matches!(missing, Err(CertificateError::Pack(PackError::Malformed(_)))));
}

#[test]
fn a_certificate_has_entries_to_its_limit_and_not_beyond() {
    for (count, holds) in
        [(CERTIFICATE_ENTRIES_COUNT_MAX, true), (CERTIFICATE_ENTRIES_COUNT_MAX + 1, false)]
    {
        let mut entries: Vec<Draft<'_>> =
            (2..count).map(|at| step(Event::DataErase, Some((count - at) as u64))).collect();
        entries.push(step(Event::DataErase, None));
        entries.push(destroyed(ERASURE_IN_ENTRIES));
        let judged = judged(&certificate(&entries, &statement(count as u64), issued()));
        assert_eq!(judged.is_ok(), holds, "{count}");
    }
}
