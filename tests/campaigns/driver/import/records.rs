//! What must be in the vault: each record of each stored line, with its id from the answers and its values from the source.
//! Never a value from the vault: only ids come from there, so that a wrong value cannot vouch for itself.
//! A household's line gives a household, a dwelling, its people and their links to the dwelling.

use crate::desk::Desk;
use crate::fault::Fault;
use gridvault::records::{RecordType, numbers, turns_14_18};
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A record that must be there.
#[derive(Clone)]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// Its type.
    pub record_type: RecordType,
    /// Its grid.
    pub grid: String,
    /// What it is held for.
    pub purpose: String,
    /// Its values as the source has them.
    pub source: Map<String, Value>,
    /// Values that the vault fills in, made of the ids that it gave.
    pub filled: Map<String, Value>,
    /// When the person that it is about was born, where the source says.
    pub born: Option<Date>,
}

/// All of them.
pub struct Records {
    all: Vec<Stored>,
    people: usize,
    /// Lines that must be refused, by number, with the code that each must get.
    pub refusals: BTreeMap<u64, String>,
    /// Lines of the source, by number, of those that were not answered as stored.
    pub unanswered: BTreeMap<u64, String>,
}

const MALFORMED: Fault = Fault::Malformed("an answer of the import");

impl Records {
    /// Puts source and answers together.
    pub fn read(desk: &Desk) -> Result<Records, Fault> {
        let mut answers = BTreeMap::new();
        for line in desk.read("answers.ndjson")?.lines() {
            let answer: Value = serde_json::from_str(line).map_err(|_| MALFORMED)?;
            let number = answer["line"].as_u64().ok_or(MALFORMED)?;
            if answers.insert(number, answer).is_some() {
                return Err(Fault::Refused(format!("line {number} was answered twice")));
            }
        }
        let mut records = Records {
            all: Vec::new(),
            people: 0,
            refusals: BTreeMap::new(),
            unanswered: BTreeMap::new(),
        };
        for (number, text) in (1_u64..).zip(desk.read("city.ndjson")?.lines()) {
            let line: Value =
                serde_json::from_str(text).map_err(|_| Fault::Malformed("a line of the city"))?;
            if let Some(code) = line["expected"]["code"].as_str() {
                records.refusals.insert(number, code.to_owned());
            }
            match answers.remove(&number) {
                Some(answer) => records.add(&line, &answer)?,
                None => {
                    records.unanswered.insert(number, text.to_owned());
                }
            }
        }
        if let Some(number) = answers.keys().next() {
            return Err(Fault::Refused(format!("line {number} was answered and never sent")));
        }
        Ok(records)
    }

    /// The records, those of a grid together.
    pub fn all(&self) -> &[Stored] {
        &self.all
    }

    /// How many people were stored.
    pub fn people(&self) -> usize {
        self.people
    }

    /// Every id.
    pub fn ids(&self) -> BTreeSet<&str> {
        self.all.iter().map(|record| record.id.as_str()).collect()
    }

    fn add(&mut self, line: &Value, answer: &Value) -> Result<(), Fault> {
        let body = &line["body"];
        let word = |value: &Value| value.as_str().map(str::to_owned).ok_or(MALFORMED);
        let (grid, purpose) = (word(&body["grid"])?, word(&line["purpose"])?);
        let record = |id: &Value, record_type, source: &Value, filled: Value, born| {
            let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
            let (source, filled) = (object(source), object(&filled));
            let (grid, purpose) = (grid.clone(), purpose.clone());
            let id = word(id)?;
            Ok::<_, Fault>(Stored { id, record_type, grid, purpose, source, filled, born })
        };
        if line["route"] == "/v1/records" {
            let record_type: RecordType = word(&body["type"])?.parse().map_err(|_| MALFORMED)?;
            self.people += usize::from(record_type == RecordType::Person);
            let born = born(&body["fields"]);
            self.all.push(record(&answer["id"], record_type, &body["fields"], json!({}), born)?);
            return Ok(());
        }
        let people = body["people"].as_array().ok_or(MALFORMED)?;
        let stored = answer["people"].as_array().filter(|list| list.len() == people.len());
        let stored = stored.ok_or(MALFORMED)?;
        let subject_of = |reference: &Value| {
            let at = people.iter().position(|person| person["ref"] == *reference);
            at.map(|at| stored[at]["subject"].clone()).ok_or(MALFORMED)
        };
        let place = answer.get("dwelling").cloned();
        let subjects: Vec<Value> = stored.iter().map(|person| person["subject"].clone()).collect();
        let mut filled = json!({"members": subjects});
        if let Some(place) = &place {
            filled["place"] = place.clone();
            let dwelling = &body["dwelling"]["fields"];
            self.all.push(record(place, RecordType::Place, dwelling, json!({}), None)?);
        }
        self.all.push(record(&answer["id"], RecordType::Household, &body["fields"], filled, None)?);
        for (person, stored) in people.iter().zip(stored) {
            self.people += 1;
            let born = born(&person["fields"]);
            let guardians = person["guardians"].as_array().into_iter().flatten().map(subject_of);
            let guardians = guardians.collect::<Result<Vec<Value>, Fault>>()?;
            let filled =
                if guardians.is_empty() { json!({}) } else { json!({"guardians": guardians}) };
            let fields = &person["fields"];
            self.all.push(record(&stored["id"], RecordType::Person, fields, filled, born)?);
            if let Some(place) = &place {
                let filled = json!({"person": stored["subject"], "place": place});
                let link = &person["residence"];
                self.all.push(record(
                    &stored["residence"],
                    RecordType::Residence,
                    link,
                    filled,
                    born,
                )?);
            }
        }
        Ok(())
    }
}

impl Stored {
    /// Every field with the value that it must have.
    pub fn fields(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.source.iter().chain(&self.filled)
    }

    /// Whether it is about somebody under 18.
    pub fn is_young(&self, today: Date) -> bool {
        self.is_childs(today) || self.is_minors(today)
    }

    /// Whether it is about somebody of 14 to 17.
    pub fn is_minors(&self, today: Date) -> bool {
        let turns = self.born.map(turns_14_18);
        turns.is_some_and(|turns| turns.turns_14 <= today && today < turns.turns_18)
    }

    /// Whether it is about a child under 14.
    pub fn is_childs(&self, today: Date) -> bool {
        self.born.is_some_and(|born| today < turns_14_18(born).turns_14)
    }
}

/// The day of birth that the source names, or the one in the citizen number.
fn born(fields: &Value) -> Option<Date> {
    let day = fields["birth_date"].as_str().and_then(|day| day.parse().ok());
    day.or_else(|| fields["id_number"].as_str().and_then(numbers::id_birth_date))
}
