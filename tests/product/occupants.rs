//! Who lives at a place: the people whom the caller may know of, masked, in one entry.
//! Never a child, a person who left, or anybody behind a place of another grid.
//! Twenty people at most are named; a larger place says that there are more.

use super::actor::Actor;
use super::bodies::{
    ADDRESS, CONTACT, REGISTRATION, SAFETY, adult, adult_fields, basis, child, place, record,
    today, unknown_id,
};
use super::client::Reply;
use super::entries::happened;
use super::harness::shared;
use gridvault::limits::{HOUSEHOLD_PEOPLE_COUNT_MAX, OCCUPANTS_COUNT_MAX};
use jiff::ToSpan as _;
use serde_json::{Value, json};

fn subjects(reply: &Reply) -> Vec<String> {
    let people = reply.body["people"].as_array().expect("a list of people");
    people.iter().map(|one| one["subject"].as_str().expect("an id").to_owned()).collect()
}

fn stored_place(worker: &Actor) -> String {
    worker.create(&place(worker.grid())).expect(201).text_of("id").to_owned()
}

/// A person who lives at a place; gives record, subject and link.
fn resident(worker: &Actor, place: &str, body: &Value) -> (String, String, String) {
    let person = worker.create(body).expect(201);
    let subject = person.text_of("subject").to_owned();
    let fields = json!({"person": subject, "place": place, "move_in_date": "2020-01-01"});
    let link = worker.create(&record("residence", worker.grid(), REGISTRATION, fields)).expect(201);
    (person.text_of("id").to_owned(), subject, link.text_of("id").to_owned())
}

#[test]
fn people_of_a_place_are_masked_and_named_in_one_entry() {
    let demo = shared();
    let worker = demo.worker(1);
    let (place, other) = (stored_place(&worker), stored_place(&worker));
    let (_, first, _) = resident(&worker, &place, &adult(worker.grid()));
    let (_, second, _) = resident(&worker, &place, &adult(worker.grid()));
    resident(&worker, &other, &adult(worker.grid()));
    for asker in [worker.clone(), demo.head(1)] {
        let reply = asker.occupants(&place, &["name", "phone", "id_number"], REGISTRATION);
        let reply = reply.expect(200);
        let mut found = subjects(&reply);
        found.sort();
        let mut expected = [first.clone(), second.clone()];
        expected.sort();
        assert_eq!(found, expected, "{}", asker.role);
        assert_eq!(reply.body["more"], false);
        for person in reply.body["people"].as_array().expect("a list") {
            assert_eq!(person["fields"]["name"], "欧阳**");
            assert_eq!(person["masked"], json!(["name", "phone"]));
            assert_eq!(person["withheld"], json!(["id_number"]));
        }
        let entry = demo.entry_of(&reply);
        assert_eq!(happened(&entry), "data.occupants success");
        assert_eq!((&entry["n"], &entry["typ"]), (&json!(2), &json!("person")));
        assert_eq!(entry["rec"].as_array().map(Vec::len), Some(2));
        assert_eq!(entry["grid"], json!(worker.grid()));
        assert_eq!(entry["fld"], json!(["name", "phone"]));
    }
    let street = demo.role("street_operator").occupants(&place, &["name"], REGISTRATION);
    assert_eq!(subjects(&street.expect(200)).len(), 2);
    let empty = worker.occupants(&stored_place(&worker), &["name"], REGISTRATION).expect(200);
    assert_eq!((subjects(&empty).len(), &empty.body["more"]), (0, &json!(false)));
}

#[test]
fn child_and_who_left_and_who_is_gone_are_not_named() {
    let demo = shared();
    let (worker, head) = (demo.worker(2), demo.head(2));
    let place = stored_place(&worker);
    let grid = worker.grid().to_owned();
    resident(&worker, &place, &child(&grid));
    let (_, stays, _) = resident(&worker, &place, &adult(&grid));
    let (_, _, left) = resident(&worker, &place, &adult(&grid));
    let (_, leaves, leaving) = resident(&worker, &place, &adult(&grid));
    let (gone, ..) = resident(&worker, &place, &adult(&grid));
    let (_, _, unlinked) = resident(&worker, &place, &adult(&grid));
    let moved = |link: &str, version, day: Value| {
        worker.patch(link, version, REGISTRATION, json!({"move_out_date": day})).expect(200)
    };
    moved(&left, 1, json!(today().to_string()));
    moved(&leaving, 1, json!("2999-01-01"));
    head.delete(&gone, 1, REGISTRATION).expect(200);
    head.delete(&unlinked, 1, REGISTRATION).expect(200);
    let named = || {
        let mut named = subjects(&worker.occupants(&place, &["name"], REGISTRATION).expect(200));
        named.sort();
        named
    };
    let mut expected = vec![stays.clone(), leaves.clone()];
    expected.sort();
    assert_eq!(named(), expected);
    // One by which the link would have ended already takes nothing away; whoever may removes it.
    let over = json!({"move_out_date": "2001-02-01"});
    let reply = worker.patch(&leaving, 2, REGISTRATION, over).refused(400, "schema_invalid");
    assert_eq!(reply.pointers(), ["move_out_date: already_over"]);
    // A date that is taken back, or comes, counts from the change on.
    moved(&leaving, 2, json!(today().checked_sub(60.days()).expect("a day").to_string()));
    assert_eq!(named(), [stays]);
    moved(&leaving, 3, Value::Null);
    assert_eq!(named(), expected);
}

