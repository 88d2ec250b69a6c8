//! The last days before an account ends: a day with far more records than usual before.
//! Never while the account goes on, and never where there are too few days to compare with.
//! Found with the entry that ends the account or one of its posts; where a post lapses by its own end, which no entry says, when
//! that day is over.

use super::super::act::{local, span};
use super::super::anomaly::{Finding, Shown};
use super::super::past::{OwnPast, PastDay};
use super::super::thresholds::Leaver;
use super::RuleName;
use crate::oversight::entry::LogEntry;

pub(super) const WORDS: (&str, &str) = (
    "离岗前几日打开的记录明显增多",
    "Opened far more records in the days before the account ended",
);

/// Whether an entry ends an account or a place of one.
pub(in super::super) fn ends(entry: &LogEntry) -> bool {
    let event = (&*entry.ev, &*entry.act);
    entry.out == "success" && matches!(event, ("assignment", "end") | ("admin", "actor_suspend"))
}

/// Looks back from the end of an account or of a post, with the entry that says it, if one does. `today` is the day at hand, as far
/// as it went.
pub(in super::super) fn observe(
    at: u64,
    entry: Option<u64>,
    past: &OwnPast,
    today: Option<PastDay>,
    thresholds: &Leaver,
) -> Option<Finding> {
    let (day, _) = local(at);
    let last_days = day - thresholds.days as i32;
    let median = past.median(i32::MIN, last_days, thresholds.own_days_min)?;
    let last = past.days(day).filter(|past| past.day >= last_days).cloned().chain(today);
    let most = last.max_by_key(|past| past.records)?;
    let above =
        u64::from(most.records) * 100 > u64::from(median) * u64::from(thresholds.own_percent);
    if most.records < thresholds.floor_count || !above {
        return None;
    }
    let mut shown = Shown::default();
    for index in [most.entries.0, most.entries.1].into_iter().chain(entry) {
        shown.add(index);
    }
    Some(Finding {
        rule: RuleName::Leaver,
        window: span(most.day),
        shown,
        numbers: vec![("records", most.records.into()), ("own_median", median.into())],
        kind: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Log, found, found_of_lapse};
    use super::*;

    fn usual() -> Log {
        let mut log = Log::new();
        for day in 1..=10 {
            log.reads(1, day, 9, 20);
        }
        log
    }

    #[test]
    fn positive_a_day_above_twice_the_usual_in_the_last_week_is_found_when_the_account_ends() {
        for (ev, act) in [("assignment", "end"), ("admin", "actor_suspend")] {
            let mut log = usual();
            log.reads(1, 14, 9, 41);
            log.ended(1, 16, 12, ev, act);
            let found = found(&log, RuleName::Leaver);
            assert_eq!(found.len(), 1, "{ev}.{act}");
            assert_eq!(found[0].actor.as_bytes(), &[1; 16]);
            assert_eq!(found[0].entries, [200, 240, 241]);
            assert_eq!(found[0].numbers, [("records", 41), ("own_median", 20)]);
        }
        let mut log = usual();
        log.reads(1, 14, 9, 41);
        log.ended(1, 14, 12, "assignment", "end");
        assert_eq!(found(&log, RuleName::Leaver).len(), 1, "on the day itself");
    }

    #[test]
    fn positive_a_leaver_who_pages_a_list_in_clear_is_found() {
        let mut log = usual();
        log.page(1, 14, 9, 41, "masked");
        log.ended(1, 15, 12, "assignment", "end");
        assert!(found(&log, RuleName::Leaver).is_empty(), "covered");
        log.page(1, 16, 9, 41, "raw");
        log.ended(1, 16, 12, "assignment", "end");
        let found = found(&log, RuleName::Leaver);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].numbers, [("records", 41), ("own_median", 20)]);
    }

    #[test]
    fn positive_a_post_that_lapses_by_its_own_end_is_looked_back_from_when_the_day_is_over() {
        let mut log = usual();
        log.reads(1, 14, 9, 41);
        log.reads(2, 15, 9, 1);
        log.reads(2, 17, 9, 1);
        // At midnight, at which the day of the last work ends, and in a night of which the log says nothing else.
        for lapses in [log.begin(15), log.begin(16) - 1, log.begin(16), log.begin(17)] {
            let found = found_of_lapse(&log, 1, lapses);
            assert_eq!(found.len(), 1);
            assert_eq!((found[0].actor.as_bytes(), found[0].at), (&[1; 16], lapses));
            assert_eq!(found[0].entries, [200, 240]);
        }
        assert!(found_of_lapse(&log, 1, log.begin(17) + 1).is_empty(), "that day is not over");
        assert!(found_of_lapse(&log, 2, log.begin(15)).is_empty(), "somebody else's post");
    }

    #[test]
    fn negative_a_post_that_an_entry_ended_is_not_found_a_second_time_when_its_day_is_over() {
        let mut log = usual();
        log.reads(1, 14, 9, 41);
        log.ended(1, 14, 12, "assignment", "end");
        let ended = log.entries.last().expect("an entry").t;
        log.reads(2, 15, 9, 1);
        assert_eq!(found_of_lapse(&log, 1, ended).len(), 1);
    }

    #[test]
    fn negative_usual_days_a_day_long_ago_and_an_account_that_goes_on_are_not() {
        let mut log = usual();
        log.reads(1, 14, 9, 40);
        log.ended(1, 16, 12, "assignment", "end");
        assert!(found(&log, RuleName::Leaver).is_empty(), "twice the usual, and not above");
        let mut log = usual();
        log.reads(1, 14, 9, 90);
        log.ended(1, 26, 12, "assignment", "end");
        assert!(found(&log, RuleName::Leaver).is_empty(), "not in the last week");
        let mut log = usual();
        log.reads(1, 14, 9, 90);
        log.ended(2, 16, 12, "assignment", "end");
        assert!(found(&log, RuleName::Leaver).is_empty(), "somebody else's account");
    }
}
