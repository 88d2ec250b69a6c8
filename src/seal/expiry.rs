//! A record that goes because its time is over, with the key of everybody of whom nothing else is held.
//! Never opens a section, and never keeps a value: what stays is a tombstone.
//! Where a key goes, what is kept of it waits like an erasure until the keys that it was wrapped under are destroyed.

use super::{ErasureRecord, ErasureState, KeyHold, Seal, SealError};
use crate::access::Permit;
use crate::records::{Owner, RecordId, RecordRef, Target};
use crate::store::{Change, ControlKind, Expect, Key, Op, Sealed, Stored, Version};
use gridvault_keys::WrappedUnder;

/// Keys that wait together to be destroyed: those of a few records that went one after the other.
pub struct ExpiredKeys {
    id: [u8; 16],
    record: ErasureRecord,
    version: Version,
}

impl ExpiredKeys {
    /// What is kept under an id, as it was found in the store. It names nobody, so nobody gets a certificate of it.
    ///
    /// # Errors
    /// [`SealError::Malformed`] for something else that is kept there.
    pub fn of(id: [u8; 16], stored: Option<&Stored>) -> Result<ExpiredKeys, SealError> {
        let Some(stored) = stored else {
            let record = ErasureRecord {
                state: ErasureState::Erased,
                area: String::new(),
                reason: "period_over".to_owned(),
                subject: String::new(),
                entries: Vec::new(),
                keys: Vec::new(),
                terms: Vec::new(),
            };
            return Ok(ExpiredKeys { id, record, version: Version::ABSENT });
        };
        let record = ErasureRecord::after(stored)?;
        Ok(ExpiredKeys { id, record, version: stored.version })
    }

    /// Lets the keys that a change takes along wait with those before them.
    pub(super) fn wait<'a>(
        &self,
        gone: impl Iterator<Item = &'a KeyHold>,
        change: &mut Change,
    ) -> Result<(), SealError> {
        let mut gone = gone.peekable();
        if gone.peek().is_none() {
            return Ok(());
        }
        let mut record = self.record.clone();
        for hold in gone {
            record.name_key(WrappedUnder::of(&hold.wrapped)?);
        }
        let key = Key::control(ControlKind::Erasure, &self.id);
        if self.version == Version::ABSENT {
            change.put_new(Key::erasure_waiting(&self.id), Vec::new());
        }
        change.ops.push(Op::Put(key.clone(), self.version.next(), record.encode()?));
        change.expects.push(Expect { key, version: self.version, stamp: 0 });
        Ok(())
    }

    /// Whether this is where they wait.
    pub(super) fn is(&self, id: [u8; 16]) -> bool {
        self.id == id
    }
}

/// A record that is past its end, with what it holds on its subjects' keys.
pub struct Expiry {
    pub(super) sealed: Sealed,
    pub(super) holds: Vec<KeyHold>,
    pub(super) keys: ExpiredKeys,
}

impl Expiry {
    /// Ties the record to what was seen of its subjects' keys, and to where those wait that go with it.
    pub fn new(sealed: Sealed, holds: Vec<KeyHold>, keys: ExpiredKeys) -> Expiry {
        Expiry { sealed, holds, keys }
    }
}

impl Target for Expiry {
    fn records(&self) -> &[RecordRef] {
        self.sealed.records()
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.sealed.seen()
    }

    fn owns(&self, owner: Owner) -> bool {
        match owner {
            Owner::Subject(id) => self.holds.iter().any(|hold| hold.subject == id),
            Owner::Control(id) => self.keys.is(id),
            other => self.sealed.owns(other),
        }
    }
}

impl Seal {
    /// The steps that remove the record, and let the keys wait that go with it.
    ///
    /// # Errors
    /// The key hierarchy's.
    pub fn expire(&self, permit: &Permit<Expiry>) -> Result<Change, SealError> {
        let Expiry { sealed, holds, keys } = permit.target();
        let mut change = Change::default();
        self.remove_row(sealed, &mut change)?;
        for hold in holds {
            hold.let_go(&self.keyring, &mut change)?;
        }
        keys.wait(holds.iter().filter(|hold| hold.is_last), &mut change)?;
        Ok(change)
    }
}
