//! Every record of one grid with the tokens of another: nothing tells it from a record that never was.
//! Never a sample of kinds: a record of every type that its worker may store, and a whole household, by every verb that names a record,
//! a place or a subject; more of each would meet the budget of refusals first.
//! Bodies, headers and entries are compared; the times are compared by the campaign `existence`.

use super::actor::Actor;
use super::bodies::{
    CORRECTION, REGISTRATION, SAFETY, adult, adult_fields, basis, fresh_phone, place, record,
    unknown_id,
};
use super::cells::standing_in;
use super::client::{Call, Reply};
use super::entries::{happened, members};
use super::harness::Demo;
use gridvault::http::ROUTES;
use serde_json::{Value, json};

/// What a grid holds: ids of records, and subjects.
#[derive(Default)]
struct Held {
    records: Vec<String>,
    subjects: Vec<String>,
}

/// Fills a grid with a record of every type that its worker may store, and a whole household.
fn fill(worker: &Actor) -> Held {
    let grid = worker.grid();
    let mut held = Held::default();
    let household = json!({
        "grid": grid, "basis": basis(REGISTRATION), "fields": {"kind": "family"},
        "dwelling": {"fields": place(grid)["fields"]},
        "people": [
            {"ref": "p1", "fields": adult_fields(), "residence": {"occupancy_kind": "rented"}},
            {"ref": "p2", "fields": adult_fields()},
        ],
    });
    let stored = worker.create_household(&household).expect(201);
    let people = stored.body["people"].as_array().expect("people").clone();
    let ids = people.iter().flat_map(|person| [&person["id"], &person["residence"]]);
    let ids = ids.chain([&stored.body["id"], &stored.body["dwelling"]]);
    held.records.extend(ids.filter_map(Value::as_str).map(str::to_owned));
    let subjects = people.iter().filter_map(|person| person["subject"].as_str());
    held.subjects.extend(subjects.map(str::to_owned));
    let event = json!({
        "kind": "clutter", "matter": "消防通道堵塞", "severity": "ordinary", "state": "discover",
    });
    for body in [
        adult(grid),
        place(grid),
        record("event", grid, SAFETY, event),
        record("object", grid, SAFETY, json!({"kind": "hydrant", "state": "in_order"})),
        record("organisation", grid, SAFETY, json!({"kind": "sole_trader", "name": "便民小卖部"})),
        record("household", grid, CORRECTION, json!({"kind": "collective"})),
    ] {
        held.records.push(worker.create(&body).expect(201).text_of("id").to_owned());
    }
    held
}

/// Every call that names a record, a place or a subject.
fn calls(actor: &Actor, record: &str, subject: &str) -> Vec<(&'static str, Call)> {
    let of_record = |method: &str| actor.call(method, &format!("/v1/records/{record}"));
    let read = actor.call("GET", &format!("/v1/records/{record}?fields=name,address"));
    let reason = json!({"reason": "collected in error"});
    let patch = json!({"fields": {"verified_at": "2026-01-02"}});
    let mut hanging = adult(actor.grid());
    hanging["subject"] = json!(subject);
    let moved_in = json!({
        "grid": actor.grid(), "basis": basis(REGISTRATION), "fields": {"kind": "family"},
        "dwelling": {"id": record}, "people": [{"ref": "p1", "fields": adult_fields()}],
    });
    let names_it = json!({"kind": "family", "head": subject});
    let naming = super::bodies::record("household", actor.grid(), CORRECTION, names_it);
    let occupants = actor.call("POST", &format!("/v1/places/{record}/occupants"));
    let mut calls = vec![
        ("read", read.purpose(REGISTRATION)),
        ("read for safety", of_record("GET").purpose(SAFETY)),
        ("patch", of_record("PATCH").purpose(REGISTRATION).version(1).json(&patch)),
        ("delete", of_record("DELETE").purpose(REGISTRATION).version(1).json(&reason)),
        (
            "create about a subject",
            actor.call("POST", "/v1/records").purpose(REGISTRATION).json(&hanging),
        ),
        ("move in", actor.call("POST", "/v1/households").purpose(REGISTRATION).json(&moved_in)),
        ("name as head", actor.call("POST", "/v1/records").purpose(CORRECTION).json(&naming)),
    ];
    if ROUTES.iter().any(|route| route.path == "/v1/places/{id}/occupants") {
        let fields = json!({"fields": ["name"]});
        calls.push(("occupants", occupants.purpose(REGISTRATION).json(&fields)));
    }
    calls
}

