//! Reads and writes a root-wrapping key that lies in a file in clear. Never opens a vault that is not a demonstration.
//! The file is one labelled line, readable by its owner alone.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::file::{read_rest_bounded, write_new};
use crate::secret::{KEY_BYTES, Secret};

const LABEL: &[u8] = b"gridvault-demo-key-file-v1 ";
const LINE_BYTES: usize = LABEL.len() + 2 * KEY_BYTES + 1;
/// Permission bits of the group and of others.
const OTHERS: u32 = 0o077;

/// The key in a key file, wiped on drop.
pub struct KeyFile(Secret);

/// Says that the caller runs a demonstration. Every place that makes one is found by searching for this name.
pub struct DemoOnly(());

impl DemoOnly {
    /// Accepts that the root key lies open on the disk.
    #[must_use]
    pub fn data_is_synthetic() -> Self {
        Self(())
    }
}

impl KeyFile {
    /// Draws a key and writes it to a new file of mode 0600; durable when this returns.
    ///
    /// # Errors
    /// [`KeyError::FileExists`], [`KeyError::Randomness`], [`KeyError::ReadBack`], [`KeyError::Io`].
    pub fn create(path: &Path) -> Result<Self, KeyError> {
        let key = Self(Secret::random()?);
        write_new(path, &key.line())?;
        Ok(key)
    }

    /// Reads the key from its file.
    ///
    /// # Errors
    /// [`KeyError::KeyFileExposed`] if others than the owner may read it, [`KeyError::KeyFileShape`], [`KeyError::Io`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let file = File::open(path).map_err(KeyError::io("opening the key file"))?;
        let status = file.metadata().map_err(KeyError::io("reading the key file's mode"))?;
        if status.permissions().mode() & OTHERS != 0 {
            return Err(KeyError::KeyFileExposed);
        }
        let line = read_rest_bounded(file, LINE_BYTES)?.ok_or(KeyError::KeyFileShape)?;
        Self::parse(&line)
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.0
    }

    fn line(&self) -> Zeroizing<Vec<u8>> {
        let mut line = Zeroizing::new(Vec::with_capacity(LINE_BYTES));
        line.extend_from_slice(LABEL);
        for byte in self.0.expose() {
            line.extend([hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
        line.push(b'\n');
        line
    }

    pub(crate) fn parse(line: &[u8]) -> Result<Self, KeyError> {
        let digits = line
            .strip_prefix(LABEL)
            .and_then(|rest| rest.strip_suffix(b"\n"))
            .filter(|digits| digits.len() == 2 * KEY_BYTES)
            .ok_or(KeyError::KeyFileShape)?;
        Secret::filled(|key| {
            for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
                *byte = (hex_value(pair[0])? << 4) | hex_value(pair[1])?;
            }
            Ok(())
        })
        .map(Self)
    }
}

fn hex_digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        _ => b'a' + (value - 10),
    }
}

fn hex_value(digit: u8) -> Result<u8, KeyError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(KeyError::KeyFileShape),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_key_file_is_read_back() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("demo.key");
        let created = KeyFile::create(&path).expect("a new file");
        let loaded = KeyFile::load(&path).expect("own file");
        assert_eq!(created.0.expose(), loaded.0.expose());
        let mode = fs::metadata(&path).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(KeyFile::create(&path), Err(KeyError::FileExists)));
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("demo.key");
        KeyFile::create(&path).expect("a new file");
        for mode in [0o640, 0o604, 0o610] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("own file");
            assert!(matches!(KeyFile::load(&path), Err(KeyError::KeyFileExposed)));
        }
    }

    #[test]
    fn a_malformed_key_file_is_refused() {
        let good = KeyFile(Secret::copy_of(&[0xab; KEY_BYTES])).line();
        assert_eq!(good.len(), LINE_BYTES);
        assert_eq!(KeyFile::parse(&good).expect("own line").0.expose(), &[0xab; KEY_BYTES]);
        let text = String::from_utf8(good.to_vec()).expect("ASCII");
        for bad in [
            String::new(),
            text.trim_end().to_owned(),
            format!("{text}\n"),
            text.replace("v1", "v2"),
            text.to_uppercase(),
            text.replacen("ab", "ag", 1),
            text.replacen("ab", "", 1),
        ] {
            assert_ne!(bad, text);
            assert!(matches!(KeyFile::parse(bad.as_bytes()), Err(KeyError::KeyFileShape)));
        }
    }
}
