//! The bulk part of a backup: a snapshot, the journal behind it and the log, copied while the vault serves or stands still.
//! Never needs a key, and holds nothing that opens without the key part, which is written and kept apart from it.
//! A bulk part counts only with its list of files, which is written last, once everything else is on the disk.
//!
//! # Why a copy made beside a writer is whole
//!
//! The checkpoint is taken first. Every entry that it covers was in the journal before it was in the log, and tiles that it covers
//! never change, so whatever is copied after it reaches at least as far. The snapshot and the segments from its place on are opened
//! before the first byte is copied, so a keeper that takes them away meanwhile takes away names alone. The newest segment is copied
//! while it is written to, so it is read from its end to its beginning: a frame is begun once the one before it is on the disk, so before
//! whatever is seen of a frame all others are whole when they are read. What is behind the last whole frame is what a crash would leave, and is
//! cut when the part is read, as at a start. A newest segment with anything else in it is read again, and makes no part where that stays so.
//!
//! # Why a part that was made since another is whole
//!
//! Every file of the state is read and digested, copied or not. A file that never changes (a closed segment, a snapshot, a full tile) and that
//! the list of the part before has with the same digest is not written again: the new list has its digest all the same. So the list is that
//! of a whole part, and says besides what does not lie here; the digest of it stands for everything. It names the list before by its digest.

mod anew;
mod chain;
mod create;
mod gather;
mod ledger_age;
mod list;
mod restore;
mod verify;

use super::TrailFault;
use std::io;
use std::path::PathBuf;

pub use anew::{bulk_size, wrapped_anew};
pub use chain::BulkAt;
pub use create::{Bulk, BulkSource, create_bulk};
pub use gather::gather_bulk;
pub use ledger_age::{BroughtCheckpoint, HadBefore, LedgerAge, LedgerBehind, ledger_age};
pub use restore::{Restored, Restoring, restore};
pub use verify::{BulkJudged, bulk_digest, verify_bulk};

/// Name of the list of files.
const LIST_FILE: &str = "files";
/// Name of the copied configuration.
const CONFIG_FILE: &str = "config";
/// Directories of the copied log, journal and snapshot.
const LOG: &str = "log";
const JOURNAL: &str = "journal";
const SNAPSHOTS: &str = "snapshots";

/// Why a bulk part was not made, or is not to be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something lies where the backup should go.
    #[error("the directory {} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// A file cannot be read or written.
    #[error("{} cannot be read or written", .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// The log has no checkpoint yet.
    #[error("the log has no checkpoint yet: start the vault once")]
    NoCheckpoint,
    /// Journal, snapshots or log changed faster than they could be copied.
    #[error("journal or log changed while they were copied; try again")]
    Moving,
    /// Keys of people who were erased are not destroyed yet.
    #[error(
        "keys of people who were erased are being destroyed: wait for it, a keyring of now would still open them"
    )]
    Destroying,
    /// More subject keys were wrapped anew than a key part takes.
    #[error(
        "more subject keys were wrapped anew than a key part takes: make a new bulk part, and name it"
    )]
    TooManyAnew,
    /// The list of files is not one.
    #[error("the list of files of the bulk part cannot be used: {0}")]
    List(&'static str),
    /// The list of files of a part that was named as one before is not one.
    #[error("the list of files of {} cannot be used: {what}", .directory.display())]
    ListOf {
        /// The directory that was named.
        directory: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A part before is not there.
    #[error(
        "the bulk part that {} was made since is missing: none of the {looked_at} lists of files that were looked at has the digest {digest}; name its directory (--bulk-before)",
        .of.display()
    )]
    PartMissing {
        /// The part that needs it.
        of: PathBuf,
        /// SHA-256 of its list, in hexadecimal.
        digest: String,
        /// Lists that were looked at.
        looked_at: usize,
    },
    /// A part before is not there, and a list that could be its own is none.
    #[error("a bulk part of the chain is missing, and the list of files of {} is cut or changed", .0.display())]
    PartChanged(PathBuf),
    /// A part before is of another vault.
    #[error("{} is a bulk part of another vault", .0.display())]
    OtherVault(PathBuf),
    /// A part before is of another log of the same name, or of one that was put back since.
    #[error("the log does not continue that of the bulk part {}: make a whole part", .0.display())]
    NoContinuation(PathBuf),
    /// A part before says that it came behind the one that was made since it.
    #[error("{} is a later bulk part than the one that was made since it", .0.display())]
    LaterPart(PathBuf),
    /// A part was named that the chain does not need.
    #[error("{} is no part before this one, or is named twice", .0.display())]
    NoAncestor(PathBuf),
    /// A file is to be in a part before, whose list does not have it.
    #[error("{path} is to be in the bulk part {}, whose list does not have it", .directory.display())]
    NotHeld {
        /// Beneath a bulk part.
        path: String,
        /// The part that should have it.
        directory: PathBuf,
    },
    /// A chain has more parts than any.
    #[error("more bulk parts were made one since the other than can be used: make a whole part")]
    TooManyParts,
    /// A file is not the one that was written.
    #[error("{path}: {what}")]
    Damaged {
        /// Beneath the bulk part; with its directory where that is one before.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The vault's own journal has something else where a frame or the end of them should be.
    #[error("{path}: something in it is no frame")]
    NoFrame {
        /// Beneath the vault.
        path: String,
    },
    /// The log's proof does not hold.
    #[error("the log of the bulk part does not verify")]
    Log(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What was read contradicts what was expected of it.
    #[error("{0}")]
    Refused(&'static str),
    /// Snapshot, journal or log cannot be read, or are not what was written.
    #[error("snapshot, journal or log cannot be used")]
    Trail(#[from] TrailFault),
}

fn io_at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.into();
    move |error| BackupError::Io(path, error)
}
