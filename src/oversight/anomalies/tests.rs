//! Requirements on the search as a whole: what is published is looked at, what is found is the same however often it is.
//! Never a list by anything but the order of the log, and never more kept than there is room for.
//! The rules have their fixtures beside them.

use super::rules::fixture::{self, Log, SCHEMAS, all, thresholds};
use super::watch::Watch;
use super::*;
use crate::limits::ANOMALY_ACTORS_COUNT_MAX;
use crate::oversight::world::{START, World, signer, until};
use gridvault_audit::{Draft, Event, Outcome};

fn start(world: &World) -> Anomalies {
    let watching = Watching {
        log: world.reader(),
        thresholds: thresholds(),
        schemas: SCHEMAS.clone(),
        is_own: Box::new(|_, _| false),
    };
    Anomalies::start(watching).expect("a thread")
}

/// So many refusals of one account, published.
fn refuse(world: &mut World, who: u8, count: u64) {
    let first = world.log.size();
    let entries: Vec<Vec<u8>> = (first..first + count)
        .map(|seq| {
            let mut draft = Draft::new(Event::AccessDenied, Outcome::Denied, [seq as u8; 16]);
            draft.who = Some([who; 16]);
            draft.why = Some("not_found".into());
            draft.encode(seq, START + seq * 1_000, seq).expect("an entry")
        })
        .collect();
    world.log.append(first, &entries).expect("room");
    world.log.publish(&signer()).expect("a checkpoint");
}

fn listed(anomalies: &Anomalies) -> Vec<Anomaly> {
    let mut listed = Vec::new();
    anomalies.walk_back(None, |_, anomaly| {
        listed.push(Anomaly::clone(anomaly));
        true
    });
    listed
}

#[test]
fn what_is_published_is_looked_at_and_found_again_by_another_start() {
    let mut world = World::with(300);
    refuse(&mut world, 7, 9);
    let anomalies = start(&world);
    until(|| anomalies.state().through == 309);
    assert!(listed(&anomalies).is_empty());
    refuse(&mut world, 7, 1);
    refuse(&mut world, 8, 10);
    until(|| anomalies.state().through == 320);
    let found = listed(&anomalies);
    let whose: Vec<u8> = found.iter().map(|one| one.actor.as_bytes()[0]).collect();
    assert_eq!(whose, [8, 7], "the newest first");
    assert_eq!(found[1].entries, (300..310).collect::<Vec<u64>>());
    assert_eq!(anomalies.get(&found[1].id).as_deref(), Some(&found[1]));
    let again = start(&world);
    until(|| again.state().through == 320);
    assert_eq!(listed(&again), found);
}

#[test]
fn no_more_are_kept_than_there_is_room_for_and_the_oldest_go() {
    let mut log = Log::new();
    for day in 1..=4 {
        for _ in 0..10 {
            log.refused(1, day, 9, "not_found");
        }
    }
    let found = all(&log);
    assert_eq!(found.len(), 4);
    let mut kept = Found::default();
    for anomaly in &found[..3] {
        kept.add(anomaly.clone(), 3);
    }
    assert_eq!((kept.first, kept.anomalies.len()), (0, 3));
    kept.add(found[3].clone(), 3);
    assert_eq!((kept.first, kept.anomalies.len(), kept.numbers.len()), (1, 3, 3));
    assert!(!kept.numbers.contains_key(&found[0].id));
    assert_eq!(kept.numbers[&found[3].id], 3, "a number is kept");
}

#[test]
fn accounts_beyond_those_that_can_be_followed_are_counted_and_no_others_suffer() {
    let mut log = Log::new();
    log.refused(1, 1, 9, "not_found");
    let template = log.entries[0].clone();
    let mut watch: Watch = fixture::watch();
    let mut refuse = |who: u32| {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&who.to_be_bytes());
        let mut entry = template.clone();
        entry.who = Some(crate::access::ActorId::from_bytes(id).to_string());
        watch.observe(&entry);
        watch.unfollowed_count()
    };
    let most = ANOMALY_ACTORS_COUNT_MAX as u32;
    let followed = (0..most).map(&mut refuse).max();
    assert_eq!(followed, Some(0));
    assert_eq!(refuse(most), 1);
    assert_eq!(refuse(0), 1, "whoever is followed already goes on");
}

#[test]
fn whoever_was_away_for_more_than_thirty_days_begins_anew() {
    let mut log = Log::new();
    for day in 1..=10 {
        log.reads(1, day, 9, 20);
    }
    log.reads(2, 45, 9, 1);
    log.reads(1, 46, 9, 100);
    log.ended(1, 46, 12, "assignment", "end");
    let found = all(&log).into_iter().map(|one| one.rule).filter(|rule| *rule != RuleName::Sweep);
    assert_eq!(found.count(), 0, "there is no past to compare with");
}

#[test]
fn what_has_no_account_and_what_is_no_work_with_data_shows_nothing() {
    let mut log = Log::new();
    for _ in 0..50 {
        log.refused(1, 1, 9, "not_found");
        log.ended(1, 1, 9, "audit", "read");
    }
    for entry in &mut log.entries {
        if entry.ev == "access" {
            entry.who = None;
        }
    }
    assert!(all(&log).is_empty());
}

#[test]
fn every_rule_has_a_word_and_says_itself_in_both_languages() {
    let mut words = std::collections::BTreeSet::new();
    for rule in RuleName::ALL {
        assert_eq!(RuleName::parse(rule.as_str()), Some(rule));
        let (zh, en) = rule.words();
        assert!(words.insert(zh) && words.insert(en) && words.insert(rule.as_str()));
        assert!(!zh.is_ascii() && en.is_ascii());
    }
    assert_eq!(RuleName::parse("rank"), None);
}
