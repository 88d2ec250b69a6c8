//! `gridvault import FILE`: sends the lines of a file to a running vault, as many at once as travel well.
//! Never stores a line twice, however often it is stopped and started again, and never passes over a refusal.
//! Memory is bounded whatever the file's size; what is refused goes to a file of its own with the reason.

mod appended;
mod batches;
mod entries;
mod ledger;
mod progress;
mod ranges;
mod sender;
mod tokens;

use super::client::Connection;
use super::failure::Failure;
use super::print;
use crate::ambient::{HostRandom, Random};
use crate::limits::IMPORT_CONNECTIONS_COUNT_MAX;
use appended::{Appended, Refusal};
use batches::{Batch, Grouping};
use entries::{Entry, Input, Next, Unsent};
use ledger::{Files, InputMark, Ledger, UnderWay};
use progress::Progress;
use sender::{Sender, hexadecimal};
use serde_json::{Value as Json, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokens::Holders;

/// Bytes of the input that are read at once.
const READ_BYTES: usize = 1024 * 1024;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// NDJSON, a request a line: {"route", "purpose", "body"}, as `gridvault synth` writes it; `-` for standard input,
    /// which cannot be gone on with after a stop.
    file: PathBuf,
    /// A file of tokens instead of one for everything: a JSON object a line, {"area", "token"}. The longest area that a
    /// line's grid lies in decides; `""` is everywhere.
    #[arg(long)]
    tokens: Option<PathBuf>,
    /// Where to keep what was done, to go on after a stop; FILE.import if none is named.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Where refused lines go, with their reasons; FILE.quarantine if none is named. It holds personal values.
    #[arg(long)]
    quarantine: Option<PathBuf>,
    /// Where to keep what the vault answered to each stored line: its number in the input, ids and the entry's receipt.
    #[arg(long)]
    answers: Option<PathBuf>,
    /// Requests at once.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=i64::from(IMPORT_CONNECTIONS_COUNT_MAX)))]
    connections: u8,
    #[command(flatten)]
    connection: Connection,
}

/// What the threads of an import share.
struct Job {
    holders: Holders,
    sender: Sender,
    book: Mutex<Book>,
    halted: AtomicBool,
    /// Why it was halted.
    failure: Mutex<Option<Failure>>,
}

/// What is written down. One lock, so that state and quarantine tell the same.
struct Book {
    ledger: Ledger,
    quarantine: Appended,
    answers: Option<Appended>,
    progress: Progress,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let is_stream = arguments.file.as_os_str() == "-";
    let (state, quarantine) = places(arguments, is_stream)?;
    arguments.connection.check()?;
    let holders = match &arguments.tokens {
        Some(file) => Holders::read(file)?,
        None => Holders::one(arguments.connection.token()?)?,
    };
    let mark =
        if is_stream { InputMark::of_stream() } else { InputMark::of_file(&arguments.file)? };
    let random: Arc<dyn Random> = Arc::new(HostRandom::new());
    let run = name(&mark, &*random)?;
    let total_bytes = (!is_stream).then_some(mark.bytes);
    let ledger = Ledger::open(state, mark, run, arguments.answers.is_some())?;
    let certain = ledger.is_resumed().then(|| ledger.files());
    let quarantine = Appended::open(quarantine, certain.map(|files| files.quarantine_bytes))?;
    let certain = certain.and_then(|files| files.answers_bytes);
    let answers =
        arguments.answers.clone().map(|path| Appended::open(path, certain)).transpose()?;
    let is_done = ledger.is_complete();
    let sender = Sender::new(&arguments.connection, ledger.run(), random)?;
    let progress = Progress::new(total_bytes);
    let job = Job {
        holders,
        sender,
        book: Mutex::new(Book { ledger, quarantine, answers, progress }),
        halted: AtomicBool::new(false),
        failure: Mutex::new(None),
    };
    if !is_done {
        let connections = usize::from(arguments.connections);
        if is_stream {
            job.work_through(BufReader::with_capacity(READ_BYTES, std::io::stdin()), connections);
        } else {
            let file = open(&arguments.file)?;
            job.work_through(BufReader::with_capacity(READ_BYTES, file), connections);
        }
    }
    job.conclude(is_done, json)
}

