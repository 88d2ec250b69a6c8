//! The check at the counter: a number in a body, and a case for half an hour.
//! Never says whether a number is held elsewhere.
//! The value comes in the body, never in a path or query.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, checked_field_names, purpose};
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use crate::operations::{CounterRequest, counter_check};
use crate::records::is_slug;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// What the one who is present shows, and what their item needs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct CounterBody {
    /// The field of a person.
    #[schema(schema_with = forms::slug)]
    field: String,
    /// The exact value.
    #[schema(schema_with = forms::looked_for)]
    value: Value,
    /// The fields that the item needs, which the case opens.
    #[schema(schema_with = forms::asked_fields)]
    fields: Vec<String>,
}

/// The answer to a check.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct CheckedBody {
    /// Whether one person is held under it where the caller may know of them.
    held: bool,
    /// The case to be named in the header `Case`.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    /// The record of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// First moment at which the case opens nothing more.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

pub(in crate::http) async fn check(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<CheckedBody>, Problem> {
    caller.must_check(&rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: CounterBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let fields = match checked_field_names(body.fields) {
        Ok(fields) if is_slug(&body.field) => fields,
        Ok(_) => return Err(caller.turn_away_for(&rooms, Wrong::malformed("field")).await),
        Err(wrong) => return Err(caller.turn_away_for(&rooms, wrong).await),
    };
    let request = CounterRequest { field: body.field, value: body.value, fields };
    let territory = rooms.territory.load();
    let checked = counter_check(
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
    let task = checked.opened.as_ref();
    let body = CheckedBody {
        held: task.is_some(),
        case: task.map(|task| task.id.to_string()),
        record: task.map(|task| task.record.to_string()),
        subject: task.map(|task| task.subject.to_string()),
        until: task.map(|task| task.until.rfc3339()),
    };
    Ok(Answer::new(body, checked.recorded, rooms.trail.origin()))
}
