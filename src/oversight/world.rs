//! A log with invented entries, and the index over it, for the tests of this room.
//! Never part of the product, and never a vault: the log's own writer makes it.
//! What an entry says is told by its index, so that a test knows what must be found.

use super::entry::LogEntry;
use super::index::{Index, IndexSettings};
use crate::limits::{INDEX_FAN_IN, INDEX_SEGMENT_ENTRIES_MAX};
use gridvault_audit::{Draft, Event, Log, LogReader, NoteSigner, Outcome};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

pub(super) const ORIGIN: &str = "example.org/log";
pub(super) const START: u64 = 1_700_000_000_000_000;

pub(super) struct Signer(ring::signature::Ed25519KeyPair);

impl NoteSigner for Signer {
    fn key_name(&self) -> &str {
        ORIGIN
    }

    fn public_key(&self) -> [u8; 32] {
        use ring::signature::KeyPair as _;
        self.0.public_key().as_ref().try_into().expect("32 bytes")
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().expect("64 bytes")
    }
}

pub(super) fn signer() -> Signer {
    Signer(ring::signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed"))
}

/// The entry at an index: who, which record, where and how, all told by the index.
pub(super) fn draft(index: u64) -> Draft<'static> {
    let events = [Event::DataRead, Event::DataUpdate, Event::DataQuery, Event::AccessDenied];
    let event = events[(index % 4) as usize];
    let outcome = if event == Event::AccessDenied { Outcome::Denied } else { Outcome::Success };
    let mut draft = Draft::new(event, outcome, [index as u8; 16]);
    let id = |kind: u8, number: u64| {
        let mut id = [kind; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        id
    };
    draft.who = Some(id(1, index % 37));
    draft.role = Some("grid_worker".into());
    draft.rec = vec![id(2, index % 1_009), id(2, index % 13)];
    draft.sub = vec![id(3, index / 2)];
    draft.grid = Some(format!("880102001001{:04}", index % 5).into());
    draft.pur = Some(["residence_registration", "household_contact"][(index % 2) as usize].into());
    draft
}

pub(super) struct World {
    pub(super) directory: tempfile::TempDir,
    pub(super) log: Log,
}

impl World {
    pub(super) fn new() -> World {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = Log::create(&directory.path().join("log"), ORIGIN).expect("a new log");
        World { directory, log }
    }

    /// Enough for a merged segment, some that are not merged, and a gathered rest. Written once, copied for each test.
    pub(super) fn many() -> World {
        static MANY: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
            let segment = INDEX_SEGMENT_ENTRIES_MAX as u64;
            World::with(segment * (INDEX_FAN_IN as u64 + 2) + 777).directory
        });
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("log");
        copy(&MANY.path().join("log"), &path);
        let log = Log::open(&path, ORIGIN, &signer().public_key()).expect("the copy");
        World { directory, log }
    }

    pub(super) fn with(count: u64) -> World {
        let mut world = World::new();
        world.grow(count);
        world
    }

    /// Appends and publishes.
    pub(super) fn grow(&mut self, count: u64) {
        let first = self.log.size();
        let entries: Vec<Vec<u8>> = (first..first + count)
            .map(|seq| draft(seq).encode(seq, START + seq * 1_000, seq).expect("an entry"))
            .collect();
        self.log.append(first, &entries).expect("room");
        self.log.publish(&signer()).expect("a checkpoint");
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join("index")
    }

    pub(super) fn reader(&self) -> LogReader {
        LogReader::open(&self.directory.path().join("log"), ORIGIN).expect("the log")
    }

    pub(super) fn settings(&self) -> IndexSettings {
        let (directory, log) = (self.path(), self.reader());
        IndexSettings { directory, log, has_room: Box::new(|| true) }
    }

    /// An index that has caught up.
    pub(super) fn index(&self) -> Index {
        let index = Index::start(self.settings()).expect("a thread");
        self.catch_up(&index);
        index
    }

    pub(super) fn catch_up(&self, index: &Index) {
        let size = self.log.size();
        until(|| {
            let state = index.state();
            state.indexed == size && !state.rebuilding && !state.merging
        });
    }

    pub(super) fn entries(&self) -> Vec<LogEntry> {
        let entries = self.reader().entries(0, self.log.size() as usize).expect("the entries");
        entries.iter().map(|entry| LogEntry::parse(entry).expect("an entry")).collect()
    }
}

pub(super) fn until(mut happened: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if happened() {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    panic!("waited too long");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a directory of the copy");
    for file in std::fs::read_dir(from).expect("a directory") {
        let path = file.expect("a file").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a file of the copy");
        }
    }
}
