//! The matrix of roles as the domain states it, written down here a second time and by hand.
//! Never read from policies/: file and table are compared with this, so that they cannot drift together.
//! A cell is held from both sides: no point grants more, and what it says is granted somewhere.

use super::world::*;
use crate::access::{Action, Grants, Level, RoleFamily};
use crate::purposes::PurposeGroup;
use crate::records::{Class, RecordType};
use std::collections::BTreeSet;

/// Role, level, cells of C1, C2 and C3 in the words of the legend: W write, Wt write in a task, R1 raw of one record, Rt raw in a task, Ra raw by
/// approval, M masked, X match, S counted, `-` nothing.
const MATRIX: [(&str, &str, [&str; 3]); 34] = [
    ("grid_worker", "grid", ["W R1", "W R1", "W X Rt"]),
    ("grid_head", "grid", ["W R1", "W R1", "W X Rt"]),
    ("grid_stand_in", "grid", ["W R1", "W R1", "W X Rt"]),
    ("volunteer", "community", ["W", "Rt", "-"]),
    ("building_head", "grid", ["W", "Rt", "-"]),
    ("sunk_cadre", "community", ["Rt", "Wt Rt", "-"]),
    ("property_firm", "community", ["W", "-", "-"]),
    ("unit_liaison", "grid", ["W R1", "-", "-"]),
    ("community_cadre", "community", ["W R1", "M Rt W", "Rt"]),
    // "Rt under batch approval": the approval is the condition.
    ("child_officer", "community", ["R1", "Rt", "Ra"]),
    ("mediator", "community", ["Rt", "Rt", "Rt"]),
    ("legal_helper", "community", ["Rt", "Rt", "Rt"]),
    ("community_police", "community", ["R1", "Rt", "Ra"]),
    ("street_operator", "street", ["R1", "M Rt", "-"]),
    ("street_area_cadre", "community", ["R1", "Rt", "-"]),
    ("enforcement_team", "street", ["R1", "Rt", "-"]),
    // The count of mediations stands in the catalogue of purposes, beside the matrix.
    ("street_office", "street", ["R1 S", "Rt S", "Rt S"]),
    ("county_command", "county", ["S R1", "S Rt", "Ra"]),
    ("department", "county", ["S", "Rt", "Rt"]),
    ("city_platform", "city", ["S", "S", "S"]),
    ("area_leader", "grid", ["S", "S", "S"]),
    ("service_org", "community", ["-", "Rt", "-"]),
    ("supervisor", "county", ["S", "S", "S"]),
    ("discipline_officer", "platform", ["-", "-", "-"]),
    ("petition_desk", "county", ["W Rt", "Rt", "Rt"]),
    ("statistician", "city", ["S", "S", "S"]),
    // R1 with a proof of identity; there is none yet, so a case is the condition.
    ("resident_desk", "street", ["-", "Rt", "Rt"]),
    ("compliance_auditor", "platform", ["-", "-", "-"]),
    ("protection_officer", "platform", ["S", "S", "S"]),
    ("assignment_officer", "street", ["-", "-", "-"]),
    ("system_admin", "platform", ["-", "-", "-"]),
    ("security_admin", "platform", ["-", "-", "-"]),
    ("audit_admin", "platform", ["-", "-", "-"]),
    ("contractor_ops", "platform", ["-", "-", "-"]),
];

/// What a cell lets be granted, and what of it must be granted somewhere.
fn meant(cell: &str) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
    let (mut most, mut least) = (BTreeSet::new(), BTreeSet::new());
    for word in cell.split(' ').filter(|word| *word != "-") {
        let (own, also): (&str, &[&str]) = match word {
            // Whoever writes may be let remove; whoever sees in clear may be held to a task.
            "W" => ("write", &["delete"]),
            "Wt" => ("write/task", &[]),
            "R1" => ("read:raw", &["read:raw/task"]),
            "Rt" => ("read:raw/task", &[]),
            "Ra" => ("read:raw/approval", &[]),
            "M" => ("read:masked", &[]),
            "X" => ("match", &[]),
            "S" => ("count", &[]),
            other => panic!("{other}"),
        };
        least.insert(own);
        most.insert(own);
        most.extend(also);
    }
    (most, least)
}

#[test]
fn the_policy_grants_each_role_what_the_domain_says_and_no_more() {
    ACCESS.with_policy(|policy| {
        let words: Vec<&str> = policy.roles().iter().map(|role| role.id.as_str()).collect();
        let named: BTreeSet<&str> = MATRIX.iter().map(|(role, ..)| *role).collect();
        assert_eq!(words.iter().copied().collect::<BTreeSet<_>>(), named);
        for (word, level, cells) in MATRIX {
            let place = words.iter().position(|one| *one == word).expect("a role of the policy");
            let role = &policy.roles()[place];
            assert_eq!(role.level.as_str(), level, "{word}");
            for (class, cell) in [Class::C1, Class::C2, Class::C3].into_iter().zip(cells) {
                let (most, least) = meant(cell);
                let mut granted = BTreeSet::new();
                for record_type in RecordType::ALL {
                    for group in PurposeGroup::ALL {
                        let here = policy.grants(place, role.level, record_type, class, group);
                        granted.extend(here.words());
                    }
                }
                assert!(granted.is_subset(&most), "{word} {class}: {granted:?} beyond {cell}");
                assert!(least.is_subset(&granted), "{word} {class}: {granted:?} short of {cell}");
            }
        }
    });
}

