//! What a log must agree with beside its own files: checkpoints kept by the auditor, views of witnesses, the quorum.
//! Never takes any of it from the log's directory but the checkpoints, which the policy's keys signed.
//! Each becomes a milestone: at so many entries the tree must have this root.

use super::finding::{Class, Finding, VerifyError};
use super::note::{Cosigned, Head, open_checkpoint};
use super::policy::Policy;
use super::shelf::{Found, Source};
use super::tree::Hash;
use crate::constants::{
    CHECKPOINT_FILE, COSIGNATURE_BACKDATED_SECONDS_MAX, NOTE_BYTES_MAX, WITNESSED_FILE,
};

/// What the auditor knows from elsewhere than the log.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// Checkpoints of this log that the auditor kept.
    pub earlier: Vec<Head>,
    /// What witnesses showed of this log, see [`open_view`].
    pub views: Vec<Head>,
    /// The time by the auditor's clock, in seconds since 1970. Without it no cosignature is too new or too old.
    pub now_seconds: Option<u64>,
    /// How old the quorum's cosignatures may be, in seconds. Without it a log that was frozen is not noticed.
    pub cosignature_age_seconds_max: Option<u64>,
}

/// Reads what a witness showed as its view of a log: a checkpoint that the log signed and a witness of `policy` cosigned. What it has
/// seen, it has seen whatever its clock says: cosignatures from the future are not among those given, and the head holds.
///
/// # Errors
/// Those of [`open_checkpoint`] without a clock, and of class `QuorumMissing` where no witness cosigned.
pub fn open_view(
    note: &[u8],
    policy: &Policy,
    now_seconds: Option<u64>,
) -> Result<Cosigned, Finding> {
    let mut view = open_checkpoint(note, policy, None)?;
    if view.cosignatures.is_empty() {
        return Err(Finding::new(Class::QuorumMissing, "no known witness cosigned it"));
    }
    view.cosignatures.retain(|given| !given.is_from_the_future(now_seconds));
    Ok(view)
}

/// What the log claims about itself, and what its tree must pass on the way.
pub(super) struct Claims {
    pub(super) head: Head,
    pub(super) witnessed: Option<Cosigned>,
    /// Ascending by size.
    pub(super) milestones: Vec<Milestone>,
}

/// At `size` entries the tree must have `root`.
pub(super) struct Milestone {
    pub(super) size: u64,
    root: Hash,
    class: Class,
    detail: &'static str,
    /// The quorum cosigned since then; that must not be before the last entry.
    quorum_seconds: Option<u64>,
}

impl Claims {
    /// Reads the checkpoints of a log and holds them against the policy and what is expected.
    pub(super) fn read<S: Source>(
        source: &mut S,
        policy: &Policy,
        expected: &Expectations,
    ) -> Result<Claims, VerifyError> {
        let mut note = Vec::new();
        if !read_note(source, CHECKPOINT_FILE, &mut note)? {
            return Err(VerifyError::NoCheckpoint);
        }
        let signed = open_checkpoint(&note, policy, expected.now_seconds)?;
        let witnessed = match policy.asks_for_witnesses() {
            true => Some(witnessed(source, policy, &signed, expected)?),
            false => None,
        };
        let head = signed.head;
        let mut milestones = Vec::new();
        let rewritten = "log is no continuation of an earlier checkpoint";
        for earlier in &expected.earlier {
            milestones.push(milestone(&head, earlier, Class::HistoryRewritten, rewritten)?);
        }
        let differs = "log is no continuation of what a witness has seen";
        for view in &expected.views {
            milestones.push(milestone(&head, view, Class::ViewDiffers, differs)?);
        }
        let split = "log is no continuation of what its witnesses cosigned";
        if let Some(Cosigned { head: cosigned, cosignatures }) = &witnessed {
            let mut milestone = milestone(&head, cosigned, Class::HistoryRewritten, split)?;
            milestone.quorum_seconds = policy.quorum_since(cosignatures);
            milestones.push(milestone);
        }
        milestones.sort_by_key(|milestone| milestone.size);
        Ok(Claims { head, witnessed, milestones })
    }
}

/// The checkpoint that the quorum cosigned: the one given, or the one that the log keeps beside it.
fn witnessed<S: Source>(
    source: &mut S,
    policy: &Policy,
    signed: &Cosigned,
    expected: &Expectations,
) -> Result<Cosigned, VerifyError> {
    let missing = |detail| Err(Finding::new(Class::QuorumMissing, detail).into());
    let cosigned = if policy.is_met_by(&signed.cosignatures) {
        signed.clone()
    } else {
        let mut note = Vec::new();
        if !read_note(source, WITNESSED_FILE, &mut note)? {
            return missing("no checkpoint is cosigned by the quorum of witnesses");
        }
        open_checkpoint(&note, policy, expected.now_seconds)?
    };
    if !policy.is_met_by(&cosigned.cosignatures) {
        return missing("no checkpoint is cosigned by the quorum of witnesses");
    }
    let since = match (expected.now_seconds, expected.cosignature_age_seconds_max) {
        (Some(now), Some(age)) => now.saturating_sub(age),
        _ => 0,
    };
    if policy.quorum_since(&cosigned.cosignatures).is_some_and(|quorum| quorum < since) {
        return missing("cosignatures of the quorum are older than allowed");
    }
    Ok(cosigned)
}

/// Reads a note; says whether it is there.
fn read_note<S: Source>(
    source: &mut S,
    path: &str,
    note: &mut Vec<u8>,
) -> Result<bool, VerifyError> {
    match source.read(path, NOTE_BYTES_MAX, note).map_err(VerifyError::from)? {
        Found::File => Ok(true),
        Found::Missing => Ok(false),
        Found::Foreign => {
            Err(Finding::new(Class::NotAPlainFile, "checkpoint is not a plain file").into())
        }
    }
}

/// Holds the log's checkpoint against another one by what the two state alone.
fn milestone(
    head: &Head,
    other: &Head,
    class: Class,
    detail: &'static str,
) -> Result<Milestone, Finding> {
    if other.origin != head.origin {
        return Err(Finding::new(Class::OriginDiffers, "another checkpoint is of another log"));
    }
    if other.size > head.size {
        return Err(Finding::at(
            Class::CheckpointStale,
            head.size,
            "checkpoint covers less than another one that was seen",
        ));
    }
    Ok(Milestone { size: other.size, root: other.root, class, detail, quorum_seconds: None })
}

impl Milestone {
    /// What is wrong with a tree that has `root` here, and whose last entry is of this time.
    pub(super) fn judge(&self, root: &Hash, last_micros: Option<u64>) -> Result<(), Finding> {
        if *root != self.root {
            return Err(Finding::new(self.class, self.detail));
        }
        let last_seconds = last_micros.map_or(0, |micros| micros / 1_000_000);
        // Without those that are older the quorum would not be made; where it is, one more that is older does not count.
        let backdated = self.quorum_seconds.is_some_and(|since| {
            since.saturating_add(COSIGNATURE_BACKDATED_SECONDS_MAX) < last_seconds
        });
        match backdated {
            true => Err(Finding::at(
                Class::CosignatureTime,
                self.size.saturating_sub(1),
                "cosignature is older than the last entry that it covers",
            )),
            false => Ok(()),
        }
    }
}
