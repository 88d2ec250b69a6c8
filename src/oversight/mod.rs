//! What is read from the log: entries by officers, proofs by whoever holds a receipt.
//! Never opens a record, and never shows an entry before the reading of it is recorded.
//! The log's files are the source; nothing is kept beside them.

mod entries;
mod error;
mod proof;

pub use entries::{Entries, read_entries};
pub use error::OversightError;
pub use gridvault_audit::LogReader;
pub use proof::{ReceiptProof, prove_receipt};
