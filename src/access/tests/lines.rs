//! Requirements on lines of business: an assignment bound to one acts under its purposes, over its records.
//! Never wider than the same assignment without a line.
//! A record of no line is everybody's in the area; a role that needs a line has nothing without one.

use super::world::*;
use crate::access::{Ask, Assignment, Code, Matter, Standing};
use crate::ambient::Micros;
use crate::records::{Facts, RecordType};

const COUNTY: &str = "880102";
const STREET: &str = "880102001";

fn bound(role: &str, area: &str, line: &str) -> Assignment {
    Assignment { line: Some(line.to_owned()), ..placed(role, area) }
}

/// A record that a line holds, or none.
fn of_line(line: Option<&str>, purpose: &str) -> Facts {
    Facts { line: line.map(str::to_owned), ..held_on(&[purpose]) }
}

fn put(own: &str, purpose: &str, held: Option<&str>) -> Put<'static> {
    let put = Put::ordinary().from(vec![bound("grid_worker", OWN, own)]);
    put.under(purpose).of(of_line(held, purpose))
}

#[test]
fn an_assignment_of_a_line_acts_under_the_purposes_of_its_line_alone() {
    for ask in [Ask::Read, Ask::Update, Ask::Create] {
        let asked = |line| put(line, "residence_registration", None).ask(ask).refused();
        assert_eq!(asked("public_security"), None, "{ask:?}");
        // It knows of people by its own purposes, so it hears that this one is not its.
        assert_eq!(asked("civil_affairs"), Some(Code::Denied), "{ask:?}");
    }
    // A line under which the role knows nobody.
    let justice = put("justice", "residence_registration", None);
    assert_eq!(justice.refused(), Some(Code::NotFound));
    assert_eq!(justice.ask(Ask::Create).refused(), Some(Code::Denied));
    // A word that is nearly a line is none.
    for line in ["public_security ", "PUBLIC_SECURITY", "", "any"] {
        assert_eq!(put(line, "residence_registration", None).refused(), Some(Code::NotFound));
    }
}

#[test]
fn an_assignment_of_a_line_has_the_records_of_its_line_and_of_none() {
    let held = |line| put("public_security", "residence_registration", line).refused();
    assert_eq!(held(None), None);
    assert_eq!(held(Some("public_security")), None);
    assert_eq!(held(Some("civil_affairs")), Some(Code::NotFound));
    assert_eq!(held(Some("public_security ")), Some(Code::NotFound));
    let erased = |line| {
        let record_type = RecordType::Person;
        let put = put("public_security", "residence_registration", None);
        put.about(Matter::Erased { record_type, cell: OWN_CELL, line, protected: false }).err()
    };
    assert_eq!(erased(None), Some(Code::Erased));
    assert_eq!(erased(Some("public_security")), Some(Code::Erased));
    assert_eq!(erased(Some("civil_affairs")), Some(Code::NotFound));
    // Whoever is bound to none has the records of all.
    let unbound = Put::ordinary().of(of_line(Some("civil_affairs"), "residence_registration"));
    assert_eq!(unbound.refused(), None);
}

#[test]
fn the_rule_that_is_named_is_never_that_of_a_line_that_did_not_act() {
    let put = put("civil_affairs", "residence_registration", None);
    let items = [crate::access::Item { matter: put.matter(), fields: &put.fields }];
    let denied = put
        .question(|question| ACCESS.decide(question, &items, Vec::new(), ()))
        .err()
        .expect("refused");
    assert_eq!((denied.why(), denied.account().rule.as_deref()), (Code::Denied, None));
}

#[test]
fn a_line_never_widens_what_the_assignment_had() {
    for purpose in PURPOSES.iter() {
        for line in ["public_security", "civil_affairs", "community", "data_protection"] {
            for field in ["name", "phone", "id_number"] {
                let put = |assignment: Assignment| {
                    let id = purpose.id.as_str();
                    Put::ordinary()
                        .from(vec![assignment])
                        .under(id)
                        .of(held_on(&[id]))
                        .fields(&[field])
                };
                let with = put(bound("grid_worker", OWN, line)).answer().is_ok();
                let without = put(placed("grid_worker", OWN)).answer().is_ok();
                assert!(!with || without, "{} {line} {field}", purpose.id);
                assert!(!with || purpose.is_of_line(line), "{} {line} {field}", purpose.id);
            }
        }
    }
}

