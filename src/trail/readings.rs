//! What whoever operates a vault may watch of its trail: counts, sizes and ages.
//! Never anything by actor, grid or record: a number that goes with a name would be a log that nobody guards.
//! A reading costs a lock that is taken once for each group.

use super::Trail;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the sizes of groups that are counted apart.
pub const GROUP_SIZES: [u64; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/// How many groups had how many entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupSizes {
    /// Groups up to each of [`GROUP_SIZES`] and above the one before it; the last counts what is above all.
    pub counts: [u64; GROUP_SIZES.len() + 1],
    /// Entries of all groups.
    pub entries: u64,
}

/// What is counted as it happens, in this run.
#[derive(Default)]
pub(super) struct Counted {
    /// Refusals.
    pub(super) refused: AtomicU64,
    /// Requests that met something which is not what the vault wrote.
    pub(super) damaged: AtomicU64,
}

/// The trail at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readings {
    /// Entries that are durable, in this run and before; 0 before the first of this run.
    pub appended: u64,
    /// The groups of this run.
    pub groups: GroupSizes,
    /// Entries that are durable and not in the log's tiles yet, in bytes.
    pub unintegrated_bytes: u64,
    /// Journal behind the replay mark, in bytes.
    pub unmarked_bytes: u64,
    /// Since this run published a checkpoint.
    pub checkpoint_age: Option<Duration>,
    /// Entries that it covers.
    pub published: u64,
    /// Refusals of this run, recorded or counted.
    pub refused: u64,
    /// Requests of this run that met something stored which is not what the vault wrote.
    pub damaged: u64,
}

impl GroupSizes {
    pub(super) fn count(&mut self, entries: u64) {
        let place = GROUP_SIZES.partition_point(|bound| *bound < entries);
        self.counts[place] += 1;
        self.entries += entries;
    }
}

impl Trail {
    /// The trail as it is now.
    pub fn readings(&self) -> Readings {
        Readings {
            published: *self.durable.borrow(),
            refused: self.counted.refused.load(Ordering::Relaxed),
            damaged: self.counted.damaged.load(Ordering::Relaxed),
            ..self.asked.readings()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_is_counted_where_its_size_lies() {
        let mut sizes = GroupSizes::default();
        for entries in [1, 2, 3, 4, 1_024, 1_025] {
            sizes.count(entries);
        }
        assert_eq!(sizes.counts, [1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(sizes.entries, 2_059);
    }
}
