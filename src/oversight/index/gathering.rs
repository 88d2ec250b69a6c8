//! The newest entries, which are in no segment yet: in memory, and read from the log again after a crash.
//! Never longer than a segment may be, so a start has little to read and a search little to look through.
//! It holds what a segment holds, as pairs of term and place in the order of the log.

use super::super::entry::LogEntry;
use super::error::IndexError;
use super::segment::{Segment, Writer};
use super::term::{each_value, term};
use crate::limits::{INDEX_SEGMENT_ENTRIES_MAX, INDEX_SEGMENT_PAIRS_MAX};
use gridvault_audit::leaf_hash;
use std::path::Path;

/// Entries from `first` on.
pub(super) struct Gathering {
    pub(super) first: u64,
    pub(super) times: Vec<u64>,
    pairs: Vec<(u64, u32)>,
    /// The last entry, as the log has it.
    last: Vec<u8>,
}

impl Gathering {
    pub(super) fn new(first: u64) -> Gathering {
        Gathering { first, times: Vec::new(), pairs: Vec::new(), last: Vec::new() }
    }

    /// The index after the last entry.
    pub(super) fn end(&self) -> u64 {
        self.first + self.times.len() as u64
    }

    pub(super) fn is_full(&self) -> bool {
        self.times.len() >= INDEX_SEGMENT_ENTRIES_MAX || self.pairs.len() >= INDEX_SEGMENT_PAIRS_MAX
    }

    /// Adds the next entry. One that is no entry is found by nothing; false says so.
    pub(super) fn add(&mut self, bytes: &[u8]) -> bool {
        let place = self.times.len() as u32;
        bytes.clone_into(&mut self.last);
        let entry = LogEntry::parse(bytes);
        self.times.push(entry.as_ref().map_or(0, |entry| entry.t));
        if let Some(entry) = &entry {
            each_value(entry, |kind, value| self.pairs.push((term(kind, value), place)));
        }
        entry.is_some()
    }

    /// The places of a term, ascending.
    pub(super) fn places(&self, term: u64) -> Vec<u32> {
        let mut places: Vec<u32> =
            self.pairs.iter().filter(|(own, _)| *own == term).map(|(_, place)| *place).collect();
        places.dedup();
        places
    }

    /// Writes it as a segment. It is not synced: after a power cut its digest tells, and the log has it all.
    pub(super) fn write(&self, directory: &Path) -> Result<Segment, IndexError> {
        let mut pairs = self.pairs.clone();
        pairs.sort_unstable();
        pairs.dedup();
        let mut writer = Writer::create(directory, self.first, self.times.clone())?;
        let mut values = Vec::new();
        for run in pairs.chunk_by(|one, other| one.0 == other.0) {
            values.clear();
            values.extend(run.iter().map(|(_, place)| *place));
            writer.list(run[0].0, &values)?;
        }
        writer.finish(leaf_hash(&self.last), false)
    }
}
