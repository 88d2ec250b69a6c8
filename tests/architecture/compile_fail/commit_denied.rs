//! A refusal goes to `refuse`; no change goes with it.
use gridvault::access::{Denied, Permit};
use gridvault::store::{Change, Sealed};
use gridvault::trail::Trail;

pub async fn commit(trail: &Trail, denied: Denied, permit: Permit<Sealed>, change: Change) {
    let _given = (&denied, &permit);
    let _ = trail.commit(denied, change).await;
}
