//! Erasures from outside: asked for at the desk, agreed to by the protection officer, carried out, certified; and what is left of
//! the erased on the disk that held their whole life.
//! Never believes the vault: every old copy of a wrapped key is tried against the keys that there are afterwards.
//! The ones who stay read as before.

use super::actor::Actor;
use super::bodies::{REGISTRATION, RIGHTS, adult_fields, child, record, unknown_id};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, copied, shared};
use super::program::run;
use gridvault::records::SubjectId;
use gridvault::store::{self, EngineKind, Key};
use gridvault_audit::certificate::verify_certificate;
use gridvault_audit::verify::{Expectations, Ledger, Policy, Shelf, VerifierKey, verify_log};
use gridvault_keys::{DemoOnly, KeyFile, Keyring, UnlockFile};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// People of the proof that are erased, and those that stay beside the town's own.
const ERASED: usize = 10;
const STAYING: usize = 5;

/// Somebody with a name that nobody else has: record, subject, and what must be found nowhere in clear.
pub struct Marked {
    pub id: String,
    pub subject: String,
    pub marks: Vec<String>,
}

pub fn marked(worker: &Actor, number: usize) -> Marked {
    let mut fields = adult_fields();
    let signs: Vec<char> = "甪卝弆忓怷抔昚枿欥沀".chars().collect();
    let name = format!("欧阳{}{}", signs[number % 10], signs[number / 10]);
    fields["name"] = json!(name);
    let word = |member: &str| fields[member].as_str().expect("a text").to_owned();
    let marks = vec![name, word("phone"), word("id_number")];
    let stored = worker.create(&record("person", worker.grid(), REGISTRATION, fields)).expect(201);
    Marked {
        id: stored.text_of("id").to_owned(),
        subject: stored.text_of("subject").to_owned(),
        marks,
    }
}

fn body() -> Value {
    json!({"reason": "purpose_met", "by": "self", "proof": "resident_card"})
}

fn ask(desk: &Actor, subject: &str, body: &Value) -> Reply {
    desk.call("POST", &format!("/v1/subjects/{subject}/erase")).purpose(RIGHTS).json(body).send()
}

fn decide(officer: &Actor, id: &str, word: &str) -> Reply {
    officer.post(&format!("/v1/approvals/{id}/decide"), &json!({"decision": word}))
}

fn carry_out(desk: &Actor, id: &str) -> Reply {
    desk.call("POST", &format!("/v1/erasures/{id}/carry-out")).purpose(RIGHTS).send()
}

pub fn certificate(desk: &Actor, id: &str) -> Reply {
    desk.call("GET", &format!("/v1/erasures/{id}/certificate")).purpose(RIGHTS).send()
}

/// Somebody's erasure from the request to the destruction; its id.
pub fn erased(demo: &Demo, subject: &str) -> String {
    let desk = demo.role("resident_desk");
    let id = ask(&desk, subject, &body()).expect(201).text_of("id").to_owned();
    decide(&demo.role("protection_officer"), &id, "grant").expect(200);
    let done = carry_out(&desk, &id).expect(200);
    assert!(done.body["destroyed"].is_u64(), "{}", done.text);
    id
}

