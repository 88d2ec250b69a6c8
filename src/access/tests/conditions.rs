//! Requirements on time, area, line, purpose and state: every part of a right must hold.
//! Never two halves of two assignments.
//! Each case is the ordinary question with one thing changed.

use super::world::*;
use crate::access::{Access, Ask, Assignment, Code, RoleId};
use crate::ambient::Micros;
use crate::records::{Facts, RecordType, View};

fn raw(field: &str) -> (String, View) {
    (field.to_owned(), View::Raw)
}

#[test]
fn the_ordinary_question_is_granted_and_its_permit_says_by_what() {
    let permit = Put::ordinary().answer().expect("a permit");
    let account = permit.account();
    assert_eq!(account.role, Some(RoleId::new("grid_worker")));
    assert_eq!(account.scope.as_deref(), Some(OWN));
    assert_eq!(account.grid.as_deref(), Some(OWN));
    assert_eq!(account.assignment, Some([1; 16]));
    assert_eq!(account.purpose.as_deref(), Some("residence_registration"));
    assert_eq!(account.basis.as_deref(), Some("some_basis"));
    assert_eq!(account.rule.as_deref(), Some("grid_worker/4"));
    assert_eq!((account.records.len(), account.subjects.len()), (1, 1));
    assert_eq!(account.policy_index, 3);
    assert_eq!(permit.authority().policy, 7);
    assert_eq!(permit.authority().actor.map(|(_, version)| version), Some(4));
    assert_eq!(permit.area().map(ToString::to_string).as_deref(), Some(OWN));
}

#[test]
fn an_assignment_counts_from_its_first_moment_to_before_its_last() {
    let during = |from: i64, until: Option<i64>| {
        let mut assignment = placed("grid_worker", OWN);
        assignment.from = Micros(from);
        assignment.until = until.map(Micros);
        Put::ordinary().from(vec![assignment]).refused()
    };
    assert_eq!(during(NOW.0, None), None);
    assert_eq!(during(NOW.0 + 1, None), Some(Code::Denied));
    assert_eq!(during(0, Some(NOW.0 + 1)), None);
    assert_eq!(during(0, Some(NOW.0)), Some(Code::Denied));
    assert_eq!(during(0, Some(NOW.0 - 1)), Some(Code::Denied));
    assert_eq!(during(NOW.0, Some(NOW.0 + 1)), None);
    // One that is over and one that is not: the one that counts decides, with its own area.
    let mut over = placed("grid_worker", OWN);
    over.until = Some(NOW);
    let put = Put::ordinary().from(vec![over, placed("grid_worker", NEXT)]);
    assert_eq!(put.refused(), Some(Code::NotFound));
    assert!(put.at(NEXT_CELL).answer().is_ok());
}

#[test]
fn nobody_without_an_assignment_may_anything() {
    for ask in [Ask::Read, Ask::Create, Ask::Update, Ask::Delete, Ask::Match] {
        let put = Put::ordinary().from(Vec::new()).ask(ask);
        assert_eq!(put.refused(), Some(Code::Denied), "{ask:?}");
    }
}

#[test]
fn an_area_of_another_level_than_the_roles_carries_nothing() {
    for area in ["8801", "880102", "880102001", "880102001001", ""] {
        let put = Put::by("grid_worker", area);
        assert_ne!(put.refused(), None, "a grid worker over {area:?}");
    }
    assert_ne!(Put::by("street_operator", OWN).refused(), None);
    assert_ne!(Put::by("street_operator", "880102").refused(), None);
    assert_eq!(Put::by("street_operator", "880102001").refused(), None);
}

/// A policy under which the worker may see and write the name alone, and the head the telephone alone.
fn divided() -> Access {
    let mut files = Files::shipped();
    files.narrowing = "residence_registration,grid_worker,name,raw,write\n\
        residence_registration,grid_head,phone,raw,write\n"
        .to_owned();
    files.access()
}

