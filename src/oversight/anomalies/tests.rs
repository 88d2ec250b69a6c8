//! Requirements on the search as a whole: what is published is looked at, what is found is the same however often it is.
//! Never a list by anything but the order of the log, and never more kept than there is room for.
//! The rules have their fixtures beside them.

use super::memory::{Standpoint, keep, recall};
use super::rules::fixture::{self, Log, SCHEMAS, all, thresholds};
use super::watch::{RULES_VERSION, Watch};
use super::*;
use crate::limits::{ANOMALY_ACTORS_COUNT_MAX, ANOMALY_KEEP_ENTRIES_COUNT};
use crate::oversight::world::{START, World, signer, until};
use gridvault_audit::{Draft, Event, Minimum, Outcome, prune};

fn start(world: &World) -> Anomalies {
    started(world, |_| false)
}

/// With officers who opened reviews over some of what was found.
fn started(world: &World, is_reviewed: impl Fn(&AnomalyId) -> bool + Send + 'static) -> Anomalies {
    let watching = Watching {
        directory: world.directory.path().join("anomalies"),
        log: world.reader(),
        has_room: Box::new(|| true),
        thresholds: thresholds(),
        schemas: SCHEMAS.clone(),
        is_own: Box::new(|_, _| false),
        lapsed: Box::new(|_, _, _| None),
        is_reviewed: Box::new(is_reviewed),
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
        kept.add(Arc::new(anomaly.clone()), 3);
    }
    assert_eq!((kept.first, kept.anomalies.len()), (0, 3));
    kept.add(Arc::new(found[3].clone()), 3);
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
        entry.who = Some(crate::access::ActorId::from_bytes(id).to_string().into());
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

/// Days of work in which every rule but those of an ended account and of emergencies finds something, and these.
fn busy_days() -> Log {
    let mut log = Log::new();
    for day in 1..=12 {
        log.reads(1, day, 9, 12);
        log.reads(2, day, 10, 15);
        for field in ["id_number", "phone"] {
            for _ in 0..9 {
                log.shows(3, day, 11, field, "raw");
            }
        }
        for _ in 0..(day % 3) * 6 {
            log.refused(4, day, 12, "not_found");
        }
        log.about(1, day, 13, "read", fixture::OWN);
    }
    log.reads(2, 12, 23, 80);
    log.reads(1, 13, 9, 200);
    for _ in 0..40 {
        log.refused(4, 13, 14, "reveal_limit");
    }
    log.page(5, 13, 15, 70, "raw");
    let opened = log.entries.last().map_or(0, |entry| entry.t) + 1;
    let facts = serde_json::json!({"review_by": opened + 72 * 3_600_000_000_u64, "tier": "alone"});
    log.acts(2, opened, "break_glass", "open", facts);
    log.ended(1, 14, 9, "assignment", "end");
    log.reads(2, 18, 9, 1);
    log
}

#[test]
fn whoever_goes_on_from_the_end_of_any_day_finds_what_an_uninterrupted_walk_finds() {
    let log = busy_days();
    let whole = all(&log);
    let rules: std::collections::BTreeSet<RuleName> = whole.iter().map(|one| one.rule).collect();
    assert!(rules.len() >= 7, "{rules:?}");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("memory");
    let (mut watch, mut found, mut turns) = (fixture::watch(), Vec::new(), 0);
    for entry in &log.entries {
        if let Some(ended) = watch.turn(entry) {
            found.extend(ended);
            turns += 1;
            let standpoint = Standpoint { next: entry.seq, leaf: [1; 32], rules: [2; 32] };
            let so_far = FoundSoFar::of(7, found.iter());
            keep(&path, standpoint, watch.memory(), &so_far).expect("written");
            let recalled = recall(&path).expect("what was written");
            assert_eq!((recalled.standpoint, recalled.first), (standpoint, 7));
            assert_eq!(recalled.anomalies, found, "found until then");
            watch = fixture::watch();
            watch.recall(recalled.memory);
        }
        found.extend(watch.observe(entry));
    }
    assert_eq!((turns, found), (15, whole));
}

/// Whoever changes what a rule finds sees this fail, and raises `RULES_VERSION` with it.
#[test]
fn what_the_rules_find_is_that_of_their_version() {
    let ids: Vec<u8> = all(&busy_days()).iter().flat_map(|found| found.id.0).collect();
    let digest = ring::digest::digest(&ring::digest::SHA256, &ids);
    let digest: String = digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((RULES_VERSION, &*digest), (2, "d314ff32f9406fdc"));
}

#[test]
fn what_is_kept_with_a_flipped_bit_or_cut_short_is_no_memory() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("memory");
    assert!(recall(&path).is_none());
    let standpoint = Standpoint { next: 1, leaf: [1; 32], rules: [2; 32] };
    let nothing = FoundSoFar::of(0, std::iter::empty());
    keep(&path, standpoint, fixture::watch().memory(), &nothing).expect("written");
    let whole = std::fs::read(&path).expect("bytes");
    assert!(recall(&path).is_some());
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        std::fs::write(&path, &flipped).expect("written");
        assert!(recall(&path).is_none(), "byte {at}");
        std::fs::write(&path, &whole[..at]).expect("written");
        assert!(recall(&path).is_none(), "{at} bytes");
    }
}

