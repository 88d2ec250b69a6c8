//! Tokens that open a vault: their library, and the PIN in a file.
//! Never a PIN as an argument or from the environment, and never one tried twice: who starts a vault again and again with a
//! wrong one would lock the token.
//! The library runs in the process with all its rights.

use super::failure::Failure;
use crate::config::Config;
use crate::unlock::WatchedToken;
use gridvault_keys::{Envelope, Pin, Pkcs11Module, Provider, RootKey};
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Loads the library at a path.
pub(super) fn load(path: &Path) -> Result<Pkcs11Module, Failure> {
    Pkcs11Module::load(path).map_err(|error| Failure::failed("the token's library", &error))
}

/// The PIN in a file. A line end at its end does not belong to it.
pub(super) fn read_pin(file: &Path) -> Result<Pin, Failure> {
    let read = std::fs::read(file);
    let read = read.map_err(|error| Failure::failed("the PIN file cannot be read", &error))?;
    let mut bytes = Zeroizing::new(read);
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    Pin::new(&bytes).map_err(|error| Failure::failed("the PIN", &error))
}

/// Opens a vault with its token and the PIN in a file.
pub(super) fn open(
    config: &Config,
    envelopes: &[Envelope],
    pin_file: &Path,
) -> Result<(RootKey, Option<WatchedToken>), Failure> {
    let Some(path) = &config.pkcs11_module else {
        return Err(Failure::Usage("the configuration names no pkcs11_module".into()));
    };
    let pin = read_pin(pin_file)?;
    let module = load(path)?;
    let (root, envelope) = open_root(envelopes, &module, &pin)?;
    Ok((root, WatchedToken::of(envelope, Some(Arc::new(module)))))
}

/// Opens the root key with a token, and says by which way.
pub(super) fn open_root<'a>(
    envelopes: &'a [Envelope],
    module: &Pkcs11Module,
    pin: &Pin,
) -> Result<(RootKey, &'a Envelope), Failure> {
    let by_token = |one: &&Envelope| matches!(one.provider(), Provider::Pkcs11(_));
    let envelope = envelopes
        .iter()
        .find(by_token)
        .ok_or_else(|| Failure::Failed("this vault is not unlocked by a token".into()))?;
    let root = envelope
        .open_with_pkcs11(module, pin)
        .map_err(|error| Failure::failed("the vault stays sealed", &error))?;
    Ok((root, envelope))
}
