//! The check at the counter: the number of the one who is present opens that one person's fields for half an hour.
//! Never somebody of another place or purpose, and never a difference between them and nobody.
//! Each number that is typed has its entry.

use super::actor::Actor;
use super::bodies::{
    EMPLOYMENT, REGISTRATION, RIGHTS, adult, fresh_number, fresh_phone, record, unknown_id,
};
use super::client::Reply;
use super::enrolment::newcomer;
use super::entries::happened;
use super::harness::{Demo, await_until, shared};
use super::inside::{inside, step};
use serde_json::{Value, json};

const BORN: &str = "1971-05-06";

fn check(actor: &Actor, body: &Value) -> Reply {
    actor.call("POST", "/v1/counter-checks").purpose(EMPLOYMENT).json(body).send()
}

fn shows(number: &str, fields: &[&str]) -> Value {
    json!({"field": "id_number", "value": number, "fields": fields})
}

/// Somebody who asked for help to find work: record, subject and number.
fn applicant(demo: &Demo) -> (String, String, String) {
    let worker = demo.worker(1);
    let number = fresh_number(BORN);
    let fields = json!({"name": "吴志坚", "phone": fresh_phone(), "id_number": number});
    let stored = worker.create(&record("person", worker.grid(), EMPLOYMENT, fields)).expect(201);
    (stored.text_of("id").to_owned(), stored.text_of("subject").to_owned(), number)
}

#[test]
fn whoever_is_present_shows_a_number_and_that_one_persons_fields_open_for_half_an_hour() {
    let demo = shared();
    let cadre = demo.role("community_cadre");
    let (id, subject, number) = applicant(demo);
    let (other, ..) = applicant(demo);
    cadre.read(&id, "id_number", EMPLOYMENT).refused(403, "case_required");
    let checked = check(&cadre, &shows(&number, &["name", "id_number"])).expect(200);
    assert_eq!(checked.body["held"], true);
    assert_eq!((checked.text_of("record"), checked.text_of("subject")), (&*id, &*subject));
    let until: jiff::Timestamp = checked.text_of("until").parse().expect("a moment");
    let minutes = (until.as_second() - jiff::Timestamp::now().as_second()) / 60;
    assert!((28..=30).contains(&minutes), "{minutes}");
    let entry = demo.entry_of(&checked);
    assert_eq!(happened(&entry), "task.counter_check success");
    assert_eq!(entry["rec"].as_array().map(Vec::len), Some(1));
    assert!(entry["task"].is_string());

    let case = checked.text_of("case").to_owned();
    let read = inside(&cadre, &case, EMPLOYMENT, &id, "name,id_number,phone").expect(200);
    assert_eq!(read.body["fields"]["id_number"], json!(number));
    assert_eq!(read.body["masked"], json!(["phone"]), "what the item does not need stays masked");
    assert_eq!(demo.entry_of(&read)["task"], entry["task"]);
    inside(&cadre, &case, EMPLOYMENT, &other, "id_number").refused(403, "case_required");
    let tasks = cadre.get("/v1/tasks").expect(200).body["tasks"].clone();
    let task = tasks.as_array().expect("a list").iter().find(|one| one["id"] == json!(case));
    assert_eq!(task.expect("its own task")["kind"], "counter_service");
    step(&cadre, &case, "close").expect(200);
    inside(&cadre, &case, EMPLOYMENT, &id, "id_number").refused(403, "case_required");
}

