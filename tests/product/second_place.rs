//! The ledger of erasures below a URL, from outside: certificates wait for it, a start holds to it, a restore brings it along.
//! Never a second place beyond this host.
//! What one does that keeps, forgets or changes lines is set while the vault serves.

#[path = "../../src/trail/tests/object_server.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library's own tests use more of it")]
mod object_server;

use super::backup::{AFTER, Place, entries};
use super::bodies::REGISTRATION;
use super::erasure::{Before, certificate, erased, marked, with_ledger};
use super::harness::Demo;
use super::program::{Outcome, Served, run};
use super::witnesses::policy;
use gridvault::records::RecordId;
use gridvault::store::{self, EngineKind, Fetched};
use gridvault_keys::{ArgonCost, DemoOnly, Envelope, KeyFile, Passphrase, UnlockFile};
use object_server::{Manner, ObjectServer};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

const WORDS: &str = "a passphrase of several words";

#[test]
fn an_erasure_is_certified_once_a_url_has_it_and_stays_where_the_vault_is_put_back() {
    let mut demo = Demo::own();
    let server = ObjectServer::start();
    with_ledger(&mut demo, &server.url());
    assert_eq!(server.lines(), ["gridvault erasures 1\n"]);
    let (gone, stays) = (marked(&demo.worker(1), 80), marked(&demo.worker(1), 81));
    let before = Before::of(&mut demo);
    for manner in [Manner::Forgets, Manner::Answers(500)] {
        server.set(manner);
        let id = match manner {
            Manner::Forgets => erased(&demo, &gone.subject),
            _ => erased(&demo, &marked(&demo.worker(1), 82).subject),
        };
        certificate(&demo.role("resident_desk"), &id).refused(409, "in_flight");
        server.set(Manner::Keeps);
        certificate(&demo.role("resident_desk"), &id).expect(200);
    }
    let told = server.lines();
    assert_eq!(told.len(), 3);
    for secret in gone.marks.iter().chain([&gone.id, &gone.subject]) {
        assert!(!told.concat().contains(secret.as_str()), "{secret}");
    }
    before.put_back(&mut demo);
    let worker = demo.worker(1);
    worker.read(&gone.id, "name", REGISTRATION).refused(410, "erased");
    worker.read(&stays.id, "name", REGISTRATION).expect(200);
    assert_eq!(server.lines(), told);

    assert_eq!(demo.stop(), Some(0));
    let directory = demo.directory().display().to_string();
    let start = || run(&["demo", "--listen", "127.0.0.1:0", "--dir", &directory]);
    server.put(1, &told[1].replace("purpose_met", "other_law"));
    let refused = start();
    assert_eq!(refused.status, Some(4), "{refused:?}");
    assert!(refused.err.contains("line 2 of the ledger of erasures"), "{refused:?}");
    server.take_away(1);
    let refused = start();
    assert_eq!(refused.status, Some(4), "{refused:?}");
    assert!(refused.err.contains("line 2 of the ledger of erasures"), "{refused:?}");
    server.put(1, &told[1]);
    server.set(Manner::Overwrites);
    let refused = start();
    assert_eq!(refused.status, Some(4), "{refused:?}");
    assert!(refused.err.contains("If-None-Match"), "{refused:?}");
}

