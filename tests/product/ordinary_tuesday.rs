//! An ordinary Tuesday in a grid: visits, a changed telephone, a blocked stairway, an application at a table, a neighbour's grid.
//! Never does anybody need a way around the vault for what the day asks.
//! Each step is open when its turn comes, and closed when it is done.

use super::bodies::{
    CONTACT, CORRECTION, REGISTRATION, SAFETY, adult, adult_fields, contact, fresh_phone, record,
};
use super::town::{COMMUNITY, FIRST, Post, SECOND, STREET, Town, in_area, of_platform, text};
use gridvault::http::{Call, Method};
use serde_json::{Value, json};

/// Half past eight in the morning at home.
const MORNING: &str = "2026-12-01T00:30:00Z";

#[test]
fn an_ordinary_tuesday_needs_no_way_around_the_vault() {
    let town = Town::at(MORNING);
    let worker = town.somebody(&[in_area("grid_worker", FIRST)]);
    let head = town.somebody(&[in_area("grid_head", FIRST)]);
    let officer = town.somebody(&[of_platform("compliance_auditor")]);

    // Before work: the post counts, the training lasts, nothing is closed.
    let own = town.get(worker, "/v1/actor").done();
    assert_eq!(own["posts"][0]["closed_by"], Value::Null);
    assert_eq!(own["posts"][0]["training"], "valid");

    // Three visits inside tasks: a number each is to be looked up again.
    let visited: Vec<(String, Value)> = (0..3)
        .map(|_| {
            let fields = adult_fields();
            let stored = town.store(head, &record("person", FIRST, REGISTRATION, fields.clone()));
            (text(&stored, "id"), fields)
        })
        .collect();
    for (id, _) in &visited {
        let task = json!({
            "kind": "visit", "purpose": CORRECTION, "holder": worker.id(),
            "scope": {"records": [id]}, "fields": ["name", "id_number"],
            "until": "2026-12-01T10:00:00Z",
        });
        town.post_for(head, CORRECTION, "/v1/tasks", &task).done();
    }
    let tasks = town.get(worker, "/v1/tasks").done()["tasks"].clone();
    let tasks = tasks.as_array().expect("tasks");
    assert_eq!(tasks.len(), 3, "the morning's work");
    for task in tasks {
        let (task_id, id) = (text(task, "id"), task["records"][0].as_str().expect("a record"));
        town.step(worker, &format!("/v1/tasks/{task_id}/accept")).done();
        let read = town.read(worker, id, "name,id_number", CORRECTION, Some(&task_id)).done();
        let (_, fields) = visited.iter().find(|(one, _)| one == id).expect("one of the three");
        assert_eq!(read["fields"]["id_number"], fields["id_number"]);
        town.step(worker, &format!("/v1/tasks/{task_id}/close")).done();
        town.read(worker, id, "id_number", CORRECTION, Some(&task_id)).refused("case_required");
    }
    assert_eq!(town.get(worker, "/v1/tasks").done()["tasks"], json!([]));

    // A resident has a new telephone.
    town.now_it_is("2026-12-01T02:00:00Z");
    let resident = town.store(head, &adult(FIRST));
    let (id, phone) = (text(&resident, "id"), fresh_phone());
    let change = json!({"fields": {"phone": phone}});
    let call = Call {
        purpose: Some(REGISTRATION),
        version: resident["version"].as_u64(),
        body: Some(&change),
        ..Call::default()
    };
    town.call(worker, Method::PATCH, &format!("/v1/records/{id}"), call).done();
    let read = town.read(worker, &id, "phone", REGISTRATION, None).done();
    assert_eq!(read["fields"]["phone"], json!(phone));

    // A stairway is blocked.
    let event = json!({
        "kind": "clutter", "matter": "消防通道堵塞", "severity": "ordinary", "state": "discover",
    });
    town.store(worker, &record("event", FIRST, SAFETY, event));

    the_allowance_at_her_table(&town);
    the_neighbours_grid_over_noon(&town, head);

    // The whole day was refused nothing but what was over or had not begun: three numbers, the allowance before and after,
    // and the neighbour's grid in the afternoon.
    let refused = town.found(officer, "outcome=denied");
    let mut codes: Vec<&str> =
        refused.iter().map(|entry| entry["why"].as_str().unwrap_or("nothing said")).collect();
    codes.sort_unstable();
    let closed = ["case_required"; 5];
    assert_eq!(codes, [&closed[..], &["not_found"]].concat());
}

