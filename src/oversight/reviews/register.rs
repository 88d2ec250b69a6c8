//! The picture of all reviews in memory, and of what is to be put right.
//! Never the notes: they stay sealed in the store until they are asked for.
//! The picture follows the store before anyone is told of a change.

use super::super::error::OversightError;
use super::super::ids::{AnomalyId, ItemId, ReviewId};
use super::case::{Item, Review};
use crate::limits::{RECTIFICATIONS_COUNT_MAX, REVIEWS_COUNT_MAX};
use crate::seal::Seal;
use crate::store::{Key, Op, Reader, Stored, Version};
use crate::trail::Applied;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Rows that are read at once at the start.
const PAGE: usize = 512;

/// A review as the picture has it.
#[derive(Clone)]
pub(super) struct KnownReview {
    pub(super) review: Arc<Review>,
    pub(super) version: Version,
}

/// Something to be put right as the picture has it.
#[derive(Clone)]
pub(super) struct KnownItem {
    pub(super) item: Arc<Item>,
    pub(super) version: Version,
}

/// The reviews.
pub struct Reviews {
    seal: Arc<Seal>,
    picture: RwLock<Picture>,
}

#[derive(Default)]
struct Picture {
    reviews: BTreeMap<ReviewId, KnownReview>,
    of: HashMap<AnomalyId, ReviewId>,
    items: BTreeMap<ItemId, KnownItem>,
}

impl Picture {
    fn take_review(&mut self, review: Review, version: Version) {
        if let Some(anomaly) = review.anomaly() {
            self.of.insert(anomaly, review.id);
        }
        self.reviews.insert(review.id, KnownReview { review: Arc::new(review), version });
    }

    fn take_item(&mut self, item: Item, version: Version) {
        self.items.insert(item.id, KnownItem { item: Arc::new(item), version });
    }

    fn has_room_for_review(&self) -> bool {
        self.reviews.len() < REVIEWS_COUNT_MAX
    }

    fn has_room_for_item(&self) -> bool {
        self.items.len() < RECTIFICATIONS_COUNT_MAX
    }
}

impl Reviews {
    /// An empty picture; [`Reviews::load`] fills it after recovery.
    pub fn new(seal: Arc<Seal>) -> Reviews {
        Reviews { seal, picture: RwLock::default() }
    }

    /// Reads every review, and everything that is to be put right, from the store.
    ///
    /// # Errors
    /// The first row that cannot be read.
    pub async fn load(&self, reader: &Reader) -> Result<(), OversightError> {
        for prefix in [Key::review_prefix(), Key::rectification_prefix()] {
            let mut after: Option<Key> = None;
            loop {
                let page = reader.scan(&prefix, after.as_ref(), PAGE).await?;
                for (key, Stored { version, payload, .. }) in &page {
                    self.take_in(key, *version, payload)?;
                }
                match page.last() {
                    Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                    _ => break,
                }
            }
        }
        Ok(())
    }

    fn take_in(&self, key: &Key, version: Version, payload: &[u8]) -> Result<(), OversightError> {
        let is_row = key.review_id().is_some() || key.rectification_id().is_some();
        if !is_row {
            return Ok(());
        }
        let plain = self.seal.open_memo(key, payload)?;
        if key.review_id().is_some() {
            let review: Review =
                serde_json::from_slice(&plain).map_err(|_| OversightError::Malformed)?;
            self.write().take_review(review, version);
        } else {
            let item: Item =
                serde_json::from_slice(&plain).map_err(|_| OversightError::Malformed)?;
            self.write().take_item(item, version);
        }
        Ok(())
    }

    pub(super) fn seal(&self) -> &Seal {
        &self.seal
    }

    pub(super) fn known(&self, id: &ReviewId) -> Option<KnownReview> {
        self.read().reviews.get(id).cloned()
    }

    pub(super) fn known_item(&self, id: &ItemId) -> Option<KnownItem> {
        self.read().items.get(id).cloned()
    }

    /// The review of an anomaly.
    pub fn of(&self, anomaly: &AnomalyId) -> Option<Arc<Review>> {
        let picture = self.read();
        let id = picture.of.get(anomaly)?;
        picture.reviews.get(id).map(|known| known.review.clone())
    }

