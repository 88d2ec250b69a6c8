//! The Open Cybersecurity Schema Framework, version 1.3: Authentication, Datastore Activity and API Activity.
//! Never the client's address: it is sealed in the log, and the schema's place for it says so.
//! `raw_data` holds the entry's bytes, so that nothing is lost by the mapping and the leaf can be computed again.

use super::Exported;
use serde_json::{Value, json};

const VERSION: &str = "1.3.0";
/// `Other` of every enumeration.
const OTHER: u32 = 99;

pub(super) fn line(exported: &Exported<'_>) -> String {
    let entry = &exported.entry;
    let (class, class_name, activity) = class_of(&entry.ev, &entry.act);
    let (status, status_name) = match &*entry.out {
        "success" => (1, "Success"),
        "denied" | "error" => (2, "Failure"),
        _ => (OTHER, "Other"),
    };
    let mut event = json!({
        "activity_id": activity,
        "actor": actor(exported),
        "category_uid": class / 1_000,
        "class_name": class_name,
        "class_uid": class,
        "message": entry.event(),
        "metadata": {
            "event_code": entry.event(),
            "log_name": exported.origin,
            "product": {
                "name": "Gridvault", "vendor_name": "Gridvault",
                "version": env!("CARGO_PKG_VERSION"),
            },
            "uid": format!("{}#{}", exported.origin, entry.seq),
            "version": VERSION,
        },
        "observables": [{"name": "leaf", "type": "Hash", "type_id": 8, "value": exported.leaf()}],
        "raw_data": String::from_utf8_lossy(exported.bytes),
        "severity_id": if entry.out == "success" { 1 } else { 2 },
        "status": status_name,
        "status_id": status,
        "time": entry.t / 1_000,
        "type_uid": class * 100 + activity,
    });
    if let Some(why) = &entry.why {
        event["status_code"] = json!(why);
    }
    match class {
        3002 => {
            let user = event["actor"]["user"].clone();
            event["user"] = user;
            event["service"] = json!({"name": "gridvault", "uid": exported.origin});
        }
        6005 => {
            event["database"] = json!({
                "name": "gridvault", "type": "Other", "type_id": OTHER, "uid": exported.origin,
            });
            event["src_endpoint"] = endpoint();
            event["type_id"] = json!(1);
        }
        _ => {
            event["api"] = json!({"operation": entry.event(), "request": {"uid": entry.req}});
            event["src_endpoint"] = endpoint();
        }
    }
    event.to_string()
}

/// Who acted. The schema wants somebody; an event without a caller was done by the vault or by nobody known.
fn actor(exported: &Exported<'_>) -> Value {
    let entry = &exported.entry;
    let mut actor = match &entry.who {
        Some(who) => json!({"user": {"type_id": 1, "uid": who}}),
        None if entry.ev == "sys" => json!({"app_name": "gridvault"}),
        None => json!({"user": {"type_id": 0, "uid": "unknown"}}),
    };
    if let Some(role) = &entry.role {
        actor["user"]["groups"] = json!([{"name": role, "type": "role", "uid": entry.asg}]);
    }
    if let Some(via) = &entry.via {
        actor["app_uid"] = json!(via);
    }
    actor
}

/// The address is sealed in the entry; it is opened for a case, not for every receiver.
fn endpoint() -> Value {
    json!({"name": "sealed", "type": "Unknown", "type_id": 0})
}

/// Class, its name, activity.
fn class_of(family: &str, action: &str) -> (u32, &'static str, u32) {
    match (family, action) {
        ("auth", "logout") => (3002, "Authentication", 2),
        ("auth", "login" | "failed") => (3002, "Authentication", 1),
        ("auth", _) => (3002, "Authentication", OTHER),
        ("data" | "subject", _) => (6005, "Datastore Activity", datastore(action)),
        _ => (6003, "API Activity", api(action)),
    }
}

fn datastore(action: &str) -> u32 {
    match action {
        "read" | "occupants" | "report" | "accesses" | "copy" | "export" => 1,
        "update" | "move" | "correct" | "restrict" | "hold" | "release" | "object" => 2,
        "query" | "due" | "match" | "statistics" | "changes" | "preview" | "schema_read" => 4,
        "create" | "import" | "household" | "attach" => 6,
        "delete" | "erase" | "retain" => 7,
        _ => OTHER,
    }
}

fn api(action: &str) -> u32 {
    match action {
        "create" | "add" | "actor_add" | "enrol" | "propose" | "request" | "open" => 1,
        "read" | "proof" | "receipt_proof" | "explain" | "anomalies" => 2,
        "change" | "approve" | "reject" | "activated" | "note" | "close" => 3,
        "destroy" | "end" | "token_revoke" | "prune" => 4,
        _ => OTHER,
    }
}
