//! The vault as a process of its host: what it keeps from other processes, and what `doctor` says of the host.
//! Never a judgement of this host: only what a test itself made so is expected.
//! Status 1 of `doctor` means that something is lacking, whatever it is.

use super::harness::Demo;
use super::program::run;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What `doctor` says of one thing, and its exit status.
fn doctor(directory: &Path, what: &str) -> (String, Option<i32>) {
    let directory = directory.to_str().expect("a plain path");
    let done = run(&["doctor", "--dir", directory, "--json"]);
    let said: Value = serde_json::from_str(&done.out).expect("JSON");
    let findings = said["findings"].as_array().expect("a list");
    let finding = findings.iter().find(|finding| finding["what"] == what);
    let verdict = finding.expect("it is looked at")["verdict"].as_str().expect("a word").to_owned();
    (verdict, done.status)
}

#[test]
fn a_serving_process_leaves_no_core_file() {
    let demo = Demo::own();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", demo.process()));
    let limits = limits.expect("a process of this host");
    let core = limits.lines().find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.expect("a limit").split_whitespace().skip(4).collect();
    assert_eq!(words, ["0", "0", "bytes"]);
}

#[test]
fn a_serving_process_locks_what_it_touches_in_memory_or_says_that_it_may_not() {
    let demo = Demo::own();
    let status = std::fs::read_to_string(format!("/proc/{}/status", demo.process()));
    let status = status.expect("a process of this host");
    let kib = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a line");
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number")
    };
    let (verdict, _) = doctor(demo.directory(), "locked pages");
    match verdict.as_str() {
        // What it only mapped, and a page that is on its way, are not counted.
        "well" => assert!(kib("VmLck:") >= kib("RssAnon:"), "{status}"),
        _ => assert_eq!(kib("VmLck:"), 0, "{status}"),
    }
}

#[test]
fn doctor_says_who_can_read_the_vault_and_where_none_is() {
    let demo = Demo::own();
    let directory = demo.directory();
    assert_eq!(doctor(directory, "file modes").0, "well");
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    assert_eq!(doctor(directory, "file modes"), ("lacks".to_owned(), Some(1)));
    let nowhere = run(&["doctor", "--dir", "/nowhere"]);
    assert_eq!(nowhere.status, Some(1));
    assert!(nowhere.err.contains("no vault"), "{}", nowhere.err);
}
