//! The log as an auditor holds it: read over the interface, proven by receipts, verified as files.
//! Never believes the service: the verifier of the log's own crate judges, with the key alone.
//! One byte changed anywhere in the entries must be found, with its place.

use super::bodies::{REGISTRATION, adult};
use super::entries::happened;
use super::harness::{Demo, copied, shared};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::verifier_key;
use gridvault_audit::verify::{Class, VerifierKey, VerifyError, verify_directory, verify_proof};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn key(demo: &Demo) -> VerifierKey {
    VerifierKey::parse(demo.log_key()).expect("the key of the page")
}

fn leaf_of(reply: &super::client::Reply) -> [u8; 32] {
    let leaf = reply.body["receipt"]["leaf"].as_str().expect("a receipt");
    let leaf = BASE64_URL_SAFE_NO_PAD.decode(leaf).expect("base64url");
    leaf.try_into().expect("32 bytes")
}

#[test]
fn entry_of_a_read_says_who_saw_what_of_whom_and_by_which_rule() {
    let demo = shared();
    let worker = demo.worker(1);
    let reply = worker.read(demo.sample_record(), "phone,id_number,name", REGISTRATION);
    let reply = reply.expect(200);
    let entry = demo.entry_of(&reply);
    assert_eq!(happened(&entry), "data.read success");
    for (member, value) in [
        ("who", json!(worker.id)),
        ("role", json!("grid_worker")),
        ("scope", json!(worker.grid())),
        ("grid", json!(worker.grid())),
        ("typ", json!("person")),
        ("pur", json!(REGISTRATION)),
        ("basis", json!("residence_permit_duty")),
        ("fld", json!(["phone", "name"])),
        ("view", json!(["raw", "raw"])),
        ("ver", json!([1, 1])),
        ("aal", json!(1)),
        ("v", json!(1)),
    ] {
        assert_eq!(entry[member], value, "{member}");
    }
    assert!(entry["rule"].as_str().is_some_and(|rule| rule.starts_with("grid_worker/")));
    for member in ["asg", "sess", "req", "ctx"] {
        assert!(entry[member].is_string(), "{member}");
    }
    for member in ["rec", "sub"] {
        assert_eq!(entry[member].as_array().map(Vec::len), Some(1), "{member}");
    }
    let policy = demo.entry(entry["pol"].as_u64().expect("a policy"));
    assert_eq!(happened(&policy), "policy.activated success");
}

#[test]
fn entry_of_a_refusal_says_who_was_refused_what_and_why() {
    let demo = shared();
    let worker = demo.worker(1);
    let reply = worker.read(demo.sample_record(), "id_number", REGISTRATION).refused(403, "denied");
    let entry = demo.entry_of(&reply);
    assert_eq!(happened(&entry), "access.denied denied");
    for (member, value) in [
        ("who", json!(worker.id)),
        ("why", json!("denied")),
        ("pur", json!(REGISTRATION)),
        ("typ", json!("person")),
        ("grid", json!(worker.grid())),
    ] {
        assert_eq!(entry[member], value, "{member}");
    }
    assert_eq!(entry["rec"].as_array().map(Vec::len), Some(1), "who may know is recorded with it");
    assert!(entry["view"].is_null());
}

#[test]
fn receipt_is_proven_to_who_holds_it() {
    let demo = shared();
    let worker = demo.worker(1);
    let reply = worker.read(demo.sample_record(), "name", REGISTRATION).expect(200);
    let (index, leaf) = (reply.index(), leaf_of(&reply));
    let text = BASE64_URL_SAFE_NO_PAD.encode(leaf);
    for holder in [worker, demo.worker(2), demo.role("system_admin")] {
        let proof = holder.get(&format!("/v1/receipts/{index}/proof?leaf={text}")).expect(200);
        assert_eq!(proof.header("content-type"), "text/plain; charset=utf-8");
        assert!(proof.header("audit-receipt").starts_with(demo.origin()));
        let summary = verify_proof(proof.text.as_bytes(), &key(demo), &leaf);
        assert_eq!(summary.expect("the proof holds").index, index);
        let mut other = leaf;
        other[0] ^= 1;
        let finding = verify_proof(proof.text.as_bytes(), &key(demo), &other);
        assert_eq!(finding.expect_err("another leaf").class, Class::ProofWrong);
    }
}

#[test]
fn proof_is_not_given_to_who_does_not_know_the_leaf() {
    let demo = shared();
    let worker = demo.worker(1);
    let first = worker.read(demo.sample_record(), "name", REGISTRATION).expect(200);
    let second = worker.read(demo.sample_record(), "name", REGISTRATION).expect(200);
    let text = |leaf: [u8; 32]| BASE64_URL_SAFE_NO_PAD.encode(leaf);
    let ask =
        |index: &str, leaf: &str| worker.get(&format!("/v1/receipts/{index}/proof?leaf={leaf}"));
    let index = first.index().to_string();
    let leaf = text(leaf_of(&first));
    ask(&index, &text(leaf_of(&second))).refused(404, "not_found");
    ask(&index, &text([0; 32])).refused(404, "not_found");
    ask("99999999", &leaf).refused(404, "not_found");
    ask("18446744073709551615", &leaf).refused(404, "not_found");
    for wrong in ["-1", "x", "01x"] {
        ask(wrong, &leaf).refused(404, "not_found");
    }
    for wrong in ["", "x", &leaf[..42], &format!("{leaf}A"), &format!("{leaf}=")] {
        ask(&index, wrong).refused(400, "schema_invalid");
    }
    worker.get(&format!("/v1/receipts/{index}/proof")).refused(400, "schema_invalid");
    demo.get(&format!("/v1/receipts/{index}/proof?leaf={leaf}")).refused(401, "token_invalid");
}

