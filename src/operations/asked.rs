//! The frame of a request about data: who asks, for what, when.
//! Never holds a room; rooms are arguments, so that a signature shows its reach.
//! Everything in it was parsed at the door.

use crate::access::{Ask, Origin, Question};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::purposes::Purpose;
use crate::records::SchemaSet;
use crate::territory::Territory;

/// Who asks, for which purpose, when, and with which request.
pub struct Asked<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// For what.
    pub purpose: &'a Purpose,
    /// Inside which task, event or case.
    pub case: Option<[u8; 16]>,
    /// The request.
    pub origin: &'a Origin,
    /// When it arrived.
    pub now: Micros,
}

impl<'a> Asked<'a> {
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
            case: self.case,
            ask,
        }
    }
}
