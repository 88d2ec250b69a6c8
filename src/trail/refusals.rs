//! Keeps refusals from becoming a weapon: each is recorded up to a budget, and counted beyond it.
//! Never forgets that something was refused; what has no entry of its own is in the next summary.
//! Sources are held for one minute and actors for one hour, both in bounded number; strangers have a budget together, whoever they are.

use crate::access::{ActorId, source_of};
use crate::ambient::Micros;
use crate::limits::{
    ACTOR_BAD_LINES_HOUR_MAX, ACTOR_REFUSALS_HOUR_MAX, STRANGER_ENTRIES_HOUR_MAX,
    STRANGER_ENTRIES_MINUTE_MAX, STRANGER_REFUSALS_MINUTE_MAX, STRANGER_SOURCES_COUNT_MAX,
};
use std::collections::HashMap;
use std::net::IpAddr;

/// What to do with a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Budget {
    /// Give it an entry.
    Record,
    /// Give it an entry, and one that says that the actor is locked out.
    RecordAndLock,
    /// Only count it.
    Count,
}

#[derive(Default)]
pub(super) struct Refusals {
    minute: i64,
    sources: HashMap<String, u32>,
    /// Entries of strangers in this minute.
    minute_entries: u32,
    hour: i64,
    /// Entries of strangers in this hour.
    hour_entries: u32,
    actors: HashMap<ActorId, u32>,
    /// Lines of batches that were not well formed.
    lines: HashMap<ActorId, u32>,
    counted: u64,
}

impl Refusals {
    /// Sources cost a stranger nothing: what all of them leave in the log is bounded too, or they would fill the disk of everybody else.
    pub(super) fn stranger(&mut self, source: &str, now: Micros) -> Budget {
        self.turn_hour(now);
        let has_budget = self.has_budget(source, now)
            && self.minute_entries < STRANGER_ENTRIES_MINUTE_MAX
            && self.hour_entries < STRANGER_ENTRIES_HOUR_MAX;
        if !has_budget {
            self.counted += 1;
            return Budget::Count;
        }
        self.minute_entries += 1;
        self.hour_entries += 1;
        Budget::Record
    }

    /// Whether a source has something left of its own budget for this minute.
    fn has_budget(&mut self, source: &str, now: Micros) -> bool {
        let minute = now.seconds() / 60;
        if minute != self.minute {
            self.minute = minute;
            self.minute_entries = 0;
            self.sources.clear();
        }
        // Whoever has a network of addresses has one budget.
        let source = match source.parse::<IpAddr>() {
            Ok(address) => source_of(address).to_string(),
            Err(_) => source.to_owned(),
        };
        // Beyond the bound all further sources share one count.
        let known = self.sources.contains_key(&source);
        let shared = !known && self.sources.len() >= STRANGER_SOURCES_COUNT_MAX;
        let count = self.sources.entry(if shared { String::new() } else { source }).or_insert(0);
        *count = count.saturating_add(1);
        *count <= STRANGER_REFUSALS_MINUTE_MAX
    }

    pub(super) fn known(&mut self, actor: ActorId, now: Micros) -> Budget {
        self.turn_hour(now);
        let count = self.actors.entry(actor).or_insert(0);
        *count += 1;
        match (*count).cmp(&ACTOR_REFUSALS_HOUR_MAX) {
            std::cmp::Ordering::Less => Budget::Record,
            std::cmp::Ordering::Equal => Budget::RecordAndLock,
            std::cmp::Ordering::Greater => {
                self.counted += 1;
                Budget::Count
            }
        }
    }

    /// A line of a batch that is not well formed. Entries for such lines have a budget of their own, and nobody is
    /// locked out for them: an importer meets thousands in a file of poor quality.
    pub(super) fn line(&mut self, actor: ActorId, now: Micros) -> Budget {
        self.turn_hour(now);
        let count = self.lines.entry(actor).or_insert(0);
        if *count < ACTOR_BAD_LINES_HOUR_MAX {
            *count += 1;
            return Budget::Record;
        }
        self.counted += 1;
        Budget::Count
    }

    pub(super) fn is_locked_out(&mut self, actor: ActorId, now: Micros) -> bool {
        self.turn_hour(now);
        self.actors.get(&actor).is_some_and(|count| *count >= ACTOR_REFUSALS_HOUR_MAX)
    }

    /// Counts refusals that have no entry: a locked-out actor's, or one that found no place in line.
    pub(super) fn count(&mut self, refusals: u64) {
        self.counted += refusals;
    }

    /// What was only counted since the last call.
    pub(super) fn take_counted(&mut self) -> u64 {
        std::mem::take(&mut self.counted)
    }

