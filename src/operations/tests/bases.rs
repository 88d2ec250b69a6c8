//! Requirements on bases in whole operations: what is collected has one, of the right kind, for the same purpose.
//! Never by an empty patch, and never by what was given for something else.
//! A sensitive field needs more than plain consent.

use super::world::*;
use crate::access::Code;
use crate::ambient::Micros;
use crate::operations::CreateRequest;
use crate::purposes::ConsentGiver;
use crate::records::{RecordType, days_since_epoch};
use serde_json::json;

const VISIT: &str = "elder_visit";

#[test]
fn a_sensitive_field_is_not_added_to_what_rests_on_plain_consent() {
    let world = World::new();
    let by = |basis: &str| claim_on(VISIT, basis, Some(ConsentGiver::Self_));
    let plain = by("elder_visit_consent");
    let id = world.create(HEAD, plain, json!({"name": "王伟"})).expect("created").id;
    let tag = || json!({"assistance_tag": ["lives_alone"]});
    let tag = || {
        let list = crate::records::SchemaSet::built_in().expect("schemas");
        let list = list.code_list("assistance_tag").expect("a code list");
        let mut tag = tag();
        tag["assistance_tag"] = json!([list.codes()[0].code]);
        tag
    };
    let patched = |claim| world.patch(HEAD, VISIT, id, tag(), claim);
    assert_eq!(patched(None).err(), Some(Code::BasisMissing));
    assert_eq!(patched(Some(by("elder_visit_consent"))).err(), Some(Code::BasisMissing));
    // Its general fields may be corrected under the consent that is there.
    assert_eq!(world.patch(HEAD, VISIT, id, json!({"name": "王卫"}), None), Ok(2));
    assert_eq!(patched(Some(by("elder_visit_separate_consent"))), Ok(3));
    assert_eq!(patched(None), Ok(4));
    let held = world.facts(id);
    assert_eq!(held.bases.len(), 1);
    assert_eq!(held.bases[0].legal_basis, "elder_visit_separate_consent");
}

#[test]
fn what_is_held_for_one_purpose_is_not_collected_for_another_without_a_basis() {
    let world = World::new();
    let (id, _) = adult(&world);
    let contact_purpose = "household_contact";
    let patched =
        |claim| world.patch(WORKER, contact_purpose, id, json!({"phone": "12900005678"}), claim);
    assert_eq!(patched(None).err(), Some(Code::BasisMissing));
    // A claim for the purpose at hand, not for the one that it is held for.
    assert_eq!(patched(Some(registration())).err(), Some(Code::SchemaInvalid));
    assert_eq!(world.read(WORKER, contact_purpose, id, &["phone"]).err(), Some(Code::BasisMissing));
    assert_eq!(patched(Some(contact(ConsentGiver::Self_))), Ok(2));
    assert_eq!(world.facts(id).bases.len(), 2);
    let read = world.read(WORKER, contact_purpose, id, &["phone"]);
    assert_eq!(read, Ok(json!({"phone": "12900005678"})));
}

#[test]
fn an_empty_patch_adds_a_basis_only_where_something_may_be_written() {
    let world = World::new();
    let (id, _) = adult(&world);
    // Named by the purpose, but to read inside a task alone.
    let claim = claim_on(VISIT, "elder_visit_consent", Some(ConsentGiver::Self_));
    let patched = world.patch(WORKER, VISIT, id, json!({}), Some(claim));
    assert_eq!(patched.err(), Some(Code::Denied));
    assert_eq!(world.facts(id).bases.len(), 1);
    let claim = Some(contact(ConsentGiver::Self_));
    assert_eq!(world.patch(WORKER, "household_contact", id, json!({}), claim), Ok(2));
}

