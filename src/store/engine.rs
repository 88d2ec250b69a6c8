//! The engines behind the store: sled, and a map in memory for tests.
//! Neither is ever trusted with durability: what is acknowledged is in the journal first.
//! Stored form of a value: version, entry index (8 bytes each, big-endian), payload.

use super::unsynced::{Sync, leave_note, lies_there, may_lack};
use super::{Bytes, Key, StoreError, Stored, Version, left_open};
use crate::files::sync_directory;
use crate::limits::{ENGINE_AHEAD_BYTES, VALUE_BYTES_MAX};
use rustix::fs::FallocateFlags;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// Which engine a vault runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// sled 0.34, the default.
    Sled,
    /// A map in memory that ends with the process.
    Memory,
}

pub(super) enum Engine {
    /// `file` is sled's file through a handle of ours: see [`sync_files`]. `is_believed`: what it holds may count as whole once it is closed.
    Sled {
        db: Option<sled::Db>,
        directory: PathBuf,
        file: File,
        sync: Sync,
        is_believed: bool,
        _lock: File,
    },
    Memory(RwLock<BTreeMap<Key, Vec<u8>>>),
}

/// Where sled has its pages: the one file that is written from its opening to its end.
const FILE: &str = "db";

/// Longer than the longest pause that a batch of inserts should meet, short enough that garbage is
/// collected: without the flusher sled's memory grows by 2 KB for each overwrite.
const SLED_FLUSH_MS: u64 = 500;

/// How often a closed engine is looked at, and how long between: together far longer than the write that its last thread may be in.
const ENGINE_CLOSING_LOOKS_MAX: u32 = 1_000;
const ENGINE_CLOSING_PAUSE: Duration = Duration::from_millis(5);

impl Engine {
    pub(super) fn open(
        directory: &Path,
        kind: EngineKind,
        cache_bytes: u64,
    ) -> Result<Engine, StoreError> {
        match kind {
            EngineKind::Memory => Ok(Engine::Memory(RwLock::new(BTreeMap::new()))),
            EngineKind::Sled => {
                std::fs::create_dir_all(directory).map_err(StoreError::Io)?;
                let lock = lock(directory)?;
                if lies_there(directory).map_err(StoreError::Io)? {
                    return Err(StoreError::Unsynced);
                }
                if left_open::is_doubtful(directory).map_err(StoreError::Io)? {
                    return Err(StoreError::LeftOpen);
                }
                left_open::open(directory).map_err(StoreError::Io)?;
                start(directory, cache_bytes, lock, true)
            }
        }
    }

    /// Opens files that were left open, to be looked at and not to be believed.
    pub(super) fn open_in_doubt(directory: &Path, cache_bytes: u64) -> Result<Engine, StoreError> {
        start(directory, cache_bytes, lock(directory)?, false)
    }

    /// The same engine over a disk that tests break.
    #[cfg(test)]
    pub(super) fn synced_by(mut self, broken: Sync) -> Engine {
        if let Engine::Sled { sync, .. } = &mut self {
            *sync = broken;
        }
        self
    }

    /// The handle that was open before sled opened its file.
    #[cfg(test)]
    pub(super) fn held_file(&self) -> Option<&File> {
        match self {
            Engine::Sled { file, .. } => Some(file),
            Engine::Memory(_) => None,
        }
    }

