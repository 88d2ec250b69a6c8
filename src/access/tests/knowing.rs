//! Requirements on who may know: whoever may not hears `not_found`, whatever else is wrong.
//! Never another code, and never another account, than for an id that does not exist.
//! Only then come the codes that tell something.

use super::world::*;
use crate::access::{Ask, Code, Item, Matter};
use crate::records::{Facts, RecordType};

/// Everything that could be said of a record, had the caller a right to hear it.
fn troubled() -> Vec<(&'static str, Facts, Vec<&'static str>)> {
    let held = || held_on(&["residence_registration"]);
    vec![
        ("nothing wrong", held(), vec!["name"]),
        ("unknown field", held(), vec!["shoe_size"]),
        ("unlisted field", held(), vec!["income"]),
        ("no field", held(), vec![]),
        ("restricted", Facts { restricted: true, ..held() }, vec!["name"]),
        ("expired", Facts { retain_until: Some(0), ..held() }, vec!["name"]),
        ("on hold", Facts { legal_hold: true, ..held() }, vec!["name"]),
        ("a child", Facts { turns_14: Some(TODAY + 900), ..held() }, vec!["name"]),
        ("no basis", held_on(&[]), vec!["name"]),
        ("another line", Facts { line: Some("civil_affairs".into()), ..held() }, vec!["name"]),
        ("sensitive", held(), vec!["id_number"]),
    ]
}

/// Code and account of a refusal, as text.
fn refusal(put: &Put<'_>, matter: Matter<'_>) -> (Code, String) {
    let items = [Item { matter, fields: &put.fields }];
    let denied = put
        .question(|question| put.access.decide(question, &items, Vec::new(), ()))
        .err()
        .expect("refused");
    (denied.why(), format!("{:?} {:?}", denied.account(), denied.fields()))
}

#[test]
fn who_may_not_know_hears_the_same_as_for_what_does_not_exist() {
    for purpose in ["residence_registration", "household_contact"] {
        for ask in [Ask::Read, Ask::Update, Ask::Delete] {
            for (what, facts, fields) in troubled() {
                let foreign = Put::by("grid_head", OWN)
                    .under(purpose)
                    .at(NEXT_CELL)
                    .ask(ask)
                    .of(facts)
                    .fields(&fields);
                let missing = refusal(&foreign, Matter::Missing);
                assert_eq!(missing.0, Code::NotFound);
                assert_eq!(refusal(&foreign, foreign.matter()), missing, "{what} {ask:?}");
                let line = Some("civil_affairs");
                for line in [None, line] {
                    let record_type = RecordType::Person;
                    let erased =
                        Matter::Erased { record_type, cell: NEXT_CELL, line, protected: false };
                    assert_eq!(refusal(&foreign, erased), missing, "erased, {what} {ask:?}");
                }
            }
        }
    }
}

#[test]
fn who_may_know_hears_what_is_wrong() {
    let why = |facts, fields: &[&str]| Put::ordinary().of(facts).fields(fields).refused();
    let codes: Vec<Option<Code>> =
        troubled().into_iter().map(|(_, facts, fields)| why(facts, &fields)).collect();
    let expected = [
        None,
        Some(Code::FieldUnknown),
        Some(Code::PurposeNotForField),
        Some(Code::Denied),
        Some(Code::Restricted),
        Some(Code::Restricted),
        None,
        Some(Code::CaseRequired),
        None,
        None,
        Some(Code::Denied),
    ];
    assert_eq!(codes, expected);
}

#[test]
fn erased_is_said_to_whoever_may_know_and_to_nobody_else() {
    let erased = |cell, line| Matter::Erased {
        record_type: RecordType::Person,
        cell,
        line,
        protected: false,
    };
    let put = Put::ordinary();
    assert_eq!(put.about(erased(OWN_CELL, None)).err(), Some(Code::Erased));
    assert_eq!(put.about(erased(SCHOOL_CELL, None)).err(), Some(Code::Erased));
    assert_eq!(put.about(erased(NEXT_CELL, None)).err(), Some(Code::NotFound));
    // Whatever is asked for, it is gone.
    let put = Put::ordinary().fields(&["shoe_size"]);
    assert_eq!(put.about(erased(OWN_CELL, None)).err(), Some(Code::Erased));
}

#[test]
fn a_role_that_may_not_use_the_call_is_told_so_whatever_exists() {
    for matter in [
        Matter::Missing,
        Matter::Erased {
            record_type: RecordType::Person,
            cell: OWN_CELL,
            line: None,
            protected: false,
        },
    ] {
        let put = Put::ordinary().ask(Ask::Delete);
        assert_eq!(put.about(matter).err(), Some(Code::Denied));
    }
    assert_eq!(Put::ordinary().ask(Ask::Delete).refused(), Some(Code::Denied));
    assert_eq!(Put::ordinary().ask(Ask::Delete).at(NEXT_CELL).refused(), Some(Code::Denied));
}

#[test]
fn a_role_knows_of_types_that_some_purpose_opens_to_it_and_of_no_other() {
    let mut files = Files::shipped();
    files.lines.insert("grid_worker".into(), "grid,person,C2,registration,match,allow\n".into());
    let access = files.access();
    let standing = standing(vec![placed("grid_worker", OWN)]);
    for record_type in RecordType::ALL {
        let knows = access.may_know(&standing, record_type, OWN_CELL, None, false, &TERRITORY, NOW);
        assert_eq!(knows, record_type == RecordType::Person, "{record_type}");
        assert!(!access.may_know(&standing, record_type, NEXT_CELL, None, false, &TERRITORY, NOW));
    }
    // To count or to write is not to know.
    files.lines.insert(
        "grid_worker".into(),
        "grid,person,C2,registration,count,allow\ngrid,person,C2,registration,write,allow\n".into(),
    );
    let access = files.access();
    assert!(!access.may_know(
        &standing,
        RecordType::Person,
        OWN_CELL,
        None,
        false,
        &TERRITORY,
        NOW
    ));
    let put = Put::ordinary().with(&access).ask(Ask::Update);
    assert_eq!(put.refused(), Some(Code::NotFound));
}
