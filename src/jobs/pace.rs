//! How fast a job works: never faster than its share of one processor, and never longer than a moment once it is told to stop.
//! Time spent waiting for the disk counts as work, so a slow disk is not pressed harder.
//! Time is given.

use crate::ambient::Clock;
use crate::limits::JOB_STOP_TIME;
use std::time::Duration;

/// Longest time in microseconds that one step is taken to have worked: a host that slept meanwhile is no work to rest from.
pub(super) const STEP_TIME_MAX: u64 = 60_000_000;

/// The vault stops.
#[derive(Debug)]
pub(super) struct Stopped;

/// The pace of one job.
pub(super) struct Pace<'a> {
    pub(super) clock: &'a dyn Clock,
    /// Its share of one processor, in percent.
    pub(super) percent: u64,
    pub(super) stops: &'a (dyn Fn() -> bool + Sync),
}

impl Pace<'_> {
    /// Rests as long as the share asks for a step that began then.
    pub(super) async fn rest_after(&self, started: u64) -> Result<(), Stopped> {
        let worked = self.clock.monotonic().saturating_sub(started).min(STEP_TIME_MAX);
        self.pause(Duration::from_micros(rest_of(worked, self.percent))).await
    }

    pub(super) async fn pause(&self, time: Duration) -> Result<(), Stopped> {
        let mut left = time;
        loop {
            if (self.stops)() {
                return Err(Stopped);
            }
            if left.is_zero() {
                return Ok(());
            }
            // Whoever seals the vault does not wait for a long rest.
            let step = left.min(JOB_STOP_TIME);
            tokio::time::sleep(step).await;
            left -= step;
        }
    }
}

fn rest_of(worked: u64, percent: u64) -> u64 {
    worked.saturating_mul(100 - percent.min(100)) / percent.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_a_tenth_rests_nine_times_as_long_and_whoever_has_all_of_it_rests_never() {
        assert_eq!(rest_of(1_000, 10), 9_000);
        assert_eq!(rest_of(1_000, 20), 4_000);
        assert_eq!(rest_of(1_000, 50), 1_000);
        assert_eq!(rest_of(1_000, 100), 0);
    }
}
