//! The removal of one record: row, terms and listings go, a tombstone stays.
//! Never keeps a value or a handle; what stays says only that something of a type lay in a cell.
//! A subject's wrapped key goes with its last record; any other renews it, so that of two removals at once one is the last.

use super::{Seal, SealError};
use crate::access::Permit;
use crate::records::{Owner, RecordId, RecordRef, SubjectId, Target};
use crate::store::{Change, Expect, Key, Op, Sealed, Tombstone};

/// What a record that lets go of a subject saw of the subject's key.
pub struct KeyHold {
    /// Whose key.
    pub subject: SubjectId,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
    /// Version and stamp of the look.
    pub expect: Expect,
    /// Whether the subject has no other record.
    pub is_last: bool,
}

impl KeyHold {
    /// Lets go: the key goes with the last record. Any other writes it again one version later, so that whoever else
    /// looked at the same records goes stale and looks again; without this two removals at once would each leave the
    /// key to the other.
    pub(super) fn let_go(&self, change: &mut Change) {
        if !self.is_last {
            return self.renew(change);
        }
        change.ops.push(Op::Delete(self.expect.key.clone()));
        change.expects.push(self.expect.clone());
    }

    /// Writes the key again one version later.
    pub(super) fn renew(&self, change: &mut Change) {
        let (key, version) = (self.expect.key.clone(), self.expect.version.next());
        change.ops.push(Op::Put(key, version, self.wrapped.clone()));
        change.expects.push(self.expect.clone());
    }
}

/// A record to be removed, with what it holds on its subjects' keys.
pub struct Removal {
    sealed: Sealed,
    holds: Vec<KeyHold>,
}

impl Removal {
    /// Ties the record to what was seen of its subjects' keys.
    pub fn new(sealed: Sealed, holds: Vec<KeyHold>) -> Removal {
        Removal { sealed, holds }
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
            Owner::Subject(id) => self.holds.iter().any(|hold| hold.subject == id),
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
        let Removal { sealed, holds } = permit.target();
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
        change.ops.push(Op::Delete(sealed.feed_key()));
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
        for hold in holds {
            hold.let_go(&mut change);
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
