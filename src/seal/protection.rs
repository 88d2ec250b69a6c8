//! The mark that somebody's address is protected, on everything that is held of it at once.
//! Never a value: the sections stay as they are, and no field is opened.
//! All records of a change move on together or not at all.

use super::{Patch, Revision, Seal, SealError};
use crate::access::Permit;
use crate::records::{Owner, RecordId, RecordRef, Target};
use crate::store::{Change, Sealed};

/// Records whose mark is set or lifted.
pub struct Protection {
    records: Vec<RecordRef>,
    revisions: Vec<Revision>,
}

impl Protection {
    /// Everything that is held of somebody, with the patch of each that sets or lifts the mark.
    pub fn new(sealed: Vec<Sealed>, patch: impl Fn() -> Patch) -> Protection {
        let records = sealed.iter().flat_map(|one| one.records().iter().copied()).collect();
        let revision = |one| Revision::new(one, patch(), Vec::new());
        Protection { records, revisions: sealed.into_iter().map(revision).collect() }
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
        self.revisions.iter().any(|revision| revision.owns(owner))
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
            let Change { ops, expects } = self.merged(revision)?;
            change.ops.extend(ops);
            change.expects.extend(expects);
        }
        Ok(change)
    }
}
