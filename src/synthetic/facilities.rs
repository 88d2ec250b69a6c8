//! Facilities of a grid: manholes, lamps, hydrants, lifts and their like.
//! Never a camera's picture: a position, and nothing about whoever passes it.
//! A grid of full size has thirty to sixty of them; a smaller one has its share.

use super::addresses::Addresses;
use super::buildings::line_of;
use super::dice::Dice;
use super::grounds::Ground;
use super::households::recently;
use super::lines::Line;
use crate::records::RecordType;
use jiff::civil::Date;
use serde_json::json;

/// Kinds with their words and weights; lifts and charging sheds stand in towns alone.
const KINDS: [((&str, &str), u32); 12] = [
    (("manhole", "井盖"), 22),
    (("street_lamp", "路灯"), 20),
    (("hydrant", "消火栓"), 10),
    (("extinguisher", "灭火器箱"), 14),
    (("notice_board", "公告栏"), 5),
    (("waste_station", "垃圾收集点"), 6),
    (("transformer", "变压器"), 3),
    (("camera_position", "视频点位"), 5),
    (("playground", "健身器材"), 4),
    (("gas_valve", "燃气阀井"), 4),
    (("charging_shed", "充电车棚"), 4),
    (("lift", "电梯"), 3),
];
/// How many of the kinds a village has.
const VILLAGE_KINDS: usize = 9;

/// How many facilities a grid has: thirty to sixty at full size, at least three.
pub(super) fn count(persons: u32, persons_nominal: u32, dice: &mut Dice) -> u32 {
    let full = dice.between(30, 60);
    let share = u64::from(full) * u64::from(persons) / u64::from(persons_nominal.max(1));
    u32::try_from(share).unwrap_or(full).clamp(3, 60)
}

/// The nth facility.
pub(super) fn facility(
    place: u32,
    ground: &Ground,
    grid: &str,
    addresses: &Addresses,
    today: Date,
    dice: &mut Dice,
) -> Line {
    let kinds = if addresses.is_village() { &KINDS[..VILLAGE_KINDS] } else { &KINDS[..] };
    let (kind, word) = dice.weighted(kinds);
    let inspected_on = recently(today, 120, dice).to_string();
    let state =
        dice.weighted(&[("in_order", 92), ("damaged", 4), ("under_repair", 3), ("missing", 1)]);
    let note = match state {
        "damaged" => Some("外观破损，已报修"),
        "under_repair" => Some("维修中，已设围挡"),
        "missing" => Some("缺失，已放警示牌"),
        _ => None,
    };
    let hazard = (kind == "charging_shed" && state != "in_order").then_some(["wiring"]);
    let fields = [
        ("address", json!(addresses.spot(dice.below(40)))),
        ("asset_number", json!(format!("{grid}-{:04}", place + 1))),
        ("hazard", json!(hazard)),
        ("inspected_on", json!(inspected_on)),
        ("kind", json!(kind)),
        ("note", json!(note)),
        ("source", json!("seen_on_site")),
        ("state", json!(state)),
        ("title", json!(format!("{word}{}号", place + 1))),
        ("verified_at", json!(inspected_on)),
    ];
    line_of(ground, grid, ground.record(RecordType::Object, grid, fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_of_full_size_has_thirty_to_sixty_and_a_small_one_its_share() {
        let mut dice = Dice::new(1, 1);
        for _ in 0..500 {
            assert!((30..=60).contains(&count(1_048, 1_048, &mut dice)));
            assert!((5..=12).contains(&count(210, 1_048, &mut dice)));
            assert_eq!(count(0, 0, &mut dice), 3);
        }
    }
}
