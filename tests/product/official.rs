//! Requests of organs (Data Security Law 35): by a document, for named fields of named people, agreed to by the protection
//! officer alone.
//! Never by the asker's own word, never a list, and never the document's number in the log.
//! What was agreed to opens one record at a time, until its end.

use super::actor::Actor;
use super::bodies::{REGISTRATION, adult_fields, child, record, unknown_id};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, shared};
use gridvault::limits::OFFICIAL_PEOPLE_COUNT_MAX;
use serde_json::{Value, json};
use std::time::Duration;

const DOCUMENT: &str = "澜公（望）调证字〔2026〕17号";
const PATH: &str = "/v1/admin/official-requests";

fn in_days(days: u64) -> String {
    (jiff::Timestamp::now() + Duration::from_secs(days * 86_400 - 60)).to_string()
}

/// Somebody of a grid: record, subject, number.
fn person(demo: &Demo, grid: usize) -> (String, String, Value) {
    let worker = demo.worker(grid);
    let fields = adult_fields();
    let stored = worker.create(&record("person", worker.grid(), REGISTRATION, fields.clone()));
    let stored = stored.expect(201);
    (stored.text_of("id").to_owned(), stored.text_of("subject").to_owned(), fields)
}

fn body(subjects: &[&str], fields: &[&str]) -> Value {
    json!({
        "document": DOCUMENT, "organ": "county_public_security", "subjects": subjects,
        "fields": fields, "until": in_days(2),
    })
}

fn ask(actor: &Actor, body: &Value) -> Reply {
    actor.call("POST", PATH).purpose(REGISTRATION).json(body).send()
}

fn decide(actor: &Actor, id: &str, word: &str) -> Reply {
    actor.post(&format!("{PATH}/{id}/decide"), &json!({"decision": word}))
}

fn under(actor: &Actor, case: &str, id: &str, fields: &str) -> Reply {
    let path = format!("/v1/records/{id}?fields={fields}");
    actor.call("GET", &path).purpose(REGISTRATION).header("case", case).send()
}

fn waiting(actor: &Actor, path: &str, id: &str) -> Option<Value> {
    let listed = actor.get(path).expect(200);
    let all = listed.body["approvals"].as_array().expect("a list").clone();
    all.into_iter().find(|one| one["id"] == json!(id))
}

#[test]
fn the_protection_officers_word_opens_named_fields_of_named_people() {
    let demo = shared();
    let (police, officer) = (demo.role("community_police"), demo.role("protection_officer"));
    let (id, subject, _) = person(demo, 1);
    let (other, ..) = person(demo, 1);
    let asked = ask(&police, &body(&[&subject], &["name", "birth_date"])).expect(201);
    let request = asked.text_of("id").to_owned();
    let entry = demo.entry_of(&asked);
    assert_eq!(happened(&entry), "admin.official_request success");
    assert_eq!(entry["x"]["organ"], "county_public_security");
    assert!(!entry.to_string().contains("调证"), "no number of a document: {entry}");
    under(&police, &request, &id, "name").refused(403, "case_required");

    let waits = waiting(&officer, PATH, &request).expect("it waits for the officer");
    assert_eq!(
        (&waits["document"], &waits["organ"]),
        (&json!(DOCUMENT), &json!("county_public_security"))
    );
    assert_eq!((&waits["kind"], &waits["waits"]), (&json!("official_request"), &json!(true)));
    assert!(waiting(&officer, "/v1/approvals", &request).is_none(), "it has one door");
    assert_eq!(waiting(&police, PATH, &request).expect("its asker sees it")["waits"], false);
    let approvals = format!("/v1/approvals/{request}/decide");
    officer.post(&approvals, &json!({"decision": "grant"})).refused(404, "not_found");

    let granted = decide(&officer, &request, "grant").expect(200);
    let entry = demo.entry_of(&granted);
    assert_eq!(happened(&entry), "approval.grant success");
    assert_eq!((&entry["who"], &entry["x"]["actor"]), (&json!(officer.id), &json!(police.id)));
    for _ in 0..2 {
        let read = under(&police, &request, &id, "name,birth_date,phone").expect(200);
        assert_eq!(read.body["fields"], json!({"name": "欧阳若兰", "birth_date": "1968-04-09"}));
        assert_eq!(read.body["withheld"], json!(["phone"]));
        assert_eq!(demo.entry_of(&read)["apr"], entry["apr"]);
    }
    under(&police, &request, &other, "name").refused(403, "case_required");
    under(&demo.worker(1), &request, &id, "id_number").refused(403, "denied");
    decide(&officer, &request, "refuse").refused(412, "version_conflict");
    // No list, no feed.
    let list = json!({"type": "person", "fields": ["name"]});
    let call = police.call("POST", "/v1/records/query").purpose(REGISTRATION);
    call.header("case", &request).json(&list).send().refused(403, "case_required");
}

