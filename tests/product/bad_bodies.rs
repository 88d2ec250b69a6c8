//! Bodies that must not get in: numbers beyond range, words that only look right, members that are not the caller's to say.
//! Never a part of one is stored; every table ends with the record as it was and the log without a write.
//! What is wrong with a single value of a field, with JSON itself and with its size is in `refusals`.

use super::bad_input::{Untouched, vault, with};
use super::bodies::{
    CONTACT, REGISTRATION, SAFETY, adult, basis, contact, fresh_credit_code, fresh_phone, place,
    record, today,
};
use super::client::Reply;
use super::requests::fresh_login;
use gridvault::limits::{BODY_BYTES_MAX, BODY_DEPTH_MAX, REASON_CHARACTERS_MAX};
use jiff::ToSpan as _;
use serde_json::{Value, json};

/// Sends text as the body of a creation.
fn create(kept: &Untouched, purpose: &str, text: &str) -> Reply {
    let call = kept.actor.call("POST", "/v1/records").purpose(purpose);
    call.bytes("application/json", text.as_bytes()).send()
}

/// Sends text as a change of the kept record.
fn patch(kept: &Untouched, text: &str) -> Reply {
    let path = format!("/v1/records/{}", kept.record);
    let call = kept.actor.call("PATCH", &path).purpose(REGISTRATION).version(1);
    call.bytes("application/merge-patch+json", text.as_bytes()).send()
}

/// Sends text as a removal of the kept record.
fn delete(kept: &Untouched, text: &str) -> Reply {
    let path = format!("/v1/records/{}", kept.record);
    let call = kept.actor.call("DELETE", &path).purpose(REGISTRATION).version(1);
    call.bytes("application/json", text.as_bytes()).send()
}

#[test]
fn number_that_is_no_whole_number_in_range_changes_nothing() {
    let mut kept = Untouched::by("grid_worker");
    let mut body = place(kept.actor.grid());
    body["fields"]["occupant_count"] = json!(7);
    let text = body.to_string();
    for number in [
        "1e400",
        "-1e400",
        "1e999999999999",
        "9223372036854775808",
        "18446744073709551616",
        "340282366920938463463374607431768211456",
        "501",
        "-1",
        "7.5",
        "75e-1",
        "0x7",
        "07",
        "+7",
        "7.",
        ".7",
        "Infinity",
        "NaN",
        "\"7\"",
        "[7]",
        "{\"value\":7}",
        "true",
    ] {
        let changed = with(&text, "\"occupant_count\":7", &format!("\"occupant_count\":{number}"));
        let reply = create(&kept, SAFETY, &changed);
        // Without the request's own id, whose digits may spell one of these by chance.
        let said = reply.without_ids().to_string();
        assert!(!said.contains(number) || number.len() < 4, "{number} is repeated");
        kept.refused(number, reply, 400, "schema_invalid");
    }
    kept.holds();
}

/// JSON has one kind of number, and the document calls this one an integer: `7.0` is seven (JSON Schema, section 6.1.1).
#[test]
fn whole_number_is_taken_however_it_is_written() {
    let worker = vault().worker(3);
    for (written, meant) in [("7", 7), ("7.0", 7), ("7e0", 7), ("0.7e1", 7), ("-0.0", 0)] {
        let mut body = place(worker.grid());
        body["fields"]["occupant_count"] = json!(7);
        let text = body.to_string();
        let changed = with(&text, "\"occupant_count\":7", &format!("\"occupant_count\":{written}"));
        let call = worker.call("POST", "/v1/records").purpose(SAFETY);
        let reply = call.bytes("application/json", changed.as_bytes()).send().expect(201);
        let read = worker.read(reply.text_of("id"), "occupant_count", SAFETY).expect(200);
        assert_eq!(read.body["fields"]["occupant_count"], json!(meant), "{written}");
    }
}

