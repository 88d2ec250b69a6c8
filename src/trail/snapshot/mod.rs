//! Snapshots of the store, made of the one before and of the journal since. Never of the engine: it is an index that both make
//! again, so what is lost or wrong in it never comes into a snapshot. What a snapshot holds is exactly what the entries below its
//! index made, and it counts only once it was read back whole.
//!
//! # Why it is consistent
//!
//! Let `S(n)` be the store after the entries below `n`. Each entry's steps are absolute (a key holds these bytes, or nothing), so
//! `S(m)` is `S(n)` with the steps of the entries `n..m` done in order, and of a key only the last step counts. A snapshot at `n` is the
//! sorted rows of `S(n)`; the next is the merge of it with the sorted last steps of `n..m`, where of two rows of one key the later
//! counts and a removal leaves none. `S(0)` is empty, so by induction every snapshot is the state at one place of the journal, whatever
//! is written meanwhile: there is no moment at which anything has to stand still.
//!
//! That place is always the beginning of a segment. Segments before the newest are closed: every frame in them was synced, nobody
//! writes to them again, and the header of the next names the index and the tag that they end with. So they are read beside the
//! writer without a word to it, and a frame that is missing, moved or changed is found by the chain. Where the log already covers
//! `m` entries, its root over them goes into the head, which ties the snapshot to this log and no other.
//!
//! # When a segment goes
//!
//! When the oldest snapshot that is kept, and the replay mark, are both behind it. The mark says that the engine flushed what is
//! before it and that a published checkpoint covers it, so a start needs nothing older; the snapshot says that a store can be made
//! again without it. Snapshots older than those kept go first, then segments from the lowest on: whatever step a crash falls
//! into, the segments that are left are contiguous from the oldest snapshot on.

mod form;
mod make;
mod merge;
mod pace;
mod read;
mod runs;
mod write;

use super::journal::{Media, Position, segment_path, segments};
use super::recover::read_mark;
use super::space::Shown;
use super::{Announcement, Trail, TrailError, TrailFault};
use crate::files::make_directory;
use crate::limits::{DISK_FREE_BYTES_MIN, SNAPSHOT_ROUND_BYTES_MAX};
use crate::store::Version;
use form::{Content, Head};
use gridvault_audit::LogReader;
use gridvault_keys::{ChainKey, Keyring};
use make::{Made, kept, make};
use pace::{Beside, Pace, Unmade};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) use form::{Content as FileContent, Head as SnapshotHead, Row};
pub(super) use make::{clear, found, open};
pub(super) use merge::merge;
pub(super) use pace::{Unhurried, Unmade as SnapshotUnmade};
pub(super) use read::Reader as SnapshotReader;
pub(super) use runs::{Sorted, spill};
pub(super) use write::Writer as SnapshotWriter;

/// How the name of a snapshot ends; before it stands the segment with which the journal goes on, in sixteen digits.
const SNAPSHOT_ENDING: &str = ".snapshot";
/// How the name of one ends that was found damaged and set aside.
const DAMAGED_ENDING: &str = ".damaged";

/// Where snapshots lie, and when one is due.
pub struct SnapshotSettings {
    /// Their directory.
    pub directory: PathBuf,
    /// Directory of the journal.
    pub journal_directory: PathBuf,
    /// How many are kept.
    pub kept: u32,
    /// Journal behind the last one that makes the next one due, in bytes.
    pub journal_bytes: u64,
    /// Bytes that are read and written in a second at most.
    pub bytes_per_second: u64,
}

/// What a snapshot is made of and where it goes.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) directory: PathBuf,
    pub(super) journal: PathBuf,
    pub(super) media: Arc<dyn Media>,
    pub(super) log: LogReader,
    pub(super) origin: String,
    pub(super) log_key: [u8; 32],
}

