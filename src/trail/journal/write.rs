//! Appends frames and changes segments when one is full.
//! Never has two unsynced frames, and never retries a failed write or sync.
//! The next segment is zero-filled ahead of need by a thread of its own.

use super::frame::AROUND_BYTES_MAX;
use super::media::{Media, Segment};
use super::{FrameBuilder, Position, SEGMENT_HEADER_BYTES, segment_path};
use crate::trail::TrailFault;
use gridvault_keys::ChainKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

const MAGIC: &[u8; 8] = b"GVJRNL01";

type Prepared = JoinHandle<std::io::Result<Box<dyn Segment>>>;

/// The writing end of the journal. There is one, and the committer has it.
pub(in crate::trail) struct Writer {
    directory: PathBuf,
    media: Arc<dyn Media>,
    chain: ChainKey,
    segment_bytes: u64,
    current: Box<dyn Segment>,
    at: Position,
    prepared: Option<Prepared>,
}

impl Writer {
    /// Goes on at a position that recovery found, or begins the first segment.
    pub(in crate::trail) fn open(
        directory: &Path,
        media: Arc<dyn Media>,
        chain: ChainKey,
        segment_bytes: u64,
        at: Position,
    ) -> Result<Writer, TrailFault> {
        let path = segment_path(directory, at.segment);
        let current = if path.exists() {
            media.open(&path).map_err(TrailFault::Journal)?
        } else {
            let fresh = media
                .allocate(&spare_path(directory), segment_bytes)
                .map_err(TrailFault::Journal)?;
            name_segment(&*media, directory, fresh, &chain, &at)?
        };
        let directory = directory.to_owned();
        Ok(Writer { directory, media, chain, segment_bytes, current, at, prepared: None })
    }

    /// Where the next frame goes.
    pub(in crate::trail) fn position(&self) -> Position {
        self.at
    }

    /// Makes a group durable. When this returns, data and entries are on the disk together.
    ///
    /// A crash before the sync ends leaves a torn last frame, which recovery cuts: nothing of it was
    /// acknowledged. A crash after it leaves a frame that recovery applies.
    pub(in crate::trail) fn append(
        &mut self,
        frame: FrameBuilder,
        entries: u64,
    ) -> Result<Position, TrailFault> {
        let needed = frame.payload_bytes() as u64 + AROUND_BYTES_MAX;
        if self.at.offset + needed > self.segment_bytes {
            self.roll()?;
        }
        let path = segment_path(&self.directory, self.at.segment);
        if !self.current.is_still(&path).map_err(TrailFault::Journal)? {
            return Err(TrailFault::Replaced);
        }
        let (bytes, tag) =
            frame.finish(&self.chain, self.at.segment, self.at.index, &self.at.previous);
        self.current.write_at(self.at.offset, &bytes).map_err(TrailFault::Journal)?;
        self.current.sync().map_err(TrailFault::Journal)?;
        self.at.offset += bytes.len() as u64;
        self.at.index += entries;
        self.at.previous = tag;
        self.prepare_ahead();
        Ok(self.at)
    }

    fn roll(&mut self) -> Result<(), TrailFault> {
        let fresh = match self.prepared.take() {
            Some(prepared) => prepared.join().map_err(|_| TrailFault::Thread)?,
            None => self.media.allocate(&spare_path(&self.directory), self.segment_bytes),
        }
        .map_err(TrailFault::Journal)?;
        self.at.segment += 1;
        self.at.offset = SEGMENT_HEADER_BYTES;
        self.current = name_segment(&*self.media, &self.directory, fresh, &self.chain, &self.at)?;
        Ok(())
    }

    fn prepare_ahead(&mut self) {
        if self.prepared.is_none() && self.at.offset * 2 > self.segment_bytes {
            let (media, path) = (self.media.clone(), spare_path(&self.directory));
            let length = self.segment_bytes;
            self.prepared = Some(std::thread::spawn(move || media.allocate(&path, length)));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread writes to a file that the next writer takes for its own.
        if let Some(prepared) = self.prepared.take() {
            let _unused = prepared.join();
        }
    }
}

fn spare_path(directory: &Path) -> PathBuf {
    directory.join("spare")
}

/// Writes the header and gives the file its name. A crash between the two leaves an unnamed spare, which
/// the next allocation overwrites.
fn name_segment(
    media: &dyn Media,
    directory: &Path,
    mut fresh: Box<dyn Segment>,
    chain: &ChainKey,
    at: &Position,
) -> Result<Box<dyn Segment>, TrailFault> {
    fresh.write_at(0, &header(chain, at)).map_err(TrailFault::Journal)?;
    fresh.sync().map_err(TrailFault::Journal)?;
    media
        .rename(&spare_path(directory), &segment_path(directory, at.segment))
        .map_err(TrailFault::Journal)?;
    Ok(fresh)
}

/// Magic 8, suite u8, zeros 7, segment u64, first index u64, previous tag 32, tag 32, zeros to 128.
pub(super) fn header(chain: &ChainKey, at: &Position) -> Vec<u8> {
    let mut header = Vec::with_capacity(128);
    header.extend_from_slice(MAGIC);
    header.push(gridvault_keys::Suite::Aes256GcmSha256Ed25519 as u8);
    header.extend_from_slice(&[0; 7]);
    header.extend_from_slice(&at.segment.to_be_bytes());
    header.extend_from_slice(&at.index.to_be_bytes());
    header.extend_from_slice(&at.previous);
    let tag = chain.tag(&[&header]);
    header.extend_from_slice(&tag);
    header.resize(SEGMENT_HEADER_BYTES as usize, 0);
    header
}
