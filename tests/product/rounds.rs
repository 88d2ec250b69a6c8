//! Rounds: tasks over places and over what an event names, and the list of the day that they make.
//! Never somebody who moved in later, lies elsewhere or is gone, and never a word of whom a place led to for its giver.
//! The list of the day shows where to go in clear, and whom one meets there masked.

use super::actor::Actor;
use super::bodies::{
    CORRECTION, REGISTRATION, SAFETY, adult, adult_fields, basis, place, record, unknown_id,
};
use super::client::Reply;
use super::enrolment::newcomer;
use super::entries::happened;
use super::harness::shared;
use super::inside::{inside, step, taken};
use gridvault::limits::{DAY_RECORDS_COUNT_MAX, TASK_PAGE_COUNT_MAX, TASK_PLACES_COUNT_MAX};
use serde_json::{Value, json};
use std::time::Duration;

fn stored(worker: &Actor, body: &Value) -> Reply {
    worker.create(body).expect(201)
}

/// A dwelling of a worker's grid.
fn dwelling(worker: &Actor) -> String {
    stored(worker, &place(worker.grid())).text_of("id").to_owned()
}

/// Somebody who lives at a place: record and subject.
fn resident(worker: &Actor, place: &str) -> (String, String) {
    let person = stored(worker, &adult(worker.grid()));
    let subject = person.text_of("subject").to_owned();
    let fields = json!({"person": subject, "place": place, "move_in_date": "2020-01-01"});
    stored(worker, &record("residence", worker.grid(), REGISTRATION, fields));
    (person.text_of("id").to_owned(), subject)
}

fn give(giver: &Actor, holder: &Actor, scope: Value, fields: &[&str]) -> Reply {
    let until = (jiff::Timestamp::now() + Duration::from_secs(3_600)).to_string();
    let body = json!({
        "kind": "visit", "purpose": CORRECTION, "holder": holder.id, "scope": scope, "fields": fields,
        "until": until,
    });
    giver.call("POST", "/v1/tasks").purpose(CORRECTION).json(&body).send()
}

fn listed(actor: &Actor, task: &str) -> Value {
    let reply = actor.get("/v1/tasks").expect(200);
    let tasks = reply.body["tasks"].as_array().expect("a list").clone();
    tasks.into_iter().find(|one| one["id"] == json!(task)).expect("it is in the list")
}

#[test]
fn a_task_over_a_place_is_one_over_whoever_lives_there_when_it_is_given() {
    let demo = shared();
    let (worker, head) = (demo.worker(2), demo.head(2));
    let (home, empty) = (dwelling(&worker), dwelling(&worker));
    let (first, first_subject) = resident(&worker, &home);
    let (_, second_subject) = resident(&worker, &home);
    let (elsewhere, _) = resident(&worker, &empty);
    let given = give(&head, &worker, json!({"places": [home]}), &["id_number"]).expect(201);
    let entry = demo.entry_of(&given);
    assert_eq!(happened(&entry), "task.create success");
    assert_eq!(entry["rec"].as_array().map(Vec::len), Some(3), "the place and two people");
    let task = given.text_of("id").to_owned();
    step(&worker, &task, "accept").expect(200);
    inside(&worker, &task, CORRECTION, &first, "id_number").expect(200);
    inside(&worker, &task, CORRECTION, &elsewhere, "id_number").refused(403, "case_required");
    let (later, _) = resident(&worker, &home);
    inside(&worker, &task, CORRECTION, &later, "id_number").refused(403, "case_required");

    // The holder learns whom it is about, the giver neither by the list nor by the answer how many they are.
    let held = listed(&worker, &task);
    assert_eq!(held["records"], json!([home]));
    let mut subjects = held["subjects"].as_array().expect("a list").clone();
    subjects.sort_by_key(ToString::to_string);
    let mut expected = vec![json!(first_subject), json!(second_subject)];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(subjects, expected);
    let gave = listed(&head, &task);
    assert!(gave.get("records").is_none() && gave.get("subjects").is_none());
    let nobody = dwelling(&worker);
    let other = give(&head, &worker, json!({"places": [nobody]}), &["id_number"]).expect(201);
    assert_eq!(other.body["budget"], given.body["budget"]);
}

#[test]
fn somebody_whose_record_is_gone_is_left_out_without_a_word() {
    let demo = shared();
    let (worker, head) = (demo.worker(2), demo.head(2));
    let home = dwelling(&worker);
    let (gone, _) = resident(&worker, &home);
    let (_, stays) = resident(&worker, &home);
    head.delete(&gone, 1, REGISTRATION).expect(200);
    let task = give(&head, &worker, json!({"places": [home]}), &["id_number"]).expect(201);
    let held = listed(&worker, task.text_of("id"));
    assert_eq!(held["subjects"], json!([stays]));
}

