//! What is past its end goes by itself: row, terms, key, and every older copy of the key; the log says what went and why.
//! Never with a clock of the test: the purpose of these tests keeps nothing behind a withdrawal, so its end is the same day.
//! Officers find it by what happened, and an auditor finds nothing missing.

use super::actor::Actor;
use super::bodies::{CONTACT, REGISTRATION, RIGHTS, adult, basis, contact, fresh_phone};
use super::entries::happened;
use super::erasure::{keyring, wrapped_keys};
use super::harness::{Demo, await_until, copied};
use super::program::run;
use super::scrub::value;
use gridvault::records::SubjectId;
use gridvault_audit::verify::{Expectations, Ledger, Policy, Shelf, VerifierKey, verify_log};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The rule of contact by consent, and the one of these tests.
const SHIPPED: &str = "retention = { after = \"consent_end\", days = 30, cap_months = 36 }";
const AT_ONCE: &str = "retention = { after = \"consent_end\", days = 0, cap_months = 36 }";

/// Walks all the time over what is past its end, under a policy that keeps nothing behind a withdrawal.
pub fn hurry(demo: &Demo, policies: &Path) {
    copied(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("policies"), policies);
    let purposes = policies.join("purposes.toml");
    let text = std::fs::read_to_string(&purposes).expect("purposes");
    assert_eq!(text.matches(SHIPPED).count(), 1);
    std::fs::write(&purposes, text.replace(SHIPPED, AT_ONCE)).expect("written");
    demo.with_metrics();
    demo.configure(&format!("expiry_rest_seconds = 1\npolicies = {policies:?}\n"));
}

/// Takes back the one consent of somebody; the day on which what rested on it is over.
pub fn taken_back(desk: &Actor, subject: &str) -> Value {
    let path = format!("/v1/subjects/{subject}/consents");
    let listed = desk.call("GET", &path).purpose(RIGHTS).send().expect(200);
    let consent = listed.body["consents"][0]["id"].as_str().expect("a consent").to_owned();
    let body = json!({"by": "self", "proof": "resident_card"});
    let call = desk.call("POST", &format!("{path}/{consent}/withdraw")).purpose(RIGHTS);
    call.json(&body).send().expect(200).body["records"][0]["ends_on"].clone()
}

/// What officers find of an event, from an index on, once there is some.
pub fn found(demo: &Demo, event: &str, from: u64) -> Value {
    let auditor = demo.role("compliance_auditor");
    let mut entry = Value::Null;
    await_until("it is found", || {
        let question = format!("/v1/audit/entries?event={event}&order=oldest&from={from}");
        entry = auditor.get(&question).expect(200).body["entries"][0].clone();
        !entry.is_null()
    });
    entry
}

#[test]
fn a_consent_is_taken_back_and_record_and_key_are_gone_for_good() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    let room = tempfile::tempdir().expect("a directory");
    hurry(&demo, &room.path().join("policies"));
    demo.start_again();
    let worker = demo.worker(1);
    let phone = fresh_phone();
    let stored = worker.create(&contact(worker.grid(), &phone)).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let created = demo.entry_of(&stored);
    let friend = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    assert_eq!(demo.stop(), Some(0));
    let before = room.path().join("before");
    copied(demo.directory(), &before);
    demo.start_again();

    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let end = taken_back(&desk, subject);
    let retained = found(&demo, "data.retain", stored.index());
    assert_eq!(happened(&retained), "data.retain success");
    assert_eq!((&retained["rec"], &retained["sub"]), (&created["rec"], &created["sub"]));
    assert_eq!((&retained["grid"], &retained["typ"]), (&json!(worker.grid()), &json!("person")));
    let facts = &retained["x"];
    assert_eq!(
        (&facts["reason"], &facts["purposes"]),
        (&json!("consent_withdrawn"), &json!(CONTACT))
    );
    assert_eq!(facts["ended_on"], end);
    assert!(retained["who"].is_null() && retained["role"].is_null());
    let destroyed = found(&demo, "key.destroy", retained["seq"].as_u64().expect("an index"));
    assert!(destroyed["x"]["erasures"].as_str().is_some_and(|ids| ids.len() == 22), "{destroyed}");
    worker.read(id, "name", CONTACT).refused(410, "erased");
    assert_eq!(worker.matches("phone", &phone, REGISTRATION).expect(200).body["held"], false);
    worker.read(&friend, "name", REGISTRATION).expect(200);
    let numbers = demo.metrics();
    assert_eq!(value(&numbers, "gridvault_expiry_removed"), 1.0);
    assert_eq!(value(&numbers, "gridvault_expiry_failing"), 0.0);
    // A crash changes nothing of it.
    demo.kill();
    demo.start_again();
    assert_eq!(demo.stop(), Some(0));

    let subject: SubjectId = subject.parse().expect("an id");
    let (old, now) = (wrapped_keys(&before), wrapped_keys(demo.directory()));
    assert!(!now.contains_key(&subject));
    let (old_ring, ring) = (keyring(&before), keyring(demo.directory()));
    assert!(old_ring.unwrap_subject_key(subject.as_bytes(), &old[&subject]).is_ok());
    assert!(ring.unwrap_subject_key(subject.as_bytes(), &old[&subject]).is_err(), "a copy opens");
    as_the_log_left_it(&demo, &room.path().join("digests"));
}

