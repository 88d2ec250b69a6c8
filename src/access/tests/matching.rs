//! Requirements on the match: it finds only what the caller may match, and says nothing of the rest.
//! Never across two assignments, never a restricted, ended or differently held record.
//! Who may be matched is named in the account, and nobody else.

use super::world::*;
use crate::access::{Account, Ask, Assignment, Code, Item, Matter};
use crate::records::{Facts, Handle, RecordType};
use crate::territory::CellId;

fn numbered_facts(number: u8, purposes: &[&str]) -> Facts {
    Facts {
        record_handle: Handle::from_bytes([number; 16]),
        subject_handles: vec![([number; 16], Handle::from_bytes([number + 100; 16]))],
        ..held_on(purposes)
    }
}

/// Matches a field against candidates.
fn matched(put: &Put<'_>, candidates: &[(CellId, Facts)]) -> Result<Account, Code> {
    let nobody = Facts::of_nobody();
    let matter = |cell, facts| Matter::Present {
        record_type: RecordType::Person,
        cell,
        facts,
        versions: None,
    };
    let mut items = vec![Item { matter: matter(CellId::NOWHERE, &nobody), fields: &put.fields }];
    items.extend(
        candidates.iter().map(|(cell, facts)| Item { matter: matter(*cell, facts), fields: &[] }),
    );
    put.question(|question| put.access.decide(question, &items, Vec::new(), ()))
        .map(|permit| permit.account().clone())
        .map_err(|denied| denied.why())
}

fn ids(put: &Put<'_>, candidates: &[(CellId, Facts)]) -> Vec<u8> {
    let account = matched(put, candidates).expect("a match");
    let subjects: Vec<u8> =
        account.subjects.iter().map(|handle| handle.as_bytes()[0] - 100).collect();
    let records: Vec<u8> = account.records.iter().map(|handle| handle.as_bytes()[0]).collect();
    assert_eq!(subjects, records);
    records
}

const HELD: &[&str] = &["residence_registration"];

fn by_number() -> Put<'static> {
    Put::ordinary().ask(Ask::Match).fields(&["id_number"])
}

#[test]
fn a_match_finds_what_lies_in_the_own_area_and_says_nothing_of_the_rest() {
    let candidates = [
        (OWN_CELL, numbered_facts(1, HELD)),
        (NEXT_CELL, numbered_facts(2, HELD)),
        (SCHOOL_CELL, numbered_facts(3, HELD)),
        (FAR_CELL, numbered_facts(4, HELD)),
        (CellId::NOWHERE, numbered_facts(5, HELD)),
    ];
    assert_eq!(ids(&by_number(), &candidates), [1, 3]);
    // What is held elsewhere alone looks like what is held nowhere.
    let elsewhere = matched(&by_number(), &candidates[1..2]).expect("a match");
    let nowhere = matched(&by_number(), &[]).expect("a match");
    assert_eq!(format!("{elsewhere:?}"), format!("{nowhere:?}"));
}

#[test]
fn restricted_and_ended_records_are_not_matched() {
    let candidates = [
        (OWN_CELL, Facts { restricted: true, ..numbered_facts(1, HELD) }),
        (OWN_CELL, Facts { retain_until: Some(TODAY), ..numbered_facts(2, HELD) }),
        (OWN_CELL, Facts { retain_until: Some(TODAY + 1), ..numbered_facts(3, HELD) }),
        (
            OWN_CELL,
            Facts { retain_until: Some(TODAY), legal_hold: true, ..numbered_facts(4, HELD) },
        ),
    ];
    assert_eq!(ids(&by_number(), &candidates), [3, 4]);
}

#[test]
fn by_consent_only_what_was_given_for_it_is_matched() {
    let by_phone = |purpose| Put::ordinary().under(purpose).ask(Ask::Match).fields(&["phone"]);
    let candidates = [
        (OWN_CELL, numbered_facts(1, HELD)),
        (OWN_CELL, numbered_facts(2, &["household_contact"])),
    ];
    assert_eq!(ids(&by_phone("household_contact"), &candidates), [2]);
    assert_eq!(ids(&by_phone("residence_registration"), &candidates), [1, 2]);
}

