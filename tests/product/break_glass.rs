//! Emergency access: the dwellings of an urgent event, for minutes, told to those above, reviewed by somebody else.
//! Never beyond the own grid, and never for a matter that is not urgent or over.
//! Each step is an entry, each look inside it another one that names it.

use super::actor::Actor;
use super::bodies::{REGISTRATION, SAFETY, adult, basis, child, place, record, unknown_id};
use super::client::Reply;
use super::enrolment::{add, enrolled};
use super::entries::happened;
use super::harness::{Demo, shared};
use gridvault::limits::{EMERGENCY_PEOPLE_COUNT_MAX, HOUSEHOLD_PEOPLE_COUNT_MAX};
use serde_json::{Value, json};

/// Evacuation and shelter.
pub const EVACUATION: &str = "emergency_evacuation";
/// What it opens of a person.
const FIELDS: &str = "name,phone,current_address,assistance_tag";

/// Somebody of a grid who opened nothing yet: how often is bounded.
fn somebody(demo: &Demo, role: &str, grid: &str) -> Actor {
    enrolled(demo, &add(demo, json!([{"role": role, "area": grid}])).expect(201), role, Some(grid))
}

fn stored_place(worker: &Actor) -> String {
    worker.create(&place(worker.grid())).expect(201).text_of("id").to_owned()
}

/// Somebody who lives at a place: record and subject.
pub fn resident(worker: &Actor, place: &str, body: &Value) -> (String, String) {
    let person = worker.create(body).expect(201);
    let subject = person.text_of("subject").to_owned();
    let fields = json!({"person": subject, "place": place});
    worker.create(&record("residence", worker.grid(), REGISTRATION, fields)).expect(201);
    (person.text_of("id").to_owned(), subject)
}

/// A matter with everything that it says of itself.
pub fn event(worker: &Actor, fields: Value) -> String {
    let mut all = json!({
        "kind": "urgent_danger", "matter": "楼道积水，有触电危险", "severity": "major", "state": "handle",
    });
    for (name, value) in fields.as_object().expect("members") {
        all[name] = value.clone();
    }
    let stored = worker.create(&record("event", worker.grid(), EVACUATION, all)).expect(201);
    stored.text_of("id").to_owned()
}

fn open(actor: &Actor, body: &Value) -> Reply {
    actor.call("POST", "/v1/break-glass").purpose(EVACUATION).json(body).send()
}

pub fn alone(actor: &Actor, event: &str) -> Reply {
    open(actor, &json!({"tier": "alone", "event": event}))
}

pub fn wide(actor: &Actor, event: &str, places: &[&str]) -> Reply {
    open(actor, &json!({"tier": "wide", "event": event, "places": places}))
}

fn under(actor: &Actor, case: &str, id: &str, fields: &str) -> Reply {
    let path = format!("/v1/records/{id}?fields={fields}");
    actor.call("GET", &path).purpose(EVACUATION).header("case", case).send()
}

fn end(actor: &Actor, id: &str) -> Reply {
    actor.call("POST", &format!("/v1/break-glass/{id}/end")).send()
}

fn review(actor: &Actor, id: &str, finding: &str, note: &str) -> Reply {
    let body = json!({"finding": finding, "note": note});
    actor.post(&format!("/v1/break-glass/{id}/review"), &body)
}

fn listed(actor: &Actor, id: &str) -> Option<Value> {
    let listed = actor.get("/v1/break-glass").expect(200);
    let all = listed.body["accesses"].as_array().expect("a list").clone();
    all.into_iter().find(|one| one["id"] == json!(id))
}

