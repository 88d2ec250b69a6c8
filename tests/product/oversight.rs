//! What officers find in the log: who read a record, what somebody did, why something was refused, with proofs.
//! Never without a trace of its own: the entry of a search names what was searched for.
//! The index lags by a moment; a test looks until what it waits for is there, within a bound.

use super::actor::Actor;
use super::bodies::{REGISTRATION, adult};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, await_until, shared};
use super::program::{run, run_between};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault::limits::AUDIT_PAGE_COUNT_MAX;
use gridvault_audit::verify::{VerifierKey, leaf_hash, verify_proof};
use serde_json::{Value, json};
use std::process::Stdio;

const SEARCH: &str = "/v1/audit/entries";

fn auditor(demo: &Demo) -> Actor {
    demo.role("compliance_auditor")
}

fn entries(reply: &Reply) -> Vec<Value> {
    reply.body["entries"].as_array().expect("a list").clone()
}

/// The first page of a search, once everything up to an entry can be found.
#[track_caller]
fn found(demo: &Demo, question: &str, through: u64) -> Reply {
    let auditor = auditor(demo);
    let mut last = None;
    await_until("the entry is indexed", || {
        let reply = auditor.get(&format!("{SEARCH}?{question}")).expect(200);
        let indexed = reply.body["indexed"].as_u64().expect("a number");
        last = Some(reply);
        indexed > through
    });
    last.expect("a page")
}

/// The day of the country's time that it is now.
fn today() -> String {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(8);
    now.to_string()[..10].to_owned()
}

#[test]
fn who_read_a_record_is_found_by_its_id_and_by_its_handle() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let record = worker.create(&adult(worker.grid())).expect(201);
    let (id, subject) = (record.text_of("id"), record.text_of("subject"));
    let first = worker.read(id, "name", REGISTRATION).expect(200).index();
    let second = head.read(id, "name", REGISTRATION).expect(200).index();
    let refused = worker.read(id, "id_number", REGISTRATION).refused(403, "denied").index();
    let reply = found(demo, &format!("record={id}&event=data.read"), refused);
    let seen: Vec<u64> = entries(&reply).iter().filter_map(|entry| entry["seq"].as_u64()).collect();
    assert_eq!(seen, [second, first], "the newest first");
    let handle = entries(&reply)[0]["rec"][0].as_str().expect("a handle").to_owned();
    let by_handle = found(demo, &format!("record={handle}&order=oldest"), refused);
    let told: Vec<String> = entries(&by_handle).iter().map(happened).collect();
    let acts =
        ["data.create success", "data.read success", "data.read success", "access.denied denied"];
    assert_eq!(told[..4], acts, "everything that was done with it");
    let of_subject = found(demo, &format!("subject={subject}&event=data.read"), refused);
    assert_eq!(entries(&of_subject).len(), 2);
}

#[test]
fn what_an_actor_did_on_a_day_is_told_from_its_first_act_to_its_last() {
    let demo = Demo::own();
    let worker = demo.worker(1);
    let record = worker.create(&adult(worker.grid())).expect(201);
    let created = record.index();
    let read = worker.read(record.text_of("id"), "name", REGISTRATION).expect(200).index();
    let listed = worker.get("/v1/purposes").expect(200).index();
    let question = format!("actor={}&day={}&order=oldest", worker.id, today());
    let reply = found(&demo, &question, listed);
    let seen: Vec<u64> = entries(&reply).iter().filter_map(|entry| entry["seq"].as_u64()).collect();
    assert_eq!(seen, [created, read, listed]);
    assert!(reply.body["cursor"].is_null(), "that is all");
    let entry = demo.entry_of(&reply);
    assert_eq!(happened(&entry), "audit.read success");
    assert_eq!(
        (&entry["pur"], &entry["x"]["actor"]),
        (&json!("access_oversight"), &json!(worker.id))
    );
    let other_day = found(&demo, &format!("actor={}&day=2020-02-02", worker.id), listed);
    assert!(entries(&other_day).is_empty());
}

