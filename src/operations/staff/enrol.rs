//! Turns a one-time code into its holder's first token, once, and keeps the key by which its holder logs in from then on.
//! Never tells what was wrong with a code.
//! The code is used up by the entry itself, so two uses at once give one token.

use crate::access::{Access, ActorId, Code, Origin};
use crate::ambient::Micros;
use crate::identity::{EnrolmentError, Identity, IssuedToken};
use crate::limits::TOKEN_LIFE_SECONDS_MAX;
use crate::operations::{OperationError, refuse};
use crate::store::Reader;
use crate::trail::{Recorded, Refused, Trail};

/// Who was enrolled.
pub struct Enrolled {
    /// The actor.
    pub actor: ActorId,
    /// Its token.
    pub token: IssuedToken,
    /// The entry.
    pub recorded: Recorded,
}

/// Redeems a code, with the public key (Ed25519) that its holder logs in by.
///
/// # Errors
/// `token_invalid` whatever is wrong with the code, and where the actor changed at the same moment: then it is good still.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn enrol(
    code: &str,
    log_in_key: Option<[u8; 32]>,
    origin: &Origin,
    now: Micros,
    store: &Reader,
    identity: &Identity,
    access: &Access,
    trail: &Trail,
) -> Result<Enrolled, OperationError> {
    let redemption = match identity.directory().redeem(store, code, log_in_key, now).await {
        Ok(redemption) => redemption,
        Err(EnrolmentError::Invalid) => return Err(invalid(origin, access, trail).await),
        Err(EnrolmentError::Unavailable) => {
            return Err(OperationError::Internal("codes cannot be checked"));
        }
    };
    let actor = redemption.actor();
    let change = redemption.change();
    let permit = access.permit_enrolment(origin, actor, redemption);
    match trail.commit(permit, change).await {
        Ok(receipt) => {
            let token = identity
                .issue(actor, None, TOKEN_LIFE_SECONDS_MAX, now)
                .map_err(|_| OperationError::Internal("the token could not be issued"))?;
            Ok(Enrolled { actor, token, recorded: receipt.recorded() })
        }
        Err(Refused::Trail(error)) => Err(OperationError::Trail(error)),
        // Somebody was faster with the same code.
        Err(Refused::Stale(_) | Refused::Limit(_)) => Err(invalid(origin, access, trail).await),
    }
}

async fn invalid(origin: &Origin, access: &Access, trail: &Trail) -> OperationError {
    refuse(trail, access.refuse(None, Code::TokenInvalid, origin)).await
}
