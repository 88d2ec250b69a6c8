//! What a receipt opened of many records, and how much of each may be shown.
//! Never opens a section that the record's own views show nothing of, and never makes a value of another field.
//! Wiped when dropped; masks are made while the answer is written.

use super::{Seal, SealError, opened, section};
use crate::access::{Code, EachViews, Views};
use crate::records::{
    Displayed, PlainFields, RecordId, RecordType, Schema, SchemaSet, SubjectId, Value, View,
};
use crate::store::{Page, Sealed};
use crate::territory::CellId;
use crate::trail::{Receipt, Recorded};
use gridvault_keys::SubjectKey;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The opened records of a page, in its order.
pub struct OpenedPage {
    items: Vec<OpenedItem>,
    kinds: Vec<Views>,
    recorded: Recorded,
    schemas: Arc<SchemaSet>,
}

/// The values of one record, in the order of its views.
struct OpenedItem {
    at: Place,
    kind: usize,
    values: Vec<Option<Value>>,
}

/// What is in clear of a record anyway.
struct Place {
    id: RecordId,
    record_type: RecordType,
    cell: CellId,
    version: u64,
    subject: Option<SubjectId>,
}

/// One record as an answer shows it.
pub struct ShownItem<'a> {
    item: &'a OpenedItem,
    views: &'a Views,
    schema: Option<&'a Schema>,
}

/// The sections that views of one kind need, each with the fields to be read from it and their places.
type Needs<'a> = Vec<(&'a str, Vec<(&'a str, usize)>)>;

impl Seal {
    /// Opens exactly the sections that the recorded permit shows a field of, record by record.
    ///
    /// # Errors
    /// [`SealError::Keys`] when a section is not the one that was sealed in its place.
    pub fn open_page(&self, receipt: Receipt<Page>) -> Result<OpenedPage, SealError> {
        let recorded = receipt.recorded();
        let (page, EachViews { kinds, of }) = receipt.into_permit().into_listed();
        let mut items = Vec::with_capacity(page.records().len());
        let mut own_kinds = Vec::new();
        if let Some(first) = page.records().first() {
            // A page holds records of one type.
            let schema = self.schema(first.row().header.record_type)?;
            let needs: Vec<Needs<'_>> = kinds.iter().map(|views| needs(views, schema)).collect();
            for (sealed, kind) in page.records().iter().zip(of) {
                let kind = usize::from(kind);
                let mut item =
                    self.open_item(sealed, kind, &needs[kind], kinds[kind].given.len())?;
                if let Some(blinded) = item.blinded.take() {
                    let own = item.opened.blind(&kinds[kind], schema, &blinded);
                    item.opened.kind = kinds.len() + own_kinds.len();
                    own_kinds.push(own);
                }
                items.push(item.opened);
            }
        }
        let kinds = kinds.into_iter().chain(own_kinds).collect();
        Ok(OpenedPage { items, kinds, recorded, schemas: self.schemas.clone() })
    }

    fn open_item(
        &self,
        sealed: &Sealed,
        kind: usize,
        needs: &Needs<'_>,
        fields_count: usize,
    ) -> Result<Item, SealError> {
        let header = &sealed.row().header;
        let mut values: Vec<Option<Value>> = Vec::with_capacity(fields_count);
        values.resize_with(fields_count, || None);
        let mut blinded: Option<BTreeSet<String>> = None;
        let mut held: Option<(SubjectId, Arc<SubjectKey>)> = None;
        for section in &sealed.row().sections {
            let needed = needs.iter().find(|(name, _)| *name == &*section.name);
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
            let place =
                |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, at)| *at);
            PlainFields::pick(&plain, place, &mut values)
                .map_err(|_| SealError::Malformed { what: "section" })?;
            held = Some((section.subject, key));
        }
        let at = Place {
            id: header.id,
            record_type: header.record_type,
            cell: header.cell,
            version: header.version,
            subject: header.subjects.first().copied(),
        };
        Ok(Item { opened: OpenedItem { at, kind, values }, blinded })
    }
}

/// A record just opened, with the sections that stay closed for ever.
struct Item {
    opened: OpenedItem,
    blinded: Option<BTreeSet<String>>,
}

fn needs<'a>(views: &'a Views, schema: &'a Schema) -> Needs<'a> {
    let mut needs: Needs<'a> = Vec::new();
    for (place, given) in views.given.iter().enumerate() {
        let Some(field) = schema.field(&given.field) else { continue };
        let wanted = (given.field.as_str(), place);
        match needs.iter_mut().find(|(name, _)| *name == field.section) {
            Some((_, fields)) => fields.push(wanted),
            None => needs.push((&field.section, vec![wanted])),
        }
    }
    needs
}

impl OpenedItem {
    /// Views of its own, for a record of which a part belonged to somebody who was erased; its values move along.
    fn blind(&mut self, views: &Views, schema: &Schema, sections: &BTreeSet<String>) -> Views {
        let mut own = views.clone();
        opened::blind(&mut own, schema, sections);
        let stays = |field: &str| own.given.iter().any(|given| given.field == field);
        let values = std::mem::take(&mut self.values).into_iter().zip(&views.given);
        self.values =
            values.filter(|(_, given)| stays(&given.field)).map(|(value, _)| value).collect();
        own
    }
}

impl OpenedPage {
    /// The entry that let them be opened.
    pub fn recorded(&self) -> Recorded {
        self.recorded
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The records as the permit shows them.
    pub fn items(&self) -> impl ExactSizeIterator<Item = ShownItem<'_>> {
        self.items.iter().map(|item| ShownItem {
            item,
            views: &self.kinds[item.kind],
            schema: self.schemas.get(item.at.record_type),
        })
    }
}

impl<'a> ShownItem<'a> {
    /// The record.
    pub fn id(&self) -> RecordId {
        self.item.at.id
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

    /// Field and value, in clear or masked, to be written at once. A field that the record does not hold is `null`.
    pub fn fields(&self) -> ShownFields<'a> {
        ShownFields { item: self.item, views: self.views, schema: self.schema }
    }

    /// The fields whose value is masked.
    pub fn masked(&self) -> impl Iterator<Item = &'a str> {
        let with_values = self.views.given.iter().zip(&self.item.values);
        with_values
            .filter(|(given, value)| value.is_some() && given.view != View::Raw)
            .map(|(given, _)| given.field.as_str())
    }

    /// The fields that are not shown, and why.
    pub fn withheld(&self) -> impl Iterator<Item = (&'a str, Code)> {
        self.views.withheld.iter().map(|(field, why)| (field.as_str(), *why))
    }
}

/// The fields of a shown record. They leave by being written and in no other way.
pub struct ShownFields<'a> {
    item: &'a OpenedItem,
    views: &'a Views,
    schema: Option<&'a Schema>,
}

impl Serialize for ShownFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.views.given.len()))?;
        for (given, value) in self.views.given.iter().zip(&self.item.values) {
            let field = self.schema.and_then(|schema| schema.field(&given.field));
            let shown = field.zip(value.as_ref());
            let shown = shown.map(|(field, value)| Displayed { field, value, view: given.view });
            map.serialize_entry(&given.field, &shown)?;
        }
        map.end()
    }
}
