//! The commands as an operator runs them, from an empty directory to a stopped vault.
//! Never a vault of somebody else, and never a status that says other than what happened.
//! Exit status: 0 done, 1 refused or failed, 2 wrong usage, 4 storage fault.

use super::bodies::{REGISTRATION, adult, today};
use super::harness::copied;
use super::program::{Outcome, Served, run, run_with};
use gridvault::synthetic::{CityPlan, Extent, territory};
use gridvault_audit::verify::{VerifierKey, verify_directory};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ORIGIN: &str = "vault.example/log";
const GRID: &str = "8801020010010001";

/// A directory with what an operator prepares.
struct Desk {
    room: TempDir,
}

impl Desk {
    fn new() -> Desk {
        let desk = Desk { room: tempfile::tempdir().expect("a temporary directory") };
        desk.write("passphrase", "correct horse battery staple\n");
        desk.write("other-passphrase", "correct horse battery stable\n");
        let plan = CityPlan { persons: 60, seed: 1, today: today(), extent: Extent::Community };
        let tree = serde_json::to_string(&territory(&plan)).expect("a tree of grids");
        desk.write("territory.json", &tree);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    fn init(&self, directory: &str, administrators: [&str; 3]) -> Outcome {
        let [system, security, audit] = administrators;
        let (directory, passphrase) = (self.text(directory), self.text("passphrase"));
        let tree = self.text("territory.json");
        run(&[
            "--json",
            "init",
            "--dir",
            &directory,
            "--origin",
            ORIGIN,
            "--passphrase-file",
            &passphrase,
            "--territory",
            &tree,
            "--system-admin",
            system,
            "--security-admin",
            security,
            "--audit-admin",
            audit,
        ])
    }

    fn serve(&self, passphrase: &str) -> Vec<String> {
        let (directory, passphrase) = (self.text("vault"), self.text(passphrase));
        ["serve", "--dir", &directory, "--listen", "127.0.0.1:0", "--passphrase-file", &passphrase]
            .map(str::to_owned)
            .into()
    }

    /// A call of the command line with a token of this desk.
    fn ask(&self, served: &Served, token: &str, arguments: &[&str]) -> Outcome {
        let token = self.text(token);
        run(&[arguments, &["--url", served.url(), "--token-file", &token]].concat())
    }

    /// Enrols the holder of a code into a file of this desk.
    fn enrol(&self, served: &Served, code: &str, file: &str) -> Outcome {
        let file = self.text(file);
        run_with(&["enrol", "--out", &file, "--url", served.url()], code)
    }
}

#[test]
fn vault_is_made_served_staffed_used_and_stopped_from_the_command_line() {
    let desk = Desk::new();
    let made = desk.init("vault", ["sys.li", "sec.wang", "aud.zhao"]).ended(0).json();
    let mode = std::fs::metadata(desk.path("vault")).expect("a directory").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "the vault is its owner's alone");
    run(&["config", "check", "--dir", &desk.text("vault")]).ended(0);
    refuse_what_init_must_not_do(&desk);

    let served = Served::start(&desk.serve("passphrase"));
    enrol_administrators(&desk, &served, &made);
    let worker = staff(&desk, &served);
    use_it(&desk, &served, &worker);
    look_at_it(&desk, &served, &worker);
    refuse_what_callers_must_not_do(&desk, &served);

    assert_eq!(served.stop(), Some(0));
    run(&desk.serve("other-passphrase")).ended(1);
    run(&["serve", "--dir", &desk.text("vault"), "--listen", "127.0.0.1:0"]).ended(2);
    let key = made["log_key"].as_str().expect("the key for the auditors");
    let key = VerifierKey::parse(key).expect("a verifier key");
    verify_directory(&desk.path("vault").join("log"), &key, None).expect("the log holds");
}

fn refuse_what_init_must_not_do(desk: &Desk) {
    let again = desk.init("vault", ["a", "b", "c"]).ended(1);
    assert!(again.err.contains("not empty"), "{}", again.err);
    desk.write("occupied", "a file");
    desk.init("occupied", ["a", "b", "c"]).ended(1);
    for same in [["li", "li", "b"], ["a", "li", "li"], ["li", "b", "li"]] {
        desk.init("other", same).ended(2);
    }
    assert!(!desk.path("other").exists(), "a refused init leaves nothing");
}

