//! The administrator's desk: who may place whom, and what stays out of one person's hands.
//! Never an administrator made by one alone, and never a token for oneself.
//! Everybody else is told that it is not theirs, and that is in the log.

use super::bodies::REGISTRATION;
use super::enrolment::{add, enrolled};
use super::entries::happened;
use super::harness::{Demo, shared};
use super::requests::fresh_login;
use gridvault::limits::{ASSIGNMENTS_COUNT_MAX, LOGIN_CHARACTERS_MAX};
use serde_json::{Value, json};

const GRID: &str = "8801020010010001";

#[test]
fn administrator_is_not_made_by_one_administrator() {
    let demo = shared();
    let roles = ["system_admin", "security_admin", "audit_admin"];
    let replies = roles.map(|role| add(demo, json!([{"role": role}])));
    for reply in replies {
        let reply = reply.refused(403, "approval_required");
        let entry = demo.entry_of(&reply);
        assert_eq!(
            (happened(&entry).as_str(), &entry["why"]),
            ("access.denied denied", &json!("approval_required"),)
        );
    }
    let hidden = json!([{"role": "grid_worker", "area": GRID}, {"role": "security_admin"}]);
    add(demo, hidden).refused(403, "approval_required");
}

#[test]
fn local_officer_places_workers_once_a_second_administrator_agreed_and_until_one_ends_the_post() {
    let demo = shared();
    let (first, second) = (demo.role("security_admin"), demo.role("audit_admin"));
    let street = "880102001";
    let added = add(demo, json!([{"role": "assignment_officer", "area": street}])).expect(201);
    let officer = enrolled(demo, &added, "assignment_officer", Some(street));
    let newcomer = add(demo, json!([])).expect(201).text_of("id").to_owned();
    let places = || {
        let path = format!("/v1/admin/actors/{newcomer}/assignments");
        officer.post(&path, &json!({"role": "grid_worker", "area": GRID}))
    };
    places().refused(403, "denied");
    let listed = second.get("/v1/admin/actors").expect(200);
    let actors = listed.body["actors"].as_array().expect("a list").clone();
    let known = actors.into_iter().find(|one| one["id"] == json!(officer.id)).expect("added");
    assert_eq!(known["assignments"][0]["confirmed"], json!(false));
    let body = json!({"assignment": known["assignments"][0]["id"]});
    let path = |word: &str| format!("/v1/admin/actors/{}/assignments/{word}", officer.id);
    for other in [&first, &officer, &demo.role("assignment_officer"), &demo.role("system_admin")] {
        other.post(&path("confirm"), &body).refused(403, "denied");
    }
    let said = second.post(&path("confirm"), &body).expect(200);
    assert_eq!(happened(&demo.entry_of(&said)), "assignment.change success");
    assert_eq!(places().expect(201).body["confirmed"], json!(false), "the community's word");
    first.post(&path("end"), &body).expect(200);
    places().refused(403, "denied");
    // Another one is not given to somebody who is there already without a second word either.
    let placed = first.post(
        &format!("/v1/admin/actors/{}/assignments", officer.id),
        &json!({"role": "contractor_ops"}),
    );
    assert_eq!(placed.expect(201).body["confirmed"], json!(false));
}

