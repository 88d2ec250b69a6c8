//! Takes away bundles of entries whose retention is over (c2sp.org/tlog-tiles, "Pruning").
//! Never a hash: every tile stays, so root, proofs and the log's name stay what they are.
//! Whole full bundles alone, from the oldest on, and only below what the published checkpoint covers.

use std::path::Path;

use serde::Deserialize;

use super::error::LogError;
use super::files::{self, Staging};
use super::reader::LogReader;
use super::tree::{TileKind, full_path, partial_directory};
use crate::constants::{MINIMUM_FILE, TILE_WIDTH};

/// Where a pruned log begins, and which entry says so: the file `minimum`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minimum {
    /// The first index whose entry is kept; 0 where nothing was pruned.
    pub index: u64,
    /// The entry that records the pruning.
    pub recorded: u64,
}

impl Minimum {
    fn parse(bytes: &[u8]) -> Option<Minimum> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (index, rest) = text.split_once('\n')?;
        let recorded = rest.strip_suffix('\n')?;
        let minimum = Minimum { index: index.parse().ok()?, recorded: recorded.parse().ok()? };
        (minimum.to_text() == text).then_some(minimum)
    }

    /// The two lines of the file.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n", self.index, self.recorded)
    }
}

/// Where the file of a log in `directory` says that it begins.
pub(super) fn stated(directory: &Path) -> Result<Minimum, LogError> {
    match files::read(&directory.join(MINIMUM_FILE))? {
        None => Ok(Minimum::default()),
        Some(bytes) => {
            Minimum::parse(&bytes).ok_or(LogError::FileDamaged { path: MINIMUM_FILE.into() })
        }
    }
}

/// Whether `entry` records that the log begins at `index`.
pub(super) fn is_recorded_by(index: u64, entry: &[u8]) -> bool {
    let pruning: Option<Pruning> = serde_json::from_slice(entry).ok();
    pruning.is_some_and(|Pruning { ev, act, out, x }| {
        (&*ev, &*act, &*out, x.minimum) == ("sys", "prune", "success", index)
    })
}

/// What is read of the entry of a pruning.
#[derive(Deserialize)]
struct Pruning {
    ev: String,
    act: String,
    out: String,
    x: Detail,
}

#[derive(Deserialize)]
struct Detail {
    minimum: u64,
}

/// Takes every bundle below `minimum.index` away. The entry that records it must be published before.
///
/// A crash leaves the old beginning, or the new one with bundles below it: the same call again takes those away.
///
/// # Errors
/// [`LogError::NotPrunable`] where that is no beginning to raise to, and the disk's.
pub fn prune(log: &LogReader, minimum: Minimum) -> Result<(), LogError> {
    let width = TILE_WIDTH as u64;
    let before = log.minimum()?;
    let fits = minimum.index.is_multiple_of(width)
        && minimum.index >= before.index
        && minimum.index <= minimum.recorded
        && minimum.recorded < log.size()?;
    if !fits {
        return Err(LogError::NotPrunable);
    }
    let mut staging = Staging::default();
    if before != minimum {
        staging.replace(&log.directory.join(MINIMUM_FILE), minimum.to_text().as_bytes())?;
        // A crash here leaves the old beginning or the new; the bundles of the new one are all still there.
        staging.sync()?;
    }
    remove_below(&log.directory, minimum.index / width, &mut staging)?;
    staging.sync()?;
    Ok(())
}

/// Removes the bundles below `end`, the oldest first, so that a crash leaves what the next call finds: those just below it.
fn remove_below(directory: &Path, end: u64, staging: &mut Staging) -> Result<(), LogError> {
    let path = |number| directory.join(full_path(TileKind::Entries, number));
    let mut first = end;
    while first > 0 && path(first - 1).exists() {
        first -= 1;
    }
    for number in first..end {
        staging.remove_directory(&directory.join(partial_directory(TileKind::Entries, number)))?;
        staging.remove_file(&path(number))?;
    }
    Ok(())
}
