//! Requirements on rotations of the header key: whatever the vault keeps sealed about itself opens at every step, no row moves, and the
//! former key goes once nothing is under it and somebody let it go.
//! Never a write lost that met the walk, and never what is left of a removed record's attributes behind it.
//! Steps are taken by hand; that a job takes them beside people's work is shown over the program.

use super::erasing::{agreed, world_under};
use super::ring::Ring;
use super::setting::actor_record;
use super::world::*;
use crate::access::{ActorId, Code};
use crate::identity::{Directory, EnrolmentCode, NewActor};
use crate::limits::{RESEAL_LOOKS_COUNT, RESEAL_VALUES_COUNT_MAX};
use crate::operations::{
    PatchRequest, QueryRequest, RotationWord, Turned, Turning, keys_status, ring_lacks, rotate_keys,
};
use crate::records::{MandateId, RecordId, RecordType};
use crate::seal::{RotationKind, RotationRecord, RotationState};
use crate::store::{Change, Fetched, Key, Op, Stored, Version, sealed_by_header};
use crate::trail::{Announcement, KeyNews};
use gridvault_keys::{KeyEpochs, KeyState, Keyring, SingleKey};
use serde_json::json;
use std::sync::Arc;

const ADMIN: ActorId = ActorId::from_bytes([0x21; 16]);
const PURPOSE: &str = "residence_registration";
const ASK: RotationWord = RotationWord::Ask(RotationKind::Header);
const FIRST: KeyEpochs = KeyEpochs { present: 1, next: None };
const BOTH: KeyEpochs = KeyEpochs { present: 1, next: Some(2) };
const NEXT_ALONE: KeyEpochs = KeyEpochs { present: 2, next: None };

/// A world of keys of its own that has something of every kind that is sealed under the header key.
struct Turns {
    ring: Ring,
    world: World,
    keyring: Arc<Keyring>,
    turning: Turning,
    /// A person, a removed one, and their rows as they were stored.
    stays: RecordId,
    gone: RecordId,
    rows: [Stored; 2],
    mandate: MandateId,
    code: EnrolmentCode,
    /// What was written in a review.
    note: Key,
}

fn stored(world: &World, key: &Key) -> Stored {
    wait(world.reader.get(key)).expect("a store").expect("a value")
}

impl Turns {
    fn new() -> Turns {
        let (ring, keyring) = Ring::new();
        let world = world_under(keyring.clone());
        let record = actor_record(ADMIN, "system_admin", None);
        world.announce(world.identity.directory().addition(&NewActor { record }).expect("one"));
        let (stays, subject) = adult(&world);
        let gone = world.create(WORKER, registration(), json!({"name": "李娜"})).expect("one").id;
        wait(world.delete_async(&world.actor(HEAD), gone, 1)).expect("removed");
        let code = EnrolmentCode::draw(&*world.random).expect("a code");
        world.announce(world.identity.directory().enrolment(WORKER, &code, NOW).expect("one"));
        let note = Key::review_note(&[9; 16], 1);
        put(&world, &note, world.seal.seal_memo(&note, b"seen").expect("sealed"));
        let mandate = agreed(&world, subject);
        let rows = [stays, gone].map(|id| stored(&world, &Key::row(id)));
        let turning = Turning::default();
        Turns { ring, world, keyring, turning, stays, gone, rows, mandate, code, note }
    }

    fn begun() -> (Turns, MandateId) {
        let turns = Turns::new();
        let id = turns.agree();
        (turns, id)
    }

    fn agree(&self) -> MandateId {
        let id = self.say(ADMIN, ASK).id;
        self.say(SECURITY, RotationWord::Decide { id, yes: true });
        id
    }

    fn try_to_say(&self, who: ActorId, word: RotationWord) -> Done<RotationRecord> {
        let World { origin, reader, seal, access, trail, random, .. } = &self.world;
        let actor = self.world.actor(who);
        let said = rotate_keys(&actor, word, origin, NOW, reader, seal, access, trail, &**random);
        done(wait(said)).map(|(record, _)| record)
    }

