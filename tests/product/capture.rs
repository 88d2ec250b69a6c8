//! What a device captured offline and sends until it is answered: one capture is one record, for ever.
//! Never two records, whatever the repeat says, and never again a record that was removed.
//! The calling system's own name for a record is a term in the index and nothing that could be read.

use super::actor::Actor;
use super::batch::{items, send_lines};
use super::bodies::{REGISTRATION, adult, basis, place};
use super::client::Reply;
use super::harness::{Demo, shared};
use gridvault::limits::EXTERNAL_REF_CHARACTERS_MAX;
use serde_json::{Value, json};
use std::path::Path;

fn captured(worker: &Actor, capture: &str) -> Value {
    let mut body = adult(worker.grid());
    body["capture_id"] = json!(capture);
    body
}

fn without_version(reply: &Reply) -> Value {
    let mut body = reply.body.clone();
    body.as_object_mut().and_then(|members| members.remove("version"));
    body
}

#[test]
fn capture_that_is_sent_again_is_its_first_record_whatever_it_says() {
    let demo = shared();
    let worker = demo.worker(1);
    let capture = "6f1c8d0e-7d3b-4a43-9a55-3f1d0c2b7a01";
    let first = worker.create(&captured(&worker, capture)).expect(201);
    demo.entry_of(&first);
    let second = worker.create(&captured(&worker, capture)).expect(200);
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("audit-receipt"), first.header("audit-receipt"));
    assert_eq!(second.header("etag"), "\"1\"");
    worker.patch(first.text_of("id"), 1, REGISTRATION, json!({"sex": "1"})).expect(200);
    let mut nonsense = captured(&worker, &capture.to_ascii_uppercase());
    nonsense["fields"] = json!({"phone": "no number"});
    let third = worker.create(&nonsense).expect(200);
    assert_eq!(third.body["version"], 2);
    assert_eq!(without_version(&third), without_version(&first));
}

#[test]
fn captures_of_two_callers_do_not_meet() {
    let demo = shared();
    let (one, two) = (demo.worker(1), demo.worker(2));
    let capture = "6f1c8d0e-7d3b-4a43-9a55-3f1d0c2b7a02";
    let first = one.create(&captured(&one, capture)).expect(201);
    let second = two.create(&captured(&two, capture)).expect(201);
    assert_ne!(first.text_of("id"), second.text_of("id"));
}

#[test]
fn capture_of_a_removed_record_is_not_stored_again() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = captured(&worker, "6f1c8d0e-7d3b-4a43-9a55-3f1d0c2b7a03");
    let first = worker.create(&body).expect(201);
    demo.head(1).delete(first.text_of("id"), 1, REGISTRATION).expect(200);
    let reply = worker.create(&body).refused(410, "erased");
    assert_eq!(demo.entry_of(&reply)["why"], "erased");
}

#[test]
fn household_that_is_sent_again_is_its_first_one() {
    let demo = shared();
    let worker = demo.worker(2);
    let grid = worker.grid();
    let household = |count: usize| {
        let people: Vec<Value> = (0..count)
            .map(|one| json!({"ref": format!("p{one}"), "fields": adult(grid)["fields"]}))
            .collect();
        json!({
            "grid": grid, "basis": basis(REGISTRATION), "fields": {"kind": "family"},
            "capture_id": "6f1c8d0e-7d3b-4a43-9a55-3f1d0c2b7a04",
            "dwelling": {"fields": place(grid)["fields"]}, "people": people,
        })
    };
    let first = worker.create_household(&household(2)).expect(201);
    assert_eq!(first.body["version"], 1);
    let second = worker.create_household(&household(3)).expect(200);
    let mut expected = first.body.clone();
    for person in expected["people"].as_array_mut().expect("people") {
        // What the items called each other is not kept.
        person.as_object_mut().expect("an object").remove("ref");
    }
    assert_eq!(second.body, expected);
    demo.head(2).delete(first.text_of("id"), 1, REGISTRATION).expect(200);
    worker.create_household(&household(2)).refused(410, "erased");
}

#[test]
fn capture_in_a_batch_is_stored_once() {
    let demo = shared();
    let worker = demo.worker(3);
    let capture = "6f1c8d0e-7d3b-4a43-9a55-3f1d0c2b7a05";
    let line = |capture: &str| format!("{}\n", captured(&worker, capture));
    // Twice in one batch: both may be worked on at the same time.
    let lines = [line(capture), line(capture)].concat();
    let found = items(&send_lines(&worker, REGISTRATION, None, lines.as_bytes()));
    assert_eq!((&found[0]["status"], &found[1]["status"]), (&json!(201), &json!(200)));
    assert_eq!(found[0]["id"], found[1]["id"]);
    assert_eq!(found[0]["receipt"], found[1]["receipt"]);
    let alone = worker.create(&captured(&worker, capture)).expect(200);
    assert_eq!(alone.body["id"], found[0]["id"]);
}

#[test]
fn words_that_are_no_capture_or_reference_are_refused() {
    let demo = shared();
    let worker = demo.worker(3);
    for capture in [json!("17"), json!(""), json!(17), json!("6f1c8d0e7d3b4a439a553f1d0c2b7a05")] {
        let mut body = adult(worker.grid());
        body["capture_id"] = capture;
        worker.create(&body).refused(400, "schema_invalid");
    }
    let with = |reference: Value| {
        let mut body = adult(worker.grid());
        body["external_ref"] = reference;
        worker.create(&body)
    };
    with(json!("户".repeat(EXTERNAL_REF_CHARACTERS_MAX))).expect(201);
    with(json!("户".repeat(EXTERNAL_REF_CHARACTERS_MAX + 1))).refused(400, "schema_invalid");
    for bad in [json!(""), json!("a\u{0}"), json!(7), json!("\u{202e}a")] {
        with(bad).refused(400, "schema_invalid");
    }
}

/// Every file under a directory holds these bytes nowhere.
fn assert_nowhere(directory: &Path, planted: &[u8]) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            assert_nowhere(&path, planted);
        } else {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let found = memchr::memmem::find(&bytes, planted).is_some();
            assert!(!found, "{} holds it", path.display());
        }
    }
}

#[test]
fn keys_captures_and_references_are_kept_in_no_file() {
    let demo = Demo::own();
    let worker = demo.worker(1);
    let (key, reference) = ("key-planted-91d3", "reference-planted-77c1");
    let capture = "6f1c8d0e-7d3b-4a43-9a55-3f1d0c2b7a06";
    let mut body = captured(&worker, capture);
    body["external_ref"] = json!(reference);
    let call = worker.call("POST", "/v1/records").purpose(REGISTRATION).json(&body);
    let reply = call.header("idempotency-key", key).send().expect(201);
    demo.entry_of(&reply);
    let bytes = capture.replace('-', "");
    let bytes: Vec<u8> = (0..16)
        .map(|at| u8::from_str_radix(&bytes[2 * at..2 * at + 2], 16).expect("hex"))
        .collect();
    for planted in [key.as_bytes(), reference.as_bytes(), capture.as_bytes(), &bytes] {
        assert_nowhere(demo.directory(), planted);
    }
}
