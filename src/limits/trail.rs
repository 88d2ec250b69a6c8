//! What waits to be durable, what stays on the disk, and how the store is held against the log.
//! Bounded in number, bytes and time.
//! Held by trail and jobs.

use std::time::Duration;

// --- jobs ---

/// The rest between two walks over what is past its end, unless the configuration says another.
pub const EXPIRY_REST: Duration = Duration::from_secs(3_600);
/// The longest that may be configured: a day, which is how exact an end is.
pub const EXPIRY_REST_MAX: Duration = Duration::from_secs(86_400);
/// Longest time from a start to the first walk.
pub const EXPIRY_FIRST_PAUSE_MAX: Duration = Duration::from_secs(60);
/// The rest after a walk that came to no end.
pub const EXPIRY_RETRY_PAUSE: Duration = Duration::from_secs(60);
/// Its share of one processor, in percent.
pub const EXPIRY_SHARE_PERCENT: u64 = 10;
/// Records past their end that are looked at in one part of a walk. Keys that go with them wait under one id, whose record names each
/// of their entries; whoever erases somebody waits for a part, a few tenths of a second.
pub const EXPIRY_PART_COUNT: usize = 32;
/// How far the clock may be ahead of the last entry before a start and the time since, for what it removes for good: a vault that
/// was off for longer removes later, and one whose clock leapt by years removes nothing that is not over within so long.
pub const EXPIRY_CLOCK_LEAP_MAX: Duration = Duration::from_secs(2 * 86_400);
/// The rest between two rounds of the scrub unless the configuration says another.
pub const SCRUB_REST: Duration = Duration::from_secs(3_600);
/// The longest that may be configured: a day.
pub const SCRUB_REST_MAX: Duration = Duration::from_secs(86_400);
/// Longest time from a start to the first round.
pub const SCRUB_FIRST_PAUSE_MAX: Duration = Duration::from_secs(60);
/// The rest after a round that came to no end.
pub const SCRUB_RETRY_PAUSE: Duration = Duration::from_secs(60);
/// The scrub's share of one processor, in percent.
pub const SCRUB_SHARE_PERCENT: u64 = 10;
/// Rows that it looks at in one step: a millisecond or two.
pub const SCRUB_ROWS_COUNT: usize = 256;
/// Entries of one step: a bundle.
pub const SCRUB_ENTRIES_COUNT: u64 = 256;
/// How long a job rests at most once the vault stops.
pub const JOB_STOP_TIME: Duration = Duration::from_millis(100);
/// Records that are held against the log in one pass over it: about 30 MiB of memory, and at most twice as much.
pub const SCRUB_PART_COUNT: usize = 131_072;
/// Records that the entry of a round names, of those that differ.
pub const SCRUB_REPORTED_COUNT_MAX: usize = 16;
/// How long a round waits for entries that rows name to be in the log: those that exist are there within a second.
pub const SCRUB_WAIT_MAX: Duration = Duration::from_secs(30);
/// How often it looks for them.
pub const SCRUB_WAIT_PAUSE: Duration = Duration::from_millis(50);

/// The share of one processor that a rotation of keys takes unless the configuration says another, in percent.
pub const ROTATION_SHARE_PERCENT: u64 = 20;
/// The rest after a step of a rotation that failed, and while the disk is not ample.
pub const ROTATION_RETRY_PAUSE: Duration = Duration::from_secs(60);
/// How long the former key of the log signs beside the one that follows it: so long have auditors and witnesses to take that over.
pub const LOG_OVERLAP_SECONDS: i64 = 7 * 86_400;
/// How often a rotation that waits for a moment looks whether it came.
pub const ROTATION_LOOK_PAUSE: Duration = Duration::from_secs(10);

// --- trail ---

