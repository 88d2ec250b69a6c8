//! Requirements on erasures where only a crash, a race or a number can show them.
//! Never somebody else's key lost, at whichever step it stops, and never a copy of the erased one's that opens behind the last.
//! The store is made again from the journal alone, and the ring from its file.

use super::expiring::{removed, walked};
use super::ring::{Ring, bucket_of, id_of, somebody_in, wrapped};
use super::setting::{KEYRING, SCHEMAS, actor_record};
use super::world::*;
use crate::access::{ActorId, Code};
use crate::ambient::Micros;
use crate::identity::{Actor, NewActor};
use crate::limits::ERASURE_RECORDS_COUNT_MAX;
use crate::operations::{
    EraseRequest, Erased, OperationError, Waiting, ask_erasure, carry_out_erasure, decide_approval,
    destroy_keys, ring_lacks,
};
use crate::purposes::ConsentGiver;
use crate::records::{MandateId, RecordId, SubjectId};
use crate::seal::{ErasureRecord, ErasureState};
use crate::store::{Change, ControlKind, Expect, Fetched, Key, Op, Version};
use crate::trail::{Announcement, ErasureLedger};
use gridvault_keys::{Keyring, WrappedUnder};
use jiff::ToSpan as _;
use serde_json::{Value as Json, json};
use std::sync::Arc;

const OFFICER: ActorId = ActorId::from_bytes([0x18; 16]);
const RIGHTS: &str = "rights_request";
const PURPOSE: &str = "residence_registration";

/// A world of these keys, with somebody who agrees.
pub(super) fn world_under(keyring: Arc<Keyring>) -> World {
    let world = World::under(keyring);
    let record = actor_record(OFFICER, "protection_officer", None);
    let change = world.identity.directory().addition(&NewActor { record });
    world.announce(change.expect("an actor"));
    world
}

/// A world with somebody who agrees.
pub(super) fn world_with_officer() -> World {
    world_under(KEYRING.clone())
}

/// An erasure that is asked for.
pub(super) fn try_erasure(world: &World, subject: SubjectId) -> Done<MandateId> {
    done(wait(ask(world, &world.actor(DESK), subject)))
}

async fn ask(world: &World, desk: &Actor, subject: SubjectId) -> Result<MandateId, OperationError> {
    let (by, proof) = (ConsentGiver::Self_, "resident_card");
    let request = EraseRequest { subject, reason: "purpose_met", by, proof };
    ask_erasure(
        &world.asked(desk, RIGHTS),
        &request,
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &world.territory,
        &*world.random,
    )
    .await
    .map(|(id, _)| id)
}

pub(super) fn decide(world: &World, id: MandateId, yes: bool) -> Done<()> {
    decide_at(world, id, yes, NOW)
}

/// The officer's word at some time.
pub(super) fn decide_at(world: &World, id: MandateId, yes: bool, now: Micros) -> Done<()> {
    let officer = world.actor(OFFICER);
    done(wait(decide_approval(
        &officer,
        id,
        yes,
        Waiting::Other,
        &world.origin,
        now,
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &world.territory,
        world.identity.directory(),
    )))
    .map(drop)
}

/// An erasure that the officer agreed to.
pub(super) fn agreed(world: &World, subject: SubjectId) -> MandateId {
    let id = done(wait(ask(world, &world.actor(DESK), subject))).expect("asked");
    decide(world, id, true).expect("agreed");
    id
}

async fn carry_out(world: &World, desk: &Actor, id: MandateId) -> Result<Erased, OperationError> {
    carry_out_telling(world, desk, id, None).await
}

async fn carry_out_telling(
    world: &World,
    desk: &Actor,
    id: MandateId,
    ledger: Option<&Arc<ErasureLedger>>,
) -> Result<Erased, OperationError> {
    carry_out_erasure(
        &world.asked(desk, RIGHTS),
        id,
        ledger,
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &world.territory,
    )
    .await
}

