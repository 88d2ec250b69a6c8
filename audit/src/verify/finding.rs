//! What the verifier can say about a log that is not as it should be.
//! Never holds content of an entry: an index, a class and a fixed sentence.
//! Tampering, a log that cannot be reached and a storage that fails are three different answers.

use std::io;

use thiserror::Error;

/// What kind of tampering was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An entry is not the one that was signed.
    EntryChanged,
    /// A bundle cannot be cut into its entries.
    BundleMalformed,
    /// The entries are the signed ones, a tile of hashes is not.
    TileChanged,
    /// Entries or hashes that the checkpoint covers are missing.
    Truncated,
    /// A partial file disagrees with the tile or bundle that it is the beginning of.
    PartialDisagrees,
    /// Entries and tiles agree with each other and not with the signed root.
    RootMismatch,
    /// A link or something else than a plain file stands where a file of the log belongs.
    NotAPlainFile,
    /// The checkpoint is not a signed note of the strict form.
    NoteMalformed,
    /// The checkpoint names another log than the key does.
    OriginDiffers,
    /// No signature of the checkpoint is by the given key.
    KeyUnknown,
    /// A signature in the given key's name does not verify.
    SignatureInvalid,
    /// A cosignature is from the future, or older than an entry that it covers.
    CosignatureTime,
    /// The policy's witnesses have not cosigned, or not enough of them, or too long ago.
    QuorumMissing,
    /// The checkpoint covers less than one that was seen before.
    CheckpointStale,
    /// The log is not a continuation of a checkpoint that was seen before.
    HistoryRewritten,
    /// A witness has seen a log of this name that this one is no continuation of.
    ViewDiffers,
    /// The sealed record on disk is not the one of its last entry.
    RecordChanged,
    /// A sealed record on disk has no entry that made it, or one that removed it.
    RecordUnknown,
    /// A record that an entry made, and none removed, is not on disk.
    RecordMissing,
    /// A signed entry is not canonical JSON with the members of the format.
    EntryMalformed,
    /// A signed entry is of another version of the format.
    VersionUnknown,
    /// A signed entry bears another sequence number than its index.
    SequenceBroken,
    /// A signed entry is earlier than the one before it, without a start between them.
    TimeBackwards,
    /// A signed entry has an event that the format does not know.
    UnknownEvent,
    /// A signed entry says that something was done, and that it was refused.
    OutcomeContradicted,
    /// A signed entry cites a policy that no earlier entry put in force.
    PolicyUnknown,
    /// Entries are missing, and no entry of the log says that they were pruned.
    PruneUnrecorded,
    /// Entries were pruned before the shortest retention was over.
    PruneEarly,
    /// A proof file is not of the strict form.
    ProofMalformed,
    /// A proof does not lead from the entry to the signed root.
    ProofWrong,
}

impl Class {
    /// Stable name, for machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Class::EntryChanged => "entry_changed",
            Class::BundleMalformed => "bundle_malformed",
            Class::TileChanged => "tile_changed",
            Class::Truncated => "truncated",
            Class::PartialDisagrees => "partial_disagrees",
            Class::RootMismatch => "root_mismatch",
            Class::NotAPlainFile => "not_a_plain_file",
            Class::NoteMalformed => "note_malformed",
            Class::OriginDiffers => "origin_differs",
            Class::KeyUnknown => "key_unknown",
            Class::SignatureInvalid => "signature_invalid",
            Class::CosignatureTime => "cosignature_time",
            Class::QuorumMissing => "quorum_missing",
            Class::CheckpointStale => "checkpoint_stale",
            Class::HistoryRewritten => "history_rewritten",
            Class::ViewDiffers => "view_differs",
            Class::RecordChanged => "record_changed",
            Class::RecordUnknown => "record_unknown",
            Class::RecordMissing => "record_missing",
            Class::EntryMalformed => "entry_malformed",
            Class::VersionUnknown => "version_unknown",
            Class::SequenceBroken => "sequence_broken",
            Class::TimeBackwards => "time_backwards",
            Class::UnknownEvent => "unknown_event",
            Class::OutcomeContradicted => "outcome_contradicted",
            Class::PolicyUnknown => "policy_unknown",
            Class::PruneUnrecorded => "prune_unrecorded",
            Class::PruneEarly => "prune_early",
            Class::ProofMalformed => "proof_malformed",
            Class::ProofWrong => "proof_wrong",
        }
    }
}

/// One piece of tampering: the first in the order of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind it is.
    pub class: Class,
    /// Index of the first entry concerned; `None` where none can be named.
    pub index: Option<u64>,
    /// Level of the tile concerned.
    pub level: Option<u32>,
    /// What was seen, in a sentence.
    pub detail: &'static str,
}

impl Finding {
    pub(super) fn new(class: Class, detail: &'static str) -> Finding {
        Finding { class, index: None, level: None, detail }
    }

    pub(super) fn at(class: Class, index: u64, detail: &'static str) -> Finding {
        Finding { class, index: Some(index), level: None, detail }
    }
}

/// Why a log was not accepted.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// It was tampered with.
    #[error("tampering found: {}: {}", .0.class.code(), .0.detail)]
    Tampered(Finding),
    /// There is no checkpoint, so there is nothing to hold the files against.
    #[error("directory holds no checkpoint")]
    NoCheckpoint,
    /// The earlier checkpoint, which the auditor brought, is not one of this log; nothing was judged by it.
    #[error("earlier checkpoint cannot be used: {}", .0.detail)]
    EarlierRefused(Finding),
    /// What a witness is said to have shown is not a checkpoint that it cosigned; nothing was judged by it.
    #[error("view of a witness cannot be used: {}", .0.detail)]
    ViewRefused(Finding),
    /// Too few witnesses answered to make the quorum.
    #[error("too few witnesses showed their view of the log")]
    ViewsMissing,
    /// The list of the store's digests is not one of this log, or covers more than it.
    #[error("list of digests cannot be used: {0}")]
    DigestsRefused(&'static str),
    /// The log was pruned while it was read, so that a part of it was gone.
    #[error("log was pruned while it was read; verify it again")]
    Moved,
    /// The path leads through `..` or is a link.
    #[error("path leads upwards or is a link")]
    PathRefused,
    /// The log cannot be reached.
    #[error("log cannot be read")]
    Unreadable(#[source] io::Error),
    /// The storage failed while it was read.
    #[error("storage failed while the log was read")]
    Storage(#[source] io::Error),
}

impl From<Finding> for VerifyError {
    fn from(finding: Finding) -> VerifyError {
        VerifyError::Tampered(finding)
    }
}

impl From<io::Error> for VerifyError {
    fn from(error: io::Error) -> VerifyError {
        match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NotConnected
            | io::ErrorKind::TimedOut
            | io::ErrorKind::Unsupported => VerifyError::Unreadable(error),
            _ => VerifyError::Storage(error),
        }
    }
}