#[test]
fn conditions_hold_together_and_each_entry_has_all_of_them() {
    let demo = shared();
    let worker = demo.worker(2);
    let refused = worker.read(demo.sample_record(), "name", REGISTRATION).refused(404, "not_found");
    let at = refused.index();
    let grid = worker.grid();
    for (question, all) in [
        (format!("actor={}&outcome=denied&why=not_found", worker.id), "why"),
        (format!("purpose={REGISTRATION}&event=access"), "pur"),
        (format!("grid={}&event=data", &grid[..12]), "grid"),
        (format!("role=grid_worker&type=person&grid={grid}"), "role"),
        ("rule=compliance_auditor/audit.read".to_owned(), "rule"),
        (format!("day={}&field=phone&outcome=success", today()), "fld"),
    ] {
        let page = entries(&found(demo, &question, at));
        assert!(page.iter().all(|entry| !entry[all].is_null()), "{question}");
    }
    let page = entries(&found(demo, &format!("actor={}&why=not_found", worker.id), at));
    assert!(page.iter().any(|entry| entry["seq"] == at));
}

#[test]
fn whoever_searches_for_a_record_is_found_by_that_record_too() {
    let demo = shared();
    let worker = demo.worker(3);
    let record = worker.create(&adult(worker.grid())).expect(201);
    let (id, subject) = (record.text_of("id"), record.text_of("subject"));
    let search = auditor(demo).get(&format!("{SEARCH}?record={id}&subject={subject}")).expect(200);
    let entry = demo.entry_of(&search);
    for member in ["rec", "sub"] {
        assert_eq!(entry[member].as_array().map(Vec::len), Some(1), "{member}");
    }
    let handle = entry["rec"][0].as_str().expect("a handle");
    assert!(!entry.to_string().contains(id), "the id itself is not in the log");
    let watched = found(demo, &format!("record={handle}&event=audit.read"), search.index());
    assert!(entries(&watched).iter().any(|entry| entry["seq"] == search.index()));
    let by_subject = found(demo, &format!("subject={subject}&event=data.create"), search.index());
    assert_eq!(entries(&by_subject)[0]["seq"], record.index());
}

#[test]
fn a_record_that_is_gone_and_one_that_never_was_are_searched_for_in_vain_alike() {
    let demo = shared();
    let head = demo.head(1);
    let record = head.create(&adult(head.grid())).expect(201);
    let id = record.text_of("id").to_owned();
    let removal =
        head.call("DELETE", &format!("/v1/records/{id}")).purpose(REGISTRATION).version(1);
    removal.json(&json!({"reason": "collected in error"})).send().expect(200);
    let never = "01921234-5678-7fff-bfff-ffffffffffff";
    let ask = |what: &str, id: &str| {
        auditor(demo).get(&format!("{SEARCH}?{what}={id}")).refused(404, "not_found")
    };
    let gone = ask("record", &id);
    assert_eq!(gone.without_ids(), ask("record", never).without_ids());
    ask("subject", never);
    ask("subject", record.text_of("subject"));
    // What the log says of it is still found by the handle, which its entries name.
    let handle = demo.entry(record.index())["rec"][0].as_str().expect("a handle").to_owned();
    let page = found(demo, &format!("record={handle}&order=oldest"), gone.index());
    assert_eq!(entries(&page)[0]["seq"], record.index());
    assert!(entries(&page).iter().any(|entry| happened(entry) == "data.delete success"));
}

