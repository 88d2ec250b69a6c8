//! Bodies that must not get in: wrong fields, wrong values, wrong JSON, wrong size, wrong grid.
//! Never stores a part of one, and never repeats a value: pointers name fields and reasons.
//! Limits are tried at the limit and one beyond it.

use super::actor::Actor;
use super::bodies::{
    REGISTRATION, SAFETY, adult, adult_fields, fresh_number, fresh_phone, place, record, today,
    with_wrong_check,
};
use super::client::Reply;
use super::harness::shared;
use gridvault::limits::{BODY_BYTES_MAX, BODY_DEPTH_MAX};
use jiff::ToSpan as _;
use serde_json::{Value, json};

/// Stores a grown-up with one field changed.
fn store_with(worker: &Actor, field: &str, value: Value) -> Reply {
    let mut body = adult(worker.grid());
    body["fields"][field] = value;
    worker.create(&body)
}

/// Sends bytes as a body of a creation.
fn send_bytes(worker: &Actor, bytes: &[u8]) -> Reply {
    worker.call("POST", "/v1/records").purpose(REGISTRATION).bytes("application/json", bytes).send()
}

#[test]
fn value_that_cannot_be_is_refused_with_its_field_and_reason() {
    let demo = shared();
    let worker = demo.worker(2);
    let number = fresh_number("1968-04-09");
    let tomorrow = today().saturating_add(2.days()).to_string();
    for (field, value, reason) in [
        ("name", json!(""), "empty"),
        ("name", json!("　 "), "empty"),
        ("name", json!(null), "missing"),
        ("name", json!(7), "wrong_type"),
        ("name", json!(["周"]), "wrong_type"),
        ("name", json!("长".repeat(61)), "too_long"),
        ("id_number", json!(with_wrong_check(&number)), "wrong_check_digit"),
        ("id_number", json!("88010219680409"), "wrong_length"),
        ("id_number", json!("880102680409123"), "fifteen_digit_number"),
        ("id_number", json!("88010219680431123X"), "impossible_date"),
        ("id_number", json!("8801021968040912AX"), "wrong_character"),
        ("phone", json!("110"), "short_number"),
        ("phone", json!("5551234"), "area_code_missing"),
        ("phone", json!("12345"), "short_number"),
        ("phone", json!("1290000100a"), "wrong_character"),
        ("birth_date", json!("1968-02-30"), "impossible_date"),
        ("birth_date", json!("1967-02-29"), "impossible_date"),
        ("birth_date", json!(tomorrow), "future_date"),
        ("birth_date", json!("1849-12-31"), "too_early"),
        ("birth_date", json!("1968/04/09"), "wrong_type"),
        ("sex", json!("3"), "unknown_code"),
        ("sex", json!(1), "wrong_type"),
        ("residence_kind", json!("nomad"), "unknown_code"),
    ] {
        let reply = store_with(&worker, field, value.clone());
        let reply = reply.refused(400, "schema_invalid");
        assert_eq!(reply.pointers(), [format!("{field}: {reason}")], "{value}");
        if let Some(text) = value.as_str().filter(|text| text.chars().count() > 3) {
            assert!(!reply.without_ids().to_string().contains(text), "the refusal repeats {text}");
        }
    }
    store_with(&worker, "name", json!("长".repeat(60))).expect(201);
    store_with(&worker, "birth_date", json!("1850-01-01")).expect(201);
}

#[test]
fn characters_that_nobody_sees_are_refused() {
    let demo = shared();
    let worker = demo.worker(2);
    for (name, reason) in [
        ("周\u{0}明", "control_character"),
        ("周\u{1b}[2J", "control_character"),
        ("周\n明", "control_character"),
        ("周\u{200b}明", "control_character"),
        ("\u{feff}周明", "control_character"),
        ("周\u{202e}明", "bidirectional_character"),
        ("周\u{2067}明", "bidirectional_character"),
        ("周\u{e000}", "unassigned_character"),
        ("周\u{10ffff}", "unassigned_character"),
    ] {
        let reply = store_with(&worker, "name", json!(name)).refused(400, "schema_invalid");
        assert_eq!(reply.pointers(), [format!("name: {reason}")], "{name:?}");
    }
    let reply = store_with(&worker, "current_address", json!("6号楼\u{200f}2单元"));
    assert_eq!(
        reply.refused(400, "schema_invalid").pointers(),
        ["current_address: bidirectional_character"]
    );
}

