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
use super::super::wrong::Wrong;
use super::brought::is_document;
use crate::access::Ask;
use crate::ambient::Micros;
use crate::operations::{
    ApprovalRequest, ListedApproval, Waiting, ask_approval, decide_approval, list_approvals,
};
use crate::records::MandateId;
use crate::seal::{MandateRecord, Nature};
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

impl ApprovalAskedBody {
    pub(super) fn of(id: MandateId) -> ApprovalAskedBody {
        ApprovalAskedBody { id: id.to_string() }
    }
}

/// A second person's word.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct DecisionBody {
    /// `grant` or `refuse`.
    #[schema(schema_with = forms::decision)]
    decision: String,
}

impl DecisionBody {
    /// Which word it is, if it is one.
    pub(super) fn is_yes(&self) -> Option<bool> {
        match self.decision.as_str() {
            "grant" => Some(true),
            "refuse" => Some(false),
            _ => None,
        }
    }
}

/// Something that waits for a second person, or that the caller asked for.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ListedApprovalBody {
    /// Its id.
    id: String,
    /// What is asked for.
    #[schema(schema_with = forms::approval_kind)]
    kind: &'static str,
    /// How far it is.
    #[schema(schema_with = forms::approval_state)]
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
    /// The organ that asks, for an official request.
    #[serde(skip_serializing_if = "Option::is_none")]
    organ: Option<String>,
    /// Why somebody is to be erased, or what is held of it restrained or released: a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The restraint that is to end, where one is: the id of the request that set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    releases: Option<String>,
    /// What an emergency access would reach, for whoever decides; it names no people.
    #[serde(skip_serializing_if = "Option::is_none")]
    emergency: Option<AskedEmergencyBody>,
    /// The limit that is to be raised, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<RaisedLimitBody>,
    /// Until when it waits, or is open.
    until: String,
}

/// What an emergency access would reach.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AskedEmergencyBody {
    /// The urgent event.
    event: String,
    /// How many dwellings.
    places_count: usize,
    /// How many people.
    people_count: usize,
}

impl AskedEmergencyBody {
    fn of(record: &MandateRecord) -> Option<AskedEmergencyBody> {
        let people_count = record.subjects.len();
        Some(AskedEmergencyBody {
            event: record.emergency()?.event.to_string(),
            places_count: record.records.len().saturating_sub(people_count),
            people_count,
        })
    }
}

/// A limit that is to be raised.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RaisedLimitBody {
    /// Of which kind of information.
    kind: &'static str,
    /// How many people more.
    people: u32,
}

impl From<ListedApproval> for ListedApprovalBody {
    fn from(listed: ListedApproval) -> ListedApprovalBody {
        let ListedApproval { id, mut record, waits } = listed;
        let reach = AskedEmergencyBody::of(&record);
        if reach.is_some() {
            record.records.clear();
            record.subjects.clear();
        }
        // Whoever asks is not told how many live there before somebody agreed.
        let emergency = reach.filter(|_| waits);
        let restraining = record.restraining();
        let releases = restraining.and_then(|terms| terms.releases).map(|id| id.to_string());
        let restrained = restraining.map(|terms| terms.reason.clone());
        let reason = record.erasing().map(|erasing| erasing.reason.clone()).or(restrained);
        let (organ, limit) = match &record.nature {
            Some(Nature::Official(official)) => (Some(official.organ.clone()), None),
            Some(Nature::Raise(raise)) => {
                let limit = RaisedLimitBody { kind: raise.kind.as_str(), people: raise.people };
                (None, Some(limit))
            }
            _ => (None, None),
        };
        ListedApprovalBody {
            id: id.to_string(),
            kind: kind_of(&record),
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
            organ,
            reason,
            releases,
            emergency,
            limit,
            until: Micros(record.until).rfc3339(),
        }
    }
}

/// What a second person is asked for.
pub(in crate::http) const APPROVAL_KINDS: [&str; 9] = [
    "look",
    "task",
    "emergency",
    "limit",
    "official_request",
    "erasure",
    "restriction",
    "legal_hold",
    "release",
];

pub(super) fn kind_of(record: &MandateRecord) -> &'static str {
    let [look, task, emergency, limit, official, erasure, .., release] = APPROVAL_KINDS;
    match (&record.nature, record.task) {
        (Some(Nature::Emergency(_)), _) => emergency,
        (Some(Nature::Raise(_)), _) => limit,
        (Some(Nature::Official(_)), _) => official,
        (Some(Nature::Erasing(_)), _) => erasure,
        (Some(Nature::Restraining(terms)), _) if terms.releases.is_some() => release,
        (Some(Nature::Restraining(terms)), _) => terms.kind.as_str(),
        (None, Some(_)) => task,
        (None, None) => look,
    }
}

/// What waits for the caller's word, and what it asked for.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ApprovalsBody {
    /// The requests.
    approvals: Vec<ListedApprovalBody>,
    /// Whether there are more, which no list shows: of each place where something waits it has 1,000 at most, those that end first.
    more: bool,
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
    let request = caller.understood(request_of(body), &rooms).await?;
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

fn request_of(body: ApprovalBody) -> Result<ApprovalRequest, Wrong> {
    let document = match body.document {
        Some(document) if !is_document(&document) => return Err(Wrong::malformed("document")),
        document => document,
    };
    Ok(ApprovalRequest {
        record: body.record.parse().map_err(|_| Wrong::malformed("record"))?,
        fields: checked_field_names(body.fields)?,
        minutes: body.minutes,
        document,
    })
}

pub(in crate::http) async fn decide(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    let body: DecisionBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    decided(&caller, &id, &body, Waiting::Other, &rooms).await
}

/// Takes a word on what waits behind one door.
pub(super) async fn decided(
    caller: &Caller,
    id: &str,
    body: &DecisionBody,
    waiting: Waiting,
    rooms: &Rooms,
) -> Result<Answer<ApprovalAskedBody>, Problem> {
    let Some(yes) = body.is_yes() else {
        return Err(caller.turn_away_for(rooms, Wrong::at("decision", "unknown_code")).await);
    };
    let id: MandateId = caller.named(id, rooms).await?;
    let territory = rooms.territory.load();
    let recorded = decide_approval(
        &caller.actor,
        id,
        yes,
        waiting,
        &caller.origin,
        caller.now,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &territory,
        rooms.identity.directory(),
    )
    .await?;
    let body = ApprovalAskedBody { id: id.to_string() };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<ApprovalsBody>, Problem> {
    listed(&caller, Waiting::Other, &rooms).await
}

/// What waits behind one door.
pub(super) async fn listed(
    caller: &Caller,
    waiting: Waiting,
    rooms: &Rooms,
) -> Result<Answer<ApprovalsBody>, Problem> {
    let found = list_approvals(
        &caller.actor,
        waiting,
        &caller.origin,
        caller.now,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
    )
    .await?;
    let approvals = found.approvals.into_iter().map(ListedApprovalBody::from).collect();
    let body = ApprovalsBody { approvals, more: found.more };
    Ok(Answer::new(body, found.recorded, rooms.trail.origin()))
}
