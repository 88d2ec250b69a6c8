//! Requirements on the matrix: memo, deny, narrowing, and roles that never see a value.
//! Never sampled where the whole can be walked.
//! casbin is the authority, and its doubt is a no.

use super::world::*;
use crate::access::grants::Cap;
use crate::access::{Access, Action, Ask, Code, Duty, Grants, Item, Level, Matter, RoleFamily};
use crate::purposes::PurposeGroup;
use crate::records::{Class, RecordType};

/// Every point of the matrix.
pub(super) fn points() -> impl Iterator<Item = (Level, RecordType, Class, PurposeGroup)> {
    Level::ALL.into_iter().flat_map(|level| {
        RecordType::ALL.into_iter().flat_map(move |record_type| {
            Class::ALL.into_iter().flat_map(move |class| {
                PurposeGroup::ALL.into_iter().map(move |group| (level, record_type, class, group))
            })
        })
    })
}

#[test]
fn memo_and_casbin_agree_on_every_point() {
    ACCESS.with_policy(|policy| {
        for role in 0..policy.roles().len() {
            for (level, record_type, class, group) in points() {
                let asked = policy.enforce(role, level, record_type, class, group);
                // The first answer fills the memo, the second comes from it.
                assert_eq!(policy.grants(role, level, record_type, class, group), asked);
                assert_eq!(policy.grants(role, level, record_type, class, group), asked);
            }
        }
    });
}

#[test]
fn a_set_of_grants_comes_back_from_its_packed_form() {
    for bits in 0..1_u16 << Action::ALL.len() {
        let mut grants = Grants::NONE;
        for (line, action) in (13..).zip(Action::ALL) {
            if bits & (1 << action as u8) != 0 {
                grants.add(action, line);
            }
        }
        assert_eq!(Grants::unpack(grants.pack()), Some(grants), "{bits:09b}");
    }
    assert_eq!(Grants::unpack(0), None);
}

#[test]
fn a_role_is_granted_nothing_at_another_level_than_its_own() {
    ACCESS.with_policy(|policy| {
        for (index, role) in policy.roles().iter().enumerate() {
            for (level, record_type, class, group) in points() {
                let grants = policy.grants(index, level, record_type, class, group);
                assert!(level == role.level || grants.is_empty(), "{:?} {level:?}", role.id);
            }
        }
    });
}

#[test]
fn deny_wins_over_every_allow() {
    let mut files = Files::shipped();
    files.add("grid_worker", "grid,person,C2,registration,read:raw,deny");
    let access = files.access();
    assert_eq!(Put::ordinary().with(&access).refused(), Some(Code::Denied));
    // Only there: the neighbouring points stand.
    let contact = Put::ordinary().under("household_contact").of(held_on(&["household_contact"]));
    assert!(contact.with(&access).answer().is_ok());

    // Also when the deny is said for any, and when it comes first.
    for line in ["grid,any,any,any,read:raw,deny", "grid,person,any,any,read:raw,deny"] {
        let mut files = Files::shipped();
        let text = files.lines.get_mut("grid_worker").expect("a role");
        *text = format!("{line}\n{text}");
        assert_eq!(Put::ordinary().with(&files.access()).refused(), Some(Code::Denied), "{line}");
    }
}

#[test]
fn an_error_of_casbin_is_a_no() {
    let mut files = Files::shipped();
    files.model = files
        .model
        .replace("m = r.level", "m = (r.topic != \"person\" || no_such_function()) && r.level");
    let policy = files.load().expect("the duties do not meet the error");
    let role = policy.index(&policy.roles()[0].id).expect("the first role");
    for class in Class::ALL {
        for group in PurposeGroup::ALL {
            assert!(policy.enforce(role, Level::Grid, RecordType::Person, class, group).is_empty());
        }
    }
    let place =
        policy.enforce(role, Level::Grid, RecordType::Place, Class::C0, PurposeGroup::Safety);
    assert!(!place.is_empty());
    assert_eq!(Put::ordinary().with(&Access::new(policy, 7, 3)).refused(), Some(Code::NotFound));
}

#[test]
fn a_model_that_errs_about_a_duty_does_not_load() {
    let mut files = Files::shipped();
    files.model = files.model.replace("m = r.level", "m = no_such_function() && r.level");
    let error = files.load().err().expect("refused");
    assert!(error.to_string().starts_with("casbin refused the policy"), "{error}");
}

#[test]
fn a_role_with_an_empty_file_is_granted_nothing() {
    let mut files = Files::shipped();
    files.lines.insert("grid_worker".into(), String::new());
    assert_eq!(Put::ordinary().with(&files.access()).refused(), Some(Code::Denied));
}

