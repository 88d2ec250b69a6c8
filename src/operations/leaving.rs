//! Which fields of a record go before it does, looked for by its row: which sections it has.
//! Never opens a section, so a field that holds nothing counts like one that does.
//! Whatever changes what a record is held for says anew when the first of them go.

use crate::purposes::{HeldFor, Leaving, PurposeSet};
use crate::records::Schema;
use crate::store::Row;

/// The fields of a record that go, once it is held so and ends on a day.
pub(super) fn leaving(
    held: &HeldFor,
    schema: &Schema,
    row: &Row,
    end: Option<i32>,
    purposes: &PurposeSet,
) -> Leaving {
    let has = |name: &str| row.sections.iter().any(|section| section.name.is(name));
    Leaving::of(held, schema, has, end, purposes)
}

/// The day on which the first of them go.
pub(super) fn fields_end(
    held: &HeldFor,
    schema: &Schema,
    row: &Row,
    end: Option<i32>,
    purposes: &PurposeSet,
) -> Option<i32> {
    leaving(held, schema, row, end, purposes).first_day()
}
