//! The subject keys that were wrapped anew since a bulk part was made: without them whoever shares a bucket with somebody erased
//! since would be lost with that bulk part's restore.
//! Never needs a key and never opens one: a wrapped key says which bucket's key it is under, and proves itself when it is restored.
//! What it says is the state at one moment; whoever reads the keyring before and after, and finds it the same, has both of one.

use super::chain::read_list;
use super::create::{BulkSource, Opened, no_frame, open, read_newest};
use super::{BackupError, io_at};
use crate::store::{Key, Op, Stored};
use crate::trail::journal::read_unjudged;
use crate::trail::snapshot::{read_snapshot, snapshot_path};
use gridvault_keys::WrappedUnder;
use gridvault_keys::limits::KEY_PART_BYTES_MAX;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

/// Wrapped keys that find room in a key part, each with its subject and its length.
const ANEW_COUNT_MAX: usize = KEY_PART_BYTES_MAX / 119;
/// The epoch of a bucket whose key was never replaced.
const FIRST_EPOCH: u32 = 1;

/// Wrapped keys by subject id, as they are now, of those that are under a key which replaced another and were stored by an entry
/// from `behind` on.
///
/// # Errors
/// [`BackupError::Destroying`] while keys wait to be destroyed: then nobody may believe that a keyring is without them.
/// [`BackupError::TooManyAnew`] for more than a key part takes. [`BackupError::Refused`] where a bulk part that ends at `behind` would not
/// restore with a header key of now. Else what cannot be read.
pub fn wrapped_anew(
    source: &BulkSource<'_>,
    behind: u64,
) -> Result<BTreeMap<[u8; 16], Vec<u8>>, BackupError> {
    let Opened { snapshot, segments } = open(source)?;
    let mut found = Found {
        behind,
        anew: BTreeMap::new(),
        waiting: BTreeSet::new(),
        too_many: false,
        sealed_anew_at: None,
    };
    if let Some((segment, _)) = snapshot {
        // By its name and not by the open file: one that goes meanwhile is told as what cannot be read, and asked for again.
        let path = snapshot_path(source.snapshots, segment);
        read_snapshot(&path, None, &mut |rows| {
            rows.into_iter().for_each(|(key, stored)| found.row(key, stored));
            Ok(())
        })?;
    }
    let last = segments.len().saturating_sub(1);
    for (at, (segment, mut file)) in segments.into_iter().enumerate() {
        let bytes = match at == last {
            true => read_newest(segment, &file)?,
            false => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map_err(io_at(source.journal))?;
                bytes
            }
        };
        let damaged = read_unjudged(&bytes, segment, at == last, |frame| {
            for (index, (_, ops)) in (frame.first_index..).zip(frame.entries) {
                ops.into_iter().for_each(|op| found.step(index, op));
            }
        });
        if damaged {
            return Err(no_frame(segment));
        }
    }
    if !found.waiting.is_empty() {
        return Err(BackupError::Destroying);
    }
    if behind > 0 && found.sealed_anew_at.is_some_and(|index| index >= behind) {
        return Err(BackupError::Refused(
            "the bulk part is from before everything was sealed under another header key, without which it restores no more: make a newer one",
        ));
    }
    match found.too_many {
        false => Ok(found.anew),
        true => Err(BackupError::TooManyAnew),
    }
}

/// How many entries of this log a bulk part covers, by its own word.
///
/// # Errors
/// [`BackupError::List`]; [`BackupError::Refused`] for a bulk part of another log; or the disk's.
pub fn bulk_size(bulk: &Path, origin: &str) -> Result<u64, BackupError> {
    let list = read_list(bulk)?;
    // Its indexes would say nothing of this log.
    match list.origin == origin {
        true => Ok(list.size),
        false => Err(BackupError::Refused("the bulk part is of another vault")),
    }
}

struct Found {
    behind: u64,
    anew: BTreeMap<[u8; 16], Vec<u8>>,
    /// Erasures whose keys are not destroyed yet.
    waiting: BTreeSet<Key>,
    /// Whether there were more at a time than a key part takes: the rest was not kept, for the sake of the host's memory.
    too_many: bool,
    /// The entry that says that everything is under another header key, if one does.
    sealed_anew_at: Option<u64>,
}

impl Found {
    fn row(&mut self, key: Key, stored: Option<Stored>) {
        match stored {
            Some(stored) => self.put(key, stored.index, stored.payload),
            None => self.delete(&key),
        }
    }

    fn step(&mut self, index: u64, op: Op) {
        match op {
            Op::Put(key, _, payload) => self.put(key, index, payload),
            Op::Delete(key) => self.delete(&key),
        }
    }

    fn put(&mut self, key: Key, index: u64, payload: Vec<u8>) {
        if let Some(subject) = key.subject_of_key() {
            let replaced = WrappedUnder::of(&payload).is_ok_and(|under| under.epoch > FIRST_EPOCH);
            if replaced && index >= self.behind {
                self.too_many |= self.anew.len() >= ANEW_COUNT_MAX;
                if !self.too_many {
                    self.anew.insert(*subject.as_bytes(), payload);
                }
            }
        } else if key.is_sealed_anew() {
            self.sealed_anew_at = Some(index);
        } else if key.waiting_erasure().is_some() {
            self.waiting.insert(key);
        }
    }

    fn delete(&mut self, key: &Key) {
        match key.subject_of_key() {
            Some(subject) => drop(self.anew.remove(subject.as_bytes())),
            None => drop(self.waiting.remove(key)),
        }
    }
}
