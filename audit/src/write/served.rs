//! What of a log others may fetch: the names of tiles and bundles, and the bytes behind them.
//! Never takes a name but in the one form of c2sp.org/tlog-tiles, and never a client's text as a part of a path.
//! Nothing is given beyond the entries that a shown checkpoint covers.

use super::error::LogError;
use super::note::Checkpoint;
use super::reader::{LogReader, width};
use super::stored::{read_bundle, read_edge_tile, read_tile};
use super::tree::{TileKind, full_path, level_hashes, partial_path};
use super::witnessed::read_witnessed;
use crate::constants::{ENTRIES_DIRECTORY, TILE_DIRECTORY, TILE_LEVEL_MAX, TILE_WIDTH};

/// A tile of hashes or a bundle of entries, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileName {
    kind: TileKind,
    number: u64,
    /// 1 to 255; `None` for the full form.
    width: Option<u8>,
}

/// A checkpoint as others are shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCheckpoint {
    /// The signed note.
    pub note: String,
    /// Entries that it covers.
    pub size: u64,
}

impl TileName {
    /// Reads a path beneath the log's prefix, such as `tile/0/x001/x234/067.p/5` or `tile/entries/000`. `None` for
    /// whatever that specification would not write in just this way.
    #[must_use]
    pub fn parse(path: &str) -> Option<TileName> {
        let rest = path.strip_prefix(TILE_DIRECTORY)?.strip_prefix('/')?;
        let (series, rest) = rest.split_once('/')?;
        let kind = match series {
            ENTRIES_DIRECTORY => TileKind::Entries,
            level => TileKind::Level(level.parse().ok().filter(|level| *level <= TILE_LEVEL_MAX)?),
        };
        let (groups, width) = match rest.split_once(".p/") {
            Some((groups, width)) => (groups, Some(width.parse().ok().filter(|w| *w > 0)?)),
            None => (rest, None),
        };
        let mut number = 0u64;
        for group in groups.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let value: u64 = digits.parse().ok().filter(|_| digits.len() == 3)?;
            number = number.checked_mul(1000)?.checked_add(value)?;
        }
        let name = TileName { kind, number, width };
        // Signs, leading zeros, a group too many: each number has one name, and this is it or the text is refused.
        (name.path().to_str() == Some(path)).then_some(name)
    }

    /// Every tile and bundle of a log of `size` entries that pruned nothing, each in its widest form.
    pub fn all(size: u64) -> impl Iterator<Item = TileName> {
        let levels = (0..=TILE_LEVEL_MAX).map(|level| (TileKind::Level(level), level));
        levels.chain([(TileKind::Entries, 0)]).flat_map(move |(kind, level)| {
            let count = level_hashes(size, level);
            let full = count / TILE_WIDTH as u64;
            let width = u8::try_from(count % TILE_WIDTH as u64).ok().filter(|width| *width > 0);
            let whole = (0..full).map(move |number| TileName { kind, number, width: None });
            whole.chain(width.map(|width| TileName { kind, number: full, width: Some(width) }))
        })
    }

    /// Its path beneath the log's prefix, as [`TileName::parse`] reads it.
    #[must_use]
    pub fn to_path(&self) -> String {
        self.path().to_string_lossy().into_owned()
    }

    /// Whether it is a bundle of entries, which only auditors may have.
    #[must_use]
    pub fn is_entries(&self) -> bool {
        self.kind == TileKind::Entries
    }

    /// Whether it is the full form, which never changes and never goes as long as it is kept.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.width.is_none()
    }

    /// Whether a log of `size` entries that pruned nothing has it.
    #[must_use]
    pub fn is_covered(&self, size: u64) -> bool {
        self.items(size) >= self.width.map_or(TILE_WIDTH, usize::from)
    }

    fn path(&self) -> std::path::PathBuf {
        match self.width {
            None => full_path(self.kind, self.number),
            Some(width) => partial_path(self.kind, self.number, usize::from(width)),
        }
    }

    /// Items of this tile in a log of `size` entries: 256 at most, 0 where there is no such tile.
    fn items(&self, size: u64) -> usize {
        let level = if let TileKind::Level(level) = self.kind { level } else { 0 };
        let first = self.number.checked_mul(TILE_WIDTH as u64);
        match first.is_some_and(|first| first < level_hashes(size, level)) {
            true => width(size, level, self.number),
            false => 0,
        }
    }
}

