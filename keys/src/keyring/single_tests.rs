//! Tests of keys that there is one of: at whichever step the disk fails, the next process has the former key or both, and then
//! the next one or both; and one that counts as destroyed is nowhere.

use std::collections::HashSet;

use super::tests::{Bench, CALLS};
use super::*;
use crate::limits::CONTEXT_MONTHS_REKEYED_MAX;
use crate::month::Month;
use crate::state::KeyState;

const TOKENS: SingleKey = SingleKey::TokenSigning;

fn epochs(present: u32, next: Option<u32>) -> KeyEpochs {
    KeyEpochs { present, next }
}

#[test]
fn the_next_key_signs_tokens_and_the_former_verifies_until_it_is_destroyed() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    let former = ring.token_signer().public_key();
    let seed = *ring.content().at(Place::TokenSeed).key;
    assert_eq!((ring.epochs_of(TOKENS), ring.former_token_key()), (epochs(1, None), None));
    ring.draw_next(TOKENS).expect("drawn");
    let next = ring.token_signer().public_key();
    ring.draw_next(TOKENS).expect("as it is");
    assert_ne!(former, next);
    for keyring in bench.both_ways().iter().chain([ring]) {
        assert_eq!(keyring.epochs_of(TOKENS), epochs(1, Some(2)));
        assert_eq!(keyring.token_signer().public_key(), next);
        assert_eq!(keyring.former_token_key(), Some(former));
    }
    for other in [1, 3] {
        ring.destroy_former(TOKENS, other).expect("not that one");
        assert_eq!(ring.epochs_of(TOKENS), epochs(1, Some(2)));
    }
    ring.destroy_former(TOKENS, 2).expect("destroyed");
    ring.destroy_former(TOKENS, 2).expect("nothing to do");
    for keyring in bench.both_ways().iter().chain([ring]) {
        assert_eq!(
            (keyring.epochs_of(TOKENS), keyring.former_token_key()),
            (epochs(2, None), None)
        );
        assert_eq!(keyring.token_signer().public_key(), next);
        let content = keyring.content();
        assert!(content.bytes().windows(seed.len()).all(|part| part != seed), "it is somewhere");
    }
}

#[test]
fn at_whichever_step_the_drawing_stops_the_next_process_signs_with_a_durable_key() {
    for call in 0..CALLS {
        let bench = Bench::new();
        let former = bench.keyring.token_signer().public_key();
        bench.disk.fail_at(call);
        assert!(matches!(bench.keyring.draw_next(TOKENS), Err(KeyError::Io { .. })), "call {call}");
        assert_eq!(bench.keyring.token_signer().public_key(), former, "call {call}");
        assert!(matches!(bench.keyring.draw_next(TOKENS), Err(KeyError::KeyringUnwritable)));
        for keyring in bench.both_ways() {
            match keyring.epochs_of(TOKENS).next {
                None => assert_eq!(keyring.token_signer().public_key(), former, "call {call}"),
                Some(_) => assert_eq!(keyring.former_token_key(), Some(former), "call {call}"),
            }
        }
    }
}

#[test]
fn at_whichever_step_the_destruction_stops_the_next_process_signs_as_before_and_finishes_it() {
    for call in 0..CALLS {
        let bench = Bench::new();
        bench.keyring.draw_next(TOKENS).expect("drawn");
        let next = bench.keyring.token_signer().public_key();
        bench.disk.fail_at(call);
        let failed = bench.keyring.destroy_former(TOKENS, 2);
        assert!(matches!(failed, Err(KeyError::Io { .. })), "call {call}");
        for keyring in bench.both_ways() {
            assert_eq!(keyring.token_signer().public_key(), next, "call {call}");
            keyring.destroy_former(TOKENS, 2).expect("destroyed");
            assert_eq!(keyring.epochs_of(TOKENS), epochs(2, None), "call {call}");
        }
    }
}

