//! Starts what makes snapshots of the store, and keeps it going while the vault serves.
//! Never in a request's way: it reads closed segments of the journal, at a bounded pace, and what it does is an entry.
//! What fails is told and tried again; until then no segment goes.

use super::failure::Failure;
use crate::config::{Config, layout};
use crate::limits::{SNAPSHOT_BYTES_PER_SECOND, SNAPSHOT_INTERVAL, SNAPSHOT_RETRY_INTERVAL};
use crate::trail::{Media, SnapshotSettings, SnapshotStep, Snapshots, Trail};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a vault's snapshots lie.
pub(super) fn directory(vault: &Path) -> PathBuf {
    vault.join(layout::SNAPSHOTS)
}

/// The keeper of a vault's snapshots. It does nothing by itself.
pub(super) fn begin(
    config: &Config,
    trail: &Trail,
    media: Arc<dyn Media>,
) -> Result<Snapshots, Failure> {
    let settings = SnapshotSettings {
        directory: directory(&config.directory),
        journal_directory: config.directory.join(layout::JOURNAL),
        kept: config.snapshots_kept,
        journal_bytes: config.snapshot_journal_bytes,
        bytes_per_second: SNAPSHOT_BYTES_PER_SECOND,
    };
    let snapshots = trail.snapshots(settings, media);
    snapshots.map_err(|fault| Failure::storage("the snapshots cannot be kept", &fault))
}

/// Looks whether one is due for as long as it is not aborted.
pub(super) async fn tend(mut snapshots: Snapshots, trail: Arc<Trail>) {
    let mut failing = false;
    loop {
        let pause = match snapshots.step(&trail).await {
            Ok(SnapshotStep::Nothing) => {
                failing = false;
                SNAPSHOT_INTERVAL
            }
            Ok(SnapshotStep::Made(index)) => {
                failing = false;
                tracing::info!(index, "a snapshot was written and read back");
                SNAPSHOT_INTERVAL
            }
            Ok(SnapshotStep::Full) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!("a snapshot is due and finds no room: the journal stays");
                }
                SNAPSHOT_RETRY_INTERVAL
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(%error, cause, "the journal stays until a snapshot is made");
                }
                SNAPSHOT_RETRY_INTERVAL
            }
        };
        tokio::time::sleep(pause).await;
    }
}
