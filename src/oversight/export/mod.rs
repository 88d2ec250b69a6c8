//! Entries in the forms that other systems read: as they were written, OCSF, CEF, CSV.
//! Never a word that the entry does not have, and never a sealed context: that stays in the log.
//! Each form names origin and index, so that whoever reads it can ask for the proof.

mod cef;
mod csv;
mod ocsf;
mod syslog;

use super::entry::LogEntry;
use gridvault_audit::leaf_hash;

pub(super) use syslog::framed;

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The entry's bytes as they were written.
    Entries,
    /// Open Cybersecurity Schema Framework, a JSON object a line.
    Ocsf,
    /// Common Event Format.
    Cef,
    /// Comma-separated values (RFC 4180), safe to be opened as a sheet.
    Csv,
}

impl Format {
    /// All.
    pub const ALL: [Format; 4] = [Format::Entries, Format::Ocsf, Format::Cef, Format::Csv];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Entries => "entries",
            Format::Ocsf => "ocsf",
            Format::Cef => "cef",
            Format::Csv => "csv",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// The line that stands above all others, where there is one.
    pub fn header(self) -> Option<String> {
        (self == Format::Csv).then(csv::header)
    }

    /// One entry as one line, without its end. Nothing for bytes that are no entry.
    pub fn line(self, bytes: &[u8], origin: &str) -> Option<String> {
        if self == Format::Entries {
            return std::str::from_utf8(bytes).ok().map(str::to_owned);
        }
        let entry = Exported { entry: LogEntry::parse(bytes)?, bytes, origin };
        match self {
            Format::Entries => None,
            Format::Ocsf => Some(ocsf::line(&entry)),
            Format::Cef => Some(cef::line(&entry)),
            Format::Csv => Some(csv::line(&entry)),
        }
    }
}

/// An entry on its way out.
struct Exported<'a> {
    entry: LogEntry,
    bytes: &'a [u8],
    origin: &'a str,
}

impl Exported<'_> {
    /// Lower-case hexadecimal, as other systems write digests.
    fn leaf(&self) -> String {
        leaf_hash(self.bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests;
