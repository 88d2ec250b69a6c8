//! Reads every record back over HTTP, as those may who work there, and asks for every citizen number by match.
//! Never takes the policy's word for what is right: what a worker of a grid may see stands here once more.
//! An answer must show exactly what it should: each value, each mask, each name of what is withheld, and no other field.

use super::records::{Records, Stored};
use super::staff::{Staff, add};
use crate::client::{Ask, Client};
use crate::fault::Fault;
use crate::people;
use crate::tally::Tally;
use crate::town::Town;
use gridvault::records::{Class, Field, RecordType, SchemaSet, Value as Held, mask};
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// Callers at once.
const CALLERS_COUNT: usize = 6;
/// Citizen numbers that one actor asks for: with two that nobody has it stays below its day's allowance.
const NUMBERS_COUNT: usize = 75;
/// Numbers that nobody has, for each actor that asks.
const FOREIGN_COUNT: u32 = 2;
/// One of so many people is read by the operator of the street: each child is a refusal, and 600 in an hour lock one out.
const STREET_SHARE: usize = 20;
/// Failures that are told one by one.
const FAILURES_PRINTED_MAX: usize = 8;
/// The purpose for which people are held.
const REGISTRATION: &str = "residence_registration";

/// What an answer must show.
#[derive(Clone, Debug, Default)]
struct Expected {
    fields: Map<String, Value>,
    masked: BTreeSet<String>,
    withheld: BTreeSet<String>,
}

/// What somebody sees of general personal data (C2) of an adult.
#[derive(Clone, Copy)]
enum General {
    Raw,
    Masked,
}

impl General {
    /// What is answered to whoever may see none of the fields: a worker sees sensitive data inside a task, an operator never.
    fn refusal(self) -> &'static str {
        match self {
            General::Raw => "case_required",
            General::Masked => "denied",
        }
    }
}

impl Expected {
    /// Public and internal data in clear, general data as the role sees it, sensitive data and a child's not at all,
    /// and those of 14 to 17 in clear inside a task alone.
    fn of(
        stored: &Stored,
        general: General,
        schemas: &SchemaSet,
        today: Date,
    ) -> Result<Expected, String> {
        let mut expected = Expected::default();
        for (name, value) in stored.fields() {
            let field = field_of(stored, name, schemas)?;
            let class = match field.class {
                Class::C2 if stored.is_childs(today) => Class::C3,
                class => class,
            };
            let shown = match (class, general) {
                // In clear inside a task alone; a mask stays what it is.
                (Class::C2, General::Raw) if stored.is_minors(today) => {
                    expected.withheld.insert(name.clone());
                    continue;
                }
                (Class::C0 | Class::C1, _) | (Class::C2, General::Raw) => {
                    stored.value(name, value, field, today)?
                }
                (Class::C2, General::Masked) => {
                    expected.masked.insert(name.clone());
                    mask(field, &held(field, value, today)?)
                }
                _ => {
                    expected.withheld.insert(name.clone());
                    continue;
                }
            };
            expected.fields.insert(name.clone(), shown);
        }
        Ok(expected)
    }

    /// What an answer shows otherwise, by the names of the fields.
    fn differs(&self, answer: &Value) -> Option<String> {
        let list = |name: &str| -> BTreeSet<String> {
            let names = answer[name].as_array().into_iter().flatten();
            names.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let shown = answer["fields"].as_object().cloned().unwrap_or_default();
        let names: BTreeSet<&String> = shown.keys().chain(self.fields.keys()).collect();
        let mut wrong: Vec<&str> = names
            .into_iter()
            .filter(|name| shown.get(*name) != self.fields.get(*name))
            .map(String::as_str)
            .collect();
        if list("masked") != self.masked {
            wrong.push("the list of what is masked");
        }
        if list("withheld") != self.withheld {
            wrong.push("the list of what is withheld");
        }
        (!wrong.is_empty()).then(|| wrong.join(", "))
    }
}

impl Stored {
    /// A value as it must be held: of people byte for byte that of the source, of others in the canonical form.
    pub fn value(
        &self,
        name: &str,
        value: &Value,
        field: &Field,
        today: Date,
    ) -> Result<Value, String> {
        if self.record_type == RecordType::Person || self.filled.contains_key(name) {
            return Ok(value.clone());
        }
        held(field, value, today).map(|held| held.to_json())
    }
}

fn held(field: &Field, value: &Value, today: Date) -> Result<Held, String> {
    Held::parse(field, value.clone(), today)
        .map_err(|_| format!("{} is not as a value must be", field.name))
}

/// The field of a record's schema.
pub fn field_of<'a>(
    stored: &Stored,
    name: &str,
    schemas: &'a SchemaSet,
) -> Result<&'a Field, String> {
    let field = schemas.get(stored.record_type).and_then(|schema| schema.field(name));
    field.ok_or_else(|| format!("{name} is no field of {}", stored.record_type))
}

/// The schemas that the program ships.
pub fn schemas() -> Result<SchemaSet, Fault> {
    SchemaSet::built_in().map_err(|_| Fault::Malformed("a schema"))
}

