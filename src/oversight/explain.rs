//! One entry for an officer: as it was written, in words, and with the proof that it is in the log.
//! Never a proof that the vault only asserts: it is text that other tools check, with a key from elsewhere.
//! What is said to be proven was checked with the verifier's code, from the files as they lie there.

use super::entries::TheLog;
use super::entry::LogEntry;
use super::error::{OversightError, record, refuse, turn_away};
use super::words::{Vocabulary, Words, words};
use crate::access::{Access, Code, Duty, Origin};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::limits::PROOF_WAIT_MAX;
use crate::trail::{Recorded, Trail};
use gridvault_audit::LogReader;
use gridvault_audit::verify::{VerifierKey, leaf_hash, verify_proof};

/// An entry in words.
pub struct Said {
    /// As it was written.
    pub entry: Vec<u8>,
    /// Its leaf hash.
    pub leaf: [u8; 32],
    /// What it records, in words.
    pub words: Words,
}

impl Said {
    pub(super) fn of(entry: Vec<u8>, vocabulary: &Vocabulary<'_>) -> Result<Said, OversightError> {
        let parsed = LogEntry::parse(&entry).ok_or(OversightError::Malformed)?;
        let (leaf, words) = (leaf_hash(&entry), words(&parsed, vocabulary));
        Ok(Said { entry, leaf, words })
    }
}

/// An entry with its proof.
pub struct Explained {
    /// The entry.
    pub said: Said,
    /// Its proof in the form of c2sp.org/tlog-proof.
    pub proof: String,
    /// Whether entry, proof and checkpoint agree under the log's key.
    pub proven: bool,
    /// The entry of this reading.
    pub recorded: Recorded,
}

/// Opens one entry.
///
/// # Errors
/// `denied` without the duty, `not_found` for an index that no entry has, `erased` for one whose entry was pruned.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn explain_entry(
    actor: &Actor,
    index: u64,
    origin: &Origin,
    now: Micros,
    vocabulary: &Vocabulary<'_>,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
    log_key: &str,
) -> Result<Explained, OversightError> {
    let duty = Duty::AuditRead;
    let recorded = reach(actor, index, duty, origin, now, access, trail).await?;
    if index < log.minimum()?.index {
        return Err(turn_away(actor.standing(), Code::Erased, origin, access, trail).await);
    }
    // An entry that was changed where it lies is shown as it is, and said not to be proven: here somebody looks at what is wrong.
    let entry = log.entries_as_they_lie(index, 1)?.pop().ok_or(OversightError::Malformed)?;
    let proof = log.proof_file(index)?;
    let said = Said::of(entry, vocabulary)?;
    let key = VerifierKey::parse(log_key).map_err(|_| OversightError::Malformed)?;
    let proven = verify_proof(proof.as_bytes(), &key, &said.leaf).is_ok();
    Ok(Explained { said, proof, proven, recorded })
}

/// The proof of an entry, as a file; also of one that was pruned.
///
/// # Errors
/// As [`explain_entry`], but for `erased`.
pub async fn prove_entry(
    actor: &Actor,
    index: u64,
    origin: &Origin,
    now: Micros,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
) -> Result<(String, Recorded), OversightError> {
    let recorded = reach(actor, index, Duty::AuditProof, origin, now, access, trail).await?;
    Ok((log.proof_file(index)?, recorded))
}

/// Records the use and waits until the entry is covered by a checkpoint.
async fn reach(
    actor: &Actor,
    index: u64,
    duty: Duty,
    origin: &Origin,
    now: Micros,
    access: &Access,
    trail: &Trail,
) -> Result<Recorded, OversightError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, duty, origin, now, TheLog) {
        Ok(permit) => permit,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let recorded = record(permit, standing, origin, access, trail).await?;
    // An index that was never given out is not waited for.
    if index >= recorded.index() {
        return Err(turn_away(standing, Code::NotFound, origin, access, trail).await);
    }
    trail.covered_within(index, PROOF_WAIT_MAX).await.map_err(OversightError::Trail)?;
    Ok(recorded)
}
