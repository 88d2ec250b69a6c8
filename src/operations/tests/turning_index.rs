//! Requirements on rotations of index keys: whoever is held is found at every step, by one record and one term, and a copy of a
//! former term finds nothing behind the end.
//! Never a row written anew, and never a term left behind by a write, a removal or an erasure that met the walk.
//! Steps are taken by hand; that a job takes them beside people's work is shown over the program.

use super::erasing::{agreed, carried_out, kept, world_under};
use super::ring::Ring;
use super::setting::{SCHEMAS, actor_record};
use super::world::*;
use crate::access::ActorId;
use crate::identity::NewActor;
use crate::limits::{
    INDEX_BUCKETS_COUNT, RETERM_LOOKS_COUNT, RETERM_TERMS_COUNT_MAX, ROTATION_BUCKETS_COUNT,
};
use crate::operations::by_term::{bearer, behind_term};
use crate::operations::{
    CreateRequest, QueryRequest, RotationWord, Turned, Turning, keys_status, rotate_keys,
};
use crate::records::{ExternalRef, MandateId, RecordId, RecordType, SubjectId, Value};
use crate::seal::{RotationKind, RotationRecord, RotationState, Sought};
use crate::store::{Change, Key, Op, Stored, Version};
use crate::trail::{Announcement, KeyNews};
use gridvault_keys::{IndexTerm, Keyring};
use serde_json::json;
use std::ops::Range;
use std::sync::Arc;

pub(super) const ADMIN: ActorId = ActorId::from_bytes([0x21; 16]);
pub(super) const PURPOSE: &str = "residence_registration";
pub(super) const ASK: RotationWord = RotationWord::Ask(RotationKind::Index);
pub(super) const GROUP: u16 = ROTATION_BUCKETS_COUNT as u16;

/// Somebody who is found by a telephone.
pub(super) struct Person {
    pub(super) id: RecordId,
    pub(super) subject: SubjectId,
    pub(super) phone: String,
    /// The row as it was stored.
    pub(super) row: Stored,
    /// The term as it was stored.
    pub(super) term: [u8; 18],
}

/// A world of keys of its own, with people whose telephones lie in an index bucket of the first group, of the second and of the last.
pub(super) struct Turns {
    pub(super) ring: Ring,
    pub(super) world: World,
    pub(super) keyring: Arc<Keyring>,
    pub(super) people: Vec<Person>,
    pub(super) turning: Turning,
}

/// What a telephone is found by.
pub(super) fn sought(world: &World, phone: &str) -> Sought {
    let field = SCHEMAS.get(RecordType::Person).and_then(|schema| schema.field("phone"));
    let field = field.expect("a field");
    let value = Value::parse(field, json!(phone), TODAY).expect("a right value");
    world.seal.term(field, &value).expect("a term")
}

pub(super) fn bucket_of(world: &World, phone: &str) -> u16 {
    let form = world.seal.forms(&sought(world, phone))[0];
    u16::from_be_bytes([form[0], form[1]])
}

/// A telephone that falls into one of these buckets; another one for each number.
pub(super) fn phone_in(world: &World, buckets: Range<u16>, number: usize) -> String {
    let phones = (0..100_000).map(|number| format!("129000{number:05}"));
    let mut fitting = phones.filter(|phone| buckets.contains(&bucket_of(world, phone)));
    fitting.nth(number).expect("one of many")
}

pub(super) fn behind(world: &World, phone: &str) -> Vec<RecordId> {
    let sought = sought(world, phone);
    let found = wait(behind_term(&sought, None, 100, &world.reader, &world.seal));
    let found = found.expect("a store");
    // The index leads to them, and each of their rows bears the value, wherever a rotation is.
    let bearers = found.iter().filter_map(|(key, _)| {
        wait(bearer(&sought, key, &world.reader, &world.seal)).expect("no term that misleads")
    });
    bearers.map(|sealed| sealed.row().header.id).collect()
}

