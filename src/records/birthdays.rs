//! The days on which a person's protection by age changes.
//! Never knows what day it is; the caller compares.
//! Who is born on 29 February comes of age on 1 March of a common year, so protection is never cut short.

use super::{PlainFields, Reason, numbers};
use jiff::civil::{Date, date};

/// The field with the stated birth date.
pub const BIRTH_DATE: &str = "birth_date";
/// The field with the citizen number, in which a birth date stands too.
pub const ID_NUMBER: &str = "id_number";
/// The fields that name a child's guardian: somebody who is held, or somebody known by name.
pub const GUARDIAN_FIELDS: [&str; 2] = ["guardians", "guardian_name"];

/// Age below which every field of a person is sensitive (PIPL Art. 28 and 31).
const CHILD_YEARS: i16 = 14;
/// Age of majority (Minors Protection Law Art. 2).
const MAJORITY_YEARS: i16 = 18;

/// The two birthdays that change how a person's data is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birthdays {
    /// The day of the 14th birthday: from it on no child in the sense of PIPL Art. 31.
    pub turns_14: Date,
    /// The day of the 18th birthday: from it on no minor.
    pub turns_18: Date,
}

/// The 14th and 18th birthday of someone born on `birth`.
pub fn turns_14_18(birth: Date) -> Birthdays {
    Birthdays { turns_14: birthday(birth, CHILD_YEARS), turns_18: birthday(birth, MAJORITY_YEARS) }
}

/// A civil date as whole days since 1970-01-01.
pub fn days_since_epoch(day: Date) -> i32 {
    (day - date(1970, 1, 1)).get_days()
}

/// The days on which the subject turns 14 and 18, from a birth date or an ID number. Where both are given and differ,
/// the later holds: doubt protects a child.
pub fn protected_days(fields: &PlainFields) -> Option<(i32, i32)> {
    days_by_date(fields).max(days_by_number(fields))
}

fn days_by_date(fields: &PlainFields) -> Option<(i32, i32)> {
    text(fields, BIRTH_DATE)?.parse().ok().map(days)
}

/// The same by the ID number alone.
pub fn days_by_number(fields: &PlainFields) -> Option<(i32, i32)> {
    numbers::id_birth_date(text(fields, ID_NUMBER)?).map(days)
}

fn text<'a>(fields: &'a PlainFields, name: &str) -> Option<&'a str> {
    let value = fields.get(name)?.as_text()?;
    Some(value.expose_for(Reason::Validation).as_str())
}

/// A later birth has no earlier day, so of two pairs the greater is the later birth's.
fn days(birth: Date) -> (i32, i32) {
    let days = turns_14_18(birth);
    (days_since_epoch(days.turns_14), days_since_epoch(days.turns_18))
}

fn birthday(birth: Date, years: i16) -> Date {
    let year = birth.year().saturating_add(years);
    Date::new(year, birth.month(), birth.day())
        .or_else(|_| Date::new(year, 3, 1))
        .unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_child_turns_14_on_its_birthday() {
        let birthdays = turns_14_18(date(2015, 6, 1));
        assert_eq!(birthdays.turns_14, date(2029, 6, 1));
        assert_eq!(birthdays.turns_18, date(2033, 6, 1));
    }

    #[test]
    fn born_on_29_february_turns_14_on_1_march_and_18_likewise() {
        let birthdays = turns_14_18(date(2012, 2, 29));
        assert_eq!(birthdays.turns_14, date(2026, 3, 1));
        assert_eq!(birthdays.turns_18, date(2030, 3, 1));
        assert_eq!(turns_14_18(date(2010, 2, 28)).turns_14, date(2024, 2, 28));
    }

    #[test]
    fn the_last_year_of_the_calendar_does_not_panic() {
        assert_eq!(turns_14_18(Date::MAX).turns_14, Date::MAX);
    }

    #[test]
    fn days_count_from_1970() {
        assert_eq!(days_since_epoch(date(1970, 1, 1)), 0);
        assert_eq!(days_since_epoch(date(1969, 12, 31)), -1);
        assert_eq!(days_since_epoch(date(2026, 1, 1)), 20_454);
    }

    proptest! {
        #[test]
        fn the_14th_birthday_comes_before_the_18th(days in -40_000i32..60_000) {
            let birth = date(1970, 1, 1).saturating_add(jiff::Span::new().days(days));
            let birthdays = turns_14_18(birth);
            prop_assert!(birth < birthdays.turns_14 && birthdays.turns_14 < birthdays.turns_18);
        }
    }
}
