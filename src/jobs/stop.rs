//! How a job learns that the vault stops.
//! Never waits for a rest or a step to end: whoever seals the vault does not wait for one.
//! A step that is let go of in its middle is one that a crash may end as well.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// The word to stop. One job waits for it.
#[derive(Default)]
pub(super) struct Stop {
    asked: AtomicBool,
    told: Notify,
}

impl Stop {
    /// Tells the job.
    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        self.told.notify_one();
    }

    /// Whether it was told.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Rests, unless it is told to stop.
    pub(super) async fn rest(&self, time: Duration) {
        let _either = self.unless_asked(tokio::time::sleep(time)).await;
    }

    /// Works, unless it is told to stop; then the work is let go of where it waits.
    pub(super) async fn unless_asked<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let told = self.told.notified();
        if self.is_asked() {
            return None;
        }
        tokio::select! {
            () = told => None,
            done = work => Some(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(work)
    }

    #[test]
    fn work_that_nobody_stops_is_done_and_what_is_told_before_or_meanwhile_stops_it() {
        let stop = Stop::default();
        assert_eq!(wait(stop.unless_asked(async { 7 })), Some(7));
        let stopped = wait(async {
            let told = async { stop.ask() };
            tokio::join!(stop.unless_asked(std::future::pending::<()>()), told).0
        });
        assert_eq!((stopped, stop.is_asked()), (None, true));
        // Once told is told for ever.
        assert_eq!(wait(stop.unless_asked(async { 7 })), None);
        wait(stop.rest(Duration::MAX));
    }
}