#[test]
fn a_restore_brings_a_ledger_along_by_its_url_and_the_file_of_its_token() {
    let server = ObjectServer::start();
    let token = |room: &std::path::Path| room.join("ledger-token");
    let place = Place::with(|room| {
        std::fs::write(token(room), "a-token\n").expect("written");
        std::fs::set_permissions(token(room), std::fs::Permissions::from_mode(0o600)).expect("set");
        let (url, file) = (server.url(), token(room));
        format!("erasure_ledger = {url:?}\nerasure_ledger_token_file = {file:?}\n")
    });
    let file = place.path("ledger-token");
    let shown = server.shown();
    assert!(shown.iter().all(|shown| shown.as_deref() == Some("Bearer a-token")), "{shown:?}");
    let refused = place.restore("vault-2", |_| {}).ended(1).err;
    assert!(refused.contains(&server.url()) && refused.contains("--erasure-ledger"), "{refused}");
    let bringing = |url: &str| {
        let fixed = ["--erasure-ledger", url, "--erasure-ledger-token-file", &file];
        let further = fixed.map(str::to_owned);
        move |arguments: &mut Vec<String>| arguments.extend(further.clone())
    };
    for bad in ["http://objects.example/a", "http://who:secret@127.0.0.1/a", "https://[::1]/a?b"] {
        place.restore("vault-2", bringing(bad)).ended(2);
    }
    place.restore("vault-2", bringing(&format!("{}/nothing", server.url()))).ended(4);
    let mode = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("set");
    };
    mode(0o640);
    let refused = place.restore("vault-3", bringing(&server.url())).ended(1).err;
    assert!(refused.contains("0600") && !refused.contains("a-token"), "{refused}");
    mode(0o600);

    let restored = place.restore("vault-4", bringing(&server.url())).ended(0).json();
    assert_eq!(restored["ledger"], 0);
    let log = place.room.path().join("vault-4/log");
    assert_eq!(entries(&log, AFTER, "sys", "restore")[0]["x"]["ledger"], 0);
    let config = std::fs::read_to_string(place.path("vault-4/config")).expect("a configuration");
    assert!(config.contains(&format!("erasure_ledger = {:?}", server.url())), "{config}");
    assert!(config.contains("ledger-token") && !config.contains("a-token"), "{config}");
    let due = place.room.path().join("vault-4/ledger-due");
    assert!(std::fs::read_to_string(&due).expect("how far it goes").starts_with("21 "));
    let passphrase = place.path("passphrase");
    let directory = place.path("vault-4");
    let serve = ["serve", "--dir", &directory, "--listen", "127.0.0.1:0"];
    server.take_away(0);
    run(&[&serve[..], &["--passphrase-file", &passphrase]].concat()).ended(4);
    server.put(0, "gridvault erasures 1\n");
    assert_eq!(place.served("vault-4").stop(), Some(0));
    assert!(!due.exists(), "it was found and replayed");
}

/// Lets a passphrase open a demo too, which nobody has open: only so it can be restored.
fn opened_by_words(directory: &Path) {
    let unlock = directory.join("unlock");
    let demo = UnlockFile::load(&unlock).expect("an unlock file").remove(0);
    let key_file = KeyFile::load(&directory.join("demo.key")).expect("a key file");
    let root = demo.open_with_key_file(&key_file, DemoOnly::data_is_synthetic());
    let root = root.expect("the root key");
    let words = Passphrase::new(Zeroizing::new(WORDS.as_bytes().to_vec())).expect("words");
    let further = Envelope::seal_with_passphrase(&root, &words, ArgonCost::ROOT);
    std::fs::remove_file(&unlock).expect("removed");
    UnlockFile::create(&unlock, &[demo, further.expect("an envelope")]).expect("written");
}

/// Whether the store of a vault that nobody has open holds a record.
fn is_held(directory: &Path, record: &str) -> bool {
    let opened = store::open(&directory.join("store"), EngineKind::Sled, 64 * 1024 * 1024);
    let (reader, _applier) = opened.expect("a store");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let id: RecordId = record.parse().expect("an id");
    matches!(runtime.block_on(reader.fetch(id)).expect("read"), Fetched::Found(_))
}

