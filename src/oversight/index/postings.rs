//! Lists of places in a segment, ascending, as bytes and as something to look ahead in.
//! Never decoded whole for a search: a long list is read in blocks, and a table says where each begins.
//! A short list is its first value and the distances after it, each in 1 to 5 bytes.

use super::error::IndexError;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// Values in a block, and in the longest list without a table.
pub(super) const BLOCK: usize = 128;
/// Longest value of a distance, in bytes.
const DISTANCE_BYTES_MAX: usize = 5;

/// Appends a list that is ascending without repeats and not empty.
pub(super) fn encode(values: &[u32], out: &mut Vec<u8>) {
    if values.len() <= BLOCK {
        distances(0, values, out);
        return;
    }
    let mut table = Vec::with_capacity(values.len().div_ceil(BLOCK) * 8);
    let mut blocks = Vec::with_capacity(values.len() * 2);
    for block in values.chunks(BLOCK) {
        let at = u32::try_from(blocks.len()).expect("a segment's lists are far below 4 GiB");
        table.extend_from_slice(&block[0].to_be_bytes());
        table.extend_from_slice(&at.to_be_bytes());
        distances(block[0], &block[1..], &mut blocks);
    }
    let bytes = u32::try_from(blocks.len()).expect("a segment's lists are far below 4 GiB");
    out.extend_from_slice(&bytes.to_be_bytes());
    out.append(&mut table);
    out.append(&mut blocks);
}

fn distances(mut before: u32, values: &[u32], out: &mut Vec<u8>) {
    for value in values {
        let mut distance = value - before;
        before = *value;
        while distance >= 0x80 {
            out.push((distance & 0x7f) as u8 | 0x80);
            distance >>= 7;
        }
        out.push(distance as u8);
    }
}

/// Takes `count` distances after `before` from the front of `bytes`.
fn values(
    mut before: u32,
    count: usize,
    bytes: &mut &[u8],
    out: &mut Vec<u32>,
) -> Result<(), IndexError> {
    for _ in 0..count {
        let (mut distance, mut shift) = (0u32, 0);
        loop {
            let (byte, rest) = bytes.split_first().ok_or(IndexError::Damaged)?;
            *bytes = rest;
            distance |= u32::from(byte & 0x7f).checked_shl(shift).ok_or(IndexError::Damaged)?;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
        }
        before = before.checked_add(distance).ok_or(IndexError::Damaged)?;
        out.push(before);
    }
    Ok(())
}

/// Takes a list of `count` values from the front of `bytes`; a merge reads its lists one behind the other.
pub(super) fn decode(
    count: usize,
    bytes: &mut impl std::io::Read,
    out: &mut Vec<u32>,
    room: &mut Vec<u8>,
) -> Result<(), IndexError> {
    if count <= BLOCK {
        // One byte at a time: the reader behind it is buffered.
        let mut before = 0u32;
        for _ in 0..count {
            let (mut distance, mut shift) = (0u32, 0);
            loop {
                let mut byte = [0];
                bytes.read_exact(&mut byte)?;
                let low = u32::from(byte[0] & 0x7f);
                distance |= low.checked_shl(shift).ok_or(IndexError::Damaged)?;
                if byte[0] & 0x80 == 0 {
                    break;
                }
                shift += 7;
            }
            before = before.checked_add(distance).ok_or(IndexError::Damaged)?;
            out.push(before);
        }
        return Ok(());
    }
    let mut length = [0; 4];
    bytes.read_exact(&mut length)?;
    let blocks = count.div_ceil(BLOCK);
    let length = u32::from_be_bytes(length) as usize;
    if length > count * DISTANCE_BYTES_MAX {
        return Err(IndexError::Damaged);
    }
    room.resize(blocks * 8 + length, 0);
    bytes.read_exact(room)?;
    let (table, mut rest) = room.split_at(blocks * 8);
    for (number, place) in table.chunks_exact(8).enumerate() {
        let first = u32::from_be_bytes([place[0], place[1], place[2], place[3]]);
        out.push(first);
        values(first, (count - number * BLOCK).min(BLOCK) - 1, &mut rest, out)?;
    }
    Ok(())
}

/// A list to look ahead in, in either direction.
pub(super) enum List {
    /// All values.
    Short(Vec<u32>),
    /// The table; one block at a time is in memory.
    Long(Long),
}

/// A list with a table.
pub(super) struct Long {
    file: Arc<File>,
    count: usize,
    /// Where the blocks begin in the file, and how long they are.
    at: u64,
    length: u32,
    /// First value and place of each block.
    table: Vec<(u32, u32)>,
    held: Option<usize>,
    block: Vec<u32>,
}

