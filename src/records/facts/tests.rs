//! Requirements on decision attributes: their byte form, ages, ends, bases and restraints.

use super::*;
use proptest::prelude::*;

fn facts() -> Facts {
    Facts {
        turns_14: Some(100),
        turns_18: Some(1_561),
        restricted: true,
        legal_hold: false,
        line: Some("civil_affairs".to_owned()),
        bases: vec![BasisFact {
            purpose: "child_protection".to_owned(),
            legal_basis: "b".to_owned(),
            notice: "n".to_owned(),
            consent: Some([9; 16]),
        }],
        withdrawn: Vec::new(),
        restraints: Vec::new(),
        own_end: None,
        fields_end: None,
        record_handle: Handle::from_bytes([1; 16]),
        subject_handles: vec![([2; 16], Handle::from_bytes([3; 16]))],
        protected_address: true,
        retain_until: Some(-1),
    }
}

#[test]
fn a_child_becomes_general_on_its_14th_birthday() {
    let facts = facts();
    assert_eq!(facts.effective_class(Class::C2, 99), Class::C3);
    assert_eq!(facts.effective_class(Class::C2, 100), Class::C2);
    assert_eq!(facts.effective_class(Class::C1, 99), Class::C1);
    assert_eq!(facts.effective_class(Class::C3, 100), Class::C3);
    assert!(facts.is_minor(1_560) && !facts.is_minor(1_561));
}

#[test]
fn a_record_is_expired_from_its_last_day_on() {
    let facts = facts();
    assert!(!facts.is_expired(-2) && facts.is_expired(-1) && facts.is_expired(0));
}

#[test]
fn a_record_goes_from_its_last_day_on_unless_a_law_or_a_restriction_keeps_it() {
    let of = |restricted, legal_hold| Facts { restricted, legal_hold, ..facts() };
    assert!(!of(false, false).is_to_go(-2) && of(false, false).is_to_go(-1));
    assert!(!of(true, false).is_to_go(9) && !of(false, true).is_to_go(9));
    let endless = Facts { retain_until: None, ..of(false, false) };
    assert!(!endless.is_to_go(i32::MAX));
}

#[test]
fn facts_come_back_as_they_were() {
    let bytes = facts().encode();
    assert_eq!(Facts::decode(&bytes).ok(), Some(facts()));
    let back = Facts::decode(&bytes).expect("our own bytes");
    assert_eq!(back.subject_handle(&[2; 16]), Some(Handle::from_bytes([3; 16])));
    assert!(back.basis_for("child_protection").is_some() && back.basis_for("other").is_none());
}

#[test]
fn the_byte_form_never_changes() {
    let mut expected = vec![1, 1, 200, 1, 1, 178, 24, 1, 0, 1, 13];
    expected.extend(b"civil_affairs");
    expected.extend([1, 16]);
    expected.extend(b"child_protection");
    expected.extend([1, b'b', 1, b'n', 1]);
    expected.extend([9; 16]);
    expected.extend([1; 16]);
    expected.push(1);
    expected.extend([2; 16]);
    expected.extend([3; 16]);
    expected.extend([1, 1, 1]);
    assert_eq!(facts().encode().to_vec(), expected);
}

#[test]
fn other_formats_and_other_lengths_are_refused() {
    let good = facts().encode().to_vec();
    let mut other = good.clone();
    other[0] = 2;
    assert_eq!(Facts::decode(&other).err(), Some(FactsError::UnknownFormat));
    for cut in 0..good.len() {
        assert_eq!(Facts::decode(&good[..cut]).err(), Some(FactsError::Malformed), "{cut}");
    }
    let longer = [good.as_slice(), b"\0"].concat();
    assert_eq!(Facts::decode(&longer).err(), Some(FactsError::Malformed));
}

#[test]
fn facts_are_read_to_their_length_and_not_beyond_it() {
    let with_line = |bytes: usize| Facts { line: Some("l".repeat(bytes)), ..facts() };
    let others = with_line(1_000).encode().len() - 1_000;
    let longest = with_line(FACTS_BYTES_MAX - others);
    assert_eq!(longest.encode().len(), FACTS_BYTES_MAX);
    assert_eq!(Facts::decode(&longest.encode()).ok(), Some(longest));
    let longer = with_line(FACTS_BYTES_MAX - others + 1).encode();
    assert_eq!(Facts::decode(&longer).err(), Some(FactsError::Malformed));
}

#[test]
fn withdrawn_consents_stand_behind_the_rest_and_nowhere_where_there_are_none() {
    let short = facts().encode().to_vec();
    let withdrawn = Facts { withdrawn: vec![([9; 16], 20_000)], ..facts() };
    let long = withdrawn.encode().to_vec();
    let mut expected = short.clone();
    expected[0] = 0x1c;
    expected.push(1);
    expected.extend([9; 16]);
    expected.extend([192, 184, 2]);
    assert_eq!(long, expected);
    assert_eq!(Facts::decode(&long).ok(), Some(withdrawn));
    for cut in 0..long.len() {
        assert_eq!(Facts::decode(&long[..cut]).err(), Some(FactsError::Malformed), "{cut}");
    }
    // One form for what has none.
    let mut none = [short.as_slice(), b"\0"].concat();
    none[0] = 0x1c;
    assert_eq!(Facts::decode(&none).err(), Some(FactsError::Malformed));
}

