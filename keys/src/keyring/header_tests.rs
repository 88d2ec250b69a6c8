//! Tests of a header key that another one follows: at whichever step the disk fails, what was sealed opens in the next process; and a key
//! that counts as destroyed is nowhere.

use super::tests::{Bench, CALLS, lock};
use super::*;
use crate::state::KeyState;

const HEADER: SingleKey = SingleKey::Header;

fn sealed(keyring: &Keyring) -> Vec<u8> {
    keyring.seal_attributes(b"row", b"attributes").expect("sealed")
}

fn opens(keyring: &Keyring, sealed: &[u8]) -> bool {
    keyring.open_attributes(b"row", sealed).is_ok_and(|plain| plain.as_slice() == b"attributes")
}

#[test]
fn next_header_key_seals_both_open_and_the_former_is_nowhere_once_it_is_destroyed() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    let (old, key) = (sealed(ring), *ring.content().at(Place::Header).key);
    assert!(!ring.header_key_was_followed());
    ring.draw_next(HEADER).expect("drawn");
    let new = sealed(ring);
    for keyring in bench.both_ways().iter().chain([ring]) {
        assert!(opens(keyring, &old) && opens(keyring, &new));
        let states = [&old, &new].map(|one| keyring.header_key_state(one).expect("sealed so"));
        assert_eq!(states, [Some(KeyState::Deactivated), Some(KeyState::Active)]);
        assert!(opens(ring, &sealed(keyring)), "the next one seals in each process");
        assert!(keyring.header_key_was_followed());
    }
    ring.destroy_former(HEADER, 2).expect("destroyed");
    for keyring in bench.both_ways().iter().chain([ring]) {
        assert!(opens(keyring, &new) && keyring.header_key_was_followed());
        let refused = keyring.open_attributes(b"row", &old);
        assert!(matches!(refused, Err(KeyError::WrongKeyId)));
        let states = [&old, &new].map(|one| keyring.header_key_state(one).expect("sealed so"));
        assert_eq!(states, [Some(KeyState::Destroyed), Some(KeyState::Active)]);
        let content = keyring.content();
        assert!(content.bytes().windows(key.len()).all(|part| part != key), "it is somewhere");
    }
    let (_, wrapped) = ring.wrap_new_subject_key(&[0; 16]).expect("wrapped");
    assert!(matches!(ring.header_key_state(&wrapped), Err(KeyError::WrongKeyKind)));
}

#[test]
fn object_that_names_another_header_key_than_sealed_it_opens_by_none() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    let mut altered = sealed(ring);
    ring.draw_next(HEADER).expect("drawn");
    // The number of the key that it names.
    altered[10] = 2;
    assert!(matches!(ring.open_attributes(b"row", &altered), Err(KeyError::Commitment)));
    altered[10] = 3;
    assert!(matches!(ring.open_attributes(b"row", &altered), Err(KeyError::WrongKeyId)));
    assert_eq!(ring.header_key_state(&altered).expect("sealed so"), None);
}

#[test]
fn at_whichever_step_the_ring_cannot_be_written_what_was_sealed_opens_in_the_next_process() {
    for (call, draws) in (0..CALLS).flat_map(|call| [(call, true), (call, false)]) {
        let bench = Bench::new();
        if !draws {
            bench.keyring.draw_next(HEADER).expect("drawn");
        }
        let before = sealed(&bench.keyring);
        bench.disk.fail_at(call);
        let failed = match draws {
            true => bench.keyring.draw_next(HEADER),
            false => bench.keyring.destroy_former(HEADER, 2),
        };
        assert!(matches!(failed, Err(KeyError::Io { .. })), "call {call}");
        assert!(opens(&bench.keyring, &before) && opens(&bench.keyring, &sealed(&bench.keyring)));
        for keyring in bench.both_ways() {
            assert!(opens(&keyring, &before), "call {call}");
            keyring.draw_next(HEADER).expect("drawn");
            assert!(opens(&keyring, &before), "call {call}");
        }
    }
}

#[test]
fn ring_in_which_the_header_key_was_followed_is_none_for_a_build_of_before() {
    let bench = Bench::new();
    let format = || lock(&bench.disk.durable)[8];
    bench.keyring.draw_next_index_keys(&[7]).expect("drawn");
    assert_eq!(format(), 4);
    bench.keyring.draw_next(HEADER).expect("drawn");
    assert_eq!(format(), 5);
    bench.keyring.destroy_former(HEADER, 2).expect("destroyed");
    assert_eq!(format(), 5, "attributes of rows stand elsewhere now");
    for keyring in bench.both_ways() {
        assert_eq!(keyring.epochs_of(HEADER), KeyEpochs { present: 2, next: None });
    }
}
