//! Requirements on callers: every way to forge, stretch or replay a token, and the directory behind it.
//! Never with a wrong key where the right one makes the better attack: the signer is at hand.
//! Time is given, and the store is in memory.

mod acting;
mod claims;
mod directory;
mod enrolment;
mod headers;
mod log_in;
mod memo;
mod token_keys;
pub(super) mod world;