#[test]
fn place_of_another_grid_is_not_found_like_one_that_is_none() {
    let demo = shared();
    let neighbour = demo.worker(4);
    let place = stored_place(&neighbour);
    resident(&neighbour, &place, &adult(neighbour.grid()));
    let worker = demo.worker(3);
    let person = worker.create(&adult(worker.grid())).expect(201);
    let replies: Vec<Reply> =
        [place.as_str(), &unknown_id(), person.text_of("id"), "1", "%20", "..%2f..%2frecords"]
            .map(|id| worker.occupants(id, &["name"], REGISTRATION).refused(404, "not_found"))
            .into();
    for reply in &replies {
        assert_eq!(reply.without_ids(), replies[0].without_ids());
        let entry = demo.entry_of(reply);
        assert_eq!(happened(&entry), "access.denied denied");
        assert!(entry["rec"].is_null() && entry["grid"].is_null(), "{entry}");
    }
    let own = stored_place(&worker);
    demo.head(3).delete(&own, 1, SAFETY).expect(200);
    worker.occupants(&own, &["name"], REGISTRATION).refused(410, "erased");
    demo.worker(5).occupants(&own, &["name"], REGISTRATION).refused(404, "not_found");
}

#[test]
fn who_may_not_list_people_or_for_another_purpose_learns_nobody() {
    let demo = shared();
    let worker = demo.worker(1);
    let place = stored_place(&worker);
    resident(&worker, &place, &adult(worker.grid()));
    for role in
        ["city_platform", "compliance_auditor", "system_admin", "security_admin", "audit_admin"]
    {
        demo.role(role).occupants(&place, &["name"], REGISTRATION).refused(403, "denied");
    }
    // The purpose lists no link of person and place.
    let reply = worker.occupants(&place, &["name"], CONTACT);
    reply.refused(400, "purpose_not_for_field");
    worker.occupants(&place, &["name"], SAFETY).refused(400, "purpose_not_for_field");
    worker.occupants(&place, &["id_number"], REGISTRATION).refused(403, "denied");
    worker.occupants(&place, &[], REGISTRATION).refused(400, "schema_invalid");
    let cursor = json!({"fields": ["name"], "cursor": "x"});
    let call = worker.call("POST", &format!("/v1/places/{place}/occupants")).purpose(REGISTRATION);
    call.json(&cursor).send().refused(400, "schema_invalid");
}

#[test]
fn twenty_people_are_named_and_one_more_is_only_said_to_be_there() {
    let demo = shared();
    let worker = demo.worker(5);
    assert_eq!(OCCUPANTS_COUNT_MAX, HOUSEHOLD_PEOPLE_COUNT_MAX);
    let people: Vec<Value> = (0..OCCUPANTS_COUNT_MAX)
        .map(|number| {
            let mut fields = adult_fields();
            fields["current_address"] = json!(ADDRESS);
            json!({"ref": format!("p{number}"), "fields": fields, "residence": {"occupancy_kind": "own_home"}})
        })
        .collect();
    let body = json!({
        "grid": worker.grid(), "basis": basis(REGISTRATION), "fields": {"kind": "collective"},
        "dwelling": {"fields": place(worker.grid())["fields"]}, "people": people,
    });
    let household = worker.create_household(&body).expect(201);
    let place = household.body["dwelling"]["id"].as_str().or(household.body["dwelling"].as_str());
    let place = place.expect("a dwelling").to_owned();
    let reply = worker.occupants(&place, &["name"], REGISTRATION).expect(200);
    assert_eq!((subjects(&reply).len(), &reply.body["more"]), (20, &json!(false)));
    resident(&worker, &place, &adult(worker.grid()));
    let reply = worker.occupants(&place, &["name"], REGISTRATION).expect(200);
    assert_eq!((subjects(&reply).len(), &reply.body["more"]), (20, &json!(true)));
    assert_eq!(demo.entry_of(&reply)["n"], 20);
}
