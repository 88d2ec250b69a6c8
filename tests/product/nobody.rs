//! Who must never see a value: the city, the auditor and the three administrators.
//! Never trusts a status: the bytes of every answer are searched for what the vault holds.
//! The log and the vault's own files are searched too.

use super::bodies::{adult, today};
use super::harness::{Demo, shared};
use super::requests::{Aim, plausible};
use gridvault::http::ROUTES;
use gridvault::purposes::PurposeSet;
use gridvault::records::SchemaSet;
use gridvault::synthetic::{CityPlan, Extent, lines};
use serde_json::Value;
use std::path::Path;

/// Roles that see no value, by design.
const BLIND: [&str; 5] =
    ["city_platform", "compliance_auditor", "system_admin", "security_admin", "audit_admin"];

/// Names, numbers, telephones and addresses of the sample household.
fn planted() -> Vec<String> {
    let schemas = SchemaSet::built_in().expect("the shipped schemas load");
    let purposes = PurposeSet::built_in(&schemas).expect("the shipped purposes load");
    let plan = CityPlan { persons: 60, seed: 1, today: today(), extent: Extent::Community };
    let household = lines(&plan, &schemas, &purposes).next().expect("a first household");
    let people = household.body["people"].as_array().expect("people");
    let values = people.iter().flat_map(|person| {
        let value = |name: &str| person["fields"][name].as_str().map(str::to_owned);
        ["name", "id_number", "phone", "current_address"].into_iter().filter_map(value)
    });
    let values: Vec<String> = values.collect();
    assert!(values.iter().any(|value| value == "周明远"), "the sample person is among them");
    values
}

fn assert_holds_none(what: &str, bytes: &[u8], values: &[String]) {
    // What is no UTF-8 is replaced, and every value begins with a byte that ends such a stretch.
    let text = String::from_utf8_lossy(bytes);
    for value in values {
        assert!(!text.contains(value.as_str()), "{what} holds a value in clear");
    }
}

#[test]
fn no_route_gives_a_value_to_who_must_see_none() {
    let demo = shared();
    let values = planted();
    let worker = demo.worker(1);
    let aim = Aim { record: demo.sample_record(), grid: worker.grid(), actor: &worker.id };
    for role in BLIND {
        let actor = demo.role(role);
        for route in ROUTES {
            let reply = plausible(route, &aim).by(&actor).send();
            let what = format!("{role} at {} {}", route.method, route.path);
            assert_holds_none(&what, reply.text.as_bytes(), &values);
            if route.purpose {
                assert_eq!((reply.status, reply.code()), (403, "denied"), "{what}");
            }
        }
    }
}

#[test]
fn city_platform_is_denied_the_same_whether_a_record_exists_or_not() {
    let demo = shared();
    let city = demo.role("city_platform");
    let there = city.read(demo.sample_record(), "name", "residence_registration");
    let missing = city.read(&super::bodies::unknown_id(), "name", "residence_registration");
    assert_eq!(there.without_ids(), missing.without_ids());
    assert_eq!(there.status, missing.status);
}

#[test]
fn no_entry_of_the_log_holds_a_value() {
    let demo = shared();
    let worker = demo.worker(1);
    let body = adult(worker.grid());
    let reply = worker.create(&body).expect(201);
    worker.read(reply.text_of("id"), "name,phone", "residence_registration").expect(200);
    let mut values = planted();
    let own = ["id_number", "phone", "current_address"].map(|name| body["fields"][name].clone());
    values.extend(own.iter().filter_map(Value::as_str).map(str::to_owned));
    let entries = demo.entries_between(0, reply.index());
    for entry in entries {
        assert_holds_none("an entry", entry.to_string().as_bytes(), &values);
    }
}

#[test]
fn no_file_of_the_vault_holds_a_value_in_clear() {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let body = adult(worker.grid());
    worker.create(&body).expect(201);
    let number = body["fields"]["id_number"].as_str().expect("a number").to_owned();
    assert_eq!(demo.stop(), Some(0));
    let mut values = planted();
    values.push(number);
    let mut count = 0;
    walk(demo.directory(), &mut |path, bytes| {
        count += 1;
        assert_holds_none(&path.display().to_string(), bytes, &values);
    });
    assert!(count > 5, "the walk saw the vault's files");
}

fn walk(directory: &Path, see: &mut impl FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry of the directory").path();
        if path.is_dir() {
            walk(&path, see);
        } else {
            see(&path, &std::fs::read(&path).expect("a file of the vault"));
        }
    }
}