/// Every record, by the worker of its grid.
pub fn by_workers(
    town: &Town,
    staff: &Staff,
    records: &Records,
    today: Date,
    tally: &mut Tally,
) -> Result<(), Fault> {
    let schemas = schemas()?;
    let all: Vec<&Stored> = records.all().iter().collect();
    let token = |stored: &Stored| staff.worker(&stored.grid);
    control(town, staff, &all, &schemas, today)?;
    let failures = read_all(town, &all, &token, General::Raw, &schemas, today)?;
    let people = all.iter().filter(|stored| stored.record_type == RecordType::Person);
    let children = people.clone().filter(|stored| stored.is_childs(today)).count();
    let said =
        format!("{} people, {children} of them children, in {} records", people.count(), all.len());
    tally
        .check("the worker of the grid reads each record as the matrix says", told(said, failures));
    Ok(())
}

/// Some of the people, by the operator of the street.
pub fn by_streets(
    town: &Town,
    staff: &Staff,
    records: &Records,
    today: Date,
    tally: &mut Tally,
) -> Result<(), Fault> {
    let schemas = schemas()?;
    let held_for = |stored: &&Stored| {
        stored.record_type == RecordType::Person && stored.purpose == REGISTRATION
    };
    let some: Vec<&Stored> = records.all().iter().filter(held_for).step_by(STREET_SHARE).collect();
    let token = |stored: &Stored| staff.street(&stored.grid);
    let failures = read_all(town, &some, &token, General::Masked, &schemas, today)?;
    let said = format!("{} people", some.len());
    tally.check("the operator of the street reads the masks of the source", told(said, failures));
    Ok(())
}

type TokenOf<'a> = dyn Fn(&Stored) -> Result<&'a str, Fault> + Sync + 'a;

/// Reads records, some at once; gives what was wrong.
fn read_all(
    town: &Town,
    records: &[&Stored],
    token_of: &TokenOf<'_>,
    general: General,
    schemas: &SchemaSet,
    today: Date,
) -> Result<Vec<String>, Fault> {
    let failures = Mutex::new(Vec::new());
    at_once(records, |part| {
        let client = Client::new(town.url());
        for stored in part {
            let outcome = match Expected::of(stored, general, schemas, today) {
                Ok(expected) => read(&client, stored, token_of(stored)?, &expected, general)?,
                Err(wrong) => Some(wrong),
            };
            if let Some(wrong) = outcome {
                let text = format!("{} {}: {wrong}", stored.record_type, stored.id);
                failures.lock().map_err(|_| Fault::Malformed("a thread"))?.push(text);
            }
        }
        Ok(())
    })?;
    failures.into_inner().map_err(|_| Fault::Malformed("a thread"))
}

/// Reads a record; gives what is wrong with the answer.
fn read(
    client: &Client,
    stored: &Stored,
    token: &str,
    expected: &Expected,
    general: General,
) -> Result<Option<String>, Fault> {
    let names: Vec<&str> = stored.fields().map(|(name, _)| name.as_str()).collect();
    let path = format!("/v1/records/{}?fields={}", stored.id, names.join(","));
    let reply = client.send(&Ask::new("GET", path, token).purpose(&stored.purpose))?;
    let answer = reply.json();
    // Where nothing may be seen, there is no answer without values: the whole reading is refused.
    if expected.fields.is_empty() && reply.status == 403 && answer["code"] == general.refusal() {
        return Ok(None);
    }
    if reply.status != 200 || expected.fields.is_empty() {
        return Ok(Some(format!("status {} {}", reply.status, answer["code"])));
    }
    Ok(expected.differs(&answer))
}

/// A judge that takes a false source for a true one ends the campaign.
fn control(
    town: &Town,
    staff: &Staff,
    records: &[&Stored],
    schemas: &SchemaSet,
    today: Date,
) -> Result<(), Fault> {
    let person =
        records.iter().find(|one| one.record_type == RecordType::Person && !one.is_young(today));
    let person = person.ok_or(Fault::Malformed("a city without people"))?;
    let client = Client::new(town.url());
    let mut other = (*person).clone();
    other.source.insert("name".to_owned(), json!("从未写入"));
    let expected = |stored: &Stored, general| {
        Expected::of(stored, general, schemas, today).map_err(|_| Fault::Malformed("the control"))
    };
    let token = staff.worker(&person.grid)?;
    for (what, expected) in [
        ("a value that was never sent", expected(&other, General::Raw)?),
        ("a mask that is none", expected(person, General::Masked)?),
        ("a reading that should have been refused", Expected::default()),
    ] {
        if read(&client, person, token, &expected, General::Raw)?.is_none() {
            return Err(Fault::Blind(what));
        }
    }
    Ok(())
}