/// Every grant of a role at its own level.
fn granted(role: &str) -> Vec<(RecordType, Class, PurposeGroup, Grants)> {
    ACCESS.with_policy(|policy| {
        let place = policy.roles().iter().position(|one| one.id.as_str() == role);
        let place = place.expect("a role of the policy");
        let level = policy.roles()[place].level;
        let mut all = Vec::new();
        for record_type in RecordType::ALL {
            for class in Class::ALL {
                for group in PurposeGroup::ALL {
                    let grants = policy.grants(place, level, record_type, class, group);
                    all.push((record_type, class, group, grants));
                }
            }
        }
        all.retain(|(.., grants)| !grants.is_empty());
        all
    })
}

#[test]
fn the_notes_of_the_domain_hold() {
    // Reporters report matters.
    for role in ["volunteer", "building_head", "property_firm"] {
        let writes = granted(role).into_iter().filter(|(.., grants)| grants.has(Action::Write));
        assert!(writes.clone().count() > 0);
        assert!(writes.into_iter().all(|(one, ..)| one == RecordType::Event), "{role}");
    }
    // The own unit's matters and places, no person.
    let unit = granted("unit_liaison");
    assert!(unit.iter().all(|(one, ..)| matches!(one, RecordType::Event | RecordType::Place)));
    // Only the head removes.
    for (role, ..) in MATRIX {
        let removes = granted(role).iter().any(|(.., grants)| grants.has(Action::Delete));
        assert_eq!(removes, role == "grid_head", "{role}");
    }
    // A mediation file is of its case, and a number for the street's office of justice.
    for (role, ..) in MATRIX {
        let opens = granted(role).iter().any(|(one, class, group, grants)| {
            (*one == RecordType::MediationFile && *class >= Class::C1)
                && *group == PurposeGroup::Mediation
                && Action::ALL[..5].iter().any(|action| grants.has(*action))
        });
        assert_eq!(opens, ["mediator", "legal_helper"].contains(&role), "{role}");
    }
    // Reporters and callers are the petition desk's.
    for (role, ..) in MATRIX {
        let opens = granted(role).iter().any(|(_, class, group, grants)| {
            *group == PurposeGroup::Feedback && *class >= Class::C2 && grants.reads()
        });
        assert_eq!(opens, role == "petition_desk", "{role}");
    }
}

#[test]
fn higher_does_not_mean_more_in_clear() {
    for (role, level, _) in MATRIX {
        let raw = granted(role)
            .iter()
            .any(|(_, class, _, grants)| *class >= Class::C2 && grants.has(Action::ReadRaw));
        assert!(!raw || level == "grid", "{role}");
        // Nobody sees a sensitive value without a condition.
        assert!(granted(role).iter().all(|(_, class, _, grants)| {
            *class < Class::C3 || grants.unconditional_view() < crate::records::View::Masked
        }));
    }
}

#[test]
fn families_lines_and_ends_are_those_of_the_domain() {
    ACCESS.with_policy(|policy| {
        let of = |word: &str| policy.role(word).expect("a role");
        let oversight =
            ["supervisor", "discipline_officer", "compliance_auditor", "protection_officer"];
        let administration = [
            "assignment_officer",
            "system_admin",
            "security_admin",
            "audit_admin",
            "contractor_ops",
        ];
        for role in policy.roles() {
            let word = role.id.as_str();
            let expected = if oversight.contains(&word) {
                RoleFamily::Oversight
            } else if administration.contains(&word) {
                RoleFamily::Administration
            } else {
                RoleFamily::Business
            };
            assert_eq!(role.family, expected, "{word}");
            assert_eq!(role.needs_line, ["street_office", "department"].contains(&word), "{word}");
            let ends = ["grid_stand_in", "sunk_cadre", "property_firm", "service_org"];
            assert_eq!(role.days_max.is_some(), ends.contains(&word), "{word}");
            assert!(role.level == Level::Platform || word != "contractor_ops");
        }
        // Three administrators are three people, and the firm never has the grid of its own estate.
        let admins = ["system_admin", "security_admin", "audit_admin"];
        for one in admins {
            for other in admins {
                assert_eq!(of(one).goes_with(of(other)), one == other, "{one} {other}");
            }
            assert!(!of(one).goes_with(of("grid_worker")));
            assert!(!of("compliance_auditor").goes_with(of(one)));
        }
        for grid in ["grid_worker", "grid_head", "grid_stand_in"] {
            assert!(!of(grid).goes_with(of("property_firm")), "{grid}");
            assert!(!of("property_firm").goes_with(of(grid)), "{grid}");
        }
        assert!(of("grid_head").goes_with(of("grid_stand_in")));
        assert!(!of("grid_worker").goes_with(of("supervisor")));
    });
}
