//! Writes that are said twice and done once: what a caller's key stands for, and what became of it.
//! Never remembers a refusal, and never keeps an answer: it is made again from ids and from the log.
//! What is remembered goes in with the write itself, so that both are durable together or neither is.

use super::error::turn_away;
use super::{Asked, OperationError};
use crate::access::{Access, ActorId, Code};
use crate::ambient::Micros;
use crate::limits::{REPEAT_TIME_MAX, REPEATS_SWEPT_COUNT_MAX, REPEATS_UNDER_WAY_COUNT_MAX};
use crate::seal::Said;
use crate::store::{Change, Done, Key, Op, Outcome, Reader, StoreError, Version};
use crate::trail::{Recorded, Trail};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether an answer is that of a first write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saying {
    /// It was done now.
    First,
    /// The same was said before, under the same key.
    Again,
    /// The capture was stored before.
    Captured,
}

/// A write that its caller may say again.
pub struct Once {
    said: Said,
    /// The batch that it is a line of, until a line of that day is stored.
    batch: Option<Said>,
    /// Whether it is known that nothing is remembered under the key, so that the store need not be asked first.
    is_new: AtomicBool,
    swept: Vec<Key>,
}

/// A batch that a line belongs to.
pub struct OfBatch {
    /// What the batch is known by; nothing once a line of the same day is stored. So whenever a line can be looked up, its
    /// batch can be too.
    pub said: Option<Said>,
    /// Whether nothing was remembered under its key when it began.
    pub is_new: bool,
}

/// The keys that are being worked on, and how far yesterday's were cleared away.
#[derive(Default)]
pub struct Repeats {
    under_way: Mutex<HashSet<(ActorId, [u8; 16])>>,
    /// The day on which nothing was left to clear away.
    clean: AtomicI32,
}

/// A key that is being worked on. Others are told so until this is dropped, however the work ends.
pub struct UnderWay {
    repeats: Arc<Repeats>,
    key: (ActorId, [u8; 16]),
}

impl Repeats {
    /// Takes a key of a caller to work on.
    ///
    /// # Errors
    /// [`Code::InFlight`] while it is being worked on, [`Code::Overloaded`] when too many are.
    pub fn begin(self: &Arc<Repeats>, caller: ActorId, said: &Said) -> Result<UnderWay, Code> {
        let key = (caller, said.key);
        let mut under_way = self.lock();
        if under_way.contains(&key) {
            return Err(Code::InFlight);
        }
        if under_way.len() >= REPEATS_UNDER_WAY_COUNT_MAX {
            return Err(Code::Overloaded);
        }
        under_way.insert(key);
        Ok(UnderWay { repeats: self.clone(), key })
    }

    /// A write under a key that was taken, with some remembered writes of days gone by to clear away.
    ///
    /// # Errors
    /// The store's.
    pub async fn once(
        &self,
        said: Said,
        batch: Option<OfBatch>,
        today: i32,
        store: &Reader,
    ) -> Result<Once, OperationError> {
        let mut swept = Vec::new();
        if self.clean.load(Ordering::Relaxed) != today {
            let oldest = store.scan(&Key::repeat_prefix(), None, REPEATS_SWEPT_COUNT_MAX).await?;
            // No look-up reaches them, and nothing is written under a day gone by: nobody minds who clears them away.
            let gone = |key: &Key| key.repeat_day().is_some_and(|day| day < today - 1);
            swept.extend(oldest.into_iter().map(|(key, _)| key).filter(gone));
            if swept.is_empty() {
                self.clean.store(today, Ordering::Relaxed);
            }
        }
        let is_new = AtomicBool::new(batch.as_ref().is_some_and(|batch| batch.is_new));
        Ok(Once { said, batch: batch.and_then(|batch| batch.said), is_new, swept })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<(ActorId, [u8; 16])>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.repeats.lock().remove(&self.key);
    }
}

/// What a key stands for.
enum Earlier {
    Nothing,
    Same(Outcome, u64),
    Another,
}

