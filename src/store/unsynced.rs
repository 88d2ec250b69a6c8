//! Leaves word for the next start that a write or a sync of the engine's files failed. Never says that they are whole.
//! A page whose sync failed counts as clean: what is read is what was written, the sync after it succeeds, and the disk has neither. So no
//! process may go on with such files, and no look at them tells. Making the store again takes the word away with the directory.

use crate::files::sync_directory;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// How a file of the engine is synced: a door that tests break.
pub(super) type Sync = fn(&File) -> io::Result<()>;

/// It lies among the engine's own files, so that it goes where they go.
const NAME: &str = "unsynced";
/// For whoever looks into the directory.
const TEXT: &[u8] = b"a write or a sync of these files failed: gridvault store rebuild\n";

/// Whether such a note is there.
pub(super) fn lies_there(directory: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(directory.join(NAME)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        found => found.map(|_| true),
    }
}

/// Whether files may lack what they show, behind such an error of the engine. What found no room was not taken by the system at all,
/// and what is in the file is a log that ends there.
pub(super) fn may_lack(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Writes the note, durably. Where even that fails the process ends all the same.
pub(super) fn leave_note(directory: &Path, why: &io::Error) {
    let write = || -> io::Result<()> {
        let mut file = File::create(directory.join(NAME))?;
        file.write_all(TEXT)?;
        file.sync_all()?;
        sync_directory(directory)
    };
    match write() {
        Ok(()) => tracing::error!(error = %why, "the store's files may lack what was written"),
        Err(error) => tracing::error!(
            error = %why, note = %error,
            "the store's files may lack what was written, and no note of it can be left: make the store again"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;
    use crate::store::tests::{opened, put};
    use std::io::{Seek as _, SeekFrom};

    #[test]
    fn a_store_whose_sync_failed_is_opened_by_nobody_until_it_is_made_again() {
        let room = tempfile::tempdir().expect("a directory");
        let path = |name: &str| room.path().join(name);
        let engine = opened(&path("store")).expect("a store");
        let engine = engine.synced_by(|_| Err(io::Error::from_raw_os_error(5)));
        put(&engine);
        assert!(matches!(engine.flush(), Err(StoreError::Io(_))));
        drop(engine);
        for _ in 0..2 {
            assert!(matches!(opened(&path("store")), Err(StoreError::Unsynced)));
        }
        // What a rebuild does: another directory takes the place of this one.
        put(&opened(&path("store.new")).expect("a store"));
        std::fs::remove_dir_all(path("store")).expect("gone");
        std::fs::rename(path("store.new"), path("store")).expect("placed");
        let engine = opened(&path("store")).expect("made again");
        engine.flush().expect("a disk that works");
        drop(engine);
        assert!(opened(&path("store")).is_ok());
    }

    #[test]
    fn a_sync_that_found_no_room_leaves_the_files_in_doubt_and_a_write_that_found_none_does_not() {
        let room = tempfile::tempdir().expect("a directory");
        let full = |_: &File| Err(io::ErrorKind::StorageFull.into());
        let engine = opened(room.path()).expect("a store").synced_by(full);
        put(&engine);
        assert!(engine.flush().is_err());
        drop(engine);
        assert!(matches!(opened(room.path()), Err(StoreError::Unsynced)));
        assert!(!may_lack(&io::ErrorKind::StorageFull.into()));
        assert!(may_lack(&io::Error::from_raw_os_error(5)));
    }

    /// A disk with an error that sled's own sync of its file has seen already: told to whoever had the file open before.
    fn seen_by_another(mut file: &File) -> io::Result<()> {
        match file.stream_position()? {
            OPEN_BEFORE => Err(io::Error::from_raw_os_error(5)),
            _ => Ok(()),
        }
    }
    /// Where a handle stands is its own, so it marks one.
    const OPEN_BEFORE: u64 = 3;

    #[test]
    fn a_sync_error_that_the_engine_saw_first_and_kept_to_itself_leaves_the_note_all_the_same() {
        let room = tempfile::tempdir().expect("a directory");
        // A store that is made, and one that is opened again.
        for directory in ["made", "opened"].map(|name| room.path().join(name)) {
            if directory.ends_with("opened") {
                drop(opened(&directory).expect("a store"));
            }
            let engine = opened(&directory).expect("a store").synced_by(seen_by_another);
            let mut held = engine.held_file().expect("sled's file");
            put(&engine);
            engine.flush().expect("nothing failed yet");
            held.seek(SeekFrom::Start(OPEN_BEFORE)).expect("marked");
            assert!(matches!(engine.flush(), Err(StoreError::Io(_))));
            drop(engine);
            assert!(matches!(opened(&directory), Err(StoreError::Unsynced)));
        }
    }
}
