//! Records opened on a day, against the actor's own past days and those of its peers.
//! Never against one past alone where there are both, and never where there is none.
//! Found with the record that lies above all that it is compared with.

use super::super::act::{Act, Distinct, span};
use super::super::anomaly::{Finding, Shown};
use super::super::past::Spread;
use super::super::thresholds::Volume;
use super::RuleName;

pub(super) const WORDS: (&str, &str) = (
    "当日打开的记录明显多于本人和同岗位以往",
    "Opened far more records than on its own past days and its peers'",
);

/// A day of an account.
#[derive(Default)]
pub(in super::super) struct State {
    records: Distinct,
    shown: Shown,
    found: bool,
}

/// What a day is compared with.
#[derive(Clone, Copy)]
pub(in super::super) struct Past {
    /// The own median, if there are days enough.
    pub(in super::super) own: Option<u32>,
    /// The peers' days, if there are enough.
    pub(in super::super) peers: Option<Spread>,
}

impl State {
    /// Distinct records so far.
    pub(in super::super) fn count(&self) -> u32 {
        self.records.count()
    }

    /// The first and the last entry.
    pub(in super::super) fn ends(&self) -> Option<(u64, u64)> {
        self.shown.entries.first().copied().zip(self.shown.entries.last().copied())
    }
}

pub(in super::super) fn observe(
    state: &mut State,
    act: &Act<'_>,
    thresholds: &Volume,
    room: &mut usize,
    past: impl FnOnce() -> Past,
) -> Option<Finding> {
    if !act.opens() {
        return None;
    }
    for record in act.records() {
        state.records.add(record, room);
    }
    state.shown.add(act.entry.seq);
    let count = state.count();
    if state.found || count < thresholds.floor_count {
        return None;
    }
    let Past { own, peers } = past();
    let above = |of: u32, percent: u32| u64::from(count) * 100 > u64::from(of) * u64::from(percent);
    let exceeds_own = own.map(|median| above(median, thresholds.own_percent));
    let exceeds_peers = peers.map(|spread| above(spread.upper, thresholds.peers_percent));
    let compared = [exceeds_own, exceeds_peers];
    if compared.iter().all(Option::is_none) || compared.contains(&Some(false)) {
        return None;
    }
    state.found = true;
    let mut numbers = vec![("records", u64::from(count))];
    numbers.extend(own.map(|median| ("own_median", u64::from(median))));
    if let Some(spread) = peers {
        numbers.push(("peers_median", u64::from(spread.median)));
        numbers.push(("peers_upper", u64::from(spread.upper)));
        numbers.push(("peers_days", u64::from(spread.days)));
    }
    Some(Finding {
        rule: RuleName::Volume,
        window: span(act.day),
        shown: state.shown.clone(),
        numbers,
        kind: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Log, found};
    use super::*;

    /// Ten ordinary days of a worker and of two peers.
    fn past() -> Log {
        let mut log = Log::new();
        for day in 1..=10 {
            for worker in 1..=3 {
                log.reads(worker, day, 9, 25);
            }
        }
        log
    }

    #[test]
    fn positive_a_day_above_three_times_the_own_median_and_twice_the_peers_is_found() {
        let mut log = past();
        log.reads(1, 11, 9, 76);
        let found = found(&log, RuleName::Volume);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].numbers[..2], [("records", 76), ("own_median", 25)]);
        assert_eq!(found[0].actor.as_bytes(), &[1; 16]);
        assert_eq!(found[0].entries_count, 76);
        assert_eq!(found[0].window, span(log.day(11)));
    }

    #[test]
    fn positive_a_page_in_clear_counts_as_many_records_as_it_names_and_a_covered_one_none() {
        let mut log = past();
        log.page(1, 11, 9, 76, "masked");
        assert!(found(&log, RuleName::Volume).is_empty());
        log.page(1, 11, 10, 40, "raw");
        log.page(1, 11, 10, 36, "raw");
        assert_eq!(found(&log, RuleName::Volume)[0].numbers[0], ("records", 76));
    }

    #[test]
    fn negative_a_day_that_is_not_above_all_of_it_is_not_found() {
        let mut log = past();
        log.reads(1, 11, 9, 75);
        assert!(found(&log, RuleName::Volume).is_empty(), "three times, and not above");
        // A new worker has no past of its own, and its peers' days are like this one.
        log.reads(4, 11, 9, 50);
        assert!(found(&log, RuleName::Volume).is_empty());
        let mut busy = Log::new();
        for day in 1..=10 {
            busy.reads(1, day, 9, 25);
            busy.reads(5, day, 14, 90);
            busy.reads(6, day, 15, 90);
        }
        busy.reads(1, 11, 9, 90);
        assert!(found(&busy, RuleName::Volume).is_empty(), "peers have such days");
        let mut nobody = Log::new();
        nobody.reads(1, 1, 9, 500);
        assert!(found(&nobody, RuleName::Volume).is_empty(), "there is no past at all");
    }
}
