//! Mixed load of one client thread: creates, households, changes, removals, reads, matches, refusals.
//! Never touches another thread's records, so what must come back is known without a clock.
//! Ends at the first request without an answer, which is a fault unless the vault was being killed.

use super::list::{Answer, Attempt, List, Said};
use super::model::{Model, REGISTRATION, Record, basis, purpose_of};
use crate::client::{Ask, Client};
use crate::dice::Dice;
use crate::fault::Fault;
use crate::page::Page;
use crate::people;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Region of the citizen numbers of loads: no other people of the demo have it.
const REGION: &str = "880199";
/// Who alone may remove a record.
const HEAD: &str = "grid_head";
/// Refusals of one thread in one round: a caller with too many is locked out for an hour.
const DENIALS_COUNT_MAX: u32 = 8;
/// Matches of one thread in one round: an actor may ask for 80 distinct values a day.
const MATCHES_COUNT_MAX: u32 = 4;
/// Requests of one thread in one round.
const REQUESTS_COUNT_MAX: u32 = 4_000;

/// One client thread.
pub struct Load<'a> {
    /// Its number.
    pub thread: usize,
    /// The round, which its keys are named for.
    pub round: u64,
    /// The vault.
    pub page: &'a Page,
    /// Its chance.
    pub dice: Dice,
    /// Its records that are live.
    pub own: BTreeMap<String, Record>,
    /// The next citizen number of this vault.
    pub counter: &'a AtomicU32,
    /// Its list.
    pub list: List,
    /// Whether the vault is being killed: set before it is.
    pub is_killed: &'a AtomicBool,
    /// Whether it ends by the power of its disk: then it may still say that it serves no more.
    pub loses_power: bool,
    /// Answers that all threads have had.
    pub answered: &'a AtomicU64,
    /// Numbers that were matched before, as record, number and token: asking again is free.
    pub matched: Vec<(String, String, String)>,
}

/// What a thread asks next.
struct Next {
    attempt: Attempt,
    said: Option<Said>,
    ask: Ask,
}

