//! Between sealed bytes and values: the only caller of the key hierarchy for data.
//! Never opens a section without a receipt, and never lets plain text out but through [`Opened`].
//! Closed functions (facts, merge, followers, removal, withdrawal, restraint, erasure, expiry, the places of an event, what a record is found by) may look
//! inside before there is a receipt, and let nothing out.

mod anew;
mod attributes;
mod bearing;
mod consenting;
mod covers;
mod cursor;
mod demands;
mod draft;
mod erasure;
mod error;
mod expiry;
mod field_expiry;
mod followers;
mod item;
mod kept;
mod link;
mod mandate;
mod memo;
mod named;
mod nature;
mod opened;
mod page;
mod person;
mod protection;
mod rekey;
mod removal;
mod restraining;
mod reterm;
mod revision;
mod rotation;
mod said;
mod section;
mod single;
mod term;
mod withdrawal;

pub use anew::{Anew, bound_to};
pub use consenting::Consenting;
pub use cursor::{Cursor, CursorOwner};
pub use demands::Demands;
pub use draft::{Control, Draft, KeySource, NewRecord};
pub use erasure::{Erasure, ErasureRecord, ErasureState, ErasureStep};
pub use error::{Part, SealError, damage_of};
pub use expiry::{ExpiredKeys, Expiry};
pub use field_expiry::{FieldExpiry, LeavingFields};
pub use followers::Followers;
pub use item::{ShownFields, ShownItem};
pub use link::Link;
pub use mandate::{MandateRecord, MandateState, TaskKind, UNREVIEWED};
pub use nature::{Emergency, Erasing, Nature, Official, Raise, Restraining, Review};
pub use opened::Opened;
pub use page::OpenedPage;
pub use protection::Protection;
pub use rekey::NextKeys;
pub use removal::{KeyHold, Remains, Removal};
pub use restraining::{Restrained, RestraintStep};
pub use reterm::{MovingTerm, NextIndexKeys, SoughtOf};
pub use revision::{Birthdays, Ending, FieldsEnd, Patch, Revision};
pub use rotation::{DrawnKeys, Overlap, RotationKind, RotationRecord, RotationState};
pub use said::Said;
pub use term::{Candidates, Sought};
pub use withdrawal::{Withdrawal, WithdrawalTerms};

use crate::ambient::Micros;
use crate::limits::{FACTS_KEPT_COUNT_MAX, SUBJECT_KEYS_COUNT_MAX};
use crate::records::{BasisFact, Facts, Handle, SchemaSet, SubjectId};
use crate::store::{Header, Op, Row, Sealed, SealedSection};
use crate::trail::Applied;
pub use gridvault_keys::KeyUses;
use gridvault_keys::{KeyError, Keyring, Month, SubjectKey, SubjectKeyCache};
use kept::KeptFacts;
use std::sync::{Arc, PoisonError, RwLock};

/// What the attributes of nobody in particular are bound to.
const REHEARSAL: &[u8] = b"gridvault/rehearsal/v1";

/// The room's door.
pub struct Seal {
    keyring: Arc<Keyring>,
    keys: SubjectKeyCache,
    kept: KeptFacts,
    schemas: Arc<SchemaSet>,
    rehearsal: RwLock<Vec<u8>>,
    /// Held by whoever replaces keys of buckets for the erased.
    rekeying: tokio::sync::Mutex<()>,
}

impl Seal {
    /// With the unlocked keyring and the schemas that say which field lies in which section.
    ///
    /// # Errors
    /// [`SealError::Keys`] never for the built-in cache size.
    pub fn new(keyring: Arc<Keyring>, schemas: Arc<SchemaSet>) -> Result<Seal, SealError> {
        let keys = SubjectKeyCache::new(SUBJECT_KEYS_COUNT_MAX)?;
        let rehearsal = RwLock::new(rehearsal(&keyring)?);
        let kept = KeptFacts::new(FACTS_KEPT_COUNT_MAX);
        let rekeying = tokio::sync::Mutex::default();
        Ok(Seal { keyring, keys, kept, schemas, rehearsal, rekeying })
    }

    /// How often the keys that seal were used, by kind.
    pub fn key_uses(&self) -> [KeyUses; 4] {
        self.keyring.uses()
    }

    /// For how many months from this time on there are keys of contexts, its own included.
    pub fn context_months(&self, now: Micros) -> usize {
        let (year, month) = now.year_month();
        Month::from_year_month(year, month).map_or(0, |month| self.keyring.months_ahead(month))
    }

    /// Makes further uses of the keys durable ahead of those that happen. Waits for the disk, seldom.
    ///
    /// # Errors
    /// As [`gridvault_keys::Keyring::reserve_uses`].
    pub fn reserve_uses(&self) -> Result<(), SealError> {
        Ok(self.keyring.reserve_uses()?)
    }

