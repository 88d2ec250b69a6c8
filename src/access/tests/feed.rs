//! Requirements on the change feed: what is held for the purpose, where the caller works, and nothing else.
//! Never a restricted, ended or protected record, and never what a purpose has nothing to do with.
//! What was removed is told by type, cell and line alone.

use super::world::*;
use crate::access::{Account, Ask, Assignment, Changed, ChangedState, Code, Matter, Permit};
use crate::records::{Facts, Handle, RecordType};
use crate::territory::CellId;

const HELD: &[&str] = &["residence_registration"];

fn numbered_facts(number: u8, purposes: &[&str]) -> Facts {
    Facts { record_handle: Handle::from_bytes([number; 16]), ..held_on(purposes) }
}

fn held(number: u8, cell: CellId, facts: Facts) -> Changed<u8> {
    let record_type = RecordType::Person;
    Changed { record_type, cell, state: ChangedState::Held(facts), target: number }
}

fn told_by(
    put: &Put<'_>,
    reach: usize,
    changed: Vec<Changed<u8>>,
) -> Result<(Vec<u8>, Account), Code> {
    put.question(|question| {
        let plan = put.access.plan_feed(question).map_err(|denied| denied.why())?;
        let permit: Permit<Vec<u8>> = plan.permit(reach, changed);
        let account = permit.account().clone();
        Ok((permit.into_target(), account))
    })
}

fn feed() -> Put<'static> {
    Put::ordinary().ask(Ask::Changes)
}

#[test]
fn what_is_held_for_the_purpose_in_the_own_area_is_told() {
    let changed = vec![
        held(1, OWN_CELL, numbered_facts(1, HELD)),
        held(2, OWN_CELL, numbered_facts(2, &["household_contact"])),
        held(3, OWN_CELL, Facts { restricted: true, ..numbered_facts(3, HELD) }),
        held(4, OWN_CELL, Facts { retain_until: Some(TODAY), ..numbered_facts(4, HELD) }),
        held(5, OWN_CELL, Facts { protected_address: true, ..numbered_facts(5, HELD) }),
        held(6, OWN_CELL, Facts { turns_14: Some(TODAY + 1), ..numbered_facts(6, HELD) }),
        held(7, NEXT_CELL, numbered_facts(7, HELD)),
        held(8, SCHOOL_CELL, numbered_facts(8, HELD)),
        held(9, CellId::NOWHERE, numbered_facts(9, HELD)),
    ];
    let (told, account) = told_by(&feed(), 0, changed).expect("a page");
    // A child's record is named: the worker collects it, and no value of it leaves.
    assert_eq!(told, [1, 6, 8]);
    let handles: Vec<u8> = account.records.iter().map(|handle| handle.as_bytes()[0]).collect();
    assert_eq!((handles, account.unnamed_records_count), (vec![1, 6, 8], 0));
    assert!(account.fields.is_empty() && account.subjects.is_empty());
    assert_eq!(account.rule.as_deref(), Some("grid_worker/changes"));
}

#[test]
fn what_was_removed_is_told_by_type_cell_and_line() {
    let gone = |number, record_type, cell, line: Option<&str>| Changed {
        record_type,
        cell,
        state: ChangedState::Removed { line: line.map(str::to_owned), protected: false },
        target: number,
    };
    let all = || {
        vec![
            gone(1, RecordType::Person, OWN_CELL, None),
            gone(2, RecordType::Person, NEXT_CELL, None),
            // No object is held for registration.
            gone(3, RecordType::Object, OWN_CELL, None),
            gone(4, RecordType::Person, OWN_CELL, Some("civil_affairs")),
        ]
    };
    let (told, account) = told_by(&feed(), 0, all()).expect("a page");
    assert_eq!((told, account.unnamed_records_count), (vec![1, 4], 2));
    // A line has its own and what is of none, under its own purposes.
    let bound = |line: &str| Assignment { line: Some(line.into()), ..placed("grid_worker", OWN) };
    let told = |line| told_by(&feed().from(vec![bound(line)]), 0, all()).map(|(told, _)| told);
    assert_eq!(told("public_security"), Ok(vec![1]));
    assert_eq!(told("civil_affairs"), Err(Code::Denied));
}

