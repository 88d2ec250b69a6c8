//! The head of a batch: may this caller store anything at all, and is its key free for a batch.
//! Never decides about a line; each of them is decided like a request of its own.
//! A refusal here is recorded before the caller learns it, and no line is looked at.

use super::error::turn_away;
use super::once::is_free_for_batch;
use super::{Asked, OperationError};
use crate::access::{Access, Ask, Code};
use crate::records::SchemaSet;
use crate::seal::Said;
use crate::store::Reader;
use crate::territory::Territory;
use crate::trail::Trail;

/// Lets a batch begin.
///
/// # Errors
/// `denied` for a caller none of whose roles may store anything; `idempotency_mismatch` for a key that stands for
/// another write, or for a batch of another purpose.
pub async fn admit_batch(
    asked: &Asked<'_>,
    said: Option<&Said>,
    store: &Reader,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<(), OperationError> {
    // About no record nothing is allowed; what is told apart here is who may not use the call at all.
    let question = asked.question(Ask::Create, schemas, territory);
    if access.explain(&question, &[]).refused == Some(Code::Denied) {
        return Err(turn_away(asked, access, trail, Code::Denied).await);
    }
    let actor = asked.actor.standing().actor;
    if let Some(said) = said
        && !is_free_for_batch(actor, said, asked.now, store).await?
    {
        return Err(turn_away(asked, access, trail, Code::IdempotencyMismatch).await);
    }
    Ok(())
}
