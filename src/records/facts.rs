//! What a decision must know about a record without opening any section.
//! Never holds a value that a resident gave, only days, marks, ids and bases.
//! Its bytes are sealed under the header key, so an unknown format is an error, never a guess.

use super::{Class, Handle, Restraint, RestraintKind, SubjectSlot};
use crate::limits::FACTS_BYTES_MAX;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Version of the byte format, in front of it.
const FORMAT: u8 = 1;
/// The same with the consents that were withdrawn behind it. Attributes without any have the shorter form.
const FORMAT_WITHDRAWN: u8 = 0x1c;
/// The same with restraints and an end of its own behind them, where it has any of the two.
const FORMAT_RESTRAINED: u8 = 0x1d;
/// The same with the end of fields that go before the record behind it, where it has one.
const FORMAT_LEAVING: u8 = 0x1e;

/// One reason for which the record is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasisFact {
    /// The purpose.
    pub purpose: String,
    /// The legal basis, as the purpose names it.
    pub legal_basis: String,
    /// The notice that was given: one version of its text.
    pub notice: String,
    /// The consent record, where the basis rests on one.
    pub consent: Option<[u8; 16]>,
}

/// The decision attributes of a record. Days are whole days since 1970-01-01. No `Clone`: the days tell a birth date.
#[derive(PartialEq, Eq)]
pub struct Facts {
    /// The day on which the subject turns 14, when the birth date is known.
    pub turns_14: Option<i32>,
    /// The day on which the subject turns 18, when the birth date is known.
    pub turns_18: Option<i32>,
    /// Stored and protected, and nothing else (PIPL Art. 47).
    pub restricted: bool,
    /// Kept by law although a request or a period would end it.
    pub legal_hold: bool,
    /// The line of business that holds the record, if one does.
    pub line: Option<String>,
    /// Why the record is held; a purpose without an entry here opens nothing.
    pub bases: Vec<BasisFact>,
    /// The consents among them that were withdrawn, each with the day: what rests on one opens nothing.
    pub withdrawn: Vec<([u8; 16], i32)>,
    /// What keeps it, or the part of somebody in it: the two marks follow from these.
    pub restraints: Vec<Restraint>,
    /// The end that it had before a withdrawal took it forward; nothing where none did.
    pub own_end: Option<i32>,
    /// The first day on which fields of it go that rested on consents alone which were withdrawn; nothing where none do.
    pub fields_end: Option<i32>,
    /// The record's name in the audit log.
    pub record_handle: Handle,
    /// The subjects' ids and their names in the audit log.
    pub subject_handles: Vec<([u8; 16], Handle)>,
    /// Hidden from own-grid roles, co-residents and the household view.
    pub protected_address: bool,
    /// The first day on which the record may no longer be read.
    pub retain_until: Option<i32>,
}

/// Why bytes are no facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// Written in a format that this version does not know.
    #[error("decision attributes have an unknown format")]
    UnknownFormat,
    /// Not the encoding of any facts.
    #[error("decision attributes are malformed")]
    Malformed,
}

/// The written form; its field order is the format.
#[derive(Serialize, Deserialize)]
struct Written {
    turns_14: Option<i32>,
    turns_18: Option<i32>,
    restricted: bool,
    legal_hold: bool,
    line: Option<String>,
    bases: Vec<BasisFact>,
    record_handle: [u8; 16],
    subject_handles: Vec<([u8; 16], [u8; 16])>,
    protected_address: bool,
    retain_until: Option<i32>,
}

impl Facts {
    /// The attributes of a record about nobody: what a question about a kind of record is asked with.
    pub fn of_nobody() -> Facts {
        Facts {
            turns_14: None,
            turns_18: None,
            restricted: false,
            legal_hold: false,
            line: None,
            bases: Vec::new(),
            withdrawn: Vec::new(),
            restraints: Vec::new(),
            own_end: None,
            fields_end: None,
            record_handle: Handle::from_bytes([0; 16]),
            subject_handles: Vec::new(),
            protected_address: false,
            retain_until: None,
        }
    }

