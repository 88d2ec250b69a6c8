//! A text becomes an id by being checked, and in no other way.
use gridvault::records::{IdError, RecordId};

pub fn parse(text: &str) -> Result<RecordId, IdError> {
    text.parse()
}
