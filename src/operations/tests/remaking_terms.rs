//! Requirements on index terms whose keys are destroyed, or which cannot be read: what is made anew of the values of a restored vault, and
//! that one stored value that is none stops nothing.
//! Never a term left behind, and never one taken from somebody because something beside it cannot be read.
//! The walks of rotations and erasures over terms that are whole are shown in `turning_index`.

use super::erasing::{agreed, carried_out};
use super::turning_index::*;
use super::world::*;
use crate::limits::{INDEX_BUCKETS_COUNT, ROTATION_BUCKETS_COUNT};
use crate::operations::{CreateRequest, RemadeTerms, RotationWord, remake_terms};
use crate::records::{ExternalRef, RecordId, SchemaSet};
use crate::seal::{RotationState, Seal};
use crate::store::{Change, Fetched, Key, MovedTerms, Op, Version};
use crate::trail::{Announcement, KeyNews};
use serde_json::json;
use std::sync::Arc;

#[test]
fn terms_under_keys_that_are_destroyed_are_made_anew_of_the_values() {
    let turns = Turns::new();
    let named = |name: &str| ExternalRef::new(name.to_owned()).expect("a reference");
    let fields = json!({"name": "李娜", "phone": phone_in(&turns.world, 0..GROUP, 1)});
    let external = Some(named("A-1"));
    let request = CreateRequest { external, ..person(registration(), fields) };
    let referred = turns.world.create_request(WORKER, request).expect("created").id;
    keys_replaced(&turns);
    assert!(turns.people.iter().all(|it| behind(&turns.world, &it.phone).is_empty()));
    let World { reader, seal, trail, .. } = &turns.world;
    let remade = wait(remake_terms(NOW, reader, seal, trail)).expect("made anew");
    assert_eq!(remade, RemadeTerms { terms: 4, lost: 1, left: 0 });
    turns.everybody_is_found();
    let again = wait(remake_terms(NOW, reader, seal, trail)).expect("nothing to do");
    assert_eq!(again, RemadeTerms::default());
    let mut turns = turns.crash();
    turns.everybody_is_found();
    // They are terms like any: moved by a rotation, and gone with their record.
    let id = turns.say(ADMIN, ASK).id;
    turns.say(SECURITY, RotationWord::Decide { id, yes: true });
    while turns.kept().done < GROUP {
        assert!(turns.step().worked);
        turns.everybody_is_found();
    }
    for id in [turns.people[0].id, referred] {
        wait(turns.world.delete_async(&turns.world.actor(HEAD), id, 1)).expect("removed");
        assert!(terms_of(&turns.world, id).is_empty());
    }
}

/// Puts what no rotation put beside a record.
fn planted(world: &World, op: Op) {
    let told = Announcement::OfKeys(KeyNews::TermsMoved { terms: 1 });
    let change = Change { ops: vec![op], expects: Vec::new() };
    wait(world.trail.announce_keys(told, change)).expect("recorded").expect("taken");
}

fn remade(turns: &Turns) -> RemadeTerms {
    let World { reader, seal, trail, .. } = &turns.world;
    wait(remake_terms(NOW, reader, seal, trail)).expect("made anew")
}

/// Every index key is another one, and no term was moved to it: as a bulk part of before lies under the ring of a newer key part.
fn keys_replaced(turns: &Turns) {
    let buckets: Vec<u16> = (0..INDEX_BUCKETS_COUNT).collect();
    for group in buckets.chunks(ROTATION_BUCKETS_COUNT) {
        turns.world.seal.draw_next_index_keys(group).expect("drawn");
        let next = turns.world.seal.next_index_keys();
        turns.world.seal.destroy_index_keys_before(&next).expect("destroyed");
    }
}

/// A room with other schemas: each text with one thing in the place of another.
fn seal_with(turns: &Turns, from: &str, to: &str) -> Arc<Seal> {
    let policies = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let texts = |directory: &str| -> Vec<(&'static str, &'static str)> {
        let files = std::fs::read_dir(policies.join(directory)).expect("a directory");
        let texts = files.map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(path).expect("a text");
            let text = text.replace(from, to);
            // A handful of texts for the whole test run.
            (&*name.leak(), &*text.leak())
        });
        texts.collect()
    };
    let schemas = SchemaSet::load(&texts("schemas"), &texts("code_lists")).expect("they load");
    Arc::new(Seal::new(turns.keyring.clone(), Arc::new(schemas)).expect("a seal"))
}

/// What a schema of before the matching of ID numbers has not.
const NUMBERS_MATCHED: &str = "match_group = \"id_number\"\n";
const ID_NUMBER: &str = "880102198001010015";

/// Somebody with a telephone and an ID number.
fn numbered(world: &World, number: usize) -> (RecordId, String) {
    let phone = phone_in(world, 0..GROUP, number);
    let fields =
        json!({"name": "李娜", "birth_date": "1980-01-01", "phone": phone, "id_number": ID_NUMBER});
    (world.create(WORKER, registration(), fields).expect("created").id, phone)
}

fn held_by_id_number(world: &World) -> bool {
    world.matched(WORKER, PURPOSE, "id_number", ID_NUMBER).expect("an answer").held
}