#[test]
fn somebody_is_erased_by_desk_and_officer_and_gets_a_certificate() {
    let demo = shared();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let officer = demo.role("protection_officer");
    let person = marked(&worker, 90);
    let asked = ask(&desk, &person.subject, &body()).expect(201);
    let entry = demo.entry_of(&asked);
    assert_eq!(happened(&entry), "approval.request success");
    assert_eq!(
        (&entry["x"]["reason"], &entry["x"]["proof"]),
        (&json!("purpose_met"), &json!("resident_card"))
    );
    let id = asked.text_of("id");
    carry_out(&desk, id).refused(403, "approval_required");
    certificate(&desk, id).refused(404, "not_found");
    decide(&desk, id, "grant").refused(404, "not_found");

    let listed = officer.get("/v1/approvals").expect(200);
    let all = listed.body["approvals"].as_array().expect("a list");
    let waits = all.iter().find(|one| one["id"] == json!(id)).expect("it waits for the officer");
    assert_eq!((&waits["kind"], &waits["reason"]), (&json!("erasure"), &json!("purpose_met")));
    assert_eq!((&waits["records"], &waits["waits"]), (&json!([person.id]), &json!(true)));
    let granted = demo.entry_of(&decide(&officer, id, "grant").expect(200));
    assert_eq!(granted["x"]["erasure_for"], "purpose_met");
    worker.read(&person.id, "name", REGISTRATION).expect(200);

    let done = carry_out(&desk, id).expect(200);
    let entry = demo.entry_of(&done);
    assert_eq!(happened(&entry), "data.erase success");
    assert_eq!((&entry["apr"], &entry["ver"]), (&granted["apr"], &json!([1, 2])));
    assert_eq!(entry["sub"].as_array().map(Vec::len), Some(1));
    assert!(entry["grid"].is_null() && entry["typ"].is_null());
    assert_eq!(done.body["entries"], json!([done.index()]));
    let destroyed = demo.entry(done.body["destroyed"].as_u64().expect("an index"));
    assert_eq!(
        (happened(&destroyed), &destroyed["who"]),
        ("key.destroy success".into(), &Value::Null)
    );
    let erasures = destroyed["x"]["erasures"].as_str().expect("a list");
    assert!(erasures.split(',').any(|one| json!(one) == entry["apr"]), "{destroyed}");

    worker.read(&person.id, "name", REGISTRATION).refused(410, "erased");
    demo.worker(2).read(&person.id, "name", REGISTRATION).refused(404, "not_found");
    let held = worker.matches("phone", &person.marks[1], REGISTRATION).expect(200);
    assert_eq!(held.body["held"], false);
    ask(&desk, &person.subject, &body()).refused(404, "not_found");
    carry_out(&desk, id).refused(412, "version_conflict");

    let given = certificate(&desk, id).expect(200);
    assert_eq!(given.header("content-type"), "application/x-tar");
    assert_eq!(happened(&demo.entry(given.index())), "subject.certificate success");
    let key = VerifierKey::parse(demo.log_key()).expect("the key of the page");
    let summary = verify_certificate(&given.bytes[..], &key).expect("it holds");
    assert_eq!((summary.erasure.as_str(), summary.entries), (id, vec![done.index()]));
    assert_eq!(json!(summary.destroyed), done.body["destroyed"]);
    for mark in &person.marks {
        assert!(!given.text.contains(mark.as_str()), "no personal data");
    }
    assert!(!given.text.contains(&person.subject) && !given.text.contains(&person.id));
    for stranger in [worker, officer, demo.role("community_cadre")] {
        certificate(&stranger, id).refused(403, "denied");
        carry_out(&stranger, id).refused(403, "denied");
    }
}

#[test]
fn only_what_is_asked_for_in_codes_by_the_desk_for_whom_it_knows_is_taken() {
    let demo = shared();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let person = marked(&worker, 91);
    for stranger in [worker.clone(), demo.role("community_cadre"), demo.role("protection_officer")]
    {
        ask(&stranger, &person.subject, &body()).refused(403, "denied");
    }
    for wrong in [
        json!({"reason": "搬走了", "by": "self", "proof": "resident_card"}),
        json!({"reason": "purpose_met", "by": "neighbour", "proof": "resident_card"}),
        json!({"reason": "purpose_met", "by": "self", "proof": "880102198001010015"}),
        json!({"reason": "purpose_met", "by": "self"}),
        json!({"reason": "purpose_met", "by": "self", "proof": "passport", "name": "x"}),
    ] {
        ask(&desk, &person.subject, &wrong).refused(400, "schema_invalid");
    }
    let nothing = ask(&desk, &unknown_id(), &body()).refused(404, "not_found");
    for other in [&*person.id, "x"] {
        let reply = ask(&desk, other, &body()).refused(404, "not_found");
        assert_eq!(reply.without_ids(), nothing.without_ids());
    }
    let path = format!("/v1/subjects/{}/erase", person.subject);
    let call = desk.call("POST", &path).purpose(REGISTRATION).json(&body());
    call.send().refused(403, "denied");
    for id in [&*unknown_id(), "x"] {
        carry_out(&desk, id).refused(404, "not_found");
        certificate(&desk, id).refused(404, "not_found");
    }
    let little = worker.create(&child(worker.grid())).expect(201);
    ask(&desk, little.text_of("subject"), &body()).refused(400, "schema_invalid");
    let by_guardian =
        json!({"reason": "other_law", "by": "guardian", "proof": "household_register"});
    ask(&desk, little.text_of("subject"), &by_guardian).expect(201);
    worker.read(&person.id, "name", REGISTRATION).expect(200);
}

