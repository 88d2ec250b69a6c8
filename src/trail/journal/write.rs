//! Appends frames and changes segments when one is full.
//! Never has two unsynced frames, and never retries a failed write or sync of one.
//! The next segment is zero-filled ahead of need by a thread of its own; a disk without room for it is no fault.

use super::frame::AROUND_BYTES_MAX;
use super::media::{Media, Room, Segment, is_full};
use super::{FRAME_BYTES_MAX, FrameBuilder, Framed, Position, SEGMENT_HEADER_BYTES, segment_path};
use crate::limits::DISK_FLOOR_BYTES;
use crate::trail::TrailFault;
use gridvault_keys::ChainKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

const MAGIC: &[u8; 8] = b"GVJRNL01";

type Allocated = std::io::Result<Box<dyn Segment>>;

/// The segment after the current one.
enum Spare {
    /// There is none, and there was no room for it when it was last tried.
    Missing,
    /// It is being filled.
    Coming(JoinHandle<Allocated>),
    /// It is there.
    Ready(Box<dyn Segment>),
}

/// The writing end of the journal. There is one, and the committer has it.
pub(in crate::trail) struct Writer {
    directory: PathBuf,
    media: Arc<dyn Media>,
    chain: ChainKey,
    segment_bytes: u64,
    current: Box<dyn Segment>,
    /// Where that one lies.
    path: PathBuf,
    at: Position,
    spare: Spare,
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
            // The process before may have ended between the name and its sync: no frame goes into a file that a power failure takes away.
            media.sync_names(directory).map_err(TrailFault::Journal)?;
            media.open(&path).map_err(TrailFault::Journal)?
        } else {
            let fresh = media
                .allocate(&spare_path(directory), segment_bytes)
                .map_err(TrailFault::Journal)?;
            name_segment(&*media, directory, fresh, &chain, &at)?
        };
        let directory = directory.to_owned();
        let spare = Spare::Missing;
        Ok(Writer { directory, media, chain, segment_bytes, current, path, at, spare })
    }

    /// Where the next frame goes.
    pub(in crate::trail) fn position(&self) -> Position {
        self.at
    }

    /// Bytes of payload to which the next frame is bound, because the segment is nearly at its end and the disk has no room
    /// for another. None where a full frame has its place. Nothing that was acknowledged depends on it.
    ///
    /// # Errors
    /// Every error of the disk but that it is full.
    pub(in crate::trail) fn bound(&mut self) -> Result<Option<usize>, TrailFault> {
        // Before the next group, and not first when the segment is full: a disk that fails is written to no longer than that.
        if matches!(&self.spare, Spare::Coming(coming) if coming.is_finished()) {
            self.has_spare()?;
        }
        let left = self.segment_bytes.saturating_sub(self.at.offset);
        let left = left.saturating_sub(AROUND_BYTES_MAX);
        if left >= FRAME_BYTES_MAX as u64 || self.has_spare()? {
            return Ok(None);
        }
        Ok(Some(usize::try_from(left).unwrap_or(FRAME_BYTES_MAX)))
    }

    /// Makes a group durable. When this returns, data and entries are on the disk together: where the next frame goes, and
    /// this one as it was written.
    ///
    /// A crash before the sync ends leaves a torn last frame, which recovery cuts: nothing of it was
    /// acknowledged. A crash after it leaves a frame that recovery applies.
    pub(in crate::trail) fn append(
        &mut self,
        frame: FrameBuilder,
    ) -> Result<(Position, Framed), TrailFault> {
        let needed = frame.payload_bytes() as u64 + AROUND_BYTES_MAX;
        if self.at.offset + needed > self.segment_bytes {
            self.roll()?;
        }
        if !self.current.is_still(&self.path).map_err(TrailFault::Journal)? {
            return Err(TrailFault::Replaced);
        }
        let (framed, tag) =
            frame.finish(&self.chain, self.at.segment, self.at.index, &self.at.previous);
        self.current.write_at(self.at.offset, &framed.bytes).map_err(TrailFault::Journal)?;
        self.current.sync().map_err(TrailFault::Journal)?;
        self.at.offset += framed.bytes.len() as u64;
        self.at.index += framed.entries.len() as u64;
        self.at.previous = tag;
        self.prepare_ahead();
        Ok((self.at, framed))
    }

    fn roll(&mut self) -> Result<(), TrailFault> {
        if !self.has_spare()? {
            return Err(TrailFault::Journal(std::io::ErrorKind::StorageFull.into()));
        }
        let Spare::Ready(fresh) = std::mem::replace(&mut self.spare, Spare::Missing) else {
            return Err(TrailFault::Thread);
        };
        self.at.segment += 1;
        self.at.offset = SEGMENT_HEADER_BYTES;
        self.current = name_segment(&*self.media, &self.directory, fresh, &self.chain, &self.at)?;
        self.path = segment_path(&self.directory, self.at.segment);
        Ok(())
    }

    /// Whether the next segment is there; waits for one that is being filled, and tries again where there was no room.
    fn has_spare(&mut self) -> Result<bool, TrailFault> {
        let allocated = match std::mem::replace(&mut self.spare, Spare::Missing) {
            Spare::Ready(ready) => Ok(ready),
            Spare::Coming(coming) => coming.join().map_err(|_| TrailFault::Thread)?,
            Spare::Missing if !self.may_allocate() => return Ok(false),
            Spare::Missing => self.media.allocate(&spare_path(&self.directory), self.segment_bytes),
        };
        match allocated {
            Ok(ready) => self.spare = Spare::Ready(ready),
            // Nothing of it was written to and nothing of it was promised to anybody.
            Err(error) if is_full(&error) => return Ok(false),
            Err(error) => return Err(TrailFault::Journal(error)),
        }
        Ok(true)
    }

    /// Whether the disk has room for a segment, and for what the log writes meanwhile.
    fn may_allocate(&self) -> bool {
        let enough = |room: Room| room.bytes >= self.segment_bytes + DISK_FLOOR_BYTES;
        self.media.room(&self.directory).is_ok_and(enough)
    }

    /// Early enough to be there when the rest of the segment could be too short for a full frame.
    fn prepare_ahead(&mut self) {
        let due = self.at.offset * 4 > self.segment_bytes;
        if due && matches!(self.spare, Spare::Missing) && self.may_allocate() {
            let (media, path) = (self.media.clone(), spare_path(&self.directory));
            let length = self.segment_bytes;
            self.spare = Spare::Coming(std::thread::spawn(move || media.allocate(&path, length)));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread writes to a file that the next writer takes for its own.
        if let Spare::Coming(coming) = std::mem::replace(&mut self.spare, Spare::Missing) {
            let _unused = coming.join();
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
