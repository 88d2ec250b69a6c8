//! Erases somebody: the desk asks, the protection officer agrees, a desk of the same area carries it out.
//! Never what a law holds or what is restricted, never on one person's word, and never without an entry for each step.
//! The order of what is written, and what a crash leaves behind:
//!
//! ```text
//! 1 blind    one frame a step: entry `subject.erase`, rows of others without the person's part, how far it is
//! 2 remove   one frame a step: entry `data.erase`, tombstones, no terms and listings, how far it is; the record that was named
//!            and the person's wrapped key go with the last, which says that keys are to be destroyed; of whom nothing is held but a
//!            part in records of others, the key goes with the last step of 1
//! 3 draw     the ring with a next key for each bucket, slot B, then slot A; then the entry `key.rotate`
//! 4 wrap     one frame a step: entry `key.rewrap`, the wrapped keys of those who stay, under the next keys
//! 5 destroy  the ring with the next keys in the place of the present ones, slot B, then slot A; then 3 to 5 once more for the
//!            index buckets of the terms that went, over the terms of those who stay, with an entry `key.destroy` of its own
//! 6 say so   one frame: the entry `key.destroy`, which names the erasures that are complete with it
//! ```
//! After 1 or 2 some records are gone, the request is open as before, and whoever says it again goes on. After the last step
//! of 2 nothing of the person is served, and the vault itself does the rest, then or at its next start (`destroy_keys`): after
//! 3 both keys of each bucket open; after 4 nobody needs the former; from 5 on no copy of the person's keys opens; and 6 is
//! said once more as long as it is not in the log. Nobody else's key is ever under a key that is not in the ring.

