//! Keys with a file of their own, which can be taken away and opened again as the next process has it.
//! Never the shared keyring of the other cases: that one has no room to be broken.
//! Who lies in which bucket is found by trying.

use super::world::{World, wait};
use crate::records::SubjectId;
use crate::store::{Change, Key};
use crate::trail::Announcement;
use gridvault_keys::{Keyring, Month, RootKey, UseBounds};
use std::path::PathBuf;
use std::sync::Arc;

/// Keys with a file of their own.
pub(super) struct Ring {
    _directory: tempfile::TempDir,
    path: PathBuf,
    root: RootKey,
}

impl Ring {
    pub(super) fn new() -> (Ring, Arc<Keyring>) {
        Ring::within(UseBounds::STANDARD)
    }

    /// With keys that seal so often.
    pub(super) fn within(bounds: UseBounds) -> (Ring, Arc<Keyring>) {
        let directory = tempfile::tempdir().expect("a directory");
        let root = RootKey::generate().expect("a root key");
        let month = Month::from_year_month(2026, 1).expect("a month");
        let path = directory.path().join("keyring");
        let keyring = Keyring::create_within(&path, &root, month, bounds).expect("a keyring");
        (Ring { _directory: directory, path, root }, Arc::new(keyring))
    }

    /// As the next process has it.
    pub(super) fn opened(&self) -> Arc<Keyring> {
        Arc::new(Keyring::open(&self.path, &self.root).expect("a keyring").0)
    }

    /// The file as it is now, for whoever puts it back.
    pub(super) fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).expect("a file")
    }

    /// Puts an older file in its place.
    pub(super) fn put_back(&self, bytes: &[u8]) {
        std::fs::write(&self.path, bytes).expect("written");
    }

    fn aside(&self) -> PathBuf {
        self.path.with_extension("aside")
    }

    /// Lets every write of it fail.
    pub(super) fn break_it(&self) {
        std::fs::rename(&self.path, self.aside()).expect("a file");
    }

    pub(super) fn mend(&self) {
        std::fs::rename(self.aside(), &self.path).expect("a file");
    }
}

/// The bucket of a subject.
pub(super) fn bucket_of(subject: &[u8; 16]) -> u16 {
    let hash = ring::digest::digest(&ring::digest::SHA256, subject);
    u16::from_be_bytes([hash.as_ref()[0], hash.as_ref()[1]]) >> 4
}

/// Somebody whose key lies in a bucket, and the name of that key.
pub(super) fn somebody_in(world: &World, keyring: &Keyring, bucket: u16) -> (SubjectId, u64) {
    let ids = (0..u64::MAX).map(|number| {
        let mut id = [7; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        id
    });
    let id = ids.into_iter().find(|id| bucket_of(id) == bucket).expect("one of a few thousand");
    let (key, wrapped) = keyring.wrap_new_subject_key(&id).expect("a key");
    let somebody = SubjectId::from_bytes(id);
    let mut change = Change::default();
    change.put_new(Key::subject_key(somebody), wrapped);
    let told = Announcement::KeysRewrapped { keys: 1 };
    wait(world.trail.announce_keys(told, change)).expect("recorded").expect("not stale");
    (somebody, key.id())
}

/// The wrapped key of somebody, as it is stored.
pub(super) fn wrapped(world: &World, subject: SubjectId) -> Option<Vec<u8>> {
    let stored = wait(world.reader.get(&Key::subject_key(subject))).expect("a store");
    stored.map(|stored| stored.payload)
}

/// The name of a wrapped key, where it opens.
pub(super) fn id_of(keyring: &Keyring, subject: SubjectId, wrapped: &[u8]) -> Option<u64> {
    keyring.unwrap_subject_key(subject.as_bytes(), wrapped).ok().map(|key| key.id())
}
