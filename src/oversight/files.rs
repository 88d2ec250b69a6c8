//! The files of the log as witnesses and auditors fetch them: checkpoint, tiles of hashes, bundles of entries.
//! Never a bundle without an entry of its own, and never anything beyond the checkpoint that is shown.
//! Checkpoint and hashes tell nothing of anybody: an entry holds 128 random bits, so nobody can guess at one by its hash.

use super::entries::TheLog;
use super::error::{OversightError, record, refuse, turn_away};
use crate::access::{Access, Code, Duty, Origin};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::trail::{Recorded, Trail};
use gridvault_audit::{LogReader, TileName};

/// The checkpoint that witnesses cosigned, or the log's own where none did or none is asked; `None` before the first.
///
/// # Errors
/// When the log cannot be read.
pub fn read_checkpoint(trail: &Trail, log: &LogReader) -> Result<Option<String>, OversightError> {
    Ok(log.shown(trail.asks_witnesses())?.map(|shown| shown.note))
}

/// A tile of hashes by its path beneath the log's prefix; `None` where the shown checkpoint has no such tile.
///
/// # Errors
/// When the log cannot be read.
pub fn read_tile(
    name: &TileName,
    trail: &Trail,
    log: &LogReader,
) -> Result<Option<Vec<u8>>, OversightError> {
    if name.is_entries() {
        return Ok(None);
    }
    let covered = log.shown(trail.asks_witnesses())?.map_or(0, |shown| shown.size);
    Ok(log.tile(name, covered)?)
}

/// Where the log begins: the first index that was not pruned, and the entry that says so.
///
/// # Errors
/// When the log cannot be read.
pub fn read_minimum(log: &LogReader) -> Result<String, OversightError> {
    Ok(log.minimum()?.to_text())
}

/// A bundle of entries by its path beneath the log's prefix.
///
/// # Errors
/// `denied` without the duty, `not_found` where the shown checkpoint has no such bundle.
pub async fn read_bundle(
    actor: &Actor,
    name: Option<TileName>,
    origin: &Origin,
    now: Micros,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
) -> Result<(Vec<u8>, Recorded), OversightError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, Duty::AuditRead, origin, now, TheLog) {
        Ok(permit) => permit,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    // What is there is known before it is recorded, so that the entry says which of the two it was.
    let covered = log.shown(trail.asks_witnesses())?.map_or(0, |shown| shown.size);
    let name = name.filter(TileName::is_entries);
    let has = name.map(|name| log.has_tile(&name, covered)).transpose()?.unwrap_or_default();
    let Some(name) = name.filter(|_| has) else {
        return Err(turn_away(standing, Code::NotFound, origin, access, trail).await);
    };
    let recorded = record(permit, standing, origin, access, trail).await?;
    let bundle = log.tile(&name, covered)?.ok_or(OversightError::Malformed)?;
    Ok((bundle, recorded))
}