#[test]
fn entries_are_paged_and_reading_them_is_an_entry() {
    let demo = shared();
    let auditor = demo.role("compliance_auditor");
    let page = auditor.get("/v1/audit/entries?from=3&limit=5").expect(200);
    let entries = page.body["entries"].as_array().expect("a list");
    let numbers: Vec<u64> = entries.iter().filter_map(|entry| entry["seq"].as_u64()).collect();
    assert_eq!(numbers, [3, 4, 5, 6, 7]);
    assert_eq!(page.body["next"], 8);
    let entry = demo.entry_of(&page);
    assert_eq!(
        (happened(&entry).as_str(), &entry["who"]),
        ("audit.read success", &json!(auditor.id),)
    );
    let size = page.body["size"].as_u64().expect("a count");
    assert!(size > 100);
    let whole = auditor.get("/v1/audit/entries").expect(200);
    assert_eq!(whole.body["entries"].as_array().map(Vec::len), Some(100));
    let beyond = auditor.get("/v1/audit/entries?from=99999999").expect(200);
    assert_eq!(beyond.body["entries"], json!([]));
    let (next, size) = (beyond.body["next"].as_u64(), beyond.body["size"].as_u64());
    assert_eq!(next, size);
    for wrong in ["limit=0", "limit=101", "limit=x", "from=-1", "from=x", "who=me", "limit="] {
        let reply = auditor.get(&format!("/v1/audit/entries?{wrong}"));
        reply.refused(400, "schema_invalid");
    }
}

/// A vault that worked, stopped and left its log.
fn stopped() -> Demo {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let created = worker.create(&adult(worker.grid())).expect(201);
    worker.read(created.text_of("id"), "name,phone", REGISTRATION).expect(200);
    demo.worker(2).read(created.text_of("id"), "name", REGISTRATION).refused(404, "not_found");
    verify_directory(&demo.log_directory(), &key(&demo), None).expect("it verifies while it grows");
    assert_eq!(demo.stop(), Some(0));
    demo
}

#[test]
fn log_verifies_with_its_key_and_with_no_other() {
    let demo = stopped();
    let directory = demo.log_directory();
    let summary = verify_directory(&directory, &key(&demo), None).expect("the log holds");
    let log = demo.log();
    assert_eq!(summary.head.size, log.size().expect("a checkpoint"));
    assert!(!summary.beyond, "a stop leaves nothing behind the checkpoint");
    let other = verifier_key(demo.origin(), &[9; 32]);
    let other = VerifierKey::parse(&other).expect("a key of the same log");
    let error = verify_directory(&directory, &other, None).expect_err("another key");
    assert!(matches!(error, VerifyError::Tampered(finding) if finding.class == Class::KeyUnknown));
    let entries = log.entries(0, 100_000).expect("every entry");
    let words: Vec<String> = entries
        .iter()
        .map(|entry| happened(&serde_json::from_slice::<Value>(entry).expect("JSON")))
        .collect();
    let count = |word: &str| words.iter().filter(|one| *one == word).count();
    assert_eq!(words.last().map(String::as_str), Some("sys.stop success"));
    for once in ["sys.init success", "sys.start success", "policy.activated success"] {
        assert_eq!(count(once), 1, "{once}");
    }
    assert_eq!(count("admin.enrol success"), demo.actors().len());
}

#[test]
fn one_changed_byte_of_any_entry_is_found_with_its_index() {
    let demo = stopped();
    let size = demo.log().size().expect("a checkpoint");
    assert!(size > 300, "more than one bundle");
    for index in [0, 1, 100, 255, 256, 300, size - 1] {
        let copy = tempfile::tempdir().expect("a temporary directory");
        copied(&demo.log_directory(), copy.path());
        flip(copy.path(), index, size);
        let error = verify_directory(copy.path(), &key(&demo), None).expect_err("a changed entry");
        let VerifyError::Tampered(finding) = error else { panic!("not judged: {error}") };
        assert_eq!((finding.class, finding.index), (Class::EntryChanged, Some(index)));
    }
    verify_directory(&demo.log_directory(), &key(&demo), None).expect("the log itself holds");
}

/// Changes one byte in the middle of an entry, in every file that holds its bundle.
fn flip(log: &Path, index: u64, size: u64) {
    let (number, place) = (index / 256, index % 256);
    let whole = log.join(format!("tile/entries/{number:03}"));
    let parts = PathBuf::from(format!("{}.p", whole.display()));
    if number < size / 256 {
        return flip_in(&whole, place);
    }
    // A slow machine publishes while the vault works, and what was published before stays beside.
    for part in std::fs::read_dir(parts).expect("the unfinished bundle") {
        let part = part.expect("a file").path();
        let width = part.file_name().and_then(|name| name.to_str()).and_then(|n| n.parse().ok());
        if width.is_some_and(|width: u64| place < width) {
            flip_in(&part, place);
        }
    }
}

fn flip_in(file: &Path, place: u64) {
    let mut bytes = std::fs::read(file).expect("the bundle");
    let mut at = 0;
    let length =
        |at: usize, bytes: &[u8]| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    for _ in 0..place {
        at += 2 + length(at, &bytes);
    }
    let middle = at + 2 + length(at, &bytes) / 2;
    bytes[middle] ^= 0x01;
    std::fs::write(file, bytes).expect("the changed bundle");
}
