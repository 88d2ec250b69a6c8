//! `gridvault import` as an operator runs it, against a vault of its own: refused lines, a second run, a killed run.
//! Never believes the summary: what is stored is counted in the log.
//! Whatever is killed in the middle, each line is stored once in the end.

use super::bodies::{REGISTRATION, adult, contact, fresh_phone, place};
use super::harness::{Demo, await_until, end_of};
use super::program::{Outcome, run, start};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Child;
use tempfile::TempDir;

/// Lines of an import that is stopped on its way: several batches.
const MANY_COUNT: usize = 2_600;

/// A vault with a room for files.
struct Bench {
    demo: Demo,
    room: TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench { demo: Demo::own(), room: tempfile::tempdir().expect("a temporary directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    fn write(&self, name: &str, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(self.path(name), text).expect("a file");
    }

    /// Tokens of the workers of the first grids.
    fn write_tokens(&self, grids: usize) {
        let token = |grid| {
            let worker = self.demo.worker(grid);
            json!({"area": worker.grid(), "token": worker.token}).to_string()
        };
        self.write("tokens", &(1..=grids).map(token).collect::<Vec<_>>());
    }

    fn arguments(&self, file: &str, more: &[&str]) -> Vec<String> {
        let (file, tokens) = (self.text(file), self.text("tokens"));
        let fixed = ["--json", "import", &file, "--tokens", &tokens, "--url", self.demo.url()];
        fixed.iter().chain(more).map(|word| (*word).to_owned()).collect()
    }

    fn import(&self, file: &str) -> Outcome {
        run(&self.arguments(file, &["--answers", &self.text("answers")]))
    }

    fn start(&self, file: &str) -> Child {
        start(&self.arguments(file, &["--connections", "2"]))
    }

    /// What the state file says; null before there is one.
    fn state(&self, file: &str) -> Value {
        let text = std::fs::read(self.path(&format!("{file}.import"))).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// How many records and households were stored since an index, by the log.
    fn stored_since(&self, index: u64) -> usize {
        let entries = self.demo.entries_between(index, self.now());
        let is_store = |entry: &&Value| {
            entry["ev"] == "data" && (entry["act"] == "create" || entry["act"] == "household")
        };
        entries.iter().filter(is_store).count()
    }

    /// The index of a fresh entry.
    fn now(&self) -> u64 {
        self.demo.worker(1).read(self.demo.sample_record(), "name", REGISTRATION).index()
    }

    fn many(&self) -> Vec<String> {
        let grids: Vec<String> =
            (1..=2).map(|grid| self.demo.worker(grid).grid().to_owned()).collect();
        (0..MANY_COUNT).map(|at| line(&place(&grids[at % 2]))).collect()
    }
}

/// A line that stores a body.
fn line(body: &Value) -> String {
    let purpose = body["basis"]["purpose"].as_str().expect("a basis with its purpose");
    let route = if body.get("people").is_some() { "/v1/households" } else { "/v1/records" };
    json!({"synthetic": true, "route": route, "purpose": purpose, "body": body}).to_string()
}

#[test]
fn what_is_right_is_stored_and_the_rest_is_quarantined_with_its_reason() {
    let bench = Bench::new();
    bench.write_tokens(2);
    let grid = |number| bench.demo.worker(number).grid().to_owned();
    let mut wrong = adult(&grid(1));
    wrong["fields"]["phone"] = json!("not a telephone");
    let mut unfounded = contact(&grid(2), &fresh_phone());
    unfounded["basis"].as_object_mut().expect("a basis").remove("consent");
    let lines = [
        line(&adult(&grid(1))),
        line(&wrong),
        "{\"route\": \"/v1/records\", \"purpose\"".to_owned(),
        line(&contact(&grid(1), &fresh_phone())),
        line(&unfounded),
        line(&adult(&grid(3))),
        line(&place(&grid(2))),
        line(&adult(&grid(2))).replace(REGISTRATION, "no_such_purpose"),
    ];
    bench.write("lines", &lines);
    let before = bench.now();
    let summary = bench.import("lines").ended(1).json();
    assert_eq!((&summary["stored"], &summary["refused"]), (&json!(3), &json!(5)));
    assert_eq!((&summary["complete"], &summary["under_way"]), (&json!(true), &json!(0)));
    assert_eq!(bench.stored_since(before), 3);

    let quarantine = bench.path("lines.quarantine");
    let mode = std::fs::metadata(&quarantine).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds personal values");
    let text = bench.read("lines.quarantine");
    let mut found: Vec<(u64, String)> = text
        .lines()
        .collect::<Vec<_>>()
        .chunks(2)
        .map(|pair| {
            let why: Value = serde_json::from_str(&pair[0][2..]).expect("a reason in JSON");
            let number = why["line"].as_u64().expect("a number");
            let place = usize::try_from(number - 1).expect("few");
            assert_eq!(pair[1], lines[place], "as it was");
            (number, why["code"].as_str().expect("a code").to_owned())
        })
        .collect();
    found.sort();
    let codes = [(2, "schema_invalid"), (3, "line_malformed"), (5, "basis_missing")];
    let more = [(6, "no_token"), (8, "purpose_unknown")];
    let expected = codes.iter().chain(&more).map(|(line, code)| (*line, (*code).to_owned()));
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert!(text.contains("\"field\":\"phone\""), "the field is named");

    let answers: Vec<Value> =
        bench.read("answers").lines().map(|one| serde_json::from_str(one).expect("JSON")).collect();
    let first = answers.iter().find(|answer| answer["line"] == 1).expect("the first line");
    let id = first["id"].as_str().expect("an id");
    bench.demo.worker(1).read(id, "name", REGISTRATION).expect(200);

    let again = bench.import("lines").ended(1).json();
    assert_eq!(again["stored"], 3, "nothing is sent again");
    assert_eq!(bench.stored_since(before), 3);

    for file in ["lines.import", "lines.quarantine", "answers"] {
        std::fs::remove_file(bench.path(file)).expect("a file");
    }
    let anew = bench.import("lines").ended(1).json();
    assert_eq!(anew["stored"], 3, "all of it is sent again, and known");
    assert_eq!(bench.stored_since(before), 3);
}

#[test]
fn quarantine_is_corrected_and_imported_as_it_is() {
    let bench = Bench::new();
    bench.write_tokens(1);
    let mut wrong = adult(bench.demo.worker(1).grid());
    wrong["fields"]["phone"] = json!("9");
    bench.write("lines", &[line(&wrong)]);
    run(&bench.arguments("lines", &[])).ended(1);
    let text =
        bench.read("lines.quarantine").replace("\"phone\":\"9\"", "\"phone\":\"12900007654\"");
    std::fs::write(bench.path("corrected"), text).expect("a file");
    let before = bench.now();
    let summary = run(&bench.arguments("corrected", &[])).ended(0).json();
    assert_eq!((&summary["stored"], &summary["refused"]), (&json!(1), &json!(0)));
    assert_eq!(bench.stored_since(before), 1);
    assert!(!bench.path("corrected.quarantine").exists());
}

#[test]
fn import_that_is_killed_goes_on_and_stores_nothing_twice() {
    let bench = Bench::new();
    bench.write_tokens(2);
    bench.write("lines", &bench.many());
    let before = bench.now();
    // Killed twice: when the first batches are under way, and when the first is answered.
    let under_way =
        |state: &Value| state["under_way"].as_object().is_some_and(|some| !some.is_empty());
    let settled = |state: &Value| state["stored"].as_u64().unwrap_or(0) > 0;
    for reached in [&under_way as &dyn Fn(&Value) -> bool, &settled] {
        let mut child = bench.start("lines");
        await_until("the import has got there", || reached(&bench.state("lines")));
        child.kill().expect("the child is there");
        let _killed = child.wait().expect("a child of this process");
        assert_eq!(bench.state("lines")["complete"], false);
    }
    let summary = run(&bench.arguments("lines", &[])).ended(0).json();
    assert_eq!(summary["stored"], MANY_COUNT);
    assert_eq!(bench.stored_since(before), MANY_COUNT);
}

#[test]
fn vault_that_is_killed_and_comes_back_has_each_line_once() {
    let mut bench = Bench::new();
    bench.write_tokens(2);
    bench.write("lines", &bench.many());
    let before = bench.now();
    let mut child = bench.start("lines");
    await_until("a batch is answered", || bench.state("lines")["stored"].as_u64().unwrap_or(0) > 0);
    bench.demo.kill();
    bench.demo.start_again_there();
    assert_eq!(end_of(&mut child), Some(0), "the import waited for it");
    assert_eq!(bench.state("lines")["complete"], true);
    assert_eq!(bench.stored_since(before), MANY_COUNT);
}

#[test]
fn import_stops_for_a_token_that_is_none_and_goes_on_with_one_that_is() {
    let bench = Bench::new();
    let body = place(bench.demo.worker(1).grid());
    bench.write("lines", &[line(&body)]);
    bench.write("tokens", &[json!({"area": "", "token": "none"}).to_string()]);
    let stopped = run(&bench.arguments("lines", &[])).ended(1);
    assert!(stopped.err.contains("token_invalid"), "{}", stopped.err);
    assert_eq!(stopped.json()["complete"], false);
    let other = json!({"area": "", "token": bench.demo.worker(1).token}).to_string();
    bench.write("tokens", &[other]);
    let refused = run(&bench.arguments("lines", &[])).ended(2);
    assert!(refused.err.contains("another actor"), "{}", refused.err);
}

#[test]
fn import_that_makes_no_sense_ends_with_2() {
    let bench = Bench::new();
    bench.write_tokens(1);
    bench.write("lines", &[line(&place(bench.demo.worker(1).grid()))]);
    let (file, tokens) = (bench.text("lines"), bench.text("tokens"));
    for arguments in [
        &["import"][..],
        &["import", &file],
        &["import", "-", "--tokens", &tokens],
        &["import", "-", "--tokens", &tokens, "--quarantine", "q", "--state", "s"],
        &["import", &file, "--tokens", &file],
        &["import", &file, "--tokens", &tokens, "--connections", "0"],
        &["import", &file, "--tokens", &tokens, "--connections", "17"],
    ] {
        run(arguments).ended(2);
    }
    std::fs::write(bench.path("lines.quarantine"), "mine").expect("a file");
    run(&bench.arguments("lines", &[])).ended(2);
    assert_eq!(bench.read("lines.quarantine"), "mine");
    std::fs::remove_file(bench.path("lines.quarantine")).expect("a file");
    run(&bench.arguments("lines", &[])).ended(0);
    bench.write("lines", &[line(&place(bench.demo.worker(1).grid()))]);
    let other = run(&bench.arguments("lines", &[])).ended(2);
    assert!(other.err.contains("another input"), "{}", other.err);
}
