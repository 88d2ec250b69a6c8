//! From something out of the ordinary to a closed review: what officers find, note, bring up and close, with its entries.
//! Never closed by whoever opened it or wrote in it, and never looked into by whose acts it is of.
//! The search lags by a moment; a test looks until what it waits for is there, within a bound.

use super::actor::Actor;
use super::bodies::REGISTRATION;
use super::client::Reply;
use super::enrolment::{add, confirmed, enrolled};
use super::entries::happened;
use super::harness::{Demo, await_until, shared};
use serde_json::{Value, json};

const ANOMALIES: &str = "/v1/audit/anomalies";
pub const REVIEWS: &str = "/v1/audit/reviews";
/// Refusals of a day that are out of the ordinary (policies/anomalies.toml).
pub const OUTSIDE: usize = 10;

pub fn auditor(demo: &Demo) -> Actor {
    demo.role("compliance_auditor")
}

/// Another compliance officer.
pub fn second(demo: &Demo) -> Actor {
    let role = "compliance_auditor";
    let added = add(demo, json!([{"role": role}])).expect(201);
    confirmed(demo, added.text_of("id"));
    enrolled(demo, &added, role, None)
}

/// A worker tries what is not in its territory until that is out of the ordinary.
pub fn tries_outside(demo: &Demo, worker: &Actor) -> u64 {
    (0..OUTSIDE).map(|_| tries_once(demo, worker)).max().expect("some")
}

