//! Looks at the refused lines: all that must be refused, none else, as they were, with their codes, and nobody else's.
//! Never takes a count for a proof: each line is compared byte for byte with the source, and a source without one is a failure.
//! The file must be readable by its owner alone.

use super::records::Records;
use crate::desk::Desk;
use crate::fault::Fault;
use crate::tally::Tally;
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

/// Checks the quarantine file.
pub fn check(desk: &Desk, records: &Records, tally: &mut Tally) -> Result<(), Fault> {
    let path = desk.path("city.ndjson.quarantine");
    let text = match records.refusals.is_empty() {
        true => String::new(),
        false => desk.read("city.ndjson.quarantine")?,
    };
    let mut lines = text.lines();
    let (mut found, mut wrong) = (BTreeMap::new(), Vec::new());
    if records.refusals.is_empty() {
        wrong.push("the source has no line that must be refused".to_owned());
    }
    while let (Some(comment), Some(line)) = (lines.next(), lines.next()) {
        let why: Value = serde_json::from_str(comment.trim_start_matches("# ")).unwrap_or_default();
        let number = why["line"].as_u64().unwrap_or_default();
        found.insert(number, why["code"].as_str().unwrap_or_default().to_owned());
        if records.unanswered.get(&number).map(String::as_str) != Some(line) {
            wrong.push(format!("line {number} is not as it was"));
        }
    }
    if found != records.refusals {
        let of = |one: &BTreeMap<u64, String>, other: &BTreeMap<u64, String>| {
            let only = one.iter().filter(|(line, code)| other.get(line) != Some(code));
            only.take(5).map(|(line, code)| format!("{line} {code}")).collect::<Vec<_>>().join(", ")
        };
        wrong.push(format!("wrongly there: {}", of(&found, &records.refusals)));
        wrong.push(format!("wrongly missing: {}", of(&records.refusals, &found)));
    }
    if !found.is_empty() {
        let found = std::fs::metadata(&path).map_err(|e| Fault::io("looking at", &path, e))?;
        if found.permissions().mode() & 0o777 != 0o600 {
            wrong.push("others may read it".to_owned());
        }
    }
    let outcome = match wrong.is_empty() {
        true => Ok(format!("{} lines, each with its code", found.len())),
        false => Err(wrong.into_iter().take(10).collect::<Vec<_>>().join("; ")),
    };
    tally.check("what must be refused is in quarantine, and nothing else", outcome);
    Ok(())
}
