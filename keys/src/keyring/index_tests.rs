//! Tests of index keys that others follow: at whichever step the disk fails, the next process has the terms of before or both, and
//! then the next ones or both; and a key that counts as destroyed is nowhere.

use super::tests::{Bench, CALLS, lock};
use super::*;
use crate::index::{IndexTerm, PermutedUnder};
use crate::limits::BUCKETS_REKEYED_MAX;
use crate::state::KeyState;
use crate::subject::WrappedUnder;

fn term(keyring: &Keyring) -> IndexTerm {
    keyring.index_term("phone", b"12000000001")
}

/// The terms of the value, the former in front, and the epoch of the newest.
fn forms(keyring: &Keyring) -> (Option<IndexTerm>, IndexTerm, u32) {
    let forms = keyring.term_forms(&keyring.blind_value("phone", b"12000000001"));
    (forms.former, forms.newest, forms.epoch)
}

#[test]
fn value_has_a_term_under_each_of_two_keys_until_the_former_is_destroyed() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    let old = term(ring);
    let bucket = old.bucket();
    let place = Place::IndexBucket(Bucket::from_number(bucket).expect("in range"));
    let key = *ring.content().at(place).key;
    assert_eq!(forms(ring), (None, old, 1));
    assert_eq!(ring.rekeyed_term(&old, 1).expect("as it is"), None);

    ring.draw_next_index_keys(&[bucket]).expect("drawn");
    let (former, new, epoch) = forms(ring);
    assert_eq!((former, epoch, new.bucket()), (Some(old), 2, bucket));
    assert_ne!(new, old);
    ring.draw_next_index_keys(&[bucket]).expect("as it is");
    for keyring in bench.both_ways().iter().chain([ring]) {
        assert_eq!(forms(keyring), (Some(old), new, 2));
        assert_eq!(keyring.rekeyed_term(&old, 1).expect("moved"), Some((new, 2)));
        assert_eq!(keyring.rekeyed_term(&new, 2).expect("as it is"), None);
        assert!(matches!(keyring.rekeyed_term(&old, 3), Err(KeyError::WrongKeyId)));
        assert_eq!(keyring.next_index_keys(), [PermutedUnder { bucket, epoch: 2 }]);
    }
    for other in [1, 3] {
        ring.destroy_old_index_keys(&[PermutedUnder { bucket, epoch: other }]).expect("not that");
        assert_eq!(forms(ring), (Some(old), new, 2));
    }
    ring.destroy_old_index_keys(&ring.next_index_keys()).expect("destroyed");
    for keyring in bench.both_ways().iter().chain([ring]) {
        assert_eq!((forms(keyring), keyring.next_index_keys().len()), ((None, new, 2), 0));
        assert!(matches!(keyring.rekeyed_term(&old, 1), Err(KeyError::WrongKeyId)));
        let content = keyring.content();
        assert!(content.bytes().windows(key.len()).all(|part| part != key), "it is somewhere");
    }
}

#[test]
fn each_step_moves_an_index_key_as_the_table_of_states_says() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    let state = |epoch| ring.index_key_state(PermutedUnder { bucket: 7, epoch });
    assert_eq!([1, 2].map(state), [Some(KeyState::Active), None]);
    ring.draw_next_index_keys(&[7]).expect("drawn");
    assert_eq!([1, 2].map(state), [Some(KeyState::Deactivated), Some(KeyState::Active)]);
    ring.destroy_old_index_keys(&ring.next_index_keys()).expect("destroyed");
    assert_eq!([1, 2, 3].map(state), [Some(KeyState::Destroyed), Some(KeyState::Active), None]);
    assert_eq!(ring.index_key_state(PermutedUnder { bucket: 4096, epoch: 1 }), None);
    assert_eq!(ring.index_epoch(7).expect("a bucket"), 2);
    assert!(matches!(ring.index_epoch(4096), Err(KeyError::TermBucket)));
    assert!(matches!(ring.draw_next_index_keys(&[4096]), Err(KeyError::TermBucket)));
}

