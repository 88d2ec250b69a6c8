//! The ledger of erasures in a second place, so that whoever restores an older backup erases again who was erased since.
//! Never a value, and never the id of a person or of a record: an erasure's id, and the handle that the log knew the person by.
//! A line counts once its place kept it and it was read back, and only if its tag follows on that of the line before (docs/backup.md).

mod place;

use crate::limits::{
    ERASURE_LEDGER_BYTES_MAX, ERASURE_LEDGER_LINE_BYTES_MAX, ERASURE_LEDGER_TIME_MAX,
};
use crate::records::{Handle, MandateId};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::ChainKey;
use place::At;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};

pub use place::{LedgerObjects, LedgerPlace};

/// The first line, and what every tag begins with.
const HEAD: &str = "gridvault erasures 1";

/// Why the second place cannot be relied on.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The place cannot be read or written, or does not keep what it takes.
    #[error("the ledger of erasures cannot be read or written")]
    Io(#[from] std::io::Error),
    /// A line is not one that this vault wrote there.
    #[error("line {0} of the ledger of erasures is not what the vault wrote there")]
    Line(u64),
    /// It ends elsewhere than this process left it.
    #[error("somebody else writes into the ledger of erasures")]
    Changed,
    /// It has not the lines any more that it had.
    #[error("the ledger of erasures has lost lines")]
    PutBack,
    /// It does not answer, or not in time.
    #[error("the second place of erasures does not answer")]
    Slow,
    /// It takes a line in the place of another one.
    #[error("the second place overwrites what is there: it does not honour If-None-Match")]
    Overwrites,
    /// It is longer than any vault makes it.
    #[error("the ledger of erasures is too large")]
    TooLarge,
}

/// An erasure as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldErasure {
    /// Its id.
    pub id: MandateId,
    /// The handle of whoever was erased.
    pub subject: Handle,
    /// Why: a code.
    pub reason: String,
    /// The area of the desk that asked.
    pub area: String,
    /// The log that it is in.
    pub origin: String,
    /// The entry from which on no copy of the keys opened any more.
    pub destroyed: u64,
}

/// The ledger. One process writes into it.
pub struct ErasureLedger {
    place: LedgerPlace,
    chain: ChainKey,
    bytes_max: u64,
    /// What is in it: asked without waiting for the disk.
    told: RwLock<BTreeMap<MandateId, ToldErasure>>,
    /// The lines that were judged.
    opened: LedgerMark,
    /// Held by the one who writes.
    end: Mutex<End>,
}

/// How far a ledger went: length and SHA-256 of its whole lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerMark {
    bytes: u64,
    /// The digest.
    pub digest: [u8; 32],
}

impl LedgerMark {
    fn of(lines: &[u8]) -> LedgerMark {
        let mut digest = [0; 32];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, lines).as_ref());
        LedgerMark { bytes: lines.len() as u64, digest }
    }

    /// Whether a ledger still begins with these lines.
    fn leads(&self, ledger: &[u8]) -> bool {
        let length = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        ledger.get(..length).is_some_and(|lines| LedgerMark::of(lines) == *self)
    }

    /// One line of text.
    pub fn to_text(&self) -> String {
        format!("{} {}\n", self.bytes, BASE64_URL_SAFE_NO_PAD.encode(self.digest))
    }

    /// Reads that line.
    pub fn parse(text: &str) -> Option<LedgerMark> {
        let (bytes, digest) = text.strip_suffix('\n')?.split_once(' ')?;
        let digest = BASE64_URL_SAFE_NO_PAD.decode(digest).ok()?.try_into().ok()?;
        Some(LedgerMark { bytes: bytes.parse().ok()?, digest })
    }
}

/// Where it ends.
struct End {
    /// Tag of the last line.
    tag: [u8; 32],
    /// What is there up to and with the last line.
    at: At,
    /// That line.
    last: Vec<u8>,
    /// What was sent behind it and not acknowledged: it may be there all the same.
    sent: Option<ToldErasure>,
}

impl ErasureLedger {
    /// Opens the ledger at a place, and begins one where there is none. What a crash left of a last line is cut: nobody was told of it.
    ///
    /// # Errors
    /// A place that cannot be read and written or that overwrites, and a line that is not the vault's.
    pub fn open(place: &LedgerPlace, chain: ChainKey) -> Result<ErasureLedger, LedgerError> {
        place.begin(format!("{HEAD}\n").as_bytes())?;
        ErasureLedger::existing(place, chain)
    }

