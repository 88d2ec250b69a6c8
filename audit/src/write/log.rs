//! The log's single writer: takes entries in order, keeps the right edge of the tree, writes tiles and checkpoints.
//! Never rewrites what a checkpoint covers, and never signs before the files it vouches for are synced.
//! After any error of a write or sync the log is poisoned: the process must end and open it again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use super::error::LogError;
pub use super::files::Relief;
use super::files::{self, Staging, Watched};
use super::held::{Edge, read_edge};
pub use super::note::Checkpoint;
use super::note::{NoteSigner, is_key_name};
use super::stored::{Bundle, read_bundle, read_tile};
use super::tree::{
    Hash, TileKind, edge_width, full_path, leaf_hash, level_hashes, partial_directory,
    partial_path, root, tile_root,
};
use crate::constants::{CHECKPOINT_FILE, LOCK_FILE, TILE_HEIGHT, TILE_WIDTH, TREE_SIZE_MAX};

/// Levels of tiles in the largest tree.
const LEVELS_MAX: u32 = u64::BITS / TILE_HEIGHT;

/// A log open for writing.
///
/// One process at a time holds it. Entries are on disk for good when [`Log::publish`] returns; what was appended
/// since is replayed by the caller from its journal after a crash.
pub struct Log {
    directory: PathBuf,
    origin: String,
    size: u64,
    /// Hashes of the unfinished tile at each level.
    edge: Vec<Vec<Hash>>,
    /// Bytes of the unfinished bundle.
    bundle: Vec<u8>,
    staging: Staging,
    /// Tiles and bundles that became full since the last checkpoint: their partial forms go after the next.
    filled: Vec<(TileKind, u64)>,
    /// Directory and lock file.
    anchors: [Watched; 2],
    /// Checkpoint and partial files as last published.
    published: Vec<Watched>,
    /// Text of the published note; `None` before the first.
    note: Option<String>,
    poisoned: bool,
}

impl Log {
    /// Makes a log in `directory`, which is empty or not there.
    ///
    /// # Errors
    /// [`LogError::NotEmpty`], [`LogError::OriginInvalid`], [`LogError::Locked`], [`LogError::Io`].
    pub fn create(directory: &Path, origin: &str) -> Result<Log, LogError> {
        Log::create_by(directory, origin, Staging::default())
    }

    /// The same through a door that tests break.
    fn create_by(directory: &Path, origin: &str, mut staging: Staging) -> Result<Log, LogError> {
        staging.create_directories(directory)?;
        if fs::read_dir(directory)?.next().is_some() {
            return Err(LogError::NotEmpty);
        }
        let mut log = Log::lock(directory, origin, staging)?;
        // A crash here leaves a directory with a lock file, which `open` takes as a log without entries.
        log.staging.sync()?;
        Ok(log)
    }

    /// Opens the log in `directory` at the size of its checkpoint; at 0 if none was ever published.
    ///
    /// The right edge is loaded and must lead to the checkpoint's root. What lies beyond it was never promised
    /// to anyone and is removed or replaced.
    ///
    /// # Errors
    /// Every variant that speaks of files, and [`LogError::Locked`].
    pub fn open(directory: &Path, origin: &str, public_key: &[u8; 32]) -> Result<Log, LogError> {
        Log::open_under(directory, origin, &[*public_key])
    }

