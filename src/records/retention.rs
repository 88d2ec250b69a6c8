//! How long something is kept: from which moment on, for how long, and at most.
//! Never says "for ever": every rule has an end even when its moment never comes.
//! Lengths are calendar months and days, as notices state them.

use super::days_since_epoch;
use crate::limits::{MOMENT_DAYS_AHEAD_MIN, RETENTION_MONTHS_MAX};
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The moment that a retention period counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionStart {
    /// The day of collection.
    Collection,
    /// The person moved out, or withdrew where consent is the basis.
    ResidenceEnd,
    /// The residence permit ended.
    PermitEnd,
    /// Consent was withdrawn or ran out.
    ConsentEnd,
    /// The matter, item or request was closed.
    CaseClose,
    /// The programme or entitlement ended.
    ProgrammeEnd,
    /// The need ended, or the child came of age.
    NeedEnd,
    /// The emergency was declared over.
    EmergencyEnd,
    /// The organisation was struck off.
    RegistrationEnd,
    /// The building, place or object is gone.
    PlaceEnd,
}

/// A retention rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// What the period counts from.
    pub after: RetentionStart,
    /// Months after it.
    #[serde(default)]
    pub months: u32,
    /// Days after the months.
    #[serde(default)]
    pub days: u32,
    /// Months after collection at which the record ends even if the moment never came.
    pub cap_months: u32,
}

impl Retention {
    /// The first day on which the record may no longer be read, once the moment came on `start`.
    pub fn ends_on(&self, start: Date) -> Date {
        let span = months(self.months).days(i64::from(self.days.min(RETENTION_MONTHS_MAX * 31)));
        start.saturating_add(span)
    }

    /// The first day on which a record collected on `collected` may no longer be read while the moment has not come.
    pub fn retain_until(&self, collected: Date) -> Date {
        match self.after {
            RetentionStart::Collection => self.ends_on(collected).min(self.cap(collected)),
            _ => self.cap(collected),
        }
    }

    /// The same of somebody who comes of age on a day, in days since 1970-01-01. Where the period counts from the end of a need, that is one,
    /// and the vault knows its day.
    pub fn retain_minor_until(&self, collected: Date, turns_18: Option<i32>) -> Date {
        let days = turns_18.filter(|_| self.after == RetentionStart::NeedEnd);
        let days = days.and_then(|day| day.checked_sub(days_since_epoch(collected)));
        let latest = self.retain_until(collected);
        days.filter(|left| *left > 0).map_or(latest, |left| {
            self.ends_on(collected.saturating_add(i64::from(left).days())).min(latest)
        })
    }

    /// Whether the rule has an end within `RETENTION_MONTHS_MAX`, and its period fits before that end.
    pub fn is_bounded(&self) -> bool {
        let bounded = (1..=RETENTION_MONTHS_MAX).contains(&self.cap_months);
        bounded && self.months.saturating_add(self.days / 31) <= self.cap_months
    }

    fn cap(&self, collected: Date) -> Date {
        collected.saturating_add(months(self.cap_months))
    }
}

/// When a record ends whose moment was told: as its schema says, and earlier where no purpose that it is held for needs it so long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndRule {
    schema: Retention,
    /// What the purposes say of the schema's own moment. One that counts from another, or that nobody knows any more, says nothing,
    /// and needs the record as long as the schema says.
    purposes: Vec<Option<Retention>>,
}

impl EndRule {
    /// The rule of a schema, with those of the purposes that the record is held for, as far as they are known.
    pub fn new(
        schema: Retention,
        purposes: impl IntoIterator<Item = Option<Retention>>,
    ) -> EndRule {
        let of_moment = |known: Option<Retention>| known.filter(|one| one.after == schema.after);
        EndRule { schema, purposes: purposes.into_iter().map(of_moment).collect() }
    }

    /// Whether so little would be left of a record by this moment that nobody could correct it any more.
    pub fn is_over_soon(&self, moment: Date, today: i32) -> bool {
        days_since_epoch(self.ends_on(moment)) < today.saturating_add(MOMENT_DAYS_AHEAD_MIN)
    }

    /// The first day on which the record may no longer be read, once the moment came on that day: that of the schema, or the last
    /// one of the purposes where that is earlier.
    pub fn ends_on(&self, moment: Date) -> Date {
        let last = self.purposes.iter().map(|purpose| self.end_for(*purpose, moment)).max();
        last.unwrap_or_else(|| self.schema.ends_on(moment))
    }

