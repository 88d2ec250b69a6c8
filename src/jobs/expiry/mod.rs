//! Removes what is past its end: record by record, or fields of one, each with an entry, and the keys of whoever has nothing left.
//! Never by a clock that leapt, and never in anybody's way: it rests nine times as long as it works.
//! A walk that a stop or a crash ends is begun anew; what it removed stays removed, and keys that wait are destroyed at the next start.
//!
//! A walk goes over the queue of ends up to today. When it is over, the keys that went with it are destroyed together, because that
//! goes through all wrapped keys: so a record is gone within the rest between two walks, and older copies of it within the walk.

use super::pace::STEP_TIME_MAX;
use super::stop::Stop;
use crate::access::Access;
use crate::ambient::{BelievedClock, Clock, Random};
use crate::limits::{EXPIRY_FIRST_PAUSE_MAX, EXPIRY_RETRY_PAUSE, EXPIRY_SHARE_PERCENT};
use crate::operations::{Expired, ExpiryWalk, OperationError, destroy_keys, expire_records};
use crate::purposes::PurposeSet;
use crate::records::SchemaSet;
use crate::seal::Seal;
use crate::store::Reader;
use crate::territory::Territory;
use crate::trail::{Trail, TrailError};
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What it works with.
pub struct ExpirySettings {
    /// Where the queue of ends lies.
    pub store: Reader,
    /// Opens decision attributes, and a section where a field of it goes.
    pub seal: Arc<Seal>,
    /// Says what may go.
    pub access: Arc<Access>,
    /// Where each removal is recorded.
    pub trail: Arc<Trail>,
    /// Which fields a record can have.
    pub schemas: Arc<SchemaSet>,
    /// Which purposes list them.
    pub purposes: Arc<PurposeSet>,
    /// In which grid a record lay.
    pub territory: Arc<ArcSwap<Territory>>,
    /// What day it is, as far as that is believed.
    pub today: BelievedClock,
    /// Paces it.
    pub clock: Arc<dyn Clock>,
    /// Ids of requests.
    pub random: Arc<dyn Random>,
    /// The rest between two walks.
    pub rest: Duration,
}

/// The job of a vault that is open. Ends when it is dropped.
pub struct Expiry {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiryState {
    /// Walks of this process that came to their end.
    pub walks: u64,
    /// Records that this process removed.
    pub removed: u64,
    /// Records past their end that a law or a restriction keeps, as the last walk found them.
    pub held: u64,
    /// Records past their end that could not be removed by it.
    pub left: u64,
    /// When it ended, in seconds since 1970; zero before the first.
    pub ended_seconds: u64,
    /// Whether the last try came to no end. It is made again.
    pub failing: bool,
}

#[derive(Default)]
struct Shared {
    stop: Stop,
    state: Mutex<ExpiryState>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, ExpiryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says so once, unless it is put off because the clock is in doubt: that is told by itself.
    fn came_to_no_end(&self, error: &OperationError) {
        if matches!(error, OperationError::Trail(TrailError::ClockInDoubt)) {
            return;
        }
        if !std::mem::replace(&mut self.state().failing, true) {
            tracing::error!(%error, "what is past its end cannot be removed");
        }
    }
}

impl Expiry {
    /// Starts the thread that walks.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(settings: ExpirySettings) -> std::io::Result<Expiry> {
        let shared = Arc::new(Shared::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let job = Job { settings, shared: shared.clone() };
        let thread = std::thread::Builder::new().name("expiry".into());
        let thread = thread.spawn(move || runtime.block_on(job.run()))?;
        Ok(Expiry { shared, thread: Some(thread) })
    }

    /// Something that tells how it goes, for as long as anybody asks.
    pub fn watch(&self) -> impl Fn() -> ExpiryState + Send + Sync + use<> {
        let shared = self.shared.clone();
        move || *shared.state()
    }
}

impl Drop for Expiry {
    fn drop(&mut self) {
        self.shared.stop.ask();
        if let Some(thread) = self.thread.take() {
            let _it_said_why = thread.join();
        }
    }
}

struct Job {
    settings: ExpirySettings,
    shared: Arc<Shared>,
}

impl Job {
    async fn run(self) {
        // A start has other things to do.
        self.shared.stop.rest(self.settings.rest.min(EXPIRY_FIRST_PAUSE_MAX)).await;
        while let Some(walked) = self.shared.stop.unless_asked(self.walk()).await {
            let rest = match walked {
                Ok(found) => {
                    self.walked(found);
                    self.settings.rest
                }
                Err(error) => {
                    self.shared.came_to_no_end(&error);
                    EXPIRY_RETRY_PAUSE.min(self.settings.rest)
                }
            };
            self.shared.stop.rest(rest).await;
        }
    }

    async fn walk(&self) -> Result<Expired, OperationError> {
        let ExpirySettings {
            store, seal, access, trail, schemas, purposes, territory, random, ..
        } = &self.settings;
        let (mut walk, mut all) = (ExpiryWalk::at(self.settings.today.now()), Expired::default());
        while !walk.is_over() {
            if self.settings.today.is_in_doubt() {
                // The trail would refuse each removal. What waits for its keys to go waits for no clock.
                destroy_keys(store, seal, trail).await?;
                return Err(TrailError::ClockInDoubt.into());
            }
            let begun = self.settings.clock.monotonic();
            let tree = territory.load_full();
            let part = expire_records(
                &mut walk, store, seal, access, trail, schemas, purposes, &tree, &**random,
            )
            .await?;
            self.shared.state().removed += part.removed;
            all = all.and(part);
            let worked = self.settings.clock.monotonic().saturating_sub(begun).min(STEP_TIME_MAX);
            let rest = worked * (100 - EXPIRY_SHARE_PERCENT) / EXPIRY_SHARE_PERCENT;
            tokio::time::sleep(Duration::from_micros(rest)).await;
        }
        // Those that an earlier walk left, or an erasure that could not write the ring, too.
        destroy_keys(store, seal, trail).await?;
        Ok(all)
    }

    fn walked(&self, found: Expired) {
        let Expired { removed, reduced, left, .. } = found;
        if removed > 0 || reduced > 0 || left > 0 {
            tracing::info!(removed, reduced, left, "records past their end");
        }
        let ended = self.settings.clock.now().seconds();
        let mut state = self.shared.state();
        state.walks += 1;
        (state.held, state.left, state.failing) = (found.held, found.left, false);
        state.ended_seconds = u64::try_from(ended).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_that_waits_for_the_clock_is_no_failing_one_and_hides_none() {
        let shared = Shared::default();
        shared.came_to_no_end(&TrailError::ClockInDoubt.into());
        assert!(!shared.state().failing, "the clock has its own entry and alarm");
        shared.came_to_no_end(&TrailError::Overloaded.into());
        assert!(shared.state().failing);
        shared.came_to_no_end(&TrailError::ClockInDoubt.into());
        assert!(shared.state().failing, "until a walk came to its end");
    }
}