impl Load<'_> {
    /// Asks until no answer comes, which before the kill is a fault.
    pub fn run(mut self) -> Result<(), Fault> {
        let client = Client::new(&self.page.url);
        let (mut denials, mut matches) = (0, 0);
        for number in 0..REQUESTS_COUNT_MAX {
            let (may_deny, may_match) = (denials < DENIALS_COUNT_MAX, matches < MATCHES_COUNT_MAX);
            let Some(next) = self.next(number, may_deny, may_match)? else {
                continue;
            };
            denials += u32::from(matches!(next.attempt, Attempt::Denial { .. }));
            matches += u32::from(matches!(next.attempt, Attempt::Match { .. }));
            self.list.attempt(&next.attempt, next.said.as_ref())?;
            let reply = match client.send(&next.ask) {
                Ok(reply) if reply.status >= 500 && self.sees_power_gone() => return Ok(()),
                Ok(reply) => reply,
                Err(_) if self.is_killed.load(Ordering::SeqCst) => return Ok(()),
                Err(fault) => return Err(fault),
            };
            let answer = Answer { status: reply.status, body: reply.json() };
            self.list.answer(&answer)?;
            self.answered.fetch_add(1, Ordering::SeqCst);
            self.learn(&next.attempt, &answer);
        }
        Ok(())
    }

    fn sees_power_gone(&self) -> bool {
        self.loses_power && self.is_killed.load(Ordering::SeqCst)
    }

    fn next(
        &mut self,
        number: u32,
        may_deny: bool,
        may_match: bool,
    ) -> Result<Option<Next>, Fault> {
        let write = match self.dice.below(100) {
            0..34 => Some(self.create()),
            34..39 => Some(self.household()),
            39..63 => self.patch(),
            63..69 => self.delete(),
            other => return self.ask_only(other, may_deny, may_match),
        };
        let Some((attempt, role)) = write else { return Ok(None) };
        let key = format!("r{}-t{}-{number}", self.round, self.thread);
        let said = Said { role: role.to_owned(), key };
        let ask = write_of(self.page, &attempt, &said, &self.own)?;
        Ok(ask.map(|ask| Next { attempt, said: Some(said), ask }))
    }

    /// What changes nothing, and so has no key.
    fn ask_only(
        &mut self,
        number: usize,
        may_deny: bool,
        may_match: bool,
    ) -> Result<Option<Next>, Fault> {
        let next = match number {
            ..91 => self.read()?,
            91..95 if may_match => self.matches()?,
            95.. if may_deny => self.denial()?,
            _ => None,
        };
        Ok(next)
    }

    /// Keeps track of its own records, so that the next change names the right version.
    fn learn(&mut self, attempt: &Attempt, answer: &Answer) {
        let mut model = Model { records: std::mem::take(&mut self.own), ..Model::default() };
        if answer.status < 300 {
            model.apply(self.thread, attempt, answer);
        }
        model.records.retain(|_, record| record.is_live);
        self.own = model.records;
    }

    fn grid(&mut self) -> String {
        let grids = self.page.grids();
        self.dice.one_of(&grids).clone()
    }

    /// A worker or the head of a grid.
    fn role(&mut self) -> &'static str {
        if self.dice.percent(50) { "grid_worker" } else { HEAD }
    }

    fn caller(&mut self, grid: &str) -> Result<String, Fault> {
        let role = self.role();
        self.page.token(role, Some(grid)).map(str::to_owned)
    }

    fn create(&mut self) -> (Attempt, &'static str) {
        let grid = self.grid();
        let fields = person(&mut self.dice, self.counter);
        let body = json!({
            "type": "person", "grid": grid, "fields": fields, "basis": basis(REGISTRATION),
        });
        (Attempt::Create { body }, self.role())
    }

    fn household(&mut self) -> (Attempt, &'static str) {
        let grid = self.grid();
        let address = people::address(&mut self.dice);
        let people: Vec<Value> = (1..=self.dice.between(1, 4))
            .map(|number| {
                let mut fields = person(&mut self.dice, self.counter);
                fields.insert("current_address".into(), json!(address));
                json!({
                    "ref": format!("p{number}"), "fields": fields,
                    "residence": {"occupancy_kind": "rented", "move_in_date": "2024-03-05"},
                })
            })
            .collect();
        let body = json!({
            "grid": grid, "basis": basis(REGISTRATION), "people": people,
            "fields": {"kind": "family", "size": people.len(), "current_address": address},
            "dwelling": {"fields": {"address": address, "kind": "dwelling"}},
        });
        (Attempt::Household { body }, self.role())
    }

    fn pick(&mut self, kinds: &[&str]) -> Option<(String, Record)> {
        let fitting: Vec<&String> = self
            .own
            .iter()
            .filter(|(_, record)| kinds.contains(&record.kind))
            .map(|(id, _)| id)
            .collect();
        if fitting.is_empty() {
            return None;
        }
        let id = (*self.dice.one_of(&fitting)).clone();
        self.own.get(&id).cloned().map(|record| (id, record))
    }

    fn patch(&mut self) -> Option<(Attempt, &'static str)> {
        let (id, record) = self.pick(&["person", "event"])?;
        let mut fields = Map::new();
        if record.kind == "event" {
            let note = format!("第{}次处置，已回访", self.dice.below(1_000_000));
            fields.insert("handling_note".into(), json!(note));
        } else {
            match self.dice.below(4) {
                0 => fields.insert("phone".into(), json!(people::phone(&mut self.dice))),
                1 => fields.insert("phone".into(), Value::Null),
                2 => {
                    let number = people::citizen(REGION, next(self.counter)).0;
                    fields.insert("id_number".into(), json!(number))
                }
                _ => fields.insert("name".into(), json!(people::name(&mut self.dice))),
            };
            let address = people::address(&mut self.dice);
            fields.insert("current_address".into(), json!(address));
        }
        Some((Attempt::Patch { id, version: record.version, fields }, self.role()))
    }

    fn delete(&mut self) -> Option<(Attempt, &'static str)> {
        let (id, record) = self.pick(&["person", "event"])?;
        Some((Attempt::Delete { id, version: record.version }, HEAD))
    }

    fn read(&mut self) -> Result<Option<Next>, Fault> {
        let kinds = ["person", "event", "household", "place", "residence"];
        let Some((id, record)) = self.pick(&kinds) else { return Ok(None) };
        let token = self.caller(&record.grid)?;
        let fields: Vec<String> = record.fields.keys().cloned().collect();
        let ask = read_of(&id, &record, &token);
        Ok(Some(Next { attempt: Attempt::Read { id, fields }, said: None, ask }))
    }

    fn matches(&mut self) -> Result<Option<Next>, Fault> {
        let own = &self.own;
        let held = |id: &str, value: &str| {
            own.get(id).is_some_and(|record| record.id_number.as_deref() == Some(value))
        };
        self.matched.retain(|(id, value, _)| held(id, value));
        if self.matched.is_empty() {
            return Ok(None);
        }
        let (_, value, token) = self.dice.one_of(&self.matched).clone();
        let ask = match_of(&value, &token);
        Ok(Some(Next { attempt: Attempt::Match { value }, said: None, ask }))
    }

    /// The neighbour, a change of an old version, or an officer who sees no record.
    fn denial(&mut self) -> Result<Option<Next>, Fault> {
        let Some((id, record)) = self.pick(&["person"]) else { return Ok(None) };
        let (ask, status) = match self.dice.below(3) {
            0 => {
                let grids: Vec<String> =
                    self.page.grids().into_iter().filter(|grid| *grid != record.grid).collect();
                let neighbour = self.dice.one_of(&grids).clone();
                (read_of(&id, &record, &self.caller(&neighbour)?), 404)
            }
            1 => {
                let token = self.caller(&record.grid)?;
                let ask = Ask::new("PATCH", format!("/v1/records/{id}"), &token)
                    .purpose(record.purpose)
                    .version(record.version + 7)
                    .json(&json!({"fields": {"name": "无人"}}));
                (ask, 412)
            }
            _ => (read_of(&id, &record, self.page.token("compliance_auditor", None)?), 403),
        };
        Ok(Some(Next { attempt: Attempt::Denial { id, status }, said: None, ask }))
    }
}

