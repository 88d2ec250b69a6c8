//! The scrub: holds every stored record against the log, again and again, and says what differs.
//! Never changes a record and never hides one: what it finds is told to officers and operators, who decide what follows.
//! It finds what no read can see: a row that was put back to an older state, one that is gone, one that no entry made.
//!
//! A round is one pass over all rows and over the log as far as it is kept, in parts that fit into memory. It judges records
//! as they were when it began: whoever is changed meanwhile is judged by the next round. A row is as it should be when the
//! last entry that changed its record is the one that the row names, with the same version and the same digest (AUDIT-LOG
//! section 5: store against log). So a difference is found within the rest between two rounds and the time that one takes.

mod part;
mod round;

use super::stop::Stop;
use crate::ambient::Clock;
use crate::limits::{SCRUB_FIRST_PAUSE_MAX, SCRUB_RETRY_PAUSE};
use crate::seal::Seal;
use crate::store::Reader;
use crate::trail::{Announcement, Trail};
use gridvault_audit::LogReader;
use part::Verdict;
use round::{Round, RoundError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a scrub works with.
pub struct ScrubSettings {
    /// What is looked at.
    pub store: Reader,
    /// Opens decision attributes, where a record's handle lies; no section.
    pub seal: Arc<Seal>,
    /// What it is held against.
    pub log: LogReader,
    /// Where rounds are recorded.
    pub trail: Arc<Trail>,
    /// Paces it.
    pub clock: Arc<dyn Clock>,
    /// The rest between two rounds.
    pub rest: Duration,
}

/// The scrub of a vault that is open. Ends when it is dropped.
pub struct Scrub {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScrubState {
    /// Rounds of this process that came to their end.
    pub rounds: u64,
    /// Differences that the last of them found.
    pub faults: u64,
    /// When it ended, in seconds since 1970; zero before the first.
    pub ended_seconds: u64,
    /// Whether the last try came to no end. It is made again.
    pub failing: bool,
}

#[derive(Default)]
struct Shared {
    stop: Stop,
    rounds: AtomicU64,
    state: Mutex<ScrubState>,
}

impl Scrub {
    /// Starts the thread that goes over the store.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(settings: ScrubSettings) -> std::io::Result<Scrub> {
        let shared = Arc::new(Shared::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let job = Job { settings, shared: shared.clone(), parts: 1 };
        let thread = std::thread::Builder::new().name("scrub".into());
        let thread = thread.spawn(move || runtime.block_on(job.run()))?;
        Ok(Scrub { shared, thread: Some(thread) })
    }

    /// Something that tells how it goes, for as long as anybody asks.
    pub fn watch(&self) -> impl Fn() -> ScrubState + Send + Sync + use<> {
        let shared = self.shared.clone();
        move || *shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Scrub {
    fn drop(&mut self) {
        self.shared.stop.ask();
        if let Some(thread) = self.thread.take() {
            let _it_said_why = thread.join();
        }
    }
}

struct Job {
    settings: ScrubSettings,
    shared: Arc<Shared>,
    /// In so many parts the last round fitted into memory.
    parts: u64,
}

impl Job {
    async fn run(mut self) {
        // A start has other things to do.
        self.shared.stop.rest(self.settings.rest.min(SCRUB_FIRST_PAUSE_MAX)).await;
        while !self.shared.stop.is_asked() {
            let rest = match self.round().await {
                Ok(()) => self.settings.rest,
                Err(RoundError::Stopped) => return,
                Err(error) => {
                    self.failed(&error);
                    SCRUB_RETRY_PAUSE.min(self.settings.rest)
                }
            };
            self.shared.stop.rest(rest).await;
        }
    }

    async fn round(&mut self) -> Result<(), RoundError> {
        let ScrubSettings { store, seal, log, clock, .. } = &self.settings;
        let stops = || self.shared.stop.is_asked();
        let round = Round { store, seal, log, clock: &**clock, stops: &stops };
        let (verdict, begun, parts) = round.run(self.parts).await?;
        self.parts = parts;
        let Verdict { counts: found, handles: records } = verdict;
        let faults = found.faults();
        if faults > 0 {
            tracing::error!(?found, "the store is not what the log says");
        }
        let announcement = Announcement::Scrubbed { begun, found, records };
        self.settings.trail.announce(announcement).await?;
        let ended = self.settings.clock.now().seconds();
        *self.shared.state.lock().unwrap_or_else(PoisonError::into_inner) = ScrubState {
            rounds: self.shared.rounds.fetch_add(1, Ordering::Relaxed) + 1,
            faults,
            ended_seconds: u64::try_from(ended).unwrap_or(0),
            failing: false,
        };
        Ok(())
    }

    fn failed(&self, error: &RoundError) {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut state.failing, true) {
            tracing::error!(%error, "the store cannot be held against the log");
        }
    }
}

#[cfg(test)]
mod tests;
