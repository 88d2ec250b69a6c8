//! Tests of re-keying: at whichever step the disk fails or the power goes, what is found afterwards opens the keys of everybody
//! who stays, and a key that counts as destroyed is nowhere.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};

use tempfile::TempDir;

use super::*;
use crate::limits::{BUCKETS, BUCKETS_REKEYED_MAX};
use crate::secret::KEY_BYTES;
use crate::subject::SubjectKey;

/// Calls of the door in one re-write: two slots, each written, synced and read back, and both read once more.
pub(super) const CALLS: usize = 8;
pub(super) const SUBJECT: [u8; 16] = [1; 16];

/// What is written and what of it is on the disk, with the call that fails.
pub(super) struct Breaking {
    pub(super) seen: Mutex<Vec<u8>>,
    pub(super) durable: Mutex<Vec<u8>>,
    /// What the next sync writes, from where to where. A sync that fails writes a part and forgets the rest, as Linux does: the one
    /// after it has nothing to write.
    to_write: Mutex<Vec<(usize, usize)>>,
    calls: AtomicUsize,
    fails_at: AtomicUsize,
    /// Bytes that another process writes there as soon as the second slot is being written.
    put_back: Mutex<Option<(usize, Vec<u8>)>>,
}

impl Breaking {
    fn new(bytes: Vec<u8>) -> Self {
        Self {
            seen: Mutex::new(bytes.clone()),
            durable: Mutex::new(bytes),
            to_write: Mutex::default(),
            calls: AtomicUsize::new(0),
            fails_at: AtomicUsize::new(usize::MAX),
            put_back: Mutex::default(),
        }
    }

    pub(super) fn fail_at(&self, call: usize) {
        self.calls.store(0, Ordering::SeqCst);
        self.fails_at.store(call, Ordering::SeqCst);
    }

    /// The power goes: of what was not synced, so many of 16 parts had reached the disk by then.
    pub(super) fn lose_power(&self, sixteenths: usize) {
        self.write_out(sixteenths);
    }

    fn write_out(&self, sixteenths: usize) {
        let to_write = std::mem::take(&mut *self.to_write.lock().expect("nobody panics"));
        let (seen, mut durable) = (lock(&self.seen), lock(&self.durable));
        for (start, end) in to_write {
            let end = start + (end - start) * sixteenths / 16;
            durable[start..end].copy_from_slice(&seen[start..end]);
        }
    }

    fn count(&self) -> io::Result<()> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        assert!(call <= self.fails_at.load(Ordering::SeqCst), "called again after it failed");
        if call == self.fails_at.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk fails"));
        }
        Ok(())
    }
}

pub(super) fn lock(bytes: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    bytes.lock().expect("nobody panics while it is held")
}

impl Disk for Arc<Breaking> {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).expect("a small file");
        let counted = self.count();
        // One that fails leaves a part.
        let count = if counted.is_ok() { bytes.len() } else { bytes.len() / 2 };
        lock(&self.seen)[start..start + count].copy_from_slice(&bytes[..count]);
        self.to_write.lock().expect("nobody panics").push((start, start + count));
        if start == 0
            && let Some((at, before)) = self.put_back.lock().expect("held").take()
        {
            lock(&self.seen)[at..at + before.len()].copy_from_slice(&before);
        }
        counted
    }

    fn sync(&self) -> io::Result<()> {
        let counted = self.count();
        self.write_out(if counted.is_ok() { 16 } else { 8 });
        counted
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.count()?;
        let start = usize::try_from(offset).expect("a small file");
        bytes.copy_from_slice(&lock(&self.seen)[start..start + bytes.len()]);
        Ok(())
    }
}

pub(super) struct Bench {
    pub(super) directory: TempDir,
    pub(super) root: RootKey,
    pub(super) disk: Arc<Breaking>,
    pub(super) keyring: Keyring,
}

