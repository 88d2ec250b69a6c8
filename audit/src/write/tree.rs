//! The generator's side of the Merkle tree: hashes, roots, inclusion paths and the names of tile files.
//! Never checks a proof and never touches a file: hashes come through `TileSource`.
//! Everything is recursive, as RFC 6962 section 2.1 states it; the verifier is written the other way round.

use std::path::PathBuf;

use ring::digest::{Context, SHA256, digest};

use crate::constants::{
    ENTRIES_DIRECTORY, HASH_BYTES, LEAF_PREFIX, NODE_PREFIX, TILE_DIRECTORY, TILE_HEIGHT,
    TILE_WIDTH,
};

/// A SHA-256 hash.
pub type Hash = [u8; HASH_BYTES];

/// Leaf hash of an entry: SHA-256(0x00 || entry) (RFC 6962 section 2.1).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[LEAF_PREFIX]);
    context.update(entry);
    to_hash(&context.finish())
}

/// Hash of a node: SHA-256(0x01 || left || right) (RFC 6962 section 2.1).
pub(super) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [NODE_PREFIX; 1 + 2 * HASH_BYTES];
    bytes[1..=HASH_BYTES].copy_from_slice(left);
    bytes[1 + HASH_BYTES..].copy_from_slice(right);
    to_hash(&digest(&SHA256, &bytes))
}

