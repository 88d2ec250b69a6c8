//! Requirements on the second place of erasures: who was erased is told there, and erased again where a vault does not know of it.
//! Never twice, never anybody else, and never half where the process ends in between.
//! A vault that was restored from before an erasure is one that has the person and does not have the erasure.

use super::erasing::{agreed, carried_out_telling, is_tombstone, kept, world_under};
use super::ring::{Ring, id_of, wrapped};
use super::world::*;
use crate::access::Code;
use crate::limits::ERASURE_RECORDS_COUNT_MAX;
use crate::operations::{OperationError, Replayed, replay_erasures, tell_erasures};
use crate::records::{Handle, MandateId, RecordId, SubjectId};
use crate::seal::ErasureState;
use crate::store::{ControlKind, Key};
use crate::trail::{ErasureLedger, LedgerPlace, ToldErasure};
use gridvault_keys::{Keyring, WrappedUnder};
use serde_json::json;
use std::sync::Arc;

const PURPOSE: &str = "residence_registration";

fn ledger(room: &tempfile::TempDir, keyring: &Keyring) -> Arc<ErasureLedger> {
    let ledger =
        ErasureLedger::open(&LedgerPlace::File(room.path().join("erasures")), keyring.chain());
    Arc::new(ledger.expect("a ledger"))
}

fn handle_of(world: &World, id: RecordId, subject: SubjectId) -> Handle {
    world.facts(id).subject_handle(subject.as_bytes()).expect("a handle")
}

/// The line of an erasure that this vault does not know of.
fn elsewhere(subject: Handle) -> ToldErasure {
    ToldErasure {
        id: MandateId::from_bytes([0x55; 16]),
        subject,
        reason: "other_law".to_owned(),
        area: "880102001".to_owned(),
        origin: "vault.example/log-before".to_owned(),
        destroyed: 77,
    }
}

async fn replay(world: &World, ledger: &ErasureLedger) -> Result<Replayed, OperationError> {
    let World { reader, seal, access, trail, random, .. } = world;
    replay_erasures(ledger, NOW, reader, seal, access, trail, &**random).await
}

fn replayed(world: &World, ledger: &ErasureLedger) -> Replayed {
    wait(replay(world, ledger)).expect("replayed")
}

/// Somebody with so many records.
fn somebody(world: &World, count: usize) -> (Vec<RecordId>, SubjectId) {
    let (first, subject) = adult(world);
    let mut records = vec![first];
    for _ in 1..count {
        let mut request = person(registration(), json!({"name": "王伟"}));
        request.subject = Some(subject.to_string());
        records.push(world.create_request(WORKER, request).expect("stored").id);
    }
    (records, subject)
}

#[test]
fn an_erasure_is_in_the_second_place_once_its_keys_are_destroyed_and_replayed_nowhere_where_it_is_known()
 {
    let room = tempfile::tempdir().expect("a directory");
    let (_ring, keyring) = Ring::new();
    let world = world_under(keyring.clone());
    let (id, subject) = adult(&world);
    let handle = handle_of(&world, id, subject);
    let ledger = ledger(&room, &keyring);
    let erasure = agreed(&world, subject);
    assert!(!ledger.has(erasure));
    let done = carried_out_telling(&world, erasure, Some(&ledger)).expect("erased");
    let told = ledger.told();
    assert_eq!((told.len(), told[0].id, told[0].subject), (1, erasure, handle));
    assert_eq!(Some(told[0].destroyed), done.destroyed);
    assert_eq!(replayed(&world, &ledger), Replayed::default());
}

#[test]
fn what_was_erased_before_there_was_a_ledger_is_told_and_what_went_at_its_end_is_not() {
    let room = tempfile::tempdir().expect("a directory");
    let (_ring, keyring) = Ring::new();
    let world = world_under(keyring.clone());
    let (_, subject) = adult(&world);
    let erasure = agreed(&world, subject);
    carried_out_telling(&world, erasure, None).expect("erased");
    super::expiring::one_expired(&world);
    let ledger = ledger(&room, &keyring);
    for _ in 0..2 {
        wait(tell_erasures(&world.reader, &world.trail, &ledger)).expect("told");
        let told: Vec<MandateId> = ledger.told().iter().map(|told| told.id).collect();
        assert_eq!(told, [erasure]);
    }
}

