//! The mark that somebody's address is protected, on everything that is held of it at once.
//! Never a value: the sections stay as they are, and no field is opened.
//! All records of a change move on together or not at all, and the person's key with them: of a record that is stored meanwhile and
//! the mark one comes first, and the other is decided again.

use super::{KeyHold, Patch, Revision, Seal, SealError};
use crate::access::Permit;
use crate::records::{Owner, RecordId, RecordRef, Target};
use crate::store::{Change, Sealed};

/// Records whose mark is set or lifted.
pub struct Protection {
    records: Vec<RecordRef>,
    revisions: Vec<Revision>,
    key: Option<KeyHold>,
}

impl Protection {
    /// Records of somebody, with the patch of each that sets or lifts the mark, and what was seen of its key before they were
    /// looked for.
    pub fn new(sealed: Vec<Sealed>, key: Option<KeyHold>, patch: impl Fn() -> Patch) -> Protection {
        let records = sealed.iter().flat_map(|one| one.records().iter().copied()).collect();
        let revision = |one| Revision::new(one, patch(), Vec::new());
        Protection { records, revisions: sealed.into_iter().map(revision).collect(), key }
    }
}

impl Target for Protection {
    fn records(&self) -> &[RecordRef] {
        &self.records
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.revisions.iter().flat_map(Revision::seen).collect()
    }

    fn owns(&self, owner: Owner) -> bool {
        let key = self.key.as_ref().map(|key| Owner::Subject(key.subject));
        key == Some(owner) || self.revisions.iter().any(|revision| revision.owns(owner))
    }
}

impl Seal {
    /// Sets or lifts the mark.
    ///
    /// # Errors
    /// As [`Seal::merge`].
    pub fn protect(&self, permit: &Permit<Protection>) -> Result<Change, SealError> {
        let mut change = Change::default();
        for revision in &permit.target().revisions {
            change.append(self.merged(revision)?);
        }
        if let Some(key) = &permit.target().key {
            key.renew(&self.keyring, &mut change)?;
        }
        Ok(change)
    }
}
