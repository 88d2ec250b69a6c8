//! Lays the keys of a keyring out in one wiped buffer of fixed size. Never seals, opens or copies a key.
//! Each key has its own place and an epoch of at least one; the bytes behind the last key are zero.
//!
//! ```text
//! content = first month u32 | zero u32 | entries | zeros
//! entry   = epoch u32 | key 32
//! entries = 4,096 subject buckets | 4,096 index buckets | 60 months | index base | header | chain | charge
//!           | idempotency | log signing seed | token signing seed
//! ```

use zeroize::Zeroizing;

use crate::bucket::Bucket;
use crate::error::KeyError;
use crate::limits::{BUCKETS, CONTEXT_MONTHS};
use crate::month::Month;
use crate::secret::{KEY_BYTES, fill_random};

/// Length of the content in bytes: a slot of 300 KiB, less its header and what sealing adds.
pub(crate) const CONTENT_BYTES: usize = 307_115;

const EPOCH_BYTES: usize = 4;
const ENTRY_BYTES: usize = EPOCH_BYTES + KEY_BYTES;
const ENTRIES_START: usize = 8;
const SUBJECT_BUCKETS_START: usize = 0;
const INDEX_BUCKETS_START: usize = SUBJECT_BUCKETS_START + BUCKETS;
const MONTHS_START: usize = INDEX_BUCKETS_START + BUCKETS;
const SINGLES_START: usize = MONTHS_START + CONTEXT_MONTHS;
const SINGLES: usize = 7;
const ENTRIES: usize = SINGLES_START + SINGLES;
const ENTRIES_END: usize = ENTRIES_START + ENTRIES * ENTRY_BYTES;
const EPOCH_FIRST: u32 = 1;

const _: () = assert!(ENTRIES_END <= CONTENT_BYTES);

/// Where a key lies.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    SubjectBucket(Bucket),
    IndexBucket(Bucket),
    /// The month at this offset from the first; below [`CONTEXT_MONTHS`].
    Month(usize),
    IndexBase,
    Header,
    Chain,
    Charge,
    Idempotency,
    LogSeed,
    TokenSeed,
}

impl Place {
    fn entry(self) -> usize {
        match self {
            Self::SubjectBucket(bucket) => SUBJECT_BUCKETS_START + usize::from(bucket.number()),
            Self::IndexBucket(bucket) => INDEX_BUCKETS_START + usize::from(bucket.number()),
            Self::Month(offset) => {
                assert!(offset < CONTEXT_MONTHS, "a month is checked when it is looked up");
                MONTHS_START + offset
            }
            Self::IndexBase => SINGLES_START,
            Self::Header => SINGLES_START + 1,
            Self::Chain => SINGLES_START + 2,
            Self::Charge => SINGLES_START + 3,
            Self::Idempotency => SINGLES_START + 4,
            Self::LogSeed => SINGLES_START + 5,
            Self::TokenSeed => SINGLES_START + 6,
        }
    }
}

/// A key in its place.
pub(crate) struct Entry<'a> {
    /// How often the key in this place has been replaced, counted from one.
    pub(crate) epoch: u32,
    pub(crate) key: &'a [u8; KEY_BYTES],
}

/// All keys of a keyring, wiped on drop.
pub(crate) struct Content {
    bytes: Zeroizing<Vec<u8>>,
    first_month: Month,
}

impl Content {
    /// Draws every key.
    pub(crate) fn generate(first_month: Month) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new(vec![0; CONTENT_BYTES]);
        bytes[..4].copy_from_slice(&first_month.number().to_be_bytes());
        let entries = &mut bytes[ENTRIES_START..ENTRIES_END];
        fill_random(entries)?;
        for entry in entries.chunks_exact_mut(ENTRY_BYTES) {
            entry[..EPOCH_BYTES].copy_from_slice(&EPOCH_FIRST.to_be_bytes());
        }
        Ok(Self { bytes, first_month })
    }

    /// Takes opened content over, once its shape is checked.
    ///
    /// # Errors
    /// [`KeyError::ContentShape`].
    pub(crate) fn from_opened(bytes: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        if bytes.len() != CONTENT_BYTES {
            return Err(KeyError::ContentShape);
        }
        let number = u32::from_be_bytes(*bytes.first_chunk().expect("the length was just checked"));
        let first_month = Month::from_number(number).map_err(|_| KeyError::ContentShape)?;
        let mut zeros = bytes[4..ENTRIES_START].iter().chain(&bytes[ENTRIES_END..]);
        if zeros.any(|byte| *byte != 0) {
            return Err(KeyError::ContentShape);
        }
        let content = Self { bytes, first_month };
        if (0..ENTRIES).any(|entry| content.entry(entry).epoch < EPOCH_FIRST) {
            return Err(KeyError::ContentShape);
        }
        Ok(content)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The month of the first context key.
    pub(crate) fn first_month(&self) -> Month {
        self.first_month
    }

    /// The key in a place.
    pub(crate) fn at(&self, place: Place) -> Entry<'_> {
        self.entry(place.entry())
    }

    fn entry(&self, number: usize) -> Entry<'_> {
        let start = ENTRIES_START + number * ENTRY_BYTES;
        let (epoch, rest) =
            self.bytes[start..].split_first_chunk().expect("every entry lies inside the content");
        Entry {
            epoch: u32::from_be_bytes(*epoch),
            key: rest.first_chunk().expect("every entry lies inside the content"),
        }
    }
}

