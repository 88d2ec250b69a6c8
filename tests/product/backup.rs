//! A lost store made again, and a vault made of a backup, by the commands that an operator has.
//! Never a vault that serves while its store is made again.
//! What is there afterwards is what was there before, and the log says how it came about.

use super::bodies::{REGISTRATION, adult};
use super::harness::{Demo, await_until};
use super::program::{Outcome, Served, run, run_with};
use gridvault_audit::LogReader;
use gridvault_audit::verify::{VerifierKey, verify_directory};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

const BEFORE: &str = "backup.example/log";
pub const AFTER: &str = "backup.example/log-2";

fn text(path: &Path) -> String {
    path.to_str().expect("a plain path").to_owned()
}

/// The lines of records that the store has, without the head, which counts entries.
fn digests(directory: &str, room: &Path, name: &str) -> Vec<String> {
    let out = text(&room.join(name));
    run(&["store", "digests", "--dir", directory, "--out", &out]).ended(0);
    let list = std::fs::read_to_string(&out).expect("a list");
    list.lines().filter(|line| !line.starts_with("size ")).map(str::to_owned).collect()
}

fn rebuild(directory: &str) -> Outcome {
    run(&["--json", "store", "rebuild", "--dir", directory])
}

#[test]
fn a_lost_store_is_named_at_the_start_and_made_again_by_the_command() {
    let mut demo = Demo::own();
    let room = tempfile::tempdir().expect("a directory");
    let worker = demo.worker(1);
    let id = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    let before = worker.read(&id, "name", REGISTRATION).expect(200).body["fields"].clone();
    let directory = text(demo.directory());
    let busy = rebuild(&directory);
    assert_eq!(busy.status, Some(1), "{busy:?}");
    assert!(busy.err.contains("as it was"), "{busy:?}");
    assert_eq!(demo.stop(), Some(0));
    let listed = digests(&directory, room.path(), "before");
    assert!(listed.len() > 20);

    std::fs::remove_dir_all(demo.directory().join("store")).expect("removed");
    let refused = run(&["demo", "--listen", "127.0.0.1:0", "--dir", &directory]);
    assert_eq!(refused.status, Some(4), "{refused:?}");
    assert!(refused.err.contains("gridvault store rebuild"), "{refused:?}");

    let made = rebuild(&directory).ended(0).json();
    assert!(made["entries"].as_u64() > Some(20), "{made}");
    assert_eq!(digests(&directory, room.path(), "after"), listed);
    assert!(!demo.directory().join("store.new").exists());
    demo.start_again();
    let again = demo.worker(1).read(&id, "name", REGISTRATION).expect(200);
    assert_eq!(again.body["fields"], before);
    assert_eq!(demo.stop(), Some(0));
    let key = VerifierKey::parse(demo.log_key()).expect("a key");
    verify_directory(&demo.log_directory(), &key, None).expect("the log holds");
    let told = entries(&demo.log_directory(), demo.origin(), "sys", "recover");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["x"]["entries"], made["entries"]);
}

#[test]
fn a_store_whose_sync_failed_is_refused_at_each_start_until_it_is_made_again() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    let directory = text(demo.directory());
    let note = demo.directory().join("store/unsynced");
    std::fs::write(&note, "as the process leaves it").expect("written");
    for _ in 0..2 {
        let refused = run(&["demo", "--listen", "127.0.0.1:0", "--dir", &directory]);
        assert_eq!(refused.status, Some(4), "{refused:?}");
        assert!(refused.err.contains("a sync of the store's files failed"), "{refused:?}");
        assert!(refused.err.contains("gridvault store rebuild"), "{refused:?}");
    }
    rebuild(&directory).ended(0);
    assert!(!note.exists());
    demo.start_again();
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn a_damaged_journal_is_named_and_the_store_stays() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    let directory = text(demo.directory());
    let segment = demo.directory().join("journal/0000000000000000.segment");
    let whole = std::fs::read(&segment).expect("a segment");
    let mut changed = whole.clone();
    changed[4_000] ^= 1;
    std::fs::write(&segment, changed).expect("written");
    let refused = rebuild(&directory);
    assert_eq!(refused.status, Some(4), "{refused:?}");
    assert!(refused.err.contains("corrupt in segment 0"), "{refused:?}");
    assert!(!demo.directory().join("store.new").exists());
    std::fs::write(&segment, whole).expect("written");
    demo.start_again();
    assert_eq!(demo.stop(), Some(0));
}

