//! `gridvault config check`: says whether a vault's configuration and policies are whole.
//! Never opens the vault, and calls nobody.
//! Status 0 means that `serve` would not stop over either, nor over a file that the configuration names.

use super::failure::Failure;
use super::{passphrase, policy_files, print, runtime, second_place, ship, vault};
use crate::config::{Config, Overrides};
use std::fs::File;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Check the configuration and the policies that it names.
    Check {
        /// The vault's directory.
        #[arg(long, env = "GRIDVAULT_DIR")]
        dir: PathBuf,
    },
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    let Command::Check { dir } = command;
    let config = Config::load(dir, &Overrides::default())
        .map_err(|error| Failure::failed("the configuration", &error))?;
    runtime()?.block_on(policy_files::load(config.policies.as_deref()))?;
    check_files(&config)?;
    if json {
        let listen = config.listen.to_string();
        print(
            &serde_json::json!({
                "origin": config.origin, "listen": listen, "synthetic": config.synthetic,
                "store_cache_bytes": config.store_cache_bytes,
                "journal_segment_bytes": config.journal_segment_bytes,
                "snapshot_journal_bytes": config.snapshot_journal_bytes,
                "snapshots_kept": config.snapshots_kept,
            })
            .to_string(),
        );
    } else {
        print(&format!("the configuration of {} is whole", config.origin));
    }
    Ok(())
}

/// Opens each file that a start opens, and judges what can be judged without the vault's keys.
fn check_files(config: &Config) -> Result<(), Failure> {
    if let Some(file) = &config.passphrase_file {
        passphrase::read(file).map(drop)?;
    }
    can_be_read("the PIN file cannot be read", config.pin_file.as_deref())?;
    can_be_read("the library of the token cannot be read", config.pkcs11_module.as_deref())?;
    vault::judge_witnesses(config)?;
    second_place::check(config)?;
    ship::check(config)
}

fn can_be_read(what: &str, file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    File::open(file).map(drop).map_err(|error| Failure::failed(what, &error))
}