/// The terms of a record that stand in the store.
pub(super) fn terms_of(world: &World, id: RecordId) -> Vec<[u8; 18]> {
    let all = wait(world.reader.scan(&Key::terms_prefix(), None, 10_000)).expect("a store");
    let terms = all.iter().filter_map(|(key, _)| key.term_parts());
    terms.filter(|(_, record)| *record == id).map(|(term, _)| term).collect()
}

pub(super) fn row_of(world: &World, id: RecordId) -> Stored {
    wait(world.reader.get(&Key::row(id))).expect("a store").expect("a row")
}

pub(super) fn store_person(world: &World, phone: &str) -> Person {
    let fields = json!({"name": "王伟", "birth_date": "1980-01-01", "phone": phone});
    let created = world.create(WORKER, registration(), fields).expect("created");
    let (id, subject) = (created.id, created.subject.expect("a person"));
    let term = terms_of(world, id)[0];
    Person { id, subject, phone: phone.to_owned(), row: row_of(world, id), term }
}

impl Turns {
    pub(super) fn new() -> Turns {
        let (ring, keyring) = Ring::new();
        let world = world_under(keyring.clone());
        let record = actor_record(ADMIN, "system_admin", None);
        world.announce(world.identity.directory().addition(&NewActor { record }).expect("one"));
        let last = INDEX_BUCKETS_COUNT - GROUP / 2..INDEX_BUCKETS_COUNT;
        let people = [0..GROUP, GROUP..2 * GROUP, last].map(|buckets| {
            let phone = phone_in(&world, buckets, 0);
            store_person(&world, &phone)
        });
        Turns { ring, world, keyring, people: people.into(), turning: Turning::default() }
    }

    pub(super) fn begun() -> (Turns, MandateId) {
        let turns = Turns::new();
        let id = turns.say(ADMIN, ASK).id;
        turns.say(SECURITY, RotationWord::Decide { id, yes: true });
        (turns, id)
    }

    pub(super) fn say(&self, who: ActorId, word: RotationWord) -> RotationRecord {
        let World { origin, reader, seal, access, trail, random, .. } = &self.world;
        let actor = self.world.actor(who);
        let said = rotate_keys(&actor, word, origin, NOW, reader, seal, access, trail, &**random);
        done(wait(said)).expect("said").0
    }

    pub(super) fn step(&mut self) -> Turned {
        let World { reader, seal, identity, trail, .. } = &self.world;
        wait(self.turning.step(NOW, reader, seal, identity, trail)).expect("a step")
    }

    pub(super) fn steps(&mut self, count: usize) {
        for step in 0..count {
            assert!(self.step().worked, "{step}");
        }
    }

    pub(super) fn kept(&self) -> RotationRecord {
        let World { origin, reader, seal, access, trail, .. } = &self.world;
        let admin = self.world.actor(ADMIN);
        let status = done(wait(keys_status(&admin, origin, NOW, reader, seal, access, trail)));
        status.expect("told").0.rotation.expect("one is kept")
    }

    /// The next process, before it did anything.
    pub(super) fn crash(mut self) -> Turns {
        self.keyring = self.ring.opened();
        self.world = self.world.after_crash(self.keyring.clone());
        self.turning = Turning::default();
        self
    }

    /// What holds at any time: everybody is found once, by one term, and its row is what it was.
    pub(super) fn everybody_is_found(&self) {
        for Person { id, phone, row, .. } in &self.people {
            assert_eq!(behind(&self.world, phone), [*id]);
            assert_eq!(terms_of(&self.world, *id).len(), 1);
            assert_eq!(row_of(&self.world, *id), *row);
        }
    }

    pub(super) fn until_the_group_is_done(&mut self) {
        for _ in 0..16 {
            if self.kept().done >= GROUP {
                break;
            }
            assert!(self.step().worked);
            self.everybody_is_found();
        }
        assert_eq!(self.kept().done, GROUP);
        assert!(self.world.matched(WORKER, PURPOSE, "phone", &self.people[0].phone).is_ok());
        for keyring in [&self.keyring, &self.ring.opened()] {
            assert!(keyring.next_index_keys().is_empty());
            assert!((0..GROUP).all(|it| keyring.index_epoch(it).is_ok_and(|epoch| epoch >= 2)));
            assert!(is_dead(keyring, &self.people[0].term));
            assert!(!is_dead(keyring, &self.people[1].term));
        }
    }
}

