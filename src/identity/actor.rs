//! The proof that a caller is known.
//! Never made outside of this room.
//! It carries the standing that decisions weigh.

use super::token::Claims;
use crate::access::Standing;
use std::sync::Arc;

/// A caller whose token was checked and whose directory entry is active.
pub struct Actor {
    standing: Standing,
    /// What the token says, so that it can be looked at again.
    pub(super) claims: Arc<Claims>,
}

impl Actor {
    pub(super) fn new(standing: Standing, claims: Arc<Claims>) -> Actor {
        Actor { standing, claims }
    }

    /// What a decision weighs.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }
}