fn both() -> Vec<Assignment> {
    numbered(vec![placed("grid_worker", OWN), placed("grid_head", OWN)]).to_vec()
}

#[test]
fn rights_of_two_assignments_never_add_up() {
    let access = divided();
    let put = Put::ordinary().with(&access).from(both()).fields(&["name", "phone"]);
    let permit = put.answer().expect("a permit");
    assert_eq!(permit.views().given.len(), 1);
    assert_eq!(permit.views().withheld, [("phone".to_owned(), Code::Denied)]);
    assert_eq!(permit.account().assignment, Some([1; 16]));
    // A write that needs both halves is refused whole.
    for ask in [Ask::Update, Ask::Create] {
        let put = Put::ordinary().with(&access).from(both()).fields(&["name", "phone"]).ask(ask);
        assert_eq!(put.refused(), Some(Code::Denied), "{ask:?}");
        for (field, assignment) in [("name", 1), ("phone", 2)] {
            let put = Put::ordinary().with(&access).from(both()).fields(&[field]).ask(ask);
            let permit = put.answer().expect("each half alone");
            assert_eq!(permit.account().assignment, Some([assignment; 16]));
        }
    }
}

#[test]
fn the_area_of_one_assignment_does_not_serve_the_role_of_another() {
    // Writing in the own grid needs a role that writes there, not one that writes elsewhere.
    let far_worker_near_operator =
        numbered(vec![placed("grid_worker", FAR), placed("street_operator", "880102001")]);
    let put = Put::ordinary().from(far_worker_near_operator.to_vec());
    assert_eq!(put.given(), [("name".to_owned(), View::Masked)]);
    // It knows of the record as an operator, so it is told that it may not change it.
    let put = put.ask(Ask::Update);
    assert_eq!(put.refused(), Some(Code::Denied));
    assert_eq!(put.ask(Ask::Create).refused(), Some(Code::OutOfTerritory));
}

#[test]
fn the_assignment_that_gives_most_carries_the_decision() {
    for order in [["street_operator", "grid_worker"], ["grid_worker", "street_operator"]] {
        let area = |role| if role == "grid_worker" { OWN } else { "880102001" };
        let placed = order.map(|role| placed(role, area(role)));
        let put = Put::ordinary().from(numbered(placed.to_vec()).to_vec());
        assert_eq!(put.given(), [raw("name")]);
        assert_eq!(
            put.answer().expect("a permit").account().role,
            Some(RoleId::new("grid_worker"))
        );
    }
}

#[test]
fn an_exclusive_unit_is_seen_by_its_host_grid_and_by_no_neighbour() {
    let school = |area: &str| Put::by("grid_head", area).at(SCHOOL_CELL).refused();
    assert_eq!(school(OWN), None);
    assert_eq!(school(SCHOOL), None);
    assert_eq!(school(NEXT), Some(Code::NotFound));
    assert_eq!(school(FAR), Some(Code::NotFound));
    // The unit does not see its host.
    assert_eq!(Put::by("grid_head", SCHOOL).refused(), Some(Code::NotFound));
}

#[test]
fn a_record_may_be_created_in_the_own_grid_alone() {
    let create = |cell| Put::ordinary().ask(Ask::Create).at(cell).refused();
    assert_eq!(create(OWN_CELL), None);
    assert_eq!(create(SCHOOL_CELL), None);
    assert_eq!(create(NEXT_CELL), Some(Code::OutOfTerritory));
    assert_eq!(create(crate::territory::CellId::NOWHERE), Some(Code::OutOfTerritory));
    // Who may create nothing anywhere is told so, and nothing of grids.
    let put = Put::by("street_operator", "880102001").ask(Ask::Create).at(FAR_CELL);
    assert_eq!(put.refused(), Some(Code::Denied));
}