    fn say(&self, who: ActorId, word: RotationWord) -> RotationRecord {
        self.try_to_say(who, word).expect("a word that counts")
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

    /// Goes on until there is nothing to do; everything opens at every step.
    fn until_nothing_is_left(&mut self) -> RotationRecord {
        for _ in 0..40 {
            let Turned { record, worked, .. } = self.step();
            self.everything_opens();
            if !worked {
                return record.expect("one is kept");
            }
        }
        panic!("it comes to no end");
    }

    /// Goes on to where it waits, and lets it go on to its end.
    fn until_the_end(&mut self) {
        let held = self.until_nothing_is_left();
        assert_eq!((held.state, held.done), (RotationState::Held, 0));
        assert!(held.sealed_anew_at.is_some());
        assert_eq!(self.epochs(), [BOTH; 2], "nothing is destroyed before somebody says so");
        // Neither the word that lets a walk go on, nor that of whoever asked, nor a no is one that destroys.
        for (who, word, code) in [
            (ADMIN, RotationWord::Pause { id: held.id, still: false }, Code::VersionConflict),
            (ADMIN, RotationWord::Pause { id: held.id, still: true }, Code::VersionConflict),
            (ADMIN, RotationWord::Decide { id: held.id, yes: true }, Code::Denied),
            (SECURITY, RotationWord::Decide { id: held.id, yes: false }, Code::VersionConflict),
        ] {
            assert_eq!(self.try_to_say(who, word).err(), Some(code));
        }
        self.say(SECURITY, RotationWord::Decide { id: held.id, yes: true });
        let ended = self.until_nothing_is_left();
        assert_eq!((ended.state, ended.done), (RotationState::Ended, 1));
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

    fn epochs(&self) -> [KeyEpochs; 2] {
        [&self.keyring, &self.ring.opened()].map(|ring| ring.epochs_of(SingleKey::Header))
    }

    /// What holds at any time: everything that is kept opens, and each row is what it was.
    fn everything_opens(&self) {
        let World { seal, reader, identity, .. } = &self.world;
        let read = self.world.read(WORKER, PURPOSE, self.stays, &["name"]);
        assert_eq!(read, Ok(json!({"name": "王伟"})));
        let removed = wait(reader.fetch(self.gone)).expect("a store");
        let Fetched::Erased(tombstone, ..) = removed else { panic!("it is gone") };
        assert!(seal.remains_of(&tombstone).is_ok());
        let rows = [self.stays, self.gone].map(|id| stored(&self.world, &Key::row(id)));
        assert_eq!(rows, self.rows, "no row moves");
        let mandate = stored(&self.world, &Key::mandate(self.mandate));
        assert!(seal.open_mandate(self.mandate, &mandate).is_ok());
        let note = stored(&self.world, &self.note).payload;
        assert_eq!(seal.open_memo(&self.note, &note).expect("its own").as_slice(), b"seen");
        let directory = Directory::new(self.keyring.clone());
        wait(directory.load(reader)).expect("every actor opens");
        assert!(wait(directory.redeem(reader, self.code.show(), None, NOW)).is_ok());
        assert!(identity.directory().record(&WORKER).is_some());
        assert!(seal.rehearse().is_ok());
    }

    /// The key of everything that is sealed under a header key, but of rows of which it lies elsewhere.
    fn states(&self) -> Vec<KeyState> {
        let World { reader, .. } = &self.world;
        let mut states = Vec::new();
        for prefix in Key::by_header_prefixes().iter().chain([&Key::moved_attributes_prefix()]) {
            for (key, stored) in wait(reader.scan(prefix, None, 10_000)).expect("a store") {
                let sealed = sealed_by_header(&key, &stored.payload).expect("of that kind");
                let state = self.keyring.header_key_state(sealed).expect("sealed so");
                states.push(state.expect("one that there was"));
            }
        }
        states
    }
}

fn put(world: &World, key: &Key, sealed: Vec<u8>) {
    let mut change = Change::default();
    change.put_new(key.clone(), sealed);
    let told = Announcement::OfKeys(KeyNews::SealedAnew { values: 1 });
    wait(world.trail.announce_keys(told, change)).expect("recorded").expect("not stale");
}

#[test]
fn everything_is_sealed_anew_opens_at_every_step_and_no_row_moves() {
    let (mut turns, _) = Turns::begun();
    turns.everything_opens();
    let was = stored(&turns.world, &turns.note);
    turns.until_the_end();
    let mut turns = turns.crash();
    turns.everything_opens();
    assert_eq!(turns.epochs(), [NEXT_ALONE; 2]);
    assert!(turns.states().iter().all(|state| *state == KeyState::Active));
    for row in &turns.rows {
        let sealed = sealed_by_header(&Key::row(turns.stays), &row.payload).expect("attributes");
        let state = turns.keyring.header_key_state(sealed).expect("sealed so");
        assert_eq!(state, Some(KeyState::Destroyed), "what a copy of before holds opens no more");
    }
    let anew = stored(&turns.world, &turns.note);
    assert_eq!(anew.version, was.version, "nobody has to decide again");
    assert_ne!(anew.payload, was.payload);
    // Once more, over what was sealed anew before.
    turns.agree();
    let held = turns.until_nothing_is_left();
    turns.say(SECURITY, RotationWord::Decide { id: held.id, yes: true });
    turns.until_nothing_is_left();
    assert_eq!(turns.epochs(), [KeyEpochs { present: 3, next: None }; 2]);
    assert!(turns.states().iter().all(|state| *state == KeyState::Active));
    let log = turns.world.log_at_its_end();
    for said in [
        r#""x":{"keys":1,"rotation":"header","step":"draw"}"#,
        r#""x":{"keys":1,"rotation":"header","step":"hold"}"#,
        r#""x":{"keys":1,"rotation":"header","step":"end"}"#,
        r#""rotation":"header","step":"destroy"}"#,
    ] {
        assert_eq!(log.matches(said).count(), 2, "{said}");
    }
    assert_eq!(log.matches(r#""x":{"former":"1","rotation":"header"}"#).count(), 1);
    assert!(log.contains(r#""rotation":"header","values":"#));
}

#[test]
fn at_whichever_step_the_process_ends_the_next_one_goes_on_and_everything_opens() {
    // Agreed, begun, drawn, said, sealed anew, held.
    for steps in 0..=5 {
        let (mut turns, _) = Turns::begun();
        turns.steps(steps);
        let mut turns = turns.crash();
        turns.everything_opens();
        turns.until_the_end();
        assert_eq!(turns.epochs(), [NEXT_ALONE; 2], "{steps}: never one more");
    }
    // Let go on, looked at, destroyed, said, ended.
    for steps in 0..=3 {
        let (mut turns, id) = Turns::begun();
        turns.until_nothing_is_left();
        turns.say(SECURITY, RotationWord::Decide { id, yes: true });
        turns.steps(steps);
        let mut turns = turns.crash();
        let ended = turns.until_nothing_is_left();
        assert_eq!((ended.state, ended.done), (RotationState::Ended, 1), "{steps}");
        assert_eq!(turns.epochs(), [NEXT_ALONE; 2], "{steps}: never one more");
    }
}

#[test]
fn ring_that_cannot_be_written_stops_it_and_the_next_process_goes_on() {
    for (steps, holds) in [(1, false), (0, true)] {
        let (mut turns, id) = Turns::begun();
        if holds {
            turns.until_nothing_is_left();
            turns.say(SECURITY, RotationWord::Decide { id, yes: true });
        }
        turns.steps(steps);
        turns.ring.break_it();
        let World { reader, seal, identity, trail, .. } = &turns.world;
        let step = turns.turning.step(NOW, reader, seal, identity, trail);
        assert!(wait(step).is_err(), "{steps}");
        turns.everything_opens();
        turns.ring.mend();
        let mut turns = turns.crash();
        turns.everything_opens();
        if holds {
            turns.until_nothing_is_left();
        } else {
            turns.until_the_end();
        }
        assert_eq!(turns.kept().state, RotationState::Ended);
        assert_eq!(turns.epochs(), [NEXT_ALONE; 2]);
    }
}

#[test]
fn before_anything_is_drawn_it_is_taken_back_and_then_it_comes_to_its_end() {
    let (mut turns, id) = Turns::begun();
    turns.steps(1);
    turns.say(ADMIN, RotationWord::Pause { id, still: true });
    assert!(!turns.step().worked);
    assert_eq!(turns.say(ADMIN, RotationWord::Cancel { id }).state, RotationState::Cancelling);
    assert_eq!(turns.until_nothing_is_left().state, RotationState::Cancelled);
    assert_eq!(turns.epochs(), [FIRST; 2]);
    // Between the ring and the row: what is drawn comes to its end, and waits for the same word.
    let id = turns.agree();
    turns.steps(2);
    assert_eq!(turns.epochs(), [BOTH; 2]);
    assert_eq!(turns.say(ADMIN, RotationWord::Cancel { id }).state, RotationState::Cancelling);
    let mut turns = turns.crash();
    turns.until_the_end();
    // Once it is said there is no way back.
    let id = turns.agree();
    turns.steps(3);
    let refused = turns.try_to_say(ADMIN, RotationWord::Cancel { id });
    assert_eq!(refused.err(), Some(Code::VersionConflict));
}

#[test]
fn pause_on_the_way_is_none_that_waits_for_the_former_key_to_go() {
    let (mut turns, id) = Turns::begun();
    turns.steps(4);
    let paused = turns.say(ADMIN, RotationWord::Pause { id, still: true });
    assert_eq!(paused.sealed_anew_at, None);
    assert!(!turns.step().worked);
    let mut turns = turns.crash();
    assert!(!turns.step().worked);
    turns.say(ADMIN, RotationWord::Pause { id, still: false });
    turns.until_the_end();
    assert_eq!(turns.epochs(), [NEXT_ALONE; 2]);
}

/// A call of any kind, for its effect alone.
type Act<'a> = Later<'a, ()>;

/// Gives the walk's first step, which seals anew, and another call, in either order.
fn meeting(turns: &mut Turns, acts_first: bool, act: impl for<'a> Fn(&'a World) -> Act<'a>) {
    let Turns { world, turning, .. } = turns;
    let World { reader, seal, identity, trail, .. } = &*world;
    let step: Act<'_> = Box::pin(async {
        assert!(turning.step(NOW, reader, seal, identity, trail).await.expect("a step").worked);
    });
    let act = act(world);
    let calls = if acts_first { vec![act, step] } else { vec![step, act] };
    world.in_one_group(calls);
}

#[test]
fn patch_that_meets_the_walk_is_not_lost_and_leaves_nothing_beside_its_row() {
    for acts_first in [true, false] {
        let (mut turns, _) = Turns::begun();
        turns.steps(3);
        let id = turns.stays;
        meeting(&mut turns, acts_first, move |world| {
            Box::pin(async move {
                let (fields, version) = (map(json!({"sex": "1"})), 1);
                let request = PatchRequest { id, version, fields, basis: None };
                world.patch_async(&world.actor(WORKER), PURPOSE, request).await.expect("patched");
            })
        });
        assert_eq!(turns.world.version(id), 2, "{acts_first}");
        assert!(!turns.world.has(&Key::moved_attributes(id)), "{acts_first}");
        turns.rows[0] = stored(&turns.world, &Key::row(id));
        turns.until_the_end();
        let read = turns.world.read(WORKER, PURPOSE, id, &["sex"]);
        assert_eq!(read, Ok(json!({"sex": "1"})), "{acts_first}");
        assert!(!turns.world.has(&Key::moved_attributes(id)), "it is under the next key itself");
    }
}

#[test]
fn removal_that_meets_the_walk_leaves_no_attributes_behind() {
    for acts_first in [true, false] {
        let (mut turns, _) = Turns::begun();
        let id =
            turns.world.create(WORKER, registration(), json!({"name": "李四"})).expect("one").id;
        turns.steps(3);
        meeting(&mut turns, acts_first, move |world| {
            Box::pin(async move {
                world.delete_async(&world.actor(HEAD), id, 1).await.expect("removed");
            })
        });
        assert!(!turns.world.has(&Key::moved_attributes(id)), "{acts_first}");
        turns.until_the_end();
        assert!(!turns.world.has(&Key::moved_attributes(id)), "{acts_first}");
        let Fetched::Erased(tombstone, ..) = wait(turns.world.reader.fetch(id)).expect("a store")
        else {
            panic!("it is gone")
        };
        assert!(turns.world.seal.remains_of(&tombstone).is_ok());
    }
}

#[test]
fn change_of_an_actor_that_meets_the_walk_is_not_lost() {
    for acts_first in [true, false] {
        let (mut turns, _) = Turns::begun();
        turns.steps(3);
        meeting(&mut turns, acts_first, |world| {
            Box::pin(async {
                let mut record = world.identity.directory().record(&NEIGHBOUR).expect("an actor");
                record.own = Some([7; 16]);
                let change = world.identity.directory().replacement(&record).expect("an actor");
                let said = Announcement::Enrolled { actor: [0; 16], role: "none".into() };
                world.trail.announce_change(said, change).await.expect("recorded");
            })
        });
        turns.until_the_end();
        let turns = turns.crash();
        let record = turns.world.identity.directory().record(&NEIGHBOUR).expect("an actor");
        assert_eq!(record.own, Some([7; 16]), "{acts_first}");
    }
}

#[test]
fn what_was_sealed_before_the_next_key_was_drawn_is_stored_under_it_or_decided_again() {
    let turns = Turns::new();
    let Turns { world, keyring, .. } = &turns;
    let create: Act<'_> = Box::pin(async {
        let request = person(registration(), json!({"name": "李四"}));
        world.create_async(&world.actor(WORKER), PURPOSE, request).await.expect("created");
    });
    let draw: Act<'_> = Box::pin(async {
        keyring.draw_next(SingleKey::Header).expect("drawn");
        world.trail.announce(Announcement::Heartbeat).await.expect("recorded");
    });
    world.in_one_group(vec![create, draw]);
    let rows = wait(world.reader.scan(&Key::row_prefix(), None, 100)).expect("a store");
    let states = rows.iter().map(|(key, row)| {
        let sealed = sealed_by_header(key, &row.payload).expect("attributes");
        keyring.header_key_state(sealed).expect("sealed so")
    });
    assert_eq!(states.filter(|state| *state == Some(KeyState::Active)).count(), 1);
}