#[test]
fn a_record_ends_earlier_once_nothing_else_carries_it() {
    let basis = |purpose: &str, consent| BasisFact {
        purpose: purpose.to_owned(),
        legal_basis: "b".to_owned(),
        notice: "n".to_owned(),
        consent,
    };
    let held = |bases: Vec<BasisFact>, legal_hold| Facts {
        bases,
        legal_hold,
        retain_until: Some(900),
        ..Facts::of_nobody()
    };
    let asked = || basis("household_contact", Some([1; 16]));
    let one = held(vec![asked()], false);
    assert_eq!(one.end_without("household_contact", 30), Some(30));
    assert_eq!(one.end_without("household_contact", 1_000), Some(900), "never later");
    // A hold keeps it and not its end: once it is lifted, the record goes.
    assert_eq!(held(vec![asked()], true).end_without("household_contact", 30), Some(30));
    let two = held(vec![asked(), basis("residence_registration", None)], false);
    assert_eq!(two.end_without("household_contact", 30), Some(900));
    let gone = Facts { withdrawn: vec![([2; 16], 5)], ..two };
    assert!(!gone.is_withdrawn(&asked()));
    let other = basis("elder_visit", Some([2; 16]));
    assert!(gone.is_withdrawn(&other) && gone.withdrawn_on(&other) == Some(5));
    let both = Facts { bases: vec![asked(), other], ..gone };
    assert_eq!(both.end_without("household_contact", 30), Some(30));
    assert!(both.live_basis_for("elder_visit").is_none());
    assert!(both.live_basis_for("household_contact").is_some());
}

fn restraint(number: u8, kind: RestraintKind, part: Option<&str>) -> Restraint {
    let part = part.map(str::to_owned);
    Restraint { id: [number; 16], kind, subject: [2; 16], part }
}

#[test]
fn the_marks_follow_from_what_keeps_the_record_and_each_is_lifted_by_itself() {
    let mut facts = Facts { restricted: false, ..facts() };
    let marks = |facts: &Facts| (facts.restricted, facts.legal_hold);
    facts.restrain(restraint(1, RestraintKind::LegalHold, None));
    facts.restrain(restraint(2, RestraintKind::LegalHold, Some("guardian")));
    assert_eq!(marks(&facts), (false, true));
    facts.restrain(restraint(3, RestraintKind::Restriction, None));
    facts.restrain(restraint(3, RestraintKind::Restriction, None));
    assert_eq!((marks(&facts), facts.restraints.len()), ((true, true), 3));
    facts.release([1; 16]);
    facts.release([3; 16]);
    assert_eq!(marks(&facts), (false, true), "the other hold stands");
    facts.release([2; 16]);
    facts.release([2; 16]);
    assert_eq!((marks(&facts), facts.restraints.len()), ((false, false), 0));
}

#[test]
fn a_restricted_part_closes_its_own_fields_and_not_the_record() {
    let mut facts = Facts { restricted: false, ..facts() };
    facts.restrain(restraint(1, RestraintKind::Restriction, Some("guardian")));
    let named = |name: &str| SubjectSlot::Named(name.to_owned());
    assert!(!facts.restricted && facts.closes(&named("guardian")));
    assert!(!facts.closes(&named("carer")) && !facts.closes(&SubjectSlot::Own));
    let handle = |byte| Handle::from_bytes([byte; 16]);
    assert!(facts.restricts(handle(3)) && !facts.restricts(handle(4)));
    facts.release_of(|subject| *subject == [2; 16]);
    assert!(!facts.closes(&named("guardian")) && facts.restraints.is_empty());
}

#[test]
fn restraints_and_an_end_of_its_own_stand_behind_what_was_withdrawn() {
    let kept = vec![restraint(7, RestraintKind::LegalHold, Some("carer"))];
    let long = Facts { restraints: kept, own_end: Some(64), ..facts() };
    let bytes = long.encode().to_vec();
    let mut expected = facts().encode().to_vec();
    expected[0] = 0x1d;
    expected.extend([0, 1]);
    expected.extend([7; 16]);
    expected.push(1);
    expected.extend([2; 16]);
    expected.extend([1, 5]);
    expected.extend(b"carer");
    expected.extend([1, 128, 1]);
    assert_eq!(bytes, expected);
    assert_eq!(Facts::decode(&bytes).ok(), Some(long));
    for cut in 0..bytes.len() {
        assert_eq!(Facts::decode(&bytes[..cut]).err(), Some(FactsError::Malformed), "{cut}");
    }
    let mut none = [facts().encode().as_slice(), &[0, 0, 0]].concat();
    none[0] = 0x1d;
    assert_eq!(Facts::decode(&none).err(), Some(FactsError::Malformed));
}

