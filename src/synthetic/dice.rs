//! Repeatable chance: the same seed gives the same throws on every machine.
//! Never asks the host for randomness, and never uses floating point, whose last digit differs between machines.
//! Each concern of each grid has a stream of its own, so that a change to one moves none of the others.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// e^-0.01 in units of 2^-32.
const E_MINUS_HUNDREDTH: u64 = 4_252_231_657;
/// One, in units of 2^-32.
const ONE: u64 = 1 << 32;

/// A stream of throws.
pub(super) struct Dice {
    source: ChaCha8Rng,
}

impl Dice {
    /// The stream with this number under the seed.
    pub(super) fn new(seed: u64, stream: u64) -> Dice {
        let mut source = ChaCha8Rng::seed_from_u64(seed);
        source.set_stream(stream);
        Dice { source }
    }

    /// A number from 0 to below the bound; 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let scaled = (u64::from(self.source.next_u32()) * u64::from(bound)) >> 32;
        u32::try_from(scaled).expect("a 32-bit bound gives a 32-bit number")
    }

    /// A number between two, both included.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// A number between two, more often near the middle.
    pub(super) fn bell(&mut self, low: u32, high: u32) -> u32 {
        let span = high.saturating_sub(low) + 1;
        low + (0..4).map(|_| self.below(span)).sum::<u32>() / 4
    }

    /// Whether something happens that does so `parts` times in ten thousand.
    pub(super) fn chance(&mut self, parts: u32) -> bool {
        self.below(10_000) < parts
    }

    /// One of several things, each as likely; the list must not be empty.
    pub(super) fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        let count = u32::try_from(things.len()).expect("a short list");
        things[self.below(count) as usize]
    }

    /// One of several words by weight; the list must not be empty.
    pub(super) fn weighted<T: Copy>(&mut self, things: &[(T, u32)]) -> T {
        let total = things.iter().map(|(_, weight)| weight).sum();
        let mut rest = self.below(total);
        for (thing, weight) in things {
            if rest < *weight {
                return *thing;
            }
            rest -= weight;
        }
        things[0].0
    }

    /// How often something happens whose mean is given in hundredths (Poisson, by Knuth's product of throws).
    pub(super) fn count(&mut self, mean_hundredths: u32) -> u32 {
        let end = (0..mean_hundredths).fold(ONE, |left, _| (left * E_MINUS_HUNDREDTH) >> 32);
        let (mut product, mut count) = (ONE, 0);
        loop {
            product = (product * u64::from(self.source.next_u32())) >> 32;
            if product <= end {
                return count;
            }
            count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_and_stream_give_the_same_throws() {
        let throws = |seed, stream| {
            let mut dice = Dice::new(seed, stream);
            (0..8).map(|_| dice.below(1_000_000)).collect::<Vec<u32>>()
        };
        assert_eq!(throws(7, 3), throws(7, 3));
        assert_ne!(throws(7, 3), throws(7, 4));
        assert_ne!(throws(7, 3), throws(8, 3));
    }

    #[test]
    fn throws_stay_within_their_bounds() {
        let mut dice = Dice::new(1, 1);
        for _ in 0..10_000 {
            assert!((3..=9).contains(&dice.between(3, 9)));
            assert!((300..=500).contains(&dice.bell(300, 500)));
        }
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.between(5, 5), 5);
    }

    #[test]
    fn counts_have_the_mean_that_is_asked_for() {
        let mut dice = Dice::new(1, 2);
        for mean in [60, 81, 750] {
            let total: u32 = (0..20_000).map(|_| dice.count(mean)).sum();
            let found = total / 200;
            assert!(found.abs_diff(mean) <= mean / 30, "{found} for {mean}");
        }
        assert_eq!(dice.count(0), 0);
    }

    #[test]
    fn weights_decide_how_often_a_thing_comes() {
        let mut dice = Dice::new(1, 3);
        let rare = (0..10_000).filter(|_| dice.weighted(&[('a', 9), ('b', 1)]) == 'b').count();
        assert!((900..1_100).contains(&rare), "{rare}");
    }
}
