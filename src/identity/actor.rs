//! The proof that a caller is known.
//! Never made outside of this room.
//! It carries the standing that decisions weigh.

use crate::access::Standing;

/// A caller whose token was checked and whose directory entry is active.
pub struct Actor {
    standing: Standing,
}

impl Actor {
    pub(super) fn new(standing: Standing) -> Actor {
        Actor { standing }
    }

    /// What a decision weighs.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }
}
