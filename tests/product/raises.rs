//! A reveal limit that a second person raises: for one person, one kind, an hour; and only by somebody else's word.
//! Never a field more, and never twice at the last place: it is counted where operations get their order.
//! How far and how often is bounded, and a restart changes nothing.

use super::actor::Actor;
use super::bodies::{REGISTRATION, adult, unknown_id};
use super::client::Reply;
use super::enrolment::{add, enrolled};
use super::entries::happened;
use super::harness::{Demo, await_until, shared};
use serde_json::{Value, json};

/// People of whom a grid's worker sees something of the ordinary kind in clear, in 24 hours.
const DAY: usize = 80;
/// How often anybody asks for more in 24 hours.
const ASKS: usize = 3;

fn somebody(demo: &Demo, grid: &str) -> Actor {
    let posts = json!([{"role": "grid_worker", "area": grid}]);
    enrolled(demo, &add(demo, posts).expect(201), "grid_worker", Some(grid))
}

fn ask(actor: &Actor, kind: &str, people: u32, minutes: u32) -> Reply {
    let body = json!({"kind": kind, "people": people, "minutes": minutes});
    actor.post("/v1/approvals/limit", &body)
}

fn decide(actor: &Actor, id: &str, word: &str) -> Reply {
    actor.post(&format!("/v1/approvals/{id}/decide"), &json!({"decision": word}))
}

fn under(actor: &Actor, case: &str, id: &str) -> Reply {
    let path = format!("/v1/records/{id}?fields=name");
    actor.call("GET", &path).purpose(REGISTRATION).header("case", case).send()
}

/// So many people whom the worker has not seen yet.
fn people(keeper: &Actor, count: usize) -> Vec<String> {
    let stored = (0..count).map(|_| keeper.create(&adult(keeper.grid())).expect(201));
    stored.map(|reply| reply.text_of("id").to_owned()).collect()
}

/// Somebody whose day is used up, with people beyond it.
fn used_up(demo: &Demo, grid: usize, further: usize) -> (Actor, Vec<String>) {
    let keeper = demo.worker(grid);
    let worker = somebody(demo, keeper.grid());
    let mut people = people(&keeper, DAY + further);
    for id in &people[..DAY] {
        worker.read(id, "name", REGISTRATION).expect(200);
    }
    (worker, people.split_off(DAY))
}

#[test]
fn a_second_persons_word_raises_a_limit_for_one_kind_and_no_field() {
    let demo = shared();
    let lead = demo.role("community_cadre");
    let (worker, further) = used_up(demo, 2, 4);
    let over = worker.read(&further[0], "name", REGISTRATION).refused(429, "reveal_limit");
    assert_eq!(demo.entry_of(&over)["why"], "reveal_limit");
    let asked = ask(&worker, "other", 3, 60).expect(201);
    let entry = demo.entry_of(&asked);
    assert_eq!(happened(&entry), "approval.request success");
    assert_eq!((&entry["x"]["kind"], &entry["x"]["people"]), (&json!("other"), &json!(3)));
    let raise = asked.text_of("id").to_owned();
    under(&worker, &raise, &further[0]).refused(429, "reveal_limit");
    decide(&worker, &raise, "grant").refused(404, "not_found");
    decide(&demo.head(2), &raise, "grant").refused(404, "not_found");
    let waits = lead.get("/v1/approvals").expect(200);
    let waits = waits.body["approvals"].as_array().expect("a list").clone();
    let waits = waits.iter().find(|one| one["id"] == json!(raise)).expect("it waits");
    assert_eq!(waits["limit"], json!({"kind": "other", "people": 3}));
    assert_eq!((&waits["kind"], &waits["holder"]), (&json!("limit"), &json!(worker.id)));

    let granted = decide(&lead, &raise, "grant").expect(200);
    assert_eq!(happened(&demo.entry_of(&granted)), "approval.grant success");
    // Without the case the limit is what it was; with it there are three people more, and no fourth.
    worker.read(&further[0], "name", REGISTRATION).refused(429, "reveal_limit");
    for id in &further[..3] {
        let read = under(&worker, &raise, id).expect(200);
        assert_eq!(demo.entry_of(&read)["apr"], demo.entry_of(&granted)["apr"]);
    }
    under(&worker, &raise, &further[3]).refused(429, "reveal_limit");
    under(&worker, &raise, &further[1]).expect(200);
    // It opens no field: what needs a task needs one still. And it is nobody else's.
    let path = format!("/v1/records/{}?fields=id_number", further[1]);
    let closed = worker.call("GET", &path).purpose(REGISTRATION).header("case", &raise).send();
    closed.refused(403, "denied");
    // Once a day.
    let second = ask(&worker, "other", 3, 60).expect(201).text_of("id").to_owned();
    decide(&lead, &second, "grant").refused(429, "rate_limited");
}

