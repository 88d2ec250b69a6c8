//! Makes the files of a new vault from a bulk part and an open keyring: a snapshot to begin with, an empty journal, an empty log.
//! Never continues the log before: indexes begin anew, and every row is known by the first entry of the new log.
//! Reviews, which name entries of the log before by their indexes, are left out, counted, and stay in the bulk part; an erasure of before
//! comes along and has no certificate in the new log.
//!
//! A vault whose restore was broken off has no configuration, so nothing takes it for one.

use super::chain::BulkAt;
use super::create::{copy, snapshot_name, sync_all};
use super::verify::{Whole, check, is_of, walk};
use super::{BackupError, LOG, io_at};
use crate::files::make_directory;
use crate::store::{Key, Stored, Version, sealed_by_header};
use crate::trail::committer::index_state;
use crate::trail::journal::{Media, Position, SEGMENT_HEADER_BYTES, Writer};
use crate::trail::recover::{Mark, write_mark};
use crate::trail::snapshot::{
    FileContent, Place, SnapshotHead, SnapshotReader, SnapshotUnmade, SnapshotWriter, Sorted,
    Unhurried, clear, found, merge, spill,
};
use crate::trail::{Settings, TrailFault};
use gridvault_audit::{Log, LogReader};
use gridvault_keys::{ChainKey, KeyError, KeyState, Keyring, SingleKey, WrappedUnder};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The segment with which the journal of a restored vault begins. Not the first: so a start that finds neither mark nor store
/// knows that something came before it.
const FIRST_SEGMENT: u64 = 1;

/// What is restored, and where to.
pub struct Restoring<'a> {
    /// The bulk part, and where those before it lie.
    pub bulk: BulkAt<'a>,
    /// Public key of its log.
    pub log_key: &'a str,
    /// The keys out of the key part.
    pub keyring: &'a Keyring,
    /// Wrapped subject keys of the key part, which take the place of those that were wrapped anew since.
    pub anew: &'a BTreeMap<[u8; 16], Vec<u8>>,
    /// Journal and log of the new vault, with the name of its log.
    pub settings: &'a Settings,
    /// Snapshots of the new vault.
    pub snapshots: &'a Path,
    /// Where the log before is kept, for auditors; nothing lies there yet.
    pub log_before: &'a Path,
    /// The disk.
    pub media: Arc<dyn Media>,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Name of the log before.
    pub origin: String,
    /// Entries that its last checkpoint in the bulk part covers.
    pub size: u64,
    /// The root in that checkpoint.
    pub root: [u8; 32],
    /// SHA-256 of the bulk part's list of files.
    pub digest: [u8; 32],
    /// Everything of the entries below this index is there.
    pub entries: u64,
    /// Rows that are there.
    pub rows: u64,
    /// Rows that speak of entries of the log before, and were left out.
    pub left_out: u64,
    /// Subject keys that open because the key part has them wrapped anew.
    pub anew: u64,
    /// Subject keys under bucket keys that are destroyed: what they sealed opens for nobody.
    pub dead: u64,
    /// Index terms under keys that are destroyed: whoever opens the vault first makes them anew, of the values.
    pub terms_dead: u64,
    /// The snapshot that the new store is made of, by its segment.
    pub snapshot: u64,
}

/// Judges the bulk part whole, and makes snapshot, journal and log of the new vault.
///
/// # Errors
/// [`BackupError`]; nothing that was made until then is a vault.
pub fn restore(restoring: &Restoring<'_>) -> Result<Restored, BackupError> {
    let Restoring { bulk, log_key, keyring, settings, snapshots, media, .. } = restoring;
    let whole = check(bulk, log_key)?;
    if whole.files.list.origin == settings.origin {
        return Err(BackupError::Refused("a restored vault needs a log of another name"));
    }
    let log_before = keep_log(&whole, restoring.log_before)?;
    is_of(&whole, &log_before, keyring)?;
    let mut subjects = Subjects::under(keyring, restoring.anew);
    subjects.check()?;
    let chain = keyring.chain();
    for directory in [&settings.journal_directory, &snapshots.to_path_buf()] {
        make_directory(directory).map_err(TrailFault::Journal)?;
    }
    let log = Log::create(&settings.log_directory, &settings.origin).map_err(TrailFault::Log)?;
    let position = Position {
        segment: FIRST_SEGMENT,
        offset: SEGMENT_HEADER_BYTES,
        index: 0,
        previous: [0; 32],
    };
    let place = Place {
        directory: snapshots.to_path_buf(),
        journal: settings.journal_directory.clone(),
        media: media.clone(),
        log: LogReader::open(&settings.log_directory, &settings.origin).map_err(TrailFault::Log)?,
        origin: settings.origin.clone(),
        log_key: keyring.log_signer().public_key(),
    };
    let made = make_snapshot(&place, &whole, &log_before, &chain, position, &mut subjects)?;
    if subjects.ahead > 0 {
        let why = "the key part is older than the bulk part, and some people would be lost or not be found: bring a newer key part";
        return Err(BackupError::Refused(why));
    }
    if subjects.sealed_under < u64::from(keyring.epochs_of(SingleKey::Header).present) {
        let why = "the bulk part is from before everything was sealed under another header key, and the key part has the former no more: bring a newer bulk part, or the key part of then";
        return Err(BackupError::Refused(why));
    }
    let (journal, segment_bytes) = (&settings.journal_directory, settings.segment_bytes);
    drop(Writer::open(journal, media.clone(), keyring.chain(), segment_bytes, position)?);
    let mark = Mark { position, kept: Version::ABSENT };
    write_mark(journal, &chain, &mark)?;
    drop(log);
    let (entries, rows, left_out) = made;
    let (root, list) = (whole.root, whole.files.list);
    let digest = list.digest();
    let (origin, size) = (list.origin, list.size);
    let Subjects { replaced: anew, dead, terms_dead, .. } = subjects;
    let snapshot = FIRST_SEGMENT;
    Ok(Restored {
        origin,
        size,
        root,
        digest,
        entries,
        rows,
        left_out,
        anew,
        dead,
        terms_dead,
        snapshot,
    })
}

