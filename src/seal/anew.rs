//! What is sealed under the header key, sealed anew under the one that follows it.
//! Never lets plain text out, and never says what it was: a value opens by the key that it names, beside what it is bound to.
//! A value that opens under none is said to be so and left where it is; what cannot be sealed now is an error.

use super::{Seal, SealError, mandate, memo, removal, rotation};
use crate::records::Owner;
use crate::store::{Fetched, Key};
use gridvault_keys::KeyState;

/// What is to become of a value.
pub enum Anew {
    /// It is under the newest header key.
    AsItIs,
    /// It opens under no key, or not beside what it is bound to.
    Unreadable,
    /// It was under the former one, and these bytes take its place.
    Sealed(Vec<u8>),
}

/// What a value is bound to that lies sealed under this key of the store; nothing for one of another room, or of none.
pub fn bound_to(key: &Key) -> Option<Vec<u8>> {
    if key.is_rotation() {
        return Some(rotation::associated());
    }
    match key.owner()? {
        Owner::Mandate(id) if key.is_by_header() => Some(mandate::associated(id)),
        Owner::Review(_) => memo::associated(key).ok(),
        _ => None,
    }
}

impl Seal {
    /// Seals a value anew that lies beside what it is bound to.
    ///
    /// # Errors
    /// As sealing any attributes.
    pub fn seal_anew(&self, bound: &[u8], sealed: &[u8]) -> Result<Anew, SealError> {
        match self.keyring.header_key_state(sealed) {
            Ok(Some(KeyState::Active)) => return Ok(Anew::AsItIs),
            Ok(Some(KeyState::Deactivated)) => {}
            _ => return Ok(Anew::Unreadable),
        }
        match self.keyring.open_attributes(bound, sealed) {
            Ok(plain) => Ok(Anew::Sealed(self.keyring.seal_attributes(bound, &plain)?)),
            Err(_) => Ok(Anew::Unreadable),
        }
    }

    /// The same of the attributes of a record, or of what is left of them.
    ///
    /// # Errors
    /// As [`Seal::seal_anew`].
    pub fn seal_record_anew(&self, found: &Fetched) -> Result<Anew, SealError> {
        match found {
            Fetched::Found(sealed) => {
                self.seal_anew(sealed.header_bytes(), &sealed.row().attributes)
            }
            Fetched::Erased(tombstone, ..) => {
                self.seal_anew(&removal::associated(tombstone), &tombstone.sealed)
            }
            Fetched::Missing => Ok(Anew::AsItIs),
        }
    }
}
