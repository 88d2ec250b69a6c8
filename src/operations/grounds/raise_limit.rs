//! Asks a second person to raise a reveal limit: so many people more of one kind, for an hour at most.
//! Never for anybody but the one who asks, and nothing before the word.
//! Decided and listed like any approval.

use crate::access::{Access, Code, Origin, RaiseAsked};
use crate::ambient::{Micros, Random};
use crate::identity::Actor;
use crate::limits::{APPROVAL_WAIT_SECONDS, STALE_ATTEMPTS_MAX};
use crate::operations::describe::ended;
use crate::operations::draw;
use crate::operations::mandate::begun;
use crate::operations::scope::Named;
use crate::operations::{OperationError, refuse};
use crate::records::{LegalKind, MandateId};
use crate::seal::{MandateRecord, MandateState, Nature, Raise, Seal};
use crate::trail::{Recorded, Refused, Trail};

/// A limit to be raised.
pub struct RaiseRequest {
    /// Of which kind of information.
    pub kind: LegalKind,
    /// How many people more; at least one.
    pub people: u32,
    /// For how long from the yes on; at least a minute.
    pub minutes: u32,
}

/// Asks for it.
///
/// # Errors
/// As [`Access::decide_raise`]; `rate_limited` for whoever asked too often.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn ask_raise(
    actor: &Actor,
    request: &RaiseRequest,
    origin: &Origin,
    now: Micros,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    random: &dyn Random,
) -> Result<(MandateId, Recorded), OperationError> {
    let id = draw::mandate_id(now, random)?;
    let RaiseRequest { kind, people, minutes } = *request;
    let asked = RaiseAsked { id, kind, people, minutes };
    let standing = actor.standing();
    for _ in 0..STALE_ATTEMPTS_MAX {
        let decided = access.decide_raise(standing, &asked, origin, now, Named::over(id, &[]));
        let (permit, role, place) = match decided {
            Ok(decided) => decided,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let record = MandateRecord {
            until: now.0.saturating_add(APPROVAL_WAIT_SECONDS * 1_000_000),
            role: role.as_str().to_owned(),
            waits_at: Some(*place.as_bytes()),
            seconds: minutes * 60,
            nature: Some(Nature::Raise(Raise { kind, people })),
            ..MandateRecord::blank(MandateState::Asked, standing.actor, now)
        };
        let change = begun(id, &record, seal)?;
        match trail.commit(permit, change).await {
            Ok(receipt) => return Ok((id, receipt.recorded())),
            Err(Refused::Stale(_)) => {}
            // How often is no number of people.
            Err(Refused::Limit(_)) => {
                let denied = access.refuse(Some(standing), Code::RateLimited, origin);
                return Err(refuse(trail, denied).await);
            }
            Err(refused) => return Err(ended(refused, actor, origin, access, trail).await),
        }
    }
    Err(refuse(trail, access.refuse(Some(standing), Code::Stale, origin)).await)
}
