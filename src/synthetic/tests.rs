//! The sample city as a whole, line by line, against the rooms that would take it.

use super::*;
use crate::limits::{BODY_BYTES_MAX, HOUSEHOLD_PEOPLE_COUNT_MAX};
use crate::purposes::{BasisClaim, PurposeSet, check_basis};
use crate::records::{
    Class, PlainFields, RecordId, RecordType, SchemaSet, SubjectId, detector, is_slug, numbers,
    turns_14_18,
};
use jiff::civil::date;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const TODAY: Date = date(2026, 11, 21);

static SCHEMAS: LazyLock<SchemaSet> =
    LazyLock::new(|| SchemaSet::built_in().expect("the shipped schemas load"));
static PURPOSES: LazyLock<PurposeSet> =
    LazyLock::new(|| PurposeSet::built_in(&SCHEMAS).expect("the shipped purposes load"));

static COMMUNITY: LazyLock<Vec<Line>> = LazyLock::new(|| made(&plan(1_000, Extent::Community)));
static CITY: LazyLock<Vec<Line>> = LazyLock::new(|| made(&plan(5_000, Extent::City)));

fn plan(persons: u32, extent: Extent) -> CityPlan {
    CityPlan { persons, seed: 7, today: TODAY, extent }
}

fn made(plan: &CityPlan) -> Vec<Line> {
    lines(plan, &SCHEMAS, &PURPOSES).collect()
}

fn object(json: &Json) -> Map<String, Json> {
    json.as_object().cloned().unwrap_or_default()
}

/// Takes the fields of one item as the vault does: each listed, each right, and the basis enough for them.
fn accept(line: &Line, record_type: RecordType, fields: Map<String, Json>, basis: &Json) {
    let purpose = PURPOSES.get(&line.purpose).expect("a shipped purpose");
    assert!(!purpose.needs_case, "no case is open when a city is filled");
    for name in fields.keys() {
        assert!(purpose.lists(record_type, name), "{name} of {record_type} in {}", line.body);
    }
    let schema = SCHEMAS.get(record_type).expect("a shipped type");
    let birth = fields.get("birth_date").and_then(Json::as_str);
    let birth = birth.and_then(|day| day.parse::<Date>().ok()).or_else(|| {
        fields.get("id_number").and_then(Json::as_str).and_then(numbers::id_birth_date)
    });
    let is_child = birth.is_some_and(|birth| TODAY < turns_14_18(birth).turns_14);
    let parsed: PlainFields = schema
        .parse_fields(fields, TODAY)
        .unwrap_or_else(|problems| panic!("{problems:?} in {}", line.body));
    // A child's general fields count as sensitive here: the stricter of the two readings must hold too.
    let sensitive = parsed.iter().any(|(name, _)| {
        let class = schema.field(name).map(|field| field.class);
        class == Some(Class::C3) || is_child && class == Some(Class::C2)
    });
    let claim: BasisClaim = serde_json::from_value(basis.clone()).expect("a basis");
    let checked = check_basis(purpose, &claim, is_child, sensitive, TODAY);
    assert!(checked.is_ok(), "{checked:?} in {}", line.body);
}

fn accept_line(line: &Line) {
    let body = &line.body;
    let allowed: &[&str] = match line.kind {
        LineKind::Record => &["basis", "fields", "grid", "type"],
        LineKind::Household => &["basis", "dwelling", "fields", "grid", "people"],
    };
    assert!(object(body).keys().all(|name| allowed.contains(&name.as_str())), "{body}");
    assert_eq!(body["grid"], line.grid.as_str());
    assert!(body.to_string().len() < BODY_BYTES_MAX);
    let basis = &body["basis"];
    match line.kind {
        LineKind::Record => {
            let record_type = body["type"].as_str().and_then(|word| word.parse().ok());
            accept(line, record_type.expect("a type"), object(&body["fields"]), basis);
        }
        LineKind::Household => accept_household(line, basis),
    }
}

