//! The steps of a rotation of a key that there is one of: another one serves, the former beside it for a time, and then it goes.
//! Never a moment at which nothing that was protected under either opens or verifies, and never a former one beyond its time while
//! the vault runs and nobody paused it.
//!
//! ```text
//! 2 draw     the ring with a next key, slot B, then slot A, and from then on that one signs, of the log both;
//!            then one frame: entry `key.rotate` (step overlap), the row says which two serve and until when
//! 3 wait     nothing is done until then
//! 4 destroy  the ring with the next key in the place of the former, slot B, then slot A;
//!            then one frame: entry `key.destroy`, the row says that it is done
//! ```
//! A crash between the ring and the frame of 2 or 4 leaves a ring that the row does not know of: the next process sees that by the
//! epochs and by what the keys are called, and says it then. So does one whose ring was put back, or restored, and has another key
//! than the row names. The time of 3 begins with the frame of 2, so it is never shorter than what was signed needs.

use super::rewrap::{announced, on_disk};
use super::turn_keys::said;
use crate::ambient::Micros;
use crate::identity::{Identity, TokenKeyNames};
use crate::limits::{LOG_OVERLAP_SECONDS, TOKEN_OVERLAP_SECONDS};
use crate::operations::OperationError;
use crate::seal::{Overlap, RotationKind, RotationRecord, Seal};
use crate::store::{Change, Reader};
use crate::trail::{Announcement, KeyNews, Trail};
use std::sync::Arc;

/// A rotation of a key that there is one of.
pub(super) struct Single<'a> {
    record: &'a RotationRecord,
    identity: &'a Identity,
    overlap_seconds: i64,
}

impl<'a> Single<'a> {
    /// Nothing for keys that there are many of. What a former key of tokens signed since the next one does counts from here on
    /// nowhere, paused or not.
    pub(super) fn of(record: &'a RotationRecord, identity: &'a Identity) -> Option<Single<'a>> {
        let overlap_seconds = match record.kind {
            RotationKind::Subjects
            | RotationKind::Index
            | RotationKind::Context
            | RotationKind::Header => return None,
            RotationKind::Tokens => TOKEN_OVERLAP_SECONDS,
            RotationKind::Log => LOG_OVERLAP_SECONDS,
        };
        let single = Single { record, identity, overlap_seconds };
        if let Some(overlap) = record.overlap.as_ref().filter(|_| record.is_agreed_to()) {
            single.follow(Some(Micros(overlap.from)));
        }
        Some(single)
    }

    /// Lets whoever holds a picture of the keys take over what the ring has. The log's are looked at whenever it is signed.
    fn follow(&self, former_until: Option<Micros>) {
        if self.record.kind == RotationKind::Tokens {
            self.identity.follow_keys(former_until);
        }
    }

    /// What the former one is called in public, while both serve, and the one that protects now.
    fn names(&self, now: Micros, trail: &Trail) -> (Option<String>, String) {
        let began = self.record.overlap.as_ref().map_or(now, |overlap| Micros(overlap.from));
        names_of(self.record.kind, Some(began), self.identity, trail)
    }

    /// Whether the time of both is over, and nobody needs the former. The log's stays until the vault's own policy of witnesses names
    /// the next one: without that no checkpoint would count as witnessed any more.
    fn is_over(
        &self,
        overlap: &Overlap,
        now: Micros,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        Ok(now.0 >= overlap.until
            && (self.record.kind != RotationKind::Log || holds_without_former(trail)?))
    }

    /// Takes the next step; false where there is nothing to do but to wait.
    pub(super) async fn turn(
        &self,
        now: Micros,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        if self.settle(now, store, seal, trail).await? {
            return Ok(true);
        }
        let kind = self.record.kind;
        let (_, next) = seal.single_epochs(kind)?;
        match (&self.record.overlap, next) {
            (Some(overlap), Some(next)) => {
                if !self.is_over(overlap, now, trail)? {
                    return Ok(false);
                }
                destroy(kind, next, seal).await?;
                self.follow(None);
            }
            _ => {
                let drawing = seal.clone();
                on_disk(move || drawing.draw_next_single(kind)).await?;
                self.follow(None);
            }
        }
        Ok(true)
    }

    /// Says what the ring has already and the row does not know of; false where there is nothing to say.
    pub(super) async fn settle(
        &self,
        now: Micros,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        let record = self.record;
        if record.done > 0 {
            return Ok(false);
        }
        let (present, next) = seal.single_epochs(record.kind)?;
        let newest = next.unwrap_or(present);
        let (former, serving) = self.names(now, trail);
        match &record.overlap {
            Some(overlap) if overlap.epoch == newest && is_same_key(&overlap.next, &serving) => {
                if next.is_some() {
                    return Ok(false);
                }
                let (id, what) = (Some(*record.id.as_bytes()), record.kind.as_str());
                let told = || {
                    let former = overlap.former.clone();
                    Announcement::OfKeys(KeyNews::FormerDestroyed { id, what, former })
                };
                let done = |record: &mut RotationRecord| record.done = 1;
                said(record.id, told, done, store, seal, trail).await?;
            }
            // Nothing is drawn yet, or not any more in a ring of before: the next step draws.
            overlap if next.is_none() && overlap.as_ref().is_none_or(|it| present < it.epoch) => {
                return Ok(false);
            }
            overlap => {
                let before = || overlap.as_ref().map(|overlap| overlap.former.clone());
                let former = former.or_else(before);
                let former = former.ok_or(OperationError::Internal("no key is former"))?;
                let seconds = if next.is_some() { self.overlap_seconds } else { 0 };
                let until = now.0.saturating_add(seconds * 1_000_000);
                let serves = Overlap { epoch: newest, former, next: serving, from: now.0, until };
                serves_now(record, &serves, store, seal, trail).await?;
            }
        }
        Ok(true)
    }
}

