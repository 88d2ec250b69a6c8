//! Heads that must not get in: versions, purposes, paths, query strings and headers that only look right.
//! Never a second meaning: a header comes once, a path names one route, a query has the members that the call knows.
//! Every table ends with the record as it was and the log without a write.

use super::bad_input::{Untouched, vault};
use super::bodies::{REGISTRATION, adult, unknown_id};
use super::client::{Call, Reply};
use super::requests::{Aim, guarded, plausible};
use gridvault::limits::{QUERY_BYTES_MAX, READ_FIELDS_COUNT_MAX};
use serde_json::json;

fn path(kept: &Untouched) -> String {
    format!("/v1/records/{}", kept.record)
}

/// A change and a removal under these tags.
fn writes(kept: &Untouched, tags: &[&str]) -> [(&'static str, Reply); 2] {
    let tagged = |call: Call| tags.iter().fold(call, |call, tag| call.header("if-match", tag));
    let change = json!({"fields": {"residence_kind": "floating"}});
    let reason = json!({"reason": "collected in error"});
    let call = |method| tagged(kept.actor.call(method, &path(kept)).purpose(REGISTRATION));
    [("PATCH", call("PATCH").json(&change).send()), ("DELETE", call("DELETE").json(&reason).send())]
}

#[test]
fn version_that_is_missing_weak_stale_or_malformed_changes_nothing() {
    let mut kept = Untouched::by("grid_head");
    for (tags, status, code) in [
        (&[][..], 428, "version_conflict"),
        (&["W/\"1\""], 412, "version_conflict"),
        (&["W/\"0\""], 412, "version_conflict"),
        (&["\"2\""], 412, "version_conflict"),
        (&["\"18446744073709551615\""], 412, "version_conflict"),
        (&["w/\"1\""], 400, "schema_invalid"),
        (&["\"0\""], 400, "schema_invalid"),
        (&["\"01\""], 400, "schema_invalid"),
        (&["\"1"], 400, "schema_invalid"),
        (&["1\""], 400, "schema_invalid"),
        (&["'1'"], 400, "schema_invalid"),
        (&["1"], 400, "schema_invalid"),
        (&["*"], 400, "schema_invalid"),
        (&[""], 400, "schema_invalid"),
        (&["\"\""], 400, "schema_invalid"),
        (&["\"1 \""], 400, "schema_invalid"),
        (&["\"-1\""], 400, "schema_invalid"),
        (&["\"1.0\""], 400, "schema_invalid"),
        (&["\"0x1\""], 400, "schema_invalid"),
        (&["\"1\",\"2\""], 400, "schema_invalid"),
        (&["\"1\", W/\"1\""], 400, "schema_invalid"),
        (&["\"18446744073709551616\""], 400, "schema_invalid"),
        (&["\"1\"", "\"1\""], 400, "schema_invalid"),
        (&["\"2\"", "\"1\""], 400, "schema_invalid"),
    ] {
        for (method, reply) in writes(&kept, tags) {
            kept.refused(format!("{method} under {tags:?}"), reply, status, code);
        }
    }
    kept.holds();
}

#[test]
fn purpose_that_only_looks_right_opens_nothing() {
    let mut kept = Untouched::by("grid_head");
    let read = format!("{}?fields=name", path(&kept));
    let body = adult(kept.actor.grid());
    for purposes in [
        &["RESIDENCE_REGISTRATION"][..],
        &["residence-registration"],
        &["residence_registration,household_contact"],
        &["residence_registration;household_contact"],
        &["residence_registration\tx"],
        &["\"residence_registration\""],
        &["residence_registration%00"],
        &["residence_registration", "residence_registration"],
        &["residence_registration", "safety_inspection"],
        &["*"],
        &[""],
        &["../purposes"],
        &["control"],
    ] {
        let named = |call: Call| purposes.iter().fold(call, |call, one| call.purpose(one));
        let reply = named(kept.actor.call("GET", &read)).send();
        kept.refused(format!("read for {purposes:?}"), reply, 400, "purpose_unknown");
        let reply = named(kept.actor.call("POST", "/v1/records")).json(&body).send();
        kept.refused(format!("create for {purposes:?}"), reply, 400, "purpose_unknown");
    }
    let reply = kept.actor.call("GET", &read).header("x-purpose", REGISTRATION).send();
    kept.refused("another header", reply, 400, "purpose_missing");
    kept.holds();
}

#[test]
fn path_that_only_looks_like_a_record_names_none() {
    let mut kept = Untouched::by("grid_worker");
    let id = kept.record.clone();
    let read = |id: &str| {
        kept.actor
            .call("GET", &format!("/v1/records/{id}?fields=name"))
            .purpose(REGISTRATION)
            .send()
    };
    let compact = id.replace('-', "");
    let mut replies: Vec<(String, Reply)> = Vec::new();
    for named in [
        id.to_uppercase(),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        compact.clone(),
        format!("%20{id}"),
        format!("{id}%20"),
        format!("{id}%00"),
        format!("%00{id}"),
        format!("{id}%0d%0apurpose:x"),
        format!("{id}.json"),
        format!("{id};v=1"),
        format!("0x{compact}"),
        "00000000-0000-0000-0000-000000000000".to_owned(),
        "ffffffff-ffff-ffff-ffff-ffffffffffff".to_owned(),
        id.replacen('-', "%2d", 1).replace("%2d", "‐").replace('‐', "%E2%80%90"),
        "1".to_owned(),
        "..".to_owned(),
        "%2e%2e".to_owned(),
        format!("..%2frecords%2f{id}"),
        "'%20or%20'1'='1".to_owned(),
        "%ff%fe".to_owned(),
        unknown_id(),
    ] {
        replies.push((named.clone(), read(&named)));
    }
    for (what, reply) in replies {
        kept.refused(what, reply, 404, "not_found");
    }
    let other = |path: String| kept.actor.call("GET", &path).purpose(REGISTRATION).send();
    let replies = [
        other(format!("/v1/records/{id}/?fields=name")),
        other(format!("/v1//records/{id}?fields=name")),
        other(format!("//v1/records/{id}?fields=name")),
        other(format!("/v1/records/{id}/name")),
        other(format!("/V1/records/{id}?fields=name")),
        other(format!("/v1/records/x/../{id}/y?fields=name")),
        other("/v1/records/".to_owned()),
        other("/v1".to_owned()),
        other("/".to_owned()),
    ];
    for (number, reply) in replies.into_iter().enumerate() {
        kept.refused(format!("another path {number}"), reply, 404, "not_found");
    }
    kept.holds();
}

#[test]
fn name_that_is_no_text_is_refused_like_any_unknown_name_on_every_route() {
    let demo = vault();
    let (admin, auditor) = (demo.role("security_admin"), demo.role("compliance_auditor"));
    let (lead, desk) = (demo.role("community_cadre"), demo.role("resident_desk"));
    let system = demo.role("system_admin");
    let mut tried = 0;
    for route in guarded().filter(|route| route.path.contains('{')) {
        let worker = demo.head(1);
        let actor = match route.path {
            path if path.ends_with("/confirm") => &lead,
            path if path.starts_with("/v1/admin/keys") && !path.ends_with("/decide") => &system,
            path if path.starts_with("/v1/admin") => &admin,
            path if path.starts_with("/v1/subjects") => &desk,
            path if path.starts_with("/v1/erasures") || path.starts_with("/v1/restraints") => &desk,
            path if path.starts_with("/v1/audit") || path.starts_with("/log") => &auditor,
            _ => &worker,
        };
        let aim = Aim { record: "%ff%fe", grid: worker.grid(), actor: "%ff%fe" };
        let mut request = plausible(route, &aim);
        for (right, wrong) in [
            ("/person", "/%ff"),
            ("/receipts/1/", "/receipts/%ff/"),
            ("/entries/1", "/entries/%ff"),
            ("/entries/000", "/entries/%ff"),
        ] {
            request.path = request.path.replace(right, wrong);
        }
        let reply = request.by(actor).send();
        assert_eq!(
            (reply.status, reply.code()),
            (404, "not_found"),
            "{}: {}",
            route.path,
            reply.text
        );
        assert_eq!(demo.entry_of(&reply)["why"], "not_found");
        tried += 1;
    }
    assert!(tried >= 6, "{tried}");
}

#[test]
fn query_that_only_looks_right_reads_nothing() {
    let mut kept = Untouched::by("grid_worker");
    let read = |query: &str| {
        kept.actor.call("GET", &format!("{}?{query}", path(&kept))).purpose(REGISTRATION).send()
    };
    let list = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("f{number}")).collect();
        format!("fields={}", names.join(","))
    };
    let mut replies: Vec<(String, Reply)> = Vec::new();
    for query in [
        "",
        "fields",
        "fields=",
        "fields=,",
        "fields=name,",
        "fields=name,name",
        "fields=name&fields=phone",
        "fields=name&other=1",
        "fields=name&access_token=x",
        "Fields=name",
        "fields=Name",
        "fields=n%61me",
        "fields=name%00",
        "fields=name+phone",
        "fields=*",
        "fields=name;phone",
        "fields[]=name",
        "fields=name&limit=1",
        &list(READ_FIELDS_COUNT_MAX + 1),
        &format!("fields={}", "a".repeat(QUERY_BYTES_MAX)),
    ] {
        replies.push((query.to_owned(), read(query)));
    }
    for (what, reply) in replies {
        kept.refused(what, reply, 400, "schema_invalid");
    }
    kept.holds();
}

#[test]
fn header_of_another_system_gives_nothing() {
    let mut kept = Untouched::by("grid_worker");
    let other = vault().head(1);
    for (name, value) in [
        ("x-forwarded-user", other.id.as_str()),
        ("x-remote-user", "admin"),
        ("x-http-method-override", "DELETE"),
        ("x-original-url", "/v1/admin/actors"),
        ("x-rewrite-url", "/v1/admin/actors"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-role", "grid_head"),
        ("x-request-id", "00000000-0000-0000-0000-000000000000"),
        ("request-id", "00000000-0000-0000-0000-000000000000"),
        ("cookie", "token=x; role=grid_head"),
    ] {
        // The worker may not remove, whoever it says that it is and whatever it says that it asks.
        let call = kept.actor.call("DELETE", &path(&kept)).purpose(REGISTRATION).version(1);
        let reply = call.header(name, value).json(&json!({"reason": "collected in error"})).send();
        assert_ne!(reply.header("request-id"), value, "the caller chose the id");
        kept.refused(name, reply, 403, "denied");
    }
    kept.holds();
}
