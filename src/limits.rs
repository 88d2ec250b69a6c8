//! Every limit of the service, with its unit and its reason.
//! Holds numbers alone; the rooms that keep them are named beside each.
//! Raising one is a decision: its reason must still hold.

mod keeping;

pub use keeping::*;
use std::time::Duration;

// --- the door (http) ---

/// Longest accepted request body, in bytes. A household of twenty with long free texts stays below it.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Deepest nesting of arrays and objects in a body. Ours needs five.
pub const BODY_DEPTH_MAX: usize = 16;
/// Longest `fields` list of one read; the largest schema has fewer.
pub const READ_FIELDS_COUNT_MAX: usize = 64;
/// Longest query string, in bytes: 64 field names of 32 characters.
pub const QUERY_BYTES_MAX: usize = 2_304;
/// Longest bearer token, in bytes; the vault's own have about 500.
pub const TOKEN_BYTES_MAX: usize = 4_096;
/// Time for a client to send its request head, counted from the end of the answer before it; so an idle connection is
/// closed after as long. Whoever comes again opens another one for a fraction of a millisecond.
pub const HEADER_TIME_MAX: Duration = Duration::from_secs(5);
/// Time for a client to send its whole body.
pub const BODY_TIME_MAX: Duration = Duration::from_secs(10);
/// Time in which a body must bring [`BODY_PACE_BYTES_MIN`] or its end: a client that trickles is cut off before its time.
pub const BODY_PACE_TIME: Duration = Duration::from_secs(3);
/// Bytes that a body must bring in each [`BODY_PACE_TIME`]; the slowest mobile network brings ten times as much.
pub const BODY_PACE_BYTES_MIN: usize = 4 * 1024;
/// Bytes of a body that is too large which are read and thrown away, so that its client, which is still sending, finds the
/// answer instead of a broken connection. It holds no memory and one [`BODY_PACE_TIME`] at most.
pub const BODY_DISCARD_BYTES_MAX: usize = 1024 * 1024;
/// Time in which a client must take [`WRITE_PACE_BYTES_MIN`] of an answer that does not fit into the kernel's buffers: who
/// stops reading must not hold a connection and an answer for ever.
pub const WRITE_PACE_TIME: Duration = Duration::from_secs(10);
/// Bytes of an answer that a client must take in each [`WRITE_PACE_TIME`], or send of a body that it still sends.
pub const WRITE_PACE_BYTES_MIN: usize = 16 * 1024;
/// Largest request head, in bytes.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Most headers of one request; ours have ten.
pub const HEADERS_COUNT_MAX: usize = 64;
/// Connections served at once; later ones wait in the kernel's backlog.
pub const CONNECTIONS_COUNT_MAX: usize = 4_096;
/// Descriptors that the vault needs beside its connections: files of the journal, the log and the engine.
pub const FILES_COUNT_MAX: usize = 512;
/// Connections to the metrics served at once; one asks every few seconds.
pub const METRICS_CONNECTIONS_COUNT_MAX: usize = 16;
/// Pause after a connection could not be accepted, because descriptors or memory are used up: others close meanwhile.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections from one source address: a quarter, so that one source cannot take them all. A proxy in front of the vault
/// is one source, and its requests share connections.
pub const SOURCE_CONNECTIONS_COUNT_MAX: usize = 1_024;
/// Requests worked on at once; beyond it the answer is `overloaded` at once.
pub const REQUESTS_COUNT_MAX: usize = 2_048;
/// Requests of one actor worked on at once; beyond it the answer is `rate_limited`. An import with 64 connections fits.
pub const ACTOR_REQUESTS_COUNT_MAX: usize = 64;
/// Requests worked on at once, for each core, beyond which the vault counts as busy: a core works so many off within a few
/// milliseconds, and more of them only wait for each other.
pub const BUSY_REQUESTS_PER_CORE_COUNT: usize = 40;
/// Requests of one actor worked on at once while the vault is busy: a person has one hand, a form loads a few things.
pub const BUSY_ACTOR_REQUESTS_COUNT_MAX: usize = 4;
/// How long `rate_limited` is kept back: whoever floods waits for its answers, so this slows the flood itself down, and
/// nobody else. It holds no place meanwhile.
pub const RATE_LIMITED_PAUSE: Duration = Duration::from_millis(100);
/// When a client that was turned away by load may come again, in seconds: the smallest that the header can say.
pub const RETRY_SECONDS: u32 = 1;
/// When a client may come again that found the disk full, in seconds: somebody has to make room first.
pub const RETRY_STORAGE_SECONDS: u32 = 30;
/// Time that open requests get to finish when the service stops.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

