//! How long the oldest entry that no quorum has cosigned has waited, and what the operator is told of it.
//! Never asks anybody and never reads the log: the asking thread says what waits, and requests read its age.
//! A wall clock that is set back makes nothing younger.

use crate::ambient::Clock;
use crate::limits::WITNESS_ALERT_AGE;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// How long the oldest entry that no quorum has cosigned has waited.
pub(super) struct Lag {
    /// Its time, in microseconds since 1970; `i64::MAX` where every entry is witnessed.
    oldest_micros: AtomicI64,
    /// When it was first seen to wait, by the monotonic clock: a wall clock that is set back makes nothing younger.
    waits_since: AtomicU64,
    /// Entries before it; `u64::MAX` where every entry is witnessed. The asking thread alone reads it.
    witnessed: AtomicU64,
    age_max: Duration,
}

impl Lag {
    pub(super) fn none(age_max: Duration) -> Lag {
        Lag {
            oldest_micros: AtomicI64::new(i64::MAX),
            waits_since: AtomicU64::new(0),
            witnessed: AtomicU64::new(u64::MAX),
            age_max,
        }
    }

    /// The oldest entry, behind so many that are witnessed, is of this time.
    pub(super) fn waits(&self, witnessed: u64, oldest_micros: i64, clock: &dyn Clock) {
        let before = self.witnessed.load(Ordering::Relaxed);
        // It is another one only where more is witnessed than before: what cannot be read for a moment makes nothing younger.
        if before == u64::MAX || witnessed > before {
            self.witnessed.store(witnessed, Ordering::Relaxed);
            // Before its time, so that nobody who sees that one takes the moment of an entry before it.
            self.waits_since.store(clock.monotonic(), Ordering::Release);
        }
        self.oldest_micros.store(oldest_micros, Ordering::Release);
    }

    /// Every entry is witnessed.
    pub(super) fn ends(&self) {
        self.oldest_micros.store(i64::MAX, Ordering::Release);
        self.witnessed.store(u64::MAX, Ordering::Relaxed);
    }

    /// How long, by this clock; `None` where every entry is witnessed. By the wall clock, which knows of what waited before the start,
    /// or by the monotonic one, which nobody sets: the longer.
    pub(super) fn age(&self, clock: &dyn Clock) -> Option<Duration> {
        let oldest = self.oldest_micros.load(Ordering::Acquire);
        let by_time = (oldest != i64::MAX).then(|| clock.now().0.saturating_sub(oldest))?;
        let seen = clock.monotonic().saturating_sub(self.waits_since.load(Ordering::Acquire));
        Some(Duration::from_micros(u64::try_from(by_time).unwrap_or(0).max(seen)))
    }

    /// Whether it is longer than data may be served.
    pub(super) fn is_overdue(&self, clock: &dyn Clock) -> bool {
        self.age(clock).is_some_and(|age| age > self.age_max)
    }
}

/// Whether the operator was told that the oldest entry waits too long.
#[derive(Default)]
pub(super) struct Alert {
    told: bool,
}

/// What the operator is told, once each time.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The oldest entry has waited so long.
    Late(Duration),
    /// None waits too long any more.
    Over,
}

impl Alert {
    /// What is to be told of the age of the oldest entry that is not witnessed.
    pub(super) fn look(&mut self, age: Option<Duration>) -> Option<Told> {
        let late = age.filter(|age| *age >= WITNESS_ALERT_AGE);
        let changed = std::mem::replace(&mut self.told, late.is_some()) != late.is_some();
        changed.then(|| late.map_or(Told::Over, Told::Late))
    }
}
