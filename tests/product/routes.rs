//! The door as a whole: every route of the table, with every kind of caller.
//! Never lists routes by hand: what is added to the table is walked here the same day.
//! A stranger learns nothing from a route but that it is a stranger.

use super::actor::Actor;
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, shared};
use super::requests::{Aim, Request, guarded, plausible};
use super::tokens::forgeries;
use super::wire::send_from;
use gridvault::http::{Guard, ROUTES};
use serde_json::json;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Refusals of one source that get an entry of their own in a minute.
const BUDGET: usize = 20;

fn aim<'a>(demo: &'a Demo, worker: &'a Actor) -> Aim<'a> {
    Aim { record: demo.sample_record(), grid: worker.grid(), actor: &worker.id }
}

/// A request without its body, so that nothing is left to be sent when it is turned away.
fn send(source: Ipv4Addr, demo: &Demo, request: &Request, authorization: &[String]) -> Reply {
    let mut bytes = request.head();
    for value in authorization {
        bytes.push_str(&format!("authorization: {value}\r\n"));
    }
    let body = request.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let length = body.len();
    bytes.push_str("content-type: application/json\r\nconnection: close\r\n");
    bytes.push_str(&format!("content-length: {length}\r\n\r\n{body}"));
    send_from(source, demo.url(), bytes.as_bytes())
}

/// Every answer is the same 401 of that code, and each has its entry.
fn all_turned_away(demo: &Demo, code: &str, replies: &[(String, Reply)]) {
    let bodies: BTreeSet<String> =
        replies.iter().map(|(_, reply)| reply.without_ids().to_string()).collect();
    assert_eq!(bodies.len(), 1, "{bodies:#?}");
    for (what, reply) in replies {
        assert_eq!((reply.status, reply.code()), (401, code), "{what}");
        assert_eq!(reply.header("www-authenticate"), "Bearer", "{what}");
        assert_eq!(reply.header("content-type"), "application/problem+json", "{what}");
    }
    let indexes: BTreeSet<u64> = replies.iter().map(|(_, reply)| reply.index()).collect();
    assert_eq!(indexes.len(), replies.len(), "an entry each");
    let (first, last) = (indexes.first().expect("some"), indexes.last().expect("some"));
    let entries = demo.entries_between(*first, *last);
    for index in &indexes {
        let place = usize::try_from(index - first).expect("a few");
        let entry = &entries[place];
        assert_eq!(entry["seq"], *index);
        assert_eq!(happened(entry), "auth.failed denied");
        assert_eq!(entry["why"], code);
        for member in ["who", "role", "rec", "pur", "typ", "grid", "fld"] {
            assert!(entry[member].is_null(), "{member} in the entry of a stranger");
        }
    }
}

#[test]
fn no_forged_token_opens_any_guarded_route() {
    let demo = shared();
    let worker = demo.worker(1);
    let kinds = forgeries(&worker, &demo.head(1), demo.log_key());
    assert!(kinds.len() <= BUDGET, "more kinds than one source may try");
    let mut replies = Vec::new();
    for (number, route) in (1..).zip(guarded()) {
        let request = plausible(route, &aim(demo, &worker));
        for (kind, authorization) in &kinds {
            let source = Ipv4Addr::new(127, 1, 0, number);
            let reply = send(source, demo, &request, authorization);
            replies.push((format!("{kind} at {} {}", route.method, route.path), reply));
        }
    }
    all_turned_away(demo, "token_invalid", &replies);
}

#[test]
fn token_that_ended_opens_no_guarded_route() {
    let demo = shared();
    let worker = super::tokens::ended(demo);
    let authorization = [format!("Bearer {}", worker.token)];
    let replies: Vec<(String, Reply)> = guarded()
        .enumerate()
        .map(|(number, route)| {
            let request = plausible(route, &aim(demo, &worker));
            let what = format!("{} {}", route.method, route.path);
            // No source tries more than its budget.
            let source = Ipv4Addr::new(127, 5, 0, 1 + (number / BUDGET) as u8);
            (what, send(source, demo, &request, &authorization))
        })
        .collect();
    all_turned_away(demo, "token_expired", &replies);
}