/// Brings the log before together in one place, each file as it was listed, and gives it.
fn keep_log(whole: &Whole, to: &Path) -> Result<LogReader, BackupError> {
    for (name, listed) in whole.files.beneath(LOG) {
        let path = whole.files.path(&format!("{LOG}/{name}"));
        let file = File::open(&path).map_err(io_at(&path))?;
        if !copy(file, &to.join(name))?.is_same(listed) {
            let path = path.display().to_string();
            return Err(BackupError::Damaged { path, what: "it changed while it was read" });
        }
    }
    sync_all(to)?;
    Ok(LogReader::open(to, &whole.files.list.origin).map_err(TrailFault::Log)?)
}

/// What becomes of wrapped subject keys on the way, of index terms, and of what is under the header key.
struct Subjects<'a> {
    keyring: &'a Keyring,
    anew: &'a BTreeMap<[u8; 16], Vec<u8>>,
    replaced: u64,
    dead: u64,
    /// Under keys that the ring does not know yet: it is older than the rows.
    ahead: u64,
    /// Index terms under keys that are destroyed: nothing is found by them.
    terms_dead: u64,
    /// The earliest header key that something which opens may be under.
    sealed_under: u64,
}

/// The header key of a vault in which none followed another.
const FIRST_HEADER_KEY: u64 = 1;

impl<'a> Subjects<'a> {
    fn under(keyring: &'a Keyring, anew: &'a BTreeMap<[u8; 16], Vec<u8>>) -> Subjects<'a> {
        let sealed_under = FIRST_HEADER_KEY;
        Subjects { keyring, anew, replaced: 0, dead: 0, ahead: 0, terms_dead: 0, sealed_under }
    }

    /// What the key part brings proves itself alone, by opening. A vault that was restored before keeps keys that were dead then:
    /// they say so themselves, and open nothing here either.
    fn check(&self) -> Result<(), BackupError> {
        let fits = |(subject, wrapped): (&[u8; 16], &Vec<u8>)| match self
            .keyring
            .unwrap_subject_key(subject, wrapped)
        {
            Ok(_) => true,
            Err(KeyError::WrongKeyId) => self.state_of(wrapped) == Some(KeyState::Destroyed),
            Err(_) => false,
        };
        match self.anew.iter().all(fits) {
            true => Ok(()),
            false => Err(BackupError::Refused("a wrapped key of the key part does not open")),
        }
    }

    /// The state of the bucket key that a wrapped key is under; none where the ring does not know it yet.
    fn state_of(&self, wrapped: &[u8]) -> Option<KeyState> {
        WrappedUnder::of(wrapped).ok().and_then(|under| self.keyring.bucket_key_state(under))
    }

    /// Has a wrapped key in the form that opens now: as the bulk part has it, or as it was wrapped anew since.
    fn settle(&mut self, key: &Key, stored: &mut Stored) {
        if let Some((term, _)) = key.term_parts() {
            match index_state(&term, &stored.payload, self.keyring) {
                None => self.ahead += 1,
                Some(state) => self.terms_dead += u64::from(!state.opens()),
            }
            return;
        }
        if key.is_sealed_anew() {
            self.sealed_under = stored.version.0;
        }
        if let Some(sealed) = sealed_by_header(key, &stored.payload) {
            self.ahead += u64::from(matches!(self.keyring.header_key_state(sealed), Ok(None)));
        }
        let Some(subject) = key.subject_of_key() else { return };
        let subject = subject.as_bytes();
        if self.state_of(&stored.payload).is_none() {
            self.ahead += 1;
        }
        if !self.keyring.is_outdated(&stored.payload) {
            return;
        }
        let opens = |wrapped: &[u8]| self.keyring.unwrap_subject_key(subject, wrapped).is_ok();
        match self.anew.get(subject).filter(|wrapped| opens(wrapped)) {
            Some(wrapped) => {
                stored.payload.clone_from(wrapped);
                self.replaced += 1;
            }
            None => self.dead += u64::from(!opens(&stored.payload)),
        }
    }
}