/// A log of two days, the first of them long enough to be kept.
fn two_days() -> World {
    let mut world = World::new();
    let count = ANOMALY_KEEP_ENTRIES_COUNT;
    let entry = |seq: u64, time: u64| {
        let mut draft = Draft::new(Event::AccessDenied, Outcome::Denied, [seq as u8; 16]);
        draft.who = Some([7; 16]);
        draft.why = Some("not_found".into());
        draft.encode(seq, time, seq).expect("an entry")
    };
    let mut entries: Vec<Vec<u8>> = (0..count).map(|seq| entry(seq, START + seq)).collect();
    entries.extend((count..count + 9).map(|seq| entry(seq, START + 86_400_000_000 + seq)));
    world.log.append(0, &entries).expect("room");
    world.log.publish(&signer()).expect("a checkpoint");
    world
}

fn memory_of(world: &World) -> std::path::PathBuf {
    world.directory.path().join("anomalies").join("memory")
}

#[test]
fn a_start_goes_on_from_the_day_that_was_kept_and_walks_anew_where_that_is_of_another_log_or_other_rules()
 {
    let world = two_days();
    let size = ANOMALY_KEEP_ENTRIES_COUNT + 9;
    let first = start(&world);
    until(|| first.state().through == size);
    let found = listed(&first);
    assert_eq!(found.len(), 1, "the second day has nine refusals");
    drop(first);
    let recalled = recall(&memory_of(&world)).expect("the first day");
    assert_eq!(recalled.standpoint.next, ANOMALY_KEEP_ENTRIES_COUNT);
    // A mark by which what was recalled is told from what was found again.
    let marked = |standpoint: Standpoint| {
        let mut one = found[0].clone();
        one.at = 1;
        keep(
            &memory_of(&world),
            standpoint,
            &recalled.memory,
            &FoundSoFar::of(0, [&one].into_iter()),
        )
        .expect("written");
        let again = start(&world);
        until(|| again.state().through == size);
        listed(&again)
    };
    let kept = recalled.standpoint;
    assert_eq!(marked(kept)[0].at, 1);
    assert_eq!(marked(Standpoint { leaf: [0; 32], ..kept }), found);
    assert_eq!(marked(Standpoint { rules: [0; 32], ..kept }), found);
    assert_eq!(marked(Standpoint { next: size + 1, ..kept }), found);
}

#[test]
fn a_word_of_the_administrator_has_everything_found_anew() {
    let world = two_days();
    let size = ANOMALY_KEEP_ENTRIES_COUNT + 9;
    let anomalies = start(&world);
    until(|| anomalies.state().through == size);
    let found = listed(&anomalies);
    std::fs::write(memory_of(&world), b"nothing").expect("written");
    anomalies.search_again();
    // It is kept again on the way.
    until(|| recall(&memory_of(&world)).is_some());
    until(|| anomalies.state().through == size);
    assert_eq!(listed(&anomalies), found);
}

