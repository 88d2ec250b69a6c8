//! What the caller may do in a grid: for forms, and before it goes to a door.
//! Never a value, a record or another caller: of its own posts alone.
//! A place where it has no post and a place that is none are alike.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use crate::access::{Code, PreviewedField, RoleId};
use crate::operations::{Age, PreviewRequest, PreviewedPurpose, Previewing, preview_access};
use crate::records::RecordType;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// A question about one's own rights.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PreviewBody {
    /// The type of record.
    #[serde(rename = "type")]
    #[schema(schema_with = forms::record_type)]
    kind: String,
    /// The grid: 16 digits, or a 15-digit outside code.
    #[schema(schema_with = forms::grid)]
    grid: String,
    /// For this purpose alone.
    #[schema(schema_with = forms::maybe_slug)]
    purpose: Option<String>,
    /// About somebody of this age; a grown-up without it.
    #[schema(schema_with = forms::maybe_age)]
    age: Option<String>,
}

/// What is given of a field.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct PreviewedFieldBody {
    /// How it is seen: `raw`, `masked`, `match`, `count` or `none`.
    view: &'static str,
    /// The condition under which it is seen in clear, where it is not without: `case_required` or `approval_required`.
    #[serde(skip_serializing_if = "Option::is_none")]
    clear_with: Option<&'static str>,
    /// Whether it may be written.
    write: bool,
    /// The condition under which it may be written, where it may not without.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_with: Option<&'static str>,
}

/// What the caller may for one purpose.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct PreviewedPurposeBody {
    /// The purpose.
    purpose: String,
    /// The role of the post that gives it: one post decides, rights of several never add up.
    role: String,
    /// Whether it holds of those people alone who willed it: who consented, authorised or applied.
    with_will: bool,
    /// Each field of which something is given.
    fields: BTreeMap<String, PreviewedFieldBody>,
    /// Whether such a record may be removed.
    remove: bool,
    /// The role of the second person who agrees, where a field waits for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    approver: Option<String>,
    /// Roles that give the tasks in which a field opens, where one waits for a task.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    task_givers: Vec<String>,
}

/// What the caller may there.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct PreviewedBody {
    /// Each purpose for which it may something.
    purposes: Vec<PreviewedPurposeBody>,
}

pub(in crate::http) async fn preview(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<PreviewedBody>, Problem> {
    let body: PreviewBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let purpose = match &body.purpose {
        None => None,
        Some(id) => match rooms.purposes.get(id).filter(|purpose| purpose.active) {
            Some(purpose) => Some(purpose),
            None => return Err(caller.turn_away(&rooms, Code::PurposeUnknown).await),
        },
    };
    let (record_type, age) = caller.understood(asked(&body), &rooms).await?;
    let territory = rooms.territory.load();
    let (found, recorded) = preview_access(
        &caller.actor,
        &PreviewRequest { record_type, grid: body.grid, purpose, age },
        &caller.origin,
        caller.now,
        &Previewing {
            access: &rooms.access,
            trail: &rooms.trail,
            schemas: &rooms.schemas,
            purposes: &rooms.purposes,
            territory: &territory,
        },
    )
    .await?;
    let purposes = found.into_iter().map(PreviewedPurposeBody::from).collect();
    Ok(Answer::new(PreviewedBody { purposes }, recorded, rooms.trail.origin()))
}

/// Whether a text has the form of a grid's code. Where it is none of a grid, the answer is that of a foreign one.
/// Of which type, and of what age somebody is, where the grid has the form of one.
fn asked(body: &PreviewBody) -> Result<(RecordType, Age), Wrong> {
    let record_type = body.kind.parse().map_err(|_| Wrong::unknown_code("type"))?;
    let age = body.age.as_deref().unwrap_or(Age::Adult.as_str());
    let age = Age::ALL.into_iter().find(|known| known.as_str() == age);
    let age = age.ok_or_else(|| Wrong::unknown_code("age"))?;
    match is_a_code(&body.grid) {
        true => Ok((record_type, age)),
        false => Err(Wrong::malformed("grid")),
    }
}

fn is_a_code(grid: &str) -> bool {
    (15..=16).contains(&grid.len()) && grid.bytes().all(|byte| byte.is_ascii_digit())
}

impl From<PreviewedPurpose<'_>> for PreviewedPurposeBody {
    fn from(found: PreviewedPurpose<'_>) -> PreviewedPurposeBody {
        let PreviewedPurpose { purpose, previewed } = found;
        let word = |role: &RoleId| role.as_str().to_owned();
        PreviewedPurposeBody {
            purpose: purpose.id.as_str().to_owned(),
            role: word(&previewed.role),
            with_will: purpose.rests_on_the_subject(),
            fields: previewed.fields.into_iter().map(of_field).collect(),
            remove: previewed.removes,
            approver: previewed.approver.as_ref().map(word),
            task_givers: previewed.task_givers.iter().map(word).collect(),
        }
    }
}

fn of_field(given: PreviewedField) -> (String, PreviewedFieldBody) {
    let body = PreviewedFieldBody {
        view: given.view.as_str(),
        clear_with: given.clear_with.map(Code::as_str),
        write: given.writes == Some(Ok(())),
        write_with: given.writes.and_then(Result::err).map(Code::as_str),
    };
    (given.field, body)
}