impl Bench {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = RootKey::generate().expect("randomness");
        let path = directory.path().join("keyring");
        let month = Month::from_year_month(2026, 3).expect("in range");
        Keyring::create(&path, &root, month).expect("a new file");
        let disk = Arc::new(Breaking::new(fs::read(&path).expect("the file")));
        let slots::Opened { content, generation, .. } = slots::open(&path, &root).expect("own");
        let keyring = Keyring::kept_in(Box::new(disk.clone()), &root, content, generation);
        Self { directory, root, disk, keyring }
    }

    /// The keyring of the next process: what was handed over is on the disk, or only what was synced.
    pub(super) fn next(&self, bytes: &Mutex<Vec<u8>>) -> Keyring {
        let path = self.directory.path().join("next");
        fs::write(&path, &*lock(bytes)).expect("written");
        let (keyring, _) = Keyring::open(&path, &self.root).expect("one slot is whole");
        assert_eq!(Keyring::open(&path, &self.root).expect("whole").1, KeyringHealth::Whole);
        keyring
    }

    /// The keyring of the next process on the same machine: what was handed over is in the system's cache, and the disk works again until
    /// that call.
    pub(super) fn reopened(&self, fails_at: usize) -> Result<Keyring, KeyError> {
        self.disk.fail_at(fails_at);
        let seen = lock(&self.disk.seen).clone();
        let opened = slots::open_from(&self.disk, &self.root, &seen);
        let slots::Opened { content, generation, .. } = opened?;
        Ok(Keyring::kept_in(Box::new(self.disk.clone()), &self.root, content, generation))
    }

    pub(super) fn both_ways(&self) -> [Keyring; 2] {
        [self.next(&self.disk.seen), self.next(&self.disk.durable)]
    }
}

pub(super) fn id_under(keyring: &Keyring, wrapped: &[u8]) -> Option<u64> {
    keyring.unwrap_subject_key(&SUBJECT, wrapped).ok().as_ref().map(SubjectKey::id)
}

/// Destroys the former keys of all buckets that have next ones.
pub(super) fn destroy(keyring: &Keyring) -> Result<(), KeyError> {
    keyring.destroy_old_bucket_keys(&keyring.next_bucket_keys())
}

pub(super) fn bucket(wrapped: &[u8]) -> u16 {
    WrappedUnder::of(wrapped).expect("a wrapped key").bucket
}

#[test]
fn both_keys_of_a_bucket_open_until_the_old_one_is_destroyed() {
    let bench = Bench::new();
    let (key, old) = bench.keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
    let number = bucket(&old);
    bench.keyring.draw_next_bucket_keys(&[number]).expect("drawn");
    assert_eq!(bench.keyring.next_bucket_keys(), [WrappedUnder { bucket: number, epoch: 2 }]);
    assert_eq!(bench.keyring.bucket_epoch(number).expect("a bucket"), 1);
    assert_eq!(id_under(&bench.keyring, &old), Some(key.id()));
    assert!(bench.keyring.is_outdated(&old));
    let new = bench.keyring.rewrapped(&SUBJECT, &old).expect("wrapped anew");
    assert_eq!(WrappedUnder::of(&new).expect("a wrapped key").epoch, 2);
    assert!(!bench.keyring.is_outdated(&new));
    assert_eq!(bench.keyring.rewrapped(&SUBJECT, &new).expect("as it is"), new);
    let (_, fresh) = bench.keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
    assert_eq!(WrappedUnder::of(&fresh).expect("a wrapped key").epoch, 2);
    // Whoever asks again draws none.
    bench.keyring.draw_next_bucket_keys(&[number]).expect("as it is");
    assert_eq!(id_under(&bench.keyring, &new), Some(key.id()));

    let next = bench.keyring.next_bucket_keys();
    bench.keyring.destroy_old_bucket_keys(&next).expect("destroyed");
    bench.keyring.destroy_old_bucket_keys(&next).expect("nothing to do");
    // Whoever comes late destroys nothing of those who came after.
    bench.keyring.draw_next_bucket_keys(&[number.wrapping_add(1) % 4096]).expect("drawn");
    bench.keyring.destroy_old_bucket_keys(&next).expect("nothing to do");
    assert_eq!(bench.keyring.next_bucket_keys().len(), 1);
    destroy(&bench.keyring).expect("destroyed");
    for keyring in bench.both_ways().iter().chain([&bench.keyring]) {
        assert_eq!(keyring.bucket_epoch(number).expect("a bucket"), 2);
        assert!(keyring.next_bucket_keys().is_empty());
        assert_eq!(id_under(keyring, &new), Some(key.id()));
        let refused = keyring.unwrap_subject_key(&SUBJECT, &old);
        assert!(matches!(refused, Err(KeyError::WrongKeyId)), "the old form opens nowhere");
        assert!(keyring.rewrapped(&SUBJECT, &old).is_err());
    }
}

