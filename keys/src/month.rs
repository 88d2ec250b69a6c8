//! Names a calendar month, the span of a context key. Never reads a clock.
//! A month counts from January of the year 0, so that months follow each other by one.

use crate::error::KeyError;
use crate::limits::{YEAR_MAX, YEAR_MIN};

/// A calendar month between the years 2000 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u32);

impl Month {
    /// A month by year and number; January is 1.
    ///
    /// # Errors
    /// [`KeyError::MonthOutOfRange`].
    pub fn from_year_month(year: i32, month: u8) -> Result<Self, KeyError> {
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) || !(1..=12).contains(&month) {
            return Err(KeyError::MonthOutOfRange);
        }
        let year = u32::try_from(year).expect("the year was just checked to be positive");
        Ok(Self(year * 12 + u32::from(month) - 1))
    }

    /// The month's number: twelve times the year, plus 0 for January to 11 for December.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// A month from its number.
    ///
    /// # Errors
    /// [`KeyError::MonthOutOfRange`].
    pub fn from_number(number: u32) -> Result<Self, KeyError> {
        let year = i32::try_from(number / 12).map_err(|_| KeyError::MonthOutOfRange)?;
        let month = u8::try_from(number % 12 + 1).expect("a remainder of twelve fits a byte");
        Self::from_year_month(year, month)
    }

    /// Year and number of the month; January is 1.
    #[must_use]
    pub fn year_month(self) -> (u32, u32) {
        (self.0 / 12, self.0 % 12 + 1)
    }

    /// The month that many after this one, if there is one.
    pub(crate) fn later(self, months: usize) -> Option<Self> {
        Self::from_number(self.0.checked_add(u32::try_from(months).ok()?)?).ok()
    }

    /// How many months this one lies after `first`, if it does not lie before it.
    pub(crate) fn offset_from(self, first: Self) -> Option<usize> {
        usize::try_from(self.0.checked_sub(first.0)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(year: i32, number: u8) -> Month {
        Month::from_year_month(year, number).expect("in range")
    }

    #[test]
    fn months_follow_each_other_over_the_year() {
        assert_eq!(month(2026, 12).number() + 1, month(2027, 1).number());
        assert!(month(2026, 12) < month(2027, 1));
        assert_eq!(month(2027, 1).number(), 2027 * 12);
    }

    #[test]
    fn months_outside_the_calendar_are_refused() {
        for (year, number) in [(1999, 12), (10_000, 1), (-1, 1), (2026, 0), (2026, 13)] {
            assert!(matches!(Month::from_year_month(year, number), Err(KeyError::MonthOutOfRange)));
        }
        for good in [month(2000, 1), month(9999, 12)] {
            assert_eq!(Month::from_number(good.number()).expect("in range"), good);
        }
        for number in [0, 2000 * 12 - 1, 10_000 * 12, u32::MAX] {
            assert!(Month::from_number(number).is_err());
        }
    }

    #[test]
    fn a_month_lies_so_many_months_after_another() {
        let first = month(2026, 3);
        assert_eq!(first.offset_from(first), Some(0));
        assert_eq!(month(2031, 2).offset_from(first), Some(59));
        assert_eq!(month(2026, 2).offset_from(first), None);
    }
}
