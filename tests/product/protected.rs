//! Protected addresses: whoever is hidden from its neighbours is to them like nobody, on every way that leads to a record.
//! Never a difference between "protected" and "not there": same body, same kind of entry.
//! The mark is set for the person present, or by the police, and by nobody of the neighbourhood.

use super::actor::Actor;
use super::bodies::{
    CORRECTION, REGISTRATION, adult_fields, fresh_phone, place, record, unknown_id,
};
use super::break_glass::{alone, event, resident, wide};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, shared};
use gridvault::limits::PROTECTED_HOUSEHOLDS_COUNT_MAX;
use serde_json::{Value, json};

const RIGHTS: &str = "rights_request";

fn protect(actor: &Actor, subject: &str, purpose: &str, body: &Value) -> Reply {
    actor
        .call("POST", &format!("/v1/subjects/{subject}/protect"))
        .purpose(purpose)
        .json(body)
        .send()
}

fn set(demo: &Demo, subject: &str, protected: bool) -> Reply {
    let body = json!({"protected": protected});
    protect(&demo.role("resident_desk"), subject, RIGHTS, &body).expect(200)
}

/// Somebody of a grid with a telephone of its own: record, subject, telephone.
fn person(worker: &Actor) -> (String, String, String) {
    let mut fields = adult_fields();
    let phone = fresh_phone();
    fields["phone"] = json!(phone);
    let stored = worker.create(&record("person", worker.grid(), REGISTRATION, fields)).expect(201);
    (stored.text_of("id").to_owned(), stored.text_of("subject").to_owned(), phone)
}

fn lists(actor: &Actor, phone: &str) -> usize {
    let body = json!({"type": "person", "match": {"phone": phone}, "fields": ["name"]});
    let listed = actor.query(&body, REGISTRATION).expect(200);
    listed.body["items"].as_array().expect("a list").len()
}

#[test]
fn whoever_is_protected_is_to_its_neighbours_like_nobody() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let (id, subject, phone) = person(&worker);
    worker.read(&id, "current_address", REGISTRATION).expect(200);
    let marked = set(demo, &subject, true);
    let entry = demo.entry_of(&marked);
    assert_eq!(happened(&entry), "subject.protect success");
    assert_eq!(
        (&entry["x"]["protection"], &entry["role"]),
        (&json!("set"), &json!("resident_desk"))
    );

    for actor in [&worker, &head] {
        let like = |reply: Reply| reply.refused(404, "not_found").without_ids();
        let nothing = like(actor.read(&unknown_id(), "name", REGISTRATION));
        for fields in ["name", "current_address", "name,phone"] {
            assert_eq!(like(actor.read(&id, fields, REGISTRATION)), nothing);
        }
        let echo = actor.call("GET", &format!("/v1/records/{id}?fields=name"));
        assert_eq!(like(echo.purpose(REGISTRATION).header("case", "echo").send()), nothing);
        let patched = actor.patch(&id, 2, REGISTRATION, json!({"sex": "1"}));
        assert_eq!(
            like(patched),
            like(actor.patch(&unknown_id(), 2, REGISTRATION, json!({"sex": "1"})))
        );
        assert_eq!(lists(actor, &phone), 0);
        assert_eq!(actor.matches("phone", &phone, REGISTRATION).expect(200).body["held"], false);
    }
    head.delete(&id, 2, REGISTRATION).refused(404, "not_found");
    // Those above coordinate, and still do.
    assert_eq!(lists(&demo.role("street_operator"), &phone), 1);
    set(demo, &subject, false);
    assert_eq!(lists(&worker, &phone), 1);
    worker.read(&id, "current_address", REGISTRATION).expect(200);
}

/// Every record that the feed tells a worker of, from its beginning to its end.
fn told_by_the_feed(worker: &Actor) -> Vec<String> {
    let (mut ids, mut since) = (Vec::new(), None);
    loop {
        let page = worker.changes(since.as_deref(), 256, REGISTRATION).expect(200);
        let changes = page.body["changes"].as_array().expect("changes");
        if changes.is_empty() {
            return ids;
        }
        ids.extend(changes.iter().filter_map(|one| one["id"].as_str()).map(str::to_owned));
        since = Some(page.text_of("cursor").to_owned());
    }
}

#[test]
fn nothing_leads_from_a_dwelling_a_household_or_the_feed_to_whoever_is_protected() {
    let demo = shared();
    let worker = demo.worker(2);
    let home = worker.create(&place(worker.grid())).expect(201).text_of("id").to_owned();
    let (beside, stays) = resident(&worker, &home, &super::bodies::adult(worker.grid()));
    let (id, hidden) = resident(&worker, &home, &super::bodies::adult(worker.grid()));
    let fields = json!({"kind": "family", "members": [stays, hidden], "head": stays});
    let household = worker.create(&record("household", worker.grid(), REGISTRATION, fields));
    let household = household.expect(201).text_of("id").to_owned();
    let told = told_by_the_feed(&worker);
    assert!([&beside, &id, &household].into_iter().all(|id| told.contains(id)), "{told:?}");
    let body = json!({"protected": true, "households": [household]});
    let marked = protect(&demo.role("resident_desk"), &hidden, RIGHTS, &body).expect(200);
    assert_eq!(marked.body["records"], 3, "the person, its link and the household");

    let people = worker.occupants(&home, &["name"], REGISTRATION).expect(200);
    let people = people.body["people"].as_array().expect("people").clone();
    assert_eq!(people.len(), 1);
    assert_eq!(people[0]["subject"], json!(stays));
    worker.read(&household, "members", REGISTRATION).refused(404, "not_found");
    let told = told_by_the_feed(&worker);
    assert!(told.contains(&beside), "the feed tells of whoever lives there too");
    assert!(!told.contains(&id) && !told.contains(&household), "of the other it is silent");
    // Nobody hangs a record on whom it may not know of, nor gets a task over it.
    let mut further = record("person", worker.grid(), REGISTRATION, json!({"name": "闻思远"}));
    further["subject"] = json!(hidden);
    let unknown = {
        let mut body = further.clone();
        body["subject"] = json!(unknown_id());
        body
    };
    let refused = worker.create(&further).refused(404, "not_found");
    let nothing = worker.create(&unknown).refused(404, "not_found");
    assert_eq!(refused.without_ids(), nothing.without_ids());
    let until = (jiff::Timestamp::now() + std::time::Duration::from_secs(3_600)).to_string();
    let task = json!({
        "kind": "verification", "purpose": CORRECTION, "holder": worker.id, "until": until,
        "scope": {"subjects": [hidden]}, "fields": ["id_number"],
    });
    let call = demo.head(2).call("POST", "/v1/tasks").purpose(CORRECTION).json(&task);
    call.send().refused(404, "not_found");
}