#[test]
fn a_childs_telephone_is_matched_only_where_sensitive_fields_are() {
    let child = |number, purpose| {
        (OWN_CELL, Facts { turns_14: Some(TODAY + 1), ..numbered_facts(number, &[purpose]) })
    };
    let put = |purpose| Put::ordinary().under(purpose).ask(Ask::Match).fields(&["phone"]);
    assert!(ids(&put("household_contact"), &[child(1, "household_contact")]).is_empty());
    let registered = [child(1, "residence_registration")];
    assert_eq!(ids(&put("residence_registration"), &registered), [1]);
}

#[test]
fn one_assignment_carries_a_match_and_it_is_the_one_that_finds() {
    let two_grids = numbered(vec![placed("grid_worker", OWN), placed("grid_worker", NEXT)]);
    let put = by_number().from(two_grids.to_vec());
    let in_both = [(OWN_CELL, numbered_facts(1, HELD)), (NEXT_CELL, numbered_facts(2, HELD))];
    assert_eq!(ids(&put, &in_both), [1]);
    let in_second = &in_both[1..];
    assert_eq!(ids(&put, in_second), [2]);
    let account = matched(&put, in_second).expect("a match");
    assert_eq!(account.assignment, Some([2; 16]));
}

#[test]
fn an_assignment_of_a_line_matches_under_its_purposes_and_not_what_another_line_holds() {
    let bound = |line: &str| {
        by_number().from(vec![Assignment { line: Some(line.into()), ..placed("grid_worker", OWN) }])
    };
    let of_line = |number, line: Option<&str>| {
        (OWN_CELL, Facts { line: line.map(str::to_owned), ..numbered_facts(number, HELD) })
    };
    let candidates =
        [of_line(1, None), of_line(2, Some("public_security")), of_line(3, Some("civil_affairs"))];
    assert_eq!(ids(&bound("public_security"), &candidates), [1, 2]);
    // Registration is no purpose of civil affairs.
    assert_eq!(matched(&bound("civil_affairs"), &candidates).err(), Some(Code::Denied));
    assert_eq!(ids(&by_number(), &candidates), [1, 2, 3]);
}

#[test]
fn only_fields_with_a_match_group_are_matched_and_only_under_their_purpose() {
    let why = |put: Put<'_>| matched(&put, &[]).err();
    assert_eq!(why(by_number()), None);
    assert_eq!(why(by_number().fields(&["name"])), Some(Code::Denied));
    assert_eq!(why(by_number().fields(&["birth_date"])), Some(Code::Denied));
    assert_eq!(why(by_number().fields(&["shoe_size"])), Some(Code::FieldUnknown));
    let put = by_number().under("household_contact");
    assert_eq!(why(put), Some(Code::PurposeNotForField));
    // Raw inside a task does not let match outside of one.
    let put = by_number().under("emergency_evacuation").fields(&["phone"]);
    assert_eq!(why(put), Some(Code::Denied));
    // Masked is more than a match.
    let put = Put::by("street_operator", "880102001").ask(Ask::Match).fields(&["phone"]);
    assert_eq!(why(put), None);
    let put = Put::by("street_operator", "880102001").ask(Ask::Match).fields(&["id_number"]);
    assert_eq!(why(put), Some(Code::Denied));
}

#[test]
fn a_match_without_a_field_is_refused() {
    let candidates = [(OWN_CELL, numbered_facts(1, HELD))];
    for role in ["grid_worker", "community_cadre"] {
        let area = if role == "grid_worker" { OWN } else { "880102001001" };
        let put = Put::by(role, area).ask(Ask::Match).fields(&[]);
        assert_eq!(matched(&put, &candidates).err(), Some(Code::FieldUnknown), "{role}");
    }
}

#[test]
fn a_match_gives_no_view() {
    let nobody = Facts::of_nobody();
    let put = by_number().of(nobody);
    let permit = put.answer().expect("a permit");
    assert!(permit.views().given.is_empty() && permit.views().withheld.is_empty());
}
