//! Reads schema and code list files and checks everything that can be known before the first record.
//! Never loads half a set, and never lets a word pass that it does not know.
//! What is checked here need not be checked again: sizes, classes, masks, groups and sections fit together.

use super::field::FieldKind;
use super::field_file::{FieldText, checked_field};
use super::schema::{Schema, SchemaError, SchemaSet, Section, SubjectSlot};
use super::text::{check_characters, is_slug};
use super::{CodeList, Field, RecordType, Retention, RetentionStart};
use crate::limits::{
    DATA_FILE_BYTES_MAX, FIELD_LIST_ITEMS_MAX, RECORD_BYTES_MAX, RECORD_FIELDS_MAX,
    SCHEMA_SECTIONS_MAX, SECTION_BYTES_MAX, TITLE_CHARACTERS_MAX,
};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaText {
    #[serde(rename = "type")]
    record_type: String,
    version: u32,
    title_zh: String,
    title_en: String,
    retention: Retention,
    #[serde(rename = "section")]
    sections: Vec<SectionText>,
    #[serde(rename = "field")]
    fields: Vec<FieldText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionText {
    name: String,
    subject: String,
}

/// Parses a data file; keys that the form does not have are errors.
pub(super) fn read<T: DeserializeOwned>(file: &str, toml: &str) -> Result<T, SchemaError> {
    if toml.len() > DATA_FILE_BYTES_MAX {
        return Err(FileLimits { file }.too_many("bytes", DATA_FILE_BYTES_MAX));
    }
    toml::from_str(toml).map_err(|error| {
        let before = error.span().and_then(|span| toml.get(..span.start));
        SchemaError::Syntax {
            file: file.to_owned(),
            line: before.map_or(0, |text| text.matches('\n').count() + 1),
            detail: error.message().trim().replace('\n', ", "),
        }
    })
}

/// Errors and small checks about one file.
#[derive(Clone, Copy)]
pub(super) struct FileLimits<'a> {
    pub(super) file: &'a str,
}

impl FileLimits<'_> {
    pub(super) fn unknown_word(self, what: &'static str, word: &str) -> SchemaError {
        SchemaError::UnknownWord { file: self.file.to_owned(), what, word: word.to_owned() }
    }

    pub(super) fn repeated(self, name: &str) -> SchemaError {
        SchemaError::Repeated { file: self.file.to_owned(), name: name.to_owned() }
    }

    pub(super) fn forbidden(self, name: &str, label: &'static str) -> SchemaError {
        SchemaError::Forbidden { file: self.file.to_owned(), name: name.to_owned(), label }
    }

    pub(super) fn inconsistent(self, name: &str, rule: &'static str) -> SchemaError {
        SchemaError::Inconsistent { file: self.file.to_owned(), name: name.to_owned(), rule }
    }

    fn too_many(self, what: &'static str, limit: usize) -> SchemaError {
        SchemaError::TooMany { file: self.file.to_owned(), what, limit }
    }

    pub(super) fn count(
        self,
        what: &'static str,
        count: usize,
        limit: usize,
    ) -> Result<(), SchemaError> {
        if count == 0 {
            return Err(self.inconsistent(what, "there is none"));
        }
        if count > limit { Err(self.too_many(what, limit)) } else { Ok(()) }
    }

    pub(super) fn slug(self, name: &str) -> Result<(), SchemaError> {
        if is_slug(name) { Ok(()) } else { Err(self.unknown_word("name", name)) }
    }

    pub(super) fn title(self, title: &str) -> Result<(), SchemaError> {
        let fits = !title.trim().is_empty()
            && title.chars().count() <= TITLE_CHARACTERS_MAX
            && check_characters(title, false).is_ok();
        if fits { Ok(()) } else { Err(self.inconsistent(title, "is no title")) }
    }
}

