//! A request's body, from bytes to a typed request.
//! Never larger, slower or deeper than its limits, and wiped once it is parsed.
//! Only a known caller's body is read at all.

use super::caller::Caller;
use super::problem::Problem;
use super::rooms::Rooms;
use super::strict_json;
use crate::access::Code;
use crate::limits::{BODY_BYTES_MAX, BODY_TIME_MAX};
use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The media types that a call takes.
#[derive(Clone, Copy)]
pub(super) enum Media {
    Json,
    MergePatch,
    Lines,
}

/// Reads and parses a body for a known caller.
pub(super) async fn read<T: DeserializeOwned>(
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
    media: Media,
    rooms: &Rooms,
) -> Result<T, Problem> {
    read_said(caller, headers, body, media, rooms).await.map(|(request, _)| request)
}

/// The same, with the bytes as they came.
pub(super) async fn read_said<T: DeserializeOwned>(
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
    media: Media,
    rooms: &Rooms,
) -> Result<(T, Zeroizing<Vec<u8>>), Problem> {
    match take_said(headers, body, media).await {
        Ok(said) => Ok(said),
        Err(code) => Err(caller.turn_away(rooms, code).await),
    }
}

/// Reads and parses a body; says with which code it fails.
pub(super) async fn take<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    media: Media,
) -> Result<T, Code> {
    take_said(headers, body, media).await.map(|(request, _)| request)
}

async fn take_said<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    media: Media,
) -> Result<(T, Zeroizing<Vec<u8>>), Code> {
    if !is_of(headers, media) {
        return Err(Code::MediaTypeUnsupported);
    }
    let limited = Limited::new(body, BODY_BYTES_MAX);
    let collected = tokio::time::timeout(BODY_TIME_MAX, limited.collect())
        .await
        .map_err(|_| Code::SchemaInvalid)?
        .map_err(|_| Code::TooLarge)?;
    let bytes = Zeroizing::new(collected.to_bytes().to_vec());
    let value = strict_json::parse(&bytes).map_err(|_| Code::SchemaInvalid)?;
    let request = serde_json::from_value(value).map_err(|_| Code::SchemaInvalid)?;
    Ok((request, bytes))
}

/// Whether a body says that it is of a media type, and is not compressed.
pub(super) fn is_of(headers: &HeaderMap, media: Media) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let json = essence.eq_ignore_ascii_case("application/json");
    // A compressed body could be a thousand times its size: none is taken.
    let plain = !headers.contains_key(header::CONTENT_ENCODING);
    let patch = essence.eq_ignore_ascii_case("application/merge-patch+json");
    plain
        && match media {
            Media::Json => json,
            Media::MergePatch => json || patch,
            Media::Lines => essence.eq_ignore_ascii_case("application/x-ndjson"),
        }
}
