//! A rotation of keys, step by step, once two people wanted it: the vault's own doing.
//! Never a step that serves nobody else meanwhile: each is a look at some stored keys, one frame, or one writing of the ring.
//! Whatever it stops at, everybody's wrapped key opens, and whoever takes the next step goes on.
//!
//! ```text
//! 1 begin    one frame: entry `key.rotate` (step begin), the row says that it runs
//! 2 draw     the ring with a next key for each bucket of a group, slot B, then slot A; then an entry `key.rotate`
//! 3 wrap     page by page: entries `key.rewrap`, the wrapped keys of the group's buckets, under the next keys
//! 4 destroy  once a whole walk found nobody: the ring with the next keys in the place of the former, slot B, then slot A;
//!            then one frame: entry `key.destroy`, the row says which buckets are done
//! 5 end      after the last group, one frame: entry `key.rotate` (step end), the row says that it ended
//! 6 cancel   in the place of 5 for one that was taken back, once no bucket has a next key: entry `key.rotate` (step cancel)
//! ```
//! Those are the steps of the keys of subject buckets; `turn_index` has 2 to 4 of those of index buckets, `turn_single` of a key that
//! there is one of and that signs, `turn_header` of the header key, and `turn_contexts` those of the keys of contexts.
//! The row is all that is kept of it. A crash at 2 or 3 leaves both keys of a group's buckets in the ring, and the walk begins
//! again; behind one between the two writings of 4 the next step says what is destroyed, because the row has with the entry of 2
//! which next keys were drawn, and the ring has them in their places. Erasures destroy keys beside it (`destroy_keys`): each of
//! the two walks for the keys that it named, so neither takes a key that the other one needs.

use super::rewrap::Rewrap;
use super::turn_contexts::{settle_contexts, turn_contexts};
use super::turn_header::{TurnHeader, settle_header};
use super::turn_index::{TurnIndex, index_destroyed};
use super::turn_single::{Single, settle_what_is_nobodys};
use crate::ambient::Micros;
use crate::identity::Identity;
use crate::limits::{
    ERASURE_BUCKETS_COUNT, ROTATION_BUCKETS_COUNT, STALE_ATTEMPTS_MAX, SUBJECT_BUCKETS_COUNT,
};
use crate::operations::OperationError;
use crate::records::MandateId;
use crate::seal::{DrawnKeys, NextKeys, RotationKind, RotationRecord, RotationState, Seal};
use crate::store::{Change, Expect, Key, Op, Reader, SystemKey, Version};
use crate::trail::{Announcement, Trail};
use std::sync::Arc;

/// The rotation that is kept.
pub(super) struct KeptRotation {
    pub(in crate::operations) record: RotationRecord,
    pub(in crate::operations) version: Version,
}

/// The rotation that is open, or was last.
pub(super) async fn kept_rotation(
    store: &Reader,
    seal: &Seal,
) -> Result<Option<KeptRotation>, OperationError> {
    let Some(stored) = store.get(&Key::system(SystemKey::Rotation)).await? else {
        return Ok(None);
    };
    let record = seal.open_rotation(&stored.payload)?;
    Ok(Some(KeptRotation { record, version: stored.version }))
}

/// The change that keeps it as it is now, if nobody kept it otherwise meanwhile.
pub(super) fn kept_as(
    record: &RotationRecord,
    before: Version,
    seal: &Seal,
) -> Result<Change, OperationError> {
    let key = Key::system(SystemKey::Rotation);
    Ok(Change {
        ops: vec![Op::Put(key.clone(), before.next(), seal.seal_rotation(record)?)],
        expects: vec![Expect { key, version: before, stamp: 0 }],
    })
}

/// What became of a step.
pub struct Turned {
    /// The rotation that is open, or was last.
    pub record: Option<RotationRecord>,
    /// Whether there was anything to do. If not, nothing will be until somebody has another word.
    pub worked: bool,
    /// Whether it has only to wait for a moment, so that time alone brings something to do.
    pub waits: bool,
}

/// What a process knows of a rotation beyond what is kept: how far the walk for its group of buckets is.
#[derive(Default)]
pub struct Turning {
    group: Option<Group>,
    index: TurnIndex,
    header: TurnHeader,
}

struct Group {
    rotation: MandateId,
    /// The buckets below this number are done with it.
    end: u16,
    rewrap: Rewrap,
}

/// The buckets of the group behind so many that are done.
fn group_behind(done: u16) -> Vec<u16> {
    let buckets = done..SUBJECT_BUCKETS_COUNT;
    buckets.take(ROTATION_BUCKETS_COUNT).collect()
}

