//! Anomalies: what staff accounts did that is out of the ordinary, found in the log by rules with thresholds.
//! Never about residents, never a score, a rank or a punishment: a list by time of what somebody should look at.
//! Derived from the published log alone, at any time again; each names its entries, so that they are opened with proofs.

mod act;
mod anomaly;
mod keeper;
mod list;
mod memory;
mod past;
mod rules;
mod thresholds;
mod watch;

pub use anomaly::Anomaly;
pub use list::{AnomaliesFound, AnomaliesQuestion, AnomalyState, list_anomalies};
pub use rules::RuleName;
pub use thresholds::{Thresholds, ThresholdsError};
pub use watch::{IsOwn, Lapsed};

use super::follower::{Signals, Thread};
use super::ids::AnomalyId;
use crate::limits::ANOMALIES_COUNT_MAX;
use crate::records::SchemaSet;
use gridvault_audit::LogReader;
use keeper::Keeper;
use memory::FoundSoFar;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What the search needs.
pub struct Watching {
    /// Its own directory; whatever lies in it may be deleted.
    pub directory: PathBuf,
    /// The published log.
    pub log: LogReader,
    /// Whether there is room on the disk for something that can be made again.
    pub has_room: Box<dyn Fn() -> bool + Send>,
    /// When something is out of the ordinary.
    pub thresholds: Thresholds,
    /// Which kind of information a field is.
    pub schemas: Arc<SchemaSet>,
    /// Whose own record it is.
    pub is_own: IsOwn,
    /// Which post of an actor ended by itself, and when.
    pub lapsed: Lapsed,
    /// Of which anomaly a review was opened.
    pub is_reviewed: IsReviewed,
}

/// Whether an officer opened a review over an anomaly.
pub type IsReviewed = Box<dyn Fn(&AnomalyId) -> bool + Send>;

/// The anomalies that were found. Cheap to clone; the thread ends with the last clone.
#[derive(Clone)]
pub struct Anomalies {
    shared: Arc<Shared>,
    escalation_roles: Arc<[String]>,
    digest: [u8; 32],
    thread: Arc<Thread>,
}

/// How far the search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnomaliesState {
    /// Entries that were looked at: all below this index.
    pub through: u64,
    /// Entries of accounts that are not followed, because too many are.
    pub unfollowed: u64,
    /// Anomalies that are forgotten, because there are too many newer ones.
    pub forgotten: u64,
    /// Whether the last step failed, which is tried again; or the thread is no more.
    pub failing: bool,
}

#[derive(Default)]
struct Shared {
    found: RwLock<Found>,
    /// Again: the log is to be walked from its beginning.
    signals: Arc<Signals>,
    through: AtomicU64,
    unfollowed: AtomicU64,
}

/// In the order of the log, the newest last; each has a number that it keeps.
#[derive(Default)]
struct Found {
    first: u64,
    anomalies: VecDeque<Arc<Anomaly>>,
    numbers: HashMap<AnomalyId, u64>,
}

impl Found {
    fn add(&mut self, anomaly: Arc<Anomaly>, count_max: usize) {
        // One that stayed when the log was walked again, and is found after all.
        if self.numbers.contains_key(&anomaly.id) {
            return;
        }
        let number = self.first + self.anomalies.len() as u64;
        self.numbers.insert(anomaly.id, number);
        self.anomalies.push_back(anomaly);
        while self.anomalies.len() > count_max {
            if let Some(oldest) = self.anomalies.pop_front() {
                self.numbers.remove(&oldest.id);
            }
            self.first += 1;
        }
    }
}

impl Shared {
    fn add(&self, anomalies: Vec<Anomaly>) {
        if anomalies.is_empty() {
            return;
        }
        let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
        for anomaly in anomalies {
            found.add(Arc::new(anomaly), ANOMALIES_COUNT_MAX);
        }
    }

    /// Has these, and no others.
    fn begin_with(&self, first: u64, anomalies: Vec<Arc<Anomaly>>) {
        let mut begun = Found { first, ..Found::default() };
        anomalies.into_iter().for_each(|anomaly| begun.add(anomaly, ANOMALIES_COUNT_MAX));
        *self.found.write().unwrap_or_else(PoisonError::into_inner) = begun;
    }

    /// All, in their order.
    fn all(&self) -> Vec<Arc<Anomaly>> {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        found.anomalies.iter().cloned().collect()
    }

    fn so_far(&self) -> FoundSoFar {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        FoundSoFar::of(found.first, found.anomalies.iter().map(AsRef::as_ref))
    }
}

impl Anomalies {
    /// Starts the thread that walks through the log.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(watching: Watching) -> std::io::Result<Anomalies> {
        let shared = Arc::new(Shared::default());
        let digest = *watching.thresholds.digest();
        let escalation_roles = watching.thresholds.escalation_roles().into();
        let keeper = Keeper::new(watching, shared.clone());
        let thread = Arc::new(Thread::start("anomalies", shared.signals.clone(), keeper)?);
        Ok(Anomalies { shared, escalation_roles, digest, thread })
    }

    /// How far it is.
    pub fn state(&self) -> AnomaliesState {
        AnomaliesState {
            through: self.shared.through.load(Ordering::Acquire),
            unfollowed: self.shared.unfollowed.load(Ordering::Acquire),
            forgotten: self.shared.found.read().unwrap_or_else(PoisonError::into_inner).first,
            failing: self.shared.signals.is_failing(),
        }
    }

    /// Has the log walked from its beginning, and everything found anew. What was looked into stays, where its entries were pruned.
    pub fn search_again(&self) {
        self.thread.begin_again();
    }

    /// Whether a review may be brought before a role.
    pub fn may_escalate_to(&self, role: &str) -> bool {
        self.escalation_roles.iter().any(|one| one == role)
    }

    /// One of them.
    pub fn get(&self, id: &AnomalyId) -> Option<Arc<Anomaly>> {
        let found = self.shared.found.read().unwrap_or_else(PoisonError::into_inner);
        let number = found.numbers.get(id)?;
        found.anomalies.get(usize::try_from(number - found.first).ok()?).cloned()
    }

    /// Those before a number, the newest first, each with its number, until the caller has enough.
    pub(super) fn walk_back(
        &self,
        before: Option<u64>,
        mut more: impl FnMut(u64, &Arc<Anomaly>) -> bool,
    ) {
        let found = self.shared.found.read().unwrap_or_else(PoisonError::into_inner);
        let end = found.first + found.anomalies.len() as u64;
        let before = before.unwrap_or(end).min(end);
        for number in (found.first..before).rev() {
            let Some(anomaly) = found.anomalies.get((number - found.first) as usize) else {
                return;
            };
            if !more(number, anomaly) {
                return;
            }
        }
    }

    /// SHA-256 of the thresholds that they were found under.
    pub fn thresholds_digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

#[cfg(test)]
mod tests;
