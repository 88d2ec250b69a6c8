//! What is still there after a vault ended, in order or not: everything that was acknowledged.
//! Never two processes on one vault.
//! Each test has a vault of its own, since it ends it.

use super::actor::Actor;
use super::backup::entries;
use super::bodies::{CONTACT, REGISTRATION, adult, contact, fresh_phone};
use super::client::Reply;
use super::enrolment::newcomer;
use super::harness::{Demo, await_until, copied, program};
use super::program::run;
use gridvault_audit::verify::{VerifierKey, verify_directory};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Fields that a worker sees of a grown-up.
const FIELDS: &str = "name,sex,birth_date,phone,current_address,residence_kind,verified_at";

/// The same actor with the address and token of the present run.
fn now(demo: &Demo, actor: &Actor) -> Actor {
    let found = demo.actors().into_iter().find(|one| one.id == actor.id);
    found.expect("the page of every run names the same actors")
}

fn shown(worker: &Actor, id: &str) -> String {
    let reply = worker.read(id, FIELDS, REGISTRATION).expect(200);
    format!("{} {}", reply.body["version"], reply.body["fields"])
}

#[track_caller]
fn assert_log_holds(demo: &Demo) {
    let key = VerifierKey::parse(demo.log_key()).expect("the key of the page");
    verify_directory(&demo.log_directory(), &key, None).expect("the log holds");
}

#[test]
fn vault_that_was_stopped_has_every_record_as_it_was() {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let ids: Vec<String> = (0..20)
        .map(|_| worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned())
        .collect();
    worker.patch(&ids[3], 1, REGISTRATION, serde_json::json!({"sex": "1"})).expect(200);
    demo.head(1).delete(&ids[4], 1, REGISTRATION).expect(200);
    let kept: Vec<&String> = ids.iter().filter(|id| **id != ids[4]).collect();
    let mut before: Vec<String> = kept.iter().map(|id| shown(&worker, id)).collect();
    before.push(shown(&worker, demo.sample_record()));
    let sample = demo.sample_record().to_owned();
    let added = newcomer(&demo, "grid_worker", worker.grid());
    let (origin, log_key) = (demo.origin().to_owned(), demo.log_key().to_owned());

    assert_eq!(demo.stop(), Some(0));
    demo.start_again();

    assert_eq!((demo.origin(), demo.log_key()), (origin.as_str(), log_key.as_str()));
    assert_eq!(demo.sample_record(), sample);
    let worker = now(&demo, &worker);
    let mut after: Vec<String> = kept.iter().map(|id| shown(&worker, id)).collect();
    after.push(shown(&worker, demo.sample_record()));
    assert_eq!(before, after);
    worker.read(&ids[4], "name", REGISTRATION).refused(410, "erased");
    demo.worker(2).read(&ids[4], "name", REGISTRATION).refused(404, "not_found");
    // Who was added by hand is still known, by the token of the run before.
    let added = Actor { url: demo.url().to_owned(), ..added };
    added.read(&ids[0], "name", REGISTRATION).expect(200);
    assert_eq!(demo.stop(), Some(0));
    assert_log_holds(&demo);
}

#[test]
fn day_of_a_matcher_goes_on_after_a_restart() {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let values: Vec<String> = (0..80).map(|_| fresh_phone()).collect();
    for value in &values {
        worker.matches("phone", value, REGISTRATION).expect(200);
    }
    assert_eq!(demo.stop(), Some(0));
    demo.start_again();
    let worker = now(&demo, &worker);
    worker.matches("phone", &fresh_phone(), REGISTRATION).refused(429, "reveal_limit");
    worker.matches("phone", &values[7], REGISTRATION).expect(200);
}

/// A write that was acknowledged: by whom, with which telephone, and the answer with its receipt.
struct Acknowledged {
    worker: String,
    phone: String,
    reply: Reply,
}

/// Writes until the vault is gone, noting what it acknowledged.
fn write_on(worker: &Actor, done: &AtomicBool, noted: &Mutex<Vec<Acknowledged>>) {
    while !done.load(Ordering::Relaxed) {
        let phone = fresh_phone();
        let body = contact(worker.grid(), &phone);
        let call = worker.call("POST", "/v1/records").purpose(CONTACT).json(&body);
        let Ok(reply) = call.try_send() else { return };
        let (worker, reply) = (worker.id.clone(), reply.expect(201));
        noted.lock().expect("no panic").push(Acknowledged { worker, phone, reply });
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let mut demo = Demo::own();
    let mut all: Vec<Acknowledged> = Vec::new();
    for round in 1..=2 {
        let workers: Vec<Actor> = (1..=3).map(|grid| demo.worker(grid)).collect();
        let (done, noted) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for worker in &workers {
                scope.spawn(|| write_on(worker, &done, &noted));
            }
            let enough = || noted.lock().expect("no panic").len() >= 30 * round;
            await_until("enough was acknowledged", enough);
            demo.kill();
            done.store(true, Ordering::Relaxed);
        });
        all.extend(noted.into_inner().expect("no panic"));
        demo.start_again();
        assert_all_there(&demo, &all);
    }
    assert_eq!(demo.stop(), Some(0));
    assert_log_holds(&demo);
}

