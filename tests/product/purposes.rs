//! Purpose, basis and notice: nothing is stored or read without them.
//! Never guesses a purpose, and never takes one thing's consent for another's.
//! What rests on the resident's will is there only where it was given.

use super::bodies::{
    CONTACT, CORRECTION, REGISTRATION, SAFETY, adult, adult_fields, consent, contact, fresh_phone,
    record, today,
};
use super::entries::happened;
use super::harness::shared;
use super::requests::{Aim, guarded, plausible};
use super::wire::send_from;
use jiff::ToSpan as _;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

#[test]
fn request_without_a_purpose_is_refused_at_every_call_that_needs_one() {
    let demo = shared();
    // The head may use each of these calls but those of counter, desk and police; who may not hears that first.
    let worker = demo.head(3);
    let (counter, desk) = (demo.role("community_cadre"), demo.role("resident_desk"));
    let police = demo.role("community_police");
    let aim = Aim { record: demo.sample_record(), grid: worker.grid(), actor: &worker.id };
    let mut replies = Vec::new();
    for route in guarded().filter(|route| route.purpose) {
        let mut request = plausible(route, &aim);
        request.purpose = None;
        let caller = match route.path {
            "/v1/counter-checks" => &counter,
            "/v1/admin/official-requests" => &police,
            path if path.starts_with("/v1/subjects") => &desk,
            path if path.starts_with("/v1/erasures") || path.starts_with("/v1/restraints") => &desk,
            _ => &worker,
        };
        replies.push(request.by(caller).send().refused(400, "purpose_missing"));
    }
    assert_eq!(replies.len(), 29);
    for reply in replies {
        assert_eq!(reply.body["law"], "PIPL 6");
        assert_eq!(demo.entry_of(&reply)["why"], "purpose_missing");
    }
}

#[test]
fn purpose_that_does_not_exist_is_unknown_and_is_not_repeated() {
    let demo = shared();
    let worker = demo.worker(1);
    for purpose in ["维稳", "grid_management", "RESIDENCE_REGISTRATION", "", " ", "a,b"] {
        // As bytes: one of them is no text that a client of HTTP would take.
        let request = format!(
            "GET /v1/records/{}?fields=name HTTP/1.1\r\nhost: vault\r\nauthorization: Bearer {}\r\n\
             purpose: {purpose}\r\nconnection: close\r\n\r\n",
            demo.sample_record(),
            worker.token
        );
        let reply = send_from(Ipv4Addr::LOCALHOST, demo.url(), request.as_bytes());
        let reply = reply.refused(400, "purpose_unknown");
        let entry = demo.entry_of(&reply);
        assert_eq!(happened(&entry), "access.denied denied");
        assert!(entry["pur"].is_null(), "what a client wrote is in no entry");
    }
    let call = worker.call("GET", &format!("/v1/records/{}?fields=name", demo.sample_record()));
    let twice = call.purpose(REGISTRATION).purpose(REGISTRATION).send();
    twice.refused(400, "purpose_unknown");
}

#[test]
fn field_that_the_purpose_does_not_list_is_neither_stored_nor_read() {
    let demo = shared();
    let worker = demo.worker(1);
    let mut body = contact(worker.grid(), &fresh_phone());
    body["fields"]["residence_kind"] = json!("floating");
    let reply = worker.create(&body).refused(400, "purpose_not_for_field");
    assert_eq!(reply.pointers(), ["residence_kind: -"]);
    let body = record("person", worker.grid(), SAFETY, adult_fields());
    worker.create(&body).refused(400, "purpose_not_for_field");

    let reply = worker.read(demo.sample_record(), "name,income,school", REGISTRATION);
    let reply = reply.refused(400, "purpose_not_for_field");
    assert_eq!(reply.pointers(), ["income: -", "school: -"]);
    worker.read(demo.sample_record(), "name", SAFETY).refused(400, "purpose_not_for_field");
    worker.read(demo.sample_record(), "name,nonsense", REGISTRATION).refused(400, "field_unknown");
}

#[test]
fn purpose_that_names_no_role_of_the_grid_gives_it_nothing() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    worker.read(demo.sample_record(), "name", "rights_request").refused(403, "denied");
    head.read(demo.sample_record(), "name", "elder_benefit").refused(403, "denied");
    // In the open task alone: said as the condition that it is.
    for purpose in ["elder_benefit", "child_protection", "emergency_evacuation"] {
        worker.read(demo.sample_record(), "name", purpose).refused(403, "case_required");
    }
}

#[test]
fn contact_without_its_consent_is_not_stored() {
    let demo = shared();
    let worker = demo.worker(1);
    let with_consent = |consent: Value| {
        let mut body = contact(worker.grid(), &fresh_phone());
        body["basis"]["consent"] = consent;
        worker.create(&body)
    };
    let reply = with_consent(Value::Null).refused(400, "basis_missing");
    assert_eq!(reply.body["law"], "PIPL 13");
    let dated = |day: String| json!({"by": "self", "method": "oral", "given_on": day});
    with_consent(dated(today().saturating_add(2.days()).to_string())).refused(400, "basis_missing");
    with_consent(dated("2024-12-31".into())).refused(400, "basis_missing");
    with_consent(dated("2025-02-30".into())).refused(400, "schema_invalid");
    with_consent(json!({"by": "neighbour", "method": "oral", "given_on": "2025-06-01"}))
        .refused(400, "schema_invalid");
    with_consent(json!({"by": "self"})).refused(400, "schema_invalid");
    with_consent(consent("self")).expect(201);
}

