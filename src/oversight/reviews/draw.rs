//! Draws entries of a time by chance, some of each role, so that a role of few people is not missed.
//! Never by a choice of the officer: the vault draws the seed, and seed, time and roles are in the entry.
//! Whoever has the log draws the same: of each role the entries with the smallest SHA-256 over seed and index.

use super::super::entry::LogEntry;
use super::super::error::OversightError;
use super::super::index::{Clause, Index, Kind};
use super::super::search::fetch;
use super::super::tally::{Period, each_place};
use super::case::Sample;
use crate::access::ActorId;
use crate::limits::{REVIEW_ENTRIES_COUNT_MAX, ROLES_COUNT_MAX, SAMPLE_EACH_COUNT_MAX};
use gridvault_audit::LogReader;
use std::collections::{BTreeMap, BinaryHeap};

/// Candidates of a role that are compared with the log at first; more where many of them are left out.
const CANDIDATES: usize = 16;

// Whatever the policy, a sample has room in a review: refusals are one more stratum beside the roles.
const _: () = assert!(
    (ROLES_COUNT_MAX + 1) * SAMPLE_EACH_COUNT_MAX as usize <= REVIEW_ENTRIES_COUNT_MAX,
    "a sample has room in a review"
);

/// What was drawn.
pub(super) struct Drawn {
    /// The entries, with whose act each is, by index.
    pub(super) entries: BTreeMap<u64, Option<ActorId>>,
    /// Entries that were drawn from.
    pub(super) population: u64,
}

/// Draws. Blocks while it reads.
///
/// # Errors
/// [`OversightError::TooMuch`] for a time with too many entries, else what keeps log or index from being read.
pub(super) fn draw(
    sample: &Sample,
    log: &LogReader,
    index: &Index,
) -> Result<Drawn, OversightError> {
    let of_role = |role: &String| Clause { kind: Kind::Role, value: role.clone() };
    let refused = Clause { kind: Kind::Outcome, value: "denied".to_owned() };
    let mut drawn = Drawn { entries: BTreeMap::new(), population: 0 };
    for stratum in sample.roles.iter().map(of_role).chain([refused]) {
        let mut candidates = CANDIDATES;
        loop {
            let (nearest, population) = nearest(sample, index, &stratum, candidates)?;
            let all = population <= candidates as u64;
            let fitting = fitting(sample, log, &stratum, nearest)?;
            // Somebody who is left out may have most of the entries: then more of them are compared.
            if !all && fitting.len() < usize::from(sample.each) {
                candidates *= 8;
                continue;
            }
            drawn.population += population;
            drawn.entries.extend(fitting);
            break;
        }
    }
    Ok(drawn)
}

/// The places of a stratum that come first in the order that the seed gives, and how many places it has.
fn nearest(
    sample: &Sample,
    index: &Index,
    stratum: &Clause,
    count: usize,
) -> Result<(Vec<u64>, u64), OversightError> {
    let mut heap: BinaryHeap<(u64, u64)> = BinaryHeap::with_capacity(count + 1);
    let period = Period { since: sample.since, until: sample.until };
    let stratum = std::slice::from_ref(stratum);
    let population = each_place(index, stratum, period, sample.through, |place| {
        heap.push((order(&sample.seed, place), place));
        if heap.len() > count {
            heap.pop();
        }
    })?;
    Ok((heap.into_sorted_vec().into_iter().map(|(_, place)| place).collect(), population))
}

/// The first eight bytes of SHA-256 over the seed and the index, big-endian.
fn order(seed: &[u8; 32], index: u64) -> u64 {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(seed);
    context.update(&index.to_be_bytes());
    let digest = context.finish();
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_ref()[..8]);
    u64::from_be_bytes(first)
}

/// The first of them that are of the stratum and nobody's who is left out.
fn fitting(
    sample: &Sample,
    log: &LogReader,
    stratum: &Clause,
    nearest: Vec<u64>,
) -> Result<Vec<(u64, Option<ActorId>)>, OversightError> {
    let read: BTreeMap<u64, Vec<u8>> = fetch(log, &nearest)?.into_iter().collect();
    let mut fitting = Vec::new();
    for place in nearest {
        let bytes = read.get(&place).ok_or(OversightError::Malformed)?;
        let entry = LogEntry::parse(bytes).ok_or(OversightError::Malformed)?;
        let actor: Option<ActorId> = entry.who.as_deref().and_then(|who| who.parse().ok());
        let left_out = actor.is_some_and(|actor| sample.without.contains(&actor));
        if stratum.holds(&entry) && !left_out && fitting.len() < usize::from(sample.each) {
            fitting.push((place, actor));
        }
    }
    Ok(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oversight::world::World;

    fn sample(world: &World, without: Vec<ActorId>) -> Sample {
        Sample {
            seed: [7; 32],
            since: 0,
            until: u64::MAX,
            through: world.log.size(),
            each: 3,
            roles: vec!["grid_worker".into(), "mediator".into()],
            without,
            population: 0,
        }
    }

    /// What anybody does who has the log: sort all entries of a stratum, take the first ones.
    fn by_hand(world: &World, sample: &Sample, stratum: impl Fn(&LogEntry) -> bool) -> Vec<u64> {
        let entries = world.entries();
        let mut places: Vec<u64> = entries
            .iter()
            .filter(|entry| entry.t >= sample.since && entry.t < sample.until && stratum(entry))
            .filter(|entry| {
                let actor = entry.who.as_deref().and_then(|who| who.parse().ok());
                actor.is_none_or(|actor| !sample.without.contains(&actor))
            })
            .map(|entry| entry.seq)
            .collect();
        places.sort_by_key(|place| order(&sample.seed, *place));
        places.truncate(usize::from(sample.each));
        places
    }

    #[test]
    fn the_same_seed_draws_what_anybody_draws_who_has_the_log() {
        let world = World::with(600);
        let index = world.index();
        let mut asked = sample(&world, Vec::new());
        (asked.since, asked.until) = (world.entries()[100].t, world.entries()[400].t);
        let drawn = draw(&asked, &world.reader(), &index).expect("a draw");
        let workers = by_hand(&world, &asked, |entry| entry.role.as_deref() == Some("grid_worker"));
        let refused = by_hand(&world, &asked, |entry| entry.out == "denied");
        let mut expected: Vec<u64> = workers.into_iter().chain(refused).collect();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(drawn.entries.keys().copied().collect::<Vec<u64>>(), expected);
        assert_eq!(
            drawn.population,
            300 + 75,
            "every entry is a worker's, and one of four refused"
        );
        let other = Sample { seed: [8; 32], ..asked.clone() };
        let other = draw(&other, &world.reader(), &index).expect("a draw");
        assert_ne!(other.entries, drawn.entries);
    }

    #[test]
    fn nobody_who_is_left_out_is_drawn_however_many_entries_are_theirs() {
        let world = World::with(300);
        let index = world.index();
        let everybody: Vec<ActorId> = world
            .entries()
            .iter()
            .filter_map(|entry| entry.who.as_deref()?.parse().ok())
            .collect::<std::collections::BTreeSet<ActorId>>()
            .into_iter()
            .collect();
        let (one, others) = everybody.split_first().expect("some");
        let asked = sample(&world, others.to_vec());
        let drawn = draw(&asked, &world.reader(), &index).expect("a draw");
        assert!(!drawn.entries.is_empty());
        assert!(drawn.entries.values().all(|actor| *actor == Some(*one)));
        let asked = sample(&world, everybody);
        assert!(draw(&asked, &world.reader(), &index).expect("a draw").entries.is_empty());
    }
}