#[test]
fn text_that_is_no_text_changes_nothing() {
    let mut kept = Untouched::by("grid_head");
    for escaped in ["\\ud800", "\\udfff", "\\ud83d", "\\ude00\\ud83d", "\\u12", "\\x41", "\\"] {
        let text = format!("{{\"fields\":{{\"current_address\":\"6号楼{escaped}\"}}}}");
        kept.refused(escaped, patch(&kept, &text), 400, "schema_invalid");
        let key = format!("{{\"fields\":{{\"{escaped}\":\"6号楼\"}}}}");
        kept.refused(escaped, patch(&kept, &key), 400, "schema_invalid");
    }
    for character in ["\\u0000", "\\u001b", "\\u007f", "\\u0085", "\\u200b", "\\u202e", "\\ufffe"] {
        let text = format!("{{\"fields\":{{\"current_address\":\"6号楼{character}1室\"}}}}");
        kept.refused(character, patch(&kept, &text), 400, "schema_invalid");
        let reason = format!("{{\"reason\":\"entered {character} twice\"}}");
        kept.refused(character, delete(&kept, &reason), 400, "schema_invalid");
    }
    kept.holds();
}

#[test]
fn key_that_comes_twice_anywhere_changes_nothing() {
    let mut kept = Untouched::by("grid_head");
    let twice = [
        r#"{"fields":{"residence_kind":"floating"},"fields":{}}"#,
        r#"{"fields":{"residence_kind":"floating","residence_kind":"from_abroad"}}"#,
        // The same key, once it is read.
        r#"{"fields":{"residence_kind":"floating","residence\u005fkind":"from_abroad"}}"#,
        r#"{"fields":{"residence_kind":"floating"},"basis":null,"basis":null}"#,
    ];
    for text in twice {
        kept.refused(text, patch(&kept, text), 400, "schema_invalid");
    }
    let text = r#"{"reason":"collected in error","reason":"no"}"#;
    kept.refused(text, delete(&kept, text), 400, "schema_invalid");
    kept.holds();
}

#[test]
fn body_without_bound_changes_nothing() {
    let mut kept = Untouched::by("grid_head");
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [BODY_DEPTH_MAX, BODY_DEPTH_MAX + 1, 40_000] {
            // The innermost of an object is a value.
            let inside = if open == "[" { "" } else { "1" };
            let nested = format!("{}{inside}{}", open.repeat(depth), close.repeat(depth));
            let text = format!("{{\"fields\":{{\"residence_kind\":{nested}}}}}");
            let (status, code) = if text.len() > BODY_BYTES_MAX {
                (413, "too_large")
            } else {
                (400, "schema_invalid")
            };
            kept.refused(format!("{depth} {open}"), patch(&kept, &text), status, code);
        }
    }
    let long = format!("{{\"fields\":{{\"current_address\":\"{}\"}}}}", "楼".repeat(201));
    kept.refused("a long text", patch(&kept, &long), 400, "schema_invalid");
    let fields: Vec<String> = (0..5_000).map(|number| format!("\"f{number}\":1")).collect();
    let wide = format!("{{\"fields\":{{{}}}}}", fields.join(","));
    kept.refused("many fields", patch(&kept, &wide), 400, "field_unknown");
    let huge = format!("{{\"fields\":{{\"name\":\"{}\"}}}}", "a".repeat(BODY_BYTES_MAX));
    kept.refused("a huge body", patch(&kept, &huge), 413, "too_large");
    let reason = |length: usize| json!({"reason": "由".repeat(length)}).to_string();
    for empty in ["", " ", "　", "\\n\\t"] {
        let text = format!("{{\"reason\":\"{empty}\"}}");
        kept.refused("an empty reason", delete(&kept, &text), 400, "schema_invalid");
    }
    let text = reason(REASON_CHARACTERS_MAX + 1);
    kept.refused("a long reason", delete(&kept, &text), 400, "schema_invalid");
    let padded = json!({"reason": format!("由{}", " ".repeat(REASON_CHARACTERS_MAX))}).to_string();
    kept.refused("a reason of blanks", delete(&kept, &padded), 400, "schema_invalid");
    let (actor, record) = (kept.actor.clone(), kept.record.clone());
    kept.holds();
    // At the limit it is taken; nothing else was wrong with it.
    let call = actor.call("DELETE", &format!("/v1/records/{record}")).purpose(REGISTRATION);
    let text = reason(REASON_CHARACTERS_MAX);
    call.version(1).bytes("application/json", text.as_bytes()).send().expect(200);
}

