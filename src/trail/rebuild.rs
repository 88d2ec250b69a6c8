//! Makes a store again from the newest snapshot and the journal behind it, into an engine that is still empty.
//! Never touches the store that is there, and never goes past a snapshot or a frame that is not what was written.
//! What is beyond the mark that it leaves, the next start does again: recovery stays the one way into store and log.

use super::integrate::LogSigner;
use super::journal::{Media, Position, replay};
use super::recover::{self, Mark, write_mark};
use super::snapshot::{Place, newest, open};
use super::{Settings, TrailFault};
use crate::store::{Applier, Key, Op, Stored, SystemKey};
use gridvault_audit::LogReader;
use gridvault_keys::Keyring;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// What a store is made again of.
pub struct Rebuilding<'a> {
    /// Journal and log.
    pub settings: &'a Settings,
    /// Directory of the snapshots.
    pub snapshots: &'a Path,
    /// The snapshot to begin with, by its segment; the newest without one.
    pub from: Option<u64>,
    /// The chain's key and the log's.
    pub keyring: &'a Keyring,
    /// The disk.
    pub media: Arc<dyn Media>,
}

/// What a store was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuilt {
    /// The snapshot holds what the entries below this index made; 0 where there was none.
    pub snapshot: u64,
    /// Rows that came from it.
    pub rows: u64,
    /// Frames of the journal behind it.
    pub frames: u64,
    /// Entries of the journal.
    pub entries: u64,
}

/// Holds the log against what a store that was left open still says of it, before anything is made in its place.
///
/// # Errors
/// [`TrailFault::Behind`] and [`TrailFault::Forked`] where the log is an older one or another.
pub fn hold_in_doubt(
    settings: &Settings,
    keyring: &Keyring,
    told: &Stored,
) -> Result<(), TrailFault> {
    let signer = LogSigner::of(&settings.origin, keyring);
    recover::hold_in_doubt(&settings.log_directory, told, &signer)
}

/// Fills an empty store and flushes it. The mark is moved back to the snapshot before this returns, so that the next start
/// begins there, over the old store or the new.
///
/// # Errors
/// [`TrailFault::Snapshot`] and [`TrailFault::Corrupt`] say what is damaged and where; [`TrailFault::Log`] when the vault serves.
pub fn rebuild(applier: Applier, rebuilding: &Rebuilding<'_>) -> Result<Rebuilt, TrailFault> {
    let mut applier = applier;
    let Rebuilding { settings, snapshots, from, keyring, media } = rebuilding;
    let Settings { journal_directory: journal, log_directory, origin, .. } = settings;
    let chain = keyring.chain();
    let signer = LogSigner::of(origin, keyring);
    // Held to the end: it is the lock that keeps a serving vault away.
    let log = recover::open_log(log_directory, &signer, false, Box::new(|| false))?;
    let place = Place {
        directory: snapshots.to_path_buf(),
        journal: journal.clone(),
        media: media.clone(),
        log: LogReader::open(log_directory, origin).map_err(TrailFault::Log)?,
        origin: origin.clone(),
        log_key: keyring.log_signer().public_key(),
    };
    // What was flushed before the mark moved was in journal and log before that.
    let Mark { position: marked, kept: flushed } = recover::read_mark(journal, &chain)?;
    let (mut position, mut rows) = (Position::START, 0);
    let from = from.map_or_else(|| newest(snapshots), |from| Ok(Some(from)))?;
    if let Some(segment) = from {
        let mut reader = open(&place, &chain, segment)?;
        position = reader.head().position;
        while let Some(block) = reader.next()? {
            rows += block.len() as u64;
            let steps: Vec<(u64, Op)> = block
                .into_iter()
                .filter_map(|(key, stored)| {
                    let stored = stored?;
                    Some((stored.index, Op::Put(key, stored.version, stored.payload)))
                })
                .collect();
            applier.apply(steps.iter().map(|(index, op)| (*index, op)))?;
        }
    }
    let replayed = replay(journal, &chain, position, |frame| {
        let steps = frame.entries.iter().zip(frame.first_index..);
        applier.apply(steps.flat_map(|((_, ops), index)| ops.iter().map(move |op| (index, op))))?;
        Ok(())
    })?;
    let end = replayed.end.index;
    if log.size() > end {
        return Err(TrailFault::JournalBehind { journal: end, log: log.size() });
    }
    if end < marked.index {
        let who = "the mark of the journal".to_owned();
        return Err(TrailFault::Behind { who, size: end, seen: marked.index });
    }
    let kept = applier.version(&Key::system(SystemKey::Checkpoint))?;
    if kept < flushed {
        return Err(TrailFault::StoreBehind { store: kept.0, flushed: flushed.0 });
    }
    applier.flusher().flush()?;
    // A crash behind this leaves the old store under a mark from which everything is done again, or one that is refused because
    // it knows less of the log than the mark says.
    write_mark(journal, &chain, &Mark { position, kept })?;
    Ok(Rebuilt { snapshot: position.index, rows, frames: replayed.frames, entries: end })
}
