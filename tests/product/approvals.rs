//! The second person: who asks never decides, a yes is good for one look, and a round over children needs one too.
//! Never a value to whoever decides, and nothing to whoever may not.
//! Each word is in the log, with who asked.

use super::actor::Actor;
use super::bodies::{
    CORRECTION, REGISTRATION, adult, born_years_ago, child, fresh_number, record, unknown_id,
};
use super::client::Reply;
use super::enrolment::{add, enrolled};
use super::entries::happened;
use super::harness::{Demo, shared};
use gridvault::limits::BIRTHDAY_RECORDS_COUNT_MAX;
use serde_json::{Value, json};
use std::time::Duration;

/// How often anybody asks a second person in 24 hours.
const ASKS: usize = 60;

fn ask(actor: &Actor, id: &str, fields: &[&str]) -> Reply {
    let body = json!({"record": id, "fields": fields, "minutes": 10});
    actor.call("POST", "/v1/approvals").purpose(REGISTRATION).json(&body).send()
}

fn decide(actor: &Actor, id: &str, decision: &str) -> Reply {
    actor.post(&format!("/v1/approvals/{id}/decide"), &json!({"decision": decision}))
}

/// Reads fields of a record under an approval or task.
fn under(actor: &Actor, case: &str, id: &str, fields: &str, purpose: &str) -> Reply {
    let path = format!("/v1/records/{id}?fields={fields}");
    actor.call("GET", &path).purpose(purpose).header("case", case).send()
}

fn waiting(actor: &Actor, id: &str) -> Option<Value> {
    let listed = actor.get("/v1/approvals").expect(200);
    assert_eq!(listed.body["more"], false, "it is whole");
    let all = listed.body["approvals"].as_array().expect("a list").clone();
    all.into_iter().find(|one| one["id"] == json!(id))
}

fn child_of(demo: &Demo, grid: usize) -> String {
    let worker = demo.worker(grid);
    worker.create(&child(worker.grid())).expect(201).text_of("id").to_owned()
}

#[test]
fn a_second_persons_yes_is_good_for_one_look_at_a_child() {
    let demo = shared();
    let (worker, lead) = (demo.worker(1), demo.role("community_cadre"));
    let id = child_of(demo, 1);
    worker.read(&id, "name", REGISTRATION).refused(403, "case_required");
    let asked = ask(&worker, &id, &["name", "birth_date"]).expect(201);
    let approval = asked.text_of("id").to_owned();
    assert_eq!(happened(&demo.entry_of(&asked)), "approval.request success");
    under(&worker, &approval, &id, "name", REGISTRATION).refused(403, "case_required");

    let waits = waiting(&lead, &approval).expect("it waits for the lead");
    assert_eq!((&waits["holder"], &waits["role"]), (&json!(worker.id), &json!("grid_worker")));
    assert_eq!((&waits["waits"], &waits["fields"]), (&json!(true), &json!(["name", "birth_date"])));
    assert_eq!(waiting(&worker, &approval).expect("its asker sees it")["waits"], json!(false));
    let granted = decide(&lead, &approval, "grant").expect(200);
    let entry = demo.entry_of(&granted);
    assert_eq!(happened(&entry), "approval.grant success");
    assert_eq!((&entry["who"], &entry["x"]["actor"]), (&json!(lead.id), &json!(worker.id)));

    // Its own fields alone, and only once.
    let read = under(&worker, &approval, &id, "name,phone", REGISTRATION).expect(200);
    assert_eq!(read.body["fields"], json!({"name": "向晚晴"}));
    assert_eq!(read.body["withheld"], json!(["phone"]));
    assert_eq!(demo.entry_of(&read)["apr"], demo.entry_of(&granted)["apr"]);
    under(&worker, &approval, &id, "name", REGISTRATION).refused(403, "case_required");
    decide(&lead, &approval, "grant").refused(412, "version_conflict");
}

