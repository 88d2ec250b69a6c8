//! A receipt is used once.
use gridvault::trail::{Receipt, Recorded};

pub fn copy() -> fn(&Recorded, &Receipt<()>) {
    need::<Recorded>();
    |_, _| ()
}

fn need<T: Clone>() {}