/// Where the state and the refused lines go.
fn places(arguments: &Arguments, is_stream: bool) -> Result<(Option<PathBuf>, PathBuf), Failure> {
    let beside = |ending: &str| {
        let mut path = arguments.file.clone().into_os_string();
        path.push(ending);
        PathBuf::from(path)
    };
    if !is_stream {
        let state = arguments.state.clone().unwrap_or_else(|| beside(".import"));
        let quarantine = arguments.quarantine.clone().unwrap_or_else(|| beside(".quarantine"));
        return Ok((Some(state), quarantine));
    }
    match (&arguments.state, &arguments.quarantine) {
        (Some(_), _) => Err(Failure::Usage("standard input has no state to go on with".into())),
        (None, None) => Err(Failure::Usage("name a file for refused lines: --quarantine".into())),
        (None, Some(quarantine)) => Ok((None, quarantine.clone())),
    }
}

/// What the import calls itself, and so its lines: by the input's digest, so that a file whose state was lost is not stored
/// twice either.
fn name(mark: &InputMark, random: &dyn Random) -> Result<String, Failure> {
    if let Some(digest) = mark.sha256.get(..32) {
        return Ok(digest.to_owned());
    }
    let bytes = random.bytes16();
    bytes
        .map(|bytes| hexadecimal(&bytes))
        .map_err(|error| Failure::failed("a name for the import", &error))
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::failed("the input cannot be read", &error))
}

impl InputMark {
    fn of_stream() -> InputMark {
        InputMark { bytes: 0, sha256: String::new() }
    }

    fn of_file(path: &Path) -> Result<InputMark, Failure> {
        let fail = |error: std::io::Error| Failure::failed("the input cannot be read", &error);
        let mut file = open(path)?;
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        let mut piece = zeroize::Zeroizing::new(vec![0; READ_BYTES]);
        let mut bytes = 0;
        loop {
            let count = file.read(&mut piece).map_err(fail)?;
            if count == 0 {
                break;
            }
            digest.update(&piece[..count]);
            bytes += u64::try_from(count).unwrap_or(u64::MAX);
        }
        Ok(InputMark { bytes, sha256: hexadecimal(digest.finish().as_ref()) })
    }
}

impl Book {
    /// What the state will call certain is on the disk before the state is.
    fn sync(&mut self) -> Result<Files, Failure> {
        let answers_bytes = self.answers.as_mut().map(Appended::sync).transpose()?;
        Ok(Files { quarantine_bytes: self.quarantine.sync()?, answers_bytes })
    }
}

impl Job {
    /// Reads the input to its end and sends what is in it, over so many connections.
    fn work_through(&self, source: impl BufRead, connections: usize) {
        let (queue, batches) = sync_channel(connections);
        let batches = Mutex::new(batches);
        std::thread::scope(|scope| {
            for _ in 0..connections {
                scope.spawn(|| self.send_all(&batches));
            }
            if let Err(failure) = self.read_all(source, &queue) {
                self.halt(failure);
            }
            // The senders end when nothing more can come.
            drop(queue);
        });
    }