    /// The same of a ledger that must be there.
    ///
    /// # Errors
    /// As [`ErasureLedger::open`], and where there is none.
    pub fn existing(place: &LedgerPlace, chain: ChainKey) -> Result<ErasureLedger, LedgerError> {
        ErasureLedger::within(place, chain, ERASURE_LEDGER_BYTES_MAX)
    }

    /// The same of one that must still begin with lines that it had. They are held against what is judged here, not against another
    /// look: a place might show each look something else.
    ///
    /// # Errors
    /// As [`ErasureLedger::existing`], and [`LedgerError::PutBack`].
    pub fn since(
        mark: &LedgerMark,
        place: &LedgerPlace,
        chain: ChainKey,
    ) -> Result<ErasureLedger, LedgerError> {
        let bytes = place.read(ERASURE_LEDGER_BYTES_MAX)?;
        match mark.leads(&bytes) {
            true => ErasureLedger::of(&bytes, place, chain, ERASURE_LEDGER_BYTES_MAX),
            false => Err(LedgerError::PutBack),
        }
    }

    /// The same, of so many bytes at most.
    pub(super) fn within(
        place: &LedgerPlace,
        chain: ChainKey,
        bytes_max: u64,
    ) -> Result<ErasureLedger, LedgerError> {
        ErasureLedger::of(&place.read(bytes_max)?, place, chain, bytes_max)
    }

    fn of(
        bytes: &[u8],
        place: &LedgerPlace,
        chain: ChainKey,
        bytes_max: u64,
    ) -> Result<ErasureLedger, LedgerError> {
        let whole = &bytes[..whole_lines(bytes)];
        let (told, tag) = read(whole, &chain)?;
        let at = At { bytes: whole.len() as u64, lines: told.len() as u64 + 1 };
        if whole.len() < bytes.len() {
            place.cut(at.bytes)?;
        }
        let last = whole.split_inclusive(|byte| *byte == b'\n').next_back().unwrap_or_default();
        let end = Mutex::new(End { tag, at, last: last.to_vec(), sent: None });
        let (place, told, opened) = (place.clone(), RwLock::new(told), LedgerMark::of(whole));
        Ok(ErasureLedger { place, chain, bytes_max, told, opened, end })
    }

    /// How far it went when it was opened: the very lines that were judged then.
    pub fn opened(&self) -> LedgerMark {
        self.opened
    }

    /// How far the ledger at a place goes, as it lies there, and what its lines say, by their form alone: nothing is written, and whoever
    /// has the vault's keys judges these lines by their tags.
    ///
    /// # Errors
    /// A place that cannot be read, a ledger that is longer than any, and a line that has not the form of one.
    pub fn unjudged_at(place: &LedgerPlace) -> Result<(LedgerMark, Vec<ToldErasure>), LedgerError> {
        let bytes = place.read(ERASURE_LEDGER_BYTES_MAX)?;
        let whole = &bytes[..whole_lines(&bytes)];
        let lines = (1..).zip(whole.split_inclusive(|byte| *byte == b'\n')).skip(1);
        let told = lines.map(|(number, line)| text_of(line).and_then(parse).ok_or(number));
        let told: Result<Vec<ToldErasure>, u64> = told.collect();
        Ok((LedgerMark::of(whole), told.map_err(LedgerError::Line)?))
    }

    /// Whether an erasure is in it.
    pub fn has(&self, id: MandateId) -> bool {
        self.told.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }

    /// Everything that is in it.
    pub fn told(&self) -> Vec<ToldErasure> {
        let told = self.told.read().unwrap_or_else(PoisonError::into_inner);
        told.values().cloned().collect()
    }

    /// Brings an erasure into it, if it is not there yet. It is there, kept and read back, when this returns. Waits for the place.
    ///
    /// # Errors
    /// Whatever keeps it from being there for sure. It can be said again; where the ledger is not as this process left it, after the
    /// next start.
    pub fn tell(&self, told: &ToldErasure) -> Result<(), LedgerError> {
        if self.has(told.id) {
            return Ok(());
        }
        let mut end = match self.end.try_lock() {
            Ok(end) => end,
            Err(TryLockError::Poisoned(left)) => left.into_inner(),
            // A place that hangs has one thread of ours, and not one for everybody who asks.
            Err(TryLockError::WouldBlock) => return Err(LedgerError::Slow),
        };
        // What was sent may be there, or come there late: never another line in its place.
        if let Some(sent) = end.sent.clone() {
            self.append(&mut end, &sent)?;
        }
        if self.has(told.id) { Ok(()) } else { self.append(&mut end, told) }
    }