/// Entries of one kind, of a vault that has ended.
pub fn entries(log: &Path, origin: &str, event: &str, act: &str) -> Vec<Value> {
    let log = LogReader::open(log, origin).expect("a log");
    let size = usize::try_from(log.size().expect("a checkpoint")).expect("few");
    let all = log.entries(0, size).expect("entries");
    let all = all.iter().map(|entry| serde_json::from_slice::<Value>(entry).expect("JSON"));
    all.filter(|entry| entry["ev"] == event && entry["act"] == act).collect()
}

/// A vault with a passphrase, its bulk part and its key part.
pub struct Place {
    pub room: TempDir,
    made: Value,
    pub persons: Vec<String>,
}

impl Place {
    pub fn backed_up() -> Place {
        Place::with(|_| String::new())
    }

    /// With further lines of its configuration.
    pub fn with(lines: impl Fn(&Path) -> String) -> Place {
        let room = tempfile::tempdir().expect("a directory");
        let path = |name: &str| text(&room.path().join(name));
        std::fs::write(path("passphrase"), "the right passphrase\n").expect("written");
        let (directory, passphrase) = (path("vault"), path("passphrase"));
        let people = ["--system-admin", "sys", "--security-admin", "sec", "--audit-admin", "aud"];
        let fixed = ["--json", "init", "--dir", &directory, "--origin", BEFORE];
        let arguments: Vec<&str> =
            fixed.into_iter().chain(people).chain(["--passphrase-file", &passphrase]).collect();
        let made = run(&arguments).ended(0).json();
        let config = room.path().join("vault/config");
        let usual = std::fs::read_to_string(&config).expect("a configuration");
        let further = lines(room.path());
        std::fs::write(&config, format!("{further}{usual}")).expect("written");
        let recipient = run(&["backup", "recipient", "--out", &path("secret")]).ended(0).out;
        std::fs::write(path("recipients"), recipient).expect("written");
        let listen = ["--listen", "127.0.0.1:0", "--passphrase-file", &passphrase];
        let served = Served::start(&[&["serve", "--dir", &directory], &listen[..]].concat());
        // The one between the two has its code still.
        for (place, name) in [(0, "sys"), (2, "aud")] {
            let code = made["administrators"][place]["code"].as_str().expect("a code");
            let (key, token) = (path(&format!("{name}.key")), path(&format!("{name}.token")));
            let fixed = ["enrol", "--key", &key, "--out", &token, "--url", served.url()];
            run_with(&fixed, code).ended(0);
        }
        run(&["backup", "create", "--dir", &directory, "--out", &path("bulk")]).ended(0);
        let recipients = path("recipients");
        let keys = ["backup", "keys", "--dir", &directory, "--recipients", &recipients];
        run(&[&keys[..], &["--out", &path("keys")]].concat()).ended(0);
        assert_eq!(served.stop(), Some(0));
        let enrolled = entries(&room.path().join("vault/log"), BEFORE, "admin", "enrol");
        let made_with = enrolled.iter().filter(|entry| entry["x"]["role"].is_string());
        let persons = made_with.map(|entry| entry["x"]["actor"].as_str().expect("an id"));
        let persons = persons.map(str::to_owned).collect();
        Place { made, persons, room }
    }

    pub fn path(&self, name: &str) -> String {
        text(&self.room.path().join(name))
    }

    pub fn log_key(&self) -> &str {
        self.made["log_key"].as_str().expect("a key")
    }

    fn verify(&self) -> Outcome {
        let bulk = self.path("bulk");
        run(&["--json", "backup", "verify", "--bulk", &bulk, "--log-key", self.log_key()])
    }