/// Carries it out, and tells a second place.
pub(super) fn carried_out_telling(
    world: &World,
    id: MandateId,
    ledger: Option<&Arc<ErasureLedger>>,
) -> Done<Erased> {
    done(wait(carry_out_telling(world, &world.actor(DESK), id, ledger)))
}

pub(super) fn carried_out(world: &World, id: MandateId) -> Done<Erased> {
    done(wait(carry_out(world, &world.actor(DESK), id)))
}

pub(super) fn kept(world: &World, id: MandateId) -> ErasureRecord {
    let key = Key::control(ControlKind::Erasure, id.as_bytes());
    let stored = wait(world.reader.get(&key)).expect("a store").expect("it is kept");
    ErasureRecord::decode(&stored.payload).expect("a record")
}

pub(super) fn is_tombstone(world: &World, id: RecordId) -> bool {
    matches!(wait(world.reader.fetch(id)).expect("a store"), Fetched::Erased(..))
}

/// Somebody who is erased and whose keys wait, beside somebody of the same bucket and a friend elsewhere.
struct Waits {
    ring: Ring,
    world: World,
    erasure: MandateId,
    subject: SubjectId,
    old: Vec<u8>,
    neighbour: (SubjectId, u64),
    friend: RecordId,
}

impl Waits {
    fn new() -> Waits {
        let (ring, keyring) = Ring::new();
        let world = world_under(keyring.clone());
        let (_, subject) = adult(&world);
        let friend =
            world.create(WORKER, registration(), json!({"name": "李娜"})).expect("stored").id;
        let neighbour = somebody_in(&world, &keyring, bucket_of(subject.as_bytes()));
        let old = wrapped(&world, subject).expect("a key");
        let erasure = agreed(&world, subject);
        ring.break_it();
        let erased = carried_out(&world, erasure).expect("nothing is held any more");
        assert_eq!(erased.destroyed, None, "the ring could not be written");
        ring.mend();
        assert_eq!(kept(&world, erasure).state, ErasureState::Erased);
        Waits { ring, world, erasure, subject, old, neighbour, friend }
    }

    /// The next process, before it did anything.
    fn crash(mut self) -> (Waits, Arc<Keyring>) {
        let keyring = self.ring.opened();
        self.world = self.world.after_crash(keyring.clone());
        (self, keyring)
    }

    /// What holds at any time: whoever stays opens.
    fn others_open(&self, keyring: &Keyring) {
        let (neighbour, key) = self.neighbour;
        let now = wrapped(&self.world, neighbour).expect("it stays");
        assert_eq!(id_of(keyring, neighbour, &now), Some(key));
        let read = self.world.read(WORKER, PURPOSE, self.friend, &["name"]);
        assert_eq!(read, Ok(json!({"name": "李娜"})));
    }

    /// What holds behind the last step.
    fn is_over(&self, keyring: &Keyring) {
        self.others_open(keyring);
        assert_eq!(id_of(keyring, self.subject, &self.old), None, "a copy of the key opens");
        assert_eq!(kept(&self.world, self.erasure).state, ErasureState::Destroyed);
        assert!(!self.world.has(&Key::erasure_waiting(self.erasure.as_bytes())));
        assert_eq!(
            wait(destroy_keys(&self.world.reader, &self.world.seal, &self.world.trail))
                .expect("nothing to do")
                .map(drop),
            None
        );
    }

    fn destroy(&self) {
        let done = wait(destroy_keys(&self.world.reader, &self.world.seal, &self.world.trail));
        assert!(done.expect("destroyed").is_some());
    }

    fn bucket(&self) -> u16 {
        WrappedUnder::of(&self.old).expect("a wrapped key").bucket
    }

    fn draw(&self) {
        self.world.seal.draw_next_keys(&[self.bucket()]).expect("drawn");
    }

    fn destroy_former(&self) {
        let seal = &self.world.seal;
        seal.destroy_keys_before(&seal.next_keys()).expect("destroyed");
    }

