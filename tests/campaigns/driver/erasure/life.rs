//! A vault's life over HTTP: people are stored, some are erased, the others change, and everybody is read again.
//! Never more than its staff may do: a worker for each grid, a desk of the street, the protection officer.
//! Names, numbers and telephones exist nowhere else, so they can be looked for.

use crate::client::{Ask, Client};
use crate::desk::Desk;
use crate::dice::Dice;
use crate::enrolment::{confirm, ready};
use crate::fault::Fault;
use crate::people::{citizen, phone};
use crate::planted::markers::{Kind, Marker};
use crate::tally::Tally;
use crate::town::Town;
use crate::vault::prepend;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const PURPOSE: &str = "residence_registration";
const RIGHTS: &str = "rights_request";
/// Characters that number a name: one for each hexadecimal digit.
const DIGITS: [char; 16] = [
    '甪', '冘', '呣', '圐', '囸', '夯', '嫑', '孬', '彧', '忈', '枛', '烎', '玊', '畾', '祘', '竒',
];
/// The smallest segment, in bytes: so a small vault has several, and a snapshot.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
/// Grids that people live in, at most.
const GRIDS_COUNT_MAX: usize = 8;
/// People that are printed where they do not read as before.
const OTHERS_PRINTED_MAX: usize = 5;
/// People whose telephones are asked for, of those who stay and of the erased.
const FOUND_COUNT_MAX: usize = 40;
/// How often everybody who stays changes.
const ROUNDS_COUNT: usize = 3;

/// Somebody in the vault.
pub struct Person {
    pub id: String,
    pub subject: String,
    grid: usize,
    name: String,
    number: String,
    phone: String,
}

impl Person {
    /// What must be found nowhere in clear.
    pub fn markers(&self) -> [Marker; 3] {
        let marker = |kind, text: &str| Marker { kind, text: text.to_owned() };
        [
            marker(Kind::Name, &self.name),
            marker(Kind::IdNumber, &self.number),
            marker(Kind::Phone, &self.phone),
        ]
    }

    /// What it can be found by: match group and value.
    pub fn matched(&self) -> [(&'static str, &str); 2] {
        [("id_number", &self.number), ("phone", &self.phone)]
    }
}

/// Who works: the grids, ids, and the tokens of now.
pub struct Staff {
    grids: Vec<String>,
    ids: BTreeMap<String, String>,
    tokens: BTreeMap<String, String>,
}

/// A vault and everybody in it.
pub struct Life {
    pub town: Town,
    pub staff: Staff,
    pub people: Vec<Person>,
}

/// Small segments, a snapshot as soon as one is closed, and a ledger of erasures on another disk.
pub fn configure(directory: &Path, ledger: &Path) -> Result<(), Fault> {
    let settings = format!(
        "journal_segment_bytes = {SEGMENT_BYTES}\nsnapshot_journal_bytes = {SEGMENT_BYTES}\nsnapshots_kept = 1\n\
         erasure_ledger = {:?}\n",
        ledger.display().to_string()
    );
    prepend(directory, &settings)
}

/// Names the directory of policies in the configuration of a vault.
pub fn name_policies(directory: &Path, policies: &Path) -> Result<(), Fault> {
    prepend(directory, &format!("policies = {:?}\n", policies.display().to_string()))
}

fn word(value: &Value) -> Result<String, Fault> {
    value.as_str().map(str::to_owned).ok_or(Fault::Malformed("an answer"))
}

impl Staff {
    fn enrol(desk: &Desk, town: &Town) -> Result<Staff, Fault> {
        let tree: Value = serde_json::from_str(&desk.read("territory.json")?)
            .map_err(|_| Fault::Malformed("the tree of grids"))?;
        let grids = tree["grids"].as_array().into_iter().flatten();
        let grids = grids.filter(|grid| grid["host_grid"].is_null()).take(GRIDS_COUNT_MAX);
        let grids = grids.map(|grid| word(&grid["code"])).collect::<Result<Vec<_>, Fault>>()?;
        let street = grids.first().and_then(|grid| grid.get(..9)).unwrap_or_default().to_owned();
        let client = Client::new(town.url());
        let (ids, tokens) = (BTreeMap::new(), BTreeMap::new());
        let mut staff = Staff { grids, ids, tokens };
        for (at, grid) in staff.grids.clone().iter().enumerate() {
            staff.add(town, &client, &format!("worker-{at}"), "grid_worker", Some(grid))?;
        }
        staff.add(town, &client, "desk", "resident_desk", Some(&street))?;
        staff.add(town, &client, "officer", "protection_officer", None)?;
        Ok(staff)
    }

