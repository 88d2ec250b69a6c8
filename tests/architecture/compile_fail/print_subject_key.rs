//! A key does not get into a text by accident; its id may.
use gridvault_keys::SubjectKey;

pub fn print(key: &SubjectKey) -> String {
    format!("{key:?}")
}
