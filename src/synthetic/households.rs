//! Households as the vault takes them: people with their link to a dwelling, in one body.
//! Never a field of the server's own: members, head and place come from the references of the body.
//! What one household's people have in common (surname, address, day of moving in) is thrown once.

use super::addresses::Addresses;
use super::dice::Dice;
use super::families::{self, Member, Surname};
use super::grounds::Ground;
use super::layout::COUNTIES;
use super::lines::{Line, LineKind};
use super::names::{Names, Style};
use super::numbers::{Numbers, REGIONS};
use crate::records::RecordType;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value as Json, json};

/// A household before it is written.
pub(super) struct Household {
    pub(super) kind: &'static str,
    /// Address and kind of the dwelling; without one, nobody has a link to it.
    pub(super) dwelling: Option<(String, &'static str)>,
    pub(super) verified_at: Date,
    pub(super) source: &'static str,
    pub(super) people: Vec<Person>,
}

/// A person before it is written. What is `None` was not asked, not told or does not exist.
#[derive(Default)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) is_male: Option<bool>,
    pub(super) birth: Option<Date>,
    pub(super) id_number: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) address: Option<String>,
    pub(super) residence_kind: Option<&'static str>,
    pub(super) relation: Option<&'static str>,
    pub(super) told_by: Option<&'static str>,
    pub(super) occupancy: Option<&'static str>,
    pub(super) move_in: Option<Date>,
    /// Name and telephone of a guardian who lives elsewhere.
    pub(super) guardian: Option<(String, String)>,
}

impl Household {
    /// The line that stores it.
    pub(super) fn line(self, ground: &Ground, grid: &str) -> Line {
        let Household { kind, dwelling, verified_at, source, people } = self;
        let verified_at = verified_at.to_string();
        let size = people.len();
        let address = dwelling.as_ref().map(|(address, _)| address.clone());
        let guardians = guardians(&people, ground.today());
        let people: Vec<Json> = people
            .into_iter()
            .enumerate()
            .map(|(place, person)| {
                let child = person.is_child(ground.today()) && person.guardian.is_none();
                let mut body = person.body(ground, place + 1, &verified_at, source);
                if child {
                    body["guardians"] = json!(guardians);
                }
                body
            })
            .collect();
        let fields = [
            ("current_address", json!(address)),
            ("kind", json!(kind)),
            ("size", json!(size)),
            ("source", json!(source)),
            ("verified_at", json!(verified_at)),
        ];
        let mut body = json!({
            "basis": ground.basis(),
            "fields": ground.fit(RecordType::Household, fields),
            "grid": grid,
            "people": people,
        });
        if let Some((address, kind)) = dwelling {
            let fields = [
                ("address", json!(address)),
                ("kind", json!(kind)),
                ("source", json!("seen_on_site")),
                ("verified_at", json!(verified_at)),
            ];
            body["dwelling"] = json!({"fields": ground.fit(RecordType::Place, fields)});
        }
        Line {
            kind: LineKind::Household,
            purpose: ground.purpose().to_owned(),
            grid: grid.to_owned(),
            body,
            expected: None,
        }
    }
}

/// The references of the grown-ups of a household, two at most: parents come first in it.
fn guardians(people: &[Person], today: Date) -> Vec<String> {
    let grown_up = |person: &Person| {
        person.birth.is_none_or(|birth| birth.saturating_add(18.years()) <= today)
    };
    let numbered = people.iter().enumerate().filter(|(_, person)| grown_up(person));
    numbered.map(|(place, _)| format!("p{}", place + 1)).take(2).collect()
}

impl Person {
    /// Whether the law asks for a guardian (under 14).
    fn is_child(&self, today: Date) -> bool {
        self.birth.is_some_and(|birth| today < birth.saturating_add(14.years()))
    }