#[test]
fn the_asker_never_decides_and_nor_does_anybody_but_the_second_person() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let approval = ask(&worker, &child_of(demo, 1), &["name"]).expect(201);
    let approval = approval.text_of("id").to_owned();
    for actor in
        [&worker, &head, &demo.worker(2), &demo.role("street_office"), &demo.role("security_admin")]
    {
        decide(actor, &approval, "grant").refused(404, "not_found");
        let seen = waiting(actor, &approval).is_some();
        assert_eq!(seen, actor.id == worker.id, "{}", actor.role);
    }
    // One of the community who does not lead, and somebody who leads and asks for himself.
    let area = demo.role("community_cadre").area.expect("an area");
    let plain = add(demo, json!([{"role": "community_cadre", "area": area}])).expect(201);
    let plain = enrolled(demo, &plain, "community_cadre", Some(&area));
    decide(&plain, &approval, "grant").refused(404, "not_found");
    let posts = json!([
        {"role": "community_cadre", "area": area, "lead": true},
        {"role": "grid_worker", "area": worker.grid()},
    ]);
    let both = enrolled(demo, &add(demo, posts).expect(201), "grid_worker", Some(worker.grid()));
    let own = ask(&both, &child_of(demo, 1), &["name"]).expect(201);
    let refused = decide(&both, own.text_of("id"), "grant").refused(403, "denied");
    assert_eq!(happened(&demo.entry_of(&refused)), "access.denied denied");
    assert!(
        !waiting(&both, own.text_of("id")).expect("it asked")["waits"].as_bool().expect("a word")
    );
    decide(&demo.role("community_cadre"), own.text_of("id"), "grant").expect(200);
}

#[test]
fn a_no_opens_nothing_and_what_no_approval_opens_is_not_asked_for() {
    let demo = shared();
    let (worker, lead) = (demo.worker(1), demo.role("community_cadre"));
    let id = child_of(demo, 1);
    let approval = ask(&worker, &id, &["name"]).expect(201).text_of("id").to_owned();
    let refused = decide(&lead, &approval, "refuse").expect(200);
    assert_eq!(happened(&demo.entry_of(&refused)), "approval.refuse success");
    under(&worker, &approval, &id, "name", REGISTRATION).refused(403, "case_required");
    decide(&lead, &approval, "grant").refused(412, "version_conflict");
    decide(&lead, &approval, "perhaps").refused(400, "schema_invalid");
    decide(&lead, &unknown_id(), "grant").refused(404, "not_found");
    // The number is for the match alone; the neighbour's grid is nobody's; a body of no sense.
    ask(&worker, &id, &["id_number"]).refused(403, "denied");
    let far = child_of(demo, 2);
    let unknown = ask(&worker, &unknown_id(), &["name"]).refused(404, "not_found").without_ids();
    assert_eq!(ask(&worker, &far, &["name"]).refused(404, "not_found").without_ids(), unknown);
    for body in [
        json!({"record": id, "fields": ["name"], "minutes": 0}),
        json!({"record": id, "fields": ["name"], "minutes": 61}),
        json!({"record": id, "fields": [], "minutes": 5}),
        json!({"record": "1", "fields": ["name"], "minutes": 5}),
        json!({"record": id, "fields": ["name"], "minutes": 5, "document": "running text of a kind"}),
    ] {
        let reply = worker.call("POST", "/v1/approvals").purpose(REGISTRATION).json(&body).send();
        assert_eq!(reply.status, 400, "{body}");
    }
}

#[test]
fn a_round_over_children_opens_them_once_a_second_person_agreed() {
    let demo = shared();
    let (worker, head, lead) = (demo.worker(2), demo.head(2), demo.role("community_cadre"));
    let born = born_years_ago(9);
    let fields = json!({
        "name": "向晚晴", "sex": "2", "birth_date": born, "id_number": fresh_number(&born),
        "guardian_name": "向北川", "guardian_phone": super::bodies::fresh_phone(), "told_by": "52",
    });
    let stored = worker.create(&record("person", worker.grid(), REGISTRATION, fields)).expect(201);
    let (id, subject) = (stored.text_of("id").to_owned(), stored.text_of("subject").to_owned());
    let until = (jiff::Timestamp::now() + Duration::from_secs(86_400)).to_string();
    let round = |approval: bool| {
        let body = json!({
            "kind": "verification", "purpose": CORRECTION, "holder": worker.id, "until": until,
            "scope": {"subjects": [subject]}, "fields": ["name"], "approval": approval,
        });
        let given = head.call("POST", "/v1/tasks").purpose(CORRECTION).json(&body).send();
        given.expect(201).text_of("id").to_owned()
    };
    let accept = |task: &str| worker.call("POST", &format!("/v1/tasks/{task}/accept")).send();
    let plain = round(false);
    accept(&plain).expect(200);
    under(&worker, &plain, &id, "name", CORRECTION).refused(403, "approval_required");

    let agreed = round(true);
    accept(&agreed).refused(412, "version_conflict");
    decide(&head, &agreed, "grant").refused(404, "not_found");
    assert_eq!(waiting(&lead, &agreed).expect("it waits")["task"], json!("verification"));
    decide(&lead, &agreed, "grant").expect(200);
    accept(&agreed).expect(200);
    for _ in 0..2 {
        let read = under(&worker, &agreed, &id, "name", CORRECTION).expect(200);
        assert_eq!(read.body["fields"]["name"], "向晚晴");
    }
}

