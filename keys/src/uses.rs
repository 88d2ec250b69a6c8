//! Counts how often each long-lived key of a ring sealed, and ends that before two of its salts could be equal. Never counts too few:
//! what is durable covers every use before it happens, so a process that ends, however it does, loses counts and never uses.
//! A key that follows another begins a count of its own.
//!
//! ```text
//! file  = copy | copy
//! copy  = "GVUSES01" | (name u64 | uses that may have happened u64) for each place | tag 16
//! place = 4,096 subject buckets | 60 months | header | root
//! name  = epoch of the key that seals in the place, of a month below how often the place was taken by another; of the root key its id
//! tag   = keyed by the ring, over everything of the copy before it
//! ```
//! One copy is written over and synced, then the other, so one is whole at any moment and a full disk is no hindrance; of two that
//! are whole the higher number counts.
//!
//! No long-lived key is given to GCM: HKDF with a salt of 128 random bits makes a key of each use, and that encrypts once. So the limit
//! of NIST SP 800-38D section 8.3 that counts is that of the salts. Of q of them two are equal with a chance below q^2 / 2^129, which is
//! 2^-33 for [`KEY_USES_MAX`] = 2^48, and the standard allows 2^-32.
//!
//! The file lies beside the ring and not in it: a slot has no room left, and it is written more often. Whoever takes it away makes the
//! vault count from [`UNKNOWN_SHARE`] of the limit; whoever puts an older one back takes back what was counted since.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::ops::Deref;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use subtle::ConstantTimeEq;

use crate::bucket::Bucket;
use crate::error::KeyError;
use crate::file::{check_read_back, read_bounded, write_new};
use crate::keyring::{Content, Place};
use crate::limits::{
    BUCKETS, CONTEXT_MONTHS, KEY_USES_BLOCK, KEY_USES_MAX, KEY_USES_UPKEEP, KEY_USES_UPKEEP_BLOCK,
};
use crate::tags::charge_tag_under;

const MAGIC: [u8; 8] = *b"GVUSES01";
const TAG_LABEL: &[u8] = b"gridvault/uses/v1";
const TAG_BYTES: usize = 16;
const ENTRY_BYTES: usize = 16;
const MONTHS_START: usize = BUCKETS;
const HEADER_AT: usize = MONTHS_START + CONTEXT_MONTHS;
const ROOT_AT: usize = HEADER_AT + 1;
const PLACES: usize = ROOT_AT + 1;
const COPY_BYTES: usize = MAGIC.len() + PLACES * ENTRY_BYTES + TAG_BYTES;
const FILE_BYTES: usize = 2 * COPY_BYTES;
/// What is assumed of a key whose count is lost: this part of the limit, more than any vault has sealed in years.
const UNKNOWN_SHARE: u64 = 64;
/// A ring is sealed in two slots.
const SLOTS: u64 = 2;

/// How often a key may seal, and in which steps that is made durable ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseBounds {
    /// Uses of one key; never more than [`KEY_USES_MAX`].
    pub uses_max: u64,
    /// Uses that are made durable together.
    pub block: u64,
}

impl UseBounds {
    /// Those of a vault.
    pub const STANDARD: Self = Self { uses_max: KEY_USES_MAX, block: KEY_USES_BLOCK };

    /// The uses that are made durable of a key that has so many. What is kept beyond the limit is taken in small steps, so that the ends of
    /// processes do not take it away.
    fn ahead_of(self, used: u64) -> u64 {
        let ahead = used.saturating_add(self.block);
        if ahead < self.uses_max {
            return ahead;
        }
        (used.max(self.uses_max) + KEY_USES_UPKEEP_BLOCK).min(self.uses_max + KEY_USES_UPKEEP)
    }
}

/// How often the keys of one kind sealed at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUses {
    /// The kind, by a word of [`KeyUses::KINDS`].
    pub kind: &'static str,
    /// Uses of the one that was used most often, among those that seal now.
    pub most: u64,
    /// Uses that each of them may have.
    pub max: u64,
}

impl KeyUses {
    /// The words for the kinds, in the order in which they are told.
    pub const KINDS: [&'static str; 4] = ["subjects", "context", "header", "root"];

    /// Whether it has four fifths of its uses or more: time for another key.
    #[must_use]
    pub const fn is_near_its_end(&self) -> bool {
        self.most >= self.max - self.max / 5
    }
}

/// What is sealed with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealing {
    /// Whatever a vault keeps.
    Ordinary,
    /// What it takes to have another key: a few uses beyond the limit are kept for that.
    Upkeep,
}

