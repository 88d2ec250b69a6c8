//! The token that opened a vault: while it is open the token must stay.
//! Never asks the token for anything but whether it is there.
//! A look that fails, or takes too long, counts as a token that is gone.

use crate::limits::{TOKEN_ANSWER_TIME_MAX, TOKEN_LOOK_TIME};
use gridvault_keys::{Envelope, Pkcs11Key, Pkcs11Module, Provider};
use std::sync::Arc;

/// A token that must stay.
pub struct WatchedToken {
    module: Arc<Pkcs11Module>,
    key: Pkcs11Key,
}

impl WatchedToken {
    /// The token of an envelope, if it is a token's.
    pub fn of(envelope: &Envelope, module: Option<Arc<Pkcs11Module>>) -> Option<WatchedToken> {
        let Provider::Pkcs11(key) = envelope.provider() else { return None };
        Some(WatchedToken { module: module?, key })
    }

    /// The same of the ways that came in force while the vault is open; nothing where a token is no way any more.
    pub fn following(&self, envelopes: &[Envelope]) -> Option<WatchedToken> {
        envelopes.iter().find_map(|envelope| WatchedToken::of(envelope, Some(self.module.clone())))
    }

    /// Its serial number.
    pub fn serial(&self) -> String {
        self.key.serial_text()
    }

    /// Resolves when it is gone.
    pub async fn gone(&self) {
        let mut looks = tokio::time::interval(TOKEN_LOOK_TIME);
        // A slow token is not asked again at once for every look that was missed.
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let (module, key) = (self.module.clone(), self.key);
            let look = tokio::task::spawn_blocking(move || module.has(&key));
            let there = tokio::time::timeout(TOKEN_ANSWER_TIME_MAX, look).await;
            if !matches!(there, Ok(Ok(true))) {
                return;
            }
        }
    }
}
