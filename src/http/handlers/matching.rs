//! Whether an exact value is held.
//! Never which record holds it.
//! The value comes in a body, never in a path or query.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, purpose};
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use crate::access::Ask;
use crate::operations::{MatchRequest, match_record};
use crate::records::is_slug;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// A value to be matched.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct MatchBody {
    /// The type of record.
    #[serde(rename = "type")]
    #[schema(schema_with = forms::record_type)]
    kind: String,
    /// The field.
    #[schema(schema_with = forms::slug)]
    field: String,
    /// The exact value.
    #[schema(schema_with = forms::looked_for)]
    value: Value,
}

/// The answer to a match.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct MatchedBody {
    /// Whether the value is held where the caller may know of it.
    held: bool,
    /// Five minutes in which the caller may store a record about the same subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

pub(in crate::http) async fn matches(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<MatchedBody>, Problem> {
    caller.must_ask(Ask::Match, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: MatchBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let Ok(record_type) = body.kind.parse() else {
        return Err(caller.turn_away_for(&rooms, Wrong::at("type", "unknown_code")).await);
    };
    if !is_slug(&body.field) {
        return Err(caller.turn_away_for(&rooms, Wrong::malformed("field")).await);
    }
    let request = MatchRequest { record_type, field: body.field, value: body.value };
    let territory = rooms.territory.load();
    let matched = match_record(
        &caller.asked(purpose),
        request,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    let body =
        MatchedBody { held: matched.held, link: matched.link.map(|link| link.as_str().to_owned()) };
    Ok(Answer::new(body, matched.recorded, rooms.trail.origin()))
}