/// Every citizen number, by workers of the grid who take turns.
pub fn by_match(town: &Town, records: &Records, tally: &mut Tally) -> Result<(), Fault> {
    let mut by_grid: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for stored in records.all() {
        if let Some(number) = stored.source.get("id_number").and_then(Value::as_str) {
            by_grid.entry(&stored.grid).or_default().push(number);
        }
    }
    let turns = by_grid.iter().flat_map(|(grid, numbers)| {
        numbers.chunks(NUMBERS_COUNT).enumerate().map(move |(turn, part)| (*grid, turn, part))
    });
    let turns: Vec<(&str, usize, &[&str])> = turns.collect();
    let failures = Mutex::new(Vec::new());
    at_once(&turns, |part| {
        let client = Client::new(town.url());
        for (grid, turn, numbers) in part {
            let token =
                add(town, &client, &format!("examiner-{grid}-{turn}"), "grid_worker", grid)?;
            let foreign = (0..FOREIGN_COUNT).map(|counter| people::citizen("889901", counter).0);
            let asked = numbers.iter().map(|number| ((*number).to_owned(), true));
            for (number, is_held) in asked.chain(foreign.map(|number| (number, false))) {
                let body = json!({"type": "person", "field": "id_number", "value": number});
                let ask = Ask::new("POST", "/v1/records/match", &token).purpose(REGISTRATION);
                let reply = client.send(&ask.json(&body))?;
                let answer = reply.json();
                if reply.status != 200 || answer["held"] != is_held {
                    let text = format!("status {} {} in {grid}", reply.status, answer["code"]);
                    failures.lock().map_err(|_| Fault::Malformed("a thread"))?.push(text);
                }
            }
        }
        Ok(())
    })?;
    let failures = failures.into_inner().map_err(|_| Fault::Malformed("a thread"))?;
    let count: usize = by_grid.values().map(Vec::len).sum();
    let said = format!("{count} numbers through {} workers", turns.len());
    tally.check("each citizen number is confirmed by match, and no other", told(said, failures));
    Ok(())
}

/// Works on parts of a list, some at once.
fn at_once<T: Sync>(
    list: &[T],
    work: impl Fn(&[T]) -> Result<(), Fault> + Sync,
) -> Result<(), Fault> {
    let share = list.len().div_ceil(CALLERS_COUNT).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = list.chunks(share).map(|part| scope.spawn(|| work(part))).collect();
        for thread in threads {
            thread.join().map_err(|_| Fault::Malformed("a thread of the judge"))??;
        }
        Ok(())
    })
}

/// What is said of a check over many things.
pub fn told(said: String, failures: Vec<String>) -> Result<String, String> {
    if failures.is_empty() {
        return Ok(said);
    }
    let some = failures.iter().take(FAILURES_PRINTED_MAX).cloned().collect::<Vec<_>>().join("; ");
    Err(format!("{} of {said}: {some}", failures.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 21);

    fn person(born: &str) -> Stored {
        let source = json!({
            "name": "王丽", "phone": "12900001234", "id_number": "880102198309151025", "source": "stated_in_person",
        });
        Stored {
            id: "x".into(),
            record_type: RecordType::Person,
            grid: "8801020010010001".into(),
            purpose: REGISTRATION.into(),
            source: source.as_object().cloned().expect("an object"),
            filled: Map::new(),
            born: Some(born.parse().expect("a day")),
        }
    }

    fn expected(stored: &Stored, general: General) -> Expected {
        let schemas = schemas().expect("the shipped schemas load");
        Expected::of(stored, general, &schemas, TODAY).expect("fields of a person")
    }

    #[test]
    fn the_matrix_is_that_of_the_domain() {
        let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        let worker = expected(&person("1983-09-15"), General::Raw);
        assert_eq!(
            (names(&worker.masked), names(&worker.withheld)),
            (String::new(), "id_number".into())
        );
        assert_eq!(worker.fields["name"], "王丽");
        let street = expected(&person("1983-09-15"), General::Masked);
        assert_eq!(
            (names(&street.masked), names(&street.withheld)),
            ("name phone source".into(), "id_number".into())
        );
        assert_eq!(street.fields["name"], "王*");
        let minor = expected(&person("2010-09-15"), General::Raw);
        assert_eq!(names(&minor.withheld), "id_number name phone source");
        let minor = expected(&person("2010-09-15"), General::Masked);
        assert_eq!(names(&minor.masked), "name phone source");
        let child = expected(&person("2015-09-15"), General::Raw);
        assert_eq!(names(&child.withheld), "id_number name phone source");
    }

    #[test]
    fn an_answer_that_shows_more_less_or_other_is_found() {
        let expected = expected(&person("1983-09-15"), General::Masked);
        let answer = json!({
            "fields": expected.fields, "masked": ["source", "phone", "name"], "withheld": ["id_number"],
        });
        assert_eq!(expected.differs(&answer), None);
        for (pointer, value) in [
            ("/fields/name", json!("王丽")),
            ("/fields/source", json!(null)),
            ("/fields/id_number", json!("1****************5")),
            ("/masked", json!(["name"])),
            ("/withheld", json!([])),
            ("/withheld", json!(["id_number", "phone"])),
        ] {
            let mut other = answer.clone();
            match other.pointer_mut(pointer) {
                Some(place) => *place = value,
                None => other["fields"]["id_number"] = value,
            }
            assert!(expected.differs(&other).is_some(), "{pointer}");
        }
    }
}
