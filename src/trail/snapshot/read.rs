//! Reads a file of the snapshot's form, block by block, and compares every digest before it gives a row.
//! Never holds more than one block, and never gives rows that do not come in order.
//! What was read counts only when the end was reached: the end says how much there was, under this vault's key.

use super::form::{
    BlockHeader, Content, Counts, DIGEST_BYTES, Digest, HEADER_BYTES, Head, Kind, Row,
    block_header, rows, sha256,
};
use super::write::Written;
use crate::files::open_on_disk;
use crate::store::Key;
use crate::trail::TrailFault;
use gridvault_keys::ChainKey;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read as _};
use std::path::Path;

/// A file that is being read.
pub(in crate::trail) struct Reader<'a> {
    file: BufReader<File>,
    name: String,
    /// None where whoever reads has no keys: then the tag is not judged.
    chain: Option<&'a ChainKey>,
    head: Head,
    number: u64,
    previous: Digest,
    counts: Counts,
    bytes: u64,
    last: Option<Key>,
    ended: bool,
}

impl<'a> Reader<'a> {
    /// Opens a file and reads its head.
    ///
    /// # Errors
    /// [`TrailFault::Snapshot`] for bytes that are not what was written, else the disk's.
    pub(in crate::trail) fn open(
        path: &Path,
        chain: Option<&'a ChainKey>,
    ) -> Result<Reader<'a>, TrailFault> {
        let file = open_on_disk(path).map_err(TrailFault::Snapshots)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut reader = Reader {
            file: BufReader::new(file),
            name: name.unwrap_or_default(),
            chain,
            head: Head::nothing(),
            number: 0,
            previous: [0; 32],
            counts: Counts::default(),
            bytes: 0,
            last: None,
            ended: false,
        };
        match reader.block()? {
            (Kind::Head, payload) => {
                reader.head = Head::decode(&payload).map_err(|what| reader.damaged(what))?;
            }
            _ => return Err(reader.damaged("it does not begin with a head")),
        }
        Ok(reader)
    }

    pub(in crate::trail) fn head(&self) -> &Head {
        &self.head
    }

    /// The rows of the next block; nothing behind the end, which was then found to be right.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub(in crate::trail) fn next(&mut self) -> Result<Option<Vec<Row>>, TrailFault> {
        if self.ended {
            return Ok(None);
        }
        let before = self.previous;
        let (kind, payload) = self.block()?;
        match kind {
            Kind::Head => Err(self.damaged("it has a second head")),
            Kind::End => {
                let blocks = self.number - 1;
                let found = self.counts.check(&payload, blocks, &before, self.chain);
                found.map_err(|what| self.damaged(what))?;
                let mut rest = [0];
                if self.file.read(&mut rest).map_err(TrailFault::Snapshots)? > 0 {
                    return Err(self.damaged("something lies behind its end"));
                }
                self.ended = true;
                Ok(None)
            }
            Kind::Rows => {
                let rows = rows(&payload, self.head.content);
                let rows = rows.map_err(|_| self.damaged("rows do not read"))?;
                for (key, _) in &rows {
                    if self.last.as_ref().is_some_and(|last| last >= key) {
                        return Err(self.damaged("rows are out of order"));
                    }
                    self.last = Some(key.clone());
                }
                self.counts.rows += rows.len() as u64;
                self.counts.bytes += payload.len() as u64;
                Ok(Some(rows))
            }
        }
    }

    /// Reads what is left, and gives what the whole file is.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub(in crate::trail) fn finish(mut self) -> Result<Written, TrailFault> {
        while self.next()?.is_some() {}
        Ok(Written { digest: self.previous, counts: self.counts, bytes: self.bytes })
    }

    /// What it holds is not what it should be.
    pub(super) fn damaged(&self, what: &'static str) -> TrailFault {
        TrailFault::Snapshot { name: self.name.clone(), block: self.number, what }
    }

    fn block(&mut self) -> Result<(Kind, Vec<u8>), TrailFault> {
        let mut header = [0; HEADER_BYTES];
        self.fill(&mut header)?;
        let BlockHeader { kind, length } = block_header(&header, self.number, &self.previous)
            .map_err(|what| self.damaged(what))?;
        let mut whole = vec![0; HEADER_BYTES + length];
        whole[..HEADER_BYTES].copy_from_slice(&header);
        self.fill(&mut whole[HEADER_BYTES..])?;
        let mut digest = [0; DIGEST_BYTES];
        self.fill(&mut digest)?;
        if sha256(&whole) != digest {
            return Err(self.damaged("a block is not the one that was written"));
        }
        self.bytes += (whole.len() + DIGEST_BYTES) as u64;
        self.number += 1;
        self.previous = digest;
        Ok((kind, whole.split_off(HEADER_BYTES)))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), TrailFault> {
        match self.file.read_exact(bytes) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(self.damaged("it ends before its end"))
            }
            Err(error) => Err(TrailFault::Snapshots(error)),
        }
    }
}

impl Head {
    /// Stands where no head was read yet.
    fn nothing() -> Head {
        Head {
            content: Content::Snapshot,
            origin: String::new(),
            log_key: [0; 32],
            position: super::super::journal::Position::START,
            root: [0; 32],
        }
    }
}