#[test]
fn officer_of_oversight_waits_for_a_second_administrator() {
    let demo = shared();
    let (first, second) = (demo.role("security_admin"), demo.role("audit_admin"));
    let post = json!([{"role": "compliance_auditor"}]);
    let added = add(demo, post).expect(201);
    let officer = enrolled(demo, &added, "compliance_auditor", None);
    let reads = || officer.get("/v1/audit/reviews");
    reads().refused(403, "denied");
    let listed = second.get("/v1/admin/actors").expect(200);
    let actors = listed.body["actors"].as_array().expect("a list").clone();
    let known = actors.into_iter().find(|one| one["id"] == json!(officer.id)).expect("added");
    let waiting = &known["assignments"][0];
    assert_eq!(waiting["confirmed"], json!(false));
    let path = |word: &str| format!("/v1/admin/actors/{}/assignments/{word}", officer.id);
    let body = json!({"assignment": waiting["id"]});
    // Neither whoever gave it, nor whoever holds it, nor anybody but an administrator of the directory.
    for other in [&first, &officer, &demo.role("system_admin"), &demo.role("compliance_auditor")] {
        other.post(&path("confirm"), &body).refused(403, "denied");
    }
    // Nor does the first one speak as the other: no token, no code.
    first
        .post(&format!("/v1/admin/actors/{}/tokens", officer.id), &json!({}))
        .refused(403, "denied");
    first
        .call("POST", &format!("/v1/admin/actors/{}/codes", officer.id))
        .send()
        .refused(403, "denied");
    let said = second.post(&path("confirm"), &body).expect(200);
    let entry = demo.entry_of(&said);
    assert_eq!((&entry["who"], &entry["role"]), (&json!(second.id), &json!("audit_admin")));
    reads().expect(200);
    second.post(&path("confirm"), &body).refused(404, "not_found");
    // It ends by two words too: the first one ends the holder's tokens alone.
    first.post(&path("end"), &body).refused(403, "approval_required");
    reads().refused(401, "token_invalid");
    first.post(&path("end"), &body).refused(403, "approval_required");
    second.post(&path("end"), &body).expect(200);
    second.post(&path("end"), &body).refused(404, "not_found");
}

/// An officer of oversight whom two administrators placed, and the id of its post.
fn officer(demo: &Demo) -> (super::actor::Actor, Value) {
    let added = add(demo, json!([{"role": "compliance_auditor"}])).expect(201);
    super::enrolment::confirmed(demo, added.text_of("id"));
    let officer = enrolled(demo, &added, "compliance_auditor", None);
    (officer, known(demo, added.text_of("id")))
}

/// Somebody of the directory.
fn known(demo: &Demo, id: &str) -> Value {
    let listed = demo.role("audit_admin").get("/v1/admin/actors").expect(200);
    let actors = listed.body["actors"].as_array().expect("a list").clone();
    actors.into_iter().find(|one| one["id"] == json!(id)).expect("it was added")
}

#[test]
fn one_administrator_alone_moves_no_officer_of_oversight() {
    let demo = shared();
    let (first, second) = (demo.role("security_admin"), demo.role("audit_admin"));
    let state =
        |by: &super::actor::Actor, whom: &str, to: &str| super::placing::set_state(by, whom, to);
    for to in ["suspended", "reserve", "left"] {
        let (officer, _) = officer(demo);
        officer.get("/v1/audit/reviews").expect(200);
        // Neither administrator alone, however often it says so, nor anybody else.
        state(&second, &officer.id, to).refused(403, "denied");
        officer.get("/v1/audit/reviews").expect(200);
        for _ in 0..2 {
            let said = state(&first, &officer.id, to).refused(403, "approval_required");
            let entry = demo.entry(said.index());
            assert_eq!(happened(&entry), "admin.actor_change success");
            let told = (&entry["x"]["actor"], &entry["x"]["asked"], &entry["x"]["tokens"]);
            assert_eq!(told, (&json!(officer.id), &json!(to), &json!("ended")));
        }
        assert_eq!(known(demo, &officer.id)["state"], json!("active"), "{to}");
        // A stolen account does not wait for the second one.
        officer.get("/v1/audit/reviews").refused(401, "token_invalid");
        state(&demo.role("assignment_officer"), &officer.id, to).refused(403, "denied");
        // The second one says the same, or nothing is done.
        state(&second, &officer.id, "active").refused(403, "denied");
        state(&second, &officer.id, to).expect(200);
        assert_eq!(known(demo, &officer.id)["state"], json!(to));
    }
}