impl List {
    /// The list of `count` values at a place of a file.
    pub(super) fn open(
        file: &Arc<File>,
        at: u64,
        end: u64,
        count: usize,
    ) -> Result<List, IndexError> {
        if count <= BLOCK {
            let length = ((BLOCK * DISTANCE_BYTES_MAX) as u64).min(end.saturating_sub(at));
            let mut bytes = vec![0; length as usize];
            file.read_exact_at(&mut bytes, at)?;
            let mut found = Vec::with_capacity(count);
            values(0, count, &mut &bytes[..], &mut found)?;
            return Ok(List::Short(found));
        }
        let blocks = count.div_ceil(BLOCK);
        let mut head = vec![0; 4 + blocks * 8];
        file.read_exact_at(&mut head, at)?;
        let word =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let table = (0..blocks).map(|block| (word(4 + block * 8), word(8 + block * 8))).collect();
        let (length, at) = (word(0), at + head.len() as u64);
        if at + u64::from(length) > end {
            return Err(IndexError::Damaged);
        }
        let file = file.clone();
        Ok(List::Long(Long { file, count, at, length, table, held: None, block: Vec::new() }))
    }

    pub(super) fn count(&self) -> usize {
        match self {
            List::Short(values) => values.len(),
            List::Long(long) => long.count,
        }
    }

    /// The first value at or after a target, or with `back` the last at or before it.
    pub(super) fn seek(&mut self, target: u32, back: bool) -> Result<Option<u32>, IndexError> {
        let long = match self {
            List::Short(values) => return Ok(seek_in(values, target, back)),
            List::Long(long) => long,
        };
        let number = long.table.partition_point(|(first, _)| *first <= target);
        let Some(number) = number.checked_sub(1) else {
            return Ok(if back { None } else { Some(long.table[0].0) });
        };
        long.load(number)?;
        let found = seek_in(&long.block, target, back);
        Ok(found.or_else(|| long.table.get(number + 1).map(|(first, _)| *first)))
    }
}

fn seek_in(values: &[u32], target: u32, back: bool) -> Option<u32> {
    if back {
        let after = values.partition_point(|value| *value <= target);
        return after.checked_sub(1).map(|at| values[at]);
    }
    values.get(values.partition_point(|value| *value < target)).copied()
}

impl Long {
    fn load(&mut self, number: usize) -> Result<(), IndexError> {
        if self.held == Some(number) {
            return Ok(());
        }
        self.held = None;
        let (first, from) = self.table[number];
        let to = self.table.get(number + 1).map_or(self.length, |(_, at)| *at);
        let length = to.checked_sub(from).ok_or(IndexError::Damaged)? as usize;
        if length > BLOCK * DISTANCE_BYTES_MAX {
            return Err(IndexError::Damaged);
        }
        let mut bytes = [0; BLOCK * DISTANCE_BYTES_MAX];
        self.file.read_exact_at(&mut bytes[..length], self.at + u64::from(from))?;
        self.block.clear();
        self.block.push(first);
        let count = (self.count - number * BLOCK).min(BLOCK) - 1;
        values(first, count, &mut &bytes[..length], &mut self.block)?;
        self.held = Some(number);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::io::Write as _;

    /// A list as it lies in a file, with something before and behind it.
    fn stored(list: &[u32]) -> (Arc<File>, u64, u64) {
        let mut bytes = vec![0xff; 3];
        encode(list, &mut bytes);
        let end = bytes.len() as u64;
        bytes.extend_from_slice(&[0xff; 9]);
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(&bytes).expect("room for a list");
        (Arc::new(file), 3, end)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_list_is_read_and_looked_into_as_it_was_written(
            values in proptest::collection::btree_set(0u32..100_000, 1..700),
            targets in proptest::collection::vec(0u32..100_100, 1..50),
        ) {
            let list: Vec<u32> = values.iter().copied().collect();
            let (file, at, end) = stored(&list);
            let mut found = List::open(&file, at, end, list.len()).expect("the list");
            prop_assert_eq!(found.count(), list.len());
            let oracle: BTreeSet<u32> = values;
            for target in targets {
                let after = oracle.range(target..).next().copied();
                let before = oracle.range(..=target).next_back().copied();
                prop_assert_eq!(found.seek(target, false).expect("a look"), after);
                prop_assert_eq!(found.seek(target, true).expect("a look"), before);
            }
            let mut bytes = Vec::new();
            encode(&list, &mut bytes);
            let mut whole = Vec::new();
            decode(list.len(), &mut &bytes[..], &mut whole, &mut Vec::new()).expect("the list");
            prop_assert_eq!(whole, list);
        }
    }

    #[test]
    fn lists_at_the_length_of_a_block_and_one_above_are_read() {
        for count in [1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 1] {
            let list: Vec<u32> = (0..count as u32).map(|value| value * 3).collect();
            let (file, at, end) = stored(&list);
            let mut found = List::open(&file, at, end, count).expect("the list");
            let last = *list.last().expect("not empty");
            assert_eq!(found.seek(last, false).expect("a look"), Some(last));
            assert_eq!(found.seek(last + 1, false).expect("a look"), None);
            assert_eq!(found.seek(u32::MAX, true).expect("a look"), Some(last));
        }
    }
}