fn accept_household(line: &Line, basis: &Json) {
    let people = line.body["people"].as_array().expect("people");
    assert!((1..=HOUSEHOLD_PEOPLE_COUNT_MAX).contains(&people.len()));
    let ids: Vec<Json> = (0..people.len())
        .map(|place| json!(SubjectId::from_bytes([u8::try_from(place).expect("few"); 16])))
        .collect();
    let place = json!(RecordId::from_bytes([9; 16]));
    let mut household = object(&line.body["fields"]);
    household.insert("members".into(), Json::from(ids.clone()));
    let dwelling = line.body.get("dwelling");
    if let Some(dwelling) = dwelling {
        household.insert("place".into(), place.clone());
        accept(line, RecordType::Place, object(&dwelling["fields"]), basis);
    }
    accept(line, RecordType::Household, household, basis);
    let mut references = BTreeSet::new();
    for (person, id) in people.iter().zip(ids) {
        let reference = person["ref"].as_str().expect("a reference");
        assert!(is_slug(reference) && references.insert(reference));
        accept(line, RecordType::Person, object(&person["fields"]), basis);
        let link = person.get("residence");
        assert!(link.is_none() || dwelling.is_some(), "a link needs a dwelling");
        if dwelling.is_some() {
            let mut link = object(link.unwrap_or(&Json::Null));
            link.insert("person".into(), id);
            link.insert("place".into(), place.clone());
            accept(line, RecordType::Residence, link, basis);
        }
    }
}

fn people(lines: &[Line]) -> impl Iterator<Item = (&Line, &Json)> {
    let members = |line| -> &[Json] { people_of(line) };
    lines.iter().flat_map(move |line| members(line).iter().map(move |one| (line, &one["fields"])))
}

fn people_of(line: &Line) -> &[Json] {
    line.body.get("people").and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn of_type<'a>(lines: &'a [Line], record_type: &str) -> Vec<&'a Line> {
    lines.iter().filter(|line| line.body["type"] == record_type).collect()
}

/// The households in the entrance of the first grid where those known by sight live, by room.
fn known(room: u32) -> &'static [Json] {
    let address = format!("澜川市望澜区桂花桥街道工农社区机床厂家属院6号楼2单元{room}室");
    let mut found =
        COMMUNITY.iter().filter(|line| line.body["fields"]["current_address"] == address);
    let line = found.next().expect("somebody lives there");
    assert!(found.next().is_none() && line.grid == "8801020010010001");
    people_of(line)
}

fn age(person: &Json) -> i16 {
    let birth: Date =
        person["fields"]["birth_date"].as_str().expect("known").parse().expect("a day");
    let had_birthday = (birth.month(), birth.day()) <= (TODAY.month(), TODAY.day());
    TODAY.year() - birth.year() - i16::from(!had_birthday)
}

fn field<'a>(person: &'a Json, name: &str) -> &'a str {
    person["fields"][name].as_str().unwrap_or_default()
}

#[test]
fn every_line_of_a_community_of_a_thousand_is_accepted() {
    COMMUNITY.iter().for_each(accept_line);
    assert!(people(&COMMUNITY).count() >= 1_000);
}

#[test]
fn every_line_of_a_city_of_five_thousand_is_accepted() {
    CITY.iter().for_each(accept_line);
    assert!(people(&CITY).count() >= 5_000);
    let used: BTreeSet<&str> = CITY.iter().map(|line| line.grid.as_str()).collect();
    let known = territory(&plan(5_000, Extent::City));
    let grids: BTreeSet<&str> = known.grids.iter().map(|grid| grid.code.as_str()).collect();
    assert_eq!(used, grids);
}

#[test]
fn every_child_under_14_comes_with_a_guardian() {
    let mut children = 0;
    for line in COMMUNITY.iter() {
        for person in people_of(line).iter().filter(|one| one["fields"]["birth_date"].is_string()) {
            if age(person) >= 14 {
                continue;
            }
            children += 1;
            let referred = person["guardians"].as_array().is_some_and(|list| !list.is_empty());
            assert!(referred || !field(person, "guardian_name").is_empty(), "{person}");
        }
    }
    assert!(children > 100);
}