#[test]
fn the_end_of_fields_stands_behind_an_end_of_its_own() {
    let long = Facts { fields_end: Some(65), own_end: Some(64), ..facts() };
    let bytes = long.encode().to_vec();
    let mut expected = facts().encode().to_vec();
    expected[0] = 0x1e;
    expected.extend([0, 0, 1, 128, 1, 130, 1]);
    assert_eq!(bytes, expected);
    assert_eq!(Facts::decode(&bytes).ok(), Some(long));
    for cut in 0..bytes.len() {
        assert_eq!(Facts::decode(&bytes[..cut]).err(), Some(FactsError::Malformed), "{cut}");
    }
}

#[test]
fn fields_go_from_their_day_on_unless_anything_keeps_the_record_or_a_part_in_it() {
    let of = || Facts { fields_end: Some(5), restricted: false, ..facts() };
    assert!(!of().is_to_lose_fields(4) && of().is_to_lose_fields(5));
    for kept in [
        Facts { restricted: true, ..of() },
        Facts { legal_hold: true, ..of() },
        Facts { restraints: vec![restraint(1, RestraintKind::Restriction, Some("carer"))], ..of() },
        Facts { fields_end: None, ..of() },
    ] {
        assert!(!kept.is_to_lose_fields(i32::MAX));
    }
}

#[test]
fn a_moment_ends_a_record_earlier_and_its_correction_gives_back_what_the_moment_took_alone() {
    let held = |end| Facts { retain_until: Some(end), ..facts() };
    let ends = |facts: &Facts| (facts.retain_until, facts.own_end);
    let mut facts = held(900);
    facts.end_by_moment(&[], Some(200), Some(900));
    assert_eq!(ends(&facts), (Some(200), None));
    facts.end_by_moment(&[200], Some(300), Some(900));
    assert_eq!(ends(&facts), (Some(300), None), "another day");
    facts.end_by_moment(&[300], Some(1_000), Some(900));
    assert_eq!(ends(&facts), (Some(900), None), "never beyond the purpose's");
    facts.end_by_moment(&[1_000], Some(200), Some(900));
    facts.end_by_moment(&[200], None, Some(100));
    assert_eq!(ends(&facts), (Some(200), None), "a purpose that ended takes nothing away");
    facts.end_by_moment(&[200], Some(300), None);
    assert_eq!(ends(&facts), (Some(200), None), "what nobody knows any more gives nothing back");
    facts.end_by_moment(&[100, 200, 400], Some(300), Some(900));
    assert_eq!(ends(&facts), (Some(300), None), "whichever purpose gave it");
    // Somebody asked for day 150, before the moment was told.
    let mut asked = held(150);
    asked.end_by_moment(&[], Some(200), Some(900));
    asked.end_by_moment(&[200], Some(300), Some(900));
    asked.end_by_moment(&[300], None, Some(900));
    assert_eq!(ends(&asked), (Some(150), None), "what was asked for stays");
    // Everything is withdrawn, and the record ends on day 50; then the moment is told, and corrected.
    let mut gone = held(900);
    let days = gone.bases.iter().filter_map(|basis| basis.consent).map(|consent| (consent, 1));
    gone.withdrawn = days.collect();
    assert!(gone.rests_on_nothing());
    gone.end_early(Some(50));
    gone.end_by_moment(&[], Some(40), Some(900));
    assert_eq!(ends(&gone), (Some(40), Some(40)));
    gone.end_by_moment(&[40], Some(300), Some(900));
    assert_eq!(ends(&gone), (Some(40), Some(300)), "the withdrawal holds");
}

#[test]
fn an_end_that_was_taken_forward_moves_back_as_far_as_the_consent_and_the_record_allow() {
    let mut facts = Facts { retain_until: Some(900), ..facts() };
    assert_eq!(facts.end_with(5_000), Some(900), "nothing was taken forward");
    facts.end_early(Some(30));
    facts.end_early(Some(20));
    assert_eq!((facts.retain_until, facts.own_end), (Some(20), Some(900)));
    facts.end_late(10);
    assert_eq!((facts.retain_until, facts.own_end), (Some(20), Some(900)), "never earlier");
    facts.end_late(500);
    assert_eq!((facts.retain_until, facts.own_end), (Some(500), Some(900)));
    facts.end_late(5_000);
    assert_eq!((facts.retain_until, facts.own_end), (Some(900), None), "never beyond its own");
    facts.end_early(Some(900));
    assert_eq!(facts.own_end, None);
}

#[test]
fn facts_show_nothing_of_themselves() {
    assert_eq!(format!("{:?}", facts()), "Facts");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Facts::decode(&bytes);
    }
}