    /// The vault in a directory, at work.
    pub fn served(&self, directory: &str) -> Served {
        let (directory, passphrase) = (self.path(directory), self.path("passphrase"));
        let listen = ["--listen", "127.0.0.1:0", "--passphrase-file", &passphrase];
        Served::start(&[&["serve", "--dir", &directory], &listen[..]].concat())
    }

    /// Gives the administrator that has its code still a token.
    fn enrolled(&self, served: &Served, name: &str) {
        let code = self.made["administrators"][1]["code"].as_str().expect("a code");
        let token = self.path(&format!("{name}.token"));
        run_with(&["enrol", "--out", &token, "--url", served.url()], code).ended(0);
    }

    /// A word about keys by an administrator who has a token.
    fn by(&self, served: &Served, name: &str, words: &[&str]) -> Value {
        let token = self.path(&format!("{name}.token"));
        let connection = ["--url", served.url(), "--token-file", &token];
        run(&[&["--json", "keys"], words, &connection].concat()).ended(0).json()
    }

    /// Makes another key part of the vault.
    fn key_part(&self, to: &str, further: &[&str]) -> Outcome {
        let (directory, recipients) = (self.path("vault"), self.path("recipients"));
        let made = ["backup", "keys", "--dir", &directory, "--recipients", &recipients];
        run(&[&made[..], &["--out", to], further].concat())
    }

    pub fn restore(&self, to: &str, change: impl Fn(&mut Vec<String>)) -> Outcome {
        let mut arguments: Vec<String> = ["--json", "backup", "restore"].map(str::to_owned).into();
        for (flag, value) in [
            ("--bulk", self.path("bulk")),
            ("--keys", self.path("keys")),
            ("--identity", self.path("secret")),
            ("--passphrase-file", self.path("passphrase")),
            ("--log-key", self.log_key().to_owned()),
            ("--dir", self.path(to)),
            ("--origin", AFTER.to_owned()),
            ("--person", self.persons[0].clone()),
            ("--person", self.persons[1].clone()),
        ] {
            if flag == "--person" && !arguments.iter().any(|argument| argument == "--unsigned") {
                arguments.push("--unsigned".to_owned());
            }
            arguments.extend([flag.to_owned(), value]);
        }
        change(&mut arguments);
        run(&arguments)
    }
}

/// What is wrong with the arguments of a restore.
type Change<'a> = Box<dyn Fn(&mut Vec<String>) + 'a>;

fn swap(arguments: &mut [String], from: &str, to: &str) {
    for argument in arguments.iter_mut().filter(|argument| *argument == from) {
        to.clone_into(argument);
    }
}

#[test]
fn a_vault_is_restored_under_another_log_by_those_who_have_both_secrets() {
    let place = Place::backed_up();
    let judged = place.verify().ended(0).json();
    assert_eq!(judged["origin"], BEFORE);
    for (name, flag) in [("bulk/config", "verify"), ("keys", "restore")] {
        let whole = std::fs::read(place.path(name)).expect("a file");
        let mut changed = whole.clone();
        changed[20] ^= 1;
        std::fs::write(place.path(name), changed).expect("written");
        match flag {
            "verify" => drop(place.verify().ended(3)),
            _ => assert_ne!(place.restore("nowhere", |_| {}).status, Some(0), "{name}"),
        }
        std::fs::write(place.path(name), whole).expect("written");
    }

    let restored = place.restore("vault-2", |_| {}).ended(0).json();
    assert_eq!((&restored["before"], &restored["left_out"]), (&json!(BEFORE), &json!(0)));
    let log = place.room.path().join("vault-2/log");
    let key = VerifierKey::parse(restored["log_key"].as_str().expect("a key")).expect("a key");
    let first = &entries(&log, AFTER, "sys", "restore")[0];
    assert_eq!(first["seq"], 0);
    let facts = &first["x"];
    assert_eq!((&facts["origin"], &facts["size"]), (&json!(BEFORE), &restored["size"]));
    assert_eq!(
        (&facts["person_1"], &facts["person_2"]),
        (&json!(place.persons[0]), &json!(place.persons[1]))
    );
    let before = VerifierKey::parse(place.log_key()).expect("a key");
    assert_eq!(facts["proof"], "named");
    let kept = verify_directory(&place.room.path().join("vault-2/log-before"), &before, None);
    assert_eq!(Some(kept.expect("the log before").head.size), restored["size"].as_u64());

    // A code of before is still one: what the store held is there.
    let passphrase = place.path("passphrase");
    let directory = place.path("vault-2");
    let fixed = ["serve", "--dir", &directory, "--listen", "127.0.0.1:0"];
    let served = Served::start(&[&fixed[..], &["--passphrase-file", &passphrase]].concat());
    let code = place.made["administrators"][1]["code"].as_str().expect("a code");
    let words = ["enrol", "--out", &place.path("token"), "--url", served.url()];
    run_with(&words, code).ended(0);
    let token = place.path("token");
    run(&["actor", "list", "--url", served.url(), "--token-file", &token]).ended(0);
    assert_eq!(served.stop(), Some(0));
    verify_directory(&log, &key, None).expect("the new log holds");
}

