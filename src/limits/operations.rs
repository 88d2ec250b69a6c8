//! What one call may ask for, list or change.
//! Each bounds one entry of the log, or the work of one caller.
//! Held by operations; access and seal hold some of them.

use std::time::Duration;

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
/// Looks that a subject costs of which the caller may not know: as many as most people have records, so that one who lives
/// elsewhere takes as long as one who is nobody.
pub const SUBJECT_LOOKS_COUNT_MIN: usize = 4;
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
/// Records that one step restrains or releases: one entry of the log has the digest of each. A person may have more.
pub const RESTRAINT_RECORDS_COUNT_MAX: usize = 32;
/// Restraints over one person at once: each stands in the attributes of every record that names it.
pub const RESTRAINTS_OF_PERSON_COUNT_MAX: usize = 8;
/// How long a resident may wait for an answer, in days: PIPL Art. 50 asks for it in time, GB/T 35273 names 30 days.
pub const RIGHTS_ANSWER_DAYS: i64 = 30;
/// Lines of one page of what is due to residents.
pub const DUE_PAGE_COUNT_MAX: usize = 200;
/// Records and requests that one such page looks at; a page that finds little ends there, and the next one goes on.
pub const DUE_LOOKS_COUNT_MAX: usize = 1_024;
/// How long what the second person agreed to may be carried out: the law asks for it without delay.
pub const ERASURE_SECONDS: u32 = 30 * 24 * 3_600;
/// Erasures whose keys are destroyed together: the entry of it names each.
pub const ERASURES_AT_ONCE_COUNT_MAX: usize = 64;
/// What is kept of erasures and looked at in one piece, where a ring is held against a store.
pub const ERASURES_LOOKED_AT_COUNT: usize = 1_024;
/// Subject buckets of a vault: each wraps the keys of those who fall into it.
pub const SUBJECT_BUCKETS_COUNT: u16 = 4_096;
/// Index buckets of a vault: each permutes the terms of the values that fall into it.
pub const INDEX_BUCKETS_COUNT: u16 = 4_096;
/// Index terms that are looked at before others get their turn, while terms move to the next keys of their buckets.
pub const RETERM_LOOKS_COUNT: usize = 1_024;
/// Index terms that move in one step: three keys of the store each, 90 KiB together.
pub const RETERM_TERMS_COUNT_MAX: usize = 512;
/// Buckets that are re-keyed together for the erased: what a rotation leaves free in the ring.
pub const ERASURE_BUCKETS_COUNT: usize = 64;
/// Buckets that a rotation re-keys together: each group costs two walks through all wrapped keys, and the ring has room for the
/// next keys of 257 places, 33 of them for other keys than those of buckets.
pub const ROTATION_BUCKETS_COUNT: usize = 160;
/// How near the turn of a month the keys of its contexts are not replaced, in seconds: nothing is sealed under those of the next.
pub const CONTEXT_TURN_MARGIN_SECONDS: i64 = 3_600;
/// Wrapped keys that are looked at before others get their turn, while those who stay are wrapped anew.
pub const REWRAP_LOOKS_COUNT: usize = 1_024;
/// Wrapped keys of one step in which those who stay are wrapped anew: 200 KiB.
pub const REWRAP_KEYS_COUNT_MAX: usize = 1_024;
/// Rows that are looked at before others get their turn, while what is under a header key is sealed anew: each is read whole.
pub const RESEAL_LOOKS_COUNT: usize = 512;
/// Values that are sealed anew in one step.
pub const RESEAL_VALUES_COUNT_MAX: usize = 512;
/// Bytes of the store that are sealed anew in one step, and one value more.
pub const RESEAL_BYTES_MAX: usize = 256 * 1024;
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
/// Officers of oversight about whom one administrator said something and a second one not yet.
pub const FIRST_WORDS_COUNT_MAX: usize = 1_024;
/// What waits for second persons in one place, as a list looks at it.
pub const APPROVALS_LISTED_COUNT_MAX: usize = 1_000;
/// Records that one step of a protection marks: as many as one entry names the digests of. A person may have more.
pub const PROTECTED_RECORDS_COUNT_MAX: usize = 42;
/// Further records that one change of a person's birth date marks: with the record itself as many as one entry names the digests
/// of.
pub const BIRTHDAY_RECORDS_COUNT_MAX: usize = PROTECTED_RECORDS_COUNT_MAX - 1;
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
/// Damaged records that the entry of one request names; what is beyond is counted.
pub const DAMAGED_RECORDS_COUNT_MAX: usize = 16;
/// Looks for a moment at which nothing is being applied, where a term and its record do not fit together; each waits that long.
pub const SETTLED_LOOKS_COUNT_MAX: usize = 1_000;
/// Between two of them.
pub const SETTLED_PAUSE: Duration = Duration::from_millis(1);
/// Life of the link handle that a match gives.
pub const LINK_SECONDS: i64 = 300;
/// How many pages of the log one answer about who looked reads at most, to be full of what is told.
pub const ACCESSES_ROUNDS_COUNT_MAX: u32 = 10;
/// Entries in one answer of the audit listing.
pub const AUDIT_PAGE_COUNT_MAX: usize = 100;
/// Time to wait for a checkpoint that covers an entry just recorded.
pub const PROOF_WAIT_MAX: Duration = Duration::from_secs(3);
/// Time that a command waits for the checkpoint that it ends with: one comes within a second, and nobody but the command waits.
pub const FIRST_CHECKPOINT_WAIT_MAX: Duration = Duration::from_secs(60);
