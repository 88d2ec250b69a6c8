//! Judges a bulk part with nothing but itself and the log's public key; the rest is judged with the keys, when it is restored.
//! Never believes the list of files about anything but lengths and digests: what they are of, the signed log says.
//! A file that nobody listed is as wrong as one that is missing.

use super::list::{List, Listed, hex};
use super::{BackupError, JOURNAL, LIST_FILE, LOG, io_at};
use crate::limits::{BACKUP_LIST_BYTES_MAX, SNAPSHOT_SEEK_ENTRIES_COUNT};
use crate::trail::TrailFault;
use crate::trail::journal::{Frame, Position, replay};
use crate::trail::snapshot::{Row, SnapshotHead, read_snapshot};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::verify::{VerifierKey, verify_directory};
use gridvault_audit::{LogReader, verifier_key};
use gridvault_keys::{ChainKey, Keyring, Signer};
use ring::digest::{Context, SHA256};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
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
    /// Whether an entry of its log names the digest of its snapshot.
    pub is_told: bool,
}

/// A bulk part whose files are those that were written.
pub(super) struct Whole {
    pub(super) list: List,
    pub(super) log: LogReader,
    /// Head of the snapshot, where there is one.
    pub(super) head: Option<SnapshotHead>,
    digest: [u8; 32],
}

/// Judges a bulk part offline, under the key of its log: every file, the log's proof, and the snapshot against the log.
///
/// # Errors
/// [`BackupError`] for the first thing that is wrong.
pub fn verify_bulk(bulk: &Path, log_key: &str) -> Result<BulkJudged, BackupError> {
    let whole = check(bulk, log_key)?;
    Ok(BulkJudged {
        is_told: is_told(&whole)?,
        origin: whole.list.origin,
        size: whole.list.size,
        snapshot: whole.head.map_or(0, |head| head.position.index),
        files: whole.list.files.len() as u64,
    })
}

/// SHA-256 of a bulk part's list of files, which has the digest of each.
///
/// # Errors
/// [`BackupError`] for a list that is not there, or is none.
pub fn bulk_digest(bulk: &Path) -> Result<[u8; 32], BackupError> {
    Ok(read_list(bulk)?.digest())
}

/// Whether these are the keys of the vault that the bulk part is of: one of them signed its log, or where the log's key has changed
/// since, its journal is chained under them.
pub(super) fn is_of(bulk: &Path, whole: &Whole, keyring: &Keyring) -> Result<(), BackupError> {
    let Ok(Some(note)) = whole.log.checkpoint_text() else {
        return Err(BackupError::NoCheckpoint);
    };
    let (present, next) = keyring.log_signers();
    let is_by = |signer: &Signer| {
        let key = VerifierKey::parse(&verifier_key(&whole.list.origin, &signer.public_key()));
        key.is_ok_and(|key| gridvault_audit::verify::open_note(note.as_bytes(), &key).is_ok())
    };
    if is_by(&present) || next.as_ref().is_some_and(is_by) {
        return Ok(());
    }
    walk(bulk, whole, &keyring.chain(), &mut |_| Ok(()), &mut |_| Ok(()))
        .map(drop)
        .map_err(|_| BackupError::Refused("the key part is of another vault"))
}

/// Everything that needs no key of the vault.
pub(super) fn check(bulk: &Path, log_key: &str) -> Result<Whole, BackupError> {
    let list = read_list(bulk)?;
    check_files(bulk, &list)?;
    check_nothing_else(bulk, &list)?;
    let key = VerifierKey::parse(log_key)
        .map_err(|_| BackupError::Refused("the log key is not a verifier key"))?;
    if key.name() != list.origin {
        return Err(BackupError::Refused("the log key is of another log"));
    }
    let directory = bulk.join(LOG);
    let summary = verify_directory(&directory, &key, None);
    let summary = summary.map_err(|error| BackupError::Log(Box::new(error)))?;
    if summary.head.size != list.size {
        return Err(BackupError::Refused("the log has another size than the list of files says"));
    }
    let log = LogReader::open(&directory, &list.origin)
        .map_err(|error| BackupError::Log(Box::new(error)))?;
    let mut whole = Whole { list, log, head: None, digest: [0; 32] };
    let Some(segment) = whole.list.snapshot else { return Ok(whole) };
    let path = bulk.join(super::create::snapshot_name(segment));
    let (head, digest) = read_snapshot(&path, None, &mut |_| Ok(()))?;
    // Not by the key of the log that it names: another one may have followed since. The root of the log tells.
    if head.origin != whole.list.origin || head.position.segment != segment {
        return Err(BackupError::Refused("the snapshot is of another vault or place"));
    }
    let root =
        whole.log.root(head.position.index).map_err(|error| BackupError::Log(Box::new(error)))?;
    if root != head.root {
        return Err(BackupError::Refused("the snapshot is of another log"));
    }
    (whole.head, whole.digest) = (Some(head), digest);
    Ok(whole)
}

