//! Merges sorted files into one: of what several say of a key, the newest counts.
//! Never holds more than a block of each.
//! A key that the newest says was removed is in no snapshot.

use super::form::Row;
use super::pace::Unmade;
use super::read::Reader;
use crate::store::{Key, Stored};
use crate::trail::TrailFault;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A file of which the next row is at hand.
struct Source<'a> {
    reader: Reader<'a>,
    rows: VecDeque<Row>,
}

impl Source<'_> {
    fn next(&mut self) -> Result<Option<Row>, TrailFault> {
        while self.rows.is_empty() {
            let Some(rows) = self.reader.next()? else { return Ok(None) };
            self.rows = rows.into();
        }
        Ok(self.rows.pop_front())
    }
}

/// Where merged rows go.
pub(in crate::trail) type Sink<'a> = dyn FnMut(&Key, &Stored) -> Result<(), Unmade> + 'a;

/// Merges `readers`, the oldest first. Each of them was read to its end, and so judged whole, when this returns.
pub(in crate::trail) fn merge(readers: Vec<Reader<'_>>, out: &mut Sink<'_>) -> Result<(), Unmade> {
    let mut sources: Vec<Source<'_>> =
        readers.into_iter().map(|reader| Source { reader, rows: VecDeque::new() }).collect();
    let mut heads = Vec::with_capacity(sources.len());
    // The smallest key is on top, and of equal ones that of the newest file.
    let mut order: BinaryHeap<(Reverse<Key>, usize)> = BinaryHeap::new();
    for (number, source) in sources.iter_mut().enumerate() {
        let row = source.next()?;
        order.extend(row.iter().map(|(key, _)| (Reverse(key.clone()), number)));
        heads.push(row);
    }
    let mut last: Option<Key> = None;
    while let Some((Reverse(key), number)) = order.pop() {
        let next = sources[number].next()?;
        order.extend(next.iter().map(|(key, _)| (Reverse(key.clone()), number)));
        let row = std::mem::replace(&mut heads[number], next);
        if last.as_ref() == Some(&key) {
            continue;
        }
        if let Some((key, Some(stored))) = &row {
            out(key, stored)?;
        }
        last = Some(key);
    }
    Ok(())
}
