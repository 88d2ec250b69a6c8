//! The removal of one record: row, terms and listings go, a tombstone stays.
//! Never keeps a value or a handle; what stays says only that something of a type lay in a cell, and to decisions whose it was.
//! A subject's wrapped key goes with its last record; any other renews it, so that of two removals at once one is the last.

use super::attributes::ends;
use super::{Seal, SealError};
use crate::access::Permit;
use crate::records::{Owner, RecordId, RecordRef, SubjectId, Target};
use crate::store::{Change, Expect, Key, Op, Sealed, Tombstone};
use gridvault_keys::{KeyError, Keyring};

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
    pub(super) fn let_go(&self, keyring: &Keyring, change: &mut Change) -> Result<(), SealError> {
        if !self.is_last {
            return self.renew(keyring, change);
        }
        change.ops.push(Op::Delete(self.expect.key.clone()));
        change.expects.push(self.expect.clone());
        Ok(())
    }

    /// Writes the key again one version later, wrapped anew where its bucket has a next key.
    pub(super) fn renew(&self, keyring: &Keyring, change: &mut Change) -> Result<(), SealError> {
        let (key, version) = (self.expect.key.clone(), self.expect.version.next());
        let wrapped = match keyring.rewrapped(self.subject.as_bytes(), &self.wrapped) {
            Ok(wrapped) => wrapped,
            // What it was under is destroyed. Where somebody wrapped it anew since the look, the change is decided again; else it
            // opens for nobody, as in a vault that was restored from before an erasure, and goes.
            Err(KeyError::WrongKeyId) => {
                change.ops.push(Op::Delete(key));
                change.expects.push(self.expect.clone());
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        change.ops.push(Op::Put(key, version, wrapped));
        change.expects.push(self.expect.clone());
        Ok(())
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
        let mut change = Change::default();
        self.remove_row(sealed, &mut change)?;
        for hold in holds {
            hold.let_go(&self.keyring, &mut change)?;
        }
        Ok(change)
    }

    /// Row, terms and listings go, a tombstone stays.
    pub(super) fn remove_row(&self, sealed: &Sealed, change: &mut Change) -> Result<(), SealError> {
        let header = &sealed.row().header;
        let facts = self.facts(sealed)?;
        // First, so that nobody finds the row and no key for it.
        let mut tombstone = Tombstone {
            id: header.id,
            record_type: header.record_type,
            cell: header.cell,
            sealed: Vec::new(),
        };
        let remains = Remains { line: facts.line.clone(), protected: facts.protected_address };
        tombstone.sealed =
            self.keyring.seal_attributes(&associated(&tombstone), &remains.encode())?;
        change.ops.push(Op::Put(Key::row(header.id), sealed.version().next(), tombstone.encode()));
        change.ops.push(Op::Delete(sealed.feed_key()));
        self.remove_terms(sealed, change)?;
        change.ops.push(Op::Delete(Key::cell_listing(header.cell, header.record_type, header.id)));
        for subject in &header.subjects {
            change.ops.push(Op::Delete(Key::subject_listing(*subject, header.id)));
        }
        change.ops.extend(ends(&facts, header.id).into_iter().map(Op::Delete));
        Ok(())
    }
}

/// What is left of a removed record's attributes: what decides who may know that it was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remains {
    /// The line of business that held it, if one did.
    pub line: Option<String>,
    /// Whether its subject's address was protected: who did not know of it then learns nothing of its end.
    pub protected: bool,
}

impl Remains {
    /// One byte, 0 or 1 for the protection, then the line, which is a slug. Older tombstones have the line alone.
    fn encode(&self) -> Vec<u8> {
        let line = self.line.as_deref().unwrap_or_default();
        [&[u8::from(self.protected)], line.as_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Remains, SealError> {
        let (protected, line) = match bytes.split_first() {
            Some((flag @ (0 | 1), line)) => (*flag == 1, line),
            _ => (false, bytes),
        };
        let malformed = |_| SealError::Malformed { what: "line" };
        let line = std::str::from_utf8(line).map_err(malformed)?;
        Ok(Remains { line: (!line.is_empty()).then(|| line.to_owned()), protected })
    }
}

impl Seal {
    /// What is left of a removed record, for the decision who may know that it was there.
    ///
    /// # Errors
    /// As [`Seal::facts`].
    pub fn remains_of(&self, tombstone: &Tombstone) -> Result<Remains, SealError> {
        let associated = associated(tombstone);
        Remains::decode(&self.keyring.open_attributes(&associated, &tombstone.sealed)?)
    }
}

/// What the remains in a tombstone are bound to.
pub(super) fn associated(tombstone: &Tombstone) -> Vec<u8> {
    let mut bytes = b"gridvault/tombstone/v1".to_vec();
    bytes.extend_from_slice(tombstone.id.as_bytes());
    bytes.push(tombstone.record_type as u8);
    bytes.extend_from_slice(&tombstone.cell.to_bytes());
    bytes
}
