//! Runs the passes in which a list of the store's digests is held against the log.
//! Never holds more than one part of the list.
//! A list that is not one of this log is nobody's tampering: it is refused as unusable.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use gridvault_audit::verify::{DigestsHead, Ledger, Summary, VerifyError, Visitor};

/// Holds the list at `path` against the log that `pass` verifies. Gives what the last pass found, the records
/// judged, and those whose last entry was pruned.
pub(super) fn judge(
    path: &Path,
    mut pass: impl FnMut(&mut dyn Visitor) -> Result<Summary, VerifyError>,
) -> Result<(Summary, u64, u64), VerifyError> {
    let open = || File::open(path).map(BufReader::new);
    let head = DigestsHead::read(&mut open()?)?;
    let mut parts = head.parts();
    let (mut part, mut unjudged) = (0, 0);
    loop {
        let mut ledger = Ledger::read(&mut open()?, part, parts)?;
        if *ledger.head() != head {
            return Err(VerifyError::DigestsRefused("it changed while it was read"));
        }
        let summary = pass(&mut ledger)?;
        if head.origin != summary.head.origin {
            return Err(VerifyError::DigestsRefused("it is of another log"));
        }
        if head.size > summary.head.size {
            return Err(VerifyError::DigestsRefused("it covers more entries than the checkpoint"));
        }
        if ledger.is_overfull() {
            // The log knows many more records than the list: begin again with smaller parts.
            (parts, part, unjudged) = (parts * 2, 0, 0);
            continue;
        }
        ledger.judge()?;
        unjudged += ledger.unjudged();
        part += 1;
        if part == parts {
            return Ok((summary, head.records.saturating_sub(unjudged), unjudged));
        }
    }
}
