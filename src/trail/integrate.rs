//! The thread off the request path: entries into the Merkle log, checkpoints, and the replay mark.
//! Never acknowledges anything; what it does can be done again from the journal.
//! The mark moves only over what is flushed in the store and covered by a published checkpoint.

use super::alarm::Alarm;
use super::journal::{Framed, Position, is_full};
use super::readings::{GroupSizes, Readings};
use super::space::{SharedWatcher, Shown};
use super::{TrailFault, recover};
use crate::limits::{
    CHECKPOINT_INTERVAL, DISK_LOOK_INTERVAL, INTEGRATE_BYTES_MAX, INTEGRATE_BYTES_SOON,
    INTEGRATE_PAUSE, MARK_BYTES_MAX, MARK_ENTRIES_COUNT_MAX, MARK_INTERVAL, SPENT_FRAMES_BYTES_MAX,
    UNMARKED_BYTES_MAX,
};
use crate::store::{Flusher, Key, SystemKey};
use gridvault_audit::{Log, NoteSigner};
use gridvault_keys::{Keyring, Signer};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Entries of one group on their way into the log.
pub(super) struct Batch {
    pub(super) first_index: u64,
    /// They lie where they were written from, so that they are copied once.
    pub(super) framed: Framed,
    /// What it takes in memory until it is in the log.
    pub(super) bytes: usize,
    /// What it takes in the journal.
    pub(super) journal_bytes: u64,
    pub(super) position: Position,
}

// The mark moves before the committer has to wait for it.
const _: () = assert!(MARK_BYTES_MAX < UNMARKED_BYTES_MAX);

/// The bounded passage from the committer to the integrator.
#[derive(Default)]
pub(super) struct Handoff {
    state: Mutex<HandoffState>,
    changed: Condvar,
}

#[derive(Default)]
struct HandoffState {
    batches: VecDeque<Batch>,
    /// Of frames whose entries are not in the log, those at hand included.
    bytes: usize,
    /// Of the journal behind the mark.
    unmarked_bytes: u64,
    closed: bool,
    /// Frames whose entries are in the log: the committer fills their memory anew. Memory that one thread asks the system for and another
    /// gives back is zeroed each time around.
    spent: Vec<Framed>,
    /// Index after the last entry that is durable.
    appended: u64,
    groups: GroupSizes,
    published_at: Option<Instant>,
}

