//! The second person: asking, deciding, and what waits.
//! Never a value of a resident: who decides sees record, fields and asker.
//! Whoever asks names one record and its fields; a look that was agreed to serves once.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, checked_field_names, purpose};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use crate::access::{Ask, Code};
use crate::ambient::Micros;
use crate::limits::DOCUMENT_CHARACTERS_MAX;
use crate::operations::{
    ApprovalRequest, ListedApproval, ask_approval, decide_approval, list_approvals,
};
use crate::records::MandateId;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A look that a second person is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ApprovalBody {
    /// The record.
    #[schema(schema_with = forms::record_id)]
    record: String,
    /// The fields.
    #[schema(schema_with = forms::asked_fields)]
    fields: Vec<String>,
    /// How long it stays open from the yes on, in minutes.
    #[schema(schema_with = forms::approval_minutes)]
    minutes: u32,
    /// Number of the document behind an official request; it is kept sealed.
    #[schema(schema_with = forms::maybe_document)]
    document: Option<String>,
}

/// What was asked for.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ApprovalAskedBody {
    /// Its id, which the asker names in the header `Case` once it is agreed to.
    id: String,
}

/// A second person's word.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct DecisionBody {
    /// `grant` or `refuse`.
    #[schema(schema_with = forms::decision)]
    decision: String,
}

/// Something that waits for a second person, or that the caller asked for.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ListedApprovalBody {
    /// Its id.
    id: String,
    /// `asked`, `open`, `returned`, for a task that was agreed to `offered`.
    state: &'static str,
    /// What there is to do, where it is a task.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'static str>,
    /// Whether it waits for the caller's word.
    waits: bool,
    /// Who will see it.
    holder: String,
    /// Under which role.
    role: String,
    /// For which purpose.
    purpose: String,
    /// Which fields.
    fields: Vec<String>,
    /// Which records.
    records: Vec<String>,
    /// Which people.
    subjects: Vec<String>,
    /// Number of the document behind an official request.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    /// Until when it waits, or is open.
    until: String,
}

impl From<ListedApproval> for ListedApprovalBody {
    fn from(listed: ListedApproval) -> ListedApprovalBody {
        let ListedApproval { id, record, waits } = listed;
        ListedApprovalBody {
            id: id.to_string(),
            state: record.state.as_str(),
            task: record.task.map(|kind| kind.as_str()),
            waits,
            holder: record.holder.to_string(),
            role: record.role,
            purpose: record.purpose,
            fields: record.fields,
            records: record.records.iter().map(|(id, _)| id.to_string()).collect(),
            subjects: record.subjects.iter().map(|(id, _)| id.to_string()).collect(),
            document: record.document,
            until: Micros(record.until).rfc3339(),
        }
    }
}

/// What waits for the caller's word, and what it asked for.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ApprovalsBody {
    /// The requests.
    approvals: Vec<ListedApprovalBody>,
}

pub(in crate::http) async fn ask(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    caller.must_ask(Ask::Read, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: ApprovalBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let Some(request) = request_of(body) else {
        return Err(caller.turn_away(&rooms, Code::SchemaInvalid).await);
    };
    let territory = rooms.territory.load();
    let (id, recorded) = ask_approval(
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
    let body = ApprovalAskedBody { id: id.to_string() };
    Ok(Answer::new(body, recorded, rooms.trail.origin()).created())
}

fn request_of(body: ApprovalBody) -> Option<ApprovalRequest> {
    let document = match body.document {
        Some(document) if !is_document(&document) => return None,
        document => document,
    };
    Some(ApprovalRequest {
        record: body.record.parse().ok()?,
        fields: checked_field_names(body.fields)?,
        minutes: body.minutes,
        document,
    })
}

/// A number as offices write them: letters, digits and a few marks, no running text.
fn is_document(text: &str) -> bool {
    let count = text.chars().count();
    let plain = |sign: char| sign.is_alphanumeric() || "-_/.()（）〔〕[]".contains(sign);
    (1..=DOCUMENT_CHARACTERS_MAX).contains(&count) && text.chars().all(plain)
}

pub(in crate::http) async fn decide(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    let body: DecisionBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let yes = match body.decision.as_str() {
        "grant" => true,
        "refuse" => false,
        _ => return Err(caller.turn_away(&rooms, Code::SchemaInvalid).await),
    };
    // What has not the form of an id names nothing.
    let Ok(id) = id.parse::<MandateId>() else {
        return Err(caller.turn_away(&rooms, Code::NotFound).await);
    };
    let territory = rooms.territory.load();
    let recorded = decide_approval(
        &caller.actor,
        id,
        yes,
        &caller.origin,
        caller.now,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &territory,
    )
    .await?;
    let body = ApprovalAskedBody { id: id.to_string() };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<ApprovalsBody>, Problem> {
    let (listed, recorded) = list_approvals(
        &caller.actor,
        &caller.origin,
        caller.now,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
    )
    .await?;
    let approvals = listed.into_iter().map(ListedApprovalBody::from).collect();
    Ok(Answer::new(ApprovalsBody { approvals }, recorded, rooms.trail.origin()))
}
