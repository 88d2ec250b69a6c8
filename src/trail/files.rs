//! What the trail does with directories and files besides the journal's own door: makes and syncs them, and reads from the disk itself.
//! Never holds what it opened, and never decides what a failure means.
//! A name is durable once its directory was synced here.

use rustix::fs::{Advice, fadvise};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Opens a file to be read as the disk has it, not as the system remembers it of the writing. Where the system cannot be asked for
/// that, what is read proves less; what was not synced before it remembers all the same.
pub(in crate::trail) fn open_on_disk(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    let _best_effort = fadvise(&file, 0, None, Advice::DontNeed);
    Ok(file)
}

/// Makes a directory, and those above it that are missing, for this user alone. Not durably.
pub(in crate::trail) fn make_directories(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// Makes the directory durably where it is missing, and says whether it is empty.
pub(in crate::trail) fn make_directory(directory: &Path) -> io::Result<bool> {
    make_directories(directory)?;
    let empty = std::fs::read_dir(directory)?.next().is_none();
    if empty {
        // Without this a power failure can take the directory away with everything that was synced in it.
        sync_name(directory)?;
    }
    Ok(empty)
}

/// Makes the name of what lies at a path durable: of the very file that a link leads to.
pub(in crate::trail) fn sync_name(path: &Path) -> io::Result<()> {
    match path.canonicalize()?.parent() {
        Some(directory) => sync_directory(directory),
        None => Ok(()),
    }
}

/// Makes the names in a directory durable. Opened by its own `.`, which nothing but a directory has: whoever opens a pipe that
/// was put in its place waits for ever.
pub(in crate::trail) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory.join("."))?.sync_all()
}
