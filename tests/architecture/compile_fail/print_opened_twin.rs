//! An opened record does not get into a log by accident.
use gridvault::seal::Opened;

pub fn print(opened: &Opened) -> String {
    format!("{:?}", opened.id())
}
