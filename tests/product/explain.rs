//! The policy told in words against what it does: explanation, matrix, and the answers that callers get.
//! Never takes the explanation for the decision: both are asked, of the same actor, about the same field.
//! The matrix is compared with the policy files, read here by their plain meaning.

use super::actor::Actor;
use super::bodies::{CORRECTION, REGISTRATION};
use super::entries::happened;
use super::harness::{Demo, shared};
use gridvault::purposes::PurposeGroup;
use gridvault::records::{Class, RecordType};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn explain(demo: &Demo, question: &Value) -> super::client::Reply {
    demo.role("security_admin").post("/v1/admin/policies/explain", question)
}

fn question(actor: &Actor, purpose: &str, action: &str, fields: &[&str]) -> Value {
    json!({
        "actor": actor.id, "purpose": purpose, "type": "person", "grid": "8801020010010001",
        "action": action, "fields": fields,
    })
}

/// What a caller gets of one field: its view, or the code that refuses it.
fn outcome(demo: &Demo, actor: &Actor, purpose: &str, field: &str) -> String {
    let reply = actor.read(demo.sample_record(), field, purpose);
    if reply.status != 200 {
        return reply.code().to_owned();
    }
    let masked = reply.body["masked"].as_array().expect("a list");
    if masked.contains(&json!(field)) { "masked".into() } else { "raw".into() }
}

/// What the explanation says of it.
fn explained(demo: &Demo, actor: &Actor, purpose: &str, field: &str) -> String {
    let reply = explain(demo, &question(actor, purpose, "read", &[field])).expect(200);
    let view = reply.body["views"][field].as_str();
    let code = reply.body["code"].as_str();
    assert_eq!(reply.body["allowed"], code.is_none(), "{}", reply.text);
    view.or(code).expect("a view or a code").to_owned()
}

#[test]
fn explanation_agrees_with_what_every_role_gets_of_every_field() {
    let demo = shared();
    let fields = ["name", "phone", "birth_date", "id_number", "income", "nonsense"];
    let mut pairs = 0;
    let mut seen = BTreeSet::new();
    let roles = [
        demo.worker(1),
        demo.head(1),
        demo.worker(2),
        demo.role("street_operator"),
        demo.role("city_platform"),
        demo.role("compliance_auditor"),
        demo.role("security_admin"),
    ];
    for actor in roles {
        for purpose in [REGISTRATION, CORRECTION, "elder_benefit"] {
            for field in fields {
                let told = explained(demo, &actor, purpose, field);
                let got = outcome(demo, &actor, purpose, field);
                assert_eq!(told, got, "{} of {:?}: {field} for {purpose}", actor.role, actor.area);
                seen.insert(got);
                pairs += 1;
            }
        }
    }
    assert!(pairs >= 30);
    let expected = [
        "case_required",
        "denied",
        "field_unknown",
        "masked",
        "not_found",
        "purpose_not_for_field",
        "raw",
    ];
    assert_eq!(seen, BTreeSet::from(expected.map(str::to_owned)));
}

#[test]
fn explanation_names_the_rule_that_the_entry_names() {
    let demo = shared();
    for actor in [demo.worker(1), demo.role("street_operator")] {
        let reply = actor.read(demo.sample_record(), "name,phone", REGISTRATION).expect(200);
        let entry = demo.entry_of(&reply);
        let told = explain(demo, &question(&actor, REGISTRATION, "read", &["name", "phone"]));
        let told = told.expect(200);
        for member in ["rule", "role", "scope"] {
            assert_eq!(told.body[member], entry[member], "{member} of {}", actor.role);
        }
    }
}

#[test]
fn writes_matches_and_removals_are_explained_too() {
    let demo = shared();
    let told = |actor: &Actor, action: &str, fields: &[&str]| {
        let reply = explain(demo, &question(actor, REGISTRATION, action, fields)).expect(200);
        reply.body["code"].as_str().unwrap_or("allowed").to_owned()
    };
    let (worker, head) = (demo.worker(1), demo.head(1));
    let street = demo.role("street_operator");
    assert_eq!(told(&worker, "create", &["name", "id_number"]), "allowed");
    assert_eq!(told(&worker, "update", &["phone"]), "allowed");
    assert_eq!(told(&worker, "match", &["id_number"]), "allowed");
    assert_eq!(told(&worker, "match", &["name"]), "denied");
    assert_eq!(told(&worker, "delete", &[]), "denied");
    assert_eq!(told(&head, "delete", &[]), "allowed");
    assert_eq!(told(&demo.worker(2), "create", &["name"]), "out_of_territory");
    assert_eq!(told(&demo.head(2), "delete", &[]), "not_found");
    assert_eq!(told(&street, "create", &["name"]), "denied");
    assert_eq!(told(&street, "match", &["id_number"]), "denied");
}

