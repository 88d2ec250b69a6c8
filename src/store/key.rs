//! The keys of the one ordered key space.
//! A key never holds a value: index terms come keyed and permuted, everything else is an id.
//! The first byte tells the kind, so that kinds never mix in a scan.

use crate::records::{MandateId, Owner, RecordId, RecordType, SubjectId};
use crate::territory::CellId;
use smallvec::SmallVec;

const ROW: u8 = 0x01;
const SUBJECT_KEY: u8 = 0x02;
const TERM: u8 = 0x03;
const CELL_LISTING: u8 = 0x04;
const SUBJECT_LISTING: u8 = 0x05;
const RETENTION: u8 = 0x06;
const CONTROL: u8 = 0x07;
const ACTOR: u8 = 0x08;
const ENROLMENT: u8 = 0x09;
const SYSTEM: u8 = 0x0b;
const LOGIN: u8 = 0x0c;
const REPEAT: u8 = 0x0d;
const CAPTURE: u8 = 0x0e;
const CHANGE: u8 = 0x0f;
const REVIEW: u8 = 0x10;
const REVIEW_NOTE: u8 = 0x11;
const REVIEW_OF: u8 = 0x12;
const RECTIFICATION: u8 = 0x13;
const CHARGE: u8 = 0x14;
const MANDATE: u8 = 0x15;
const SPENT: u8 = 0x16;
const MANDATE_LISTING: u8 = 0x17;
const ERASURE_WAITING: u8 = 0x18;
const DUTY: u8 = 0x1a;
const EARLY_END: u8 = 0x1b;
const MOVED_TERMS: u8 = 0x1e;
const MOVED_ATTRIBUTES: u8 = 0x1f;

/// Under [`SYSTEM`].
const POLICY: &[u8] = b"policy";
/// Under [`SYSTEM`].
const ROTATION: &[u8] = b"rotation";
/// Under [`SYSTEM`].
const CHECKPOINT: &[u8] = b"checkpoint";
/// Under [`SYSTEM`].
const WAYS: &[u8] = b"ways";
/// Under [`SYSTEM`].
const SEALED_ANEW: &[u8] = b"sealed anew";

/// Bytes of a usual key: it has no memory of its own.
const USUAL_BYTES: usize = 40;

/// A key of the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(SmallVec<[u8; USUAL_BYTES]>);

/// Kinds of control records: what was said to a resident, and what a resident said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ControlKind {
    /// A notice was given.
    NoticeGiven = 1,
    /// A consent was given.
    Consent = 2,
    /// A consent was withdrawn.
    Withdrawal = 0x1c,
    /// Somebody was erased.
    Erasure = 0x1d,
}

/// Single values that the vault keeps about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemKey {
    /// Digest of the active policy, purposes and schemas.
    Policy,
    /// A part of the tree of grids and the cells under it, counting from 0.
    Territory(u16),
    /// The last signed checkpoint of the log that was kept here; its version is the number of entries that it covers.
    Checkpoint,
    /// The rotation of keys that is under way, or the last one.
    Rotation,
    /// Which root key the log knows of, and which ceremonies over the ways to it were told.
    Ways,
    /// Under no earlier header key than this one is anything that opens; its version is the key's epoch.
    SealedAnew,
}

impl Key {
    fn of(kind: u8, parts: &[&[u8]]) -> Key {
        let mut bytes = SmallVec::new();
        bytes.push(kind);
        for part in parts {
            bytes.extend_from_slice(part);
        }
        Key(bytes)
    }

    /// A record's row.
    pub fn row(id: RecordId) -> Key {
        Key::of(ROW, &[id.as_bytes()])
    }

    /// All rows, in the order of record ids.
    pub fn row_prefix() -> Key {
        Key::of(ROW, &[])
    }

    /// The wrapped key of a subject, or of a record that has none.
    pub fn subject_key(subject: SubjectId) -> Key {
        Key::of(SUBJECT_KEY, &[subject.as_bytes()])
    }

