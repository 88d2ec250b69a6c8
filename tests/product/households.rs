//! A household as a worker collects it at one door: four people, a child with guardians, a dwelling.
//! Never stored in part: with one item wrong nothing is, and the problem names the item.
//! References between the items are words of the request; ids come back.

use super::bodies::{
    ADDRESS, REGISTRATION, adult, adult_fields, basis, born_years_ago, consent, fresh_number,
    fresh_phone, place, record,
};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, shared};
use gridvault::limits::HOUSEHOLD_PEOPLE_COUNT_MAX;
use serde_json::{Value, json};

/// Telephones of the first and the third person, for tests that ask whether they are held.
struct Family {
    body: Value,
    phones: [String; 2],
}

fn family(grid: &str) -> Family {
    let phones = [fresh_phone(), fresh_phone()];
    let born = born_years_ago(8);
    let person = |reference: &str, fields: Value| json!({"ref": reference, "fields": fields, "residence": {"occupancy_kind": "own_home"}});
    let mut father = adult_fields();
    father["phone"] = json!(phones[0]);
    let mut child = person(
        "p2",
        json!({
            "name": "欧阳小满", "birth_date": born, "id_number": fresh_number(&born),
            "household_relation": "20",
        }),
    );
    child["guardians"] = json!(["p1", "p3"]);
    child["basis"] = basis(REGISTRATION);
    child["basis"]["consent"] = consent("guardian");
    let mother = json!({"name": "𠮷明霞", "phone": phones[1], "household_relation": "12"});
    // Refused to answer all but the name.
    let grandmother = person("p4", json!({"name": "沈玉兰"}));
    let body = json!({
        "grid": grid, "basis": basis(REGISTRATION),
        "fields": {"kind": "family", "size": 4, "current_address": ADDRESS},
        "dwelling": {"fields": place(grid)["fields"]},
        "people": [person("p1", father), child, person("p3", mother), grandmother],
    });
    Family { body, phones }
}

#[track_caller]
fn is_held(demo: &Demo, phone: &str) -> bool {
    let reply = demo.head(3).matches("phone", phone, REGISTRATION).expect(200);
    reply.body["held"].as_bool().expect("yes or no")
}

/// The entries that a refused household left: none of them says that one was stored.
#[track_caller]
fn assert_nothing_stored(demo: &Demo, family: &Family, before: &Reply, refused: &Reply) {
    let entries = demo.entries_between(before.index(), refused.index());
    let worker = demo.worker(3).id;
    let stored = entries.iter().filter(|entry| {
        entry["who"] == json!(worker) && happened(entry) == "data.household success"
    });
    assert_eq!(stored.count(), 0, "an entry says that a household was stored");
    for phone in &family.phones {
        assert!(!is_held(demo, phone), "a part was stored");
    }
}

#[test]
fn household_is_stored_whole_with_people_dwelling_and_guardians() {
    let demo = shared();
    let worker = demo.worker(1);
    let family = family(worker.grid());
    let reply = worker.create_household(&family.body).expect(201);
    let people = reply.body["people"].as_array().expect("a list");
    let references: Vec<&str> = people.iter().filter_map(|one| one["ref"].as_str()).collect();
    assert_eq!(references, ["p1", "p2", "p3", "p4"]);
    let word = |person: usize, name: &str| people[person][name].as_str().expect("an id").to_owned();

    let entry = demo.entry_of(&reply);
    assert_eq!(happened(&entry), "data.household success");
    // A dwelling, four people with a link each, and the household itself.
    assert_eq!((&entry["n"], entry["rec"].as_array().map(Vec::len)), (&json!(10), Some(10)));
    assert_eq!(entry["sub"].as_array().map(Vec::len), Some(4));

    let read = worker.read(&word(0, "id"), "name,phone", REGISTRATION).expect(200);
    assert_eq!(read.body["fields"]["phone"], family.phones[0]);
    worker.read(&word(1, "id"), "name", REGISTRATION).refused(403, "case_required");
    let read = worker.read(&word(3, "id"), "name,phone,birth_date", REGISTRATION).expect(200);
    assert_eq!(read.body["fields"], json!({"name": "沈玉兰", "phone": null, "birth_date": null}));

    let household = reply.text_of("id");
    let read = worker.read(household, "members,place,size", REGISTRATION).expect(200);
    let subjects: Vec<String> = (0..4).map(|person| word(person, "subject")).collect();
    assert_eq!(read.body["fields"]["members"], json!(subjects));
    assert_eq!(read.body["fields"]["place"], reply.body["dwelling"]);

    let read = worker.read(&word(2, "residence"), "person,place,occupancy_kind", REGISTRATION);
    assert_eq!(
        read.expect(200).body["fields"],
        json!({
            "person": subjects[2], "place": reply.body["dwelling"], "occupancy_kind": "own_home",
        })
    );
    let dwelling = reply.text_of("dwelling");
    let read = worker.read(dwelling, "address,kind", REGISTRATION).expect(200);
    assert_eq!(read.body["fields"]["kind"], "dwelling");
}

