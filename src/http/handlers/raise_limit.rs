//! The request to raise a reveal limit, which counts of how many people somebody sees something in clear in a day.
//! Never a value, and never for somebody else: who asks is who may see more, for an hour at most.
//! It is decided and listed like any approval, and its id is then the case of the reads that count against the higher bound.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use super::approvals::ApprovalAskedBody;
use crate::limits::{RAISE_MINUTES_MAX, REVEALS_MONTH_MAX};
use crate::operations::{RaiseRequest, ask_raise};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A limit to be raised.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RaiseBody {
    /// Of which kind of information.
    #[schema(schema_with = forms::legal_kind)]
    kind: String,
    /// How many people more.
    #[schema(schema_with = forms::raised_people)]
    people: u32,
    /// For how long from the yes on, in minutes.
    #[schema(schema_with = forms::raised_minutes)]
    minutes: u32,
}

pub(in crate::http) async fn ask(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    caller.must_raise(&rooms).await?;
    let body: RaiseBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let request = caller.understood(request_of(&body), &rooms).await?;
    let (id, recorded) = ask_raise(
        &caller.actor,
        &request,
        &caller.origin,
        caller.now,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &*rooms.random,
    )
    .await?;
    Ok(Answer::new(ApprovalAskedBody::of(id), recorded, rooms.trail.origin()).created())
}

fn request_of(body: &RaiseBody) -> Result<RaiseRequest, Wrong> {
    let RaiseBody { people, minutes, .. } = *body;
    let kind = body.kind.parse().map_err(|_| Wrong::unknown_code("kind"))?;
    if !(1..=REVEALS_MONTH_MAX).contains(&people) {
        return Err(Wrong::out_of_range("people"));
    }
    if !(1..=RAISE_MINUTES_MAX).contains(&minutes) {
        return Err(Wrong::out_of_range("minutes"));
    }
    Ok(RaiseRequest { kind, people, minutes })
}
