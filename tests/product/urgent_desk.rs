//! The command line of an emergency, a raised limit, a request of an organ, a counter and a residents' desk.
//! Never a number of a document or a value among arguments, and never status 0 for what was refused.
//! Exit status: 0 done, 1 refused or failed, 2 wrong usage.

use super::actor::Actor;
use super::bodies::{
    CONTACT, CORRECTION, EMPLOYMENT, REGISTRATION, RIGHTS, adult, contact, fresh_number,
    fresh_phone, place, record, today,
};
use super::break_glass::{EVACUATION, event, resident};
use super::enrolment::newcomer;
use super::harness::shared;
use super::office_desk::{Desk, in_days};
use super::rounds;
use serde_json::json;
use std::path::Path;

/// The line of a list that begins with an id.
#[track_caller]
fn line_of<'a>(list: &'a str, id: &str) -> &'a str {
    list.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("no {id} in {list}"))
}

#[test]
fn an_emergency_access_is_opened_listed_ended_and_reviewed() {
    let demo = shared();
    let desk = Desk::new(demo);
    let (keeper, lead) = (demo.worker(1), demo.role("community_cadre"));
    let worker = newcomer(demo, "grid_worker", keeper.grid());
    let home = keeper.create(&place(keeper.grid())).expect(201).text_of("id").to_owned();
    let (person, subject) = resident(&keeper, &home, &adult(keeper.grid()));
    let event = event(&keeper, json!({"dwellings": [home]}));
    let open = ["break-glass", "open", "--event", &event, "--purpose", EVACUATION];
    let opened = desk.ask(&worker, &open).ended(0).out;
    let lines: Vec<&str> = opened.lines().collect();
    assert_eq!(lines[1..], [format!("place {home}"), format!("person {person} subject {subject}")]);
    let id = lines[0].strip_prefix("emergency access ").expect("what was opened");
    let (id, rest) = id.split_once(' ').expect("an id");
    assert!(rest.starts_with("open until "), "{opened}");

    let told = desk.ask(&lead, &["break-glass", "list"]).ended(0).out;
    let line = line_of(&told, id);
    let said = format!("{id} open alone by {} as grid_worker for {EVACUATION} event", worker.id);
    assert!(line.starts_with(&said) && line.ends_with(" by the caller"), "{line}");
    let finding = |note: &'static str| {
        ["break-glass", "review", id, "--finding", "not_justified", "--note", note]
    };
    let early = desk.ask(&lead, &finding("more_than_needed")).ended(1);
    assert!(early.err.contains("version_conflict"), "{}", early.err);
    desk.ask(&worker, &["break-glass", "end", id]).ended(0);
    let free = desk.ask(&lead, &finding("it was late")).ended(1);
    assert!(free.err.contains("schema_invalid"), "{}", free.err);
    desk.ask(&lead, &finding("more_than_needed")).ended(0);
    let listed = desk.json(&worker, &["break-glass", "list"]);
    assert!(listed.iter().all(|one| one["id"] != json!(id)), "it is reviewed");
    let perhaps = ["break-glass", "review", id, "--finding", "perhaps", "--note", "drill"];
    desk.ask(&lead, &perhaps).ended(2);
    desk.ask(&worker, &[&open[..], &["--place", &home]].concat()).ended(2);
    desk.ask(&worker, &["break-glass", "end", "../tasks"]).ended(2);
    let stranger = desk.ask(&demo.role("volunteer"), &open).ended(1);
    assert!(stranger.err.contains("denied"), "{}", stranger.err);
}

