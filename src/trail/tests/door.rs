//! What the door takes and what it sends away, before anything is written.
//! Never lets a refused operation leave a trace in journal or store.
//! A bound is tried at its value and one above it.

use super::world::{NOW, Owned, Run, World, access, actor, change_of, owned, permit, record};
use super::{hand_over, later, wait};
use crate::access::{ActorId, Code, Origin};
use crate::limits::{
    CHANGE_BYTES_MAX, GROUP_BYTES_MAX, GROUP_COUNT_MAX, PENDING_COUNT_MAX, VALUE_BYTES_MAX,
};
use crate::records::{RecordId, SubjectId};
use crate::store::{Change, ControlKind, Key, Op, SystemKey, Version};
use crate::trail::committer::Rejected;
use crate::trail::space::Need;
use crate::trail::{Announcement, Applied, Refused, TrailError, Unrecorded};
use gridvault_audit::{Draft, Event, Outcome};
use std::sync::{Arc, Mutex};

fn put(key: Key, length: usize) -> Op {
    Op::Put(key, Version(1), vec![1; length])
}

fn change(ops: Vec<Op>) -> Change {
    Change { ops, expects: Vec::new() }
}

fn commit(run: &Run, ops: Vec<Op>) -> Result<u64, TrailError> {
    match wait(run.trail.commit(permit(owned(1)), change(ops))) {
        Ok(receipt) => Ok(receipt.recorded().index()),
        Err(Refused::Trail(error)) => Err(error),
        Err(Refused::Stale(_) | Refused::Limit(_)) => panic!("relies on nothing"),
    }
}

fn row(number: u8) -> Key {
    Key::row(record(number))
}

#[test]
fn a_change_of_a_key_that_its_target_does_not_own_leaves_nothing() {
    let world = World::new();
    let run = world.begin();
    let before = world.journal();
    let subject = SubjectId::from_bytes([1; 16]);
    let foreign = [
        row(2),
        Key::retention(3, record(2)),
        Key::subject_listing(subject, record(2)),
        Key::subject_key(subject),
        Key::control(ControlKind::Consent, &[1; 16]),
        Key::actor(&[1; 16]),
        Key::system(SystemKey::Policy),
        Key::charge(&[1; 16], 0, &[1; 16]),
        Key::repeat(NOW.utc_days(), &[1; 16], &[1; 16]),
        Key::capture(&[1; 16], &[1; 16]),
        Key::from_bytes(&[]),
        Key::from_bytes(&[1]),
        Key::from_bytes(&[0xff; 17]),
    ];
    for key in foreign {
        for op in [put(key.clone(), 1), Op::Delete(key)] {
            assert!(matches!(commit(&run, vec![put(row(1), 1), op]), Err(TrailError::Foreign)));
        }
    }
    assert_eq!(world.journal(), before);
    assert_eq!(run.look(1).seen[0].1, 0);
    let reader = run.stop();
    world.story().holds(&[], &reader);
}

#[test]
fn a_caller_adds_to_its_own_memory_and_only_what_no_look_up_reaches_is_cleared_away() {
    let world = World::new();
    let run = world.begin();
    let (own, other, today) = (*actor().as_bytes(), [1; 16], NOW.utc_days());
    let with = |op: Op| commit(&run, vec![put(row(1), 1), op]).is_ok();
    assert!(with(put(Key::repeat(today, &own, &[1; 16]), 1)));
    assert!(with(put(Key::capture(&own, &[1; 16]), 1)));
    for caller in [own, other] {
        for day in [today + 1, today, today - 1] {
            assert!(!with(Op::Delete(Key::repeat(day, &caller, &[1; 16]))), "{day}");
        }
        assert!(with(Op::Delete(Key::repeat(today - 2, &caller, &[1; 16]))));
        assert!(!with(Op::Delete(Key::capture(&caller, &[1; 16]))));
    }
    run.stop();
}

