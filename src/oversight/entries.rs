//! Lists entries in the order of the log.
//! Never opens their sealed context, and never lists without an entry of its own.
//! Only published entries are listed: each of them can be proven.

use super::error::{OversightError, record, refuse, turn_away};
use crate::access::{Access, Code, Duty, Origin};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::limits::AUDIT_PAGE_COUNT_MAX;
use crate::records::{Owner, RecordRef, Target};
use crate::trail::{Recorded, Trail};
use gridvault_audit::LogReader;

/// A page of the log.
pub struct Entries {
    /// The entries, as they were written.
    pub entries: Vec<serde_json::Value>,
    /// The index after the last one.
    pub next: u64,
    /// The first index that was not pruned.
    pub minimum: u64,
    /// How many are published.
    pub size: u64,
    /// The entry of this reading.
    pub recorded: Recorded,
}

/// The target of a reading: the log itself.
pub(super) struct TheLog;

impl Target for TheLog {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, _owner: Owner) -> bool {
        false
    }
}

/// Lists up to `limit` entries from an index on.
///
/// # Errors
/// `denied` without the duty, `schema_invalid` for a page above the limit.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn read_entries(
    actor: &Actor,
    from: u64,
    limit: usize,
    origin: &Origin,
    now: Micros,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
) -> Result<Entries, OversightError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, Duty::AuditRead, origin, now, TheLog) {
        Ok(permit) => permit,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    if limit == 0 || limit > AUDIT_PAGE_COUNT_MAX {
        return Err(turn_away(standing, Code::SchemaInvalid, origin, access, trail).await);
    }
    let recorded = record(permit, standing, origin, access, trail).await?;
    let (size, minimum) = (log.size()?, log.minimum()?.index);
    let from = from.max(minimum);
    let entries = log
        .entries(from, limit)?
        .iter()
        .map(|entry| serde_json::from_slice(entry).map_err(|_| OversightError::Malformed))
        .collect::<Result<Vec<serde_json::Value>, _>>()?;
    let next = from.min(size) + entries.len() as u64;
    Ok(Entries { entries, next, minimum, size, recorded })
}