#[test]
fn buckets_are_rekeyed_beside_it_and_neither_takes_the_key_of_the_other() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    ring.draw_next_bucket_keys(&[7]).expect("drawn");
    ring.draw_next(TOKENS).expect("drawn");
    let (next, buckets) = (ring.token_signer().public_key(), ring.next_bucket_keys());
    assert_eq!(buckets.len(), 1);
    ring.destroy_old_bucket_keys(&buckets).expect("destroyed");
    for keyring in bench.both_ways().iter().chain([ring]) {
        assert_eq!(keyring.epochs_of(TOKENS), epochs(1, Some(2)));
        assert_eq!(keyring.bucket_epoch(7).expect("a bucket"), 2);
    }
    ring.draw_next_bucket_keys(&[8]).expect("drawn");
    ring.destroy_former(TOKENS, 2).expect("destroyed");
    assert_eq!((ring.next_bucket_keys().len(), ring.token_signer().public_key()), (1, next));
}

#[test]
fn destroyed_months_are_in_neither_slot_nor_derived_and_the_ring_knows_what_is_not_said_yet() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    let month = |number: u8| Month::from_year_month(2026, number).expect("in range");
    let key = *ring.content().month(month(3)).expect("held").key;
    let seal = |keyring: &Keyring, number| {
        keyring.seal_context(month(number), &[1; 16], b"entry", b"reason")
    };
    let (march, may) = (seal(ring, 3).expect("sealed"), seal(ring, 5).expect("sealed"));
    let opens =
        |keyring: &Keyring, sealed: &[u8]| keyring.open_context(&[1; 16], b"entry", sealed).is_ok();
    assert!(opens(ring, &march));
    ring.destroy_months_before(month(3)).expect("there are none");
    assert!(ring.months_untold().is_empty());
    ring.destroy_months_before(month(5)).expect("destroyed");
    for keyring in bench.both_ways().iter().chain([ring]) {
        assert_eq!(keyring.months_untold(), [month(3), month(4)]);
        assert!(!opens(keyring, &march) && opens(keyring, &may));
        for number in [3, 4] {
            assert!(matches!(seal(keyring, number), Err(KeyError::MonthNotHeld)));
        }
        assert!(keyring.content().bytes().windows(key.len()).all(|part| part != key));
    }
    // One that is not destroyed is not told of either.
    ring.months_are_told(&[month(3), month(5)]).expect("kept");
    for keyring in bench.both_ways().iter().chain([ring]) {
        assert_eq!(keyring.months_untold(), [month(4)]);
        assert!(!opens(keyring, &march) && opens(keyring, &may));
    }
    ring.months_are_told(&[month(4)]).expect("kept");
    ring.destroy_months_before(month(5)).expect("nothing to do");
    assert!(ring.months_untold().is_empty());
}

#[test]
fn at_whichever_step_the_destruction_of_months_stops_the_next_process_finishes_it() {
    for call in 0..CALLS {
        let bench = Bench::new();
        let may = Month::from_year_month(2026, 5).expect("in range");
        let sealed = bench.keyring.seal_context(may, &[1; 16], b"", b"reason").expect("sealed");
        bench.disk.fail_at(call);
        let failed = bench.keyring.destroy_months_before(may);
        assert!(matches!(failed, Err(KeyError::Io { .. })), "call {call}");
        for keyring in bench.both_ways() {
            keyring.destroy_months_before(may).expect("destroyed");
            assert_eq!(keyring.months_untold().len(), 2, "call {call}");
            assert!(keyring.open_context(&[1; 16], b"", &sealed).is_ok(), "call {call}");
        }
    }
}

/// Months from the first of the ring on.
fn later(offset: usize) -> Month {
    Month::from_year_month(2026, 3).expect("in range").later(offset).expect("in range")
}

