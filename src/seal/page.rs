//! What a receipt opened of many records, and how much of each may be shown.
//! Never opens a section that the record's own views show nothing of, and never makes a value of another field.
//! Wiped when dropped.

use super::item::{Needs, OpenedItem, ShownItem, needs};
use super::{Seal, SealError};
use crate::access::{EachViews, Views};
use crate::records::SchemaSet;
use crate::store::Page;
use crate::trail::{Receipt, Recorded};
use std::sync::Arc;

/// The opened records of a page, in its order.
pub struct OpenedPage {
    items: Vec<OpenedItem>,
    kinds: Vec<Views>,
    recorded: Recorded,
    schemas: Arc<SchemaSet>,
}

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
