//! A journal that waits before every sync while its gate is closed, and a clock that stands still.
//! Never a sleep: whoever closes the gate waits until somebody stands before it.
//! So calls can be handed over one by one and are sequenced in one group.

use crate::ambient::{Clock, Micros};
use crate::trail::{FileMedia, Media, Room, Segment};
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// 2027-01-15T08:00:00Z.
pub(super) const NOW: Micros = Micros(1_800_000_000_000_000);

/// A gate before every sync of the journal.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    closed: bool,
    waiting: bool,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.closed {
            state.waiting = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting = false;
    }

    pub(super) fn set(&self, closed: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = closed;
        self.changed.notify_all();
    }

    pub(super) fn wait_for_somebody(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.waiting {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

pub(super) struct GatedMedia(pub(super) Arc<Gate>);

struct GatedSegment(Arc<Gate>, Box<dyn Segment>);

impl Media for GatedMedia {
    fn allocate(&self, path: &Path, length: u64) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(GatedSegment(self.0.clone(), FileMedia.allocate(path, length)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(GatedSegment(self.0.clone(), FileMedia.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        FileMedia.rename(from, to)
    }

    fn room(&self, directory: &Path) -> io::Result<Room> {
        FileMedia.room(directory)
    }

    fn hold(&self, path: &Path, bytes: u64) -> io::Result<()> {
        FileMedia.hold(path, bytes)
    }
}

impl Segment for GatedSegment {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.1.write_at(offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.pass();
        self.1.sync()
    }

    fn is_still(&self, path: &Path) -> io::Result<bool> {
        self.1.is_still(path)
    }
}

pub(super) struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Micros {
        NOW
    }

    fn monotonic(&self) -> u64 {
        0
    }
}
