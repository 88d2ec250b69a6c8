//! The host's clock as the vault goes by it: held against the log's last entry, and against the time that passes by itself.
//! Never goes back, and never follows a leap: what time it is then says the clock that nobody sets, and the host's is in doubt.
//! A doubt stays until somebody who tells of it has looked, so none is missed.

use super::{Clock, Micros};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the host's clock says, and what is believed instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockDoubt {
    /// The host's clock.
    pub host: Micros,
    /// The time that the vault goes by.
    pub believed: Micros,
}

impl ClockDoubt {
    /// Whether the host's clock is ahead of what is believed; else it is behind.
    pub fn is_ahead(&self) -> bool {
        self.host > self.believed
    }

    /// How far it is from that, in seconds.
    pub fn apart_seconds(&self) -> u64 {
        self.host.0.abs_diff(self.believed.0) / 1_000_000
    }
}

/// The clock of a vault, over that of its host.
pub struct SteadyClock {
    host: Arc<dyn Clock>,
    apart_max: i64,
    state: Mutex<State>,
}

struct State {
    /// What is believed, less the monotonic time. It only grows, so that nothing that was over begins again.
    lead: i64,
    /// Whether that is a time at which the host's clock was believed in this run. Before, it is no more than a moment that is past:
    /// how long the vault was off only the host's clock can tell.
    agreed: bool,
    doubt: Option<ClockDoubt>,
}

impl SteadyClock {
    /// A clock that believes the host's as it is now, and from then on as long as the two are no further apart than this.
    pub fn new(host: Arc<dyn Clock>, apart_max: Duration) -> SteadyClock {
        let lead = host.now().0.saturating_sub(signed(host.monotonic()));
        let apart_max = i64::try_from(apart_max.as_micros()).unwrap_or(i64::MAX);
        let state = Mutex::new(State { lead, agreed: true, doubt: None });
        SteadyClock { host, apart_max, state }
    }

