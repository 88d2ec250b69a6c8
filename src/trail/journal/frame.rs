//! One frame: the entries of a group and the steps that each of them brings.
//! Never trusts a length before the tag over it was checked, and whoever has no key takes what reads for what it says it is.
//! Layout: magic 4, payload length u32, segment u64, first index u64, entries u32, previous tag 32,
//! payload, tag 32, zeros to a multiple of 8. The tag covers everything before it.

use crate::limits::{CHANGE_BYTES_MAX, GROUP_BYTES_MAX};
use crate::store::{Decoder, Encoder, Key, Malformed, Op, Version};
use gridvault_keys::ChainKey;
use std::ops::Range;

const MAGIC: &[u8; 4] = b"GVFR";
const HEADER_BYTES: usize = 60;
const TAG_BYTES: usize = 32;

/// No frame takes more than this around its payload: header, tag, zeros up to the next multiple of 8.
pub(super) const AROUND_BYTES_MAX: u64 = (HEADER_BYTES + TAG_BYTES + 7) as u64;

/// No frame is longer: a full group, the last change that still went into it, and their entries.
pub(in crate::trail) const FRAME_BYTES_MAX: usize = GROUP_BYTES_MAX + CHANGE_BYTES_MAX + 128 * 1024;

/// Entries, each with the steps that it brings.
pub(in crate::trail) type Entries = Vec<(Vec<u8>, Vec<Op>)>;

/// A frame that was read back and whose tag is right.
pub(in crate::trail) struct Frame {
    pub(in crate::trail) first_index: u64,
    pub(in crate::trail) entries: Entries,
    pub(in crate::trail) tag: [u8; 32],
    /// Bytes that it takes in its segment.
    pub(in crate::trail) length: u64,
}

/// Why no frame was read.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::trail) enum NoFrame {
    /// No whole and genuine frame lies here.
    NotGenuine,
    /// The tag is right, so somebody was promised what is in it, but it does not read.
    Unreadable,
}

impl From<Malformed> for NoFrame {
    fn from(_: Malformed) -> NoFrame {
        NoFrame::NotGenuine
    }
}

/// Puts a frame together, entry by entry, where it will be written from.
pub(in crate::trail) struct FrameBuilder {
    frame: Encoder,
    entries: Vec<Range<usize>>,
}

/// A frame as it is in the journal, and where in it its entries lie.
#[derive(Default)]
pub(in crate::trail) struct Framed {
    pub(in crate::trail) bytes: Vec<u8>,
    pub(in crate::trail) entries: Vec<Range<usize>>,
}

impl Framed {
    /// The entries, in their order.
    pub(in crate::trail) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().map(|place| &self.bytes[place.clone()])
    }

    /// Bytes of memory that it holds, whatever it is filled with.
    pub(in crate::trail) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.entries.capacity() * size_of::<Range<usize>>()
    }
}

impl FrameBuilder {
    /// Begins a frame in the memory of one that nobody reads any more, or of none.
    pub(in crate::trail) fn within(spent: Framed) -> FrameBuilder {
        let Framed { bytes, mut entries } = spent;
        let mut frame = Encoder::within(bytes);
        // The header says what is known only at the end.
        frame.raw(&[0; HEADER_BYTES]);
        entries.clear();
        FrameBuilder { frame, entries }
    }

    /// Adds an entry, which `write` appends to the bytes that are there. An error leaves the frame as it was.
    pub(in crate::trail) fn entry<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<&[u8], E> {
        let place = self.frame.run_written(write)?;
        self.entries.push(place.clone());
        Ok(self.frame.part(place))
    }

    /// Takes the entry back that was added last and has no steps yet.
    pub(in crate::trail) fn take_back(&mut self) {
        if let Some(place) = self.entries.pop() {
            self.frame.cut_run(place.start);
        }
    }

    /// Adds the steps of the entry that was added last.
    pub(in crate::trail) fn steps(&mut self, ops: &[Op]) {
        self.frame.u32(u32::try_from(ops.len()).expect("changes are bounded by limits"));
        for op in ops {
            match op {
                Op::Put(key, version, payload) => {
                    self.frame.u8(1);
                    self.frame.run(key.as_bytes());
                    self.frame.u64(version.0);
                    self.frame.run(payload);
                }
                Op::Delete(key) => {
                    self.frame.u8(2);
                    self.frame.run(key.as_bytes());
                }
            }
        }
    }

    pub(in crate::trail) fn payload_bytes(&self) -> usize {
        self.frame.len() - HEADER_BYTES
    }

