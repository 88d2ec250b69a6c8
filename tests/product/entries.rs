//! Entries of the log as the auditor sees them, compared byte for byte with what the log's files hold.
//! Never believes one side: the interface, the file and the receipt must say the same.
//! An entry is published within a second; the wait for it is bounded.

use super::client::Reply;
use super::harness::{Demo, await_until};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::{LogReader, leaf_hash};
use serde_json::Value;

/// Entries that one page may hold.
const PAGE: u64 = 100;

impl Demo {
    /// The log's published files.
    pub fn log(&self) -> LogReader {
        LogReader::open(&self.log_directory(), self.origin()).expect("the log is readable")
    }

    /// The entry that records an answer. Its leaf is that of the receipt, where the answer has one.
    #[track_caller]
    pub fn entry_of(&self, reply: &Reply) -> Value {
        let entry = self.entry(reply.index());
        if let Some(leaf) = reply.body["receipt"]["leaf"].as_str() {
            assert_eq!(reply.text_of_receipt_log(), self.origin());
            let hash = leaf_hash(entry.to_string().as_bytes());
            assert_eq!(leaf, BASE64_URL_SAFE_NO_PAD.encode(hash), "leaf of the receipt");
        }
        let request = reply.header("request-id").replace('-', "");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(entry["req"].as_str().expect("a request id"));
        let bytes = bytes.expect("base64url");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, request, "the entry is that of this request");
        entry
    }

    /// The published entry at an index: what the auditor is shown is what the log's file holds.
    #[track_caller]
    pub fn entry(&self, index: u64) -> Value {
        let log = self.log();
        await_until("the entry is published", || log.size().expect("a checkpoint") > index);
        let bytes = log.entry(index).expect("a published entry");
        let page = self.entries_from(index, 1);
        let shown = page[0].clone();
        assert_eq!(shown.to_string().as_bytes(), bytes, "entry {index} is canonical JSON");
        assert_eq!(shown["seq"], index);
        shown
    }

    /// A page of entries, by the auditor's call.
    #[track_caller]
    pub fn entries_from(&self, from: u64, limit: u64) -> Vec<Value> {
        let auditor = self.role("compliance_auditor");
        let reply = auditor.get(&format!("/v1/audit/entries?from={from}&limit={limit}"));
        reply.expect(200).body["entries"].as_array().expect("a list").clone()
    }

    /// Every entry from an index up to and with another one.
    #[track_caller]
    pub fn entries_between(&self, from: u64, to: u64) -> Vec<Value> {
        let log = self.log();
        await_until("the entries are published", || log.size().expect("a checkpoint") > to);
        let mut entries = Vec::new();
        let mut next = from;
        while next <= to {
            let page = self.entries_from(next, PAGE.min(to - next + 1));
            assert!(!page.is_empty(), "the log ends before {to}");
            next += page.len() as u64;
            entries.extend(page);
        }
        entries
    }
}

impl Reply {
    fn text_of_receipt_log(&self) -> &str {
        self.body["receipt"]["log"].as_str().expect("a receipt names its log")
    }
}

/// The names of an entry's members.
pub fn members(entry: &Value) -> Vec<&str> {
    entry.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// What an entry says happened, as `family.action outcome`.
pub fn happened(entry: &Value) -> String {
    let word = |name: &str| entry[name].as_str().unwrap_or("-");
    format!("{}.{} {}", word("ev"), word("act"), word("out"))
}
