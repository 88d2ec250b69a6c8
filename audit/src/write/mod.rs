//! The writer of the log: entries, tree, tiles, signed checkpoints and proofs, for the vault's use.
//! Never judges a log that someone else hands over: that is the verifier's work, and it takes nothing from here.
//! What a checkpoint covers is on disk, synced, before the checkpoint is seen.

pub mod entry;
mod error;
mod files;
mod held;
mod json;
pub mod log;
pub mod note;
pub mod prune;
pub mod reader;
pub mod served;
mod stored;
pub mod tree;
pub mod witnessed;
