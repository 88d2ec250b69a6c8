//! Work inside a task: what is written there, and what a list shows there.
//! Never by a task that is another's, closed or not taken yet, and never more than the task names.
//! Who may write and not read gets a version back and no value.

use super::actor::Actor;
use super::bodies::{
    ADDRESS, CORRECTION, REGISTRATION, adult, adult_fields, consent, fresh_phone, place, record,
};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, shared};
use serde_json::{Value, json};
use std::time::Duration;

/// What a seconded cadre works for.
const EVACUATION: &str = "emergency_evacuation";

/// A task of an hour that its holder has taken.
pub fn taken(
    giver: &Actor,
    holder: &Actor,
    purpose: &str,
    scope: Value,
    fields: &[&str],
) -> String {
    let task = offered(giver, holder, purpose, scope, fields, None);
    step(holder, &task, "accept").expect(200);
    task
}

fn offered(
    giver: &Actor,
    holder: &Actor,
    purpose: &str,
    scope: Value,
    fields: &[&str],
    budget: Option<u32>,
) -> String {
    let until = (jiff::Timestamp::now() + Duration::from_secs(3_600)).to_string();
    let body = json!({
        "kind": "visit", "purpose": purpose, "holder": holder.id, "scope": scope, "fields": fields,
        "until": until, "budget": budget,
    });
    let given = giver.call("POST", "/v1/tasks").purpose(purpose).json(&body).send();
    given.expect(201).text_of("id").to_owned()
}

pub fn step(actor: &Actor, task: &str, step: &str) -> Reply {
    actor.call("POST", &format!("/v1/tasks/{task}/{step}")).send()
}

/// Reads fields of a record inside a task.
pub fn inside(actor: &Actor, task: &str, purpose: &str, id: &str, fields: &str) -> Reply {
    let path = format!("/v1/records/{id}?fields={fields}");
    actor.call("GET", &path).purpose(purpose).header("case", task).send()
}

fn emergency() -> Value {
    json!({
        "purpose": EVACUATION, "legal_basis": "emergency_response",
        "notice": "emergency_evacuation_notice_1",
    })
}

/// Somebody who was met during an evacuation.
fn evacuee(grid: &str) -> Value {
    let fields = json!({"name": "巫马清", "phone": fresh_phone(), "current_address": ADDRESS});
    json!({"type": "person", "grid": grid, "fields": fields, "basis": emergency()})
}

fn store(cadre: &Actor, case: Option<&str>, body: &Value) -> Reply {
    let call = cadre.call("POST", "/v1/records").purpose(EVACUATION).json(body);
    match case {
        Some(case) => call.header("case", case).send(),
        None => call.send(),
    }
}

fn change(cadre: &Actor, case: Option<&str>, id: &str, version: u64) -> Reply {
    let body = json!({"fields": {"phone": fresh_phone()}, "basis": emergency()});
    let call = cadre.call("PATCH", &format!("/v1/records/{id}")).purpose(EVACUATION);
    let call = call.version(version).json(&body);
    match case {
        Some(case) => call.header("case", case).send(),
        None => call.send(),
    }
}

fn person(demo: &Demo, grid: usize) -> String {
    let worker = demo.worker(grid);
    worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned()
}

