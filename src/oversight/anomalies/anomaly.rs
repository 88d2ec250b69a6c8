//! An anomaly: which rule, whose account, when, the numbers that were compared, and the entries that show it.
//! Never about a resident, never a score: numbers stand beside each other, and whoever looks judges.
//! Its id is made of what it consists of, so whoever reads the same log under the same thresholds finds the same.

use super::super::ids::AnomalyId;
use super::rules::RuleName;
use crate::access::ActorId;
use crate::limits::{ANOMALY_ENTRIES_COUNT_MAX, REVIEW_ENTRIES_COUNT_MAX};
use crate::records::LegalKind;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

// What an anomaly names has room in its review.
const _: () =
    assert!(ANOMALY_ENTRIES_COUNT_MAX <= REVIEW_ENTRIES_COUNT_MAX, "an anomaly is reviewed whole");

/// An anomaly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Its id.
    pub id: AnomalyId,
    /// The rule that found it.
    pub rule: RuleName,
    /// Whose account.
    pub actor: ActorId,
    /// The role that the account acted under, where its entries say.
    pub role: Option<String>,
    /// The area of that role.
    pub scope: Option<String>,
    /// Time of the entry with which it was there, in microseconds since 1970.
    pub at: u64,
    /// The time that was looked at: from, until.
    pub window: (u64, u64),
    /// Entries that show it, ascending. The last one is that with which it was there.
    pub entries: Vec<u64>,
    /// Entries that it consists of; more than are named where there are many.
    pub entries_count: u64,
    /// What was counted, and what it was compared with.
    pub numbers: Vec<(&'static str, u64)>,
    /// The kind of information that it is about, where it is about one.
    pub kind: Option<LegalKind>,
}

/// What numbers of anomalies are called.
const NUMBER_WORDS: [&str; 17] = [
    "records",
    "threshold",
    "own_median",
    "peers_median",
    "peers_upper",
    "peers_days",
    "opened",
    "minutes",
    "refused",
    "entries",
    "refusals",
    "persons_of_day",
    "limit_of_day",
    "persons_of_month",
    "limit_of_month",
    "review_late",
    "not_justified",
];

/// The word of a number, if it is one.
pub(super) fn number_word(word: &str) -> Option<&'static str> {
    NUMBER_WORDS.into_iter().find(|known| *known == word)
}

/// What a rule says of an account.
pub(super) struct Finding {
    pub(super) rule: RuleName,
    pub(super) window: (u64, u64),
    pub(super) shown: Shown,
    pub(super) numbers: Vec<(&'static str, u64)>,
    pub(super) kind: Option<LegalKind>,
}

impl Finding {
    /// As an anomaly of an account, found with the entry of that time.
    pub(super) fn of(
        self,
        actor: ActorId,
        role: Option<CompactString>,
        scope: Option<CompactString>,
        at: u64,
    ) -> Anomaly {
        let Finding { rule, window, shown, numbers, kind } = self;
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        context.update(b"gridvault/anomaly/v1");
        context.update(&(rule.as_str().len() as u64).to_be_bytes());
        context.update(rule.as_str().as_bytes());
        context.update(actor.as_bytes());
        context.update(&[kind.map_or(0, |kind| kind as u8)]);
        for number in [window.0, window.1].iter().chain(&shown.entries) {
            context.update(&number.to_be_bytes());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&context.finish().as_ref()[..16]);
        Anomaly {
            id: AnomalyId(id),
            rule,
            actor,
            role: role.map(String::from),
            scope: scope.map(String::from),
            at,
            window,
            entries: shown.entries,
            entries_count: shown.count,
            numbers,
            kind,
        }
    }
}

/// The entries that something consists of: the first ones and the last, and how many there are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) entries: Vec<u64>,
    pub(super) count: u64,
}

impl Shown {
    /// Takes in a further entry; one that is there already is the same.
    pub(super) fn add(&mut self, index: u64) {
        if self.entries.last() == Some(&index) {
            return;
        }
        if self.entries.len() == ANOMALY_ENTRIES_COUNT_MAX {
            self.entries.pop();
        }
        self.entries.push(index);
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_entries_are_shown_by_the_first_ones_and_the_last() {
        let mut shown = Shown::default();
        for index in 0..ANOMALY_ENTRIES_COUNT_MAX as u64 {
            shown.add(index);
        }
        assert_eq!(shown.entries.len(), ANOMALY_ENTRIES_COUNT_MAX);
        shown.add(1_000);
        shown.add(1_000);
        assert_eq!(shown.entries.len(), ANOMALY_ENTRIES_COUNT_MAX);
        assert_eq!(shown.entries.last(), Some(&1_000));
        assert_eq!(shown.count, ANOMALY_ENTRIES_COUNT_MAX as u64 + 1);
    }

    #[test]
    fn an_id_follows_from_rule_account_kind_time_and_entries_alone() {
        let find_of = |rule, actor: u8, window, index, count, kind| {
            let mut shown = Shown::default();
            shown.add(index);
            let numbers = vec![("count", count)];
            let finding = Finding { rule, window, shown, numbers, kind };
            finding.of(ActorId::from_bytes([actor; 16]), None, None, 9).id
        };
        let find =
            |rule, actor, window, index, count| find_of(rule, actor, window, index, count, None);
        let one = find(RuleName::Volume, 1, (0, 9), 7, 3);
        let of_health = find_of(RuleName::Volume, 1, (0, 9), 7, 3, Some(LegalKind::Health));
        assert_ne!(one, of_health);
        assert_eq!(one, find(RuleName::Volume, 1, (0, 9), 7, 4));
        for other in [
            find(RuleName::Night, 1, (0, 9), 7, 3),
            find(RuleName::Volume, 2, (0, 9), 7, 3),
            find(RuleName::Volume, 1, (1, 9), 7, 3),
            find(RuleName::Volume, 1, (0, 9), 8, 3),
        ] {
            assert_ne!(one, other);
        }
    }
}
