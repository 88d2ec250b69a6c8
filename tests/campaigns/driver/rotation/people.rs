//! Who works while keys are replaced: readers over the people of every grid, and somebody who changes them.
//! Never asks for more than its post may see, so an answer other than the expected one is a fault of the vault.
//! What was written last is remembered, and looked for at the end.

use crate::client::{Ask, Client};
use crate::dice::Dice;
use crate::fault::Fault;
use crate::page::Page;
use crate::people::phone;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PURPOSE: &str = "residence_registration";
/// People of each grid, at most: so few that no limit of looks is met.
const PEOPLE_OF_A_GRID_MAX: usize = 20;
/// Threads that read.
const READERS_COUNT: usize = 3;
/// Faults that are printed.
const FAULTS_PRINTED_MAX: usize = 3;

/// Somebody, and what was written of it last.
struct Person {
    grid: String,
    id: String,
    version: u64,
    /// Nothing where its telephone is not to be changed for this purpose alone.
    phone: Option<String>,
}

/// Everybody who is read, and who is changed.
pub struct People {
    all: Vec<Person>,
    dice: Dice,
    /// Whoever is changed next.
    turn: usize,
}

/// What people met.
#[derive(Default)]
pub struct Figures {
    took_micros: Vec<u64>,
    writes: usize,
    faults: Vec<String>,
    lasted: Duration,
}

impl People {
    /// The first people of every grid, as its worker lists them, each changed once where it can be.
    pub fn of(page: &Page) -> Result<People, Fault> {
        let client = Client::new(&page.url);
        let mut all = Vec::new();
        for grid in page.grids() {
            let token = page.token("grid_worker", Some(&grid))?;
            let body = json!({
                "type": "person", "grid": grid, "fields": ["phone"], "limit": PEOPLE_OF_A_GRID_MAX,
            });
            let ask = Ask::new("POST", "/v1/records/query", token).purpose(PURPOSE).json(&body);
            let page = client.must(&ask, 200)?;
            let items = page["items"].as_array().into_iter().flatten();
            // Whoever has none cannot be given one for this purpose alone.
            for item in items.filter(|item| item["fields"]["phone"].is_string()) {
                let id = item["id"].as_str().ok_or(Fault::Malformed("a page"))?.to_owned();
                let version = item["version"].as_u64().ok_or(Fault::Malformed("a page"))?;
                all.push(Person { grid: grid.clone(), id, version, phone: None });
            }
        }
        let mut dice = Dice::new(11, 0);
        for person in &mut all {
            let phone = phone(&mut dice);
            // A child's, for one, is held on another basis.
            if let Ok(version) = change(&client, page, person, person.version, &phone) {
                (person.version, person.phone) = (version, Some(phone));
            }
        }
        if all.iter().all(|person| person.phone.is_none()) {
            return Err(Fault::Malformed("a page"));
        }
        Ok(People { all, dice, turn: 0 })
    }

    /// Reads and writes for a time.
    pub fn work(&mut self, page: &Page, lasting: Duration) -> Result<Figures, Fault> {
        let stop = AtomicBool::new(false);
        let People { all, dice, turn } = self;
        let (reads, written) = {
            let (shared, stop) = (&*all, &stop);
            std::thread::scope(|scope| {
                let readers: Vec<_> = (0..READERS_COUNT)
                    .map(|reader| scope.spawn(move || read(page, shared, reader, stop)))
                    .collect();
                let writer = scope.spawn(|| write(page, shared, turn, dice, stop));
                std::thread::sleep(lasting);
                stop.store(true, Ordering::Release);
                let reads = readers.into_iter().map(|reader| reader.join().map_err(|_| PANICKED));
                (reads.collect::<Vec<_>>(), writer.join().map_err(|_| PANICKED))
            })
        };
        let mut figures = Figures { lasted: lasting, ..Figures::default() };
        for reader in reads {
            let (took, faults) = reader?;
            figures.took_micros.extend(took);
            figures.faults.extend(faults);
        }
        let (changes, faults) = written?;
        figures.writes = changes.len();
        figures.faults.extend(faults);
        for (at, version, phone) in changes {
            (all[at].version, all[at].phone) = (version, Some(phone));
        }
        Ok(figures)
    }

    /// Whether everybody who was changed reads as it was changed last.
    pub fn judge(&self, page: &Page) -> Result<Result<String, String>, Fault> {
        let client = Client::new(&page.url);
        let (mut same, mut other) = (0, 0);
        for person in self.all.iter().filter(|person| person.phone.is_some()) {
            let ask = of_person(page, person)?;
            let shown = client.must(&ask, 200)?;
            let as_written = shown["version"].as_u64() == Some(person.version)
                && shown["fields"]["phone"].as_str() == person.phone.as_deref();
            if as_written { same += 1 } else { other += 1 }
        }
        let said = format!("{same} people, {other} otherwise");
        Ok(if other == 0 && same > 0 { Ok(said) } else { Err(said) })
    }
}