#[test]
fn an_emergency_reaches_whoever_is_protected_by_its_own_dwelling_and_a_second_person_alone() {
    let demo = shared();
    let worker = demo.worker(3);
    let home = worker.create(&place(worker.grid())).expect(201).text_of("id").to_owned();
    let (id, hidden) = resident(&worker, &home, &super::bodies::adult(worker.grid()));
    set(demo, &hidden, true);
    // Each of the two has a day's number of its own.
    let head = demo.head(3);
    let under = |actor: &Actor, case: &str| {
        let path = format!("/v1/records/{id}?fields=current_address");
        let call = actor.call("GET", &path).purpose("emergency_evacuation");
        call.header("case", case).send()
    };
    let nearby = alone(&worker, &event(&worker, json!({"place": home}))).expect(201);
    assert_eq!(nearby.body["people"], json!([]));
    under(&worker, nearby.text_of("id")).refused(404, "not_found");
    // Whoever opens it alone may have written the event as well.
    let named = event(&worker, json!({"dwellings": [home]}));
    let opened = alone(&worker, &named).expect(201);
    assert_eq!(opened.body["people"], json!([]));
    under(&worker, opened.text_of("id")).refused(404, "not_found");
    let lead = demo.role("community_cadre");
    let wider = |event: &str, places: &[&str]| {
        let asked = wide(&head, event, places).expect(201).text_of("id").to_owned();
        let own = head.get("/v1/approvals").expect(200);
        let own = own.body["approvals"].as_array().expect("a list").clone();
        let own = own.iter().find(|one| one["id"] == json!(asked)).expect("it waits");
        assert_eq!(own["emergency"], Value::Null, "nobody hears how many live there");
        let yes = json!({"decision": "grant"});
        lead.post(&format!("/v1/approvals/{asked}/decide"), &yes).expect(200);
        asked
    };
    // A dwelling that the asker names beside the event is no word of the event.
    let next_door = worker.create(&place(worker.grid())).expect(201).text_of("id").to_owned();
    let beside = wider(&event(&worker, json!({"dwellings": [next_door]})), &[&home]);
    under(&head, &beside).refused(404, "not_found");
    under(&head, &wider(&named, &[])).expect(200);
}

#[test]
fn nobody_of_the_neighbourhood_sets_or_lifts_the_mark() {
    let demo = shared();
    let worker = demo.worker(1);
    let (_, subject, _) = person(&worker);
    let body = json!({"protected": true});
    for role in [
        "grid_worker",
        "grid_head",
        "building_head",
        "volunteer",
        "property_firm",
        "community_cadre",
        "street_operator",
        "compliance_auditor",
        "security_admin",
    ] {
        let refused =
            protect(&demo.role(role), &subject, REGISTRATION, &body).refused(403, "denied");
        assert_eq!(happened(&demo.entry_of(&refused)), "access.denied denied");
    }
    protect(&demo.role("community_police"), &subject, REGISTRATION, &body).expect(200);
    set(demo, &subject, false);
    let desk = demo.role("resident_desk");
    let unknown = protect(&desk, &unknown_id(), RIGHTS, &body).refused(404, "not_found");
    let far =
        protect(&desk, &subject, RIGHTS, &json!({"protected": true, "households": [unknown_id()]}));
    assert_eq!(far.refused(404, "not_found").without_ids(), unknown.without_ids());
    protect(&desk, &subject, "safety_inspection", &body).refused(403, "denied");
    // As many households as one call names, and one more.
    let naming = |count: usize| {
        let households: Vec<String> = (0..count).map(|_| unknown_id()).collect();
        protect(&desk, &subject, RIGHTS, &json!({"protected": true, "households": households}))
    };
    naming(PROTECTED_HOUSEHOLDS_COUNT_MAX).refused(404, "not_found");
    naming(PROTECTED_HOUSEHOLDS_COUNT_MAX + 1).refused(400, "schema_invalid");
    for body in [json!({}), json!({"protected": "yes"}), json!({"protected": true, "why": "x"})] {
        assert_eq!(protect(&desk, &subject, RIGHTS, &body).status, 400, "{body}");
    }
}

#[test]
fn the_mark_outlives_a_restart() {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let (id, subject, phone) = person(&worker);
    set(&demo, &subject, true);
    demo.kill();
    demo.start_again();
    let worker = demo.worker(1);
    worker.read(&id, "name", REGISTRATION).refused(404, "not_found");
    assert_eq!(lists(&worker, &phone), 0);
}