pub(super) fn read_list(bulk: &Path) -> Result<List, BackupError> {
    let path = bulk.join(LIST_FILE);
    let file = File::open(&path).map_err(io_at(&path))?;
    let mut text = String::new();
    let read = file.take(BACKUP_LIST_BYTES_MAX + 1).read_to_string(&mut text);
    match read.map_err(io_at(&path))? as u64 > BACKUP_LIST_BYTES_MAX {
        true => Err(BackupError::List("it is longer than any")),
        false => List::parse(&text),
    }
}

/// Reads every listed file and compares it.
pub(super) fn check_files(bulk: &Path, list: &List) -> Result<(), BackupError> {
    for (name, listed) in &list.files {
        let damaged = |what| BackupError::Damaged { path: name.clone(), what };
        let path = bulk.join(name);
        match std::fs::symlink_metadata(&path) {
            Ok(found) if !found.is_file() => return Err(damaged("it is not a plain file")),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(damaged("it is missing"));
            }
            Err(error) => return Err(BackupError::Io(path, error)),
        }
        let found = measure(&path).map_err(io_at(&path))?;
        if found.bytes != listed.bytes {
            return Err(damaged("it has another length than was written"));
        }
        if found != *listed {
            return Err(damaged("it is not the file that was written"));
        }
    }
    Ok(())
}

fn measure(path: &Path) -> std::io::Result<Listed> {
    let (mut file, mut context) = (File::open(path)?, Context::new(&SHA256));
    let (mut piece, mut bytes) = (vec![0; 256 * 1024], 0);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(Listed { bytes, digest: hex(context.finish().as_ref()) });
        }
        context.update(&piece[..read]);
        bytes += read as u64;
    }
}

fn check_nothing_else(bulk: &Path, list: &List) -> Result<(), BackupError> {
    let mut left = vec![bulk.to_path_buf()];
    let known: BTreeSet<&str> = list.files.keys().map(String::as_str).chain([LIST_FILE]).collect();
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

/// Gives the rows of the snapshot and the frames behind it, every tag and every entry compared; says where the journal ends.
pub(super) fn walk(
    bulk: &Path,
    whole: &Whole,
    chain: &ChainKey,
    rows: &mut dyn FnMut(Vec<Row>) -> Result<(), TrailFault>,
    frames: &mut dyn FnMut(Frame) -> Result<(), TrailFault>,
) -> Result<Position, BackupError> {
    let mut from = Position::START;
    if let Some(segment) = whole.list.snapshot {
        let path = bulk.join(super::create::snapshot_name(segment));
        let (head, _) = read_snapshot(&path, Some(chain), rows)?;
        from = head.position;
    }
    let log = &whole.log;
    let minimum = log.minimum().map_err(|error| BackupError::Log(Box::new(error)))?.index;
    let replayed = replay(&bulk.join(JOURNAL), chain, from, |frame| {
        let covered = whole.list.size.saturating_sub(frame.first_index);
        let covered = usize::try_from(covered).unwrap_or(usize::MAX).min(frame.entries.len());
        if covered > 0 && frame.first_index >= minimum {
            let logged = log.entries(frame.first_index, covered).map_err(TrailFault::Log)?;
            let same = logged.iter().eq(frame.entries[..covered].iter().map(|(entry, _)| entry));
            if !same {
                let index = frame.first_index;
                return Err(TrailFault::Log(gridvault_audit::LogError::ReplayDiffers { index }));
            }
        }
        frames(frame)
    })?;
    match replayed.end.index >= whole.list.size {
        true => Ok(replayed.end),
        false => {
            Err(TrailFault::JournalBehind { journal: replayed.end.index, log: whole.list.size }
                .into())
        }
    }
}

/// Looks for the entry that names the snapshot's digest: it stands a little behind what the snapshot holds, if the backup is not
/// younger than the entry.
fn is_told(whole: &Whole) -> Result<bool, BackupError> {
    let Some(head) = &whole.head else { return Ok(false) };
    let digest = BASE64_URL_SAFE_NO_PAD.encode(whole.digest);
    let mut at = head.position.index;
    let end = whole.list.size.min(at.saturating_add(SNAPSHOT_SEEK_ENTRIES_COUNT));
    while at < end {
        let entries = whole.log.entries(at, 256);
        let entries = entries.map_err(|error| BackupError::Log(Box::new(error)))?;
        at += entries.len().max(1) as u64;
        for entry in entries {
            let Ok(entry) = serde_json::from_slice::<serde_json::Value>(&entry) else { continue };
            let is_snapshot = entry["ev"] == "sys" && entry["act"] == "snapshot";
            if is_snapshot && entry["x"]["digest"] == *digest {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