// --- a sealed vault (unlock, http, cli) ---

/// Longest origin of a log, in characters: letters and digits of ASCII, and [`ORIGIN_MARKS`].
pub const ORIGIN_CHARACTERS_MAX: usize = 200;
/// What an origin may have beside letters and digits; `-` stands last, as sets of characters have it.
pub const ORIGIN_MARKS: &str = "._/:-";

/// Shares of the root key are forgotten so long after the first of them came: their holders stand beside each other or are
/// on the telephone.
pub const UNSEAL_SHARES_TIME_MAX: Duration = Duration::from_secs(10 * 60);
/// How often a sealed vault looks for shares whose time is over.
pub const UNSEAL_SHARES_LOOK_TIME: Duration = Duration::from_secs(5);
/// How often an open vault looks whether the token that opened it is still there. With what ending takes it is sealed within a
/// second.
pub const TOKEN_LOOK_TIME: Duration = Duration::from_millis(200);
/// Longest answer to such a look. A token that takes longer counts as gone.
pub const TOKEN_ANSWER_TIME_MAX: Duration = Duration::from_millis(500);
/// Passphrases that a sealed vault tries in each [`UNSEAL_ATTEMPTS_TIME`], whoever brings them: a person who mistypes has some
/// left. Shares have no such bound.
pub const UNSEAL_ATTEMPTS_COUNT_MAX: usize = 10;
/// The time in which passphrases are counted.
pub const UNSEAL_ATTEMPTS_TIME: Duration = Duration::from_secs(10 * 60);
/// Largest body that is taken by a sealed vault, in bytes: the longest passphrase with every byte of it written as `\u00XX`.
pub const UNSEAL_BODY_BYTES_MAX: usize = 8 * 1024;
/// Things brought to a sealed vault that are worked on at once. A body that is still on its way takes no place.
pub const UNSEAL_REQUESTS_COUNT_MAX: usize = 8;
/// Longest line that `gridvault unseal` reads, in bytes: the longest passphrase and its line end.
pub const UNSEAL_LINE_BYTES_MAX: usize = 1_026;
/// How long `gridvault unseal` waits for a vault that opens.
pub const UNSEAL_WAIT_MAX: Duration = Duration::from_secs(120);

// --- writes that are said twice (operations, http) ---

/// Longest `Idempotency-Key`, in characters; a UUID has 36.
pub const IDEMPOTENCY_KEY_CHARACTERS_MAX: usize = 64;
/// How long a write with a key is remembered.
pub const REPEAT_TIME_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Keys being worked on at once: one for each request, and one for each batch.
pub const REPEATS_UNDER_WAY_COUNT_MAX: usize = REQUESTS_COUNT_MAX + BATCHES_COUNT_MAX;
/// Remembered writes of days gone by that one write clears away. More than one, so that they always grow fewer.
pub const REPEATS_SWEPT_COUNT_MAX: usize = 4;
/// Longest `external_ref`, in characters.
pub const EXTERNAL_REF_CHARACTERS_MAX: usize = 64;

// --- batches (http) ---

