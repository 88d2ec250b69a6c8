//! Judges a bulk part with nothing but itself and the log's public key; the rest is judged with the keys, when it is restored.
//! Never believes the list of files about anything but lengths and digests: what they are of, the signed log says.
//! A file that nobody listed is as wrong as one that is missing.

use super::chain::{BulkAt, Files, LogFiles, read_list};
use super::list::{List, Listed, hex};
use super::{BackupError, LIST_FILE, LOG, io_at};
use crate::files::open_on_disk;
use crate::limits::SNAPSHOT_SEEK_ENTRIES_COUNT;
use crate::trail::TrailFault;
use crate::trail::journal::{Frame, Position, replay_among};
use crate::trail::snapshot::{Row, SnapshotHead, read_snapshot};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::verify::{
    Class, Expectations, Finding, Head, Policy, VerifierKey, VerifyError, Visitor, verify_log,
};
use gridvault_audit::{LogReader, verifier_key};
use gridvault_keys::{ChainKey, Keyring, Signer};
use ring::digest::{Context, SHA256};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

/// What a bulk part was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkJudged {
    /// Name of its log.
    pub origin: String,
    /// Entries of its log.
    pub size: u64,
    /// Its snapshot holds what the entries below this index made; 0 where there is none.
    pub snapshot: u64,
    /// Files, the list not counted.
    pub files: u64,
    /// Parts that they lie in: one where it is whole.
    pub parts: u64,
    /// Whether an entry of its log names the digest of its snapshot.
    pub is_told: bool,
}

/// A bulk part whose files are those that were written.
pub(super) struct Whole {
    pub(super) files: Files,
    /// The signed checkpoint of the log, and the root that it states.
    pub(super) note: Vec<u8>,
    pub(super) root: [u8; 32],
    /// Head of the snapshot, where there is one.
    pub(super) head: Option<SnapshotHead>,
    is_told: bool,
}

/// Judges a bulk part offline, under the key of its log: every file wherever it lies, the log's proof, and the snapshot against the log.
///
/// # Errors
/// [`BackupError`] for the first thing that is wrong.
pub fn verify_bulk(at: &BulkAt<'_>, log_key: &str) -> Result<BulkJudged, BackupError> {
    let whole = check(at, log_key)?;
    let parts = whole.files.parts();
    let list = whole.files.list;
    Ok(BulkJudged {
        is_told: whole.is_told,
        origin: list.origin,
        size: list.size,
        snapshot: whole.head.map_or(0, |head| head.position.index),
        files: list.files.len() as u64,
        parts: parts as u64,
    })
}

/// SHA-256 of a bulk part's list of files, which has the digest of each, wherever it lies.
///
/// # Errors
/// [`BackupError`] for a list that is not there, or is none.
pub fn bulk_digest(bulk: &Path) -> Result<[u8; 32], BackupError> {
    Ok(read_list(bulk)?.digest())
}

/// Whether these are the keys of the vault that the bulk part is of: one of them signed its log, or where the log's key has changed
/// since, its journal is chained under them.
pub(super) fn is_of(whole: &Whole, log: &LogReader, keyring: &Keyring) -> Result<(), BackupError> {
    let (present, next) = keyring.log_signers();
    let is_by = |signer: &Signer| {
        let origin = &whole.files.list.origin;
        let key = VerifierKey::parse(&verifier_key(origin, &signer.public_key()));
        key.is_ok_and(|key| gridvault_audit::verify::open_note(&whole.note, &key).is_ok())
    };
    if is_by(&present) || next.as_ref().is_some_and(is_by) {
        return Ok(());
    }
    walk(whole, log, &keyring.chain(), &mut |_| Ok(()), &mut |_| Ok(()))
        .map(drop)
        .map_err(|_| BackupError::Refused("the key part is of another vault"))
}

