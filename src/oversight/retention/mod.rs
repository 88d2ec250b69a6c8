//! Ends the retention of the log's entries: bundles that are old enough go, and an entry says which.
//! Never an entry that witnesses, the receiver or a hold still need, never in doubt about the time, and never a hash.
//! The entry of a pruning is shown to everybody before the first bundle goes, so nothing is missing without it; behind it the keys
//! of contexts go that no kept entry needs.
//!
//! What an entry says of its time is believed because the reader holds it against the signed checkpoint, and where the log begins because an entry says so. Else
//! whoever can write the disk, without any key, could have the vault itself take away what that one changed, and sign for it.

use super::entry::LogEntry;
use super::error::OversightError;
use crate::ambient::{BelievedClock, Clock, Micros};
use crate::limits::{CONTEXTS_MONTHS_MAX, RETENTION_BUNDLES_COUNT_MAX, RETENTION_CLOCK_LEAP_MAX};
use crate::trail::{Announcement, Trail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::{LogReader, Minimum, prune};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Entries of a bundle.
const BUNDLE: u64 = 256;

/// The first index that somebody still needs.
pub type Floor = Box<dyn Fn() -> u64 + Send + Sync>;

/// What is kept, and for how long.
pub struct RetentionSettings {
    /// The log.
    pub log: LogReader,
    /// How long an entry is kept at least, in months.
    pub months: u32,
    /// Who needs older ones: nothing from the lowest of these indexes on is pruned.
    pub floors: Vec<Floor>,
}

/// The keeper of the log's beginning.
pub struct Retention {
    settings: RetentionSettings,
    clock: BelievedClock,
    /// Time of the last entry before this run.
    before: Option<Micros>,
    /// A pruning that is recorded and not done.
    pending: Option<Minimum>,
    tidied: bool,
    /// Whether keys of contexts may be there that no kept entry needs: so it is at a start, and behind each pruning.
    has_keys_to_end: bool,
    /// Keys of contexts of before that are ended.
    contexts_before: Micros,
    failing: Arc<AtomicBool>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing is old enough.
    Nothing,
    /// A pruning is recorded and waits until that is shown.
    Recorded,
    /// Everything below this index is gone; there may be more.
    Pruned(u64),
}

/// Where the log begins, and the policy that was in force there.
#[derive(Clone, Copy)]
struct Beginning {
    minimum: Minimum,
    policy: Option<(u64, [u8; 32])>,
}

/// What a stretch of bundles holds that is due.
struct Due {
    end: u64,
    policy: Option<(u64, [u8; 32])>,
}

impl Retention {
    /// Begins. The last entry that the log has now is what the clock is held against: one that leapt is not believed.
    ///
    /// # Errors
    /// When the log cannot be read, or begins where no entry of it says so.
    pub fn new(
        settings: RetentionSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Retention, OversightError> {
        let size = settings.log.size()?;
        let last = match size.checked_sub(1) {
            Some(last) => LogEntry::parse(&settings.log.entry(last)?),
            None => None,
        };
        let before = last.and_then(|entry| i64::try_from(entry.t).ok()).map(Micros);
        let clock = BelievedClock::new(clock, before, RETENTION_CLOCK_LEAP_MAX);
        // Before anything is taken away, and before the first answer: what the file alone says is nobody's word.
        beginning(&settings.log)?;
        Ok(Retention {
            settings,
            clock,
            before,
            pending: None,
            tidied: false,
            has_keys_to_end: true,
            contexts_before: Micros(i64::MIN),
            failing: Arc::default(),
        })
    }

    /// Time of the last entry that the log had when this began: nothing was later then.
    pub fn last_before(&self) -> Option<Micros> {
        self.before
    }

    /// The same, and nothing goes from the index on that this tells each time.
    #[must_use]
    pub fn keeping(mut self, floor: Floor) -> Retention {
        self.settings.floors.push(floor);
        self
    }

    /// Something that tells whether the last step failed, for as long as anybody asks.
    pub fn watch(&self) -> impl Fn() -> bool + Send + Sync + use<> {
        let failing = self.failing.clone();
        move || failing.load(Ordering::Acquire)
    }

    /// Goes on by one step.
    ///
    /// # Errors
    /// When the log cannot be read or changed, is not what the checkpoint covers, or the pruning cannot be recorded; nothing
    /// goes then.
    pub async fn step(&mut self, trail: &Trail) -> Result<Step, OversightError> {
        let step = self.go_on(trail).await;
        self.failing.store(step.is_err(), Ordering::Release);
        step
    }

    async fn go_on(&mut self, trail: &Trail) -> Result<Step, OversightError> {
        if self.clock.is_in_doubt() {
            return Ok(Step::Nothing);
        }
        let log = self.settings.log.clone();
        let shown = log.shown(trail.asks_witnesses())?.map_or(0, |shown| shown.size);
        if let Some(minimum) = self.pending {
            if shown <= minimum.recorded {
                return Ok(Step::Recorded);
            }
            take_away(log, minimum).await?;
            self.pending = None;
            self.has_keys_to_end = true;
            return Ok(Step::Pruned(minimum.index));
        }
        let begins = beginning(&log)?;
        let minimum = begins.minimum;
        if !self.tidied && minimum.index > 0 {
            // A crash in the middle of a pruning left some.
            take_away(log.clone(), minimum).await?;
        }
        self.tidied = true;
        let before = self.cutoff();
        let floors = self.settings.floors.iter().map(|floor| floor());
        let ceiling = floors.chain([shown, log.size()?]).min().unwrap_or(0);
        let read = log.clone();
        let found = tokio::task::spawn_blocking(move || due(&read, begins, before, ceiling)).await;
        let due = found.map_err(|_| OversightError::Broken)??;
        let Some((policy_at, policy)) = due.policy.filter(|_| due.end > minimum.index) else {
            // Last, so that a ring that cannot be written keeps no entry.
            self.end_keys(&log, minimum, trail).await?;
            return Ok(Step::Nothing);
        };
        let pruned = Announcement::Pruned {
            from: minimum.index,
            minimum: due.end,
            before: u64::try_from(before.0).unwrap_or(0),
            policy,
            policy_at,
        };
        let recorded = trail.announce(pruned).await?.index();
        self.pending = Some(Minimum { index: due.end, recorded });
        Ok(Step::Recorded)
    }

    /// The contexts of entries that are gone open no more, wherever copies of them lie. Nor do those of entries that are kept for
    /// longer than the ring keeps keys of months: it needs their places for the months to come.
    async fn end_keys(
        &mut self,
        log: &LogReader,
        minimum: Minimum,
        trail: &Trail,
    ) -> Result<(), OversightError> {
        let mut before = self.clock.now().months_before(CONTEXTS_MONTHS_MAX);
        if self.has_keys_to_end && minimum.index > 0 {
            let kept = first_kept(log, minimum)?;
            // By a clock that was ahead, of a time that is still to come: nothing follows of it for those behind it.
            if kept <= self.clock.now() {
                before = before.max(kept);
            }
        }
        if before > self.contexts_before {
            trail.end_contexts_before(before).await?;
            self.contexts_before = before;
        }
        self.has_keys_to_end = false;
        Ok(())
    }

    /// The moment before which entries are old enough, by a time that is believed.
    fn cutoff(&self) -> Micros {
        self.clock.now().months_before(self.settings.months)
    }
}

/// Time of the first entry that is kept.
fn first_kept(log: &LogReader, minimum: Minimum) -> Result<Micros, OversightError> {
    let first = LogEntry::parse(&log.entry(minimum.index)?).ok_or(OversightError::Malformed)?;
    Ok(Micros(i64::try_from(first.t).map_err(|_| OversightError::Malformed)?))
}

async fn take_away(log: LogReader, minimum: Minimum) -> Result<(), OversightError> {
    let done = tokio::task::spawn_blocking(move || prune(&log, minimum)).await;
    Ok(done.map_err(|_| OversightError::Broken)??)
}

/// Where the log begins, once the entry that the file names says the same: it is in the log, and the file is not.
fn beginning(log: &LogReader) -> Result<Beginning, OversightError> {
    let minimum = log.minimum()?;
    if minimum.index == 0 {
        return Ok(Beginning { minimum, policy: None });
    }
    let says = |entry: &LogEntry| {
        (&*entry.ev, &*entry.act, &*entry.out) == ("sys", "prune", "success")
            && entry.x.get("minimum").and_then(serde_json::Value::as_u64) == Some(minimum.index)
    };
    let entry = LogEntry::parse(&log.entry(minimum.recorded)?).filter(says);
    let entry = entry.ok_or(OversightError::Unrecorded)?;
    Ok(Beginning { minimum, policy: policy_of(&entry, "policy_at", "policy") })
}

/// Looks through whole bundles from the beginning on, as far as every entry of them is old enough and needed by nobody.
fn due(
    log: &LogReader,
    Beginning { minimum, policy }: Beginning,
    before: Micros,
    ceiling: u64,
) -> Result<Due, OversightError> {
    let mut due = Due { end: minimum.index, policy };
    for _ in 0..RETENTION_BUNDLES_COUNT_MAX {
        if due.end + BUNDLE > ceiling {
            break;
        }
        let entries = log.entries(due.end, BUNDLE as usize)?;
        let mut policy = due.policy;
        for bytes in &entries {
            let entry = LogEntry::parse(bytes).ok_or(OversightError::Malformed)?;
            let is_old = i64::try_from(entry.t).is_ok_and(|time| time < before.0);
            if !is_old {
                return Ok(due);
            }
            if entry.ev == "policy" && entry.act == "activated" {
                policy = digest(&entry, "digest").map(|digest| (entry.seq, digest)).or(policy);
            }
        }
        due = Due { end: due.end + BUNDLE, policy };
    }
    Ok(due)
}

fn policy_of(entry: &LogEntry, place: &str, name: &str) -> Option<(u64, [u8; 32])> {
    Some((entry.x.get(place)?.as_u64()?, digest(entry, name)?))
}

fn digest(entry: &LogEntry, name: &str) -> Option<[u8; 32]> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(entry.x.get(name)?.as_str()?).ok()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests;
