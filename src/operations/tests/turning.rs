//! Requirements on rotations of keys: whose word, one at a time, and what a crash, a pause or an erasure on the way leaves.
//! Never somebody's key lost, at whichever step it stops, and never a former one that opens behind the end.
//! Steps are taken by hand; that a job takes them beside people's work is shown over the program.

use super::erasing::{agreed, carried_out, world_under};
use super::ring::{Ring, bucket_of, id_of, somebody_in, wrapped};
use super::setting::actor_record;
use super::world::*;
use crate::access::{ActorId, Code};
use crate::identity::NewActor;
use crate::limits::{ROTATION_BUCKETS_COUNT, SUBJECT_BUCKETS_COUNT};
use crate::operations::{RotationWord, Turned, Turning, destroy_keys, keys_status, rotate_keys};
use crate::records::{MandateId, RecordId, SubjectId};
use crate::seal::{RotationKind, RotationRecord, RotationState};
use gridvault_keys::{Keyring, WrappedUnder};
use serde_json::json;
use std::sync::Arc;

const ADMIN: ActorId = ActorId::from_bytes([0x21; 16]);
const PURPOSE: &str = "residence_registration";
const ASK: RotationWord = RotationWord::Ask(RotationKind::Subjects);

/// A world of keys of its own, with people in the first and last bucket of the first group, in the first of the second and in the
/// last of all, and an adult of whom something is held.
struct Turns {
    ring: Ring,
    world: World,
    keyring: Arc<Keyring>,
    people: Vec<(SubjectId, u64, Vec<u8>)>,
    friend: RecordId,
    turning: Turning,
}

impl Turns {
    fn new() -> Turns {
        let (ring, keyring) = Ring::new();
        let world = world_under(keyring.clone());
        let record = actor_record(ADMIN, "system_admin", None);
        world.announce(world.identity.directory().addition(&NewActor { record }).expect("one"));
        let group = u16::try_from(ROTATION_BUCKETS_COUNT).expect("few");
        let buckets = [0, group - 1, group, SUBJECT_BUCKETS_COUNT - 1];
        let people = buckets.map(|bucket| {
            let (somebody, key) = somebody_in(&world, &keyring, bucket);
            (somebody, key, wrapped(&world, somebody).expect("a key"))
        });
        let friend =
            world.create(WORKER, registration(), json!({"name": "李娜"})).expect("stored").id;
        Turns { ring, world, keyring, people: people.into(), friend, turning: Turning::default() }
    }

    fn begun() -> (Turns, MandateId) {
        let turns = Turns::new();
        let id = turns.say(ADMIN, ASK).expect("asked").id;
        turns.say(SECURITY, RotationWord::Decide { id, yes: true }).expect("agreed");
        (turns, id)
    }

    fn say(&self, who: ActorId, word: RotationWord) -> Done<RotationRecord> {
        let World { origin, reader, seal, access, trail, random, .. } = &self.world;
        let actor = self.world.actor(who);
        let said = rotate_keys(&actor, word, origin, NOW, reader, seal, access, trail, &**random);
        done(wait(said)).map(|(record, _)| record)
    }

    fn step(&mut self) -> Turned {
        let World { reader, seal, identity, trail, .. } = &self.world;
        wait(self.turning.step(NOW, reader, seal, identity, trail)).expect("a step")
    }

    fn steps(&mut self, count: usize) {
        for step in 0..count {
            assert!(self.step().worked, "{step}");
        }
    }

    /// Goes on until there is nothing to do; gives the number of steps.
    fn until_the_end(&mut self) -> usize {
        (0..10_000).position(|_| !self.step().worked).expect("it comes to an end")
    }

    /// Goes on until the first group is done, and looks at what holds then: of its buckets no copy of before opens, and everybody
    /// opens. What follows is the same once more; one test goes to the end.
    fn until_the_group_is_done(&mut self) {
        let group = u16::try_from(ROTATION_BUCKETS_COUNT).expect("few");
        let is_done = |turns: &Turns| turns.kept().done >= group;
        for _ in 0..16 {
            if is_done(self) {
                break;
            }
            assert!(self.step().worked);
        }
        assert_eq!(self.kept().done, group);
        self.everybody_opens();
        for keyring in [&self.keyring, &self.ring.opened()] {
            assert!(keyring.next_bucket_keys().is_empty());
            assert!((0..group).all(|it| keyring.bucket_epoch(it).is_ok_and(|epoch| epoch >= 2)));
            for (somebody, key, old) in &self.people {
                let follows = bucket_of(somebody.as_bytes()) >= group;
                assert_eq!(id_of(keyring, *somebody, old), follows.then_some(*key));
            }
        }
    }

