//! The change feed: a client that follows it learns of every record that it holds, and of nothing else.
//! Never a value, never another grid, and never a record that is held for another purpose.
//! A cursor is good for ever, for its holder and purpose alone.

use super::actor::Actor;
use super::bodies::{CONTACT, REGISTRATION, SAFETY, adult, contact, fresh_phone, place};
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, shared};
use super::query::placed;
use gridvault::limits::QUERY_PAGE_COUNT_MAX;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// More pages than any test's area has.
const PAGES_COUNT_MAX: usize = 200;

/// Version and removal of every record that a feed told, and the cursor behind it.
fn follow(
    actor: &Actor,
    since: Option<&str>,
    limit: usize,
    purpose: &str,
) -> (BTreeMap<String, (u64, bool)>, String) {
    let mut known = BTreeMap::new();
    let cursor = each_change(actor, since, limit, purpose, |change| {
        let id = change["id"].as_str().expect("an id").to_owned();
        let version = change["version"].as_u64().expect("a version");
        known.insert(id, (version, change["removed"] == true));
    });
    (known, cursor)
}

/// Walks through a feed to its end; gives the cursor behind it.
fn each_change(
    actor: &Actor,
    since: Option<&str>,
    limit: usize,
    purpose: &str,
    mut told: impl FnMut(&Value),
) -> String {
    let mut since = since.map(str::to_owned);
    for _ in 0..PAGES_COUNT_MAX {
        let page = actor.changes(since.as_deref(), limit, purpose).expect(200);
        let changes = page.body["changes"].as_array().expect("a list of changes");
        assert!(changes.len() <= limit);
        changes.iter().for_each(&mut told);
        let cursor = page.text_of("cursor").to_owned();
        if page.body["more"] == false {
            return cursor;
        }
        since = Some(cursor);
    }
    panic!("the feed does not end");
}

fn id(reply: &Reply) -> String {
    reply.text_of("id").to_owned()
}

#[test]
fn client_that_follows_knows_every_record_with_its_last_version_once() {
    let demo = shared();
    let (worker, head) = (demo.worker(3), demo.head(3));
    let (_, before) = follow(&worker, None, 50, REGISTRATION);
    let [kept, changed, removed] =
        [0, 1, 2].map(|_| id(&worker.create(&adult(worker.grid())).expect(201)));
    let fields = json!({"residence_kind": "floating"});
    worker.patch(&changed, 1, REGISTRATION, fields.clone()).expect(200);
    worker.patch(&changed, 2, REGISTRATION, json!({"name": "欧阳兰"})).expect(200);
    head.delete(&removed, 1, REGISTRATION).expect(200);
    for limit in [1, 2, 50] {
        let (known, _) = follow(&worker, Some(&before), limit, REGISTRATION);
        assert_eq!(known[&kept], (1, false), "pages of {limit}");
        assert_eq!(known[&changed], (3, false));
        assert_eq!(known[&removed], (2, true));
    }
    // From the beginning each record comes once, with its last change.
    for record in [&kept, &changed, &removed] {
        let mut times = 0;
        each_change(&worker, None, QUERY_PAGE_COUNT_MAX, REGISTRATION, |change| {
            times += usize::from(change["id"] == json!(record));
        });
        // One that is gone may be told of to whoever knew it; to who begins it is nothing.
        assert!(times == 1 || (times == 0 && record == &removed), "{times} times");
    }
    let (_, after) = follow(&worker, Some(&before), 50, REGISTRATION);
    worker.patch(&kept, 1, REGISTRATION, fields).expect(200);
    let (known, _) = follow(&worker, Some(&after), 50, REGISTRATION);
    assert_eq!(known[&kept], (2, false));
    assert!(!known.contains_key(&changed));
}

#[test]
fn feed_is_of_the_own_grid_and_of_what_is_held_for_the_purpose() {
    let demo = shared();
    let (worker, neighbour) = (demo.worker(1), demo.worker(2));
    let grid = worker.grid().to_owned();
    let registered = id(&worker.create(&adult(&grid)).expect(201));
    let called = id(&worker.create(&contact(&grid, &fresh_phone())).expect(201));
    let inspected = id(&worker.create(&place(&grid)).expect(201));
    let other = id(&neighbour.create(&adult(neighbour.grid())).expect(201));
    let known = |actor: &Actor, purpose| follow(actor, None, 256, purpose).0;
    let held = known(&worker, REGISTRATION);
    assert!(held.contains_key(&registered));
    assert!(![&called, &inspected, &other].iter().any(|id| held.contains_key(*id)));
    assert!(known(&worker, CONTACT).contains_key(&called));
    assert!(!known(&worker, CONTACT).contains_key(&registered));
    assert!(known(&worker, SAFETY).contains_key(&inspected));
    let street = known(&demo.role("street_operator"), REGISTRATION);
    assert!(street.contains_key(&registered) && street.contains_key(&other));
    for role in
        ["city_platform", "compliance_auditor", "system_admin", "security_admin", "audit_admin"]
    {
        demo.role(role).changes(None, 10, REGISTRATION).refused(403, "denied");
    }
    demo.head(2).delete(&other, 1, REGISTRATION).expect(200);
    assert!(!known(&worker, REGISTRATION).contains_key(&other), "not even that it is gone");
}

