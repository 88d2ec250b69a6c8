//! The thread that makes groups durable: sequence, journal, apply, release.
//! Never acknowledges before the sync and the apply; after any fault it acknowledges nothing more.
//! A group is whatever waited while the one before it was synced, and who was already on the way; nobody lingers.

use super::alarm::Alarm;
use super::integrate::Batch;
use super::journal::{FrameBuilder, Framed, Position, Writer};
use super::receipt::Recorded;
use super::sequence::Sequencer;
use super::space::Need;
use super::{TrailError, TrailFault};
use crate::access::{Authority, Charge};
use crate::ambient::Clock;
use crate::limits::{
    GROUP_BYTES_MAX, GROUP_COUNT_MAX, PENDING_BYTES_MAX, PENDING_COUNT_MAX, PENDING_SHORT_COUNT,
    PENDING_TIME_MAX, STOP_BYTES,
};
use crate::store::{
    Applier, Expect, Op, feed, sealed_by_header, term_epoch, without_moved_attributes,
};
use gridvault_audit::Prepared;
use gridvault_audit::constants::ENTRY_BYTES_MAX;
use gridvault_keys::{IndexTerm, KeyState, Keyring, PermutedUnder};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Rooms that keep a picture of the store in memory learn here what changed, before anyone is told.
pub trait Applied: Send + Sync {
    /// These steps are applied. Must be quick and must not fail.
    fn applied(&self, ops: &[Op]);
}

/// Why an operation got no receipt.
#[derive(Debug)]
pub(super) enum Rejected {
    Stale,
    Limit,
    Error(TrailError),
}

/// What is to be recorded, and done with it.
pub(super) struct Operation {
    pub(super) entry: Prepared,
    /// What its permit was given under.
    pub(super) authority: Option<Authority>,
    pub(super) expects: Vec<Expect>,
    pub(super) charges: Vec<Charge>,
    pub(super) ops: Vec<Op>,
    /// What its change takes, the counted values included; its entry comes on top.
    pub(super) bytes: usize,
    pub(super) need: Need,
    /// When it got in line, on the clock's monotonic side, in microseconds.
    pub(super) since: u64,
}

/// What becomes of an operation. It comes back with the answer: memory that another thread lets go of costs both more than
/// to let go of one's own.
pub(super) type Answered = (Result<Recorded, Rejected>, Box<Operation>);

/// An operation that waits for its turn.
pub(super) struct Pending {
    pub(super) operation: Box<Operation>,
    pub(super) reply: oneshot::Sender<Answered>,
}

impl Pending {
    /// A caller that went away leaves an operation whose answer nobody reads: safe, logged or not.
    fn answer(self, outcome: Result<Recorded, Rejected>) {
        let _gone = self.reply.send((outcome, self.operation));
    }
}

/// What waits for the committer, bounded in number, in bytes and in time.
pub(super) struct Queue {
    state: Mutex<QueueState>,
    ready: Condvar,
    /// Since when the first in line waits, where the line is not short; else the largest number.
    oldest: AtomicU64,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue { state: Mutex::default(), ready: Condvar::new(), oldest: AtomicU64::new(u64::MAX) }
    }
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<Pending>,
    bytes: usize,
    closed: bool,
    /// Whether the committer waits for somebody to get in line: a call that wakes nobody is a call to the system too.
    asleep: bool,
    /// Whether the last group was of more than one.
    crowded: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, pending: Pending) -> Result<(), TrailError> {
        let mut state = self.lock();
        if state.closed {
            return Err(TrailError::Unavailable);
        }
        let full = state.waiting.len() >= PENDING_COUNT_MAX
            || state.bytes + pending.operation.bytes > PENDING_BYTES_MAX
            || self.is_late(pending.operation.since);
        if full && pending.operation.need != Need::Stop {
            return Err(TrailError::Overloaded);
        }
        state.bytes += pending.operation.bytes;
        state.waiting.push_back(pending);
        if std::mem::take(&mut state.asleep) {
            self.ready.notify_one();
        }
        self.note_oldest(&state);
        Ok(())
    }

    /// Whether whoever comes now would wait behind somebody who has waited too long already.
    pub(super) fn is_late(&self, now: u64) -> bool {
        let waited = now.saturating_sub(self.oldest.load(Ordering::Relaxed));
        u128::from(waited) > PENDING_TIME_MAX.as_micros()
    }

    fn note_oldest(&self, state: &QueueState) {
        let first = state.waiting.front().filter(|_| state.waiting.len() >= PENDING_SHORT_COUNT);
        self.oldest.store(first.map_or(u64::MAX, |first| first.operation.since), Ordering::Relaxed);
    }

    /// No more is taken; what waits is still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }

    /// Moves whatever waits, up to a group, to where there is nothing; false once the queue is closed and empty.
    fn take(&self, taken: &mut VecDeque<Pending>) -> bool {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return false;
            }
            state.asleep = true;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            if state.crowded && !state.waiting.is_empty() {
                // Several come at a time. The first of them has just woken this thread, and may have been made to wait for
                // it: those who run get in line too, and share the write. Where nobody runs, this returns at once.
                drop(state);
                std::thread::yield_now();
                state = self.lock();
            }
        }
        let count = state.waiting.len().min(GROUP_COUNT_MAX);
        state.crowded = count > 1;
        if count == state.waiting.len() {
            std::mem::swap(&mut state.waiting, taken);
            state.bytes = 0;
        } else {
            taken.extend(state.waiting.drain(..count));
            state.bytes -= taken.iter().map(|pending| pending.operation.bytes).sum::<usize>();
        }
        self.note_oldest(&state);
        true
    }

    /// Takes nothing more, and says so to everybody who waits.
    pub(super) fn refuse_all(&self) {
        let waiting = {
            let mut state = self.lock();
            state.closed = true;
            state.bytes = 0;
            let waiting = std::mem::take(&mut state.waiting);
            self.note_oldest(&state);
            waiting
        };
        self.ready.notify_all();
        refuse(waiting);
    }
}

