//! What is remembered of past days: the actor's own, and those of its peers (same role, same level of area).
//! Never more than thirty days, and of peers only how their days spread: no list of people, no place in one.
//! A day is the country's, and belongs to the past once another one has begun in the log.

use super::thresholds::KINDS_COUNT;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Past days that are remembered.
pub(super) const DAYS_KEPT: usize = 30;
/// Days of peers that are remembered for one role and level and day; of more, as many are taken as they come.
const PEERS_DAY_COUNT_MAX: usize = 4_096;

/// A past day of an actor on which it saw records.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PastDay {
    /// Days since 1970, by the country's time.
    pub(super) day: i32,
    /// Distinct records.
    pub(super) records: u32,
    /// Persons seen in clear, by kind of information.
    pub(super) kinds: [u16; KINDS_COUNT],
    /// Its first and last entry.
    pub(super) entries: (u64, u64),
}

/// An actor's past days, the oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct OwnPast(VecDeque<PastDay>);

impl OwnPast {
    pub(super) fn add(&mut self, day: PastDay) {
        self.0.push_back(day);
        while self.0.len() > DAYS_KEPT {
            self.0.pop_front();
        }
    }

    /// The days of the last thirty, before one.
    pub(super) fn days(&self, before: i32) -> impl DoubleEndedIterator<Item = &PastDay> {
        let first = before - DAYS_KEPT as i32;
        self.0.iter().filter(move |past| past.day >= first && past.day < before)
    }

    /// The median of the records of the days between two, if there are enough days.
    pub(super) fn median(&self, from: i32, before: i32, days_min: u32) -> Option<u32> {
        let mut counts: Vec<u32> =
            self.days(before).filter(|past| past.day >= from).map(|past| past.records).collect();
        counts.sort_unstable();
        (counts.len() >= days_min as usize).then(|| counts[counts.len() / 2])
    }
}

/// Role, and digits of the code of the area.
pub(super) type Post = (String, usize);

/// How the days of peers spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spread {
    /// Half of their days are below.
    pub(super) median: u32,
    /// Nine of ten are below.
    pub(super) upper: u32,
    /// Days that it was made of.
    pub(super) days: u32,
}

/// The past days of all posts.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct PeersPast {
    posts: HashMap<Post, BTreeMap<i32, Vec<u32>>>,
    /// What was worked out for the day at hand.
    #[serde(skip)]
    known: HashMap<Post, Option<Spread>>,
    #[serde(skip)]
    day: i32,
}

impl PeersPast {
    /// A day of somebody at a post is over.
    pub(super) fn add(&mut self, post: &Post, day: i32, records: u32) {
        let days = match self.posts.get_mut(post) {
            Some(days) => days,
            None => self.posts.entry(post.clone()).or_default(),
        };
        let counts = days.entry(day).or_default();
        if counts.len() < PEERS_DAY_COUNT_MAX {
            counts.push(records);
        }
        while days.len() > DAYS_KEPT {
            days.pop_first();
        }
    }

    /// How the days before one spread at a post, if there are enough.
    pub(super) fn spread(&mut self, post: &Post, before: i32, days_min: u32) -> Option<Spread> {
        if self.day != before {
            self.day = before;
            self.known.clear();
        }
        if let Some(known) = self.known.get(post) {
            return *known;
        }
        let days = self.posts.get(post)?;
        let first = before - DAYS_KEPT as i32;
        let mut counts: Vec<u32> =
            days.range(first..before).flat_map(|(_, c)| c).copied().collect();
        counts.sort_unstable();
        let spread = (counts.len() >= days_min as usize).then(|| Spread {
            median: counts[counts.len() / 2],
            upper: counts[(counts.len() * 9 / 10).min(counts.len() - 1)],
            days: counts.len() as u32,
        });
        self.known.insert(post.clone(), spread);
        spread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i32, records: u32) -> PastDay {
        PastDay { day, records, kinds: [0; KINDS_COUNT], entries: (0, 0) }
    }

    #[test]
    fn a_median_needs_its_days_and_knows_thirty_of_them() {
        let mut past = OwnPast::default();
        for number in 0..4 {
            past.add(day(number, 10 + number as u32));
        }
        assert_eq!(past.median(i32::MIN, 4, 5), None);
        past.add(day(4, 100));
        assert_eq!(past.median(i32::MIN, 5, 5), Some(12));
        assert_eq!(past.median(i32::MIN, 4, 4), Some(12), "a day itself is not its past");
        for number in 5..50 {
            past.add(day(number, 7));
        }
        assert_eq!(past.days(50).count(), DAYS_KEPT);
        assert_eq!(past.days(60).count(), 20, "of the last thirty days, those that there were");
    }

    #[test]
    fn a_spread_is_of_the_days_before_and_of_one_post_alone() {
        let mut peers = PeersPast::default();
        let (here, there) = (("grid_worker".to_owned(), 16), ("grid_worker".to_owned(), 12));
        for count in 1..=20 {
            peers.add(&here, 3, count);
        }
        peers.add(&there, 3, 1_000);
        assert_eq!(peers.spread(&here, 3, 10), None, "the day is not over");
        let spread = peers.spread(&here, 4, 10);
        assert_eq!(spread, Some(Spread { median: 11, upper: 19, days: 20 }));
        assert_eq!(peers.spread(&there, 4, 10), None, "too few");
        assert_eq!(peers.spread(&here, 40, 10), None, "too long ago");
    }
}