#[test]
fn an_urgent_event_opens_its_dwellings_to_one_alone_for_minutes_children_too() {
    let demo = shared();
    let keeper = demo.worker(1);
    let worker = somebody(demo, "grid_worker", keeper.grid());
    let (home, other) = (stored_place(&keeper), stored_place(&keeper));
    let (grown, subject) = resident(&keeper, &home, &adult(keeper.grid()));
    let (small, _) = resident(&keeper, &home, &child(keeper.grid()));
    let (outside, _) = resident(&keeper, &other, &adult(keeper.grid()));
    worker.read(&grown, "name", EVACUATION).refused(403, "case_required");
    let event = event(&keeper, json!({"dwellings": [home]}));

    let opened = alone(&worker, &event).expect(201);
    let glass = opened.text_of("id").to_owned();
    assert_eq!(opened.body["state"], "open");
    assert_eq!(opened.body["fields"], json!(FIELDS.split(',').collect::<Vec<_>>()));
    assert_eq!(opened.body["places"], json!([home]));
    let people = opened.body["people"].as_array().expect("people").clone();
    assert_eq!(people.len(), 2);
    assert!(people.contains(&json!({"subject": subject, "record": grown})));
    let entry = demo.entry_of(&opened);
    assert_eq!(happened(&entry), "break_glass.open success");
    assert_eq!((&entry["x"]["tier"], &entry["role"]), (&json!("alone"), &json!("grid_worker")));
    assert_eq!(entry["rec"].as_array().map(Vec::len), Some(4), "a dwelling, two people, the event");

    let read = under(&worker, &glass, &grown, &format!("{FIELDS},id_number"));
    // The number is not listed by the purpose at all.
    read.refused(400, "purpose_not_for_field");
    let read = under(&worker, &glass, &grown, FIELDS).expect(200);
    assert_eq!(read.body["fields"]["name"], "欧阳若兰");
    assert_eq!((&read.body["masked"], &read.body["withheld"]), (&json!([]), &json!([])));
    let seen = demo.entry_of(&read);
    assert_eq!((happened(&seen).as_str(), &seen["apr"]), ("data.read success", &entry["apr"]));
    assert_eq!(under(&worker, &glass, &small, "name").expect(200).body["fields"]["name"], "向晚晴");
    // Not a neighbour's dwelling, not for another purpose, and to nobody else.
    under(&worker, &glass, &outside, "name").refused(403, "case_required");
    under(&keeper, &glass, &grown, "name").refused(403, "case_required");
    let path = format!("/v1/records/{small}?fields=name");
    let other = worker.call("GET", &path).purpose(REGISTRATION).header("case", &glass).send();
    other.refused(403, "case_required");
}

#[test]
fn the_head_and_the_community_are_told_and_the_one_who_leads_reviews() {
    let demo = shared();
    let (keeper, head, lead) = (demo.worker(2), demo.head(2), demo.role("community_cadre"));
    let worker = somebody(demo, "grid_worker", keeper.grid());
    let home = stored_place(&keeper);
    resident(&keeper, &home, &adult(keeper.grid()));
    let event = event(&keeper, json!({"dwellings": [home]}));
    let glass = alone(&worker, &event).expect(201).text_of("id").to_owned();

    for (actor, reviews) in [(&worker, false), (&head, false), (&lead, true)] {
        let seen = listed(actor, &glass).unwrap_or_else(|| panic!("{} is told", actor.role));
        assert_eq!((&seen["state"], &seen["reviews"]), (&json!("open"), &json!(reviews)));
        assert_eq!((&seen["holder"], &seen["event"]), (&json!(worker.id), &json!(event)));
        assert_eq!((&seen["places_count"], &seen["people_count"]), (&json!(1), &json!(1)));
    }
    let shown = demo.role("protection_officer");
    assert!(listed(&shown, &glass).expect("the officer sees all")["reviews"] == json!(true));
    for actor in [&keeper, &demo.head(1), &demo.role("street_office"), &demo.role("system_admin")] {
        assert!(listed(actor, &glass).is_none(), "{}", actor.role);
        end(actor, &glass).refused(404, "not_found");
        review(actor, &glass, "justified", "event_confirmed").refused(404, "not_found");
    }
    let entry = demo.entry_of(&lead.get("/v1/break-glass").expect(200));
    assert_eq!(happened(&entry), "break_glass.read success");

    // Not before its end, not by whoever opened it, not by whoever is only told.
    review(&lead, &glass, "justified", "event_confirmed").refused(412, "version_conflict");
    end(&head, &glass).refused(403, "denied");
    let ended = end(&worker, &glass).expect(200);
    assert_eq!(happened(&demo.entry_of(&ended)), "break_glass.close success");
    end(&worker, &glass).refused(412, "version_conflict");
    assert_eq!(listed(&lead, &glass).expect("it waits")["state"], "ended");
    review(&worker, &glass, "justified", "event_confirmed").refused(403, "denied");
    review(&head, &glass, "justified", "event_confirmed").refused(403, "denied");
    review(&lead, &glass, "perhaps", "event_confirmed").refused(400, "schema_invalid");
    review(&lead, &glass, "justified", "因为当时很急").refused(400, "schema_invalid");
    review(&lead, &unknown_id(), "justified", "event_confirmed").refused(404, "not_found");

    let found = review(&lead, &glass, "not_justified", "more_than_needed").expect(200);
    let entry = demo.entry_of(&found);
    assert_eq!(happened(&entry), "break_glass.review success");
    assert_eq!((&entry["who"], &entry["x"]["actor"]), (&json!(lead.id), &json!(worker.id)));
    let facts = (&entry["x"]["finding"], &entry["x"]["note"]);
    assert_eq!(facts, (&json!("not_justified"), &json!("more_than_needed")));
    review(&lead, &glass, "justified", "event_confirmed").refused(412, "version_conflict");
    assert!(listed(&lead, &glass).is_none() && listed(&worker, &glass).is_none());
}