/// Operations waiting for the committer; beyond it the answer is `overloaded`.
pub const PENDING_COUNT_MAX: usize = 16_384;
/// Bytes of the changes that wait for the committer: sixteen full groups. Beyond it the answer is `overloaded`.
pub const PENDING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long the first in line may have waited for the committer. Beyond it newcomers hear `overloaded` at the door, before
/// their token and body cost anything: the disk stands still, and a longer queue helps nobody.
pub const PENDING_TIME_MAX: Duration = Duration::from_secs(1);
/// Operations in line below which its age does not matter: the next group takes them all, so turning one away would not
/// shorten the wait of another.
pub const PENDING_SHORT_COUNT: usize = 64;
/// Operations in one frame: keeps a frame, and so a torn one, small.
pub const GROUP_COUNT_MAX: usize = 1_024;
/// Bytes of entries and puts in one frame.
pub const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one change: a city's tree of grids is the largest, a household stays far below it.
pub const CHANGE_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Size of a journal segment, in bytes.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Smallest segment that may be configured: one frame of the largest size and its header.
pub const SEGMENT_BYTES_MIN: u64 = 8 * 1024 * 1024;
/// Largest one: a start and a snapshot read a segment into memory as a whole.
pub const SEGMENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Frames journalled whose entries are not yet in the log, in bytes, but for the last group; the committer waits beyond
/// it, and what waits for the committer is refused early.
pub const INTEGRATE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Frames in bytes that end the integrator's pause before its time.
pub const INTEGRATE_BYTES_SOON: usize = 1024 * 1024;
/// Memory of frames that is kept for the next ones: what gathers in a pause of the integrator, twice over.
pub const SPENT_FRAMES_BYTES_MAX: usize = 2 * INTEGRATE_BYTES_SOON;
/// How long entries gather before they are integrated, so that a busy log is not looked at for every group.
pub const INTEGRATE_PAUSE: Duration = Duration::from_millis(10);
/// Longest time between an entry's durability and the checkpoint over it.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(500);
/// How often the engine is flushed and the replay mark moved.
pub const MARK_INTERVAL: Duration = Duration::from_secs(5);
/// Entries after which the mark is moved before its time: replay takes about 26 microseconds an entry, and a start is to
/// be ready within two seconds.
pub const MARK_ENTRIES_COUNT_MAX: u64 = 32_768;
/// Journal bytes after which the mark is moved before its time.
pub const MARK_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Journal bytes behind the mark, but for the last group; the committer waits beyond it. A start reads no more than this,
/// so it bounds how long recovery takes where integration or the engine's flush lag.
pub const UNMARKED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Rows that are read at once while the store is listed for an auditor: 2 MiB at most in memory.
pub const DIGESTS_PAGE_COUNT: usize = 256;
/// How often the thread that asks the witnesses looks for a new checkpoint, of which there is one a second at most.
pub const WITNESS_INTERVAL: Duration = Duration::from_millis(250);
/// Longest time for one question to a witness: it checks a proof and syncs a disk. Other witnesses do not wait for it.
pub const WITNESS_TIME_MAX: Duration = Duration::from_secs(5);
/// Pause after a witness did not cosign, at first; it doubles with each time.
pub const WITNESS_PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest such pause: a witness that comes back is used again within it, well before [`WITNESS_AGE`].
pub const WITNESS_PAUSE_MAX: Duration = Duration::from_secs(30);
/// Age of the oldest entry that is not witnessed at which the operator is told.
pub const WITNESS_ALERT_AGE: Duration = Duration::from_secs(60);
/// Age at which data stops being served, unless the configuration says another: what a thief of disk and keys could take
/// back unseen is bounded by it.
pub const WITNESS_AGE: Duration = Duration::from_secs(15 * 60);
/// Smallest age that may be configured: the alert comes before it.
pub const WITNESS_AGE_MIN: Duration = Duration::from_secs(120);
/// How far the host's clock may be from the time that passed since it was last believed, or behind the log's last entry: beyond it
/// the clock is in doubt, and data is not served. A time service steps by less; below the 300 seconds by which a witness's cosignature
/// may be older than the entry that it covers, so that what is followed within it spoils none.
pub const CLOCK_APART_MAX: Duration = Duration::from_secs(120);
/// How often somebody looks whether the clock is in doubt, and tells.
pub const CLOCK_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How often an idle vault says that it lives.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(60);
/// Changed keys remembered to tell whether a row is still the one that was read.
pub const RECENT_KEYS_COUNT_MAX: usize = 65_536;
/// Versions of actors remembered by the committer from one group to the next.
pub const KNOWN_VERSIONS_COUNT_MAX: usize = 65_536;
/// Refusals of unknown callers recorded one by one, per source and minute; then counted.
pub const STRANGER_REFUSALS_MINUTE_MAX: u32 = 20;
/// Sources of unknown callers counted apart; further ones share one count.
pub const STRANGER_SOURCES_COUNT_MAX: usize = 4_096;
/// Refusals of unknown callers recorded one by one in a minute, over all sources; then counted. Two hundred sources at their own bound: all
/// devices of a street whose tokens ended in one night come in one minute.
pub const STRANGER_ENTRIES_MINUTE_MAX: u32 = 4_000;
/// The same in an hour: about 20 MB of journal and log, half a gigabyte in a day of nothing else. So long as nobody attacks, a city whose people come with
/// tokens of the day before stays below it; and whoever uses it up takes it from others for the rest of an hour, not of a day.
pub const STRANGER_ENTRIES_HOUR_MAX: u32 = 20_000;
/// Refusals of one actor in an hour before it is locked out for the rest of that hour.
pub const ACTOR_REFUSALS_HOUR_MAX: u32 = 600;
/// Lines of one actor's batches that are not well formed and get an entry each, in an hour; then they are counted. Nobody
/// is locked out for them, and a line that is accepted costs more than one that is not.
pub const ACTOR_BAD_LINES_HOUR_MAX: u32 = 600;

// --- the disk ---

/// Free bytes below which nothing new is stored: what was accepted before still needs [`INTEGRATE_BYTES_MAX`] in the log,
/// as much in the engine, and a spare segment of the journal.
pub const DISK_FREE_BYTES_MIN: u64 = 192 * 1024 * 1024;
/// Free files (inodes) below which nothing new is stored. The log makes two for each 256 entries.
pub const DISK_FREE_FILES_MIN: u64 = 4_096;
/// Free bytes below which the reserve file is given up, as much at a time as fills them again: what the log writes between
/// two looks. Small, because whoever fills the disk takes what is given up while it still writes. A segment of the journal
/// is never taken out of them.
pub const DISK_FLOOR_BYTES: u64 = 2 * 1024 * 1024;
/// Free files below which nothing more is recorded but the stop.
pub const DISK_FLOOR_FILES: u64 = 64;
/// Shortest time between two looks at the disk; a look costs a microsecond.
pub const DISK_LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// Bytes of the last segment that only the entry of the stop may use.
pub const STOP_BYTES: usize = 192 * 1024;
/// Bytes of disk that the engine's file holds ahead of its length: what it writes by itself between two marks.
pub const ENGINE_AHEAD_BYTES: u64 = 16 * 1024 * 1024;
