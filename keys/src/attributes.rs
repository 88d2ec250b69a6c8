//! Seals the decision attributes of a row under the header key, and whatever else is kept sealed for its own row. Never sees a section.
//! What the caller binds as associated data must be given again to open.
//! While another header key follows, that one seals and both open: each object names its key, so none is tried in vain.

use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::keyring::{Content, Entry, Keyring, Place};
use crate::sealed::{self, KeyKind, SealingKey};
use crate::state::KeyState;
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
        sealing_key(&content.newest(Place::Header)).seal(associated, plain)
    }

    /// Opens decision attributes beside the same `associated`.
    ///
    /// # Errors
    /// As [`crate::SubjectKey::open_section`], and [`KeyError::AssociatedTooLong`]; [`KeyError::WrongKeyId`] once the key that sealed
    /// them is destroyed.
    pub fn open_attributes(
        &self,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let content = self.content();
        sealing_key(&named(&content, sealed)?).open(associated, sealed)
    }

    /// How the header key stands that something was sealed under; nothing for one that was not there yet.
    ///
    /// # Errors
    /// As opening it, up to the kind of its key.
    pub fn header_key_state(&self, sealed: &[u8]) -> Result<Option<KeyState>, KeyError> {
        let id = sealed::key_id(KeyKind::Header, sealed)?;
        Ok(u32::try_from(id).ok().and_then(|epoch| self.state_in(Place::Header, epoch)))
    }

    /// Whether another header key ever followed the first, or stands beside it: then a row may have attributes in another place.
    #[must_use]
    pub fn header_key_was_followed(&self) -> bool {
        self.content().has_followed_header()
    }
}

/// The header key that an object names, or else the present one, which refuses it.
fn named<'a>(content: &'a Content, sealed: &[u8]) -> Result<Entry<'a>, KeyError> {
    let id = sealed::key_id(KeyKind::Header, sealed)?;
    let next = content.next_of(Place::Header).filter(|next| u64::from(next.epoch) == id);
    Ok(next.unwrap_or_else(|| content.at(Place::Header)))
}

fn sealing_key<'a>(entry: &Entry<'a>) -> SealingKey<'a> {
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
