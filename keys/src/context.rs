//! Seals the context of an audit entry (address, device, reason) under a key of its actor and month. Never reads a clock.
//! Destroying a month's key destroys the context of that month for every actor, and what is kept of it goes with it.
//!
//! `key of actor and month = HKDF-SHA256(month key, label, actor id)`; the sealed object's key id is `month << 32 | epoch`.

use std::sync::{Mutex, OnceLock, PoisonError};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::derive::{child_key, join};
use crate::error::KeyError;
use crate::keyring::Keyring;
use crate::limits::ACTOR_KEYS_MAX;
use crate::month::Month;
use crate::sealed::{KeyKind, SealingKey, key_id};
use crate::secret::KEY_BYTES;
use crate::state::KeyState;
use crate::uses::Sealing;

const ACTOR_LABEL: &str = "gridvault/context/v1";

impl Keyring {
    /// Seals the context of one entry of an actor in a month.
    ///
    /// # Errors
    /// [`KeyError::MonthNotHeld`] outside the 60 months that the keyring has places for ([`Keyring::months_ahead`]), [`KeyError::PlainTooLong`],
    /// [`KeyError::AssociatedTooLong`], [`KeyError::Randomness`]; [`KeyError::KeyUsedUp`] and [`KeyError::UsesUncounted`] where the
    /// month's key seals no more.
    pub fn seal_context(
        &self,
        month: Month,
        actor: &[u8; 16],
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        self.seal_context_as(Sealing::Ordinary, month, actor, associated, plain)
    }

    /// The same for the entries of what it takes to have another key: it is sealed a few times more where the month's is used up.
    ///
    /// # Errors
    /// As [`Keyring::seal_context`].
    pub fn seal_context_of_upkeep(
        &self,
        month: Month,
        actor: &[u8; 16],
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        self.seal_context_as(Sealing::Upkeep, month, actor, associated, plain)
    }

    fn seal_context_as(
        &self,
        sealing: Sealing,
        month: Month,
        actor: &[u8; 16],
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let key = self.actor_key(month, Wanted::Sealing(sealing), actor)?;
        key.sealing_key(actor).seal(&join(&[actor, associated]), plain)
    }

    /// Opens the context of one entry of an actor; the month is read from the sealed bytes.
    ///
    /// # Errors
    /// [`KeyError::MonthNotHeld`] and [`KeyError::MonthOutOfRange`] for a month without a key; else as
    /// [`crate::SubjectKey::open_section`], and [`KeyError::AssociatedTooLong`].
    pub fn open_context(
        &self,
        actor: &[u8; 16],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let id = key_id(KeyKind::Context, sealed)?.to_be_bytes();
        let [number, epoch] = [&id[..4], &id[4..]]
            .map(|half| u32::from_be_bytes(*half.first_chunk().expect("half of eight bytes")));
        let month = Month::from_number(number)?;
        let key = self.actor_key(month, Wanted::Epoch(epoch), actor)?;
        key.sealing_key(actor).open(&join(&[actor, associated]), sealed)
    }
}

impl Keyring {
    /// Destroys the keys of all months before this one: they are in neither slot then and not in memory, nor is what was derived
    /// from them. What was sealed in these months opens no more, wherever copies lie. Where there are none, nothing is done.
    ///
    /// # Errors
    /// [`KeyError::Randomness`], [`KeyError::KeyringUnwritable`], [`KeyError::ReadBack`], [`KeyError::Io`]: then it is not known
    /// that they are gone.
    pub fn destroy_months_before(&self, month: Month) -> Result<(), KeyError> {
        let gone = self.content().months_before(month);
        if gone.is_empty() {
            return Ok(());
        }
        self.replace(|content| Ok(content.without_months(&gone)))?;
        // Whoever derives one holds the content that has its key, and nobody does any more.
        self.actors.forget();
        Ok(())
    }

    /// Gives this month a next key, under which contexts are sealed from now on while those of before still open, and every later
    /// month another key; durable in both slots when it returns. The former key goes with its month.
    ///
    /// # Errors
    /// [`KeyError::MonthNotHeld`]; [`KeyError::ContextTurned`] where the month has a next one already;
    /// [`KeyError::TooManyBuckets`], [`KeyError::EpochsUsedUp`], [`KeyError::Randomness`], [`KeyError::KeyringUnwritable`],
    /// [`KeyError::ReadBack`], [`KeyError::Io`].
    pub fn turn_contexts(&self, month: Month) -> Result<(), KeyError> {
        let (present, newest) = self.context_epochs(month)?;
        if newest != present {
            return Err(KeyError::ContextTurned);
        }
        self.replace(|content| content.with_contexts_turned(month))?;
        self.actors.forget();
        Ok(())
    }

    /// How often the key in a month's place was replaced, counted from one, and the same of the one that seals now.
    ///
    /// # Errors
    /// [`KeyError::MonthNotHeld`].
    pub fn context_epochs(&self, month: Month) -> Result<(u32, u32), KeyError> {
        let content = self.content();
        Ok((content.month(month)?.epoch, content.newest_of(month)?.epoch))
    }