    /// All wrapped keys, in the order of subject ids.
    pub fn subject_key_prefix() -> Key {
        Key::of(SUBJECT_KEY, &[])
    }

    /// One index term of one record.
    pub fn term(term: &[u8; 18], id: RecordId) -> Key {
        Key::of(TERM, &[term, id.as_bytes()])
    }

    /// All records behind one index term.
    pub fn term_prefix(term: &[u8; 18]) -> Key {
        Key::of(TERM, &[term])
    }

    /// All index terms.
    pub fn terms_prefix() -> Key {
        Key::of(TERM, &[])
    }

    /// All index terms of a bucket.
    pub fn term_bucket_prefix(bucket: u16) -> Key {
        Key::of(TERM, &[&bucket.to_be_bytes()])
    }

    /// Takes an index term of a record apart.
    pub fn term_parts(&self) -> Option<([u8; 18], RecordId)> {
        let (term, record) = self.0.strip_prefix(&[TERM])?.split_first_chunk()?;
        Some((*term, RecordId::from_bytes(record.try_into().ok()?)))
    }

    /// What rotations made of the index terms that a record's row names.
    pub fn moved_terms(id: RecordId) -> Key {
        Key::of(MOVED_TERMS, &[id.as_bytes()])
    }

    /// The decision attributes of a record, or what is left of them, sealed anew under another header key than its row was.
    pub fn moved_attributes(id: RecordId) -> Key {
        Key::of(MOVED_ATTRIBUTES, &[id.as_bytes()])
    }

    /// All attributes that were sealed anew.
    pub fn moved_attributes_prefix() -> Key {
        Key::of(MOVED_ATTRIBUTES, &[])
    }

    /// Whether these are attributes that were sealed anew.
    pub fn is_moved_attributes(&self) -> bool {
        self.0.first() == Some(&MOVED_ATTRIBUTES)
    }

    /// Every kind of row whose whole value is sealed under the header key, but for attributes that were sealed anew.
    pub fn by_header_prefixes() -> [Key; 7] {
        [
            Key::of(ACTOR, &[]),
            Key::of(ENROLMENT, &[]),
            Key::of(REVIEW, &[]),
            Key::of(REVIEW_NOTE, &[]),
            Key::of(RECTIFICATION, &[]),
            Key::of(MANDATE, &[]),
            Key::system(SystemKey::Rotation),
        ]
    }

    /// Whether the whole value under this key is sealed under the header key.
    pub fn is_by_header(&self) -> bool {
        match self.0.first() {
            Some(&(ACTOR | ENROLMENT | REVIEW | REVIEW_NOTE | RECTIFICATION | MANDATE)) => true,
            Some(&MOVED_ATTRIBUTES) => true,
            _ => self.is_rotation(),
        }
    }

    /// The one-time code whose hash this is, where it is one's.
    pub fn enrolment_hash(&self) -> Option<[u8; 32]> {
        self.0.strip_prefix(&[ENROLMENT])?.try_into().ok()
    }

    /// The mandate that lies here, where one does.
    pub fn mandate_id(&self) -> Option<MandateId> {
        Some(MandateId::from_bytes(self.0.strip_prefix(&[MANDATE])?.try_into().ok()?))
    }

    /// Whether this is an index term, or what became of those that a row names.
    pub fn is_of_terms(&self) -> bool {
        matches!(self.0.first(), Some(&TERM | &MOVED_TERMS))
    }

    /// The listing of a record under its cell.
    pub fn cell_listing(cell: CellId, record_type: RecordType, id: RecordId) -> Key {
        Key::of(CELL_LISTING, &[&cell.to_bytes(), &[record_type as u8], id.as_bytes()])
    }

    /// All records of a type under a cell.
    pub fn cell_listing_prefix(cell: CellId, record_type: RecordType) -> Key {
        Key::of(CELL_LISTING, &[&cell.to_bytes(), &[record_type as u8]])
    }

