//! Stand-ins: a window is proposed, accepted, ended, listed.
//! Never by an administrator: the two of a pair agree between themselves, inside what their community approved.
//! Both are named in every entry.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use super::brought::{maybe_moment, moment};
use crate::access::Code;
use crate::ambient::Micros;
use crate::operations::{
    Delegating, DelegationRequest, ListedDelegation, list_delegations, propose_delegation,
    step_delegation,
};
use crate::records::MandateId;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A window that is proposed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct DelegationBody {
    /// Who is to stand in: the other of an approved pair.
    #[schema(schema_with = forms::actor_id)]
    to: String,
    /// In which grid of the caller.
    #[schema(schema_with = forms::grid)]
    grid: String,
    /// First moment, RFC 3339; now if nothing is said.
    #[schema(schema_with = forms::maybe_moment)]
    from: Option<String>,
    /// First moment no more, RFC 3339.
    #[schema(schema_with = forms::body_moment)]
    until: String,
}

/// A delegation.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DelegationIdBody {
    /// Its id.
    id: String,
}

/// A delegation of the caller that is not over.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ListedDelegationBody {
    /// Its id.
    id: String,
    /// `offered` until the stand-in accepts it, then `open`.
    state: &'static str,
    /// Who proposed it.
    by: Option<String>,
    /// Who stands in.
    to: String,
    /// In which grid.
    grid: Option<String>,
    /// First moment.
    from: String,
    /// First moment no more.
    until: String,
}

impl From<ListedDelegation> for ListedDelegationBody {
    fn from(ListedDelegation { id, record }: ListedDelegation) -> ListedDelegationBody {
        ListedDelegationBody {
            id: id.to_string(),
            state: record.state.as_str(),
            by: record.giver.map(|giver| giver.to_string()),
            to: record.holder.to_string(),
            grid: record.window.map(|(_, grid)| grid),
            from: Micros(record.from).rfc3339(),
            until: Micros(record.until).rfc3339(),
        }
    }
}

/// The caller's delegations that are not over.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DelegationsBody {
    /// The delegations, those that end first in front.
    delegations: Vec<ListedDelegationBody>,
    /// Whether there are more, which no list shows: it has 1,000 at most, those that end first.
    more: bool,
}

pub(in crate::http) async fn propose(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<DelegationIdBody>, Problem> {
    caller.must_delegate(&rooms).await?;
    let body: DelegationBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let request = caller.understood(request_of(&body), &rooms).await?;
    let delegating = delegating(&caller, &rooms);
    let (id, recorded) = propose_delegation(&delegating, request, &*rooms.random).await?;
    let body = DelegationIdBody { id: id.to_string() };
    Ok(Answer::new(body, recorded, rooms.trail.origin()).created())
}

fn request_of(body: &DelegationBody) -> Result<DelegationRequest, Wrong> {
    Ok(DelegationRequest {
        to: body.to.parse().map_err(|_| Wrong::malformed("to"))?,
        grid: body.grid.parse().map_err(|_| Wrong::malformed("grid"))?,
        from: maybe_moment(body.from.as_deref()).ok_or_else(|| Wrong::wrong_time("from"))?,
        until: moment(&body.until).ok_or_else(|| Wrong::wrong_time("until"))?,
    })
}

pub(in crate::http) async fn accept(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<DelegationIdBody>, Problem> {
    step(&rooms, &caller, &id, true).await
}

pub(in crate::http) async fn end(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<DelegationIdBody>, Problem> {
    step(&rooms, &caller, &id, false).await
}

async fn step(
    rooms: &Rooms,
    caller: &Caller,
    id: &str,
    accept: bool,
) -> Result<Answer<DelegationIdBody>, Problem> {
    // What has not the form of an id names no delegation.
    let Ok(id) = id.parse::<MandateId>() else {
        return Err(caller.turn_away(rooms, Code::NotFound).await);
    };
    let recorded = step_delegation(&delegating(caller, rooms), id, accept).await?;
    let body = DelegationIdBody { id: id.to_string() };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<DelegationsBody>, Problem> {
    let found = list_delegations(&delegating(&caller, &rooms)).await?;
    let delegations = found.delegations.into_iter().map(ListedDelegationBody::from).collect();
    let body = DelegationsBody { delegations, more: found.more };
    Ok(Answer::new(body, found.recorded, rooms.trail.origin()))
}

fn delegating<'a>(caller: &'a Caller, rooms: &'a Rooms) -> Delegating<'a> {
    Delegating {
        actor: &caller.actor,
        origin: &caller.origin,
        now: caller.now,
        directory: rooms.identity.directory(),
        store: &rooms.store,
        seal: &rooms.seal,
        access: &rooms.access,
        trail: &rooms.trail,
    }
}