    /// The same for a log whose key another one follows: the checkpoint is by one of these at least.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_under(
        directory: &Path,
        origin: &str,
        public_keys: &[[u8; 32]],
    ) -> Result<Log, LogError> {
        let mut log = Log::lock(directory, origin, Staging::default())?;
        if let Some(note) = files::read(&directory.join(CHECKPOINT_FILE))? {
            let note = String::from_utf8(note).map_err(|_| LogError::CheckpointInvalid)?;
            let claimed = Checkpoint::parse(&note).ok_or(LogError::CheckpointInvalid)?;
            if claimed.origin != origin {
                return Err(LogError::OriginDiffers);
            }
            let checkpoint =
                Checkpoint::open(&note, public_keys).ok_or(LogError::CheckpointInvalid)?;
            log.load_edge(&checkpoint)?;
            // Whoever was killed between rename and sync left it where it is, and nowhere yet for good.
            files::sync_in_place(directory, CHECKPOINT_FILE)?;
            log.note = Some(note);
        }
        log.discard_beyond()?;
        log.staging.sync()?;
        log.watch_published()?;
        Ok(log)
    }

    fn lock(directory: &Path, origin: &str, staging: Staging) -> Result<Log, LogError> {
        if !is_key_name(origin) {
            return Err(LogError::OriginInvalid);
        }
        if !fs::symlink_metadata(directory)?.is_dir() {
            return Err(LogError::NotADirectory);
        }
        let path = directory.join(LOCK_FILE);
        let lock = files::lock(&path)?.ok_or(LogError::Locked)?;
        let anchors = [Watched::open(directory.to_path_buf())?, Watched::held(path, lock)?];
        Ok(Log {
            directory: directory.to_path_buf(),
            origin: origin.to_owned(),
            size: 0,
            edge: Vec::new(),
            bundle: Vec::new(),
            staging,
            filled: Vec::new(),
            anchors,
            published: Vec::new(),
            note: None,
            poisoned: false,
        })
    }

    /// Has `relief` asked for room when a write meets a full disk, and the write tried again, a bounded number of times.
    /// Without one, or if it says that there is none, a full disk poisons the log as any other error does.
    pub fn on_full(&mut self, relief: Relief) {
        self.staging.on_full(relief);
    }

    /// Entries integrated so far, published or not.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds `entries`, the first of which has index `first_index`.
    ///
    /// Entries that the log already has are skipped if they are the same, so a replay may begin too early.
    /// Full bundles and tiles are written as they fill; nothing is promised before [`Log::publish`].
    ///
    /// # Errors
    /// [`LogError::Gap`], [`LogError::ReplayDiffers`], [`LogError::EntryTooLarge`], [`LogError::Full`] leave the log
    /// usable, with the entries before the offending one taken; [`LogError::Replaced`] and [`LogError::Io`] poison it.
    pub fn append<E: AsRef<[u8]>>(
        &mut self,
        first_index: u64,
        entries: &[E],
    ) -> Result<(), LogError> {
        self.check()?;
        if first_index > self.size {
            return Err(LogError::Gap { first: first_index, size: self.size });
        }
        let mut replay = Replay::default();
        for (index, entry) in (first_index..).zip(entries) {
            let entry = entry.as_ref();
            if index < self.size {
                if self.stored_leaf(&mut replay, index)? != leaf_hash(entry) {
                    return Err(LogError::ReplayDiffers { index });
                }
                continue;
            }
            if self.size == TREE_SIZE_MAX {
                return Err(LogError::Full);
            }
            let bytes = entry.len();
            let length =
                u16::try_from(bytes).map_err(|_| LogError::EntryTooLarge { index, bytes })?;
            self.bundle.extend_from_slice(&length.to_be_bytes());
            self.bundle.extend_from_slice(entry);
            let added = self.add_leaf(leaf_hash(entry));
            self.poisoning(added)?;
        }
        Ok(())
    }

    /// Makes everything appended so far durable, signs it and shows the new checkpoint.
    ///
    /// # Errors
    /// [`LogError::SignerName`] and [`LogError::SignatureRejected`] leave the log usable; all others poison it.
    pub fn publish(&mut self, signer: &dyn NoteSigner) -> Result<Checkpoint, LogError> {
        self.check()?;
        if signer.key_name() != self.origin {
            return Err(LogError::SignerName);
        }
        let Ok(root) = root(&mut Edge(&self.edge), self.size);
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: self.size, root };
        let note = checkpoint.sign(signer);
        // Each alone: every key that signs is to verify.
        let next = signer.next().map(NoteSigner::public_key);
        for key in [signer.public_key()].into_iter().chain(next) {
            if Checkpoint::open(&note, &[key]).as_ref() != Some(&checkpoint) {
                return Err(LogError::SignatureRejected);
            }
        }
        if self.note.as_ref() != Some(&note) {
            let shown = self.show(note);
            self.poisoning(shown)?;
        }
        Ok(checkpoint)
    }

    /// Puts the partial files and then the note on disk.
    fn show(&mut self, note: String) -> Result<(), LogError> {
        // A crash may have left files further on than `discard_beyond` looked; the edge has come to them by now.
        self.discard_edge(u32::try_from(self.edge.len()).expect("a tree has few levels"))?;
        let mut written = self.write_partials()?;
        // A crash before the end of this sync leaves files that the old checkpoint does not cover: `open` removes them.
        self.staging.sync()?;
        let path = self.directory.join(CHECKPOINT_FILE);
        written.push(self.staging.replace(&path, note.as_bytes())?);
        // What was written is watched, not what is found there later: that may be somebody else's by then.
        self.published = written;
        // A crash here leaves the old checkpoint or the new one, both true: the tiles of either are on disk.
        self.staging.sync()?;
        self.note = Some(note);
        for (kind, number) in std::mem::take(&mut self.filled) {
            self.staging.remove_directory(&self.directory.join(partial_directory(kind, number)))?;
        }
        // A crash here leaves partial files beside their full form, which agree with it.
        Ok(self.staging.sync()?)
    }

    /// Refuses when poisoned or when a file is no longer the one that this process opened or wrote.
    fn check(&mut self) -> Result<(), LogError> {
        if self.poisoned {
            return Err(LogError::Poisoned);
        }
        let checked = self.check_files();
        self.poisoning(checked)
    }

    fn check_files(&self) -> Result<(), LogError> {
        for watched in self.anchors.iter().chain(&self.published) {
            if !watched.is_in_place()? {
                return Err(LogError::Replaced);
            }
        }
        if self.note.is_none() && fs::symlink_metadata(self.directory.join(CHECKPOINT_FILE)).is_ok()
        {
            return Err(LogError::Replaced);
        }
        Ok(())
    }

    fn poisoning<T>(&mut self, result: Result<T, LogError>) -> Result<T, LogError> {
        self.poisoned |= result.is_err();
        result
    }

    fn watch_published(&mut self) -> Result<(), LogError> {
        self.published.clear();
        if self.note.is_some() {
            self.published.push(Watched::open(self.directory.join(CHECKPOINT_FILE))?);
            for path in self
                .partials()
                .into_iter()
                .map(|(kind, number, width)| partial_path(kind, number, width))
            {
                // After a crash just before a full form was covered, `open` may have read that instead.
                let path = self.directory.join(path);
                if path.exists() {
                    self.published.push(Watched::open(path)?);
                }
            }
        }
        Ok(())
    }

    /// The partial tiles and bundle at the right edge: kind, number, width.
    fn partials(&self) -> Vec<(TileKind, u64, usize)> {
        let mut partials = Vec::new();
        for (level, hashes) in (0..).zip(&self.edge) {
            if !hashes.is_empty() {
                partials.push((TileKind::Level(level), self.edge_number(level), hashes.len()));
            }
        }
        if let Some(&(_, number, width)) =
            partials.first().filter(|(kind, ..)| *kind == TileKind::Level(0))
        {
            partials.push((TileKind::Entries, number, width));
        }
        partials
    }

    fn edge_number(&self, level: u32) -> u64 {
        level_hashes(self.size, level) / TILE_WIDTH as u64
    }

    fn write_partials(&mut self) -> Result<Vec<Watched>, LogError> {
        let mut written = Vec::new();
        for (kind, number, width) in self.partials() {
            let path = self.directory.join(partial_path(kind, number, width));
            let bytes = match kind {
                TileKind::Level(level) => self.edge[level as usize].as_flattened(),
                TileKind::Entries => &self.bundle,
            };
            // One that is there already may be under the last checkpoint: of the upper levels, most are.
            written.push(match fs::symlink_metadata(&path).is_ok() {
                true => self.staging.replace(&path, bytes)?,
                false => self.staging.write_watched(&path, bytes)?,
            });
        }
        Ok(written)
    }

    /// Removes everything that a crash may have left past the log's end.
    fn discard_beyond(&mut self) -> Result<(), LogError> {
        for (kind, level) in kinds(LEVELS_MAX) {
            // From the last to the first, so that a crash here leaves a series without a gap for the next time.
            let first = self.edge_number(level) + 1;
            let mut end = first;
            while [full_path(kind, end), partial_directory(kind, end)]
                .iter()
                .any(|path| self.directory.join(path).exists())
            {
                end += 1;
            }
            for number in (first..end).rev() {
                self.staging.remove_file(&self.directory.join(full_path(kind, number)))?;
                self.staging
                    .remove_directory(&self.directory.join(partial_directory(kind, number)))?;
            }
        }
        self.discard_edge(LEVELS_MAX)
    }

    /// Removes the full and the wider partial forms of the unfinished tiles of the first `levels` levels.
    fn discard_edge(&mut self, levels: u32) -> Result<(), LogError> {
        for (kind, level) in kinds(levels) {
            let (number, width) = (self.edge_number(level), edge_width(self.size, level));
            self.staging.remove_file(&self.directory.join(full_path(kind, number)))?;
            let partials = self.directory.join(partial_directory(kind, number));
            let names = match fs::read_dir(&partials) {
                Ok(names) => names,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            for name in names {
                let name = name?.file_name();
                let covered = name
                    .to_str()
                    .and_then(|name| name.parse::<usize>().ok())
                    .is_some_and(|w| w <= width);
                if !covered {
                    self.staging.remove_file(&partials.join(name))?;
                }
            }
        }
        Ok(())
    }

    /// Adds a leaf hash to the edge and writes whatever becomes full by it. The bundle holds the entry already.
    fn add_leaf(&mut self, leaf: Hash) -> Result<(), LogError> {
        let mut hash = leaf;
        for level in 0u32.. {
            if self.edge.len() == level as usize {
                self.edge.push(Vec::with_capacity(TILE_WIDTH));
            }
            let number = self.edge_number(level);
            let hashes = &mut self.edge[level as usize];
            hashes.push(hash);
            if hashes.len() < TILE_WIDTH {
                break;
            }
            let path = self.directory.join(full_path(TileKind::Level(level), number));
            self.staging.write(&path, hashes.as_flattened())?;
            hash = tile_root(hashes);
            hashes.clear();
            self.filled.push((TileKind::Level(level), number));
            if level == 0 {
                let path = self.directory.join(full_path(TileKind::Entries, number));
                self.staging.write(&path, &self.bundle)?;
                self.bundle.clear();
                self.filled.push((TileKind::Entries, number));
            }
        }
        self.size += 1;
        Ok(())
    }

    /// The leaf hash that the log has at `index`.
    fn stored_leaf(&self, replay: &mut Replay, index: u64) -> Result<Hash, LogError> {
        let (number, slot) = (index / TILE_WIDTH as u64, (index % TILE_WIDTH as u64) as usize);
        if number == self.edge_number(0) {
            return Ok(self.edge[0][slot]);
        }
        if replay.number != Some(number) {
            replay.hashes =
                read_tile(&self.directory, full_path(TileKind::Level(0), number), TILE_WIDTH)?;
            replay.number = Some(number);
        }
        Ok(replay.hashes[slot])
    }

    /// Loads the right edge for `checkpoint` and holds it against its root.
    fn load_edge(&mut self, checkpoint: &Checkpoint) -> Result<(), LogError> {
        if checkpoint.size > TREE_SIZE_MAX {
            return Err(LogError::CheckpointInvalid);
        }
        self.size = checkpoint.size;
        self.edge = read_edge(&self.directory, checkpoint)?;
        let width = edge_width(self.size, 0);
        if width > 0 {
            self.bundle = read_bundle(&self.directory, self.edge_number(0), width)?.into_bytes();
            let entries =
                Bundle::split(&self.bundle, width).expect("the bundle was split as it was read");
            if !entries
                .iter()
                .zip(&self.edge[0])
                .all(|(range, hash)| leaf_hash(&self.bundle[range.clone()]) == *hash)
            {
                return Err(LogError::EdgeDiffers);
            }
        }
        Ok(())
    }
}

/// Every series of files in the first `levels` levels, with the level of its items.
fn kinds(levels: u32) -> impl Iterator<Item = (TileKind, u32)> {
    (0..levels).map(|level| (TileKind::Level(level), level)).chain([(TileKind::Entries, 0)])
}

/// The last tile that a replay was compared with, so that it is read once for its 256 entries.
#[derive(Default)]
struct Replay {
    number: Option<u64>,
    hashes: Vec<Hash>,
}

#[cfg(test)]
mod tests;
