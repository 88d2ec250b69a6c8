//! `gridvault config check`: says whether a vault's configuration and policies are whole.
//! Never opens the vault.
//! Status 0 means that `serve` would not stop over either.

use super::failure::Failure;
use super::{policy_files, print, runtime};
use crate::config::{Config, Overrides};
use std::path::PathBuf;

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
