//! An insider's week: what people with lawful accounts try, and what becomes of it.
//! Never does a try succeed beyond its right, and never does one leave no trace that the compliance officer finds.
//! Each story is by itself, in a town of its own, by a clock that it sets.

use super::bodies::{
    CONTACT, CORRECTION, REGISTRATION, adult, adult_fields, contact, fresh_phone, record,
};
use super::town::{
    COMMUNITY, FIRST, Person, Post, SECOND, STREET, Town, in_area, of_platform, text,
};
use gridvault::http::{Call, Method};
use serde_json::{Value, json};

/// A Monday morning at home, which is eight hours ahead.
const MONDAY: &str = "2026-11-30T01:00:00Z";

struct Cast {
    town: Town,
    worker: Person,
    head: Person,
    officer: Person,
}

fn cast() -> Cast {
    let town = Town::at(MONDAY);
    let worker = town.somebody(&[in_area("grid_worker", FIRST)]);
    let head = town.somebody(&[in_area("grid_head", FIRST)]);
    let officer = town.somebody(&[of_platform("compliance_auditor")]);
    Cast { town, worker, head, officer }
}

fn outcomes(entries: &[Value]) -> Vec<String> {
    let word = |entry: &Value| {
        format!("{}.{} {}", text(entry, "ev"), text(entry, "act"), text(entry, "out"))
    };
    entries.iter().map(word).collect()
}

#[test]
fn monday_the_stand_in_looks_before_during_and_after_its_window() {
    let Cast { town, worker, head, officer } = cast();
    let pair =
        Post { pair: true, until: Some("2027-06-01T00:00:00Z"), ..in_area("grid_stand_in", FIRST) };
    let neighbour = town.somebody(&[in_area("grid_head", SECOND), pair]);
    let resident = text(&town.store(worker, &contact(FIRST, &fresh_phone())), "id");
    let look = || town.read(neighbour, &resident, "name", CONTACT, None);
    look().refused("not_found");

    let window = json!({
        "to": neighbour.id(), "grid": FIRST, "from": "2026-11-30T02:00:00Z",
        "until": "2026-11-30T10:00:00Z",
    });
    let window = text(&town.post(head, "/v1/delegations", &window).done(), "id");
    town.step(neighbour, &format!("/v1/delegations/{window}/accept")).done();
    look().refused("not_found");
    town.now_it_is("2026-11-30T02:00:00Z");
    look().done();
    town.now_it_is("2026-11-30T09:59:59Z");
    look().done();
    town.now_it_is("2026-11-30T10:00:00Z");
    look().refused("not_found");

    let looked = town.found(officer, &format!("actor={}&record={resident}", neighbour.id()));
    let inside = looked.iter().filter(|entry| entry["role"] == "grid_stand_in").count();
    assert_eq!(inside, 2, "each look names role and window: {looked:#?}");
    assert!(
        looked
            .iter()
            .filter(|entry| entry["out"] == "success")
            .all(|entry| entry["apr"].is_string())
    );
    let tried = town.found(officer, &format!("actor={}&why=not_found", neighbour.id()));
    assert_eq!(tried.len(), 3, "the looks before and after are there too");
}

#[test]
fn monday_a_worker_looks_up_a_neighbour_and_himself() {
    let Cast { town, worker, officer, .. } = cast();
    let stored = town.store(worker, &adult(FIRST));
    let (own, subject) = (text(&stored, "id"), text(&stored, "subject"));
    let curious = town.worker_who_lives_there(FIRST, &subject);
    let neighbour = text(&town.store(worker, &adult(FIRST)), "id");
    // He may know of both: they live in his grid. What he does is his own act, with his name under it.
    town.read(curious, &neighbour, "name,phone", REGISTRATION, None).done();
    town.read(curious, &own, "name", REGISTRATION, None).done();
    let watched = town.anomaly(officer, "own_record", curious);
    assert_eq!(watched["entries_count"], 1, "{watched}");
    let seen = town.found(officer, &format!("record={neighbour}&actor={}", curious.id()));
    assert_eq!(outcomes(&seen), ["data.read success"]);
    // The next grid is none of his, whoever lives there.
    let next = town.somebody(&[in_area("grid_worker", SECOND)]);
    let far = text(&town.store(next, &adult(SECOND)), "id");
    town.read(curious, &far, "name", REGISTRATION, None).refused("not_found");
    assert_eq!(town.found(officer, &format!("actor={}&why=not_found", curious.id())).len(), 1);
}