#[test]
fn a_scope_is_named_in_one_way_and_what_its_giver_may_not_know_of_is_like_nothing() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let (home, far) = (dwelling(&worker), dwelling(&demo.worker(2)));
    let person = stored(&worker, &adult(worker.grid())).text_of("id").to_owned();
    let many: Vec<String> = (0..=TASK_PLACES_COUNT_MAX).map(|_| unknown_id()).collect();
    for scope in [
        json!({"places": [home], "records": [person]}),
        json!({"places": [home], "event": unknown_id()}),
        json!({"records": [person], "event": unknown_id()}),
        json!({"places": [home, home]}),
        json!({"places": ["1"]}),
        json!({"event": "1"}),
        json!({"places": many}),
        json!({"area": "8801"}),
    ] {
        assert_eq!(give(&head, &worker, scope.clone(), &["id_number"]).status, 400, "{scope}");
    }
    let refused = |scope: Value| {
        give(&head, &worker, scope, &["id_number"]).refused(404, "not_found").without_ids()
    };
    let nothing = refused(json!({"places": [unknown_id()]}));
    for scope in [
        json!({"places": [far]}),
        json!({"places": [home, far]}),
        json!({"places": [person]}),
        json!({"event": unknown_id()}),
        json!({"event": home}),
    ] {
        assert_eq!(refused(scope), nothing);
    }
    // What the holder's role never sees of anybody is not put into a task, whoever lives there.
    give(&head, &worker, json!({"places": [home]}), &["bank_last_four"]).refused(403, "denied");
}

/// A matter at dwellings.
pub fn event(worker: &Actor, dwellings: &[&str]) -> String {
    let fields = json!({
        "kind": "urgent_danger", "matter": "燃气泄漏，需疏散", "dwellings": dwellings,
        "severity": "major", "state": "discover",
    });
    let body = json!({
        "type": "event", "grid": worker.grid(), "fields": fields, "basis": basis(SAFETY),
    });
    stored(worker, &body).text_of("id").to_owned()
}

#[test]
fn a_task_over_an_event_is_one_over_the_dwellings_that_it_names() {
    let demo = shared();
    let (worker, neighbour) = (demo.worker(1), demo.worker(2));
    let (cadre, operator) = (demo.role("sunk_cadre"), demo.role("street_operator"));
    let (home, next, other) = (dwelling(&worker), dwelling(&neighbour), dwelling(&worker));
    let (inhabitant, _) = resident(&worker, &home);
    let (beside, _) = resident(&neighbour, &next);
    let (unnamed, _) = resident(&worker, &other);
    let purpose = "emergency_evacuation";
    let scope = json!({"event": event(&worker, &[&home, &next])});
    let task = taken(&operator, &cadre, purpose, scope, &["name", "current_address"]);
    for id in [&inhabitant, &beside] {
        inside(&cadre, &task, purpose, id, "name").expect(200);
    }
    inside(&cadre, &task, purpose, &unnamed, "name").refused(403, "case_required");
    // A head's task over the same event ends where its grid does.
    let scope = json!({"event": event(&worker, &[&home, &next])});
    let own = give(&demo.head(1), &worker, scope, &["id_number"]);
    let entry = demo.entry_of(&own);
    let task = own.expect(201).text_of("id").to_owned();
    assert_eq!(entry["rec"].as_array().map(Vec::len), Some(3), "event, place, inhabitant");
    step(&worker, &task, "accept").expect(200);
    inside(&worker, &task, CORRECTION, &inhabitant, "id_number").expect(200);
}

fn day(actor: &Actor) -> Reply {
    actor.call("GET", "/v1/tasks/day").purpose(CORRECTION).send()
}

fn of_day(reply: &Reply, task: &str) -> Option<Value> {
    let tasks = reply.body["tasks"].as_array().expect("a list").clone();
    tasks.into_iter().find(|one| one["id"] == json!(task))
}

/// Somebody at an address.
fn at(worker: &Actor, address: &str) -> String {
    let mut fields = adult_fields();
    fields["current_address"] = json!(address);
    let body = record("person", worker.grid(), REGISTRATION, fields);
    stored(worker, &body).text_of("subject").to_owned()
}

