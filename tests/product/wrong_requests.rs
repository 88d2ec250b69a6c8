//! A request that is wrong hears where and why, in the vault's own words, so that whoever writes a client can mend it.
//! Never a word of the client's: a name that the interface does not have is `?`, and no value comes back.
//! What is not marked anywhere does not speak of marked items.

use super::actor::Actor;
use super::bodies::{
    CONTACT, CORRECTION, REGISTRATION, RIGHTS, SAFETY, adult, basis, consent, place, record,
    unknown_id,
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

/// A body with one thing changed.
fn but(mut body: Value, member: &str, value: Value) -> Value {
    body[member] = value;
    body
}

#[test]
fn bodies_of_the_rights_of_residents_that_are_wrong_are_marked_where_they_are() {
    let demo = shared();
    let (desk, police) = (demo.role("resident_desk"), demo.role("community_police"));
    let of = |who: &Actor, call: &str, body: Value| {
        let path = format!("/v1/subjects/{}/{call}", unknown_id());
        who.call("POST", &path).purpose(RIGHTS).json(&body)
    };
    let release = format!("/v1/restraints/{}/release", unknown_id());
    let withdraw = format!("consents/{}/withdraw", "A".repeat(22));
    let erase = json!({"reason": "purpose_met", "by": "self", "proof": "resident_card"});
    let given = json!({
        "records": [unknown_id()], "purpose": CONTACT, "legal_basis": "household_contact_consent",
        "notice": "household_contact_notice_1", "consent": consent("self"), "proof": "resident_card",
    });
    let twice = json!([SECRET, SECRET]);
    check(vec![
        (
            "an erasure for no reason",
            of(&desk, "erase", but(erase.clone(), "reason", json!(SECRET))),
            "reason: unknown_code",
        ),
        (
            "an erasure by no document",
            of(&desk, "erase", but(erase, "proof", json!(SECRET))),
            "proof: unknown_code",
        ),
        (
            "a restriction for no reason",
            of(&desk, "restrict", json!({"reason": SECRET})),
            "reason: unknown_code",
        ),
        (
            "somebody without a document",
            of(&desk, "restrict", json!({"reason": "excess", "by": "self"})),
            "proof: missing",
        ),
        (
            "a document of nobody",
            of(&desk, "restrict", json!({"reason": "excess", "proof": "resident_card"})),
            "by: missing",
        ),
        (
            "a hold for no reason",
            of(&desk, "hold", json!({"reason": SECRET, "document": "1"})),
            "reason: unknown_code",
        ),
        (
            "a hold by no document",
            of(&desk, "hold", json!({"reason": "court_case", "document": ""})),
            "document: malformed",
        ),
        (
            "a release for no reason",
            desk.call("POST", &release).purpose(RIGHTS).json(&json!({"reason": SECRET})),
            "reason: unknown_code",
        ),
        (
            "a consent over nothing",
            of(&desk, "consents", but(given.clone(), "records", json!([]))),
            "records: missing",
        ),
        (
            "a consent over no records",
            of(&desk, "consents", but(given.clone(), "records", twice)),
            "records: malformed",
        ),
        (
            "a consent by no document",
            of(&desk, "consents", but(given, "proof", json!(SECRET))),
            "proof: unknown_code",
        ),
        (
            "taken back by no document",
            of(&desk, &withdraw, json!({"by": "self", "proof": SECRET})),
            "proof: unknown_code",
        ),
        (
            "households that are none",
            of(&police, "protect", json!({"protected": true, "households": [SECRET]})),
            "households: malformed",
        ),
        ("a page too long", desk.call("GET", "/v1/due?limit=100000"), "limit: out_of_range"),
    ]);
}

#[test]
fn bodies_of_what_opens_records_that_are_wrong_are_marked_where_they_are() {
    let demo = shared();
    let (worker, head, police) = (demo.worker(2), demo.head(2), demo.role("community_police"));
    let later = "2036-01-01T00:00:00Z";
    let raise = json!({"kind": "other", "people": 1, "minutes": 10});
    let limit = |member: &str, value: Value| {
        worker.call("POST", "/v1/approvals/limit").json(&but(raise.clone(), member, value))
    };
    let official = json!({
        "document": "1", "organ": "county_public_security", "subjects": [unknown_id()],
        "fields": ["name"], "until": later,
    });
    let organ = |member: &str, value: Value| {
        let call = police.call("POST", "/v1/admin/official-requests").purpose(REGISTRATION);
        call.json(&but(official.clone(), member, value))
    };
    let window = json!({"to": worker.id, "grid": head.grid(), "until": later});
    let stand_in = |member: &str, value: Value| {
        head.call("POST", "/v1/delegations").json(&but(window.clone(), member, value))
    };
    let glass = json!({"tier": "alone", "event": unknown_id()});
    let broken = |member: &str, value: Value| {
        let call = head.call("POST", "/v1/break-glass").purpose("emergency_evacuation");
        call.json(&but(glass.clone(), member, value))
    };
    let review = format!("/v1/break-glass/{}/review", unknown_id());
    let found = |body: Value| head.call("POST", &review).json(&body);
    let preview = |body: Value| worker.call("POST", "/v1/access/preview").json(&body);
    let approval = json!({"record": unknown_id(), "fields": ["name"], "minutes": 0});
    let ask = worker.call("POST", "/v1/approvals").purpose(REGISTRATION).json(&approval);
    check(vec![
        ("a limit of no kind", limit("kind", json!(SECRET)), "kind: unknown_code"),
        ("a limit for nobody", limit("people", json!(0)), "people: out_of_range"),
        ("a limit for a year", limit("minutes", json!(525_600)), "minutes: out_of_range"),
        ("a look of no length", ask, "minutes: out_of_range"),
        ("no organ", organ("organ", json!(SECRET)), "organ: unknown_code"),
        ("no document", organ("document", json!("")), "document: malformed"),
        ("no people", organ("subjects", json!([SECRET])), "subjects: malformed"),
        ("nobody", organ("subjects", json!([])), "subjects: missing"),
        ("no field", organ("fields", json!(["<x>"])), "fields: malformed"),
        ("no moment", organ("until", json!(SECRET)), "until: wrong_time"),
        ("an organ for ten years", organ("until", json!(later)), "until: out_of_range"),
        ("nobody stands in", stand_in("to", json!(SECRET)), "to: malformed"),
        ("nowhere", stand_in("grid", json!(SECRET)), "grid: malformed"),
        ("from no moment", stand_in("from", json!(SECRET)), "from: wrong_time"),
        ("to no moment", stand_in("until", json!(SECRET)), "until: wrong_time"),
        ("no tier", broken("tier", json!(SECRET)), "tier: unknown_code"),
        ("no event", broken("event", json!(SECRET)), "event: malformed"),
        ("no places", broken("places", json!([SECRET])), "places: malformed"),
        (
            "no finding",
            found(json!({"finding": SECRET, "note": "event_confirmed"})),
            "finding: unknown_code",
        ),
        ("no note", found(json!({"finding": "justified", "note": SECRET})), "note: unknown_code"),
        ("no type", preview(json!({"type": SECRET, "grid": worker.grid()})), "type: unknown_code"),
        (
            "no age",
            preview(json!({"type": "person", "grid": worker.grid(), "age": SECRET})),
            "age: unknown_code",
        ),
        ("no grid", preview(json!({"type": "person", "grid": SECRET})), "grid: malformed"),
    ]);
}

#[test]
fn bodies_and_questions_of_officers_that_are_wrong_are_marked_where_they_are() {
    let demo = shared();
    let officer = demo.role("compliance_auditor");
    let get = |path: &str| officer.call("GET", &format!("/v1/audit/{path}"));
    let post =
        |path: &str, body: Value| officer.call("POST", &format!("/v1/audit/{path}")).json(&body);
    let case = format!("reviews/{}", "A".repeat(22));
    let item = json!({"organ": "street_office", "due": "2036-01-01", "text": "重新培训"});
    let rectify = |member: &str, value: Value| {
        post(&format!("{case}/rectifications"), but(item.clone(), member, value))
    };
    let span = json!({"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "each": 1});
    let sample = |member: &str, value: Value| {
        post("reviews", json!({"sample": but(span.clone(), member, value)}))
    };
    check(vec![
        ("no actor", get(&format!("entries?actor={SECRET}")), "actor: malformed"),
        ("no moment", get(&format!("entries?since={SECRET}")), "since: malformed"),
        (
            "a day beside a moment",
            get("entries?day=2026-01-01&since=2026-01-01T00:00:00Z"),
            "day: malformed",
        ),
        ("no order", get(&format!("entries?order={SECRET}")), "order: malformed"),
        ("a page too long", get("entries?limit=100000"), "limit: out_of_range"),
        (
            "a place that is none",
            get(&format!("entries?outcome=denied&cursor={SECRET}")),
            "cursor: wrong_cursor",
        ),
        ("no form", get("export"), "format: missing"),
        ("another form", get(&format!("export?format={SECRET}")), "format: malformed"),
        ("no rule", get(&format!("anomalies?rule={SECRET}")), "rule: malformed"),
        ("no state", get(&format!("reviews?state={SECRET}")), "state: malformed"),
        ("a page of nothing", get("rectifications?limit=0"), "limit: out_of_range"),
        ("no period", get("report?since=2026-01-01T00:00:00Z"), "until: missing"),
        (
            "a period of no length",
            get("report?since=2026-01-01T00:00:00Z&until=2026-01-01T00:00:00Z"),
            "until: out_of_range",
        ),
        ("a pack of everything", post("evidence-packs", json!({})), "body: asks_for_nothing"),
        (
            "a pack of no outcome",
            post("evidence-packs", json!({"outcome": SECRET})),
            "outcome: malformed",
        ),
        ("a review over nothing", post("reviews", json!({})), "entries: missing"),
        ("an entry twice", post("reviews", json!({"entries": [1, 1]})), "entries: repeated"),
        ("no anomaly", post("reviews", json!({"anomaly": SECRET})), "anomaly: malformed"),
        (
            "both",
            post("reviews", json!({"entries": [1], "sample": span})),
            "sample: not_with_others",
        ),
        (
            "a sample of no length",
            sample("until", json!("2026-01-01T00:00:00Z")),
            "sample.until: out_of_range",
        ),
        ("a sample of nothing", sample("each", json!(0)), "sample.each: out_of_range"),
        ("without nobody", sample("without", json!([SECRET])), "sample.without: malformed"),
        ("no text", post(&format!("{case}/notes"), json!({"text": ""})), "text: malformed"),
        (
            "before nobody",
            post(&format!("{case}/escalate"), json!({"to": SECRET, "text": "请复核"})),
            "to: unknown_code",
        ),
        ("no organ", rectify("organ", json!(SECRET)), "organ: unknown_code"),
        ("two owners", rectify("actor", json!(officer.id)), "organ: not_with_actor"),
        ("no day", rectify("due", json!("2036-1-1")), "due: malformed"),
    ]);
}

#[test]
fn bodies_of_administrators_that_are_wrong_are_marked_where_they_are() {
    let demo = shared();
    let (system, security) = (demo.role("system_admin"), demo.role("security_admin"));
    let (placer, worker) = (demo.role("assignment_officer"), demo.worker(2));
    let question = json!({
        "actor": worker.id, "purpose": REGISTRATION, "type": "person", "grid": worker.grid(),
        "action": "read", "fields": ["name"],
    });
    let explain = |member: &str, value: Value| {
        let call = security.call("POST", "/v1/admin/policies/explain");
        call.json(&but(question.clone(), member, value))
    };
    let keys = format!("/v1/admin/keys/jobs/{}/decide", unknown_id());
    let tokens = format!("/v1/admin/actors/{}/tokens", worker.id);
    let end = format!("/v1/admin/actors/{}/assignments/end", worker.id);
    let ending =
        |query: &str| placer.call("GET", &format!("/v1/admin/assignments/expiring?{query}"));
    check(vec![
        ("no action", explain("action", json!(SECRET)), "action: unknown_code"),
        ("no purpose", explain("purpose", json!(SECRET)), "purpose: unknown"),
        ("nobody", explain("actor", json!(SECRET)), "actor: malformed"),
        ("no type", explain("type", json!(SECRET)), "type: unknown_code"),
        ("no field", explain("fields", json!(["<x>"])), "fields: malformed"),
        (
            "no keys",
            system.call("POST", "/v1/admin/keys/rotate").json(&json!({"what": SECRET})),
            "what: unknown_code",
        ),
        (
            "neither yes nor no",
            security.call("POST", &keys).json(&json!({"decision": SECRET})),
            "decision: unknown_code",
        ),
        (
            "through no system",
            security.call("POST", &tokens).json(&json!({"via": SECRET})),
            "via: malformed",
        ),
        (
            "no post",
            placer.call("POST", &end).json(&json!({"assignment": SECRET})),
            "assignment: malformed",
        ),
        (
            "a roster of nobody",
            placer.call("POST", "/v1/admin/assignments/import").json(&json!({"lines": []})),
            "lines: missing",
        ),
        ("no days", ending("limit=1"), "within_days: missing"),
        ("days of a century", ending("within_days=36500"), "within_days: out_of_range"),
        (
            "a place that is none",
            ending(&format!("within_days=1&after={SECRET}")),
            "after: malformed",
        ),
        (
            "no grid",
            placer.call("GET", &format!("/v1/admin/grids/vacant?after={SECRET}")),
            "after: malformed",
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