#[test]
fn whoever_writes_inside_a_task_alone_writes_inside_its_open_task_and_reads_nothing_back() {
    let demo = shared();
    let (cadre, operator) = (demo.role("sunk_cadre"), demo.role("street_operator"));
    let grid = demo.worker(1).grid().to_owned();
    let (id, other) = (person(demo, 1), person(demo, 1));
    let fields = ["name", "phone", "current_address"];
    let scope = json!({"records": [id]});
    let task = offered(&operator, &cadre, EVACUATION, scope, &fields, Some(3));
    store(&cadre, None, &evacuee(&grid)).refused(403, "case_required");
    store(&cadre, Some(&task), &evacuee(&grid)).refused(403, "case_required");
    step(&cadre, &task, "accept").expect(200);

    let stored = store(&cadre, Some(&task), &evacuee(&grid)).expect(201);
    let entry = demo.entry_of(&stored);
    assert_eq!(happened(&entry), "data.create success");
    let accepted = demo.entry_of(&step(&cadre, &task, "accept").refused(412, "version_conflict"));
    assert_eq!((&entry["who"], entry["task"].is_string()), (&accepted["who"], true));
    let new = stored.text_of("id");
    inside(&cadre, &task, EVACUATION, new, "name").refused(403, "case_required");
    inside(&cadre, "echo", EVACUATION, new, "name").refused(403, "case_required");

    change(&cadre, None, &id, 1).refused(403, "case_required");
    change(&cadre, Some(&task), &other, 1).refused(403, "case_required");
    let changed = change(&cadre, Some(&task), &id, 1).expect(200);
    let members: Vec<&String> = changed.body.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["id", "receipt", "version"]);
    assert!(demo.entry_of(&changed)["task"].is_string());

    // Each record that is written costs the budget once.
    change(&cadre, Some(&task), &id, 2).expect(200);
    store(&cadre, Some(&task), &evacuee(&grid)).expect(201);
    store(&cadre, Some(&task), &evacuee(&grid)).refused(429, "reveal_limit");
    step(&operator, &task, "close").expect(200);
    change(&cadre, Some(&task), &id, 3).refused(403, "case_required");
    store(&cadre, Some(&task), &evacuee(&grid)).refused(403, "case_required");
}

#[test]
fn a_task_lets_nobody_write_what_the_role_does_not_write_there_nor_what_it_does_not_name() {
    let demo = shared();
    let (cadre, operator) = (demo.role("sunk_cadre"), demo.role("street_operator"));
    let id = person(demo, 1);
    let task = taken(&operator, &cadre, EVACUATION, json!({"records": [id]}), &["name"]);
    change(&cadre, Some(&task), &id, 1).refused(403, "case_required");
    let mut sensitive = evacuee(demo.worker(1).grid());
    sensitive["fields"]["assistance_tag"] = json!(["help_to_move"]);
    store(&cadre, Some(&task), &sensitive).refused(403, "denied");
    // A place is about no person, and it writes none of those.
    let mut dwelling = place(demo.worker(1).grid());
    dwelling["basis"] = emergency();
    store(&cadre, Some(&task), &dwelling).refused(403, "denied");
}

#[test]
fn a_batch_inside_a_task_stores_its_lines_and_a_line_outside_of_one_does_not() {
    let demo = shared();
    let (cadre, operator) = (demo.role("sunk_cadre"), demo.role("street_operator"));
    let grid = demo.worker(1).grid().to_owned();
    let fields = ["name", "phone", "current_address"];
    let task = taken(&operator, &cadre, EVACUATION, json!({"records": [person(demo, 1)]}), &fields);
    let send = |case: Option<&str>| {
        let call = cadre.call("POST", "/v1/records/batch").purpose(EVACUATION);
        let call = call.bytes("application/x-ndjson", evacuee(&grid).to_string().as_bytes());
        match case {
            Some(case) => call.header("case", case).send(),
            None => call.send(),
        }
    };
    assert_eq!(send(None).expect(200).body["problem"]["code"], "case_required");
    assert_eq!(send(Some(&task)).expect(200).body["status"], 201);
}

#[test]
fn nothing_is_written_or_listed_under_what_one_wrote_oneself() {
    let demo = shared();
    let worker = demo.worker(1);
    let id = person(demo, 1);
    let path = format!("/v1/records/{id}");
    let patch = worker.call("PATCH", &path).purpose(CORRECTION).version(1);
    let patch = patch.json(&json!({"fields": {"name": "吴志坚"}})).header("case", "echo").send();
    patch.refused(400, "schema_invalid");
    let query = worker.call("POST", "/v1/records/query").purpose(CORRECTION);
    let query = query.json(&json!({"type": "person", "fields": ["name"]})).header("case", "echo");
    query.send().refused(400, "schema_invalid");
}