#[test]
fn two_administrators_sign_a_restore_with_the_keys_that_the_backup_knows() {
    let place = Place::backed_up();
    let (request, keys, bulk) = (place.path("request"), place.path("keys"), place.path("bulk"));
    let asked = ["keys", "request", "restore", "--out", &request];
    run(&asked).ended(2);
    let half = ["--keys", &keys, "--origin", AFTER];
    run(&[&asked[..], &half].concat()).ended(2);
    run(&[&asked[..], &half, &["--bulk", &bulk]].concat()).ended(2);
    let of_log = ["--bulk", &bulk, "--log-key", place.log_key()];
    run(&[&asked[..], &half, &of_log].concat()).ended(0);
    let agree = |name: &str| {
        let key = place.path(&format!("{name}.key"));
        run(&["keys", "agree", &request, "restore", "--key", &key]).ended(0);
    };
    let restored = |to: &str, origin: &str| {
        place.restore(to, |arguments| {
            arguments.truncate(arguments.len() - 5);
            arguments.extend(["--agreed".to_owned(), request.clone()]);
            swap(arguments, AFTER, origin);
        })
    };
    agree("sys");
    let alone = restored("one", AFTER).ended(1).err;
    assert!(alone.contains("two administrators sign a request"), "{alone}");
    assert!(!place.room.path().join("one").exists(), "it is refused before anything is made");
    agree("aud");
    let other = restored("other", "backup.example/log-3").ended(1).err;
    assert!(other.contains("another vault"), "{other}");
    // Neither with another bulk part of the same vault nor with a ledger that nobody agreed to.
    let (directory, later) = (place.path("vault"), place.path("bulk-2"));
    run(&["backup", "create", "--dir", &directory, "--out", &later]).ended(0);
    let ledger = place.path("ledger");
    std::fs::write(&ledger, "gridvault erasures 1\n").expect("written");
    let agreed = |to: &str, change: &dyn Fn(&mut Vec<String>)| {
        place.restore(to, |arguments| {
            arguments.truncate(arguments.len() - 5);
            arguments.extend(["--agreed".to_owned(), request.clone()]);
            change(arguments);
        })
    };
    let other = agreed("bulk-part", &|arguments| swap(arguments, &bulk, &later)).ended(1).err;
    assert!(other.contains("the bulk part is not the one of the request"), "{other}");
    let with_ledger = ["--erasure-ledger".to_owned(), ledger];
    let other = agreed("ledger", &|arguments| arguments.extend(with_ledger.clone()));
    let other = other.ended(1).err;
    assert!(other.contains("the ledger of erasures is not that of the request"), "{other}");
    restored("vault-2", AFTER).ended(0);
    for refused in ["one", "other", "bulk-part", "ledger"] {
        assert!(!place.room.path().join(refused).join("config").exists(), "{refused}");
    }
    let log = place.room.path().join("vault-2/log");
    let facts = &entries(&log, AFTER, "sys", "restore")[0]["x"];
    assert_eq!(facts["proof"], "signed");
    assert_eq!(
        (&facts["person_1"], &facts["person_2"]),
        (&json!(place.persons[0]), &json!(place.persons[2]))
    );
}

