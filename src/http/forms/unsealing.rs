//! The forms of opening and sealing a vault.
//! Never a check: the keys and the door do that.
//! Lengths and letters come from the limits and the crate of the keys, so that neither is typed twice.

use super::{of, or_null, text};
use crate::limits::{ORIGIN_CHARACTERS_MAX, ORIGIN_MARKS};
use crate::unlock::{
    PASSPHRASE_BYTES_MAX, PASSPHRASE_BYTES_MIN, PIN_BYTES_MAX, PIN_BYTES_MIN, SHARE_TEXT_BYTES_MAX,
};
use utoipa::openapi::schema::{Object, Type};

/// A passphrase; its length counts bytes, so a shorter text may be long enough.
pub(in crate::http) fn maybe_passphrase() -> Object {
    let least = PASSPHRASE_BYTES_MIN / 4;
    or_null(text().min_length(Some(least)).max_length(Some(PASSPHRASE_BYTES_MAX)), Type::String)
}

/// A share as it was printed, or as people write it.
pub(in crate::http) fn maybe_share() -> Object {
    or_null(text().max_length(Some(SHARE_TEXT_BYTES_MAX)), Type::String)
}

/// The PIN of a token; its length counts bytes, so a shorter text may be long enough.
pub(in crate::http) fn maybe_pin() -> Object {
    let least = PIN_BYTES_MIN / 4;
    or_null(text().min_length(Some(least)).max_length(Some(PIN_BYTES_MAX)), Type::String)
}

/// How it stands with a vault.
pub(in crate::http) fn seal_state() -> Object {
    text().enum_values(Some(["sealed", "opening", "open"])).build()
}

/// Origin of a log.
pub(in crate::http) fn origin() -> Object {
    of(&format!("^[A-Za-z0-9{ORIGIN_MARKS}]{{1,{ORIGIN_CHARACTERS_MAX}}}$")).build()
}
