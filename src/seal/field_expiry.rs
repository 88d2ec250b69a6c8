//! Fields that go because nothing carries them any more, out of a record that stays.
//! Never shows what they held: the sections that have one are opened, sealed anew without it, and nothing leaves.
//! Everything that a patch would take along goes too: masked forms, index terms, and whoever appears in no field any more.

use super::revision::{Birthdays, FieldsEnd, Patch};
use super::{ExpiredKeys, Expiry, KeyHold, Seal, SealError};
use crate::access::Permit;
use crate::ambient::Micros;
use crate::records::{BIRTH_DATE, Owner, RecordId, RecordRef, Target};
use crate::store::{Change, Op, Sealed};
use std::collections::BTreeSet;

/// What of a record goes, and when the next of it does.
pub struct LeavingFields {
    /// The names of the fields; one that holds nothing is none the less named.
    pub names: BTreeSet<String>,
    /// The day on which the next ones go, in days since 1970-01-01; nothing where these are the last.
    pub next_end: Option<i32>,
    /// When.
    pub at: Micros,
}

/// A record with the fields of it that go, and what it holds on the keys of the people in them.
pub struct FieldExpiry {
    record: Expiry,
    fields: LeavingFields,
}

impl FieldExpiry {
    /// Ties the record to what goes of it, to what was seen of the keys of the people whom it names beside its own subject, and to where
    /// those wait that go with it.
    pub fn new(
        sealed: Sealed,
        fields: LeavingFields,
        holds: Vec<KeyHold>,
        keys: ExpiredKeys,
    ) -> FieldExpiry {
        FieldExpiry { record: Expiry::new(sealed, holds, keys), fields }
    }
}

impl Target for FieldExpiry {
    fn records(&self) -> &[RecordRef] {
        self.record.records()
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.record.seen()
    }

    fn owns(&self, owner: Owner) -> bool {
        self.record.owns(owner)
    }
}

impl Seal {
    /// The steps that take the fields out of the record, and let the keys wait that go with them.
    ///
    /// # Errors
    /// As [`Seal::merge`].
    pub fn expire_fields(&self, permit: &Permit<FieldExpiry>) -> Result<Change, SealError> {
        let FieldExpiry { record: Expiry { sealed, holds, keys }, fields } = permit.target();
        let LeavingFields { names, next_end, at } = fields;
        let mut patch = Patch::blank(*at);
        patch.remove.clone_from(names);
        patch.fields_end = FieldsEnd::Set(*next_end);
        // As when somebody takes the date away: a minor stays one.
        let is_minor = self.facts(sealed)?.is_minor(at.local_days());
        if names.contains(BIRTH_DATE) && !is_minor {
            patch.birthdays = Birthdays::Forgotten;
        }
        let mut change = self.merged_into(sealed, &patch, holds)?;
        let goes = |hold: &&KeyHold| change.ops.contains(&Op::Delete(hold.expect.key.clone()));
        let gone: Vec<&KeyHold> = holds.iter().filter(|hold| hold.is_last).filter(goes).collect();
        keys.wait(gone.into_iter(), &mut change)?;
        Ok(change)
    }
}
