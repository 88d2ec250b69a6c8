//! What lies in a vault's directory, by name.
//! Never says what is in it or who writes it; what a room keeps inside its own part, it names itself.
//! A name here never changes: the vaults that there are have it.

/// The configuration, which is written last: a directory without it is no vault.
pub const CONFIG: &str = "config";
/// The envelopes: ways to the root key.
pub const UNLOCK: &str = "unlock";
/// The keys, sealed under the root key.
pub const KEYRING: &str = "keyring";
/// How often each key sealed; the crate of the keys puts it beside the keyring.
pub const KEYRING_USES: &str = "keyring.uses";
/// The note of a ceremony.
pub const CEREMONY: &str = "ceremony";
/// The journal.
pub const JOURNAL: &str = "journal";
/// The snapshots.
pub const SNAPSHOTS: &str = "snapshots";
/// The engine's files.
pub const STORE: &str = "store";
/// The Merkle log.
pub const LOG: &str = "log";
/// The log that a restored vault had before.
pub const LOG_BEFORE: &str = "log-before";
/// The search index over the log.
pub const INDEX: &str = "index";
/// What is out of the ordinary.
pub const ANOMALIES: &str = "anomalies";
/// How far entries were shipped.
pub const SHIP: &str = "ship";
/// Says that the ledger of erasures was not replayed since the vault was restored.
pub const LEDGER_DUE: &str = "ledger-due";
/// Says that the next start makes index terms anew.
pub const TERMS_DUE: &str = "terms-due";
