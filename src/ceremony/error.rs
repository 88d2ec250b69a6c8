//! How a ceremony ends badly.
//! Never with a secret in a sentence, and never closer to whoever asks over the network than a code.
//! Whoever is at the host reads the sentence; a cause follows it, as far as there is one.

use std::error::Error;
use thiserror::Error as ThisError;

/// Why a ceremony is not done, or not told.
#[derive(Debug, ThisError)]
pub enum CeremonyError {
    /// It may not be done, for this reason. Nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// Something that is kept is not as it should be.
    #[error("{0} is damaged")]
    Damaged(&'static str),
    /// Something failed while the ways came in force.
    #[error("it is not known which ways are in force; start the vault")]
    Unknown(#[source] Box<dyn Error + Send + Sync>),
    /// The disk, the store or the log.
    #[error("{doing}")]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl CeremonyError {
    pub(super) fn storage(
        doing: &'static str,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> CeremonyError {
        CeremonyError::Storage { doing, cause: cause.into() }
    }
}