    /// The last change of a record, in the order of the log under its cell.
    pub fn change(cell: CellId, index: u64, id: RecordId) -> Key {
        Key::of(CHANGE, &[&cell.to_bytes(), &index.to_be_bytes(), id.as_bytes()])
    }

    /// All last changes under a cell.
    pub fn change_prefix(cell: CellId) -> Key {
        Key::of(CHANGE, &[&cell.to_bytes()])
    }

    /// Takes the key of a change apart: index of the entry, and record.
    pub fn change_parts(&self) -> Option<(u64, RecordId)> {
        let rest = self.0.strip_prefix(&[CHANGE])?.get(8..)?;
        let (index, record) = rest.split_first_chunk()?;
        Some((u64::from_be_bytes(*index), RecordId::from_bytes(record.try_into().ok()?)))
    }

    /// The listing of a record under a subject.
    pub fn subject_listing(subject: SubjectId, id: RecordId) -> Key {
        Key::of(SUBJECT_LISTING, &[subject.as_bytes(), id.as_bytes()])
    }

    /// All records of a subject.
    pub fn subject_listing_prefix(subject: SubjectId) -> Key {
        Key::of(SUBJECT_LISTING, &[subject.as_bytes()])
    }

    /// The end of a record's retention, or of fields of it that go before: days since the epoch, then the record.
    pub fn retention(day: i32, id: RecordId) -> Key {
        Key::of(RETENTION, &[&shifted(day), id.as_bytes()])
    }

    /// The ends of all records and of their fields, the earliest first.
    pub fn retention_prefix() -> Key {
        Key::of(RETENTION, &[])
    }

    /// Takes an end of a record apart: days since the epoch, and the record.
    pub fn retention_parts(&self) -> Option<(i32, RecordId)> {
        let (day, record) = self.0.strip_prefix(&[RETENTION])?.split_first_chunk()?;
        Some((unshifted(*day)?, RecordId::from_bytes(record.try_into().ok()?)))
    }

    /// A control record.
    pub fn control(kind: ControlKind, id: &[u8; 16]) -> Key {
        Key::of(CONTROL, &[&[kind as u8], id])
    }

    /// What is kept of all erasures.
    pub fn erasure_prefix() -> Key {
        Key::of(CONTROL, &[&[ControlKind::Erasure as u8]])
    }

    /// The erasure of which this is kept, where it is of one.
    pub fn erasure_id(&self) -> Option<[u8; 16]> {
        self.0.strip_prefix(&[CONTROL, ControlKind::Erasure as u8])?.try_into().ok()
    }

    /// That the keys of somebody who was erased are still to be destroyed.
    pub fn erasure_waiting(id: &[u8; 16]) -> Key {
        Key::of(ERASURE_WAITING, &[id])
    }

    /// All erasures whose keys are still to be destroyed, the oldest request first.
    pub fn erasure_waiting_prefix() -> Key {
        Key::of(ERASURE_WAITING, &[])
    }

    /// The erasure whose keys are still to be destroyed, where this says so.
    pub fn waiting_erasure(&self) -> Option<[u8; 16]> {
        self.0.strip_prefix(&[ERASURE_WAITING])?.try_into().ok()
    }

    /// Whether this is about an erasure as such: its control record, or that its keys are still to be destroyed.
    pub fn is_of_erasure(&self) -> bool {
        self.0.first() == Some(&ERASURE_WAITING)
            || self.0.starts_with(&[CONTROL, ControlKind::Erasure as u8])
    }

    /// An actor of the directory.
    pub fn actor(id: &[u8; 16]) -> Key {
        Key::of(ACTOR, &[id])
    }

    /// All actors.
    pub fn actor_prefix() -> Key {
        Key::of(ACTOR, &[])
    }

    /// A log-in name, or a record as one's own, taken by an actor, by its keyed tag.
    pub fn login(tag: &[u8; 16]) -> Key {
        Key::of(LOGIN, &[tag])
    }

