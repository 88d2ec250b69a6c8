//! Refused because a limit was used up: of people seen in clear, of values matched, or of a task's budget.
//! Never a fault by itself: the vault stopped it. Whoever keeps running into a limit is looked at, or needs a task.
//! Found once a day, with the refusal that reaches the threshold.

use super::super::act::{Act, span};
use super::super::anomaly::{Finding, Shown};
use super::super::thresholds::Count;
use super::RuleName;

pub(super) const WORDS: (&str, &str) =
    ("查看次数达到上限被拒绝", "Was refused because a limit was used up");

/// A day of an account.
#[derive(Default)]
pub(in super::super) struct State {
    count: u32,
    shown: Shown,
}

pub(in super::super) fn observe(
    state: &mut State,
    act: &Act<'_>,
    thresholds: &Count,
) -> Option<Finding> {
    let entry = act.entry;
    if entry.out != "denied" || entry.why.as_deref() != Some("reveal_limit") {
        return None;
    }
    state.count += 1;
    state.shown.add(entry.seq);
    if state.count != thresholds.count {
        return None;
    }
    Some(Finding {
        rule: RuleName::Stopped,
        window: span(act.day),
        shown: state.shown.clone(),
        numbers: vec![("refusals", state.count.into()), ("threshold", thresholds.count.into())],
        kind: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Log, found};
    use super::*;

    #[test]
    fn positive_the_first_refusal_of_a_day_is_found_once() {
        let mut log = Log::new();
        for day in [1, 1, 1, 2] {
            log.refused(1, day, 9, "reveal_limit");
        }
        let found = found(&log, RuleName::Stopped);
        assert_eq!(found.len(), 2, "once on each day");
        assert_eq!(found[0].numbers, [("refusals", 1), ("threshold", 1)]);
    }

    #[test]
    fn negative_other_refusals_are_not() {
        let mut log = Log::new();
        log.refused(1, 1, 9, "denied");
        log.reads(1, 1, 10, 5);
        assert!(found(&log, RuleName::Stopped).is_empty());
    }
}
