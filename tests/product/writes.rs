//! The whole life of a record of every type that grids collect: stored, read, changed, removed.
//! Never a write without its entry, and never one over a version that the caller did not see.
//! What the answer calls done is read again; what it refuses has left everything as it was.

use super::actor::Actor;
use super::bodies::{
    ADDRESS, CONTACT, CORRECTION, REGISTRATION, SAFETY, adult, adult_fields, basis, contact,
    fresh_credit_code, fresh_phone, place, record, today,
};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, shared};
use serde_json::{Value, json};

/// A record of a type, and a change that its purpose allows.
struct Life {
    body: Value,
    field: &'static str,
    value: Value,
}

fn lives(worker: &Actor) -> Vec<Life> {
    let grid = worker.grid();
    let person = worker.create(&adult(grid)).expect(201);
    let subject = person.text_of("subject");
    let dwelling = worker.create(&place(grid)).expect(201);
    let dwelling = dwelling.text_of("id");
    let life = |kind, purpose, fields, field, value| Life {
        body: record(kind, grid, purpose, fields),
        field,
        value,
    };
    let household = json!({
        "kind": "family", "size": 1, "head": subject, "members": [subject], "place": dwelling,
        "current_address": ADDRESS, "verified_at": "2026-01-15", "source": "seen_on_site",
    });
    let residence = json!({
        "person": subject, "place": dwelling, "occupancy_kind": "rented",
        "move_in_date": "2024-02-01",
    });
    let dwelling = json!({
        "address": format!("{ADDRESS}西侧"), "kind": "shop", "hazard": ["wiring", "gas"],
        "hazard_note": "线路老化", "hazard_deadline": "2027-01-31", "rental_state": "let_whole",
        "occupant_count": 3, "owner_name": "司马青", "owner_phone": fresh_phone(),
    });
    let object = json!({
        "kind": "hydrant", "title": "消火栓", "asset_number": "A-17", "address": ADDRESS,
        "state": "in_order", "inspected_on": "2026-02-03", "note": "出水正常",
    });
    let unit = json!({
        "name": "青榆小吃店", "kind": "sole_trader", "credit_code": fresh_credit_code(),
        "staff_count": 4, "state": "active", "representative_name": "上官婉",
        "representative_phone": fresh_phone(),
    });
    let event = json!({
        "kind": "fire_hazard", "matter": "车棚内拉线充电", "severity": "larger", "state": "accept",
        "channel": "patrol", "found_at": "2026-03-04T05:06:07Z", "handling_note": "已当面告知",
        "responsible_name": "钟离越", "responsible_phone": fresh_phone(),
    });
    let mut lives = vec![
        life("person", REGISTRATION, adult_fields(), "residence_kind", json!("floating")),
        life("household", REGISTRATION, household, "size", json!(2)),
        life("residence", REGISTRATION, residence, "move_out_date", json!(today().to_string())),
        life("place", SAFETY, dwelling, "occupant_count", json!(4)),
        life("object", SAFETY, object, "state", json!("damaged")),
        life("organisation", SAFETY, unit, "staff_count", json!(5)),
        life("event", SAFETY, event, "state", json!("handle")),
    ];
    lives[2].body["subject"] = json!(subject);
    lives
}

/// Fields that registration and safety show a worker: all but the citizen number.
fn shown(body: &Value) -> Value {
    let mut fields = body["fields"].clone();
    fields.as_object_mut().expect("an object").remove("id_number");
    fields
}

fn names(fields: &Value) -> String {
    fields.as_object().expect("an object").keys().cloned().collect::<Vec<_>>().join(",")
}

fn purpose_of(body: &Value) -> &str {
    body["basis"]["purpose"].as_str().expect("a purpose")
}

/// What every write's entry says beside its event.
fn assert_written(demo: &Demo, reply: &Reply, by: &Actor, body: &Value, event: &str, ver: Value) {
    let entry = demo.entry_of(reply);
    assert_eq!(happened(&entry), format!("data.{event} success"));
    assert_eq!(entry["who"], json!(by.id));
    assert_eq!(entry["role"], json!(by.role));
    assert_eq!(entry["scope"], json!(by.grid()));
    assert_eq!(entry["grid"], json!(by.grid()));
    assert_eq!(entry["typ"], body["type"]);
    assert_eq!(entry["pur"], body["basis"]["purpose"]);
    assert_eq!(entry["basis"], body["basis"]["legal_basis"]);
    assert_eq!(entry["ver"], ver);
    assert_eq!(entry["rec"].as_array().map(Vec::len), Some(1));
    let rule = entry["rule"].as_str().expect("a rule");
    assert!(rule.starts_with(&format!("{}/", by.role)), "{rule}");
    let policy = demo.entry(entry["pol"].as_u64().expect("a policy"));
    assert_eq!(happened(&policy), "policy.activated success");
}

