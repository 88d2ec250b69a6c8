//! Requirements on what rests on nothing any more: no one person who may write brings it back.
//! Never by a duty, an emergency, an application or a consent that is only claimed, and never by an empty change.
//! Whoever may write it takes away from it, and the residents' desk alone writes down that a consent was given anew.

use super::consents::withdraw_by;
use super::setting::{PURPOSES, SCHEMAS};
use super::world::*;
use crate::access::Code;
use crate::operations::{ConsentRequest, WithdrawnConsent, give_consent};
use crate::purposes::{BasisClaim, ConsentGiver};
use crate::records::{RecordId, SubjectId};
use jiff::civil::Date;
use serde_json::json;

const RIGHTS: &str = "rights_request";
const CONTACT: &str = "household_contact";
const REGISTRATION: &str = "residence_registration";
const CORRECTION: &str = "record_correction";

fn withdrawn(world: &World, subject: SubjectId, consent: [u8; 16]) -> Done<WithdrawnConsent> {
    let desk = world.actor(DESK);
    done(wait(withdraw_by(world, &desk, (subject, ConsentGiver::Self_), consent)))
}

/// The desk writes down a consent that was given on that day.
fn given(world: &World, subject: SubjectId, id: RecordId, given_on: Date) -> Done<()> {
    let desk = world.actor(DESK);
    let mut claim = contact(ConsentGiver::Self_);
    claim.consent.as_mut().expect("a consent").given_on = given_on;
    let purpose = PURPOSES.get(CONTACT).expect("a shipped purpose");
    done(wait(give_consent(
        &world.asked(&desk, RIGHTS),
        ConsentRequest { subject, records: vec![id], purpose, claim, proof: "passport" },
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &PURPOSES,
        &world.territory,
        &*world.random,
    )))
    .map(drop)
}

/// A record that rested on a consent alone, which was taken back.
fn taken_back(world: &World) -> (RecordId, SubjectId) {
    let fields = json!({"name": "王伟", "phone": "12900001234"});
    let stored = world.create(WORKER, contact(ConsentGiver::Self_), fields).expect("stored");
    let subject = stored.subject.expect("a person");
    let consent = world.facts(stored.id).bases[0].consent.expect("it rests on a consent");
    withdrawn(world, subject, consent).expect("withdrawn");
    (stored.id, subject)
}

#[test]
fn no_basis_that_a_worker_brings_undoes_a_withdrawal() {
    let world = World::new();
    let (id, _) = taken_back(&world);
    let (version, end) = (world.version(id), world.facts(id).retain_until);
    let consented =
        |purpose: &str, basis: &str| claim_on(purpose, basis, Some(ConsentGiver::Self_));
    let claims: [BasisClaim; 6] = [
        contact(ConsentGiver::Self_),
        registration(),
        claim_on("emergency_evacuation", "emergency_response", None),
        claim_on("employment_aid", "employment_application", None),
        consented("elder_visit", "elder_visit_consent"),
        consented("elder_visit", "elder_visit_separate_consent"),
    ];
    for claim in claims {
        let purpose = claim.purpose.clone();
        for fields in [json!({}), json!({"name": "王卫"}), json!({"phone": null})] {
            let patched = world.patch(HEAD, &purpose, id, fields.clone(), Some(claim.clone()));
            assert_eq!(patched, Err(Code::ConsentWithdrawn), "{purpose} {fields}");
        }
        for who in [WORKER, HEAD] {
            let read = world.read(who, &purpose, id, &["name"]).map(drop);
            assert_eq!(read, Err(Code::ConsentWithdrawn), "{purpose}");
        }
    }
    let facts = world.facts(id);
    assert_eq!((world.version(id), facts.retain_until, facts.bases.len()), (version, end, 1));
}

#[test]
fn a_correction_brings_nothing_back_that_was_taken_back() {
    let world = World::new();
    let (id, _) = taken_back(&world);
    for fields in [json!({}), json!({"name": "王卫"}), json!({"name": "王卫", "phone": null})] {
        let patched = world.patch(HEAD, CORRECTION, id, fields, None);
        assert_eq!(patched, Err(Code::ConsentWithdrawn));
    }
    let claim = claim_on(CORRECTION, "pipl_accuracy_duty", None);
    let patched = world.patch(HEAD, CORRECTION, id, json!({}), Some(claim));
    assert_eq!(patched, Err(Code::ConsentWithdrawn));
    let read = world.read(HEAD, CORRECTION, id, &["name"]).map(drop);
    assert_eq!(read, Err(Code::ConsentWithdrawn));
}

#[test]
fn what_rests_on_nothing_is_taken_away_from_and_ends_as_it_would() {
    let world = World::new();
    let (id, _) = taken_back(&world);
    let end = world.facts(id).retain_until;
    assert!(world.patch(WORKER, CONTACT, id, json!({"phone": null}), None).is_ok());
    assert!(world.facts(id).rests_on_nothing());
    assert_eq!(world.facts(id).retain_until, end);
}

#[test]
fn a_purpose_whose_consent_was_taken_back_gets_no_other_one_from_a_worker_while_a_duty_carries_the_record()
 {
    let world = World::new();
    let (id, subject) = adult(&world);
    let claim = || Some(contact(ConsentGiver::Self_));
    assert_eq!(world.patch(WORKER, CONTACT, id, json!({}), claim()), Ok(2));
    let consent = world.facts(id).bases[1].consent.expect("a consent");
    withdrawn(&world, subject, consent).expect("withdrawn");
    for fields in [json!({}), json!({"contact_hours": ["morning"]})] {
        let patched = world.patch(WORKER, CONTACT, id, fields, claim());
        assert_eq!(patched, Err(Code::ConsentWithdrawn));
    }
    let read = || world.read(WORKER, CONTACT, id, &["phone"]).map(drop);
    assert_eq!(read(), Err(Code::ConsentWithdrawn));
    // The register goes on, and the desk writes down what is given anew.
    assert_eq!(world.patch(WORKER, REGISTRATION, id, json!({"name": "王卫"}), None), Ok(4));
    given(&world, subject, id, TODAY).expect("given anew");
    assert_eq!(read(), Ok(()));
}

#[test]
fn a_consent_is_given_anew_behind_the_withdrawal_and_not_dug_out_from_before() {
    let world = World::new();
    let (id, subject) = taken_back(&world);
    let yesterday = TODAY.yesterday().expect("a day before");
    assert_eq!(given(&world, subject, id, yesterday), Err(Code::BasisMissing));
    assert!(world.facts(id).rests_on_nothing());
    given(&world, subject, id, TODAY).expect("given anew");
    assert!(world.read(WORKER, CONTACT, id, &["name"]).is_ok());
}

#[test]
fn a_duty_collects_anew_in_a_record_of_its_own() {
    let world = World::new();
    let (id, _) = taken_back(&world);
    let fields = json!({"name": "王伟", "phone": "12900001234"});
    let own = world.create(WORKER, registration(), fields).expect("stored").id;
    assert!(world.read(WORKER, REGISTRATION, own, &["name"]).is_ok());
    assert!(world.facts(id).rests_on_nothing());
}
