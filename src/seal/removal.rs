//! The removal of one record: row, terms and listings go, a tombstone stays.
//! Never keeps a value or a handle; what stays says only that something of a type lay in a cell.
//! A subject's wrapped key goes with its last record.

use super::{Seal, SealError};
use crate::access::Permit;
use crate::records::{Owner, RecordId, RecordRef, SubjectId, Target};
use crate::store::{Change, Expect, Key, Op, Sealed, Tombstone};

/// A record to be removed, with the subjects that have no other.
pub struct Removal {
    sealed: Sealed,
    last_of: Vec<(SubjectId, Expect)>,
}

impl Removal {
    /// Ties the subjects whose last record this is, and what was seen of their keys, to the record.
    pub fn new(sealed: Sealed, last_of: Vec<(SubjectId, Expect)>) -> Removal {
        Removal { sealed, last_of }
    }
}

impl Target for Removal {
    fn records(&self) -> &[RecordRef] {
        self.sealed.records()
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.sealed.seen()
    }

    fn owns(&self, owner: Owner) -> bool {
        match owner {
            Owner::Subject(id) => self.last_of.iter().any(|(subject, _)| *subject == id),
            other => self.sealed.owns(other),
        }
    }
}

impl Seal {
    /// The steps that remove the record.
    ///
    /// # Errors
    /// The key hierarchy's.
    pub fn remove(&self, permit: &Permit<Removal>) -> Result<Change, SealError> {
        let Removal { sealed, last_of } = permit.target();
        let header = &sealed.row().header;
        let facts = self.facts(sealed)?;
        let mut change = Change::default();
        // First, so that nobody finds the row and no key for it.
        let mut tombstone = Tombstone {
            id: header.id,
            record_type: header.record_type,
            cell: header.cell,
            sealed_line: Vec::new(),
        };
        let line = facts.line.as_deref().unwrap_or_default();
        tombstone.sealed_line =
            self.keyring.seal_attributes(&associated(&tombstone), line.as_bytes())?;
        change.ops.push(Op::Put(Key::row(header.id), sealed.version().next(), tombstone.encode()));
        for term in &header.terms {
            change.ops.push(Op::Delete(Key::term(term, header.id)));
        }
        change.ops.push(Op::Delete(Key::cell_listing(header.cell, header.record_type, header.id)));
        for subject in &header.subjects {
            change.ops.push(Op::Delete(Key::subject_listing(*subject, header.id)));
        }
        if let Some(day) = facts.retain_until {
            change.ops.push(Op::Delete(Key::retention(day, header.id)));
        }
        for (subject, expect) in last_of {
            change.ops.push(Op::Delete(Key::subject_key(*subject)));
            change.expects.push(expect.clone());
        }
        Ok(change)
    }
}

/// What a tombstone's line is bound to.
pub(super) fn associated(tombstone: &Tombstone) -> Vec<u8> {
    let mut bytes = b"gridvault/tombstone/v1".to_vec();
    bytes.extend_from_slice(tombstone.id.as_bytes());
    bytes.push(tombstone.record_type as u8);
    bytes.extend_from_slice(&tombstone.cell.to_bytes());
    bytes
}