#[test]
fn a_restricted_record_is_kept_and_nothing_else() {
    for ask in [Ask::Read, Ask::Update, Ask::Delete] {
        let facts = Facts { restricted: true, ..held_on(&["residence_registration"]) };
        let put = Put::by("grid_head", OWN).of(facts).ask(ask);
        assert_eq!(put.refused(), Some(Code::Restricted), "{ask:?}");
    }
}

#[test]
fn a_record_is_closed_from_the_first_day_after_its_time_and_may_then_only_be_removed() {
    let until = |day: i32, legal_hold: bool| Facts {
        retain_until: Some(day),
        legal_hold,
        ..held_on(&["residence_registration"])
    };
    let asked = |facts, ask| Put::by("grid_head", OWN).of(facts).ask(ask).refused();
    for ask in [Ask::Read, Ask::Update] {
        assert_eq!(asked(until(TODAY + 1, false), ask), None);
        assert_eq!(asked(until(TODAY, false), ask), Some(Code::Restricted));
        assert_eq!(asked(until(TODAY - 1, false), ask), Some(Code::Restricted));
        // What a law holds is still read.
        assert_eq!(asked(until(TODAY - 1, true), ask), None);
    }
    assert_eq!(asked(until(TODAY - 1, false), Ask::Delete), None);
}

#[test]
fn what_rests_on_consent_opens_only_records_that_were_given_for_it() {
    let contact = |facts| Put::ordinary().under("household_contact").of(facts).refused();
    assert_eq!(contact(held_on(&["household_contact"])), None);
    assert_eq!(contact(held_on(&["residence_registration"])), Some(Code::BasisMissing));
    assert_eq!(contact(held_on(&[])), Some(Code::BasisMissing));
    assert_eq!(contact(held_on(&["household_contact_2"])), Some(Code::BasisMissing));
    // A duty brings its own basis.
    assert_eq!(Put::ordinary().of(held_on(&["household_contact"])).refused(), None);
    // A record about nobody needs nobody's consent, but a right under the purpose all the same.
    let nobody = Facts { subject_handles: Vec::new(), ..held_on(&[]) };
    assert_eq!(contact(nobody), None);
}

#[test]
fn a_purpose_out_of_use_opens_nothing() {
    for ask in [Ask::Read, Ask::Create, Ask::Update, Ask::Delete, Ask::Match] {
        let mut put = Put::by("grid_head", OWN).ask(ask);
        put.purpose.active = false;
        assert_eq!(put.refused(), Some(Code::PurposeUnknown), "{ask:?}");
    }
}

#[test]
fn fields_are_known_and_listed_or_refused() {
    let denied = |fields: &[&str], ask| {
        let put = Put::ordinary().fields(fields).ask(ask);
        let matter = put.matter();
        let items = [crate::access::Item { matter, fields: &put.fields }];
        let denied = put
            .question(|question| ACCESS.decide(question, &items, Vec::new(), ()))
            .err()
            .expect("refused");
        (denied.why(), denied.fields().to_vec())
    };
    for ask in [Ask::Read, Ask::Update, Ask::Create] {
        let unknown = denied(&["name", "shoe_size", "Name"], ask);
        // A name that the schema does not have may itself be a value, and is not said back.
        assert_eq!(unknown, (Code::FieldUnknown, vec!["?".to_owned()]), "{ask:?}");
        let unlisted = denied(&["name", "income"], ask);
        assert_eq!(unlisted, (Code::PurposeNotForField, vec!["income".to_owned()]), "{ask:?}");
    }
}

#[test]
fn sensitive_fields_are_withheld_beside_what_is_given() {
    let put = Put::ordinary().fields(&["id_number", "name"]);
    let permit = put.answer().expect("the name");
    assert_eq!(put.given(), [raw("name")]);
    // Narrowed to match: not even a task opens the number under this purpose.
    assert_eq!(permit.views().withheld, [("id_number".to_owned(), Code::Denied)]);
    assert_eq!(Put::ordinary().fields(&["id_number"]).refused(), Some(Code::Denied));
}

