//! Where the lines of a ledger of erasures lie: in a file, or each as an object of its own below a URL (docs/backup.md).
//! Never judges a line: tags are the ledger's. Never overwrites one, and never says that one is there which was not read back.
//! Whatever is answered that is neither yes nor no is no answer.

use super::LedgerError;
use crate::ambient::Clock;
use crate::files::{open_on_disk, sync_name};
use crate::limits::{
    ERASURE_LEDGER_LINE_BYTES_MAX, ERASURE_LEDGER_LINES_COUNT_MAX, ERASURE_LEDGER_READ_COUNT,
    ERASURE_LEDGER_READ_MICROS_MAX, ERASURE_LEDGER_REQUEST_TIME_MAX,
};
use gridvault_audit::fetch::{Client, Put};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The place of a ledger.
#[derive(Clone)]
pub enum LedgerPlace {
    /// A file of lines.
    File(PathBuf),
    /// A line an object.
    Objects(LedgerObjects),
}

/// Objects that are never overwritten, below a URL: each line under its number, from 0.
#[derive(Clone)]
pub struct LedgerObjects {
    url: String,
    client: Client,
    clock: Arc<dyn Clock>,
}

/// Where the next line goes.
#[derive(Clone, Copy)]
pub(super) struct At {
    /// Bytes of the lines before it.
    pub(super) bytes: u64,
    /// How many these are.
    pub(super) lines: u64,
}

impl LedgerPlace {
    /// Begins a ledger with its first line where there is none; holds an old one against nothing.
    pub(super) fn begin(&self, first: &[u8]) -> Result<(), LedgerError> {
        match self {
            LedgerPlace::File(path) => Ok(begin(path, first)?),
            LedgerPlace::Objects(objects) => objects.begin(first),
        }
    }

    /// What lies there, of so many bytes at most, without a judgement. In a file the last line may not be whole.
    pub(super) fn read(&self, bytes_max: u64) -> Result<Vec<u8>, LedgerError> {
        match self {
            LedgerPlace::File(path) => {
                let mut bytes = Vec::new();
                File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
                match bytes.len() as u64 > bytes_max {
                    true => Err(LedgerError::TooLarge),
                    false => Ok(bytes),
                }
            }
            LedgerPlace::Objects(objects) => objects.read(bytes_max),
        }
    }

    /// Cuts what stands behind the last whole line. An object is there whole or not at all.
    pub(super) fn cut(&self, bytes: u64) -> Result<(), LedgerError> {
        match self {
            LedgerPlace::File(path) => {
                let file = OpenOptions::new().write(true).open(path)?;
                file.set_len(bytes)?;
                Ok(file.sync_all()?)
            }
            LedgerPlace::Objects(_) => Ok(()),
        }
    }

    /// Adds a line. It is there, and was read back, when this returns; where it fails, it may be there.
    /// `last` is the line before it.
    pub(super) fn append(&self, at: At, last: &[u8], line: &[u8]) -> Result<(), LedgerError> {
        match self {
            LedgerPlace::File(path) => append(path, at.bytes, line),
            LedgerPlace::Objects(objects) => objects.follow(at.lines, last, line),
        }
    }
}

fn begin(path: &Path, first: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = file.open(path)?;
    let mut begun = Vec::new();
    (&file).take(first.len() as u64).read_to_end(&mut begun)?;
    if begun.len() < first.len() && first.starts_with(&begun) {
        file.write_all_at(first, 0)?;
        file.sync_all()?;
        sync_name(path)?;
    }
    Ok(())
}

fn append(path: &Path, at: u64, line: &[u8]) -> Result<(), LedgerError> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    if file.metadata()?.len() != at {
        return Err(LedgerError::Changed);
    }
    if let Err(error) = put(&file, path, at, line) {
        // Whatever of it is there now was told to nobody.
        let _as_before = file.set_len(at).and_then(|()| file.sync_all());
        return Err(error.into());
    }
    Ok(())
}

/// Writes, syncs, and reads back what lies there, by another handle.
fn put(file: &File, path: &Path, at: u64, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, at)?;
    file.sync_all()?;
    let mut back = vec![0; bytes.len()];
    open_on_disk(path)?.read_exact_at(&mut back, at)?;
    if back != bytes { Err(not_kept()) } else { Ok(()) }
}

fn not_kept() -> io::Error {
    io::Error::other("what was written is not what lies there")
}