fn to_hash(digest: &ring::digest::Digest) -> Hash {
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// Gives the hashes of tiles that the tree already has.
pub(super) trait TileSource {
    /// Why a tile cannot be given.
    type Error;

    /// Hash `index` of tile level `level`: the root of 256 to the `level` entries.
    fn hash(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// Root of the first `size` entries.
pub(super) fn root<S: TileSource>(source: &mut S, size: u64) -> Result<Hash, S::Error> {
    if size == 0 {
        return Ok(to_hash(&digest(&SHA256, b"")));
    }
    range(source, 0, size)
}

/// Inclusion path of entry `index` among `size`, its sibling first (RFC 6962 section 2.1.1).
pub(super) fn path<S: TileSource>(
    source: &mut S,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, S::Error> {
    path_within(source, index, 0, size)
}

fn path_within<S: TileSource>(
    source: &mut S,
    index: u64,
    from: u64,
    to: u64,
) -> Result<Vec<Hash>, S::Error> {
    if to - from == 1 {
        return Ok(Vec::new());
    }
    let middle = from + split(to - from);
    let (mut hashes, sibling) = if index < middle {
        (path_within(source, index, from, middle)?, range(source, middle, to)?)
    } else {
        (path_within(source, index, middle, to)?, range(source, from, middle)?)
    };
    hashes.push(sibling);
    Ok(hashes)
}

/// Proof that the tree of `new_size` entries continues the one of `old_size` (RFC 6962 section 2.1.2). Empty where one of
/// them is empty or both are the same.
pub(super) fn consistency<S: TileSource>(
    source: &mut S,
    old_size: u64,
    new_size: u64,
) -> Result<Vec<Hash>, S::Error> {
    if old_size == 0 || old_size >= new_size {
        return Ok(Vec::new());
    }
    subproof(source, old_size, 0, new_size, true)
}

/// SUBPROOF(m, D[from:to], b) of RFC 6962: `old_end` is where the old tree ends, `whole` is b.
fn subproof<S: TileSource>(
    source: &mut S,
    old_end: u64,
    from: u64,
    to: u64,
    whole: bool,
) -> Result<Vec<Hash>, S::Error> {
    if old_end == to {
        return if whole { Ok(Vec::new()) } else { Ok(vec![range(source, from, to)?]) };
    }
    let middle = from + split(to - from);
    let (mut hashes, beside) = if old_end <= middle {
        (subproof(source, old_end, from, middle, whole)?, range(source, middle, to)?)
    } else {
        (subproof(source, old_end, middle, to, false)?, range(source, from, middle)?)
    };
    hashes.push(beside);
    Ok(hashes)
}

/// Root of the entries `from..to`, a range as the splitting of RFC 6962 makes it.
fn range<S: TileSource>(source: &mut S, from: u64, to: u64) -> Result<Hash, S::Error> {
    let count = to - from;
    if count.is_power_of_two() {
        return perfect(source, count.trailing_zeros(), from / count);
    }
    let middle = from + split(count);
    let left = range(source, from, middle)?;
    let right = range(source, middle, to)?;
    Ok(node_hash(&left, &right))
}

/// Node `index` at `height` above the leaves, all of whose entries exist: stored, or two below it hashed.
fn perfect<S: TileSource>(source: &mut S, height: u32, index: u64) -> Result<Hash, S::Error> {
    if height.is_multiple_of(TILE_HEIGHT) {
        return source.hash(height / TILE_HEIGHT, index);
    }
    let left = perfect(source, height - 1, 2 * index)?;
    let right = perfect(source, height - 1, 2 * index + 1)?;
    Ok(node_hash(&left, &right))
}

/// Largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// Root over the hashes of a full tile: the hash that stands for it one level up.
pub(super) fn tile_root(hashes: &[Hash]) -> Hash {
    match hashes {
        [only] => *only,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            node_hash(&tile_root(left), &tile_root(right))
        }
    }
}

/// Tiles of hashes by level, or bundles of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TileKind {
    /// Hashes at this tile level.
    Level(u32),
    /// Entries.
    Entries,
}

/// Path of a full tile or bundle beneath the log's directory (c2sp.org/tlog-tiles).
pub(super) fn full_path(kind: TileKind, number: u64) -> PathBuf {
    let mut groups = vec![format!("{:03}", number % 1000)];
    let mut rest = number / 1000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    let mut path = PathBuf::from(TILE_DIRECTORY);
    match kind {
        TileKind::Level(level) => path.push(level.to_string()),
        TileKind::Entries => path.push(ENTRIES_DIRECTORY),
    }
    path.extend(groups.iter().rev());
    path
}

/// Directory of the partial forms of a tile or bundle.
pub(super) fn partial_directory(kind: TileKind, number: u64) -> PathBuf {
    let mut path = full_path(kind, number);
    path.as_mut_os_string().push(".p");
    path
}

/// Path of a partial tile or bundle of `width` items, 1 to 255.
pub(super) fn partial_path(kind: TileKind, number: u64, width: usize) -> PathBuf {
    partial_directory(kind, number).join(width.to_string())
}

/// Hashes of tile level `level` in a tree of `size` entries: complete subtrees alone.
pub(super) fn level_hashes(size: u64, level: u32) -> u64 {
    size.checked_shr(TILE_HEIGHT * level).unwrap_or(0)
}

/// Width of the tile at the right edge of `level`; 0 where there is none.
pub(super) fn edge_width(size: u64, level: u32) -> usize {
    (level_hashes(size, level) % TILE_WIDTH as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Leaves(Vec<Hash>);

    impl TileSource for Leaves {
        type Error = std::convert::Infallible;

        fn hash(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error> {
            assert_eq!(level, 0, "a tree of fewer than 256 leaves has one level");
            Ok(self.0[usize::try_from(index).expect("small")])
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
        (0..text.len()).step_by(2).map(digit).collect()
    }

    fn known_leaves() -> Leaves {
        let entries = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        Leaves(entries.iter().map(|entry| leaf_hash(&hex(entry))).collect())
    }

    #[test]
    fn empty_tree_is_the_hash_of_nothing() {
        let Ok(hash) = root(&mut Leaves(Vec::new()), 0);
        assert_eq!(
            hash[..],
            hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        );
    }

    #[test]
    fn eight_known_leaves_have_the_known_root() {
        let Ok(hash) = root(&mut known_leaves(), 8);
        assert_eq!(
            hash[..],
            hex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
        );
        assert_eq!(tile_root(&known_leaves().0), hash);
    }

    #[test]
    fn path_of_the_last_of_three_leaves_is_the_pair_before_it() {
        let leaves = known_leaves().0;
        let Ok(path) = path(&mut known_leaves(), 2, 3);
        assert_eq!(path, [node_hash(&leaves[0], &leaves[1])]);
    }

    #[test]
    fn tile_paths_are_grouped_by_three_digits() {
        let named = |kind, number| full_path(kind, number).to_string_lossy().into_owned();
        assert_eq!(named(TileKind::Level(0), 1_234_067), "tile/0/x001/x234/067");
        assert_eq!(named(TileKind::Entries, 0), "tile/entries/000");
        assert_eq!(named(TileKind::Level(3), 999), "tile/3/999");
        assert_eq!(named(TileKind::Level(3), 1000), "tile/3/x001/000");
        assert_eq!(partial_path(TileKind::Level(1), 67, 5), PathBuf::from("tile/1/067.p/5"));
    }

    #[test]
    fn split_is_the_largest_power_of_two_below() {
        let cases = [(2, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8), (u64::MAX, 1 << 63)];
        for (count, expected) in cases {
            assert_eq!(split(count), expected);
        }
    }

    #[test]
    fn widths_of_the_right_edge_follow_the_size() {
        let size = 70_000;
        let widths: Vec<_> = (0..9).map(|level| edge_width(size, level)).collect();
        assert_eq!(widths, [112, 17, 1, 0, 0, 0, 0, 0, 0]);
    }
}
