//! What can go wrong with a log that is written or read by its own vault.
//! Never holds content of an entry: places, lengths and paths beneath the log's directory.
//! Says what happened; whether the log can be used further is said by the function that gives it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the log cannot be opened, read or written.
#[derive(Debug, Error)]
pub enum LogError {
    /// The directory for a new log holds something.
    #[error("directory of a new log is not empty")]
    NotEmpty,
    /// The log's directory is a link or something else than a directory.
    #[error("log directory is a link or not a directory")]
    NotADirectory,
    /// Another process has the log open for writing.
    #[error("log is open in another process")]
    Locked,
    /// The origin is empty, too long, or has a space, a control character or a plus.
    #[error("origin cannot name a log")]
    OriginInvalid,
    /// The log on disk has another origin.
    #[error("log on disk has another origin")]
    OriginDiffers,
    /// The checkpoint on disk is not one that this log's key signed and this crate wrote.
    #[error("checkpoint on disk is not signed by the log's key")]
    CheckpointInvalid,
    /// The files at the right edge do not lead to the root that the checkpoint states.
    #[error("files of the log do not lead to the root of its checkpoint")]
    EdgeDiffers,
    /// A file that the checkpoint covers is missing or has a wrong length.
    #[error("{path} is missing or has a wrong length")]
    FileDamaged {
        /// Path beneath the log's directory.
        path: PathBuf,
    },
    /// A tile of hashes is not the one that the checkpoint covers.
    #[error("{path} does not lead to the root of the checkpoint")]
    TileDiffers {
        /// Path beneath the log's directory.
        path: PathBuf,
    },
    /// An entry in its bundle is not the one that the checkpoint covers.
    #[error("entry {index} does not lead to the root of the checkpoint")]
    EntryDiffers {
        /// Index of the entry.
        index: u64,
    },
    /// Entries were given that do not join onto the log.
    #[error("entries begin at {first}, the log ends at {size}")]
    Gap {
        /// Index of the first entry given.
        first: u64,
        /// Entries that the log has.
        size: u64,
    },
    /// An entry was given again and differs from the one in the log.
    #[error("entry {index} differs from the one in the log")]
    ReplayDiffers {
        /// Index of the entry.
        index: u64,
    },
    /// An entry is longer than a bundle can hold.
    #[error("entry {index} is {bytes} bytes long, more than a bundle can hold")]
    EntryTooLarge {
        /// Index of the entry.
        index: u64,
        /// Its length.
        bytes: usize,
    },
    /// The log has as many entries as its format can number.
    #[error("log is full")]
    Full,
    /// An index lies past the published checkpoint.
    #[error("entry {index} is not covered by the checkpoint, which has {size}")]
    NotCovered {
        /// Index asked for.
        index: u64,
        /// Entries that the checkpoint covers.
        size: u64,
    },
    /// The file of the beginning names no entry of the log that records it.
    #[error("no entry of the log records where it begins")]
    BeginningUnrecorded,
    /// Entries below this index were pruned at the end of their retention.
    #[error("entries below {minimum} were pruned")]
    Pruned {
        /// The first index that is kept.
        minimum: u64,
    },
    /// The log cannot begin at that index.
    #[error("the log cannot be pruned up to that index")]
    NotPrunable,
    /// The directory, the lock, the checkpoint or a partial file is no longer the one that this process opened or wrote.
    #[error("a file of the log was replaced under the running writer")]
    Replaced,
    /// The signer's key does not bear the log's origin as its name.
    #[error("signing key does not bear the name of the log")]
    SignerName,
    /// The signer's signature does not verify under its own public key.
    #[error("signature does not verify under the signer's public key")]
    SignatureRejected,
    /// An earlier error left the state in memory behind or ahead of the disk.
    #[error("log is poisoned by an earlier error")]
    Poisoned,
    /// The operating system refused.
    #[error("log file cannot be read or written")]
    Io(#[from] io::Error),
}

impl LogError {
    /// Whether entries or hashes on the disk are others than those that the checkpoint covers.
    #[must_use]
    pub fn is_of_other_bytes(&self) -> bool {
        matches!(
            self,
            LogError::EdgeDiffers | LogError::TileDiffers { .. } | LogError::EntryDiffers { .. }
        )
    }
}
