//! Judges the content of signed entries: canonical JSON, known members, order of numbers and times.
//! Never decodes what it need not: bytes are scanned once and stay where they are.
//! Only an entry that the format could have produced, at this index, passes.

use super::finding::{Class, Finding};
use super::json::{Fault, Scanner, Value, pack};
use crate::constants::{FORMAT_VERSION, Kind, MEMBERS, OUTCOMES};
use crate::events::EVENT_CODES;

/// The rules that tie an entry to those before it.
pub(super) struct Rules {
    /// Family and action of every known event, sorted.
    events: Vec<(&'static [u8], &'static [u8])>,
    /// Place in `events` of the last event seen, which is likely to be the next.
    recent: usize,
    /// UTC and monotonic time of the entry before.
    last: Option<(u64, u64)>,
    /// Indexes of the entries that put a policy in force, ascending.
    policies: Vec<u64>,
    /// First index that is kept.
    minimum: u64,
    /// A policy from below it that a kept entry cites, and the first that does.
    cited: Option<(u64, u64)>,
}

impl Rules {
    pub(super) fn new() -> Rules {
        let mut events: Vec<_> =
            EVENT_CODES.iter().map(|(ev, act)| (ev.as_bytes(), act.as_bytes())).collect();
        events.sort_unstable();
        let (last, policies, cited) = (None, Vec::new(), None);
        Rules { events, recent: 0, last, policies, minimum: 0, cited }
    }

    /// The entries below `minimum` are not there.
    pub(super) fn begin_at(&mut self, minimum: u64) {
        (self.minimum, self.last) = (minimum, None);
    }

    /// A policy that was put in force below the beginning, and the first entry that cites it.
    pub(super) fn cited(&self) -> Option<(u64, u64)> {
        self.cited
    }

    /// What is wrong with the entry at `index`, which comes after those given before.
    pub(super) fn check(&mut self, index: u64, entry: &[u8]) -> Result<(), Finding> {
        let found = |class, detail| Err(Finding::at(class, index, detail));
        let members = match scan(entry) {
            Ok(members) => members,
            Err(fault) => return found(Class::EntryMalformed, fault),
        };
        let time = (members.t, members.mono);
        let starts = members.ev == b"sys" && members.act == b"start";
        let before = self.last.replace(time).filter(|_| !starts);
        if members.v != FORMAT_VERSION {
            return found(Class::VersionUnknown, "entry is of another version");
        }
        if members.seq != index {
            return found(Class::SequenceBroken, "entry bears another number than its index");
        }
        if !self.knows((members.ev, members.act)) {
            return found(Class::UnknownEvent, "event is not in the list of the format");
        }
        if let Some(detail) = members.contradiction() {
            return found(Class::OutcomeContradicted, detail);
        }
        if before.is_some_and(|(t, mono)| time.0 < t || time.1 < mono) {
            return found(Class::TimeBackwards, "entry is earlier than the one before it");
        }
        if members.ev == b"policy" && members.act == b"activated" {
            self.policies.push(index);
        }
        let from_before = members.pol.filter(|policy| *policy < self.minimum);
        if let Some(policy) = from_before
            && self.policies.binary_search(&policy).is_err()
        {
            // What was in force at the beginning is named by the entry of the pruning; there is no second one.
            let (known, _) = *self.cited.get_or_insert((policy, index));
            if known != policy {
                return found(
                    Class::PolicyUnknown,
                    "entry cites a second policy from before the beginning",
                );
            }
        } else if members.pol.is_some_and(|policy| self.policies.binary_search(&policy).is_err()) {
            return found(Class::PolicyUnknown, "entry cites a policy that was never put in force");
        }
        Ok(())
    }

    /// UTC of the last entry, in microseconds; `None` before the first.
    pub(super) fn last_micros(&self) -> Option<u64> {
        self.last.map(|(micros, _)| micros)
    }

    fn knows(&mut self, event: (&[u8], &[u8])) -> bool {
        if self.events[self.recent] == event {
            return true;
        }
        let place = self.events.binary_search(&event);
        self.recent = place.unwrap_or(self.recent);
        place.is_ok()
    }
}

/// The members that the rules look at.
#[derive(Default)]
struct Members<'a> {
    act: &'a [u8],
    ev: &'a [u8],
    mono: u64,
    pol: Option<u64>,
    seq: u64,
    t: u64,
    v: u64,
    fields: usize,
    views: usize,
    out: &'a [u8],
    role: Option<&'a [u8]>,
    rule: Option<&'a [u8]>,
    why: bool,
    dig: bool,
    /// How many of the members that no entry lacks were seen.
    required: u32,
}

/// How many members no entry lacks: those that [`Members::note`] counts.
const REQUIRED: u32 = 8;

/// [`MEMBERS`] with packed names.
const PACKED: [(u64, Kind); MEMBERS.len()] = {
    let mut packed = [(0, Kind::Text); MEMBERS.len()];
    let mut at = 0;
    while at < MEMBERS.len() {
        packed[at] = (pack(MEMBERS[at].0), MEMBERS[at].1);
        at += 1;
    }
    packed
};