#[test]
fn a_first_word_about_an_officer_ends_with_the_next_change_of_its_account() {
    let demo = shared();
    let (first, second) = (demo.role("security_admin"), demo.role("audit_admin"));
    let (officer, about) = officer(demo);
    let post = about["assignments"][0]["id"].as_str().expect("a post").to_owned();
    super::placing::set_state(&first, &officer.id, "suspended").refused(403, "approval_required");
    super::placing::word(&first, &officer.id, "end", &post).refused(403, "approval_required");
    super::placing::set_state(&second, &officer.id, "suspended").refused(403, "denied");
    super::placing::word(&second, &officer.id, "end", &post).expect(200);
    // Whoever watches no more is moved like anybody.
    super::placing::set_state(&first, &officer.id, "suspended").expect(200);
}

#[test]
fn a_roster_takes_no_post_of_oversight_away() {
    let demo = shared();
    let first = demo.role("security_admin");
    let (officer, _) = officer(demo);
    let until = (jiff::Timestamp::now() + std::time::Duration::from_secs(60)).to_string();
    for change in [json!({"ends": true}), json!({"to": until})] {
        let mut line = json!({"actor": officer.id, "role": "compliance_auditor"});
        line.as_object_mut().expect("a line").extend(change.as_object().expect("members").clone());
        for dry_run in [true, false] {
            let body = json!({"lines": [line], "dry_run": dry_run});
            let done = first.post("/v1/admin/assignments/import", &body).expect(200);
            let text = done.body["lines"][0].to_string();
            assert!(text.contains("approval_required"), "{text}");
        }
    }
    officer.get("/v1/audit/reviews").expect(200);
}

#[test]
fn what_an_administrator_gave_out_before_serves_nobody_as_an_officer() {
    let demo = shared();
    let first = demo.role("security_admin");
    let added = add(demo, json!([])).expect(201);
    let id = added.text_of("id");
    // Nor does it help to have the end of everything before run ahead of the clock first.
    for state in ["suspended", "active", "suspended", "active"] {
        super::placing::set_state(&first, id, state).expect(200);
    }
    let given = first.post(&format!("/v1/admin/actors/{id}/codes"), &json!({})).expect(201);
    let code = given.text_of("code");
    let token = first.post(&format!("/v1/admin/actors/{id}/tokens"), &json!({})).expect(201);
    let before = super::actor::Actor {
        id: id.to_owned(),
        role: "compliance_auditor".to_owned(),
        area: None,
        token: token.text_of("token").to_owned(),
        url: demo.url().to_owned(),
    };
    before.get("/v1/purposes").expect(200);
    let post = super::enrolment::ready(json!({"role": "compliance_auditor"}));
    let placed = first.post(&format!("/v1/admin/actors/{id}/assignments"), &post).expect(201);
    assert_eq!(placed.body["confirmed"], json!(false));
    super::enrolment::confirmed(demo, id);
    before.get("/v1/audit/reviews").refused(401, "token_invalid");
    super::enrolment::redeem(demo, code).refused(401, "token_invalid");
}

#[test]
fn place_must_fit_its_role() {
    let demo = shared();
    for places in [
        json!([{"role": "grid_worker"}]),
        json!([{"role": "grid_worker", "area": "880102001"}]),
        json!([{"role": "grid_worker", "area": "8801"}]),
        json!([{"role": "street_operator", "area": GRID}]),
        json!([{"role": "city_platform", "area": "880102"}]),
        json!([{"role": "compliance_auditor", "area": GRID}]),
        json!([{"role": "grid_king", "area": GRID}]),
        json!([{"role": "grid_worker", "area": "88010200100100"}]),
        json!([{"role": "grid_worker", "area": "everywhere"}]),
        json!([{"role": "grid_worker", "area": GRID, "line": "公安"}]),
        json!([{"role": "grid_worker", "area": GRID, "from": "today"}]),
        json!([{"role": "grid_worker", "area": GRID, "rank": 1}]),
        json!([{"role": "grid_worker", "area": GRID}, {"role": "compliance_auditor"}]),
        json!([{"role": "compliance_auditor"}, {"role": "city_platform", "area": "8801"}]),
    ] {
        let reply = add(demo, places.clone());
        assert_eq!((reply.status, reply.code()), (400, "schema_invalid"), "{places}");
    }
}