#[test]
fn a_wider_access_and_a_raised_limit_wait_for_a_second_person() {
    let demo = shared();
    let desk = Desk::new(demo);
    let (keeper, lead) = (demo.worker(4), demo.role("community_cadre"));
    let worker = newcomer(demo, "grid_worker", keeper.grid());
    let stored = || keeper.create(&place(keeper.grid())).expect(201).text_of("id").to_owned();
    let (home, beside) = (stored(), stored());
    let event = event(&keeper, json!({"dwellings": [home]}));
    let ask = ["break-glass", "open", "--event", &event, "--purpose", EVACUATION, "--wide"];
    let asked = desk.json(&worker, &[&ask[..], &["--place", &beside]].concat());
    assert_eq!(asked[0]["state"], "asked");
    let id = asked[0]["id"].as_str().expect("an id");
    let waits = desk.ask(&lead, &["approval", "list"]).ended(0).out;
    let line = line_of(&waits, id);
    assert!(line.starts_with(&format!("{id} waits emergency asked")), "{line}");
    assert!(line.ends_with(&format!(" event {event} places 2 people 0")), "{line}");
    desk.ask(&lead, &["approval", "decide", id, "grant"]).ended(0);
    let told = desk.ask(&worker, &["break-glass", "list"]).ended(0).out;
    let line = line_of(&told, id);
    assert!(line.starts_with(&format!("{id} open wide ")), "{line}");
    assert!(line.contains(" places 2 people 0 "), "{line}");

    let raise = |people: &'static str| {
        ["approval", "ask-limit", "--kind", "other", "--people", people, "--minutes", "60"]
    };
    let asked = desk.word(&worker, &raise("3"), "id");
    let waits = desk.ask(&lead, &["approval", "list"]).ended(0).out;
    let line = line_of(&waits, &asked);
    assert!(line.starts_with(&format!("{asked} waits limit asked")), "{line}");
    assert!(line.ends_with("Z 3 people more of other"), "{line}");
    desk.ask(&lead, &["approval", "decide", &asked, "refuse"]).ended(0);
    let beyond = desk.ask(&worker, &raise("41")).ended(1);
    assert!(beyond.err.contains("denied"), "{}", beyond.err);
    desk.ask(&worker, &raise("many")).ended(2);
}

#[test]
fn a_request_of_an_organ_is_brought_listed_and_decided() {
    let demo = shared();
    let desk = Desk::new(demo);
    let (police, officer) = (demo.role("community_police"), demo.role("protection_officer"));
    let worker = demo.worker(1);
    let subject = worker.create(&adult(worker.grid())).expect(201).text_of("subject").to_owned();
    let number = desk.write("number", "澜公（望）调证字〔2026〕21号\n");
    let number = number.to_str().expect("a plain path");
    let until = in_days(2);
    let of = ["official", "ask", "--organ", "county_public_security", "--subject", &subject];
    let what = ["--fields", "name,birth_date", "--purpose", REGISTRATION, "--until", &until];
    let ask = [&of[..], &what].concat();
    let asked = desk.word(&police, &[&ask[..], &["--document-file", number]].concat(), "id");
    let waits = desk.ask(&officer, &["official", "list"]).ended(0).out;
    let line = line_of(&waits, &asked);
    assert!(line.starts_with(&format!("{asked} waits official_request asked")), "{line}");
    let end = "people 1 organ county_public_security document 澜公（望）调证字〔2026〕21号";
    assert!(line.ends_with(end), "{line}");
    let own = desk.ask(&police, &["official", "decide", &asked, "grant"]).ended(1);
    assert!(own.err.contains("not_found"), "{}", own.err);
    let other_door = desk.ask(&officer, &["approval", "decide", &asked, "grant"]).ended(1);
    assert!(other_door.err.contains("not_found"), "{}", other_door.err);
    desk.ask(&officer, &["official", "decide", &asked, "grant"]).ended(0);
    let again = desk.ask(&officer, &["official", "decide", &asked, "refuse"]).ended(1);
    assert!(again.err.contains("version_conflict"), "{}", again.err);
    // Without a file the number comes from standard input, which is empty here.
    let nothing = desk.ask(&police, &ask).ended(1);
    assert!(nothing.err.contains("schema_invalid"), "{}", nothing.err);
    desk.ask(&police, &["official", "decide", &asked, "perhaps"]).ended(2);
}