/// The keeper of a vault's snapshots.
pub struct Snapshots {
    keeper: Keeper,
    space: Shown,
    bytes_per_second: u64,
    /// One that is there and of which no entry tells yet.
    unrecorded: Option<Made>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotStep {
    /// None is due.
    Nothing,
    /// One is due and finds no room.
    Full,
    /// There is a new one of the entries below this index.
    Made(u64),
}

/// Why a step did not do what was due. The vault goes on: its journal holds everything.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Something is wrong with a snapshot, the journal or the disk.
    #[error("a snapshot cannot be made or kept")]
    Fault(#[from] TrailFault),
    /// The entry could not be recorded; it is tried again.
    #[error("a snapshot cannot be recorded")]
    Unrecorded(#[from] TrailError),
}

/// What works on the disk, in a thread that may wait.
#[derive(Clone)]
struct Keeper {
    place: Place,
    keyring: Arc<Keyring>,
    kept: usize,
    journal_bytes: u64,
}

/// Ends what runs in another thread when nobody waits for it any more.
struct EndsWith(Arc<AtomicBool>);

impl Drop for EndsWith {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Trail {
    /// The keeper of this vault's snapshots, of which there is to be one.
    ///
    /// # Errors
    /// When their directory cannot be made.
    pub fn snapshots(
        &self,
        settings: SnapshotSettings,
        media: Arc<dyn Media>,
    ) -> Result<Snapshots, TrailFault> {
        let SnapshotSettings { directory, kept, journal_bytes, bytes_per_second, .. } = settings;
        let journal = settings.journal_directory;
        let log_key = self.keyring.log_signer().public_key();
        let (log, origin) = (self.log.clone(), self.origin().to_owned());
        make_directory(&directory).map_err(TrailFault::Snapshots)?;
        let place = Place { directory, journal, media, log, origin, log_key };
        let kept = usize::try_from(kept).unwrap_or(usize::MAX).max(1);
        let keeper = Keeper { place, keyring: self.keyring.clone(), kept, journal_bytes };
        let space = self.space.clone();
        Ok(Snapshots { keeper, space, bytes_per_second, unrecorded: None })
    }
}

impl Snapshots {
    /// Makes a snapshot if one is due, records it, and takes away what it makes needless. Dropped on the way it ends soon, and
    /// leaves nothing that counts.
    ///
    /// # Errors
    /// [`SnapshotError`]; what was there before is there still.
    pub async fn step(&mut self, trail: &Trail) -> Result<SnapshotStep, SnapshotError> {
        if self.unrecorded.is_none() {
            let ended = Arc::new(AtomicBool::new(false));
            let _ends = EndsWith(ended.clone());
            let space = self.space.clone();
            let pace = Beside { ended, space, bytes_per_second: self.bytes_per_second };
            let keeper = self.keeper.clone();
            let worked = tokio::task::spawn_blocking(move || keeper.make_what_is_due(&pace)).await;
            match worked.map_err(|_| TrailFault::Thread)? {
                Ok(made) => self.unrecorded = made,
                Err(Unmade::Full) => return Ok(SnapshotStep::Full),
                Err(Unmade::Ended) => return Ok(SnapshotStep::Nothing),
                Err(Unmade::Fault(fault)) => return Err(fault.into()),
            }
        }
        let made = self.unrecorded;
        if let Some(Made { position, written }) = made {
            let snapshot = Announcement::Snapshot {
                index: position.index,
                rows: written.counts.rows,
                bytes: written.bytes,
                digest: written.digest,
            };
            trail.announce(snapshot).await?;
            self.unrecorded = None;
        }
        let keeper = self.keeper.clone();
        let tidied = tokio::task::spawn_blocking(move || keeper.tidy()).await;
        tidied.map_err(|_| TrailFault::Thread)??;
        Ok(made.map_or(SnapshotStep::Nothing, |made| SnapshotStep::Made(made.position.index)))
    }
}

impl Keeper {
    /// The next snapshot, if enough of the journal lies behind the last.
    fn make_what_is_due(&self, pace: &dyn Pace) -> Result<Option<Made>, Unmade> {
        let (place, chain) = (&self.place, self.keyring.chain());
        // Before the store knows of the log, an empty one could not be told from it, so the journal must be whole.
        if read_mark(&place.journal, &chain)?.kept == Version::ABSENT {
            return Ok(None);
        }
        let segments = segments(&place.journal).map_err(TrailFault::Journal)?;
        let Some(until) = segments.last().copied() else { return Ok(None) };
        loop {
            let base = kept(&place.directory)?.last().copied();
            let mut behind = 0;
            for segment in segments.iter().filter(|n| base.unwrap_or(0) <= **n && **n < until) {
                behind += place.segment_bytes(*segment)?;
            }
            let last = base.map_or(Ok(0), |base| length(&place.snapshot(base)))?;
            if behind == 0 || behind < self.journal_bytes.max(last / 2) {
                return Ok(None);
            }
            // The runs, and a snapshot that holds the last one and them.
            let needed = last + 2 * behind.min(SNAPSHOT_ROUND_BYTES_MAX) + DISK_FREE_BYTES_MIN;
            if place.media.room(&place.directory)?.bytes < needed {
                return Err(Unmade::Full);
            }
            match (make(place, &chain, pace, base, until), base) {
                (Err(Unmade::Fault(TrailFault::Snapshot { name, what, .. })), Some(base))
                    if name == snapshot_name(base) =>
                {
                    // The one before it, and the journal since, are kept for just this.
                    tracing::error!(%name, what, "a snapshot is damaged and set aside");
                    let aside = place.directory.join(format!("{base:016x}{DAMAGED_ENDING}"));
                    place.media.rename(&place.snapshot(base), &aside)?;
                }
                (made, _) => return made,
            }
        }
    }

    /// Takes away the snapshots beyond those kept, then the segments that neither a snapshot nor the mark needs.
    fn tidy(&self) -> Result<(), TrailFault> {
        let Place { directory, journal, media, .. } = &self.place;
        let snapshots = kept(directory)?;
        let (gone, rest) = snapshots.split_at(snapshots.len().saturating_sub(self.kept));
        for segment in gone {
            media.remove(&self.place.snapshot(*segment)).map_err(TrailFault::Snapshots)?;
        }
        let mark = read_mark(journal, &self.keyring.chain())?;
        let Some(oldest) = rest.first().filter(|_| mark.kept != Version::ABSENT) else {
            return Ok(());
        };
        let needed = mark.position.segment.min(*oldest);
        for segment in segments(journal).map_err(TrailFault::Journal)? {
            if segment < needed {
                // From the lowest on: a crash leaves no gap.
                media.remove(&segment_path(journal, segment)).map_err(TrailFault::Journal)?;
            }
        }
        Ok(())
    }
}

impl Place {
    pub(super) fn snapshot(&self, segment: u64) -> PathBuf {
        snapshot_path(&self.directory, segment)
    }

    /// Where it is written before it counts.
    fn beside(&self, segment: u64) -> PathBuf {
        self.directory.join(format!("{segment:016x}.new"))
    }

    fn segment_bytes(&self, segment: u64) -> Result<u64, TrailFault> {
        length(&segment_path(&self.journal, segment))
    }

    pub(super) fn head(&self, position: Position, root: [u8; 32]) -> Head {
        let (origin, log_key) = (self.origin.clone(), self.log_key);
        Head { content: Content::Snapshot, origin, log_key, position, root }
    }
}

/// The newest snapshot of a directory.
pub(super) fn newest(directory: &Path) -> Result<Option<u64>, TrailFault> {
    Ok(kept(directory)?.last().copied())
}

/// Where the snapshot lies behind which the journal goes on with this segment.
pub(super) fn snapshot_path(directory: &Path, segment: u64) -> PathBuf {
    directory.join(snapshot_name(segment))
}

/// Reads a snapshot to its end, handing on its rows: its head, and the digest over all of it. Without a key its tag is left
/// alone, which whoever has no keys cannot judge.
pub(super) fn read_snapshot(
    path: &Path,
    chain: Option<&ChainKey>,
    rows: &mut dyn FnMut(Vec<Row>) -> Result<(), TrailFault>,
) -> Result<(Head, [u8; 32]), TrailFault> {
    let mut reader = SnapshotReader::open(path, chain)?;
    if reader.head().content != Content::Snapshot {
        return Err(reader.damaged("it is no snapshot"));
    }
    while let Some(block) = reader.next()? {
        rows(block)?;
    }
    let head = reader.head().clone();
    Ok((head, reader.finish()?.digest))
}

fn snapshot_name(segment: u64) -> String {
    format!("{segment:016x}{SNAPSHOT_ENDING}")
}

fn length(path: &Path) -> Result<u64, TrailFault> {
    std::fs::metadata(path).map(|found| found.len()).map_err(TrailFault::Snapshots)
}

/// What tests do without a trail that runs.
#[cfg(test)]
impl Snapshots {
    /// Makes what is due: the index that it is of, or why there is none.
    pub(super) fn make_now(&self) -> Result<Option<u64>, String> {
        let made = self.keeper.make_what_is_due(&Unhurried);
        made.map(|made| made.map(|made| made.position.index))
            .map_err(|unmade| format!("{unmade:?}"))
    }

    pub(super) fn tidy_now(&self) -> Result<(), TrailFault> {
        self.keeper.tidy()
    }

    /// Whether a snapshot is whole and of this vault.
    pub(super) fn judge(&self, segment: u64) -> Result<(), TrailFault> {
        open(&self.keeper.place, &self.keeper.keyring.chain(), segment)?.finish().map(drop)
    }
}
