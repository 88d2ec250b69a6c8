//! A write that is said twice under one key is done once, and answered the same.
//! Never across callers, never for a refusal, and never for other words under the same key.
//! What was acknowledged is remembered through a crash, because it is durable with the write itself.

use super::actor::Actor;
use super::bodies::{CORRECTION, REGISTRATION, adult, basis, contact, fresh_phone, unknown_id};
use super::client::{Call, Reply};
use super::entries::happened;
use super::harness::{Demo, await_until, shared};
use super::requests::guarded;
use gridvault::limits::IDEMPOTENCY_KEY_CHARACTERS_MAX;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

const HEADER: &str = "idempotency-key";

fn create(worker: &Actor, key: &str, body: &Value) -> Reply {
    let purpose = body["basis"]["purpose"].as_str().expect("a purpose");
    worker.call("POST", "/v1/records").purpose(purpose).header(HEADER, key).json(body).send()
}

/// Says it twice; the second answer is the first one, and says so.
#[track_caller]
fn assert_done_once(demo: &Demo, say: impl Fn() -> Call) -> Reply {
    let first = say().send();
    let second = say().send();
    assert!(first.status < 300, "{}", first.text);
    assert_eq!((second.status, &second.text), (first.status, &first.text));
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(second.header("idempotent-replayed"), "true");
    for header in ["audit-receipt", "etag"] {
        assert_eq!(second.header(header), first.header(header));
    }
    demo.entry_of(&first);
    first
}

#[test]
fn every_write_that_is_said_twice_is_done_once() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = adult(worker.grid());
    let created = assert_done_once(demo, || {
        let call = worker.call("POST", "/v1/records").purpose(REGISTRATION);
        call.header(HEADER, "verbs-create").json(&body)
    });
    let path = format!("/v1/records/{}", created.text_of("id"));
    let patched = assert_done_once(demo, || {
        let call = worker.call("PATCH", &path).purpose(REGISTRATION).version(1);
        call.header(HEADER, "verbs-patch").json(&json!({"fields": {"sex": "1"}}))
    });
    assert_eq!(patched.body["version"], 2);
    let head = demo.head(1);
    assert_done_once(demo, || {
        let call = head.call("DELETE", &path).purpose(REGISTRATION).version(2);
        call.header(HEADER, "verbs-delete").json(&json!({"reason": "collected in error"}))
    });
    // What was done before stays answered as it was, whatever became of the record.
    assert_eq!(create(&worker, "verbs-create", &body).expect(201).text, created.text);
    let person = json!({"ref": "p1", "fields": adult(worker.grid())["fields"]});
    let household = json!({
        "grid": worker.grid(), "basis": basis(REGISTRATION), "fields": {"kind": "family"},
        "people": [person],
    });
    let stored = assert_done_once(demo, || {
        let call = worker.call("POST", "/v1/households").purpose(REGISTRATION);
        call.header(HEADER, "verbs-household").json(&household)
    });
    assert_eq!(stored.body["people"][0]["ref"], "p1");
}

#[test]
fn same_key_with_anything_else_is_a_mismatch() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = adult(worker.grid());
    let created = create(&worker, "mismatch", &body).expect(201);
    let id = created.text_of("id");
    let keyed = |call: Call| call.header(HEADER, "mismatch");
    let mismatch = "idempotency_mismatch";
    create(&worker, "mismatch", &adult(worker.grid())).refused(422, mismatch);
    create(&worker, "mismatch", &contact(worker.grid(), &fresh_phone())).refused(422, mismatch);
    // The same words, but for one blank.
    let call = worker.call("POST", "/v1/records").purpose(REGISTRATION);
    let blank = format!("{body} ");
    let reply = keyed(call).bytes("application/json", blank.as_bytes()).send();
    assert!(reply.body["audit_index"].is_u64() && !reply.body["retryable"].as_bool().expect("set"));
    reply.refused(422, mismatch);

    let patch = |id: &str, version: u64, purpose: &str| {
        let call = worker.call("PATCH", &format!("/v1/records/{id}")).purpose(purpose);
        let call = call.version(version).header(HEADER, "mismatch-patch");
        call.json(&json!({"fields": {"sex": "1"}})).send()
    };
    let other = worker.create(&adult(worker.grid())).expect(201);
    patch(id, 1, REGISTRATION).expect(200);
    patch(id, 2, REGISTRATION).refused(422, mismatch);
    patch(id, 1, CORRECTION).refused(422, mismatch);
    patch(other.text_of("id"), 1, REGISTRATION).refused(422, mismatch);
    patch(id, 1, REGISTRATION).expect(200);
    let read = worker.read(id, "sex", REGISTRATION).expect(200);
    assert_eq!(read.body["version"], 2);
}

