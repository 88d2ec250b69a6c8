//! What can go wrong between sealed bytes and values.
//! Never carries either.
//! Every variant means that nothing was opened.

use crate::store::StoreError;
use gridvault_keys::KeyError;

/// A fault of sealing or opening.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key hierarchy refused.
    #[error("the key hierarchy refused")]
    Keys(#[from] KeyError),
    /// The store failed on the way.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Opened bytes have not the form that this version writes.
    #[error("an opened {what} is malformed")]
    Malformed {
        /// What it was.
        what: &'static str,
    },
    /// A value cannot be brought into the form that is matched.
    #[error("a value cannot be matched")]
    Unmatchable,
    /// A subject's key was wrapped anew since it was looked at, and the bucket key that it was under is destroyed: look again.
    #[error("a subject's key was wrapped anew")]
    Rewrapped,
    /// A key that the change needs is not among those that its draft brought.
    #[error("a subject's key is missing from the draft")]
    KeyMissing,
}

impl SealError {
    /// Whether a key sealed as often as one may, so that nothing is sealed under it until another one follows, or as often as the disk
    /// let anybody count.
    pub fn needs_another_key(&self) -> bool {
        matches!(self, SealError::Keys(KeyError::KeyUsedUp | KeyError::UsesUncounted))
    }
}
