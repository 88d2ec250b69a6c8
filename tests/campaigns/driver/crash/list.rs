//! The client's own list: what it tried and what it was told, outside of the vault.
//! Never asks the next thing before the answer to the last is on the disk.
//! An attempt without an answer was under way when the vault died.

use crate::fault::Fault;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Something that a client asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// A record; the body as sent.
    Create { body: Value },
    /// A household; the body as sent.
    Household { body: Value },
    /// New values for a record of this version.
    Patch { id: String, version: u64, fields: Map<String, Value> },
    /// The end of a record of this version.
    Delete { id: String, version: u64 },
    /// These fields of a record.
    Read { id: String, fields: Vec<String> },
    /// Whether a citizen number is held, which it is.
    Match { value: String },
    /// Something that is refused with this status.
    Denial { id: String, status: u16 },
}

/// How a write was said, which is what it takes to say it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Said {
    /// In which role; the grid is that of what is written.
    pub role: String,
    /// Under which key.
    pub key: String,
}

/// What a client was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

/// An attempt and its answer, if one came.
pub struct Tried {
    /// Which thread.
    pub thread: usize,
    /// What.
    pub attempt: Attempt,
    /// How, if it is a write of the load.
    pub said: Option<Said>,
    /// What came back.
    pub answer: Option<Answer>,
}

/// A line of the list about an attempt.
#[derive(Serialize, Deserialize)]
struct Asked<A, S> {
    attempt: A,
    said: S,
}

/// The list of one thread in one round.
pub struct List {
    file: File,
    path: PathBuf,
}

impl List {
    /// Begins a list.
    pub fn create(folder: &Path, thread: usize) -> Result<List, Fault> {
        let path = path_of(folder, thread);
        let file = File::create(&path).map_err(|error| Fault::io("creating", &path, error))?;
        Ok(List { file, path })
    }

    /// Notes what will be asked. Not synced: this process outlives the vault, and so does what it wrote.
    pub fn attempt(&mut self, attempt: &Attempt, said: Option<&Said>) -> Result<(), Fault> {
        let asked = serde_json::to_string(&Asked { attempt, said });
        self.line(&asked.map_err(|_| Fault::Malformed("an attempt"))?)
    }

    /// Notes what was answered; on the disk when this returns.
    pub fn answer(&mut self, answer: &Answer) -> Result<(), Fault> {
        self.line(&serde_json::to_string(answer).map_err(|_| Fault::Malformed("an answer"))?)?;
        self.file.sync_data().map_err(|error| Fault::io("syncing", &self.path, error))
    }

    fn line(&mut self, line: &str) -> Result<(), Fault> {
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        written.map_err(|error| Fault::io("writing", &self.path, error))
    }
}

/// Reads the list of a thread back from the disk.
pub fn read(folder: &Path, thread: usize) -> Result<Vec<Tried>, Fault> {
    let path = path_of(folder, thread);
    let text =
        std::fs::read_to_string(&path).map_err(|error| Fault::io("reading", &path, error))?;
    let mut tried: Vec<Tried> = Vec::new();
    for line in text.lines() {
        if let Ok(answer) = serde_json::from_str(line) {
            let last = tried.last_mut().filter(|last| last.answer.is_none());
            last.ok_or(Fault::Malformed("a client's list"))?.answer = Some(answer);
        } else {
            let Asked { attempt, said } =
                serde_json::from_str(line).map_err(|_| Fault::Malformed("a client's list"))?;
            tried.push(Tried { thread, attempt, said, answer: None });
        }
    }
    Ok(tried)
}

fn path_of(folder: &Path, thread: usize) -> PathBuf {
    folder.join(format!("thread-{thread}.ndjson"))
}
