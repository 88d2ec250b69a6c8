//! The tree of the sample city: counties, streets, communities, grids, and how many people each grid gets.
//! Never a real division: every code begins with 88, which no province has (GB/T 2260).
//! The named places come first and are always there; generated ones follow until there is room for everyone.

use super::dice::Dice;
use super::words;
use super::{CityPlan, Extent};

/// The city.
pub(super) const CITY: (&str, &str) = ("8801", "澜川市");
/// Districts, then counties.
pub(super) const COUNTIES: [(&str, &str); 12] = [
    ("880102", "望澜区"),
    ("880103", "青榆区"),
    ("880104", "桐岭区"),
    ("880105", "榕湾区"),
    ("880106", "杉塘区"),
    ("880107", "云杏区"),
    ("880108", "柏渡区"),
    ("880121", "芦沣县"),
    ("880122", "禾塬县"),
    ("880123", "棠溪县"),
    ("880124", "枫浦县"),
    ("880125", "麦坪县"),
];
/// How many of the counties are districts.
const DISTRICTS: usize = 7;
/// Streets of a district, towns and townships of a county, when the city has its full size.
const STREETS_PER_DISTRICT: usize = 14;
const TOWNS_PER_COUNTY: usize = 17;
/// Of these, the first are towns and the rest townships.
const TOWNS_BEFORE_TOWNSHIPS: usize = 14;
/// Communities of a street, villages of a town.
const COMMUNITIES_PER_STREET: usize = 13;
const VILLAGES_PER_TOWN: usize = 32;
/// Named streets, all in the first district, and named towns, all in the first county.
const NAMED_STREETS: usize = 3;
const NAMED_TOWNS: usize = 3;
/// Basic grids of a generated community.
const GRIDS_PER_COMMUNITY: usize = 5;
/// Grids of villages, of ten thousand, that are below the usual size.
const HAMLET_SHARE: u32 = 700;
/// People in a hundred households.
const PEOPLE_PER_HUNDRED_HOUSEHOLDS: u32 = 262;
/// Throws for the tree; the grids' own streams begin above it.
const LAYOUT_STREAM: u64 = 0;

/// The named streets and towns: county, number, name, then their communities with number, name and basic grids.
type Named = (usize, usize, &'static str, &'static [(usize, &'static str, usize)]);
const NAMED: [Named; 6] = [
    (0, 1, "桂花桥街道", &[(1, "工农社区", 5), (2, "铁东社区", 4), (3, "水岸社区", 4)]),
    (0, 2, "码头街道", &[(1, "江堤社区", 3), (2, "船厂社区", 3)]),
    (0, 3, "机床厂街道", &[(1, "铸造社区", 3), (2, "东风社区", 3)]),
    (7, 100, "石桥镇", &[(200, "柳湾村", 1), (201, "陈家塆村", 1)]),
    (7, 101, "柳堰镇", &[(200, "柳堰村", 2), (201, "河滩村", 1)]),
    (7, 200, "东坪乡", &[(200, "东坪村", 1), (201, "岭脚村", 1)]),
];
/// The exclusive units of the first community: number, name, and the number of the grid that hosts them.
const FIRST_UNITS: [(&str, UnitKind, usize); 3] = [
    ("澜川市第三医院", UnitKind::Hospital, 3),
    ("工农路小学", UnitKind::School, 2),
    ("东风农贸市场", UnitKind::Market, 1),
];

/// What an exclusive unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnitKind {
    Hospital,
    School,
    Market,
}

impl UnitKind {
    /// The word of the list `organisation_kind`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            UnitKind::Hospital => "hospital",
            UnitKind::School => "school",
            UnitKind::Market => "market",
        }
    }
}

/// A street, town or township.
pub(super) struct Street {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) county: usize,
}

/// A community or village.
pub(super) struct Community {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) street: usize,
    pub(super) is_urban: bool,
}