#[test]
fn record_of_every_type_is_stored_read_changed_and_removed() {
    let demo = shared();
    let (worker, head) = (demo.worker(1), demo.head(1));
    let neighbour = demo.worker(2);
    let mut written = Vec::new();
    for Life { body, field, value } in lives(&worker) {
        let purpose = purpose_of(&body);
        let created = worker.create(&body).expect(201);
        assert_eq!((created.header("etag"), &created.body["version"]), ("\"1\"", &json!(1)));
        let id = created.text_of("id");

        let stored = shown(&body);
        let read = worker.read(id, &names(&stored), purpose).expect(200);
        assert_eq!(read.body["fields"], stored, "{}", body["type"]);
        assert_eq!((read.header("etag"), &read.body["type"]), ("\"1\"", &body["type"]));
        neighbour.read(id, &names(&stored), purpose).refused(404, "not_found");

        let patched = worker.patch(id, 1, purpose, json!({field: value.clone()})).expect(200);
        assert_eq!((patched.header("etag"), &patched.body["version"]), ("\"2\"", &json!(2)));
        let mut changed = stored.clone();
        changed[field] = value;
        let read = worker.read(id, &names(&changed), purpose).expect(200);
        assert_eq!((&read.body["fields"], read.header("etag")), (&changed, "\"2\""));

        worker.delete(id, 2, purpose).refused(403, "denied");
        let deleted = head.delete(id, 2, purpose).expect(200);
        worker.read(id, field, purpose).refused(410, "erased");
        worker.patch(id, 2, purpose, json!({field: null})).refused(410, "erased");
        head.delete(id, 2, purpose).refused(410, "erased");
        neighbour.read(id, field, purpose).refused(404, "not_found");
        written.push((body, field, [created, patched, deleted]));
    }
    for (body, field, [created, patched, deleted]) in written {
        assert_written(demo, &created, &worker, &body, "create", json!([0, 1]));
        assert_written(demo, &patched, &worker, &body, "update", json!([1, 2]));
        assert_eq!(demo.entry_of(&patched)["fld"], json!([field]));
        assert_written(demo, &deleted, &head, &body, "delete", json!([2, 3]));
    }
}

#[test]
fn subject_is_named_for_records_about_a_person_alone() {
    let demo = shared();
    let worker = demo.worker(1);
    for Life { body, .. } in lives(&worker) {
        let reply = worker.create(&body).expect(201);
        let personal = ["person", "residence"].contains(&body["type"].as_str().expect("a type"));
        assert_eq!(!reply.body["subject"].is_null(), personal, "{}", body["type"]);
        if body["type"] == "residence" {
            assert_eq!(reply.body["subject"], body["subject"]);
        }
    }
}

#[test]
fn change_needs_the_version_that_the_caller_saw_in_one_form() {
    let demo = shared();
    let worker = demo.worker(1);
    let created = worker.create(&adult(worker.grid())).expect(201);
    let path = format!("/v1/records/{}", created.text_of("id"));
    let patch = |tags: &[&str]| {
        let call = worker.call("PATCH", &path).purpose(REGISTRATION);
        let call = tags.iter().fold(call, |call, tag| call.header("if-match", tag));
        call.json(&json!({"fields": {"residence_kind": "floating"}})).send()
    };
    let missing = patch(&[]).refused(428, "version_conflict");
    assert_eq!(missing.body["retryable"], false);
    for weak in ["W/\"1\"", "W/\"2\"", "W/1"] {
        patch(&[weak]).refused(412, "version_conflict");
    }
    for stale in ["\"2\"", "\"9\"", "\"18446744073709551615\""] {
        patch(&[stale]).refused(412, "version_conflict");
    }
    for malformed in
        ["1", "*", "\"\"", "\"01\"", "\"+1\"", "\"a\"", "\"1\", \"2\"", "\"18446744073709551616\""]
    {
        patch(&[malformed]).refused(400, "schema_invalid");
    }
    patch(&["\"1\"", "\"1\""]).refused(400, "schema_invalid");
    patch(&["\"1\""]).expect(200);
    patch(&["\"1\""]).refused(412, "version_conflict");
    let read = worker.read(created.text_of("id"), "residence_kind", REGISTRATION).expect(200);
    assert_eq!((&read.body["version"], read.header("etag")), (&json!(2), "\"2\""));
}

#[test]
fn of_two_changes_at_once_one_is_taken() {
    let demo = shared();
    let worker = demo.worker(1);
    let created = worker.create(&adult(worker.grid())).expect(201);
    let id = created.text_of("id");
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let change = |kind| worker.patch(id, 1, REGISTRATION, json!({"residence_kind": kind}));
        let threads = ["floating", "from_abroad", "registered_elsewhere_in_city"]
            .map(|kind| scope.spawn(move || (kind, change(kind))));
        threads.map(|thread| thread.join().expect("no panic").1).into()
    });
    let taken = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(taken, 1);
    for reply in replies.into_iter().filter(|reply| reply.status != 200) {
        reply.refused(412, "version_conflict");
    }
    let read = worker.read(id, "residence_kind", REGISTRATION).expect(200);
    assert_eq!(read.body["version"], 2);
}

