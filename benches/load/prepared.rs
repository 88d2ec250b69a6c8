//! A vault with a city's people and its workers, made through the product's own doors and kept for later runs.
//! Never used where it was made: each run works on a copy, so that every run meets the same vault.
//! Tokens live twelve hours; when they are about to end, the vault is made anew.

use super::Fallible;
use super::generator::{Source, Window, drive};
use super::people::{self, PURPOSE};
use super::vault::{PROGRAM, Server};
use gridvault::synthetic::{CityPlan, Extent, territory};
use jiff::civil::date;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// Origin of the vault's log.
pub const ORIGIN: &str = "bench.gridvault.example/log";
/// People of the city that gives the tree of grids.
const TREE_PERSONS: u32 = 60_000;
/// Older tokens could end during a run.
const TOKENS_AGE_MAX: Duration = Duration::from_secs(10 * 3_600);
/// Connections while the vault is filled, and those of its administrator, who has few places while the vault is busy.
const CONNECTIONS: usize = 64;
const ADMINISTRATOR_CONNECTIONS: usize = 4;
/// Changed whenever a vault of an earlier bench must not be used.
const FORMAT: &str = "1";

/// A worker.
pub struct Worker {
    /// Header lines of its requests, from the token on, with the empty line at the end left out.
    pub head: String,
}

/// A vault that is filled, and who works with it.
pub struct Prepared {
    /// Its own directory.
    pub vault: PathBuf,
    /// The file that opens it.
    pub passphrase: PathBuf,
    /// The grids. Record and worker number `n` belong to grid `n % grids.len()`.
    pub grids: Vec<String>,
    /// The workers.
    pub workers: Vec<Worker>,
    /// Ids of the records, by number of the person.
    pub records: Vec<String>,
}

/// Finds the vault with so many records below `target`, or makes it.
///
/// # Errors
/// The system's, or an answer that is not the expected one.
pub fn prepare(target: &Path, records: usize, actors: usize) -> Fallible<Prepared> {
    let directory = target.join(format!("vault-{records}-{actors}"));
    if let Some(prepared) = recall(&directory, records, actors)? {
        return Ok(prepared);
    }
    if directory.exists() {
        std::fs::remove_dir_all(&directory)?;
    }
    std::fs::create_dir_all(&directory)?;
    eprintln!("preparing a vault with {records} records and {actors} workers");
    make(&directory, records, actors)?;
    recall(&directory, records, actors)?
        .ok_or_else(|| "the vault that was made cannot be read".into())
}

fn recall(directory: &Path, records: usize, actors: usize) -> Fallible<Option<Prepared>> {
    let done = directory.join("done");
    let Ok(format) = std::fs::read_to_string(&done) else { return Ok(None) };
    let age = SystemTime::now().duration_since(std::fs::metadata(&done)?.modified()?);
    if format != FORMAT || age.unwrap_or(TOKENS_AGE_MAX) >= TOKENS_AGE_MAX {
        return Ok(None);
    }
    let lines = |name: &str| -> Fallible<Vec<String>> {
        let text = std::fs::read_to_string(directory.join(name))?;
        Ok(text.lines().map(str::to_owned).collect())
    };
    let tokens = lines("tokens")?;
    let prepared = Prepared {
        vault: directory.join("vault"),
        passphrase: directory.join("passphrase"),
        grids: lines("grids")?,
        workers: tokens.iter().map(|token| Worker { head: head(token) }).collect(),
        records: lines("records")?,
    };
    let whole = prepared.workers.len() == actors && prepared.records.len() == records;
    Ok(whole.then_some(prepared))
}

/// What a handset of a worker says in every request.
fn head(token: &str) -> String {
    format!(
        "Host: vault.example\r\nUser-Agent: grid-handset/4.2 (load bench)\r\n\
         Authorization: Bearer {token}\r\nPurpose: {PURPOSE}\r\n"
    )
}

fn make(directory: &Path, records: usize, count: usize) -> Fallible<()> {
    let passphrase = directory.join("passphrase");
    std::fs::write(&passphrase, "a passphrase of the load bench")?;
    let plan = CityPlan {
        persons: TREE_PERSONS,
        seed: 7,
        today: date(2026, 11, 21),
        extent: Extent::City,
    };
    let tree = territory(&plan);
    let grids: Vec<String> = tree
        .grids
        .iter()
        .filter(|grid| grid.host_grid.is_none())
        .map(|grid| grid.code.to_string())
        .collect();
    let tree_file = directory.join("territory.json");
    std::fs::write(&tree_file, serde_json::to_vec(&tree)?)?;
    let code = initialise(directory, &passphrase, &tree_file)?;
    let server = Server::vault(Path::new(PROGRAM), &directory.join("vault"), &passphrase)?;
    let administrator = enrol(&server, &code)?;

    let mut actors =
        Actors { token: administrator, grids: &grids, count, asked: 0, ids: Vec::new() };
    drive(server.address(), ADMINISTRATOR_CONNECTIONS, &mut actors, Window::All)?;
    let Actors { token, ids, .. } = actors;
    let mut tokens = Tokens { token, ids: &ids, asked: 0, tokens: vec![String::new(); ids.len()] };
    drive(server.address(), ADMINISTRATOR_CONNECTIONS, &mut tokens, Window::All)?;
    let workers: Vec<Worker> =
        tokens.tokens.iter().map(|token| Worker { head: head(token) }).collect();
    let mut people =
        People { workers: &workers, grids: &grids, asked: 0, ids: vec![String::new(); records] };
    drive(server.address(), CONNECTIONS, &mut people, Window::All)?;
    let ids = people.ids;
    server.stop()?;

    write_lines(&directory.join("grids"), &grids)?;
    write_lines(&directory.join("tokens"), &tokens.tokens)?;
    write_lines(&directory.join("records"), &ids)?;
    std::fs::write(directory.join("done"), FORMAT)?;
    Ok(())
}