    /// The class of a field of this record on that day: everything general about a child under 14 is sensitive
    /// (PIPL Art. 28). Where no birth date is known the field's own class holds.
    pub fn effective_class(&self, field_class: Class, today_days: i32) -> Class {
        if field_class == Class::C2 && self.is_under_14(today_days) {
            Class::C3
        } else {
            field_class
        }
    }

    /// Whether the subject is known to be under 14 on that day.
    pub fn is_under_14(&self, today_days: i32) -> bool {
        self.turns_14.is_some_and(|day| today_days < day)
    }

    /// Whether the subject is known to be under 18 on that day.
    pub fn is_minor(&self, today_days: i32) -> bool {
        self.turns_18.is_some_and(|day| today_days < day)
    }

    /// Whether the record's time is over on that day; from then on it is not read, erased or not.
    pub fn is_expired(&self, today_days: i32) -> bool {
        self.retain_until.is_some_and(|day| today_days >= day)
    }

    /// Whether it is to be removed on that day: its time is over, and neither a law nor a restriction keeps it.
    pub fn is_to_go(&self, today_days: i32) -> bool {
        self.is_expired(today_days) && !self.legal_hold && !self.restricted
    }

    /// Whether fields of it are to be removed on that day: their time is over, and nothing keeps the record or a part in it.
    pub fn is_to_lose_fields(&self, today_days: i32) -> bool {
        let is_over = self.fields_end.is_some_and(|day| today_days >= day);
        is_over && !self.legal_hold && !self.restricted && self.restraints.is_empty()
    }

    /// The basis under which the record is held for a purpose, withdrawn or not.
    pub fn basis_for(&self, purpose: &str) -> Option<&BasisFact> {
        self.bases.iter().find(|basis| basis.purpose == purpose)
    }

    /// The same, where it was not withdrawn.
    pub fn live_basis_for(&self, purpose: &str) -> Option<&BasisFact> {
        self.basis_for(purpose).filter(|basis| !self.is_withdrawn(basis))
    }

    /// Whether a basis rests on a consent that was withdrawn.
    pub fn is_withdrawn(&self, basis: &BasisFact) -> bool {
        self.withdrawn_on(basis).is_some()
    }

    /// The day on which the consent behind a basis was withdrawn.
    pub fn withdrawn_on(&self, basis: &BasisFact) -> Option<i32> {
        let consent = basis.consent?;
        self.withdrawn.iter().find(|(gone, _)| *gone == consent).map(|(_, day)| *day)
    }

    /// The end of the record once every consent to a purpose is withdrawn: an earlier one where it rests on nothing else.
    /// What a law holds stays behind it, for as long as the hold lasts.
    pub fn end_without(&self, purpose: &str, ends_on: i32) -> Option<i32> {
        let rests = self.bases.iter().any(|basis| {
            !self.is_withdrawn(basis) && (basis.purpose != purpose || basis.consent.is_none())
        });
        match self.retain_until {
            known if rests => known,
            Some(known) => Some(known.min(ends_on)),
            None => Some(ends_on),
        }
    }

    /// Whether every basis of it was withdrawn.
    pub fn rests_on_nothing(&self) -> bool {
        !self.bases.is_empty() && self.bases.iter().all(|basis| self.is_withdrawn(basis))
    }

    /// Ends it then, and keeps the end that it had before the first time it was taken forward.
    pub fn end_early(&mut self, end: Option<i32>) {
        if self.retain_until != end {
            self.own_end = self.own_end.or(self.retain_until);
            self.retain_until = end;
        }
    }

    /// The end of the record once a consent carries it again that gives it this long: where a withdrawal took its end forward,
    /// a later one, and never later than its own.
    pub fn end_with(&self, latest: i32) -> Option<i32> {
        match (self.retain_until, self.own_end) {
            (Some(now), Some(own)) => Some(now.max(own.min(latest))),
            (known, _) => known,
        }
    }

    /// Ends it so late again.
    pub fn end_late(&mut self, latest: i32) {
        self.retain_until = self.end_with(latest);
        self.own_end = self.own_end.filter(|own| Some(*own) != self.retain_until);
    }

