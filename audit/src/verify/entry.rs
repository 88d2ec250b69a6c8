//! Judges the content of signed entries: canonical JSON, known members, order of numbers and times.
//! Never decodes what it need not: bytes are scanned and stay where they are, fast where an entry is a usual one.
//! Only an entry that the format could have produced, at this index, passes.

use super::finding::{Class, Finding};
use super::json::{Fault, Scanner, pack};
use super::members::{ACT, EV, MONO, Members, POL, SEQ, T, V};
use super::quick;
use crate::constants::{FORMAT_VERSION, Kind, MEMBERS};
use crate::events::EVENT_CODES;

/// The rules that tie an entry to those before it.
pub(super) struct Rules {
    /// Family and action of every known event, sorted.
    events: Vec<(&'static [u8], &'static [u8])>,
    /// Places in `events` of events seen, each where [`slot_of`] puts it: most entries are of a few kinds.
    recent: [usize; SLOTS],
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
        Rules { events, recent: [0; SLOTS], last, policies, minimum: 0, cited }
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
        let mut members = Members::none();
        if quick::scan(entry, &mut members).is_none() {
            members = match scan(entry) {
                Ok(members) => members,
                Err(fault) => return found(Class::EntryMalformed, fault),
            };
        }
        let number = |place| members.number(place).unwrap_or(0);
        let time = (number(T), number(MONO));
        let event = (members.text(EV), members.text(ACT));
        let starts = event == (b"sys", b"start");
        let before = self.last.replace(time).filter(|_| !starts);
        if number(V) != FORMAT_VERSION {
            return found(Class::VersionUnknown, "entry is of another version");
        }
        if number(SEQ) != index {
            return found(Class::SequenceBroken, "entry bears another number than its index");
        }
        if !self.knows(event) {
            return found(Class::UnknownEvent, "event is not in the list of the format");
        }
        if let Some(detail) = members.contradiction() {
            return found(Class::OutcomeContradicted, detail);
        }
        if before.is_some_and(|(t, mono)| time.0 < t || time.1 < mono) {
            return found(Class::TimeBackwards, "entry is earlier than the one before it");
        }
        if event == (b"policy", b"activated") {
            self.policies.push(index);
        }
        let from_before = members.number(POL).filter(|policy| *policy < self.minimum);
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
        } else if members
            .number(POL)
            .is_some_and(|policy| self.policies.binary_search(&policy).is_err())
        {
            return found(Class::PolicyUnknown, "entry cites a policy that was never put in force");
        }
        Ok(())
    }

    /// UTC of the last entry, in microseconds; `None` before the first.
    pub(super) fn last_micros(&self) -> Option<u64> {
        self.last.map(|(micros, _)| micros)
    }

    fn knows(&mut self, event: (&[u8], &[u8])) -> bool {
        let recent = &mut self.recent[slot_of(event)];
        if self.events[*recent] == event {
            return true;
        }
        let place = self.events.binary_search(&event);
        *recent = place.unwrap_or(*recent);
        place.is_ok()
    }
}

/// How many events are kept at hand.
const SLOTS: usize = 64;

/// Where an event is kept at hand. Events that share a place drive each other out.
fn slot_of((family, action): (&[u8], &[u8])) -> usize {
    let initial = |name: &[u8]| usize::from(name.first().copied().unwrap_or(0));
    (initial(family) + 8 * initial(action) + action.len()) % SLOTS
}

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

/// Scans an entry: one object, members of the format alone, in ascending order, each once, nothing before or after.
pub(super) fn scan(entry: &[u8]) -> Result<Members<'_>, Fault> {
    if std::str::from_utf8(entry).is_err() {
        return Err("entry is not UTF-8");
    }
    let mut scanner = Scanner::new(entry);
    let mut members = Members::none();
    let mut known = PACKED.iter().enumerate();
    scanner.expect(b'{', "entry is not an object")?;
    loop {
        let name = scanner.name()?;
        // Going forward alone finds each name at most once and in order.
        let Some((place, (_, kind))) = known.find(|(_, (known, _))| *known == name) else {
            return Err("member is unknown, repeated or out of order");
        };
        members.note(place, scanner.value(*kind)?)?;
        match scanner.next() {
            Some(b',') => {}
            Some(b'}') if scanner.is_at_end() => break,
            _ => return Err("entry is not one object"),
        }
    }
    members.are_whole()?;
    Ok(members)
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