#[test]
fn null_takes_a_value_away_and_a_required_one_stays() {
    let demo = shared();
    let worker = demo.worker(1);
    let created = worker.create(&adult(worker.grid())).expect(201);
    let id = created.text_of("id");
    worker.patch(id, 1, REGISTRATION, json!({"phone": null, "sex": "1"})).expect(200);
    let read = worker.read(id, "phone,sex,name", REGISTRATION).expect(200);
    assert_eq!(read.body["fields"], json!({"phone": null, "sex": "1", "name": "欧阳若兰"}));
    let reply = worker.patch(id, 2, REGISTRATION, json!({"name": null}));
    assert_eq!(reply.refused(400, "schema_invalid").pointers(), ["name: missing"]);
    let reply = worker.patch(id, 2, REGISTRATION, json!({"phone": "123"}));
    assert_eq!(reply.refused(400, "schema_invalid").pointers(), ["phone: short_number"]);
    worker.patch(id, 2, REGISTRATION, json!({"hazard": ["gas"]})).refused(400, "field_unknown");
    worker.patch(id, 2, REGISTRATION, json!({"school": "x"})).refused(400, "purpose_not_for_field");
    assert_eq!(worker.read(id, "name", REGISTRATION).expect(200).body["version"], 2);
}

#[test]
fn change_for_another_purpose_brings_its_own_basis() {
    let demo = shared();
    let worker = demo.worker(1);
    let created = worker.create(&adult(worker.grid())).expect(201);
    let path = format!("/v1/records/{}", created.text_of("id"));
    let id = created.text_of("id");
    let fields = json!({"contact_hours": ["evening"]});
    worker.patch(id, 1, CONTACT, fields.clone()).refused(400, "basis_missing");
    let with = |basis: Value| {
        let body = json!({"fields": fields.clone(), "basis": basis});
        worker.call("PATCH", &path).purpose(CONTACT).version(1).json(&body).send()
    };
    with(basis(REGISTRATION)).refused(400, "schema_invalid");
    with(basis(CONTACT)).expect(200);
    let read = worker.read(id, "contact_hours", CONTACT).expect(200);
    assert_eq!(read.body["fields"], fields);
    worker.read(id, "contact_hours", REGISTRATION).refused(400, "purpose_not_for_field");
}

#[test]
fn correction_takes_a_merge_patch_by_its_own_media_type() {
    let demo = shared();
    let worker = demo.worker(1);
    let created = worker.create(&contact(worker.grid(), &fresh_phone())).expect(201);
    let path = format!("/v1/records/{}", created.text_of("id"));
    let body = json!({"fields": {"name": "闻思齐"}}).to_string();
    let patch = |media: &str, version| {
        let call = worker.call("PATCH", &path).purpose(CORRECTION).version(version);
        call.bytes(media, body.as_bytes()).send()
    };
    patch("application/merge-patch+json", 1).expect(200);
    patch("application/json; charset=utf-8", 2).expect(200);
    patch("application/json-patch+json", 3).refused(415, "media_type_unsupported");
    let stored = worker.call("POST", "/v1/records").purpose(REGISTRATION);
    let body = adult(worker.grid()).to_string();
    stored
        .bytes("application/merge-patch+json", body.as_bytes())
        .send()
        .refused(415, "media_type_unsupported");
}

#[test]
fn record_may_end_earlier_than_its_purpose_and_never_later() {
    let demo = shared();
    let worker = demo.worker(1);
    let until = |day: String| {
        let mut body = adult(worker.grid());
        body["retain_until"] = json!(day);
        worker.create(&body)
    };
    let today = today();
    let in_years = |years: i16| format!("{}-01-31", today.year() + years);
    until(in_years(2)).expect(201);
    for wrong in [in_years(6), in_years(-1), "2027-02-30".into(), "soon".into(), String::new()] {
        until(wrong).refused(400, "schema_invalid");
    }
}

#[test]
fn file_of_a_mediation_is_not_for_grid_roles() {
    let demo = shared();
    let grid = demo.worker(1).grid().to_owned();
    let body = json!({
        "type": "mediation_file", "grid": grid, "fields": {"opened_on": "2026-01-05"},
        "basis": {
            "purpose": "dispute_mediation", "legal_basis": "mediation_request",
            "notice": "dispute_mediation_notice_1",
        },
    });
    for actor in [demo.worker(1), demo.head(1), demo.role("street_operator")] {
        actor.create(&body).refused(403, "denied");
    }
}
