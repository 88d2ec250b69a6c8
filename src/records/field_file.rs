//! Reads one field of a schema file and checks that what it states goes together.
//! Never lets a field pass that must not be collected, whatever it is called.
//! A field that loads has a class, a mask and an end that fit its kind.

use super::code_list::CodeList;
use super::field::{FieldKind, MaskRule};
use super::schema::SchemaError;
use super::schema_file::FileLimits;
use super::text::is_slug;
use super::{Class, Field, LegalKind, Retention, forbidden};
use crate::limits::{FIELD_TEXT_CHARACTERS_MAX, SLUG_CHARACTERS_MAX};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldText {
    name: String,
    title_zh: String,
    title_en: String,
    kind: String,
    max_characters: Option<usize>,
    characters: Option<usize>,
    not_future: Option<bool>,
    first_year: Option<i16>,
    codes: Option<String>,
    record_type: Option<String>,
    min: Option<i64>,
    max: Option<i64>,
    class: String,
    section: String,
    match_group: Option<String>,
    match_until: Option<String>,
    mask: String,
    legal_kind: Option<String>,
    retention: Option<Retention>,
    #[serde(default)]
    moment: bool,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    many: bool,
    statute: Option<String>,
}

/// The field that a file states.
pub(super) fn checked_field(
    limits: FileLimits<'_>,
    text: FieldText,
    default: Retention,
    lists: &BTreeMap<String, Arc<CodeList>>,
) -> Result<Field, SchemaError> {
    limits.slug(&text.name)?;
    limits.title(&text.title_zh)?;
    limits.title(&text.title_en)?;
    check_words(limits, &text)?;
    let kind = kind(limits, &text, lists)?;
    let class: Class = text.class.parse().map_err(|_| limits.unknown_word("class", &text.class))?;
    let mask = MaskRule::ALL.into_iter().find(|rule| rule.as_str() == text.mask);
    let mask = mask.ok_or_else(|| limits.unknown_word("mask", &text.mask))?;
    let legal_kind = text
        .legal_kind
        .as_deref()
        .map(|word| word.parse::<LegalKind>().map_err(|_| limits.unknown_word("legal kind", word)));
    let field = Field {
        legal_kind: legal_kind.transpose()?,
        retention: text.retention.unwrap_or(default),
        name: text.name,
        title_zh: text.title_zh,
        title_en: text.title_en,
        kind,
        class,
        section: text.section,
        match_group: text.match_group,
        match_until: text.match_until,
        mask,
        moment: text.moment,
        required: text.required,
        many: text.many,
        statute: text.statute,
    };
    match broken_rule(&field) {
        Some(rule) => Err(limits.inconsistent(&field.name, rule)),
        None => Ok(field),
    }
}

/// The rule that a field breaks, if any.
fn broken_rule(field: &Field) -> Option<&'static str> {
    let group = field.match_group.as_deref();
    let rules = [
        (field.mask.fits(&field.kind), "its mask does not fit its kind"),
        (
            !field.is_personal() || field.mask != MaskRule::Shown,
            "a field about a person needs a mask",
        ),
        (
            field.is_personal() == field.legal_kind.is_some(),
            "a legal kind goes with fields about persons, and only with them",
        ),
        (field.kind != FieldKind::IdNumber || field.class == Class::C3, "a citizen number is C3"),
        (
            group.is_none() || (field.kind.is_matchable() && !field.many),
            "its kind cannot be matched",
        ),
        (group.is_none_or(is_slug), "its match group is no name"),
        (
            group.is_some() || field.match_until.is_none(),
            "only what is matched is matched until a date",
        ),
        (
            !field.many
                || !matches!(field.kind, FieldKind::Integer { .. } | FieldKind::FreeText { .. }),
            "its kind has no lists",
        ),
        (field.retention.is_bounded(), "its retention has no end"),
        (
            !field.moment
                || (matches!(field.kind, FieldKind::Date { .. } | FieldKind::Time) && !field.many),
            "only one day is a moment",
        ),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map(|(_, rule)| rule)
}

