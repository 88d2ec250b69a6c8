//! Whatever is under a header key that is about to be destroyed is sealed anew under the one that follows it, page by page.
//! Never a row written anew: its attributes are kept beside it, so neither its version nor what the log says of it moves. Everything else
//! lies in its place as it did, under its own version.
//! What cannot be read stays where it is, and is counted: it goes with its key, and keeps nothing else from being sealed anew.
//! A walk that finds nothing, begun after the trail took nothing more under the former, is proof that nobody needs it.

use super::move_terms::readable;
use super::rewrap::on_disk;
use super::rounds::{Outdated, Page, Rounds};
use crate::identity;
use crate::limits::{RESEAL_BYTES_MAX, RESEAL_LOOKS_COUNT, RESEAL_VALUES_COUNT_MAX};
use crate::operations::OperationError;
use crate::seal::{Anew, RotationKind, Seal, bound_to};
use crate::store::{Change, Expect, Fetched, Key, Op, Reader, Stored, Version};
use crate::trail::{Announcement, KeyNews, Trail};
use std::sync::Arc;

/// Walks until one finds nothing.
pub(super) struct Reseal(Rounds<UnderFormer>);

/// What is under the former header key.
struct UnderFormer {
    /// The epoch of the key that everything goes over to.
    next: u32,
    change: Change,
    named: Vec<Key>,
    /// How many values of this walk cannot be read.
    unread: usize,
}

impl Reseal {
    /// Towards the next header key of this epoch, which is there.
    pub(super) fn towards(next: u32) -> Reseal {
        let (change, named) = (Change::default(), Vec::new());
        Reseal(Rounds::of(UnderFormer { next, change, named, unread: 0 }))
    }

    /// Whether it goes towards that one.
    pub(super) fn is_towards(&self, next: u32) -> bool {
        self.0.walk.next == next
    }

    /// How many values this walk could not read.
    pub(super) fn unread(&self) -> u64 {
        self.0.walk.unread as u64
    }

    /// Looks at the next page. Whether nothing is under the former key any more.
    pub(super) async fn step(
        &mut self,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        self.0.step(store, seal, trail).await
    }

    /// Destroys the key that the next one follows, once a walk found nothing under it.
    ///
    /// A crash leaves both in the ring, or the next one alone, which is all that anything is under by then.
    pub(super) async fn destroy(&self, seal: &Arc<Seal>) -> Result<(), OperationError> {
        let UnderFormer { next, unread, .. } = self.0.walk;
        if unread > 0 {
            tracing::error!(values = unread, "what cannot be read goes with the header key");
        }
        let seal = seal.clone();
        on_disk(move || seal.destroy_former_single(RotationKind::Header, next)).await
    }
}

impl Outdated for UnderFormer {
    const LOOKS_COUNT: usize = RESEAL_LOOKS_COUNT;

    fn prefix(&self, at: usize) -> Option<Key> {
        std::iter::once(Key::row_prefix()).chain(Key::by_header_prefixes()).nth(at)
    }

    async fn look_at(
        &mut self,
        key: &Key,
        stored: &Stored,
        store: &Reader,
        seal: &Seal,
    ) -> Result<(), OperationError> {
        let (place, version, anew) = match key.record().filter(|_| key.is_row()) {
            Some(id) => {
                let Some(found) = readable(store.fetch(id).await)? else {
                    self.unread += 1;
                    return Ok(());
                };
                let Some(version) = version_of(&found) else { return Ok(()) };
                (Key::moved_attributes(id), version, seal.seal_record_anew(&found)?)
            }
            None => {
                let bound = bound_to(key).or_else(|| identity::bound_to(key));
                let Some(bound) = bound else {
                    self.unread += 1;
                    return Ok(());
                };
                (key.clone(), stored.version, seal.seal_anew(&bound, &stored.payload)?)
            }
        };
        match anew {
            Anew::AsItIs => {}
            Anew::Unreadable => self.unread += 1,
            Anew::Sealed(sealed) => {
                // Of that version of it, whatever becomes of it later.
                self.change.ops.push(Op::Put(place, version, sealed));
                self.change.expects.push(Expect { key: key.clone(), version, stamp: 0 });
                self.named.push(key.clone());
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.named.len() >= RESEAL_VALUES_COUNT_MAX || self.change.size_bytes() >= RESEAL_BYTES_MAX
    }

    fn take(&mut self, _store: &Reader, _seal: &Seal) -> Result<Option<Page>, OperationError> {
        let (change, named) = (std::mem::take(&mut self.change), std::mem::take(&mut self.named));
        let values = named.len() as u64;
        let told = Announcement::OfKeys(KeyNews::SealedAnew { values });
        Ok((values > 0).then_some(Page { change, told, named }))
    }

    fn begin_again(&mut self) {
        self.unread = 0;
    }
}

fn version_of(found: &Fetched) -> Option<Version> {
    match found {
        Fetched::Found(sealed) => Some(sealed.version()),
        Fetched::Erased(_, version, _) => Some(*version),
        Fetched::Missing => None,
    }
}