/// The counts of a ring's keys.
pub(crate) struct Uses {
    counts: Box<[Count]>,
    bounds: UseBounds,
    /// Nothing for a ring without a file, whose uses end with the process.
    path: Option<PathBuf>,
    /// Whether the counts of before were not there, or were no counts of this ring.
    were_lost: bool,
    /// Held by the one who writes the file, until what is written is so here.
    turn: Mutex<()>,
}

#[derive(Default)]
struct Count {
    name: AtomicU64,
    used: AtomicU64,
    /// Uses that are durable.
    durable: AtomicU64,
}

/// What the file says of a place.
#[derive(Clone, Copy)]
struct Entry {
    name: u64,
    durable: u64,
}

impl Uses {
    /// Of a ring without a file.
    pub(crate) fn without_file() -> Self {
        let counts: Box<[Count]> = (0..PLACES).map(|_| Count::default()).collect();
        for count in &counts {
            count.durable.store(u64::MAX, Ordering::Relaxed);
        }
        let bounds = UseBounds::STANDARD;
        Self { counts, bounds, path: None, were_lost: false, turn: Mutex::default() }
    }

    /// Of a ring that was drawn just now: nothing sealed yet but the root key the ring.
    pub(crate) fn begun(
        ring: &Path,
        content: &Content,
        root: u64,
        bounds: UseBounds,
    ) -> Result<Self, KeyError> {
        Self::counting(ring, content, root, bounds, |_, _| 0)
    }

    /// Of a ring that was opened: what an earlier process made durable counts as used.
    pub(crate) fn continued(
        ring: &Path,
        content: &Content,
        root: u64,
        bounds: UseBounds,
    ) -> Result<Self, KeyError> {
        // A file that cannot be read is one that is lost.
        let read = read_bounded(&path_beside(ring), FILE_BYTES).ok().flatten();
        let before = read.and_then(|bytes| parse_both(&bytes, content));
        let unknown = bounds.uses_max / UNKNOWN_SHARE;
        // A key of a later name than the one that is kept follows that one: it did not seal before its name was kept. One of an earlier name
        // is of a ring that was put back. Names of root keys have no order.
        let used = |at: usize, name: u64| match before.as_ref().map(|entries| entries[at]) {
            Some(kept) if kept.name == name => kept.durable,
            Some(kept) if at != ROOT_AT && kept.name < name => 0,
            _ => unknown,
        };
        let is_before = |(at, name): (usize, u64), kept: &Entry| at != ROOT_AT && name < kept.name;
        let were_lost = before.as_ref().is_none_or(|entries| {
            names(content, root).enumerate().zip(entries).any(|(one, kept)| is_before(one, kept))
        });
        Ok(Self { were_lost, ..Self::counting(ring, content, root, bounds, used)? })
    }

    fn counting(
        ring: &Path,
        content: &Content,
        root: u64,
        bounds: UseBounds,
        used: impl Fn(usize, u64) -> u64,
    ) -> Result<Self, KeyError> {
        let bounds = UseBounds { uses_max: bounds.uses_max.min(KEY_USES_MAX), ..bounds };
        let path = Some(path_beside(ring));
        let uses = Self { bounds, path, ..Self::without_file() };
        let mut entries = Vec::with_capacity(PLACES);
        for (at, name) in names(content, root).enumerate() {
            // The ring may have been sealed already, before anybody counts.
            let used = used(at, name).saturating_add(if at == ROOT_AT { SLOTS } else { 0 });
            let count = &uses.counts[at];
            count.name.store(name, Ordering::Relaxed);
            count.used.store(used, Ordering::Relaxed);
            entries.push(Entry { name, durable: bounds.ahead_of(used) });
        }
        uses.write(content, &entries)?;
        uses.take_over(&entries);
        Ok(uses)
    }

    /// Whether the counts of before were not there: each key counts as used a good deal then.
    pub(crate) fn were_lost(&self) -> bool {
        self.were_lost
    }

    /// Counts a use of the key that seals in a place. Asked while that key cannot be replaced.
    ///
    /// # Errors
    /// [`KeyError::KeyUsedUp`], and [`KeyError::UsesUncounted`] where no further use is durable yet.
    pub(crate) fn take(&self, place: Place, sealing: Sealing) -> Result<(), KeyError> {
        match index_of(place) {
            Some(at) => self.take_at(at, 1, sealing),
            None => Ok(()),
        }
    }

    /// Counts that the ring is sealed anew, in both slots.
    pub(crate) fn take_root(&self) -> Result<(), KeyError> {
        self.take_at(ROOT_AT, SLOTS, Sealing::Upkeep)
    }

