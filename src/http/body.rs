//! A request's body, from bytes to a typed request.
//! Never larger, slower or deeper than its limits, and wiped once it is parsed.
//! Only a known caller's body is read at all, but the small one by which somebody makes itself known.

use super::caller::Caller;
use super::problem::Problem;
use super::rooms::Rooms;
use super::strict_json::{self, NotStrictJson};
use super::wrong::{Wrong, why_not};
use crate::access::Code;
use crate::limits::{
    BODY_BYTES_MAX, BODY_DISCARD_BYTES_MAX, BODY_PACE_BYTES_MIN, BODY_PACE_TIME, BODY_TIME_MAX,
};
use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use std::ops::RangeInclusive;
use std::str::FromStr;
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
    let bytes = match bytes_of(headers, body, media, BODY_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(code) => return Err(caller.turn_away(rooms, code).await),
    };
    match parsed(&bytes) {
        Ok(request) => Ok((request, bytes)),
        Err(NotStrictJson) => Err(caller.turn_away_for(rooms, why_not::<T>(&bytes)).await),
    }
}

/// Reads and parses a body of so many bytes at most, of nobody known; says with which code it fails. A stranger is not told where.
pub(super) async fn take_small<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    media: Media,
    bytes_max: usize,
) -> Result<T, Code> {
    let bytes = bytes_of(headers, body, media, bytes_max).await?;
    parsed(&bytes).map_err(|NotStrictJson| Code::SchemaInvalid)
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NotStrictJson> {
    strict_json::parse(bytes).and_then(strict_json::request)
}

async fn bytes_of(
    headers: &HeaderMap,
    body: Body,
    media: Media,
    bytes_max: usize,
) -> Result<Zeroizing<Vec<u8>>, Code> {
    if !is_of(headers, media) {
        return Err(Code::MediaTypeUnsupported);
    }
    let collected = tokio::time::timeout(BODY_TIME_MAX, collect(body, bytes_max)).await;
    collected.map_err(|_| Code::SchemaInvalid)?
}

/// All bytes of a body. One that breaks off, or that comes too slowly, is no body of any form.
async fn collect(mut body: Body, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, Code> {
    let said = body.size_hint();
    if said.lower() > bytes_max as u64 {
        discard(body).await;
        return Err(Code::TooLarge);
    }
    let most = said.upper().and_then(|upper| usize::try_from(upper).ok());
    // As large as it can become, so that no shorter copy stays behind unwiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(most.unwrap_or(usize::MAX).min(bytes_max)));
    loop {
        let enough = bytes.len() + BODY_PACE_BYTES_MIN;
        let window = async {
            while bytes.len() < enough {
                let Some(frame) = body.frame().await else { return Ok(true) };
                let frame = frame.map_err(|_| Code::SchemaInvalid)?;
                // Trailers say nothing that a body does not.
                let Ok(data) = frame.into_data() else { continue };
                if bytes.len() + data.len() > bytes_max {
                    return Err(Code::TooLarge);
                }
                bytes.extend_from_slice(&data);
            }
            Ok(false)
        };
        let whole = tokio::time::timeout(BODY_PACE_TIME, window).await;
        match whole.map_err(|_| Code::SchemaInvalid)? {
            Ok(true) => return Ok(bytes),
            Ok(false) => {}
            Err(code) => {
                discard(body).await;
                return Err(code);
            }
        }
    }
}

/// Reads on for a while without keeping anything.
async fn discard(mut body: Body) {
    let discarding = async {
        let mut left = BODY_DISCARD_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let Some(rest) = left.checked_sub(frame.data_ref().map_or(0, |data| data.len())) else {
                return;
            };
            left = rest;
        }
    };
    let _enough = tokio::time::timeout(BODY_PACE_TIME, discarding).await;
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

/// The code that a body has, if it is one of these.
pub(super) fn known(codes: &[&'static str], given: &str) -> Option<&'static str> {
    codes.iter().copied().find(|code| *code == given)
}

/// The same, of a body's member that has to be one of them.
pub(super) fn code_at(
    place: &'static str,
    codes: &[&'static str],
    given: &str,
) -> Result<&'static str, Wrong> {
    known(codes, given).ok_or_else(|| Wrong::unknown_code(place))
}

/// Takes a list of a body that has so many members, none twice. How many is asked first: members are held against each other, so a
/// body full of them would cost its length squared.
pub(super) fn few_and_distinct<T: PartialEq>(
    place: &'static str,
    members: &[T],
    counts: RangeInclusive<usize>,
) -> Result<(), Wrong> {
    so_many(place, members.len(), counts)?;
    match members.iter().enumerate().any(|(at, one)| members[..at].contains(one)) {
        true => Err(Wrong::at(place, "repeated")),
        false => Ok(()),
    }
}

/// Takes a list that has no fewer members and no more.
pub(super) fn so_many(
    place: &'static str,
    count: usize,
    counts: RangeInclusive<usize>,
) -> Result<(), Wrong> {
    match count {
        few if few < *counts.start() => Err(Wrong::at(place, "missing")),
        many if many > *counts.end() => Err(Wrong::at(place, "too_many")),
        _ => Ok(()),
    }
}

/// The ids that a body names: so many, none twice, each with the form of one. None is read where there are too many.
pub(super) fn named_ids<T: FromStr + PartialEq>(
    place: &'static str,
    texts: &[String],
    counts: RangeInclusive<usize>,
) -> Result<Vec<T>, Wrong> {
    so_many(place, texts.len(), counts.clone())?;
    let ids = texts.iter().map(|text| text.parse().ok()).collect::<Option<Vec<T>>>();
    let ids = ids.ok_or_else(|| Wrong::malformed(place))?;
    few_and_distinct(place, &ids, counts)?;
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use hyper::body::Frame;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    /// A body that brings a piece now and then.
    struct Trickle {
        pause: Duration,
        piece: usize,
        pieces: usize,
        waiting: Option<Pin<Box<tokio::time::Sleep>>>,
    }

    impl hyper::body::Body for Trickle {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.pieces == 0 {
                return Poll::Ready(None);
            }
            let pause = self.pause;
            let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            if waiting.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.waiting = None;
            self.pieces -= 1;
            Poll::Ready(Some(Ok(Frame::data(vec![b' '; self.piece].into()))))
        }
    }

    /// What becomes of a body. Time is the runtime's own, which jumps to the next moment at which anything is due.
    fn collected(body: Body) -> Result<usize, Code> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let all = tokio::time::timeout(BODY_TIME_MAX, collect(body, BODY_BYTES_MAX)).await;
            all.map_err(|_| Code::SchemaInvalid)?.map(|bytes| bytes.len())
        })
    }

    fn trickle(pause: Duration, piece: usize, pieces: usize) -> Result<usize, Code> {
        collected(Body::new(Trickle { pause, piece, pieces, waiting: None }))
    }

    /// A member that nobody may look at.
    struct Unread;

    impl PartialEq for Unread {
        fn eq(&self, _: &Unread) -> bool {
            panic!("a member of a list that is too long was looked at");
        }
    }

    impl FromStr for Unread {
        type Err = Infallible;

        fn from_str(_: &str) -> Result<Unread, Infallible> {
            panic!("a member of a list that is too long was read");
        }
    }

    #[test]
    fn no_member_of_a_list_that_is_too_long_or_too_short_is_looked_at() {
        let too_many = Wrong::at("ids", "too_many");
        let missing = Wrong::at("ids", "missing");
        let few = |members: &[Unread], counts| few_and_distinct("ids", members, counts);
        assert_eq!(few(&[Unread, Unread, Unread], 1..=2).err().as_ref(), Some(&too_many));
        assert_eq!(few(&[Unread, Unread], 3..=4).err().as_ref(), Some(&missing));
        let named = |texts: &[String], counts| named_ids::<Unread>("ids", texts, counts).err();
        assert_eq!(named(&["1".into(), "2".into(), "3".into()], 1..=2), Some(too_many));
        assert_eq!(named(&["1".into()], 2..=3), Some(missing));
    }

    #[test]
    fn ids_are_taken_from_their_fewest_to_their_most_and_none_twice() {
        let ids = |texts: &[&str], counts| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            named_ids::<u8>("ids", &texts, counts)
        };
        assert_eq!(ids(&["1", "2"], 1..=2), Ok(vec![1, 2]));
        assert_eq!(ids(&[], 0..=2), Ok(Vec::new()));
        for (wrong, reason) in [
            (&["1", "1"][..], "repeated"),
            (&["1", "x"], "malformed"),
            (&["1", "2", "3"], "too_many"),
            (&[], "missing"),
        ] {
            assert_eq!(ids(wrong, 1..=2), Err(Wrong::at("ids", reason)), "{wrong:?}");
        }
    }

    #[test]
    fn a_body_at_the_slowest_pace_is_taken_and_a_slower_one_is_not() {
        let just = BODY_PACE_TIME - Duration::from_millis(1);
        let bytes = 3 * BODY_PACE_BYTES_MIN;
        assert_eq!(trickle(just, BODY_PACE_BYTES_MIN, 3), Ok(bytes));
        assert_eq!(trickle(just, BODY_PACE_BYTES_MIN - 1, 3), Err(Code::SchemaInvalid));
        assert_eq!(trickle(BODY_PACE_TIME * 2, BODY_PACE_BYTES_MIN, 3), Err(Code::SchemaInvalid));
    }

    #[test]
    fn a_body_that_keeps_its_pace_must_still_end_in_its_time() {
        let second = Duration::from_secs(1);
        let pieces = usize::try_from(BODY_TIME_MAX.as_secs()).expect("seconds");
        let piece = BODY_PACE_BYTES_MIN;
        assert_eq!(trickle(second, piece, pieces - 1), Ok(piece * (pieces - 1)));
        assert_eq!(trickle(second, piece, pieces + 1), Err(Code::SchemaInvalid));
    }

    #[test]
    fn a_body_is_taken_to_its_longest_and_refused_beyond_it_said_or_not() {
        let of = |bytes: usize| collected(Body::from(vec![b' '; bytes]));
        assert_eq!(of(BODY_BYTES_MAX), Ok(BODY_BYTES_MAX));
        assert_eq!(of(BODY_BYTES_MAX + 1), Err(Code::TooLarge));
        let unsaid = |bytes: usize| trickle(Duration::ZERO, bytes / 4, 4);
        assert_eq!(unsaid(BODY_BYTES_MAX), Ok(BODY_BYTES_MAX));
        assert_eq!(unsaid(BODY_BYTES_MAX + 4), Err(Code::TooLarge));
        assert_eq!(of(0), Ok(0));
    }
}
