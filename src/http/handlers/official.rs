//! Requests of organs under Data Security Law 35: brought before the protection officer, decided, listed.
//! Never a value to whoever decides, and never the document's number in the log.
//! What was agreed to is read record by record, under the request's id as the case.

use super::super::answer::Answer;
use super::super::body::{self, Media, named_ids};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, checked_field_names, purpose};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use super::approvals::{ApprovalAskedBody, ApprovalsBody, DecisionBody, decided, listed};
use super::brought::{is_document, moment};
use crate::limits::OFFICIAL_PEOPLE_COUNT_MAX;
use crate::operations::{OfficialRequest, Waiting, ask_official};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What an organ asks for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct OfficialRequestBody {
    /// Number of the document; it is kept sealed.
    #[schema(schema_with = forms::document)]
    document: String,
    /// The organ that asks: a code of the list `organ`.
    #[schema(schema_with = forms::slug)]
    organ: String,
    /// The people.
    #[schema(schema_with = forms::official_people)]
    subjects: Vec<String>,
    /// The fields.
    #[schema(schema_with = forms::asked_fields)]
    fields: Vec<String>,
    /// First moment at which it opens nothing more, RFC 3339; 30 days ahead at most.
    #[schema(schema_with = forms::body_moment)]
    until: String,
}

pub(in crate::http) async fn ask(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    caller.must_ask_official(&rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: OfficialRequestBody =
        body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let request = caller.understood(request_of(body, &rooms), &rooms).await?;
    let territory = rooms.territory.load();
    let (id, recorded) = ask_official(
        &caller.asked(purpose),
        &request,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
        &*rooms.random,
    )
    .await?;
    Ok(Answer::new(ApprovalAskedBody::of(id), recorded, rooms.trail.origin()).created())
}

fn request_of(body: OfficialRequestBody, rooms: &Rooms) -> Result<OfficialRequest, Wrong> {
    if !rooms.schemas.code_list("organ").is_some_and(|list| list.accepts(&body.organ)) {
        return Err(Wrong::unknown_code("organ"));
    }
    if !is_document(&body.document) {
        return Err(Wrong::malformed("document"));
    }
    Ok(OfficialRequest {
        document: body.document,
        organ: body.organ,
        subjects: named_ids("subjects", &body.subjects, 1..=OFFICIAL_PEOPLE_COUNT_MAX)?,
        fields: checked_field_names(body.fields)?,
        until: moment(&body.until).ok_or_else(|| Wrong::wrong_time("until"))?,
    })
}

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<ApprovalsBody>, Problem> {
    listed(&caller, Waiting::Official, &rooms).await
}

pub(in crate::http) async fn decide(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    let body: DecisionBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    decided(&caller, &id, &body, Waiting::Official, &rooms).await
}
