//! The records behind an exact value, under whichever key of its bucket their terms stand.
//! Never a record twice, and never one missed because its term moved to another key between two looks.
//! Records come in the order of their ids, so a list goes on behind one whatever moved meanwhile.

use super::OperationError;
use crate::limits::STALE_ATTEMPTS_MAX;
use crate::records::RecordId;
use crate::seal::{Seal, Sought};
use crate::store::{Key, Reader, Stored};

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
