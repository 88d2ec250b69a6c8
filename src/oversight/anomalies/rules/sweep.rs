//! Households, dwellings and their people opened one after another.
//! Never more of them remembered than the threshold asks for.
//! The time slides: found with the record that makes enough of them within it, and then it begins anew.

use super::super::act::Act;
use super::super::anomaly::{Finding, Shown};
use super::super::thresholds::Sweep;
use super::RuleName;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

pub(super) const WORDS: (&str, &str) =
    ("短时间内逐户查看", "Opened household after household within a short time");

const MINUTE: u64 = 60 * 1_000_000;

/// What an account opened last: time, fingerprint, index.
#[derive(Default, Serialize, Deserialize)]
pub(in super::super) struct State(VecDeque<(u64, u64, u64)>);

pub(in super::super) fn observe(
    state: &mut State,
    act: &Act<'_>,
    thresholds: &Sweep,
) -> Option<Finding> {
    let purpose = act.entry.pur.as_deref().unwrap_or_default();
    let apart = thresholds.purposes_apart.iter().any(|one| one == purpose);
    let kind = act.entry.typ.as_deref().unwrap_or_default();
    let of_a_household = matches!(kind, "household" | "residence" | "place" | "person")
        || act.entry.act == "occupants";
    if apart || !act.opens() || !of_a_household {
        return None;
    }
    let now = act.entry.t;
    let earliest = now.saturating_sub(u64::from(thresholds.minutes) * MINUTE);
    while state.0.front().is_some_and(|(at, ..)| *at < earliest) {
        state.0.pop_front();
    }
    let before = state.0.len();
    for opened in act.asked_for() {
        if state.0.iter().all(|(_, seen, _)| *seen != opened) {
            state.0.push_back((now, opened, act.entry.seq));
        }
    }
    if state.0.len() == before || state.0.len() < thresholds.count as usize {
        return None;
    }
    let opened = state.0.len() as u64;
    let mut shown = Shown::default();
    let begins = state.0.front().map_or(now, |(at, ..)| *at);
    state.0.drain(..).for_each(|(_, _, index)| shown.add(index));
    Some(Finding {
        rule: RuleName::Sweep,
        window: (begins, now + 1),
        numbers: vec![("opened", opened), ("minutes", thresholds.minutes.into())],
        shown,
        kind: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Log, found};
    use super::*;

    #[test]
    fn positive_thirty_within_the_hour_are_found() {
        let mut log = Log::new();
        log.reads(1, 1, 9, 30);
        let found = found(&log, RuleName::Sweep);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].entries, (0..30).collect::<Vec<u64>>());
    }

    #[test]
    fn positive_pages_in_clear_are_as_many_households_as_they_name() {
        let mut log = Log::new();
        log.page(1, 1, 9, 20, "raw");
        log.page(1, 1, 9, 20, "raw");
        let found = found(&log, RuleName::Sweep);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].entries, [0, 1]);
        assert_eq!(found[0].numbers[0], ("opened", 40));
    }

    #[test]
    fn negative_twenty_nine_the_same_one_again_and_thirty_of_two_hours_are_not() {
        let mut log = Log::new();
        log.reads(1, 1, 9, 28);
        log.again(1, 1, 9, 20);
        log.reads(1, 1, 11, 29);
        log.page(1, 1, 11, 40, "masked");
        log.purpose("emergency_evacuation");
        log.reads(1, 1, 12, 40);
        assert!(found(&log, RuleName::Sweep).is_empty());
    }
}
