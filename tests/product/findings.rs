//! What comes of reviews: something that is put right by its owner and its day, and the report of a period.
//! Never found done by whoever named it, and never a report whose digest is not in the log.
//! What officers write stands in no entry and in no report.

use super::bodies::{REGISTRATION, adult};
use super::entries::happened;
use super::harness::{Demo, await_until};
use super::program::run;
use super::reviews::{
    OUTSIDE, REVIEWS, anomalies, auditor, indexed, moment, path, second, tries_outside,
};
use serde_json::{Value, json};

/// The day from now, by the country's time.
fn day(days: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(8 + 24 * days);
    at.to_string()[..10].to_owned()
}

#[test]
fn a_finding_is_put_right_by_its_owner_and_found_done_by_a_second_officer() {
    let demo = Demo::own();
    let (one, two) = (auditor(&demo), second(&demo));
    let worker = demo.worker(1);
    let act = worker.get("/v1/purposes").expect(200);
    demo.entry_of(&act);
    let review = one.post(REVIEWS, &json!({"entries": [act.index()]})).expect(201);
    let items = path(&review, "rectifications");
    let body = |owner: Value, due: &str| {
        let mut body = json!({"due": due, "text": "重新培训"});
        body.as_object_mut().expect("members").extend(owner.as_object().expect("one").clone());
        body
    };
    let organ = json!({"organ": "street_office"});
    one.post(&items, &body(organ.clone(), &day(30))).refused(412, "version_conflict");
    one.post(&path(&review, "notes"), &json!({"text": "需要培训"})).expect(201);
    for (owner, due) in [
        (organ.clone(), day(-1)),
        (organ.clone(), day(367)),
        (organ.clone(), "2026-1-1".to_owned()),
        (json!({"organ": "nobody"}), day(1)),
        (json!({"actor": "AAAAAAAAAAAAAAAAAAAAAA"}), day(1)),
        (json!({"actor": worker.id, "organ": "street_office"}), day(1)),
        (json!({}), day(1)),
    ] {
        one.post(&items, &body(owner, &due)).refused(400, "schema_invalid");
    }
    let item = one.post(&items, &body(organ, &day(0))).expect(201);
    assert_eq!((item.text_of("state"), item.text_of("organ")), ("open", "street_office"));
    one.post(&items, &body(json!({"actor": worker.id}), &day(366))).expect(201);
    let done = json!({"text": "已培训"});
    let settle = format!("/v1/audit/rectifications/{}/settle", item.text_of("id"));
    one.post(&settle, &done).refused(403, "approval_required");
    let settled = two.post(&settle, &done).expect(200);
    assert_eq!((settled.text_of("state"), settled.text_of("settled_by")), ("done", "已培训"));
    two.post(&settle, &done).refused(412, "version_conflict");
    for (reply, what) in [(&item, "review.rectify success"), (&settled, "review.settle success")] {
        let entry = demo.entry_of(reply);
        assert_eq!((happened(&entry).as_str(), &entry["case"]), (what, &review.body["id"]));
        assert_eq!(entry["x"]["item"], item.body["id"]);
        assert!(!entry.to_string().contains("培训"));
    }
    let list = |query: &str| {
        let page = one.get(&format!("/v1/audit/rectifications?{query}")).expect(200);
        page.body["items"].as_array().expect("a list").len()
    };
    assert_eq!(
        (list(""), list("state=open"), list("state=done"), list("state=overdue")),
        (2, 1, 1, 0)
    );
    let told = two.get(&format!("{REVIEWS}/{}", review.text_of("id"))).expect(200);
    assert_eq!(told.body["rectifications"].as_array().map(Vec::len), Some(2));
}