#[test]
fn contexts_that_were_turned_by_a_clock_which_then_went_back_open_in_the_next_process() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    ring.turn_contexts(later(2)).expect("by a clock that is ahead");
    ring.turn_contexts(later(1)).expect("by one that is right");
    let sealed =
        |offset| ring.seal_context(later(offset), &[1; 16], b"", b"reason").expect("sealed");
    let sealed = [1, 2, 3].map(sealed);
    for keyring in bench.both_ways().iter().chain([ring]) {
        let epochs =
            [0, 1, 2, 3].map(|offset| keyring.context_epochs(later(offset)).expect("held"));
        assert_eq!(epochs, [(1, 1), (1, 2), (3, 3), (3, 3)]);
        for one in &sealed {
            assert!(keyring.open_context(&[1; 16], b"", one).is_ok());
        }
    }
    // Later months that are destroyed stay so.
    ring.destroy_months_before(later(3)).expect("destroyed");
    assert!(matches!(ring.turn_contexts(later(0)), Err(KeyError::MonthNotHeld)));
    ring.turn_contexts(later(3)).expect("turned");
    for keyring in bench.both_ways() {
        assert!(matches!(keyring.context_epochs(later(2)), Err(KeyError::MonthNotHeld)));
        assert_eq!(keyring.context_epochs(later(3)).expect("held"), (3, 4));
    }
}

#[test]
fn as_many_months_as_the_limit_have_two_keys_and_those_there_is_one_of_find_room_beside_them() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    for offset in 0..CONTEXT_MONTHS_REKEYED_MAX {
        ring.turn_contexts(later(offset)).expect("there is room");
    }
    let beyond = ring.turn_contexts(later(CONTEXT_MONTHS_REKEYED_MAX));
    assert!(matches!(beyond, Err(KeyError::TooManyBuckets)));
    ring.draw_next(TOKENS).expect("drawn");
    ring.draw_next(SingleKey::LogSigning).expect("drawn");
    ring.draw_next(SingleKey::Header).expect("drawn");
    for keyring in bench.both_ways() {
        assert_eq!(keyring.epochs_of(TOKENS), epochs(1, Some(2)));
        assert_eq!(keyring.context_epochs(later(0)).expect("held"), (1, 2));
    }
}

#[test]
fn months_of_which_everything_is_said_make_way_for_later_ones_and_no_key_comes_twice() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    let held = |keyring: &Keyring| {
        let reached = (0..300).filter(|offset| keyring.context_epochs(later(*offset)).is_ok());
        reached.collect::<Vec<usize>>()
    };
    assert_eq!(held(ring), (0..60).collect::<Vec<usize>>());
    ring.turn_contexts(later(1)).expect("turned");
    let mut keys = HashSet::new();
    for first in 0..130 {
        let month = later(first + 1);
        assert!(keys.insert(*ring.content().month(later(first)).expect("held").key));
        let sealed = ring.seal_context(later(first + 59), &[1; 16], b"", b"x").expect("sealed");
        ring.destroy_months_before(month).expect("destroyed");
        // Not before an entry says so.
        assert_eq!(held(ring), (first + 1..first + 60).collect::<Vec<usize>>());
        assert_eq!(ring.months_untold(), [later(first)]);
        ring.months_are_told(&[later(first)]).expect("kept");
        for keyring in bench.both_ways().iter().chain([ring]) {
            assert_eq!(held(keyring), (first + 1..first + 61).collect::<Vec<usize>>());
            assert_eq!(keyring.months_ahead(month), 60);
            assert!(keyring.open_context(&[1; 16], b"", &sealed).is_ok());
            assert!(keyring.months_untold().is_empty());
            let state = |offset| keyring.context_key_state(later(offset), 1);
            assert_eq!(state(first), Some(KeyState::Destroyed));
            assert_eq!(state(first + 61), None);
        }
    }
    // One in the middle waits for those before it.
    ring.destroy_months_before(later(133)).expect("destroyed");
    ring.months_are_told(&[later(131), later(132)]).expect("kept");
    assert_eq!(held(ring).last(), Some(&189));
    ring.months_are_told(&[later(130)]).expect("kept");
    assert_eq!(held(ring), (133..193).collect::<Vec<usize>>());
    ring.turn_contexts(later(135)).expect("turned");
    for keyring in bench.both_ways() {
        assert_eq!(keyring.context_epochs(later(135)).expect("held"), (1, 2));
        assert_eq!(keyring.context_epochs(later(192)).expect("held"), (2, 2));
    }
}
