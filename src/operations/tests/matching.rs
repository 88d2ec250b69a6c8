//! Requirements on the match as an operation: what it says, what it costs, and where its link leads.
//! Never to one of several people.
//! A distinct value is charged whether or not it is held.

use super::world::*;
use crate::access::Code;
use crate::limits::MATCH_VALUES_DAY_MAX;
use crate::purposes::ConsentGiver;
use serde_json::json;

const PURPOSE: &str = "residence_registration";

fn told(world: &World, who: crate::access::ActorId, value: &str) -> (bool, bool) {
    let matched = world.matched(who, PURPOSE, "phone", value).expect("an answer");
    (matched.held, matched.link.is_some())
}

#[test]
fn a_hit_comes_with_a_link_to_its_subject() {
    let world = World::new();
    let (_, subject) = adult(&world);
    let matched = world.matched(WORKER, PURPOSE, "phone", "129-0000-1234").expect("an answer");
    assert!(matched.held);
    let link = matched.link.expect("a link");
    assert_eq!(world.seal.follow(WORKER, link.as_str(), NOW), Some(subject));
    assert_eq!(told(&world, WORKER, "12900009999"), (false, false));
}

#[test]
fn what_is_held_elsewhere_is_not_held() {
    let world = World::new();
    adult(&world);
    assert_eq!(told(&world, NEIGHBOUR, "12900001234"), (false, false));
}

#[test]
fn a_value_that_people_share_has_no_link() {
    let world = World::new();
    let (_, first) = adult(&world);
    let fields = || json!({"name": "王伟", "phone": "12900001234"});
    // A second record about the same person is no second person.
    let mut request = person(registration(), fields());
    request.subject = Some(first.to_string());
    assert!(world.create_request(WORKER, request).is_ok());
    assert_eq!(told(&world, WORKER, "12900001234"), (true, true));
    // An old couple shares a telephone: nobody says which of them is meant.
    assert!(world.create(WORKER, registration(), fields()).is_ok());
    assert_eq!(told(&world, WORKER, "12900001234"), (true, false));
}

#[test]
fn a_match_by_consent_finds_what_was_given_for_it() {
    let world = World::new();
    let (id, _) = adult(&world);
    let held = |world: &World| {
        let matched = world.matched(WORKER, "household_contact", "phone", "12900001234");
        matched.expect("an answer").held
    };
    assert!(!held(&world));
    let claim = Some(contact(ConsentGiver::Self_));
    assert_eq!(world.patch(WORKER, "household_contact", id, json!({}), claim), Ok(2));
    assert!(held(&world));
}

#[test]
fn a_removed_record_is_not_matched() {
    let world = World::new();
    let (id, _) = adult(&world);
    let head = world.actor(HEAD);
    assert!(wait(world.delete_async(&head, id, 1)).is_ok());
    assert_eq!(told(&world, WORKER, "12900001234"), (false, false));
}

#[test]
fn distinct_values_are_counted_to_the_days_limit_and_repeated_ones_once() {
    let world = World::new();
    for number in 0..MATCH_VALUES_DAY_MAX {
        let value = format!("1290001{number:04}");
        assert!(world.matched(WORKER, PURPOSE, "phone", &value).is_ok(), "{number}");
    }
    let matched = |value| world.matched(WORKER, PURPOSE, "phone", value).map(|found| found.held);
    assert_eq!(matched("12900020000"), Err(Code::RevealLimit));
    assert_eq!(matched("+86 129 0001 0000"), Ok(false));
    // Under another purpose or by another spelling it is the same day.
    let matched = world.matched(WORKER, PURPOSE, "id_number", "880102195203121043");
    assert_eq!(matched.err(), Some(Code::RevealLimit));
    // Another actor has a day of its own.
    assert!(world.matched(HEAD, PURPOSE, "phone", "12900020000").is_ok());
}

#[test]
fn a_match_that_is_refused_costs_nothing() {
    let world = World::new();
    for _ in 0..3 {
        let matched = world.matched(WORKER, PURPOSE, "name", "王伟");
        assert_eq!(matched.err(), Some(Code::Denied));
    }
    for number in 0..MATCH_VALUES_DAY_MAX {
        let value = format!("1290001{number:04}");
        assert!(world.matched(WORKER, PURPOSE, "phone", &value).is_ok(), "{number}");
    }
}
