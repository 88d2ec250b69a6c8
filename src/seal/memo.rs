//! What officers write down about acts of staff: sealed for the one row that it is kept in.
//! Never a record's bytes, and never for a row that is not of a review.
//! The row's key is authenticated with it, so two rows cannot be exchanged.

use super::{Seal, SealError};
use crate::records::Owner;
use crate::store::Key;
use zeroize::Zeroizing;

const LABEL: &[u8] = b"gridvault/review/v1";

impl Seal {
    /// Seals what is kept under the key of a review.
    ///
    /// # Errors
    /// [`SealError::Malformed`] for any other key, else as sealing any attributes.
    pub fn seal_memo(&self, key: &Key, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(self.keyring.seal_attributes(&associated(key)?, plain)?)
    }

    /// Opens it.
    ///
    /// # Errors
    /// As [`Seal::seal_memo`], and [`SealError::Keys`] for bytes that were sealed for another row.
    pub fn open_memo(&self, key: &Key, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        Ok(self.keyring.open_attributes(&associated(key)?, sealed)?)
    }
}

pub(super) fn associated(key: &Key) -> Result<Vec<u8>, SealError> {
    match key.owner() {
        Some(Owner::Review(_)) => Ok([LABEL, key.as_bytes()].concat()),
        _ => Err(SealError::Malformed { what: "key of a review" }),
    }
}
