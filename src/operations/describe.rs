//! What any known caller may have: forms, code lists, purposes.
//! Never a value of a resident.
//! Recorded like everything else, so that no route is without an entry.

use super::OperationError;
use crate::access::{Access, Origin, Written};
use crate::identity::Actor;
use crate::records::{Owner, RecordRef, Target};
use crate::trail::{Recorded, Refused, Trail};

/// That something public was described, and its entry.
pub struct Described {
    /// The entry.
    pub recorded: Recorded,
}

/// The target of an operation that is about no record.
pub(super) struct Nothing;

impl Target for Nothing {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, _owner: Owner) -> bool {
        false
    }
}

/// Records that a known caller asked for a form, a code list or the purposes.
///
/// # Errors
/// [`OperationError::Trail`] when it cannot be recorded.
pub async fn describe(
    actor: &Actor,
    origin: &Origin,
    access: &Access,
    trail: &Trail,
) -> Result<Described, OperationError> {
    let permit = access.permit_known(actor.standing(), Written::Schema, origin, Nothing);
    match trail.append(permit).await {
        Ok(receipt) => Ok(Described { recorded: receipt.recorded() }),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

/// The end of an operation about no record whose permit was not taken: nothing to decide again from.
pub(super) async fn ended<T>(
    refused: Refused<T>,
    actor: &Actor,
    origin: &Origin,
    access: &Access,
    trail: &Trail,
) -> OperationError {
    match refused {
        Refused::Trail(error) => OperationError::Trail(error),
        Refused::Stale(_) | Refused::Limit(_) => {
            let stale = crate::access::Code::Stale;
            let denied = access.refuse(Some(actor.standing()), stale, origin);
            super::refuse(trail, denied).await
        }
    }
}