#[test]
fn record_with_more_to_be_found_by_than_its_row_names_is_found_by_each_and_leaves_none_behind() {
    let mut turns = Turns::new();
    let old = seal_with(&turns, NUMBERS_MATCHED, "");
    let now = std::mem::replace(&mut turns.world.seal, old);
    let (id, phone) = numbered(&turns.world, 1);
    turns.world.seal = now;
    let row = row_of(&turns.world, id);
    assert_eq!(terms_of(&turns.world, id).len(), 1, "the row names the telephone alone");
    keys_replaced(&turns);
    assert_eq!(remade(&turns), RemadeTerms { terms: 5, lost: 0, left: 0 });
    assert_eq!(remade(&turns), RemadeTerms::default());
    let is_found = |turns: &Turns| {
        assert_eq!(behind(&turns.world, &phone), [id]);
        assert!(held_by_id_number(&turns.world));
        assert_eq!((terms_of(&turns.world, id).len(), row_of(&turns.world, id)), (2, row.clone()));
    };
    is_found(&turns);
    // Both move, and both go with a change, or with the record.
    let mandate = turns.say(ADMIN, ASK).id;
    turns.say(SECURITY, RotationWord::Decide { id: mandate, yes: true });
    while turns.step().worked {
        is_found(&turns);
    }
    assert_eq!(turns.kept().state, RotationState::Ended);
    let world = &turns.world;
    let new = phone_in(world, 0..GROUP, 2);
    world.patch(WORKER, PURPOSE, id, json!({"phone": new}), None).expect("patched");
    assert_eq!((behind(world, &phone), behind(world, &new)), (vec![], vec![id]));
    assert!(held_by_id_number(world) && terms_of(world, id).len() == 2);
    wait(world.delete_async(&world.actor(HEAD), id, 2)).expect("removed");
    assert!(terms_of(world, id).is_empty() && !held_by_id_number(world));
}

#[test]
fn record_that_is_removed_takes_along_the_terms_that_were_made_beside_those_of_its_row() {
    let mut turns = Turns::new();
    let old = seal_with(&turns, NUMBERS_MATCHED, "");
    let now = std::mem::replace(&mut turns.world.seal, old);
    let (id, _) = numbered(&turns.world, 1);
    turns.world.seal = now;
    keys_replaced(&turns);
    remade(&turns);
    assert_eq!(terms_of(&turns.world, id).len(), 2);
    wait(turns.world.delete_async(&turns.world.actor(HEAD), id, 1)).expect("removed");
    assert!(terms_of(&turns.world, id).is_empty() && !turns.world.has(&Key::moved_terms(id)));
}

#[test]
fn section_that_cannot_be_read_keeps_no_other_from_being_found_and_its_terms_are_made_once_it_can()
{
    let turns = Turns::new();
    let world = &turns.world;
    let (id, phone) = numbered(world, 1);
    let row = row_of(world, id);
    let Fetched::Found(sealed) = wait(world.reader.fetch(id)).expect("a store") else {
        panic!("a record")
    };
    let sections = &sealed.row().sections;
    let contact = sections.iter().find(|section| &*section.name == "contact").expect("a section");
    let mut damaged = row.payload.clone();
    let bytes = &contact.bytes;
    let at = damaged.windows(bytes.len()).position(|it| it == &bytes[..]).expect("in the row");
    damaged[at + bytes.len() - 1] ^= 1;
    world.reader.damage(&Key::row(id), &damaged);
    keys_replaced(&turns);
    assert_eq!(remade(&turns), RemadeTerms { terms: 4, lost: 0, left: 2 });
    assert_eq!(remade(&turns), RemadeTerms { left: 2, ..RemadeTerms::default() });
    turns.everybody_is_found();
    assert!(held_by_id_number(world) && behind(world, &phone).is_empty());
    world.reader.damage(&Key::row(id), &row.payload);
    assert_eq!(remade(&turns), RemadeTerms { terms: 1, lost: 1, left: 0 });
    assert_eq!(remade(&turns), RemadeTerms::default());
    assert!(held_by_id_number(world) && behind(world, &phone) == [id]);
    assert_eq!(terms_of(world, id).len(), 2);
    wait(world.delete_async(&world.actor(HEAD), id, 1)).expect("removed");
    assert!(terms_of(world, id).is_empty());
}

#[test]
fn start_with_schemas_that_do_not_know_a_section_leaves_its_terms_to_one_with_those_that_do() {
    let mut turns = Turns::new();
    let (id, phone) = numbered(&turns.world, 1);
    let other = seal_with(&turns, "\"contact\"", "\"reached\"");
    keys_replaced(&turns);
    let own = std::mem::replace(&mut turns.world.seal, other);
    assert_eq!(remade(&turns), RemadeTerms { terms: 1, lost: 0, left: 5 });
    assert!(held_by_id_number(&turns.world));
    turns.world.seal = own;
    assert_eq!(remade(&turns), RemadeTerms { terms: 4, lost: 1, left: 0 });
    turns.everybody_is_found();
    assert!(held_by_id_number(&turns.world) && behind(&turns.world, &phone) == [id]);
}

