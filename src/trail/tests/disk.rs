//! A disk that can be broken: it fails at a chosen call, tears a write, holds a sync back, or loses its power.
//! Never syncs for real; it remembers what would have been lost: bytes, the lengths of new files, and names.
//! A sector holds what was written or what was durable, never a mixture: that is all that hardware promises.

use super::PATIENCE;
use crate::trail::journal::{FileMedia, Media, Room, Segment};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

const SECTOR_BYTES: usize = 512;
/// Segments are made no longer than this, so that reading one again is quick. They grow when written to.
const ALLOCATED_BYTES_MAX: u64 = 64 * 1024;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// Nothing of it happens.
    Undone,
    /// All of it happens, and an error is reported all the same.
    Done,
    /// The first half of a write happens.
    Torn,
    /// Nothing of it happens, nor of anything later.
    PowerOff,
}

/// What was asked of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Allocate,
    Create,
    Remove,
    Open,
    Rename,
    SyncNames,
    Write,
    Sync,
    Look,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    break_at: Option<(usize, Break)>,
    /// With which error of the system a broken call fails, where a test says so.
    errno: Option<i32>,
    is_off: bool,
    /// For each file that was written since its last sync, what would be left of it.
    durable: HashMap<u64, Unsynced>,
    /// Names that were given and not synced since, in their order. A sync of names that failed loses none: the file system keeps them in a
    /// journal of its own, and takes nothing more once it cannot write that.
    named: Vec<Named>,
    /// Files that the next sync writes. A sync that fails forgets them, as Linux does, and the one after it
    /// has nothing to write.
    to_write: HashSet<u64>,
    is_held: bool,
    held_back: u32,
    /// What is left, where a test says so.
    room: Option<Room>,
    /// What the reserve file holds.
    reserve: u64,
    no_segments: bool,
    looks_are_held: bool,
    looks: u64,
}

/// A file that was written since its last sync.
struct Unsynced {
    file: File,
    /// What it held then.
    bytes: Vec<u8>,
    /// Whether it was never synced, so that its length is not durable either.
    is_new: bool,
}

/// A name that a power failure may take back.
struct Named {
    from: PathBuf,
    to: PathBuf,
    /// What had the name before.
    before: Option<Vec<u8>>,
}

#[derive(Default)]
pub(super) struct Disk {
    state: Mutex<State>,
    changed: Condvar,
}

/// A disk as the trail takes it.
pub(super) struct DiskMedia(pub(super) Arc<Disk>);

struct DiskSegment {
    disk: Arc<Disk>,
    file: File,
    inner: Box<dyn Segment>,
}

/// What the caller of a broken call has to do before it reports an error.
enum Turn {
    Go,
    Fail(Break),
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the call with this number, from 1, fail; counting begins anew.
    pub(super) fn break_at(&self, number: usize, how: Break) {
        let mut state = self.lock();
        state.calls.clear();
        state.break_at = Some((number, how));
    }

    /// Lets broken calls fail with that error of the system.
    pub(super) fn break_with(&self, errno: i32) {
        self.lock().errno = Some(errno);
    }

    fn broken(&self) -> io::Error {
        let errno = self.lock().errno;
        errno.map_or_else(|| io::Error::other("broken for a test"), io::Error::from_raw_os_error)
    }

    /// Calls since [`Disk::break_at`].
    pub(super) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// Everything works again. What was not synced is still only in the cache.
    pub(super) fn repair(&self) {
        let mut state = self.lock();
        state.break_at = None;
        state.is_off = false;
    }