/// Lines of one batch.
pub const BATCH_LINES_COUNT_MAX: u32 = 10_000;
/// Batches worked on at once: each may hold its window and its unread answer.
pub const BATCHES_COUNT_MAX: usize = 16;
/// Batches of one actor worked on at once; beyond it the answer is `rate_limited`. Each keeps a core busy.
pub const ACTOR_BATCHES_COUNT_MAX: usize = 4;
/// Pause before the next line while too much waits for the disk: a batch waits where a newcomer is turned away.
pub const BATCH_PAUSE: Duration = Duration::from_millis(20);
/// Lines of one batch that are worked on at once, so that the committer has groups to make.
pub const BATCH_WINDOW_COUNT_MAX: usize = 256;
/// Bytes of the lines of one batch that are worked on at once.
pub const BATCH_WINDOW_BYTES_MAX: usize = 1024 * 1024;
/// Lines that are begun before others get their turn on the thread: about a millisecond.
pub const BATCH_TURN_COUNT: u32 = 16;
/// Answers of one batch that wait for their reader, in bytes: those of 10,000 records, since most clients read only when
/// all is sent. Beyond it no more lines are read.
pub const BATCH_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Answers are sent in pieces of about this size, in bytes.
pub const BATCH_PIECE_BYTES: usize = 16 * 1024;
/// Time for a client to send one line.
pub const BATCH_LINE_TIME_MAX: Duration = Duration::from_secs(10);
/// How often a batch that waits for a line looks whether its caller is still one: it ends within a second of the end of token
/// or state, and not only with the next line.
pub const BATCH_LOOK_TIME: Duration = Duration::from_millis(500);
/// Time for a client to take what waits for it; then it is taken for gone.
pub const BATCH_READER_TIME_MAX: Duration = Duration::from_secs(30);
/// Time for a whole batch: a token that ends on the way is good no longer than this.
pub const BATCH_TIME_MAX: Duration = Duration::from_secs(600);
/// What a client sends beyond the end of its batch and is read away, in bytes, so that it comes to read its answer.
pub const BATCH_REST_BYTES_MAX: usize = 16 * 1024 * 1024;

// --- identity ---

/// Longest life of a token that the vault issues.
pub const TOKEN_LIFE_SECONDS_MAX: i64 = 12 * 3_600;
/// How far a clock of another host may differ when `nbf` and `exp` are checked.
pub const TOKEN_LEEWAY_SECONDS: u64 = 5;
/// Tokens whose verified form is remembered; a signature check costs 45 microseconds, a look-up one.
pub const TOKEN_MEMO_COUNT_MAX: usize = 16_384;
/// Life of a one-time enrolment code.
pub const ENROL_CODE_SECONDS: i64 = 24 * 3_600;
/// Assignments that one actor may hold.
pub const ASSIGNMENTS_COUNT_MAX: usize = 16;
/// Longest log-in name, in characters.
pub const LOGIN_CHARACTERS_MAX: usize = 64;

// --- operations ---