    /// A one-time enrolment code, by its hash.
    pub fn enrolment(code_hash: &[u8; 32]) -> Key {
        Key::of(ENROLMENT, &[code_hash])
    }

    /// One distinct thing that was counted in a ledger; its value is the hour.
    pub fn charge(owner: &[u8; 16], family: u8, tag: &[u8; 16]) -> Key {
        Key::of(CHARGE, &[owner, &[family], tag])
    }

    /// Everything that was counted in a ledger.
    pub fn charge_prefix(owner: &[u8; 16], family: u8) -> Key {
        Key::of(CHARGE, &[owner, &[family]])
    }

    /// What was counted, where this is a count.
    pub fn charge_tag(&self) -> Option<[u8; 16]> {
        self.0.strip_prefix(&[CHARGE])?.get(17..)?.try_into().ok()
    }

    /// A task, an approval or an emergency.
    pub fn mandate(id: MandateId) -> Key {
        Key::of(MANDATE, &[id.as_bytes()])
    }

    /// That a mandate which serves once was used.
    pub fn spent(id: MandateId) -> Key {
        Key::of(SPENT, &[id.as_bytes()])
    }

    /// The listing of a mandate under somebody who has to do with it, or where it waits for a second person: by its end, in
    /// hours since 1970, so that what is over is not looked at any more.
    pub fn mandate_listing(place: &[u8; 16], ends: u32, id: MandateId) -> Key {
        Key::of(MANDATE_LISTING, &[place, &ends.to_be_bytes(), id.as_bytes()])
    }

    /// All mandates that are listed in one place, those that end first in front.
    pub fn mandate_listing_prefix(place: &[u8; 16]) -> Key {
        Key::of(MANDATE_LISTING, &[place])
    }

    /// The mandate of a listing.
    pub fn listed_mandate(&self) -> Option<MandateId> {
        let id = self.0.strip_prefix(&[MANDATE_LISTING])?.get(20..)?;
        Some(MandateId::from_bytes(id.try_into().ok()?))
    }

    /// That something is due to a resident, by the digits of the area whose desk asked for it. Those of an area lie behind
    /// each other, the oldest request first.
    pub fn duty(area: &[u8; 16], id: MandateId) -> Key {
        Key::of(DUTY, &[area, id.as_bytes()])
    }

    /// Everything that is due in an area and in those below it: an area begins with the digits of what it lies in.
    pub fn duty_prefix(digits: &[u8]) -> Key {
        Key::of(DUTY, &[digits])
    }

    /// An end of a record that a withdrawal took forward, or gave to fields of it: days since the epoch, then the record. Beside that
    /// of its retention, which all records have.
    pub fn early_end(day: i32, id: RecordId) -> Key {
        Key::of(EARLY_END, &[&shifted(day), id.as_bytes()])
    }

    /// All ends that a withdrawal took forward, the earliest first.
    pub fn early_end_prefix() -> Key {
        Key::of(EARLY_END, &[])
    }

    /// Takes an end that was taken forward apart: days since the epoch, and the record.
    pub fn early_end_parts(&self) -> Option<(i32, RecordId)> {
        let (day, record) = self.0.strip_prefix(&[EARLY_END])?.split_first_chunk()?;
        Some((unshifted(*day)?, RecordId::from_bytes(record.try_into().ok()?)))
    }

    /// Takes something that is due apart: the digits of the area, and the request.
    pub fn due_parts(&self) -> Option<([u8; 16], MandateId)> {
        let (area, id) = self.0.strip_prefix(&[DUTY])?.split_first_chunk()?;
        Some((*area, MandateId::from_bytes(id.try_into().ok()?)))
    }

    /// What a write that was said with a key is known by: the day, the caller, the keyed tag of the key. Rows of one
    /// day lie together, the oldest first.
    pub fn repeat(day: i32, caller: &[u8; 16], tag: &[u8; 16]) -> Key {
        Key::of(REPEAT, &[&shifted(day), caller, tag])
    }

