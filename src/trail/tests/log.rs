//! From the journal into the log: checkpoints in time, nothing left out at the end, times in order.
//! Never believes a receipt without its proof.
//! The real clock is used in one test alone, and waited for with a bound.

use super::world::{NOW, ORIGIN, World, keyring, log_signer, owned, permit};
use super::{later, wait};
use crate::ambient::{Clock, HostClock, Micros};
use crate::limits::CHECKPOINT_INTERVAL;
use crate::trail::{Announcement, TrailError};
use gridvault_audit::LogReader;
use gridvault_audit::NoteSigner as _;
use gridvault_audit::verify::{VerifierKey, verify_proof};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn times(entries: &[(Vec<u8>, Vec<crate::store::Op>)]) -> Vec<i64> {
    entries
        .iter()
        .map(|(entry, _)| {
            let entry: serde_json::Value = serde_json::from_slice(entry).expect("an entry");
            entry["t"].as_i64().expect("a time")
        })
        .collect()
}

#[test]
fn a_checkpoint_covers_an_entry_within_a_second() {
    assert!(CHECKPOINT_INTERVAL + CHECKPOINT_INTERVAL / 4 < Duration::from_secs(1));
    let world = World::new();
    let run = world.start_with(Arc::new(HostClock::new()), Vec::new()).expect("a trail");
    for _ in 0..3 {
        let began = Instant::now();
        let recorded = wait(run.trail.announce(Announcement::Init)).expect("recorded");
        wait(run.trail.covered(recorded.index())).expect("covered");
        // More than the promise, because other tests share the machine; the pace itself is checked above.
        assert!(began.elapsed() < Duration::from_secs(5));
        let log = LogReader::open(&world.path("log"), ORIGIN).expect("a log");
        assert!(log.size().expect("a checkpoint") > recorded.index());
    }
    run.stop();
    world.story();
}

/// A first start that ends right behind its first entry: the next one must not say once more that the vault was made.
#[test]
fn only_a_start_that_finds_no_entry_begins_a_log() {
    let world = World::on_sled();
    let run = world.start().expect("a trail");
    assert!(run.trail.began_empty());
    wait(run.trail.announce(Announcement::Init)).expect("recorded");
    assert!(run.trail.began_empty(), "it is about the start");
    world.abandon(run);
    let run = world.start().expect("a trail");
    assert!(!run.trail.began_empty());
    run.stop();
}

#[test]
fn whoever_waits_for_a_checkpoint_is_told_that_none_comes_any_more() {
    let world = World::new();
    let run = world.begin();
    wait(run.trail.covered(0)).expect("covered");
    std::fs::rename(world.path("log"), world.path("moved")).expect("moved");
    let recorded = run.write(1, 1).ok().expect("the journal has it");
    let covered = wait(run.trail.covered(recorded.index()));
    assert!(matches!(covered, Err(TrailError::Unavailable)));
    assert!(!run.trail.is_writable());
    // What was covered before stays so.
    wait(run.trail.covered(0)).expect("covered");
}

#[test]
fn whoever_waits_no_longer_than_so_long_is_told_when_it_is_over() {
    let world = World::new();
    let run = world.begin();
    let never = wait(run.trail.covered_within(u64::MAX, Duration::from_millis(1)));
    assert!(matches!(never, Err(TrailError::Unavailable)));
    run.stop();
}

#[test]
fn a_receipt_leads_to_a_proof_that_verifies() {
    let world = World::new();
    let run = world.begin();
    let recorded = run.write(1, 1).ok().expect("recorded");
    wait(run.trail.covered(recorded.index())).expect("covered");
    let log = LogReader::open(&world.path("log"), ORIGIN).expect("a log");
    let file = log.proof_file(recorded.index()).expect("a proof");
    let key = gridvault_audit::verifier_key(ORIGIN, &keyring().log_signer().public_key());
    let key = VerifierKey::parse(&key).expect("a key");
    assert!(verify_proof(file.as_bytes(), &key, recorded.leaf()).is_ok());
    assert!(verify_proof(file.as_bytes(), &key, &[0; 32]).is_err());
    assert_eq!(log_signer().key_name(), run.trail.origin());
    run.stop();
}

#[test]
fn an_orderly_stop_publishes_everything_and_is_the_last_entry() {
    let world = World::new();
    let run = world.begin();
    let recorded = run.write(1, 1).ok().expect("recorded");
    run.stop();
    let story = world.story();
    assert_eq!(story.entries.len() as u64, recorded.index() + 2);
    let (last, _) = story.entries.last().expect("entries");
    let last: serde_json::Value = serde_json::from_slice(last).expect("an entry");
    assert_eq!((&last["ev"], &last["act"]), (&"sys".into(), &"stop".into()));
    assert!(world.path("journal/mark").exists());
}