#[test]
fn a_desk_hides_an_address_and_takes_a_consent_back() {
    let demo = shared();
    let office = Desk::new(demo);
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let stored = worker.create(&contact(worker.grid(), &fresh_phone())).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let about = |act: &'static str| ["subject", act, subject, "--purpose", RIGHTS];
    let refused = office.ask(&worker, &about("protect")).ended(1);
    assert!(refused.err.contains("denied"), "{}", refused.err);
    let hidden = office.ask(&desk, &about("protect")).ended(0).out;
    assert_eq!(hidden.trim(), format!("subject {subject} protected: records 1"));
    worker.read(id, "name", CONTACT).refused(404, "not_found");
    office.ask(&desk, &about("unprotect")).ended(0);
    worker.read(id, "name", CONTACT).expect(200);

    let listed = office.json(&desk, &about("consents"));
    let consent = listed[0]["id"].as_str().expect("an id").to_owned();
    let line = office.ask(&desk, &about("consents")).ended(0).out;
    assert!(line.starts_with(&format!("{consent} to {CONTACT} record {id} ")), "{line}");
    assert!(!line.contains("withdrawn"), "{line}");
    let withdraw = ["subject", "withdraw", subject, &consent, "--purpose", RIGHTS];
    let by = |by: &'static str| [&withdraw[..], &["--by", by, "--proof", "resident_card"]].concat();
    office.ask(&desk, &by("neighbour")).ended(2);
    let done = office.ask(&desk, &by("self")).ended(0).out;
    let lines: Vec<&str> = done.lines().collect();
    assert_eq!(lines[0], format!("withdrawn for {CONTACT}"));
    assert!(lines[1].starts_with(&format!("record {id} ends on 20")), "{done}");
    worker.read(id, "name", CONTACT).refused(403, "consent_withdrawn");
    let line = office.ask(&desk, &about("consents")).ended(0).out;
    assert!(line.contains(" withdrawn on 20"), "{line}");
    let again = office.ask(&desk, &by("self")).ended(1);
    assert!(again.err.contains("version_conflict"), "{}", again.err);
    let path = ["subject", "consents", "../records", "--purpose", RIGHTS];
    office.ask(&desk, &path).ended(2);

    let claim =
        ["--legal-basis", "household_contact_consent", "--notice", "household_contact_notice_1"];
    let today = today().to_string();
    let said = ["--by", "self", "--method", "oral", "--given-on", &today];
    let what = ["subject", "consent", subject, "--record", id, "--to", CONTACT];
    let desk_says = ["--proof", "resident_card", "--purpose", RIGHTS];
    let give = [&what[..], &claim, &said, &desk_says].concat();
    let given = office.ask(&desk, &give).ended(0).out;
    assert!(given.starts_with("consent ") && given.trim().ends_with(&format!("to {CONTACT}")));
    worker.read(id, "name", CONTACT).expect(200);
    assert!(office.ask(&desk, &give).ended(1).err.contains("version_conflict"));
}

#[test]
fn a_worker_asks_what_it_may_do_before_it_goes_to_a_door() {
    let demo = shared();
    let desk = Desk::new(demo);
    let worker = demo.worker(1);
    let ask = |grid: &str| {
        let what = ["policy", "preview", "--type", "person", "--age", "child", "--grid", grid];
        desk.ask(&worker, &what).ended(0).out
    };
    let told = ask(worker.grid());
    let line = told.lines().find(|line| line.starts_with("residence_registration"));
    assert!(line.expect("a purpose").contains("role grid_worker"), "{told}");
    assert!(told.contains("case_required"), "{told}");
    assert_eq!(ask(demo.worker(2).grid()).trim(), "nothing");
}

