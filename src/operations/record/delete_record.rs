//! Removes one record: row, index terms and listings go at once, a tombstone stays.
//! Never calls this an erasure: older copies die with their keys only when those are destroyed.
//! The caller's reason ends up sealed in the entry's context.

use super::read_record::absence;
use crate::access::{Access, Ask, Code, Item, Matter};
use crate::limits::STALE_ATTEMPTS_MAX;
use crate::operations::error::{after, refuse, turn_away};
use crate::operations::once::{Saying, UNLIKE, remember, repeated};
use crate::operations::subject::{holds_of, holds_of_nobody};
use crate::operations::{Asked, OperationError};
use crate::records::{RecordId, SchemaSet, SubjectId};
use crate::seal::{Removal, Seal};
use crate::store::{Fetched, Outcome, Reader};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};

/// What was removed.
pub struct Deleted {
    /// The entry.
    pub recorded: Recorded,
    /// Whether it was removed now.
    pub saying: Saying,
}

/// Removes the record if it still has the version that the caller saw.
///
/// # Errors
/// `not_found` before all else for a caller that may not know of it; `version_conflict`, `denied`.
#[expect(clippy::too_many_arguments, reason = "the rooms that a removal visits, in order")]
pub async fn delete_record(
    asked: &Asked<'_>,
    id: RecordId,
    version: u64,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Deleted, OperationError> {
    match repeated(asked, store, access, trail).await? {
        None => {}
        Some((Outcome::Removed, recorded)) => {
            return Ok(Deleted { recorded, saying: Saying::Again });
        }
        Some(_) => return Err(UNLIKE),
    }
    let question = asked.question(Ask::Delete, schemas, territory);
    for _ in 0..STALE_ATTEMPTS_MAX {
        let sealed = match store.fetch(id).await? {
            Fetched::Found(sealed) => sealed,
            absent => {
                if matches!(absent, Fetched::Missing) {
                    holds_of_nobody(SubjectId::from_bytes(asked.origin.request), store).await?;
                }
                let end = absence(absent, &question, &[], seal, access, trail);
                return Err(end.await);
            }
        };
        let facts = seal.facts(&sealed).map_err(|error| asked.met.unread(&sealed, error))?;
        let header = &sealed.row().header;
        let current = sealed.version().0;
        let matter = Matter::Present {
            record_type: header.record_type,
            cell: header.cell,
            facts: &facts,
            versions: Some((current, current + 1)),
        };
        let holds = holds_of(&header.subjects, store).await?;
        let removal = Removal::new(sealed, holds);
        let items = [Item { matter, fields: &[] }];
        let permit = match access.decide(&question, &items, Vec::new(), removal) {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        if current != version {
            return Err(turn_away(asked, access, trail, Code::VersionConflict).await);
        }
        let mut change = seal.remove(&permit)?;
        remember(asked, Outcome::Removed, &mut change);
        match trail.commit(permit, change).await {
            Ok(receipt) => {
                let (recorded, saying) = (receipt.recorded(), Saying::First);
                return Ok(Deleted { recorded, saying });
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