#[test]
fn writes_behind_the_end_take_away_what_was_sealed_anew_for_the_row_before() {
    let (mut turns, _) = Turns::begun();
    turns.until_the_end();
    let (world, id) = (&turns.world, turns.stays);
    assert!(world.has(&Key::moved_attributes(id)) && world.has(&Key::moved_attributes(turns.gone)));
    let facts = world.facts(id);
    world.patch(WORKER, PURPOSE, id, json!({"sex": "1"}), None).expect("patched");
    assert!(!world.has(&Key::moved_attributes(id)));
    assert_eq!(world.facts(id).record_handle, facts.record_handle);
    wait(world.delete_async(&world.actor(HEAD), id, 2)).expect("removed");
    assert!(!world.has(&Key::moved_attributes(id)));
}

#[test]
fn cursor_of_before_goes_on_while_the_former_key_is_there_and_is_none_afterwards() {
    let (mut turns, id) = Turns::begun();
    turns.world.create(WORKER, registration(), json!({"name": "李四"})).expect("one");
    let query = |cursor: Option<String>| QueryRequest {
        cursor,
        ..list_of(RecordType::Person, &["name"], 1)
    };
    let first = turns.world.query(WORKER, query(None)).expect("a page");
    let cursor = first.cursor.expect("more");
    turns.until_nothing_is_left();
    assert!(turns.world.query(WORKER, query(Some(cursor.clone()))).is_ok());
    turns.say(SECURITY, RotationWord::Decide { id, yes: true });
    turns.until_nothing_is_left();
    let over = turns.world.query(WORKER, query(Some(cursor)));
    let edited = turns.world.query(WORKER, query(Some("AAAA".into())));
    assert_eq!(over.err(), edited.err(), "like any cursor that is over");
}

