//! Whether the process lives and whether it can serve; and what it serves.
//! Never anything about data, keys or callers.
//! Open to everyone, and the only answers without an entry.

use super::super::openapi;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use crate::access::Code;
use crate::trail::Space;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::{Arc, OnceLock};
use utoipa::ToSchema;

/// That the process lives, or can serve.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct StatusBody {
    status: &'static str,
}

/// That the process can serve.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ReadyBody {
    status: &'static str,
    /// How long the oldest entry waits for the witnesses; absent where all are witnessed, or none has to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    witness_lag_seconds: Option<u64>,
    /// What follows the log and stands still: `search_index`, `anomalies`. Absent where nothing does. Data is served all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    failing: Vec<&'static str>,
}

pub(in crate::http) async fn healthz() -> Json<StatusBody> {
    Json(StatusBody { status: "alive" })
}

pub(in crate::http) async fn readyz(
    State(rooms): State<Arc<Rooms>>,
) -> Result<Json<ReadyBody>, Problem> {
    if !rooms.trail.is_writable() {
        return Err(Problem::unrecorded(Code::TrailUnavailable));
    }
    if rooms.trail.space() == Space::Spent {
        return Err(Problem::unrecorded(Code::StorageFull));
    }
    if !rooms.trail.is_witnessed() {
        return Err(Problem::unrecorded(Code::TrailUnavailable));
    }
    if rooms.trail.clock_doubt().is_some() {
        return Err(Problem::unrecorded(Code::ClockInDoubt));
    }
    let witness_lag_seconds = rooms.trail.witness_lag().map(|age| age.as_secs());
    let followers = [
        ("search_index", rooms.index.state().failing),
        ("anomalies", rooms.anomalies.state().failing),
    ];
    let failing = followers.into_iter().filter(|(_, failing)| *failing);
    let failing = failing.map(|(name, _)| name).collect();
    Ok(Json(ReadyBody { status: "ready", witness_lag_seconds, failing }))
}

pub(in crate::http) async fn document() -> Response {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let text = DOCUMENT.get_or_init(openapi::document);
    ([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}