impl Handoff {
    fn lock(&self) -> MutexGuard<'_, HandoffState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while too much is not integrated or not marked: the log may lag, but never without bound.
    pub(super) fn push(&self, batch: Batch) {
        let mut state = self.lock();
        while !state.closed
            && (state.bytes > INTEGRATE_BYTES_MAX || state.unmarked_bytes > UNMARKED_BYTES_MAX)
        {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.bytes += batch.bytes;
        state.unmarked_bytes += batch.journal_bytes;
        state.appended = batch.first_index + batch.framed.entries.len() as u64;
        state.groups.count(batch.framed.entries.len() as u64);
        state.batches.push_back(batch);
        // The integrator sleeps for its time or for the first batch; those behind it find it at work or asleep.
        if state.batches.len() == 1 || state.bytes > INTEGRATE_BYTES_SOON {
            self.changed.notify_all();
        }
    }

    /// A checkpoint was published.
    fn published(&self) {
        self.lock().published_at = Some(Instant::now());
    }

    /// What whoever operates the vault may watch.
    pub(super) fn readings(&self) -> Readings {
        let state = self.lock();
        Readings {
            appended: state.appended,
            groups: state.groups,
            unintegrated_bytes: state.bytes as u64,
            unmarked_bytes: state.unmarked_bytes,
            checkpoint_age: state.published_at.map(|at| at.elapsed()),
            published: 0,
            refused: 0,
            damaged: 0,
        }
    }

    /// The entries of these frames are in the log.
    pub(super) fn integrated(&self, bytes: usize, frames: impl Iterator<Item = Framed>) {
        let mut let_go = Vec::new();
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
        let mut kept: usize = state.spent.iter().map(Framed::memory_bytes).sum();
        for frame in frames {
            if kept + frame.memory_bytes() <= SPENT_FRAMES_BYTES_MAX {
                kept += frame.memory_bytes();
                state.spent.push(frame);
            } else {
                let_go.push(frame);
            }
        }
        self.changed.notify_all();
        // Nobody waits while memory is let go of.
        drop(state);
        drop(let_go);
    }

    /// A frame to be filled anew: the one that came back last, or one without memory.
    pub(super) fn spent(&self) -> Framed {
        self.lock().spent.pop().unwrap_or_default()
    }

    /// The mark stands behind so much more of the journal.
    fn marked(&self, journal_bytes: u64) {
        let mut state = self.lock();
        state.unmarked_bytes = state.unmarked_bytes.saturating_sub(journal_bytes);
        self.changed.notify_all();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// What came within the time, and whether more can come. What comes is left to gather for a pause: each look at it
    /// asks the system about the log's files, and each wake is taken from the requests' processors.
    fn take(&self, wait: Duration, pause: Duration) -> (VecDeque<Batch>, bool) {
        let wait_while = |state, time, quiet: fn(&HandoffState) -> bool| {
            let waited = self.changed.wait_timeout_while(state, time, |state| quiet(state));
            waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state)
        };
        let state = self.lock();
        let state = wait_while(state, wait, |state| state.batches.is_empty() && !state.closed);
        let mut state =
            wait_while(state, pause, |state| state.bytes <= INTEGRATE_BYTES_SOON && !state.closed);
        let batches = std::mem::take(&mut state.batches);
        let open = !state.closed || !batches.is_empty();
        (batches, open)
    }
}

/// Signs checkpoints under the log's name, and with it the key that is to follow, where there is one.
pub(super) struct LogSigner {
    name: String,
    signer: Signer,
    next: Option<Box<LogSigner>>,
}

impl LogSigner {
    /// With the keys of the log as the ring has them now.
    pub(super) fn of(name: &str, keyring: &Keyring) -> LogSigner {
        let (signer, next) = keyring.log_signers();
        let named = |signer, next| LogSigner { name: name.to_owned(), signer, next };
        let next = next.map(|next| Box::new(named(next, None)));
        named(signer, next)
    }

    /// Those of all that sign.
    pub(super) fn public_keys(&self) -> Vec<[u8; 32]> {
        let next = self.next.as_ref().map(|next| next.signer.public_key());
        [self.signer.public_key()].into_iter().chain(next).collect()
    }
}

impl NoteSigner for LogSigner {
    fn key_name(&self) -> &str {
        &self.name
    }

    fn public_key(&self) -> [u8; 32] {
        self.signer.public_key()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signer.sign(message)
    }

    fn next(&self) -> Option<&dyn NoteSigner> {
        self.next.as_deref().map(|next| next as &dyn NoteSigner)
    }
}

/// The integrator's belongings.
pub(super) struct Integrator {
    pub(super) alarm: Alarm,
    pub(super) log: Log,
    pub(super) origin: String,
    /// Has the keys that sign: another one may follow at any time.
    pub(super) keyring: Arc<Keyring>,
    pub(super) flusher: Flusher,
    pub(super) journal_directory: PathBuf,
    pub(super) chain: gridvault_keys::ChainKey,
    pub(super) position: Position,
    pub(super) marked: Position,
    /// Journal bytes integrated since the mark.
    pub(super) unmarked_bytes: u64,
    pub(super) watcher: SharedWatcher,
    pub(super) space: Shown,
    /// Size of the newest checkpoint that is on the disk. A reader of the log may see a newer one, which is not synced yet.
    pub(super) durable: watch::Sender<u64>,
}

impl Integrator {
    /// Works until the committer is done, then publishes and marks once more.
    pub(super) fn run(mut self) {
        if let Err(fault) = self.work() {
            self.alarm.raise(fault);
        }
    }