#[test]
fn whoever_asks_for_access_is_found_at_the_residents_desk_and_told_what_is_held() {
    let demo = shared();
    let (desk, worker) = (demo.role("resident_desk"), demo.worker(1));
    let registered = adult(worker.grid());
    let stored = worker.create(&registered).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let number = registered["fields"]["id_number"].as_str().expect("a number");
    let fields = "name,id_number,phone";
    desk.read(id, fields, RIGHTS).refused(403, "case_required");
    let call = desk.call("POST", "/v1/counter-checks").purpose(RIGHTS);
    let asked: Vec<&str> = fields.split(',').collect();
    let checked = call.json(&shows(number, &asked)).send().expect(200);
    assert_eq!((checked.text_of("record"), checked.text_of("subject")), (id, subject));
    let entry = demo.entry_of(&checked);
    assert_eq!(happened(&entry), "task.counter_check success");
    assert_eq!((&entry["pur"], &entry["role"]), (&json!(RIGHTS), &json!("resident_desk")));

    // What is held goes to the one who asked, in clear; nobody else's opens with it.
    let case = checked.text_of("case");
    let read = inside(&desk, case, RIGHTS, id, fields).expect(200);
    for field in asked {
        assert_eq!(read.body["fields"][field], registered["fields"][field], "{field}");
    }
    let other = worker.create(&adult(worker.grid())).expect(201);
    inside(&desk, case, RIGHTS, other.text_of("id"), "name").refused(403, "case_required");
    step(&desk, case, "close").expect(200);
    inside(&desk, case, RIGHTS, id, "name").refused(403, "case_required");
    // Its counter is for rights: by no other purpose does it find anybody.
    check(&desk, &shows(number, &["name"])).refused(403, "denied");
}

/// What the desk is told of a person inside a case.
fn told(desk: &Actor, case: Option<&str>, subject: &str, what: &str) -> Reply {
    let call = desk.call("GET", &format!("/v1/subjects/{subject}/{what}")).purpose(RIGHTS);
    match case {
        Some(case) => call.header("case", case).send(),
        None => call.send(),
    }
}

/// The check at the residents' desk over somebody with this number.
fn at_desk(desk: &Actor, number: &str) -> String {
    let call = desk.call("POST", "/v1/counter-checks").purpose(RIGHTS);
    call.json(&shows(number, &["name"])).send().expect(200).text_of("case").to_owned()
}

#[test]
fn whoever_is_present_is_told_what_is_held_why_and_who_looked() {
    let demo = shared();
    let (desk, worker) = (demo.role("resident_desk"), demo.worker(1));
    let registered = adult(worker.grid());
    let stored = worker.create(&registered).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let read = worker.read(id, "name,phone", REGISTRATION).expect(200);
    let looked = demo.entry_of(&read)["seq"].as_u64().expect("an index");
    let case = at_desk(&desk, registered["fields"]["id_number"].as_str().expect("a number"));

    let report = told(&desk, Some(&case), subject, "report").expect(200);
    let [held] = &report.body["records"].as_array().expect("a list")[..] else {
        panic!("{}", report.text)
    };
    assert_eq!((&held["id"], &held["type"]), (&json!(id), &json!("person")));
    assert_eq!(held["held_for"][0]["purpose"], REGISTRATION);
    assert!(held["ends_on"].is_string() && held["grid"] == json!(worker.grid()), "{held}");
    let entry = demo.entry_of(&report);
    assert_eq!(happened(&entry), "subject.report success");
    assert!(entry["task"].is_string() && entry["sub"].is_array(), "{entry}");

    // Once the log is published and indexed, the look is there, with what was seen and nothing of where; and what the desk did.
    let mut accesses = told(&desk, Some(&case), subject, "accesses").expect(200);
    await_until("the report is indexed", || {
        accesses = told(&desk, Some(&case), subject, "accesses").expect(200);
        accesses.body["indexed"].as_u64() > entry["seq"].as_u64()
    });
    assert_eq!(happened(&demo.entry_of(&accesses)), "subject.accesses success");
    let lines = accesses.body["accesses"].as_array().expect("a list");
    let of = |event: &str| lines.iter().find(|line| line["event"] == event).expect(event);
    let look = of("data.read");
    assert_eq!((&look["index"], &look["account"]), (&json!(looked), &json!(worker.id)));
    assert_eq!((&look["role"], &look["purpose"]), (&json!("grid_worker"), &json!(REGISTRATION)));
    assert_eq!(look["fields"][0], json!({"field": "name", "view": "raw"}));
    assert!(of("data.create")["index"].as_u64() < Some(looked));
    assert_eq!(of("subject.report")["role"], json!("resident_desk"));
    assert_eq!(of("task.counter_check")["account"], json!(desk.id));
    assert!(!accesses.text.contains(&worker.grid()[..12]), "{}", accesses.text);

    // A page leads on for this person and these times alone.
    let until = jiff::Timestamp::now();
    let (mut path, mut seen) = (format!("accesses?limit=1&until={until}"), Vec::new());
    let mut last = None;
    loop {
        let page = told(&desk, Some(&case), subject, &path).expect(200);
        seen.extend(
            page.body["accesses"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|one| one["index"].clone()),
        );
        let Some(cursor) = page.body["cursor"].as_str() else { break };
        path = format!("accesses?limit=1&until={until}&cursor={cursor}");
        last = Some(cursor.to_owned());
    }
    assert!(seen.contains(&json!(looked)), "{seen:?}");
    assert!(seen.windows(2).all(|two| two[0].as_u64() > two[1].as_u64()), "{seen:?}");
    let elsewhere = format!("accesses?cursor={}", last.expect("a second page"));
    told(&desk, Some(&case), subject, &elsewhere).refused(400, "schema_invalid");
    let before = "accesses?until=2026-01-05T00:00:00Z";
    assert_eq!(told(&desk, Some(&case), subject, before).expect(200).body["accesses"], json!([]));
}

