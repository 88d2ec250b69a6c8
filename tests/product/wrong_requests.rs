//! A request that is wrong hears where and why, in the vault's own words, so that whoever writes a client can mend it.
//! Never a word of the client's: a name that the interface does not have is `?`, and no value comes back.
//! What is not marked anywhere does not speak of marked items.

use super::actor::Actor;
use super::bodies::{
    CONTACT, CORRECTION, REGISTRATION, SAFETY, adult, basis, place, record, unknown_id,
};
use super::client::{Call, Reply};
use super::harness::shared;
use super::requests::fresh_login;
use serde_json::{Value, json};

/// A mark that must come back in no answer.
const SECRET: &str = "zhou_mingyuan_1";

/// What is sent, and what must be pointed to.
type Case = (&'static str, Call, &'static str);

fn check(cases: Vec<Case>) {
    for (what, call, expected) in cases {
        let reply: Reply = call.send().refused(400, "schema_invalid");
        assert_eq!(reply.pointers(), [expected], "{what}");
        assert!(!reply.text.contains(SECRET), "{what}: {}", reply.text);
        assert_eq!(reply.text_of("title"), "Something is not right. Look at the marked items.");
    }
}

fn store(worker: &Actor, body: &Value) -> Call {
    worker.call("POST", "/v1/records").purpose(REGISTRATION).json(body)
}

/// The body of a record with one thing changed.
fn changed(worker: &Actor, change: impl FnOnce(&mut Value)) -> Call {
    let mut body = adult(worker.grid());
    change(&mut body);
    store(worker, &body)
}

fn without(name: &'static str) -> impl FnOnce(&mut Value) {
    move |body| drop(body.as_object_mut().and_then(|members| members.remove(name)))
}

#[test]
fn body_of_a_record_that_is_wrong_is_marked_where_it_is() {
    let worker = shared().worker(2);
    let comma = adult(worker.grid()).to_string().replacen('}', ",}", 1);
    check(vec![
        ("no grid", changed(&worker, without("grid")), "grid: missing"),
        ("no type", changed(&worker, without("type")), "type: missing"),
        ("another type", changed(&worker, |b| b["type"] = json!(SECRET)), "type: unknown_code"),
        ("a number", changed(&worker, |b| b["grid"] = json!(88)), "grid: wrong_type"),
        ("more", changed(&worker, |b| b[SECRET] = json!(1)), "?: unknown_member"),
        (
            "no notice",
            changed(&worker, |b| drop(b["basis"].as_object_mut().map(|o| o.remove("notice")))),
            "basis.notice: missing",
        ),
        (
            "another purpose in the basis",
            changed(&worker, |b| b["basis"]["purpose"] = json!(SAFETY)),
            "basis.purpose: differs_from_header",
        ),
        (
            "a day in the past",
            changed(&worker, |b| b["retain_until"] = json!("2020-01-01")),
            "retain_until: out_of_range",
        ),
        (
            "a comma too many",
            worker
                .call("POST", "/v1/records")
                .purpose(REGISTRATION)
                .bytes("application/json", comma.as_bytes()),
            "body: not_json",
        ),
    ]);
}

#[test]
fn basis_that_carries_nothing_is_marked_where_it_fails() {
    let worker = shared().worker(2);
    let with = |purpose: &str, member: &str, value: Value| {
        let mut body = record("person", worker.grid(), purpose, json!({"name": "沈玉兰"}));
        body["basis"][member] = value;
        let call = worker.call("POST", "/v1/records").purpose(purpose).json(&body);
        call.send().refused(400, "basis_missing")
    };
    for (reply, expected) in [
        (with(REGISTRATION, "legal_basis", json!(SECRET)), "basis.legal_basis: unknown"),
        (with(REGISTRATION, "notice", json!(SECRET)), "basis.notice: unknown"),
        (with(CONTACT, "consent", Value::Null), "basis.consent: missing"),
        (
            with(
                CONTACT,
                "consent",
                json!({"by": "self", "method": "oral", "given_on": "2100-01-01"}),
            ),
            "basis.consent.given_on: future_date",
        ),
    ] {
        assert_eq!(reply.pointers(), [expected]);
        assert!(!reply.text.contains(SECRET), "{}", reply.text);
    }
    let reply = changed(&worker, without("basis")).send().refused(400, "basis_missing");
    assert_eq!(reply.pointers(), ["basis: missing"]);
}

#[test]
fn body_of_a_household_that_is_wrong_is_marked_where_it_is() {
    let worker = shared().worker(2);
    let household = |change: fn(&mut Value)| {
        let mut body = json!({
            "grid": worker.grid(), "basis": basis(REGISTRATION), "fields": {"kind": "family"},
            "dwelling": {"fields": place(worker.grid())["fields"]},
            "people": [{"ref": "p1", "fields": {"name": "沈玉兰"}}],
        });
        change(&mut body);
        worker.call("POST", "/v1/households").purpose(REGISTRATION).json(&body)
    };
    check(vec![
        (
            "another form of a capture",
            household(|b| b["capture_id"] = json!(SECRET)),
            "capture_id: malformed",
        ),
        (
            "no ref",
            household(|b| drop(b["people"][0].as_object_mut().map(|o| o.remove("ref")))),
            "people.ref: missing",
        ),
        ("nobody", household(|b| b["people"] = json!([])), "people: missing"),
        (
            "a guardian that is not there",
            household(|b| b["people"][0]["guardians"] = json!([SECRET])),
            "people.guardians: wrong_reference",
        ),
        (
            "a dwelling of no form",
            household(|b| b["dwelling"] = json!({"id": SECRET})),
            "dwelling.id: malformed",
        ),
    ]);
}

