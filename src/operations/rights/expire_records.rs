//! Removes what is past its end: the vault's own doing, on nobody's word. A whole record, or of one that stays the fields that nothing
//! carries any more since a consent was taken back.
//! Never before its day, never what a law holds or what is restricted, and never without an entry for each record.
//! A record that is the last one of somebody takes that key along, which then waits like that of anybody who was erased.

use crate::access::{Access, Item, Origin};
use crate::ambient::{Micros, Random};
use crate::limits::{EXPIRY_PART_COUNT, STALE_ATTEMPTS_MAX};
use crate::operations::leaving::leaving;
use crate::operations::scope::Weighed;
use crate::operations::subject::holds_of;
use crate::operations::{OperationError, draw};
use crate::purposes::{HeldFor, PurposeSet};
use crate::records::{RecordId, SchemaSet};
use crate::seal::{ExpiredKeys, Expiry, FieldExpiry, LeavingFields, Seal};
use crate::store::{ControlKind, Fetched, Key, Reader, Sealed, StoreError};
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
    /// Records that lost fields and stay.
    pub reduced: u64,
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
            reduced: self.reduced + other.reduced,
            held: self.held + other.held,
            left: self.left + other.left,
        }
    }
}

/// Goes on with a walk by a few records, each decided, removed and recorded by itself.
///
/// A crash leaves each of them as it was or done with; whoever walks again finds those that are there. Keys that went are destroyed
/// by [`crate::operations::keys::destroy_keys`], which is to be called behind the walk, and which a start calls too.
///
/// # Errors
/// What keeps anything from being recorded or read at all. What was removed before stays so.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn expire_records(
    walk: &mut ExpiryWalk,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    purposes: &PurposeSet,
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
        let rules = (schemas, purposes, territory);
        let removed = expire(record, (walk.now, keys), store, seal, access, trail, rules, random);
        match readable(removed.await)? {
            Some(Ending::Removed) => done.removed += 1,
            Some(Ending::Reduced) => done.reduced += 1,
            Some(Ending::Held) => done.held += 1,
            Some(Ending::Gone) => {}
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
    Reduced,
    Gone,
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
    (schemas, purposes, territory): (&SchemaSet, &PurposeSet, &Territory),
    random: &dyn Random,
) -> Result<Ending, OperationError> {
    let today = now.local_days();
    for _ in 0..STALE_ATTEMPTS_MAX {
        let sealed = match store.fetch(record).await? {
            Fetched::Found(sealed) => sealed,
            // Somebody removed it since the page was read, or this walk did where an end of its fields stood in front of its own.
            Fetched::Erased(..) => return Ok(Ending::Gone),
            Fetched::Missing => return Ok(Ending::Left),
        };
        let weighed = Weighed::of(&sealed, seal.facts(&sealed)?);
        let waiting = store.get(&Key::control(ControlKind::Erasure, &keys)).await?;
        let waiting = ExpiredKeys::of(keys, waiting.as_ref())?;
        let origin = Origin { request: random.bytes16()?, ..Origin::default() };
        let subjects = &sealed.row().header.subjects;
        let ending = if weighed.facts.is_expired(today) {
            let holds = holds_of(subjects, store).await?;
            let target = Expiry::new(sealed, holds, waiting);
            let permit = access.decide_expiry(&weighed.item(), &origin, now, territory, target);
            let Some(permit) = permit else { return Ok(Ending::Held) };
            let change = seal.expire(&permit)?;
            settled(trail.commit(permit, change).await, Ending::Removed)?
        } else if weighed.facts.fields_end.is_some_and(|day| today >= day) {
            // The record stays, and its own subject with it.
            let holds = holds_of(subjects.get(1..).unwrap_or_default(), store).await?;
            let fields = leaving_now(&weighed, &sealed, now, schemas, purposes);
            let names: Vec<String> = fields.names.iter().cloned().collect();
            let item = Item { fields: &names, ..weighed.item() };
            let target = FieldExpiry::new(sealed, fields, holds, waiting);
            let permit = access.decide_field_expiry(&item, &origin, now, territory, target);
            let Some(permit) = permit else { return Ok(Ending::Held) };
            let change = seal.expire_fields(&permit)?;
            settled(trail.commit(permit, change).await, Ending::Reduced)?
        } else {
            // Its end was moved since the page was read, or the queue names a day that is not its own.
            return Ok(Ending::Left);
        };
        if let Some(ending) = ending {
            return Ok(ending);
        }
    }
    Ok(Ending::Left)
}

/// The ending, once it is durable; nothing where something changed since the record was looked at.
fn settled<T, R>(
    committed: Result<R, Refused<T>>,
    ending: Ending,
) -> Result<Option<Ending>, OperationError> {
    match committed {
        Ok(_) => Ok(Some(ending)),
        Err(Refused::Stale(_)) => Ok(None),
        Err(Refused::Limit(_)) => {
            Err(OperationError::Internal("what nobody asked for was charged"))
        }
        Err(Refused::Trail(error)) => Err(error.into()),
    }
}

/// What of a record goes today, by what it is held for now and by the purposes as they are now.
fn leaving_now(
    weighed: &Weighed,
    sealed: &Sealed,
    now: Micros,
    schemas: &SchemaSet,
    purposes: &PurposeSet,
) -> LeavingFields {
    let (held, today) = (HeldFor::of(&weighed.facts), now.local_days());
    let end = weighed.facts.retain_until;
    let leaving = schemas
        .get(weighed.record_type)
        .map(|schema| leaving(&held, schema, sealed.row(), end, purposes));
    LeavingFields {
        names: leaving.as_ref().map(|leaving| leaving.gone_on(today)).unwrap_or_default(),
        next_end: leaving.and_then(|leaving| leaving.next_after(today)),
        at: now,
    }
}
