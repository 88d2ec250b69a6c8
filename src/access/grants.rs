//! What a policy grants at one point: a small set of actions and the lines that grant them.
//! Never says anything about a record; it is the answer for role, level, topic, class and group alone.
//! A set is complete: an action that is not in it is refused.

use crate::records::View;
use std::fmt;
use std::str::FromStr;

/// What can be granted about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Action {
    /// See the value.
    ReadRaw,
    /// See the value inside an open task.
    ReadRawInTask,
    /// See the value when a second person agreed.
    ReadRawApproved,
    /// See the masked value.
    ReadMasked,
    /// Ask whether a value is held.
    Match,
    /// Be counted in statistics.
    Count,
    /// Write the value.
    Write,
    /// Remove the record.
    Delete,
    /// Write the value inside an open task.
    WriteInTask,
}

impl Action {
    /// All, in the order of the set's bits.
    pub const ALL: [Action; 9] = [
        Action::ReadRaw,
        Action::ReadRawInTask,
        Action::ReadRawApproved,
        Action::ReadMasked,
        Action::Match,
        Action::Count,
        Action::Write,
        Action::Delete,
        Action::WriteInTask,
    ];

    /// The word in a policy line.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::ReadRaw => "read:raw",
            Action::ReadRawInTask => "read:raw/task",
            Action::ReadRawApproved => "read:raw/approval",
            Action::ReadMasked => "read:masked",
            Action::Match => "match",
            Action::Count => "count",
            Action::Write => "write",
            Action::Delete => "delete",
            Action::WriteInTask => "write/task",
        }
    }
}

/// Bits that a line's number takes in the packed form; a role has at most twenty lines.
const LINE_BITS: u32 = 5;
/// Where the lines begin in the packed form, behind the actions.
const LINES_SHIFT: u32 = Action::ALL.len() as u32;
/// The bit of the packed form that says that the set was asked for.
const KNOWN: u64 = 1 << 63;

/// A set of actions, with the number of the policy line behind each.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Grants {
    bits: u16,
    lines: [u8; Action::ALL.len()],
}

impl Grants {
    /// Nothing.
    pub const NONE: Grants = Grants { bits: 0, lines: [0; Action::ALL.len()] };

    /// Adds an action and the line that grants it.
    pub(super) fn add(&mut self, action: Action, line: u8) {
        self.lines[action as usize] = line;
        self.bits |= 1 << action as u8;
    }

    /// Whether the action is granted.
    pub fn has(self, action: Action) -> bool {
        self.bits & (1 << action as u8) != 0
    }

    /// Whether nothing is granted.
    pub fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// The words of what is granted.
    pub fn words(self) -> Vec<&'static str> {
        Action::ALL.into_iter().filter(|action| self.has(*action)).map(Action::as_str).collect()
    }

    /// Whether a record of the type may be known of: at least `match`, with or without a condition.
    pub fn knows(self) -> bool {
        [
            Action::ReadRaw,
            Action::ReadRawInTask,
            Action::ReadRawApproved,
            Action::ReadMasked,
            Action::Match,
        ]
        .into_iter()
        .any(|action| self.has(action))
    }

    /// Whether any view of a value is granted, with or without a condition.
    pub fn reads(self) -> bool {
        self.knows() && self.bits & !(1 << Action::Match as u8) & 0x1f != 0
    }

    /// The line behind an action; 0 where it is not granted.
    fn line(self, action: Action) -> u8 {
        if self.has(action) { self.lines[action as usize] } else { 0 }
    }

    fn first_line(self, actions: &[Action]) -> u8 {
        actions.iter().map(|action| self.line(*action)).find(|line| *line != 0).unwrap_or(0)
    }

    /// The line behind the view that is given, or behind the condition that would give one.
    pub fn read_line(self) -> u8 {
        self.first_line(&[
            Action::ReadRaw,
            Action::ReadMasked,
            Action::ReadRawInTask,
            Action::ReadRawApproved,
        ])
    }

    /// The line behind the write, or behind the condition that would allow it.
    pub fn write_line(self) -> u8 {
        self.first_line(&[Action::Write, Action::WriteInTask])
    }

    /// Whether anything may be written, with or without a condition.
    pub fn writes(self) -> bool {
        self.has(Action::Write) || self.has(Action::WriteInTask)
    }

    /// The line behind the match, or behind the read that includes it.
    pub fn match_line(self) -> u8 {
        self.first_line(&[Action::Match, Action::ReadRaw, Action::ReadMasked])
    }

    /// The line behind the removal.
    pub fn delete_line(self) -> u8 {
        self.line(Action::Delete)
    }

    /// Gives an action to whoever has one of others, by the same line.
    fn also(mut self, lesser: Action, greater: &[Action]) -> Grants {
        let from = greater.iter().find(|action| self.has(**action));
        if let (Some(from), false) = (from, self.has(lesser)) {
            self.add(lesser, self.line(*from));
        }
        self
    }

    fn without(mut self, action: Action) -> Grants {
        self.bits &= !(1 << action as u8);
        self.lines[action as usize] = 0;
        self
    }

    /// What may always be seen may be seen inside a task alone; a match stays.
    pub(super) fn inside_a_task(self) -> Grants {
        if !self.has(Action::ReadRaw) {
            return self;
        }
        self.also(Action::ReadRawInTask, &[Action::ReadRaw])
            .also(Action::Match, &[Action::ReadRaw])
            .without(Action::ReadRaw)
    }

    /// Inside an open task: what may be written there alone may be written.
    pub(super) fn writes_met(self) -> Grants {
        self.also(Action::Write, &[Action::WriteInTask])
    }

    /// With the condition of an action met: what was seen under it is seen.
    pub(super) fn met(self, condition: Action) -> Grants {
        self.also(Action::ReadRaw, &[condition])
    }

    /// With one condition in the place of another.
    pub(super) fn exchanged(self, condition: Action, other: Action) -> Grants {
        if !self.has(condition) {
            return self;
        }
        self.also(other, &[condition]).without(condition)
    }

    /// Without every action that a narrower cap does not leave. Whoever could see more sees what the cap names; a
    /// condition is never lifted, and who may not write may not remove either.
    pub(super) fn capped(self, highest: Cap, write: bool) -> Grants {
        let raw = [Action::ReadRaw];
        let mut left = match highest {
            Cap::RawInTask => self.also(Action::ReadRawInTask, &raw),
            Cap::RawApproved => self.also(Action::ReadRawApproved, &raw),
            Cap::Masked => self.also(Action::ReadMasked, &raw),
            Cap::Match => self.also(Action::Match, &[Action::ReadRaw, Action::ReadMasked]),
            Cap::Raw | Cap::Count | Cap::None => self,
        };
        for action in Action::ALL {
            let kept = match action {
                Action::Write | Action::WriteInTask | Action::Delete => write,
                other => highest.leaves(other),
            };
            if !kept {
                left = left.without(action);
            }
        }
        left
    }

    /// The highest view without a condition.
    pub fn unconditional_view(self) -> View {
        if self.has(Action::ReadRaw) {
            View::Raw
        } else if self.has(Action::ReadMasked) {
            View::Masked
        } else if self.has(Action::Match) {
            View::Match
        } else if self.has(Action::Count) {
            View::Count
        } else {
            View::None
        }
    }

    pub(super) fn pack(self) -> u64 {
        let lines =
            self.lines.iter().rev().fold(0, |packed, line| packed << LINE_BITS | u64::from(*line));
        KNOWN | lines << LINES_SHIFT | u64::from(self.bits)
    }

    pub(super) fn unpack(packed: u64) -> Option<Grants> {
        if packed & KNOWN == 0 {
            return None;
        }
        let line = |action: usize| {
            let shift = LINES_SHIFT + LINE_BITS * u32::try_from(action).unwrap_or(0);
            (packed >> shift) as u8 & ((1 << LINE_BITS) - 1)
        };
        let bits = packed as u16 & ((1 << LINES_SHIFT) - 1);
        Some(Grants { bits, lines: std::array::from_fn(line) })
    }
}

