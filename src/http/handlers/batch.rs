//! Many creations in one request: lines in, answers out.
//! Never all or nothing: each line stands alone, and its answer says what became of it.
//! What the head of the request gets wrong is refused as in any other call.

use super::super::batch;
use super::super::body::{Media, is_of};
use super::super::caller::Caller;
use super::super::headers::{case_of_work, purpose};
use super::super::once::idempotency_key;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::surround::language_of;
use crate::access::{Ask, Code};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use std::sync::Arc;

pub(in crate::http) async fn create(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    caller.must_ask(Ask::Create, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let case = case_of_work(&caller, &headers, &rooms).await?;
    let key = idempotency_key(&caller, &headers, &rooms).await?;
    if !is_of(&headers, Media::Lines) {
        return Err(caller.turn_away(&rooms, Code::MediaTypeUnsupported).await);
    }
    let language = language_of(&headers);
    let answers = batch::begin(&rooms, caller, (purpose, case), key, language, body).await?;
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], answers))
}
