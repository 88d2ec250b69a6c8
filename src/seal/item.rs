//! One opened record: the values that its views show, and how they leave.
//! Never opens a section that the views show nothing of, and never makes a value of another field.
//! Values are wiped when dropped; masks are made while the answer is written.

use super::{Seal, SealError, covers, section};
use crate::access::{Code, FieldView, Views};
use crate::records::{
    Displayed, Field, PlainFields, Reason, RecordId, RecordType, Schema, Sensitive, SubjectId,
    Value, View,
};
use crate::store::Sealed;
use crate::territory::CellId;
use gridvault_keys::SubjectKey;
use serde::ser::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The values of one record, in the order of its views.
pub(super) struct OpenedItem {
    pub(super) at: Place,
    /// Which of the views of its page it has.
    pub(super) kind: usize,
    values: Vec<Option<Value>>,
    /// Whether the values are masked forms already.
    covered: bool,
}

/// What is in clear of a record anyway.
pub(super) struct Place {
    pub(super) id: RecordId,
    pub(super) record_type: RecordType,
    pub(super) cell: CellId,
    pub(super) version: u64,
    pub(super) subject: Option<SubjectId>,
}

/// A record just opened, with the sections that stay closed for ever.
pub(super) struct Item {
    pub(super) opened: OpenedItem,
    pub(super) blinded: Option<BTreeSet<String>>,
}

/// Fields to be read, with their places among the views.
type Wanted<'a> = Vec<(&'a str, usize)>;

/// Reads the wanted fields of an opened section into their places.
pub(super) fn pick(
    plain: &[u8],
    wanted: &[(&str, usize)],
    values: &mut [Option<Value>],
) -> Result<(), SealError> {
    let named = |name: &[u8]| wanted.iter().find(|(field, _)| field.as_bytes() == name);
    let place = |name: &[u8]| named(name).map(|(_, place)| *place);
    PlainFields::pick(plain, place, values).map_err(|_| section::malformed())
}

/// What views of one kind need of a record.
pub(super) struct Needs<'a> {
    schema: &'a Schema,
    /// The sections, each with the fields to be read from it.
    sections: Vec<(&'a str, Wanted<'a>)>,
    /// All fields, where the masked forms that are kept of a record are all that is shown.
    covers: Option<Wanted<'a>>,
}

pub(super) fn needs<'a>(views: &'a Views, schema: &'a Schema) -> Needs<'a> {
    let mut sections: Vec<(&'a str, Wanted<'a>)> = Vec::new();
    let mut covers = Some(Vec::new());
    for (place, given) in views.given.iter().enumerate() {
        let Some(field) = schema.field(&given.field) else { continue };
        let wanted = (given.field.as_str(), place);
        if given.view == View::Masked && covers::keeps(schema, field) {
            covers.iter_mut().for_each(|fields| fields.push(wanted));
        } else {
            covers = None;
        }
        match sections.iter_mut().find(|(name, _)| *name == field.section) {
            Some((_, fields)) => fields.push(wanted),
            None => sections.push((&field.section, vec![wanted])),
        }
    }
    Needs { schema, sections, covers: covers.filter(|fields| !fields.is_empty()) }
}

impl Seal {
    /// Opens the sections of a record that are needed, and makes values of the needed fields alone. Where masked forms are
    /// all that is shown, nothing in clear is opened.
    pub(super) fn open_item(
        &self,
        sealed: &Sealed,
        kind: usize,
        needs: &Needs<'_>,
        fields_count: usize,
    ) -> Result<Item, SealError> {
        if let Some(fields) = &needs.covers
            && let Some(values) = self.open_covers(sealed, needs.schema, fields, fields_count)?
        {
            let opened = OpenedItem { at: Place::of(sealed), kind, values, covered: true };
            return Ok(Item { opened, blinded: None });
        }
        let header = &sealed.row().header;
        let mut values: Vec<Option<Value>> = Vec::with_capacity(fields_count);
        values.resize_with(fields_count, || None);
        let mut blinded: Option<BTreeSet<String>> = None;
        let mut held: Option<(SubjectId, Arc<SubjectKey>)> = None;
        for section in &sealed.row().sections {
            let needed = needs.sections.iter().find(|(name, _)| section.name.is(name));
            let Some((_, fields)) = needed else { continue };
            let key = match held.take() {
                Some((subject, key)) if subject == section.subject => Some(key),
                _ => self.key_of(sealed, section.subject)?,
            };
            let Some(key) = key else {
                blinded.get_or_insert_default().insert(section.name.to_string());
                continue;
            };
            let plain = section::open_bytes(&key, header, section)?;
            pick(&plain, fields, &mut values)?;
            held = Some((section.subject, key));
        }
        let opened = OpenedItem { at: Place::of(sealed), kind, values, covered: false };
        Ok(Item { opened, blinded })
    }
}

