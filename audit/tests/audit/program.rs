//! The auditor's program from outside: exit status and what it prints.

use std::process::{Command, Output};

use gridvault_audit::{LogReader, leaf_hash};
use serde_json::Value;

use crate::support::{Key, ORIGIN, Vault, entry, key};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gridvault-audit"))
        .args(arguments)
        .output()
        .expect("the program runs")
}

fn status(arguments: &[&str]) -> Option<i32> {
    run(arguments).status.code()
}

fn verify(vault: &Vault, more: &[&str]) -> Output {
    let path = vault.path.to_str().expect("a plain path");
    run(&[&["verify", path, "--vkey", &key().vkey()], more].concat())
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one line of JSON")
}

#[test]
fn log_that_holds_exits_with_0() {
    let vault = Vault::with(300);
    let output = verify(&vault, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"ok: vault.example/log has 300 entries, all of them verified\n");
    let report = json(&verify(&vault, &["--json"]));
    assert_eq!((report["result"].as_str(), report["size"].as_u64()), (Some("ok"), Some(300)));
    assert_eq!(report["beyond_checkpoint"], false);
}

#[test]
fn changed_log_exits_with_3_and_names_the_place() {
    let vault = Vault::with(300);
    vault.change_entries("tile/entries/000", |entries| entries[42] = entry(43));
    let output = verify(&vault, &[]);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        text.starts_with("tampering: entry_changed at entry 42 in vault.example/log"),
        "{text}"
    );
    let output = verify(&vault, &["--json"]);
    assert_eq!(output.status.code(), Some(3));
    let report = json(&output);
    assert_eq!(
        (report["class"].as_str(), report["index"].as_u64()),
        (Some("entry_changed"), Some(42))
    );
}

#[test]
fn wrong_usage_exits_with_2() {
    let vault = Vault::with(3);
    let path = vault.path.to_str().expect("a plain path");
    assert_eq!(status(&[]), Some(2));
    assert_eq!(status(&["verify", path]), Some(2), "no key");
    assert_eq!(status(&["verify", path, "--vkey", "nonsense"]), Some(2));
    assert_eq!(status(&["verify", "--vkey", &key().vkey()]), Some(2), "no directory");
    assert_eq!(
        status(&["proof", path, "--vkey", &key().vkey()]),
        Some(2),
        "neither entry nor leaf"
    );
    assert_eq!(status(&["proof", path, "--vkey", &key().vkey(), "--leaf", "00"]), Some(2));
    let upwards = format!("{path}/../log");
    assert_eq!(status(&["verify", &upwards, "--vkey", &key().vkey()]), Some(2));
}

#[test]
fn log_that_cannot_be_reached_exits_with_1() {
    let vault = Vault::with(3);
    vault.remove("checkpoint");
    assert_eq!(verify(&vault, &[]).status.code(), Some(1));
    let none = Vault::empty();
    let output = verify(&none, &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output)["result"], "not_judged");
}

#[test]
fn another_key_exits_with_3() {
    let vault = Vault::with(3);
    let path = vault.path.to_str().expect("a plain path");
    assert_eq!(status(&["verify", path, "--vkey", &Key::new(ORIGIN, 2).vkey()]), Some(3));
}

#[test]
fn earlier_checkpoint_is_taken_from_a_file() {
    let vault = Vault::with(300);
    let saved = Vault::with(400);
    let file = saved.file("checkpoint");
    let file = file.to_str().expect("a plain path");
    let output = verify(&vault, &["--earlier", file, "--json"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(json(&output)["class"], "checkpoint_stale");
    assert_eq!(verify(&saved, &["--earlier", file]).status.code(), Some(0));
    saved.write("nonsense", b"nonsense");
    let nonsense = saved.file("nonsense");
    let output = verify(&saved, &["--earlier", nonsense.to_str().expect("a plain path")]);
    assert_eq!(output.status.code(), Some(1), "the auditor's own file is not the log's tampering");
}

#[test]
fn proof_is_checked_with_an_entry_or_a_leaf() {
    let vault = Vault::with(300);
    let reader = LogReader::open(&vault.path, ORIGIN).expect("a reader");
    vault.write("p.tlog-proof", reader.proof_file(77).expect("covered"));
    vault.write("entry", entry(77));
    vault.write("other", entry(78));
    let path = |name: &str| vault.file(name).to_str().expect("a plain path").to_owned();
    let check = |kind: &str, value: &str| {
        status(&["proof", &path("p.tlog-proof"), "--vkey", &key().vkey(), kind, value])
    };
    let leaf: String = leaf_hash(&entry(77)).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(check("--entry", &path("entry")), Some(0));
    assert_eq!(check("--leaf", &leaf), Some(0));
    assert_eq!(check("--entry", &path("other")), Some(3));
    assert_eq!(check("--entry", &path("none")), Some(1));
    assert_eq!(check("--leaf", &leaf.replace(&leaf[..1], "g")), Some(2));
}
