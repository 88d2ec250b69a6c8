//! What a vault takes from outside itself: time and chance.
//! Never decides anything; rooms receive these as parameters so that tests can hold them still.
//! A clock never runs backwards on its monotonic side, and randomness never repeats.

mod steady;

use jiff::civil::Date;
use ring::rand::SecureRandom as _;
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use steady::{ClockDoubt, SteadyClock};

const HOUR_MICROS: i64 = 3_600 * 1_000_000;
const DAY_MICROS: i64 = 24 * HOUR_MICROS;
/// The country has one time, China Standard Time: eight hours ahead of UTC the whole year round. What the law and people call a
/// day is a day of it. Moments, those of the log above all, are told in UTC.
const LOCAL_OFFSET_MICROS: i64 = 8 * HOUR_MICROS;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(pub i64);

impl Micros {
    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Whole days of UTC since the epoch, rounded down: for what only has to agree with itself, like the age of a remembered answer.
    /// A day that people know by its date is [`Micros::local_days`].
    pub fn utc_days(self) -> i32 {
        i32::try_from(self.0.div_euclid(DAY_MICROS)).unwrap_or(i32::MAX)
    }

    /// The day that it is in the country, in days since 1970-01-01.
    pub fn local_days(self) -> i32 {
        Micros(self.0.saturating_add(LOCAL_OFFSET_MICROS)).utc_days()
    }

    /// The date that it is in the country.
    pub fn local_date(self) -> Date {
        date_of(self.local_days())
    }

    /// The hour that it is in the country, 0 to 23.
    pub fn local_hour(self) -> u8 {
        let of_day = self.0.saturating_add(LOCAL_OFFSET_MICROS).rem_euclid(DAY_MICROS);
        u8::try_from(of_day / HOUR_MICROS).unwrap_or(0)
    }

    /// The second that it is in the country, `2026-01-01 08:00:00`.
    pub fn local_text(self) -> String {
        let text = Micros(self.0.saturating_add(LOCAL_OFFSET_MICROS)).rfc3339();
        text.get(..19).unwrap_or_default().replace('T', " ")
    }

    /// When a day of the country begins; the next one begins where it ends.
    pub fn of_local_day(day: i32) -> Micros {
        Micros(i64::from(day).saturating_mul(DAY_MICROS).saturating_sub(LOCAL_OFFSET_MICROS))
    }

    /// Milliseconds since the epoch; zero before it.
    pub fn unix_millis(self) -> u64 {
        u64::try_from(self.0.div_euclid(1_000)).unwrap_or(0)
    }

    /// Year and month (1 to 12) in UTC.
    pub fn year_month(self) -> (i32, u8) {
        let date = date_of(self.utc_days());
        (i32::from(date.year()), date.month().unsigned_abs())
    }

    /// The same time of the day so many calendar months earlier (UTC); the last day where that month is shorter.
    pub fn months_before(self, months: u32) -> Micros {
        let at = jiff::Timestamp::from_microsecond(self.0).ok();
        let earlier = at.and_then(|at| {
            let span = jiff::Span::new().try_months(months).ok()?;
            at.to_zoned(jiff::tz::TimeZone::UTC).checked_sub(span).ok()
        });
        // A time that no calendar has is before everything.
        Micros(earlier.map_or(i64::MIN, |earlier| earlier.timestamp().as_microsecond()))
    }

    /// RFC 3339 in UTC with microseconds.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_microsecond(self.0).map(|at| format!("{at:.6}")).unwrap_or_default()
    }
}

/// One moment as a vault knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What everything goes by. It never goes back.
    pub believed: Micros,
    /// What the host's clock shows, where it is in no doubt: others whose clocks are right are by it while what is believed waits
    /// for it. The same as what is believed where it is in doubt.
    pub host: Micros,
}

impl Moment {
    /// Where nothing but this is known.
    pub fn of(at: Micros) -> Moment {
        Moment { believed: at, host: at }
    }
}

