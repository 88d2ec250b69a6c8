//! One plausible request for each route of the table: what a client of that route sends.
//! Never leaves a route out: one that is not known here fails every test that walks the table.
//! Bodies are right, so that a refusal has no other reason than the caller.

use super::actor::Actor;
use super::bodies::{
    CONTACT, CORRECTION, EMPLOYMENT, REGISTRATION, RIGHTS, adult, basis, consent, fresh_number,
    fresh_phone, today,
};
use super::client::Call;
use gridvault::http::{Guard, ROUTES, Route};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// A request before it has a caller.
pub struct Request {
    /// Its method.
    pub method: &'static str,
    /// Its path, with values in place of names.
    pub path: String,
    /// Its purpose.
    pub purpose: Option<&'static str>,
    /// Whether it expects version 1.
    pub conditional: bool,
    /// Its body.
    pub body: Option<Value>,
}

/// What a request is about.
pub struct Aim<'a> {
    /// A record of a person.
    pub record: &'a str,
    /// The grid of new records.
    pub grid: &'a str,
    /// An actor that acts of administration are about.
    pub actor: &'a str,
}

/// Calls that look at something and need no purpose.
const LOOKS: &[&str] = &[
    "/v1/due",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/log/checkpoint",
    "/log/minimum",
    "/log/tile/{level}/{tile}",
    "/log/tile/entries/{tile}",
    "/v1/schemas/{type}",
    "/v1/code-lists",
    "/v1/purposes",
    "/v1/tasks",
    "/v1/approvals",
    "/v1/delegations",
    "/v1/break-glass",
    "/v1/receipts/{index}/proof",
    "/v1/audit/entries",
    "/v1/audit/export",
    "/v1/audit/anomalies",
    "/v1/audit/reviews",
    "/v1/audit/reviews/{review}",
    "/v1/audit/reviews/{review}/entries",
    "/v1/audit/rectifications",
    "/v1/audit/report",
    "/v1/audit/entries/{index}",
    "/v1/audit/entries/{index}/proof",
    "/v1/actor",
    "/v1/admin/actors",
    "/v1/admin/official-requests",
    "/v1/admin/assignments/expiring",
    "/v1/admin/grids/vacant",
    "/v1/admin/policies/matrix",
    "/v1/admin/keys/status",
];

/// Steps that say everything by their path.
const STEPS: &[&str] = &[
    "/v1/tasks/{id}/accept",
    "/v1/tasks/{id}/return",
    "/v1/tasks/{id}/close",
    "/v1/delegations/{id}/accept",
    "/v1/delegations/{id}/end",
    "/v1/break-glass/{id}/end",
    "/v1/audit/index/rebuild",
    "/v1/admin/actors/{id}/codes",
    "/v1/admin/keys/jobs/{id}/pause",
    "/v1/admin/keys/jobs/{id}/resume",
    "/v1/admin/keys/jobs/{id}/cancel",
];

/// What is taken from the vault's own host alone.
const FROM_HOST: [&str; 2] = ["/v1/admin/unseal", "/v1/admin/keys/ways"];

/// The routes that need a token.
pub fn guarded() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.guard == Guard::Token)
}

