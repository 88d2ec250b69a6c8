//! Every index term under a key that is about to be destroyed moves to the next key of its bucket, page by page through those buckets.
//! Never a row written anew: what a row names its terms by stays, and where each stands now is kept beside it.
//! What cannot be read stays where it is, and is counted: it goes with its key, and keeps no other term from moving.
//! A walk that finds none, begun after the trail said that the next keys are there, is proof that nobody needs the former.

use super::OperationError;
use super::rewrap::{announced, on_disk};
use crate::limits::{RETERM_LOOKS_COUNT, RETERM_TERMS_COUNT_MAX, REWRAP_ROUNDS_COUNT_MAX};
use crate::records::RecordId;
use crate::seal::{MovingTerm, NextIndexKeys, Seal, SealError};
use crate::store::{Change, Expect, Key, Op, Reader, StoreError, Version, term_value};
use crate::trail::{Announcement, KeyNews, Trail};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Walks until one finds none.
pub(super) struct MoveTerms {
    next: Arc<NextIndexKeys>,
    /// The bucket that is looked at, by its place among those.
    at: usize,
    behind: Option<Key>,
    moving: Vec<MovingTerm>,
    /// Whether this walk found none so far.
    clean: bool,
    rounds: u32,
    /// How many terms of this walk were passed over, because they or what is kept beside their record cannot be read.
    unread: usize,
}

/// What was read; nothing for a stored value that is none. The scrub says of a row what is wrong with it.
pub(super) fn readable<T>(
    found: Result<T, impl Into<SealError>>,
) -> Result<Option<T>, OperationError> {
    match found.map_err(Into::into) {
        Err(SealError::Store(StoreError::Corrupt { .. })) => Ok(None),
        found => Ok(Some(found?)),
    }
}

impl MoveTerms {
    /// Draws next keys for these buckets, those that have none, and says so.
    ///
    /// A crash leaves both keys of each bucket in the ring.
    pub(super) async fn begin(
        buckets: &[u16],
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<MoveTerms, OperationError> {
        let (drawing, drawn) = (seal.clone(), buckets.to_vec());
        on_disk(move || drawing.draw_next_index_keys(&drawn)).await?;
        MoveTerms::towards(seal.next_index_keys_of(buckets), trail).await
    }

    /// The same with next keys that are there.
    pub(super) async fn towards(
        next: NextIndexKeys,
        trail: &Trail,
    ) -> Result<MoveTerms, OperationError> {
        // The trail takes no term any more that is under a key which has a next one. Once this entry is there, everything that it
        // took before is in the store.
        let drawn = KeyNews::IndexDrawn { buckets: next.count() as u64 };
        announced(trail, Announcement::OfKeys(drawn), Change::default()).await?;
        let next = Arc::new(next);
        let (behind, moving) = (None, Vec::new());
        Ok(MoveTerms { next, at: 0, behind, moving, clean: true, rounds: 0, unread: 0 })
    }

    /// Looks at the next page. Whether every term has moved.
    pub(super) async fn step(
        &mut self,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        let mut left = RETERM_LOOKS_COUNT;
        while let Some(bucket) = self.next.bucket(self.at) {
            let prefix = Key::term_bucket_prefix(bucket);
            let page = store.scan(&prefix, self.behind.as_ref(), left).await?;
            left -= page.len();
            for (key, stored) in &page {
                match readable(seal.moving_term(key, stored))? {
                    Some(moving) => self.moving.extend(moving),
                    None => self.unread += 1,
                }
                if self.moving.len() >= RETERM_TERMS_COUNT_MAX {
                    self.write(store, seal, trail).await?;
                }
            }
            if left == 0 {
                self.behind = page.last().map(|(key, _)| key.clone());
                return Ok(false);
            }
            (self.behind, self.at) = (None, self.at + 1);
        }
        self.write(store, seal, trail).await?;
        self.at = 0;
        self.rounds += 1;
        if std::mem::replace(&mut self.clean, true) {
            return Ok(true);
        }
        self.unread = 0;
        match self.rounds < REWRAP_ROUNDS_COUNT_MAX {
            true => Ok(false),
            false => Err(OperationError::Internal("terms move and are found outdated again")),
        }
    }

    /// Destroys the keys that the next ones follow, once a walk found no term under them; gives how many, without those that somebody
    /// else destroyed, who says so.
    ///
    /// A crash leaves both keys of each bucket in the ring, or the next ones alone, which nobody needs any more but these.
    pub(super) async fn destroy(&self, seal: &Arc<Seal>) -> Result<u64, OperationError> {
        if self.unread > 0 {
            tracing::error!(
                terms = self.unread,
                "index terms that cannot be read go with their keys"
            );
        }
        let (seal, next) = (seal.clone(), self.next.clone());
        Ok(on_disk(move || seal.destroy_index_keys_before(&next)).await? as u64)
    }

    /// Writes what is to move. Where one of them went or moved since it was looked at nothing was written: they are looked at once
    /// more at once, and what moves again is left to the next walk.
    async fn write(
        &mut self,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<(), OperationError> {
        if self.moving.is_empty() {
            return Ok(());
        }
        let moving = std::mem::take(&mut self.moving);
        let (change, count) = moved(&moving, store)?;
        self.unread += moving.len() - count;
        if count == 0 {
            return Ok(());
        }
        self.clean = false;
        if is_written(change, count, trail).await? {
            return Ok(());
        }
        let mut again = Vec::new();
        for one in moving {
            let key = Key::term(&one.from, one.record);
            if let Some(stored) = store.get(&key).await? {
                again.extend(readable(seal.moving_term(&key, &stored))?.flatten());
            }
        }
        let (change, count) = moved(&again, store)?;
        if count > 0 {
            is_written(change, count, trail).await?;
        }
        Ok(())
    }
}

/// The change that puts terms under their next keys and takes them from under the former ones, and keeps for each record what its row's
/// terms are now; with how many terms move by it. Not those of a record of which what is kept so cannot be read.
fn moved(moving: &[MovingTerm], store: &Reader) -> Result<(Change, usize), OperationError> {
    let mut records: BTreeMap<RecordId, Vec<&MovingTerm>> = BTreeMap::new();
    for one in moving {
        records.entry(one.record).or_default().push(one);
    }
    let (mut change, mut count) = (Change::default(), 0);
    for (record, terms) in records {
        let Some((version, mut moved)) = readable(store.moved_terms(record))? else { continue };
        count += terms.len();
        for MovingTerm { from, version, to, epoch, .. } in terms {
            moved.moved(*from, *to);
            // The next one first: whoever looks for the former and then for the next finds the record at any moment.
            let (former, next) = (Key::term(from, record), Key::term(to, record));
            change.ops.push(Op::Put(next, Version(1), term_value(*epoch)));
            change.ops.push(Op::Delete(former.clone()));
            change.expects.push(Expect { key: former, version: *version, stamp: 0 });
        }
        let key = Key::moved_terms(record);
        change.ops.push(Op::Put(key.clone(), version.next(), moved.encode()));
        change.expects.push(Expect { key, version, stamp: 0 });
    }
    Ok((change, count))
}

/// Whether it was written: not where one of the terms went meanwhile, or somebody else wrote what its record is found by.
async fn is_written(change: Change, count: usize, trail: &Trail) -> Result<bool, OperationError> {
    let told = Announcement::OfKeys(KeyNews::TermsMoved { terms: count as u64 });
    Ok(trail.announce_keys(told, change).await?.is_some())
}