#[test]
fn stored_value_that_is_none_keeps_no_restored_vault_from_its_start() {
    let turns = Turns::new();
    let world = &turns.world;
    let people = [1, 2, 3].map(|number| store_person(world, &phone_in(world, 0..GROUP, number)));
    let [row, beside, term] = &people;
    world.reader.damage(&Key::row(row.id), &[9]);
    world.reader.damage(&Key::term(&term.term, term.id), &[9]);
    planted(world, Op::Put(Key::moved_terms(beside.id), Version(1), vec![9]));
    keys_replaced(&turns);
    assert_eq!(remade(&turns), RemadeTerms { terms: 3, lost: 0, left: 3 });
    turns.everybody_is_found();
    assert!(people.iter().all(|one| behind(world, &one.phone).is_empty()));
}

#[test]
fn stored_value_that_is_none_keeps_no_rotation_and_no_erasure_from_its_end() {
    let (mut turns, _) = Turns::begun();
    let gone = turns.people.remove(0);
    let bucket = bucket_of(&turns.world, &gone.phone);
    let shared = bucket..bucket + 1;
    let people = [1, 2]
        .map(|number| store_person(&turns.world, &phone_in(&turns.world, shared.clone(), number)));
    let [beside, term] = &people;
    turns.world.reader.damage(&Key::term(&term.term, term.id), &[9]);
    planted(&turns.world, Op::Put(Key::moved_terms(beside.id), Version(1), vec![9]));
    let erasure = agreed(&turns.world, gone.subject);
    assert!(carried_out(&turns.world, erasure).expect("erased").destroyed.is_some());
    assert!(is_dead(&turns.keyring, &gone.term));
    turns.everybody_is_found();
    while turns.step().worked {
        turns.everybody_is_found();
    }
    assert_eq!(turns.kept().state, RotationState::Ended);
}

#[test]
fn next_keys_that_an_erasure_left_keep_no_other_from_its_end_while_a_rotation_stands_still() {
    let (mut turns, id) = Turns::begun();
    turns.steps(2);
    turns.say(ADMIN, RotationWord::Pause { id, still: true });
    // What others left takes all the room that the ring has.
    let left: Vec<u16> = (1_000..1_096).collect();
    turns.world.seal.draw_next_index_keys(&left).expect("drawn");
    assert!(turns.world.seal.draw_next_index_keys(&[2_000]).is_err(), "there is no more");
    let mut turns = turns.crash();
    assert!(!turns.step().worked, "a rotation that stands still ends nothing");
    let gone = turns.people.remove(1);
    let erasure = agreed(&turns.world, gone.subject);
    assert!(carried_out(&turns.world, erasure).expect("erased").destroyed.is_some());
    assert!(is_dead(&turns.keyring, &gone.term));
    assert!(left.iter().all(|it| turns.keyring.index_epoch(*it).is_ok_and(|epoch| epoch == 2)));
    let next = turns.keyring.next_index_keys();
    assert!(next.iter().map(|next| next.bucket).eq(0..GROUP), "its group waits for its word");
    turns.everybody_is_found();
    turns.say(ADMIN, RotationWord::Pause { id, still: false });
    turns.until_the_group_is_done();
}

#[test]
fn keys_that_somebody_else_destroyed_are_said_by_that_one_alone() {
    let turns = Turns::new();
    turns.world.seal.draw_next_index_keys(&[5, 6]).expect("drawn");
    let World { seal, .. } = &turns.world;
    let (both, one) = (seal.next_index_keys(), seal.next_index_keys_of(&[6]));
    let destroyed = |next| seal.destroy_index_keys_before(next).expect("destroyed");
    assert_eq!([&one, &both, &both].map(destroyed), [1, 1, 0]);
}

#[test]
fn what_is_kept_beside_a_record_never_has_a_version_twice() {
    let (mut turns, _) = Turns::begun();
    turns.steps(3);
    let id = turns.people[0].id;
    let kept = |turns: &Turns| turns.world.reader.moved_terms(id).expect("a store");
    let (version, moved) = kept(&turns);
    assert_eq!((version, moved.now(&turns.people[0].term).len()), (Version(1), 1));
    let new = phone_in(&turns.world, 0..GROUP, 1);
    turns.world.patch(WORKER, PURPOSE, id, json!({"phone": new}), None).expect("patched");
    let (version, moved) = kept(&turns);
    assert_eq!((version, moved), (Version(2), MovedTerms::default()));
    let mandate = turns.kept().id;
    while turns.step().worked {}
    assert_eq!((turns.kept().id, turns.kept().state), (mandate, RotationState::Ended));
    let again = turns.say(ADMIN, ASK).id;
    turns.say(SECURITY, RotationWord::Decide { id: again, yes: true });
    while turns.kept().done < GROUP {
        assert!(turns.step().worked);
    }
    assert_eq!(kept(&turns).0, Version(3));
    assert_eq!((behind(&turns.world, &new), terms_of(&turns.world, id).len()), (vec![id], 1));
}