/// Whether nothing leads from a term of the first key of its bucket to one of now.
pub(super) fn is_dead(keyring: &Keyring, term: &[u8; 18]) -> bool {
    let term = IndexTerm::from_bytes(term).expect("a term");
    keyring.rekeyed_term(&term, 1).is_err()
}

#[test]
fn every_index_key_is_replaced_everybody_is_found_at_every_step_and_no_row_moves() {
    let (mut turns, _) = Turns::begun();
    let mut steps = 0;
    turns.everybody_is_found();
    while turns.step().worked {
        steps += 1;
        turns.everybody_is_found();
        assert!(steps < 1_000, "it comes to an end");
    }
    let record = turns.kept();
    assert_eq!((record.state, record.done), (RotationState::Ended, INDEX_BUCKETS_COUNT));
    // To begin and to end; of each group to draw and one walk that finds none, and one more where there is somebody.
    let groups = usize::from(INDEX_BUCKETS_COUNT).div_ceil(ROTATION_BUCKETS_COUNT);
    assert!(steps <= 2 + groups * 3, "{steps}");
    let turns = turns.crash();
    turns.everybody_is_found();
    for Person { id, phone, term, .. } in &turns.people {
        let held = turns.world.matched(WORKER, PURPOSE, "phone", phone).expect("an answer").held;
        assert!(held && !turns.world.has(&Key::term(term, *id)));
        for keyring in [&turns.keyring, &turns.ring.opened()] {
            assert!(is_dead(keyring, term), "a copy of before leads to a term of now");
            assert!(keyring.next_index_keys().is_empty());
        }
    }
    let epochs = (0..INDEX_BUCKETS_COUNT).map(|it| turns.keyring.index_epoch(it).expect("one"));
    assert!(epochs.min() >= Some(2));
    // Once more, over terms that moved before.
    let mut turns = turns;
    let id = turns.say(ADMIN, ASK).id;
    turns.say(SECURITY, RotationWord::Decide { id, yes: true });
    while turns.kept().done < GROUP {
        assert!(turns.step().worked);
        turns.everybody_is_found();
    }
    let person = &turns.people[0];
    assert!(wait(turns.world.delete_async(&turns.world.actor(HEAD), person.id, 1)).is_ok());
    assert!(terms_of(&turns.world, person.id).is_empty());
    assert!(!turns.world.has(&Key::moved_terms(person.id)));
}

#[test]
fn at_whichever_step_the_process_ends_the_next_one_goes_on_and_everybody_is_found() {
    // Agreed, begun, drawn, moved, looked at again and destroyed.
    for steps in 0..=4 {
        let (mut turns, _) = Turns::begun();
        turns.steps(steps);
        let mut turns = turns.crash();
        turns.everybody_is_found();
        turns.until_the_group_is_done();
    }
}

#[test]
fn group_whose_keys_were_destroyed_when_the_process_ended_is_said_by_the_next_one() {
    let (mut turns, _) = Turns::begun();
    turns.steps(3);
    let next = turns.world.seal.next_index_keys();
    assert_eq!(next.count(), ROTATION_BUCKETS_COUNT);
    turns.world.seal.destroy_index_keys_before(&next).expect("destroyed");
    let mut turns = turns.crash();
    assert_eq!(turns.kept().done, 0, "nothing was said");
    turns.everybody_is_found();
    turns.until_the_group_is_done();
    assert_eq!(turns.keyring.index_epoch(0).expect("a bucket"), 2, "it is done once");
    let log = turns.world.log_at_its_end();
    let said = format!(r#""x":{{"buckets":{ROTATION_BUCKETS_COUNT},"rotation":"index"}}"#);
    assert_eq!(log.matches(&said).count(), 2, "drawn and destroyed");
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
        turns.everybody_is_found();
        turns.ring.mend();
        let mut turns = turns.crash();
        turns.everybody_is_found();
        turns.until_the_group_is_done();
    }
}

