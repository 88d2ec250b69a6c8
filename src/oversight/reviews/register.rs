//! The picture of all reviews in memory, and of what is to be put right.
//! Never the notes: they stay sealed in the store until they are asked for.
//! The picture follows the store before anyone is told of a change.

use super::super::error::OversightError;
use super::super::ids::{AnomalyId, ItemId, ReviewId};
use super::case::{Item, Review};
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
            let mut picture = self.write();
            if let Some(anomaly) = review.anomaly() {
                picture.of.insert(anomaly, review.id);
            }
            let known = KnownReview { review: Arc::new(review), version };
            picture.reviews.insert(known.review.id, known);
        } else {
            let item: Item =
                serde_json::from_slice(&plain).map_err(|_| OversightError::Malformed)?;
            let known = KnownItem { item: Arc::new(item), version };
            self.write().items.insert(known.item.id, known);
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

    /// Things to be put right that there are or were.
    pub(super) fn items_count(&self) -> usize {
        self.read().items.len()
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

    /// Everything to be put right, the oldest first, until the caller has enough.
    pub(in super::super) fn walk_items(
        &self,
        after: Option<ItemId>,
        mut more: impl FnMut(&Arc<Item>) -> bool,
    ) {
        let picture = self.read();
        let from = match after {
            Some(after) => std::ops::Bound::Excluded(after),
            None => std::ops::Bound::Unbounded,
        };
        let range = picture.items.range((from, std::ops::Bound::Unbounded));
        for known in range.map(|(_, known)| known) {
            if !more(&known.item) {
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