    fn wrap_anew(&self) {
        let key = Key::subject_key(self.neighbour.0);
        let stored = wait(self.world.reader.get(&key)).expect("a store").expect("it stays");
        let mut change = Change::default();
        let next = self.world.seal.next_keys();
        self.world.seal.wrap_anew((&key, &stored), &next, &mut change).expect("wrapped anew");
        let told = Announcement::KeysRewrapped { keys: 1 };
        let recorded = wait(self.world.trail.announce_keys(told, change)).expect("recorded");
        assert!(recorded.is_some());
    }
}

#[test]
fn at_whichever_step_the_process_ends_the_next_one_finishes_and_nobody_else_loses_a_key() {
    type Reached = fn(&Waits);
    let reached: [(&str, Reached); 5] = [
        ("removed", |_| {}),
        ("drawn", Waits::draw),
        ("wrapped anew", |waits| {
            waits.draw();
            waits.wrap_anew();
        }),
        ("destroyed", |waits| {
            waits.draw();
            waits.wrap_anew();
            waits.destroy_former();
        }),
        ("said", Waits::destroy),
    ];
    for (step, reach) in reached {
        // The process that could not write its ring ends first: it writes it no more.
        let (waits, _) = Waits::new().crash();
        reach(&waits);
        let (waits, keyring) = waits.crash();
        waits.others_open(&keyring);
        if step != "said" {
            let copy_opens = id_of(&keyring, waits.subject, &waits.old).is_some();
            assert_eq!(copy_opens, step != "destroyed", "{step}");
            waits.destroy();
        }
        waits.is_over(&keyring);
        // And once more from the journal alone.
        let (waits, keyring) = waits.crash();
        waits.is_over(&keyring);
    }
}

#[test]
fn a_key_that_was_wrapped_before_the_next_one_was_drawn_is_not_stored_behind_it() {
    let (waits, _) = Waits::new().crash();
    let (neighbour, _) = waits.neighbour;
    let key = Key::subject_key(neighbour);
    let outdated = wrapped(&waits.world, neighbour).expect("it stays");
    waits.draw();
    let op = Op::Put(key.clone(), Version(2), outdated);
    let expects = vec![Expect { key, version: Version(1), stamp: 0 }];
    let told = Announcement::KeysRewrapped { keys: 1 };
    let change = Change { ops: vec![op], expects };
    assert_eq!(wait(waits.world.trail.announce_keys(told, change)).expect("an answer"), None);
    waits.wrap_anew();
}

#[test]
fn a_record_is_stored_and_removed_while_the_bucket_of_its_person_has_two_keys() {
    let (ring, keyring) = Ring::new();
    let world = world_under(keyring.clone());
    let (first, subject) = adult(&world);
    let bucket = WrappedUnder::of(&wrapped(&world, subject).expect("a key")).expect("wrapped");
    world.seal.draw_next_keys(&[bucket.bucket]).expect("drawn");
    let mut request = person(registration(), json!({"name": "王伟"}));
    request.subject = Some(subject.to_string());
    let second = world.create_request(WORKER, request).expect("stored").id;
    let now = wrapped(&world, subject).expect("a key");
    assert_eq!(WrappedUnder::of(&now).expect("wrapped").epoch, bucket.epoch + 1);
    let head = world.actor(HEAD);
    done(wait(world.delete_async(&head, second, 1))).expect("removed");
    world.seal.destroy_keys_before(&world.seal.next_keys()).expect("destroyed");
    assert_eq!(world.read(WORKER, PURPOSE, first, &["name"]), Ok(json!({"name": "王伟"})));
    let keyring = ring.opened();
    let world = world.after_crash(keyring);
    assert_eq!(world.read(WORKER, PURPOSE, first, &["name"]), Ok(json!({"name": "王伟"})));
}

