//! Watches the room on the vault's disk, and keeps some of it back in a file.
//! Never lets the disk run full by what the vault itself takes in, and never decides who may do what.
//! What is already accepted can be kept to its end; only then is anything new taken.

use super::TrailFault;
use super::journal::{Media, Room, is_full};
use crate::limits::{DISK_FLOOR_BYTES, DISK_FLOOR_FILES, DISK_FREE_BYTES_MIN, DISK_FREE_FILES_MIN};
use gridvault_audit::Relief;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much may still be taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Everything.
    Ample,
    /// Nothing that makes the store grow. Reads, removals, refusals and oversight go on.
    Low,
    /// Nothing but the entry of the stop.
    Spent,
}

/// What an operation asks of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It stores something new.
    Growth,
    /// It leaves an entry, and what it changes takes less room afterwards or about as much.
    Entry,
    /// The vault stops.
    Stop,
}

/// What was last seen, shared between the thread that looks and the door.
#[derive(Clone, Default)]
pub(super) struct Shown(Arc<AtomicU8>);

impl Shown {
    /// Whether nothing can be written, as it was last seen.
    pub(super) fn is_spent(&self) -> bool {
        self.space() == Space::Spent
    }

    pub(super) fn space(&self) -> Space {
        match self.0.load(Ordering::Relaxed) {
            0 => Space::Ample,
            1 => Space::Low,
            _ => Space::Spent,
        }
    }

    pub(super) fn takes(&self, need: Need) -> bool {
        match need {
            Need::Growth => self.space() == Space::Ample,
            Need::Entry => !self.is_spent(),
            Need::Stop => true,
        }
    }

    fn show(&self, space: Space) {
        let before = self.space();
        self.0.store(space as u8, Ordering::Relaxed);
        if before == space {
            return;
        }
        match space {
            Space::Ample => tracing::info!("the disk has room again: everything is taken"),
            Space::Low => tracing::warn!("the disk is nearly full: nothing new is stored"),
            Space::Spent => tracing::error!("the disk is full: nothing more can be recorded"),
        }
    }
}

/// The one that looks. It has the reserve file.
pub(super) struct Watcher {
    media: Arc<dyn Media>,
    /// Where the vault writes, one for each file system.
    directories: Vec<PathBuf>,
    reserve: PathBuf,
    reserve_bytes: u64,
    /// What the file holds now; nothing is known before the first look.
    held: Option<u64>,
    shown: Shown,
}

impl Watcher {
    pub(super) fn new(
        media: Arc<dyn Media>,
        directories: Vec<PathBuf>,
        reserve: PathBuf,
        reserve_bytes: u64,
        shown: Shown,
    ) -> Watcher {
        Watcher { media, directories, reserve, reserve_bytes, held: None, shown }
    }

    /// Looks, gives up as much of the reserve as the floor needs or fills it again, and shows what may be taken in.
    ///
    /// # Errors
    /// The system's, but that the disk is full.
    pub(super) fn look(&mut self) -> Result<(), TrailFault> {
        self.look_inside().map_err(TrailFault::Journal)
    }

    /// Gives up the whole reserve where the disk has less left than that.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn give_up(&mut self) -> Result<(), TrailFault> {
        let full = self.room().map_err(TrailFault::Journal)?.bytes < self.reserve_bytes;
        if full {
            self.media.hold(&self.reserve, 0).map_err(TrailFault::Journal)?;
            self.held = Some(0);
        }
        Ok(())
    }

    fn look_inside(&mut self) -> io::Result<()> {
        let mut room = self.room()?;
        let held = match self.held {
            Some(held) => held,
            None => std::fs::metadata(&self.reserve).map_or(0, |file| file.len()),
        };
        let mut now = held;
        if room.bytes < DISK_FLOOR_BYTES && held > 0 {
            let given_up = (DISK_FLOOR_BYTES - room.bytes).min(held);
            self.media.hold(&self.reserve, held - given_up)?;
            now = held - given_up;
        } else if held < self.reserve_bytes {
            // Filled again only out of what is more than enough, so that the two do not take turns.
            let missing = self.reserve_bytes - held;
            if room.bytes >= DISK_FREE_BYTES_MIN.saturating_add(missing) {
                match self.media.hold(&self.reserve, self.reserve_bytes) {
                    Ok(()) => now = self.reserve_bytes,
                    Err(error) if is_full(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        self.held = Some(now);
        if now != held {
            room = self.room()?;
        }
        self.shown.show(self.judge(room, now));
        Ok(())
    }

    fn judge(&self, room: Room, held: u64) -> Space {
        let floor = room.bytes < DISK_FLOOR_BYTES || room.files < DISK_FLOOR_FILES;
        let low = room.bytes < DISK_FREE_BYTES_MIN || room.files < DISK_FREE_FILES_MIN;
        if floor && held == 0 || room.files < DISK_FLOOR_FILES {
            Space::Spent
        } else if low || held < self.reserve_bytes {
            Space::Low
        } else {
            Space::Ample
        }
    }

    fn room(&self) -> io::Result<Room> {
        let full = Room { bytes: u64::MAX, files: u64::MAX };
        self.directories
            .iter()
            .try_fold(full, |least, directory| Ok(least.least(self.media.room(directory)?)))
    }
}

/// A watcher for the thread that integrates and for the log in which it writes.
#[derive(Clone)]
pub(super) struct SharedWatcher(Arc<Mutex<Watcher>>);

impl SharedWatcher {
    pub(super) fn new(watcher: Watcher) -> SharedWatcher {
        SharedWatcher(Arc::new(Mutex::new(watcher)))
    }

    /// As [`Watcher::look`].
    ///
    /// # Errors
    /// As there.
    pub(super) fn look(&self) -> Result<(), TrailFault> {
        self.lock().look()
    }

    /// Looks for a write that met a full disk, and says whether there is room now: whoever filled the disk was faster
    /// than the last look.
    pub(super) fn relief(&self) -> Relief {
        let watcher = self.clone();
        Box::new(move || {
            let mut watcher = watcher.lock();
            watcher.look().is_ok() && !watcher.shown.is_spent()
        })
    }

    fn lock(&self) -> MutexGuard<'_, Watcher> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One directory for each file system. Those that are not there yet lie on the file system of the first.
pub(super) fn apart(directories: &[PathBuf]) -> Vec<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    let mut known: Vec<(u64, PathBuf)> = Vec::new();
    for directory in directories {
        let Ok(found) = std::fs::metadata(directory) else { continue };
        if !known.iter().any(|(device, _)| *device == found.dev()) {
            known.push((found.dev(), directory.clone()));
        }
    }
    known.into_iter().map(|(_, directory)| directory).collect()
}
