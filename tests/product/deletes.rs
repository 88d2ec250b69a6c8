//! What is left when a record is gone: a tombstone for who may know, nothing for anybody else.
//! Never takes the subject's other records with it.
//! Whoever removes says why; the reason is kept sealed.

use super::bodies::{
    CONTACT, REGISTRATION, SAFETY, adult, basis, child, contact, fresh_phone, place, record,
};
use super::entries::happened;
use super::harness::shared;
use serde_json::{Value, json};

#[test]
fn removed_record_is_gone_for_who_may_know_and_unknown_to_the_neighbour() {
    let demo = shared();
    let worker = demo.worker(1);
    let created = worker.create(&adult(worker.grid())).expect(201);
    let id = created.text_of("id");
    demo.head(1).delete(id, 1, REGISTRATION).expect(200);
    for knows in [worker, demo.head(1), demo.role("street_operator")] {
        let reply = knows.read(id, "name", REGISTRATION).refused(410, "erased");
        let entry = demo.entry_of(&reply);
        assert_eq!(
            (happened(&entry).as_str(), &entry["why"]),
            ("access.denied denied", &json!("erased"),)
        );
    }
    for neighbour in [demo.worker(2), demo.head(2)] {
        neighbour.read(id, "name", REGISTRATION).refused(404, "not_found");
    }
    demo.head(2).delete(id, 1, REGISTRATION).refused(404, "not_found");
    for blind in ["city_platform", "compliance_auditor", "security_admin"] {
        demo.role(blind).read(id, "name", REGISTRATION).refused(403, "denied");
    }
}

#[test]
fn subjects_other_records_stay_and_it_can_be_recorded_again() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let grid = worker.grid();
    let person = worker.create(&adult(grid)).expect(201);
    let subject = person.text_of("subject");
    let dwelling = worker.create(&place(grid)).expect(201);
    let fields = json!({"person": subject, "place": dwelling.text_of("id")});
    let mut residence = record("residence", grid, REGISTRATION, fields.clone());
    residence["subject"] = json!(subject);
    let residence = worker.create(&residence).expect(201);

    head.delete(person.text_of("id"), 1, REGISTRATION).expect(200);
    let read = worker.read(residence.text_of("id"), "person,place", REGISTRATION).expect(200);
    assert_eq!(read.body["fields"], fields);

    let mut again = adult(grid);
    again["subject"] = json!(subject);
    let again = worker.create(&again).expect(201);
    assert_eq!(again.text_of("subject"), subject);
    assert_ne!(again.text_of("id"), person.text_of("id"));
    worker.read(again.text_of("id"), "name,phone", REGISTRATION).expect(200);
    worker.read(person.text_of("id"), "name", REGISTRATION).refused(410, "erased");
}

#[test]
fn subject_ends_with_its_last_record() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let person = worker.create(&adult(worker.grid())).expect(201);
    head.delete(person.text_of("id"), 1, REGISTRATION).expect(200);
    let mut again = adult(worker.grid());
    again["subject"] = person.body["subject"].clone();
    worker.create(&again).refused(404, "not_found");
}

#[test]
fn subject_of_another_grid_cannot_be_recorded_again() {
    let demo = shared();
    let person = demo.worker(2).create(&adult(demo.worker(2).grid())).expect(201);
    let worker = demo.worker(1);
    let mut body = adult(worker.grid());
    for subject in [person.text_of("subject"), person.text_of("id"), "nobody", ""] {
        body["subject"] = json!(subject);
        worker.create(&body).refused(404, "not_found");
    }
}

#[test]
fn removal_needs_version_reason_and_a_purpose_of_the_type() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let person = worker.create(&adult(worker.grid())).expect(201);
    let path = format!("/v1/records/{}", person.text_of("id"));
    let delete = |body: Value| {
        head.call("DELETE", &path).purpose(REGISTRATION).version(1).json(&body).send()
    };
    for wrong in [
        json!({}),
        json!({"reason": ""}),
        json!({"reason": "  "}),
        json!({"reason": "长".repeat(201)}),
        json!({"reason": 1}),
        json!({"reason": "x", "force": true}),
    ] {
        delete(wrong).refused(400, "schema_invalid");
    }
    let call = head.call("DELETE", &path).purpose(REGISTRATION).version(1);
    call.send().refused(415, "media_type_unsupported");
    let call = head.call("DELETE", &path).purpose(REGISTRATION);
    call.json(&json!({"reason": "x"})).send().refused(428, "version_conflict");
    head.delete(person.text_of("id"), 2, REGISTRATION).refused(412, "version_conflict");
    // The safety patrol has nothing to do with people.
    head.delete(person.text_of("id"), 1, SAFETY).refused(403, "denied");
    worker.read(person.text_of("id"), "name", REGISTRATION).expect(200);
    delete(json!({"reason": "长".repeat(200)})).expect(200);
}

#[test]
fn reason_of_a_removal_is_in_no_entry_in_clear() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let person = worker.create(&adult(worker.grid())).expect(201);
    let call = head.call("DELETE", &format!("/v1/records/{}", person.text_of("id")));
    let reason = "登记时与邻居混淆";
    let reply = call.purpose(REGISTRATION).version(1).json(&json!({"reason": reason})).send();
    let entry = demo.entry_of(&reply.expect(200));
    assert!(!entry.to_string().contains(reason));
    assert!(entry["ctx"].is_string(), "it is kept sealed");
}

#[test]
fn removed_value_is_held_no_more() {
    let demo = shared();
    let (worker, head) = (demo.worker(3), demo.head(3));
    let phone = fresh_phone();
    let person = worker.create(&contact(worker.grid(), &phone)).expect(201);
    let held = |expected: bool| {
        let reply = worker.matches("phone", &phone, CONTACT).expect(200);
        assert_eq!(reply.body["held"], expected);
    };
    held(true);
    let changed = fresh_phone();
    worker.patch(person.text_of("id"), 1, CONTACT, json!({"phone": changed})).expect(200);
    held(false);
    worker.patch(person.text_of("id"), 2, CONTACT, json!({"phone": phone})).expect(200);
    held(true);
    head.delete(person.text_of("id"), 3, CONTACT).expect(200);
    held(false);
}

#[test]
fn head_removes_a_childs_record() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let created = worker.create(&child(worker.grid())).expect(201);
    head.delete(created.text_of("id"), 1, REGISTRATION).expect(200);
    worker.read(created.text_of("id"), "name", REGISTRATION).refused(410, "erased");
}

#[test]
fn record_of_two_purposes_is_removed_whole() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let created = worker.create(&adult(worker.grid())).expect(201);
    let id = created.text_of("id");
    let body = json!({"fields": {"contact_hours": ["evening"]}, "basis": basis(CONTACT)});
    let call = worker.call("PATCH", &format!("/v1/records/{id}")).purpose(CONTACT).version(1);
    call.json(&body).send().expect(200);
    head.delete(id, 2, REGISTRATION).expect(200);
    worker.read(id, "contact_hours", CONTACT).refused(410, "erased");
}
