//! A thread that follows the published log as long as somebody needs what it makes of it: the search index, the anomalies.
//! Never ends in silence: a step that fails is tried again and shows as failing until one does not, and one that panics shows so
//! until the next start.
//! What it makes is derived, so nothing is lost with it, and no request waits for it.

use crate::limits::FOLLOWER_RETRY_PAUSE;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What is done again and again.
pub(super) trait Follower: Send + 'static {
    /// What it makes, as the operator reads it.
    const WHAT: &'static str;
    /// Between two looks at the log.
    const PAUSE: Duration;
    /// Why a step failed.
    type Error: Error;

    /// Takes in what was published since the last step.
    fn step(&mut self) -> Result<(), Self::Error>;
}

/// What the thread and its owner tell each other.
#[derive(Default)]
pub(super) struct Signals {
    stop: AtomicBool,
    again: AtomicBool,
    failing: AtomicBool,
}

impl Signals {
    /// Whether the thread is to end.
    pub(super) fn stops(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Says that the thread is to end.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Whether the last step failed, or the thread is no more.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Whether everything is to be made again.
    pub(super) fn begins_again(&self) -> bool {
        self.again.load(Ordering::Acquire)
    }

    /// Says that everything is to be made again.
    pub(super) fn begin_again(&self) {
        self.again.store(true, Ordering::Release);
    }

    /// Whether everything is to be made again; asked by whoever does it.
    pub(super) fn take_again(&self) -> bool {
        self.again.swap(false, Ordering::AcqRel)
    }
}

/// Ends the thread when nobody needs it any more.
pub(super) struct Thread {
    signals: Arc<Signals>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Thread {
    /// Starts it.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(super) fn start<F: Follower>(
        name: &str,
        signals: Arc<Signals>,
        follower: F,
    ) -> std::io::Result<Thread> {
        let told = signals.clone();
        let thread = std::thread::Builder::new().name(name.into());
        let handle = thread.spawn(move || follow(follower, &told))?;
        Ok(Thread { signals, handle: Mutex::new(Some(handle)) })
    }

    /// Has everything made again, at once.
    pub(super) fn begin_again(&self) {
        self.signals.begin_again();
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = &*handle {
            handle.thread().unpark();
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.signals.stop();
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle {
            handle.thread().unpark();
            let _it_said_why = handle.join();
        }
    }
}

/// Steps until it is told to end.
pub(super) fn follow<F: Follower>(mut follower: F, signals: &Signals) {
    while !signals.stops() {
        // INVARIANT: whoever panicked is never stepped again, and what it shared is derived.
        let step = catch_unwind(AssertUnwindSafe(|| follower.step()));
        let failing = !matches!(step, Ok(Ok(())));
        let turned = signals.failing.swap(failing, Ordering::AcqRel) != failing;
        match step {
            Ok(Ok(())) if turned => tracing::info!("{} goes on", F::WHAT),
            Ok(Err(error)) if turned => tracing::error!(%error, "{} stands still", F::WHAT),
            Ok(_) => {}
            Err(_it_was_printed) => {
                tracing::error!("a defect ended {}: it stands still until the next start", F::WHAT);
                return;
            }
        }
        std::thread::park_timeout(if failing { FOLLOWER_RETRY_PAUSE } else { F::PAUSE });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oversight::world::until;
    use std::sync::atomic::AtomicU32;

    /// Steps as it is told: 0 well, 1 badly, 2 not at all any more.
    struct Told(Arc<AtomicU32>, Arc<AtomicU32>);

    impl Follower for Told {
        const WHAT: &'static str = "what is told";
        const PAUSE: Duration = Duration::from_millis(1);
        type Error = std::io::Error;

        fn step(&mut self) -> std::io::Result<()> {
            self.1.fetch_add(1, Ordering::AcqRel);
            match self.0.load(Ordering::Acquire) {
                0 => Ok(()),
                1 => Err(std::io::ErrorKind::NotFound.into()),
                _ => panic!("a defect, as it was told"),
            }
        }
    }

    #[test]
    fn a_step_that_fails_shows_until_one_does_not_and_a_defect_shows_for_good() {
        let (word, steps) = (Arc::new(AtomicU32::new(1)), Arc::new(AtomicU32::new(0)));
        let signals = Arc::new(Signals::default());
        let told = Told(word.clone(), steps.clone());
        let thread = Thread::start("told", signals.clone(), told).expect("a thread");
        until(|| signals.is_failing());
        word.store(0, Ordering::Release);
        thread.begin_again();
        until(|| !signals.is_failing());
        assert!(signals.take_again() && !signals.take_again());
        word.store(2, Ordering::Release);
        until(|| signals.is_failing());
        let taken = steps.load(Ordering::Acquire);
        word.store(0, Ordering::Release);
        thread.begin_again();
        drop(thread);
        assert!(signals.is_failing(), "it is no more, and says so");
        assert_eq!(steps.load(Ordering::Acquire), taken);
    }
}
