//! People whom a grid knows for contact alone: who keeps a stall, owns a flat or looks after parents here, and lives elsewhere.
//! Never more than they consented to: a name, a telephone, the hours at which they want to be called.
//! Each is a record of its own, on its own consent, and no household's member.

use super::dice::Dice;
use super::grounds::Ground;
use super::households::recently;
use super::lines::{Line, LineKind};
use super::names::Names;
use super::numbers::Numbers;
use crate::records::RecordType;
use jiff::civil::Date;
use serde_json::json;

/// Residents for each person known for contact alone.
pub(super) const RESIDENTS_PER_CONTACT: u32 = 60;

/// Somebody who consented to be called.
pub(super) struct Contact {
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) address: Option<String>,
    /// Relation to the head of the household that they are called about.
    pub(super) relation: Option<&'static str>,
    pub(super) hours: &'static [&'static str],
    pub(super) given_on: Date,
    pub(super) method: &'static str,
}

impl Contact {
    /// The line that stores it.
    pub(super) fn line(self, ground: &Ground, grid: &str) -> Line {
        let given_on = self.given_on.to_string();
        let fields = [
            ("contact_hours", json!(self.hours)),
            ("current_address", json!(self.address)),
            ("household_relation", json!(self.relation)),
            ("name", json!(self.name)),
            ("phone", json!(self.phone)),
            ("source", json!("stated_in_person")),
            ("verified_at", json!(given_on)),
        ];
        let mut body = ground.record(RecordType::Person, grid, fields);
        body["basis"] = ground.basis_with_consent(self.method, self.given_on);
        Line {
            kind: LineKind::Record,
            purpose: ground.purpose().to_owned(),
            grid: grid.to_owned(),
            body,
            expected: None,
        }
    }
}

/// Somebody of chance.
pub(super) fn contact(
    today: Date,
    names: &Names,
    numbers: &mut Numbers,
    dice: &mut Dice,
) -> Contact {
    let hours: [&'static [&'static str]; 5] = [
        &["morning"],
        &["afternoon", "weekend"],
        &["evening"],
        &["any_time"],
        &["evening", "no_visit"],
    ];
    let is_male = dice.chance(5_000);
    Contact {
        name: names.anybody(is_male, dice),
        phone: numbers.phone(),
        address: None,
        relation: dice.one_of(&[None, None, Some("20"), Some("30"), Some("97"), Some("99")]),
        hours: dice.one_of(&hours),
        given_on: recently(today, 300, dice),
        method: dice.one_of(&["written", "oral", "electronic"]),
    }
}