fn enrol_administrators(desk: &Desk, served: &Served, made: &Value) {
    let administrators = made["administrators"].as_array().expect("three of them");
    assert_eq!(administrators.len(), 3);
    for administrator in administrators {
        let word = |name: &str| administrator[name].as_str().expect("a word").to_owned();
        let (role, code) = (word("role"), word("code"));
        let enrolled = desk.enrol(served, &code, &role).ended(0);
        let token = std::fs::read_to_string(desk.path(&role)).expect("the token's file");
        assert!(!enrolled.out.contains(&token), "the token is in its file alone");
        let mode = std::fs::metadata(desk.path(&role)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = desk.enrol(served, &code, "again").ended(1);
        assert!(again.err.contains("token_invalid"), "{}", again.err);
        assert!(!desk.path("again").exists());
    }
}

/// Adds a worker, who enrols; gives its id.
fn staff(desk: &Desk, served: &Served) -> String {
    desk.write("term", "B-2026-0017\n");
    let (term, trained) = (desk.text("term"), in_days(200));
    let brought = [
        "--term-signed",
        "2026-01-05T08:00:00Z",
        "--term-file",
        &term,
        "--trained-until",
        &trained,
    ];
    let add =
        ["--json", "actor", "add", "--login", "worker.sun", "--role", "grid_worker", "--area"];
    let ready = [&add[..], &[GRID], &brought].concat();
    let added = desk.ask(served, "security_admin", &ready).ended(0).json();
    let word = |name: &str| added[name].as_str().expect("a word").to_owned();
    desk.enrol(served, &word("code"), "worker").ended(0);
    let taken = desk.ask(served, "security_admin", &[&add[..], &[GRID]].concat()).ended(1);
    assert!(taken.err.contains("version_conflict"), "{}", taken.err);
    let wrong = desk.ask(served, "security_admin", &[&add[..], &["880102001"]].concat()).ended(1);
    assert!(wrong.err.contains("schema_invalid"), "{}", wrong.err);
    place_by_line_and_window(desk, served);
    let admin = ["actor", "add", "--login", "second.admin", "--role", "system_admin"];
    let refused = desk.ask(served, "security_admin", &admin).ended(1);
    assert!(refused.err.contains("approval_required"), "{}", refused.err);
    word("id")
}

/// So many days from now.
fn in_days(days: i64) -> String {
    let later = jiff::SignedDuration::from_hours(24 * days);
    jiff::Timestamp::now().saturating_add(later).expect("a moment").to_string()
}

/// A street office needs its line, and a stand-in a window that ends.
fn place_by_line_and_window(desk: &Desk, served: &Served) {
    let add = |login: &str, role: &str, area: &str, more: &[&str]| {
        let place = ["actor", "add", "--login", login, "--role", role, "--area", area];
        desk.ask(served, "security_admin", &[&place[..], more].concat())
    };
    let office = |more: &[&str]| add("office.zhou", "street_office", "880102001", more);
    assert!(office(&[]).ended(1).err.contains("schema_invalid"));
    assert!(office(&["--line", "stability"]).ended(1).err.contains("schema_invalid"));
    office(&["--line", "civil_affairs"]).ended(0);
    let soon = in_days;
    let window = |more: &[&str]| add("pair.qian", "grid_stand_in", GRID, more);
    assert!(window(&[]).ended(1).err.contains("schema_invalid"));
    assert!(window(&["--to", &soon(40)]).ended(1).err.contains("schema_invalid"));
    // Nor for days that would be right: a stand-in is placed as one of a pair.
    let alone = window(&["--from", &soon(-1), "--to", &soon(5)]).ended(1);
    assert!(alone.err.contains("pair"), "{}", alone.err);
    let firm = ["--from", &soon(-1), "--to", &soon(5)];
    add("firm.qian", "property_firm", "880102001001", &firm).ended(0);
}

/// The worker stores and reads somebody, over the interface.
fn use_it(desk: &Desk, served: &Served, worker: &str) {
    let token = std::fs::read_to_string(desk.path("worker")).expect("the token's file");
    let body = adult(GRID);
    let call = served.call("POST", "/v1/records").token(&token).purpose(REGISTRATION);
    let created = call.json(&body).send().expect(201);
    assert_eq!(created.header("synthetic"), "", "this vault is no demo");
    let path = format!("/v1/records/{}?fields=name", created.text_of("id"));
    let read = served.call("GET", &path).token(&token).purpose(REGISTRATION).send().expect(200);
    assert_eq!(read.body["fields"]["name"], body["fields"]["name"]);
    let issue = ["token", "issue", "--actor", worker, "--life-seconds", "60"];
    let issued = desk.ask(served, "security_admin", &issue).ended(0);
    let call = served.call("GET", &path).token(issued.out.trim()).purpose(REGISTRATION);
    call.send().expect(200);
}

/// Directory, policy and log, as those see them who have the duty.
fn look_at_it(desk: &Desk, served: &Served, worker: &str) {
    let listed = desk.ask(served, "audit_admin", &["actor", "list"]).ended(0);
    assert!(listed.out.contains("worker.sun") && listed.out.contains(worker), "{}", listed.out);
    let matrix = desk.ask(served, "system_admin", &["policy", "matrix", "--role", "city_platform"]);
    let matrix = matrix.ended(0);
    assert_eq!(matrix.out.lines().count(), 4, "a line a class: {}", matrix.out);
    assert!(matrix.out.lines().all(|line| line.starts_with("city_platform ")));
    let question = [
        "policy",
        "explain",
        "--actor",
        worker,
        "--purpose",
        REGISTRATION,
        "--type",
        "person",
        "--grid",
        GRID,
        "--fields",
        "name,id_number",
    ];
    let told = desk.ask(served, "security_admin", &question).ended(0);
    assert!(told.out.starts_with("allowed\n"), "{}", told.out);
    assert!(told.out.contains("line -"), "{}", told.out);
    let number = told.out.lines().find(|line| line.contains("id_number")).expect("a line a field");
    assert!(number.contains("denied") && number.ends_with("has match write"), "{number}");
    let listed = desk.ask(served, "audit_admin", &["actor", "list"]).ended(0);
    assert!(listed.out.contains("street_office@880102001/civil_affairs"), "{}", listed.out);
    let window = listed.out.lines().find(|line| line.contains("firm.qian")).expect("the firm");
    assert!(window.contains(" to 20"), "{window}");
    let machine = desk.ask(served, "security_admin", &[&["--json"], &question[..]].concat());
    assert_eq!(machine.ended(0).json()["views"]["name"], "raw");
    let tail = desk.ask(served, "audit_admin", &["audit", "tail", "--count", "5"]).ended(0);
    assert_eq!(tail.out.lines().count(), 5, "{}", tail.out);
    let tail = desk.ask(served, "audit_admin", &["--json", "audit", "tail", "--count", "3"]);
    for line in tail.ended(0).out.lines() {
        let entry: Value = serde_json::from_str(line).expect("an entry a line");
        assert!(entry["seq"].is_u64());
    }
}

fn refuse_what_callers_must_not_do(desk: &Desk, served: &Served) {
    let denied = desk.ask(served, "worker", &["actor", "list"]).ended(1);
    assert!(denied.err.contains("denied (403)"), "{}", denied.err);
    let denied = desk.ask(served, "worker", &["--json", "audit", "tail"]).ended(1);
    let complaint: Value = serde_json::from_str(denied.err.trim()).expect("a complaint in JSON");
    assert_eq!(complaint["status"], 1);
    desk.ask(served, "no such file", &["actor", "list"]).ended(1);
    run(&["actor", "list", "--url", served.url()]).ended(2);
    let token = desk.text("worker");
    let nobody = ["actor", "list", "--token-file", &token, "--url", "http://127.0.0.1:1"];
    run(&nobody).ended(1);

    // The process that serves has the vault's keys: no other one comes as far as a passphrase.
    for passphrase in ["other-passphrase", "passphrase"] {
        run(&desk.serve(passphrase)).ended(1);
    }
    run(&["serve", "--dir", &desk.text("nowhere"), "--listen", "127.0.0.1:0"]).ended(1);
    let demo = run(&["demo", "--dir", &desk.text("vault"), "--listen", "127.0.0.1:0"]).ended(1);
    assert!(demo.err.contains("no demo"), "{}", demo.err);
    served.call("GET", "/readyz").send().expect(200);
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        &[][..],
        &["nonsense"],
        &["serve"],
        &["init", "--dir", "x"],
        &["demo", "--persons", "29"],
        &["demo", "--persons", "many"],
        &["demo", "--listen", "everywhere"],
        &["demo", "--listen", "0.0.0.0:0"],
        &["demo", "--listen", "[::]:0"],
        &["actor", "list"],
        &["token", "issue"],
        &["policy", "explain"],
        &["audit", "tail", "--count", "few"],
        &["synth", "--persons", "1"],
        &["synth", "--size", "xxl"],
        &["synth", "--size", "s", "--grid", "8801020010010002"],
        &["synth", "--size", "s", "--community"],
        &["synth", "--territory", "--refusals"],
    ] {
        run(arguments).ended(2);
    }
    run(&["--help"]).ended(0);
    run(&["--version"]).ended(0);
}

