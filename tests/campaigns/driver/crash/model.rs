//! What must be in the vault, by the client's list alone.
//! Never learns a value from the vault; only ids, versions and handles come from its answers.
//! Values are kept as they were sent, so that they can be compared byte by byte.

use super::list::{Answer, Attempt};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// A record that was acknowledged.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its grid.
    pub grid: String,
    /// Its type.
    pub kind: &'static str,
    /// On which purpose it is held.
    pub purpose: &'static str,
    /// Its version.
    pub version: u64,
    /// Values that may be read in clear.
    pub fields: Map<String, Value>,
    /// A value that may only be matched.
    pub id_number: Option<String>,
    /// Whether it was not removed.
    pub is_live: bool,
    /// The thread that may change it.
    pub thread: usize,
    /// Its name in the log, once known.
    pub handle: Option<String>,
}

/// A version of a handle, and whether it was removed.
pub type Chain = HashMap<String, (u64, bool)>;

/// Everything that is known of one vault.
#[derive(Default)]
pub struct Model {
    /// The records by id.
    pub records: BTreeMap<String, Record>,
    /// Grids and citizen numbers that must not be held any more.
    pub gone: Vec<(String, String)>,
    /// What the log says of each handle.
    pub chain: Chain,
    /// The first entry of the log that was not looked at.
    pub next_index: u64,
}

/// Purpose of persons and households.
pub const REGISTRATION: &str = "residence_registration";
/// Purpose of events.
pub const SAFETY: &str = "safety_inspection";

/// The basis of a write for a purpose.
pub fn basis(purpose: &str) -> Value {
    let (legal_basis, notice) = match purpose {
        SAFETY => ("fire_safety_duty", "safety_inspection_notice_1"),
        _ => ("residence_permit_duty", "residence_registration_notice_1"),
    };
    serde_json::json!({"purpose": purpose, "legal_basis": legal_basis, "notice": notice})
}

/// The purpose that a body names.
pub fn purpose_of(body: &Value) -> &'static str {
    if body["basis"]["purpose"] == SAFETY { SAFETY } else { REGISTRATION }
}

/// The types that campaigns write.
pub fn kind_of(body: &Value) -> &'static str {
    if body["type"] == "event" { "event" } else { "person" }
}

impl Model {
    /// Takes an acknowledged write into account; the ids that it touched come back.
    pub fn apply(&mut self, thread: usize, attempt: &Attempt, answer: &Answer) -> Vec<String> {
        match attempt {
            Attempt::Create { body } => {
                let record = record_of(thread, body, kind_of(body), &body["fields"], None);
                self.add(&answer.body["id"], record)
            }
            Attempt::Household { body } => self.add_household(thread, body, &answer.body),
            Attempt::Patch { id, version, fields } => {
                self.patch(id, *version, fields);
                vec![id.clone()]
            }
            Attempt::Delete { id, .. } => {
                self.remove(id);
                vec![id.clone()]
            }
            Attempt::Read { .. } | Attempt::Match { .. } | Attempt::Denial { .. } => Vec::new(),
        }
    }

    /// New values for a record.
    pub fn patch(&mut self, id: &str, version: u64, fields: &Map<String, Value>) {
        let Some(record) = self.records.get_mut(id) else { return };
        record.version = version + 1;
        for (name, value) in fields {
            if name == "id_number" {
                let new = value.as_str().map(str::to_owned);
                let old = std::mem::replace(&mut record.id_number, new);
                self.gone.extend(old.map(|old| (record.grid.clone(), old)));
            } else {
                record.fields.insert(name.clone(), value.clone());
            }
        }
    }

    /// The end of a record.
    pub fn remove(&mut self, id: &str) {
        let Some(record) = self.records.get_mut(id) else { return };
        record.is_live = false;
        record.version += 1;
        let old = record.id_number.take();
        self.gone.extend(old.map(|old| (record.grid.clone(), old)));
    }

    fn add(&mut self, id: &Value, record: Record) -> Vec<String> {
        let Some(id) = id.as_str() else { return Vec::new() };
        self.records.insert(id.to_owned(), record);
        vec![id.to_owned()]
    }

    /// A household's records, in the order of its entry: dwelling, each person with its link, household.
    fn add_household(&mut self, thread: usize, body: &Value, answer: &Value) -> Vec<String> {
        let mut ids = Vec::new();
        let place = &answer["dwelling"];
        let fields = &body["dwelling"]["fields"];
        ids.extend(self.add(place, record_of(thread, body, "place", fields, None)));
        let people = body["people"].as_array().into_iter().flatten();
        let created = answer["people"].as_array().into_iter().flatten();
        let mut members = Vec::new();
        for (person, created) in std::iter::zip(people, created) {
            let record = record_of(thread, body, "person", &person["fields"], None);
            ids.extend(self.add(&created["id"], record));
            let subject = created["subject"].clone();
            let more = [("person", subject.clone()), ("place", place.clone())];
            let link = record_of(thread, body, "residence", &person["residence"], Some(&more));
            ids.extend(self.add(&created["residence"], link));
            members.push(subject);
        }
        let more = [("members", Value::Array(members)), ("place", place.clone())];
        let household = record_of(thread, body, "household", &body["fields"], Some(&more));
        ids.extend(self.add(&answer["id"], household));
        ids
    }
}

/// The citizen numbers that a body would bring.
pub fn numbers_of(body: &Value) -> Vec<String> {
    let people = body["people"].as_array().into_iter().flatten().map(|person| &person["fields"]);
    std::iter::once(&body["fields"])
        .chain(people)
        .filter_map(|fields| fields["id_number"].as_str().map(str::to_owned))
        .collect()
}

fn record_of(
    thread: usize,
    body: &Value,
    kind: &'static str,
    fields: &Value,
    more: Option<&[(&str, Value)]>,
) -> Record {
    let mut fields = fields.as_object().cloned().unwrap_or_default();
    let id_number = fields.remove("id_number");
    for (name, value) in more.into_iter().flatten() {
        fields.insert((*name).to_owned(), value.clone());
    }
    Record {
        grid: body["grid"].as_str().unwrap_or_default().to_owned(),
        kind,
        purpose: purpose_of(body),
        version: 1,
        fields,
        id_number: id_number.and_then(|number| number.as_str().map(str::to_owned)),
        is_live: true,
        thread,
        handle: None,
    }
}
