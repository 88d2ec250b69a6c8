//! How reading the log ends without its result.
//! Never carries what an entry says.
//! A refusal was recorded before it got here.

use crate::access::{Code, Denied};
use crate::trail::{Recorded, Trail, TrailError, Unrecorded};

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum OversightError {
    /// It was refused.
    #[error("refused: {}", code.as_str())]
    Refused {
        /// Why.
        code: Code,
        /// The entry, unless it was only counted.
        recorded: Option<Recorded>,
    },
    /// It could not be recorded, so it did not happen.
    #[error("it could not be recorded")]
    Trail(#[from] TrailError),
    /// The log could not be read.
    #[error("the log could not be read")]
    Log(#[from] gridvault_audit::LogError),
    /// A published entry is not what it should be.
    #[error("an entry of the log is malformed")]
    Malformed,
}

pub(super) async fn refuse(trail: &Trail, denied: Denied) -> OversightError {
    let code = denied.why();
    match trail.refuse(denied).await {
        Ok(entry) => OversightError::Refused { code, recorded: Some(entry) },
        Err(Unrecorded::Counted) => OversightError::Refused { code, recorded: None },
        Err(Unrecorded::Trail(error)) => OversightError::Trail(error),
    }
}
