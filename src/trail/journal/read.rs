//! Reads the journal again from a position, frame by frame, through the callback that applies it.
//! Never skips: a bad frame with anything genuine behind it is corruption and stops the start.
//! Only a torn last frame is cut, and its bytes are zeroed once the log agrees that nothing is missing.

use super::media::Media;
use super::write::header;
use super::{
    FRAME_BYTES_MAX, Frame, NoFrame, Position, SEGMENT_HEADER_BYTES, newest_segment, segment_path,
};
use crate::trail::TrailFault;
use gridvault_keys::ChainKey;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a replay found.
pub(in crate::trail) struct Replayed {
    /// Where the next frame goes.
    pub(in crate::trail) end: Position,
    /// Frames that were applied again.
    pub(in crate::trail) frames: u64,
    /// Bytes that a torn last frame left behind the end.
    pub(in crate::trail) torn_bytes: usize,
    /// Where the last frame of the last segment begins, and its bytes with zeros for the torn ones behind.
    tail: (u64, Vec<u8>),
}

impl Replayed {
    /// Makes durable what was read, and zeroes what a torn frame left, so that a shorter frame written over it
    /// leaves nothing behind.
    pub(in crate::trail) fn settle(
        &self,
        directory: &Path,
        media: &dyn Media,
    ) -> Result<(), TrailFault> {
        let (offset, bytes) = &self.tail;
        if bytes.is_empty() {
            return Ok(());
        }
        let path = segment_path(directory, self.end.segment);
        let mut segment = media.open(&path).map_err(TrailFault::Journal)?;
        // The process before may have ended between write and sync, or by a sync that failed: then the last frame
        // is in the system's cache alone, and a sync does not write it again unless it is handed over again.
        // A crash in here leaves the frame as it was and fewer of the torn bytes, which the next start cuts.
        segment.write_at(*offset, bytes).map_err(TrailFault::Journal)?;
        segment.sync().map_err(TrailFault::Journal)
    }
}

/// Replays everything behind `from`. Run twice, it gives the same.
pub(in crate::trail) fn replay(
    directory: &Path,
    chain: &ChainKey,
    from: Position,
    apply: impl FnMut(Frame) -> Result<(), TrailFault>,
) -> Result<Replayed, TrailFault> {
    let newest = newest_segment(directory).map_err(TrailFault::Journal)?;
    replay_among(newest, &|segment| segment_path(directory, segment), chain, from, apply)
}

/// The same of segments that do not all lie in one directory: up to the newest, each where `place` says.
pub(in crate::trail) fn replay_among(
    newest: Option<u64>,
    place: &dyn Fn(u64) -> PathBuf,
    chain: &ChainKey,
    from: Position,
    mut apply: impl FnMut(Frame) -> Result<(), TrailFault>,
) -> Result<Replayed, TrailFault> {
    let mut at = from;
    let mut found = Replayed { end: from, frames: 0, torn_bytes: 0, tail: (0, Vec::new()) };
    if at == Position::START && newest.is_none() {
        return Ok(found);
    }
    loop {
        let bytes = read_written(&place(at.segment), &at)?;
        let last = newest == Some(at.segment);
        check_header(&bytes, chain, &at, at.offset == SEGMENT_HEADER_BYTES)?;
        let mut last_frame = at.offset;
        let end = read_segment(&bytes, chain, at, last, |offset, frame| {
            last_frame = offset;
            found.frames += 1;
            apply(frame)
        })?;
        if last {
            found.end = end;
            found.torn_bytes = torn_bytes(&bytes, &end)?;
            found.tail = (last_frame, tail(&bytes, last_frame, &end, found.torn_bytes));
            return Ok(found);
        }
        at = beginning_after(end);
    }
}

/// Reads the rest of one segment that another follows, and gives where that one begins. Nobody writes to it any more, so this
/// may run beside the writer.
pub(in crate::trail) fn read_closed(
    directory: &Path,
    chain: &ChainKey,
    at: Position,
    mut apply: impl FnMut(Frame) -> Result<(), TrailFault>,
) -> Result<Position, TrailFault> {
    let bytes = read_written(&segment_path(directory, at.segment), &at)?;
    check_header(&bytes, chain, &at, at.offset == SEGMENT_HEADER_BYTES)?;
    read_segment(&bytes, chain, at, false, |_, frame| apply(frame)).map(beginning_after)
}