#[test]
fn a_no_raises_nothing_and_more_than_the_policy_says_is_not_asked_for() {
    let demo = shared();
    let lead = demo.role("community_cadre");
    let worker = somebody(demo, demo.worker(3).grid());
    let raise = ask(&worker, "other", 40, 60).expect(201).text_of("id").to_owned();
    decide(&lead, &raise, "refuse").expect(200);
    decide(&lead, &raise, "grant").refused(412, "version_conflict");
    decide(&lead, &unknown_id(), "grant").refused(404, "not_found");
    // Half of the day's eighty at most, an hour at most, of a kind that there is.
    ask(&worker, "other", 41, 60).refused(403, "denied");
    ask(&worker, "property", 2, 60).expect(201);
    ask(&worker, "property", 3, 60).refused(403, "denied");
    for body in [
        json!({"kind": "other", "people": 0, "minutes": 60}),
        json!({"kind": "other", "people": 1, "minutes": 0}),
        json!({"kind": "other", "people": 1, "minutes": 61}),
        json!({"kind": "rank", "people": 1, "minutes": 10}),
        json!({"kind": "other", "people": 1, "minutes": 10, "for": worker.id}),
    ] {
        assert_eq!(worker.post("/v1/approvals/limit", &body).status, 400, "{body}");
    }
    for role in ["city_platform", "compliance_auditor", "security_admin", "supervisor"] {
        ask(&demo.role(role), "other", 1, 10).refused(403, "denied");
    }
}

#[test]
fn of_two_at_the_last_place_of_a_raised_limit_one_passes() {
    let demo = shared();
    let (worker, further) = used_up(demo, 4, 2);
    let raise = ask(&worker, "other", 1, 10).expect(201).text_of("id").to_owned();
    decide(&demo.role("community_cadre"), &raise, "grant").expect(200);
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let reads: Vec<_> = further
            .iter()
            .map(|id| {
                let (worker, raise) = (&worker, &raise);
                scope.spawn(move || under(worker, raise, id))
            })
            .collect();
        reads.into_iter().map(|read| read.join().expect("an answer")).collect()
    });
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429]);
}

#[test]
fn a_restart_neither_forgets_a_raise_nor_what_it_has_used() {
    let mut demo = Demo::own();
    let keeper = demo.worker(1);
    let people = people(&keeper, DAY + 2);
    let reader = demo.head(1);
    for id in &people[..DAY] {
        reader.read(id, "name", REGISTRATION).expect(200);
    }
    let raise = ask(&reader, "other", 1, 60).expect(201).text_of("id").to_owned();
    decide(&demo.role("community_cadre"), &raise, "grant").expect(200);
    under(&reader, &raise, &people[DAY]).expect(200);
    demo.kill();
    demo.start_again();
    let reader = demo.head(1);
    under(&reader, &raise, &people[DAY]).expect(200);
    under(&reader, &raise, &people[DAY + 1]).refused(429, "reveal_limit");
}

#[test]
fn whoever_is_stopped_by_a_limit_is_shown_to_the_officer() {
    let demo = shared();
    let (worker, further) = used_up(demo, 5, 1);
    worker.read(&further[0], "name", REGISTRATION).refused(429, "reveal_limit");
    let auditor = demo.role("compliance_auditor");
    let path = format!("/v1/audit/anomalies?rule=stopped_by_limit&actor={}", worker.id);
    let mut found: Value = Value::Null;
    await_until("the rule has read the entry", || {
        found = auditor.get(&path).expect(200).body["anomalies"][0].clone();
        !found.is_null()
    });
    assert_eq!(found["rule"], "stopped_by_limit");
}

#[test]
fn whoever_asks_again_and_again_is_stopped_whatever_the_answers_were() {
    let demo = shared();
    let lead = demo.role("community_cadre");
    let worker = somebody(demo, demo.worker(1).grid());
    for _ in 0..ASKS {
        let raise = ask(&worker, "other", 1, 10).expect(201).text_of("id").to_owned();
        decide(&lead, &raise, "refuse").expect(200);
    }
    let stopped = ask(&worker, "other", 1, 10).refused(429, "rate_limited");
    assert_eq!(demo.entry_of(&stopped)["why"], "rate_limited");
    ask(&somebody(demo, demo.worker(1).grid()), "other", 1, 10).expect(201);
}
