//! Reads tiles and bundles that the writer wrote.
//! Never trusts a length: a file that is too short or too long is damage, not data.
//! An unfinished tile is read from its partial file, or from the full form that has replaced it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::error::LogError;
use super::files;
use super::tree::{Hash, TileKind, full_path, partial_path};
use crate::constants::{BUNDLE_BYTES_MAX, HASH_BYTES, TILE_BYTES, TILE_WIDTH};

/// Reads a tile of exactly `width` hashes at `path` beneath `directory`.
pub(super) fn read_tile(
    directory: &Path,
    path: PathBuf,
    width: usize,
) -> Result<Vec<Hash>, LogError> {
    match files::read(&directory.join(&path))? {
        Some(bytes) if bytes.len() == width * HASH_BYTES => {
            Ok(bytes.as_chunks::<HASH_BYTES>().0.to_vec())
        }
        _ => Err(LogError::FileDamaged { path }),
    }
}

/// Reads the first `width` hashes of an unfinished tile: its partial file, or the full form once that has come.
pub(super) fn read_edge_tile(
    directory: &Path,
    level: u32,
    number: u64,
    width: usize,
) -> Result<Vec<Hash>, LogError> {
    let kind = TileKind::Level(level);
    let path = partial_path(kind, number, width);
    if let Some(bytes) = files::read(&directory.join(&path))? {
        if bytes.len() != width * HASH_BYTES {
            return Err(LogError::FileDamaged { path });
        }
        return Ok(bytes.as_chunks::<HASH_BYTES>().0.to_vec());
    }
    match files::read(&directory.join(full_path(kind, number)))? {
        Some(bytes) if bytes.len() == TILE_BYTES => {
            Ok(bytes.as_chunks::<HASH_BYTES>().0[..width].to_vec())
        }
        _ => Err(LogError::FileDamaged { path }),
    }
}

/// The entries of one bundle file.
pub(super) struct Bundle {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

impl Bundle {
    /// Where the first `width` entries lie in `bytes`; `None` if they are not there.
    pub(super) fn split(bytes: &[u8], width: usize) -> Option<Vec<Range<usize>>> {
        let mut ranges = Vec::with_capacity(width);
        let mut at = 0;
        for _ in 0..width {
            let length = usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
            let from = at + 2;
            at = from + length;
            ranges.push(from..at);
        }
        (at <= bytes.len()).then_some(ranges)
    }

    /// Entry `slot` of the bundle.
    pub(super) fn entry(&self, slot: usize) -> Option<&[u8]> {
        self.ranges.get(slot).map(|range| &self.bytes[range.clone()])
    }

    /// The bytes of the entries that were asked for, each behind its length.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let count = self.ranges.len();
        self.into_first(count)
    }

    /// The bytes of the first `count` entries, which are there, each behind its length.
    pub(super) fn into_first(mut self, count: usize) -> Vec<u8> {
        self.bytes.truncate(self.ranges[..count].last().map_or(0, |range| range.end));
        self.bytes
    }
}

/// Reads the first `width` entries of a bundle: 256 of a full one, or those of an unfinished one.
pub(super) fn read_bundle(directory: &Path, number: u64, width: usize) -> Result<Bundle, LogError> {
    let full = full_path(TileKind::Entries, number);
    let path = if width == TILE_WIDTH {
        full.clone()
    } else {
        partial_path(TileKind::Entries, number, width)
    };
    let bytes = match files::read(&directory.join(&path))? {
        Some(bytes) => Some(bytes),
        None => files::read(&directory.join(full))?,
    };
    let Some(bytes) = bytes.filter(|bytes| bytes.len() <= BUNDLE_BYTES_MAX) else {
        return Err(LogError::FileDamaged { path });
    };
    match Bundle::split(&bytes, width) {
        Some(ranges) => Ok(Bundle { bytes, ranges }),
        None => Err(LogError::FileDamaged { path }),
    }
}
