//! The thread that walks through the published log and keeps what the rules find.
//! Never in a request's way: it reads the log's files alone, and rests between bundles while it catches up.
//! What it keeps is derived: a start goes on from the last day that was kept, or begins with the first entry, and finds the same.

use super::memory::{Memory, Recalled, Standpoint, keep, recall};
use super::watch::Watch;
use super::{Anomaly, IsReviewed, Shared, Watching};
use crate::limits::{
    ANOMALY_CATCH_UP_PAUSE, ANOMALY_KEEP_ENTRIES_COUNT, ANOMALY_PAUSE, INDEX_READ_ENTRIES_COUNT,
};
use crate::oversight::entry::LogEntry;
use crate::oversight::follower::Follower;
use gridvault_audit::{LogError, LogReader};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(super) struct Keeper {
    log: LogReader,
    watch: Watch,
    shared: Arc<Shared>,
    /// The file of what is remembered.
    path: PathBuf,
    has_room: Box<dyn Fn() -> bool + Send>,
    is_reviewed: IsReviewed,
    rules: [u8; 32],
    next: u64,
    /// Where the file stands.
    kept: u64,
    /// Whether the file was looked at.
    recalled: bool,
}

impl Follower for Keeper {
    const WHAT: &'static str = "the search for anomalies";
    const PAUSE: Duration = ANOMALY_PAUSE;
    type Error = LogError;

    fn step(&mut self) -> Result<(), LogError> {
        if !self.recalled {
            self.recall()?;
            self.recalled = true;
        }
        self.keep_up()
    }
}

impl Keeper {
    pub(super) fn new(watching: Watching, shared: Arc<Shared>) -> Keeper {
        let Watching { directory, log, has_room, thresholds, schemas, is_own, lapsed, is_reviewed } =
            watching;
        let watch = Watch::new(thresholds, &schemas, is_own, lapsed);
        let (path, rules) = (directory.join("memory"), watch.rules_digest());
        let (next, kept, recalled) = (0, 0, false);
        Keeper { log, watch, shared, path, has_room, is_reviewed, rules, next, kept, recalled }
    }

    fn stops(&self) -> bool {
        self.shared.signals.stops()
    }

    /// Goes on from what was kept, if it is of this log and of these rules.
    fn recall(&mut self) -> Result<(), LogError> {
        let Some(Recalled { standpoint, memory, first, anomalies }) = recall(&self.path) else {
            return Ok(());
        };
        let Standpoint { next, leaf, rules } = standpoint;
        let of_this_log = next > 0 && self.log.leaf(next - 1).is_ok_and(|own| own == leaf);
        if rules != self.rules || !of_this_log {
            tracing::info!(
                "the log is searched for anomalies from its beginning: what was kept is of another log or of other rules"
            );
            if of_this_log {
                let anomalies = anomalies.into_iter().map(Arc::new).collect();
                self.shared.begin_with(0, self.beyond_finding(anomalies)?);
            }
            return Ok(());
        }
        self.watch.recall(memory);
        self.shared.begin_with(first, anomalies.into_iter().map(Arc::new).collect());
        self.shared.through.store(next, Ordering::Release);
        (self.next, self.kept) = (next, next);
        Ok(())
    }

    /// Forgets everything, at an administrator's word, but what officers looked into and no walk can find any more.
    fn forget(&mut self) -> Result<(), LogError> {
        let stays = self.beyond_finding(self.shared.all())?;
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let is_all_found_again = stays.is_empty();
        self.watch.recall(Memory::new());
        self.shared.begin_with(0, stays);
        self.shared.through.store(0, Ordering::Release);
        self.shared.unfollowed.store(0, Ordering::Release);
        (self.next, self.kept) = (0, 0);
        if !is_all_found_again {
            // A start before the next time would not know of them: they are kept where the log begins, with nothing remembered.
            self.next = self.log.minimum()?.index;
            self.write();
        }
        Ok(())
    }

    /// Those of which a review was opened, and whose first entry was pruned: the log does not give them a second time. Of what
    /// nobody looked at nothing is taken on trust.
    fn beyond_finding(&self, anomalies: Vec<Arc<Anomaly>>) -> Result<Vec<Arc<Anomaly>>, LogError> {
        let minimum = self.log.minimum()?.index;
        let pruned = |one: &Anomaly| one.entries.first().is_some_and(|first| *first < minimum);
        let stays = |one: &Arc<Anomaly>| pruned(one) && (self.is_reviewed)(&one.id);
        Ok(anomalies.into_iter().filter(stays).collect())
    }

    /// Keeps what is remembered of the days before the next entry. What fails costs the next start time and nothing else.
    fn keep(&mut self, published: u64) {
        // The longer the way still is, the longer until the next time: three years are not written down day by day.
        let due = ANOMALY_KEEP_ENTRIES_COUNT.max((published - self.next) / 4);
        if self.next - self.kept >= due && (self.has_room)() {
            self.write();
        }
    }

    fn write(&mut self) {
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
        if self.shared.signals.take_again()
            && let Err(error) = self.forget()
        {
            self.shared.signals.begin_again();
            return Err(error);
        }
        let published = self.log.size()?;
        while self.next < published && !self.stops() && !self.shared.signals.begins_again() {
            // Up to the end of a bundle, so that each is read once.
            let count = INDEX_READ_ENTRIES_COUNT - self.next % INDEX_READ_ENTRIES_COUNT;
            let entries = match self.log.entries(self.next, count as usize) {
                // What was pruned can no longer be looked at. Whoever reads is told of it, so nobody looks where the log begins
                // at every step.
                Err(LogError::Pruned { minimum }) if minimum > self.next => {
                    self.next = minimum.min(published);
                    continue;
                }
                entries => entries?,
            };
            if entries.is_empty() {
                break;
            }
            for entry in &entries {
                // What is no entry shows nothing; the index counts it, and the verifier names it.
                if let Some(entry) = LogEntry::parse(entry) {
                    // What is found at the end of a day is kept with it: nobody finds it again from there.
                    if let Some(found) = self.watch.turn(&entry) {
                        self.shared.add(found);
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