    /// All writes that were said with a key, oldest day first.
    pub fn repeat_prefix() -> Key {
        Key::of(REPEAT, &[])
    }

    /// The day of a write that was said with a key.
    pub fn repeat_day(&self) -> Option<i32> {
        let rest = self.0.strip_prefix(&[REPEAT])?;
        unshifted(*rest.first_chunk()?)
    }

    /// A capture that a caller stored, by the keyed tag of its id.
    pub fn capture(caller: &[u8; 16], tag: &[u8; 16]) -> Key {
        Key::of(CAPTURE, &[caller, tag])
    }

    /// A review.
    pub fn review(id: &[u8; 16]) -> Key {
        Key::of(REVIEW, &[id])
    }

    /// All reviews, the oldest first.
    pub fn review_prefix() -> Key {
        Key::of(REVIEW, &[])
    }

    /// The review whose row this is, where it is one's.
    pub fn review_id(&self) -> Option<[u8; 16]> {
        self.0.strip_prefix(&[REVIEW])?.try_into().ok()
    }

    /// What somebody wrote in a review, counting from 1.
    pub fn review_note(review: &[u8; 16], number: u16) -> Key {
        Key::of(REVIEW_NOTE, &[review, &number.to_be_bytes()])
    }

    /// Everything that was written in a review, in order.
    pub fn review_note_prefix(review: &[u8; 16]) -> Key {
        Key::of(REVIEW_NOTE, &[review])
    }

    /// The one review of an anomaly.
    pub fn review_of(anomaly: &[u8; 16]) -> Key {
        Key::of(REVIEW_OF, &[anomaly])
    }

    /// Something that is to be put right.
    pub fn rectification(id: &[u8; 16]) -> Key {
        Key::of(RECTIFICATION, &[id])
    }

    /// Everything that is or was to be put right, the oldest first.
    pub fn rectification_prefix() -> Key {
        Key::of(RECTIFICATION, &[])
    }

    /// What is to be put right here, where something is.
    pub fn rectification_id(&self) -> Option<[u8; 16]> {
        self.0.strip_prefix(&[RECTIFICATION])?.try_into().ok()
    }

    /// A value that the vault keeps about itself.
    pub fn system(key: SystemKey) -> Key {
        match key {
            SystemKey::Policy => Key::of(SYSTEM, &[POLICY]),
            SystemKey::Territory(part) => Key::of(SYSTEM, &[b"territory", &part.to_be_bytes()]),
            SystemKey::Checkpoint => Key::of(SYSTEM, &[CHECKPOINT]),
            SystemKey::Rotation => Key::of(SYSTEM, &[ROTATION]),
            SystemKey::Ways => Key::of(SYSTEM, &[WAYS]),
            SystemKey::SealedAnew => Key::of(SYSTEM, &[SEALED_ANEW]),
        }
    }

    /// All parts of the tree of grids.
    pub fn territory_prefix() -> Key {
        Key::of(SYSTEM, &[b"territory"])
    }

    /// The same key in a vault that goes on under another log, whose first entry stands for every entry of the log before. None for
    /// what speaks of entries of that log by their indexes, or of the log itself.
    pub fn under_another_log(&self) -> Option<Key> {
        match *self.0.first()? {
            REVIEW | REVIEW_NOTE | REVIEW_OF | RECTIFICATION => None,
            SYSTEM if self.is_of_one_log() => None,
            CHANGE => {
                let mut bytes = self.0.clone();
                // Behind kind and cell lies the index of the entry that changed the record last.
                bytes.get_mut(9..17)?.fill(0);
                Some(Key(bytes))
            }
            _ => Some(self.clone()),
        }
    }

    /// Whether this is of one log alone, and nobody's loss under another: its kept checkpoint, and what it was told of the root key.
    pub fn is_of_one_log(&self) -> bool {
        matches!(self.0.strip_prefix(&[SYSTEM]), Some(CHECKPOINT | WAYS))
    }