#[test]
fn what_was_recorded_is_told_once_more_and_nothing_else_is() {
    let world = World::new();
    let run = world.begin();
    let first = run.write(1, 1).ok().expect("recorded");
    assert_eq!(wait(run.trail.recorded(first.index())).ok(), Some(first));
    for number in 2..=9 {
        run.write(number, 1).ok().expect("recorded");
    }
    assert_eq!(wait(run.trail.recorded(first.index())).ok(), Some(first));
    let never = wait(async {
        tokio::time::pause();
        run.trail.recorded(1_000).await
    });
    assert!(matches!(never, Err(TrailError::Unavailable)));
    run.stop();
    let run = world.start().expect("a start");
    assert_eq!(wait(run.trail.recorded(first.index())).ok(), Some(first));
    run.stop();
}

#[test]
fn the_vault_itself_changes_no_key_of_a_record_or_subject() {
    let world = World::new();
    let run = world.begin();
    let subject = SubjectId::from_bytes([1; 16]);
    for key in [row(1), Key::subject_key(subject), Key::charge(&[1; 16], 0, &[1; 16])] {
        let answer = wait(run.trail.announce_change(Announcement::Init, change(vec![put(key, 1)])));
        assert!(matches!(answer, Err(TrailError::Foreign)));
    }
    run.stop();
}

#[test]
fn a_value_at_the_bound_is_kept_and_a_longer_one_is_refused_before_the_journal() {
    let world = World::new();
    let run = world.begin();
    commit(&run, vec![put(row(1), VALUE_BYTES_MAX)]).expect("recorded");
    let before = world.journal();
    let over = || vec![put(row(1), VALUE_BYTES_MAX + 1)];
    assert!(matches!(commit(&run, over()), Err(TrailError::TooLarge)));
    let over_of_the_vault = change(vec![put(Key::system(SystemKey::Policy), VALUE_BYTES_MAX + 1)]);
    let answer = wait(run.trail.announce_change(Announcement::Init, over_of_the_vault));
    assert!(matches!(answer, Err(TrailError::TooLarge)));
    assert_eq!(world.journal(), before);
    assert!(run.trail.is_writable());
    run.stop();
    world.start().expect("a start").stop();
}

/// Steps of one record that count exactly this many bytes.
fn steps_of(bytes: usize) -> Vec<Op> {
    let mut ops = Vec::new();
    let mut left = bytes;
    for day in 0.. {
        let key = Key::retention(day, record(1));
        let around = key.as_bytes().len() + 24;
        // What is left over must be room enough for one more step.
        let length = (left - around).min(VALUE_BYTES_MAX - 100);
        ops.push(put(key, length));
        left -= around + length;
        if left == 0 {
            break;
        }
    }
    ops
}

#[test]
fn a_change_at_the_bound_is_kept_and_a_larger_one_is_refused() {
    let world = World::new();
    let run = world.begin();
    assert_eq!(change(steps_of(CHANGE_BYTES_MAX)).size_bytes(), CHANGE_BYTES_MAX);
    commit(&run, steps_of(CHANGE_BYTES_MAX)).expect("recorded");
    let over = || steps_of(CHANGE_BYTES_MAX + 1);
    assert!(matches!(commit(&run, over()), Err(TrailError::TooLarge)));
    let of_the_vault = over()
        .into_iter()
        .zip(0u8..)
        .map(|(op, number)| match op {
            Op::Put(_, version, payload) => Op::Put(Key::actor(&[number; 16]), version, payload),
            Op::Delete(key) => Op::Delete(key),
        })
        .chain([put(Key::actor(&[200; 16]), 1_000)]);
    let answer = run.trail.announce_change(Announcement::Init, change(of_the_vault.collect()));
    assert!(matches!(wait(answer), Err(TrailError::TooLarge)));
    let reader = run.stop();
    world.story().holds(&[], &reader);
}

