//! The form of a snapshot: a head, blocks of sorted rows, an end; each block names the digest of the one before it.
//! Never opens a row, and never believes what a block says before the digest over it was compared.
//! docs/backup.md gives every byte; a change of it is a new format number.

use super::super::journal::{Position, SEGMENT_HEADER_BYTES};
use crate::limits::SNAPSHOT_BLOCK_BYTES_MAX;
use crate::store::{Decoder, Encoder, Key, Malformed, Stored, Version};
use gridvault_keys::ChainKey;
use ring::digest::{SHA256, digest};

pub(in crate::trail) type Digest = [u8; 32];

const MAGIC: &[u8; 4] = b"GVSB";
/// The only format so far.
const FORMAT: u8 = 1;
/// In front of a block's payload: magic 4, kind u8, zeros 3, number u64, payload length u32, digest of the block before 32.
pub(super) const HEADER_BYTES: usize = 52;
pub(super) const DIGEST_BYTES: usize = 32;
/// Keeps the tag of a snapshot apart from everything else that the chain's key tags.
const TAG_LABEL: &[u8] = b"gridvault snapshot 1";

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Head = 1,
    Rows = 2,
    End = 3,
}

/// What a file of this form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trail) enum Content {
    /// A whole store.
    Snapshot = 1,
    /// A sorted part of the journal on its way into a snapshot: it holds removals too.
    Run = 2,
}

/// Of which vault and which moment a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::trail) struct Head {
    pub(in crate::trail) content: Content,
    /// Name of the log.
    pub(in crate::trail) origin: String,
    /// Its public key then: another one may follow it.
    pub(in crate::trail) log_key: [u8; 32],
    /// Where the journal goes on: always the beginning of a segment.
    pub(in crate::trail) position: Position,
    /// Root of the log's entries before that.
    pub(in crate::trail) root: [u8; 32],
}

/// What a key holds; nothing where it was removed.
pub(in crate::trail) type Row = (Key, Option<Stored>);

/// How much lies before the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::trail) struct Counts {
    pub(in crate::trail) rows: u64,
    /// Of payloads of row blocks.
    pub(in crate::trail) bytes: u64,
}

/// A block's header.
pub(super) struct BlockHeader {
    pub(super) kind: Kind,
    pub(super) length: usize,
}

/// A whole block: header, payload, digest over both.
pub(super) fn block(
    kind: Kind,
    number: u64,
    previous: &Digest,
    payload: &[u8],
) -> (Vec<u8>, Digest) {
    let mut out = Encoder::with_capacity(HEADER_BYTES + payload.len() + DIGEST_BYTES);
    out.raw(MAGIC);
    out.u8(kind as u8);
    out.raw(&[0; 3]);
    out.u64(number);
    out.u32(u32::try_from(payload.len()).expect("blocks are bounded by limits"));
    out.raw(previous);
    out.raw(payload);
    let mut bytes = out.finish();
    let digest = sha256(&bytes);
    bytes.extend_from_slice(&digest);
    (bytes, digest)
}

/// Reads a block's header. What it says is not believed further than to read as many bytes as it names, which are bounded.
pub(super) fn block_header(
    bytes: &[u8; HEADER_BYTES],
    number: u64,
    previous: &Digest,
) -> Result<BlockHeader, &'static str> {
    let mut from = Decoder::new(bytes);
    let malformed = |_: Malformed| "a block is cut";
    if from.array::<4>().map_err(malformed)? != *MAGIC {
        return Err("no block begins where one should");
    }
    let kind = match from.array::<4>().map_err(malformed)? {
        [1, 0, 0, 0] => Kind::Head,
        [2, 0, 0, 0] => Kind::Rows,
        [3, 0, 0, 0] => Kind::End,
        _ => return Err("a block is of no known kind"),
    };
    if from.u64().map_err(malformed)? != number {
        return Err("a block is not the next one");
    }
    let length = usize::try_from(from.u32().map_err(malformed)?).unwrap_or(usize::MAX);
    if length > SNAPSHOT_BLOCK_BYTES_MAX {
        return Err("a block is longer than any");
    }
    if from.array::<32>().map_err(malformed)? != *previous {
        return Err("a block does not follow the one before it");
    }
    Ok(BlockHeader { kind, length })
}

impl Head {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.u8(FORMAT);
        out.u8(self.content as u8);
        out.run(self.origin.as_bytes());
        out.raw(&self.log_key);
        out.u64(self.position.segment);
        out.u64(self.position.index);
        out.raw(&self.position.previous);
        out.raw(&self.root);
        out.finish()
    }

    pub(super) fn decode(payload: &[u8]) -> Result<Head, &'static str> {
        let malformed = |_: Malformed| "its head does not read";
        let mut from = Decoder::new(payload);
        if from.u8().map_err(malformed)? != FORMAT {
            return Err("it is of a format that this program does not know");
        }
        let content = match from.u8().map_err(malformed)? {
            1 => Content::Snapshot,
            2 => Content::Run,
            _ => return Err("its head does not read"),
        };
        let head = Head {
            content,
            origin: from.text().map_err(malformed)?.to_owned(),
            log_key: from.array().map_err(malformed)?,
            position: Position {
                segment: from.u64().map_err(malformed)?,
                offset: SEGMENT_HEADER_BYTES,
                index: from.u64().map_err(malformed)?,
                previous: from.array().map_err(malformed)?,
            },
            root: from.array().map_err(malformed)?,
        };
        from.end().map_err(malformed)?;
        Ok(head)
    }
}