#[test]
fn basis_that_is_none_of_the_purpose_is_refused() {
    let demo = shared();
    let worker = demo.worker(1);
    let with_basis = |member: &str, value: &str| {
        let mut body = adult(worker.grid());
        body["basis"][member] = json!(value);
        worker.call("POST", "/v1/records").purpose(REGISTRATION).json(&body).send()
    };
    with_basis("legal_basis", "household_contact_consent").refused(400, "basis_missing");
    with_basis("legal_basis", "because").refused(400, "basis_missing");
    with_basis("notice", "household_contact_notice_1").refused(400, "basis_missing");
    with_basis("notice", "residence_registration_notice_2").refused(400, "basis_missing");
    with_basis("purpose", CONTACT).refused(400, "schema_invalid");
    with_basis("purpose", "nonsense").refused(400, "schema_invalid");
    let mut body = adult(worker.grid());
    body.as_object_mut().expect("an object").remove("basis");
    let call = worker.call("POST", "/v1/records").purpose(REGISTRATION).json(&body);
    call.send().refused(400, "basis_missing");
}

#[test]
fn sensitive_field_is_not_collected_on_plain_consent() {
    let demo = shared();
    let worker = demo.worker(1);
    let fields = json!({"name": "闻思远", "assistance_tag": ["home_visit"]});
    let body = |legal_basis: &str| {
        let mut body = record("person", worker.grid(), CONTACT, fields.clone());
        body["basis"]["purpose"] = json!("elder_visit");
        body["basis"]["legal_basis"] = json!(legal_basis);
        body["basis"]["notice"] = json!("elder_visit_notice_1");
        body
    };
    // A worker visits for this purpose and does not collect for it.
    for legal_basis in ["elder_visit_consent", "elder_visit_separate_consent"] {
        let reply = worker.create(&body(legal_basis));
        assert!([400, 403].contains(&reply.status), "{}", reply.text);
    }
    let mut body = record(
        "person",
        worker.grid(),
        CONTACT,
        json!({
            "name": "闻思远", "phone": fresh_phone(), "mobility_need": ["wheelchair_space"],
        }),
    );
    body["basis"]["purpose"] = json!("disability_transport");
    body["basis"]["legal_basis"] = json!("disability_transport_separate_consent");
    body["basis"]["notice"] = json!("disability_transport_notice_1");
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    worker.read(&id, "mobility_need", "disability_transport").refused(403, "denied");
    body["basis"].as_object_mut().expect("an object").remove("consent");
    worker.create(&body).refused(400, "basis_missing");
}

#[test]
fn for_a_child_the_guardian_consents() {
    let demo = shared();
    let worker = demo.worker(1);
    let born = super::bodies::born_years_ago(9);
    let of = |by: &str| {
        let fields = json!({"name": "闻思远", "birth_date": born, "guardian_name": "闻人杰"});
        let child = worker.create(&record("person", worker.grid(), REGISTRATION, fields));
        let child = child.expect(201);
        let mut contact = contact(worker.grid(), &fresh_phone());
        contact["subject"] = child.body["subject"].clone();
        contact["fields"]["guardian_name"] = json!("闻人杰");
        contact["basis"]["consent"] = consent(by);
        worker.create(&contact)
    };
    of("self").refused(400, "basis_missing");
    of("guardian").expect(201);
}

#[test]
fn purposes_and_forms_are_told_to_every_known_caller() {
    let demo = shared();
    for actor in [demo.worker(1), demo.role("city_platform"), demo.role("system_admin")] {
        let reply = actor.get("/v1/purposes").expect(200);
        let purposes = reply.body["purposes"].as_array().expect("a list");
        let ids: Vec<&str> = purposes.iter().filter_map(|one| one["id"].as_str()).collect();
        for purpose in [REGISTRATION, CONTACT, SAFETY, CORRECTION] {
            assert!(ids.contains(&purpose), "{purpose}");
        }
        assert_eq!(happened(&demo.entry_of(&reply)), "data.schema_read success");
        let schema = actor.get("/v1/schemas/person").expect(200);
        assert!(schema.text.contains("公民身份号码"));
        actor.get("/v1/schemas/task").refused(404, "not_found");
        actor.get("/v1/schemas/nonsense").refused(404, "not_found");
        let lists = actor.get("/v1/code-lists").expect(200);
        assert!(lists.body["code_lists"].as_array().is_some_and(|lists| lists.len() > 20));
    }
}

#[test]
fn a_correction_stores_no_record_and_adds_no_field_and_says_which() {
    let demo = shared();
    let worker = demo.worker(1);
    let mut body = adult(worker.grid());
    body["basis"] = json!({
        "purpose": CORRECTION, "legal_basis": "pipl_accuracy_duty",
        "notice": "record_correction_notice_1",
    });
    let refused = worker.create(&body).refused(400, "purpose_not_for_field");
    assert_eq!(refused.pointers(), ["basis.purpose: only_corrects"]);
    let id = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    let more = json!({"assistance_tag": ["home_visit"], "phone": fresh_phone()});
    let refused = worker.patch(&id, 1, CORRECTION, more).refused(400, "purpose_not_for_field");
    assert_eq!(refused.pointers(), ["assistance_tag: not_held"]);
    assert_eq!(happened(&demo.entry_of(&refused)), "access.denied denied");
    worker.patch(&id, 1, CORRECTION, json!({"phone": fresh_phone()})).expect(200);
}
