//! The one door for change: journal, committer, recovery, and the receipts that they give.
//! Never opens sealed data and never decides; whatever cannot be recorded does not happen.
//! A receipt exists only after the entry, and the change with it, is durable.

mod alarm;
mod committer;
mod entry;
mod error;
mod integrate;
mod journal;
mod ledgers;
mod permitted;
mod readings;
mod recall;
mod receipt;
mod recover;
mod refusals;
mod sequence;
mod space;
mod start;
mod way_in;
mod witness;

pub use committer::Applied;
pub use entry::Announcement;
pub use error::{TrailError, TrailFault};
pub use journal::{FileMedia, Media, Room, Segment};
pub use readings::{GROUP_SIZES, GroupSizes, Readings};
pub use receipt::{Receipt, Recorded, Refused, Unrecorded};
pub use space::Space;
pub use start::{Settings, Surroundings, Trail};
pub use witness::{Witnesses, WitnessesError};

#[cfg(test)]
mod tests;