#[test]
fn what_is_ended_opens_nothing_more() {
    let demo = shared();
    let keeper = demo.worker(3);
    let worker = somebody(demo, "grid_worker", keeper.grid());
    let home = stored_place(&keeper);
    let (grown, _) = resident(&keeper, &home, &adult(keeper.grid()));
    let event = event(&keeper, json!({"dwellings": [home]}));
    let glass = alone(&worker, &event).expect(201).text_of("id").to_owned();
    under(&worker, &glass, &grown, "name").expect(200);
    // Whoever reviews may end it, too.
    end(&demo.role("community_cadre"), &glass).expect(200);
    under(&worker, &glass, &grown, "name").refused(403, "case_required");
}

#[test]
fn only_an_urgent_event_of_the_own_grid_that_is_not_over_opens_anything() {
    let demo = shared();
    let (keeper, neighbour) = (demo.worker(1), demo.worker(2));
    let worker = somebody(demo, "grid_worker", keeper.grid());
    let home = stored_place(&keeper);
    let far_home = stored_place(&neighbour);
    for fields in [
        json!({"dwellings": [home], "severity": "larger"}),
        json!({"dwellings": [home], "state": "close"}),
        json!({"dwellings": [home], "closed_at": jiff::Timestamp::now().to_string()}),
        json!({}),
    ] {
        let refused = alone(&worker, &event(&keeper, fields)).refused(403, "case_required");
        assert_eq!(happened(&demo.entry_of(&refused)), "access.denied denied");
    }
    // What lies in another grid is like nothing, and so is what is no event.
    let person = keeper.create(&adult(keeper.grid())).expect(201).text_of("id").to_owned();
    let unknown = alone(&worker, &unknown_id()).refused(404, "not_found").without_ids();
    let far = event(&neighbour, json!({"dwellings": [far_home]}));
    for id in [&far, &person, &home] {
        assert_eq!(alone(&worker, id).refused(404, "not_found").without_ids(), unknown);
    }
    // A dwelling of another grid that an event of the own one names is not reached.
    let crossing = event(&keeper, json!({"dwellings": [far_home]}));
    assert_eq!(alone(&worker, &crossing).refused(404, "not_found").without_ids(), unknown);
    let both = event(&keeper, json!({"dwellings": [home, far_home]}));
    let opened = alone(&worker, &both).expect(201);
    assert_eq!(opened.body["places"], json!([home]));
}

