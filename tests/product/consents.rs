//! Consents at the desk: listed, given and taken back for the one who is present.
//! Never a read behind a withdrawal for the purpose that rested on it, and what rests on another basis stays.
//! Somebody whom the desk may not know of, and a consent that nobody gave, are alike.

use super::actor::Actor;
use super::bodies::{
    CONTACT, REGISTRATION, RIGHTS, adult, basis, child, consent, contact, fresh_phone, today,
    unknown_id,
};
use super::client::Reply;
use super::entries::happened;
use super::harness::shared;
use jiff::ToSpan as _;
use serde_json::{Value, json};

fn consents(desk: &Actor, subject: &str) -> Reply {
    desk.call("GET", &format!("/v1/subjects/{subject}/consents")).purpose(RIGHTS).send()
}

fn withdraw(desk: &Actor, subject: &str, consent: &str, by: &str) -> Reply {
    let path = format!("/v1/subjects/{subject}/consents/{consent}/withdraw");
    let body = json!({"by": by, "proof": "resident_card"});
    desk.call("POST", &path).purpose(RIGHTS).json(&body).send()
}

/// The one consent of somebody.
fn only(desk: &Actor, subject: &str) -> Value {
    let listed = consents(desk, subject).expect(200);
    let [one] = &listed.body["consents"].as_array().expect("a list")[..] else {
        panic!("{}", listed.text)
    };
    one.clone()
}

#[test]
fn what_rested_on_a_consent_is_closed_from_its_withdrawal_on_and_what_rests_on_a_duty_is_not() {
    let demo = shared();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let phone = fresh_phone();
    let stored = worker.create(&contact(worker.grid(), &phone)).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    worker.read(id, "name,phone", CONTACT).expect(200);
    // Who looks changes nothing: an auditor who compares the store with the log would miss the digest.
    let looked = demo.entry_of(&consents(&desk, subject).expect(200));
    assert_eq!(
        (happened(&looked), &looked["ver"]),
        ("consent.read success".into(), &json!([1, 1]))
    );
    let given = only(&desk, subject);
    assert_eq!((&given["purpose"], &given["record"]), (&json!(CONTACT), &json!(id)));
    assert!(given.get("withdrawn_on").is_none());

    let consent_id = given["id"].as_str().expect("an id");
    let done = withdraw(&desk, subject, consent_id, "self").expect(200);
    assert_eq!(done.body["purpose"], CONTACT);
    // Thirty days behind the withdrawal, as the purpose says, and no longer three years.
    let today = today();
    let ends = [today + 30.days(), today + 31.days()].map(|day| json!(day.to_string()));
    assert!(ends.contains(&done.body["records"][0]["ends_on"]), "{}", done.text);
    assert_eq!(done.body["records"][0]["record"], json!(id));
    let entry = demo.entry_of(&done);
    assert_eq!(happened(&entry), "consent.withdraw success");
    assert_eq!(
        (&entry["x"]["proof"], &entry["x"]["consent_to"]),
        (&json!("resident_card"), &json!(CONTACT))
    );
    assert_eq!(entry["rec"].as_array().map(Vec::len), Some(1));

    worker.read(id, "name,phone", CONTACT).refused(403, "consent_withdrawn");
    let refused = worker.read(id, "name", CONTACT);
    assert_eq!(refused.body["law"], "PIPL 15");
    demo.worker(2).read(id, "name", CONTACT).refused(404, "not_found");
    let since = (jiff::Timestamp::now() - std::time::Duration::from_secs(60)).to_string();
    let list = json!({
        "type": "person", "grid": worker.grid(), "fields": ["name"], "match": {"phone": phone},
        "updated_since": since,
    });
    assert_eq!(worker.query(&list, CONTACT).expect(200).body["items"], json!([]));
    // A duty opens nothing that rests on nothing any more, and finds it no more.
    worker.read(id, "name", REGISTRATION).refused(403, "consent_withdrawn");
    assert_eq!(worker.query(&list, REGISTRATION).expect(200).body["items"], json!([]));
    assert_eq!(only(&desk, subject)["ends_on"], done.body["records"][0]["ends_on"]);
    assert!(only(&desk, subject)["withdrawn_on"].is_string());
    withdraw(&desk, subject, consent_id, "self").refused(412, "version_conflict");
}

