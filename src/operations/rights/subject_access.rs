//! What the one who is present at the desk is told about itself: what is held, why and until when; and that it may be told who looked.
//! Never a value (those are read one by one, inside the same case), and never a record outside of the desk's area.
//! Only inside a check at the counter over that person, and each look is an entry.

use super::consent::{Shown, own_records};
use crate::access::{Access, Ask, Code, Item, Question, SubjectAccessAct};
use crate::limits::{CONSENT_RECORDS_COUNT_MAX, STALE_ATTEMPTS_MAX};
use crate::operations::error::{after, refuse, turn_away};
use crate::operations::mandate::mandate_of;
use crate::operations::scope::Weighed;
use crate::operations::{Asked, OperationError};
use crate::records::{BasisFact, Handle, RecordId, RecordType, SchemaSet, SubjectId};
use crate::seal::Seal;
use crate::store::Reader;
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};

/// A record that is held of somebody.
pub struct HeldRecord {
    /// Its id.
    pub record: RecordId,
    /// Its type.
    pub record_type: RecordType,
    /// The grid in which it lies now; nothing where its cell is in none.
    pub grid: Option<String>,
    /// Why it is held, each with the day on which its consent was withdrawn, in days since 1970-01-01.
    pub bases: Vec<(BasisFact, Option<i32>)>,
    /// First day on which it may no longer be read.
    pub ends_on: Option<i32>,
    /// Whether nothing is done with it but keeping it. That it is kept for a case is not told.
    pub restricted: bool,
}

/// Somebody who is present and may be told.
pub struct Present {
    /// Its name in the audit log: by it who looked is found.
    pub subject: Handle,
    /// What is held of it as a person, and where it lives, as far as the desk has to do with it.
    pub held: Vec<HeldRecord>,
    /// The entry.
    pub recorded: Recorded,
}

/// Records that the one who is present is told something about itself.
///
/// # Errors
/// As [`Access::decide_subject_access`]; `too_large` for more records than one entry names.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn subject_access(
    asked: &Asked<'_>,
    subject: SubjectId,
    act: SubjectAccessAct,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Present, OperationError> {
    for _ in 0..STALE_ATTEMPTS_MAX {
        let mandate = mandate_of(asked, store, seal).await?;
        let question =
            Question { mandate: mandate.as_ref(), ..asked.question(Ask::Read, schemas, territory) };
        // Without a check nothing is looked for: how long it takes tells nobody who is held.
        let is_checked = mandate.as_ref().is_some_and(|mandate| mandate.at_counter);
        let (held, seen) = match is_checked {
            true => own_records(asked, subject, store, seal, access, territory).await?,
            false => (Vec::new(), Vec::new()),
        };
        let items: Vec<Item<'_>> = held.iter().map(Weighed::item).collect();
        let permit = match access.decide_subject_access(&question, act, &items, Shown::of(seen)) {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let name = held.first().and_then(|one| one.facts.subject_handles.first());
        let Some((_, handle)) = name.filter(|_| held.len() <= CONSENT_RECORDS_COUNT_MAX) else {
            return Err(turn_away(asked, access, trail, Code::TooLarge).await);
        };
        match trail.append(permit).await {
            Ok(receipt) => {
                let recorded = receipt.recorded();
                let told = |one: &Weighed| held_record(one, territory, asked);
                return Ok(Present {
                    subject: *handle,
                    held: held.iter().map(told).collect(),
                    recorded,
                });
            }
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

fn held_record(one: &Weighed, territory: &Territory, asked: &Asked<'_>) -> HeldRecord {
    let facts = &one.facts;
    let withdrawn = |basis: &BasisFact| (basis.clone(), facts.withdrawn_on(basis));
    HeldRecord {
        record: one.record,
        record_type: one.record_type,
        grid: territory.grid_of(one.cell, asked.now.0).map(|grid| grid.to_string()),
        bases: facts.bases.iter().map(withdrawn).collect(),
        ends_on: facts.retain_until,
        restricted: facts.restricted,
    }
}