#[test]
fn the_command_line_erases_and_writes_the_certificate_once() {
    let demo = shared();
    let room = tempfile::tempdir().expect("a directory");
    let person = marked(&demo.worker(1), 92);
    let token = |role: &str| {
        let file = room.path().join(role);
        std::fs::write(&file, &demo.role(role).token).expect("a token");
        file.display().to_string()
    };
    let (desk, officer) = (token("resident_desk"), token("protection_officer"));
    let called = |words: &[&str], token: &str| {
        run(&[words, &["--url", demo.url(), "--token-file", token]].concat())
    };
    let asking = [
        "subject",
        "erase",
        &person.subject,
        "--reason",
        "purpose_met",
        "--by",
        "self",
        "--proof",
        "resident_card",
        "--purpose",
        RIGHTS,
    ];
    let said = called(&asking, &desk).ended(0).out;
    let id = said.trim().strip_prefix("erasure ").expect("its id").to_owned();
    let listed = called(&["approval", "list"], &officer).ended(0).out;
    let line = listed.lines().find(|line| line.starts_with(&id)).expect("it waits");
    assert!(line.contains(&format!("record {} reason purpose_met", person.id)), "{line}");
    called(&["approval", "decide", &id, "grant"], &officer).ended(0);
    let said = called(&["subject", "carry-out", &id, "--purpose", RIGHTS], &desk).ended(0).out;
    assert!(said.contains("steps 1, keys destroyed by entry "), "{said}");
    let out = room.path().join("certificate.tar").display().to_string();
    let writing = ["subject", "certificate", &id, "--out", &out, "--purpose", RIGHTS];
    called(&writing, &desk).ended(0);
    let bytes = std::fs::read(&out).expect("a certificate");
    let key = VerifierKey::parse(demo.log_key()).expect("the key of the page");
    assert_eq!(verify_certificate(&bytes[..], &key).expect("it holds").erasure, id);
    called(&writing, &desk).ended(1);
}

/// Unlocks a demo vault's keyring as it lies there.
pub fn keyring(directory: &Path) -> Keyring {
    let key_file = KeyFile::load(&directory.join("demo.key")).expect("a key file");
    let envelopes = UnlockFile::load(&directory.join("unlock")).expect("an unlock file");
    let synthetic = DemoOnly::data_is_synthetic();
    let root = envelopes[0].open_with_key_file(&key_file, synthetic).expect("the root key");
    Keyring::open(&directory.join("keyring"), &root).expect("a keyring").0
}

/// Every wrapped key of a store that nobody has open.
pub fn wrapped_keys(directory: &Path) -> BTreeMap<SubjectId, Vec<u8>> {
    let (reader, _applier) =
        store::open(&directory.join("store"), EngineKind::Sled, 64 * 1024 * 1024).expect("a store");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let found = runtime.block_on(reader.scan(&Key::subject_key_prefix(), None, 10_000));
    let found = found.expect("a scan").into_iter();
    found.filter_map(|(key, stored)| Some((key.subject_of_key()?, stored.payload))).collect()
}

/// Every file below a directory, without the zeros behind its content.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(directory).expect("a directory").flatten() {
        if item.path().is_dir() {
            found.extend(files(&item.path()));
        } else {
            let mut bytes = std::fs::read(item.path()).expect("a file");
            bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
            found.push((item.path(), bytes));
        }
    }
    found
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(bytes, wanted).is_some()
}