#[test]
fn a_condition_that_can_be_met_is_said() {
    let facts = || held_on(&["minimum_allowance"]);
    let put = Put::ordinary().under("minimum_allowance").of(facts()).fields(&["name"]);
    assert_eq!(put.refused(), Some(Code::CaseRequired));
    let put = Put::ordinary().under("minimum_allowance").of(facts()).fields(&["income", "name"]);
    assert_eq!(put.refused(), Some(Code::CaseRequired));
    let put = Put::ordinary().under("minimum_allowance").of(facts()).fields(&["income"]);
    assert_eq!(put.refused(), Some(Code::Denied));
    // By approval, under a policy that knows it.
    let mut files = Files::shipped();
    files.add("grid_worker", "grid,person,C3,registration,read:raw/approval,allow");
    files.add("grid_worker", "grid,person,C3,registration,read:raw/task,deny");
    files.narrowing = "residence_registration,grid_worker,*,raw,\n".to_owned();
    let access = files.access();
    let put = Put::ordinary().with(&access).fields(&["id_number"]);
    assert_eq!(put.refused(), Some(Code::ApprovalRequired));
}

#[test]
fn a_write_that_names_no_field_takes_a_right_to_write_all_the_same() {
    // Under a purpose that lets the worker write, an empty patch may add a basis.
    assert_eq!(Put::ordinary().ask(Ask::Update).fields(&[]).refused(), None);
    // Under one that names the worker but lets it write nothing, it may not.
    for purpose in ["elder_visit", "agent_service", "minimum_allowance", "child_protection"] {
        for ask in [Ask::Update, Ask::Create] {
            let put = Put::ordinary().under(purpose).of(held_on(&[purpose])).ask(ask).fields(&[]);
            assert_eq!(put.refused(), Some(Code::Denied), "{purpose} {ask:?}");
        }
    }
    // Nor about a type that the purpose does not list.
    let put = Put::ordinary().record_type(RecordType::MediationFile).ask(Ask::Create).fields(&[]);
    assert_eq!(put.refused(), Some(Code::Denied));
}

#[test]
fn a_purpose_that_corrects_lets_nobody_store_a_record() {
    let put = || Put::ordinary().under("record_correction");
    assert_eq!(put().ask(Ask::Update).refused(), None);
    for fields in [&["name"][..], &[]] {
        let refused = put().ask(Ask::Create).fields(fields).refused();
        assert_eq!(refused, Some(Code::PurposeNotForField), "{fields:?}");
    }
}

#[test]
fn a_household_is_allowed_whole_or_not_at_all() {
    let put = Put::ordinary().ask(Ask::Create);
    let (own, next) = (held_on(&[]), held_on(&[]));
    let name = vec!["name".to_owned()];
    let income = vec!["income".to_owned()];
    let item = |cell, facts, fields| crate::access::Item {
        matter: crate::access::Matter::Present {
            record_type: RecordType::Person,
            cell,
            facts,
            versions: Some((0, 1)),
        },
        fields,
    };
    let decide = |items: &[crate::access::Item<'_>]| {
        put.question(|question| ACCESS.decide(question, items, Vec::new(), ()))
            .map_err(|denied| denied.why())
            .err()
    };
    assert_eq!(decide(&[item(OWN_CELL, &own, &name), item(OWN_CELL, &next, &name)]), None);
    let across = [item(OWN_CELL, &own, &name), item(NEXT_CELL, &next, &name)];
    assert_eq!(decide(&across), Some(Code::OutOfTerritory));
    let unlisted = [item(OWN_CELL, &own, &name), item(OWN_CELL, &next, &income)];
    assert_eq!(decide(&unlisted), Some(Code::PurposeNotForField));
    let erased = crate::access::Item { matter: crate::access::Matter::Missing, fields: &name };
    assert_eq!(decide(&[item(OWN_CELL, &own, &name), erased]), Some(Code::NotFound));
}