    /// It is no earlier than this moment. Once, at a start, before anything is decided by this clock.
    pub fn hold(&self, before: Micros) {
        let mut state = self.lock();
        let host = self.host.now();
        state.lead = state.lead.max(before.0.saturating_sub(signed(self.host.monotonic())));
        state.agreed = before.0.saturating_sub(host.0) <= self.apart_max;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What time it is, and whether the host's clock bears that out.
    fn look(&self, state: &mut State) -> (Micros, bool) {
        // On both sides, so that a process that the system lets wait between two readings sees no leap in that.
        let begun = state.lead.saturating_add(signed(self.host.monotonic()));
        let host = self.host.now();
        let passed = state.lead.saturating_add(signed(self.host.monotonic()));
        let ahead = host.0.saturating_sub(passed);
        let behind = begun.saturating_sub(host.0);
        if behind > self.apart_max || (ahead > self.apart_max && state.agreed) {
            let believed = Micros(passed);
            state.doubt = Some(ClockDoubt { host, believed });
            return (believed, false);
        }
        state.agreed = true;
        state.lead = state.lead.saturating_add(ahead.max(0));
        (Micros(host.0.max(passed)), true)
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Micros {
        self.look(&mut self.lock()).0
    }

    fn monotonic(&self) -> u64 {
        self.host.monotonic()
    }

    fn doubt(&self) -> Option<ClockDoubt> {
        let mut state = self.lock();
        self.look(&mut state);
        state.doubt
    }

    fn settle(&self) {
        let mut state = self.lock();
        if self.look(&mut state).1 {
            state.doubt = None;
        }
    }
}

fn signed(monotonic: u64) -> i64 {
    i64::try_from(monotonic).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::tests::SetClock;
    use super::*;
    use std::sync::atomic::Ordering;

    const SECOND: i64 = 1_000_000;
    const BOUND: i64 = 120 * SECOND;
    const NOW: i64 = 1_800_000_000 * SECOND;

    struct World {
        host: Arc<SetClock>,
        steady: SteadyClock,
    }

    impl World {
        fn new() -> World {
            let host = Arc::new(SetClock::default());
            host.0.store(NOW, Ordering::Relaxed);
            host.1.store(7, Ordering::Relaxed);
            let bound = Duration::from_micros(u64::try_from(BOUND).expect("positive"));
            World { steady: SteadyClock::new(host.clone(), bound), host }
        }

        /// Time passes by itself.
        fn passes(&self, micros: i64) {
            self.leaps(micros);
            self.host.1.fetch_add(u64::try_from(micros).expect("forwards"), Ordering::Relaxed);
        }

        /// Somebody sets the host's clock.
        fn leaps(&self, micros: i64) {
            self.host.0.fetch_add(micros, Ordering::Relaxed);
        }

        fn now(&self) -> i64 {
            self.steady.now().0 - NOW
        }

        fn is_in_doubt(&self) -> bool {
            self.steady.settle();
            self.steady.doubt().is_some()
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nothing_earlier_and_time_passes_all_the_same() {
        let world = World::new();
        world.passes(10 * SECOND);
        assert_eq!(world.now(), 10 * SECOND);
        world.leaps(-BOUND);
        assert_eq!((world.now(), world.is_in_doubt()), (10 * SECOND, false));
        world.leaps(-1);
        assert_eq!((world.now(), world.is_in_doubt()), (10 * SECOND, true));
        world.leaps(-86_400 * SECOND);
        world.passes(5 * SECOND);
        assert_eq!((world.now(), world.is_in_doubt()), (15 * SECOND, true));
        world.leaps(BOUND + 1 + 86_400 * SECOND);
        assert_eq!((world.now(), world.is_in_doubt()), (15 * SECOND, false));
    }

    #[test]
    fn a_leap_ahead_is_followed_to_the_bound_and_no_further() {
        let world = World::new();
        world.leaps(BOUND + 1);
        assert_eq!((world.now(), world.is_in_doubt()), (0, true));
        world.passes(SECOND);
        assert_eq!((world.now(), world.is_in_doubt()), (SECOND, true));
        world.leaps(-1);
        assert_eq!((world.now(), world.is_in_doubt()), (SECOND + BOUND, false));
        // What was followed is not taken back.
        world.leaps(-BOUND);
        assert_eq!((world.now(), world.is_in_doubt()), (SECOND + BOUND, false));
    }

    #[test]
    fn a_doubt_that_passed_stays_until_somebody_has_looked() {
        let world = World::new();
        world.leaps(3_600 * SECOND);
        assert_eq!(world.now(), 0);
        world.leaps(-3_600 * SECOND);
        let doubt = world.steady.doubt().expect("a doubt");
        assert_eq!((doubt.is_ahead(), doubt.apart_seconds()), (true, 3_600));
        world.steady.settle();
        assert_eq!(world.steady.doubt(), None);
    }

    #[test]
    fn a_start_before_the_last_entry_is_in_doubt_until_the_clock_is_right_however_long_it_was_off()
    {
        let world = World::new();
        world.steady.hold(Micros(NOW + 86_400 * SECOND));
        assert_eq!((world.now(), world.is_in_doubt()), (86_400 * SECOND, true));
        world.passes(SECOND);
        assert_eq!(world.now(), 86_401 * SECOND);
        assert!(world.steady.doubt().is_some_and(|doubt| !doubt.is_ahead()));
        // The vault was off for a week, as the host learns only now.
        world.leaps(8 * 86_400 * SECOND);
        assert_eq!((world.now(), world.is_in_doubt()), ((8 * 86_400 + 1) * SECOND, false));
        world.leaps(7 * 86_400 * SECOND);
        assert_eq!((world.now(), world.is_in_doubt()), ((8 * 86_400 + 1) * SECOND, true));
    }

    #[test]
    fn a_start_behind_the_last_entry_by_no_more_than_the_bound_is_in_no_doubt() {
        for (behind, doubted) in [(BOUND, false), (BOUND + 1, true), (-86_400 * SECOND, false)] {
            let world = World::new();
            world.steady.hold(Micros(NOW + behind));
            assert_eq!((world.now(), world.is_in_doubt()), (behind.max(0), doubted), "{behind}");
        }
    }

    #[test]
    fn whatever_a_clock_says_nothing_overflows() {
        let world = World::new();
        for host in [i64::MIN, i64::MAX, 0] {
            world.host.0.store(host, Ordering::Relaxed);
            assert!(world.is_in_doubt());
        }
        world.host.1.store(u64::MAX, Ordering::Relaxed);
        assert_eq!(world.steady.now().0, i64::MAX);
    }
}
