//! The steps of a rotation of the header key: another one seals from the first moment on, both open, everything is sealed anew, and the
//! former goes.
//! Never a moment at which something that was sealed opens under neither, and never the former destroyed before somebody said so once
//! everything was sealed anew: from then on backups of before restore no more.
//!
//! ```text
//! 2 draw     the ring with a next key, slot B, then slot A; then one frame: entry `key.rotate` (step draw), the row says which one
//! 3 seal     page by page through everything under the former: entries `key.rewrap`
//! 4 hold     once a whole walk found nothing: one frame: entry `key.rotate` (step hold), the row says since when, and that it waits
//!            for a second person's word; the store says under which key everything is, for whoever restores it
//! 5 destroy  once one more walk found nothing, and nothing more that cannot be read than was told: the ring with the next key in the place of the former, slot B, then slot A;
//!            then one frame: entry `key.destroy`, the row says that it is done
//! ```
//! A crash at 2 leaves a ring that the row does not know of, which the next process says; one at 3 has the walk begin again; one between
//! the two writings of 5 leaves a ring without the former key, which the next process says.

use super::reseal::Reseal;
use super::rewrap::{announced, on_disk};
use super::turn_keys::{said, said_with};
use crate::ambient::Micros;
use crate::operations::OperationError;
use crate::seal::{Overlap, RotationKind, RotationRecord, RotationState, Seal};
use crate::store::{Change, Key, Op, Reader, SystemKey, Version};
use crate::trail::{Announcement, KeyNews, Trail};
use std::sync::Arc;

const KIND: RotationKind = RotationKind::Header;

/// What a process knows of a rotation of the header key beyond what is kept: how far the walk is.
#[derive(Default)]
pub(super) struct TurnHeader(Option<Reseal>);

impl TurnHeader {
    /// Takes the next step of a rotation that runs.
    pub(super) async fn turn(
        &mut self,
        record: &RotationRecord,
        now: Micros,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<(), OperationError> {
        if settle_header(record, now, store, seal, trail).await? {
            return Ok(());
        }
        let (_, Some(next)) = seal.single_epochs(KIND)? else {
            let drawing = seal.clone();
            return on_disk(move || drawing.draw_next_single(KIND)).await;
        };
        let Some(walk) = self.walked(next, store, seal, trail).await? else { return Ok(()) };
        match record.sealed_anew_at {
            Some(_) if walk.unread() <= record.unread => walk.destroy(seal).await,
            _ => hold(record, next, walk.unread(), now, store, seal, trail).await,
        }
    }

    /// One page of the walk towards this key; gives the walk once it found nothing. What fails on the way is dropped, so that the next
    /// step begins it again.
    async fn walked(
        &mut self,
        next: u32,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<Option<Reseal>, OperationError> {
        let before = self.0.take().filter(|walk| walk.is_towards(next));
        let mut walk = before.unwrap_or_else(|| Reseal::towards(next));
        if walk.step(store, seal, trail).await? {
            return Ok(Some(walk));
        }
        self.0 = Some(walk);
        Ok(None)
    }

    /// Nothing of it goes on.
    pub(super) fn let_go(&mut self) {
        self.0 = None;
    }

    /// Takes a step that ends a next key which no rotation of this store is about: that of a ring that was restored in the middle of one.
    /// Nothing is sealed under the former in a process that found both. False where there is none.
    pub(super) async fn ends_what_is_nobodys(
        &mut self,
        record: Option<&RotationRecord>,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        let is_of_it = record.is_some_and(|record| record.is_agreed_of(KIND));
        let (present, next) = seal.single_epochs(KIND)?;
        let Some(next) = next.filter(|_| !is_of_it) else { return Ok(false) };
        if let Some(walk) = self.walked(next, store, seal, trail).await? {
            let none_left = Announcement::OfKeys(KeyNews::SealedAnew { values: 0 });
            let change = Change { ops: vec![everything_is_under(next)], expects: Vec::new() };
            announced(trail, none_left, change).await?;
            walk.destroy(seal).await?;
            let (what, former) = (KIND.as_str(), present.to_string());
            let told = KeyNews::FormerDestroyed { id: None, what, former };
            announced(trail, Announcement::OfKeys(told), Change::default()).await?;
        }
        Ok(true)
    }
}

/// Says what the ring has already and the row does not know of; false where there is nothing to say.
pub(super) async fn settle_header(
    record: &RotationRecord,
    now: Micros,
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<bool, OperationError> {
    if record.done > 0 {
        return Ok(false);
    }
    let (present, next) = seal.single_epochs(KIND)?;
    let (id, what) = (*record.id.as_bytes(), KIND.as_str());
    match (&record.overlap, next) {
        (Some(overlap), Some(next)) if overlap.epoch == next => Ok(false),
        (_, Some(next)) => {
            let told = || Announcement::Rotated { id, what, step: "draw", keys: 1 };
            let (former, named, from) = (present.to_string(), next.to_string(), now.0);
            let overlap = Overlap { epoch: next, former, next: named, from, until: from };
            let drawn = |record: &mut RotationRecord| {
                record.overlap = Some(overlap.clone());
                record.sealed_anew_at = None;
            };
            said(record.id, told, drawn, store, seal, trail).await?;
            Ok(true)
        }
        (Some(overlap), None) if present >= overlap.epoch => {
            let former = || overlap.former.clone();
            let news = || KeyNews::FormerDestroyed { id: Some(id), what, former: former() };
            let done = |record: &mut RotationRecord| record.done = 1;
            said(record.id, || Announcement::OfKeys(news()), done, store, seal, trail).await?;
            Ok(true)
        }
        (_, None) => Ok(false),
    }
}

/// That nothing which opens is under an earlier header key than that of this epoch.
fn everything_is_under(epoch: u32) -> Op {
    Op::Put(Key::system(SystemKey::SealedAnew), Version(epoch.into()), Vec::new())
}

/// Says that everything is sealed anew but for so many values that cannot be read, and waits for a second person's word, whether
/// or not somebody let the walk stand still meanwhile: that word has the former key destroyed.
async fn hold(
    record: &RotationRecord,
    next: u32,
    unread: u64,
    now: Micros,
    store: &Reader,
    seal: &Seal,
    trail: &Trail,
) -> Result<(), OperationError> {
    let (id, what) = (*record.id.as_bytes(), KIND.as_str());
    let told = || Announcement::Rotated { id, what, step: "hold", keys: 1 };
    let under = [everything_is_under(next)];
    let held = |record: &mut RotationRecord| {
        record.sealed_anew_at = Some(now.0);
        record.unread = unread;
        record.state = RotationState::Held;
    };
    said_with(record.id, told, held, &under, store, seal, trail).await
}
