//! The forms of tasks, of cases, and of what a second person is asked for.
//! Never a check: parsers do that at the door.
//! Limits come from `limits`, words from the rooms that own them.

use super::super::handlers::approvals::APPROVAL_KINDS;
use super::{ID, of, or_null, record_id, text};
use crate::limits::{
    APPROVAL_MINUTES_MAX, CONSENTED_RECORDS_COUNT_MAX, DOCUMENT_CHARACTERS_MAX, TASK_BUDGET_MAX,
    TASK_PLACES_COUNT_MAX, TASK_SCOPE_COUNT_MAX,
};
use crate::seal::{MandateState, TaskKind};
use utoipa::openapi::schema::{Array, ArrayBuilder, Object, ObjectBuilder, Type};

/// Ids of what a task is about.
pub(in crate::http) fn record_ids() -> Array {
    ArrayBuilder::new()
        .items(record_id())
        .max_items(Some(TASK_SCOPE_COUNT_MAX))
        .unique_items(true)
        .build()
}

/// Ids of records that a consent is given over.
pub(in crate::http) fn consented_ids() -> Array {
    ArrayBuilder::new()
        .items(record_id())
        .min_items(Some(1))
        .max_items(Some(CONSENTED_RECORDS_COUNT_MAX))
        .unique_items(true)
        .build()
}

/// Ids of places.
pub(in crate::http) fn place_ids() -> Array {
    ArrayBuilder::new()
        .items(record_id())
        .max_items(Some(TASK_PLACES_COUNT_MAX))
        .unique_items(true)
        .build()
}

/// What there is to do.
pub(in crate::http) fn task_kind() -> Object {
    text().enum_values(Some(TaskKind::ALL.iter().map(|kind| kind.as_str()))).build()
}

/// How many records a task opens, where it may be left out.
pub(in crate::http) fn maybe_budget() -> Object {
    let form = ObjectBuilder::new().minimum(Some(1)).maximum(Some(TASK_BUDGET_MAX));
    or_null(form, Type::Integer)
}

/// A case: an id, or the caller's own write.
pub(in crate::http) fn case() -> Object {
    of("^(echo|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$").build()
}

/// A case of a write or a list: an id.
pub(in crate::http) fn case_of_work() -> Object {
    of(ID).build()
}

/// How long a look stays open.
pub(in crate::http) fn approval_minutes() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(APPROVAL_MINUTES_MAX))
        .build()
}

/// The number of a document.
pub(in crate::http) fn document() -> Object {
    text().min_length(Some(1)).max_length(Some(DOCUMENT_CHARACTERS_MAX)).build()
}

/// The same, where it may be left out.
pub(in crate::http) fn maybe_document() -> Object {
    or_null(text().min_length(Some(1)).max_length(Some(DOCUMENT_CHARACTERS_MAX)), Type::String)
}

/// A second person's word.
pub(in crate::http) fn decision() -> Object {
    text().enum_values(Some(["grant", "refuse"])).build()
}

/// How far a task of a list is: what is given back or done is in no list.
pub(in crate::http) fn task_state() -> Object {
    let told = "`asked` while a second person is awaited, `offered` until its holder takes it, then `open`";
    states([MandateState::Asked, MandateState::Offered, MandateState::Open], told)
}

/// How far something is that waits for a second person, or that one agreed to.
pub(in crate::http) fn approval_state() -> Object {
    let told = "`asked` until somebody decides, then `open` until its end, to whoever asked. What was refused or is over is \
                in no list; a task that was agreed to is in that of tasks, an emergency access in that of emergency accesses";
    states([MandateState::Asked, MandateState::Open], told)
}

fn states<const N: usize>(states: [MandateState; N], told: &str) -> Object {
    let states = states.iter().map(|state| state.as_str());
    text().enum_values(Some(states)).description(Some(told)).build()
}

/// What a second person is asked for.
pub(in crate::http) fn approval_kind() -> Object {
    let told = "`look` at one record, `task`, `emergency` access, `limit` to be raised, `official_request`, somebody's `erasure`, \
                a `restriction` or `legal_hold` of what is held of somebody, or the `release` from one";
    text().enum_values(Some(APPROVAL_KINDS)).description(Some(told)).build()
}
