//! What opens a vault that does not serve, at its host: a passphrase, the shares of its holders, or a token with its PIN.
//! Never a secret as an argument or from the environment: a file, or a line that is typed unseen.
//! The ways are those of the envelopes that are in force; each command that opens a vault by itself asks here.

use super::failure::Failure;
use super::{demo, passphrase, pkcs11, unseal, vault};
use crate::config::{Config, Overrides, layout};
use gridvault_keys::{
    Envelope, KeyError, Keyring, KeyringLock, Pin, Pkcs11Module, Provider, RootKey, Share,
    UnlockFile,
};
use std::path::{Path, PathBuf};

/// What opens the vault.
#[derive(clap::Args)]
pub(super) struct Opening {
    /// The file that holds the passphrase that opens the vault.
    #[arg(long, env = "GRIDVAULT_PASSPHRASE_FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
    /// The file that holds the PIN of the token.
    #[arg(long, env = "GRIDVAULT_PIN_FILE")]
    pub(super) pin_file: Option<PathBuf>,
    /// Open the vault by shares: each a line from the terminal, unseen, or from standard input.
    #[arg(long)]
    pub(super) by_shares: bool,
}

/// A token that is there, with the PIN that it takes.
pub(super) struct Token {
    pub(super) module: Pkcs11Module,
    pub(super) pin: Pin,
}

impl Token {
    /// Loads the token's library, once: a process has one.
    pub(super) fn load(config: &Config, pin_file: &Path) -> Result<Token, Failure> {
        let Some(path) = &config.pkcs11_module else {
            return Err(Failure::Usage("the configuration names no pkcs11_module".into()));
        };
        let pin = pkcs11::read_pin(pin_file)?;
        Ok(Token { module: pkcs11::load(path)?, pin })
    }
}

impl Opening {
    /// Whether something was said.
    pub(super) fn is_named(&self) -> bool {
        self.by_shares || self.passphrase_file.is_some() || self.pin_file.is_some()
    }

    /// The same in the place of what the configuration names.
    pub(super) fn overrides(&self) -> Overrides {
        let (passphrase_file, pin_file) = (self.passphrase_file.clone(), self.pin_file.clone());
        Overrides { passphrase_file, pin_file, ..Overrides::default() }
    }

    /// Nothing that opens a vault was said.
    pub(super) fn unsaid() -> Failure {
        Failure::Usage(
            "say what opens the vault: --passphrase-file, --by-shares or --pin-file".into(),
        )
    }

    /// Opens the keyring of a vault that does not serve, by what was said, or else by what its configuration names.
    pub(super) fn keyring(&self, config: &Config, held: &KeyringLock) -> Result<Keyring, Failure> {
        if self.by_shares {
            let root = open_with_shares(&envelopes(config)?)?;
            return vault::open_keyring(&config.directory, &root, held);
        }
        match (&config.passphrase_file, &config.pin_file) {
            (None, None) if config.synthetic => demo::unlock(config, held),
            (None, None) => Err(Opening::unsaid()),
            _ => vault::unlock(config, held).map(|(keyring, _)| keyring),
        }
    }

    /// The root key, by what was said alone, with a token that is loaded already.
    pub(super) fn root(
        &self,
        envelopes: &[Envelope],
        token: Option<&Token>,
    ) -> Result<RootKey, Failure> {
        if self.by_shares {
            return open_with_shares(envelopes);
        }
        match (&self.passphrase_file, token) {
            (Some(file), _) => open_with_passphrase(envelopes, file),
            (None, Some(Token { module, pin })) => {
                pkcs11::open_root(envelopes, module, pin).map(|(root, _)| root)
            }
            (None, None) => Err(Opening::unsaid()),
        }
    }
}

/// The ways that are in force.
pub(super) fn envelopes(config: &Config) -> Result<Vec<Envelope>, Failure> {
    UnlockFile::load(&config.directory.join(layout::UNLOCK))
        .map_err(|error| Failure::storage("the unlock file cannot be read", &error))
}

/// Opens the root key with the passphrase in a file.
pub(super) fn open_with_passphrase(
    envelopes: &[Envelope],
    file: &Path,
) -> Result<RootKey, Failure> {
    let passphrase = passphrase::read(file)?;
    let envelope = envelopes
        .iter()
        .find(|envelope| matches!(envelope.provider(), Provider::Passphrase(_)))
        .ok_or_else(|| Failure::Failed("this vault is not unlocked by a passphrase".into()))?;
    envelope.open_with_passphrase(&passphrase).map_err(|error| sealed(&error))
}

/// Asks the holders for their shares, one after the other, as many as open.
fn open_with_shares(envelopes: &[Envelope]) -> Result<RootKey, Failure> {
    let fail = |error: KeyError| sealed(&error);
    let found = envelopes.iter().find_map(|envelope| match envelope.provider() {
        Provider::Shares(plan) => Some((envelope, usize::from(plan.needed()))),
        _ => None,
    });
    let (envelope, needed) =
        found.ok_or_else(|| Failure::Failed("this vault is not unlocked by shares".into()))?;
    let mut shares: Vec<Share> = Vec::with_capacity(needed);
    while shares.len() < needed {
        let share = Share::parse(&unseal::read_secret("Share (not shown): ")?).map_err(fail)?;
        envelope.check_share(&share).map_err(fail)?;
        if shares.iter().any(|held| held.number() == share.number()) {
            return Err(fail(KeyError::ShareTwice));
        }
        shares.push(share);
    }
    envelope.open_with_shares(&shares).map_err(fail)
}

fn sealed(error: &KeyError) -> Failure {
    Failure::failed("the vault stays sealed", error)
}