/// An old woman applies at her own table: the community takes the application, the worker has it open while she is there.
fn the_allowance_at_her_table(town: &Town) {
    const ALLOWANCE: &str = "minimum_allowance";
    let lead = Post { lead: true, ..in_area("community_cadre", COMMUNITY) };
    let lead = town.somebody(&[lead]);
    let agent = town.somebody(&[in_area("grid_worker", FIRST)]);
    let body = json!({
        "type": "person", "grid": FIRST,
        "fields": {
            "name": "祝秀英", "phone": fresh_phone(), "current_address": super::bodies::ADDRESS,
        },
        "basis": {
            "purpose": ALLOWANCE, "legal_basis": "social_assistance_duty",
            "notice": "minimum_allowance_notice_1",
        },
    });
    let id = text(&town.store(lead, &body), "id");
    let asked = |task: Option<&str>| town.read(agent, &id, "name,current_address", ALLOWANCE, task);
    asked(None).refused("case_required");
    let task = json!({
        "kind": "agent_service", "purpose": ALLOWANCE, "holder": agent.id(),
        "scope": {"records": [id]}, "fields": ["name", "current_address"],
        "until": "2026-12-01T04:00:00Z",
    });
    let task = text(&town.post_for(lead, ALLOWANCE, "/v1/tasks", &task).done(), "id");
    town.step(agent, &format!("/v1/tasks/{task}/accept")).done();
    assert_eq!(asked(Some(&task)).done()["fields"]["name"], "祝秀英");
    town.step(agent, &format!("/v1/tasks/{task}/close")).done();
    asked(Some(&task)).refused("case_required");
}

/// The neighbour goes to a training over noon; its head has the pair stand in, as the community once confirmed.
fn the_neighbours_grid_over_noon(town: &Town, head: super::town::Person) {
    let neighbour = town.somebody(&[in_area("grid_head", SECOND)]);
    let placing = town.somebody(&[in_area("assignment_officer", STREET)]);
    let lead = Post { lead: true, ..in_area("community_cadre", COMMUNITY) };
    let lead = town.somebody(&[lead]);
    let line = json!({
        "actor": head.id(), "role": "grid_stand_in", "area": SECOND, "pair": true,
        "to": "2027-06-01T00:00:00Z", "trained_until": "2027-06-01T00:00:00Z",
        "secrecy_term": {"signed_at": "2026-01-05T08:00:00Z", "document": "B-7"},
    });
    let roster = town.post(placing, "/v1/admin/assignments/import", &json!({"lines": [line]}));
    let post = roster.done()["lines"][0]["assignment"].clone();
    let path = format!("/v1/admin/actors/{}/assignments/confirm", head.id());
    town.post(lead, &path, &json!({"assignment": post})).done();

    town.now_it_is("2026-12-01T04:00:00Z");
    let window = json!({"to": head.id(), "grid": SECOND, "until": "2026-12-01T06:00:00Z"});
    let window = text(&town.post(neighbour, "/v1/delegations", &window).done(), "id");
    town.step(head, &format!("/v1/delegations/{window}/accept")).done();
    let caller = text(&town.store(neighbour, &contact(SECOND, &fresh_phone())), "id");
    town.read(head, &caller, "name,phone", CONTACT, None).done();
    town.now_it_is("2026-12-01T06:00:00Z");
    town.read(head, &caller, "name", CONTACT, None).refused("not_found");
}