impl People {
    /// Whether everybody who was changed is found by the telephone that was written last.
    pub fn judge_found(&self, page: &Page) -> Result<Result<String, String>, Fault> {
        let client = Client::new(&page.url);
        let (mut found, mut missed) = (0, 0);
        for person in &self.all {
            let Some(phone) = &person.phone else { continue };
            let token = page.token("grid_worker", Some(&person.grid))?;
            let body = json!({"type": "person", "field": "phone", "value": phone});
            let ask = Ask::new("POST", "/v1/records/match", token).purpose(PURPOSE).json(&body);
            let held = client.must(&ask, 200)?["held"] == true;
            if held { found += 1 } else { missed += 1 }
        }
        let said = format!("{found} people, {missed} not");
        Ok(if missed == 0 && found > 0 { Ok(said) } else { Err(said) })
    }
}

const PANICKED: Fault = Fault::Malformed("a thread of the campaign");

fn of_person(page: &Page, person: &Person) -> Result<Ask, Fault> {
    let token = page.token("grid_worker", Some(&person.grid))?;
    let path = format!("/v1/records/{}?fields=name,phone", person.id);
    Ok(Ask::new("GET", path, token).purpose(PURPOSE))
}

/// Reads everybody in turn; gives what each read took, and what went wrong.
fn read(
    page: &Page,
    people: &[Person],
    reader: usize,
    stop: &AtomicBool,
) -> (Vec<u64>, Vec<String>) {
    let client = Client::new(&page.url);
    let (mut took, mut faults) = (Vec::new(), Vec::new());
    for person in people.iter().cycle().skip(reader * people.len() / READERS_COUNT) {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let begun = Instant::now();
        let answer = of_person(page, person).and_then(|ask| client.must(&ask, 200));
        match answer {
            Ok(answer) if answer["fields"]["phone"].is_string() => {
                took.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            Ok(answer) => faults.push(format!("no telephone: {}", answer["withheld"])),
            Err(fault) => faults.push(fault.to_string()),
        }
    }
    (took, faults)
}

/// A change that was acknowledged: whose, the version, the telephone.
type Changed = (usize, u64, String);

fn write(
    page: &Page,
    people: &[Person],
    turn: &mut usize,
    dice: &mut Dice,
    stop: &AtomicBool,
) -> (Vec<Changed>, Vec<String>) {
    let client = Client::new(&page.url);
    let mut versions: Vec<u64> = people.iter().map(|person| person.version).collect();
    let (mut changes, mut faults) = (Vec::new(), Vec::new());
    while !stop.load(Ordering::Acquire) {
        let at = *turn % people.len();
        *turn += 1;
        if people[at].phone.is_none() {
            continue;
        }
        let phone = phone(dice);
        match change(&client, page, &people[at], versions[at], &phone) {
            Ok(version) => {
                versions[at] = version;
                changes.push((at, version, phone));
            }
            Err(fault) => faults.push(fault.to_string()),
        }
    }
    (changes, faults)
}

fn change(
    client: &Client,
    page: &Page,
    person: &Person,
    version: u64,
    phone: &str,
) -> Result<u64, Fault> {
    let token = page.token("grid_worker", Some(&person.grid))?;
    let ask = Ask::new("PATCH", format!("/v1/records/{}", person.id), token).purpose(PURPOSE);
    let body: Value = json!({"fields": {"phone": phone}});
    let done = client.must(&ask.version(version).json(&body), 200)?;
    done["version"].as_u64().ok_or(Fault::Malformed("a change"))
}

impl Figures {
    /// Adds what was met at another time.
    pub fn add(&mut self, other: Figures) {
        self.took_micros.extend(other.took_micros);
        self.writes += other.writes;
        self.faults.extend(other.faults);
        self.lasted += other.lasted;
    }

    /// Well where everybody was answered, and somebody was.
    pub fn outcome(&self) -> Result<String, String> {
        let (reads, faults) = (self.took_micros.len(), self.faults.len());
        let said = format!("{reads} reads, {} writes, {faults} not answered", self.writes);
        match faults == 0 && reads > 0 && self.writes > 0 {
            true => Ok(said),
            false => {
                let some: Vec<&str> =
                    self.faults.iter().take(FAULTS_PRINTED_MAX).map(String::as_str).collect();
                Err(format!("{said}: {}", some.join("; ")))
            }
        }
    }

    /// Reads a second.
    pub fn rate(&self) -> f64 {
        self.took_micros.len() as f64 / self.lasted.as_secs_f64()
    }

    /// What so great a part of the reads took at most, in microseconds.
    pub fn micros(&self, part: f64) -> f64 {
        let mut sorted = self.took_micros.clone();
        sorted.sort_unstable();
        let at = (sorted.len() as f64 * part) as usize;
        sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default() as f64
    }
}
