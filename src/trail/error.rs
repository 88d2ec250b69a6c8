//! What can go wrong on the way to a durable entry.
//! Never carries what was being recorded.
//! A [`TrailFault`] is final for the process: nothing is acknowledged after it.

use crate::store::StoreError;

/// A fault that stops the vault, or keeps it from starting.
#[derive(Debug, thiserror::Error)]
pub enum TrailFault {
    /// The disk under the journal failed. Never retried.
    #[error("the journal cannot be written or read")]
    Journal(#[source] std::io::Error),
    /// Bytes in the journal are not those that were written, and what follows them is.
    #[error("the journal is corrupt in segment {segment} at byte {offset}: {what}")]
    Corrupt {
        /// The segment.
        segment: u64,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A journal file is not the one that was opened.
    #[error("a journal file was removed, replaced or cut")]
    Replaced,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The log failed.
    #[error("the log failed")]
    Log(#[source] gridvault_audit::LogError),
    /// An older log was put in the place of this one.
    #[error("the log has {size} entries, and {who} has seen {seen} of it: it is {} behind", seen - size)]
    Behind {
        /// Who has seen more.
        who: String,
        /// Entries of the log.
        size: u64,
        /// Entries that were seen.
        seen: u64,
    },
    /// An older journal was put in the place of this one.
    #[error("the journal ends at {journal} entries, and the log has {log}: the journal is {} behind", log - journal)]
    JournalBehind {
        /// Entries of the journal.
        journal: u64,
        /// Entries of the log.
        log: u64,
    },
    /// An older store was put in the place of this one.
    #[error(
        "the store knows of {store} entries of the log, and {flushed} were flushed in it: it was put back"
    )]
    StoreBehind {
        /// Entries that the checkpoint in the store covers.
        store: u64,
        /// Entries that it covered when the store was last flushed.
        flushed: u64,
    },
    /// Another log was put in the place of this one.
    #[error("the log is not the one of which {who} has seen {size} entries")]
    Forked {
        /// Who has seen another.
        who: String,
        /// Entries that were seen.
        size: u64,
    },
    /// The journal's beginning is gone, and nothing says that the store holds what was in it.
    #[error(
        "the journal begins with segment {segment}, and no mark says that the store holds what was before"
    )]
    Beginning {
        /// The first segment that is there.
        segment: u64,
    },
    /// The disk under the snapshots failed.
    #[error("a snapshot cannot be written or read")]
    Snapshots(#[source] std::io::Error),
    /// A snapshot is not what was written, or not of this vault.
    #[error("the snapshot {name} cannot be used: {what} (block {block})")]
    Snapshot {
        /// Its file.
        name: String,
        /// The block in it.
        block: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A thread of the trail ended.
    #[error("a thread of the trail ended")]
    Thread,
}

impl TrailFault {
    /// Whether the store is what is wrong, so that making it again from snapshot and journal is the way out.
    pub fn is_of_the_store(&self) -> bool {
        matches!(
            self,
            TrailFault::Store(_) | TrailFault::StoreBehind { .. } | TrailFault::Beginning { .. }
        )
    }
}

/// Why something was not recorded. The caller gets nothing.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// The trail stopped; see [`TrailFault`].
    #[error("the trail cannot be written")]
    Unavailable,
    /// The witnesses have been away for longer than data may be served without them.
    #[error("the oldest entry waits too long for the witnesses")]
    Unwitnessed,
    /// The host's clock is not what the time was before and the time that passed since.
    #[error("the clock is in doubt")]
    ClockInDoubt,
    /// Too much is waiting.
    #[error("too many operations are waiting")]
    Overloaded,
    /// The disk has no room for it. Nothing happened, and it may be tried again once there is room.
    #[error("the disk has no room for it")]
    Full,
    /// A change is larger than a frame takes, or a value of it larger than the store takes.
    #[error("a change is larger than the journal takes")]
    TooLarge,
    /// A change touches a key that its target does not own. A defect, never input.
    #[error("a change touches a key that its target does not own")]
    Foreign,
    /// The keyring could not be written.
    #[error("the keyring could not be written")]
    Keyring(#[source] gridvault_keys::KeyError),
    /// The context could not be sealed.
    #[error("the context of an entry could not be sealed")]
    Context,
    /// The key of this month's contexts sealed as often as one may. Nothing happened.
    #[error("the key of this month's contexts has sealed as often as one may: rotate it")]
    KeyUsedUp,
}