/// How often a permit that went stale is decided again before the caller gets `stale`.
pub const STALE_ATTEMPTS_MAX: u32 = 3;
/// People in one household write.
pub const HOUSEHOLD_PEOPLE_COUNT_MAX: usize = 20;
/// Records that one match looks at behind a term; more cannot be told apart by an exact value.
pub const MATCH_CANDIDATES_COUNT_MAX: usize = 256;
/// Records that every match looks at, there or not, so that its time tells nothing of a value that is held elsewhere. As
/// many as a family that shares a telephone.
pub const MATCH_LOOKS_COUNT_MIN: usize = 4;
/// Listings of one person that are read at once.
pub const SUBJECT_PAGE_COUNT: usize = 256;
/// Records that one person may have: what is done over all of them ends. Visits over the three years of the longest purposes fit.
pub const PERSON_RECORDS_COUNT_MAX: usize = 1_024;
/// Steps in which one call changes everything that is held of a person: more than [`PERSON_RECORDS_COUNT_MAX`] need.
pub const PERSON_STEPS_COUNT_MAX: u32 = 64;
/// Distinct values that one actor may match in a day (the kind "other" for grid roles).
pub const MATCH_VALUES_DAY_MAX: u32 = 80;
/// The same in 30 days.
pub const MATCH_VALUES_MONTH_MAX: u32 = 1_200;
/// Of how many people a policy may let one actor see something in clear in 30 days: a bound above it is none.
pub const REVEALS_MONTH_MAX: u32 = 1_000_000;
/// Records and people that one task names: a building, or the round of a month.
pub const TASK_SCOPE_COUNT_MAX: usize = 200;
/// Places that one task names, or that the event behind it does: the list of an event has no more.
pub const TASK_PLACES_COUNT_MAX: usize = 50;
/// Distinct records that one task opens, whatever its giver says.
pub const TASK_BUDGET_MAX: u32 = 1_000;
/// Records of a page that shows what a task opens in clear.
pub const TASK_PAGE_COUNT_MAX: usize = 100;
/// People of all tasks of a day's list: more are not visited in a day.
pub const DAY_RECORDS_COUNT_MAX: usize = 256;
/// Records of one person whose consents one list names: one entry of the log names each of them.
pub const CONSENT_RECORDS_COUNT_MAX: usize = PERSON_RECORDS_COUNT_MAX;
/// Records of one person that one consent is given over: one entry of the log has the digest of each.
pub const CONSENTED_RECORDS_COUNT_MAX: usize = 32;
/// Records of one person that one step of a withdrawal marks: one entry of the log has the digest of each. A person may have more.
pub const WITHDRAWAL_RECORDS_COUNT_MAX: usize = 32;
/// Records that one step of an erasure removes or blinds: one entry of the log names each. A person may have more.
pub const ERASURE_RECORDS_COUNT_MAX: usize = 32;
/// How long what the second person agreed to may be carried out: the law asks for it without delay.
pub const ERASURE_SECONDS: u32 = 30 * 24 * 3_600;
/// Erasures whose keys are destroyed together: the entry of it names each.
pub const ERASURES_AT_ONCE_COUNT_MAX: usize = 64;
/// Wrapped keys that are looked at before others get their turn, while those who stay are wrapped anew.
pub const REWRAP_LOOKS_COUNT: usize = 1_024;
/// Wrapped keys of one step in which those who stay are wrapped anew: 200 KiB.
pub const REWRAP_KEYS_COUNT_MAX: usize = 1_024;
/// How often the store is gone through until nothing in it is wrapped under a key that is to be destroyed. The second time
/// finds nothing, unless somebody stored something about the same people meanwhile.
pub const REWRAP_ROUNDS_COUNT_MAX: u32 = 8;
/// How long a task may last: as long as what a second person agrees to for a round.
pub const TASK_SECONDS_MAX: i64 = 30 * 24 * 3_600;
/// How long what is opened at a counter stays open, for the one who is present.
pub const COUNTER_SECONDS: i64 = 30 * 60;
/// Records that a task which names a person opens for it unless its giver says otherwise: what is held of it as a person,
/// where it lives, and where it lived before.
pub const RECORDS_FOR_PERSON_COUNT: usize = 3;
/// Tasks of a list.
pub const TASKS_LISTED_COUNT_MAX: usize = 1_000;
/// How long a look may stay open from the second person's yes on.
pub const APPROVAL_MINUTES_MAX: u32 = 60;
/// How long a second person may take; after that nobody waits any more.
pub const APPROVAL_WAIT_SECONDS: i64 = 72 * 3_600;
/// What waits for second persons in one place, as a list looks at it.
pub const APPROVALS_LISTED_COUNT_MAX: usize = 1_000;
/// Records that one step of a protection marks: as many as one entry names the digests of. A person may have more.
pub const PROTECTED_RECORDS_COUNT_MAX: usize = 42;
/// Households that one protection of an address names.
pub const PROTECTED_HOUSEHOLDS_COUNT_MAX: usize = 10;
/// How long a raised limit may last.
pub const RAISE_MINUTES_MAX: u32 = 60;
/// By how much of a day's bound a limit may be raised, in percent: twice the bound at most.
pub const RAISE_PERCENT_MAX: u32 = 100;
/// How often a limit of anybody is raised in 30 days: a bound above it is none.
pub const RAISES_MONTH_MAX: u32 = 30;
/// How often anybody asks a second person for a look, or for an organ, in 30 days: a bound above it is none.
pub const APPROVAL_ASKS_MONTH_MAX: u32 = 2_000;
/// How often anybody asks for a raised limit in 30 days: a bound above it is none.
pub const RAISE_ASKS_MONTH_MAX: u32 = 120;
/// People that one request of an organ names.
pub const OFFICIAL_PEOPLE_COUNT_MAX: usize = 50;
/// How long what an organ asked for may stay open.
pub const OFFICIAL_SECONDS_MAX: i64 = 30 * 24 * 3_600;
/// How long an emergency access may last that two persons agreed to: half a day.
pub const EMERGENCY_MINUTES_MAX: u32 = 12 * 60;
/// Dwellings that one emergency access may reach: a large building.
pub const EMERGENCY_DWELLINGS_MAX: u32 = 120;
/// People that one emergency access names: one entry has their handles, and one row their ids.
pub const EMERGENCY_PEOPLE_COUNT_MAX: usize = 256;
/// How often anybody opens an emergency access in 30 days: a bound above it is none.
pub const EMERGENCY_USES_MONTH_MAX: u32 = 60;
/// How long the review of an emergency access may take from its end on.
pub const EMERGENCY_REVIEW_HOURS_MAX: u32 = 72;
/// Emergency accesses of one list that were not reviewed yet.
pub const EMERGENCIES_LISTED_COUNT_MAX: usize = 256;
/// The number of a document, in characters.
pub const DOCUMENT_CHARACTERS_MAX: usize = 64;
/// How long a pair may be approved for: it is looked at again once a year.
pub const PAIR_DAYS_MAX: u32 = 366;
/// Longest time in days that a policy may let training count.
pub const TRAINING_DAYS_MAX: u32 = 731;
/// Furthest end of a right, in days from now, that a list of those that end looks for.
pub const EXPIRING_DAYS_MAX: u32 = 366;
/// Most lines of a list of posts or grids.
pub const POSTS_PAGE_COUNT_MAX: usize = 200;
/// Most lines of a roster in one request.
pub const ROSTER_LINES_COUNT_MAX: usize = 500;
/// Windows of one pair that are open or to come.
pub const WINDOWS_COUNT_MAX: usize = 32;
/// How far ahead a window may begin, in days.
pub const WINDOW_AHEAD_DAYS_MAX: i64 = 92;
/// How long whoever wrote something may read it back: until the visit is over.
pub const ECHO_SECONDS: i64 = 30 * 60;
/// Writes of one actor that can be read back: a busy half hour at the doors.
pub const ECHOES_OF_ACTOR_COUNT_MAX: usize = 64;
/// Writes of all actors that can be read back; beyond it all are let go of. About 25 MiB.
pub const ECHOES_COUNT_MAX: usize = 100_000;
/// Counts of ledgers that the committer has in memory; beyond it all are let go of, and read again as they are asked for.
/// About 50 MiB.
pub const LEDGER_TAGS_COUNT_MAX: usize = 1_000_000;
/// Records of one page of a list: one entry of the log names them all.
pub const QUERY_PAGE_COUNT_MAX: usize = 256;
/// Records of a page unless the caller says otherwise.
pub const QUERY_PAGE_COUNT_USUAL: usize = 50;
/// Listings and cells that one page looks at; a page that finds little ends there and goes on by cursor.
pub const QUERY_LOOKS_COUNT_MAX: usize = 2_048;
/// Subjects that the records of one page have; with them the entry stays below 32 KiB. A household of
/// twenty has most, so a page holds at least thirty records.
pub const QUERY_SUBJECTS_COUNT_MAX: usize = 768;
/// Sealed bytes that one page holds in memory before it is decided; records of usual size fit 256 to a page.
pub const QUERY_PAGE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Life of a cursor of a list: an hour's work in a grid.
pub const CURSOR_SECONDS: i64 = 3_600;
/// Longest cursor, in characters: that of a change feed over sixteen assignments.
pub const CURSOR_BYTES_MAX: usize = 1_280;
/// Cells of one assignment whose changes are merged for one page; a county has about a thousand.
pub const FEED_CELLS_COUNT_MAX: usize = 4_096;
/// People of a place that are named; larger places are no dwellings.
pub const OCCUPANTS_COUNT_MAX: usize = 20;
/// Links to a place, and records of one of its people, that are looked at.
pub const OCCUPANTS_LOOKS_COUNT_MAX: usize = 256;
/// Life of the link handle that a match gives.
pub const LINK_SECONDS: i64 = 300;
/// Entries in one answer of the audit listing.
pub const AUDIT_PAGE_COUNT_MAX: usize = 100;
/// Time to wait for a checkpoint that covers an entry just recorded.
pub const PROOF_WAIT_MAX: Duration = Duration::from_secs(3);

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
/// Records that are held against the log in one pass over it: about 30 MiB of memory, and at most twice as much.
pub const SCRUB_PART_COUNT: usize = 131_072;
/// Records that the entry of a round names, of those that differ.
pub const SCRUB_REPORTED_COUNT_MAX: usize = 16;
/// How long a round waits for entries that rows name to be in the log: those that exist are there within a second.
pub const SCRUB_WAIT_MAX: Duration = Duration::from_secs(30);
/// How often it looks for them.
pub const SCRUB_WAIT_PAUSE: Duration = Duration::from_millis(50);
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

