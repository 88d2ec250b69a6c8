//! Tests of the two slots: whatever happens to one of them, the other brings it back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::month::Month;

const A: usize = KeyringSlot::A.start();
const B: usize = KeyringSlot::B.start();

struct Ring {
    directory: TempDir,
    root: RootKey,
    content: Content,
}

impl Ring {
    fn new() -> Self {
        let ring = Self {
            directory: tempfile::tempdir().expect("temporary directory"),
            root: RootKey::generate().expect("randomness"),
            content: new_content(),
        };
        create(&ring.path(), &ring.root, &ring.content).expect("a new file");
        ring
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("keyring")
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).expect("the file")
    }

    fn put(&self, bytes: &[u8]) {
        fs::write(self.path(), bytes).expect("the file");
    }

    fn alter(&self, at: usize) {
        let mut bytes = self.bytes();
        bytes[at] ^= 1;
        self.put(&bytes);
    }

    /// Opens, expects this health and the first content, and then two whole and equal slots.
    fn opens_with(&self, health: KeyringHealth) {
        let opened = open(&self.path(), &self.root).expect("a keyring");
        assert_eq!(opened.health, health);
        assert_eq!(opened.content.bytes(), self.content.bytes());
        let opened = open(&self.path(), &self.root).expect("a repaired keyring");
        assert_eq!(opened.health, KeyringHealth::Whole);
        assert_eq!(opened.content.bytes(), self.content.bytes());
    }
}

fn new_content() -> Content {
    Content::generate(Month::from_year_month(2026, 3).expect("in range")).expect("randomness")
}

fn repaired(slot: KeyringSlot, fault: SlotFault) -> KeyringHealth {
    KeyringHealth::Repaired { slot, fault }
}

#[test]
fn a_new_keyring_is_whole_and_its_owners_alone() {
    let ring = Ring::new();
    ring.opens_with(KeyringHealth::Whole);
    let status = fs::metadata(ring.path()).expect("the file");
    assert_eq!(status.permissions().mode() & 0o777, 0o600);
    assert_eq!(status.len(), 614_400);
}

#[test]
fn creating_never_overwrites() {
    let ring = Ring::new();
    let before = ring.bytes();
    assert!(matches!(create(&ring.path(), &ring.root, &new_content()), Err(KeyError::FileExists)));
    assert_eq!(ring.bytes(), before);
}

#[test]
fn a_flip_anywhere_in_a_slot_is_noticed() {
    let ring = Ring::new();
    let bytes = ring.bytes();
    let header_and_sealed_header = 0..HEADER_BYTES + 43;
    let ciphertext_and_tag = [150_000, SLOT_BYTES - 17, SLOT_BYTES - 1];
    for at in header_and_sealed_header.chain(ciphertext_and_tag) {
        for slot in [KeyringSlot::A, KeyringSlot::B] {
            let mut altered = bytes.clone();
            altered[slot.start() + at] ^= 1;
            assert!(read_slot(&ring.root, slot, &altered).is_err(), "byte {at}");
        }
    }
}

#[test]
fn a_damaged_slot_is_repaired_from_the_other() {
    let ring = Ring::new();
    // Format, root key id, ciphertext: the first two could be taken for another vault's or a newer one's slot.
    for at in [8, 20, 1000] {
        for slot in [KeyringSlot::A, KeyringSlot::B] {
            ring.alter(slot.start() + at);
            ring.opens_with(repaired(slot, SlotFault::Damaged));
        }
    }
}

#[test]
fn a_torn_write_of_one_slot_is_repaired() {
    let ring = Ring::new();
    let next = seal_slot(&ring.root, KeyringSlot::B, 2, &new_content()).expect("sealing");
    // The two headers differ first in the last byte of the generation.
    for written in [18, 4096, SLOT_BYTES - 1] {
        let mut bytes = ring.bytes();
        bytes[B..B + written].copy_from_slice(&next[..written]);
        ring.put(&bytes);
        ring.opens_with(repaired(KeyringSlot::B, SlotFault::Damaged));
    }
}

