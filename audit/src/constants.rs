//! The numbers, names and closed lists that make up the format of the log.
//! Holds no function that hashes, parses or writes, so that writer and verifier share facts and no code.
//! A change to anything here is a change to the format, and raises [`FORMAT_VERSION`].

/// Version of the entry format: the member `v`.
pub const FORMAT_VERSION: u64 = 1;

/// Longest entry in bytes: the length before it in a bundle is an unsigned 16-bit number.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// Records that one entry of a bulk read names at most; a longer read is written as several entries.
pub const RECORDS_PER_ENTRY_MAX: usize = 256;

/// Hashes of a full tile and entries of a full bundle (c2sp.org/tlog-tiles).
pub const TILE_WIDTH: usize = 256;

/// Binary levels of the tree that one tile holds: 2 to the 8 is [`TILE_WIDTH`].
pub const TILE_HEIGHT: u32 = 8;

/// Highest level that a path of a tile may name (c2sp.org/tlog-tiles).
pub const TILE_LEVEL_MAX: u32 = 63;

/// Bytes of a SHA-256 hash.
pub const HASH_BYTES: usize = 32;

/// Bytes of a full tile of hashes.
pub const TILE_BYTES: usize = TILE_WIDTH * HASH_BYTES;

/// Longest bundle file in bytes: every entry at its longest, each behind its length.
pub const BUNDLE_BYTES_MAX: usize = TILE_WIDTH * (2 + ENTRY_BYTES_MAX);

/// Largest tree: sizes stay below 2 to the 63, as c2sp.org/tlog-tiles requires.
pub const TREE_SIZE_MAX: u64 = (1 << 63) - 1;

/// Byte before an entry when its leaf is hashed (RFC 6962 section 2.1).
pub const LEAF_PREFIX: u8 = 0x00;

/// Byte before the two children when a node is hashed (RFC 6962 section 2.1).
pub const NODE_PREFIX: u8 = 0x01;

/// Signature type of a plain Ed25519 note signature (c2sp.org/signed-note).
pub const NOTE_TYPE_ED25519: u8 = 0x01;

/// Signature type of a witness's cosignature with its time (c2sp.org/tlog-cosignature).
pub const NOTE_TYPE_COSIGNATURE: u8 = 0x04;

/// First line of what a cosignature signs (c2sp.org/tlog-cosignature).
pub const COSIGNATURE_HEADER: &str = "cosignature/v1";

/// Latest time that a cosignature may state, in seconds since 1970.
pub const COSIGNATURE_TIME_MAX: u64 = i64::MAX as u64;

/// Signature type of formats without an assigned byte; the SM2 line of the national suite uses it.
pub const NOTE_TYPE_PRIVATE: u8 = 0xff;

/// Signature lines of a log's own on its checkpoint: two while one key follows another.
pub const LOG_SIGNATURES_MAX: usize = 2;

/// Signature lines that a note may carry: c2sp.org/signed-note asks for at least this many.
pub const NOTE_SIGNATURES_MAX: usize = 16;

/// Longest note in bytes: sixteen signatures of post-quantum size fit.
pub const NOTE_BYTES_MAX: usize = 128 * 1024;

/// Longest origin or key name in bytes.
pub const ORIGIN_BYTES_MAX: usize = 255;

/// How far ahead of the reader's clock a cosignature may be, in seconds: clocks differ, hours do not.
pub const COSIGNATURE_FUTURE_SECONDS_MAX: u64 = 300;

/// How much older than the last entry that it covers a cosignature may be, in seconds: the same difference of clocks.
pub const COSIGNATURE_BACKDATED_SECONDS_MAX: u64 = 300;

/// Longest policy file in bytes: [`POLICY_DEFINITIONS_MAX`] of everything, with URLs and comments, fit.
pub const POLICY_BYTES_MAX: usize = 128 * 1024;

/// Logs, witnesses and groups of a policy, each: twice what c2sp.org/tlog-policy asks for.
pub const POLICY_DEFINITIONS_MAX: usize = 64;

/// First line of a list of the store's digests.
pub const DIGESTS_HEADER: &str = "gridvault-digests v2";