/// The request of a write, the same each time that it is made; `None` for what is no write.
pub fn write_of(
    page: &Page,
    attempt: &Attempt,
    said: &Said,
    records: &BTreeMap<String, Record>,
) -> Result<Option<Ask>, Fault> {
    let (grid, purpose) = match attempt {
        Attempt::Create { body } | Attempt::Household { body } => {
            (body["grid"].as_str().unwrap_or_default(), purpose_of(body))
        }
        Attempt::Patch { id, .. } | Attempt::Delete { id, .. } => {
            let record = records.get(id).ok_or(Fault::Malformed("a client's list"))?;
            (record.grid.as_str(), record.purpose)
        }
        Attempt::Read { .. } | Attempt::Match { .. } | Attempt::Denial { .. } => return Ok(None),
    };
    let token = page.token(&said.role, Some(grid))?;
    let ask = match attempt {
        Attempt::Household { body } => Ask::new("POST", "/v1/households", token).json(body),
        Attempt::Create { body } => Ask::new("POST", "/v1/records", token).json(body),
        Attempt::Patch { id, version, fields } => {
            let ask = Ask::new("PATCH", format!("/v1/records/{id}"), token).version(*version);
            ask.json(&json!({"fields": fields}))
        }
        Attempt::Delete { id, version } => {
            let ask = Ask::new("DELETE", format!("/v1/records/{id}"), token).version(*version);
            ask.json(&json!({"reason": "重复采集"}))
        }
        Attempt::Read { .. } | Attempt::Match { .. } | Attempt::Denial { .. } => return Ok(None),
    };
    Ok(Some(ask.purpose(purpose).header("idempotency-key", said.key.as_str())))
}

/// A read of every field that may be read in clear.
pub fn read_of(id: &str, record: &Record, token: &str) -> Ask {
    let names: Vec<&str> = record.fields.keys().map(String::as_str).collect();
    Ask::new("GET", format!("/v1/records/{id}?fields={}", names.join(",")), token)
        .purpose(record.purpose)
}

/// A match of a citizen number.
pub fn match_of(value: &str, token: &str) -> Ask {
    Ask::new("POST", "/v1/records/match", token)
        .purpose(REGISTRATION)
        .json(&json!({"type": "person", "field": "id_number", "value": value}))
}

fn next(counter: &AtomicU32) -> u32 {
    counter.fetch_add(1, Ordering::Relaxed)
}

fn person(dice: &mut Dice, counter: &AtomicU32) -> Map<String, Value> {
    let (id_number, birth_date) = people::citizen(REGION, next(counter));
    let fields = json!({
        "name": people::name(dice), "id_number": id_number, "birth_date": birth_date,
        "phone": people::phone(dice), "current_address": people::address(dice),
        "sex": if dice.percent(50) { "1" } else { "2" }, "move_in_date": "2019-08-01",
        "residence_kind": "registered_resident", "source": "stated_in_person",
    });
    fields.as_object().cloned().unwrap_or_default()
}
