//! Takes the steps of a rotation of keys, one after the other, on a thread of its own.
//! Never decides that one begins, pauses or goes on: that stands in the store, by the word of people.
//! A vault that begins to serve looks once, so what a crash interrupted goes on by itself; after that the store's own changes wake it.

use super::pace::Pace;
use crate::ambient::Clock;
use crate::identity::Identity;
use crate::limits::{ROTATION_LOOK_PAUSE, ROTATION_RETRY_PAUSE};
use crate::operations::{OperationError, Turned, Turning};
use crate::seal::{RotationState, Seal};
use crate::store::{Op, Reader};
use crate::trail::{Applied, Space, Trail};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::Notify;

/// What a rotation works with.
pub struct RotationSettings {
    /// Where wrapped keys lie, and the row of the rotation.
    pub store: Reader,
    /// Wraps keys anew, and writes the ring.
    pub seal: Arc<Seal>,
    /// Signs with the keys of tokens, and verifies.
    pub identity: Arc<Identity>,
    /// Where steps are recorded.
    pub trail: Arc<Trail>,
    /// Paces it.
    pub clock: Arc<dyn Clock>,
    /// Its share of one processor, in percent.
    pub percent: u64,
    /// Follows the store.
    pub waker: RotationWaker,
}

/// Wakes the rotation when its row changes. One of those that the trail tells of what it applies.
#[derive(Clone, Default)]
pub struct RotationWaker(Arc<Notify>);

impl Applied for RotationWaker {
    fn applied(&self, ops: &[Op]) {
        if ops.iter().any(|op| op.key().is_rotation()) {
            self.0.notify_one();
        }
    }
}

/// The rotation of a vault that is open. Ends when it is dropped.
pub struct Rotation {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RotationProgress {
    /// Whether keys are being replaced.
    pub running: bool,
    /// Whether it stands still on somebody's word.
    pub paused: bool,
    /// Keys that were replaced.
    pub done: u16,
    /// Keys that it replaces; zero before the first rotation.
    pub keys: u16,
    /// Whether the last step failed. It is taken again.
    pub failing: bool,
}

struct Shared {
    /// Whether the vault serves: one that is opened for something else takes no step.
    serves: AtomicBool,
    stop: AtomicBool,
    waker: RotationWaker,
    progress: Mutex<RotationProgress>,
}

impl Shared {
    fn stops(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn tell(&self, change: impl FnOnce(&mut RotationProgress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Rotation {
    /// Starts the thread that takes the steps, once [`Rotation::go_on`] says that the vault serves.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(settings: RotationSettings) -> std::io::Result<Rotation> {
        let shared = Arc::new(Shared {
            serves: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            waker: settings.waker.clone(),
            progress: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let job = Job { settings, shared: shared.clone(), turning: Turning::default() };
        let thread = std::thread::Builder::new().name("rotation".into());
        let thread = thread.spawn(move || runtime.block_on(job.run()))?;
        Ok(Rotation { shared, thread: Some(thread) })
    }

    /// Begins to take steps.
    pub fn go_on(&self) {
        self.shared.serves.store(true, Ordering::Release);
        self.shared.waker.0.notify_one();
    }

    /// Something that tells how it goes, for as long as anybody asks.
    pub fn watch(&self) -> impl Fn() -> RotationProgress + Send + Sync + use<> {
        let shared = self.shared.clone();
        move || *shared.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Rotation {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.waker.0.notify_one();
        if let Some(thread) = self.thread.take() {
            let _it_said_why = thread.join();
        }
    }
}

struct Job {
    settings: RotationSettings,
    shared: Arc<Shared>,
    turning: Turning,
}

impl Job {
    async fn run(mut self) {
        let shared = self.shared.clone();
        let stops = || shared.stops();
        let (clock, percent) = (self.settings.clock.clone(), self.settings.percent);
        let pace = Pace { clock: &*clock, percent, stops: &stops };
        while !stops() {
            if !shared.serves.load(Ordering::Acquire) {
                shared.waker.0.notified().await;
                continue;
            }
            let started = clock.monotonic();
            let rested = match self.step().await {
                // What it writes is the first that a disk that fills up is spared.
                Ok(_) if self.settings.trail.space() != Space::Ample => {
                    pace.pause(ROTATION_RETRY_PAUSE).await
                }
                Ok(Turned { worked: true, .. }) => pace.rest_after(started).await,
                Ok(Turned { waits, .. }) => {
                    let woken = shared.waker.0.notified();
                    // A clock may be put forward, and a host may sleep, so it looks instead of counting.
                    match waits {
                        true => drop(tokio::time::timeout(ROTATION_LOOK_PAUSE, woken).await),
                        false => woken.await,
                    }
                    Ok(())
                }
                Err(error) => {
                    self.failed(&error);
                    pace.pause(ROTATION_RETRY_PAUSE).await
                }
            };
            if rested.is_err() {
                return;
            }
        }
    }

    async fn step(&mut self) -> Result<Turned, OperationError> {
        let RotationSettings { store, seal, identity, trail, clock, .. } = &self.settings;
        let turned = self.turning.step(clock.now(), store, seal, identity, trail).await?;
        self.shared.tell(|progress| {
            progress.failing = false;
            use RotationState::{Cancelling, Held, Paused, Running};
            let Some(record) = &turned.record else { return };
            progress.running = matches!(record.state, Running | Cancelling);
            progress.paused = matches!(record.state, Paused | Held);
            (progress.done, progress.keys) = (record.done, record.kind.keys_count());
        });
        Ok(turned)
    }

    fn failed(&self, error: &OperationError) {
        let mut before = false;
        self.shared.tell(|progress| before = std::mem::replace(&mut progress.failing, true));
        if !before {
            tracing::error!(%error, "the rotation of keys cannot go on");
        }
    }
}