#[test]
fn a_childs_birth_date_that_was_wrong_is_put_right_inside_a_task_that_a_second_person_agreed_to() {
    let demo = shared();
    let (worker, head, lead) = (demo.worker(2), demo.head(2), demo.role("community_cadre"));
    let born = born_years_ago(9);
    let until = (jiff::Timestamp::now() + Duration::from_secs(86_400)).to_string();
    let accept = |task: &str| worker.call("POST", &format!("/v1/tasks/{task}/accept")).send();
    for number in [None, Some(fresh_number(&born))] {
        let mut fields = json!({
            "name": "向晚晴", "sex": "2", "birth_date": born, "guardian_name": "向北川",
            "guardian_phone": super::bodies::fresh_phone(), "told_by": "52",
        });
        if let Some(number) = &number {
            fields["id_number"] = json!(number);
        }
        let stored =
            worker.create(&record("person", worker.grid(), REGISTRATION, fields)).expect(201);
        let id = stored.text_of("id").to_owned();
        // What else is held of it follows, both ways.
        let further = json!({"name": "向晚晴", "guardian_name": "向北川"});
        let mut further = record("person", worker.grid(), REGISTRATION, further);
        further["subject"] = json!(stored.text_of("subject"));
        let further = worker.create(&further).expect(201).text_of("id").to_owned();
        let read_further = || worker.read(&further, "name", CORRECTION);
        let right = || json!({"birth_date": "1980-05-01"});
        let read = || worker.read(&id, "name", CORRECTION);
        worker.patch(&id, 1, CORRECTION, right()).expect(200);
        read().refused(403, "case_required");
        let task = |approval: bool| {
            let body = json!({
                "kind": "verification", "purpose": CORRECTION, "holder": worker.id, "until": until,
                "scope": {"records": [id]}, "fields": ["birth_date"], "approval": approval,
            });
            let given = head.call("POST", "/v1/tasks").purpose(CORRECTION).json(&body).send();
            given.expect(201).text_of("id").to_owned()
        };
        let within = |task: &str, version: u64| {
            let call = worker.call("PATCH", &format!("/v1/records/{id}")).purpose(CORRECTION);
            let call = call.version(version).header("case", task);
            call.json(&json!({"fields": right()})).send().expect(200)
        };
        let plain = task(false);
        accept(&plain).expect(200);
        within(&plain, 2);
        read().refused(403, "case_required");
        read_further().refused(403, "case_required");
        let agreed = task(true);
        decide(&lead, &agreed, "grant").expect(200);
        accept(&agreed).expect(200);
        within(&agreed, 3);
        match number {
            None => {
                read().expect(200);
                read_further().expect(200);
            }
            // Whose number says a child is one, whatever two people say: the number is what is to be put right.
            Some(_) => {
                read().refused(403, "case_required");
                read_further().refused(403, "case_required");
            }
        }
    }
}

#[test]
fn a_correction_that_makes_more_records_a_grown_ups_than_one_entry_names_changes_none() {
    let demo = shared();
    let (worker, head, lead) = (demo.worker(2), demo.head(2), demo.role("community_cadre"));
    let fields =
        json!({"name": "向晚晴", "birth_date": born_years_ago(9), "guardian_name": "向北川"});
    let stored = worker.create(&record("person", worker.grid(), REGISTRATION, fields)).expect(201);
    let id = stored.text_of("id").to_owned();
    let further = json!({"name": "向晚晴", "guardian_name": "向北川"});
    let mut further = record("person", worker.grid(), REGISTRATION, further);
    further["subject"] = json!(stored.text_of("subject"));
    let further: Vec<String> = (0..=BIRTHDAY_RECORDS_COUNT_MAX)
        .map(|_| worker.create(&further).expect(201).text_of("id").to_owned())
        .collect();
    let until = (jiff::Timestamp::now() + Duration::from_secs(86_400)).to_string();
    let body = json!({
        "kind": "verification", "purpose": CORRECTION, "holder": worker.id, "until": until,
        "scope": {"records": [id]}, "fields": ["birth_date"], "approval": true,
    });
    let task = head.call("POST", "/v1/tasks").purpose(CORRECTION).json(&body).send().expect(201);
    let task = task.text_of("id");
    decide(&lead, task, "grant").expect(200);
    worker.call("POST", &format!("/v1/tasks/{task}/accept")).send().expect(200);
    let corrected = || {
        let call = worker.call("PATCH", &format!("/v1/records/{id}")).purpose(CORRECTION);
        let call = call.version(1).header("case", task);
        call.json(&json!({"fields": {"birth_date": "1980-05-01"}})).send()
    };
    let closed = |id: &String| worker.read(id, "name", CORRECTION).refused(403, "case_required");
    corrected().refused(413, "too_large");
    for one in [&id, &further[0], &further[BIRTHDAY_RECORDS_COUNT_MAX]] {
        closed(one);
    }
    // As many as one entry names are put right at once, and the record was not touched before.
    head.delete(&further[0], 1, REGISTRATION).expect(200);
    corrected().expect(200);
    for one in [&id, &further[1], &further[BIRTHDAY_RECORDS_COUNT_MAX]] {
        worker.read(one, "name", CORRECTION).expect(200);
    }
}

