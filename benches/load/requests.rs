//! What the load asks: reads, writes and matches by ten thousand workers, each in the own grid.
//! Never counts an answer of another status than the expected one, and looks into some of the bodies.
//! The same requests go to the bare endpoint, with the same headers, for an answer of the same size.

use super::Fallible;
use super::generator::Source;
use super::people::{self, READ_FIELDS};
use super::prepared::{Prepared, post};
use serde_json::Value;
use std::io::Write as _;

/// Records of a page, and the fields of each.
pub const PAGE_COUNT: u64 = 100;
const QUERY_FIELDS: &str = r#""name","phone","current_address","birth_date""#;
/// One answer in so many is looked into.
const LOOKED_INTO: u64 = 128;
/// Numbers that one worker matches: 80 distinct ones a day are allowed.
const MATCHED_COUNT: u64 = 40;
/// Written records that are read back at the end.
const READ_BACK_COUNT: usize = 256;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// `GET /v1/records/{id}`: eight fields of three sections.
    Read,
    /// `POST /v1/records`: a person of eleven fields, five sections, two blind indexes.
    Write,
    /// `POST /v1/records/match`: a citizen number that is held.
    Match,
    /// `POST /v1/records/query`: a page of a hundred people of the own grid, four fields of each, masked.
    Query,
}

impl Kind {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Read => "read",
            Kind::Write => "write",
            Kind::Match => "match",
            Kind::Query => "query",
        }
    }

    fn status(self) -> u16 {
        if self == Kind::Write { 201 } else { 200 }
    }
}

/// Where the load finds its people and its chance; kept from window to window.
pub struct Asker<'a> {
    prepared: &'a Prepared,
    dice: u64,
    next_person: u64,
    /// People that are asked for: the first so many.
    working: usize,
    answered: u64,
    /// Number, grid and id of some of the written records.
    written: Vec<(u64, usize, String)>,
}

impl<'a> Asker<'a> {
    /// With people that are not stored yet from the number of records on.
    pub fn new(prepared: &'a Prepared) -> Asker<'a> {
        Asker {
            prepared,
            dice: 0x9e37_79b9_7f4a_7c15,
            next_person: prepared.records.len() as u64,
            working: prepared.records.len(),
            answered: 0,
            written: Vec::new(),
        }
    }

    /// Asks for the first so many people alone.
    pub fn within(self, working: usize) -> Asker<'a> {
        Asker { working, ..self }
    }

    /// Marsaglia's xorshift: cheap, and good enough to spread a load.
    fn below(&mut self, bound: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice % bound as u64) as usize
    }

    /// A worker and its grid.
    fn worker(&mut self) -> (usize, usize) {
        let worker = self.below(self.prepared.workers.len());
        (worker, worker % self.prepared.grids.len())
    }

    /// A stored person of a grid.
    fn person(&mut self, grid: usize) -> usize {
        let grids = self.prepared.grids.len();
        let of_grid = (self.working - 1 - grid) / grids + 1;
        grid + grids * self.below(of_grid)
    }

    /// Requests of one kind to the vault.
    pub fn of_vault(&mut self, kind: Kind) -> ToVault<'_, 'a> {
        ToVault { asker: self, kind }
    }

    /// As many requests to the bare endpoint.
    pub fn of_bare(&mut self, kind: Kind, answer_bytes: usize) -> ToBare<'_, 'a> {
        ToBare { asker: self, kind, answer_bytes }
    }

    /// Batches of so many people.
    pub fn batches(&mut self, lines: usize) -> Batches<'_, 'a> {
        Batches { asker: self, lines }
    }

    /// The next person that is not stored yet, of a grid: numbers and grids go together everywhere.
    fn fresh(&mut self, grid: usize) -> u64 {
        let grids = self.prepared.grids.len() as u64;
        let round = self.next_person / grids + 1;
        self.next_person = (round + 1) * grids;
        round * grids + grid as u64
    }

    /// One read by each worker, so that no window pays for the first look at a token.
    pub fn each_worker(&self) -> EachWorker<'a> {
        EachWorker { prepared: self.prepared, asked: 0 }
    }

    /// One read of each of the first so many people.
    pub fn all_read(&self, count: usize) -> AllRead<'a> {
        AllRead { prepared: self.prepared, count, asked: 0 }
    }

    /// A change of every field of every person, whose version is `version` so far.
    pub fn overwrite(&self, version: u64) -> Overwrite<'a> {
        Overwrite { prepared: self.prepared, version, count: self.prepared.records.len(), asked: 0 }
    }

    /// The same of the first people alone.
    pub fn overwrite_few(&self, version: u64, count: usize) -> Overwrite<'a> {
        Overwrite { count, ..self.overwrite(version) }
    }

    /// Reads what was written, by the same way as any other record.
    pub fn read_back(&mut self) -> ReadBack<'_> {
        ReadBack { prepared: self.prepared, written: std::mem::take(&mut self.written), asked: 0 }
    }
}