#[test]
fn a_request_opens_a_child_whom_it_names() {
    let demo = shared();
    let (police, worker) = (demo.role("community_police"), demo.worker(2));
    let stored = worker.create(&child(worker.grid())).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let request = ask(&police, &body(&[subject], &["name"])).expect(201).text_of("id").to_owned();
    decide(&demo.role("protection_officer"), &request, "grant").expect(200);
    assert_eq!(under(&police, &request, id, "name").expect(200).body["fields"]["name"], "向晚晴");
}

#[test]
fn nobody_but_the_officer_decides_and_nobody_but_the_police_asks() {
    let demo = shared();
    let police = demo.role("community_police");
    let (_, subject, _) = person(demo, 1);
    let request = ask(&police, &body(&[&subject], &["name"])).expect(201).text_of("id").to_owned();
    for role in [
        "community_police",
        "community_cadre",
        "county_command",
        "security_admin",
        "compliance_auditor",
    ] {
        let actor = demo.role(role);
        decide(&actor, &request, "grant").refused(404, "not_found");
        assert_eq!(waiting(&actor, PATH, &request).is_some(), actor.id == police.id, "{role}");
    }
    for role in [
        "grid_worker",
        "community_cadre",
        "county_command",
        "protection_officer",
        "discipline_officer",
    ] {
        ask(&demo.role(role), &body(&[&subject], &["name"])).refused(403, "denied");
    }
    let refused = decide(&demo.role("protection_officer"), &request, "refuse").expect(200);
    assert_eq!(happened(&demo.entry_of(&refused)), "approval.refuse success");
}

#[test]
fn people_and_fields_beyond_the_askers_reach_and_wrong_words_are_refused() {
    let demo = shared();
    let police = demo.role("community_police");
    let (_, subject, _) = person(demo, 1);
    let unknown = ask(&police, &body(&[&unknown_id()], &["name"])).refused(404, "not_found");
    assert_eq!(happened(&demo.entry_of(&unknown)), "access.denied denied");
    let both = ask(&police, &body(&[&subject, &unknown_id()], &["name"]));
    assert_eq!(both.refused(404, "not_found").without_ids(), unknown.without_ids());
    ask(&police, &body(&[&subject], &["income"])).refused(400, "purpose_not_for_field");
    let good = body(&[&subject], &["name"]);
    for (member, value) in [
        ("document", json!("")),
        ("document", json!("依法 调取")),
        ("organ", json!("mayor")),
        ("subjects", json!([])),
        ("subjects", json!(["1"])),
        ("subjects", json!([subject, subject])),
        ("fields", json!([])),
        ("until", json!("2020-01-01T00:00:00Z")),
        ("until", json!(in_days(32))),
        ("reason", json!("because")),
    ] {
        let mut body = good.clone();
        body[member] = value;
        assert_eq!(ask(&police, &body).status, 400, "{body}");
    }
    let mut body = good;
    body["until"] = json!(in_days(30));
    ask(&police, &body).expect(201);
    // As many people as one request names, and one more.
    let many = |count: usize| (0..count).map(|_| unknown_id()).collect::<Vec<String>>();
    body["subjects"] = json!(many(OFFICIAL_PEOPLE_COUNT_MAX));
    ask(&police, &body).refused(404, "not_found");
    body["subjects"] = json!(many(OFFICIAL_PEOPLE_COUNT_MAX + 1));
    ask(&police, &body).refused(400, "schema_invalid");
}

#[test]
fn what_was_agreed_to_is_open_after_a_restart_too() {
    let mut demo = Demo::own();
    let (id, subject, _) = person(&demo, 1);
    let police = demo.role("community_police");
    let request = ask(&police, &body(&[&subject], &["name"])).expect(201).text_of("id").to_owned();
    demo.kill();
    demo.start_again();
    let police = demo.role("community_police");
    under(&police, &request, &id, "name").refused(403, "case_required");
    decide(&demo.role("protection_officer"), &request, "grant").expect(200);
    under(&police, &request, &id, "name").expect(200);
}
