//! Schemas: which fields each type of record has, in which sections, about whom.
//! Never guesses: a file with an unknown word, a mixed section or a forbidden field stops the start.
//! A section has one class and one subject, so that a permit opens exactly what it names.

use super::schema_file;
use super::{
    CodeList, Field, FieldKind, FieldProblem, PlainFields, ProblemReason, Reason, RecordType,
    Retention,
};
use crate::ambient::Micros;
use jiff::civil::Date;
use rustc_hash::FxHashMap;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The shipped schemas: file name and text.
const SCHEMA_FILES: [(&str, &str); 8] = [
    ("event.toml", include_str!("../../policies/schemas/event.toml")),
    ("household.toml", include_str!("../../policies/schemas/household.toml")),
    ("mediation_file.toml", include_str!("../../policies/schemas/mediation_file.toml")),
    ("object.toml", include_str!("../../policies/schemas/object.toml")),
    ("organisation.toml", include_str!("../../policies/schemas/organisation.toml")),
    ("person.toml", include_str!("../../policies/schemas/person.toml")),
    ("place.toml", include_str!("../../policies/schemas/place.toml")),
    ("residence.toml", include_str!("../../policies/schemas/residence.toml")),
];

/// The shipped code lists: file name and text.
const CODE_LIST_FILES: [(&str, &str); 29] = [
    ("assistance_tag.toml", include_str!("../../policies/code_lists/assistance_tag.toml")),
    ("child_need.toml", include_str!("../../policies/code_lists/child_need.toml")),
    ("contact_hours.toml", include_str!("../../policies/code_lists/contact_hours.toml")),
    ("emergency_note.toml", include_str!("../../policies/code_lists/emergency_note.toml")),
    ("employment_state.toml", include_str!("../../policies/code_lists/employment_state.toml")),
    ("event_channel.toml", include_str!("../../policies/code_lists/event_channel.toml")),
    ("event_evaluation.toml", include_str!("../../policies/code_lists/event_evaluation.toml")),
    ("event_kind.toml", include_str!("../../policies/code_lists/event_kind.toml")),
    ("event_severity.toml", include_str!("../../policies/code_lists/event_severity.toml")),
    ("event_step.toml", include_str!("../../policies/code_lists/event_step.toml")),
    ("facility_state.toml", include_str!("../../policies/code_lists/facility_state.toml")),
    ("hazard.toml", include_str!("../../policies/code_lists/hazard.toml")),
    ("household_kind.toml", include_str!("../../policies/code_lists/household_kind.toml")),
    ("household_relation.toml", include_str!("../../policies/code_lists/household_relation.toml")),
    ("information_source.toml", include_str!("../../policies/code_lists/information_source.toml")),
    ("line.toml", include_str!("../../policies/code_lists/line.toml")),
    (
        "living_confirmation.toml",
        include_str!("../../policies/code_lists/living_confirmation.toml"),
    ),
    ("mediation_outcome.toml", include_str!("../../policies/code_lists/mediation_outcome.toml")),
    ("mobility_need.toml", include_str!("../../policies/code_lists/mobility_need.toml")),
    ("object_kind.toml", include_str!("../../policies/code_lists/object_kind.toml")),
    ("occupancy_kind.toml", include_str!("../../policies/code_lists/occupancy_kind.toml")),
    ("organ.toml", include_str!("../../policies/code_lists/organ.toml")),
    ("organisation_kind.toml", include_str!("../../policies/code_lists/organisation_kind.toml")),
    ("organisation_state.toml", include_str!("../../policies/code_lists/organisation_state.toml")),
    ("place_kind.toml", include_str!("../../policies/code_lists/place_kind.toml")),
    ("rental_state.toml", include_str!("../../policies/code_lists/rental_state.toml")),
    ("residence_kind.toml", include_str!("../../policies/code_lists/residence_kind.toml")),
    ("sex.toml", include_str!("../../policies/code_lists/sex.toml")),
    ("visit_result.toml", include_str!("../../policies/code_lists/visit_result.toml")),
];

/// Why schemas or code lists do not load. Each names the file and the word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// Not the TOML that is expected: broken, a key that is unknown or missing, or a wrong type.
    #[error("{file} line {line}: {detail}")]
    Syntax {
        /// The file.
        file: String,
        /// The line, from 1; 0 when the parser does not say.
        line: usize,
        /// What the parser says, with the word.
        detail: String,
    },
    /// A word that its vocabulary does not have.
    #[error("{file}: unknown {what} `{word}`")]
    UnknownWord {
        /// The file.
        file: String,
        /// Which vocabulary.
        what: &'static str,
        /// The word.
        word: String,
    },
    /// The same name twice.
    #[error("{file}: `{name}` stands twice")]
    Repeated {
        /// The file.
        file: String,
        /// The name.
        name: String,
    },
    /// Something that is never kept about a person.
    #[error("{file}: `{name}` is refused: `{label}` is never kept")]
    Forbidden {
        /// The file.
        file: String,
        /// The field or code.
        name: String,
        /// The word that makes it so.
        label: &'static str,
    },
    /// Something that only a statute allows, and none is named.
    #[error("{file}: `{name}` is refused: `{label}` needs a statute")]
    StatuteMissing {
        /// The file.
        file: String,
        /// The field.
        name: String,
        /// The word that makes it so.
        label: &'static str,
    },
    /// A section whose fields differ in class.
    #[error("{file}: section `{section}` mixes classes")]
    MixedSection {
        /// The file.
        file: String,
        /// The section.
        section: String,
    },
    /// Two statements that do not go together.
    #[error("{file}: `{name}`: {rule}")]
    Inconsistent {
        /// The file.
        file: String,
        /// The field, section or code.
        name: String,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// More than a file may hold.
    #[error("{file}: more {what} than {limit}")]
    TooMany {
        /// The file.
        file: String,
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// Whom the fields of a section are about, and so whose key seals it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectSlot {
    /// The person of a person record; of any other record the record itself, which has a key of its own.
    Own,
    /// A person who appears in the record in this part: `owner`, `caller`, `emergency_contact` and their like.
    Named(String),
}

impl SubjectSlot {
    /// The word in data files: `self` or the slot's name.
    pub fn as_str(&self) -> &str {
        match self {
            SubjectSlot::Own => "self",
            SubjectSlot::Named(name) => name,
        }
    }
}

impl fmt::Display for SubjectSlot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A part of a record that is sealed alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Whom it is about.
    pub subject: SubjectSlot,
}

