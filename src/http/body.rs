//! A request's body, from bytes to a typed request.
//! Never larger, slower or deeper than its limits, and wiped once it is parsed.
//! Only a known caller's body is read at all.

use super::caller::Caller;
use super::problem::Problem;
use super::rooms::Rooms;
use super::strict_json;
use crate::access::Code;
use crate::limits::{BODY_BYTES_MAX, BODY_PACE_BYTES_MIN, BODY_PACE_TIME, BODY_TIME_MAX};
use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
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
    let collected = tokio::time::timeout(BODY_TIME_MAX, collect(body)).await;
    let bytes = collected.map_err(|_| Code::SchemaInvalid)??;
    let value = strict_json::parse(&bytes).map_err(|_| Code::SchemaInvalid)?;
    let request = serde_json::from_value(value).map_err(|_| Code::SchemaInvalid)?;
    Ok((request, bytes))
}

/// All bytes of a body. One that breaks off, or that comes too slowly, is no body of any form.
async fn collect(mut body: Body) -> Result<Zeroizing<Vec<u8>>, Code> {
    let said = body.size_hint();
    if said.lower() > BODY_BYTES_MAX as u64 {
        return Err(Code::TooLarge);
    }
    let most = said.upper().and_then(|upper| usize::try_from(upper).ok());
    // As large as it can become, so that no shorter copy stays behind unwiped.
    let mut bytes =
        Zeroizing::new(Vec::with_capacity(most.unwrap_or(usize::MAX).min(BODY_BYTES_MAX)));
    loop {
        let enough = bytes.len() + BODY_PACE_BYTES_MIN;
        let window = async {
            while bytes.len() < enough {
                let Some(frame) = body.frame().await else { return Ok(true) };
                let frame = frame.map_err(|_| Code::SchemaInvalid)?;
                // Trailers say nothing that a body does not.
                let Ok(data) = frame.into_data() else { continue };
                if bytes.len() + data.len() > BODY_BYTES_MAX {
                    return Err(Code::TooLarge);
                }
                bytes.extend_from_slice(&data);
            }
            Ok(false)
        };
        let whole = tokio::time::timeout(BODY_PACE_TIME, window).await;
        if whole.map_err(|_| Code::SchemaInvalid)?? {
            return Ok(bytes);
        }
    }
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
