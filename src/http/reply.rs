//! The only place where a status is chosen.
//! Never chosen from a text or an inner error: from the stable code alone (docs/integrating.md lists them).
//! Whether a caller may try again is part of the code's meaning.

use crate::access::Code;
use crate::limits::{RETRY_SECONDS, RETRY_STORAGE_SECONDS};
use axum::http::StatusCode;

/// The status of a code.
pub(super) fn status_of(code: Code) -> StatusCode {
    match code {
        Code::TokenInvalid | Code::TokenExpired => StatusCode::UNAUTHORIZED,
        Code::PurposeMissing
        | Code::PurposeUnknown
        | Code::PurposeNotForField
        | Code::BasisMissing
        | Code::SchemaInvalid
        | Code::FieldUnknown => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Denied
        | Code::ConsentWithdrawn
        | Code::Restricted
        | Code::LegalHold
        | Code::OutOfTerritory
        | Code::ApprovalRequired
        | Code::CaseRequired
        | Code::ReviewOverdue => StatusCode::FORBIDDEN,
        Code::Erased => StatusCode::GONE,
        Code::VersionConflict => StatusCode::PRECONDITION_FAILED,
        Code::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
        Code::InFlight => StatusCode::CONFLICT,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::RateLimited | Code::RevealLimit => StatusCode::TOO_MANY_REQUESTS,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::MediaTypeUnsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::Overloaded
        | Code::Stale
        | Code::Sealed
        | Code::TrailUnavailable
        | Code::ClockInDoubt
        | Code::KeyUsedUp => StatusCode::SERVICE_UNAVAILABLE,
        Code::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether the same request may succeed later, or after what the code asks for. One that names an outdated version, or none,
/// never does: another one has to be made of what is there now.
pub(super) fn is_retryable(code: Code) -> bool {
    matches!(
        code,
        Code::ApprovalRequired
            | Code::CaseRequired
            | Code::ReviewOverdue
            | Code::InFlight
            | Code::RateLimited
            | Code::RevealLimit
            | Code::Overloaded
            | Code::Stale
            | Code::Sealed
            | Code::TrailUnavailable
            | Code::ClockInDoubt
            | Code::StorageFull
            | Code::KeyUsedUp
    )
}

/// When a caller may come again that was turned away by load or by a full disk, in seconds: the header `Retry-After`.
pub(super) fn retry_seconds_of(code: Code) -> Option<u32> {
    match code {
        Code::Overloaded | Code::RateLimited | Code::Stale => Some(RETRY_SECONDS),
        Code::StorageFull | Code::KeyUsedUp | Code::ClockInDoubt => Some(RETRY_STORAGE_SECONDS),
        _ => None,
    }
}

/// The article that refuses, where one does.
pub(super) fn law_of(code: Code) -> Option<&'static str> {
    match code {
        Code::PurposeMissing | Code::PurposeUnknown | Code::PurposeNotForField => Some("PIPL 6"),
        Code::BasisMissing => Some("PIPL 13"),
        Code::ConsentWithdrawn => Some("PIPL 15"),
        Code::Restricted | Code::LegalHold => Some("PIPL 47"),
        Code::Erased => Some("PIPL 47"),
        Code::ApprovalRequired => Some("PIPL 28"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_turned_away_by_load_or_a_full_disk_hears_when_to_come_again() {
        for code in Code::ALL.iter().copied() {
            let seconds = retry_seconds_of(code);
            assert!(seconds.is_none() || is_retryable(code), "{}", code.as_str());
            let status = status_of(code);
            let by_load = [StatusCode::TOO_MANY_REQUESTS, StatusCode::INSUFFICIENT_STORAGE];
            // A day's allowance does not come back in a second.
            if by_load.contains(&status) && code != Code::RevealLimit || code == Code::Overloaded {
                assert!(seconds.is_some_and(|seconds| seconds > 0), "{}", code.as_str());
            }
        }
    }
}