impl Place {
    fn of(sealed: &Sealed) -> Place {
        let header = &sealed.row().header;
        Place {
            id: header.id,
            record_type: header.record_type,
            cell: header.cell,
            version: header.version,
            subject: header.subjects.first().copied(),
        }
    }
}

impl OpenedItem {
    /// Views of its own, for a record of which a part belonged to somebody who was erased: the fields of those sections
    /// go from the given to the withheld ones, and its values move along.
    pub(super) fn blind(
        &mut self,
        views: &Views,
        schema: &Schema,
        sections: &BTreeSet<String>,
    ) -> Views {
        let is_gone = |given: &FieldView| {
            schema.field(&given.field).is_some_and(|field| sections.contains(&field.section))
        };
        let mut own = Views { given: Vec::new(), withheld: views.withheld.clone() };
        let mut values = Vec::new();
        for (given, value) in views.given.iter().zip(std::mem::take(&mut self.values)) {
            if is_gone(given) {
                own.withheld.push((given.field.clone(), Code::Erased));
            } else {
                own.given.push(given.clone());
                values.push(value);
            }
        }
        self.values = values;
        own
    }
}

impl OpenedItem {
    /// The text of the first of these fields that the views show in clear.
    pub(super) fn text_in_clear(
        &self,
        views: &Views,
        fields: &[&str],
    ) -> Option<&Sensitive<String>> {
        fields.iter().find_map(|field| {
            let shown = |given: &FieldView| given.field == *field && given.view == View::Raw;
            let place = views.given.iter().position(shown)?;
            self.values.get(place)?.as_ref()?.as_text()
        })
    }
}

/// One record as an answer shows it.
#[derive(Clone, Copy)]
pub struct ShownItem<'a> {
    pub(super) item: &'a OpenedItem,
    pub(super) views: &'a Views,
    pub(super) schema: Option<&'a Schema>,
}

impl<'a> ShownItem<'a> {
    /// The record.
    pub fn id(&self) -> RecordId {
        self.item.at.id
    }

    /// Its type.
    pub fn record_type(&self) -> RecordType {
        self.item.at.record_type
    }

    /// Its cell.
    pub fn cell(&self) -> CellId {
        self.item.at.cell
    }

    /// Its version.
    pub fn version(&self) -> u64 {
        self.item.at.version
    }

    /// Whose key it is sealed under: the person, for a record about one.
    pub fn subject(&self) -> Option<SubjectId> {
        self.item.at.subject
    }

    /// Which of the kinds of its page it is shown as.
    pub fn kind(&self) -> usize {
        self.item.kind
    }

    /// Field and value, in clear or masked, to be written at once. A field that the record does not hold is `null`.
    pub fn fields(&self) -> ShownFields<'a> {
        ShownFields(*self)
    }

    /// The values alone, in the order of the fields of its kind.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Option<Displayed<'a>>> + use<'a> {
        let ShownItem { item, views, schema } = *self;
        views.given.iter().zip(&item.values).map(move |(given, value)| {
            let value = value.as_ref()?;
            if item.covered {
                return Some(Displayed::AsItIs(value));
            }
            Displayed::under(given.view, schema?.field(&given.field)?, value)
        })
    }

    /// What a field about no person says, where it is shown in clear: a code, a moment, ids of records. Nothing of any other.
    pub fn general(&self, name: &str) -> Vec<String> {
        let field = self.schema.and_then(|schema| schema.field(name));
        if field.is_none_or(Field::is_personal) {
            return Vec::new();
        }
        let given = self.views.given.iter().zip(&self.item.values);
        let value = given
            .filter(|(given, _)| given.field == name && given.view == View::Raw)
            .find_map(|(_, value)| value.as_ref());
        let text = |text: &Sensitive<String>| text.expose_for(Reason::Answer).clone();
        match value {
            Some(Value::Text(one)) => vec![text(one)],
            Some(Value::List(items)) => items.iter().map(text).collect(),
            Some(Value::Integer(_)) | None => Vec::new(),
        }
    }

    /// The fields whose value is masked.
    pub fn masked(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let with_values = self.views.given.iter().zip(&self.item.values);
        with_values
            .filter(|(given, value)| value.is_some() && given.view != View::Raw)
            .map(|(given, _)| given.field.as_str())
    }

    /// The fields that are not shown, and why.
    pub fn withheld(&self) -> impl ExactSizeIterator<Item = (&'a str, Code)> + use<'a> {
        self.views.withheld.iter().map(|(field, why)| (field.as_str(), *why))
    }
}

/// The fields of a shown record. They leave by being written and in no other way.
pub struct ShownFields<'a>(ShownItem<'a>);

impl Serialize for ShownFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let given = self.0.views.given.iter();
        serializer.collect_map(given.map(|given| &given.field).zip(self.0.values()))
    }
}