fn refuse(waiting: VecDeque<Pending>) {
    for pending in waiting {
        pending.answer(Err(Rejected::Error(TrailError::Unavailable)));
    }
}

/// Whether the frame with this operation stays below the bound, and leaves room for the entry of the stop.
fn fits(group: &Group, operation: &Operation, bound: usize) -> bool {
    let kept_back = if operation.need == Need::Stop { 0 } else { STOP_BYTES };
    let longest = group.frame.payload_bytes() + operation.bytes + ENTRY_BYTES_MAX;
    longest + kept_back <= bound
}

/// Whether a step stores a wrapped key or an index term under a bucket key that has a next one, or something under a header key that
/// has one: that key is about to be destroyed, and whoever made it before the next one was drawn decides again. Asked where the order of the log is made, so that from the entry
/// of the next key on nothing is stored under the one before.
fn is_outdated(op: &Op, keyring: &Keyring) -> bool {
    let Op::Put(key, _, payload) = op else { return false };
    if key.subject_of_key().is_some() {
        return keyring.is_outdated(payload);
    }
    let state = match (key.term_parts(), sealed_by_header(key, payload)) {
        (Some((term, _)), _) => index_state(&term, payload, keyring),
        (None, Some(sealed)) => keyring.header_key_state(sealed).ok().flatten(),
        (None, None) => return false,
    };
    state.is_some_and(|state| !state.protects())
}

/// The state of the index key that a stored term is under; none where there was no such key yet.
pub(super) fn index_state(term: &[u8; 18], payload: &[u8], keyring: &Keyring) -> Option<KeyState> {
    let bucket = IndexTerm::from_bytes(term).ok()?.bucket();
    let epoch = term_epoch(payload).ok()?;
    keyring.index_key_state(PermutedUnder { bucket, epoch })
}

/// The committer's belongings.
pub(super) struct Committer {
    pub(super) sequencer: Sequencer,
    pub(super) writer: Writer,
    pub(super) applier: Applier,
    pub(super) alarm: Alarm,
    pub(super) listeners: Vec<Arc<dyn Applied>>,
    pub(super) clock: Arc<dyn Clock>,
    /// Says which wrapped keys and index terms must not be stored any more.
    pub(super) keyring: Arc<Keyring>,
    /// The time of the group before, in microseconds.
    pub(super) last_time: u64,
}

/// A group that is sequenced and not yet durable.
struct Group {
    frame: FrameBuilder,
    first_index: u64,
    accepted: Vec<(Pending, Recorded)>,
}

impl Committer {
    /// Works until the queue is closed and empty, or until the first fault.
    pub(super) fn run(mut self) {
        let mut waiting = VecDeque::new();
        while self.alarm.queue.take(&mut waiting) {
            while !waiting.is_empty() {
                if self.alarm.is_raised() {
                    // The other thread met a fault: what it shares of the log would be missing for this group.
                    refuse(waiting);
                    return;
                }
                if let Err(fault) = self.commit_group(&mut waiting) {
                    self.alarm.raise(fault);
                    refuse(waiting);
                    return;
                }
            }
        }
        self.alarm.handoff.close();
    }