    /// The end once the moment that it counts from is another: with the ends that the former one may have given, and the one that the
    /// new one gives, as far as it is told. An end that the former moment gave goes back as far as `latest`, where that is known and
    /// not everything was withdrawn meanwhile; one that somebody asked for is not touched, and comes earlier at most.
    pub fn end_by_moment(&mut self, former: &[i32], new: Option<i32>, latest: Option<i32>) {
        let moved = |known: i32, goes_back: bool| {
            let given = former.contains(&known) && goes_back;
            let latest = latest.filter(|_| given);
            let known = latest.map_or(known, |latest| known.max(latest));
            new.map_or(known, |end| end.min(known))
        };
        let carried = !self.rests_on_nothing();
        self.retain_until = self.retain_until.map_or(new, |known| Some(moved(known, carried)));
        self.own_end = self.own_end.map(|own| moved(own, true));
    }

    /// Keeps the record, or a part in it, for one reason more. What is kept for it already stays as it is.
    pub fn restrain(&mut self, restraint: Restraint) {
        if !self.is_under(restraint.id) {
            self.restraints.push(restraint);
        }
        self.mark();
    }

    /// Keeps it for that reason no more; others stay.
    pub fn release(&mut self, id: [u8; 16]) {
        self.restraints.retain(|kept| kept.id != id);
        self.mark();
    }

    /// Forgets what kept the part of people who are in the record no more.
    pub fn release_of(&mut self, gone: impl Fn(&[u8; 16]) -> bool) {
        if self.restraints.iter().any(|kept| gone(&kept.subject)) {
            self.restraints.retain(|kept| !gone(&kept.subject));
            self.mark();
        }
    }

    fn mark(&mut self) {
        let mut kept = self.restraints.iter();
        self.legal_hold = kept.clone().any(|kept| kept.kind == RestraintKind::LegalHold);
        self.restricted = kept.any(|kept| kept.restricts() && kept.part.is_none());
    }

    /// Whether this keeps it, or a part in it.
    pub fn is_under(&self, id: [u8; 16]) -> bool {
        self.restraints.iter().any(|kept| kept.id == id)
    }

    /// Whether the part of somebody who appears in it is restricted.
    pub fn closes(&self, slot: &SubjectSlot) -> bool {
        let part = |kept: &Restraint| kept.part.as_deref() == Some(slot.as_str());
        self.restraints.iter().any(|kept| kept.restricts() && part(kept))
    }

    /// Whether the part of somebody who appears in it is kept by a law.
    pub fn keeps(&self, slot: &SubjectSlot) -> bool {
        let part = |kept: &Restraint| kept.part.as_deref() == Some(slot.as_str());
        self.restraints.iter().any(|kept| kept.kind == RestraintKind::LegalHold && part(kept))
    }

    /// Whether anything that is held of somebody in it is restricted.
    pub fn restricts(&self, subject: Handle) -> bool {
        let of = |kept: &Restraint| self.subject_handle(&kept.subject) == Some(subject);
        self.restraints.iter().any(|kept| kept.restricts() && of(kept))
    }

    /// The handle of a subject of the record.
    pub fn subject_handle(&self, subject: &[u8; 16]) -> Option<Handle> {
        let known = self.subject_handles.iter().find(|(id, _)| id == subject);
        known.map(|(_, handle)| *handle)
    }