/// The load on the vault.
pub struct ToVault<'s, 'a> {
    asker: &'s mut Asker<'a>,
    kind: Kind,
}

fn read_request(into: &mut Vec<u8>, prepared: &Prepared, worker: usize, id: &str) {
    let head = &prepared.workers[worker].head;
    let _always_fits =
        write!(into, "GET /v1/records/{id}?fields={READ_FIELDS} HTTP/1.1\r\n{head}\r\n");
}

impl Source for ToVault<'_, '_> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        let (worker, grid) = self.asker.worker();
        let prepared = self.asker.prepared;
        let head = &prepared.workers[worker].head;
        match self.kind {
            Kind::Read => {
                let person = self.asker.person(grid);
                read_request(into, prepared, worker, &prepared.records[person]);
                Some(person as u64)
            }
            Kind::Write => {
                let number = self.asker.fresh(grid);
                post(into, "/v1/records", head, &people::body(number, &prepared.grids[grid]));
                Some(number)
            }
            Kind::Match => {
                let (grids, working) = (prepared.grids.len() as u64, self.asker.working as u64);
                let of_grid = (working - 1 - grid as u64) / grids + 1;
                let own = worker as u64 * 31 + self.asker.below(MATCHED_COUNT as usize) as u64;
                let number = grid as u64 + grids * (own % of_grid);
                let value = people::citizen_number(number);
                let body = format!(r#"{{"type":"person","field":"id_number","value":"{value}"}}"#);
                post(into, "/v1/records/match", head, &body);
                Some(number)
            }
            Kind::Query => {
                let grid_code = &prepared.grids[grid];
                let body = format!(
                    r#"{{"type":"person","grid":"{grid_code}","fields":[{QUERY_FIELDS}],"limit":{PAGE_COUNT}}}"#
                );
                post(into, "/v1/records/query", head, &body);
                Some(grid as u64)
            }
        }
    }

    fn answer(&mut self, number: u64, status: u16, body: &[u8]) -> Fallible<()> {
        if status != self.kind.status() {
            let body = String::from_utf8_lossy(body);
            return Err(format!("{}: {status} {body}", self.kind.as_str()).into());
        }
        self.asker.answered += 1;
        if !self.asker.answered.is_multiple_of(LOOKED_INTO) {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(body)?;
        let right = match self.kind {
            Kind::Read => is_person(&body, number, &self.asker.prepared.records[number as usize]),
            Kind::Write => {
                let id = body["id"].as_str().unwrap_or_default();
                if self.asker.written.len() < READ_BACK_COUNT {
                    let grid = number as usize % self.asker.prepared.grids.len();
                    self.asker.written.push((number, grid, id.to_owned()));
                }
                !id.is_empty() && body["version"] == 1 && body["receipt"]["leaf"].is_string()
            }
            Kind::Match => body["held"] == true && body["receipt"]["leaf"].is_string(),
            Kind::Query => self.is_page(&body, number),
        };
        if right { Ok(()) } else { Err(format!("{}: {body}", self.kind.as_str()).into()) }
    }
}