#[test]
fn no_copy_of_the_keys_of_ten_erased_people_opens_and_everybody_else_reads_as_before() {
    let mut demo = Demo::own();
    let room = tempfile::tempdir().expect("a directory");
    let worker = demo.worker(1);
    let people: Vec<Marked> = (0..ERASED + STAYING).map(|at| marked(&worker, at)).collect();
    let (gone, staying) = people.split_at(ERASED);
    assert_eq!(demo.stop(), Some(0));
    let before = room.path().join("before");
    copied(demo.directory(), &before);
    demo.start_again();
    let erasures: Vec<String> = gone.iter().map(|one| erased(&demo, &one.subject)).collect();
    let last = certificate(&demo.role("resident_desk"), &erasures[ERASED - 1]).expect(200);
    // As a power cut leaves it; the next start has what was acknowledged.
    demo.kill();
    demo.start_again();
    let worker = demo.worker(1);
    for one in gone {
        worker.read(&one.id, "name", REGISTRATION).refused(410, "erased");
    }
    for one in staying {
        let read = worker.read(&one.id, "name,phone", REGISTRATION).expect(200);
        assert_eq!(read.body["fields"], json!({"name": one.marks[0], "phone": one.marks[1]}));
    }
    worker.read(demo.sample_record(), "name", REGISTRATION).expect(200);
    assert_eq!(demo.stop(), Some(0));

    // The store of before has every key as it was, and none of the erased ones opens with today's ring.
    let (old, now) = (wrapped_keys(&before), wrapped_keys(demo.directory()));
    let (old_ring, ring) = (keyring(&before), keyring(demo.directory()));
    assert!(old.len() > 60 && old.len() == now.len() + ERASED, "{} and {}", old.len(), now.len());
    let everything = files(demo.directory());
    let journal = demo.directory().join("journal");
    for one in gone {
        let subject: SubjectId = one.subject.parse().expect("an id");
        let copy = &old[&subject];
        assert!(old_ring.unwrap_subject_key(subject.as_bytes(), copy).is_ok(), "it opened before");
        let kept =
            everything.iter().any(|(path, bytes)| path.starts_with(&journal) && holds(bytes, copy));
        assert!(kept, "the journal has the copy still, so there is something to try");
        assert!(ring.unwrap_subject_key(subject.as_bytes(), copy).is_err(), "a copy opens");
        assert!(!now.contains_key(&subject));
    }
    for (subject, wrapped) in &now {
        let key = ring.unwrap_subject_key(subject.as_bytes(), wrapped).expect("who stays opens");
        let as_before = old_ring.unwrap_subject_key(subject.as_bytes(), &old[subject]);
        assert_eq!(key.id(), as_before.expect("it opened before").id(), "the same key");
    }
    for (path, bytes) in &everything {
        for mark in people.iter().flat_map(|one| &one.marks) {
            assert!(!holds(bytes, mark.as_bytes()), "{mark} in clear in {}", path.display());
        }
    }

    // The log tells the same to somebody who knows nothing but its key.
    let key = VerifierKey::parse(demo.log_key()).expect("the key of the page");
    assert!(verify_certificate(&last.bytes[..], &key).is_ok());
    let list = room.path().join("digests");
    let (directory, out) = (demo.directory().display().to_string(), list.display().to_string());
    let written = run(&["store", "digests", "--dir", &directory, "--out", &out]);
    let policy = Policy::of_log(key);
    let shelf = Shelf::open(&demo.log_directory()).expect("a log");
    if written.status == Some(0) {
        let list = std::fs::read(&list).expect("a list");
        let mut ledger = Ledger::read(&mut &list[..], 0, 1).expect("a list");
        verify_log(shelf, &policy, &Expectations::default(), &mut ledger).expect("the log holds");
        ledger.judge().expect("every record is as its last entry left it");
    } else {
        panic!("{} {}", written.out, written.err);
    }
}

/// Has every erasure written down in a second place.
pub fn with_ledger(demo: &mut Demo, place: &str) {
    assert_eq!(demo.stop(), Some(0));
    let config = demo.directory().join("config");
    let mut text = std::fs::read_to_string(&config).expect("a configuration");
    text.insert_str(0, &format!("erasure_ledger = {place:?}\n"));
    std::fs::write(&config, text).expect("written");
    demo.start_again();
}

