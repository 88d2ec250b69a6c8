//! Requirements on rotations of the keys that sign tokens and the log: both serve for a time, and then the former is gone.
//! Never a holder of a good token turned away, at whichever step the process ends, and never a former key behind its time.
//! Steps are taken by hand and time is given.

use super::erasing::world_under;
use super::ring::Ring;
use super::setting::actor_record;
use super::world::*;
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::identity::{IssuedToken, NewActor};
use crate::limits::{LOG_OVERLAP_SECONDS, TOKEN_LIFE_SECONDS_MAX, TOKEN_OVERLAP_SECONDS};
use crate::operations::{RotationWord, Turned, Turning, ring_lacks, rotate_keys};
use crate::records::MandateId;
use crate::seal::{RotationKind, RotationRecord, RotationState};
use crate::trail::Announcement;
use gridvault_keys::{KeyEpochs, Keyring, SingleKey};
use std::sync::Arc;

const ADMIN: ActorId = ActorId::from_bytes([0x21; 16]);
const TOKENS: SingleKey = SingleKey::TokenSigning;

fn at(seconds: i64) -> Micros {
    Micros(NOW.0 + seconds * 1_000_000)
}

struct Turns {
    ring: Ring,
    world: World,
    keyring: Arc<Keyring>,
    turning: Turning,
    /// Issued before anything began, with the longest life.
    old: IssuedToken,
}

impl Turns {
    fn new() -> Turns {
        let (ring, keyring) = Ring::new();
        let world = world_under(keyring.clone());
        let record = actor_record(ADMIN, "system_admin", None);
        world.announce(world.identity.directory().addition(&NewActor { record }).expect("one"));
        let old = world.identity.issue(WORKER, None, TOKEN_LIFE_SECONDS_MAX, NOW).expect("a token");
        Turns { ring, world, keyring, turning: Turning::default(), old }
    }

    fn begun() -> (Turns, MandateId) {
        Turns::begun_for(RotationKind::Tokens)
    }

    fn begun_for(kind: RotationKind) -> (Turns, MandateId) {
        let turns = Turns::new();
        let id = turns.say(ADMIN, RotationWord::Ask(kind)).id;
        turns.say(SECURITY, RotationWord::Decide { id, yes: true });
        (turns, id)
    }

    fn say(&self, who: ActorId, word: RotationWord) -> RotationRecord {
        let World { origin, reader, seal, access, trail, random, .. } = &self.world;
        let actor = self.world.actor(who);
        let said = rotate_keys(&actor, word, origin, NOW, reader, seal, access, trail, &**random);
        done(wait(said)).expect("a word that counts").0
    }

    fn step_at(&mut self, now: Micros) -> Turned {
        let World { reader, seal, identity, trail, .. } = &self.world;
        wait(self.turning.step(now, reader, seal, identity, trail)).expect("a step")
    }

    fn steps(&mut self, count: usize) {
        for step in 0..count {
            assert!(self.step_at(NOW).worked, "{step}");
        }
    }

    /// Goes on until there is nothing to do then; gives the rotation.
    fn until_nothing_is_left_at(&mut self, now: Micros) -> (RotationRecord, bool) {
        for _ in 0..10 {
            let Turned { record, worked, waits } = self.step_at(now);
            if !worked {
                return (record.expect("one is kept"), waits);
            }
        }
        panic!("it comes to no end");
    }

    /// The next process, before it did anything.
    fn crash(mut self) -> Turns {
        self.keyring = self.ring.opened();
        self.world = self.world.after_crash(self.keyring.clone());
        self.turning = Turning::default();
        self
    }

    fn old_counts_at(&self, now: Micros) -> bool {
        self.world.identity.authenticate(self.old.show(), now).is_ok()
    }

    fn epochs(&self) -> [KeyEpochs; 2] {
        self.epochs_of(TOKENS)
    }

    fn epochs_of(&self, key: SingleKey) -> [KeyEpochs; 2] {
        [self.keyring.epochs_of(key), self.ring.opened().epochs_of(key)]
    }

    /// Waits until a checkpoint by whoever signs now is shown.
    fn published(&self) {
        let recorded = wait(self.world.trail.announce(Announcement::Heartbeat)).expect("recorded");
        wait(self.world.trail.covered(recorded.index())).expect("covered");
    }
}

const BOTH: KeyEpochs = KeyEpochs { present: 1, next: Some(2) };
const NEXT_ALONE: KeyEpochs = KeyEpochs { present: 2, next: None };

