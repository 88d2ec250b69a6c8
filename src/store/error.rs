//! What can go wrong between the vault and its engine.
//! Never carries a value or an id of a resident.
//! Every variant means: stop trusting the store, not the journal.

/// A fault of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the directory open.
    #[error("the store is locked by another process")]
    Locked,
    /// A stored value has not the form that this version writes.
    #[error("a stored {what} is malformed")]
    Corrupt {
        /// What was being read.
        what: &'static str,
    },
    /// A value longer than the engine bears.
    #[error("a value of {bytes} bytes is longer than the store takes")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// A sync of the engine's files failed once: what they show may be in the system's cache alone.
    #[error("a write or a sync of the store's files failed, so the disk may lack what they show")]
    Unsynced,
    /// The machine, or the disk of the files, went down while they were written: they may lack rows, even such as were flushed.
    #[error(
        "the machine or the disk went down while the store was written, so its files may lack rows"
    )]
    LeftOpen,
    /// The engine ended in the middle of its work, as it does where it cannot make sense of its files.
    #[error("the engine came upon something in its files that it did not write")]
    Unreadable,
    /// The engine failed.
    #[error("the engine failed")]
    Engine(#[source] sled::Error),
    /// The disk failed.
    #[error("the disk failed")]
    Io(#[source] std::io::Error),
}
