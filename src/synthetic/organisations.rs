//! The units of a grid: shops, firms, institutions, and the school, hospital or market of an exclusive unit.
//! Never a list of who works, learns or is treated there; only who acts for the unit and who answers for safety.
//! Sole traders prevail, and a credit code of theirs can reveal a person.

use super::addresses::Addresses;
use super::buildings::line_of;
use super::dice::Dice;
use super::grounds::Ground;
use super::households::recently;
use super::layout::{COUNTIES, UnitKind};
use super::lines::Line;
use super::names::Names;
use super::numbers::Numbers;
use super::words;
use crate::records::RecordType;
use jiff::civil::Date;
use serde_json::json;

/// Residents for each unit.
pub(super) const RESIDENTS_PER_ORGANISATION: u32 = 15;
/// How many of ten thousand units have a code that the worker saw.
const CODE_SHARE: u32 = 9_200;

/// A unit before it is written.
pub(super) struct Organisation {
    name: String,
    kind: &'static str,
    address: String,
    staff: u32,
    has_safety_lead: bool,
}

impl Organisation {
    /// The line that stores it.
    pub(super) fn line(
        self,
        ground: &Ground,
        grid: &str,
        today: Date,
        names: &Names,
        numbers: &mut Numbers,
        dice: &mut Dice,
    ) -> Line {
        let inspected_on = recently(today, 200, dice).to_string();
        let code = dice.chance(CODE_SHARE).then(|| numbers.credit_code(code_kind(self.kind)));
        let mut somebody = |is_there: bool, dice: &mut Dice| {
            let is_male = dice.chance(5_500);
            is_there.then(|| (names.anybody(is_male, dice), numbers.phone())).unzip()
        };
        let (head, head_phone) = somebody(true, dice);
        let (lead, lead_phone) = somebody(self.has_safety_lead, dice);
        let hazard = dice
            .chance(800)
            .then(|| [dice.one_of(&["gas", "wiring", "missing_extinguisher", "dangerous_goods"])]);
        let state = dice.weighted(&[("active", 92), ("suspended", 6), ("moved_away", 2)]);
        let fields = [
            ("address", json!(self.address)),
            ("credit_code", json!(code)),
            ("hazard", json!(hazard)),
            ("inspected_on", json!(inspected_on)),
            ("kind", json!(self.kind)),
            ("name", json!(self.name)),
            ("representative_name", json!(head)),
            ("representative_phone", json!(head_phone)),
            ("safety_lead_name", json!(lead)),
            ("safety_lead_phone", json!(lead_phone)),
            ("source", json!("seen_on_site")),
            ("staff_count", json!(self.staff)),
            ("state", json!(state)),
            ("verified_at", json!(inspected_on)),
        ];
        line_of(ground, grid, ground.record(RecordType::Organisation, grid, fields))
    }
}

/// A unit of chance, in the nth shop of the grid.
pub(super) fn organisation(
    place: u32,
    county: usize,
    addresses: &Addresses,
    dice: &mut Dice,
) -> Organisation {
    let mut trade = dice.one_of(words::trades());
    // The list has as many kinds as there are; the street has two traders for each other unit.
    if trade.0 != "sole_trader" && dice.chance(5_000) {
        trade = words::trades()[dice.below(8) as usize];
    }
    let (kind, ending) = trade;
    let first = ['福', '兴', '嘉', '顺', '安', '和', '鑫', '瑞', '宏', '荣', '康', '乐'];
    let second = ['来', '达', '源', '旺', '泰', '美', '隆', '佳', '丰', '祥', '宁', '友'];
    let words = format!("{}{}", dice.one_of(&first), dice.one_of(&second));
    let staff = match kind {
        "sole_trader" => dice.between(1, 4),
        "enterprise" => dice.bell(3, 80),
        _ => dice.between(5, 40),
    };
    Organisation {
        name: format!("{}{words}{ending}", COUNTIES[county].1),
        kind,
        address: addresses.shop(place),
        staff,
        has_safety_lead: kind != "sole_trader",
    }
}

/// The unit that an exclusive grid is.
pub(super) fn exclusive_unit(
    name: &str,
    kind: UnitKind,
    addresses: &Addresses,
    dice: &mut Dice,
) -> Organisation {
    let (house, staff) = match kind {
        UnitKind::Hospital => (1, dice.between(200, 900)),
        UnitKind::School => (21, dice.between(40, 140)),
        UnitKind::Market => (33, dice.between(30, 120)),
    };
    Organisation {
        name: name.to_owned(),
        kind: kind.as_str(),
        address: format!("{}{}{house}号", addresses.community(), addresses.road()),
        staff,
        has_safety_lead: true,
    }
}

/// The two characters in front of a credit code: who registers and what is registered (GB 32100-2015, table 1).
fn code_kind(kind: &str) -> &'static str {
    match kind {
        "sole_trader" => "92",
        "enterprise" | "market" | "property_firm" => "91",
        "social_organisation" => "51",
        "kindergarten" | "care_home" => "52",
        _ => "12",
    }
}
