//! Holds the store's list of digests against the log: each sealed record is the one of its last entry, and none is missing.
//! Never holds the whole list: records are judged part by part, by their handles, and each part is another pass.
//! A handle says nothing about a person; a digest is over sealed bytes.

use std::collections::HashMap;
use std::io::{self, BufRead};

use super::changes::{RecordChange, decode, is_restore, record_changes};
use super::finding::{Class, Finding, VerifyError};
use super::key::is_name;
use super::note::parse_decimal;
use super::walk::Visitor;
use crate::constants::{
    DIGEST_LINE_BYTES_MAX, DIGESTS_HEADER, DIGESTS_HEADER_BEFORE, DIGESTS_PER_PASS_MAX,
};

/// Audit handle of a record.
type Handle = [u8; 16];

/// What the head of a list states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestsHead {
    /// The log that the store belongs to.
    pub origin: String,
    /// Entries whose changes the store had when the list was made.
    pub size: u64,
    /// Records in the list.
    pub records: u64,
    /// Whether each line names the entry that left its record; lists of the form before do not.
    pub names_entries: bool,
}

/// One part of a list of digests, and what the log says of the records in it.
pub struct Ledger {
    head: DigestsHead,
    part: u64,
    parts: u64,
    listed: HashMap<Handle, Sealed>,
    logged: HashMap<Handle, Logged>,
    fault: Option<VerifyError>,
    /// First index that is kept of the log.
    minimum: u64,
    /// Whether the log begins with a restore: then records from before it have their entries in the log before.
    restored: bool,
    /// Listed records of which no kept entry speaks.
    unjudged: u64,
}

struct Sealed {
    version: u64,
    digest: [u8; 32],
    /// The entry that the row names as the one that left it.
    index: Option<u64>,
}

struct Logged {
    index: u64,
    /// Where the entry says it.
    version: Option<u64>,
    /// `None` where the entry removed the record.
    digest: Option<[u8; 32]>,
}

impl DigestsHead {
    /// Reads the first lines of a list.
    ///
    /// # Errors
    /// [`VerifyError::DigestsRefused`], or the system's.
    pub fn read(list: &mut impl BufRead) -> Result<DigestsHead, VerifyError> {
        let mut line = String::new();
        read_line(list, &mut line)?;
        let names_entries = match line.as_str() {
            DIGESTS_HEADER => true,
            DIGESTS_HEADER_BEFORE => false,
            _ => return Err(VerifyError::DigestsRefused("it does not begin as one")),
        };
        let mut next = |prefix: &str| -> Result<String, VerifyError> {
            read_line(list, &mut line)?;
            line.strip_prefix(prefix)
                .map(str::to_owned)
                .ok_or(VerifyError::DigestsRefused("it does not begin as one"))
        };
        let origin = next("log ")?;
        let number = |text: String| {
            parse_decimal(&text).ok_or(VerifyError::DigestsRefused("a number is not canonical"))
        };
        let size = number(next("size ")?)?;
        let records = number(next("records ")?)?;
        if !is_name(&origin) {
            return Err(VerifyError::DigestsRefused("it names no log"));
        }
        Ok(DigestsHead { origin, size, records, names_entries })
    }

    /// Parts in which a list of so many records is judged.
    #[must_use]
    pub fn parts(&self) -> u64 {
        self.records.div_ceil(DIGESTS_PER_PASS_MAX as u64).max(1)
    }
}

/// Reads a line without its line feed, which it must have.
fn read_line(list: &mut impl BufRead, line: &mut String) -> Result<bool, VerifyError> {
    line.clear();
    let read = io::Read::take(list.by_ref(), DIGEST_LINE_BYTES_MAX as u64).read_line(line);
    match read {
        Ok(0) => Ok(false),
        Ok(_) if line.pop() == Some('\n') => Ok(true),
        Ok(_) => Err(VerifyError::DigestsRefused("a line has no end")),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(VerifyError::DigestsRefused("it is not text"))
        }
        Err(error) => Err(error.into()),
    }
}

impl Ledger {
    /// Reads part `part` of `parts` of a list from its beginning, and the whole list for its form.
    ///
    /// # Errors
    /// [`VerifyError::DigestsRefused`], or the system's.
    pub fn read(list: &mut impl BufRead, part: u64, parts: u64) -> Result<Ledger, VerifyError> {
        let head = DigestsHead::read(list)?;
        let (listed, logged) = (HashMap::new(), HashMap::new());
        let (minimum, restored, unjudged, fault) = (0, false, 0, None);
        let mut ledger =
            Ledger { head, part, parts, listed, logged, fault, minimum, restored, unjudged };
        let (mut line, mut count) = (String::new(), 0);
        while read_line(list, &mut line)? {
            let (handle, sealed) = parse_record(&line, ledger.head.names_entries)
                .ok_or(VerifyError::DigestsRefused("a line is not what one of a record is"))?;
            count += 1;
            if ledger.is_of_part(&handle) && ledger.listed.insert(handle, sealed).is_some() {
                return Err(VerifyError::DigestsRefused("a record is listed twice"));
            }
            if ledger.listed.len() > 2 * DIGESTS_PER_PASS_MAX {
                return Err(VerifyError::DigestsRefused("its handles are not random"));
            }
        }
        match count == ledger.head.records {
            true => Ok(ledger),
            false => Err(VerifyError::DigestsRefused("it has another number of records")),
        }
    }

