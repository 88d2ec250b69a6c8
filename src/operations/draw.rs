//! Draws the random parts of what is stored: ids and audit handles.
//! Never derives one from another: a handle says nothing of the record that it stands for.
//! Time and chance are given.

use crate::ambient::{Micros, NoRandomness, Random};
use crate::records::{Handle, MandateId, RecordId, SubjectId};

/// A new record id.
pub(super) fn record_id(now: Micros, random: &dyn Random) -> Result<RecordId, NoRandomness> {
    Ok(RecordId::new(now.unix_millis(), random.bytes10()?))
}

/// A new subject id.
pub(super) fn subject_id(now: Micros, random: &dyn Random) -> Result<SubjectId, NoRandomness> {
    Ok(SubjectId::new(now.unix_millis(), random.bytes10()?))
}

/// A new id of a mandate.
pub(super) fn mandate_id(now: Micros, random: &dyn Random) -> Result<MandateId, NoRandomness> {
    Ok(MandateId::new(now.unix_millis(), random.bytes10()?))
}

/// A new audit handle.
pub(super) fn handle(random: &dyn Random) -> Result<Handle, NoRandomness> {
    Ok(Handle::from_bytes(random.bytes16()?))
}
