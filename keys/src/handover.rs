//! What somebody who can open a vault hands to its process while that is open, to have other ways to its root key put in force: whether
//! there is to be another root key, and which. Never in clear, and never by whoever does not have the root key in force.
//! The ways themselves are the context: they are not secret, and what is handed over goes with no others.
//!
//! ```text
//! handed over = object of kind 10, sealed under the root key in force, over the next root key (32 bytes) or over nothing
//! ```

use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::keyring::Keyring;
use crate::root::RootKey;
use crate::sealed::{KeyKind, SealingKey};
use crate::secret::{KEY_BYTES, Secret};

impl RootKey {
    /// Seals, under this root key, the one that is to follow it, or that none does. Opened with the same `context` alone.
    ///
    /// # Errors
    /// [`KeyError::AssociatedTooLong`], [`KeyError::Randomness`].
    pub fn hand_over(&self, next: Option<&RootKey>, context: &[u8]) -> Result<Vec<u8>, KeyError> {
        let plain = next.map_or(&[][..], |next| next.expose());
        sealing_key(self).seal(context, plain)
    }
}

impl Keyring {
    /// Opens what was handed over by somebody who has the root key that the ring is sealed under: the one that is to follow it, if one
    /// is. Counts as a use of that key.
    ///
    /// # Errors
    /// [`KeyError::KeyringUnwritable`] for a ring without a file or one whose write failed; [`KeyError::WrongKeyId`] for what another root key
    /// sealed, [`KeyError::Unauthentic`] and its like for another context; [`KeyError::KeyUsedUp`].
    pub fn take_over(&self, handed: &[u8], context: &[u8]) -> Result<Option<RootKey>, KeyError> {
        let opened: Zeroizing<Vec<u8>> =
            self.with_root(|root| sealing_key(root).open(context, handed))??;
        self.uses.take_root()?;
        match (opened.len(), opened.first_chunk::<KEY_BYTES>()) {
            (0, _) => Ok(None),
            (KEY_BYTES, Some(next)) => RootKey::from_secret(Secret::copy_of(next)).map(Some),
            _ => Err(KeyError::PlainTooLong),
        }
    }
}

fn sealing_key(root: &RootKey) -> SealingKey<'_> {
    SealingKey { kind: KeyKind::RootHandover, id: root.id(), key: root.expose(), context: &[] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::month::Month;

    struct Bench {
        _directory: tempfile::TempDir,
        root: RootKey,
        keyring: Keyring,
    }

    fn bench() -> Bench {
        let directory = tempfile::tempdir().expect("temporary directory");
        let root = RootKey::generate().expect("randomness");
        let month = Month::from_year_month(2026, 3).expect("in range");
        let path = directory.path().join("keyring");
        let keyring = Keyring::create(&path, &root, month).expect("a new file");
        Bench { _directory: directory, root, keyring }
    }

    #[test]
    fn what_the_root_key_in_force_hands_over_is_taken_with_its_context_and_with_no_other() {
        let Bench { root, keyring, _directory } = bench();
        let next = RootKey::generate().expect("randomness");
        for followed in [Some(&next), None] {
            let handed = root.hand_over(followed, b"these ways").expect("sealed");
            let taken = keyring.take_over(&handed, b"these ways").expect("it opens");
            assert_eq!(taken.map(|it| it.id()), followed.map(RootKey::id));
            assert!(keyring.take_over(&handed, b"other ways").is_err());
            for at in 0..handed.len() {
                let mut changed = handed.clone();
                changed[at] ^= 1;
                assert!(keyring.take_over(&changed, b"these ways").is_err(), "byte {at}");
                assert!(keyring.take_over(&handed[..at], b"these ways").is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn who_has_another_root_key_hands_over_nothing() {
        let Bench { root, keyring, _directory } = bench();
        let other = RootKey::generate().expect("randomness");
        let handed = other.hand_over(Some(&other), b"ways").expect("sealed");
        assert!(matches!(keyring.take_over(&handed, b"ways"), Err(KeyError::WrongKeyId)));
        // Nor does the former one, once another is in force.
        let handed = root.hand_over(Some(&other), b"ways").expect("sealed");
        keyring.under_another_root(&other, || Ok(())).expect("turned");
        assert!(matches!(keyring.take_over(&handed, b"ways"), Err(KeyError::WrongKeyId)));
    }

    #[test]
    fn a_slot_of_the_keyring_is_nothing_that_was_handed_over() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let root = RootKey::generate().expect("randomness");
        let path = directory.path().join("keyring");
        let month = Month::from_year_month(2026, 3).expect("in range");
        let keyring = Keyring::create(&path, &root, month).expect("a new file");
        let file = std::fs::read(&path).expect("a file");
        let (header, sealed) = file[..file.len() / 2].split_at(26);
        let taken = keyring.take_over(sealed, header).map(drop);
        assert!(matches!(taken, Err(KeyError::WrongKeyKind)));
    }
}