const ACT: u64 = pack("act");
const DIG: u64 = pack("dig");
const EV: u64 = pack("ev");
const FLD: u64 = pack("fld");
const MONO: u64 = pack("mono");
const OUT: u64 = pack("out");
const POL: u64 = pack("pol");
const REQ: u64 = pack("req");
const ROLE: u64 = pack("role");
const RULE: u64 = pack("rule");
const SEQ: u64 = pack("seq");
const T: u64 = pack("t");
const V: u64 = pack("v");
const VIEW: u64 = pack("view");
const WHY: u64 = pack("why");

/// Scans an entry: one object, members of the format alone, in ascending order, each once, nothing before or after.
fn scan(entry: &[u8]) -> Result<Members<'_>, Fault> {
    if std::str::from_utf8(entry).is_err() {
        return Err("entry is not UTF-8");
    }
    let mut scanner = Scanner::new(entry);
    let mut members = Members::default();
    let mut known = PACKED.iter();
    scanner.expect(b'{', "entry is not an object")?;
    loop {
        let name = scanner.name()?;
        // Going forward alone finds each name at most once and in order.
        let Some(&(_, kind)) = known.find(|(known, _)| *known == name) else {
            return Err("member is unknown, repeated or out of order");
        };
        members.note(name, scanner.value(kind)?)?;
        match scanner.next() {
            Some(b',') => {}
            Some(b'}') if scanner.is_at_end() => break,
            _ => return Err("entry is not one object"),
        }
    }
    if members.required != REQUIRED {
        return Err("entry lacks a member");
    }
    if members.views != 0 && members.views != members.fields {
        return Err("entry has another number of views than fields");
    }
    Ok(members)
}

impl<'a> Members<'a> {
    /// Where the entry says that something was done and that it was refused, which needs no policy to be seen.
    fn contradiction(&self) -> Option<Fault> {
        let refusing = [(&b"access"[..], &b"denied"[..]), (b"auth", b"failed")];
        match self.out {
            b"success" if refusing.contains(&(self.ev, self.act)) => {
                Some("entry of a refusal says that it succeeded")
            }
            b"success" if self.why => Some("entry says that it succeeded, and why it was refused"),
            b"success" if !self.is_of_own_role() => {
                Some("entry says that it was decided by a rule of another role than its own")
            }
            b"denied" if !self.why => Some("entry of a refusal does not say why"),
            b"denied" if self.views > 0 => Some("entry of a refusal says how fields were shown"),
            b"denied" if self.dig => Some("entry of a refusal says what was stored"),
            _ => None,
        }
    }

    /// A rule is named by its role, a slash and its place.
    fn is_of_own_role(&self) -> bool {
        let named = self.rule.and_then(|rule| {
            let end = rule.iter().position(|byte| *byte == b'/')?;
            Some(&rule[..end])
        });
        named.is_none_or(|named| self.role == Some(named))
    }