/// A grid.
pub(super) struct GridPlan {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) community: usize,
    /// From 1 within the community and kind.
    pub(super) number: usize,
    /// The unit and its host, for an exclusive grid.
    pub(super) unit: Option<(UnitKind, String)>,
    /// People of this grid.
    pub(super) persons: u32,
    /// People of a grid of that kind in a city of full size.
    pub(super) persons_nominal: u32,
}

/// The tree.
pub(super) struct Layout {
    pub(super) streets: Vec<Street>,
    pub(super) communities: Vec<Community>,
    pub(super) grids: Vec<GridPlan>,
    dice: Dice,
}

impl Layout {
    /// The tree of a plan.
    pub(super) fn of(plan: &CityPlan) -> Layout {
        let mut layout = Layout {
            streets: Vec::new(),
            communities: Vec::new(),
            grids: Vec::new(),
            dice: Dice::new(plan.seed, LAYOUT_STREAM),
        };
        layout.add_named(plan.extent);
        layout.grow(plan.persons, plan.extent);
        layout.spread(plan.persons);
        layout
    }

    /// The named places that lie within the extent.
    fn add_named(&mut self, extent: Extent) {
        let (streets, communities) = match extent {
            Extent::Grid | Extent::Community => (1, 1),
            Extent::Street => (1, usize::MAX),
            Extent::County => (NAMED_STREETS, usize::MAX),
            Extent::City => (NAMED.len(), usize::MAX),
        };
        for (county, number, name, named) in NAMED.into_iter().take(streets) {
            let street = self.add_street(county, number, name.to_owned());
            for (number, name, grids) in named.iter().take(communities) {
                let grids = if extent == Extent::Grid { 1 } else { *grids };
                self.add_community(street, *number, (*name).to_owned(), grids);
                if self.communities.len() == 1 && extent != Extent::Grid {
                    for (place, (name, kind, host)) in FIRST_UNITS.into_iter().enumerate() {
                        self.add_unit(0, place + 1, name.to_owned(), kind, host);
                    }
                }
            }
        }
    }

    /// The name of the street with the community's behind it.
    pub(super) fn community_of(&self, grid: &GridPlan) -> (&Street, &Community) {
        let community = &self.communities[grid.community];
        (&self.streets[community.street], community)
    }

    /// Whether it is a grid of the first community.
    pub(super) fn is_first_community(&self, grid: &GridPlan) -> bool {
        grid.community == 0
    }

    fn nominal(&self) -> u64 {
        self.grids.iter().map(|grid| u64::from(grid.persons_nominal)).sum()
    }

    /// Adds one community and two villages at a time, one more each eighth time, so that 64 of a hundred live in towns
    /// whatever the size (census of 2020).
    fn grow(&mut self, persons: u32, extent: Extent) {
        let mut room = self.nominal();
        let mut villages = 0;
        for (round, (street, number)) in generated_communities(extent).enumerate() {
            if room >= u64::from(persons) {
                return;
            }
            let before = self.grids.len();
            self.add_generated_community(street, number);
            let added = match extent {
                Extent::City => 2 + usize::from(round % 8 == 7),
                _ => 0,
            };
            for _ in 0..added {
                self.add_generated_village(villages);
                villages += 1;
            }
            let added = self.grids[before..].iter();
            room += added.map(|grid| u64::from(grid.persons_nominal)).sum::<u64>();
        }
    }

    /// Adds the community of that number to a street, numbered through the districts.
    fn add_generated_community(&mut self, place: usize, number: usize) {
        let (county, within) = (place / STREETS_PER_DISTRICT, place % STREETS_PER_DISTRICT);
        let code = street_code(county, within + 1);
        let street = self.streets.iter().position(|street| street.code == code);
        let street = street.unwrap_or_else(|| {
            self.add_street(county, within + 1, format!("{}街道", street_word(place)))
        });
        let names = words::communities();
        let name = names[(place * COMMUNITIES_PER_STREET + number - 1) % names.len()];
        self.add_community(street, number, format!("{name}社区"), GRIDS_PER_COMMUNITY);
    }

