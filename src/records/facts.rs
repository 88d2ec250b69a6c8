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

    /// The end once the moment that it counts from is another: with the ends that the former and the new one give, as far as one is
    /// told. An end that the former moment gave goes back as far as `latest`, unless everything was withdrawn meanwhile; one that
    /// somebody asked for is not touched, and comes earlier at most.
    pub fn end_by_moment(&mut self, former: Option<i32>, new: Option<i32>, latest: i32) {
        let moved = |known: i32, goes_back: bool| {
            let given = former == Some(known) && goes_back;
            let known = if given { known.max(latest) } else { known };
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
    /// restraints and the end of its own.
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
        let tail = if !self.restraints.is_empty() || self.own_end.is_some() {
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
        if ![FORMAT, FORMAT_WITHDRAWN, FORMAT_RESTRAINED].contains(format) {
            return Err(FactsError::UnknownFormat);
        }
        let (written, rest): (Written, _) =
            postcard::take_from_bytes(body).map_err(|_| FactsError::Malformed)?;
        let (Tail { withdrawn, restraints, own_end }, rest) = Tail::take(*format, rest)?;
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
            _ => {
                let ((withdrawn, restraints, own_end), rest): ((_, Vec<Restraint>, _), _) =
                    postcard::take_from_bytes(bytes).map_err(malformed)?;
                let tail = Tail { withdrawn, restraints, own_end };
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> Facts {
        Facts {
            turns_14: Some(100),
            turns_18: Some(1_561),
            restricted: true,
            legal_hold: false,
            line: Some("civil_affairs".to_owned()),
            bases: vec![BasisFact {
                purpose: "child_protection".to_owned(),
                legal_basis: "b".to_owned(),
                notice: "n".to_owned(),
                consent: Some([9; 16]),
            }],
            withdrawn: Vec::new(),
            restraints: Vec::new(),
            own_end: None,
            record_handle: Handle::from_bytes([1; 16]),
            subject_handles: vec![([2; 16], Handle::from_bytes([3; 16]))],
            protected_address: true,
            retain_until: Some(-1),
        }
    }

    #[test]
    fn a_child_becomes_general_on_its_14th_birthday() {
        let facts = facts();
        assert_eq!(facts.effective_class(Class::C2, 99), Class::C3);
        assert_eq!(facts.effective_class(Class::C2, 100), Class::C2);
        assert_eq!(facts.effective_class(Class::C1, 99), Class::C1);
        assert_eq!(facts.effective_class(Class::C3, 100), Class::C3);
        assert!(facts.is_minor(1_560) && !facts.is_minor(1_561));
    }

    #[test]
    fn a_record_is_expired_from_its_last_day_on() {
        let facts = facts();
        assert!(!facts.is_expired(-2) && facts.is_expired(-1) && facts.is_expired(0));
    }

    #[test]
    fn a_record_goes_from_its_last_day_on_unless_a_law_or_a_restriction_keeps_it() {
        let of = |restricted, legal_hold| Facts { restricted, legal_hold, ..facts() };
        assert!(!of(false, false).is_to_go(-2) && of(false, false).is_to_go(-1));
        assert!(!of(true, false).is_to_go(9) && !of(false, true).is_to_go(9));
        let endless = Facts { retain_until: None, ..of(false, false) };
        assert!(!endless.is_to_go(i32::MAX));
    }

    #[test]
    fn facts_come_back_as_they_were() {
        let bytes = facts().encode();
        assert_eq!(Facts::decode(&bytes).ok(), Some(facts()));
        let back = Facts::decode(&bytes).expect("our own bytes");
        assert_eq!(back.subject_handle(&[2; 16]), Some(Handle::from_bytes([3; 16])));
        assert!(back.basis_for("child_protection").is_some() && back.basis_for("other").is_none());
    }

    #[test]
    fn the_byte_form_never_changes() {
        let mut expected = vec![1, 1, 200, 1, 1, 178, 24, 1, 0, 1, 13];
        expected.extend(b"civil_affairs");
        expected.extend([1, 16]);
        expected.extend(b"child_protection");
        expected.extend([1, b'b', 1, b'n', 1]);
        expected.extend([9; 16]);
        expected.extend([1; 16]);
        expected.push(1);
        expected.extend([2; 16]);
        expected.extend([3; 16]);
        expected.extend([1, 1, 1]);
        assert_eq!(facts().encode().to_vec(), expected);
    }

    #[test]
    fn other_formats_and_other_lengths_are_refused() {
        let good = facts().encode().to_vec();
        let mut other = good.clone();
        other[0] = 2;
        assert_eq!(Facts::decode(&other).err(), Some(FactsError::UnknownFormat));
        for cut in 0..good.len() {
            assert_eq!(Facts::decode(&good[..cut]).err(), Some(FactsError::Malformed), "{cut}");
        }
        let longer = [good.as_slice(), b"\0"].concat();
        assert_eq!(Facts::decode(&longer).err(), Some(FactsError::Malformed));
    }

    #[test]
    fn facts_are_read_to_their_length_and_not_beyond_it() {
        let with_line = |bytes: usize| Facts { line: Some("l".repeat(bytes)), ..facts() };
        let others = with_line(1_000).encode().len() - 1_000;
        let longest = with_line(FACTS_BYTES_MAX - others);
        assert_eq!(longest.encode().len(), FACTS_BYTES_MAX);
        assert_eq!(Facts::decode(&longest.encode()).ok(), Some(longest));
        let longer = with_line(FACTS_BYTES_MAX - others + 1).encode();
        assert_eq!(Facts::decode(&longer).err(), Some(FactsError::Malformed));
    }

    #[test]
    fn withdrawn_consents_stand_behind_the_rest_and_nowhere_where_there_are_none() {
        let short = facts().encode().to_vec();
        let withdrawn = Facts { withdrawn: vec![([9; 16], 20_000)], ..facts() };
        let long = withdrawn.encode().to_vec();
        let mut expected = short.clone();
        expected[0] = 0x1c;
        expected.push(1);
        expected.extend([9; 16]);
        expected.extend([192, 184, 2]);
        assert_eq!(long, expected);
        assert_eq!(Facts::decode(&long).ok(), Some(withdrawn));
        for cut in 0..long.len() {
            assert_eq!(Facts::decode(&long[..cut]).err(), Some(FactsError::Malformed), "{cut}");
        }
        // One form for what has none.
        let mut none = [short.as_slice(), b"\0"].concat();
        none[0] = 0x1c;
        assert_eq!(Facts::decode(&none).err(), Some(FactsError::Malformed));
    }

    #[test]
    fn a_record_ends_earlier_once_nothing_else_carries_it() {
        let basis = |purpose: &str, consent| BasisFact {
            purpose: purpose.to_owned(),
            legal_basis: "b".to_owned(),
            notice: "n".to_owned(),
            consent,
        };
        let held = |bases: Vec<BasisFact>, legal_hold| Facts {
            bases,
            legal_hold,
            retain_until: Some(900),
            ..Facts::of_nobody()
        };
        let asked = || basis("household_contact", Some([1; 16]));
        let one = held(vec![asked()], false);
        assert_eq!(one.end_without("household_contact", 30), Some(30));
        assert_eq!(one.end_without("household_contact", 1_000), Some(900), "never later");
        // A hold keeps it and not its end: once it is lifted, the record goes.
        assert_eq!(held(vec![asked()], true).end_without("household_contact", 30), Some(30));
        let two = held(vec![asked(), basis("residence_registration", None)], false);
        assert_eq!(two.end_without("household_contact", 30), Some(900));
        let gone = Facts { withdrawn: vec![([2; 16], 5)], ..two };
        assert!(!gone.is_withdrawn(&asked()));
        let other = basis("elder_visit", Some([2; 16]));
        assert!(gone.is_withdrawn(&other) && gone.withdrawn_on(&other) == Some(5));
        let both = Facts { bases: vec![asked(), other], ..gone };
        assert_eq!(both.end_without("household_contact", 30), Some(30));
        assert!(both.live_basis_for("elder_visit").is_none());
        assert!(both.live_basis_for("household_contact").is_some());
    }

    fn restraint(number: u8, kind: RestraintKind, part: Option<&str>) -> Restraint {
        let part = part.map(str::to_owned);
        Restraint { id: [number; 16], kind, subject: [2; 16], part }
    }

    #[test]
    fn the_marks_follow_from_what_keeps_the_record_and_each_is_lifted_by_itself() {
        let mut facts = Facts { restricted: false, ..facts() };
        let marks = |facts: &Facts| (facts.restricted, facts.legal_hold);
        facts.restrain(restraint(1, RestraintKind::LegalHold, None));
        facts.restrain(restraint(2, RestraintKind::LegalHold, Some("guardian")));
        assert_eq!(marks(&facts), (false, true));
        facts.restrain(restraint(3, RestraintKind::Restriction, None));
        facts.restrain(restraint(3, RestraintKind::Restriction, None));
        assert_eq!((marks(&facts), facts.restraints.len()), ((true, true), 3));
        facts.release([1; 16]);
        facts.release([3; 16]);
        assert_eq!(marks(&facts), (false, true), "the other hold stands");
        facts.release([2; 16]);
        facts.release([2; 16]);
        assert_eq!((marks(&facts), facts.restraints.len()), ((false, false), 0));
    }

    #[test]
    fn a_restricted_part_closes_its_own_fields_and_not_the_record() {
        let mut facts = Facts { restricted: false, ..facts() };
        facts.restrain(restraint(1, RestraintKind::Restriction, Some("guardian")));
        let named = |name: &str| SubjectSlot::Named(name.to_owned());
        assert!(!facts.restricted && facts.closes(&named("guardian")));
        assert!(!facts.closes(&named("carer")) && !facts.closes(&SubjectSlot::Own));
        let handle = |byte| Handle::from_bytes([byte; 16]);
        assert!(facts.restricts(handle(3)) && !facts.restricts(handle(4)));
        facts.release_of(|subject| *subject == [2; 16]);
        assert!(!facts.closes(&named("guardian")) && facts.restraints.is_empty());
    }

    #[test]
    fn restraints_and_an_end_of_its_own_stand_behind_what_was_withdrawn() {
        let kept = vec![restraint(7, RestraintKind::LegalHold, Some("carer"))];
        let long = Facts { restraints: kept, own_end: Some(64), ..facts() };
        let bytes = long.encode().to_vec();
        let mut expected = facts().encode().to_vec();
        expected[0] = 0x1d;
        expected.extend([0, 1]);
        expected.extend([7; 16]);
        expected.push(1);
        expected.extend([2; 16]);
        expected.extend([1, 5]);
        expected.extend(b"carer");
        expected.extend([1, 128, 1]);
        assert_eq!(bytes, expected);
        assert_eq!(Facts::decode(&bytes).ok(), Some(long));
        for cut in 0..bytes.len() {
            assert_eq!(Facts::decode(&bytes[..cut]).err(), Some(FactsError::Malformed), "{cut}");
        }
        let mut none = [facts().encode().as_slice(), &[0, 0, 0]].concat();
        none[0] = 0x1d;
        assert_eq!(Facts::decode(&none).err(), Some(FactsError::Malformed));
    }

    #[test]
    fn a_moment_ends_a_record_earlier_and_its_correction_gives_back_what_the_moment_took_alone() {
        let held = |end| Facts { retain_until: Some(end), ..facts() };
        let ends = |facts: &Facts| (facts.retain_until, facts.own_end);
        let mut facts = held(900);
        facts.end_by_moment(None, Some(200), 900);
        assert_eq!(ends(&facts), (Some(200), None));
        facts.end_by_moment(Some(200), Some(300), 900);
        assert_eq!(ends(&facts), (Some(300), None), "another day");
        facts.end_by_moment(Some(300), Some(1_000), 900);
        assert_eq!(ends(&facts), (Some(900), None), "never beyond the purpose's");
        facts.end_by_moment(Some(1_000), Some(200), 900);
        facts.end_by_moment(Some(200), None, 100);
        assert_eq!(ends(&facts), (Some(200), None), "a purpose that ended takes nothing away");
        // Somebody asked for day 150, before the moment was told.
        let mut asked = held(150);
        asked.end_by_moment(None, Some(200), 900);
        asked.end_by_moment(Some(200), Some(300), 900);
        asked.end_by_moment(Some(300), None, 900);
        assert_eq!(ends(&asked), (Some(150), None), "what was asked for stays");
        // Everything is withdrawn, and the record ends on day 50; then the moment is told, and corrected.
        let mut gone = held(900);
        let days = gone.bases.iter().filter_map(|basis| basis.consent).map(|consent| (consent, 1));
        gone.withdrawn = days.collect();
        assert!(gone.rests_on_nothing());
        gone.end_early(Some(50));
        gone.end_by_moment(None, Some(40), 900);
        assert_eq!(ends(&gone), (Some(40), Some(40)));
        gone.end_by_moment(Some(40), Some(300), 900);
        assert_eq!(ends(&gone), (Some(40), Some(300)), "the withdrawal holds");
    }

    #[test]
    fn an_end_that_was_taken_forward_moves_back_as_far_as_the_consent_and_the_record_allow() {
        let mut facts = Facts { retain_until: Some(900), ..facts() };
        assert_eq!(facts.end_with(5_000), Some(900), "nothing was taken forward");
        facts.end_early(Some(30));
        facts.end_early(Some(20));
        assert_eq!((facts.retain_until, facts.own_end), (Some(20), Some(900)));
        facts.end_late(10);
        assert_eq!((facts.retain_until, facts.own_end), (Some(20), Some(900)), "never earlier");
        facts.end_late(500);
        assert_eq!((facts.retain_until, facts.own_end), (Some(500), Some(900)));
        facts.end_late(5_000);
        assert_eq!((facts.retain_until, facts.own_end), (Some(900), None), "never beyond its own");
        facts.end_early(Some(900));
        assert_eq!(facts.own_end, None);
    }

    #[test]
    fn facts_show_nothing_of_themselves() {
        assert_eq!(format!("{:?}", facts()), "Facts");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Facts::decode(&bytes);
        }
    }
}
