//! The door through which a keyring's file is written again, so that tests can break it.
//! Never buffers: a write is handed to the system when the call returns, and durable after a sync.
//! A sync that failed is never called again: whoever saw it fail writes nothing more.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file that is there.
pub(crate) trait Disk: Send + Sync {
    /// Hands all bytes to the system.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Everything written is on the disk when this returns.
    fn sync(&self) -> io::Result<()>;

    /// Fills the bytes from the file.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// A plain file, opened for each call: it is written a few times a day at most.
pub(super) struct FileDisk(PathBuf);

impl FileDisk {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    fn open(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(&self.0)
    }
}

impl Disk for FileDisk {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.open()?.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.open()?.sync_all()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.open()?.read_exact_at(bytes, offset)
    }
}