#[cfg(test)]
impl Content {
    /// Test keys: the key of each entry is the entry's number, eight times in 32 bits.
    pub(crate) fn fixed(first_month: Month) -> Self {
        let mut bytes = Zeroizing::new(vec![0; CONTENT_BYTES]);
        bytes[..4].copy_from_slice(&first_month.number().to_be_bytes());
        let entries = bytes[ENTRIES_START..ENTRIES_END].chunks_exact_mut(ENTRY_BYTES);
        for (number, entry) in (0_u32..).zip(entries) {
            entry[..EPOCH_BYTES].copy_from_slice(&EPOCH_FIRST.to_be_bytes());
            entry[EPOCH_BYTES..].copy_from_slice(&number.to_be_bytes().repeat(8));
        }
        Self::from_opened(bytes).expect("the right shape")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn first_month() -> Month {
        Month::from_year_month(2026, 3).expect("in range")
    }

    fn bytes() -> Zeroizing<Vec<u8>> {
        let content = Content::generate(first_month()).expect("randomness");
        Zeroizing::new(content.bytes().to_vec())
    }

    #[test]
    fn every_place_holds_its_own_key_of_epoch_one() {
        let content = Content::from_opened(bytes()).expect("own content");
        assert_eq!(content.first_month(), first_month());
        let buckets = || (0..4096).filter_map(Bucket::from_number);
        let places = buckets()
            .map(Place::SubjectBucket)
            .chain(buckets().map(Place::IndexBucket))
            .chain((0..CONTEXT_MONTHS).map(Place::Month))
            .chain([
                Place::IndexBase,
                Place::Header,
                Place::Chain,
                Place::Charge,
                Place::Idempotency,
                Place::LogSeed,
                Place::TokenSeed,
            ]);
        let mut keys = HashSet::new();
        for place in places {
            let entry = content.at(place);
            assert_eq!(entry.epoch, 1);
            assert!(keys.insert(*entry.key), "two places share a key");
        }
        assert_eq!(keys.len(), ENTRIES);
    }

    #[test]
    fn places_never_move() {
        let offset = |place: Place| ENTRIES_START + place.entry() * ENTRY_BYTES;
        let last = Bucket::from_number(4095).expect("in range");
        assert_eq!(offset(Place::SubjectBucket(last)), 8 + 4095 * 36);
        assert_eq!(offset(Place::IndexBucket(last)), 8 + 8191 * 36);
        assert_eq!(offset(Place::Month(0)), 294_920);
        assert_eq!(offset(Place::IndexBase), 297_080);
        assert_eq!(offset(Place::TokenSeed), 297_296);
        assert_eq!(ENTRIES_END, 297_332);
    }

    #[test]
    fn content_of_another_shape_is_refused() {
        let refused = |bytes| matches!(Content::from_opened(bytes), Err(KeyError::ContentShape));
        let alter = |at: usize, with: &[u8]| {
            let mut altered = bytes();
            altered[at..at + with.len()].copy_from_slice(with);
            altered
        };
        assert!(refused(Zeroizing::new(bytes()[1..].to_vec())));
        assert!(refused(alter(0, &[0; 4])));
        assert!(refused(alter(7, &[1])));
        assert!(refused(alter(ENTRIES_START, &[0; EPOCH_BYTES])));
        assert!(refused(alter(ENTRIES_END - ENTRY_BYTES, &[0; EPOCH_BYTES])));
        assert!(refused(alter(ENTRIES_END, &[1])));
        assert!(refused(alter(CONTENT_BYTES - 1, &[1])));
        assert!(!refused(bytes()));
    }
}
