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

pub(in crate::http) async fn healthz() -> Json<StatusBody> {
    Json(StatusBody { status: "alive" })
}

pub(in crate::http) async fn readyz(
    State(rooms): State<Arc<Rooms>>,
) -> Result<Json<StatusBody>, Problem> {
    if !rooms.trail.is_writable() {
        return Err(Problem::unrecorded(Code::TrailUnavailable));
    }
    if rooms.trail.space() == Space::Spent {
        return Err(Problem::unrecorded(Code::StorageFull));
    }
    Ok(Json(StatusBody { status: "ready" }))
}

pub(in crate::http) async fn document() -> Response {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let text = DOCUMENT.get_or_init(openapi::document);
    ([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}
