//! The records of a page, written one by one into an answer.
//! Never a field of a record under another kind's views.
//! What all records of a kind have in common is written once and copied.

use super::super::written::{Object, array, value_of_serde};
use crate::access::Views;
use crate::ambient::Micros;
use crate::records::{ID_CHARACTERS, RecordType, View};
use crate::seal::{OpenedPage, ShownItem};
use crate::territory::{CellId, GridCode, Territory};

/// Bytes of a usual record of a page.
const ITEM_BYTES_USUAL: usize = 384;

/// Writes the records of a page as an array.
pub(super) fn items(
    into: &mut Vec<u8>,
    record_type: RecordType,
    page: &OpenedPage,
    territory: &Territory,
    now: Micros,
) -> serde_json::Result<()> {
    let kinds = page.kinds().iter().map(Kind::of).collect::<Result<Vec<_>, _>>()?;
    let mut known: Option<(CellId, Option<GridCode>)> = None;
    into.reserve(page.len() * ITEM_BYTES_USUAL);
    array(into, page.items(), |into, shown| {
        // The records of a cell come together.
        let cell = shown.cell();
        let grid = match known {
            Some((other, grid)) if other == cell => grid,
            _ => territory.grid_of(cell, now.0),
        };
        known = Some((cell, grid));
        item(into, record_type, &shown, grid, &kinds[shown.kind()])
    })
}

/// What the records of one kind have in common.
struct Kind {
    /// Each field's name, with what stands around it in front of its value.
    names: Vec<Vec<u8>>,
    /// The list of masked fields, where a record holds all of them.
    masked: Vec<u8>,
    masked_count: usize,
    /// The list of fields that are not shown.
    withheld: Vec<u8>,
}

impl Kind {
    fn of(views: &Views) -> serde_json::Result<Kind> {
        let mut names = Vec::with_capacity(views.given.len());
        for (place, given) in views.given.iter().enumerate() {
            let mut name = Vec::with_capacity(given.field.len() + 4);
            if place > 0 {
                name.push(b',');
            }
            value_of_serde(&mut name, &given.field)?;
            name.push(b':');
            names.push(name);
        }
        let masked = views.given.iter().filter(|given| given.view != View::Raw);
        let masked: Vec<&str> = masked.map(|given| given.field.as_str()).collect();
        let withheld: Vec<&str> = views.withheld.iter().map(|(field, _)| field.as_str()).collect();
        Ok(Kind {
            names,
            masked: serde_json::to_vec(&masked)?,
            masked_count: masked.len(),
            withheld: serde_json::to_vec(&withheld)?,
        })
    }
}

fn item(
    into: &mut Vec<u8>,
    record_type: RecordType,
    shown: &ShownItem<'_>,
    grid: Option<GridCode>,
    kind: &Kind,
) -> serde_json::Result<()> {
    let mut text = [0; ID_CHARACTERS];
    let mut item = Object::new(into);
    item.plain("id", shown.id().text(&mut text));
    if let (RecordType::Person | RecordType::Residence, Some(subject)) =
        (record_type, shown.subject())
    {
        item.plain("subject", subject.text(&mut text));
    }
    item.plain_or_null("grid", grid.as_ref().map(GridCode::as_str));
    item.value("version", &shown.version())?;
    fields(item.member("fields"), shown, kind)?;
    let masked = item.member("masked");
    if shown.masked().count() == kind.masked_count {
        masked.extend_from_slice(&kind.masked);
    } else {
        array(masked, shown.masked(), value_of_serde)?;
    }
    item.member("withheld").extend_from_slice(&kind.withheld);
    item.end();
    Ok(())
}

fn fields(into: &mut Vec<u8>, shown: &ShownItem<'_>, kind: &Kind) -> serde_json::Result<()> {
    into.push(b'{');
    for (name, value) in kind.names.iter().zip(shown.values()) {
        into.extend_from_slice(name);
        match value {
            Some(value) => value_of_serde(into, &value)?,
            None => into.extend_from_slice(b"null"),
        }
    }
    into.push(b'}');
    Ok(())
}
