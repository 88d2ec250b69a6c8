//! Only `trail` says that something is recorded.
use gridvault::trail::Recorded;

pub fn later(recorded: Recorded) -> Recorded {
    Recorded { index: 7, ..recorded }
}