#[test]
fn a_consent_and_a_check_of_today_are_taken_from_the_first_second_of_the_countrys_day() {
    let world = World::new();
    let worker = world.actor(WORKER);
    let created = |now| {
        let fields = json!({"name": "王伟", "phone": "12900001234"});
        let request = person(contact(ConsentGiver::Self_), fields);
        done(wait(world.create_once(&worker, "household_contact", request, now, None))).err()
    };
    let checked = |now| {
        let request =
            person(registration(), json!({"name": "王伟", "verified_at": TODAY.to_string()}));
        done(wait(world.create_once(&worker, "residence_registration", request, now, None))).err()
    };
    // 2027-01-14T16:00:00Z is the beginning of the fifteenth, on which all of them were given.
    let begins = Micros::of_local_day(days_since_epoch(TODAY));
    let earlier = Micros(begins.0 - 1_000_000);
    assert_eq!((created(earlier), created(begins)), (Some(Code::BasisMissing), None));
    assert_eq!((checked(earlier), checked(begins)), (Some(Code::SchemaInvalid), None));
}

fn place(claim: crate::purposes::BasisClaim) -> CreateRequest {
    CreateRequest {
        record_type: RecordType::Place,
        fields: map(json!({"address": "工农路58号", "kind": "dwelling"})),
        ..person(claim, json!({}))
    }
}

#[test]
fn a_person_comes_into_a_record_about_nobody_only_with_a_basis() {
    let world = World::new();
    let id = world.create_request(WORKER, place(registration())).expect("created").id;
    assert!(world.facts(id).subject_handles.is_empty());
    let safety = "safety_inspection";
    let owner = || json!({"owner_name": "李娜", "owner_phone": "12900001234"});
    assert_eq!(world.patch(WORKER, safety, id, owner(), None).err(), Some(Code::BasisMissing));
    // What is about nobody needs none.
    let patched = world.patch(WORKER, safety, id, json!({"inspected_on": "2027-01-10"}), None);
    assert_eq!(patched, Ok(2));
    let claim = Some(claim_on(safety, "fire_safety_duty", None));
    assert_eq!(world.patch(WORKER, safety, id, owner(), claim), Ok(3));
    assert_eq!(world.facts(id).subject_handles.len(), 1);
}

#[test]
fn a_claim_names_the_purpose_of_the_request() {
    let world = World::new();
    let actor = world.actor(WORKER);
    let request = person(contact(ConsentGiver::Self_), json!({"name": "王伟"}));
    let created = wait(world.create_async(&actor, "residence_registration", request));
    assert_eq!(done(created).err(), Some(Code::SchemaInvalid));
}

#[test]
fn a_wrong_claim_stores_nothing() {
    let world = World::new();
    let mut wrong_notice = registration();
    wrong_notice.notice = "household_contact_notice_1".to_owned();
    let mut wrong_basis = registration();
    wrong_basis.legal_basis = "household_contact_consent".to_owned();
    let mut no_consent = contact(ConsentGiver::Self_);
    no_consent.consent = None;
    for claim in [wrong_notice, wrong_basis, no_consent] {
        let created = world.create(WORKER, claim, json!({"name": "王伟"}));
        assert_eq!(created.err(), Some(Code::BasisMissing));
    }
}

#[test]
fn a_subject_is_taken_over_only_by_who_may_know_it_or_holds_a_link() {
    let world = World::new();
    let (_, subject) = adult(&world);
    let beside = |given: &str| {
        let mut request = person(registration(), json!({"name": "王伟"}));
        request.grid = NEXT.to_owned();
        request.subject = Some(given.to_owned());
        world.create_request(NEIGHBOUR, request)
    };
    assert_eq!(beside(&subject.to_string()).err(), Some(Code::NotFound));
    let link = |actor| world.seal.link(actor, subject, NOW).expect("a link").as_str().to_owned();
    assert_eq!(beside(&link(WORKER)).err(), Some(Code::NotFound));
    let created = beside(&link(NEIGHBOUR)).expect("created");
    assert_eq!(created.subject, Some(subject));
    for nobody in ["", "x", "01921234-5678-7fff-bfff-ffffffffffff", &"a".repeat(10_000)] {
        assert_eq!(beside(nobody).err(), Some(Code::NotFound), "{nobody:.20}");
    }
}
