//! Names every limit of this crate, with its unit and reason. Never computes anything at run time.
//! Whatever comes from outside is held against one of these before work is spent on it.

/// Bytes of plain text in one sealed object (1 MiB): values in the store are chunks of 64 KiB, the keyring has 300 KiB.
pub const PLAIN_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of associated data that a caller binds to one sealed object.
pub const ASSOCIATED_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a record type's or a section's name.
pub const NAME_BYTES_MAX: usize = 255;

/// Bytes of the shortest passphrase: a shorter one is guessed whatever Argon2id costs.
pub const PASSPHRASE_BYTES_MIN: usize = 12;

/// Bytes of the longest passphrase.
pub const PASSPHRASE_BYTES_MAX: usize = 1024;

/// Least Argon2id memory in KiB (8 MiB): below it a guess costs next to nothing.
pub const ARGON_MEMORY_KIB_MIN: u32 = 8 * 1024;

/// Most Argon2id memory in KiB (1 GiB): an altered envelope must not exhaust the host.
pub const ARGON_MEMORY_KIB_MAX: u32 = 1024 * 1024;

/// Fewest Argon2id passes.
pub const ARGON_PASSES_MIN: u32 = 1;

/// Most Argon2id passes: an altered envelope must not keep the host busy for hours.
pub const ARGON_PASSES_MAX: u32 = 16;

/// Fewest Argon2id lanes.
pub const ARGON_LANES_MIN: u32 = 1;

/// Most Argon2id lanes.
pub const ARGON_LANES_MAX: u32 = 4;

/// Fewest shares that open: one would be a passphrase that somebody else chose.
pub const SHARES_NEEDED_COUNT_MIN: u8 = 2;

/// Most shares of one set: so many people still find together, and every subset of so many was tried (`unlock/shares.rs`).
pub const SHARES_COUNT_MAX: u8 = 7;

/// Bytes of a share's text, as it is typed: with a space or a hyphen after each of its 95 letters and digits it is shorter.
pub const SHARE_TEXT_BYTES_MAX: usize = 256;

/// Bytes of a token's shortest PIN; the token may ask for more.
pub const PIN_BYTES_MIN: usize = 4;

/// Bytes of a token's longest PIN; the token may take fewer.
pub const PIN_BYTES_MAX: usize = 255;

/// Envelopes in one unlock file: each is one way in, and one more thing to guard.
pub const ENVELOPES_MAX: usize = 16;

/// Bytes of one envelope; the longest of today's kinds needs 209.
pub const ENVELOPE_BYTES_MAX: usize = 1024;

/// Bytes of an unlock file.
pub const UNLOCK_FILE_BYTES_MAX: usize = 16 + ENVELOPES_MAX * (2 + ENVELOPE_BYTES_MAX);

/// Recipients of one key part: each secret is one more thing to guard.
pub const BACKUP_RECIPIENTS_MAX: usize = 16;

/// Bytes of a key part (64 MiB): the keyring of two slots, the envelopes, and half a million subject keys that were wrapped anew.
pub const KEY_PART_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Buckets of subject keys, and as many of index keys: twelve bits of a hash choose one. An erasure
/// re-keys one bucket, so their number sets how many members it re-wraps.
pub const BUCKETS: usize = 4096;

/// Subject buckets that are re-keyed at once: both keys of each stand in the ring meanwhile, and a slot has no room for more.
pub const BUCKETS_REKEYED_MAX: usize = 256;

/// Other keys than those of buckets (of months, tokens and the log, the header key) that have a next one at once. A slot has room for 257 in all.
pub const SINGLES_REKEYED_MAX: usize = 33;

/// Months that have two context keys at once: so tokens, the log and the header key always find room.
pub const CONTEXT_MONTHS_REKEYED_MAX: usize = SINGLES_REKEYED_MAX - 3;

/// Calendar months for which a keyring holds a context key, counted from its creation.
pub const CONTEXT_MONTHS: usize = 60;

/// First year that a month may lie in.
pub const YEAR_MIN: i32 = 2000;

/// Last year that a month may lie in.
pub const YEAR_MAX: i32 = 9999;

/// Section keys that stay derived beside their subject key: the sections of one person's record that are opened together,
/// and those of a link or two.
pub const DERIVED_KEYS_MAX: usize = 8;

/// Keys of actors and months that stay derived (80 bytes each): those who work at the same time in a city of 30,000.
pub const ACTOR_KEYS_MAX: usize = 8192;

/// Most subject keys that a cache may hold (about 300 bytes each, and 550 more where sections were opened).
pub const CACHE_KEYS_MAX: usize = 1 << 20;

/// Uses of one long-lived key that seals: so many salts of 128 bits are all different but for a chance of 2^-33 (`uses`).
pub const KEY_USES_MAX: u64 = 1 << 48;

/// Uses beyond that which are kept for what it takes to have another key: words of administrators, and the ring itself.
pub const KEY_USES_UPKEEP: u64 = 1 << 16;

/// Of those so many are made durable together: so many starts and writings of the counts fit, a thousand.
pub const KEY_USES_UPKEEP_BLOCK: u64 = 64;

/// Uses that are made durable together, of each key. A process that ends loses at most so many of each, and four million may end.
pub const KEY_USES_BLOCK: u64 = 1 << 26;
