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
        let version = sealed.version().next();
        self.end_anew(sealed, facts, change)?;
        let sections = sealed.row().sections.clone();
        let attributes = self.seal_facts(&header, &sections, facts)?;
        let row = Row { header, attributes: attributes.into(), sections };
        let header = &row.header;
        let key = Key::cell_listing(header.cell, header.record_type, header.id);
        change.ops.push(Op::Delete(sealed.feed_key()));
        change.ops.push(Op::Put(key, version, listing(at)));
        change.ops.push(Op::Put(Key::row(header.id), version, row.encode()));
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

/// Where a record stands whose end a withdrawal took forward.
pub(super) fn early_end(facts: &Facts, id: RecordId) -> Option<Key> {
    let day = facts.retain_until.filter(|_| facts.own_end.is_some());
    day.map(|day| Key::early_end(day, id))
}