#[test]
fn somebody_who_was_erased_stays_erased_in_a_vault_that_is_made_of_an_older_bulk_part_and_the_url()
{
    let mut demo = Demo::own();
    let server = ObjectServer::start();
    let room = tempfile::tempdir().expect("a directory");
    let path = |name: &str| room.path().join(name).display().to_string();
    with_ledger(&mut demo, &server.url());
    let (gone, stays) = (marked(&demo.worker(1), 83), marked(&demo.worker(1), 84));
    let directory = demo.directory().display().to_string();
    assert_eq!(demo.stop(), Some(0));
    opened_by_words(demo.directory());
    demo.start_again();
    run(&["backup", "create", "--dir", &directory, "--out", &path("bulk")]).ended(0);
    let id = erased(&demo, &gone.subject);
    certificate(&demo.role("resident_desk"), &id).expect(200);
    let recipient = run(&["backup", "recipient", "--out", &path("secret")]).ended(0).out;
    std::fs::write(path("recipients"), recipient).expect("written");
    let keys = ["backup", "keys", "--dir", &directory, "--recipients", &path("recipients")];
    run(&[&keys[..], &["--bulk", &path("bulk"), "--out", &path("keys")]].concat()).ended(0);
    run(&["backup", "create", "--dir", &directory, "--out", &path("bulk-2")]).ended(0);
    let persons = ["system_admin", "audit_admin"].map(|role| demo.role(role).id);
    let log_key = demo.log_key().to_owned();
    assert_eq!(demo.stop(), Some(0));

    std::fs::write(path("passphrase"), WORDS).expect("written");
    let (bulk, keys, secret) = (path("bulk"), path("keys"), path("secret"));
    let (passphrase, restored, url) = (path("passphrase"), path("restored"), server.url());
    let parts = ["--bulk", &bulk, "--keys", &keys, "--identity", &secret, "--log-key", &log_key];
    let to = ["--dir", &restored, "--origin", AFTER, "--passphrase-file", &passphrase];
    let word = ["--unsigned", "--person", &persons[0], "--person", &persons[1]];
    let ledger = ["--erasure-ledger", url.as_str()];
    let fixed = ["--json", "backup", "restore"];
    // A ledger that lost its end has not what a newer bulk part knows of.
    let told = server.lines();
    server.take_away(1);
    let newer = path("bulk-2");
    let newer = [&["--bulk", newer.as_str()][..], &parts[2..]].concat();
    let refused = run(&[&fixed[..], &newer, &to, &word, &ledger].concat()).ended(1).err;
    assert!(refused.contains("lacks 1 of the erasures"), "{refused}");
    server.put(1, &told[1]);
    let made = run(&[&fixed[..], &parts, &to, &word, &ledger].concat()).ended(0).json();
    assert_eq!((&made["ledger"], &made["ledger_lacks"]), (&json!(1), &json!(0)));
    assert!(made["ledger_behind"].is_null(), "nobody cosigns this log: {made}");
    let restored = room.path().join("restored");
    assert!(is_held(&restored, &gone.id), "the bulk part is from before");

    let serve = ["serve", "--dir", to[1], "--listen", "127.0.0.1:0"];
    let serve = [&serve[..], &["--passphrase-file", &passphrase]].concat();
    server.set(Manner::Answers(503));
    run(&serve).ended(4);
    server.set(Manner::Keeps);
    assert_eq!(Served::start(&serve).stop(), Some(0));
    assert!(!is_held(&restored, &gone.id) && is_held(&restored, &stays.id));
    let again = entries(&restored.join("log"), AFTER, "data", "erase");
    assert_eq!(again.iter().map(|one| &one["x"]["replayed"]).collect::<Vec<_>>(), ["ledger"]);
    let facts = &entries(&restored.join("log"), AFTER, "sys", "restore")[0]["x"];
    assert_eq!((&facts["ledger"], &facts["ledger_lacks"]), (&json!(1), &json!(0)));
}

/// The same vault with a ledger and a witness, at work once more: the policy, and the last checkpoint that the witness cosigned.
fn witnessed(place: &Place, ledger: &str) -> (String, String) {
    let (file, note) = (place.path("policy"), place.path("cosigned"));
    let policy = policy(place.log_key(), &place.room.path().join("witness"));
    std::fs::write(&file, policy).expect("written");
    let config = place.room.path().join("vault/config");
    let usual = std::fs::read_to_string(&config).expect("a configuration");
    let further = format!("erasure_ledger = {ledger:?}\nwitness_policy = {file:?}\n");
    std::fs::write(&config, format!("{further}{usual}")).expect("written");
    assert_eq!(place.served("vault").stop(), Some(0));
    // What a witness shows everybody.
    let kept = place.room.path().join("vault/log/witnessed");
    std::fs::copy(kept, &note).expect("cosigned");
    (file, note)
}

