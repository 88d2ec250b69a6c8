//! The secrecy term and the training of whoever holds a post: what opens without them, who writes them down, who is told.
//! Never anything about a person for whoever has not both, by any call.
//! Its holder may know why, and whoever wrote it down is in the log.

use super::actor::Actor;
use super::bodies::{REGISTRATION, adult, fresh_phone, place};
use super::client::Reply;
use super::enrolment::{add, enrolled, ready};
use super::entries::happened;
use super::harness::{Demo, shared};
use super::placing::newcomer;
use super::town::{FIRST, Person, STREET, Town, in_area};
use gridvault::limits::DOCUMENT_CHARACTERS_MAX;
use serde_json::{Value, json};
use std::time::Duration;

const GRID: &str = "8801020010010003";

/// So many days from now.
fn in_days(days: u64) -> String {
    (jiff::Timestamp::now() + Duration::from_secs(days * 86_400)).to_string()
}

fn days_ago(days: u64) -> String {
    (jiff::Timestamp::now() - Duration::from_secs(days * 86_400)).to_string()
}

/// A worker of the grid with these members of its post in the place of those that everybody has.
fn worker_with(demo: &Demo, members: Value) -> Actor {
    let mut post = json!({"role": "grid_worker", "area": GRID});
    for (name, value) in members.as_object().expect("members") {
        post[name] = value.clone();
    }
    enrolled(demo, &add(demo, json!([post])).expect(201), "grid_worker", Some(GRID))
}

fn own(actor: &Actor) -> Value {
    actor.get("/v1/actor").expect(200).body["posts"][0].clone()
}

fn renew(by: &Actor, whom: &Actor, brought: Value) -> Reply {
    let mut body = json!({"assignment": own(whom)["id"]});
    for (name, value) in brought.as_object().expect("members") {
        body[name] = value.clone();
    }
    by.post(&format!("/v1/admin/actors/{}/assignments/renew", whom.id), &body)
}

fn term() -> Value {
    json!({"secrecy_term": {"signed_at": days_ago(1), "document": "菏民〔2026〕17号"}})
}

/// Everything about people is closed to it, and a place that nobody lives in yet is not.
fn closed(actor: &Actor, known: &str) {
    actor.create(&adult(GRID)).refused(403, "denied");
    actor.read(known, "name", REGISTRATION).refused(403, "denied");
    actor
        .patch(known, 1, REGISTRATION, json!({"residence_kind": "floating"}))
        .refused(403, "denied");
    actor.matches("phone", &fresh_phone(), REGISTRATION).refused(403, "denied");
    let list = json!({"type": "person", "fields": ["name"]});
    actor.query(&list, REGISTRATION).refused(403, "denied");
    let changed = actor.changes(None, 256, REGISTRATION).expect(200);
    let changes = changed.body["changes"].as_array().expect("changes");
    assert!(changes.iter().all(|one| one["type"] != "person"), "{}", changed.text);
    actor.create(&place(GRID)).expect(201);
}

#[test]
fn whoever_signed_no_term_opens_nothing_about_a_person_until_somebody_wrote_it_down() {
    let demo = shared();
    let known = demo.worker(3).create(&adult(GRID)).expect(201);
    let known = known.text_of("id");
    let worker = worker_with(demo, json!({"secrecy_term": null}));
    closed(&worker, known);
    let post = own(&worker);
    assert_eq!(
        (&post["secrecy_term"], &post["closed_by"], &post["training"], &post["counts"]),
        (&json!("missing"), &json!("secrecy_term_missing"), &json!("valid"), &json!(true))
    );
    let officer = demo.role("assignment_officer");
    let renewed = renew(&officer, &worker, term()).expect(200);
    let entry = demo.entry_of(&renewed);
    assert_eq!(happened(&entry), "assignment.change success");
    assert_eq!(
        (&entry["x"]["actor"], &entry["x"]["secrecy_term"]),
        (&json!(worker.id), &json!("signed"))
    );
    assert!(!entry.to_string().contains("17号"), "the number of the document stays in the vault");
    worker.read(known, "name", REGISTRATION).expect(200);
    let post = own(&worker);
    assert_eq!((&post["secrecy_term"], &post["closed_by"]), (&json!("signed"), &Value::Null));
    let listed = demo.role("security_admin").get("/v1/admin/actors").expect(200);
    let actors = listed.body["actors"].as_array().expect("actors").clone();
    let kept = actors.iter().find(|one| one["id"] == json!(worker.id)).expect("the worker");
    assert_eq!(kept["assignments"][0]["secrecy_term"]["document"], "菏民〔2026〕17号");
}

#[test]
fn training_that_is_over_closes_and_training_that_was_renewed_opens() {
    let demo = shared();
    let known = demo.worker(3).create(&adult(GRID)).expect(201);
    let known = known.text_of("id");
    let lapsed = worker_with(demo, json!({"trained_until": days_ago(1)}));
    closed(&lapsed, known);
    assert_eq!(
        (&own(&lapsed)["training"], &own(&lapsed)["closed_by"]),
        (&json!("lapsed"), &json!("training_lapsed"))
    );
    let missing = worker_with(demo, json!({"trained_until": null}));
    missing.read(known, "name", REGISTRATION).refused(403, "denied");
    assert_eq!(own(&missing)["closed_by"], "training_missing");

    let security = demo.role("security_admin");
    renew(&security, &lapsed, json!({"trained_until": in_days(29)})).expect(200);
    lapsed.read(known, "name", REGISTRATION).expect(200);
    assert_eq!(
        (&own(&lapsed)["training"], &own(&lapsed)["closed_by"]),
        (&json!("ends_soon"), &Value::Null)
    );
    renew(&security, &lapsed, json!({"trained_until": in_days(300)})).expect(200);
    assert_eq!(own(&lapsed)["training"], "valid");
}