#[test]
fn the_largest_groups_are_read_back() {
    let world = World::new();
    let run = world.begin();
    // Two of them stay just below the bound of a group, so the third makes the longest frame there can be.
    let sizes = [CHANGE_BYTES_MAX, GROUP_BYTES_MAX - CHANGE_BYTES_MAX - 4_000, CHANGE_BYTES_MAX];
    let calls = sizes
        .iter()
        .chain(&sizes)
        .map(|bytes| later(run.trail.commit(permit(owned(1)), change(steps_of(*bytes)))));
    for answer in run.in_one_group(calls.collect()) {
        assert!(answer.is_ok());
    }
    let reader = run.stop();
    let story = world.story();
    assert!(story.frames.ends_with(&[3, 3, 1]), "{:?}", story.frames);
    story.holds(&[], &reader);
    world.start().expect("a start").stop();
}

#[test]
fn an_entry_that_no_bundle_holds_is_refused_and_the_rest_of_its_group_is_not() {
    let world = World::new();
    let run = world.begin();
    let submit = |handles: usize| {
        let mut draft = Draft::new(Event::DataQuery, Outcome::Success, [0; 16]);
        draft.rec = vec![[7; 16]; handles];
        let entry = draft.prepare().expect("well formed");
        later(run.trail.submit(entry, Change::default(), Vec::new(), Need::Entry))
    };
    let answers = run.in_one_group(vec![submit(1), submit(5_000), submit(2)]);
    assert!(matches!(answers[1], Err(Rejected::Error(TrailError::TooLarge))));
    let first = answers[0].as_ref().expect("recorded").index();
    assert_eq!(answers[2].as_ref().expect("recorded").index(), first + 1);
    drop(answers);
    run.stop();
    world.story();
}

