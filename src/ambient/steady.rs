//! The host's clock as the vault goes by it: held against the log's last entry, and against the time that passes by itself.
//! Never goes back, and never follows a leap: what time it is then says the clock that nobody sets, and the host's is in doubt.
//! A doubt stays until somebody who tells of it has looked, so none is missed.
//!
//! ```text
//! believed' = host                                       where the host's clock is ahead by no more than the bound
//! believed' = believed + passed                          where it is ahead by more: it leapt
//! believed' = max(host, believed + passed / 2)           where it is behind: half as fast until the two meet
//! ```
//! Behind by more than the bound is in doubt too, until half the time has made it less. So what is believed meets any clock that
//! goes on: small steps back do not add up, and a log that is ahead is waited for.

use super::{Clock, Micros, Moment};
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
    /// What is believed. It only grows, so that nothing that was over begins again.
    believed: i64,
    /// The monotonic time at which it was.
    looked: u64,
    /// Whether that is a time at which the host's clock was believed in this run. Before, it is no more than a moment that is past:
    /// how long the vault was off only the host's clock can tell.
    agreed: bool,
    doubt: Option<ClockDoubt>,
}

impl SteadyClock {
    /// A clock that believes the host's as it is now, and from then on as long as the two are no further apart than this.
    pub fn new(host: Arc<dyn Clock>, apart_max: Duration) -> SteadyClock {
        let looked = host.monotonic();
        let believed = host.now().0;
        let apart_max = i64::try_from(apart_max.as_micros()).unwrap_or(i64::MAX);
        let state = Mutex::new(State { believed, looked, agreed: true, doubt: None });
        SteadyClock { host, apart_max, state }
    }

