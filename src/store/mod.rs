//! Keeps sealed bytes in one ordered key space and hands them out again.
//! Never sees a key of the key hierarchy, a plain value or a decision; sled is named here and nowhere else.
//! Every stored value names its version and the log entry that wrote it, and only the [`Applier`] writes.

mod attributes;
mod bytes;
mod codec;
mod done;
mod engine;
mod error;
mod feed;
mod key;
mod left_open;
mod page;
mod person;
mod row;
mod sealed;
mod term;
mod unsynced;

pub use attributes::{sealed_by_header, without_moved_attributes};
pub use bytes::Bytes;
pub use codec::{Decoder, Encoder, Malformed};
pub use done::{Captured, CapturedPerson, Done, Outcome, StoredPerson};
pub use engine::EngineKind;
pub use error::StoreError;
pub use feed::{Changes, FeedPlace, feed};
pub use key::{ControlKind, Key, SystemKey};
pub use page::{Page, listing};
pub use person::RecordsOf;
pub use row::{Header, Row, SealedSection, Tombstone};
pub use sealed::{Fetched, Sealed};
pub use term::{MovedTerms, term_epoch, term_value};

use engine::Engine;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The version of a stored value; 0 says that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

impl Version {
    /// Nothing is stored under the key.
    pub const ABSENT: Version = Version(0);

    /// The version after this one.
    pub fn next(self) -> Version {
        Version(self.0 + 1)
    }
}

/// A value as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Counts up with each change of this key.
    pub version: Version,
    /// Index of the log entry that wrote it.
    pub index: u64,
    /// Sealed or public bytes; never a resident's value in clear.
    pub payload: Vec<u8>,
}

/// One absolute step of a change, so that replaying it any number of times gives the same store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// The key holds these bytes at this version afterwards.
    Put(Key, Version, Vec<u8>),
    /// The key holds nothing afterwards.
    Delete(Key),
}

impl Op {
    /// The key that the step is about.
    pub fn key(&self) -> &Key {
        match self {
            Op::Put(key, ..) | Op::Delete(key) => key,
        }
    }

    /// The version that the key has afterwards.
    pub fn version_after(&self) -> Version {
        match self {
            Op::Put(_, version, _) => *version,
            Op::Delete(_) => Version::ABSENT,
        }
    }
}

/// What a change relies on: this key still has this version.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The key that was looked at.
    pub key: Key,
    /// The version that was seen.
    pub version: Version,
    /// [`Reader::stamp`] taken before the look.
    pub stamp: u64,
}

/// Steps that happen together or not at all, and what they rely on.
#[derive(Default)]
pub struct Change {
    /// The steps, in order.
    pub ops: Vec<Op>,
    /// What must still be so when the change is sequenced.
    pub expects: Vec<Expect>,
}

impl Change {
    /// Puts a value under a key that must not exist yet.
    pub fn put_new(&mut self, key: Key, payload: Vec<u8>) {
        self.expects.push(Expect { key: key.clone(), version: Version::ABSENT, stamp: 0 });
        self.ops.push(Op::Put(key, Version(1), payload));
    }

    /// Takes over the steps of another change, and what they rely on.
    pub fn append(&mut self, other: Change) {
        self.ops.extend(other.ops);
        self.expects.extend(other.expects);
    }

    /// Bytes that the steps bring into the journal.
    pub fn size_bytes(&self) -> usize {
        self.ops
            .iter()
            .map(|op| match op {
                Op::Put(key, _, payload) => key.as_bytes().len() + payload.len() + 24,
                Op::Delete(key) => key.as_bytes().len() + 24,
            })
            .sum()
    }
}

/// Opens the store in `directory` and takes its lock, so that a second open fails.
///
/// Only the command line calls this; the [`Applier`] goes to the trail and to nobody else.
///
/// # Errors
/// [`StoreError::Locked`] when another process has it, else what the engine says.
pub fn open(
    directory: &Path,
    kind: EngineKind,
    cache_bytes: u64,
) -> Result<(Reader, Applier), StoreError> {
    let engine = Engine::open(directory, kind, cache_bytes)?;
    let (applied, through) = (AtomicU64::new(1), AtomicU64::new(0));
    let begun = AtomicU64::new(1);
    let moved = engine.scan(&Key::moved_attributes_prefix(), None, 1)?;
    let has_moved_attributes = AtomicBool::new(!moved.is_empty());
    let shared = Arc::new(Shared { engine, applied, begun, through, has_moved_attributes });
    Ok((Reader { shared: shared.clone() }, Applier { shared }))
}

/// What a store that was left open says under one key, as far as it still opens: it may lack rows, and what is there was written.
pub fn told_in_doubt(directory: &Path, key: &Key, cache_bytes: u64) -> Option<Stored> {
    let engine = Engine::open_in_doubt(directory, cache_bytes).ok()?;
    engine.get(key).ok().flatten()
}

