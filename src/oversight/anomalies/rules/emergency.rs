//! Emergency access that nobody reviewed in time, or that was found not to be justified.
//! Never about the event or its dwellings: whose access it was, and what stands in the log of its review.
//! A late review is found with the first entry after its time, so that it speaks against whoever had to look.

use super::super::anomaly::{Finding, Shown};
use super::RuleName;
use crate::access::ActorId;
use crate::limits::ANOMALY_EMERGENCIES_COUNT_MAX;
use crate::oversight::entry::LogEntry;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) const WORDS: (&str, &str) = (
    "应急访问逾期未复核或被认定不当",
    "An emergency access was not reviewed in time, or found not to be justified",
);

/// An emergency access that awaits its review.
#[derive(Serialize, Deserialize)]
struct Awaited {
    actor: ActorId,
    role: Option<CompactString>,
    scope: Option<CompactString>,
    opened: (u64, u64),
    review_by: u64,
}

/// Emergency accesses that await their reviews, by their ids in the log.
#[derive(Default, Serialize, Deserialize)]
pub(in super::super) struct State {
    awaited: BTreeMap<CompactString, Awaited>,
}

/// What was found, and of whom.
pub(in super::super) struct Found {
    pub(in super::super) actor: ActorId,
    pub(in super::super) role: Option<CompactString>,
    pub(in super::super) scope: Option<CompactString>,
    pub(in super::super) finding: Finding,
}

pub(in super::super) fn observe(state: &mut State, entry: &LogEntry) -> Vec<Found> {
    let mut found = late(state, entry);
    if entry.out != "success" {
        return found;
    }
    let id = entry.apr.clone().unwrap_or_default();
    match (&*entry.ev, &*entry.act) {
        ("break_glass", "open") => state.begin(entry.who.as_deref(), entry),
        // A wider one is opened by the word of a second person.
        ("approval", "grant") if entry.x.contains_key("tier") => state.begin(entry.about(), entry),
        ("break_glass", "close") => {
            if let (Some(one), Some(by)) = (state.awaited.get_mut(&id), number(entry, "review_by"))
            {
                one.review_by = by;
            }
        }
        ("break_glass", "review") => {
            let reviewed = state.awaited.remove(&id);
            found.extend(unjustified(entry, reviewed));
        }
        _ => {}
    }
    found
}

impl State {
    fn begin(&mut self, holder: Option<&str>, entry: &LogEntry) {
        let holder: Option<ActorId> = holder.and_then(|id| id.parse().ok());
        let times = number(entry, "review_by").zip(entry.apr.clone());
        let (Some(actor), Some((review_by, id))) = (holder, times) else { return };
        if self.awaited.len() >= ANOMALY_EMERGENCIES_COUNT_MAX {
            return;
        }
        // The entry of a second person's word names that one's post, and not the holder's.
        let own = entry.who.as_deref() == Some(&*actor.to_string());
        let word = |word: &Option<CompactString>| word.clone().filter(|_| own);
        let (role, scope) = (word(&entry.role), word(&entry.scope));
        let opened = (entry.t, entry.seq);
        self.awaited.insert(id, Awaited { actor, role, scope, opened, review_by });
    }
}

/// Those whose review is late at the time of an entry. Each is said once.
fn late(state: &mut State, entry: &LogEntry) -> Vec<Found> {
    let is_late = |one: &Awaited| entry.t >= one.review_by;
    if !state.awaited.values().any(is_late) {
        return Vec::new();
    }
    let (late, awaited) = std::mem::take(&mut state.awaited)
        .into_iter()
        .partition::<BTreeMap<_, _>, _>(|(_, one)| is_late(one));
    state.awaited = awaited;
    let found = |one: Awaited| {
        let mut shown = Shown::default();
        shown.add(one.opened.1);
        if entry.seq != one.opened.1 {
            shown.add(entry.seq);
        }
        let window = (one.opened.0, one.review_by);
        of(one, window, shown, vec![("review_late", 1)])
    };
    late.into_values().map(found).collect()
}