#[test]
fn another_purpose_role_or_tier_opens_nothing() {
    let demo = shared();
    let keeper = demo.worker(1);
    let home = stored_place(&keeper);
    let event = event(&keeper, json!({"dwellings": [home]}));
    let body = json!({"tier": "alone", "event": event});
    // A purpose that lists what is urgent of a matter is no emergency by that; others do not even list it.
    for (purpose, status, code) in [
        (SAFETY, 403, "denied"),
        (REGISTRATION, 400, "purpose_not_for_field"),
        ("infectious_disease_control", 400, "purpose_not_for_field"),
    ] {
        let reply = keeper.call("POST", "/v1/break-glass").purpose(purpose).json(&body).send();
        reply.refused(status, code);
    }
    for role in ["volunteer", "building_head", "community_cadre", "street_office", "city_platform"]
    {
        alone(&demo.role(role), &event).refused(403, "denied");
    }
    // A seconded cadre and the command have the wider tier alone.
    for role in ["sunk_cadre", "county_command"] {
        alone(&demo.role(role), &event).refused(403, "denied");
    }
    let further = json!({"tier": "alone", "event": event, "places": [home]});
    open(&keeper, &further).refused(403, "denied");
    for body in [
        json!({"tier": "alone"}),
        json!({"tier": "whole", "event": event}),
        json!({"tier": "alone", "event": "1"}),
        json!({"tier": "wide", "event": event, "places": ["1"]}),
        json!({"tier": "wide", "event": event, "places": [home, home]}),
        json!({"tier": "alone", "event": event, "reason": "because"}),
    ] {
        assert_eq!(open(&keeper, &body).status, 400, "{body}");
    }
}

#[test]
fn a_wider_one_waits_for_a_second_person_who_then_does_not_review_it() {
    let demo = shared();
    let (keeper, lead) = (demo.worker(4), demo.role("community_cadre"));
    let worker = somebody(demo, "grid_worker", keeper.grid());
    let (home, next_door) = (stored_place(&keeper), stored_place(&keeper));
    let (grown, _) = resident(&keeper, &next_door, &adult(keeper.grid()));
    let event = event(&keeper, json!({"dwellings": [home]}));
    let asked = wide(&worker, &event, &[&next_door]).expect(201);
    assert_eq!((&asked.body["state"], &asked.body["people"]), (&json!("asked"), &json!([])));
    let entry = demo.entry_of(&asked);
    assert_eq!(happened(&entry), "break_glass.request success");
    let glass = asked.text_of("id").to_owned();
    under(&worker, &glass, &grown, "name").refused(403, "case_required");
    assert!(listed(&lead, &glass).is_none(), "it is not open yet");
    let decide = |actor: &Actor, word: &str| {
        actor.post(&format!("/v1/approvals/{glass}/decide"), &json!({"decision": word}))
    };
    decide(&worker, "grant").refused(404, "not_found");
    decide(&demo.head(4), "grant").refused(404, "not_found");
    let waits = lead.get("/v1/approvals").expect(200);
    let waits = waits.body["approvals"].as_array().expect("a list").clone();
    let waits = waits.iter().find(|one| one["id"] == json!(glass)).expect("it waits for the lead");
    assert_eq!((&waits["kind"], &waits["waits"]), (&json!("emergency"), &json!(true)));
    let reach = json!({"event": event, "places_count": 2, "people_count": 1});
    assert_eq!((&waits["emergency"], &waits["subjects"]), (&reach, &json!([])));

    let granted = decide(&lead, "grant").expect(200);
    let entry = demo.entry_of(&granted);
    assert_eq!(happened(&entry), "approval.grant success");
    assert_eq!(entry["x"]["tier"], "wide");
    let mine = listed(&worker, &glass).expect("its holder's");
    assert!(mine["records"].as_array().expect("records").contains(&json!(grown)));
    assert!(listed(&lead, &glass).expect("it is told")["records"].is_null());
    let read = under(&worker, &glass, &grown, "name").expect(200);
    assert_eq!(read.body["fields"]["name"], "欧阳若兰");
    under(&worker, &glass, &next_door, "address").expect(200);
    end(&worker, &glass).expect(200);
    review(&lead, &glass, "justified", "event_confirmed").refused(403, "denied");
    let officer = demo.role("protection_officer");
    review(&officer, &glass, "justified", "event_confirmed").expect(200);
}