/// Appends a row to a payload.
pub(super) fn put_row(out: &mut Encoder, key: &Key, stored: Option<&Stored>) {
    out.u8(u8::from(stored.is_some()));
    out.run(key.as_bytes());
    if let Some(Stored { version, index, payload }) = stored {
        out.u64(version.0);
        out.u64(*index);
        out.run(payload);
    }
}

/// Reads the rows of a block whose digest was compared.
pub(super) fn rows(payload: &[u8], content: Content) -> Result<Vec<Row>, Malformed> {
    let mut from = Decoder::new(payload);
    let mut rows = Vec::new();
    while from.left() > 0 {
        let holds = from.u8()?;
        let key = Key::from_bytes(from.run()?);
        let stored = match (holds, content) {
            (1, _) => Some(Stored {
                version: Version(from.u64()?),
                index: from.u64()?,
                payload: from.run()?.to_vec(),
            }),
            (0, Content::Run) => None,
            _ => return Err(Malformed),
        };
        rows.push((key, stored));
    }
    Ok(rows)
}

impl Counts {
    /// The payload of the end: how much there is, and the tag that only this vault's key makes over everything before.
    pub(super) fn encode(self, blocks: u64, previous: &Digest, chain: &ChainKey) -> Vec<u8> {
        let mut out = Encoder::default();
        out.u64(blocks);
        out.u64(self.rows);
        out.u64(self.bytes);
        let mut bytes = out.finish();
        let tag = chain.tag(&[TAG_LABEL, previous, &bytes]);
        bytes.extend_from_slice(&tag);
        bytes
    }

    /// Whether the end says what was found, and its tag is this vault's. Without a key the tag is left alone.
    pub(super) fn check(
        self,
        payload: &[u8],
        blocks: u64,
        previous: &Digest,
        chain: Option<&ChainKey>,
    ) -> Result<(), &'static str> {
        let (counted, tag) = payload.split_last_chunk::<32>().ok_or("its end does not read")?;
        let mut found = Encoder::default();
        found.u64(blocks);
        found.u64(self.rows);
        found.u64(self.bytes);
        if counted != found.finish() {
            return Err("it does not hold as much as its end says");
        }
        match chain.is_none_or(|chain| chain.verify(&[TAG_LABEL, previous, counted], tag)) {
            true => Ok(()),
            false => Err("its tag was not made with this vault's key"),
        }
    }
}

pub(super) fn sha256(bytes: &[u8]) -> Digest {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head() -> Head {
        Head {
            content: Content::Snapshot,
            origin: "vault.example/log".to_owned(),
            log_key: [3; 32],
            position: Position { segment: 7, index: 900, previous: [4; 32], ..Position::START },
            root: [5; 32],
        }
    }

    #[test]
    fn a_head_reads_back_and_one_of_another_format_does_not() {
        let bytes = head().encode();
        assert_eq!(Head::decode(&bytes), Ok(head()));
        for length in 0..bytes.len() {
            assert!(Head::decode(&bytes[..length]).is_err(), "cut to {length}");
        }
        let mut newer = bytes;
        newer[0] = FORMAT + 1;
        assert!(Head::decode(&newer).is_err_and(|what| what.contains("format")));
    }

    /// Computed by another program from docs/backup.md.
    #[test]
    fn bytes_are_those_of_the_document() {
        let (_, first) = block(Kind::Head, 0, &[0; 32], &head().encode());
        let stored = Stored { version: Version(2), index: 41, payload: b"value".to_vec() };
        let mut out = Encoder::default();
        put_row(&mut out, &Key::from_bytes(b"key"), Some(&stored));
        let (_, second) = block(Kind::Rows, 1, &first, &out.finish());
        let hex = |digest: Digest| digest.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(hex(first), "2c7fa36ce0c17400172364b3abf64f8a56dfa33d606f5cd5fcca49bdafe75c52");
        assert_eq!(hex(second), "2eec8349fc4d907415947465516f6ed45247ab342df3d6ab42689f16421fe8b3");
    }

    #[test]
    fn a_block_is_read_up_to_the_longest_and_not_beyond() {
        let header = |length: u32| {
            let (bytes, _) = block(Kind::Rows, 3, &[9; 32], b"");
            let mut header: [u8; HEADER_BYTES] = *bytes.first_chunk().expect("a header");
            header[16..20].copy_from_slice(&length.to_be_bytes());
            block_header(&header, 3, &[9; 32]).map(|found| found.length)
        };
        let longest = u32::try_from(SNAPSHOT_BLOCK_BYTES_MAX).expect("far below 4 GiB");
        assert_eq!(header(longest), Ok(SNAPSHOT_BLOCK_BYTES_MAX));
        assert!(header(longest + 1).is_err());
    }

    #[test]
    fn a_removal_has_its_place_in_a_run_alone() {
        let mut out = Encoder::default();
        put_row(&mut out, &Key::from_bytes(b"key"), None);
        let bytes = out.finish();
        assert_eq!(rows(&bytes, Content::Run), Ok(vec![(Key::from_bytes(b"key"), None)]));
        assert!(rows(&bytes, Content::Snapshot).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_read_without_harm(bytes: Vec<u8>) {
            let _any = Head::decode(&bytes);
            let _any = rows(&bytes, Content::Run);
            let _any = Counts::default().check(&bytes, 0, &[0; 32], None);
        }
    }
}