/// A request to a route. The whole table is known here.
pub fn plausible(route: &Route, aim: &Aim<'_>) -> Request {
    let method = route.method.as_str();
    let (purpose, conditional, body) = match (method, route.path) {
        ("GET", "/v1/records/{id}") => (Some(REGISTRATION), false, None),
        ("PATCH", "/v1/records/{id}") => {
            (Some(REGISTRATION), true, Some(json!({"fields": {"residence_kind": "floating"}})))
        }
        ("DELETE", "/v1/records/{id}") => {
            (Some(REGISTRATION), true, Some(json!({"reason": "collected in error"})))
        }
        ("POST", "/v1/records") => (Some(REGISTRATION), false, Some(adult(aim.grid))),
        ("POST", "/v1/records/batch") => (Some(REGISTRATION), false, Some(adult(aim.grid))),
        ("POST", "/v1/records/match") => {
            let body = json!({"type": "person", "field": "phone", "value": fresh_phone()});
            (Some(REGISTRATION), false, Some(body))
        }
        ("POST", "/v1/counter-checks") => {
            let number = fresh_number("1970-02-03");
            let body = json!({"field": "id_number", "value": number, "fields": ["name"]});
            (Some(EMPLOYMENT), false, Some(body))
        }
        (
            "GET",
            "/v1/subjects/{id}/consents"
            | "/v1/subjects/{id}/report"
            | "/v1/subjects/{id}/accesses",
        ) => (Some(RIGHTS), false, None),
        ("POST", "/v1/subjects/{id}/consents") => (Some(RIGHTS), false, Some(given(aim))),
        ("POST", "/v1/subjects/{id}/consents/{consent}/withdraw") => {
            (Some(RIGHTS), false, Some(json!({"by": "self", "proof": "resident_card"})))
        }
        ("POST", "/v1/subjects/{id}/erase") => {
            let body = json!({"reason": "purpose_met", "by": "self", "proof": "resident_card"});
            (Some(RIGHTS), false, Some(body))
        }
        ("POST", "/v1/subjects/{id}/restrict") => {
            (Some(RIGHTS), false, Some(json!({"reason": "excess"})))
        }
        ("POST", "/v1/subjects/{id}/hold") => {
            let body = json!({"reason": "court_case", "document": "2026-118"});
            (Some(RIGHTS), false, Some(body))
        }
        ("POST", "/v1/restraints/{id}/release") => {
            (Some(RIGHTS), false, Some(json!({"reason": "ground_over"})))
        }
        ("POST", "/v1/restraints/{id}/carry-out") => (Some(RIGHTS), false, None),
        ("POST", "/v1/erasures/{id}/carry-out") => (Some(RIGHTS), false, None),
        ("GET", "/v1/erasures/{id}/certificate") => (Some(RIGHTS), false, None),
        ("POST", "/v1/records/query") => {
            let body = json!({"type": "person", "fields": ["name", "phone"], "limit": 5});
            (Some(REGISTRATION), false, Some(body))
        }
        ("POST", "/v1/places/{id}/occupants") => {
            (Some(REGISTRATION), false, Some(json!({"fields": ["name"]})))
        }
        ("POST", "/v1/approvals") => {
            let body = json!({"record": aim.record, "fields": ["name"], "minutes": 10});
            (Some(REGISTRATION), false, Some(body))
        }
        ("POST", "/v1/admin/official-requests") => (Some(REGISTRATION), false, Some(official(aim))),
        ("POST", "/v1/subjects/{id}/protect") => {
            (Some("rights_request"), false, Some(json!({"protected": true})))
        }
        ("POST", "/v1/break-glass") => {
            let body = json!({"tier": "alone", "event": aim.record});
            (Some("emergency_evacuation"), false, Some(body))
        }
        ("POST", "/v1/tasks") => (Some(CORRECTION), false, Some(task(aim))),
        ("GET", "/v1/changes" | "/v1/tasks/day") => (Some(REGISTRATION), false, None),
        ("POST", "/v1/households") => (Some(REGISTRATION), false, Some(household(aim.grid))),
        ("POST", "/v1/log-in") => (None, false, Some(json!({"proof": "A.A.A"}))),
        ("POST", "/v1/enrol") => (None, false, Some(json!({"code": "A".repeat(43)}))),
        ("POST", "/v1/delegations") => (None, false, Some(window(aim))),
        ("GET", path) if LOOKS.contains(&path) => (None, false, None),
        ("POST", path) => (None, false, body_of_office(path, aim)),
        other => panic!("no request is known for {other:?}"),
    };
    assert_eq!(route.purpose, purpose.is_some(), "{method} {} and its purpose", route.path);
    Request { method: method_of(route), path: path_of(route, aim), purpose, conditional, body }
}

/// The example that the document has of a call's body.
fn example(path: &str) -> Value {
    let document: Value = serde_json::from_str(include_str!("openapi.golden.json")).expect("JSON");
    document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"].clone()
}

