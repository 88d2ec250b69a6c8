//! What a receipt opened of one record, and how much of it may be shown.
//! Never shows more than the permit's view of a field; masks are made here, never by a client.
//! Wiped when dropped.

use super::item::{Item, OpenedItem, ShownItem, needs};
use super::{Seal, SealError};
use crate::access::Views;
use crate::records::{RecordId, RecordType, SchemaSet};
use crate::store::Sealed;
use crate::territory::CellId;
use crate::trail::{Receipt, Recorded};
use std::sync::Arc;

/// An opened record: only the fields that its permit shows.
pub struct Opened {
    item: OpenedItem,
    views: Views,
    recorded: Recorded,
    schemas: Arc<SchemaSet>,
}

impl Seal {
    /// Opens exactly the sections that the recorded permit shows a field of. What belonged to somebody who was erased
    /// stays closed, and its fields are withheld.
    ///
    /// # Errors
    /// [`SealError::Damaged`] when a section is not the one that was sealed in this place.
    pub fn open(&self, receipt: Receipt<Sealed>) -> Result<Opened, SealError> {
        let recorded = receipt.recorded();
        let (sealed, mut views, account) = receipt.into_permit().into_parts();
        let schema = self.schema(sealed.row().header.record_type)?;
        let opened = self.open_item(&sealed, 0, &needs(&views, schema), views.given.len());
        let opened = opened.map_err(|error| error.in_record(account.records.first()));
        let Item { opened: mut item, blinded } = opened?;
        if let Some(blinded) = blinded {
            views = item.blind(&views, schema, &blinded);
        }
        Ok(Opened { item, views, recorded, schemas: self.schemas.clone() })
    }
}

impl Opened {
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

    /// The entry that let it be opened.
    pub fn recorded(&self) -> Recorded {
        self.recorded
    }

    /// The record as the permit shows it.
    pub fn view(&self) -> ShownItem<'_> {
        let schema = self.schemas.get(self.record_type());
        ShownItem { item: &self.item, views: &self.views, schema }
    }
}
