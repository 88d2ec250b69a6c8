//! The protection of an address: set for the person present, or by the police, and lifted again.
//! Never a value, and never for a caller of the neighbourhood.
//! What is hidden, and from whom, is data of the roles.

use super::super::answer::Answer;
use super::super::body::{self, Media, named_ids};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, purpose};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use crate::limits::PROTECTED_HOUSEHOLDS_COUNT_MAX;
use crate::operations::{ProtectRequest, protect_address};
use crate::records::{RecordId, SubjectId};
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Whether somebody is protected from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ProtectBody {
    /// Whether it is.
    protected: bool,
    /// Households that name it: they are hidden with it.
    #[serde(default)]
    #[schema(schema_with = forms::household_ids)]
    households: Vec<String>,
}

/// What was done.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ProtectedBody {
    /// The subject.
    subject: String,
    /// How many records that the caller may know of have the mark as it was asked for.
    records: usize,
}

pub(in crate::http) async fn protect(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<ProtectedBody>, Problem> {
    caller.must_protect(&rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: ProtectBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let (protected, households) = caller.understood(request_of(&body), &rooms).await?;
    let subject: SubjectId = caller.named(&id, &rooms).await?;
    let territory = rooms.territory.load();
    let done = protect_address(
        &caller.asked(purpose),
        &ProtectRequest { subject, protected, households },
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    let body = ProtectedBody { subject: subject.to_string(), records: done.records_count };
    Ok(Answer::new(body, done.recorded, rooms.trail.origin()))
}

fn request_of(body: &ProtectBody) -> Result<(bool, Vec<RecordId>), Wrong> {
    let ids = named_ids("households", &body.households, 0..=PROTECTED_HOUSEHOLDS_COUNT_MAX)?;
    Ok((body.protected, ids))
}
