//! How somebody new comes in: placed by an administrator, with a code that works once.
//! Never a token through the administrator's screen for oneself, and never a code twice.
//! Both steps are in the log, without the code.

use super::actor::Actor;
use super::bodies::{REGISTRATION, adult};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, shared};
use super::requests::fresh_login;
use super::wire::send_from;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// A post with what whoever holds it has to bring along, where the post says nothing else of it.
pub fn ready(mut post: Value) -> Value {
    let trained = jiff::Timestamp::now() + std::time::Duration::from_secs(300 * 86_400);
    let term = json!({"signed_at": "2026-01-05T08:00:00Z", "document": "B-2026-0017"});
    if let Some(members) = post.as_object_mut() {
        members.entry("secrecy_term").or_insert(term);
        members.entry("trained_until").or_insert(json!(trained.to_string()));
    }
    post
}

/// Adds somebody with these places, who signed the secrecy term and was trained.
pub fn add(demo: &Demo, assignments: Value) -> Reply {
    let assignments: Vec<Value> = match assignments {
        Value::Array(posts) => posts.into_iter().map(ready).collect(),
        other => vec![other],
    };
    let body = json!({"login": fresh_login(), "kind": "person", "assignments": assignments});
    demo.role("security_admin").post("/v1/admin/actors", &body)
}

/// Turns a code into a token.
pub fn redeem(demo: &Demo, code: &str) -> Reply {
    demo.call("POST", "/v1/enrol").json(&json!({"code": code})).send()
}

/// A second administrator's word on every post of an officer of oversight that waits for it.
pub fn confirmed(demo: &Demo, officer: &str) {
    let second = demo.role("audit_admin");
    let listed = second.get("/v1/admin/actors").expect(200);
    let actors = listed.body["actors"].as_array().expect("a list");
    let officer = actors.iter().find(|one| one["id"] == json!(officer)).expect("it was added");
    for post in officer["assignments"].as_array().expect("posts") {
        assert_eq!(post["confirmed"], json!(false));
        let path = format!(
            "/v1/admin/actors/{}/assignments/confirm",
            officer["id"].as_str().expect("an id")
        );
        second.post(&path, &json!({"assignment": post["id"]})).expect(200);
    }
}

/// Somebody new who was added and enrolled.
pub fn newcomer(demo: &Demo, role: &str, area: &str) -> Actor {
    let added = add(demo, json!([{"role": role, "area": area}])).expect(201);
    enrolled(demo, &added, role, Some(area))
}

/// The newcomer of an addition, with its token.
pub fn enrolled(demo: &Demo, added: &Reply, role: &str, area: Option<&str>) -> Actor {
    let answer = redeem(demo, added.text_of("code")).expect(201);
    Actor {
        id: added.text_of("id").to_owned(),
        role: role.to_owned(),
        area: area.map(str::to_owned),
        token: answer.text_of("token").to_owned(),
        url: demo.url().to_owned(),
    }
}

/// The same by a stranger with an address of its own, so that it spends nobody else's budget.
fn redeem_from(source: Ipv4Addr, demo: &Demo, body: &str) -> Reply {
    post_from(source, demo, "/v1/enrol", body)
}

/// A body that a stranger with an address of its own brings.
pub fn post_from(source: Ipv4Addr, demo: &Demo, path: &str, body: &str) -> Reply {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: vault\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    send_from(source, demo.url(), request.as_bytes())
}

#[test]
fn newcomer_enrols_with_its_code_and_works_where_it_was_placed() {
    let demo = shared();
    let added = add(demo, json!([{"role": "grid_worker", "area": "8801020010010003"}])).expect(201);
    let id = added.text_of("id").to_owned();
    let entry = demo.entry_of(&added);
    assert_eq!(happened(&entry), "admin.actor_add success");
    assert_eq!(entry["who"], json!(demo.role("security_admin").id));
    assert_eq!(entry["x"]["actor"], json!(id));
    assert_eq!(entry["rule"], "security_admin/actor.add");
    assert!(!entry.to_string().contains(added.text_of("code")));

    let enrolled = redeem(demo, added.text_of("code")).expect(201);
    assert_eq!(enrolled.text_of("actor"), id);
    let entry = demo.entry_of(&enrolled);
    assert_eq!(
        (happened(&entry).as_str(), &entry["x"]["actor"]),
        ("admin.enrol success", &json!(id),)
    );
    let actor = Actor {
        id,
        role: "grid_worker".into(),
        area: Some("8801020010010003".into()),
        token: enrolled.text_of("token").to_owned(),
        url: demo.url().to_owned(),
    };
    let created = actor.create(&adult(actor.grid())).expect(201);
    actor.read(created.text_of("id"), "name", REGISTRATION).expect(200);
    demo.worker(3).read(created.text_of("id"), "name", REGISTRATION).expect(200);
    actor.read(demo.sample_record(), "name", REGISTRATION).refused(404, "not_found");
}

