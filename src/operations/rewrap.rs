//! Everybody who is wrapped under a key that is about to be destroyed is wrapped anew, page by page through all wrapped keys.
//! Never the keys of other buckets than those that were named: whoever waits for a few does not pay for all.
//! A walk that finds nobody, begun after the trail said that the next keys are there, is proof that nobody needs the former.

use super::OperationError;
use crate::limits::{REWRAP_KEYS_COUNT_MAX, REWRAP_LOOKS_COUNT, REWRAP_ROUNDS_COUNT_MAX};
use crate::seal::{NextKeys, Seal, SealError};
use crate::store::{Change, Key, Reader};
use crate::trail::{Announcement, Recorded, Trail};
use std::sync::Arc;

/// Walks until one finds nobody.
pub(super) struct Rewrap {
    next: Arc<NextKeys>,
    behind: Option<Key>,
    change: Change,
    /// Whether this walk found nobody so far.
    clean: bool,
    rounds: u32,
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
        let next = Arc::new(next);
        Rewrap { next, behind: None, change: Change::default(), clean: true, rounds: 0 }
    }

    /// How many buckets it is about.
    pub(super) fn buckets_count(&self) -> u64 {
        self.next.count() as u64
    }

    /// Looks at the next page. Whether everybody is wrapped anew.
    pub(super) async fn step(
        &mut self,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        let prefix = Key::subject_key_prefix();
        let page = store.scan(&prefix, self.behind.as_ref(), REWRAP_LOOKS_COUNT).await?;
        for (key, stored) in &page {
            seal.wrap_anew((key, stored), &self.next, &mut self.change)?;
            if self.change.ops.len() >= REWRAP_KEYS_COUNT_MAX {
                self.write(store, seal, trail).await?;
            }
        }
        if let Some((last, _)) = page.last() {
            self.behind = Some(last.clone());
            return Ok(false);
        }
        self.write(store, seal, trail).await?;
        self.behind = None;
        self.rounds += 1;
        if std::mem::replace(&mut self.clean, true) {
            return Ok(true);
        }
        match self.rounds < REWRAP_ROUNDS_COUNT_MAX {
            true => Ok(false),
            false => {
                Err(OperationError::Internal("keys are wrapped anew and found outdated again"))
            }
        }
    }

    /// Destroys the keys that the next ones follow, once a walk found nobody.
    ///
    /// A crash leaves both keys of each bucket in the ring, or the next ones alone, which nobody needs any more but these.
    pub(super) async fn destroy(&self, seal: &Arc<Seal>) -> Result<(), OperationError> {
        let (seal, next) = (seal.clone(), self.next.clone());
        on_disk(move || seal.destroy_keys_before(&next)).await
    }

    /// Writes what was wrapped anew. Where one of them moved on since it was looked at nothing was written: they are looked at
    /// once more at once, and what moves on again is left to the next walk.
    async fn write(
        &mut self,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<(), OperationError> {
        if self.change.ops.is_empty() {
            return Ok(());
        }
        self.clean = false;
        let change = std::mem::take(&mut self.change);
        let named: Vec<Key> = change.ops.iter().map(|op| op.key().clone()).collect();
        if rewrapped(trail, change).await?.is_some() {
            return Ok(());
        }
        let mut again = Change::default();
        for key in named {
            if let Some(stored) = store.get(&key).await? {
                seal.wrap_anew((&key, &stored), &self.next, &mut again)?;
            }
        }
        if !again.ops.is_empty() {
            rewrapped(trail, again).await?;
        }
        Ok(())
    }
}

async fn rewrapped(trail: &Trail, change: Change) -> Result<Option<Recorded>, OperationError> {
    let keys = change.ops.len() as u64;
    Ok(trail.announce_keys(Announcement::KeysRewrapped { keys }, change).await?)
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