    /// What the list states at its head.
    #[must_use]
    pub fn head(&self) -> &DigestsHead {
        &self.head
    }

    /// Whether more records are in the log than this number of parts can judge in bounded memory: read again in more.
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        self.logged.len() > 2 * DIGESTS_PER_PASS_MAX
    }

    /// Records of this part whose last entry was pruned, or is in the log before a restore, so that nothing is left to hold them against.
    /// Where the list does not say which entry that is, all of which no kept entry speaks.
    #[must_use]
    pub fn unjudged(&self) -> u64 {
        self.unjudged
    }

    fn is_of_part(&self, handle: &Handle) -> bool {
        let number = u64::from_be_bytes(*handle.first_chunk().expect("a handle has 16 bytes"));
        number % self.parts == self.part
    }

    /// Judges what was seen, after a pass over the whole log that ended well.
    ///
    /// # Errors
    /// [`VerifyError::Tampered`] with the finding of the first entry concerned.
    pub fn judge(&mut self) -> Result<(), VerifyError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let mut first: Option<Finding> = None;
        let mut note = |finding: Finding| {
            // What has no entry stands after all that have one.
            let rank = |finding: &Finding| finding.index.unwrap_or(u64::MAX);
            if first.as_ref().is_none_or(|noted| rank(&finding) < rank(noted)) {
                first = Some(finding);
            }
        };
        for (handle, sealed) in &self.listed {
            match self.logged.get(handle) {
                None if self.may_have_been_left(sealed) => self.unjudged += 1,
                None => note(Finding::new(
                    Class::RecordUnknown,
                    "a record of the store has no entry that made it",
                )),
                Some(Logged { index, digest: None, .. }) => note(Finding::at(
                    Class::RecordUnknown,
                    *index,
                    "a record that this entry removed is in the store",
                )),
                Some(Logged { index, version, digest: Some(digest) }) => {
                    let other_version = version.is_some_and(|version| version != sealed.version);
                    let other_entry = sealed.index.is_some_and(|named| named != *index);
                    if other_version || other_entry || *digest != sealed.digest {
                        note(Finding::at(
                            Class::RecordChanged,
                            *index,
                            "a record of the store is not as its last entry left it",
                        ));
                    }
                }
            }
        }
        for (handle, logged) in &self.logged {
            if logged.digest.is_some() && !self.listed.contains_key(handle) {
                note(Finding::at(
                    Class::RecordMissing,
                    logged.index,
                    "a record that an entry made is not in the store",
                ));
            }
        }
        first.map_or(Ok(()), |finding| Err(finding.into()))
    }

    /// Whether the entry that left a record of which none speaks may be one that is not there any more.
    fn may_have_been_left(&self, sealed: &Sealed) -> bool {
        match sealed.index {
            // Rows of before a restore name its entry.
            Some(index) => index < self.minimum || (self.restored && index == 0),
            None => self.minimum > 0 || self.restored,
        }
    }

    /// Takes in what an entry says of stored records; `None` if it does not say it as it should.
    fn take_in(&mut self, index: u64, entry: &[u8]) -> Option<()> {
        for RecordChange { handle, version, digest } in record_changes(entry)? {
            if !self.is_of_part(&handle) {
                continue;
            }
            if digest.is_none() && !self.listed.contains_key(&handle) {
                self.logged.remove(&handle);
            } else {
                self.logged.insert(handle, Logged { index, version, digest });
            }
        }
        Some(())
    }
}

impl Visitor for Ledger {
    fn begins_at(&mut self, minimum: u64) {
        self.minimum = minimum;
    }

    fn entry(&mut self, index: u64, entry: &[u8]) {
        if index >= self.head.size || self.fault.is_some() || self.is_overfull() {
            return;
        }
        if index == 0 {
            self.restored = is_restore(entry);
        }
        if self.take_in(index, entry).is_none() {
            self.fault = Some(VerifyError::Tampered(Finding::at(
                Class::EntryMalformed,
                index,
                "entry changes records and does not say their digests",
            )));
        }
    }
}

fn parse_record(line: &str, names_entry: bool) -> Option<(Handle, Sealed)> {
    let mut parts = line.split(' ');
    let (handle, version, digest) = (parts.next()?, parts.next()?, parts.next()?);
    let index = match names_entry {
        true => Some(parse_decimal(parts.next()?)?),
        false => None,
    };
    let sealed = Sealed { version: parse_decimal(version)?, digest: decode(digest)?, index };
    parts.next().is_none().then_some((decode(handle)?, sealed))
}
