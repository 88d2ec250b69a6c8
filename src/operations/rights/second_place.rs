//! Brings erasures into a second place, and from there back into a vault that was restored from before them.
//! Never anybody's word but the ledger's, whose lines this vault wrote: two people decided each of them.
//! What is replayed is what the ledger has and the store has not, so an ordinary start finds nothing to do.

use super::erasure_steps::items;
use crate::access::{Access, ErasureAsked, Origin};
use crate::ambient::{Micros, Random};
use crate::limits::{ERASURE_RECORDS_COUNT_MAX, ERASURE_REPLAY_ROWS_COUNT, STALE_ATTEMPTS_MAX};
use crate::operations::OperationError;
use crate::operations::keys::destroy_keys::destroy_keys;
use crate::operations::scope::Weighed;
use crate::operations::subject::{key_of, letting_go};
use crate::records::{Handle, MandateId, RecordId, SubjectId};
use crate::seal::{Erasure, ErasureRecord, ErasureState, ErasureStep, KeyHold, Seal};
use crate::store::{ControlKind, Fetched, Key, Reader, Sealed, StoreError, Stored, Version};
use crate::trail::{ErasureLedger, Refused, ToldErasure, Trail};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Brings an erasure into the ledger once its keys are destroyed.
///
/// # Errors
/// [`OperationError::Output`] where the second place does not take it.
pub async fn tell_erasure(
    id: MandateId,
    store: &Reader,
    trail: &Trail,
    ledger: &Arc<ErasureLedger>,
) -> Result<(), OperationError> {
    let stored = store.get(&Key::control(ControlKind::Erasure, id.as_bytes())).await?;
    let Some(stored) = stored.filter(|_| !ledger.has(id)) else { return Ok(()) };
    tell(id, &stored, trail, ledger).await
}

/// Brings every erasure into the ledger that the store knows of and the ledger does not: those of before there was one, and those
/// that the second place did not take when they were completed.
///
/// # Errors
/// As [`tell_erasure`].
pub async fn tell_erasures(
    store: &Reader,
    trail: &Trail,
    ledger: &Arc<ErasureLedger>,
) -> Result<(), OperationError> {
    let (prefix, mut after) = (Key::erasure_prefix(), None);
    loop {
        let page = store.scan(&prefix, after.as_ref(), ERASURE_REPLAY_ROWS_COUNT).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        for (key, stored) in &page {
            let Some(id) = key.erasure_id().map(MandateId::from_bytes) else { continue };
            if !ledger.has(id) {
                tell(id, stored, trail, ledger).await?;
            }
        }
    }
}

async fn tell(
    id: MandateId,
    stored: &Stored,
    trail: &Trail,
    ledger: &Arc<ErasureLedger>,
) -> Result<(), OperationError> {
    let record = ErasureRecord::decode(&stored.payload)?;
    let Some(told) = record.told(id, stored.index, trail.origin()) else { return Ok(()) };
    let taken = ledger.take(told).await;
    taken.map_err(|error| OperationError::Output(std::io::Error::other(error)))
}

/// What a replay did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Erasures that this vault did not know of.
    pub erasures: u64,
    /// Records that were removed again.
    pub records: u64,
    /// Records of others in which somebody of them is: that part opens for nobody, and is there still.
    pub beside: u64,
}

/// Carries out again what the ledger has and the store has not, before anybody is served.
///
/// A crash in here leaves some of it to the next start, which begins with this again.
///
/// # Errors
/// Whatever keeps it from being done: then nobody may be served.
pub async fn replay_erasures(
    ledger: &ErasureLedger,
    now: Micros,
    store: &Reader,
    seal: &Arc<Seal>,
    access: &Access,
    trail: &Trail,
    random: &dyn Random,
) -> Result<Replayed, OperationError> {
    let missing = missing(ledger, store).await?;
    if missing.is_empty() {
        return Ok(Replayed::default());
    }
    let mut found = Found::default();
    found.look_over(&missing, store, seal).await?;
    let mut done =
        Replayed { erasures: missing.len() as u64, beside: found.beside, ..Replayed::default() };
    for told in missing.values() {
        let own = found.own.remove(&told.subject).unwrap_or_default();
        done.records += own.1.len() as u64;
        erase_again(told, own, now, store, seal, access, trail, random).await?;
    }
    destroy_keys(store, seal, trail).await?;
    Ok(done)
}

/// Erasures of the ledger that are not in the store, or were only under way when it was copied, by the handles of whom they are.
async fn missing(
    ledger: &ErasureLedger,
    store: &Reader,
) -> Result<BTreeMap<Handle, ToldErasure>, OperationError> {
    let mut missing = BTreeMap::new();
    for told in ledger.told() {
        let kept = store.get(&Key::control(ControlKind::Erasure, told.id.as_bytes())).await?;
        let kept = kept.map(|kept| ErasureRecord::decode(&kept.payload)).transpose()?;
        if kept.is_none_or(|kept| kept.state == ErasureState::UnderWay) {
            missing.insert(told.subject, told);
        }
    }
    Ok(missing)
}