/// The first bucket behind a group.
fn end_of(group: &[u16]) -> u16 {
    group.last().map_or(SUBJECT_BUCKETS_COUNT, |last| last + 1)
}

impl Group {
    /// The walk towards these next keys, once the log and the row say that they are drawn.
    async fn begun(
        record: &RotationRecord,
        end: u16,
        next: NextKeys,
        store: &Reader,
        seal: &Seal,
        trail: &Trail,
    ) -> Result<Group, OperationError> {
        let buckets = next.count() as u64;
        let told = || Announcement::KeysDrawn { buckets };
        let keys = next.named();
        let drawn = |record: &mut RotationRecord| {
            record.drawn = Some(DrawnKeys { end, keys: keys.clone() });
        };
        said(record.id, told, drawn, store, seal, trail).await?;
        Ok(Group { rotation: record.id, end, rewrap: Rewrap::behind(next) })
    }
}

/// Says that the former keys of a group are destroyed.
pub(super) async fn destroyed(
    (rotation, kind): (MandateId, RotationKind),
    buckets: u64,
    end: u16,
    store: &Reader,
    seal: &Seal,
    trail: &Trail,
) -> Result<(), OperationError> {
    let told = || match kind {
        RotationKind::Index => index_destroyed(buckets),
        _ => Announcement::KeysDestroyed { buckets, erasures: Vec::new() },
    };
    let counted = |record: &mut RotationRecord| {
        record.done = record.done.max(end);
        record.drawn = None;
    };
    said(rotation, told, counted, store, seal, trail).await
}

/// Says what became of a group whose walk ended with its process, if the former keys are destroyed; false where they are not.
async fn settle_group(
    record: Option<&RotationRecord>,
    store: &Reader,
    seal: &Seal,
    trail: &Trail,
) -> Result<bool, OperationError> {
    let agreed = record.filter(|record| record.is_agreed_to());
    let Some((record, drawn)) = agreed.and_then(|it| Some((it, it.drawn.as_ref()?))) else {
        return Ok(false);
    };
    let is_of_index = record.kind == RotationKind::Index;
    let stands = match is_of_index {
        true => seal.next_index_keys().named(),
        false => seal.next_keys().named(),
    };
    if drawn.keys.iter().any(|next| stands.contains(next)) {
        return Ok(false);
    }
    // In a ring that was put back they were never drawn: what did not take its place is drawn again.
    let buckets = match is_of_index {
        true => seal.index_took_their_places(&drawn.keys)?,
        false => seal.took_their_places(&drawn.keys)?,
    };
    if buckets == 0 {
        return Ok(false);
    }
    let end = if buckets == drawn.keys.len() { drawn.end } else { record.done };
    destroyed((record.id, record.kind), buckets as u64, end, store, seal, trail).await?;
    Ok(true)
}

impl Turning {
    /// Takes the next step of the rotation that is kept, if one is to go on.
    ///
    /// # Errors
    /// Whatever keeps it from being done now. Nothing is lost by it: the step can be taken again.
    pub async fn step(
        &mut self,
        now: Micros,
        store: &Reader,
        seal: &Arc<Seal>,
        identity: &Identity,
        trail: &Trail,
    ) -> Result<Turned, OperationError> {
        let record = kept_rotation(store, seal).await?.map(|kept| kept.record);
        let seen = record.as_ref();
        let worked = settle_what_is_nobodys(seen, now, store, seal, identity, trail).await?
            || self.index.ends_what_is_nobodys(seen, store, seal, trail).await?
            || self.header.ends_what_is_nobodys(seen, store, seal, trail).await?
            || (self.is_idle() && settle_group(seen, store, seal, trail).await?);
        let record = match record {
            Some(record) if !worked => record,
            record => return Ok(Turned { record, worked, waits: false }),
        };
        let single = Single::of(&record, identity);
        let mut waits = false;
        let worked = match record.state {
            RotationState::Agreed => {
                let begun = |record: &mut RotationRecord| {
                    record.state = RotationState::Running;
                    record.begun_at = Some(now.0);
                };
                let told = told(&record, "begin");
                moved(&record, told, begun, store, seal, trail).await?;
                true
            }
            RotationState::Running if record.done >= record.kind.keys_count() => {
                let ended = |record: &mut RotationRecord| {
                    record.state = RotationState::Ended;
                    record.ended_at = Some(now.0);
                };
                let told = told(&record, "end");
                moved(&record, told, ended, store, seal, trail).await?;
                true
            }
            RotationState::Running => {
                waits = !self.run(&record, single.as_ref(), now, store, seal, trail).await?;
                !waits
            }
            // The walk stands still with it; what the ring has already is said.
            RotationState::Paused | RotationState::Held => match single {
                None => settle_without_walk(&record, now, store, seal, trail).await?,
                Some(single) => single.settle(now, store, seal, trail).await?,
            },
            RotationState::Cancelling if record.kind.is_of_buckets() => {
                self.wind_up(&record, now, store, seal, trail).await?;
                true
            }
            RotationState::Cancelling => {
                waits = !self.take_back(&record, single.as_ref(), now, store, seal, trail).await?;
                !waits
            }
            RotationState::Asked
            | RotationState::Refused
            | RotationState::Ended
            | RotationState::Cancelled => {
                self.group = None;
                self.index.let_go();
                self.header.let_go();
                false
            }
        };
        Ok(Turned { record: Some(record), worked, waits })
    }

