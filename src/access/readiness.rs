//! What somebody has to bring along before a post opens anything about a person: a signed secrecy term, and training.
//! Never a right by itself, and never a reason to close what is about no person.
//! What is missing or over closes; nobody's word but the directory's record opens again.

use super::mandate::{Mandate, MandateKind};
use super::role::Role;
use crate::ambient::Micros;
use crate::records::Class;

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// What is known of whoever holds a post.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// When the secrecy term was signed.
    pub secrecy_signed: Option<Micros>,
    /// First moment at which the training counts no more.
    pub trained_until: Option<Micros>,
}

/// What a role asks of whoever holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// A signed secrecy term.
    pub secrecy_term: bool,
    /// Training that is not over.
    pub training: bool,
}

/// How long training counts, and how early its end is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainingRules {
    /// Training ends within so many days of the day on which it is written down.
    pub days_max: u32,
    /// So many days before its end it is said.
    pub warning_days: u32,
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// No secrecy term was signed.
    SecrecyTerm,
    /// There was no training.
    Training,
    /// The training is over.
    TrainingOver,
}

impl Lack {
    /// The word for it, which its holder may know.
    pub fn as_str(self) -> &'static str {
        match self {
            Lack::SecrecyTerm => "secrecy_term_missing",
            Lack::Training => "training_missing",
            Lack::TrainingOver => "training_lapsed",
        }
    }

    /// Whether it closes a class to the role at this level, under this mandate. What is about no person stays open; of a
    /// stand-in whose training lapsed, so does what an emergency opens.
    pub(super) fn closes(self, class: Class, role: &Role, mandate: Option<&Mandate>) -> bool {
        let emergency = mandate.is_some_and(|mandate| mandate.kind == MandateKind::Emergency);
        class >= Class::C2 && !(emergency && self.spares_emergencies(role))
    }

    /// Whether an emergency stays open to the role all the same.
    pub(super) fn spares_emergencies(self, role: &Role) -> bool {
        self != Lack::SecrecyTerm && role.by_window
    }
}

/// How far somebody's training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainingState {
    /// The role needs none.
    NotNeeded,
    /// It counts.
    Valid,
    /// It counts, and its end is near.
    EndsSoon,
    /// It is over.
    Over,
    /// There was none.
    Missing,
}

impl TrainingState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            TrainingState::NotNeeded => "not_needed",
            TrainingState::Valid => "valid",
            TrainingState::EndsSoon => "ends_soon",
            TrainingState::Over => "lapsed",
            TrainingState::Missing => "missing",
        }
    }
}

impl Needs {
    /// The first thing that is missing. A term that is signed only tomorrow is none today.
    pub fn lack(self, ready: Readiness, now: Micros) -> Option<Lack> {
        if self.secrecy_term && ready.secrecy_signed.is_none_or(|signed| now < signed) {
            return Some(Lack::SecrecyTerm);
        }
        match ready.trained_until {
            _ if !self.training => None,
            None => Some(Lack::Training),
            Some(until) => (until <= now).then_some(Lack::TrainingOver),
        }
    }
}

impl TrainingRules {
    /// How far the training of a role's holder is.
    pub fn state(self, needs: Needs, ready: Readiness, now: Micros) -> TrainingState {
        let warned = i64::from(self.warning_days).saturating_mul(DAY_MICROS);
        match ready.trained_until {
            _ if !needs.training => TrainingState::NotNeeded,
            None => TrainingState::Missing,
            Some(until) if until <= now => TrainingState::Over,
            Some(until) if until.0.saturating_sub(now.0) <= warned => TrainingState::EndsSoon,
            Some(_) => TrainingState::Valid,
        }
    }

    /// Whether somebody may write down that: a term that was signed, and training that ends no later than training may.
    pub fn takes(self, ready: Readiness, now: Micros) -> bool {
        let most = i64::from(self.days_max).saturating_mul(DAY_MICROS);
        ready.secrecy_signed.is_none_or(|signed| Micros(0) <= signed && signed <= now)
            && ready
                .trained_until
                .is_none_or(|until| 0 <= until.0 && until.0.saturating_sub(now.0) <= most)
    }
}
