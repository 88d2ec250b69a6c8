//! The forms of what residents have a right to: restraints and what is due.
//! Never a check: parsers do that at the door.
//! Words come from the handlers that own them.

use super::super::handlers::consents::PROOFS;
use super::super::handlers::due::{DUE_KINDS, DUE_STATES};
use super::super::handlers::restraints::{HOLD_REASONS, RELEASE_REASONS, RESTRICTION_REASONS};
use super::{or_nothing, text};
use crate::limits::DUE_PAGE_COUNT_MAX;
use serde_json::{Value, json};
use utoipa::openapi::schema::{Object, Schema};

/// Why what is held of somebody is restricted.
pub(in crate::http) fn restriction_reason() -> Object {
    text().enum_values(Some(RESTRICTION_REASONS)).build()
}

/// For what somebody's data is kept.
pub(in crate::http) fn hold_reason() -> Object {
    text().enum_values(Some(HOLD_REASONS)).build()
}

/// Why a restraint ends.
pub(in crate::http) fn release_reason() -> Object {
    text().enum_values(Some(RELEASE_REASONS)).build()
}

/// What is due to a resident.
pub(in crate::http) fn due_kind() -> Object {
    let told = "A request for an `erasure`, a `restriction`, a `legal_hold` or a `release`, or a restraint in force; or the `withdrawal` \
                of a consent, because of which a record ends, or, as `withdrawn_fields`, those fields of it that nothing else carries";
    text().enum_values(Some(DUE_KINDS)).description(Some(told)).build()
}

/// How far something is that is due.
pub(in crate::http) fn due_state() -> Object {
    let told = "`asked` until the second person decides, `agreed` until a desk carried it out, `lapsed` where the time for either \
                went by: then it is asked for anew, or the second person says no. `in_force` is a restraint. A record or fields that end are \
                `scheduled`, or `held` where a restraint keeps them";
    text().enum_values(Some(DUE_STATES)).description(Some(told)).build()
}

/// Lines of a page of what is due.
pub(in crate::http) fn due_limit() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": DUE_PAGE_COUNT_MAX})
}

/// Who asks, where somebody does.
pub(in crate::http) fn maybe_consent_giver() -> Schema {
    or_nothing(super::consent_giver())
}

/// By which document somebody is known, where somebody is present.
pub(in crate::http) fn maybe_identity_proof() -> Schema {
    or_nothing(text().enum_values(Some(PROOFS)).build())
}