impl LogReader {
    /// The checkpoint that is shown to others: the one that witnesses cosigned if `cosigned` is asked for and there is one,
    /// else the log's own. `None` before the first.
    ///
    /// # Errors
    /// Those of [`LogReader::checkpoint_text`].
    pub fn shown(&self, cosigned: bool) -> Result<Option<ShownCheckpoint>, LogError> {
        let witnessed = match cosigned {
            true => read_witnessed(&self.directory, &self.origin)?,
            false => None,
        };
        let shown = match witnessed {
            Some(shown) => Some(shown),
            None => self.published()?,
        };
        Ok(shown.map(|(note, Checkpoint { size, .. })| ShownCheckpoint { note, size }))
    }

    /// Whether a log of `covered` entries, which a shown checkpoint covers, has this tile or bundle and did not prune it.
    ///
    /// # Errors
    /// Those of [`LogReader::tile`].
    pub fn has_tile(&self, name: &TileName, covered: u64) -> Result<bool, LogError> {
        let pruned = name.is_entries() && name.number < self.minimum()?.index / TILE_WIDTH as u64;
        Ok(!pruned && name.is_covered(covered.min(self.size()?)))
    }

    /// The bytes of a tile or bundle in a log of `covered` entries, which a shown checkpoint covers. A partial form is given
    /// for every width that the tile has had up to then. `None` for one that a log of so many entries does not have.
    ///
    /// # Errors
    /// [`LogError::FileDamaged`] and those of [`LogReader::checkpoint_text`].
    pub fn tile(&self, name: &TileName, covered: u64) -> Result<Option<Vec<u8>>, LogError> {
        if !self.has_tile(name, covered)? {
            return Ok(None);
        }
        // More of the tile may have been published since, and the narrower form be gone: it is the beginning of the wider.
        let whole = self.size()?;
        let wanted = name.width.map_or(TILE_WIDTH, usize::from);
        let (directory, number) = (&self.directory, name.number);
        let bytes = match (name.kind, name.items(whole)) {
            (TileKind::Entries, width) => read_bundle(directory, number, width)?.into_first(wanted),
            (TileKind::Level(level), width) => {
                let hashes = match width {
                    TILE_WIDTH => read_tile(directory, full_path(name.kind, number), TILE_WIDTH)?,
                    width => read_edge_tile(directory, level, number, width)?,
                };
                hashes[..wanted].as_flattened().to_vec()
            }
        };
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_specification_are_read() {
        for path in [
            "tile/0/000",
            "tile/63/999",
            "tile/0/x001/x234/067",
            "tile/0/x001/x234/067.p/5",
            "tile/entries/000",
            "tile/entries/x001/000.p/255",
            "tile/0/x018/x446/x744/x073/x709/x551/615",
        ] {
            let name = TileName::parse(path).unwrap_or_else(|| panic!("{path} is a name"));
            assert_eq!(name.path().to_str(), Some(path));
            assert_eq!(name.is_entries(), path.starts_with("tile/entries/"));
            assert_eq!(name.is_full(), !path.contains(".p/"));
        }
    }

    #[test]
    fn all_tiles_of_a_log_are_named_once_and_covered() {
        for size in [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 200_000] {
            let names: Vec<TileName> = TileName::all(size).collect();
            assert!(names.iter().all(|name| name.is_covered(size)), "{size}");
            assert!(names.iter().all(|name| TileName::parse(&name.to_path()) == Some(*name)));
            let entries = names.iter().filter(|name| name.is_entries());
            let items: usize = entries.map(|name| name.width.map_or(TILE_WIDTH, usize::from)).sum();
            assert_eq!(items as u64, size);
        }
        let paths: Vec<String> = TileName::all(257).map(|name| name.to_path()).collect();
        let expected = [
            "tile/0/000",
            "tile/0/001.p/1",
            "tile/1/000.p/1",
            "tile/entries/000",
            "tile/entries/001.p/1",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn nothing_else_is_a_name() {
        for path in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile//000",
            "tile/64/000",
            "tile/00/000",
            "tile/+1/000",
            "tile/-1/000",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/+00",
            "tile/0/x000",
            "tile/0/x000/001",
            "tile/0/001/000",
            "tile/0/x001",
            "tile/0/x001/x000",
            "tile/0/x1/000",
            "tile/0/X001/000",
            "tile/0/000/",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/05",
            "tile/0/000.p/+5",
            "tile/0/000.p/256",
            "tile/0/000.p/5/",
            "tile/0/000.p/5.p/5",
            "tile/0/000.tmp",
            "tile/0/../../lock",
            "tile/0/..",
            "tile/0/x001/../000",
            "tile/entries",
            "tile/entries/000/000",
            "tile/Entries/000",
            "tile/entries/\u{0660}\u{0660}\u{0660}",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
            "/tile/0/000",
            "tile\\0\\000",
            "checkpoint",
            "witnessed",
            "lock",
        ] {
            assert_eq!(TileName::parse(path), None, "{path}");
        }
    }
}
