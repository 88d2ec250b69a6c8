//! Copies a vault's bulk part into an empty directory, whole or without what the part before has.
//! Never writes to the vault, takes none of its locks and asks for no key.
//! Everything that was copied is read again before the list of files is written; of what the parts before have, list by list up to the whole
//! one, each file must be there in its length. Their bytes are read when the part is verified or restored.

use super::chain::{BulkAt, Files};
use super::list::{List, Listed, hex};
use super::verify::{check_there, check_written, measure};
use super::{BackupError, CONFIG_FILE, JOURNAL, LIST_FILE, LOG, SNAPSHOTS, io_at};
use crate::files::make_directories;
use crate::limits::BACKUP_CHAIN_PARTS_COUNT_MAX;
use crate::trail::journal::{read_open, read_unjudged, segment_path, segments};
use crate::trail::snapshot::{newest, snapshot_path};
use gridvault_audit::constants::WITNESSED_FILE;
use gridvault_audit::{LogReader, TileName, kept_checkpoint};
use ring::digest::{Context, SHA256, digest};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Cursor, ErrorKind, Read, Seek, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Bytes that are copied at a time.
const PIECE_BYTES: usize = 256 * 1024;
/// How often the journal may change while it is opened, or while its newest segment is read.
const ATTEMPTS_MAX: u32 = 5;

/// What is copied.
pub struct BulkSource<'a> {
    /// Name of the log.
    pub origin: &'a str,
    /// The configuration file, which holds paths and no secret.
    pub config: &'a Path,
    /// Directory of the log.
    pub log: &'a Path,
    /// Directory of the journal.
    pub journal: &'a Path,
    /// Directory of the snapshots.
    pub snapshots: &'a Path,
}

/// A bulk part that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Entries that its checkpoint covers.
    pub size: u64,
    /// Files in it, the list not counted.
    pub files: u64,
    /// Their length.
    pub bytes: u64,
    /// Files that it has not, because the parts before have them.
    pub held: u64,
    /// Their length.
    pub held_bytes: u64,
}

/// The snapshot and the segments behind it, open.
pub(super) struct Opened {
    pub(super) snapshot: Option<(u64, File)>,
    pub(super) segments: Vec<(u64, File)>,
}

/// Where copies go, what the part before has, and what is known of them.
struct Copier<'a> {
    out: &'a Path,
    before: Option<&'a List>,
    files: BTreeMap<String, Listed>,
}

/// Copies the bulk part of a vault into `out`, which is empty or not there: the whole, or what a part before has not.
///
/// # Errors
/// [`BackupError`]; what was copied until then has no list and is no backup.
pub fn create_bulk(
    source: &BulkSource<'_>,
    out: &Path,
    since: Option<&BulkAt<'_>>,
) -> Result<Bulk, BackupError> {
    make_empty(out)?;
    let before = since.map(Files::open).transpose()?;
    // Said before anything is copied.
    if before.as_ref().is_some_and(|before| before.parts() >= BACKUP_CHAIN_PARTS_COUNT_MAX) {
        return Err(BackupError::TooManyParts);
    }
    let log = LogReader::open(source.log, source.origin).map_err(in_log)?;
    // Before the checkpoint: so it is never newer than that one.
    let witnessed = log.witnessed_text().map_err(in_log)?;
    // First of all else: what is copied behind it reaches at least as far.
    let shown = log.shown(false).map_err(in_log)?.ok_or(BackupError::NoCheckpoint)?;
    if let Some(before) = &before {
        continues(&log, shown.size, source.origin, before)?;
    }
    let opened = open(source)?;
    let before_list = before.as_ref().map(|before| &before.list);
    let mut copier = Copier { out, before: before_list, files: BTreeMap::new() };
    let snapshot = opened.snapshot.as_ref().map(|(segment, _)| *segment);
    if let Some((segment, file)) = opened.snapshot {
        copier.copy_if_new(&snapshot_name(segment), file)?;
    }
    let open_segment = opened.segments.len().saturating_sub(1);
    for (at, (segment, file)) in opened.segments.into_iter().enumerate() {
        match at == open_segment {
            true => copier.copy(&segment_name(segment), &read_newest(segment, &file)?[..])?,
            false => copier.copy_if_new(&segment_name(segment), file)?,
        }
    }
    let config = File::open(source.config).map_err(io_at(source.config))?;
    copier.copy(CONFIG_FILE, config)?;
    copier.copy_log(&log, &shown.note, shown.size)?;
    if let Some(note) = witnessed {
        copier.copy(&format!("{LOG}/{WITNESSED_FILE}"), note.as_bytes())?;
    }
    sync_all(out)?;
    let (origin, files) = (source.origin.to_owned(), copier.files);
    let since = before_list.map(List::digest);
    let list = List { origin, size: shown.size, snapshot, since, files };
    finish(list, out, before.as_ref())
}