    fn read_all(&self, source: impl BufRead, queue: &SyncSender<Batch>) -> Result<(), Failure> {
        let fail = |error: std::io::Error| Failure::failed("the input cannot be read", &error);
        let mut grouping = Grouping::default();
        self.recall(&mut grouping)?;
        let settled = self.book().ledger.settled();
        let mut input = Input::new(source);
        while !self.halted.load(Ordering::Relaxed) {
            let (number, text, bytes) = match input.next().map_err(fail)? {
                Next::End => break,
                Next::TooLong(number, bytes) => (number, None, bytes),
                Next::Line(number, text, bytes) => (number, Some(text), bytes),
            };
            self.book().progress.read(bytes);
            if settled.contains(number) {
                continue;
            }
            let Some(text) = text else {
                self.set_aside(number, Unsent::TooLong, &[])?;
                continue;
            };
            let (entry, address) = match Entry::parse(number, text) {
                Ok(parsed) => parsed,
                Err(rejected) => {
                    self.set_aside(number, rejected.why, &rejected.text)?;
                    continue;
                }
            };
            // A line of an earlier run's batch goes under that batch's token.
            let holder = match self.holders.covering(&address.grid) {
                Some(holder) => holder,
                None if grouping.expects(number) => 0,
                None => {
                    self.set_aside(number, Unsent::NoToken, &entry.text)?;
                    continue;
                }
            };
            self.book().progress.wait(entry.line_bytes());
            if let Some(batch) = grouping.add(entry, address.purpose, holder)
                && queue.send(batch).is_err()
            {
                return Ok(());
            }
        }
        while let Some(batch) = grouping.drain() {
            if self.halted.load(Ordering::Relaxed) || queue.send(batch).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Batches that an earlier run did not see the end of are sent again first, by the same actors.
    fn recall(&self, grouping: &mut Grouping) -> Result<(), Failure> {
        for (number, batch) in self.book().ledger.under_way() {
            let area = &batch.area;
            let holder = self.holders.of_area(area).ok_or_else(|| {
                Failure::Usage(format!(
                    "a batch of area \"{area}\" is under way; give its token again"
                ))
            })?;
            if self.holders.get(holder).actor != batch.actor {
                return Err(Failure::Usage(format!(
                    "a batch of area \"{area}\" was sent by another actor; give a token of that one, \
                     or its lines could be stored twice"
                )));
            }
            grouping.expect(*number, batch, holder);
        }
        Ok(())
    }

    fn set_aside(&self, line: u64, why: Unsent, text: &[u8]) -> Result<(), Failure> {
        let (code, reason) = (why.code().to_owned(), why.reason().to_owned());
        let refusal = Refusal { code, line, pointers: Json::Null, reason, status: None };
        let mut book = self.book();
        book.quarantine.add(&refusal.quarantined(text))?;
        let bytes = book.quarantine.bytes();
        book.ledger.set_aside(line, bytes);
        Ok(())
    }

    fn send_all(&self, batches: &Mutex<Receiver<Batch>>) {
        loop {
            let next = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(batch) = next else { return };
            // Taken all the same when halted, so that the reader is never left waiting.
            if self.halted.load(Ordering::Relaxed) {
                continue;
            }
            if let Err(failure) = self.send(&batch) {
                self.halt(failure);
            }
        }
    }

    fn send(&self, batch: &Batch) -> Result<(), Failure> {
        let holder = self.holders.get(batch.holder);
        let under_way = UnderWay {
            purpose: batch.purpose.clone(),
            area: holder.area.clone(),
            actor: holder.actor.clone(),
            lines: batch.lines.iter().map(|line| line.number).collect(),
        };
        let number = {
            let mut book = self.book();
            book.sync()?;
            book.ledger.begin(batch.number, under_way)?
        };
        let verdict = self.sender.deliver(batch, number, &holder.token, &self.halted, &|why| {
            self.book().progress.tell_wait(why);
        });
        let mut book = self.book();
        for (place, refusal) in &verdict.refused {
            let text = &batch.lines[*place].text;
            book.quarantine.add(&refusal.quarantined(text))?;
        }
        if let Some(answers) = &mut book.answers {
            for (_, answer) in &verdict.stored {
                answers.add(format!("{answer}\n").as_bytes())?;
            }
        }
        let files = book.sync()?;
        let stored: Vec<u64> = verdict.stored.iter().map(|(line, _)| *line).collect();
        let refused: Vec<u64> = verdict.refused.iter().map(|(_, refusal)| refusal.line).collect();
        book.ledger.settle(number, &stored, &refused, files)?;
        let (stored, refused) = book.ledger.counts();
        book.progress.settled(verdict.settled_bytes(batch), stored, refused);
        match verdict.stop {
            None => Ok(()),
            Some(why) => Err(Failure::Failed(why)),
        }
    }

    fn halt(&self, failure: Failure) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        self.halted.store(true, Ordering::Relaxed);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down where it stands, and says so.
    fn conclude(self, was_done: bool, json: bool) -> Result<(), Failure> {
        let failure = self.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut book = self.book.into_inner().unwrap_or_else(PoisonError::into_inner);
        book.progress.end();
        if !was_done {
            book.sync()?;
            book.ledger.finish(failure.is_none())?;
        }
        let (stored, refused) = book.ledger.counts();
        let under_way: u64 =
            book.ledger.under_way().values().map(|batch| batch.lines.count()).sum();
        let quarantine = (refused > 0).then(|| book.quarantine.path().display().to_string());
        if json {
            let summary = json!({
                "stored": stored, "refused": refused, "under_way": under_way,
                "complete": failure.is_none(), "quarantine": quarantine,
            });
            print(&summary.to_string());
        } else {
            let before = if was_done { " by an earlier run" } else { "" };
            print(&format!("{stored} lines stored, {refused} refused{before}"));
            if let Some(path) = &quarantine {
                print(&format!("refused lines with their reasons: {path}"));
                print(
                    "It holds personal values in clear and only you can read it: correct it, import it, delete it.",
                );
            }
        }
        match failure {
            Some(Failure::Failed(why)) => Err(Failure::Failed(format!(
                "{why}; the import stopped, and the same command goes on with it"
            ))),
            Some(other) => Err(other),
            None if refused > 0 => Err(Failure::Failed(format!("{refused} lines were refused"))),
            None => Ok(()),
        }
    }
}
