//! The forms of rotations of keys.
//! Never a check: the handler and the operation do that.
//! The words come from the room that keeps a rotation, so that none is typed twice.

use super::text;
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