fn tries_once(demo: &Demo, worker: &Actor) -> u64 {
    worker.read(demo.sample_record(), "name", REGISTRATION).refused(404, "not_found").index()
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

/// A step of a review.
pub fn path(review: &Reply, act: &str) -> String {
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
fn whom_a_review_is_brought_before_sees_that_one_with_its_entries_and_may_close_it() {
    let demo = Demo::own();
    let worker = demo.worker(2);
    let auditor = auditor(&demo);
    let (protection, discipline) =
        (demo.role("protection_officer"), demo.role("discipline_officer"));
    let acts: Vec<u64> = (0..2).map(|_| tries_once(&demo, &worker)).collect();
    demo.entry(acts[1]);
    let opened = |entries: &[u64]| auditor.post(REVIEWS, &json!({"entries": entries})).expect(201);
    let (other, review) = (opened(&acts[..1]), opened(&acts));
    let one = |review: &Reply| format!("{REVIEWS}/{}", review.text_of("id"));
    let listed = |officer: &Actor| {
        let reply = officer.get(REVIEWS).expect(200);
        reply.body["reviews"].as_array().expect("a list").clone()
    };
    let text = json!({"text": "请说明"});

    // Before it is brought up, it is as if it were not there.
    assert!(listed(&protection).is_empty());
    for path in [one(&review), path(&review, "entries")] {
        protection.get(&path).refused(404, "not_found");
    }
    protection.post(&path(&review, "notes"), &text).refused(404, "not_found");
    let brought = json!({"to": "protection_officer", "text": "请复核"});
    auditor.post(&path(&review, "escalate"), &brought).expect(200);

    assert_eq!(listed(&protection).len(), 1);
    assert_eq!(listed(&protection)[0]["id"], review.body["id"]);
    assert!(listed(&discipline).is_empty(), "it was brought before another role");
    discipline.get(&one(&review)).refused(404, "not_found");
    protection.get(&one(&other)).refused(404, "not_found");
    let told = protection.get(&one(&review)).expect(200);
    assert_eq!(told.body["notes"][0]["text"], "请复核");

    let gathered = protection.get(&path(&review, "entries")).expect(200);
    let entries = gathered.body["entries"].as_array().expect("a list");
    let indexes: Vec<u64> = entries.iter().filter_map(|e| e["entry"]["seq"].as_u64()).collect();
    assert_eq!((indexes, &gathered.body["pruned"]), (acts.clone(), &json!(0)));
    assert!(entries.iter().all(|entry| entry["words"]["zh"].as_str().is_some()));
    let entry = demo.entry_of(&gathered);
    assert_eq!(happened(&entry), "review.read success");
    assert_eq!(
        (&entry["case"], &entry["role"]),
        (&review.body["id"], &json!("protection_officer"))
    );
    assert_eq!(auditor.get(&path(&review, "entries")).expect(200).body["entries"], json!(entries));
    // And no other entry of the log, by whatever way.
    protection.get(&format!("/v1/audit/entries/{}", acts[0])).refused(403, "denied");
    protection.post(REVIEWS, &json!({"entries": acts})).refused(403, "denied");

    protection.post(&path(&review, "notes"), &text).expect(201);
    let closing = json!({"outcome": "finding", "text": "已约谈"});
    protection.post(&path(&review, "close"), &closing).refused(403, "approval_required");
    let added = add(&demo, json!([{"role": "protection_officer"}])).expect(201);
    confirmed(&demo, added.text_of("id"));
    let second = enrolled(&demo, &added, "protection_officer", None);
    let closed = second.post(&path(&review, "close"), &closing).expect(200);
    assert_eq!(closed.body["closed"]["by"], json!(second.id));
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
fn a_review_has_room_for_a_hundred_texts_and_the_last_place_is_its_closings() {
    let demo = Demo::own();
    let (one, two) = (auditor(&demo), second(&demo));
    let most: Vec<u64> = (0..256).collect();
    await_until("there are as many entries", || {
        one.get("/v1/audit/entries?limit=1").expect(200).body["size"].as_u64() > Some(256)
    });
    let review = one.post(REVIEWS, &json!({"entries": most})).expect(201);
    let text = json!({"text": "核对"});
    for _ in 0..99 {
        one.post(&path(&review, "notes"), &text).expect(201);
    }
    one.post(&path(&review, "notes"), &text).refused(413, "too_large");
    let closing = json!({"outcome": "explained", "text": "核对完毕"});
    two.post(&path(&review, "close"), &closing).expect(200);
    let told = two.get(&format!("{REVIEWS}/{}", review.text_of("id"))).expect(200);
    assert_eq!(told.body["notes"].as_array().map(Vec::len), Some(100));
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

/// A moment from now, in seconds.
pub fn moment(seconds: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    format!("{at:.0}")
}

/// Everything up to an entry can be found.
pub fn indexed(demo: &Demo, through: u64) {
    await_until("the entry is indexed", || {
        let page = auditor(demo).get("/v1/audit/entries?limit=1").expect(200);
        page.body["indexed"].as_u64().is_some_and(|indexed| indexed > through)
    });
}

#[test]
fn a_sample_is_drawn_of_every_role_and_whoever_has_its_entry_draws_it_again() {
    let demo = Demo::own();
    let (one, two) = (auditor(&demo), second(&demo));
    let mut last = 0;
    for actor in [demo.worker(1), demo.worker(2), demo.role("security_admin")] {
        for path in ["/v1/purposes", "/v1/admin/actors"] {
            last = actor.get(path).index();
        }
    }
    for _ in 0..5 {
        last = two.get("/v1/audit/entries?limit=1").expect(200).index();
    }
    indexed(&demo, last);
    let (since, until) = (moment(-3_600), moment(3_600));
    let sample = json!({"since": since, "until": until, "each": 2, "without": [two.id]});
    let review = one.post(REVIEWS, &json!({"sample": sample})).expect(201);
    let about = review.body["about"].as_array().expect("a list").clone();
    assert!(about.contains(&json!(demo.role("security_admin").id)), "a role of one person");
    for officer in [&one, &two] {
        assert!(!about.contains(&json!(officer.id)), "nobody draws the own acts, or a closer's");
    }
    let entry = demo.entry_of(&review);
    assert_eq!(happened(&entry), "review.sample success");
    let drawn = review.body["sample"].clone();
    let x = &entry["x"];
    assert_eq!((&x["seed"], &x["each"]), (&drawn["seed"], &json!(2)));
    assert_eq!((&x["through"], &x["population"]), (&drawn["through"], &drawn["population"]));
    let listed: Vec<String> = review.body["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(x["entries"], listed.join(","));
    let again = two.post(&path(&review, "draw"), &json!({})).expect(200);
    assert_eq!(
        (&again.body["same"], &again.body["entries"]),
        (&json!(true), &review.body["entries"])
    );
    let closing = json!({"outcome": "explained", "text": "未见异常"});
    one.post(&path(&review, "notes"), &json!({"text": "逐条核对"})).expect(201);
    two.post(&path(&review, "close"), &closing).expect(200);
    let left_out = |count: u8| {
        let id = |number: u8| format!("{}A", char::from(b'A' + number).to_string().repeat(21));
        let without: Vec<String> = (0..count).map(id).collect();
        json!({"since": since, "until": until, "each": 3, "without": without})
    };
    one.post(REVIEWS, &json!({"sample": left_out(8)})).expect(201);
    for (wrong, status, code) in [
        (json!({"since": since, "until": until, "each": 0}), 400, "schema_invalid"),
        (json!({"since": since, "until": until, "each": 4}), 400, "schema_invalid"),
        (json!({"since": until, "until": since, "each": 1}), 400, "schema_invalid"),
        (json!({"since": "now", "until": until, "each": 1}), 400, "schema_invalid"),
        (
            json!({"since": since, "until": until, "each": 1, "without": ["x"]}),
            400,
            "schema_invalid",
        ),
        (json!({"since": since, "until": until, "each": 1, "seed": "AA"}), 400, "schema_invalid"),
        (left_out(9), 400, "schema_invalid"),
        (json!({"since": until, "until": moment(7_200), "each": 1}), 404, "not_found"),
    ] {
        one.post(REVIEWS, &json!({"sample": wrong})).refused(status, code);
    }
    let plain = one.post(REVIEWS, &json!({"entries": [0]})).expect(201);
    one.post(&path(&plain, "draw"), &json!({})).refused(404, "not_found");
}

#[test]
fn whoever_opens_the_own_record_is_found_and_those_who_list_actors_learn_nothing() {
    let demo = Demo::own();
    let head = demo.head(1);
    let person = head.create(&super::bodies::adult(head.grid())).expect(201);
    let subject = person.text_of("subject");
    let body = json!({
        "login": "worker.self", "kind": "person", "self_subject": subject,
        "assignments": [super::enrolment::ready(json!({"role": "grid_worker", "area": head.grid()}))],
    });
    let security = demo.role("security_admin");
    let added = security.post("/v1/admin/actors", &body).expect(201);
    let worker = enrolled(&demo, &added, "grid_worker", Some(head.grid()));
    let handle = demo.entry(person.index())["sub"][0].as_str().expect("a handle").to_owned();
    let entry = demo.entry_of(&added);
    assert!(!entry.to_string().contains(&handle) && !entry.to_string().contains(subject));
    let listed = security.get("/v1/admin/actors").expect(200);
    for hidden in [handle.as_str(), subject, "own", "self"] {
        assert!(!listed.text.contains(&format!("\"{hidden}\"")), "{hidden}");
    }
    let query = json!({"type": "person", "fields": ["name"], "limit": 100});
    worker.query(&query, REGISTRATION).expect(200);
    let read = worker.read(person.text_of("id"), "name", REGISTRATION).expect(200).index();
    head.read(person.text_of("id"), "name", REGISTRATION).expect(200);
    let found = anomalies(&demo, "rule=own_record", read + 1);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["actor"], &found[0]["entries"]), (&json!(worker.id), &json!([read])));
    // Two accounts of one person would be two persons.
    let mut second = body.clone();
    second["login"] = json!("worker.second");
    security.post("/v1/admin/actors", &second).refused(412, "version_conflict");
    super::placing::set_state(&security, &worker.id, "left").expect(200);
    security.post("/v1/admin/actors", &second).expect(201);
    let mut unknown = body.clone();
    unknown["login"] = json!("worker.other");
    unknown["self_subject"] = json!("01921234-5678-7fff-bfff-ffffffffffff");
    security.post("/v1/admin/actors", &unknown).refused(404, "not_found");
    unknown["self_subject"] = json!("me");
    security.post("/v1/admin/actors", &unknown).refused(400, "schema_invalid");
    let system = json!({"login": "system.self", "kind": "system", "self_subject": subject});
    security.post("/v1/admin/actors", &system).refused(400, "schema_invalid");
}
