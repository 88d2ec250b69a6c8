//! The OpenAPI document against the table of routes and against the file that clients were built with.
//! Never changes the file by itself: `GRIDVAULT_BLESS=1` writes it, and a reader of the change agrees.
//! What is not in the document does not exist, and what is in it does.

use super::harness::shared;
use gridvault::http::{Guard, ROUTES};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Where the agreed document lies.
fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/product/openapi.golden.json")
}

#[test]
fn document_is_the_agreed_one() {
    let reply = shared().get("/openapi.json").expect(200);
    assert_eq!(reply.header("content-type"), "application/json");
    if std::env::var_os("GRIDVAULT_BLESS").is_some() {
        std::fs::write(golden(), format!("{}\n", reply.text)).expect("the golden file");
    }
    let agreed = std::fs::read_to_string(golden()).expect("the golden file");
    assert!(
        agreed.trim_end() == reply.text,
        "the document differs from {}: look at the change, then run with GRIDVAULT_BLESS=1",
        golden().display()
    );
}

#[test]
fn document_has_every_route_of_the_table_and_nothing_else() {
    let document = shared().get("/openapi.json").expect(200).body;
    let paths = document["paths"].as_object().expect("an object");
    let written: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("an object").keys();
            methods.map(|method| (method.to_ascii_uppercase(), path.clone()))
        })
        .collect();
    let routed: BTreeSet<(String, String)> =
        ROUTES.iter().map(|route| (route.method.to_string(), route.path.to_owned())).collect();
    assert_eq!(written, routed);
    assert_eq!(routed.len(), ROUTES.len(), "no route is in the table twice");
}

#[test]
fn document_says_what_each_route_asks_for() {
    let document = shared().get("/openapi.json").expect(200).body;
    let mut operations = BTreeSet::new();
    for route in ROUTES {
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = &document["paths"][route.path][&method];
        let what = format!("{method} {}", route.path);
        let parameters = operation["parameters"].as_array().expect("a list");
        let has = |name: &str| parameters.iter().any(|one| one["name"] == name);
        assert_eq!(has("Purpose"), route.purpose, "{what}");
        let guarded = operation["security"].is_array();
        assert_eq!(guarded, route.guard == Guard::Token, "{what}");
        assert_eq!(has("If-Match"), ["patch", "delete"].contains(&method.as_str()), "{what}");
        for part in route.path.split('/').filter_map(|part| part.strip_prefix('{')) {
            assert!(has(part.trim_end_matches('}')), "{what} and its {part}");
        }
        let id = operation["operationId"].as_str().expect("a name").to_owned();
        assert!(operations.insert(id), "{what} has a name of its own");
    }
}

#[test]
fn every_parameter_says_what_form_it_has() {
    let document = shared().get("/openapi.json").expect(200).body;
    for route in ROUTES {
        let method = route.method.as_str().to_ascii_lowercase();
        let parameters = &document["paths"][route.path][&method]["parameters"];
        for parameter in parameters.as_array().expect("a list") {
            let schema = &parameter["schema"];
            let said = ["pattern", "enum", "minimum", "items"];
            let formed = said.iter().any(|word| !schema[*word].is_null());
            assert!(formed, "{method} {}: {parameter}", route.path);
        }
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document = shared().get("/openapi.json").expect(200).body;
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 10, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a reference inside the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}
