//! Lists as a worker's handset and a street's desk ask for them: ids and masked fields, page by page.
//! Never a record of the neighbour, a raw value about a person, or a word about what was left out.
//! The source of a mask is the body that was stored.

use super::actor::Actor;
use super::bodies::{
    CONTACT, REGISTRATION, SAFETY, adult, child, contact, fresh_phone, place, record, today,
};
use super::client::Reply;
use super::enrolment::{add, enrolled, newcomer};
use super::entries::happened;
use super::harness::{Demo, shared};
use gridvault::limits::{MATCH_VALUES_DAY_MAX, QUERY_PAGE_COUNT_MAX, QUERY_PAGE_COUNT_USUAL};
use gridvault::records::{RecordType, SchemaSet, Value as Parsed, mask};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// More pages than any test's area has.
const PAGES_COUNT_MAX: usize = 200;

fn people(fields: &[&str]) -> Value {
    json!({"type": "person", "fields": fields})
}

/// The ids of a page.
pub fn ids(reply: &Reply) -> Vec<String> {
    let items = reply.body["items"].as_array().expect("a list of records");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

/// The same question from where the page before ended; nothing after the last page.
pub fn next(body: &Value, page: &Reply) -> Option<Value> {
    let cursor = page.body["cursor"].as_str()?;
    let mut body = body.clone();
    body["cursor"] = json!(cursor);
    Some(body)
}

/// Every record of a list, with all its pages.
fn all(actor: &Actor, body: &Value, purpose: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut ask = body.clone();
    for _ in 0..PAGES_COUNT_MAX {
        let page = actor.query(&ask, purpose).expect(200);
        for item in page.body["items"].as_array().expect("a list of records") {
            let id = item["id"].as_str().expect("an id").to_owned();
            assert!(found.insert(id.clone(), item.clone()).is_none(), "{id} came twice");
        }
        match next(body, &page) {
            Some(more) => ask = more,
            None => return found,
        }
    }
    panic!("the list does not end");
}

fn masked(field: &str, value: &Value) -> Value {
    let schemas = SchemaSet::built_in().expect("the shipped schemas load");
    let schema = schemas.get(RecordType::Person).expect("a person has a schema");
    let field = schema.field(field).expect("a field of a person");
    let value = Parsed::parse(field, value.clone(), today()).expect("a value that was stored");
    mask(field, &value)
}

/// Somebody new in these places.
pub fn placed(demo: &Demo, places: &Value) -> Actor {
    let added = add(demo, places.clone()).expect(201);
    let area = places[0]["area"].as_str().expect("a place has its area");
    enrolled(demo, &added, "of several places", Some(area))
}

#[test]
fn worker_pages_through_its_grid_and_sees_each_record_once_while_others_come_and_go() {
    let demo = Demo::own();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let steady: Vec<String> = (0..20)
        .map(|_| worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned())
        .collect();
    let mut doomed: Vec<String> = (0..6)
        .map(|_| worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned())
        .collect();
    let body = json!({"type": "person", "fields": ["name"], "limit": 4, "grid": worker.grid()});
    let mut seen: Vec<String> = Vec::new();
    let mut ask = body.clone();
    for _ in 0..PAGES_COUNT_MAX {
        let page = worker.query(&ask, REGISTRATION).expect(200);
        assert!(ids(&page).len() <= 4);
        seen.extend(ids(&page));
        worker.create(&adult(worker.grid())).expect(201);
        if let Some(id) = doomed.pop() {
            head.delete(&id, 1, REGISTRATION).expect(200);
        }
        // The list grows while it is walked through; it is enough to have met what stayed.
        match next(&body, &page) {
            Some(more) if !steady.iter().all(|id| seen.contains(id)) => ask = more,
            _ => break,
        }
    }
    for id in &steady {
        assert_eq!(seen.iter().filter(|other| *other == id).count(), 1, "{id}");
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "a record came twice");
}

#[test]
fn neighbours_records_never_appear() {
    let demo = shared();
    let (worker, neighbour) = (demo.worker(3), demo.worker(4));
    let own = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    let other = neighbour.create(&adult(neighbour.grid())).expect(201).text_of("id").to_owned();
    for asker in [worker.clone(), demo.head(3)] {
        let found = all(&asker, &people(&["name"]), REGISTRATION);
        assert!(found.contains_key(&own) && !found.contains_key(&other));
        assert!(found.values().all(|item| item["grid"] == worker.grid()));
    }
    let mut named = people(&["name"]);
    for grid in [neighbour.grid(), "8801020019990001", "1", "", "8801020010010003x"] {
        named["grid"] = json!(grid);
        let reply = worker.query(&named, REGISTRATION).refused(403, "out_of_territory");
        let entry = demo.entry_of(&reply);
        assert_eq!(happened(&entry), "access.denied denied");
        assert!(entry["rec"].is_null());
    }
}

#[test]
fn what_is_about_a_person_is_masked_from_its_source_for_everybody_who_lists() {
    let demo = shared();
    let grid = demo.worker(2).grid().to_owned();
    let worker = newcomer(demo, "grid_worker", &grid);
    let body = adult(&grid);
    let created = worker.create(&body).expect(201);
    let names = ["name", "birth_date", "phone", "current_address", "sex", "id_number", "told_by"];
    let askers = [("grid_worker", &*grid), ("grid_head", &grid), ("street_operator", "880102001")];
    for (role, area) in askers {
        // Each match counts against its actor's day.
        let asker = newcomer(demo, role, area);
        let mut ask = people(&names);
        ask["grid"] = json!(grid);
        ask["match"] = json!({"phone": body["fields"]["phone"]});
        let reply = asker.query(&ask, REGISTRATION).expect(200);
        assert_eq!(reply.body["type"], "person");
        let items = reply.body["items"].as_array().expect("a list");
        assert_eq!(items.len(), 1, "{}", reply.text);
        let item = &items[0];
        assert_eq!(item["id"], created.text_of("id"));
        assert_eq!(item["subject"], created.text_of("subject"));
        assert_eq!((&item["version"], &item["grid"]), (&json!(1), &json!(grid)));
        let fields = item["fields"].as_object().expect("an object");
        assert_eq!(fields.len(), names.len() - 1, "{}", asker.role);
        for (field, value) in fields {
            assert_eq!(*value, masked(field, &body["fields"][field]), "{field}");
        }
        assert_eq!(item["masked"].as_array().map(Vec::len), Some(fields.len()));
        assert_eq!(item["withheld"], json!(["id_number"]));
        let number = body["fields"]["id_number"].as_str().expect("a number");
        assert!(!reply.text.contains(number));
    }
}

#[test]
fn what_is_about_no_person_is_listed_as_it_is_and_a_missing_value_is_null() {
    let demo = shared();
    let worker = newcomer(demo, "grid_worker", demo.worker(2).grid());
    let body = place(worker.grid());
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    let ask = json!({
        "type": "place", "fields": ["address", "kind", "hazard_note", "owner_name"],
        "match": {"address": body["fields"]["address"]},
    });
    let reply = worker.query(&ask, SAFETY).expect(200);
    assert_eq!(ids(&reply), [id]);
    let item = &reply.body["items"][0];
    assert_eq!(item["fields"]["address"], body["fields"]["address"]);
    assert_eq!(item["fields"]["hazard_note"], Value::Null);
    assert_eq!(item["fields"]["owner_name"], Value::Null);
    assert_eq!((&item["masked"], &item["subject"]), (&json!([]), &Value::Null));
}

#[test]
fn one_entry_names_every_record_and_the_fields_given_out_and_no_value() {
    let demo = shared();
    let worker = newcomer(demo, "grid_worker", demo.worker(5).grid());
    for _ in 0..3 {
        worker.create(&adult(worker.grid())).expect(201);
    }
    let ask = json!({"type": "person", "fields": ["phone", "id_number", "name"], "limit": 3});
    let reply = worker.query(&ask, REGISTRATION).expect(200);
    let entry = demo.entry_of(&reply);
    assert_eq!(happened(&entry), "data.query success");
    assert_eq!((&entry["n"], &entry["typ"]), (&json!(3), &json!("person")));
    assert_eq!(entry["rec"].as_array().map(Vec::len), Some(3));
    assert_eq!(entry["sub"].as_array().map(Vec::len), Some(3));
    assert_eq!(entry["fld"], json!(["phone", "name"]));
    assert_eq!(entry["view"], json!(["masked", "masked"]));
    assert_eq!((&entry["who"], &entry["scope"]), (&json!(worker.id), &json!(worker.grid())));
    assert_eq!(entry["pur"], REGISTRATION);
    assert!(entry["rule"].as_str().is_some_and(|rule| rule.starts_with("grid_worker/")));
    for id in ids(&reply) {
        assert!(!entry.to_string().contains(&id), "entries name handles, not ids");
    }
    // Its handles are those of the records: the read of one says the same.
    let read = worker.read(&ids(&reply)[1], "name", REGISTRATION).expect(200);
    assert_eq!(demo.entry_of(&read)["rec"][0], entry["rec"][1]);
    let none = json!({"type": "person", "fields": ["name"], "match": {"phone": fresh_phone()}});
    let reply = worker.query(&none, REGISTRATION).expect(200);
    assert_eq!((ids(&reply).len(), reply.body["cursor"].is_null()), (0, true));
    let entry = demo.entry_of(&reply);
    assert_eq!((&entry["n"], entry["rec"].is_null()), (&json!(0), true));
}

#[test]
fn children_and_what_was_not_given_for_the_purpose_are_left_out_without_a_word() {
    let demo = shared();
    let worker = demo.worker(4);
    let grid = worker.grid();
    let child = worker.create(&child(grid)).expect(201).text_of("id").to_owned();
    let phone = fresh_phone();
    let called = worker.create(&contact(grid, &phone)).expect(201).text_of("id").to_owned();
    let grown = worker.create(&adult(grid)).expect(201).text_of("id").to_owned();
    let registered = all(&worker, &people(&["name", "phone"]), REGISTRATION);
    assert!(!registered.contains_key(&child), "every field of a child is sensitive");
    assert!(registered.contains_key(&grown));
    let agreed = all(&worker, &people(&["name", "phone"]), CONTACT);
    assert!(agreed.contains_key(&called) && !agreed.contains_key(&grown));
    worker.query(&people(&["id_number"]), CONTACT).refused(400, "purpose_not_for_field");
    worker.query(&people(&["id_number"]), REGISTRATION).refused(403, "denied");
    worker.query(&people(&["name"]), "elder_visit").refused(403, "case_required");
    worker.query(&people(&["shoe_size"]), REGISTRATION).refused(400, "field_unknown");
}

#[test]
fn who_may_not_list_gets_nothing_and_is_recorded() {
    let demo = shared();
    for role in
        ["city_platform", "compliance_auditor", "system_admin", "security_admin", "audit_admin"]
    {
        let asker = demo.role(role);
        for body in [people(&["name"]), json!({"type": "place", "fields": ["address"]})] {
            let reply = asker.query(&body, REGISTRATION).refused(403, "denied");
            let entry = demo.entry_of(&reply);
            assert_eq!(happened(&entry), "access.denied denied", "{role}");
            assert_eq!(entry["why"], "denied");
        }
    }
    let worker = demo.worker(1);
    let call = || worker.call("POST", "/v1/records/query");
    call().json(&people(&["name"])).send().refused(400, "purpose_missing");
    worker.query(&people(&["name"]), "grid_management").refused(400, "purpose_unknown");
}

#[test]
fn page_has_at_most_256_records_and_a_larger_one_is_refused_not_clamped() {
    let demo = shared();
    let worker = demo.worker(1);
    let with = |limit: Value| {
        let mut body = people(&["name"]);
        body["limit"] = limit;
        worker.query(&body, REGISTRATION)
    };
    assert_eq!((QUERY_PAGE_COUNT_MAX, QUERY_PAGE_COUNT_USUAL), (256, 50));
    with(json!(QUERY_PAGE_COUNT_MAX)).expect(200);
    assert_eq!(ids(&with(json!(1)).expect(200)).len(), 1);
    for wrong in [json!(QUERY_PAGE_COUNT_MAX + 1), json!(0), json!(-1), json!("5"), json!(1.5)] {
        with(wrong).refused(400, "schema_invalid");
    }
    for wrong in [
        json!({"type": "person"}),
        json!({"type": "person", "fields": []}),
        json!({"type": "person", "fields": ["name", "name"]}),
        json!({"type": "people", "fields": ["name"]}),
        json!({"type": "person", "fields": ["name"], "order": "name"}),
        json!({"type": "person", "fields": ["name"], "updated_since": "yesterday"}),
        json!({"type": "person", "fields": ["name"], "match": {}}),
        json!({"type": "person", "fields": ["name"], "match": {"phone": "1", "name": "x"}}),
    ] {
        let reply = worker.query(&wrong, REGISTRATION);
        assert_eq!((reply.status, reply.code()), (400, "schema_invalid"), "{wrong}");
    }
}

#[test]
fn no_list_is_made_by_a_sensitive_field_a_part_of_somebody_else_or_a_reference() {
    let demo = shared();
    let worker = demo.worker(1);
    let asks = [
        (
            "person",
            REGISTRATION,
            "name",
            "id_number",
            json!(super::bodies::fresh_number("1970-01-01")),
        ),
        ("person", REGISTRATION, "name", "name", json!("周明远")),
        ("person", REGISTRATION, "name", "sex", json!("1")),
        ("person", REGISTRATION, "name", "guardian_phone", json!(fresh_phone())),
        ("residence", REGISTRATION, "move_in_date", "place", json!(super::bodies::unknown_id())),
        ("residence", REGISTRATION, "move_in_date", "person", json!(super::bodies::unknown_id())),
        ("household", REGISTRATION, "kind", "members", json!(super::bodies::unknown_id())),
        ("place", SAFETY, "address", "owner_phone", json!(fresh_phone())),
        ("event", SAFETY, "matter", "responsible_phone", json!(fresh_phone())),
        ("event", SAFETY, "matter", "responsible_name", json!("周明远")),
        ("event", SAFETY, "matter", "place", json!(super::bodies::unknown_id())),
        ("event", SAFETY, "matter", "address", json!("x")),
        ("organisation", SAFETY, "name", "representative_phone", json!(fresh_phone())),
    ];
    for (kind, purpose, field, by, value) in asks {
        let body = json!({"type": kind, "fields": [field], "match": {by: value}});
        let reply = worker.query(&body, purpose);
        assert_eq!((reply.status, reply.code()), (403, "denied"), "{kind} by {by}: {}", reply.text);
    }
    // Nor is a value asked for that way.
    let body = json!({"type": "residence", "field": "place", "value": super::bodies::unknown_id()});
    let call = worker.call("POST", "/v1/records/match").purpose(REGISTRATION);
    call.json(&body).send().refused(403, "denied");
}

#[test]
fn list_by_an_exact_value_costs_what_a_match_costs() {
    let demo = shared();
    let worker = newcomer(demo, "grid_worker", demo.worker(2).grid());
    let body = adult(demo.worker(2).grid());
    let id = demo.worker(2).create(&body).expect(201).text_of("id").to_owned();
    let by = |phone: &Value| {
        let body = json!({"type": "person", "fields": ["name"], "match": {"phone": phone}});
        worker.query(&body, REGISTRATION)
    };
    assert_eq!(ids(&by(&body["fields"]["phone"]).expect(200)), [id]);
    for _ in 1..MATCH_VALUES_DAY_MAX {
        assert!(ids(&by(&json!(fresh_phone())).expect(200)).is_empty());
    }
    by(&body["fields"]["phone"]).expect(200);
    by(&json!(fresh_phone())).refused(429, "reveal_limit");
    worker.matches("phone", &fresh_phone(), REGISTRATION).refused(429, "reveal_limit");
    let wrong = by(&json!("12"));
    assert_eq!(wrong.refused(400, "schema_invalid").pointers(), ["phone: short_number"]);
}

#[test]
fn list_of_what_changed_since_finds_new_and_changed_records_and_no_others() {
    let demo = shared();
    let worker = demo.worker(3);
    let grid = worker.grid();
    let [first, second] =
        [0, 1].map(|_| worker.create(&adult(grid)).expect(201).text_of("id").to_owned());
    let since = demo_time();
    let mut ask = people(&["name"]);
    ask["updated_since"] = json!(since);
    let third = worker.create(&adult(grid)).expect(201).text_of("id").to_owned();
    let fields = json!({"residence_kind": "floating"});
    worker.patch(&second, 1, REGISTRATION, fields).expect(200);
    let found = all(&worker, &ask, REGISTRATION);
    assert!(found.contains_key(&second) && found.contains_key(&third));
    assert!(!found.contains_key(&first));
    assert_eq!(found[&second]["version"], 2);
    ask["updated_since"] = json!("2999-01-01T00:00:00Z");
    assert!(all(&worker, &ask, REGISTRATION).is_empty());
}

/// Now, as a client writes it.
fn demo_time() -> String {
    jiff::Timestamp::now().to_string()
}

#[test]
fn head_of_two_grids_lists_both_and_each_page_is_carried_by_one_of_them() {
    let demo = shared();
    let (one, two) = (demo.worker(1), demo.worker(2));
    let head = placed(
        demo,
        &json!([{"role": "grid_head", "area": one.grid()}, {"role": "grid_head", "area": two.grid()}]),
    );
    let records = [&one, &two]
        .map(|worker| worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned());
    let body = json!({"type": "person", "fields": ["name"], "limit": 256});
    let found = all(&head, &body, REGISTRATION);
    assert!(records.iter().all(|id| found.contains_key(id)));
    let first = head.query(&body, REGISTRATION).expect(200);
    let entry = demo.entry_of(&first);
    let grids: Vec<&Value> =
        first.body["items"].as_array().expect("a list").iter().map(|item| &item["grid"]).collect();
    assert!(grids.iter().all(|grid| **grid == entry["scope"]), "rights never add up");
    for worker in [&one, &two] {
        let mut named = body.clone();
        named["grid"] = json!(worker.grid());
        let found = all(&head, &named, REGISTRATION);
        assert!(found.values().all(|item| item["grid"] == worker.grid()));
    }
}

#[test]
fn worker_who_also_works_for_the_street_meets_each_record_once() {
    let demo = shared();
    let worker = demo.worker(1);
    let places = json!([{"role": "street_operator", "area": "880102001"}, {"role": "grid_worker", "area": worker.grid()}]);
    let both = placed(demo, &places);
    let id = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    // `all` refuses a record that comes twice.
    let found = all(&both, &people(&["name", "phone"]), REGISTRATION);
    assert!(found.contains_key(&id));
    let street = all(&demo.role("street_operator"), &people(&["name"]), REGISTRATION);
    assert!(street.values().any(|item| item["grid"] != worker.grid()));
}

#[test]
fn removed_record_is_in_no_list() {
    let demo = shared();
    let (worker, head) = (newcomer(demo, "grid_worker", demo.worker(5).grid()), demo.head(5));
    let body = record(
        "object",
        worker.grid(),
        SAFETY,
        json!({"kind": "extinguisher", "state": "in_order", "asset_number": format!("A-{}", fresh_phone())}),
    );
    let created = worker.create(&body);
    let created = created.expect(201);
    let ask = json!({
        "type": "object", "fields": ["asset_number"],
        "match": {"asset_number": body["fields"]["asset_number"]},
    });
    assert_eq!(ids(&worker.query(&ask, SAFETY).expect(200)), [created.text_of("id")]);
    head.delete(created.text_of("id"), 1, SAFETY).expect(200);
    assert!(ids(&worker.query(&ask, SAFETY).expect(200)).is_empty());
}

#[test]
fn system_finds_a_record_by_its_own_name_for_it_and_nobody_elses() {
    let demo = shared();
    let worker = newcomer(demo, "grid_worker", demo.worker(3).grid());
    let name = format!("book-{}", fresh_phone());
    let mut body = adult(worker.grid());
    body["external_ref"] = json!(name);
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    let ask = json!({"type": "person", "fields": ["name"], "external_ref": name});
    let found = worker.query(&ask, REGISTRATION).expect(200);
    assert_eq!((ids(&found), found.body["cursor"].is_null()), (vec![id.clone()], true));
    assert!(!demo.entry_of(&found).to_string().contains(&name));
    // Another caller's name is another name, though both may know of the record.
    assert!(ids(&demo.head(3).query(&ask, REGISTRATION).expect(200)).is_empty());
    let mut other = ask.clone();
    other["external_ref"] = json!("book-0");
    assert!(ids(&worker.query(&other, REGISTRATION).expect(200)).is_empty());
    other["type"] = json!("residence");
    other["fields"] = json!(["move_in_date"]);
    other["external_ref"] = json!(name);
    assert!(ids(&worker.query(&other, REGISTRATION).expect(200)).is_empty());
    for wrong in [json!(""), json!("x".repeat(65)), json!(7), json!("a\u{202e}b")] {
        let mut ask = ask.clone();
        ask["external_ref"] = wrong;
        worker.query(&ask, REGISTRATION).refused(400, "schema_invalid");
    }
    let mut both = ask.clone();
    both["match"] = json!({"phone": "12900001001"});
    worker.query(&both, REGISTRATION).refused(400, "schema_invalid");
    demo.head(3).delete(&id, 1, REGISTRATION).expect(200);
    assert!(ids(&worker.query(&ask, REGISTRATION).expect(200)).is_empty());
}