    /// The state of a month's key of an epoch; none for one that was not there yet, and for a month that the ring never had. Of one that
    /// was replaced before anything was sealed under it nothing is left.
    #[must_use]
    pub fn context_key_state(&self, month: Month, epoch: u32) -> Option<KeyState> {
        match self.context_epochs(month) {
            Ok((present, newest)) => KeyState::of(epoch, present, newest),
            Err(_) => self.content().had(month).then_some(KeyState::Destroyed),
        }
    }

    /// The months whose keys are destroyed and of which nobody said so yet ([`Keyring::months_are_told`]), in ascending order.
    #[must_use]
    pub fn months_untold(&self) -> Vec<Month> {
        self.content().months_untold()
    }

    /// For how many months from this one on the keyring has keys, itself included. As many as it has places for where the log's first
    /// entry is of this month, one less for each month that the log goes back.
    #[must_use]
    pub fn months_ahead(&self, month: Month) -> usize {
        self.content().months_from(month)
    }

    /// Keeps that somebody said of these months, whose keys are destroyed, that they are. As far as that is so of the first months of
    /// the ring, later ones have keys in their places from now on.
    ///
    /// # Errors
    /// As [`Keyring::destroy_months_before`].
    pub fn months_are_told(&self, months: &[Month]) -> Result<(), KeyError> {
        if months.is_empty() {
            return Ok(());
        }
        self.replace(|content| content.with_months_told(months))
    }
}

/// The key of one actor in one month.
struct ActorKey {
    id: u64,
    secret: Zeroizing<[u8; KEY_BYTES]>,
}

/// Which key of a month is wanted.
#[derive(Clone, Copy)]
enum Wanted {
    /// The one of this epoch, to open.
    Epoch(u32),
    /// The one that seals now, which counts it.
    Sealing(Sealing),
}

impl Keyring {
    /// The key of an actor under that of the month which is wanted.
    fn actor_key(
        &self,
        month: Month,
        wanted: Wanted,
        actor: &[u8; 16],
    ) -> Result<ActorKey, KeyError> {
        let content = self.content();
        let entry = match wanted {
            Wanted::Epoch(epoch) => content.month_of(month, epoch)?,
            Wanted::Sealing(sealing) => {
                let newest = content.newest_of(month)?;
                self.uses.take(content.place_of(month)?, sealing)?;
                newest
            }
        };
        let id = (u64::from(month.number()) << 32) | u64::from(entry.epoch);
        if let Some(secret) = self.actors.find(id, actor) {
            return Ok(ActorKey { id, secret });
        }
        let mut secret = Zeroizing::new([0; KEY_BYTES]);
        secret.copy_from_slice(child_key(entry.key, ACTOR_LABEL, actor)?.expose());
        self.actors.keep(id, actor, &secret);
        Ok(ActorKey { id, secret })
    }
}

/// Keys of actors that were derived before: deriving one is half of sealing a context, and whoever is at work has the next
/// entry soon. Never more than [`ACTOR_KEYS_MAX`]. Whoever holds the keyring could derive them, so keeping them tells
/// nothing more. Each has one slot, by the end of its actor's id, where it takes the place of whichever was there.
#[derive(Default)]
pub(crate) struct KeptActors(OnceLock<Box<[Mutex<Slot>]>>);

/// Empty where the id is 0, which no key has: no month has the number 0.
#[derive(Default)]
struct Slot {
    id: u64,
    actor: [u8; 16],
    secret: [u8; KEY_BYTES],
}

impl KeptActors {
    /// Nothing that is done under a slot's lock can panic half way, so a slot is whole whatever happened to its last holder.
    fn slot(&self, actor: &[u8; 16]) -> &Mutex<Slot> {
        let slots = self.0.get_or_init(|| (0..ACTOR_KEYS_MAX).map(|_| Mutex::default()).collect());
        &slots[usize::from(u16::from_be_bytes([actor[14], actor[15]])) % ACTOR_KEYS_MAX]
    }

