//! The list of a bulk part's files: what it is of, and length and SHA-256 of each file of that state of the vault, whether it lies in this
//! part or in one before, whose list is then named by its digest.
//! Never names a file outside of the bulk part, and has one form: what is read back is written the same.
//! It ends with the digest of itself, so that a cut list is none.

use super::BackupError;
use crate::limits::BACKUP_FILES_COUNT_MAX;
use ring::digest::{SHA256, digest};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Of a whole part, in which every file lies itself.
const HEADER_WHOLE: &str = "gridvault bulk 1";
/// Of one that was made since another.
const HEADER_SINCE: &str = "gridvault bulk 2";

/// Length and digest of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) bytes: u64,
    pub(super) digest: String,
    /// Whether it does not lie in this part, because the part before has it: that one itself, or one before that.
    pub(super) held: bool,
}

impl Listed {
    /// Whether the two are of one content, wherever it lies.
    pub(super) fn is_same(&self, other: &Listed) -> bool {
        (self.bytes, &self.digest) == (other.bytes, &other.digest)
    }
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
    /// SHA-256 of the list of the part before; none in a whole part.
    pub(super) since: Option<[u8; 32]>,
    /// By path beneath the bulk part.
    pub(super) files: BTreeMap<String, Listed>,
}

impl List {
    pub(super) fn to_text(&self) -> String {
        let header = if self.since.is_some() { HEADER_SINCE } else { HEADER_WHOLE };
        let mut text = format!("{header}\norigin {}\nsize {}\n", self.origin, self.size);
        let mut line = |line: std::fmt::Arguments<'_>| {
            let _never_fails = writeln!(text, "{line}");
        };
        match self.snapshot {
            Some(segment) => line(format_args!("snapshot {segment}")),
            None => line(format_args!("snapshot none")),
        }
        if let Some(since) = &self.since {
            line(format_args!("since {}", hex(since)));
        }
        for (path, Listed { bytes, digest, held }) in &self.files {
            let word = if *held { HELD } else { FILE };
            line(format_args!("{word}{digest} {bytes} {path}"));
        }
        let end = hex(digest(&SHA256, text.as_bytes()).as_ref());
        format!("{text}end {end}\n")
    }

    /// SHA-256 of its one form: with it every file is named, in this part or in one before.
    pub(super) fn digest(&self) -> [u8; 32] {
        digest_of(&self.to_text())
    }

    /// # Errors
    /// [`BackupError::List`] for whatever [`List::to_text`] would not have written.
    pub(super) fn parse(text: &str) -> Result<List, BackupError> {
        let refuse = BackupError::List;
        let mut lines = text.lines();
        let is_whole = match lines.next() {
            Some(HEADER_WHOLE) => true,
            Some(HEADER_SINCE) => false,
            _ => return Err(refuse("it does not begin as one of this program")),
        };
        let mut next = |prefix: &str| lines.next().and_then(|line| line.strip_prefix(prefix));
        let origin = next("origin ").ok_or(refuse("it names no log"))?.to_owned();
        let size = next("size ").and_then(|text| text.parse().ok());
        let size = size.ok_or(refuse("it states no size"))?;
        let snapshot = match next("snapshot ").ok_or(refuse("it names no snapshot"))? {
            "none" => None,
            number => Some(number.parse().map_err(|_| refuse("it names no snapshot"))?),
        };
        let since = match is_whole {
            true => None,
            false => {
                let digest = next("since ").and_then(digest_in_hex);
                Some(digest.ok_or(refuse("it names no part before"))?)
            }
        };
        let mut list = List { origin, size, snapshot, since, files: BTreeMap::new() };
        for line in lines {
            let (file, held) = match (line.strip_prefix(FILE), line.strip_prefix(HELD)) {
                (Some(file), _) => (file, false),
                (None, Some(file)) => (file, true),
                (None, None) => break,
            };
            if held && is_whole {
                return Err(refuse("a file of a whole part lies elsewhere"));
            }
            let (path, listed) = parse_file(file, held).ok_or(refuse("a line names no file"))?;
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

/// How the line of a file begins that lies in this part, and that of one that the part before has.
const FILE: &str = "file ";
const HELD: &str = "held ";

fn parse_file(line: &str, held: bool) -> Option<(String, Listed)> {
    let mut parts = line.splitn(3, ' ');
    let (digest, bytes, path) = (parts.next()?, parts.next()?, parts.next()?);
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let listed = Listed { bytes: bytes.parse().ok()?, digest: digest.to_owned(), held };
    (is_digest && is_inside(path)).then(|| (path.to_owned(), listed))
}

/// Whether a path leads to a file beneath the bulk part and nowhere else.
fn is_inside(path: &str) -> bool {
    path.split('/').all(|part| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
    })
}

/// SHA-256 of the text of a list.
pub(super) fn digest_of(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    bytes
}

/// Whether a text ends with the digest of itself, as every list does.
pub(super) fn is_whole_text(text: &str) -> bool {
    let end = text.rfind("end ").unwrap_or(0);
    let (lines, end) = text.split_at(end);
    !lines.is_empty() && end == format!("end {}\n", hex(&digest_of(lines)))
}

fn digest_in_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    if pairs.len() != bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
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
        let listed = Listed { bytes: 7, digest: "ab".repeat(32), held: false };
        let files = ["config", "log/checkpoint", "log/tile/0/x001/002.p/5"];
        let files = files.map(|path| (path.to_owned(), listed.clone())).into();
        let origin = "vault.example/log".to_owned();
        List { origin, size: 12, snapshot: Some(3), since: None, files }
    }

    fn list_since() -> List {
        let mut list = List { since: Some([0xC3; 32]), ..list() };
        list.files.get_mut("log/checkpoint").expect("listed").held = true;
        list
    }

    #[test]
    fn a_list_reads_back_as_it_was_written() {
        let none = List { snapshot: None, ..list() };
        for list in [list(), none, list_since()] {
            assert_eq!(List::parse(&list.to_text()).expect("own text"), list);
        }
    }

    #[test]
    fn every_changed_or_missing_byte_of_a_list_is_found() {
        for text in [list().to_text(), list_since().to_text()] {
            for at in 0..text.len() {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1;
                let changed = String::from_utf8(bytes).expect("still ASCII");
                assert!(List::parse(&changed).is_err(), "byte {at}");
                assert!(List::parse(&text[..at]).is_err(), "cut at {at}");
            }
            assert!(List::parse(&(text + "\n")).is_err());
        }
    }

    /// A list of before there were incremental parts, byte for byte.
    #[test]
    fn a_whole_part_has_the_list_that_it_always_had() {
        let lines = "gridvault bulk 1\norigin vault.example/log\nsize 12\nsnapshot 3\n";
        let file = format!("file {} 7", "ab".repeat(32));
        let lines = format!(
            "{lines}{file} config\n{file} log/checkpoint\n{file} log/tile/0/x001/002.p/5\n"
        );
        let text = format!("{lines}end {}\n", hex(&digest_of(&lines)));
        assert_eq!(List::parse(&text).expect("a list of then"), list());
        assert_eq!(list().to_text(), text);
    }

    #[test]
    fn a_whole_part_holds_nothing_elsewhere_and_another_names_the_one_before() {
        let fitted = |text: String| {
            let (lines, _) = text.split_at(text.find("end ").expect("an end"));
            format!("{lines}end {}\n", hex(&digest_of(lines)))
        };
        let elsewhere = fitted(list().to_text().replacen("file ", "held ", 1));
        let refused = List::parse(&elsewhere).expect_err("refused").to_string();
        assert!(refused.contains("a file of a whole part lies elsewhere"), "{refused}");
        let since = format!("since {}\n", "c3".repeat(32));
        for wrong in ["", "since c3\n", "since \n"] {
            let text = fitted(list_since().to_text().replacen(&since, wrong, 1));
            let refused = List::parse(&text).expect_err("refused").to_string();
            assert!(refused.contains("it names no part before"), "{refused}");
        }
        for (from, to) in [(HEADER_WHOLE, HEADER_SINCE), (HEADER_SINCE, HEADER_WHOLE)] {
            for list in [list(), list_since()] {
                let text = list.to_text();
                let other = fitted(text.replacen(from, to, 1));
                assert!(other == text || List::parse(&other).is_err(), "{other}");
            }
        }
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