impl ToVault<'_, '_> {
    /// Whether a page is as full as it can be, with every value there and masked.
    fn is_page(&self, body: &Value, grid: u64) -> bool {
        let prepared = self.asker.prepared;
        let (grids, records) = (prepared.grids.len() as u64, prepared.records.len() as u64);
        let of_grid = (records - 1 - grid) / grids + 1;
        let items = body["items"].as_array().map_or(&[][..], Vec::as_slice);
        items.len() as u64 >= of_grid.min(PAGE_COUNT)
            && items.iter().all(|item| {
                let fields = item["fields"].as_object().map(serde_json::Map::len);
                fields == Some(4) && item["masked"].as_array().is_some_and(|names| names.len() == 4)
            })
            && body["receipt"]["leaf"].is_string()
    }
}

/// Whether a read gave what was stored, all of it in clear, with its receipt.
fn is_person(body: &Value, number: u64, id: &str) -> bool {
    body["id"] == id
        && body["fields"]["name"] == people::name(number)
        && body["fields"]["phone"] == format!("12{number:09}")
        && body["fields"].as_object().map(serde_json::Map::len) == Some(8)
        && body["masked"].as_array().is_some_and(Vec::is_empty)
        && body["withheld"].as_array().is_some_and(Vec::is_empty)
        && body["receipt"]["leaf"].is_string()
}

/// Batches of people, each by one worker of one grid.
pub struct Batches<'s, 'a> {
    asker: &'s mut Asker<'a>,
    /// Lines of each.
    lines: usize,
}

impl Source for Batches<'_, '_> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        let (worker, grid) = self.asker.worker();
        let prepared = self.asker.prepared;
        let mut body = String::with_capacity(self.lines * 800);
        for _ in 0..self.lines {
            let number = self.asker.fresh(grid);
            body.push_str(&people::body(number, &prepared.grids[grid]));
            body.push('\n');
        }
        let (head, length) = (&prepared.workers[worker].head, body.len());
        let _always_fits = write!(
            into,
            "POST /v1/records/batch HTTP/1.1\r\n{head}Content-Type: application/x-ndjson\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        Some(0)
    }

    fn answer(&mut self, _: u64, status: u16, body: &[u8]) -> Fallible<()> {
        let text = String::from_utf8(joined(body)?)?;
        let stored = text.matches("\"status\":201").count();
        if status == 200 && stored == self.lines {
            return Ok(());
        }
        let beginning: String = text.chars().take(400).collect();
        Err(format!("batch: {status}, {stored} of {} stored: {beginning}", self.lines).into())
    }
}

/// What came in chunks (RFC 9112 section 7.1), without their sizes.
fn joined(mut chunks: &[u8]) -> Fallible<Vec<u8>> {
    let mut joined = Vec::with_capacity(chunks.len());
    while !chunks.is_empty() {
        let end =
            chunks.iter().position(|byte| *byte == b'\r').ok_or("a chunk without its size")?;
        let size = usize::from_str_radix(std::str::from_utf8(&chunks[..end])?, 16)?;
        let chunk = chunks.get(end + 2..end + 2 + size).ok_or("a chunk that was cut")?;
        joined.extend_from_slice(chunk);
        chunks = chunks.get(end + 2 + size + 2..).unwrap_or_default();
    }
    Ok(joined)
}

/// Every worker's first request.
pub struct EachWorker<'a> {
    prepared: &'a Prepared,
    asked: usize,
}

impl Source for EachWorker<'_> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        let worker = self.asked;
        if worker == self.prepared.workers.len() {
            return None;
        }
        self.asked += 1;
        let grid = worker % self.prepared.grids.len();
        read_request(into, self.prepared, worker, &self.prepared.records[grid]);
        Some(grid as u64)
    }

    fn answer(&mut self, number: u64, status: u16, body: &[u8]) -> Fallible<()> {
        let answer: Value = serde_json::from_slice(body)?;
        if status == 200 && is_person(&answer, number, &self.prepared.records[number as usize]) {
            return Ok(());
        }
        Err(format!("a first read: {status} {answer}").into())
    }
}

