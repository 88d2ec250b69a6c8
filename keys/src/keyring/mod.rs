//! Holds every key below the root, unlocked, for the time the vault is open. Never gives a key's bytes away.
//! What each key is for lies in a file of its own: `subject`, `attributes`, `context`, `index`, `tags`, `chain`, `sign`.
//! Keys are replaced while it is open: the file first, then what is held here. How often each sealed is counted by `uses`.

mod disk;
mod layout;
mod single;
mod slots;

#[cfg(test)]
mod header_tests;
#[cfg(test)]
mod index_tests;
#[cfg(test)]
mod reopening_tests;
#[cfg(test)]
mod root_tests;
#[cfg(test)]
mod single_tests;
#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

pub(crate) use layout::{Content, Entry, Place};
pub use single::{KeyEpochs, SingleKey};
pub use slots::{KeyringHealth, KeyringSlot, SlotFault};

use crate::bucket::Bucket;
use crate::context::KeptActors;
use crate::error::KeyError;
use crate::month::Month;
use crate::root::RootKey;
use crate::state::KeyState;
use crate::subject::WrappedUnder;
use crate::uses::{KeyUses, UseBounds, Uses};
use disk::{Disk, FileDisk};

/// The unlocked keyring: all keys in one buffer that is wiped on drop. It may be shared between threads.
pub struct Keyring {
    content: RwLock<Content>,
    pub(crate) actors: KeptActors,
    pub(crate) uses: Uses,
    ring: Option<Ring>,
}

/// Where the keyring is kept, and what seals it there. Whoever writes holds what it is sealed with, from its first look on.
struct Ring {
    disk: Box<dyn Disk>,
    sealed: Mutex<SealedWith>,
}

/// What both slots are sealed with.
struct SealedWith {
    root: RootKey,
    /// Nothing once a write failed, because nobody knows what the file holds until it is opened anew.
    generation: Option<u64>,
}

impl Ring {
    fn sealed(&self) -> MutexGuard<'_, SealedWith> {
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keyring {
    /// Draws all keys and writes them, sealed under `root`, to a new file of mode 0600. Its context keys begin with
    /// `first_month` and reach over 60 months ([`Keyring::months_are_told`]). Durable in both slots and read back when this returns. It keeps a copy of the
    /// root key, under which it is sealed again whenever keys of buckets are replaced.
    ///
    /// # Errors
    /// [`KeyError::FileExists`], [`KeyError::Randomness`], [`KeyError::ReadBack`], [`KeyError::Io`].
    pub fn create(path: &Path, root: &RootKey, first_month: Month) -> Result<Self, KeyError> {
        Self::create_within(path, root, first_month, UseBounds::STANDARD)
    }

    /// The same with keys that seal less often.
    ///
    /// # Errors
    /// As [`Keyring::create`].
    pub fn create_within(
        path: &Path,
        root: &RootKey,
        first_month: Month,
        bounds: UseBounds,
    ) -> Result<Self, KeyError> {
        let content = Content::generate(first_month)?;
        slots::create(path, root, &content)?;
        let uses = Uses::begun(path, &content, root.id(), bounds)?;
        let disk = Box::new(FileDisk::new(path));
        Ok(Self { uses, ..Self::kept_in(disk, root, content, slots::GENERATION_FIRST) })
    }

    /// Opens the newest whole slot under `root`. If the other slot is damaged or older it is made again from it, and the health
    /// says so. Both slots are written again, synced and read back even where nothing was wrong with them: when this returns they are
    /// whole, equal and durable, whatever became of the last write of the process before. It keeps a copy of the root key, as
    /// [`Keyring::create`] does. No other process may have the ring open.
    ///
    /// # Errors
    /// [`KeyError::KeyringDamaged`], [`KeyError::KeyringForeignRoot`], [`KeyError::KeyringFormat`],
    /// [`KeyError::KeyringSlotsDisagree`], [`KeyError::Randomness`], [`KeyError::ReadBack`], [`KeyError::Io`].
    pub fn open(path: &Path, root: &RootKey) -> Result<(Self, KeyringHealth), KeyError> {
        Self::open_within(path, root, UseBounds::STANDARD)
    }

    /// The same with keys that seal less often.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn open_within(
        path: &Path,
        root: &RootKey,
        bounds: UseBounds,
    ) -> Result<(Self, KeyringHealth), KeyError> {
        let slots::Opened { content, generation, health } = slots::open(path, root)?;
        let uses = Uses::continued(path, &content, root.id(), bounds)?;
        let disk = Box::new(FileDisk::new(path));
        Ok((Self { uses, ..Self::kept_in(disk, root, content, generation) }, health))
    }

