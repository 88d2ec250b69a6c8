//! Whoever has the store exchanges what is sealed and what is indexed between records, or cuts it: refused at the read, with its reason,
//! and recorded.
//! Never with the vault's help: the engine's file is opened as whoever has the host would open it, while the vault is stopped.
//! What was not touched is read, listed and found as before.

use super::actor::Actor;
use super::bodies::{
    EMPLOYMENT, REGISTRATION, adult, fresh_number, fresh_phone, place, record, unknown_id,
};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, await_until};
use super::scrub::value;
use serde_json::{Value, json};

/// First bytes of the keys of rows, wrapped keys and index terms.
const ROW: u8 = 0x01;
const SUBJECT_KEY: u8 = 0x02;
const TERM: u8 = 0x03;
/// Version and index of the entry that wrote it stand before each payload.
const BEFORE_PAYLOAD: usize = 16;

/// Somebody whom the vault holds.
struct Held {
    id: String,
    subject: String,
    phone: String,
    number: String,
    /// The entry that stored it, and the record's handle there.
    stored: u64,
    handle: Value,
}

fn hold(demo: &Demo, worker: &Actor, mut body: Value) -> Held {
    body["fields"]["phone"] = json!(fresh_phone());
    let word = |field: &str| body["fields"][field].as_str().unwrap_or_default().to_owned();
    let reply = worker.create(&body).expect(201);
    Held {
        id: reply.text_of("id").to_owned(),
        subject: reply.text_of("subject").to_owned(),
        phone: word("phone"),
        number: word("id_number"),
        stored: reply.index(),
        handle: demo.entry_of(&reply)["rec"][0].clone(),
    }
}

fn pair(demo: &Demo, worker: &Actor) -> [Held; 2] {
    [0, 1].map(|_| hold(demo, worker, adult(worker.grid())))
}

fn key(kind: u8, id: &str) -> Vec<u8> {
    let id = uuid::Uuid::parse_str(id).expect("an id");
    [&[kind], &id.as_bytes()[..]].concat()
}

/// The engine of a stopped vault.
struct Engine(sled::Db);

impl Engine {
    fn of(demo: &Demo) -> Engine {
        Engine(sled::open(demo.directory().join("store")).expect("nobody has the store"))
    }

    fn swap(&self, one: &[u8], other: &[u8]) {
        let [first, second] =
            [one, other].map(|key| self.0.get(key).expect("a store").expect("a value"));
        self.0.insert(one, second).expect("put");
        self.0.insert(other, first).expect("put");
    }

    /// Leads every term of each of two records to the other one.
    fn swap_terms(&self, one: &str, other: &str) {
        let terms_of = |id: &str| {
            let id = key(0, id)[1..].to_vec();
            let all = self.0.scan_prefix([TERM]).map(|pair| pair.expect("read"));
            all.filter(|(key, _)| key.ends_with(&id)).collect::<Vec<_>>()
        };
        let (first, second) = (terms_of(one), terms_of(other));
        assert!(!first.is_empty() && first.len() == second.len());
        for (terms, to) in [(first, other), (second, one)] {
            for (term, value) in terms {
                self.0.remove(&term).expect("taken away");
                let moved = [&term[..term.len() - 16], &key(0, to)[1..]].concat();
                self.0.insert(moved, value).expect("put");
            }
        }
    }

    /// A row: header, attributes and sections, each behind its length in four bytes.
    fn parts(&self, id: &str) -> (Vec<u8>, Vec<Vec<u8>>) {
        let value = self.0.get(key(ROW, id)).expect("a store").expect("a row");
        let (before, mut rest) = value.split_at(BEFORE_PAYLOAD + 1);
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (length, behind) = rest.split_first_chunk::<4>().expect("a length");
            let (part, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
            parts.push(part.to_vec());
            rest = behind;
        }
        (before.to_vec(), parts)
    }