#[test]
fn pages_join_and_a_cursor_leads_its_officer_through_its_question_alone() {
    let demo = Demo::own();
    let worker = demo.worker(1);
    let last = (0..12).map(|_| worker.get("/v1/purposes").expect(200).index()).max();
    let question = format!("actor={}&limit=5", worker.id);
    let mut page = found(&demo, &question, last.expect("twelve"));
    let mut seen = entries(&page);
    let cursor = page.text_of("cursor").to_owned();
    let auditor = auditor(&demo);
    while let Some(cursor) = page.body["cursor"].as_str() {
        page = auditor.get(&format!("{SEARCH}?{question}&cursor={cursor}")).expect(200);
        assert!(entries(&page).len() <= 5);
        seen.extend(entries(&page));
    }
    let places: Vec<u64> = seen.iter().filter_map(|entry| entry["seq"].as_u64()).collect();
    assert!(places.windows(2).all(|pair| pair[0] > pair[1]), "{places:?}");
    assert_eq!(places.len(), 12);
    let mut edited = cursor.clone().into_bytes();
    edited[20] ^= 1;
    let edited = String::from_utf8(edited).expect("text");
    for (who, question) in [
        (&demo.role("audit_admin"), format!("{question}&cursor={cursor}")),
        (&auditor, format!("{question}&outcome=success&cursor={cursor}")),
        (&auditor, format!("actor={}&order=oldest&cursor={cursor}", worker.id)),
        (&auditor, format!("{question}&cursor={edited}")),
    ] {
        who.get(&format!("{SEARCH}?{question}")).refused(400, "schema_invalid");
    }
}

#[test]
fn a_page_has_a_hundred_entries_at_most_and_a_wrong_question_is_refused_and_recorded() {
    let demo = shared();
    let auditor = auditor(demo);
    let page = |limit: usize| auditor.get(&format!("{SEARCH}?outcome=success&limit={limit}"));
    assert_eq!(entries(&page(AUDIT_PAGE_COUNT_MAX).expect(200)).len(), AUDIT_PAGE_COUNT_MAX);
    page(AUDIT_PAGE_COUNT_MAX + 1).refused(400, "schema_invalid");
    page(0).refused(400, "schema_invalid");
    for wrong in [
        "actor=somebody",
        "record=1",
        "grid=88",
        "outcome=good",
        "event=data.look",
        "rule=x",
        "day=today",
        "since=2026-01-02",
        "order=any",
        "name=x",
        "outcome=denied&outcome=success",
        "cursor=AAAA",
        "day=2026-01-02&since=2026-01-02T00:00:00Z",
        "purpose=%E5%BC%A0",
    ] {
        let reply = auditor.get(&format!("{SEARCH}?{wrong}")).refused(400, "schema_invalid");
        let entry = demo.entry_of(&reply);
        assert_eq!(
            (happened(&entry).as_str(), &entry["who"]),
            ("access.denied denied", &json!(auditor.id))
        );
    }
}

#[test]
fn an_entry_is_told_in_words_and_its_proof_holds_with_the_key_alone() {
    let demo = shared();
    let worker = demo.worker(1);
    let read = worker.read(demo.sample_record(), "name", REGISTRATION).expect(200);
    let reply = auditor(demo).get(&format!("{SEARCH}/{}", read.index())).expect(200);
    assert_eq!(reply.body["entry"]["seq"], read.index());
    assert_eq!(reply.body["proven"], true);
    let (chinese, english) = (&reply.body["words"]["zh"], &reply.body["words"]["en"]);
    for part in ["网格员", "查看记录", "类型：人员", "处理目的：", "name（完整显示）", "结果：成功"]
    {
        assert!(chinese.as_str().is_some_and(|text| text.contains(part)), "{part} in {chinese}");
    }
    for part in ["grid worker", "read a record", "name (in clear)", "outcome: done", &worker.id] {
        assert!(english.as_str().is_some_and(|text| text.contains(part)), "{part} in {english}");
    }
    let leaf = leaf_hash(reply.body["entry"].to_string().as_bytes());
    assert_eq!(reply.text_of("leaf"), BASE64_URL_SAFE_NO_PAD.encode(leaf));
    let key = VerifierKey::parse(demo.log_key()).expect("the key of the page");
    let proven = verify_proof(reply.text_of("proof").as_bytes(), &key, &leaf).expect("it holds");
    assert_eq!(proven.index, read.index());
    let file = auditor(demo).get(&format!("{SEARCH}/{}/proof", read.index())).expect(200);
    assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
    verify_proof(file.text.as_bytes(), &key, &leaf).expect("it holds");
    assert_eq!(happened(&demo.entry(file.index())), "audit.proof success");
    for beyond in ["99999999", "18446744073709551615", "-1", "x"] {
        auditor(demo).get(&format!("{SEARCH}/{beyond}")).refused(404, "not_found");
        auditor(demo).get(&format!("{SEARCH}/{beyond}/proof")).refused(404, "not_found");
    }
}

