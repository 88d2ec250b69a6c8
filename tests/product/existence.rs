//! Every record of one grid with the tokens of another: nothing tells it from a record that never was.
//! Never a sample of kinds: a record of every type that its worker may store, and a whole household, by every call of the table that
//! names a record, a place or a subject; more of each would meet the budget of refusals first.
//! Bodies, headers and entries are compared; the times are compared by the campaign `existence`.

use super::actor::Actor;
use super::bodies::{
    REGISTRATION, SAFETY, adult, adult_fields, basis, fresh_phone, place, record, unknown_id,
};
use super::cells::standing_in;
use super::client::{Call, Reply};
use super::entries::{happened, members};
use super::harness::Demo;
use super::requests::{Aim, guarded, plausible};
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
        record("household", grid, REGISTRATION, json!({"kind": "collective"})),
    ] {
        held.records.push(worker.create(&body).expect(201).text_of("id").to_owned());
    }
    held
}

/// Calls whose path names something that the vault draws an id for, which is neither record nor place nor subject: whose they are
/// is looked at where they are told of.
const OF_OTHER_THINGS: &[&str] = &[
    "/v1/tasks/{id}/",
    "/v1/approvals/{id}/",
    "/v1/delegations/{id}/",
    "/v1/break-glass/{id}/",
    "/v1/erasures/{id}/",
    "/v1/restraints/{id}/",
];

/// Calls that name subjects, where others name records.
const OF_SUBJECTS: &[&str] = &["/v1/subjects/{id}/", "/v1/admin/official-requests"];

fn begins_with_one_of(starts: &[&str], path: &str) -> bool {
    starts.iter().any(|start| path.starts_with(start))
}

/// Every call of the table that names a record, a place or a subject, by its path or in its body.
fn calls_of_table(
    actor: &Actor,
    colleague: &Actor,
    record: &str,
    subject: &str,
) -> Vec<(String, Call)> {
    let routes = guarded().filter(|route| !begins_with_one_of(OF_OTHER_THINGS, route.path));
    let calls = routes.filter_map(|route| {
        let id = if begins_with_one_of(OF_SUBJECTS, route.path) { subject } else { record };
        let aim = Aim { record: id, grid: actor.grid(), actor: &colleague.id };
        let request = plausible(route, &aim);
        let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
        let names_it = request.path.contains(id) || body.contains(id);
        names_it.then(|| (format!("{} {}", route.method, route.path), request.by(actor)))
    });
    calls.collect()
}

/// Those of the table, and others by which the same verbs name a record or a subject.
fn calls(actor: &Actor, colleague: &Actor, record: &str, subject: &str) -> Vec<(String, Call)> {
    let read = actor.call("GET", &format!("/v1/records/{record}"));
    let mut hanging = adult(actor.grid());
    hanging["subject"] = json!(subject);
    let moved_in = json!({
        "grid": actor.grid(), "basis": basis(REGISTRATION), "fields": {"kind": "family"},
        "dwelling": {"id": record}, "people": [{"ref": "p1", "fields": adult_fields()}],
    });
    let names_it = json!({"kind": "family", "head": subject});
    let naming = super::bodies::record("household", actor.grid(), REGISTRATION, names_it);
    let more = [
        ("read for safety", read.purpose(SAFETY)),
        (
            "create about a subject",
            actor.call("POST", "/v1/records").purpose(REGISTRATION).json(&hanging),
        ),
        ("move in", actor.call("POST", "/v1/households").purpose(REGISTRATION).json(&moved_in)),
        (NAME_AS_HEAD, actor.call("POST", "/v1/records").purpose(REGISTRATION).json(&naming)),
    ];
    let mut calls = calls_of_table(actor, colleague, record, subject);
    calls.extend(more.map(|(what, call)| (what.to_owned(), call)));
    calls
}

const NAME_AS_HEAD: &str = "name as head";

#[test]
fn calls_that_are_not_asked_about_another_grid_are_of_things_that_there_are() {
    for start in OF_OTHER_THINGS.iter().chain(OF_SUBJECTS) {
        assert!(guarded().any(|route| route.path.starts_with(start)), "{start} is in the table");
    }
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
    let colleague = demo.worker(1);
    let home = colleague.area.clone();
    let mut actors = demo.actors();
    // Whoever stands in there is the head of the other grid too; this one is not.
    actors.retain(|actor| actor.area == home && actor.role != "grid_stand_in");
    actors.push(standing_in(&demo));
    assert!(actors.len() >= 2, "a worker and a head at least");
    let mut pairs = Vec::new();
    for actor in &actors {
        for (number, record) in held.records.iter().enumerate() {
            let subject = &held.subjects[number % held.subjects.len()];
            let there = calls(actor, &colleague, record, subject);
            let missing = calls(actor, &colleague, &unknown_id(), &unknown_id());
            assert_eq!(there.len(), missing.len());
            // Three of a record, one each of place, task, approval, emergency and request of an organ, seven of a subject.
            assert!(there.len() >= 15 + 4, "{} calls name something", there.len());
            for ((what, there), (_, missing)) in there.into_iter().zip(missing) {
                let (there, missing) = (there.send(), missing.send());
                assert_eq!(told(&there), told(&missing), "{} may {what} {record}", actor.role);
                // Whom a record names is not looked at, so naming a subject of another grid is as naming nobody.
                let done = what == NAME_AS_HEAD && there.status == 201;
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
