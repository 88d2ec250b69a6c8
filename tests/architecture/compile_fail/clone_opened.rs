//! An opened record lies in memory once and is wiped once.
use gridvault::seal::Opened;
use gridvault::trail::Recorded;

pub fn copy() -> fn(&Recorded, &Opened) {
    need::<Opened>();
    |_, _| ()
}

fn need<T: Clone>() {}
