//! Places in which nobody lives: empty flats, shops, cellars, garages, open ground, a building that is gone.
//! Never a second record for a dwelling that a household brings with it.
//! Each is held for the inspection of buildings, with who answers for it where that is a person.

use super::addresses::Addresses;
use super::dice::Dice;
use super::grounds::Ground;
use super::households::recently;
use super::lines::{Line, LineKind};
use super::names::Names;
use super::numbers::Numbers;
use crate::records::RecordType;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value as Json, json};

/// Residents for each place that is neither a dwelling nor a shop.
pub(super) const RESIDENTS_PER_BUILDING: u32 = 40;
/// Flats of ten thousand that stand empty, between two that are lived in.
pub(super) const EMPTY_SHARE: u32 = 600;

/// A place before it is written.
#[derive(Default)]
pub(super) struct Building {
    pub(super) address: String,
    pub(super) kind: &'static str,
    pub(super) rental_state: Option<&'static str>,
    pub(super) occupants: Option<u32>,
    pub(super) hazard: Option<(&'static str, &'static str)>,
    pub(super) deadline: Option<Date>,
    pub(super) inspected_on: Option<Date>,
    pub(super) owner: Option<(String, String)>,
}

impl Building {
    /// The line that stores it.
    pub(super) fn line(self, ground: &Ground, grid: &str) -> Line {
        let (owner_name, owner_phone) = self.owner.unzip();
        let (hazard, note) = self.hazard.map(|(code, note)| ([code], note)).unzip();
        let day = |day: Option<Date>| json!(day.map(|day| day.to_string()));
        let fields = [
            ("address", json!(self.address)),
            ("hazard", json!(hazard)),
            ("hazard_deadline", day(self.deadline)),
            ("hazard_note", json!(note)),
            ("inspected_on", day(self.inspected_on)),
            ("kind", json!(self.kind)),
            ("occupant_count", json!(self.occupants)),
            ("owner_name", json!(owner_name)),
            ("owner_phone", json!(owner_phone)),
            ("rental_state", json!(self.rental_state)),
            ("source", json!("seen_on_site")),
            ("verified_at", day(self.inspected_on)),
        ];
        line_of(ground, grid, ground.record(RecordType::Place, grid, fields))
    }
}

/// A line with one record.
pub(super) fn line_of(ground: &Ground, grid: &str, body: Json) -> Line {
    Line {
        kind: LineKind::Record,
        purpose: ground.purpose().to_owned(),
        grid: grid.to_owned(),
        body,
        expected: None,
    }
}

/// A flat in which nobody lives now.
pub(super) fn empty_flat(
    address: String,
    is_village: bool,
    today: Date,
    names: &Names,
    numbers: &mut Numbers,
    dice: &mut Dice,
) -> Building {
    Building {
        address,
        kind: if is_village { "self_built_house" } else { "dwelling" },
        rental_state: Some(dice.weighted(&[("vacant", 7), ("not_let", 2), ("unknown", 1)])),
        occupants: Some(0),
        inspected_on: Some(recently(today, 360, dice)),
        owner: owner(names, numbers, dice),
        ..Building::default()
    }
}

/// Another place of the grid.
pub(super) fn building(
    place: u32,
    addresses: &Addresses,
    today: Date,
    names: &Names,
    numbers: &mut Numbers,
    dice: &mut Dice,
) -> Building {
    let (kind, word) = match addresses.is_village() {
        true => dice.weighted(&[
            (("open_ground", "晒谷场"), 3),
            (("workshop", "作坊"), 3),
            (("public_building", "活动室"), 1),
        ]),
        false => dice.weighted(&[
            (("basement", "地下室"), 4),
            (("garage", "车库"), 4),
            (("office", "办公用房"), 2),
            (("workshop", "作坊"), 1),
            (("open_ground", "空地"), 1),
        ]),
    };
    let hazard = dice.chance(1_500).then(|| {
        dice.one_of(&[
            ("wiring", "线路老化，插座外露"),
            ("indoor_charging", "室内拉线充电"),
            ("blocked_fire_route", "通道堆放杂物"),
            ("missing_extinguisher", "灭火器缺失"),
            ("flooding", "雨天积水"),
        ])
    });
    let inspected_on = recently(today, 180, dice);
    let is_private = !matches!(kind, "open_ground" | "public_building");
    Building {
        address: format!("{}{word}{}号", addresses.spot(place), place + 1),
        kind,
        hazard,
        deadline: hazard.map(|_| inspected_on.saturating_add(30.days())),
        inspected_on: Some(inspected_on),
        owner: if is_private { owner(names, numbers, dice) } else { None },
        ..Building::default()
    }
}

/// The places of the first grid that stand for what occurs: a house that its owner built, and a building that is gone.
pub(super) fn of_the_first_grid(addresses: &Addresses, today: Date) -> Vec<Building> {
    let estate = addresses.community();
    let inspected_on = Some(today.saturating_sub(20.days()));
    vec![
        Building {
            address: format!("{estate}{}36号自建房", addresses.road()),
            kind: "self_built_house",
            rental_state: Some("let_by_room"),
            occupants: Some(5),
            hazard: Some(("structure", "加建一层，未作安全鉴定")),
            deadline: Some(today.saturating_add(10.days())),
            inspected_on,
            ..Building::default()
        },
        Building {
            address: format!("{estate}机床厂家属院老12号楼"),
            kind: "demolished",
            occupants: Some(0),
            inspected_on,
            ..Building::default()
        },
    ]
}

fn owner(names: &Names, numbers: &mut Numbers, dice: &mut Dice) -> Option<(String, String)> {
    let is_male = dice.chance(6_000);
    dice.chance(6_000).then(|| (names.anybody(is_male, dice), numbers.phone()))
}