/// Loads a whole set.
pub(super) fn load(
    sources: &[(&str, &str)],
    code_lists: &[(&str, &str)],
) -> Result<SchemaSet, SchemaError> {
    let mut lists = BTreeMap::new();
    for (file, toml) in code_lists {
        let list = CodeList::load(file, toml)?;
        let name = list.name().to_owned();
        if lists.insert(name.clone(), Arc::new(list)).is_some() {
            return Err(FileLimits { file }.repeated(&name));
        }
    }
    let mut schemas = BTreeMap::new();
    let mut groups: BTreeMap<String, &'static str> = BTreeMap::new();
    for (file, toml) in sources {
        let schema = schema(file, toml, &lists)?;
        for field in schema.fields() {
            let Some(group) = &field.match_group else {
                continue;
            };
            let kind = groups.entry(group.clone()).or_insert(field.kind.as_str());
            // Terms of one group are compared: two kinds of values in it would never meet, or meet by chance.
            if *kind != field.kind.as_str() {
                return Err(FileLimits { file }
                    .inconsistent(&field.name, "its match group holds another kind"));
            }
        }
        let record_type = schema.record_type();
        if schemas.insert(record_type, schema).is_some() {
            return Err(FileLimits { file }.repeated(record_type.as_str()));
        }
    }
    Ok(SchemaSet { schemas, code_lists: lists, digest_input: digest_input(sources, code_lists) })
}

fn digest_input(sources: &[(&str, &str)], code_lists: &[(&str, &str)]) -> Vec<u8> {
    let mut files: Vec<(u8, &str, &str)> = Vec::new();
    files.extend(sources.iter().map(|(name, text)| (b's', *name, *text)));
    files.extend(code_lists.iter().map(|(name, text)| (b'c', *name, *text)));
    files.sort_unstable_by_key(|(sort, name, text)| (*sort != b's', *name, *text));
    let mut bytes = Vec::new();
    for (sort, name, text) in files {
        bytes.push(sort);
        for part in [name, text] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
    }
    bytes
}

fn schema(
    file: &str,
    toml: &str,
    lists: &BTreeMap<String, Arc<CodeList>>,
) -> Result<Schema, SchemaError> {
    let text: SchemaText = read(file, toml)?;
    let limits = FileLimits { file };
    let record_type: RecordType = text
        .record_type
        .parse()
        .map_err(|_| limits.unknown_word("record type", &text.record_type))?;
    limits.title(&text.title_zh)?;
    limits.title(&text.title_en)?;
    limits.count("sections", text.sections.len(), SCHEMA_SECTIONS_MAX)?;
    limits.count("fields", text.fields.len(), RECORD_FIELDS_MAX)?;
    if text.version == 0 {
        return Err(limits.inconsistent("version", "counts from 1"));
    }
    let sections = sections(limits, text.sections)?;
    let mut fields: Vec<Field> = Vec::with_capacity(text.fields.len());
    for field in text.fields {
        fields.push(checked_field(limits, field, text.retention, lists)?);
    }
    let mut by_name = FxHashMap::default();
    for (place, field) in fields.iter().enumerate() {
        if by_name.insert(field.name.clone(), place).is_some() {
            return Err(limits.repeated(&field.name));
        }
    }
    check_sections(limits, &sections, &fields)?;
    check_ends(limits, &fields)?;
    check_moment(limits, text.retention, &sections, &fields)?;
    let (title_zh, title_en) = (text.title_zh, text.title_en);
    Ok(Schema {
        record_type,
        version: text.version,
        title_zh,
        title_en,
        retention: text.retention,
        sections,
        fields,
        by_name,
    })
}

fn sections(limits: FileLimits<'_>, texts: Vec<SectionText>) -> Result<Vec<Section>, SchemaError> {
    let mut sections: Vec<Section> = Vec::with_capacity(texts.len());
    for text in texts {
        limits.slug(&text.name)?;
        limits.slug(&text.subject)?;
        if sections.iter().any(|section| section.name == text.name) {
            return Err(limits.repeated(&text.name));
        }
        let subject = match text.subject.as_str() {
            "self" => SubjectSlot::Own,
            _ => SubjectSlot::Named(text.subject),
        };
        sections.push(Section { name: text.name, subject });
    }
    Ok(sections)
}

