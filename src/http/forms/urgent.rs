//! The forms of emergency access, raised limits, requests of organs and protected addresses.
//! Never a check: parsers do that at the door.
//! Limits come from `limits`, words from the rooms that own them.

use super::{record_id, text};
use crate::limits::{
    EMERGENCY_DWELLINGS_MAX, OFFICIAL_PEOPLE_COUNT_MAX, PROTECTED_HOUSEHOLDS_COUNT_MAX,
    RAISE_MINUTES_MAX, REVEALS_MONTH_MAX,
};
use crate::records::LegalKind;
use utoipa::openapi::schema::{Array, ArrayBuilder, Object, ObjectBuilder, Type};

/// A kind of information that the law counts by.
pub(in crate::http) fn legal_kind() -> Object {
    text().enum_values(Some(LegalKind::ALL.map(LegalKind::as_str))).build()
}

/// How many people more.
pub(in crate::http) fn raised_people() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(REVEALS_MONTH_MAX))
        .build()
}

/// For how long a limit is raised.
pub(in crate::http) fn raised_minutes() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(RAISE_MINUTES_MAX))
        .build()
}

/// The people whom an organ asks for.
pub(in crate::http) fn official_people() -> Array {
    ArrayBuilder::new()
        .items(record_id())
        .min_items(Some(1))
        .max_items(Some(OFFICIAL_PEOPLE_COUNT_MAX))
        .unique_items(true)
        .build()
}

/// Households that name whoever is protected.
pub(in crate::http) fn household_ids() -> Array {
    ArrayBuilder::new()
        .items(record_id())
        .max_items(Some(PROTECTED_HOUSEHOLDS_COUNT_MAX))
        .unique_items(true)
        .build()
}

/// How far an emergency access reaches.
pub(in crate::http) fn tier() -> Object {
    text().enum_values(Some(["alone", "wide"])).build()
}

/// Dwellings beside those that an event names.
pub(in crate::http) fn dwelling_ids() -> Array {
    ArrayBuilder::new()
        .items(record_id())
        .max_items(Some(EMERGENCY_DWELLINGS_MAX as usize))
        .unique_items(true)
        .build()
}

/// What somebody else found of an emergency access.
pub(in crate::http) fn glass_finding() -> Object {
    text().enum_values(Some(["justified", "not_justified"])).build()
}
