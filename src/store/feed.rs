//! The change feed: for each record one key, that of its last change, in the order of the log under the record's cell.
//! Never holds a value; what changed is read from the row, by who may know of it.
//! The sequencer puts the keys, since only it knows the index; whoever changes a row takes the key of the last change away.

use super::row;
use super::{Key, Op, Reader, StoreError};
use crate::records::RecordId;
use crate::territory::CellId;

/// A place of the feed's order: behind this record of this entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedPlace {
    /// Index of the entry.
    pub index: u64,
    /// The record.
    pub record: RecordId,
}

impl FeedPlace {
    /// Before everything.
    pub const START: FeedPlace = FeedPlace { index: 0, record: RecordId::from_bytes([0; 16]) };
}

/// The feed's keys for the rows that these steps put, as steps of the entry at `index`.
pub fn feed(ops: &[Op], index: u64) -> Vec<Op> {
    let put = |op: &Op| match op {
        Op::Put(key, version, payload) if key.is_row() => {
            let (cell, record) = row::place_of(payload).ok()?;
            Some(Op::Put(Key::change(cell, index, record), *version, Vec::new()))
        }
        _ => None,
    };
    ops.iter().filter_map(put).collect()
}

/// Changes in the order of the log.
pub struct Changes {
    /// Where each change is, and in which cell.
    pub places: Vec<(FeedPlace, CellId)>,
    /// Whether there are more behind them.
    pub more: bool,
}

impl Reader {
    /// The next changes of some cells behind a place, at most `limit`, in the order of the log.
    ///
    /// Of a group that is being applied while this looks, nothing is given, so that what comes later in the log is never
    /// given before what comes earlier.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub async fn changes(
        &self,
        cells: &[CellId],
        after: FeedPlace,
        limit: usize,
    ) -> Result<Changes, StoreError> {
        let horizon = self.applied_index();
        // Each cell gives a few; behind the last of one that has more, the order is not known.
        let each = (2 * limit / cells.len().max(1)).max(EACH_COUNT_MIN);
        let mut places = Vec::new();
        let mut known_to: Option<FeedPlace> = None;
        for cell in cells {
            let prefix = Key::change_prefix(*cell);
            let start = Key::change(*cell, after.index, after.record);
            let listed = self.scan(&prefix, Some(&start), each).await?;
            let full = listed.len() == each;
            let mut last = None;
            for (key, _) in listed {
                let (index, record) =
                    key.change_parts().ok_or(StoreError::Corrupt { what: "feed" })?;
                let place = FeedPlace { index, record };
                last = Some(place);
                if index < horizon {
                    places.push((place, *cell));
                }
            }
            if let (true, Some(last)) = (full, last) {
                known_to = Some(known_to.map_or(last, |known| known.min(last)));
            }
        }
        places.sort_unstable();
        let known = match known_to {
            Some(to) => places.partition_point(|(place, _)| *place <= to),
            None => places.len(),
        };
        let more = known_to.is_some() || known > limit;
        places.truncate(known.min(limit));
        Ok(Changes { places, more })
    }
}

/// Keys that each cell gives at least, so that few cells with many changes do not take a look each.
const EACH_COUNT_MIN: usize = 8;
