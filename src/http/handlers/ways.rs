//! Other ways to the root key of a vault that is open, as its command line hands them over.
//! Never what opens a vault: no passphrase, no share, no PIN; the root key that is to follow comes sealed under the one in force.
//! It comes from the host itself, as what opens a sealed vault does. Who brings it is one administrator; the two whose word counts signed the request in it.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::here::FromHere;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use crate::access::{Code, Duty};
use crate::ceremony::Handed;
use crate::operations::change_ways;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What is handed over.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WaysBody {
    /// The request, as both administrators signed it (`gridvault keys request`, `keys agree`).
    #[schema(schema_with = forms::ceremony_request)]
    request: String,
    /// The ways that are to be in force: the bytes of a file of envelopes, base64url without padding.
    #[schema(schema_with = forms::ways)]
    ways: String,
    /// Sealed under the root key in force, the one that is to follow it, or that none does: base64url without padding.
    #[schema(schema_with = forms::handed_root)]
    root: String,
}

/// What is in force.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct WaysAnswer {
    /// How many ways there are to the root key.
    ways: usize,
}

/// Puts other ways to the root key in force, and another root key with them where one is handed over.
pub(in crate::http) async fn change(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    FromHere(is_here): FromHere,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<WaysAnswer>, Problem> {
    caller.must_have(Duty::KeysRotate, &rooms).await?;
    if !is_here && !rooms.unseal_from_network {
        return Err(caller.turn_away(&rooms, Code::Denied).await);
    }
    let body: WaysBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let WaysBody { request, ways, root } = &body;
    let handed = Handed::parse(request, ways, root).map_err(Wrong::malformed);
    let handed = caller.understood(handed, &rooms).await?;
    let changed = change_ways(
        &caller.actor,
        handed,
        &caller.origin,
        &rooms.ways,
        rooms.identity.directory(),
        &rooms.store,
        &rooms.access,
        &rooms.trail,
        (&*rooms.clock, &*rooms.random),
    )
    .await?;
    let body = WaysAnswer { ways: changed.count };
    Ok(Answer::new(body, changed.recorded, rooms.trail.origin()))
}
