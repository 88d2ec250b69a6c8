//! From something out of the ordinary to a closed review: what officers find, note, bring up and close, with its entries.
//! Never closed by whoever opened it or wrote in it, and never looked into by whose acts it is of.
//! The search lags by a moment; a test looks until what it waits for is there, within a bound.

use super::actor::Actor;
use super::bodies::REGISTRATION;
use super::client::Reply;
use super::enrolment::{add, enrolled};
use super::entries::happened;
use super::harness::{Demo, await_until, shared};
use serde_json::{Value, json};

pub const ANOMALIES: &str = "/v1/audit/anomalies";
pub const REVIEWS: &str = "/v1/audit/reviews";
/// Refusals of a day that are out of the ordinary (policies/anomalies.toml).
const OUTSIDE: usize = 10;

pub fn auditor(demo: &Demo) -> Actor {
    demo.role("compliance_auditor")
}

/// Another compliance officer.
pub fn second(demo: &Demo) -> Actor {
    let role = "compliance_auditor";
    enrolled(demo, &add(demo, json!([{"role": role}])).expect(201), role, None)
}

/// A worker tries what is not in its territory until that is out of the ordinary.
pub fn tries_outside(demo: &Demo, worker: &Actor) -> u64 {
    let elsewhere = demo.sample_record();
    let tries = (0..OUTSIDE)
        .map(|_| worker.read(elsewhere, "name", REGISTRATION).refused(404, "not_found").index());
    tries.last().expect("some")
}

/// The anomalies of a question, once everything up to an entry was looked at.
#[track_caller]
pub fn anomalies(demo: &Demo, question: &str, through: u64) -> Vec<Value> {
    let officer = auditor(demo);
    let mut last = None;
    await_until("the entry was looked at", || {
        let reply = officer.get(&format!("{ANOMALIES}?{question}")).expect(200);
        let looked = reply.body["through"].as_u64().expect("a number");
        last = Some(reply);
        looked > through
    });
    last.expect("a page").body["anomalies"].as_array().expect("a list").clone()
}

fn path(review: &Reply, act: &str) -> String {
    format!("{REVIEWS}/{}/{act}", review.text_of("id"))
}