/// The date of a day that is counted since 1970-01-01; the last one of the calendar where it has no such day.
pub fn date_of(days: i32) -> Date {
    let span = jiff::Span::new().try_days(days).ok();
    span.and_then(|span| Date::constant(1970, 1, 1).checked_add(span).ok()).unwrap_or(Date::MAX)
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// Wall-clock time in UTC. That of the host may jump when an operator sets the clock; a [`SteadyClock`] does not.
    fn now(&self) -> Micros;
    /// Microseconds since this clock was made. Never goes back, whatever anybody sets.
    fn monotonic(&self) -> u64;
    /// What time it is, with what the host's clock shows beside.
    fn moment(&self) -> Moment {
        Moment::of(self.now())
    }
    /// Why the time is in doubt, where it is; then [`Clock::now`] is what is believed. Whoever holds no clock against another has none.
    fn doubt(&self) -> Option<ClockDoubt> {
        None
    }
    /// Whoever tells of doubts has told of this one: it is over, if its cause is.
    fn settle(&self) {}
}

/// Where unpredictable bytes come from.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// When the operating system gives none; nothing that needed them may then happen.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

impl dyn Random + '_ {
    /// Sixteen random bytes.
    ///
    /// # Errors
    /// As [`Random::fill`].
    pub fn bytes16(&self) -> Result<[u8; 16], NoRandomness> {
        let mut bytes = [0; 16];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Ten random bytes, as a version 7 UUID needs beside its time.
    ///
    /// # Errors
    /// As [`Random::fill`].
    pub fn bytes10(&self) -> Result<[u8; 10], NoRandomness> {
        let mut bytes = [0; 10];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}

/// The clock of the host.
pub struct HostClock {
    /// What [`since_boot`] was.
    started: Duration,
}

/// How long the system runs, with the time in which it slept: an `Instant` leaves that out, and what is over by then would last.
fn since_boot() -> Duration {
    let at = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(at.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(at.tv_nsec).unwrap_or(0))
}

impl HostClock {
    /// Starts the monotonic side at zero.
    pub fn new() -> HostClock {
        HostClock { started: since_boot() }
    }
}

impl Default for HostClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for HostClock {
    fn now(&self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(since_boot().saturating_sub(self.started).as_micros()).unwrap_or(u64::MAX)
    }
}

/// A clock that is believed as far as another moment bears it out: for what is removed for good, and for nothing else. It may be
/// behind the other, never further ahead of that moment than a leap and the time that passed since.
pub struct BelievedClock {
    clock: Arc<dyn Clock>,
    ceiling: Option<(Micros, u64)>,
    leap: Duration,
}

impl BelievedClock {
    /// With a moment that was before now, where one is known.
    pub fn new(clock: Arc<dyn Clock>, before: Option<Micros>, leap: Duration) -> BelievedClock {
        let ceiling = before.map(|moment| (moment, clock.monotonic()));
        BelievedClock { clock, ceiling, leap }
    }

    /// Whether nothing may be removed by it now, because the clock itself is in doubt.
    pub fn is_in_doubt(&self) -> bool {
        self.clock.doubt().is_some()
    }

    /// The time, as far as it is believed.
    pub fn now(&self) -> Micros {
        let now = self.clock.now();
        let Some((moment, since)) = self.ceiling else { return now };
        let elapsed = self.clock.monotonic().saturating_sub(since);
        let leap = u64::try_from(self.leap.as_micros()).unwrap_or(u64::MAX);
        let ahead = i64::try_from(elapsed.saturating_add(leap)).unwrap_or(i64::MAX);
        now.min(Micros(moment.0.saturating_add(ahead)))
    }
}

/// Randomness of the host, through ring.
pub struct HostRandom(ring::rand::SystemRandom);

impl HostRandom {
    /// A handle on the host's generator.
    pub fn new() -> HostRandom {
        HostRandom(ring::rand::SystemRandom::new())
    }
}

impl Default for HostRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl Random for HostRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.0.fill(bytes).map_err(|_| NoRandomness)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    /// Wall clock and monotonic side, each set by the test.
    #[derive(Default)]
    pub(super) struct SetClock(pub(super) AtomicI64, pub(super) AtomicU64);

    impl Clock for SetClock {
        fn now(&self) -> Micros {
            Micros(self.0.load(Ordering::Relaxed))
        }

        fn monotonic(&self) -> u64 {
            self.1.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn the_hosts_monotonic_side_counts_what_passed_since_it_was_made_and_never_goes_back() {
        let before = since_boot();
        let clock = HostClock::new();
        let at_most = || u64::try_from((since_boot() - before).as_micros()).expect("microseconds");
        let mut last = 0;
        while last < 2_000 {
            let now = clock.monotonic();
            assert!((last..=at_most()).contains(&now), "{now} after {last}");
            last = now;
        }
    }

    /// 2026-01-01T16:00:00Z, when the second of January begins in the country.
    const MIDNIGHT: Micros = Micros(1_767_283_200_000_000);

    #[test]
    fn a_day_of_the_country_begins_at_sixteen_hours_utc_and_not_a_second_earlier() {
        let second_before = Micros(MIDNIGHT.0 - 1_000_000);
        let dates = [second_before, MIDNIGHT].map(|at| at.local_date().to_string());
        assert_eq!(dates, ["2026-01-01", "2026-01-02"]);
        assert_eq!(MIDNIGHT.local_days(), second_before.local_days() + 1);
        assert_eq!(MIDNIGHT.utc_days(), second_before.utc_days());
        assert_eq!((second_before.local_hour(), MIDNIGHT.local_hour()), (23, 0));
        assert_eq!(second_before.local_text(), "2026-01-01 23:59:59");
        assert_eq!(Micros::of_local_day(MIDNIGHT.local_days()), MIDNIGHT);
        // Half past seven in the morning is still yesterday in UTC.
        let morning = Micros(MIDNIGHT.0 + 15 * HOUR_MICROS / 2);
        assert_eq!(
            (morning.local_date().to_string(), morning.local_hour()),
            ("2026-01-02".into(), 7)
        );
    }

    #[test]
    fn days_have_dates_and_months_are_those_of_utc() {
        assert_eq!(date_of(20_454).to_string(), "2026-01-01");
        assert_eq!(date_of(-1).to_string(), "1969-12-31");
        assert_eq!((date_of(i32::MAX), Micros(i64::MAX).local_date()), (Date::MAX, Date::MAX));
        let new_year = Micros(1_767_225_600_000_000);
        assert_eq!(new_year.year_month(), (2026, 1));
        assert_eq!(Micros(new_year.0 - 1).year_month(), (2025, 12));
        assert_eq!(Micros(new_year.0 - 1).local_date().to_string(), "2026-01-01");
    }

    #[test]
    fn a_clock_is_believed_to_a_leap_ahead_of_what_was_known_and_no_further() {
        let clock = Arc::new(SetClock::default());
        clock.1.store(70, Ordering::Relaxed);
        let leap = Duration::from_micros(100);
        let believed = BelievedClock::new(clock.clone(), Some(Micros(1_000)), leap);
        let reads = |now, monotonic| {
            clock.0.store(now, Ordering::Relaxed);
            clock.1.store(monotonic, Ordering::Relaxed);
            believed.now().0
        };
        assert_eq!((reads(900, 70), reads(1_100, 70), reads(1_101, 70)), (900, 1_100, 1_100));
        // What passed since is passed.
        assert_eq!((reads(1_150, 120), reads(i64::MAX, 120)), (1_150, 1_150));
        // Whatever is said of the monotonic side, nothing overflows.
        assert_eq!((reads(i64::MAX, u64::MAX), reads(i64::MAX, 0)), (i64::MAX, 1_100));
    }

    #[test]
    fn a_clock_that_nothing_is_known_beside_is_believed() {
        let clock = Arc::new(SetClock::default());
        clock.0.store(5, Ordering::Relaxed);
        assert_eq!(BelievedClock::new(clock, None, Duration::ZERO).now(), Micros(5));
    }
}
