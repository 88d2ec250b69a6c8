//! The log's files over HTTP (c2sp.org/tlog-tiles): checkpoint and hashes for everybody, entries for auditors.
//! Never a file by a name that a client wrote: a path becomes numbers, or there is no such file.
//! What may be kept on the way, and how long, is said here for each kind; an entry may not be kept at all.

use super::super::answer::put_receipt;
use super::super::caller::Caller;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use crate::access::{Code, Duty};
use crate::oversight::{TileName, read_bundle, read_checkpoint, read_minimum, read_tile};
use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Where the log's files lie.
const PREFIX: &str = "/log/";
/// A full tile never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A partial tile goes once it is full: whoever kept it longer would only ask again.
const SHORTLY: HeaderValue = HeaderValue::from_static("public, max-age=60");
/// A checkpoint is another one in a second.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The tile that a request names, by its path as it came: an escaped sign is another sign, and no file has a query.
fn named(uri: &Uri) -> Option<TileName> {
    let path = uri.path().strip_prefix(PREFIX).filter(|_| uri.query().is_none())?;
    TileName::parse(path)
}

/// Open to witnesses and whoever watches: a name, a size, a hash and signatures. A log without a checkpoint is not there yet.
pub(in crate::http) async fn checkpoint(
    State(rooms): State<Arc<Rooms>>,
) -> Result<Response, Problem> {
    let Ok(Some(note)) = read_checkpoint(&rooms.trail, &rooms.log) else {
        return Err(Problem::unrecorded(Code::TrailUnavailable));
    };
    Ok(([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, ASK_AGAIN)], note).into_response())
}

/// Open to the same: where the log begins, and which entry says so.
pub(in crate::http) async fn minimum(State(rooms): State<Arc<Rooms>>) -> Result<Response, Problem> {
    let text = read_minimum(&rooms.log)?;
    Ok(([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, ASK_AGAIN)], text).into_response())
}

/// Open to the same: hashes.
pub(in crate::http) async fn tile(
    State(rooms): State<Arc<Rooms>>,
    uri: Uri,
) -> Result<Response, Problem> {
    let missing = Problem::unrecorded(Code::NotFound);
    let Some(name) = named(&uri) else { return Err(missing) };
    let bytes = read_tile(&name, &rooms.trail, &rooms.log)?.ok_or(missing)?;
    let keep = if name.is_full() { FOR_EVER } else { SHORTLY };
    Ok(([(header::CONTENT_TYPE, BYTES), (header::CACHE_CONTROL, keep)], bytes).into_response())
}

/// A bundle for whoever may read the log. Each fetch is an entry, so nothing on the way may answer in our place.
pub(in crate::http) async fn bundle(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    caller.must_have(Duty::AuditRead, &rooms).await?;
    let (bytes, recorded) = read_bundle(
        &caller.actor,
        named(&uri),
        &caller.origin,
        caller.now,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
    )
    .await?;
    let mut response = ([(header::CONTENT_TYPE, BYTES)], bytes).into_response();
    put_receipt(response.headers_mut(), rooms.trail.origin(), recorded);
    Ok(response)
}
