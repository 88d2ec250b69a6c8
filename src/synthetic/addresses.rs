//! Standard addresses: flats, houses of villages, shops and dormitories, each made from its number within the grid.
//! Never two dwellings at one address, and never a street or estate that is meant to be a real one.
//! The form is that of the sample addresses: from the city, in villages from the county, down to the room.

use super::layout::{CITY, COUNTIES, GridPlan, Layout, chinese};
use super::words;

/// The building of the first grid whose flats belong to people known by sight.
pub(super) const KNOWN_BUILDING: u32 = 6;

/// How the dwellings of a grid lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Six floors, three entrances, two flats each.
    WalkUp,
    /// Eighteen floors, two entrances, four flats each.
    Tower,
    /// Houses in the groups of a village.
    Village,
}

/// The addresses of one grid.
pub(super) struct Addresses {
    /// Down to the community or village.
    community: String,
    /// The name of the community without its last word, for roads.
    road: String,
    estate: String,
    style: Style,
    number: usize,
    is_first: bool,
}

impl Addresses {
    /// The addresses of a grid.
    pub(super) fn of(layout: &Layout, grid: &GridPlan) -> Addresses {
        let (street, community) = layout.community_of(grid);
        let county = COUNTIES[street.county].1;
        let city = if community.is_urban { CITY.1 } else { "" };
        let estates = words::estates();
        // Thirteen steps apart, so that neighbouring communities do not repeat each other.
        let place = (grid.community * 13 + grid.number) % estates.len();
        let is_waterside = community.name == "水岸社区";
        let is_first = layout.is_first_community(grid) && grid.number == 1;
        let estate = match (is_first, is_waterside) {
            (true, _) => "机床厂家属院".to_owned(),
            (_, true) => format!("水岸新城{}区", ["A", "B", "C", "D"][(grid.number - 1) % 4]),
            _ => estates[place].to_owned(),
        };
        let style = match community.is_urban {
            false => Style::Village,
            true if is_waterside || place.is_multiple_of(3) && !is_first => Style::Tower,
            true => Style::WalkUp,
        };
        Addresses {
            community: format!("{city}{county}{}{}", street.name, community.name),
            road: community.name.trim_end_matches(['社', '区', '村']).to_owned(),
            estate,
            style,
            number: grid.number,
            is_first,
        }
    }

    /// The nth dwelling, counted from 0.
    pub(super) fn dwelling(&self, place: u32) -> String {
        match self.style {
            Style::Village => {
                let group = chinese(self.group(place));
                format!("{}{group}组{}号", self.community, place / 6 + 1)
            }
            Style::WalkUp => self.flat(self.building(place / 36), place % 36, 12, 2),
            Style::Tower => self.flat(place / 144 + 1, place % 144, 72, 4),
        }
    }

    /// A flat of the building that is kept for people known by sight.
    pub(super) fn known_flat(&self, entrance: u32, room: u32) -> String {
        let estate = format!("{}{}", self.community, self.estate);
        format!("{estate}{KNOWN_BUILDING}号楼{entrance}单元{room}室")
    }

    /// A room of a dormitory.
    pub(super) fn dormitory(&self, place: u32) -> String {
        let (floor, room) = (place / 20 + 1, place % 20 + 1);
        if self.is_first {
            return format!("{}技工学校3号宿舍楼{floor}{room:02}室", CITY.1);
        }
        format!("{}{}{}号职工宿舍楼{floor}{room:02}室", self.community, self.road(), self.number)
    }

    /// The nth shop: four to a house number.
    pub(super) fn shop(&self, place: u32) -> String {
        let number = u32::try_from(self.number).expect("few grids in a community");
        // A hundred houses for each grid, from the number of the sample address on.
        let house = 58 + 200 * (number - 1) + 2 * (place / 4 % 100);
        let door = place % 4 + 1 + 4 * (place / 400);
        format!("{}{}{house}号-{door}", self.community, self.road())
    }

    /// Where something happens or stands: a building or group, never a room.
    pub(super) fn spot(&self, place: u32) -> String {
        match self.style {
            Style::Village => format!("{}{}", self.community, self.home(place)),
            _ => format!("{}{}{}", self.community, self.estate, self.home(place)),
        }
    }

