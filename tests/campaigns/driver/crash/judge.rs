//! Judges a vault that came back, by the client's list: what was acknowledged, what was under way, what the log says.
//! Never forgives: an answer without its entry, an entry without its write and half a write all fail the round.
//! What it reads itself is owed an entry too, and is looked for after the next crash.

use super::examiners::Examiners;
use super::list::{Attempt, Tried};
use super::model::{Model, Record};
use super::round::Round;
use crate::client::{Ask, Client, Reply, receipt};
use crate::dice::Dice;
use crate::fault::Fault;
use crate::log::{Entry, entries};
use crate::page::Page;
use serde_json::Value;
use std::collections::HashMap;

/// Requests of the judge at once.
const JUDGES_COUNT: usize = 6;

/// What a round came to.
#[derive(Default)]
pub struct Verdict {
    /// What is wrong, one line each.
    pub failures: Vec<String>,
    /// Answers that the client had.
    pub acknowledged: u64,
    /// Attempts without an answer.
    pub under_way: u64,
    /// Writes among those that are there whole.
    pub whole: u64,
    /// Writes among those that left nothing.
    pub absent: u64,
    /// Records read and numbers matched by the judge.
    pub looked_at: u64,
}

/// An entry that must exist.
pub struct Owed {
    /// Its index.
    pub index: u64,
    /// Its leaf hash; a refusal names its entry by index alone.
    pub leaf: Option<[u8; 32]>,
    /// Its family and action.
    pub event: &'static str,
    /// Whose handles it names, in order.
    pub records: Vec<String>,
}

/// The judge of one vault.
#[derive(Default)]
pub struct Judge {
    /// What must be there.
    pub model: Model,
    /// Who asks for numbers.
    pub examiners: Examiners,
    /// What the log must hold.
    pub owed: Vec<Owed>,
    /// Numbers that were matched, by thread of their record: record, number, token.
    pub matched: HashMap<usize, Vec<(String, String, String)>>,
}

impl Judge {
    /// Takes what a fresh vault holds as given.
    pub fn begin(page: &Page) -> Result<Judge, Fault> {
        let mut judge = Judge::default();
        let last = probe(page, &Client::new(&page.url))?;
        for entry in entries(page, 0, last)? {
            let _fresh = follow(&mut judge.model, &entry);
        }
        judge.model.next_index = last + 1;
        Ok(judge)
    }

    /// Judges one round. With `everything`, every record is read again, not only those of the round.
    pub fn judge(
        &mut self,
        page: &Page,
        tried: Vec<Tried>,
        dice: &mut Dice,
        everything: bool,
    ) -> Result<Verdict, Fault> {
        Round::new(self, page).judge(tried, dice, everything)
    }

    /// Remembers an entry that must exist.
    pub fn owe(
        &mut self,
        index: u64,
        leaf: Option<[u8; 32]>,
        event: &'static str,
        records: Vec<String>,
    ) {
        self.owed.push(Owed { index, leaf, event, records });
    }
}

/// The status and the event that an attempt must come to.
pub fn expected(attempt: &Attempt) -> (u16, &'static str) {
    match attempt {
        Attempt::Create { .. } => (201, "data.create"),
        Attempt::Household { .. } => (201, "data.household"),
        Attempt::Patch { .. } => (200, "data.update"),
        Attempt::Delete { .. } => (200, "data.delete"),
        Attempt::Read { .. } => (200, "data.read"),
        Attempt::Match { .. } => (200, "data.match"),
        Attempt::Denial { status, .. } => (*status, "access.denied"),
    }
}

/// Whether an entry records a write of data.
pub fn is_write(entry: &Entry) -> bool {
    let event = entry.event();
    ["data.create", "data.household", "data.update", "data.delete"].contains(&event.as_str())
}

/// Takes a write of the log into the chain of versions.
pub fn follow(model: &mut Model, entry: &Entry) -> Result<(), String> {
    if !is_write(entry) {
        return Ok(());
    }
    let (event, index) = (entry.event(), entry.index);
    if event == "data.create" || event == "data.household" {
        for handle in entry.handles() {
            if model.chain.insert(handle, (1, false)).is_some() {
                return Err(format!("entry {index} creates a record that was there"));
            }
        }
        return Ok(());
    }
    let handle = entry.handles().into_iter().next().unwrap_or_default();
    let held = model.chain.get(&handle).copied();
    let (before, after) = entry.versions().unwrap_or_default();
    if held != Some((before, false)) || after != before + 1 {
        return Err(format!("entry {index} takes {before} to {after}, and the log had {held:?}"));
    }
    model.chain.insert(handle, (after, event == "data.delete"));
    Ok(())
}

/// Whether an answer shows exactly what was acknowledged.
pub fn compare(record: &Record, answer: &Value) -> Result<(), String> {
    if answer["version"].as_u64() != Some(record.version) {
        return Err(format!("version {}, not {}", answer["version"], record.version));
    }
    let shown = answer["fields"].as_object().cloned().unwrap_or_default();
    for (name, value) in &record.fields {
        if shown.get(name) != Some(value) {
            return Err(format!("{name} is {:?}, not {value}", shown.get(name)));
        }
    }
    let partly = |name: &str| answer[name].as_array().is_some_and(|list| !list.is_empty());
    if partly("masked") || partly("withheld") {
        return Err("something is masked or withheld".to_owned());
    }
    Ok(())
}

/// A read whose entry lies behind everything that was recovered; gives its index.
pub fn probe(page: &Page, client: &Client) -> Result<u64, Fault> {
    let token = page.token("grid_worker", Some(&page.sample.grid))?;
    let path = format!("/v1/records/{}?fields=name", page.sample.record);
    let answer = client.must(&Ask::new("GET", path, token).purpose(&page.sample.purpose), 200)?;
    receipt(&answer).map(|receipt| receipt.index).ok_or(Fault::Malformed("a receipt"))
}

/// Sends all requests, some at once; the replies come in their order.
pub fn send_all(url: &str, asks: &[&Ask]) -> Result<Vec<Reply>, Fault> {
    let share = asks.len().div_ceil(JUDGES_COUNT).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = asks
            .chunks(share)
            .map(|chunk| {
                scope.spawn(move || {
                    let client = Client::new(url);
                    chunk.iter().map(|ask| client.send(ask)).collect::<Result<Vec<_>, Fault>>()
                })
            })
            .collect();
        let mut replies = Vec::with_capacity(asks.len());
        for thread in threads {
            let part = thread.join().map_err(|_| Fault::Malformed("a thread of the judge"))?;
            replies.extend(part?);
        }
        Ok(replies)
    })
}
