//! Names one of the 4,096 buckets. Never holds a key.
//! A bucket is the first twelve bits of a hash or of a keyed hash, so its number is always in range.

use crate::limits::BUCKETS;

/// The number of a bucket, below [`BUCKETS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Bucket(u16);

impl Bucket {
    /// The first twelve bits of a hash.
    pub(crate) fn of_hash(hash: &[u8; 32]) -> Self {
        Self((u16::from(hash[0]) << 4) | u16::from(hash[1] >> 4))
    }

    /// A number from outside; `None` when out of range.
    pub(crate) fn from_number(number: u16) -> Option<Self> {
        (usize::from(number) < BUCKETS).then_some(Self(number))
    }

    pub(crate) const fn number(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_the_first_twelve_bits() {
        let mut hash = [0xff; 32];
        assert_eq!(Bucket::of_hash(&hash).number(), 4095);
        hash[..2].copy_from_slice(&[0xab, 0xcd]);
        assert_eq!(Bucket::of_hash(&hash).number(), 0xabc);
        hash[..2].copy_from_slice(&[0x00, 0x0f]);
        assert_eq!(Bucket::of_hash(&hash).number(), 0);
    }

    #[test]
    fn numbers_from_outside_are_held_against_the_limit() {
        assert_eq!(Bucket::from_number(4095).map(Bucket::number), Some(4095));
        assert_eq!(Bucket::from_number(4096), None);
    }
}
