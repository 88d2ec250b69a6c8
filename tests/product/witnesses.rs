//! What outsiders hold a vault by: the cosigned checkpoint, and the list of what its store has.
//! Never believes the vault: the verifier of the log's own crate judges, under a policy from here.
//! The witness is a real one, in a thread of this program.

use super::bodies::{REGISTRATION, adult};
use super::harness::{Demo, await_until, copied};
use super::program::{Served, run};
use gridvault_audit::verify::{
    Class, Expectations, Ledger, Policy, Shelf, VerifyError, open_checkpoint, verify_log,
};
use gridvault_audit::witness::{CosignerKey, Keeper, Listening, serve};
use serde_json::json;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

/// A policy with one running witness, which remembers in `directory`.
pub fn policy(log_key: &str, directory: &Path) -> String {
    let (policy, listening, keeper) = silent(log_key, directory);
    std::thread::spawn(move || serve(listening, keeper, now_seconds));
    policy
}

/// The same with a witness that takes no call yet.
fn silent(log_key: &str, directory: &Path) -> (String, Listening, Keeper) {
    let log = format!("log {log_key}\nquorum none\n");
    let logs = Policy::parse(log.as_bytes()).expect("a policy");
    let key = CosignerKey::from_seed("witness.example/office", &[7; 32]).expect("a key");
    let keeper = Keeper::open(directory, key, logs).expect("a witness");
    let vkey = keeper.verifier_key();
    let listening = Listening::bind("127.0.0.1:0".parse().expect("an address")).expect("bound");
    let address = listening.address().expect("bound");
    let witness = format!("witness office {vkey} http://{address}\nquorum office\n");
    (format!("log {log_key}\n{witness}"), listening, keeper)
}

#[test]
fn checkpoint_is_shown_to_everybody_with_its_cosignatures_and_an_older_log_does_not_start() {
    let mut demo = Demo::own();
    let room = tempfile::tempdir().expect("a directory");
    let bare = demo.get("/log/checkpoint");
    assert_eq!(bare.status, 200);
    assert_eq!(bare.header("content-type"), "text/plain; charset=utf-8");
    let policy = policy(demo.log_key(), &room.path().join("witness"));
    let policy_file = room.path().join("policy");
    std::fs::write(&policy_file, &policy).expect("written");
    assert_eq!(demo.stop(), Some(0));
    copied(&demo.log_directory(), &room.path().join("old"));
    let config = demo.directory().join("config");
    let mut text = std::fs::read_to_string(&config).expect("a configuration");
    text.insert_str(0, &format!("witness_policy = {:?}\n", policy_file.display().to_string()));
    std::fs::write(&config, text).expect("written");
    demo.start_again();
    let worker = demo.worker(1);
    worker.read(demo.sample_record(), "name", REGISTRATION).expect(200);
    assert_eq!(demo.stop(), Some(0));
    let policy = Policy::parse(policy.as_bytes()).expect("a policy");
    let expected = Expectations { now_seconds: Some(now_seconds()), ..Expectations::default() };
    let shelf = Shelf::open(&demo.log_directory()).expect("a log");
    let summary = verify_log(shelf, &policy, &expected, &mut ()).expect("accepted");
    assert_eq!(summary.witnessed.expect("asked for").head, summary.head, "the stop is witnessed");
    demo.start_again();
    let shown = demo.get("/log/checkpoint");
    assert_eq!(shown.status, 200);
    let known = open_checkpoint(shown.text.as_bytes(), &policy, Some(now_seconds()));
    assert!(policy.is_met_by(&known.expect("a checkpoint").cosignatures));
    assert_eq!(demo.stop(), Some(0));

    std::fs::remove_dir_all(demo.log_directory()).expect("removed");
    copied(&room.path().join("old"), &demo.log_directory());
    let directory = demo.directory().display().to_string();
    let outcome = run(&["demo", "--listen", "127.0.0.1:0", "--dir", &directory]);
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    assert!(outcome.err.contains("behind"), "{outcome:?}");
}

