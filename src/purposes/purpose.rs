//! Purposes as they stand in memory, and the questions that other rooms ask of them.
//! Never changes after loading; another version of the file makes another set.
//! Each purpose names a task, an organ, fields, bases, notices and an end.

use super::{PurposeError, file};
use crate::records::{RecordType, Retention, SchemaSet, UnknownWord};
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// The shipped purposes.
const PURPOSES: &str = include_str!("../../policies/purposes.toml");

/// The name of a purpose: a slug that some version of the file had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PurposeId(String);

impl PurposeId {
    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PurposeId {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<PurposeId, UnknownWord> {
        if crate::records::is_slug(text) {
            Ok(PurposeId(text.to_owned()))
        } else {
            Err(UnknownWord::new("purpose", text))
        }
    }
}

impl fmt::Display for PurposeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Defines a closed vocabulary of this room.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident is $what:literal { $($(#[$note:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$note])* $variant),+ }

        impl $name {
            /// Every word, in order.
            pub const ALL: [$name; [$($word),+].len()] = [$($name::$variant),+];

            /// The word in data files and policies.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<$name, UnknownWord> {
                let known = $name::ALL.into_iter().find(|known| known.as_str() == word);
                known.ok_or_else(|| UnknownWord::new($what, word))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

words! {
    /// What a policy names: it lists roles for a group, and a purpose narrows its group.
    PurposeGroup is "purpose group" {
        /// Keeping the register of who lives where right.
        Registration => "registration",
        /// Contact by consent.
        Contact => "contact",
        /// Safety of places.
        Safety => "safety",
        /// Emergencies.
        Emergency => "emergency",
        /// Mediation between parties.
        Mediation => "mediation",
        /// Programmes of relief, care and work.
        Programme => "programme",
        /// Service for a person, on their authorisation.
        Agency => "agency",
        /// Feedback to who asked.
        Feedback => "feedback",
        /// Rights of residents.
        Rights => "rights",
        /// Oversight of access.
        Oversight => "oversight",
    }
}

words! {
    /// On what a processing rests (PIPL Art. 13).
    BasisKind is "kind of basis" {
        /// Consent of the person or the guardian (Art. 13(1)).
        Consent => "consent",
        /// Consent to this one thing, apart from any other (Art. 29).
        SeparateConsent => "separate_consent",
        /// A duty that a law gives to the organ (Art. 13(3)).
        Duty => "duty",
        /// An emergency for life, health or property (Art. 13(4)).
        Emergency => "emergency",
        /// The parties of a matter asked for it.
        RequestOfParties => "request_of_parties",
        /// The person authorised someone to act for them in a named item.
        Authorisation => "authorisation",
        /// The person applied for it.
        Application => "application",
    }
}

impl BasisKind {
    /// Whether it rests on a consent record: without one it carries nothing.
    pub const fn needs_consent(self) -> bool {
        matches!(self, BasisKind::Consent | BasisKind::SeparateConsent | BasisKind::Authorisation)
    }

    /// Whether it may carry a sensitive field: plain consent does not (PIPL Art. 29).
    pub const fn carries_sensitive(self) -> bool {
        !matches!(self, BasisKind::Consent)
    }
}

/// A legal basis of a purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalBasis {
    /// Its name, one of the purpose's own.
    pub id: String,
    /// What it rests on.
    pub kind: BasisKind,
    /// The law and its articles.
    pub statute: Option<String>,
    /// The organ whose duty it is, a code of the list `organ`.
    pub organ: Option<String>,
}

/// A notice: one version of the text that a person is told (PIPL Art. 17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its name, never given to another text.
    pub id: String,
    /// Counts up within a purpose.
    pub version: u32,
    /// The Chinese title.
    pub title_zh: String,
    /// The first day on which it may be given.
    pub valid_from: Date,
    /// The first day on which it may no longer be given.
    pub valid_to: Option<Date>,
}

impl Notice {
    /// Whether it may be given on that day.
    pub fn is_live(&self, today: Date) -> bool {
        self.valid_from <= today && self.valid_to.is_none_or(|end| today < end)
    }
}

/// A purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Its name.
    pub id: PurposeId,
    /// The Chinese title.
    pub title_zh: String,
    /// The English title.
    pub title_en: String,
    /// The group that policies name.
    pub group: PurposeGroup,
    /// Who decides and answers for it: a code of the list `organ`.
    pub organ: String,
    /// The lines of business that it belongs to, codes of the list `line`: at least one.
    pub lines: BTreeSet<String>,
    /// The fields that it needs, by type of record.
    pub fields: BTreeMap<RecordType, BTreeSet<String>>,
    /// On what it may rest.
    pub legal_bases: Vec<LegalBasis>,
    /// What people are told.
    pub notices: Vec<Notice>,
    /// The assessment made before it began (PIPL Art. 55), where sensitive fields are listed.
    pub impact_assessment: Option<String>,
    /// How long what is held for it is kept.
    pub retention: Retention,
    /// Whether it may be used.
    pub active: bool,
    /// Whether a request under it that sees something in clear names a task, event or case: a policy that opens more does not load.
    pub needs_case: bool,
    /// Whether it only puts right what other purposes hold: nothing is stored for it, no field is added under it, and it is no reason to
    /// hold a record.
    pub corrects: bool,
    /// Whether a resident who asks who looked is not told of looks for it: whoever asks may be the one from whom somebody is
    /// protected.
    pub quiet: bool,
}

impl Purpose {
    /// Whether it lists the field. What it does not list it may neither store nor read.
    pub fn lists(&self, record_type: RecordType, field: &str) -> bool {
        self.fields.get(&record_type).is_some_and(|fields| fields.contains(field))
    }