#[test]
fn unknown_path_and_unknown_method_turn_a_stranger_away_alike() {
    let demo = shared();
    let worker = demo.worker(1);
    let kinds = forgeries(&worker, &demo.head(1), demo.log_key());
    let mut replies = Vec::new();
    let unknown = [
        ("GET", "/"),
        ("GET", "/v1"),
        ("GET", "/v1/records"),
        ("POST", "/v1/records/"),
        ("PUT", "/v1/records"),
        ("GET", "/v1/records/match"),
        ("GET", "/v1/../healthz"),
        ("OPTIONS", "/v1/records"),
        ("DELETE", "/v1/audit/entries"),
        ("POST", "/log/checkpoint/"),
        ("GET", "/console/"),
    ];
    for (number, (method, path)) in (1..).zip(unknown) {
        let path = path.to_owned();
        let request = Request { method, path, purpose: None, conditional: false, body: None };
        for (kind, authorization) in kinds.iter().take(4) {
            let reply = send(Ipv4Addr::new(127, 2, 0, number), demo, &request, authorization);
            replies.push((format!("{kind} at {method} {}", request.path), reply));
        }
    }
    all_turned_away(demo, "token_invalid", &replies);
}

#[test]
fn what_is_open_tells_a_stranger_its_methods_and_a_forger_nothing() {
    let demo = shared();
    let source = Ipv4Addr::new(127, 6, 0, 1);
    let open = ROUTES.iter().filter(|route| route.guard != Guard::Token);
    for route in open {
        let path = route.path.replace("{level}", "0").replace("{tile}", "x001/000.p/5");
        let request =
            Request { method: "DELETE", path, purpose: None, conditional: false, body: None };
        let reply = send(source, demo, &request, &[]).refused(405, "method_not_allowed");
        let allowed: Vec<&str> = reply.header("allow").split(',').map(str::trim).collect();
        assert!(allowed.contains(&route.method.as_str()), "{}: {allowed:?}", route.path);
        let entry = demo.entry_of(&reply);
        assert_eq!((happened(&entry), &entry["who"]), ("auth.failed denied".into(), &json!(null)));
        let forged = send(source, demo, &request, &["Bearer x".to_owned()]);
        forged.refused(401, "token_invalid");
    }
}

#[test]
fn known_caller_is_told_of_an_unknown_path_and_method_and_both_are_recorded() {
    let demo = shared();
    let worker = demo.worker(4);
    let mut replies = Vec::new();
    for path in ["/", "/v1", "/v1/records/", "/v1/subjects/1/copy", "/admin", "/v1/records/a/b"] {
        replies.push(worker.get(path).refused(404, "not_found"));
    }
    for (method, path) in [
        ("PUT", "/v1/records"),
        ("DELETE", "/v1/households"),
        ("POST", "/v1/purposes"),
        ("POST", "/openapi.json"),
    ] {
        let reply = worker.call(method, path).send().refused(405, "method_not_allowed");
        let routes = ROUTES.iter().filter(|route| route.path == path);
        for route in routes {
            let allowed: Vec<&str> = reply.header("allow").split(',').map(str::trim).collect();
            assert!(allowed.contains(&route.method.as_str()), "{method} {path}: {allowed:?}");
        }
        replies.push(reply);
    }
    for reply in replies {
        let entry = demo.entry_of(&reply);
        assert_eq!(happened(&entry), "access.denied denied");
        assert_eq!((&entry["who"], &entry["why"]), (&json!(worker.id), &json!(reply.code())));
    }
}

#[test]
fn every_use_of_a_guarded_route_leaves_an_entry_of_its_caller() {
    let demo = shared();
    let worker = demo.worker(4);
    let record = worker.create(&super::bodies::adult(worker.grid())).expect(201);
    let aim = Aim { record: record.text_of("id"), grid: worker.grid(), actor: &worker.id };
    let mut replies = Vec::new();
    for actor in [&worker, &demo.role("security_admin"), &demo.role("compliance_auditor")] {
        for route in guarded() {
            let reply = plausible(route, &aim).by(actor).send();
            replies.push((actor.clone(), format!("{} {}", route.method, route.path), reply));
        }
    }
    for (actor, route, reply) in replies {
        let what = format!("{} at {route}: {}", actor.role, reply.text);
        assert!(reply.status < 500, "{what}");
        let entry = demo.entry_of(&reply);
        assert_eq!(entry["who"], json!(actor.id), "{what}");
        let outcome = if reply.status < 300 { "success" } else { "denied" };
        assert_eq!(entry["out"], outcome, "{what}");
        if outcome == "success" {
            let receipt = format!("{}#{}", demo.origin(), reply.index());
            // A batch has as many receipts as lines, each in its answer.
            let in_head = if route.ends_with("/batch") { "" } else { receipt.as_str() };
            assert_eq!(reply.header("audit-receipt"), in_head, "{what}");
        } else {
            assert_eq!(entry["why"], reply.code(), "{what}");
        }
    }
}

