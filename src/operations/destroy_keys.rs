//! Destroys the keys of everybody who was erased and waits for it: then no older copy of what was theirs opens any more.
//! Never on anybody's word: it is the vault's own doing, once an erasure is in the log, and what a crash left half done is
//! finished before anything else.
//! Everybody who stays has a wrapped key that opens, before, meanwhile and after (`erase_subject` has the order).

use super::OperationError;
use crate::limits::{
    ERASURES_AT_ONCE_COUNT_MAX, REWRAP_KEYS_COUNT_MAX, REWRAP_LOOKS_COUNT, REWRAP_ROUNDS_COUNT_MAX,
};
use crate::seal::{ErasureRecord, ErasureState, NextKeys, Seal, SealError};
use crate::store::{Change, ControlKind, Expect, Key, Op, Reader, Stored};
use crate::trail::{Announcement, Recorded, Trail, TrailError};
use std::sync::Arc;

/// An erasure that waits for its keys to be destroyed.
struct Waiting {
    id: [u8; 16],
    stored: Stored,
    record: ErasureRecord,
}

/// Destroys what waits for it; gives the entry, where anything did. One at a time.
///
/// # Errors
/// Whatever keeps it from being done now. Nothing is lost by it: it waits still, and is done when this is called again.
pub async fn destroy_keys(
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<Option<Recorded>, OperationError> {
    let _turn = seal.rekeying_turn().await;
    if seal.next_keys().count() > 0 {
        // Whoever drew them ended before it destroyed the former.
        replace_keys(store, seal, trail).await?;
    }
    let mut last = None;
    loop {
        let waiting = waiting(store).await?;
        if waiting.is_empty() {
            return Ok(last);
        }
        let keys: Vec<(u16, u32)> =
            waiting.iter().flat_map(|one| one.record.keys.iter().copied()).collect();
        let undestroyed = seal.undestroyed(&keys)?;
        for buckets in undestroyed.chunks(BUCKETS_AT_ONCE_COUNT) {
            draw(buckets, seal).await?;
            replace_keys(store, seal, trail).await?;
        }
        let buckets = undestroyed.len() as u64;
        let erasures = waiting.iter().map(|one| one.id).collect();
        let change = completed(&waiting)?;
        let told = Announcement::KeysDestroyed { buckets, erasures };
        last = Some(announced(trail, told, change).await?);
    }
}

/// Buckets that are re-keyed together: a ring has room for the next keys of 128.
const BUCKETS_AT_ONCE_COUNT: usize = 64;

async fn announced(
    trail: &Trail,
    announcement: Announcement,
    change: Change,
) -> Result<Recorded, OperationError> {
    let recorded = trail.announce_keys(announcement, change).await?;
    // Whoever has the turn is the only one that touches what this changes.
    recorded.ok_or(OperationError::Internal("an erasure moved on beside the one who had the turn"))
}

async fn waiting(store: &Reader) -> Result<Vec<Waiting>, OperationError> {
    let prefix = Key::erasure_waiting_prefix();
    let mut found = Vec::new();
    for (key, _) in store.scan(&prefix, None, ERASURES_AT_ONCE_COUNT_MAX).await? {
        let Some(id) = key.waiting_erasure() else { continue };
        let stored = store.get(&Key::control(ControlKind::Erasure, &id)).await?;
        let stored = stored.ok_or(OperationError::Internal("an erasure waits that is not kept"))?;
        let record = ErasureRecord::after(&stored)?;
        found.push(Waiting { id, stored, record });
    }
    Ok(found)
}

/// Wraps everybody anew who is wrapped under a key that has a next one, and destroys the former keys.
///
/// A crash in here leaves both keys of each bucket in the ring, or the next ones alone once nobody needs the former.
async fn replace_keys(
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<(), OperationError> {
    let next = seal.next_keys();
    // The trail takes nothing any more that is wrapped under a key that has a next one. Once this entry is there, everything
    // that it took before is in the store.
    let drawn = Announcement::KeysDrawn { buckets: next.count() as u64 };
    announced(trail, drawn, Change::default()).await?;
    for _ in 0..REWRAP_ROUNDS_COUNT_MAX {
        // So what is found nowhere, from the first key to the last, is there no more.
        if wrap_all(store, seal, trail).await? {
            return destroy(next, seal).await;
        }
    }
    Err(OperationError::Internal("keys are wrapped anew and found outdated again"))
}

/// Goes through all wrapped keys once; whether none had to be wrapped anew.
async fn wrap_all(store: &Reader, seal: &Seal, trail: &Trail) -> Result<bool, OperationError> {
    let (prefix, mut behind, mut clean) = (Key::subject_key_prefix(), None, true);
    let mut change = Change::default();
    loop {
        let page = store.scan(&prefix, behind.as_ref(), REWRAP_LOOKS_COUNT).await?;
        for (key, stored) in &page {
            seal.wrap_anew((key, stored), &mut change)?;
            if change.ops.len() >= REWRAP_KEYS_COUNT_MAX {
                clean = false;
                rewrap(trail, std::mem::take(&mut change)).await?;
            }
        }
        let Some((last, _)) = page.last() else { break };
        behind = Some(last.clone());
        // Others get their turn: a city has a million keys.
        tokio::task::yield_now().await;
    }
    if !change.ops.is_empty() {
        clean = false;
        rewrap(trail, change).await?;
    }
    Ok(clean)
}

/// Where one of them moved on meanwhile nothing is written, and the next round finds what is left.
async fn rewrap(trail: &Trail, change: Change) -> Result<(), TrailError> {
    let keys = change.ops.len() as u64;
    trail.announce_keys(Announcement::KeysRewrapped { keys }, change).await.map(drop)
}

async fn draw(buckets: &[u16], seal: &Arc<Seal>) -> Result<(), OperationError> {
    let (seal, buckets) = (seal.clone(), buckets.to_vec());
    on_disk(move || seal.draw_next_keys(&buckets)).await
}

async fn destroy(next: NextKeys, seal: &Arc<Seal>) -> Result<(), OperationError> {
    let seal = seal.clone();
    on_disk(move || seal.destroy_keys_before(&next)).await
}

/// Away from the threads that serve: it waits for the disk. It goes on where nobody waits for it any more, beside whoever has the
/// turn then; so it names the keys that it is about.
async fn on_disk(
    work: impl FnOnce() -> Result<(), SealError> + Send + 'static,
) -> Result<(), OperationError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| OperationError::Internal("a thread that writes the ring ended"))??)
}

/// The steps that say of each erasure that it is complete.
fn completed(waiting: &[Waiting]) -> Result<Change, OperationError> {
    let mut change = Change::default();
    for Waiting { id, stored, record } in waiting {
        let record = ErasureRecord { state: ErasureState::Destroyed, ..record.clone() };
        let key = Key::control(ControlKind::Erasure, id);
        change.ops.push(Op::Put(key.clone(), stored.version.next(), record.encode()?));
        change.expects.push(Expect { key, version: stored.version, stamp: 0 });
        change.ops.push(Op::Delete(Key::erasure_waiting(id)));
    }
    Ok(change)
}