    pub(super) fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        Ok(self.get_shared(key)?.map(|(version, index, payload)| Stored {
            version,
            index,
            payload: payload.to_vec(),
        }))
    }

    /// The same with the payload as the engine holds it.
    pub(super) fn get_shared(
        &self,
        key: &Key,
    ) -> Result<Option<(Version, u64, Bytes)>, StoreError> {
        let found = match self {
            Engine::Sled { db, .. } => {
                let found = guarded(|| live(db).get(key.as_bytes()).map_err(StoreError::Engine))?;
                found.map(Bytes::of_engine)
            }
            Engine::Memory(map) => {
                let map = map.read().unwrap_or_else(PoisonError::into_inner);
                map.get(key).map(|bytes| Bytes::from(bytes.clone()))
            }
        };
        let Some(bytes) = found else { return Ok(None) };
        let (version, index, payload) = take_apart(&bytes)?;
        Ok(Some((version, index, bytes.part(bytes.len() - payload.len(), payload.len()))))
    }

    pub(super) fn scan(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, Stored)>, StoreError> {
        let start = after.unwrap_or(prefix).as_bytes();
        let start = if after.is_some() { Bound::Excluded(start) } else { Bound::Included(start) };
        match self {
            Engine::Sled { db, .. } => guarded(|| {
                live(db)
                    .range::<&[u8], _>((start, Bound::Unbounded))
                    .take_while(|pair| {
                        pair.as_ref().map_or(true, |(key, _)| key.starts_with(prefix.as_bytes()))
                    })
                    .take(limit)
                    .map(|pair| {
                        let (key, bytes) = pair.map_err(StoreError::Engine)?;
                        Ok((Key::from_bytes(&key), parse(&bytes)?))
                    })
                    .collect()
            }),
            Engine::Memory(map) => {
                let start = start.map(Key::from_bytes);
                map.read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .range((start, Bound::Unbounded))
                    .take_while(|(key, _)| key.as_bytes().starts_with(prefix.as_bytes()))
                    .take(limit)
                    .map(|(key, bytes)| Ok((key.clone(), parse(bytes)?)))
                    .collect()
            }
        }
    }

    pub(super) fn put(
        &self,
        key: &Key,
        version: Version,
        index: u64,
        payload: &[u8],
    ) -> Result<(), StoreError> {
        if payload.len() > VALUE_BYTES_MAX {
            return Err(StoreError::TooLarge { bytes: payload.len() });
        }
        let mut bytes = Vec::with_capacity(16 + payload.len());
        bytes.extend_from_slice(&version.0.to_be_bytes());
        bytes.extend_from_slice(&index.to_be_bytes());
        bytes.extend_from_slice(payload);
        match self {
            // A plain insert: batches and transactions take one lock for the whole process.
            Engine::Sled { db, directory, .. } => {
                guarded(|| {
                    live(db).insert(key.as_bytes(), bytes).map_err(|error| failed(directory, error))
                })?;
            }
            Engine::Memory(map) => {
                map.write().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), bytes);
            }
        }
        Ok(())
    }

    pub(super) fn delete(&self, key: &Key) -> Result<(), StoreError> {
        match self {
            Engine::Sled { db, directory, .. } => {
                guarded(|| {
                    live(db).remove(key.as_bytes()).map_err(|error| failed(directory, error))
                })?;
            }
            Engine::Memory(map) => {
                map.write().unwrap_or_else(PoisonError::into_inner).remove(key);
            }
        }
        Ok(())
    }

    pub(super) fn flush(&self) -> Result<(), StoreError> {
        match self {
            Engine::Memory(_) => Ok(()),
            Engine::Sled { db, directory, file, sync, .. } => {
                guarded(|| live(db).flush().map_err(|error| failed(directory, error)))?;
                // sled's flush is sync_file_range, which leaves the disk's own cache and the file's
                // metadata out; so each of its files is synced through a handle of ours.
                let leave = |error: &std::io::Error| leave_note(directory, error);
                sync(file).inspect_err(leave).map_err(StoreError::Io)?;
                sync_files(directory, *sync, &leave).map_err(StoreError::Io)?;
                hold_ahead(directory);
                Ok(())
            }
        }
    }
}

impl Drop for Engine {
    /// Its last handle goes. sled's own threads write behind the last flush too, and let go of its file when they end: only then, and once
    /// that is on the disk as well, nobody writes any more.
    fn drop(&mut self) {
        if std::thread::panicking() || self.flush().is_err() {
            return;
        }
        let Engine::Sled { db, directory, file, sync, is_believed, .. } = self else { return };
        drop(db.take());
        let is_closed = *is_believed && await_engine(directory);
        let sync_all = || {
            sync(file)?;
            sync_files(directory, *sync, &|_| ())
        };
        if is_closed && sync_all().is_ok() {
            left_open::close(directory);
        }
    }
}

/// Takes the directory for this process.
fn lock(directory: &Path) -> Result<File, StoreError> {
    let lock = File::create(directory.join("lock")).map_err(StoreError::Io)?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => StoreError::Locked,
        TryLockError::Error(error) => StoreError::Io(error),
    })?;
    Ok(lock)
}

