//! One frame: the entries of a group and the steps that each of them brings.
//! Never trusts a length before the tag over it was checked.
//! Layout: magic 4, payload length u32, segment u64, first index u64, entries u32, previous tag 32,
//! payload, tag 32, zeros to a multiple of 8. The tag covers everything before it.

use crate::limits::{CHANGE_BYTES_MAX, GROUP_BYTES_MAX};
use crate::store::{Decoder, Encoder, Key, Malformed, Op, Version};
use gridvault_keys::ChainKey;

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

/// Puts a frame together, entry by entry.
pub(in crate::trail) struct FrameBuilder {
    payload: Encoder,
    entries: u32,
    bytes: usize,
}

impl FrameBuilder {
    pub(in crate::trail) fn new() -> FrameBuilder {
        FrameBuilder { payload: Encoder::with_capacity(16 * 1024), entries: 0, bytes: 0 }
    }

    pub(in crate::trail) fn add(&mut self, entry: &[u8], ops: &[Op]) {
        self.payload.run(entry);
        self.payload.u32(u32::try_from(ops.len()).expect("changes are bounded by limits"));
        self.bytes += entry.len() + 8;
        for op in ops {
            match op {
                Op::Put(key, version, payload) => {
                    self.payload.u8(1);
                    self.payload.run(key.as_bytes());
                    self.payload.u64(version.0);
                    self.payload.run(payload);
                    self.bytes += 17 + key.as_bytes().len() + payload.len();
                }
                Op::Delete(key) => {
                    self.payload.u8(2);
                    self.payload.run(key.as_bytes());
                    self.bytes += 5 + key.as_bytes().len();
                }
            }
        }
        self.entries += 1;
    }

    pub(in crate::trail) fn payload_bytes(&self) -> usize {
        self.bytes
    }

    /// The whole frame and its tag.
    pub(in crate::trail) fn finish(
        self,
        chain: &ChainKey,
        segment: u64,
        first_index: u64,
        previous: &[u8; 32],
    ) -> (Vec<u8>, [u8; 32]) {
        let payload = self.payload.finish();
        // INVARIANT: the door bounds every change, and the committer every group. A longer frame would be taken for
        // a torn one when it is read back, so nothing of it may be acknowledged.
        assert!(payload.len() <= FRAME_BYTES_MAX, "groups are bounded by limits");
        let length = u32::try_from(payload.len()).expect("the bound is far below 4 GiB");
        let mut frame = Vec::with_capacity(HEADER_BYTES + payload.len() + TAG_BYTES + 8);
        frame.extend_from_slice(MAGIC);
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&segment.to_be_bytes());
        frame.extend_from_slice(&first_index.to_be_bytes());
        frame.extend_from_slice(&self.entries.to_be_bytes());
        frame.extend_from_slice(previous);
        frame.extend_from_slice(&payload);
        let tag = chain.tag(&[&frame]);
        frame.extend_from_slice(&tag);
        frame.resize(frame.len().next_multiple_of(8), 0);
        (frame, tag)
    }
}

impl Frame {
    /// Reads the frame at the beginning of `bytes`, if a whole and genuine one lies there.
    pub(in crate::trail) fn read(
        bytes: &[u8],
        chain: &ChainKey,
        segment: u64,
    ) -> Result<(Frame, [u8; 32]), NoFrame> {
        let mut header = Decoder::new(bytes);
        if header.array::<4>()? != *MAGIC {
            return Err(NoFrame::NotGenuine);
        }
        let payload_length = usize::try_from(header.u32()?).map_err(|_| Malformed)?;
        if payload_length > FRAME_BYTES_MAX || header.u64()? != segment {
            return Err(NoFrame::NotGenuine);
        }
        let first_index = header.u64()?;
        let count = header.u32()?;
        let previous = header.array()?;
        let payload = header.raw(payload_length)?;
        let tag = header.array()?;
        if !chain.verify(&[&bytes[..HEADER_BYTES + payload_length]], &tag) {
            return Err(NoFrame::NotGenuine);
        }
        let entries = read_entries(payload, count).map_err(|_| NoFrame::Unreadable)?;
        let length = (HEADER_BYTES + payload_length + TAG_BYTES).next_multiple_of(8) as u64;
        Ok((Frame { first_index, entries, tag, length }, previous))
    }

    /// Whether a frame could begin here at all; a cheap look before the tag is computed.
    pub(in crate::trail) fn may_begin(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
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
