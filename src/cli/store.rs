//! `gridvault store digests`: what an auditor holds the store against the log with. `store rebuild` has its own file.
//! Never while the vault serves: it opens the vault itself, and the listing is an entry of the log.
//! A list that is not whole is never left under its name.

use super::failure::Failure;
use super::opening::Opening;
use super::{print, rebuild, runtime, vault};
use crate::config::Config;
use crate::operations::record_digests;
use gridvault_audit::constants::DIGESTS_HEADER;
use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Write handle, version, digest and last entry of each sealed record, for `gridvault-audit verify --store-digests`.
    Digests {
        /// The vault's directory.
        #[arg(long, env = "GRIDVAULT_DIR")]
        dir: PathBuf,
        #[command(flatten)]
        opening: Opening,
        /// The list to write; never over one that is there.
        #[arg(long)]
        out: PathBuf,
    },
    /// Make the store again from the newest snapshot and the journal behind it.
    Rebuild(rebuild::Arguments),
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Digests { dir, opening, out } => digests(dir, opening, out, json),
        Command::Rebuild(arguments) => rebuild::run(arguments, json),
    }
}

fn digests(dir: &Path, opening: &Opening, out: &Path, json: bool) -> Result<(), Failure> {
    let config = Config::load(dir, &opening.overrides())
        .map_err(|error| Failure::failed("the configuration", &error))?;
    if out.exists() {
        return Err(Failure::Failed("the list is there already".into()));
    }
    let held = vault::hold(&config)?;
    let keyring = opening.keyring(&config, &held)?;
    let (records, size) = runtime()?.block_on(async {
        let vault = vault::open(&config, keyring).await?;
        let written = write(&vault, &config.origin, out).await;
        let stopped = vault.rooms.trail.stop().await;
        let written = written?;
        stopped.map_err(|fault| Failure::from(&*fault))?;
        Ok::<_, Failure>(written)
    })?;
    print(&match json {
        true => serde_json::json!({"records": records, "size": size}).to_string(),
        false => format!("{records} records after {size} entries"),
    });
    Ok(())
}

async fn write(vault: &vault::Vault, origin: &str, out: &Path) -> Result<(u64, u64), Failure> {
    let rooms = &vault.rooms;
    let fail = |error: &(dyn std::error::Error + 'static)| {
        Failure::storage("the store cannot be listed", error)
    };
    let digests = record_digests(&rooms.store, &rooms.seal, &rooms.trail)
        .await
        .map_err(|error| fail(&error))?;
    let size = digests.recorded.index();
    let mut beside = out.to_owned().into_os_string();
    beside.push(".tmp");
    let beside = PathBuf::from(beside);
    let unwritten = |error: std::io::Error| Failure::storage("the list cannot be written", &error);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = BufWriter::new(options.open(&beside).map_err(unwritten)?);
    let records = digests.records;
    write!(file, "{DIGESTS_HEADER}\nlog {origin}\nsize {size}\nrecords {records}\n")
        .map_err(unwritten)?;
    digests
        .write_lines(&rooms.store, &rooms.seal, &mut |line| file.write_all(line.as_bytes()))
        .await
        .map_err(|error| fail(&error))?;
    let file = file.into_inner().map_err(|error| unwritten(error.into_error()))?;
    file.sync_all().map_err(unwritten)?;
    std::fs::hard_link(&beside, out)
        .and_then(|()| std::fs::remove_file(&beside))
        .map_err(unwritten)?;
    Ok((records, size))
}
