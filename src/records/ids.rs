//! Names of records and subjects, and the audit handle that stands for them in the log.
//! Never carries meaning: no place, no person and no type can be read from an id.
//! The time inside a version 7 UUID is that of creation, which the row tells anyway.

use super::RecordType;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Characters of an id as text.
pub const ID_CHARACTERS: usize = uuid::fmt::Hyphenated::LENGTH;

/// Text that is no id in the one accepted form: 36 characters, lower case, hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id in lower-case hyphenated form")]
pub struct IdError;

/// Defines an id: a UUID with its own type, so that a record's id is never taken for a subject's.
macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A version 7 UUID (RFC 9562 section 5.7) from the time in milliseconds since 1970 and ten random bytes.
            pub fn new(unix_millis: u64, random: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid())
            }

            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The time that it was made from, in milliseconds since 1970.
            pub fn unix_millis(&self) -> i64 {
                let first = self.0.as_bytes().iter().take(6);
                first.fold(0, |time, byte| (time << 8) | i64::from(*byte))
            }

            /// The sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id as text, in a buffer of the caller's.
            pub fn text<'a>(&self, buffer: &'a mut [u8; ID_CHARACTERS]) -> &'a str {
                self.0.as_hyphenated().encode_lower(buffer)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.as_hyphenated(), formatter)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                // One form per id: otherwise two texts would name one record, and logs could not be compared.
                let strict = text.len() == ID_CHARACTERS && !text.bytes().any(|byte| byte.is_ascii_uppercase());
                let id = if strict { Uuid::try_parse(text).ok() } else { None };
                id.map(Self).ok_or(IdError)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.text(&mut [0; ID_CHARACTERS]))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id! {
    /// The name of a record.
    RecordId
}
id! {
    /// The name of a subject: whom a section is about, and whose key seals it.
    SubjectId
}

id! {
    /// The name of a task, an approval or an emergency: what a request names as its case.
    MandateId
}

/// What a client calls a capture of its own making, so that days offline do not store it twice. A UUID of any version, in
/// hyphenated form; devices differ in the case of its letters, and both cases name one capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureId(Uuid);

impl CaptureId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> CaptureId {
        CaptureId(Uuid::from_bytes(bytes))
    }

    /// The sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl FromStr for CaptureId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<CaptureId, IdError> {
        let hyphenated =
            if text.len() == ID_CHARACTERS { Uuid::try_parse(text).ok() } else { None };
        hyphenated.map(CaptureId).ok_or(IdError)
    }
}

/// What stands for a record or a subject in the audit log. Never on the data plane: it has no text form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle([u8; 16]);

impl Handle {
    /// The handle with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Handle {
        Handle(bytes)
    }

    /// The sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Handle")
    }
}

/// A record and its type, as proofs and log entries name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordRef {
    /// The record.
    pub id: RecordId,
    /// Its type.
    pub record_type: RecordType,
}

/// Whom a stored key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A record: its row, terms and listings.
    Record(RecordId),
    /// A subject: its wrapped key.
    Subject(SubjectId),
    /// A control record.
    Control([u8; 16]),
    /// An actor of the directory.
    Actor([u8; 16]),
    /// A log-in name.
    Login,
    /// A one-time enrolment code.
    Enrolment,
    /// A caller's own memory of what it wrote: what its repeats are known by.
    Caller([u8; 16]),
    /// A task, an approval or an emergency, with its listings.
    Mandate(MandateId),
    /// A review of oversight, the anomaly that it is of, or what is to be put right after it.
    Review([u8; 16]),
    /// The rotation of keys.
    Rotation,
    /// The vault itself.
    System,
}

/// What a proof is about: one record, the items of one all-or-nothing write, or nothing.
pub trait Target {
    /// The records, in the order of the write.
    fn records(&self) -> &[RecordRef];

    /// The stored state that was looked at: record, its version, and the stamp of the look.
    /// Empty for records that do not exist yet.
    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        Vec::new()
    }

    /// Whether a change of this target may touch a key of this owner. A change that touches any other is refused.
    fn owns(&self, owner: Owner) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_is_a_version_7_uuid_with_its_time_in_front() {
        let id = RecordId::new(0x0192_1234_5678, [0xff; 10]);
        assert_eq!(id.to_string(), "01921234-5678-7fff-bfff-ffffffffffff");
        assert!(id < RecordId::new(0x0192_1234_5679, [0; 10]));
    }

    #[test]
    fn only_the_lower_case_hyphenated_form_is_an_id() {
        let text = "01921234-5678-7fff-bfff-ffffffffffff";
        assert_eq!(text.parse::<SubjectId>().map(|id| id.to_string()).as_deref(), Ok(text));
        for other in [
            "01921234-5678-7FFF-BFFF-FFFFFFFFFFFF",
            "0192123456787fffbfffffffffffffff",
            "{01921234-5678-7fff-bfff-ffffffffffff}",
            "urn:uuid:01921234-5678-7fff-bfff-ffffffffffff",
            " 01921234-5678-7fff-bfff-ffffffffffff",
            "",
        ] {
            assert_eq!(other.parse::<SubjectId>(), Err(IdError), "{other}");
        }
    }

    #[test]
    fn a_capture_is_named_in_either_case_and_in_no_other_form() {
        let text = "6B29FC40-CA47-1067-B31D-00DD010662DA";
        let id: CaptureId = text.parse().expect("a UUID");
        assert_eq!(text.to_ascii_lowercase().parse(), Ok(id));
        assert_eq!(CaptureId::from_bytes(*id.as_bytes()), id);
        for other in [
            "6b29fc40ca471067b31d00dd010662da",
            "{6b29fc40-ca47-1067-b31d-00dd010662da}",
            "urn:uuid:6b29fc40-ca47-1067-b31d-00dd010662da",
            "6b29fc40-ca47-1067-b31d-00dd010662d",
            "capture 17",
            "",
        ] {
            assert_eq!(other.parse::<CaptureId>(), Err(IdError), "{other}");
        }
    }

    #[test]
    fn ids_travel_as_text_in_json() {
        let id = RecordId::from_bytes([1; 16]);
        let json = serde_json::to_string(&id).expect("an id is a JSON string");
        assert_eq!(json, "\"01010101-0101-0101-0101-010101010101\"");
        assert_eq!(serde_json::from_str::<RecordId>(&json).ok(), Some(id));
    }

    #[test]
    fn a_handle_shows_nothing_of_itself() {
        assert_eq!(format!("{:?}", Handle::from_bytes([7; 16])), "Handle");
    }
}