    /// The same in the words of people who live there.
    pub(super) fn home(&self, place: u32) -> String {
        match self.style {
            Style::Village => format!("{}组", chinese(self.group(place))),
            Style::WalkUp => format!("{}{}单元", self.block(place), place % 3 + 1),
            Style::Tower => format!("{}{}单元", self.block(place), place % 2 + 1),
        }
    }

    /// The building of [`Addresses::home`], or the group.
    pub(super) fn block(&self, place: u32) -> String {
        match self.style {
            Style::Village => self.home(place),
            Style::WalkUp => format!("{}号楼", place / 3 % 12 + 1),
            Style::Tower => format!("{}栋", place / 2 % 8 + 1),
        }
    }

    /// Down to the community.
    pub(super) fn community(&self) -> &str {
        &self.community
    }

    /// The main road.
    pub(super) fn road(&self) -> String {
        format!("{}路", self.road)
    }

    /// Whether people live in houses of their own.
    pub(super) fn is_village(&self) -> bool {
        self.style == Style::Village
    }

    /// Six groups for each grid of a village.
    fn group(&self, place: u32) -> usize {
        place as usize % 6 + 1 + 6 * (self.number - 1)
    }

    fn building(&self, place: u32) -> u32 {
        // Building 6 of the first grid is full of people known by sight.
        if self.is_first && place + 1 >= KNOWN_BUILDING { place + 2 } else { place + 1 }
    }

    fn flat(&self, building: u32, place: u32, flats_per_entrance: u32, per_floor: u32) -> String {
        let (entrance, rest) = (place / flats_per_entrance + 1, place % flats_per_entrance);
        let (floor, door) = (rest / per_floor + 1, rest % per_floor + 1);
        let word = if self.style == Style::Tower { "栋" } else { "号楼" };
        let estate = format!("{}{}", self.community, self.estate);
        format!("{estate}{building}{word}{entrance}单元{floor}{door:02}室")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::{CityPlan, Extent};
    use jiff::civil::date;
    use std::collections::BTreeSet;

    fn layout(persons: u32) -> Layout {
        let today = date(2026, 11, 21);
        Layout::of(&CityPlan { persons, seed: 1, today, extent: Extent::City })
    }

    fn of(layout: &Layout, code: &str) -> Addresses {
        let grid = layout.grids.iter().find(|grid| grid.code == code).expect("a grid");
        Addresses::of(layout, grid)
    }

    #[test]
    fn addresses_read_as_the_samples() {
        let layout = layout(5_000);
        let first = of(&layout, "8801020010010001");
        assert_eq!(
            first.known_flat(2, 401),
            "澜川市望澜区桂花桥街道工农社区机床厂家属院6号楼2单元401室"
        );
        assert_eq!(first.shop(2), "澜川市望澜区桂花桥街道工农社区工农路58号-3");
        assert_eq!(first.dormitory(4), "澜川市技工学校3号宿舍楼105室");
        assert_eq!(first.dormitory(24), "澜川市技工学校3号宿舍楼205室");
        let waterside = of(&layout, "8801020010030002");
        let last = waterside.dwelling(11 * 144 + 70);
        assert_eq!(last, "澜川市望澜区桂花桥街道水岸社区水岸新城B区12栋1单元1803室");
        let village = of(&layout, "8801211002000001");
        assert_eq!(village.dwelling(16 * 6 + 2), "芦沣县石桥镇柳湾村三组17号");
    }

    #[test]
    fn no_two_dwellings_share_an_address() {
        let layout = layout(60_000);
        let mut seen = BTreeSet::new();
        for grid in layout.grids.iter().filter(|grid| grid.unit.is_none()) {
            let addresses = Addresses::of(&layout, grid);
            for place in 0..600 {
                assert!(seen.insert(addresses.dwelling(place)), "{}", addresses.dwelling(place));
                assert!(seen.insert(addresses.shop(place)), "{}", addresses.shop(place));
            }
            for place in 0..40 {
                assert!(seen.insert(addresses.dormitory(place)), "{}", addresses.dormitory(place));
            }
        }
    }

    #[test]
    fn the_building_of_those_known_by_sight_is_left_out() {
        let layout = layout(5_000);
        let first = of(&layout, "8801020010010001");
        assert!((0..600).all(|place| !first.dwelling(place).contains("院6号楼")));
    }
}