#[test]
fn childs_links_and_fields_are_the_childs_and_the_others_are_not() {
    let demo = shared();
    let worker = demo.worker(1);
    let reply = worker.create_household(&family(worker.grid()).body).expect(201);
    let person = |place: usize, name: &str| {
        reply.body["people"][place][name].as_str().expect("an id").to_owned()
    };
    worker.read(&person(1, "id"), "guardians", REGISTRATION).refused(403, "case_required");
    worker.read(&person(1, "residence"), "place", REGISTRATION).refused(403, "case_required");
    worker.read(&person(0, "residence"), "place", REGISTRATION).expect(200);
}

#[test]
fn name_beyond_the_basic_plane_is_masked_by_character() {
    let demo = shared();
    let worker = demo.worker(1);
    let reply = worker.create_household(&family(worker.grid()).body).expect(201);
    let mother = reply.body["people"][2]["id"].as_str().expect("an id").to_owned();
    let read = worker.read(&mother, "name", REGISTRATION).expect(200);
    assert_eq!(read.body["fields"]["name"], "𠮷明霞");
    let read = demo.role("street_operator").read(&mother, "name", REGISTRATION).expect(200);
    assert_eq!(read.body["fields"]["name"], "𠮷**");
}

#[test]
fn with_one_item_wrong_nothing_is_stored_and_the_problem_names_it() {
    let demo = shared();
    let worker = demo.worker(3);
    for (person, field, value, problem) in [
        (2, "phone", json!("129"), "people.p3.phone: short_number"),
        (0, "birth_date", json!("1968-02-31"), "people.p1.birth_date: impossible_date"),
        (3, "name", json!("周\u{202e}"), "people.p4.name: bidirectional_character"),
    ] {
        let mut family = family(worker.grid());
        family.body["people"][person]["fields"][field] = value;
        let before = worker.get("/v1/purposes").expect(200);
        let reply = worker.create_household(&family.body).refused(400, "schema_invalid");
        assert_eq!(reply.pointers(), [problem]);
        assert_nothing_stored(demo, &family, &before, &reply);
    }
    let mut family = family(worker.grid());
    family.body["dwelling"]["fields"]["kind"] = json!("castle");
    family.body["fields"]["size"] = json!(0);
    family.body["people"][1]["fields"]["sex"] = json!("5");
    let reply = worker.create_household(&family.body).refused(400, "schema_invalid");
    let mut pointers = reply.pointers();
    pointers.sort();
    assert_eq!(
        pointers,
        [
            "dwelling.kind: unknown_code",
            "household.size: out_of_range",
            "people.p2.sex: unknown_code",
        ]
    );
}

#[test]
fn fault_that_only_the_decision_finds_stores_nothing_either() {
    let demo = shared();
    let worker = demo.worker(3);
    let mut unlisted = family(worker.grid());
    unlisted.body["people"][3]["fields"]["school"] = json!("工农路小学");
    let before = worker.get("/v1/purposes").expect(200);
    let reply = worker.create_household(&unlisted.body).refused(400, "purpose_not_for_field");
    assert_nothing_stored(demo, &unlisted, &before, &reply);

    let mut baseless = family(worker.grid());
    baseless.body["people"][2]["basis"] = basis(REGISTRATION);
    baseless.body["people"][2]["basis"]["notice"] = json!("none");
    let reply = worker.create_household(&baseless.body).refused(400, "basis_missing");
    assert_nothing_stored(demo, &baseless, &before, &reply);

    let elsewhere = family(demo.worker(4).grid());
    let reply = worker.create_household(&elsewhere.body).refused(403, "out_of_territory");
    assert_nothing_stored(demo, &elsewhere, &before, &reply);
}