#[test]
fn field_that_no_schema_has_is_unknown_and_is_not_repeated() {
    let demo = shared();
    let worker = demo.worker(2);
    for field in ["religion", "ethnicity", "faith_label", "score", "key_person", "face"] {
        let reply = store_with(&worker, field, json!("x")).refused(400, "field_unknown");
        assert_eq!(reply.pointers(), ["?: unknown_field"]);
    }
    let reply = store_with(&worker, "周明远", json!("x")).refused(400, "field_unknown");
    assert_eq!(reply.pointers(), ["?: unknown_field"]);
    // With another fault beside it, every fault is named.
    let mut body = adult(worker.grid());
    body["fields"]["religion"] = json!("x");
    body["fields"]["phone"] = json!("1");
    let reply = worker.create(&body).refused(400, "schema_invalid");
    let mut pointers = reply.pointers();
    pointers.sort();
    assert_eq!(pointers, ["?: unknown_field", "phone: short_number"]);
}

#[test]
fn number_of_a_person_stays_out_of_texts_about_nobody() {
    let demo = shared();
    let worker = demo.worker(2);
    for note in [
        format!("电话{}", fresh_phone()),
        format!("户主{}", fresh_number("1971-03-05")),
        "卡号6222020200112233446".to_owned(),
    ] {
        let mut body = place(worker.grid());
        body["fields"]["hazard_note"] = json!(note);
        let reply = worker.create(&body);
        if note.starts_with('卡') && reply.status == 201 {
            panic!("a card number got into {note}");
        }
        assert_eq!(
            reply.refused(400, "schema_invalid").pointers(),
            ["hazard_note: personal_number"]
        );
    }
}

#[test]
fn body_of_another_shape_is_refused() {
    let demo = shared();
    let worker = demo.worker(2);
    let body = adult(worker.grid());
    let without = |member: &str| {
        let mut body = body.clone();
        body.as_object_mut().expect("an object").remove(member);
        body
    };
    let with = |member: &str, value: Value| {
        let mut body = body.clone();
        body[member] = value;
        body
    };
    let mut basis = body["basis"].clone();
    basis["approved_by"] = json!("me");
    for wrong in [
        without("type"),
        without("grid"),
        without("fields"),
        with("id", json!("01a20000-0000-7000-8000-000000000001")),
        with("version", json!(7)),
        with("actor", json!("me")),
        with("type", json!("nonsense")),
        with("type", json!("Person")),
        with("type", json!("task")),
        with("fields", json!([])),
        with("basis", basis),
        with("grid", json!(8_801_020_010_010_002_u64)),
    ] {
        let reply = worker.call("POST", "/v1/records").purpose(REGISTRATION).json(&wrong).send();
        reply.refused(400, "schema_invalid");
    }
    for wrong in [json!([body.clone()]), json!("x"), json!(null), json!(1)] {
        let reply = worker.call("POST", "/v1/records").purpose(REGISTRATION).json(&wrong).send();
        reply.refused(400, "schema_invalid");
    }
}

#[test]
fn json_that_two_parsers_could_read_differently_is_refused() {
    let demo = shared();
    let worker = demo.worker(2);
    let text = adult(worker.grid()).to_string();
    let twice = text.replacen("\"grid\"", "\"grid\":\"8801020010010001\",\"grid\"", 1);
    let escaped = text.replacen("\"grid\"", "\"\\u0067rid\":\"8801020010010001\",\"grid\"", 1);
    let inside = text.replacen("\"name\"", "\"name\":\"王丽\",\"name\"", 1);
    for wrong in [twice, escaped, inside] {
        send_bytes(&worker, wrong.as_bytes()).refused(400, "schema_invalid");
    }
    let mut invalid = text.clone().into_bytes();
    let place = text.find("欧阳").expect("the name");
    invalid[place] = 0xff;
    send_bytes(&worker, &invalid).refused(400, "schema_invalid");
    for wrong in [
        &b""[..],
        b"{",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b"{\"a\":NaN}",
        b"{\"a\":\"\\ud800\"}",
        b"{'a':1}",
        b"{\"a\":1,}",
        b"\x1f\x8b\x08\x00",
    ] {
        send_bytes(&worker, wrong).refused(400, "schema_invalid");
    }
    send_bytes(&worker, text.as_bytes()).expect(201);
}

#[test]
fn body_deeper_than_the_limit_is_refused_before_anything_is_made_of_it() {
    let demo = shared();
    let worker = demo.worker(2);
    let mut body = adult(worker.grid());
    body["fields"]["name"] = json!("the nested one");
    let body = body.to_string();
    // Body and fields are two of the depth.
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 2), "]".repeat(depth - 2));
        let nested = body.replace("\"the nested one\"", &format!("{open}{close}"));
        send_bytes(&worker, nested.as_bytes()).refused(400, "schema_invalid")
    };
    // What is taken apart is refused by its field; what is too deep was never taken apart.
    assert_eq!(deep(BODY_DEPTH_MAX).pointers().len(), 1);
    for depth in [BODY_DEPTH_MAX + 1, 60_000] {
        assert_eq!(deep(depth).pointers(), ["body: too_deep"], "{depth}");
    }
}

