//! What a witness remembers of one log, in a file of its own.
//! Never shows a state that is not on disk: contents, name and directory are synced before it counts.
//! After an error nothing more is written, because nobody knows what the disk has.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::constants::{CHECKPOINT_FILE, NOTE_BYTES_MAX};

/// Mode of files and directories: the witness's user alone.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// The file of one log.
pub(super) struct StateFile {
    directory: PathBuf,
    failed: bool,
}

impl StateFile {
    /// The file in `directory`, and what it holds, which is on the disk then; `None` before the first time.
    pub(super) fn open(directory: PathBuf) -> io::Result<(StateFile, Option<String>)> {
        make_directory(&directory)?;
        let path = directory.join(CHECKPOINT_FILE);
        let note = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() && metadata.len() <= NOTE_BYTES_MAX as u64 => {
                let mut note = String::new();
                let mut file = File::open(&path)?;
                file.read_to_string(&mut note)?;
                // Who was killed between name and sync left it where it is, and nowhere yet for good: what is shown of it now must not
                // be gone after a power failure, when another checkpoint of that size would be cosigned.
                file.sync_all()?;
                File::open(&directory)?.sync_all()?;
                Some(note)
            }
            Ok(_) => return Err(io::Error::new(ErrorKind::InvalidData, "not a note")),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok((StateFile { directory, failed: false }, note))
    }

    /// Puts `note` in the place of what was there. When this returns, a crash does not bring the old one back.
    pub(super) fn replace(&mut self, note: &str) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier write failed"));
        }
        let written = self.write(note);
        self.failed = written.is_err();
        written
    }

    fn write(&self, note: &str) -> io::Result<()> {
        let beside = self.directory.join("checkpoint.tmp");
        let mut options = OpenOptions::new();
        // What a crash left under this name is written over; nobody reads it.
        options.write(true).create(true).truncate(true).mode(FILE_MODE);
        let mut file = options.open(&beside)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, self.directory.join(CHECKPOINT_FILE))?;
        File::open(&self.directory)?.sync_all()
    }
}

/// Makes a directory durably where it is missing.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