/// Which of the two is the original no witness can know: one of them goes on, and the other does not, now or later.
#[test]
fn a_clone_and_its_original_do_not_go_on_side_by_side_once_a_witness_sees_both() {
    let room = tempfile::tempdir().expect("a directory");
    let path = |name: &str| room.path().join(name).display().to_string();
    std::fs::write(path("passphrase"), "the right passphrase\n").expect("written");
    let [original, clone, passphrase] = ["vault", "clone", "passphrase"].map(path);
    let people = ["--system-admin", "sys", "--security-admin", "sec", "--audit-admin", "aud"];
    let fixed = ["--json", "init", "--dir", &original, "--origin", "clone.example/log"];
    let opened = ["--passphrase-file", &passphrase];
    let made = run(&[&fixed[..], &people, &opened].concat()).ended(0).json();
    let serve_of = |directory| {
        [&["serve", "--dir", directory, "--listen", "127.0.0.1:0"], &opened[..]].concat()
    };
    assert_eq!(Served::start(&serve_of(&original)).stop(), Some(0));
    let log_key = made["log_key"].as_str().expect("a key");
    let (policy, listening, keeper) = silent(log_key, &room.path().join("witness"));
    std::fs::write(path("policy"), policy).expect("written");
    let config = path("vault/config");
    let text = std::fs::read_to_string(&config).expect("a configuration");
    std::fs::write(&config, format!("witness_policy = {:?}\n{text}", path("policy")))
        .expect("written");
    copied(Path::new(&original), Path::new(&clone));

    // As long as the witness is away nothing tells the two, and their age is not over yet.
    let two = [&original, &clone].map(|directory| Served::start(&serve_of(directory)));
    for served in &two {
        served.call("GET", "/readyz").send().expect(200);
    }
    std::thread::spawn(move || serve(listening, keeper, now_seconds));
    let is_gone = |served: &Served| served.call("GET", "/healthz").try_send().is_err();
    await_until("one of the two ends", || two.iter().any(is_gone));
    let goes_on = two.iter().position(|served| !is_gone(served)).expect("the other one");
    two[goes_on].call("GET", "/readyz").send().expect(200);
    let statuses = two.map(Served::stop);
    assert_eq!((statuses[goes_on], statuses[1 - goes_on]), (Some(0), Some(4)));

    // Nor does it start again, and it says why; the other one does.
    let directories = [&original, &clone];
    let refused = run(&serve_of(directories[1 - goes_on]));
    assert_eq!(refused.status, Some(4), "{refused:?}");
    assert!(
        refused.err.contains("behind") || refused.err.contains("is not the one"),
        "{refused:?}"
    );
    assert_eq!(Served::start(&serve_of(directories[goes_on])).stop(), Some(0));
}

#[test]
fn list_of_the_store_agrees_with_the_log_and_every_changed_line_is_found() {
    let mut demo = Demo::own();
    let room = tempfile::tempdir().expect("a directory");
    let worker = demo.worker(1);
    let changed = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    worker.patch(&changed, 1, REGISTRATION, json!({"name": "王新"})).expect(200);
    let removed = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    demo.head(1).delete(&removed, 1, REGISTRATION).expect(200);
    assert_eq!(demo.stop(), Some(0));
    let list = room.path().join("digests");
    let (directory, out) = (demo.directory().display().to_string(), list.display().to_string());
    let arguments = ["store", "digests", "--dir", &directory, "--out", &out];
    let outcome = run(&arguments);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(run(&arguments).status, Some(1), "never over a list that is there");

    let key = format!("log {}\nquorum none\n", demo.log_key());
    let policy = Policy::parse(key.as_bytes()).expect("a policy");
    let judge = |text: &str| -> Result<(), VerifyError> {
        let mut ledger = Ledger::read(&mut text.as_bytes(), 0, 1)?;
        let shelf = Shelf::open(&demo.log_directory())?;
        verify_log(shelf, &policy, &Expectations::default(), &mut ledger)?;
        ledger.judge()
    };
    let text = std::fs::read_to_string(&list).expect("a list");
    assert!(text.lines().count() > 20, "{text}");
    judge(&text).expect("the store is as the log left it");
    let class = |text: &str| match judge(text) {
        Err(VerifyError::Tampered(finding)) => finding.class,
        other => panic!("not found: {other:?}"),
    };
    let lines: Vec<&str> = text.lines().collect();
    for at in 4..lines.len() {
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let parts: Vec<&str> = lines[at].split(' ').collect();
        let other = format!("{} {} {} {}", parts[0], parts[1], "A".repeat(43), parts[3]);
        let of_another_entry = format!("{} {} {} 0", parts[0], parts[1], parts[2]);
        for line in [other, of_another_entry] {
            changed[at] = line;
            let text = changed.join("\n") + "\n";
            assert_eq!(class(&text), Class::RecordChanged, "{}", lines[at]);
        }
    }
}