#[test]
fn body_at_the_limit_is_read_and_one_byte_more_is_too_large() {
    let demo = shared();
    let worker = demo.worker(2);
    let padded = |length: usize| {
        let mut text = adult(worker.grid()).to_string().into_bytes();
        text.resize(length, b' ');
        text
    };
    send_bytes(&worker, &padded(BODY_BYTES_MAX)).expect(201);
    let reply = send_bytes(&worker, &padded(BODY_BYTES_MAX + 1)).refused(413, "too_large");
    assert_eq!(demo.entry_of(&reply)["why"], "too_large");
}

#[test]
fn body_of_another_media_type_is_not_read() {
    let demo = shared();
    let worker = demo.worker(2);
    let body = adult(worker.grid()).to_string();
    let send = |media: &str| {
        let call = worker.call("POST", "/v1/records").purpose(REGISTRATION);
        call.bytes(media, body.as_bytes())
    };
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/json-seq",
        "",
    ] {
        send(media).send().refused(415, "media_type_unsupported");
    }
    let packed = send("application/json").header("content-encoding", "gzip");
    packed.send().refused(415, "media_type_unsupported");
    let none = worker.call("POST", "/v1/records").purpose(REGISTRATION).send();
    none.refused(415, "media_type_unsupported");
    send("Application/JSON; charset=utf-8").send().expect(201);
}

#[test]
fn grid_of_another_or_of_nobody_is_out_of_territory() {
    let demo = shared();
    let worker = demo.worker(2);
    for grid in [
        "8801020010010001",
        "8801020010010009",
        "8801020010011003",
        "8802020010010001",
        "880102001001",
        "88010200100100020",
        "x",
        "",
    ] {
        let body = record("person", grid, REGISTRATION, adult_fields());
        worker.create(&body).refused(403, "out_of_territory");
    }
    // Other systems know the same grid by a code of 15 digits.
    let body = record("person", "880102001001002", REGISTRATION, adult_fields());
    let id = worker.create(&body).expect(201).text_of("id").to_owned();
    let read = worker.read(&id, "name", REGISTRATION).expect(200);
    assert_eq!(read.body["grid"], worker.grid());
}

#[test]
fn reference_to_something_else_than_an_id_is_refused() {
    let demo = shared();
    let worker = demo.worker(2);
    for (kind, field, value) in [
        ("household", "head", json!("周明远")),
        ("household", "members", json!(["01a20000-0000-7000-8000-000000000001", "x"])),
        ("household", "place", json!(7)),
    ] {
        let fields = json!({"kind": "family", field: value});
        let reply = worker.create(&record(kind, worker.grid(), REGISTRATION, fields));
        let reply = reply.refused(400, "schema_invalid");
        assert!(reply.pointers()[0].starts_with(&format!("{field}: ")), "{:?}", reply.pointers());
    }
    let twice = "01a20000-0000-7000-8000-000000000001";
    let fields = json!({"kind": "family", "members": [twice, twice]});
    let reply = worker.create(&record("household", worker.grid(), REGISTRATION, fields));
    assert_eq!(reply.refused(400, "schema_invalid").pointers(), ["members: repeated"]);
}

#[test]
fn refused_write_is_recorded_with_its_reason_and_stores_nothing() {
    let demo = shared();
    let worker = demo.worker(4);
    let phone = fresh_phone();
    let mut body = adult(worker.grid());
    body["fields"]["phone"] = json!(phone);
    body["fields"]["sex"] = json!("7");
    let reply = worker.create(&body).refused(400, "schema_invalid");
    let entry = demo.entry_of(&reply);
    assert_eq!((&entry["ev"], &entry["out"]), (&json!("access"), &json!("denied")));
    assert_eq!((&entry["who"], &entry["why"]), (&json!(worker.id), &json!("schema_invalid")));
    let held = worker.matches("phone", &phone, REGISTRATION).expect(200);
    assert_eq!(held.body["held"], false);
    let mut body = place(worker.grid());
    body["basis"]["notice"] = json!("none");
    let call = worker.call("POST", "/v1/records").purpose(SAFETY).json(&body);
    call.send().refused(400, "basis_missing");
}

#[test]
fn who_may_not_seal_or_raise_hears_that_before_the_body_is_looked_at() {
    let demo = shared();
    for (role, path) in [
        ("grid_worker", "/v1/admin/seal"),
        ("security_admin", "/v1/admin/seal"),
        ("city_platform", "/v1/approvals/limit"),
        ("compliance_auditor", "/v1/approvals/limit"),
    ] {
        let actor = if role == "grid_worker" { demo.worker(1) } else { demo.role(role) };
        for body in ["", "{", "[]", r#"{"vault":1}"#, r#"{"kind":"rank"}"#] {
            let call = actor.call("POST", path).bytes("application/json", body.as_bytes());
            let reply = call.send().refused(403, "denied");
            let entry = demo.entry(reply.index());
            assert_eq!(
                (&entry["why"], &entry["who"]),
                (&json!("denied"), &json!(actor.id)),
                "{path}"
            );
        }
    }
}
