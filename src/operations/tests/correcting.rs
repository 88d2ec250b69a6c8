//! Requirements on corrections: what is held is put right or taken away, and nothing is collected.
//! Never a record, a field or a basis on the word of whoever says that it only puts right.
//! A refusal names what is not held, and leaves the record as it was.

use super::world::*;
use crate::access::Code;
use crate::operations::{CreateRequest, OperationError, PatchRequest};
use crate::purposes::BasisClaim;
use crate::records::{RecordId, RecordType};
use serde_json::{Value as Json, json};

const CORRECTION: &str = "record_correction";

fn duty() -> BasisClaim {
    claim_on(CORRECTION, "pipl_accuracy_duty", None)
}

fn correct(world: &World, id: RecordId, fields: Json) -> Done<u64> {
    world.patch(WORKER, CORRECTION, id, fields, None)
}

/// Fields that the worker may write under the purpose and that registration did not collect.
fn not_held() -> [Json; 6] {
    [
        json!({"assistance_tag": ["home_visit"]}),
        json!({"mobility_need": ["wheelchair_space"]}),
        json!({"emergency_contact_name": "张敏"}),
        json!({"job_wish": "园林养护"}),
        json!({"carer_name": "李娜"}),
        json!({"phone": "12900005678", "school": "机床厂小学"}),
    ]
}

#[test]
fn nothing_is_stored_under_a_purpose_that_corrects() {
    let world = World::new();
    for who in [WORKER, HEAD] {
        let fields = json!({"name": "王伟", "assistance_tag": ["home_visit"]});
        let created = world.create(who, duty(), fields).map(|created| created.id);
        assert_eq!(created, Err(Code::PurposeNotForField));
        for (record_type, fields) in [
            (RecordType::Place, json!({"address": "工农路58号", "kind": "dwelling"})),
            (RecordType::Organisation, json!({"kind": "sole_trader", "name": "便民小卖部"})),
            (RecordType::Household, json!({"kind": "family"})),
        ] {
            let request = CreateRequest { record_type, ..person(duty(), fields) };
            let created = world.create_request(who, request).map(|created| created.id);
            assert_eq!(created, Err(Code::PurposeNotForField), "{record_type:?}");
        }
    }
}

#[test]
fn a_correction_changes_and_takes_away_what_is_held_and_adds_nothing() {
    let world = World::new();
    let (id, _) = adult(&world);
    assert_eq!(correct(&world, id, json!({"phone": "12900005678"})), Ok(2));
    let subjects = world.facts(id).subject_handles.len();
    for fields in not_held() {
        assert_eq!(correct(&world, id, fields.clone()), Err(Code::PurposeNotForField), "{fields}");
    }
    assert_eq!((world.version(id), world.facts(id).subject_handles.len()), (2, subjects));
    // What was taken away is held no more, and comes back under the purpose that needs it alone.
    assert_eq!(correct(&world, id, json!({"phone": null})), Ok(3));
    let again = json!({"phone": "12900005678"});
    assert_eq!(correct(&world, id, again.clone()), Err(Code::PurposeNotForField));
    assert_eq!(world.patch(WORKER, "residence_registration", id, again, None), Ok(4));
}

#[test]
fn a_correction_names_the_fields_that_are_not_held_and_no_other() {
    let world = World::new();
    let (id, _) = adult(&world);
    let fields = json!({"phone": "12900005678", "skills": "木工", "school": "机床厂小学"});
    let request = PatchRequest { id, version: 1, fields: map(fields), basis: None };
    let worker = world.actor(WORKER);
    let refused = wait(world.patch_async(&worker, CORRECTION, request));
    let Err(OperationError::Refused { code, problems, recorded }) = refused else {
        panic!("it was written")
    };
    assert_eq!(code, Code::PurposeNotForField);
    let mut named: Vec<(&str, Option<&str>)> =
        problems.iter().map(|(field, why)| (field.as_str(), *why)).collect();
    named.sort_unstable();
    assert_eq!(named, [("school", Some("not_held")), ("skills", Some("not_held"))]);
    assert!(recorded.is_some());
}

#[test]
fn a_correction_is_no_reason_to_hold_a_record() {
    let world = World::new();
    let (id, _) = adult(&world);
    for fields in [json!({}), json!({"phone": "12900005678"})] {
        let patched = world.patch(WORKER, CORRECTION, id, fields, Some(duty()));
        assert_eq!(patched, Err(Code::PurposeNotForField));
    }
    let end = world.facts(id).retain_until;
    assert_eq!(correct(&world, id, json!({"name": "王卫"})), Ok(2));
    let facts = world.facts(id);
    let held: Vec<&str> = facts.bases.iter().map(|basis| basis.purpose.as_str()).collect();
    assert_eq!((held, facts.retain_until), (vec!["residence_registration"], end));
}