    fn note(&mut self, name: u64, value: Value<'a>) -> Result<(), Fault> {
        match (name, value) {
            (ACT, Value::Text(text)) => self.act = text,
            (EV, Value::Text(text)) => self.ev = text,
            (MONO, Value::Number(number)) => self.mono = number,
            (OUT, Value::Text(text)) => {
                if !OUTCOMES.iter().any(|outcome| outcome.as_bytes() == text) {
                    return Err("outcome is unknown");
                }
                self.out = text;
            }
            (REQ, _) => {}
            (SEQ, Value::Number(number)) => self.seq = number,
            (T, Value::Number(number)) => self.t = number,
            (V, Value::Number(number)) => self.v = number,
            (optional, value) => {
                match (optional, value) {
                    (POL, Value::Number(number)) => self.pol = Some(number),
                    (FLD, Value::Items(count)) => self.fields = count,
                    (VIEW, Value::Items(count)) => self.views = count,
                    (ROLE, Value::Text(text)) => self.role = Some(text),
                    (RULE, Value::Text(text)) => self.rule = Some(text),
                    (WHY, _) => self.why = true,
                    (DIG, _) => self.dig = true,
                    _ => {}
                }
                return Ok(());
            }
        }
        self.required += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "AAAAAAAAAAAAAAAAAAAAAA";

    fn entry(ev: &str, act: &str, seq: u64, t: u64, mono: u64) -> String {
        format!(
            r#"{{"act":"{act}","ev":"{ev}","mono":{mono},"out":"success","req":"{REQUEST}","seq":{seq},"t":{t},"v":1}}"#
        )
    }

    fn class(rules: &mut Rules, index: u64, entry: &str) -> Option<Class> {
        rules.check(index, entry.as_bytes()).err().map(|finding| finding.class)
    }

    #[test]
    fn time_may_go_backwards_at_a_start_alone() {
        let mut rules = Rules::new();
        assert_eq!(class(&mut rules, 0, &entry("sys", "start", 0, 100, 0)), None);
        assert_eq!(class(&mut rules, 1, &entry("sys", "heartbeat", 1, 100, 7)), None);
        assert_eq!(class(&mut rules, 2, &entry("sys", "start", 2, 90, 0)), None);
        assert_eq!(
            class(&mut rules, 3, &entry("sys", "heartbeat", 3, 89, 1)),
            Some(Class::TimeBackwards)
        );
        assert_eq!(
            class(&mut rules, 4, &entry("sys", "heartbeat", 4, 90, 0)),
            Some(Class::TimeBackwards)
        );
    }

    #[test]
    fn sequence_event_and_version_are_checked() {
        let mut rules = Rules::new();
        assert_eq!(
            class(&mut rules, 0, &entry("sys", "start", 1, 1, 0)),
            Some(Class::SequenceBroken)
        );
        assert_eq!(class(&mut rules, 0, &entry("sys", "read", 0, 1, 0)), Some(Class::UnknownEvent));
        let other = entry("sys", "start", 0, 1, 0).replace("\"v\":1", "\"v\":2");
        assert_eq!(class(&mut rules, 0, &other), Some(Class::VersionUnknown));
    }

    #[test]
    fn policy_must_have_been_put_in_force() {
        let mut rules = Rules::new();
        let citing = |index, policy: u64| {
            entry("data", "read", index, 1, 0)
                .replace("\"req\"", &format!("\"pol\":{policy},\"req\""))
        };
        assert_eq!(class(&mut rules, 0, &citing(0, 0)), Some(Class::PolicyUnknown));
        assert_eq!(class(&mut rules, 1, &entry("policy", "activated", 1, 1, 0)), None);
        assert_eq!(class(&mut rules, 2, &citing(2, 1)), None);
        assert_eq!(class(&mut rules, 3, &citing(3, 2)), Some(Class::PolicyUnknown));
    }

    #[test]
    fn whatever_is_not_canonical_is_malformed() {
        let good = entry("sys", "start", 0, 1, 0);
        assert_eq!(class(&mut Rules::new(), 0, &good), None);
        let cases = [
            String::new(),
            "{}".into(),
            "[]".into(),
            format!(" {good}"),
            format!("{good}\n"),
            good.replace(':', ": "),
            good.replace("\"t\":1", "\"t\":1.0"),
            good.replace("\"t\":1", "\"t\":01"),
            good.replace("\"t\":1", "\"t\":-1"),
            good.replace("\"t\":1", "\"t\":18446744073709551616"),
            good.replace("\"t\":1", "\"t\":\"1\""),
            good.replace("\"t\":1,", ""),
            good.replace("\"t\":1", "\"t\":1,\"t\":1"),
            good.replace("\"seq\":0,\"t\":1", "\"t\":1,\"seq\":0"),
            good.replace("\"t\":1", "\"t\":1,\"unknown\":1"),
            good.replace("\"v\":1", "\"v\0\":1"),
            good.replace("\"v\":1", "\"\":1"),
            good.replace("\"v\":1", "\"v\" :1"),
            good.replace("success", "perhaps"),
            good.replace("start", "st\\u0061rt"),
            good.replace("start", "st\\/rt"),
            good.replace("start", "st\trt"),
            good.replace(REQUEST, "AAAAAAAAAAAAAAAAAAAAAB"),
            good.replace(REQUEST, "AAAAAAAAAAAAAAAAAAAAA"),
            good.replace(REQUEST, "AAAAAAAAAAAAAAAAAAAAA="),
            good.replace("\"v\":1}", "\"v\":1,\"ver\":[1]}"),
            good.replace("\"v\":1}", "\"v\":1,\"ver\":[1,2,3]}"),
            good.replace("\"v\":1}", "\"v\":1,\"view\":[]}"),
            good.replace("\"v\":1}", "\"v\":1,\"view\":[\"raw\"]}"),
            good.replace("\"v\":1}", "\"v\":1,\"x\":{}}"),
            good.replace("\"v\":1}", "\"v\":1,\"x\":{\"b\":1,\"a\":2}}"),
            good.replace("\"v\":1}", "\"v\":1,\"x\":{\"a\":1,\"a\":2}}"),
            good.replace("\"v\":1}", "\"v\":1,\"x\":{\"a\":[1]}}"),
            good.replace("\"v\":1}", "\"v\":1,\"why\":\"\\u000a\"}"),
            good.replace("\"v\":1}", "\"v\":1,\"why\":\"\\u001F\"}"),
            good.replace("\"v\":1}", "\"v\":1,\"why\":\"open}"),
        ];
        for case in cases {
            assert_eq!(class(&mut Rules::new(), 0, &case), Some(Class::EntryMalformed), "{case}");
        }
        assert!(Rules::new().check(0, b"{\"act\":\"\xff\"}").is_err());
    }

    #[test]
    fn canonical_escapes_and_details_pass() {
        let tail = "\"v\":1,\"why\":\"\\u0000\\n\\\"\\\\\\u001f\u{7f51}\u{7f}\",\"x\":{\"a\":\"\",\"b_1\":0}}";
        let good = entry("sys", "start", 0, 1, 0).replace("success", "error");
        let good = good.replace("\"v\":1}", tail);
        assert_eq!(class(&mut Rules::new(), 0, &good), None);
    }
}
