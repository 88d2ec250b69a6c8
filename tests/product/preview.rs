//! What one may do somewhere, asked before it is done: for the caller's own posts, and the same as a decision would say.
//! Never a record, never a value, never anybody else's rights.
//! A place that is not one's own and a place that is none are alike.

use super::actor::Actor;
use super::bodies::{REGISTRATION, adult, child};
use super::client::Reply;
use super::entries::happened;
use super::harness::shared;
use serde_json::{Value, json};

fn preview(actor: &Actor, body: &Value) -> Reply {
    actor.post("/v1/access/preview", body)
}

/// What is given of people in a grid for registration.
fn registration(actor: &Actor, grid: &str, age: &str) -> Value {
    let body = json!({"type": "person", "grid": grid, "purpose": REGISTRATION, "age": age});
    let purposes = preview(actor, &body).expect(200).body["purposes"].clone();
    purposes.as_array().and_then(|all| all.first()).cloned().unwrap_or(Value::Null)
}

#[test]
fn what_is_previewed_is_what_a_decision_says_then() {
    let demo = shared();
    let worker = demo.worker(1);
    let grown = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    let small = worker.create(&child(worker.grid())).expect(201).text_of("id").to_owned();
    for actor in [worker.clone(), demo.head(1), demo.role("street_operator")] {
        for (age, id) in [("adult", &grown), ("child", &small)] {
            let told = registration(&actor, worker.grid(), age);
            let view = match told["fields"]["name"]["view"].as_str() {
                Some(view @ ("raw" | "masked")) => view.to_owned(),
                _ => "none".to_owned(),
            };
            let read = actor.read(id, "name", REGISTRATION);
            let got = match read.status {
                200 if read.body["masked"] == json!(["name"]) => "masked",
                200 => "raw",
                _ => "none",
            };
            assert_eq!(view, got, "{} of an {age}: {told}", actor.role);
            if got == "none" && told["fields"]["name"]["clear_with"].is_string() {
                assert_eq!(told["fields"]["name"]["clear_with"], json!(read.code()));
            }
        }
    }
}

#[test]
fn a_preview_says_under_which_condition_and_whom_to_ask() {
    let demo = shared();
    let worker = demo.worker(1);
    let told = registration(&worker, worker.grid(), "adult");
    assert_eq!((&told["role"], &told["with_will"]), (&json!("grid_worker"), &json!(false)));
    assert_eq!(told["fields"]["name"], json!({"view": "raw", "write": true}));
    assert_eq!(told["fields"]["id_number"]["view"], "match");
    assert_eq!(told["remove"], false);
    assert!(told.get("approver").is_none() && told.get("task_givers").is_none());
    let told = registration(&worker, worker.grid(), "child");
    assert_eq!(told["fields"]["name"]["clear_with"], "case_required");
    assert!(told["task_givers"].as_array().expect("roles").contains(&json!("grid_head")));
    // Without a purpose all that give something: those that rest on somebody's will say so.
    let body = json!({"type": "person", "grid": worker.grid()});
    let all = preview(&worker, &body).expect(200);
    let all = all.body["purposes"].as_array().expect("a list").clone();
    let named = |purpose: &str| all.iter().find(|one| one["purpose"] == purpose).cloned();
    assert!(named(REGISTRATION).is_some());
    assert_eq!(named("household_contact").expect("by consent")["with_will"], true);
    assert!(named("access_oversight").is_none());
}

#[test]
fn a_preview_of_elsewhere_is_nothing_whether_there_is_a_grid_or_not() {
    let demo = shared();
    let worker = demo.worker(1);
    let of = |actor: &Actor, grid: &str| preview(actor, &json!({"type": "person", "grid": grid}));
    let next = of(&worker, demo.worker(2).grid()).expect(200);
    let nowhere = of(&worker, "8801029990019999").expect(200);
    assert_eq!(next.body["purposes"], json!([]));
    assert_eq!(next.body["purposes"], nowhere.body["purposes"]);
    for role in ["security_admin", "compliance_auditor", "supervisor", "contractor_ops"] {
        let told = of(&demo.role(role), worker.grid()).expect(200);
        let seen = told.body["purposes"].as_array().expect("a list").iter();
        let shown = seen.flat_map(|one| one["fields"].as_object().expect("fields").clone());
        let shown: Vec<_> = shown
            .filter(|(_, given)| given["view"] == "raw" || given["view"] == "masked")
            .collect();
        assert!(shown.is_empty(), "{role}: {shown:?}");
    }
}

#[test]
fn a_preview_has_its_entry_names_nobody_and_takes_no_nonsense() {
    let demo = shared();
    let worker = demo.worker(1);
    let right = json!({"type": "person", "grid": worker.grid(), "age": "minor"});
    let entry = demo.entry_of(&preview(&worker, &right).expect(200));
    assert_eq!(happened(&entry), "data.preview success");
    assert_eq!((&entry["x"]["type"], &entry["x"]["age"]), (&json!("person"), &json!("minor")));
    for member in ["rec", "sub", "grid", "fld", "pur"] {
        assert!(entry[member].is_null(), "{member}");
    }
    for (member, value, code) in [
        ("type", json!("people"), "schema_invalid"),
        ("age", json!("old"), "schema_invalid"),
        ("grid", json!(""), "schema_invalid"),
        ("grid", json!("88010200100100015"), "schema_invalid"),
        ("grid", json!("880102001001000a"), "schema_invalid"),
        ("purpose", json!("grid_management"), "purpose_unknown"),
        ("actor", json!(demo.worker(2).id), "schema_invalid"),
        ("record", json!(demo.sample_record()), "schema_invalid"),
    ] {
        let mut body = right.clone();
        body[member] = value;
        preview(&worker, &body).refused(400, code);
    }
}