// --- store and seal ---

/// Cache of the sled engine, in bytes, unless configured.
pub const STORE_CACHE_BYTES: u64 = 1024 * 1024 * 1024;
/// Longest value in the store, in bytes (sled's pages suffer beyond it).
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Unwrapped subject keys kept in memory, with up to eight section keys beside each: about 55 MB.
pub const SUBJECT_KEYS_COUNT_MAX: usize = 65_536;
/// Opened decision attributes kept for lists: those of the grids that are listed again and again. About 30 MB.
pub const FACTS_KEPT_COUNT_MAX: usize = 32_768;

// --- records, schemas and code lists ---

/// Longest slug, in characters: ids of fields, sections, code lists, purposes and notices.
pub const SLUG_CHARACTERS_MAX: usize = 64;
/// Longest encoded facts, in bytes: every base, subject and line at its largest stays far below.
pub const FACTS_BYTES_MAX: usize = 16 * 1024;
/// Most codes in one list; GB/T 2659 (countries) has about 250.
pub const CODE_LIST_CODES_MAX: usize = 512;
/// Longest code, in characters.
pub const CODE_CHARACTERS_MAX: usize = 64;
/// Longest text that any field may hold, in characters.
pub const FIELD_TEXT_CHARACTERS_MAX: usize = 4_000;
/// Longest time that any rule may keep a record without a new look at it, in months: fifty years.
pub const RETENTION_MONTHS_MAX: u32 = 600;
/// Most fields in one set; the largest schema has fewer.
pub const RECORD_FIELDS_MAX: usize = 96;
/// Longest encoded section, in bytes. A schema whose fields could make a longer one does not load.
pub const SECTION_BYTES_MAX: usize = 24 * 1024;
/// Longest title of a field, schema, purpose or code, in characters.
pub const TITLE_CHARACTERS_MAX: usize = 120;
/// Most sections of one schema; a row keeps their number in a byte.
pub const SCHEMA_SECTIONS_MAX: usize = 24;
/// Longest data file, in bytes.
pub const DATA_FILE_BYTES_MAX: usize = 256 * 1024;
/// Longest record, in bytes, over all its sections: a row with its seals and terms stays below the store's largest value.
pub const RECORD_BYTES_MAX: usize = 48 * 1024;
/// Most items in a field that holds a list.
pub const FIELD_LIST_ITEMS_MAX: usize = 50;

