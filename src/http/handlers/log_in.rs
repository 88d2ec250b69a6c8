//! How somebody comes to a token: by a one-time code, by a key of its own, and how a new code is given for a key that was lost.
//! Never tells what was wrong with a code or a proof.
//! Whoever calls the first two is a stranger until it is shown otherwise.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::stray::{IDEMPOTENCY_KEY, without_key};
use super::super::surround::turn_stranger_away;
use super::admin::IssuedBody;
use crate::access::{Code, Duty, Origin};
use crate::identity::public_key;
use crate::limits::{STRANGER_BODY_BYTES_MAX, TOKEN_LIFE_SECONDS_MAX};
use crate::operations::{enrol, log_in, new_code};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A one-time code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct EnrolBody {
    /// The code.
    #[schema(schema_with = forms::one_time_code)]
    code: String,
    /// The public key (Ed25519, base64url) that its holder logs in by from then on; none takes away what there was.
    #[schema(schema_with = forms::maybe_public_key)]
    log_in_key: Option<String>,
}

/// What proves a log-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct LogInBody {
    /// A JWT that the actor signed with its key: `docs/integrating.md` has its members.
    #[schema(schema_with = forms::proof)]
    proof: String,
    /// How long the token lives, in seconds; 12 hours at most.
    #[schema(schema_with = forms::maybe_life)]
    life_seconds: Option<i64>,
}

/// A one-time code for somebody who is there.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct CodeBody {
    /// The actor.
    actor: String,
    /// The one-time code for `POST /v1/enrol`, good for a day.
    code: String,
}

/// The small body of somebody who is not known yet. Neither a code nor a proof is taken twice, so there is no key to remember.
async fn taken<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    origin: &Origin,
    rooms: &Rooms,
) -> Result<T, Problem> {
    if headers.contains_key(IDEMPOTENCY_KEY) {
        return Err(without_key(turn_stranger_away(rooms, origin, Code::SchemaInvalid).await));
    }
    match body::take_small(headers, body, Media::Json, STRANGER_BODY_BYTES_MAX).await {
        Ok(body) => Ok(body),
        Err(code) => Err(turn_stranger_away(rooms, origin, code).await),
    }
}

pub(in crate::http) async fn redeem(
    State(rooms): State<Arc<Rooms>>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<IssuedBody>, Problem> {
    let body: EnrolBody = taken(&headers, body, &origin, &rooms).await?;
    let key = body.log_in_key.as_deref().map(public_key);
    if key == Some(None) {
        return Err(turn_stranger_away(&rooms, &origin, Code::SchemaInvalid).await);
    }
    let enrolled = enrol(
        &body.code,
        key.flatten(),
        &origin,
        rooms.clock.now(),
        &rooms.store,
        &rooms.identity,
        &rooms.access,
        &rooms.trail,
    )
    .await?;
    let body = IssuedBody::of(enrolled.actor, &enrolled.token);
    Ok(Answer::new(body, enrolled.recorded, rooms.trail.origin()).created())
}

pub(in crate::http) async fn enter(
    State(rooms): State<Arc<Rooms>>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<IssuedBody>, Problem> {
    let body: LogInBody = taken(&headers, body, &origin, &rooms).await?;
    let logged_in = log_in(
        &body.proof,
        body.life_seconds.unwrap_or(TOKEN_LIFE_SECONDS_MAX),
        &origin,
        rooms.clock.moment(),
        &rooms.identity,
        &rooms.access,
        &rooms.trail,
    )
    .await?;
    let body = IssuedBody::of(logged_in.actor, &logged_in.token);
    Ok(Answer::new(body, logged_in.recorded, rooms.trail.origin()).created())
}

pub(in crate::http) async fn code(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(actor): Named,
) -> Result<Answer<CodeBody>, Problem> {
    caller.must_have(Duty::TokenIssue, &rooms).await?;
    let actor = caller.named(&actor, &rooms).await?;
    let made = new_code(
        &caller.actor,
        actor,
        &caller.origin,
        caller.now,
        &rooms.identity,
        &rooms.access,
        &rooms.trail,
        &*rooms.random,
    )
    .await?;
    let body = CodeBody { actor: actor.to_string(), code: made.code.show().to_owned() };
    Ok(Answer::new(body, made.recorded, rooms.trail.origin()).created())
}
