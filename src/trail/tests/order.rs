//! The log's order is the true order: nothing is recorded under what has changed before its turn.
//! Never leaves grouping to the scheduler: what must meet in one group is put into one.
//! Each refusal hands the target back, so that it can be decided again.

use super::world::{
    Owned, Run, World, actor, change_of, expect, owned, permit, permit_under, record,
};
use super::{Later, later, wait};
use crate::access::{ActorId, Authority};
use crate::limits::KNOWN_VERSIONS_COUNT_MAX;
use crate::records::SubjectId;
use crate::store::{self, Change, EngineKind, Expect, Key, Op, SystemKey, Version};
use crate::trail::sequence::Sequencer;
use crate::trail::{Announcement, Receipt, Refused};

type Answer = Result<Receipt<Owned>, Refused<Owned>>;

fn is_stale(answer: &Answer) -> bool {
    matches!(answer, Err(Refused::Stale(_)))
}

/// Moves a key of the vault to a version.
fn moved(key: Key, version: u64) -> Change {
    let op = Op::Put(key.clone(), Version(version), b"moved".to_vec());
    Change { ops: vec![op], expects: vec![expect(key, version - 1)] }
}

fn new_policy(run: &Run) {
    let said = Announcement::PolicyActivated { digest: [2; 32], version: 2 };
    let change = moved(Key::system(SystemKey::Policy), 2);
    wait(run.trail.announce_change(said, change)).expect("recorded");
}

fn suspension(version: u64) -> (Announcement, Change) {
    let change = moved(Key::actor(actor().as_bytes()), version);
    (Announcement::Heartbeat, change)
}

#[test]
fn a_read_decided_before_its_row_moved_is_stale() {
    let world = World::new();
    let run = world.begin();
    run.write(1, 1).ok().expect("recorded");
    let before = run.look(1);
    run.write(2, 1).ok().expect("another row");
    let still = wait(run.trail.append(permit(before)));
    let before = still.ok().expect("only another row moved").into_permit().into_target();
    run.write(1, 2).ok().expect("recorded");
    let entries = world.journal().entries.len();
    let answer = wait(run.trail.append(permit(before)));
    assert!(is_stale(&answer));
    assert_eq!(world.journal().entries.len(), entries, "a stale read leaves no entry");
    assert!(wait(run.trail.append(permit(run.look(1)))).is_ok());
    run.stop();
}

#[test]
fn a_permit_under_an_older_policy_is_stale() {
    let world = World::new();
    let run = world.begin();
    let decided = permit(owned(1));
    new_policy(&run);
    assert!(is_stale(&wait(run.trail.append(decided))));
    let write = wait(run.trail.commit(permit(owned(1)), change_of(1, 1)));
    assert!(is_stale(&write));
    let reader = run.stop();
    world.story().holds(&[], &reader);
}

#[test]
fn a_permit_under_an_older_version_of_its_actor_is_stale() {
    let world = World::new();
    let run = world.begin();
    let decided = permit_under(1, owned(1));
    let (said, change) = suspension(2);
    wait(run.trail.announce_change(said, change)).expect("recorded");
    assert!(is_stale(&wait(run.trail.append(decided))));
    assert!(wait(run.trail.append(permit_under(2, owned(1)))).is_ok());
    assert!(is_stale(&wait(run.trail.append(permit_under(3, owned(1))))));
    run.stop();
}

#[test]
fn versions_of_actor_and_policy_bind_after_a_restart_too() {
    let world = World::new();
    let run = world.begin();
    let (said, change) = suspension(2);
    wait(run.trail.announce_change(said, change)).expect("recorded");
    run.stop();
    let run = world.start().expect("a start");
    run.announce_start().expect("recorded");
    assert!(is_stale(&wait(run.trail.append(permit_under(1, owned(1))))));
    assert!(wait(run.trail.append(permit_under(2, owned(1)))).is_ok());
    new_policy(&run);
    assert!(is_stale(&wait(run.trail.append(permit_under(2, owned(1))))));
    run.stop();
}

#[test]
fn of_two_creations_of_one_key_in_a_group_the_first_wins() {
    let world = World::new();
    let run = world.begin();
    let creation = |content: u8| {
        let mut change = Change::default();
        change.put_new(Key::row(record(1)), vec![content]);
        later(run.trail.commit(permit(owned(1)), change))
    };
    let answers = run.in_one_group(vec![creation(1), creation(2), creation(3)]);
    let ended: Vec<bool> = answers.iter().map(is_stale).collect();
    assert_eq!(ended, [false, true, true]);
    let row = wait(run.reader.get(&Key::row(record(1)))).expect("a store").expect("a row");
    assert_eq!(row.payload, [1]);
    // In the next group it is the store that knows.
    assert!(is_stale(&wait(creation(4))));
    drop(answers);
    let reader = run.stop();
    world.story().holds(&[], &reader);
}

#[test]
fn a_read_behind_a_removal_in_the_same_group_is_stale() {
    let world = World::new();
    let run = world.begin();
    run.write(1, 1).ok().expect("recorded");
    let (before, behind) = (run.look(1), run.look(1));
    let removal = Change { ops: vec![Op::Delete(Key::row(record(1)))], expects: Vec::new() };
    let calls: Vec<Later<'_, Answer>> = vec![
        later(run.trail.append(permit(before))),
        later(run.trail.commit(permit(run.look(1)), removal)),
        later(run.trail.append(permit(behind))),
    ];
    let answers = run.in_one_group(calls);
    assert!(answers[0].is_ok() && answers[1].is_ok() && is_stale(&answers[2]));
    drop(answers);
    run.stop();
}

