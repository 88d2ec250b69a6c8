//! Turns the proof that somebody signed with the key of its own into a token.
//! Never tells what was wrong with a proof, and never asks anybody else: who has a key needs no administrator in the morning.
//! The token goes out behind the entry, which says who it was and through which system.

use crate::access::{Access, ActorId, Code, Fact, Origin, Written};
use crate::ambient::Moment;
use crate::identity::{Identity, IssuedToken};
use crate::limits::TOKEN_LIFE_SECONDS_MAX;
use crate::operations::describe::Nothing;
use crate::operations::error::{Misplaced, turn_away_at};
use crate::operations::{OperationError, refuse};
use crate::trail::{Recorded, Refused, Trail};

/// Somebody who logged in.
pub struct LoggedIn {
    /// The actor.
    pub actor: ActorId,
    /// Its token.
    pub token: IssuedToken,
    /// The entry.
    pub recorded: Recorded,
}

/// Logs somebody in, for so many seconds.
///
/// # Errors
/// `schema_invalid` for a life beyond the limit; `token_invalid` whatever is wrong with the proof; `rate_limited` for whoever was
/// refused too often in this hour; `stale` where the actor changed meanwhile.
pub async fn log_in(
    proof: &str,
    life_seconds: i64,
    origin: &Origin,
    now: Moment,
    identity: &Identity,
    access: &Access,
    trail: &Trail,
) -> Result<LoggedIn, OperationError> {
    let stranger = async |code| refuse(trail, access.refuse(None, code, origin)).await;
    // Before the proof, which is good once.
    if !(1..=TOKEN_LIFE_SECONDS_MAX).contains(&life_seconds) {
        let life = Misplaced::new("life_seconds", "out_of_range");
        return Err(turn_away_at(None, origin, access, trail, life).await);
    }
    let Ok(standing) = identity.log_in(proof, now) else {
        return Err(stranger(Code::TokenInvalid).await);
    };
    if trail.is_locked_out(standing.actor) {
        return Err(stranger(Code::RateLimited).await);
    }
    let mut permit = access.permit_known(&standing, Written::LogIn, origin, Nothing);
    if standing.via.is_some() {
        // Its holder's own word: no administrator bound the two.
        permit = permit.stating("via", Fact::Code("claimed".to_owned()));
    }
    // Made before the entry, handed over after it: a token that was recorded exists.
    let token = identity
        .issue(standing.actor, standing.via, life_seconds, now.believed)
        .map_err(|_| OperationError::Internal("the token could not be issued"))?;
    match trail.append(permit).await {
        Ok(receipt) => Ok(LoggedIn { actor: standing.actor, token, recorded: receipt.recorded() }),
        Err(Refused::Trail(error)) => Err(OperationError::Trail(error)),
        Err(Refused::Stale(_) | Refused::Limit(_)) => {
            let denied = access.refuse(Some(&standing), Code::Stale, origin);
            Err(refuse(trail, denied).await)
        }
    }
}
