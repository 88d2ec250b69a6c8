//! The keys of months among those of a keyring: held, followed within their month, destroyed when it is over.
//! Never an entry of a month whose key is destroyed, whatever stands in its place.
//! The last epoch stands for a destroyed key, and what is in the key's place says whether an entry of the log tells so.

use super::{
    Content, ENTRIES_END, ENTRIES_START, ENTRY_BYTES, EPOCH_BYTES, Entry, NEXT_BYTES, NEXT_START,
    Place,
};
use crate::error::KeyError;
use crate::limits::{CONTEXT_MONTHS, CONTEXT_MONTHS_REKEYED_MAX};
use crate::month::Month;
use crate::secret::{KEY_BYTES, fill_random};

/// That of a month whose key is destroyed.
const EPOCH_DESTROYED: u32 = u32::MAX;
const UNTOLD: [u8; KEY_BYTES] = [0; KEY_BYTES];
const TOLD: [u8; KEY_BYTES] = [0xff; KEY_BYTES];

impl Content {
    /// The context key of a month, until it is destroyed.
    pub(crate) fn month(&self, month: Month) -> Result<Entry<'_>, KeyError> {
        let offset = month.offset_from(self.first_month).ok_or(KeyError::MonthNotHeld)?;
        let entry = self.at(Place::Month(offset));
        match entry.epoch {
            EPOCH_DESTROYED => Err(KeyError::MonthNotHeld),
            _ => Ok(entry),
        }
    }

    /// Where a month's key lies.
    pub(crate) fn place_of(&self, month: Month) -> Result<Place, KeyError> {
        month.offset_from(self.first_month).map(Place::Month).ok_or(KeyError::MonthNotHeld)
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
        let months = (0..CONTEXT_MONTHS).filter_map(|offset| {
            let month = self.first_month.later(offset)?;
            (named(month) && is(&self.at(Place::Month(offset)))).then_some(month)
        });
        months.collect()
    }

    /// A copy without the keys of these months, of which no entry tells yet.
    pub(crate) fn without_months(&self, months: &[Month]) -> Self {
        let offsets = months.iter().filter_map(|month| month.offset_from(self.first_month));
        let places: Vec<Place> = offsets.map(Place::Month).collect();
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
        let later: Vec<Place> = (offset + 1..CONTEXT_MONTHS)
            .map(Place::Month)
            .filter(|place| self.at(*place).epoch != EPOCH_DESTROYED)
            .collect();
        let mut copy = self.without_next(&later).with_next_keys(&[Place::Month(offset)])?;
        let with_two = (0..=offset).filter(|held| copy.next_of(Place::Month(*held)).is_some());
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
        let offset = month.offset_from(self.first_month).ok_or(KeyError::MonthNotHeld)?;
        match self.next_of(Place::Month(offset)) {
            Some(next) if next.epoch == epoch => Ok(next),
            _ => Ok(present),
        }
    }

    /// The key under which a month's contexts are sealed now.
    pub(crate) fn newest_of(&self, month: Month) -> Result<Entry<'_>, KeyError> {
        let present = self.month(month)?;
        let offset = month.offset_from(self.first_month).ok_or(KeyError::MonthNotHeld)?;
        Ok(self.next_of(Place::Month(offset)).unwrap_or(present))
    }

    /// A copy that knows that an entry tells of these, whose keys are destroyed.
    pub(crate) fn with_months_told(&self, months: &[Month]) -> Self {
        let untold = self.months_untold();
        let told: Vec<Month> =
            months.iter().filter(|month| untold.contains(month)).copied().collect();
        self.with_months(&told, &TOLD)
    }

    fn with_months(&self, months: &[Month], key: &[u8; KEY_BYTES]) -> Self {
        let mut copy = self.copy();
        for offset in months.iter().filter_map(|month| month.offset_from(self.first_month)) {
            let start = ENTRIES_START + Place::Month(offset).entry() * ENTRY_BYTES;
            let (epoch, place) = copy.bytes[start..start + ENTRY_BYTES].split_at_mut(EPOCH_BYTES);
            epoch.copy_from_slice(&EPOCH_DESTROYED.to_be_bytes());
            place.copy_from_slice(key);
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
