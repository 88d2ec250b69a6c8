//! Goes through the store page by page, again and again, until a whole walk finds nothing that is under a key which is about to be
//! destroyed: of whatever kind, and whatever takes its place.
//! Never more at once than a page, and never a frame larger than who walks says; others get their turn between two steps.
//! A walk that finds nothing, begun after the trail took nothing more under the former keys, is proof that nobody needs them.

use crate::limits::REWRAP_ROUNDS_COUNT_MAX;
use crate::operations::OperationError;
use crate::seal::Seal;
use crate::store::{Change, Key, Reader, Stored};
use crate::trail::{Announcement, Trail};

/// What is written at once, and what is said with it.
pub(super) struct Page {
    pub(in crate::operations) change: Change,
    pub(in crate::operations) told: Announcement,
    /// What it was made of, to be looked at once more where something of it moved on.
    pub(in crate::operations) named: Vec<Key>,
}

/// What is gone through, and what becomes of what is found.
pub(super) trait Outdated {
    /// Rows that are looked at in one step.
    const LOOKS_COUNT: usize;

    /// The rows at this place among those that are gone through; nothing behind the last.
    fn prefix(&self, at: usize) -> Option<Key>;

    /// Takes a row into what is to be written, where it is under a former key.
    ///
    /// # Errors
    /// Whatever keeps it from being written anew, but not that it cannot be read: that keeps nobody else from it.
    async fn look_at(
        &mut self,
        key: &Key,
        stored: &Stored,
        store: &Reader,
        seal: &Seal,
    ) -> Result<(), OperationError>;

    /// Whether what was taken in is to be written before anything else is.
    fn is_full(&self) -> bool;

    /// What was taken in; nothing where that is nothing.
    ///
    /// # Errors
    /// The store's.
    fn take(&mut self, store: &Reader, seal: &Seal) -> Result<Option<Page>, OperationError>;

    /// Another walk begins.
    fn begin_again(&mut self) {}
}

/// Walks until one finds nothing.
pub(super) struct Rounds<W> {
    pub(in crate::operations) walk: W,
    at: usize,
    behind: Option<Key>,
    /// Whether this walk found nothing so far.
    clean: bool,
    rounds: u32,
}

impl<W: Outdated> Rounds<W> {
    pub(super) fn of(walk: W) -> Rounds<W> {
        Rounds { walk, at: 0, behind: None, clean: true, rounds: 0 }
    }

    /// Looks at the next page. Whether a whole walk found nothing.
    ///
    /// # Errors
    /// Whatever keeps it from going on. Nothing is lost by it: another one may begin.
    pub(super) async fn step(
        &mut self,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        let mut left = W::LOOKS_COUNT;
        while let Some(prefix) = self.walk.prefix(self.at) {
            let page = store.scan(&prefix, self.behind.as_ref(), left).await?;
            left -= page.len();
            for (key, stored) in &page {
                self.walk.look_at(key, stored, store, seal).await?;
                if self.walk.is_full() {
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
        self.walk.begin_again();
        match self.rounds < REWRAP_ROUNDS_COUNT_MAX {
            true => Ok(false),
            false => Err(OperationError::Internal("what was written anew is found outdated again")),
        }
    }

    /// Writes what was taken in. Where something of it moved on since it was looked at nothing was written: all of it is looked at once
    /// more at once, and what moves on again is left to the next walk.
    async fn write(
        &mut self,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<(), OperationError> {
        let Some(Page { change, told, named }) = self.walk.take(store, seal)? else {
            return Ok(());
        };
        self.clean = false;
        if trail.announce_keys(told, change).await?.is_some() {
            return Ok(());
        }
        for key in named {
            if let Some(stored) = store.get(&key).await? {
                self.walk.look_at(&key, &stored, store, seal).await?;
            }
        }
        if let Some(Page { change, told, .. }) = self.walk.take(store, seal)? {
            trail.announce_keys(told, change).await?;
        }
        Ok(())
    }
}
