//! The forms of rotations of keys.
//! Never a check: the handler and the operation do that.
//! The words come from the room that keeps a rotation, so that none is typed twice.

use super::{of, text};
use crate::ceremony::{HANDED_ROOT_BYTES_MAX, HANDED_ROOT_BYTES_MIN, UNLOCK_FILE_BYTES_MAX};
use crate::limits::CEREMONY_REQUEST_BYTES_MAX;
use crate::seal::{KeyUses, RotationKind, RotationState};
use utoipa::openapi::schema::Object;

/// Which keys are replaced.
pub(in crate::http) fn rotation_kind() -> Object {
    text().enum_values(Some(RotationKind::ALL.map(RotationKind::as_str))).build()
}

/// Which keys are counted.
pub(in crate::http) fn key_kind() -> Object {
    text().enum_values(Some(KeyUses::KINDS)).build()
}

/// How far a rotation is.
pub(in crate::http) fn rotation_state() -> Object {
    let told = "`asked` until a second person says `agreed` or `refused`, then `running` until `ended`; \
                `paused` while it stands still on somebody's word; `held` while the former header key waits for a second \
                person to say `grant` once more; `cancelling` until the keys that were drawn \
                came to their end, and `cancelled` then";
    let states = RotationState::ALL.map(RotationState::as_str);
    text().enum_values(Some(states)).description(Some(told)).build()
}

/// A request of a ceremony, as two signed it.
pub(in crate::http) fn ceremony_request() -> Object {
    text().max_length(Some(CEREMONY_REQUEST_BYTES_MAX)).build()
}

/// The bytes of a file of envelopes.
pub(in crate::http) fn ways() -> Object {
    of(&format!("^[A-Za-z0-9_-]{{1,{}}}$", base64_length(UNLOCK_FILE_BYTES_MAX))).build()
}

/// A root key, or nothing, as it was sealed.
pub(in crate::http) fn handed_root() -> Object {
    let (least, most) =
        (base64_length(HANDED_ROOT_BYTES_MIN), base64_length(HANDED_ROOT_BYTES_MAX));
    of(&format!("^[A-Za-z0-9_-]{{{least},{most}}}$")).build()
}

/// Letters of so many bytes in base64 without padding.
fn base64_length(bytes: usize) -> usize {
    (4 * bytes).div_ceil(3)
}
