//! The twelve households of the first grid that a tester knows by sight, each standing for a case that a grid meets.
//! Never made by chance: names, flats and sequence numbers are fixed, and ages are counted back from today.
//! The first of them is the sample: its head is the person that the demo opens.

use super::addresses::Addresses;
use super::buildings::Building;
use super::contacts::Contact;
use super::families::years_before;
use super::grounds::Grounds;
use super::households::{Household, Person};
use super::lines::Line;
use super::numbers::{citizen_number, known_phone};
use crate::records::turns_14_18;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};

/// 望澜区, 芦沣县 and a county of another city in the list of regions.
pub(super) const HERE: usize = 0;
const OTHER_COUNTY: usize = 7;
const OTHER_CITY: usize = 12;

/// Where known people live, and on what they are held.
pub(super) struct Scene<'a> {
    pub(super) grounds: &'a Grounds,
    pub(super) addresses: &'a Addresses,
    pub(super) grid: &'a str,
    pub(super) today: Date,
}

impl Scene<'_> {
    /// The latest day of birth, on this day of the year, that gives this age.
    pub(super) fn born(&self, age: u32, month: i8, day: i8) -> Date {
        let latest = years_before(self.today, age);
        let passed = (month, day) <= (latest.month(), latest.day());
        date(if passed { latest.year() } else { latest.year() - 1 }, month, day)
    }

    /// A person with a number; the sequence number tells the sex.
    pub(super) fn person(
        &self,
        name: &str,
        birth: Date,
        sequence: u32,
        relation: &'static str,
    ) -> Person {
        Person {
            name: name.to_owned(),
            is_male: Some(!sequence.is_multiple_of(2)),
            birth: Some(birth),
            id_number: Some(citizen_number(HERE, birth, sequence)),
            residence_kind: Some("registered_resident"),
            relation: Some(relation),
            occupancy: Some("own_home"),
            move_in: Some(years_before(self.today, 8).max(birth)),
            ..Person::default()
        }
    }

    /// The line of a family in a flat of the known building.
    pub(super) fn family(&self, entrance: u32, room: u32, people: Vec<Person>) -> Option<Line> {
        self.household(Some(self.addresses.known_flat(entrance, room)), "family", people)
    }

    /// The line of a household, at an address or without one.
    pub(super) fn household(
        &self,
        address: Option<String>,
        kind: &'static str,
        mut people: Vec<Person>,
    ) -> Option<Line> {
        for person in &mut people {
            person.address.clone_from(&address);
            if address.is_none() {
                (person.occupancy, person.move_in) = (None, None);
            }
        }
        let household = Household {
            kind,
            dwelling: address.map(|address| (address, "dwelling")),
            verified_at: self.today.saturating_sub(45.days()),
            source: "stated_in_person",
            people,
        };
        Some(household.line(self.grounds.registration.as_ref()?, self.grid))
    }

    fn contact(
        &self,
        name: &str,
        last_four: u32,
        relation: Option<&'static str>,
        address: Option<&str>,
    ) -> Option<Line> {
        let contact = Contact {
            name: name.to_owned(),
            phone: known_phone(last_four),
            address: address.map(str::to_owned),
            relation,
            hours: &["evening"],
            given_on: self.today.saturating_sub(60.days()),
            method: "oral",
        };
        Some(contact.line(self.grounds.contact.as_ref()?, self.grid))
    }
}

/// With a telephone of their own.
pub(super) fn with_phone(last_four: u32, person: Person) -> Person {
    Person { phone: Some(known_phone(last_four)), ..person }
}

/// The father works elsewhere and is the guardian.
fn by_telephone(person: Person) -> Person {
    Person { guardian: Some(("郭建军".to_owned(), known_phone(1_010))), ..person }
}

fn told_by(relation: &'static str, person: Person) -> Person {
    Person { told_by: Some(relation), ..person }
}

