//! Issues a token for an actor, by the administrator who has that duty.
//! Never for an administrator, an officer of oversight or oneself: those come by a one-time code.
//! The entry names whom it was for, so a token nobody asked for shows.

use crate::access::{Access, ActorId, Code, Duty, Origin, RoleFamily, Standing};
use crate::ambient::Micros;
use crate::identity::{Actor, ActorKind, ActorState, Identity, IssuedToken};
use crate::operations::describe::{Nothing, ended};
use crate::operations::error::{Misplaced, turn_away_at};
use crate::operations::{OperationError, refuse};
use crate::trail::{Recorded, Trail};

/// A token that is asked for.
pub struct TokenRequest {
    /// Whose.
    pub actor: ActorId,
    /// The system that may act with it.
    pub via: Option<ActorId>,
    /// How long it lives.
    pub life_seconds: i64,
}

/// A token that was issued.
pub struct Issued {
    /// The token.
    pub token: IssuedToken,
    /// The entry.
    pub recorded: Recorded,
}

/// Issues the token.
///
/// # Errors
/// `denied` without the duty, or for an administrator's or an officer's token; `not_found` for an actor, or a system to act for it,
/// that is not active;
/// `schema_invalid` for a life beyond the limit.
pub async fn issue_token(
    actor: &Actor,
    request: TokenRequest,
    origin: &Origin,
    now: Micros,
    identity: &Identity,
    access: &Access,
    trail: &Trail,
) -> Result<Issued, OperationError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, Duty::TokenIssue, origin, now, Nothing) {
        Ok(permit) => permit.about(request.actor),
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    if let Some(code) = unfit(standing, &request, identity, access) {
        return Err(refuse(trail, access.refuse(Some(standing), code, origin)).await);
    }
    // Made before the entry, handed over after it: a token that was recorded exists.
    let Ok(token) = identity.issue(request.actor, request.via, request.life_seconds, now) else {
        let life = Misplaced::new("life_seconds", "out_of_range");
        return Err(turn_away_at(Some(standing), origin, access, trail, life).await);
    };
    match trail.append(permit).await {
        Ok(receipt) => Ok(Issued { token, recorded: receipt.recorded() }),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

/// Why nobody gives a credential to this actor, through this system; nothing where somebody may.
pub(super) fn unfit(
    standing: &Standing,
    request: &TokenRequest,
    identity: &Identity,
    access: &Access,
) -> Option<Code> {
    let directory = identity.directory();
    let active =
        |id: &ActorId| directory.record(id).filter(|record| record.state == ActorState::Active);
    let acts = |id: &ActorId| active(id).is_some_and(|record| record.kind == ActorKind::System);
    match active(&request.actor) {
        None => Some(Code::NotFound),
        Some(_) if request.via.is_some_and(|via| !acts(&via)) => Some(Code::NotFound),
        Some(record) => {
            // Whoever gives credentials is watched over: it could else speak as its own second person.
            let is_apart = access.with_policy(|policy| {
                record.assignments.iter().any(|assignment| {
                    let role = policy.role(&assignment.role);
                    role.is_none_or(|role| role.family != RoleFamily::Business)
                })
            });
            (is_apart || request.actor == standing.actor).then_some(Code::Denied)
        }
    }
}
