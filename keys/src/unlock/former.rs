//! Puts envelopes of another root key in the place of those that are there, and destroys the former ones once nothing needs them.
//! Never leaves a moment without a whole file of envelopes under the name that a start looks for.
//! Whatever it stops at, the files beside it tell what is left to do.
//!
//! ```text
//! unlock        the envelopes in force
//! unlock.next   those that are about to be; without them in force it seals nothing
//! unlock.old    the former ones, as another name of the file while they are in force and as a file of its own afterwards
//! ```

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Envelope;
use super::file::{UnlockFile, encode};
use crate::error::KeyError;
use crate::file::{check_read_back, sync_directory_of, write_new};
use crate::limits::UNLOCK_FILE_BYTES_MAX;

impl UnlockFile {
    /// Writes the envelopes that are about to be in force beside those that are; durable and read back when this returns. What an
    /// earlier try left there is destroyed.
    ///
    /// # Errors
    /// As [`UnlockFile::create`] and [`UnlockFile::destroy_former`].
    pub fn prepare(path: &Path, envelopes: &[Envelope]) -> Result<(), KeyError> {
        Self::destroy_former(path)?;
        write_new(&beside(path, NEXT), &encode(envelopes)?)
    }

    /// Puts the prepared envelopes in force. The former ones stay beside them until [`UnlockFile::destroy_former`].
    ///
    /// # Errors
    /// [`KeyError::Io`]: either file is in force then, whole.
    pub fn put_in_force(path: &Path) -> Result<(), KeyError> {
        let doing = KeyError::io("putting a file of envelopes in its place");
        let placed = fs::hard_link(path, beside(path, OLD)).and_then(|()| {
            sync_directory_of(path)?;
            fs::rename(beside(path, NEXT), path)?;
            sync_directory_of(path)
        });
        placed.map_err(doing)
    }

    /// Whether envelopes that were in force before lie there still.
    #[must_use]
    pub fn has_former(path: &Path) -> bool {
        let former = fs::symlink_metadata(beside(path, OLD));
        former.is_ok_and(|former| !is_in_force(path, &former))
    }

    /// Overwrites what was in force before and what never came into force, syncs it, reads it back, and takes it away. Only once
    /// the ring opens with what is in force.
    ///
    /// # Errors
    /// [`KeyError::ReadBack`], [`KeyError::Io`]: then it is not known that they are gone.
    pub fn destroy_former(path: &Path) -> Result<(), KeyError> {
        // What is in force is there for good first.
        sync_directory_of(path).map_err(KeyError::io("syncing the directory of the envelopes"))?;
        for name in [OLD, NEXT] {
            let former = beside(path, name);
            let found = match fs::symlink_metadata(&former) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                found => found.map_err(KeyError::io("looking for former envelopes"))?,
            };
            if !is_in_force(path, &found) {
                overwrite(&former, found.len())?;
            }
            fs::remove_file(&former)
                .and_then(|()| sync_directory_of(path))
                .map_err(KeyError::io("taking former envelopes away"))?;
        }
        Ok(())
    }
}

const NEXT: &str = "next";
const OLD: &str = "old";

fn beside(path: &Path, name: &str) -> PathBuf {
    path.with_extension(name)
}

/// Whether a file is the one in force under another name, as a crash leaves it between the two.
fn is_in_force(path: &Path, found: &fs::Metadata) -> bool {
    let inode = |it: &fs::Metadata| (it.dev(), it.ino());
    fs::symlink_metadata(path).is_ok_and(|in_force| inode(&in_force) == inode(found))
}

fn overwrite(path: &Path, length: u64) -> Result<(), KeyError> {
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(UNLOCK_FILE_BYTES_MAX);
    let zeros = vec![0; length];
    let overwritten = OpenOptions::new().write(true).open(path).and_then(|mut file| {
        file.write_all(&zeros)?;
        file.sync_all()
    });
    overwritten.map_err(KeyError::io("overwriting former envelopes"))?;
    check_read_back(path, &zeros)
}
