//! How reading the log ends without its result.
//! Never carries what an entry says.
//! A refusal was recorded before it got here.

use super::index::IndexError;
use crate::access::{Access, Code, Denied, Origin, Permit, Standing};
use crate::records::Target;
use crate::seal::SealError;
use crate::store::StoreError;
use crate::trail::{Recorded, Refused, Trail, TrailError, Unrecorded};

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum OversightError {
    /// It was refused.
    #[error("refused: {}", code.as_str())]
    Refused {
        /// Why.
        code: Code,
        /// The member that cannot be as it is, and the stable word for what is wrong with it, where it is about one.
        at: Option<(&'static str, &'static str)>,
        /// The entry, unless it was only counted.
        recorded: Option<Recorded>,
    },
    /// It could not be recorded, so it did not happen.
    #[error("it could not be recorded")]
    Trail(#[from] TrailError),
    /// The log could not be read.
    #[error("the log could not be read")]
    Log(#[from] gridvault_audit::LogError),
    /// The search index could not be read.
    #[error("the search index could not be read")]
    Index(#[from] IndexError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The decision attributes of a record could not be opened, or a cursor not be sealed.
    #[error("sealing or opening failed")]
    Seal(#[from] SealError),
    /// A published entry is not what it should be.
    #[error("an entry of the log is malformed")]
    Malformed,
    /// The log begins where no entry of it says so.
    #[error("no entry of the log records where it begins")]
    Unrecorded,
    /// There are more entries than are looked through at once.
    #[error("there are more entries than are looked through at once")]
    TooMuch,
    /// The work was broken off.
    #[error("the work was broken off")]
    Broken,
}

pub(super) async fn refuse(trail: &Trail, denied: Denied) -> OversightError {
    refused(trail, denied, None).await
}

/// The same for a member of a request that cannot be as it is.
pub(super) async fn refuse_at(
    trail: &Trail,
    denied: Denied,
    member: &'static str,
    reason: &'static str,
) -> OversightError {
    refused(trail, denied, Some((member, reason))).await
}

async fn refused(
    trail: &Trail,
    denied: Denied,
    at: Option<(&'static str, &'static str)>,
) -> OversightError {
    let code = denied.why();
    match trail.refuse(denied).await {
        Ok(entry) => OversightError::Refused { code, at, recorded: Some(entry) },
        Err(Unrecorded::Counted) => OversightError::Refused { code, at, recorded: None },
        Err(Unrecorded::Trail(error)) => OversightError::Trail(error),
    }
}

/// Turns a known caller away with a reason.
pub(super) async fn turn_away(
    standing: &Standing,
    code: Code,
    origin: &Origin,
    access: &Access,
    trail: &Trail,
) -> OversightError {
    refuse(trail, access.refuse(Some(standing), code, origin)).await
}

/// Records what is about to be shown. Whoever's rights have just changed asks again.
pub(super) async fn record<T: Target>(
    permit: Permit<T>,
    standing: &Standing,
    origin: &Origin,
    access: &Access,
    trail: &Trail,
) -> Result<Recorded, OversightError> {
    match trail.append(permit).await {
        Ok(receipt) => Ok(receipt.recorded()),
        Err(Refused::Trail(error)) => Err(OversightError::Trail(error)),
        Err(Refused::Stale(_) | Refused::Limit(_)) => {
            Err(turn_away(standing, Code::Stale, origin, access, trail).await)
        }
    }
}
