//! The one door for change: journal, committer, recovery, and the receipts that they give.
//! Never opens sealed data and never decides; whatever cannot be recorded does not happen.
//! A receipt exists only after the entry, and the change with it, is durable.

mod alarm;
mod backup;
mod clock;
mod committer;
mod contexts;
mod damage;
mod entry;
mod erasure_ledger;
mod error;
mod integrate;
mod journal;
mod lag;
mod ledgers;
mod log_keys;
mod permitted;
mod readings;
mod rebuild;
mod recall;
mod receipt;
mod recover;
mod refusals;
mod rights;
mod sequence;
mod snapshot;
mod space;
mod start;
mod upkeep;
mod way_in;
mod witness;

pub use backup::{
    BackupError, BroughtCheckpoint, Bulk, BulkAt, BulkJudged, BulkSource, HadBefore, LedgerAge,
    LedgerBehind, Restored, Restoring, bulk_digest, bulk_size, create_bulk, gather_bulk,
    ledger_age, restore, verify_bulk, wrapped_anew,
};
pub use clock::ClockNews;
pub use committer::Applied;
pub use entry::Announcement;
pub use erasure_ledger::{
    ErasureLedger, LedgerError, LedgerMark, LedgerObjects, LedgerPlace, ToldErasure,
};
pub use error::{TrailError, TrailFault};
pub use journal::{FileMedia, Media, Room, Segment};
pub use readings::{GROUP_SIZES, GroupSizes, Readings};
pub use rebuild::{Rebuilding, Rebuilt, hold_in_doubt, rebuild};
pub use receipt::{Receipt, Recorded, Refused, Unrecorded};
pub use snapshot::{SnapshotError, SnapshotSettings, SnapshotStep, Snapshots};
pub use space::Space;
pub use start::{Settings, Surroundings, Trail};
pub use upkeep::{KeyNews, Restoration, ScrubCounts};
pub use way_in::{Ceremony, CeremonyAct};
pub use witness::{Witnesses, WitnessesError};

#[cfg(test)]
mod tests;