/// Says which key that there is one of protects from now on, and until when the former one serves beside it.
async fn serves_now(
    record: &RotationRecord,
    serves: &Overlap,
    store: &Reader,
    seal: &Seal,
    trail: &Trail,
) -> Result<(), OperationError> {
    let (id, what, until) = (*record.id.as_bytes(), record.kind.as_str(), serves.until);
    let told = || {
        let (former, next) = (serves.former.clone(), serves.next.clone());
        Announcement::OfKeys(KeyNews::Followed { id, what, former, next, until })
    };
    let serve = |record: &mut RotationRecord| record.overlap = Some(serves.clone());
    said(record.id, told, serve, store, seal, trail).await
}

/// What the former one is called in public, while both serve, and the one that protects now. Of what a former one of tokens signed,
/// that counts which was issued up to then.
fn names_of(
    kind: RotationKind,
    issued_until: Option<Micros>,
    identity: &Identity,
    trail: &Trail,
) -> (Option<String>, String) {
    match kind {
        RotationKind::Log => match trail.log_keys() {
            (former, Some(next)) => (Some(former), next),
            (current, None) => (None, current),
        },
        _ => {
            let TokenKeyNames { former, current } = identity.follow_keys(issued_until);
            (former, current)
        }
    }
}

/// Whether two names are of one key. That of the log's key begins with the name of its log, which is another one behind a restore, and
/// a sum over both; behind these comes the key.
fn is_same_key(one: &str, other: &str) -> bool {
    fn key(name: &str) -> &str {
        name.splitn(3, '+').last().unwrap_or_default()
    }
    key(one) == key(other)
}

/// What the ring has that no rotation under way is about: a former key that nobody ends, and one that protects and that the last
/// rotation did not name. False where there is nothing to do.
pub(super) async fn settle_what_is_nobodys(
    record: Option<&RotationRecord>,
    now: Micros,
    store: &Reader,
    seal: &Arc<Seal>,
    identity: &Identity,
    trail: &Trail,
) -> Result<bool, OperationError> {
    if ends_what_is_nobodys(record, seal, identity, trail).await? {
        return Ok(true);
    }
    let is_over = |record: &&RotationRecord| !record.is_agreed_to() && record.done > 0;
    let Some(record) = record.filter(is_over) else { return Ok(false) };
    let (RotationKind::Tokens | RotationKind::Log, Some(overlap)) = (record.kind, &record.overlap)
    else {
        return Ok(false);
    };
    let (_, serving) = names_of(record.kind, None, identity, trail);
    if is_same_key(&overlap.next, &serving) {
        return Ok(false);
    }
    // A ring from before the rotation, or one that went on without this store.
    let (present, next) = seal.single_epochs(record.kind)?;
    let (epoch, former) = (next.unwrap_or(present), overlap.next.clone());
    let serves = Overlap { epoch, former, next: serving, from: now.0, until: now.0 };
    serves_now(record, &serves, store, seal, trail).await?;
    Ok(true)
}

/// Destroys a former key that no rotation is about. A ring that was restored, or put back, has one where its store is from before the
/// rotation or from another one's time: it would stand there for ever, and sign the log again. The log's goes where the log holds
/// without it.
async fn ends_what_is_nobodys(
    record: Option<&RotationRecord>,
    seal: &Arc<Seal>,
    identity: &Identity,
    trail: &Trail,
) -> Result<bool, OperationError> {
    for kind in [RotationKind::Tokens, RotationKind::Log] {
        let (_, next) = seal.single_epochs(kind)?;
        let is_of_it = record.is_some_and(|record| record.is_agreed_of(kind));
        let Some(next) = next.filter(|_| !is_of_it) else { continue };
        let former = match kind {
            RotationKind::Log if !holds_without_former(trail)? => continue,
            RotationKind::Log => trail.log_key(),
            _ => identity.follow_keys(None).former.unwrap_or_default(),
        };
        destroy(kind, next, seal).await?;
        identity.follow_keys(None);
        let news = KeyNews::FormerDestroyed { id: None, what: kind.as_str(), former };
        announced(trail, Announcement::OfKeys(news), Change::default()).await?;
        return Ok(true);
    }
    Ok(false)
}

fn holds_without_former(trail: &Trail) -> Result<bool, OperationError> {
    let unread = |_| OperationError::Internal("the log cannot be read");
    trail.holds_under_next_log_key().map_err(unread)
}

async fn destroy(kind: RotationKind, next: u32, seal: &Arc<Seal>) -> Result<(), OperationError> {
    let seal = seal.clone();
    on_disk(move || seal.destroy_former_single(kind, next)).await
}
