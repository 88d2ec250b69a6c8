//! What a decision must know about a record without opening any section.
//! Never holds a value that a resident gave, only days, marks, ids and bases.
//! Its bytes are sealed under the header key, so an unknown format is an error, never a guess.

use super::{Class, Handle};
use crate::limits::FACTS_BYTES_MAX;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Version of the byte format, in front of it.
const FORMAT: u8 = 1;

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

    /// The basis under which the record is held for a purpose.
    pub fn basis_for(&self, purpose: &str) -> Option<&BasisFact> {
        self.bases.iter().find(|basis| basis.purpose == purpose)
    }

    /// The handle of a subject of the record.
    pub fn subject_handle(&self, subject: &[u8; 16]) -> Option<Handle> {
        let known = self.subject_handles.iter().find(|(id, _)| id == subject);
        known.map(|(_, handle)| *handle)
    }

    /// The bytes to seal: a format byte (1), then postcard of the attributes in the order of this type.
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
        bytes
    }

    /// Reads opened bytes back.
    ///
    /// # Errors
    /// When the format is unknown or the bytes are malformed, too many, or too few.
    pub fn decode(bytes: &[u8]) -> Result<Facts, FactsError> {
        let (format, body) = bytes.split_first().ok_or(FactsError::Malformed)?;
        if *format != FORMAT {
            return Err(FactsError::UnknownFormat);
        }
        let (written, rest): (Written, _) =
            postcard::take_from_bytes(body).map_err(|_| FactsError::Malformed)?;
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
            record_handle: Handle::from_bytes(written.record_handle),
            subject_handles: handles.map(|(id, handle)| (id, Handle::from_bytes(handle))).collect(),
            protected_address: written.protected_address,
            retain_until: written.retain_until,
        })
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
