//! Reading one record: who sees what of it, and what everyone else is told.
//! Never compares with a text that was typed twice: the source is the body that was stored.
//! The sample person and a worker's own new records stand for all others.

use super::bodies::{
    CONTACT, CORRECTION, REGISTRATION, adult, adult_fields, child, contact, fresh_phone, record,
    today, unknown_id,
};
use super::entries::{happened, members};
use super::harness::shared;
use gridvault::records::{RecordType, SchemaSet, Value as Parsed, mask};
use serde_json::{Value, json};

/// Every field that registration lists for a person.
pub const ALL_FIELDS: &str = "name,sex,birth_date,id_number,phone,current_address,residence_kind,\
    move_in_date,household_relation,verified_at,source,told_by";

/// The masked form of a value of a person, by the library itself.
fn masked(field: &str, value: &Value) -> Value {
    let schemas = SchemaSet::built_in().expect("the shipped schemas load");
    let schema = schemas.get(RecordType::Person).expect("a person has a schema");
    let field = schema.field(field).expect("a field of a person");
    let value = Parsed::parse(field, value.clone(), today()).expect("a value that was stored");
    mask(field, &value)
}

#[test]
fn sample_worker_reads_the_sample_person_in_clear() {
    let demo = shared();
    let worker = demo.worker(1);
    let reply = worker.read(demo.sample_record(), "name,phone,current_address", REGISTRATION);
    let reply = reply.expect(200);
    assert_eq!(reply.body["fields"]["name"], "周明远");
    assert_eq!(reply.body["fields"]["phone"], "12900001001");
    assert_eq!(reply.body["masked"], json!([]));
    assert_eq!(reply.body["withheld"], json!([]));
    assert_eq!(reply.body["grid"], worker.grid());
    assert_eq!(reply.body["type"], "person");
    assert_eq!(reply.body["id"], demo.sample_record());
}

#[test]
fn worker_and_head_read_every_general_field_as_it_was_stored() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = adult(worker.grid());
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    for reader in [worker, demo.head(1)] {
        let reply = reader.read(&id, ALL_FIELDS, REGISTRATION).expect(200);
        let mut stored = body["fields"].clone();
        stored.as_object_mut().expect("an object").remove("id_number");
        assert_eq!(reply.body["fields"], stored, "{}", reader.role);
        assert_eq!(reply.body["withheld"], json!(["id_number"]));
        assert_eq!(reply.body["withheld_because"], json!({"id_number": "denied"}));
    }
}

#[test]
fn street_operator_gets_every_general_field_masked_from_its_source() {
    let demo = shared();
    let worker = demo.worker(2);
    let body = adult(worker.grid());
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    let reply = demo.role("street_operator").read(&id, ALL_FIELDS, REGISTRATION).expect(200);
    let shown = reply.body["fields"].as_object().expect("an object");
    assert_eq!(shown.len(), ALL_FIELDS.split(',').count() - 1);
    for (field, value) in shown {
        assert_eq!(*value, masked(field, &body["fields"][field]), "{field}");
        assert_ne!(*value, body["fields"][field], "{field} is in clear");
    }
    let named = reply.body["masked"].as_array().expect("a list");
    assert_eq!(named.len(), shown.len(), "every field is named as masked");
    assert_eq!(reply.body["withheld"], json!(["id_number"]));
    assert_eq!(shown["name"], "欧阳**");
    let entry = demo.entry_of(&reply);
    let views = entry["view"].as_array().expect("a list");
    assert_eq!(views.len(), shown.len());
    assert!(views.iter().all(|view| view == "masked"));
}

#[test]
fn field_that_holds_nothing_is_null_and_is_not_called_masked() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = record("person", worker.grid(), REGISTRATION, json!({"name": "吴志坚"}));
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    let reply = demo.role("street_operator").read(&id, "name,phone", REGISTRATION).expect(200);
    assert_eq!(reply.body["fields"], json!({"name": "吴**", "phone": null}));
    assert_eq!(reply.body["masked"], json!(["name"]));
}

#[test]
fn citizen_number_alone_is_refused_to_the_worker_and_asks_for_a_case_in_a_correction() {
    let demo = shared();
    let worker = demo.worker(1);
    let id = demo.sample_record();
    worker.read(id, "id_number", REGISTRATION).refused(403, "denied");
    worker.read(id, "id_number", CORRECTION).refused(403, "case_required");
    let reply = worker.read(id, "name,id_number", CORRECTION).expect(200);
    assert_eq!(reply.body["withheld_because"], json!({"id_number": "case_required"}));
    demo.role("street_operator").read(id, "id_number", REGISTRATION).refused(403, "denied");
}

