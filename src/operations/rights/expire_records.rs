//! Removes what is past its end: the vault's own doing, on nobody's word.
//! Never before its day, never what a law holds or what is restricted, and never without an entry for each record.
//! A record that is the last one of somebody takes that key along, which then waits like that of anybody who was erased.

use crate::access::{Access, Origin};
use crate::ambient::{Micros, Random};
use crate::limits::{EXPIRY_PART_COUNT, STALE_ATTEMPTS_MAX};
use crate::operations::scope::Weighed;
use crate::operations::subject::holds_of;
use crate::operations::{OperationError, draw};
use crate::records::RecordId;
use crate::seal::{ExpiredKeys, Expiry, Seal};
use crate::store::{ControlKind, Fetched, Key, Reader, StoreError};
use crate::territory::Territory;
use crate::trail::{Refused, Trail};

/// A walk over everything that is past its end at a moment, the earliest end first.
pub struct ExpiryWalk {
    now: Micros,
    after: Option<Key>,
    is_over: bool,
}

impl ExpiryWalk {
    /// From the beginning.
    pub fn at(now: Micros) -> ExpiryWalk {
        ExpiryWalk { now, after: None, is_over: false }
    }

    /// Whether everything was looked at.
    pub fn is_over(&self) -> bool {
        self.is_over
    }
}

/// What a part of a walk did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Records that were removed.
    pub removed: u64,
    /// Records that a law or a restriction keeps.
    pub held: u64,
    /// Records that could not be removed now: what changed again and again, and what cannot be read.
    pub left: u64,
}

impl Expired {
    /// Together with what another part did.
    pub fn and(self, other: Expired) -> Expired {
        Expired {
            removed: self.removed + other.removed,
            held: self.held + other.held,
            left: self.left + other.left,
        }
    }
}

/// Goes on with a walk by a few records, each decided, removed and recorded by itself.
///
/// A crash leaves each of them there or gone, whole; whoever walks again finds those that are there. Keys that went are destroyed
/// by [`crate::operations::keys::destroy_keys`], which is to be called behind the walk, and which a start calls too.
///
/// # Errors
/// What keeps anything from being recorded or read at all. What was removed before stays so.
pub async fn expire_records(
    walk: &mut ExpiryWalk,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    territory: &Territory,
    random: &dyn Random,
) -> Result<Expired, OperationError> {
    let prefix = Key::retention_prefix();
    let page = store.scan(&prefix, walk.after.as_ref(), EXPIRY_PART_COUNT).await?;
    let mut done = Expired::default();
    // Whoever destroys keys meanwhile would complete what is being gathered here.
    let _turn = seal.rekeying_turn().await;
    let keys = *draw::mandate_id(walk.now, random)?.as_bytes();
    for (key, _) in &page {
        let Some((day, record)) = key.retention_parts() else { continue };
        if day > walk.now.local_days() {
            walk.is_over = true;
            return Ok(done);
        }
        let removed =
            expire(record, (walk.now, keys), store, seal, access, trail, territory, random);
        match readable(removed.await)? {
            Some(Ending::Removed) => done.removed += 1,
            Some(Ending::Held) => done.held += 1,
            Some(Ending::Left) | None => done.left += 1,
        }
    }
    walk.is_over = page.len() < EXPIRY_PART_COUNT;
    walk.after = page.into_iter().last().map(|(key, _)| key);
    Ok(done)
}

/// What became of one record.
enum Ending {
    Removed,
    Held,
    Left,
}

/// One record that cannot be read must not keep all others: the scrub says of it what is wrong.
fn readable(outcome: Result<Ending, OperationError>) -> Result<Option<Ending>, OperationError> {
    match outcome {
        Ok(ending) => Ok(Some(ending)),
        Err(OperationError::Seal(_) | OperationError::Store(StoreError::Corrupt { .. })) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
async fn expire(
    record: RecordId,
    (now, keys): (Micros, [u8; 16]),
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    territory: &Territory,
    random: &dyn Random,
) -> Result<Ending, OperationError> {
    for _ in 0..STALE_ATTEMPTS_MAX {
        let Fetched::Found(sealed) = store.fetch(record).await? else { return Ok(Ending::Left) };
        let weighed = Weighed::of(&sealed, seal.facts(&sealed)?);
        if !weighed.facts.is_expired(now.local_days()) {
            // Its end was moved since the page was read, or the queue names a day that is not its own.
            return Ok(Ending::Left);
        }
        let holds = holds_of(&sealed.row().header.subjects, store).await?;
        let waiting = store.get(&Key::control(ControlKind::Erasure, &keys)).await?;
        let target = Expiry::new(sealed, holds, ExpiredKeys::of(keys, waiting.as_ref())?);
        let origin = Origin { request: random.bytes16()?, ..Origin::default() };
        let permit = access.decide_expiry(&weighed.item(), &origin, now, territory, target);
        let Some(permit) = permit else { return Ok(Ending::Held) };
        let change = seal.expire(&permit)?;
        match trail.commit(permit, change).await {
            Ok(_) => return Ok(Ending::Removed),
            Err(Refused::Stale(_)) => {}
            Err(Refused::Limit(_)) => {
                return Err(OperationError::Internal("what nobody asked for was charged"));
            }
            Err(Refused::Trail(error)) => return Err(error.into()),
        }
    }
    Ok(Ending::Left)
}
