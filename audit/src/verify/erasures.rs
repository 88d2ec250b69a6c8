//! Counts the people of whom a log says that they were erased.
//! Never says that their keys are destroyed: a certificate does, for each of them.
//! An erasure of many steps counts once it has no step left, and once however its steps are written.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::walk::Visitor;

/// The action in an entry: the first member, or the one behind the strength of the log-in.
const ACTION: &[u8] = b"\"act\":\"erase\"";
const STRENGTH: &[u8] = b"{\"aal\":";

/// Whether an entry may be a step of an erasure. Every entry is asked, and nearly none is one: so its beginning has to do.
fn may_erase(entry: &[u8]) -> bool {
    let rest = match entry.strip_prefix(STRENGTH) {
        Some(rest) => rest.iter().position(|byte| *byte == b',').and_then(|at| rest.get(at + 1..)),
        None => entry.get(1..),
    };
    rest.is_some_and(|rest| rest.starts_with(ACTION))
}

/// Erasures that a log tells of. Goes along while it is verified.
#[derive(Default)]
pub struct Erasures {
    /// The first eight bytes of their ids' texts: ids are random, and two never begin alike in practice.
    completed: HashSet<[u8; 8]>,
}

impl Erasures {
    /// How many are complete.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.completed.len() as u64
    }
}

impl Visitor for Erasures {
    fn entry(&mut self, _index: u64, entry: &[u8]) {
        if !may_erase(entry) {
            return;
        }
        // What is no entry is found by the rules; nobody is told what was counted then.
        let Ok(step) = serde_json::from_slice::<Step<'_>>(entry) else { return };
        let is_end = matches!(step.ev, "data" | "subject") && step.out == "success";
        let id = step.apr.and_then(|id| id.as_bytes().first_chunk());
        if let Some(id) = id.filter(|_| is_end && step.x.left.is_none()) {
            self.completed.insert(*id);
        }
    }
}

/// The members of an entry that tell an erasure's last step.
#[derive(Deserialize)]
struct Step<'a> {
    ev: &'a str,
    out: &'a str,
    apr: Option<&'a str>,
    #[serde(default)]
    x: Facts,
}

#[derive(Default, Deserialize)]
struct Facts {
    left: Option<IgnoredAny>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erasures_count_once_and_only_when_no_step_is_left() {
        let mut erasures = Erasures::default();
        let mut tell = |ev: &str, act: &str, out: &str, apr: &str, x: &str| {
            let entry = format!(
                r#"{{"act":"{act}","apr":"{apr}","ev":"{ev}","out":"{out}","seq":1,"x":{{"reason":"a"{x}}}}}"#
            );
            erasures.entry(1, entry.as_bytes());
            erasures.count()
        };
        let (one, other, third) =
            ("AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBB", "CCCCCCCCCCCCCC");
        assert_eq!(tell("subject", "erase", "success", one, r#","left":2"#), 0);
        assert_eq!(tell("data", "erase", "success", one, r#","left":1"#), 0);
        assert_eq!(tell("data", "erase", "success", one, ""), 1);
        assert_eq!(tell("data", "erase", "success", one, ""), 1, "it is the same one");
        assert_eq!(tell("data", "erase", "denied", other, ""), 1);
        assert_eq!(tell("key", "erase", "success", other, ""), 1);
        assert_eq!(tell("data", "delete", "success", other, ""), 1);
        assert_eq!(tell("subject", "erase", "success", other, ""), 2);
        assert_eq!(tell("data", "erase", "success", third, ""), 3);
        erasures.entry(
            1,
            br#"{"aal":2,"act":"erase","apr":"DDDDDDDDDDDD","ev":"data","out":"success"}"#,
        );
        erasures.entry(1, br#"{"act":"erase""#);
        assert_eq!(erasures.count(), 4);
    }
}