/// Whose the records are that are to go again.
#[derive(Default)]
struct Found {
    own: BTreeMap<Handle, (Option<SubjectId>, Vec<RecordId>)>,
    beside: u64,
}

impl Found {
    /// Handles stand in the records alone, so all of them are looked at.
    async fn look_over(
        &mut self,
        missing: &BTreeMap<Handle, ToldErasure>,
        store: &Reader,
        seal: &Seal,
    ) -> Result<(), OperationError> {
        let (prefix, mut after) = (Key::row_prefix(), None);
        loop {
            let page = store.scan(&prefix, after.as_ref(), ERASURE_REPLAY_ROWS_COUNT).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for record in page.iter().filter_map(|(key, _)| key.record()) {
                match store.fetch(record).await {
                    Ok(Fetched::Found(sealed)) => self.take(record, &sealed, missing, seal),
                    // What cannot be read opens for nobody either; the scrub says so.
                    Ok(_) | Err(StoreError::Corrupt { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    fn take(
        &mut self,
        record: RecordId,
        sealed: &Sealed,
        missing: &BTreeMap<Handle, ToldErasure>,
        seal: &Seal,
    ) {
        let Ok(facts) = seal.facts(sealed) else { return };
        for (subject, handle) in
            facts.subject_handles.iter().filter(|it| missing.contains_key(&it.1))
        {
            let subject = SubjectId::from_bytes(*subject);
            if sealed.row().header.subjects.first() == Some(&subject) {
                let own = self.own.entry(*handle).or_default();
                own.0 = Some(subject);
                own.1.push(record);
            } else {
                // Where this is all that there is of the person, its key goes by the listing alone.
                self.own.entry(*handle).or_default().0.get_or_insert(subject);
                self.beside += 1;
            }
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
async fn erase_again(
    told: &ToldErasure,
    (subject, mut records): (Option<SubjectId>, Vec<RecordId>),
    now: Micros,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    random: &dyn Random,
) -> Result<(), OperationError> {
    let mut stale = 0;
    loop {
        let step = records.len().min(ERASURE_RECORDS_COUNT_MAX);
        let is_last = step == records.len();
        let target = target(told, subject, (&records[..step], is_last), now, store, seal);
        let (target, weighed) = target.await?;
        let origin = Origin { request: random.bytes16()?, ..Origin::default() };
        let asked = ErasureAsked {
            id: told.id,
            subject: Some(told.subject),
            area: Some(&told.area),
            reason: &told.reason,
        };
        let permit = access.permit_replay(&asked, &items(&weighed), &origin, target);
        let change = seal.erase(&permit)?;
        match trail.commit(permit, change).await {
            Ok(_) if is_last => return Ok(()),
            Ok(_) => {
                records.drain(..step);
                stale = 0;
            }
            Err(Refused::Trail(error)) => return Err(error.into()),
            Err(Refused::Stale(_) | Refused::Limit(_)) => {
                stale += 1;
                if stale == STALE_ATTEMPTS_MAX {
                    return Err(OperationError::Internal("an erasure cannot be carried out again"));
                }
            }
        }
    }
}

/// What one step removes, as it is now.
async fn target(
    told: &ToldErasure,
    subject: Option<SubjectId>,
    (records, is_last): (&[RecordId], bool),
    now: Micros,
    store: &Reader,
    seal: &Seal,
) -> Result<(Erasure, Vec<Weighed>), OperationError> {
    let mut holds = Vec::new();
    if let Some(subject) = subject
        && let Some((wrapped, expect)) = key_of(subject, store).await?
    {
        holds.push(KeyHold { subject, wrapped, expect, is_last });
    }
    let (mut sealed, mut weighed) = (Vec::new(), Vec::new());
    for record in records {
        if let Fetched::Found(found) = store.fetch(*record).await? {
            weighed.push(Weighed::of(&found, seal.facts(&found)?));
            sealed.push(found);
        }
    }
    holds.extend(letting_go(&sealed, subject, store).await?);
    let kept = store.get(&Key::control(ControlKind::Erasure, told.id.as_bytes())).await?;
    let (mut record, version) = match &kept {
        Some(kept) => (ErasureRecord::after(kept)?, kept.version),
        None => (ErasureRecord::again(told), Version::ABSENT),
    };
    record.state = if is_last { ErasureState::Erased } else { ErasureState::UnderWay };
    let step = (ErasureStep::Remove, sealed);
    Ok((Erasure::new(*told.id.as_bytes(), step, holds, (record, version), now), weighed))
}
