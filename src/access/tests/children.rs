//! Requirements on children: what is general about others is sensitive about them.
//! Never opened by the ordinary right; a task or nothing.
//! The day of the 14th birthday is the first ordinary one.

use super::world::*;
use crate::access::{Ask, Code};
use crate::records::{Facts, View};

fn aged(turns_14: Option<i32>, purpose: &str) -> Facts {
    Facts { turns_14, turns_18: turns_14.map(|day| day + 1_461), ..held_on(&[purpose]) }
}

#[test]
fn every_general_field_of_a_child_needs_a_task() {
    let put = |turns_14| {
        Put::ordinary().of(aged(turns_14, "residence_registration")).fields(&[
            "name",
            "birth_date",
            "phone",
            "current_address",
        ])
    };
    let child = put(Some(TODAY + 1));
    assert_eq!(child.refused(), Some(Code::CaseRequired));
    let grown = put(Some(TODAY));
    assert!(grown.given().iter().all(|(_, view)| *view == View::Raw));
    assert_eq!(put(Some(TODAY - 1)).given().len(), 4);
    assert_eq!(put(None).given().len(), 4);
}

#[test]
fn a_childs_field_is_not_even_masked_for_the_street() {
    let put = |turns_14| {
        Put::by("street_operator", "880102001").of(aged(turns_14, "residence_registration"))
    };
    assert_eq!(put(Some(TODAY)).given(), [("name".to_owned(), View::Masked)]);
    assert_eq!(put(Some(TODAY + 1)).refused(), Some(Code::Denied));
}

#[test]
fn what_is_by_consent_is_closed_for_a_child() {
    let put =
        Put::ordinary().under("household_contact").of(aged(Some(TODAY + 1), "household_contact"));
    assert_eq!(put.refused(), Some(Code::Denied));
}

#[test]
fn a_child_can_still_be_written_where_the_role_writes_sensitive_fields() {
    let put = |purpose| {
        Put::ordinary().under(purpose).of(aged(Some(TODAY + 1), purpose)).ask(Ask::Update).refused()
    };
    assert_eq!(put("residence_registration"), None);
    // A policy that lets general fields alone be written closes a child's.
    let mut files = Files::shipped();
    files.lines.insert(
        "grid_worker".into(),
        "grid,any,C1,any,read:raw,allow\ngrid,any,C2,registration,write,allow\n".into(),
    );
    let access = files.access();
    let put = |day| {
        let facts = aged(Some(day), "residence_registration");
        Put::ordinary().of(facts).ask(Ask::Update).with(&access).refused()
    };
    assert_eq!(put(TODAY), None);
    assert_eq!(put(TODAY + 1), Some(Code::Denied));
}

#[test]
fn other_classes_are_what_they_are_for_a_child_too() {
    let fields = ["kind"];
    let facts = || Facts { turns_14: Some(TODAY + 1), ..held_on(&["residence_registration"]) };
    let put = Put::ordinary().of(facts()).record_type(crate::records::RecordType::Household);
    assert_eq!(put.fields(&fields).given(), [("kind".to_owned(), View::Raw)]);
}
