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
    /// Its version afterwards; `None` for a further record of an entry, which says the first one's alone.
    pub version: Option<u64>,
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
    let removes = members.ev == "data" && matches!(members.act, "delete" | "erase" | "retain");
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
        Some(RecordChange { handle: decode(text)?, version: (at == 0).then_some(version), digest })
    };
    members.rec.iter().enumerate().map(change).collect()
}

/// Whether a log that begins with this entry is the one of a restored vault: what its store had before has no entry in it.
#[must_use]
pub fn is_restore(entry: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct First<'a> {
        ev: &'a str,
        act: &'a str,
    }
    serde_json::from_slice(entry).is_ok_and(|First { ev, act }| (ev, act) == ("sys", "restore"))
}

pub(super) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_of_a_restored_vault_is_known_by_its_first_entry() {
        assert!(is_restore(br#"{"act":"restore","ev":"sys","out":"success"}"#));
        assert!(!is_restore(br#"{"act":"init","ev":"sys","out":"success"}"#));
        assert!(!is_restore(br#"{"act":"restore","ev":"key","out":"success"}"#));
        assert!(!is_restore(b"restore"));
    }

    #[test]
    fn entry_that_changes_records_and_does_not_say_how_is_none() {
        let rec = URL_SAFE_NO_PAD.encode([7; 16]);
        let without_digest = format!(
            r#"{{"act":"update","ev":"data","out":"success","rec":["{rec}"],"ver":[1,2]}}"#
        );
        assert_eq!(record_changes(without_digest.as_bytes()), None);
        let denied = without_digest.replace("success", "denied");
        assert_eq!(record_changes(denied.as_bytes()), Some(Vec::new()));
        let read = without_digest.replace("[1,2]", "[2,2]");
        assert_eq!(record_changes(read.as_bytes()), Some(Vec::new()));
    }
}
