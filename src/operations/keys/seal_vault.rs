//! Seals the vault, by the administrator who runs the platform.
//! Never by a mistake of address: whoever asks names the vault.
//! The entry is durable before anything ends; what follows is the process's own work.

use crate::access::{Access, Code, Duty, Origin};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::limits::STALE_ATTEMPTS_MAX;
use crate::operations::describe::{Nothing, ended};
use crate::operations::{OperationError, refuse};
use crate::trail::{Recorded, Refused, Trail};

/// Records that the vault is to be sealed.
///
/// # Errors
/// `denied` without the duty; `not_found` where another vault is named; `stale` where it was decided under something older
/// each time.
pub async fn seal_vault(
    actor: &Actor,
    vault: &str,
    origin: &Origin,
    now: Micros,
    access: &Access,
    trail: &Trail,
) -> Result<Recorded, OperationError> {
    let standing = actor.standing();
    for _ in 0..STALE_ATTEMPTS_MAX {
        let permit = match access.decide_duty(standing, Duty::VaultSeal, origin, now, Nothing) {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        if vault != trail.origin() {
            let denied = access.refuse(Some(standing), Code::NotFound, origin);
            return Err(refuse(trail, denied).await);
        }
        match trail.append(permit).await {
            Ok(receipt) => return Ok(receipt.recorded()),
            Err(Refused::Stale(_)) => {}
            Err(refused) => return Err(ended(refused, actor, origin, access, trail).await),
        }
    }
    Err(refuse(trail, access.refuse(Some(standing), Code::Stale, origin)).await)
}