    /// The bytes to seal: a format byte, then postcard of the attributes in the order of this type, then of those withdrawn, the
    /// restraints, the end of its own and that of fields.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let handles = self.subject_handles.iter();
        let written = Written {
            turns_14: self.turns_14,
            turns_18: self.turns_18,
            restricted: self.restricted,
            legal_hold: self.legal_hold,
            line: self.line.clone(),
            bases: self.bases.clone(),
            record_handle: *self.record_handle.as_bytes(),
            subject_handles: handles.map(|(id, handle)| (*id, *handle.as_bytes())).collect(),
            protected_address: self.protected_address,
            retain_until: self.retain_until,
        };
        let size = postcard::experimental::serialized_size(&written)
            .expect("plain data always has a size");
        let mut bytes = Zeroizing::new(vec![0; size + 1]);
        bytes[0] = FORMAT;
        postcard::to_slice(&written, &mut bytes[1..])
            .expect("the buffer has the size just counted");
        // Ids, days of consents and ends tell nothing of a birth date, so they need no wiping on the way.
        let tail = if let Some(fields_end) = self.fields_end {
            bytes[0] = FORMAT_LEAVING;
            let tail = (&self.withdrawn, &self.restraints, self.own_end, fields_end);
            postcard::to_allocvec(&tail)
        } else if !self.restraints.is_empty() || self.own_end.is_some() {
            bytes[0] = FORMAT_RESTRAINED;
            postcard::to_allocvec(&(&self.withdrawn, &self.restraints, self.own_end))
        } else if !self.withdrawn.is_empty() {
            bytes[0] = FORMAT_WITHDRAWN;
            postcard::to_allocvec(&self.withdrawn)
        } else {
            return bytes;
        };
        let tail = tail.expect("plain data always has a form");
        Zeroizing::new([bytes.as_slice(), &tail].concat())
    }

    /// Reads opened bytes back.
    ///
    /// # Errors
    /// When the format is unknown or the bytes are malformed, too many, or too few.
    pub fn decode(bytes: &[u8]) -> Result<Facts, FactsError> {
        let (format, body) = bytes.split_first().ok_or(FactsError::Malformed)?;
        if ![FORMAT, FORMAT_WITHDRAWN, FORMAT_RESTRAINED, FORMAT_LEAVING].contains(format) {
            return Err(FactsError::UnknownFormat);
        }
        let (written, rest): (Written, _) =
            postcard::take_from_bytes(body).map_err(|_| FactsError::Malformed)?;
        let (Tail { withdrawn, restraints, own_end, fields_end }, rest) =
            Tail::take(*format, rest)?;
        if !rest.is_empty() || bytes.len() > FACTS_BYTES_MAX {
            return Err(FactsError::Malformed);
        }
        let handles = written.subject_handles.into_iter();
        Ok(Facts {
            turns_14: written.turns_14,
            turns_18: written.turns_18,
            restricted: written.restricted,
            legal_hold: written.legal_hold,
            line: written.line,
            bases: written.bases,
            withdrawn,
            restraints,
            own_end,
            fields_end,
            record_handle: Handle::from_bytes(written.record_handle),
            subject_handles: handles.map(|(id, handle)| (id, Handle::from_bytes(handle))).collect(),
            protected_address: written.protected_address,
            retain_until: written.retain_until,
        })
    }
}

/// What stands behind the attributes that every record has.
#[derive(Default)]
struct Tail {
    withdrawn: Vec<([u8; 16], i32)>,
    restraints: Vec<Restraint>,
    own_end: Option<i32>,
    fields_end: Option<i32>,
}

impl Tail {
    /// Reads it, with what is left behind it. What has nothing to say has the shorter form, and no other.
    fn take(format: u8, bytes: &[u8]) -> Result<(Tail, &[u8]), FactsError> {
        let malformed = |_| FactsError::Malformed;
        match format {
            FORMAT => Ok((Tail::default(), bytes)),
            FORMAT_WITHDRAWN => {
                let (withdrawn, rest): (Vec<([u8; 16], i32)>, _) =
                    postcard::take_from_bytes(bytes).map_err(malformed)?;
                let is_empty = withdrawn.is_empty();
                let tail = Tail { withdrawn, ..Tail::default() };
                if is_empty { Err(FactsError::Malformed) } else { Ok((tail, rest)) }
            }
            FORMAT_LEAVING => {
                let ((withdrawn, restraints, own_end, fields_end), rest) =
                    postcard::take_from_bytes(bytes).map_err(malformed)?;
                Ok((Tail { withdrawn, restraints, own_end, fields_end: Some(fields_end) }, rest))
            }
            _ => {
                let ((withdrawn, restraints, own_end), rest): ((_, Vec<Restraint>, _), _) =
                    postcard::take_from_bytes(bytes).map_err(malformed)?;
                let tail = Tail { withdrawn, restraints, own_end, fields_end: None };
                let says = !tail.restraints.is_empty() || tail.own_end.is_some();
                if says { Ok((tail, rest)) } else { Err(FactsError::Malformed) }
            }
        }
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Facts")
    }
}

#[cfg(test)]
mod tests;
