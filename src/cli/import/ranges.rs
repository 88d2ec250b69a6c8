//! Sets of line numbers, kept as runs of neighbours.
//! Never longer than the lines that are out of order, however long the file is.
//! Runs are sorted, apart from each other, and include both of their ends.

use serde::{Deserialize, Serialize};

/// A set of line numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Puts a line in.
    pub(super) fn insert(&mut self, line: u64) {
        // The first run that ends at the line before, or later.
        let at = self.0.partition_point(|(_, last)| last.saturating_add(1) < line);
        let Some((first, last)) = self.0.get_mut(at) else {
            self.0.push((line, line));
            return;
        };
        if line.saturating_add(1) < *first {
            self.0.insert(at, (line, line));
            return;
        }
        (*first, *last) = ((*first).min(line), (*last).max(line));
        let end = *last;
        if let Some((next, far)) = self.0.get(at + 1).copied()
            && next == end.saturating_add(1)
        {
            self.0[at].1 = far;
            self.0.remove(at + 1);
        }
    }

    /// Takes a line out.
    pub(super) fn remove(&mut self, line: u64) {
        let at = self.0.partition_point(|(_, last)| *last < line);
        let Some((first, last)) = self.0.get(at).copied() else { return };
        if line < first {
            return;
        }
        let left = (first < line).then(|| (first, line - 1));
        let right = (line < last).then(|| (line + 1, last));
        self.0.splice(at..=at, left.into_iter().chain(right));
    }

    /// Whether a line is in it.
    pub(super) fn contains(&self, line: u64) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < line);
        self.0.get(at).is_some_and(|(first, _)| *first <= line)
    }

    /// The lines, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// How many lines are in it.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether no line is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is what such a set can be; one that was read from a file is looked at first.
    pub(super) fn is_sound(&self) -> bool {
        let apart = |pair: &[(u64, u64)]| pair[0].1.saturating_add(1) < pair[1].0;
        self.0.iter().all(|(first, last)| 0 < *first && first <= last)
            && self.0.windows(2).all(apart)
    }
}

impl FromIterator<u64> for Ranges {
    fn from_iter<I: IntoIterator<Item = u64>>(lines: I) -> Ranges {
        let mut ranges = Ranges::default();
        lines.into_iter().for_each(|line| ranges.insert(line));
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn runs_hold_what_a_plain_set_holds(steps in prop::collection::vec((1_u64..60, any::<bool>()), 0..200)) {
            let (mut ranges, mut plain) = (Ranges::default(), BTreeSet::new());
            for (line, goes_in) in steps {
                if goes_in {
                    ranges.insert(line);
                    plain.insert(line);
                } else {
                    ranges.remove(line);
                    plain.remove(&line);
                }
                prop_assert!(ranges.is_sound());
                prop_assert_eq!(ranges.count(), plain.len() as u64);
                prop_assert_eq!(ranges.is_empty(), plain.is_empty());
                for line in 0..62 {
                    prop_assert_eq!(ranges.contains(line), plain.contains(&line));
                }
            }
        }
    }

    #[test]
    fn neighbours_are_one_run() {
        let ranges: Ranges = [3, 1, 2, 9, 8, 5].into_iter().collect();
        assert_eq!(serde_json::to_string(&ranges).expect("plain"), "[[1,3],[5,5],[8,9]]");
        for wrong in ["[[0,3]]", "[[3,1]]", "[[1,3],[4,5]]", "[[5,6],[1,2]]"] {
            let ranges: Ranges = serde_json::from_str(wrong).expect("well formed");
            assert!(!ranges.is_sound(), "{wrong}");
        }
    }
}
