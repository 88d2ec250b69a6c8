//! What a sealed vault takes, before anybody is known.
//! Small on purpose: whoever reaches it has shown nothing yet.
//! Held by unlock, http and cli.

use std::time::Duration;

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
/// How long a process that follows one that sealed itself waits for whoever took the keys between the two.
pub const HANDOVER_WAIT_MAX: Duration = Duration::from_secs(60);
/// How long two administrators may take to sign what is to be done to a root key, in seconds: as long as any second person.
pub const CEREMONY_WAIT_SECONDS: i64 = 72 * 3_600;
/// Longest file of such a request, in bytes: the longest origin, four digests, and two signatures.
pub const CEREMONY_REQUEST_BYTES_MAX: usize = 1_024;
/// Longest note of a ceremony, in bytes: a request, and which envelopes were made.
pub const CEREMONY_NOTE_BYTES_MAX: usize = 2 * CEREMONY_REQUEST_BYTES_MAX;
/// How often a vault that is open tries to tell of a ceremony before it leaves that to the next one, or to its next start, and how long it
/// waits between two: a moment of load is over by then, a full disk is not.
pub const CEREMONY_TELL_TRIES_MAX: u32 = 20;
/// See above.
pub const CEREMONY_TELL_PAUSE: Duration = Duration::from_millis(500);
/// Ceremonies of which a vault knows that its log has them. Of more the oldest is forgotten, whose note names a root key of then.
pub const CEREMONIES_TOLD_COUNT_MAX: usize = 1_024;
/// How long `gridvault unseal` waits for a vault that opens.
pub const UNSEAL_WAIT_MAX: Duration = Duration::from_secs(120);