    /// The power fails: of every sector, every new file's length and every name that was not synced, chance decides what is left.
    pub(super) fn lose_power(&self, chance: &mut Chance) {
        let (lost, named) = {
            let mut state = self.lock();
            (std::mem::take(&mut state.durable), std::mem::take(&mut state.named))
        };
        for Unsynced { file, bytes: durable, is_new } in lost.into_values() {
            let now = contents(&file);
            let mut left = now.clone();
            for at in (0..now.len()).step_by(SECTOR_BYTES) {
                let end = (at + SECTOR_BYTES).min(now.len());
                if chance.next().is_multiple_of(2) {
                    let mut before = durable.get(at..).unwrap_or_default().to_vec();
                    before.resize(end - at, 0);
                    left[at..end].copy_from_slice(&before[..end - at]);
                }
            }
            file.write_all_at(&left, 0).expect("a file");
            if is_new && chance.next().is_multiple_of(2) {
                file.set_len(0).expect("a file");
            }
        }
        for Named { from, to, before } in named.into_iter().rev() {
            if chance.next().is_multiple_of(2) && to.exists() {
                std::fs::rename(&to, &from).expect("the former name");
                before.iter().for_each(|before| std::fs::write(&to, before).expect("a file"));
            }
        }
    }

    /// Holds every sync back until [`Disk::release`].
    pub(super) fn hold(&self) {
        self.lock().is_held = true;
    }

    /// Returns once a sync is held back.
    pub(super) fn wait_until_held(&self) {
        let nobody = |state: &mut State| state.held_back == 0;
        let waited = self.changed.wait_timeout_while(self.lock(), PATIENCE, nobody);
        let waited = waited.unwrap_or_else(PoisonError::into_inner).1;
        assert!(!waited.timed_out(), "nothing is synced");
    }

    pub(super) fn release(&self) {
        self.lock().is_held = false;
        self.changed.notify_all();
    }

    /// Says what is left of the disk. What the reserve file takes or gives up changes it.
    pub(super) fn leave(&self, bytes: u64) {
        self.lock().room = Some(Room { bytes, files: u64::MAX });
    }

    /// Says how many files can still be made.
    pub(super) fn leave_files(&self, files: u64) {
        self.lock().room = Some(Room { bytes: u64::MAX, files });
    }

    /// Whether the disk is full whenever another segment is to be made.
    pub(super) fn refuse_segments(&self, refuse: bool) {
        self.lock().no_segments = refuse;
    }

    /// Holds back whoever looks at the room: the thread that integrates does so before it writes.
    pub(super) fn hold_looks(&self) {
        self.lock().looks_are_held = true;
    }

    pub(super) fn release_looks(&self) {
        self.lock().looks_are_held = false;
        self.changed.notify_all();
    }

