//! An entry of the log as officers' tools read it: the members that they search, explain and count by.
//! Never written back: what is shown, exported or proven are the bytes of the log.
//! A member that is missing is absent, and one that this version does not know is passed over.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The members of an entry (AUDIT-LOG section 3). Ids are base64url, times microseconds since 1970.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct LogEntry {
    /// Its index.
    pub seq: u64,
    /// When, UTC.
    pub t: u64,
    /// Event family.
    pub ev: String,
    /// Action within the family.
    pub act: String,
    /// How it ended.
    pub out: String,
    /// Reason code.
    pub why: Option<String>,
    /// Actor.
    pub who: Option<String>,
    /// Calling system.
    pub via: Option<String>,
    /// Role that carried the decision.
    pub role: Option<String>,
    /// Area of that role.
    pub scope: Option<String>,
    /// Audit handles of records.
    #[serde(default)]
    pub rec: Vec<String>,
    /// Audit handles of subjects.
    #[serde(default)]
    pub sub: Vec<String>,
    /// Count, where it stands for many.
    pub n: Option<u64>,
    /// Grid of the record at that time.
    pub grid: Option<String>,
    /// Assignment.
    pub asg: Option<String>,
    /// Approval, delegation or emergency access.
    pub apr: Option<String>,
    /// Task.
    pub task: Option<String>,
    /// Record type.
    pub typ: Option<String>,
    /// Field names.
    #[serde(default)]
    pub fld: Vec<String>,
    /// View of each field.
    #[serde(default)]
    pub view: Vec<String>,
    /// Purpose.
    pub pur: Option<String>,
    /// Case.
    pub case: Option<String>,
    /// Index of the entry that activated the policy.
    pub pol: Option<u64>,
    /// Rule that decided.
    pub rule: Option<String>,
    /// Request.
    pub req: Option<String>,
    /// Further facts.
    #[serde(default)]
    pub x: BTreeMap<String, serde_json::Value>,
}

impl LogEntry {
    /// Reads an entry; nothing where the bytes are none.
    pub fn parse(bytes: &[u8]) -> Option<LogEntry> {
        serde_json::from_slice(bytes).ok()
    }

    /// The actor that an act of administration was about.
    pub fn about(&self) -> Option<&str> {
        self.x.get("actor")?.as_str()
    }

    /// Family and action.
    pub fn event(&self) -> String {
        format!("{}.{}", self.ev, self.act)
    }
}
