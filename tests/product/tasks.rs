//! Tasks: what they open, to whom, and until when; each step in the log.
//! Never a field, a record or a moment beside those that were named, and never a task by oneself for oneself.
//! A task that is over, another's, or none answers like no task at all.

use super::actor::Actor;
use super::bodies::{
    CORRECTION, REGISTRATION, adult_fields, born_years_ago, fresh_phone, record, unknown_id,
};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, shared};
use serde_json::{Value, json};
use std::time::Duration;

fn in_seconds(seconds: u64) -> String {
    (jiff::Timestamp::now() + Duration::from_secs(seconds)).to_string()
}

fn asks(holder: &Actor, scope: Value, fields: &[&str]) -> Value {
    json!({
        "kind": "verification", "purpose": CORRECTION, "holder": holder.id, "scope": scope,
        "fields": fields, "until": in_seconds(3_600),
    })
}

fn give(giver: &Actor, body: &Value) -> Reply {
    giver.call("POST", "/v1/tasks").purpose(CORRECTION).json(body).send()
}

fn step(actor: &Actor, task: &str, step: &str) -> Reply {
    actor.call("POST", &format!("/v1/tasks/{task}/{step}")).send()
}

/// Reads fields of a record inside a task.
fn inside(actor: &Actor, task: &str, id: &str, fields: &str) -> Reply {
    let path = format!("/v1/records/{id}?fields={fields}");
    actor.call("GET", &path).purpose(CORRECTION).header("case", task).send()
}

/// A person of a grid: record and subject.
fn person(demo: &Demo, grid: usize) -> (String, String, Value) {
    let worker = demo.worker(grid);
    let fields = adult_fields();
    let stored = worker.create(&record("person", worker.grid(), REGISTRATION, fields.clone()));
    let stored = stored.expect(201);
    (stored.text_of("id").to_owned(), stored.text_of("subject").to_owned(), fields)
}

#[test]
fn a_task_opens_its_fields_of_its_records_to_its_holder_until_it_is_closed() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let (id, _, fields) = person(demo, 1);
    worker.read(&id, "id_number", CORRECTION).refused(403, "case_required");

    let given = give(&head, &asks(&worker, json!({"records": [id]}), &["id_number"])).expect(201);
    let task = given.text_of("id").to_owned();
    let entry = demo.entry_of(&given);
    assert_eq!(happened(&entry), "task.create success");
    assert_eq!((&entry["fld"], &entry["x"]["actor"]), (&json!(["id_number"]), &json!(worker.id)));
    assert_eq!(entry["rec"].as_array().map(Vec::len), Some(1));

    inside(&worker, &task, &id, "id_number").refused(403, "case_required");
    let accepted = step(&worker, &task, "accept").expect(200);
    assert_eq!(happened(&demo.entry_of(&accepted)), "task.accept success");
    let read = inside(&worker, &task, &id, "id_number,assistance_tag").expect(200);
    assert_eq!(read.body["fields"]["id_number"], fields["id_number"]);
    assert_eq!(read.body["withheld_because"], json!({"assistance_tag": "case_required"}));
    let entry = demo.entry_of(&read);
    assert_eq!(happened(&entry), "data.read success");
    assert_eq!(entry["task"], demo.entry_of(&given)["task"]);

    // To nobody else, whatever they may do, and for no other record.
    inside(&head, &task, &id, "id_number").refused(403, "case_required");
    let (other, ..) = person(demo, 1);
    inside(&worker, &task, &other, "id_number").refused(403, "case_required");
    inside(&worker, &unknown_id(), &id, "id_number").refused(403, "case_required");

    step(&head, &task, "close").expect(200);
    inside(&worker, &task, &id, "id_number").refused(403, "case_required");
    step(&worker, &task, "accept").refused(412, "version_conflict");
}

