//! A record whose decision attributes change and nothing else: a consent taken back, a restraint set or lifted.
//! Never opens a section.
//! The row moves on by a version, so whatever was decided before over it is decided again.

use super::{Seal, SealError};
use crate::ambient::Micros;
use crate::records::{Facts, RecordId};
use crate::store::{Change, Key, Op, Row, Sealed, Version, listing};

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

    /// Moves the record in the queue of those that end, where its end is another, and in that of those whose end a withdrawal
    /// took forward.
    pub(super) fn end_anew(
        &self,
        sealed: &Sealed,
        facts: &Facts,
        change: &mut Change,
    ) -> Result<(), SealError> {
        let (before, id) = (self.facts(sealed)?, sealed.row().header.id);
        let moved = |before: Option<Key>, after: Option<Key>| {
            let moves = before != after;
            let gone = before.filter(|_| moves).map(Op::Delete);
            let new = after.filter(|_| moves).map(|key| Op::Put(key, Version(1), Vec::new()));
            gone.into_iter().chain(new)
        };
        let end = |facts: &Facts| facts.retain_until.map(|day| Key::retention(day, id));
        change.ops.extend(moved(end(&before), end(facts)));
        change.ops.extend(moved(early_end(&before, id), early_end(facts, id)));
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

/// Where a record stands whose end a withdrawal took forward.
pub(super) fn early_end(facts: &Facts, id: RecordId) -> Option<Key> {
    let day = facts.retain_until.filter(|_| facts.own_end.is_some());
    day.map(|day| Key::early_end(day, id))
}
