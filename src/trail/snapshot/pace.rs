//! How fast a snapshot may be made, and when it is given up.
//! Never lets it take a disk or a processor from whoever is served.
//! Whoever is told to stop leaves files that nobody takes for a snapshot.

use crate::trail::TrailFault;
use crate::trail::journal::is_full;
use crate::trail::space::{Shown, Space};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Why no snapshot came of it. None of these is a fault of the vault: the journal still has everything.
#[derive(Debug)]
pub(in crate::trail) enum Unmade {
    /// Somebody said so.
    Ended,
    /// The disk has no room.
    Full,
    /// Something is wrong with what was read or written.
    Fault(TrailFault),
}

impl From<TrailFault> for Unmade {
    fn from(fault: TrailFault) -> Unmade {
        Unmade::Fault(fault)
    }
}

impl From<io::Error> for Unmade {
    fn from(error: io::Error) -> Unmade {
        match is_full(&error) {
            true => Unmade::Full,
            false => Unmade::Fault(TrailFault::Snapshots(error)),
        }
    }
}

/// Is told of each piece that was read or written, waits as long as it thinks right, and says whether to go on.
pub(in crate::trail) trait Pace {
    /// # Errors
    /// [`Unmade::Ended`] or [`Unmade::Full`].
    fn after(&self, bytes: u64) -> Result<(), Unmade>;
}

/// Nobody is served meanwhile.
pub(in crate::trail) struct Unhurried;

impl Pace for Unhurried {
    fn after(&self, _: u64) -> Result<(), Unmade> {
        Ok(())
    }
}

/// Beside a vault that serves.
pub(super) struct Beside {
    pub(super) ended: Arc<AtomicBool>,
    pub(super) space: Shown,
    pub(super) bytes_per_second: u64,
}

impl Pace for Beside {
    fn after(&self, bytes: u64) -> Result<(), Unmade> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(Unmade::Ended);
        }
        if self.space.space() != Space::Ample {
            return Err(Unmade::Full);
        }
        let micros = bytes.saturating_mul(1_000_000) / self.bytes_per_second.max(1);
        std::thread::sleep(Duration::from_micros(micros));
        Ok(())
    }
}
