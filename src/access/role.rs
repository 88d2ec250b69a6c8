//! The roles of a vault as `roles.toml` says them: level, family, whom a role excludes, what its assignments need.
//! Never says what a role may do; that stands in its policy file.
//! A word or key that is not known stops the start.

use super::grants::Level;
use super::ledger::Bound;
use super::policy::PolicyError;
use super::raise::{ApprovalTerms, RaiseTerms};
use super::readiness::{Needs, TrainingRules};
use super::standing::{Assignment, Window};
use super::urgent::{Tier, Urgent};
use crate::limits::{PAIR_DAYS_MAX, REVEALS_MONTH_MAX, ROLES_COUNT_MAX, TRAINING_DAYS_MAX};
use crate::records::LegalKind;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The slug of a role.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleId(pub(super) Arc<str>);

impl RoleId {
    /// From any word; a role that the policy does not know is granted nothing.
    pub fn new(word: &str) -> RoleId {
        RoleId(word.into())
    }

    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RoleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Which of the three worlds a role belongs to. Nobody belongs to two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleFamily {
    /// Works with records.
    Business,
    /// Runs the vault and sees no value.
    Administration,
    /// Watches over the vault and sees no value.
    Oversight,
}

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its slug.
    pub id: RoleId,
    /// Its Chinese name.
    pub zh: String,
    /// Its English name.
    pub en: String,
    /// Where it works.
    pub level: Level,
    /// Which world it belongs to.
    pub family: RoleFamily,
    /// Roles that nobody holds beside this one.
    pub exclusive: Vec<RoleId>,
    /// Whether its assignments must be bound to a line of business.
    pub needs_line: bool,
    /// How many days its assignments last at most; one without an end carries nothing then.
    pub days_max: Option<u32>,
    /// The roles to whose holders it gives tasks.
    pub gives_tasks_to: Vec<RoleId>,
    /// Whether it is held as one of a pair, in windows that the two agree on, and in no other way.
    pub by_window: bool,
    /// The role as which somebody of an approved pair stands in for its holders.
    pub delegates_to: Option<RoleId>,
    /// The roles that its holders place others in, below their own area; the community confirms each.
    pub places: Vec<RoleId>,
    /// The fields of a person by whose value its holders find the one who is present at the counter.
    pub checks_by: Vec<String>,
    /// Whether what is sensitive opens to it by such a check alone, and by no task that somebody gives.
    pub sensitive_at_counter: bool,
    /// Whether its holders act for residents who are present.
    pub serves_residents: bool,
    /// Who agrees to what its holders ask for; nobody where nothing is said.
    pub approved_by: Option<ApprovedBy>,
    /// Of how many people it may see something of a kind in clear; of none where nothing is said.
    pub reveals: Reveals,
    /// The tiers of emergency access that it has.
    pub emergency: Vec<Tier>,
    /// Whether it asks for organs, by a document.
    pub official_requests: bool,
    /// Whether it sees anything of whoever's address is protected.
    pub sees_protected: bool,
    /// Whether it sets and lifts that mark.
    pub protects_addresses: bool,
    /// What it asks of whoever holds it before it opens anything about a person.
    pub needs: Needs,
    /// Whether somebody who holds it in a grid keeps that grid from being vacant.
    pub fills_grid: bool,
}

/// The second person for what a role asks.
#[derive(Clone, Debug)]
pub struct ApprovedBy {
    /// The role of the second person.
    pub role: RoleId,
    /// Whether its assignment must be one that leads (the attribute `lead` of a post).
    pub lead: bool,
}

/// Of how many distinct people something may be seen in clear, by the law's kind of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reveals([(u32, u32); LegalKind::ALL.len()]);

impl Reveals {
    /// The bound of a kind.
    pub fn bound(&self, kind: LegalKind) -> Bound {
        let place = LegalKind::ALL.iter().position(|one| *one == kind);
        let (day, month) = place.map_or((0, 0), |place| self.0[place]);
        Bound::Windows { day, month }
    }
}

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

impl Role {
    /// Whether one person may hold this role beside the other. Only people of one family, and never two roles of which
    /// one names the other; the same role twice is two places of one post.
    pub fn goes_with(&self, other: &Role) -> bool {
        let excludes = |one: &Role, two: &Role| one.exclusive.contains(&two.id);
        self.family == other.family && !excludes(self, other) && !excludes(other, self)
    }

