//! The door through which the journal touches the disk, so that tests can break it.
//! Never buffers: a write is handed to the system when the call returns, and durable after a sync.
//! A file that was removed, replaced or cut under the process is an error, never a silent new file.

use crate::files::sync_directory;
use rustix::fs::FallocateFlags;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Opens and makes segments.
pub trait Media: Send + Sync {
    /// Makes a zero-filled file of this length that is durable with its length; replaces a left-over one.
    ///
    /// # Errors
    /// The system's. Then there is no such file.
    fn allocate(&self, path: &Path, length: u64) -> io::Result<Box<dyn Segment>> {
        let filled = self.fill_new(path, length).and_then(|mut segment| {
            segment.sync()?;
            Ok(segment)
        });
        filled.inspect_err(|_| {
            // Half a segment serves nobody and takes what is left of a full disk.
            let _none_was_made = std::fs::remove_file(path);
        })
    }

    /// Makes a zero-filled file of this length, neither of which is durable; replaces a left-over one.
    ///
    /// # Errors
    /// The system's.
    fn fill_new(&self, path: &Path, length: u64) -> io::Result<Box<dyn Segment>> {
        let file = owned().truncate(true).open(path)?;
        fill(&file, 0, length)?;
        Ok(Box::new(FileSegment { file, length, directory: directory_of(path)? }))
    }

    /// Opens a segment that is there.
    ///
    /// # Errors
    /// The system's.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Segment>>;

    /// Gives a file its name, durably.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.place(from, to)?;
        match to.parent() {
            Some(directory) => self.sync_names(directory),
            None => Ok(()),
        }
    }

    /// Gives a file its name, which a power failure may take back.
    ///
    /// # Errors
    /// The system's.
    fn place(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// The system's.
    fn sync_names(&self, directory: &Path) -> io::Result<()> {
        sync_directory(directory)
    }

    /// Makes a new, empty file for its owner alone, which grows as it is written; replaces a left-over one. Its name is not durable.
    ///
    /// # Errors
    /// The system's.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Segment>> {
        let file = owned().truncate(true).open(path)?;
        Ok(Box::new(FileSegment { file, length: 0, directory: directory_of(path)? }))
    }

    /// Takes a file away, if it is there, durably.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, path: &Path) -> io::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        }
        match path.parent() {
            Some(directory) => sync_directory(directory),
            None => Ok(()),
        }
    }

    /// What is left for this process on the file system of a directory.
    ///
    /// # Errors
    /// The system's.
    fn room(&self, directory: &Path) -> io::Result<Room>;

    /// Makes a file hold this many bytes of disk, no more and no fewer. What it holds means nothing.
    ///
    /// # Errors
    /// The system's; the file then holds what it held, or less.
    fn hold(&self, path: &Path, bytes: u64) -> io::Result<()>;
}

/// What is left on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// Files that can still be made; the largest number where the file system does not count them.
    pub files: u64,
}

impl Room {
    /// The lesser of two, each in its kind.
    pub(in crate::trail) fn least(self, other: Room) -> Room {
        Room { bytes: self.bytes.min(other.bytes), files: self.files.min(other.files) }
    }
}

/// Whether an error says that the disk, or what this user may have of it, is full.
pub(in crate::trail) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// One open segment.
pub trait Segment: Send {
    /// Hands all bytes to the system.
    ///
    /// # Errors
    /// The system's.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Everything written is on the disk when this returns. Never called again after an error.
    ///
    /// # Errors
    /// The system's.
    fn sync(&mut self) -> io::Result<()>;

    /// Whether the file still has a name, the one that it was opened by, in the directory that it was opened in, and all of its
    /// bytes.
    ///
    /// # Errors
    /// The system's.
    fn is_still(&self, path: &Path) -> io::Result<bool>;
}

/// Plain files.
pub struct FileMedia;

struct FileSegment {
    file: File,
    /// When it was opened. It may grow.
    length: u64,
    /// Which directory it lay in then.
    directory: (u64, u64),
}

/// The directory that a file lies in, or the link that stands in its place.
fn directory_of(path: &Path) -> io::Result<(u64, u64)> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let found = std::fs::symlink_metadata(directory)?;
    Ok((found.dev(), found.ino()))
}

/// Zeros are written in pieces of this size.
const FILL_BYTES: usize = 1024 * 1024;

impl Media for FileMedia {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Segment>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let length = file.metadata()?.len();
        Ok(Box::new(FileSegment { file, length, directory: directory_of(path)? }))
    }

    fn room(&self, directory: &Path) -> io::Result<Room> {
        let found = rustix::fs::statvfs(directory)?;
        let counts_files = found.f_files > 0;
        Ok(Room {
            bytes: found.f_bavail.saturating_mul(found.f_frsize),
            files: if counts_files { found.f_favail } else { u64::MAX },
        })
    }

    fn hold(&self, path: &Path, bytes: u64) -> io::Result<()> {
        if bytes == 0 {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let file = owned().truncate(false).open(path)?;
        let held = file.metadata()?.len();
        if bytes <= held {
            return file.set_len(bytes);
        }
        let grown = match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes) {
            // Not every file system can promise blocks; all can write them.
            Err(rustix::io::Errno::OPNOTSUPP) => fill(&file, held, bytes),
            other => other.map_err(io::Error::from),
        };
        if grown.is_err() {
            file.set_len(held)?;
        }
        grown
    }
}

fn owned() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

/// Writes zeros from one place to another. Written, not only reserved: a sync of a block that was never written has to
/// change the file's metadata as well, and takes twice as long.
fn fill(file: &File, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; FILL_BYTES];
    let mut offset = from;
    while offset < to {
        let piece = usize::try_from(to - offset).map_or(FILL_BYTES, |n| n.min(FILL_BYTES));
        file.write_all_at(&zeros[..piece], offset)?;
        offset += piece as u64;
    }
    Ok(())
}

impl Segment for FileSegment {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn is_still(&self, path: &Path) -> io::Result<bool> {
        let open = self.file.metadata()?;
        let named = match std::fs::symlink_metadata(path) {
            Ok(named) => named,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let same = open.ino() == named.ino()
            && open.dev() == named.dev()
            && directory_of(path)? == self.directory;
        Ok(open.nlink() > 0 && same && open.len() >= self.length)
    }
}
