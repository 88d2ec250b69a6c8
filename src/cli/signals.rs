//! The signals that ask a process to stop.
//! Never loses one: its handler writes it down before anybody looks, and after the last look it ends the process on the spot.
//! A process listens to them once, from before it has anything to lose.

use super::failure::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask a process to stop.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    asked: Arc<AtomicBool>,
    at_once: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn listen() -> Result<Signals, Failure> {
        let fail = |error| Failure::failed("signals", &error);
        let (asked, at_once) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        for number in [SIGTERM, SIGINT] {
            // In this order: a handler that still finds it is not to end the process has said before that it was asked.
            flag::register(number, asked.clone()).map_err(fail)?;
            flag::register_conditional_default(number, at_once.clone()).map_err(fail)?;
        }
        let terminate = signal(SignalKind::terminate()).map_err(fail)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
        Ok(Signals { terminate, interrupt, asked, at_once })
    }

    /// Resolves with the first of them.
    pub(super) async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Whether one of them came since the process listens.
    pub(super) fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// The same for the last time: from here on each of them ends the process on the spot, as it would one that never listened.
    pub(super) fn last_asked(&self) -> bool {
        self.at_once.store(true, Ordering::SeqCst);
        self.asked()
    }
}
