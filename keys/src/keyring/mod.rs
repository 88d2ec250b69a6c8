//! Holds every key below the root, unlocked, for the time the vault is open. Never gives a key's bytes away.
//! What each key is for lies in a file of its own: `subject`, `attributes`, `context`, `index`, `tags`, `chain`, `sign`.

mod layout;
mod slots;

use std::path::Path;

pub(crate) use layout::{Entry, Place};
pub use slots::{KeyringHealth, KeyringSlot, SlotFault};

use crate::context::KeptActors;
use crate::error::KeyError;
use crate::month::Month;
use crate::root::RootKey;
use layout::Content;

/// The unlocked keyring: all keys in one buffer that is wiped on drop. It may be shared between threads.
pub struct Keyring {
    content: Content,
    pub(crate) actors: KeptActors,
}

impl From<Content> for Keyring {
    fn from(content: Content) -> Self {
        Self { content, actors: KeptActors::default() }
    }
}

impl Keyring {
    /// Draws all keys and writes them, sealed under `root`, to a new file of mode 0600. Its context keys begin with
    /// `first_month` and last for 60 months. Durable in both slots and read back when this returns.
    ///
    /// # Errors
    /// [`KeyError::FileExists`], [`KeyError::Randomness`], [`KeyError::ReadBack`], [`KeyError::Io`].
    pub fn create(path: &Path, root: &RootKey, first_month: Month) -> Result<Self, KeyError> {
        let content = Content::generate(first_month)?;
        slots::create(path, root, &content)?;
        Ok(content.into())
    }

    /// Opens the newest whole slot under `root`. If the other slot is damaged or older it is made again from it, synced and
    /// read back, and the health says so. Both slots are whole and equal when this returns.
    ///
    /// # Errors
    /// [`KeyError::KeyringDamaged`], [`KeyError::KeyringForeignRoot`], [`KeyError::KeyringFormat`],
    /// [`KeyError::KeyringSlotsDisagree`], [`KeyError::Randomness`], [`KeyError::ReadBack`], [`KeyError::Io`].
    pub fn open(path: &Path, root: &RootKey) -> Result<(Self, KeyringHealth), KeyError> {
        let (content, health) = slots::open(path, root)?;
        Ok((content.into(), health))
    }

    pub(crate) fn at(&self, place: Place) -> Entry<'_> {
        self.content.at(place)
    }

    /// The context key of a month.
    pub(crate) fn month(&self, month: Month) -> Result<Entry<'_>, KeyError> {
        let offset = month.offset_from(self.content.first_month()).ok_or(KeyError::MonthNotHeld)?;
        Ok(self.at(Place::Month(offset)))
    }
}

/// A keyring for tests, without a file.
#[cfg(test)]
pub(crate) fn test_keyring() -> Keyring {
    let first_month = Month::from_year_month(2026, 3).expect("in range");
    Content::generate(first_month).expect("randomness").into()
}

/// The keyring of the fixtures: the key of each entry is the entry's number, eight times in 32 bits.
#[cfg(test)]
pub(crate) fn fixed_keyring() -> Keyring {
    let first_month = Month::from_year_month(2026, 3).expect("in range");
    Content::fixed(first_month).into()
}