#[test]
fn tuesday_nobody_agrees_to_what_it_asked_for_itself() {
    let Cast { town, officer, .. } = cast();
    let lead = Post { lead: true, ..in_area("community_cadre", COMMUNITY) };
    let both = town.somebody(&[in_area("grid_worker", FIRST), lead]);
    let child = {
        let born = "2020-04-09";
        let mut fields = adult_fields();
        fields["birth_date"] = json!(born);
        fields["id_number"] = json!(super::bodies::fresh_number(born));
        fields["guardian_name"] = json!("向北川");
        fields["guardian_phone"] = json!(fresh_phone());
        text(&town.store(both, &record("person", FIRST, REGISTRATION, fields)), "id")
    };
    // What was written can be read back for half an hour; the next morning it takes a second person.
    town.now_it_is("2026-12-01T01:00:00Z");
    town.read(both, &child, "name", REGISTRATION, None).refused("case_required");
    let body = json!({"record": child, "fields": ["name"], "minutes": 10});
    let asked = text(&town.post_for(both, REGISTRATION, "/v1/approvals", &body).done(), "id");
    let yes = json!({"decision": "grant"});
    town.post(both, &format!("/v1/approvals/{asked}/decide"), &yes).refused("denied");
    town.read(both, &child, "name", REGISTRATION, Some(&asked)).refused("case_required");
    let tried = town.found(officer, &format!("actor={}&why=denied", both.id()));
    assert_eq!(outcomes(&tried), ["access.denied denied"], "one try, and what it was");
}

#[test]
fn wednesday_a_task_is_used_after_its_end_by_another_and_for_another_field() {
    let Cast { town, worker, head, officer } = cast();
    let other = town.somebody(&[in_area("grid_worker", FIRST)]);
    let stored = town.store(head, &record("person", FIRST, REGISTRATION, adult_fields()));
    let id = text(&stored, "id");
    let task = json!({
        "kind": "verification", "purpose": CORRECTION, "holder": worker.id(),
        "scope": {"records": [id]}, "fields": ["id_number"], "until": "2026-11-30T03:00:00Z",
    });
    let task = text(&town.post_for(head, CORRECTION, "/v1/tasks", &task).done(), "id");
    town.step(worker, &format!("/v1/tasks/{task}/accept")).done();
    let reads = |who, fields: &str| town.read(who, &id, fields, CORRECTION, Some(&task));
    reads(worker, "id_number").done();
    reads(other, "id_number").refused("case_required");
    reads(worker, "assistance_tag").refused("case_required");
    town.now_it_is("2026-11-30T03:00:00Z");
    reads(worker, "id_number").refused("case_required");
    let refused = town.found(officer, &format!("record={id}&why=case_required"));
    assert_eq!(refused.len(), 3, "each try is found by the record: {refused:#?}");
}

#[test]
fn thursday_a_leaver_sweeps_the_grid_on_the_last_day() {
    let Cast { town, worker, officer, .. } = cast();
    let leaver = town.somebody(&[in_area("grid_worker", FIRST)]);
    let people: Vec<String> =
        (0..45).map(|_| text(&town.store(worker, &adult(FIRST)), "id")).collect();
    // A fortnight of two looks a day, then everybody on the last.
    for day in 1..=14 {
        town.now_it_is(&format!("2026-12-{day:02}T02:00:00Z"));
        for id in &people[..2] {
            town.read(leaver, id, "name", REGISTRATION, None).done();
        }
    }
    town.now_it_is("2026-12-15T02:00:00Z");
    for id in &people {
        town.read(leaver, id, "name", REGISTRATION, None).done();
    }
    let placing = town.somebody(&[in_area("assignment_officer", STREET)]);
    let posts = town.get(leaver, "/v1/actor").done();
    let end = json!({"assignment": posts["posts"][0]["id"]});
    let path = format!("/v1/admin/actors/{}/assignments/end", leaver.id());
    town.post(placing, &path, &end).done();
    // From that entry on the account opens nothing.
    town.read(leaver, &people[0], "name", REGISTRATION, None).refused("denied");
    let found = town.anomaly(officer, "leaver_days", leaver);
    assert_eq!(found["numbers"]["records"], 45, "{found}");
    town.anomaly(officer, "household_sweep", leaver);
}

