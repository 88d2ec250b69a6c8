//! Posts and states: who places whom, what a community confirms, and what ends at once.
//! Never oneself, never an administrator by a single word, and never a right before it is confirmed or after it ended.
//! Each word is in the log, with whom it was about.

use super::actor::Actor;
use super::bodies::{REGISTRATION, adult};
use super::client::Reply;
use super::enrolment::{add, enrolled, ready};
use super::entries::happened;
use super::harness::{Demo, shared};
use serde_json::{Value, json};

const NEXT: &str = "8801020010010002";

/// Somebody enrolled in a grid.
pub fn newcomer(demo: &Demo, grid: &str) -> Actor {
    let posts = json!([{"role": "grid_worker", "area": grid}]);
    enrolled(demo, &add(demo, posts).expect(201), "grid_worker", Some(grid))
}

pub fn place(by: &Actor, whom: &str, post: &Value) -> Reply {
    by.post(&format!("/v1/admin/actors/{whom}/assignments"), &ready(post.clone()))
}

pub fn word(by: &Actor, whom: &str, word: &str, post: &str) -> Reply {
    let body = json!({"assignment": post});
    by.post(&format!("/v1/admin/actors/{whom}/assignments/{word}"), &body)
}

pub fn set_state(by: &Actor, whom: &str, state: &str) -> Reply {
    by.post(&format!("/v1/admin/actors/{whom}/state"), &json!({"state": state}))
}

pub fn post_of(reply: &Reply) -> String {
    reply.text_of("assignment").to_owned()
}

#[test]
fn a_local_officer_places_a_worker_and_the_community_confirms_it() {
    let demo = shared();
    let (officer, lead) = (demo.role("assignment_officer"), demo.role("community_cadre"));
    let worker = newcomer(demo, "8801020010010003");
    let stored = |grid: &str| worker.create(&adult(grid));
    stored(NEXT).refused(403, "out_of_territory");
    let placed = place(&officer, &worker.id, &json!({"role": "grid_worker", "area": NEXT}));
    let placed = placed.expect(201);
    assert_eq!(placed.body["confirmed"], false);
    let entry = demo.entry_of(&placed);
    assert_eq!(
        (happened(&entry), &entry["x"]["actor"]),
        ("assignment.add success".to_owned(), &json!(worker.id))
    );
    stored(NEXT).refused(403, "out_of_territory");
    // Whoever gave it or holds it confirms nothing, nor does who leads nothing.
    for other in [&officer, &worker, &demo.worker(1)] {
        word(other, &worker.id, "confirm", &post_of(&placed)).refused(403, "denied");
    }
    let confirmed = word(&lead, &worker.id, "confirm", &post_of(&placed)).expect(200);
    assert_eq!(happened(&demo.entry_of(&confirmed)), "assignment.change success");
    stored(NEXT).expect(201);
    word(&lead, &worker.id, "confirm", &post_of(&placed)).refused(404, "not_found");

    let ended = word(&officer, &worker.id, "end", &post_of(&placed)).expect(200);
    assert_eq!(happened(&demo.entry_of(&ended)), "assignment.end success");
    stored(NEXT).refused(403, "out_of_territory");
    stored("8801020010010003").expect(201);
    word(&officer, &worker.id, "end", &post_of(&placed)).refused(404, "not_found");
}

#[test]
fn nobody_places_itself_and_nobody_places_beyond_its_reach() {
    let demo = shared();
    let (officer, security) = (demo.role("assignment_officer"), demo.role("security_admin"));
    let worker = newcomer(demo, "8801020010010003");
    let in_grid = json!({"role": "grid_worker", "area": NEXT});
    for by in [&officer, &security] {
        place(by, &by.id, &in_grid).refused(403, "denied");
    }
    for role in
        ["system_admin", "audit_admin", "compliance_auditor", "grid_head", "community_cadre"]
    {
        place(&demo.role(role), &worker.id, &in_grid).refused(403, "denied");
    }
    for post in [
        json!({"role": "grid_worker", "area": "8801030010010001"}),
        json!({"role": "community_cadre", "area": "880102001001"}),
        json!({"role": "compliance_auditor"}),
        json!({"role": "nobody", "area": NEXT}),
    ] {
        place(&officer, &worker.id, &post).refused(403, "denied");
    }
    place(&security, &worker.id, &json!({"role": "audit_admin"})).refused(403, "approval_required");
    // A post that excludes the one that is held, and one where there is no grid.
    let firm =
        json!({"role": "property_firm", "area": "880102001001", "to": "2027-01-01T00:00:00Z"});
    place(&security, &worker.id, &firm).refused(400, "schema_invalid");
    let nowhere = json!({"role": "grid_worker", "area": "8801020010019999"});
    place(&security, &worker.id, &nowhere).refused(400, "schema_invalid");
    // No single one moves an administrator, and a system holds no post.
    let auditor = demo.role("audit_admin");
    set_state(&security, &auditor.id, "suspended").refused(403, "approval_required");
    place(&security, "AAAAAAAAAAAAAAAAAAAAAA", &in_grid).refused(404, "not_found");
    let placed = place(&security, &worker.id, &in_grid).expect(201);
    assert_eq!(placed.body["confirmed"], true);
}

#[test]
fn whoever_leaves_or_is_suspended_has_nothing_from_that_entry_on() {
    let demo = shared();
    let (officer, security) = (demo.role("assignment_officer"), demo.role("security_admin"));
    let worker = newcomer(demo, "8801020010010003");
    let body = adult("8801020010010003");
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    worker.read(&id, "name", REGISTRATION).expect(200);
    let suspended = set_state(&officer, &worker.id, "suspended").expect(200);
    assert_eq!(happened(&demo.entry_of(&suspended)), "admin.actor_suspend success");
    worker.read(&id, "name", REGISTRATION).refused(401, "token_invalid");
    set_state(&officer, &worker.id, "suspended").refused(412, "version_conflict");
    // Whom somebody stopped the officer does not let work again.
    set_state(&officer, &worker.id, "active").refused(403, "denied");
    let back = set_state(&security, &worker.id, "active").expect(200);
    assert_eq!(happened(&demo.entry_of(&back)), "admin.actor_change success");
    // The token of before is no token any more; a new one is.
    worker.read(&id, "name", REGISTRATION).refused(401, "token_invalid");

    set_state(&security, &worker.id, "left").expect(200);
    for state in ["active", "reserve", "left"] {
        set_state(&security, &worker.id, state).refused(412, "version_conflict");
    }
    let post = json!({"role": "grid_worker", "area": NEXT});
    place(&security, &worker.id, &post).refused(404, "not_found");
    let issue = security.post(&format!("/v1/admin/actors/{}/tokens", worker.id), &json!({}));
    issue.refused(404, "not_found");
    let actors = security.get("/v1/admin/actors").expect(200);
    let actors = actors.body["actors"].as_array().expect("a list").clone();
    let left = actors.iter().find(|one| one["id"] == json!(worker.id)).expect("still listed");
    assert_eq!(left["state"], "left");
    assert!(
        left["assignments"].as_array().expect("posts").iter().all(|post| post["to"].is_string())
    );
}