// --- territory ---

/// Most grids, past ones counted; a city of ten million has about 11,500 at a time.
pub const TERRITORY_GRIDS_MAX: usize = 100_000;
/// Most cells; a split adds one.
pub const TERRITORY_CELLS_MAX: usize = 200_000;
/// Most named areas above the grids.
pub const TERRITORY_AREAS_MAX: usize = 20_000;
/// Most places that one cell may have had.
pub const CELL_MAPPINGS_MAX: usize = 256;
/// Most grids that one grid may come from.
pub const GRID_PREDECESSORS_MAX: usize = 64;
/// Most outside codes of one grid.
pub const GRID_ALIASES_MAX: usize = 8;
/// Longest name of a grid or area, in characters.
pub const AREA_NAME_CHARACTERS_MAX: usize = 60;

// --- purposes ---

/// Most purposes of a vault.
pub const PURPOSES_MAX: usize = 256;
/// Most bases of one purpose, and most notices.
pub const PURPOSE_BASES_MAX: usize = 64;
/// Most lines of business of one purpose: one that belongs to many belongs to none.
pub const PURPOSE_LINES_MAX: usize = 8;
/// Longest title, statute or assessment id, in characters.
pub const PURPOSE_TEXT_CHARACTERS_MAX: usize = 200;
/// Longest file, in bytes.
pub const PURPOSES_BYTES_MAX: usize = 512 * 1024;

