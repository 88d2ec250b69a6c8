//! Replaces a key that there is one of: another one is drawn beside it, both serve, and then the former is destroyed.
//! Never a third: while a next one stands beside the present one, whoever asks again gets that.
//! What each of the two does meanwhile is said where the key is used.

use super::{Keyring, Place};
use crate::error::KeyError;
use crate::state::KeyState;

/// A key that there is one of, and that another one follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SingleKey {
    /// The seed of the key that signs tokens.
    TokenSigning,
    /// The seed of the key that signs the log.
    LogSigning,
    /// The key over decision attributes, and over what else is kept sealed for its own row.
    Header,
}

impl SingleKey {
    fn place(self) -> Place {
        match self {
            Self::TokenSigning => Place::TokenSeed,
            Self::LogSigning => Place::LogSeed,
            Self::Header => Place::Header,
        }
    }
}

/// How often a key was replaced, counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEpochs {
    /// That of the key in its place.
    pub present: u32,
    /// That of the next one, where one stands beside it.
    pub next: Option<u32>,
}

impl Keyring {
    /// Draws a next key, where none was drawn, and makes it durable in both slots. From then on it protects, and both open or
    /// verify.
    ///
    /// # Errors
    /// [`KeyError::TooManyBuckets`] while another such key has a next one; [`KeyError::EpochsUsedUp`], [`KeyError::Randomness`];
    /// [`KeyError::KeyringUnwritable`] once a write failed; [`KeyError::ReadBack`], [`KeyError::Io`]: whatever the file holds
    /// then, both keys are in it or the present one alone.
    pub fn draw_next(&self, key: SingleKey) -> Result<(), KeyError> {
        if self.epochs_of(key).next.is_some() {
            return Ok(());
        }
        self.replace(|content| content.with_next_keys(&[key.place()]))
    }

    /// Puts the next key of this epoch in the place of the present one, which is then in neither slot of the file and no more in
    /// memory here. Where there is no next key of that epoch, any more or yet, nothing is done.
    ///
    /// # Errors
    /// [`KeyError::Randomness`], [`KeyError::KeyringUnwritable`], [`KeyError::ReadBack`], [`KeyError::Io`]: then it is not known
    /// that the old key is gone.
    pub fn destroy_former(&self, key: SingleKey, next_epoch: u32) -> Result<(), KeyError> {
        if self.epochs_of(key).next != Some(next_epoch) {
            return Ok(());
        }
        self.replace(|content| Ok(content.promoted(&[(key.place(), next_epoch)])))
    }

    /// The state of such a key of an epoch; none for one that was not there yet. Of the log both protect while both sign.
    #[must_use]
    pub fn single_key_state(&self, key: SingleKey, epoch: u32) -> Option<KeyState> {
        let KeyEpochs { present, next } = self.epochs_of(key);
        match (KeyState::of(epoch, present, next.unwrap_or(present)), key) {
            (Some(KeyState::Deactivated), SingleKey::LogSigning) => Some(KeyState::Active),
            (state, _) => state,
        }
    }

    /// How often it was replaced.
    #[must_use]
    pub fn epochs_of(&self, key: SingleKey) -> KeyEpochs {
        let content = self.content();
        let next = content.next_of(key.place()).map(|entry| entry.epoch);
        KeyEpochs { present: content.at(key.place()).epoch, next }
    }
}
