//! The thread that makes groups durable: sequence, journal, apply, release.
//! Never acknowledges before the sync and the apply; after any fault it acknowledges nothing more.
//! A group is whatever waited while the one before it was synced, and who was already on the way; nobody lingers.

use super::alarm::Alarm;
use super::integrate::Batch;
use super::journal::{FrameBuilder, Position, Writer};
use super::receipt::Recorded;
use super::sequence::Sequencer;
use super::space::Need;
use super::{TrailError, TrailFault};
use crate::access::Charge;
use crate::ambient::Clock;
use crate::limits::{
    GROUP_BYTES_MAX, GROUP_COUNT_MAX, PENDING_BYTES_MAX, PENDING_COUNT_MAX, PENDING_SHORT_COUNT,
    PENDING_TIME_MAX, STOP_BYTES,
};
use crate::store::{Applier, Expect, Op, feed};
use gridvault_audit::constants::ENTRY_BYTES_MAX;
use gridvault_audit::{EntryError, Prepared};
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

/// An operation that waits for its turn.
pub(super) struct Pending {
    pub(super) entry: Prepared,
    pub(super) expects: Vec<Expect>,
    pub(super) charges: Vec<Charge>,
    pub(super) ops: Vec<Op>,
    /// What its change takes, the counted values included; its entry comes on top.
    pub(super) bytes: usize,
    pub(super) need: Need,
    /// When it got in line, on the clock's monotonic side, in microseconds.
    pub(super) since: u64,
    pub(super) reply: oneshot::Sender<Result<Recorded, Rejected>>,
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
            || state.bytes + pending.bytes > PENDING_BYTES_MAX
            || self.is_late(pending.since);
        if full && pending.need != Need::Stop {
            return Err(TrailError::Overloaded);
        }
        state.bytes += pending.bytes;
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
        self.oldest.store(first.map_or(u64::MAX, |first| first.since), Ordering::Relaxed);
    }

    /// No more is taken; what waits is still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }

    /// Whatever waits, up to a group; nothing once the queue is closed and empty.
    fn take(&self) -> Option<VecDeque<Pending>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
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
        let taken: VecDeque<Pending> = state.waiting.drain(..count).collect();
        state.bytes -= taken.iter().map(|pending| pending.bytes).sum::<usize>();
        self.note_oldest(&state);
        Some(taken)
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
        let _gone = pending.reply.send(Err(Rejected::Error(TrailError::Unavailable)));
    }
}

/// Whether the frame with this operation stays below the bound, and leaves room for the entry of the stop.
fn fits(group: &Group, pending: &Pending, bound: usize) -> bool {
    let kept_back = if pending.need == Need::Stop { 0 } else { STOP_BYTES };
    let longest = group.frame.payload_bytes() + pending.bytes + ENTRY_BYTES_MAX;
    longest + kept_back <= bound
}

/// The committer's belongings.
pub(super) struct Committer {
    pub(super) sequencer: Sequencer,
    pub(super) writer: Writer,
    pub(super) applier: Applier,
    pub(super) alarm: Alarm,
    pub(super) listeners: Vec<Arc<dyn Applied>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) last_time_micros: u64,
}

/// A group that is sequenced and not yet durable.
struct Group {
    frame: FrameBuilder,
    first_index: u64,
    entries: Vec<Vec<u8>>,
    ops: Vec<Vec<Op>>,
    replies: Vec<(oneshot::Sender<Result<Recorded, Rejected>>, Recorded)>,
}

impl Committer {
    /// Works until the queue is closed and empty, or until the first fault.
    pub(super) fn run(mut self) {
        while let Some(mut waiting) = self.alarm.queue.take() {
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
        let group = self.sequence(waiting)?;
        if group.entries.is_empty() {
            return Ok(());
        }
        let Group { frame, first_index, entries, ops, replies } = group;
        // Nothing of the group is visible yet: a crash here leaves at most a torn frame.
        let (position, bytes) = self.writer.append(frame, entries.len() as u64)?;
        // Durable. A crash from here on is made good by the replay of this frame.
        self.applier.apply(
            ops.iter()
                .zip(first_index..)
                .flat_map(|(ops, index)| ops.iter().map(move |op| (index, op))),
        )?;
        self.sequencer.applied(self.applier.stamp());
        for ops in ops.iter().filter(|ops| !ops.is_empty()) {
            for listener in &self.listeners {
                listener.applied(ops);
            }
        }
        for (reply, recorded) in replies {
            // A caller that went away leaves a logged operation whose answer nobody reads: safe.
            let _gone = reply.send(Ok(recorded));
        }
        self.hand_off(first_index, entries, position, bytes);
        Ok(())
    }

    fn sequence(&mut self, waiting: &mut VecDeque<Pending>) -> Result<Group, TrailFault> {
        let first_index = self.writer.position().index;
        let mut group = Group {
            frame: FrameBuilder::new(),
            first_index,
            entries: Vec::with_capacity(waiting.len()),
            ops: Vec::with_capacity(waiting.len()),
            replies: Vec::with_capacity(waiting.len()),
        };
        // Asked before anything is counted or taken into account: what has no room leaves no trace.
        let bound = self.writer.bound()?;
        while group.frame.payload_bytes() < GROUP_BYTES_MAX {
            let Some(pending) = waiting.pop_front() else { break };
            if bound.is_some_and(|bound| !fits(&group, &pending, bound)) {
                if group.entries.is_empty() {
                    let _gone = pending.reply.send(Err(Rejected::Error(TrailError::Full)));
                    continue;
                }
                waiting.push_front(pending);
                break;
            }
            if !self.sequencer.holds(&pending.expects, &self.applier)? {
                let _gone = pending.reply.send(Err(Rejected::Stale));
                continue;
            }
            let index = first_index + group.entries.len() as u64;
            let Ok(entry) = self.finish(&pending.entry, index) else {
                let _gone = pending.reply.send(Err(Rejected::Error(TrailError::TooLarge)));
                continue;
            };
            let charged = self.sequencer.ledgers.charge(&pending.charges, &self.applier)?;
            let Some(mut counted) = charged else {
                let _gone = pending.reply.send(Err(Rejected::Limit));
                continue;
            };
            let mut ops = pending.ops;
            ops.append(&mut counted);
            // Only here is the index known, so the feed's keys are made here and journalled with the rest.
            ops.append(&mut feed(&ops, index));
            self.sequencer.accept(&ops);
            group.frame.add(&entry, &ops);
            let leaf = gridvault_audit::leaf_hash(&entry);
            group.entries.push(entry);
            group.ops.push(ops);
            group.replies.push((pending.reply, Recorded { index, leaf }));
        }
        Ok(group)
    }

    fn finish(&mut self, entry: &Prepared, index: u64) -> Result<Vec<u8>, EntryError> {
        // A clock that was set back must not make the log look rearranged; `mono` shows the jump.
        let now = u64::try_from(self.clock.now().0).unwrap_or(0).max(self.last_time_micros);
        self.last_time_micros = now;
        entry.finish(index, now, self.clock.monotonic())
    }

    fn hand_off(
        &self,
        first_index: u64,
        entries: Vec<Vec<u8>>,
        position: Position,
        journal_bytes: u64,
    ) {
        let bytes = entries.iter().map(Vec::len).sum();
        self.alarm.handoff.push(Batch { first_index, entries, bytes, journal_bytes, position });
    }
}
