//! Everybody who is wrapped under a key that is about to be destroyed is wrapped anew, page by page through all wrapped keys.
//! Never the keys of other buckets than those that were named: whoever waits for a few does not pay for all.
//! A walk that finds nobody, begun after the trail said that the next keys are there, is proof that nobody needs the former.

use super::rounds::{Outdated, Page, Rounds};
use crate::limits::{REWRAP_KEYS_COUNT_MAX, REWRAP_LOOKS_COUNT};
use crate::operations::OperationError;
use crate::seal::{NextKeys, Seal, SealError};
use crate::store::{Change, Key, Reader, Stored};
use crate::trail::{Announcement, Recorded, Trail};
use std::sync::Arc;

/// Walks until one finds nobody.
pub(super) struct Rewrap(Rounds<UnderFormer>);

/// Keys that are wrapped under former keys of these buckets.
struct UnderFormer {
    next: Arc<NextKeys>,
    change: Change,
}

impl Rewrap {
    /// Draws next keys for these buckets, those that have none, and says so.
    ///
    /// A crash leaves both keys of each bucket in the ring.
    pub(super) async fn begin(
        buckets: &[u16],
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<Rewrap, OperationError> {
        Rewrap::towards(Rewrap::drawn(buckets, seal).await?, trail).await
    }

    /// Next keys for these buckets, those that have none: durable, and not said yet.
    pub(super) async fn drawn(
        buckets: &[u16],
        seal: &Arc<Seal>,
    ) -> Result<NextKeys, OperationError> {
        let (drawing, named) = (seal.clone(), buckets.to_vec());
        on_disk(move || drawing.draw_next_keys(&named)).await?;
        Ok(seal.next_keys_of(buckets))
    }

    /// The same with next keys that are there.
    pub(super) async fn towards(next: NextKeys, trail: &Trail) -> Result<Rewrap, OperationError> {
        let drawn = Announcement::KeysDrawn { buckets: next.count() as u64 };
        announced(trail, drawn, Change::default()).await?;
        Ok(Rewrap::behind(next))
    }

    /// The same behind the entry that says of these next keys that they are drawn. The trail takes nothing any more that is wrapped
    /// under a key that has a next one: once that entry is there, everything that it took before is in the store.
    pub(super) fn behind(next: NextKeys) -> Rewrap {
        Rewrap(Rounds::of(UnderFormer { next: Arc::new(next), change: Change::default() }))
    }

    /// How many buckets it is about.
    pub(super) fn buckets_count(&self) -> u64 {
        self.0.walk.next.count() as u64
    }

    /// Looks at the next page. Whether everybody is wrapped anew.
    pub(super) async fn step(
        &mut self,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        self.0.step(store, seal, trail).await
    }

    /// Destroys the keys that the next ones follow, once a walk found nobody.
    ///
    /// A crash leaves both keys of each bucket in the ring, or the next ones alone, which nobody needs any more but these.
    pub(super) async fn destroy(&self, seal: &Arc<Seal>) -> Result<(), OperationError> {
        let (seal, next) = (seal.clone(), self.0.walk.next.clone());
        on_disk(move || seal.destroy_keys_before(&next)).await
    }
}

impl Outdated for UnderFormer {
    const LOOKS_COUNT: usize = REWRAP_LOOKS_COUNT;

    fn prefix(&self, at: usize) -> Option<Key> {
        (at == 0).then(Key::subject_key_prefix)
    }

    async fn look_at(
        &mut self,
        key: &Key,
        stored: &Stored,
        _store: &Reader,
        seal: &Seal,
    ) -> Result<(), OperationError> {
        Ok(seal.wrap_anew((key, stored), &self.next, &mut self.change)?)
    }

    fn is_full(&self) -> bool {
        self.change.ops.len() >= REWRAP_KEYS_COUNT_MAX
    }

    fn take(&mut self, _store: &Reader, _seal: &Seal) -> Result<Option<Page>, OperationError> {
        let change = std::mem::take(&mut self.change);
        let named: Vec<Key> = change.ops.iter().map(|op| op.key().clone()).collect();
        let told = Announcement::KeysRewrapped { keys: named.len() as u64 };
        Ok((!named.is_empty()).then_some(Page { change, told, named }))
    }
}

/// Records what becomes of keys, where nobody else touches what this changes.
pub(super) async fn announced(
    trail: &Trail,
    announcement: Announcement,
    change: Change,
) -> Result<Recorded, OperationError> {
    let recorded = trail.announce_keys(announcement, change).await?;
    recorded.ok_or(OperationError::Internal("an erasure moved on beside the one who had the turn"))
}

/// Away from the threads that serve: it waits for the disk. It goes on where nobody waits for it any more, beside whoever comes
/// then; so it names the keys that it is about.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SealError> + Send + 'static,
) -> Result<T, OperationError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| OperationError::Internal("a thread that writes the ring ended"))??)
}
