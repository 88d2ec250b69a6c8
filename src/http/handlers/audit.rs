//! The log, for officers; proofs, for whoever holds a receipt.
//! Never an entry to somebody without the duty.
//! A proof is text in the form of c2sp.org/tlog-proof, as other tools read it.

use super::super::answer::{Answer, receipt_header};
use super::super::caller::Caller;
use super::super::headers::query;
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use crate::access::{Code, Duty};
use crate::limits::AUDIT_PAGE_COUNT_MAX;
use crate::oversight::{prove_receipt, read_entries};
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// A page of the log.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct EntriesBody {
    /// The entries, as they were written.
    #[schema(value_type = Vec<Object>)]
    entries: Vec<Value>,
    /// The index to go on from.
    next: u64,
    /// How many entries are published.
    size: u64,
}

pub(in crate::http) async fn entries(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Answer<EntriesBody>, Problem> {
    caller.must_have(Duty::AuditRead, &rooms).await?;
    let [from, limit] = query(&caller, raw.as_deref(), ["from", "limit"], &rooms).await?;
    let from = from.map_or(Ok(0), |from| from.parse());
    let limit = limit.map_or(Ok(AUDIT_PAGE_COUNT_MAX), |limit| limit.parse());
    let (Ok(from), Ok(limit)) = (from, limit) else {
        return Err(caller.turn_away(&rooms, Code::SchemaInvalid).await);
    };
    let page = read_entries(
        &caller.actor,
        from,
        limit,
        &caller.origin,
        caller.now,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
    )
    .await?;
    let body = EntriesBody { entries: page.entries, next: page.next, size: page.size };
    Ok(Answer::new(body, page.recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn proof(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(index): Named,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let [leaf] = query(&caller, raw.as_deref(), ["leaf"], &rooms).await?;
    let leaf = leaf.and_then(|leaf| BASE64_URL_SAFE_NO_PAD.decode(leaf).ok());
    let leaf = leaf.and_then(|leaf| <[u8; 32]>::try_from(leaf).ok());
    let Some(leaf) = leaf else {
        return Err(caller.turn_away(&rooms, Code::SchemaInvalid).await);
    };
    let Ok(index) = index.parse::<u64>() else {
        return Err(caller.turn_away(&rooms, Code::NotFound).await);
    };
    let proof = prove_receipt(
        &caller.actor,
        index,
        &leaf,
        &caller.origin,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
    )
    .await?;
    let mut response = proof.text.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if let Some(receipt) = receipt_header(rooms.trail.origin(), proof.recorded) {
        headers.insert("audit-receipt", receipt);
    }
    Ok(response)
}