#[test]
fn feed_gives_ids_and_versions_and_its_entry_names_the_records() {
    let demo = shared();
    let worker = demo.worker(4);
    let (_, before) = follow(&worker, None, 256, REGISTRATION);
    let stored = worker.create(&adult(worker.grid())).expect(201);
    // Its own, since others write in the same grid meanwhile.
    let page = worker.changes(Some(&before), 1, REGISTRATION).expect(200);
    let change = &page.body["changes"][0];
    let members: Vec<&String> = change.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["id", "type", "version"]);
    let entry = demo.entry_of(&page);
    assert_eq!(happened(&entry), "data.changes success");
    assert_eq!((&entry["n"], &entry["fld"]), (&json!(1), &Value::Null));
    assert_eq!(entry["rec"].as_array().map(Vec::len), Some(1));
    assert_eq!(entry["rule"], "grid_worker/changes");
    let (known, _) = follow(&worker, Some(&before), 10, REGISTRATION);
    assert!(known.contains_key(stored.text_of("id")));
}

#[test]
fn cursor_of_the_feed_serves_its_holder_and_purpose_alone() {
    let demo = shared();
    let worker = demo.worker(1);
    let page = worker.changes(None, 1, REGISTRATION).expect(200);
    let cursor = page.text_of("cursor");
    let refused = |reply: Reply| {
        assert_eq!(reply.refused(400, "schema_invalid").pointers(), ["cursor: wrong_cursor"]);
    };
    refused(demo.head(1).changes(Some(cursor), 1, REGISTRATION));
    refused(worker.changes(Some(cursor), 1, CONTACT));
    refused(worker.changes(Some(&cursor[1..]), 1, REGISTRATION));
    refused(worker.changes(Some("A"), 1, REGISTRATION));
    let query = json!({"type": "person", "fields": ["name"], "cursor": cursor});
    refused(worker.query(&query, REGISTRATION));
    // A list's cursor is none of the feed's.
    let list =
        worker.query(&json!({"type": "person", "fields": ["name"], "limit": 1}), REGISTRATION);
    let list = list.expect(200);
    refused(worker.changes(Some(list.text_of("cursor")), 1, REGISTRATION));
    for wrong in ["limit=0", "limit=257", "limit=x", "record=1", "since=a&since=b"] {
        let call = worker.call("GET", &format!("/v1/changes?{wrong}")).purpose(REGISTRATION);
        call.send().refused(400, "schema_invalid");
    }
    worker.changes(Some(cursor), QUERY_PAGE_COUNT_MAX, REGISTRATION).expect(200);
}

#[test]
fn head_of_two_grids_follows_both() {
    let demo = shared();
    let (one, two) = (demo.worker(2), demo.worker(5));
    let places = json!([{"role": "grid_head", "area": one.grid()}, {"role": "grid_head", "area": two.grid()}]);
    let head = placed(demo, &places);
    let (_, before) = follow(&head, None, 256, REGISTRATION);
    let records = [&one, &two].map(|worker| id(&worker.create(&adult(worker.grid())).expect(201)));
    for limit in [1, 256] {
        let (known, _) = follow(&head, Some(&before), limit, REGISTRATION);
        assert!(records.iter().all(|id| known.contains_key(id)), "pages of {limit}");
    }
}

#[test]
fn feed_goes_on_after_a_restart_and_after_a_kill() {
    let mut demo = Demo::own();
    let grid = demo.worker(1).grid().to_owned();
    let before = follow(&demo.worker(1), None, 256, REGISTRATION).0;
    let stored = id(&demo.worker(1).create(&adult(&grid)).expect(201));
    let gone = id(&demo.worker(1).create(&adult(&grid)).expect(201));
    demo.head(1).delete(&gone, 1, REGISTRATION).expect(200);
    demo.kill();
    demo.start_again();
    let (after, _) = follow(&demo.worker(1), None, 256, REGISTRATION);
    assert_eq!(after[&stored], (1, false));
    assert_eq!(after[&gone], (2, true));
    assert_eq!(after.len(), before.len() + 2, "each record has one place");
}