#[test]
fn from_an_anomaly_to_a_review_that_a_second_officer_closes() {
    let demo = Demo::own();
    let worker = demo.worker(2);
    let last = tries_outside(&demo, &worker);
    let (one, two) = (auditor(&demo), second(&demo));
    let found = anomalies(&demo, &format!("actor={}", worker.id), last);
    assert_eq!(found.len(), 1, "{found:?}");
    let anomaly = &found[0];
    let member = |name: &str| anomaly[name].clone();
    assert_eq!(
        (member("rule"), member("state"), member("actor")),
        (json!("outside_territory"), json!("new"), json!(worker.id))
    );
    assert_eq!(member("numbers"), json!({"refused": OUTSIDE, "threshold": OUTSIDE}));
    let entries: Vec<u64> = serde_json::from_value(member("entries")).expect("indexes");
    assert_eq!((entries.len(), entries.last()), (OUTSIDE, Some(&last)));
    // Each of them is opened with its proof.
    let opened = one.get(&format!("/v1/audit/entries/{last}")).expect(200);
    assert_eq!(
        (&opened.body["proven"], &opened.body["entry"]["why"]),
        (&json!(true), &json!("not_found"))
    );

    let id = member("id");
    let review = one.post(REVIEWS, &json!({"anomaly": id})).expect(201);
    assert_eq!((review.text_of("state"), review.text_of("cause")), ("open", "anomaly"));
    assert_eq!(review.body["about"], json!([worker.id]));
    assert_eq!(review.body["entries"], json!(entries));
    two.post(REVIEWS, &json!({"anomaly": id})).refused(412, "version_conflict");
    let text = "十次越界，已约谈核实";
    let noted = one.post(&path(&review, "notes"), &json!({"text": text})).expect(201);
    assert_eq!(noted.text_of("state"), "noted");
    let closing = json!({"outcome": "explained", "text": "新网格边界不清"});
    let own = one.post(&path(&review, "close"), &closing).refused(403, "approval_required");
    let brought = json!({"to": "protection_officer", "text": "请知悉"});
    let escalated = one.post(&path(&review, "escalate"), &brought).expect(200);
    assert_eq!(escalated.text_of("state"), "escalated");
    let closed = two.post(&path(&review, "close"), &closing).expect(200);
    assert_eq!((closed.text_of("state"), &closed.body["closed"]["by"]), ("closed", &json!(two.id)));
    two.post(&path(&review, "notes"), &json!({"text": text})).refused(412, "version_conflict");

    let told = two.get(&format!("{REVIEWS}/{}", review.text_of("id"))).expect(200);
    let kinds: Vec<&str> = told.body["notes"]
        .as_array()
        .expect("notes")
        .iter()
        .filter_map(|n| n["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["note", "escalation", "closing"]);
    assert_eq!(told.body["notes"][0]["text"], text);
    for (reply, what) in [
        (&review, "review.open success"),
        (&noted, "review.note success"),
        (&own, "access.denied denied"),
        (&escalated, "review.escalate success"),
        (&closed, "review.close success"),
        (&told, "review.read success"),
    ] {
        let entry = demo.entry_of(reply);
        assert_eq!(happened(&entry), what);
        assert_eq!(entry["case"], review.body["id"], "{what}");
        assert!(!entry.to_string().contains(text), "what is written is not in the log");
    }
    let entry = demo.entry_of(&review);
    assert_eq!((&entry["x"]["actor"], &entry["x"]["anomaly"]), (&json!(worker.id), &id));
    assert_eq!(entry["pur"], "access_oversight");
    let state = anomalies(&demo, "rule=outside_territory&state=closed", last);
    assert_eq!(state[0]["review"], review.body["id"]);
}

#[test]
fn officers_do_not_look_into_their_own_acts() {
    let demo = Demo::own();
    let (one, two) = (auditor(&demo), second(&demo));
    let own = one.get("/v1/purposes").expect(200).index();
    super::entries::happened(&demo.entry(own));
    let body = json!({"entries": [own]});
    let refused = one.post(REVIEWS, &body).refused(403, "denied");
    assert_eq!(happened(&demo.entry_of(&refused)), "access.denied denied");
    let review = two.post(REVIEWS, &body).expect(201);
    assert_eq!(review.body["about"], json!([one.id]));
    let text = json!({"text": "核对"});
    one.post(&path(&review, "notes"), &text).refused(403, "denied");
    one.get(&format!("{REVIEWS}/{}", review.text_of("id"))).refused(403, "denied");
    two.post(&path(&review, "notes"), &text).expect(201);
    let closing = json!({"outcome": "explained", "text": "核对"});
    let refused = one.post(&path(&review, "close"), &closing).refused(403, "denied");
    assert_eq!(demo.entry_of(&refused)["case"], review.body["id"]);
}

#[test]
fn a_review_of_nothing_of_too_much_or_of_what_is_not_there_is_refused() {
    let demo = shared();
    let officer = auditor(demo);
    for (body, status, code) in [
        (json!({}), 400, "schema_invalid"),
        (json!({"entries": []}), 400, "schema_invalid"),
        (json!({"entries": [1, 1]}), 400, "schema_invalid"),
        (json!({"entries": (0..257).collect::<Vec<u64>>()}), 400, "schema_invalid"),
        (json!({"entries": [0], "anomaly": "AAAAAAAAAAAAAAAAAAAAAA"}), 400, "schema_invalid"),
        (json!({"anomaly": "A"}), 400, "schema_invalid"),
        (json!({"entries": [-1]}), 400, "schema_invalid"),
        (json!({"entries": [u64::MAX]}), 404, "not_found"),
        (json!({"anomaly": "AAAAAAAAAAAAAAAAAAAAAA"}), 404, "not_found"),
    ] {
        officer.post(REVIEWS, &body).refused(status, code);
    }
    let review = officer.post(REVIEWS, &json!({"entries": [0]})).expect(201);
    for text in ["", " \n", "电话13812345678", "身份证880101199001010013", "a\u{202e}b"] {
        officer
            .post(&path(&review, "notes"), &json!({"text": text}))
            .refused(400, "schema_invalid");
    }
    let long = json!({"text": "长".repeat(2_001)});
    officer.post(&path(&review, "notes"), &long).refused(400, "schema_invalid");
    officer.post(&path(&review, "notes"), &json!({"text": "长".repeat(2_000)})).expect(201);
    for (to, code) in [("grid_worker", "schema_invalid"), ("mayor", "schema_invalid")] {
        let body = json!({"to": to, "text": "请知悉"});
        officer.post(&path(&review, "escalate"), &body).refused(400, code);
    }
    for wrong in ["state=done", "limit=0", "limit=101", "before=x", "order=worst"] {
        officer.get(&format!("{REVIEWS}?{wrong}")).refused(400, "schema_invalid");
    }
    for wrong in
        ["rule=worst", "actor=x", "state=open", "since=yesterday", "limit=101", "sort=count"]
    {
        officer.get(&format!("{ANOMALIES}?{wrong}")).refused(400, "schema_invalid");
    }
}

#[test]
fn nobody_closes_what_nobody_wrote_in_and_pages_join() {
    let demo = Demo::own();
    let (one, two) = (auditor(&demo), second(&demo));
    let reviews: Vec<Reply> =
        (0..5).map(|_| one.post(REVIEWS, &json!({"entries": [0, 2]})).expect(201)).collect();
    let closing = json!({"outcome": "unresolved", "text": "无从核实"});
    two.post(&path(&reviews[0], "close"), &closing).refused(412, "version_conflict");
    two.post(&path(&reviews[0], "notes"), &json!({"text": "核对"})).expect(201);
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = one.get(&format!("{REVIEWS}?limit=2{next}")).expect(200);
        let ids = page.body["reviews"].as_array().expect("a list");
        seen.extend(ids.iter().map(|review| review["id"].clone()));
        match page.body["next"].as_str() {
            Some(id) => next = format!("&before={id}"),
            None => break,
        }
    }
    let opened: Vec<Value> = reviews.iter().rev().map(|reply| reply.body["id"].clone()).collect();
    assert_eq!(seen, opened, "the newest first");
    let noted = one.get(&format!("{REVIEWS}?state=noted")).expect(200);
    assert_eq!(noted.body["reviews"].as_array().map(Vec::len), Some(1));
}

#[test]
fn reviews_and_their_notes_are_there_after_a_crash_and_anomalies_are_found_again() {
    let mut demo = Demo::own();
    let worker = demo.worker(3);
    let last = tries_outside(&demo, &worker);
    let before = anomalies(&demo, "", last);
    let one = auditor(&demo);
    let review = one.post(REVIEWS, &json!({"anomaly": before[0]["id"]})).expect(201);
    one.post(&path(&review, "notes"), &json!({"text": "已记录"})).expect(201);
    demo.kill();
    demo.start_again();
    let told = auditor(&demo).get(&format!("{REVIEWS}/{}", review.text_of("id"))).expect(200);
    assert_eq!(
        (told.text_of("state"), &told.body["notes"][0]["text"]),
        ("noted", &json!("已记录"))
    );
    let after = anomalies(&demo, "", last);
    assert_eq!(after[0]["id"], before[0]["id"], "the same anomaly has the same id");
    assert_eq!(after[0]["state"], "in_review");
    let again = json!({"anomaly": before[0]["id"]});
    second(&demo).post(REVIEWS, &again).refused(412, "version_conflict");
}