    fn kept(&self) -> RotationRecord {
        let World { origin, reader, seal, access, trail, .. } = &self.world;
        let admin = self.world.actor(ADMIN);
        let status = done(wait(keys_status(&admin, origin, NOW, reader, seal, access, trail)));
        status.expect("told").0.rotation.expect("one is kept")
    }

    /// The next process, before it did anything.
    fn crash(mut self) -> Turns {
        self.keyring = self.ring.opened();
        self.world = self.world.after_crash(self.keyring.clone());
        self.turning = Turning::default();
        self
    }

    /// What holds at any time.
    fn everybody_opens(&self) {
        for (somebody, key, _) in &self.people {
            let now = wrapped(&self.world, *somebody).expect("it stays");
            assert_eq!(id_of(&self.keyring, *somebody, &now), Some(*key));
        }
        let read = self.world.read(WORKER, PURPOSE, self.friend, &["name"]);
        assert_eq!(read, Ok(json!({"name": "李娜"})));
    }

    /// What holds behind the end.
    fn is_over(&self) {
        self.everybody_opens();
        let record = self.kept();
        assert_eq!((record.state, record.done), (RotationState::Ended, SUBJECT_BUCKETS_COUNT));
        for keyring in [&self.keyring, &self.ring.opened()] {
            assert!(keyring.next_bucket_keys().is_empty());
            for bucket in 0..SUBJECT_BUCKETS_COUNT {
                assert!(keyring.bucket_epoch(bucket).expect("a bucket") >= 2, "{bucket}");
            }
            for (somebody, _, old) in &self.people {
                assert_eq!(id_of(keyring, *somebody, old), None, "a copy of before opens");
            }
        }
    }
}

#[test]
fn every_key_is_replaced_and_what_was_wrapped_before_opens_no_more() {
    let (mut turns, _) = Turns::begun();
    turns.everybody_opens();
    let steps = turns.until_the_end();
    turns.is_over();
    // To begin and to end; of each group to draw, two walks of a page and its end where there is somebody, and one elsewhere.
    let groups = usize::from(SUBJECT_BUCKETS_COUNT).div_ceil(ROTATION_BUCKETS_COUNT);
    assert!(steps <= 2 + groups * 5, "{steps}");
    // And once more from the journal alone.
    let mut turns = turns.crash();
    turns.is_over();
    assert!(!turns.step().worked);
}

#[test]
fn at_whichever_step_the_process_ends_the_next_one_goes_on_and_nobody_loses_a_key() {
    // Agreed, begun, drawn, wrapped anew, looked at again and destroyed.
    for steps in 0..=4 {
        let (mut turns, _) = Turns::begun();
        turns.steps(steps);
        turns.everybody_opens();
        let mut turns = turns.crash();
        turns.everybody_opens();
        turns.until_the_group_is_done();
    }
}

/// Destroys the former keys of the group at hand, and lets the process end before it says so.
fn destroyed_unsaid(mut turns: Turns) -> Turns {
    turns.steps(3);
    let next = turns.world.seal.next_keys();
    assert_eq!(next.count(), ROTATION_BUCKETS_COUNT);
    turns.world.seal.destroy_keys_before(&next).expect("destroyed");
    assert_eq!(turns.kept().done, 0, "nothing was said");
    turns
}

