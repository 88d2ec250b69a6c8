//! Counts entries by what they say, and walks through the places of those that have it, over a time of any length.
//! Never reads an entry: the lists of the index are enough, and say how far they go.
//! What it walks through is bounded; beyond that a shorter time must be asked for.

use super::error::OversightError;
use super::index::{Clause, Index, Wanted};
use crate::limits::TALLY_PLACES_COUNT_MAX;

/// Places of one look at the index.
const PAGE: usize = 16 * 1024;

/// A time of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Not before, in microseconds since 1970.
    pub since: u64,
    /// Before.
    pub until: u64,
}

/// Walks through the places of the entries below an index that have every clause, in the order of the log. Says how many
/// there were. Blocks while it reads.
///
/// # Errors
/// [`OversightError::TooMuch`] beyond [`TALLY_PLACES_COUNT_MAX`], else the index's.
pub(super) fn each_place(
    index: &Index,
    clauses: &[Clause],
    period: Period,
    through: u64,
    found: impl FnMut(u64),
) -> Result<u64, OversightError> {
    each_of(TALLY_PLACES_COUNT_MAX, index, clauses, period, through, found)
}

/// The same with a limit that is given.
fn each_of(
    places_count_max: u64,
    index: &Index,
    clauses: &[Clause],
    period: Period,
    through: u64,
    mut found: impl FnMut(u64),
) -> Result<u64, OversightError> {
    let (mut from, mut count) = (0, 0_u64);
    loop {
        let mut wanted = Wanted::within(from..through, false, PAGE);
        (wanted.since, wanted.until) = (Some(period.since), Some(period.until));
        let places = index.search(clauses, wanted)?;
        count += places.indexes.len() as u64;
        if count > places_count_max {
            return Err(OversightError::TooMuch);
        }
        places.indexes.into_iter().for_each(&mut found);
        match places.next {
            Some(next) => from = next,
            None => return Ok(count),
        }
    }
}

/// How many there are.
///
/// # Errors
/// As [`each_place`].
pub(super) fn count(
    index: &Index,
    clauses: &[Clause],
    period: Period,
    through: u64,
) -> Result<u64, OversightError> {
    each_place(index, clauses, period, through, |_| ())
}

#[cfg(test)]
mod tests {
    use super::super::index::Kind;
    use super::super::world::World;
    use super::*;

    #[test]
    fn as_many_places_as_the_limit_are_walked_through_and_one_more_is_too_much() {
        let world = World::many();
        let index = world.index();
        let clauses = [Clause { kind: Kind::Outcome, value: "denied".to_owned() }];
        let period = Period { since: 0, until: u64::MAX };
        let through = world.log.size();
        let all = count(&index, &clauses, period, through).expect("within the limit");
        assert!(all > 1);
        let walk = |most| each_of(most, &index, &clauses, period, through, |_| ());
        assert_eq!(walk(all).expect("at the limit"), all);
        assert!(matches!(walk(all - 1), Err(OversightError::TooMuch)));
    }
}