    /// Whether no walk for a group of buckets is under way in this process.
    fn is_idle(&self) -> bool {
        self.group.is_none() && self.index.is_idle()
    }

    /// The next step of a rotation that runs; false where it waits.
    async fn run(
        &mut self,
        record: &RotationRecord,
        single: Option<&Single<'_>>,
        now: Micros,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        match record.kind {
            RotationKind::Subjects => self.turn(record, store, seal, trail).await?,
            RotationKind::Index => self.index.turn(record, store, seal, trail).await?,
            RotationKind::Header => self.header.turn(record, now, store, seal, trail).await?,
            _ => return turn_one(record, single, now, store, seal, trail).await,
        }
        Ok(true)
    }

    /// Takes a rotation of keys that are in no bucket back, or brings it to its end where another header key was drawn; false where it
    /// waits.
    async fn take_back(
        &mut self,
        record: &RotationRecord,
        single: Option<&Single<'_>>,
        now: Micros,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<bool, OperationError> {
        if record.kind == RotationKind::Header && record.overlap.is_some() && record.done == 0 {
            self.header.turn(record, now, store, seal, trail).await?;
            return Ok(true);
        }
        take_back(record, single, now, store, seal, trail).await
    }

    async fn turn(
        &mut self,
        record: &RotationRecord,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<(), OperationError> {
        // What fails on the way is dropped, so that the next step begins the group again.
        match self.group.take().filter(|group| group.rotation == record.id) {
            None => {
                let buckets = group_behind(record.done);
                let strays = seal.next_keys_beside(&buckets);
                if strays.count() > ERASURE_BUCKETS_COUNT {
                    // Of a rotation that was restored in its middle: they come first, or the ring has no room.
                    self.group =
                        Some(Group::begun(record, record.done, strays, store, seal, trail).await?);
                    return Ok(());
                }
                let (next, end) = (Rewrap::drawn(&buckets, seal).await?, end_of(&buckets));
                self.group = Some(Group::begun(record, end, next, store, seal, trail).await?);
            }
            Some(group) => self.walk(group, store, seal, trail).await?,
        }
        Ok(())
    }

    /// One page of the walk of a group, or its end.
    async fn walk(
        &mut self,
        mut group: Group,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<(), OperationError> {
        if !group.rewrap.step(store, seal, trail).await? {
            self.group = Some(group);
            return Ok(());
        }
        group.rewrap.destroy(seal).await?;
        let (buckets, end) = (group.rewrap.buckets_count(), group.end);
        let rotation = (group.rotation, RotationKind::Subjects);
        destroyed(rotation, buckets, end, store, seal, trail).await
    }

    /// Brings the keys that were drawn to their end, whoever drew them, and draws no others.
    async fn wind_up(
        &mut self,
        record: &RotationRecord,
        now: Micros,
        store: &Reader,
        seal: &Arc<Seal>,
        trail: &Trail,
    ) -> Result<(), OperationError> {
        if record.kind == RotationKind::Index {
            return match self.index.wind_up(record, store, seal, trail).await? {
                true => Ok(()),
                false => cancelled(record, now, store, seal, trail).await,
            };
        }
        if let Some(group) = self.group.take().filter(|group| group.rotation == record.id) {
            return self.walk(group, store, seal, trail).await;
        }
        let left = seal.next_keys();
        if left.count() > 0 {
            // Of the group that a process before this one had begun: counted where all of it was drawn.
            let group = group_behind(record.done);
            let end = if left.are_of_all(&group) { end_of(&group) } else { record.done };
            self.group = Some(Group::begun(record, end, left, store, seal, trail).await?);
            return Ok(());
        }
        cancelled(record, now, store, seal, trail).await
    }
}

/// The next step of a rotation of keys that are in no bucket; false where it waits.
async fn turn_one(
    record: &RotationRecord,
    single: Option<&Single<'_>>,
    now: Micros,
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<bool, OperationError> {
    match single {
        Some(single) => single.turn(now, store, seal, trail).await,
        None => turn_contexts(record, now, store, seal, trail).await,
    }
}

/// Says what the ring has already of keys that are in no bucket and do not sign, and the row does not know of; false where there is
/// nothing to say.
async fn settle_without_walk(
    record: &RotationRecord,
    now: Micros,
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<bool, OperationError> {
    match record.kind {
        RotationKind::Context => settle_contexts(record, store, seal, trail).await,
        RotationKind::Header => settle_header(record, now, store, seal, trail).await,
        _ => Ok(false),
    }
}

/// Takes a rotation of such keys back, where nothing of it is drawn; what was drawn meanwhile comes to its end. False where it waits.
async fn take_back(
    record: &RotationRecord,
    single: Option<&Single<'_>>,
    now: Micros,
    store: &Reader,
    seal: &Arc<Seal>,
    trail: &Trail,
) -> Result<bool, OperationError> {
    let is_settled = match single {
        Some(single) => single.settle(now, store, seal, trail).await?,
        None => settle_without_walk(record, now, store, seal, trail).await?,
    };
    if is_settled {
        return Ok(true);
    }
    if let Some(single) = single.filter(|_| record.overlap.is_some() && record.done == 0) {
        return single.turn(now, store, seal, trail).await;
    }
    cancelled(record, now, store, seal, trail).await?;
    Ok(true)
}

async fn cancelled(
    record: &RotationRecord,
    now: Micros,
    store: &Reader,
    seal: &Seal,
    trail: &Trail,
) -> Result<(), OperationError> {
    let (id, what, keys) = (*record.id.as_bytes(), record.kind.as_str(), record.done.into());
    let told = Announcement::Rotated { id, what, step: "cancel", keys };
    let over = |record: &mut RotationRecord| {
        record.state = RotationState::Cancelled;
        record.ended_at = Some(now.0);
    };
    moved(record, told, over, store, seal, trail).await
}

fn told(record: &RotationRecord, step: &'static str) -> Announcement {
    let (id, what) = (*record.id.as_bytes(), record.kind.as_str());
    Announcement::Rotated { id, what, step, keys: record.kind.keys_count().into() }
}

/// Moves the rotation on from where it was seen. Somebody may have had another word meanwhile, which the next step sees.
async fn moved(
    seen: &RotationRecord,
    told: Announcement,
    change: impl FnOnce(&mut RotationRecord),
    store: &Reader,
    seal: &Seal,
    trail: &Trail,
) -> Result<(), OperationError> {
    let Some(KeptRotation { mut record, version }) = kept_rotation(store, seal).await? else {
        return Ok(());
    };
    if (record.id, record.state) == (seen.id, seen.state) {
        change(&mut record);
        trail.announce_keys(told, kept_as(&record, version, seal)?).await?;
    }
    Ok(())
}

/// Says what is so in the ring: that is so whether or not somebody paused the rotation meanwhile.
pub(super) async fn said(
    id: MandateId,
    told: impl Fn() -> Announcement,
    change: impl Fn(&mut RotationRecord),
    store: &Reader,
    seal: &Seal,
    trail: &Trail,
) -> Result<(), OperationError> {
    said_with(id, told, change, &[], store, seal, trail).await
}

/// The same with further steps.
pub(super) async fn said_with(
    id: MandateId,
    told: impl Fn() -> Announcement,
    change: impl Fn(&mut RotationRecord),
    beside: &[Op],
    store: &Reader,
    seal: &Seal,
    trail: &Trail,
) -> Result<(), OperationError> {
    for _ in 0..STALE_ATTEMPTS_MAX {
        let kept = kept_rotation(store, seal).await?.filter(|kept| kept.record.id == id);
        let Some(KeptRotation { mut record, version }) = kept else { return Ok(()) };
        change(&mut record);
        let mut kept = kept_as(&record, version, seal)?;
        kept.ops.extend_from_slice(beside);
        if trail.announce_keys(told(), kept).await?.is_some() {
            return Ok(());
        }
    }
    Err(OperationError::Internal("a rotation is paused and let go on without end"))
}