#[test]
fn whoever_the_ledger_says_was_erased_is_erased_again_and_nobody_else_is() {
    for count in [1, ERASURE_RECORDS_COUNT_MAX, ERASURE_RECORDS_COUNT_MAX + 1] {
        let room = tempfile::tempdir().expect("a directory");
        let (_ring, keyring) = Ring::new();
        let world = world_under(keyring.clone());
        let (records, subject) = somebody(&world, count);
        let (friend, other) = adult(&world);
        let copy = wrapped(&world, subject).expect("a key");
        let ledger = ledger(&room, &keyring);
        let told = elsewhere(handle_of(&world, records[0], subject));
        ledger.tell(&told).expect("taken");
        let done = replayed(&world, &ledger);
        assert_eq!(done, Replayed { erasures: 1, records: count as u64, beside: 0 });
        assert!(records.iter().all(|id| is_tombstone(&world, *id)));
        assert_eq!(wrapped(&world, subject), None);
        assert_eq!(id_of(&keyring, subject, &copy), None, "a copy of the key opens");
        let record = kept(&world, told.id);
        assert_eq!((record.state, record.reason.as_str()), (ErasureState::Destroyed, "other_law"));
        assert_eq!(replayed(&world, &ledger), Replayed::default(), "nothing twice");
        assert_eq!(world.read(WORKER, PURPOSE, friend, &["name"]), Ok(json!({"name": "王伟"})));
        assert!(wrapped(&world, other).is_some());
        assert_eq!(world.read(WORKER, PURPOSE, records[0], &["name"]), Err(Code::Erased));
    }
}

#[test]
fn somebody_whose_key_the_newest_key_part_does_not_have_is_erased_again_too() {
    let room = tempfile::tempdir().expect("a directory");
    let (_ring, keyring) = Ring::new();
    let world = world_under(keyring.clone());
    let (records, subject) = somebody(&world, 2);
    let told = elsewhere(handle_of(&world, records[0], subject));
    let bucket = WrappedUnder::of(&wrapped(&world, subject).expect("a key")).expect("wrapped");
    // The ring has the next key alone, and the store what it had before.
    world.seal.draw_next_keys(&[bucket.bucket]).expect("drawn");
    world.seal.destroy_keys_before(&world.seal.next_keys()).expect("destroyed");
    let ledger = ledger(&room, &keyring);
    ledger.tell(&told).expect("taken");
    assert_eq!(replayed(&world, &ledger).records, 2);
    assert!(records.iter().all(|id| is_tombstone(&world, *id)));
    assert_eq!(wrapped(&world, subject), None);
    assert_eq!(kept(&world, told.id).state, ErasureState::Destroyed);
}

#[test]
fn an_erasure_of_somebody_who_is_not_there_is_known_from_then_on() {
    let room = tempfile::tempdir().expect("a directory");
    let (_ring, keyring) = Ring::new();
    let world = world_under(keyring.clone());
    let ledger = ledger(&room, &keyring);
    let told = elsewhere(Handle::from_bytes([0x44; 16]));
    ledger.tell(&told).expect("taken");
    assert_eq!(replayed(&world, &ledger).records, 0);
    assert!(world.has(&Key::control(ControlKind::Erasure, told.id.as_bytes())));
    assert_eq!(replayed(&world, &ledger), Replayed::default());
}

#[test]
fn a_replay_that_is_cut_short_after_any_step_is_whole_behind_the_next_start() {
    for done in 0..=2 {
        let room = tempfile::tempdir().expect("a directory");
        let (ring, keyring) = Ring::new();
        let world = world_under(keyring.clone());
        let (records, subject) = somebody(&world, ERASURE_RECORDS_COUNT_MAX + 1);
        let copy = wrapped(&world, subject).expect("a key");
        let told = elsewhere(handle_of(&world, records[0], subject));
        let ledger = ledger(&room, &keyring);
        ledger.tell(&told).expect("taken");
        world.crash_after(done, Box::pin(replay(&world, &ledger)));
        let keyring = ring.opened();
        let world = world.after_crash(keyring.clone());
        replayed(&world, &ledger);
        // What waits is destroyed at a start before the ledger is looked at.
        let destroyed = crate::operations::destroy_keys(&world.reader, &world.seal, &world.trail);
        wait(destroyed).expect("destroyed");
        assert!(records.iter().all(|id| is_tombstone(&world, *id)), "behind {done} steps");
        assert_eq!(id_of(&keyring, subject, &copy), None);
        assert_eq!(kept(&world, told.id).state, ErasureState::Destroyed);
        assert_eq!(replayed(&world, &ledger), Replayed::default());
    }
}

#[test]
fn a_record_of_others_in_which_the_erased_one_is_stays_and_is_counted() {
    let room = tempfile::tempdir().expect("a directory");
    let (_ring, keyring) = Ring::new();
    let world = world_under(keyring.clone());
    let (id, _) = child(&world);
    let guardian = match wait(world.reader.fetch(id)).expect("a store") {
        crate::store::Fetched::Found(sealed) => sealed.row().header.subjects[1],
        _ => panic!("no record"),
    };
    let ledger = ledger(&room, &keyring);
    ledger.tell(&elsewhere(handle_of(&world, id, guardian))).expect("taken");
    let done = replayed(&world, &ledger);
    assert_eq!(done, Replayed { erasures: 1, records: 0, beside: 1 });
    assert!(!is_tombstone(&world, id));
}