    /// The first entry that a review gathers which is not closed yet: nothing from there on may be pruned.
    pub fn first_needed(&self) -> u64 {
        let picture = self.read();
        let needed = picture.reviews.values().filter_map(|known| known.review.needs_from());
        needed.min().unwrap_or(u64::MAX)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.read().reviews.len()
    }

    /// Whether another review may be opened.
    pub(super) fn has_room_for_review(&self) -> bool {
        self.read().has_room_for_review()
    }

    /// Whether something more may be named to be put right.
    pub(super) fn has_room_for_item(&self) -> bool {
        self.read().has_room_for_item()
    }

    /// Reviews before an id, the newest first, until the caller has enough.
    pub(in super::super) fn walk_back(
        &self,
        before: Option<ReviewId>,
        mut more: impl FnMut(&Arc<Review>) -> bool,
    ) {
        let picture = self.read();
        let to = before.unwrap_or(ReviewId([0xff; 16]));
        for known in picture.reviews.range(..to).rev().map(|(_, known)| known) {
            if !more(&known.review) {
                return;
            }
        }
    }

    /// Everything to be put right with the review that it follows, the oldest first, until the caller has enough.
    pub(in super::super) fn walk_items(
        &self,
        after: Option<ItemId>,
        mut more: impl FnMut(&Arc<Item>, &Review) -> bool,
    ) {
        let picture = self.read();
        let from = match after {
            Some(after) => std::ops::Bound::Excluded(after),
            None => std::ops::Bound::Unbounded,
        };
        let range = picture.items.range((from, std::ops::Bound::Unbounded));
        for known in range.map(|(_, known)| known) {
            // An item is named after a review, and a review is never taken away.
            let Some(of) = picture.reviews.get(&known.item.review) else { continue };
            if !more(&known.item, &of.review) {
                return;
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Picture> {
        self.picture.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Picture> {
        self.picture.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Applied for Reviews {
    fn applied(&self, ops: &[Op]) {
        for op in ops {
            let Op::Put(key, version, payload) = op else { continue };
            // What cannot be opened now is met again at the next start, which says so.
            if let Err(error) = self.take_in(key, *version, payload) {
                tracing::error!(%error, "a review cannot be read");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::{Cause, ItemOwner, Step};
    use super::*;
    use crate::access::ActorId;

    fn step() -> Step {
        Step { by: ActorId::from_bytes([1; 16]), at: 7 }
    }

    fn id(number: usize) -> [u8; 16] {
        (number as u128).to_be_bytes()
    }

    fn review(number: usize) -> Review {
        Review {
            id: ReviewId(id(number)),
            cause: Cause::Entries,
            entries: vec![3],
            about: Vec::new(),
            opened: step(),
            noted_by: Vec::new(),
            notes_count: 0,
            escalated: None,
            closed: None,
        }
    }

    fn item(number: usize) -> Item {
        Item {
            id: ItemId(id(number)),
            review: ReviewId(id(0)),
            owner: ItemOwner::Actor(step().by),
            due: 1,
            named: step(),
            text: String::new(),
            settled: None,
        }
    }

    #[test]
    fn reviews_and_things_to_be_put_right_are_taken_to_their_limits_and_not_beyond() {
        let mut picture = Picture::default();
        for number in 1..REVIEWS_COUNT_MAX {
            picture.take_review(review(number), Version(1));
        }
        assert!(picture.has_room_for_review());
        picture.take_review(review(REVIEWS_COUNT_MAX), Version(1));
        assert!(!picture.has_room_for_review());
        // A change of one that is there takes no further place.
        picture.take_review(review(1), Version(2));
        assert_eq!(picture.reviews.len(), REVIEWS_COUNT_MAX);
        for number in 1..RECTIFICATIONS_COUNT_MAX {
            picture.take_item(item(number), Version(1));
        }
        assert!(picture.has_room_for_item());
        picture.take_item(item(RECTIFICATIONS_COUNT_MAX), Version(1));
        assert!(!picture.has_room_for_item());
    }
}