#[test]
fn a_key_part_from_before_a_change_that_the_store_knows_of_is_refused_and_a_newer_one_is_not() {
    let place = Place::backed_up();
    let directory = place.path("vault");
    let served = place.served("vault");
    place.enrolled(&served, "sec");
    let by = |name: &str, words: &[&str]| place.by(&served, name, words);
    let asked = by("sys", &["rotate", "--what", "tokens"]);
    by("sec", &["decide", asked["rotation"]["id"].as_str().expect("an id"), "grant"]);
    await_until("the next key serves", || {
        by("sys", &["status"])["rotation"]["next_key"].is_string()
    });
    let (bulk, keys) = (place.path("bulk-2"), place.path("keys-2"));
    run(&["backup", "create", "--dir", &directory, "--out", &bulk]).ended(0);
    place.key_part(&keys, &[]).ended(0);
    assert_eq!(served.stop(), Some(0));
    let older = place.path("keys");
    let refused = place.restore("refused", |arguments| swap(arguments, &place.path("bulk"), &bulk));
    let said = refused.ended(1).err;
    assert!(said.contains("the key part is older than the bulk part"), "{said}");
    assert!(!place.room.path().join("refused/config").exists());
    let newer = |arguments: &mut Vec<String>| {
        swap(arguments, &place.path("bulk"), &bulk);
        swap(arguments, &older, &keys);
    };
    place.restore("vault-2", newer).ended(0);
    // An older bulk part is restored with the newest key part, as always.
    place.restore("vault-3", |arguments| swap(arguments, &older, &keys)).ended(0);
}

#[test]
fn bulk_part_from_before_another_header_key_restores_until_the_former_is_gone_and_is_then_refused()
{
    let place = Place::backed_up();
    let served = place.served("vault");
    place.enrolled(&served, "sec");
    let by = |name: &str, words: &[&str]| place.by(&served, name, words);
    let asked = by("sys", &["rotate", "--what", "header"]);
    let id = asked["rotation"]["id"].as_str().expect("an id").to_owned();
    by("sec", &["decide", &id, "grant"]);
    // A checkpoint covers it, so that a bulk part of then says that it has it.
    let log = place.room.path().join("vault/log");
    await_until("everything is sealed anew", || {
        let rotated = entries(&log, BEFORE, "key", "rotate");
        rotated.iter().any(|entry| entry["x"]["step"] == "hold")
    });
    assert!(by("sys", &["status"])["rotation"]["sealed_anew_at"].is_string());
    let [bulk, newer, both, next] =
        ["bulk", "bulk-2", "keys-2", "keys-3"].map(|name| place.path(name));
    run(&["backup", "create", "--dir", &place.path("vault"), "--out", &newer]).ended(0);
    place.key_part(&both, &[]).ended(0);
    by("sec", &["decide", &id, "grant"]);
    await_until("the former is gone", || by("sys", &["status"])["header"]["epoch"] == 2);
    await_until("it is over", || by("sys", &["status"])["rotation"]["state"] == "ended");
    let refused = place.key_part(&place.path("nothing"), &["--bulk", &bulk]).ended(1).err;
    assert!(refused.contains("sealed under another header key"), "{refused}");
    place.key_part(&next, &["--bulk", &newer]).ended(0);
    assert_eq!(served.stop(), Some(0));

    let refused = place.restore("refused", |arguments| {
        swap(arguments, &place.path("keys"), &next);
    });
    let said = refused.ended(1).err;
    assert!(said.contains("from before everything was sealed under another header key"), "{said}");
    assert!(!place.room.path().join("refused/config").exists());
    // A key part of before is refused as well: it knows nothing of the key that the bulk part is under.
    let refused = place.restore("older", |arguments| swap(arguments, &bulk, &newer));
    assert!(refused.ended(1).err.contains("the key part is older than the bulk part"));
    place.restore("vault-2", |arguments| swap(arguments, &place.path("keys"), &both)).ended(0);
    place
        .restore("vault-3", |arguments| {
            swap(arguments, &bulk, &newer);
            swap(arguments, &place.path("keys"), &next);
        })
        .ended(0);
    // What is restored with both keys goes over to the next one by itself, and no actor is lost with the former.
    let restored = place.served("vault-2");
    place.enrolled(&restored, "sec-2");
    await_until("the former is gone", || {
        let status = place.by(&restored, "sec-2", &["status"]);
        status["header"] == json!({"epoch": 2, "next_epoch": null})
    });
    assert_eq!(restored.stop(), Some(0));
    let restored = place.served("vault-2");
    place.by(&restored, "sec-2", &["status"]);
    assert_eq!(restored.stop(), Some(0));
    assert_eq!(place.served("vault-3").stop(), Some(0));
}

