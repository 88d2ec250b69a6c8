//! Tests of the order in which the writer makes things durable: whichever sync fails, no checkpoint lies there before all that it covers,
//! and nothing of the one before is taken away before the new one is on the disk for good.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex};

use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::super::files::Syncing;
use super::*;

const ORIGIN: &str = "vault.example/log";

/// What was made durable.
enum Synced {
    /// The content of a file, by its number.
    Content(u64),
    /// The names in a directory, and the files of the tree that lay there by then.
    Names(PathBuf, BTreeSet<u64>),
}

/// What was made durable, in its order, and before how many more it fails.
struct Record {
    synced: Vec<Synced>,
    fails_at: usize,
}

/// A disk that syncs nothing and remembers what it was asked for.
struct Recorder {
    directory: PathBuf,
    record: Arc<Mutex<Record>>,
}

impl Recorder {
    fn turn(&self, synced: Synced) -> io::Result<()> {
        let mut record = self.record.lock().expect("nobody panics while it is held");
        if record.synced.len() == record.fails_at {
            return Err(io::Error::other("the disk fails"));
        }
        record.synced.push(synced);
        Ok(())
    }
}

impl Syncing for Recorder {
    fn file(&self, file: &File) -> io::Result<()> {
        self.turn(Synced::Content(file.metadata()?.ino()))
    }

    fn names(&self, directory: &Path) -> io::Result<()> {
        let there = files_below(&self.directory.join("tile")).into_iter().map(|(_, ino)| ino);
        self.turn(Synced::Names(directory.to_owned(), there.collect()))
    }
}

fn files_below(directory: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let entry = entry.expect("an entry");
        match entry.metadata().expect("there") {
            status if status.is_dir() => found.extend(files_below(&entry.path())),
            status => found.push((entry.path(), status.ino())),
        }
    }
    found
}

struct Key(Ed25519KeyPair);

impl NoteSigner for Key {
    fn key_name(&self) -> &str {
        ORIGIN
    }

    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().expect("32 bytes")
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().expect("64 bytes")
    }
}

/// A checkpoint that was shown: its file's number, the place of its sync in the record, and the files of the tree then.
#[derive(Default)]
struct Shown {
    number: u64,
    place: usize,
    files: BTreeSet<u64>,
}

/// Holds the checkpoint that lies there, if another one does than before, against what was made durable before it.
fn judge(directory: &Path, record: &Record, before: Shown) -> Shown {
    let Ok(checkpoint) = fs::metadata(directory.join(CHECKPOINT_FILE)) else { return before };
    if checkpoint.ino() == before.number {
        return before;
    }
    let place_of = |number: u64, from: usize| {
        let is_it = |synced: &Synced| matches!(synced, Synced::Content(it) if *it == number);
        record.synced.iter().skip(from).position(is_it).map(|at| at + from)
    };
    let place = place_of(checkpoint.ino(), before.place).expect("its content is synced first");
    let named = |directory: &Path, from: usize, to: usize| {
        record.synced[from..to]
            .iter()
            .any(|synced| matches!(synced, Synced::Names(it, _) if it == directory))
    };
    let mut files = BTreeSet::new();
    for (path, number) in files_below(&directory.join("tile")) {
        files.insert(number);
        if before.files.contains(&number) {
            continue;
        }
        let synced = place_of(number, before.place).filter(|at| *at < place);
        let synced = synced.unwrap_or_else(|| panic!("{} is not synced", path.display()));
        let above = path.parent().expect("a directory");
        assert!(named(above, synced, place), "the name of {} is not synced", path.display());
    }
    Shown { number: checkpoint.ino(), place, files }
}

/// Nothing of the checkpoint before goes before the new one has its name for good.
fn keeps_what_was_shown(directory: &Path, record: &Record, before: &Shown, shown: &Shown) {
    let there = record.synced[shown.place..].iter().find_map(|synced| match synced {
        Synced::Names(it, there) if it == directory => Some(there),
        _ => None,
    });
    let there = there.expect("a checkpoint that was published has its name for good");
    assert!(before.files.iter().all(|number| there.contains(number)), "a file went too early");
}

/// Publishes twice on a disk whose n-th sync fails; whether it was reached.
fn published_until_it_fails(fails_at: usize) -> bool {
    let above = tempfile::tempdir().expect("a directory");
    let directory = above.path().join("log");
    let record = Arc::new(Mutex::new(Record { synced: Vec::new(), fails_at }));
    let recorder = Recorder { directory: directory.clone(), record: record.clone() };
    let key = Key(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed"));
    let staging = Staging::synced_by(Box::new(recorder));
    let Ok(mut log) = Log::create_by(&directory, ORIGIN, staging) else { return true };
    let mut shown = Shown::default();
    for round in 0..2u64 {
        let entries: Vec<String> = (0..300).map(|entry| format!("{round} {entry}")).collect();
        let added = log.append(round * 300, &entries);
        let published = added.and_then(|()| log.publish(&key));
        let record = record.lock().expect("nobody panics while it is held");
        let before = std::mem::take(&mut shown);
        let former = Shown { files: before.files.clone(), ..Shown::default() };
        shown = judge(&directory, &record, before);
        if published.is_err() {
            return true;
        }
        keeps_what_was_shown(&directory, &record, &former, &shown);
    }
    false
}

#[test]
fn whichever_sync_fails_no_checkpoint_is_there_before_what_it_covers_is_on_the_disk() {
    let syncs = (0..200).take_while(|fails_at| published_until_it_fails(*fails_at)).count();
    assert!((12..200).contains(&syncs), "{syncs} syncs are not those of two checkpoints");
}
