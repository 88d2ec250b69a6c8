//! A consent that is given: a basis of each record that it is about, together with what is kept of it.
//! Never a value: the sections stay as they are, and no field is opened.
//! All records of a consent move on together or not at all, and the person's key with them: of a withdrawal that runs meanwhile and
//! the consent one comes first, and the other is decided again.

use super::{Control, KeyHold, Patch, Revision, Seal, SealError};
use crate::access::Permit;
use crate::records::{Owner, RecordId, RecordRef, Target};
use crate::store::{Change, Key, Sealed};

/// Records of one person that rest on a consent from now on.
pub struct Consenting {
    records: Vec<RecordRef>,
    revisions: Vec<Revision>,
    key: Option<KeyHold>,
    controls: Vec<Control>,
}

impl Consenting {
    /// Records with the patch of each that brings the basis, what was seen of the person's key before they were looked at, and what
    /// is kept of the consent itself.
    pub fn new(
        sealed: Vec<(Sealed, Patch)>,
        key: Option<KeyHold>,
        controls: Vec<Control>,
    ) -> Consenting {
        let records = sealed.iter().flat_map(|(one, _)| one.records().iter().copied()).collect();
        let revision = |(one, patch)| Revision::new(one, patch, Vec::new());
        let revisions = sealed.into_iter().map(revision).collect();
        Consenting { records, revisions, key, controls }
    }
}

impl Target for Consenting {
    fn records(&self) -> &[RecordRef] {
        &self.records
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.revisions.iter().flat_map(Revision::seen).collect()
    }

    fn owns(&self, owner: Owner) -> bool {
        let key = self.key.as_ref().map(|key| Owner::Subject(key.subject));
        key == Some(owner)
            || self.controls.iter().any(|control| owner == Owner::Control(control.id))
            || self.revisions.iter().any(|revision| revision.owns(owner))
    }
}

impl Seal {
    /// The steps that bring the basis into each record.
    ///
    /// # Errors
    /// As [`Seal::merge`].
    pub fn consent(&self, permit: &Permit<Consenting>) -> Result<Change, SealError> {
        let mut change = Change::default();
        for revision in &permit.target().revisions {
            change.append(self.merged(revision)?);
        }
        if let Some(key) = &permit.target().key {
            key.renew(&self.keyring, &mut change)?;
        }
        for control in &permit.target().controls {
            change.put_new(Key::control(control.kind, &control.id), control.payload.clone());
        }
        Ok(change)
    }
}
