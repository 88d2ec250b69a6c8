//! The command line of an office: posts, rosters, tasks, approvals and stand-ins, as those run it who work with them.
//! Never a number of a document or a value among arguments, and never status 0 for what was refused.
//! Exit status: 0 done, 1 refused or failed, 2 wrong usage.

use super::actor::Actor;
use super::bodies::{CORRECTION, REGISTRATION, adult, adult_fields, child, record};
use super::harness::{Demo, shared};
use super::program::{Outcome, run};
use super::requests::fresh_login;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const NEXT: &str = "8801020010010002";

/// So many days from now.
pub fn in_days(days: u64) -> String {
    (jiff::Timestamp::now() + Duration::from_secs(days * 86_400)).to_string()
}

/// Where token files and rosters lie.
pub struct Desk<'a> {
    demo: &'a Demo,
    room: TempDir,
}

impl Desk<'_> {
    /// A desk before a vault.
    pub fn new(demo: &Demo) -> Desk<'_> {
        Desk { demo, room: tempfile::tempdir().expect("a temporary directory") }
    }

    /// A file with a text.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.room.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// Runs a command with somebody's token.
    pub fn ask(&self, who: &Actor, arguments: &[&str]) -> Outcome {
        let token = self.write(&format!("token-{}", who.id), &who.token);
        let token = token.to_str().expect("a plain path").to_owned();
        let to = ["--url", self.demo.url(), "--token-file", &token];
        run(&[arguments, &to].concat())
    }

    /// The same, for machines.
    pub fn json(&self, who: &Actor, arguments: &[&str]) -> Vec<Value> {
        let said = self.ask(who, &[&["--json"], arguments].concat()).ended(0);
        let lines = said.out.lines();
        lines.map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// A member of the one answer.
    pub fn word(&self, who: &Actor, arguments: &[&str], name: &str) -> String {
        let said = self.json(who, arguments);
        said[0][name].as_str().unwrap_or_else(|| panic!("no {name} in {said:?}")).to_owned()
    }
}

#[test]
fn a_task_is_given_listed_taken_and_closed() {
    let demo = shared();
    let desk = Desk::new(demo);
    let (worker, head) = (demo.worker(1), demo.head(1));
    let stored = worker.create(&record("person", worker.grid(), REGISTRATION, adult_fields()));
    let stored = stored.expect(201);
    let id = stored.text_of("id");
    let until = in_days(1);
    let give = [
        "task",
        "give",
        "--kind",
        "verification",
        "--purpose",
        CORRECTION,
        "--holder",
        &worker.id,
        "--record",
        id,
        "--fields",
        "name,id_number",
        "--until",
        &until,
    ];
    let task = desk.word(&head, &give, "id");
    let listed = desk.json(&worker, &["task", "list"]);
    let own = listed.iter().find(|one| one["id"] == json!(task)).expect("the task");
    assert_eq!(own["state"], "offered");
    desk.ask(&worker, &["task", "accept", &task]).ended(0);
    let line = desk.ask(&worker, &["task", "list"]).ended(0).out;
    assert!(line.lines().any(|line| line.starts_with(&task) && line.contains(" open ")), "{line}");
    let given = desk.ask(&head, &["task", "list"]).ended(0).out;
    assert!(given.contains(&format!("given to {}", worker.id)), "{given}");
    desk.ask(&worker, &["task", "close", &task]).ended(0);
    let again = desk.ask(&worker, &["task", "return", &task]).ended(1);
    assert!(again.err.contains("version_conflict"), "{}", again.err);
    desk.ask(&worker, &["task", "accept", "../records"]).ended(2);
    desk.ask(&worker, &["task", "give", "--kind", "visit"]).ended(2);
    let refused = desk.ask(&demo.role("volunteer"), &give).ended(1);
    assert!(refused.err.contains("denied"), "{}", refused.err);
}

#[test]
fn a_second_person_is_asked_and_says_yes_or_no() {
    let demo = shared();
    let desk = Desk::new(demo);
    let (worker, lead) = (demo.worker(1), demo.role("community_cadre"));
    let stored = worker.create(&child(worker.grid())).expect(201);
    let id = stored.text_of("id");
    let ask = |more: &[&str]| {
        let ask = ["approval", "ask", "--record", id, "--purpose", REGISTRATION, "--minutes", "10"];
        desk.word(&worker, &[&ask[..], &["--fields", "name"], more].concat(), "id")
    };
    let number = desk.write("number", "公函〔2026〕17号\n");
    let asked = ask(&["--document-file", number.to_str().expect("a plain path")]);
    let waits = desk.json(&lead, &["approval", "list"]);
    let own = waits.iter().find(|one| one["id"] == json!(asked)).expect("it waits");
    assert_eq!((&own["waits"], &own["document"]), (&json!(true), &json!("公函〔2026〕17号")));
    desk.ask(&lead, &["approval", "decide", &asked, "grant"]).ended(0);
    let line = desk.ask(&worker, &["approval", "list"]).ended(0).out;
    assert!(line.lines().any(|line| line.starts_with(&asked) && line.contains(" open ")), "{line}");
    let other = ask(&[]);
    let own = desk.ask(&worker, &["approval", "decide", &other, "grant"]).ended(1);
    assert!(own.err.contains("not_found"), "{}", own.err);
    desk.ask(&lead, &["approval", "decide", &other, "refuse"]).ended(0);
    desk.ask(&lead, &["approval", "decide", &other, "perhaps"]).ended(2);
}

