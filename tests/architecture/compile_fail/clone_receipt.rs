//! A receipt is used once.
use gridvault::trail::{Receipt, Recorded};

pub fn copy() -> fn(&Recorded, &Receipt<()>) {
    need::<Receipt<()>>();
    |_, _| ()
}

fn need<T: Clone>() {}
