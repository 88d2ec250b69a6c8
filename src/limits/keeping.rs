//! Limits of what a vault keeps beside its store: snapshots, backups and the ledger of erasures.
//! Never a limit of a request; those are in `limits`.
//! Each has a unit in its name and a reason.

use super::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, VALUE_BYTES_MAX};
use std::time::Duration;

/// Journal behind the last snapshot, in bytes, that makes the next one due, unless configured; where the last snapshot is more than
/// twice as long, half of its length. So no more is written for snapshots than two bytes for each byte of the journal.
pub const SNAPSHOT_JOURNAL_BYTES: u64 = 512 * 1024 * 1024;
/// Least that may be configured: the smallest segment, since whole segments alone are looked at.
pub const SNAPSHOT_JOURNAL_BYTES_MIN: u64 = SEGMENT_BYTES_MIN;
/// Most that may be configured.
pub const SNAPSHOT_JOURNAL_BYTES_MAX: u64 = 1024 * 1024 * 1024 * 1024;
/// Verified snapshots that are kept, unless configured: one may be found damaged later, and the one before it is still whole.
pub const SNAPSHOTS_KEPT_COUNT: u32 = 2;
/// Fewest that may be configured.
pub const SNAPSHOTS_KEPT_COUNT_MIN: u32 = 1;
/// Most that may be configured.
pub const SNAPSHOTS_KEPT_COUNT_MAX: u32 = 32;
/// How often somebody looks whether a snapshot is due.
pub const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(10);
/// Pause after one could not be made.
pub const SNAPSHOT_RETRY_INTERVAL: Duration = Duration::from_secs(300);
/// Rows under one digest, in bytes, but for the one that goes beyond it.
pub const SNAPSHOT_BLOCK_BYTES: usize = 256 * 1024;
/// Longest block that is read: as many, the longest value, and what lies around it.
pub const SNAPSHOT_BLOCK_BYTES_MAX: usize = SNAPSHOT_BLOCK_BYTES + VALUE_BYTES_MAX + 4 * 1024;
/// Steps of the journal that are sorted in memory at a time, in bytes.
pub const SNAPSHOT_RUN_BYTES: usize = 32 * 1024 * 1024;
/// Sorted runs after which no further segment is begun: a file each, and a block in memory while they are merged. What is
/// left is the next snapshot's.
pub const SNAPSHOT_RUNS_COUNT_MAX: usize = 32;
/// Journal that one snapshot takes in at most, in bytes: its runs, and the segment that goes beyond them.
pub const SNAPSHOT_ROUND_BYTES_MAX: u64 =
    (SNAPSHOT_RUNS_COUNT_MAX * SNAPSHOT_RUN_BYTES) as u64 + SEGMENT_BYTES_MAX;
/// Bytes that are handed to the disk at a time while the vault serves, so that a sync of the journal never waits for more.
pub const SNAPSHOT_SYNC_BYTES: u64 = 2 * 1024 * 1024;
/// Bytes that a snapshot reads and writes in a second at most while the vault serves.
pub const SNAPSHOT_BYTES_PER_SECOND: u64 = 32 * 1024 * 1024;

/// Files of one bulk part: two for each 256 entries of the log, and a few beside them.
pub const BACKUP_FILES_COUNT_MAX: usize = 16 * 1024 * 1024;
/// Bytes of the list of them.
pub const BACKUP_LIST_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Bulk parts that were made one since the other, the whole one counted: a year of daily ones, and some.
pub const BACKUP_CHAIN_PARTS_COUNT_MAX: usize = 400;
/// Bulk parts in one directory among which those before another are looked for.
pub const BACKUP_SIBLINGS_COUNT_MAX: usize = 4_096;
/// Entries behind a snapshot among which the one that names its digest is looked for.
pub const SNAPSHOT_SEEK_ENTRIES_COUNT: u64 = 16 * 1024 * 1024;

/// Longest line of the ledger of erasures, in bytes: ids, codes, a name of a log, and a tag.
pub const ERASURE_LEDGER_LINE_BYTES_MAX: usize = 1_024;
/// Longest ledger that is read: a million erasures.
pub const ERASURE_LEDGER_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// How long a second place may take for one line; who waits is told that it did not answer.
pub const ERASURE_LEDGER_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a second place that is called may take for one request: a line is put and read back within the time for a line.
pub const ERASURE_LEDGER_REQUEST_TIME_MAX: Duration = Duration::from_secs(4);
/// Lines that a second place is asked for at once.
pub const ERASURE_LEDGER_READ_COUNT: u64 = 8;
/// Lines that a second place is asked for at most, one object each: more than as many bytes have.
pub const ERASURE_LEDGER_LINES_COUNT_MAX: u64 = 4_000_000;
/// How long the reading of a whole ledger may take from a second place that is called, in microseconds: an hour.
pub const ERASURE_LEDGER_READ_MICROS_MAX: u64 = 3_600_000_000;
/// Longest URL of a second place.
pub const ERASURE_LEDGER_URL_CHARACTERS_MAX: usize = 512;
/// Longest token that is shown to a second place.
pub const ERASURE_LEDGER_TOKEN_BYTES_MAX: usize = 8_192;
/// Rows that are looked at in one step where erasures of a ledger are carried out again.
pub const ERASURE_REPLAY_ROWS_COUNT: usize = 256;