    fn commit_group(&mut self, waiting: &mut VecDeque<Pending>) -> Result<(), TrailFault> {
        let Group { frame, first_index, accepted } = self.sequence(waiting)?;
        if accepted.is_empty() {
            return Ok(());
        }
        // Nothing of the group is visible yet: a crash here leaves at most a torn frame.
        let (position, framed) = self.writer.append(frame)?;
        // Durable. A crash from here on is made good by the replay of this frame.
        let changes = accepted.iter().map(|(pending, recorded)| (recorded, &pending.operation.ops));
        self.applier.apply(
            changes
                .clone()
                .flat_map(|(recorded, ops)| ops.iter().map(move |op| (recorded.index, op))),
        )?;
        self.sequencer.applied(self.applier.stamp());
        for (_, ops) in changes.filter(|(_, ops)| !ops.is_empty()) {
            for listener in &self.listeners {
                listener.applied(ops);
            }
        }
        for (pending, recorded) in accepted {
            pending.answer(Ok(recorded));
        }
        self.hand_off(first_index, framed, position);
        Ok(())
    }

    fn sequence(&mut self, waiting: &mut VecDeque<Pending>) -> Result<Group, TrailFault> {
        let first_index = self.writer.position().index;
        let mut group = Group {
            frame: FrameBuilder::within(self.alarm.handoff.spent()),
            first_index,
            accepted: Vec::with_capacity(waiting.len()),
        };
        let moment = self.moment();
        // Asked before anything is counted or taken into account: what has no room leaves no trace.
        let bound = self.writer.bound()?;
        while group.frame.payload_bytes() < GROUP_BYTES_MAX {
            let Some(pending) = waiting.pop_front() else { break };
            if bound.is_some_and(|bound| !fits(&group, &pending.operation, bound)) {
                if group.accepted.is_empty() {
                    pending.answer(Err(Rejected::Error(TrailError::Full)));
                    continue;
                }
                waiting.push_front(pending);
                break;
            }
            self.place(pending, &mut group, moment)?;
        }
        Ok(group)
    }

    /// Gives an operation its place at the end of the group, or its refusal.
    fn place(
        &mut self,
        mut pending: Pending,
        group: &mut Group,
        (now, monotonic): (u64, u64),
    ) -> Result<(), TrailFault> {
        let operation = &mut *pending.operation;
        if !self.sequencer.stands(operation.authority.as_ref(), &self.applier)?
            || !self.sequencer.holds(&operation.expects, &self.applier)?
            || operation.ops.iter().any(|op| is_outdated(op, &self.keyring))
        {
            pending.answer(Err(Rejected::Stale));
            return Ok(());
        }
        let index = group.first_index + group.accepted.len() as u64;
        let entry = &operation.entry;
        let written = group.frame.entry(|out| entry.finish_onto(out, index, now, monotonic));
        let Ok(leaf) = written.map(gridvault_audit::leaf_hash) else {
            pending.answer(Err(Rejected::Error(TrailError::TooLarge)));
            return Ok(());
        };
        let charged = self.sequencer.ledgers.charge(&operation.charges, &self.applier)?;
        let Some(mut counted) = charged else {
            group.frame.take_back();
            pending.answer(Err(Rejected::Limit));
            return Ok(());
        };
        operation.ops.append(&mut counted);
        // Only here is the index known, so the feed's keys are made here and journalled with the rest.
        let mut fed = feed(&operation.ops, index);
        operation.ops.append(&mut fed);
        if self.keyring.header_key_was_followed() {
            let mut replaced = without_moved_attributes(&operation.ops);
            operation.ops.append(&mut replaced);
        }
        self.sequencer.accept(&operation.ops);
        group.frame.steps(&operation.ops);
        group.accepted.push((pending, Recorded { index, leaf }));
        Ok(())
    }

    /// The times of the entries of a group, which is one moment to everybody.
    fn moment(&mut self) -> (u64, u64) {
        // The clock of a vault follows no leap and never goes back, so no entry is further ahead than the bound of a leap; where
        // another one does, the log must not look rearranged.
        let now = u64::try_from(self.clock.now().0).unwrap_or(0).max(self.last_time);
        self.last_time = now;
        (now, self.clock.monotonic())
    }

    fn hand_off(&mut self, first_index: u64, framed: Framed, position: Position) {
        let bytes = framed.bytes.len();
        let journal_bytes = bytes as u64;
        self.alarm.handoff.push(Batch { first_index, framed, bytes, journal_bytes, position });
    }
}
