//! Only `store::open` gives an applier, together with the lock of the directory.
use gridvault::store::Applier;

pub fn second(applier: Applier) -> Applier {
    applier
}