    fn turn_hour(&mut self, now: Micros) {
        let hour = now.seconds() / 3_600;
        if hour != self.hour {
            (self.hour, self.hour_entries) = (hour, 0);
            self.actors.clear();
            self.lines.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_000_000_000_000_000);

    #[test]
    fn a_source_at_its_budget_is_recorded_and_one_more_is_counted() {
        let mut refusals = Refusals::default();
        for _ in 0..STRANGER_REFUSALS_MINUTE_MAX {
            assert_eq!(refusals.stranger("a", NOW), Budget::Record);
        }
        assert_eq!(refusals.stranger("a", NOW), Budget::Count);
        assert_eq!(refusals.stranger("b", NOW), Budget::Record);
        assert_eq!(refusals.take_counted(), 1);
        assert_eq!(refusals.take_counted(), 0);
        let later = Micros(NOW.0 + 60_000_000);
        assert_eq!(refusals.stranger("a", later), Budget::Record);
    }

    #[test]
    fn a_network_of_ipv6_has_one_budget_and_the_next_one_another() {
        let mut refusals = Refusals::default();
        for host in 0..STRANGER_REFUSALS_MINUTE_MAX {
            let source = format!("2001:db8:1:2::{host:x}");
            assert_eq!(refusals.stranger(&source, NOW), Budget::Record);
        }
        assert_eq!(refusals.stranger("2001:db8:1:2:8000::1", NOW), Budget::Count);
        assert_eq!(refusals.stranger("2001:db8:1:3::1", NOW), Budget::Record);
    }

    #[test]
    fn sources_beyond_the_bound_share_one_count() {
        let mut refusals = Refusals::default();
        for source in 0..STRANGER_SOURCES_COUNT_MAX {
            assert!(refusals.has_budget(&source.to_string(), NOW));
        }
        for more in 0..STRANGER_REFUSALS_MINUTE_MAX {
            assert!(refusals.has_budget(&format!("more-{more}"), NOW));
        }
        assert!(!refusals.has_budget("one more", NOW));
        assert_eq!(refusals.stranger("one more", NOW), Budget::Count);
    }

    #[test]
    fn strangers_of_ever_new_sources_leave_so_many_entries_a_minute_and_each_further_one_is_counted()
     {
        let mut refusals = Refusals::default();
        let come = |refusals: &mut Refusals, number: u32, now| {
            refusals.stranger(&format!("198.51.{}.{}", number / 256, number % 256), now)
        };
        for number in 0..STRANGER_ENTRIES_MINUTE_MAX {
            assert_eq!(come(&mut refusals, number, NOW), Budget::Record);
        }
        for number in 0..3 {
            let another = STRANGER_ENTRIES_MINUTE_MAX + number;
            assert_eq!(come(&mut refusals, another, NOW), Budget::Count);
        }
        assert_eq!(refusals.take_counted(), 3);
        assert_eq!(refusals.known(ActorId::from_bytes([1; 16]), NOW), Budget::Record);
        assert_eq!(come(&mut refusals, 0, Micros(NOW.0 + 60_000_000)), Budget::Record);
    }

    #[test]
    fn strangers_leave_so_many_entries_an_hour_and_whoever_comes_in_the_next_is_recorded_again() {
        let mut refusals = Refusals::default();
        let begins = Micros((NOW.seconds() / 3_600 + 1) * 3_600_000_000);
        // As many as the minutes let through are far more than the hour does.
        for hour in 0..24 {
            let begins = Micros(begins.0 + hour * 3_600_000_000);
            let (mut recorded, mut came) = (0, 0);
            for minute in 0..60 {
                let now = Micros(begins.0 + minute * 60_000_000);
                for number in 0..600 {
                    let budget = refusals.stranger(&(number % 30).to_string(), now);
                    recorded += u32::from(budget == Budget::Record);
                    came += 1;
                }
            }
            assert_eq!(recorded, STRANGER_ENTRIES_HOUR_MAX, "hour {hour}");
            assert_eq!(refusals.take_counted(), u64::from(came - STRANGER_ENTRIES_HOUR_MAX));
            let last = Micros(begins.0 + 3_599_999_999);
            assert_eq!(refusals.stranger("another", last), Budget::Count);
            assert_eq!(refusals.take_counted(), 1);
        }
        let next = Micros(begins.0 + 24 * 3_600_000_000);
        assert_eq!(refusals.stranger("another", next), Budget::Record);
    }

    #[test]
    fn an_actor_over_its_budget_is_locked_out_until_the_hour_ends() {
        let mut refusals = Refusals::default();
        let actor = ActorId::from_bytes([1; 16]);
        for _ in 1..ACTOR_REFUSALS_HOUR_MAX {
            assert_eq!(refusals.known(actor, NOW), Budget::Record);
            assert!(!refusals.is_locked_out(actor, NOW));
        }
        assert_eq!(refusals.known(actor, NOW), Budget::RecordAndLock);
        assert!(refusals.is_locked_out(actor, NOW));
        assert!(!refusals.is_locked_out(actor, Micros(NOW.0 + 3_600_000_000)));
    }

    #[test]
    fn bad_lines_at_their_budget_are_recorded_and_one_more_is_counted_and_nobody_is_locked_out() {
        let mut refusals = Refusals::default();
        let actor = ActorId::from_bytes([1; 16]);
        for _ in 0..ACTOR_BAD_LINES_HOUR_MAX {
            assert_eq!(refusals.line(actor, NOW), Budget::Record);
        }
        for _ in 0..2 * ACTOR_REFUSALS_HOUR_MAX {
            assert_eq!(refusals.line(actor, NOW), Budget::Count);
        }
        assert!(!refusals.is_locked_out(actor, NOW));
        assert_eq!(refusals.take_counted(), u64::from(2 * ACTOR_REFUSALS_HOUR_MAX));
        assert_eq!(refusals.known(actor, NOW), Budget::Record);
        let later = Micros(NOW.0 + 3_600_000_000);
        assert_eq!(refusals.line(actor, later), Budget::Record);
    }
}