#[test]
fn more_values_than_one_step_looks_at_or_writes_are_all_sealed_anew_and_one_that_is_none_is_left() {
    let (mut turns, _) = Turns::begun();
    let world = &turns.world;
    let count = u16::try_from(RESEAL_LOOKS_COUNT + RESEAL_VALUES_COUNT_MAX + 1).expect("few");
    let notes = (0..count).map(|number| Key::review_note(&[8; 16], number));
    for some in notes.collect::<Vec<_>>().chunks(200) {
        let mut change = Change::default();
        for note in some {
            change.put_new(note.clone(), world.seal.seal_memo(note, b"seen").expect("sealed"));
        }
        let told = Announcement::OfKeys(KeyNews::SealedAnew { values: 1 });
        wait(world.trail.announce_keys(told, change)).expect("recorded").expect("not stale");
    }
    // Sealed for another row: what opens beside nothing keeps nothing else from it.
    let (wrong, other) = (Key::review_note(&[7; 16], 1), Key::review_note(&[7; 16], 2));
    let sealed = world.seal.seal_memo(&other, b"seen").expect("sealed");
    let change = Change { ops: vec![Op::Put(wrong, Version(1), sealed)], expects: Vec::new() };
    let told = Announcement::OfKeys(KeyNews::SealedAnew { values: 1 });
    wait(world.trail.announce_keys(told, change)).expect("recorded").expect("not stale");
    turns.until_the_end();
    let dead = turns.states().into_iter().filter(|state| *state != KeyState::Active);
    assert_eq!(dead.collect::<Vec<_>>(), [KeyState::Destroyed]);
    assert!(turns.states().len() > usize::from(count));
}

#[test]
fn next_key_that_no_rotation_is_about_comes_to_its_end_by_itself() {
    let turns = Turns::new();
    turns.keyring.draw_next(SingleKey::Header).expect("drawn");
    // As behind a restore: nobody of this process sealed under the former.
    let mut turns = turns.crash();
    for _ in 0..10 {
        if !turns.step().worked {
            break;
        }
        turns.everything_opens();
    }
    assert_eq!(turns.epochs(), [NEXT_ALONE; 2]);
    let turns = turns.crash();
    turns.everything_opens();
    let log = turns.world.log_at_its_end();
    assert_eq!(log.matches(r#""x":{"former":"1","rotation":"header"}"#).count(), 1);
}

#[test]
fn ring_from_before_it_lacks_what_the_store_knows_of() {
    let (mut turns, _) = Turns::begun();
    let lacks = |turns: &Turns| wait(ring_lacks(&turns.world.reader, &turns.world.seal));
    turns.steps(3);
    assert_eq!(lacks(&turns).expect("readable"), None);
    turns.until_the_end();
    assert_eq!(lacks(&turns).expect("readable"), None);
}
