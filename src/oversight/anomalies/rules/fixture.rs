//! Entries of invented accounts, for the rules' fixtures: what each rule must find, and what it must not.
//! Never written by hand one by one: days of reads are made, each entry as the vault writes it.
//! Time is given; the first day is 2026-01-05.

use super::super::act::local;
use super::super::anomaly::Anomaly;
use super::super::thresholds::Thresholds;
use super::super::watch::{Lapsed, Watch};
use super::RuleName;
use crate::access::ActorId;
use crate::oversight::entry::LogEntry;
use crate::records::{Handle, SchemaSet};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// 2026-01-04T16:00:00Z, in microseconds: the fifth of January in the country.
const FIRST_DAY: u64 = 1_767_542_400_000_000;
const HOUR: u64 = 3_600_000_000;
/// Between two entries.
const STEP: u64 = 20_000_000;
/// The handle of the first account's own record.
pub(in super::super) const OWN: &str = "_____________________w";

pub(in super::super) static SCHEMAS: LazyLock<Arc<SchemaSet>> =
    LazyLock::new(|| Arc::new(SchemaSet::built_in().expect("the shipped schemas")));

pub(in super::super) fn thresholds() -> Thresholds {
    Thresholds::read(Thresholds::built_in_text(), |_| true, |_| true, |_| true)
        .expect("the shipped ones")
}

pub(in super::super) fn watch() -> Watch {
    watch_with(Box::new(|_, _, _| None))
}

fn watch_with(lapsed: Lapsed) -> Watch {
    let is_own = |actor: &ActorId, handle: &str| actor.as_bytes() == &[1; 16] && handle == OWN;
    Watch::new(thresholds(), &SCHEMAS, Box::new(is_own), lapsed)
}

/// Entries in the order of a log.
pub(in super::super) struct Log {
    pub(in super::super) entries: Vec<LogEntry>,
    purpose: &'static str,
    handles: u128,
    /// When the next entry of an hour is.
    last: (u64, u64),
}

impl Log {
    pub(in super::super) fn new() -> Log {
        Log { entries: Vec::new(), purpose: "residence_registration", handles: 0, last: (0, 0) }
    }

    /// From here on for another purpose.
    pub(in super::super) fn purpose(&mut self, purpose: &'static str) {
        self.purpose = purpose;
    }

    /// When a day of the fixture begins.
    pub(in super::super) fn begin(&self, day: u64) -> u64 {
        FIRST_DAY + (day - 1) * 24 * HOUR
    }

    /// A day of the fixture as days since 1970.
    pub(in super::super) fn day(&self, day: u64) -> i32 {
        local(FIRST_DAY + (day - 1) * 24 * HOUR).0
    }

    /// An account opens so many records that it has not opened before.
    pub(in super::super) fn reads(&mut self, who: u8, day: u64, hour: u64, count: u64) {
        for _ in 0..count {
            let record = self.handle();
            self.read(who, day, hour, &record);
        }
    }

    /// An account opens one record so often.
    pub(in super::super) fn again(&mut self, who: u8, day: u64, hour: u64, count: u64) {
        for _ in 0..count {
            self.read(who, day, hour, &text(u128::MAX / 3));
        }
    }

    fn read(&mut self, who: u8, day: u64, hour: u64, record: &str) {
        let body = json!({
            "ev": "data", "act": "read", "out": "success", "who": id(who), "role": "grid_worker",
            "scope": "8801020010010001", "rec": [record], "typ": "person", "fld": ["sex"],
            "view": ["raw"], "pur": self.purpose,
        });
        self.push(day, hour, body);
    }

    /// Somebody new is seen by one field.
    pub(in super::super) fn shows(
        &mut self,
        who: u8,
        day: u64,
        hour: u64,
        field: &str,
        view: &str,
    ) {
        let (record, subject) = (self.handle(), self.handle());
        let body = json!({
            "ev": "data", "act": "read", "out": "success", "who": id(who), "role": "grid_worker",
            "scope": "8801020010010001", "rec": [record], "sub": [subject], "typ": "person",
            "fld": [field], "view": [view], "pur": self.purpose,
        });
        self.push(day, hour, body);
    }

