//! Attempts at what lies outside of the actor's territory, numbers typed at a counter among them.
//! Never told apart from attempts at what is not there: the vault answers both alike, and so does this rule.
//! Found with the refusal that reaches the threshold of the day.

use super::super::act::{Act, span};
use super::super::anomaly::{Finding, Shown};
use super::super::thresholds::Count;
use super::RuleName;

pub(super) const WORDS: (&str, &str) = (
    "多次试图访问本人网格以外或不存在的记录",
    "Tried again and again what lies outside of its territory or is not there",
);

/// A day of an account.
#[derive(Default)]
pub(in super::super) struct State {
    shown: Shown,
    found: bool,
}

pub(in super::super) fn observe(
    state: &mut State,
    act: &Act<'_>,
    thresholds: &Count,
) -> Option<Finding> {
    let why = act.entry.why.as_deref();
    let refused = matches!(why, Some("out_of_territory" | "not_found"))
        && act.entry.ev == "access"
        && act.entry.out == "denied";
    if !refused && !act.misses_at_counter() {
        return None;
    }
    state.shown.add(act.entry.seq);
    if state.found || state.shown.count < u64::from(thresholds.count) {
        return None;
    }
    state.found = true;
    Some(Finding {
        rule: RuleName::Outside,
        window: span(act.day),
        shown: state.shown.clone(),
        numbers: vec![("refused", state.shown.count), ("threshold", thresholds.count.into())],
        kind: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Log, found};
    use super::*;

    #[test]
    fn positive_the_tenth_refusal_of_a_day_is_found() {
        let mut log = Log::new();
        for number in 0..10 {
            let why = if number % 2 == 0 { "out_of_territory" } else { "not_found" };
            log.refused(1, 1, 9, why);
        }
        let found = found(&log, RuleName::Outside);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].entries, (0..10).collect::<Vec<u64>>());
    }

    #[test]
    fn positive_numbers_of_nobody_at_the_counter_are_attempts_too() {
        let mut log = Log::new();
        for number in 0..10 {
            log.refused(1, 1, 9, "not_found");
            if number % 2 == 0 {
                let entry = log.entries.last_mut().expect("an entry");
                (entry.ev, entry.act) = ("task".into(), "counter_check".into());
                (entry.out, entry.why) = ("success".into(), None);
            }
        }
        assert_eq!(found(&log, RuleName::Outside).len(), 1);
        // Somebody who was found was there.
        for entry in &mut log.entries {
            entry.task = (entry.ev == "task").then(|| "A".repeat(22).into());
        }
        assert!(found(&log, RuleName::Outside).is_empty());
    }

    #[test]
    fn negative_nine_of_a_day_and_other_refusals_are_not() {
        let mut log = Log::new();
        for day in [1, 2] {
            for _ in 0..9 {
                log.refused(1, day, 9, "not_found");
            }
        }
        for _ in 0..20 {
            log.refused(1, 2, 10, "schema_invalid");
            log.refused(2, 2, 10, "case_required");
        }
        assert!(found(&log, RuleName::Outside).is_empty());
    }
}
