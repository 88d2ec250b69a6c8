//! The thread that keeps the index up with the published log: gathers, writes segments, merges them.
//! Never waits for anything but its own pause, and holds nothing that a request waits for while it reads or writes.
//! A crash at any point leaves whole segments, or files without a name that the next start takes away; the log has the rest.

use super::error::IndexError;
use super::gathering::Gathering;
use super::segment::{Segment, merge};
use super::{IndexSettings, Parts, Shared};
use crate::limits::{
    INDEX_FAN_IN, INDEX_MERGED_TERMS_MAX, INDEX_PAUSE, INDEX_READ_ENTRIES_COUNT,
    INDEX_SEGMENT_ENTRIES_MAX,
};
use crate::oversight::follower::Follower;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// Merged twice, a segment has a million entries and stays.
const LEVELS: u32 = 2;
/// Most entries have about four terms that no other entry has.
const TERMS_PER_ENTRY: u32 = 4;

pub(super) struct Keeper {
    settings: IndexSettings,
    shared: Arc<Shared>,
    merging: Option<Merging>,
    /// Whether what lay there was taken over.
    opened: bool,
}

/// A merge under way. It takes seconds for a million entries, and what is published meanwhile is not to wait for it.
struct Merging {
    parts: Vec<Arc<Segment>>,
    handle: JoinHandle<Result<Segment, IndexError>>,
}

impl Keeper {
    pub(super) fn new(settings: IndexSettings, shared: Arc<Shared>) -> Keeper {
        Keeper { settings, shared, merging: None, opened: false }
    }

    fn stops(&self) -> bool {
        self.shared.signals.stops()
    }

    fn parts(&self) -> RwLockWriteGuard<'_, Parts> {
        self.shared.parts.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_or_keep_up(&mut self) -> Result<(), IndexError> {
        if self.opened {
            return self.keep_up();
        }
        self.open()?;
        self.opened = true;
        Ok(())
    }

    /// Takes over the segments that are whole and of this log, and takes everything else away.
    fn open(&self) -> Result<(), IndexError> {
        std::fs::create_dir_all(&self.settings.directory)?;
        let mut found: BTreeMap<u64, Vec<Segment>> = BTreeMap::new();
        for file in std::fs::read_dir(&self.settings.directory)? {
            let path = file?.path();
            match Segment::open(&path).and_then(|segment| self.examine(segment)) {
                Ok(segment) => found.entry(segment.first()).or_default().push(segment),
                Err(IndexError::Log(error)) => return Err(IndexError::Log(error)),
                Err(_) => remove(&path)?,
            }
        }
        let minimum = self.settings.log.minimum()?.index;
        let mut segments: Vec<Arc<Segment>> = Vec::new();
        for (first, same) in found {
            for segment in longest_first(same) {
                let follows = match segments.last() {
                    Some(last) => first == last.end(),
                    None => first <= minimum && segment.end() > minimum,
                };
                if follows {
                    segments.push(Arc::new(segment));
                } else {
                    // A part of a merged segment, or something behind a gap.
                    segment.remove()?;
                }
            }
        }
        let end = segments.last().map_or(minimum, |segment| segment.end());
        let mut parts = self.parts();
        *parts = Parts { segments: Arc::new(segments), newest: Gathering::new(end) };
        Ok(())
    }

    /// A segment of another log, or of a part of this one that was lost, leads to nothing.
    fn examine(&self, segment: Segment) -> Result<Segment, IndexError> {
        let log = &self.settings.log;
        let of_this_log =
            segment.end() <= log.size()? && log.leaf(segment.end() - 1)? == *segment.leaf();
        if !of_this_log {
            return Err(IndexError::Damaged);
        }
        // What was written last was not synced; what was merged was, and is too long to be read at every start.
        if level(&segment) < LEVELS {
            segment.check()?;
        }
        Ok(segment)
    }

    /// Takes in what was published since.
    fn keep_up(&mut self) -> Result<(), IndexError> {
        if self.shared.signals.begins_again() {
            // Shown before the word is taken, so that whoever looks meanwhile sees one of both; taken
            // when it is done, so that a failed removal is tried again.
            self.shared.rebuilding.store(true, Ordering::Release);
            self.clear()?;
            self.shared.signals.take_again();
        }
        let published = self.settings.log.size()?;
        self.forget()?;
        while !self.stops() && !self.shared.signals.begins_again() {
            self.merge()?;
            let (next, full) = {
                let parts = self.shared.parts.read().unwrap_or_else(PoisonError::into_inner);
                (parts.newest.end(), parts.newest.is_full())
            };
            if full {
                if !(self.settings.has_room)() {
                    return Ok(());
                }
                self.store()?;
                continue;
            }
            if next >= published {
                self.shared.rebuilding.store(false, Ordering::Release);
                return Ok(());
            }
            // Up to the end of a bundle, so that each is read once.
            let count = INDEX_READ_ENTRIES_COUNT - next % INDEX_READ_ENTRIES_COUNT;
            let entries = self.settings.log.entries(next, count as usize)?;
            let mut parts = self.parts();
            for entry in &entries {
                if parts.newest.is_full() {
                    break;
                }
                if !parts.newest.add(entry) {
                    self.shared.unreadable.fetch_add(1, Ordering::AcqRel);
                }
            }
        }
        Ok(())
    }

