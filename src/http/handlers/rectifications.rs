//! What is to be put right after reviews: named with owner and day, listed, found done.
//! Never a measure against somebody; an owner is an actor or an organ that has to do something.
//! A day is the country's.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{page_limit, query, said};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use super::reviews::{StepBody, named, officer, remark};
use crate::access::Duty;
use crate::ambient::date_of;
use crate::limits::AUDIT_PAGE_COUNT_MAX;
use crate::oversight::{
    Item, ItemId, ItemOwner, ItemRequest, ItemState, ItemsQuestion, list_items, rectify, settle,
};
use crate::records::days_since_epoch;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Something that is to be put right, with one owner: an actor or an organ.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RectifyBody {
    /// The actor that has to do it.
    #[schema(schema_with = forms::maybe_actor_id)]
    actor: Option<String>,
    /// The organ that has to do it, a code of the list `organ`.
    #[schema(schema_with = forms::maybe_slug)]
    organ: Option<String>,
    /// The day by which it is done.
    #[schema(schema_with = forms::day)]
    due: String,
    /// What it is.
    #[schema(schema_with = forms::remark)]
    text: String,
}

/// By what something was put right.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SettleBody {
    /// The text.
    #[schema(schema_with = forms::remark)]
    text: String,
}

/// Something that is or was to be put right.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RectificationBody {
    /// Its id.
    id: String,
    /// The review that it came from.
    review: String,
    /// `open`, `overdue` or `done`.
    state: &'static str,
    /// The actor that has to do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// The organ that has to do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    organ: Option<String>,
    /// The day by which it is done.
    due: String,
    /// What it is.
    text: String,
    /// Who named it, and when.
    named: StepBody,
    /// Who found it done, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled: Option<StepBody>,
    /// By what it was put right.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_by: Option<String>,
}

/// A page of what is to be put right.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ItemsBody {
    /// The items, the oldest first.
    items: Vec<RectificationBody>,
    /// Where it goes on: the `after` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl RectificationBody {
    pub(super) fn of(item: &Item, today: i32) -> RectificationBody {
        let (actor, organ) = match &item.owner {
            ItemOwner::Actor(actor) => (Some(actor.to_string()), None),
            ItemOwner::Organ(organ) => (None, Some(organ.clone())),
        };
        RectificationBody {
            id: item.id.to_string(),
            review: item.review.to_string(),
            state: item.state(today).as_str(),
            actor,
            organ,
            due: date_of(item.due).to_string(),
            text: item.text.clone(),
            named: StepBody::of(item.named),
            settled: item.settled.as_ref().map(|done| StepBody::of(done.step)),
            settled_by: item.settled.as_ref().map(|done| done.text.clone()),
        }
    }
}

/// The members of a list's query.
pub(in crate::http) const ITEMS_WORDS: [&str; 3] = ["state", "limit", "after"];

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Answer<ItemsBody>, Problem> {
    caller.must_have(Duty::AuditReview, &rooms).await?;
    let [state, limit, after] = query(&caller, raw.as_deref(), ITEMS_WORDS, &rooms).await?;
    let question = caller.understood(asked(state, limit, after), &rooms).await?;
    let found =
        list_items(officer(&caller), question, &rooms.access, &rooms.trail, &rooms.reviews).await?;
    let body = ItemsBody {
        items: found.items.iter().map(|item| RectificationBody::of(item, found.today)).collect(),
        next: found.next.map(|id| id.to_string()),
    };
    Ok(Answer::new(body, found.recorded, rooms.trail.origin()))
}

fn asked(
    state: Option<String>,
    limit: Option<String>,
    after: Option<String>,
) -> Result<ItemsQuestion, Wrong> {
    Ok(ItemsQuestion {
        state: said(state, "state", ItemState::parse)?,
        limit: page_limit(limit.as_deref(), AUDIT_PAGE_COUNT_MAX, AUDIT_PAGE_COUNT_MAX)?,
        after: said(after, "after", |id| id.parse().ok())?,
    })
}

pub(in crate::http) async fn name(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(review): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<RectificationBody>, Problem> {
    caller.must_have(Duty::AuditReview, &rooms).await?;
    let body: RectifyBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let review = named(&caller, &review, &rooms).await?;
    let owner = caller.understood(owner(&body, &rooms), &rooms).await?;
    let due = day(&body.due).ok_or_else(|| Wrong::malformed("due"));
    let due = caller.understood(due, &rooms).await?;
    let remark = remark(&caller, body.text, &rooms).await?;
    let request = ItemRequest { review, owner, due, remark };
    let officer = officer(&caller);
    let named =
        rectify(officer, request, &rooms.access, &rooms.trail, &rooms.reviews, &*rooms.random)
            .await?;
    let body = RectificationBody::of(&named.item, officer.today());
    Ok(Answer::new(body, named.recorded, rooms.trail.origin()).created())
}

/// Somebody or some organ that there is.
fn owner(body: &RectifyBody, rooms: &Rooms) -> Result<ItemOwner, Wrong> {
    match (&body.actor, &body.organ) {
        (Some(actor), None) => {
            let actor = actor.parse().map_err(|_| Wrong::malformed("actor"))?;
            let known = rooms.identity.directory().record(&actor);
            known.map(|_| ItemOwner::Actor(actor)).ok_or_else(|| Wrong::at("actor", "unknown"))
        }
        (None, Some(organ)) => {
            let known = rooms.schemas.code_list("organ").is_some_and(|list| list.accepts(organ));
            let owner = known.then(|| ItemOwner::Organ(organ.clone()));
            owner.ok_or_else(|| Wrong::unknown_code("organ"))
        }
        (Some(_), Some(_)) => Err(Wrong::at("organ", "not_with_actor")),
        (None, None) => Err(Wrong::at("actor", "missing")),
    }
}

fn day(text: &str) -> Option<i32> {
    // One form alone: the parser of dates takes others too.
    let date: jiff::civil::Date = text.parse().ok()?;
    (date.to_string() == text).then_some(())?;
    Some(days_since_epoch(date))
}

pub(in crate::http) async fn done(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<RectificationBody>, Problem> {
    caller.must_have(Duty::AuditReview, &rooms).await?;
    let body: SettleBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let id: ItemId = caller.named(&id, &rooms).await?;
    let remark = remark(&caller, body.text, &rooms).await?;
    let officer = officer(&caller);
    let settled = settle(officer, id, remark, &rooms.access, &rooms.trail, &rooms.reviews).await?;
    let body = RectificationBody::of(&settled.item, officer.today());
    Ok(Answer::new(body, settled.recorded, rooms.trail.origin()))
}
