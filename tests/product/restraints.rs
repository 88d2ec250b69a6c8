//! Restrictions and legal holds from outside: asked for at the desk, agreed to by the protection officer, carried out, released the
//! same way; and what desk and officer see of what is due.
//! Never by one person, never a word of anybody's own in the log, and never a record that slips from under a hold.
//! What was on hold goes once the hold is lifted.

use super::actor::Actor;
use super::bodies::{REGISTRATION, RIGHTS, adult, child, contact, fresh_phone, unknown_id};
use super::client::Reply;
use super::entries::happened;
use super::expiry::{found, hurry, taken_back};
use super::harness::{Demo, shared};
use super::program::run;
use serde_json::{Value, json};

const DOCUMENT: &str = "2026-民初-118";

fn post(desk: &Actor, path: &str, body: &Value) -> Reply {
    desk.call("POST", path).purpose(RIGHTS).json(body).send()
}

fn restrict(desk: &Actor, subject: &str, body: &Value) -> Reply {
    post(desk, &format!("/v1/subjects/{subject}/restrict"), body)
}

fn hold(desk: &Actor, subject: &str) -> Reply {
    let body = json!({"reason": "court_case", "document": DOCUMENT});
    post(desk, &format!("/v1/subjects/{subject}/hold"), &body)
}

fn contested() -> Value {
    json!({"reason": "accuracy_contested", "by": "self", "proof": "resident_card"})
}

fn release(desk: &Actor, restraint: &str) -> Reply {
    let path = format!("/v1/restraints/{restraint}/release");
    post(desk, &path, &json!({"reason": "ground_over"}))
}

fn carry_out(desk: &Actor, id: &str) -> Reply {
    desk.call("POST", &format!("/v1/restraints/{id}/carry-out")).purpose(RIGHTS).send()
}

fn decide(officer: &Actor, id: &str, word: &str) -> Reply {
    officer.post(&format!("/v1/approvals/{id}/decide"), &json!({"decision": word}))
}

/// Agreed to and carried out; its id.
fn done(demo: &Demo, asked: &Reply) -> String {
    let id = asked.text_of("id").to_owned();
    decide(&demo.role("protection_officer"), &id, "grant").expect(200);
    carry_out(&demo.role("resident_desk"), &id).expect(200);
    id
}

fn erase(desk: &Actor, subject: &str) -> Reply {
    let body = json!({"reason": "purpose_met", "by": "self", "proof": "resident_card"});
    post(desk, &format!("/v1/subjects/{subject}/erase"), &body)
}

/// What is due, by its id or its record.
fn due(actor: &Actor, id: &str) -> Option<Value> {
    let (mut path, mut found) = ("/v1/due".to_owned(), None);
    loop {
        let page = actor.get(&path).expect(200);
        let lines = page.body["due"].as_array().expect("a list");
        let is_it = |line: &&Value| {
            line["id"] == json!(id) || (line["id"].is_null() && line["records"][0] == json!(id))
        };
        found = found.or(lines.iter().find(is_it).cloned());
        let Some(next) = page.body["next"].as_str() else { return found };
        path = format!("/v1/due?after={next}");
    }
}