#[test]
fn a_number_that_is_shown_at_the_counter_comes_from_a_file_and_is_printed_nowhere() {
    let demo = shared();
    let desk = Desk::new(demo);
    let (worker, cadre) = (demo.worker(1), demo.role("community_cadre"));
    let number = fresh_number("1971-05-06");
    let fields = json!({"name": "吴志坚", "phone": fresh_phone(), "id_number": number});
    let stored = worker.create(&record("person", worker.grid(), EMPLOYMENT, fields)).expect(201);
    let shown = desk.write("shown", &format!("{number}\n"));
    let nobody = desk.write("nobody", &fresh_number("1971-05-06"));
    let ask = |who: &Actor, file: &Path| {
        let file = file.to_str().expect("a plain path");
        let check = ["counter-check", "--purpose", EMPLOYMENT, "--fields", "name,id_number"];
        desk.ask(who, &[&check[..], &["--value-file", file]].concat())
    };
    let checked = ask(&cadre, &shown).ended(0);
    let said =
        format!(" record {} subject {} until ", stored.text_of("id"), stored.text_of("subject"));
    assert!(checked.out.starts_with("case ") && checked.out.contains(&said), "{}", checked.out);
    assert!(!checked.out.contains(&number) && !checked.err.contains(&number));
    let case = checked.out.split(' ').nth(1).expect("a case");
    let path = format!("/v1/records/{}?fields=id_number", stored.text_of("id"));
    let read = cadre.call("GET", &path).purpose(EMPLOYMENT).header("case", case).send();
    assert_eq!(read.expect(200).body["fields"]["id_number"], json!(number));
    let nobody = ask(&cadre, &nobody).ended(0).out;
    assert_eq!(nobody.trim(), "nobody is held under it for this purpose here");
    let stranger = ask(&worker, &shown).ended(1);
    assert!(stranger.err.contains("denied"), "{}", stranger.err);
    // Without a file it is read from standard input, which is empty here.
    let empty = ["counter-check", "--purpose", EMPLOYMENT, "--fields", "name"];
    let empty = desk.ask(&cadre, &empty).ended(1);
    assert!(empty.err.contains("schema_invalid"), "{}", empty.err);
}

#[test]
fn a_task_is_given_over_places_or_over_an_event_and_never_over_both() {
    let demo = shared();
    let desk = Desk::new(demo);
    let (worker, head) = (demo.worker(2), demo.head(2));
    let home = worker.create(&place(worker.grid())).expect(201).text_of("id").to_owned();
    let (_, subject) = resident(&worker, &home, &adult(worker.grid()));
    let until = in_days(1);
    let give = |scope: &[&str]| {
        let what = ["task", "give", "--kind", "visit", "--purpose", CORRECTION];
        let whom = ["--holder", &worker.id, "--fields", "id_number", "--until", &until];
        desk.ask(&head, &[&["--json"], &what[..], &whom, scope].concat())
    };
    let held = |task: &str| {
        let tasks = desk.json(&worker, &["task", "list"]);
        tasks.into_iter().find(|one| one["id"] == json!(task)).expect("it is in the list")
    };
    let given = give(&["--place", &home]).ended(0).json();
    let task = held(given["id"].as_str().expect("an id"));
    assert_eq!((&task["records"], &task["subjects"]), (&json!([home]), &json!([subject])));
    let event = rounds::event(&worker, &[&home]);
    let given = give(&["--event", &event]).ended(0).json();
    let task = held(given["id"].as_str().expect("an id"));
    assert_eq!(task["subjects"], json!([subject]));
    for wrong in [
        &["--place", &home, "--event", &event][..],
        &["--place", &home, "--record", &home],
        &["--event", &event, "--subject", &subject],
        &[],
    ] {
        give(wrong).ended(2);
    }
}

#[test]
fn an_actor_is_suspended_and_works_again() {
    let demo = shared();
    let desk = Desk::new(demo);
    let security = demo.role("security_admin");
    let worker = newcomer(demo, "grid_worker", demo.worker(3).grid());
    let state = |state: &'static str| ["actor", "state", &worker.id, state];
    let line = desk.ask(&security, &state("suspended")).ended(0).out;
    assert_eq!(line.trim(), format!("actor {} suspended", worker.id));
    worker.get("/v1/actor").refused(401, "token_invalid");
    let again = desk.ask(&security, &state("suspended")).ended(1);
    assert!(again.err.contains("version_conflict"), "{}", again.err);
    desk.ask(&security, &state("active")).ended(0);
    let listed = desk.ask(&security, &["actor", "list"]).ended(0).out;
    let line = line_of(&listed, &worker.id);
    assert!(line.contains(" active ") && line.contains("grid_worker@"), "{line}");
    desk.ask(&security, &state("asleep")).ended(2);
}