#[test]
fn what_makes_no_sense_is_written_down_nowhere() {
    let demo = shared();
    let security = demo.role("security_admin");
    let worker = worker_with(demo, json!({}));
    let signed = |at: String, document: &str| json!({"secrecy_term": {"signed_at": at, "document": document}});
    let long = "7a".repeat(DOCUMENT_CHARACTERS_MAX / 2);
    for wrong in [
        json!({}),
        json!({"trained_until": "next year"}),
        json!({"trained_until": in_days(401)}),
        json!({"trained_until": 7}),
        signed(in_days(1), "B-1"),
        // Before the term that is known.
        signed("2025-01-05T08:00:00Z".to_owned(), "B-1"),
        signed(days_ago(1), ""),
        signed(days_ago(1), "on paper, by hand"),
        signed(days_ago(1), "880101199001010013"),
        signed(days_ago(1), &format!("{long}7")),
        json!({"secrecy_term": {"document": "B-1"}}),
        json!({"secrecy_term": "B-1"}),
        json!({"trained_until": in_days(1), "rank": 1}),
    ] {
        let refused = renew(&security, &worker, wrong.clone());
        assert_eq!((refused.status, refused.code()), (400, "schema_invalid"), "{wrong}");
    }
    renew(&security, &worker, signed(days_ago(1), &long)).expect(200);
    renew(&security, &worker, json!({"trained_until": in_days(399)})).expect(200);
    for (name, value) in [
        ("trained_until", json!(in_days(401))),
        ("secrecy_term", json!({"signed_at": in_days(1), "document": "B-1"})),
    ] {
        let mut post = json!({"role": "grid_worker", "area": GRID});
        post[name] = value;
        add(demo, json!([post.clone()])).refused(400, "schema_invalid");
        let path = format!("/v1/admin/actors/{}/assignments", worker.id);
        security.post(&path, &ready(post)).refused(400, "schema_invalid");
    }
}

#[test]
fn nobody_writes_it_down_for_itself_or_for_nobody() {
    let demo = shared();
    let officer = demo.role("assignment_officer");
    let worker = worker_with(demo, json!({"secrecy_term": null}));
    renew(&worker, &worker, term()).refused(403, "denied");
    for role in ["grid_head", "community_cadre", "system_admin", "compliance_auditor"] {
        renew(&demo.role(role), &worker, term()).refused(403, "denied");
    }
    let path = |id: &str| format!("/v1/admin/actors/{id}/assignments/renew");
    let mut nowhere = term();
    nowhere["assignment"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
    officer.post(&path(&worker.id), &nowhere).refused(404, "not_found");
    officer.post(&path("AAAAAAAAAAAAAAAAAAAAAA"), &nowhere).refused(404, "not_found");
    officer.post(&path("nobody"), &nowhere).refused(404, "not_found");
    renew(&officer, &worker, term()).expect(200);
}

#[test]
fn nobody_writes_it_down_beyond_its_street() {
    const OTHER_STREET: &str = "880102002";
    const OTHER_GRID: &str = "8801020020010001";
    let town = Town::at("2026-11-30T01:00:00Z");
    let officer = |street: &str| town.somebody(&[in_area("assignment_officer", street)]);
    let worker = |grid: &str| town.somebody(&[in_area("grid_worker", grid)]);
    let (here, there) = (officer(STREET), officer(OTHER_STREET));
    let (near, far) = (worker(FIRST), worker(OTHER_GRID));
    let renew = |by: Person, whom: Person| {
        let post = town.get(whom, "/v1/actor").done()["posts"][0]["id"].clone();
        let body = json!({"assignment": post, "trained_until": "2027-06-01T00:00:00Z"});
        town.post(by, &format!("/v1/admin/actors/{}/assignments/renew", whom.id()), &body)
    };
    for (by, own, other) in [(here, near, far), (there, far, near)] {
        renew(by, other).refused("denied");
        renew(by, own).done();
    }
}

#[test]
fn whoever_calls_sees_its_own_posts_and_nobody_elses() {
    let demo = shared();
    // Somebody whom no other test places anywhere.
    let worker = newcomer(demo, demo.worker(1).grid());
    let seen = worker.get("/v1/actor").expect(200);
    assert_eq!(happened(&demo.entry_of(&seen)), "assignment.read success");
    assert_eq!(seen.body["id"], json!(worker.id));
    let posts = seen.body["posts"].as_array().expect("posts");
    assert_eq!((posts.len(), &posts[0]["area"]), (1, &json!(worker.area)));
    let auditor = demo.role("compliance_auditor").get("/v1/actor").expect(200);
    let post = &auditor.body["posts"][0];
    assert_eq!(
        (&post["secrecy_term"], &post["training"], &post["closed_by"]),
        (&json!("not_needed"), &json!("not_needed"), &Value::Null)
    );
}