#[test]
fn what_is_paused_stands_still_and_what_is_taken_back_leaves_no_key_in_between() {
    for steps in 1..=3 {
        let (mut turns, id) = Turns::begun();
        turns.steps(steps);
        turns.say(ADMIN, RotationWord::Pause { id, still: true });
        assert!(!turns.step().worked);
        let mut turns = turns.crash();
        assert!(!turns.step().worked);
        turns.everybody_is_found();
        let taken = turns.say(ADMIN, RotationWord::Cancel { id });
        assert_eq!(taken.state, RotationState::Cancelling);
        while turns.step().worked {
            turns.everybody_is_found();
        }
        assert_eq!(turns.kept().state, RotationState::Cancelled, "{steps}");
        assert!(turns.keyring.next_index_keys().is_empty());
        let drawn = u32::from(steps > 1);
        assert_eq!(turns.keyring.index_epoch(0).expect("a bucket"), 1 + drawn);
        assert_eq!(turns.keyring.index_epoch(INDEX_BUCKETS_COUNT - 1).expect("a bucket"), 1);
    }
}

#[test]
fn more_terms_than_one_step_looks_at_or_writes_move_each_to_one_place() {
    let (mut turns, _) = Turns::begun();
    let count = u16::try_from(RETERM_LOOKS_COUNT + RETERM_TERMS_COUNT_MAX + 1).expect("few");
    let mut change = Change::default();
    for number in 0..count {
        // In the first bucket and in the last of the group; the records are nobody's.
        let (mut term, mut record) = ([7; 18], [9; 16]);
        let bucket = if number % 2 == 0 { 0 } else { GROUP - 1 };
        term[..2].copy_from_slice(&bucket.to_be_bytes());
        term[2..4].copy_from_slice(&number.to_be_bytes());
        record[..2].copy_from_slice(&(number / 2).to_be_bytes());
        let key = Key::term(&term, RecordId::from_bytes(record));
        change.ops.push(Op::Put(key, Version(1), Vec::new()));
    }
    let planted: Vec<Key> = change.ops.iter().map(|op| op.key().clone()).collect();
    let told = Announcement::OfKeys(KeyNews::TermsMoved { terms: count.into() });
    wait(turns.world.trail.announce_keys(told, change)).expect("recorded").expect("taken");
    while turns.kept().done < GROUP {
        assert!(turns.step().worked);
        turns.everybody_is_found();
    }
    let all = wait(turns.world.reader.scan(&Key::terms_prefix(), None, 10_000)).expect("a store");
    assert_eq!(all.len(), usize::from(count) + turns.people.len());
    let moved = all.iter().filter(|(_, stored)| stored.payload == [0, 0, 0, 2]).count();
    assert_eq!(moved, usize::from(count) + 1, "and the person of the first group");
    assert!(planted.iter().all(|key| !turns.world.has(key)));
}

/// A call of any kind, for its effect alone.
type Act<'a> = Later<'a, ()>;

/// Begins, draws, and gives the walk's first step, which moves terms, and another call, in either order.
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
fn removal_that_meets_the_walk_leaves_no_term_behind() {
    for acts_first in [true, false] {
        let (mut turns, _) = Turns::begun();
        turns.steps(2);
        let id = turns.people[0].id;
        meeting(&mut turns, acts_first, |world| {
            Box::pin(async move {
                world.delete_async(&world.actor(HEAD), id, 1).await.expect("removed");
            })
        });
        assert!(terms_of(&turns.world, id).is_empty(), "{acts_first}");
        assert!(!turns.world.has(&Key::moved_terms(id)));
        turns.people.remove(0);
        while turns.kept().done < GROUP {
            assert!(turns.step().worked);
            turns.everybody_is_found();
        }
    }
}

