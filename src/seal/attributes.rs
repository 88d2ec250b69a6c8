//! A record whose decision attributes change and nothing else: a consent taken back, a restraint set or lifted.
//! Never opens a section.
//! The row moves on by a version, so whatever was decided before over it is decided again.

use super::{Seal, SealError};
use crate::ambient::Micros;
use crate::records::{Facts, RecordId};
use crate::store::{Change, Key, Op, Row, Sealed, Version, listing};
use std::collections::BTreeSet;

impl Seal {
    /// The steps that store a record with other attributes, listed by its end as they say.
    pub(super) fn attribute_anew(
        &self,
        sealed: &Sealed,
        facts: &Facts,
        at: Micros,
        change: &mut Change,
    ) -> Result<(), SealError> {
        let mut header = sealed.row().header.clone();
        header.version += 1;
        self.end_anew(sealed, facts, change)?;
        let row = self.seal_row(header, sealed.row().sections.clone(), facts)?;
        put_row_anew(sealed, &row, at, change);
        Ok(())
    }

    /// Moves the record in the queue of those that end, or of which fields do, where such an end is another, and in that of those whose
    /// end a withdrawal took forward.
    pub(super) fn end_anew(
        &self,
        sealed: &Sealed,
        facts: &Facts,
        change: &mut Change,
    ) -> Result<(), SealError> {
        let id = sealed.row().header.id;
        let (before, after) = (ends(&self.facts(sealed)?, id), ends(facts, id));
        let gone = before.iter().filter(|key| !after.contains(*key));
        change.ops.extend(gone.map(|key| Op::Delete(key.clone())));
        let new = after.into_iter().filter(|key| !before.contains(key));
        change.ops.extend(new.map(|key| Op::Put(key, Version(1), Vec::new())));
        Ok(())
    }
}

/// The row in the place of the one that was read, listed by the moment of the change.
pub(super) fn put_row_anew(sealed: &Sealed, row: &Row, at: Micros, change: &mut Change) {
    let (header, version) = (&row.header, sealed.version().next());
    let key = Key::cell_listing(header.cell, header.record_type, header.id);
    change.ops.push(Op::Delete(sealed.feed_key()));
    change.ops.push(Op::Put(key, version, listing(at)));
    change.ops.push(Op::Put(Key::row(header.id), version, row.encode()));
}

/// Where a record stands in the two queues: under its own end and that of fields of it, and under those that a withdrawal gave. Two that
/// are one day are one place.
pub(super) fn ends(facts: &Facts, id: RecordId) -> BTreeSet<Key> {
    let early = facts.retain_until.filter(|_| facts.own_end.is_some());
    let own = facts.retain_until.into_iter().chain(facts.fields_end);
    let early = early.into_iter().chain(facts.fields_end);
    own.map(|day| Key::retention(day, id)).chain(early.map(|day| Key::early_end(day, id))).collect()
}