    /// Every end that this moment gives to a record that is held for one of the purposes, for some of them, or for others beside them.
    pub fn may_end_on(&self, moment: Date) -> Vec<Date> {
        let alone = self.purposes.iter().map(|purpose| self.end_for(*purpose, moment));
        alone.chain([self.schema.ends_on(moment)]).collect()
    }

    fn end_for(&self, purpose: Option<Retention>, moment: Date) -> Date {
        let end = self.schema.ends_on(moment);
        purpose.map_or(end, |purpose| end.min(purpose.ends_on(moment)))
    }
}

/// A span of months; never beyond what jiff accepts, whatever a hostile file says.
fn months(count: u32) -> jiff::Span {
    i64::from(count.min(RETENTION_MONTHS_MAX)).months()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const PERMIT: Retention =
        Retention { after: RetentionStart::PermitEnd, months: 6, days: 0, cap_months: 24 };

    #[test]
    fn a_period_counts_in_calendar_months() {
        assert_eq!(PERMIT.ends_on(date(2026, 8, 31)), date(2027, 2, 28));
    }

    #[test]
    fn a_record_ends_even_when_its_moment_never_comes() {
        assert_eq!(PERMIT.retain_until(date(2026, 1, 31)), date(2028, 1, 31));
    }

    #[test]
    fn a_rule_from_collection_ends_at_its_own_period() {
        let rule =
            Retention { after: RetentionStart::Collection, months: 0, days: 30, cap_months: 2 };
        assert_eq!(rule.retain_until(date(2026, 1, 1)), date(2026, 1, 31));
    }

    #[test]
    fn the_need_of_a_minor_ends_when_it_comes_of_age_and_no_other_period_counts_from_that_day() {
        let need =
            Retention { after: RetentionStart::NeedEnd, months: 12, days: 0, cap_months: 60 };
        let stored = date(2026, 1, 15);
        let day = |year, month, day| Some(days_since_epoch(date(year, month, day)));
        assert_eq!(need.retain_minor_until(stored, day(2027, 3, 1)), date(2028, 3, 1));
        // The cap stands where it is earlier, for a grown-up, and where nobody knows the day.
        for turns_18 in [day(2036, 3, 1), day(2026, 1, 15), day(1998, 3, 1), None] {
            assert_eq!(need.retain_minor_until(stored, turns_18), date(2031, 1, 15));
        }
        let until = PERMIT.retain_minor_until(stored, day(2026, 3, 1));
        assert_eq!(until, PERMIT.retain_until(stored));
    }

    #[test]
    fn a_told_moment_ends_a_record_by_the_shorter_rule_that_counts_from_it() {
        let residence = Retention { after: RetentionStart::ResidenceEnd, months: 6, ..PERMIT };
        let (moment, half_a_year) = (date(2026, 1, 31), date(2026, 7, 31));
        let ends = |purposes: &[Option<Retention>]| {
            EndRule::new(residence, purposes.iter().copied()).ends_on(moment)
        };
        assert_eq!(ends(&[]), half_a_year);
        // A permit is another moment, which nobody told.
        let permit = Retention { months: 1, ..PERMIT };
        assert_eq!(ends(&[Some(permit)]), half_a_year);
        let (shorter, longer) =
            (Retention { months: 1, ..residence }, Retention { months: 12, ..residence });
        assert_eq!(ends(&[Some(shorter)]), date(2026, 2, 28));
        assert_eq!(ends(&[Some(longer)]), half_a_year);
        // Of several the one that needs it longest, and what nobody knows any more shortens nothing.
        let two_months = Retention { months: 2, ..residence };
        assert_eq!(ends(&[Some(shorter), Some(two_months)]), date(2026, 3, 31));
        for other in [Some(permit), Some(longer), None] {
            assert_eq!(ends(&[Some(shorter), other]), half_a_year, "{other:?}");
        }
        let former = EndRule::new(residence, [Some(shorter), Some(two_months)]).may_end_on(moment);
        assert_eq!(former, [date(2026, 2, 28), date(2026, 3, 31), half_a_year]);
    }

    #[test]
    fn keeping_for_ever_is_not_a_rule() {
        assert!(PERMIT.is_bounded());
        for cap_months in [0, RETENTION_MONTHS_MAX + 1, u32::MAX] {
            assert!(!Retention { cap_months, ..PERMIT }.is_bounded());
        }
        assert!(!Retention { months: 25, ..PERMIT }.is_bounded());
    }

    #[test]
    fn hostile_numbers_do_not_overflow() {
        let rule = Retention {
            after: RetentionStart::Collection,
            months: u32::MAX,
            days: u32::MAX,
            cap_months: u32::MAX,
        };
        assert!(rule.retain_until(Date::MAX) <= Date::MAX);
        assert!(!rule.is_bounded());
    }
}