#[test]
fn a_cut_file_is_repaired_while_one_slot_is_whole() {
    let ring = Ring::new();
    let bytes = ring.bytes();
    for length in [SLOT_BYTES, FILE_BYTES - 1] {
        ring.put(&bytes[..length]);
        ring.opens_with(repaired(KeyringSlot::B, SlotFault::Damaged));
    }
    for length in [0, 1, HEADER_BYTES, SLOT_BYTES - 1] {
        ring.put(&bytes[..length]);
        assert!(matches!(open(&ring.path(), &ring.root), Err(KeyError::KeyringDamaged)));
    }
    ring.put(&[bytes.as_slice(), &[0]].concat());
    assert!(matches!(open(&ring.path(), &ring.root), Err(KeyError::KeyringDamaged)));
}

#[test]
fn a_slot_in_the_wrong_place_does_not_count() {
    let ring = Ring::new();
    let bytes = ring.bytes();
    let (a, b) = bytes.split_at(SLOT_BYTES);
    ring.put(&[a, a].concat());
    ring.opens_with(repaired(KeyringSlot::B, SlotFault::Damaged));
    ring.put(&[b, a].concat());
    assert!(matches!(open(&ring.path(), &ring.root), Err(KeyError::KeyringDamaged)));
}

#[test]
fn both_slots_damaged_is_an_error_and_nothing_is_written() {
    let ring = Ring::new();
    ring.alter(A + 1000);
    ring.alter(B + 2000);
    let before = ring.bytes();
    assert!(matches!(open(&ring.path(), &ring.root), Err(KeyError::KeyringDamaged)));
    assert_eq!(ring.bytes(), before);
}

#[test]
fn the_newer_of_two_whole_slots_is_taken() {
    for (newer, older) in [(KeyringSlot::A, KeyringSlot::B), (KeyringSlot::B, KeyringSlot::A)] {
        let mut ring = Ring::new();
        ring.content = new_content();
        let slot = seal_slot(&ring.root, newer, 2, &ring.content).expect("sealing");
        let mut bytes = ring.bytes();
        bytes[newer.start()..newer.start() + SLOT_BYTES].copy_from_slice(&slot);
        ring.put(&bytes);
        ring.opens_with(repaired(older, SlotFault::Older));
    }
}

#[test]
fn two_contents_of_one_generation_stop_the_opening() {
    let ring = Ring::new();
    let other = seal_slot(&ring.root, KeyringSlot::B, 1, &new_content()).expect("sealing");
    let mut bytes = ring.bytes();
    bytes[B..].copy_from_slice(&other);
    ring.put(&bytes);
    assert!(matches!(open(&ring.path(), &ring.root), Err(KeyError::KeyringSlotsDisagree)));
    assert_eq!(ring.bytes(), bytes);
}

#[test]
fn a_keyring_of_another_root_is_told_and_left_alone() {
    let ring = Ring::new();
    let before = ring.bytes();
    let other = RootKey::generate().expect("randomness");
    assert!(matches!(open(&ring.path(), &other), Err(KeyError::KeyringForeignRoot)));
    assert_eq!(ring.bytes(), before);
}

#[test]
fn a_newer_format_is_told_and_left_alone() {
    let ring = Ring::new();
    let mut bytes = ring.bytes();
    bytes[A + 8] = 7;
    bytes[B + 8] = 7;
    ring.put(&bytes);
    assert!(matches!(open(&ring.path(), &ring.root), Err(KeyError::KeyringFormat { format: 7 })));
    assert_eq!(ring.bytes(), bytes);
}

#[test]
fn a_missing_keyring_is_an_error_of_input() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let root = RootKey::generate().expect("randomness");
    assert!(matches!(open(&directory.path().join("keyring"), &root), Err(KeyError::Io { .. })));
}

#[test]
fn the_header_of_a_slot_is_fixed() {
    let ring = Ring::new();
    let header = slot_header(&ring.root, KeyringSlot::B, 0x0102_0304_0506_0708, FORMAT);
    let expected = [
        b"GVKEYRNG\x01\x01\x01\x02\x03\x04\x05\x06\x07\x08".as_slice(),
        &ring.root.id().to_be_bytes(),
    ]
    .concat();
    assert_eq!(header.as_slice(), expected);
}
