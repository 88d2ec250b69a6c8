//! A line department: lets a number be matched instead of looking it up, and learns by codes how a record would open.
//! Never holds a copy to compare with, and never tries another purpose where one was refused.
//! Run it over a demo: `cargo run --example line_department -- --demo DIRECTORY/demo.json`

#[path = "client/mod.rs"]
mod client;

use client::Client;
use client::demo::{Demo, Shown, must, refused, say, show};
use serde_json::{Value, json};
use std::error::Error;
use std::process::ExitCode;

/// Where people live: collected by the grid, a duty of the police.
const REGISTRATION: &str = "residence_registration";
/// Allowances for the old: a programme of the county's civil affairs.
const BENEFIT: &str = "elder_benefit";
/// Who applied: the number on the form, and one with two digits exchanged. Everyone here is invented.
const NUMBER: &str = "880101194803120019";
const MISREAD: &str = "880101194801230011";

fn main() -> ExitCode {
    show(line_department)
}

fn line_department(demo: &Demo) -> Shown {
    let worker = demo.client_of("grid_worker")?;
    let person = registered(demo, &worker)?;
    matched(&worker.for_purpose(BENEFIT))?;
    let department = demo.client_of("department")?;
    programme(&department, &person)?;
    by_request(&demo.client_of("community_police")?.for_purpose(REGISTRATION), &person)
}

/// The grid registers somebody, as it does every day.
fn registered(demo: &Demo, worker: &Client) -> Result<String, Box<dyn Error>> {
    let body = json!({
        "type": "person",
        "grid": demo.text("/samples/grid"),
        "fields": {"name": "顾长庚", "birth_date": "1948-03-12", "id_number": NUMBER},
        "basis": {
            "purpose": REGISTRATION,
            "legal_basis": "residence_permit_duty",
            "notice": "residence_registration_notice_1",
        },
    });
    let stored = worker.for_purpose(REGISTRATION).store("/v1/records", &body).json()?;
    Ok(stored["id"].as_str().ok_or("a record without an id")?.to_owned())
}

/// An application came in. Does the applicant live here? Whoever visits asks with the number on the form, and both sides
/// learn one bit: no list is handed over, and nobody looks at a record.
fn matched(visitor: &Client) -> Shown {
    let held = |number: &str| {
        let question = json!({"type": "person", "field": "id_number", "value": number});
        visitor.ask("/v1/records/match", &question).json().map(|answer| answer["held"].clone())
    };
    must(held(NUMBER)? == true, "the applicant is registered here")?;
    must(held(MISREAD)? == false, "somebody else is not")?;
    say("matched for the programme: the number on the form is registered, the misread one is not");
    Ok(())
}

/// The department works its own programme, inside tasks. Until it is given one it learns which way leads in.
fn programme(department: &Client, person: &str) -> Shown {
    let path = format!("/v1/records/{person}?fields=name,id_number");
    say("the department, for its own programme:");
    refused(department.for_purpose(BENEFIT).get(&path).json(), "case_required")?;
    say("the department, for what is no business of its line:");
    refused(department.for_purpose(REGISTRATION).get(&path).json(), "denied")?;
    say("the department, asking for everybody of the programme:");
    let all = json!({"type": "person", "fields": ["name", "id_number"]});
    refused(department.for_purpose(BENEFIT).ask("/v1/records/query", &all).json(), "case_required")
}

/// The police have the duty of registration: a general field opens by a request, a sensitive one by a second person.
fn by_request(police: &Client, person: &str) -> Shown {
    let read = |field: &str| -> Result<Value, client::Failure> {
        police.get(&format!("/v1/records/{person}?fields={field}")).json()
    };
    say("the police officer of the beat, for a name and for a number:");
    refused(read("name"), "case_required")?;
    refused(read("id_number"), "approval_required")
}
