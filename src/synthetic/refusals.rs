//! Lines that a vault must refuse: records of older registers whose consent is gone, ran out, or was never asked for.
//! Never among the lines of a city unless they are asked for, and never without the answer that they must get.
//! Each differs from a lawful line in its basis alone, so that nothing but the missing basis can be the reason.

use super::dice::Dice;
use super::grounds::Ground;
use super::lines::Line;
use jiff::ToSpan as _;
use serde::Serialize;
use serde_json::{Value as Json, json};

/// Households of ten thousand that an older register holds on a notice that was never given.
const BASIS_MISSING_SHARE: u32 = 50;

/// What a vault must answer to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ExpectedRefusal {
    /// The stable code of the refusal.
    pub code: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The consent of somebody who is known for contact alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was given and holds.
    Present,
    /// It was given to an older text.
    Expired,
    /// It was given and withdrawn.
    Withdrawn,
    /// Somebody wrote the number down all the same.
    Missing,
    /// Nobody asked, and nothing is held.
    NeverAsked,
}

impl Standing {
    /// Nine of ten consent.
    pub(super) fn of_chance(dice: &mut Dice) -> Standing {
        dice.weighted(&[
            (Standing::Present, 9_000),
            (Standing::Expired, 500),
            (Standing::Withdrawn, 100),
            (Standing::Missing, 50),
            (Standing::NeverAsked, 350),
        ])
    }

    /// The line as an older register would hand it over; none where nothing is held.
    pub(super) fn spoil(self, ground: &Ground, mut line: Line) -> Option<Line> {
        let why = match self {
            Standing::Present => return Some(line),
            Standing::NeverAsked => return None,
            Standing::Expired => {
                let before = ground.notice_from().saturating_sub(30.days());
                line.body["basis"]["consent"]["given_on"] = json!(before.to_string());
                line.body["fields"]["verified_at"] = json!(before.to_string());
                "consent_expired"
            }
            Standing::Withdrawn => {
                line.body["basis"] = ground.basis();
                "consent_withdrawn"
            }
            Standing::Missing => {
                line.body["basis"] = ground.basis();
                "consent_missing"
            }
        };
        line.expected = Some(ExpectedRefusal { code: "basis_missing", why });
        Some(line)
    }
}

/// One household of two hundred again, as an older register holds it: on a notice that nobody was given.
pub(super) fn without_basis(line: &Line, dice: &mut Dice) -> Option<Line> {
    if !dice.chance(BASIS_MISSING_SHARE) {
        return None;
    }
    let mut line = line.clone();
    let notice: &mut Json = &mut line.body["basis"]["notice"];
    *notice = json!("old_register");
    line.expected = Some(ExpectedRefusal { code: "basis_missing", why: "notice_never_given" });
    Some(line)
}
