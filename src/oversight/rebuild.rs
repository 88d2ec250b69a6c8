//! Has what is derived from the log made again, at an administrator's word: the search index, and what the search for anomalies remembers.
//! Never touches the log; while it is made, searches find what is indexed so far and say how far that is.
//! The entry stands before anything is thrown away.

use super::anomalies::Anomalies;
use super::entries::TheLog;
use super::error::{OversightError, record, refuse};
use super::index::{Index, IndexState};
use crate::access::{Access, Duty, Origin};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::trail::{Recorded, Trail};

/// Throws away the index and the anomalies that were found, and begins both anew. Gives the state of the index before.
///
/// # Errors
/// `denied` without the duty.
pub async fn rebuild_index(
    actor: &Actor,
    origin: &Origin,
    now: Micros,
    access: &Access,
    trail: &Trail,
    index: &Index,
    anomalies: &Anomalies,
) -> Result<(IndexState, Recorded), OversightError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, Duty::AuditIndex, origin, now, TheLog) {
        Ok(permit) => permit,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let recorded = record(permit, standing, origin, access, trail).await?;
    let before = index.state();
    index.rebuild();
    anomalies.search_again();
    Ok((before, recorded))
}
