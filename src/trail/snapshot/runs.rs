//! Brings closed segments of the journal into sorted runs: of each key what it holds after the last step about it.
//! Never reads the segment that is being written, and never holds more than one run and one segment in memory.
//! Runs are left-overs once the snapshot that they went into has its name.

use super::Place;
use super::form::{Content, Head};
use super::pace::{Pace, Unmade};
use super::write::Writer;
use crate::limits::{SNAPSHOT_RUN_BYTES, SNAPSHOT_RUNS_COUNT_MAX};
use crate::store::{Key, Op, Stored};
use crate::trail::TrailFault;
use crate::trail::journal::{Frame, Position, check_beginning, read_closed};
use gridvault_keys::ChainKey;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What lies around a value in memory, about: a run is bounded in what it takes there.
const AROUND_BYTES: usize = 160;

/// Sorted runs, the oldest first, and where the journal goes on behind them.
pub(super) struct Runs {
    pub(super) files: Vec<PathBuf>,
    pub(super) end: Position,
}

/// Steps that are being sorted.
#[derive(Default)]
pub(in crate::trail) struct Sorted {
    rows: BTreeMap<Key, Option<Stored>>,
    bytes: usize,
}

impl Sorted {
    /// Takes a row over; the one that was there before is forgotten.
    pub(in crate::trail) fn put(&mut self, key: Key, stored: Option<Stored>) {
        let length = |stored: &Option<Stored>| stored.as_ref().map_or(0, |s| s.payload.len());
        self.bytes += AROUND_BYTES + key.as_bytes().len() + length(&stored);
        if let Some(before) = self.rows.insert(key, stored) {
            self.bytes = self.bytes.saturating_sub(length(&before));
        }
    }

    pub(in crate::trail) fn is_full(&self) -> bool {
        self.bytes >= SNAPSHOT_RUN_BYTES
    }

    pub(in crate::trail) fn take(&mut self, frame: Frame) {
        for ((_, ops), index) in frame.entries.into_iter().zip(frame.first_index..) {
            for op in ops {
                match op {
                    Op::Put(key, version, payload) => {
                        self.put(key, Some(Stored { version, index, payload }));
                    }
                    Op::Delete(key) => self.put(key, None),
                }
            }
        }
    }
}

/// Everything from a place on that is in segments below `until`, or as much of it as makes the most runs that are merged.
pub(super) fn gather(
    place: &Place,
    chain: &ChainKey,
    pace: &dyn Pace,
    from: Position,
    until: u64,
) -> Result<Runs, Unmade> {
    let mut runs = Runs { files: Vec::new(), end: from };
    let mut sorted = Sorted::default();
    while runs.end.segment < until && runs.files.len() < SNAPSHOT_RUNS_COUNT_MAX {
        let (begins, mut unwritten) = (runs.end, Ok(()));
        let read = read_closed(&place.journal, chain, begins, |frame| {
            sorted.take(frame);
            if sorted.is_full() {
                unwritten = spill(place, chain, pace, &mut sorted, &mut runs.files);
            }
            // Only ends the reading: why it ends is what was not written.
            if unwritten.is_ok() { Ok(()) } else { Err(TrailFault::Thread) }
        });
        unwritten?;
        runs.end = read?;
        pace.after(place.segment_bytes(begins.segment)?)?;
    }
    // What follows says by its own header that nothing is missing before it.
    check_beginning(&place.journal, chain, &runs.end)?;
    spill(place, chain, pace, &mut sorted, &mut runs.files)?;
    Ok(runs)
}

/// Writes what is sorted as the next run.
pub(in crate::trail) fn spill(
    place: &Place,
    chain: &ChainKey,
    pace: &dyn Pace,
    sorted: &mut Sorted,
    files: &mut Vec<PathBuf>,
) -> Result<(), Unmade> {
    let rows = std::mem::take(sorted).rows;
    let path = place.directory.join(format!("{:04x}.run", files.len()));
    let head = Head { content: Content::Run, ..place.head(Position::START, [0; 32]) };
    let mut writer = Writer::create(&path, &*place.media, pace, &head)?;
    for (key, stored) in &rows {
        writer.row(key, stored.as_ref())?;
    }
    writer.finish(chain)?;
    files.push(path);
    Ok(())
}