#[test]
fn posts_are_given_confirmed_renewed_listed_and_ended() {
    let demo = shared();
    let desk = Desk::new(demo);
    let (officer, lead) = (demo.role("assignment_officer"), demo.role("community_cadre"));
    let worker = super::enrolment::newcomer(demo, "grid_worker", "8801020010010003");
    let place = ["post", "place", &worker.id, "--role", "grid_worker", "--area", NEXT];
    let post = desk.word(&officer, &place, "assignment");
    let own = || {
        let posts = desk.json(&worker, &["post", "list"]);
        posts.into_iter().find(|one| one["id"] == json!(post)).expect("the post")
    };
    assert_eq!(
        (&own()["confirmed"], &own()["closed_by"]),
        (&json!(false), &json!("secrecy_term_missing"))
    );
    desk.ask(&officer, &["post", "confirm", &worker.id, &post]).ended(1);
    desk.ask(&lead, &["post", "confirm", &worker.id, &post]).ended(0);
    let line = desk.ask(&worker, &["post", "list"]).ended(0).out;
    assert!(line.contains("closed by secrecy_term_missing"), "{line}");
    let term = desk.write("term", "B-2026-0017\n");
    let (term, trained) = (term.to_str().expect("a plain path"), in_days(20));
    let renew = ["post", "renew", &worker.id, &post, "--trained-until", &trained];
    let signed = ["--term-signed", "2026-01-05T08:00:00Z", "--term-file", term];
    desk.ask(&officer, &[&renew[..], &signed].concat()).ended(0);
    assert_eq!((&own()["training"], &own()["closed_by"]), (&json!("ends_soon"), &Value::Null));
    let worker_here = Actor { area: Some(NEXT.to_owned()), ..worker.clone() };
    worker_here.create(&adult(NEXT)).expect(201);

    let soon = desk.ask(&lead, &["post", "expiring", "--within-days", "21"]).ended(0).out;
    assert!(
        soon.lines().any(|line| line.contains(&post) && line.contains("training ends")),
        "{soon}"
    );
    desk.ask(&lead, &["post", "vacant"]).ended(0);
    let refused = desk.ask(&demo.head(1), &["post", "vacant"]).ended(1);
    assert!(refused.err.contains("denied"), "{}", refused.err);
    desk.ask(&officer, &["post", "end", &worker.id, &post]).ended(0);
    desk.ask(&officer, &["post", "renew", &worker.id, &post, "--term-signed", "x"]).ended(2);
    let over = desk.ask(&officer, &renew).ended(1);
    assert!(over.err.contains("not_found"), "{}", over.err);
}

#[test]
fn a_roster_is_looked_at_and_imported_and_says_what_became_of_each_line() {
    let demo = shared();
    let desk = Desk::new(demo);
    let officer = demo.role("assignment_officer");
    let login = fresh_login();
    let body = json!({"login": login, "kind": "person", "assignments": []});
    demo.role("security_admin").post("/v1/admin/actors", &body).expect(201);
    let line = json!({"login": login, "role": "grid_worker", "area": NEXT, "to": in_days(90)});
    let good = desk.write("roster.ndjson", &format!("{line}\n"));
    let good = good.to_str().expect("a plain path");
    let outcome = |arguments: &[&str]| {
        let said = desk.json(&officer, &[&["actor", "import", good], arguments].concat());
        said[0]["outcome"].as_str().expect("an outcome").to_owned()
    };
    assert_eq!(outcome(&["--dry-run"]), "new");
    assert_eq!(outcome(&[]), "new");
    assert_eq!(outcome(&[]), "unchanged");
    let mixed = format!(
        "[{line}, {{\"login\": \"nobody.at.all\", \"role\": \"grid_worker\", \"area\": \"{NEXT}\"}}]"
    );
    let mixed = desk.write("roster.json", &mixed);
    let said = desk.ask(&officer, &["actor", "import", mixed.to_str().expect("a path")]).ended(1);
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].starts_with("1 unchanged") && lines[1].starts_with("2 refused"), "{lines:?}");
    assert!(
        lines[1].contains("not_found") && said.err.contains("1 of 2"),
        "{} {}",
        said.out,
        said.err
    );
    let wrong = desk.write("roster.csv", "login,role\n");
    desk.ask(&officer, &["actor", "import", wrong.to_str().expect("a path")]).ended(2);
}

#[test]
fn a_window_is_proposed_accepted_listed_and_ended() {
    let demo = shared();
    let desk = Desk::new(demo);
    let someone = |posts: Value, grid: &str| {
        let added = super::enrolment::add(demo, posts).expect(201);
        super::enrolment::enrolled(demo, &added, "grid_head", Some(grid))
    };
    let head = someone(json!([{"role": "grid_head", "area": NEXT}]), NEXT);
    let pair = json!([
        {"role": "grid_head", "area": "8801020010010003"},
        {"role": "grid_stand_in", "area": NEXT, "pair": true, "to": in_days(300)},
    ]);
    let neighbour = someone(pair, "8801020010010003");
    let until = in_days(1);
    let propose =
        ["delegation", "propose", "--to", &neighbour.id, "--grid", NEXT, "--until", &until];
    let window = desk.word(&head, &propose, "id");
    let early = desk.ask(&head, &["delegation", "accept", &window]).ended(1);
    assert!(early.err.contains("denied"), "{}", early.err);
    desk.ask(&neighbour, &["delegation", "accept", &window]).ended(0);
    let line = desk.ask(&neighbour, &["delegation", "list"]).ended(0).out;
    assert!(line.starts_with(&format!("{window} open grid {NEXT}")), "{line}");
    desk.ask(&neighbour, &["delegation", "end", &window]).ended(0);
    assert_eq!(desk.json(&head, &["delegation", "list"]), Vec::<Value>::new());
}