    /// Whether it belongs to that line of business.
    pub fn is_of_line(&self, line: &str) -> bool {
        self.lines.contains(line)
    }

    /// Whether what is held for it rests on what the person willed. A duty or an emergency brings its own basis;
    /// anything else must have been given for the very record.
    pub fn rests_on_the_subject(&self) -> bool {
        !self
            .legal_bases
            .iter()
            .any(|basis| matches!(basis.kind, BasisKind::Duty | BasisKind::Emergency))
    }

    /// The basis with this name.
    pub fn legal_basis(&self, id: &str) -> Option<&LegalBasis> {
        self.legal_bases.iter().find(|basis| basis.id == id)
    }

    /// The notice with this name, also one that is no longer given.
    pub fn notice(&self, id: &str) -> Option<&Notice> {
        self.notices.iter().find(|notice| notice.id == id)
    }

    /// The newest notice that may be given on that day.
    pub fn live_notice(&self, today: Date) -> Option<&Notice> {
        self.notices
            .iter()
            .filter(|notice| notice.is_live(today))
            .max_by_key(|notice| notice.version)
    }

    /// The purpose as forms and residents read it.
    pub fn to_public_json(&self) -> Json {
        let bases: Vec<Json> = self
            .legal_bases
            .iter()
            .map(|basis| json!({"id": basis.id, "kind": basis.kind, "statute": basis.statute, "organ": basis.organ}))
            .collect();
        let notices: Vec<Json> = self
            .notices
            .iter()
            .map(|notice| {
                json!({
                    "id": notice.id, "version": notice.version, "title_zh": notice.title_zh,
                    "valid_from": notice.valid_from.to_string(),
                    "valid_to": notice.valid_to.map(|end| end.to_string()),
                })
            })
            .collect();
        let fields: serde_json::Map<String, Json> = self
            .fields
            .iter()
            .map(|(record_type, fields)| (record_type.as_str().to_owned(), json!(fields)))
            .collect();
        json!({
            "id": self.id.as_str(), "title_zh": self.title_zh, "title_en": self.title_en, "group": self.group,
            "organ": self.organ, "lines": self.lines, "fields": fields, "legal_bases": bases, "notices": notices,
            "impact_assessment": self.impact_assessment, "retention": self.retention, "active": self.active,
            "needs_case": self.needs_case,
        })
    }
}

/// All purposes of a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurposeSet {
    pub(super) purposes: BTreeMap<String, Purpose>,
}

impl PurposeSet {
    /// Loads purposes, checked against the schemas and code lists that they refer to.
    ///
    /// # Errors
    /// The first thing that is wrong, with its purpose and word.
    pub fn load(toml: &str, schemas: &SchemaSet) -> Result<PurposeSet, PurposeError> {
        file::load(toml, schemas)
    }

    /// The purposes that are shipped.
    ///
    /// # Errors
    /// As [`PurposeSet::load`]; a test keeps the shipped file right.
    pub fn built_in(schemas: &SchemaSet) -> Result<PurposeSet, PurposeError> {
        PurposeSet::load(PURPOSES, schemas)
    }

    /// The text that [`PurposeSet::built_in`] loads, for a digest over the policy.
    pub fn built_in_text() -> &'static str {
        PURPOSES
    }

    /// The purpose with this name, active or not.
    pub fn get(&self, id: &str) -> Option<&Purpose> {
        self.purposes.get(id)
    }

    /// Every purpose, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = &Purpose> {
        self.purposes.values()
    }

    /// Whether some purpose belongs to that line of business. A line of none would carry nothing.
    pub fn has_line(&self, line: &str) -> bool {
        self.iter().any(|purpose| purpose.is_of_line(line))
    }

    /// Whether any active purpose lists the field.
    pub fn is_collectable(&self, record_type: RecordType, field: &str) -> bool {
        self.iter().any(|purpose| purpose.active && purpose.lists(record_type, field))
    }
}
