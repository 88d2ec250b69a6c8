//! The bulk part of a backup: a snapshot, the journal behind it and the log, copied while the vault serves or stands still.
//! Never needs a key, and holds nothing that opens without the key part, which is written and kept apart from it.
//! A bulk part counts only with its list of files, which is written last, once everything else is on the disk.
//!
//! # Why a copy made beside a writer is whole
//!
//! The checkpoint is taken first. Every entry that it covers was in the journal before it was in the log, and tiles that it covers
//! never change, so whatever is copied after it reaches at least as far. The snapshot and the segments from its place on are opened
//! before the first byte is copied, so a keeper that takes them away meanwhile takes away names alone. The newest segment is copied
//! while it is written to: what is behind its last whole frame is what a crash would leave, and is cut when it is read, as at a start.

mod anew;
mod create;
mod ledger_age;
mod list;
mod restore;
mod verify;

use super::TrailFault;
use std::io;
use std::path::PathBuf;

pub use anew::{bulk_size, wrapped_anew};
pub use create::{Bulk, BulkSource, create_bulk};
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
    /// A file is not the one that was written.
    #[error("{path}: {what}")]
    Damaged {
        /// Beneath the bulk part.
        path: String,
        /// What is wrong with it.
        what: &'static str,
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
