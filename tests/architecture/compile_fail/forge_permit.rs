//! Only `access` makes a permit: what one was given for cannot be exchanged.
use gridvault::access::Permit;

pub fn retarget<T>(permit: Permit<T>, target: T) -> Permit<T> {
    Permit { target, ..permit }
}