#[test]
fn friday_an_administrator_gives_itself_rights() {
    let Cast { town, officer, .. } = cast();
    let security = town.somebody(&[of_platform("security_admin")]);
    let placing = town.somebody(&[in_area("assignment_officer", STREET)]);
    let post = json!({"role": "grid_worker", "area": FIRST});
    for who in [security, placing] {
        let path = format!("/v1/admin/actors/{}/assignments", who.id());
        town.post(who, &path, &post).refused("denied");
        let line = json!({"actor": who.id(), "role": "grid_worker", "area": FIRST});
        let roster = town.post(who, "/v1/admin/assignments/import", &json!({"lines": [line]}));
        assert_eq!(roster.done()["lines"][0]["code"], "denied");
        // An administrator has a directory, a log has officers; neither has a record.
        let read = format!("/v1/records/{}?fields=name", super::bodies::unknown_id());
        let call = Call { purpose: Some(REGISTRATION), ..Call::default() };
        town.call(who, Method::GET, &read, call).refused("denied");
        let tried = town.found(officer, &format!("actor={}&why=denied", who.id()));
        assert_eq!(tried.len(), 3, "{tried:#?}");
    }
    // Another administrator by a single word, and a friend of business beside it.
    let body = json!({
        "login": "friend", "kind": "person", "assignments": [{"role": "system_admin"}],
    });
    town.post(security, "/v1/admin/actors", &body).refused("approval_required");
}

#[test]
fn friday_a_system_acts_for_nobody() {
    let Cast { town, worker, officer, .. } = cast();
    let system = town.somebody(&[]);
    let id = text(&town.store(worker, &adult(FIRST)), "id");
    let path = format!("/v1/records/{id}?fields=name");
    let call = || Call { purpose: Some(REGISTRATION), ..Call::default() };
    let alone = town.token(system, None);
    town.with_token(&alone, Method::GET, &path, call()).refused("denied");
    let acting = town.token(worker, Some(system));
    assert_eq!(town.with_token(&acting, Method::GET, &path, call()).status, 200);
    let through = town.found(officer, &format!("system={}", system.id()));
    assert_eq!(outcomes(&through), ["data.read success"], "for whom it acted, and that it did");
    assert_eq!(through[0]["who"], json!(worker.id()));
    let alone = town.found(officer, &format!("actor={}&why=denied", system.id()));
    assert_eq!(alone.len(), 1);
}

#[test]
fn saturday_forty_people_of_one_estate_are_looked_at_in_the_night() {
    let Cast { town, worker, head, officer } = cast();
    let people: Vec<String> =
        (0..40).map(|_| text(&town.store(head, &adult(FIRST)), "id")).collect();
    // Eleven in the evening at home.
    town.now_it_is("2026-12-05T15:00:00Z");
    for id in &people {
        town.read(worker, id, "name", REGISTRATION, None).done();
    }
    let night = town.anomaly(officer, "night_bulk", worker);
    assert_eq!(night["role"], "grid_worker");
    assert!(night["entries_count"].as_u64() >= Some(20), "{night}");
    let sweep = town.anomaly(officer, "household_sweep", worker);
    assert_eq!(sweep["numbers"]["opened"], 30, "{sweep}");
    // A review is opened over it, by somebody who watches and cannot read.
    let review = json!({"anomaly": night["id"]});
    let review = town.post(officer, "/v1/audit/reviews", &review).done();
    assert_eq!(review["state"], "open", "{review}");
}

#[test]
fn sunday_two_reads_at_once_take_the_last_unit_of_a_limit_once() {
    let Cast { town, worker, head, officer } = cast();
    let people: Vec<String> =
        (0..81).map(|_| text(&town.store(head, &adult(FIRST)), "id")).collect();
    for id in &people[..79] {
        town.read(worker, id, "phone", REGISTRATION, None).done();
    }
    let told = town.read_both(worker, [&people[79], &people[80]], "phone", REGISTRATION);
    let mut statuses = told.each_ref().map(|told| told.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429], "{told:#?}");
    // Whom it saw already it still sees; whom it did not, tomorrow.
    town.read(worker, &people[0], "phone", REGISTRATION, None).done();
    let over = town.found(officer, &format!("actor={}&why=reveal_limit", worker.id()));
    assert_eq!(over.len(), 1, "{over:#?}");
    town.anomaly(officer, "near_limits", worker);
    town.now_it_is("2026-12-01T01:00:01Z");
    town.read(worker, &people[80], "phone", REGISTRATION, None).done();
}
