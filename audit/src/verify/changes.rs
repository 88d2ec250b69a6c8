//! What an entry says of stored records: which ones it changed, and what each was afterwards.
//! Never looks at anything else of an entry, and never guesses: an entry that says half of it says nothing.
//! A handle names a record and says nothing about a person; a digest is over sealed bytes.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::constants::FURTHER_DIGEST_PREFIX;

/// One record that an entry changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange {
    /// Audit handle of the record.
    pub handle: [u8; 16],
    /// Its version afterwards.
    pub version: u64,
    /// SHA-256 of the sealed record afterwards; `None` where the entry removed it.
    pub digest: Option<[u8; 32]>,
}

/// The members of an entry that speak of stored records.
#[derive(Deserialize)]
struct Members<'a> {
    ev: &'a str,
    act: &'a str,
    out: &'a str,
    #[serde(borrow, default)]
    rec: Vec<&'a str>,
    ver: Option<(u64, u64)>,
    dig: Option<&'a str>,
    #[serde(borrow, default)]
    x: HashMap<&'a str, serde_json::Value>,
}

/// The records that an entry changed, in its order; none for an entry that changed nothing. `None` where it changes records
/// and does not say how (FORMAT.md, "Entry").
#[must_use]
pub fn record_changes(entry: &[u8]) -> Option<Vec<RecordChange>> {
    // Every entry that changes a record has its versions; the others are not worth parsing.
    if !entry.windows(6).any(|window| window == b"\"ver\":") {
        return Some(Vec::new());
    }
    let members: Members<'_> = serde_json::from_slice(entry).ok()?;
    let removes = members.ev == "data" && matches!(members.act, "delete" | "erase");
    let Some((before, version)) = members.ver.filter(|_| members.out == "success") else {
        return Some(Vec::new());
    };
    if before == version {
        return Some(Vec::new());
    }
    let change = |(at, text): (usize, &&str)| {
        let digest = match (removes, at) {
            (true, _) => None,
            (false, 0) => Some(decode(members.dig?)?),
            (false, at) => {
                let name = format!("{FURTHER_DIGEST_PREFIX}{at}");
                Some(decode(members.x.get(name.as_str())?.as_str()?)?)
            }
        };
        Some(RecordChange { handle: decode(text)?, version, digest })
    };
    members.rec.iter().enumerate().map(change).collect()
}

pub(super) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