#[test]
fn nothing_is_taken_after_an_orderly_stop() {
    let world = World::new();
    let run = world.begin();
    wait(run.trail.stop()).expect("stopped");
    assert!(wait(run.trail.append(permit(owned(1)))).is_err());
    wait(run.trail.stop()).expect("stopped already");
    assert_eq!(world.story().entries.len(), 5);
}

#[test]
fn a_clock_that_is_set_back_does_not_turn_the_log_around() {
    let world = World::new();
    let run = world.begin();
    for now in [NOW.0 + 5, NOW.0 - 3_600_000_000, NOW.0 + 7, -1, NOW.0 + 6] {
        world.clock.now.store(now, Ordering::SeqCst);
        run.write(1, 1).ok().expect("recorded");
    }
    run.stop();
    let times = times(&world.story().entries[4..]);
    assert_eq!(times, [5, 5, 7, 7, 7, 7].map(|more| NOW.0 + more));
}

struct Forward(std::sync::atomic::AtomicU64);

impl Clock for Forward {
    fn now(&self) -> Micros {
        NOW
    }

    fn monotonic(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

#[test]
fn a_restart_under_an_earlier_clock_leaves_a_log_that_verifies() {
    let world = World::new();
    world.begin().stop();
    let clock = Arc::new(Forward(std::sync::atomic::AtomicU64::new(0)));
    world.clock.now.store(NOW.0 + 9_000_000, Ordering::SeqCst);
    let run = world.start().expect("a trail");
    run.announce_start().expect("recorded");
    run.stop();
    let run = world.start_with(clock, Vec::new()).expect("a trail");
    run.announce_start().expect("recorded");
    wait(run.trail.announce(Announcement::Heartbeat)).expect("recorded");
    run.stop();
    world.story();
}

#[test]
fn a_log_of_more_than_one_tile_is_the_journal_again() {
    let world = World::new();
    let run = world.begin();
    for _ in 0..3 {
        let calls = (0..200).map(|_| later(run.trail.announce(Announcement::Heartbeat)));
        let mut indexes: Vec<u64> = Vec::new();
        for answer in run.in_one_group(calls.collect()) {
            indexes.push(answer.expect("recorded").index());
        }
        assert!(indexes.windows(2).all(|pair| pair[1] == pair[0] + 1));
    }
    let reader = run.stop();
    let story = world.story();
    assert_eq!(story.frames.iter().filter(|count| **count == 200).count(), 3);
    story.holds(&[], &reader);
}

/// One entry names the records of a page, and stays below 32 KiB.
#[test]
fn the_entry_of_the_fullest_page_fits() {
    use crate::limits::{QUERY_PAGE_COUNT_MAX, QUERY_SUBJECTS_COUNT_MAX, READ_FIELDS_COUNT_MAX};
    use gridvault_audit::{Draft, Event, Outcome};
    assert_eq!(QUERY_PAGE_COUNT_MAX, gridvault_audit::constants::RECORDS_PER_ENTRY_MAX);
    let long = "x".repeat(crate::limits::SLUG_CHARACTERS_MAX);
    let mut draft = Draft::new(Event::DataQuery, Outcome::Success, [0xff; 16]);
    (draft.who, draft.via) = (Some([0xff; 16]), Some([0xff; 16]));
    (draft.asg, draft.sess, draft.case) = (Some([0xff; 16]), Some([0xff; 16]), Some([0xff; 16]));
    (draft.role, draft.scope) = (Some(long.as_str().into()), Some("8".repeat(16).into()));
    (draft.pur, draft.rule) = (Some(long.as_str().into()), Some(format!("{long}/20").into()));
    (draft.grid, draft.typ) = (Some("8".repeat(16).into()), Some("mediation_file".into()));
    draft.n = Some(QUERY_PAGE_COUNT_MAX as u64);
    draft.rec = vec![[0xff; 16]; QUERY_PAGE_COUNT_MAX];
    draft.sub = vec![[0xff; 16]; QUERY_SUBJECTS_COUNT_MAX];
    let schemas = crate::records::SchemaSet::built_in().expect("the shipped schemas load");
    let fields = schemas.iter().map(|schema| schema.fields().len()).max().expect("schemas");
    assert!(fields <= READ_FIELDS_COUNT_MAX);
    draft.fld = vec!["x".repeat(32).into(); fields];
    draft.view = vec!["masked".into(); fields];
    draft.ctx = Some(vec![0xff; 512]);
    let bytes = draft.encode(u64::MAX, u64::MAX, u64::MAX).expect("an entry").len();
    assert!(bytes < 32 * 1024, "{bytes} bytes");
    // The longest names that a schema may have still fit into a bundle.
    draft.fld = vec![long.as_str().into(); READ_FIELDS_COUNT_MAX];
    draft.view = vec!["masked".into(); READ_FIELDS_COUNT_MAX];
    assert!(draft.encode(u64::MAX, u64::MAX, u64::MAX).is_ok());
}