/// Writes the list, once everything that it names was found where it says.
pub(super) fn finish(list: List, out: &Path, before: Option<&Files>) -> Result<Bulk, BackupError> {
    let files = Files::made_since(list, out, before)?;
    // Read back, so that what the disk did not take is not found years later.
    check_written(&files)?;
    check_there(&files)?;
    let path = out.join(LIST_FILE);
    let mut file = create(&path)?;
    file.write_all(files.list.to_text().as_bytes()).map_err(io_at(&path))?;
    sync_all(out)?;
    let mut made = Bulk { size: files.list.size, files: 0, bytes: 0, held: 0, held_bytes: 0 };
    for listed in files.list.files.values() {
        let (files, bytes) = match listed.held {
            true => (&mut made.held, &mut made.held_bytes),
            false => (&mut made.files, &mut made.bytes),
        };
        (*files, *bytes) = (*files + 1, *bytes + listed.bytes);
    }
    Ok(made)
}

/// Whether the log goes on where that of the part before ends: by the checkpoint that lies in it, which is what was listed.
fn continues(log: &LogReader, size: u64, origin: &str, before: &Files) -> Result<(), BackupError> {
    let name = format!("{LOG}/checkpoint");
    let path = before.path(&name);
    let directory = || path.ancestors().nth(2).unwrap_or(&path).to_path_buf();
    if before.list.origin != origin {
        return Err(BackupError::OtherVault(directory()));
    }
    let note = std::fs::read_to_string(&path).map_err(io_at(&path))?;
    let is_listed =
        |listed: &Listed| listed.digest == hex(digest(&SHA256, note.as_bytes()).as_ref());
    if !before.list.files.get(&name).is_some_and(is_listed) {
        let path = path.display().to_string();
        return Err(BackupError::Damaged { path, what: "it is not the file that was written" });
    }
    let kept = kept_checkpoint(&note).filter(|kept| kept.size <= size);
    let kept = kept.ok_or_else(|| BackupError::NoContinuation(directory()))?;
    match log.root(kept.size).map_err(in_log)? == kept.root {
        true => Ok(()),
        false => Err(BackupError::NoContinuation(directory())),
    }
}

pub(super) fn open(source: &BulkSource<'_>) -> Result<Opened, BackupError> {
    for _ in 0..ATTEMPTS_MAX {
        if let Some(opened) = try_open(source)? {
            return Ok(opened);
        }
    }
    Err(BackupError::Moving)
}

/// Nothing where the keeper of snapshots took one of the files away between the look and the opening.
fn try_open(source: &BulkSource<'_>) -> Result<Option<Opened>, BackupError> {
    let from = newest(source.snapshots)?;
    let mut opened = Opened { snapshot: None, segments: Vec::new() };
    if let Some(segment) = from {
        let path = snapshot_path(source.snapshots, segment);
        let Some(file) = open_if_there(&path)? else { return Ok(None) };
        opened.snapshot = Some((segment, file));
    }
    let first = from.unwrap_or(0);
    for segment in segments(source.journal).map_err(io_at(source.journal))? {
        if segment < first {
            continue;
        }
        let path = segment_path(source.journal, segment);
        let Some(file) = open_if_there(&path)? else { return Ok(None) };
        opened.segments.push((segment, file));
    }
    // Without a gap from where the snapshot ends: else it went between the two looks.
    let follows = opened
        .segments
        .iter()
        .map(|(segment, _)| *segment)
        .eq((first..).take(opened.segments.len()));
    Ok((follows && !opened.segments.is_empty()).then_some(opened))
}

/// The bytes of the segment that may be written to meanwhile, as a crash could have left them. One that a start would not take is said
/// now, and not when the part is restored; but for two frames that came within one piece while it was read, which another look shows
/// whole.
pub(super) fn read_newest(segment: u64, file: &File) -> Result<Vec<u8>, BackupError> {
    let length = file.metadata().map_err(io_at(segment_name(segment)))?.len();
    for _ in 0..ATTEMPTS_MAX {
        let bytes = read_open(length, |piece, offset| file.read_exact_at(piece, offset))
            .map_err(io_at(segment_name(segment)))?;
        if !read_unjudged(&bytes, segment, true, |_| ()) {
            return Ok(bytes);
        }
    }
    Err(no_frame(segment))
}

