//! Tests of opening behind a process whose last write nobody knows the end of: what the system shows may be in its cache alone.
//! At whichever call either process stopped, the disk opens; and whoever takes a key for destroyed takes it from a disk without it.

use super::tests::{Bench, CALLS, SUBJECT, bucket, destroy, id_under, lock};
use super::*;
use crate::secret::KEY_BYTES;

/// Calls of the door in one opening: two slots, each written, synced and read back.
const OPENING_CALLS: usize = 6;

/// A bucket in the middle of being re-keyed.
struct Turned {
    bench: Bench,
    number: u16,
    former: [u8; KEY_BYTES],
    subject_key: u64,
    wrapped: Vec<u8>,
}

impl Turned {
    /// Everybody is wrapped anew, and the destruction of the former key stopped at a call.
    fn stopped_at(call: usize) -> Self {
        let bench = Bench::new();
        let (key, old) = bench.keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
        let number = bucket(&old);
        let place = Place::SubjectBucket(Bucket::from_number(number).expect("a bucket"));
        let former = *bench.keyring.content().at(place).key;
        bench.keyring.draw_next_bucket_keys(&[number]).expect("drawn");
        let wrapped = bench.keyring.rewrapped(&SUBJECT, &old).expect("wrapped anew");
        bench.disk.fail_at(call);
        assert!(destroy(&bench.keyring).is_err(), "call {call}");
        Self { bench, number, former, subject_key: key.id(), wrapped }
    }

    fn counts_as_destroyed(&self, keyring: &Keyring) -> bool {
        keyring.bucket_epoch(self.number).expect("a bucket") == 2
    }

    /// Whether either slot that is on the disk holds the former key.
    fn disk_holds_the_former(&self) -> bool {
        let durable = lock(&self.bench.disk.durable).clone();
        let contents = slots::contents_of(&self.bench.root, &durable);
        contents
            .iter()
            .any(|content| content.bytes().windows(KEY_BYTES).any(|part| part == self.former))
    }
}

#[test]
fn no_key_counts_as_destroyed_behind_a_failed_sync_that_the_disk_still_holds() {
    let mut shown_by_the_cache_alone = 0;
    for call in 0..CALLS {
        let turned = Turned::stopped_at(call);
        let held_before = turned.disk_holds_the_former();
        let next = turned.bench.reopened(usize::MAX).expect("one slot is whole");
        let counts = turned.counts_as_destroyed(&next);
        shown_by_the_cache_alone += usize::from(counts && held_before);
        assert!(!counts || !turned.disk_holds_the_former(), "call {call}");
        // Where it does not count, it is still to do.
        destroy(&next).expect("destroyed");
        assert!(turned.counts_as_destroyed(&next), "call {call}");
        assert!(!turned.disk_holds_the_former(), "call {call}");
        assert_eq!(id_under(&next, &turned.wrapped), Some(turned.subject_key));
    }
    assert!(shown_by_the_cache_alone > 0, "no call left the disk behind the cache");
}

#[test]
fn at_whichever_call_an_opening_stops_and_the_power_goes_the_disk_opens() {
    for call in [0, 1, 3, 4] {
        for step in 0..OPENING_CALLS {
            for sixteenths in [0, 5, 16] {
                let turned = Turned::stopped_at(call);
                let stopped = turned.bench.reopened(step);
                assert!(matches!(stopped, Err(KeyError::Io { .. })), "{call} {step}");
                turned.bench.disk.lose_power(sixteenths);
                let next = turned.bench.next(&turned.bench.disk.durable);
                let opened = id_under(&next, &turned.wrapped);
                assert_eq!(opened, Some(turned.subject_key), "{call} {step} {sixteenths}");
            }
        }
    }
}

#[test]
fn an_opening_that_stopped_counts_nothing_as_destroyed_for_the_one_after_it() {
    for call in [1, 4] {
        for step in 0..OPENING_CALLS {
            let turned = Turned::stopped_at(call);
            assert!(turned.bench.reopened(step).is_err());
            let next = turned.bench.reopened(usize::MAX).expect("one slot is whole");
            destroy(&next).expect("destroyed");
            assert!(turned.counts_as_destroyed(&next), "{call} {step}");
            assert!(!turned.disk_holds_the_former(), "{call} {step}");
        }
    }
}