#[test]
fn places_of_one_actor_are_bounded() {
    let demo = shared();
    let places = |count: usize| {
        let place = json!({"role": "grid_worker", "area": GRID});
        add(demo, Value::Array(vec![place; count]))
    };
    places(ASSIGNMENTS_COUNT_MAX).expect(201);
    places(ASSIGNMENTS_COUNT_MAX + 1).refused(400, "schema_invalid");
}

#[test]
fn log_in_name_has_one_form_and_one_holder() {
    let demo = shared();
    let admin = demo.role("security_admin");
    let named =
        |login: &str| admin.post("/v1/admin/actors", &json!({"login": login, "kind": "person"}));
    let login = fresh_login();
    named(&login).expect(201);
    let reply = named(&login).refused(412, "version_conflict");
    assert_eq!(reply.pointers(), ["login: taken"]);
    assert_eq!(reply.text_of("title"), "What is marked is taken already.");
    assert!(reply.body["audit_index"].is_u64());
    let padded =
        |length: usize| format!("{}{}", fresh_login(), "x".repeat(length))[..length].to_owned();
    named(&padded(LOGIN_CHARACTERS_MAX)).expect(201);
    for wrong in
        ["", " ", "a b", "a/b", "<x>", "a\u{202e}b", ".a", &padded(LOGIN_CHARACTERS_MAX + 1)]
    {
        named(wrong).refused(400, "schema_invalid");
    }
    // What looks like a name that is taken is no name at all.
    for alike in [login.to_uppercase(), login.replace('n', "ｎ"), login.replace('o', "о")] {
        named(&alike).refused(400, "schema_invalid");
    }
    let kind = json!({"login": fresh_login(), "kind": "robot"});
    admin.post("/v1/admin/actors", &kind).refused(400, "schema_invalid");
}

#[test]
fn administrator_issues_tokens_for_others_and_never_for_administrators_and_officers() {
    let demo = shared();
    let admin = demo.role("security_admin");
    let issue = |actor: &str| admin.post(&format!("/v1/admin/actors/{actor}/tokens"), &json!({}));
    let worker = demo.worker(1);
    let issued = issue(&worker.id).expect(201);
    assert_eq!(issued.text_of("actor"), worker.id);
    let entry = demo.entry_of(&issued);
    assert_eq!(
        (happened(&entry).as_str(), &entry["x"]["actor"]),
        ("admin.token_issue success", &json!(worker.id),)
    );
    assert!(!entry.to_string().contains(issued.text_of("token")));
    let other = super::actor::Actor { token: issued.text_of("token").to_owned(), ..worker };
    other.read(demo.sample_record(), "name", REGISTRATION).expect(200);
    for denied in [
        "security_admin",
        "system_admin",
        "audit_admin",
        "compliance_auditor",
        "protection_officer",
        "discipline_officer",
    ] {
        issue(&demo.role(denied).id).refused(403, "denied");
    }
    issue("AAAAAAAAAAAAAAAAAAAAAA").refused(404, "not_found");
    issue("none").refused(404, "not_found");
}

#[test]
fn system_acts_for_a_person_and_both_are_in_the_entry() {
    let demo = shared();
    let admin = demo.role("security_admin");
    let body = json!({"login": fresh_login(), "kind": "system"});
    let system = admin.post("/v1/admin/actors", &body).expect(201);
    let placed = json!({"login": fresh_login(), "kind": "system", "assignments": [
        {"role": "grid_worker", "area": GRID},
    ]});
    admin.post("/v1/admin/actors", &placed).refused(400, "schema_invalid");
    let worker = demo.worker(1);
    let path = format!("/v1/admin/actors/{}/tokens", worker.id);
    let via = json!({"via": system.text_of("id")});
    let issued = admin.post(&path, &via).expect(201);
    let acting = super::actor::Actor { token: issued.text_of("token").to_owned(), ..worker };
    let reply = acting.read(demo.sample_record(), "name", REGISTRATION).expect(200);
    let entry = demo.entry_of(&reply);
    assert_eq!((&entry["who"], &entry["via"]), (&json!(acting.id), &system.body["id"]));
    // A person is no system.
    let via = json!({"via": demo.worker(2).id});
    let refused = admin.post(&path, &via);
    assert!([400, 404].contains(&refused.status), "{}", refused.text);
    admin.post(&path, &json!({"via": "x"})).refused(400, "schema_invalid");
}

