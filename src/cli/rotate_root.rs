//! `gridvault keys rotate-root`: another root key for a vault that does not serve, and another envelope for each way to it.
//! Never while any process of the vault runs, and never without what opens each envelope anew: who could not open it is told first.
//! It ends with a start, whose entry says that it was done; a crash on the way is ended by the next start in the same way.

use super::failure::Failure;
use super::shares::Split;
use super::{passphrase, print, runtime, shares, vault};
use crate::config::{Config, Overrides};
use crate::store::{self, EngineKind};
use gridvault_keys::{ArgonCost, Envelope, KeyError, Provider, RootKey, UnlockFile};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The vault's directory.
    #[arg(long, env = "GRIDVAULT_DIR")]
    dir: PathBuf,
    /// The file that holds the passphrase that opens the vault now.
    #[arg(long, env = "GRIDVAULT_PASSPHRASE_FILE")]
    passphrase_file: PathBuf,
    /// The file that holds the passphrase that opens it from then on; the same one where nothing is said.
    #[arg(long)]
    new_passphrase_file: Option<PathBuf>,
    /// Where the files of a new set of shares go, for a vault that shares open too.
    #[arg(long)]
    shares_dir: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let passphrase_file = Some(arguments.passphrase_file.clone());
    let overrides = Overrides { passphrase_file, ..Overrides::default() };
    let config = Config::load(&arguments.dir, &overrides)
        .map_err(|error| Failure::failed("the configuration", &error))?;
    // Whoever serves the vault or waits sealed would go on with the former root key.
    let keys = vault::hold(&config)?;
    let unlock = config.directory.join("unlock");
    if UnlockFile::has_former(&unlock) {
        let text =
            "another root key came in force and the vault was not started since: start it once";
        return Err(Failure::Failed(text.into()));
    }
    let held =
        store::open(&config.directory.join("store"), EngineKind::Sled, config.store_cache_bytes)
            .map_err(|error| Failure::of_the_store("the store cannot be opened", &error))?;
    let envelopes = UnlockFile::load(&unlock)
        .map_err(|error| Failure::storage("the unlock file cannot be read", &error))?;
    let plan = Plan::of(&envelopes, arguments)?;
    let (keyring, _no_token) = vault::unlock(&config, &keys)?;
    let root = RootKey::generate().map_err(|error| Failure::failed("the root key", &error))?;
    let (envelopes, split) = plan.seal(&root, arguments)?;
    let unturned = |error: KeyError| {
        Failure::storage(
            "it is not known how far the root key was replaced; start the vault",
            &error,
        )
    };
    UnlockFile::prepare(&unlock, &envelopes).map_err(unturned)?;
    let turned = keyring.under_another_root(&root, || UnlockFile::put_in_force(&unlock));
    drop(turned.map_err(unturned)?);
    drop(held);
    // Whether it opens, the ring of both slots and the envelope, is tried before the former envelopes go.
    let keyring = match &arguments.new_passphrase_file {
        None => vault::unlock(&config, &keys)?.0,
        Some(file) => {
            let config = Config { passphrase_file: Some(file.clone()), ..config.clone() };
            vault::unlock(&config, &keys)?.0
        }
    };
    runtime()?.block_on(async {
        // The start says that it was done, and destroys the former envelopes.
        let vault = vault::open(&config, keyring).await?;
        let announced = match &split {
            Some(split) => split.announce(&vault).await,
            None => Ok(()),
        };
        let stopped = vault.rooms.trail.stop().await;
        announced?;
        stopped.map_err(|fault| Failure::from(&*fault))
    })?;
    let count = envelopes.len();
    print(&match json {
        true => serde_json::json!({"envelopes": count}).to_string(),
        false => format!("the vault has another root key, and {count} ways to it"),
    });
    Ok(())
}

/// Which envelopes are made anew.
struct Plan {
    cost: ArgonCost,
    shares: Option<gridvault_keys::SharePlan>,
}

impl Plan {
    fn of(envelopes: &[Envelope], arguments: &Arguments) -> Result<Plan, Failure> {
        let (mut cost, mut plan) = (None, None);
        for envelope in envelopes {
            match envelope.provider() {
                Provider::Passphrase(held) if cost.is_none() => cost = Some(held),
                Provider::Shares(held) if plan.is_none() => plan = Some(held),
                Provider::Passphrase(_) | Provider::Shares(_) => {
                    return Err(unsupported("two passphrases or two sets of shares"));
                }
                Provider::Pkcs11(_) => return Err(unsupported("a token")),
                Provider::KeyFile => return Err(unsupported("the key file of a demonstration")),
            }
        }
        let cost = cost.ok_or_else(|| unsupported("shares alone"))?;
        if plan.is_some() != arguments.shares_dir.is_some() {
            let text = "name --shares-dir for a vault that shares open, and for no other: the holders get new ones";
            return Err(Failure::Usage(text.into()));
        }
        Ok(Plan { cost, shares: plan })
    }

    /// New shares are written before anything of the vault is: nobody could open it without them.
    fn seal(
        &self,
        root: &RootKey,
        arguments: &Arguments,
    ) -> Result<(Vec<Envelope>, Option<Split>), Failure> {
        let passphrase = match &arguments.new_passphrase_file {
            Some(file) => passphrase::read_new(file)?,
            None => passphrase::read(&arguments.passphrase_file)?,
        };
        let by_passphrase = Envelope::seal_with_passphrase(root, &passphrase, self.cost)
            .map_err(|error| Failure::failed("the passphrase", &error))?;
        let split = self.shares.map(|plan| shares::split(root, plan)).transpose()?;
        if let (Some(split), Some(to)) = (&split, &arguments.shares_dir) {
            split.write(to, &arguments.dir)?;
        }
        let by_shares = split.as_ref().map(|split| split.envelope.clone());
        Ok(([Some(by_passphrase), by_shares].into_iter().flatten().collect(), split))
    }
}

fn unsupported(what: &str) -> Failure {
    Failure::Failed(format!("a vault that is opened by {what} gets no other root key yet"))
}

/// Destroys the envelopes of a former root key, once the ring opened with those in force.
pub(super) fn destroy_former(directory: &Path) -> Result<(), Failure> {
    UnlockFile::destroy_former(&directory.join("unlock"))
        .map_err(|error| Failure::storage("former envelopes cannot be destroyed", &error))
}