#[test]
fn patch_that_meets_the_walk_is_found_by_its_new_value_and_no_more_by_the_old() {
    for acts_first in [true, false] {
        let (mut turns, _) = Turns::begun();
        turns.steps(2);
        let (id, old) = (turns.people[0].id, turns.people[0].phone.clone());
        // In the same group of buckets, so that it is under the next key at once.
        let new = phone_in(&turns.world, 0..GROUP, 1);
        let phone = new.clone();
        meeting(&mut turns, acts_first, move |world| {
            let phone = phone.clone();
            Box::pin(async move {
                let (fields, version) = (map(json!({"phone": phone})), 1);
                let request = crate::operations::PatchRequest { id, version, fields, basis: None };
                world.patch_async(&world.actor(WORKER), PURPOSE, request).await.expect("patched");
            })
        });
        let found = |turns: &Turns| (behind(&turns.world, &old), behind(&turns.world, &new));
        assert_eq!(found(&turns), (vec![], vec![id]), "{acts_first}");
        assert_eq!(terms_of(&turns.world, id).len(), 1);
        while turns.kept().done < GROUP {
            assert!(turns.step().worked);
            assert_eq!(found(&turns), (vec![], vec![id]), "{acts_first}");
        }
        assert_eq!(turns.world.version(id), 2, "the rotation moved no version");
    }
}

#[test]
fn what_was_decided_before_the_next_key_was_drawn_is_stored_under_it() {
    let turns = Turns::new();
    let Turns { world, .. } = &turns;
    let phone = phone_in(world, 0..GROUP, 1);
    let bucket = bucket_of(world, &phone);
    let create: Act<'_> = Box::pin(async {
        let fields = json!({"name": "李娜", "phone": phone});
        let request = person(registration(), fields);
        world.create_async(&world.actor(WORKER), PURPOSE, request).await.expect("created");
    });
    let draw: Act<'_> = Box::pin(async {
        world.seal.draw_next_index_keys(&[bucket]).expect("drawn");
        world.trail.announce(Announcement::Heartbeat).await.expect("recorded");
    });
    world.in_one_group(vec![create, draw]);
    assert_eq!(behind(world, &phone).len(), 1);
    world.seal.destroy_index_keys_before(&world.seal.next_index_keys()).expect("destroyed");
    assert_eq!(behind(world, &phone).len(), 1, "it stood under the next key alone");
}

#[test]
fn patches_and_removals_between_the_steps_find_whichever_term_stands() {
    for steps in 1..=5 {
        let (mut turns, _) = Turns::begun();
        turns.steps(steps);
        let world = &turns.world;
        let (id, old) = (turns.people[0].id, turns.people[0].phone.clone());
        // A patch of something else leaves the term, and what became of it.
        world.patch(WORKER, PURPOSE, id, json!({"sex": "1"}), None).expect("patched");
        assert_eq!((behind(world, &old), terms_of(world, id).len()), (vec![id], 1), "{steps}");
        let new = phone_in(world, 0..GROUP, 2);
        world.patch(WORKER, PURPOSE, id, json!({"phone": new}), None).expect("patched");
        assert_eq!((behind(world, &old), behind(world, &new)), (vec![], vec![id]), "{steps}");
        assert_eq!(terms_of(world, id).len(), 1);
        world.patch(WORKER, PURPOSE, id, json!({"phone": old}), None).expect("patched");
        assert_eq!((behind(world, &old), terms_of(world, id).len()), (vec![id], 1), "{steps}");
        let late = store_person(world, &phone_in(world, 0..GROUP, 3));
        wait(world.delete_async(&world.actor(HEAD), id, 4)).expect("removed");
        assert!(terms_of(world, id).is_empty(), "{steps}");
        turns.people[0] = late;
        while turns.kept().done < GROUP {
            assert!(turns.step().worked);
            turns.everybody_is_found();
        }
    }
}

