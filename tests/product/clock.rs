//! What becomes of tokens, tasks and data where somebody sets the host's clock: told over the whole vault.
//! Never waits: time passes, and the host's clock is set, as the story says.
//! Whatever was over stays over.

use super::bodies::{
    CONTACT, CORRECTION, REGISTRATION, adult_fields, contact, fresh_phone, record,
};
use super::town::{FIRST, Town, in_area, of_platform, text};
use gridvault::http::{Call, Method};
use serde_json::json;

#[test]
fn a_clock_that_is_set_back_opens_nothing_again_and_no_data_is_served_until_it_is_right() {
    let town = Town::at("2026-11-30T01:00:00Z");
    let worker = town.somebody(&[in_area("grid_worker", FIRST)]);
    let head = town.somebody(&[in_area("grid_head", FIRST)]);
    let officer = town.somebody(&[of_platform("compliance_auditor")]);
    let resident = text(&town.store(worker, &contact(FIRST, &fresh_phone())), "id");
    let stored = town.store(head, &record("person", FIRST, REGISTRATION, adult_fields()));
    let id = text(&stored, "id");
    let task = json!({
        "kind": "verification", "purpose": CORRECTION, "holder": worker.id(),
        "scope": {"records": [id]}, "fields": ["id_number"], "until": "2026-11-30T01:30:00Z",
    });
    let task = text(&town.post_for(head, CORRECTION, "/v1/tasks", &task).done(), "id");
    town.step(worker, &format!("/v1/tasks/{task}/accept")).done();
    let under_task = || town.read(worker, &id, "id_number", CORRECTION, Some(&task));
    under_task().done();
    let token = town.token(worker, None);
    let enters = || town.with_token(&token, Method::GET, "/v1/actor", Call::default());
    enters().done();

    town.now_it_is("2026-11-30T02:30:00Z");
    enters().refused("token_expired");
    under_task().refused("case_required");
    town.host_clock_is("2026-11-30T01:10:00Z");
    enters().refused("token_expired");
    under_task().refused("case_required");
    let read = || town.read(worker, &resident, "name", CONTACT, None);
    read().refused("clock_in_doubt");
    readiness(&town).refused("clock_in_doubt");
    town.look_at_the_clock();
    let seen = town.found(officer, "event=sys.clock");
    assert_eq!(seen.len(), 1, "oversight goes on: {seen:#?}");

    town.host_clock_is("2026-11-30T02:30:01Z");
    town.look_at_the_clock();
    read().done();
    readiness(&town).done();
    enters().refused("token_expired");
    under_task().refused("case_required");
}

fn readiness(town: &Town) -> super::town::Told {
    town.with_token("", Method::GET, "/readyz", Call::default())
}