#[test]
fn word_that_only_looks_right_changes_nothing() {
    let mut kept = Untouched::by("grid_worker");
    let text = adult(kept.actor.grid()).to_string();
    let grid = kept.actor.grid().to_owned();
    let wide: String =
        grid.chars().map(|c| char::from_u32(c as u32 + 0xfee0).expect("wide")).collect();
    for (from, to, status, code) in [
        // Cyrillic, full width, case, a joiner, a space, a soft hyphen, a composed letter.
        ("\"person\"", "\"реrson\"".to_owned(), 400, "schema_invalid"),
        ("\"person\"", "\"ｐｅｒｓｏｎ\"".to_owned(), 400, "schema_invalid"),
        ("\"person\"", "\"PERSON\"".to_owned(), 400, "schema_invalid"),
        ("\"person\"", "\"per\\u200dson\"".to_owned(), 400, "schema_invalid"),
        ("\"person\"", "\"person \"".to_owned(), 400, "schema_invalid"),
        ("\"person\"", "\"per\\u00adson\"".to_owned(), 400, "schema_invalid"),
        ("\"residence_permit_duty\"", "\"residence_permit_dutу\"".to_owned(), 400, "basis_missing"),
        ("\"residence_permit_duty\"", "\"Residence_Permit_Duty\"".to_owned(), 400, "basis_missing"),
        (
            "\"residence_registration_notice_1\"",
            "\"residence_registration_notice_１\"".to_owned(),
            400,
            "basis_missing",
        ),
        ("\"registered_resident\"", "\"registered‐resident\"".to_owned(), 400, "schema_invalid"),
        ("\"registered_resident\"", "\"ｒegistered_resident\"".to_owned(), 400, "schema_invalid"),
        ("\"stated_in_person\"", "\"stated_in_persоn\"".to_owned(), 400, "schema_invalid"),
        ("\"name\"", "\"nаme\"".to_owned(), 400, "schema_invalid"),
        ("\"sex\":\"2\"", "\"sex\":\"２\"".to_owned(), 400, "schema_invalid"),
        ("\"sex\":\"2\"", "\"sex\":\"²\"".to_owned(), 400, "schema_invalid"),
        ("\"1968-04-09\"", "\"１９６８-04-09\"".to_owned(), 400, "schema_invalid"),
        ("\"1968-04-09\"", "\"1968‑04‑09\"".to_owned(), 400, "schema_invalid"),
    ] {
        kept.refused(&*to, create(&kept, REGISTRATION, &with(&text, from, &to)), status, code);
    }
    for alike in [wide, grid.replace('0', "O"), format!("{grid} "), format!("\\u202d{grid}")] {
        let changed = with(&text, &format!("\"{grid}\""), &format!("\"{alike}\""));
        kept.refused(alike, create(&kept, REGISTRATION, &changed), 403, "out_of_territory");
    }
    kept.holds();
}

