//! One part of the records: how each stands in the store, and how its last entry left it.
//! Never holds more than one part, and of each record two numbers and a digest.
//! Judges records as they were when the round began: what an entry changed since is left to the next round.

use crate::limits::{SCRUB_PART_COUNT, SCRUB_REPORTED_COUNT_MAX};
use crate::trail::ScrubCounts;
use gridvault_audit::verify::{RecordChange, record_changes};
use std::collections::HashMap;

/// Audit handle of a record.
pub(super) type Handle = [u8; 16];

/// How a record stands: which entry changed it last, and what it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) index: u64,
    pub(super) version: u64,
    pub(super) digest: [u8; 32],
}

/// What the last entry of a record did.
#[derive(Clone, Copy)]
enum Logged {
    /// The version is the first record's alone; the digest covers every one's.
    Left {
        index: u64,
        version: Option<u64>,
        digest: [u8; 32],
    },
    Removed {
        index: u64,
    },
}

impl Logged {
    fn index(self) -> u64 {
        match self {
            Logged::Left { index, .. } | Logged::Removed { index } => index,
        }
    }

    /// Whether a row is what this entry left.
    fn left(self, stored: &Stand) -> bool {
        match self {
            Logged::Left { index, version, digest } => {
                let same_version = version.is_none_or(|version| version == stored.version);
                same_version && (index, digest) == (stored.index, stored.digest)
            }
            Logged::Removed { .. } => false,
        }
    }
}

/// What is known of one record.
#[derive(Default)]
struct Known {
    stored: Option<Stand>,
    logged: Option<Logged>,
}

/// What is to be said of one record.
enum Finding {
    AsLeft,
    Postponed,
    Unjudged,
    Changed,
    Missing,
    Unknown,
}

/// What a round found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) counts: ScrubCounts,
    /// Some of those that differ.
    pub(super) handles: Vec<Handle>,
}

impl Verdict {
    /// Takes over what another part found.
    pub(super) fn add(&mut self, other: Verdict) {
        let (ours, theirs) = (&mut self.counts, other.counts);
        ours.judged += theirs.judged;
        ours.postponed += theirs.postponed;
        ours.unjudged += theirs.unjudged;
        ours.changed += theirs.changed;
        ours.missing += theirs.missing;
        ours.unknown += theirs.unknown;
        ours.unreadable += theirs.unreadable;
        self.handles.extend(other.handles);
        self.handles.truncate(SCRUB_REPORTED_COUNT_MAX);
    }
}

/// A part of the records: those whose handle leaves this rest.
pub(super) struct Part {
    number: u64,
    of: u64,
    /// Entries below this index were applied when the round began.
    begun: u64,
    /// The first entry that a row can be held against.
    minimum: u64,
    records: HashMap<Handle, Known>,
    unreadable: u64,
}

impl Part {
    pub(super) fn new(number: u64, of: u64, begun: u64, minimum: u64) -> Part {
        Part { number, of, begun, minimum, records: HashMap::new(), unreadable: 0 }
    }

    fn has(&self, handle: &Handle) -> bool {
        let first = handle.first_chunk().expect("a handle has 16 bytes");
        u64::from_be_bytes(*first) % self.of == self.number
    }

    /// A row of the store.
    pub(super) fn stored(&mut self, handle: Handle, stand: Stand) {
        if self.has(&handle) {
            self.records.entry(handle).or_default().stored = Some(stand);
        }
    }

    /// A row that is none. It names no record, so it belongs to the first part.
    pub(super) fn unreadable(&mut self) {
        self.unreadable += u64::from(self.number == 0);
    }

    /// The log begins here now: it may have been pruned while rows were looked at.
    pub(super) fn begins_at(&mut self, minimum: u64) {
        self.minimum = minimum;
    }

    /// An entry, in the order of the log. One that changes records and does not say how is the verifier's to find; a record that
    /// it left behind differs here.
    pub(super) fn entry(&mut self, index: u64, entry: &[u8]) {
        for RecordChange { handle, version, digest } in record_changes(entry).unwrap_or_default() {
            if !self.has(&handle) {
                continue;
            }
            match digest {
                Some(digest) => {
                    let logged = Logged::Left { index, version, digest };
                    self.records.entry(handle).or_default().logged = Some(logged);
                }
                // Of what is in neither nothing is remembered: the log has many more removed records than the store has rows.
                None if self.records.get(&handle).is_none_or(|known| known.stored.is_none()) => {
                    self.records.remove(&handle);
                }
                None => {
                    self.records.entry(handle).or_default().logged =
                        Some(Logged::Removed { index });
                }
            }
        }
    }

    /// Whether it holds more than it should: the round begins again with smaller parts.
    pub(super) fn is_overfull(&self) -> bool {
        self.records.len() > 2 * SCRUB_PART_COUNT
    }

    /// What came out.
    pub(super) fn judge(self) -> Verdict {
        let mut counts = ScrubCounts { unreadable: self.unreadable, ..ScrubCounts::default() };
        let mut handles = Vec::new();
        for (handle, known) in &self.records {
            let (count, differs) = match self.finding(known) {
                Finding::AsLeft => (&mut counts.judged, false),
                Finding::Postponed => (&mut counts.postponed, false),
                Finding::Unjudged => (&mut counts.unjudged, false),
                Finding::Changed => (&mut counts.changed, true),
                Finding::Missing => (&mut counts.missing, true),
                Finding::Unknown => (&mut counts.unknown, true),
            };
            *count += 1;
            if differs && handles.len() < SCRUB_REPORTED_COUNT_MAX {
                handles.push(*handle);
            }
        }
        Verdict { counts, handles }
    }

    fn finding(&self, known: &Known) -> Finding {
        match (known.stored, known.logged) {
            (Some(stored), Some(logged)) if logged.left(&stored) => Finding::AsLeft,
            (_, Some(logged)) if logged.index() >= self.begun => Finding::Postponed,
            (Some(stored), None) if stored.index < self.minimum => Finding::Unjudged,
            (Some(_), None | Some(Logged::Removed { .. })) => Finding::Unknown,
            (Some(_), Some(Logged::Left { .. })) => Finding::Changed,
            (None, _) => Finding::Missing,
        }
    }
}
