//! A one-time code for somebody who is there already, whose key is lost or who never had one.
//! Never for an administrator, an officer of oversight or oneself: who gives codes could else become anybody who watches over it.
//! The entry names whom it was for, so a code that nobody asked for shows; using it takes the key of before away.

use super::issue_token::{TokenRequest, unfit};
use crate::access::{Access, ActorId, Duty, Fact, Origin};
use crate::ambient::{Micros, Random};
use crate::identity::{Actor, EnrolmentCode, Identity};
use crate::operations::describe::ended;
use crate::operations::{OperationError, refuse};
use crate::records::{Owner, RecordRef, Target};
use crate::trail::{Recorded, Trail};

/// A code that was made.
pub struct NewCode {
    /// The code.
    pub code: EnrolmentCode,
    /// The entry.
    pub recorded: Recorded,
}

/// What a code touches: codes.
struct Codes;

impl Target for Codes {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, owner: Owner) -> bool {
        owner == Owner::Enrolment
    }
}

/// Makes the code.
///
/// # Errors
/// `denied` without the duty, for an administrator's or an officer's code and for one's own; `not_found` for an actor that is not active.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn new_code(
    actor: &Actor,
    whose: ActorId,
    origin: &Origin,
    now: Micros,
    identity: &Identity,
    access: &Access,
    trail: &Trail,
    random: &dyn Random,
) -> Result<NewCode, OperationError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, Duty::TokenIssue, origin, now, Codes) {
        Ok(permit) => permit.about(whose),
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let request = TokenRequest { actor: whose, via: None, life_seconds: 0 };
    if let Some(code) = unfit(standing, &request, identity, access) {
        return Err(refuse(trail, access.refuse(Some(standing), code, origin)).await);
    }
    let unavailable = OperationError::Internal("a code could not be made");
    let Ok(code) = EnrolmentCode::draw(random) else { return Err(unavailable) };
    let Ok(change) = identity.directory().enrolment(whose, &code, now) else {
        return Err(unavailable);
    };
    let permit = permit.stating("credential", Fact::Code("enrolment_code".to_owned()));
    match trail.commit(permit, change).await {
        Ok(receipt) => Ok(NewCode { code, recorded: receipt.recorded() }),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}
