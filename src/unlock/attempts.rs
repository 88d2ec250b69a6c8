//! How often somebody may try a passphrase, and what was tried in vain.
//! Never counts what was not tried: a typing error, a share of another set, a share that waits for others. Shares have no
//! bound: there is nothing in one to guess, and whoever uses up a bound must not keep their holders out.
//! So many in so long, whoever tries: who is wrong cannot be known while the vault is sealed.

use crate::ambient::Micros;
use crate::limits::{UNSEAL_ATTEMPTS_COUNT_MAX, UNSEAL_ATTEMPTS_TIME};
use std::collections::VecDeque;

/// What did not open the vault while it was sealed, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Passphrases.
    pub passphrases: Option<Failed>,
    /// Sets of shares.
    pub shares: Option<Failed>,
    /// PINs of a token.
    pub pins: Option<Failed>,
}

/// How often something failed, from when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// How often.
    pub count: u64,
    /// The first time.
    pub first: Micros,
    /// The last time.
    pub last: Micros,
}

impl Failed {
    /// The same with one more, which is now.
    pub(super) fn again(before: Option<Failed>, now: Micros) -> Failed {
        match before {
            None => Failed { count: 1, first: now, last: now },
            Some(Failed { count, first, .. }) => {
                Failed { count: count.saturating_add(1), first, last: now }
            }
        }
    }
}

/// The tries of late, by the monotonic clock, in microseconds.
#[derive(Default)]
pub(super) struct Attempts(VecDeque<u64>);

impl Attempts {
    /// Counts a try, or says in how many seconds the next one is taken.
    pub(super) fn enter(&mut self, now: u64) -> Result<(), u32> {
        let window = u64::try_from(UNSEAL_ATTEMPTS_TIME.as_micros()).unwrap_or(u64::MAX);
        while self.0.front().is_some_and(|at| now.saturating_sub(*at) >= window) {
            self.0.pop_front();
        }
        match self.0.front() {
            Some(first) if self.0.len() >= UNSEAL_ATTEMPTS_COUNT_MAX => {
                let left = window.saturating_sub(now.saturating_sub(*first));
                Err(u32::try_from(left.div_ceil(1_000_000)).unwrap_or(u32::MAX))
            }
            _ => {
                self.0.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_taken_to_their_limit_and_again_when_the_first_is_long_ago() {
        let second = 1_000_000;
        let mut attempts = Attempts::default();
        for number in 0..UNSEAL_ATTEMPTS_COUNT_MAX as u64 {
            assert_eq!(attempts.enter(number * second), Ok(()));
        }
        let window = UNSEAL_ATTEMPTS_TIME.as_secs();
        let last = UNSEAL_ATTEMPTS_COUNT_MAX as u64;
        assert_eq!(attempts.enter(last * second), Err((window - last) as u32));
        assert_eq!(attempts.enter(window * second - 1), Err(1));
        assert_eq!(attempts.enter(window * second), Ok(()));
        assert_eq!(attempts.enter(window * second), Err(1));
    }
}
