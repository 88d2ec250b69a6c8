//! A record as it came out of the store, still closed.
//! Never holds an opened byte; only `seal` can look inside.
//! It remembers which version it is and when it was read, so that a stale look is noticed later.

use super::row::{self, RowOrTombstone};
use super::{Bytes, Expect, Key, Reader, Row, StoreError, Tombstone, Version};
use crate::records::{Owner, RecordId, RecordRef, SubjectId, Target};

/// A closed record. Has no `Clone`: a proof owns its target.
pub struct Sealed {
    row: Row,
    header_bytes: Bytes,
    /// Where the wrapped keys of its subjects lie.
    pub(super) reader: Reader,
    version: Version,
    index: u64,
    stamp: u64,
    about: [RecordRef; 1],
}

impl Sealed {
    /// The row.
    pub fn row(&self) -> &Row {
        &self.row
    }

    /// The header as it is stored: what authenticates the attributes.
    pub fn header_bytes(&self) -> &[u8] {
        &self.header_bytes
    }

    /// The version that the store held.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Index of the entry that wrote it.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Its key in the change feed, which goes with the next change.
    pub fn feed_key(&self) -> Key {
        Key::change(self.row.header.cell, self.index, self.row.header.id)
    }

    /// Sealed bytes that it holds: attributes and sections.
    pub fn size_bytes(&self) -> usize {
        let sections = self.row.sections.iter().map(|section| section.bytes.len());
        self.row.attributes.len() + sections.sum::<usize>()
    }

    /// The wrapped key of a subject, as it lies in the store now; nothing for one that was erased. Looked for when the
    /// record is opened, and not before: most keys are held unwrapped by then, and a refusal needs none.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub fn wrapped_key(&self, subject: SubjectId) -> Result<Option<Vec<u8>>, StoreError> {
        let stored = self.reader.shared.engine.get(&Key::subject_key(subject))?;
        Ok(stored.map(|stored| stored.payload))
    }

    /// The store that it came out of.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The record and its type.
    pub(super) fn about(&self) -> RecordRef {
        self.about[0]
    }

    /// What was looked at, as proofs name it.
    pub(super) fn as_seen(&self) -> (RecordId, u64, u64) {
        (self.row.header.id, self.version.0, self.stamp)
    }

    /// What a decision over this record relies on.
    pub fn expect(&self) -> Expect {
        Expect { key: Key::row(self.row.header.id), version: self.version, stamp: self.stamp }
    }
}

impl Target for Sealed {
    fn records(&self) -> &[RecordRef] {
        &self.about
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        vec![self.as_seen()]
    }

    fn owns(&self, owner: Owner) -> bool {
        owner == Owner::Record(self.row.header.id)
    }
}

/// What lies under a record id.
pub enum Fetched {
    /// A record.
    Found(Sealed),
    /// A record was here; its last version, and the index of the entry that removed it.
    Erased(Tombstone, Version, u64),
    /// Nothing.
    Missing,
}

impl Reader {
    /// Fetches a record: one engine read, and another one once the header key was followed by another. Its attributes are those that open
    /// now, wherever they lie.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a row is malformed or lies under another record's key.
    pub async fn fetch(&self, id: RecordId) -> Result<Fetched, StoreError> {
        let stamp = self.stamp();
        // In front of the row: those of the row that is found then, or of one before it.
        let moved = self.moved_attributes(id)?;
        let Some((version, index, payload)) = self.shared.engine.get_shared(&Key::row(id))? else {
            return Ok(Fetched::Missing);
        };
        let found = row::decode(&payload).map(|found| found.with(moved, version));
        let (row, header_bytes) = match found {
            Ok(RowOrTombstone::Row(row, header)) if row.header.id == id => (row, header),
            Ok(RowOrTombstone::Tombstone(tombstone)) if tombstone.id == id => {
                return Ok(Fetched::Erased(tombstone, version, index));
            }
            _ => return Err(StoreError::Corrupt { what: "row" }),
        };
        let about = [RecordRef { id, record_type: row.header.record_type }];
        Ok(Fetched::Found(Sealed {
            row,
            header_bytes,
            reader: self.clone(),
            version,
            index,
            stamp,
            about,
        }))
    }
}
