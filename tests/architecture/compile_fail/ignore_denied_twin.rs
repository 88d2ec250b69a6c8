//! A refusal is recorded like a yes.
#![deny(unused_must_use)]
use gridvault::access::Denied;

pub fn forget(decide: fn() -> Denied) {
    let _denied = decide();
}
