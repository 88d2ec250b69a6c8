//! Reviews: entries or an anomaly that an officer looks into, notes, and closes by the hand of a second person.
//! Never a record of a resident, never an officer's own acts under its own eyes, and nothing that was written in the log.
//! Every act is an entry that names the review as its case, durable together with what it changes.

mod act;
mod case;
mod change;
mod draw;
mod open;
mod read;
mod rectify;
mod register;
mod remark;
mod sample;

pub use act::{Acted, Acting, act_on_review};
pub use case::{
    Cause, Closure, Escalation, Item, ItemOwner, ItemState, Note, NoteKind, Outcome, Review,
    ReviewState, Sample, Settlement, Step,
};
pub use open::{Opening, ReviewOpened, open_review};
pub use read::{
    GatheredEntries, ReviewsFound, ReviewsQuestion, Told, list_reviews, read_gathered, read_review,
};
pub use rectify::{ItemRequest, Itemised, ItemsFound, ItemsQuestion, list_items, rectify, settle};
pub use register::Reviews;
pub use remark::Remark;
pub use sample::{Drawing, DrawnAgain, draw_again, sample_entries};