/// The schema of one type of record.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(super) record_type: RecordType,
    pub(super) version: u32,
    pub(super) title_zh: String,
    pub(super) title_en: String,
    pub(super) retention: Retention,
    pub(super) sections: Vec<Section>,
    pub(super) fields: Vec<Field>,
    pub(super) by_name: FxHashMap<String, usize>,
}

impl Schema {
    /// The type.
    pub fn record_type(&self) -> RecordType {
        self.record_type
    }

    /// Counts up with every change of the file.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The Chinese title.
    pub fn title_zh(&self) -> &str {
        &self.title_zh
    }

    /// The English title.
    pub fn title_en(&self) -> &str {
        &self.title_en
    }

    /// Every section, in the order of the file.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Every field, in the order of the file.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|place| &self.fields[*place])
    }

    /// The section with this name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The section that a field is sealed in.
    pub fn section_of(&self, field: &Field) -> Option<&Section> {
        self.section(&field.section)
    }

    /// The fields of a section, in the order of the file.
    pub fn fields_of<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| field.section == section)
    }

    /// How long its records are kept, as the file says for all of it.
    pub fn retention(&self) -> Retention {
        self.retention
    }

    /// The field that tells the moment which the retention counts from, if one does.
    pub fn moment_field(&self) -> Option<&Field> {
        self.fields.iter().find(|field| field.moment)
    }

    /// What is wrong with a record whose moment would have ended it already.
    pub fn already_over(&self) -> Vec<FieldProblem> {
        let problem = |field: &Field| FieldProblem::new(&field.name, ProblemReason::AlreadyOver);
        self.moment_field().map(problem).into_iter().collect()
    }

    /// The day on which that moment comes, where the fields tell it.
    pub fn moment_in(&self, fields: &PlainFields) -> Option<Date> {
        let field = self.moment_field()?;
        let text = fields.get(&field.name)?.as_text()?.expose_for(Reason::Validation);
        match field.kind {
            FieldKind::Time => {
                let at: jiff::Timestamp = text.parse().ok()?;
                Some(Micros(at.as_microsecond()).local_date())
            }
            _ => text.parse().ok(),
        }
    }

    /// The schema as forms read it.
    pub fn to_public_json(&self) -> Json {
        let sections: Vec<Json> = self
            .sections
            .iter()
            .map(|section| json!({"name": section.name, "subject": section.subject.as_str()}))
            .collect();
        let fields: Vec<Json> = self.fields.iter().map(Field::to_public_json).collect();
        json!({
            "type": self.record_type, "version": self.version, "title_zh": self.title_zh,
            "title_en": self.title_en, "sections": sections, "fields": fields,
        })
    }
}

/// All schemas and code lists of a vault.
#[derive(Clone, Debug)]
pub struct SchemaSet {
    pub(super) schemas: BTreeMap<RecordType, Schema>,
    pub(super) code_lists: BTreeMap<String, Arc<CodeList>>,
    pub(super) digest_input: Vec<u8>,
}

impl SchemaSet {
    /// Loads schemas and code lists from their files, given as name and text. Nothing is left over: every word is known,
    /// every reference leads somewhere, or nothing loads.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file and word.
    pub fn load(
        sources: &[(&str, &str)],
        code_lists: &[(&str, &str)],
    ) -> Result<SchemaSet, SchemaError> {
        schema_file::load(sources, code_lists)
    }

    /// The schemas and code lists that are shipped.
    ///
    /// # Errors
    /// As [`SchemaSet::load`]; a test keeps the shipped files right.
    pub fn built_in() -> Result<SchemaSet, SchemaError> {
        SchemaSet::load(&SCHEMA_FILES, &CODE_LIST_FILES)
    }

    /// The schema of a type; types without one cannot be written.
    pub fn get(&self, record_type: RecordType) -> Option<&Schema> {
        self.schemas.get(&record_type)
    }

    /// Every schema, in the order of types.
    pub fn iter(&self) -> impl Iterator<Item = &Schema> {
        self.schemas.values()
    }

    /// The code list with this name.
    pub fn code_list(&self, name: &str) -> Option<&CodeList> {
        self.code_lists.get(name).map(AsRef::as_ref)
    }

    /// Every code list, in the order of names.
    pub fn code_lists(&self) -> impl Iterator<Item = &CodeList> {
        self.code_lists.values().map(AsRef::as_ref)
    }

    /// What a digest of the whole set is taken over: for each file, schemas first, in ascending order of names, a byte
    /// for its sort, then name and text, each behind its length as eight bytes (big endian).
    pub fn digest_input(&self) -> &[u8] {
        &self.digest_input
    }
}
