//! Whatever is under a header key that is about to be destroyed is sealed anew under the one that follows it, page by page.
//! Never a row written anew: its attributes are kept beside it, so neither its version nor what the log says of it moves. Everything else
//! lies in its place as it did, under its own version.
//! What cannot be read stays where it is, and is counted: it goes with its key, and keeps nothing else from being sealed anew.
//! A walk that finds nothing, begun after the trail took nothing more under the former, is proof that nobody needs it.

use super::OperationError;
use super::move_terms::readable;
use super::rewrap::on_disk;
use crate::identity;
use crate::limits::{
    RESEAL_BYTES_MAX, RESEAL_LOOKS_COUNT, RESEAL_VALUES_COUNT_MAX, REWRAP_ROUNDS_COUNT_MAX,
};
use crate::seal::{Anew, RotationKind, Seal, bound_to};
use crate::store::{Change, Expect, Fetched, Key, Op, Reader, Stored, Version};
use crate::trail::{Announcement, KeyNews, Trail};
use std::sync::Arc;

/// Walks until one finds nothing.
pub(super) struct Reseal {
    /// The epoch of the key that everything goes over to.
    next: u32,
    /// The kind of rows that is looked at, by its place among those.
    at: usize,
    behind: Option<Key>,
    change: Change,
    /// What it is about.
    named: Vec<Key>,
    /// Whether this walk found nothing so far.
    clean: bool,
    rounds: u32,
    /// How many values of this walk cannot be read.
    unread: usize,
}

/// Every kind of row that has something under the header key.
fn prefixes() -> impl Iterator<Item = Key> {
    std::iter::once(Key::row_prefix()).chain(Key::by_header_prefixes())
}

impl Reseal {
    /// Towards the next header key of this epoch, which is there.
    pub(super) fn towards(next: u32) -> Reseal {
        let (change, named) = (Change::default(), Vec::new());
        Reseal { next, at: 0, behind: None, change, named, clean: true, rounds: 0, unread: 0 }
    }

    /// Whether it goes towards that one.
    pub(super) fn is_towards(&self, next: u32) -> bool {
        self.next == next
    }

    /// Looks at the next page. Whether nothing is under the former key any more.
    pub(super) async fn step(
        &mut self,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        let mut left = RESEAL_LOOKS_COUNT;
        while let Some(prefix) = prefixes().nth(self.at) {
            let page = store.scan(&prefix, self.behind.as_ref(), left).await?;
            left -= page.len();
            for (key, stored) in &page {
                self.look_at(key, stored, store, seal).await?;
                if self.named.len() >= RESEAL_VALUES_COUNT_MAX
                    || self.change.size_bytes() >= RESEAL_BYTES_MAX
                {
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
            false => Err(OperationError::Internal("values are sealed anew and found outdated")),
        }
    }

    /// Destroys the key that the next one follows, once a walk found nothing under it.
    ///
    /// A crash leaves both in the ring, or the next one alone, which is all that anything is under by then.
    pub(super) async fn destroy(&self, seal: &Arc<Seal>) -> Result<(), OperationError> {
        if self.unread > 0 {
            tracing::error!(values = self.unread, "what cannot be read goes with the header key");
        }
        let (seal, next) = (seal.clone(), self.next);
        on_disk(move || seal.destroy_former_single(RotationKind::Header, next)).await
    }

    /// Takes one value into what is to be written, if it is under the former key.
    async fn look_at(
        &mut self,
        key: &Key,
        stored: &Stored,
        store: &Reader,
        seal: &Seal,
    ) -> Result<(), OperationError> {
        let (place, anew) = match key.record().filter(|_| key.is_row()) {
            Some(id) => {
                let Some(found) = readable(store.fetch(id).await)? else {
                    self.unread += 1;
                    return Ok(());
                };
                if version_of(&found) != Some(stored.version) {
                    // It moved on since the page was read: what it is now is the next walk's.
                    self.clean = false;
                    return Ok(());
                }
                (Key::moved_attributes(id), seal.seal_record_anew(&found)?)
            }
            None => {
                let bound = bound_to(key).or_else(|| identity::bound_to(key));
                let bound = bound.ok_or(OperationError::Internal("a row that no room seals"))?;
                (key.clone(), seal.seal_anew(&bound, &stored.payload)?)
            }
        };
        match anew {
            Anew::AsItIs => {}
            Anew::Unreadable => self.unread += 1,
            Anew::Sealed(sealed) => {
                // Of that version of it, whatever becomes of it later.
                self.change.ops.push(Op::Put(place, stored.version, sealed));
                let (key, version) = (key.clone(), stored.version);
                self.named.push(key.clone());
                self.change.expects.push(Expect { key, version, stamp: 0 });
            }
        }
        Ok(())
    }

    /// Writes what was sealed anew. Where one of them moved on since it was looked at nothing was written: they are looked at once more at
    /// once, and what moves on again is left to the next walk.
    async fn write(
        &mut self,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<(), OperationError> {
        if self.named.is_empty() {
            return Ok(());
        }
        self.clean = false;
        let named = std::mem::take(&mut self.named);
        if is_written(std::mem::take(&mut self.change), trail).await? {
            return Ok(());
        }
        for key in named {
            if let Some(stored) = store.get(&key).await? {
                self.look_at(&key, &stored, store, seal).await?;
            }
        }
        self.named.clear();
        let again = std::mem::take(&mut self.change);
        if !again.ops.is_empty() {
            is_written(again, trail).await?;
        }
        Ok(())
    }
}

fn version_of(found: &Fetched) -> Option<Version> {
    match found {
        Fetched::Found(sealed) => Some(sealed.version()),
        Fetched::Erased(_, version, _) => Some(*version),
        Fetched::Missing => None,
    }
}

async fn is_written(change: Change, trail: &Trail) -> Result<bool, OperationError> {
    let told = Announcement::OfKeys(KeyNews::SealedAnew { values: change.ops.len() as u64 });
    Ok(trail.announce_keys(told, change).await?.is_some())
}