/// The body of a call that needs no purpose.
fn body_of_office(path: &str, aim: &Aim<'_>) -> Option<Value> {
    match path {
        path if STEPS.contains(&path) => None,
        "/v1/approvals/limit" => Some(json!({"kind": "other", "people": 1, "minutes": 10})),
        "/v1/approvals/{id}/decide"
        | "/v1/admin/official-requests/{id}/decide"
        | "/v1/admin/keys/jobs/{id}/decide" => Some(json!({"decision": "grant"})),
        "/v1/admin/keys/rotate" => Some(json!({"what": "subjects"})),
        "/v1/admin/keys/ways" => Some(example("/v1/admin/keys/ways")),
        "/v1/break-glass/{id}/review" => {
            Some(json!({"finding": "justified", "note": "event_confirmed"}))
        }
        "/v1/admin/actors" => Some(newcomer()),
        "/v1/audit/evidence-packs" => Some(json!({"outcome": "denied", "day": "2026-01-05"})),
        "/v1/audit/reviews" => Some(json!({"entries": [0, 1]})),
        "/v1/audit/reviews/{review}/notes" => Some(json!({"text": "两次夜间查看，已与本人核对"})),
        "/v1/audit/reviews/{review}/escalate" => {
            Some(json!({"to": "protection_officer", "text": "请复核"}))
        }
        "/v1/audit/reviews/{review}/close" => {
            Some(json!({"outcome": "explained", "text": "属于应急值守"}))
        }
        "/v1/audit/reviews/{review}/draw" => None,
        "/v1/audit/reviews/{review}/rectifications" => {
            let due = (today() + jiff::SignedDuration::from_hours(24 * 30)).to_string();
            Some(json!({"organ": "street_office", "due": due, "text": "重新培训"}))
        }
        // An open vault says that it is open.
        "/v1/admin/unseal" => Some(json!({})),
        // Whoever means another vault seals none.
        "/v1/admin/seal" => Some(json!({"vault": "vault.example/log"})),
        "/v1/audit/rectifications/{item}/settle" => Some(json!({"text": "已培训"})),
        "/v1/admin/actors/{id}/tokens" => Some(json!({})),
        "/v1/admin/actors/{id}/assignments" => {
            Some(json!({"role": "grid_worker", "area": aim.grid}))
        }
        "/v1/admin/actors/{id}/assignments/confirm" | "/v1/admin/actors/{id}/assignments/end" => {
            Some(json!({"assignment": "AAAAAAAAAAAAAAAAAAAAAA"}))
        }
        "/v1/admin/actors/{id}/assignments/renew" => {
            let trained = (today() + jiff::SignedDuration::from_hours(24 * 30)).to_string();
            let until = format!("{trained}T00:00:00Z");
            Some(json!({"assignment": "AAAAAAAAAAAAAAAAAAAAAA", "trained_until": until}))
        }
        "/v1/admin/assignments/import" => {
            let line = json!({"actor": aim.actor, "role": "grid_worker", "area": aim.grid});
            Some(json!({"dry_run": true, "lines": [line]}))
        }
        "/v1/admin/actors/{id}/state" => Some(json!({"state": "active"})),
        "/v1/admin/policies/explain" => Some(question(aim)),
        "/v1/access/preview" => Some(json!({"type": "person", "grid": aim.grid})),
        other => panic!("no request is known for {other}"),
    }
}

fn method_of(route: &Route) -> &'static str {
    let known = ["GET", "POST", "PATCH", "DELETE"];
    let method = known.into_iter().find(|method| route.method.as_str() == *method);
    method.expect("a method of the table")
}