#[test]
fn at_whichever_step_the_ring_cannot_be_written_the_next_process_finds_what_was_found() {
    for (call, draws) in (0..CALLS).flat_map(|call| [(call, true), (call, false)]) {
        let bench = Bench::new();
        let old = term(&bench.keyring);
        let bucket = old.bucket();
        if !draws {
            bench.keyring.draw_next_index_keys(&[bucket]).expect("drawn");
        }
        let (_, stored, epoch) = forms(&bench.keyring);
        bench.disk.fail_at(call);
        let failed = match draws {
            true => bench.keyring.draw_next_index_keys(&[bucket]),
            false => {
                let next = bench.keyring.next_index_keys();
                bench.keyring.destroy_old_index_keys(&next).map(drop)
            }
        };
        assert!(matches!(failed, Err(KeyError::Io { .. })), "call {call}");
        for keyring in bench.both_ways() {
            let (former, newest, now) = forms(&keyring);
            assert!(former == Some(stored) || newest == stored, "call {call}: it is not found");
            assert!(now >= epoch, "call {call}");
            keyring.draw_next_index_keys(&[bucket]).expect("drawn");
            keyring.destroy_old_index_keys(&keyring.next_index_keys()).expect("destroyed");
            assert_eq!((forms(&keyring).0, keyring.next_index_keys().len()), (None, 0));
        }
    }
}

#[test]
fn index_buckets_and_subject_buckets_share_the_room_and_neither_takes_the_key_of_the_other() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    let numbers: Vec<u16> = (0..4096).collect();
    let (index, subjects) = (&numbers[..160], &numbers[..BUCKETS_REKEYED_MAX - 160]);
    ring.draw_next_index_keys(index).expect("room for a group");
    ring.draw_next_bucket_keys(subjects).expect("room for the rest");
    let more = ring.draw_next_bucket_keys(&numbers[4000..4001]);
    assert!(matches!(more, Err(KeyError::TooManyBuckets)));
    assert!(matches!(ring.draw_next_index_keys(&[4000]), Err(KeyError::TooManyBuckets)));
    for keyring in bench.both_ways().iter().chain([ring]) {
        assert_eq!(keyring.next_index_keys().len(), index.len());
        assert_eq!(keyring.next_bucket_keys().len(), subjects.len());
    }
    // The same numbers and epochs: each is only the other family's.
    let named = |next: &PermutedUnder| WrappedUnder { bucket: next.bucket, epoch: next.epoch };
    let next = ring.next_index_keys();
    ring.destroy_old_bucket_keys(&next.iter().map(named).collect::<Vec<_>>()).expect("destroyed");
    assert_eq!((ring.next_index_keys().len(), ring.next_bucket_keys().len()), (index.len(), 0));
    ring.destroy_old_index_keys(&next).expect("destroyed");
    assert_eq!(ring.next_index_keys().len(), 0);
    assert_eq!((ring.bucket_epoch(0).ok(), ring.index_epoch(0).ok()), (Some(2), Some(2)));
    assert_eq!((ring.bucket_epoch(159).ok(), ring.index_epoch(159).ok()), (Some(1), Some(2)));
}

#[test]
fn ring_in_which_an_index_key_was_followed_is_none_for_a_build_of_before() {
    let bench = Bench::new();
    let format = || lock(&bench.disk.durable)[8];
    assert_eq!(format(), 1);
    bench.keyring.draw_next_index_keys(&[7]).expect("drawn");
    assert_eq!(format(), 4);
    bench.keyring.destroy_old_index_keys(&bench.keyring.next_index_keys()).expect("destroyed");
    assert_eq!(format(), 4, "what rows name stands elsewhere now");
    bench.keyring.draw_next(SingleKey::TokenSigning).expect("drawn");
    assert_eq!(format(), 4);
    for keyring in bench.both_ways() {
        assert_eq!(keyring.index_epoch(7).expect("a bucket"), 2);
    }
}