#[test]
fn member_that_is_not_the_callers_to_say_changes_nothing() {
    let mut kept = Untouched::by("grid_worker");
    let members = [
        "id",
        "version",
        "subjects",
        "subject_id",
        "subject_handles",
        "owner",
        "actor",
        "who",
        "cell",
        "line",
        "created_at",
        "sections",
        "keys",
        "receipt",
        "legal_hold",
        "restricted",
        "__proto__",
        "constructor",
        "purpose",
        "approved_by",
        "capture",
        "Fields",
        "fields.name",
    ];
    let plain = adult(kept.actor.grid());
    for member in members {
        let mut body = plain.clone();
        body[member] = json!("01a20000-0000-7000-8000-000000000001");
        let reply = create(&kept, REGISTRATION, &body.to_string());
        kept.refused(format!("create with {member}"), reply, 400, "schema_invalid");
        let body = json!({"fields": {"residence_kind": "floating"}, member: 2});
        let reply = patch(&kept, &body.to_string());
        kept.refused(format!("patch with {member}"), reply, 400, "schema_invalid");
        let mut body = plain.clone();
        body["basis"][member] = json!(1);
        if member != "purpose" {
            let reply = create(&kept, REGISTRATION, &body.to_string());
            kept.refused(format!("basis with {member}"), reply, 400, "schema_invalid");
        }
        let household = json!({
            "grid": kept.actor.grid(), "basis": basis(REGISTRATION), "fields": {"kind": "family"},
            "people": [{"ref": "p1", "fields": plain["fields"], member: "x"}],
        });
        if member != "fields" {
            let call = kept.actor.call("POST", "/v1/households").purpose(REGISTRATION);
            let reply = call.json(&household).send();
            kept.refused(format!("person with {member}"), reply, 400, "schema_invalid");
        }
        let body = json!({"type": "person", "field": "phone", "value": fresh_phone(), member: 1});
        let call = kept.actor.call("POST", "/v1/records/match").purpose(REGISTRATION);
        kept.refused(
            format!("match with {member}"),
            call.json(&body).send(),
            400,
            "schema_invalid",
        );
    }
    kept.holds();
}

#[test]
fn field_that_must_never_be_held_changes_nothing() {
    let mut kept = Untouched::by("grid_worker");
    for field in [
        "religion",
        "religious_belief",
        "ethnicity",
        "political_status",
        "party",
        "faith",
        "fingerprint",
        "face",
        "face_image",
        "iris",
        "gait",
        "voiceprint",
        "dna",
        "blood",
        "key_person",
        "score",
        "credit_score",
        "tag_of_person",
        "stability_level",
        "petitioner",
        "宗教",
        "民族",
        "指纹",
        "人脸",
        "name ",
        "Name",
        "ｎａｍｅ",
        "",
        ".",
        "name\\u0000",
        "$where",
    ] {
        let text = format!("{{\"fields\":{{\"{field}\":\"x\"}}}}");
        let reply = patch(&kept, &text);
        assert_eq!(reply.pointers(), ["?: -"], "{field} is repeated");
        kept.refused(field, reply, 400, "field_unknown");
    }
    kept.holds();
}

#[test]
fn day_that_cannot_be_and_number_of_a_wrong_check_change_nothing() {
    let mut kept = Untouched::by("grid_head");
    let grid = kept.actor.grid().to_owned();
    let tomorrow = today().saturating_add(2.days()).to_string();
    let yesterday = today().saturating_sub(1.days()).to_string();
    for day in [
        "2026-02-30",
        "2025-13-01",
        "2025-00-10",
        "2025-1-1",
        "+2026-01-01",
        "2026-01-01T00:00:00Z",
        "0000-00-00",
        "99999-01-01",
        &yesterday,
        "9999-12-31",
    ] {
        let mut body = adult(&grid);
        body["retain_until"] = json!(day);
        let reply = create(&kept, REGISTRATION, &body.to_string());
        kept.refused(format!("retain until {day}"), reply, 400, "schema_invalid");
    }
    for day in ["2025-02-29", "2025-06-31", "yesterday", "", "20250601"] {
        let mut body = contact(&grid, &fresh_phone());
        body["basis"]["consent"]["given_on"] = json!(day);
        let reply = create(&kept, CONTACT, &body.to_string());
        kept.refused(format!("consent given on {day}"), reply, 400, "schema_invalid");
    }
    let mut body = contact(&grid, &fresh_phone());
    body["basis"]["consent"]["given_on"] = json!(tomorrow);
    let reply = create(&kept, CONTACT, &body.to_string());
    kept.refused("a consent of tomorrow", reply, 400, "basis_missing");
    let code = fresh_credit_code();
    let wrong =
        |code: &str| format!("{}{}", &code[..17], if code.ends_with('7') { '8' } else { '7' });
    for credit in [
        wrong(&code),
        code[..17].to_owned(),
        format!("{code}0"),
        code.replace('M', "I"),
        code.to_lowercase() + "x",
    ] {
        let fields = json!({"name": "望澜五金店", "credit_code": credit});
        let reply =
            create(&kept, SAFETY, &record("organisation", &grid, SAFETY, fields).to_string());
        assert!(reply.pointers().iter().any(|p| p.starts_with("credit_code: ")), "{}", reply.text);
        kept.refused(credit, reply, 400, "schema_invalid");
    }
    kept.holds();
}