/// A segment in which a frame or the end of them should be, and something else is.
pub(super) fn no_frame(segment: u64) -> BackupError {
    BackupError::NoFrame { path: segment_name(segment) }
}

fn open_if_there(path: &Path) -> Result<Option<File>, BackupError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BackupError::Io(path.to_path_buf(), error)),
    }
}

/// Copies what `from` gives, and says what it was.
pub(super) fn copy(from: impl Read, path: &Path) -> Result<Listed, BackupError> {
    if let Some(directory) = path.parent() {
        make_directories(directory).map_err(io_at(directory))?;
    }
    let (mut from, mut to) = (from, create(path)?);
    let (mut context, mut bytes) = (Context::new(&SHA256), 0);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = from.read(&mut piece).map_err(io_at(path))?;
        if read == 0 {
            break;
        }
        to.write_all(&piece[..read]).map_err(io_at(path))?;
        context.update(&piece[..read]);
        bytes += read as u64;
    }
    Ok(Listed { bytes, digest: hex(context.finish().as_ref()), held: false })
}

impl Copier<'_> {
    fn copy(&mut self, name: &str, from: impl Read) -> Result<(), BackupError> {
        let listed = copy(from, &self.out.join(name))?;
        self.files.insert(name.to_owned(), listed);
        Ok(())
    }

    /// Copies a file that never changes, unless the part before has it. What it is, its bytes say, never its name alone.
    fn copy_if_new(&mut self, name: &str, from: impl Read + Seek) -> Result<(), BackupError> {
        let mut from = from;
        if let Some(known) = self.before.and_then(|before| before.files.get(name)) {
            let found = measure(&mut from).map_err(io_at(name))?;
            if found.is_same(known) {
                self.files.insert(name.to_owned(), Listed { held: true, ..found });
                return Ok(());
            }
            from.rewind().map_err(io_at(name))?;
        }
        self.copy(name, from)
    }

    fn copy_log(&mut self, log: &LogReader, note: &str, size: u64) -> Result<(), BackupError> {
        self.copy(&format!("{LOG}/checkpoint"), note.as_bytes())?;
        for name in TileName::all(size) {
            // What was pruned is not there; the hashes always are.
            let Some(bytes) = log.tile(&name, size).map_err(in_log)? else { continue };
            let path = format!("{LOG}/{}", name.to_path());
            match name.is_full() {
                true => self.copy_if_new(&path, Cursor::new(bytes))?,
                false => self.copy(&path, &bytes[..])?,
            }
        }
        // Behind the bundles: one that went while they were copied is below what it says.
        let minimum = log.minimum().map_err(in_log)?;
        match minimum.index {
            0 => Ok(()),
            // The entry that says so came behind the checkpoint: bundles below it may be gone already.
            _ if minimum.recorded >= size => Err(BackupError::Moving),
            _ => self.copy(&format!("{LOG}/minimum"), minimum.to_text().as_bytes()),
        }
    }
}

pub(super) fn snapshot_name(segment: u64) -> String {
    snapshot_path(Path::new(SNAPSHOTS), segment).to_string_lossy().into_owned()
}

pub(super) fn segment_name(segment: u64) -> String {
    segment_path(Path::new(JOURNAL), segment).to_string_lossy().into_owned()
}

fn create(path: &Path) -> Result<File, BackupError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path).map_err(io_at(path))
}

/// Makes sure that a directory is there and holds nothing.
pub(super) fn make_empty(out: &Path) -> Result<(), BackupError> {
    make_directories(out).map_err(io_at(out))?;
    match std::fs::read_dir(out).map_err(io_at(out))?.next() {
        None => Ok(()),
        Some(_) => Err(BackupError::NotEmpty(out.to_path_buf())),
    }
}

/// Syncs the whole file system that a directory is on: of a log of millions of entries are tens of thousands of files.
pub(super) fn sync_all(directory: &Path) -> Result<(), BackupError> {
    let opened = File::open(directory).map_err(io_at(directory))?;
    rustix::fs::syncfs(&opened)
        .map_err(|error| BackupError::Io(PathBuf::from(directory), error.into()))
}

fn in_log(error: gridvault_audit::LogError) -> BackupError {
    BackupError::Log(Box::new(error))
}
