//! Writes a file of the snapshot's form, block by block.
//! Never holds more than one block, and never leaves more unsynced than the disk bears while the journal is synced beside it.
//! It counts for nothing until it was read back and got its name.

use super::form::{Content, Counts, Digest, Head, Kind, block, put_row};
use super::pace::{Pace, Unmade};
use crate::limits::{SNAPSHOT_BLOCK_BYTES, SNAPSHOT_SYNC_BYTES};
use crate::store::{Encoder, Key, Stored};
use crate::trail::journal::{Media, Segment};
use gridvault_keys::ChainKey;
use std::path::Path;

/// A file that is being written.
pub(in crate::trail) struct Writer<'a> {
    file: Box<dyn Segment>,
    pace: &'a dyn Pace,
    offset: u64,
    unsynced: u64,
    number: u64,
    previous: Digest,
    counts: Counts,
    rows: Encoder,
    content: Content,
}

/// A file that was written to its end and synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trail) struct Written {
    /// Digest of the last block, which covers every byte of the file.
    pub(in crate::trail) digest: Digest,
    pub(in crate::trail) counts: Counts,
    /// Length of the file.
    pub(in crate::trail) bytes: u64,
}

impl<'a> Writer<'a> {
    /// Begins a file in the place of a left-over one.
    pub(in crate::trail) fn create(
        path: &Path,
        media: &dyn Media,
        pace: &'a dyn Pace,
        head: &Head,
    ) -> Result<Writer<'a>, Unmade> {
        let mut writer = Writer {
            file: media.create(path)?,
            pace,
            offset: 0,
            unsynced: 0,
            number: 0,
            previous: [0; 32],
            counts: Counts::default(),
            rows: Encoder::default(),
            content: head.content,
        };
        writer.block(Kind::Head, &head.encode())?;
        Ok(writer)
    }

    /// Appends a row, whose key comes behind every key before it. A removal has its place in a run alone.
    pub(in crate::trail) fn row(
        &mut self,
        key: &Key,
        stored: Option<&Stored>,
    ) -> Result<(), Unmade> {
        if stored.is_none() && self.content == Content::Snapshot {
            return Ok(());
        }
        put_row(&mut self.rows, key, stored);
        self.counts.rows += 1;
        if self.rows.len() >= SNAPSHOT_BLOCK_BYTES { self.rows_block() } else { Ok(()) }
    }

    /// Writes the end and syncs. A crash before this returns leaves a file without an end, which nobody takes for one.
    pub(in crate::trail) fn finish(mut self, chain: &ChainKey) -> Result<Written, Unmade> {
        if self.rows.len() > 0 {
            self.rows_block()?;
        }
        let end = self.counts.encode(self.number, &self.previous, chain);
        self.block(Kind::End, &end)?;
        self.file.sync()?;
        Ok(Written { digest: self.previous, counts: self.counts, bytes: self.offset })
    }

    fn rows_block(&mut self) -> Result<(), Unmade> {
        let payload = std::mem::take(&mut self.rows).finish();
        self.counts.bytes += payload.len() as u64;
        self.block(Kind::Rows, &payload)
    }

    fn block(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Unmade> {
        let (bytes, digest) = block(kind, self.number, &self.previous, payload);
        self.file.write_at(self.offset, &bytes)?;
        let length = bytes.len() as u64;
        self.offset += length;
        self.unsynced += length;
        self.number += 1;
        self.previous = digest;
        if self.unsynced >= SNAPSHOT_SYNC_BYTES {
            self.file.sync()?;
            self.unsynced = 0;
        }
        self.pace.after(length)
    }
}
