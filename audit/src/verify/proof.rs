//! Checks an offline proof file: that one entry is in the log that a signed checkpoint states.
//! Never trusts the `extra` line, which nobody signs.
//! The leaf comes from outside the file, so a proof cannot vouch for an entry of its own choosing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::finding::{Class, Finding};
use super::key::VerifierKey;
use super::note::{Cosignature, Head, open_checkpoint, parse_decimal, parse_hash};
use super::policy::Policy;
use super::tree::{Hash, path_holds};
use crate::constants::{NOTE_BYTES_MAX, PROOF_HASHES_MAX, PROOF_HEADER};

/// Longest proof file in bytes: the note, the path, and as much again for an `extra` line.
const PROOF_BYTES_MAX: usize = 2 * NOTE_BYTES_MAX;

/// What a proof that holds has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofSummary {
    /// Index of the entry.
    pub index: u64,
    /// The checkpoint under which it was shown.
    pub head: Head,
    /// The cosignatures of that checkpoint by witnesses of the policy.
    pub cosignatures: Vec<Cosignature>,
}

/// Checks that `leaf` is in the log of `key`, by the proof file `file` (c2sp.org/tlog-proof). Asks for no witness.
///
/// # Errors
/// A [`Finding`] of class `ProofMalformed` or `ProofWrong`, or one of [`open_checkpoint`].
pub fn verify_proof(file: &[u8], key: &VerifierKey, leaf: &Hash) -> Result<ProofSummary, Finding> {
    verify_proof_under(file, &Policy::of_log(key.clone()), None, leaf)
}

/// Checks that `leaf` is in a log of `policy`, by the proof file `file`, whose checkpoint the policy's quorum cosigned.
/// `now_seconds` is the time by the reader's clock.
///
/// # Errors
/// Those of [`verify_proof`], and of class `QuorumMissing`.
pub fn verify_proof_under(
    file: &[u8],
    policy: &Policy,
    now_seconds: Option<u64>,
    leaf: &Hash,
) -> Result<ProofSummary, Finding> {
    let malformed = |detail| Finding::new(Class::ProofMalformed, detail);
    if file.len() > PROOF_BYTES_MAX {
        return Err(malformed("proof is too long"));
    }
    let text = std::str::from_utf8(file).map_err(|_| malformed("proof is not UTF-8"))?;
    let (proof, note) =
        text.split_once("\n\n").ok_or_else(|| malformed("proof has no blank line"))?;
    let mut lines = proof.split('\n').peekable();
    if lines.next() != Some(PROOF_HEADER) {
        return Err(malformed("proof has another first line"));
    }
    if let Some(extra) = lines.next_if(|line| line.starts_with("extra "))
        && STANDARD.decode(&extra["extra ".len()..]).is_err()
    {
        return Err(malformed("extra data is not canonical base64"));
    }
    let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(parse_decimal);
    let index = index.ok_or_else(|| malformed("index is not a canonical number"))?;
    let path: Option<Vec<Hash>> = lines.map(parse_hash).collect();
    let path = path
        .ok_or_else(|| malformed("path has a line that is not the canonical base64 of a hash"))?;
    if path.len() > PROOF_HASHES_MAX {
        return Err(malformed("path is longer than any tree is deep"));
    }
    let cosigned = open_checkpoint(note.as_bytes(), policy, now_seconds)?;
    if !policy.is_met_by(&cosigned.cosignatures) {
        return Err(Finding::new(Class::QuorumMissing, "quorum of witnesses did not cosign"));
    }
    let head = cosigned.head;
    if !path_holds(index, head.size, leaf, &path, &head.root) {
        return Err(Finding::at(
            Class::ProofWrong,
            index,
            "path does not lead from the entry to the signed root",
        ));
    }
    Ok(ProofSummary { index, head, cosignatures: cosigned.cosignatures })
}
