//! What is read from the log: entries by officers, proofs by whoever holds a receipt.
//! Never opens a record, and never shows an entry before the reading of it is recorded.
//! The log's files are the source; what is kept beside them is derived and can be deleted.

mod entries;
mod entry;
mod error;
mod event_words;
mod explain;
mod export;
mod files;
mod index;
mod pack;
mod proof;
mod question;
mod rebuild;
mod retention;
mod search;
mod ship;
mod words;
#[cfg(test)]
mod world;

pub use entries::{Entries, read_entries};
pub use entry::LogEntry;
pub use error::OversightError;
pub use event_words::event_names;
pub use explain::{Explained, explain_entry, prove_entry};
pub use export::Format;
pub use files::{read_bundle, read_checkpoint, read_minimum, read_tile};
pub use gridvault_audit::{LogReader, TileName};
pub use index::{Clause, Index, IndexError, IndexSettings, IndexState, Kind, Places, Wanted};
pub use pack::{Pack, make_pack};
pub use proof::{ReceiptProof, prove_receipt};
pub use question::{QUESTION_WORDS, Question};
pub use rebuild::rebuild_index;
pub use retention::{Floor, Retention, RetentionSettings, Step};
pub use search::{Found, Page, Use, look_up, search_entries};
pub use ship::{Receiver, ReceiverFiles, ShipError, ShipSettings, Shipper};
pub use words::{Pair, Vocabulary, Words, words};