    /// Makes further uses of the keys durable, ahead of those that happen; whoever has the ring open says so from time to time, and no
    /// use waits for it. Waits for the disk, seldom.
    ///
    /// # Errors
    /// [`KeyError::Io`] and others of writing a file: uses go on as far as they are durable.
    pub fn reserve_uses(&self) -> Result<(), KeyError> {
        self.uses.reserve(|| self.content())
    }

    /// How often the keys sealed, by kind.
    #[must_use]
    pub fn uses(&self) -> [KeyUses; 4] {
        self.uses.report()
    }

    /// Whether the counts of before were not there when the ring was opened, so that each key counts as used a good deal.
    #[must_use]
    pub fn uses_were_lost(&self) -> bool {
        self.uses.were_lost()
    }

    fn kept_in(disk: Box<dyn Disk>, root: &RootKey, content: Content, generation: u64) -> Self {
        let sealed = SealedWith { root: root.own_copy(), generation: Some(generation) };
        let ring = Some(Ring { disk, sealed: Mutex::new(sealed) });
        let (actors, uses) = (KeptActors::default(), Uses::without_file());
        Self { content: RwLock::new(content), actors, uses, ring }
    }

    /// The name of the root key that the ring is sealed under; nothing for one without a file, and for one whose write failed: only the next
    /// process knows what lies there then. Waits for whoever writes the file.
    #[must_use]
    pub fn root_id(&self) -> Option<u64> {
        let sealed = self.ring.as_ref()?.sealed();
        sealed.generation.map(|_| sealed.root.id())
    }

    /// Does something with the root key that the ring is sealed under. Waits for whoever writes the file.
    ///
    /// # Errors
    /// [`KeyError::KeyringUnwritable`] for a ring without a file, and for one whose write failed.
    pub(crate) fn with_root<T>(&self, act: impl FnOnce(&RootKey) -> T) -> Result<T, KeyError> {
        let ring = self.ring.as_ref().ok_or(KeyError::KeyringUnwritable)?;
        let sealed = ring.sealed();
        sealed.generation.ok_or(KeyError::KeyringUnwritable)?;
        Ok(act(&sealed.root))
    }

    /// Draws a next key for each of these buckets, as long as none was drawn, and makes them durable in both slots. From
    /// then on new subject keys are wrapped under the next keys, and those wrapped before still open: whoever stores them
    /// wraps them anew ([`Keyring::rewrapped`]) and lets no outdated one in any more ([`Keyring::is_outdated`]).
    ///
    /// # Errors
    /// [`KeyError::TermBucket`] for a number out of range; [`KeyError::TooManyBuckets`], [`KeyError::EpochsUsedUp`],
    /// [`KeyError::Randomness`]; [`KeyError::KeyringUnwritable`] once a write failed; [`KeyError::ReadBack`],
    /// [`KeyError::Io`]: whatever the file holds then, both keys of each bucket are in it or the present one alone.
    pub fn draw_next_bucket_keys(&self, buckets: &[u16]) -> Result<(), KeyError> {
        self.draw_next_in(buckets, Place::SubjectBucket)
    }

    /// The same in the places of subject or of index buckets.
    pub(crate) fn draw_next_in(
        &self,
        buckets: &[u16],
        place: fn(Bucket) -> Place,
    ) -> Result<(), KeyError> {
        let places = buckets.iter().map(|number| Bucket::from_number(*number).map(place));
        let places = places.collect::<Option<Vec<Place>>>().ok_or(KeyError::TermBucket)?;
        if places.iter().all(|place| self.content().next_of(*place).is_some()) {
            return Ok(());
        }
        self.replace(|content| content.with_next_keys(&places))
    }

    /// Puts these next keys in the places of the present ones, which are then in neither slot of the file and no more in memory:
    /// every subject key that was wrapped under one is destroyed, wherever copies lie. Those who stay must all have been
    /// wrapped anew, durably, since these next keys were asked for. A bucket that has no next key of that epoch, any more or
    /// yet, stays as it is, so whoever comes late with this destroys nothing of those who came after.
    ///
    /// # Errors
    /// [`KeyError::Randomness`], [`KeyError::KeyringUnwritable`], [`KeyError::ReadBack`], [`KeyError::Io`]: then it is not
    /// known that the old keys are gone.
    pub fn destroy_old_bucket_keys(&self, next: &[WrappedUnder]) -> Result<(), KeyError> {
        let held = self.next_bucket_keys();
        if !next.iter().any(|named| held.contains(named)) {
            return Ok(());
        }
        let place = |number| Bucket::from_number(number).map(Place::SubjectBucket);
        let named = next.iter().filter_map(|next| Some((place(next.bucket)?, next.epoch)));
        let named: Vec<(Place, u32)> = named.collect();
        self.replace(|content| Ok(content.promoted(&named)))
    }

