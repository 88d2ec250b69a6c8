//! Writes that are said twice and done once: what a caller's key stands for, and what became of it.
//! Never remembers a refusal, and never keeps an answer: it is made again from ids and from the log.
//! What is remembered goes in with the write itself, so that both are durable together or neither is.

use super::error::turn_away;
use super::{Asked, OperationError};
use crate::access::{Access, ActorId, Code};
use crate::limits::{REPEAT_TIME_MAX, REPEATS_SWEPT_COUNT_MAX, REPEATS_UNDER_WAY_COUNT_MAX};
use crate::seal::Said;
use crate::store::{Change, Done, Key, Op, Outcome, Reader, StoreError, Version};
use crate::trail::{Recorded, Trail};
use std::collections::HashSet;
use std::sync::atomic::{AtomicI32, Ordering};
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
    /// The batch that it is a line of, until one of its lines is stored.
    batch: Option<Said>,
    swept: Vec<Key>,
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
        batch: Option<Said>,
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
        Ok(Once { said, batch, swept })
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
    now: crate::ambient::Micros,
    store: &Reader,
) -> Result<Earlier, OperationError> {
    let today = now.days();
    for day in [today, today - 1] {
        let key = Key::repeat(day, caller.as_bytes(), &said.key);
        let Some(stored) = store.get(&key).await? else { continue };
        let done =
            Done::decode(&stored.payload).map_err(|_| StoreError::Corrupt { what: "repeat" })?;
        let age_micros = u128::try_from(now.0.saturating_sub(done.at)).unwrap_or(0);
        if age_micros >= REPEAT_TIME_MAX.as_micros() {
            continue;
        }
        return Ok(if done.said == said.content {
            Earlier::Same(done.outcome, stored.index)
        } else {
            Earlier::Another
        });
    }
    Ok(Earlier::Nothing)
}

/// What came of the same write when it was said before, if it was.
pub(super) async fn repeated(
    asked: &Asked<'_>,
    store: &Reader,
    access: &Access,
    trail: &Trail,
) -> Result<Option<(Outcome, Recorded)>, OperationError> {
    let Some(once) = asked.once else { return Ok(None) };
    match earlier(asked.actor.standing().actor, &once.said, asked.now, store).await? {
        Earlier::Nothing => Ok(None),
        Earlier::Same(outcome, index) => Ok(Some((outcome, trail.recorded(index).await?))),
        Earlier::Another => Err(turn_away(asked, access, trail, Code::IdempotencyMismatch).await),
    }
}

/// Whether a key may be used for a batch: it is new, or it stands for one of the same purpose.
pub(super) async fn is_free_for_batch(
    caller: ActorId,
    said: &Said,
    now: crate::ambient::Micros,
    store: &Reader,
) -> Result<bool, OperationError> {
    let earlier = earlier(caller, said, now, store).await?;
    Ok(matches!(earlier, Earlier::Nothing | Earlier::Same(Outcome::Batch, _)))
}

/// Lets a change remember what it is the outcome of.
pub(super) fn remember(asked: &Asked<'_>, outcome: Outcome, change: &mut Change) {
    let Some(once) = asked.once else { return };
    let (caller, day) = (asked.actor.standing().actor, asked.now.days());
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
