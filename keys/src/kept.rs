//! Keeps the keys that one subject key derived last, so that a section that is opened again is not derived for again.
//! Never more than [`DERIVED_KEYS_MAX`], never a key of another subject, and never longer than the subject key itself.
//! They lie where they were first written, and are wiped there.

use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::limits::DERIVED_KEYS_MAX;
use crate::sealed::{DERIVED_BYTES, SALT_BYTES};

/// Derived keys by the salt of the object that they open. Whoever holds the subject key could derive them, so keeping them
/// tells nothing more; and what an object's place adds to its derivation is covered by its tag too, so a key that is found
/// by its salt opens nothing in another place.
#[derive(Default)]
pub(crate) struct KeptKeys(Mutex<Kept>);

/// No room before the first key.
#[derive(Default)]
struct Kept {
    slots: Option<Box<[Slot; DERIVED_KEYS_MAX]>>,
    /// How many were kept so far; the next one takes the place of the oldest.
    kept: usize,
}

struct Slot {
    salt: [u8; SALT_BYTES],
    derived: [u8; DERIVED_BYTES],
}

impl KeptKeys {
    /// Copies what was derived with a salt to where it is needed.
    pub(crate) fn find(&self, salt: &[u8; SALT_BYTES]) -> Option<Zeroizing<[u8; DERIVED_BYTES]>> {
        let kept = self.lock();
        let slots = kept.slots.as_ref()?;
        let held = slots.iter().take(kept.kept).find(|slot| slot.salt == *salt)?;
        let mut derived = Zeroizing::new([0; DERIVED_BYTES]);
        derived.copy_from_slice(&held.derived);
        Some(derived)
    }

    /// Keeps what was derived with a salt, in place of the oldest where it is full.
    pub(crate) fn keep(&self, salt: &[u8; SALT_BYTES], derived: &[u8; DERIVED_BYTES]) {
        let mut kept = self.lock();
        let Kept { slots, kept } = &mut *kept;
        let slots =
            slots.get_or_insert_with(|| Box::new([const { Slot::EMPTY }; DERIVED_KEYS_MAX]));
        // Two threads may have derived the same key at the same time.
        if slots.iter().take(*kept).any(|slot| slot.salt == *salt) {
            return;
        }
        let slot = &mut slots[*kept % DERIVED_KEYS_MAX];
        slot.salt = *salt;
        slot.derived.copy_from_slice(derived);
        *kept += 1;
    }

    /// A thread that panicked in here left slots that are whole: a key is compared with its commitment before it is used.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    const EMPTY: Slot = Slot { salt: [0; SALT_BYTES], derived: [0; DERIVED_BYTES] };
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.derived.zeroize();
    }
}

impl ZeroizeOnDrop for Slot {}

#[cfg(test)]
mod tests {
    use super::*;

    fn salt(number: u8) -> [u8; SALT_BYTES] {
        [number; SALT_BYTES]
    }

    fn derived(number: u8) -> [u8; DERIVED_BYTES] {
        [number; DERIVED_BYTES]
    }

    fn found(kept: &KeptKeys, number: u8) -> Option<[u8; DERIVED_BYTES]> {
        kept.find(&salt(number)).map(|derived| *derived)
    }

    #[test]
    fn a_key_is_found_by_its_own_salt_alone() {
        let kept = KeptKeys::default();
        assert_eq!(found(&kept, 0), None);
        kept.keep(&salt(1), &derived(11));
        assert_eq!(found(&kept, 1), Some(derived(11)));
        // The salt of an empty slot finds nothing.
        assert_eq!(found(&kept, 0), None);
    }

    #[test]
    fn there_are_never_more_than_the_limit_and_the_oldest_goes() {
        let kept = KeptKeys::default();
        let limit = u8::try_from(DERIVED_KEYS_MAX).expect("few");
        for number in 1..=limit {
            kept.keep(&salt(number), &derived(number));
        }
        assert!((1..=limit).all(|number| found(&kept, number) == Some(derived(number))));
        // One above the limit takes the place of the first.
        kept.keep(&salt(limit + 1), &derived(limit + 1));
        assert_eq!(found(&kept, 1), None);
        assert!((2..=limit + 1).all(|number| found(&kept, number) == Some(derived(number))));
    }

    #[test]
    fn a_key_derived_by_two_threads_at_once_is_kept_once() {
        let kept = KeptKeys::default();
        kept.keep(&salt(1), &derived(1));
        kept.keep(&salt(1), &derived(1));
        assert_eq!(kept.lock().kept, 1);
    }

    #[test]
    fn kept_keys_wipe_themselves() {
        fn wipes<T: ZeroizeOnDrop>() {}
        wipes::<Slot>();
    }
}