impl fmt::Debug for Grants {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_set()
            .entries(Action::ALL.into_iter().filter(|action| self.has(*action)))
            .finish()
    }
}

/// The highest view that a purpose leaves a role, with its condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cap {
    Raw,
    RawInTask,
    RawApproved,
    Masked,
    Match,
    Count,
    None,
}

impl Cap {
    fn leaves(self, action: Action) -> bool {
        // Each cap leaves its own view and those below it; a condition never lifts itself.
        let from = match self {
            Cap::Raw => 0,
            Cap::RawInTask => 1,
            Cap::RawApproved => 2,
            Cap::Masked => 3,
            Cap::Match => 4,
            Cap::Count => 5,
            Cap::None => return false,
        };
        action as u8 >= from
    }
}

impl FromStr for Cap {
    type Err = ();

    fn from_str(word: &str) -> Result<Cap, ()> {
        Ok(match word {
            "raw" => Cap::Raw,
            "raw/task" => Cap::RawInTask,
            "raw/approval" => Cap::RawApproved,
            "masked" => Cap::Masked,
            "match" => Cap::Match,
            "count" => Cap::Count,
            "none" => Cap::None,
            _ => return Err(()),
        })
    }
}

/// Where a role works. The five levels of the territory, and the vault itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    /// One grid.
    Grid,
    /// One community or village.
    Community,
    /// One street or township.
    Street,
    /// One county or district.
    County,
    /// The city.
    City,
    /// No area: administration and oversight of the vault.
    Platform,
}

impl Level {
    /// All.
    pub const ALL: [Level; 6] =
        [Level::Grid, Level::Community, Level::Street, Level::County, Level::City, Level::Platform];

    /// The word in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Grid => "grid",
            Level::Community => "community",
            Level::Street => "street",
            Level::County => "county",
            Level::City => "city",
            Level::Platform => "platform",
        }
    }

    /// The level of the territory; nothing for the platform.
    pub fn of_territory(self) -> Option<crate::territory::Level> {
        match self {
            Level::Grid => Some(crate::territory::Level::Grid),
            Level::Community => Some(crate::territory::Level::Community),
            Level::Street => Some(crate::territory::Level::Street),
            Level::County => Some(crate::territory::Level::County),
            Level::City => Some(crate::territory::Level::City),
            Level::Platform => None,
        }
    }

    /// The level of an area.
    pub fn of(area: &crate::territory::Area) -> Level {
        match area.level() {
            crate::territory::Level::Grid => Level::Grid,
            crate::territory::Level::Community => Level::Community,
            crate::territory::Level::Street => Level::Street,
            crate::territory::Level::County => Level::County,
            crate::territory::Level::City => Level::City,
        }
    }
}
