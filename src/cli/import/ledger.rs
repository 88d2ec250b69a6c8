//! What an import has been told and what is under way, in a file that is replaced whole after each step.
//! Never holds a value about a person: line numbers, counts, areas and actors alone.
//! A batch is noted before it is sent and struck out after it was answered, so a crash leaves batches to be sent again.

use super::ranges::Ranges;
use crate::cli::failure::Failure;
use crate::files::replace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The form of the file.
const FORMAT: u32 = 1;
/// Longest state that is read, in bytes: the lines that can be out of order at once stay far below it.
const STATE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The input, as far as it tells one file from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InputMark {
    /// Its size.
    pub(super) bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub(super) sha256: String,
}

/// A batch that was sent, or is about to be, and is not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnderWay {
    /// For which purpose.
    pub(super) purpose: String,
    /// The area whose token it goes under.
    pub(super) area: String,
    /// The actor of that token, if the token said.
    pub(super) actor: Option<String>,
    /// Its lines.
    pub(super) lines: Ranges,
}

/// How much of the files that the import adds to is certain, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Files {
    /// Of the refused lines.
    pub(super) quarantine_bytes: u64,
    /// Of the answers, where they are kept.
    pub(super) answers_bytes: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u32,
    run: String,
    input: InputMark,
    next_batch: u64,
    settled: Ranges,
    under_way: BTreeMap<u64, UnderWay>,
    stored: u64,
    refused: u64,
    files: Files,
    complete: bool,
}

/// The file and what stands in it.
pub(super) struct Ledger {
    path: Option<PathBuf>,
    state: State,
    is_resumed: bool,
}

impl Ledger {
    /// Opens the ledger of an input, or begins one. Without a path it is kept in memory alone.
    pub(super) fn open(
        path: Option<PathBuf>,
        input: InputMark,
        new_run: String,
        keeps_answers: bool,
    ) -> Result<Ledger, Failure> {
        let found = match &path {
            Some(path) => read(path)?,
            None => None,
        };
        let is_resumed = found.is_some();
        let state = match found {
            None => State {
                format: FORMAT,
                run: new_run,
                input,
                next_batch: 0,
                settled: Ranges::default(),
                under_way: BTreeMap::new(),
                stored: 0,
                refused: 0,
                files: Files { quarantine_bytes: 0, answers_bytes: keeps_answers.then_some(0) },
                complete: false,
            },
            Some(state) if state.input == input => {
                if state.files.answers_bytes.is_some() != keeps_answers {
                    let text = "the import was begun with another choice of --answers; keep to it";
                    return Err(Failure::Usage(text.into()));
                }
                state
            }
            Some(_) => {
                let text =
                    "the state file belongs to another input; name another one, or take it away";
                return Err(Failure::Usage(text.into()));
            }
        };
        Ok(Ledger { path, state, is_resumed })
    }

    /// Whether an earlier run began it.
    pub(super) fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Whether every line was answered.
    pub(super) fn is_complete(&self) -> bool {
        self.state.complete
    }

    /// The import's own name, from which keys and capture ids come.
    pub(super) fn run(&self) -> &str {
        &self.state.run
    }

    /// The lines that were answered or set aside.
    pub(super) fn settled(&self) -> Ranges {
        self.state.settled.clone()
    }

    /// The batches that an earlier run did not see the end of.
    pub(super) fn under_way(&self) -> &BTreeMap<u64, UnderWay> {
        &self.state.under_way
    }

    /// Lines stored, lines refused.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.state.stored, self.state.refused)
    }

    /// How much of its files is certain.
    pub(super) fn files(&self) -> Files {
        self.state.files
    }

    /// Notes a batch before it is sent; gives its number. On the disk when this returns.
    pub(super) fn begin(&mut self, number: Option<u64>, batch: UnderWay) -> Result<u64, Failure> {
        let number = number.unwrap_or_else(|| {
            self.state.next_batch += 1;
            self.state.next_batch
        });
        self.state.under_way.insert(number, batch);
        self.write()?;
        Ok(number)
    }

    /// Notes what became of lines of a batch. What it does not name stays under way. On the disk when this returns.
    pub(super) fn settle(
        &mut self,
        number: u64,
        stored: &[u64],
        refused: &[u64],
        files: Files,
    ) -> Result<(), Failure> {
        for line in stored.iter().chain(refused) {
            self.state.settled.insert(*line);
            if let Some(batch) = self.state.under_way.get_mut(&number) {
                batch.lines.remove(*line);
            }
        }
        self.state.under_way.retain(|_, batch| !batch.lines.is_empty());
        self.state.stored += count(stored);
        self.state.refused += count(refused);
        self.state.files = files;
        self.write()
    }

    /// Notes a line that is not sent at all; on the disk with the next step.
    pub(super) fn set_aside(&mut self, line: u64, quarantine_bytes: u64) {
        self.state.settled.insert(line);
        self.state.refused += 1;
        self.state.files.quarantine_bytes = quarantine_bytes;
    }

    /// Notes where the import stands at the end of a run.
    pub(super) fn finish(&mut self, complete: bool) -> Result<(), Failure> {
        self.state.complete = complete;
        self.write()
    }

    /// A crash leaves the old state or the new one.
    fn write(&self) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        let text = serde_json::to_vec(&self.state)
            .map_err(|error| Failure::failed("the state cannot be written", &error))?;
        replace(path, &text)
            .map_err(|error| Failure::failed("the state file cannot be written", &error))
    }
}