/// Everything that needs no key of the vault.
pub(super) fn check(at: &BulkAt<'_>, log_key: &str) -> Result<Whole, BackupError> {
    let files = Files::open(at)?;
    check_written(&files)?;
    check_held(&files)?;
    check_nothing_else(at.directory, &files.list)?;
    let key = VerifierKey::parse(log_key)
        .map_err(|_| BackupError::Refused("the log key is not a verifier key"))?;
    if key.name() != files.list.origin {
        return Err(BackupError::Refused("the log key is of another log"));
    }
    let snapshot = files.list.snapshot.map(|segment| read_head(&files, segment)).transpose()?;
    // What the snapshot says of the log is one more thing that the log must agree with.
    let earlier = snapshot.iter().map(|(head, _)| Head {
        origin: head.origin.clone(),
        size: head.position.index,
        root: head.root,
    });
    let expected = Expectations { earlier: earlier.collect(), ..Expectations::default() };
    let mut telling = Telling::of(snapshot.as_ref(), files.list.size);
    let summary = verify_log(LogFiles(&files), &Policy::of_log(key), &expected, &mut telling);
    let summary = summary.map_err(|error| match error {
        VerifyError::Tampered(Finding { class: Class::HistoryRewritten, .. }) => {
            BackupError::Refused("the snapshot is of another log")
        }
        error => BackupError::Log(Box::new(error)),
    })?;
    if summary.head.size != files.list.size {
        return Err(BackupError::Refused("the log has another size than the list of files says"));
    }
    let (path, is_told) = (files.path(&format!("{LOG}/checkpoint")), telling.is_told);
    let note = std::fs::read(&path).map_err(io_at(&path))?;
    let head = snapshot.map(|(head, _)| head);
    Ok(Whole { files, note, root: summary.head.root, head, is_told })
}

/// Reads the snapshot through without a key: its head, and its digest.
fn read_head(files: &Files, segment: u64) -> Result<(SnapshotHead, [u8; 32]), BackupError> {
    let path = files.path(&super::create::snapshot_name(segment));
    let (head, digest) = read_snapshot(&path, None, &mut |_| Ok(()))?;
    // Not by the key of the log that it names: another one may have followed since. The root of the log tells.
    match head.origin == files.list.origin && head.position.segment == segment {
        true => Ok((head, digest)),
        false => Err(BackupError::Refused("the snapshot is of another vault or place")),
    }
}

/// Reads every file that lies in the part itself, and compares it.
pub(super) fn check_written(files: &Files) -> Result<(), BackupError> {
    let written = files.list.files.iter().filter(|(_, listed)| !listed.held);
    for (name, listed) in written {
        check_bytes(&files.path(name), listed, name)?;
    }
    Ok(())
}

/// Reads every file that the parts before have, and compares it.
fn check_held(files: &Files) -> Result<(), BackupError> {
    let held = files.list.files.iter().filter(|(_, listed)| listed.held);
    for (name, listed) in held {
        let path = files.path(name);
        check_bytes(&path, listed, &path.display().to_string())?;
    }
    Ok(())
}

/// Looks whether every file that the parts before have is there, and as long as it was.
pub(super) fn check_there(files: &Files) -> Result<(), BackupError> {
    let held = files.list.files.iter().filter(|(_, listed)| listed.held);
    for (name, listed) in held {
        let path = files.path(name);
        check_length(&path, listed, &path.display().to_string())?;
    }
    Ok(())
}

/// Compares what lies on the disk at a path, which is called by a name.
pub(super) fn check_bytes(path: &Path, listed: &Listed, name: &str) -> Result<(), BackupError> {
    check_length(path, listed, name)?;
    let found = open_on_disk(path).and_then(|mut file| measure(&mut file)).map_err(io_at(path))?;
    match found.is_same(listed) {
        true => Ok(()),
        false => Err(damaged(name, "it is not the file that was written")),
    }
}

fn check_length(path: &Path, listed: &Listed, name: &str) -> Result<(), BackupError> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(damaged(name, "it is not a plain file")),
        Ok(found) if found.len() != listed.bytes => {
            Err(damaged(name, "it has another length than was written"))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(damaged(name, "it is missing"))
        }
        Err(error) => Err(BackupError::Io(path.to_path_buf(), error)),
    }
}

fn damaged(name: &str, what: &'static str) -> BackupError {
    BackupError::Damaged { path: name.to_owned(), what }
}