/// The calls of administration and oversight, with who has the duty.
fn duties(demo: &Demo) -> Vec<(&'static str, String, Option<Value>, &'static [&'static str])> {
    let worker = demo.worker(1).id;
    let actor = json!({"login": fresh_login(), "kind": "person"});
    let question = json!({
        "actor": worker, "purpose": REGISTRATION, "type": "person", "grid": GRID, "action": "read",
        "fields": ["name"],
    });
    vec![
        ("POST", "/v1/admin/actors".into(), Some(actor), &["security_admin"]),
        (
            "GET",
            "/v1/admin/actors".into(),
            None,
            &["security_admin", "audit_admin", "compliance_auditor"],
        ),
        ("POST", format!("/v1/admin/actors/{worker}/tokens"), Some(json!({})), &["security_admin"]),
        (
            "POST",
            "/v1/admin/policies/explain".into(),
            Some(question),
            &["security_admin", "compliance_auditor"],
        ),
        (
            "GET",
            "/v1/admin/policies/matrix".into(),
            None,
            &["security_admin", "audit_admin", "system_admin", "compliance_auditor"],
        ),
        ("GET", "/v1/audit/entries".into(), None, &["audit_admin", "compliance_auditor"]),
        (
            "GET",
            "/v1/audit/entries?day=2026-01-02".into(),
            None,
            &["audit_admin", "compliance_auditor"],
        ),
        ("GET", "/v1/audit/entries/0".into(), None, &["audit_admin", "compliance_auditor"]),
        ("GET", "/v1/audit/entries/0/proof".into(), None, &["audit_admin", "compliance_auditor"]),
    ]
}

#[test]
fn each_duty_is_its_roles_alone_and_every_refusal_is_recorded() {
    let demo = shared();
    let roles = [
        "grid_worker",
        "grid_head",
        "street_operator",
        "city_platform",
        "compliance_auditor",
        "system_admin",
        "security_admin",
        "audit_admin",
    ];
    let mut denials = Vec::new();
    for role in roles {
        let actor = demo.role(role);
        for (method, path, body, holders) in duties(demo) {
            let call = actor.call(method, &path);
            let reply = body.map_or_else(|| actor.call(method, &path), |body| call.json(&body));
            let reply = reply.send();
            if holders.contains(&role) {
                assert!(reply.status < 300, "{role} {method} {path}: {}", reply.text);
            } else {
                denials.push((actor.id.clone(), reply.refused(403, "denied")));
            }
        }
    }
    for (id, denial) in denials {
        let entry = demo.entry_of(&denial);
        assert_eq!(
            (happened(&entry).as_str(), &entry["who"]),
            ("access.denied denied", &json!(id))
        );
    }
}

#[test]
fn directory_shows_places_and_no_secret() {
    let demo = shared();
    let places = json!([{"role": "grid_worker", "area": GRID, "to": "2031-01-01T00:00:00Z"}]);
    let added = add(demo, places).expect(201);
    let actor = enrolled(demo, &added, "grid_worker", Some(GRID));
    let reply = demo.role("compliance_auditor").get("/v1/admin/actors").expect(200);
    let actors = reply.body["actors"].as_array().expect("a list");
    let found = actors.iter().find(|one| one["id"] == json!(actor.id)).expect("the newcomer");
    assert_eq!((&found["state"], &found["kind"]), (&json!("active"), &json!("person")));
    let place = &found["assignments"][0];
    assert_eq!((&place["role"], &place["area"]), (&json!("grid_worker"), &json!(GRID)));
    assert!(place["to"].as_str().is_some_and(|to| to.starts_with("2031-01-01T00:00:00")));
    for secret in [added.text_of("code"), &actor.token] {
        assert!(!reply.text.contains(secret));
    }
}
