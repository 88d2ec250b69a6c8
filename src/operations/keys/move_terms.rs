//! Every index term under a key that is about to be destroyed moves to the next key of its bucket, page by page through those buckets.
//! Never a row written anew: what a row names its terms by stays, and where each stands now is kept beside it.
//! What cannot be read stays where it is, and is counted: it goes with its key, and keeps no other term from moving.
//! A walk that finds none, begun after the trail said that the next keys are there, is proof that nobody needs the former.

use super::rewrap::{announced, on_disk};
use super::rounds::{Outdated, Page, Rounds};
use crate::limits::{RETERM_LOOKS_COUNT, RETERM_TERMS_COUNT_MAX};
use crate::operations::OperationError;
use crate::records::RecordId;
use crate::seal::{MovingTerm, NextIndexKeys, Seal, SealError};
use crate::store::{Change, Expect, Key, Op, Reader, StoreError, Stored, Version, term_value};
use crate::trail::{Announcement, KeyNews, Trail};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Walks until one finds none.
pub(super) struct MoveTerms(Rounds<UnderFormer>);

/// Terms under former keys of these buckets.
struct UnderFormer {
    next: Arc<NextIndexKeys>,
    moving: Vec<MovingTerm>,
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
        MoveTerms::towards(MoveTerms::drawn(buckets, seal).await?, trail).await
    }

    /// Next keys for these buckets, those that have none: durable, and not said yet.
    pub(super) async fn drawn(
        buckets: &[u16],
        seal: &Arc<Seal>,
    ) -> Result<NextIndexKeys, OperationError> {
        let (drawing, named) = (seal.clone(), buckets.to_vec());
        on_disk(move || drawing.draw_next_index_keys(&named)).await?;
        Ok(seal.next_index_keys_of(buckets))
    }

    /// The same with next keys that are there.
    pub(super) async fn towards(
        next: NextIndexKeys,
        trail: &Trail,
    ) -> Result<MoveTerms, OperationError> {
        let drawn = KeyNews::IndexDrawn { buckets: next.count() as u64 };
        announced(trail, Announcement::OfKeys(drawn), Change::default()).await?;
        Ok(MoveTerms::behind(next))
    }

    /// The same behind the entry that says of these next keys that they are drawn. The trail takes no term any more that is under a key
    /// which has a next one: once that entry is there, everything that it took before is in the store.
    pub(super) fn behind(next: NextIndexKeys) -> MoveTerms {
        MoveTerms(Rounds::of(UnderFormer { next: Arc::new(next), moving: Vec::new(), unread: 0 }))
    }

    /// Looks at the next page. Whether every term has moved.
    pub(super) async fn step(
        &mut self,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        self.0.step(store, seal, trail).await
    }

    /// Destroys the keys that the next ones follow, once a walk found no term under them; gives how many, without those that somebody
    /// else destroyed, who says so.
    ///
    /// A crash leaves both keys of each bucket in the ring, or the next ones alone, which nobody needs any more but these.
    pub(super) async fn destroy(&self, seal: &Arc<Seal>) -> Result<u64, OperationError> {
        let UnderFormer { next, unread, .. } = &self.0.walk;
        if *unread > 0 {
            tracing::error!(terms = unread, "index terms that cannot be read go with their keys");
        }
        let (seal, next) = (seal.clone(), next.clone());
        Ok(on_disk(move || seal.destroy_index_keys_before(&next)).await? as u64)
    }
}

impl Outdated for UnderFormer {
    const LOOKS_COUNT: usize = RETERM_LOOKS_COUNT;

    fn prefix(&self, at: usize) -> Option<Key> {
        self.next.bucket(at).map(Key::term_bucket_prefix)
    }

    async fn look_at(
        &mut self,
        key: &Key,
        stored: &Stored,
        _store: &Reader,
        seal: &Seal,
    ) -> Result<(), OperationError> {
        match readable(seal.moving_term(key, stored))? {
            Some(moving) => self.moving.extend(moving),
            None => self.unread += 1,
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.moving.len() >= RETERM_TERMS_COUNT_MAX
    }

    fn take(&mut self, store: &Reader, seal: &Seal) -> Result<Option<Page>, OperationError> {
        let moving = std::mem::take(&mut self.moving);
        let (change, count) = moved(&moving, store, seal)?;
        self.unread += moving.len() - count;
        let told = Announcement::OfKeys(KeyNews::TermsMoved { terms: count as u64 });
        let named = moving.iter().map(|one| Key::term(&one.from, one.record)).collect();
        Ok((count > 0).then_some(Page { change, told, named }))
    }

    fn begin_again(&mut self) {
        self.unread = 0;
    }
}

/// The change that puts terms under their next keys and takes them from under the former ones, and keeps for each record what its row's
/// terms are now; with how many terms move by it. Not those of a record of which what is kept so cannot be read, or is not the vault's own:
/// that would be taken over under a tag of ours.
fn moved(
    moving: &[MovingTerm],
    store: &Reader,
    seal: &Seal,
) -> Result<(Change, usize), OperationError> {
    let mut records: BTreeMap<RecordId, Vec<&MovingTerm>> = BTreeMap::new();
    for one in moving {
        records.entry(one.record).or_default().push(one);
    }
    let (mut change, mut count) = (Change::default(), 0);
    for (record, terms) in records {
        let kept = seal.moved_terms(record, store);
        let Some((version, mut moved)) = readable(kept)? else { continue };
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
        change.ops.push(Op::Put(key.clone(), version.next(), seal.tagged(record, &moved)));
        change.expects.push(Expect { key, version, stamp: 0 });
    }
    Ok((change, count))
}