    /// From bytes that the store or the journal held.
    pub fn from_bytes(bytes: &[u8]) -> Key {
        Key(bytes.into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whom the key belongs to. Counts, and that a mandate was used up, belong to the trail
    /// alone, and so to nobody here.
    pub fn owner(&self) -> Option<Owner> {
        let tail = |from: usize| <[u8; 16]>::try_from(self.0.get(from..)?).ok();
        let record = |from: usize| Some(Owner::Record(RecordId::from_bytes(tail(from)?)));
        match *self.0.first()? {
            ROW => record(1),
            TERM => record(19),
            MOVED_TERMS | MOVED_ATTRIBUTES => record(1),
            CELL_LISTING => record(10),
            CHANGE => record(17),
            SUBJECT_LISTING => record(17),
            RETENTION | EARLY_END => record(5),
            SUBJECT_KEY => Some(Owner::Subject(SubjectId::from_bytes(tail(1)?))),
            CONTROL => Some(Owner::Control(tail(2)?)),
            ERASURE_WAITING => Some(Owner::Control(tail(1)?)),
            ACTOR => Some(Owner::Actor(tail(1)?)),
            ENROLMENT => Some(Owner::Enrolment),
            LOGIN => Some(Owner::Login),
            REPEAT => Some(Owner::Caller(self.0.get(5..21)?.try_into().ok()?)),
            CAPTURE => Some(Owner::Caller(self.0.get(1..17)?.try_into().ok()?)),
            REVIEW | REVIEW_OF | RECTIFICATION => Some(Owner::Review(tail(1)?)),
            REVIEW_NOTE => Some(Owner::Review(self.0.get(1..17)?.try_into().ok()?)),
            SYSTEM if self.is_rotation() => Some(Owner::Rotation),
            SYSTEM => Some(Owner::System),
            MANDATE => Some(Owner::Mandate(MandateId::from_bytes(tail(1)?))),
            MANDATE_LISTING => Some(Owner::Mandate(MandateId::from_bytes(tail(21)?))),
            DUTY => Some(Owner::Mandate(MandateId::from_bytes(tail(17)?))),
            _ => None,
        }
    }

    /// The record that the key belongs to, where it belongs to one.
    pub fn record(&self) -> Option<RecordId> {
        match self.owner()? {
            Owner::Record(id) => Some(id),
            _ => None,
        }
    }

    /// The subject whose key lies here, where one does.
    pub fn subject_of_key(&self) -> Option<SubjectId> {
        let rest = self.0.strip_prefix(&[SUBJECT_KEY])?;
        Some(SubjectId::from_bytes(rest.try_into().ok()?))
    }

    /// The actor whose entry this is, where it is one.
    pub fn actor_id(&self) -> Option<[u8; 16]> {
        self.0.strip_prefix(&[ACTOR])?.try_into().ok()
    }

    /// Whether this is the row of a record.
    pub fn is_row(&self) -> bool {
        self.0.first() == Some(&ROW)
    }

    /// Whether this is where the rotation of keys is kept.
    pub fn is_rotation(&self) -> bool {
        self.0.strip_prefix(&[SYSTEM]) == Some(ROTATION)
    }

    /// Whether this says under which header key everything is.
    pub fn is_sealed_anew(&self) -> bool {
        self.0.strip_prefix(&[SYSTEM]) == Some(SEALED_ANEW)
    }

    /// Whether this is the key of the policy in force.
    pub fn is_policy(&self) -> bool {
        self.0.strip_prefix(&[SYSTEM]) == Some(POLICY)
    }
}

/// Days since the epoch so that days before 1970 sort in front.
fn shifted(day: i32) -> [u8; 4] {
    let shifted = (i64::from(day) - i64::from(i32::MIN)) as u32;
    shifted.to_be_bytes()
}

fn unshifted(shifted: [u8; 4]) -> Option<i32> {
    i32::try_from(i64::from(u32::from_be_bytes(shifted)) + i64::from(i32::MIN)).ok()
}
