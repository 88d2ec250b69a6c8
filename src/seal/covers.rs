//! The masked forms of a record's own general fields, sealed together beside the sections: what lists and masked reads show.
//! Never a value in clear, a sensitive field, somebody else's part or a free text; so a page of people opens nothing in clear.
//! Forms of other masks, or of another schema, are not shown: then the sections are opened and masked anew.

use super::item::pick;
use super::revision::Merged;
use super::{Seal, SealError, section};
use crate::records::{
    Class, Field, FieldKind, MASKS_VERSION, PlainFields, Schema, SubjectId, SubjectSlot, Value,
    covered,
};
use crate::store::{Bytes, Header, Row, Sealed, SealedSection};
use gridvault_keys::SubjectKey;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The section that holds them. No schema has such a name, and the number is [`MASKS_VERSION`].
pub(super) const NAME: &str = "masked-2";
/// What it begins with, whatever the version.
const NAME_BEGIN: &str = "masked-";

const _: () = assert!(MASKS_VERSION == 2, "the name of the section says the version of the masks");

/// Whether a section holds masked forms, of these masks or of others.
pub(super) fn holds_forms(section: &SealedSection) -> bool {
    section.name.starts_with(NAME_BEGIN)
}

/// Whether the masked form of a field is kept.
pub(super) fn keeps(schema: &Schema, field: &Field) -> bool {
    let own = schema.section_of(field).is_some_and(|part| part.subject == SubjectSlot::Own);
    let short = !matches!(field.kind, FieldKind::FreeText { .. });
    own && short && field.is_personal() && field.class <= Class::C2
}

/// The masked forms of those of some fields that are kept; nothing where there is none.
pub(super) fn of<'a>(
    schema: &Schema,
    fields: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Option<PlainFields> {
    let kept = fields.filter_map(|(name, value)| {
        let field = schema.field(name).filter(|field| keeps(schema, field))?;
        Some((name.to_owned(), covered(field, value)))
    });
    let kept: PlainFields = kept.collect();
    (!kept.is_empty()).then_some(kept)
}

/// The section of a record, where its forms are of today's masks and schema.
pub(super) fn current<'a>(sealed: &'a Sealed, schema: &Schema) -> Option<&'a SealedSection> {
    let row = sealed.row();
    let is_current = row.header.schema == schema.version();
    row.sections.iter().find(|section| is_current && section.name.is(NAME))
}

/// Seals masked forms for a row's own subject.
pub(super) fn seal(
    key: &SubjectKey,
    subject: SubjectId,
    version: u32,
    header: &Header,
    forms: &PlainFields,
) -> Result<SealedSection, SealError> {
    let mut sealed = SealedSection { name: NAME.into(), subject, version, bytes: Bytes::default() };
    section::seal(key, header, &mut sealed, forms)?;
    Ok(sealed)
}

/// The section after a change: as it was, where the change touches none of its fields, else made anew from all of them.
pub(super) fn after(
    schema: &Schema,
    old: &Row,
    merged: &[Merged],
    keys: &BTreeMap<SubjectId, Arc<SubjectKey>>,
    reseal_all: bool,
    header: &Header,
) -> Result<Option<SealedSection>, SealError> {
    let held = old.sections.iter().find(|section| section.name.is(NAME));
    let has_kept = |name: &str| schema.fields_of(name).any(|field| keeps(schema, field));
    if !reseal_all && !merged.iter().any(|part| has_kept(&part.name)) {
        return Ok(held.cloned());
    }
    let Some(subject) = header.subjects.first().copied() else { return Ok(None) };
    let Some(key) = keys.get(&subject) else { return Ok(None) };
    let mut forms = PlainFields::new();
    for part in schema.sections().iter().filter(|part| has_kept(&part.name)) {
        let opened;
        let fields = match merged.iter().find(|merged| merged.name == part.name) {
            Some(merged) => &merged.after,
            None => {
                let held = old.sections.iter().find(|section| section.name.is(&part.name));
                let Some(held) = held else { continue };
                opened = section::open(key, &old.header, held)?;
                &opened
            }
        };
        forms.extend(of(schema, fields.iter()).into_iter().flatten());
    }
    if forms.is_empty() {
        return Ok(None);
    }
    let version = held.map_or(1, |held| held.version + 1);
    seal(key, subject, version, header, &forms).map(Some)
}

impl Seal {
    /// Opens the masked forms of a record; nothing where there are none, or where whose they were was erased.
    pub(super) fn open_covers(
        &self,
        sealed: &Sealed,
        schema: &Schema,
        fields: &[(&str, usize)],
        fields_count: usize,
    ) -> Result<Option<Vec<Option<Value>>>, SealError> {
        let Some(covers) = current(sealed, schema) else { return Ok(None) };
        let Some(key) = self.key_of(sealed, covers.subject)? else { return Ok(None) };
        let plain = section::open_bytes(&key, &sealed.row().header, covers)?;
        let mut values: Vec<Option<Value>> = Vec::new();
        values.resize_with(fields_count, || None);
        pick(&plain, fields, &mut values)?;
        Ok(Some(values))
    }
}