    /// An account lists so many people whom it has not seen before, by a field of theirs in one view.
    pub(in super::super) fn page(&mut self, who: u8, day: u64, hour: u64, count: u64, view: &str) {
        let subjects: Vec<String> = (0..count).map(|_| self.handle()).collect();
        self.page_of(who, day, hour, &subjects, view);
    }

    /// The same of these people.
    pub(in super::super) fn page_of(
        &mut self,
        who: u8,
        day: u64,
        hour: u64,
        subjects: &[String],
        view: &str,
    ) {
        let records: Vec<String> = subjects.iter().map(|_| self.handle()).collect();
        let body = json!({
            "ev": "data", "act": "query", "out": "success", "who": id(who), "role": "grid_worker",
            "scope": "8801020010010001", "rec": records, "sub": subjects, "typ": "person",
            "fld": ["id_number", "sex"], "view": [view, "masked"], "pur": self.purpose,
        });
        self.push(day, hour, body);
    }

    /// Something is done with the record of a subject.
    pub(in super::super) fn about(
        &mut self,
        who: u8,
        day: u64,
        hour: u64,
        act: &str,
        subject: &str,
    ) {
        let record = self.handle();
        let body = json!({
            "ev": "data", "act": act, "out": "success", "who": id(who), "role": "grid_worker",
            "rec": [record], "sub": [subject], "typ": "person",
        });
        self.push(day, hour, body);
    }

    /// An account is refused.
    pub(in super::super) fn refused(&mut self, who: u8, day: u64, hour: u64, why: &str) {
        let body = json!({
            "ev": "access", "act": "denied", "out": "denied", "who": id(who), "why": why,
        });
        self.push(day, hour, body);
    }

    /// An account, or a place of it, ends by the hand of an administrator.
    pub(in super::super) fn ended(&mut self, about: u8, day: u64, hour: u64, ev: &str, act: &str) {
        let body = json!({
            "ev": ev, "act": act, "out": "success", "who": id(200), "x": {"actor": id(about)},
        });
        self.push(day, hour, body);
    }

    /// An account takes a step with something that has an id, at a moment of its own.
    pub(in super::super) fn acts(&mut self, who: u8, at: u64, ev: &str, act: &str, facts: Value) {
        let body = json!({
            "ev": ev, "act": act, "out": "success", "who": id(who), "apr": text(77), "x": facts,
            "t": at, "seq": self.entries.len(),
        });
        self.entries.push(serde_json::from_value(body).expect("an entry"));
    }

    fn push(&mut self, day: u64, hour: u64, mut body: Value) {
        let begin = FIRST_DAY + (day - 1) * 24 * HOUR + hour * HOUR;
        let time = if self.last.0 == begin { self.last.1 + STEP } else { begin };
        self.last = (begin, time);
        body["t"] = json!(time);
        body["seq"] = json!(self.entries.len());
        self.entries.push(serde_json::from_value(body).expect("an entry"));
    }

    fn handle(&mut self) -> String {
        self.handles += 1;
        text(self.handles)
    }
}

fn text(handle: u128) -> String {
    let handle = Handle::from_bytes(handle.to_be_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(handle.as_bytes())
}

fn id(who: u8) -> String {
    ActorId::from_bytes([who; 16]).to_string()
}

/// Everything that is found in a log.
pub(in super::super) fn all(log: &Log) -> Vec<Anomaly> {
    let mut watch = watch();
    log.entries.iter().flat_map(|entry| watch.observe(entry)).collect()
}

/// What the rule of those who leave finds where a post of an account lapses at a moment.
pub(in super::super) fn found_of_lapse(log: &Log, who: u8, lapses: u64) -> Vec<Anomaly> {
    let mut watch = watch_with(Box::new(move |actor, after, through| {
        (actor.as_bytes() == &[who; 16] && after < lapses && lapses <= through).then_some(lapses)
    }));
    let found = log.entries.iter().flat_map(|entry| watch.observe(entry));
    found.filter(|anomaly| anomaly.rule == RuleName::Leaver).collect()
}

/// What one rule finds.
pub(in super::super) fn found(log: &Log, rule: RuleName) -> Vec<Anomaly> {
    all(log).into_iter().filter(|anomaly| anomaly.rule == rule).collect()
}