/// Gives the frames of a segment from its beginning on to somebody who has no key, and says whether it is damaged: whether anything
/// but frames lies behind them; or, in the last one, where a frame may just be written, another frame.
pub(in crate::trail) fn read_unjudged(
    bytes: &[u8],
    segment: u64,
    last: bool,
    mut take: impl FnMut(Frame),
) -> bool {
    let mut rest = bytes.get(SEGMENT_HEADER_BYTES as usize..).unwrap_or_default();
    while let Ok(frame) = Frame::read_unjudged(rest, segment) {
        let length = usize::try_from(frame.length).unwrap_or(usize::MAX);
        rest = rest.get(length..).unwrap_or_default();
        take(frame);
    }
    match last {
        false => rest.iter().any(|byte| *byte != 0),
        true => (8..rest.len()).step_by(8).any(|offset| {
            let candidate = &rest[offset..];
            Frame::may_begin(candidate) && Frame::read_unjudged(candidate, segment).is_ok()
        }),
    }
}

/// Reads the segment that the writer may be appending to, from its end to its beginning, through a function that fills a piece from an
/// offset. A frame is written once the one before it is on the disk: so whatever is seen of a frame, all before its piece is read later,
/// and is whole by then. Read the other way round, a frame that came meanwhile would lie behind a hole where the one before it is missing.
/// What is given is what a crash could have left: frames without a gap, and at most one torn one behind them; unless two came into one
/// piece while it was read, which [`read_unjudged`] finds.
pub(in crate::trail) fn read_open(
    length: u64,
    mut read_at: impl FnMut(&mut [u8], u64) -> std::io::Result<()>,
) -> std::io::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(|_| std::io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; length];
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(PIECE_BYTES);
        read_at(&mut bytes[start..end], start as u64)?;
        end = start;
    }
    Ok(bytes)
}

/// Whether the segment that begins here is there and says so itself: then nothing is missing before it.
pub(in crate::trail) fn check_beginning(
    directory: &Path,
    chain: &ChainKey,
    at: &Position,
) -> Result<(), TrailFault> {
    let mut bytes = Vec::new();
    let file = File::open(segment_path(directory, at.segment)).map_err(TrailFault::Journal)?;
    file.take(SEGMENT_HEADER_BYTES).read_to_end(&mut bytes).map_err(TrailFault::Journal)?;
    check_header(&bytes, chain, at, true)
}

fn beginning_after(end: Position) -> Position {
    Position { segment: end.segment + 1, offset: SEGMENT_HEADER_BYTES, ..end }
}

/// A segment is read in pieces of this size. Longer than what a frame pads its end with.
const PIECE_BYTES: usize = 1024 * 1024;

/// Reads a segment but for the zeros that it was made of and that nothing was written over yet. What is left reads as the whole:
/// as far as the position at least, and one piece of zeros behind the last written byte, so that no frame lacks its end.
fn read_written(segment: &Path, at: &Position) -> Result<Vec<u8>, TrailFault> {
    match File::open(segment) {
        Ok(file) => without_the_rest(file, at.offset).map_err(TrailFault::Journal),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(corrupt(at, "a segment is missing"))
        }
        Err(error) => Err(TrailFault::Journal(error)),
    }
}

fn without_the_rest(mut source: impl Read, as_far_as: u64) -> std::io::Result<Vec<u8>> {
    let zeros = vec![0; PIECE_BYTES];
    let (mut bytes, mut piece, mut unwritten) = (Vec::new(), Vec::with_capacity(PIECE_BYTES), 0);
    loop {
        piece.clear();
        (&mut source).take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
        if piece.is_empty() {
            break;
        }
        if piece[..] == zeros[..piece.len()] {
            unwritten += piece.len();
        } else {
            bytes.resize(bytes.len() + std::mem::take(&mut unwritten), 0);
            bytes.extend_from_slice(&piece);
        }
    }
    let wanted = usize::try_from(as_far_as).unwrap_or(usize::MAX).saturating_sub(bytes.len());
    bytes.resize(bytes.len() + unwritten.min(wanted.max(PIECE_BYTES)), 0);
    Ok(bytes)
}