    /// Copies a kept key to where it is needed.
    fn find(&self, id: u64, actor: &[u8; 16]) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
        let slot = self.slot(actor).lock().unwrap_or_else(PoisonError::into_inner);
        if slot.id != id || slot.actor != *actor {
            return None;
        }
        let mut secret = Zeroizing::new([0; KEY_BYTES]);
        secret.copy_from_slice(&slot.secret);
        Some(secret)
    }

    /// Wipes them all.
    fn forget(&self) {
        for slot in self.0.get().into_iter().flat_map(|slots| slots.iter()) {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            (slot.id, slot.actor) = (0, [0; 16]);
            slot.secret.zeroize();
        }
    }

    fn keep(&self, id: u64, actor: &[u8; 16], secret: &[u8; KEY_BYTES]) {
        let mut slot = self.slot(actor).lock().unwrap_or_else(PoisonError::into_inner);
        (slot.id, slot.actor) = (id, *actor);
        slot.secret.copy_from_slice(secret);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl ZeroizeOnDrop for Slot {}

impl ActorKey {
    fn sealing_key<'a>(&'a self, actor: &'a [u8; 16]) -> SealingKey<'a> {
        SealingKey { kind: KeyKind::Context, id: self.id, key: &self.secret, context: actor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::test_keyring;

    fn month(year: i32, number: u8) -> Month {
        Month::from_year_month(year, number).expect("in range")
    }

    #[test]
    fn context_opens_for_its_actor_and_entry_alone() {
        let keyring = test_keyring();
        let sealed =
            keyring.seal_context(month(2026, 4), &[1; 16], b"entry", b"reason").expect("sealing");
        let opened = keyring.open_context(&[1; 16], b"entry", &sealed);
        assert_eq!(opened.expect("own").as_slice(), b"reason");
        assert!(matches!(
            keyring.open_context(&[2; 16], b"entry", &sealed),
            Err(KeyError::Commitment)
        ));
        assert!(matches!(
            keyring.open_context(&[1; 16], b"other", &sealed),
            Err(KeyError::Unauthentic)
        ));
    }

    #[test]
    fn every_month_has_its_own_key() {
        let keyring = test_keyring();
        let mut sealed =
            keyring.seal_context(month(2026, 4), &[1; 16], b"", b"reason").expect("sealing");
        // The month's number ends in the seventh byte of the header.
        sealed[6] ^= 1;
        assert!(matches!(keyring.open_context(&[1; 16], b"", &sealed), Err(KeyError::Commitment)));
    }

    #[test]
    fn a_kept_key_is_found_by_its_own_actor_and_month_alone_and_the_newest_of_a_slot_stays() {
        let kept = KeptActors::default();
        let found = |id, actor: &[u8; 16]| kept.find(id, actor).map(|secret| *secret);
        let (one, mut other) = ([1; 16], [1; 16]);
        // Another actor of the same slot.
        other[0] = 2;
        assert_eq!(found(7, &[0; 16]), None);
        kept.keep(7, &one, &[11; KEY_BYTES]);
        assert_eq!(found(7, &one), Some([11; KEY_BYTES]));
        assert_eq!((found(8, &one), found(7, &other)), (None, None));
        kept.keep(7, &other, &[12; KEY_BYTES]);
        assert_eq!((found(7, &one), found(7, &other)), (None, Some([12; KEY_BYTES])));
        // The same actor in the next month.
        kept.keep(8, &other, &[13; KEY_BYTES]);
        assert_eq!((found(7, &other), found(8, &other)), (None, Some([13; KEY_BYTES])));
    }

    #[test]
    fn there_are_never_more_kept_keys_than_the_limit() {
        let kept = KeptActors::default();
        let actor = |number: usize| {
            let mut actor = [0; 16];
            actor[8..].copy_from_slice(&(number as u64).to_be_bytes());
            actor
        };
        let held = |numbers: std::ops::Range<usize>| {
            numbers.filter(|number| kept.find(7, &actor(*number)).is_some()).count()
        };
        (0..ACTOR_KEYS_MAX).for_each(|number| kept.keep(7, &actor(number), &[1; KEY_BYTES]));
        assert_eq!(held(0..ACTOR_KEYS_MAX), ACTOR_KEYS_MAX);
        kept.keep(7, &actor(ACTOR_KEYS_MAX), &[1; KEY_BYTES]);
        assert_eq!(held(0..ACTOR_KEYS_MAX + 1), ACTOR_KEYS_MAX);
        assert!(kept.find(7, &actor(0)).is_none());
    }

    #[test]
    fn context_sealed_with_a_kept_key_opens_with_a_derived_one() {
        let keyring = crate::keyring::fixed_keyring();
        keyring.seal_context(month(2026, 4), &[1; 16], b"entry", b"first").expect("sealing");
        let sealed =
            keyring.seal_context(month(2026, 4), &[1; 16], b"entry", b"reason").expect("sealing");
        let opened =
            crate::keyring::fixed_keyring().open_context(&[1; 16], b"entry", &sealed).expect("own");
        assert_eq!(opened.as_slice(), b"reason");
    }

    #[test]
    fn kept_keys_wipe_themselves() {
        fn wipes<T: ZeroizeOnDrop>() {}
        wipes::<Slot>();
    }

    #[test]
    fn months_outside_the_keyring_are_refused() {
        let keyring = test_keyring();
        for good in [month(2026, 3), month(2031, 2)] {
            assert!(keyring.seal_context(good, &[1; 16], b"", b"").is_ok());
        }
        for bad in [month(2026, 2), month(2031, 3)] {
            assert!(matches!(
                keyring.seal_context(bad, &[1; 16], b"", b""),
                Err(KeyError::MonthNotHeld)
            ));
        }
        let mut sealed = keyring.seal_context(month(2026, 3), &[1; 16], b"", b"").expect("sealing");
        sealed[3] = 0xff;
        assert!(matches!(
            keyring.open_context(&[1; 16], b"", &sealed),
            Err(KeyError::MonthOutOfRange)
        ));
    }
}
