//! Lays the keys of a keyring out in one wiped buffer of fixed size. Never seals or opens anything.
//! Each key has its own place and an epoch of at least one, the last one where a month's key is destroyed; behind the last key stand
//! the next keys of places that are being re-keyed, in ascending order and each of the epoch after the present one, and zeros behind.
//!
//! ```text
//! content = first month u32 | months that made way u32 | entries | next keys | zeros
//! entry   = epoch u32 | key 32
//! next    = count u16 | (place u16 | epoch u32 | key 32)*    place = number of the entry that it follows
//! entries = 4,096 subject buckets | 4,096 index buckets | 60 months | index base | header | chain | charge
//!           | idempotency | log signing seed | token signing seed
//! ```

mod months;

use zeroize::Zeroizing;

use crate::bucket::Bucket;
use crate::error::KeyError;
use crate::limits::{BUCKETS, BUCKETS_REKEYED_MAX, CONTEXT_MONTHS, SINGLES_REKEYED_MAX};
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
const NEXT_START: usize = ENTRIES_END + 2;
const NEXT_BYTES: usize = 2 + ENTRY_BYTES;

const NEXT_MAX: usize = 257;

const _: () = assert!(NEXT_START + NEXT_MAX * NEXT_BYTES <= CONTENT_BYTES);
// The number of a subject bucket is that of its entry, so a ring in which buckets alone have next keys is what it always was.
const _: () = assert!(SUBJECT_BUCKETS_START == 0);

/// Where a key lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    SubjectBucket(Bucket),
    IndexBucket(Bucket),
    /// One of those that months take by turns; below [`CONTEXT_MONTHS`].
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
            Self::Month(slot) => {
                assert!(slot < CONTEXT_MONTHS, "a month is checked when it is looked up");
                MONTHS_START + slot
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

    /// The number that a next key names its place by.
    fn number(self) -> u16 {
        u16::try_from(self.entry()).expect("there are fewer entries")
    }

    /// The place of a number, if another key may follow the one there.
    fn of_next(number: u16) -> Option<Self> {
        let bucket = Bucket::from_number(number).map(Self::SubjectBucket);
        let index_bucket = index_bucket(number).map(Self::IndexBucket);
        let month = usize::from(number).checked_sub(MONTHS_START);
        let month = month.filter(|offset| *offset < CONTEXT_MONTHS).map(Self::Month);
        bucket
            .or(index_bucket)
            .or(month)
            .or_else(|| SINGLES_THAT_TURN.into_iter().find(|place| place.number() == number))
    }
}

/// The index bucket whose entry has this number, if one's has.
fn index_bucket(number: u16) -> Option<Bucket> {
    let start = u16::try_from(INDEX_BUCKETS_START).expect("there are fewer entries");
    number.checked_sub(start).and_then(Bucket::from_number)
}

/// Keys that there is one of, and that others follow.
const SINGLES_THAT_TURN: [Place; 3] = [Place::Header, Place::LogSeed, Place::TokenSeed];

/// A key in its place.
pub(crate) struct Entry<'a> {
    /// How often the key in this place has been replaced, counted from one.
    pub(crate) epoch: u32,
    pub(crate) key: &'a [u8; KEY_BYTES],
}

