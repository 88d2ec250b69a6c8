//! What the door takes: sizes, times and numbers of requests, connections, batches, repeats, log-ins.
//! Each is held before anything is decided.
//! http holds most of them, identity and operations the others.

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
/// Connections from one source, an IPv4 address or a network of 64 bits of IPv6: a quarter, so that one source cannot take them
/// all. A proxy in front of the vault is one source, and its requests share connections.
pub const SOURCE_CONNECTIONS_COUNT_MAX: usize = 1_024;
/// Requests worked on at once; beyond it the answer is `overloaded` at once.
pub const REQUESTS_COUNT_MAX: usize = 2_048;
/// Largest body that is read before it is known who sends it: that of a log-in or a one-time code. The longest proof and what
/// stands around it take half.
pub const STRANGER_BODY_BYTES_MAX: usize = 8 * 1024;
/// Requests with such a body worked on at once, beside all others; beyond it the answer is `overloaded`. Each takes milliseconds,
/// unless its body is kept back.
pub const STRANGER_REQUESTS_COUNT_MAX: usize = 512;
/// The same from one source: an eighth, so that one source keeps nobody else from logging in. Not of this host, where a proxy stands for
/// everybody.
pub const STRANGER_SOURCE_REQUESTS_COUNT_MAX: usize = 64;
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
/// How long a key that another one follows still verifies tokens, in seconds: as long as the last one that it signed may live.
pub const TOKEN_OVERLAP_SECONDS: i64 = TOKEN_LIFE_SECONDS_MAX + TOKEN_LEEWAY_SECONDS as i64;
/// Tokens whose verified form is remembered; a signature check costs 45 microseconds, a look-up one.
pub const TOKEN_MEMO_COUNT_MAX: usize = 16_384;
/// Longest life of what proves a log-in; it is taken once.
pub const LOG_IN_SECONDS_MAX: i64 = 60;
/// Life of a one-time enrolment code.
pub const ENROL_CODE_SECONDS: i64 = 24 * 3_600;
/// Assignments that one actor may hold.
pub const ASSIGNMENTS_COUNT_MAX: usize = 16;
/// Longest log-in name, in characters.
pub const LOGIN_CHARACTERS_MAX: usize = 64;
