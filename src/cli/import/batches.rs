//! Puts lines together that can travel in one request: of one purpose, under one token.
//! Never holds more lines than its limits say, and never one so long that its number is far behind the others.
//! A batch that an earlier run did not see the end of is made again of exactly the same lines.

use super::entries::Entry;
use super::ledger::UnderWay;
use crate::limits::{
    IMPORT_BATCH_BYTES_MAX, IMPORT_BATCH_LINES_MAX, IMPORT_WAITING_BYTES_MAX,
    IMPORT_WAITING_LINES_MAX,
};
use std::collections::{BTreeMap, HashMap};

/// Lines that travel together.
pub(super) struct Batch {
    /// Its number, where it has one already.
    pub(super) number: Option<u64>,
    /// For which purpose.
    pub(super) purpose: String,
    /// Under whose token.
    pub(super) holder: usize,
    /// Its lines, in the order of the input.
    pub(super) lines: Vec<Entry>,
}

/// What lines have in common that travel together.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    purpose: String,
    holder: usize,
}

#[derive(Default)]
struct Open {
    lines: Vec<Entry>,
    bytes: usize,
}

/// A batch of an earlier run whose lines are not all read yet.
struct Again {
    purpose: String,
    holder: usize,
    missing: u64,
    lines: Vec<Entry>,
}

/// The batches that are not full yet.
#[derive(Default)]
pub(super) struct Grouping {
    open: HashMap<Kind, Open>,
    /// First line of each open batch, with what it is a batch of.
    oldest: BTreeMap<u64, Kind>,
    again: BTreeMap<u64, Again>,
    /// Which batch of an earlier run a line belongs to.
    lines_again: HashMap<u64, u64>,
    bytes: usize,
}

impl Grouping {
    /// A batch of an earlier run that is to be made again.
    pub(super) fn expect(&mut self, number: u64, batch: &UnderWay, holder: usize) {
        for line in batch.lines.iter() {
            self.lines_again.insert(line, number);
        }
        let (purpose, missing) = (batch.purpose.clone(), batch.lines.count());
        self.again.insert(number, Again { purpose, holder, missing, lines: Vec::new() });
    }

    /// Whether a line belongs to a batch of an earlier run.
    pub(super) fn expects(&self, line: u64) -> bool {
        self.lines_again.contains_key(&line)
    }

    /// Takes a line; gives a batch that has to go now.
    pub(super) fn add(&mut self, entry: Entry, purpose: String, holder: usize) -> Option<Batch> {
        if let Some(number) = self.lines_again.remove(&entry.number) {
            return self.add_again(number, entry);
        }
        let kind = Kind { purpose, holder };
        let (number, bytes) = (entry.number, entry.bytes());
        let open = self.open.entry(kind.clone()).or_default();
        if open.lines.is_empty() {
            self.oldest.insert(number, kind.clone());
        }
        open.lines.push(entry);
        open.bytes += bytes;
        self.bytes += bytes;
        if open.lines.len() >= IMPORT_BATCH_LINES_MAX || open.bytes >= IMPORT_BATCH_BYTES_MAX {
            return self.close(&kind);
        }
        // A batch that waits keeps its lines in memory and its gaps in the state file.
        let first = self.oldest.first_key_value().map(|(first, kind)| (*first, kind.clone()));
        let (first, kind) = first?;
        let is_behind = number - first >= IMPORT_WAITING_LINES_MAX;
        if is_behind || self.bytes >= IMPORT_WAITING_BYTES_MAX { self.close(&kind) } else { None }
    }

    /// The next of what is left at the end of the input.
    pub(super) fn drain(&mut self) -> Option<Batch> {
        let kind = self.oldest.first_key_value().map(|(_, kind)| kind.clone())?;
        self.close(&kind)
    }

    fn add_again(&mut self, number: u64, entry: Entry) -> Option<Batch> {
        let again = self.again.get_mut(&number)?;
        again.lines.push(entry);
        again.missing = again.missing.saturating_sub(1);
        if again.missing > 0 {
            return None;
        }
        let Again { purpose, holder, lines, .. } = self.again.remove(&number)?;
        Some(Batch { number: Some(number), purpose, holder, lines })
    }

    fn close(&mut self, kind: &Kind) -> Option<Batch> {
        let Open { lines, bytes } = self.open.remove(kind)?;
        self.oldest.remove(&lines.first()?.number);
        self.bytes -= bytes;
        let Kind { purpose, holder } = kind.clone();
        Some(Batch { number: None, purpose, holder, lines })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64) -> Entry {
        let text = r#"{"route":"/v1/records","purpose":"p","body":{"grid":"88"}}"#;
        match Entry::parse(number, text.as_bytes().to_vec().into()) {
            Ok((entry, _)) => entry,
            Err(rejected) => panic!("{:?}", rejected.why),
        }
    }

    fn numbers(batch: Option<Batch>) -> Vec<u64> {
        batch.map(|batch| batch.lines.iter().map(|line| line.number).collect()).unwrap_or_default()
    }

    #[test]
    fn lines_of_one_purpose_and_token_travel_together() {
        let mut grouping = Grouping::default();
        for (number, purpose, holder) in [(1, "a", 0), (2, "b", 0), (3, "a", 1), (4, "a", 0)] {
            assert!(grouping.add(entry(number), purpose.into(), holder).is_none());
        }
        let left: Vec<Vec<u64>> = (0..4).map(|_| numbers(grouping.drain())).collect();
        assert_eq!(left, [vec![1, 4], vec![2], vec![3], vec![]]);
        assert_eq!(grouping.bytes, 0);
    }

    #[test]
    fn a_full_batch_goes_at_once() {
        let mut grouping = Grouping::default();
        let most = u64::try_from(IMPORT_BATCH_LINES_MAX).expect("few");
        for number in 1..most {
            assert!(grouping.add(entry(number), "a".into(), 0).is_none());
        }
        let full = grouping.add(entry(most), "a".into(), 0);
        assert_eq!(numbers(full).len(), IMPORT_BATCH_LINES_MAX);
        assert!(grouping.drain().is_none());
    }

    #[test]
    fn a_batch_that_waits_too_long_goes_before_it_is_full() {
        let mut grouping = Grouping::default();
        assert!(grouping.add(entry(1), "a".into(), 0).is_none());
        assert!(grouping.add(entry(IMPORT_WAITING_LINES_MAX), "b".into(), 0).is_none());
        let gone = grouping.add(entry(IMPORT_WAITING_LINES_MAX + 1), "b".into(), 0);
        assert_eq!(numbers(gone), [1]);
    }

    #[test]
    fn a_batch_of_an_earlier_run_is_made_of_the_same_lines() {
        let mut grouping = Grouping::default();
        let lines = [2, 5].into_iter().collect();
        let under_way = UnderWay { purpose: "a".into(), area: "88".into(), actor: None, lines };
        grouping.expect(9, &under_way, 3);
        assert!(grouping.add(entry(1), "a".into(), 3).is_none());
        assert!(grouping.add(entry(2), "a".into(), 3).is_none());
        assert!(grouping.add(entry(4), "a".into(), 3).is_none());
        let batch = grouping.add(entry(5), "a".into(), 3).expect("both are there");
        assert_eq!((batch.number, batch.holder), (Some(9), 3));
        assert_eq!(numbers(Some(batch)), [2, 5]);
        assert_eq!(numbers(grouping.drain()), [1, 4]);
    }
}
