//! What the trail promises, shown on a disk that can be broken at every call and lose what was not synced.
//! Never sleeps and never depends on which thread is faster: groups are formed by holding a sync back.
//! After each run everything is read again: the journal, the store that it makes, and the log with its verifier.

mod acknowledge;
mod backup;
mod backup_chain;
mod book;
mod bounds;
mod charges;
mod clock;
mod corruption;
mod disk;
mod door;
mod erasure_ledger;
mod erasure_objects;
mod flips;
mod kept;
mod log;
mod log_keys;
mod model;
mod object_server;
mod order;
mod power;
mod recovery;
mod refusals;
mod snapshots;
mod space;
mod witness;
mod world;

use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

/// Longer than anything here takes on a slow machine; a test that waits so long fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a future to its end, or fails.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(async { tokio::time::timeout(PATIENCE, future).await })
        .expect("an answer in time")
}

/// A call that was not waited for yet.
type Later<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

fn later<'a, T>(call: impl Future<Output = T> + 'a) -> Later<'a, T> {
    Box::pin(call)
}

/// Hands the call over. It must not be answered yet.
fn hand_over<T>(call: &mut Later<'_, T>) {
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}
