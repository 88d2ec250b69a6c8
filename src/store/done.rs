//! What is kept of a write that may be said again: ids, versions and keyed tags.
//! Never a value, and never the answer: it is made again from these.
//! The entry of the write is named beside, as with every stored value.

use super::codec::{Decoder, Encoder, Malformed};
use crate::records::{RecordId, SubjectId};

const FORMAT: u8 = 1;
const CREATED: u8 = 1;
const CHANGED: u8 = 2;
const REMOVED: u8 = 3;
const HOUSEHOLD: u8 = 4;
const BATCH: u8 = 5;

/// A write that was said with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Keyed tag over everything that a repeat must have in common with it.
    pub said: [u8; 32],
    /// When, in microseconds since 1970.
    pub at: i64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What a write gave, as far as its answer needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A record was stored.
    Created {
        /// The record.
        id: RecordId,
        /// Whom it is about.
        subject: Option<SubjectId>,
    },
    /// A record was changed.
    Changed {
        /// Its version since.
        version: u64,
    },
    /// A record was removed.
    Removed,
    /// A household was stored.
    Household {
        /// The household's record.
        id: RecordId,
        /// The dwelling's.
        dwelling: Option<RecordId>,
        /// Its people, in the order of the request.
        people: Vec<StoredPerson>,
    },
    /// The key belongs to a batch, whose lines have rows of their own.
    Batch,
}

/// A person of a stored household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredPerson {
    /// Its record.
    pub id: RecordId,
    /// Its subject.
    pub subject: SubjectId,
    /// Its link to the dwelling.
    pub residence: Option<RecordId>,
}

/// A capture that was stored: record ids alone, so that nothing of it outlives an erasure but what a tombstone says too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The record, or the household's.
    pub id: RecordId,
    /// The dwelling of a household.
    pub dwelling: Option<RecordId>,
    /// The people of a household, in the order of the request.
    pub people: Vec<CapturedPerson>,
}

/// A person of a captured household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapturedPerson {
    /// Its record.
    pub id: RecordId,
    /// Its link to the dwelling.
    pub residence: Option<RecordId>,
}

impl Done {
    /// The payload of its key.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(80);
        out.u8(FORMAT);
        out.raw(&self.said);
        out.raw(&self.at.to_be_bytes());
        match &self.outcome {
            Outcome::Created { id, subject } => {
                out.u8(CREATED);
                out.raw(id.as_bytes());
                optional(&mut out, subject.as_ref().map(SubjectId::as_bytes));
            }
            Outcome::Changed { version } => {
                out.u8(CHANGED);
                out.u64(*version);
            }
            Outcome::Removed => out.u8(REMOVED),
            Outcome::Household { id, dwelling, people } => {
                out.u8(HOUSEHOLD);
                out.raw(id.as_bytes());
                optional(&mut out, dwelling.as_ref().map(RecordId::as_bytes));
                out.u8(count(people.len()));
                for person in people {
                    out.raw(person.id.as_bytes());
                    out.raw(person.subject.as_bytes());
                    optional(&mut out, person.residence.as_ref().map(RecordId::as_bytes));
                }
            }
            Outcome::Batch => out.u8(BATCH),
        }
        out.finish()
    }

    /// Reads the payload back.
    ///
    /// # Errors
    /// [`Malformed`] for any other bytes.
    pub fn decode(payload: &[u8]) -> Result<Done, Malformed> {
        let mut from = Decoder::new(payload);
        if from.u8()? != FORMAT {
            return Err(Malformed);
        }
        let said = from.array()?;
        let at = i64::from_be_bytes(from.array()?);
        let outcome = match from.u8()? {
            CREATED => Outcome::Created {
                id: RecordId::from_bytes(from.array()?),
                subject: taken(&mut from)?.map(SubjectId::from_bytes),
            },
            CHANGED => Outcome::Changed { version: from.u64()? },
            REMOVED => Outcome::Removed,
            HOUSEHOLD => {
                let id = RecordId::from_bytes(from.array()?);
                let dwelling = taken(&mut from)?.map(RecordId::from_bytes);
                let people = (0..from.u8()?).map(|_| {
                    Ok(StoredPerson {
                        id: RecordId::from_bytes(from.array()?),
                        subject: SubjectId::from_bytes(from.array()?),
                        residence: taken(&mut from)?.map(RecordId::from_bytes),
                    })
                });
                let people = people.collect::<Result<_, Malformed>>()?;
                Outcome::Household { id, dwelling, people }
            }
            BATCH => Outcome::Batch,
            _ => return Err(Malformed),
        };
        from.end()?;
        Ok(Done { said, at, outcome })
    }
}

