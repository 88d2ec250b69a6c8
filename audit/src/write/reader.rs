//! Reads the published part of a log beside its running writer: entries, proofs and the checkpoint itself.
//! Never reads past the checkpoint, takes no lock and changes nothing; an entry that does not lead to the checkpoint's root is not given.
//! Every answer stands for one checkpoint, read at the start of the call.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::LogError;
use super::files;
use super::held::Held;
use super::note::{Checkpoint, is_key_name};
use super::prune::{Minimum, is_recorded_by, stated};
use super::stored::{Bundle, read_bundle, read_edge_tile, read_tile};
use super::tree::{
    Hash, TileKind, TileSource, consistency, full_path, leaf_hash, level_hashes, path, root,
};
use super::witnessed::read_witnessed;
use crate::constants::{CHECKPOINT_FILE, PROOF_HEADER, TILE_WIDTH};

/// A view of a log's directory that many threads may use at once.
#[derive(Clone, Debug)]
pub struct LogReader {
    pub(super) directory: PathBuf,
    pub(super) origin: String,
    signed: Option<Arc<Signed>>,
}

/// What a reader believes that was given keys.
struct Signed {
    /// Tells the public keys that sign the log at the moment.
    keys: Box<dyn Fn() -> Vec<[u8; 32]> + Send + Sync>,
    known: Mutex<Known>,
}

/// What was found right last: what the log's own key signed once, and what an entry of it says, stays so.
#[derive(Default)]
struct Known {
    checkpoint: Option<String>,
    beginning: Option<Minimum>,
}

impl Signed {
    fn holds(&self, note: &str, checkpoint: &Checkpoint) -> bool {
        if self.with(|known| known.checkpoint.as_deref() == Some(note)) {
            return true;
        }
        let holds = Checkpoint::open(note, &(self.keys)()).as_ref() == Some(checkpoint);
        if holds {
            self.with(|known| known.checkpoint = Some(note.to_owned()));
        }
        holds
    }

    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signed")
    }
}

/// That one entry is in the log: its leaf, its way to the root, and the checkpoint that states the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Index of the entry.
    pub index: u64,
    /// Entries under the checkpoint.
    pub size: u64,
    /// Leaf hash of the entry.
    pub leaf: Hash,
    /// Hashes from the leaf's sibling up to a child of the root (RFC 6962 section 2.1.1).
    pub path: Vec<Hash>,
    /// The signed checkpoint, as published.
    pub checkpoint: String,
}

impl InclusionProof {
    /// The proof as a file for offline use (c2sp.org/tlog-proof). Neither entry nor leaf is in it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{PROOF_HEADER}\nindex {}\n", self.index);
        for hash in &self.path {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }
}

impl LogReader {
    /// A reader of the log named `origin` in `directory`. A log without a checkpoint yet is read as empty.
    ///
    /// # Errors
    /// [`LogError::OriginInvalid`], [`LogError::OriginDiffers`], [`LogError::CheckpointInvalid`], [`LogError::Io`].
    pub fn open(directory: &Path, origin: &str) -> Result<LogReader, LogError> {
        let reader = LogReader::new(directory, origin)?;
        reader.published()?;
        Ok(reader)
    }

    /// A reader of the log named `origin` in `directory`, at which nothing is looked yet.
    ///
    /// # Errors
    /// [`LogError::OriginInvalid`].
    pub fn new(directory: &Path, origin: &str) -> Result<LogReader, LogError> {
        if !is_key_name(origin) {
            return Err(LogError::OriginInvalid);
        }
        let (directory, origin) = (directory.to_path_buf(), origin.to_owned());
        Ok(LogReader { directory, origin, signed: None })
    }

    /// The same, and a checkpoint is believed only where one of the public keys signed it that `keys` tells when it is first met, and
    /// a beginning only where an entry under it records that. Without them whoever can write the disk can put a checkpoint of other
    /// entries there, until the writer publishes the next, and say that the log begins later than it does.
    #[must_use]
    pub fn signed_by(
        mut self,
        keys: impl Fn() -> Vec<[u8; 32]> + Send + Sync + 'static,
    ) -> LogReader {
        let (keys, known) = (Box::new(keys), Mutex::default());
        self.signed = Some(Arc::new(Signed { keys, known }));
        self
    }

