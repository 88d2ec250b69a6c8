//! Whether an exact value is held: yes or no, and for a hit five minutes to write about the same person.
//! Never says where or about whom, and never more than eighty distinct values an actor and day.
//! Tests that use up a day have an actor of their own.

use super::bodies::{
    CONTACT, CORRECTION, REGISTRATION, SAFETY, adult, child, contact, fresh_number, fresh_phone,
    with_wrong_check,
};
use super::client::Reply;
use super::enrolment::newcomer;
use super::entries::happened;
use super::harness::shared;
use serde_json::{Value, json};

/// Distinct values that one actor may match in a day.
const DAY_MAX: usize = 80;

/// The same digits as a keyboard for Chinese writes them.
fn full_width(digits: &str) -> String {
    let wide = |digit: char| char::from_u32(u32::from(digit) + 0xfee0).expect("a wide digit");
    digits.chars().map(wide).collect()
}

fn word<'a>(body: &'a Value, field: &str) -> &'a str {
    body["fields"][field].as_str().expect("a text")
}

#[test]
fn exact_value_of_the_own_grid_is_held_and_another_is_not() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = adult(worker.grid());
    worker.create(&body).expect(201);
    for field in ["phone", "id_number"] {
        let value = word(&body, field);
        let hit = worker.matches(field, value, REGISTRATION).expect(200);
        assert_eq!(hit.body["held"], true);
        assert!(hit.body["link"].is_string());
        let entry = demo.entry_of(&hit);
        assert_eq!(happened(&entry), "data.match success");
        assert_eq!(entry["rec"].as_array().map(Vec::len), Some(1));
        assert!(!entry.to_string().contains(value), "the value is in no entry");
        let wide = worker.matches(field, &full_width(value), REGISTRATION).expect(200);
        assert_eq!(wide.body["held"], true, "{field} in full width");
    }
    let miss = worker.matches("phone", &fresh_phone(), REGISTRATION).expect(200);
    assert_eq!((&miss.body["held"], miss.body["link"].is_null()), (&json!(false), true));
    assert!(demo.entry_of(&miss)["rec"].is_null());
}

#[test]
fn value_of_another_grid_is_not_held() {
    let demo = shared();
    let neighbour = demo.worker(2);
    let body = adult(neighbour.grid());
    neighbour.create(&body).expect(201);
    let worker = demo.worker(1);
    for field in ["phone", "id_number"] {
        let reply = worker.matches(field, word(&body, field), REGISTRATION).expect(200);
        assert_eq!(reply.body["held"], false, "{field}");
        let entry = demo.entry_of(&reply);
        assert!(entry["rec"].is_null() && entry["grid"].is_null(), "{entry}");
        let own = neighbour.matches(field, word(&body, field), REGISTRATION).expect(200);
        assert_eq!(own.body["held"], true);
    }
}

#[test]
fn consented_value_is_not_matched_for_a_purpose_that_it_was_not_given_for() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = adult(worker.grid());
    worker.create(&body).expect(201);
    let held = |purpose| worker.matches("phone", word(&body, "phone"), purpose).expect(200);
    assert_eq!(held(REGISTRATION).body["held"], true);
    assert_eq!(held(CONTACT).body["held"], false);
}

#[test]
fn only_fields_of_the_matrix_are_matched() {
    let demo = shared();
    let worker = demo.worker(1);
    worker.matches("name", "周明远", REGISTRATION).refused(403, "denied");
    worker.matches("current_address", "x", REGISTRATION).refused(403, "denied");
    worker.matches("hazard", "gas", REGISTRATION).refused(400, "field_unknown");
    worker.matches("phone", &fresh_phone(), SAFETY).refused(400, "purpose_not_for_field");
    let number = fresh_number("1971-03-05");
    let reply = worker.matches("id_number", &with_wrong_check(&number), REGISTRATION);
    assert_eq!(reply.refused(400, "schema_invalid").pointers(), ["id_number: wrong_check_digit"]);
    worker.matches("phone", "12", REGISTRATION).refused(400, "schema_invalid");
    worker.matches("Phone", "x", REGISTRATION).refused(400, "schema_invalid");
    // Sensitive: the street may not even ask.
    let street = demo.role("street_operator");
    street.matches("id_number", &number, REGISTRATION).refused(403, "denied");
    for blind in ["city_platform", "compliance_auditor", "audit_admin"] {
        let reply = demo.role(blind).matches("phone", "12900001001", REGISTRATION);
        reply.refused(403, "denied");
    }
}