#[test]
fn a_task_over_a_person_opens_its_record_and_counts_its_budget() {
    let demo = shared();
    let (worker, head) = (demo.worker(2), demo.head(2));
    let people = [person(demo, 2), person(demo, 2), person(demo, 2)];
    let subjects: Vec<&str> = people.iter().map(|(_, subject, _)| subject.as_str()).collect();
    let mut body = asks(&worker, json!({"subjects": subjects}), &["id_number"]);
    body["budget"] = json!(2);
    let task = give(&head, &body).expect(201).text_of("id").to_owned();
    step(&worker, &task, "accept").expect(200);
    for (id, ..) in [&people[0], &people[1], &people[0]] {
        inside(&worker, &task, id, "id_number").expect(200);
    }
    let third = inside(&worker, &task, &people[2].0, "id_number");
    let third = third.refused(429, "reveal_limit");
    let entry = demo.entry_of(&third);
    assert_eq!(
        (happened(&entry), &entry["why"]),
        ("access.denied denied".to_owned(), &json!("reveal_limit"))
    );
    inside(&worker, &task, &people[1].0, "id_number").expect(200);
}

#[test]
fn nobody_gives_a_task_to_itself_nor_over_what_it_may_not_know_of() {
    let demo = shared();
    let (worker, head, neighbour) = (demo.worker(1), demo.head(1), demo.worker(2));
    let (id, subject, _) = person(demo, 1);
    let scope = json!({"records": [id]});
    give(&worker, &asks(&worker, scope.clone(), &["id_number"])).refused(403, "denied");
    give(&head, &asks(&head, scope.clone(), &["id_number"])).refused(403, "denied");
    // The neighbour has no post over the record, the auditor none at all.
    give(&head, &asks(&neighbour, scope.clone(), &["id_number"])).refused(403, "denied");
    let auditor = demo.role("compliance_auditor");
    give(&head, &asks(&auditor, scope.clone(), &["id_number"])).refused(403, "denied");
    // A record of another grid is like one that is not there.
    let (far, far_subject, _) = person(demo, 2);
    let refused = |scope: Value| {
        give(&head, &asks(&worker, scope, &["id_number"])).refused(404, "not_found").without_ids()
    };
    let nothing = refused(json!({"records": [unknown_id()]}));
    for scope in [
        json!({"records": [far]}),
        json!({"subjects": [far_subject]}),
        json!({"subjects": [unknown_id()]}),
        json!({"records": [id, far], "subjects": [subject]}),
    ] {
        assert_eq!(refused(scope), nothing);
    }
    // What the holder's role never sees is not put into a task.
    let never = give(&head, &asks(&worker, scope, &["bank_last_four"]));
    never.refused(403, "denied");
}

#[test]
fn a_task_with_a_wrong_end_scope_or_word_is_refused() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let (id, ..) = person(demo, 1);
    let right = asks(&worker, json!({"records": [id]}), &["id_number"]);
    for (member, value) in [
        ("kind", json!("watch")),
        ("purpose", json!("household_contact")),
        ("holder", json!("nobody")),
        ("scope", json!({})),
        ("scope", json!({"records": [id, id]})),
        ("scope", json!({"records": ["1"]})),
        ("fields", json!([])),
        ("fields", json!(["id_number", "id_number"])),
        ("until", json!("2020-01-01T00:00:00Z")),
        ("until", json!(in_seconds(30 * 86_400 + 60))),
        ("until", json!("tomorrow")),
        ("budget", json!(0)),
        ("budget", json!(1_001)),
    ] {
        let mut body = right.clone();
        body[member] = value.clone();
        assert_eq!(give(&head, &body).status, 400, "{member}: {value}");
    }
    let mut counter = right.clone();
    counter["kind"] = json!("counter_service");
    give(&head, &counter).refused(400, "schema_invalid");
    counter["until"] = json!(in_seconds(29 * 60));
    give(&head, &counter).expect(201);
}