#[test]
fn key_is_taken_at_its_limit_and_refused_beyond_it() {
    let demo = shared();
    let worker = demo.worker(2);
    let longest = "k".repeat(IDEMPOTENCY_KEY_CHARACTERS_MAX);
    create(&worker, &longest, &adult(worker.grid())).expect(201);
    for bad in [format!("{longest}k"), String::new(), "a b".to_owned()] {
        create(&worker, &bad, &adult(worker.grid())).refused(400, "schema_invalid");
    }
    let call = worker.call("POST", "/v1/records").purpose(REGISTRATION).json(&adult(worker.grid()));
    call.header(HEADER, "one").header(HEADER, "two").send().refused(400, "schema_invalid");
}

/// The writes that are remembered by a key.
const KEYED: [(&str, &str); 5] = [
    ("POST", "/v1/records"),
    ("PATCH", "/v1/records/{id}"),
    ("DELETE", "/v1/records/{id}"),
    ("POST", "/v1/records/batch"),
    ("POST", "/v1/households"),
];

/// A path with an id in place of each name.
fn named(path: &str) -> String {
    let name = |part: &str| if part.starts_with('{') { unknown_id() } else { part.to_owned() };
    path.split('/').map(name).collect::<Vec<_>>().join("/")
}

#[test]
fn key_is_refused_by_every_write_that_would_not_remember_it() {
    let demo = shared();
    let worker = demo.worker(5);
    let mut refused = 0;
    for route in guarded() {
        let (method, path) = (route.method.as_str(), route.path);
        if method == "GET" || KEYED.contains(&(method, path)) {
            continue;
        }
        let reply = worker.call(method, &named(path)).header(HEADER, "unheeded").send();
        let reply = reply.refused(400, "schema_invalid");
        assert_eq!(reply.pointers(), ["Idempotency-Key: not_taken_here"], "{method} {path}");
        assert!(reply.body["audit_index"].is_u64(), "{method} {path}");
        refused += 1;
    }
    assert!(refused > KEYED.len(), "most writes remember no key");
    for path in ["/v1/enrol", "/v1/log-in"] {
        let reply = demo.call("POST", path).header(HEADER, "unheeded").json(&json!({})).send();
        let reply = reply.refused(400, "schema_invalid");
        assert_eq!(reply.pointers(), ["Idempotency-Key: not_taken_here"], "{path}");
    }
    // What only reads may be said again anyway.
    worker.call("GET", "/v1/purposes").header(HEADER, "unheeded").send().expect(200);
}

