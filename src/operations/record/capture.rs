//! Captures that their makers may send again after days offline: one capture is one record, for ever.
//! Never compares what a repeat says with what the first one said: nothing that could confirm a guess is kept.
//! A record that was removed is not made again by its capture.

use super::create_record::is_about_a_person;
use super::read_record::absence;
use crate::access::{Access, Ask, Code};
use crate::operations::error::turn_away;
use crate::operations::{Asked, OperationError};
use crate::records::{CaptureId, SchemaSet, SubjectId};
use crate::seal::Seal;
use crate::store::{Captured, CapturedPerson, Change, Fetched, Key, Reader, Sealed, StoreError};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};

/// A capture that is stored, as its record is now.
pub(super) struct Stored {
    pub(in crate::operations) captured: Captured,
    pub(in crate::operations) subject: Option<SubjectId>,
    pub(in crate::operations) version: u64,
    pub(in crate::operations) recorded: Recorded,
}

/// The record of a capture, if it is stored.
///
/// # Errors
/// `not_found` when the caller may not know of the record any more, `erased` when it was removed.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits")]
pub(super) async fn stored_capture(
    asked: &Asked<'_>,
    capture: Option<CaptureId>,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Option<Stored>, OperationError> {
    let Some(capture) = capture else { return Ok(None) };
    let Some(stored) = store.get(&key_of(asked, capture, seal)).await? else { return Ok(None) };
    let captured =
        Captured::decode(&stored.payload).map_err(|_| StoreError::Corrupt { what: "capture" })?;
    let sealed = match store.fetch(captured.id).await? {
        Fetched::Found(sealed) => sealed,
        gone => {
            let question = asked.question(Ask::Read, schemas, territory);
            return Err(absence(gone, &question, &[], seal, access, trail).await);
        }
    };
    let facts = seal.facts(&sealed)?;
    let (header, line) = (&sealed.row().header, facts.line.as_deref());
    let standing = asked.actor.standing();
    // Its maker may have been moved to another grid since: what became of the record is no longer its business.
    let (kind, cell, protected) = (header.record_type, header.cell, facts.protected_address);
    if !access.may_know(standing, kind, cell, line, protected, territory, asked.now) {
        return Err(turn_away(asked, access, trail, Code::NotFound).await);
    }
    let recorded = trail.recorded(stored.index).await?;
    let (subject, version) = (subject_of(&sealed), sealed.version().0);
    Ok(Some(Stored { captured, subject, version, recorded }))
}

/// The subject of a person of a captured household, while its record is there.
pub(super) async fn subject_now(
    person: &CapturedPerson,
    store: &Reader,
) -> Result<Option<SubjectId>, OperationError> {
    match store.fetch(person.id).await? {
        Fetched::Found(sealed) => Ok(subject_of(&sealed)),
        Fetched::Erased(..) | Fetched::Missing => Ok(None),
    }
}

/// Lets a change say that it stores a capture.
pub(super) fn keep_capture(
    asked: &Asked<'_>,
    capture: Option<CaptureId>,
    captured: &Captured,
    seal: &Seal,
    change: &mut Change,
) {
    if let Some(capture) = capture {
        change.put_new(key_of(asked, capture, seal), captured.encode());
    }
}

fn key_of(asked: &Asked<'_>, capture: CaptureId, seal: &Seal) -> Key {
    let caller = asked.actor.standing().actor;
    Key::capture(caller.as_bytes(), &seal.capture_tag(caller, capture))
}

fn subject_of(sealed: &Sealed) -> Option<SubjectId> {
    let header = &sealed.row().header;
    is_about_a_person(header.record_type).then(|| header.subjects.first().copied()).flatten()
}
