//! The records behind an exact value, under whichever key of its bucket their terms stand.
//! Never a record twice, never one missed because its term moved to another key between two looks, and never one that does not itself
//! bear the value: the index leads to a record, and the record's own row says whether it leads there rightly.
//! Records come in the order of their ids, so a list goes on behind one whatever moved meanwhile.

use super::OperationError;
use crate::limits::{SETTLED_LOOKS_COUNT_MAX, SETTLED_PAUSE, STALE_ATTEMPTS_MAX};
use crate::records::RecordId;
use crate::seal::{Seal, SealError, Sought};
use crate::store::{Fetched, Key, Reader, Sealed, Stored};

/// Up to `limit` terms of a value, behind a record where one is given.
pub(super) async fn behind_term(
    sought: &Sought,
    after: Option<RecordId>,
    limit: usize,
    store: &Reader,
    seal: &Seal,
) -> Result<Vec<(Key, Stored)>, OperationError> {
    for _ in 0..STALE_ATTEMPTS_MAX {
        let forms = seal.forms(sought);
        let mut found: Vec<(Key, Stored)> = Vec::new();
        // The former in front: a term is put under the next key before it is taken from under the former, so what the first look
        // finds no more the second one finds.
        for form in &forms {
            let behind = after.map(|after| Key::term(form, after));
            found.extend(store.scan(&Key::term_prefix(form), behind.as_ref(), limit).await?);
        }
        // A key that was drawn meanwhile may have taken terms from under these.
        if forms.last() != seal.forms(sought).last() {
            continue;
        }
        if forms.len() > 1 {
            found.sort_by_key(|(key, _)| key.record());
            found.dedup_by_key(|(key, _)| key.record());
            found.truncate(limit);
        }
        return Ok(found);
    }
    Err(OperationError::Internal("index keys are replaced again and again"))
}

/// The record behind a term of a value, where its row bears it; nothing for one that let go of the value since the term was found. One
/// engine read, and none more as long as the index tells the truth. Of its header only what [`Seal::facts`] authenticates counts, as always.
///
/// # Errors
/// [`SealError::Damaged`] where a term leads to what does not bear it, and no write is on its way that says why.
pub(super) async fn bearer(
    sought: &Sought,
    key: &Key,
    store: &Reader,
    seal: &Seal,
) -> Result<Option<Sealed>, OperationError> {
    let Some((term, id)) = key.term_parts() else { return Ok(None) };
    if let Fetched::Found(sealed) = store.fetch(id).await?
        && seal.bears(&sealed, sought, &term)?
    {
        return Ok(Some(sealed));
    }
    // Steps of a change are seen one after another: a record that is just being written may have its term and not yet its row, or its
    // row and still its term. So both are looked at once more, at a moment at which nothing is on its way.
    for _ in 0..SETTLED_LOOKS_COUNT_MAX {
        let Some(moment) = store.settled() else {
            tokio::time::sleep(SETTLED_PAUSE).await;
            continue;
        };
        let stands = store.get(key).await?.is_some();
        let fetched = store.fetch(id).await?;
        let bears = match &fetched {
            Fetched::Found(sealed) => seal.bears(sealed, sought, &term)?,
            Fetched::Erased(..) | Fetched::Missing => false,
        };
        if store.settled() != Some(moment) {
            tokio::time::sleep(SETTLED_PAUSE).await;
            continue;
        }
        return match (stands, fetched) {
            (_, Fetched::Found(sealed)) if bears => Ok(Some(sealed)),
            (false, _) => Ok(None),
            (true, fetched) => Err(misleading(&fetched, seal).into()),
        };
    }
    Err(OperationError::Internal("the store is never at rest"))
}

/// A term that leads to a record which does not bear it, or to none.
fn misleading(fetched: &Fetched, seal: &Seal) -> SealError {
    let facts = match fetched {
        Fetched::Found(sealed) => seal.facts(sealed).ok(),
        Fetched::Erased(..) | Fetched::Missing => None,
    };
    SealError::misleading_term(facts.map(|facts| facts.record_handle))
}