#[test]
fn demo_is_made_in_an_empty_directory_alone() {
    let room = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(room.path().join("letter"), "mine").expect("a file");
    let directory = room.path().to_str().expect("a plain path");
    run(&["demo", "--dir", directory, "--listen", "127.0.0.1:0"]).ended(1);
    let left: Vec<_> = std::fs::read_dir(room.path()).expect("a directory").collect();
    assert_eq!(left.len(), 1, "nothing was put beside it");
}

#[test]
fn demo_on_a_port_that_is_taken_makes_nothing() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let vault = room.path().join("vault");
    let directory = vault.to_str().expect("a plain path");
    let refused = run(&["demo", "--dir", directory, "--listen", &address]).ended(1);
    assert!(refused.err.contains(&address), "{}", refused.err);
    assert!(!vault.exists(), "the next demo begins there");
}

#[test]
fn configuration_that_makes_no_sense_is_found_before_it_is_served() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let directory = room.path().to_str().expect("a plain path");
    run(&["config", "check", "--dir", directory]).ended(1);
    for (text, status) in [
        ("origin = \"vault.example/log\"\n", 0),
        ("origin = \"https://vault.example/log\"\n", 1),
        ("origin = \"\"\n", 1),
        ("listen = \"127.0.0.1:0\"\n", 1),
        ("origin = \"vault.example/log\"\nlisten = \"here\"\n", 1),
        ("origin = \"vault.example/log\"\nstore_cache_bytes = 1\n", 1),
        ("origin = \"vault.example/log\"\npassphrase = \"secret\"\n", 1),
        ("origin = \"vault.example/log\"\npolicies = \"/nowhere\"\n", 1),
        ("origin = \"vault.example/log\"\npassphrase_file = \"/nowhere\"\n", 1),
        ("origin = \"vault.example/log\"\nwitness_policy = \"/nowhere\"\n", 1),
        ("origin = \"vault.example/log\"\nwitness_policy = \"/dev/null\"\n", 1),
        ("origin = \"vault.example/log\"\nerasure_ledger = \"/nowhere/ledger\"\n", 1),
    ] {
        std::fs::write(room.path().join("config"), text).expect("a configuration");
        let outcome = run(&["config", "check", "--dir", directory]);
        assert_eq!(outcome.status, Some(status), "{text}: {}", outcome.err);
    }
}