    fn body(self, ground: &Ground, number: usize, verified_at: &str, source: &str) -> Json {
        let source = if self.told_by.is_some() { "told_by_other" } else { source };
        let move_in = json!(self.move_in.map(|day| day.to_string()));
        let fields = [
            ("birth_date", json!(self.birth.map(|day| day.to_string()))),
            ("current_address", json!(self.address)),
            ("household_relation", json!(self.relation)),
            ("id_number", json!(self.id_number)),
            ("move_in_date", move_in.clone()),
            ("name", json!(self.name)),
            ("phone", json!(self.phone)),
            ("residence_kind", json!(self.residence_kind)),
            ("sex", json!(self.is_male.map(|is_male| if is_male { "1" } else { "2" }))),
            ("source", json!(source)),
            ("told_by", json!(self.told_by)),
            ("verified_at", json!(verified_at)),
            ("guardian_name", json!(self.guardian.as_ref().map(|(name, _)| name))),
            ("guardian_phone", json!(self.guardian.as_ref().map(|(_, phone)| phone))),
        ];
        let mut body = json!({
            "fields": ground.fit(RecordType::Person, fields),
            "ref": format!("p{number}"),
        });
        if let Some(occupancy) = self.occupancy {
            let link = [
                ("move_in_date", move_in),
                ("occupancy_kind", json!(occupancy)),
                ("source", json!(source)),
                ("verified_at", json!(verified_at)),
            ];
            body["residence"] = json!(ground.fit(RecordType::Residence, link));
        }
        body
    }
}

/// What all households of a grid have in common.
pub(super) struct Surroundings<'a> {
    pub(super) today: Date,
    pub(super) county: usize,
    /// How many of ten thousand households are registered elsewhere.
    pub(super) moved_share: u32,
    pub(super) is_village: bool,
    pub(super) names: &'a Names,
}

