//! The keys that sign the log: the one that auditors are given, and the one that is to follow it while both sign.
//! Never decides when one goes: it says whether everybody whom the vault knows of has the next one.
//! What the ring has is what signs; nothing of it is kept here.

use super::Trail;
use super::error::TrailFault;
use gridvault_audit::verify::{VerifierKey, open_note};
use gridvault_audit::{LogReader, verifier_key};
use gridvault_keys::Keyring;
use std::sync::Arc;

/// A reader that believes a checkpoint alone which one of the keys signed that the ring has when it is read.
pub(super) fn believing(log: LogReader, keyring: Arc<Keyring>) -> LogReader {
    log.signed_by(move || {
        let (signer, next) = keyring.log_signers();
        let next = next.map(|next| next.public_key());
        [signer.public_key()].into_iter().chain(next).collect()
    })
}

impl Trail {
    /// A reader of the log. What its entries say can be believed: each leads to a checkpoint that the vault's own key signed.
    pub fn log_reader(&self) -> LogReader {
        self.log.clone()
    }

    /// The key that verifies the log, as auditors are given it: while both sign, the former.
    pub fn log_key(&self) -> String {
        self.log_keys().0
    }

    /// The same, and the next one, while both sign.
    pub fn log_keys(&self) -> (String, Option<String>) {
        let (signer, next) = self.keyring.log_signers();
        let named = |public: [u8; 32]| verifier_key(self.origin(), &public);
        (named(signer.public_key()), next.map(|next| named(next.public_key())))
    }

    /// Whether the log holds without the former key: the checkpoint that is shown is by the next one too, and the policy of
    /// witnesses that is in force here names that. False where there is no next one.
    ///
    /// # Errors
    /// The disk's.
    pub fn holds_under_next_log_key(&self) -> Result<bool, TrailFault> {
        let Some(next) = self.log_keys().1 else { return Ok(false) };
        let Ok(key) = VerifierKey::parse(&next) else { return Ok(false) };
        let note = self.log.checkpoint_text().map_err(TrailFault::Log)?;
        let is_shown = note.is_some_and(|note| open_note(note.as_bytes(), &key).is_ok());
        Ok(is_shown && self.asked.names_log(&key))
    }
}
