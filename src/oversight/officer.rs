//! The frame of an officer's request: who asks, with which request, when.
//! Never holds a room; rooms are arguments, so that a signature shows its reach.
//! Whatever ends it, yes or no, is in the log first.

use super::error::{OversightError, refuse, turn_away};
use crate::access::{Access, ActorId, Code, Duty, Origin, Permit};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::trail::Trail;

/// The country has one time, eight hours ahead of UTC.
const LOCAL_OFFSET_MICROS: i64 = 8 * 3_600 * 1_000_000;
const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// A day as text.
pub fn day_text(day: i32) -> String {
    Micros(i64::from(day) * DAY_MICROS).date().to_string()
}

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

impl Officer<'_> {
    pub(super) fn id(&self) -> ActorId {
        self.actor.standing().actor
    }

    /// The day that it is in the country, in days since 1970.
    pub fn today(&self) -> i32 {
        Micros(self.now.0.saturating_add(LOCAL_OFFSET_MICROS)).days()
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
}
