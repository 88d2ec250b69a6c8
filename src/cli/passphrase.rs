//! Passphrases in files, and which of them a person can type.
//! Never makes a vault with one that `gridvault unseal` cannot bring: sealed once, it might stay so for ever.
//! Line ends at the end of a file do not belong to it; a vault that is there is opened by whatever it was made with.

use super::failure::Failure;
use gridvault_keys::Passphrase;
use std::path::Path;
use zeroize::Zeroizing;

/// What a share begins with, and no passphrase may.
const SHARE_LABEL: &str = "GVSHARE";
/// What some editors put in front of a text. Nobody types it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Whether a line that was typed is a share.
pub(super) fn is_share(line: &str) -> bool {
    let label = line.trim_start().get(..SHARE_LABEL.len());
    label.is_some_and(|label| label.eq_ignore_ascii_case(SHARE_LABEL))
}

/// The passphrase in the file of a vault that is there.
pub(super) fn read(file: &Path) -> Result<Passphrase, Failure> {
    taken(bytes_of(file)?)
}

/// The passphrase in a file for a new vault.
pub(super) fn read_new(file: &Path) -> Result<Passphrase, Failure> {
    let bytes = bytes_of(file)?;
    if let Err(why) = can_be_typed(&bytes) {
        let needed = "unseal brings one line of UTF-8 text";
        return Err(Failure::Failed(format!("the passphrase file {why}, and {needed}")));
    }
    taken(bytes)
}

fn bytes_of(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = std::fs::read(file);
    let mut bytes = Zeroizing::new(
        read.map_err(|error| Failure::failed("the passphrase file cannot be read", &error))?,
    );
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(bytes)
}

fn taken(bytes: Zeroizing<Vec<u8>>) -> Result<Passphrase, Failure> {
    Passphrase::new(bytes).map_err(|error| Failure::failed("the passphrase", &error))
}

/// Whether a line that is typed can be these bytes.
fn can_be_typed(bytes: &[u8]) -> Result<(), &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "holds no UTF-8 text")?;
    if text.starts_with(BYTE_ORDER_MARK) {
        return Err("begins with a byte order mark");
    }
    if text.contains(['\n', '\r']) {
        return Err("has more than one line");
    }
    if text.contains(char::is_control) {
        return Err("has a control character");
    }
    if is_share(text) {
        return Err("begins as a share does");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::unseal::{brought, read_line};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_nobody_can_type_is_told_and_why() {
        for (bytes, why) in [
            (&b"\xff\xfe a passphrase"[..], "UTF-8"),
            ("\u{feff}a passphrase".as_bytes(), "byte order mark"),
            (b"a passphrase\nof two lines", "line"),
            (b"a passphrase\rof two lines", "line"),
            (b"a passphrase\0", "control"),
            (b"a pass\tphrase", "control"),
            (b"a passphrase\x1b[A", "control"),
            ("a passphrase\u{85}".as_bytes(), "control"),
            (b" gvshare and more", "share"),
        ] {
            let said = can_be_typed(bytes).expect_err(why);
            assert!(said.contains(why), "{said}");
        }
        for good in ["a passphrase of words", " with spaces ", "密码口令很长", "GV shared"] {
            can_be_typed(good.as_bytes()).expect(good);
        }
    }

    #[test]
    fn a_vault_that_is_there_is_opened_by_whatever_it_was_made_with() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), b"of two\nlines \xff\r\n\n").expect("a file");
        assert!(read(file.path()).is_ok());
        assert!(read_new(file.path()).is_err());
        assert_eq!(*bytes_of(file.path()).expect("readable"), b"of two\nlines \xff");
    }

    proptest! {
        #[test]
        fn what_is_taken_for_a_new_vault_is_what_a_line_brings(text: String) {
            prop_assume!(can_be_typed(text.as_bytes()).is_ok() && !text.is_empty());
            for end in ["\n", "\r\n", ""] {
                let typed = format!("{text}{end}");
                let line = read_line(&mut typed.as_bytes()).expect("one line");
                let body = brought(&line).expect("text");
                prop_assert_eq!(body, serde_json::json!({"passphrase": &text}));
            }
        }
    }
}
