//! Requirements on the removal: it takes the right over everything that goes with the record.
//! Never by a purpose that has nothing to do with the record, and never what a law holds.
//! The shipped policy lets the grid head remove what was collected in error.

use super::world::*;
use crate::access::{Ask, Code, Matter};
use crate::records::{Facts, RecordType};

fn removes(purpose: &str, record_type: RecordType) -> Option<Code> {
    Put::by("grid_head", OWN)
        .under(purpose)
        .of(held_on(&[purpose]))
        .record_type(record_type)
        .fields(&[])
        .ask(Ask::Delete)
        .refused()
}

#[test]
fn the_head_removes_within_its_purposes() {
    assert_eq!(removes("residence_registration", RecordType::Person), None);
    assert_eq!(removes("residence_registration", RecordType::Household), None);
    assert_eq!(removes("household_contact", RecordType::Person), None);
    assert_eq!(removes("safety_inspection", RecordType::Event), None);
    assert_eq!(removes("record_correction", RecordType::Place), None);
}

#[test]
fn a_purpose_that_does_not_list_the_type_removes_nothing_of_it() {
    // Of a mediation file the head does not even know.
    for purpose in ["residence_registration", "household_contact", "safety_inspection"] {
        assert_eq!(removes(purpose, RecordType::MediationFile), Some(Code::NotFound), "{purpose}");
    }
    assert_eq!(removes("household_contact", RecordType::Event), Some(Code::Denied));
    assert_eq!(removes("safety_inspection", RecordType::Person), Some(Code::Denied));
}

#[test]
fn a_purpose_that_lets_nothing_be_written_lets_nothing_be_removed() {
    for purpose in ["emergency_evacuation", "minimum_allowance", "rights_request", "agent_service"]
    {
        assert_eq!(removes(purpose, RecordType::Person), Some(Code::Denied), "{purpose}");
    }
    let mut files = Files::shipped();
    files.narrowing = "residence_registration,grid_head,*,raw,\n".to_owned();
    let access = files.access();
    let put = Put::by("grid_head", OWN).ask(Ask::Delete).fields(&[]).with(&access);
    assert_eq!(put.refused(), Some(Code::Denied));
}

#[test]
fn a_removal_takes_the_right_over_every_class_of_the_type() {
    for denied in ["C1", "C2", "C3"] {
        let mut files = Files::shipped();
        files.add("grid_head", &format!("grid,person,{denied},registration,delete,deny"));
        let put = Put::by("grid_head", OWN).ask(Ask::Delete).fields(&[]);
        let access = files.access();
        let refused = put.with(&access).refused();
        // A person has no field about nobody.
        assert_eq!(refused, (denied != "C1").then_some(Code::Denied), "{denied}");
    }
}

#[test]
fn a_childs_record_is_removed_only_with_the_right_over_sensitive_fields() {
    let mut files = Files::shipped();
    files.add("grid_head", "grid,residence,C3,registration,delete,deny");
    let access = files.access();
    let refused = |turns_14| {
        let facts = Facts { turns_14: Some(turns_14), ..held_on(&["residence_registration"]) };
        let put = Put::by("grid_head", OWN).ask(Ask::Delete).fields(&[]).of(facts);
        put.record_type(RecordType::Residence).with(&access).refused()
    };
    assert_eq!(refused(TODAY), None);
    assert_eq!(refused(TODAY + 1), Some(Code::Denied));
}

#[test]
fn what_a_law_holds_is_not_removed() {
    for retain_until in [None, Some(TODAY - 1)] {
        let facts =
            Facts { legal_hold: true, retain_until, ..held_on(&["residence_registration"]) };
        let put = Put::by("grid_head", OWN).of(facts).ask(Ask::Delete).fields(&[]);
        assert_eq!(put.refused(), Some(Code::Restricted));
    }
}

#[test]
fn nothing_is_removed_twice() {
    let put = Put::by("grid_head", OWN).ask(Ask::Delete).fields(&[]);
    let erased = Matter::Erased {
        record_type: RecordType::Person,
        cell: OWN_CELL,
        line: None,
        protected: false,
    };
    assert_eq!(put.about(erased).err(), Some(Code::Erased));
    assert_eq!(put.about(Matter::Missing).err(), Some(Code::NotFound));
}
