//! The keys of months among those of a keyring: held, followed within their month, destroyed when it is over.
//! Never an entry of a month whose key is destroyed, whatever stands in its place.
//! The last epoch stands for a destroyed key, and what is in the key's place says whether an entry of the log tells so.
//!
//! There are places for [`CONTEXT_MONTHS`] months, each taken by turns: the first of them, once its key is destroyed and an entry tells
//! so, makes way for the month behind the last. So a ring reaches as far ahead as its log's retention leaves it, and never ends.

use super::{
    Content, ENTRIES_END, ENTRIES_START, ENTRY_BYTES, EPOCH_BYTES, EPOCH_FIRST, Entry, NEXT_BYTES,
    NEXT_START, Place,
};
use crate::error::KeyError;
use crate::limits::{CONTEXT_MONTHS, CONTEXT_MONTHS_REKEYED_MAX};
use crate::month::Month;
use crate::secret::{KEY_BYTES, fill_random};
use std::ops::Range;

/// That of a month whose key is destroyed.
const EPOCH_DESTROYED: u32 = u32::MAX;
const UNTOLD: [u8; KEY_BYTES] = [0; KEY_BYTES];
const TOLD: [u8; KEY_BYTES] = [0xff; KEY_BYTES];

impl Content {
    /// The context key of a month, until it is destroyed.
    pub(crate) fn month(&self, month: Month) -> Result<Entry<'_>, KeyError> {
        let entry = self.at(self.place_of(month)?);
        match entry.epoch {
            EPOCH_DESTROYED => Err(KeyError::MonthNotHeld),
            _ => Ok(entry),
        }
    }

    /// Where a month's key lies.
    pub(crate) fn place_of(&self, month: Month) -> Result<Place, KeyError> {
        let offset = month.offset_from(self.first_month).ok_or(KeyError::MonthNotHeld)?;
        self.offsets().contains(&offset).then(|| place_at(offset)).ok_or(KeyError::MonthNotHeld)
    }

    /// Whether the ring has or had a key of a month.
    pub(crate) fn had(&self, month: Month) -> bool {
        let offset = month.offset_from(self.first_month);
        offset.is_some_and(|offset| offset < self.offsets().end)
    }

    /// How many months from this one on have a key, itself included.
    pub(crate) fn months_from(&self, month: Month) -> usize {
        let offset = month.offset_from(self.first_month).unwrap_or(0);
        self.offsets().end.saturating_sub(offset)
    }

    /// How often the place of a month was taken before by another.
    pub(crate) fn turns_of(&self, slot: usize) -> usize {
        let held = self.offsets().find(|offset| offset % CONTEXT_MONTHS == slot);
        held.expect("each place is some month's") / CONTEXT_MONTHS
    }

    /// The months that have a place, by how many lie between them and the first that ever had one.
    fn offsets(&self) -> Range<usize> {
        self.passed..self.passed + CONTEXT_MONTHS
    }

    /// Months before this one whose keys are there.
    pub(crate) fn months_before(&self, month: Month) -> Vec<Month> {
        self.months(|entry| entry.epoch != EPOCH_DESTROYED, |held| held < month)
    }

    /// Months whose keys are destroyed, and no entry tells so yet.
    pub(crate) fn months_untold(&self) -> Vec<Month> {
        self.months(|entry| entry.epoch == EPOCH_DESTROYED && *entry.key == UNTOLD, |_| true)
    }

    fn months(&self, is: impl Fn(&Entry<'_>) -> bool, named: impl Fn(Month) -> bool) -> Vec<Month> {
        let months = self.offsets().filter_map(|offset| {
            let month = self.first_month.later(offset)?;
            (named(month) && is(&self.at(place_at(offset)))).then_some(month)
        });
        months.collect()
    }

    /// A copy without the keys of these months, of which no entry tells yet.
    pub(crate) fn without_months(&self, months: &[Month]) -> Self {
        let places: Vec<Place> =
            months.iter().filter_map(|month| self.place_of(*month).ok()).collect();
        self.with_months(months, &UNTOLD).without_next(&places)
    }

    /// A copy in which this month has a next key beside its own, and every later one that is held another in its place, of which
    /// nothing is left, not even a next key that a clock which was ahead had drawn: under them nothing was sealed yet.
    ///
    /// # Errors
    /// [`KeyError::MonthNotHeld`]; [`KeyError::TooManyBuckets`] where too many months have two keys, or the ring has no room;
    /// [`KeyError::EpochsUsedUp`], [`KeyError::Randomness`].
    pub(crate) fn with_contexts_turned(&self, month: Month) -> Result<Self, KeyError> {
        self.month(month)?;
        let offset = month.offset_from(self.first_month).ok_or(KeyError::MonthNotHeld)?;
        let later: Vec<Place> = (offset + 1..self.offsets().end)
            .map(place_at)
            .filter(|place| self.at(*place).epoch != EPOCH_DESTROYED)
            .collect();
        let mut copy = self.without_next(&later).with_next_keys(&[place_at(offset)])?;
        let held = self.offsets().start..=offset;
        let with_two = held.filter(|held| copy.next_of(place_at(*held)).is_some());
        if with_two.count() > CONTEXT_MONTHS_REKEYED_MAX {
            return Err(KeyError::TooManyBuckets);
        }
        for place in later {
            let next = self.newest(place).epoch.checked_add(1).ok_or(KeyError::EpochsUsedUp)?;
            let start = ENTRIES_START + place.entry() * ENTRY_BYTES;
            let (epoch, key) = copy.bytes[start..start + ENTRY_BYTES].split_at_mut(EPOCH_BYTES);
            epoch.copy_from_slice(&next.to_be_bytes());
            fill_random(key)?;
        }
        Ok(copy)
    }

    /// The key of a month and epoch.
    pub(crate) fn month_of(&self, month: Month, epoch: u32) -> Result<Entry<'_>, KeyError> {
        let present = self.month(month)?;
        match self.next_of(self.place_of(month)?) {
            Some(next) if next.epoch == epoch => Ok(next),
            _ => Ok(present),
        }
    }

    /// The key under which a month's contexts are sealed now.
    pub(crate) fn newest_of(&self, month: Month) -> Result<Entry<'_>, KeyError> {
        let present = self.month(month)?;
        Ok(self.next_of(self.place_of(month)?).unwrap_or(present))
    }

    /// A copy that knows that an entry tells of these, whose keys are destroyed. The first months make way for later ones as far as
    /// that is so of them.
    ///
    /// # Errors
    /// [`KeyError::Randomness`].
    pub(crate) fn with_months_told(&self, months: &[Month]) -> Result<Self, KeyError> {
        let untold = self.months_untold();
        let told: Vec<Month> =
            months.iter().filter(|month| untold.contains(month)).copied().collect();
        let mut copy = self.with_months(&told, &TOLD);
        while copy.first_makes_way() {
            let start = ENTRIES_START + place_at(copy.passed).entry() * ENTRY_BYTES;
            let (epoch, key) = copy.bytes[start..start + ENTRY_BYTES].split_at_mut(EPOCH_BYTES);
            epoch.copy_from_slice(&EPOCH_FIRST.to_be_bytes());
            fill_random(key)?;
            copy.pass_one();
        }
        Ok(copy)
    }

    /// Whether the first month with a place has no key, an entry tells so, and there is a month behind the last.
    fn first_makes_way(&self) -> bool {
        let first = self.at(place_at(self.passed));
        let is_told = first.epoch == EPOCH_DESTROYED && *first.key == TOLD;
        is_told && self.first_month.later(self.offsets().end).is_some()
    }

    fn with_months(&self, months: &[Month], key: &[u8; KEY_BYTES]) -> Self {
        let mut copy = self.copy();
        for place in months.iter().filter_map(|month| self.place_of(*month).ok()) {
            let start = ENTRIES_START + place.entry() * ENTRY_BYTES;
            let (epoch, at) = copy.bytes[start..start + ENTRY_BYTES].split_at_mut(EPOCH_BYTES);
            epoch.copy_from_slice(&EPOCH_DESTROYED.to_be_bytes());
            at.copy_from_slice(key);
        }
        copy
    }

    /// A copy without the next keys of these places.
    fn without_next(&self, places: &[Place]) -> Self {
        let mut copy = self.copy();
        copy.bytes[ENTRIES_END..].fill(0);
        let mut left = 0;
        for at in 0..self.next_count() {
            let place = Place::of_next(self.next_number(at)).expect("it was checked");
            if !places.contains(&place) {
                let (from, to) = (NEXT_START + at * NEXT_BYTES, NEXT_START + left * NEXT_BYTES);
                copy.bytes[to..to + NEXT_BYTES]
                    .copy_from_slice(&self.bytes[from..from + NEXT_BYTES]);
                left += 1;
            }
        }
        copy.set_next_count(left);
        copy
    }
}

/// The place of the month that lies so many after the first that ever had one.
fn place_at(offset: usize) -> Place {
    Place::Month(offset % CONTEXT_MONTHS)
}