async fn earlier(
    caller: ActorId,
    said: &Said,
    now: Micros,
    store: &Reader,
) -> Result<Earlier, OperationError> {
    for done in remembered(caller, said, now, store).await? {
        let (Done { said: content, at, outcome }, index) = done;
        let age_micros = u128::try_from(now.0.saturating_sub(at)).unwrap_or(0);
        if age_micros < REPEAT_TIME_MAX.as_micros() {
            let same = content == said.content;
            return Ok(if same { Earlier::Same(outcome, index) } else { Earlier::Another });
        }
    }
    Ok(Earlier::Nothing)
}

/// What is stored under a key for today and for yesterday, with its entry, of whatever age.
async fn remembered(
    caller: ActorId,
    said: &Said,
    now: Micros,
    store: &Reader,
) -> Result<Vec<(Done, u64)>, OperationError> {
    let mut found = Vec::new();
    for day in [now.utc_days(), now.utc_days() - 1] {
        let key = Key::repeat(day, caller.as_bytes(), &said.key);
        if let Some(stored) = store.get(&key).await? {
            let done = Done::decode(&stored.payload);
            found.push((done.map_err(|_| StoreError::Corrupt { what: "repeat" })?, stored.index));
        }
    }
    Ok(found)
}

/// What came of the same write when it was said before, if it was.
pub(super) async fn repeated(
    asked: &Asked<'_>,
    store: &Reader,
    access: &Access,
    trail: &Trail,
) -> Result<Option<(Outcome, Recorded)>, OperationError> {
    let Some(once) = asked.once else { return Ok(None) };
    // Only the first time: what made the write stale may have been the same, said at the same time.
    if once.is_new.swap(false, Ordering::Relaxed) {
        return Ok(None);
    }
    match earlier(asked.actor.standing().actor, &once.said, asked.now, store).await? {
        Earlier::Nothing => Ok(None),
        Earlier::Same(outcome, index) => Ok(Some((outcome, trail.recorded(index).await?))),
        Earlier::Another => Err(turn_away(asked, access, trail, Code::IdempotencyMismatch).await),
    }
}

/// What a key may be used for by a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchKey {
    /// Nothing is remembered under it.
    New,
    /// It stands for a batch of the same purpose, some lines of which are stored.
    Known,
}

/// Whether a key may be used for a batch.
pub(super) async fn batch_key(
    caller: ActorId,
    said: &Said,
    now: Micros,
    store: &Reader,
) -> Result<Option<BatchKey>, OperationError> {
    match earlier(caller, said, now, store).await? {
        Earlier::Nothing | Earlier::Same(Outcome::Batch, _) => {}
        Earlier::Same(..) | Earlier::Another => return Ok(None),
    }
    // A batch may be over a day old and its last lines not: where one is found, every line is looked up.
    let found = remembered(caller, said, now, store).await?;
    Ok(Some(if found.is_empty() { BatchKey::New } else { BatchKey::Known }))
}

/// Lets a change remember what it is the outcome of.
pub(super) fn remember(asked: &Asked<'_>, outcome: Outcome, change: &mut Change) {
    let Some(once) = asked.once else { return };
    let (caller, day) = (asked.actor.standing().actor, asked.now.utc_days());
    let row = |said: &Said, outcome| {
        let key = Key::repeat(day, caller.as_bytes(), &said.key);
        (key, Done { said: said.content, at: asked.now.0, outcome }.encode())
    };
    let (key, payload) = row(&once.said, outcome);
    change.put_new(key, payload);
    if let Some(batch) = &once.batch {
        // Every line that may be the first puts the same, so nothing needs to be expected of it.
        let (key, payload) = row(batch, Outcome::Batch);
        change.ops.push(Op::Put(key, Version(1), payload));
    }
    change.ops.extend(once.swept.iter().cloned().map(Op::Delete));
}

/// A remembered outcome of another kind than its request can have.
pub(super) const UNLIKE: OperationError =
    OperationError::Internal("a remembered outcome is of another kind than its request");
