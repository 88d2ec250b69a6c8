//! Holds the root key, from which everything else in the vault is reached. Never writes or shows it in clear.
//! Its id is derived from it, so an envelope or keyring of another root key is told apart before it is opened.

use crate::derive::child_key;
use crate::error::KeyError;
use crate::secret::{KEY_BYTES, Secret};

const ID_LABEL: &str = "gridvault/root-key-id/v1";

/// The root key: 32 random bytes, wiped on drop. It lives from unlocking until the keyring is open, which keeps a copy.
pub struct RootKey {
    secret: Secret,
    id: u64,
}

impl RootKey {
    /// Draws a new root key.
    ///
    /// # Errors
    /// [`KeyError::Randomness`].
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_secret(Secret::random()?)
    }

    /// The public name of this key: eight bytes of HKDF-SHA256 over it, from which it cannot be found.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn from_secret(secret: Secret) -> Result<Self, KeyError> {
        let derived = child_key(secret.expose(), ID_LABEL, &[])?;
        let id = derived.expose().first_chunk().expect("a key is longer than its id");
        Ok(Self { id: u64::from_be_bytes(*id), secret })
    }

    /// For the keyring, which is sealed again under it when keys are replaced.
    pub(crate) fn own_copy(&self) -> Self {
        Self { secret: Secret::copy_of(self.secret.expose()), id: self.id }
    }

    pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
        self.secret.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_names_the_key_and_is_not_a_part_of_it() {
        let root = RootKey::generate().expect("randomness");
        let again = RootKey::from_secret(Secret::copy_of(root.expose())).expect("derivation");
        assert_eq!(root.id(), again.id());
        assert_ne!(root.id(), RootKey::generate().expect("randomness").id());
        assert!(root.expose().windows(8).all(|window| window != root.id().to_be_bytes()));
    }
}
