//! Repeatable chance for loads and moments.
//! Never asks the host for randomness, so that a round can be run again from its seed.
//! Each round and thread has a stream of its own.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A stream of throws.
pub struct Dice {
    source: ChaCha8Rng,
}

impl Dice {
    /// The stream with this number under the seed.
    pub fn new(seed: u64, stream: u64) -> Dice {
        let mut source = ChaCha8Rng::seed_from_u64(seed);
        source.set_stream(stream);
        Dice { source }
    }

    /// A number from 0 to below the bound; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a count fits into 64 bits");
        let scaled = (u64::from(self.source.next_u32()) * bound) >> 32;
        usize::try_from(scaled).expect("it is below a count")
    }

    /// A number between two, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Whether something happens that does so `parts` times in a hundred.
    pub fn percent(&mut self, parts: usize) -> bool {
        self.below(100) < parts
    }

    /// One of several things, each as likely; the list must not be empty.
    pub fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }
}
