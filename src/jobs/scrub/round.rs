//! One round: over all rows, then over the log, part by part.
//! Never faster than its share of one processor, whatever the store holds; each step is short.
//! The log is read only once it has every entry that the rows name, so what it does not have was never written.

use super::super::pace::{Pace, Stopped};
use super::part::{Handle, Part, Stand, Verdict};
use crate::ambient::Clock;
use crate::limits::{
    SCRUB_ENTRIES_COUNT, SCRUB_ROWS_COUNT, SCRUB_SHARE_PERCENT, SCRUB_WAIT_MAX, SCRUB_WAIT_PAUSE,
};
use crate::seal::Seal;
use crate::store::{Fetched, Key, Reader, StoreError, Stored};
use crate::trail::TrailError;
use gridvault_audit::verify::is_restore;
use gridvault_audit::{LogError, LogReader};
use ring::digest::{SHA256, digest};
use std::time::Duration;

/// Why a round came to no end.
#[derive(Debug, thiserror::Error)]
pub(super) enum RoundError {
    /// The vault stops.
    #[error("it was stopped")]
    Stopped,
    /// The store cannot be read.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    /// The log cannot be read; the beginning of it may have gone while it was.
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    /// The round cannot be recorded.
    #[error("it cannot be recorded")]
    Trail(#[from] TrailError),
}

/// What a round works with.
pub(super) struct Round<'a> {
    pub(super) store: &'a Reader,
    pub(super) seal: &'a Seal,
    pub(super) log: &'a LogReader,
    pub(super) clock: &'a dyn Clock,
    pub(super) stops: &'a (dyn Fn() -> bool + Sync),
}

impl Round<'_> {
    /// Goes over everything, in `parts` parts or in more where those hold too much. Gives what was found, the index below which
    /// records were judged, and the number of parts.
    pub(super) async fn run(&self, mut parts: u64) -> Result<(Verdict, u64, u64), RoundError> {
        // Everything of the entries below it can be seen in the store.
        let begun = self.store.applied_index();
        let (mut verdict, mut number) = (Verdict::default(), 0);
        while number < parts {
            let mut part = Part::new(number, parts, begun, self.first_judged()?);
            // What a row does not name any more, its removal, must be in the log as well.
            let claimed = self.rows(&mut part).await?.max(self.store.applied_index());
            let size = self.published(claimed).await?;
            self.entries(&mut part, size).await?;
            if part.is_overfull() {
                (verdict, number, parts) = (Verdict::default(), 0, parts * 2);
                continue;
            }
            verdict.add(part.judge());
            number += 1;
        }
        Ok((verdict, begun, parts))
    }

    /// The first entry that a row can be held against: those before it are gone with a pruning, or are in the log before a
    /// restore, whose rows name its entry.
    fn first_judged(&self) -> Result<u64, RoundError> {
        let minimum = self.log.minimum()?.index;
        if minimum > 0 || self.log.size()? == 0 {
            return Ok(minimum);
        }
        Ok(u64::from(is_restore(&self.log.entry(0)?)))
    }

    /// Shows all rows to a part. Gives the index after the last entry that any of them names.
    async fn rows(&self, part: &mut Part) -> Result<u64, RoundError> {
        let (mut after, mut claimed): (Option<Key>, u64) = (None, 0);
        loop {
            let started = self.clock.monotonic();
            let page =
                self.store.scan(&Key::row_prefix(), after.as_ref(), SCRUB_ROWS_COUNT).await?;
            let Some((last, _)) = page.last() else { return Ok(claimed) };
            after = Some(last.clone());
            for (key, stored) in &page {
                if let Some(handle) = self.handle_of(key, part).await? {
                    claimed = claimed.max(stored.index.saturating_add(1));
                    part.stored(handle, stand_of(stored));
                }
            }
            self.rest_after(started).await?;
            if part.is_overfull() {
                return Ok(claimed);
            }
        }
    }

    /// The handle of a record, which it has for ever; nothing for one that is removed, the log says so too.
    async fn handle_of(&self, key: &Key, part: &mut Part) -> Result<Option<Handle>, RoundError> {
        let Some(id) = key.record() else { return Ok(None) };
        let sealed = match self.store.fetch(id).await {
            Ok(Fetched::Found(sealed)) => sealed,
            Ok(Fetched::Erased(..) | Fetched::Missing) => return Ok(None),
            Err(StoreError::Corrupt { .. }) => {
                part.unreadable();
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        match self.seal.facts(&sealed) {
            Ok(facts) => Ok(Some(*facts.record_handle.as_bytes())),
            Err(_) => {
                part.unreadable();
                Ok(None)
            }
        }
    }

    /// Waits for the log to have every entry below `claimed`, for as long as that may take where they exist; gives its size.
    async fn published(&self, claimed: u64) -> Result<u64, RoundError> {
        let mut waited = Duration::ZERO;
        loop {
            let size = self.log.size()?;
            if size >= claimed || waited >= SCRUB_WAIT_MAX {
                return Ok(size);
            }
            self.pause(SCRUB_WAIT_PAUSE).await?;
            waited += SCRUB_WAIT_PAUSE;
        }
    }

    /// Shows the log to a part, as far as it is kept and up to `size`.
    async fn entries(&self, part: &mut Part, size: u64) -> Result<(), RoundError> {
        part.begins_at(self.first_judged()?);
        let mut next = self.log.minimum()?.index;
        while next < size && !part.is_overfull() {
            let started = self.clock.monotonic();
            // Up to the end of a bundle, so that each is read once.
            let count = SCRUB_ENTRIES_COUNT - next % SCRUB_ENTRIES_COUNT;
            let entries = self.log.entries(next, count.min(size - next) as usize)?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in &entries {
                part.entry(next, entry);
                next += 1;
            }
            self.rest_after(started).await?;
        }
        Ok(())
    }

    /// Rests as long as the share of one processor asks for a step that began then.
    async fn rest_after(&self, started: u64) -> Result<(), RoundError> {
        Ok(self.pace().rest_after(started).await?)
    }

    async fn pause(&self, time: Duration) -> Result<(), RoundError> {
        Ok(self.pace().pause(time).await?)
    }

    fn pace(&self) -> Pace<'_> {
        Pace { clock: self.clock, percent: SCRUB_SHARE_PERCENT, stops: self.stops }
    }
}

impl From<Stopped> for RoundError {
    fn from(_: Stopped) -> RoundError {
        RoundError::Stopped
    }
}

fn stand_of(stored: &Stored) -> Stand {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &stored.payload).as_ref());
    Stand { index: stored.index, version: stored.version.0, digest: hash }
}
