//! What can go wrong between sealed bytes and values.
//! Never carries either.
//! Every variant means that nothing was let out.

use crate::records::Handle;
use crate::store::StoreError;
use gridvault_keys::KeyError;

/// What is not as the vault wrote it. The words are those of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A row that cannot be taken apart, or that lies under another record's key.
    Row,
    /// The decision attributes, or the header that is authenticated with them.
    Attributes,
    /// The wrapped key of a subject.
    Key,
    /// A section.
    Section,
    /// An index term that leads to a record which does not bear it.
    Term,
    /// An entry of the log, or the hashes that lead from it to the checkpoint.
    Entry,
    /// Something else that is kept: a mandate, a review, a listing.
    Kept,
}

impl Part {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Row => "row",
            Part::Attributes => "attributes",
            Part::Key => "key",
            Part::Section => "section",
            Part::Term => "term",
            Part::Entry => "entry",
            Part::Kept => "kept",
        }
    }
}

/// A fault of sealing or opening.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Stored bytes are not those that the vault wrote in this place.
    #[error("a stored {} is not what the vault wrote", part.as_str())]
    Damaged {
        /// What.
        part: Part,
        /// The record that it belongs to, where that is authenticated.
        record: Option<Handle>,
        /// How it showed.
        source: Option<Box<SealError>>,
    },
    /// The key hierarchy refused.
    #[error("the key hierarchy refused")]
    Keys(#[from] KeyError),
    /// The store failed on the way.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Opened bytes have not the form that this version writes.
    #[error("an opened {what} is malformed")]
    Malformed {
        /// What it was.
        what: &'static str,
    },
    /// A value cannot be brought into the form that is matched.
    #[error("a value cannot be matched")]
    Unmatchable,
    /// A subject's key was wrapped anew since it was looked at, and the bucket key that it was under is destroyed: look again.
    #[error("a subject's key was wrapped anew")]
    Rewrapped,
    /// A key that the change needs is not among those that its draft brought.
    #[error("a subject's key is missing from the draft")]
    KeyMissing,
    /// A change that only puts right names fields that the record does not hold.
    #[error("a field that is to be put right is not held")]
    NotHeld {
        /// Which.
        fields: Vec<String>,
    },
    /// A change would leave a child without a guardian.
    #[error("a child would be left without a guardian")]
    GuardianMissing,
}

impl SealError {
    /// An index term that leads to a record which does not bear it.
    pub fn misleading_term(record: Option<Handle>) -> SealError {
        SealError::Damaged { part: Part::Term, record, source: None }
    }

    /// What is not as the vault wrote it, where this says so and no fault of the machine.
    pub fn damage(&self) -> Option<Part> {
        match self {
            SealError::Damaged { part, .. } => Some(*part),
            SealError::Store(error) => damage_of(error),
            SealError::Malformed { .. } => Some(Part::Kept),
            SealError::Keys(
                KeyError::Unauthentic
                | KeyError::Commitment
                | KeyError::WrongKeyId
                | KeyError::WrongKeyKind
                | KeyError::SealedFormat { .. }
                | KeyError::UnknownSuite { .. }
                | KeyError::UnsupportedSuite { .. }
                | KeyError::SealedTooShort
                | KeyError::SealedTooLong
                | KeyError::ContentShape,
            ) => Some(Part::Kept),
            SealError::Keys(_)
            | SealError::Unmatchable
            | SealError::Rewrapped
            | SealError::KeyMissing
            | SealError::NotHeld { .. }
            | SealError::GuardianMissing => None,
        }
    }

    /// The record that it belongs to, where that is authenticated.
    pub fn record(&self) -> Option<Handle> {
        match self {
            SealError::Damaged { record, .. } => *record,
            _ => None,
        }
    }

    /// Whether it is under a key that is destroyed.
    pub(super) fn is_destroyed_key(&self) -> bool {
        match self {
            SealError::Keys(KeyError::WrongKeyId) => true,
            SealError::Damaged { source: Some(source), .. } => source.is_destroyed_key(),
            _ => false,
        }
    }

    /// The same fault, of a part that is known. A fault of the machine stays what it is.
    pub(super) fn of(self, part: Part) -> SealError {
        match (&self, self.damage()) {
            (SealError::Keys(_) | SealError::Malformed { .. }, Some(_)) => {
                SealError::Damaged { part, record: None, source: Some(Box::new(self)) }
            }
            _ => self,
        }
    }

    /// The same fault, of a record whose attributes were authentic.
    pub(super) fn in_record(self, known: Option<&Handle>) -> SealError {
        match self {
            SealError::Damaged { part, record: None, source } => {
                SealError::Damaged { part, record: known.copied(), source }
            }
            other => other,
        }
    }

    /// Whether a key sealed as often as one may, so that nothing is sealed under it until another one follows, or as often as the disk
    /// let anybody count.
    pub fn needs_another_key(&self) -> bool {
        matches!(self, SealError::Keys(KeyError::KeyUsedUp | KeyError::UsesUncounted))
    }
}

/// What of the store is not as it was written, where an error says so.
pub fn damage_of(error: &StoreError) -> Option<Part> {
    match error {
        StoreError::Corrupt { what: "row" } => Some(Part::Row),
        StoreError::Corrupt { what: "index term" } => Some(Part::Term),
        StoreError::Corrupt { .. } => Some(Part::Kept),
        _ => None,
    }
}