#[test]
fn everything_of_somebody_goes_and_a_step_takes_as_many_records_as_the_limit() {
    for (count, steps) in [(ERASURE_RECORDS_COUNT_MAX, 1), (ERASURE_RECORDS_COUNT_MAX + 1, 2)] {
        let (_ring, keyring) = Ring::new();
        let world = world_under(keyring);
        let (id, subject) = adult(&world);
        let worker = world.actor(WORKER);
        let mut records = vec![id];
        for _ in 1..count {
            let mut request = person(registration(), json!({"name": "王伟"}));
            request.subject = Some(subject.to_string());
            let created = done(wait(world.create_async(&worker, PURPOSE, request)));
            records.push(created.expect("stored").id);
        }
        let erasure = agreed(&world, subject);
        let erased = carried_out(&world, erasure).expect("erased");
        assert_eq!((erased.entries.len(), erased.destroyed.is_some()), (steps, true), "{count}");
        assert!(records.iter().all(|id| is_tombstone(&world, *id)));
        assert_eq!(wrapped(&world, subject), None);
        let listed = wait(world.reader.scan(&Key::subject_listing_prefix(subject), None, 10));
        assert!(listed.expect("a store").is_empty());
        assert_eq!(
            world.matched(WORKER, PURPOSE, "phone", "12900001234").map(|m| m.held),
            Ok(false)
        );
    }
}

#[test]
fn whoever_stands_in_the_record_of_the_erased_dies_with_it() {
    let (_ring, keyring) = Ring::new();
    let world = world_under(keyring.clone());
    let (id, _) = child(&world);
    let Fetched::Found(sealed) = wait(world.reader.fetch(id)).expect("a store") else { panic!() };
    let [subject, guardian] = sealed.row().header.subjects[..] else { panic!("two people") };
    let copies: Vec<(SubjectId, Vec<u8>)> =
        [subject, guardian].map(|one| (one, wrapped(&world, one).expect("a key"))).into();
    let desk = world.actor(DESK);
    assert_eq!(done(wait(ask(&world, &desk, subject))), Err(Code::SchemaInvalid), "by itself");
    let request = EraseRequest {
        subject,
        reason: "other_law",
        by: ConsentGiver::Guardian,
        proof: "household_register",
    };
    let frame = world.asked(&desk, RIGHTS);
    let asked = ask_erasure(
        &frame,
        &request,
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &world.territory,
        &*world.random,
    );
    let (erasure, _) = done(wait(asked)).expect("asked");
    decide(&world, erasure, true).expect("agreed");
    carried_out(&world, erasure).expect("erased");
    for (subject, copy) in copies {
        assert_eq!(id_of(&keyring, subject, &copy), None);
    }
}

#[test]
fn an_erasure_waits_for_the_officer_and_is_carried_out_once() {
    let (_ring, keyring) = Ring::new();
    let world = world_under(keyring);
    let (id, subject) = adult(&world);
    let erasure = done(wait(ask(&world, &world.actor(DESK), subject))).expect("asked");
    assert_eq!(carried_out(&world, erasure).map(drop), Err(Code::ApprovalRequired));
    decide(&world, erasure, false).expect("refused");
    assert_eq!(carried_out(&world, erasure).map(drop), Err(Code::VersionConflict));
    assert!(!is_tombstone(&world, id));
    let erasure = agreed(&world, subject);
    carried_out(&world, erasure).expect("erased");
    assert_eq!(carried_out(&world, erasure).map(drop), Err(Code::VersionConflict));
    let nobody = MandateId::from_bytes([9; 16]);
    assert_eq!(carried_out(&world, nobody).map(drop), Err(Code::NotFound));
    assert_eq!(done(wait(ask(&world, &world.actor(DESK), subject))), Err(Code::NotFound));
}

