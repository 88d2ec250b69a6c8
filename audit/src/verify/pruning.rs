//! Judges that a log begins where it says: the pruning is itself an entry, and what is gone was old enough.
//! Never takes the file `minimum` at its word: without the entry that it names, missing entries are missing.
//! What was pruned cannot be read any more; its hashes are, and lead to the signed root.

use serde::Deserialize;

use super::finding::{Class, Finding, VerifyError};
use super::note::parse_decimal;
use super::shelf::{Found, Source};
use crate::constants::{MINIMUM_BYTES_MAX, MINIMUM_FILE, PRUNE_AGE_SECONDS_MIN, TILE_WIDTH};

/// The beginning that a log states, and whether its entry was seen.
pub(super) struct Pruning {
    /// First index that is kept.
    pub(super) minimum: u64,
    recorded: u64,
    /// The policy in force at the beginning, once the entry was seen and is right.
    policy: Option<u64>,
    fault: Option<Finding>,
}

#[derive(Deserialize)]
struct Members {
    ev: String,
    act: String,
    out: String,
    t: u64,
    x: Option<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    before: u64,
    minimum: u64,
    policy_at: u64,
}

impl Pruning {
    /// Reads where the log begins.
    pub(super) fn read<S: Source>(source: &mut S) -> Result<Pruning, VerifyError> {
        let mut bytes = Vec::new();
        let broken = |detail| VerifyError::Tampered(Finding::at(Class::PruneUnrecorded, 0, detail));
        let (minimum, recorded) = match source.read(MINIMUM_FILE, MINIMUM_BYTES_MAX, &mut bytes)? {
            Found::Missing => (0, 0),
            Found::Foreign => return Err(broken("file of the beginning is not a plain file")),
            Found::File => parse(&bytes).ok_or(broken("file of the beginning is malformed"))?,
        };
        if !minimum.is_multiple_of(TILE_WIDTH as u64) || minimum > recorded {
            return Err(broken("log begins where no entry that it keeps can say so"));
        }
        Ok(Pruning { minimum, recorded, policy: None, fault: None })
    }

    /// Whether a log of `size` entries has the entry that says where it begins.
    pub(super) fn is_within(&self, size: u64) -> Result<(), Finding> {
        match self.minimum == 0 || self.recorded < size {
            true => Ok(()),
            false => Err(Finding::at(
                Class::PruneUnrecorded,
                0,
                "checkpoint does not cover the entry that says where the log begins",
            )),
        }
    }

    /// Looks at an entry of the log.
    pub(super) fn entry(&mut self, index: u64, entry: &[u8]) {
        if self.minimum == 0 || index != self.recorded {
            return;
        }
        let at = |class, detail| Some(Finding::at(class, index, detail));
        let members: Option<Members> = serde_json::from_slice(entry).ok();
        let Some(Members { t, x: Some(Detail { before, minimum, policy_at }), .. }) = members
            .filter(|members| {
                (&*members.ev, &*members.act, &*members.out) == ("sys", "prune", "success")
            })
        else {
            self.fault = at(Class::PruneUnrecorded, "entry does not say that anything was pruned");
            return;
        };
        if minimum != self.minimum {
            self.fault = at(Class::PruneUnrecorded, "entry says that the log begins elsewhere");
        } else if before.saturating_add(PRUNE_AGE_SECONDS_MIN * 1_000_000) > t {
            self.fault = at(Class::PruneEarly, "entries were pruned before they were old enough");
        }
        self.policy = Some(policy_at);
    }

    /// What is wrong with the beginning, after all entries; `cited` is a policy from below it, and the first to cite it.
    pub(super) fn judge(&mut self, cited: Option<(u64, u64)>) -> Result<(), Finding> {
        if let Some(finding) = self.fault.take() {
            return Err(finding);
        }
        match cited {
            Some((policy, by)) if self.policy != Some(policy) => Err(Finding::at(
                Class::PolicyUnknown,
                by,
                "entry cites a policy that was not in force where the log begins",
            )),
            _ => Ok(()),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (minimum, rest) = text.split_once('\n')?;
    Some((parse_decimal(minimum)?, parse_decimal(rest.strip_suffix('\n')?)?))
}
