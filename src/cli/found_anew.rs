//! Index terms of a restored vault whose keys are destroyed: made anew from the values at its first start, before anybody is served.
//! Never in an ordinary start: a file in the vault's directory says that it is due, and goes once it is done: where something cannot be
//! read, the next start looks again.
//! What keeps it from being done keeps the vault from being served: nobody would be found, and nobody would be told.

use super::failure::Failure;
use crate::config::{Config, layout};
use crate::files::sync_directory;
use crate::http::Rooms;
use crate::operations::{RemadeTerms, remake_terms};
use std::path::Path;

/// Says that the next start makes terms anew.
pub(super) fn is_due(directory: &Path) -> std::io::Result<()> {
    std::fs::write(directory.join(layout::TERMS_DUE), "")?;
    sync_directory(directory)
}

/// Makes them anew, if that is due.
pub(super) async fn agree(config: &Config, rooms: &Rooms) -> Result<(), Failure> {
    let due = config.directory.join(layout::TERMS_DUE);
    if !due.exists() {
        return Ok(());
    }
    let Rooms { store, seal, trail, clock, .. } = rooms;
    let RemadeTerms { terms, lost, left } = remake_terms(clock.now(), store, seal, trail)
        .await
        .map_err(|error| Failure::storage("index terms cannot be made anew", &error))?;
    tracing::warn!(terms, lost, "index terms under destroyed keys were made anew");
    if left > 0 {
        tracing::error!(
            left,
            "index terms cannot be made anew of what cannot be read: the next start looks again"
        );
        return Ok(());
    }
    let removed = std::fs::remove_file(due).and_then(|()| sync_directory(&config.directory));
    removed.map_err(|error| Failure::storage("the vault's directory", &error))
}
