//! Requirements on index terms that lead to a record which does not bear them: nobody is found by one, and it is noted.
//! Never on the word of what stands beside a row either, unless the vault itself put it there.
//! Somebody who has the store is played by steps that no operation would take.

use super::turning_index::{PURPOSE, Turns, behind, sought, store_person, terms_of};
use super::world::*;
use crate::operations::by_term::{bearer, behind_term};
use crate::operations::{OperationError, QueryRequest};
use crate::records::{RecordId, RecordType};
use crate::seal::{Part, SealError};
use crate::store::{Change, Key, MovedTerms, Op, Version, term_value};
use crate::trail::{Announcement, KeyNews};
use serde_json::json;

const ONE: &str = "12900001234";
const OTHER: &str = "12900005678";

/// Steps beside every operation, as somebody takes them who has the store.
fn planted(world: &World, ops: Vec<Op>) {
    let told = Announcement::OfKeys(KeyNews::TermsMoved { terms: 1 });
    let change = Change { ops, expects: Vec::new() };
    wait(world.trail.announce_keys(told, change)).expect("recorded").expect("taken");
}

/// Leads a term to another record.
fn led(term: &[u8; 18], from: RecordId, to: RecordId, epoch: u32) -> Vec<Op> {
    let value = term_value(epoch);
    vec![Op::Delete(Key::term(term, from)), Op::Put(Key::term(term, to), Version(1), value)]
}

fn held(world: &World, phone: &str) -> bool {
    world.matched(WORKER, PURPOSE, "phone", phone).expect("an answer").held
}

/// What was met since the last call: kinds, and handles of records.
fn met(world: &World) -> Option<(String, Vec<crate::records::Handle>)> {
    world.met.take().map(|found| (found.parts, found.records))
}

fn list_by(phone: &str) -> QueryRequest {
    QueryRequest {
        grid: None,
        record_type: RecordType::Person,
        matched: Some(("phone".into(), json!(phone))),
        external_ref: None,
        updated_since: None,
        fields: vec!["name".into()],
        limit: 10,
        cursor: None,
    }
}

#[test]
fn terms_that_change_places_find_neither_record_and_name_the_one_that_they_lead_to() {
    let world = World::new();
    let (one, other) = (store_person(&world, ONE), store_person(&world, OTHER));
    assert!(held(&world, ONE) && held(&world, OTHER));
    assert_eq!(met(&world), None);
    let ops = [led(&one.term, one.id, other.id, 1), led(&other.term, other.id, one.id, 1)];
    planted(&world, ops.concat());
    for (phone, to) in [(ONE, other.id), (OTHER, one.id)] {
        let noted = Some(("term".to_owned(), vec![world.facts(to).record_handle]));
        assert!(!held(&world, phone));
        assert_eq!(met(&world), noted);
        let listed = world.query(WORKER, list_by(phone)).expect("a page");
        assert_eq!((listed.ids, listed.cursor), (vec![], None));
        assert_eq!(met(&world), noted);
        assert!(!world.matched(NEIGHBOUR, PURPOSE, "phone", phone).expect("an answer").held);
        assert_eq!(met(&world), noted);
    }
    // Led back it is found again: the records were whole all the while.
    let ops = [led(&one.term, other.id, one.id, 1), led(&other.term, one.id, other.id, 1)];
    planted(&world, ops.concat());
    assert!(held(&world, ONE) && held(&world, OTHER));
    assert_eq!(met(&world), None);
}

#[test]
fn misleading_term_keeps_nobody_else_who_has_the_value_from_being_found() {
    let world = World::new();
    let (one, other) = (store_person(&world, ONE), store_person(&world, OTHER));
    let planted_beside = Op::Put(Key::term(&one.term, other.id), Version(1), term_value(1));
    planted(&world, vec![planted_beside]);
    let matched = world.matched(WORKER, PURPOSE, "phone", ONE).expect("an answer");
    let link = matched.link.expect("a link: one person has it");
    assert_eq!(world.seal.follow(WORKER, link.as_str(), NOW), Some(one.subject));
    assert_eq!(met(&world).map(|(parts, _)| parts), Some("term".to_owned()));
    assert_eq!(world.query(WORKER, list_by(ONE)).expect("a page").ids, [one.id]);
}

#[test]
fn term_that_leads_to_nothing_or_to_a_removed_record_is_noted_without_a_handle() {
    let world = World::new();
    let one = store_person(&world, ONE);
    let gone = store_person(&world, OTHER).id;
    assert!(wait(world.delete_async(&world.actor(HEAD), gone, 1)).is_ok());
    for to in [RecordId::from_bytes([0x77; 16]), gone] {
        planted(&world, vec![Op::Put(Key::term(&one.term, to), Version(1), term_value(1))]);
        assert!(held(&world, ONE));
        assert_eq!(met(&world), Some(("term".to_owned(), vec![])));
        planted(&world, vec![Op::Delete(Key::term(&one.term, to))]);
    }
}