/// What a system administrator sees of everybody who was named, without the receipt of the look.
fn everybody(served: &Served, token: &str) -> Value {
    let token = std::fs::read_to_string(token).expect("a token");
    let reply = served.call("GET", "/v1/admin/actors").token(token.trim()).send();
    reply.expect(200).body["actors"].clone()
}

#[test]
fn a_chain_of_bulk_parts_made_beside_a_serving_vault_restores_its_newest_state_whole() {
    let place = Place::backed_up();
    let (vault, whole) = (place.path("vault"), place.path("bulk"));
    let [one, two, beside] = ["one", "two", "whole-2"].map(|name| place.path(name));
    let served = place.served("vault");
    let (key, token) = (place.path("sec.key"), place.path("sec.token"));
    let code = place.made["administrators"][1]["code"].as_str().expect("a code");
    let words = ["enrol", "--key", &key, "--out", &token, "--url", served.url()];
    run_with(&words, code).ended(0);
    let secret = std::fs::read_to_string(&token).expect("a token");
    let name = |from: u32, to: u32| {
        for number in from..to {
            let body = json!({"login": format!("person-{number}"), "kind": "person"});
            let call = served.call("POST", "/v1/admin/actors").token(secret.trim());
            call.json(&body).send().expect(201);
        }
    };
    let create = |out: &str, further: &[&str]| {
        let fixed = ["--json", "backup", "create", "--dir", &vault, "--out", out];
        run(&[&fixed[..], further].concat())
    };
    // More entries than a bundle has, under a checkpoint.
    name(0, 280);
    let log = LogReader::open(&place.room.path().join("vault/log"), BEFORE).expect("a log");
    await_until("a checkpoint covers them", || log.size().expect("a checkpoint") > 280);
    let first = create(&one, &["--since", &whole]).ended(0).json();
    name(280, 300);
    await_until("a checkpoint covers them", || log.size().expect("a checkpoint") > 300);
    let second = create(&two, &["--since", &one]).ended(0).json();
    let all = create(&beside, &[]).ended(0).json();
    let before = everybody(&served, &token);
    assert!(before.as_array().expect("a list").len() > 300);
    place.key_part(&place.path("keys-2"), &["--bulk", &one]).ended(0);
    assert_eq!(served.stop(), Some(0));

    // The full tiles and bundles of the log are in the first of the two, and not again in the second.
    assert_eq!((&first["held"], &second["held"]), (&json!(0), &json!(2)));
    let bytes = |made: &Value, name: &str| made[name].as_u64().expect("a number");
    assert!(bytes(&second, "held_bytes") > 50_000, "{second}");
    let without = bytes(&all, "bytes") - bytes(&second, "held_bytes");
    assert!(bytes(&second, "bytes") <= without + 50_000, "{second} of {all}");
    assert!(!Path::new(&two).join("log/tile/entries/000").exists());

    let verify = |bulk: &str, further: &[&str]| {
        let fixed = ["--json", "backup", "verify", "--bulk", bulk, "--log-key", place.log_key()];
        run(&[&fixed[..], further].concat())
    };
    assert_eq!(verify(&two, &[]).ended(0).json()["parts"], 3);
    let named = ["--bulk-before", &whole, "--bulk-before", &one];
    verify(&two, &named).ended(0);
    let refused = verify(&two, &[&named[..], &["--bulk-before", &beside]].concat()).ended(1).err;
    assert!(refused.contains("is no part before this one"), "{refused}");
    // Elsewhere it needs the parts before by name.
    let (elsewhere, moved) = (place.path("elsewhere"), place.path("elsewhere/first"));
    std::fs::create_dir(&elsewhere).expect("made");
    std::fs::rename(&whole, &moved).expect("moved");
    let refused = verify(&two, &[]).ended(4).err;
    assert!(refused.contains("was made since is missing"), "{refused}");
    let named = ["--bulk-before", &moved, "--bulk-before", &one].map(str::to_owned);

    // Two sign the newest list, which stands for every file wherever it lies.
    let (request, keys) = (place.path("request"), place.path("keys-2"));
    let asked = ["keys", "request", "restore", "--out", &request, "--keys", &keys];
    let of_bulk = ["--origin", AFTER, "--bulk", &two, "--log-key", place.log_key()];
    let lacks = run(&[&asked[..], &of_bulk].concat()).ended(4).err;
    assert!(lacks.contains("was made since is missing"), "{lacks}");
    let named_too = named.each_ref().map(String::as_str);
    run(&[&asked[..], &of_bulk, &named_too].concat()).ended(0);
    for name in ["sys", "aud"] {
        let key = place.path(&format!("{name}.key"));
        run(&["keys", "agree", &request, "restore", "--key", &key]).ended(0);
    }
    let restore = |to: &str, further: &[String]| {
        place.restore(to, |arguments| {
            arguments.truncate(arguments.len() - 5);
            arguments.extend(["--agreed".to_owned(), request.clone()]);
            arguments.extend_from_slice(further);
            swap(arguments, &place.path("bulk"), &two);
            swap(arguments, &place.path("keys"), &keys);
        })
    };
    assert!(restore("refused", &[]).ended(4).err.contains("was made since is missing"));
    assert!(!place.room.path().join("refused/config").exists());
    let restored = restore("vault-2", &named).ended(0).json();
    assert_eq!(restored["size"], second["size"]);
    let log_key = VerifierKey::parse(place.log_key()).expect("a key");
    let kept = verify_directory(&place.room.path().join("vault-2/log-before"), &log_key, None);
    assert_eq!(Some(kept.expect("the log before").head.size), restored["size"].as_u64());
    let served = place.served("vault-2");
    let token = place.path("sec-2.token");
    let log_in = ["log-in", "--key", &key, "--origin", AFTER, "--out", &token];
    run(&[&log_in[..], &["--url", served.url()]].concat()).ended(0);
    assert_eq!(everybody(&served, &token), before);
    assert_eq!(served.stop(), Some(0));

    // Brought together they are the whole part of that moment, and need nothing beside them.
    let alone = place.path("alone");
    let gather = ["backup", "gather", "--bulk", &two, "--out", &alone, "--bulk-before", &moved];
    run(&[&gather[..], &["--bulk-before", &one]].concat()).ended(0);
    assert_eq!(verify(&alone, &[]).ended(0).json()["parts"], 1);
}