#[test]
fn the_removal_of_whoever_was_protected_is_told_to_those_who_knew_of_it_alone() {
    let gone = || {
        let state = ChangedState::Removed { line: None, protected: true };
        vec![Changed { record_type: RecordType::Person, cell: OWN_CELL, state, target: 1 }]
    };
    let told = |put: &Put<'_>| told_by(put, 0, gone()).map(|(told, _)| told);
    assert_eq!(told(&feed()), Ok(Vec::new()));
    let street = Put::by("street_operator", "880102001").under(HELD[0]).ask(Ask::Changes);
    assert_eq!(told(&street), Ok(vec![1]));
    // A look at it is like one at nothing, too.
    let erased = |put: Put<'static>| {
        let (record_type, line) = (RecordType::Person, None);
        put.about(Matter::Erased { record_type, cell: OWN_CELL, line, protected: true }).err()
    };
    assert_eq!(erased(Put::ordinary()), Some(Code::NotFound));
    assert_eq!(erased(Put::by("street_operator", "880102001")), Some(Code::Erased));
}

#[test]
fn who_is_held_for_a_programme_is_told_to_nobody_who_sees_it_in_a_task_alone() {
    let told = |put: Put<'static>, purpose: &str| {
        let put = put.under(purpose).ask(Ask::Changes);
        told_by(&put, 0, vec![held(1, OWN_CELL, numbered_facts(1, &[purpose]))])
            .map(|(told, _)| told)
    };
    // The worker visits by a task, the head and the cadre of the counter are not named or write alone.
    for purpose in ["minimum_allowance", "child_protection", "disability_transport"] {
        for (role, area) in
            [("grid_worker", OWN), ("grid_head", OWN), ("community_cadre", "880102001001")]
        {
            assert_eq!(told(Put::by(role, area), purpose), Err(Code::Denied), "{role} {purpose}");
        }
    }
    assert_eq!(told(Put::by("street_operator", "880102001"), HELD[0]), Ok(vec![1]));
}

#[test]
fn who_has_to_do_with_no_type_of_the_purpose_has_no_feed() {
    let why = |put: Put<'_>| told_by(&put, 0, Vec::new()).err();
    assert_eq!(why(feed()), None);
    assert_eq!(why(feed().from(Vec::new())), Some(Code::Denied));
    assert_eq!(why(Put::by("city_platform", "8801").ask(Ask::Changes)), Some(Code::Denied));
    for role in ["compliance_auditor", "system_admin", "security_admin", "audit_admin"] {
        assert_eq!(why(Put::by(role, "").ask(Ask::Changes)), Some(Code::Denied), "{role}");
    }
    assert_eq!(why(feed().under("access_oversight")), Some(Code::Denied));
    let mut idle = feed();
    idle.purpose.active = false;
    assert_eq!(why(idle), Some(Code::PurposeUnknown));
}

#[test]
fn one_assignment_carries_a_page_of_the_feed() {
    let two = numbered(vec![placed("grid_worker", OWN), placed("grid_worker", NEXT)]);
    let put = feed().from(two.to_vec());
    let both = || {
        vec![
            held(1, OWN_CELL, numbered_facts(1, HELD)),
            held(2, NEXT_CELL, numbered_facts(2, HELD)),
        ]
    };
    for (reach, number) in [(0, 1), (1, 2)] {
        let (told, account) = told_by(&put, reach, both()).expect("a page");
        assert_eq!((told, account.assignment), (vec![number], Some([number; 16])));
    }
    assert!(told_by(&put, 2, both()).expect("a page").0.is_empty());
}