/// Makes the vault; gives the security administrator's one-time code.
fn initialise(directory: &Path, passphrase: &Path, tree: &Path) -> Fallible<String> {
    let mut command = Command::new(PROGRAM);
    command.args(["--json", "init", "--origin", ORIGIN]);
    command.args(["--system-admin", "system", "--security-admin", "security"]);
    command.args(["--audit-admin", "audit", "--dir"]).arg(directory.join("vault"));
    command.arg("--passphrase-file").arg(passphrase).arg("--territory").arg(tree);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the vault cannot be made".into());
    }
    let made: Value = serde_json::from_slice(&output.stdout)?;
    let administrators = made["administrators"].as_array().into_iter().flatten();
    let code = administrators
        .filter(|one| one["role"] == "security_admin")
        .find_map(|one| one["code"].as_str());
    Ok(code.ok_or("no code for the security administrator")?.to_owned())
}

fn enrol(server: &Server, code: &str) -> Fallible<String> {
    let url = format!("http://{}/v1/enrol", server.address());
    let mut answer = ureq::post(&url).send_json(json!({"code": code}))?;
    let answer: Value = answer.body_mut().read_json()?;
    Ok(answer["token"].as_str().ok_or("no token for the administrator")?.to_owned())
}

fn write_lines(path: &Path, lines: &[String]) -> Fallible<()> {
    let mut text = lines.join("\n");
    text.push('\n');
    // Tokens among them, if only for invented people.
    let mut file = std::fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

/// Writes a request with a JSON body.
pub fn post(into: &mut Vec<u8>, path: &str, head: &str, body: &str) {
    let length = body.len();
    let _always_fits = write!(
        into,
        "POST {path} HTTP/1.1\r\n{head}Content-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
}

/// The member of an answer with the expected status.
fn member(status: u16, body: &[u8], name: &str) -> Fallible<String> {
    if status != 201 {
        return Err(format!("{status}: {}", String::from_utf8_lossy(body)).into());
    }
    let body: Value = serde_json::from_slice(body)?;
    Ok(body[name].as_str().ok_or("an answer without its member")?.to_owned())
}

/// Enrols the workers, as their security administrator does.
struct Actors<'a> {
    token: String,
    grids: &'a [String],
    count: usize,
    asked: usize,
    ids: Vec<(u64, String)>,
}

impl Source for Actors<'_> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        let number = self.asked;
        if number == self.count {
            return None;
        }
        self.asked += 1;
        let grid = &self.grids[number % self.grids.len()];
        let trained = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 300);
        let body = json!({
            "login": format!("worker-{number:05}"), "kind": "person",
            "assignments": [{
                "role": "grid_worker", "area": grid, "trained_until": trained.to_string(),
                "secrecy_term": {"signed_at": "2026-01-05T08:00:00Z", "document": "B-2026-0017"},
            }],
        });
        post(into, "/v1/admin/actors", &head(&self.token), &body.to_string());
        Some(number as u64)
    }

    fn answer(&mut self, number: u64, status: u16, body: &[u8]) -> Fallible<()> {
        self.ids.push((number, member(status, body, "id")?));
        Ok(())
    }
}

/// Has a token issued for each.
struct Tokens<'a> {
    token: String,
    ids: &'a [(u64, String)],
    asked: usize,
    tokens: Vec<String>,
}

impl Source for Tokens<'_> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        let (number, id) = self.ids.get(self.asked)?;
        self.asked += 1;
        post(into, &format!("/v1/admin/actors/{id}/tokens"), &head(&self.token), "{}");
        Some(*number)
    }

    fn answer(&mut self, number: u64, status: u16, body: &[u8]) -> Fallible<()> {
        self.tokens[number as usize] = member(status, body, "token")?;
        Ok(())
    }
}

/// Stores the people, each by a worker of the grid.
struct People<'a> {
    workers: &'a [Worker],
    grids: &'a [String],
    asked: usize,
    ids: Vec<String>,
}

impl Source for People<'_> {
    fn request(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        let number = self.asked;
        if number == self.ids.len() {
            return None;
        }
        self.asked += 1;
        let grid = number % self.grids.len();
        let shift = number / self.grids.len();
        let of_grid = (self.workers.len() - 1 - grid) / self.grids.len() + 1;
        let worker = &self.workers[grid + (shift % of_grid) * self.grids.len()];
        let body = people::body(number as u64, &self.grids[grid]);
        post(into, "/v1/records", &worker.head, &body);
        Some(number as u64)
    }

    fn answer(&mut self, number: u64, status: u16, body: &[u8]) -> Fallible<()> {
        self.ids[number as usize] = member(status, body, "id")?;
        Ok(())
    }
}

/// Copies a vault for one run.
///
/// # Errors
/// The system's.
pub fn copy(from: &Path, to: &Path) -> Fallible<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