/// What readers and the applier have in common.
struct Shared {
    engine: Engine,
    applied: AtomicU64,
    /// The same number as soon as a group begins to be applied: where the two are equal none is.
    begun: AtomicU64,
    /// Everything of the entries below this index is applied.
    through: AtomicU64,
    /// Whether attributes of any row were sealed anew and lie beside it.
    has_moved_attributes: AtomicBool,
}

impl Shared {
    fn has_moved_attributes(&self) -> bool {
        self.has_moved_attributes.load(Ordering::Acquire)
    }
}

/// Reads the store. Cheap to clone; any number may read while one [`Applier`] writes.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

impl Reader {
    /// A number that grows with every applied group. What is read after taking it is at least as new.
    pub fn stamp(&self) -> u64 {
        self.shared.applied.load(Ordering::Acquire)
    }

    /// [`Reader::stamp`] at a moment at which no group is being applied; nothing while one is. What is read between two equal ones is the
    /// store at one moment: no write came between.
    pub fn settled(&self) -> Option<u64> {
        let applied = self.shared.applied.load(Ordering::Acquire);
        (self.shared.begun.load(Ordering::Acquire) == applied).then_some(applied)
    }

    /// Everything of the entries below this index is applied.
    pub fn applied_index(&self) -> u64 {
        self.shared.through.load(Ordering::Acquire)
    }

    /// The value under a key.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a value that is too short to be one, else the engine's.
    pub async fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        self.shared.engine.get(key)
    }

    /// Up to `limit` pairs whose keys start with `prefix`, in order, beginning after `after`.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub async fn scan(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, Stored)>, StoreError> {
        self.shared.engine.scan(prefix, after, limit)
    }
}

/// Writes the store. There is one, it belongs to the trail, and it has no `Clone`.
pub struct Applier {
    shared: Arc<Shared>,
}

impl Applier {
    /// Applies steps that are already durable in the journal, naming the entry that wrote them.
    /// Readers see them when this returns. Not durable by itself.
    ///
    /// # Errors
    /// The engine's; the caller must then stop, and the journal makes the store whole at the next start.
    pub fn apply<'a>(
        &mut self,
        steps: impl IntoIterator<Item = (u64, &'a Op)>,
    ) -> Result<(), StoreError> {
        // Never taken back where a step fails: the store is at no moment's state then, and the caller stops.
        self.shared.begun.fetch_add(1, Ordering::AcqRel);
        let mut next = 0;
        for (index, op) in steps {
            next = index + 1;
            match op {
                Op::Put(key, version, payload) => {
                    if key.is_moved_attributes() {
                        self.shared.has_moved_attributes.store(true, Ordering::Release);
                    }
                    self.shared.engine.put(key, *version, index, payload)?;
                }
                Op::Delete(key) => self.shared.engine.delete(key)?,
            }
        }
        self.applied_through(next);
        self.shared.applied.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Says that everything of the entries below this index is applied, as recovery knows it.
    pub fn applied_through(&mut self, index: u64) {
        self.shared.through.fetch_max(index, Ordering::AcqRel);
    }

    /// The version under a key, for the sequencing of a group.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub fn version(&self, key: &Key) -> Result<Version, StoreError> {
        Ok(self.shared.engine.get(key)?.map_or(Version::ABSENT, |stored| stored.version))
    }

    /// The value under a key. Start-up only.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        self.shared.engine.get(key)
    }

    /// Every pair under a prefix, for what the trail counts in memory. Start-up only.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub fn scan(&self, prefix: &Key) -> Result<Vec<(Key, Stored)>, StoreError> {
        self.shared.engine.scan(prefix, None, usize::MAX)
    }

    /// The same number as [`Reader::stamp`].
    pub fn stamp(&self) -> u64 {
        self.shared.applied.load(Ordering::Acquire)
    }

    /// A handle that makes applied steps durable from another thread.
    pub fn flusher(&self) -> Flusher {
        Flusher { shared: self.shared.clone() }
    }
}

/// Makes what was applied durable, off the request path.
pub struct Flusher {
    shared: Arc<Shared>,
}

impl Flusher {
    /// The version under a key now: what is flushed after this call is at least as new.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub fn version(&self, key: &Key) -> Result<Version, StoreError> {
        Ok(self.shared.engine.get(key)?.map_or(Version::ABSENT, |stored| stored.version))
    }

    /// Returns once everything applied before the call is on the disk.
    ///
    /// # Errors
    /// The engine's or the disk's; never to be retried.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.shared.engine.flush()
    }
}

#[cfg(test)]
mod tests;
