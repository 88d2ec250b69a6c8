//! Whether a keyring has what the store says became of its keys: asked where a store and a ring come from two places.
//! Never opens a record, and never says which key: whoever restores is told what kind of change the ring does not have.
//! A ring that is newer than the store lacks nothing.

use super::turn_keys::kept_rotation;
use crate::ambient::Micros;
use crate::limits::ERASURES_LOOKED_AT_COUNT;
use crate::operations::OperationError;
use crate::seal::{ErasureRecord, ErasureState, RotationKind, RotationRecord, Seal};
use crate::store::{Key, Reader};

/// What the ring lacks of what the store knows, if anything: it is from before that.
///
/// # Errors
/// The store's, and what is kept of rotations and erasures that does not open or is none.
pub async fn ring_lacks(
    store: &Reader,
    seal: &Seal,
) -> Result<Option<&'static str>, OperationError> {
    if let Some(kept) = kept_rotation(store, seal).await?
        && lacks_change(&kept.record, seal)?
    {
        return Ok(Some("the change of a key"));
    }
    let prefix = Key::erasure_prefix();
    let mut behind: Option<Key> = None;
    loop {
        let page = store.scan(&prefix, behind.as_ref(), ERASURES_LOOKED_AT_COUNT).await?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        for (_, stored) in &page {
            let record = ErasureRecord::decode(&stored.payload)?;
            if record.state == ErasureState::Destroyed
                && !seal.undestroyed(&record.keys)?.is_empty()
            {
                return Ok(Some("the destruction of the keys of somebody who was erased"));
            }
        }
        behind = Some(last.clone());
    }
}

/// Whether the ring is from before what a rotation did. Of buckets, the wrapped keys in the store say it: they are under keys that
/// an older ring does not have.
fn lacks_change(record: &RotationRecord, seal: &Seal) -> Result<bool, OperationError> {
    let Some(overlap) = &record.overlap else { return Ok(false) };
    match record.kind {
        RotationKind::Tokens | RotationKind::Log | RotationKind::Header => {
            let (present, next) = seal.single_epochs(record.kind)?;
            Ok(next.unwrap_or(present) < overlap.epoch)
        }
        // What is planned of contexts may not be drawn yet, and the month may have gone since.
        RotationKind::Context if record.done > 0 => {
            let epochs = seal.context_epochs(Micros(overlap.from))?;
            Ok(epochs.is_some_and(|(_, newest)| newest < overlap.epoch))
        }
        _ => Ok(false),
    }
}