#[test]
fn whoever_may_write_and_not_read_changes_a_record_with_the_version_of_a_list() {
    let demo = shared();
    let worker = demo.worker(3);
    let since = jiff::Timestamp::now().to_string();
    let fields = json!({"name": "闻思远", "phone": fresh_phone(), "pick_up_address": ADDRESS});
    let mut held = record("person", worker.grid(), REGISTRATION, fields);
    held["basis"] = json!({
        "purpose": "disability_transport", "legal_basis": "disability_transport_separate_consent",
        "notice": "disability_transport_notice_1", "consent": consent("self"),
    });
    let id = worker.create(&held).expect(201).text_of("id").to_owned();
    worker.read(&id, "pick_up_address", CORRECTION).refused(403, "denied");
    let body = json!({
        "type": "person", "grid": worker.grid(), "fields": ["name"], "updated_since": since,
    });
    let listed = worker.query(&body, CORRECTION).expect(200);
    let items = listed.body["items"].as_array().expect("a list");
    let item = items.iter().find(|item| item["id"] == json!(id)).expect("it is in the list");
    assert_eq!(item["masked"], json!(["name"]));
    let version = item["version"].as_u64().expect("a version");
    let blind = json!({"pick_up_address": ADDRESS});
    let changed = worker.patch(&id, version, CORRECTION, blind).expect(200);
    let members: Vec<&String> = changed.body.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["id", "receipt", "version"]);
    assert!(!changed.text.contains(ADDRESS));
    worker.read(&id, "pick_up_address", CORRECTION).refused(403, "denied");
    let stale = worker.patch(&id, version, CORRECTION, json!({"pick_up_address": ADDRESS}));
    stale.refused(412, "version_conflict");
}

#[test]
fn a_list_inside_a_task_shows_in_clear_what_the_task_names_of_its_people_and_masks_all_others() {
    let demo = shared();
    let (worker, head) = (demo.worker(5), demo.head(5));
    let since = jiff::Timestamp::now().to_string();
    let stored = |fields: &Value| {
        let body = record("person", worker.grid(), REGISTRATION, fields.clone());
        worker.create(&body).expect(201).text_of("id").to_owned()
    };
    let fields = adult_fields();
    let (id, other) = (stored(&fields), stored(&adult_fields()));
    let scope = json!({"records": [id]});
    let task = taken(&head, &worker, CORRECTION, scope, &["name", "id_number"]);
    let list = |limit: usize| {
        let body = json!({
            "type": "person", "grid": worker.grid(), "updated_since": since, "limit": limit,
            "fields": ["name", "id_number", "phone"],
        });
        let call = worker.call("POST", "/v1/records/query").purpose(CORRECTION);
        call.header("case", &task).json(&body).send()
    };
    let listed = list(100).expect(200);
    let of = |reply: &Reply, id: &str| {
        let items = reply.body["items"].as_array().expect("a list").clone();
        items.into_iter().find(|item| item["id"] == json!(id)).expect("it is in the list")
    };
    let own = of(&listed, &id);
    assert_eq!(own["fields"]["name"], fields["name"]);
    assert_eq!(own["fields"]["id_number"], fields["id_number"]);
    assert_eq!(own["masked"], json!(["phone"]), "what the task does not name stays masked");
    let beside = of(&listed, &other);
    assert_eq!(beside["masked"], json!(["name", "phone"]));
    assert_eq!(beside["withheld"], json!(["id_number"]));
    let entry = demo.entry_of(&listed);
    assert_eq!(happened(&entry), "data.query success");
    assert!(entry["task"].is_string());
    list(101).refused(400, "schema_invalid");
    step(&head, &task, "close").expect(200);
    let after = list(100).expect(200);
    assert_eq!(of(&after, &id)["masked"], json!(["name", "phone"]));
    assert!(demo.entry_of(&after)["task"].is_null());
}

#[test]
fn a_list_inside_a_task_counts_its_budget() {
    let demo = shared();
    let (worker, head) = (demo.worker(5), demo.head(5));
    let people = [person(demo, 5), person(demo, 5)];
    let scope = json!({"records": people});
    let task = offered(&head, &worker, CORRECTION, scope, &["id_number"], Some(1));
    step(&worker, &task, "accept").expect(200);
    let since = (jiff::Timestamp::now() - Duration::from_secs(60)).to_string();
    let body = json!({
        "type": "person", "grid": worker.grid(), "updated_since": since, "fields": ["id_number"],
        "limit": 100,
    });
    let call = worker.call("POST", "/v1/records/query").purpose(CORRECTION);
    call.header("case", &task).json(&body).send().refused(429, "reveal_limit");
    inside(&worker, &task, CORRECTION, &people[0], "id_number").expect(200);
}