#[test]
fn a_start_over_a_log_whose_beginning_was_pruned_begins_with_what_is_left() {
    let mut world = World::with(600);
    prune(&world.reader(), Minimum { index: 512, recorded: 599 }).expect("pruned");
    let anomalies = start(&world);
    until(|| anomalies.state().through == 600);
    refuse(&mut world, 7, 10);
    until(|| anomalies.state().through == 610);
    assert!(!anomalies.state().failing);
    assert_eq!(listed(&anomalies).len(), 1);
}

#[test]
fn what_an_officer_looked_into_survives_a_rebuild_after_its_entries_were_pruned_and_nothing_else_does()
 {
    let mut world = World::with(300);
    for who in [7, 8] {
        refuse(&mut world, who, 10);
    }
    refuse(&mut world, 9, 1);
    refuse(&mut world, 10, 10);
    let reviewed = AnomalyId([0; 16]);
    let shared = Arc::new(std::sync::Mutex::new(reviewed));
    let asked = shared.clone();
    let anomalies = started(&world, move |id| *asked.lock().expect("a lock") == *id);
    until(|| anomalies.state().through == world.log.size());
    let found = listed(&anomalies);
    let of = |who: u8| found.iter().find(|one| one.actor.as_bytes()[0] == who).expect("found");
    assert_eq!(found.len(), 3);
    *shared.lock().expect("a lock") = of(7).id;
    // All but the last bundle goes.
    refuse(&mut world, 11, 280);
    until(|| anomalies.state().through == world.log.size());
    let recorded = world.log.size() - 1;
    prune(&world.reader(), Minimum { index: 512, recorded }).expect("pruned");
    anomalies.search_again();
    until(|| listed(&anomalies).iter().all(|one| one.actor.as_bytes()[0] != 8));
    until(|| anomalies.state().through == world.log.size());
    let left: Vec<Anomaly> = listed(&anomalies);
    assert!(left.contains(of(7)), "it was looked into");
    assert!(!left.contains(of(8)), "nobody looked into it, and the log gives it no more");
    assert_eq!(anomalies.get(&of(7).id).as_deref(), Some(of(7)));
    drop(anomalies);
    // So does a start that follows.
    let (asked, through) = (shared.clone(), world.log.size());
    let again = started(&world, move |id| *asked.lock().expect("a lock") == *id);
    until(|| again.state().through == through);
    assert!(again.get(&of(7).id).is_some() && again.get(&of(8).id).is_none());
    drop(again);
    // Rules that changed lead to the same, by what was kept under the former ones.
    let leaf = world.reader().leaf(recorded).expect("a leaf");
    let standpoint = Standpoint { next: recorded + 1, leaf, rules: [0; 32] };
    let kept = FoundSoFar::of(0, found.iter());
    keep(&memory_of(&world), standpoint, fixture::watch().memory(), &kept).expect("written");
    let again = started(&world, move |id| *shared.lock().expect("a lock") == *id);
    until(|| again.state().through == world.log.size());
    assert!(again.get(&of(7).id).is_some() && again.get(&of(8).id).is_none());
}

#[test]
fn a_search_whose_thread_ended_by_a_defect_says_that_it_fails() {
    let mut world = World::with(10);
    let mut draft = Draft::new(Event::DataRead, Outcome::Success, [1; 16]);
    (draft.who, draft.sub) = (Some([7; 16]), vec![[8; 16]]);
    let seq = world.log.size();
    let entry = draft.encode(seq, START + seq * 1_000, seq).expect("an entry");
    world.log.append(seq, &[entry]).expect("room");
    world.log.publish(&signer()).expect("a checkpoint");
    let watching = Watching {
        directory: world.directory.path().join("anomalies"),
        log: world.reader(),
        has_room: Box::new(|| true),
        thresholds: thresholds(),
        schemas: SCHEMAS.clone(),
        is_own: Box::new(|_, _| panic!("a defect")),
        lapsed: Box::new(|_, _, _| None),
        is_reviewed: Box::new(|_| false),
    };
    let anomalies = Anomalies::start(watching).expect("a thread");
    until(|| anomalies.state().failing);
    anomalies.search_again();
    assert!(anomalies.state().failing);
}