#[test]
fn what_organs_did_and_what_was_done_to_protect_a_child_is_not_told_and_takes_no_place_of_a_page() {
    let demo = shared();
    let (desk, worker) = (demo.role("resident_desk"), demo.worker(1));
    let registered = adult(worker.grid());
    let stored = worker.create(&registered).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let hidden = [
        demo.role("community_police").read(id, "name", REGISTRATION),
        demo.role("child_officer").read(id, "name", "child_protection"),
    ];
    for reply in &hidden {
        let entry = demo.entry_of(reply);
        assert!(entry["sub"].is_array(), "it is about the person: {entry}");
    }
    let read = demo.entry_of(&worker.read(id, "phone", REGISTRATION).expect(200));
    let case = at_desk(&desk, registered["fields"]["id_number"].as_str().expect("a number"));
    let pages = || {
        let (mut path, mut lines) = ("accesses?limit=1".to_owned(), Vec::new());
        let mut indexed = None;
        loop {
            let page = told(&desk, Some(&case), subject, &path).expect(200);
            let found = page.body["accesses"].as_array().expect("a list").clone();
            indexed = indexed.or(page.body["indexed"].as_u64());
            let Some(cursor) = page.body["cursor"].as_str() else { return (indexed, lines) };
            assert_eq!(found.len(), 1, "a page that goes on is full: {}", page.text);
            lines.extend(found);
            path = format!("accesses?limit=1&cursor={cursor}");
        }
    };
    await_until("the looks are indexed", || pages().0 > read["seq"].as_u64());
    let (_, lines) = pages();
    let roles: Vec<&str> = lines.iter().filter_map(|line| line["role"].as_str()).collect();
    assert!(roles.contains(&"grid_worker"), "{roles:?}");
    assert!(!roles.contains(&"community_police") && !roles.contains(&"child_officer"), "{roles:?}");
}