/// One of the twelve: some take two lines.
type Case = fn(&Scene<'_>) -> Vec<Option<Line>>;

/// The lines of all twelve, in their order.
pub(super) fn twelve(scene: &Scene<'_>) -> Vec<Line> {
    let cases: [Case; 12] = [
        three_generations,
        alone_at_74,
        three_tenants,
        left_behind,
        registered_elsewhere,
        empty_flat,
        consent_withdrawn,
        name_and_address_only,
        protected_address,
        workers_own_and_relative,
        turns_14_tomorrow,
        twins,
    ];
    cases.iter().flat_map(|case| case(scene)).flatten().collect()
}

/// 1: a couple, a child of 9, a grandmother of 79.
fn three_generations(scene: &Scene<'_>) -> Vec<Option<Line>> {
    let people = vec![
        with_phone(1_001, scene.person("周明远", date(1981, 6, 7), 203, "02")),
        with_phone(1_002, scene.person("林晓燕", date(1983, 9, 15), 102, "12")),
        told_by("51", scene.person("周子涵", scene.born(9, 6, 1), 303, "20")),
        told_by("20", scene.person("陈桂英", scene.born(79, 1, 20), 6, "52")),
    ];
    vec![scene.family(2, 401, people)]
}

/// 2: a woman of 74 who lives alone; her daughter in another city consented to be called.
fn alone_at_74(scene: &Scene<'_>) -> Vec<Option<Line>> {
    let woman = with_phone(1_003, scene.person("赵淑珍", scene.born(74, 3, 12), 104, "02"));
    vec![scene.family(2, 101, vec![woman]), scene.contact("刘敏", 1_004, Some("30"), None)]
}

/// 3: three tenants who are not related; the owner lives elsewhere.
fn three_tenants(scene: &Scene<'_>) -> Vec<Option<Line>> {
    let tenant = |name: &str, birth, sequence, last_four, relation| Person {
        id_number: Some(citizen_number(OTHER_CITY, birth, sequence)),
        residence_kind: Some("floating"),
        occupancy: Some("rented"),
        move_in: Some(scene.today.saturating_sub(200.days())),
        ..with_phone(last_four, scene.person(name, birth, sequence, relation))
    };
    let people = vec![
        tenant("孙浩然", scene.born(26, 4, 9), 111, 1_005, "02"),
        tenant("马立新", scene.born(31, 11, 2), 113, 1_006, "99"),
        tenant("罗婷婷", scene.born(24, 8, 30), 112, 1_007, "99"),
    ];
    let owners_home = "芦沣县石桥镇柳湾村三组17号";
    vec![
        scene.household(Some(scene.addresses.known_flat(2, 302)), "collective", people),
        scene.contact("胡国安", 1_008, None, Some(owners_home)),
    ]
}

/// 4: grandparents with two children whose father works elsewhere and is reached by telephone.
fn left_behind(scene: &Scene<'_>) -> Vec<Option<Line>> {
    let people = vec![
        with_phone(1_009, scene.person("郭福生", scene.born(67, 2, 18), 115, "02")),
        scene.person("何秀兰", scene.born(65, 10, 3), 114, "12"),
        by_telephone(told_by("60", scene.person("郭嘉豪", scene.born(11, 6, 1), 301, "41"))),
        by_telephone(told_by("60", scene.person("郭嘉怡", scene.born(7, 12, 25), 116, "42"))),
    ];
    vec![scene.family(2, 201, people), scene.contact("郭建军", 1_010, Some("20"), None)]
}

/// 5: a family whose registered place is in another county.
fn registered_elsewhere(scene: &Scene<'_>) -> Vec<Option<Line>> {
    let elsewhere = |person: Person, sequence| Person {
        id_number: person.birth.map(|birth| citizen_number(OTHER_COUNTY, birth, sequence)),
        residence_kind: Some("registered_elsewhere_in_city"),
        occupancy: Some("rented"),
        move_in: Some(scene.today.saturating_sub(500.days())),
        ..person
    };
    let father = with_phone(1_011, scene.person("朱海波", scene.born(36, 7, 7), 117, "02"));
    let mother = with_phone(1_012, scene.person("徐梦洁", scene.born(34, 1, 31), 118, "12"));
    let child = told_by("51", scene.person("朱思源", scene.born(5, 5, 5), 119, "20"));
    let people = vec![elsewhere(father, 117), elsewhere(mother, 118), elsewhere(child, 119)];
    vec![scene.family(2, 502, people)]
}

/// 6: a flat that is empty since its renovation.
fn empty_flat(scene: &Scene<'_>) -> Vec<Option<Line>> {
    let flat = Building {
        address: scene.addresses.known_flat(2, 601),
        kind: "dwelling",
        rental_state: Some("vacant"),
        occupants: Some(0),
        inspected_on: Some(scene.today.saturating_sub(15.days())),
        owner: Some(("高文博".to_owned(), known_phone(1_013))),
        ..Building::default()
    };
    vec![scene.grounds.safety.as_ref().map(|ground| flat.line(ground, scene.grid))]
}

/// 7: someone who withdrew consent to the telephone: it is no longer held.
fn consent_withdrawn(scene: &Scene<'_>) -> Vec<Option<Line>> {
    vec![scene.family(2, 102, vec![scene.person("黄丽", scene.born(47, 9, 9), 120, "02")])]
}

/// 8: someone who refused to answer all but name and address.
fn name_and_address_only(scene: &Scene<'_>) -> Vec<Option<Line>> {
    let person = Person { name: "吴志强".to_owned(), ..Person::default() };
    vec![scene.family(2, 202, vec![person])]
}

/// 9: a mother and child whose address is protected. The police hold it; a grid's register does not get it at all.
fn protected_address(scene: &Scene<'_>) -> Vec<Option<Line>> {
    let people = vec![
        scene.person("杨雪", scene.born(35, 2, 2), 122, "02"),
        told_by("52", scene.person("杨一诺", scene.born(6, 4, 20), 124, "30")),
    ];
    vec![scene.household(None, "family", people)]
}

/// 10: the household of the grid's own worker, and that of a relative.
fn workers_own_and_relative(scene: &Scene<'_>) -> Vec<Option<Line>> {
    let own = vec![
        with_phone(1_014, scene.person("高静", scene.born(38, 3, 3), 126, "02")),
        with_phone(1_015, scene.person("罗凯", scene.born(40, 8, 8), 127, "11")),
        told_by("52", scene.person("罗语彤", scene.born(12, 10, 10), 128, "30")),
    ];
    let relative = vec![
        with_phone(1_016, scene.person("高志刚", scene.born(66, 5, 1), 129, "02")),
        scene.person("孙玉华", scene.born(64, 6, 6), 130, "12"),
    ];
    vec![scene.family(2, 402, own), scene.family(2, 501, relative)]
}

/// 11: someone who turns 14 tomorrow; when nobody was born on that day, the first day after it.
fn turns_14_tomorrow(scene: &Scene<'_>) -> Vec<Option<Line>> {
    let next = (1..=3).map(|days| scene.today.saturating_add(days.days()));
    let births = next.filter_map(|day| Date::new(day.year() - 14, day.month(), day.day()).ok());
    let mut later = births.filter(|birth| turns_14_18(*birth).turns_14 > scene.today);
    let birth = later.next().unwrap_or_else(|| years_before(scene.today, 13));
    let people = vec![
        with_phone(1_017, scene.person("何文斌", scene.born(41, 1, 6), 131, "02")),
        told_by("51", scene.person("何雨晴", birth, 132, "30")),
    ];
    vec![scene.family(2, 602, people)]
}

/// 12: twins who share all but the number, the name on their papers too.
fn twins(scene: &Scene<'_>) -> Vec<Option<Line>> {
    let birth = scene.born(16, 7, 19);
    let people = vec![
        with_phone(1_018, scene.person("胡晓东", scene.born(44, 12, 12), 133, "02")),
        with_phone(1_019, scene.person("郑爱萍", scene.born(43, 3, 28), 134, "12")),
        scene.person("胡欣悦", birth, 136, "30"),
        scene.person("胡欣悦", birth, 138, "30"),
    ];
    vec![scene.family(2, 301, people)]
}