#[test]
fn lines_are_accepted_on_any_day_and_in_any_size() {
    let leap_day = date(2028, 2, 29);
    for (persons, today) in [(0, TODAY), (1, TODAY), (90, date(2025, 1, 1)), (90, leap_day)] {
        let plan = CityPlan { today, ..plan(persons, Extent::Community) };
        let lines = made(&plan);
        assert!(people(&lines).count() >= persons as usize);
        assert!(of_type(&lines, "event").len() > 100);
    }
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let ndjson = |seed| -> Vec<u8> {
        let plan = CityPlan { seed, ..plan(3_000, Extent::Street) };
        let mut bytes = Vec::new();
        for line in lines(&plan, &SCHEMAS, &PURPOSES).with_refusals() {
            serde_json::to_writer(&mut bytes, &line).expect("a line is plain JSON");
            bytes.push(b'\n');
        }
        bytes
    };
    let digest = ring::digest::digest(&ring::digest::SHA256, &ndjson(7));
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    // Changes with every change to the generator, the word lists, or the fields of the purposes used.
    assert_eq!(digest, "20fbd5f0f23292449047ee3f95c86924a368e7e963ea22258ff9fcb20f394a1f");
    assert_ne!(ndjson(7), ndjson(8));
}

#[test]
fn what_must_be_refused_comes_on_demand_alone_and_is_refused_for_its_basis() {
    let plan = plan(8_000, Extent::Community);
    let with: Vec<Line> = lines(&plan, &SCHEMAS, &PURPOSES).with_refusals().collect();
    let (refused, lawful): (Vec<Line>, Vec<Line>) =
        with.into_iter().partition(|line| line.expected.is_some());
    assert!(lawful == made(&plan), "the others are those of a city without");
    for line in &refused {
        let purpose = PURPOSES.get(&line.purpose).expect("a shipped purpose");
        let claim: BasisClaim =
            serde_json::from_value(line.body["basis"].clone()).expect("well formed");
        assert!(check_basis(purpose, &claim, false, false, TODAY).is_err(), "{}", line.body);
        let registered = PURPOSES.get("residence_registration").expect("a shipped purpose");
        if line.kind == LineKind::Household {
            let mut whole = line.clone();
            let notice = registered.live_notice(TODAY).expect("a live notice");
            whole.body["basis"]["notice"] = json!(notice.id);
            accept_line(&whole);
        }
    }
    let count = |why| refused.iter().filter(|line| line.expected.expect("one").why == why).count();
    assert!((3..=25).contains(&count("notice_never_given")), "{}", count("notice_never_given"));
    assert!(count("consent_expired") > 0);
    assert!(count("consent_withdrawn") + count("consent_missing") <= count("consent_expired"));
}

#[test]
fn nine_of_ten_who_are_known_for_contact_consent() {
    let mut dice = dice::Dice::new(7, 1);
    let mut counts = BTreeMap::<String, u32>::new();
    for _ in 0..20_000 {
        let standing = refusals::Standing::of_chance(&mut dice);
        *counts.entry(format!("{standing:?}")).or_default() += 1;
    }
    assert!((17_800..=18_200).contains(&counts["Present"]), "{counts:?}");
    assert!((800..=1_200).contains(&counts["Expired"]), "{counts:?}");
    assert!((140..=260).contains(&counts["Withdrawn"]), "{counts:?}");
    assert!((60..=140).contains(&counts["Missing"]), "{counts:?}");
}

#[test]
fn before_the_first_notice_nothing_may_be_collected() {
    for today in [date(2024, 12, 31), Date::MIN] {
        assert_eq!(made(&CityPlan { today, ..plan(100, Extent::Community) }), []);
    }
}

#[test]
fn what_no_purpose_allows_is_left_out() {
    let kept = PurposeSet::built_in_text().split_inclusive("[[purpose]]");
    let kept = kept.filter(|part| !part.contains("id = \"household_contact\""));
    let purposes = PurposeSet::load(&kept.collect::<String>(), &SCHEMAS).expect("still whole");
    let lines: Vec<Line> = lines(&plan(300, Extent::Community), &SCHEMAS, &purposes).collect();
    assert!(lines.iter().all(|line| line.purpose != "household_contact"));
    assert!(people(&lines).count() >= 300);
}

#[test]
fn the_sample_person_is_an_adult_whose_name_the_worker_may_read() {
    for plan in [plan(1_000, Extent::Community), plan(5_000, Extent::City)] {
        let sample = sample(&plan);
        let line = lines(&plan, &SCHEMAS, &PURPOSES).nth(sample.line).expect("that line");
        assert_eq!((line.kind, line.grid.as_str()), (LineKind::Household, sample.grid.as_str()));
        assert_eq!(line.purpose, "residence_registration");
        let person = people_of(&line).iter().find(|person| person["ref"] == sample.reference);
        let person = person.expect("that person");
        assert!(age(person) >= 18 && !field(person, "name").is_empty());
    }
}

