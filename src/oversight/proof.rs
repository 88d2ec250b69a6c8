//! Gives whoever holds a receipt the proof that its entry is in the log.
//! Never shows the entry, and never a proof to somebody who does not know the leaf hash.
//! Waits for the checkpoint that covers the entry, which is at most a second away.

use super::entries::TheLog;
use super::error::{OversightError, record, turn_away};
use crate::access::{Access, Code, Origin, Written};
use crate::identity::Actor;
use crate::limits::PROOF_WAIT_MAX;
use crate::trail::{Recorded, Trail};
use gridvault_audit::LogReader;

/// A proof in the form of c2sp.org/tlog-proof.
pub struct ReceiptProof {
    /// The text of the `.tlog-proof` file.
    pub text: String,
    /// The entry of this request.
    pub recorded: Recorded,
}

/// Proves that the entry with this leaf hash is in the log.
///
/// # Errors
/// `not_found` when there is no such entry or the hash is not its own.
pub async fn prove_receipt(
    actor: &Actor,
    index: u64,
    leaf: &[u8; 32],
    origin: &Origin,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
) -> Result<ReceiptProof, OversightError> {
    let standing = actor.standing();
    let permit = access.permit_known(standing, Written::Proof, origin, TheLog);
    let recorded = record(permit, standing, origin, access, trail).await?;
    // An index that was never given out is not waited for.
    if index >= recorded.index() {
        return Err(turn_away(standing, Code::NotFound, origin, access, trail).await);
    }
    trail.covered_within(index, PROOF_WAIT_MAX).await.map_err(OversightError::Trail)?;
    // By the hash that the log has: a receipt outlives its entry.
    if log.leaf(index)? != *leaf {
        return Err(turn_away(standing, Code::NotFound, origin, access, trail).await);
    }
    Ok(ReceiptProof { text: log.proof_file(index)?, recorded })
}
