//! The journal: frames in preallocated segments, chained by a keyed tag.
//! Never interprets what a frame holds.
//! One frame at a time is unsynced, so only the last one can be torn.

mod frame;
mod media;
mod read;
mod write;

pub use media::{FileMedia, Media, Room, Segment};

pub(super) use frame::{FRAME_BYTES_MAX, Frame, FrameBuilder, Framed, NoFrame};
pub(super) use media::is_full;
pub(super) use read::{
    Replayed, check_beginning, read_closed, read_open, read_unjudged, replay, replay_among,
};
pub(super) use write::Writer;

use std::path::{Path, PathBuf};

/// A place in the journal: everything before it is applied and integrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The segment.
    pub(super) segment: u64,
    /// The byte in it at which the next frame begins.
    pub(super) offset: u64,
    /// The index of the next entry.
    pub(super) index: u64,
    /// The tag of the frame before.
    pub(super) previous: [u8; 32],
}

impl Position {
    /// The beginning of an empty journal.
    pub(super) const START: Position =
        Position { segment: 0, offset: SEGMENT_HEADER_BYTES, index: 0, previous: [0; 32] };
}

/// Bytes in front of the first frame of a segment.
pub(super) const SEGMENT_HEADER_BYTES: u64 = 128;

// A frame of any size finds room in a segment of any size.
const _: () = assert!(
    SEGMENT_HEADER_BYTES + FRAME_BYTES_MAX as u64 + frame::AROUND_BYTES_MAX
        <= crate::limits::SEGMENT_BYTES_MIN
);

pub(super) fn segment_path(directory: &Path, segment: u64) -> PathBuf {
    directory.join(format!("{segment:016x}.segment"))
}

/// The highest number among the segments. The directory is asked, so that a gap in front of it shows.
fn newest_segment(directory: &Path) -> std::io::Result<Option<u64>> {
    Ok(segments(directory)?.last().copied())
}

/// The numbers of all segments, ascending.
pub(super) fn segments(directory: &Path) -> std::io::Result<Vec<u64>> {
    numbered(directory, ".segment")
}

/// The numbers, ascending, of the files of a directory that are named by one, in sixteen digits, and this ending.
pub(super) fn numbered(directory: &Path, ending: &str) -> std::io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for file in std::fs::read_dir(directory)? {
        let name = file?.file_name();
        numbers.extend(name.to_str().and_then(|name| number_in(name, ending)));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The number of the segment that a file of this name is.
pub(super) fn segment_number(name: &str) -> Option<u64> {
    number_in(name, ".segment")
}

fn number_in(name: &str, ending: &str) -> Option<u64> {
    let digits = name.strip_suffix(ending)?;
    let number = u64::from_str_radix(digits, 16).ok()?;
    (digits == format!("{number:016x}")).then_some(number)
}
