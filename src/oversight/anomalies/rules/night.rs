//! Many records opened or listed in one night.
//! Never under a purpose that is apart: what an emergency asks for is asked at night too.
//! A night lies around midnight and is one, whatever day it is; found with the record that reaches the threshold.

use super::super::act::{Act, span};
use super::super::anomaly::{Finding, Shown};
use super::super::thresholds::Night;
use super::RuleName;
use serde::{Deserialize, Serialize};

pub(super) const WORDS: (&str, &str) =
    ("夜间大量查看记录", "Opened or listed many records in one night");

const HOUR: u64 = 3_600 * 1_000_000;

/// A night of an account.
#[derive(Default, Serialize, Deserialize)]
pub(in super::super) struct State {
    /// The day on whose evening it begins.
    evening: i32,
    records: u64,
    shown: Shown,
    found: bool,
}

pub(in super::super) fn observe(
    state: &mut State,
    act: &Act<'_>,
    thresholds: &Night,
) -> Option<Finding> {
    let purpose = act.entry.pur.as_deref().unwrap_or_default();
    let apart = thresholds.purposes_apart.iter().any(|one| one == purpose);
    if apart || !(act.opens() || act.lists()) {
        return None;
    }
    let evening = match act.hour {
        hour if hour >= thresholds.from_hour => act.day,
        hour if hour < thresholds.to_hour => act.day - 1,
        _ => return None,
    };
    if state.evening != evening {
        *state = State { evening, ..State::default() };
    }
    state.records += act.records_count();
    state.shown.add(act.entry.seq);
    if state.found || state.records < u64::from(thresholds.count) {
        return None;
    }
    state.found = true;
    let begins = span(evening).0 + u64::from(thresholds.from_hour) * HOUR;
    let ends = span(evening).1 + u64::from(thresholds.to_hour) * HOUR;
    Some(Finding {
        rule: RuleName::Night,
        window: (begins, ends),
        shown: state.shown.clone(),
        numbers: vec![("records", state.records), ("threshold", thresholds.count.into())],
        kind: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Log, found};
    use super::*;

    #[test]
    fn positive_twenty_records_around_midnight_are_found_once() {
        let mut log = Log::new();
        log.reads(1, 1, 23, 10);
        log.reads(1, 2, 1, 30);
        let found = found(&log, RuleName::Night);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].entries_count, 20);
        let evening = span(log.day(1)).0;
        assert_eq!(found[0].window, (evening + 22 * HOUR, evening + 30 * HOUR));
    }

    #[test]
    fn negative_nineteen_of_a_night_those_of_an_emergency_and_the_morning_are_not() {
        let mut log = Log::new();
        log.reads(1, 1, 22, 10);
        log.reads(1, 2, 5, 9);
        log.reads(1, 2, 6, 40);
        log.reads(1, 2, 22, 19);
        log.purpose("emergency_evacuation");
        log.reads(1, 3, 2, 40);
        assert!(found(&log, RuleName::Night).is_empty());
    }
}
