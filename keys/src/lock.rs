//! Keeps a vault's keys to one process at a time: from before it reads the envelopes, sealed or not, until it is gone.
//! Never waits: who comes second is told, and has read nothing.
//! The lock is the system's, on the keyring's file, which is never replaced; so it ends with its process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::error::KeyError;

/// The keyring's file, kept from every other process that asks for it too. Reading the file needs no lock: a backup copies it
/// from a vault that serves.
pub struct KeyringLock {
    _file: File,
}

impl KeyringLock {
    /// Takes the lock of the keyring at a path.
    ///
    /// # Errors
    /// [`KeyError::KeyringInUse`] where another process has it, [`KeyError::Io`].
    pub fn take(path: &Path) -> Result<Self, KeyError> {
        // For writing too: over some network file systems nobody else may lock a file.
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(KeyError::io("opening the keyring to lock it"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(KeyError::KeyringInUse),
            Err(TryLockError::Error(error)) => Err(KeyError::io("locking the keyring")(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_is_locked_once_at_a_time_and_read_by_anybody() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("keyring");
        assert!(matches!(KeyringLock::take(&path), Err(KeyError::Io { .. })));
        assert!(!path.exists(), "nothing was made");
        std::fs::write(&path, b"slots").expect("a file");
        let held = KeyringLock::take(&path).expect("nobody has it");
        for _ in 0..2 {
            assert!(matches!(KeyringLock::take(&path), Err(KeyError::KeyringInUse)));
        }
        assert_eq!(std::fs::read(&path).expect("readable"), b"slots");
        drop(held);
        assert!(KeyringLock::take(&path).is_ok());
    }
}