#[test]
fn a_next_key_that_is_not_durable_wraps_nothing() {
    for call in 0..CALLS {
        let bench = Bench::new();
        let (key, old) = bench.keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
        bench.disk.fail_at(call);
        let failed = bench.keyring.draw_next_bucket_keys(&[bucket(&old)]);
        assert!(matches!(failed, Err(KeyError::Io { .. })), "call {call}");
        // This process goes on as before, and writes the ring no more.
        assert!(!bench.keyring.is_outdated(&old) && bench.keyring.next_bucket_keys().is_empty());
        let again = bench.keyring.draw_next_bucket_keys(&[bucket(&old)]);
        assert!(matches!(again, Err(KeyError::KeyringUnwritable)), "call {call}");
        for keyring in bench.both_ways() {
            assert_eq!(id_under(&keyring, &old), Some(key.id()), "call {call}");
        }
    }
}

#[test]
fn whoever_stays_opens_at_whichever_step_the_destruction_stops() {
    for call in 0..CALLS {
        let bench = Bench::new();
        let (key, old) = bench.keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
        bench.keyring.draw_next_bucket_keys(&[bucket(&old)]).expect("drawn");
        let new = bench.keyring.rewrapped(&SUBJECT, &old).expect("wrapped anew");
        bench.disk.fail_at(call);
        let failed = destroy(&bench.keyring);
        assert!(matches!(failed, Err(KeyError::Io { .. })), "call {call}");
        assert_eq!(id_under(&bench.keyring, &new), Some(key.id()));
        for keyring in bench.both_ways() {
            assert_eq!(id_under(&keyring, &new), Some(key.id()), "call {call}");
            // Either it is destroyed, or the next process has it still to do.
            let epoch = keyring.bucket_epoch(bucket(&old)).expect("a bucket");
            let left = keyring.next_bucket_keys();
            assert!(matches!((epoch, left.len()), (1, 1) | (2, 0)), "call {call}: {epoch}");
            destroy(&keyring).expect("destroyed");
            assert!(id_under(&keyring, &old).is_none(), "call {call}");
            assert_eq!(id_under(&keyring, &new), Some(key.id()), "call {call}");
        }
    }
}

#[test]
fn a_destroyed_key_is_in_neither_slot_and_not_in_memory() {
    let bench = Bench::new();
    let (_, old) = bench.keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
    let number = Bucket::from_number(bucket(&old)).expect("a bucket");
    let key = *bench.keyring.content().at(Place::SubjectBucket(number)).key;
    bench.keyring.draw_next_bucket_keys(&[number.number()]).expect("drawn");
    destroy(&bench.keyring).expect("destroyed");
    let holds = |content: &Content| content.bytes().windows(key.len()).any(|part| part == key);
    assert!(!holds(&bench.keyring.content()));
    for keyring in bench.both_ways() {
        assert!(!holds(&keyring.content()));
    }
}

#[test]
fn a_slot_that_somebody_put_back_meanwhile_does_not_count_as_destroyed() {
    let bench = Bench::new();
    let (_, old) = bench.keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
    bench.keyring.draw_next_bucket_keys(&[bucket(&old)]).expect("drawn");
    let half = lock(&bench.disk.seen).len() / 2;
    let before = lock(&bench.disk.seen)[half..].to_vec();
    // Behind the read of slot B, in front of the last look at both.
    *bench.disk.put_back.lock().expect("nobody panics while it is held") = Some((half, before));
    assert!(matches!(destroy(&bench.keyring), Err(KeyError::ReadBack)));
}

#[test]
fn a_bucket_out_of_range_and_a_keyring_without_a_file_are_refused() {
    let bench = Bench::new();
    assert!(matches!(bench.keyring.draw_next_bucket_keys(&[4096]), Err(KeyError::TermBucket)));
    assert!(matches!(bench.keyring.bucket_epoch(4096), Err(KeyError::TermBucket)));
    let refused = test_keyring().draw_next_bucket_keys(&[1]);
    assert!(matches!(refused, Err(KeyError::KeyringUnwritable)));
    assert!(!bench.keyring.is_outdated(b"no wrapped key"));
}