    /// The whole frame and its tag.
    pub(in crate::trail) fn finish(
        self,
        chain: &ChainKey,
        segment: u64,
        first_index: u64,
        previous: &[u8; 32],
    ) -> (Framed, [u8; 32]) {
        let payload_bytes = self.payload_bytes();
        // INVARIANT: the door bounds every change, and the committer every group. A longer frame would be taken for
        // a torn one when it is read back, so nothing of it may be acknowledged.
        assert!(payload_bytes <= FRAME_BYTES_MAX, "groups are bounded by limits");
        let length = u32::try_from(payload_bytes).expect("the bound is far below 4 GiB");
        let count = u32::try_from(self.entries.len()).expect("groups are bounded by limits");
        let mut header = Encoder::with_capacity(HEADER_BYTES);
        header.raw(MAGIC);
        header.u32(length);
        header.u64(segment);
        header.u64(first_index);
        header.u32(count);
        header.raw(previous);
        let mut bytes = self.frame.finish();
        bytes[..HEADER_BYTES].copy_from_slice(&header.finish());
        let tag = chain.tag(&[&bytes]);
        bytes.extend_from_slice(&tag);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        (Framed { bytes, entries: self.entries }, tag)
    }
}

impl Frame {
    /// Reads the frame at the beginning of `bytes`, if a whole and genuine one lies there.
    pub(in crate::trail) fn read(
        bytes: &[u8],
        chain: &ChainKey,
        segment: u64,
    ) -> Result<(Frame, [u8; 32]), NoFrame> {
        let parts = Parts::of(bytes, segment)?;
        if !chain.verify(&[parts.tagged], &parts.tag) {
            return Err(NoFrame::NotGenuine);
        }
        let frame = parts.frame().map_err(|_| NoFrame::Unreadable)?;
        Ok((frame, parts.previous))
    }

    /// The same without the key: nothing says whether it is genuine, so nobody may be promised anything by what it holds.
    pub(in crate::trail) fn read_unjudged(bytes: &[u8], segment: u64) -> Result<Frame, NoFrame> {
        Ok(Parts::of(bytes, segment)?.frame()?)
    }

    /// Whether a frame could begin here at all; a cheap look before the tag is computed.
    pub(in crate::trail) fn may_begin(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }
}

/// What lies where in a frame, by its own word.
struct Parts<'a> {
    first_index: u64,
    count: u32,
    previous: [u8; 32],
    payload: &'a [u8],
    /// All that the tag covers.
    tagged: &'a [u8],
    tag: [u8; 32],
}

impl Parts<'_> {
    fn of(bytes: &[u8], segment: u64) -> Result<Parts<'_>, NoFrame> {
        let mut from = Decoder::new(bytes);
        if from.array::<4>()? != *MAGIC {
            return Err(NoFrame::NotGenuine);
        }
        let payload_length = usize::try_from(from.u32()?).map_err(|_| Malformed)?;
        if payload_length > FRAME_BYTES_MAX || from.u64()? != segment {
            return Err(NoFrame::NotGenuine);
        }
        let (first_index, count, previous) = (from.u64()?, from.u32()?, from.array()?);
        let (payload, tag) = (from.raw(payload_length)?, from.array()?);
        let tagged = &bytes[..HEADER_BYTES + payload_length];
        Ok(Parts { first_index, count, previous, payload, tagged, tag })
    }

    fn frame(&self) -> Result<Frame, Malformed> {
        let entries = read_entries(self.payload, self.count)?;
        let length = (self.tagged.len() + TAG_BYTES).next_multiple_of(8) as u64;
        Ok(Frame { first_index: self.first_index, entries, tag: self.tag, length })
    }
}

fn read_entries(payload: &[u8], count: u32) -> Result<Entries, Malformed> {
    let mut from = Decoder::new(payload);
    let entries = (0..count)
        .map(|_| {
            let entry = from.run()?.to_vec();
            let ops = (0..from.u32()?).map(|_| read_op(&mut from)).collect::<Result<_, _>>()?;
            Ok((entry, ops))
        })
        .collect::<Result<Vec<_>, Malformed>>()?;
    from.end()?;
    Ok(entries)
}

fn read_op(from: &mut Decoder<'_>) -> Result<Op, Malformed> {
    match from.u8()? {
        1 => {
            let key = Key::from_bytes(from.run()?);
            let version = Version(from.u64()?);
            Ok(Op::Put(key, version, from.run()?.to_vec()))
        }
        2 => Ok(Op::Delete(Key::from_bytes(from.run()?))),
        _ => Err(Malformed),
    }
}
