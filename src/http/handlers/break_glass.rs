//! Emergency access: opened or asked for, ended, reviewed, and what is not reviewed yet.
//! Never a value of a resident: an answer names ids, and each look is a read of its own under the header `Case`.
//! A finding is a word and a code; nobody writes freely about anybody here.

use super::super::answer::Answer;
use super::super::body::{self, Media, named_ids};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{Headers, purpose};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use crate::ambient::Micros;
use crate::limits::EMERGENCY_DWELLINGS_MAX;
use crate::operations::{
    BreakGlassRequest, BrokenGlass, Finding, ListedGlass, Urgency, break_glass, end_glass,
    list_glass, review_glass,
};
use crate::records::MandateId;
use crate::seal::MandateState;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// An emergency access to be opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct BreakGlassBody {
    /// `alone`, for minutes; or `wide`, once a second person agreed.
    #[schema(schema_with = forms::tier)]
    tier: String,
    /// The urgent event.
    #[schema(schema_with = forms::record_id)]
    event: String,
    /// Dwellings beside those that the event names; for `wide` alone.
    #[serde(default)]
    #[schema(schema_with = forms::dwelling_ids)]
    places: Vec<String>,
}

/// Somebody who lives in one of the dwellings.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ReachedPersonBody {
    /// The subject.
    subject: String,
    /// What is held of it as a person.
    record: String,
}

/// An emergency access that was opened, or asked for.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct BrokenGlassBody {
    /// Its id, which its holder names in the header `Case`.
    id: String,
    /// `open`, or `asked` until a second person agreed.
    state: &'static str,
    /// First moment at which it opens nothing more, or waits no longer.
    until: String,
    /// Until when somebody else is to review it; for one that waits, if it ended then.
    review_by: String,
    /// The fields that it opens.
    fields: Vec<String>,
    /// The dwellings that it reaches.
    places: Vec<String>,
    /// The people who live there; nobody as long as it is not open.
    people: Vec<ReachedPersonBody>,
}

impl From<&BrokenGlass> for BrokenGlassBody {
    fn from(glass: &BrokenGlass) -> BrokenGlassBody {
        let people = glass.people.iter().map(|(subject, record)| ReachedPersonBody {
            subject: subject.to_string(),
            record: record.to_string(),
        });
        BrokenGlassBody {
            id: glass.id.to_string(),
            state: if glass.open { "open" } else { "asked" },
            until: glass.until.rfc3339(),
            review_by: glass.review_by.rfc3339(),
            fields: glass.fields.clone(),
            places: glass.places.iter().map(ToString::to_string).collect(),
            people: people.collect(),
        }
    }
}

/// What somebody else found.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct GlassReviewBody {
    /// `justified` or `not_justified`.
    #[schema(schema_with = forms::glass_finding)]
    finding: String,
    /// Why: a code of the list `emergency_note`.
    #[schema(schema_with = forms::slug)]
    note: String,
}

/// An emergency access.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct GlassIdBody {
    /// Its id.
    id: String,
}

/// An emergency access that was not reviewed yet.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ListedGlassBody {
    /// Its id.
    id: String,
    /// `open`, `ended` while its review is awaited, `overdue` once the review is late.
    state: &'static str,
    /// How far it reaches.
    tier: &'static str,
    /// Who opened it.
    holder: String,
    /// Under which role.
    role: String,
    /// For which purpose.
    purpose: String,
    /// The urgent event.
    event: String,
    /// How many dwellings it reaches.
    places_count: usize,
    /// How many people it reaches.
    people_count: usize,
    /// Since when.
    from: String,
    /// First moment at which it opens nothing more.
    until: String,
    /// Until when it is to be reviewed; then its holder opens nothing more this way.
    review_by: String,
    /// Whether the caller reviews it, once it is over.
    reviews: bool,
    /// The records that it opens, dwellings first, where it is the caller's and open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<String>,
}

