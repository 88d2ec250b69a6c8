//! A refusal on its way out: problem details (RFC 9457) with the stable code.
//! Never tells anything of the server's inside; the cause goes to the log of the process under the request id.
//! Language and request id are filled in by the outermost layer, which knows them.

use crate::access::Code;
use crate::operations::OperationError;
use crate::oversight::OversightError;
use crate::records::Handle;
use crate::seal::{Part, damage_of};
use crate::trail::{Recorded, TrailError};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// What a refused caller will read.
#[derive(Clone, Debug)]
pub struct Problem {
    pub(super) code: Code,
    pub(super) status: StatusCode,
    pub(super) pointers: Vec<(String, Option<&'static str>)>,
    pub(super) audit_index: Option<u64>,
    /// When to come again, in seconds.
    pub(super) retry_seconds: Option<u32>,
    /// What was met that is not what the vault wrote. It is recorded, and never leaves.
    pub(super) damage: Option<(Part, Option<Handle>)>,
}

impl Problem {
    /// A refusal that has no entry, because nothing can be recorded or nothing was decided.
    pub(super) fn unrecorded(code: Code) -> Problem {
        Problem {
            code,
            status: super::reply::status_of(code),
            pointers: Vec::new(),
            audit_index: None,
            retry_seconds: super::reply::retry_seconds_of(code),
            damage: None,
        }
    }

    /// A refusal with its entry.
    pub(super) fn recorded(code: Code, recorded: Option<Recorded>) -> Problem {
        let audit_index = recorded.map(|entry| entry.index());
        Problem { audit_index, ..Problem::unrecorded(code) }
    }

    /// The same with another time to come again.
    pub(super) fn with_retry_seconds(self, seconds: u32) -> Problem {
        Problem { retry_seconds: Some(seconds), ..self }
    }

    /// The same with the place that it is about, and why, where there is one.
    pub(super) fn pointing_at(self, at: Option<(String, &'static str)>) -> Problem {
        let pointers = at.map(|(place, reason)| (place, Some(reason)));
        Problem { pointers: pointers.into_iter().collect(), ..self }
    }

    /// The same under another status of its code.
    pub(super) fn with_status(self, status: StatusCode) -> Problem {
        Problem { status, ..self }
    }
}

impl From<OperationError> for Problem {
    fn from(error: OperationError) -> Problem {
        match error {
            OperationError::Refused { code, problems, recorded } => {
                Problem { pointers: problems, ..Problem::recorded(code, recorded) }
            }
            OperationError::Trail(error) => error.into(),
            OperationError::Seal(error) if error.needs_another_key() => {
                Problem::unrecorded(Code::KeyUsedUp)
            }
            OperationError::Store(_)
            | OperationError::Seal(_)
            | OperationError::Randomness(_)
            | OperationError::Output(_)
            | OperationError::Internal(_) => Problem { damage: error.damage(), ..internal(&error) },
        }
    }
}

impl From<OversightError> for Problem {
    fn from(error: OversightError) -> Problem {
        match error {
            OversightError::Refused { code, at, recorded } => {
                let at = at.map(|(member, reason)| (member.to_owned(), reason));
                Problem::recorded(code, recorded).pointing_at(at)
            }
            OversightError::Trail(error) => error.into(),
            OversightError::TooMuch => Problem::unrecorded(Code::TooLarge),
            OversightError::Seal(error) if error.needs_another_key() => {
                Problem::unrecorded(Code::KeyUsedUp)
            }
            OversightError::Store(ref cause) => {
                Problem { damage: damage_of(cause).map(|part| (part, None)), ..internal(&error) }
            }
            OversightError::Seal(ref cause) => {
                let damage = cause.damage().map(|part| (part, cause.record()));
                Problem { damage, ..internal(&error) }
            }
            OversightError::Log(ref cause) => {
                let damage = cause.is_of_other_bytes().then_some((Part::Entry, None));
                Problem { damage, ..internal(&error) }
            }
            OversightError::Index(_)
            | OversightError::Malformed
            | OversightError::Unrecorded
            | OversightError::Broken => internal(&error),
        }
    }
}

impl From<TrailError> for Problem {
    fn from(error: TrailError) -> Problem {
        match error {
            TrailError::Overloaded => Problem::unrecorded(Code::Overloaded),
            TrailError::Full => Problem::unrecorded(Code::StorageFull),
            TrailError::TooLarge => Problem::unrecorded(Code::TooLarge),
            TrailError::Unavailable | TrailError::Unwitnessed => {
                Problem::unrecorded(Code::TrailUnavailable)
            }
            TrailError::ClockInDoubt => Problem::unrecorded(Code::ClockInDoubt),
            TrailError::KeyUsedUp => Problem::unrecorded(Code::KeyUsedUp),
            TrailError::Foreign | TrailError::Context | TrailError::Keyring(_) => internal(&error),
        }
    }
}

/// The cause stays inside: its chain goes to the process's own log, without any value.
fn internal(error: &dyn std::error::Error) -> Problem {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(one) = cause {
        causes.push(one.to_string());
        cause = one.source();
    }
    tracing::error!(%error, causes = causes.join(": "), "a request failed");
    Problem::unrecorded(Code::Internal)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
