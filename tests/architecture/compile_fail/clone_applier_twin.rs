//! There is one writer of the store.
use gridvault::store::Applier;
use gridvault::trail::Recorded;

pub fn copy() -> fn(&Recorded, &Applier) {
    need::<Recorded>();
    |_, _| ()
}

fn need<T: Clone>() {}