    fn add(
        &mut self,
        town: &Town,
        client: &Client,
        login: &str,
        role: &str,
        area: Option<&str>,
    ) -> Result<(), Fault> {
        let body = json!({"login": login, "kind": "person", "assignments": [ready(role, area)]});
        let ask = Ask::new("POST", "/v1/admin/actors", &town.security_admin).json(&body);
        let added = client.must(&ask, 201)?;
        confirm(client, &town.audit_admin, &added["id"])?;
        self.ids.insert(login.to_owned(), word(&added["id"])?);
        self.tokens.insert(login.to_owned(), town.enrol(client, &word(&added["code"])?)?);
        Ok(())
    }

    fn token(&self, login: &str) -> Result<&str, Fault> {
        self.tokens.get(login).map(String::as_str).ok_or(Fault::Malformed("the staff"))
    }

    fn worker(&self, person: &Person) -> Result<&str, Fault> {
        self.token(&format!("worker-{}", person.grid))
    }

    /// Everybody's token under the vault's new name but the officer's, whom no single administrator gives one: erased is
    /// before alone.
    fn again(mut self, town: &Town) -> Result<Staff, Fault> {
        let client = Client::new(town.url());
        self.tokens.remove("officer");
        for (login, token) in &mut self.tokens {
            let path = format!("/v1/admin/actors/{}/tokens", self.ids[login]);
            let ask = Ask::new("POST", path, &town.security_admin).json(&json!({}));
            *token = word(&client.must(&ask, 201)?["token"])?;
        }
        Ok(self)
    }
}

impl Life {
    /// Makes a vault and stores people.
    pub fn begin(desk: &Desk, persons: usize) -> Result<Life, Fault> {
        let town = Town::make(desk)?;
        let staff = Staff::enrol(desk, &town)?;
        let (client, mut dice) = (Client::new(town.url()), Dice::new(31, 0));
        let mut people = Vec::with_capacity(persons);
        for counter in 0..persons {
            let grid = counter % staff.grids.len();
            let (number, born) = citizen("880109", u32::try_from(counter).unwrap_or(u32::MAX));
            let digit = |shift: usize| DIGITS[counter >> shift & 15];
            let name = format!("欧阳{}{}{}", digit(8), digit(4), digit(0));
            let phone = phone(&mut dice);
            let body = json!({
                "type": "person", "grid": staff.grids[grid],
                "fields": {"name": name, "phone": phone, "id_number": number, "birth_date": born},
                "basis": {
                    "purpose": PURPOSE, "legal_basis": "residence_permit_duty",
                    "notice": format!("{PURPOSE}_notice_1"),
                },
            });
            let token = staff.token(&format!("worker-{grid}"))?;
            let ask = Ask::new("POST", "/v1/records", token).purpose(PURPOSE).json(&body);
            let stored = client.must(&ask, 201)?;
            let (id, subject) = (word(&stored["id"])?, word(&stored["subject"])?);
            people.push(Person { id, subject, grid, name, number, phone });
        }
        Ok(Life { town, staff, people })
    }

    /// The same staff in the vault that was made of a backup.
    pub fn after_restore(town: Town, staff: Staff) -> Result<Life, Fault> {
        let staff = staff.again(&town)?;
        Ok(Life { town, staff, people: Vec::new() })
    }

