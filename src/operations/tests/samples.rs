//! Requests as cases make them: claims, people, a household.
//! Never a right or wrong by itself: a case changes what it is about.
//! What an operation refused is given as its code, once it is known to be in the log.

use super::setting::{GRID, PURPOSES};
use super::world::{WORKER, World};
use crate::access::Code;
use crate::operations::{
    CreateRequest, DwellingRequest, HouseholdRequest, OperationError, PersonRequest, QueryRequest,
};
use crate::purposes::{BasisClaim, ConsentClaim, ConsentGiver, ConsentMethod};
use crate::records::{RecordId, RecordType, SubjectId};
use jiff::civil::{Date, date};
use serde_json::{Map, Value as Json, json};

/// The day on which everything happens.
pub(super) const TODAY: Date = date(2027, 1, 15);

/// What an operation gave, or the code of its refusal.
pub(super) type Done<T> = Result<T, Code>;

/// A refusal is always in the log.
pub(super) fn done<T>(result: Result<T, OperationError>) -> Done<T> {
    result.map_err(|error| match error {
        OperationError::Refused { code, recorded, .. } => {
            assert!(recorded.is_some(), "{code:?} was not recorded");
            code
        }
        other => panic!("{other:?}"),
    })
}

pub(super) fn map(json: Json) -> Map<String, Json> {
    let Json::Object(map) = json else { panic!("an object") };
    map
}

pub(super) fn person(claim: BasisClaim, fields: Json) -> CreateRequest {
    CreateRequest {
        record_type: RecordType::Person,
        grid: GRID.to_owned(),
        subject: None,
        fields: map(fields),
        basis: claim,
        retain_until: None,
        capture: None,
        external: None,
    }
}

/// A claim on a basis of a purpose, with consent of that giver.
pub(super) fn claim_on(purpose: &str, legal_basis: &str, by: Option<ConsentGiver>) -> BasisClaim {
    let notice = PURPOSES.get(purpose).expect("a purpose").live_notice(TODAY).expect("a notice");
    BasisClaim {
        purpose: purpose.to_owned(),
        legal_basis: legal_basis.to_owned(),
        notice: notice.id.clone(),
        consent: by.map(|by| ConsentClaim { by, method: ConsentMethod::Written, given_on: TODAY }),
    }
}

pub(super) fn registration() -> BasisClaim {
    claim_on("residence_registration", "residence_permit_duty", None)
}

pub(super) fn contact(by: ConsentGiver) -> BasisClaim {
    claim_on("household_contact", "household_contact_consent", Some(by))
}

/// An adult that the worker registered.
pub(super) fn adult(world: &World) -> (RecordId, SubjectId) {
    let created = world.create(
        WORKER,
        registration(),
        json!({"name": "王伟", "birth_date": "1980-01-01", "phone": "12900001234"}),
    );
    let created = created.expect("created");
    (created.id, created.subject.expect("a person"))
}

/// A child under 14 that the worker registered.
pub(super) fn child(world: &World) -> (RecordId, SubjectId) {
    let created = world.create(
        WORKER,
        registration(),
        json!({"name": "王小明", "birth_date": "2018-05-01", "guardian_name": "王伟"}),
    );
    let created = created.expect("created");
    (created.id, created.subject.expect("a person"))
}

/// A list of people in the worker's grid.
pub(super) fn list_of(record_type: RecordType, fields: &[&str], limit: usize) -> QueryRequest {
    QueryRequest {
        grid: Some(GRID.to_owned()),
        record_type,
        matched: None,
        external_ref: None,
        updated_since: None,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        limit,
        cursor: None,
    }
}

/// A household of one person in a new dwelling.
pub(super) fn household(person: Json) -> HouseholdRequest {
    HouseholdRequest {
        grid: GRID.to_owned(),
        basis: registration(),
        fields: map(json!({"kind": "family"})),
        dwelling: Some(DwellingRequest::New(map(
            json!({"address": "工农路58号", "kind": "dwelling"}),
        ))),
        people: vec![PersonRequest {
            reference: "p1".to_owned(),
            fields: map(person),
            guardians: Vec::new(),
            residence: map(json!({"move_in_date": "2026-01-01"})),
            basis: None,
        }],
        capture: None,
        external: None,
    }
}