#[test]
fn former_key_verifies_until_its_last_token_has_ended_and_is_then_in_neither_slot() {
    let (mut turns, _) = Turns::begun();
    let (record, waits) = turns.until_nothing_is_left_at(NOW);
    assert!(waits, "time alone brings the next step");
    let overlap = record.overlap.expect("both serve");
    assert_eq!((record.state, record.done), (RotationState::Running, 0));
    assert_eq!((overlap.from, overlap.until), (NOW.0, at(TOKEN_OVERLAP_SECONDS).0));
    assert_eq!(turns.epochs(), [BOTH; 2]);
    // Its last moment is behind the end of the last token.
    assert!(turns.old_counts_at(at(TOKEN_LIFE_SECONDS_MAX - 1)));
    let last = Micros(overlap.until - 1);
    assert!(turns.until_nothing_is_left_at(last).1);
    assert_eq!(turns.epochs(), [BOTH; 2]);

    let new = turns.world.identity.issue(WORKER, None, 600, at(10)).expect("a token");
    let (record, waits) = turns.until_nothing_is_left_at(Micros(overlap.until));
    assert_eq!((record.state, record.done, waits), (RotationState::Ended, 1, false));
    assert_eq!(turns.epochs(), [NEXT_ALONE; 2]);
    assert!(turns.world.identity.authenticate(new.show(), at(20)).is_ok());
    assert!(!turns.old_counts_at(at(20)), "whatever the clock says by then");

    let log = turns.world.log_at_its_end();
    let followed = format!(
        r#""x":{{"former":"{}","next":"{}","rotation":"tokens","step":"overlap","until":{}}}"#,
        overlap.former, overlap.next, overlap.until
    );
    let destroyed = format!(r#""x":{{"former":"{}","rotation":"tokens"}}"#, overlap.former);
    for said in [followed, destroyed] {
        assert_eq!(log.matches(&said).count(), 1, "{said}");
    }
}

#[test]
fn at_whichever_step_the_process_ends_the_next_one_goes_on_and_good_tokens_count() {
    // Agreed, begun, drawn, said.
    for steps in 0..=3 {
        let (mut turns, _) = Turns::begun();
        turns.steps(steps);
        assert!(turns.old_counts_at(NOW), "{steps}");
        let mut turns = turns.crash();
        let (record, waits) = turns.until_nothing_is_left_at(at(60));
        assert!(waits && turns.old_counts_at(at(60)), "{steps}");
        // The time of both begins when it is said, which is never before the former signed its last.
        let until = record.overlap.expect("both serve").until;
        assert!(until >= at(TOKEN_OVERLAP_SECONDS).0, "{steps}");
        // Destroyed, said, ended.
        for steps in 0..=3 {
            (0..steps).for_each(|_| drop(turns.step_at(Micros(until))));
            turns = turns.crash();
        }
        let (record, _) = turns.until_nothing_is_left_at(Micros(until));
        assert_eq!((record.state, record.done), (RotationState::Ended, 1), "{steps}");
        assert_eq!(turns.epochs(), [NEXT_ALONE; 2], "{steps}: never one more");
        let destroyed = turns.world.log_at_its_end().matches(r#""act":"destroy""#).count();
        assert_eq!(destroyed, 1, "{steps}");
    }
}

#[test]
fn ring_that_cannot_be_written_stops_it_and_the_next_process_goes_on() {
    for (steps, then) in [(1, NOW), (3, at(TOKEN_OVERLAP_SECONDS))] {
        let (mut turns, _) = Turns::begun();
        turns.steps(steps);
        turns.ring.break_it();
        let World { reader, seal, identity, trail, .. } = &turns.world;
        assert!(wait(turns.turning.step(then, reader, seal, identity, trail)).is_err(), "{steps}");
        assert!(turns.old_counts_at(NOW), "{steps}");
        turns.ring.mend();
        let mut turns = turns.crash();
        turns.until_nothing_is_left_at(then);
        let over = Micros(then.0 + TOKEN_OVERLAP_SECONDS * 1_000_000);
        let (record, _) = turns.until_nothing_is_left_at(over);
        assert_eq!((record.state, turns.epochs()), (RotationState::Ended, [NEXT_ALONE; 2]));
    }
}

#[test]
fn paused_one_keeps_both_keys_and_says_what_the_ring_has_already() {
    for steps in [2, 3] {
        let (mut turns, id) = Turns::begun();
        turns.steps(steps);
        turns.say(ADMIN, RotationWord::Pause { id, still: true });
        let far = at(10 * TOKEN_OVERLAP_SECONDS);
        let (record, waits) = turns.until_nothing_is_left_at(far);
        assert!(record.overlap.is_some() && !waits, "{steps}");
        assert_eq!((record.state, turns.epochs()), (RotationState::Paused, [BOTH; 2]));
        turns.say(ADMIN, RotationWord::Pause { id, still: false });
        let over = Micros(far.0 + TOKEN_OVERLAP_SECONDS * 1_000_000);
        let (record, _) = turns.until_nothing_is_left_at(over);
        assert_eq!((record.state, turns.epochs()), (RotationState::Ended, [NEXT_ALONE; 2]));
    }
}

#[test]
fn former_key_of_a_ring_that_was_restored_beside_an_older_store_is_destroyed_at_once() {
    let turns = Turns::new();
    turns.keyring.draw_next(TOKENS).expect("drawn");
    let mut turns = turns.crash();
    let Turned { record, worked, waits } = turns.step_at(NOW);
    assert!(record.is_none() && worked && !waits);
    assert_eq!(turns.epochs(), [NEXT_ALONE; 2]);
    assert!(!turns.old_counts_at(NOW));
    assert!(!turns.step_at(NOW).worked);
}

#[test]
fn another_rotation_begins_where_the_one_before_ended() {
    let (mut turns, _) = Turns::begun();
    turns.until_nothing_is_left_at(NOW);
    turns.until_nothing_is_left_at(at(TOKEN_OVERLAP_SECONDS));
    let id = turns.say(ADMIN, RotationWord::Ask(RotationKind::Tokens)).id;
    turns.say(SECURITY, RotationWord::Decide { id, yes: true });
    turns.until_nothing_is_left_at(NOW);
    assert_eq!(turns.epochs(), [KeyEpochs { present: 2, next: Some(3) }; 2]);
}

/// What the key that protects is called.
fn serving(turns: &Turns, kind: RotationKind) -> String {
    match kind {
        RotationKind::Log => {
            let (present, next) = turns.world.trail.log_keys();
            next.unwrap_or(present)
        }
        _ => turns.world.identity.follow_keys(None).current,
    }
}

#[test]
fn key_that_is_drawn_in_a_ring_that_was_put_back_is_named_anew() {
    for kind in [RotationKind::Tokens, RotationKind::Log] {
        let (mut turns, _) = Turns::begun_for(kind);
        let older = turns.ring.bytes();
        let (record, _) = turns.until_nothing_is_left_at(NOW);
        let first = record.overlap.expect("both serve");
        assert_eq!(first.next, serving(&turns, kind));
        turns.ring.put_back(&older);
        let mut turns = turns.crash();
        let (record, waits) = turns.until_nothing_is_left_at(at(60));
        let again = record.overlap.expect("both serve");
        assert!(waits && again.epoch == first.epoch, "{kind:?}");
        assert_ne!(again.next, first.next, "{kind:?}: another key was drawn");
        assert_eq!(again.next, serving(&turns, kind), "{kind:?}");
        assert_eq!((again.former, again.from), (first.former, at(60).0), "{kind:?}");
        let log = turns.world.log_at_its_end();
        let said = log.matches(&format!(r#""next":"{}""#, again.next)).count();
        assert_eq!(said, 1, "{kind:?}");
    }
}

#[test]
fn key_of_a_ring_that_was_put_back_behind_the_end_is_named_anew_and_once() {
    let (mut turns, _) = Turns::begun();
    let older = turns.ring.bytes();
    let former = serving(&turns, RotationKind::Tokens);
    turns.until_nothing_is_left_at(NOW);
    let over = at(TOKEN_OVERLAP_SECONDS);
    turns.until_nothing_is_left_at(over);
    turns.ring.put_back(&older);
    let mut turns = turns.crash();
    let (record, waits) = turns.until_nothing_is_left_at(over);
    let overlap = record.overlap.expect("it names what serves");
    assert_eq!((record.state, waits), (RotationState::Ended, false));
    assert_eq!((&overlap.next, overlap.epoch), (&former, 1));
    assert!(!turns.step_at(over).worked);
    let mut turns = turns.crash();
    assert!(!turns.step_at(over).worked);
    let log = turns.world.log_at_its_end();
    assert_eq!(log.matches(&format!(r#""next":"{former}""#)).count(), 1);
}

#[test]
fn ring_from_before_a_change_that_the_store_knows_of_lacks_it_and_a_newer_one_lacks_nothing() {
    for kind in [RotationKind::Tokens, RotationKind::Log, RotationKind::Context] {
        let (mut turns, _) = Turns::begun_for(kind);
        let older = turns.ring.bytes();
        let lacks = |turns: &Turns| wait(ring_lacks(&turns.world.reader, &turns.world.seal));
        assert_eq!(lacks(&turns).expect("readable"), None, "{kind:?}: nothing is drawn");
        turns.until_nothing_is_left_at(NOW);
        assert_eq!(lacks(&turns).expect("readable"), None, "{kind:?}");
        turns.ring.put_back(&older);
        let turns = turns.crash();
        assert_eq!(lacks(&turns).expect("readable"), Some("the change of a key"), "{kind:?}");
    }
    // A ring that went on without this store has whatever it knows of.
    let turns = Turns::new();
    turns.keyring.draw_next(TOKENS).expect("drawn");
    assert_eq!(wait(ring_lacks(&turns.world.reader, &turns.world.seal)).expect("readable"), None);
}

const LOG: SingleKey = SingleKey::LogSigning;

#[test]
fn former_key_of_the_log_signs_for_seven_days_beside_the_next_one_and_is_then_in_neither_slot() {
    let (mut turns, _) = Turns::begun_for(RotationKind::Log);
    let former = turns.world.trail.log_key();
    let (record, waits) = turns.until_nothing_is_left_at(NOW);
    let overlap = record.overlap.expect("both serve");
    assert!(waits && turns.epochs_of(LOG) == [BOTH; 2]);
    let both = (overlap.former.clone(), Some(overlap.next.clone()));
    assert_eq!((turns.world.trail.log_keys(), &overlap.former), (both, &former));
    assert_eq!((overlap.from, overlap.until), (NOW.0, at(LOG_OVERLAP_SECONDS).0));
    turns.published();
    assert!(turns.until_nothing_is_left_at(Micros(overlap.until - 1)).1);
    assert_eq!(turns.epochs_of(LOG), [BOTH; 2]);
    let (record, _) = turns.until_nothing_is_left_at(Micros(overlap.until));
    assert_eq!((record.state, turns.epochs_of(LOG)), (RotationState::Ended, [NEXT_ALONE; 2]));
    assert_eq!(turns.world.trail.log_keys(), (overlap.next.clone(), None));
    assert!(turns.old_counts_at(NOW), "tokens have a key of their own");
    let turns = turns.crash();
    let log = turns.world.log_at_its_end();
    let followed = format!(
        r#""x":{{"former":"{former}","next":"{}","rotation":"log","step":"overlap","until":{}}}"#,
        overlap.next, overlap.until
    );
    let destroyed = format!(r#""x":{{"former":"{former}","rotation":"log"}}"#);
    for said in [followed, destroyed] {
        assert_eq!(log.matches(&said).count(), 1, "{said}");
    }
}

#[test]
fn at_whichever_step_the_process_ends_the_log_goes_on_under_a_key_that_auditors_have() {
    // Agreed, begun, drawn, said.
    for steps in 0..=3 {
        let (mut turns, _) = Turns::begun_for(RotationKind::Log);
        let former = turns.world.trail.log_key();
        turns.steps(steps);
        let mut turns = turns.crash();
        assert_eq!(turns.world.trail.log_key(), former, "{steps}");
        let (record, waits) = turns.until_nothing_is_left_at(at(60));
        let overlap = record.overlap.expect("both serve");
        assert!(waits && overlap.former == former, "{steps}");
        // Destroyed, said, ended.
        for steps in 0..=3 {
            turns.published();
            (0..steps).for_each(|_| drop(turns.step_at(Micros(overlap.until))));
            turns = turns.crash();
        }
        turns.published();
        let (record, _) = turns.until_nothing_is_left_at(Micros(overlap.until));
        assert_eq!((record.state, record.done), (RotationState::Ended, 1), "{steps}");
        assert_eq!(turns.epochs_of(LOG), [NEXT_ALONE; 2], "{steps}: never one more");
        assert_eq!(turns.world.trail.log_keys(), (overlap.next, None));
    }
}
