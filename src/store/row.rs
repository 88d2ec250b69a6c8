//! The stored form of a record: a clear header, sealed decision attributes, sealed sections.
//! Never opens anything; it only finds the parts.
//! The header's exact bytes are the associated data of the attributes, so changing either shows.

use super::Bytes;
use super::codec::{Decoder, Encoder, Malformed};
use crate::records::{RecordId, RecordType, SubjectId};
use crate::territory::CellId;
use std::fmt;
use std::ops::Deref;

const FORMAT: u8 = 1;
const KIND_ROW: u8 = 1;
const KIND_TOMBSTONE: u8 = 2;

/// The name of a section, a slug as the schema gives it or that of the masked forms: ASCII alone. A row names each of its
/// sections, so a name of usual length is kept where it stands, without memory of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct SectionName(Bytes);

impl SectionName {
    fn of_stored(bytes: &[u8]) -> Result<SectionName, Malformed> {
        if bytes.is_ascii() { Ok(SectionName(bytes.into())) } else { Err(Malformed) }
    }

    /// Whether this is the name.
    pub fn is(&self, name: &str) -> bool {
        *self.0 == *name.as_bytes()
    }
}

impl From<&str> for SectionName {
    fn from(name: &str) -> SectionName {
        SectionName(name.as_bytes().into())
    }
}

impl Deref for SectionName {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a name is made of text alone")
    }
}

impl fmt::Debug for SectionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

impl fmt::Display for SectionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

/// What a row says in clear. Authenticated, not secret: ids, versions and where the record lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The record.
    pub id: RecordId,
    /// Its type.
    pub record_type: RecordType,
    /// The immutable cell under a grid that it belongs to.
    pub cell: CellId,
    /// Counts up with every change of the record.
    pub version: u64,
    /// Version of the schema that its sections were written under.
    pub schema: u32,
    /// Owners of the keys that its sections are sealed under, nobody twice; the first is the record's own.
    pub subjects: Vec<SubjectId>,
    /// Its index terms, so that they can be removed with it.
    pub terms: Vec<[u8; 18]>,
}

/// A section as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSection {
    /// Its name in the schema.
    pub name: SectionName,
    /// Whose key it is sealed under.
    pub subject: SubjectId,
    /// Counts up with every sealing of this section.
    pub version: u32,
    /// The sealed bytes.
    pub bytes: Bytes,
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is in clear.
    pub header: Header,
    /// The decision attributes, sealed under the header key.
    pub attributes: Bytes,
    /// The sections. Each is named in the header's bytes, with its owner and its version.
    pub sections: Vec<SealedSection>,
}

/// What a removed record leaves behind: enough to say `erased` to whoever may know, and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The record.
    pub id: RecordId,
    /// Its type.
    pub record_type: RecordType,
    /// Where it lay.
    pub cell: CellId,
    /// What decisions still need of its attributes, sealed under the header key; the store names the removing entry beside.
    pub sealed: Vec<u8>,
}

impl Header {
    /// The exact bytes that authenticate the attributes. They name the sections too.
    ///
    /// # Panics
    /// When the owner of a section is none of the subjects.
    pub fn encode(&self, sections: &[SealedSection]) -> Vec<u8> {
        let mut out = Encoder::with_capacity(160);
        out.u8(FORMAT);
        out.raw(self.id.as_bytes());
        out.u8(self.record_type as u8);
        out.raw(&self.cell.to_bytes());
        out.u64(self.version);
        out.u32(self.schema);
        out.u8(count(self.subjects.len()));
        for subject in &self.subjects {
            out.raw(subject.as_bytes());
        }
        out.u8(count(self.terms.len()));
        for term in &self.terms {
            out.raw(term);
        }
        out.u8(count(sections.len()));
        for section in sections {
            let owner = self.subjects.iter().position(|subject| *subject == section.subject);
            out.run(section.name.as_bytes());
            out.u8(count(owner.expect("who seals a section names its owner in the header")));
            out.u32(section.version);
        }
        out.finish()
    }

    /// Everything up to the sections.
    fn decode(from: &mut Decoder<'_>) -> Result<Header, Malformed> {
        if from.u8()? != FORMAT {
            return Err(Malformed);
        }
        Ok(Header {
            id: RecordId::from_bytes(from.array()?),
            record_type: record_type(from.u8()?)?,
            cell: CellId::from_bytes(from.array()?),
            version: from.u64()?,
            schema: from.u32()?,
            subjects: list(from, SubjectId::from_bytes)?,
            terms: list(from, |term| term)?,
        })
    }
}