/// What the people of one household share.
struct Shared {
    style: Style,
    surnames: [&'static str; 2],
    residence_kind: &'static str,
    occupancy: &'static str,
    /// Where their numbers are from.
    region: usize,
    move_in: Date,
    address: String,
    /// The telephone of an old couple that has one for both.
    shared_phone: Option<String>,
}

/// A household of chance at an address.
pub(super) fn household(
    surroundings: &Surroundings<'_>,
    address: String,
    is_dormitory: bool,
    numbers: &mut Numbers,
    dice: &mut Dice,
) -> Household {
    let members = match is_dormitory {
        true => families::dormitory(dice),
        false => families::family(surroundings.is_village, dice),
    };
    let mut shared = shared(surroundings, address.clone(), is_dormitory, dice);
    let old_couple = members.len() == 2 && members.iter().all(|member| member.age >= 70);
    if old_couple && dice.chance(2_500) {
        shared.shared_phone = Some(numbers.phone());
    }
    let people =
        members.iter().map(|member| person(surroundings, &shared, member, numbers, dice)).collect();
    let kind = match (is_dormitory, surroundings.is_village) {
        (true, _) => "dormitory_building",
        (_, true) => "self_built_house",
        _ => "dwelling",
    };
    Household {
        kind: if is_dormitory { "collective" } else { "family" },
        dwelling: Some((address, kind)),
        verified_at: recently(surroundings.today, 540, dice),
        source: dice.one_of(&["stated_in_person", "seen_on_document", "service_counter"]),
        people,
    }
}

/// A day within so many days before today.
pub(super) fn recently(today: Date, days: u32, dice: &mut Dice) -> Date {
    today.saturating_sub(i64::from(dice.below(days)).days())
}

fn shared(
    surroundings: &Surroundings<'_>,
    address: String,
    is_dormitory: bool,
    dice: &mut Dice,
) -> Shared {
    let style = surroundings.names.style(dice);
    let family = |dice: &mut Dice| surroundings.names.family(style, dice);
    let surnames = [family(dice), family(dice)];
    let has_moved = is_dormitory || dice.chance(surroundings.moved_share);
    // Three of four who moved come from another city (census of 2020: 26.6 of 34.9).
    let residence_kind = match has_moved {
        _ if style == Style::Latin => "from_abroad",
        false => "registered_resident",
        true if dice.chance(7_600) => "floating",
        true => "registered_elsewhere_in_city",
    };
    let occupancy = match has_moved {
        _ if is_dormitory => "dormitory",
        true => dice.weighted(&[("rented", 68), ("own_home", 22), ("lent", 10)]),
        false => dice.weighted(&[("rented", 4), ("own_home", 94), ("lent", 2)]),
    };
    let days = if has_moved { 2_500 } else { 9_000 };
    Shared {
        style,
        surnames,
        residence_kind,
        occupancy,
        region: region(residence_kind, surroundings.county, dice),
        move_in: recently(surroundings.today, days, dice),
        address,
        shared_phone: None,
    }
}

/// The region of the numbers of a household that lives in this county.
fn region(residence_kind: &str, county: usize, dice: &mut Dice) -> usize {
    let place = |from: usize, to: usize, dice: &mut Dice| {
        from + dice.below(u32::try_from(to - from).expect("few regions")) as usize
    };
    match residence_kind {
        "floating" => place(COUNTIES.len(), REGIONS, dice),
        // Any of the others: from the next one on, once around.
        "registered_elsewhere_in_city" => {
            (county + place(1, COUNTIES.len(), dice)) % COUNTIES.len()
        }
        _ => county,
    }
}

fn person(
    surroundings: &Surroundings<'_>,
    shared: &Shared,
    member: &Member,
    numbers: &mut Numbers,
    dice: &mut Dice,
) -> Person {
    let birth = families::birth_date(member.age, surroundings.today, dice);
    let family = match member.surname {
        Surname::Head => shared.surnames[0],
        Surname::Spouse => shared.surnames[1],
        Surname::Own if matches!(member.relation, "11" | "12") => shared.surnames[1],
        Surname::Own => surroundings.names.family(shared.style, dice),
    };
    let is_old = member.age >= 50;
    let name = surroundings.names.full(shared.style, family, member.is_male, is_old, dice);
    let is_foreign = shared.style == Style::Latin;
    // One in a hundred has no number to show, and nobody from abroad has one.
    let has_number = !is_foreign && !dice.chance(100);
    let id_number = has_number.then(|| numbers.citizen(shared.region, birth, member.is_male));
    let is_told_of = member.age < 14 || member.relation != "02" && dice.chance(1_500);
    let told_by = is_told_of.then(|| teller(member));
    Person {
        name,
        is_male: Some(member.is_male),
        birth: Some(birth),
        id_number: id_number.flatten(),
        phone: shared.shared_phone.clone().or_else(|| phone(member.age, numbers, dice)),
        address: Some(shared.address.clone()),
        residence_kind: Some(shared.residence_kind),
        relation: Some(member.relation),
        told_by,
        occupancy: Some(shared.occupancy),
        move_in: Some(shared.move_in.max(birth)),
        guardian: None,
    }
}

/// The relation of who told to the one who is told of.
fn teller(member: &Member) -> &'static str {
    match member.relation {
        "20" | "30" => "50",
        "41" | "42" => "60",
        "51" => "20",
        "52" => "30",
        "11" => "12",
        "12" => "11",
        _ => "99",
    }
}

fn phone(age: u32, numbers: &mut Numbers, dice: &mut Dice) -> Option<String> {
    let share = match age {
        0..12 => 0,
        12..18 => 5_000,
        18..75 => 9_600,
        _ => 7_000,
    };
    dice.chance(share).then(|| numbers.phone())
}

/// How many of ten thousand households of a grid are registered elsewhere: a quarter to under a half in towns, few in
/// villages.
pub(super) fn moved_share(addresses: &Addresses, dice: &mut Dice) -> u32 {
    if addresses.is_village() { dice.between(300, 800) } else { dice.between(2_500, 4_500) }
}
