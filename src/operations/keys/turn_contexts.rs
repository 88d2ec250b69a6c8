//! The steps of a rotation of context keys: another one for what is sealed from now on, and the former as long as its month is kept.
//! Never the key of a month under which something may have been sealed already: not near the turn of one, where clocks may differ.
//! Who ends the former is the retention of the log, with the month.
//!
//! ```text
//! 2 plan     one frame: entry `key.rotate` (step draw), the row says which month and which key of it
//! 3 draw     the ring with a next key of this month and other keys of the later ones, slot B, then slot A;
//!            then one frame: entry `key.rotate` (step overlap), the row says that it is done
//! ```
//! A crash between the ring and the frame of 3 leaves a ring that has the key which the row names: the next process says it then.

use super::rewrap::on_disk;
use super::turn_keys::said;
use crate::ambient::Micros;
use crate::limits::CONTEXT_TURN_MARGIN_SECONDS;
use crate::operations::OperationError;
use crate::seal::{Overlap, RotationRecord, Seal};
use crate::store::Reader;
use crate::trail::{Announcement, KeyNews, Trail};
use std::sync::Arc;

/// Takes the next step; false where there is nothing to do but to wait: for the turn of the month, or for the next month where this
/// one's key was replaced before.
pub(super) async fn turn_contexts(
    record: &RotationRecord,
    now: Micros,
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<bool, OperationError> {
    if settle_contexts(record, store, seal, trail).await? {
        return Ok(true);
    }
    let (id, what) = (*record.id.as_bytes(), record.kind.as_str());
    if let Some(plan) = &record.overlap {
        let planned = Micros(plan.from);
        let is_held = seal.context_epochs(planned)?.is_some();
        if is_held && is_far_from_a_turn(now) && now.year_month() == planned.year_month() {
            let seal = seal.clone();
            on_disk(move || seal.turn_contexts(now)).await?;
            return Ok(true);
        }
    }
    let Some((present, newest)) = seal.context_epochs(now)? else { return Ok(false) };
    if !is_far_from_a_turn(now) || present != newest {
        return Ok(false);
    }
    let (year, month) = now.year_month();
    let month = format!("{year:04}-{month:02}");
    let (epoch, from) = (newest.saturating_add(1), now.0);
    let plan = Overlap { epoch, former: month.clone(), next: month, from, until: from };
    let told = || Announcement::Rotated { id, what, step: "draw", keys: 1 };
    let planned = |record: &mut RotationRecord| record.overlap = Some(plan.clone());
    said(record.id, told, planned, store, seal, trail).await?;
    Ok(true)
}

/// Says what the ring has of the month that was planned, and the row does not know of; false where there is nothing to say. A month
/// whose keys went before the next one was drawn is no such thing.
pub(super) async fn settle_contexts(
    record: &RotationRecord,
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<bool, OperationError> {
    let plan = record.overlap.as_ref().filter(|_| record.done == 0);
    let Some(plan) = plan else { return Ok(false) };
    let epochs = seal.context_epochs(Micros(plan.from))?;
    if epochs.is_none_or(|(_, newest)| newest < plan.epoch) {
        return Ok(false);
    }
    let told = || {
        let (id, month) = (*record.id.as_bytes(), plan.next.clone());
        Announcement::OfKeys(KeyNews::ContextTurned { id, month })
    };
    let done = |record: &mut RotationRecord| record.done = 1;
    said(record.id, told, done, store, seal, trail).await?;
    Ok(true)
}

/// Whether a clock that is a little ahead or behind names the same month.
fn is_far_from_a_turn(now: Micros) -> bool {
    let margin = CONTEXT_TURN_MARGIN_SECONDS * 1_000_000;
    let around = [now.0.saturating_sub(margin), now.0.saturating_add(margin)];
    around.map(|near| Micros(near).year_month()) == [now.year_month(); 2]
}
