//! Where the files of a bulk part lie: in itself, or in the parts that it was made since, one since the other, up to a whole one.
//! Never takes a directory for a part by its name: by the digest of its list alone, which the list of the part behind it has.
//! A chain is there up to its whole part, or is refused; what a file holds is judged where it is read, by the digest in the newest list.
//!
//! A chain cannot come back to itself: a list has the digest of the one before, so none can be written before that one is. Its
//! length is bounded all the same, and no directory counts twice.

use super::list::{List, Listed, digest_of, hex, is_whole_text};
use super::{BackupError, JOURNAL, LIST_FILE, LOG, io_at};
use crate::limits::{
    BACKUP_CHAIN_PARTS_COUNT_MAX, BACKUP_LIST_BYTES_MAX, BACKUP_SIBLINGS_COUNT_MAX,
};
use crate::trail::journal::segment_number;
use gridvault_audit::verify::{Found, Source};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// A bulk part, and where those before it lie.
#[derive(Clone, Copy, Debug)]
pub struct BulkAt<'a> {
    /// Its directory.
    pub directory: &'a Path,
    /// Directories of every part before it. Where there are none they are looked for beside it.
    pub before: &'a [PathBuf],
}

impl<'a> BulkAt<'a> {
    /// A part that is whole, or that those before it lie beside.
    #[must_use]
    pub fn beside(directory: &'a Path) -> BulkAt<'a> {
        BulkAt { directory, before: &[] }
    }
}

/// Every file of the state that a bulk part is of, and where it lies.
pub(super) struct Files {
    pub(super) list: List,
    /// The part itself, the one before, and so on up to the whole one.
    directories: Vec<PathBuf>,
    /// Which of them has a file that the part itself has not.
    held: BTreeMap<String, usize>,
}

impl Files {
    /// Reads the list of a bulk part and, where it was made since another, the lists of those before.
    pub(super) fn open(at: &BulkAt<'_>) -> Result<Files, BackupError> {
        let list = read_list(at.directory)?;
        let waiting: Vec<String> = list
            .files
            .iter()
            .filter(|(_, listed)| listed.held)
            .map(|(name, _)| name.clone())
            .collect();
        let mut known = Known::of(at, &list)?;
        let (mut since, mut size, mut waiting) = (list.since, list.size, waiting);
        let directories = vec![at.directory.to_path_buf()];
        let mut files = Files { list, directories, held: BTreeMap::new() };
        while let Some(digest) = since {
            let (directory, before) = known.take(&digest, files.last())?;
            if before.origin != files.list.origin {
                return Err(BackupError::OtherVault(directory));
            }
            if before.size > size {
                return Err(BackupError::LaterPart(directory));
            }
            files.add(directory)?;
            waiting = files.found_in(&before, waiting)?;
            (since, size) = (before.since, before.size);
        }
        known.are_used_up()?;
        Ok(files)
    }

    /// The files of a part that is about to be made since another.
    pub(super) fn made_since(
        list: List,
        out: &Path,
        before: Option<&Files>,
    ) -> Result<Files, BackupError> {
        let directories = vec![out.to_path_buf()];
        let mut files = Files { list, directories, held: BTreeMap::new() };
        let Some(before) = before else { return Ok(files) };
        for directory in &before.directories {
            files.add(directory.clone())?;
        }
        let held = files.list.files.iter().filter(|(_, listed)| listed.held);
        let held = held.map(|(name, _)| (name.clone(), before.place_of(name) + 1));
        files.held = held.collect();
        Ok(files)
    }

    fn add(&mut self, directory: PathBuf) -> Result<(), BackupError> {
        if self.directories.len() >= BACKUP_CHAIN_PARTS_COUNT_MAX {
            return Err(BackupError::TooManyParts);
        }
        self.directories.push(directory);
        Ok(())
    }

    /// The files that a part before should have: those that it has itself are found, the others are given back.
    fn found_in(
        &mut self,
        before: &List,
        waiting: Vec<String>,
    ) -> Result<Vec<String>, BackupError> {
        let (place, mut further) = (self.directories.len() - 1, Vec::new());
        for path in waiting {
            match before.files.get(&path).filter(|found| found.is_same(&self.list.files[&path])) {
                None => {
                    let directory = self.directories[place].clone();
                    return Err(BackupError::NotHeld { path, directory });
                }
                Some(Listed { held: true, .. }) => further.push(path),
                Some(_) => drop(self.held.insert(path, place)),
            }
        }
        Ok(further)
    }

    fn last(&self) -> &Path {
        &self.directories[self.directories.len() - 1]
    }

    fn place_of(&self, name: &str) -> usize {
        self.held.get(name).copied().unwrap_or(0)
    }

    /// Directories that it lies in: one for a whole part.
    pub(super) fn parts(&self) -> usize {
        self.directories.len()
    }

    /// Where a file lies.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directories[self.place_of(name)].join(name)
    }

    /// The highest number among the segments of the journal.
    pub(super) fn newest_segment(&self) -> Option<u64> {
        self.beneath(JOURNAL).filter_map(|(name, _)| segment_number(name)).max()
    }

    /// The files of one directory of the vault, by their paths beneath it.
    pub(super) fn beneath(
        &self,
        directory: &str,
    ) -> impl Iterator<Item = (&str, &Listed)> + use<'_> {
        let prefix = format!("{directory}/");
        let from = self.list.files.range(prefix.clone()..);
        from.map_while(move |(path, listed)| Some((path.strip_prefix(&prefix)?, listed)))
    }
}