#[test]
fn nobody_is_told_of_a_person_who_is_not_present() {
    let demo = shared();
    let (desk, worker) = (demo.role("resident_desk"), demo.worker(1));
    let (present, absent) = (adult(worker.grid()), adult(worker.grid()));
    let stored = worker.create(&present).expect(201);
    let other = worker.create(&absent).expect(201);
    let number = present["fields"]["id_number"].as_str().expect("a number");
    let case = at_desk(&desk, number);
    let colleague = newcomer(demo, "resident_desk", desk.area.as_deref().expect("an area"));
    for what in ["report", "accesses"] {
        let subject = stored.text_of("subject");
        told(&desk, None, subject, what).refused(403, "case_required");
        // Inside the case of one person nobody is told of another, and nobody but who checked is told.
        told(&desk, Some(&case), other.text_of("subject"), what).refused(403, "case_required");
        told(&colleague, Some(&case), subject, what).refused(403, "case_required");
        told(&worker, Some(&case), subject, what).refused(403, "denied");
        let call = desk.call("GET", &format!("/v1/subjects/{subject}/{what}"));
        call.purpose(REGISTRATION).header("case", &case).send().refused(403, "denied");
        told(&desk, Some(&case), &unknown_id(), what).refused(404, "not_found");
    }
    step(&desk, &case, "close").expect(200);
    told(&desk, Some(&case), stored.text_of("subject"), "report").refused(403, "case_required");
}

#[test]
fn somebody_who_is_held_for_another_purpose_or_elsewhere_is_like_nobody() {
    let demo = shared();
    let cadre = demo.role("community_cadre");
    let nobody = check(&cadre, &shows(&fresh_number(BORN), &["name"])).expect(200);
    let entry = demo.entry_of(&nobody);
    assert_eq!(nobody.body["held"], false);
    assert!(nobody.body.get("case").is_none() && entry["task"].is_null() && entry["rec"].is_null());
    // Of two with one number nobody can tell who is present.
    let (_, _, number) = applicant(demo);
    let worker = demo.worker(2);
    let fields = json!({"name": "吴志强", "id_number": number});
    worker.create(&record("person", worker.grid(), EMPLOYMENT, fields)).expect(201);
    let twice = check(&cadre, &shows(&number, &["name"])).expect(200);
    // The register of residence is another purpose, and whoever applied for nothing is not served here.
    let registered = adult(worker.grid());
    worker.create(&registered).expect(201);
    let number = registered["fields"]["id_number"].as_str().expect("a number");
    let other = check(&cadre, &shows(number, &["name"])).expect(200);
    let without_receipt = |reply: &Reply| {
        let mut body = reply.body.clone();
        body.as_object_mut().expect("an object").remove("receipt");
        body
    };
    for reply in [&twice, &other] {
        assert_eq!(without_receipt(reply), without_receipt(&nobody));
    }
    let members = |entry: &Value| -> Vec<String> {
        entry.as_object().expect("an entry").keys().cloned().collect()
    };
    assert_eq!(members(&demo.entry_of(&twice)), members(&entry));
}

#[test]
fn only_a_counter_checks_and_only_by_what_the_policy_says_for_what_its_role_sees() {
    let demo = shared();
    let cadre = demo.role("community_cadre");
    let (_, _, number) = applicant(demo);
    for stranger in [demo.worker(1), demo.head(1), demo.role("compliance_auditor")] {
        check(&stranger, &shows(&number, &["name"])).refused(403, "denied");
    }
    let phone = json!({"field": "phone", "value": fresh_phone(), "fields": ["name"]});
    check(&cadre, &phone).refused(403, "denied");
    check(&cadre, &shows(&number, &["income"])).refused(400, "purpose_not_for_field");
    check(&cadre, &shows(&number, &["nonsense"])).refused(400, "field_unknown");
    for body in [
        shows(&number, &[]),
        shows(&number, &["name", "name"]),
        shows("1", &["name"]),
        json!({"field": "nonsense!", "value": number, "fields": ["name"]}),
        json!({"field": "id_number", "value": number}),
    ] {
        check(&cadre, &body).refused(400, "schema_invalid");
    }
    let call = cadre.call("POST", "/v1/counter-checks").purpose("residence_registration");
    call.json(&shows(&number, &["name"])).send().refused(403, "denied");
}