    /// Whether an assignment has what this role asks of one. What has not carries nothing.
    pub fn accepts(&self, assignment: &Assignment) -> bool {
        let lasts = |days: u32| {
            let until = assignment.until.map_or(i64::MAX, |until| until.0);
            until.saturating_sub(assignment.from.0) <= i64::from(days) * DAY_MICROS
        };
        let time = match &assignment.windows {
            // Nobody stands in by the single word of whoever places people: when it counts, the two of the pair say.
            None => !self.by_window && self.days_max.is_none_or(lasts),
            // Of a pair: each window is as short as a post of its own would have to be.
            Some(windows) => {
                let short = |window: &Window| {
                    let days = i64::from(self.days_max.unwrap_or(0));
                    window.until.0.saturating_sub(window.from.0) <= days * DAY_MICROS
                };
                self.by_window && lasts(PAIR_DAYS_MAX) && windows.iter().all(short)
            }
        };
        (!self.needs_line || assignment.line.is_some()) && time
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RolesFile {
    role: Vec<RoleText>,
    emergency: Option<Urgent>,
    approvals: ApprovalTerms,
    raises: Option<RaiseTerms>,
    training: TrainingText,
    #[serde(default)]
    reveals: BTreeMap<String, BTreeMap<String, [u32; 2]>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrainingText {
    days_max: u32,
    warning_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleText {
    id: String,
    zh: String,
    en: String,
    level: String,
    family: RoleFamily,
    #[serde(default)]
    exclusive: Vec<String>,
    #[serde(default)]
    needs_line: bool,
    days_max: Option<u32>,
    #[serde(default)]
    gives_tasks_to: Vec<String>,
    #[serde(default)]
    by_window: bool,
    delegates_to: Option<String>,
    #[serde(default)]
    places: Vec<String>,
    #[serde(default)]
    checks_by: Vec<String>,
    #[serde(default)]
    sensitive_at_counter: bool,
    #[serde(default)]
    serves_residents: bool,
    approved_by: Option<ApprovedByText>,
    reveals: Option<String>,
    #[serde(default)]
    emergency: Vec<Tier>,
    #[serde(default)]
    official_requests: bool,
    #[serde(default)]
    sees_protected: bool,
    #[serde(default)]
    protects_addresses: bool,
    needs_secrecy_term: Option<bool>,
    needs_training: Option<bool>,
    #[serde(default)]
    fills_grid: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovedByText {
    role: String,
    #[serde(default)]
    lead: bool,
}

const FILE: &str = "roles.toml";

/// Everything that the file says.
pub(super) struct RolesRead {
    /// The roles, in the order of the file.
    pub(super) roles: Vec<Role>,
    /// The terms of emergency access, where there is any.
    pub(super) urgent: Option<Urgent>,
    /// How often a second person is asked.
    pub(super) approvals: ApprovalTerms,
    /// How far limits are raised, where any are.
    pub(super) raises: Option<RaiseTerms>,
    /// How long training counts.
    pub(super) training: TrainingRules,
}

/// Reads the roles and what they are bound by.
pub(super) fn read_roles(text: &str) -> Result<RolesRead, PolicyError> {
    let file: RolesFile = toml::from_str(text).map_err(|error| PolicyError::File {
        file: FILE.into(),
        reason: error.message().to_owned(),
    })?;
    if file.role.len() > ROLES_COUNT_MAX {
        let reason = format!("more than {ROLES_COUNT_MAX} roles");
        return Err(PolicyError::File { file: FILE.into(), reason });
    }
    let training = training(&file.training)?;
    let bounds = reveals(&file.reveals)?;
    let used = |name: &String| file.role.iter().any(|role| role.reveals.as_ref() == Some(name));
    if let Some(name) = bounds.keys().find(|name| !used(name)) {
        return Err(PolicyError::Role { role: name.clone(), what: "are bounds that no role has" });
    }
    let (urgent, raises, approvals) = (file.emergency, file.raises, file.approvals);
    approvals.check()?;
    if let Some(terms) = &raises {
        terms.check()?;
    }
    let roles = file.role.into_iter().map(|text| role(text, &bounds));
    let roles = roles.collect::<Result<Vec<Role>, PolicyError>>()?;
    check_names(&roles)?;
    Ok(RolesRead { roles, urgent, approvals, raises, training })
}

fn training(text: &TrainingText) -> Result<TrainingRules, PolicyError> {
    let rules = TrainingRules { days_max: text.days_max, warning_days: text.warning_days };
    if (1..=TRAINING_DAYS_MAX).contains(&rules.days_max) && rules.warning_days < rules.days_max {
        return Ok(rules);
    }
    let what = "has training that never ends, or a warning as long as it lasts";
    Err(PolicyError::Role { role: FILE.into(), what })
}

/// Each role is named once, and names roles that there are.
fn check_names(roles: &[Role]) -> Result<(), PolicyError> {
    for (place, role) in roles.iter().enumerate() {
        let named_before = roles[..place].iter().any(|other| other.id == role.id);
        if named_before {
            return Err(PolicyError::Role { role: FILE.into(), what: "named twice" });
        }
        let known = |word: &&RoleId| roles.iter().any(|other| other.id == **word);
        if let Some(word) = role.exclusive.iter().find(|word| !known(word)) {
            return Err(unknown("role", word.as_str()));
        }
        let business = |word: &RoleId| {
            roles.iter().any(|other| other.id == *word && other.family == RoleFamily::Business)
        };
        let windowed =
            |word: &RoleId| roles.iter().any(|other| other.id == *word && other.by_window);
        if let Some(word) = role.delegates_to.as_ref().filter(|word| !windowed(word)) {
            return Err(unknown("role of pairs", word.as_str()));
        }
        if let Some(word) = role.places.iter().find(|word| !business(word)) {
            return Err(unknown("role of business", word.as_str()));
        }
        if let Some(word) = role.gives_tasks_to.iter().find(|word| !known(word)) {
            return Err(unknown("role", word.as_str()));
        }
        if let Some(by) = role.approved_by.as_ref().filter(|by| !known(&&by.role)) {
            return Err(unknown("role", by.role.as_str()));
        }
        let overseen = |by: &ApprovedBy| {
            roles.iter().any(|other| other.id == by.role && other.family == RoleFamily::Oversight)
        };
        if role.official_requests && !role.approved_by.as_ref().is_some_and(overseen) {
            let role = role.id.as_str().into();
            let what = "asks for organs, and nobody of oversight agrees";
            return Err(PolicyError::Role { role, what });
        }
        if role.protects_addresses && !role.sees_protected {
            let role = role.id.as_str().into();
            return Err(PolicyError::Role {
                role,
                what: "protects an address that it does not see",
            });
        }
        if role.exclusive.contains(&role.id) {
            let role = role.id.as_str().into();
            return Err(PolicyError::Role { role, what: "excludes itself" });
        }
    }
    Ok(())
}

/// Each set of bounds says every kind: one that was forgotten would be a door or a wall that nobody meant.
fn reveals(
    texts: &BTreeMap<String, BTreeMap<String, [u32; 2]>>,
) -> Result<BTreeMap<String, Reveals>, PolicyError> {
    let mut named = BTreeMap::new();
    for (name, kinds) in texts {
        if let Some(word) = kinds.keys().find(|word| word.parse::<LegalKind>().is_err()) {
            return Err(unknown("legal kind", word));
        }
        let mut bounds = Reveals::default();
        for (kind, bound) in LegalKind::ALL.iter().zip(&mut bounds.0) {
            let wrong = |what| PolicyError::Role { role: name.clone(), what };
            let [day, month] =
                *kinds.get(kind.as_str()).ok_or(wrong("does not bound every kind"))?;
            if day > month || month > REVEALS_MONTH_MAX {
                return Err(wrong(
                    "has a bound of a day above that of 30 days, or one that bounds nothing",
                ));
            }
            *bound = (day, month);
        }
        named.insert(name.clone(), bounds);
    }
    Ok(named)
}

fn role(text: RoleText, bounds: &BTreeMap<String, Reveals>) -> Result<Role, PolicyError> {
    let level = Level::ALL.into_iter().find(|level| level.as_str() == text.level);
    let level = level.ok_or_else(|| unknown("level", &text.level))?;
    if text.family == RoleFamily::Business && level == Level::Platform {
        return Err(PolicyError::Role { role: text.id, what: "a business role has an area" });
    }
    // Nothing is said: whoever works with records needs both. Others see no record, so there is nothing to say.
    let business = text.family == RoleFamily::Business;
    if !business && (text.needs_secrecy_term.is_some() || text.needs_training.is_some()) {
        return Err(PolicyError::Role {
            role: text.id,
            what: "sees no record, and needs training or a term",
        });
    }
    let needs = Needs {
        secrecy_term: text.needs_secrecy_term.unwrap_or(business),
        training: text.needs_training.unwrap_or(business),
    };
    if text.fills_grid && level != Level::Grid {
        return Err(PolicyError::Role { role: text.id, what: "fills a grid from another level" });
    }
    let reveals = match (&text.reveals, text.family) {
        (Some(name), RoleFamily::Business) => {
            *bounds.get(name).ok_or_else(|| unknown("set of bounds", name))?
        }
        (None, RoleFamily::Business) => {
            return Err(PolicyError::Role {
                role: text.id,
                what: "works with records without bounds",
            });
        }
        (None, _) => Reveals::default(),
        (Some(_), _) => {
            return Err(PolicyError::Role {
                role: text.id,
                what: "sees no record, and has bounds",
            });
        }
    };
    Ok(Role {
        id: RoleId::new(&text.id),
        zh: text.zh,
        en: text.en,
        level,
        family: text.family,
        exclusive: text.exclusive.iter().map(|word| RoleId::new(word)).collect(),
        needs_line: text.needs_line,
        days_max: text.days_max,
        gives_tasks_to: text.gives_tasks_to.iter().map(|word| RoleId::new(word)).collect(),
        by_window: text.by_window,
        delegates_to: text.delegates_to.as_deref().map(RoleId::new),
        checks_by: text.checks_by,
        sensitive_at_counter: text.sensitive_at_counter,
        serves_residents: text.serves_residents,
        places: text.places.iter().map(|word| RoleId::new(word)).collect(),
        approved_by: text
            .approved_by
            .map(|by| ApprovedBy { role: RoleId::new(&by.role), lead: by.lead }),
        reveals,
        emergency: text.emergency,
        official_requests: text.official_requests,
        sees_protected: text.sees_protected,
        protects_addresses: text.protects_addresses,
        needs,
        fills_grid: text.fills_grid,
    })
}

pub(super) fn unknown(what: &'static str, word: &str) -> PolicyError {
    PolicyError::UnknownWord { file: FILE.into(), line: 0, what, word: word.into() }
}
