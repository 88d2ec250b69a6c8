//! What a change demands of the record that only its opened sections can tell.
//! Never lets a value out: a demand that is not met names fields and no more, and then nothing is sealed.
//! It looks at what the record holds at the moment of the merge, so no other write comes between the look and the change.

use super::revision::{Merged, Patch};
use super::{SealError, section};
use crate::records::{Facts, GUARDIAN_FIELDS, Schema, SubjectId};
use crate::store::Row;
use gridvault_keys::SubjectKey;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a change demands; nothing unless it is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// A field gets a value only where it has one already.
    pub only_held: bool,
    /// Whoever becomes a child under 14 by the change, and whoever is one and loses a guardian by it, has a guardian afterwards.
    pub guardian: bool,
}

/// What a demand is held against: the record before the change, and the sections that the change touches.
pub(super) struct Looked<'a> {
    pub(super) schema: &'a Schema,
    pub(super) old: &'a Row,
    pub(super) merged: &'a [Merged],
    pub(super) keys: &'a BTreeMap<SubjectId, Arc<SubjectKey>>,
}

impl Looked<'_> {
    /// Refuses a change that adds a field where it may only put right.
    pub(super) fn adds_nothing(&self, patch: &Patch) -> Result<(), SealError> {
        if !patch.demands.only_held {
            return Ok(());
        }
        let added = patch.set.iter().map(|(name, _)| name).filter(|name| !self.had(name));
        let added: Vec<String> = added.map(str::to_owned).collect();
        if added.is_empty() { Ok(()) } else { Err(SealError::NotHeld { fields: added }) }
    }

    /// Refuses a change that leaves a child without a guardian (PIPL Art. 31).
    pub(super) fn leaves_a_guardian(
        &self,
        patch: &Patch,
        was_child: bool,
        after: &Facts,
    ) -> Result<(), SealError> {
        // Whoever has none takes none away by naming it: a record of before it was a child's is changed as any other.
        let takes =
            GUARDIAN_FIELDS.iter().any(|name| patch.remove.contains(*name) && self.had(name));
        let child = after.is_under_14(patch.at.local_days());
        if !patch.demands.guardian || !child || (was_child && !takes) {
            return Ok(());
        }
        for name in GUARDIAN_FIELDS {
            if self.has_afterwards(name)? {
                return Ok(());
            }
        }
        Err(SealError::GuardianMissing)
    }

    /// Whether a field that the change touches had a value in front of it.
    fn had(&self, name: &str) -> bool {
        self.merged.iter().any(|part| part.before.get(name).is_some())
    }

    /// Whether a field has a value behind the change.
    fn has_afterwards(&self, name: &str) -> Result<bool, SealError> {
        let field = self.schema.field(name);
        let Some(part) = field.and_then(|field| self.schema.section_of(field)) else {
            return Ok(false);
        };
        if let Some(touched) = self.merged.iter().find(|touched| touched.name == part.name) {
            return Ok(touched.after.get(name).is_some());
        }
        let held = self.old.sections.iter().find(|held| held.name.is(&part.name));
        // Of somebody who was erased no key is left, and no guardian.
        let Some((held, key)) = held.and_then(|held| Some((held, self.keys.get(&held.subject)?)))
        else {
            return Ok(false);
        };
        Ok(section::open(key, &self.old.header, held)?.get(name).is_some())
    }
}
