//! How far a receiver has confirmed: one small file, replaced as a whole and synced.
//! Never moved before the receiver confirmed; a crash between the two sends those entries again.
//! It names log and receiver, so that a position is not taken for another's.

use super::{Receiver, ShipError};
use crate::files::sync_directory;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    origin: String,
    receiver: String,
    next: u64,
}

/// A kept position.
pub(super) struct Position {
    path: PathBuf,
    kept: Kept,
}

impl Position {
    pub(super) fn open(
        directory: &Path,
        origin: &str,
        receiver: &Receiver,
    ) -> Result<Position, ShipError> {
        std::fs::create_dir_all(directory)?;
        let path = directory.join("position");
        let fresh =
            Kept { origin: origin.to_owned(), receiver: receiver.address().to_owned(), next: 0 };
        let kept = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| ShipError::Position)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Kept { origin: fresh.origin.clone(), receiver: fresh.receiver.clone(), next: 0 }
            }
            Err(error) => return Err(error.into()),
        };
        if (&kept.origin, &kept.receiver) != (&fresh.origin, &fresh.receiver) {
            return Err(ShipError::Position);
        }
        Ok(Position { path, kept })
    }

    pub(super) fn next(&self) -> u64 {
        self.kept.next
    }

    pub(super) fn advance(&mut self, next: u64) -> Result<(), ShipError> {
        self.kept.next = next;
        let bytes = serde_json::to_vec(&self.kept).map_err(std::io::Error::from)?;
        let unfinished = self.path.with_extension("unfinished");
        let mut file = File::create(&unfinished)?;
        file.write_all(&bytes)?;
        file.sync_data()?;
        std::fs::rename(&unfinished, &self.path)?;
        if let Some(directory) = self.path.parent() {
            sync_directory(directory)?;
        }
        Ok(())
    }
}
