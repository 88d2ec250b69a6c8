//! Requirements on links: five minutes, one actor, one subject.
//! Never a word about the subject in the handle.
//! Anything else leads nowhere.

use super::world::*;
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::limits::LINK_SECONDS;
use crate::seal::Seal;

const OTHER: ActorId = ActorId::from_bytes([9; 16]);

fn seal() -> Seal {
    Seal::new(keyring(), SCHEMAS.clone()).expect("a seal")
}

fn later(seconds: i64) -> Micros {
    Micros(NOW.0 + seconds * 1_000_000)
}

#[test]
fn a_link_leads_its_actor_to_its_subject_for_five_minutes() {
    let seal = seal();
    let link = seal.link(WORKER, subject(1), NOW).expect("a link");
    assert_eq!(seal.follow(WORKER, link.as_str(), NOW), Some(subject(1)));
    assert_eq!(seal.follow(WORKER, link.as_str(), later(LINK_SECONDS - 1)), Some(subject(1)));
    assert_eq!(seal.follow(WORKER, link.as_str(), later(LINK_SECONDS)), None);
    assert_eq!(seal.follow(WORKER, link.as_str(), later(LINK_SECONDS + 1)), None);
}

#[test]
fn a_link_leads_nobody_else_and_in_no_other_vault() {
    let seal = seal();
    let link = seal.link(WORKER, subject(1), NOW).expect("a link");
    assert_eq!(seal.follow(OTHER, link.as_str(), NOW), None);
    let foreign = Seal::new(new_keyring(), SCHEMAS.clone()).expect("a seal");
    assert_eq!(foreign.follow(WORKER, link.as_str(), NOW), None);
}

#[test]
fn a_changed_link_leads_nowhere() {
    let seal = seal();
    let link = seal.link(WORKER, subject(1), NOW).expect("a link");
    let text = link.as_str();
    for place in 0..text.len() {
        for other in ["A", "_", "=", " "] {
            let mut changed = text.to_owned();
            changed.replace_range(place..=place, other);
            if changed != text {
                assert_eq!(seal.follow(WORKER, &changed, NOW), None, "{place}");
            }
        }
    }
    for other in ["", "=", "网格", &text[1..], &format!("{text}A"), &subject(1).to_string()] {
        assert_eq!(seal.follow(WORKER, other, NOW), None, "{other}");
    }
}

#[test]
fn two_links_to_one_subject_do_not_show_that_they_are() {
    let seal = seal();
    let [one, two] =
        [1, 2].map(|_| seal.link(WORKER, subject(1), NOW).expect("a link").as_str().to_owned());
    assert_ne!(one, two);
    // Format, suite, kind and key id are the same for everything; nothing behind them is.
    assert_ne!(one[15..30], two[15..30]);
}
