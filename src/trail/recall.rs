//! Gives the proof of an entry once more, for whoever did the same thing twice.
//! Never makes an entry, and never a proof of one that no published checkpoint covers.
//! The leaf comes from the log's own hash tiles, where the entry's bytes are not.

use super::{Recorded, Trail, TrailError};
use crate::limits::PROOF_WAIT_MAX;

impl Trail {
    /// What was recorded at `index`, which a stored value names as the entry that wrote it. Waits, for a bounded time,
    /// until a checkpoint covers it.
    ///
    /// # Errors
    /// [`TrailError::Unavailable`] when none does in that time, or when the log cannot be read.
    pub async fn recorded(&self, index: u64) -> Result<Recorded, TrailError> {
        // So that no timer is needed where it is there already.
        if *self.durable.borrow() <= index {
            self.covered_within(index, PROOF_WAIT_MAX).await?;
        }
        let leaf = self.log.leaf(index).map_err(|error| {
            tracing::error!(%error, index, "the log cannot be read");
            TrailError::Unavailable
        })?;
        Ok(Recorded { index, leaf })
    }
}