    fn append(&self, end: &mut End, told: &ToldErasure) -> Result<(), LedgerError> {
        let (line, tag) = line_of(told, &end.tag, &self.chain);
        let bytes = end.at.bytes + line.len() as u64;
        if line.len() > ERASURE_LEDGER_LINE_BYTES_MAX || bytes > self.bytes_max {
            return Err(LedgerError::TooLarge);
        }
        end.sent = Some(told.clone());
        self.place.append(end.at, &end.last, line.as_bytes())?;
        let at = At { bytes, lines: end.at.lines + 1 };
        *end = End { tag, at, last: line.into_bytes(), sent: None };
        self.told.write().unwrap_or_else(PoisonError::into_inner).insert(told.id, told.clone());
        Ok(())
    }

    /// The same away from the threads that serve, and for so long at most.
    ///
    /// # Errors
    /// As [`ErasureLedger::tell`], and [`LedgerError::Slow`] where it takes too long: then it may be there, and is found so later.
    pub async fn take(self: &Arc<ErasureLedger>, told: ToldErasure) -> Result<(), LedgerError> {
        let ledger = self.clone();
        let telling = tokio::task::spawn_blocking(move || ledger.tell(&told));
        match tokio::time::timeout(ERASURE_LEDGER_TIME_MAX, telling).await {
            Ok(Ok(told)) => told,
            Ok(Err(_)) | Err(_) => Err(LedgerError::Slow),
        }
    }
}

fn line_of(told: &ToldErasure, before: &[u8; 32], chain: &ChainKey) -> (String, [u8; 32]) {
    let ToldErasure { id, subject, reason, area, origin, destroyed } = told;
    let subject = BASE64_URL_SAFE_NO_PAD.encode(subject.as_bytes());
    let text = format!("{id} {subject} {reason} {area} {origin} {destroyed}");
    let tag = chain.tag(&[HEAD.as_bytes(), before, text.as_bytes()]);
    (format!("{text} {}\n", BASE64_URL_SAFE_NO_PAD.encode(tag)), tag)
}

/// Where the last whole line ends: what stands behind it is what a crash left.
fn whole_lines(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1)
}

/// Reads whole lines.
fn read(
    bytes: &[u8],
    chain: &ChainKey,
) -> Result<(BTreeMap<MandateId, ToldErasure>, [u8; 32]), LedgerError> {
    let (mut all, mut last) = (BTreeMap::new(), [0; 32]);
    for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let wrong = LedgerError::Line(number);
        if number == 1 {
            if line != format!("{HEAD}\n").as_bytes() {
                return Err(wrong);
            }
            continue;
        }
        let text = text_of(line);
        let Some(told) = text.and_then(parse) else { return Err(wrong) };
        let (again, tag) = line_of(&told, &last, chain);
        // The one form of a line, with the one tag: whatever else says the same is not what was written.
        let is_same = text.is_some_and(|text| again.trim_end().as_bytes() == text.as_bytes());
        if !is_same || all.insert(told.id, told).is_some() {
            return Err(wrong);
        }
        last = tag;
    }
    // A file without its first line is nobody's ledger.
    if bytes.is_empty() { Err(LedgerError::Line(1)) } else { Ok((all, last)) }
}

/// The text of a line, which is no longer than any.
fn text_of(line: &[u8]) -> Option<&str> {
    let line = Some(line).filter(|line| line.len() <= ERASURE_LEDGER_LINE_BYTES_MAX);
    line.and_then(|line| line.strip_suffix(b"\n")).and_then(|line| std::str::from_utf8(line).ok())
}

fn parse(text: &str) -> Option<ToldErasure> {
    let mut words = text.split(' ');
    let id = words.next()?.parse().ok()?;
    let subject = BASE64_URL_SAFE_NO_PAD.decode(words.next()?).ok()?;
    let subject = Handle::from_bytes(subject.try_into().ok()?);
    let mut word = || words.next().map(str::to_owned);
    let (reason, area, origin, destroyed) = (word()?, word()?, word()?, word()?.parse().ok()?);
    let _tag = words.next()?;
    let told = ToldErasure { id, subject, reason, area, origin, destroyed };
    words.next().is_none().then_some(told)
}
