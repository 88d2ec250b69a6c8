//! A permit is used once.
use gridvault::access::Permit;
use gridvault::trail::Recorded;

pub fn copy() -> fn(&Recorded, &Permit<()>) {
    need::<Recorded>();
    |_, _| ()
}

fn need<T: Clone>() {}