#[track_caller]
fn assert_all_there(demo: &Demo, all: &[Acknowledged]) {
    let actors = demo.actors();
    for one in all {
        let worker = actors.iter().find(|actor| actor.id == one.worker).expect("a worker");
        let read = worker.read(one.reply.text_of("id"), "phone", CONTACT).expect(200);
        assert_eq!(read.body["fields"]["phone"], one.phone);
    }
    // The entry is where the receipt says, with the leaf that it says.
    for one in all.iter().rev().take(5) {
        let entry: Value = demo.entry_of(&one.reply);
        assert_eq!(entry["act"], "create");
    }
}

#[test]
fn second_process_on_a_vault_ends_and_the_first_goes_on() {
    let demo = Demo::own();
    let page = std::fs::read(demo.directory().join("demo.json")).expect("the page");
    let second = Command::new(program())
        .args(["demo", "--listen", "127.0.0.1:0", "--dir"])
        .arg(demo.directory())
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    assert_eq!(second.status.code(), Some(1), "{}", String::from_utf8_lossy(&second.stderr));
    assert!(second.stdout.is_empty());
    assert_eq!(std::fs::read(demo.directory().join("demo.json")).expect("the page"), page);
    let worker = demo.worker(1);
    worker.create(&adult(worker.grid())).expect(201);
    worker.read(demo.sample_record(), "name", REGISTRATION).expect(200);
}

#[test]
fn older_log_journal_or_store_in_the_place_of_the_newer_is_refused_with_what_is_behind_and_by_how_much()
 {
    let mut demo = Demo::own();
    let room = tempfile::tempdir().expect("a directory");
    assert_eq!(demo.stop(), Some(0));
    let old = room.path().join("old");
    let new = room.path().join("new");
    copied(demo.directory(), &old);
    demo.start_again();
    let worker = demo.worker(1);
    let read = worker.read(demo.sample_record(), "name", REGISTRATION).expect(200);
    // The stop keeps what is published by then.
    let _published = demo.entry_of(&read);
    assert_eq!(demo.stop(), Some(0));
    copied(demo.directory(), &new);
    let directory = demo.directory().display().to_string();
    for (what, names, left_open) in [
        ("the store has seen", &["log", "journal"][..], false),
        ("the store has seen", &["log"], false),
        ("the journal is", &["journal"], false),
        ("the store knows of", &["store"], false),
        // Nor is one made again of what is older than it knows.
        ("the store has seen", &["log", "journal"], true),
        ("the store has seen", &["log"], true),
        ("the journal is", &["journal"], true),
    ] {
        for name in ["log", "journal", "store"] {
            let from = if names.contains(&name) { &old } else { &new };
            std::fs::remove_dir_all(demo.directory().join(name)).expect("removed");
            copied(&from.join(name), &demo.directory().join(name));
        }
        if left_open {
            std::fs::write(demo.directory().join("store/open"), "boot another").expect("written");
        }
        let outcome = run(&["demo", "--listen", "127.0.0.1:0", "--dir", &directory]);
        assert_eq!(outcome.status, Some(4), "{names:?}: {outcome:?}");
        assert!(outcome.err.contains(what), "{names:?}: {outcome:?}");
        let numbered = outcome.err.lines().any(|line| {
            line.contains(what) && (line.contains(" behind") || line.contains("was put back"))
        });
        assert!(numbered, "{names:?}: {outcome:?}");
        assert_eq!(outcome.out, "", "nothing is served: {outcome:?}");
    }
}

/// What sled was seen to do behind a power failure: it opens, and rows are missing that were flushed.
#[test]
fn behind_a_power_failure_a_start_makes_the_store_again_by_itself_and_says_so() {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let id = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    let before = shown(&worker, &id);
    let (store, note) = (demo.directory().join("store"), demo.directory().join("store/open"));
    demo.kill();
    let told = std::fs::read_to_string(&note).expect("a process that died left it");

    demo.start_again();
    assert!(
        recoveries(&demo).is_empty(),
        "where a process died and nothing else, nothing is made again"
    );
    demo.kill();
    let (boot, mount) = told.split_once('\n').expect("two lines");
    for other in [format!("boot another\n{mount}"), format!("{boot}\nmount another\n")] {
        std::fs::remove_dir_all(&store).expect("removed");
        std::fs::create_dir(&store).expect("made");
        std::fs::write(&note, other).expect("written");
        demo.start_again();
        assert_eq!(shown(&now(&demo, &worker), &id), before);
        demo.kill();
    }
    demo.start_again();
    assert_eq!(recoveries(&demo).len(), 2, "once for each");
    assert_eq!(demo.stop(), Some(0));
    assert!(!note.exists(), "a vault that ended in order left nothing to be written");
    assert_log_holds(&demo);
}

#[test]
fn a_start_that_ended_before_it_told_of_a_store_made_again_is_told_of_by_the_next() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    let made = r#"{"snapshot":0,"rows":0,"frames":3,"entries":7}"#;
    let word = demo.directory().join("store/made-again");
    std::fs::write(&word, made).expect("written");
    std::fs::create_dir(demo.directory().join("store.new")).expect("left over");
    for _ in 0..2 {
        demo.start_again();
        assert_eq!(demo.stop(), Some(0));
    }
    let told = recoveries(&demo);
    assert_eq!(told.len(), 1, "once");
    assert_eq!(told[0]["x"]["entries"], 7);
    assert!(!word.exists() && !demo.directory().join("store.new").exists());
}

/// The entries of stores that were made again.
fn recoveries(demo: &Demo) -> Vec<Value> {
    entries(&demo.log_directory(), demo.origin(), "sys", "recover")
}
