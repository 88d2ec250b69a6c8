//! Reads the small files that are named on the command line.
//! Never reads more of one than any of them may have.
//! A file that cannot be read is nobody's tampering.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use gridvault_audit::constants::{ENTRY_BYTES_MAX, NOTE_BYTES_MAX, POLICY_BYTES_MAX};

/// Longest file that is read from the command line, in bytes: a proof with its extra line.
pub(super) const FILE_BYTES_MAX: usize = 2 * NOTE_BYTES_MAX;

/// Reads a file, up to one byte past what any of them may have.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    const { assert!(ENTRY_BYTES_MAX < FILE_BYTES_MAX && POLICY_BYTES_MAX < FILE_BYTES_MAX) };
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
