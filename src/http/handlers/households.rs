//! A household in one write.
//! Never half of it.
//! What the items call each other stays in the request; ids come back.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::headers::purpose;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::records::BasisBody;
use crate::access::Code;
use crate::operations::{DwellingRequest, HouseholdRequest, PersonRequest, create_household};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use utoipa::ToSchema;

/// A household to be stored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct HouseholdBody {
    /// The grid that it lives in.
    grid: String,
    /// On what it is held, unless a person says otherwise.
    #[schema(value_type = BasisBody)]
    basis: Option<BasisBody>,
    /// The household's own values; members and place are filled in.
    #[serde(default)]
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
    /// Where it lives.
    dwelling: Option<DwellingBody>,
    /// Its people.
    people: Vec<PersonBody>,
}

/// A dwelling: one that is stored already, or one to be stored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct DwellingBody {
    /// The id of a stored place.
    id: Option<String>,
    /// The values of a new place.
    #[schema(value_type = Option<Object>)]
    fields: Option<Map<String, Value>>,
}

/// A person of the household.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PersonBody {
    /// What the other items call it.
    #[serde(rename = "ref")]
    reference: String,
    /// Its values.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
    /// The references of its guardians.
    #[serde(default)]
    guardians: Vec<String>,
    /// The values of its link to the dwelling.
    #[serde(default)]
    #[schema(value_type = Object)]
    residence: Map<String, Value>,
    /// On what it is held, where not as the household.
    basis: Option<BasisBody>,
}

/// A household that was stored.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct HouseholdCreatedBody {
    /// The household's record.
    id: String,
    /// The dwelling's record.
    #[serde(skip_serializing_if = "Option::is_none")]
    dwelling: Option<String>,
    /// Its people, in the order of the request.
    people: Vec<PersonCreatedBody>,
}

/// A person that was stored.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct PersonCreatedBody {
    /// What the request called it.
    #[serde(rename = "ref")]
    reference: String,
    /// Its record.
    id: String,
    /// Its subject.
    subject: String,
    /// Its link to the dwelling.
    #[serde(skip_serializing_if = "Option::is_none")]
    residence: Option<String>,
}

pub(in crate::http) async fn create(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<HouseholdCreatedBody>, Problem> {
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let mut body: HouseholdBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let Some(basis) = body.basis.take() else {
        return Err(caller.turn_away(&rooms, Code::BasisMissing).await);
    };
    let Some(request) = request_of(body, basis) else {
        return Err(caller.turn_away(&rooms, Code::SchemaInvalid).await);
    };
    let territory = rooms.territory.load();
    let created = create_household(
        &caller.asked(purpose),
        request,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
        &*rooms.random,
    )
    .await?;
    let people = created
        .people
        .into_iter()
        .map(|person| PersonCreatedBody {
            reference: person.reference,
            id: person.id.to_string(),
            subject: person.subject.to_string(),
            residence: person.residence.map(|id| id.to_string()),
        })
        .collect();
    let body = HouseholdCreatedBody {
        id: created.id.to_string(),
        dwelling: created.dwelling.map(|id| id.to_string()),
        people,
    };
    Ok(Answer::new(body, created.recorded, rooms.trail.origin()).created())
}

fn request_of(body: HouseholdBody, basis: BasisBody) -> Option<HouseholdRequest> {
    let dwelling = match body.dwelling {
        None => None,
        Some(DwellingBody { id: Some(id), fields: None }) => {
            Some(DwellingRequest::Held(id.parse().ok()?))
        }
        Some(DwellingBody { id: None, fields: Some(fields) }) => Some(DwellingRequest::New(fields)),
        Some(_) => return None,
    };
    let people = body
        .people
        .into_iter()
        .map(|person| PersonRequest {
            reference: person.reference,
            fields: person.fields,
            guardians: person.guardians,
            residence: person.residence,
            basis: person.basis.map(BasisBody::into_claim),
        })
        .collect();
    Some(HouseholdRequest {
        grid: body.grid,
        basis: basis.into_claim(),
        fields: body.fields,
        dwelling,
        people,
    })
}