#[test]
fn more_than_the_bound_in_line_is_turned_away_at_once_and_counted_where_it_was_a_refusal() {
    let world = World::new();
    let run = world.begin();
    run.disk.hold();
    let mut first = later(run.trail.announce(Announcement::Heartbeat));
    hand_over(&mut first);
    run.disk.wait_until_held();
    let mut line: Vec<_> = (0..PENDING_COUNT_MAX)
        .map(|_| later(run.trail.announce(Announcement::Heartbeat)))
        .collect();
    line.iter_mut().for_each(hand_over);
    let answer = wait(run.trail.append(permit(owned(1))));
    assert!(matches!(answer, Err(Refused::Trail(TrailError::Overloaded))));
    let denied = access().refuse(None, Code::TokenInvalid, &Origin::default());
    let answer = wait(run.trail.refuse(denied));
    assert!(matches!(answer, Err(Unrecorded::Trail(TrailError::Overloaded))));
    assert!(matches!(wait(run.trail.summarise_refusals()), Err(TrailError::Overloaded)));
    run.disk.release();
    wait(async {
        first.await.expect("recorded");
        for call in line {
            call.await.expect("recorded");
        }
        run.trail.summarise_refusals().await.expect("recorded");
    });
    run.stop();
    let story = world.story();
    assert_eq!(story.entries.len(), 4 + 1 + PENDING_COUNT_MAX + 2);
    assert_eq!(story.frames.iter().max(), Some(&GROUP_COUNT_MAX), "the longest group is full");
    let (summary, _) = &story.entries[story.entries.len() - 2];
    assert!(std::str::from_utf8(summary).expect("an entry").contains(r#""refusals":1"#));
}

#[test]
fn an_operation_whose_caller_went_away_is_recorded_whole() {
    let world = World::new();
    let run = world.begin();
    run.disk.hold();
    let mut call = later(run.trail.commit(permit(owned(1)), change_of(1, 1)));
    hand_over(&mut call);
    run.disk.wait_until_held();
    drop(call);
    run.disk.release();
    run.write(2, 1).ok().expect("recorded");
    assert_eq!(run.look(1).seen[0].1, 1);
    let reader = run.stop();
    let story = world.story();
    assert_eq!(story.entries[4].1, change_of(1, 1).ops);
    story.holds(&[], &reader);
}

#[test]
fn every_announcement_is_an_entry_that_verifies() {
    let world = World::new();
    let run = world.begin();
    let said = [
        (Announcement::Heartbeat, ["sys", "heartbeat"]),
        (Announcement::Refusals { count: 3 }, ["sys", "summary"]),
        (Announcement::LockedOut { actor: [1; 16] }, ["access", "limited"]),
        (Announcement::TerritorySet { digest: [1; 32] }, ["admin", "grid_create"]),
        (Announcement::PolicyActivated { digest: [1; 32], version: 2 }, ["policy", "activated"]),
        (Announcement::Enrolled { actor: [1; 16], role: "r".into() }, ["admin", "enrol"]),
        (Announcement::Stop, ["sys", "stop"]),
    ];
    let mut expected = Vec::new();
    for (announcement, words) in said {
        let recorded = wait(run.trail.announce(announcement)).expect("recorded");
        expected.push((recorded.index(), words));
    }
    run.stop();
    let story = world.story();
    for (index, [family, action]) in expected {
        let (entry, _) = &story.entries[usize::try_from(index).expect("a small index")];
        let entry: serde_json::Value = serde_json::from_slice(entry).expect("an entry");
        assert_eq!(entry["ev"], family);
        assert_eq!(entry["act"], action);
    }
}

#[test]
fn the_entry_of_a_write_has_the_digest_of_the_sealed_row() {
    let world = World::new();
    let run = world.begin();
    let index = run.write(1, 1).ok().expect("recorded").index();
    run.stop();
    let (entry, ops) = &world.story().entries[usize::try_from(index).expect("a small index")];
    let Op::Put(_, _, payload) = &ops[0] else { panic!("the row is put first") };
    let digest = ring::digest::digest(&ring::digest::SHA256, payload);
    use base64::Engine as _;
    let digest = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(digest);
    let entry: serde_json::Value = serde_json::from_slice(entry).expect("an entry");
    assert_eq!(entry["dig"], digest);
}

#[derive(Default)]
struct Listening {
    heard: Mutex<Vec<Vec<Op>>>,
}

impl Applied for Listening {
    fn applied(&self, ops: &[Op]) {
        self.heard.lock().expect("no panic").push(ops.to_vec());
    }
}

#[test]
fn listeners_hear_of_every_change_before_its_receipt_and_of_nothing_else() {
    let world = World::new();
    let listening = Arc::new(Listening::default());
    let run = world.start_with(world.clock.clone(), vec![listening.clone()]).expect("a trail");
    wait(run.trail.announce(Announcement::Init)).expect("recorded");
    let mut policy = Change::default();
    policy.put_new(Key::system(SystemKey::Policy), vec![1]);
    let ops = policy.ops.clone();
    wait(run.trail.announce_change(Announcement::Heartbeat, policy)).expect("recorded");
    assert_eq!(*listening.heard.lock().expect("no panic"), [ops]);
    run.stop();
}

#[test]
fn a_permit_without_an_actor_relies_on_the_policy_alone() {
    let world = World::new();
    let run = world.begin();
    let code = |target: Owned| {
        access().permit_enrolment(&Origin::default(), ActorId::from_bytes([9; 16]), target)
    };
    assert!(wait(run.trail.commit(code(owned(1)), change_of(1, 1))).is_ok());
    let policy = Op::Put(Key::system(SystemKey::Policy), Version(2), Vec::new());
    let said = Announcement::PolicyActivated { digest: [2; 32], version: 2 };
    wait(run.trail.announce_change(said, change(vec![policy]))).expect("recorded");
    assert!(wait(run.trail.append(code(owned(1)))).is_err());
    run.stop();
}

#[test]
fn keys_of_a_target_are_told_apart_by_every_byte_of_the_record() {
    let world = World::new();
    let run = world.begin();
    for at in 0..16 {
        let mut id = [1; 16];
        id[at] ^= 0x80;
        let ops = vec![put(Key::row(RecordId::from_bytes(id)), 1)];
        assert!(matches!(commit(&run, ops), Err(TrailError::Foreign)));
    }
    run.stop();
}