impl LedgerObjects {
    /// Objects below a URL, which is shown `token` and trusted by the authorities in `authorities_pem`. Calls nobody yet.
    ///
    /// # Errors
    /// Authorities that are none.
    pub fn new(
        url: &str,
        token: Option<Zeroizing<String>>,
        authorities_pem: Option<&[u8]>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<LedgerObjects> {
        let client = Client::new(token, authorities_pem, Some(ERASURE_LEDGER_REQUEST_TIME_MAX))?;
        Ok(LedgerObjects { url: url.to_owned(), client, clock })
    }

    fn get(&self, number: u64) -> io::Result<Option<Vec<u8>>> {
        self.client.object(&self.at(number), ERASURE_LEDGER_LINE_BYTES_MAX)
    }

    fn at(&self, number: u64) -> String {
        format!("{}/{number:08}", self.url)
    }

    /// The first line is put in either case: a store that takes it over the one that is there would take a line of anybody over any.
    fn begin(&self, first: &[u8]) -> Result<(), LedgerError> {
        let some = self.some(0)?;
        if some.iter().all(Option::is_none) {
            self.append(0, first)?;
        } else if some[0].is_none() {
            return Err(LedgerError::Line(1));
        }
        match self.client.put_new(&self.at(0), first)? {
            Put::There => Ok(()),
            Put::Taken => Err(LedgerError::Overwrites),
        }
    }

    /// Adds a line behind the last one, which must still be there: a line that follows nothing is read by nobody.
    fn follow(&self, number: u64, last: &[u8], line: &[u8]) -> Result<(), LedgerError> {
        match self.get(number.saturating_sub(1))? {
            Some(found) if found == last => self.append(number, line),
            _ => Err(LedgerError::Changed),
        }
    }

    fn append(&self, number: u64, line: &[u8]) -> Result<(), LedgerError> {
        if number >= ERASURE_LEDGER_LINES_COUNT_MAX {
            return Err(LedgerError::TooLarge);
        }
        let put = self.client.put_new(&self.at(number), line)?;
        match (put, self.get(number)?) {
            // Also where it was there before: it is what this process sent, and whose answer was lost.
            (_, Some(back)) if back == line => Ok(()),
            (Put::There, Some(_)) => Err(LedgerError::Changed),
            _ => Err(not_kept().into()),
        }
    }

    /// Asks for a few at once until there is none any more among as many, so that no gap ends a ledger.
    fn read(&self, bytes_max: u64) -> Result<Vec<u8>, LedgerError> {
        let began = self.clock.monotonic();
        let (mut lines, mut gap) = (Vec::new(), None);
        let mut first = 0;
        while first < ERASURE_LEDGER_LINES_COUNT_MAX {
            let some = self.some(first)?;
            let is_end = some.iter().all(Option::is_none);
            for (number, found) in (first..).zip(some) {
                match (found, gap) {
                    (None, _) => gap = gap.or(Some(number)),
                    (Some(_), Some(gap)) => return Err(LedgerError::Line(gap + 1)),
                    (Some(line), None) if is_one(&line) => lines.extend(line),
                    (Some(_), None) => return Err(LedgerError::Line(number + 1)),
                }
            }
            match (is_end, lines.is_empty()) {
                _ if lines.len() as u64 > bytes_max => return Err(LedgerError::TooLarge),
                (true, true) => return Err(io::Error::from(ErrorKind::NotFound).into()),
                (true, false) => return Ok(lines),
                (false, _) => {}
            }
            if self.clock.monotonic().saturating_sub(began) > ERASURE_LEDGER_READ_MICROS_MAX {
                return Err(LedgerError::Slow);
            }
            first += ERASURE_LEDGER_READ_COUNT;
        }
        Err(LedgerError::TooLarge)
    }

    fn some(&self, first: u64) -> io::Result<Vec<Option<Vec<u8>>>> {
        std::thread::scope(|scope| {
            let asked = (first..).take(ERASURE_LEDGER_READ_COUNT as usize);
            let asked: Vec<_> = asked.map(|number| scope.spawn(move || self.get(number))).collect();
            let ended = || io::Error::other("a thread that asked ended");
            let joined = asked.into_iter().map(|thread| thread.join().map_err(|_| ended())?);
            joined.collect()
        })
    }
}

/// Whether an object is a line, and not several, or part of one.
fn is_one(line: &[u8]) -> bool {
    line.iter().position(|byte| *byte == b'\n').is_some_and(|at| at + 1 == line.len())
}
