//! Posts and states of actors: given, confirmed by the community, ended, changed.
//! Never a right by itself: a post counts for what the policy gives its role, and for nothing until it is confirmed.
//! The directory says who is placed where; the log says who placed whom.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::strict_json::Members;
use super::super::wrong::Wrong;
use super::admin::{AssignmentBody, assignment_request};
use super::brought::{SecrecyTermBody, brought};
use crate::access::{ActorId, PlacingAct};
use crate::identity::ActorState;
use crate::operations::{Placing, change_state, confirm_post, end_post, place_actor, renew_post};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A post that was given, confirmed or ended.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct PlacedBody {
    /// The post's id.
    assignment: String,
    /// Whether it counts; else its community has to confirm it, or a second administrator one of oversight.
    confirmed: bool,
}

/// Which post of the actor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PostBody {
    /// The post's id, as the directory says it.
    #[schema(schema_with = forms::actor_id)]
    assignment: String,
}

/// What the holder of a post brought along since: at least one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RenewalBody {
    /// The post's id, as the directory says it.
    #[schema(schema_with = forms::actor_id)]
    assignment: String,
    /// A secrecy term that was signed.
    #[schema(value_type = Option<SecrecyTermBody>)]
    secrecy_term: Option<Members<SecrecyTermBody>>,
    /// First moment at which the training counts no more, RFC 3339.
    #[schema(schema_with = forms::maybe_moment)]
    trained_until: Option<String>,
}

/// The post for which it was written down.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RenewedBody {
    /// The post's id.
    assignment: String,
}

/// A state.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct StateBody {
    /// `active`, `reserve`, `suspended` or `left`; from `left` nothing leads back.
    #[schema(schema_with = forms::actor_state)]
    state: ActorState,
}

/// An actor whose state was changed.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct StateChangedBody {
    /// The actor's id.
    id: String,
    /// Its state.
    #[schema(value_type = String)]
    state: ActorState,
}

pub(in crate::http) async fn place(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<PlacedBody>, Problem> {
    caller.must_place(PlacingAct::Place, &rooms).await?;
    let body: AssignmentBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let about: ActorId = caller.named(&id, &rooms).await?;
    let request = caller.understood(assignment_request(body), &rooms).await?;
    let territory = rooms.territory.load();
    let (purposes, random) = (&rooms.purposes, &*rooms.random);
    let placing = placing(&caller, &rooms);
    let placed = place_actor(&placing, about, request, purposes, &territory, random).await?;
    let assignment = BASE64_URL_SAFE_NO_PAD.encode(placed.assignment);
    let body = PlacedBody { assignment, confirmed: placed.confirmed };
    Ok(Answer::new(body, placed.recorded, rooms.trail.origin()).created())
}

pub(in crate::http) async fn confirm(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<PlacedBody>, Problem> {
    caller.must_place(PlacingAct::Confirm, &rooms).await?;
    let (about, assignment, text) = post_of(&caller, &id, &headers, body, &rooms).await?;
    let recorded = confirm_post(&placing(&caller, &rooms), about, assignment).await?;
    let body = PlacedBody { assignment: text, confirmed: true };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn end(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<PlacedBody>, Problem> {
    caller.must_place(PlacingAct::End, &rooms).await?;
    let (about, assignment, text) = post_of(&caller, &id, &headers, body, &rooms).await?;
    let recorded = end_post(&placing(&caller, &rooms), about, assignment).await?;
    let body = PlacedBody { assignment: text, confirmed: false };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn renew(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<RenewedBody>, Problem> {
    caller.must_place(PlacingAct::Renew, &rooms).await?;
    let body: RenewalBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let about: ActorId = caller.named(&id, &rooms).await?;
    let brought = caller
        .understood(brought(body.secrecy_term, body.trained_until.as_deref()), &rooms)
        .await?;
    // A post's id has the form of an actor's.
    let Ok(post) = body.assignment.parse::<ActorId>() else {
        return Err(caller.turn_away_for(&rooms, Wrong::malformed("assignment")).await);
    };
    let placing = placing(&caller, &rooms);
    let recorded = renew_post(&placing, about, *post.as_bytes(), brought).await?;
    let body = RenewedBody { assignment: body.assignment };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn change(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<StateChangedBody>, Problem> {
    caller.must_place(PlacingAct::Change, &rooms).await?;
    let body: StateBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let about: ActorId = caller.named(&id, &rooms).await?;
    let recorded = change_state(&placing(&caller, &rooms), about, body.state).await?;
    let body = StateChangedBody { id: about.to_string(), state: body.state };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(super) fn placing<'a>(caller: &'a Caller, rooms: &'a Rooms) -> Placing<'a> {
    Placing {
        actor: &caller.actor,
        origin: &caller.origin,
        now: caller.now,
        directory: rooms.identity.directory(),
        store: &rooms.store,
        seal: &rooms.seal,
        access: &rooms.access,
        trail: &rooms.trail,
        words: &rooms.first_words,
    }
}

async fn post_of(
    caller: &Caller,
    id: &str,
    headers: &HeaderMap,
    body: Body,
    rooms: &Rooms,
) -> Result<(ActorId, [u8; 16], String), Problem> {
    let body: PostBody = body::read(caller, headers, body, Media::Json, rooms).await?;
    let about: ActorId = caller.named(id, rooms).await?;
    // A post's id has the form of an actor's.
    let assignment = body.assignment.parse().map_err(|_| Wrong::malformed("assignment"));
    let assignment: ActorId = caller.understood(assignment, rooms).await?;
    Ok((about, *assignment.as_bytes(), body.assignment))
}
