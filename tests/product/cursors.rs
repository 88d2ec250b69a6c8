//! Cursors: where a list goes on, and nothing else.
//! Never of use to another actor, for another question or after an edit; all of that looks the same.
//! A cursor is no right: the page that it leads to is decided anew.

use super::actor::Actor;
use super::bodies::{CONTACT, REGISTRATION, RIGHTS, adult};
use super::client::Reply;
use super::harness::shared;
use super::query::{ids, next, placed};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault::limits::CURSOR_BYTES_MAX;
use serde_json::{Value, json};

fn question(grid: &str) -> Value {
    json!({"type": "person", "fields": ["name"], "limit": 2, "grid": grid})
}

/// A refused cursor is pointed to and nothing else is said.
#[track_caller]
fn refused(reply: Reply) {
    let reply = reply.refused(400, "schema_invalid");
    assert_eq!(reply.pointers(), ["cursor: wrong_cursor"]);
}

#[test]
fn cursor_leads_to_the_next_page_of_any_size() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = question(worker.grid());
    let first = worker.query(&body, REGISTRATION).expect(200);
    let mut more = next(&body, &first).expect("a grid has more than two people");
    let second = worker.query(&more, REGISTRATION).expect(200);
    assert_eq!(ids(&second).len(), 2);
    assert!(ids(&second).iter().all(|id| !ids(&first).contains(id)));
    // The same cursor again gives the same page, of whatever size.
    more["limit"] = json!(1);
    assert_eq!(ids(&worker.query(&more, REGISTRATION).expect(200)), ids(&second)[..1]);
}

#[test]
fn edited_cursor_is_refused_wherever_it_was_edited() {
    let demo = shared();
    let grid = demo.worker(1).grid().to_owned();
    // Somebody of its own: an actor has a budget of refusals.
    let worker = placed(demo, &json!([{"role": "grid_worker", "area": grid}]));
    let body = question(&grid);
    let first = worker.query(&body, REGISTRATION).expect(200);
    let cursor = first.text_of("cursor").to_owned();
    assert!(cursor.len() <= CURSOR_BYTES_MAX);
    let with = |cursor: &str| {
        let mut body = body.clone();
        body["cursor"] = json!(cursor);
        worker.query(&body, REGISTRATION)
    };
    with(&cursor).expect(200);
    for place in 0..cursor.len() {
        let mut edited = cursor.clone().into_bytes();
        edited[place] = if edited[place] == b'A' { b'B' } else { b'A' };
        refused(with(&String::from_utf8(edited).expect("base64url")));
    }
    refused(with(&cursor[1..]));
    refused(with(&cursor[..cursor.len() - 4]));
    refused(with(&format!("{cursor}A")));
    refused(with(&format!("{cursor}=")));
    for other in ["", "0", "null", "*", "\u{0}", "张"] {
        refused(with(other));
    }
    refused(with(&"A".repeat(CURSOR_BYTES_MAX)));
    refused(with(&"A".repeat(CURSOR_BYTES_MAX + 1)));
    let mut number = body.clone();
    number["cursor"] = json!(1);
    worker.query(&number, REGISTRATION).refused(400, "schema_invalid");
}

#[test]
fn cursor_serves_its_actor_its_purpose_and_its_question_alone() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = question(worker.grid());
    let first = worker.query(&body, REGISTRATION).expect(200);
    let own = next(&body, &first).expect("a grid has more than two people");
    refused(demo.head(1).query(&own, REGISTRATION));
    refused(worker.query(&own, CONTACT));
    for (member, value) in [
        ("fields", json!(["name", "phone"])),
        ("fields", json!(["phone"])),
        ("type", json!("residence")),
        ("updated_since", json!("2020-01-01T00:00:00Z")),
        ("match", json!({"phone": "12900001001"})),
    ] {
        let mut other = own.clone();
        other[member] = value;
        refused(worker.query(&other, REGISTRATION));
    }
    let mut elsewhere = own.clone();
    elsewhere.as_object_mut().expect("an object").remove("grid");
    refused(worker.query(&elsewhere, REGISTRATION));
    worker.query(&own, REGISTRATION).expect(200);
}

/// Its place may be a record of another area, so what leads to it is nobody's to read either.
#[test]
fn cursor_of_what_is_due_serves_its_caller_alone_unedited_and_in_this_list() {
    let demo = shared();
    let (worker, desk) = (demo.worker(1), demo.role("resident_desk"));
    let body = json!({"reason": "purpose_met", "by": "self", "proof": "resident_card"});
    for _ in 0..3 {
        let subject =
            worker.create(&adult(worker.grid())).expect(201).text_of("subject").to_owned();
        let path = format!("/v1/subjects/{subject}/erase");
        desk.call("POST", &path).purpose(RIGHTS).json(&body).send().expect(201);
    }
    let page = |actor: &Actor, after: &str| actor.get(&format!("/v1/due?limit=1&after={after}"));
    let first = desk.get("/v1/due?limit=1").expect(200);
    let cursor = first.text_of("next").to_owned();
    let second = page(&desk, &cursor).expect(200);
    assert_ne!(first.body["due"], second.body["due"]);
    // Nothing of where it leads to can be read from it.
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(&cursor).expect("base64url");
    let id: uuid::Uuid =
        first.body["due"][0]["id"].as_str().expect("an id").parse().expect("an id");
    assert!(bytes.windows(16).all(|window| window != id.as_bytes()));
    let refused = |reply: Reply| {
        let reply = reply.refused(400, "schema_invalid");
        assert_eq!(reply.pointers(), ["after: wrong_cursor"]);
    };
    for place in [0, cursor.len() / 2, cursor.len() - 1] {
        let mut edited = cursor.clone().into_bytes();
        edited[place] = if edited[place] == b'A' { b'B' } else { b'A' };
        refused(page(&desk, &String::from_utf8(edited).expect("base64url")));
    }
    refused(page(&desk, &cursor[1..]));
    refused(page(&desk, "AAAA"));
    // A place in the clear, as one could write it oneself.
    let plain = [&[1], &i32::MIN.to_be_bytes()[..], &[0; 16]].concat();
    refused(page(&desk, &BASE64_URL_SAFE_NO_PAD.encode(plain)));
    refused(page(&demo.role("protection_officer"), &cursor));
    let feed = desk.get("/v1/due?limit=2").expect(200).text_of("next").to_owned();
    page(&desk, &feed).expect(200);
    let foreign = worker.query(&question(worker.grid()), REGISTRATION).expect(200);
    refused(page(&desk, foreign.text_of("cursor")));
    page(&desk, &cursor).expect(200);
}

#[test]
fn cursor_gives_no_right_that_its_holder_lost() {
    let demo = shared();
    let grid = demo.worker(3).grid().to_owned();
    for _ in 0..4 {
        demo.worker(3).create(&adult(&grid)).expect(201);
    }
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(1_500);
    let places = json!([{"role": "grid_worker", "area": grid, "to": soon.to_string()}]);
    let passing = placed(demo, &places);
    let body = question(&grid);
    let first = passing.query(&body, REGISTRATION).expect(200);
    let more = next(&body, &first).expect("more than two people");
    super::harness::await_until("the assignment ends", || {
        passing.query(&more, REGISTRATION).status == 403
    });
    passing.query(&more, REGISTRATION).refused(403, "denied");
}