#[test]
fn no_worker_alone_brings_back_what_was_taken_back_and_the_desk_does_by_a_consent_of_after_it() {
    let demo = shared();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let stored = worker.create(&contact(worker.grid(), &fresh_phone())).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let given = only(&desk, subject);
    withdraw(&desk, subject, given["id"].as_str().expect("an id"), "self").expect(200);
    let hours = json!({"contact_hours": ["morning"]});
    worker.patch(id, 2, CONTACT, hours.clone()).refused(400, "basis_missing");
    let path = format!("/v1/records/{id}");
    for (purpose, fields) in [
        (CONTACT, hours),
        (CONTACT, json!({})),
        (REGISTRATION, json!({"name": "闻思远"})),
        (REGISTRATION, json!({})),
    ] {
        let call = worker.call("PATCH", &path).purpose(purpose).version(2);
        let reply = call.json(&json!({"fields": fields, "basis": basis(purpose)})).send();
        reply.refused(403, "consent_withdrawn");
    }
    worker.read(id, "name", REGISTRATION).refused(403, "consent_withdrawn");
    // A new consent that the desk takes opens again, and not one that was given before.
    let mut anew = consented(id, "self");
    let early = give(&desk, subject, &anew).refused(400, "basis_missing");
    assert_eq!(early.pointers(), ["consent.given_on: too_early"]);
    anew["consent"]["given_on"] = json!(today().to_string());
    give(&desk, subject, &anew).expect(201);
    worker.read(id, "name,phone", CONTACT).expect(200);
    assert!(only(&desk, subject).get("withdrawn_on").is_none());
}

#[test]
fn for_a_child_the_guardian_takes_back_and_the_register_stays() {
    let demo = shared();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let stored = worker.create(&child(worker.grid())).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let mut claim = basis(CONTACT);
    claim["consent"] = consent("guardian");
    let call = worker.call("PATCH", &format!("/v1/records/{id}")).purpose(CONTACT).version(1);
    let body = json!({"fields": {"contact_hours": ["evening"]}, "basis": claim});
    call.json(&body).send().expect(200);
    let given = only(&desk, subject);
    let consent_id = given["id"].as_str().expect("an id");
    withdraw(&desk, subject, consent_id, "self").refused(400, "schema_invalid");
    let done = withdraw(&desk, subject, consent_id, "guardian").expect(200);
    assert_eq!(done.body["records"][0]["ends_on"], given["ends_on"], "a duty carries it still");
    worker.read(id, "name", CONTACT).refused(403, "consent_withdrawn");
    worker.read(id, "name", REGISTRATION).refused(403, "case_required");
}

#[test]
fn only_the_desk_takes_back_and_only_what_is_there() {
    let demo = shared();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let stored = worker.create(&contact(worker.grid(), &fresh_phone())).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let consent_id = only(&desk, subject)["id"].as_str().expect("an id").to_owned();
    for stranger in [worker.clone(), demo.role("community_cadre"), demo.role("protection_officer")]
    {
        consents(&stranger, subject).refused(403, "denied");
        withdraw(&stranger, subject, &consent_id, "self").refused(403, "denied");
    }
    let nobody = "A".repeat(22);
    let nothing = withdraw(&desk, &unknown_id(), &consent_id, "self").refused(404, "not_found");
    for (subject, consent_id) in
        [(subject, &*nobody), (id, &*consent_id), (subject, "x"), ("x", &*consent_id)]
    {
        let reply = withdraw(&desk, subject, consent_id, "self").refused(404, "not_found");
        assert_eq!(reply.without_ids(), nothing.without_ids());
    }
    consents(&desk, &unknown_id()).refused(404, "not_found");
    let path = format!("/v1/subjects/{subject}/consents/{consent_id}/withdraw");
    for body in [
        json!({"by": "neighbour", "proof": "resident_card"}),
        json!({"by": "self", "proof": "880102198001010015"}),
        json!({"by": "self"}),
        json!({"by": "self", "proof": "passport", "reason": "x"}),
    ] {
        let call = desk.call("POST", &path).purpose(RIGHTS).json(&body);
        call.send().refused(400, "schema_invalid");
    }
    let right = json!({"by": "self", "proof": "passport"});
    let other = desk.call("POST", &path).purpose(REGISTRATION).json(&right).send();
    other.refused(403, "denied");
    worker.read(id, "name", CONTACT).expect(200);
}

/// Records that one consent is given over.
const RECORDS: usize = 32;

/// The body of a consent to be called, over one record.
fn consented(record: &str, by: &str) -> Value {
    json!({
        "records": [record], "purpose": CONTACT, "legal_basis": "household_contact_consent",
        "notice": "household_contact_notice_1", "consent": consent(by), "proof": "resident_card",
    })
}

fn give(desk: &Actor, subject: &str, body: &Value) -> Reply {
    let path = format!("/v1/subjects/{subject}/consents");
    desk.call("POST", &path).purpose(RIGHTS).json(body).send()
}