    fn put(&self, id: &str, before: Vec<u8>, parts: &[Vec<u8>]) {
        let mut value = before;
        for part in parts {
            value.extend_from_slice(&u32::try_from(part.len()).expect("short").to_be_bytes());
            value.extend_from_slice(part);
        }
        self.0.insert(key(ROW, id), value).expect("put");
    }

    /// Exchanges one part of two rows: 0 is the header, 1 the attributes.
    fn swap_part(&self, one: &str, other: &str, which: usize) {
        self.swap_parts(one, other, which, which + 1);
    }

    /// Exchanges all sections of two rows.
    fn swap_sections(&self, one: &str, other: &str) {
        let count = self.parts(one).1.len();
        self.swap_parts(one, other, 2, count);
    }

    fn swap_parts(&self, one: &str, other: &str, from: usize, to: usize) {
        let ((before, mut first), (after, mut second)) = (self.parts(one), self.parts(other));
        assert_eq!(first.len(), second.len(), "rows of one shape");
        first[from..to].swap_with_slice(&mut second[from..to]);
        self.put(one, before, &first);
        self.put(other, after, &second);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.0.flush().expect("flushed");
    }
}

/// Changes the store behind the back of a vault.
fn behind(demo: &mut Demo, change: impl FnOnce(&Engine)) {
    assert_eq!(demo.stop(), Some(0));
    change(&Engine::of(demo));
    demo.start_again();
}

/// The entry of a fault that a request met, and what it says of it.
#[track_caller]
fn fault_of(demo: &Demo, reply: &Reply, call: &str, what: &str, who: &Actor) -> Value {
    let entry = demo.entry_of(reply);
    assert_eq!(happened(&entry), format!("{call} error"), "{entry}");
    assert_eq!((&entry["why"], &entry["x"]["damaged"]), (&json!("integrity"), &json!(what)));
    assert_eq!(entry["who"], json!(who.id), "{entry}");
    entry
}

/// The fault entries of an answer that has another one.
#[track_caller]
fn beside(demo: &Demo, reply: &Reply) -> Vec<Value> {
    let (log, request) = (demo.log(), demo.entry_of(reply)["req"].clone());
    let through = reply.index() + 1;
    await_until("the entry behind it is published", || log.size().expect("a checkpoint") > through);
    let entries = demo.entries_between(reply.index(), through);
    let own = entries.into_iter().filter(|entry| entry["req"] == request);
    own.filter(|entry| entry["why"] == "integrity").collect()
}

fn is_unharmed(worker: &Actor, held: &Held) {
    let read = worker.read(&held.id, "phone", REGISTRATION).expect(200);
    assert_eq!(read.body["masked"], json!([]), "{}", read.text);
    assert_eq!(read.body["fields"]["phone"], json!(held.phone));
    let matched = worker.matches("phone", &held.phone, REGISTRATION).expect(200);
    assert_eq!(matched.body["held"], true);
}

