//! What a decision costs its caller: distinct people looked at, distinct values asked for, records opened under a mandate.
//! Never counts by itself: the trail counts when the decision gets its place, so that two at once cannot both be the last.
//! What was counted once within a window is free until the window has passed over it.

use super::standing::ActorId;
use crate::ambient::Micros;
use crate::records::{LegalKind, MandateId};

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ledger {
    /// Values that an actor asked for, whether they are held.
    Matches(ActorId),
    /// People of whom an actor saw something of a kind in clear.
    Reveals(ActorId, LegalKind),
    /// Records opened under a task, an approved round or an emergency, which have a budget of their own.
    Mandate(MandateId),
    /// Emergency accesses that an actor opened, or asked a second person for.
    Emergencies(ActorId),
    /// Times that a limit of an actor was raised.
    Raises(ActorId),
    /// Times that an actor asked for one to be raised.
    RaiseAsks(ActorId),
    /// Times that an actor asked a second person for a look, or for an organ.
    ApprovalAsks(ActorId),
}

/// Numbers of the families, beside 0 and 255.
const EMERGENCIES: u8 = 0x18;
const RAISES: u8 = 0x19;
const RAISE_ASKS: u8 = 0x1a;
const APPROVAL_ASKS: u8 = 0x1b;
/// One family for all kinds: somebody is mostly seen in several at once, and is one row then.
const REVEALS: u8 = 0x1c;

/// How many ledgers a family has at most.
pub const LEDGER_PARTS_COUNT: usize = LegalKind::ALL.len();

impl Ledger {
    /// Whose it is, in which family of that one's ledgers, and which of the family: how it is kept.
    pub fn to_parts(self) -> ([u8; 16], u8, u8) {
        match self {
            Ledger::Matches(actor) => (*actor.as_bytes(), 0, 0),
            Ledger::Reveals(actor, kind) => (*actor.as_bytes(), REVEALS, kind as u8),
            Ledger::Mandate(id) => (*id.as_bytes(), u8::MAX, 0),
            Ledger::Emergencies(actor) => (*actor.as_bytes(), EMERGENCIES, 0),
            Ledger::Raises(actor) => (*actor.as_bytes(), RAISES, 0),
            Ledger::RaiseAsks(actor) => (*actor.as_bytes(), RAISE_ASKS, 0),
            Ledger::ApprovalAsks(actor) => (*actor.as_bytes(), APPROVAL_ASKS, 0),
        }
    }
}

/// How many distinct things a ledger may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// In the last 24 hours, and in the last 30 days.
    Windows {
        /// In 24 hours.
        day: u32,
        /// In 30 days.
        month: u32,
    },
    /// Ever.
    Total(u32),
}

/// Hours of the shorter window.
const DAY_HOURS: u32 = 24;
/// Hours of the longer window; what is older counts for nothing and may be forgotten.
const LEDGER_HOURS: u32 = 30 * DAY_HOURS;

impl Bound {
    /// The same bound with room for so many more. What has a budget keeps it.
    pub fn raised(self, more: u32) -> Bound {
        match self {
            Bound::Total(total) => Bound::Total(total),
            Bound::Windows { day, month } => {
                Bound::Windows { day: day.saturating_add(more), month: month.saturating_add(more) }
            }
        }
    }

    /// As many as are allowed whenever they were counted.
    pub fn least(self) -> u32 {
        match self {
            Bound::Total(total) => total,
            Bound::Windows { day, month } => day.min(month),
        }
    }

    /// Whether a ledger may hold all of this, each thing with the hour in which it was counted last.
    pub fn allows(self, now: Hour, counted: impl Iterator<Item = Hour>) -> bool {
        match self {
            Bound::Total(total) => counted.count() <= total as usize,
            Bound::Windows { day, month } => {
                let (mut in_day, mut in_month) = (0_u32, 0_u32);
                for hour in counted {
                    // An hour that lies ahead was counted before the clock was set back: it is no second allowance.
                    let age = now.0.saturating_sub(hour.0);
                    in_day += u32::from(age < DAY_HOURS);
                    in_month += u32::from(age < LEDGER_HOURS);
                }
                in_day <= day && in_month <= month
            }
        }
    }
}

/// Whole hours since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hour(pub u32);

impl Hour {
    /// The hour of a moment.
    pub fn of(moment: Micros) -> Hour {
        Hour(u32::try_from(moment.seconds().div_euclid(3_600)).unwrap_or(0))
    }

    /// Whether a thing that was counted in another hour is still counted in the shorter window.
    pub fn is_same_day(self, counted: Hour) -> bool {
        self.0.saturating_sub(counted.0) < DAY_HOURS
    }

    /// Whether a thing that was counted then counts for nothing any more.
    pub fn is_over(self, now: Hour) -> bool {
        now.0.saturating_sub(self.0) >= LEDGER_HOURS
    }
}

/// One distinct thing to be counted when the decision is sequenced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Where.
    pub ledger: Ledger,
    /// What: an audit handle, or a keyed tag of a value.
    pub tag: [u8; 16],
    /// When.
    pub hour: Hour,
    /// How much the ledger may hold with it.
    pub bound: Bound,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Hour = Hour(500_000);

    fn ages(ages: &[u32]) -> impl Iterator<Item = Hour> {
        ages.iter().map(|age| Hour(NOW.0 - age))
    }

    #[test]
    fn each_window_counts_what_lies_in_it_and_forgets_what_it_has_passed() {
        let bound = Bound::Windows { day: 2, month: 4 };
        assert!(bound.allows(NOW, ages(&[0, 23])));
        assert!(!bound.allows(NOW, ages(&[0, 1, 23])));
        assert!(bound.allows(NOW, ages(&[0, 1, 24])));
        assert!(bound.allows(NOW, ages(&[0, 30, 300, 719])));
        assert!(!bound.allows(NOW, ages(&[0, 30, 300, 600, 719])));
        assert!(bound.allows(NOW, ages(&[0, 30, 300, 720, 719])));
    }

    #[test]
    fn a_clock_that_was_set_back_gives_no_second_allowance() {
        let bound = Bound::Windows { day: 1, month: 9 };
        assert!(!bound.allows(NOW, [Hour(NOW.0 + 50), NOW].into_iter()));
    }

    #[test]
    fn a_budget_never_comes_back() {
        assert!(Bound::Total(2).allows(NOW, ages(&[0, 9_000])));
        assert!(!Bound::Total(2).allows(NOW, ages(&[0, 9_000, 20_000])));
    }

    #[test]
    fn no_two_ledgers_are_kept_in_one_place() {
        let actor = ActorId::from_bytes([7; 16]);
        let mut parts = vec![
            Ledger::Matches(actor).to_parts(),
            Ledger::Mandate(MandateId::from_bytes([7; 16])).to_parts(),
            Ledger::Emergencies(actor).to_parts(),
            Ledger::Raises(actor).to_parts(),
            Ledger::RaiseAsks(actor).to_parts(),
            Ledger::ApprovalAsks(actor).to_parts(),
        ];
        parts.extend(LegalKind::ALL.map(|kind| Ledger::Reveals(actor, kind).to_parts()));
        let count = parts.len();
        parts.sort_unstable();
        parts.dedup();
        assert_eq!(parts.len(), count);
    }
}