/// The same of lists of before, whose lines do not name the entry that left the record.
pub const DIGESTS_HEADER_BEFORE: &str = "gridvault-digests v1";

/// Longest line of a list of digests in bytes: an origin of the longest, or handle, version, digest and index.
pub const DIGEST_LINE_BYTES_MAX: usize = 4 + ORIGIN_BYTES_MAX + 1;

/// Records of a list of digests that are judged in one pass over the log: about 30 MiB of memory.
pub const DIGESTS_PER_PASS_MAX: usize = 131_072;

/// Beginning of the names of further facts that hold the digests of the second and later records of one entry.
pub const FURTHER_DIGEST_PREFIX: &str = "dig_";

/// Hashes on the longest inclusion path and in the longest consistency proof: a tree below 2 to the 63 is no deeper, and
/// c2sp.org/tlog-witness allows no more.
pub const PROOF_HASHES_MAX: usize = 63;

/// First line of an offline proof (c2sp.org/tlog-proof).
pub const PROOF_HEADER: &str = "c2sp.org/tlog-proof@v1";

/// File name of the signed checkpoint.
pub const CHECKPOINT_FILE: &str = "checkpoint";

/// File name of the last checkpoint that a quorum of witnesses cosigned.
pub const WITNESSED_FILE: &str = "witnessed";

/// File name of the index at which a pruned log begins, and of the entry that says so.
pub const MINIMUM_FILE: &str = "minimum";

/// Longest such file in bytes: two numbers, each with its line feed.
pub const MINIMUM_BYTES_MAX: usize = 40;

/// Youngest entries that a log may prune, in seconds: six months are no fewer days than these 181.
pub const PRUNE_AGE_SECONDS_MIN: u64 = 181 * 86_400;

/// File name of the writer's lock; its content means nothing.
pub const LOCK_FILE: &str = "lock";

/// Ending of files that are being written; whoever reads the log ignores them.
pub const TEMPORARY_ENDING: &str = "tmp";

/// Directory of hash tiles and bundles.
pub const TILE_DIRECTORY: &str = "tile";

/// Directory of entry bundles beneath [`TILE_DIRECTORY`].
pub const ENTRIES_DIRECTORY: &str = "entries";

/// Outcomes of an entry: the closed list behind the member `out`.
pub const OUTCOMES: [&str; 4] = ["aborted", "denied", "error", "success"];

/// What the value of a member looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An unsigned integer below 2 to the 64, in decimal without leading zeros.
    Number,
    /// A string.
    Text,
    /// A list of strings, never empty.
    Texts,
    /// 16 bytes in base64url without padding.
    Id,
    /// A list of [`Kind::Id`], never empty.
    Ids,
    /// 32 bytes in base64url without padding.
    Digest,
    /// Any number of bytes in base64url without padding.
    Bytes,
    /// A list of exactly two [`Kind::Number`].
    Pair,
    /// An object of strings and numbers, never empty.
    Detail,
}

/// Every member that an entry may have, in the order in which it must stand: ascending bytes of its name.
pub const MEMBERS: [(&str, Kind); 34] = [
    ("aal", Kind::Number),
    ("act", Kind::Text),
    ("apr", Kind::Id),
    ("asg", Kind::Id),
    ("basis", Kind::Text),
    ("case", Kind::Id),
    ("ctx", Kind::Bytes),
    ("dig", Kind::Digest),
    ("ev", Kind::Text),
    ("fld", Kind::Texts),
    ("grid", Kind::Text),
    ("mono", Kind::Number),
    ("n", Kind::Number),
    ("out", Kind::Text),
    ("pol", Kind::Number),
    ("pur", Kind::Text),
    ("rec", Kind::Ids),
    ("req", Kind::Id),
    ("role", Kind::Text),
    ("rule", Kind::Text),
    ("scope", Kind::Text),
    ("seq", Kind::Number),
    ("sess", Kind::Id),
    ("sub", Kind::Ids),
    ("t", Kind::Number),
    ("task", Kind::Id),
    ("typ", Kind::Text),
    ("v", Kind::Number),
    ("ver", Kind::Pair),
    ("via", Kind::Id),
    ("view", Kind::Texts),
    ("who", Kind::Id),
    ("why", Kind::Text),
    ("x", Kind::Detail),
];
