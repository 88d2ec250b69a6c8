//! An opened record shows what its permit's view shows.
use gridvault::seal::Opened;

pub fn show(opened: &Opened) {
    let _ = &opened.item;
}