#[test]
fn a_tester_finds_the_first_six_households() {
    let ages: Vec<i16> = known(401).iter().map(age).collect();
    assert_eq!((ages.len(), ages[2], ages[3]), (4, 9, 79));
    assert_eq!((known(101).len(), age(&known(101)[0])), (1, 74));
    assert_eq!(field(&known(101)[0], "id_number"), "880102195203121043");
    let tenants = known(302);
    assert_eq!(tenants.len(), 3);
    assert!(tenants.iter().all(|tenant| tenant["residence"]["occupancy_kind"] == "rented"));
    let left_behind: Vec<&str> =
        known(201).iter().map(|person| field(person, "household_relation")).collect();
    assert_eq!(left_behind, ["02", "12", "41", "42"]);
    for person in known(502) {
        assert_eq!(field(person, "residence_kind"), "registered_elsewhere_in_city");
        assert!(field(person, "id_number").starts_with("880121"));
    }
    let places = of_type(&COMMUNITY, "place");
    let mut flat = places.iter().map(|line| &line.body["fields"]);
    let flat = flat
        .find(|place| place["address"].as_str().is_some_and(|a| a.ends_with("6号楼2单元601室")));
    assert_eq!(flat.expect("the empty flat")["rental_state"], "vacant");
}

#[test]
fn a_tester_finds_the_other_six_households() {
    assert!(known(102)[0]["fields"].get("phone").is_none());
    let told: Vec<String> = object(&known(202)[0]["fields"]).keys().cloned().collect();
    assert_eq!(told, ["current_address", "name", "source", "verified_at"]);
    let mut hidden = COMMUNITY
        .iter()
        .filter(|line| line.kind == LineKind::Household && line.body.get("dwelling").is_none());
    let hidden = hidden.next().expect("a household without an address");
    assert!(!hidden.body.to_string().contains("current_address"));
    assert!(field(&known(402)[0], "name").starts_with('高'));
    assert!(field(&known(501)[0], "name").starts_with('高'));
    let child = &known(602)[1];
    let birth: Date = field(child, "birth_date").parse().expect("a day");
    assert_eq!(turns_14_18(birth).turns_14, TODAY.tomorrow().expect("a day"));
    let mut twins: Vec<Map<String, Json>> =
        known(301)[2..].iter().map(|twin| object(&twin["fields"])).collect();
    let numbers: Vec<Json> = twins.iter_mut().filter_map(|twin| twin.remove("id_number")).collect();
    assert_eq!((twins.len(), numbers.len()), (2, 2));
    assert_ne!(numbers[0], numbers[1]);
    assert_eq!(twins[0], twins[1]);
}

#[test]
fn five_pairs_of_neighbours_share_a_name() {
    let homes: Vec<(&str, &str, &str)> = people(&COMMUNITY)
        .map(|(line, person)| {
            let text = |name: &str| person[name].as_str().unwrap_or_default();
            (line.grid.as_str(), text("name"), text("current_address"))
        })
        .collect();
    let mut pairs = BTreeSet::new();
    for (grid, name, address) in &homes {
        let next_door = format!("{}2室", address.trim_end_matches("1室"));
        if address.ends_with("01室") && homes.contains(&(grid, name, &next_door)) {
            pairs.insert((*grid, *name));
        }
    }
    assert!(pairs.len() >= 5, "{pairs:?}");
    assert_eq!(pairs.iter().map(|(grid, _)| grid).collect::<BTreeSet<_>>().len(), 5);
}

