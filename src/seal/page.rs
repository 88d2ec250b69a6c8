//! What a receipt opened of many records, and how much of each may be shown.
//! Never opens a section that the record's own views show nothing of, and never makes a value of another field.
//! Wiped when dropped.

use super::item::{Needs, OpenedItem, ShownItem, needs};
use super::{Seal, SealError};
use crate::access::{EachViews, Views};
use crate::records::{Reason, SchemaSet};
use crate::store::Page;
use crate::trail::{Receipt, Recorded};
use std::cmp::Ordering;
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
    /// [`SealError::Damaged`] when a section is not the one that was sealed in its place.
    pub fn open_page(&self, receipt: Receipt<Page>) -> Result<OpenedPage, SealError> {
        let recorded = receipt.recorded();
        let (page, EachViews { kinds, of }, account) = receipt.into_permit().into_listed();
        let mut items = Vec::with_capacity(page.records().len());
        let mut own_kinds = Vec::new();
        if let Some(first) = page.records().first() {
            // A page holds records of one type.
            let schema = self.schema(first.row().header.record_type)?;
            let needs: Vec<Needs<'_>> = kinds.iter().map(|views| needs(views, schema)).collect();
            for (at, (sealed, kind)) in page.records().iter().zip(of).enumerate() {
                let kind = usize::from(kind);
                let item = self.open_item(sealed, kind, &needs[kind], kinds[kind].given.len());
                // The entry names them in the order of the page.
                let mut item = item.map_err(|error| error.in_record(account.records.get(at)))?;
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

    /// Puts the records in the order of a text: of the first of these fields that each shows in clear. Numbers in it count
    /// as numbers, so that house 9 comes before house 10; what shows none comes last.
    pub fn sort_by(&mut self, fields: &[&str]) {
        let kinds = &self.kinds;
        self.items.sort_by(|one, other| {
            let texts = (
                one.text_in_clear(&kinds[one.kind], fields),
                other.text_in_clear(&kinds[other.kind], fields),
            );
            match texts {
                (Some(one), Some(other)) => {
                    by_numbers(one.expose_for(Reason::Answer), other.expose_for(Reason::Answer))
                }
                (one, other) => other.is_some().cmp(&one.is_some()),
            }
        });
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The kinds of views that its records have.
    pub fn kinds(&self) -> &[Views] {
        &self.kinds
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

/// Compares texts sign by sign, and runs of digits by their value.
fn by_numbers(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let (number, its) = (digits(one), digits(other));
        if !number.is_empty() && !its.is_empty() {
            let value = |digits: &str| digits.trim_start_matches('0').len();
            let by_value = value(number)
                .cmp(&value(its))
                .then_with(|| number.trim_start_matches('0').cmp(its.trim_start_matches('0')));
            if by_value.is_ne() {
                return by_value;
            }
            (one, other) = (&one[number.len()..], &other[its.len()..]);
            continue;
        }
        let (mut left, mut right) = (one.chars(), other.chars());
        match (left.next(), right.next()) {
            (Some(sign), Some(its)) if sign == its => {
                (one, other) = (left.as_str(), right.as_str());
            }
            (sign, its) => return sign.cmp(&its),
        }
    }
}

/// The digits that a text begins with.
fn digits(text: &str) -> &str {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_by_the_value_of_their_numbers() {
        let mut addresses =
            ["10号楼1室", "9号楼20室", "9号楼3室", "甲9", "甲", "009号楼3室", "", "9号楼"];
        addresses.sort_by(|one, other| by_numbers(one, other));
        let expected =
            ["", "9号楼", "9号楼3室", "009号楼3室", "9号楼20室", "10号楼1室", "甲", "甲9"];
        assert_eq!(addresses, expected);
        let long = "1".repeat(60);
        assert_eq!(by_numbers(&long, &format!("{long}1")), Ordering::Less);
    }
}
