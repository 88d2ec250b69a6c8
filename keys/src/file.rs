//! Writes small files of keys so that they are there after a power loss. Never overwrites a file.
//! Nothing counts as written before it is synced, its directory is synced, and it reads back the same.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::KeyError;

/// Read and write for the owner, nothing for others.
const OWNER_ONLY: u32 = 0o600;

/// Writes a new file of mode 0600 and syncs it and its directory.
///
/// A crash in here leaves a part of a file whose keys nothing has used yet; it must be removed by hand.
///
/// # Errors
/// [`KeyError::FileExists`], [`KeyError::ReadBack`], [`KeyError::Io`].
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let file =
        OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path).map_err(
            |source| match source.kind() {
                io::ErrorKind::AlreadyExists => KeyError::FileExists,
                _ => KeyError::io("creating a file of keys")(source),
            },
        )?;
    let written = fill_and_sync(file, path, bytes);
    if written.is_err() {
        // The file is ours and incomplete, and no key in it has sealed anything. If it stays, the next try says so.
        let _ = fs::remove_file(path);
    }
    written
}

fn fill_and_sync(mut file: File, path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    file.write_all(bytes).map_err(KeyError::io("writing a file of keys"))?;
    file.sync_all().map_err(KeyError::io("syncing a file of keys"))?;
    sync_directory_of(path).map_err(KeyError::io("syncing the directory of a file of keys"))?;
    check_read_back(path, bytes)
}

/// Compares the file with what was written to it.
pub(crate) fn check_read_back(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    match read_bounded(path, bytes.len())? {
        Some(read) if read.as_slice() == bytes => Ok(()),
        _ => Err(KeyError::ReadBack),
    }
}

/// Reads a whole file of at most `bytes_max` bytes; `None` when it is longer.
pub(crate) fn read_bounded(
    path: &Path,
    bytes_max: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let file = File::open(path).map_err(KeyError::io("opening a file of keys"))?;
    read_rest_bounded(file, bytes_max)
}

/// Reads what an open file still holds, as [`read_bounded`] does.
pub(crate) fn read_rest_bounded(
    file: File,
    bytes_max: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let limit = bytes_max.saturating_add(1);
    // One allocation of the final size, so that nothing read is left behind by a reallocation.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit));
    file.take(u64::try_from(limit).expect("limits fit 64 bits"))
        .read_to_end(&mut bytes)
        .map_err(KeyError::io("reading a file of keys"))?;
    Ok((bytes.len() <= bytes_max).then_some(bytes))
}

/// Makes the file's name durable.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("file");
        write_new(&path, b"first").expect("a new file");
        assert!(matches!(write_new(&path, b"second"), Err(KeyError::FileExists)));
        assert_eq!(fs::read(&path).expect("file"), b"first");
    }

    #[test]
    fn reading_stops_behind_the_limit() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("file");
        write_new(&path, b"12345").expect("a new file");
        let whole = read_bounded(&path, 5).expect("readable");
        assert_eq!(whole.expect("inside the limit").as_slice(), b"12345");
        assert!(read_bounded(&path, 4).expect("readable").is_none());
    }

    #[test]
    fn a_file_that_differs_from_what_was_written_is_noticed() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("file");
        write_new(&path, b"12345").expect("a new file");
        for other in [&b"1234"[..], b"12346", b"123456"] {
            assert!(matches!(check_read_back(&path, other), Err(KeyError::ReadBack)));
        }
    }

    #[test]
    fn a_missing_directory_is_an_error_and_leaves_nothing() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("missing").join("file");
        assert!(matches!(write_new(&path, b""), Err(KeyError::Io { .. })));
        assert!(!path.exists());
    }
}