    /// Root of the first `size` entries, which the published checkpoint covers.
    ///
    /// # Errors
    /// [`LogError::NotCovered`], [`LogError::FileDamaged`] and those of [`LogReader::checkpoint_text`].
    pub fn root(&self, size: u64) -> Result<Hash, LogError> {
        let whole = self.size()?;
        if size > whole {
            return Err(LogError::NotCovered { index: size, size: whole });
        }
        let mut tiles = Tiles { directory: &self.directory, size: whole, read: HashMap::new() };
        root(&mut tiles, size)
    }

    /// The signed checkpoint as published; `None` before the first.
    ///
    /// # Errors
    /// [`LogError::OriginDiffers`], [`LogError::CheckpointInvalid`], [`LogError::Io`].
    pub fn checkpoint_text(&self) -> Result<Option<String>, LogError> {
        Ok(self.published()?.map(|(note, _)| note))
    }

    /// Entries that the published checkpoint covers; 0 before the first.
    ///
    /// # Errors
    /// Those of [`LogReader::checkpoint_text`].
    pub fn size(&self) -> Result<u64, LogError> {
        Ok(self.published()?.map_or(0, |(_, checkpoint)| checkpoint.size))
    }

    /// The entry at `index`, held against the root of the checkpoint.
    ///
    /// # Errors
    /// [`LogError::NotCovered`] and those of [`LogReader::entries`].
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, LogError> {
        let published = self.published()?;
        let Some((_, checkpoint)) = published.filter(|(_, known)| index < known.size) else {
            return Err(LogError::NotCovered { index, size: self.size()? });
        };
        let mut entries = self.held(index, index + 1, &checkpoint)?;
        Ok(entries.pop().expect("a range of one entry gives one"))
    }