#[test]
fn how_often_anybody_opens_one_is_bounded() {
    let demo = shared();
    let keeper = demo.worker(5);
    let worker = somebody(demo, "grid_head", keeper.grid());
    let home = stored_place(&keeper);
    let event = event(&keeper, json!({"dwellings": [home]}));
    for _ in 0..3 {
        alone(&worker, &event).expect(201);
    }
    let fourth = alone(&worker, &event).refused(429, "rate_limited");
    assert_eq!(demo.entry_of(&fourth)["why"], "rate_limited");
    worker.create(&adult(worker.grid())).expect(201);
}

/// A dwelling in which so many people live.
fn full_house(worker: &Actor, people: usize) -> String {
    let person = |number: usize| {
        let residence = json!({"occupancy_kind": "own_home"});
        json!({"ref": format!("p{number}"), "fields": {"name": "房客"}, "residence": residence})
    };
    let body = json!({
        "grid": worker.grid(), "basis": basis(REGISTRATION), "fields": {"kind": "collective"},
        "dwelling": {"fields": place(worker.grid())["fields"]},
        "people": (0..people).map(person).collect::<Vec<Value>>(),
    });
    let stored = worker.create_household(&body).expect(201);
    stored.body["dwelling"].as_str().expect("a dwelling").to_owned()
}

#[test]
fn as_many_people_as_one_entry_names_are_reached_and_with_one_more_nobody() {
    let demo = shared();
    let keeper = demo.worker(2);
    let worker = somebody(demo, "grid_worker", keeper.grid());
    let (mut homes, mut left) = (Vec::new(), EMERGENCY_PEOPLE_COUNT_MAX);
    while left > 0 {
        let people = left.min(HOUSEHOLD_PEOPLE_COUNT_MAX);
        homes.push(full_house(&keeper, people));
        left -= people;
    }
    let event = event(&keeper, json!({"dwellings": homes}));
    let opened = alone(&worker, &event).expect(201);
    let people = opened.body["people"].as_array().map(Vec::len);
    assert_eq!(people, Some(EMERGENCY_PEOPLE_COUNT_MAX));
    // The dwellings and the event stand beside them.
    let named = demo.entry_of(&opened)["rec"].as_array().map(Vec::len);
    assert_eq!(named, Some(EMERGENCY_PEOPLE_COUNT_MAX + homes.len() + 1));
    resident(&keeper, &homes[0], &adult(keeper.grid()));
    alone(&worker, &event).refused(413, "too_large");
}

#[test]
fn a_restart_forgets_neither_what_is_open_nor_how_often_nor_who_reviews() {
    let mut demo = Demo::own();
    let (keeper, worker) = (demo.worker(1), demo.head(1));
    let home = stored_place(&keeper);
    let (grown, _) = resident(&keeper, &home, &adult(keeper.grid()));
    let event = event(&keeper, json!({"dwellings": [home]}));
    let glass = alone(&worker, &event).expect(201).text_of("id").to_owned();
    for _ in 0..2 {
        alone(&worker, &event).expect(201);
    }
    demo.kill();
    demo.start_again();
    let worker = demo.head(1);
    under(&worker, &glass, &grown, "name").expect(200);
    alone(&worker, &event).refused(429, "rate_limited");
    assert!(listed(&demo.role("community_cadre"), &glass).is_some());
    end(&worker, &glass).expect(200);
    review(&demo.role("community_cadre"), &glass, "justified", "drill").expect(200);
}
