//! Looks for keys in a core file.
//! Never holds the whole file: it goes through in pieces that overlap by the length of a key.
//! A key counts once, however often it lies there.

use crate::fault::Fault;
use crate::keys::{Kind, Known};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

const KEY_BYTES: usize = 32;
/// Size of a piece, in bytes.
const PIECE_BYTES: usize = 4 * 1024 * 1024;
/// Most of a core file is pages that nobody has written to.
const PAGE_BYTES: usize = 4_096;
const EMPTY: [u8; PAGE_BYTES] = [0; PAGE_BYTES];
/// Bits of the first three bytes, which most places of a file do not pass.
const FILTER_BITS: usize = 1 << 24;

/// Which keys were found.
pub struct Counts(Vec<(Kind, bool)>);

impl Counts {
    /// How many different ones of a kind.
    pub fn found(&self, kind: Kind) -> usize {
        self.0.iter().filter(|(of, found)| *of == kind && *found).count()
    }
}

/// Goes through a file; gives what was found, and the length of the file.
pub fn look(known: &Known, path: &Path) -> Result<(Counts, u64), Fault> {
    let fail = |error| Fault::io("reading", path, error);
    let scanner = Scanner::of(known);
    let mut counts = Counts(known.keys.iter().map(|key| (key.kind, false)).collect());
    let mut file = File::open(path).map_err(fail)?;
    let mut piece = Vec::with_capacity(PIECE_BYTES + KEY_BYTES);
    let mut length = 0;
    loop {
        let kept = piece.len();
        let limit = PIECE_BYTES as u64;
        let read = file.by_ref().take(limit).read_to_end(&mut piece).map_err(fail)?;
        if read == 0 {
            return Ok((counts, length));
        }
        length += read as u64;
        scanner.scan(&piece, known, &mut counts);
        let overlap = piece.len().min(KEY_BYTES - 1);
        piece.copy_within(kept + read - overlap.., 0);
        piece.truncate(overlap);
    }
}

struct Scanner {
    filter: Vec<u64>,
    places: HashMap<[u8; 8], Vec<usize>>,
}

fn bit_of(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2])
}

impl Scanner {
    fn of(known: &Known) -> Scanner {
        let mut filter = vec![0; FILTER_BITS / 64];
        let mut places: HashMap<[u8; 8], Vec<usize>> = HashMap::new();
        for (at, key) in known.keys.iter().enumerate() {
            let bit = bit_of(&key.bytes);
            filter[bit / 64] |= 1 << (bit % 64);
            let first = key.bytes.first_chunk().copied().unwrap_or_default();
            places.entry(first).or_default().push(at);
        }
        Scanner { filter, places }
    }

    fn scan(&self, bytes: &[u8], known: &Known, counts: &mut Counts) {
        for start in (0..bytes.len()).step_by(PAGE_BYTES) {
            let end = bytes.len().min(start + PAGE_BYTES);
            // No key begins with eight zeros, so none begins in an empty page but within its last bytes.
            let empty = bytes[start..end] == EMPTY[..end - start];
            let from = if empty { end.saturating_sub(8).max(start) } else { start };
            let until = bytes.len().min(end + KEY_BYTES - 1);
            for window in bytes[from..until].windows(KEY_BYTES) {
                self.compare(window, known, counts);
            }
        }
    }

    fn compare(&self, window: &[u8], known: &Known, counts: &mut Counts) {
        let bit = bit_of(window);
        if self.filter[bit / 64] & (1 << (bit % 64)) == 0 {
            return;
        }
        let first = window.first_chunk::<8>().and_then(|first| self.places.get(first));
        for at in first.into_iter().flatten() {
            if known.keys[*at].bytes == window {
                counts.0[*at].1 = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Secret;

    #[test]
    fn a_key_is_found_wherever_it_lies_and_once() {
        let key = |byte: u8| std::array::from_fn(|at| byte.wrapping_mul(31) ^ at as u8);
        let secret = |byte| Secret { kind: Kind::Ring, bytes: key(byte) };
        let known = Known { keys: vec![secret(1), secret(2), secret(3)] };
        for start in [0, 1, PIECE_BYTES - 40, PIECE_BYTES - 31, PIECE_BYTES - 1, PIECE_BYTES] {
            let mut bytes = vec![0; PIECE_BYTES + 200];
            bytes[start..start + 32].copy_from_slice(&key(1));
            bytes[PIECE_BYTES + 100..PIECE_BYTES + 132].copy_from_slice(&key(1));
            bytes[PIECE_BYTES + 150..PIECE_BYTES + 181].copy_from_slice(&key(2)[..31]);
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), &bytes).expect("a file");
            let (counts, length) = look(&known, file.path()).expect("readable");
            assert_eq!(length, bytes.len() as u64);
            let found: Vec<bool> = counts.0.iter().map(|(_, found)| *found).collect();
            assert_eq!(found, [true, false, false], "at {start}");
        }
    }
}