#[test]
fn officers_do_not_read_what_is_to_be_put_right_about_themselves() {
    let demo = Demo::own();
    let (one, two) = (auditor(&demo), second(&demo));
    let act = one.get("/v1/purposes").expect(200);
    demo.entry_of(&act);
    let review = two.post(REVIEWS, &json!({"entries": [act.index()]})).expect(201);
    two.post(&path(&review, "notes"), &json!({"text": "核对"})).expect(201);
    let item = json!({"actor": one.id, "due": day(9), "text": "重新培训"});
    two.post(&path(&review, "rectifications"), &item).expect(201);
    let listed = |officer: &super::actor::Actor| {
        let page = officer.get("/v1/audit/rectifications").expect(200);
        page.body["items"].as_array().expect("a list").len()
    };
    assert_eq!((listed(&one), listed(&two)), (0, 1));
}

#[test]
fn a_report_counts_what_was_done_and_its_digest_is_in_the_log() {
    let demo = Demo::own();
    let (one, two, worker) = (auditor(&demo), second(&demo), demo.worker(2));
    let since = moment(0);
    // Counts begin with the next second.
    await_until("the next second", || moment(0) != since);
    let since = moment(0);
    let own = worker.create(&adult(worker.grid())).expect(201);
    for _ in 0..3 {
        worker.read(own.text_of("id"), "name", REGISTRATION).expect(200);
    }
    let last = tries_outside(&demo, &worker);
    let found = anomalies(&demo, "", last);
    let review = one.post(REVIEWS, &json!({"anomaly": found[0]["id"]})).expect(201);
    one.post(&path(&review, "notes"), &json!({"text": "已核实"})).expect(201);
    let item = json!({"organ": "street_office", "due": day(9), "text": "重新培训"});
    one.post(&path(&review, "rectifications"), &item).expect(201);
    let closing = json!({"outcome": "finding", "text": "越界查询"});
    let closed = two.post(&path(&review, "close"), &closing).expect(200).index();
    one.post(REVIEWS, &json!({"entries": [0]})).expect(201);
    indexed(&demo, closed + 1);
    let question = format!("/v1/audit/report?since={since}&until={}", moment(3_600));
    let reply = one.get(&question).expect(200);
    let report = &reply.body["report"];
    let count = |path: &str| report.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    for (path, expected) in [
        ("/entries/by_event/data.create", 1),
        ("/entries/by_event/data.read", 3),
        ("/entries/by_event/review.open", 2),
        ("/entries/by_event/review.note", 1),
        ("/entries/by_event/review.close", 1),
        ("/entries/by_event/access.denied", OUTSIDE as u64),
        ("/entries/by_outcome/denied", OUTSIDE as u64),
        ("/entries/by_purpose/residence_registration", 4 + OUTSIDE as u64),
        ("/denials/not_found", OUTSIDE as u64),
        ("/anomalies/outside_territory/closed", 1),
        ("/anomalies/outside_territory/new", 0),
        ("/reviews/opened", 2),
        ("/reviews/closed/finding", 1),
        ("/reviews/waiting/open", 1),
        ("/rectifications/named", 1),
        ("/rectifications/now/open", 1),
    ] {
        assert_eq!(count(path), expected, "{path} of {report}");
    }
    let outcomes: u64 = ["success", "denied", "error", "aborted"]
        .iter()
        .map(|outcome| count(&format!("/entries/by_outcome/{outcome}")))
        .sum();
    assert_eq!(outcomes, count("/entries/total"));
    assert_eq!(report["integrity"]["origin"], demo.origin());
    assert_eq!(report["integrity"]["witnessed"], true);
    let entry = demo.entry_of(&reply);
    assert_eq!(happened(&entry), "audit.report success");
    assert_eq!(entry["x"]["manifest"], reply.body["digest"]);
    let begin = reply.text.find("\"report\":").expect("a report") + "\"report\":".len();
    let end = reply.text.find(",\"digest\":").expect("a digest");
    let digest = ring::digest::digest(&ring::digest::SHA256, &reply.text.as_bytes()[begin..end]);
    let digest = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, digest);
    assert_eq!(reply.text_of("digest"), digest);

    let page = one.call("GET", &question).header("accept", "text/html");
    let page = page.header("accept-language", "zh-CN").send().expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    for part in ["访问监督报告", "未找到记录，或您无权知悉", "网格员", "日志完整性"]
    {
        assert!(page.text.contains(part), "{part}");
    }
    assert!(
        !page.text.contains("<script")
            && !page.text.contains("href=")
            && !page.text.contains("src=")
    );
    assert!(!page.text.contains("越界查询"), "what officers write is in no report");
    let english = one.call("GET", &question).header("accept", "text/html").send().expect(200);
    assert!(english.text.contains("Oversight report") && english.text.contains("grid worker"));
    for wrong in
        ["", "since=2026-01-01T00:00:00Z", "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z"]
    {
        one.get(&format!("/v1/audit/report?{wrong}")).refused(400, "schema_invalid");
    }
    worker.get(&question).refused(403, "denied");
}

