//! What officers may ask for, and what is remembered for them.
//! Bounded in memory, in files and in time.
//! Held by oversight.

use std::time::Duration;

// --- oversight ---

/// Entries of the log that the search index gathers in memory before it writes them as a segment: a start reads no more of
/// the log again, and a search looks through no more of them one by one.
pub const INDEX_SEGMENT_ENTRIES_MAX: usize = 4_096;
/// Terms with their places that are gathered before a segment is written, but for one entry: 2 MiB. An entry that names 256
/// records has over 500.
pub const INDEX_SEGMENT_PAIRS_MAX: usize = 128 * 1024;
/// Segments of one size that are merged into one; after two merges a segment has a million entries.
pub const INDEX_FAN_IN: usize = 16;
/// Terms of a merged segment: its dictionary is held in memory while it is written, 16 bytes each.
pub const INDEX_MERGED_TERMS_MAX: u64 = 4 * 1024 * 1024;
/// Entries that the index reads of the log at a time: a bundle.
pub const INDEX_READ_ENTRIES_COUNT: u64 = 256;
/// How long the index waits before it looks at the log again.
pub const INDEX_PAUSE: Duration = Duration::from_millis(200);
/// How long whoever follows the log waits after a step failed.
pub const FOLLOWER_RETRY_PAUSE: Duration = Duration::from_secs(5);
/// How long an entry of the log is kept unless the configuration says another, in months.
pub const AUDIT_RETENTION_MONTHS: u32 = 36;
/// The shortest time that may be configured: the law asks for six months of network logs.
pub const AUDIT_RETENTION_MONTHS_MIN: u32 = 6;
/// The longest: a hundred years.
pub const AUDIT_RETENTION_MONTHS_MAX: u32 = 1_200;
/// How long the context of an entry opens at most, in months, however long the entry is kept: a ring has places for the keys of 60
/// months, and some of them are for those to come.
pub const CONTEXTS_MONTHS_MAX: u32 = 54;
/// Bundles that one pruning looks through: a quarter of a million entries, a second of reading.
pub const RETENTION_BUNDLES_COUNT_MAX: u64 = 1_024;
/// How often the beginning of the log is looked at.
pub const RETENTION_INTERVAL: Duration = Duration::from_secs(3_600);
/// The same while a recorded pruning waits to be shown.
pub const RETENTION_WAIT: Duration = Duration::from_secs(1);
/// How far the clock may be ahead of the last entry before a start and the time since: a vault that was off for longer
/// prunes later, and a clock that leapt by years prunes nothing.
pub const RETENTION_CLOCK_LEAP_MAX: Duration = Duration::from_secs(31 * 86_400);
/// Entries in one answer of an export: 2 MiB as JSON of the widest form.
pub const EXPORT_PAGE_COUNT_MAX: usize = 1_000;
/// Entries of one evidence pack: it is made in memory, about 4 KiB for each.
pub const PACK_ENTRIES_COUNT_MAX: usize = 2_000;
/// Accounts that are followed for anomalies, of those with an entry in the last thirty days: twice those of the largest city.
/// What is remembered of each is a few kilobytes.
pub const ANOMALY_ACTORS_COUNT_MAX: usize = 65_536;
/// Records and persons of a day that are counted once each, over all accounts: about 70 MB.
pub const ANOMALY_HASHES_COUNT_MAX: usize = 4 * 1024 * 1024;
/// Anomalies that are kept; older ones are forgotten, and the list says how many.
pub const ANOMALIES_COUNT_MAX: usize = 100_000;
/// Emergency accesses whose reviews the search for anomalies awaits at a time.
pub const ANOMALY_EMERGENCIES_COUNT_MAX: usize = 65_536;
/// Entries that an anomaly names; of more, the first ones and the last.
pub const ANOMALY_ENTRIES_COUNT_MAX: usize = 100;
/// Largest number of dwellings that the rule of sweeps may be asked to remember for an account.
pub const ANOMALY_SWEEP_COUNT_MAX: usize = 100;
/// Rest after each bundle while the search for anomalies catches up: about as long as it works on one.
pub const ANOMALY_CATCH_UP_PAUSE: Duration = Duration::from_millis(1);
/// Entries after which what the search for anomalies remembers is kept again, at the end of a day: fewer are walked again
/// within a second.
pub const ANOMALY_KEEP_ENTRIES_COUNT: u64 = 65_536;
/// How often the search for anomalies looks for new entries.
pub const ANOMALY_PAUSE: Duration = Duration::from_millis(250);
/// Reviews that there may be, closed ones counted: three years of ninety a day.
pub const REVIEWS_COUNT_MAX: usize = 100_000;
/// Entries that a review gathers.
pub const REVIEW_ENTRIES_COUNT_MAX: usize = 256;
/// Texts in a review, its closing counted.
pub const REVIEW_NOTES_COUNT_MAX: u16 = 100;
/// Entries that a sample draws of each role.
pub const SAMPLE_EACH_COUNT_MAX: u8 = 3;
/// Officers that a sample leaves out beside the one who draws it.
pub const SAMPLE_WITHOUT_COUNT_MAX: usize = 8;
/// Places of the index that one count or draw walks through: a month of the largest city. About two seconds.
pub const TALLY_PLACES_COUNT_MAX: u64 = 32 * 1024 * 1024;
/// Things to be put right that there may be, done ones counted.
pub const RECTIFICATIONS_COUNT_MAX: usize = 100_000;
/// Longest time that something may take to be put right, in days.
pub const RECTIFICATION_DAYS_MAX: i32 = 366;
/// Overdue things that a report names; it counts all.
pub const REPORT_ITEMS_COUNT_MAX: usize = 100;
/// Longest text that an officer writes in a review, in characters.
pub const REMARK_CHARACTERS_MAX: usize = 2_000;
/// Handles of records, and of subjects, that one line of CEF names: a receiver takes 8,192 bytes (RFC 5425 section 4.3.1).
pub const CEF_HANDLES_COUNT_MAX: usize = 128;
/// Entries that go to a receiver in one session: what is sent again when it does not confirm.
pub const SHIP_SESSION_COUNT_MAX: u64 = 8_192;
/// How long after a confirmed session the log is looked at again.
pub const SHIP_PAUSE: Duration = Duration::from_secs(1);
/// Pause after a failed session; it doubles with each.
pub const SHIP_RETRY_PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest such pause.
pub const SHIP_RETRY_PAUSE_MAX: Duration = Duration::from_secs(60);
/// How long a receiver may take to accept a connection.
pub const SHIP_CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a receiver may take nothing, or not confirm.
pub const SHIP_WAIT_TIME_MAX: Duration = Duration::from_secs(30);
/// Searches, pages of exports and packs that are worked on at a time; others wait. A pack takes up to 16 MiB.
pub const SEARCHES_COUNT_MAX: usize = 4;
/// Looks of one page of a search; then the page says where to go on. Each costs about a microsecond.
pub const SEARCH_LOOKS_COUNT_MAX: usize = 20_000;