fn knows(standing: &Standing, record_type: RecordType, line: Option<&str>) -> bool {
    ACCESS.may_know(standing, record_type, OWN_CELL, line, false, &TERRITORY, NOW)
}

#[test]
fn who_is_bound_to_a_line_knows_of_the_types_of_its_purposes() {
    let worker = |line| standing(vec![bound("grid_worker", OWN, line)]);
    let safety = worker("emergency_management");
    assert!(knows(&safety, RecordType::Place, None));
    assert!(knows(&safety, RecordType::Person, None), "people who are to be evacuated");
    assert!(!knows(&safety, RecordType::Residence, None));
    let community = worker("community");
    assert!(knows(&community, RecordType::Person, None));
    assert!(!knows(&community, RecordType::Place, None));
    assert!(!knows(&community, RecordType::Person, Some("civil_affairs")));
    assert!(knows(&community, RecordType::Person, Some("community")));
    // Two lines are two assignments, and what is known by either is known.
    let both = vec![bound("grid_worker", OWN, "community"), bound("grid_worker", OWN, "health")];
    assert!(knows(&standing(both), RecordType::Person, None));
    assert!(!knows(&worker("health"), RecordType::Person, None), "no purpose of it names the role");
}

#[test]
fn a_street_office_and_a_department_have_nothing_without_a_line() {
    for (role, area) in [("street_office", STREET), ("department", COUNTY)] {
        let facts = || held_on(&["minimum_allowance"]);
        let unbound = Put::by(role, area).under("minimum_allowance").of(facts());
        assert_eq!(unbound.refused(), Some(Code::Denied), "{role}");
        assert!(!knows(&unbound.standing, RecordType::Person, None));
        let own = unbound.from(vec![bound(role, area, "civil_affairs")]);
        assert_eq!(own.refused(), Some(Code::CaseRequired), "{role}");
        let other = own.from(vec![bound(role, area, "human_resources")]);
        assert_eq!(other.refused(), Some(Code::Denied), "{role} of another line");
        // The allowance of old age is of both lines.
        let benefit = other.under("elder_benefit").of(held_on(&["elder_benefit"]));
        assert_eq!(benefit.refused(), Some(Code::CaseRequired), "{role}");
    }
}

#[test]
fn a_role_whose_assignments_end_has_nothing_without_an_end_or_with_a_late_one() {
    let days = |days: i64| Some(Micros(NOW.0 - 1_000 + days * 86_400_000_000));
    let post = |until| Assignment {
        from: Micros(NOW.0 - 1_000),
        until,
        ..placed("property_firm", "880102001001")
    };
    let reports = |until| {
        let nobody = Facts { subject_handles: Vec::new(), ..held_on(&["safety_inspection"]) };
        let put = Put::ordinary().from(vec![post(until)]).under("safety_inspection").of(nobody);
        put.record_type(RecordType::Event).ask(Ask::Create).fields(&["kind"]).refused()
    };
    assert_eq!(reports(days(1)), None);
    assert_eq!(reports(days(366)), None);
    assert_eq!(reports(days(366).map(|end| Micros(end.0 + 1))), Some(Code::Denied));
    assert_eq!(reports(None), Some(Code::Denied));
    assert_eq!(reports(Some(NOW)), Some(Code::Denied), "it is over");
}

#[test]
fn a_stand_in_has_nothing_but_in_a_window_that_the_pair_agreed_on_and_that_is_no_longer_than_may_be()
 {
    let days = |days: i64| Micros(NOW.0 - 1_000 + days * 86_400_000_000);
    let asked = |post: Assignment| {
        let put = Put::ordinary().from(vec![post]).under("household_contact");
        put.of(held_on(&["household_contact"])).refused()
    };
    assert_eq!(asked(standing_in(OWN, days(1))), None);
    assert_eq!(asked(standing_in(OWN, days(31))), None);
    assert_eq!(asked(standing_in(OWN, Micros(days(31).0 + 1))), Some(Code::Denied));
    assert_eq!(asked(standing_in(OWN, NOW)), Some(Code::Denied), "the window is closed");
    // A post that whoever places people gave alone, however short it is.
    for until in [days(1), days(31)] {
        let alone = Assignment { windows: None, until: Some(until), ..standing_in(OWN, until) };
        assert_eq!(asked(alone), Some(Code::Denied));
    }
    let no_window = Assignment { windows: Some(Vec::new().into()), ..standing_in(OWN, days(1)) };
    assert_eq!(asked(no_window), Some(Code::Denied));
}