#[test]
fn household_has_at_least_one_person_and_at_most_twenty() {
    let demo = shared();
    let worker = demo.worker(1);
    let of = |count: usize| {
        let people: Vec<Value> = (0..count)
            .map(|number| json!({"ref": format!("p{number}"), "fields": {"name": "房客"}}))
            .collect();
        let body = json!({
            "grid": worker.grid(), "basis": basis(REGISTRATION), "fields": {"kind": "collective"},
            "people": people,
        });
        worker.create_household(&body)
    };
    of(0).refused(400, "schema_invalid");
    of(HOUSEHOLD_PEOPLE_COUNT_MAX).expect(201);
    of(HOUSEHOLD_PEOPLE_COUNT_MAX + 1).refused(413, "too_large");
}

#[test]
fn reference_that_leads_nowhere_is_refused() {
    let demo = shared();
    let worker = demo.worker(1);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut body = family(worker.grid()).body;
        change(&mut body);
        worker.create_household(&body)
    };
    let guardians = |value: Value| changed(&|body| body["people"][1]["guardians"] = value.clone());
    guardians(json!(["p9"])).refused(400, "schema_invalid");
    guardians(json!(["p2"])).refused(400, "schema_invalid");
    guardians(json!(["p1", "x"])).refused(400, "schema_invalid");
    changed(&|body| body["people"][3]["ref"] = json!("p1")).refused(400, "schema_invalid");
    changed(&|body| body["people"][3]["ref"] = json!("周")).refused(400, "schema_invalid");
    let without = |body: &mut Value| {
        body.as_object_mut().expect("an object").remove("dwelling");
    };
    changed(&without).refused(400, "schema_invalid");
    let unguarded = |body: &mut Value| {
        body["people"][1].as_object_mut().expect("an object").remove("guardians");
    };
    let reply = changed(&unguarded).refused(400, "schema_invalid");
    assert_eq!(reply.pointers(), ["people.p2.guardians: missing"]);
}

#[test]
fn dwelling_that_is_held_is_named_by_its_id() {
    let demo = shared();
    let worker = demo.worker(1);
    let held = worker.create(&place(worker.grid())).expect(201);
    let in_dwelling = |id: &str| {
        let mut body = family(worker.grid()).body;
        body["dwelling"] = json!({"id": id});
        worker.create_household(&body)
    };
    let reply = in_dwelling(held.text_of("id")).expect(201);
    assert_eq!(reply.text_of("dwelling"), held.text_of("id"));
    let entry = demo.entry_of(&reply);
    assert_eq!(entry["n"], 9);
    in_dwelling("no id").refused(400, "schema_invalid");
    in_dwelling(&super::bodies::unknown_id()).refused(404, "not_found");
    let person = worker.create(&adult(worker.grid())).expect(201);
    in_dwelling(person.text_of("id")).refused(404, "not_found");
    let neighbour = demo.worker(2);
    let theirs = neighbour.create(&place(neighbour.grid())).expect(201);
    in_dwelling(theirs.text_of("id")).refused(404, "not_found");
    demo.head(1).delete(held.text_of("id"), 1, super::bodies::SAFETY).expect(200);
    in_dwelling(held.text_of("id")).refused(404, "not_found");
}

#[test]
fn person_joins_a_household_later_by_a_record_of_its_own() {
    let demo = shared();
    let worker = demo.worker(1);
    let reply = worker.create_household(&family(worker.grid()).body).expect(201);
    let person = worker.create(&adult(worker.grid())).expect(201);
    let household = reply.text_of("id");
    let read = worker.read(household, "members", REGISTRATION).expect(200);
    let mut members = read.body["fields"]["members"].as_array().expect("a list").clone();
    members.push(person.body["subject"].clone());
    let fields = json!({"members": members, "size": 5});
    worker.patch(household, 1, REGISTRATION, fields.clone()).expect(200);
    let read = worker.read(household, "members,size", REGISTRATION).expect(200);
    assert_eq!(read.body["fields"], fields);
    let body = record(
        "residence",
        worker.grid(),
        REGISTRATION,
        json!({
            "person": person.body["subject"], "place": reply.body["dwelling"],
        }),
    );
    let mut body = body;
    body["subject"] = person.body["subject"].clone();
    worker.create(&body).expect(201);
}