fn read_segment(
    bytes: &[u8],
    chain: &ChainKey,
    mut at: Position,
    last: bool,
    mut apply: impl FnMut(u64, Frame) -> Result<(), TrailFault>,
) -> Result<Position, TrailFault> {
    loop {
        let rest = usize::try_from(at.offset).ok().and_then(|offset| bytes.get(offset..));
        let rest = rest.ok_or_else(|| corrupt(&at, "the segment is too short"))?;
        match Frame::read(rest, chain, at.segment) {
            Ok((frame, previous)) => {
                if previous != at.previous || frame.first_index != at.index {
                    return Err(corrupt(&at, "a frame does not follow the one before it"));
                }
                let offset = at.offset;
                at.offset += frame.length;
                at.index += frame.entries.len() as u64;
                at.previous = frame.tag;
                apply(offset, frame)?;
            }
            Err(NoFrame::Unreadable) => {
                return Err(corrupt(&at, "a genuine frame does not read"));
            }
            // Zeros are what a segment is made of. Whoever wrote them over frames that no checkpoint covers is not found here: a
            // journal cannot say of itself how long it was, and the log and the mark, which the start asks next, say it of the rest.
            Err(_) if rest.iter().all(|byte| *byte == 0) => return Ok(at),
            Err(_) if !last => return Err(corrupt(&at, "a bad frame lies before a segment")),
            Err(_) if genuine_frame_behind(rest, chain, at.segment) => {
                return Err(corrupt(&at, "a bad frame lies before a good one"));
            }
            Err(_) => return Ok(at),
        }
    }
}

fn genuine_frame_behind(rest: &[u8], chain: &ChainKey, segment: u64) -> bool {
    (8..rest.len()).step_by(8).any(|offset| {
        let candidate = &rest[offset..];
        Frame::may_begin(candidate)
            && !matches!(Frame::read(candidate, chain, segment), Err(NoFrame::NotGenuine))
    })
}

fn check_header(
    bytes: &[u8],
    chain: &ChainKey,
    at: &Position,
    at_beginning: bool,
) -> Result<(), TrailFault> {
    let size = SEGMENT_HEADER_BYTES as usize;
    let found = bytes.get(..size).ok_or_else(|| corrupt(at, "the segment is too short"))?;
    if at_beginning {
        return if found == header(chain, at) {
            Ok(())
        } else {
            Err(corrupt(at, "the segment's header does not follow the one before"))
        };
    }
    // In the middle of a segment its first index and chain are behind us; the tag still vouches for them.
    let tag: [u8; 32] = found[64..96].try_into().expect("the slice has 32 bytes");
    let names_segment = found[16..24] == at.segment.to_be_bytes();
    if names_segment && chain.verify(&[&found[..64]], &tag) {
        Ok(())
    } else {
        Err(corrupt(at, "the segment's header is not genuine"))
    }
}

/// How far behind the end something was written that is no frame.
fn torn_bytes(bytes: &[u8], end: &Position) -> Result<usize, TrailFault> {
    let start = usize::try_from(end.offset).unwrap_or(usize::MAX);
    let tail = bytes.get(start..).unwrap_or_default();
    let used = tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if used > FRAME_BYTES_MAX {
        return Err(corrupt(end, "more than one frame's worth of bytes is not a frame"));
    }
    Ok(used)
}

fn tail(bytes: &[u8], last_frame: u64, end: &Position, torn_bytes: usize) -> Vec<u8> {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let mut tail = bytes.get(place(last_frame)..place(end.offset)).unwrap_or_default().to_vec();
    tail.resize(tail.len() + torn_bytes, 0);
    tail
}

fn corrupt(at: &Position, what: &'static str) -> TrailFault {
    TrailFault::Corrupt { segment: at.segment, offset: at.offset, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept of so many written bytes in a segment of that length.
    fn kept(written: usize, length: usize, as_far_as: usize) -> usize {
        let mut whole = vec![7; written];
        whole.resize(length, 0);
        let kept = without_the_rest(&whole[..], as_far_as as u64).expect("readable");
        assert_eq!(kept[..], whole[..kept.len()]);
        kept.len()
    }

    #[test]
    fn a_segment_is_kept_as_far_as_it_is_written_and_a_piece_of_zeros_more() {
        const PIECE: usize = PIECE_BYTES;
        assert_eq!(kept(1, 8 * PIECE, 0), 2 * PIECE);
        assert_eq!(kept(PIECE, 8 * PIECE, 0), 2 * PIECE);
        assert_eq!(kept(PIECE + 1, 8 * PIECE, 0), 3 * PIECE);
        assert_eq!(kept(1, 8 * PIECE, 5 * PIECE + 3), 5 * PIECE + 3, "as far as the position");
        assert_eq!(kept(1, 2 * PIECE + 5, 9 * PIECE), 2 * PIECE + 5, "never more than there is");
        assert_eq!(kept(3 * PIECE + 5, 3 * PIECE + 9, 0), 3 * PIECE + 9);
        assert_eq!(kept(0, 0, 0), 0);
    }

    #[test]
    fn zeros_between_what_is_written_are_kept() {
        let mut whole = vec![0; 6 * PIECE_BYTES];
        whole[5 * PIECE_BYTES] = 1;
        assert_eq!(without_the_rest(&whole[..], 0).expect("readable"), whole);
    }
}
