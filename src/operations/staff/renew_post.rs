//! Writes down what the holder of a post brought along since it was placed: a signed secrecy term, training that was renewed.
//! Never for oneself, never for longer than training may count, and never an administrator's by a single word.
//! A term that is written down is replaced by a later one alone, and nothing takes one away.

use super::place_actor::{area_of, is_over};
use crate::access::{ActorId, Code, Fact, PlacingAct, PostAt, Readiness};
use crate::identity::ReadinessRecord;
use crate::operations::error::Misplaced;
use crate::operations::{OperationError, Placing};
use crate::trail::Recorded;

/// Writes it down.
///
/// # Errors
/// As [`crate::access::Access::decide_placing`]; `not_found` for a post that is not there or is over; `schema_invalid` for
/// nothing, a term that is signed only later or was signed before the one that is known, or training beyond its longest.
pub async fn renew_post(
    placing: &Placing<'_>,
    about: ActorId,
    assignment: [u8; 16],
    brought: ReadinessRecord,
) -> Result<Recorded, OperationError> {
    let (mut record, version) = placing.record(about).await?;
    let held = record.assignments.iter_mut().find(|held| held.id == assignment);
    let Some(held) = held.filter(|held| !is_over(held, placing.now)) else {
        return Err(placing.turn_away(Code::NotFound).await);
    };
    let posts = [PostAt { role: &held.role, area: area_of(held) }];
    let (permit, _) = placing.decide(PlacingAct::Renew, about, &posts).await?;
    let rules = placing.access.with_policy(|policy| policy.training());
    let ready = brought.weighed();
    let trained = Readiness { secrecy_signed: None, ..ready };
    for (wrong, misplaced) in [
        (brought == ReadinessRecord::default(), Misplaced::new("trained_until", "missing")),
        (!rules.takes(trained, placing.now), Misplaced::new("trained_until", "out_of_range")),
        (
            !rules.takes(ready, placing.now) || is_older(&held.readiness, &brought),
            Misplaced::new("secrecy_term.signed_at", "out_of_range"),
        ),
    ] {
        if wrong {
            return Err(placing.turn_away_at(misplaced).await);
        }
    }
    let permit = match brought.trained_until {
        Some(until) => {
            permit.stating("trained_until", Fact::Number(u64::try_from(until).unwrap_or(0)))
        }
        None => permit,
    };
    let permit = match &brought.secrecy_term {
        Some(_) => permit.stating("secrecy_term", Fact::Code("signed".to_owned())),
        None => permit,
    };
    renew(&mut held.readiness, brought);
    placing.commit(permit, &record, version).await
}

/// Whether a term is older than the one that is known: nobody goes back behind what was signed.
pub(super) fn is_older(known: &ReadinessRecord, brought: &ReadinessRecord) -> bool {
    let signed = |one: &ReadinessRecord| one.secrecy_term.as_ref().map(|term| term.signed);
    signed(known).zip(signed(brought)).is_some_and(|(known, brought)| brought < known)
}

/// Puts what is said in the place of what was known; what is not said stays.
pub(super) fn renew(known: &mut ReadinessRecord, brought: ReadinessRecord) {
    if brought.secrecy_term.is_some() {
        known.secrecy_term = brought.secrecy_term;
    }
    if brought.trained_until.is_some() {
        known.trained_until = brought.trained_until;
    }
}