fn start(
    directory: &Path,
    cache_bytes: u64,
    lock: File,
    is_believed: bool,
) -> Result<Engine, StoreError> {
    await_engine(directory);
    let file = hold_file(directory).map_err(StoreError::Io)?;
    let config = sled::Config::new()
        .path(directory)
        .cache_capacity(cache_bytes)
        .flush_every_ms(Some(SLED_FLUSH_MS));
    let db = Some(guarded(|| config.open().map_err(StoreError::Engine))?);
    hold_ahead(directory);
    let (directory, sync) = (directory.into(), File::sync_data as Sync);
    Ok(Engine::Sled { db, directory, file, sync, is_believed, _lock: lock })
}

/// The engine of a handle that is there.
fn live(db: &Option<sled::Db>) -> &sled::Db {
    // INVARIANT: it is taken where the last handle is dropped, and nowhere else.
    db.as_ref().expect("an engine that is not dropped")
}

/// sled answers with an error where a checksum is wrong, and panics where what has a right one makes no sense to it. Both mean the same to
/// whoever asked.
fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    // INVARIANT: nothing of ours is shared with the engine but keys and values that are given away; and whoever gets this error trusts it no
    // more.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(StoreError::Unreadable))
}

/// What a failed write of sled means: it writes and syncs by itself, so that may have been either.
fn failed(directory: &Path, error: sled::Error) -> StoreError {
    if let sled::Error::Io(error) = &error
        && may_lack(error)
    {
        leave_note(directory, error);
    }
    StoreError::Engine(error)
}

fn parse(bytes: &[u8]) -> Result<Stored, StoreError> {
    let (version, index, payload) = take_apart(bytes)?;
    Ok(Stored { version, index, payload: payload.to_vec() })
}

fn take_apart(bytes: &[u8]) -> Result<(Version, u64, &[u8]), StoreError> {
    let (version, rest) =
        bytes.split_first_chunk().ok_or(StoreError::Corrupt { what: "version" })?;
    let (index, payload) = rest.split_first_chunk().ok_or(StoreError::Corrupt { what: "index" })?;
    Ok((Version(u64::from_be_bytes(*version)), u64::from_be_bytes(*index), payload))
}

/// Waits until no thread of an engine that was closed holds its file any more. sled's own threads may, for a moment behind the
/// end of its last handle, and it refuses to open a file that is held. Whoever comes here has the lock of ours, so what holds
/// sled's belongs to nobody; sled says so itself where it does not let go.
/// False where one still does.
fn await_engine(directory: &Path) -> bool {
    let Ok(file) = File::open(directory.join(FILE)) else { return true };
    for _ in 0..ENGINE_CLOSING_LOOKS_MAX {
        let Err(TryLockError::WouldBlock) = file.try_lock() else { return true };
        std::thread::sleep(ENGINE_CLOSING_PAUSE);
    }
    false
}

/// Opens sled's file before sled does, and makes it as sled would. sled syncs it by itself and only logs what fails; the system
/// tells an error once to each handle that was open then, and to one that is opened later only while nobody has seen it.
fn hold_file(directory: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join(FILE))
}

/// Lets sled's file hold blocks behind its end. A write of sled that fails is final, and sled writes by itself, between
/// two looks at the disk; so what it writes meanwhile must have its room already. Where the file system cannot do it, or
/// is full, the room that is kept back elsewhere has to do.
fn hold_ahead(directory: &Path) {
    let held = OpenOptions::new().write(true).open(directory.join(FILE)).and_then(|file| {
        let length = file.metadata()?.len();
        let mode = FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(&file, mode, length, ENGINE_AHEAD_BYTES).map_err(Into::into)
    });
    if let Err(error) = held {
        tracing::debug!(%error, "the engine's file holds no room ahead");
    }
}

/// Syncs every file but the one that is held open. sled syncs them while it opens, or nobody but this does, so nobody else is
/// told of their errors. Tells `failed` of a sync that did, and of nothing else: a file that cannot be opened for it lost nothing.
fn sync_files(
    directory: &Path,
    sync: Sync,
    failed: &dyn Fn(&std::io::Error),
) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            // sled removes old snapshots and blobs while we look.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if kind.is_dir() {
            sync_files(&entry.path(), sync, failed)?;
        } else if kind.is_file() && entry.file_name() != FILE {
            match File::open(entry.path()) {
                Ok(file) => sync(&file).inspect_err(failed)?,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    sync_directory(directory).inspect_err(failed)
}