/// What must be the same: status, headers that do not change with every request, and the body without its ids. A write
/// that is done has ids of its own; then the names of its members are.
fn told(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let changing = ["request-id", "date", "content-length", "audit-receipt"];
    let stable = reply.headers.iter().filter(|(name, _)| !changing.contains(&name.as_str()));
    let body = match reply.status {
        200..300 => format!("{:?}", members(&reply.body)),
        _ => reply.without_ids().to_string(),
    };
    (reply.status, stable.cloned().collect(), body)
}

#[test]
fn every_record_of_another_grid_is_told_and_recorded_like_one_that_never_was() {
    let demo = Demo::own();
    let held = fill(&demo.worker(2));
    let home = demo.worker(1).area;
    let mut actors = demo.actors();
    // Whoever stands in there is the head of the other grid too; this one is not.
    actors.retain(|actor| actor.area == home && actor.role != "grid_stand_in");
    actors.push(standing_in(&demo));
    assert!(actors.len() >= 2, "a worker and a head at least");
    let mut pairs = Vec::new();
    for actor in &actors {
        for (number, record) in held.records.iter().enumerate() {
            let subject = &held.subjects[number % held.subjects.len()];
            let there = calls(actor, record, subject);
            let missing = calls(actor, &unknown_id(), &unknown_id());
            for ((what, there), (_, missing)) in there.into_iter().zip(missing) {
                let (there, missing) = (there.send(), missing.send());
                assert_eq!(told(&there), told(&missing), "{} may {what} {record}", actor.role);
                // Whom a record names is not looked at, so naming a subject of another grid is as naming nobody.
                let done = what == "name as head" && there.status == 201;
                assert!(done || (400..500).contains(&there.status), "{what}: {}", there.text);
                pairs.push((what, there.index(), missing.index()));
            }
        }
    }
    let first = pairs.first().expect("some").1;
    let last = pairs.last().expect("some").2;
    let entries = demo.entries_between(first, last);
    let entry = |index: u64| &entries[usize::try_from(index - first).expect("a few")];
    for (what, there, missing) in pairs {
        let (there, missing) = (entry(there), entry(missing));
        assert_eq!(members(there), members(missing), "{what}");
        assert_eq!(happened(there), happened(missing), "{what}");
        assert_eq!(there["why"], missing["why"], "{what}");
        // A new record has a handle of its own, whether or not it is stored.
        if there["why"] == "not_found" {
            for member in ["rec", "sub", "typ", "rule"] {
                assert_eq!(there[member], missing[member], "{what}: {member}");
            }
        }
    }
}

#[test]
fn value_that_is_held_in_another_grid_matches_like_one_that_nobody_has() {
    let demo = Demo::own();
    let phone = fresh_phone();
    let mut body = adult(demo.worker(2).grid());
    body["fields"]["phone"] = json!(phone);
    demo.worker(2).create(&body).expect(201);
    let number = body["fields"]["id_number"].as_str().expect("a number");
    for actor in [demo.worker(1), demo.head(1)] {
        for (field, held) in [("phone", phone.as_str()), ("id_number", number)] {
            let nobodys = match field {
                "phone" => fresh_phone(),
                _ => super::bodies::fresh_number("1971-02-03"),
            };
            let there = actor.matches(field, held, REGISTRATION).expect(200);
            let missing = actor.matches(field, &nobodys, REGISTRATION).expect(200);
            assert_eq!(there.body["held"], false);
            assert_eq!(there.body["link"], missing.body["link"]);
            let (there, missing) = (demo.entry_of(&there), demo.entry_of(&missing));
            assert_eq!(members(&there), members(&missing));
        }
    }
}

#[test]
fn proof_of_another_ones_entry_is_refused_like_one_of_an_entry_that_is_not_there() {
    let demo = Demo::own();
    let stored = demo.worker(2).create(&adult(demo.worker(2).grid())).expect(201);
    let leaf = "A".repeat(43);
    let ask = |index: u64| demo.worker(1).get(&format!("/v1/receipts/{index}/proof?leaf={leaf}"));
    let (there, missing) = (ask(stored.index()), ask(1 << 40));
    assert_eq!(told(&there), told(&missing));
    there.refused(404, "not_found");
}
