//! What the trail gives back: the proof that something was recorded before it happened.
//! Never made anywhere else, and never copied.
//! A receipt owns what the permit was about, so it opens that and nothing else, once.

use super::TrailError;
use crate::access::Permit;

/// The entry is durable, and the change with it where there was one.
///
/// It cannot be made outside of `trail`:
/// ```compile_fail,E0451
/// fn forge<T>(permit: gridvault::access::Permit<T>) -> gridvault::trail::Receipt<T> {
///     gridvault::trail::Receipt { permit, index: 0, leaf: [0; 32] }
/// }
/// ```
#[must_use = "a receipt says what was recorded"]
pub struct Receipt<T> {
    pub(super) permit: Permit<T>,
    pub(super) index: u64,
    pub(super) leaf: [u8; 32],
}

impl<T> Receipt<T> {
    /// The permit that was recorded.
    pub fn permit(&self) -> &Permit<T> {
        &self.permit
    }

    /// The permit, with the receipt given up.
    pub fn into_permit(self) -> Permit<T> {
        self.permit
    }

    /// Where in the log, and the hash of what it says.
    pub fn recorded(&self) -> Recorded {
        Recorded { index: self.index, leaf: self.leaf }
    }
}

/// An entry is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub(super) index: u64,
    pub(super) leaf: [u8; 32],
}

impl Recorded {
    /// Index of the entry.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Leaf hash of the entry (RFC 6962 section 2.1).
    pub fn leaf(&self) -> &[u8; 32] {
        &self.leaf
    }
}

/// A permit that was not recorded. Nothing happened.
pub enum Refused<T> {
    /// It was given under versions that have moved on; decide again.
    Stale(T),
    /// A limit was reached between the decision and its turn.
    Limit(T),
    /// The trail did not take it.
    Trail(TrailError),
}

/// A refusal that has no entry of its own.
#[derive(Debug)]
pub enum Unrecorded {
    /// It went over its budget and is only counted; a summary entry will say so.
    Counted,
    /// The trail did not take it.
    Trail(TrailError),
}
