//! The list of a bulk part's files: what it is of, and length and SHA-256 of each file.
//! Never names a file outside of the bulk part, and has one form: what is read back is written the same.
//! It ends with the digest of itself, so that a cut list is none.

use super::BackupError;
use crate::limits::BACKUP_FILES_COUNT_MAX;
use ring::digest::{SHA256, digest};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const HEADER: &str = "gridvault bulk 1";

/// Length and digest of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) bytes: u64,
    pub(super) digest: String,
}

/// What a bulk part is of, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List {
    /// Name of the log.
    pub(super) origin: String,
    /// Entries that the copied checkpoint covers.
    pub(super) size: u64,
    /// The segment with which the journal goes on behind the snapshot; none where there was no snapshot.
    pub(super) snapshot: Option<u64>,
    /// By path beneath the bulk part.
    pub(super) files: BTreeMap<String, Listed>,
}

impl List {
    pub(super) fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\norigin {}\nsize {}\n", self.origin, self.size);
        let mut line = |line: std::fmt::Arguments<'_>| {
            let _never_fails = writeln!(text, "{line}");
        };
        match self.snapshot {
            Some(segment) => line(format_args!("snapshot {segment}")),
            None => line(format_args!("snapshot none")),
        }
        for (path, Listed { bytes, digest }) in &self.files {
            line(format_args!("file {digest} {bytes} {path}"));
        }
        let end = hex(digest(&SHA256, text.as_bytes()).as_ref());
        format!("{text}end {end}\n")
    }

    /// SHA-256 of its one form: with it every file of the bulk part is named.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, self.to_text().as_bytes()).as_ref());
        bytes
    }

    /// # Errors
    /// [`BackupError::List`] for whatever [`List::to_text`] would not have written.
    pub(super) fn parse(text: &str) -> Result<List, BackupError> {
        let refuse = BackupError::List;
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(refuse("it does not begin as one of this program"));
        }
        let mut next = |prefix: &str| lines.next().and_then(|line| line.strip_prefix(prefix));
        let origin = next("origin ").ok_or(refuse("it names no log"))?.to_owned();
        let size = next("size ").and_then(|text| text.parse().ok());
        let size = size.ok_or(refuse("it states no size"))?;
        let snapshot = match next("snapshot ").ok_or(refuse("it names no snapshot"))? {
            "none" => None,
            number => Some(number.parse().map_err(|_| refuse("it names no snapshot"))?),
        };
        let mut list = List { origin, size, snapshot, files: BTreeMap::new() };
        for line in lines {
            let Some(file) = line.strip_prefix("file ") else { break };
            let (path, listed) = parse_file(file).ok_or(refuse("a line names no file"))?;
            if list.files.len() >= BACKUP_FILES_COUNT_MAX {
                return Err(refuse("it names more files than any"));
            }
            list.files.insert(path, listed);
        }
        // One form alone: order, doubles, signs, a missing end, a changed digest all end here.
        match list.to_text() == text {
            true => Ok(list),
            false => Err(refuse("it is cut or changed")),
        }
    }
}

fn parse_file(line: &str) -> Option<(String, Listed)> {
    let mut parts = line.splitn(3, ' ');
    let (digest, bytes, path) = (parts.next()?, parts.next()?, parts.next()?);
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let listed = Listed { bytes: bytes.parse().ok()?, digest: digest.to_owned() };
    (is_digest && is_inside(path)).then(|| (path.to_owned(), listed))
}

/// Whether a path leads to a file beneath the bulk part and nowhere else.
fn is_inside(path: &str) -> bool {
    path.split('/').all(|part| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _never_fails = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> List {
        let listed = Listed { bytes: 7, digest: "ab".repeat(32) };
        let files = ["config", "log/checkpoint", "log/tile/0/x001/002.p/5"];
        let files = files.map(|path| (path.to_owned(), listed.clone())).into();
        List { origin: "vault.example/log".to_owned(), size: 12, snapshot: Some(3), files }
    }

    #[test]
    fn a_list_reads_back_as_it_was_written() {
        let none = List { snapshot: None, ..list() };
        for list in [list(), none] {
            assert_eq!(List::parse(&list.to_text()).expect("own text"), list);
        }
    }

    #[test]
    fn every_changed_or_missing_byte_of_a_list_is_found() {
        let text = list().to_text();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8(bytes).expect("still ASCII");
            assert!(List::parse(&changed).is_err(), "byte {at}");
            assert!(List::parse(&text[..at]).is_err(), "cut at {at}");
        }
        assert!(List::parse(&(text + "\n")).is_err());
    }

    #[test]
    fn a_path_that_leads_outside_is_refused() {
        for path in
            ["../config", "/config", "log/../../config", "log//x", "", ".files", "a b", "a\\b"]
        {
            assert!(!is_inside(path), "{path}");
        }
        assert!(is_inside("log/tile/0/x001/002.p/5"));
    }
}
