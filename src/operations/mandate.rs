//! What a request acts under: the mandate that it names as its case, looked for and opened.
//! Never tells whether a mandate that is not the caller's is there: it opens nothing, like none.
//! Looked for again with every attempt, so that an end that came between is seen.

use super::{Asked, Case, OperationError};
use crate::access::{Hour, Mandate, MandateKind};
use crate::ambient::Micros;
use crate::records::MandateId;
use crate::seal::{MandateRecord, Seal, UNREVIEWED};
use crate::store::{Change, Expect, Key, Op, Reader, Version};

/// A mandate as it is kept now.
pub(super) struct Kept {
    pub(super) id: MandateId,
    pub(super) record: MandateRecord,
    pub(super) version: Version,
}

/// The mandate that the request names, if it is the caller's and open.
pub(super) async fn mandate_of(
    asked: &Asked<'_>,
    store: &Reader,
    seal: &Seal,
) -> Result<Option<Mandate>, OperationError> {
    let Some(Case::Mandate(id)) = asked.case else { return Ok(None) };
    let Some(kept) = kept_mandate(id, store, seal).await? else { return Ok(None) };
    let mandate = kept.record.mandate(id, kept.version);
    let holder = asked.actor.standing().actor;
    let Some(mandate) = mandate.filter(|mandate| mandate.holder == holder) else { return Ok(None) };
    if mandate.single_use && store.get(&Key::spent(id)).await?.is_some() {
        return Ok(None);
    }
    Ok(Some(mandate))
}

/// The same for a list. What serves for one look at one record serves for no list.
pub(super) async fn mandate_of_list(
    asked: &Asked<'_>,
    store: &Reader,
    seal: &Seal,
) -> Result<Option<Mandate>, OperationError> {
    let mandate = mandate_of(asked, store, seal).await?;
    Ok(mandate.filter(|mandate| mandate.kind == MandateKind::Task))
}

/// The mandate with this id.
pub(super) async fn kept_mandate(
    id: MandateId,
    store: &Reader,
    seal: &Seal,
) -> Result<Option<Kept>, OperationError> {
    let Some(stored) = store.get(&Key::mandate(id)).await? else { return Ok(None) };
    let record = seal.open_mandate(id, &stored)?;
    Ok(Some(Kept { id, record, version: stored.version }))
}

/// The steps that keep a mandate that begins, where it is looked for by its id and by whoever has to do with it.
pub(super) fn begun(
    id: MandateId,
    record: &MandateRecord,
    seal: &Seal,
) -> Result<Change, OperationError> {
    let mut change = Change::default();
    change.put_new(Key::mandate(id), seal.seal_mandate(id, record)?);
    for listing in record.listings(id) {
        change.put_new(listing, Vec::new());
    }
    Ok(change)
}

/// What is listed in a place.
pub(super) struct Listing {
    /// What is not over, those that end first in front.
    pub(super) kept: Vec<Kept>,
    /// Whether more is listed there than was looked at: whoever is shown the list is told so.
    pub(super) more: bool,
}

/// What is listed in a place and not over, of so many that end first.
pub(super) async fn listed(
    place: &[u8; 16],
    count_max: usize,
    now: Micros,
    store: &Reader,
    seal: &Seal,
) -> Result<Listing, OperationError> {
    let before = Hour::of(now).0.saturating_sub(1);
    let over = Key::mandate_listing(place, before, MandateId::from_bytes([0xff; 16]));
    let prefix = Key::mandate_listing_prefix(place);
    // One further, to know whether there is one.
    let keys = store.scan(&prefix, Some(&over), count_max.saturating_add(1)).await?;
    let more = keys.len() > count_max;
    let mut found = Vec::new();
    for (key, _) in keys.into_iter().take(count_max) {
        let Some(id) = key.listed_mandate() else { continue };
        let kept = kept_mandate(id, store, seal).await?;
        found.extend(kept.filter(|kept| now.0 < kept.record.until));
    }
    Ok(Listing { kept: found, more })
}

/// The emergency accesses that are listed in a place and were not reviewed yet, whenever they ended.
pub(super) async fn unreviewed(
    place: &[u8; 16],
    count_max: usize,
    store: &Reader,
    seal: &Seal,
) -> Result<Vec<Kept>, OperationError> {
    let ended = Key::mandate_listing(place, UNREVIEWED - 1, MandateId::from_bytes([0xff; 16]));
    let prefix = Key::mandate_listing_prefix(place);
    let mut found = Vec::new();
    for (key, _) in store.scan(&prefix, Some(&ended), count_max).await? {
        let Some(id) = key.listed_mandate() else { continue };
        let kept = kept_mandate(id, store, seal).await?;
        found.extend(kept.filter(|kept| kept.record.opened_emergency().is_some()));
    }
    Ok(found)
}

/// The step that puts another record in the place of a kept one, and lists it where it belongs now.
pub(super) fn moved(
    kept: &Kept,
    record: &MandateRecord,
    seal: &Seal,
) -> Result<Change, OperationError> {
    let key = Key::mandate(kept.id);
    let expect = Expect { key: key.clone(), version: kept.version, stamp: 0 };
    let (before, after) = (kept.record.listings(kept.id), record.listings(kept.id));
    let gone = before.iter().filter(|key| !after.contains(key)).cloned().map(Op::Delete);
    let new = after.iter().filter(|key| !before.contains(key)).cloned();
    let new = new.map(|key| Op::Put(key, Version(1), Vec::new()));
    let put = Op::Put(key, kept.version.next(), seal.seal_mandate(kept.id, record)?);
    Ok(Change { ops: std::iter::once(put).chain(gone).chain(new).collect(), expects: vec![expect] })
}
