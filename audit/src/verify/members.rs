//! The members of an entry as a scan found them, and what they say against each other.
//! Never looks at another entry: order and numbers are for the rules that tie entries together.
//! Each member has one place, that of its name in the closed list of the format.

use super::json::{Fault, Value};
use crate::constants::{MEMBERS, OUTCOMES};

pub(super) const ACT: usize = place("act");
const DIG: usize = place("dig");
pub(super) const EV: usize = place("ev");
const FLD: usize = place("fld");
pub(super) const MONO: usize = place("mono");
const OUT: usize = place("out");
pub(super) const POL: usize = place("pol");
const REQ: usize = place("req");
const ROLE: usize = place("role");
const RULE: usize = place("rule");
pub(super) const SEQ: usize = place("seq");
pub(super) const T: usize = place("t");
pub(super) const V: usize = place("v");
const VIEW: usize = place("view");
const WHY: usize = place("why");

/// Members that no entry lacks.
const REQUIRED: [usize; 8] = [ACT, EV, MONO, OUT, REQ, SEQ, T, V];

/// Place of a member in [`MEMBERS`].
const fn place(name: &str) -> usize {
    let mut place = 0;
    while !is_same(MEMBERS[place].0.as_bytes(), name.as_bytes()) {
        place += 1;
    }
    place
}

const fn is_same(left: &[u8], right: &[u8]) -> bool {
    let mut at = 0;
    while at < left.len() && at < right.len() && left[at] == right[at] {
        at += 1;
    }
    at == left.len() && at == right.len()
}

/// What an entry says, by places of [`MEMBERS`].
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) struct Members<'a> {
    /// All of them, though the rules look at a dozen: a scan then puts each where it belongs without asking.
    values: [Value<'a>; MEMBERS.len()],
}

impl<'a> Members<'a> {
    pub(super) const fn none() -> Members<'a> {
        Members { values: [Value::Absent; MEMBERS.len()] }
    }

    /// Takes in the value of the member at `place`, which is of the member's kind.
    #[inline]
    pub(super) fn note(&mut self, place: usize, value: Value<'a>) -> Result<(), Fault> {
        self.values[place] = value;
        if place == OUT && !OUTCOMES.iter().any(|known| known.as_bytes() == self.text(OUT)) {
            return Err("outcome is unknown");
        }
        Ok(())
    }

    /// Whether all are there that belong together.
    pub(super) fn are_whole(&self) -> Result<(), Fault> {
        if !REQUIRED.iter().all(|place| self.has(*place)) {
            return Err("entry lacks a member");
        }
        if self.has(VIEW) && self.items(VIEW) != self.items(FLD) {
            return Err("entry has another number of views than fields");
        }
        Ok(())
    }

    fn has(&self, place: usize) -> bool {
        !matches!(self.values[place], Value::Absent)
    }

    /// A text; none is as good as an empty one.
    #[inline]
    pub(super) fn text(&self, place: usize) -> &'a [u8] {
        if let Value::Text(text) = self.values[place] { text } else { b"" }
    }

    /// A number, if it is there.
    #[inline]
    pub(super) fn number(&self, place: usize) -> Option<u64> {
        if let Value::Number(number) = self.values[place] { Some(number) } else { None }
    }

    fn items(&self, place: usize) -> usize {
        if let Value::Items(count) = self.values[place] { count } else { 0 }
    }

    /// Where the entry says that something was done and that it was refused, which needs no policy to be seen.
    pub(super) fn contradiction(&self) -> Option<Fault> {
        let refusing = [(&b"access"[..], &b"denied"[..]), (b"auth", b"failed")];
        match self.text(OUT) {
            b"success" if refusing.contains(&(self.text(EV), self.text(ACT))) => {
                Some("entry of a refusal says that it succeeded")
            }
            b"success" if self.has(WHY) => {
                Some("entry says that it succeeded, and why it was refused")
            }
            b"success" if !self.is_of_own_role() => {
                Some("entry says that it was decided by a rule of another role than its own")
            }
            b"denied" if !self.has(WHY) => Some("entry of a refusal does not say why"),
            b"denied" if self.has(VIEW) => Some("entry of a refusal says how fields were shown"),
            b"denied" if self.has(DIG) => Some("entry of a refusal says what was stored"),
            _ => None,
        }
    }

    /// A rule is named by its role, a slash and its place.
    fn is_of_own_role(&self) -> bool {
        let rule = self.text(RULE);
        match rule.iter().position(|byte| *byte == b'/') {
            Some(end) => self.has(ROLE) && self.text(ROLE) == &rule[..end],
            None => true,
        }
    }
}
