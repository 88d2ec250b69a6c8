//! A household in one write.
//! Never half of it.
//! What the items call each other stays in the request; ids come back.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{case_bytes, case_of_work, purpose};
use super::super::once::{hold, idempotency_key};
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::strict_json::{Members, StrictObject};
use super::super::wrong::Wrong;
use super::records::{BasisBody, names, no_basis};
use crate::access::Ask;
use crate::operations::{
    Asked, DwellingRequest, HouseholdCreated, HouseholdRequest, PersonRequest, create_household,
};
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
    #[schema(schema_with = forms::grid)]
    grid: String,
    /// On what it is held, unless a person says otherwise.
    #[schema(value_type = BasisBody)]
    basis: Option<Members<BasisBody>>,
    /// The household's own values; members and place are filled in.
    #[schema(schema_with = forms::maybe_fields)]
    fields: Option<StrictObject>,
    /// Where it lives.
    #[schema(value_type = Option<DwellingBody>)]
    dwelling: Option<Members<DwellingBody>>,
    /// Its people.
    #[schema(value_type = Vec<PersonBody>, max_items = 20)]
    people: Vec<Members<PersonBody>>,
    /// A UUID that the device made for this capture as a whole: the caller's records of it are made once, for ever.
    #[schema(schema_with = forms::maybe_capture)]
    capture_id: Option<String>,
    /// The calling system's own id of the household, at most 64 characters. It is never shown.
    #[schema(schema_with = forms::maybe_external)]
    external_ref: Option<String>,
}

/// A dwelling: one that is stored already, or one to be stored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct DwellingBody {
    /// The id of a stored place.
    #[schema(schema_with = forms::maybe_record_id)]
    id: Option<String>,
    /// The values of a new place.
    #[schema(value_type = Option<Object>)]
    fields: Option<StrictObject>,
}

/// A person of the household.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PersonBody {
    /// What the other items call it.
    #[serde(rename = "ref")]
    #[schema(schema_with = forms::reference)]
    reference: String,
    /// Its values.
    #[schema(schema_with = forms::fields)]
    fields: StrictObject,
    /// The references of its guardians.
    #[serde(default)]
    guardians: Vec<String>,
    /// The values of its link to the dwelling.
    #[schema(schema_with = forms::maybe_fields)]
    residence: Option<StrictObject>,
    /// On what it is held, where not as the household.
    #[schema(value_type = Option<BasisBody>)]
    basis: Option<Members<BasisBody>>,
}

/// A household that was stored.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct HouseholdCreatedBody {
    /// The household's record.
    id: String,
    /// Its version.
    version: u64,
    /// The dwelling's record.
    #[serde(skip_serializing_if = "Option::is_none")]
    dwelling: Option<String>,
    /// Its people, in the order of the request.
    people: Vec<PersonCreatedBody>,
}

/// A person that was stored.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct PersonCreatedBody {
    /// What the request called it; absent for a capture that was stored before.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// Its record.
    id: String,
    /// Its subject; absent once its record is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
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
    caller.must_ask(Ask::Create, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let case = case_of_work(&caller, &headers, &rooms).await?;
    let key = idempotency_key(&caller, &headers, &rooms).await?;
    let (body, bytes) =
        body::read_said::<HouseholdBody>(&caller, &headers, body, Media::Json, &rooms).await?;
    let purpose_id = purpose.id.as_str().as_bytes();
    let parts: [&[u8]; 4] = [b"create_household", purpose_id, case_bytes(case.as_ref()), &bytes];
    let held = hold(&caller, key.as_deref(), &parts, &rooms).await?;
    let request = caller.understood(body.into_request(), &rooms).await?;
    let territory = rooms.territory.load();
    let created = create_household(
        &Asked { case, ..caller.asked_once(purpose, held.as_ref()) },
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
    let (recorded, saying, version) = (created.recorded, created.saying, created.version);
    let answer = Answer::new(created.into(), recorded, rooms.trail.origin());
    Ok(answer.created_as(saying).versioned(version))
}

impl From<HouseholdCreated> for HouseholdCreatedBody {
    fn from(created: HouseholdCreated) -> HouseholdCreatedBody {
        let people = created.people.into_iter().map(|person| PersonCreatedBody {
            reference: person.reference,
            id: person.id.to_string(),
            subject: person.subject.map(|subject| subject.to_string()),
            residence: person.residence.map(|id| id.to_string()),
        });
        HouseholdCreatedBody {
            id: created.id.to_string(),
            version: created.version,
            dwelling: created.dwelling.map(|id| id.to_string()),
            people: people.collect(),
        }
    }
}

impl HouseholdBody {
    /// The request, or for what the body is turned away.
    pub(in crate::http) fn into_request(self) -> Result<HouseholdRequest, Wrong> {
        let basis = self.basis.ok_or_else(no_basis)?.0.into_claim();
        let dwelling = self.dwelling.map(|dwelling| dwelling.0.into_request()).transpose()?;
        let (capture, external) = names(self.capture_id, self.external_ref)?;
        let people = self.people.into_iter().map(|Members(person)| PersonRequest {
            reference: person.reference,
            fields: person.fields.0,
            guardians: person.guardians,
            residence: members(person.residence),
            basis: person.basis.map(|basis| basis.0.into_claim()),
        });
        Ok(HouseholdRequest {
            grid: self.grid,
            basis,
            fields: members(self.fields),
            dwelling,
            people: people.collect(),
            capture,
            external,
        })
    }
}

impl DwellingBody {
    fn into_request(self) -> Result<DwellingRequest, Wrong> {
        match (self.id, self.fields) {
            (Some(id), None) => {
                let id = id.parse().map_err(|_| Wrong::malformed("dwelling.id"))?;
                Ok(DwellingRequest::Held(id))
            }
            (None, Some(fields)) => Ok(DwellingRequest::New(fields.0)),
            _ => Err(Wrong::at("dwelling", "id_or_fields")),
        }
    }
}

fn members(object: Option<StrictObject>) -> Map<String, Value> {
    object.map(|object| object.0).unwrap_or_default()
}
