//! What is read from the log: entries by officers, proofs by whoever holds a receipt.
//! Never opens a record, and never shows an entry before the reading of it is recorded.
//! The log's files are the source; what is kept beside them is derived and can be deleted.

mod entries;
mod entry;
mod error;
mod index;
mod proof;

pub use entries::{Entries, read_entries};
pub use entry::LogEntry;
pub use error::OversightError;
pub use gridvault_audit::LogReader;
pub use index::{Clause, Index, IndexError, IndexSettings, IndexState, Kind, Places, Wanted};
pub use proof::{ReceiptProof, prove_receipt};