#[test]
fn record_that_let_go_of_a_value_since_its_term_was_found_is_no_hit_and_no_fault() {
    let world = World::new();
    let one = store_person(&world, ONE);
    let sought = sought(&world, ONE);
    let found = wait(behind_term(&sought, None, 10, &world.reader, &world.seal)).expect("terms");
    let look = || wait(bearer(&sought, &found[0].0, &world.reader, &world.seal));
    assert!(look().expect("a look").is_some());
    assert_eq!(world.patch(WORKER, PURPOSE, one.id, json!({"phone": OTHER}), None), Ok(2));
    assert!(look().expect("no fault").is_none());
    assert!(wait(world.delete_async(&world.actor(HEAD), one.id, 2)).is_ok());
    assert!(look().expect("no fault").is_none());
}

#[test]
fn whole_row_of_somebody_else_and_attributes_of_nobodys_are_no_hit_and_noted() {
    let world = World::new();
    let (one, other) = (store_person(&world, ONE), store_person(&world, OTHER));
    world.reader.damage(&Key::row(one.id), &other.row.payload);
    assert!(!held(&world, ONE) && held(&world, OTHER));
    assert_eq!(met(&world), Some(("row".to_owned(), vec![])));
    let mut torn = one.row.payload.clone();
    // The first byte of the terms' own header: the record's version, behind kind, length, format, id, type and cell.
    torn[1 + 4 + 1 + 16 + 1 + 8 + 7] ^= 1;
    world.reader.damage(&Key::row(one.id), &torn);
    assert!(!held(&world, ONE));
    let found = world.met.take().expect("something");
    assert_eq!((&*found.parts, found.written_by), ("attributes", Some(one.row.index)));
}

/// What stands beside a row, of pairs that somebody else wrote: without the vault's tag, or with that of another record.
fn forged(turns: &Turns, victim: RecordId, named: [u8; 18], now: [u8; 18]) -> Vec<Vec<u8>> {
    let mut moved = MovedTerms::default();
    moved.moved(named, now);
    let anothers = turns.world.seal.tagged(RecordId::from_bytes([9; 16]), &moved);
    assert_ne!(anothers, turns.world.seal.tagged(victim, &moved));
    vec![moved.encode([0; 32]), anothers]
}

#[test]
fn what_is_written_beside_a_row_vouches_for_nothing_unless_the_vault_wrote_it() {
    let (mut turns, _) = Turns::begun();
    turns.until_the_group_is_done();
    // Of the first group: its terms moved, and what the rows name is under a destroyed key.
    let (phone, sound, term) = {
        let one = &turns.people[0];
        (one.phone.clone(), one.id, terms_of(&turns.world, one.id)[0])
    };
    let victim = turns.people[1].id;
    let named = turns.people[1].term;
    assert_ne!(term, turns.people[0].term);
    assert_eq!(behind(&turns.world, &phone), [sound]);
    planted(&turns.world, vec![Op::Put(Key::term(&term, victim), Version(1), term_value(2))]);
    for bytes in forged(&turns, victim, named, term) {
        let key = Key::moved_terms(victim);
        let version = wait(turns.world.reader.get(&key)).expect("a store");
        let version = version.map_or(Version(1), |stored| stored.version.next());
        planted(&turns.world, vec![Op::Put(key, version, bytes)]);
        let matched = turns.world.matched(WORKER, PURPOSE, "phone", &phone).expect("an answer");
        let link = matched.link.expect("a link: it is one person's");
        let subject = turns.world.seal.follow(WORKER, link.as_str(), NOW);
        assert_eq!(subject, Some(turns.people[0].subject));
        assert_eq!(met(&turns.world).map(|(parts, _)| parts), Some("term".to_owned()));
        // A change of the record takes none of it over.
        let fields = json!({"phone": "12900009999"});
        let actor = turns.world.actor(WORKER);
        let request = crate::operations::PatchRequest {
            id: victim,
            version: turns.world.version(victim),
            fields: map(fields),
            basis: None,
        };
        let patched = wait(turns.world.patch_async(&actor, PURPOSE, request)).map(drop);
        let part = |error: &OperationError| error.damage().map(|(part, _)| part);
        assert_eq!(patched.as_ref().err().and_then(part), Some(Part::Term));
        assert!(matches!(patched, Err(OperationError::Seal(SealError::Store(_)))));
    }
}

#[test]
fn what_somebody_wrote_beside_a_row_keeps_no_term_from_going_with_it_and_no_removal_from_its_end() {
    let world = World::new();
    let mut elsewhere = MovedTerms::default();
    let nowhere = [0xFF; 18];
    for at in 0..2 {
        let one = store_person(&world, ONE);
        elsewhere.moved(one.term, nowhere);
        let bytes = [b"none".to_vec(), elsewhere.encode([0; 32])][at].clone();
        let beside = Key::moved_terms(one.id);
        planted(&world, vec![Op::Put(beside.clone(), Version(1), bytes)]);
        assert!(wait(world.delete_async(&world.actor(HEAD), one.id, 1)).is_ok());
        // The row alone says what it was found by.
        for gone in [beside, Key::term(&one.term, one.id)] {
            assert_eq!(wait(world.reader.get(&gone)).expect("a store"), None);
        }
    }
}
