//! Lists of records: by type and grid, by an exact value, by the time of the last change.
//! Never a raw value of many people but of those of an open task, a hundred at a time, and never a default set of fields.
//! The value that is matched comes in the body; a cursor is opaque and serves its caller and its question alone.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{case_of_work, checked_field_names, page_limit, purpose, query};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::written::{Object, Written};
use super::super::wrong::Wrong;
use super::brought::maybe_moment;
use super::items::items;
use crate::access::Ask;
use crate::ambient::Micros;
use crate::limits::{QUERY_PAGE_COUNT_MAX, QUERY_PAGE_COUNT_USUAL, TASK_PAGE_COUNT_MAX};
use crate::operations::{
    Asked, ChangesRequest, OccupantsRequest, QueryRequest, changes, occupants, query_records,
};
use crate::records::{ExternalRef, RecordId, RecordType, is_slug};
use crate::seal::OpenedPage;
use crate::territory::Territory;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use utoipa::ToSchema;

/// What is to be listed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct QueryBody {
    /// The grid: 16 digits, or a 15-digit outside code. Without one, everything that the caller's assignments cover.
    #[schema(schema_with = forms::maybe_grid)]
    grid: Option<String>,
    /// The type of record.
    #[serde(rename = "type")]
    #[schema(schema_with = forms::record_type)]
    kind: String,
    /// One field and the exact value that its records share.
    #[schema(schema_with = forms::maybe_matched)]
    r#match: Option<Map<String, Value>>,
    /// What the calling system calls the record in its own books; not together with `match`.
    external_ref: Option<String>,
    /// Only records that changed at this time (RFC 3339) or later.
    #[schema(schema_with = forms::maybe_moment)]
    updated_since: Option<String>,
    /// Field names.
    #[schema(schema_with = forms::named_fields)]
    fields: Vec<String>,
    /// Records of a page: 50 unless said otherwise, 256 at most; under a case 100.
    #[schema(schema_with = forms::maybe_page_limit)]
    limit: Option<usize>,
    /// Where the page before said that this one begins.
    #[schema(schema_with = forms::maybe_cursor)]
    cursor: Option<String>,
}

/// A page of records.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of `Listed`, which writes itself")]
pub(in crate::http) struct QueriedBody {
    /// The type of the records.
    #[schema(rename = "type")]
    kind: String,
    /// The records.
    items: Vec<ItemBody>,
    /// Where the next page begins; absent after the last.
    cursor: Option<String>,
}

/// A record of a list.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of an item, which is written by `items`")]
pub(in crate::http) struct ItemBody {
    /// The record's id.
    id: String,
    /// Whom it is about; absent for a record about nobody.
    subject: Option<String>,
    /// The grid that it lies in now.
    grid: Option<String>,
    /// Its version, for the next change.
    version: u64,
    /// Values, masked where they are about a person, but for what the task of the request opens; `null` where nothing is held.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
    /// The fields whose value is masked.
    masked: Vec<String>,
    /// The fields that are not shown.
    withheld: Vec<String>,
}

/// Whose people are asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct OccupantsBody {
    /// Field names of a person.
    #[schema(schema_with = forms::named_fields)]
    fields: Vec<String>,
}

/// The people of a place.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of `People`, which writes itself")]
pub(in crate::http) struct PeopleBody {
    /// The people, twenty at most.
    people: Vec<ItemBody>,
    /// Whether there are more.
    more: bool,
}

/// Changed records.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ChangesBody {
    /// The changes, in the order of the log.
    changes: Vec<ChangeBody>,
    /// Where to go on, now or later; it does not expire.
    cursor: String,
    /// Whether there is more already.
    more: bool,
}

/// A changed record, as it is now.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ChangeBody {
    /// The record's id.
    id: String,
    /// Its type.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Its version.
    version: u64,
    /// That it is gone; absent for one that is there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    removed: bool,
}

/// A page on its way out: written field by field, without a tree of values in between.
pub(in crate::http) struct Listed {
    kind: RecordType,
    page: OpenedPage,
    cursor: Option<String>,
    territory: Arc<Territory>,
    now: Micros,
}

impl Written for Listed {
    fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        let mut page = Object::new(into);
        page.plain("type", self.kind.as_str());
        items(page.member("items"), self.kind, &self.page, &self.territory, self.now)?;
        if let Some(cursor) = &self.cursor {
            page.value("cursor", cursor)?;
        }
        page.end();
        Ok(())
    }
}