#[test]
fn head_and_query_string_that_are_wrong_are_marked_where_they_are() {
    let worker = shared().worker(2);
    let get = |path: &str| worker.call("GET", path).purpose(REGISTRATION);
    let record = format!("/v1/records/{}", unknown_id());
    let patch = || {
        let call = worker.call("PATCH", &record).purpose(REGISTRATION);
        call.json(&json!({"fields": {"sex": "1"}}))
    };
    check(vec![
        ("no fields", get(&record), "fields: missing"),
        ("a field twice", get(&format!("{record}?fields=name,name")), "fields: repeated"),
        ("another member", get(&format!("{record}?{SECRET}=1")), "?: unknown_member"),
        ("a feed too long", get("/v1/changes?limit=300"), "limit: out_of_range"),
        (
            "a case that is none",
            get(&format!("{record}?fields=name")).header("case", SECRET),
            "Case: malformed",
        ),
        ("a version without quotes", patch().header("if-match", "1"), "If-Match: malformed"),
        (
            "a key too long",
            patch().version(1).header("idempotency-key", &"k".repeat(70)),
            "Idempotency-Key: malformed",
        ),
    ]);
}

#[test]
fn list_and_task_that_are_wrong_are_marked_where_they_are() {
    let demo = shared();
    let (worker, head) = (demo.worker(2), demo.head(2));
    let list = |more: (&str, Value)| {
        let mut body = json!({"type": "person", "fields": ["name"]});
        body[more.0] = more.1;
        worker.call("POST", "/v1/records/query").purpose(REGISTRATION).json(&body)
    };
    let task = json!({
        "kind": "verification", "purpose": CORRECTION, "holder": worker.id,
        "scope": {"records": [unknown_id()]}, "fields": ["name"], "until": "2020-01-01T00:00:00Z",
    });
    let give = |body: &Value| head.call("POST", "/v1/tasks").purpose(CORRECTION).json(body);
    let mut elsewhere = task.clone();
    elsewhere["purpose"] = json!(SAFETY);
    check(vec![
        ("a page too long", list(("limit", json!(300))), "limit: out_of_range"),
        ("no time", list(("updated_since", json!(SECRET))), "updated_since: wrong_time"),
        ("another type", list(("type", json!(SECRET))), "type: unknown_code"),
        ("an end that was", give(&task), "until: out_of_range"),
        ("another purpose", give(&elsewhere), "purpose: differs_from_header"),
    ]);
}

#[test]
fn newcomer_that_cannot_be_placed_is_marked_where_it_is_wrong() {
    let demo = shared();
    let (admin, worker) = (demo.role("security_admin"), demo.worker(2));
    let add = |member: &str, value: Value| {
        let mut post = json!({"role": "grid_worker", "area": worker.grid()});
        post[member] = value;
        let body = json!({"login": fresh_login(), "kind": "person", "assignments": [post]});
        admin.call("POST", "/v1/admin/actors").json(&body)
    };
    let token = format!("/v1/admin/actors/{}/tokens", worker.id);
    // The same community, and a number that none of its grids has.
    let nowhere = format!("{}998", &worker.grid()[..13]);
    let long = json!({"life_seconds": 90_000});
    check(vec![
        ("a mistyped role", add("role", json!(SECRET)), "role: unknown"),
        ("no area", add("area", json!(SECRET)), "area: malformed"),
        ("an area without a grid", add("area", json!(nowhere)), "area: unknown"),
        ("an area of another level", add("area", json!("8801")), "area: wrong_level"),
        ("a line that no purpose has", add("line", json!("no_such_line")), "line: unknown"),
        ("a date without a time", add("from", json!("2026-01-01")), "from: wrong_time"),
        ("another", add("trained_until", json!("2030")), "trained_until: wrong_time"),
        (
            "training for ever",
            add("trained_until", json!("2090-01-01T00:00:00Z")),
            "trained_until: out_of_range",
        ),
        (
            "a login of no form",
            admin.call("POST", "/v1/admin/actors").json(&json!({"login": "<x>", "kind": "person"})),
            "login: malformed",
        ),
        ("a life too long", admin.call("POST", &token).json(&long), "life_seconds: out_of_range"),
        (
            "a log-in too long",
            demo.call("POST", "/v1/log-in").json(&json!({"proof": "x", "life_seconds": 90_000})),
            "life_seconds: out_of_range",
        ),
    ]);
}

#[test]
fn request_that_is_marked_nowhere_does_not_speak_of_marked_items() {
    let demo = shared();
    // Whoever has no token is not told where.
    let reply = demo.call("POST", "/v1/enrol").json(&json!({"kode": SECRET})).send();
    let reply = reply.refused(400, "schema_invalid");
    assert!(reply.pointers().is_empty());
    assert_eq!(reply.text_of("title"), "The request itself is wrong.");
    let reply = demo.call("POST", "/v1/enrol").header("accept-language", "zh").json(&json!({}));
    assert_eq!(reply.send().text_of("title"), "请求本身有误");
}
