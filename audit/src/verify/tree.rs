//! The verifier's side of the Merkle tree: a root grown leaf by leaf, and the check of an inclusion path.
//! Never recurses and never splits a range: written from RFC 9162, where the writer follows RFC 6962.
//! The hash is another crate's than the writer's. Memory is one hash for each binary digit of the size.

use sha2::{Digest as _, Sha256};

use crate::constants::{HASH_BYTES, LEAF_PREFIX, NODE_PREFIX, TILE_HEIGHT};

/// A SHA-256 hash.
pub type Hash = [u8; HASH_BYTES];

/// Leaf hash of an entry: SHA-256(0x00 || entry) (RFC 9162 section 2.1.1).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([LEAF_PREFIX]).chain_update(entry).finalize().into()
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut node = [NODE_PREFIX; 1 + 2 * HASH_BYTES];
    node[1..=HASH_BYTES].copy_from_slice(left);
    node[1 + HASH_BYTES..].copy_from_slice(right);
    hash(&node)
}

/// SHA-256 of what lies in one piece.
pub(super) fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The perfect subtrees that the entries so far fall into, largest first: one for each 1 in the binary size.
#[derive(Default)]
pub(super) struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf. Gives the subtrees that it completed and that tiles hold one level up, as (tile level, root).
    pub(super) fn push(&mut self, leaf: Hash) -> Vec<(u32, Hash)> {
        let mut completed = Vec::new();
        let mut hash = leaf;
        for height in 1..=self.size.trailing_ones() {
            let left = self.peaks.pop().expect("each 1 in the size has a peak");
            hash = node_hash(&left, &hash);
            if height % TILE_HEIGHT == 0 {
                completed.push((height / TILE_HEIGHT, hash));
            }
        }
        self.peaks.push(hash);
        self.size += 1;
        completed
    }

    /// Root of the tree over the leaves so far.
    pub(super) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => empty_root(),
            Some(smallest) => peaks.fold(*smallest, |right, left| node_hash(left, &right)),
        }
    }
}

/// Whether `path` leads from `leaf` at `index` to `root` in a tree of `size` leaves (RFC 9162 section 2.1.3.2).
pub(super) fn path_holds(index: u64, size: u64, leaf: &Hash, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let mut node = index;
    let mut last = size - 1;
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether the tree of `new_size` leaves and `new_root` is a continuation of the one of `old_size` and `old_root`, by
/// `path` (RFC 9162 section 2.1.4.2). Any tree continues the empty one, whose proof is empty.
#[must_use]
pub fn consistency_holds(
    old_size: u64,
    new_size: u64,
    old_root: &Hash,
    new_root: &Hash,
    path: &[Hash],
) -> bool {
    if old_size == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    if old_size >= new_size {
        return old_size == new_size && path.is_empty() && old_root == new_root;
    }
    // A whole left subtree is a node of the new tree: its root is the first hash, and it is not sent.
    let (first, path) = match path.split_first() {
        _ if old_size.is_power_of_two() => (old_root, path),
        Some((first, path)) => (first, path),
        None => return false,
    };
    let zeros = (old_size - 1).trailing_ones();
    let mut node = (old_size - 1) >> zeros;
    let mut last = (new_size - 1) >> zeros;
    let (mut old, mut new) = (*first, *first);
    for hash in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(hash, &old);
            new = node_hash(hash, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old == *old_root && new == *new_root
}

/// Where a witness keeps its view of a log: SHA-256 of the origin, in hexadecimal.
#[must_use]
pub fn hex_name(origin: &str) -> String {
    hash(origin.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Root of the tree without leaves: SHA-256 of nothing.
pub(crate) fn empty_root() -> Hash {
    hash(b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves() -> Vec<Hash> {
        let entries: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        entries.map(leaf_hash).to_vec()
    }

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn eight_known_leaves_have_the_known_root() {
        let mut frontier = Frontier::default();
        assert_eq!(
            hex(&frontier.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for leaf in leaves() {
            assert!(frontier.push(leaf).is_empty());
        }
        assert_eq!(
            hex(&frontier.root()),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }

    #[test]
    fn the_256th_leaf_completes_a_tile() {
        let mut frontier = Frontier::default();
        let completed: Vec<_> =
            (0..512).map(|n: u32| frontier.push(leaf_hash(&n.to_be_bytes())).len()).collect();
        let at: Vec<_> = (0..512).filter(|n| completed[*n] == 1).collect();
        assert_eq!(at, [255, 511]);
    }

    #[test]
    fn path_holds_for_its_own_leaf_index_size_and_root_alone() {
        let leaves = leaves();
        let pair = node_hash(&leaves[0], &leaves[1]);
        let root = node_hash(&pair, &leaves[2]);
        assert!(path_holds(2, 3, &leaves[2], &[pair], &root));
        assert!(path_holds(0, 3, &leaves[0], &[leaves[1], leaves[2]], &root));
        assert!(!path_holds(1, 3, &leaves[2], &[pair], &root));
        assert!(!path_holds(2, 4, &leaves[2], &[pair], &root));
        assert!(!path_holds(3, 3, &leaves[2], &[pair], &root));
        assert!(!path_holds(2, 3, &leaves[1], &[pair], &root));
        assert!(!path_holds(2, 3, &leaves[2], &[pair, pair], &root));
        assert!(!path_holds(2, 3, &leaves[2], &[], &root));
        // A node handed over as if it were a leaf: the prefixes differ, so its bytes hash to something else.
        let node: Vec<u8> = [leaves[0], leaves[1]].concat();
        assert!(!path_holds(0, 2, &leaf_hash(&node), &[leaves[2]], &root));
    }
}
