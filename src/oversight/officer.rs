//! The frame of an officer's request: who asks, with which request, when.
//! Never holds a room; rooms are arguments, so that a signature shows its reach.
//! Whatever ends it, yes or no, is in the log first.

use super::error::{OversightError, refuse, refuse_at, turn_away};
use super::reviews::Review;
use crate::access::{Access, ActorId, Code, Duty, Origin, Permit, RoleId};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::trail::Trail;

/// An officer and its request.
#[derive(Clone, Copy)]
pub struct Officer<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// The request.
    pub origin: &'a Origin,
    /// When it arrived.
    pub now: Micros,
}

/// The duties of whoever looks into reviews: all of them, or those that were brought before the own role.
pub const REVIEWING: [Duty; 2] = [Duty::AuditReview, Duty::AuditEscalated];

/// Which reviews an officer may know of.
pub(super) enum Reach {
    All,
    BroughtBefore(Vec<RoleId>),
}

impl Reach {
    pub(super) fn holds(&self, review: &Review) -> bool {
        match self {
            Reach::All => true,
            Reach::BroughtBefore(roles) => review
                .escalated
                .as_ref()
                .is_some_and(|escalated| roles.iter().any(|role| role.as_str() == escalated.to)),
        }
    }
}

impl Officer<'_> {
    pub(super) fn id(&self) -> ActorId {
        self.actor.standing().actor
    }

    /// The day that it is in the country, in days since 1970.
    pub fn today(&self) -> i32 {
        self.now.local_days()
    }

    /// Decides whether the officer has a duty.
    pub(super) async fn permit<T>(
        &self,
        duty: Duty,
        target: T,
        access: &Access,
        trail: &Trail,
    ) -> Result<Permit<T>, OversightError> {
        let standing = self.actor.standing();
        match access.decide_duty(standing, duty, self.origin, self.now, target) {
            Ok(permit) => Ok(permit),
            Err(denied) => Err(refuse(trail, denied).await),
        }
    }

    /// Decides whether the officer looks into reviews, and says into which.
    pub(super) async fn permit_reviewing<T>(
        &self,
        target: T,
        access: &Access,
        trail: &Trail,
    ) -> Result<(Permit<T>, Reach), OversightError> {
        let standing = self.actor.standing();
        let duty = access.first_duty(standing, &REVIEWING, self.now).unwrap_or(REVIEWING[0]);
        let permit = self.permit(duty, target, access, trail).await?;
        // After the permit: a policy that changed since makes it stale, and it is decided again.
        let reach = match duty {
            Duty::AuditEscalated => {
                Reach::BroughtBefore(access.roles_with(standing, duty, self.now))
            }
            _ => Reach::All,
        };
        Ok((permit, reach))
    }

    /// Turns the officer away with a reason.
    pub(super) async fn turn_away(
        &self,
        code: Code,
        access: &Access,
        trail: &Trail,
    ) -> OversightError {
        turn_away(self.actor.standing(), code, self.origin, access, trail).await
    }

    /// The same about a review.
    pub(super) async fn turn_away_from(
        &self,
        review: [u8; 16],
        code: Code,
        access: &Access,
        trail: &Trail,
    ) -> OversightError {
        let denied = access.refuse(Some(self.actor.standing()), code, self.origin);
        refuse(trail, denied.of_review(review)).await
    }

    /// The same for a member of a request that cannot be beyond what goes there.
    pub(super) async fn turn_away_from_beyond(
        &self,
        review: [u8; 16],
        member: &'static str,
        access: &Access,
        trail: &Trail,
    ) -> OversightError {
        let standing = self.actor.standing();
        let denied = access.refuse(Some(standing), Code::SchemaInvalid, self.origin);
        refuse_at(trail, denied.of_review(review), member, "out_of_range").await
    }
}