#[test]
fn a_task_is_listed_to_its_holder_and_its_giver_and_given_back_by_its_holder_alone() {
    let demo = shared();
    let (worker, head, other) = (demo.worker(3), demo.head(3), demo.worker(1));
    let (id, subject, _) = person(demo, 3);
    let scope = json!({"records": [id], "subjects": [subject]});
    let task = give(&head, &asks(&worker, scope, &["id_number", "name"])).expect(201);
    let task = task.text_of("id").to_owned();
    let of = |actor: &Actor| {
        let listed = actor.get("/v1/tasks").expect(200);
        assert_eq!(listed.body["more"], false, "it is whole");
        let tasks = listed.body["tasks"].as_array().expect("a list").clone();
        tasks.into_iter().find(|one| one["id"] == json!(task))
    };
    let held = of(&worker).expect("it holds it");
    assert_eq!(held["records"], json!([id]));
    assert_eq!(held["subjects"], json!([subject]));
    assert_eq!((&held["state"], &held["kind"]), (&json!("offered"), &json!("verification")));
    assert!(held.get("holder").is_none() && held.get("giver").is_none());
    assert_eq!(of(&head).expect("it gave it")["holder"], json!(worker.id));
    assert!(of(&other).is_none());
    for stranger in [&other, &demo.role("compliance_auditor")] {
        for one in ["accept", "return", "close"] {
            step(stranger, &task, one).refused(404, "not_found");
        }
    }
    step(&head, &task, "accept").refused(403, "denied");
    step(&worker, &task, "return").expect(200);
    assert!(of(&worker).is_none() && of(&head).is_none());
    inside(&worker, &task, &id, "id_number").refused(403, "case_required");
}

#[test]
fn a_capture_that_is_said_again_shows_nothing_that_somebody_else_wrote() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    // Of somebody of fifteen nothing is in clear without a task.
    let fields = json!({"name": "闻思远", "birth_date": born_years_ago(15)});
    let mut body = record("person", worker.grid(), REGISTRATION, fields);
    body["capture_id"] = json!("6f1c8d0e-7d3b-4a43-9a55-3f1d0c2b7a31");
    let first = worker.create(&body).expect(201);
    let id = first.text_of("id");
    head.patch(id, 1, REGISTRATION, json!({"phone": fresh_phone()})).expect(200);
    // The fields of a repeat are not looked at, so they name nothing that could be read back.
    body["fields"]["phone"] = json!("x");
    assert_eq!(worker.create(&body).expect(200).body["version"], 2);
    let echo = |actor: &Actor| {
        let call = actor.call("GET", &format!("/v1/records/{id}?fields=phone"));
        call.purpose(REGISTRATION).header("case", "echo").send()
    };
    echo(&worker).refused(403, "case_required");
    echo(&head).expect(200);
}

#[test]
fn a_case_in_a_wrong_form_is_refused() {
    let demo = shared();
    let worker = demo.worker(1);
    let (id, ..) = person(demo, 1);
    for case in ["", "1", "AAAAAAAAAAAAAAAAAAAAAA"] {
        inside(&worker, case, &id, "name").refused(400, "schema_invalid");
    }
}

#[test]
fn whoever_wrote_something_reads_it_back_by_asking_for_it() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let (id, _, fields) = person(demo, 1);
    let number = json!({"id_number": fields["id_number"]});
    worker.patch(&id, 1, CORRECTION, number).expect(200);
    inside(&worker, "echo", &id, "assistance_tag").refused(403, "case_required");
    let own = inside(&worker, "echo", &id, "id_number,assistance_tag").expect(200);
    assert_eq!(own.body["fields"], json!({"id_number": fields["id_number"]}));
    assert_eq!(own.body["withheld"], json!(["assistance_tag"]));
    inside(&head, "echo", &id, "id_number").refused(403, "case_required");
    // Once somebody else has changed the record it is no longer what one wrote.
    head.patch(&id, 2, CORRECTION, json!({"residence_kind": "floating"})).expect(200);
    inside(&worker, "echo", &id, "id_number").refused(403, "case_required");
    inside(&head, "echo", &id, "residence_kind").expect(200);
}
