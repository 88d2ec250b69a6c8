//! What is due to residents, for the desk that serves them and for the protection officer.
//! Never a value and no person: codes, ids of requests and records, and days.
//! Each look is an entry.

use super::super::answer::Answer;
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{page_limit, query};
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use super::approvals::kind_of;
use crate::ambient::{Micros, date_of};
use crate::limits::DUE_PAGE_COUNT_MAX;
use crate::operations::{Due, list_due};
use crate::records::RecordId;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What it is listed by.
pub(in crate::http) const DUE_WORDS: [&str; 2] = ["limit", "after"];

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Something that is due.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DueBody {
    /// What.
    #[schema(schema_with = forms::due_kind)]
    kind: &'static str,
    /// How far it is.
    #[schema(schema_with = forms::due_state)]
    state: &'static str,
    /// The request, or the restraint that it set; nothing of a record that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The restraint that is to end, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    releases: Option<String>,
    /// Why: a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The area of the desk that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<String>,
    /// The records by which the person is known, or the one that ends or of which fields do.
    records: Vec<String>,
    /// When it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_at: Option<String>,
    /// Until when the resident is to have an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<String>,
    /// Until when the second person may agree, or the desk carry it out; it has passed where it is `lapsed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Since when it is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// For how many whole days.
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<i64>,
    /// The first day on which the record may no longer be read, or on which fields of it go.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_on: Option<String>,
}

/// What is due.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DuesBody {
    /// Requests and restraints by area, the oldest first, then records by their ends.
    due: Vec<DueBody>,
    /// Goes into `after` for the next page; nothing where this is the last. A page may be shorter than asked for and have a next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Answer<DuesBody>, Problem> {
    caller.must_see_due(&rooms).await?;
    let [limit, after] = query(&caller, raw.as_deref(), DUE_WORDS, &rooms).await?;
    let limit = caller.understood(limit_of(limit.as_deref()), &rooms).await?;
    let territory = rooms.territory.load();
    let page = list_due(
        &caller.actor,
        limit,
        after.as_deref(),
        &caller.origin,
        caller.now,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &territory,
    )
    .await?;
    let due = page.due.into_iter().map(|due| DueBody::of(due, caller.now)).collect();
    let next = page.next.map(|cursor| cursor.as_str().to_owned());
    Ok(Answer::new(DuesBody { due, next }, page.recorded, rooms.trail.origin()))
}

fn limit_of(limit: Option<&str>) -> Result<usize, Wrong> {
    page_limit(limit, DUE_PAGE_COUNT_MAX, DUE_PAGE_COUNT_MAX)
}

impl DueBody {
    fn blank(kind: &'static str, state: &'static str) -> DueBody {
        DueBody {
            kind,
            state,
            id: None,
            releases: None,
            reason: None,
            area: None,
            records: Vec::new(),
            asked_at: None,
            due_at: None,
            until: None,
            since: None,
            days: None,
            ends_on: None,
        }
    }

    /// Something of a record that ends.
    fn ending(kind: &'static str, record: RecordId, ends_on: i32, held: bool) -> DueBody {
        let [_, _, _, _, scheduled, kept] = DUE_STATES;
        DueBody {
            records: vec![record.to_string()],
            ends_on: Some(date_of(ends_on).to_string()),
            ..DueBody::blank(kind, if held { kept } else { scheduled })
        }
    }

    fn of(due: Due, now: Micros) -> DueBody {
        match due {
            Due::Withdrawn { record, ends_on, held } => {
                DueBody::ending(WITHDRAWAL, record, ends_on, held)
            }
            Due::WithdrawnFields { record, ends_on, held } => {
                DueBody::ending(WITHDRAWN_FIELDS, record, ends_on, held)
            }
            Due::Request { id, record, state, asked, due } => {
                let restraining = record.restraining();
                let since = restraining.and_then(|terms| terms.since);
                let until = due.map(|_| Micros(record.until).rfc3339());
                let (reason, area) = match (record.erasing(), restraining) {
                    (Some(terms), _) => (Some(&terms.reason), Some(&terms.area)),
                    (_, Some(terms)) => (Some(&terms.reason), Some(&terms.area)),
                    _ => (None, None),
                };
                let releases = restraining.and_then(|terms| terms.releases);
                DueBody {
                    id: Some(id.to_string()),
                    releases: releases.map(|id| id.to_string()),
                    reason: reason.cloned(),
                    area: area.cloned(),
                    records: record.records.iter().map(|(id, _)| id.to_string()).collect(),
                    asked_at: Some(asked.rfc3339()),
                    due_at: due.map(Micros::rfc3339),
                    until,
                    since: since.map(|since| Micros(since).rfc3339()),
                    days: since.map(|since| now.0.saturating_sub(since).max(0) / DAY),
                    ..DueBody::blank(kind_of(&record), state.as_str())
                }
            }
        }
    }
}

/// A record that ends because a consent was taken back.
const WITHDRAWAL: &str = "withdrawal";
/// Fields of a record that go because a consent was taken back.
const WITHDRAWN_FIELDS: &str = "withdrawn_fields";

/// What is due.
pub(in crate::http) const DUE_KINDS: [&str; 6] =
    ["erasure", "restriction", "legal_hold", "release", WITHDRAWAL, WITHDRAWN_FIELDS];

/// How far something is: those of requests, as operations say them, and those of records that end.
pub(in crate::http) const DUE_STATES: [&str; 6] =
    ["asked", "agreed", "lapsed", "in_force", "scheduled", "held"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::DueState;

    #[test]
    fn the_states_of_requests_are_those_of_operations() {
        assert_eq!(DueState::ALL.map(DueState::as_str), DUE_STATES[..4]);
    }

    #[test]
    fn a_page_is_taken_to_its_most_lines_and_refused_beyond() {
        let most = DUE_PAGE_COUNT_MAX;
        assert_eq!(limit_of(Some(&most.to_string())), Ok(most));
        assert_eq!(limit_of(None), Ok(most));
        for wrong in [&*(most + 1).to_string(), "0", "x", ""] {
            assert_eq!(limit_of(Some(wrong)), Err(Wrong::out_of_range("limit")), "{wrong}");
        }
    }
}
