//! Holds tiles of a log against the root that its checkpoint states, level by level, down to the leaf hash of an entry.
//! Never believes a tile because it lies where it should: whoever can write the disk can put another one there.
//! Each tile is read and hashed once for one answer.

use std::collections::HashMap;
use std::path::Path;

use super::error::LogError;
use super::note::Checkpoint;
use super::reader::width;
use super::stored::{read_edge_tile, read_tile};
use super::tree::{
    Hash, TileKind, TileSource, edge_width, full_path, level_hashes, root, tile_root,
};
use crate::constants::TILE_WIDTH;

/// The hashes of a log that lead to the root of one checkpoint.
pub(super) struct Held<'a> {
    directory: &'a Path,
    checkpoint: &'a Checkpoint,
    /// The unfinished tiles, once they led to the root.
    edge: Option<Vec<Vec<Hash>>>,
    /// Full tiles that led to the hash above them.
    full: HashMap<(u32, u64), Vec<Hash>>,
}

impl<'a> Held<'a> {
    /// Nothing is read yet.
    pub(super) fn new(directory: &'a Path, checkpoint: &'a Checkpoint) -> Held<'a> {
        Held { directory, checkpoint, edge: None, full: HashMap::new() }
    }

    /// Leaf hash of the entry at `index`, which the checkpoint covers.
    pub(super) fn leaf(&mut self, index: u64) -> Result<Hash, LogError> {
        self.hash(0, index)
    }

    /// Hash `index` of a level: of the unfinished tile, or of a full one, which the hash that stands for it one level up vouches for.
    fn hash(&mut self, level: u32, index: u64) -> Result<Hash, LogError> {
        let (number, slot) = (index / TILE_WIDTH as u64, (index % TILE_WIDTH as u64) as usize);
        if width(self.checkpoint.size, level, number) < TILE_WIDTH {
            return Ok(self.edge()?[level as usize][slot]);
        }
        if let Some(hashes) = self.full.get(&(level, number)) {
            return Ok(hashes[slot]);
        }
        let path = full_path(TileKind::Level(level), number);
        let hashes = read_tile(self.directory, path.clone(), TILE_WIDTH)?;
        if tile_root(&hashes) != self.hash(level + 1, number)? {
            return Err(LogError::TileDiffers { path });
        }
        let hash = hashes[slot];
        self.full.insert((level, number), hashes);
        Ok(hash)
    }

    fn edge(&mut self) -> Result<&[Vec<Hash>], LogError> {
        let edge = match self.edge.take() {
            Some(edge) => edge,
            None => read_edge(self.directory, self.checkpoint)?,
        };
        Ok(self.edge.insert(edge))
    }
}

/// Reads the unfinished tile of each level, which together lead to the root of the checkpoint.
pub(super) fn read_edge(
    directory: &Path,
    checkpoint: &Checkpoint,
) -> Result<Vec<Vec<Hash>>, LogError> {
    let size = checkpoint.size;
    let mut edge = Vec::new();
    for level in 0u32.. {
        if level > 0 && level_hashes(size, level) == 0 {
            break;
        }
        edge.push(match edge_width(size, level) {
            0 => Vec::with_capacity(TILE_WIDTH),
            width => {
                let number = level_hashes(size, level) / TILE_WIDTH as u64;
                read_edge_tile(directory, level, number, width)?
            }
        });
    }
    let Ok(root) = root(&mut Edge(&edge), size);
    match root == checkpoint.root {
        true => Ok(edge),
        false => Err(LogError::EdgeDiffers),
    }
}

/// The unfinished tiles as a source for the root, which needs nothing else.
pub(super) struct Edge<'a>(pub(super) &'a [Vec<Hash>]);

impl TileSource for Edge<'_> {
    type Error = std::convert::Infallible;

    fn hash(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error> {
        // INVARIANT: the peaks of a tree lie in the unfinished tiles, so only the slot within the tile matters.
        Ok(self.0[level as usize][(index % TILE_WIDTH as u64) as usize])
    }
}