#[test]
fn list_by_a_value_or_by_a_systems_own_name_goes_on_behind_its_cursor() {
    let (mut turns, _) = Turns::begun();
    let world = &turns.world;
    let phone = turns.people[0].phone.clone();
    let named = |name: &str| ExternalRef::new(name.to_owned()).expect("a reference");
    let bucket = |name: &str| {
        let form = world.seal.forms(&world.seal.external_term(WORKER, &named(name)))[0];
        u16::from_be_bytes([form[0], form[1]])
    };
    let mut names = (0..10_000).map(|number| format!("A-{number}"));
    let name = names.find(|name| bucket(name) < GROUP).expect("one of a few thousand");
    for _ in 0..2 {
        let fields = json!({"name": "王伟", "phone": phone});
        let external = Some(named(&name));
        let request = CreateRequest { external, ..person(registration(), fields) };
        world.create_request(WORKER, request).expect("created");
    }
    let by_value = |cursor| QueryRequest {
        matched: Some(("phone".to_owned(), json!(phone))),
        cursor,
        ..list_of(RecordType::Person, &["name"], 1)
    };
    let by_name = |cursor| QueryRequest {
        external_ref: Some(named(&name)),
        cursor,
        ..list_of(RecordType::Person, &["name"], 1)
    };
    let (mut values, mut referred) = (Vec::new(), Vec::new());
    let (mut value_cursor, mut name_cursor) = (None, None);
    // A page before anything, one between drawing and moving, and those behind it.
    for page in 0..4 {
        if page < 3 || value_cursor.is_some() {
            let listed = turns.world.query(WORKER, by_value(value_cursor.take())).expect("a page");
            values.extend(listed.ids);
            value_cursor = listed.cursor;
        }
        if page < 2 || name_cursor.is_some() {
            let listed = turns.world.query(WORKER, by_name(name_cursor.take())).expect("a page");
            referred.extend(listed.ids);
            name_cursor = listed.cursor;
        }
        turns.steps(if page == 0 { 2 } else { 1 });
    }
    for (found, expected) in [(values, 3), (referred, 2)] {
        let mut each = found.clone();
        each.sort_unstable();
        each.dedup();
        assert_eq!((found.len(), each.len()), (expected, expected));
    }
}

#[test]
fn next_keys_that_no_rotation_is_about_come_to_their_end_by_themselves() {
    let turns = Turns::new();
    let buckets: Vec<u16> = (0..GROUP).collect();
    turns.world.seal.draw_next_index_keys(&buckets).expect("drawn");
    let mut turns = turns.crash();
    turns.everybody_is_found();
    let late = store_person(&turns.world, &phone_in(&turns.world, 0..GROUP, 1));
    turns.people.push(late);
    while turns.step().worked {
        turns.everybody_is_found();
    }
    assert!(turns.keyring.next_index_keys().is_empty());
    assert_eq!(turns.keyring.index_epoch(0).expect("a bucket"), 2);
}

#[test]
fn erased_persons_terms_are_dead_wherever_copies_lie_and_whoever_shares_a_bucket_is_found() {
    // Before any rotation, and while one stands still in the middle of the bucket's group.
    for steps in [0, 2, 3] {
        let (mut turns, id) =
            if steps > 0 { Turns::begun() } else { (Turns::new(), MandateId::from_bytes([0; 16])) };
        turns.steps(steps);
        if steps > 0 {
            turns.say(ADMIN, RotationWord::Pause { id, still: true });
        }
        let gone = turns.people.remove(0);
        let copies = [vec![gone.term], terms_of(&turns.world, gone.id)].concat();
        let epochs = [
            1,
            turns.keyring.newest_index_epoch(bucket_of(&turns.world, &gone.phone)).expect("one"),
        ];
        let bucket = bucket_of(&turns.world, &gone.phone);
        let neighbour = phone_in(&turns.world, bucket..bucket + 1, 1);
        let neighbour = store_person(&turns.world, &neighbour);
        turns.people.push(neighbour);
        let erasure = agreed(&turns.world, gone.subject);
        assert!(carried_out(&turns.world, erasure).expect("erased").destroyed.is_some());
        assert!(kept(&turns.world, erasure).terms.is_empty(), "which buckets is not kept");
        for keyring in [&turns.keyring, &turns.ring.opened()] {
            for copy in &copies {
                let term = IndexTerm::from_bytes(copy).expect("a term");
                for epoch in epochs {
                    assert!(keyring.rekeyed_term(&term, epoch).is_err(), "{steps}: {epoch}");
                }
                let forms = turns.world.seal.forms(&sought(&turns.world, &gone.phone));
                assert!(!forms.contains(copy), "{steps}: a copy is found by its value");
            }
        }
        turns.everybody_is_found();
        let turns = turns.crash();
        turns.everybody_is_found();
        assert!(terms_of(&turns.world, gone.id).is_empty());
    }
}
