//! Rotation of the keys of subject and index buckets and of the header key from outside: asked for, agreed to, paused, killed on the way, and what opens behind it.
//! Never believes the vault: the keyring's file and every wrapped key of before are looked at by the crate of the keys.
//! People read and write all the while, and nobody is refused.

use super::actor::Actor;
use super::bodies::{REGISTRATION, adult, unknown_id};
use super::client::Reply;
use super::entries::happened;
use super::erasure::{keyring, wrapped_keys};
use super::harness::{Demo, await_until};
use super::packs::made;
use super::program::run;
use super::scrub::round_from;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::pack::verify_pack;
use gridvault_audit::verify::{VerifierKey, verify_directory};
use gridvault_keys::SingleKey;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const STATUS: &str = "/v1/admin/keys/status";
const ROTATE: &str = "/v1/admin/keys/rotate";

fn ask(demo: &Demo) -> Reply {
    ask_for(demo, "subjects")
}

fn ask_for(demo: &Demo, what: &str) -> Reply {
    demo.role("system_admin").post(ROTATE, &json!({"what": what}))
}

fn id_of(asked: &Reply) -> String {
    asked.body["rotation"]["id"].as_str().expect("an id").to_owned()
}

fn decide(demo: &Demo, role: &str, id: &str, word: &str) -> Reply {
    let path = format!("/v1/admin/keys/jobs/{id}/decide");
    demo.role(role).post(&path, &json!({"decision": word}))
}

fn step(demo: &Demo, role: &str, id: &str, step: &str) -> Reply {
    demo.role(role).call("POST", &format!("/v1/admin/keys/jobs/{id}/{step}")).send()
}

fn rotation(demo: &Demo) -> Value {
    demo.role("system_admin").get(STATUS).expect(200).body["rotation"].clone()
}

/// Lets rotations take this share of a processor.
fn at_percent(demo: &Demo, percent: u64) {
    demo.with_metrics();
    demo.configure(&format!("rotation_percent = {percent}\n"));
}

/// People who read and write until they are told to stop.
struct People<'a> {
    worker: &'a Actor,
    ids: &'a [String],
    stop: AtomicBool,
    reads: AtomicUsize,
}