#[test]
fn the_first_grid_has_every_form_of_name_and_number() {
    let first: Vec<&Json> = people(&COMMUNITY)
        .filter(|(line, _)| line.grid == "8801020010010001")
        .map(|(_, person)| person)
        .collect();
    let names: Vec<&str> = first.iter().filter_map(|person| person["name"].as_str()).collect();
    let has = |test: &dyn Fn(&str) -> bool| names.iter().any(|name| test(name));
    assert!(has(&|name| name.chars().any(|character| u32::from(character) > 0xffff)));
    assert!(has(&|name| name.contains('·') && name.chars().count() == 6));
    assert!(has(&|name| name.contains('·') && name.chars().count() == 14));
    assert!(has(&|name| name.is_ascii()));
    for surname in ["欧阳", "司马", "上官"] {
        assert!(has(&|name| name.starts_with(surname)));
    }
    let number = |person: &&&Json| person["id_number"].as_str().is_some_and(|id| id.ends_with('X'));
    assert!(first.iter().filter(number).count() >= 2);
    assert!(first.iter().any(|person| person["residence_kind"] == "from_abroad"));
    let phones: Vec<&str> = first.iter().filter_map(|person| person["phone"].as_str()).collect();
    assert!(phones.iter().filter(|phone| **phone == "12900002001").count() == 2);
}

#[test]
fn nobody_shares_a_citizen_number_and_few_a_telephone() {
    let mut numbers = BTreeMap::<&str, u32>::new();
    let mut phones = BTreeMap::<&str, u32>::new();
    for (_, person) in people(&CITY) {
        let text = |name: &str| person[name].as_str().into_iter();
        text("id_number").for_each(|number| *numbers.entry(number).or_default() += 1);
        text("phone").for_each(|phone| *phones.entry(phone).or_default() += 1);
    }
    assert!(numbers.values().all(|count| *count == 1));
    assert!(numbers.keys().all(|number| number.starts_with("88")));
    assert!(phones.keys().all(|phone| phone.starts_with("12")));
    assert!(phones.values().filter(|count| **count > 1).count() < 40);
    assert!(phones.values().all(|count| *count <= 2));
}

#[test]
fn a_quarter_to_a_half_of_the_town_and_few_of_the_villages_moved_here() {
    let share = |is_urban: bool| {
        let mut counts = [0_usize; 2];
        for (line, person) in people(&CITY) {
            if (line.grid[9..12].parse::<u32>().expect("digits") < 200) == is_urban {
                let moved = person["residence_kind"] != "registered_resident";
                counts[usize::from(moved)] += 1;
            }
        }
        counts[1] * 100 / (counts[0] + counts[1])
    };
    assert!((25..=45).contains(&share(true)), "{}", share(true));
    assert!((2..=10).contains(&share(false)), "{}", share(false));
}

#[test]
fn units_facilities_and_events_have_their_numbers() {
    let organisations = of_type(&CITY, "organisation").len();
    assert!((5_000 / 16..=5_000 / 13).contains(&organisations), "{organisations}");
    let grids = territory(&plan(5_000, Extent::City)).grids.len();
    let objects = of_type(&CITY, "object").len();
    assert!((grids * 4..=grids * 15).contains(&objects), "{objects} in {grids}");
    let basic = |line: &&&Line| line.grid.as_bytes()[12] == b'0';
    let events = of_type(&CITY, "event");
    let per_grid_day = events.iter().filter(basic).count() * 100 / (32 * 90);
    // 0.75 on 89 days and 7.5 in the storm.
    assert!((76..=90).contains(&per_grid_day), "{per_grid_day}");
}

#[test]
fn every_kind_and_step_of_an_event_occurs_and_nobody_is_named_who_must_not_be() {
    let events = of_type(&CITY, "event");
    let words = |name: &str| -> BTreeSet<&str> {
        events.iter().filter_map(|line| line.body["fields"][name].as_str()).collect()
    };
    assert_eq!(words("kind").len(), 10);
    for state in ["close", "supervise", "return", "extend", "reopen", "handle", "reassign"] {
        assert!(words("state").contains(state), "{state}");
    }
    for line in &events {
        let fields = object(&line.body["fields"]);
        assert!(!fields.keys().any(|name| name.starts_with("party") || name.starts_with("caller")));
        let matter = fields["matter"].as_str().unwrap_or_default();
        assert!(!matter.contains('{') && !detector::holds_number(matter), "{matter}");
    }
    let notes = words("handling_note");
    assert!(notes.iter().any(|note| detector::holds_number(note)));
}

#[test]
fn lines_are_made_as_they_are_asked_for() {
    // Ten million people: only what is taken is made.
    let plan = plan(10_000_000, Extent::City);
    let first: Vec<Line> = lines(&plan, &SCHEMAS, &PURPOSES).take(50).collect();
    assert_eq!(first.len(), 50);
    assert_eq!(first[..20], COMMUNITY[..20]);
}
