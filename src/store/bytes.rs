//! Sealed bytes as the engine holds them, or a part of them, without a copy.
//! Never changes what it shows, and keeps the whole value in memory as long as one part of it is held.
//! The engine counts who holds a value, so holding one never blocks a write.

use std::fmt;
use std::ops::Deref;

/// Bytes that are shared with the engine, or were made here.
#[derive(Clone, Default)]
pub struct Bytes(sled::IVec);

impl Bytes {
    pub(super) fn of_engine(value: sled::IVec) -> Bytes {
        Bytes(value)
    }

    /// A part of them: as many bytes, from a place on.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn part(&self, from: usize, count: usize) -> Bytes {
        Bytes(self.0.subslice(from, count))
    }
}

impl From<&[u8]> for Bytes {
    /// A copy; a short one takes no memory of its own.
    fn from(bytes: &[u8]) -> Bytes {
        Bytes(bytes.into())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes(bytes.into())
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Bytes({})", self.len())
    }
}