/// Length and digest of what is read.
pub(super) fn measure(from: &mut dyn std::io::Read) -> std::io::Result<Listed> {
    let (mut context, mut piece, mut bytes) = (Context::new(&SHA256), vec![0; 256 * 1024], 0);
    loop {
        let read = from.read(&mut piece)?;
        if read == 0 {
            return Ok(Listed { bytes, digest: hex(context.finish().as_ref()), held: false });
        }
        context.update(&piece[..read]);
        bytes += read as u64;
    }
}

fn check_nothing_else(bulk: &Path, list: &List) -> Result<(), BackupError> {
    let mut left = vec![bulk.to_path_buf()];
    let written = list.files.iter().filter(|(_, listed)| !listed.held);
    let known: BTreeSet<&str> = written.map(|(name, _)| name.as_str()).chain([LIST_FILE]).collect();
    while let Some(directory) = left.pop() {
        for file in std::fs::read_dir(&directory).map_err(io_at(&directory))? {
            let file = file.map_err(io_at(&directory))?;
            let path = file.path();
            if file.file_type().map_err(io_at(&path))?.is_dir() {
                left.push(path);
                continue;
            }
            let name = path.strip_prefix(bulk).ok().and_then(Path::to_str).unwrap_or_default();
            if !known.contains(name) {
                let path = path.display().to_string();
                return Err(BackupError::Damaged { path, what: "nobody listed it" });
            }
        }
    }
    Ok(())
}

/// Gives the rows of the snapshot and the frames behind it, every tag and every entry compared with the log, which lies in one place; says
/// where the journal ends.
pub(super) fn walk(
    whole: &Whole,
    log: &LogReader,
    chain: &ChainKey,
    rows: &mut dyn FnMut(Vec<Row>) -> Result<(), TrailFault>,
    frames: &mut dyn FnMut(Frame) -> Result<(), TrailFault>,
) -> Result<Position, BackupError> {
    let (files, size) = (&whole.files, whole.files.list.size);
    let mut from = Position::START;
    if let Some(segment) = files.list.snapshot {
        let path = files.path(&super::create::snapshot_name(segment));
        let (head, _) = read_snapshot(&path, Some(chain), rows)?;
        from = head.position;
    }
    let minimum = log.minimum().map_err(|error| BackupError::Log(Box::new(error)))?.index;
    let place = |segment| files.path(&super::create::segment_name(segment));
    let replayed = replay_among(files.newest_segment(), &place, chain, from, |frame| {
        let covered = size.saturating_sub(frame.first_index);
        let covered = usize::try_from(covered).unwrap_or(usize::MAX).min(frame.entries.len());
        if covered > 0 && frame.first_index >= minimum {
            let logged = log.entries_as_they_lie(frame.first_index, covered);
            let logged = logged.map_err(TrailFault::Log)?;
            let same = logged.iter().eq(frame.entries[..covered].iter().map(|(entry, _)| entry));
            if !same {
                let index = frame.first_index;
                return Err(TrailFault::Log(gridvault_audit::LogError::ReplayDiffers { index }));
            }
        }
        frames(frame)
    })?;
    match replayed.end.index >= size {
        true => Ok(replayed.end),
        false => Err(TrailFault::JournalBehind { journal: replayed.end.index, log: size }.into()),
    }
}

/// Looks for the entry that names the snapshot's digest: it stands a little behind what the snapshot holds, if the backup is not
/// younger than the entry.
struct Telling {
    among: Range<u64>,
    digest: String,
    is_told: bool,
}

impl Telling {
    fn of(snapshot: Option<&(SnapshotHead, [u8; 32])>, size: u64) -> Telling {
        let Some((head, digest)) = snapshot else {
            return Telling { among: 0..0, digest: String::new(), is_told: false };
        };
        let from = head.position.index;
        let among = from..size.min(from.saturating_add(SNAPSHOT_SEEK_ENTRIES_COUNT));
        Telling { among, digest: BASE64_URL_SAFE_NO_PAD.encode(digest), is_told: false }
    }
}

impl Visitor for Telling {
    fn entry(&mut self, index: u64, entry: &[u8]) {
        if self.is_told || !self.among.contains(&index) {
            return;
        }
        let Ok(entry) = serde_json::from_slice::<serde_json::Value>(entry) else { return };
        let is_snapshot = entry["ev"] == "sys" && entry["act"] == "snapshot";
        self.is_told = is_snapshot && entry["x"]["digest"] == *self.digest;
    }
}
