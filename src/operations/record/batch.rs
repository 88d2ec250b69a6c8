//! The head of a batch: may this caller store anything at all, and is its key free for a batch.
//! Never decides about a line; each of them is decided like a request of its own.
//! A refusal here is recorded before the caller learns it, and no line is looked at.

use crate::access::{Access, Ask, Code};
use crate::operations::error::turn_away;
use crate::operations::once::{BatchKey, batch_key};
use crate::operations::{Asked, OperationError};
use crate::records::SchemaSet;
use crate::seal::Said;
use crate::store::Reader;
use crate::territory::Territory;
use crate::trail::Trail;

/// Lets a batch begin; says what its key was before, or that it is new where it has none.
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
) -> Result<BatchKey, OperationError> {
    // About no record nothing is allowed; what is told apart here is who may not use the call at all.
    let question = asked.question(Ask::Create, schemas, territory);
    if access.explain(&question, &[]).refused == Some(Code::Denied) {
        return Err(turn_away(asked, access, trail, Code::Denied).await);
    }
    let Some(said) = said else { return Ok(BatchKey::New) };
    let actor = asked.actor.standing().actor;
    match batch_key(actor, said, asked.now, store).await? {
        Some(key) => Ok(key),
        None => Err(turn_away(asked, access, trail, Code::IdempotencyMismatch).await),
    }
}