/// What the log says of keys of buckets that were destroyed.
fn destructions(turns: Turns) -> usize {
    let log = turns.world.log_at_its_end();
    log.matches(&format!(r#""x":{{"buckets":{ROTATION_BUCKETS_COUNT},"erasures":""}}"#)).count()
}

#[test]
fn group_whose_keys_were_destroyed_when_the_process_ended_is_said_by_the_next_one() {
    for pauses in [false, true] {
        let (turns, id) = Turns::begun();
        let turns = destroyed_unsaid(turns);
        if pauses {
            turns.say(ADMIN, RotationWord::Pause { id, still: true }).expect("paused");
        }
        let mut turns = turns.crash();
        turns.everybody_opens();
        assert!(turns.step().worked, "it is said, paused or not");
        assert_eq!(usize::from(turns.kept().done), ROTATION_BUCKETS_COUNT);
        turns.everybody_opens();
        assert_eq!(turns.keyring.bucket_epoch(0).expect("a bucket"), 2, "and not done again");
        assert_eq!(turns.step().worked, !pauses);
        assert_eq!(destructions(turns), 1);
    }
}

#[test]
fn what_was_destroyed_of_a_rotation_that_is_taken_back_is_said_before_it_ends() {
    let (turns, id) = Turns::begun();
    let turns = destroyed_unsaid(turns);
    turns.say(ADMIN, RotationWord::Cancel { id }).expect("taken back");
    let mut turns = turns.crash();
    turns.until_the_end();
    let kept = turns.kept();
    assert_eq!(kept.state, RotationState::Cancelled);
    assert_eq!(usize::from(kept.done), ROTATION_BUCKETS_COUNT, "the entry of the end counts it");
    turns.everybody_opens();
    assert_eq!(destructions(turns), 1);
}

#[test]
fn group_that_a_ring_from_before_does_not_have_is_drawn_again_and_nothing_false_is_said() {
    let (mut turns, _) = Turns::begun();
    turns.steps(1);
    let older = turns.ring.bytes();
    turns.steps(1);
    turns.ring.put_back(&older);
    let mut turns = turns.crash();
    assert!(turns.step().worked);
    assert_eq!(turns.kept().done, 0);
    turns.until_the_group_is_done();
}

#[test]
fn ring_that_cannot_be_written_stops_it_and_the_next_process_goes_on() {
    for steps in [1, 3] {
        let (mut turns, _) = Turns::begun();
        turns.steps(steps);
        turns.ring.break_it();
        let World { reader, seal, identity, trail, .. } = &turns.world;
        let step = turns.turning.step(NOW, reader, seal, identity, trail);
        assert!(wait(step).is_err(), "{steps}");
        turns.everybody_opens();
        turns.ring.mend();
        let mut turns = turns.crash();
        turns.everybody_opens();
        turns.until_the_group_is_done();
    }
}

#[test]
fn what_is_paused_stands_still_in_any_process_until_it_is_let_go_on() {
    for steps in [0, 1, 2, 3] {
        let (mut turns, id) = Turns::begun();
        turns.steps(steps);
        turns.say(ADMIN, RotationWord::Pause { id, still: true }).expect("paused");
        assert!(!turns.step().worked);
        let mut turns = turns.crash();
        assert!(!turns.step().worked);
        assert_eq!(turns.kept().state, RotationState::Paused);
        turns.everybody_opens();
        turns.say(ADMIN, RotationWord::Pause { id, still: false }).expect("it goes on");
        turns.until_the_group_is_done();
    }
}

#[test]
fn what_is_taken_back_leaves_no_key_in_between_whatever_step_it_was_at() {
    // Agreed, begun, drawn, wrapped anew, looked at again and destroyed; and once more paused at each.
    for (steps, pauses, crashes) in (0..=4).flat_map(|steps| {
        [(false, false), (true, false), (false, true)].map(|(pause, crash)| (steps, pause, crash))
    }) {
        let case = format!("{steps} steps, paused {pauses}, a crash {crashes}");
        let (mut turns, id) = Turns::begun();
        turns.steps(steps);
        if pauses {
            turns.say(ADMIN, RotationWord::Pause { id, still: true }).expect("paused");
        }
        for nobody in [WORKER, SECURITY] {
            let cancel = RotationWord::Cancel { id };
            assert_eq!(turns.say(nobody, cancel).map(drop), Err(Code::Denied));
        }
        let said = turns.say(ADMIN, RotationWord::Cancel { id }).expect("taken back");
        let begun = steps > 0;
        let expected = if begun { RotationState::Cancelling } else { RotationState::Cancelled };
        assert_eq!(said.state, expected, "{case}");
        assert_eq!(turns.say(ADMIN, ASK).is_ok(), !begun, "{case}");
        if !begun {
            continue;
        }
        let again = turns.say(ADMIN, RotationWord::Pause { id, still: true }).map(drop);
        assert_eq!(again, Err(Code::VersionConflict));
        let mut turns = if crashes { turns.crash() } else { turns };
        turns.until_the_end();
        let kept = turns.kept();
        assert_eq!(kept.state, RotationState::Cancelled, "{case}");
        assert!(kept.ended_at.is_some() && usize::from(kept.done) <= ROTATION_BUCKETS_COUNT);
        turns.everybody_opens();
        for keyring in [&turns.keyring, &turns.ring.opened()] {
            assert!(keyring.next_bucket_keys().is_empty(), "{case}");
        }
        let drawn = u32::from(steps > 1);
        assert_eq!(turns.keyring.bucket_epoch(0).expect("a bucket"), 1 + drawn, "{case}");
        assert_eq!(turns.keyring.bucket_epoch(SUBJECT_BUCKETS_COUNT - 1).expect("a bucket"), 1);
        // There is room for another one.
        turns.say(ADMIN, ASK).expect("asked");
    }
}

#[test]
fn group_that_comes_to_its_end_while_somebody_pauses_is_counted_and_no_other_begins() {
    let (mut turns, id) = Turns::begun();
    turns.steps(3);
    assert_eq!(turns.kept().done, 0);
    turns.say(ADMIN, RotationWord::Pause { id, still: true }).expect("paused");
    turns.say(ADMIN, RotationWord::Pause { id, still: false }).expect("it goes on");
    assert!(turns.step().worked);
    assert_eq!(usize::from(turns.kept().done), ROTATION_BUCKETS_COUNT);
}

#[test]
fn it_takes_two_people_of_two_roles_and_one_at_a_time() {
    let turns = Turns::new();
    for nobody in [WORKER, HEAD, SECURITY] {
        assert_eq!(turns.say(nobody, ASK).map(drop), Err(Code::Denied));
    }
    let id = turns.say(ADMIN, ASK).expect("asked").id;
    let yes = RotationWord::Decide { id, yes: true };
    for nobody in [WORKER, HEAD, ADMIN] {
        assert_eq!(turns.say(nobody, yes).map(drop), Err(Code::Denied));
    }
    assert_eq!(turns.say(ADMIN, ASK).map(drop), Err(Code::VersionConflict));
    // Whoever gets the other role too agrees to nothing of its own.
    turns.world.change_actor(ADMIN, |record| {
        let post = actor_record(ActorId::from_bytes([9; 16]), "security_admin", None);
        record.assignments.extend(post.assignments);
    });
    assert_eq!(turns.say(ADMIN, yes).map(drop), Err(Code::Denied));
    let other = MandateId::from_bytes([9; 16]);
    let unknown = RotationWord::Decide { id: other, yes: true };
    assert_eq!(turns.say(SECURITY, unknown).map(drop), Err(Code::NotFound));
    assert_eq!(turns.say(SECURITY, yes).expect("agreed").state, RotationState::Agreed);
    assert_eq!(turns.say(SECURITY, yes).map(drop), Err(Code::VersionConflict));
    assert_eq!(turns.say(ADMIN, ASK).map(drop), Err(Code::VersionConflict));
    for nobody in [WORKER, SECURITY] {
        let pause = RotationWord::Pause { id, still: true };
        assert_eq!(turns.say(nobody, pause).map(drop), Err(Code::Denied));
    }
}

#[test]
fn what_was_refused_does_not_begin_and_makes_room_for_another() {
    let mut turns = Turns::new();
    let id = turns.say(ADMIN, ASK).expect("asked").id;
    assert!(!turns.step().worked, "nobody agreed yet");
    turns.say(SECURITY, RotationWord::Decide { id, yes: false }).expect("refused");
    assert!(!turns.step().worked);
    assert!(turns.say(ADMIN, ASK).is_ok());
}

#[test]
fn whoever_is_erased_while_a_rotation_stands_still_is_gone_at_once_and_the_rest_goes_on() {
    let (mut turns, id) = Turns::begun();
    let (_, subject) = adult(&turns.world);
    let old = wrapped(&turns.world, subject).expect("a key");
    let bucket = bucket_of(subject.as_bytes());
    let (neighbour, key) = somebody_in(&turns.world, &turns.keyring, bucket);
    let epoch = |turns: &Turns, subject| {
        let wrapped = wrapped(&turns.world, subject).expect("a key");
        WrappedUnder::of(&wrapped).expect("a wrapped key").epoch
    };
    // Both keys of its bucket stand in the ring, and it is wrapped under the next one.
    while epoch(&turns, subject) == 1 {
        assert!(turns.step().worked);
    }
    assert_eq!(turns.keyring.bucket_epoch(bucket).expect("a bucket"), 1);
    let newer = wrapped(&turns.world, subject).expect("a key");
    turns.say(ADMIN, RotationWord::Pause { id, still: true }).expect("paused");
    let erasure = agreed(&turns.world, subject);
    let erased = carried_out(&turns.world, erasure).expect("erased");
    assert!(erased.destroyed.is_some());
    for copy in [&old, &newer] {
        assert_eq!(id_of(&turns.keyring, subject, copy), None);
        assert_eq!(id_of(&turns.ring.opened(), subject, copy), None);
    }
    turns.everybody_opens();
    assert!(turns.keyring.next_bucket_keys().len() >= ROTATION_BUCKETS_COUNT / 2, "it stands");
    let mut turns = turns.crash();
    let World { reader, seal, trail, .. } = &turns.world;
    let nothing = wait(destroy_keys(reader, seal, trail)).expect("nothing to do");
    assert!(nothing.is_none());
    turns.say(ADMIN, RotationWord::Pause { id, still: false }).expect("it goes on");
    let group = turns.kept().done;
    while turns.kept().done == group {
        assert!(turns.step().worked);
    }
    turns.everybody_opens();
    let now = wrapped(&turns.world, neighbour).expect("it stays");
    assert_eq!(id_of(&turns.keyring, neighbour, &now), Some(key));
    for copy in [&old, &newer] {
        assert_eq!(id_of(&turns.keyring, subject, copy), None);
    }
}