#[test]
fn a_consent_that_is_given_opens_what_is_held_for_one_purpose_more_until_it_is_taken_back() {
    let demo = shared();
    let (worker, desk) = (demo.worker(2), demo.role("resident_desk"));
    let stored = worker.create(&adult(worker.grid())).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    worker.read(id, "name,phone", CONTACT).refused(400, "basis_missing");
    let given = give(&desk, subject, &consented(id, "self")).expect(201);
    assert_eq!(given.body["purpose"], CONTACT);
    assert_eq!(given.body["records"][0]["record"], json!(id));
    let entry = demo.entry_of(&given);
    assert_eq!(happened(&entry), "consent.give success");
    let x = &entry["x"];
    assert_eq!((&x["consent_to"], &x["proof"]), (&json!(CONTACT), &json!("resident_card")));
    assert_eq!(x["given_by"], "self");
    assert_eq!((entry["rec"].as_array().map(Vec::len), &entry["ver"]), (Some(1), &json!([1, 2])));

    let read = worker.read(id, "name,phone", CONTACT).expect(200);
    assert!(read.body["fields"]["phone"].is_string());
    // Nothing that the purpose does not list, and nobody else.
    worker.read(id, "id_number", CONTACT).refused(400, "purpose_not_for_field");
    demo.worker(1).read(id, "name", CONTACT).refused(404, "not_found");
    let listed = only(&desk, subject);
    assert_eq!(
        (&listed["id"], &listed["ends_on"]),
        (&given.body["id"], &given.body["records"][0]["ends_on"])
    );
    give(&desk, subject, &consented(id, "self")).refused(412, "version_conflict");
    withdraw(&desk, subject, given.text_of("id"), "self").expect(200);
    worker.read(id, "name", CONTACT).refused(403, "consent_withdrawn");
    worker.read(id, "name", REGISTRATION).expect(200);
}

#[test]
fn only_the_desk_writes_a_consent_down_and_only_over_the_persons_own_records() {
    let demo = shared();
    let (worker, desk) = (demo.worker(2), demo.role("resident_desk"));
    let [one, other] = [(); 2].map(|()| worker.create(&adult(worker.grid())).expect(201));
    let (id, subject) = (one.text_of("id"), one.text_of("subject"));
    let right = consented(id, "self");
    for stranger in [
        worker.clone(),
        demo.head(2),
        demo.role("community_cadre"),
        demo.role("protection_officer"),
    ] {
        give(&stranger, subject, &right).refused(403, "denied");
    }
    let path = format!("/v1/subjects/{subject}/consents");
    let call = |purpose: &str| desk.call("POST", &path).purpose(purpose).json(&right).send();
    call(REGISTRATION).refused(403, "denied");
    let nothing = give(&desk, &unknown_id(), &right).refused(404, "not_found");
    let over = |record: &str| give(&desk, subject, &consented(record, "self"));
    for reply in [over(other.text_of("id")), over(&unknown_id()), give(&desk, "x", &right)] {
        assert_eq!(reply.refused(404, "not_found").without_ids(), nothing.without_ids());
    }
    worker.read(id, "name", CONTACT).refused(400, "basis_missing");
}

#[test]
fn a_consent_of_no_sense_is_turned_away_and_each_has_its_code() {
    let demo = shared();
    let (worker, desk) = (demo.worker(2), demo.role("resident_desk"));
    let stored = worker.create(&adult(worker.grid())).expect(201);
    let (id, subject) = (stored.text_of("id"), stored.text_of("subject"));
    let with = |member: &str, value: Value| {
        let mut body = consented(id, "self");
        body[member] = value;
        give(&desk, subject, &body)
    };
    let tomorrow = json!({"by": "self", "method": "oral", "given_on": "2999-01-01"});
    for (member, value, code) in [
        ("records", json!([]), "schema_invalid"),
        ("records", json!([id, id]), "schema_invalid"),
        ("records", json!([id, "x"]), "schema_invalid"),
        ("proof", json!("880102198001010015"), "schema_invalid"),
        ("consent", json!(null), "schema_invalid"),
        (
            "consent",
            json!({"by": "neighbour", "method": "oral", "given_on": "2026-01-01"}),
            "schema_invalid",
        ),
        ("consent", tomorrow, "basis_missing"),
        ("reason", json!("x"), "schema_invalid"),
        ("purpose", json!("grid_management"), "purpose_unknown"),
        // A duty rests on no consent.
        ("legal_basis", json!("residence_permit_duty"), "basis_missing"),
        ("notice", json!("residence_registration_notice_1"), "basis_missing"),
    ] {
        with(member, value).refused(400, code);
    }
    let mut duty = consented(id, "self");
    duty["purpose"] = json!(REGISTRATION);
    duty["legal_basis"] = json!("residence_permit_duty");
    duty["notice"] = json!("residence_registration_notice_1");
    give(&desk, subject, &duty).refused(400, "basis_missing");
    // Records to the limit are looked for, and one more is not.
    let many = |count: usize| json!((0..count).map(|_| unknown_id()).collect::<Vec<_>>());
    with("records", many(RECORDS)).refused(404, "not_found");
    with("records", many(RECORDS + 1)).refused(400, "schema_invalid");
    worker.read(id, "name", CONTACT).refused(400, "basis_missing");
}
