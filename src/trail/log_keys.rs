//! The keys that sign the log: the one that auditors are given, and the one that is to follow it while both sign.
//! Never decides when one goes: it says whether everybody whom the vault knows of has the next one.
//! What the ring has is what signs; nothing of it is kept here.

use super::Trail;
use super::error::TrailFault;
use gridvault_audit::verifier_key;
use gridvault_audit::verify::{VerifierKey, open_note};

impl Trail {
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
