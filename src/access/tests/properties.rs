//! Properties of decisions over random questions.
//! Never a fixed policy answer: what must hold holds whoever asks for whatever.
//! Random words come from the real vocabularies, so that most questions get past the first check.

use super::world::*;
use crate::access::{Ask, Assignment, Code, Item, Matter, RoleId};
use crate::ambient::Micros;
use crate::records::{Class, Facts, RecordType, View};
use crate::territory::CellId;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use std::collections::HashMap;

/// Every role of the policy, and a word that is none.
fn roles() -> Vec<String> {
    let mut words: Vec<String> = ACCESS.with_policy(|policy| {
        policy.roles().iter().map(|role| role.id.as_str().to_owned()).collect()
    });
    words.push("mayor".to_owned());
    words
}

const AREAS: [&str; 9] =
    ["", "8801", "880102", "880102001", "880102002", "880102001001", OWN, NEXT, SCHOOL];
const ASKS: [Ask; 5] = [Ask::Read, Ask::Create, Ask::Update, Ask::Delete, Ask::Match];

fn assignments() -> impl Strategy<Value = Vec<Assignment>> {
    let own = prop_oneof![
        4 => Just(("grid_worker".to_owned(), OWN)),
        2 => Just(("grid_head".to_owned(), OWN)),
        2 => Just(("street_operator".to_owned(), "880102001")),
        1 => Just(("community_cadre".to_owned(), "880102001001")),
        3 => (prop::sample::select(roles()), prop::sample::select(AREAS.to_vec())),
    ];
    let until =
        prop_oneof![5 => Just(None), 1 => Just(Some(NOW)), 1 => Just(Some(Micros(NOW.0 + 1)))];
    let one = (own, line(), until).prop_map(|((role, area), line, until)| Assignment {
        line,
        until,
        role: RoleId::new(&role),
        ..placed("grid_worker", area)
    });
    prop::collection::vec(one, 0..5).prop_map(|assignments| numbered(assignments).to_vec())
}

/// No line, one of two that purposes have, or a word that no purpose has.
fn line() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        6 => Just(None),
        1 => Just(Some("civil_affairs".to_owned())),
        1 => Just(Some("public_security".to_owned())),
        1 => Just(Some("stability".to_owned())),
    ]
}

fn facts() -> impl Strategy<Value = Facts> {
    let days = || {
        prop_oneof![
            6 => Just(None),
            1 => Just(Some(TODAY - 1)),
            1 => Just(Some(TODAY)),
            1 => Just(Some(TODAY + 1)),
        ]
    };
    let purposes: Vec<&'static str> = PURPOSES.iter().map(|one| one.id.as_str()).collect();
    let rarely = || prop::bool::weighted(0.1);
    let held = prop::collection::vec(prop::sample::select(purposes), 0..4);
    (days(), days(), rarely(), rarely(), line(), held, any::<bool>()).prop_map(
        |(turns_14, retain_until, restricted, legal_hold, line, held, about_nobody)| {
            let mut facts = held_on(&held);
            facts.turns_14 = turns_14;
            facts.turns_18 = turns_14.map(|day| day + 1_461);
            facts.retain_until = retain_until;
            facts.restricted = restricted;
            facts.legal_hold = legal_hold;
            facts.line = line;
            if about_nobody {
                facts.subject_handles.clear();
            }
            facts
        },
    )
}

fn questions() -> impl Strategy<Value = Put<'static>> {
    let purposes: Vec<&'static str> = PURPOSES.iter().map(|one| one.id.as_str()).collect();
    let purposes = prop_oneof![
        3 => Just("residence_registration"),
        1 => Just("household_contact"),
        2 => prop::sample::select(purposes)
    ];
    let types = prop_oneof![
        2 => Just(RecordType::Person),
        1 => prop::sample::select(RecordType::ALL.to_vec())
    ];
    let cells = [OWN_CELL, OWN_CELL, OWN_CELL, NEXT_CELL, SCHOOL_CELL, FAR_CELL, CellId::NOWHERE];
    let places = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    (
        (assignments(), purposes, types, prop::sample::select(cells.to_vec())),
        (facts(), prop::sample::select(ASKS.to_vec()), places, prop::bool::weighted(0.05)),
    )
        .prop_map(|((assignments, purpose, record_type, cell), (facts, ask, places, odd))| {
            // Mostly fields that the purpose lists: the others end at the second check.
            let listed = PURPOSES.get(purpose).expect("a purpose").fields.get(&record_type);
            let all: Vec<String> = listed.into_iter().flatten().cloned().collect();
            let mut fields: Vec<String> = if all.is_empty() {
                vec!["name".to_owned()]
            } else {
                places.iter().map(|place| all[place.index(all.len())].clone()).collect()
            };
            // A match is about one field, and most fields cannot be matched.
            if ask == Ask::Match {
                let number = places.len() % 2 == 0;
                fields = vec![if number { "id_number" } else { "phone" }.to_owned()];
            }
            if odd {
                fields.push("shoe_size".to_owned());
            }
            let mut put = Put::ordinary().under(purpose).record_type(record_type).at(cell);
            put.fields = fields;
            put.of(facts).ask(ask).from(assignments)
        })
}

