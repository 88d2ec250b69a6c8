//! An entry of the log as officers' tools read it: the members that they search, explain and count by.
//! Never written back: what is shown, exported or proven are the bytes of the log.
//! A member that is missing is absent, and one that this version does not know is passed over.

use super::usual;
use compact_str::CompactString;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The members of an entry (audit/FORMAT.md). Ids are base64url, times microseconds since 1970.
/// Nearly every text is short enough to lie in its place: what follows the log reads each entry of a busy day.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct LogEntry {
    /// Its index.
    pub seq: u64,
    /// When, UTC.
    pub t: u64,
    /// Event family.
    pub ev: CompactString,
    /// Action within the family.
    pub act: CompactString,
    /// How it ended.
    pub out: CompactString,
    /// Reason code.
    pub why: Option<CompactString>,
    /// Actor.
    pub who: Option<CompactString>,
    /// Calling system.
    pub via: Option<CompactString>,
    /// Role that carried the decision.
    pub role: Option<CompactString>,
    /// Area of that role.
    pub scope: Option<CompactString>,
    /// Audit handles of records.
    #[serde(default)]
    pub rec: Vec<CompactString>,
    /// Audit handles of subjects.
    #[serde(default)]
    pub sub: Vec<CompactString>,
    /// Count, where it stands for many.
    pub n: Option<u64>,
    /// Grid of the record at that time.
    pub grid: Option<CompactString>,
    /// Assignment.
    pub asg: Option<CompactString>,
    /// Approval, delegation or emergency access.
    pub apr: Option<CompactString>,
    /// Task.
    pub task: Option<CompactString>,
    /// Record type.
    pub typ: Option<CompactString>,
    /// Field names.
    #[serde(default)]
    pub fld: Vec<CompactString>,
    /// View of each field.
    #[serde(default)]
    pub view: Vec<CompactString>,
    /// Purpose.
    pub pur: Option<CompactString>,
    /// Case.
    pub case: Option<CompactString>,
    /// Index of the entry that activated the policy.
    pub pol: Option<u64>,
    /// Rule that decided.
    pub rule: Option<CompactString>,
    /// Request.
    pub req: Option<CompactString>,
    /// Further facts.
    #[serde(default)]
    pub x: BTreeMap<String, serde_json::Value>,
}

impl LogEntry {
    /// Reads an entry; nothing where the bytes are none.
    pub fn parse(bytes: &[u8]) -> Option<LogEntry> {
        // Its texts are looked through for UTF-8 once and not each alone.
        let text = std::str::from_utf8(bytes).ok()?;
        usual::read(text).or_else(|| serde_json::from_str(text).ok())
    }

    /// The actor that an act of administration was about.
    pub fn about(&self) -> Option<&str> {
        self.x.get("actor")?.as_str()
    }

    /// Family and action.
    pub fn event(&self) -> CompactString {
        let mut event = self.ev.clone();
        event.push('.');
        event.push_str(&self.act);
        event
    }
}