    /// Up to `limit` entries from index `from` on, each held against the root of the checkpoint; fewer, or none, at the end of the log.
    ///
    /// # Errors
    /// [`LogError::Pruned`], [`LogError::BeginningUnrecorded`], [`LogError::FileDamaged`]; [`LogError::EntryDiffers`],
    /// [`LogError::TileDiffers`] and [`LogError::EdgeDiffers`] for what is not under the checkpoint; and those of [`LogReader::checkpoint_text`].
    pub fn entries(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, LogError> {
        let Some((_, checkpoint)) = self.published()? else { return Ok(Vec::new()) };
        self.held(from, checkpoint.size.min(from.saturating_add(limit as u64)), &checkpoint)
    }

    /// The same as they lie in their bundles, held against nothing: for who compares them with what it knows already, or shows what lies
    /// there and says whether it can be proven.
    ///
    /// # Errors
    /// [`LogError::Pruned`], [`LogError::BeginningUnrecorded`], [`LogError::FileDamaged`] and those of [`LogReader::checkpoint_text`].
    pub fn entries_as_they_lie(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, LogError> {
        let size = self.size()?;
        let to = size.min(from.saturating_add(limit as u64));
        self.check_kept(from, to)?;
        self.range(from, to, size)
    }

    /// Where the log begins. Without keys ([`LogReader::signed_by`]) that is what the file `minimum` says; with them the entry that
    /// the file names must be in the log and record a pruning up to there.
    ///
    /// # Errors
    /// [`LogError::BeginningUnrecorded`], [`LogError::FileDamaged`] for a file that is none, and those of [`LogReader::entries`].
    pub fn minimum(&self) -> Result<Minimum, LogError> {
        let minimum = stated(&self.directory)?;
        let Some(signed) = self.signed.as_ref().filter(|_| minimum.index > 0) else {
            return Ok(minimum);
        };
        if signed.with(|known| known.beginning == Some(minimum)) {
            return Ok(minimum);
        }
        let Minimum { index, recorded } = minimum;
        let published = self.published()?.filter(|(_, known)| recorded < known.size);
        let Some((_, checkpoint)) = published.filter(|_| index <= recorded) else {
            return Err(LogError::BeginningUnrecorded);
        };
        let entries = self.held_there(recorded, recorded + 1, &checkpoint)?;
        if !entries.iter().all(|entry| is_recorded_by(index, entry)) {
            return Err(LogError::BeginningUnrecorded);
        }
        signed.with(|known| known.beginning = Some(minimum));
        Ok(minimum)
    }

    /// Leaf hash of the entry at `index`.
    ///
    /// # Errors
    /// [`LogError::NotCovered`], [`LogError::FileDamaged`] and those of [`LogReader::checkpoint_text`].
    pub fn leaf(&self, index: u64) -> Result<Hash, LogError> {
        let size = self.size()?;
        if index >= size {
            return Err(LogError::NotCovered { index, size });
        }
        Tiles { directory: &self.directory, size, read: HashMap::new() }.hash(0, index)
    }

    /// The last checkpoint that witnesses cosigned, with their cosignatures; `None` before the first.
    ///
    /// # Errors
    /// Those of [`LogReader::checkpoint_text`].
    pub fn witnessed_text(&self) -> Result<Option<String>, LogError> {
        Ok(read_witnessed(&self.directory, &self.origin)?.map(|(note, _)| note))
    }

    /// Proof that entry `index` is in the log: under the checkpoint that witnesses cosigned, if that covers it, else under
    /// the published one.
    ///
    /// # Errors
    /// [`LogError::NotCovered`], [`LogError::FileDamaged`] and those of [`LogReader::checkpoint_text`].
    pub fn inclusion_proof(&self, index: u64) -> Result<InclusionProof, LogError> {
        let Some((published, Checkpoint { size: whole, .. })) = self.published()? else {
            return Err(LogError::NotCovered { index, size: 0 });
        };
        if index >= whole {
            return Err(LogError::NotCovered { index, size: whole });
        }
        let covers = |known: &Checkpoint| (index + 1..=whole).contains(&known.size);
        let witnessed = read_witnessed(&self.directory, &self.origin)?;
        let (checkpoint, size) = match witnessed.filter(|(_, known)| covers(known)) {
            Some((note, known)) => (note, known.size),
            None => (published, whole),
        };
        // The tiles of the whole log hold every node of its beginnings.
        let mut tiles = Tiles { directory: &self.directory, size: whole, read: HashMap::new() };
        let leaf = tiles.hash(0, index)?;
        let path = path(&mut tiles, index, size)?;
        Ok(InclusionProof { index, size, leaf, path, checkpoint })
    }

    /// The proof of [`LogReader::inclusion_proof`] as the text of an offline proof file.
    ///
    /// # Errors
    /// Those of [`LogReader::inclusion_proof`].
    pub fn proof_file(&self, index: u64) -> Result<String, LogError> {
        Ok(self.inclusion_proof(index)?.to_text())
    }

    /// Proof that the log of `new_size` entries continues the one of `old_size` (RFC 6962 section 2.1.2), for two sizes that
    /// the published checkpoint covers. Empty if either is 0 or both are the same.
    ///
    /// # Errors
    /// [`LogError::NotCovered`], [`LogError::FileDamaged`] and those of [`LogReader::checkpoint_text`].
    pub fn consistency_proof(&self, old_size: u64, new_size: u64) -> Result<Vec<Hash>, LogError> {
        let size = self.size()?;
        if new_size > size || old_size > new_size {
            return Err(LogError::NotCovered { index: old_size.max(new_size), size });
        }
        // The tiles of the published size hold every node of a smaller tree.
        let mut tiles = Tiles { directory: &self.directory, size, read: HashMap::new() };
        consistency(&mut tiles, old_size, new_size)
    }

    pub(super) fn published(&self) -> Result<Option<(String, Checkpoint)>, LogError> {
        let Some(note) = files::read(&self.directory.join(CHECKPOINT_FILE))? else {
            return Ok(None);
        };
        let note = String::from_utf8(note).map_err(|_| LogError::CheckpointInvalid)?;
        let checkpoint = Checkpoint::parse(&note).ok_or(LogError::CheckpointInvalid)?;
        if checkpoint.origin != self.origin {
            return Err(LogError::OriginDiffers);
        }
        if self.signed.as_ref().is_some_and(|signed| !signed.holds(&note, &checkpoint)) {
            return Err(LogError::CheckpointInvalid);
        }
        Ok(Some((note, checkpoint)))
    }

    /// Entries `from..to`, each of which leads to the root of the checkpoint.
    fn held(&self, from: u64, to: u64, checkpoint: &Checkpoint) -> Result<Vec<Vec<u8>>, LogError> {
        self.check_kept(from, to)?;
        self.held_there(from, to, checkpoint)
    }

    /// The same, wherever the log is said to begin.
    fn held_there(
        &self,
        from: u64,
        to: u64,
        checkpoint: &Checkpoint,
    ) -> Result<Vec<Vec<u8>>, LogError> {
        let entries = self.range(from, to, checkpoint.size)?;
        let mut held = Held::new(&self.directory, checkpoint);
        for (index, entry) in (from..to).zip(&entries) {
            if held.leaf(index)? != leaf_hash(entry) {
                return Err(LogError::EntryDiffers { index });
            }
        }
        Ok(entries)
    }

    /// Whoever is told that entries were pruned passes them over, so that is said only where it is so.
    fn check_kept(&self, from: u64, to: u64) -> Result<(), LogError> {
        if from >= to || from >= stated(&self.directory)?.index {
            return Ok(());
        }
        match self.minimum()?.index {
            minimum if from < minimum => Err(LogError::Pruned { minimum }),
            _ => Ok(()),
        }
    }

    fn range(&self, from: u64, to: u64, size: u64) -> Result<Vec<Vec<u8>>, LogError> {
        let mut entries = Vec::new();
        let mut open: Option<(u64, Bundle)> = None;
        for index in from..to {
            let (number, slot) = (index / TILE_WIDTH as u64, (index % TILE_WIDTH as u64) as usize);
            if open.as_ref().is_none_or(|(held, _)| *held != number) {
                open =
                    Some((number, read_bundle(&self.directory, number, width(size, 0, number))?));
            }
            let (_, bundle) = open.as_ref().expect("a bundle was read just now or before");
            entries.push(
                bundle
                    .entry(slot)
                    .expect("a bundle is read to the width that holds the entry")
                    .to_vec(),
            );
        }
        Ok(entries)
    }
}

/// Width of tile `number` of `level` in a log of `size` entries.
pub(super) fn width(size: u64, level: u32, number: u64) -> usize {
    let hashes = level_hashes(size, level) - number * TILE_WIDTH as u64;
    usize::try_from(hashes).map_or(TILE_WIDTH, |hashes| hashes.min(TILE_WIDTH))
}

/// The tiles on disk, each read once for one proof.
struct Tiles<'a> {
    directory: &'a Path,
    size: u64,
    read: HashMap<(u32, u64), Vec<Hash>>,
}

impl TileSource for Tiles<'_> {
    type Error = LogError;

    fn hash(&mut self, level: u32, index: u64) -> Result<Hash, LogError> {
        let (number, slot) = (index / TILE_WIDTH as u64, (index % TILE_WIDTH as u64) as usize);
        if let Some(hashes) = self.read.get(&(level, number)) {
            return Ok(hashes[slot]);
        }
        let hashes = match width(self.size, level, number) {
            TILE_WIDTH => {
                read_tile(self.directory, full_path(TileKind::Level(level), number), TILE_WIDTH)?
            }
            width => read_edge_tile(self.directory, level, number, width)?,
        };
        let hash = hashes[slot];
        self.read.insert((level, number), hashes);
        Ok(hash)
    }
}