#[test]
fn every_bucket_is_rekeyed_in_groups_and_no_former_key_is_in_either_slot_or_in_memory() {
    let bench = Bench::new();
    let key_of = |keyring: &Keyring, number: usize| {
        let bucket = Bucket::from_number(u16::try_from(number).expect("few")).expect("a bucket");
        *keyring.content().at(Place::SubjectBucket(bucket)).key
    };
    let former: HashSet<[u8; KEY_BYTES]> =
        (0..BUCKETS).map(|number| key_of(&bench.keyring, number)).collect();
    let (key, old) = bench.keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
    let mut wrapped = old.clone();
    let numbers: Vec<u16> = (0..4096).collect();
    for group in numbers.chunks(BUCKETS_REKEYED_MAX) {
        bench.keyring.draw_next_bucket_keys(group).expect("room for a group");
        wrapped = bench.keyring.rewrapped(&SUBJECT, &wrapped).expect("opens meanwhile");
        destroy(&bench.keyring).expect("destroyed");
        assert_eq!(id_under(&bench.keyring, &wrapped), Some(key.id()));
    }
    for keyring in bench.both_ways().iter().chain([&bench.keyring]) {
        let content = keyring.content();
        let parts = content.bytes().windows(KEY_BYTES);
        let found = parts.filter(|part| former.contains(*part)).count();
        assert_eq!((former.len(), found), (BUCKETS, 0));
        drop(content);
        assert!((0..4096).all(|number| keyring.bucket_epoch(number).is_ok_and(|it| it == 2)));
        assert_eq!(id_under(keyring, &wrapped), Some(key.id()));
        assert_eq!(id_under(keyring, &old), None);
    }
    // What the file holds, slot by slot: each opens alone and is the other's like.
    let bytes = lock(&bench.disk.durable).clone();
    for damaged in [0, bytes.len() / 2] {
        let mut one = bytes.clone();
        one[damaged] ^= 1;
        let path = bench.directory.path().join("one");
        fs::write(&path, one).expect("written");
        let (keyring, health) = Keyring::open(&path, &bench.root).expect("the other slot");
        assert!(matches!(health, KeyringHealth::Repaired { .. }));
        let content = keyring.content();
        let found = content.bytes().windows(KEY_BYTES).any(|part| former.contains(part));
        assert!(!found, "a slot holds a former key");
    }
}

#[test]
fn each_step_moves_the_keys_of_a_bucket_as_the_table_says_and_each_state_does_what_it_may() {
    use crate::state::{KeyChange, KeyState};
    let bench = Bench::new();
    let ring = &bench.keyring;
    let (_, first) = ring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
    let number = bucket(&first);
    let state = |epoch| ring.bucket_key_state(WrappedUnder { bucket: number, epoch });
    assert_eq!([1, 2].map(state), [Some(KeyState::Active), None]);

    ring.draw_next_bucket_keys(&[number]).expect("drawn");
    assert_eq!(state(1), KeyState::Active.after(KeyChange::Superseded));
    assert_eq!(state(2), KeyState::PreActivation.after(KeyChange::Activated));
    let (_, second) = ring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
    destroy(ring).expect("destroyed");
    assert_eq!(state(1), KeyState::Deactivated.after(KeyChange::Destroyed));
    assert_eq!([2, 3].map(state), [Some(KeyState::Active), None]);

    ring.draw_next_bucket_keys(&[number]).expect("drawn");
    let (_, third) = ring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
    for (wrapped, epoch) in [(&first, 1), (&second, 2), (&third, 3)] {
        assert_eq!(WrappedUnder::of(wrapped).expect("a wrapped key").epoch, epoch);
        let state = state(epoch).expect("there was one");
        assert_eq!(id_under(ring, wrapped).is_some(), state.opens(), "{epoch}");
        assert_eq!(ring.rewrapped(&SUBJECT, wrapped).is_ok(), state.opens(), "{epoch}");
        assert_eq!(ring.is_outdated(wrapped), !state.protects(), "{epoch}");
    }
    assert_eq!(ring.bucket_key_state(WrappedUnder { bucket: 4096, epoch: 1 }), None);
}