/// Refuses what must not be collected, by the names that the field goes by.
fn check_words(limits: FileLimits<'_>, text: &FieldText) -> Result<(), SchemaError> {
    let words = [&text.name, &text.title_zh, &text.title_en];
    if let Some(label) = words.iter().find_map(|word| forbidden::never_kept(word)) {
        return Err(limits.forbidden(&text.name, label));
    }
    let cited = text.statute.as_deref().is_some_and(|statute| !statute.trim().is_empty());
    match words.iter().find_map(|word| forbidden::needs_statute(word)) {
        Some(label) if !cited => {
            let (file, name) = (limits.file.to_owned(), text.name.clone());
            Err(SchemaError::StatuteMissing { file, name, label })
        }
        _ => Ok(()),
    }
}

fn kind(
    limits: FileLimits<'_>,
    text: &FieldText,
    lists: &BTreeMap<String, Arc<CodeList>>,
) -> Result<FieldKind, SchemaError> {
    let missing = |rule| limits.inconsistent(&text.name, rule);
    let characters = || match text.max_characters {
        Some(count @ 1..=FIELD_TEXT_CHARACTERS_MAX) => Ok(count),
        _ => Err(missing("needs max_characters within the limit")),
    };
    let kind = match text.kind.as_str() {
        "text" => FieldKind::Text { max_characters: characters()? },
        "free_text" => FieldKind::FreeText { max_characters: characters()? },
        "date" => FieldKind::Date {
            not_future: text.not_future.ok_or_else(|| missing("needs not_future"))?,
            first_year: text
                .first_year
                .filter(|year| (1..=9_999).contains(year))
                .ok_or_else(|| missing("needs first_year"))?,
        },
        "time" => FieldKind::Time,
        "code" => {
            let name = text.codes.as_deref().ok_or_else(|| missing("needs codes"))?;
            let list = lists.get(name).ok_or_else(|| limits.unknown_word("code list", name))?;
            FieldKind::CodeList(Arc::clone(list))
        }
        "id_number" => FieldKind::IdNumber,
        "credit_code" => FieldKind::CreditCode,
        "phone" => FieldKind::Phone,
        "digits" => match text.characters {
            Some(characters @ 1..=SLUG_CHARACTERS_MAX) => FieldKind::Digits { characters },
            _ => return Err(missing("needs characters within the limit")),
        },
        "division_code" => FieldKind::DivisionCode,
        "grid_code" => FieldKind::GridCode,
        "subject_reference" => FieldKind::SubjectReference,
        "record_reference" => {
            let word = text.record_type.as_deref().ok_or_else(|| missing("needs record_type"))?;
            FieldKind::RecordReference(
                word.parse().map_err(|_| limits.unknown_word("record type", word))?,
            )
        }
        "integer" => match (text.min, text.max) {
            (Some(min), Some(max)) if min <= max => FieldKind::Integer { min, max },
            _ => return Err(missing("needs min and max")),
        },
        other => return Err(limits.unknown_word("kind", other)),
    };
    if surplus(&kind, text) { Err(missing("has a setting of another kind")) } else { Ok(kind) }
}

/// Whether the field states something that its kind does not have.
fn surplus(kind: &FieldKind, text: &FieldText) -> bool {
    let is_text = matches!(kind, FieldKind::Text { .. } | FieldKind::FreeText { .. });
    let is_date = matches!(kind, FieldKind::Date { .. });
    let is_integer = matches!(kind, FieldKind::Integer { .. });
    (text.max_characters.is_some() && !is_text)
        || (text.characters.is_some() && !matches!(kind, FieldKind::Digits { .. }))
        || ((text.not_future.is_some() || text.first_year.is_some()) && !is_date)
        || (text.codes.is_some() && !matches!(kind, FieldKind::CodeList(_)))
        || (text.record_type.is_some() && !matches!(kind, FieldKind::RecordReference(_)))
        || ((text.min.is_some() || text.max.is_some()) && !is_integer)
}
