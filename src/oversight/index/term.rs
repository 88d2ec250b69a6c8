//! What an entry can be found by, and the 64-bit terms that stand for it in the index.
//! Never the last word: two values may share a term, so every hit is compared with the entry itself.
//! The numbers of the kinds and the hash are the format; changing either is a new version of the index.

use super::super::entry::LogEntry;

/// Digits of a grid's code after which an area above it ends: city, county, street, community, grid.
const AREA_DIGITS: [usize; 5] = [4, 6, 9, 12, 16];

/// Kinds of terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Who acted.
    Actor = 1,
    /// The system through which.
    System = 2,
    /// The actor that it was about.
    About = 3,
    /// Audit handle of a record.
    Record = 4,
    /// Audit handle of a subject.
    Subject = 5,
    /// The grid, or an area above it.
    Grid = 6,
    /// Purpose.
    Purpose = 7,
    /// Outcome.
    Outcome = 8,
    /// Reason code.
    Why = 9,
    /// Rule.
    Rule = 10,
    /// Role.
    Role = 11,
    /// Task.
    Task = 12,
    /// Case.
    Case = 13,
    /// Family and action.
    Event = 14,
    /// Family alone.
    Family = 15,
    /// Approval, delegation or emergency access.
    Approval = 16,
    /// Record type.
    Type = 17,
    /// Field that was given out or changed.
    Field = 18,
}

/// One condition: the entry has this value of this kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clause {
    /// The kind.
    pub kind: Kind,
    /// The value, as the entry writes it.
    pub value: String,
}

impl Clause {
    /// Whether an entry has it.
    pub fn holds(&self, entry: &LogEntry) -> bool {
        let mut holds = false;
        each_value(entry, |kind, value| holds |= kind == self.kind && value == self.value);
        holds
    }

    pub(super) fn term(&self) -> u64 {
        term(self.kind, &self.value)
    }
}

/// FNV-1a over the kind and the value.
pub(super) fn term(kind: Kind, value: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in std::iter::once(kind as u8).chain(value.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

/// Every value that an entry is found by.
pub(super) fn each_value(entry: &LogEntry, mut found: impl FnMut(Kind, &str)) {
    let single = [
        (Kind::Actor, entry.who.as_deref()),
        (Kind::System, entry.via.as_deref()),
        (Kind::About, entry.about()),
        (Kind::Purpose, entry.pur.as_deref()),
        (Kind::Outcome, Some(&*entry.out)),
        (Kind::Why, entry.why.as_deref()),
        (Kind::Rule, entry.rule.as_deref()),
        (Kind::Role, entry.role.as_deref()),
        (Kind::Task, entry.task.as_deref()),
        (Kind::Case, entry.case.as_deref()),
        (Kind::Event, Some(&*entry.event())),
        (Kind::Family, Some(&*entry.ev)),
        (Kind::Approval, entry.apr.as_deref()),
        (Kind::Type, entry.typ.as_deref()),
    ];
    for (kind, value) in single {
        if let Some(value) = value {
            found(kind, value);
        }
    }
    for (kind, values) in
        [(Kind::Record, &entry.rec), (Kind::Subject, &entry.sub), (Kind::Field, &entry.fld)]
    {
        values.iter().for_each(|value| found(kind, value));
    }
    if let Some(grid) = &entry.grid {
        for area in AREA_DIGITS.into_iter().filter_map(|digits| grid.get(..digits)) {
            found(Kind::Grid, area);
        }
    }
}
