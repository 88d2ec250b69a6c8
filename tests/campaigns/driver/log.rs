//! The log as a stranger reads it: entries by index, and the verifier's verdict.
//! Never trusts the vault's word for an entry; it reads the files.
//! Only what a checkpoint covers is read.

use super::fault::Fault;
use super::page::Page;
use gridvault_audit::{LogReader, leaf_hash};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a checkpoint.
const COVERED_TIME_MAX: Duration = Duration::from_secs(10);
/// How often is looked for one.
const COVERED_POLL: Duration = Duration::from_millis(10);

/// An entry.
pub struct Entry {
    /// Its index.
    pub index: u64,
    /// Its leaf hash.
    pub leaf: [u8; 32],
    /// What it says.
    pub said: Value,
}

impl Entry {
    /// Family and action.
    pub fn event(&self) -> String {
        format!("{}.{}", self.text("ev"), self.text("act"))
    }

    /// A text member; empty where it is absent.
    pub fn text(&self, name: &str) -> &str {
        self.said[name].as_str().unwrap_or_default()
    }

    /// The audit handles of its records.
    pub fn handles(&self) -> Vec<String> {
        let handles = self.said["rec"].as_array().into_iter().flatten();
        handles.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Version before and after.
    pub fn versions(&self) -> Option<(u64, u64)> {
        let versions = self.said["ver"].as_array()?;
        Some((versions.first()?.as_u64()?, versions.get(1)?.as_u64()?))
    }
}

/// Entries from `from` up to and with `last`, once a checkpoint covers them.
pub fn entries(page: &Page, from: u64, last: u64) -> Result<Vec<Entry>, Fault> {
    let reader = LogReader::open(&page.log, &page.origin)?;
    let started = Instant::now();
    while reader.size()? <= last {
        if started.elapsed() > COVERED_TIME_MAX {
            return Err(Fault::OutOfTime { what: "a checkpoint", limit: COVERED_TIME_MAX });
        }
        std::thread::sleep(COVERED_POLL);
    }
    let count = usize::try_from((last + 1).saturating_sub(from)).unwrap_or_default();
    let texts = reader.entries(from, count)?;
    Ok(std::iter::zip(from.., texts)
        .map(|(index, text)| Entry {
            index,
            leaf: leaf_hash(&text),
            said: serde_json::from_slice(&text).unwrap_or_default(),
        })
        .collect())
}

/// Exit status and output of the verifier over a log.
pub fn verify(program: &Path, log: &Path, key: &str) -> Result<(Option<i32>, String), Fault> {
    let output = Command::new(program)
        .arg("verify")
        .arg(log)
        .args(["--vkey", key])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Fault::io("starting", program, error))?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&said).trim().to_owned()))
}
