//! What an act changes: the row of its review, a note, something to be put right.
//! Never a key of anything else, and never over a row that somebody changed meanwhile.
//! All of it is durable together with its entry, or nothing is.

use super::super::error::OversightError;
use super::super::ids::{AnomalyId, ItemId, ReviewId};
use super::case::{Item, Note, Review};
use crate::records::{Owner, RecordRef, Target};
use crate::seal::Seal;
use crate::store::{Change, Expect, Key, Op, Version};

/// What a permit of an act is about.
pub(super) struct Touched(pub(super) Vec<[u8; 16]>);

impl Target for Touched {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, owner: Owner) -> bool {
        matches!(owner, Owner::Review(id) if self.0.contains(&id))
    }
}

/// A change that is being put together.
pub(super) struct Rows<'a> {
    seal: &'a Seal,
    change: Change,
}

impl<'a> Rows<'a> {
    pub(super) fn new(seal: &'a Seal) -> Rows<'a> {
        Rows { seal, change: Change::default() }
    }

    pub(super) fn finish(self) -> Change {
        self.change
    }

    /// A new review, or the next version of one.
    pub(super) fn review(&mut self, review: &Review, seen: Version) -> Result<(), OversightError> {
        self.put(Key::review(review.id.as_bytes()), seen, review)
    }

    /// That a review is the one of an anomaly.
    pub(super) fn of(&mut self, anomaly: AnomalyId, review: ReviewId) {
        self.change.put_new(Key::review_of(anomaly.as_bytes()), review.as_bytes().to_vec());
    }

    pub(super) fn note(
        &mut self,
        review: ReviewId,
        number: u16,
        note: &Note,
    ) -> Result<(), OversightError> {
        self.put(Key::review_note(review.as_bytes(), number), Version::ABSENT, note)
    }

    pub(super) fn item(&mut self, item: &Item, seen: Version) -> Result<(), OversightError> {
        self.put(item_key(item.id), seen, item)
    }

    fn put<T: serde::Serialize>(
        &mut self,
        key: Key,
        seen: Version,
        value: &T,
    ) -> Result<(), OversightError> {
        let plain = serde_json::to_vec(value).map_err(|_| OversightError::Malformed)?;
        let sealed = self.seal.seal_memo(&key, &plain)?;
        self.change.expects.push(Expect { key: key.clone(), version: seen, stamp: 0 });
        self.change.ops.push(Op::Put(key, seen.next(), sealed));
        Ok(())
    }
}

fn item_key(id: ItemId) -> Key {
    Key::rectification(id.as_bytes())
}