#[test]
fn a_read_behind_its_revocation_in_the_same_group_is_stale() {
    let world = World::new();
    let run = world.begin();
    let (said, change) = suspension(2);
    let revoke = later(async {
        run.trail.announce_change(said, change).await.expect("recorded");
        true
    });
    let trail = &run.trail;
    let read =
        |version| later(async move { trail.append(permit_under(version, owned(1))).await.is_ok() });
    // The first look brings the actor's version into memory.
    let answers = run.in_one_group(vec![read(1), revoke, read(1)]);
    assert_eq!(answers, [true, true, false]);
    assert_eq!(run.in_one_group(vec![read(1), read(2)]), [false, true]);
    run.stop();
}

#[test]
fn a_look_taken_while_its_row_was_being_changed_is_stale() {
    let world = World::new();
    let run = world.begin();
    run.write(1, 1).ok().expect("recorded");
    let old = run.look(1);
    run.write(1, 2).ok().expect("recorded");
    let stamp = run.reader.stamp();
    // The stamp of the group before, with the row as it was or as it is already: what was seen beside the new row
    // may still have been old.
    let torn = Owned { seen: vec![(record(1), 2, stamp - 1)], ..owned(1) };
    assert!(is_stale(&wait(run.trail.append(permit(torn)))));
    assert!(is_stale(&wait(run.trail.append(permit(old)))));
    assert!(wait(run.trail.append(permit(run.look(1)))).is_ok());
    run.stop();
}

#[test]
fn a_creation_over_a_row_that_is_there_is_stale_whatever_its_stamp() {
    let world = World::new();
    let run = world.begin();
    run.write(1, 1).ok().expect("recorded");
    let missing = Owned { seen: vec![(record(9), 0, run.reader.stamp())], ..owned(9) };
    assert!(wait(run.trail.append(permit(missing))).is_ok());
    let mut change = Change::default();
    change.put_new(Key::row(record(1)), vec![1]);
    assert!(is_stale(&wait(run.trail.commit(permit(owned(1)), change))));
    run.stop();
}

#[test]
fn a_subject_key_seen_while_a_record_is_added_under_it_is_not_taken_away() {
    let world = World::new();
    let run = world.begin();
    let key = Key::subject_key(SubjectId::from_bytes([5; 16]));
    let both = || Owned { subjects: vec![SubjectId::from_bytes([5; 16])], ..owned(1) };
    let rewritten = |version| {
        let op = Op::Put(key.clone(), Version(version), b"wrapped".to_vec());
        let listing = Key::subject_listing(SubjectId::from_bytes([5; 16]), record(1));
        Change { ops: vec![op, Op::Put(listing, Version(1), Vec::new())], expects: Vec::new() }
    };
    assert!(wait(run.trail.commit(permit(both()), rewritten(1))).is_ok());
    let stamp = run.reader.stamp();
    assert!(wait(run.trail.commit(permit(both()), rewritten(2))).is_ok());
    let removal = |stamp| {
        let seen = Expect { key: key.clone(), version: Version(2), stamp };
        let change = Change { ops: vec![Op::Delete(key.clone())], expects: vec![seen] };
        run.trail.commit(permit(both()), change)
    };
    // The removal saw the key as rewritten already, but not yet the listing that came with it.
    assert!(is_stale(&wait(removal(stamp))));
    assert!(wait(removal(run.reader.stamp())).is_ok());
    run.stop();
}

#[test]
fn an_actor_changed_in_the_group_at_hand_stays_known_and_one_above_the_limit_is_asked_for_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let opened = store::open(directory.path(), EngineKind::Memory, 0).expect("a store");
    let (_reader, applier) = opened;
    let mut sequencer = Sequencer::new(&applier, 8);
    let actor = |number: usize| {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&(number as u64).to_be_bytes());
        ActorId::from_bytes(id)
    };
    let of = |number, version| Authority {
        policy: 0,
        actor: Some((actor(number), version)),
        other: None,
        mandate: None,
        spends: false,
    };
    sequencer.accept(&[Op::Put(Key::actor(actor(0).as_bytes()), Version(3), Vec::new())]);
    for number in 1..KNOWN_VERSIONS_COUNT_MAX {
        assert!(sequencer.stands(Some(&of(number, 0)), &applier).expect("a look"));
    }
    // At the limit nobody is forgotten: the store of this test never got what was sequenced, and would say 0.
    sequencer.applied(applier.stamp());
    assert!(sequencer.stands(Some(&of(0, 3)), &applier).expect("a look"));
    // One above it, and still the group at hand is not asked about again before it is in the store.
    let above = of(KNOWN_VERSIONS_COUNT_MAX, 0);
    assert!(sequencer.stands(Some(&above), &applier).expect("a look"));
    assert!(!sequencer.stands(Some(&of(0, 2)), &applier).expect("a look"));
    assert!(sequencer.stands(Some(&of(0, 3)), &applier).expect("a look"));
    sequencer.applied(applier.stamp());
    assert!(sequencer.stands(Some(&of(0, 0)), &applier).expect("a look"));
}