#[test]
fn code_works_exactly_once() {
    let demo = shared();
    let added = add(demo, json!([])).expect(201);
    let code = added.text_of("code");
    redeem(demo, code).expect(201);
    let source = Ipv4Addr::new(127, 4, 0, 1);
    let body = json!({"code": code}).to_string();
    let again = redeem_from(source, demo, &body).refused(401, "token_invalid");
    let entry = demo.entry_of(&again);
    assert_eq!(happened(&entry), "auth.failed denied");
    assert_eq!(entry["why"], "token_invalid");
    assert!(!entry.to_string().contains(code));
}

#[test]
fn of_two_uses_of_a_code_at_once_one_gets_a_token() {
    let demo = shared();
    let added = add(demo, json!([])).expect(201);
    let body = json!({"code": added.text_of("code")}).to_string();
    let statuses = std::thread::scope(|scope| {
        let use_it = |last| redeem_from(Ipv4Addr::new(127, 4, 1, last), demo, &body).status;
        let threads: Vec<_> = (1..=4).map(|last| scope.spawn(move || use_it(last))).collect();
        let ended = threads.into_iter().map(|thread| thread.join().expect("no panic"));
        let mut statuses: Vec<u16> = ended.collect();
        statuses.sort_unstable();
        statuses
    });
    assert_eq!(statuses, [201, 401, 401, 401]);
}

#[test]
fn what_is_no_code_is_refused_alike() {
    let demo = shared();
    let source = Ipv4Addr::new(127, 4, 2, 1);
    let guess = "A".repeat(43);
    let replies = [guess.as_str(), "", "x", "../../etc/passwd", "周明远"]
        .map(|code| redeem_from(source, demo, &json!({"code": code}).to_string()));
    for reply in replies {
        let reply = reply.refused(401, "token_invalid");
        assert_eq!(happened(&demo.entry_of(&reply)), "auth.failed denied");
    }
    for wrong in ["{}", "[]", "{\"code\":1}", "{\"code\":\"x\",\"for\":\"me\"}", "{"] {
        redeem_from(source, demo, wrong).refused(400, "schema_invalid");
    }
}

#[test]
fn actor_without_a_place_is_known_and_may_nothing() {
    let demo = shared();
    let added = add(demo, json!([])).expect(201);
    let actor = enrolled(demo, &added, "none", None);
    actor.get("/v1/purposes").expect(200);
    actor.read(demo.sample_record(), "name", REGISTRATION).refused(403, "denied");
    actor.get("/v1/admin/actors").refused(403, "denied");
    actor.get("/v1/audit/entries").refused(403, "denied");
}

#[test]
fn place_counts_in_its_time_alone() {
    let demo = shared();
    let grid = "8801020010010001";
    let placed = |from: Value, to: Value| {
        let place = json!([{"role": "grid_worker", "area": grid, "from": from, "to": to}]);
        let added = add(demo, place).expect(201);
        enrolled(demo, &added, "grid_worker", Some(grid))
    };
    let read = |actor: Actor| actor.read(demo.sample_record(), "name", REGISTRATION);
    read(placed(json!("2099-01-01T00:00:00Z"), Value::Null)).refused(403, "denied");
    let past = json!("2026-01-01T00:00:00Z");
    read(placed(json!("2025-01-01T00:00:00Z"), past.clone())).refused(403, "denied");
    read(placed(past, json!("2099-01-01T08:00:00+08:00"))).expect(200);
}

#[test]
fn actor_of_two_grids_carries_each_decision_by_the_place_of_that_grid() {
    let demo = shared();
    let (first, second) = (demo.worker(1), demo.worker(2));
    let places = json!([
        {"role": "grid_worker", "area": first.grid()}, {"role": "grid_head", "area": second.grid()},
    ]);
    let added = add(demo, places).expect(201);
    let actor = enrolled(demo, &added, "both", None);
    for (owner, role) in [(&first, "grid_worker"), (&second, "grid_head")] {
        let created = actor.create(&adult(owner.grid())).expect(201);
        let entry = demo.entry_of(&created);
        assert_eq!((&entry["role"], &entry["scope"]), (&json!(role), &json!(owner.grid())));
        let delete = actor.delete(created.text_of("id"), 1, REGISTRATION);
        // The head's right to remove does not reach into the grid where it is a worker.
        match role {
            "grid_head" => delete.expect(200),
            _ => delete.refused(403, "denied"),
        };
    }
}

#[test]
fn nobody_is_placed_where_there_is_no_grid() {
    let demo = shared();
    for (role, area) in [
        ("grid_worker", "8801020010010099"),
        ("street_operator", "880102099"),
        ("city_platform", "8899"),
    ] {
        add(demo, json!([{"role": role, "area": area}])).refused(400, "schema_invalid");
    }
}