    /// It is no earlier than this moment. Once, at a start, before anything is decided by this clock.
    pub fn hold(&self, before: Micros) {
        let mut state = self.lock();
        let host = self.host.now();
        state.pass_to(self.host.monotonic());
        state.believed = state.believed.max(before.0);
        state.agreed = before.0.saturating_sub(host.0) <= self.apart_max;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What time it is, and what the host's clock shows. The two are the same moment but where that is behind by no more than the
    /// bound; where it is in doubt, only the first counts.
    fn look(&self, state: &mut State) -> (Moment, bool) {
        // On both sides, so that a process that the system lets wait between two readings sees no leap in that, either way.
        let begun = self.host.monotonic();
        let host = self.host.now();
        let ended = self.host.monotonic();
        let before = state.believed;
        let slowed = before.saturating_add(since(state.looked, begun) / 2);
        state.pass_to(begun);
        let behind = state.believed.saturating_sub(host.0);
        if behind > 0 {
            // It goes on, so nothing goes back, and the two meet.
            state.believed = slowed.max(host.0);
        }
        let behind = state.believed.saturating_sub(host.0);
        state.pass_to(ended);
        let ahead = host.0.saturating_sub(state.believed);
        if behind > self.apart_max || (ahead > self.apart_max && state.agreed) {
            let believed = Micros(state.believed);
            state.doubt = Some(ClockDoubt { host, believed });
            return (Moment::of(believed), false);
        }
        state.agreed = true;
        state.believed = state.believed.max(host.0);
        (Moment { believed: Micros(state.believed), host }, true)
    }
}

impl State {
    /// What passed by itself.
    fn pass_to(&mut self, monotonic: u64) {
        self.believed = self.believed.saturating_add(since(self.looked, monotonic));
        self.looked = self.looked.max(monotonic);
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Micros {
        self.moment().believed
    }

    fn moment(&self) -> Moment {
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

fn since(earlier: u64, monotonic: u64) -> i64 {
    i64::try_from(monotonic.saturating_sub(earlier)).unwrap_or(i64::MAX)
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
        assert_eq!((world.now(), world.is_in_doubt()), (12 * SECOND + SECOND / 2, true));
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
        assert_eq!(world.now(), 86_400 * SECOND + SECOND / 2);
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
        assert_eq!(world.steady.now().0, NOW + i64::MAX / 2, "half of what passed");
        world.host.0.store(i64::MAX, Ordering::Relaxed);
        world.steady.hold(Micros(i64::MAX));
        assert_eq!((world.steady.now().0, world.is_in_doubt()), (i64::MAX, false));
    }

    #[test]
    fn small_steps_back_do_not_add_up_to_a_doubt() {
        let world = World::new();
        for hour in 0..24 * 7 * 6 {
            world.passes(3_600 * SECOND);
            let before = world.now();
            world.leaps(-SECOND);
            assert_eq!((world.now(), world.is_in_doubt()), (before, false), "hour {hour}");
            world.passes(2 * SECOND);
            assert_eq!(world.now(), before + SECOND, "half as fast until the two meet");
            assert_eq!(world.now(), world.host.0.load(Ordering::Relaxed) - NOW);
        }
    }

    #[test]
    fn a_step_back_within_the_bound_heals_in_twice_its_time_and_no_faster() {
        let world = World::new();
        world.leaps(-90 * SECOND);
        for second in 1..=180 {
            world.passes(SECOND);
            assert_eq!((world.now(), world.is_in_doubt()), (second * SECOND / 2, false));
        }
        let host = || world.host.0.load(Ordering::Relaxed) - NOW;
        assert_eq!(world.now(), host());
        world.passes(SECOND);
        assert_eq!(
            (world.now(), host()),
            (91 * SECOND, 91 * SECOND),
            "and goes as fast as it again"
        );
    }

    #[test]
    fn a_log_ten_minutes_ahead_is_waited_for_with_no_data_served_until_the_bound() {
        let world = World::new();
        world.steady.hold(Micros(NOW + 600 * SECOND));
        let until_served = 2 * (600 - BOUND / SECOND);
        for second in 1..until_served {
            world.passes(SECOND);
            assert!(world.is_in_doubt(), "after {second} seconds");
        }
        world.passes(SECOND);
        assert!(!world.is_in_doubt(), "after sixteen minutes");
        world.passes(2 * BOUND);
        assert_eq!(world.now(), world.host.0.load(Ordering::Relaxed) - NOW);
    }

    #[test]
    fn whatever_is_done_to_the_host_what_is_believed_never_goes_back() {
        let world = World::new();
        let (mut chance, mut last) = (1_u64, 0);
        for _ in 0..20_000 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let drawn = i64::try_from(chance >> 33).expect("31 bits");
            match drawn % 4 {
                0 => world.leaps(drawn % (5 * BOUND) - 2 * BOUND),
                1 => world.passes(drawn % 7),
                2 => world.passes(drawn % (10 * SECOND)),
                _ => world.leaps(drawn % 11 - 5),
            }
            let now = world.now();
            assert!(now >= last, "{now} behind {last}");
            last = now;
        }
    }

    #[test]
    fn a_process_that_waits_between_two_readings_loses_nothing_of_that_time() {
        /// Ten minutes pass between its reading and that of the host.
        struct Paused(SetClock);
        impl Clock for Paused {
            fn now(&self) -> Micros {
                let now = self.0.now();
                self.0.0.fetch_add(600 * SECOND, Ordering::Relaxed);
                self.0.1.fetch_add(600 * 1_000_000, Ordering::Relaxed);
                now
            }
            fn monotonic(&self) -> u64 {
                self.0.monotonic()
            }
        }
        let host = Arc::new(Paused(SetClock::default()));
        let steady = SteadyClock::new(host, Duration::from_secs(120));
        for look in 2..10 {
            assert_eq!(steady.now().0, look * 600 * SECOND);
            assert_eq!(steady.lock().doubt, None);
        }
    }

    #[test]
    fn what_the_host_shows_counts_beside_what_is_believed_within_the_bound_alone() {
        let world = World::new();
        world.leaps(-BOUND);
        let moment = world.steady.moment();
        assert_eq!((moment.believed.0, moment.host.0), (NOW, NOW - BOUND));
        for leap in [-1, 1 + BOUND + BOUND + 1] {
            world.leaps(leap);
            let moment = world.steady.moment();
            assert_eq!((moment.believed.0, moment.host.0), (NOW, NOW), "in doubt");
        }
    }
}
