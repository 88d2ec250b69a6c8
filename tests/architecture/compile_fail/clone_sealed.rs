//! A sealed record has one owner, so that a proof about it is about it alone.
use gridvault::store::Sealed;
use gridvault::trail::Recorded;

pub fn copy() -> fn(&Recorded, &Sealed) {
    need::<Sealed>();
    |_, _| ()
}

fn need<T: Clone>() {}