#[test]
fn a_refusal_is_told_with_what_the_refused_caller_read() {
    let demo = shared();
    let worker = demo.worker(1);
    let refused =
        worker.read(demo.sample_record(), "id_number", REGISTRATION).refused(403, "denied");
    let reply = auditor(demo).get(&format!("{SEARCH}/{}", refused.index())).expect(200);
    let chinese = reply.body["words"]["zh"].as_str().expect("words");
    assert!(chinese.contains("结果：被拒绝；原因：当前岗位无此权限"), "{chinese}");
}

#[test]
fn an_index_that_is_made_again_or_was_deleted_finds_the_same() {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let last = worker.read(demo.sample_record(), "name", REGISTRATION).expect(200).index();
    let question = format!("actor={}", worker.id);
    let before = entries(&found(&demo, &question, last));
    assert!(before.iter().any(|entry| entry["seq"] == last));
    let rebuilt = demo.role("audit_admin").post("/v1/audit/index/rebuild", &json!({})).expect(200);
    assert!(rebuilt.body["indexed"].as_u64().is_some_and(|indexed| indexed > last));
    assert_eq!(happened(&demo.entry_of(&rebuilt)), "audit.index success");
    assert_eq!(entries(&found(&demo, &question, rebuilt.index())), before);
    demo.kill();
    std::fs::remove_dir_all(demo.directory().join("index")).expect("the index goes");
    demo.start_again();
    assert_eq!(entries(&found(&demo, &question, rebuilt.index())), before);
}

#[test]
fn the_command_line_searches_shows_and_has_the_index_made_again() {
    let demo = Demo::own();
    let worker = demo.worker(1);
    let last = worker.read(demo.sample_record(), "name", REGISTRATION).expect(200).index();
    found(&demo, "outcome=denied", last);
    let token = |role: &str| {
        let path = demo.directory().with_file_name(format!("token-{role}"));
        std::fs::write(&path, demo.role(role).token).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    };
    let ask = |role: &str, arguments: &[&str]| {
        let token = token(role);
        run(&[arguments, &["--url", demo.url(), "--token-file", &token]].concat())
    };
    let search =
        ["--json", "audit", "search", "--actor", &worker.id, "--event", "data.read", "--oldest"];
    let shown = ask("compliance_auditor", &search);
    assert_eq!(shown.status, Some(0), "{}", shown.err);
    let line: Value =
        serde_json::from_str(shown.out.lines().last().expect("a line")).expect("JSON");
    assert_eq!(line["seq"], last);
    let index = last.to_string();
    let told = ask("compliance_auditor", &["audit", "show", &index]);
    assert_eq!(told.status, Some(0), "{}", told.err);
    assert!(told.out.contains("查看记录") && told.out.contains("c2sp.org/tlog-proof@v1"));
    let plain =
        ask("compliance_auditor", &["audit", "search", "--outcome", "success", "--count", "250"]);
    assert!(plain.out.lines().count() <= 250 && plain.out.lines().count() > 20, "{}", plain.out);
    assert_eq!(ask("compliance_auditor", &["audit", "index", "rebuild"]).status, Some(1));
    assert_eq!(ask("audit_admin", &["audit", "index", "rebuild"]).status, Some(0));
    assert_eq!(ask("grid_worker", &search).status, Some(1));
    assert_eq!(ask("compliance_auditor", &["audit", "search", "--purpose", "a b"]).status, Some(2));
}

