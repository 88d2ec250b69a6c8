//! The search index of the log: which entries have which actor, record, area, purpose, outcome, rule and so on.
//! Never a source of truth and never in a request's way: it is made from the published log by a thread of its own.
//! It can be deleted at any time, holds no more memory than its newest part and the tables of its segments, and says how far it is.

mod error;
mod gathering;
mod keeper;
mod postings;
mod search;
mod segment;
mod term;

pub use error::IndexError;
pub use search::{Places, Wanted};
pub use term::{Clause, Kind};

use super::follower::{Signals, Thread};
use crate::limits::{SEARCH_LOOKS_COUNT_MAX, SEARCHES_COUNT_MAX};
use gathering::Gathering;
use gridvault_audit::LogReader;
use keeper::Keeper;
use segment::Segment;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The index. Cheap to clone; its thread ends with the last clone.
#[derive(Clone)]
pub struct Index {
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    thread: Arc<Thread>,
}

/// How far the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexState {
    /// Entries that can be found: all below this index.
    pub indexed: u64,
    /// Time of the last of them, in microseconds since 1970.
    pub through: Option<u64>,
    /// Files that it consists of.
    pub segments: usize,
    /// Their length, in bytes.
    pub bytes: u64,
    /// Whether it is being made again from the first entry on.
    pub rebuilding: bool,
    /// Whether segments are being merged.
    pub merging: bool,
    /// Whether its last step failed, which is tried again; or its thread is no more.
    pub failing: bool,
}

/// Where the index lies and what it is made of.
pub struct IndexSettings {
    /// Its own directory; whatever lies in it may be deleted.
    pub directory: PathBuf,
    /// The log.
    pub log: LogReader,
    /// Whether there is room on the disk for something that can be made again.
    pub has_room: Box<dyn Fn() -> bool + Send>,
}

struct Shared {
    parts: RwLock<Parts>,
    signals: Arc<Signals>,
    rebuilding: AtomicBool,
    merging: AtomicBool,
    unreadable: AtomicU64,
}

/// Segments in the order of the log without a gap, and what follows them.
struct Parts {
    segments: Arc<Vec<Arc<Segment>>>,
    newest: Gathering,
}

/// What a search looks through: nothing in it changes any more.
struct Snapshot {
    segments: Arc<Vec<Arc<Segment>>>,
    /// First index of what is in no segment.
    first: u64,
    times: Vec<u64>,
    /// Its places, term by term as they were wanted.
    lists: Vec<Vec<u32>>,
}

impl Index {
    /// Starts the thread that opens the index and keeps it up with the log.
    ///
    /// # Errors
    /// Where no thread can be started; what is wrong with the index itself is put right or said in [`Index::state`].
    pub fn start(settings: IndexSettings) -> Result<Index, IndexError> {
        let parts = Parts { segments: Arc::default(), newest: Gathering::new(0) };
        let shared = Arc::new(Shared {
            parts: RwLock::new(parts),
            signals: Arc::default(),
            rebuilding: AtomicBool::new(false),
            merging: AtomicBool::new(false),
            unreadable: AtomicU64::new(0),
        });
        let keeper = Keeper::new(settings, shared.clone());
        let thread = Thread::start("index", shared.signals.clone(), keeper)?;
        let places = Arc::new(Semaphore::new(SEARCHES_COUNT_MAX));
        Ok(Index { shared, places, thread: Arc::new(thread) })
    }

    /// Waits for a place: few look at a time, so that what they hold is bounded and requests keep their processors.
    pub(super) async fn place(&self) -> OwnedSemaphorePermit {
        let place = self.places.clone().acquire_owned().await;
        place.expect("the places of an index are never closed")
    }

    /// How far it is.
    pub fn state(&self) -> IndexState {
        let parts = self.shared.parts.read().unwrap_or_else(PoisonError::into_inner);
        let last = parts.segments.last();
        let stored = last.map(|segment| segment.span().1);
        IndexState {
            indexed: parts.newest.end(),
            through: parts.newest.times.last().copied().or(stored),
            segments: parts.segments.len(),
            bytes: parts.segments.iter().map(|segment| segment.bytes()).sum(),
            // In this order: the keeper shows the one before it takes the other.
            rebuilding: self.shared.signals.begins_again()
                || self.shared.rebuilding.load(Ordering::Acquire),
            merging: self.shared.merging.load(Ordering::Acquire),
            failing: self.shared.signals.is_failing(),
        }
    }

    /// Entries of the log that were no entries and are found by nothing.
    pub fn unreadable_count(&self) -> u64 {
        self.shared.unreadable.load(Ordering::Acquire)
    }

    /// Throws the index away and makes it again from the log. Until it is there, a search finds what is indexed so far.
    pub fn rebuild(&self) {
        self.thread.begin_again();
    }

    /// The places of a page of entries that have every clause. Each must still be compared with the entry itself.
    ///
    /// Blocks while it reads; its looks are bounded.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged.
    pub fn search(&self, clauses: &[Clause], mut wanted: Wanted) -> Result<Places, IndexError> {
        wanted.terms = clauses.iter().map(Clause::term).collect();
        let snapshot = {
            let parts = self.shared.parts.read().unwrap_or_else(PoisonError::into_inner);
            let newest = &parts.newest;
            Snapshot {
                segments: parts.segments.clone(),
                first: newest.first,
                times: newest.times.clone(),
                lists: wanted.terms.iter().map(|term| newest.places(*term)).collect(),
            }
        };
        search::search(&snapshot, &wanted).inspect_err(|error| {
            // What is derived is not mourned: it is made again, and this one question has no answer.
            if matches!(error, IndexError::Damaged) {
                self.rebuild();
            }
        })
    }
}

impl Wanted {
    /// Whatever lies between two indexes.
    pub fn within(within: Range<u64>, newest_first: bool, limit: usize) -> Wanted {
        Wanted {
            terms: Vec::new(),
            since: None,
            until: None,
            within,
            newest_first,
            limit,
            looks: SEARCH_LOOKS_COUNT_MAX,
        }
    }
}

#[cfg(test)]
mod tests;