    fn work(&mut self) -> Result<(), TrailFault> {
        let mut published_at = Instant::now();
        let mut marked_at = Instant::now();
        let mut looked_at: Option<Instant> = None;
        let mut backlog = VecDeque::new();
        loop {
            let (mut batches, open) =
                self.alarm.handoff.take(CHECKPOINT_INTERVAL / 4, INTEGRATE_PAUSE);
            backlog.append(&mut batches);
            while !backlog.is_empty() {
                // Before each write, so that the log finds the room that the reserve file gives up for it.
                if looked_at.is_none_or(|at| at.elapsed() >= DISK_LOOK_INTERVAL) {
                    self.watcher.look()?;
                    looked_at = Some(Instant::now());
                }
                if self.space.is_spent() {
                    break;
                }
                self.integrate(&mut backlog)?;
                if self.is_mark_due() {
                    self.mark()?;
                    marked_at = Instant::now();
                }
            }
            self.watcher.look()?;
            looked_at = Some(Instant::now());
            if self.space.is_spent() {
                // It is all in the journal: there is room for it later, or the next start does it.
                if open {
                    continue;
                }
                return Ok(());
            }
            let unpublished = self.log.size() > *self.durable.borrow();
            if unpublished && (published_at.elapsed() >= CHECKPOINT_INTERVAL || !open) {
                self.publish()?;
                published_at = Instant::now();
            }
            let unmarked = self.position != self.marked;
            if unmarked && (marked_at.elapsed() >= MARK_INTERVAL || !open) {
                self.mark()?;
                marked_at = Instant::now();
            }
            if !open {
                return Ok(());
            }
        }
    }

    /// Takes about as much as ends a pause. Batches follow each other without a gap, so they are one to the log, which then
    /// looks at its files once.
    fn integrate(&mut self, backlog: &mut VecDeque<Batch>) -> Result<(), TrailFault> {
        let (mut bytes, mut count) = (0, 0);
        while bytes <= INTEGRATE_BYTES_SOON && count < backlog.len() {
            bytes += backlog[count].bytes;
            count += 1;
        }
        let taken = || backlog.range(..count);
        let (Some(first), Some(last)) = (backlog.front(), taken().last()) else { return Ok(()) };
        let entries: Vec<&[u8]> = taken().flat_map(|batch| batch.framed.entries()).collect();
        self.log.append(first.first_index, &entries).map_err(TrailFault::Log)?;
        self.position = last.position;
        self.unmarked_bytes += taken().map(|batch| batch.journal_bytes).sum::<u64>();
        let frames = backlog.drain(..count).map(|batch| batch.framed);
        self.alarm.handoff.integrated(bytes, frames);
        Ok(())
    }

    fn is_mark_due(&self) -> bool {
        let entries = self.position.index - self.marked.index;
        entries >= MARK_ENTRIES_COUNT_MAX || self.unmarked_bytes >= MARK_BYTES_MAX
    }

    fn publish(&mut self) -> Result<(), TrailFault> {
        let signer = LogSigner::of(&self.origin, &self.keyring);
        let checkpoint = self.log.publish(&signer).map_err(TrailFault::Log)?;
        self.durable.send_replace(checkpoint.size);
        self.alarm.handoff.published();
        Ok(())
    }

    /// A crash between flush and mark only replays more than needed.
    fn mark(&mut self) -> Result<(), TrailFault> {
        let position = self.position;
        let kept = self.flusher.version(&Key::system(SystemKey::Checkpoint))?;
        self.flusher.flush()?;
        if self.log.size() > *self.durable.borrow() {
            self.publish()?;
        }
        let mark = recover::Mark { position, kept };
        match recover::write_mark(&self.journal_directory, &self.chain, &mark) {
            // The mark that is there holds; another one is tried in a while.
            Err(TrailFault::Journal(error)) if is_full(&error) => return Ok(()),
            other => other?,
        }
        self.marked = position;
        self.alarm.handoff.marked(std::mem::take(&mut self.unmarked_bytes));
        Ok(())
    }
}
