//! Keys that there is one of, as a rotation replaces them: another one drawn beside it, the former destroyed at its time.
//! Never says when: that is the operation's. Never a key, only how often it was replaced.
//! Each of the two writings of the ring is durable in both slots when it returns.

use super::{RotationKind, Seal, SealError};
use crate::ambient::Micros;
use gridvault_keys::{KeyError, Month, SingleKey};

impl Seal {
    /// How often the key was replaced, counted from one, and the same of the next one that stands beside it, if one does.
    ///
    /// # Errors
    /// [`SealError::Malformed`] for keys of which there are many.
    pub fn single_epochs(&self, kind: RotationKind) -> Result<(u32, Option<u32>), SealError> {
        let epochs = self.keyring.epochs_of(single(kind)?);
        Ok((epochs.present, epochs.next))
    }

    /// Draws a next key and makes it durable; nothing where there is one. Waits for the disk.
    ///
    /// # Errors
    /// As [`gridvault_keys::Keyring::draw_next`], and as [`Seal::single_epochs`].
    pub fn draw_next_single(&self, kind: RotationKind) -> Result<(), SealError> {
        Ok(self.keyring.draw_next(single(kind)?)?)
    }

    /// Destroys the key that the next one of this epoch follows. Waits for the disk.
    ///
    /// # Errors
    /// As [`gridvault_keys::Keyring::destroy_former`], and as [`Seal::single_epochs`].
    pub fn destroy_former_single(&self, kind: RotationKind, epoch: u32) -> Result<(), SealError> {
        Ok(self.keyring.destroy_former(single(kind)?, epoch)?)
    }
}

impl Seal {
    /// How often the context key in the place of the month of this moment was replaced, and the same of the one that seals now;
    /// nothing for a month whose key is destroyed.
    ///
    /// # Errors
    /// [`SealError::Keys`] for a moment outside of the calendar.
    pub fn context_epochs(&self, at: Micros) -> Result<Option<(u32, u32)>, SealError> {
        match self.keyring.context_epochs(month_of(at)?) {
            Ok(epochs) => Ok(Some(epochs)),
            Err(KeyError::MonthNotHeld) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the month of this moment a next context key, and every later month another one. Waits for the disk.
    ///
    /// # Errors
    /// As [`gridvault_keys::Keyring::turn_contexts`].
    pub fn turn_contexts(&self, at: Micros) -> Result<(), SealError> {
        Ok(self.keyring.turn_contexts(month_of(at)?)?)
    }
}

fn month_of(at: Micros) -> Result<Month, SealError> {
    let (year, month) = at.year_month();
    Ok(Month::from_year_month(year, month)?)
}

fn single(kind: RotationKind) -> Result<SingleKey, SealError> {
    match kind {
        RotationKind::Tokens => Ok(SingleKey::TokenSigning),
        RotationKind::Log => Ok(SingleKey::LogSigning),
        RotationKind::Header => Ok(SingleKey::Header),
        RotationKind::Subjects | RotationKind::Index | RotationKind::Context => {
            Err(SealError::Malformed { what: "name of a single key" })
        }
    }
}
