//! What is read from the log: entries by officers, proofs by whoever holds a receipt.
//! Never opens a record, and never shows an entry before the reading of it is recorded.
//! The log's files are the source; what is kept beside them is derived and can be deleted.

mod accesses;
mod anomalies;
mod entries;
mod entry;
mod error;
mod event_words;
mod explain;
mod export;
mod files;
mod follower;
mod ids;
mod index;
mod officer;
mod pack;
mod proof;
mod question;
mod rebuild;
mod report;
mod retention;
mod reviews;
mod search;
mod ship;
mod tally;
mod usual;
mod words;
#[cfg(test)]
mod world;

pub use accesses::{ACCESSES_WORDS, AccessesPlace, AccessesQuestion, Look, Looks, find_accesses};
pub use anomalies::{
    Anomalies, AnomaliesFound, AnomaliesQuestion, AnomaliesState, Anomaly, AnomalyState, IsOwn,
    IsReviewed, Lapsed, RuleName, Thresholds, ThresholdsError, Watching, list_anomalies,
};
pub use entries::{Entries, read_entries};
pub use entry::LogEntry;
pub use error::OversightError;
pub use event_words::event_names;
pub use explain::{Explained, Said, explain_entry, prove_entry};
pub use export::Format;
pub use files::{read_bundle, read_checkpoint, read_minimum, read_tile};
pub use gridvault_audit::{LogReader, TileName};
pub use ids::{AnomalyId, ItemId, NotAnId, ReviewId};
pub use index::{Clause, Index, IndexError, IndexSettings, IndexState, Kind, Places, Wanted};
pub use officer::{Officer, REVIEWING};
pub use pack::{Pack, make_certificate, make_pack};
pub use proof::{ReceiptProof, prove_receipt};
pub use question::{QUESTION_WORDS, Question, moment};
pub use rebuild::rebuild_index;
pub use report::{Report, Reported, page as report_page, report};
pub use retention::{Floor, Retention, RetentionSettings, Step as PruningStep};
pub use reviews::{
    Acted, Acting, Cause, Closure, Drawing, DrawnAgain, Escalation, GatheredEntries, Item,
    ItemOwner, ItemRequest, ItemState, Itemised, ItemsFound, ItemsQuestion, Note, NoteKind,
    Opening, Outcome, Remark, Review, ReviewOpened, ReviewState, Reviews, ReviewsFound,
    ReviewsQuestion, Sample, Settlement, Step, Told, act_on_review, draw_again, list_items,
    list_reviews, open_review, read_gathered, read_review, rectify, sample_entries, settle,
};
pub use search::{Found, Page, Use, look_up, search_entries};
pub use ship::{Receiver, ReceiverFiles, ShipError, ShipSettings, Shipper};
pub use tally::Period;
pub use words::{Pair, Vocabulary, Words, words};