    /// The next keys that buckets have beside the present ones, in ascending order.
    #[must_use]
    pub fn next_bucket_keys(&self) -> Vec<WrappedUnder> {
        let named = |(bucket, epoch)| WrappedUnder { bucket, epoch };
        self.content().rekeyed().into_iter().map(named).collect()
    }

    /// How often the key in a bucket's place has been replaced, counted from one. Keys of earlier epochs are destroyed.
    ///
    /// # Errors
    /// [`KeyError::TermBucket`] for a number out of range.
    pub fn bucket_epoch(&self, bucket: u16) -> Result<u32, KeyError> {
        let bucket = Bucket::from_number(bucket).ok_or(KeyError::TermBucket)?;
        Ok(self.content().at(Place::SubjectBucket(bucket)).epoch)
    }

    /// The state of the key of an epoch in a place; none for an epoch that there was not yet.
    pub(crate) fn state_in(&self, place: Place, epoch: u32) -> Option<KeyState> {
        let content = self.content();
        let (present, newest) = (content.at(place).epoch, content.newest(place).epoch);
        KeyState::of(epoch, present, newest)
    }

    /// Seals the ring under another root key, in both slots. Once one slot is, the caller puts the envelopes of that key in force;
    /// when this returns, the ring is in neither slot under the former key any more, and whatever is replaced later is sealed under
    /// the new one. At whichever step it stops, the ring opens with the envelopes that are in force then. Keys serve meanwhile; whoever
    /// replaces some waits. No other process may have the ring open.
    ///
    /// # Errors
    /// [`KeyError::KeyringUnwritable`], [`KeyError::Randomness`], [`KeyError::ReadBack`], [`KeyError::Io`], and what putting in force
    /// ends with: then the file is not written any more until it is opened anew.
    pub fn under_another_root(
        &self,
        root: &RootKey,
        put_in_force: impl FnOnce() -> Result<(), KeyError>,
    ) -> Result<(), KeyError> {
        let ring = self.ring.as_ref().ok_or(KeyError::KeyringUnwritable)?;
        let mut sealed = ring.sealed();
        let next = sealed.generation.take().ok_or(KeyError::KeyringUnwritable)? + 1;
        let content = self.content();
        slots::turn_root(&*ring.disk, root, next, &content, put_in_force)?;
        let (following, durable) = self.uses.follow(&content, root.id());
        drop(content);
        // Nobody seals meanwhile, as in `replace`.
        let held = self.content.write().unwrap_or_else(PoisonError::into_inner);
        following.take_effect();
        drop(held);
        durable?;
        self.uses.take_root()?;
        *sealed = SealedWith { root: root.own_copy(), generation: Some(next) };
        Ok(())
    }

    /// The file first: nothing is wrapped under a key that is not durable, and nothing counts as destroyed that the file
    /// still holds.
    pub(crate) fn replace(
        &self,
        change: impl FnOnce(&Content) -> Result<Content, KeyError>,
    ) -> Result<(), KeyError> {
        let ring = self.ring.as_ref().ok_or(KeyError::KeyringUnwritable)?;
        let mut sealed = ring.sealed();
        let next = sealed.generation.ok_or(KeyError::KeyringUnwritable)? + 1;
        // Held against the shape that the next process asks for, before the only copies are overwritten.
        let content = change(&self.content())?.checked()?;
        self.uses.take_root()?;
        sealed.generation = None;
        slots::replace(&*ring.disk, &sealed.root, next, &content)?;
        let (following, durable) = self.uses.follow(&content, sealed.root.id());
        let mut held = self.content.write().unwrap_or_else(PoisonError::into_inner);
        *held = content;
        // Nobody seals meanwhile: whoever does holds what is held here. What is on the disk is in force here too, whatever became of the counts:
        // else a key would go on sealing that the next process does not have.
        following.take_effect();
        drop(held);
        durable?;
        sealed.generation = Some(next);
        Ok(())
    }

    /// All keys, as they are now. Held for one use of a key and never while another is taken.
    pub(crate) fn content(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl From<Content> for Keyring {
    fn from(content: Content) -> Self {
        let (actors, uses) = (KeptActors::default(), Uses::without_file());
        Self { content: RwLock::new(content), actors, uses, ring: None }
    }
}

/// A keyring for tests, without a file.
#[cfg(test)]
pub(crate) fn test_keyring() -> Keyring {
    let first_month = Month::from_year_month(2026, 3).expect("in range");
    Content::generate(first_month).expect("randomness").into()
}

/// The keyring of the fixtures: the key of each entry is the entry's number, eight times in 32 bits.
#[cfg(test)]
pub(crate) fn fixed_keyring() -> Keyring {
    let first_month = Month::from_year_month(2026, 3).expect("in range");
    Content::fixed(first_month).into()
}