/// One class in each section, no section empty, no section or record larger than may be sealed.
fn check_sections(
    limits: FileLimits<'_>,
    sections: &[Section],
    fields: &[Field],
) -> Result<(), SchemaError> {
    let known: BTreeSet<&str> = sections.iter().map(|section| section.name.as_str()).collect();
    if let Some(field) = fields.iter().find(|field| !known.contains(field.section.as_str())) {
        return Err(limits.unknown_word("section", &field.section));
    }
    let mut record_bytes = 0;
    for section in sections {
        let members: Vec<&Field> =
            fields.iter().filter(|field| field.section == section.name).collect();
        let Some(first) = members.first() else {
            return Err(limits.inconsistent(&section.name, "section has no field"));
        };
        if members.iter().any(|field| field.class != first.class) {
            return Err(SchemaError::MixedSection {
                file: limits.file.to_owned(),
                section: section.name.clone(),
            });
        }
        if section.subject != SubjectSlot::Own && !first.is_personal() {
            return Err(
                limits.inconsistent(&section.name, "names a subject and is about no person")
            );
        }
        let bytes = members.iter().map(|field| bytes_max(field)).sum::<usize>() + 16;
        if bytes > SECTION_BYTES_MAX {
            return Err(limits.too_many("bytes in a section", SECTION_BYTES_MAX));
        }
        record_bytes += bytes;
    }
    if record_bytes > RECORD_BYTES_MAX {
        return Err(limits.too_many("bytes in a record", RECORD_BYTES_MAX));
    }
    Ok(())
}

/// What is matched until a date names a date of its own section, so that both are opened and sealed together.
fn check_ends(limits: FileLimits<'_>, fields: &[Field]) -> Result<(), SchemaError> {
    for field in fields {
        let Some(end) = &field.match_until else { continue };
        let dated = fields.iter().any(|other| {
            let date = matches!(other.kind, FieldKind::Date { .. }) && !other.many;
            other.name == *end && other.section == field.section && date
        });
        if !dated {
            return Err(limits.inconsistent(&field.name, "is matched until no date of its section"));
        }
    }
    Ok(())
}

/// At most one field tells the moment that the record's period counts from, for the record itself, and a moment that a date can tell.
fn check_moment(
    limits: FileLimits<'_>,
    retention: Retention,
    sections: &[Section],
    fields: &[Field],
) -> Result<(), SchemaError> {
    let mut told = fields.iter().filter(|field| field.moment);
    let Some(field) = told.next() else { return Ok(()) };
    let known = matches!(retention.after, RetentionStart::Collection | RetentionStart::ConsentEnd);
    let own = sections
        .iter()
        .any(|section| section.name == field.section && section.subject == SubjectSlot::Own);
    let rules = [
        (told.next().is_none(), "is a second moment"),
        (!known, "tells a moment that the vault knows by itself"),
        (own, "tells a moment in the section of somebody else"),
    ];
    match rules.into_iter().find(|(holds, _)| !holds) {
        Some((_, rule)) => Err(limits.inconsistent(&field.name, rule)),
        None => Ok(()),
    }
}

/// The most bytes that a field can take in its section.
fn bytes_max(field: &Field) -> usize {
    let value = match &field.kind {
        FieldKind::Text { max_characters } | FieldKind::FreeText { max_characters } => {
            4 * max_characters
        }
        FieldKind::Digits { characters } => *characters,
        FieldKind::CodeList(list) => {
            list.codes().iter().map(|code| code.code.len()).max().unwrap_or(0)
        }
        _ => 40,
    };
    let items = if field.many { FIELD_LIST_ITEMS_MAX } else { 1 };
    field.name.len() + 8 + items * (value + 4)
}
