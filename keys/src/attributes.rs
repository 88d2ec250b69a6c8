//! Seals the decision attributes of a row under the header key. Never sees a section.
//! What the caller binds as associated data must be given again to open.

use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::keyring::{Content, Keyring, Place};
use crate::sealed::{KeyKind, SealingKey};
use crate::uses::Sealing;

impl Keyring {
    /// Seals decision attributes and authenticates `associated` (the clear header of the row) with them.
    ///
    /// # Errors
    /// [`KeyError::PlainTooLong`], [`KeyError::AssociatedTooLong`], [`KeyError::Randomness`]; [`KeyError::KeyUsedUp`] and
    /// [`KeyError::UsesUncounted`] where the key seals no more.
    pub fn seal_attributes(&self, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.seal_header(associated, plain, Sealing::Ordinary)
    }

    /// The same for what it takes to have another key: it is sealed a few times more where the key is used up.
    ///
    /// # Errors
    /// As [`Keyring::seal_attributes`].
    pub fn seal_upkeep(&self, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.seal_header(associated, plain, Sealing::Upkeep)
    }

    fn seal_header(
        &self,
        associated: &[u8],
        plain: &[u8],
        sealing: Sealing,
    ) -> Result<Vec<u8>, KeyError> {
        let content = self.content();
        self.uses.take(Place::Header, sealing)?;
        header_key(&content).seal(associated, plain)
    }

    /// Opens decision attributes beside the same `associated`.
    ///
    /// # Errors
    /// As [`crate::SubjectKey::open_section`], and [`KeyError::AssociatedTooLong`].
    pub fn open_attributes(
        &self,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        header_key(&self.content()).open(associated, sealed)
    }
}

fn header_key(content: &Content) -> SealingKey<'_> {
    let entry = content.at(Place::Header);
    SealingKey { kind: KeyKind::Header, id: u64::from(entry.epoch), key: entry.key, context: &[] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::test_keyring;

    #[test]
    fn attributes_open_only_beside_their_header() {
        let keyring = test_keyring();
        let sealed = keyring.seal_attributes(b"header", b"attributes").expect("sealing");
        let opened = keyring.open_attributes(b"header", &sealed).expect("own");
        assert_eq!(opened.as_slice(), b"attributes");
        assert!(matches!(keyring.open_attributes(b"headers", &sealed), Err(KeyError::Unauthentic)));
    }

    #[test]
    fn attributes_of_another_keyring_do_not_open() {
        let sealed = test_keyring().seal_attributes(b"header", b"attributes").expect("sealing");
        assert!(matches!(
            test_keyring().open_attributes(b"header", &sealed),
            Err(KeyError::Commitment)
        ));
    }
}
