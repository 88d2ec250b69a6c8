//! The thresholds of the rules, as `policies/anomalies.toml` says them.
//! Never a threshold that is not in the file: a key or word that is missing or not known stops the start.
//! Their digest names what an anomaly was found under.

use crate::records::LegalKind;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Kinds of information that the law counts.
pub(super) const KINDS_COUNT: usize = LegalKind::ALL.len();
const FILE: &str = "anomalies.toml";
/// Largest number that a threshold may be.
const NUMBER_MAX: u32 = 1_000_000;

/// The thresholds.
#[derive(Clone, Debug)]
pub struct Thresholds {
    pub(super) volume: Volume,
    pub(super) outside: Count,
    pub(super) night: Night,
    pub(super) sweep: Sweep,
    pub(super) own: Count,
    pub(super) leaver: Leaver,
    pub(super) limits: Limits,
    pub(super) stopped: Count,
    escalation_roles: Vec<String>,
    digest: [u8; 32],
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThresholdsError {
    /// It does not parse, or a key is missing or not known.
    #[error("{FILE}: {0}")]
    File(String),
    /// A word that means nothing here.
    #[error("{FILE}: unknown {what} \"{word}\"")]
    Word {
        /// What the word should have named.
        what: &'static str,
        /// The word.
        word: String,
    },
    /// A number that cannot be meant.
    #[error("{FILE}: {0} is not within its bounds")]
    Number(&'static str),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    escalation: Escalation,
    volume: Volume,
    outside: Count,
    night: Night,
    sweep: Sweep,
    own: Count,
    leaver: Leaver,
    limits: LimitsText,
    stopped: Count,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Escalation {
    roles: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Volume {
    pub(super) floor_count: u32,
    pub(super) own_percent: u32,
    pub(super) own_days_min: u32,
    pub(super) peers_percent: u32,
    pub(super) peers_days_min: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Count {
    pub(super) count: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Night {
    pub(super) from_hour: u8,
    pub(super) to_hour: u8,
    pub(super) count: u32,
    pub(super) purposes_apart: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sweep {
    pub(super) minutes: u32,
    pub(super) count: u32,
    pub(super) purposes_apart: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Leaver {
    pub(super) days: u32,
    pub(super) floor_count: u32,
    pub(super) own_percent: u32,
    pub(super) own_days_min: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsText {
    percent: u32,
    day: BTreeMap<String, u32>,
    month: BTreeMap<String, u32>,
    programme: ProgrammeText,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgrammeText {
    roles: Vec<String>,
    day: BTreeMap<String, u32>,
    month: BTreeMap<String, u32>,
}

/// Persons of a day and of thirty days, by the law's kinds of information.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) percent: u32,
    usual: Table,
    programme: Table,
    programme_roles: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) day: [u32; KINDS_COUNT],
    pub(super) month: [u32; KINDS_COUNT],
}

impl Limits {
    /// The limits of a role.
    pub(super) fn of(&self, role: &str) -> &Table {
        if self.programme_roles.iter().any(|one| one == role) {
            &self.programme
        } else {
            &self.usual
        }
    }
}

impl Thresholds {
    /// The shipped text.
    pub fn built_in_text() -> &'static str {
        include_str!("../../../policies/anomalies.toml")
    }

    /// Reads and checks the file; whether a role and a purpose are known, and whether a role hears of what is brought before
    /// it, is said by those who own them.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(
        text: &str,
        is_role: impl Fn(&str) -> bool,
        hears: impl Fn(&str) -> bool,
        is_purpose: impl Fn(&str) -> bool,
    ) -> Result<Thresholds, ThresholdsError> {
        let file: File =
            toml::from_str(text).map_err(|e| ThresholdsError::File(e.message().to_owned()))?;
        let purposes = file.night.purposes_apart.iter().chain(&file.sweep.purposes_apart);
        known("purpose", purposes, is_purpose)?;
        known("role", file.limits.programme.roles.iter(), is_role)?;
        known("role that reviews are brought before", file.escalation.roles.iter(), hears)?;
        file.check_numbers()?;
        let text = text.as_bytes();
        let mut digest = [0; 32];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, text).as_ref());
        let File { escalation, volume, outside, night, sweep, own, leaver, limits, stopped } = file;
        let limits = Limits {
            percent: limits.percent,
            usual: table(&limits.day, &limits.month)?,
            programme: table(&limits.programme.day, &limits.programme.month)?,
            programme_roles: limits.programme.roles,
        };
        let escalation_roles = escalation.roles;
        Ok(Thresholds {
            volume,
            outside,
            night,
            sweep,
            own,
            leaver,
            limits,
            stopped,
            escalation_roles,
            digest,
        })
    }

    /// Roles before which a review may be brought.
    pub fn escalation_roles(&self) -> &[String] {
        &self.escalation_roles
    }

    /// SHA-256 of the text.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl File {
    fn check_numbers(&self) -> Result<(), ThresholdsError> {
        let (volume, leaver) = (&self.volume, &self.leaver);
        let past = super::past::DAYS_KEPT as u32;
        let counts = [
            ("volume.floor_count", volume.floor_count, NUMBER_MAX),
            ("volume.own_percent", volume.own_percent, NUMBER_MAX),
            ("volume.own_days_min", volume.own_days_min, past),
            ("volume.peers_percent", volume.peers_percent, NUMBER_MAX),
            ("volume.peers_days_min", volume.peers_days_min, NUMBER_MAX),
            ("outside.count", self.outside.count, NUMBER_MAX),
            ("night.count", self.night.count, NUMBER_MAX),
            ("sweep.minutes", self.sweep.minutes, 24 * 60),
            ("sweep.count", self.sweep.count, crate::limits::ANOMALY_SWEEP_COUNT_MAX as u32),
            ("own.count", self.own.count, NUMBER_MAX),
            ("stopped.count", self.stopped.count, NUMBER_MAX),
            ("leaver.days", leaver.days, past),
            ("leaver.floor_count", leaver.floor_count, NUMBER_MAX),
            ("leaver.own_percent", leaver.own_percent, NUMBER_MAX),
            ("leaver.own_days_min", leaver.own_days_min, past),
            ("limits.percent", self.limits.percent, 100),
        ];
        // A threshold of nothing would make everybody's every act an anomaly.
        let wrong = counts.into_iter().find(|(_, number, most)| *number == 0 || number > most);
        if let Some((name, ..)) = wrong {
            return Err(ThresholdsError::Number(name));
        }
        let Night { from_hour, to_hour, .. } = self.night;
        // A night lies around midnight: it begins in the evening and ends in the morning.
        if !(12..24).contains(&from_hour) || to_hour > 12 {
            return Err(ThresholdsError::Number("night.from_hour or night.to_hour"));
        }
        Ok(())
    }
}

fn known<'a>(
    what: &'static str,
    words: impl IntoIterator<Item = &'a String>,
    is_known: impl Fn(&str) -> bool,
) -> Result<(), ThresholdsError> {
    match words.into_iter().find(|word| !is_known(word)) {
        Some(word) => Err(ThresholdsError::Word { what, word: word.clone() }),
        None => Ok(()),
    }
}

/// Every kind has its number, and nothing else has one.
fn table(
    day: &BTreeMap<String, u32>,
    month: &BTreeMap<String, u32>,
) -> Result<Table, ThresholdsError> {
    Ok(Table { day: row(day)?, month: row(month)? })
}

fn row(numbers: &BTreeMap<String, u32>) -> Result<[u32; KINDS_COUNT], ThresholdsError> {
    let is_kind = |word: &str| LegalKind::ALL.iter().any(|kind| kind.as_str() == word);
    known("kind of information", numbers.keys(), is_kind)?;
    let mut row = [0; KINDS_COUNT];
    for (place, kind) in row.iter_mut().zip(LegalKind::ALL) {
        let number = numbers.get(kind.as_str()).copied().unwrap_or(0);
        if number == 0 || number > NUMBER_MAX {
            return Err(ThresholdsError::Number(kind.as_str()));
        }
        *place = number;
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Thresholds, ThresholdsError> {
        let roles = [
            "community_cadre",
            "child_officer",
            "mediator",
            "legal_helper",
            "community_police",
            "street_office",
            "county_command",
            "department",
            "petition_desk",
            "resident_desk",
        ];
        let officers = ["service_org", "protection_officer", "discipline_officer"];
        let is_role = |word: &str| roles.contains(&word) || officers.contains(&word);
        let hears = |word: &str| officers[1..].contains(&word);
        let purposes = ["emergency_evacuation", "infectious_disease_control"];
        Thresholds::read(text, is_role, hears, |word| purposes.contains(&word))
    }

    #[test]
    fn the_shipped_thresholds_are_read_and_the_limits_are_those_of_the_domain() {
        let read = read(Thresholds::built_in_text()).expect("they are right");
        let (grid, programme) = (read.limits.of("grid_worker"), read.limits.of("street_office"));
        let of = |row: &[u32; KINDS_COUNT], kind: LegalKind| row[kind as usize - 1];
        for (kind, grid_day, grid_month, day, month) in [
            (LegalKind::Other, 80, 1_200, 150, 2_000),
            (LegalKind::Health, 20, 120, 40, 200),
            (LegalKind::Lodging, 20, 120, 40, 200),
            (LegalKind::Property, 5, 12, 10, 20),
            (LegalKind::Credit, 5, 12, 10, 20),
            (LegalKind::Track, 5, 12, 10, 20),
        ] {
            assert_eq!((of(&grid.day, kind), of(&grid.month, kind)), (grid_day, grid_month));
            assert_eq!((of(&programme.day, kind), of(&programme.month, kind)), (day, month));
        }
    }

    #[test]
    fn the_limits_of_each_role_are_those_that_the_roles_say() {
        let read = read(Thresholds::built_in_text()).expect("they are right");
        let roles = include_str!("../../../policies/roles.toml");
        let roles: toml::Table = roles.parse().expect("the shipped roles");
        let said = &roles["reveals"];
        let mut compared = 0;
        for role in roles["role"].as_array().expect("roles") {
            let Some(name) = role.get("reveals").and_then(toml::Value::as_str) else { continue };
            let id = role["id"].as_str().expect("an id");
            let table = read.limits.of(id);
            for kind in LegalKind::ALL {
                let place = kind as usize - 1;
                let limits = said[name][kind.as_str()].as_array().expect("two numbers");
                let limits: Vec<i64> = limits.iter().filter_map(toml::Value::as_integer).collect();
                let own = [table.day[place], table.month[place]].map(i64::from);
                assert_eq!(limits, own, "{id} {kind:?}");
            }
            compared += 1;
        }
        assert!(compared > 20, "{compared} roles");
    }

    #[test]
    fn a_sweep_is_of_as_many_dwellings_as_are_remembered_and_of_no_more() {
        let shipped = Thresholds::built_in_text();
        let (_, sweep) = shipped.split_once("[sweep]").expect("the rule");
        let count = sweep.lines().find(|line| line.starts_with("count = ")).expect("its number");
        let with = |number: usize| {
            let changed = sweep.replacen(count, &format!("count = {number}"), 1);
            read(&shipped.replacen(sweep, &changed, 1))
        };
        let most = crate::limits::ANOMALY_SWEEP_COUNT_MAX;
        assert!(with(most).is_ok());
        assert!(matches!(with(most + 1), Err(ThresholdsError::Number("sweep.count"))));
    }

    #[test]
    fn a_word_that_is_not_known_a_key_that_is_missing_and_a_number_out_of_bounds_are_refused() {
        let shipped = Thresholds::built_in_text();
        for (from, to) in [
            ("floor_count = 60", "floor_counts = 60"),
            ("floor_count = 60", ""),
            ("floor_count = 60", "floor_count = 0"),
            ("floor_count = 60", "floor_count = 1000001"),
            ("from_hour = 22", "from_hour = 24"),
            ("to_hour = 6", "to_hour = 13"),
            ("count = 30\npurposes_apart = [", "count = 30\npurposes_apart = [\"any\", "),
            ("\"service_org\"", "\"mayor\""),
            ("\"discipline_officer\"", "\"department\""),
            ("health = 20\n", ""),
            ("health = 20\n", "health = 20\nscore = 1\n"),
            ("percent = 80", "percent = 101"),
            ("[outside]", "[rank]\ncount = 1\n[outside]"),
        ] {
            assert!(shipped.contains(from), "{from}");
            assert!(read(&shipped.replacen(from, to, 1)).is_err(), "{to} for {from}");
        }
    }
}
