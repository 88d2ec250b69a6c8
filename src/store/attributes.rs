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

#[cfg(test)]
mod tests {
    use super::super::{
        ControlKind, EngineKind, Fetched, Header, Row, Sealed, SystemKey, Tombstone, open,
    };
    use super::*;
    use crate::records::{MandateId, RecordType, SubjectId};
    use crate::territory::CellId;

    const ID: RecordId = RecordId::from_bytes([1; 16]);

    fn row(version: u64) -> Vec<u8> {
        let header = Header {
            id: ID,
            record_type: RecordType::Person,
            cell: CellId::from_bytes([2; 8]),
            version,
            schema: 1,
            subjects: vec![SubjectId::from_bytes([3; 16])],
            terms: Vec::new(),
        };
        Row { header, attributes: b"of the row"[..].into(), sections: Vec::new() }.encode()
    }

    fn tombstone() -> Vec<u8> {
        let (record_type, cell) = (RecordType::Person, CellId::from_bytes([2; 8]));
        Tombstone { id: ID, record_type, cell, sealed: b"what is left".to_vec() }.encode()
    }

    fn fetched(reader: &Reader) -> Fetched {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(reader.fetch(ID)).expect("a row")
    }

    fn found(reader: &Reader) -> Sealed {
        let Fetched::Found(sealed) = fetched(reader) else { panic!("a record") };
        sealed
    }

    #[test]
    fn attributes_that_were_sealed_anew_count_for_the_version_of_the_row_that_they_are_of() {
        let directory = tempfile::tempdir().expect("a directory");
        let opened = || open(directory.path(), EngineKind::Sled, 16 << 20).expect("a store");
        let (reader, mut applier) = opened();
        let mut put = |key: Key, version, bytes: &[u8]| {
            let op = Op::Put(key, Version(version), bytes.to_vec());
            applier.apply([(7, &op)]).expect("applied");
        };
        put(Key::row(ID), 2, &row(2));
        assert_eq!(&*found(&reader).row().attributes, b"of the row");
        put(Key::moved_attributes(ID), 1, b"of a row before");
        assert_eq!(&*found(&reader).row().attributes, b"of the row");
        put(Key::moved_attributes(ID), 2, b"sealed anew");
        let sealed = found(&reader);
        assert_eq!(&*sealed.row().attributes, b"sealed anew");
        assert_eq!((sealed.version(), sealed.index()), (Version(2), 7));
        drop((sealed, reader, applier));

        let (reader, mut applier) = opened();
        assert_eq!(&*found(&reader).row().attributes, b"sealed anew", "another process knows");
        let mut ops = vec![Op::Put(Key::row(ID), Version(3), row(3))];
        applier.apply([(8, &ops[0])]).expect("applied");
        assert_eq!(&*found(&reader).row().attributes, b"of the row");
        ops.extend(without_moved_attributes(&ops));
        assert_eq!(ops[1..], [Op::Delete(Key::moved_attributes(ID))]);
        applier.apply(ops.iter().map(|op| (8, op))).expect("applied");
        assert!(reader.moved_attributes(ID).expect("read").is_none());

        let ops = [
            Op::Put(Key::row(ID), Version(4), tombstone()),
            Op::Put(Key::moved_attributes(ID), Version(4), b"left, anew".to_vec()),
        ];
        applier.apply(ops.iter().map(|op| (9, op))).expect("applied");
        let Fetched::Erased(tombstone, version, index) = fetched(&reader) else { panic!("gone") };
        assert_eq!((&tombstone.sealed[..], version, index), (&b"left, anew"[..], Version(4), 9));
    }

    #[test]
    fn what_is_under_the_header_key_is_found_in_whatever_holds_it_and_nowhere_else() {
        let row_key = Key::row(ID);
        assert_eq!(sealed_by_header(&row_key, &row(1)), Some(&b"of the row"[..]));
        assert_eq!(sealed_by_header(&row_key, &tombstone()), Some(&b"what is left"[..]));
        for cut in 0..row(1).len().min(40) {
            assert_eq!(sealed_by_header(&row_key, &row(1)[..cut]), None, "{cut}");
        }
        for prefix in Key::by_header_prefixes() {
            assert_eq!(sealed_by_header(&prefix, b"sealed"), Some(&b"sealed"[..]));
        }
        assert!(sealed_by_header(&Key::moved_attributes(ID), b"sealed").is_some());
        let mandate = MandateId::from_bytes([4; 16]);
        for other in [
            Key::subject_key(SubjectId::from_bytes([3; 16])),
            Key::term(&[0; 18], ID),
            Key::moved_terms(ID),
            Key::login(&[5; 16]),
            Key::review_of(&[5; 16]),
            Key::spent(mandate),
            Key::mandate_listing(&[5; 16], 1, mandate),
            Key::control(ControlKind::Erasure, &[5; 16]),
            Key::system(SystemKey::Policy),
            Key::system(SystemKey::Ways),
            Key::system(SystemKey::SealedAnew),
        ] {
            assert_eq!(sealed_by_header(&other, b"bytes"), None, "{other:?}");
        }
    }
}