    /// The decision attributes of a record: what a decision may know without opening anything.
    ///
    /// # Errors
    /// [`SealError::Damaged`] when header or attributes are not those that were written together.
    pub fn facts(&self, sealed: &Sealed) -> Result<Facts, SealError> {
        self.open_facts(sealed.header_bytes(), &sealed.row().attributes)
    }

    /// The same for a record that a list came upon, kept for the next page over it. Not for a record that a caller named:
    /// how long that one takes must not tell whether anybody looked at it lately.
    ///
    /// # Errors
    /// As [`Seal::facts`].
    pub fn listed_facts(&self, sealed: &Sealed) -> Result<Arc<Facts>, SealError> {
        self.kept.get_or_open(sealed, || self.facts(sealed))
    }

    /// Opens attributes like those of most people, so that a record that is not there costs what another's costs.
    ///
    /// # Errors
    /// As sealing any attributes, once after the header key that they were sealed under is destroyed; else never, while the keyring is
    /// the one that this room started with.
    pub fn rehearse(&self) -> Result<(), SealError> {
        let open = || {
            let sealed = self.rehearsal.read().unwrap_or_else(PoisonError::into_inner);
            self.keyring.open_attributes(REHEARSAL, &sealed)
        };
        let plain = match open() {
            Err(KeyError::WrongKeyId) => {
                let anew = rehearsal(&self.keyring)?;
                *self.rehearsal.write().unwrap_or_else(PoisonError::into_inner) = anew;
                open()?
            }
            opened => opened?,
        };
        Facts::decode(&plain).map(drop).map_err(|_| SealError::Malformed { what: "rehearsal" })
    }

    /// The key of a subject of the record; nothing for one that was erased.
    fn key_of(
        &self,
        sealed: &Sealed,
        subject: SubjectId,
    ) -> Result<Option<Arc<SubjectKey>>, SealError> {
        let look = || sealed.wrapped_key(subject).map_err(SealError::from);
        let found = self.keys.get_or_look(&self.keyring, subject.as_bytes(), look);
        // Between look and unwrapping its bucket may have lost the key that it was under; it was wrapped anew before that.
        match found {
            Err(SealError::Keys(KeyError::WrongKeyId)) => {
                self.keys.get_or_look(&self.keyring, subject.as_bytes(), look)
            }
            found => found,
        }
        .map_err(|error| error.of(Part::Key))
    }

    fn open_facts(&self, header: &[u8], attributes: &[u8]) -> Result<Facts, SealError> {
        let opened = self.keyring.open_attributes(header, attributes);
        let plain = opened.map_err(|error| SealError::from(error).of(Part::Attributes))?;
        let malformed = |_| SealError::Malformed { what: "decision attributes" };
        Facts::decode(&plain).map_err(malformed).map_err(|error| error.of(Part::Attributes))
    }

    /// The row of a record: its attributes are bound to the header, which names the sections.
    fn seal_row(
        &self,
        header: Header,
        sections: Vec<SealedSection>,
        facts: &Facts,
    ) -> Result<Row, SealError> {
        let attributes =
            self.keyring.seal_attributes(&header.encode(&sections), &facts.encode())?.into();
        Ok(Row { header, attributes, sections })
    }

    fn schema(
        &self,
        record_type: crate::records::RecordType,
    ) -> Result<&crate::records::Schema, SealError> {
        self.schemas.get(record_type).ok_or(SealError::Malformed { what: "record type" })
    }
}

/// A removed or re-wrapped subject key, and the attributes of a changed or removed record, are let go of before anyone
/// learns of the change.
impl Applied for Seal {
    fn applied(&self, ops: &[Op]) {
        for key in ops.iter().map(Op::key) {
            if let Some(subject) = key.subject_of_key() {
                self.keys.evict(subject.as_bytes());
            } else if let Some(id) = key.record().filter(|_| key.is_row()) {
                self.kept.let_go(id);
            }
        }
    }
}

/// Sealed attributes of nobody. A start is what it takes to have another key, too.
fn rehearsal(keyring: &Keyring) -> Result<Vec<u8>, KeyError> {
    keyring.seal_upkeep(REHEARSAL, &usual().encode())
}

/// Attributes as long as those of most people, of nobody.
fn usual() -> Facts {
    let basis = BasisFact {
        purpose: "residence_registration".to_owned(),
        legal_basis: "residence_permit_duty".to_owned(),
        notice: "residence_registration_notice_1".to_owned(),
        consent: None,
    };
    Facts {
        bases: vec![basis],
        subject_handles: vec![([0; 16], Handle::from_bytes([0; 16]))],
        turns_14: Some(0),
        turns_18: Some(0),
        retain_until: Some(0),
        ..Facts::of_nobody()
    }
}

#[cfg(test)]
mod tests;
