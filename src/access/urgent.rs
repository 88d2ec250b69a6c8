//! The terms of emergency access as `roles.toml` says them: what is urgent, what is opened, for how long, who is told, who reviews.
//! Never a tier that a role does not name, and never a word that means nothing.
//! Whatever is missing, unknown or beyond its limit stops the start.

use super::policy::PolicyError;
use super::role::{Role, RoleId, unknown};
use crate::limits::{
    EMERGENCY_DWELLINGS_MAX, EMERGENCY_MINUTES_MAX, EMERGENCY_REVIEW_HOURS_MAX,
    EMERGENCY_USES_MONTH_MAX,
};
use crate::purposes::{PurposeGroup, PurposeSet};
use crate::records::{RecordType, SchemaSet};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How far an emergency access reaches, and who must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Alone, and for minutes.
    Alone,
    /// Wider, with a second person.
    Wide,
}

impl Tier {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Alone => "alone",
            Tier::Wide => "wide",
        }
    }
}

impl FromStr for Tier {
    type Err = ();

    fn from_str(word: &str) -> Result<Tier, ()> {
        [Tier::Alone, Tier::Wide].into_iter().find(|tier| tier.as_str() == word).ok_or(())
    }
}

/// What one tier opens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierTerms {
    /// The fields.
    pub fields: Vec<String>,
    /// How long.
    pub minutes: u32,
    /// Of how many dwellings at most.
    pub dwellings: u32,
    /// How often somebody opens it, in 24 hours and in 30 days.
    pub uses: [u32; 2],
}

/// The terms of all tiers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Urgent {
    purposes: Vec<String>,
    severities: Vec<String>,
    over: Vec<String>,
    told: Vec<String>,
    escalates_to: Vec<String>,
    /// How long after its end a review may take, in hours.
    pub review_hours: u32,
    alone: TierTerms,
    wide: TierTerms,
}

impl Urgent {
    /// What a tier opens.
    pub fn tier(&self, tier: Tier) -> &TierTerms {
        match tier {
            Tier::Alone => &self.alone,
            Tier::Wide => &self.wide,
        }
    }

    /// Whether it may be opened for that purpose.
    pub fn is_for(&self, purpose: &str) -> bool {
        self.purposes.iter().any(|one| one == purpose)
    }

    /// Whether an event of that severity, in that step, is urgent now. What says neither is not.
    pub fn is_urgent(&self, severity: Option<&str>, step: Option<&str>) -> bool {
        let grave = |word: &str| self.severities.iter().any(|one| one == word);
        let over = |word: &str| self.over.iter().any(|one| one == word);
        severity.is_some_and(grave) && step.is_some_and(|word| !over(word))
    }

    /// Whether a role's holders see what was opened in their area.
    pub(super) fn tells(&self, role: &RoleId) -> bool {
        self.told.iter().any(|one| one == role.as_str())
    }

    /// Whether a role's holders see and review all of it.
    pub(super) fn escalates_to(&self, role: &RoleId) -> bool {
        self.escalates_to.iter().any(|one| one == role.as_str())
    }

    /// The roles that see what was opened: those that are told, in their area, and those above all.
    pub(super) fn watchers(&self) -> impl Iterator<Item = &str> {
        self.told.iter().chain(&self.escalates_to).map(String::as_str)
    }
}

/// Holds the terms against everything that they name.
pub(super) fn check(
    urgent: Option<&Urgent>,
    roles: &[Role],
    purposes: &PurposeSet,
    schemas: &SchemaSet,
) -> Result<(), PolicyError> {
    let holders = roles.iter().find(|role| !role.emergency.is_empty());
    let Some(urgent) = urgent else {
        let Some(role) = holders else { return Ok(()) };
        return Err(wrong(role.id.as_str(), "has a tier of emergency access that has no terms"));
    };
    let of_emergencies = |word: &String| {
        let group = purposes.get(word).map(|purpose| purpose.group);
        group == Some(PurposeGroup::Emergency)
    };
    if let Some(word) = urgent.purposes.iter().find(|word| !of_emergencies(word)) {
        return Err(unknown("purpose of emergencies", word));
    }
    let coded = |list: &str, word: &String| {
        schemas.code_list(list).is_some_and(|list| list.get(word).is_some())
    };
    if let Some(word) = urgent.severities.iter().find(|word| !coded("event_severity", word)) {
        return Err(unknown("severity", word));
    }
    if let Some(word) = urgent.over.iter().find(|word| !coded("event_step", word)) {
        return Err(unknown("step of an event", word));
    }
    let is_role = |word: &str| roles.iter().any(|role| role.id.as_str() == word);
    if let Some(word) = urgent.watchers().find(|word| !is_role(word)) {
        return Err(unknown("role", word));
    }
    for (name, tier) in [("emergency.alone", &urgent.alone), ("emergency.wide", &urgent.wide)] {
        check_tier(name, tier, urgent, purposes)?;
    }
    if !(1..=EMERGENCY_REVIEW_HOURS_MAX).contains(&urgent.review_hours)
        || urgent.escalates_to.is_empty()
        || urgent.purposes.is_empty()
    {
        return Err(wrong("emergency", "is for no purpose, or is reviewed too late or by nobody"));
    }
    // Whoever breaks the glass has somebody who reviews it.
    let unseen = |role: &&Role| !role.emergency.is_empty() && role.approved_by.is_none();
    match roles.iter().find(unseen) {
        Some(role) => {
            Err(wrong(role.id.as_str(), "has emergency access, and nobody who reviews it"))
        }
        None => Ok(()),
    }
}

fn check_tier(
    name: &str,
    tier: &TierTerms,
    urgent: &Urgent,
    purposes: &PurposeSet,
) -> Result<(), PolicyError> {
    let listed = |field: &String| {
        let lists = |word: &String| {
            let of = |topic| purposes.get(word).is_some_and(|one| one.lists(topic, field));
            [RecordType::Person, RecordType::Place, RecordType::Residence].into_iter().any(of)
        };
        urgent.purposes.iter().all(lists)
    };
    if let Some(word) = tier.fields.iter().find(|field| !listed(field)) {
        return Err(unknown("field of an emergency", word));
    }
    let [day, month] = tier.uses;
    let bounded = (1..=EMERGENCY_MINUTES_MAX).contains(&tier.minutes)
        && (1..=EMERGENCY_DWELLINGS_MAX).contains(&tier.dwellings)
        && (1..=month).contains(&day)
        && month <= EMERGENCY_USES_MONTH_MAX
        && !tier.fields.is_empty();
    if bounded { Ok(()) } else { Err(wrong(name, "opens nothing, or more than its limits")) }
}

fn wrong(role: &str, what: &'static str) -> PolicyError {
    PolicyError::Role { role: role.to_owned(), what }
}