/// The log among them, for whoever verifies it.
pub(super) struct LogFiles<'a>(pub(super) &'a Files);

impl Source for LogFiles<'_> {
    fn read(&mut self, path: &str, bytes_max: usize, buffer: &mut Vec<u8>) -> io::Result<Found> {
        buffer.clear();
        if !self.has(path)? {
            return Ok(Found::Missing);
        }
        let file = File::open(self.0.path(&format!("{LOG}/{path}")))?;
        file.take(bytes_max as u64 + 1).read_to_end(buffer)?;
        Ok(Found::File)
    }

    fn has(&mut self, path: &str) -> io::Result<bool> {
        Ok(self.0.list.files.contains_key(&format!("{LOG}/{path}")))
    }

    fn widths(&mut self, path: &str) -> io::Result<Option<Vec<usize>>> {
        let names = self.0.beneath(&format!("{LOG}/{path}"));
        let mut widths: Vec<usize> = names
            .filter_map(|(name, _)| {
                let width: usize = name.parse().ok()?;
                (width.to_string() == name).then_some(width)
            })
            .collect();
        widths.sort_unstable();
        Ok(Some(widths))
    }
}

/// Directories that may be parts before, by the digests of their lists.
struct Known {
    left: Vec<([u8; 32], PathBuf)>,
    /// Whether somebody named them: then each must be one.
    named: bool,
    looked_at: usize,
    /// One beside it whose list is none.
    changed: Option<PathBuf>,
}

impl Known {
    fn of(at: &BulkAt<'_>, list: &List) -> Result<Known, BackupError> {
        let mut known =
            Known { left: Vec::new(), named: !at.before.is_empty(), looked_at: 0, changed: None };
        match known.named {
            true => at.before.iter().try_for_each(|directory| known.name(directory, list))?,
            false if list.since.is_some() => known.look_beside(at.directory)?,
            false => {}
        }
        Ok(known)
    }

    fn name(&mut self, directory: &Path, of: &List) -> Result<(), BackupError> {
        let unusable = |what| BackupError::ListOf { directory: directory.to_path_buf(), what };
        let text = match read_text(directory) {
            Err(BackupError::Io(_, error)) if error.kind() == ErrorKind::NotFound => {
                return Err(unusable("there is none: it is no bulk part, or was not finished"));
            }
            Err(BackupError::List(what)) => return Err(unusable(what)),
            text => text?,
        };
        let list = match List::parse(&text) {
            Err(BackupError::List(what)) => return Err(unusable(what)),
            list => list?,
        };
        if list.origin != of.origin {
            return Err(BackupError::OtherVault(directory.to_path_buf()));
        }
        self.looked_at += 1;
        self.left.push((digest_of(&text), directory.to_path_buf()));
        Ok(())
    }

    /// Whatever beside it cannot be read is no part of the chain: if one is missing then, that is said.
    fn look_beside(&mut self, directory: &Path) -> Result<(), BackupError> {
        let own = directory.canonicalize().map_err(io_at(directory))?;
        let Some(parent) = own.parent() else { return Ok(()) };
        for beside in std::fs::read_dir(parent).map_err(io_at(parent))? {
            let path = beside.map_err(io_at(parent))?.path();
            if path == own {
                continue;
            }
            let text = match read_text(&path) {
                Ok(text) => text,
                Err(BackupError::Io(..)) => continue,
                Err(_) => String::new(),
            };
            if self.looked_at >= BACKUP_SIBLINGS_COUNT_MAX {
                return Err(BackupError::Refused(
                    "more bulk parts lie beside it than are looked at: name those before it (--bulk-before)",
                ));
            }
            self.looked_at += 1;
            match is_whole_text(&text) {
                true => self.left.push((digest_of(&text), path)),
                false => self.changed = Some(path),
            }
        }
        Ok(())
    }

    /// The part whose list has this digest.
    fn take(&mut self, digest: &[u8; 32], of: &Path) -> Result<(PathBuf, List), BackupError> {
        let Some(at) = self.left.iter().position(|(known, _)| known == digest) else {
            return Err(match self.changed.take() {
                Some(changed) => BackupError::PartChanged(changed),
                None => BackupError::PartMissing {
                    of: of.to_path_buf(),
                    digest: hex(digest),
                    looked_at: self.looked_at,
                },
            });
        };
        let (_, directory) = self.left.swap_remove(at);
        let list = read_list(&directory)?;
        // Read a second time, so that no more than two lists are in memory.
        match list.digest() == *digest {
            true => Ok((directory, list)),
            false => Err(BackupError::PartChanged(directory)),
        }
    }

    fn are_used_up(self) -> Result<(), BackupError> {
        match self.left.into_iter().next().filter(|_| self.named) {
            Some((_, directory)) => Err(BackupError::NoAncestor(directory)),
            None => Ok(()),
        }
    }
}

pub(super) fn read_list(directory: &Path) -> Result<List, BackupError> {
    List::parse(&read_text(directory)?)
}

fn read_text(directory: &Path) -> Result<String, BackupError> {
    let path = directory.join(LIST_FILE);
    let file = File::open(&path).map_err(io_at(&path))?;
    let mut bytes = Vec::new();
    let read = file.take(BACKUP_LIST_BYTES_MAX + 1).read_to_end(&mut bytes);
    if read.map_err(io_at(&path))? as u64 > BACKUP_LIST_BYTES_MAX {
        return Err(BackupError::List("it is longer than any"));
    }
    String::from_utf8(bytes).map_err(|_| BackupError::List("it is cut or changed"))
}