fn listed(glass: ListedGlass, now: Micros) -> Option<ListedGlassBody> {
    let ListedGlass { id, record, reviews, own } = glass;
    let emergency = record.emergency()?;
    let open = record.state == MandateState::Open && now.0 < record.until;
    let state = match (open, record.is_overdue(now)) {
        (true, _) => "open",
        (false, true) => "overdue",
        (false, false) => "ended",
    };
    let records = record.records.iter().filter(|_| own && open);
    let records = records.map(|(id, _)| id.to_string()).collect();
    Some(ListedGlassBody {
        id: id.to_string(),
        state,
        tier: emergency.tier.as_str(),
        holder: record.holder.to_string(),
        role: record.role.clone(),
        purpose: record.purpose.clone(),
        event: emergency.event.to_string(),
        places_count: record.records.len().saturating_sub(record.subjects.len()),
        people_count: record.subjects.len(),
        from: Micros(record.from).rfc3339(),
        until: Micros(record.until).rfc3339(),
        review_by: emergency.review_by(record.until).rfc3339(),
        reviews,
        records,
    })
}

/// Emergency accesses that were not reviewed yet.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ListedGlassesBody {
    /// The caller's own, and those of others that it sees.
    accesses: Vec<ListedGlassBody>,
}

pub(in crate::http) async fn open(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<BrokenGlassBody>, Problem> {
    caller.must_break_glass(&rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let body: BreakGlassBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let request = caller.understood(request_of(body), &rooms).await?;
    let territory = rooms.territory.load();
    let (asked, visited) = (caller.asked(purpose), break_glass_rooms(&rooms));
    let opened = break_glass(&asked, request, &visited, &rooms.schemas, &territory, &*rooms.random);
    let glass = opened.await?;
    let body = BrokenGlassBody::from(&glass);
    Ok(Answer::new(body, glass.recorded, rooms.trail.origin()).created())
}

fn break_glass_rooms(rooms: &Rooms) -> Urgency<'_> {
    Urgency {
        store: &rooms.store,
        seal: &rooms.seal,
        directory: rooms.identity.directory(),
        access: &rooms.access,
        trail: &rooms.trail,
    }
}

fn request_of(body: BreakGlassBody) -> Result<BreakGlassRequest, Wrong> {
    Ok(BreakGlassRequest {
        tier: body.tier.parse().map_err(|_| Wrong::unknown_code("tier"))?,
        event: body.event.parse().map_err(|_| Wrong::malformed("event"))?,
        places: named_ids("places", &body.places, 0..=EMERGENCY_DWELLINGS_MAX as usize)?,
    })
}

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<ListedGlassesBody>, Problem> {
    let now = caller.now;
    let (found, recorded) =
        list_glass(&caller.actor, &caller.origin, now, &break_glass_rooms(&rooms)).await?;
    let accesses = found.into_iter().filter_map(|glass| listed(glass, now)).collect();
    Ok(Answer::new(ListedGlassesBody { accesses }, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn end(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<GlassIdBody>, Problem> {
    let id: MandateId = caller.named(&id, &rooms).await?;
    let (actor, origin, now) = (&caller.actor, &caller.origin, caller.now);
    let recorded = end_glass(actor, id, origin, now, &break_glass_rooms(&rooms)).await?;
    Ok(Answer::new(GlassIdBody { id: id.to_string() }, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn review(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<GlassIdBody>, Problem> {
    let body: GlassReviewBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let finding = caller.understood(finding_of(body, &rooms), &rooms).await?;
    let id: MandateId = caller.named(&id, &rooms).await?;
    let (actor, origin, now) = (&caller.actor, &caller.origin, caller.now);
    let recorded =
        review_glass(actor, id, &finding, origin, now, &break_glass_rooms(&rooms)).await?;
    Ok(Answer::new(GlassIdBody { id: id.to_string() }, recorded, rooms.trail.origin()))
}

fn finding_of(body: GlassReviewBody, rooms: &Rooms) -> Result<Finding, Wrong> {
    let justified = match body.finding.as_str() {
        "justified" => true,
        "not_justified" => false,
        _ => return Err(Wrong::unknown_code("finding")),
    };
    let notes = rooms.schemas.code_list("emergency_note");
    match notes.is_some_and(|notes| notes.accepts(&body.note)) {
        true => Ok(Finding { justified, note: body.note }),
        false => Err(Wrong::unknown_code("note")),
    }
}