#[test]
fn what_is_gone_by_the_second_persons_word_is_opened_no_more_and_the_rest_stands() {
    let demo = shared();
    let (worker, head, lead) = (demo.worker(3), demo.head(3), demo.role("community_cadre"));
    let stored = [(); 3].map(|()| worker.create(&adult(worker.grid())).expect(201));
    let [gone, stays, alone] =
        stored.map(|reply| (reply.text_of("id").to_owned(), reply.text_of("subject").to_owned()));
    let until = (jiff::Timestamp::now() + Duration::from_secs(86_400)).to_string();
    let round = |subjects: &[&String]| {
        let body = json!({
            "kind": "verification", "purpose": CORRECTION, "holder": worker.id, "until": until,
            "scope": {"subjects": subjects}, "fields": ["id_number"], "approval": true,
        });
        let given = head.call("POST", "/v1/tasks").purpose(CORRECTION).json(&body).send();
        given.expect(201).text_of("id").to_owned()
    };
    let (both, nothing) = (round(&[&gone.1, &stays.1]), round(&[&alone.1]));
    head.delete(&gone.0, 1, REGISTRATION).expect(200);
    head.delete(&alone.0, 1, REGISTRATION).expect(200);
    decide(&lead, &both, "grant").expect(200);
    worker.call("POST", &format!("/v1/tasks/{both}/accept")).send().expect(200);
    under(&worker, &both, &stays.0, "id_number", CORRECTION).expect(200);
    under(&worker, &both, &gone.0, "id_number", CORRECTION).refused(410, "erased");
    let tasks = worker.get("/v1/tasks").expect(200).body["tasks"].clone();
    let own = tasks.as_array().expect("a list").iter().find(|one| one["id"] == json!(both));
    assert_eq!(own.expect("an open task")["subjects"], json!([stays.1]));
    decide(&lead, &nothing, "grant").refused(404, "not_found");
    // A no is always possible, to whoever it waits for and to nobody else; then it waits no more.
    decide(&head, &nothing, "refuse").refused(404, "not_found");
    let refused = decide(&lead, &nothing, "refuse").expect(200);
    assert_eq!(happened(&demo.entry_of(&refused)), "approval.refuse success");
    assert!(waiting(&lead, &nothing).is_none());
}

#[test]
fn a_look_at_what_is_gone_meanwhile_is_refused_like_any_other() {
    let demo = shared();
    let (worker, head, lead) = (demo.worker(4), demo.head(4), demo.role("community_cadre"));
    let id = child_of(demo, 4);
    let approval = ask(&worker, &id, &["name"]).expect(201).text_of("id").to_owned();
    head.delete(&id, 1, REGISTRATION).expect(200);
    decide(&lead, &approval, "grant").refused(404, "not_found");
    decide(&lead, &approval, "refuse").expect(200);
    assert!(waiting(&lead, &approval).is_none() && waiting(&worker, &approval).is_none());
}

#[test]
fn whoever_asks_second_persons_again_and_again_is_stopped_whatever_the_answers_were() {
    let demo = shared();
    let keeper = demo.worker(5);
    let posts = json!([{"role": "grid_worker", "area": keeper.grid()}]);
    let somebody = || {
        let added = add(demo, posts.clone()).expect(201);
        enrolled(demo, &added, "grid_worker", Some(keeper.grid()))
    };
    let (worker, id) = (somebody(), child_of(demo, 5));
    for _ in 0..ASKS {
        ask(&worker, &id, &["name"]).expect(201);
    }
    let stopped = ask(&worker, &id, &["name"]).refused(429, "rate_limited");
    assert_eq!(demo.entry_of(&stopped)["why"], "rate_limited");
    ask(&somebody(), &id, &["name"]).expect(201);
}
