//! What a receipt opened, and how much of it may be shown.
//! Never shows more than the permit's view of a field; masks are made here, never by a client.
//! Wiped when dropped.

use crate::access::{Code, Views};
use crate::records::{PlainFields, RecordId, RecordType, Schema, SchemaSet, View, mask};
use crate::store::Header;
use crate::territory::CellId;
use crate::trail::Recorded;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An opened record: only the fields that its permit shows.
pub struct Opened {
    id: RecordId,
    record_type: RecordType,
    cell: CellId,
    version: u64,
    fields: PlainFields,
    views: Views,
    recorded: Recorded,
    schemas: Arc<SchemaSet>,
}

/// What an answer shows.
pub struct Shown {
    /// Field and value, in clear or masked.
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// The fields whose value is masked.
    pub masked: Vec<String>,
    /// The fields that are not shown, and why.
    pub withheld: Vec<(String, Code)>,
}

impl Opened {
    pub(super) fn new(
        header: &Header,
        fields: PlainFields,
        views: Views,
        recorded: Recorded,
        schemas: Arc<SchemaSet>,
    ) -> Opened {
        Opened {
            id: header.id,
            record_type: header.record_type,
            cell: header.cell,
            version: header.version,
            fields,
            views,
            recorded,
            schemas,
        }
    }

    /// The record.
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// Its type.
    pub fn record_type(&self) -> RecordType {
        self.record_type
    }

    /// Its cell.
    pub fn cell(&self) -> CellId {
        self.cell
    }

    /// Its version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The entry that let it be opened.
    pub fn recorded(&self) -> Recorded {
        self.recorded
    }

    /// The values as the permit shows them. A field that the record does not hold is `null`.
    pub fn view(&self) -> Shown {
        let mut shown = Shown {
            fields: serde_json::Map::new(),
            masked: Vec::new(),
            withheld: self.views.withheld.clone(),
        };
        let schema = self.schemas.get(self.record_type);
        for given in &self.views.given {
            let Some(field) = schema.and_then(|schema| schema.field(&given.field)) else {
                continue;
            };
            let value = match (self.fields.get(&given.field), given.view) {
                (None, _) => serde_json::Value::Null,
                (Some(value), View::Raw) => value.to_json(),
                (Some(value), _) => {
                    shown.masked.push(given.field.clone());
                    mask(field, value)
                }
            };
            shown.fields.insert(given.field.clone(), value);
        }
        shown
    }
}

/// Moves the fields of sections whose subject was erased from the given to the withheld ones.
pub(super) fn blind(views: &mut Views, schema: &Schema, sections: &BTreeSet<String>) {
    if sections.is_empty() {
        return;
    }
    let (blinded, given) = std::mem::take(&mut views.given).into_iter().partition(|given| {
        schema.field(&given.field).is_some_and(|field| sections.contains(&field.section))
    });
    views.given = given;
    let blinded: Vec<crate::access::FieldView> = blinded;
    views.withheld.extend(blinded.into_iter().map(|field| (field.field, Code::Erased)));
}