#[test]
fn what_is_exchanged_or_cut_is_refused_at_the_read_and_recorded_with_its_reason() {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let pairs = [0; 6].map(|_| pair(&demo, &worker));
    let [rows, headers, attributes, keys, sections, cut] = &pairs;
    let sound = hold(&demo, &worker, adult(worker.grid()));
    demo.with_metrics();
    demo.configure("scrub_rest_seconds = 86400\n");
    behind(&mut demo, |engine| {
        let both = |pair: &[Held; 2], kind| [0, 1].map(|at: usize| key(kind, &pair[at].id));
        let [one, other] = both(rows, ROW);
        engine.swap(&one, &other);
        engine.swap_part(&headers[0].id, &headers[1].id, 0);
        engine.swap_part(&attributes[0].id, &attributes[1].id, 1);
        engine.swap(&key(SUBJECT_KEY, &keys[0].subject), &key(SUBJECT_KEY, &keys[1].subject));
        engine.swap_sections(&sections[0].id, &sections[1].id);
        for held in cut {
            let (before, mut parts) = engine.parts(&held.id);
            parts[2..].iter_mut().for_each(|section| section.truncate(section.len() - 1));
            engine.put(&held.id, before, &parts);
        }
    });
    let worker = demo.worker(1);
    let whats = ["row", "row", "attributes", "key", "section", "section"];
    let mut met = 0;
    for (pair, what) in pairs.iter().zip(whats) {
        for held in pair {
            let reply = worker.read(&held.id, "phone", REGISTRATION).refused(500, "internal");
            let entry = fault_of(&demo, &reply, "data.read", what, &worker);
            assert_eq!(entry["pur"], REGISTRATION);
            let is_known = matches!(what, "key" | "section");
            let named = if is_known { json!([held.handle]) } else { Value::Null };
            assert_eq!(entry["rec"], named, "{what}: {entry}");
            // Nothing is opened before its entry: the one that let it says so, and this one that nothing was given.
            match entry["x"]["after"].as_u64() {
                Some(after) => {
                    let before = demo.entry(after);
                    assert!(is_known && happened(&before) == "data.read success", "{before}");
                    assert_eq!(before["req"], entry["req"]);
                }
                None => assert!(!is_known, "{entry}"),
            }
            let names = (what == "attributes").then_some(held.stored);
            assert_eq!(entry["x"]["written_by"].as_u64(), names, "{entry}");
            assert!(!reply.text.contains(&held.phone) && !entry.to_string().contains(&held.phone));
            met += 1;
        }
    }
    // Read again it costs one entry again, and nobody is locked out for it.
    let reply = worker.read(&sections[0].id, "phone", REGISTRATION).refused(500, "internal");
    fault_of(&demo, &reply, "data.read", "section", &worker);
    // A change of it and its removal are refused like a read.
    let reply = worker.patch(&attributes[0].id, 1, REGISTRATION, json!({"sex": "1"}));
    fault_of(&demo, &reply.refused(500, "internal"), "data.update", "attributes", &worker);
    let head = demo.head(1);
    let reply = head.delete(&attributes[0].id, 1, REGISTRATION).refused(500, "internal");
    fault_of(&demo, &reply, "data.delete", "attributes", &head);
    // Whoever may not know of a record learns nothing of its sections, and that nothing was met.
    let neighbour = demo.worker(2);
    for id in [&sections[0].id, &keys[0].id, &unknown_id()] {
        let reply = neighbour.read(id, "phone", REGISTRATION).refused(404, "not_found");
        assert_eq!(happened(&demo.entry_of(&reply)), "access.denied denied");
    }
    is_unharmed(&worker, &sound);
    let auditor = demo.role("compliance_auditor");
    let search = "/v1/audit/entries?why=integrity&outcome=error&limit=100";
    await_until("every fault is found by a search", || {
        let found = auditor.get(search).expect(200);
        found.body["entries"].as_array().map(Vec::len) == Some(met + 3)
    });
    let numbers = demo.metrics();
    assert_eq!(value(&numbers, "gridvault_damage_met_total"), (met + 3) as f64);
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn index_terms_that_are_led_to_another_record_find_nobody_and_are_recorded() {
    let mut demo = Demo::own();
    let (worker, neighbour) = (demo.worker(1), demo.worker(2));
    let own = pair(&demo, &worker);
    // One of the own grid and one of the next: the value of either must not tell of the other.
    let apart = [&worker, &neighbour].map(|who| hold(&demo, who, adult(who.grid())));
    let named = ["book-1", "book-2"].map(|name| {
        let mut body = adult(worker.grid());
        body["external_ref"] = json!(name);
        hold(&demo, &worker, body)
    });
    let applicants = [0, 1].map(|_| {
        let fields = json!({"name": "吴志坚", "id_number": fresh_number("1971-05-06")});
        hold(&demo, &worker, record("person", worker.grid(), EMPLOYMENT, fields))
    });
    let links = [0, 1].map(|at: usize| {
        let place = worker.create(&place(worker.grid())).expect(201).text_of("id").to_owned();
        let fields =
            json!({"person": own[at].subject, "place": place, "move_in_date": "2020-01-01"});
        let link = record("residence", worker.grid(), REGISTRATION, fields);
        (place, worker.create(&link).expect(201).text_of("id").to_owned())
    });
    let sound = hold(&demo, &worker, adult(worker.grid()));
    behind(&mut demo, |engine| {
        for [one, other] in [&own, &apart, &named, &applicants] {
            engine.swap_terms(&one.id, &other.id);
        }
        engine.swap_terms(&links[0].1, &links[1].1);
    });
    let (worker, neighbour) = (demo.worker(1), demo.worker(2));
    let is_nobody = |who: &Actor, held: &Held, other: &Held| {
        for (field, value) in [("phone", &held.phone), ("id_number", &held.number)] {
            let reply = who.matches(field, value, REGISTRATION).expect(200);
            assert_eq!((&reply.body["held"], &reply.body["link"]), (&json!(false), &Value::Null));
            assert_eq!(happened(&demo.entry_of(&reply)), "data.match success");
            let faults = beside(&demo, &reply);
            assert_eq!(faults.len(), 1);
            assert_eq!(happened(&faults[0]), "data.match error");
            assert_eq!(
                (&faults[0]["x"]["damaged"], &faults[0]["rec"]),
                (&json!("term"), &json!([other.handle]))
            );
            assert_eq!(faults[0]["who"], json!(who.id));
        }
        let ask = json!({"type": "person", "fields": ["name"], "match": {"phone": held.phone}});
        let listed = who.query(&ask, REGISTRATION).expect(200);
        assert_eq!(listed.body["items"], json!([]), "{}", listed.text);
        assert_eq!(happened(&beside(&demo, &listed)[0]), "data.query error");
    };
    for [one, other] in [&own, &named] {
        is_nobody(&worker, one, other);
        is_nobody(&worker, other, one);
    }
    is_nobody(&worker, &apart[0], &apart[1]);
    is_nobody(&neighbour, &apart[1], &apart[0]);
    for (name, other) in [("book-1", &named[1]), ("book-2", &named[0])] {
        let ask = json!({"type": "person", "fields": ["name"], "external_ref": name});
        let listed = worker.query(&ask, REGISTRATION).expect(200);
        assert_eq!(listed.body["items"], json!([]), "{}", listed.text);
        assert_eq!(beside(&demo, &listed)[0]["rec"], json!([other.handle]));
    }
    let cadre = demo.role("community_cadre");
    for held in &applicants {
        let body = json!({"field": "id_number", "value": held.number, "fields": ["name"]});
        let check = cadre.call("POST", "/v1/counter-checks").purpose(EMPLOYMENT).json(&body);
        let checked = check.send().expect(200);
        assert_eq!((&checked.body["held"], &checked.body["case"]), (&json!(false), &Value::Null));
        assert_eq!(beside(&demo, &checked)[0]["x"]["damaged"], "term");
    }
    // Who lives at a place is asked by the place: a page that is led astray could not say that it is whole.
    for (place, _) in &links {
        let reply = worker.occupants(place, &["name"], REGISTRATION).refused(500, "internal");
        fault_of(&demo, &reply, "data.occupants", "term", &worker);
    }
    for held in own.iter().chain(&named).chain([&apart[0]]) {
        let read = worker.read(&held.id, "phone", REGISTRATION).expect(200);
        assert_eq!(read.body["fields"]["phone"], json!(held.phone));
    }
    is_unharmed(&worker, &sound);
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn page_that_comes_upon_a_damaged_record_is_refused_whole_and_recorded() {
    let mut demo = Demo::own();
    let (worker, neighbour) = (demo.worker(1), demo.worker(2));
    let (attributes, sections) = (pair(&demo, &worker), pair(&demo, &neighbour));
    behind(&mut demo, |engine| {
        engine.swap_part(&attributes[0].id, &attributes[1].id, 1);
        engine.swap_sections(&sections[0].id, &sections[1].id);
    });
    let (worker, neighbour) = (demo.worker(1), demo.worker(2));
    let people = |who: &Actor| {
        let ask = json!({"type": "person", "grid": who.grid(), "fields": ["name"], "limit": 256});
        who.query(&ask, REGISTRATION)
    };
    let reply = people(&worker).refused(500, "internal");
    let entry = fault_of(&demo, &reply, "data.query", "attributes", &worker);
    let stored: Vec<u64> = attributes.iter().map(|held| held.stored).collect();
    assert!(stored.contains(&entry["x"]["written_by"].as_u64().expect("an index")), "{entry}");
    let reply = people(&neighbour).refused(500, "internal");
    let entry = fault_of(&demo, &reply, "data.query", "section", &neighbour);
    let named = entry["rec"].as_array().expect("handles").clone();
    assert!(sections.iter().any(|held| named == [held.handle.clone()]), "{entry}");
    let before = demo.entry(entry["x"]["after"].as_u64().expect("an index"));
    assert_eq!(happened(&before), "data.query success");
    // By a value: the damaged record's page is none, and a sound one's is as ever.
    let by_phone = |who: &Actor, phone: &str| {
        let ask = json!({"type": "person", "fields": ["name"], "match": {"phone": phone}});
        who.query(&ask, REGISTRATION)
    };
    let reply = by_phone(&worker, &attributes[0].phone).refused(500, "internal");
    fault_of(&demo, &reply, "data.query", "attributes", &worker);
    // Whether it is held, nobody can say any more; so it is not.
    let matched = worker.matches("phone", &attributes[0].phone, REGISTRATION).expect(200);
    assert_eq!(matched.body["held"], false);
    let faults = beside(&demo, &matched);
    assert_eq!((faults.len(), &faults[0]["x"]["damaged"]), (1, &json!("attributes")));
    // The feed opens no section: the neighbour's goes on, the worker's is refused where it comes upon what nobody vouches for.
    let refused = (0..200).try_fold(None::<String>, |since, _| {
        let page = worker.changes(since.as_deref(), 50, REGISTRATION);
        match page.status {
            200 => Ok(Some(page.text_of("cursor").to_owned())),
            _ => Err(page),
        }
    });
    let reply = refused.expect_err("a page that is refused").refused(500, "internal");
    fault_of(&demo, &reply, "data.changes", "attributes", &worker);
    neighbour.changes(None, 50, REGISTRATION).expect(200);
    // Everywhere else nothing is different.
    people(&demo.worker(3)).expect(200);
    let sound = hold(&demo, &worker, adult(worker.grid()));
    is_unharmed(&worker, &sound);
    assert_eq!(by_phone(&worker, &sound.phone).expect(200).body["items"][0]["id"], json!(sound.id));
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn entry_that_was_changed_on_the_disk_is_in_no_officers_list_and_by_itself_is_not_proven() {
    let demo = Demo::own();
    let auditor = demo.role("compliance_auditor");
    auditor.get("/v1/audit/entries?from=0&limit=1").expect(200);
    let bundle = demo.log_directory().join("tile/entries/000");
    let mut bytes = std::fs::read(&bundle).expect("a full bundle");
    // A letter of its request's id, so that it is still an entry by its form.
    let start = b"\"req\":\"";
    let at = bytes.windows(start.len()).position(|some| some == start).expect("a request's id");
    let letter = &mut bytes[at + start.len()];
    *letter = if *letter == b'A' { b'B' } else { b'A' };
    std::fs::write(&bundle, bytes).expect("written");
    let reply = auditor.get("/v1/audit/entries?from=0&limit=1").refused(500, "internal");
    let entry = demo.entry_of(&reply);
    assert_eq!((&entry["why"], &entry["x"]["damaged"]), (&json!("integrity"), &json!("entry")));
    assert_eq!((&entry["out"], &entry["who"]), (&json!("error"), &json!(auditor.id)));
    let looked = auditor.get("/v1/audit/entries/0").expect(200);
    assert_eq!(looked.body["proven"], false, "what lies there is shown to whoever looks at it");
    auditor.get("/v1/audit/entries?from=256&limit=1").expect(200);
}