/// The load on the bare endpoint.
pub struct ToBare<'s, 'a> {
    asker: &'s mut Asker<'a>,
    kind: Kind,
    answer_bytes: usize,
}

impl Source for ToBare<'_, '_> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        let (worker, _) = self.asker.worker();
        let head = &self.asker.prepared.workers[worker].head;
        let _always_fits = write!(into, "GET /{} HTTP/1.1\r\n{head}\r\n", self.kind.as_str());
        Some(0)
    }

    fn answer(&mut self, _: u64, status: u16, body: &[u8]) -> Fallible<()> {
        if status == 200 && body.len().abs_diff(self.answer_bytes) <= 4 {
            return Ok(());
        }
        Err(format!("bare {}: {status}, {} bytes", self.kind.as_str(), body.len()).into())
    }
}

/// Each person once, by a worker of its grid.
pub struct AllRead<'a> {
    prepared: &'a Prepared,
    count: usize,
    asked: usize,
}

impl Source for AllRead<'_> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        let person = self.asked;
        if person == self.count {
            return None;
        }
        self.asked += 1;
        read_request(
            into,
            self.prepared,
            worker_of(self.prepared, person),
            &self.prepared.records[person],
        );
        Some(person as u64)
    }

    fn answer(&mut self, person: u64, status: u16, _: &[u8]) -> Fallible<()> {
        if status == 200 { Ok(()) } else { Err(format!("person {person}: {status}").into()) }
    }
}

/// A worker of a person's grid; the people of a grid are shared among its workers.
fn worker_of(prepared: &Prepared, person: usize) -> usize {
    let grids = prepared.grids.len();
    let of_grid = (prepared.workers.len() / grids).max(1);
    person % grids + grids * (person / grids % of_grid)
}

/// Every person written again, all fields of it, or the first of them.
pub struct Overwrite<'a> {
    prepared: &'a Prepared,
    version: u64,
    count: usize,
    asked: usize,
}

impl Source for Overwrite<'_> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        let person = self.asked;
        let id = self.prepared.records.get(person).filter(|_| person < self.count)?;
        self.asked += 1;
        let (head, version) =
            (&self.prepared.workers[worker_of(self.prepared, person)].head, self.version);
        let body = format!(r#"{{"fields":{}}}"#, people::fields(person as u64));
        let _always_fits = write!(
            into,
            "PATCH /v1/records/{id} HTTP/1.1\r\n{head}If-Match: \"{version}\"\r\n\
             Content-Type: application/merge-patch+json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Some(person as u64)
    }

    fn answer(&mut self, person: u64, status: u16, body: &[u8]) -> Fallible<()> {
        if status == 200 {
            return Ok(());
        }
        Err(format!("overwrite of {person}: {status} {}", String::from_utf8_lossy(body)).into())
    }
}

/// Reads of what a run wrote.
pub struct ReadBack<'a> {
    prepared: &'a Prepared,
    written: Vec<(u64, usize, String)>,
    asked: usize,
}

impl Source for ReadBack<'_> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        let (_, grid, id) = self.written.get(self.asked)?;
        // Worker number and grid number go together.
        read_request(into, self.prepared, *grid, id);
        self.asked += 1;
        Some(self.asked as u64 - 1)
    }

    fn answer(&mut self, place: u64, status: u16, body: &[u8]) -> Fallible<()> {
        let (number, _, id) = &self.written[place as usize];
        let answer: Value = serde_json::from_slice(body)?;
        if status == 200 && is_person(&answer, *number, id) {
            return Ok(());
        }
        Err(format!("a written record reads as {status} {answer}").into())
    }
}