    fn add_generated_village(&mut self, count: usize) {
        let place = NAMED_TOWNS + count / VILLAGES_PER_TOWN;
        let county = DISTRICTS + place / TOWNS_PER_COUNTY;
        if county >= COUNTIES.len() {
            return;
        }
        let within = count % VILLAGES_PER_TOWN;
        if within == 0 {
            self.add_generated_town(county, place);
        }
        let street = self.last_street_of(county);
        let surname = words::surnames()[within % 20].0;
        let ending = ["湾", "畈", "坪"][(place + within / 20) % 3];
        let grids = self.dice.between(1, 2) as usize;
        self.add_community(street, 200 + within, format!("{surname}家{ending}村"), grids);
    }

    fn add_generated_town(&mut self, county: usize, place: usize) {
        let within = place % TOWNS_PER_COUNTY;
        let word = town_word(place);
        // In the first county two towns and a township have names of their own already.
        let first = if county == DISTRICTS { 1 } else { 0 };
        if within < TOWNS_BEFORE_TOWNSHIPS {
            self.add_street(county, 100 + within - first, format!("{word}镇"));
        } else {
            let number = 200 + within - TOWNS_BEFORE_TOWNSHIPS + first;
            self.add_street(county, number, format!("{word}乡"));
        }
    }

    fn last_street_of(&self, county: usize) -> usize {
        let last = self.streets.iter().rposition(|street| street.county == county);
        last.expect("a street is added before its first community")
    }

    fn add_street(&mut self, county: usize, number: usize, name: String) -> usize {
        let code = street_code(county, number);
        self.streets.push(Street { code, name, county });
        self.streets.len() - 1
    }

    fn add_community(&mut self, street: usize, number: usize, name: String, grids: usize) {
        let code = format!("{}{number:03}", self.streets[street].code);
        let community = self.communities.len();
        let is_urban = number < 200;
        for number in 1..=grids {
            let households = match is_urban {
                true => self.dice.bell(300, 500),
                // A village below the usual size is a grid all the same.
                false if self.dice.chance(HAMLET_SHARE) => self.dice.bell(100, 200),
                false => self.dice.bell(300, 450),
            };
            self.grids.push(GridPlan {
                code: format!("{code}0{number:03}"),
                name: format!("{name}第{}网格", chinese(number)),
                community,
                number,
                unit: None,
                persons: 0,
                persons_nominal: households * PEOPLE_PER_HUNDRED_HOUSEHOLDS / 100,
            });
        }
        let place_name = name.trim_end_matches("社区").to_owned();
        self.communities.push(Community { code, name, street, is_urban });
        if community > 0 && is_urban {
            self.add_units(community, &place_name);
        }
    }

    /// Six communities of seven have a unit, and every third a second one of another kind.
    fn add_units(&mut self, community: usize, place_name: &str) {
        let in_towns = self.communities.iter().filter(|community| community.is_urban).count();
        let first = (in_towns % 7 != 6).then_some(in_towns % 3);
        let second = (in_towns % 3 == 1).then_some((in_towns + 1) % 3);
        for (place, kind) in [first, second].into_iter().flatten().enumerate() {
            let (name, kind) = match kind {
                0 => (format!("{place_name}医院"), UnitKind::Hospital),
                1 => (format!("{place_name}小学"), UnitKind::School),
                _ => (format!("{place_name}农贸市场"), UnitKind::Market),
            };
            self.add_unit(community, place + 1, name, kind, place + 1);
        }
    }

    fn add_unit(
        &mut self,
        community: usize,
        number: usize,
        name: String,
        kind: UnitKind,
        host: usize,
    ) {
        let code = &self.communities[community].code;
        self.grids.push(GridPlan {
            code: format!("{code}1{number:03}"),
            name,
            community,
            number,
            unit: Some((kind, format!("{code}0{host:03}"))),
            persons: 0,
            persons_nominal: 0,
        });
    }

