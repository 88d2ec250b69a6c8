//! A process that waits sealed: it listens, holds no key, and opens its vault when somebody brought what opens it.
//! Never opens the store or the journal before, and never records anything while it cannot: what was brought, and what was
//! tried in vain from when to when, are the first entries of the open vault after its start.

use super::failure::Failure;
use super::signals::Signals;
use super::vault::{self, Vault};
use crate::ambient::{HostClock, HostRandom};
use crate::config::{Config, layout};
use crate::http::{Serving, UnsealDoor, serve_until_unsealed};
use crate::trail::{Announcement, Trail};
use crate::unlock::{Failed, Unlocked, Unlocking, WatchedToken};
use gridvault_keys::KeyringLock;
use std::sync::Arc;

/// Waits until the vault is open; gives nothing when the process is told to stop before.
pub(super) async fn wait(
    serving: &Serving,
    config: &Config,
    held: &KeyringLock,
    told: &mut Signals,
) -> Result<Option<(Vault, Option<WatchedToken>)>, Failure> {
    let clock = Arc::new(HostClock::new());
    let unlock_file = config.directory.join(layout::UNLOCK);
    let (unlocking, unlocked) = Unlocking::begin(&unlock_file, config.pkcs11_module.clone(), clock)
        .map_err(|error| Failure::storage("the unlock file cannot be read", &error))?;
    let unlocking = Arc::new(unlocking);
    let random = Arc::new(HostRandom::new());
    let from_network = config.unseal_from_network;
    let door = UnsealDoor::new(unlocking.clone(), random, config.synthetic, from_network);
    let opened = async {
        let Ok(unlocked) = unlocked.await else { return Ok(None) };
        open(config, held, unlocked).await.map(Some)
    };
    // Who stops a vault that is just being opened leaves what a kill would leave: the next start recovers it.
    let ended = async {
        tokio::select! {
            () = told.stop() => Ok(None),
            () = unlocking.tend() => Ok(None),
            opened = opened => opened,
        }
    };
    serve_until_unsealed(serving, door, ended).await
}

async fn open(
    config: &Config,
    held: &KeyringLock,
    unlocked: Unlocked,
) -> Result<(Vault, Option<WatchedToken>), Failure> {
    let Unlocked { root, envelope, shares, token, failures } = unlocked;
    let keyring = vault::open_keyring(&config.directory, &root, held)?;
    drop(root);
    let vault = vault::open(config, keyring).await?;
    let trail = &vault.rooms.trail;
    let provider = match (&token, shares.is_empty()) {
        (Some(_), _) => "pkcs11",
        (None, true) => "passphrase",
        (None, false) => "shares",
    };
    announce(trail, Announcement::Unsealed { envelope, provider, shares }).await?;
    let kinds = [
        ("passphrase", failures.passphrases),
        ("shares", failures.shares),
        ("pkcs11", failures.pins),
    ];
    for (provider, failed) in kinds {
        if let Some(Failed { count, first, last }) = failed {
            let said = Announcement::UnsealFailed { provider, count, first, last };
            announce(trail, said).await?;
        }
    }
    Ok((vault, token))
}

async fn announce(trail: &Trail, announcement: Announcement) -> Result<(), Failure> {
    let recorded = trail.announce(announcement).await;
    recorded.map(drop).map_err(|error| Failure::storage("who opened it cannot be recorded", &error))
}
