//! The scrub: what somebody does to the store behind the vault's back is found, and said in the log.
//! Never with the vault's help: the engine's files are opened as whoever has the host would open them.
//! The vault is a real one; its configuration is edited as an operator would.

use super::bodies::{REGISTRATION, adult};
use super::client::Reply;
use super::harness::{Demo, await_until};
use serde_json::Value;
use std::collections::BTreeMap;

/// First byte of the keys of rows.
const ROW: u8 = 0x01;

/// Rows of the engine, by their keys.
type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

fn engine(demo: &Demo) -> sled::Db {
    sled::open(demo.directory().join("store")).expect("nobody has the store")
}

fn rows(demo: &Demo) -> Rows {
    let pairs = engine(demo).scan_prefix([ROW]);
    pairs
        .map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec())).expect("read"))
        .collect()
}

fn key_of(id: &str) -> Vec<u8> {
    let id = uuid::Uuid::parse_str(id).expect("an id");
    [&[ROW], &id.as_bytes()[..]].concat()
}

/// Has the scrub work all the time, and its numbers served.
fn hurry(demo: &Demo) {
    demo.with_metrics();
    demo.configure("scrub_rest_seconds = 1\n");
}

/// The first entry of a round from an index on.
pub fn round_from(demo: &Demo, index: u64) -> Value {
    let mut found = None;
    await_until("a round of the scrub", || {
        let entries = demo.log().entries(index, 4_096).expect("the log is read");
        let entries = entries.iter().map(|entry| serde_json::from_slice(entry).expect("an entry"));
        found = entries.into_iter().find(|entry: &Value| entry["act"] == "scrub");
        found.is_some()
    });
    found.expect("a round")
}

fn size(demo: &Demo) -> u64 {
    demo.log().size().expect("a checkpoint")
}

/// A number of the vault's.
pub fn value(reply: &Reply, name: &str) -> f64 {
    let mut lines = reply.text.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}: {}", reply.text)).parse().expect("a number")
}

#[test]
fn whole_store_is_held_against_the_log_and_nothing_differs_while_people_work() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    hurry(&demo);
    demo.start_again();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let ids: Vec<String> = (0..8)
        .map(|_| worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned())
        .collect();
    worker.patch(&ids[0], 1, REGISTRATION, serde_json::json!({"sex": "1"})).expect(200);
    head.delete(&ids[1], 1, REGISTRATION).expect(200);
    let after = worker.read(&ids[2], "name", REGISTRATION).expect(200).index();
    let first = round_from(&demo, after);
    let second = round_from(&demo, first["seq"].as_u64().expect("an index") + 1);
    assert_eq!(demo.stop(), Some(0));
    let records = rows(&demo).len() as u64;
    for round in [&first, &second] {
        assert_eq!(round["out"], "success", "{round}");
        for fault in ["changed", "missing", "unknown", "unreadable"] {
            assert_eq!(round["x"][fault], 0, "{round}");
        }
    }
    // Everything but what was removed; its row says that it was.
    assert_eq!(second["x"]["judged"], records - 1, "{second}");
}

#[test]
fn row_put_back_row_taken_away_removed_row_brought_back_and_damaged_row_are_found() {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let create = || worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    let [patched, gone, removed, damaged] = [create(), create(), create(), create()];
    assert_eq!(demo.stop(), Some(0));
    let before = rows(&demo);
    demo.start_again();
    let (worker, head) = (demo.worker(1), demo.head(1));
    worker.patch(&patched, 1, REGISTRATION, serde_json::json!({"sex": "1"})).expect(200);
    head.delete(&removed, 1, REGISTRATION).expect(200);
    assert_eq!(demo.stop(), Some(0));
    let from = size(&demo);
    {
        let engine = engine(&demo);
        for id in [&patched, &removed] {
            let key = key_of(id);
            engine.insert(&key, before[&key].clone()).expect("put back");
        }
        engine.remove(key_of(&gone)).expect("taken away").expect("it was there");
        let mut bytes = before[&key_of(&damaged)].clone();
        bytes.truncate(40);
        engine.insert(key_of(&damaged), bytes).expect("damaged");
        engine.flush().expect("flushed");
    }
    hurry(&demo);
    demo.start_again();
    let round = round_from(&demo, from);
    assert_eq!(round["out"], "error", "{round}");
    // The damaged row says nothing of its record, which is missed beside it.
    for (fault, count) in [("changed", 1), ("missing", 2), ("unknown", 1), ("unreadable", 1)] {
        assert_eq!(round["x"][fault], count, "{fault}: {round}");
    }
    assert_eq!(round["rec"].as_array().map(Vec::len), Some(4), "{round}");
    let numbers = demo.metrics();
    assert_eq!(value(&numbers, "gridvault_scrub_faults"), 5.0);
    assert_eq!(value(&numbers, "gridvault_scrub_failing"), 0.0);
    assert!(value(&numbers, "gridvault_scrub_rounds") >= 1.0);
    assert!(value(&numbers, "gridvault_scrub_time_seconds") > 1.7e9);
    assert_eq!(demo.stop(), Some(0));
}