fn count(lines: &[u64]) -> u64 {
    u64::try_from(lines.len()).unwrap_or(u64::MAX)
}

fn read(path: &Path) -> Result<Option<State>, Failure> {
    let fail = |error: &(dyn std::error::Error + 'static)| {
        Failure::failed(
            "the state file cannot be read; take it away to import from the first line",
            error,
        )
    };
    let size = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(&error)),
        Ok(found) => found.len(),
    };
    if size > STATE_BYTES_MAX {
        return Err(Failure::Failed("the state file is too long to be one".into()));
    }
    let bytes = std::fs::read(path).map_err(|error| fail(&error))?;
    let state: State = serde_json::from_slice(&bytes).map_err(|error| fail(&error))?;
    let runs = state.under_way.values().map(|batch| &batch.lines);
    if state.format != FORMAT || !state.settled.is_sound() || !runs.clone().all(Ranges::is_sound) {
        return Err(Failure::Failed("the state file is none of this version".into()));
    }
    Ok(Some(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(sha256: &str) -> InputMark {
        InputMark { bytes: 10, sha256: sha256.to_owned() }
    }

    fn files(quarantine_bytes: u64) -> Files {
        Files { quarantine_bytes, answers_bytes: None }
    }

    fn batch(lines: &[u64]) -> UnderWay {
        UnderWay {
            purpose: "p".into(),
            area: String::new(),
            actor: Some("a".into()),
            lines: lines.iter().copied().collect(),
        }
    }

    #[test]
    fn what_was_under_way_is_there_after_a_crash_and_what_was_answered_is_settled() {
        let room = tempfile::tempdir().expect("a folder");
        let path = room.path().join("x.import");
        let open = || Ledger::open(Some(path.clone()), mark("d"), "run".into(), false);
        let mut ledger = open().expect("a new one");
        assert!(!ledger.is_resumed());
        assert_eq!(ledger.begin(None, batch(&[1, 2, 4])).expect("written"), 1);
        assert_eq!(ledger.begin(None, batch(&[3])).expect("written"), 2);
        ledger.settle(1, &[1], &[4], files(7)).expect("written");
        ledger.set_aside(5, 9);
        drop(ledger);
        let mut ledger = open().expect("the same again");
        assert!(ledger.is_resumed() && !ledger.is_complete());
        assert_eq!(ledger.under_way()[&1], batch(&[2]));
        assert_eq!(ledger.under_way()[&2], batch(&[3]));
        assert_eq!((ledger.counts(), ledger.files()), ((1, 1), files(7)));
        assert_eq!(ledger.settled(), [1, 4].into_iter().collect());
        ledger.settle(1, &[2], &[], files(9)).expect("written");
        ledger.settle(2, &[3], &[], files(9)).expect("written");
        assert!(ledger.under_way().is_empty());
        assert_eq!(
            ledger.begin(None, batch(&[6])).expect("written"),
            3,
            "numbers are not used twice"
        );
        ledger.finish(true).expect("written");
        assert!(open().expect("the same again").is_complete());
        let with_answers = Ledger::open(Some(path.clone()), mark("d"), "run".into(), true);
        assert!(matches!(with_answers, Err(Failure::Usage(_))));
    }

    #[test]
    fn state_of_another_input_or_of_no_import_is_refused() {
        let room = tempfile::tempdir().expect("a folder");
        let path = room.path().join("x.import");
        let open = |sha256| Ledger::open(Some(path.clone()), mark(sha256), "run".into(), false);
        open("d").expect("a new one").finish(false).expect("written");
        assert!(matches!(open("e"), Err(Failure::Usage(_))));
        let text = std::fs::read_to_string(&path).expect("a state");
        for wrong in ["", "{}", &text.replace("\"format\":1", "\"format\":2")] {
            std::fs::write(&path, wrong).expect("written");
            assert!(matches!(open("d"), Err(Failure::Failed(_))), "{wrong}");
        }
    }
}