    /// Shares the people out by the size of the grids, without losing one by rounding.
    fn spread(&mut self, persons: u32) {
        let total = self.nominal().max(1);
        let (mut passed, mut given) = (0_u64, 0_u64);
        for grid in &mut self.grids {
            passed += u64::from(grid.persons_nominal);
            let until = (u64::from(persons) * passed).div_ceil(total);
            grid.persons = u32::try_from(until - given).expect("no more than all people");
            given = until;
        }
    }
}

/// The communities that are generated when there must be more room: street, numbered through the districts, and number.
/// First those of generated streets; the named streets fill up last.
fn generated_communities(extent: Extent) -> impl Iterator<Item = (usize, usize)> {
    let streets = match extent {
        Extent::Grid | Extent::Community | Extent::Street => NAMED_STREETS..NAMED_STREETS,
        Extent::County => NAMED_STREETS..STREETS_PER_DISTRICT,
        Extent::City => NAMED_STREETS..STREETS_PER_DISTRICT * DISTRICTS,
    };
    let named = match extent {
        Extent::Grid | Extent::Community => 0..0,
        Extent::Street => 0..1,
        Extent::County | Extent::City => 0..NAMED_STREETS,
    };
    let of_a_street = |street: usize, first: usize| {
        (first..=COMMUNITIES_PER_STREET).map(move |number| (street, number))
    };
    let generated = streets.flat_map(move |street| of_a_street(street, 1));
    generated.chain(named.flat_map(move |street| of_a_street(street, NAMED[street].3.len() + 1)))
}

fn street_code(county: usize, number: usize) -> String {
    format!("{}{number:03}", COUNTIES[county].0)
}

/// Names of generated streets: a hundred of them, none among the named ones.
fn street_word(place: usize) -> String {
    let first = ['清', '南', '北', '金', '银', '青', '长', '新', '永', '安'];
    let second = ['河', '湖', '塘', '山', '江', '林', '泉', '城', '园', '渠'];
    format!("{}{}", first[place % 10], second[place / 10 % 10])
}

/// Names of generated towns and townships: a hundred of them, none among the named ones.
fn town_word(place: usize) -> String {
    let first = ['石', '柳', '杨', '竹', '松', '枫', '梅', '荷', '沙', '白'];
    let second = ['滩', '坝', '渡', '店', '港', '岗', '坡', '寨', '冲', '垭'];
    format!("{}{}", first[place % 10], second[place / 10 % 10])
}

