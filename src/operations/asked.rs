//! The frame of a request about data: who asks, for what, when.
//! Never holds a room; rooms are arguments, so that a signature shows its reach.
//! Everything in it was parsed at the door.

use super::{Met, Once};
use crate::access::{ActorId, Ask, Origin, Question};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::purposes::Purpose;
use crate::records::{ExternalRef, MandateId, SchemaSet};
use crate::seal::{Seal, Sought};
use crate::territory::Territory;

/// What a request acts under beside the caller's posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// A task, an approval or an emergency.
    Mandate(MandateId),
    /// What the caller itself wrote a moment ago.
    Echo,
}

/// Who asks, for which purpose, when, and with which request.
pub struct Asked<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// For what.
    pub purpose: &'a Purpose,
    /// The task, approval or emergency that it names as its case.
    pub case: Option<Case>,
    /// The request.
    pub origin: &'a Origin,
    /// When it arrived.
    pub now: Micros,
    /// What it is known by if it is said again; nothing for a request without a key.
    pub once: Option<&'a Once>,
    /// Where it is noted what is met on the way that is not what the vault wrote.
    pub met: &'a Met,
}

impl<'a> Asked<'a> {
    /// What a reference of the system that calls is found by.
    pub(super) fn term_of(&self, reference: &ExternalRef, seal: &Seal) -> Sought {
        seal.external_term(self.system(), reference)
    }

    /// The system that calls: the one that acts for a person, or the caller itself.
    pub(super) fn system(&self) -> ActorId {
        let standing = self.actor.standing();
        standing.via.unwrap_or(standing.actor)
    }

    /// The question that this request puts to a decision.
    pub(super) fn question(
        &self,
        ask: Ask,
        schemas: &'a SchemaSet,
        territory: &'a Territory,
    ) -> Question<'a> {
        Question {
            standing: self.actor.standing(),
            origin: self.origin,
            now: self.now,
            territory,
            schemas,
            purpose: self.purpose,
            mandate: None,
            ask,
        }
    }
}