    fn take_at(&self, at: usize, uses: u64, sealing: Sealing) -> Result<(), KeyError> {
        let Count { used, durable, .. } = &self.counts[at];
        let beyond = if sealing == Sealing::Upkeep { KEY_USES_UPKEEP } else { 0 };
        let max = self.bounds.uses_max + beyond;
        let bound = max.min(durable.load(Ordering::Acquire));
        let next = |used: u64| used.checked_add(uses).filter(|next| *next <= bound);
        match used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(_) => Ok(()),
            Err(used) if used.saturating_add(uses) > max => Err(KeyError::KeyUsedUp),
            Err(_) => Err(KeyError::UsesUncounted),
        }
    }

    /// Makes further uses durable for each key that has used half of those that are. Waits for the disk where there is one such key.
    ///
    /// # Errors
    /// [`KeyError::Io`] and others of writing a file: then nothing further is durable.
    pub(crate) fn reserve<C: Deref<Target = Content>>(
        &self,
        content: impl FnOnce() -> C,
    ) -> Result<(), KeyError> {
        let _turn = self.turn();
        if self.path.is_none() {
            return Ok(());
        }
        let mut further = self.entries();
        let mut is_due = false;
        for (count, entry) in self.counts.iter().zip(&mut further) {
            let used = count.used.load(Ordering::Relaxed);
            let ahead = self.bounds.ahead_of(used);
            if entry.durable.saturating_sub(used).saturating_mul(2) < ahead.saturating_sub(used) {
                entry.durable = ahead;
                is_due = true;
            }
        }
        if !is_due {
            return Ok(());
        }
        self.write(&content(), &further)?;
        self.take_over(&further);
        Ok(())
    }

    /// Makes durable that other keys seal from now on, where some do. Here they count from [`Following::take_effect`] on, which is said while
    /// no key can be used. Where it could not be made durable they seal nothing in this process.
    ///
    /// # Errors
    /// As [`Uses::reserve`], beside what takes effect all the same.
    pub(crate) fn follow(
        &self,
        content: &Content,
        root: u64,
    ) -> (Following<'_>, Result<(), KeyError>) {
        let turn = self.turn();
        let kept = self.entries();
        let follows = |durable: u64| {
            let entry = |(kept, name): (&Entry, u64)| match kept.name == name {
                true => *kept,
                false => Entry { name, durable },
            };
            kept.iter().zip(names(content, root)).map(entry).collect::<Vec<Entry>>()
        };
        let mut entries = follows(self.first_ahead());
        let mut written = Ok(());
        if entries.iter().zip(&kept).any(|(next, kept)| next.name != kept.name) {
            written = self.write(content, &entries);
        }
        if written.is_err() {
            entries = follows(0);
        }
        (Following { uses: self, entries, _turn: turn }, written)
    }

    /// What the keys were used for so far.
    pub(crate) fn report(&self) -> [KeyUses; 4] {
        let max = self.bounds.uses_max;
        let most = |from: usize, to: usize| {
            let used = self.counts[from..to].iter().map(|count| count.used.load(Ordering::Relaxed));
            used.max().unwrap_or(0)
        };
        let counted = [
            most(0, MONTHS_START),
            most(MONTHS_START, HEADER_AT),
            most(HEADER_AT, ROOT_AT),
            most(ROOT_AT, PLACES),
        ];
        std::array::from_fn(|at| KeyUses { kind: KeyUses::KINDS[at], most: counted[at], max })
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn first_ahead(&self) -> u64 {
        if self.path.is_some() { self.bounds.ahead_of(0) } else { u64::MAX }
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |count: &Count| Entry {
            name: count.name.load(Ordering::Relaxed),
            durable: count.durable.load(Ordering::Relaxed),
        };
        self.counts.iter().map(entry).collect()
    }

    /// What is durable now. A key of another name begins at nothing.
    fn take_over(&self, entries: &[Entry]) {
        for (count, entry) in self.counts.iter().zip(entries) {
            if count.name.swap(entry.name, Ordering::Relaxed) != entry.name {
                count.used.store(0, Ordering::Relaxed);
            }
            count.durable.store(entry.durable, Ordering::Release);
        }
    }

    /// Writes one copy over, then the other; a crash leaves one of them whole.
    fn write(&self, content: &Content, entries: &[Entry]) -> Result<(), KeyError> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut copy = Vec::with_capacity(COPY_BYTES);
        copy.extend_from_slice(&MAGIC);
        for Entry { name, durable } in entries {
            copy.extend_from_slice(&name.to_be_bytes());
            copy.extend_from_slice(&durable.to_be_bytes());
        }
        let tag = charge_tag_under(content, TAG_LABEL, &copy);
        copy.extend_from_slice(&tag);
        let both = [&copy[..], &copy].concat();
        let file = match OpenOptions::new().write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                write_new(path, &both)?;
                return self.owned_as_the_ring(path);
            }
            opened => opened.map_err(KeyError::io("opening a file of counts"))?,
        };
        let written = [0, COPY_BYTES as u64].into_iter().try_for_each(|at| {
            file.write_all_at(&copy, at)?;
            file.sync_all()
        });
        // What somebody appended is no count.
        let written = written.and_then(|()| file.set_len(FILE_BYTES as u64));
        written.map_err(KeyError::io("writing a file of counts"))?;
        check_read_back(path, &both)
    }

    /// Whoever opened a ring of somebody else, as root does with a command, leaves a file that its owner can write.
    fn owned_as_the_ring(&self, path: &Path) -> Result<(), KeyError> {
        let owner = |path: &Path| {
            let found =
                std::fs::metadata(path).map_err(KeyError::io("looking at a file of keys"))?;
            Ok((found.uid(), found.gid()))
        };
        let ring = path.with_extension("");
        if !ring.exists() {
            return Ok(());
        }
        let (user, group) = owner(&ring)?;
        if (user, group) == owner(path)? {
            return Ok(());
        }
        std::os::unix::fs::chown(path, Some(user), Some(group))
            .map_err(KeyError::io("giving a file of counts to the ring's owner"))
    }
}

