//! What rooms do with directories and whole files: make and sync them, put one in the place of another, read from the disk itself.
//! Never holds what it opened, never decides what a failure means, and never serves the journal, which has its own door.
//! A name is durable once its directory was synced here.

use rustix::fs::{Advice, fadvise};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Opens a file to be read as the disk has it, not as the system remembers it of the writing. Where the system cannot be asked for
/// that, what is read proves less; what was not synced before it remembers all the same.
pub(crate) fn open_on_disk(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    let _best_effort = fadvise(&file, 0, None, Advice::DontNeed);
    Ok(file)
}

/// Makes a directory, and those above it that are missing, for this user alone. Not durably.
pub(crate) fn make_directories(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// Makes the directory durably where it is missing, and says whether it is empty.
pub(crate) fn make_directory(directory: &Path) -> io::Result<bool> {
    make_directories(directory)?;
    let empty = std::fs::read_dir(directory)?.next().is_none();
    if empty {
        // Without this a power failure can take the directory away with everything that was synced in it.
        sync_name(directory)?;
    }
    Ok(empty)
}

/// Writes a file that was not there, for its owner alone, durably but for its name.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Puts a file for its owner alone in the place of what lies at a path, durably: a crash leaves the old one or the new one. What is
/// half written beside it is nobody's, and what lies there otherwise is not written through.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    let _left_over = std::fs::remove_file(beside);
    write_new(beside, bytes)?;
    std::fs::rename(beside, path)?;
    sync_name(path)
}

/// Makes the name of what lies at a path durable: of the very file that a link leads to.
pub(crate) fn sync_name(path: &Path) -> io::Result<()> {
    match path.canonicalize()?.parent() {
        Some(directory) => sync_directory(directory),
        None => Ok(()),
    }
}

/// Makes the names in a directory durable. Opened by its own `.`, which nothing but a directory has: whoever opens a pipe that
/// was put in its place waits for ever.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory.join("."))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let room = tempfile::tempdir().expect("a directory");
        let path = room.path().join("file");
        write_new(&path, b"first").expect("written");
        let error = write_new(&path, b"second").expect_err("it is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).expect("read"), b"first");
    }

    #[test]
    fn what_is_replaced_is_whole_its_owners_alone_and_written_through_nothing() {
        let room = tempfile::tempdir().expect("a directory");
        let (path, elsewhere) = (room.path().join("file"), room.path().join("elsewhere"));
        std::fs::write(&elsewhere, "somebody's").expect("written");
        std::os::unix::fs::symlink(&elsewhere, room.path().join("file.new")).expect("linked");
        for bytes in [&b"a longer first one"[..], b"second"] {
            replace(&path, bytes).expect("replaced");
            assert_eq!(std::fs::read(&path).expect("read"), bytes);
        }
        let mode = std::fs::symlink_metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read(&elsewhere).expect("read"), b"somebody's");
        assert!(!room.path().join("file.new").exists());
    }
}