fn path_of(route: &Route, aim: &Aim<'_>) -> String {
    let subject = if route.path.starts_with("/v1/admin") { aim.actor } else { aim.record };
    let path = route.path.replace("{id}", subject);
    let path = path.replace("{type}", "person").replace("{index}", "1");
    let path = path.replace("{level}", "0").replace("{tile}", "000");
    let path = path.replace("{consent}", NO_REVIEW);
    let path = path.replace("{review}", NO_REVIEW).replace("{item}", NO_REVIEW);
    match (route.method.as_str(), route.path) {
        ("GET", "/v1/records/{id}") => format!("{path}?fields=name,phone,current_address"),
        ("GET", "/v1/receipts/{index}/proof") => format!("{path}?leaf={}", "A".repeat(43)),
        ("GET", "/v1/audit/entries") => format!("{path}?from=0&limit=100"),
        ("GET", "/v1/audit/report") => {
            format!("{path}?since=2026-01-01T00:00:00Z&until=2036-01-01T00:00:00Z")
        }
        ("GET", "/v1/admin/assignments/expiring") => format!("{path}?within_days=30"),
        ("GET", "/v1/audit/export") => format!("{path}?format=csv&limit=10"),
        _ => path,
    }
}

/// The id of a review that nobody opened, and of a consent that nobody gave.
const NO_REVIEW: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn household(grid: &str) -> Value {
    let person = json!({"ref": "p1", "fields": adult(grid)["fields"]});
    json!({
        "grid": grid, "basis": basis(REGISTRATION), "fields": {"kind": "family"},
        "people": [person],
    })
}

/// A consent over a record, by the id of a record, which is no subject.
fn given(aim: &Aim<'_>) -> Value {
    json!({
        "records": [aim.record], "purpose": CONTACT, "legal_basis": "household_contact_consent",
        "notice": "household_contact_notice_1", "consent": consent("self"), "proof": "resident_card",
    })
}

/// A number is to be looked up again, within the hour.
fn task(aim: &Aim<'_>) -> Value {
    let until = jiff::Timestamp::now() + std::time::Duration::from_secs(3_600);
    json!({
        "kind": "verification", "purpose": CORRECTION, "holder": aim.actor,
        "scope": {"records": [aim.record]}, "fields": ["id_number"], "until": until.to_string(),
    })
}

/// An organ asks for somebody, by the id of a record, which is no subject.
fn official(aim: &Aim<'_>) -> Value {
    let until = jiff::Timestamp::now() + std::time::Duration::from_secs(3_600);
    json!({
        "document": "1", "organ": "county_public_security", "subjects": [aim.record],
        "fields": ["name"], "until": until.to_string(),
    })
}

/// Somebody is to stand in for an hour.
fn window(aim: &Aim<'_>) -> Value {
    let until = jiff::Timestamp::now() + std::time::Duration::from_secs(3_600);
    json!({"to": aim.actor, "grid": aim.grid, "until": until.to_string()})
}

fn newcomer() -> Value {
    json!({"login": fresh_login(), "kind": "person", "assignments": [
        {"role": "grid_worker", "area": "8801020010010005"},
    ]})
}

/// A log-in name that nobody has yet.
pub fn fresh_login() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("newcomer-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn question(aim: &Aim<'_>) -> Value {
    json!({
        "actor": aim.actor, "purpose": REGISTRATION, "type": "person", "grid": aim.grid,
        "action": "read", "fields": ["name", "id_number"],
    })
}

impl Request {
    /// The request of an actor.
    pub fn by(&self, actor: &Actor) -> Call {
        let mut call = actor.call(self.method, &self.path);
        if FROM_HOST.contains(&self.path.as_str()) {
            call = call.on_host();
        }
        if let Some(purpose) = self.purpose {
            call = call.purpose(purpose);
        }
        if self.conditional {
            call = call.version(1);
        }
        match &self.body {
            // One line without its end.
            Some(body) if self.path.ends_with("/batch") => {
                call.bytes("application/x-ndjson", body.to_string().as_bytes())
            }
            Some(body) => call.json(body),
            None => call,
        }
    }

    /// The head and body of the request as text, without authorization and end of the head.
    pub fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: vault\r\n", self.method, self.path);
        if let Some(purpose) = self.purpose {
            head.push_str(&format!("purpose: {purpose}\r\n"));
        }
        if self.conditional {
            head.push_str("if-match: \"1\"\r\n");
        }
        head
    }
}
