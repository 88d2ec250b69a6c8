//! The checkpoint that witnesses cosigned, in a file beside the log's own.
//! Never judges cosignatures: who calls has checked them, and who reads checks them again.
//! It may be older than the log's own checkpoint, never newer.

use std::path::Path;

use super::error::LogError;
use super::files::{self, Staging};
use super::note::Checkpoint;
use crate::constants::{NOTE_BYTES_MAX, WITNESSED_FILE};

/// Puts `note` durably in the place of the last cosigned checkpoint of the log in `directory`.
///
/// # Errors
/// [`LogError::CheckpointInvalid`] if it is no checkpoint of `origin`, [`LogError::Io`].
pub fn keep_witnessed(directory: &Path, origin: &str, note: &str) -> Result<(), LogError> {
    let checkpoint = Checkpoint::parse(note).filter(|_| note.len() <= NOTE_BYTES_MAX);
    if checkpoint.is_none_or(|checkpoint| checkpoint.origin != origin) {
        return Err(LogError::CheckpointInvalid);
    }
    let mut staging = Staging::default();
    staging.replace(&directory.join(WITNESSED_FILE), note.as_bytes())?;
    // A crash before the end of this leaves the older note or the newer one: both are true.
    staging.sync()?;
    Ok(())
}

/// The last cosigned checkpoint of the log in `directory`; `None` if there is none.
pub(super) fn read_witnessed(
    directory: &Path,
    origin: &str,
) -> Result<Option<(String, Checkpoint)>, LogError> {
    let Some(note) = files::read(&directory.join(WITNESSED_FILE))? else {
        return Ok(None);
    };
    let note = String::from_utf8(note).map_err(|_| LogError::CheckpointInvalid)?;
    let checkpoint = Checkpoint::parse(&note).ok_or(LogError::CheckpointInvalid)?;
    if checkpoint.origin != origin {
        return Err(LogError::OriginDiffers);
    }
    Ok(Some((note, checkpoint)))
}