#[test]
fn a_ledger_that_is_older_than_the_last_cosigned_checkpoint_is_taken_from_two_who_sign_alone() {
    let place = Place::backed_up();
    let server = ObjectServer::start();
    let url = server.url();
    let (policy, note) = witnessed(&place, &url);
    let bringing = ["--erasure-ledger", &url, "--witnessed", &note, "--witness-policy", &policy];
    let with = |to: &str, further: &[&str], bulk: &str| {
        place.restore(to, |arguments| {
            let at = arguments.iter().position(|word| *word == place.path("bulk"));
            arguments[at.expect("a bulk part")] = place.path(bulk);
            arguments.extend(further.iter().map(|word| (*word).to_owned()));
        })
    };
    // The bulk part is from before the witness: the log that it cosigned is longer.
    let refused = with("named", &bringing, "bulk").ended(1).err;
    assert!(refused.contains("entries that witnesses cosigned"), "{refused}");
    // Of a bulk part that knows of the witness nobody is taken at their word without a checkpoint.
    let (directory, newest) = (place.path("vault"), place.path("bulk-2"));
    run(&["backup", "create", "--dir", &directory, "--out", &newest]).ended(0);
    let refused = with("unasked", &bringing[..2], "bulk-2").ended(1).err;
    assert!(refused.contains("--witnessed"), "{refused}");
    let without = with("without", &["--without-erasure-ledger"], "bulk-2").ended(1).err;
    assert!(without.contains("--witnessed"), "{without}");
    with("half", &bringing[..4], "bulk-2").ended(2);
    let current = with("current", &bringing, "bulk-2").ended(0).json();
    assert_eq!((&current["ledger_behind"], &current["ledger_lacks"]), (&json!(0), &json!(0)));

    let request = place.path("request");
    let (bulk, keys) = (place.path("bulk"), place.path("keys"));
    let asked = ["keys", "request", "restore", "--out", &request, "--origin", AFTER];
    let parts = ["--bulk", &bulk, "--keys", &keys, "--log-key", place.log_key()];
    let text = run(&[&asked[..], &parts, &bringing].concat()).ended(0).out;
    let behind = text.lines().find_map(|line| line.strip_prefix("behind ")).expect("a line");
    let behind: u64 = behind.parse().expect("a number");
    assert!(behind > 0 && text.contains("\nlacks 0\n"), "{text}");
    for name in ["sys", "aud"] {
        let key = place.path(&format!("{name}.key"));
        run(&["keys", "agree", &request, "restore", "--key", &key]).ended(0);
    }
    let signed = |to: &str, further: &[&str]| -> Outcome {
        place.restore(to, |arguments| {
            arguments.truncate(arguments.len() - 5);
            arguments.extend(["--agreed".to_owned(), request.clone()]);
            arguments.extend(further.iter().map(|word| (*word).to_owned()));
        })
    };
    let refused = signed("other-age", &bringing[..2]).ended(1).err;
    assert!(refused.contains("age of the ledger"), "{refused}");
    let made = signed("signed", &bringing).ended(0).json();
    assert_eq!(made["ledger_behind"], behind);
    let facts = &entries(&place.room.path().join("signed/log"), AFTER, "sys", "restore")[0]["x"];
    assert_eq!(facts["ledger_behind"], behind);
    assert_eq!(facts["ledger_lacks"], 0);
    assert_eq!(facts["proof"], "signed");
    for refused in ["named", "unasked", "without", "half", "other-age"] {
        assert!(!place.room.path().join(refused).join("config").exists(), "{refused}");
    }
}