/// The people of a place on their way out.
pub(in crate::http) struct People {
    page: OpenedPage,
    more: bool,
    territory: Arc<Territory>,
    now: Micros,
}

impl Written for People {
    fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        let mut people = Object::new(into);
        let place = people.member("people");
        items(place, RecordType::Person, &self.page, &self.territory, self.now)?;
        people.value("more", &self.more)?;
        people.end();
        Ok(())
    }
}

pub(in crate::http) async fn records(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<Listed>, Problem> {
    caller.must_ask(Ask::List, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let case = case_of_work(&caller, &headers, &rooms).await?;
    let body: QueryBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    // In clear it is never more than a page of a task.
    let most = if case.is_some() { TASK_PAGE_COUNT_MAX } else { QUERY_PAGE_COUNT_MAX };
    let request = caller.understood(parsed(body, most), &rooms).await?;
    let kind = request.record_type;
    let territory = rooms.territory.load_full();
    let queried = query_records(
        &Asked { case, ..caller.asked(purpose) },
        request,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    let recorded = queried.page.recorded();
    let cursor = queried.cursor.map(|cursor| cursor.as_str().to_owned());
    let body = Listed { kind, page: queried.page, cursor, territory, now: caller.now };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn people(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<People>, Problem> {
    caller.must_ask(Ask::Occupants, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let case = case_of_work(&caller, &headers, &rooms).await?;
    let body: OccupantsBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let fields = caller.understood(checked_field_names(body.fields), &rooms).await?;
    let place: RecordId = caller.named(&id, &rooms).await?;
    let territory = rooms.territory.load_full();
    let found = occupants(
        &Asked { case, ..caller.asked(purpose) },
        OccupantsRequest { place, fields },
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    let recorded = found.page.recorded();
    let body = People { page: found.page, more: found.more, territory, now: caller.now };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn feed(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Answer<ChangesBody>, Problem> {
    caller.must_ask(Ask::Changes, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let [since, limit] = query(&caller, raw.as_deref(), ["since", "limit"], &rooms).await?;
    let limit = page_limit(limit.as_deref(), QUERY_PAGE_COUNT_USUAL, QUERY_PAGE_COUNT_MAX);
    let limit = caller.understood(limit, &rooms).await?;
    let territory = rooms.territory.load();
    let changed = changes(
        &caller.asked(purpose),
        ChangesRequest { since, limit },
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    let changes = changed.changes.into_iter().map(|change| ChangeBody {
        id: change.id.to_string(),
        kind: change.record_type.as_str(),
        version: change.version,
        removed: change.removed,
    });
    let body = ChangesBody {
        changes: changes.collect(),
        cursor: changed.cursor.as_str().to_owned(),
        more: changed.more,
    };
    Ok(Answer::new(body, changed.recorded, rooms.trail.origin()))
}

/// The question, of so many records a page at most.
fn parsed(body: QueryBody, most: usize) -> Result<QueryRequest, Wrong> {
    let limit = body.limit.unwrap_or(QUERY_PAGE_COUNT_USUAL);
    if !(1..=most).contains(&limit) {
        return Err(Wrong::out_of_range("limit"));
    }
    let updated_since = maybe_moment(body.updated_since.as_deref());
    let updated_since = updated_since.ok_or_else(|| Wrong::at("updated_since", "wrong_time"))?;
    let matched = match body.r#match {
        Some(members) => {
            let mut members = members.into_iter();
            match (members.next(), members.next()) {
                (Some((field, value)), None) if is_slug(&field) => Some((field, value)),
                _ => return Err(Wrong::malformed("match")),
            }
        }
        None => None,
    };
    let external_ref = match body.external_ref {
        Some(_) if matched.is_some() => {
            return Err(Wrong::at("external_ref", "not_with_match"));
        }
        Some(text) => {
            let reference = ExternalRef::new(text);
            Some(reference.map_err(|_| Wrong::malformed("external_ref"))?)
        }
        None => None,
    };
    Ok(QueryRequest {
        grid: body.grid,
        record_type: body.kind.parse().map_err(|_| Wrong::at("type", "unknown_code"))?,
        matched,
        external_ref,
        updated_since,
        fields: checked_field_names(body.fields)?,
        limit,
        cursor: body.cursor,
    })
}