#[test]
fn act_of_administration_that_makes_no_sense_makes_no_actor() {
    let demo = vault();
    let admin = demo.role("security_admin");
    let grid = demo.worker(1).grid().to_owned();
    let place = json!({"role": "grid_worker", "area": grid});
    let plain =
        || json!({"login": fresh_login(), "kind": "person", "assignments": [place.clone()]});
    let changed = |path: &str, value: Value| {
        let mut body = plain();
        *body.pointer_mut(path).expect("a member") = value;
        body
    };
    let added = |member: &str| {
        let mut body = plain();
        body[member] = json!("x");
        body
    };
    let timed = |from: Value, to: Value| {
        let mut body = plain();
        body["assignments"][0]["from"] = from;
        body["assignments"][0]["to"] = to;
        body
    };
    let mut wrong = vec![
        changed("/kind", json!("persоn")),
        changed("/kind", json!("Person")),
        changed("/assignments/0/role", json!("grid_wоrker")),
        changed("/assignments/0/role", json!("GRID_WORKER")),
        changed("/assignments/0/role", json!("nobody")),
        changed("/assignments/0/area", json!("８８０１０２００１００１０００１")),
        changed("/assignments/0/area", json!("8801020010010099")),
        changed("/assignments/0/area", json!(8_801_020_010_010_001_u64)),
        changed("/login", json!("a\u{202e}b")),
        changed("/login", json!("ＡＤＭＩＮ")),
        timed(json!("2026-02-30T00:00:00Z"), Value::Null),
        timed(json!("2026-01-01"), Value::Null),
        timed(json!("2026-01-02T00:00:00Z"), json!("2026-01-01T00:00:00Z")),
        timed(json!(1), Value::Null),
        timed(json!("+999999-01-01T00:00:00Z"), Value::Null),
    ];
    let members = ["id", "state", "version", "token", "code", "tokens_from", "duty", "password"];
    wrong.extend(members.map(added));
    let mut tried = Vec::new();
    for body in wrong {
        tried.push(body["login"].clone());
        let reply = admin.post("/v1/admin/actors", &body).refused(400, "schema_invalid");
        assert_eq!(demo.entry_of(&reply)["why"], "schema_invalid", "{body}");
    }
    let path = format!("/v1/admin/actors/{}/tokens", demo.worker(1).id);
    for body in [
        json!({"life_seconds": 1.5}),
        json!({"life_seconds": "60"}),
        json!({"life_seconds": 9_223_372_036_854_775_808_u64}),
        json!({"life_seconds": 60, "role": "system_admin"}),
        json!({"via": "nobody"}),
        json!({"sub": demo.worker(2).id}),
    ] {
        admin.post(&path, &body).refused(400, "schema_invalid");
    }
    let listed = admin.get("/v1/admin/actors").expect(200);
    let actors = listed.body["actors"].as_array().expect("a list");
    assert!(actors.iter().all(|actor| !tried.contains(&actor["login"])), "{}", listed.text);
}