#[test]
fn open_routes_answer_everyone_and_have_no_receipt() {
    let demo = shared();
    let open: Vec<&str> =
        ROUTES.iter().filter(|route| route.guard == Guard::Open).map(|route| route.path).collect();
    let known = ["/healthz", "/readyz", "/openapi.json", "/log/checkpoint", "/log/minimum"];
    assert_eq!(open, [&known[..], &["/log/tile/{level}/{tile}"]].concat());
    for path in known.into_iter().chain(["/log/tile/0/000"]) {
        let reply = demo.get(path).expect(200);
        assert_eq!(reply.header("audit-receipt"), "");
        assert!(reply.body["receipt"].is_null());
    }
    assert_eq!(demo.get("/healthz").body, json!({"status": "alive"}));
    assert_eq!(demo.get("/readyz").body, json!({"status": "ready"}));
    let checkpoint = demo.get("/log/checkpoint");
    assert_eq!(checkpoint.text.lines().next(), Some(demo.origin()));
    assert_eq!(checkpoint.header("cache-control"), "no-cache");
}

#[test]
fn strangers_beyond_their_budget_are_refused_and_only_counted() {
    let demo = shared();
    let request = Request {
        method: "GET",
        path: "/v1/purposes".to_owned(),
        purpose: None,
        conditional: false,
        body: None,
    };
    // Twice the budget, in case a minute ends in between.
    let replies: Vec<Reply> = (0..2 * BUDGET + 1)
        .map(|_| send(Ipv4Addr::new(127, 3, 0, 1), demo, &request, &[]))
        .collect();
    assert!(replies.iter().all(|reply| reply.status == 401));
    let recorded = replies.iter().filter(|reply| !reply.body["audit_index"].is_null()).count();
    assert!((BUDGET..=2 * BUDGET).contains(&recorded), "{recorded} have an entry");
    let bodies: BTreeSet<String> =
        replies.iter().map(|reply| reply.without_ids().to_string()).collect();
    assert_eq!(bodies.len(), 1);
}

#[test]
fn a_member_of_a_query_string_that_a_route_does_not_know_is_refused_and_not_passed_over() {
    let demo = shared();
    let worker = demo.worker(4);
    let record = worker.create(&super::bodies::adult(worker.grid())).expect(201);
    let aim = Aim { record: record.text_of("id"), grid: worker.grid(), actor: &worker.id };
    let document = demo.get("/openapi.json").expect(200).body;
    let mut asked = 0;
    for route in guarded().filter(|route| route.path.starts_with("/v1/")) {
        let method = route.method.as_str().to_lowercase();
        let parameters = document["paths"][route.path][&method]["parameters"].as_array();
        if parameters.is_some_and(|all| all.iter().any(|one| one["in"] == "query")) {
            continue;
        }
        let mut request = plausible(route, &aim);
        request.path.push_str("?limit=1");
        let reply = request.by(&worker).send().refused(400, "schema_invalid");
        assert_eq!(demo.entry_of(&reply)["who"], json!(worker.id), "{}", route.path);
        asked += 1;
    }
    assert!(asked > 40, "most routes take no query: {asked}");
    worker.get("/v1/tasks?").expect(200);
}

#[test]
fn a_route_fits_its_own_paths_and_none_with_a_part_more_or_less() {
    for route in ROUTES {
        let filled = |part| if str::starts_with(part, '{') { "öd-7" } else { part };
        let parts: Vec<&str> = route.path.split('/').map(filled).collect();
        let path = parts.join("/");
        assert!(route.fits(route.path) && route.fits(&path), "{path}");
        assert_eq!(route.fits(&format!("{path}/x")), route.path.ends_with("{tile}"), "{path}");
        assert!(!route.fits(&parts[..parts.len() - 1].join("/")), "shorter than {path}");
        assert!(!route.fits(&format!("/x{path}")) && !route.fits(""), "{path}");
    }
}