    /// Erases people: the desk asks, the officer agrees, the desk carries it out. Gives how many.
    pub fn erase(&self, gone: &[Person]) -> Result<usize, Fault> {
        let client = Client::new(self.town.url());
        let (desk, officer) = (self.staff.token("desk")?, self.staff.token("officer")?);
        let body = json!({"reason": "purpose_met", "by": "self", "proof": "resident_card"});
        for person in gone {
            let path = format!("/v1/subjects/{}/erase", person.subject);
            let asked =
                client.must(&Ask::new("POST", path, desk).purpose(RIGHTS).json(&body), 201)?;
            let id = word(&asked["id"])?;
            let path = format!("/v1/approvals/{id}/decide");
            client
                .must(&Ask::new("POST", path, officer).json(&json!({"decision": "grant"})), 200)?;
            let path = format!("/v1/erasures/{id}/carry-out");
            let done = client.must(&Ask::new("POST", path, desk).purpose(RIGHTS), 200)?;
            if !done["destroyed"].is_u64() {
                return Err(Fault::Refused(format!("keys are not destroyed: {done}")));
            }
        }
        Ok(gone.len())
    }

    /// Life goes on: who stays changes, and the journal with it, until a snapshot takes its place.
    pub fn go_on(&self, staying: &[Person]) -> Result<(), Fault> {
        let client = Client::new(self.town.url());
        for round in 0..ROUNDS_COUNT {
            for person in staying {
                let version = u64::try_from(round).unwrap_or(0) + 1;
                let path = format!("/v1/records/{}", person.id);
                // The same value, sealed anew: what is looked for stays what it is.
                let body = json!({"fields": {"phone": person.phone}});
                let ask = Ask::new("PATCH", path, self.staff.worker(person)?);
                client.must(&ask.purpose(PURPOSE).version(version).json(&body), 200)?;
            }
        }
        Ok(())
    }

    /// Everybody who stays reads as before, and nobody who was erased.
    pub fn judge(
        &self,
        what: &str,
        gone: &[Person],
        staying: &[Person],
        tally: &mut Tally,
    ) -> Result<(), Fault> {
        let client = Client::new(self.town.url());
        let read = |person: &Person| {
            let path = format!("/v1/records/{}?fields=name,phone", person.id);
            let ask = Ask::new("GET", path, self.staff.worker(person)?).purpose(PURPOSE);
            client.send(&ask)
        };
        let mut other = Vec::new();
        for person in staying {
            let reply = read(person)?;
            let fields = &reply.json()["fields"];
            if fields["name"] != *person.name || fields["phone"] != *person.phone {
                other.push(format!("{}: {} {}", person.id, reply.status, reply.json()));
            }
        }
        let read_again = format!("{} people", staying.len() - other.len());
        tally.check(
            &format!("{what}: who stays reads as before"),
            if other.is_empty() {
                Ok(read_again)
            } else {
                other.truncate(OTHERS_PRINTED_MAX);
                Err(format!("only {read_again}; {}", other.join("\n")))
            },
        );
        let mut answers: BTreeMap<String, usize> = BTreeMap::new();
        for person in gone {
            let reply = read(person)?;
            let answer = format!("{} {}", reply.status, reply.json()["code"]);
            *answers.entry(answer).or_default() += 1;
        }
        let erased = answers.keys().all(|answer| answer == "410 \"erased\"");
        let said = format!("{answers:?}");
        tally.holds(&format!("{what}: who was erased stays erased"), erased, said);
        self.judge_found(what, gone, staying, tally)
    }

    /// Whether who stays is found by its telephone, and who was erased is not: of a few, because a post may ask for so many.
    fn judge_found(
        &self,
        what: &str,
        gone: &[Person],
        staying: &[Person],
        tally: &mut Tally,
    ) -> Result<(), Fault> {
        let client = Client::new(self.town.url());
        let count = |people: &[Person]| -> Result<usize, Fault> {
            let mut found = 0;
            for person in people.iter().take(FOUND_COUNT_MAX) {
                let body = json!({"type": "person", "field": "phone", "value": person.phone});
                let ask = Ask::new("POST", "/v1/records/match", self.staff.worker(person)?);
                let held = client.must(&ask.purpose(PURPOSE).json(&body), 200)?["held"] == true;
                found += usize::from(held);
            }
            Ok(found)
        };
        let (stay, erased) = (count(staying)?, count(gone)?);
        let said = format!("{stay} of those who stay, {erased} of the erased");
        let right = stay == staying.len().min(FOUND_COUNT_MAX) && erased == 0;
        tally.holds(
            &format!("{what}: who stays is found by its telephone, and nobody else"),
            right,
            said,
        );
        Ok(())
    }
}
