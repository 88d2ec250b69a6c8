//! Destroys the keys of everybody who was erased and waits for it: then no older copy of what was theirs opens any more.
//! Never on anybody's word: it is the vault's own doing, once an erasure is in the log, and what a crash left half done is
//! finished before anything else.
//! Everybody who stays has a wrapped key that opens, before, meanwhile and after (`erase_subject` has the order).

use super::move_terms::MoveTerms;
use super::rewrap::{Rewrap, announced};
use super::turn_index::{strays_ended, turned};
use super::turn_keys::kept_rotation;
use crate::limits::{ERASURE_BUCKETS_COUNT, ERASURES_AT_ONCE_COUNT_MAX};
use crate::operations::OperationError;
use crate::seal::{ErasureRecord, ErasureState, RotationKind, RotationRecord, Seal};
use crate::store::{Change, ControlKind, Expect, Key, Op, Reader, Stored};
use crate::trail::{Announcement, Recorded, Trail};
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
    let is_of_buckets = |record: &RotationRecord| record.kind == RotationKind::Subjects;
    let rotation = kept_rotation(store, seal).await?.map(|kept| kept.record);
    strays_ended(rotation.as_ref(), store, seal, trail).await?;
    let rotates = rotation.is_some_and(|record| is_of_buckets(&record) && record.is_agreed_to());
    if !rotates && seal.next_keys().count() > 0 {
        // Whoever drew them ended before it destroyed the former.
        replaced(Rewrap::towards(seal.next_keys(), trail).await?, store, seal, trail).await?;
    }
    let mut last = None;
    loop {
        let waiting = waiting(store).await?;
        if waiting.is_empty() {
            return Ok(last);
        }
        let keys: Vec<(u16, u32)> =
            waiting.iter().flat_map(|one| one.record.keys.iter().copied()).collect();
        let mut destroyed = 0;
        // Whoever was wrapped under a next key of a rotation needs the one after it. Each turn brings every bucket in question one
        // key further, and no erasure names a key that is not there yet.
        loop {
            let undestroyed = seal.undestroyed(&keys)?;
            if undestroyed.is_empty() {
                break;
            }
            for buckets in undestroyed.chunks(ERASURE_BUCKETS_COUNT) {
                let rewrap = Rewrap::begin(buckets, seal, trail).await?;
                replaced(rewrap, store, seal, trail).await?;
            }
            destroyed += undestroyed.len() as u64;
        }
        destroy_terms(&waiting, store, seal, trail).await?;
        let erasures = waiting.iter().map(|one| one.id).collect();
        let change = completed(&waiting)?;
        let told = Announcement::KeysDestroyed { buckets: destroyed, erasures };
        last = Some(announced(trail, told, change).await?);
    }
}

/// The same of the index keys that something of theirs was found under.
async fn destroy_terms(
    waiting: &[Waiting],
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<(), OperationError> {
    let terms = waiting.iter().flat_map(|one| one.record.terms.iter().copied());
    let terms: Vec<(u16, u32)> = terms.collect();
    loop {
        let undestroyed = seal.undestroyed_terms(&terms)?;
        if undestroyed.is_empty() {
            return Ok(());
        }
        for buckets in undestroyed.chunks(ERASURE_BUCKETS_COUNT) {
            turned(MoveTerms::begin(buckets, seal, trail).await?, store, seal, trail).await?;
        }
    }
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

/// Wraps everybody anew who is to be, and destroys the former keys.
async fn replaced(
    mut rewrap: Rewrap,
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<(), OperationError> {
    while !rewrap.step(store, seal, trail).await? {
        // Others get their turn: a city has a million keys.
        tokio::task::yield_now().await;
    }
    rewrap.destroy(seal).await
}

/// The steps that say of each erasure that it is complete.
fn completed(waiting: &[Waiting]) -> Result<Change, OperationError> {
    let mut change = Change::default();
    for Waiting { id, stored, record } in waiting {
        let (state, terms) = (ErasureState::Destroyed, Vec::new());
        let record = ErasureRecord { state, terms, ..record.clone() };
        let key = Key::control(ControlKind::Erasure, id);
        change.ops.push(Op::Put(key.clone(), stored.version.next(), record.encode()?));
        change.expects.push(Expect { key, version: stored.version, stamp: 0 });
        change.ops.push(Op::Delete(Key::erasure_waiting(id)));
    }
    Ok(change)
}
