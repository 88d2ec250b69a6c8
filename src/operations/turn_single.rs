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
//! epochs and says it then. The time of 3 begins with the frame of 2, so it is never shorter than what was signed needs.

use super::OperationError;
use super::rewrap::{announced, on_disk};
use super::turn_keys::said;
use crate::ambient::Micros;
use crate::identity::{Identity, TokenKeyNames};
use crate::limits::{LOG_OVERLAP_SECONDS, TOKEN_OVERLAP_SECONDS};
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
            RotationKind::Subjects | RotationKind::Index | RotationKind::Context => return None,
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

    /// What the former and the next one are called in public, while both serve.
    fn names(&self, now: Micros, trail: &Trail) -> Option<(String, String)> {
        match self.record.kind {
            RotationKind::Log => {
                let (former, next) = trail.log_keys();
                Some((former, next?))
            }
            _ => {
                let TokenKeyNames { former, current } = self.identity.follow_keys(Some(now));
                Some((former?, current))
            }
        }
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
        let (present, next) = seal.single_epochs(record.kind)?;
        let (id, what) = (*record.id.as_bytes(), record.kind.as_str());
        match (&record.overlap, next) {
            _ if record.done > 0 => Ok(false),
            (Some(overlap), _) if present >= overlap.epoch => {
                let former = &overlap.former;
                let told = || {
                    let (id, former) = (Some(id), former.clone());
                    Announcement::OfKeys(KeyNews::FormerDestroyed { id, what, former })
                };
                let done = |record: &mut RotationRecord| record.done = 1;
                said(record.id, told, done, store, seal, trail).await?;
                Ok(true)
            }
            (overlap, Some(next)) if overlap.as_ref().is_none_or(|it| it.epoch != next) => {
                let named = self.names(now, trail);
                let (former, named) = named.ok_or(OperationError::Internal("no key is former"))?;
                let until = now.0.saturating_add(self.overlap_seconds * 1_000_000);
                let next = Overlap { epoch: next, former, next: named, from: now.0, until };
                let told = || {
                    let (former, next) = (next.former.clone(), next.next.clone());
                    Announcement::OfKeys(KeyNews::Followed { id, what, former, next, until })
                };
                let serve = |record: &mut RotationRecord| record.overlap = Some(next.clone());
                said(record.id, told, serve, store, seal, trail).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// Destroys a former key that no rotation is about. A ring that was restored, or put back, has one where its store is from before the
/// rotation or from another one's time: it would stand there for ever, and sign the log again. The log's goes where the log holds
/// without it.
pub(super) async fn ends_what_is_nobodys(
    record: Option<&RotationRecord>,
    seal: &Arc<Seal>,
    identity: &Identity,
    trail: &Trail,
) -> Result<bool, OperationError> {
    for kind in [RotationKind::Tokens, RotationKind::Log] {
        let (_, next) = seal.single_epochs(kind)?;
        let is_of_it = |record: &RotationRecord| record.kind == kind && record.is_agreed_to();
        let Some(next) = next.filter(|_| !record.is_some_and(is_of_it)) else { continue };
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
