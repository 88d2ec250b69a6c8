//! What every answer carries beside its body, and the forms of ids, times and receipts in it.
//! Never cached, never guessed at by a browser, and always marked as invented where it is.
//! Clients are built on these forms.

use super::bodies::{REGISTRATION, adult};
use super::harness::shared;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use std::collections::BTreeSet;

/// Whether the text is an id of the vault: a UUID of version 7 in lower case.
fn is_id(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    let digits = text.bytes().all(|byte| b"0123456789abcdef-".contains(&byte));
    parts == [8, 4, 4, 4, 12] && digits && text.as_bytes()[14] == b'7'
}

#[test]
fn every_answer_is_kept_by_nobody_and_says_that_the_data_is_invented() {
    let demo = shared();
    let worker = demo.worker(1);
    let mut ids = BTreeSet::new();
    for reply in [
        demo.get("/healthz"),
        demo.get("/openapi.json"),
        demo.get("/v1/purposes"),
        worker.get("/v1/purposes"),
        worker.get("/nowhere"),
        worker.read(demo.sample_record(), "name", REGISTRATION),
        worker.create(&json!({"basis": {"purpose": REGISTRATION}})),
    ] {
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("synthetic"), "true");
        let id = reply.header("request-id").to_owned();
        assert_eq!(id.len(), 36, "{id}");
        assert!(ids.insert(id), "a request id twice");
    }
}

#[test]
fn answer_with_data_carries_its_receipt_in_body_and_header() {
    let demo = shared();
    let worker = demo.worker(1);
    let reply = worker.read(demo.sample_record(), "name", REGISTRATION).expect(200);
    let receipt = &reply.body["receipt"];
    assert_eq!(receipt["log"], demo.origin());
    let index = receipt["index"].as_u64().expect("an index");
    assert_eq!(reply.header("audit-receipt"), format!("{}#{index}", demo.origin()));
    let leaf = BASE64_URL_SAFE_NO_PAD.decode(receipt["leaf"].as_str().expect("a leaf"));
    assert_eq!(leaf.expect("base64url").len(), 32);
    assert_eq!(reply.header("content-type"), "application/json");
}

#[test]
fn ids_are_of_one_form_and_tell_nothing_of_each_other() {
    let demo = shared();
    let worker = demo.worker(1);
    let mut ids = BTreeSet::new();
    for _ in 0..3 {
        let reply = worker.create(&adult(worker.grid())).expect(201);
        for name in ["id", "subject"] {
            assert!(is_id(reply.text_of(name)), "{}", reply.text);
            assert!(ids.insert(reply.text_of(name).to_owned()));
        }
    }
    let entry_handle = {
        let reply = worker.create(&adult(worker.grid())).expect(201);
        let id = reply.text_of("id").replace('-', "");
        let entry = demo.entry_of(&reply);
        let handle = entry["rec"][0].as_str().expect("a handle").to_owned();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&handle).expect("base64url");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_ne!(hex, id, "the log does not name records by the ids that clients keep");
        hex
    };
    assert_eq!(entry_handle.len(), 32);
}

#[test]
fn records_and_subjects_keep_their_handles_from_entry_to_entry() {
    let demo = shared();
    let worker = demo.worker(1);
    let created = worker.create(&adult(worker.grid())).expect(201);
    let read = worker.read(created.text_of("id"), "name", REGISTRATION).expect(200);
    let (first, second) = (demo.entry_of(&created), demo.entry_of(&read));
    assert_eq!(first["rec"], second["rec"]);
    assert_eq!(first["sub"], second["sub"]);
}

#[test]
fn head_of_a_read_is_a_read() {
    let demo = shared();
    let worker = demo.worker(1);
    let path = format!("/v1/records/{}?fields=name", demo.sample_record());
    let reply = worker.call("HEAD", &path).purpose(REGISTRATION).send().expect(200);
    assert_eq!(reply.text, "");
    let receipt = reply.header("audit-receipt").to_owned();
    let index = receipt.rsplit_once('#').and_then(|(_, index)| index.parse().ok());
    let entry = demo.entry(index.expect("an index"));
    assert_eq!((&entry["ev"], &entry["act"]), (&json!("data"), &json!("read")));
    demo.call("HEAD", &path).purpose(REGISTRATION).send().expect(401);
}