// --- access ---

/// Lines in one role's policy; casbin scans them all for a refusal.
pub const LINES_COUNT_MAX: usize = 20;
/// Lines of business of all purposes together: a set of them is kept in one word.
pub const BUSINESS_LINES_COUNT_MAX: usize = 63;
/// Roles in one policy: the table keeps a cell for each point.
pub const ROLES_COUNT_MAX: usize = 64;

// --- what a caller may write freely ---

/// Longest reason of a removal, in characters.
pub const REASON_CHARACTERS_MAX: usize = 200;
/// Longest client description that is kept, sealed, in characters.
pub const DEVICE_CHARACTERS_MAX: usize = 80;

// --- import (cli) ---

/// Longest line of an import, in bytes: the longest body and what stands around it.
pub const IMPORT_LINE_BYTES_MAX: usize = BODY_BYTES_MAX + 4 * 1024;
/// Lines that an import sends in one request: far below what the vault takes, so that little is sent again after a crash.
pub const IMPORT_BATCH_LINES_MAX: usize = 1_000;
/// Bytes of lines after which a batch goes. Its answer then waits unread below the vault's own limit.
pub const IMPORT_BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of lines that wait for others to travel with.
pub const IMPORT_WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How far a waiting line may fall behind the last one that was read; it keeps the state file short.
pub const IMPORT_WAITING_LINES_MAX: u64 = 32_768;
/// Connections of one import; the vault works on as many batches at once.
pub const IMPORT_CONNECTIONS_COUNT_MAX: u8 = 16;
/// Tokens of one import: each grid of the largest city may have its own.
pub const IMPORT_HOLDERS_COUNT_MAX: usize = 20_000;
/// Longest file of tokens, in bytes.
pub const IMPORT_TOKENS_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How often a batch is tried again while nothing of it is answered for good, before the import stops.
pub const IMPORT_ATTEMPTS_MAX: u32 = 10;
/// First pause before a batch is tried again; each further one is twice as long.
pub const IMPORT_PAUSE_MIN: Duration = Duration::from_millis(250);
/// Longest pause before a batch is tried again.
pub const IMPORT_PAUSE_MAX: Duration = Duration::from_secs(15);
/// Longest answer to a batch, in bytes.
pub const IMPORT_ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Longest wait for a batch's whole answer.
pub const IMPORT_ANSWER_TIME_MAX: Duration = Duration::from_secs(660);