fn lines(ledger: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(ledger).expect("a ledger");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn no_certificate_leaves_before_the_second_place_has_the_erasure() {
    let mut demo = Demo::own();
    let room = tempfile::tempdir().expect("a directory");
    let ledger = room.path().join("erasures");
    let before = erased(&demo, &marked(&demo.worker(1), 93).subject);
    with_ledger(&mut demo, ledger.to_str().expect("a plain path"));
    assert!(lines(&ledger)[1].starts_with(&before), "those of before are told at the start");
    let person = marked(&demo.worker(1), 94);
    let id = erased(&demo, &person.subject);
    let told = lines(&ledger);
    assert_eq!((told.len(), told[2].split(' ').next()), (3, Some(&*id)));
    for secret in person.marks.iter().chain([&person.id, &person.subject]) {
        assert!(!told.concat().contains(secret.as_str()), "{secret}");
    }
    certificate(&demo.role("resident_desk"), &id).expect(200);

    let aside = room.path().join("aside");
    std::fs::rename(&ledger, &aside).expect("taken away");
    let id = erased(&demo, &marked(&demo.worker(1), 95).subject);
    certificate(&demo.role("resident_desk"), &id).refused(409, "in_flight");
    std::fs::rename(&aside, &ledger).expect("brought back");
    certificate(&demo.role("resident_desk"), &id).expect(200);
    assert!(lines(&ledger)[3].starts_with(&id));

    assert_eq!(demo.stop(), Some(0));
    let text = std::fs::read_to_string(&ledger).expect("a ledger");
    std::fs::write(&ledger, text.replace("purpose_met", "other_law")).expect("changed");
    let directory = demo.directory().display().to_string();
    let refused = run(&["demo", "--listen", "127.0.0.1:0", "--dir", &directory]);
    assert_eq!(refused.status, Some(4), "{refused:?}");
    assert!(refused.err.contains("line 2 of the ledger of erasures"), "{refused:?}");
}

/// What a vault's directory was at a time.
pub struct Before {
    room: tempfile::TempDir,
}

impl Before {
    /// As it is now; it stands still meanwhile.
    pub fn of(demo: &mut Demo) -> Before {
        let room = tempfile::tempdir().expect("a directory");
        assert_eq!(demo.stop(), Some(0));
        copied(demo.directory(), &room.path().join("before"));
        demo.start_again();
        Before { room }
    }

    /// The newest keys beside what everything else was before: as a restore has it.
    pub fn put_back(&self, demo: &mut Demo) {
        assert_eq!(demo.stop(), Some(0));
        let of_now = ["keyring", "demo.json"].map(|name| {
            let path = demo.directory().join(name);
            (std::fs::read(&path).expect("a file"), path)
        });
        std::fs::remove_dir_all(demo.directory()).expect("lost");
        copied(&self.room.path().join("before"), demo.directory());
        for (bytes, path) in of_now {
            std::fs::write(path, bytes).expect("written");
        }
        demo.start_again();
    }
}

#[test]
fn a_vault_that_is_put_back_to_before_an_erasure_erases_again_before_it_serves() {
    let mut demo = Demo::own();
    let room = tempfile::tempdir().expect("a directory");
    let ledger = room.path().join("erasures");
    with_ledger(&mut demo, ledger.to_str().expect("a plain path"));
    let (gone, stays) = (marked(&demo.worker(1), 96), marked(&demo.worker(1), 97));
    let before = Before::of(&mut demo);
    let id = erased(&demo, &gone.subject);
    before.put_back(&mut demo);
    let worker = demo.worker(1);
    worker.read(&gone.id, "name", REGISTRATION).refused(410, "erased");
    let held = worker.matches("phone", &gone.marks[1], REGISTRATION).expect(200);
    assert_eq!(held.body["held"], false);
    worker.read(&stays.id, "name", REGISTRATION).expect(200);
    let replayed = demo.role("compliance_auditor");
    let mut entry = Value::Null;
    super::harness::await_until("it is found", || {
        let found = replayed.get("/v1/audit/entries?event=data.erase").expect(200);
        entry = found.body["entries"][0].clone();
        !entry.is_null()
    });
    assert_eq!((&entry["x"]["replayed"], &entry["who"]), (&json!("ledger"), &Value::Null));
    assert_eq!(entry["x"]["reason"], "purpose_met");
    certificate(&demo.role("resident_desk"), &id).expect(200);
    assert_eq!(demo.stop(), Some(0));
}
