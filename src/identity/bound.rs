//! What rows of this room are bound to that lie sealed in the store, for whoever seals them anew under another key.
//! Never opens one, and knows no row of another room.
//! Each kind says it where it is sealed.

use super::{directory, enrolment};
use crate::store::Key;

/// What a value is bound to that lies sealed under this key of the store: an actor, or a one-time code.
pub fn bound_to(key: &Key) -> Option<Vec<u8>> {
    let actor = key.actor_id().map(|id| directory::associated(&id));
    actor.or_else(|| key.enrolment_hash().map(|hash| enrolment::associated(&hash)))
}
