//! What each role of the demo gets of the sample person, and of nobody: a line for every role of the policy.
//! Never a right that comes from elsewhere: each actor is asked for one field under the purpose that names its role, if one does.
//! What waits for a task or a basis says so; who may not know hears what is said of a record that never was.

use super::bodies::{REGISTRATION, adult, born_years_ago};
use super::harness::shared;
use std::collections::BTreeMap;

/// Role, purpose, and what reading the sample person's name comes to.
const NAMES: [(&str, &str, &str); 34] = [
    ("grid_worker", REGISTRATION, "raw"),
    ("grid_head", REGISTRATION, "raw"),
    ("grid_stand_in", "emergency_evacuation", "case_required"),
    ("volunteer", "elder_visit", "basis_missing"),
    ("building_head", "safety_inspection", "not_found"),
    ("sunk_cadre", "emergency_evacuation", "case_required"),
    ("property_firm", REGISTRATION, "denied"),
    ("unit_liaison", REGISTRATION, "not_found"),
    ("community_cadre", "agent_service", "basis_missing"),
    ("child_officer", "child_protection", "case_required"),
    ("mediator", REGISTRATION, "not_found"),
    ("legal_helper", REGISTRATION, "not_found"),
    ("community_police", REGISTRATION, "case_required"),
    ("street_operator", REGISTRATION, "masked"),
    ("street_area_cadre", REGISTRATION, "not_found"),
    ("enforcement_team", REGISTRATION, "not_found"),
    ("street_office", "minimum_allowance", "case_required"),
    ("county_command", "emergency_evacuation", "case_required"),
    ("department", "child_protection", "case_required"),
    ("city_platform", REGISTRATION, "denied"),
    ("area_leader", REGISTRATION, "denied"),
    ("service_org", "disability_transport", "basis_missing"),
    ("supervisor", REGISTRATION, "denied"),
    ("discipline_officer", REGISTRATION, "denied"),
    ("petition_desk", REGISTRATION, "not_found"),
    ("statistician", REGISTRATION, "denied"),
    ("resident_desk", "rights_request", "case_required"),
    ("compliance_auditor", REGISTRATION, "denied"),
    ("protection_officer", REGISTRATION, "denied"),
    ("assignment_officer", REGISTRATION, "denied"),
    ("system_admin", REGISTRATION, "denied"),
    ("security_admin", REGISTRATION, "denied"),
    ("audit_admin", REGISTRATION, "denied"),
    ("contractor_ops", REGISTRATION, "denied"),
];

#[test]
fn every_role_gets_of_a_resident_what_the_matrix_gives_it() {
    let demo = shared();
    let mut told = BTreeMap::new();
    for (role, purpose, expected) in NAMES {
        let reply = demo.role(role).read(demo.sample_record(), "name", purpose);
        let got = match reply.status {
            200 if reply.body["masked"] == serde_json::json!(["name"]) => "masked".to_owned(),
            200 => "raw".to_owned(),
            _ => reply.code().to_owned(),
        };
        if got != expected {
            told.insert(role, (expected, got));
        }
    }
    assert!(told.is_empty(), "role, expected and got: {told:?}");
}

#[test]
fn an_assignment_counts_in_its_window_alone_and_a_reserve_not_at_all() {
    let demo = shared();
    let actors = demo.actors();
    let stand_in = |grid: usize| {
        let worker = demo.worker(grid);
        let id = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
        let here = |one: &&super::actor::Actor| {
            one.role == "grid_stand_in" && one.area.as_deref() == Some(worker.grid())
        };
        let pair = actors.iter().find(here).expect("a stand-in of the grid");
        pair.read(&id, "name", "emergency_evacuation").code().to_owned()
    };
    assert_eq!(stand_in(1), "case_required", "the window is open");
    assert_eq!(stand_in(3), "not_found", "it closed yesterday");
    let cadres: Vec<_> = actors.iter().filter(|one| one.role == "sunk_cadre").collect();
    assert_eq!(cadres.len(), 13);
    for reserve in &cadres[1..] {
        let reply = reserve.read(demo.sample_record(), "name", "emergency_evacuation");
        assert_eq!(reply.code(), "token_invalid");
    }
    let both: Vec<_> = actors
        .iter()
        .filter(|one| one.role == "grid_worker" && one.area == demo.worker(4).area)
        .collect();
    let fifth = demo.worker(5);
    let id = fifth.create(&adult(fifth.grid())).expect(201).text_of("id").to_owned();
    let reads = |one: &super::actor::Actor| one.read(&id, "name", REGISTRATION).status;
    assert_eq!(both.iter().map(|one| reads(one)).collect::<Vec<_>>(), [404, 200]);
}

#[test]
fn somebody_of_15_is_stored_and_masked_as_before_and_seen_in_a_task_alone() {
    let demo = shared();
    let worker = demo.worker(1);
    let stored = |years: i16| {
        let mut body = adult(worker.grid());
        body["fields"]["birth_date"] = born_years_ago(years).into();
        body["fields"].as_object_mut().expect("fields").remove("id_number");
        let created = worker.create(&body).expect(201);
        let phone = body["fields"]["phone"].as_str().expect("a telephone").to_owned();
        (created.text_of("id").to_owned(), phone)
    };
    let (minor, phone) = stored(15);
    assert_eq!(worker.read(&minor, "name", REGISTRATION).code(), "case_required");
    let operator = demo.role("street_operator").read(&minor, "name", REGISTRATION).expect(200);
    assert_eq!(operator.body["masked"], serde_json::json!(["name"]));
    let matched = worker.matches("phone", &phone, REGISTRATION).expect(200);
    assert_eq!(matched.body["held"], true, "{}", matched.text);
    let changed =
        worker.patch(&minor, 1, REGISTRATION, serde_json::json!({"source": "told_by_other"}));
    changed.expect(200);
    let (grown, _) = stored(18);
    assert_eq!(worker.read(&grown, "name", REGISTRATION).status, 200);
}
