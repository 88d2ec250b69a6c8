//! The signed checkpoint, as witnesses and auditors fetch it.
//! Never anything of an entry: a name, a size, a hash and signatures.
//! Reading it is the one reading of the log without an entry, because it tells nothing of anybody.

use super::error::OversightError;
use gridvault_audit::LogReader;

/// The checkpoint that witnesses cosigned, or the log's own where none did; `None` before the first.
///
/// # Errors
/// When the log cannot be read.
pub fn read_checkpoint(log: &LogReader) -> Result<Option<String>, OversightError> {
    match log.witnessed_text()? {
        Some(note) => Ok(Some(note)),
        None => Ok(log.checkpoint_text()?),
    }
}
