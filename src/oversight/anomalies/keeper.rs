//! The thread that walks through the published log and keeps what the rules find.
//! Never in a request's way: it reads the log's files alone, and rests between bundles while it catches up.
//! What it keeps is derived: a start begins with the first entry, and finds the same.

use super::watch::Watch;
use super::{Shared, Watching};
use crate::limits::{
    ANOMALY_CATCH_UP_PAUSE, ANOMALY_PAUSE, INDEX_READ_ENTRIES_COUNT, INDEX_RETRY_PAUSE,
};
use crate::oversight::entry::LogEntry;
use gridvault_audit::{LogError, LogReader};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(super) struct Keeper {
    log: LogReader,
    watch: Watch,
    shared: Arc<Shared>,
    next: u64,
}

impl Keeper {
    pub(super) fn new(watching: Watching, shared: Arc<Shared>) -> Keeper {
        let Watching { log, thresholds, schemas, is_own } = watching;
        Keeper { log, watch: Watch::new(thresholds, &schemas, is_own), shared, next: 0 }
    }

    pub(super) fn run(mut self) {
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

    fn keep_up(&mut self) -> Result<(), LogError> {
        let published = self.log.size()?;
        while self.next < published && !self.stops() {
            // Up to the end of a bundle, so that each is read once.
            let count = INDEX_READ_ENTRIES_COUNT - self.next % INDEX_READ_ENTRIES_COUNT;
            let entries = self.log.entries(self.next, count as usize)?;
            if entries.is_empty() {
                break;
            }
            for entry in &entries {
                // What is no entry shows nothing; the index counts it, and the verifier names it.
                if let Some(entry) = LogEntry::parse(entry) {
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