#[test]
fn the_list_of_the_day_goes_by_address_with_masked_names_and_an_entry_for_each_task() {
    let demo = shared();
    let (worker, head) = (demo.worker(4), demo.head(4));
    let addresses = ["工农路10号1室", "工农路9号20室", "工农路9号3室"];
    let subjects: Vec<String> = addresses.iter().map(|address| at(&worker, address)).collect();
    let scope = json!({"subjects": subjects});
    let task = taken(&head, &worker, CORRECTION, scope.clone(), &["current_address", "name"]);
    let blind = taken(&head, &worker, CORRECTION, scope.clone(), &["id_number"]);
    let offered = give(&head, &worker, scope, &["current_address"]).expect(201);
    let reply = day(&worker).expect(200);
    assert_eq!(happened(&demo.entry_of(&reply)), "task.read success");
    let listed = of_day(&reply, &task).expect("an open task");
    let people = listed["people"].as_array().expect("a list");
    let shown: Vec<&Value> = people.iter().map(|one| &one["fields"]["current_address"]).collect();
    assert_eq!(shown, ["工农路9号3室", "工农路9号20室", "工农路10号1室"]);
    for person in people {
        assert_eq!(person["fields"]["name"], "欧阳**");
        assert_eq!(person["masked"], json!(["name"]));
    }
    assert_eq!(listed["more"], false);
    let index = listed["receipt"]["index"].as_u64().expect("a receipt of its own");
    let entry = demo.entry(index);
    assert_eq!((happened(&entry), &entry["n"]), ("data.query success".to_owned(), &json!(3)));
    assert!(entry["task"].is_string());
    // A task without an address leads nowhere, and one that was not taken is no day's work.
    assert_eq!(of_day(&reply, &blind).expect("an open task")["people"], json!([]));
    assert!(of_day(&reply, offered.text_of("id")).is_none());
    step(&worker, &task, "close").expect(200);
    assert!(of_day(&day(&worker).expect(200), &task).is_none());
    // Nobody else's day, and no task of another purpose.
    assert!(of_day(&day(&head).expect(200), &blind).is_none());
    let other = worker.call("GET", "/v1/tasks/day").purpose(REGISTRATION).send().expect(200);
    assert!(of_day(&other, &blind).is_none());
    worker.get("/v1/tasks/day").refused(400, "purpose_missing");
}

#[test]
fn a_list_of_the_day_beyond_the_budget_of_a_task_is_masked_and_stops_no_other() {
    let demo = shared();
    let (worker, head) = (demo.worker(4), demo.head(4));
    let subjects = [at(&worker, "工农路1号"), at(&worker, "工农路2号")];
    let until = (jiff::Timestamp::now() + Duration::from_secs(3_600)).to_string();
    let body = json!({
        "kind": "visit", "purpose": CORRECTION, "holder": worker.id, "budget": 1, "until": until,
        "scope": {"subjects": subjects}, "fields": ["current_address", "name"],
    });
    let given = head.call("POST", "/v1/tasks").purpose(CORRECTION).json(&body).send().expect(201);
    let narrow = given.text_of("id").to_owned();
    step(&worker, &narrow, "accept").expect(200);
    let scope = json!({"subjects": subjects});
    let wide = taken(&head, &worker, CORRECTION, scope, &["current_address"]);
    let reply = day(&worker).expect(200);
    let people = of_day(&reply, &narrow).expect("an open task")["people"].clone();
    for person in people.as_array().expect("a list") {
        assert_eq!(person["masked"], json!(["current_address", "name"]));
    }
    let people = of_day(&reply, &wide).expect("an open task")["people"].clone();
    assert_eq!(people[0]["fields"]["current_address"], "工农路1号");
    for task in [narrow, wide] {
        step(&worker, &task, "close").expect(200);
    }
}

#[test]
fn a_page_of_a_task_and_the_whole_day_end_where_their_limits_are() {
    let demo = shared();
    let (keeper, head) = (demo.worker(5), demo.head(5));
    // The day of somebody who has no other work.
    let worker = newcomer(demo, "grid_worker", keeper.grid());
    let subjects: Vec<String> =
        (0..=TASK_PAGE_COUNT_MAX).map(|number| at(&keeper, &format!("工农路{number}号"))).collect();
    let until =
        |hour: u64| (jiff::Timestamp::now() + Duration::from_secs(hour * 3_600)).to_string();
    let of = |people: usize, hour: u64| {
        let body = json!({
            "kind": "visit", "purpose": CORRECTION, "holder": worker.id, "until": until(hour),
            "scope": {"subjects": subjects[..people]}, "fields": ["current_address", "name"],
        });
        let given = head.call("POST", "/v1/tasks").purpose(CORRECTION).json(&body).send();
        let task = given.expect(201).text_of("id").to_owned();
        step(&worker, &task, "accept").expect(200);
        task
    };
    let shown = |task: &str| {
        let listed = of_day(&day(&worker).expect(200), task).expect("an open task");
        let more = listed["more"].as_bool().expect("yes or no");
        (listed["people"].as_array().expect("a list").len(), more)
    };
    // A page has as many people as it may have, and says that there is one more.
    let first = of(TASK_PAGE_COUNT_MAX, 1);
    let second = of(TASK_PAGE_COUNT_MAX + 1, 2);
    assert_eq!(shown(&first), (TASK_PAGE_COUNT_MAX, false));
    assert_eq!(shown(&second), (TASK_PAGE_COUNT_MAX, true));
    // What is left of the day is shown to its last place, and one more is not.
    let left = DAY_RECORDS_COUNT_MAX - 2 * TASK_PAGE_COUNT_MAX;
    let last = of(left, 3);
    assert_eq!(shown(&last), (left, false));
    let beyond = of(1, 4);
    assert_eq!(shown(&beyond), (0, true), "nothing is left of the day");
    step(&worker, &last, "close").expect(200);
    let longer = of(left + 1, 3);
    assert_eq!(shown(&longer), (left, true));
    for task in [first, second, beyond, longer] {
        step(&worker, &task, "close").expect(200);
    }
}
