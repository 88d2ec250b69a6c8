//! Many creations in one request: each line stands alone, and its answer says what became of it.
//! Never all or nothing, never out of order, and never a line twice under one key.
//! Tests that use up a budget have a vault of their own.

use super::actor::Actor;
use super::bodies::{CONTACT, REGISTRATION, adult, basis, contact, fresh_phone, place};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, await_until, shared};
use super::wire::Conversation;
use gridvault::limits::{
    ACTOR_BAD_LINES_HOUR_MAX, ACTOR_REFUSALS_HOUR_MAX, BATCH_LINES_COUNT_MAX, BODY_BYTES_MAX,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const MEDIA: &str = "application/x-ndjson";

/// Sends lines for a purpose, under a key if one is named.
pub fn send_lines(actor: &Actor, purpose: &str, key: Option<&str>, lines: &[u8]) -> Reply {
    let call = actor.call("POST", "/v1/records/batch").purpose(purpose).bytes(MEDIA, lines);
    match key {
        Some(key) => call.header("idempotency-key", key).send(),
        None => call.send(),
    }
}

/// The items of an answer, which must be numbered in order.
#[track_caller]
pub fn items(reply: &Reply) -> Vec<Value> {
    assert_eq!((reply.status, reply.header("content-type")), (200, MEDIA), "{}", reply.text);
    let items: Vec<Value> = reply.text.lines().map(parse).collect();
    for (number, item) in (1_u64..).zip(&items) {
        assert_eq!(item["line"], number, "{item}");
    }
    items
}

pub fn parse(line: &str) -> Value {
    serde_json::from_str(line).expect("a line of JSON")
}

fn joined(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Status and code of each item, as `201` or `400 schema_invalid`.
fn ends(items: &[Value]) -> Vec<String> {
    let end = |item: &Value| match item["problem"]["code"].as_str() {
        Some(code) => format!("{} {code}", item["status"]),
        None => item["status"].to_string(),
    };
    items.iter().map(end).collect()
}

fn is_held(demo: &Demo, grid: usize, phone: &str) -> bool {
    let reply = demo.head(grid).matches("phone", phone, REGISTRATION).expect(200);
    reply.body["held"].as_bool().expect("yes or no")
}

#[test]
fn lines_are_answered_in_order_and_one_bad_line_fails_alone() {
    let demo = shared();
    let worker = demo.worker(1);
    let grid = worker.grid();
    let mut wrong = adult(grid);
    wrong["fields"]["phone"] = json!("not a number");
    let mut unknown = adult(grid);
    unknown["fields"]["faith"] = json!("x");
    let mut unbased = adult(grid);
    unbased.as_object_mut().expect("an object").remove("basis");
    let lines = [
        adult(grid).to_string().into_bytes(),
        wrong.to_string().into_bytes(),
        Vec::new(),
        b"{\"type\":\"person\",\xff}".to_vec(),
        unknown.to_string().into_bytes(),
        unbased.to_string().into_bytes(),
        adult(demo.worker(2).grid()).to_string().into_bytes(),
        vec![b' '; BODY_BYTES_MAX + 1],
        contact(grid, &fresh_phone()).to_string().into_bytes(),
        format!("{}\r", adult(grid)).into_bytes(),
        // The last line has no end.
        adult(grid).to_string().into_bytes(),
    ];
    let reply = send_lines(&worker, REGISTRATION, None, &lines.join(&b'\n'));
    let items = items(&reply);
    assert_eq!(
        ends(&items),
        [
            "201",
            "400 schema_invalid",
            "400 schema_invalid",
            "400 schema_invalid",
            "400 field_unknown",
            "400 basis_missing",
            "403 out_of_territory",
            "413 too_large",
            "400 schema_invalid",
            "201",
            "201",
        ]
    );
    assert_eq!(items[1]["problem"]["pointers"][0]["field"], "phone");
    let indexes: BTreeSet<u64> = items.iter().map(index_of).collect();
    assert_eq!(indexes.len(), items.len(), "each line has an entry of its own");
    for item in &items {
        let entry = demo.entry(index_of(item));
        let code = item["problem"]["code"].as_str();
        let expected = if code.is_none() { "data.create success" } else { "access.denied denied" };
        assert_eq!(happened(&entry), expected);
        assert_eq!((&entry["who"], entry["why"].as_str()), (&json!(worker.id), code));
    }
    for stored in [0, 9, 10] {
        let id = items[stored]["id"].as_str().expect("an id");
        let read = worker.read(id, "name,phone", REGISTRATION).expect(200);
        assert_eq!(read.body["version"], items[stored]["version"]);
        assert_eq!(read.body["fields"]["name"], "欧阳若兰");
        assert!(items[stored]["subject"].is_string());
    }
}

fn index_of(item: &Value) -> u64 {
    let index = item["receipt"]["index"].as_u64().or(item["problem"]["audit_index"].as_u64());
    index.unwrap_or_else(|| panic!("no entry in {item}"))
}

#[test]
fn household_in_a_batch_is_stored_like_one_alone() {
    let demo = shared();
    let worker = demo.worker(2);
    let grid = worker.grid();
    let person = |reference: &str| json!({"ref": reference, "fields": adult(grid)["fields"]});
    let household = json!({"household": {
        "grid": grid, "basis": basis(REGISTRATION), "fields": {"kind": "family"},
        "dwelling": {"fields": place(grid)["fields"]},
        "people": [person("p1"), person("p2")],
    }});
    let mut bad = household.clone();
    bad["household"]["people"][1]["fields"]["phone"] = json!("1");
    let reply = send_lines(&worker, REGISTRATION, None, joined(&[household, bad]).as_bytes());
    let items = items(&reply);
    assert_eq!(ends(&items), ["201", "400 schema_invalid"]);
    assert_eq!(items[1]["problem"]["pointers"][0]["field"], "people.p2.phone");
    assert_eq!(happened(&demo.entry(index_of(&items[0]))), "data.household success");
    let people = items[0]["people"].as_array().expect("people");
    assert_eq!((&people[0]["ref"], &people[1]["ref"]), (&json!("p1"), &json!("p2")));
    for person in people {
        let id = person["id"].as_str().expect("an id");
        worker.read(id, "name", REGISTRATION).expect(200);
    }
    let id = items[0]["id"].as_str().expect("an id");
    worker.read(id, "kind", REGISTRATION).expect(200);
}

#[test]
fn repeated_batch_does_each_line_once() {
    let demo = shared();
    let worker = demo.worker(3);
    let mut wrong = adult(worker.grid());
    wrong["fields"]["sex"] = json!("7");
    let mut lines = vec![adult(worker.grid()), wrong, adult(worker.grid())];
    let key = Some("batch-repeated");
    let first = items(&send_lines(&worker, REGISTRATION, key, joined(&lines).as_bytes()));
    assert_eq!(ends(&first), ["201", "400 schema_invalid", "201"]);
    assert!(first[0]["replayed"].is_null());
    // The bad line is corrected and one more is added; what was stored is not stored again.
    lines[1]["fields"]["sex"] = json!("1");
    lines.push(adult(worker.grid()));
    let second = items(&send_lines(&worker, REGISTRATION, key, joined(&lines).as_bytes()));
    assert_eq!(ends(&second), ["201", "201", "201", "201"]);
    for place in [0, 2] {
        let mut repeated = second[place].clone();
        assert_eq!(repeated["replayed"], true);
        repeated.as_object_mut().expect("an object").remove("replayed");
        assert_eq!(repeated, first[place]);
    }
    assert!(second[1]["replayed"].is_null() && second[3]["replayed"].is_null());
    let third = items(&send_lines(&worker, REGISTRATION, key, joined(&lines).as_bytes()));
    assert!(third.iter().all(|item| item["replayed"] == true), "{third:?}");
    let ids = |items: &[Value]| items.iter().map(|item| item["id"].to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&third), ids(&second));
}

#[test]
fn line_with_other_content_under_the_same_key_is_a_mismatch_and_nothing_else_is() {
    let demo = shared();
    let worker = demo.worker(3);
    let lines = vec![adult(worker.grid()), adult(worker.grid())];
    let key = Some("batch-mismatch");
    items(&send_lines(&worker, REGISTRATION, key, joined(&lines).as_bytes()));
    let other = vec![lines[0].clone(), adult(worker.grid())];
    let again = items(&send_lines(&worker, REGISTRATION, key, joined(&other).as_bytes()));
    assert_eq!(ends(&again), ["201", "422 idempotency_mismatch"]);
    assert_eq!(again[0]["replayed"], true);
}

#[test]
fn key_of_a_batch_is_no_key_of_another_request() {
    let demo = shared();
    let worker = demo.worker(2);
    let line = adult(worker.grid());
    let create = |key: &str| {
        let call = worker.call("POST", "/v1/records").purpose(REGISTRATION).json(&line);
        call.header("idempotency-key", key).send()
    };
    items(&send_lines(
        &worker,
        REGISTRATION,
        Some("batch-first"),
        joined(std::slice::from_ref(&line)).as_bytes(),
    ));
    create("batch-first").refused(422, "idempotency_mismatch");
    let other = contact(worker.grid(), &fresh_phone());
    send_lines(&worker, CONTACT, Some("batch-first"), joined(&[other]).as_bytes())
        .refused(422, "idempotency_mismatch");
    create("create-first").expect(201);
    send_lines(
        &worker,
        REGISTRATION,
        Some("create-first"),
        joined(std::slice::from_ref(&line)).as_bytes(),
    )
    .refused(422, "idempotency_mismatch");
}

#[test]
fn ten_thousand_lines_are_taken_and_one_more_ends_the_batch() {
    let demo = Demo::own();
    let worker = demo.worker(1);
    let limit = usize::try_from(BATCH_LINES_COUNT_MAX).expect("a number of lines");
    // The client reads nothing before it has sent everything.
    let reply = send_lines(&worker, REGISTRATION, None, &b"x\n".repeat(limit));
    let found = items(&reply);
    assert_eq!(found.len(), limit);
    assert!(ends(&found).iter().all(|end| end == "400 schema_invalid"));
    let reply = send_lines(&worker, REGISTRATION, None, &b"x\n".repeat(limit + 3));
    let found = items(&reply);
    assert_eq!(found.len(), limit + 1);
    assert_eq!(ends(&found[limit..]), ["413 too_large"]);
}

#[test]
fn bad_lines_lock_nobody_out_and_forbidden_ones_do_and_the_batch_says_so() {
    let demo = Demo::own();
    let worker = demo.worker(1);
    let budget = usize::try_from(ACTOR_BAD_LINES_HOUR_MAX).expect("a number of lines");
    let found = items(&send_lines(&worker, REGISTRATION, None, &b"{}\n".repeat(budget + 10)));
    let recorded = |item: &&Value| item["problem"]["audit_index"].is_u64();
    assert_eq!(found.iter().take(budget).filter(recorded).count(), budget);
    assert_eq!(found.iter().skip(budget).filter(recorded).count(), 0, "the rest is only counted");
    worker.create(&adult(worker.grid())).expect(201);

    let forbidden = format!("{}\n", adult(demo.worker(2).grid()));
    let limit = usize::try_from(ACTOR_REFUSALS_HOUR_MAX).expect("a number of refusals");
    let lines = forbidden.repeat(limit + 1_000);
    let found = items(&send_lines(&worker, REGISTRATION, None, lines.as_bytes()));
    let (last, before) = found.split_last().expect("items");
    assert!(ends(before).iter().all(|end| end == "403 out_of_territory"));
    assert_eq!(ends(std::slice::from_ref(last)), ["429 rate_limited"]);
    assert!(last["problem"]["retryable"].as_bool().expect("yes or no"));
    assert!(found.len() < limit + 1_000, "nothing is worked on behind it");
    assert!(before.len() >= limit, "the budget is that of single requests");
    assert_eq!(before.iter().filter(recorded).count(), limit, "each up to the budget is recorded");
    worker.get("/v1/purposes").refused(429, "rate_limited");
    demo.worker(2).get("/v1/purposes").expect(200);
}

#[test]
fn what_is_no_batch_is_refused_before_any_line() {
    let demo = shared();
    let worker = demo.worker(2);
    send_lines(&worker, REGISTRATION, None, b"").refused(400, "schema_invalid");
    let line = format!("{}\n", adult(worker.grid()));
    let call = || worker.call("POST", "/v1/records/batch").purpose(REGISTRATION);
    let media = "media_type_unsupported";
    call().bytes("application/json", line.as_bytes()).send().refused(415, media);
    let packed = call().bytes(MEDIA, line.as_bytes()).header("content-encoding", "gzip");
    packed.send().refused(415, media);
    let long = "k".repeat(65);
    let reply = send_lines(&worker, REGISTRATION, Some(&long), line.as_bytes());
    reply.refused(400, "schema_invalid");
    send_lines(&demo.role("city_platform"), REGISTRATION, None, line.as_bytes())
        .refused(403, "denied");
}

pub fn converse(worker: &Actor, key: Option<&str>) -> Conversation {
    let key = key.map(|key| format!("idempotency-key: {key}\r\n")).unwrap_or_default();
    let head = format!(
        "POST /v1/records/batch HTTP/1.1\r\nauthorization: Bearer {}\r\npurpose: {REGISTRATION}\r\n\
         content-type: {MEDIA}\r\n{key}",
        worker.token
    );
    Conversation::begin(&worker.url, &head)
}

#[test]
fn answers_come_while_lines_are_still_sent() {
    let demo = shared();
    let worker = demo.worker(1);
    let mut conversation = converse(&worker, None);
    for number in 1..=3 {
        let line = format!("{}\n", adult(worker.grid()));
        let (half, rest) = line.as_bytes().split_at(line.len() / 2);
        conversation.send(half);
        conversation.send(rest);
        if number == 1 {
            assert_eq!(conversation.status(), 200);
        }
        let item = parse(&conversation.line().expect("an answer"));
        assert_eq!((&item["line"], &item["status"]), (&json!(number), &json!(201)));
    }
    conversation.finish();
    assert_eq!(conversation.line(), None);
}

#[test]
fn key_that_is_being_worked_on_is_in_flight_and_free_when_the_work_ends() {
    let demo = shared();
    let worker = demo.worker(1);
    let line = format!("{}\n", adult(worker.grid()));
    let mut conversation = converse(&worker, Some("batch-under-way"));
    conversation.send(line.as_bytes());
    assert_eq!(conversation.status(), 200);
    let first = parse(&conversation.line().expect("an answer"));
    // The batch still waits for its next line.
    let create = |key: &str| {
        let call = worker.call("POST", "/v1/records").purpose(REGISTRATION);
        call.header("idempotency-key", key).json(&adult(worker.grid())).send()
    };
    let refused = create("batch-under-way").refused(409, "in_flight");
    assert_eq!(refused.body["retryable"], true);
    assert_eq!(demo.entry_of(&refused)["why"], "in_flight");
    send_lines(&worker, REGISTRATION, Some("batch-under-way"), line.as_bytes())
        .refused(409, "in_flight");
    create("another").expect(201);
    let other = demo.worker(2);
    let reply = send_lines(
        &other,
        REGISTRATION,
        Some("batch-under-way"),
        format!("{}\n", adult(other.grid())).as_bytes(),
    );
    assert_eq!(ends(&items(&reply)), ["201"], "another caller's key is another key");
    conversation.finish();
    assert_eq!(conversation.line(), None);
    let again = send_lines(&worker, REGISTRATION, Some("batch-under-way"), line.as_bytes());
    let again = items(&again);
    assert_eq!((&again[0]["replayed"], &again[0]["id"]), (&json!(true), &first["id"]));
}

#[test]
fn what_was_accepted_is_stored_when_the_client_goes_away() {
    let demo = shared();
    let worker = demo.worker(3);
    let phones = [fresh_phone(), fresh_phone(), fresh_phone()];
    let line = |phone: &str| {
        let mut body = adult(worker.grid());
        body["fields"]["phone"] = json!(phone);
        format!("{body}\n")
    };
    let mut conversation = converse(&worker, Some("batch-gone"));
    conversation.send(line(&phones[0]).as_bytes());
    conversation.send(line(&phones[1]).as_bytes());
    let third = line(&phones[2]);
    conversation.send(&third.as_bytes()[..third.len() - 2]);
    drop(conversation);
    await_until("both whole lines are stored", || is_held(demo, 3, &phones[1]));
    assert!(is_held(demo, 3, &phones[0]));
    // The key is free again, so the batch is over; half a line was no line.
    let all = [line(&phones[0]), line(&phones[1])].concat();
    let mut reply = send_lines(&worker, REGISTRATION, Some("batch-gone"), all.as_bytes());
    await_until("the key is free", || {
        if reply.status == 409 {
            reply = send_lines(&worker, REGISTRATION, Some("batch-gone"), all.as_bytes());
        }
        reply.status != 409
    });
    assert!(!is_held(demo, 3, &phones[2]));
}