#[test]
fn a_consent_is_taken_back_from_a_record_that_stays_and_what_it_alone_carried_is_gone() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    let room = tempfile::tempdir().expect("a directory");
    hurry(&demo, &room.path().join("policies"));
    demo.start_again();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let stored = worker.create(&adult(worker.grid())).expect(201);
    let (id, subject, created) =
        (stored.text_of("id"), stored.text_of("subject"), demo.entry_of(&stored));
    let call = worker.call("PATCH", &format!("/v1/records/{id}")).purpose(CONTACT);
    let body = json!({"fields": {"contact_hours": ["evening"]}, "basis": basis(CONTACT)});
    let agreed = demo.entry_of(&call.version(1).json(&body).send().expect(200));
    worker.read(id, "contact_hours", CONTACT).expect(200);

    taken_back(&desk, subject);
    let reduced = found(&demo, "data.update", agreed["seq"].as_u64().expect("an index") + 1);
    assert_eq!(happened(&reduced), "data.update success");
    assert_eq!((&reduced["rec"], &reduced["sub"]), (&created["rec"], &created["sub"]));
    assert_eq!((&reduced["fld"], &reduced["ver"]), (&json!(["contact_hours"]), &json!([3, 4])));
    let facts = (&reduced["x"]["reason"], &reduced["x"]["purposes"]);
    assert_eq!(facts, (&json!("consent_withdrawn"), &json!(CONTACT)));
    assert!(reduced["who"].is_null() && !reduced.to_string().contains("evening"));
    worker.read(id, "contact_hours", CONTACT).refused(403, "consent_withdrawn");
    worker.read(id, "name", REGISTRATION).expect(200);
    assert_eq!(value(&demo.metrics(), "gridvault_expiry_removed"), 0.0);
    let due = desk.get("/v1/due").expect(200).body["due"].to_string();
    assert!(!due.contains(id), "nothing of it is due any more: {due}");
    demo.kill();
    demo.start_again();
    demo.worker(1).read(id, "name", REGISTRATION).expect(200);
    assert_eq!(demo.stop(), Some(0));
    as_the_log_left_it(&demo, &room.path().join("digests"));
}

/// An auditor compares the store with the log, and every record is as its last entry left it.
fn as_the_log_left_it(demo: &Demo, list: &Path) {
    let (directory, out) = (demo.directory().display().to_string(), list.display().to_string());
    run(&["store", "digests", "--dir", &directory, "--out", &out]).ended(0);
    let list = std::fs::read(list).expect("a list");
    let mut ledger = Ledger::read(&mut &list[..], 0, 1).expect("a list");
    let policy = Policy::of_log(VerifierKey::parse(demo.log_key()).expect("the key of the page"));
    let shelf = Shelf::open(&demo.log_directory()).expect("a log");
    verify_log(shelf, &policy, &Expectations::default(), &mut ledger).expect("the log holds");
    ledger.judge().expect("every record is as its last entry left it");
}