#[test]
fn explanation_is_recorded_with_whom_it_is_about_and_reads_nothing() {
    let demo = shared();
    let worker = demo.worker(1);
    let reply = explain(demo, &question(&worker, REGISTRATION, "read", &["name"])).expect(200);
    let entry = demo.entry_of(&reply);
    assert_eq!(happened(&entry), "policy.explain success");
    assert_eq!(entry["x"]["actor"], json!(worker.id));
    assert!(entry["rec"].is_null());
}

#[test]
fn question_that_makes_no_sense_is_refused() {
    let demo = shared();
    let right = question(&demo.worker(1), REGISTRATION, "read", &["name"]);
    let with = |member: &str, value: Value| {
        let mut question = right.clone();
        question[member] = value;
        explain(demo, &question)
    };
    with("actor", json!("AAAAAAAAAAAAAAAAAAAAAA")).refused(404, "not_found");
    with("grid", json!("8801020010019999")).refused(404, "not_found");
    for (member, value) in [
        ("actor", json!("x")),
        ("purpose", json!("nonsense")),
        ("type", json!("nonsense")),
        ("action", json!("export")),
        ("fields", json!(["周"])),
        ("why", json!("x")),
    ] {
        with(member, value).refused(400, "schema_invalid");
    }
}

/// Role, type, class and group, with what is granted there.
type Cells = BTreeMap<(String, String, String, String), BTreeSet<String>>;

/// The policy files by their plain meaning: a line grants its action wherever it fits; "any" fits everywhere.
fn cells_of_the_files() -> Cells {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/roles");
    let mut cells = Cells::new();
    for file in std::fs::read_dir(directory).expect("the policy files") {
        let path = file.expect("a file").path();
        let role = path.file_stem().and_then(|stem| stem.to_str()).expect("a role").to_owned();
        let text = std::fs::read_to_string(&path).expect("a policy file");
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let words: Vec<&str> = line.split(',').map(str::trim).collect();
            let [_, topic, class, group, action, "allow"] = words[..] else {
                panic!("{role}: a line that this reading does not know: {line}");
            };
            if topic == "duty" {
                continue;
            }
            let fits = |word: &str, point: &str| word == "any" || word == point;
            for point in points() {
                let (kind, of_class, of_group) = &point;
                if fits(topic, kind) && fits(class, of_class) && fits(group, of_group) {
                    let (kind, class, group) = point.clone();
                    let cell = cells.entry((role.clone(), kind, class, group)).or_default();
                    cell.insert(action.to_owned());
                }
            }
        }
    }
    cells
}

fn points() -> Vec<(String, String, String)> {
    let mut points = Vec::new();
    for kind in RecordType::ALL {
        for class in Class::ALL {
            for group in PurposeGroup::ALL {
                let words = [kind.as_str(), class.as_str(), group.as_str()].map(str::to_owned);
                points.push(words.into());
            }
        }
    }
    points
}

#[test]
fn matrix_is_what_the_policy_files_say_and_nothing_more() {
    let demo = shared();
    let reply = demo.role("system_admin").get("/v1/admin/policies/matrix").expect(200);
    let word = |cell: &Value, name: &str| cell[name].as_str().expect("a word").to_owned();
    let mut cells = Cells::new();
    for cell in reply.body["cells"].as_array().expect("a list") {
        let granted = cell["granted"].as_array().expect("a list");
        let granted: BTreeSet<String> =
            granted.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        assert!(!granted.is_empty());
        let point = ["role", "type", "class", "group"].map(|name| word(cell, name));
        assert!(cells.insert(point.into(), granted).is_none(), "a cell twice");
    }
    assert!(cells.len() > 100);
    assert_eq!(cells, cells_of_the_files());
}