/// All keys of a keyring, wiped on drop.
pub(crate) struct Content {
    bytes: Zeroizing<Vec<u8>>,
    /// The first one that ever had a key.
    first_month: Month,
    /// How many months, from that one on, made way for later ones.
    passed: usize,
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
        Ok(Self { bytes, first_month, passed: 0 })
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
        let passed = u32::from_be_bytes(*bytes[4..].first_chunk().expect("so was this one"));
        let passed = usize::try_from(passed).map_err(|_| KeyError::ContentShape)?;
        first_month.later(passed).ok_or(KeyError::ContentShape)?;
        let content = Self { bytes, first_month, passed };
        let count = content.next_count();
        if count > NEXT_MAX {
            return Err(KeyError::ContentShape);
        }
        let behind = NEXT_START + count * NEXT_BYTES;
        if content.bytes[behind..].iter().any(|byte| *byte != 0)
            || (0..ENTRIES).any(|entry| content.entry(entry).epoch < EPOCH_FIRST)
            || !content.has_right_next_keys()
            || !content.has_room_left()
        {
            return Err(KeyError::ContentShape);
        }
        Ok(content)
    }

    /// The same, where its shape is one that opens.
    ///
    /// # Errors
    /// [`KeyError::ContentShape`].
    pub(crate) fn checked(self) -> Result<Self, KeyError> {
        Self::from_opened(self.bytes)
    }

    /// Whether each next key is of a place that may have one, in ascending order, and of the epoch after the present one.
    fn has_right_next_keys(&self) -> bool {
        let mut before = None;
        (0..self.next_count()).all(|at| {
            let number = self.next_number(at);
            let ascends = before.is_none_or(|before| before < number);
            before = Some(number);
            let follows = Place::of_next(number).is_some_and(|place| {
                self.at(place).epoch.checked_add(1) == Some(self.next_entry(at).epoch)
            });
            ascends && follows
        })
    }

    /// Whether no more buckets, and no more other places, have a next key than may.
    fn has_room_left(&self) -> bool {
        let buckets = self.rekeyed().len() + self.rekeyed_index().len();
        buckets <= BUCKETS_REKEYED_MAX && self.next_count() - buckets <= SINGLES_REKEYED_MAX
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key in a place.
    pub(crate) fn at(&self, place: Place) -> Entry<'_> {
        self.entry(place.entry())
    }

    /// The key that protects in a place now: its next one where one was drawn.
    pub(crate) fn newest(&self, place: Place) -> Entry<'_> {
        self.next_of(place).unwrap_or_else(|| self.at(place))
    }

    /// The next key of a place, where one was drawn.
    pub(crate) fn next_of(&self, place: Place) -> Option<Entry<'_>> {
        let at = (0..self.next_count()).find(|at| self.next_number(*at) == place.number());
        at.map(|at| self.next_entry(at))
    }

    /// The subject buckets that have a next key, in ascending order, each with its epoch.
    pub(crate) fn rekeyed(&self) -> Vec<(u16, u32)> {
        let next =
            (0..self.next_count()).map(|at| (self.next_number(at), self.next_entry(at).epoch));
        next.filter(|(number, _)| Bucket::from_number(*number).is_some()).collect()
    }

    /// The index buckets that have a next key, in ascending order, each with its epoch.
    pub(crate) fn rekeyed_index(&self) -> Vec<(u16, u32)> {
        let next =
            (0..self.next_count()).map(|at| (self.next_number(at), self.next_entry(at).epoch));
        next.filter_map(|(number, epoch)| Some((index_bucket(number)?.number(), epoch))).collect()
    }

    /// Whether anything but a bucket has a next key.
    pub(crate) fn has_next_singles(&self) -> bool {
        self.next_count() > self.rekeyed().len() + self.rekeyed_index().len()
    }

    /// Whether the key of an index bucket was ever followed by another, or is about to be.
    pub(crate) fn has_followed_index(&self) -> bool {
        let mut buckets = INDEX_BUCKETS_START..INDEX_BUCKETS_START + BUCKETS;
        !self.rekeyed_index().is_empty()
            || buckets.any(|number| self.entry(number).epoch > EPOCH_FIRST)
    }

    /// Whether the header key was ever followed by another, or is about to be.
    pub(crate) fn has_followed_header(&self) -> bool {
        self.newest(Place::Header).epoch > EPOCH_FIRST
    }

    /// Whether a month made way for another.
    pub(crate) fn has_passed_months(&self) -> bool {
        self.passed > 0
    }

    /// A copy in which each of these places has a next key; one that has one keeps it.
    ///
    /// # Errors
    /// [`KeyError::TooManyBuckets`], [`KeyError::EpochsUsedUp`], [`KeyError::Randomness`].
    pub(crate) fn with_next_keys(&self, places: &[Place]) -> Result<Self, KeyError> {
        let mut numbers: Vec<u16> = places.iter().map(|place| place.number()).collect();
        numbers.extend((0..self.next_count()).map(|at| self.next_number(at)));
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() > NEXT_MAX {
            return Err(KeyError::TooManyBuckets);
        }
        let mut copy = self.copy();
        copy.set_next_count(numbers.len());
        for (at, number) in numbers.into_iter().enumerate() {
            let place = Place::of_next(number).expect("it may have a next key");
            let start = NEXT_START + at * NEXT_BYTES;
            let (name, entry) = copy.bytes[start..start + NEXT_BYTES].split_at_mut(2);
            name.copy_from_slice(&number.to_be_bytes());
            let (epoch, key) = entry.split_at_mut(EPOCH_BYTES);
            if let Some(held) = self.next_of(place) {
                epoch.copy_from_slice(&held.epoch.to_be_bytes());
                key.copy_from_slice(held.key);
            } else {
                let next = self.at(place).epoch.checked_add(1).ok_or(KeyError::EpochsUsedUp)?;
                epoch.copy_from_slice(&next.to_be_bytes());
                fill_random(key)?;
            }
        }
        if copy.has_room_left() { Ok(copy) } else { Err(KeyError::TooManyBuckets) }
    }

    /// A copy in which these next keys stand in the places that they follow. The keys that stood there are in it no more. A
    /// place whose next key has another epoch stays as it is.
    pub(crate) fn promoted(&self, named: &[(Place, u32)]) -> Self {
        let mut copy = self.copy();
        copy.bytes[ENTRIES_END..].fill(0);
        let mut left = 0;
        for at in 0..self.next_count() {
            let from = NEXT_START + at * NEXT_BYTES;
            let next = &self.bytes[from..from + NEXT_BYTES];
            let place = Place::of_next(self.next_number(at)).expect("it was checked");
            if named.contains(&(place, self.next_entry(at).epoch)) {
                let start = ENTRIES_START + place.entry() * ENTRY_BYTES;
                copy.bytes[start..start + ENTRY_BYTES].copy_from_slice(&next[2..]);
            } else {
                let start = NEXT_START + left * NEXT_BYTES;
                copy.bytes[start..start + NEXT_BYTES].copy_from_slice(next);
                left += 1;
            }
        }
        copy.set_next_count(left);
        copy
    }

    fn copy(&self) -> Self {
        let mut bytes = Zeroizing::new(vec![0; CONTENT_BYTES]);
        bytes.copy_from_slice(&self.bytes);
        Self { bytes, first_month: self.first_month, passed: self.passed }
    }

    /// The first month that has a place makes way for another.
    fn pass_one(&mut self) {
        self.passed += 1;
        let passed = u32::try_from(self.passed).expect("a calendar has fewer months");
        self.bytes[4..ENTRIES_START].copy_from_slice(&passed.to_be_bytes());
    }

    fn next_count(&self) -> usize {
        usize::from(u16::from_be_bytes([self.bytes[ENTRIES_END], self.bytes[ENTRIES_END + 1]]))
    }

    fn set_next_count(&mut self, count: usize) {
        let count = u16::try_from(count).expect("there are fewer places");
        self.bytes[ENTRIES_END..NEXT_START].copy_from_slice(&count.to_be_bytes());
    }

    fn next_number(&self, at: usize) -> u16 {
        let start = NEXT_START + at * NEXT_BYTES;
        u16::from_be_bytes([self.bytes[start], self.bytes[start + 1]])
    }

    fn next_entry(&self, at: usize) -> Entry<'_> {
        self.entry_at(NEXT_START + at * NEXT_BYTES + 2)
    }

    fn entry(&self, number: usize) -> Entry<'_> {
        self.entry_at(ENTRIES_START + number * ENTRY_BYTES)
    }

    fn entry_at(&self, start: usize) -> Entry<'_> {
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
        assert_eq!(content.first_month, first_month());
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
        assert!(refused(alter(4, &[1])), "months that made way up to one that no calendar has");
        assert!(refused(alter(ENTRIES_START, &[0; EPOCH_BYTES])));
        assert!(refused(alter(ENTRIES_END - ENTRY_BYTES, &[0; EPOCH_BYTES])));
        assert!(refused(alter(ENTRIES_END, &[1])));
        assert!(refused(alter(ENTRIES_END + 1, &[1])), "a next key of epoch 0");
        assert!(refused(alter(CONTENT_BYTES - 1, &[1])));
        assert!(!refused(bytes()));
    }

    fn bucket(number: u16) -> Place {
        Place::SubjectBucket(Bucket::from_number(number).expect("in range"))
    }

    fn again(content: &Content) -> Result<Content, KeyError> {
        Content::from_opened(Zeroizing::new(content.bytes().to_vec()))
    }

    #[test]
    fn a_next_key_stands_beside_the_present_one_until_it_takes_its_place() {
        let first = Content::generate(first_month()).expect("randomness");
        let both = first.with_next_keys(&[bucket(4095), bucket(7)]).expect("two");
        assert_eq!(both.rekeyed(), [(7, 2), (4095, 2)]);
        let present = |content: &Content| *content.at(bucket(7)).key;
        assert_eq!(present(&both), present(&first));
        let (epoch, next) = (both.newest(bucket(7)).epoch, *both.newest(bucket(7)).key);
        assert_eq!(epoch, 2);
        assert_ne!(next, present(&first));
        // What was drawn once stays, whoever asks again.
        let more = both.with_next_keys(&[bucket(7), bucket(8)]).expect("one more");
        let three = vec![(7, 2), (8, 2), (4095, 2)];
        assert_eq!((more.rekeyed(), *more.newest(bucket(7)).key), (three.clone(), next));
        let read = again(&more).expect("own content");
        assert_eq!((read.rekeyed(), *read.newest(bucket(7)).key), (three.clone(), next));

        // One of another epoch, or of a bucket that has none, changes nothing.
        let same = more.promoted(&[(bucket(7), 3), (bucket(9), 2)]);
        assert_eq!((same.rekeyed(), present(&same)), (three, present(&first)));
        let promoted = more.promoted(&[(bucket(7), 2), (bucket(4095), 2)]);
        assert_eq!((promoted.rekeyed(), present(&promoted)), (vec![(8, 2)], next));
        assert_eq!(promoted.newest(bucket(8)).key, more.newest(bucket(8)).key);
        assert_eq!(promoted.newest(bucket(7)).epoch, 2);
        let old = present(&first);
        assert!(promoted.bytes().windows(KEY_BYTES).all(|window| window != old), "it is gone");
        assert_eq!(promoted.at(Place::Header).key, first.at(Place::Header).key);
        assert!(again(&promoted).is_ok());
    }

    #[test]
    fn as_many_buckets_as_the_limit_have_a_next_key_and_one_more_has_none() {
        let first = Content::generate(first_month()).expect("randomness");
        let some = |count: usize| -> Vec<Place> {
            (0..u16::try_from(count).expect("few")).map(bucket).collect()
        };
        let most = first.with_next_keys(&some(BUCKETS_REKEYED_MAX)).expect("the limit");
        assert_eq!(again(&most).expect("own content").rekeyed().len(), BUCKETS_REKEYED_MAX);
        let more = first.with_next_keys(&some(BUCKETS_REKEYED_MAX + 1));
        assert!(matches!(more, Err(KeyError::TooManyBuckets)));
        let more = most.with_next_keys(&[bucket(4095)]);
        assert!(matches!(more, Err(KeyError::TooManyBuckets)));
        let months = |count| -> Vec<Place> { (0..count).map(Place::Month).collect() };
        assert!(first.with_next_keys(&months(SINGLES_REKEYED_MAX)).is_ok());
        let more = first.with_next_keys(&months(SINGLES_REKEYED_MAX + 1));
        assert!(matches!(more, Err(KeyError::TooManyBuckets)));
        // There is room for another key beside them, and for no more.
        let beside = most.with_next_keys(&[Place::TokenSeed]).expect("one beside");
        let more = beside.with_next_keys(&[Place::LogSeed]);
        assert!(matches!(more, Err(KeyError::TooManyBuckets)));
        let read = again(&beside).expect("own content");
        assert_eq!(read.rekeyed().len(), BUCKETS_REKEYED_MAX);
        assert!(read.has_next_singles() && !most.has_next_singles());
    }

    #[test]
    fn a_key_that_there_is_one_of_is_followed_like_that_of_a_bucket_and_beside_it() {
        let first = Content::generate(first_month()).expect("randomness");
        let both = first.with_next_keys(&[Place::TokenSeed, bucket(7)]).expect("two");
        assert_eq!(both.rekeyed(), [(7, 2)]);
        let next = both.next_of(Place::TokenSeed).expect("one");
        assert_eq!((next.epoch, both.newest(Place::TokenSeed).key), (2, next.key));
        assert!(both.next_of(Place::LogSeed).is_none());
        let read = again(&both).expect("own content");
        let promoted = read.promoted(&[(Place::TokenSeed, 2)]);
        assert_eq!(promoted.at(Place::TokenSeed).key, next.key);
        assert_eq!((promoted.rekeyed(), promoted.has_next_singles()), (vec![(7, 2)], false));
        let old = *first.at(Place::TokenSeed).key;
        assert!(promoted.bytes().windows(KEY_BYTES).all(|window| window != old), "it is gone");
        assert_eq!(promoted.at(Place::LogSeed).key, first.at(Place::LogSeed).key);
    }

    #[test]
    fn next_key_of_a_place_that_nothing_follows_is_refused() {
        let first = Content::generate(first_month()).expect("randomness");
        let both = first.with_next_keys(&[Place::TokenSeed]).expect("one");
        for place in [Place::Chain, Place::Charge, Place::IndexBase, Place::Idempotency] {
            let mut altered = both.copy();
            altered.bytes[NEXT_START..NEXT_START + 2]
                .copy_from_slice(&place.number().to_be_bytes());
            assert!(matches!(again(&altered), Err(KeyError::ContentShape)), "{place:?}");
        }
    }

    #[test]
    fn next_keys_out_of_order_or_of_another_epoch_are_refused() {
        let first = Content::generate(first_month()).expect("randomness");
        let both = first.with_next_keys(&[bucket(3), bucket(7)]).expect("two");
        for (at, with) in [
            (NEXT_START, 7_u16.to_be_bytes()),
            (NEXT_START, 4096_u16.to_be_bytes()),
            (NEXT_START + 4, 3_u16.to_be_bytes()),
            (ENTRIES_END, 1_u16.to_be_bytes()),
        ] {
            let mut altered = both.copy();
            altered.bytes[at..at + 2].copy_from_slice(&with);
            assert!(matches!(again(&altered), Err(KeyError::ContentShape)), "{at}");
        }
    }
}