use super::consent::{is_known, rehearse};
use super::erasure_steps::{Held, items};
use super::second_place::tell_erasure;
use crate::access::{Access, Ask, Code, ErasureAct, ErasureAsked, ErasureDesk, Fact, Item, Permit};
use crate::ambient::Random;
use crate::limits::{APPROVAL_WAIT_SECONDS, ERASURE_SECONDS, STALE_ATTEMPTS_MAX};
use crate::operations::error::{after, refuse, turn_away};
use crate::operations::keys::destroy_keys::destroy_keys;
use crate::operations::mandate::{Kept, begun, kept_mandate, moved};
use crate::operations::scope::{Named, Weighed};
use crate::operations::steps::Steps;
use crate::operations::{Asked, OperationError, draw};
use crate::purposes::ConsentGiver;
use crate::records::{MandateId, SchemaSet, SubjectId};
use crate::seal::{
    Erasing, ErasureRecord, ErasureState, MandateRecord, MandateState, Nature, Seal,
};
use crate::store::{ControlKind, Key, Reader, Stored};
use crate::territory::Territory;
use crate::trail::{ErasureLedger, Recorded, Trail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::sync::Arc;

/// An erasure, as the desk takes the request for it.
pub struct EraseRequest {
    /// Whose.
    pub subject: SubjectId,
    /// Why: a code.
    pub reason: &'static str,
    /// Who asks for it.
    pub by: ConsentGiver,
    /// By which document the desk knows them: a code, never a number.
    pub proof: &'static str,
}

/// Brings an erasure before the protection officer.
///
/// # Errors
/// `legal_hold` and `restricted` for what may not go; `schema_invalid` for a child for which the guardian does not ask; else as
/// [`Access::decide_erasure`].
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn ask_erasure(
    asked: &Asked<'_>,
    request: &EraseRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<(MandateId, Recorded), OperationError> {
    let id = draw::mandate_id(asked.now, random)?;
    let question = asked.question(Ask::Delete, schemas, territory);
    for _ in 0..STALE_ATTEMPTS_MAX {
        let held = Held::of(request.subject, store, seal).await?;
        let known = |one: &&Weighed| is_known(one, asked, access, territory);
        let named: Vec<Item<'_>> =
            held.naming().iter().find(known).map(Weighed::item).into_iter().collect();
        let subject = held.handle;
        let terms = ErasureAsked { id, subject, area: None, reason: request.reason };
        let (own, others) = (items(&held.own), items(&held.others));
        let target = Named::over(id, &[]).and(&held.seen);
        let parts = (&own[..], &others[..], &named[..]);
        let decided = access.decide_erasure(&question, ErasureAct::Ask, &terms, parts, target);
        let (permit, desk) = match decided {
            Ok(decided) => decided,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let is_childs = held.own.iter().any(|one| one.facts.is_under_14(asked.now.local_days()));
        if is_childs && request.by != ConsentGiver::Guardian {
            return Err(turn_away(asked, access, trail, Code::SchemaInvalid).await);
        }
        let named = held.naming().iter().find(known);
        let record = record_of(asked, request, named, desk);
        let change = begun(id, &record, seal)?;
        let permit = permit.stating("proof", Fact::Code(request.proof.to_owned()));
        match trail.commit(permit, change).await {
            Ok(receipt) => return Ok((id, receipt.recorded())),
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

fn record_of(
    asked: &Asked<'_>,
    request: &EraseRequest,
    named: Option<&Weighed>,
    desk: ErasureDesk,
) -> MandateRecord {
    let by = match request.by {
        ConsentGiver::Self_ => "self",
        ConsentGiver::Guardian => "guardian",
    };
    let erasing = Erasing {
        subject: request.subject,
        reason: request.reason.to_owned(),
        by: by.to_owned(),
        proof: request.proof.to_owned(),
        area: desk.area,
    };
    let named = named.map(|one| (one.record, *one.facts.record_handle.as_bytes()));
    MandateRecord {
        purpose: asked.purpose.id.as_str().to_owned(),
        records: named.into_iter().collect(),
        until: asked.now.0.saturating_add(APPROVAL_WAIT_SECONDS * 1_000_000),
        single_use: true,
        role: desk.role,
        waits_at: Some(*desk.waits_at.as_bytes()),
        seconds: ERASURE_SECONDS,
        nature: Some(Nature::Erasing(erasing)),
        ..MandateRecord::blank(MandateState::Asked, asked.actor.standing().actor, asked.now)
    }
}

/// What became of an erasure.
pub struct Erased {
    /// Entries of its steps, the last one is behind which nothing is held.
    pub entries: Vec<u64>,
    /// The entry behind which no copy of the keys opens; nothing where they are still to be destroyed.
    pub destroyed: Option<u64>,
    /// The last entry of this call.
    pub recorded: Recorded,
}

/// Carries out what the protection officer agreed to. Whoever gets no answer says it again: it goes on where it stopped.
///
/// # Errors
/// `approval_required` before the officer agreed; `version_conflict` for what was refused, is over or was carried out; `stale`
/// where it takes more steps than one call has, to be said again; else as [`ask_erasure`].
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn carry_out_erasure(
    asked: &Asked<'_>,
    id: MandateId,
    ledger: Option<&Arc<ErasureLedger>>,
    store: &Reader,
    seal: &Arc<Seal>,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Erased, OperationError> {
    let question = asked.question(Ask::Delete, schemas, territory);
    let mut steps = Steps::default();
    while steps.go_on() {
        let Some((kept, erasing)) = erasing_of(id, store, seal).await? else {
            return Err(unknown(asked, id, store, seal, access, trail, schemas, territory).await);
        };
        let held = Held::of(erasing.subject, store, seal).await?;
        let before = store.get(&Key::control(ControlKind::Erasure, id.as_bytes())).await?;
        let named = kept.record.records.first().map(|(record, _)| *record);
        let Some(step) = held.step(named, store).await? else {
            steps.went_stale();
            continue;
        };
        let (left, act) = (step.left, step.act());
        let changed: Vec<Item<'_>> = step.changed.iter().map(|at| held.item(*at)).collect();
        let terms = ErasureAsked {
            id,
            subject: held.handle,
            area: Some(&erasing.area),
            reason: &erasing.reason,
        };
        let (own, others) = (items(&held.own), items(&held.others));
        let record = state_after(before.as_ref(), &erasing, &held, left)?;
        let target = step.target(id, record, before.as_ref(), asked);
        let parts = (&own[..], &others[..], &changed[..]);
        let decided = access.decide_erasure(&question, act, &terms, parts, target);
        let permit = match decided {
            Ok((permit, _)) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        // Who may not know of it learns nothing of how far it is.
        if let Some(code) = unfit(&kept, asked) {
            return Err(turn_away(asked, access, trail, code).await);
        }
        let mut change = seal.erase(&permit)?;
        if left == 0 {
            change.append(moved(&kept, &closed(&kept.record), seal)?);
        }
        match trail.commit(counting(permit, left), change).await {
            Ok(receipt) if left == 0 => {
                return finished(id, ledger, receipt.recorded(), store, seal, trail).await;
            }
            // A crash here leaves the request as it was, so it can be said again.
            Ok(_) => steps.went_on(),
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
                steps.went_stale();
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// The request with this id, where it is one for an erasure that is not closed.
async fn erasing_of(
    id: MandateId,
    store: &Reader,
    seal: &Seal,
) -> Result<Option<(Kept, Erasing)>, OperationError> {
    let Some(kept) = kept_mandate(id, store, seal).await? else { return Ok(None) };
    let erasing = kept.record.erasing().cloned();
    Ok(erasing.filter(|_| kept.record.state != MandateState::Closed).map(|it| (kept, it)))
}

/// The end for a request that is not there, is no request for an erasure, or is done: then `version_conflict` to whoever gets
/// its certificate, and what is left of the keys is destroyed first.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
async fn unknown(
    asked: &Asked<'_>,
    id: MandateId,
    store: &Reader,
    seal: &Arc<Seal>,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> OperationError {
    let done = match erasure_of(id, store).await {
        Ok(done) => done,
        Err(error) => return error,
    };
    let question = asked.question(Ask::Delete, schemas, territory);
    let terms = done.as_ref().map(|(record, _)| asked_of(id, record));
    if let Err(error) = rehearse(SubjectId::from_bytes(*id.as_bytes()), store, seal).await {
        return error;
    }
    match access.decide_certificate(&question, terms.as_ref(), ()) {
        Err(denied) => refuse(trail, denied).await,
        Ok(_) => match destroy_keys(store, seal, trail).await {
            Ok(_) => turn_away(asked, access, trail, Code::VersionConflict).await,
            Err(error) => error,
        },
    }
}

/// What is kept of an erasure, and the entry that wrote it.
async fn erasure_of(
    id: MandateId,
    store: &Reader,
) -> Result<Option<(ErasureRecord, Stored)>, OperationError> {
    let stored = store.get(&Key::control(ControlKind::Erasure, id.as_bytes())).await?;
    let Some(stored) = stored else { return Ok(None) };
    Ok(Some((ErasureRecord::decode(&stored.payload)?, stored)))
}

/// An erasure as a decision asks about it.
fn asked_of(id: MandateId, record: &ErasureRecord) -> ErasureAsked<'_> {
    let (area, reason) = (Some(&*record.area), &*record.reason);
    ErasureAsked { id, subject: record.handle(), area, reason }
}

/// Destroys the keys, as the vault's own doing, and tells the second place. What cannot be done now is done at the next start.
async fn finished(
    id: MandateId,
    ledger: Option<&Arc<ErasureLedger>>,
    recorded: Recorded,
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<Erased, OperationError> {
    let destroyed = destroy_keys(store, seal, trail).await;
    if let Err(error) = &destroyed {
        tracing::error!(%error, "the keys of somebody who was erased are still to be destroyed");
    }
    if let Some(ledger) = ledger
        && let Err(error) = tell_erasure(id, store, trail, ledger).await
    {
        tracing::error!(%error, "the second place did not take an erasure: its certificate waits");
    }
    let done = erasure_of(id, store).await?;
    let (mut entries, mut end) = (vec![recorded.index()], None);
    if let Some((record, stored)) = done {
        match record.state {
            ErasureState::Destroyed => (entries, end) = (record.entries, Some(stored.index)),
            _ => entries = [record.entries, vec![stored.index]].concat(),
        }
    }
    Ok(Erased { entries, destroyed: end, recorded })
}

/// Why it is not carried out now, if it is not.
fn unfit(kept: &Kept, asked: &Asked<'_>) -> Option<Code> {
    match kept.record.state {
        MandateState::Open if asked.now.0 < kept.record.until => None,
        MandateState::Asked if asked.now.0 < kept.record.until => Some(Code::ApprovalRequired),
        _ => Some(Code::VersionConflict),
    }
}

/// The request behind its last step: who it was about is in it no more.
fn closed(record: &MandateRecord) -> MandateRecord {
    let nature = record.erasing().map(|erasing| {
        let subject = SubjectId::from_bytes([0; 16]);
        Nature::Erasing(Erasing { subject, ..erasing.clone() })
    });
    MandateRecord {
        state: MandateState::Closed,
        records: Vec::new(),
        subjects: Vec::new(),
        nature,
        ..record.clone()
    }
}

/// What is kept of the erasure behind a step.
fn state_after(
    before: Option<&Stored>,
    erasing: &Erasing,
    held: &Held,
    left: usize,
) -> Result<ErasureRecord, OperationError> {
    let mut record = match before {
        Some(stored) => ErasureRecord::after(stored)?,
        None => ErasureRecord {
            state: ErasureState::UnderWay,
            area: erasing.area.clone(),
            reason: erasing.reason.clone(),
            subject: held
                .handle
                .map_or_else(String::new, |it| BASE64_URL_SAFE_NO_PAD.encode(it.as_bytes())),
            entries: Vec::new(),
            keys: Vec::new(),
            terms: Vec::new(),
        },
    };
    record.state = if left == 0 { ErasureState::Erased } else { ErasureState::UnderWay };
    Ok(record)
}

/// Says in the entry of a step how many records are left.
fn counting<T>(permit: Permit<T>, left: usize) -> Permit<T> {
    if left == 0 { permit } else { permit.stating("left", Fact::Number(left as u64)) }
}
