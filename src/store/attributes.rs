//! What of the store is sealed under the header key, and where the attributes of a row stand that were sealed anew under another one.
//! Never opens anything: it finds the sealed bytes, and a row is not written again, so neither its version nor what the log says of it
//! moves.
//! Sealed anew they lie beside the row under its version, so whoever finds both takes those of the row that it found.

use super::row::{self, RowOrTombstone};
use super::{Bytes, Key, Op, Reader, StoreError, Version};
use crate::records::RecordId;

/// The bytes in a stored value that are sealed under the header key, where it has any: of a row its attributes, of a removed record what
/// is left of them. Nothing for a row that is malformed.
pub fn sealed_by_header<'a>(key: &Key, payload: &'a [u8]) -> Option<&'a [u8]> {
    if key.is_row() {
        return row::attributes_in(payload).ok();
    }
    key.is_by_header().then_some(payload)
}

/// Takes attributes away that were sealed anew for the rows which these steps replace: what is put in their places has its own.
pub fn without_moved_attributes(ops: &[Op]) -> Vec<Op> {
    let rows = ops.iter().map(Op::key).filter(|key| key.is_row());
    rows.filter_map(Key::record).map(|id| Op::Delete(Key::moved_attributes(id))).collect()
}

impl Reader {
    /// Attributes that were sealed anew for a row, with the version of the row that they are of. One that never had any costs nothing
    /// while no row does.
    pub(super) fn moved_attributes(
        &self,
        id: RecordId,
    ) -> Result<Option<(Version, Bytes)>, StoreError> {
        if !self.shared.has_moved_attributes() {
            return Ok(None);
        }
        let found = self.shared.engine.get_shared(&Key::moved_attributes(id))?;
        Ok(found.map(|(version, _, sealed)| (version, sealed)))
    }
}

impl RowOrTombstone {
    /// With the attributes that were sealed anew, where they are of this version of it.
    pub(super) fn with(self, moved: Option<(Version, Bytes)>, version: Version) -> RowOrTombstone {
        let Some((_, sealed)) = moved.filter(|(of, _)| *of == version) else { return self };
        match self {
            RowOrTombstone::Row(mut row, header) => {
                row.attributes = sealed;
                RowOrTombstone::Row(row, header)
            }
            RowOrTombstone::Tombstone(mut tombstone) => {
                tombstone.sealed = sealed.to_vec();
                RowOrTombstone::Tombstone(tombstone)
            }
        }
    }
}
