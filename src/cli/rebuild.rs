//! `gridvault store rebuild`, and what a start does by itself behind a power failure: the store made again beside the old one, and put in
//! its place in one step.
//! Never while the vault serves, and never in part: what is damaged is named, and the store stays as it is.
//! It ends with a start over the new store, whose entry says what it was made of.

use super::failure::Failure;
use super::opening::Opening;
use super::{print, runtime, snapshots, vault};
use crate::config::{Config, layout};
use crate::files::{replace, sync_directory};
use crate::store::{self, EngineKind};
use crate::trail::{Announcement, FileMedia, Media, Rebuilding, Rebuilt, Trail, rebuild};
use gridvault_keys::Keyring;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The vault's directory.
    #[arg(long, env = "GRIDVAULT_DIR")]
    dir: PathBuf,
    #[command(flatten)]
    opening: Opening,
    /// The name of another snapshot than the newest, such as 000000000000001a.snapshot.
    #[arg(long, value_parser = segment_of)]
    snapshot: Option<u64>,
}

/// The segment that a snapshot's name tells.
fn segment_of(name: &str) -> Result<u64, String> {
    let digits = name.strip_suffix(".snapshot").unwrap_or(name);
    let number = u64::from_str_radix(digits, 16).ok();
    number
        .filter(|number| format!("{number:016x}") == digits)
        .ok_or_else(|| "a snapshot's name has sixteen digits".to_owned())
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let opening = &arguments.opening;
    let config = Config::load(&arguments.dir, &opening.overrides())
        .map_err(|error| Failure::failed("the configuration", &error))?;
    let held = vault::hold(&config)?;
    let keyring = opening.keyring(&config, &held)?;
    let rebuilt = make_again(&config, &keyring, arguments.snapshot)?;
    runtime()?.block_on(async {
        // As at any start: the journal behind the mark is done again, into store and log, and the entry says what was made.
        let vault = vault::open(&config, keyring).await?;
        vault.rooms.trail.stop().await.map_err(|fault| Failure::from(&*fault))
    })?;
    let Rebuilt { snapshot, rows, frames, entries } = rebuilt;
    print(&match json {
        true => serde_json::json!({
            "snapshot": snapshot, "rows": rows, "frames": frames, "entries": entries,
        })
        .to_string(),
        false => format!(
            "the store was made again: {rows} rows of the snapshot of {snapshot} entries, and \
             {frames} frames of the journal up to {entries} entries"
        ),
    });
    Ok(())
}

/// Makes the store again of a snapshot, the newest unless one is named, and of the journal behind it. Until it lies in its place the old
/// one is as it was.
pub(super) fn make_again(
    config: &Config,
    keyring: &Keyring,
    from: Option<u64>,
) -> Result<Rebuilt, Failure> {
    let unplaced = |error| Failure::storage("the new store cannot be put in its place", &error);
    is_own(&config.directory).map_err(unplaced)?;
    let rebuilt = make_beside(config, keyring, from)?;
    let word = serde_json::to_vec(&rebuilt).map_err(|error| unplaced(error.into()))?;
    replace(&beside(&config.directory).join(UNTOLD), &word).map_err(unplaced)?;
    put_in_place(&config.directory).map_err(unplaced)?;
    Ok(rebuilt)
}

/// Whether the store is a directory of the vault's own: behind a link lies another disk, and what would change places is the link.
fn is_own(directory: &Path) -> std::io::Result<()> {
    match std::fs::symlink_metadata(directory.join(layout::STORE)) {
        Ok(found) if !found.is_dir() => Err(std::io::Error::other("the store is no directory")),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Records what the store was made of, where that was not told yet: a start may end between the two.
pub(super) async fn tell(trail: &Trail, directory: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::storage("the rebuild cannot be recorded", &error);
    let store = directory.join(layout::STORE);
    let word = store.join(UNTOLD);
    let unread = |error| Failure::storage("what the store was made of", &error);
    let told = match std::fs::read(&word) {
        Ok(told) => told,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unread(error)),
    };
    let made: Rebuilt = serde_json::from_slice(&told).map_err(|error| unread(error.into()))?;
    let Rebuilt { snapshot, rows, entries, .. } = made;
    trail.announce(Announcement::Rebuilt { snapshot, rows, entries }).await.map_err(failed)?;
    std::fs::remove_file(&word).and_then(|()| sync_directory(&store)).map_err(unread)
}

/// Takes away what a start left that ended while two stores changed places.
pub(super) fn clear_away(directory: &Path) -> Result<(), Failure> {
    remove(&beside(directory))
        .map_err(|error| Failure::storage("the former store cannot be removed", &error))
}

/// Lies in a store until the entry is written that says what it was made of.
const UNTOLD: &str = "made-again";

/// Where the new store is made, and where the old one lies for a moment.
fn beside(directory: &Path) -> PathBuf {
    directory.join("store.new")
}

fn make_beside(config: &Config, keyring: &Keyring, from: Option<u64>) -> Result<Rebuilt, Failure> {
    let (settings, media) = (vault::settings_of(config), Arc::new(FileMedia) as Arc<dyn Media>);
    settings.make_room(media.clone()).map_err(|fault| Failure::from(&fault))?;
    let (directory, snapshots) = (&config.directory, snapshots::directory(&config.directory));
    let beside = beside(directory);
    let unmade = |error: &(dyn std::error::Error + 'static)| {
        Failure::storage("the store cannot be made again; the old one is as it was", error)
    };
    remove(&beside).map_err(|error| unmade(&error))?;
    let opened = store::open(&beside, EngineKind::Sled, config.store_cache_bytes);
    let (reader, applier) = opened.map_err(|error| unmade(&error))?;
    // Nobody reads it before it lies in its place.
    drop(reader);
    let rebuilding =
        Rebuilding { settings: &settings, snapshots: &snapshots, from, keyring, media };
    let rebuilt = rebuild(applier, &rebuilding);
    rebuilt.map_err(|fault| {
        let _left_over = remove(&beside);
        unmade(&fault)
    })
}

/// Lets the two stores change places in one step, and takes the old one away.
fn put_in_place(directory: &Path) -> std::io::Result<()> {
    let (new, old) = (beside(directory), directory.join(layout::STORE));
    match renameat_with(CWD, &new, CWD, &old, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        // There was none, or the file system cannot do it. Then a crash between the two calls leaves no store, which a start
        // refuses, and this command makes again.
        Err(Errno::NOENT | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            remove(&old)?;
            std::fs::rename(&new, &old)?;
        }
        Err(error) => return Err(error.into()),
    }
    sync_directory(directory)?;
    remove(&new)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_named_in_one_way() {
        assert_eq!(segment_of("000000000000001a.snapshot"), Ok(0x1a));
        assert_eq!(segment_of("000000000000001a"), Ok(0x1a));
        for name in ["1a", "000000000000001A", "+00000000000001a", "../000000000000001a", ""] {
            assert!(segment_of(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_new_store_takes_the_place_of_the_old_one_or_of_none() {
        for there in [true, false] {
            let directory = tempfile::tempdir().expect("a directory");
            let path = |name: &str| directory.path().join(name);
            if there {
                std::fs::create_dir(path("store")).expect("made");
                std::fs::write(path("store/db"), "old").expect("written");
            }
            std::fs::create_dir(path("store.new")).expect("made");
            std::fs::write(path("store.new/db"), "new").expect("written");
            put_in_place(directory.path()).expect("placed");
            assert_eq!(std::fs::read_to_string(path("store/db")).expect("there"), "new");
            assert!(!path("store.new").exists());
        }
    }
}