    /// Returns once the room was looked at and what was seen was shown.
    pub(super) fn wait_for_looks(&self) {
        let mut state = self.lock();
        // The look under way may have begun before; the one after the next has begun and ended since.
        let enough = state.looks + 3;
        let waited = self.changed.wait_timeout_while(state, PATIENCE, |state| state.looks < enough);
        let (now, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        state = now;
        assert!(!waited.timed_out(), "{} looks", state.looks);
    }

    pub(super) fn reserve(&self) -> u64 {
        self.lock().reserve
    }

    /// Nothing of a file is durable, not even its length.
    fn is_new(&self, file: File) -> io::Result<()> {
        let number = file.metadata()?.ino();
        let mut state = self.lock();
        state.to_write.insert(number);
        state.durable.insert(number, Unsynced { file, bytes: Vec::new(), is_new: true });
        Ok(())
    }

    fn turn(&self, call: Call) -> Turn {
        let mut state = self.lock();
        state.calls.push(call);
        if state.is_off {
            return Turn::Fail(Break::PowerOff);
        }
        match state.break_at {
            Some((number, how)) if number == state.calls.len() => {
                state.is_off = how == Break::PowerOff;
                Turn::Fail(how)
            }
            _ => Turn::Go,
        }
    }

    fn run<T>(&self, call: Call, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.turn(call) {
            Turn::Go => work(),
            Turn::Fail(Break::Done) => work().and(Err(self.broken())),
            Turn::Fail(_) => Err(self.broken()),
        }
    }
}

fn contents(file: &File) -> Vec<u8> {
    let length = file.metadata().expect("a file").len();
    let mut bytes = vec![0; usize::try_from(length).expect("a short file")];
    file.read_exact_at(&mut bytes, 0).expect("a file");
    bytes
}

impl Media for DiskMedia {
    fn fill_new(&self, path: &Path, length: u64) -> io::Result<Box<dyn Segment>> {
        self.0.run(Call::Allocate, || {
            let mut state = self.0.lock();
            if state.no_segments {
                return Err(io::ErrorKind::StorageFull.into());
            }
            if let Some(room) = &mut state.room {
                room.bytes = room.bytes.checked_sub(length).ok_or(io::ErrorKind::StorageFull)?;
            }
            drop(state);
            let file = fresh(path)?;
            file.set_len(length.min(ALLOCATED_BYTES_MAX))?;
            self.0.is_new(file)?;
            segment(&self.0, path)
        })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Segment>> {
        self.0.run(Call::Open, || segment(&self.0, path))
    }

    fn place(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.run(Call::Rename, || {
            let before = std::fs::read(to).ok();
            std::fs::rename(from, to)?;
            let named = Named { from: from.to_owned(), to: to.to_owned(), before };
            self.0.lock().named.push(named);
            Ok(())
        })
    }

    fn sync_names(&self, directory: &Path) -> io::Result<()> {
        self.0.run(Call::SyncNames, || {
            self.0.lock().named.retain(|named| named.to.parent() != Some(directory));
            Ok(())
        })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Segment>> {
        self.0.run(Call::Create, || {
            if self.0.lock().no_segments {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.is_new(fresh(path)?)?;
            segment(&self.0, path)
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.run(Call::Remove, || FileMedia.remove(path))
    }

    fn room(&self, _: &Path) -> io::Result<Room> {
        let mut state = self.0.lock();
        let looks = std::thread::current().name() == Some("integrator");
        state.looks += u64::from(looks);
        self.0.changed.notify_all();
        while looks && state.looks_are_held {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(state.room.unwrap_or(Room { bytes: u64::MAX, files: u64::MAX }))
    }

    fn hold(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        let held = state.reserve;
        if let Some(room) = &mut state.room {
            let freed = (room.bytes.saturating_add(held)).checked_sub(bytes);
            room.bytes = freed.ok_or(io::ErrorKind::StorageFull)?;
        }
        state.reserve = bytes;
        // A file of that length that takes no room: the one who looks begins with what it finds.
        File::create(path)?.set_len(bytes)
    }
}

/// An empty file, which is read again when the power fails.
fn fresh(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
}

fn segment(disk: &Arc<Disk>, path: &Path) -> io::Result<Box<dyn Segment>> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let inner = FileMedia.open(path)?;
    Ok(Box::new(DiskSegment { disk: disk.clone(), file, inner }))
}

impl DiskSegment {
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let number = self.file.metadata()?.ino();
        let mut state = self.disk.lock();
        state.to_write.insert(number);
        if let Entry::Vacant(place) = state.durable.entry(number) {
            let (file, bytes) = (self.file.try_clone()?, contents(&self.file));
            place.insert(Unsynced { file, bytes, is_new: false });
        }
        drop(state);
        self.inner.write_at(offset, bytes)
    }
}

impl Segment for DiskSegment {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match self.disk.turn(Call::Write) {
            Turn::Go => self.write(offset, bytes),
            Turn::Fail(Break::Done) => self.write(offset, bytes).and(Err(self.disk.broken())),
            Turn::Fail(Break::Torn) => {
                self.write(offset, &bytes[..bytes.len() / 2]).and(Err(self.disk.broken()))
            }
            Turn::Fail(_) => Err(self.disk.broken()),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        {
            let mut state = self.disk.lock();
            state.held_back += 1;
            self.disk.changed.notify_all();
            while state.is_held {
                state = self.disk.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.held_back -= 1;
        }
        let number = self.file.metadata()?.ino();
        let synced = self.disk.run(Call::Sync, || {
            let mut state = self.disk.lock();
            if state.to_write.contains(&number) {
                state.durable.remove(&number);
            }
            Ok(())
        });
        self.disk.lock().to_write.remove(&number);
        synced
    }

    fn is_still(&self, path: &Path) -> io::Result<bool> {
        self.disk.run(Call::Look, || self.inner.is_still(path))
    }
}

/// Chance that repeats for the same seed (splitmix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