impl Captured {
    /// The payload of its key.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(24);
        out.u8(FORMAT);
        out.raw(self.id.as_bytes());
        optional(&mut out, self.dwelling.as_ref().map(RecordId::as_bytes));
        out.u8(count(self.people.len()));
        for person in &self.people {
            out.raw(person.id.as_bytes());
            optional(&mut out, person.residence.as_ref().map(RecordId::as_bytes));
        }
        out.finish()
    }

    /// Reads the payload back.
    ///
    /// # Errors
    /// [`Malformed`] for any other bytes.
    pub fn decode(payload: &[u8]) -> Result<Captured, Malformed> {
        let mut from = Decoder::new(payload);
        if from.u8()? != FORMAT {
            return Err(Malformed);
        }
        let id = RecordId::from_bytes(from.array()?);
        let dwelling = taken(&mut from)?.map(RecordId::from_bytes);
        let people = (0..from.u8()?).map(|_| {
            Ok(CapturedPerson {
                id: RecordId::from_bytes(from.array()?),
                residence: taken(&mut from)?.map(RecordId::from_bytes),
            })
        });
        let people = people.collect::<Result<_, Malformed>>()?;
        from.end()?;
        Ok(Captured { id, dwelling, people })
    }
}

fn optional(out: &mut Encoder, id: Option<&[u8; 16]>) {
    out.u8(u8::from(id.is_some()));
    if let Some(id) = id {
        out.raw(id);
    }
}

fn taken(from: &mut Decoder<'_>) -> Result<Option<[u8; 16]>, Malformed> {
    match from.u8()? {
        0 => Ok(None),
        1 => from.array().map(Some),
        _ => Err(Malformed),
    }
}

fn count(length: usize) -> u8 {
    u8::try_from(length).expect("a household has far fewer than 256 people")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u8) -> RecordId {
        RecordId::from_bytes([number; 16])
    }

    fn outcomes() -> Vec<Outcome> {
        let subject = SubjectId::from_bytes([9; 16]);
        let people = vec![
            StoredPerson { id: record(3), subject, residence: Some(record(4)) },
            StoredPerson { id: record(5), subject, residence: None },
        ];
        vec![
            Outcome::Created { id: record(1), subject: Some(subject) },
            Outcome::Created { id: record(1), subject: None },
            Outcome::Changed { version: 7 },
            Outcome::Removed,
            Outcome::Household { id: record(1), dwelling: Some(record(2)), people },
            Outcome::Household { id: record(1), dwelling: None, people: Vec::new() },
            Outcome::Batch,
        ]
    }

    #[test]
    fn what_was_done_reads_back_and_nothing_else_does() {
        for outcome in outcomes() {
            let done = Done { said: [7; 32], at: -3, outcome };
            let bytes = done.encode();
            assert_eq!(Done::decode(&bytes), Ok(done));
            for cut in 0..bytes.len() {
                assert_eq!(Done::decode(&bytes[..cut]), Err(Malformed), "{cut}");
            }
            let longer = [bytes.as_slice(), b"\0"].concat();
            assert_eq!(Done::decode(&longer), Err(Malformed));
            let other_format = [b"\x02", &bytes[1..]].concat();
            assert_eq!(Done::decode(&other_format), Err(Malformed));
        }
    }

    #[test]
    fn a_capture_reads_back_and_holds_record_ids_alone() {
        let person = CapturedPerson { id: record(3), residence: Some(record(4)) };
        let household =
            Captured { id: record(1), dwelling: Some(record(2)), people: vec![person, person] };
        assert_eq!(Captured::decode(&household.encode()).as_ref(), Ok(&household));
        let single = Captured { id: record(1), dwelling: None, people: Vec::new() };
        let bytes = single.encode();
        assert_eq!(bytes, [b"\x01".as_slice(), &[1; 16], b"\0\0"].concat());
        assert_eq!(Captured::decode(&bytes), Ok(single));
        for cut in 0..bytes.len() {
            assert_eq!(Captured::decode(&bytes[..cut]), Err(Malformed), "{cut}");
        }
        assert_eq!(Captured::decode(&[&bytes[..], b"\0"].concat()), Err(Malformed));
    }

    #[test]
    fn the_byte_form_never_changes() {
        let done = Done { said: [7; 32], at: 258, outcome: outcomes().swap_remove(1) };
        let fixed =
            [b"\x01".as_slice(), &[7; 32], &[0, 0, 0, 0, 0, 0, 1, 2], b"\x01", &[1; 16], b"\0"];
        assert_eq!(done.encode(), fixed.concat());
    }
}
