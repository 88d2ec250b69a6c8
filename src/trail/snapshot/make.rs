//! Makes one snapshot: the one before it and the journal since, merged; written, read back, named.
//! Never reads the engine, so what is wrong in it is in no snapshot.
//! A crash at any step leaves the snapshots that were there, and files that the next one takes away.

use super::form::{Content, Head};
use super::merge::merge;
use super::pace::{Pace, Unmade};
use super::read::Reader;
use super::runs::{Runs, gather};
use super::write::{Writer, Written};
use super::{Place, SNAPSHOT_ENDING};
use crate::trail::TrailFault;
use crate::trail::journal::{Position, numbered};
use gridvault_keys::ChainKey;
use std::path::{Path, PathBuf};

/// A snapshot that was read back and has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trail) struct Made {
    pub(in crate::trail) position: Position,
    pub(in crate::trail) written: Written,
}

/// Makes the snapshot of everything in segments below `until`, from the one that `base` names. Nothing comes of it where the
/// published log does not reach so far yet.
pub(super) fn make(
    place: &Place,
    chain: &ChainKey,
    pace: &dyn Pace,
    base: Option<u64>,
    until: u64,
) -> Result<Option<Made>, Unmade> {
    clear(place)?;
    let from = match base {
        Some(segment) => open(place, chain, segment)?.head().position,
        None => Position::START,
    };
    let made = gather(place, chain, pace, from, until)
        .and_then(|runs| make_of(place, chain, pace, base, &runs));
    if !matches!(made, Err(Unmade::Ended)) {
        clear(place)?;
    }
    made
}

fn make_of(
    place: &Place,
    chain: &ChainKey,
    pace: &dyn Pace,
    base: Option<u64>,
    runs: &Runs,
) -> Result<Option<Made>, Unmade> {
    let position = runs.end;
    if place.log.size().map_err(TrailFault::Log)? < position.index {
        return Ok(None);
    }
    let root = place.log.root(position.index).map_err(TrailFault::Log)?;
    let mut readers = Vec::with_capacity(1 + runs.files.len());
    if let Some(segment) = base {
        readers.push(open(place, chain, segment)?);
    }
    for run in &runs.files {
        readers.push(Reader::open(run, Some(chain))?);
    }
    found(place, chain, pace, readers, &place.head(position, root)).map(Some)
}

/// Merges sorted files into a snapshot, reads it back and names it.
pub(in crate::trail) fn found(
    place: &Place,
    chain: &ChainKey,
    pace: &dyn Pace,
    readers: Vec<Reader<'_>>,
    head: &Head,
) -> Result<Made, Unmade> {
    let position = head.position;
    let (beside, path) = (place.beside(position.segment), place.snapshot(position.segment));
    let mut writer = Writer::create(&beside, &*place.media, pace, head)?;
    merge(readers, &mut |key, stored| writer.row(key, Some(stored)))?;
    let written = writer.finish(chain)?;
    let back = read_back(&beside, chain, pace)?;
    if back != (head.clone(), written) {
        let what = "it does not read as it was written";
        let name = format!("{:016x}{SNAPSHOT_ENDING}", position.segment);
        return Err(TrailFault::Snapshot { name, block: 0, what }.into());
    }
    // Only what was read back gets the name that counts.
    place.media.rename(&beside, &path)?;
    Ok(Made { position, written })
}

fn read_back(path: &Path, chain: &ChainKey, pace: &dyn Pace) -> Result<(Head, Written), Unmade> {
    let mut reader = Reader::open(path, Some(chain))?;
    while let Some(rows) = reader.next()? {
        let bytes = rows.iter().map(|(_, stored)| stored.as_ref().map_or(0, |s| s.payload.len()));
        pace.after(bytes.sum::<usize>() as u64)?;
    }
    Ok((reader.head().clone(), reader.finish()?))
}

/// Opens a snapshot and holds its head against the vault and the log.
///
/// # Errors
/// [`TrailFault::Snapshot`] for one of another vault, another log or another place.
pub(in crate::trail) fn open<'a>(
    place: &Place,
    chain: &'a ChainKey,
    segment: u64,
) -> Result<Reader<'a>, TrailFault> {
    let reader = Reader::open(&place.snapshot(segment), Some(chain))?;
    let head = reader.head();
    let Position { index, .. } = head.position;
    if head.content != Content::Snapshot || head.position.segment != segment {
        return Err(reader.damaged("it is not what its name says"));
    }
    // Not by the key of the log: another one may have followed since. The chain's tag and the root tell.
    if head.origin != place.origin {
        return Err(reader.damaged("it is of another vault"));
    }
    if place.log.size().map_err(TrailFault::Log)? < index {
        return Err(reader.damaged("the log does not reach as far as it does"));
    }
    if place.log.root(index).map_err(TrailFault::Log)? != head.root {
        return Err(reader.damaged("it is of another log"));
    }
    Ok(reader)
}

/// Takes away what a crash or a full disk left.
pub(in crate::trail) fn clear(place: &Place) -> Result<(), Unmade> {
    let unreadable = |error| Unmade::Fault(TrailFault::Snapshots(error));
    for file in std::fs::read_dir(&place.directory).map_err(unreadable)? {
        let path: PathBuf = file.map_err(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == "run" || ending == "new") {
            place.media.remove(&path)?;
        }
    }
    Ok(())
}

/// The snapshots that have their name, by the segment with which the journal goes on behind them, ascending.
pub(super) fn kept(directory: &Path) -> Result<Vec<u64>, TrailFault> {
    match numbered(directory, SNAPSHOT_ENDING) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(TrailFault::Snapshots),
    }
}
