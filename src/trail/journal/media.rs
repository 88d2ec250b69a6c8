//! The door through which the journal touches the disk, so that tests can break it.
//! Never buffers: a write is handed to the system when the call returns, and durable after a sync.
//! A file that was removed, replaced or cut under the process is an error, never a silent new file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Opens and makes segments.
pub trait Media: Send + Sync {
    /// Makes a zero-filled file of this length that is durable with its length; replaces a left-over one.
    ///
    /// # Errors
    /// The system's.
    fn allocate(&self, path: &Path, length: u64) -> io::Result<Box<dyn Segment>>;

    /// Opens a segment that is there.
    ///
    /// # Errors
    /// The system's.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Segment>>;

    /// Gives a file its name, durably.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
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

    /// Whether the file still has a name, the one that it was opened by, and all of its bytes.
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
}

/// Zeros are written in pieces of this size.
const FILL_BYTES: usize = 1024 * 1024;

impl Media for FileMedia {
    fn allocate(&self, path: &Path, length: u64) -> io::Result<Box<dyn Segment>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        // Written, not only reserved: a sync of a block that was never written has to change the file's
        // metadata as well, and takes twice as long.
        let zeros = vec![0; FILL_BYTES];
        let mut offset = 0;
        while offset < length {
            let piece = usize::try_from(length - offset).map_or(FILL_BYTES, |n| n.min(FILL_BYTES));
            file.write_all_at(&zeros[..piece], offset)?;
            offset += piece as u64;
        }
        file.sync_all()?;
        Ok(Box::new(FileSegment { file, length }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Segment>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let length = file.metadata()?.len();
        Ok(Box::new(FileSegment { file, length }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)?;
        match to.parent() {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }
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
        let same = open.ino() == named.ino() && open.dev() == named.dev();
        Ok(open.nlink() > 0 && same && open.len() >= self.length)
    }
}
