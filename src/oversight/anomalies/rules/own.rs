//! The actor's own record, opened or changed by its account.
//! Never a list with covers: whoever lists the own grid finds itself in it. One in clear is a look like any other. Whose record it is, the directory alone can tell.
//! Found with the entry that reaches the threshold of the day.

use super::super::act::{Act, span};
use super::super::anomaly::{Finding, Shown};
use super::super::thresholds::Count;
use super::RuleName;

pub(super) const WORDS: (&str, &str) =
    ("查看或修改本人的记录", "Opened or changed the record of its own holder");

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
    is_own: impl Fn(&str) -> bool,
) -> Option<Finding> {
    if !act.touches() || !act.entry.sub.iter().any(|handle| is_own(handle)) {
        return None;
    }
    state.shown.add(act.entry.seq);
    if state.found || state.shown.count < u64::from(thresholds.count) {
        return None;
    }
    state.found = true;
    Some(Finding {
        rule: RuleName::Own,
        window: span(act.day),
        shown: state.shown.clone(),
        numbers: vec![("entries", state.shown.count)],
        kind: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Log, OWN, found};
    use super::*;

    #[test]
    fn positive_the_own_record_is_found_once_a_day() {
        let mut log = Log::new();
        log.about(1, 1, 9, "read", OWN);
        log.about(1, 1, 10, "read", OWN);
        log.about(1, 2, 9, "update", OWN);
        log.page_of(1, 3, 9, &[OWN.to_owned()], "raw");
        assert_eq!(found(&log, RuleName::Own).len(), 3);
    }

    #[test]
    fn negative_a_list_that_names_it_and_a_colleague_who_opens_it_are_not() {
        let mut log = Log::new();
        log.about(1, 1, 9, "query", OWN);
        log.page_of(1, 1, 9, &[OWN.to_owned()], "masked");
        log.about(2, 1, 9, "read", OWN);
        log.about(1, 1, 9, "read", "AAAAAAAAAAAAAAAAAAAAAA");
        assert!(found(&log, RuleName::Own).is_empty());
    }
}
