//! What the one who is present at the desk is told about itself: what is held and why, and who looked.
//! Never a value, and never outside a check at the counter over that person: those are read one by one inside the same case.
//! Who looked is a role and an account: officers alone know the name, and a complaint quotes the entry.

use super::super::answer::Answer;
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, case, purpose, query};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use crate::access::{Code, SubjectAccessAct, Written};
use crate::ambient::date_of;
use crate::operations::{Asked, HeldRecord, Present, subject_access};
use crate::oversight::{ACCESSES_WORDS, AccessesQuestion, Look, find_accesses};
use crate::purposes::Purpose;
use crate::records::{BasisFact, SubjectId};
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Why a record is held.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct HeldForBody {
    /// What for.
    purpose: String,
    /// On which basis of that purpose.
    legal_basis: String,
    /// After which notice.
    notice: String,
    /// The day on which its consent was withdrawn; absent where it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_on: Option<String>,
}

/// A record that is held of the person.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct HeldRecordBody {
    /// Its id.
    id: String,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(schema_with = forms::record_type)]
    record_type: &'static str,
    /// The grid in which it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    grid: Option<String>,
    /// Why it is held.
    held_for: Vec<HeldForBody>,
    /// First day on which it may no longer be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_on: Option<String>,
    /// Whether nothing is done with it but keeping it.
    restricted: bool,
}

/// What is held of somebody.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SubjectReportBody {
    /// What is held of it as a person, and where it lives, as far as the desk has to do with it.
    records: Vec<HeldRecordBody>,
}

/// A field and how it was seen.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SeenFieldBody {
    /// The field.
    field: String,
    /// How it was seen; absent where it was written or asked for in vain.
    #[serde(skip_serializing_if = "Option::is_none")]
    view: Option<String>,
}

/// Something that was done with what is held of somebody.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct LookBody {
    /// The index of its entry: a complaint quotes it.
    index: u64,
    /// When, UTC.
    at: String,
    /// Family and action.
    event: String,
    /// How it ended.
    outcome: String,
    /// As what somebody acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// Whose account it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// For which purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    /// The type of the record.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    record_type: Option<String>,
    /// Which fields.
    fields: Vec<SeenFieldBody>,
    /// Of how many people it was at once: a list, or a household.
    people: u64,
}

/// Who looked.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AccessesBody {
    /// The newest first. A page may be shorter than asked for and have a cursor.
    accesses: Vec<LookBody>,
    /// Where the next page begins; nothing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// Entries that can be found: all below this index.
    indexed: u64,
    /// The first index that is kept: what lay below it was pruned when its retention was over.
    minimum: u64,
}

pub(in crate::http) async fn report(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    Headers(headers): Headers,
) -> Result<Answer<SubjectReportBody>, Problem> {
    let act = SubjectAccessAct::Report;
    caller.must_serve(Written::SubjectAccess(act), &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let subject = caller.named(&id, &rooms).await?;
    let present = present(&rooms, &caller, &headers, purpose, subject, act).await?;
    let body = SubjectReportBody { records: present.held.into_iter().map(Into::into).collect() };
    Ok(Answer::new(body, present.recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn accesses(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    RawQuery(raw): RawQuery,
    Headers(headers): Headers,
) -> Result<Answer<AccessesBody>, Problem> {
    let act = SubjectAccessAct::Accesses;
    caller.must_serve(Written::SubjectAccess(act), &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let members = query(&caller, raw.as_deref(), ACCESSES_WORDS, &rooms).await?;
    let subject: SubjectId = caller.named(&id, &rooms).await?;
    let actor = caller.actor.standing().actor;
    let place = AccessesQuestion::parse(members)
        .and_then(|question| question.begin(actor, subject, caller.now, &rooms.seal));
    let Some(place) = place else {
        return Err(caller.turn_away(&rooms, Code::SchemaInvalid).await);
    };
    let Present { subject, recorded, .. } =
        present(&rooms, &caller, &headers, purpose, subject, act).await?;
    let found = find_accesses(
        place,
        subject,
        recorded,
        caller.now,
        &rooms.access,
        &rooms.purposes,
        &rooms.log,
        &rooms.index,
        &rooms.seal,
    )
    .await?;
    let body = AccessesBody {
        accesses: found.looks.into_iter().map(Into::into).collect(),
        cursor: found.cursor,
        indexed: found.indexed,
        minimum: found.minimum,
    };
    Ok(Answer::new(body, found.recorded, rooms.trail.origin()))
}

async fn present(
    rooms: &Rooms,
    caller: &Caller,
    headers: &HeaderMap,
    purpose: &Purpose,
    subject: SubjectId,
    act: SubjectAccessAct,
) -> Result<Present, Problem> {
    let case = case(caller, headers, rooms).await?;
    let territory = rooms.territory.load();
    let present = subject_access(
        &Asked { case, ..caller.asked(purpose) },
        subject,
        act,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    Ok(present)
}

impl From<HeldRecord> for HeldRecordBody {
    fn from(held: HeldRecord) -> HeldRecordBody {
        let day = |day: i32| date_of(day).to_string();
        let held_for = |(basis, withdrawn): (BasisFact, Option<i32>)| HeldForBody {
            purpose: basis.purpose,
            legal_basis: basis.legal_basis,
            notice: basis.notice,
            withdrawn_on: withdrawn.map(day),
        };
        HeldRecordBody {
            id: held.record.to_string(),
            record_type: held.record_type.as_str(),
            grid: held.grid,
            held_for: held.bases.into_iter().map(held_for).collect(),
            ends_on: held.ends_on.map(day),
            restricted: held.restricted,
        }
    }
}

impl From<Look> for LookBody {
    fn from(look: Look) -> LookBody {
        let seen = |(field, view): (String, Option<String>)| SeenFieldBody { field, view };
        LookBody {
            index: look.index,
            at: look.at.rfc3339(),
            event: look.event,
            outcome: look.outcome,
            role: look.role,
            account: look.account,
            purpose: look.purpose,
            record_type: look.record_type,
            fields: look.fields.into_iter().map(seen).collect(),
            people: look.people_count,
        }
    }
}