    /// Lets go of what was pruned: whole segments, and everything where the index has not come as far as the log begins.
    fn forget(&mut self) -> Result<(), IndexError> {
        let minimum = self.settings.log.minimum()?.index;
        let (first, end) = {
            let parts = self.shared.parts.read().unwrap_or_else(PoisonError::into_inner);
            (parts.segments.first().map(|segment| segment.end()), parts.newest.end())
        };
        if end < minimum {
            return self.clear();
        }
        // Parts of a merge are counted on by it; they go once it is done.
        if self.merging.is_some() || first.is_none_or(|end| end > minimum) {
            return Ok(());
        }
        let gone: Vec<Arc<Segment>> = {
            let mut parts = self.parts();
            let count = parts.segments.partition_point(|segment| segment.end() <= minimum);
            Arc::make_mut(&mut parts.segments).drain(..count).collect()
        };
        // A crash here leaves files that the next start takes away.
        for segment in gone {
            segment.remove()?;
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), IndexError> {
        if let Some(Merging { handle, .. }) = self.merging.take()
            && let Ok(Ok(merged)) = handle.join()
        {
            merged.remove()?;
        }
        self.shared.merging.store(false, Ordering::Release);
        let minimum = self.settings.log.minimum()?.index;
        let empty = Parts { segments: Arc::default(), newest: Gathering::new(minimum) };
        let old = std::mem::replace(&mut *self.parts(), empty);
        self.shared.unreadable.store(0, Ordering::Release);
        for segment in &*old.segments {
            segment.remove()?;
        }
        Ok(())
    }

    /// Writes what is gathered as a segment. A search sees it in one of the two places at any time.
    fn store(&self) -> Result<(), IndexError> {
        let written = {
            let parts = self.shared.parts.read().unwrap_or_else(PoisonError::into_inner);
            parts.newest.write(&self.settings.directory)?
        };
        let mut parts = self.parts();
        let end = written.end();
        Arc::make_mut(&mut parts.segments).push(Arc::new(written));
        parts.newest = Gathering::new(end);
        Ok(())
    }

    /// Takes over a merge that is done, and begins the next that is due.
    fn merge(&mut self) -> Result<(), IndexError> {
        if let Some(merging) = self.merging.take_if(|merging| merging.handle.is_finished()) {
            let merged = merging.handle.join().map_err(|_| IndexError::Damaged)??;
            {
                let mut parts = self.parts();
                let first = |segment: &Arc<Segment>| segment.first() == merged.first();
                let start = parts.segments.iter().position(first).ok_or(IndexError::Damaged)?;
                let range = start..start + merging.parts.len();
                Arc::make_mut(&mut parts.segments).splice(range, [Arc::new(merged)]);
            }
            // A crash here leaves both; the next start keeps the longer.
            for part in &merging.parts {
                part.remove()?;
            }
        }
        if self.merging.is_none() {
            let segments = {
                let parts = self.shared.parts.read().unwrap_or_else(PoisonError::into_inner);
                parts.segments.clone()
            };
            if let Some(range) = due(&segments).filter(|_| (self.settings.has_room)()) {
                let (parts, directory) =
                    (segments[range].to_vec(), self.settings.directory.clone());
                let merged = parts.clone();
                let thread = std::thread::Builder::new().name("index merge".into());
                let handle = thread.spawn(move || merge(&directory, &merged))?;
                self.merging = Some(Merging { parts, handle });
            }
        }
        self.shared.merging.store(self.merging.is_some(), Ordering::Release);
        Ok(())
    }
}

impl Follower for Keeper {
    const WHAT: &'static str = "the search index";
    const PAUSE: Duration = INDEX_PAUSE;
    type Error = IndexError;

    fn step(&mut self) -> Result<(), IndexError> {
        let step = self.open_or_keep_up();
        // Damage is found while reading: what is derived is thrown away and made again.
        if matches!(step, Err(IndexError::Damaged)) {
            self.shared.signals.begin_again();
        }
        step
    }
}

/// How often a segment was merged, told by what it holds.
fn level(segment: &Segment) -> u32 {
    let weight = segment.count().max(segment.terms() / TERMS_PER_ENTRY);
    let mut size = INDEX_SEGMENT_ENTRIES_MAX as u32 * INDEX_FAN_IN as u32;
    let mut level = 0;
    while weight >= size && level < LEVELS {
        level += 1;
        size = size.saturating_mul(INDEX_FAN_IN as u32);
    }
    level
}

/// The newest run of enough segments of one level, as many of its first as one merge may hold.
fn due(segments: &[Arc<Segment>]) -> Option<Range<usize>> {
    let mut end = segments.len();
    for run in segments.chunk_by(|one, other| level(one) == level(other)).rev() {
        let start = end - run.len();
        end = start;
        if run.len() < INDEX_FAN_IN || level(&run[0]) == LEVELS {
            continue;
        }
        let mut terms = 0;
        let fitting = run[..INDEX_FAN_IN].iter().take_while(|segment| {
            terms += u64::from(segment.terms());
            terms <= INDEX_MERGED_TERMS_MAX
        });
        let count = fitting.count();
        if count > 1 {
            return Some(start..start + count);
        }
    }
    None
}

fn longest_first(mut segments: Vec<Segment>) -> Vec<Segment> {
    segments.sort_by_key(|segment| std::cmp::Reverse(segment.count()));
    segments
}

fn remove(path: &Path) -> Result<(), IndexError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
