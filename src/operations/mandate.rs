//! What a request acts under: the mandate that it names as its case, looked for and opened.
//! Never tells whether a mandate that is not the caller's is there: it opens nothing, like none.
//! Looked for again with every attempt, so that an end that came between is seen.

use super::{Asked, Case, OperationError};
use crate::access::Mandate;
use crate::records::MandateId;
use crate::seal::{MandateRecord, Seal};
use crate::store::{Key, Reader, Version};

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