#[test]
fn a_restriction_is_asked_for_agreed_to_carried_out_and_released_with_an_entry_each() {
    let demo = shared();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let officer = demo.role("protection_officer");
    let stored = worker.create(&adult(worker.grid())).expect(201);
    let (record, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let asked = restrict(&desk, subject, &contested()).expect(201);
    let entry = demo.entry_of(&asked);
    assert_eq!(happened(&entry), "approval.request success");
    let facts = &entry["x"];
    assert_eq!(
        (&facts["restraint"], &facts["step"], &facts["reason"]),
        (&json!("restriction"), &json!("set"), &json!("accuracy_contested"))
    );
    let id = asked.text_of("id");
    carry_out(&desk, id).refused(403, "approval_required");
    decide(&desk, id, "grant").refused(404, "not_found");
    let listed = officer.get("/v1/approvals").expect(200);
    let all = listed.body["approvals"].as_array().expect("a list");
    let waits = all.iter().find(|one| one["id"] == json!(id)).expect("it waits for the officer");
    assert_eq!((&waits["kind"], &waits["records"]), (&json!("restriction"), &json!([record])));
    decide(&officer, id, "grant").expect(200);
    worker.read(record, "name", REGISTRATION).expect(200);

    let carried = carry_out(&desk, id).expect(200);
    assert_eq!(carried.body["records"], 1);
    let entry = demo.entry_of(&carried);
    assert_eq!(
        (happened(&entry), &entry["ver"]),
        ("subject.restrict success".into(), &json!([1, 2]))
    );
    assert_eq!(entry["sub"].as_array().map(Vec::len), Some(1));
    let refused = worker.read(record, "name", REGISTRATION).refused(403, "restricted");
    assert_eq!(refused.body["law"], "PIPL 47");
    erase(&desk, subject).refused(403, "restricted");
    let head = demo.head(1);
    let patch = json!({"fields": {"residence_kind": "floating"}});
    let call = head.call("PATCH", &format!("/v1/records/{record}")).purpose(REGISTRATION);
    call.header("if-match", "\"2\"").json(&patch).send().refused(403, "restricted");
    // What is stored of the person meanwhile is under it too.
    let mut later = adult(worker.grid());
    later["subject"] = json!(subject);
    let later = worker.create(&later).expect(201);
    worker.read(later.text_of("id"), "name", REGISTRATION).refused(403, "restricted");

    let asked = release(&desk, id).expect(201);
    let end = asked.text_of("id").to_owned();
    carry_out(&desk, &end).refused(403, "approval_required");
    decide(&officer, &end, "grant").expect(200);
    let released = carry_out(&desk, &end).expect(200);
    assert_eq!(released.body["records"], 2);
    let entry = demo.entry_of(&released);
    assert_eq!(happened(&entry), "subject.release success");
    assert_eq!((&entry["x"]["step"], &entry["x"]["releases"]), (&json!("release"), &json!(id)));
    worker.read(record, "name", REGISTRATION).expect(200);
    worker.read(later.text_of("id"), "name", REGISTRATION).expect(200);
    release(&desk, id).refused(412, "version_conflict");
    carry_out(&desk, id).refused(412, "version_conflict");
}

#[test]
fn what_is_on_hold_neither_ends_nor_is_erased_and_goes_once_the_hold_is_lifted() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    let room = tempfile::tempdir().expect("a directory");
    hurry(&demo, &room.path().join("policies"));
    demo.start_again();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let stored = worker.create(&contact(worker.grid(), &fresh_phone())).expect(201);
    let (record, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let other = worker.create(&contact(worker.grid(), &fresh_phone())).expect(201);
    let asked = hold(&desk, subject).expect(201);
    let text = demo.entry_of(&asked).to_string();
    assert!(!text.contains("民初"), "the log has no number of a document: {text}");
    let held = done(&demo, &asked);
    erase(&desk, subject).refused(403, "legal_hold");
    // Its consent taken back, its end is today. Somebody else's goes; a walk came by.
    taken_back(&desk, subject);
    taken_back(&desk, other.text_of("subject"));
    let retained = found(&demo, "data.retain", stored.index());
    assert_eq!(retained["rec"], demo.entry_of(&other)["rec"]);
    let line = due(&desk, record).expect("it waits for the hold to end");
    assert_eq!((&line["kind"], &line["state"]), (&json!("withdrawal"), &json!("held")));
    let line = due(&demo.role("protection_officer"), &held).expect("it is in force");
    assert_eq!((&line["kind"], &line["state"]), (&json!("legal_hold"), &json!("in_force")));
    assert_eq!((&line["reason"], &line["days"]), (&json!("court_case"), &json!(0)));
    // A start replays it.
    demo.kill();
    demo.start_again();
    let desk = demo.role("resident_desk");
    erase(&desk, subject).refused(403, "legal_hold");

    let lifted = release(&desk, &held).expect(201);
    done(&demo, &lifted);
    let from = retained["seq"].as_u64().expect("an index") + 1;
    let retained = found(&demo, "data.retain", from);
    assert_eq!(retained["rec"], demo.entry_of(&stored)["rec"]);
    demo.worker(1).read(record, "name", REGISTRATION).refused(410, "erased");
    assert!(due(&desk, record).is_none() && due(&desk, &held).is_none());
}

#[test]
fn only_codes_from_the_desk_about_whom_it_knows_are_taken() {
    let demo = shared();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let stored = worker.create(&adult(worker.grid())).expect(201);
    let subject = stored.text_of("subject");
    for stranger in [worker.clone(), demo.role("community_cadre"), demo.role("protection_officer")]
    {
        restrict(&stranger, subject, &contested()).refused(403, "denied");
        hold(&stranger, subject).refused(403, "denied");
        release(&stranger, &unknown_id()).refused(403, "denied");
        carry_out(&stranger, &unknown_id()).refused(403, "denied");
    }
    for stranger in [worker.clone(), demo.role("community_cadre"), demo.role("security_admin")] {
        stranger.get("/v1/due").refused(403, "denied");
    }
    for wrong in [
        json!({"reason": "住户要求"}),
        json!({"reason": "accuracy_contested"}),
        json!({"reason": "excess", "by": "self"}),
        json!({"reason": "excess", "proof": "passport"}),
        json!({"reason": "excess", "by": "self", "proof": "880102198001010015"}),
        json!({"reason": "excess", "note": "x"}),
    ] {
        restrict(&desk, subject, &wrong).refused(400, "schema_invalid");
    }
    let path = format!("/v1/subjects/{subject}/hold");
    for wrong in [
        json!({"reason": "court_case"}),
        json!({"reason": "court_case", "document": "880101199001010013"}),
        json!({"reason": "court_case", "document": "he is being sued"}),
        json!({"reason": "excess", "document": DOCUMENT}),
    ] {
        post(&desk, &path, &wrong).refused(400, "schema_invalid");
    }
    let nothing = restrict(&desk, &unknown_id(), &contested()).refused(404, "not_found");
    for other in [stored.text_of("id"), "x"] {
        let reply = restrict(&desk, other, &contested()).refused(404, "not_found");
        assert_eq!(reply.without_ids(), nothing.without_ids());
    }
    for id in [&*unknown_id(), subject, "x"] {
        release(&desk, id).refused(404, "not_found");
        carry_out(&desk, id).refused(404, "not_found");
    }
    let call = desk.call("POST", &path).purpose(REGISTRATION);
    let body = json!({"reason": "court_case", "document": DOCUMENT});
    call.json(&body).send().refused(403, "denied");
    for wrong in ["/v1/due?limit=0", "/v1/due?limit=201", "/v1/due?after=AAAA", "/v1/due?area=1"] {
        desk.get(wrong).refused(400, "schema_invalid");
    }
    let little = worker.create(&child(worker.grid())).expect(201);
    restrict(&desk, little.text_of("subject"), &contested()).refused(400, "schema_invalid");
    worker.read(stored.text_of("id"), "name", REGISTRATION).expect(200);
}

#[test]
fn what_is_due_has_the_requests_of_the_area_until_they_are_answered_and_each_look_is_an_entry() {
    let demo = shared();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let officer = demo.role("protection_officer");
    let stored = worker.create(&adult(worker.grid())).expect(201);
    let asked = erase(&desk, stored.text_of("subject")).expect(201);
    let id = asked.text_of("id");
    for actor in [&desk, &officer] {
        let line = due(actor, id).expect("it is due");
        assert_eq!((&line["kind"], &line["state"]), (&json!("erasure"), &json!("asked")));
        assert_eq!(line["records"], json!([stored.text_of("id")]));
        let moment = |member: &str| -> jiff::Timestamp {
            line[member].as_str().expect("a moment").parse().expect("a moment")
        };
        let wait = moment("due_at").duration_since(moment("asked_at"));
        assert_eq!(wait.as_hours(), 30 * 24);
        assert!(moment("until") < moment("due_at"));
        let text = line.to_string();
        assert!(!text.contains(stored.text_of("subject")), "nobody is named: {text}");
    }
    let page = desk.get("/v1/due?limit=1").expect(200);
    assert_eq!(page.body["due"].as_array().map(Vec::len), Some(1));
    let entry = demo.entry_of(&page);
    assert_eq!((happened(&entry), &entry["x"]["count"]), ("subject.due success".into(), &json!(1)));
    decide(&officer, id, "grant").expect(200);
    assert_eq!(due(&desk, id).expect("it is due")["state"], "agreed");
    decide(&officer, id, "refuse").refused(412, "version_conflict");
    desk.call("POST", &format!("/v1/erasures/{id}/carry-out")).purpose(RIGHTS).send().expect(200);
    assert!(due(&desk, id).is_none());
    let stored = worker.create(&adult(worker.grid())).expect(201);
    let asked = restrict(&desk, stored.text_of("subject"), &json!({"reason": "excess"}));
    let id = asked.expect(201).text_of("id").to_owned();
    assert!(due(&officer, &id).is_some());
    decide(&officer, &id, "refuse").expect(200);
    assert!(due(&officer, &id).is_none());
}

#[test]
fn the_command_line_restricts_lists_what_is_due_and_releases() {
    let demo = shared();
    let room = tempfile::tempdir().expect("a directory");
    let worker = demo.worker(1);
    let stored = worker.create(&adult(worker.grid())).expect(201);
    let subject = stored.text_of("subject");
    let written = |name: &str, text: &str| {
        let file = room.path().join(name);
        std::fs::write(&file, text).expect("a file");
        file.display().to_string()
    };
    let desk = written("desk", &demo.role("resident_desk").token);
    let officer = written("officer", &demo.role("protection_officer").token);
    let document = written("number", DOCUMENT);
    let called = |words: &[&str], token: &str| {
        run(&[words, &["--url", demo.url(), "--token-file", token]].concat()).ended(0).out
    };
    let id_of = |said: &str| said.trim().strip_prefix("restraint ").expect("its id").to_owned();
    let restricting = ["subject", "restrict", subject, "--reason", "excess", "--purpose", RIGHTS];
    let holding = [
        &["subject", "hold", subject, "--reason", "inspection", "--document-file"][..],
        &[&document, "--purpose", RIGHTS],
    ]
    .concat();
    for words in [&restricting[..], &holding[..]] {
        let id = id_of(&called(words, &desk));
        called(&["approval", "decide", &id, "grant"], &officer);
        let said = called(&["subject", "restrain", &id, "--purpose", RIGHTS], &desk);
        assert!(said.contains("records 1"), "{said}");
        let listed = called(&["subject", "due"], &officer);
        let line = listed.lines().find(|line| line.contains(&id)).expect("it is in force");
        assert!(line.contains(" in_force ") && line.contains("for 0 days"), "{line}");
        let releasing = ["subject", "release", &id, "--reason", "ground_over", "--purpose", RIGHTS];
        let end = id_of(&called(&releasing, &desk));
        called(&["approval", "decide", &end, "grant"], &officer);
        called(&["subject", "restrain", &end, "--purpose", RIGHTS], &desk);
    }
    worker.read(stored.text_of("id"), "name", REGISTRATION).expect(200);
}
