//! The ledger of erasures in a second place: opened with the vault, and replayed before anybody is served.
//! Never begun anew by a restore: a ledger that is named there must be there, whole, and this vault's.
//! One that cannot be read stops a start; one that takes nothing more keeps certificates from being given out.

use super::failure::Failure;
use crate::config::Config;
use crate::http::Rooms;
use crate::operations::{Replayed, replay_erasures, tell_erasures};
use crate::trail::{ErasureLedger, LedgerMark};
use gridvault_keys::Keyring;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

/// The file in a vault's directory that says that its ledger was not replayed since it was restored.
const DUE: &str = "ledger-due";

/// Opens the ledger that is configured. One that cannot be read stops the start: nobody would know what it has. Behind a restore it
/// must be there: an empty one in the place of a disk that is not mounted would let the erased come back.
pub(super) fn open(
    config: &Config,
    keyring: &Keyring,
) -> Result<Option<Arc<ErasureLedger>>, Failure> {
    let Some(path) = &config.erasure_ledger else { return Ok(None) };
    if let Some(mark) = due(&config.directory)? {
        let ledger = existing(path, keyring)?;
        let is_whole = mark.as_ref().map_or(Ok(true), |mark| mark.leads(path));
        return match is_whole.map_err(|error| Failure::storage(&what(path), &error))? {
            true => Ok(Some(Arc::new(ledger))),
            false => {
                let why = "has not the lines any more that it had when the vault was restored";
                Err(Failure::Failed(format!("{} {why}", what(path))))
            }
        };
    }
    ErasureLedger::open(path, keyring.chain())
        .map(|ledger| Some(Arc::new(ledger)))
        .map_err(|error| Failure::storage(&what(path), &error))
}

/// Says that the next start has to find the ledger, and how far it goes at least.
pub(super) fn is_due(directory: &Path, mark: &LedgerMark) -> std::io::Result<()> {
    let mut file = std::fs::File::create(directory.join(DUE))?;
    file.write_all(mark.to_text().as_bytes())?;
    file.sync_all()?;
    sync(directory)
}

/// Whether the ledger was not replayed since the vault was restored, and how far it went then; a program from before did not say how far.
fn due(directory: &Path) -> Result<Option<Option<LedgerMark>>, Failure> {
    let text = match std::fs::read_to_string(directory.join(DUE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| Failure::storage("ledger-due", &error))?,
    };
    match LedgerMark::parse(&text) {
        None if !text.is_empty() => Err(Failure::Storage("ledger-due is damaged".into())),
        mark => Ok(Some(mark)),
    }
}

/// It was found and replayed.
fn is_done(directory: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(directory.join(DUE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| sync(directory)),
    }
}

fn sync(directory: &Path) -> std::io::Result<()> {
    std::fs::File::open(directory)?.sync_all()
}

/// Opens the ledger that a restore is given.
pub(super) fn existing(path: &Path, keyring: &Keyring) -> Result<ErasureLedger, Failure> {
    ErasureLedger::existing(path, keyring.chain())
        .map_err(|error| Failure::storage(&what(path), &error))
}

fn what(path: &Path) -> String {
    format!("the ledger of erasures at {}", path.display())
}

/// Carries out again what the store does not know of, and brings what the ledger does not have into it.
pub(super) async fn agree(config: &Config, rooms: &Rooms) -> Result<(), Failure> {
    let Some(ledger) = &rooms.erasures else { return Ok(()) };
    let Rooms { store, seal, access, trail, clock, random, .. } = rooms;
    let replayed =
        replay_erasures(ledger, clock.now(), store, seal, access, trail, &**random).await;
    let Replayed { erasures, records, beside } = replayed
        .map_err(|error| Failure::storage("erasures cannot be carried out again", &error))?;
    is_done(&config.directory)
        .map_err(|error| Failure::storage("the vault's directory", &error))?;
    if erasures > 0 {
        tracing::warn!(erasures, records, beside, "erasures of the ledger were carried out again");
    }
    if let Err(error) = tell_erasures(store, trail, ledger).await {
        tracing::error!(%error, "the second place does not take erasures: certificates wait");
    }
    Ok(())
}