#[test]
fn a_restore_that_lacks_something_makes_no_vault() {
    let place = Place::backed_up();
    let other = place.path("other-secret");
    run(&["backup", "recipient", "--out", &other]).ended(0);
    let passphrase = place.path("other-passphrase");
    std::fs::write(&passphrase, "another passphrase\n").expect("written");
    let person = place.persons[0].clone();
    let nobody = "01890000-0000-7000-8000-000000000000";
    let cases: [(&str, Change<'_>); 6] = [
        ("secret", Box::new(|a| swap(a, &place.path("secret"), &other))),
        ("passphrase", Box::new(|a| swap(a, &place.path("passphrase"), &passphrase))),
        ("the same log", Box::new(|a| swap(a, AFTER, BEFORE))),
        ("one person twice", Box::new(|a| swap(a, &place.persons[1], &person))),
        ("a stranger", Box::new(|a| swap(a, &place.persons[1], nobody))),
        ("one person", Box::new(|a| a.truncate(a.len() - 2))),
    ];
    for (number, (what, change)) in cases.iter().enumerate() {
        let to = format!("refused-{number}");
        let refused = place.restore(&to, |arguments| change(arguments));
        assert_ne!(refused.status, Some(0), "{what}");
        assert!(!place.room.path().join(&to).join("config").exists(), "{what}");
    }
    // Never into a directory that holds something.
    assert_eq!(place.restore("vault", |_| {}).status, Some(1));
}

#[test]
fn a_restore_whose_passphrase_is_wrong_leaves_nothing_in_the_way_of_the_next() {
    let place = Place::backed_up();
    let wrong = place.path("wrong");
    std::fs::write(&wrong, "another passphrase\n").expect("written");
    let refused = place.restore("to", |a| swap(a, &place.path("passphrase"), &wrong));
    assert_ne!(refused.status, Some(0));
    let left = std::fs::read_dir(place.room.path().join("to")).expect("a directory");
    assert_eq!(left.count(), 0);
    // What broke off later has keys and no configuration, and is known by that; what is somebody's own is not.
    let to = place.room.path().join("to");
    std::fs::write(to.join("keyring"), "").expect("written");
    let other = place.restore("to", |_| {}).ended(1).err;
    assert!(!other.contains("throw it away"), "{other}");
    std::fs::write(to.join("unlock"), "").expect("written");
    let broke_off = place.restore("to", |_| {}).ended(1).err;
    assert!(broke_off.contains("a restore that broke off left; throw it away"), "{broke_off}");
    std::fs::remove_dir_all(&to).expect("removed");
    place.restore("to", |_| {}).ended(0);
}

#[test]
fn a_backup_is_never_made_inside_of_the_vault() {
    let place = Place::backed_up();
    let directory = place.path("vault");
    for inside in ["vault/bulk", "vault/log/bulk", "vault/../vault/bulk"] {
        let out = place.path(inside);
        let refused = run(&["backup", "create", "--dir", &directory, "--out", &out]).ended(2).err;
        assert!(refused.contains("the vault's own directory"), "{refused}");
        assert!(!Path::new(&out).exists());
    }
}

#[test]
fn a_restore_asks_for_the_ledger_of_erasures_that_the_vault_had() {
    let place = Place::with(|room| format!("erasure_ledger = {:?}\n", room.join("erasures")));
    let ledger = place.path("erasures");
    assert_eq!(std::fs::read_to_string(&ledger).expect("a ledger"), "gridvault erasures 1\n");
    let refused = place.restore("vault-2", |_| {});
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(refused.err.contains("--erasure-ledger"), "{refused:?}");
    let bringing = |path: String| {
        move |arguments: &mut Vec<String>| {
            arguments.extend(["--erasure-ledger".to_owned(), path.clone()]);
        }
    };
    let missing = place.restore("vault-2", bringing(place.path("nothing")));
    assert_eq!(missing.status, Some(4), "{missing:?}");
    assert!(!place.room.path().join("vault-2/config").exists());

    let restored = place.restore("vault-3", bringing(ledger.clone())).ended(0).json();
    assert_eq!(restored["ledger"], 0);
    let log = place.room.path().join("vault-3/log");
    assert_eq!(entries(&log, AFTER, "sys", "restore")[0]["x"]["ledger"], 0);
    let config = std::fs::read_to_string(place.path("vault-3/config")).expect("a configuration");
    assert!(config.contains(&format!("erasure_ledger = {ledger:?}")), "{config}");
    let due = place.path("vault-3/ledger-due");
    let mark = std::fs::read_to_string(&due).expect("how far it goes");
    assert!(mark.starts_with("21 "), "{mark}");
    std::fs::write(&due, mark.replacen("21", "20", 1)).expect("written");
    let (directory, passphrase) = (place.path("vault-3"), place.path("passphrase"));
    let serve = ["serve", "--dir", &directory, "--listen", "127.0.0.1:0"];
    let refused = run(&[&serve[..], &["--passphrase-file", &passphrase]].concat());
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(refused.err.contains("has not the lines any more"), "{refused:?}");

    let without = |arguments: &mut Vec<String>| arguments.push("--without-erasure-ledger".into());
    let restored = place.restore("vault-4", without).ended(0).json();
    assert!(restored["ledger"].is_null());
    let log = place.room.path().join("vault-4/log");
    assert!(entries(&log, AFTER, "sys", "restore")[0]["x"]["ledger"].is_null());
}