#[test]
fn of_an_erasure_and_a_record_that_is_stored_meanwhile_neither_leaves_anything_behind() {
    for created_first in [true, false] {
        let (_ring, keyring) = Ring::new();
        let world = world_under(keyring);
        let (id, subject) = adult(&world);
        let erasure = agreed(&world, subject);
        let (worker, desk) = (world.actor(WORKER), world.actor(DESK));
        let create = async {
            let mut request = person(registration(), json!({"name": "王伟"}));
            request.subject = Some(subject.to_string());
            let created = world.create_async(&worker, PURPOSE, request).await;
            created.map(|created| json!(created.id))
        };
        let erase = async {
            carry_out(&world, &desk, erasure).await.map(|erased| json!(erased.entries.len()))
        };
        let mut calls: Vec<Later<'_, Result<Json, OperationError>>> =
            vec![Box::pin(create), Box::pin(erase)];
        if !created_first {
            calls.reverse();
        }
        let mut answers: Vec<Done<Json>> =
            world.in_one_group(calls).into_iter().map(done).collect();
        if !created_first {
            answers.reverse();
        }
        let [created, erased] = &answers[..] else { panic!("two answers") };
        assert!(erased.is_ok() && is_tombstone(&world, id));
        match created {
            Ok(second) => {
                let second: RecordId = serde_json::from_value(second.clone()).expect("an id");
                assert!(is_tombstone(&world, second), "it was there first, and went too");
            }
            Err(code) => assert_eq!(*code, Code::NotFound),
        }
        assert_eq!(wrapped(&world, subject), None);
    }
}

#[test]
fn whoever_has_nothing_left_but_a_part_in_the_record_of_another_is_erased_from_it() {
    let (_ring, keyring) = Ring::new();
    let world = world_under(keyring.clone());
    let (id, little) = child(&world);
    let Fetched::Found(sealed) = wait(world.reader.fetch(id)).expect("a store") else { panic!() };
    let [_, guardian] = sealed.row().header.subjects[..] else { panic!("two people") };
    // Its own record goes at its end; the part in that of the child stays.
    let mut request = person(registration(), json!({"name": "王伟"}));
    request.subject = Some(guardian.to_string());
    request.retain_until = Some(TODAY.saturating_add(1.day()));
    let own = world.create_request(WORKER, request).expect("stored").id;
    assert_eq!(walked(&world, 1), removed(1));
    assert!(is_tombstone(&world, own));
    let copy = wrapped(&world, guardian).expect("a key");
    world.change_actor(DESK, |record| record.assignments[0].area = Some("880102002".into()));
    assert_eq!(try_erasure(&world, guardian), Err(Code::NotFound), "another street's desk");
    world.change_actor(DESK, |record| record.assignments[0].area = Some("880102001".into()));
    let erasure = agreed(&world, guardian);
    let erased = carried_out(&world, erasure).expect("erased");
    assert_eq!((erased.entries.len(), erased.destroyed.is_some()), (1, true));
    assert_eq!((wrapped(&world, guardian), id_of(&keyring, guardian, &copy)), (None, None));
    let listed = wait(world.reader.scan(&Key::subject_listing_prefix(guardian), None, 10));
    assert!(listed.expect("a store").is_empty());
    let Fetched::Found(sealed) = wait(world.reader.fetch(id)).expect("a store") else { panic!() };
    assert_eq!(sealed.row().header.subjects, [little], "the child's record stays");
    assert_eq!(try_erasure(&world, guardian), Err(Code::NotFound));
    assert_eq!(carried_out(&world, erasure).map(drop), Err(Code::VersionConflict));
}

#[test]
fn ring_from_before_an_erasure_lacks_the_destruction_of_its_keys() {
    let (ring, keyring) = Ring::new();
    let world = world_under(keyring);
    let (_, subject) = adult(&world);
    let older = ring.bytes();
    let lacks = |world: &World| wait(ring_lacks(&world.reader, &world.seal)).expect("readable");
    let id = agreed(&world, subject);
    carried_out(&world, id).expect("erased");
    assert_eq!(lacks(&world), None);
    ring.put_back(&older);
    let world = world.after_crash(ring.opened());
    let expected = "the destruction of the keys of somebody who was erased";
    assert_eq!(lacks(&world), Some(expected));
}