#[test]
fn description_names_the_key_where_it_is_taken_and_nowhere_else() {
    let document = shared().call("GET", "/openapi.json").send().expect(200).body;
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let parameters = operation["parameters"].as_array();
            if parameters.is_some_and(|all| all.iter().any(|it| it["name"] == "Idempotency-Key")) {
                found.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    let mut keyed = KEYED.map(|(method, path)| (method.to_owned(), path.to_owned())).to_vec();
    found.sort();
    keyed.sort();
    assert_eq!(found, keyed);
}

#[test]
fn callers_with_the_same_key_do_not_meet() {
    let demo = shared();
    let (one, two) = (demo.worker(1), demo.worker(2));
    let first = create(&one, "shared-key", &adult(one.grid())).expect(201);
    let second = create(&two, "shared-key", &adult(two.grid())).expect(201);
    assert_ne!(first.text_of("id"), second.text_of("id"));
    assert_eq!(second.header("idempotent-replayed"), "");
}

#[test]
fn refusal_is_not_remembered() {
    let demo = shared();
    let worker = demo.worker(2);
    let mut body = adult(worker.grid());
    body["fields"]["sex"] = json!("7");
    create(&worker, "refused-first", &body).refused(400, "schema_invalid");
    create(&worker, "refused-first", &body).refused(400, "schema_invalid");
    body["fields"]["sex"] = json!("1");
    let reply = create(&worker, "refused-first", &body).expect(201);
    assert_eq!(reply.header("idempotent-replayed"), "");
}

#[test]
fn answer_that_is_given_again_tells_nobody_else_anything() {
    let demo = shared();
    let worker = demo.worker(2);
    let body = adult(worker.grid());
    let created = create(&worker, "no-token", &body).expect(201);
    let call = demo.call("POST", "/v1/records").purpose(REGISTRATION).header(HEADER, "no-token");
    call.json(&body).send().refused(401, "token_invalid");
    let neighbour = create(&demo.worker(3), "no-token", &body).refused(403, "out_of_territory");
    assert!(!neighbour.text.contains(created.text_of("id")));
}

#[test]
fn no_second_entry_says_that_it_happened() {
    let demo = shared();
    let worker = demo.worker(3);
    let body = adult(worker.grid());
    let first = create(&worker, "one-entry", &body).expect(201);
    create(&worker, "one-entry", &body).expect(201);
    let after = worker.get("/v1/purposes").expect(200);
    let entries = demo.entries_between(first.index(), after.index());
    let creations = entries.iter().filter(|entry| {
        entry["who"] == json!(worker.id) && happened(entry) == "data.create success"
    });
    assert_eq!(creations.count(), 1);
}

/// A write as it is said, each time the same.
#[derive(Clone)]
struct Said {
    method: &'static str,
    path: String,
    body: Value,
}

impl Said {
    /// By whoever works in the grid, under a key.
    fn by(&self, worker: &Actor, key: &str) -> Call {
        let call = worker.call(self.method, &self.path).purpose(REGISTRATION).header(HEADER, key);
        let call = if self.method == "PATCH" { call.version(1) } else { call };
        call.json(&self.body)
    }

    /// The status of its being done.
    fn status(&self) -> u16 {
        if self.method == "PATCH" { 200 } else { 201 }
    }
}

/// What was said under each key, and what was answered if it was.
type Told = BTreeMap<String, (Said, Option<Reply>)>;

/// Creates, households and changes in turn, until no answer comes.
fn write_on(worker: &Actor, done: &AtomicBool, told: &Mutex<Told>) {
    let mut last = None;
    for number in 0.. {
        if done.load(Ordering::Relaxed) {
            return;
        }
        let person = adult(worker.grid());
        let said = match (number % 3, last.take()) {
            (1, Some(id)) => Said {
                method: "PATCH",
                path: format!("/v1/records/{id}"),
                body: json!({"fields": {"sex": "1"}}),
            },
            (2, _) => Said {
                method: "POST",
                path: "/v1/households".to_owned(),
                body: json!({
                    "grid": worker.grid(), "basis": basis(REGISTRATION), "fields": {"kind": "family"},
                    "people": [{"ref": "p1", "fields": person["fields"]}],
                }),
            },
            _ => Said { method: "POST", path: "/v1/records".to_owned(), body: person },
        };
        let key = format!("crash-{}-{number}", worker.id);
        told.lock().expect("no panic").insert(key.clone(), (said.clone(), None));
        let Ok(reply) = said.by(worker, &key).try_send() else { return };
        let reply = reply.expect(said.status());
        if said.path == "/v1/records" {
            last = Some(reply.text_of("id").to_owned());
        }
        told.lock().expect("no panic").insert(key, (said, Some(reply)));
    }
}

#[test]
fn key_survives_a_crash_together_with_its_write() {
    let mut demo = Demo::own();
    let workers: Vec<Actor> = (1..=3).map(|grid| demo.worker(grid)).collect();
    let (done, told) = (AtomicBool::new(false), Mutex::new(Told::new()));
    std::thread::scope(|scope| {
        for worker in &workers {
            scope.spawn(|| write_on(worker, &done, &told));
        }
        await_until("enough was said", || told.lock().expect("no panic").len() >= 60);
        demo.kill();
        done.store(true, Ordering::Relaxed);
    });
    demo.start_again();
    let told = told.into_inner().expect("no panic");
    let doubtful = told.values().filter(|(_, before)| before.is_none()).count();
    assert!(doubtful > 0, "the crash fell on nothing that was said");
    let begin = demo.worker(4).get("/v1/purposes").expect(200).index();
    let (mut fresh, mut last) = (0, begin);
    for worker in &workers {
        let worker = demo.actors().into_iter().find(|actor| actor.id == worker.id).expect("there");
        let own = told.iter().filter(|(key, _)| key.contains(&worker.id));
        for (key, (said, before)) in own {
            let again = said.by(&worker, key).send().expect(said.status());
            let replayed = again.header("idempotent-replayed") == "true";
            match before {
                Some(before) => assert_eq!((replayed, &again.text), (true, &before.text), "{key}"),
                // Not acknowledged: it is there as a whole, or it was done only now.
                None => fresh += usize::from(!replayed),
            }
            last = last.max(again.index());
            let once_more = said.by(&worker, key).send().expect(said.status());
            assert_eq!(once_more.text, again.text, "{key}");
        }
    }
    let entries = demo.entries_between(begin, last);
    let written = ["data.create success", "data.household success", "data.update success"];
    let writes = entries.iter().filter(|entry| written.contains(&happened(entry).as_str()));
    assert_eq!(writes.count(), fresh, "nothing was stored again");
}