impl People<'_> {
    fn read(&self) {
        while !self.stop.load(Ordering::Acquire) {
            for id in self.ids {
                self.worker.read(id, "name,phone", REGISTRATION).expect(200);
                self.reads.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn write(&self) {
        let mut version = 1;
        while !self.stop.load(Ordering::Acquire) {
            self.worker.create(&adult(self.worker.grid())).expect(201);
            let sex = json!({"sex": if version % 2 == 0 { "1" } else { "2" }});
            self.worker.patch(&self.ids[0], version, REGISTRATION, sex).expect(200);
            version += 1;
        }
    }
}

/// Lets people work until something happened.
fn while_people_work(demo: &Demo, ids: &[String], what: &str, happened: impl FnMut() -> bool) {
    let worker = demo.worker(1);
    let (stop, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    let people = People { worker: &worker, ids, stop, reads };
    std::thread::scope(|scope| {
        let threads = [
            scope.spawn(|| people.read()),
            scope.spawn(|| people.read()),
            scope.spawn(|| people.write()),
        ];
        await_until("people are at work", || people.reads.load(Ordering::Relaxed) > 0);
        await_until(what, happened);
        people.stop.store(true, Ordering::Release);
        for thread in threads {
            thread.join().expect("no read and no write failed");
        }
    });
    assert!(people.reads.load(Ordering::Relaxed) >= ids.len());
}

#[test]
fn keys_are_replaced_while_people_work_a_crash_changes_nothing_and_no_copy_of_before_opens() {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let ids: Vec<String> = (0..6)
        .map(|_| worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned())
        .collect();
    assert_eq!(demo.stop(), Some(0));
    let before = wrapped_keys(demo.directory());
    at_percent(&demo, 100);
    demo.start_again();

    let asked = ask(&demo).expect(201);
    let id = id_of(&asked);
    assert_eq!(happened(&demo.entry_of(&asked)), "approval.request success");
    let granted = decide(&demo, "security_admin", &id, "grant").expect(200);
    let entry = demo.entry_of(&granted);
    assert_eq!(
        (happened(&entry), &entry["x"]["rotation"]),
        ("approval.grant success".into(), &json!("subjects"))
    );
    await_until("a group is done", || rotation(&demo)["keys_done"].as_u64() > Some(0));
    demo.kill();
    demo.start_again();
    while_people_work(&demo, &ids, "the rotation ends", || rotation(&demo)["state"] == "ended");
    for one in &ids {
        demo.worker(1).read(one, "name,phone", REGISTRATION).expect(200);
    }
    let status = demo.role("security_admin").get(STATUS).expect(200);
    assert_eq!(status.body["rotation"]["keys_done"], 4096);
    assert_eq!(status.body["subjects"]["count"], 4096);
    assert_eq!(status.body["subjects"]["next_count"], 0);
    assert!(status.body["subjects"]["epoch_min"].as_u64() >= Some(2), "{}", status.text);
    let uses = status.body["uses"].as_array().expect("a list");
    let counted = |uses: &Value| uses["near_end"] == false && uses["most"].as_u64() > Some(0);
    assert!(uses.len() == 4 && uses.iter().all(counted), "{}", status.text);
    let numbers = demo.metrics();
    for line in [
        "rotation_running 0",
        "rotation_failing 0",
        "rotation_keys_done 4096",
        "key_uses_near_end 0",
        "key_uses_header ",
        "context_months 60",
    ] {
        assert!(numbers.text.contains(&format!("gridvault_{line}")), "{line}: {}", numbers.text);
    }
    let last = status.index();
    assert_eq!(demo.stop(), Some(0));

    said_in_the_log(&demo, asked.index(), last, &entry);
    let (ring, now) = (keyring(demo.directory()), wrapped_keys(demo.directory()));
    assert!((0..4096).all(|bucket| ring.bucket_epoch(bucket).is_ok_and(|epoch| epoch >= 2)));
    assert!(before.len() > 60 && ring.next_bucket_keys().is_empty());
    for (subject, copy) in &before {
        assert!(ring.unwrap_subject_key(subject.as_bytes(), copy).is_err(), "a copy opens");
        ring.unwrap_subject_key(subject.as_bytes(), &now[subject]).expect("who stays opens");
    }
}

/// The value that a telephone has in the answers of a match, for whoever asks.
fn is_held(demo: &Demo, phone: &str) -> bool {
    demo.worker(1).matches("phone", phone, REGISTRATION).expect(200).body["held"] == json!(true)
}

#[test]
fn index_keys_are_replaced_while_people_work_and_everybody_is_found_before_meanwhile_and_after() {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let mut ids = Vec::new();
    let mut phones = Vec::new();
    for _ in 0..6 {
        let body = adult(worker.grid());
        ids.push(worker.create(&body).expect(201).text_of("id").to_owned());
        phones.push(body["fields"]["phone"].as_str().expect("a telephone").to_owned());
    }
    assert_eq!(demo.stop(), Some(0));
    at_percent(&demo, 100);
    demo.start_again();
    let asked = ask_for(&demo, "index").expect(201);
    let id = id_of(&asked);
    decide(&demo, "system_admin", &id, "grant").refused(403, "denied");
    let granted = demo.entry_of(&decide(&demo, "security_admin", &id, "grant").expect(200));
    assert_eq!(granted["x"]["rotation"], "index");
    await_until("a group is done", || rotation(&demo)["keys_done"].as_u64() > Some(0));
    demo.kill();
    demo.start_again();
    while_people_work(&demo, &ids, "the rotation ends", || {
        assert!(phones.iter().all(|phone| is_held(&demo, phone)));
        rotation(&demo)["state"] == "ended"
    });
    assert!(phones.iter().all(|phone| is_held(&demo, phone)));
    let status = demo.role("security_admin").get(STATUS).expect(200);
    assert_eq!(status.body["rotation"]["keys_done"], 4096);
    assert_eq!(status.body["index"]["count"], 4096);
    assert_eq!(status.body["index"]["next_count"], 0);
    assert!(status.body["index"]["epoch_min"].as_u64() >= Some(2), "{}", status.text);
    assert_eq!(status.body["subjects"]["epoch_max"], 1);
    // What the rotation did not touch: a version is good for a write, and a removal takes the term along.
    let kept = demo.worker(1);
    kept.patch(&ids[1], 1, REGISTRATION, json!({"sex": "1"})).expect(200);
    let entries = demo.entries_between(asked.index(), status.index());
    let of_index = |entry: &&Value| entry["x"]["rotation"] == "index" && entry["who"].is_null();
    let said = entries.iter().filter(of_index).map(happened);
    let said: Vec<String> = said.collect();
    for (event, least) in [("key.rotate", 28), ("key.destroy", 26), ("key.rewrap", 2)] {
        let success = format!("{event} success");
        let count = said.iter().filter(|one| **one == success).count();
        assert!(count >= least, "{event}: {count}");
    }
    assert_eq!(demo.stop(), Some(0));
    let ring = keyring(demo.directory());
    assert!((0..4096).all(|bucket| ring.index_epoch(bucket).is_ok_and(|epoch| epoch >= 2)));
    assert!(ring.next_index_keys().is_empty());
    assert!(log_holds_under(&demo, demo.log_key()));
    store_is_as_the_log_says(&mut demo, status.index());
}

/// Starts a vault and lets it hold each row against the log; entries up to that index are known.
fn store_is_as_the_log_says(demo: &mut Demo, known: u64) {
    let config = demo.directory().join("config");
    let mut text = std::fs::read_to_string(&config).expect("a configuration");
    text.insert_str(0, "scrub_rest_seconds = 1\n");
    std::fs::write(&config, text).expect("written");
    demo.start_again();
    let round = round_from(demo, known);
    for found in ["changed", "missing", "unknown", "unreadable"] {
        assert_eq!((&round["out"], &round["x"][found]), (&json!("success"), &json!(0)), "{found}");
    }
    assert!(round["x"]["judged"].as_u64() > Some(0), "{round}");
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn header_key_is_replaced_while_people_work_and_goes_once_somebody_lets_it_go() {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let mut ids: Vec<String> = (0..7)
        .map(|_| worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned())
        .collect();
    let removed = ids.pop().expect("seven");
    demo.head(1).delete(&removed, 1, REGISTRATION).expect(200);
    let header =
        |demo: &Demo| demo.role("security_admin").get(STATUS).expect(200).body["header"].clone();
    assert_eq!(header(&demo), json!({"epoch": 1, "next_epoch": null}));
    assert_eq!(demo.stop(), Some(0));
    at_percent(&demo, 100);
    demo.start_again();
    let asked = ask_for(&demo, "header").expect(201);
    let id = id_of(&asked);
    decide(&demo, "system_admin", &id, "grant").refused(403, "denied");
    decide(&demo, "security_admin", &id, "grant").expect(200);
    await_until("another key seals", || header(&demo)["next_epoch"] == 2);
    demo.kill();
    demo.start_again();
    let is_sealed_anew = || rotation(&demo)["sealed_anew_at"].is_string();
    while_people_work(&demo, &ids, "everything is sealed anew", is_sealed_anew);
    demo.kill();
    demo.start_again();
    let waits = rotation(&demo);
    assert_eq!((&waits["state"], &waits["keys_done"]), (&json!("held"), &json!(0)));
    assert_eq!(waits["values_unread"], 0);
    assert_eq!(header(&demo), json!({"epoch": 1, "next_epoch": 2}));
    step(&demo, "system_admin", &id, "cancel").refused(412, "version_conflict");
    step(&demo, "system_admin", &id, "resume").refused(412, "version_conflict");
    decide(&demo, "system_admin", &id, "grant").refused(403, "denied");
    decide(&demo, "security_admin", &id, "refuse").refused(412, "version_conflict");
    decide(&demo, "security_admin", &id, "grant").expect(200);
    let is_over = || rotation(&demo)["state"] == "ended";
    while_people_work(&demo, &ids[1..], "the rotation ends", is_over);
    assert_eq!(header(&demo), json!({"epoch": 2, "next_epoch": null}));
    for one in &ids {
        demo.worker(1).read(one, "name,phone", REGISTRATION).expect(200);
    }
    demo.worker(1).read(&removed, "name", REGISTRATION).refused(410, "erased");
    demo.worker(1).patch(&ids[2], 1, REGISTRATION, json!({"sex": "1"})).expect(200);
    let status = demo.role("security_admin").get(STATUS).expect(200);
    let entries = demo.entries_between(asked.index(), status.index());
    let of_header = |entry: &&Value| entry["x"]["rotation"] == "header" && entry["who"].is_null();
    let steps: Vec<(String, &str)> = entries
        .iter()
        .filter(of_header)
        .map(|entry| (happened(entry), entry["x"]["step"].as_str().unwrap_or_default()))
        .collect();
    for one in ["begin", "draw", "hold", "end"] {
        let said = steps.iter().filter(|said| **said == ("key.rotate success".into(), one));
        assert_eq!(said.count(), 1, "{one}: {steps:?}");
    }
    assert!(steps.contains(&("key.rewrap success".into(), "")));
    // Of the second person's two words the log tells the one that let the former key be destroyed.
    let granted = entries.iter().filter(|entry| happened(entry) == "approval.grant success");
    let granted: Vec<&Value> = granted.map(|entry| &entry["x"]["step"]).collect();
    assert_eq!(granted, [&Value::Null, &json!("destroy")]);
    assert_eq!(steps.iter().filter(|(event, _)| event == "key.destroy success").count(), 1);
    assert_eq!(demo.stop(), Some(0));
    let epochs = keyring(demo.directory()).epochs_of(SingleKey::Header);
    assert_eq!((epochs.present, epochs.next), (2, None));
    assert!(log_holds_under(&demo, demo.log_key()));
    store_is_as_the_log_says(&mut demo, status.index());
}

/// That it began and ended is said once, with what and how many keys, by nobody in particular and under the id of its approval.
fn said_in_the_log(demo: &Demo, from: u64, to: u64, granted: &Value) {
    let entries = demo.log().entries(from, usize::try_from(to - from).expect("few"));
    let entries = entries.expect("the log is read");
    let entries = entries.iter().map(|entry| serde_json::from_slice(entry).expect("an entry"));
    let said: Vec<Value> = entries.filter(|entry: &Value| entry["x"]["keys"] == 4096).collect();
    let steps: Vec<&Value> = said.iter().map(|entry| &entry["x"]["step"]).collect();
    assert_eq!(steps, [&json!("begin"), &json!("end")]);
    for entry in &said {
        assert_eq!(happened(entry), "key.rotate success");
        assert_eq!(entry["x"]["rotation"], "subjects");
        assert_eq!((&entry["apr"], &entry["who"]), (&granted["apr"], &Value::Null));
    }
}

#[test]
fn it_takes_two_administrators_and_stands_still_on_the_word_of_one() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    at_percent(&demo, 1);
    demo.start_again();
    assert_eq!(rotation(&demo), Value::Null);
    for role in ["security_admin", "audit_admin", "grid_head", "contractor_ops"] {
        demo.role(role).post(ROTATE, &json!({"what": "subjects"})).refused(403, "denied");
    }
    for wrong in [json!({"what": "everything"}), json!({}), json!({"what": "subjects", "to": 1})] {
        demo.role("system_admin").post(ROTATE, &wrong).refused(400, "schema_invalid");
    }
    let id = id_of(&ask(&demo).expect(201));
    ask(&demo).refused(412, "version_conflict");
    decide(&demo, "system_admin", &id, "grant").refused(403, "denied");
    decide(&demo, "security_admin", &unknown_id(), "grant").refused(404, "not_found");
    decide(&demo, "security_admin", &id, "perhaps").refused(400, "schema_invalid");
    step(&demo, "system_admin", &id, "pause").refused(412, "version_conflict");
    decide(&demo, "security_admin", &id, "refuse").expect(200);
    decide(&demo, "security_admin", &id, "grant").refused(412, "version_conflict");
    assert_eq!(rotation(&demo)["state"], "refused");

    let id = id_of(&ask(&demo).expect(201));
    decide(&demo, "security_admin", &id, "grant").expect(200);
    step(&demo, "security_admin", &id, "pause").refused(403, "denied");
    let paused = step(&demo, "system_admin", &id, "pause").expect(200);
    let entry = demo.entry_of(&paused);
    assert_eq!(
        (happened(&entry), &entry["x"]["step"]),
        ("sys.job success".into(), &json!("pause"))
    );
    ask(&demo).refused(412, "version_conflict");
    demo.kill();
    demo.start_again();
    assert_eq!(rotation(&demo)["state"], "paused");
    step(&demo, "system_admin", &id, "resume").expect(200);
    step(&demo, "system_admin", &id, "resume").refused(412, "version_conflict");
    await_until("it goes on", || rotation(&demo)["state"] == "running");
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn what_is_taken_back_ends_with_the_keys_that_were_drawn_and_the_log_says_so() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    at_percent(&demo, 100);
    demo.start_again();
    let asked = ask(&demo).expect(201);
    let id = id_of(&asked);
    step(&demo, "security_admin", &id, "cancel").refused(403, "denied");
    let taken = step(&demo, "system_admin", &id, "cancel").expect(200);
    assert_eq!(taken.body["rotation"]["state"], "cancelled");
    let entry = demo.entry_of(&taken);
    assert_eq!(
        (happened(&entry), &entry["x"]["step"], &entry["apr"]),
        ("sys.job success".into(), &json!("cancel"), &demo.entry_of(&asked)["apr"])
    );
    decide(&demo, "security_admin", &id, "grant").refused(412, "version_conflict");

    let id = id_of(&ask(&demo).expect(201));
    decide(&demo, "security_admin", &id, "grant").expect(200);
    await_until("it begins", || rotation(&demo)["state"] == "running");
    let taken = step(&demo, "system_admin", &id, "cancel").expect(200);
    assert_eq!(taken.body["rotation"]["state"], "cancelling");
    step(&demo, "system_admin", &id, "resume").refused(412, "version_conflict");
    step(&demo, "system_admin", &unknown_id(), "cancel").refused(404, "not_found");
    await_until("no key stands in between", || rotation(&demo)["state"] == "cancelled");
    let status = demo.role("system_admin").get(STATUS).expect(200).body;
    assert_eq!(status["subjects"]["next_count"], 0);
    assert!(status["rotation"]["keys_done"].as_u64() < Some(4_096), "{status}");
    step(&demo, "system_admin", &id, "cancel").refused(412, "version_conflict");
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn the_command_line_asks_agrees_pauses_and_tells() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    at_percent(&demo, 1);
    demo.start_again();
    let room = tempfile::tempdir().expect("a directory");
    let called = |words: &[&str], role: &str| {
        let file = room.path().join(role);
        std::fs::write(&file, &demo.role(role).token).expect("a token");
        let file = file.display().to_string();
        run(&[&["keys"], words, &["--url", demo.url(), "--token-file", &file]].concat())
    };
    let status = called(&["status"], "system_admin").ended(0).out;
    let buckets = "buckets 4096: epochs 1 to 1, 0 with a next key\n";
    assert_eq!(status, format!("subject {buckets}index {buckets}header key: epoch 1\n"));
    let said = called(&["rotate", "--what", "subjects"], "system_admin").ended(0).out;
    let id = said.split(' ').nth(1).expect("its id").to_owned();
    assert!(said.contains("of subjects asked: 0 of 4096 keys"), "{said}");
    called(&["decide", &id, "grant"], "system_admin").ended(1);
    let said = called(&["decide", &id, "grant"], "security_admin").ended(0).out;
    assert!(said.contains("agreed") && said.contains("second person"), "{said}");
    let said = called(&["pause", &id], "system_admin").ended(0).out;
    assert!(said.contains("paused"), "{said}");
    let said = called(&["status"], "security_admin").ended(0).out;
    assert!(said.contains(&id) && said.contains("paused"), "{said}");
    called(&["resume", &id], "system_admin").ended(0);
    called(&["cancel", &id], "security_admin").ended(1);
    let said = called(&["cancel", &id], "system_admin").ended(0).out;
    assert!(said.contains("cancel"), "{said}");
    assert_eq!(demo.stop(), Some(0));
}

/// The `kid` that a token names.
fn kid_of(token: &str) -> String {
    let head = token.split('.').next().expect("a part");
    let head = BASE64_URL_SAFE_NO_PAD.decode(head).expect("base64url");
    let head: Value = serde_json::from_slice(&head).expect("JSON");
    head["kid"].as_str().expect("a key id").to_owned()
}

/// The entry that says which two keys serve, among those since one.
fn overlap_since(demo: &Demo, from: u64) -> Value {
    let now = demo.role("system_admin").get(STATUS).expect(200);
    let mut entries = demo.entries_between(from, now.index()).into_iter();
    entries.find(|entry| entry["x"]["step"] == "overlap").expect("it is said")
}

/// A token that the vault signs now, for a worker.
fn issued(demo: &Demo) -> String {
    let path = format!("/v1/admin/actors/{}/tokens", demo.worker(1).id);
    demo.role("security_admin").post(&path, &json!({})).expect(201).text_of("token").to_owned()
}

#[test]
fn another_key_signs_tokens_and_those_of_before_count_on_through_a_crash_and_a_restart() {
    let mut demo = Demo::own();
    let old = demo.worker(1);
    let record = old.create(&adult(old.grid())).expect(201).text_of("id").to_owned();
    let id = id_of(&ask_for(&demo, "tokens").expect(201));
    decide(&demo, "system_admin", &id, "grant").refused(403, "denied");
    let granted = decide(&demo, "security_admin", &id, "grant").expect(200);
    await_until("both keys serve", || rotation(&demo)["overlap_until"].is_string());
    let next = kid_of(&issued(&demo));
    assert_ne!(kid_of(&old.token), next);
    for killed in [true, false] {
        match killed {
            true => demo.kill(),
            false => assert_eq!(demo.stop(), Some(0)),
        }
        demo.start_again();
        for token in [old.token.clone(), issued(&demo)] {
            let actor = Actor { token, url: demo.url().to_owned(), ..old.clone() };
            actor.read(&record, "name", REGISTRATION).expect(200);
        }
        assert_eq!(kid_of(&issued(&demo)), next, "no other key is drawn");
    }
    let now = rotation(&demo);
    assert_eq!((&now["state"], &now["what"]), (&json!("running"), &json!("tokens")));
    assert_eq!((&now["keys"], &now["keys_done"]), (&json!(1), &json!(0)));
    ask_for(&demo, "subjects").refused(412, "version_conflict");
    let overlap = overlap_since(&demo, granted.index());
    assert_eq!(happened(&overlap), "key.rotate success");
    assert_eq!(overlap["x"]["former"], json!(kid_of(&old.token)));
    assert_eq!(overlap["x"]["next"], json!(next));
    assert_eq!(overlap["apr"], demo.entry_of(&granted)["apr"]);
    assert_eq!(demo.stop(), Some(0));
}

/// Whether the log holds under this key alone, entry by entry.
fn log_holds_under(demo: &Demo, vkey: &str) -> bool {
    let key = VerifierKey::parse(vkey).expect("a verifier key");
    verify_directory(&demo.log_directory(), &key, None).is_ok()
}

#[test]
fn another_key_signs_the_log_beside_the_former_and_whoever_holds_either_verifies_all_of_it() {
    let mut demo = Demo::own();
    let former = demo.log_key().to_owned();
    let id = id_of(&ask_for(&demo, "log").expect(201));
    let granted = decide(&demo, "security_admin", &id, "grant").expect(200);
    await_until("both keys sign", || rotation(&demo)["next_key"].is_string());
    let next = rotation(&demo)["next_key"].as_str().expect("a key").to_owned();
    let overlap = overlap_since(&demo, granted.index());
    assert_eq!((&overlap["x"]["former"], &overlap["x"]["next"]), (&json!(former), &json!(next)));
    assert_eq!(happened(&overlap), "key.rotate success");
    let (pack, ..) = made(&demo);
    for vkey in [&former, &next] {
        assert!(log_holds_under(&demo, vkey));
        verify_pack(&pack[..], &VerifierKey::parse(vkey).expect("a key")).expect("it holds");
    }
    let other = gridvault_audit::verifier_key(demo.origin(), &[7; 32]);
    assert!(!log_holds_under(&demo, &other));
    for killed in [true, false] {
        match killed {
            true => demo.kill(),
            false => assert_eq!(demo.stop(), Some(0)),
        }
        demo.start_again();
        assert_eq!(demo.log_key(), former, "the one that auditors have");
        let read = demo.worker(1).read(demo.sample_record(), "name", REGISTRATION).expect(200);
        let entry = demo.role("compliance_auditor");
        let shown = entry.get(&format!("/v1/audit/entries/{}", read.index())).expect(200);
        assert_eq!(shown.body["proven"], true, "{}", shown.text);
        assert!(log_holds_under(&demo, &former) && log_holds_under(&demo, &next));
    }
    assert_eq!(demo.stop(), Some(0));
    assert!(log_holds_under(&demo, &former) && log_holds_under(&demo, &next));
}

/// Milliseconds from a start, or from the word of the second person, to the next kill: over all that leads to two keys that serve.
const LIVES_MILLIS: [u64; 6] = [0, 1, 2, 4, 8, 16];

#[test]
fn keys_that_there_is_one_of_are_replaced_through_kills_at_any_moment_and_once() {
    // Not that of contexts, which waits near the turn of a month: `operations::tests::turning_contexts` cuts it by a clock of its own.
    for what in ["tokens", "log"] {
        let mut demo = Demo::own();
        let worker = demo.worker(1);
        let record = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
        let id = id_of(&ask_for(&demo, what).expect(201));
        let granted = decide(&demo, "security_admin", &id, "grant").expect(200);
        for millis in LIVES_MILLIS {
            std::thread::sleep(Duration::from_millis(millis));
            demo.kill();
            demo.start_again();
            // By the token of before.
            let worker = Actor { url: demo.url().to_owned(), ..worker.clone() };
            worker.read(&record, "name,phone", REGISTRATION).expect(200);
        }
        await_until("both keys serve", || rotation(&demo)["overlap_until"].is_string());
        let now = demo.role("system_admin").get(STATUS).expect(200).index();
        let entries = demo.entries_between(granted.index(), now);
        let overlaps = entries.iter().filter(|entry| entry["x"]["step"] == "overlap");
        assert_eq!(overlaps.count(), 1, "{what}");
        assert_eq!(demo.stop(), Some(0));
        assert!(log_holds_under(&demo, demo.log_key()), "{what}");
    }
}