#[test]
fn link_of_a_match_works_for_its_actor_alone() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = adult(worker.grid());
    let person = worker.create(&body).expect(201);
    let hit = worker.matches("phone", word(&body, "phone"), REGISTRATION).expect(200);
    let mut linked = contact(worker.grid(), &fresh_phone());
    linked["subject"] = hit.body["link"].clone();
    for other in [demo.head(1), demo.worker(2)] {
        other.create(&linked).refused(404, "not_found");
    }
    let created = worker.create(&linked).expect(201);
    assert_eq!(created.text_of("subject"), person.text_of("subject"));
    let mut broken = hit.text_of("link").to_owned();
    let other = if &broken[40..41] == "A" { "B" } else { "A" };
    broken.replace_range(40..41, other);
    linked["subject"] = json!(broken);
    worker.create(&linked).refused(404, "not_found");
}

#[test]
fn link_and_subject_are_no_record_and_open_nothing() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = adult(worker.grid());
    let person = worker.create(&body).expect(201);
    let hit = worker.matches("phone", word(&body, "phone"), REGISTRATION).expect(200);
    for no_record in [hit.text_of("link"), person.text_of("subject")] {
        worker.read(no_record, "name", REGISTRATION).refused(404, "not_found");
    }
}

#[test]
fn childs_number_is_of_the_childs_class_when_it_is_matched() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = child(worker.grid());
    worker.create(&body).expect(201);
    let number = word(&body, "id_number");
    // A C3 field for everybody, and registration lets a worker match it.
    assert_eq!(worker.matches("id_number", number, REGISTRATION).expect(200).body["held"], true);
}

#[test]
fn eighty_first_value_of_a_day_is_over_the_limit_and_repeats_stay_free() {
    let demo = shared();
    let worker = newcomer(demo, "grid_worker", demo.worker(1).grid());
    let values: Vec<String> = (0..DAY_MAX).map(|_| fresh_phone()).collect();
    for value in &values {
        worker.matches("phone", value, REGISTRATION).expect(200);
    }
    let more = fresh_phone();
    let reply = worker.matches("phone", &more, REGISTRATION).refused(429, "reveal_limit");
    assert_eq!(reply.body["retryable"], true);
    let entry = demo.entry_of(&reply);
    assert_eq!((&entry["why"], &entry["out"]), (&json!("reveal_limit"), &json!("denied")));
    for value in [&values[0], &full_width(&values[DAY_MAX - 1])] {
        worker.matches("phone", value, REGISTRATION).expect(200);
        worker.matches("phone", value, CORRECTION).expect(200);
    }
    worker.matches("phone", &more, REGISTRATION).refused(429, "reveal_limit");
    // Everything but matching goes on, and nobody else's day is over.
    worker.create(&contact(worker.grid(), &fresh_phone())).expect(201);
    let another = newcomer(demo, "grid_worker", demo.worker(1).grid());
    another.matches("phone", &more, REGISTRATION).expect(200);
}

#[test]
fn of_two_matches_at_the_last_unit_one_passes() {
    let demo = shared();
    let head = newcomer(demo, "grid_head", demo.head(1).grid());
    for _ in 1..DAY_MAX {
        head.matches("phone", &fresh_phone(), REGISTRATION).expect(200);
    }
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| head.matches("phone", &fresh_phone(), REGISTRATION)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429]);
    let over = replies.into_iter().find(|reply| reply.status == 429).expect("one of the two");
    over.refused(429, "reveal_limit");
}