/// Brings rows and steps into the snapshot that the new vault begins with: entries of the journal, rows, rows left out.
fn make_snapshot(
    place: &Place,
    whole: &Whole,
    log_before: &LogReader,
    chain: &ChainKey,
    position: Position,
    subjects: &mut Subjects<'_>,
) -> Result<(u64, u64, u64), BackupError> {
    clear(place).map_err(unmade)?;
    let (mut sorted, mut runs, mut unwritten) = (Sorted::default(), Vec::new(), Ok(()));
    let end = walk(whole, log_before, chain, &mut |_| Ok(()), &mut |frame| {
        sorted.take(frame);
        if sorted.is_full() {
            unwritten = spill(place, chain, &Unhurried, &mut sorted, &mut runs);
        }
        // Only ends the reading: why it ends is what was not written.
        if unwritten.is_ok() { Ok(()) } else { Err(TrailFault::Thread) }
    });
    unwritten.map_err(unmade)?;
    let end = end?;
    spill(place, chain, &Unhurried, &mut sorted, &mut runs).map_err(unmade)?;
    let base = whole.files.list.snapshot;
    let base = base.map(|segment| whole.files.path(&snapshot_name(segment)));
    let journal_runs = runs.len();
    let (rest, left_out) =
        found_anew(place, chain, base.as_deref(), &mut runs, subjects).map_err(unmade)?;
    let sorted_again = std::iter::once(&rest).chain(&runs[journal_runs..]);
    let readers = sorted_again
        .map(|path| SnapshotReader::open(path, Some(chain)))
        .collect::<Result<Vec<_>, _>>()?;
    let root = place.log.root(0).map_err(TrailFault::Log)?;
    let head: SnapshotHead = place.head(position, root);
    let made = found(place, chain, &Unhurried, readers, &head).map_err(unmade)?;
    clear(place).map_err(unmade)?;
    Ok((end.index, made.written.counts.rows, left_out))
}

/// Merges snapshot and journal, and gives every row its form under the new log. Rows keep their order but for those of the feed,
/// whose keys tell the index: they are sorted into further runs. Gives the file of the others, and how many were left out.
fn found_anew(
    place: &Place,
    chain: &ChainKey,
    base: Option<&Path>,
    runs: &mut Vec<PathBuf>,
    subjects: &mut Subjects<'_>,
) -> Result<(PathBuf, u64), SnapshotUnmade> {
    let path = place.directory.join("rest.run");
    let head = SnapshotHead { content: FileContent::Run, ..place.head(Position::START, [0; 32]) };
    let mut rest = SnapshotWriter::create(&path, &*place.media, &Unhurried, &head)?;
    let readers = base.into_iter().chain(runs.iter().map(PathBuf::as_path));
    let readers = readers
        .map(|path| SnapshotReader::open(path, Some(chain)))
        .collect::<Result<Vec<_>, TrailFault>>()?;
    let (mut sorted, mut left_out) = (Sorted::default(), 0);
    merge(readers, &mut |key, stored| {
        let Some(anew) = key.under_another_log() else {
            left_out += u64::from(!key.is_of_one_log());
            return Ok(());
        };
        let mut stored = stored_anew(key, stored);
        subjects.settle(key, &mut stored);
        if anew == *key {
            return rest.row(&anew, Some(&stored));
        }
        sorted.put(anew, Some(stored));
        match sorted.is_full() {
            true => spill(place, chain, &Unhurried, &mut sorted, runs),
            false => Ok(()),
        }
    })?;
    spill(place, chain, &Unhurried, &mut sorted, runs)?;
    rest.finish(chain)?;
    Ok((path, left_out))
}

/// The first entry of the new log stands for the one that wrote it. The policy is put in force anew, by an entry of that log.
fn stored_anew(key: &Key, stored: &Stored) -> Stored {
    let payload = if key.is_policy() { Vec::new() } else { stored.payload.clone() };
    Stored { version: stored.version, index: 0, payload }
}

fn unmade(unmade: SnapshotUnmade) -> BackupError {
    match unmade {
        SnapshotUnmade::Ended => BackupError::Refused("it was broken off"),
        SnapshotUnmade::Full => {
            BackupError::Trail(TrailFault::Snapshots(std::io::ErrorKind::StorageFull.into()))
        }
        SnapshotUnmade::Fault(fault) => BackupError::Trail(fault),
    }
}