/// What was decided, as text that can be compared.
fn decided(put: &Put<'_>) -> String {
    let items = [Item { matter: put.matter(), fields: &put.fields }];
    let decided = put.question(|question| put.access.decide(question, &items, Vec::new(), ()));
    match decided {
        Ok(permit) => {
            let account = permit.account();
            format!("yes {:?} {:?} {:?}", permit.views(), account.rule, account.assignment)
        }
        Err(denied) => {
            let account = denied.account();
            format!("no {:?} {:?} {:?}", denied.why(), account.rule, account.assignment)
        }
    }
}

fn explained(put: &Put<'_>) -> String {
    let items = [Item { matter: put.matter(), fields: &put.fields }];
    let explained = put.question(|question| put.access.explain(question, &items));
    let account = &explained.account;
    match explained.refused {
        None => format!("yes {:?} {:?} {:?}", explained.views, account.rule, account.assignment),
        Some(why) => format!("no {why:?} {:?} {:?}", account.rule, account.assignment),
    }
}

#[test]
fn the_random_questions_get_past_the_first_checks() {
    let mut runner = TestRunner::deterministic();
    let mut told = HashMap::<String, usize>::new();
    for _ in 0..2_000 {
        let put = questions().new_tree(&mut runner).expect("a question").current();
        let said = put.refused().map_or("yes", Code::as_str);
        *told.entry(format!("{:?} {said}", put.ask)).or_default() += 1;
    }
    for ask in ASKS {
        let yes = told.get(&format!("{ask:?} yes")).copied().unwrap_or_default();
        assert!(yes > 20, "{ask:?} is granted {yes} times in {told:?}");
    }
    assert!(told.len() > 20, "{told:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_explained_is_what_is_decided(put in questions()) {
        prop_assert_eq!(explained(&put), decided(&put));
    }

    #[test]
    fn the_same_question_gets_the_same_answer(put in questions()) {
        prop_assert_eq!(decided(&put), decided(&put));
    }

    #[test]
    fn a_decision_of_several_assignments_is_the_decision_of_one_of_them(put in questions()) {
        let whole = decided(&put);
        if whole.starts_with("yes") {
            let one = put.standing.assignments.iter().any(|assignment| {
                let alone = standing(vec![assignment.clone()]);
                let mut only = Put::ordinary().of(Facts { bases: Vec::new(), ..Facts::of_nobody() });
                only.standing = alone;
                only.purpose = put.purpose.clone();
                (only.ask, only.record_type, only.cell) = (put.ask, put.record_type, put.cell);
                only.fields.clone_from(&put.fields);
                only.facts = Facts::decode(&put.facts.encode()).expect("facts come back");
                decided(&only) == whole
            });
            prop_assert!(one, "{whole}");
        }
    }

    #[test]
    fn an_assignment_more_never_takes_a_right_away(put in questions(), more in assignments()) {
        let before = put.answer();
        let mut all = put.standing.assignments.to_vec();
        all.extend(more);
        let given = |answer: &Answer| answer.as_ref().map(|permit| permit.views().given.len()).ok();
        let after = put.from(all).answer();
        prop_assert!(given(&before) <= given(&after));
    }

    #[test]
    fn what_is_given_was_asked_for_listed_covered_and_open(put in questions()) {
        let Ok(permit) = put.answer() else { return Ok(()) };
        let views = permit.views();
        if put.ask == Ask::Read {
            // Every field that was asked for is given or withheld, in the caller's order.
            prop_assert!(!views.given.is_empty());
            prop_assert_eq!(views.given.len() + views.withheld.len(), put.fields.len());
            prop_assert!(!put.facts.restricted);
            prop_assert!(put.facts.legal_hold || !put.facts.is_expired(TODAY));
        } else {
            prop_assert!(views.given.is_empty());
        }
        for field in &put.fields {
            prop_assert!(put.purpose.lists(put.record_type, field));
        }
        for given in &views.given {
            prop_assert!(put.fields.contains(&given.field));
            prop_assert!(matches!(given.view, View::Raw | View::Masked));
        }
        if put.ask != Ask::Match {
            let area = permit.area().expect("a business role has an area");
            prop_assert!(TERRITORY.covers(area, put.cell, NOW.0));
        }
        let carried = put.standing.assignments.iter().find(|one| Some(one.id) == permit.account().assignment);
        let carried = carried.expect("one of the caller's");
        prop_assert!(carried.counts_at(NOW));
        // What a line carries is of its purposes, and of records that no other line holds.
        if let Some(line) = &carried.line {
            prop_assert!(put.purpose.is_of_line(line));
            prop_assert!(put.ask == Ask::Match || put.facts.line.as_ref().is_none_or(|held| held == line));
        }
        // Nothing personal of a minor is in clear outside of a task.
        let schema = SCHEMAS.get(put.record_type).expect("a type with a schema");
        for given in views.given.iter().filter(|given| given.view == View::Raw) {
            let class = schema.field(&given.field).expect("a field").class;
            prop_assert!(class < Class::C2 || !put.facts.is_minor(TODAY), "{}", given.field);
        }
    }

    #[test]
    fn a_foreign_record_and_a_missing_one_answer_alike(put in questions()) {
        let mut put = put;
        put.cell = CellId::NOWHERE;
        if matches!(put.ask, Ask::Read | Ask::Update | Ask::Delete) {
            let missing = put.about(Matter::Missing).err();
            prop_assert_eq!(put.refused(), missing);
            prop_assert!(matches!(missing, Some(Code::NotFound | Code::Denied)));
        }
    }
}