#[test]
fn the_command_line_goes_from_an_anomaly_to_a_report() {
    let demo = Demo::own();
    let worker = demo.worker(2);
    let last = tries_outside(&demo, &worker);
    anomalies(&demo, "", last);
    let room = demo.directory().parent().expect("a room").to_owned();
    let token = |name: &str, token: &str| {
        let path = room.join(name);
        std::fs::write(&path, token).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    };
    let (one, two) = (token("one", &auditor(&demo).token), token("two", &second(&demo).token));
    let note = token("note", "十次越界，已约谈核实\n");
    let ask = |who: &str, arguments: &[&str]| {
        run(&[&["audit"], arguments, &["--url", demo.url(), "--token-file", who]].concat())
    };
    let said = |who: &str, arguments: &[&str]| {
        let done = ask(who, &[arguments, &["--json"]].concat());
        assert_eq!(done.status, Some(0), "{arguments:?}: {}", done.err);
        let line = done.out.lines().last().expect("a line").to_owned();
        serde_json::from_str::<Value>(&line).expect("JSON")
    };
    let anomaly = said(&one, &["anomalies", "--rule", "outside_territory"]);
    let id = anomaly["id"].as_str().expect("an id");
    let review = said(&one, &["review", "open", "--anomaly", id]);
    let id = review["id"].as_str().expect("an id");
    said(&one, &["review", "note", id, "--text-file", &note]);
    let own = ["review", "close", id, "--outcome", "finding", "--text-file", &note];
    assert_eq!(ask(&one, &own).status, Some(1));
    said(&one, &["review", "escalate", id, "--to", "protection_officer", "--text-file", &note]);
    let due = day(9);
    let add =
        ["rectify", "add", id, "--organ", "street_office", "--due", &due, "--text-file", &note];
    let item = said(&one, &add);
    assert_eq!(said(&two, &own)["state"], "closed");
    let item = item["id"].as_str().expect("an id");
    assert_eq!(said(&two, &["rectify", "settle", item, "--text-file", &note])["state"], "done");
    let shown = ask(&two, &["review", "show", id]);
    assert!(shown.out.contains("escalation") && shown.out.contains("已约谈核实"), "{}", shown.out);
    let gathered = ask(&two, &["review", "entries", id]).out;
    assert_eq!(gathered.lines().count(), OUTSIDE, "{gathered}");
    assert!(gathered.lines().any(|line| line.starts_with(&format!("{last} "))), "{gathered}");
    assert_eq!(said(&one, &["review", "list", "--state", "closed"])["id"], review["id"]);
    let (since, until) = (moment(-3_600), moment(3_600));
    let sample = ["review", "sample", "--since", &since, "--until", &until];
    let drawn = said(&one, &sample);
    let drawn = drawn["id"].as_str().expect("an id");
    assert_eq!(said(&one, &["review", "draw", drawn])["same"], true);
    for (name, begins) in [("report.html", "<!doctype html>"), ("report.json", "{\"report\":")] {
        let out = room.join(name);
        let out = out.to_str().expect("a plain path");
        let report = ["report", "--since", &since, "--until", &until, "--out", out];
        assert_eq!(ask(&one, &report).status, Some(0));
        assert!(std::fs::read_to_string(out).expect("a file").starts_with(begins));
        assert_eq!(ask(&one, &report).status, Some(1), "never over a file that is there");
    }
    assert_eq!(ask(&one, &["review", "show", "../entries"]).status, Some(2));
}