/// A small number in Chinese numerals.
pub(super) fn chinese(number: usize) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let tens = match number / 10 % 10 {
        0 => String::new(),
        1 => "十".to_owned(),
        tens => format!("{}十", DIGITS[tens]),
    };
    format!("{tens}{}", DIGITS[number % 10])
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use std::collections::BTreeSet;

    fn plan(persons: u32, extent: Extent) -> CityPlan {
        CityPlan { persons, seed: 1, today: date(2026, 11, 21), extent }
    }

    #[test]
    fn numbers_read_as_they_are_spoken() {
        assert_eq!(
            [1, 5, 10, 12, 20, 34].map(chinese),
            ["一", "五", "十", "十二", "二十", "三十四"]
        );
    }

    #[test]
    fn the_first_community_has_five_grids_and_three_units() {
        let layout = Layout::of(&plan(1_000, Extent::Community));
        assert_eq!((layout.streets.len(), layout.communities.len()), (1, 1));
        let codes: Vec<&str> = layout.grids.iter().map(|grid| grid.code.as_str()).collect();
        assert_eq!(codes[0], "8801020010010001");
        assert_eq!(codes[4], "8801020010010005");
        assert_eq!(codes[5..], ["8801020010011001", "8801020010011002", "8801020010011003"]);
        assert_eq!(layout.grids[0].name, "工农社区第一网格");
    }

    #[test]
    fn every_person_of_the_plan_has_a_grid() {
        for persons in [0, 1, 1_000, 5_000, 400_000, 10_000_000] {
            let layout = Layout::of(&plan(persons, Extent::City));
            let total: u64 = layout.grids.iter().map(|grid| u64::from(grid.persons)).sum();
            assert_eq!(total, u64::from(persons));
        }
    }

    #[test]
    fn a_city_of_ten_million_has_the_size_of_one() {
        let layout = Layout::of(&plan(10_000_000, Extent::City));
        let basic = layout.grids.iter().filter(|grid| grid.unit.is_none());
        let (count, urban): (Vec<&GridPlan>, u64) = (
            basic.clone().collect(),
            basic
                .filter(|grid| layout.communities[grid.community].is_urban)
                .map(|grid| u64::from(grid.persons))
                .sum(),
        );
        assert!((9_800..=10_200).contains(&count.len()), "{}", count.len());
        let units: Vec<_> = layout.grids.iter().filter_map(|grid| grid.unit.as_ref()).collect();
        assert!((1_400..=1_550).contains(&units.len()), "{}", units.len());
        for kind in [UnitKind::Hospital, UnitKind::School, UnitKind::Market] {
            assert!(units.iter().filter(|unit| unit.0 == kind).count() > 300);
        }
        assert!((6_290_000..=6_490_000).contains(&urban), "{urban}");
        assert!((175..=185).contains(&layout.streets.len()), "{}", layout.streets.len());
        let urban = layout.communities.iter().filter(|community| community.is_urban).count();
        let villages = layout.communities.len() - urban;
        assert!((1_200..=1_300).contains(&urban), "{urban}");
        assert!((2_500..=2_700).contains(&villages), "{villages}");
        for street in &layout.streets {
            assert!(layout.communities.iter().any(|one| one.code.starts_with(&street.code)));
        }
    }

    #[test]
    fn each_extent_holds_what_its_name_says() {
        let of = |persons, extent| Layout::of(&plan(persons, extent));
        let one = of(1_000, Extent::Grid);
        assert_eq!((one.streets.len(), one.communities.len(), one.grids.len()), (1, 1, 1));
        assert_eq!((one.grids[0].persons, one.grids[0].code.as_str()), (1_000, "8801020010010001"));
        let street = of(60_000, Extent::Street);
        assert_eq!(street.streets.len(), 1);
        let basic = |layout: &Layout| layout.grids.iter().filter(|one| one.unit.is_none()).count();
        assert!((50..=66).contains(&basic(&street)), "{}", basic(&street));
        let county = of(800_000, Extent::County);
        assert!(county.streets.iter().all(|street| street.county == 0));
        assert_eq!(county.streets.len(), STREETS_PER_DISTRICT);
        assert!((730..=800).contains(&basic(&county)), "{}", basic(&county));
    }

    #[test]
    fn no_code_and_no_name_within_an_area_is_used_twice() {
        let layout = Layout::of(&plan(10_000_000, Extent::City));
        let all = layout.streets.iter().map(|street| &street.code);
        let all = all.chain(layout.communities.iter().map(|community| &community.code));
        let all: Vec<&String> = all.chain(layout.grids.iter().map(|grid| &grid.code)).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        let streets = layout.streets.iter().map(|street| &street.name);
        assert_eq!(streets.collect::<BTreeSet<_>>().len(), layout.streets.len());
        let named = layout.communities.iter().map(|one| (one.street, &one.name));
        assert_eq!(named.collect::<BTreeSet<_>>().len(), layout.communities.len());
    }

    #[test]
    fn no_code_is_one_of_a_real_province() {
        // GB/T 2260: the provinces and their like.
        let provinces = [
            11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50,
            51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82,
        ];
        let layout = Layout::of(&plan(10_000_000, Extent::City));
        let codes = layout.streets.iter().map(|street| street.code.as_str());
        let codes = codes.chain(layout.grids.iter().map(|grid| grid.code.as_str()));
        for code in codes.chain(COUNTIES.map(|(code, _)| code)).chain([CITY.0]) {
            assert!(code.starts_with("88"), "{code}");
            assert!(!provinces.iter().any(|province| code.starts_with(&province.to_string())));
        }
    }
}
