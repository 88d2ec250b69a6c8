//! A journal by itself, in segments of a few frames, so that segments change often.
//! Never knows of entries or keys: a frame holds bytes that tell which one it is.
//! Opening it is what a start does: replay, settle, go on.

use super::disk::{Disk, DiskMedia};
use super::world::keyring;
use crate::trail::TrailFault;
use crate::trail::journal::{FrameBuilder, Framed, Position, Replayed, Writer, replay};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Room for four or five frames.
pub(super) const SEGMENT_BYTES: u64 = 4 * 1024;

pub(super) struct Book {
    directory: tempfile::TempDir,
    pub(super) disk: Arc<Disk>,
}

/// What frame `number` holds. Lengths differ, and most take more than one sector.
pub(super) fn page(number: u64) -> Vec<u8> {
    let length = 150 + usize::try_from(number * 397 % 1_000).expect("a short page");
    let mut page = number.to_be_bytes().to_vec();
    page.resize(length, 0x5a);
    page
}

pub(super) fn pages(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(page).collect()
}

impl Book {
    pub(super) fn new() -> Book {
        let directory = tempfile::tempdir().expect("a directory");
        Book { directory, disk: Arc::new(Disk::default()) }
    }

    /// A book of `count` pages, one in a frame.
    pub(super) fn of(count: u64) -> Book {
        let book = Book::new();
        let mut writer = book.open().expect("a new book");
        for number in 0..count {
            write(&mut writer, number).expect("written");
        }
        book
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn segment(&self, number: u64) -> PathBuf {
        self.directory.path().join(format!("{number:016x}.segment"))
    }

    pub(super) fn spare(&self) -> PathBuf {
        self.directory.path().join("spare")
    }

    pub(super) fn read(&self) -> Result<(Vec<Vec<u8>>, Replayed), TrailFault> {
        let mut pages = Vec::new();
        let replayed =
            replay(self.directory.path(), &keyring().chain(), Position::START, |frame| {
                pages.extend(frame.entries.into_iter().map(|(page, _)| page));
                Ok(())
            })?;
        Ok((pages, replayed))
    }

    pub(super) fn open(&self) -> Result<Writer, TrailFault> {
        let (_, replayed) = self.read()?;
        let media = DiskMedia(self.disk.clone());
        replayed.settle(self.directory.path(), &media)?;
        let chain = keyring().chain();
        Writer::open(self.directory.path(), Arc::new(media), chain, SEGMENT_BYTES, replayed.end)
    }

    /// Where each frame of a segment begins, and where the last ends.
    pub(super) fn frames(&self, segment: u64) -> Vec<usize> {
        let bytes = std::fs::read(self.segment(segment)).expect("a segment");
        let mut starts: Vec<usize> =
            (128..bytes.len()).step_by(8).filter(|at| bytes[*at..].starts_with(b"GVFR")).collect();
        let last = *starts.last().expect("a frame");
        let length = u32::from_be_bytes(bytes[last + 4..last + 8].try_into().expect("four bytes"));
        let length = usize::try_from(length).expect("a short frame");
        starts.push((last + 60 + length + 32).next_multiple_of(8));
        starts
    }
}

pub(super) fn write(writer: &mut Writer, number: u64) -> Result<Position, TrailFault> {
    let mut frame = FrameBuilder::within(Framed::default());
    let written = frame.entry(|out| {
        out.extend_from_slice(&page(number));
        Ok::<_, TrailFault>(())
    });
    written?;
    frame.steps(&[]);
    writer.append(frame).map(|(position, _)| position)
}
