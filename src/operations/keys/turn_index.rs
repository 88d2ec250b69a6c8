//! The steps of a rotation of index keys: those of subject buckets once more, over terms in the place of wrapped keys.
//! Never a moment at which a value that is held is not found: while a bucket has two keys both are looked under.
//! What stands in the ring and belongs to no rotation is brought to its end too, so no former key stays for want of somebody's word.
//!
//! ```text
//! 2 draw     the ring with a next key for each index bucket of a group, slot B, then slot A; then an entry `key.rotate`
//! 3 move     page by page through the terms of these buckets: entries `key.rewrap`, the terms under the next keys
//! 4 destroy  once a whole walk found none: the ring with the next keys in the place of the former, slot B, then slot A;
//!            then one frame: entry `key.destroy`, the row says which buckets are done
//! ```
//! A crash at 2 or 3 leaves both keys in the ring, and the walk begins again; behind one between the two writings of 4 the next step says
//! what is destroyed, as of subject buckets.

use super::move_terms::MoveTerms;
use super::rewrap::announced;
use super::turn_keys::{destroyed, said};
use crate::limits::{INDEX_BUCKETS_COUNT, ROTATION_BUCKETS_COUNT};
use crate::operations::OperationError;
use crate::records::MandateId;
use crate::seal::{DrawnKeys, RotationKind, RotationRecord, Seal};
use crate::store::{Change, Reader};
use crate::trail::{Announcement, KeyNews, Trail};
use std::sync::Arc;

/// What a process knows of a rotation of index keys beyond what is kept.
#[derive(Default)]
pub(super) struct TurnIndex {
    group: Option<Group>,
    /// The walk for next keys that no rotation is about.
    stray: Option<MoveTerms>,
}

struct Group {
    rotation: MandateId,
    /// The buckets below this number are done with it.
    end: u16,
    walk: MoveTerms,
}

/// The buckets of the group behind so many that are done.
fn group_behind(done: u16) -> Vec<u16> {
    (done..INDEX_BUCKETS_COUNT).take(ROTATION_BUCKETS_COUNT).collect()
}

impl TurnIndex {
    /// Takes the next step of a rotation that runs.
    pub(super) async fn turn(
        &mut self,
        record: &RotationRecord,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<(), OperationError> {
        // What fails on the way is dropped, so that the next step begins the group again.
        if let Some(group) = self.group.take().filter(|group| group.rotation == record.id) {
            return self.walk(group, record, store, seal, trail).await;
        }
        let buckets = group_behind(record.done);
        let rotation = record.id;
        // Of a rotation that was restored in its middle, or of an erasure: they come first, or the ring has no room.
        let strays = seal.next_index_keys_beside(&buckets);
        self.group = Some(if strays.count() > 0 {
            Group { rotation, end: record.done, walk: MoveTerms::towards(strays, trail).await? }
        } else {
            let next = MoveTerms::drawn(&buckets, seal).await?;
            let end = buckets.last().map_or(INDEX_BUCKETS_COUNT, |last| last + 1);
            let count = next.count() as u64;
            let told = || Announcement::OfKeys(KeyNews::IndexDrawn { buckets: count });
            let keys = next.named();
            let drawn = |record: &mut RotationRecord| {
                record.drawn = Some(DrawnKeys { end, keys: keys.clone() });
            };
            said(rotation, told, drawn, store, seal, trail).await?;
            Group { rotation, end, walk: MoveTerms::behind(next) }
        });
        Ok(())
    }

    /// Whether no walk of a rotation is under way in this process.
    pub(super) fn is_idle(&self) -> bool {
        self.group.is_none()
    }

    /// One page of the walk of a group, or its end.
    async fn walk(
        &mut self,
        mut group: Group,
        record: &RotationRecord,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<(), OperationError> {
        if !group.walk.step(store, seal, trail).await? {
            self.group = Some(group);
            return Ok(());
        }
        let buckets = group.walk.destroy(seal).await?;
        if buckets == 0 && group.end <= record.done {
            // An erasure brought its own keys to their end meanwhile, and said so.
            return Ok(());
        }
        let rotation = (group.rotation, RotationKind::Index);
        destroyed(rotation, buckets, group.end, store, seal, trail).await
    }

    /// Brings the keys that were drawn to their end, whoever drew them, and draws no others; false where there are none.
    pub(super) async fn wind_up(
        &mut self,
        record: &RotationRecord,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        let rotation = record.id;
        if let Some(group) = self.group.take().filter(|group| group.rotation == rotation) {
            self.walk(group, record, store, seal, trail).await?;
            return Ok(true);
        }
        let left = seal.next_index_keys();
        if left.count() == 0 {
            return Ok(false);
        }
        // Of the group that a process before this one had begun; it is not counted once more.
        let walk = MoveTerms::towards(left, trail).await?;
        self.group = Some(Group { rotation, end: record.done, walk });
        Ok(true)
    }

    /// Nothing of it goes on.
    pub(super) fn let_go(&mut self) {
        self.group = None;
    }

    /// Takes a step that ends next keys which no rotation of this store is about: those of a ring that was restored in the middle of one.
    /// False where there are none.
    pub(super) async fn ends_what_is_nobodys(
        &mut self,
        record: Option<&RotationRecord>,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        let is_of_it = record.is_some_and(|record| record.is_agreed_of(RotationKind::Index));
        if is_of_it || seal.next_index_keys().count() == 0 {
            self.stray = None;
            return Ok(false);
        }
        // Those of an erasure are its own to finish.
        let _turn = seal.rekeying_turn().await;
        let walk = match self.stray.take() {
            Some(walk) => walk,
            None => {
                let left = seal.next_index_keys();
                if left.count() == 0 {
                    return Ok(false);
                }
                MoveTerms::towards(left, trail).await?
            }
        };
        self.stray = end_of(walk, store, seal, trail).await?;
        Ok(true)
    }
}

/// One page of a walk that no rotation counts, or its end; gives the walk where it goes on.
async fn end_of(
    mut walk: MoveTerms,
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<Option<MoveTerms>, OperationError> {
    if !walk.step(store, seal, trail).await? {
        return Ok(Some(walk));
    }
    let buckets = walk.destroy(seal).await?;
    if buckets > 0 {
        announced(trail, index_destroyed(buckets), Change::default()).await?;
    }
    Ok(None)
}

/// Moves every term of a walk's buckets and destroys the former keys, for an erasure.
pub(super) async fn turned(
    walk: MoveTerms,
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<(), OperationError> {
    let mut rest = Some(walk);
    while let Some(walk) = rest {
        rest = end_of(walk, store, seal, trail).await?;
        // Others get their turn.
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Ends next keys that are of no group of a rotation: whoever drew them ended before it destroyed the former, and while a rotation stands
/// still nobody else would, until the ring had no room for an erasure's.
pub(super) async fn strays_ended(
    rotation: Option<&RotationRecord>,
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<(), OperationError> {
    let of_index = rotation.filter(|it| it.is_agreed_of(RotationKind::Index));
    let group = of_index.map_or_else(Vec::new, |record| group_behind(record.done));
    let strays = seal.next_index_keys_beside(&group);
    if strays.count() == 0 {
        return Ok(());
    }
    turned(MoveTerms::towards(strays, trail).await?, store, seal, trail).await
}

pub(super) fn index_destroyed(buckets: u64) -> Announcement {
    Announcement::OfKeys(KeyNews::IndexDestroyed { buckets })
}
