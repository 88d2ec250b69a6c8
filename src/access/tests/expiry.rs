//! Requirements on the removal of what is past its end: on nobody's word, and only what nothing keeps.
//! Never before its day, never what a law holds or what is restricted.
//! The account names the record and why it went, and nobody who asked.

use super::world::*;
use crate::access::{Account, Fact, Item, Matter, Origin};
use crate::records::{BasisFact, Facts, Handle, RecordType};

fn account(facts: &Facts) -> Option<Account> {
    let (record_type, cell) = (RecordType::Person, OWN_CELL);
    let matter = Matter::Present { record_type, cell, facts, versions: Some((3, 4)) };
    let item = Item { matter, fields: &[] };
    let origin = Origin { request: [8; 16], ..Origin::default() };
    let permit = ACCESS.decide_expiry(&item, &origin, NOW, &TERRITORY, ());
    permit.map(|permit| {
        assert_eq!((permit.authority().actor, permit.authority().policy), (None, 7));
        permit.account().clone()
    })
}

fn over() -> Facts {
    Facts { retain_until: Some(TODAY), ..held_on(&["residence_registration", "elder_benefit"]) }
}

fn fact(account: &Account, name: &str) -> Option<Fact> {
    account.facts.iter().find(|(known, _)| *known == name).map(|(_, fact)| fact.clone())
}

#[test]
fn what_is_over_goes_and_the_account_says_why_and_names_nobody_who_asked() {
    let account = account(&over()).expect("it is over");
    assert_eq!((account.actor, account.role.clone(), account.rule.clone()), (None, None, None));
    assert_eq!(account.records, [Handle::from_bytes([5; 16])]);
    assert_eq!(account.subjects, [Handle::from_bytes([7; 16])]);
    assert_eq!((account.grid.as_deref(), account.versions), (Some(OWN), Some((3, 4))));
    assert_eq!(account.policy_index, 3);
    let code = |text: &str| Some(Fact::Code(text.to_owned()));
    assert_eq!(fact(&account, "ended_on"), code("2027-01-15"));
    assert_eq!(fact(&account, "purposes"), code("residence_registration,elder_benefit"));
    assert_eq!(fact(&account, "reason"), code("period_over"));
}

#[test]
fn what_every_consent_was_taken_back_of_says_so() {
    let basis = |consent| BasisFact {
        purpose: "household_contact".to_owned(),
        legal_basis: "household_contact_consent".to_owned(),
        notice: "some_notice".to_owned(),
        consent: Some(consent),
    };
    let withdrawn = vec![([1; 16], TODAY - 30)];
    let one = Facts { bases: vec![basis([1; 16])], withdrawn: withdrawn.clone(), ..over() };
    let reason = |facts: &Facts| fact(&account(facts).expect("it is over"), "reason");
    assert_eq!(reason(&one), Some(Fact::Code("consent_withdrawn".to_owned())));
    let two = Facts { bases: vec![basis([1; 16]), basis([2; 16])], withdrawn, ..over() };
    assert_eq!(reason(&two), Some(Fact::Code("period_over".to_owned())));
}

#[test]
fn what_is_not_over_or_has_no_end_or_is_held_or_restricted_stays() {
    for kept in [
        Facts { retain_until: Some(TODAY + 1), ..over() },
        Facts { retain_until: None, ..over() },
        Facts { legal_hold: true, ..over() },
        Facts { restricted: true, ..over() },
    ] {
        assert!(account(&kept).is_none());
    }
    let item = Item { matter: Matter::Missing, fields: &[] };
    assert!(ACCESS.decide_expiry(&item, &Origin::default(), NOW, &TERRITORY, ()).is_none());
}