/// Other keys whose counts are durable, or that may not seal, and do not yet.
pub(crate) struct Following<'a> {
    uses: &'a Uses,
    entries: Vec<Entry>,
    _turn: MutexGuard<'a, ()>,
}

impl Following<'_> {
    /// From now on they do.
    pub(crate) fn take_effect(self) {
        self.uses.take_over(&self.entries);
    }
}

/// What is kept in the two copies, as far as they are whole and of this ring.
fn parse_both(bytes: &[u8], content: &Content) -> Option<Vec<Entry>> {
    let (one, other) = bytes.split_at_checked(COPY_BYTES)?;
    let (one, other) = match (parse(one, content), parse(other, content)) {
        (Some(one), Some(other)) => (one, other),
        (one, other) => return one.or(other),
    };
    // The second one is written last, so where they name two keys the first is that of now.
    let higher = |(one, other): (&Entry, &Entry)| match one.name == other.name {
        true => Entry { durable: one.durable.max(other.durable), ..*one },
        false => *one,
    };
    Some(one.iter().zip(&other).map(higher).collect())
}

fn parse(bytes: &[u8], content: &Content) -> Option<Vec<Entry>> {
    let (body, tag) = bytes.split_last_chunk::<TAG_BYTES>()?;
    let entries = body.strip_prefix(&MAGIC)?;
    if bytes.len() != COPY_BYTES
        || !bool::from(charge_tag_under(content, TAG_LABEL, body).ct_eq(tag))
    {
        return None;
    }
    let number = |half: &[u8]| Some(u64::from_be_bytes(*half.first_chunk()?));
    let entry =
        |bytes: &[u8]| Some(Entry { name: number(&bytes[..8])?, durable: number(&bytes[8..])? });
    entries.chunks_exact(ENTRY_BYTES).map(entry).collect()
}

/// The names of the keys that seal now.
fn names(content: &Content, root: u64) -> impl Iterator<Item = u64> {
    let epoch = move |place: Place| u64::from(content.newest(place).epoch);
    let buckets = (0..BUCKETS).map(move |number| {
        let number = u16::try_from(number).expect("there are fewer buckets");
        epoch(Place::SubjectBucket(Bucket::from_number(number).expect("it is in range")))
    });
    let turns = move |slot| u64::try_from(content.turns_of(slot)).expect("there are few") << 32;
    let months = (0..CONTEXT_MONTHS).map(move |slot| turns(slot) | epoch(Place::Month(slot)));
    buckets.chain(months).chain([epoch(Place::Header), root])
}

fn index_of(place: Place) -> Option<usize> {
    match place {
        Place::SubjectBucket(bucket) => Some(usize::from(bucket.number())),
        Place::Month(slot) => Some(MONTHS_START + slot),
        Place::Header => Some(HEADER_AT),
        _ => None,
    }
}

fn path_beside(ring: &Path) -> PathBuf {
    ring.with_extension("uses")
}

#[cfg(test)]
mod tests;
