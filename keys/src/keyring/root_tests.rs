//! Tests of another root key: at whichever step it stops, the ring opens with the envelopes that are in force, and what was in
//! force before is overwritten in the end.

use std::fs;
use std::path::PathBuf;

use super::tests::{Bench, CALLS, SUBJECT, id_under, lock};
use super::*;
use crate::unlock::{DemoOnly, Envelope, KeyFile, UnlockFile};

/// Calls of the disk while another root key takes its place: those of a replacement, and both slots read once more under the new one.
const TURN_CALLS: usize = CALLS + 1;

/// A bench whose root key lies in an envelope, beside another root key that is about to follow.
struct Turn {
    bench: Bench,
    key_file: KeyFile,
    unlock: PathBuf,
    former: Vec<u8>,
    new: RootKey,
    key: u64,
    wrapped: Vec<u8>,
}

impl Turn {
    fn new() -> Self {
        let bench = Bench::new();
        let path = |name: &str| bench.directory.path().join(name);
        let key_file = KeyFile::create(&path("demo.key")).expect("a new file");
        let unlock = path("unlock");
        let envelope =
            |root: &RootKey| Envelope::seal_with_key_file(root, &key_file).expect("an envelope");
        UnlockFile::create(&unlock, &[envelope(&bench.root)]).expect("a new file");
        let new = RootKey::generate().expect("randomness");
        UnlockFile::prepare(&unlock, &[envelope(&new)]).expect("prepared");
        let former = fs::read(&unlock).expect("a file");
        let (key, wrapped) = bench.keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
        Self { key: key.id(), wrapped, former, bench, key_file, unlock, new }
    }

    fn in_force(&self) -> RootKey {
        let envelopes = UnlockFile::load(&self.unlock).expect("whole");
        let witness = DemoOnly::data_is_synthetic();
        envelopes[0].open_with_key_file(&self.key_file, witness).expect("it opens")
    }

    /// What the next process finds, whether what was handed over is on the disk or only what was synced: the ring opens, is whole
    /// from then on, and has every key; then the former envelopes go.
    fn next_process_opens(&self, case: &str) -> RootKey {
        let root = self.in_force();
        for bytes in [&self.bench.disk.seen, &self.bench.disk.durable] {
            let path = self.bench.directory.path().join("next");
            fs::write(&path, &*lock(bytes)).expect("written");
            let (keyring, _) = Keyring::open(&path, &root).expect(case);
            assert_eq!(id_under(&keyring, &self.wrapped), Some(self.key), "{case}");
            assert_eq!(Keyring::open(&path, &root).expect(case).1, KeyringHealth::Whole);
            let other = if root.id() == self.new.id() { &self.bench.root } else { &self.new };
            let refused = Keyring::open(&path, other).map(drop);
            assert!(matches!(refused, Err(KeyError::KeyringForeignRoot)), "{case}");
        }
        UnlockFile::destroy_former(&self.unlock).expect(case);
        assert!(!UnlockFile::has_former(&self.unlock));
        assert!(!self.unlock.with_extension("old").exists(), "{case}");
        assert!(!self.unlock.with_extension("next").exists(), "{case}");
        assert_eq!(self.in_force().id(), root.id(), "{case}");
        root
    }

    fn turned(&self) -> Result<(), KeyError> {
        let keyring = &self.bench.keyring;
        keyring.under_another_root(&self.new, || UnlockFile::put_in_force(&self.unlock))
    }
}

#[test]
fn ring_opens_with_the_envelopes_in_force_at_whichever_step_another_root_key_stops() {
    let mut turned = [0, 0];
    for call in 0..TURN_CALLS {
        let turn = Turn::new();
        turn.bench.disk.fail_at(call);
        assert!(turn.turned().is_err(), "call {call}");
        // What served goes on to serve, and the file is left to the next process, which alone knows under which root key it is.
        assert_eq!(turn.bench.keyring.root_id(), None, "call {call}");
        assert_eq!(id_under(&turn.bench.keyring, &turn.wrapped), Some(turn.key), "call {call}");
        let drawn = turn.bench.keyring.draw_next_bucket_keys(&[1]);
        assert!(matches!(drawn, Err(KeyError::KeyringUnwritable)), "call {call}");
        let root = turn.next_process_opens(&format!("call {call}"));
        turned[usize::from(root.id() == turn.new.id())] += 1;
    }
    // Slot B is written, synced and read back before the new envelopes are in force.
    assert_eq!(turned, [3, TURN_CALLS - 3]);
}

#[test]
fn ring_opens_whatever_the_file_of_envelopes_stopped_at() {
    let steps: [fn(&Turn); 3] = [
        |_| {},
        |turn| fs::hard_link(&turn.unlock, turn.unlock.with_extension("old")).expect("a link"),
        |turn| UnlockFile::put_in_force(&turn.unlock).expect("in force"),
    ];
    for (at, step) in steps.iter().enumerate() {
        let turn = Turn::new();
        let Bench { disk, root, .. } = &turn.bench;
        let (content, generation) = (turn.bench.keyring.content().bytes().to_vec(), 2);
        let content = Content::from_opened(zeroize::Zeroizing::new(content)).expect("own");
        let stopped = slots::turn_root(disk, &turn.new, generation, &content, || {
            step(&turn);
            Err(KeyError::ReadBack)
        });
        assert!(stopped.is_err());
        let opened = turn.next_process_opens(&format!("step {at}"));
        assert_eq!(opened.id() == root.id(), at < 2, "step {at}");
    }
}

#[test]
fn former_root_key_opens_neither_slot_and_its_envelopes_are_overwritten() {
    let turn = Turn::new();
    turn.turned().expect("turned");
    let keyring = &turn.bench.keyring;
    assert_eq!(keyring.root_id(), Some(turn.new.id()));
    assert_eq!(id_under(keyring, &turn.wrapped), Some(turn.key));
    assert!(UnlockFile::has_former(&turn.unlock));
    let old = turn.unlock.with_extension("old");
    assert_eq!(fs::read(&old).expect("a file"), turn.former);
    // Another name of the former file, by which its bytes can be looked at when it is gone.
    let kept = turn.bench.directory.path().join("kept");
    fs::hard_link(&old, &kept).expect("a link");
    assert_eq!(turn.next_process_opens("turned").id(), turn.new.id());
    assert_eq!(fs::read(&kept).expect("a file"), vec![0; turn.former.len()]);
    // The ring goes on under the new root key.
    keyring.draw_next_bucket_keys(&[1]).expect("drawn");
    turn.next_process_opens("drawn");
}

#[test]
fn keys_serve_while_the_root_key_turns_and_whoever_replaces_some_comes_behind_it() {
    let turn = Turn::new();
    let keyring = &turn.bench.keyring;
    let (begun, let_go) = (std::sync::Barrier::new(3), std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        let turning = scope.spawn(|| {
            keyring.under_another_root(&turn.new, || {
                begun.wait();
                let_go.wait();
                UnlockFile::put_in_force(&turn.unlock)
            })
        });
        let replacing = scope.spawn(|| {
            begun.wait();
            keyring.draw_next_bucket_keys(&[1])
        });
        begun.wait();
        // Between the two slots.
        assert_eq!(id_under(keyring, &turn.wrapped), Some(turn.key));
        keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
        assert!(!replacing.is_finished());
        let_go.wait();
        turning.join().expect("a thread").expect("turned");
        replacing.join().expect("a thread").expect("drawn");
    });
    assert_eq!(keyring.next_bucket_keys().len(), 1);
    assert_eq!(turn.next_process_opens("both").id(), turn.new.id());
}
