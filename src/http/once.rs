//! The `Idempotency-Key` of a write: from a header to what the write is known by if it is said again.
//! Never logged and never kept; a keyed tag stands for it.
//! The key is taken when the whole request is here, so a connection that broke on the way holds no key.

use super::caller::Caller;
use super::problem::Problem;
use super::rooms::Rooms;
use super::stray::IDEMPOTENCY_KEY;
use super::wrong::Wrong;
use crate::limits::IDEMPOTENCY_KEY_CHARACTERS_MAX;
use crate::operations::{Once, UnderWay};
use axum::http::HeaderMap;

/// A write under a key that is being worked on, as long as this is held.
pub(super) struct Held {
    pub(super) once: Once,
    _under_way: UnderWay,
}

/// The key that a write names, if it names one.
pub(super) async fn idempotency_key(
    caller: &Caller,
    headers: &HeaderMap,
    rooms: &Rooms,
) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().ok().filter(|key| is_key(key)),
        (Some(_), Some(_)) => None,
    };
    match key {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(caller.turn_away_for(rooms, Wrong::at("Idempotency-Key", "malformed")).await),
    }
}

fn is_key(key: &str) -> bool {
    (1..=IDEMPOTENCY_KEY_CHARACTERS_MAX).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Takes a write's key, with every part that a repeat must have in common with it.
pub(super) async fn hold(
    caller: &Caller,
    key: Option<&str>,
    parts: &[&[u8]],
    rooms: &Rooms,
) -> Result<Option<Held>, Problem> {
    let Some(key) = key else { return Ok(None) };
    let actor = caller.actor.standing().actor;
    let said = rooms.seal.said(actor, key, parts);
    let under_way = match rooms.repeats.begin(actor, &said) {
        Ok(under_way) => under_way,
        Err(code) => return Err(caller.turn_away(rooms, code).await),
    };
    let once = rooms.repeats.once(said, None, caller.now.utc_days(), &rooms.store).await?;
    Ok(Some(Held { once, _under_way: under_way }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_at_the_limit_and_refused_beyond_it() {
        assert!(is_key(&"k".repeat(IDEMPOTENCY_KEY_CHARACTERS_MAX)));
        assert!(!is_key(&"k".repeat(IDEMPOTENCY_KEY_CHARACTERS_MAX + 1)));
        assert!(is_key("!~\"{}"));
        for bad in ["", " ", "a b", "a\tb", "\u{7f}", "键"] {
            assert!(!is_key(bad), "{bad:?}");
        }
    }
}