#[test]
fn policies_are_checked_whole() {
    run(&["policy", "check"]).ended(0);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let counts = run(&["--json", "policy", "check", shipped.to_str().expect("a plain path")]);
    let counts = counts.ended(0).json();
    assert_eq!(counts, run(&["--json", "policy", "check"]).ended(0).json());

    let room = tempfile::tempdir().expect("a temporary directory");
    copied(&shipped, room.path());
    let directory = room.path().to_str().expect("a plain path");
    run(&["policy", "check", directory]).ended(0);
    let roles = room.path().join("roles/grid_worker.csv");
    let text = std::fs::read_to_string(&roles).expect("a policy file");
    for wrong in ["grid,any,C9,any,write,allow", "grid,any,C1,any,export,allow", "grid,any"] {
        std::fs::write(&roles, format!("{text}{wrong}\n")).expect("a policy file");
        let outcome = run(&["policy", "check", directory]).ended(1);
        assert!(outcome.err.contains("grid_worker"), "the file is named: {}", outcome.err);
    }
    std::fs::write(&roles, &text).expect("a policy file");
    let anomalies = room.path().join("anomalies.toml");
    let rules = std::fs::read_to_string(&anomalies).expect("a policy file");
    for (right, wrong) in [("floor_count", "rank"), ("\"service_org\"", "\"mayor\"")] {
        std::fs::write(&anomalies, rules.replacen(right, wrong, 1)).expect("a policy file");
        let outcome = run(&["policy", "check", directory]).ended(1);
        assert!(outcome.err.contains("anomalies.toml"), "the file is named: {}", outcome.err);
    }
    std::fs::write(&anomalies, &rules).expect("a policy file");
    run(&["policy", "check", directory]).ended(0);
    std::fs::remove_file(room.path().join("roles/city_platform.csv")).expect("a policy file");
    run(&["policy", "check", directory]).ended(1);
}

