//! The thread that walks through the published log and keeps what the rules find.
//! Never in a request's way: it reads the log's files alone, and rests between bundles while it catches up.
//! What it keeps is derived: a start goes on from the last day that was kept, or begins with the first entry, and finds the same.

use super::memory::{Memory, Recalled, Standpoint, keep, recall};
use super::watch::Watch;
use super::{Shared, Watching};
use crate::limits::{
    ANOMALY_CATCH_UP_PAUSE, ANOMALY_KEEP_ENTRIES_COUNT, ANOMALY_PAUSE, INDEX_READ_ENTRIES_COUNT,
    INDEX_RETRY_PAUSE,
};
use crate::oversight::entry::LogEntry;
use gridvault_audit::{LogError, LogReader};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(super) struct Keeper {
    log: LogReader,
    watch: Watch,
    shared: Arc<Shared>,
    /// The file of what is remembered.
    path: PathBuf,
    has_room: Box<dyn Fn() -> bool + Send>,
    rules: [u8; 32],
    next: u64,
    /// Where the file stands.
    kept: u64,
}

impl Keeper {
    pub(super) fn new(watching: Watching, shared: Arc<Shared>) -> Keeper {
        let Watching { directory, log, has_room, thresholds, schemas, is_own } = watching;
        let watch = Watch::new(thresholds, &schemas, is_own);
        let (path, rules) = (directory.join("memory"), watch.rules_digest());
        Keeper { log, watch, shared, path, has_room, rules, next: 0, kept: 0 }
    }

    pub(super) fn run(mut self) {
        self.recall();
        while !self.stops() {
            let pause = match self.keep_up() {
                Ok(()) => {
                    self.shared.failing.store(false, Ordering::Release);
                    ANOMALY_PAUSE
                }
                Err(error) => {
                    if !self.shared.failing.swap(true, Ordering::AcqRel) {
                        tracing::error!(%error, "the search for anomalies stands still");
                    }
                    INDEX_RETRY_PAUSE
                }
            };
            std::thread::park_timeout(pause);
        }
    }

    fn stops(&self) -> bool {
        self.shared.stop.load(Ordering::Acquire)
    }

    /// Goes on from what was kept, if it is of this log and of these rules.
    fn recall(&mut self) {
        let Some(Recalled { standpoint, memory, first, anomalies }) = recall(&self.path) else {
            return;
        };
        let Standpoint { next, leaf, rules } = standpoint;
        let of_this_log = next > 0 && self.log.leaf(next - 1).is_ok_and(|own| own == leaf);
        if rules != self.rules || !of_this_log {
            tracing::info!(
                "the log is searched for anomalies from its beginning: what was kept is of another log or of other rules"
            );
            return;
        }
        self.watch.recall(memory);
        self.shared.begin_with(first, anomalies);
        self.shared.through.store(next, Ordering::Release);
        (self.next, self.kept) = (next, next);
    }

    /// Forgets everything, at an administrator's word.
    fn forget(&mut self) -> std::io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.watch.recall(Memory::new());
        self.shared.begin_with(0, Vec::new());
        self.shared.through.store(0, Ordering::Release);
        self.shared.unfollowed.store(0, Ordering::Release);
        (self.next, self.kept) = (0, 0);
        Ok(())
    }

    /// Keeps what is remembered of the days before the next entry. What fails costs the next start time and nothing else.
    fn keep(&mut self, published: u64) {
        // The longer the way still is, the longer until the next time: three years are not written down day by day.
        let due = ANOMALY_KEEP_ENTRIES_COUNT.max((published - self.next) / 4);
        if self.next - self.kept < due || !(self.has_room)() {
            return;
        }
        let kept = self.log.leaf(self.next - 1).map_err(std::io::Error::other).and_then(|leaf| {
            let standpoint = Standpoint { next: self.next, leaf, rules: self.rules };
            keep(&self.path, standpoint, self.watch.memory(), &self.shared.so_far())
        });
        match kept {
            Ok(()) => self.kept = self.next,
            Err(error) => {
                tracing::warn!(%error, "what the search for anomalies remembers cannot be kept")
            }
        }
    }

    fn keep_up(&mut self) -> Result<(), LogError> {
        if self.shared.again.swap(false, Ordering::AcqRel)
            && let Err(error) = self.forget()
        {
            self.shared.again.store(true, Ordering::Release);
            return Err(error.into());
        }
        let published = self.log.size()?;
        // What was pruned can no longer be looked at.
        self.next = self.next.max(self.log.minimum()?.index.min(published));
        while self.next < published && !self.stops() && !self.shared.again.load(Ordering::Acquire) {
            // Up to the end of a bundle, so that each is read once.
            let count = INDEX_READ_ENTRIES_COUNT - self.next % INDEX_READ_ENTRIES_COUNT;
            let entries = self.log.entries(self.next, count as usize)?;
            if entries.is_empty() {
                break;
            }
            for entry in &entries {
                // What is no entry shows nothing; the index counts it, and the verifier names it.
                if let Some(entry) = LogEntry::parse(entry) {
                    if self.watch.turn(&entry) {
                        self.keep(published);
                    }
                    let found = self.watch.observe(&entry);
                    self.shared.add(found);
                }
                self.next += 1;
            }
            self.shared.through.store(self.next, Ordering::Release);
            self.shared.unfollowed.store(self.watch.unfollowed_count(), Ordering::Release);
            if self.next < published {
                std::thread::park_timeout(ANOMALY_CATCH_UP_PAUSE);
            }
        }
        Ok(())
    }
}