/// What a grant includes: whoever may always see a value may be shown less of it.
fn included(granted: Grants, action: Action) -> bool {
    let greater: &[Action] = match action {
        Action::ReadRawInTask | Action::ReadRawApproved | Action::ReadMasked => &[Action::ReadRaw],
        Action::Match => &[Action::ReadRaw, Action::ReadMasked],
        _ => &[],
    };
    granted.has(action) || greater.iter().any(|one| granted.has(*one))
}

#[test]
fn narrowing_never_widens() {
    ACCESS.with_policy(|policy| {
        for (index, role) in policy.roles().iter().enumerate() {
            for purpose in PURPOSES.iter() {
                for schema in SCHEMAS.iter() {
                    let topic = schema.record_type();
                    for class in Class::ALL {
                        let granted = policy.grants(index, role.level, topic, class, purpose.group);
                        for field in schema.fields() {
                            let id = purpose.id.as_str();
                            let left = policy.narrowed(granted, index, id, &field.name);
                            assert!(
                                Action::ALL.iter().all(|a| included(granted, *a) || !left.has(*a))
                            );
                            assert!(left.unconditional_view() <= granted.unconditional_view());
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn no_cap_lifts_a_condition_or_leaves_more_than_itself() {
    let words = ["raw", "raw/task", "raw/approval", "masked", "match", "count"];
    for bits in 0..1_u16 << Action::ALL.len() {
        let mut granted = Grants::NONE;
        for action in Action::ALL.into_iter().filter(|action| bits & (1 << *action as u8) != 0) {
            granted.add(action, 3);
        }
        for (height, word) in words.into_iter().enumerate() {
            let cap: Cap = word.parse().expect("a word");
            for write in [true, false] {
                let left = granted.capped(cap, write);
                for (place, action) in Action::ALL.into_iter().enumerate() {
                    let kept = if place < 6 { place >= height } else { write };
                    // The cap's own view is left to whoever could always see more.
                    let lowered = place == height && action != Action::Count;
                    let has = kept && (granted.has(action) || lowered && included(granted, action));
                    assert_eq!(left.has(action), has, "{word} of {granted:?} leaves {action:?}");
                }
                assert!(left.unconditional_view() <= granted.unconditional_view());
            }
        }
        assert!(granted.capped("none".parse().expect("a word"), false).is_empty());
    }
}

#[test]
fn a_purpose_that_does_not_name_a_role_gives_it_nothing() {
    // The street operator has read:raw for C0 and C1 in every group, and household_contact does not name it.
    for field in ["name", "phone"] {
        let put = Put::by("street_operator", "880102001").under("household_contact");
        let put = put.of(held_on(&["household_contact"])).fields(&[field]);
        assert_eq!(put.refused(), Some(Code::Denied));
    }
    // Named by no purpose at all, the worker may not even know.
    let mut files = Files::shipped();
    files.narrowing = "# nobody\n".to_owned();
    let access = files.access();
    for (ask, why) in [
        (Ask::Read, Code::NotFound),
        (Ask::Update, Code::NotFound),
        (Ask::Create, Code::Denied),
        (Ask::Match, Code::Denied),
    ] {
        let put = Put::ordinary().with(&access).ask(ask).fields(&["phone"]);
        assert_eq!(put.refused(), Some(why), "{ask:?}");
    }
}

/// Every type, field, purpose and verb for one assignment; says how many questions there were.
fn every_question(role: &str, area: &str, mut judge: impl FnMut(Ask, &Put<'_>)) -> usize {
    let mut count = 0;
    for purpose in PURPOSES.iter() {
        let held = held_on(&[purpose.id.as_str()]);
        let mut put = Put::by(role, area).under(purpose.id.as_str()).of(held);
        for schema in SCHEMAS.iter() {
            put.record_type = schema.record_type();
            for field in schema.fields() {
                put.fields = vec![field.name.clone()];
                for ask in [Ask::Read, Ask::Create, Ask::Update, Ask::Delete, Ask::Match] {
                    put.ask = ask;
                    judge(ask, &put);
                    count += 1;
                }
            }
        }
    }
    count
}

#[test]
fn who_counts_checks_or_administers_never_sees_or_touches_a_record() {
    let roles = [
        ("city_platform", "8801"),
        ("area_leader", OWN),
        ("statistician", "8801"),
        ("supervisor", "880102"),
        ("discipline_officer", ""),
        ("compliance_auditor", ""),
        ("protection_officer", ""),
        ("assignment_officer", "880102001"),
        ("system_admin", ""),
        ("security_admin", ""),
        ("audit_admin", ""),
        ("contractor_ops", ""),
    ];
    for (role, area) in roles {
        let count = every_question(role, area, |ask, put| {
            assert_eq!(put.refused(), Some(Code::Denied), "{role} {ask:?} {:?}", put.fields);
        });
        assert!(count > 9_000, "{count}");
        // An area does not change it: not even one that the role never has.
        for area in ["8801", "880102", "880102001", "880102001001", OWN] {
            let put = Put::by(role, area);
            assert_eq!(put.refused(), Some(Code::Denied), "{role} in {area}");
            let erased = Matter::Erased {
                record_type: RecordType::Person,
                cell: OWN_CELL,
                line: None,
                protected: false,
            };
            assert_eq!(put.about(erased).err(), Some(Code::Denied));
            assert_eq!(put.about(Matter::Missing).err(), Some(Code::Denied));
            assert!(!ACCESS.may_know(
                &put.standing,
                RecordType::Person,
                OWN_CELL,
                None,
                false,
                &TERRITORY,
                NOW
            ));
        }
    }
}

#[test]
fn no_business_role_has_a_duty_and_no_other_role_has_one_that_its_file_does_not_say() {
    let policy = Files::shipped().load().expect("the shipped policy loads");
    let said = Files::shipped();
    for role in policy.roles() {
        for duty in Duty::ALL {
            let word = format!(",{},allow", duty.as_str());
            let says = said.lines[role.id.as_str()].contains(&word);
            assert_eq!(policy.has_duty(&role.id, duty), says, "{:?} {duty:?}", role.id);
            assert!(!says || role.family != RoleFamily::Business, "{:?} {duty:?}", role.id);
        }
    }
    assert!(!policy.has_duty(&crate::access::RoleId::new("mayor"), Duty::AuditRead));
}

#[test]
fn a_duty_is_carried_by_an_assignment_of_its_time_alone() {
    let mut past = placed("security_admin", "");
    past.until = Some(NOW);
    let origin = crate::access::Origin::default();
    let decide = |assignments, duty| {
        ACCESS.decide_duty(&standing(assignments), duty, &origin, NOW, ()).map_err(|no| no.why())
    };
    assert_eq!(decide(vec![past], Duty::ActorAdd).err(), Some(Code::Denied));
    assert!(decide(vec![placed("security_admin", "")], Duty::ActorAdd).is_ok());
    assert_eq!(decide(vec![placed("audit_admin", "")], Duty::ActorAdd).err(), Some(Code::Denied));
    assert_eq!(decide(vec![placed("grid_head", OWN)], Duty::AuditRead).err(), Some(Code::Denied));
    assert_eq!(decide(Vec::new(), Duty::AuditRead).err(), Some(Code::Denied));
}

#[test]
fn the_log_names_the_line_that_carried_the_view() {
    // Line 3 gives the operator the masked view; line 6, which would need a task, does not decide.
    let put = Put::by("street_operator", "880102001");
    let permit = put.answer().expect("a masked view");
    assert_eq!(permit.account().rule.as_deref(), Some("street_operator/3"));
    // A worker's match of an ID number is its match line, not the line that needs a task.
    let put = Put::ordinary().ask(Ask::Match).fields(&["id_number"]);
    assert_eq!(put.answer().expect("a permit").account().rule.as_deref(), Some("grid_worker/15"));
}

#[test]
fn the_digest_moves_with_every_file() {
    let digest = |files: &Files| *files.load().expect("a policy that loads").digest();
    let shipped = digest(&Files::shipped());
    assert_eq!(shipped, digest(&Files::shipped()));
    let changed: [fn(&mut Files); 4] = [
        |files| files.model.push_str("# more\n"),
        |files| files.roles.push_str("# more\n"),
        |files| files.narrowing.push_str("# more\n"),
        |files| files.add("city_platform", "# more"),
    ];
    for change in changed {
        let mut files = Files::shipped();
        change(&mut files);
        assert_ne!(digest(&files), shipped);
    }
}

#[test]
fn a_question_about_nothing_is_a_no() {
    let put = Put::ordinary();
    for ask in [Ask::Read, Ask::Create, Ask::Update, Ask::Delete, Ask::Match] {
        let none: [Item<'_>; 0] = [];
        let put = Put::ordinary().ask(ask);
        let answer = put.question(|question| ACCESS.decide(question, &none, Vec::new(), ()));
        assert!(answer.is_err(), "{ask:?}");
    }
    assert!(put.fields(&[]).answer().is_err());
}

#[test]
fn an_unknown_role_in_the_directory_is_nothing() {
    for role in ["mayor", "", "GRID_WORKER", "grid_worker ", "any"] {
        assert_eq!(Put::by(role, OWN).refused(), Some(Code::Denied), "{role:?}");
        let standing = standing(vec![placed(role, OWN)]);
        assert!(!ACCESS.may_know(
            &standing,
            RecordType::Person,
            OWN_CELL,
            None,
            false,
            &TERRITORY,
            NOW
        ));
    }
}
