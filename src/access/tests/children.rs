//! Requirements on children and minors: what is general about others is sensitive about a child, and in a task about a minor.
//! Never opened by the ordinary right; a task or nothing.
//! The day of the 14th birthday ends the first, that of the 18th the second.

use super::world::*;
use crate::access::{Ask, Code, Item, Matter};
use crate::records::{Facts, RecordType, View};

fn aged(turns_14: Option<i32>, purpose: &str) -> Facts {
    Facts { turns_14, turns_18: turns_14.map(|day| day + 1_461), ..held_on(&[purpose]) }
}

#[test]
fn every_general_field_of_a_minor_needs_a_task() {
    let put = |turns_14| {
        Put::ordinary().of(aged(turns_14, "residence_registration")).fields(&[
            "name",
            "birth_date",
            "phone",
            "current_address",
        ])
    };
    // Under 14, and from 14 to 17: the day of the 18th birthday is the first ordinary one.
    for turns_14 in [TODAY + 1, TODAY, TODAY - 1, TODAY - 1_460] {
        assert_eq!(put(Some(turns_14)).refused(), Some(Code::CaseRequired), "{turns_14}");
    }
    let grown = put(Some(TODAY - 1_461));
    assert!(grown.given().iter().all(|(_, view)| *view == View::Raw));
    assert_eq!(grown.given().len(), 4);
    assert_eq!(put(None).given().len(), 4);
}

#[test]
fn a_minor_is_masked_and_matched_as_before() {
    let minor = || aged(Some(TODAY), "residence_registration");
    let operator = Put::by("street_operator", "880102001").of(minor());
    assert_eq!(operator.given(), [("name".to_owned(), View::Masked)]);
    let matched = |facts| {
        let put = Put::ordinary().ask(Ask::Match).fields(&["phone"]);
        let items = [
            Item { matter: put.matter(), fields: &put.fields },
            Item {
                matter: Matter::Present {
                    record_type: RecordType::Person,
                    cell: OWN_CELL,
                    facts: &facts,
                    versions: None,
                },
                fields: &[],
            },
        ];
        let permit = put.question(|question| put.access.decide(question, &items, Vec::new(), ()));
        permit.ok().expect("a match").account().records.len()
    };
    assert_eq!(matched(minor()), 1);
}

#[test]
fn a_minor_is_written_and_its_sensitive_fields_stay_what_they_are() {
    let minor = || aged(Some(TODAY), "residence_registration");
    for ask in [Ask::Update, Ask::Create] {
        assert_eq!(Put::ordinary().of(minor()).ask(ask).refused(), None, "{ask:?}");
    }
    assert_eq!(Put::by("grid_head", OWN).of(minor()).ask(Ask::Delete).fields(&[]).refused(), None);
    let refused = Put::ordinary().of(minor()).fields(&["id_number"]).refused();
    assert_eq!(refused, Some(Code::Denied), "the number is for the match alone");
    // By consent a minor is looked at inside a task too; a child not even so.
    let by_consent = |turns_14| {
        let facts = aged(Some(turns_14), "household_contact");
        Put::ordinary().under("household_contact").of(facts).refused()
    };
    assert_eq!(by_consent(TODAY), Some(Code::CaseRequired));
    assert_eq!(by_consent(TODAY + 1), Some(Code::Denied));
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
        "grid,any,C2,registration,match,allow\ngrid,any,C2,registration,write,allow\n".into(),
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
    let put = Put::ordinary().of(facts()).record_type(RecordType::Household);
    assert_eq!(put.fields(&fields).given(), [("kind".to_owned(), View::Raw)]);
}