fn unjustified(entry: &LogEntry, reviewed: Option<Awaited>) -> Option<Found> {
    if entry.x.get("finding")?.as_str()? != "not_justified" {
        return None;
    }
    let actor: ActorId = entry.about()?.parse().ok()?;
    let mut shown = Shown::default();
    let opened = reviewed.as_ref().map(|one| one.opened);
    if let Some((_, seq)) = opened {
        shown.add(seq);
    }
    shown.add(entry.seq);
    let begins = opened.map_or(entry.t, |(t, _)| t);
    let one = reviewed.unwrap_or(Awaited {
        actor,
        role: None,
        scope: None,
        opened: (begins, entry.seq),
        review_by: entry.t,
    });
    Some(of(one, (begins, entry.t), shown, vec![("not_justified", 1)]))
}

fn of(one: Awaited, window: (u64, u64), shown: Shown, numbers: Vec<(&'static str, u64)>) -> Found {
    let finding = Finding { rule: RuleName::Emergency, window, shown, numbers, kind: None };
    Found { actor: one.actor, role: one.role, scope: one.scope, finding }
}

fn number(entry: &LogEntry, name: &str) -> Option<u64> {
    entry.x.get(name)?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Log, found};
    use super::*;
    use serde_json::json;

    const HOUR: u64 = 3_600_000_000;

    fn opened(log: &mut Log) -> u64 {
        log.reads(1, 1, 9, 1);
        let at = log.entries[0].t;
        let facts = json!({"review_by": at + 72 * HOUR, "tier": "alone"});
        log.acts(1, at, "break_glass", "open", facts);
        at
    }

    #[test]
    fn positive_a_review_that_is_late_is_found_with_the_next_entry() {
        let mut log = Log::new();
        let at = opened(&mut log);
        log.acts(9, at + 72 * HOUR, "data", "read", json!({}));
        log.acts(9, at + 73 * HOUR, "data", "read", json!({}));
        let found = found(&log, RuleName::Emergency);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].actor, &found[0].entries),
            (ActorId::from_bytes([1; 16]), &vec![1, 2])
        );
        assert_eq!(found[0].numbers, [("review_late", 1)]);
        assert_eq!(found[0].window, (at, at + 72 * HOUR));
    }

    #[test]
    fn positive_what_was_not_justified_is_found_with_its_review() {
        let mut log = Log::new();
        let at = opened(&mut log);
        let actor = ActorId::from_bytes([1; 16]).to_string();
        let facts = json!({"actor": actor, "finding": "not_justified"});
        log.acts(2, at + HOUR, "break_glass", "review", facts);
        log.acts(9, at + 80 * HOUR, "data", "read", json!({}));
        let found = found(&log, RuleName::Emergency);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].actor, &found[0].entries),
            (ActorId::from_bytes([1; 16]), &vec![1, 2])
        );
        assert_eq!(found[0].numbers, [("not_justified", 1)]);
    }

    #[test]
    fn positive_a_wider_one_counts_from_the_second_persons_word_and_an_earlier_end_brings_its_review_forward()
     {
        let mut log = Log::new();
        log.reads(1, 1, 9, 1);
        let at = log.entries[0].t;
        let actor = ActorId::from_bytes([1; 16]).to_string();
        let facts = json!({"actor": actor, "review_by": at + 76 * HOUR, "tier": "wide"});
        log.acts(2, at, "approval", "grant", facts);
        log.acts(1, at + HOUR, "break_glass", "close", json!({"review_by": at + 73 * HOUR}));
        log.acts(9, at + 73 * HOUR, "data", "read", json!({}));
        let found = found(&log, RuleName::Emergency);
        assert_eq!((found.len(), found[0].actor), (1, ActorId::from_bytes([1; 16])));
    }

    #[test]
    fn negative_what_was_reviewed_in_time_and_what_is_not_due_is_not() {
        let mut log = Log::new();
        let at = opened(&mut log);
        log.acts(9, at + 72 * HOUR - 1, "data", "read", json!({}));
        log.acts(2, at + 72 * HOUR - 1, "break_glass", "review", json!({"finding": "justified"}));
        log.acts(9, at + 80 * HOUR, "data", "read", json!({}));
        assert!(found(&log, RuleName::Emergency).is_empty());
    }
}
