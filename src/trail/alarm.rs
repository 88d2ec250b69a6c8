//! What the first fault does, in whichever thread it happens: everybody is told, and nothing more is taken.
//! Never lets a later fault hide the first.
//! Once it is raised, no call is acknowledged but those of the group that is being released.

use super::TrailFault;
use super::committer::Queue;
use super::integrate::Handoff;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::watch;

/// The means to stop the trail.
#[derive(Clone)]
pub(super) struct Alarm {
    pub(super) queue: Arc<Queue>,
    pub(super) handoff: Arc<Handoff>,
    pub(super) fault: watch::Sender<Option<Arc<TrailFault>>>,
}

impl Alarm {
    pub(super) fn raise(&self, fault: TrailFault) {
        tracing::error!(error = %fault, "the trail stopped");
        self.fault.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(Arc::new(fault));
            }
            first
        });
        self.queue.refuse_all();
        self.handoff.close();
    }

    pub(super) fn is_raised(&self) -> bool {
        self.fault.borrow().is_some()
    }

    /// Starts a thread that cannot end by a panic without anybody knowing: its callers would wait for ever.
    pub(super) fn spawn(
        &self,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<JoinHandle<()>, TrailFault> {
        let alarm = self.clone();
        let guarded = move || {
            // INVARIANT: what the thread owned is gone with it, and what it shared is put right by `raise`.
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                alarm.raise(TrailFault::Thread);
            }
        };
        std::thread::Builder::new().name(name.into()).spawn(guarded).map_err(TrailFault::Journal)
    }
}