#[test]
fn invented_city_is_the_same_for_the_same_seed_and_says_that_it_is_invented() {
    let synth = |seed: &str| {
        let arguments = ["synth", "--persons", "40", "--seed", seed, "--today", "2026-11-21"];
        run(&arguments).ended(0).out
    };
    let city = synth("7");
    assert_eq!(city, synth("7"));
    assert_ne!(city, synth("8"));
    let mut routes = std::collections::BTreeSet::new();
    for line in city.lines() {
        let line: Value = serde_json::from_str(line).expect("a request a line");
        assert_eq!(line["synthetic"], true);
        assert!(line["purpose"].is_string() && line["body"].is_object());
        routes.insert(line["route"].as_str().expect("a route").to_owned());
    }
    assert_eq!(routes.len(), 2);
}

#[test]
fn parts_of_an_invented_city_are_those_of_the_whole() {
    let whole = ["synth", "--persons", "300", "--community", "--today", "2026-11-21"];
    let city = run(&whole).ended(0).out;
    let second = run(&[&whole[..], &["--grid", "8801020010010002"]].concat()).ended(0).out;
    let of_second = |line: &&str| line.contains("\"grid\":\"8801020010010002\"");
    let expected: Vec<&str> = city.lines().filter(of_second).collect();
    assert!(expected.len() > 20);
    assert_eq!(second.lines().collect::<Vec<&str>>(), expected);

    let with = run(&[&whole[..], &["--refusals"]].concat()).ended(0).out;
    let lawful: Vec<&str> = with.lines().filter(|line| !line.contains("\"expected\"")).collect();
    assert_eq!(lawful, city.lines().collect::<Vec<&str>>());
    for line in with.lines().filter(|line| line.contains("\"expected\"")) {
        let line: Value = serde_json::from_str(line).expect("a request a line");
        assert_eq!(line["expected"]["code"], "basis_missing");
    }

    let tree = run(&["synth", "--size", "m", "--territory"]).ended(0).json();
    let grids = tree["grids"].as_array().expect("grids").len();
    assert!((50..=90).contains(&grids), "{grids}");
}

#[test]
fn id_or_code_that_begins_with_a_hyphen_is_no_flag() {
    let (id, nobody) = ("-AAAAAAAAAAAAAAAAAAAAA", "http://127.0.0.1:1");
    // Nobody answers there, so whatever was understood fails with 1; wrong usage would be 2.
    let token = tempfile::NamedTempFile::new().expect("a file");
    let file = token.path().to_str().expect("a path in UTF-8");
    let to = ["--token-file", file, "--url", nobody];
    let issue = ["token", "issue", "--actor", id, "--via", id];
    let explain = ["policy", "explain", "--actor", id, "--purpose", "p", "--type", "person"];
    run(&[&issue[..], &to].concat()).ended(1);
    run(&[&explain[..], &["--grid", GRID], &to].concat()).ended(1);
    run_with(&["enrol", "--url", nobody], id).ended(1);
}