#[test]
fn an_export_has_every_entry_once_in_each_form_and_each_page_is_recorded() {
    let demo = Demo::own();
    let auditor = auditor(&demo);
    let last = demo.worker(1).read(demo.sample_record(), "name", REGISTRATION).expect(200).index();
    found(&demo, "outcome=denied", last);
    for format in ["entries", "ocsf", "cef", "csv"] {
        let (mut lines, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = format!(
                "/v1/audit/export?format={format}&event=data&order=oldest&limit=40{cursor}"
            );
            let page = auditor.get(&page).expect(200);
            let entry = demo.entry_of(&page);
            assert_eq!(
                (happened(&entry).as_str(), &entry["pur"]),
                ("audit.export success", &json!("access_oversight"))
            );
            assert_eq!(page.body["header"].is_string(), format == "csv" && pages == 0);
            lines.extend(page.body["lines"].as_array().expect("lines").clone());
            pages += 1;
            match page.body["cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let data =
            demo.entries_between(0, last).into_iter().filter(|entry| entry["ev"] == "data").count();
        assert!(lines.len() >= data && pages > 1, "{format}: {} lines of {data}", lines.len());
        let distinct: std::collections::BTreeSet<&str> =
            lines.iter().filter_map(|line| line.as_str()).collect();
        assert_eq!(distinct.len(), lines.len(), "{format}: none comes twice");
    }
    for wrong in ["", "format=xml", "format=csv&limit=1001", "format=csv&name=x"] {
        auditor.get(&format!("/v1/audit/export?{wrong}")).refused(400, "schema_invalid");
    }
    auditor.get("/v1/audit/export?format=csv&limit=1000").expect(200);
    demo.role("audit_admin").get("/v1/audit/export?format=csv").refused(403, "denied");
}

#[test]
fn an_exported_file_goes_on_where_it_ended_and_has_no_line_twice() {
    let demo = Demo::own();
    let worker = demo.worker(1);
    let token = demo.directory().with_file_name("token");
    std::fs::write(&token, auditor(&demo).token).expect("a file");
    let out = demo.directory().with_file_name("export.csv");
    let export = |more: &[&str]| {
        let token = token.to_str().expect("a plain path");
        let fixed =
            ["audit", "export", "--format", "csv", "--url", demo.url(), "--token-file", token];
        run(&[&fixed[..], &["--out", out.to_str().expect("a plain path")], more].concat())
    };
    // A disk that takes nothing leaves no export that looks whole.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
    let file = token.to_str().expect("a plain path");
    let words = ["audit", "export", "--format", "csv", "--url", demo.url(), "--token-file", file];
    let refused = run_between(&words, Stdio::null(), full).ended(1);
    assert!(refused.err.contains("the export cannot be written"), "{}", refused.err);
    let about = ["--actor", &worker.id];
    let read = |demo: &Demo| {
        let last = worker.read(demo.sample_record(), "name", REGISTRATION).expect(200).index();
        found(demo, "outcome=denied", last);
    };
    (0..3).for_each(|_| read(&demo));
    let first = export(&about);
    assert_eq!(first.status, Some(0), "{}", first.err);
    let lines = || -> Vec<String> {
        std::fs::read_to_string(&out).expect("the export").lines().map(str::to_owned).collect()
    };
    assert_eq!(lines().len(), 1 + 3, "a header and three reads");
    // A page that a crash left half written, and new entries since.
    let whole = std::fs::read(&out).expect("the export");
    std::fs::write(&out, [&whole[..], b"\"half a li"].concat()).expect("the damaged file");
    read(&demo);
    assert_eq!(export(&about).status, Some(0));
    assert_eq!(lines().len(), 1 + 4);
    assert_eq!(std::fs::read(&out).expect("the export")[..whole.len()], whole);
    assert_eq!(export(&about).status, Some(0));
    assert_eq!(lines().len(), 1 + 4, "nothing new, nothing twice");
    let rows: Vec<&str> = whole
        .split(|byte| *byte == b'\n')
        .map(|line| std::str::from_utf8(line).expect("UTF-8"))
        .collect();
    assert!(rows[1].contains("\"data.read\"") && rows[0].starts_with("\"index\","));
    assert_eq!(
        export(&["--outcome", "denied"]).status,
        Some(2),
        "another question needs another file"
    );
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&out).expect("the export").permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(out.with_file_name("export.csv.export")).expect("the state");
    assert_eq!(export(&about).status, Some(2), "a file of unknown content is not written over");
}
