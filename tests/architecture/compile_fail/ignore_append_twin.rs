//! Whether something was recorded cannot be left unlooked at.
#![deny(unused_must_use)]
use gridvault::access::Permit;
use gridvault::store::Sealed;
use gridvault::trail::Trail;

pub async fn append(trail: &Trail, permit: Permit<Sealed>) {
    let _receipt = trail.append(permit).await;
}