#[test]
fn every_field_of_a_child_answers_case_required() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = child(worker.grid());
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    for field in ["name", "sex", "birth_date", "current_address", "household_relation", "told_by"] {
        let reply = worker.read(&id, field, REGISTRATION).refused(403, "case_required");
        assert_eq!(reply.pointers(), [format!("{field}: -")]);
    }
    worker.read(&id, ALL_FIELDS, REGISTRATION).refused(403, "case_required");
    demo.role("street_operator").read(&id, "name", REGISTRATION).refused(403, "denied");
}

#[test]
fn child_is_a_child_by_its_citizen_number_too() {
    let demo = shared();
    let worker = demo.worker(1);
    let mut body = child(worker.grid());
    body["fields"].as_object_mut().expect("an object").remove("birth_date");
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    worker.read(&id, "name", REGISTRATION).refused(403, "case_required");
}

#[test]
fn neighbour_learns_no_more_of_a_record_than_of_one_that_does_not_exist() {
    let demo = shared();
    let neighbour = demo.worker(2);
    let there = neighbour.read(demo.sample_record(), "name,phone", REGISTRATION);
    let there = there.refused(404, "not_found");
    let missing = neighbour.read(&unknown_id(), "name,phone", REGISTRATION);
    let missing = missing.refused(404, "not_found");
    let no_id = neighbour.read("none", "name,phone", REGISTRATION).refused(404, "not_found");
    assert_eq!(there.without_ids(), missing.without_ids());
    assert_eq!(there.without_ids(), no_id.without_ids());
    let headers = |reply: &super::client::Reply| -> Vec<(String, String)> {
        let changing = ["request-id", "date", "content-length"];
        let stable = reply.headers.iter().filter(|(name, _)| !changing.contains(&name.as_str()));
        stable.cloned().collect()
    };
    assert_eq!(headers(&there), headers(&missing));
    let (first, second) = (demo.entry_of(&there), demo.entry_of(&missing));
    assert_eq!(members(&first), members(&second));
    for entry in [&first, &second] {
        assert_eq!(happened(entry), "access.denied denied");
        assert_eq!(entry["why"], "not_found");
        for member in ["rec", "sub", "grid", "typ", "fld", "rule"] {
            assert!(entry[member].is_null(), "{member} tells of the record");
        }
    }
}

#[test]
fn neighbour_is_told_nothing_else_whatever_else_is_wrong() {
    let demo = shared();
    let neighbour = demo.worker(2);
    for id in [demo.sample_record(), &unknown_id()] {
        for (fields, purpose) in [
            ("id_number", REGISTRATION),
            ("hazard", REGISTRATION),
            ("nonsense", REGISTRATION),
            ("name", CONTACT),
            ("name", "elder_visit"),
        ] {
            neighbour.read(id, fields, purpose).refused(404, "not_found");
        }
        let patched = neighbour.patch(id, 9, REGISTRATION, json!({"nonsense": 1}));
        patched.refused(404, "not_found");
    }
    for id in [demo.sample_record(), &unknown_id()] {
        demo.head(2).delete(id, 9, REGISTRATION).refused(404, "not_found");
    }
}

#[test]
fn exclusive_unit_is_read_by_its_host_grid_alone() {
    let demo = shared();
    let grid = "8801020010011003";
    let worker = demo.worker(1);
    let body = record("person", grid, REGISTRATION, adult_fields());
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    let reply = worker.read(&id, "name", REGISTRATION).expect(200);
    assert_eq!(reply.body["grid"], grid);
    for other in 2..=5 {
        demo.worker(other).read(&id, "name", REGISTRATION).refused(404, "not_found");
    }
}

#[test]
fn consent_opens_nothing_that_was_given_for_another_purpose() {
    let demo = shared();
    let worker = demo.worker(1);
    worker.read(demo.sample_record(), "name", CONTACT).refused(400, "basis_missing");
    let body = contact(worker.grid(), &fresh_phone());
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    worker.read(&id, "name,phone,contact_hours", CONTACT).expect(200);
    // A duty brings its own basis.
    worker.read(&id, "name", REGISTRATION).expect(200);
}

#[test]
fn list_of_fields_is_needed_and_has_one_form() {
    let demo = shared();
    let worker = demo.worker(1);
    let path = format!("/v1/records/{}", demo.sample_record());
    let many: Vec<String> = (0..65).map(|number| format!("f{number}")).collect();
    for query in [
        String::new(),
        "?fields=".into(),
        "?fields=name,name".into(),
        "?fields=name,".into(),
        "?fields=Name".into(),
        "?fields=%6eame".into(),
        "?fields=name&fields=phone".into(),
        "?fields=name&all=1".into(),
        "?all".into(),
        format!("?fields={}", many.join(",")),
        format!("?fields={}", "a".repeat(2_400)),
    ] {
        let reply = worker.call("GET", &format!("{path}{query}")).purpose(REGISTRATION).send();
        reply.refused(400, "schema_invalid");
    }
    worker
        .read(demo.sample_record(), &many[..64].join(","), REGISTRATION)
        .refused(400, "field_unknown");
}