impl Row {
    /// The payload of the row's key.
    pub fn encode(&self) -> Vec<u8> {
        let header = self.header.encode(&self.sections);
        let sections: usize = self.sections.iter().map(|section| section.bytes.len() + 4).sum();
        let mut out = Encoder::with_capacity(16 + header.len() + self.attributes.len() + sections);
        out.u8(KIND_ROW);
        out.run(&header);
        out.run(&self.attributes);
        for section in &self.sections {
            out.run(&section.bytes);
        }
        out.finish()
    }
}

impl Tombstone {
    /// The payload of the row's key once the record is gone.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(96);
        out.u8(KIND_TOMBSTONE);
        out.u8(FORMAT);
        out.raw(self.id.as_bytes());
        out.u8(self.record_type as u8);
        out.raw(&self.cell.to_bytes());
        out.run(&self.sealed);
        out.finish()
    }
}

/// What lies under a row's key.
pub(super) enum RowOrTombstone {
    /// The row, and the exact bytes of its header.
    Row(Row, Bytes),
    Tombstone(Tombstone),
}

/// Takes a payload apart; what is sealed stays where it lies.
pub(super) fn decode(payload: &Bytes) -> Result<RowOrTombstone, Malformed> {
    let mut from = Decoder::new(payload);
    match from.u8()? {
        KIND_ROW => {
            let header_bytes = part(payload, &mut from)?;
            let attributes = part(payload, &mut from)?;
            let mut head = Decoder::new(&header_bytes);
            let header = Header::decode(&mut head)?;
            let count = usize::from(head.u8()?);
            let mut sections = Vec::with_capacity(count.min(head.left()));
            for _ in 0..count {
                let name = SectionName::of_stored(head.run()?)?;
                let owner = header.subjects.get(usize::from(head.u8()?));
                sections.push(SealedSection {
                    name,
                    subject: *owner.ok_or(Malformed)?,
                    version: head.u32()?,
                    bytes: part(payload, &mut from)?,
                });
            }
            head.end()?;
            from.end()?;
            Ok(RowOrTombstone::Row(Row { header, attributes, sections }, header_bytes))
        }
        KIND_TOMBSTONE => {
            if from.u8()? != FORMAT {
                return Err(Malformed);
            }
            let tombstone = Tombstone {
                id: RecordId::from_bytes(from.array()?),
                record_type: record_type(from.u8()?)?,
                cell: CellId::from_bytes(from.array()?),
                sealed: from.run()?.to_vec(),
            };
            from.end()?;
            Ok(RowOrTombstone::Tombstone(tombstone))
        }
        _ => Err(Malformed),
    }
}

/// Items of one size behind their number.
fn list<const N: usize, T>(
    from: &mut Decoder<'_>,
    item: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, Malformed> {
    let count = usize::from(from.u8()?);
    let (items, _) = from.raw(count * N)?.as_chunks();
    Ok(items.iter().copied().map(item).collect())
}

/// The next run of a payload, where it lies.
fn part(payload: &Bytes, from: &mut Decoder<'_>) -> Result<Bytes, Malformed> {
    let count = from.run()?.len();
    Ok(payload.part(payload.len() - from.left() - count, count))
}

/// The sealed attributes of a row, or what is left of them in a tombstone.
pub(super) fn attributes_in(payload: &[u8]) -> Result<&[u8], Malformed> {
    let mut from = Decoder::new(payload);
    match from.u8()? {
        KIND_ROW => {
            from.run()?;
            from.run()
        }
        KIND_TOMBSTONE if from.u8()? == FORMAT => {
            // Id, type and cell.
            from.raw(16 + 1 + 8)?;
            from.run()
        }
        _ => Err(Malformed),
    }
}

/// Where a record lies and which it is, from its row or tombstone alone.
pub(super) fn place_of(payload: &[u8]) -> Result<(CellId, RecordId), Malformed> {
    let mut from = Decoder::new(payload);
    let mut from = match from.u8()? {
        KIND_ROW => Decoder::new(from.run()?),
        KIND_TOMBSTONE => from,
        _ => return Err(Malformed),
    };
    if from.u8()? != FORMAT {
        return Err(Malformed);
    }
    let id = RecordId::from_bytes(from.array()?);
    record_type(from.u8()?)?;
    Ok((CellId::from_bytes(from.array()?), id))
}

fn record_type(byte: u8) -> Result<RecordType, Malformed> {
    RecordType::ALL.into_iter().find(|record_type| *record_type as u8 == byte).ok_or(Malformed)
}

fn count(length: usize) -> u8 {
    u8::try_from(length).expect("schemas bound subjects, terms and sections far below 256")
}
